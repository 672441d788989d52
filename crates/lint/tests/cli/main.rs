// SPDX-License-Identifier: Apache-2.0
//! The executable, with linters that the tests make: shell scripts on a `PATH` of their own.

#![allow(clippy::unwrap_used, reason = "a test may fail where it stands")]

mod bad_input;
mod changes;
mod configuration;
mod hostile;
mod mending;
mod schedule;
mod scope;
mod trust;

use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// A linter that says `bad` of every line with `BAD`, one line of output each.
const GREP: &str = r#"
[lint]
linters = ["grep"]
[lint.linter.grep]
category = "code"
homepage = "https://example.org"
files.globs = ["*.txt"]
run = { program = "lint-grep", args = ["{files}"] }
read = { format = "regex", pattern = '^(?P<path>.+?):(?P<line>\d+): (?P<message>.*)$', severities = { "*" = "error" } }
"#;

/// Its program.
const GREP_SCRIPT: &str = r#"
[ "$1" != --version ] || { echo lint-grep 1.2.3; exit; }
status=0
for file; do
    number=0
    while IFS= read -r line; do
        number=$((number + 1))
        case $line in *BAD*) printf '%s:%s: bad\n' "$file" "$number"; status=1 ;; esac
    done < "$file"
done
exit $status
"#;

/// A repository, programs, and a place for what is written.
struct Scene {
    folder: tempfile::TempDir,
}

impl Scene {
    /// A repository with the linter `grep` and nothing else.
    fn new() -> Self {
        let scene = Self::with(GREP);
        scene.program("lint-grep", GREP_SCRIPT);
        scene
    }

    /// A repository with these settings.
    fn with(settings: &str) -> Self {
        let scene = Self { folder: tempfile::tempdir().unwrap() };
        for folder in ["repository", "bin", "out"] {
            fs::create_dir(scene.folder.path().join(folder)).unwrap();
        }
        scene.git(&["init", "--quiet", "--initial-branch=main"]);
        scene.write(".github/vaccel-ci.toml", settings);
        scene
    }

    /// The repository.
    fn root(&self) -> PathBuf {
        self.folder.path().canonicalize().unwrap().join("repository")
    }

    /// A path for something that is written.
    fn out(&self, name: &str) -> PathBuf {
        self.folder.path().join("out").join(name)
    }

    /// Writes a file of the repository.
    fn write(&self, name: impl AsRef<Path>, text: &str) {
        let path = self.root().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// Reads a file of the repository.
    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.root().join(name)).unwrap()
    }

    /// Makes a program from the lines of a shell script.
    fn program(&self, name: &str, script: &str) {
        let path = self.folder.path().join("bin").join(name);
        fs::write(&path, format!("#!/bin/sh\n{script}")).unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// Runs git in the repository.
    fn git(&self, arguments: &[&str]) -> String {
        git(&self.root(), arguments)
    }

    /// Commits everything; gives the hash.
    fn commit(&self) -> String {
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--allow-empty", "--message", "feat: go on"]);
        self.git(&["rev-parse", "HEAD"])
    }

    /// Runs the action on a laptop.
    fn laptop(&self, arguments: &[&str]) -> Told {
        self.run(&self.root(), arguments, &[])
    }

    /// Runs the action in a pull request against a base commit.
    fn pull_request(&self, base: &str, arguments: &[&str]) -> Told {
        self.pull_request_of(&self.root(), base, arguments)
    }

    /// The same for another clone.
    fn pull_request_of(&self, root: &Path, base: &str, arguments: &[&str]) -> Told {
        let payload = serde_json::json!({ "pull_request": { "base": { "sha": base } } });
        self.event(root, "pull_request", &payload, arguments)
    }

    /// Runs the action in a workflow for an event.
    fn event(&self, root: &Path, name: &str, payload: &serde_json::Value, arguments: &[&str]) -> Told {
        fs::write(self.out("event.json"), payload.to_string()).unwrap();
        for file in ["summary", "output", "env"] {
            fs::write(self.out(file), "").unwrap();
        }
        let variables = [
            ("GITHUB_ACTIONS", PathBuf::from("true")),
            ("GITHUB_EVENT_NAME", name.into()),
            ("GITHUB_EVENT_PATH", self.out("event.json")),
            ("GITHUB_STEP_SUMMARY", self.out("summary")),
            ("GITHUB_OUTPUT", self.out("output")),
            ("GITHUB_ENV", self.out("env")),
            ("GITHUB_TOKEN", "secret".into()),
        ];
        self.run(root, arguments, &variables)
    }

    /// An output that the last run in a workflow wrote.
    fn written(&self, name: &str) -> String {
        let outputs = fs::read_to_string(self.out("output")).unwrap();
        let mut lines = outputs.lines().skip_while(|line| !line.starts_with(&format!("{name}<<")));
        let end = lines.next().unwrap_or_else(|| panic!("no output {name} in {outputs}")).split_once("<<").unwrap().1;
        lines.take_while(|line| *line != end).collect::<Vec<_>>().join("\n")
    }

    /// Runs the action on a folder, in an environment of its own.
    fn run(&self, root: &Path, arguments: &[&str], variables: &[(&str, PathBuf)]) -> Told {
        Told::of(&self.command(root, arguments, variables).output().unwrap())
    }

    /// The action, ready to run.
    fn command(&self, root: &Path, arguments: &[&str], variables: &[(&str, PathBuf)]) -> Command {
        let mut path = self.folder.path().join("bin").into_os_string();
        path.push(":/usr/bin:/bin");
        let mut command = Command::new(assert_cmd::cargo::cargo_bin!("vaccel-lint"));
        command.current_dir(root).args(arguments).env_clear().env("PATH", path).env("HOME", self.folder.path());
        command.envs(variables.iter().map(|(name, value)| (OsStr::new(name), value.as_os_str())));
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }
}

/// Runs git in a folder, the same for everybody.
fn git(folder: &Path, arguments: &[&str]) -> String {
    let output = Command::new("git")
        .current_dir(folder)
        .args(["-c", "user.name=T", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false"])
        .args(["-c", "protocol.file.allow=always"])
        .args(arguments)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// What the action said.
#[derive(Debug)]
struct Told {
    /// Its exit status.
    code: Option<i32>,
    /// Its standard output.
    out: String,
    /// Its standard error.
    story: String,
}

impl Told {
    fn of(output: &Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Self { code: output.status.code(), out: text(&output.stdout), story: text(&output.stderr) }
    }

    /// The last lines of the story: the error, its causes and the help.
    fn error(&self) -> &str {
        self.story.rfind("error: ").map_or("", |start| &self.story[start..]).trim_end()
    }

    /// An output, as a person sees it.
    fn output(&self, name: &str) -> &str {
        let line = self.out.lines().find_map(|line| line.strip_prefix(name).filter(|rest| rest.starts_with(' ')));
        line.unwrap_or_default().trim()
    }
}
