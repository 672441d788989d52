// SPDX-License-Identifier: Apache-2.0
//! The executable, called as people and workflows call it, with the real tools.

#![allow(clippy::unwrap_used, reason = "a test may fail where it stands")]

mod backends;
mod bad_input;
mod builds;
mod cargo;
mod checks;
mod cross;
mod golang;
mod hostile;
mod python;
mod support;
