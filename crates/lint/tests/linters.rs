// SPDX-License-Identifier: Apache-2.0
//! Every shipped linter, run on its fixture with the real tool: what it finds is in a snapshot.
//!
//! A fixture has at least one finding of each severity that the linter knows, and one clean file.

#![allow(clippy::unwrap_used, reason = "a test may fail where it stands")]

use serde_json::Value;
use std::ffi::OsString;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use testbed::tools;

/// The linter, the severities that its fixture has, and the files in which nothing is found.
const LINTERS: &[(&str, &[&str], &[&str])] = &[
    ("action-schema", &["error"], &["actions/good/action.yml"]),
    ("clang-format", &["error"], &["clean.c"]),
    ("clang-tidy", &["error", "warning"], &["clean.c"]),
    ("clippy", &["error", "warning"], &["src/clean.rs"]),
    ("codespell", &["error"], &["clean.txt"]),
    ("cppcheck", &["error", "warning", "note"], &["clean.c"]),
    ("gofmt", &["error"], &["clean.go"]),
    ("hadolint", &["error", "warning", "note"], &["clean.Dockerfile"]),
    ("licenses", &["error"], &["clean.c"]),
    ("links", &["error"], &["clean.md", "guide.md"]),
    ("markdownlint-cli2", &["error", "warning"], &["clean.md"]),
    ("mypy", &["error", "note"], &["clean.py"]),
    ("ruff-check", &["error"], &["clean.py"]),
    ("ruff-format", &["error"], &["clean.py"]),
    ("rumdl", &["error", "warning"], &["clean.md"]),
    ("rustfmt", &["error"], &["src/clean.rs"]),
    ("shellcheck", &["error", "warning", "note"], &["clean"]),
    ("shfmt", &["error", "warning"], &["clean.sh"]),
    ("typos", &["error"], &["clean.md"]),
    ("workflow-schema", &["error"], &[".github/workflows/clean.yml"]),
    ("yamllint", &["error", "warning"], &["clean.yml"]),
    ("zizmor", &["error", "warning", "note"], &[".github/workflows/clean.yml"]),
];

#[test]
fn every_linter_finds_what_its_fixture_has() {
    let path = path();
    for (linter, severities, clean) in LINTERS {
        let repository = Repository::of(linter);
        repository.commit("feat: first version");
        let found = repository.lint(linter, &[], &path);
        for severity in *severities {
            let of_severity = found.iter().any(|finding| finding.severity == *severity);
            assert!(of_severity, "{linter} found nothing of severity {severity}: {found:#?}");
        }
        for file in *clean {
            assert!(repository.root().join(file).is_file(), "the fixture {linter} has no {file}");
            assert!(found.iter().all(|finding| finding.path != *file), "{linter} found something in {file}");
        }
        assert!(found.iter().all(|finding| !finding.path.is_empty()), "{linter} could not be read: {found:#?}");
        insta::assert_snapshot!(*linter, told(&found));
    }
}

/// A linter, a file, and where in it something is found: behind characters of two and four bytes, or of two units of
/// UTF-16. Columns count characters, whatever the linter counts.
const COLUMNS: &[(&str, &str, &str, u64, u64)] = &[
    ("clang-tidy", "clean.c", "int f(void) { const char *s = \"ü😀\"; int *p = 0; return *p + s[0]; }\n", 1, 56),
    ("cppcheck", "a.c", "int f(void) { const char *s = \"ü😀\"; int *p = 0; return *p + s[0]; }\n", 1, 57),
    ("gofmt", "a.go", "package a\n\nvar s = \"ü😀\"; var x = )\n", 3, 23),
    ("markdownlint-cli2", "a.md", "# A\n\nü😀 x http://example.org\n", 3, 6),
    ("ruff-check", "a.py", "x = \"ü😀\"; import os\n", 1, 18),
    ("rumdl", "a.md", "# A\n\nü😀 x http://example.org\n", 3, 6),
    ("shellcheck", "a.sh", "#!/bin/sh\necho \"ü😀\" $1\n", 2, 11),
    ("shfmt", "a.sh", "echo \"ü😀\" ; if\n", 1, 13),
    ("typos", "a.md", "ü😀 recieve\n", 1, 4),
    ("yamllint", "a.yml", "---\n\"ü😀\":  1\n", 2, 7),
    (
        "zizmor",
        ".github/workflows/a.yml",
        "on: push\njobs:\n  a:\n    runs-on: x\n    steps: [{\"name\": \"ü😀\", \"uses\": \"foo/bar@v1\"}]\n",
        5,
        37,
    ),
];

#[test]
fn columns_count_characters() {
    let path = path();
    for (linter, name, text, line, column) in COLUMNS {
        let repository = Repository::of(linter);
        let file = repository.root().join(name);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
        repository.commit("feat: first version");
        let found = repository.lint(linter, &[], &path);
        let places: Vec<_> =
            found.iter().filter(|found| found.path == *name).map(|found| (found.line, found.column)).collect();
        assert!(places.contains(&(*line, *column)), "{linter}: {places:?}");
    }
}

#[test]
fn commits_are_found_wanting() {
    let repository = Repository::empty();
    let base = repository.commit("feat: first version");
    repository.commit("fix(lint): read what is said");
    repository.commit("Update stuff");
    repository.commit("fixup! fix(lint): read what is said");
    let found = repository.lint("commits", &["--base", &base], &path());
    assert!(found.iter().any(|finding| finding.severity == "error"), "{found:#?}");
    assert!(found.iter().any(|finding| finding.severity == "warning"), "{found:#?}");
    insta::assert_snapshot!("commits", told(&found));
}

#[test]
fn what_cannot_be_compiled_is_an_error_wherever_it_is() {
    let repository = Repository::of("clippy");
    let broken = "use missing::Missing;\npub fn double(number: u32) -> u32 {\n    number * 2\n}\n";
    fs::write(repository.root().join("src/clean.rs"), broken).unwrap();
    fs::write(repository.root().join(".gitattributes"), "clean.rs linguist-generated\n").unwrap();
    repository.commit("feat: first version");
    let found = repository.lint("clippy", &[], &path());
    let told = told(&found);
    assert!(told.contains("could not read what clippy said: it ended with exit status 101"), "{told}");
}

/// Files of a pull request, each of which makes a linter run a program that leaves a file at home.
const ATTACKS: &[(&str, &[(&str, &str)])] = &[
    (
        "clippy",
        &[
            (".cargo/config.toml", "[build]\nrustc-wrapper = \"./wrapper.sh\"\n"),
            ("wrapper.sh", "#!/bin/sh\n: >\"$HOME/owned\"\nexec \"$@\"\n"),
        ],
    ),
    (
        "markdownlint-cli2",
        &[
            ("docs/.markdownlint-cli2.cjs", "require(\"fs\").writeFileSync(`${process.env.HOME}/owned`, \"\");\n"),
            ("docs/page.md", "# Page\n"),
        ],
    ),
    (
        "mypy",
        &[
            ("mypy.ini", "[mypy]\nplugins = plugin.py\n"),
            ("plugin.py", "import os\n\nopen(os.environ[\"HOME\"] + \"/owned\", \"w\").close()\n"),
        ],
    ),
    (
        "rumdl",
        &[
            (
                ".rumdl.toml",
                "[code-block-tools]\nenabled = true\nlanguages.sh.lint = [\"x\"]\n\
                 tools.x = { command = [\"sh\", \"-c\", \": >$HOME/owned\"] }\n",
            ),
            ("page.md", "# Page\n\n```sh\ntrue\n```\n"),
        ],
    ),
    (
        "rustfmt",
        &[
            ("rust-toolchain.toml", "[toolchain]\npath = \"@ROOT@/tools\"\n"),
            ("tools/bin/cargo", "#!/bin/sh\n: >\"$HOME/owned\"\n"),
            ("tools/bin/rustc", "#!/bin/sh\n: >\"$HOME/owned\"\n"),
        ],
    ),
];

#[test]
fn what_a_pull_request_configures_does_not_run() {
    let path = path();
    for (linter, files) in ATTACKS {
        let repository = Repository::of(linter);
        let base = repository.commit("feat: first version");
        for (name, text) in *files {
            let file = repository.root().join(name);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(&file, text.replace("@ROOT@", repository.root().to_str().unwrap())).unwrap();
            executable(&file);
        }
        repository.commit("feat: mean harm");
        let is_owned_in = |base: Option<&str>| {
            let home = tempfile::tempdir().unwrap();
            repository.lint_at(&home, linter, &[], base, &path);
            home.path().join("owned").exists()
        };
        assert!(!is_owned_in(Some(&base)), "{linter} ran what a pull request configures");
        // So that it would be noticed; rumdl is never let.
        assert_eq!(is_owned_in(None), *linter != "rumdl", "{linter}");
    }
}

/// It cannot be installed from where the other tools come from; what it says was recorded.
#[test]
fn actionlint_is_read_from_a_recording() {
    let repository = Repository::of("actionlint");
    let program = repository.root().join("actionlint");
    fs::write(&program, "#!/bin/sh\ncase $1 in -version) echo 1.7.12 ;; *) cat recorded.json; exit 1 ;; esac\n")
        .unwrap();
    executable(&program);
    repository.commit("feat: first version");
    let mut path = OsString::from(repository.root());
    path.push(":/usr/bin:/bin");
    let found = repository.lint("actionlint", &[], &path);
    insta::assert_snapshot!("actionlint", told(&found));
}

#[test]
fn every_shipped_linter_is_tested() {
    let shipped = fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/linters")).unwrap();
    for entry in shipped {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let name = name.trim_end_matches(".linter.toml");
        let is_tested = ["actionlint", "commits"].contains(&name) || LINTERS.iter().any(|(linter, ..)| *linter == name);
        assert!(is_tested, "{name} has no fixture");
    }
}

/// A finding as the SARIF file tells it.
#[derive(Debug)]
struct Found {
    severity: String,
    path: String,
    line: u64,
    column: u64,
    rule: String,
    message: String,
    is_mended: bool,
}

fn told(found: &[Found]) -> String {
    found.iter().fold(String::new(), |mut text, finding| {
        let Found { severity, path, line, column, rule, message, is_mended } = finding;
        let mended = if *is_mended { " (with a fix)" } else { "" };
        writeln!(text, "{severity} {path}:{line}:{column} {rule}{mended}\n    {}", message.replace('\n', "\n    "))
            .unwrap();
        text
    })
}

/// A repository in a folder of its own.
struct Repository(tempfile::TempDir);

impl Repository {
    fn empty() -> Self {
        let repository = Self(tempfile::tempdir().unwrap());
        repository.git(&["init", "--quiet", "--initial-branch", "main"]);
        repository
    }

    fn of(linter: &str) -> Self {
        let repository = Self::empty();
        copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(linter), &repository.root());
        repository
    }

    fn root(&self) -> PathBuf {
        self.0.path().canonicalize().unwrap()
    }

    fn git(&self, arguments: &[&str]) -> String {
        let identity = ["-c", "user.name=Somebody", "-c", "user.email=somebody@example.org"];
        let mut command = Command::new("git");
        command.current_dir(self.root()).args(identity).args(arguments);
        command.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_SYSTEM", "/dev/null");
        for time in ["GIT_AUTHOR_DATE", "GIT_COMMITTER_DATE"] {
            command.env(time, "2026-01-02T03:04:05Z");
        }
        let output = command.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    fn commit(&self, message: &str) -> String {
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--allow-empty", "--message", message]);
        self.git(&["rev-parse", "HEAD"])
    }

    /// What one linter finds.
    fn lint(&self, linter: &str, arguments: &[&str], path: &OsString) -> Vec<Found> {
        self.lint_at(&tempfile::tempdir().unwrap(), linter, arguments, None, path)
    }

    /// What one linter finds with this home, perhaps in a pull request onto a commit.
    fn lint_at(
        &self,
        scratch: &tempfile::TempDir,
        linter: &str,
        arguments: &[&str],
        base: Option<&str>,
        path: &OsString,
    ) -> Vec<Found> {
        let sarif = scratch.path().join("lint.sarif");
        let mut command = Command::new(assert_cmd::cargo::cargo_bin!("vaccel-lint"));
        command.env_clear().env("PATH", path).env("HOME", scratch.path()).env("CARGO_TARGET_DIR", scratch.path());
        let chooses_toolchain = self.root().join("rust-toolchain.toml").exists();
        let names = ["CARGO_HOME", "RUSTUP_HOME", "RUSTUP_TOOLCHAIN"];
        for name in &names[..if chooses_toolchain { 2 } else { 3 }] {
            command.envs(std::env::var_os(name).map(|value| (name, value)));
        }
        if let Some(base) = base {
            let event = scratch.path().join("event.json");
            let payload = serde_json::json!({ "pull_request": { "base": { "sha": base } } });
            fs::write(&event, payload.to_string()).unwrap();
            command.env("GITHUB_EVENT_NAME", "pull_request").env("GITHUB_EVENT_PATH", event);
        }
        if linter == "clang-tidy" {
            let build = scratch.path().join("build");
            self.describe_build(&build);
            command.arg("--build-path").arg(build);
        }
        let output = command
            .args(["--linters", linter, "--fail-on", "never"])
            .args(arguments)
            .arg("--source-path")
            .arg(self.root())
            .arg("--sarif-path")
            .arg(&sarif)
            .output()
            .unwrap();
        assert!(output.status.success(), "{linter}: {}", String::from_utf8_lossy(&output.stderr));
        findings(&serde_json::from_slice(&fs::read(sarif).unwrap()).unwrap())
    }

    /// What meson writes when it configures a build.
    fn describe_build(&self, build: &Path) {
        let root = self.root();
        let commands = ["findings.c", "clean.c"].map(
            |file| serde_json::json!({ "directory": root, "file": root.join(file), "arguments": ["cc", "-c", file] }),
        );
        fs::create_dir_all(build).unwrap();
        fs::write(build.join("compile_commands.json"), Value::from(commands.to_vec()).to_string()).unwrap();
    }
}

fn findings(log: &Value) -> Vec<Found> {
    let runs = log["runs"].as_array().unwrap();
    let lists = |pointer: &'static str| {
        runs.iter().filter_map(move |run| run.pointer(pointer).and_then(Value::as_array)).flatten()
    };
    // What is in no file is told as a notification.
    let results = lists("/results").chain(lists("/invocations/0/toolExecutionNotifications"));
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let found = results.map(|result| {
        let location = &result["locations"][0]["physicalLocation"];
        let number = |name: &str| location["region"][name].as_u64().unwrap_or_default();
        Found {
            severity: text(&result["level"]),
            path: text(&location["artifactLocation"]["uri"]),
            line: number("startLine"),
            column: number("startColumn"),
            rule: text(&result["ruleId"]),
            message: text(&result["message"]["text"]),
            is_mended: result["fixes"].as_array().is_some_and(|fixes| !fixes.is_empty()),
        }
    });
    found.collect()
}

/// A `PATH` with every tool.
fn path() -> OsString {
    let quiet = |_: &str| ();
    tools::require(&[tools::LINT], &quiet).unwrap();
    let mut path = tools::ensure_node(&quiet).unwrap().into_os_string();
    path.push(":");
    path.push(tools::ensure(&quiet).unwrap().path());
    path
}

fn copy(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            fs::create_dir_all(&target).unwrap();
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), &target).unwrap();
        }
    }
}

fn executable(program: &Path) {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(program, fs::Permissions::from_mode(0o755)).unwrap();
}
