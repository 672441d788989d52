// SPDX-License-Identifier: Apache-2.0
//! Packages an install tree as a bundle: the tree that the examples ran against becomes, byte for
//! byte, what is published.
//!
//! [`run`] reads as the steps; each package format is a file of its own behind
//! [`format::Format`].

mod archive;
mod args;
mod chain;
mod compress;
mod configuration;
mod deb;
mod examples;
mod file;
pub mod format;
mod licence;
mod metadata;
mod origin;
mod output_folder;
mod provenance;
mod requires;
mod run;
mod sbom;
mod shared_library;
mod source;
mod subject;
mod summary;
mod tar_gz;
mod tar_xz;
mod tar_zst;
pub mod tree;
mod wheel;

pub use args::{Args, Outputs};
pub use metadata::{Metadata, MetadataArgs};
pub use origin::Origin;
pub use run::run;
pub use subject::Subject;

use toolkit::{Action, Result, Runner};

/// The action.
pub struct StageArtifacts;

impl Action for StageArtifacts {
    const NAME: &'static str = "stage-artifacts";
    const TITLE: &'static str = "Stage artifacts";
    const DESCRIPTION: &'static str = "Packages an install tree, byte for byte, as a bundle with Debian package, archive, libraries, digests and manifest.";
    type Args = Args;
    type Outputs = Outputs;

    fn run(args: Args, runner: &Runner) -> Result<Outputs> {
        run(&args, runner)
    }
}
