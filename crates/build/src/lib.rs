// SPDX-License-Identifier: Apache-2.0
//! The `build` action: a source tree becomes an install tree.
//!
//! The tree is built for its final prefix and installed under a folder of its own, so that the
//! examples run against the very files that are packaged. [`run`] reads as the list of steps;
//! what a build system does in each is in [`backend`].

mod apt;
pub mod backend;
mod copy;
pub mod coverage;
mod dependencies;
pub mod diagnostics;
mod environment;
mod install;
pub mod junit;
mod missing_package;
mod options;
mod report;
mod revision;
mod run;
mod section;
mod settings;
mod state;
mod steps;
mod submodules;
mod suppressions;
mod toolchain;

pub use options::{BuildOption, Options, OptionsError};

use crate::backend::Choice;
use artifact::{Arch, BuildType};
use clap::ValueEnum;
use std::path::PathBuf;
use toolkit::{Action, List, PassEnv, Result, Runner};

/// The action.
pub struct Build;

/// Whether the project's tests run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum TestMode {
    /// Do not run them.
    None,
    /// Run them; one that fails fails the build.
    Run,
    /// Run them under valgrind; an error or a leak is a failure.
    Valgrind,
}

/// Whether compilers are called through a cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum CompilerCache {
    /// ccache or sccache, if one is there.
    Auto,
    /// None.
    Off,
}

/// The inputs. Paths are relative to the working directory.
#[derive(clap::Args, Clone, Debug)]
pub struct Args {
    /// Folder of the source tree.
    #[arg(long, default_value = ".")]
    pub source_path: PathBuf,
    /// Folder to build in; kept from run to run, only what changed is built again.
    #[arg(long, default_value = "build")]
    pub build_path: PathBuf,
    /// Folder that receives the install tree, in place of an earlier one.
    #[arg(long, default_value = "install")]
    pub destdir: PathBuf,
    /// Where the files will live on the machine that installs the package.
    #[arg(long, default_value = "/usr")]
    pub prefix: PathBuf,
    /// Build system: auto, meson, cargo, go, python (wheel and source archive, in `dist` of the build folder), or script for the `command` in the section `[build]` of `.github/vaccel-ci.toml`.
    #[arg(long, value_enum, default_value_t = Choice::Auto)]
    pub backend: Choice,
    /// Debugging and optimisation: plain, debug, debugoptimized, release or minsize.
    #[arg(long, default_value = "release")]
    pub build_type: BuildType,
    /// Architecture to build for: `x86_64`, `aarch64` or `armv7l`; this machine's if empty. For another than this machine's the GNU cross compiler is used, else zig.
    #[arg(long)]
    pub arch: Option<Arch>,
    /// Options of the build system, `name=value`, separated by commas or line breaks.
    #[arg(long)]
    pub options: Option<Options>,
    /// Folders of fetched dependencies, separated by commas or line breaks; pkg-config and the linker look there first.
    #[arg(long)]
    pub pkgconfig_prefix: Option<List>,
    /// Install what subprojects install, too.
    #[arg(long, default_value_t = true)]
    pub subprojects: bool,
    /// What to do with the project's tests: none, run them, or run them under valgrind.
    #[arg(long, value_enum, default_value_t = TestMode::None)]
    pub test: TestMode,
    /// Measure which lines the tests reach, with gcovr, cargo-llvm-cov, coverage.py or Go itself; needs `test`. What is installed is built for that, too: do not publish it.
    #[arg(long, default_value_t = false)]
    pub coverage: bool,
    /// Call compilers through a cache: auto for ccache or sccache if there is one, or off.
    #[arg(long, value_enum, default_value_t = CompilerCache::Auto)]
    pub compiler_cache: CompilerCache,
    /// Parallel jobs; 0 means as many as the machine can take.
    #[arg(long, default_value_t = 0)]
    pub jobs: u32,
    /// Treat compiler warnings as errors.
    #[arg(long, default_value_t = false)]
    pub werror: bool,
    /// Environment variables that code of the repository may see besides the usual ones, separated by commas or line
    /// breaks; `MODEL_*` names all that begin so. Names that look like credentials are refused.
    #[arg(long)]
    pub pass_env: Option<PassEnv>,
}

toolkit::outputs! {
    /// What came of the build.
    pub struct Outputs {
        /// Folder that holds the install tree.
        pub destdir: PathBuf,
        /// Folder that it was built in; its `vaccel-build.json` says how.
        pub build_path: PathBuf,
        /// Version of the source tree, from `.version` or git; what the project itself says if neither knows.
        pub version: String,
        /// Compiler and its version.
        pub compiler: String,
        /// Architecture that was built for.
        pub arch: String,
        /// Results of the project's tests as JUnit XML; empty if they did not run.
        pub test_report: PathBuf,
        /// Lines that the tests reach, as Cobertura XML; empty if that was not measured.
        pub coverage_report: PathBuf,
        /// SHA-256 of the install tree, for run-examples and stage-artifacts.
        pub tree_sha256: String,
        /// Number of different compiler warnings.
        pub warnings: usize,
    }
}

impl Action for Build {
    const NAME: &'static str = "build";
    const TITLE: &'static str = "Build";
    const DESCRIPTION: &'static str = "Build a source tree and install it into a folder, ready to be run and packaged.";
    type Args = Args;
    type Outputs = Outputs;

    fn run(args: Args, runner: &Runner) -> Result<Outputs> {
        run::run(args, runner).map_err(missing_package::explain)
    }
}
