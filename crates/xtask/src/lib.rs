// SPDX-License-Identifier: Apache-2.0
//! Developer tasks. Each module is one task; `main.rs` only chooses.

pub mod act;
mod action_page;
mod action_yml;
pub mod audit;
pub mod bench;
pub mod ci;
pub mod demo;
pub mod dist;
pub mod fuzz;
pub mod generate;
pub mod git;
mod manifest;
mod process;
pub mod release;
pub mod s3;
pub mod test;
pub mod workflow;
pub mod wrappers;
