// SPDX-License-Identifier: Apache-2.0
//! What a pull request is told, in every place: annotations, summary, SARIF, patch; and what a
//! person is told at a terminal. The linters are our own checks, so no program is needed but git.

#![allow(clippy::unwrap_used, reason = "a test may fail where it stands")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

const LINTERS: &str = "--linters=links,licenses,commits";

struct Scene {
    folder: tempfile::TempDir,
    base: String,
}

impl Scene {
    /// A change that adds a script without a header and a link that leads nowhere, beside one that was there.
    fn new() -> Self {
        let mut scene = Self { folder: tempfile::tempdir().unwrap(), base: String::new() };
        fs::create_dir_all(scene.root().join("docs")).unwrap();
        scene.git(&["init", "--quiet", "--initial-branch=main"]);
        scene.write("Cargo.toml", "# SPDX-License-Identifier: MIT\n[package]\nlicense = \"MIT\"\n");
        scene.write("docs/guide.md", "# Guide\n\nThe [old](lost.md) way.\n");
        scene.commit("docs: begin");
        scene.base = scene.git(&["rev-parse", "HEAD"]);
        scene.write("docs/guide.md", "# Guide\n\nThe [old](lost.md) way.\n\nThe [new](#gide) one, a|b.\n");
        scene.write("run it.sh", "#!/bin/sh\necho \"$1\"\n");
        scene.write("src.c", "/* SPDX-License-Identifier: ISC */\nint main(void) { return 0; }\n");
        scene.commit("Add a script.");
        scene
    }

    fn root(&self) -> PathBuf {
        self.folder.path().join("workspace/sources")
    }

    fn out(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.root().join(name), text).unwrap();
    }

    fn git(&self, arguments: &[&str]) -> String {
        let user = ["-c", "user.name=Ada Example", "-c", "user.email=ada@example.org", "-c", "commit.gpgsign=false"];
        let mut git = Command::new("git");
        git.args(user).args(arguments).current_dir(self.root()).env("GIT_CONFIG_GLOBAL", "/dev/null");
        for role in ["AUTHOR", "COMMITTER"] {
            git.env(format!("GIT_{role}_DATE"), "1767323045 +0000");
        }
        let output = git.output().unwrap();
        assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    fn commit(&self, message: &str) {
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--message", message]);
    }

    fn run(&self, arguments: &[&str], variables: &[(&str, &Path)]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_vaccel-lint"));
        command.args(arguments).arg("--source-path").arg(self.root()).current_dir(self.folder.path());
        command.env_clear().env("PATH", std::env::var_os("PATH").unwrap());
        command.envs(variables.iter().copied()).output().unwrap()
    }

    /// What changes from one run to the next is left out.
    fn steady(&self, text: &str) -> String {
        let commit = self.git(&["rev-parse", "HEAD"]);
        let times = regex_lite::Regex::new(r"\d+ ms\b").unwrap();
        times.replace_all(&text.replace(&commit[..12], "<commit>"), "<time>").into_owned()
    }
}

#[test]
fn a_pull_request_is_told_everywhere() {
    let scene = Scene::new();
    let payload = format!("{{\"pull_request\": {{\"base\": {{\"sha\": \"{}\"}}}}}}", scene.base);
    fs::write(scene.out("event.json"), payload).unwrap();
    let (event, summary, workspace) = (scene.out("event.json"), scene.out("summary.md"), scene.out("workspace"));
    let variables: [(&str, &Path); 7] = [
        ("GITHUB_ACTIONS", Path::new("true")),
        ("GITHUB_EVENT_NAME", Path::new("pull_request")),
        ("GITHUB_EVENT_PATH", &event),
        ("GITHUB_STEP_SUMMARY", &summary),
        ("GITHUB_WORKSPACE", &workspace),
        ("GITHUB_RUN_ID", Path::new("1234")),
        ("GITHUB_REPOSITORY", Path::new("nubificus/vaccel")),
    ];
    let output = scene.run(&[LINTERS, "--sarif-path=out/lint.sarif", "--patch-path=out/lint.patch"], &variables);
    assert_eq!(output.status.code(), Some(1));
    let told = scene.steady(&String::from_utf8(output.stdout).unwrap());
    let annotations: Vec<_> = told
        .lines()
        .filter(|line| ["::error ", "::warning ", "::notice "].iter().any(|c| line.starts_with(c)))
        .collect();
    insta::assert_snapshot!("annotations", annotations.join("\n"));
    insta::assert_snapshot!("summary", scene.steady(&fs::read_to_string(&summary).unwrap()));

    // The patch is what the summary says: one that git applies, after which its findings are gone.
    scene.git(&["apply", scene.out("out/lint.patch").to_str().unwrap()]);
    let mended = fs::read_to_string(scene.root().join("run it.sh")).unwrap();
    assert_eq!(mended, "#!/bin/sh\n# SPDX-License-Identifier: MIT\necho \"$1\"\n");

    let schema = testbed::workspace_root().join("crates/lint/tests/sarif-schema-2.1.0.json");
    let tools = testbed::tools::ensure(&|_| ()).unwrap();
    let mut validate = Command::new(tools.bin("check-jsonschema"));
    validate.arg("--regex-variant=nonunicode").arg("--schemafile").arg(schema).arg(scene.out("out/lint.sarif"));
    let output = validate.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    let sarif: serde_json::Value = serde_json::from_slice(&fs::read(scene.out("out/lint.sarif")).unwrap()).unwrap();
    let runs: Vec<_> =
        sarif["runs"].as_array().unwrap().iter().map(|run| run["tool"]["driver"]["name"].as_str()).collect();
    assert_eq!(runs, [Some("links"), Some("commits"), Some("licenses")]);
}

#[test]
fn a_person_is_told_with_excerpts() {
    let scene = Scene::new();
    let base = format!("--base={}", scene.base);
    let output = scene.run(&[LINTERS, &base], &[]);
    assert_eq!(output.status.code(), Some(1));
    insta::assert_snapshot!("terminal", scene.steady(&String::from_utf8(output.stderr).unwrap()));
    let output =
        scene.run(&["--linters=links,licenses,commits,shellcheck", "--list"], &[("PATH", Path::new("/usr/bin"))]);
    let list = String::from_utf8(output.stdout).unwrap();
    assert!(list.lines().next().unwrap().starts_with("LINTER"), "{list}");
    assert_eq!(list.lines().filter(|line| line.contains("built in")).count(), 3, "{list}");
}
