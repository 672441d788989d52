// SPDX-License-Identifier: Apache-2.0
//! `fetch`: resolves a published bundle, brings its files, and installs them.
//!
//! Resolution, verification and transfer are those of `registry`; this crate chooses files and
//! installs what has been verified.

mod choice;
mod install;
mod listing;
mod run;
mod summary;
mod unpack;

use artifact::{Arch, BuildType, PackageName, RefName};
use registry::{BasePath, PublicKey, RemotePath, Requirement, StoreArgs};
use std::path::PathBuf;
use toolkit::{List, Result, Runner};

/// The action.
pub struct Fetch;

/// What is done with the files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Install {
    /// Nothing.
    None,
    /// Debian packages are installed with dpkg, as root or through sudo.
    Deb,
    /// The archive is unpacked below install-prefix, without root.
    Prefix,
}

/// Inputs of the action.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// The package.
    #[arg(long)]
    package: PackageName,
    /// Which version: a semantic version requirement (`^0.7`), a version, `latest` or `latest-dev`.
    #[arg(long, conflicts_with = "git_ref")]
    version: Option<Requirement>,
    /// A branch or release tag, instead of a version.
    #[arg(long = "ref")]
    git_ref: Option<RefName>,
    /// Architecture; absent, this machine's.
    #[arg(long)]
    arch: Option<Arch>,
    /// Build type.
    #[arg(long, default_value = "release")]
    build_type: BuildType,
    /// Which files, as glob patterns; absent, all but packages of debug symbols.
    #[arg(long)]
    files: Option<List>,
    /// Let it pass that there is no such bundle, or no file of it that matches; `path` stays empty then.
    #[arg(long, default_value_t = false)]
    allow_missing: bool,
    /// Folder that gets the files.
    #[arg(long, default_value = "artifacts")]
    local_path: PathBuf,
    /// What is done with them: none, deb (dpkg) or prefix (unpacked below install-prefix).
    #[arg(long, value_enum, default_value_t = Install::None)]
    install: Install,
    /// Folder that the archive is unpacked to; its `usr/` comes below.
    #[arg(long, default_value = "prefix")]
    install_prefix: PathBuf,
    /// How many files are fetched at the same time; 0 leaves it to the action.
    #[arg(long, default_value_t = 0)]
    concurrency: usize,
    /// Public key of minisign; a manifest that it has not signed is an error.
    #[arg(long)]
    public_key: Option<PublicKey>,
    /// Place of the package in the store below base-path, such as `plugins/torch`; absent, its name.
    #[arg(long)]
    remote_path: Option<RemotePath>,
    #[command(flatten)]
    store: StoreArgs,
    /// Print the published versions of the package, and fetch nothing.
    #[arg(long, default_value_t = false, help_heading = toolkit::CLI_ONLY)]
    list: bool,
    /// Print them as JSON.
    #[arg(long, default_value_t = false, requires = "list", help_heading = toolkit::CLI_ONLY)]
    json: bool,
}

impl Args {
    /// What comes before the package's name, or its place.
    fn base_path(&self) -> BasePath {
        self.store.base_path().with_place(self.remote_path.clone())
    }
}

toolkit::outputs! {
    /// Outputs of the action.
    pub struct Outputs {
        /// The version that was found.
        pub version: Option<String>,
        /// Its branch or release tag.
        pub r#ref: Option<String>,
        /// Its commit.
        pub commit: Option<String>,
        /// The folder with the files.
        pub path: Option<PathBuf>,
        /// Names of the files, one per line.
        pub files: Option<Vec<String>>,
        /// The files with the digests that were verified, `<path>=<sha256>`, one per line.
        pub verified: Option<Vec<String>>,
        /// Whether something was installed.
        pub installed: Option<bool>,
        /// Folders for `PKG_CONFIG_PATH`, where something was installed.
        pub pkg_config_path: Option<String>,
        /// Folders for `LD_LIBRARY_PATH`, where something was installed.
        pub library_path: Option<String>,
    }
}

impl toolkit::Action for Fetch {
    const NAME: &'static str = "fetch";
    const TITLE: &'static str = "Fetch";
    const DESCRIPTION: &'static str =
        "Resolves a published bundle by semantic version, verifies every byte of it, and installs it.";
    type Args = Args;
    type Outputs = Outputs;

    fn run(args: Args, runner: &Runner) -> Result<Outputs> {
        run::run(&args, runner)
    }
}
