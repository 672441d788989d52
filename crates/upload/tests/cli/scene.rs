// SPDX-License-Identifier: Apache-2.0
//! What every test has: one server per test binary, a bundle, and a folder.

use assert_cmd::Command;
use std::fs;
use std::path::PathBuf;
pub use testbed::s3::shared as server;
pub use testbed::step::outputs;

pub const DEB: &str = "hello_0.3.0-1_amd64.deb";
pub const ARCHIVE: &str = "hello_0.3.0_x86_64.tar.gz";

/// What a run said.
pub struct Said {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

/// A folder, and a place on the store that no other test has.
pub struct Scene {
    folder: tempfile::TempDir,
    base: &'static str,
}

impl Scene {
    pub fn new(base: &'static str) -> Self {
        let scene = Self { folder: tempfile::tempdir().unwrap(), base };
        scene.bundle("v0.3.0", "deb");
        scene
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn read(&self, name: &str) -> String {
        self.shown(&fs::read_to_string(self.path(name)).unwrap())
    }

    /// Makes `dist` a bundle of version 0.3.0 with these bytes in its Debian package.
    pub fn bundle(&self, git_ref: &str, deb: &str) {
        self.bundle_of(git_ref, "0.3.0", deb);
    }

    /// The same of another version, which is another commit.
    pub fn bundle_of(&self, git_ref: &str, version: &str, deb: &str) {
        let mut manifest = testbed::bundle::manifest(git_ref, version).unwrap();
        if version != "0.3.0" {
            manifest.commit = artifact::Sha256::of(version.as_bytes()).to_string()[..40].parse().unwrap();
        }
        testbed::bundle::write(&self.path("dist"), manifest, [(DEB, deb), (ARCHIVE, "archive")]).unwrap();
    }

    /// The executable with no environment but `PATH`, and with no inputs.
    pub fn bare(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_vaccel-upload"));
        command.env_clear().env("PATH", std::env::var_os("PATH").unwrap()).current_dir(self.folder.path());
        command
    }

    /// With the store as inputs.
    pub fn command(&self) -> Command {
        let mut command = self.bare();
        command.envs(server().inputs()).env("INPUT_BASE_PATH", self.base);
        command
    }

    /// The same as a step of a job, whose files are `output` and `summary`.
    pub fn job(&self) -> Command {
        let mut command = self.command();
        command.env("GITHUB_ACTIONS", "true");
        for (variable, name) in [("GITHUB_OUTPUT", "output"), ("GITHUB_STEP_SUMMARY", "summary")] {
            fs::write(self.path(name), "").unwrap();
            command.env(variable, self.path(name));
        }
        command
    }

    pub fn run(&self, mut command: Command) -> Said {
        let output = command.output().unwrap();
        Said {
            code: output.status.code().unwrap(),
            stdout: self.shown(&String::from_utf8(output.stdout).unwrap()),
            stderr: self.shown(&String::from_utf8(output.stderr).unwrap()),
        }
    }

    /// Text with what differs from run to run replaced.
    pub fn shown(&self, text: &str) -> String {
        text.replace(&server().endpoint(), "STORE").replace(&self.folder.path().display().to_string(), "FOLDER")
    }

    /// Runs with these arguments instead of the inputs of the same name; gives status and messages.
    pub fn fails(&self, arguments: &[&str]) -> String {
        let mut command = self.command();
        command.args(arguments);
        let said = self.run(command);
        assert_eq!(said.stdout, "", "{arguments:?}");
        format!("{}: {}", said.code, said.stderr)
    }
}
