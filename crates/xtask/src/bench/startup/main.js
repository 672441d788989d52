// SPDX-License-Identifier: Apache-2.0
const core = require("@actions/core");

core.setOutput("greeting", `Hello, ${core.getInput("who")}!`);
