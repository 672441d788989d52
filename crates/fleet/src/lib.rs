// SPDX-License-Identifier: Apache-2.0
//! `fleet`: renders the runner fleet from `.github/runners.toml`, and checks that a runner is what its tag says.
//!
//! What is rendered is a pure function of the registry, a site and the record of images; `output` compares it
//! with a folder or writes it. It never talks to a cluster, to Incus or to GitHub.

#![allow(clippy::format_collect)] // short lists, read more easily so

mod command;
mod doctor;
mod images;
mod output;
mod pins;
mod registry_file;
pub mod render;
mod sets;
mod yaml;

pub use command::{Fleet, main};
pub use doctor::Doctor;
pub use images::Images;
