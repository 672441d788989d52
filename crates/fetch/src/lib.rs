// SPDX-License-Identifier: Apache-2.0
//! `fetch`: resolves published bundles, downloads the files that are wanted, and installs them.
//!
//! Resolution, verification and transfer are those of `registry`; this crate chooses bundles and files,
//! and installs what has been verified.

mod choice;
pub mod compression;
mod install;
mod listing;
mod machine;
mod missing;
mod plain;
mod provenance;
mod request;
mod resolve;
mod run;
mod summary;
pub mod unpack;

use artifact::{Arch, BuildType, BuildTypeError, Commit, PackageName, RefName, Sha256, Version};
use registry::{BasePath, PublicKeys, RemotePath, Requirement, StoreArgs};
use request::Requests;
use serde::Serialize;
use std::path::PathBuf;
use std::str::FromStr;
use toolkit::{Json, List, Result, Runner};

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

/// Build types in the order of preference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BuildTypes(Vec<BuildType>);

impl FromStr for BuildTypes {
    type Err = BuildTypeError;

    fn from_str(text: &str) -> Result<Self, BuildTypeError> {
        let mut types = Vec::new();
        for name in text.split([',', '\n']).map(str::trim).filter(|name| !name.is_empty()) {
            let build_type = name.parse()?;
            if !types.contains(&build_type) {
                types.push(build_type);
            }
        }
        if types.is_empty() { text.parse().map(|one| Self(vec![one])) } else { Ok(Self(types)) }
    }
}

/// Inputs of the action.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// The package.
    #[arg(long, required_unless_present = "packages", conflicts_with = "packages")]
    package: Option<PackageName>,
    /// Which version: a semantic version requirement (`^0.7`), a version, `latest` or `latest-dev`.
    #[arg(long, conflicts_with_all = ["git_ref", "packages"])]
    version: Option<Requirement>,
    /// A branch or release tag, instead of a version; or `auto`, see packages.
    #[arg(long = "ref", conflicts_with = "packages")]
    git_ref: Option<RefName>,
    /// Several packages, one per line: `name@^0.7`, `name@latest`, `name@ref:main` or `name@auto`; with ` in some/path` after
    /// it where a package has a place of its own in the store.
    ///
    /// `auto` is the branch of the same name as the one that the packages are fetched for, if it is published, else the
    /// branch that it is to be merged into, else default-branch; for a release it is the latest release. Their files come
    /// into a folder each below local-path.
    #[arg(long, conflicts_with = "remote_path")]
    packages: Option<Requests>,
    /// The branch or release tag that the packages are fetched for, where `auto` is asked for; absent, that of the run, else
    /// that of the work tree.
    #[arg(long)]
    for_ref: Option<RefName>,
    /// The branch that `auto` takes where there is no other.
    #[arg(long, default_value = "main")]
    default_branch: RefName,
    /// Architecture; absent, this machine's.
    #[arg(long)]
    arch: Option<Arch>,
    /// Build type; of several, such as `debug,release`, the first that is published.
    #[arg(long, default_value = "release")]
    build_type: BuildTypes,
    /// Which files, as glob patterns. A pattern that matches only a name with `latest` instead of the version, such as
    /// `*latest*`, saves the file under that name. Absent, what is installed, else all but packages of debug symbols.
    #[arg(long)]
    files: Option<List>,
    /// Succeed even if there is no such bundle, or no file of it that matches; `path` stays empty then.
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
    /// MiB that an archive may unpack to; 0 is a hundred times its own size, and at least 256.
    #[arg(long, default_value_t = 0)]
    max_unpacked_size: u64,
    /// How many files, folders, links and headers an archive may have.
    #[arg(long, default_value_t = 100_000)]
    max_entries: u64,
    /// How many files are fetched at the same time; 0 leaves it to the action.
    #[arg(long, default_value_t = 0)]
    concurrency: usize,
    /// Public keys of minisign, any of which fits, one a line; what none of them has signed is an error.
    #[arg(long)]
    public_key: Option<PublicKeys>,
    /// Further public keys, which are good for branches and indexes only.
    #[arg(long)]
    branch_public_key: Option<PublicKeys>,
    /// How old the index of a package may be, such as `7d`; older answers of a store are refused.
    #[arg(long)]
    max_age: Option<registry::Days>,
    /// A file that remembers the last serial of every signed index, so that an older one is refused.
    #[arg(long)]
    serial_file: Option<PathBuf>,
    /// Place of the package in the store below base-path, such as `plugins/torch`; absent, its name.
    #[arg(long)]
    remote_path: Option<RemotePath>,
    /// The repository that must have built the bundle, `<owner>/<name>`, or `<owner>/<name>@<workflow file>`; a bundle
    /// whose provenance says otherwise, or that has none, is an error.
    #[arg(long)]
    require_provenance: Option<provenance::Source>,
    #[command(flatten)]
    store: StoreArgs,
    /// Print what is published of the package, and fetch nothing.
    #[arg(long, default_value_t = false, conflicts_with = "packages", help_heading = toolkit::CLI_ONLY)]
    list: bool,
    /// Print it as JSON.
    #[arg(long, default_value_t = false, requires = "list", help_heading = toolkit::CLI_ONLY)]
    json: bool,
}

impl Args {
    /// What comes before the package's name, or its place.
    fn base_path(&self) -> BasePath {
        self.store.base_path().with_place(self.remote_path.clone())
    }
}

/// A bundle that was fetched, for whoever records what something was built against. What only a manifest says is absent
/// where there is none.
#[derive(Clone, Debug, Serialize)]
pub struct FetchedPackage {
    /// The package.
    pub package: PackageName,
    /// Its version.
    pub version: Option<Version>,
    /// Its branch or release tag.
    pub r#ref: RefName,
    /// Its commit.
    pub commit: Option<Commit>,
    /// Its architecture.
    pub arch: Arch,
    /// Its build type.
    pub build_type: BuildType,
    /// The digest of its manifest.
    pub manifest_sha256: Option<Sha256>,
}

toolkit::outputs! {
    /// Outputs of the action.
    pub struct Outputs {
        /// The version that was found; only where one package was asked for.
        pub version: Option<String>,
        /// Its branch or release tag.
        pub r#ref: Option<String>,
        /// Its commit.
        pub commit: Option<String>,
        /// What was found of each package, as JSON: name, version, ref, commit, architecture, build type and the digest of
        /// its manifest.
        pub packages: Option<Json<Vec<FetchedPackage>>>,
        /// The folder with the files.
        pub path: Option<PathBuf>,
        /// The files, one per line, as paths below it.
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
        "Resolves published bundles by semantic version or branch, verifies every byte of them, and installs them.";
    type Args = Args;
    type Outputs = Outputs;

    fn run(args: Args, runner: &Runner) -> Result<Outputs> {
        run::run(&args, runner)
    }
}
