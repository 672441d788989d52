// SPDX-License-Identifier: Apache-2.0
//! The runner protocol: inputs, outputs, commands, masks and summaries of a CI step, and running
//! programs inside one.
//!
//! An action is a type that implements [`Action`]; [`main`] makes an executable of it that works
//! as a GitHub Actions step and as a command-line program. This crate knows the runner and the
//! operating system and nothing of what the actions do.

mod action;
pub mod annotation;
pub mod command;
mod environment;
pub mod event;
mod failure;
pub mod file_command;
pub mod git;
mod guard;
mod hand_over;
pub mod human;
mod input;
pub mod junit;
pub mod markdown;
mod output;
mod program;
mod runner;
mod runtime_folder;
mod search_path;
pub mod signals;
mod step_failure;
mod supervisor;
pub mod text;
mod toml_file;
mod write_file;
pub mod xml;

pub use action::{Action, CLI_ONLY, Definition, InputDefinition, definition, main, main_by_name, main_with};
pub use annotation::{Annotation, Level};
pub use environment::{PassEnv, PassEnvError, repository_environment};
pub use failure::{Failure, Result, ResultExt, Status};
pub use hand_over::hand_over;
pub use input::{List, Secret};
pub use output::{Json, OutputDefinition, OutputValue, Outputs, output_name};
pub use program::{Collected, End, Exit, Finished, Observed, Program, Render, RunError, Stream, Tool, Unseen, on_path};
pub use runner::{Group, GuardError, Runner};
pub use runtime_folder::provide_runtime_folder;
pub use search_path::SearchPaths;
pub use step_failure::StepFailure;
pub use supervisor::{Supervisor, Survivors};
pub use toml_file::{TooDeep, check_toml, read_text, read_toml};
pub use write_file::write_file;
