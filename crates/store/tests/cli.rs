// SPDX-License-Identifier: Apache-2.0
//! The executable on a folder, as a person and as a step of a workflow use it.

#![allow(clippy::unwrap_used, reason = "a test may fail where it stands")]

use artifact::{Manifest, Sha256};
use registry::{PublishOptions, Settings, Store};
use std::path::PathBuf;

struct Scene(tempfile::TempDir);

impl Scene {
    /// A store with two releases and two branches.
    fn new() -> Self {
        let scene = Self(tempfile::tempdir().unwrap());
        for (git_ref, version) in
            [("v0.3.0", "0.3.0"), ("v0.10.0", "0.10.0"), ("main", "0.10.1-dev.1"), ("feat/x", "0.10.1-dev.1")]
        {
            let commit = Sha256::of(version.as_bytes()).to_string()[..40].parse().unwrap();
            let manifest = Manifest { commit, ..testbed::bundle::manifest(git_ref, version).unwrap() };
            let folder = scene.path(&format!("dist/{git_ref}"));
            let bundle = testbed::bundle::write(&folder, manifest, [("a.txt", git_ref)]).unwrap();
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let settings = Settings { endpoint: scene.endpoint(), ..Settings::default() };
                let store = Store::connect(settings).await.unwrap();
                let options = PublishOptions::default();
                registry::publish(&store, &"ci".parse().unwrap(), &[bundle], &options, &|_, _| ()).await.unwrap();
            });
        }
        scene
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn endpoint(&self) -> String {
        format!("file://{}", self.path("store").display())
    }

    /// Status and what it says.
    fn run(&self, arguments: &[&str]) -> String {
        let mut command = assert_cmd::Command::new(env!("CARGO_BIN_EXE_vaccel-store"));
        let output = command
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap())
            .args(arguments)
            .args(["--base-path=ci", "--endpoint-url", &self.endpoint()])
            .current_dir(self.0.path())
            .output()
            .unwrap();
        let text = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        let text = text.replace(&self.path("").display().to_string(), "FOLDER/");
        format!("{}: {text}", output.status.code().unwrap())
    }
}

#[test]
fn a_store_is_listed_checked_withdrawn_from_and_cleaned() {
    let scene = Scene::new();
    insta::assert_snapshot!(scene.run(&["list"]), @r"
    0: hello, serial 4, of nubificus/hello
      v0.10.0  0.10.0        7 B  x86_64/release
      v0.3.0   0.3.0         6 B  x86_64/release
      feat/x   0.10.1-dev.1  6 B  x86_64/release
      main     0.10.1-dev.1  4 B  x86_64/release
    ");
    insta::assert_snapshot!(scene.run(&["verify", "--deep"]), @r"
    0: hello: 4 releases and branches, 4 manifests, 4 objects, 23 B; problems: 0
    problems  0
    hashing 4 objects of hello (23 B)
    ");
    insta::assert_snapshot!(scene.run(&["yank", "--package=hello", "--version=0.10.0", "--reason=it deletes files"]), @"0: hello 0.10.0 is now yanked");
    assert!(scene.run(&["list"]).contains("yanked: it deletes files"));
    insta::assert_snapshot!(scene.run(&["unyank", "--package=hello", "--version=0.10.0"]), @"0: hello 0.10.0 is now not yanked");
    // Times are whole seconds: what is to be older than no grace at all has to be of an earlier one.
    std::thread::sleep(std::time::Duration::from_millis(1100));
    insta::assert_snapshot!(scene.run(&["gc", "--branches=main", "--grace=0d"]).lines().next().unwrap(), @"0: hello: 6 keys, 1.7 kB, would be removed (--delete removes it)");
    assert!(scene.run(&["list"]).contains("feat/x"), "a dry run removes nothing");
    insta::assert_snapshot!(scene.run(&["reindex"]), @"0: hello: 4 releases and branches, serial 7");
    insta::assert_snapshot!(scene.run(&["promote", "--package=hello", "--version=0.3.0", "--to-base-path=public"]), @r"
    0: promoted hello v0.3.0 to file://FOLDER/store/public/hello/rev/v0.3.0/release.json: 1 files sent, 0 were there
    fetching hello v0.3.0 for x86_64/release
    ");
    let list: serde_json::Value =
        serde_json::from_str(scene.run(&["list", "--json"]).trim_start_matches("0: ")).unwrap();
    assert_eq!(list[0]["entries"].as_array().unwrap().len(), 4);
    std::fs::remove_dir_all(scene.path("store/ci/hello/objects")).unwrap();
    assert!(scene.run(&["verify"]).starts_with("1: "), "problems are status 1");
}

#[test]
fn the_branches_of_a_repository_are_those_that_exist() {
    let scene = Scene::new();
    let repository = scene.path("repository");
    let git = |arguments: &[&str]| {
        let identity = ["-c", "user.name=t", "-c", "user.email=t@example.org"];
        let status = std::process::Command::new("git").args(identity).args(arguments).status().unwrap();
        assert!(status.success());
    };
    let place = repository.display().to_string();
    git(&["init", "-q", "-b", "main", &place]);
    git(&["-C", &place, "commit", "-q", "--allow-empty", "-m", "x"]);
    std::thread::sleep(std::time::Duration::from_millis(1100));
    let said = scene.run(&["gc", "--git", &place, "--grace=0d", "--delete"]);
    assert!(said.starts_with("0: ") && said.contains("closed branch: feat/x"), "{said}");
    let list = scene.run(&["list"]);
    assert!(!list.contains("feat/x") && list.contains("main"), "{list}");
    assert!(scene.run(&["verify", "--deep"]).starts_with("0: "));
}

#[test]
fn wrong_inputs_are_one_clear_error_with_status_two() {
    let scene = Scene::new();
    let said = [
        scene.run(&["gc"]),
        scene.run(&["gc", "--branches=main", "--grace=soon"]),
        scene.run(&["yank", "--package=hello", "--version=9.9.9", "--reason=x"]),
        scene.run(&["yank", "--package=hello", "--version=0.3.0"]),
        scene.run(&["yank", "--version=0.3.0", "--reason=x"]),
        scene.run(&["promote", "--package=hello", "--version=0.3.0"]),
        scene.run(&["promote", "--package=hello", "--version=9.9.9", "--to-base-path=x"]),
        scene.run(&["reindex", "--package=other"]),
        scene.run(&["tidy"]),
    ];
    insta::assert_snapshot!(said.join("\n"), @r#"
    2: error: gc needs a list of branches, and none is given
    help: give branches, such as main,feat/x, or git, the address of the repository

    2: error: invalid value 'soon' for '--grace <GRACE>': "soon" is not a valid number of days: write 14d
    help: see --help, or the action's README

    2: error: hello has no release 9.9.9
    help: `vaccel-store list` shows what there is

    2: error: reason is missing
    help: give a reason; whoever fetches this version exactly reads it

    2: error: package is missing
    help: give the package that this is about

    2: error: a version is promoted to another place, and none is given
    help: give to-base-path, to-bucket or to-endpoint-url

    2: error: hello has no v9.9.9
    help: `vaccel-store list` shows what there is

    2: error: other has no releases or branches
    help: `vaccel-store list` shows what there is

    2: error: invalid value 'tidy' for '--command <COMMAND>'
      [possible values: list, verify, repair, yank, unyank, gc, promote, reindex]
    help: see --help, or the action's README
    "#);
}
