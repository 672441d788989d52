// SPDX-License-Identifier: Apache-2.0
//! A small project in a folder of its own, and the executable that builds it.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
pub use testbed::step::run;

pub const MESON_BUILD: &str = "\
project('sample', 'c', version: '1.2.3', default_options: ['warning_level=2'])
shared_library('sample', 'src/sample.c', version: '1.2.3', install: true)
executable('sample-run', 'src/run.c', install: true)
import('pkgconfig').generate(name: 'sample', description: 'A sample', version: '1.2.3')
";

/// Where zig keeps what it makes of its C library; that serves all tests.
pub const ZIG_CACHE: &str = concat!(env!("CARGO_TARGET_TMPDIR"), "/zig");

/// Compiles without a warning and says where it was compiled.
pub const SAMPLE_C: &str = "\
const char *sample(void);
const char *sample(void) { return __FILE__; }
";

pub struct Project {
    folder: tempfile::TempDir,
}

impl Project {
    pub fn empty() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    pub fn new() -> Self {
        let project = Self::empty();
        project.write("meson.build", MESON_BUILD);
        project.write("src/sample.c", SAMPLE_C);
        project.write("src/run.c", "int main(void) { return 0; }\n");
        project
    }

    pub fn root(&self) -> PathBuf {
        self.folder.path().canonicalize().unwrap()
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.root().join(name)
    }

    pub fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    pub fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    /// The executable in the project's folder, with nothing of our environment but the tools.
    pub fn command(&self) -> Command {
        let mut command = Command::new(assert_cmd::cargo::cargo_bin!("vaccel-build"));
        command.current_dir(self.root()).env_clear().env("PATH", tools_path()).env("HOME", self.root());
        command
    }

    /// As a step of a workflow, with command files in `runner/`.
    pub fn step(&self) -> Command {
        let mut command = self.command();
        command.env("GITHUB_ACTIONS", "true").env("GITHUB_WORKSPACE", self.root());
        for name in ["GITHUB_OUTPUT", "GITHUB_ENV", "GITHUB_PATH", "GITHUB_STEP_SUMMARY"] {
            self.write(&format!("runner/{name}"), "");
            command.env(name, self.path(&format!("runner/{name}")));
        }
        command
    }

    /// Text without what differs from run to run.
    pub fn plain(&self, text: &str) -> String {
        let text = text.replace(&self.root().display().to_string(), "<project>");
        let text = text.replace(artifact::Arch::host().unwrap().as_str(), "<arch>");
        let replace = |text: String, pattern: &str, with: &str| {
            regex_lite::Regex::new(pattern).unwrap().replace_all(&text, with).into_owned()
        };
        let text = replace(text, r"\b\d+(\.\d+)? m?s\b", "0 ms");
        let text = replace(text, r"\b\d+(\.\d+)? k?B\b", "0 kB");
        replace(text, r"\b(gcc|meson) \d+\.\d+\.\d+", "$1 0.0.0")
    }
}

/// A search path with the pinned tools in front.
pub fn tools_path() -> OsString {
    testbed::tools::ensure(&|progress| eprintln!("{progress}")).unwrap().path()
}

/// A search path with this machine's programs except some.
pub fn path_without(project: &Project, unwanted: &[&str]) -> PathBuf {
    // Not in the project, from which programs of ours are not taken.
    let name = project.root().file_name().unwrap_or_default().to_string_lossy().into_owned();
    let bin = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("programs{name}"));
    fs::create_dir_all(&bin).unwrap();
    for folder in std::env::split_paths(&tools_path()) {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            if !unwanted.iter().any(|unwanted| name.contains(unwanted)) {
                // The first on the path wins.
                let _ = std::os::unix::fs::symlink(entry.path(), bin.join(name));
            }
        }
    }
    bin
}

/// Cargo as this test's user has it: its toolchains lie in the home folder.
pub fn with_cargo(command: &mut Command) -> &mut Command {
    for name in ["HOME", "CARGO_HOME", "RUSTUP_HOME", "RUSTUP_TOOLCHAIN"] {
        if let Some(value) = std::env::var_os(name) {
            command.env(name, value);
        }
    }
    command
}

pub fn files_below(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut todo = vec![folder.to_owned()];
    while let Some(next) = todo.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() && !path.is_symlink() {
                todo.push(path);
            } else {
                found.push(path.strip_prefix(folder).unwrap().display().to_string());
            }
        }
    }
    found.sort();
    found
}
