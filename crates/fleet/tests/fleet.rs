// SPDX-License-Identifier: Apache-2.0
//! The fleet of this repository, whole: what is rendered, what linters and schemas say of it, and the command line.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::format_collect,
    clippy::case_sensitive_file_extension_comparisons,
    reason = "a test may fail where it stands"
)]

use assert_cmd::Command;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use testbed::tools;

/// The executable, in a folder with this repository's registry.
struct Scene(tempfile::TempDir);

impl Scene {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join(".github")).unwrap();
        let registry = testbed::workspace_root().join(".github/runners.toml");
        fs::copy(registry, folder.path().join(".github/runners.toml")).unwrap();
        Self(folder)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Exit status and both outputs.
    fn run(&self, arguments: &[&str]) -> (i32, String) {
        let output = Command::cargo_bin("vaccel-fleet")
            .unwrap()
            .current_dir(self.0.path())
            .env_remove("GITHUB_ACTIONS")
            .args(arguments)
            .output()
            .unwrap();
        let text = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
        (output.status.code().unwrap_or(-1), text)
    }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found.sort();
    found
}

/// The files whose text follows from the registry alone and is the same for every label but for names.
fn is_typical(name: &str) -> bool {
    let of_one_label = name.contains("base-2204-amd64") || name.contains("jetson");
    let of_one_tag = name.starts_with("images/base/") || name.starts_with("images/torch/");
    let shared = !name.contains("2204") && !name.starts_with("images/") && !name.starts_with("incus/arm64");
    (of_one_label || of_one_tag || shared) && !name.ends_with("requirements.txt") && !name.ends_with("runners.toml")
}

#[test]
fn the_whole_fleet_is_one_snapshot() {
    let scene = Scene::new();
    assert_eq!(scene.run(&["render"]).0, 0);
    let folder = scene.path("fleet");
    let mut text = String::new();
    for path in files(&folder) {
        let name = path.strip_prefix(&folder).unwrap().to_string_lossy().into_owned();
        let _ = writeln!(text, "==> {name}");
        if is_typical(&name) {
            let version = concat!("@v", env!("CARGO_PKG_VERSION"));
            let content = fs::read_to_string(&path).unwrap();
            text.push_str(
                &content
                    .replace(version, "@v<version>")
                    .replace(concat!("ref: v", env!("CARGO_PKG_VERSION")), "ref: v<version>"),
            );
        }
    }
    insta::assert_snapshot!(text);
}

#[test]
fn linters_find_nothing_in_what_is_rendered() {
    let scene = Scene::new();
    assert_eq!(scene.run(&["render"]).0, 0);
    let tools = tools::ensure(&|line| eprintln!("{line}")).unwrap();
    let folder = scene.path("fleet");
    let of_kind = |wanted: &dyn Fn(&str) -> bool| -> Vec<PathBuf> {
        files(&folder).into_iter().filter(|path| wanted(&path.file_name().unwrap().to_string_lossy())).collect()
    };
    let scripts = of_kind(&|name| name.ends_with(".sh"));
    let containers = of_kind(&|name| name == "Containerfile");
    let workflows: Vec<_> = of_kind(&|name| name.ends_with(".yml"));
    let checks: [(&str, &[&str], &[PathBuf]); 6] = [
        ("yamllint", &["--strict", "."], &[]),
        ("shellcheck", &[], &scripts),
        ("shfmt", &["-i", "2", "-d"], &scripts),
        ("hadolint", &[], &containers),
        ("check-jsonschema", &["--builtin-schema", "vendor.github-workflows"], &workflows),
        (
            "kubernetes-validate",
            &["--strict"],
            &[folder.join("arc/policies.yaml"), folder.join("arc/warm-images.yaml")],
        ),
    ];
    for (tool, arguments, paths) in checks {
        let output =
            std::process::Command::new(tools.bin(tool)).args(arguments).args(paths).current_dir(&folder).output();
        let output = output.unwrap_or_else(|error| panic!("{tool}: {error}"));
        let told = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
        assert!(output.status.success(), "{tool}: {told}");
    }
}

#[test]
fn what_was_rendered_is_checked_shown_and_brought_up_to_date() {
    let scene = Scene::new();
    assert_eq!(scene.run(&["render"]).0, 0);
    let (code, told) = scene.run(&["render", "--check"]);
    assert_eq!(code, 0, "{told}");

    // A tag goes, a size changes, and somebody edits a file.
    let registry = scene.path(".github/runners.toml");
    let text = fs::read_to_string(&registry).unwrap();
    let (before, after) = text.split_once("[tags.tvm]").unwrap();
    let (_, after) = after.split_once("[tags.jetson]").unwrap();
    fs::write(&registry, format!("{before}[tags.jetson]{after}").replace("max = 4", "max = 5")).unwrap();
    fs::write(scene.path("fleet/arc/policies.yaml"), "mine\n").unwrap();
    fs::write(scene.path("fleet/notes.txt"), "mine\n").unwrap();
    let (code, told) = scene.run(&["render", "--check"]);
    assert_eq!(code, 1, "{told}");
    for line in
        ["removed  arc/nubificus/tvm-2204-amd64.yaml", "changed  arc/policies.yaml", "help: run `vaccel-fleet render`"]
    {
        assert!(told.contains(line), "{line}: {told}");
    }
    let (code, told) = scene.run(&["render", "--diff"]);
    assert_eq!(code, 0);
    assert!(told.contains("-maxRunners: 4\n+maxRunners: 5"), "{told}");
    assert_eq!(scene.run(&["render"]).0, 0);
    assert_eq!(scene.run(&["render", "--check"]).0, 0);
    assert!(!scene.path("fleet/arc/nubificus/tvm-2204-amd64.yaml").exists());
    assert!(scene.path("fleet/notes.txt").exists(), "what was not rendered is not ours to remove");
}

#[test]
fn images_that_were_tested_are_used_by_digest() {
    let scene = Scene::new();
    fs::create_dir_all(scene.path("fleet/images")).unwrap();
    let digest = format!("sha256:{}", "a".repeat(64));
    fs::write(scene.path("fleet/images/digests.json"), format!("{{\"base\": \"{digest}\"}}")).unwrap();
    assert_eq!(scene.run(&["render"]).0, 0);
    let values = fs::read_to_string(scene.path("fleet/arc/nubificus/base-2204-amd64.yaml")).unwrap();
    assert!(values.contains(&format!("base@{digest}")), "{values}");
    fs::write(scene.path("fleet/images/digests.json"), "{\"base\": \"latest\"}").unwrap();
    let (code, told) = scene.run(&["render"]);
    assert_eq!(code, 2);
    assert!(told.contains("\"latest\" of base is not a valid digest"), "{told}");
}

#[test]
fn a_site_stays_private() {
    use std::os::unix::fs::PermissionsExt;
    let scene = Scene::new();
    let site = scene.path("site.toml");
    fs::write(&site, "[k3s]\nserver = 'https://10.1.2.3:6443'\n").unwrap();
    let (code, told) = scene.run(&["render", "--site", "site.toml", "--output", "private"]);
    assert_eq!(code, 0, "{told}");
    assert!(fs::read_to_string(scene.path("private/.gitignore")).unwrap().lines().any(|line| line == "*"));
    let user_data = fs::read_to_string(scene.path("private/bootstrap/base-2204-amd64/user-data.yaml")).unwrap();
    assert!(user_data.contains("SERVER='https://10.1.2.3:6443'"));

    fs::write(&site, "[k3s]\nmirrors = { 'docker.io' = ['https://me:pass@mirror'] }\n").unwrap();
    fs::set_permissions(&site, fs::Permissions::from_mode(0o644)).unwrap();
    let (code, told) = scene.run(&["render", "--site", "site.toml"]);
    assert_eq!(code, 2);
    insta::assert_snapshot!(told);
    fs::set_permissions(&site, fs::Permissions::from_mode(0o600)).unwrap();
    assert_eq!(scene.run(&["render", "--site", "site.toml", "--output", "private"]).0, 0);
}

#[test]
fn bad_input_is_one_error_with_status_two() {
    let scene = Scene::new();
    let registry = scene.path(".github/runners.toml");
    let text = fs::read_to_string(&registry).unwrap();
    let cases = [
        ("a registry that does not exist", None, vec!["render", "--runners", "gone.toml"]),
        ("a registry without a fleet", Some(text.replace("[fleet", "[flee")), vec!["render"]),
        (
            "a token in the registry",
            Some(text.replace("\"github-app\"", "\"ghp_0123456789abcdefghij\"")),
            vec!["render"],
        ),
        ("a tool without a pin", Some(text.replace("pip = [\"typos\"]", "pip = [\"typo\"]")), vec!["render"]),
        (
            "another version than the tested one",
            Some(text.replace("pip = [\"typos\"]", "pip = [\"typos==1\"]")),
            vec!["render"],
        ),
        ("an unknown tag", None, vec!["doctor", "--tag", "gpu"]),
        ("no tag", None, vec!["doctor"]),
        ("an unknown flag", None, vec!["render", "--fast"]),
        ("no command", None, vec![]),
    ];
    let mut story = String::new();
    for (what, registry_text, arguments) in cases {
        fs::write(&registry, registry_text.as_ref().unwrap_or(&text)).unwrap();
        let (code, told) = scene.run(&arguments);
        assert_eq!(code, 2, "{what}: {told}");
        assert!(!scene.path("fleet").exists(), "{what}");
        let _ = writeln!(story, "# {what}\n{}", told.trim_end());
    }
    insta::assert_snapshot!(story);
}

#[test]
fn doctor_finds_what_is_there_and_what_is_not() {
    let scene = Scene::new();
    let registry = "label = '{tag}-{arch}'\n[tags.base]\nmeaning = 'x'\narchitectures = ['amd64', 'arm64']\n[tags.base.provides]\ngit = { version = '>=2' }\n\"cargo\" = { version = '>=99' }\n\"no-such-program\" = {}\nshell = { file = '/bin/sh' }\nnothing = { file = '/no/such/file' }\njson = { python = 'json' }\nlibnothing = { pkg-config = 'libnothing-at-all' }\n";
    fs::write(scene.path(".github/runners.toml"), registry).unwrap();
    let (code, told) = scene.run(&["doctor", "--tag", "base", "--in-image", "--report-path", "report.json"]);
    assert_eq!(code, 1, "{told}");
    let report: serde_json::Value = serde_json::from_slice(&fs::read(scene.path("report.json")).unwrap()).unwrap();
    let states: Vec<_> = report["findings"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|finding| finding["name"] != "run folder")
        .map(|finding| format!("{} {}", finding["name"].as_str().unwrap(), finding["state"].as_str().unwrap()))
        .collect();
    assert_eq!(
        states,
        [
            "cargo failed",
            "git passed",
            "json passed",
            "libnothing failed",
            "no-such-program failed",
            "nothing failed",
            "shell passed"
        ]
    );
    assert!(told.contains("no-such-program is not on PATH") && told.contains("/no/such/file does not exist"), "{told}");
}

/// 50 tags on two architectures of metal, each also for 32-bit Arm.
#[test]
fn a_large_fleet_has_all_its_files() {
    let scene = Scene::new();
    let registry = scene.path(".github/runners.toml");
    let text = fs::read_to_string(&registry).unwrap();
    let more: String = (0..44)
        .map(|n| {
            format!("\n[tags.more{n}]\nmeaning = 'x'\nfrom = 'base'\nprovides.tool{n} = {{ apt = ['tool{n}'] }}\n")
        })
        .collect();
    fs::write(&registry, text + &more).unwrap();
    let (code, told) = scene.run(&["render"]);
    assert_eq!(code, 0, "{told}");
    assert_eq!(fs::read_dir(scene.path("fleet/arc/nubificus")).unwrap().count(), 44 * 2 + 11);
}
