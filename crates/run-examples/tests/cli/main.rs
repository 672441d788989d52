// SPDX-License-Identifier: Apache-2.0
//! The executable, called as people and workflows call it.

#![allow(clippy::unwrap_used, reason = "a test may fail where it stands")]

mod bad_input;
mod corpus;
mod fixtures;
mod machine;
mod manifest;
mod regressions;
mod runs;
mod support;
mod tree;
