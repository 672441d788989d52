// SPDX-License-Identifier: Apache-2.0
//! Inputs and outputs of the action.

use crate::metadata::MetadataArgs;
use artifact::{Arch, BuildType, Cpu, PackageName, RefName, Sha256, SymbolVersion, Version};
use std::path::PathBuf;
use toolkit::List;

/// The inputs. `--version` is the package's here, not the program's.
#[derive(clap::Args, Clone, Debug)]
#[command(disable_version_flag = true)]
pub struct Args {
    /// The package's name.
    #[arg(long)]
    pub package: PackageName,

    /// The install tree: the folder that the build installed to, as if it were `/`.
    #[arg(long, default_value = "install")]
    pub destdir: PathBuf,

    /// Which files of the install tree are this package's, as globs of their paths from its top such as `usr/bin/*`, with
    /// `**` for any folders; absent, all.
    #[arg(long)]
    pub files: Option<List>,

    /// Digest that the install tree must have: the output `tree-sha256` of build. Without it, the
    /// digest in the build's record must fit, where there is one.
    #[arg(long)]
    pub tree_sha256: Option<Sha256>,

    /// The prefix that the tree was built for.
    #[arg(long, default_value = "/usr")]
    pub prefix: String,

    /// The source tree that the install tree was built from. Its commit dates and names the bundle.
    #[arg(long, default_value = ".")]
    pub source_path: PathBuf,

    /// The build folder. Its record, `vaccel-build.json`, tells the compiler, the options, the
    /// architecture and the build type.
    #[arg(long)]
    pub build_path: Option<PathBuf>,

    /// The architecture of the tree: `x86_64`, `aarch64` or `armv7l`. The default is that of the
    /// build, else of this machine.
    #[arg(long)]
    pub arch: Option<Arch>,

    /// The build type: `plain`, `debug`, `debugoptimized`, `release` or `minsize`. The default is
    /// that of the build, else `release`.
    #[arg(long)]
    pub build_type: Option<BuildType>,

    /// The version. By default it is read from `.version` in the source tree, else computed from
    /// git.
    #[arg(long = "version", id = "package-version", value_name = "VERSION")]
    pub version: Option<Version>,

    /// The branch or release tag that the bundle belongs to. The default is the one that this run
    /// is for.
    #[arg(long = "ref", id = "ref", value_name = "REF")]
    pub git_ref: Option<RefName>,

    /// What to make, separated by commas: of the tree `deb`, `tar.gz`, `tar.xz`, `tar.zst` and `so`; of
    /// the repository `source`; and `wheel`, the Python packages that the build put into `dist` in
    /// the build folder. The default is that of `.github/vaccel-ci.toml`, else `deb,tar.gz,so`.
    #[arg(long)]
    pub formats: Option<List>,

    /// Whether headers, pkg-config files, static libraries and the links for linkers go into a
    /// Debian package of their own, `<package>-dev`: `none` or `dev`. The default is that of
    /// `.github/vaccel-ci.toml`, else `none`.
    #[arg(long, hide_possible_values = true)]
    pub split: Option<Split>,

    /// Folders that the loader is made to search where the package is used, by a wrapper script that
    /// sets `LD_LIBRARY_PATH`, say. Libraries of the tree that the loader would not find are an error.
    #[arg(long)]
    pub loader_path: Option<List>,

    /// The newest glibc that the files may need, such as `2.31`. What they need is in the manifest.
    #[arg(long)]
    pub max_glibc: Option<SymbolVersion>,

    /// The best processor that the files may need, as far as they state it: `x86-64-v2`, `armv7+vfpv3-d16`.
    #[arg(long)]
    pub max_cpu: Option<Cpu>,

    /// Whether a software bill of materials is made, in the form of SPDX 2.3.
    #[arg(long, default_value_t = true)]
    pub sbom: bool,

    /// The folder for the bundle. It appears whole or not at all; an earlier bundle is replaced.
    #[arg(long, default_value = "dist")]
    pub output_path: PathBuf,

    /// What the package says about itself.
    #[command(flatten)]
    pub metadata: MetadataArgs,

    /// Folders of fetched packages that the tree was built against; libraries that lie there count
    /// as found.
    #[arg(long)]
    pub pkgconfig_prefix: Option<List>,

    /// The reusable workflow of vaccel-ci that stages, for the provenance; absent, the caller's own workflow is the builder.
    #[arg(long)]
    pub builder: Option<String>,

    /// Reports of `run-examples` about this tree. They become part of the bundle; a failed example
    /// is an error, for what did not pass is not staged.
    #[arg(long)]
    pub examples_report: Option<List>,
}

/// How the files of the tree are divided among Debian packages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Split {
    /// One package for everything.
    None,
    /// One to run it, and one to build against it.
    Dev,
}

impl Split {
    /// Whether development files have a package of their own.
    pub fn has_development(self) -> bool {
        self == Self::Dev
    }
}

toolkit::outputs! {
    /// What was staged.
    pub struct Outputs {
        /// The folder that holds the bundle.
        pub dist_path: PathBuf,
        /// The bundle's `manifest.json`.
        pub manifest: PathBuf,
        /// SHA-256 of `manifest.json`, for upload: it names everything else by digest.
        pub manifest_sha256: String,
        /// The same with what it is about, `<package>/<arch>/<build-type>=<digest>`, as upload takes it.
        pub identity: String,
        /// SHA-256 of the install tree.
        pub tree_sha256: String,
        /// The version that was staged.
        pub version: String,
        /// The names of the bundle's files, one per line.
        pub files: Vec<String>,
    }
}
