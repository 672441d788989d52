//! The executable, called as people and workflows call it, with the real tools.

#![allow(clippy::unwrap_used, reason = "a test may fail where it stands")]

mod bad_input;
mod builds;
mod hostile;
mod support;
