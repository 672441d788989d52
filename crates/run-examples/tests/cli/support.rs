// SPDX-License-Identifier: Apache-2.0
//! A folder with an install tree and a script, and the executable that runs it.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
pub use testbed::step::run;

pub struct Project {
    folder: tempfile::TempDir,
}

impl Project {
    /// With this script in the usual place, and one program in the install tree.
    pub fn new(script: &str) -> Self {
        let project = Self { folder: tempfile::tempdir().unwrap() };
        project.program("install/usr/bin/hello", "#!/bin/sh\necho \"Hello, $1!\"\n");
        project.write(
            "install/usr/lib/pkgconfig/hello.pc",
            "prefix=${pcfiledir}/../..\nName: hello\nDescription: x\nVersion: 1.0\n",
        );
        project.program("scripts/run-examples.sh", &format!("#!/bin/sh\n{script}"));
        project
    }

    /// With this manifest in the usual place instead of a script.
    pub fn with_manifest(manifest: &str) -> Self {
        let project = Self::new("");
        fs::remove_dir_all(project.path("scripts")).unwrap();
        project.write("examples/examples.toml", manifest);
        project
    }

    /// A copy of a fixture.
    pub fn of_fixture(name: &str) -> Self {
        let project = Self { folder: tempfile::tempdir().unwrap() };
        let fixture = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures").join(name).join(".");
        let copied = Command::new("cp").arg("-a").arg(fixture).arg(project.root()).status().unwrap();
        assert!(copied.success());
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

    /// Writes a file that can be executed. Another process does, since one that another test starts just then would
    /// keep our file open for writing, and what is open for writing cannot be executed.
    pub fn program(&self, name: &str, text: &str) {
        self.write(name, "");
        let mut command = Command::new("sh");
        command.args(["-c", "printf '%s' \"$2\" >\"$1\" && chmod 755 \"$1\"", "sh"]).arg(self.path(name)).arg(text);
        assert!(command.status().unwrap().success(), "{name}");
    }

    pub fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    /// The executable in the project's folder, with a small environment.
    pub fn command(&self) -> Command {
        let mut command = Command::new(assert_cmd::cargo::cargo_bin!("vaccel-run-examples"));
        command.current_dir(self.root()).env_clear().env("PATH", std::env::var_os("PATH").unwrap());
        command.arg("--package=hello");
        command
    }

    /// As a step of a workflow, with command files in `runner/`.
    pub fn step(&self) -> Command {
        let mut command = self.command();
        command.env("GITHUB_ACTIONS", "true");
        for name in ["GITHUB_OUTPUT", "GITHUB_ENV", "GITHUB_PATH", "GITHUB_STEP_SUMMARY"] {
            self.write(&format!("runner/{name}"), "");
            command.env(name, self.path(&format!("runner/{name}")));
        }
        command
    }

    pub fn report(&self) -> artifact::ExampleReport {
        artifact::ExampleReport::parse(self.read("examples-report.json").as_bytes()).unwrap()
    }

    /// Name, outcome and detail of each example in the report, one a line.
    pub fn results(&self) -> String {
        let lines = self.report().examples.into_iter().map(|example| {
            let detail = example.detail.map_or_else(String::new, |detail| format!(": {detail}"));
            format!("{:?} {}{detail}", example.outcome, example.name)
        });
        lines.collect::<Vec<_>>().join("\n")
    }

    /// Text without what differs from run to run.
    pub fn plain(&self, text: &str) -> String {
        let text = text.replace(&self.root().display().to_string(), "<project>");
        let text = text.replace(artifact::Arch::host().unwrap().as_str(), "<arch>");
        regex_lite::Regex::new(r" *\b\d+(\.\d+)? m?s\b").unwrap().replace_all(&text, " 0 ms").into_owned()
    }
}

/// Waits until a process has ended; one that nobody has collected yet has.
pub fn assert_ended(pid: &str) {
    let stat = format!("/proc/{}/stat", pid.trim());
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(5);
    while std::fs::read_to_string(&stat).is_ok_and(|stat| !stat.contains(") Z ")) {
        assert!(std::time::Instant::now() < deadline, "process {} goes on", pid.trim());
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
}
