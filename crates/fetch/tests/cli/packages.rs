// SPDX-License-Identifier: Apache-2.0
//! Several packages in one call, and what `auto` leads to.

use crate::scene::{ARCHIVE, Scene, outputs};
use artifact::BuildType;
use serde_json::Value;
use std::fs;

/// The package `hello` on two branches and in two releases, in build types of their own.
fn published(base: &'static str) -> Scene {
    let scene = Scene::new(base);
    for (git_ref, version, build_type) in [
        ("main", "0.3.1-dev.2+gebc23b1f", BuildType::Release),
        ("main", "0.3.1-dev.2+gebc23b1f", BuildType::Debug),
        ("feat/a", "0.3.1-dev.3+gebc23b1f", BuildType::Release),
        ("v0.3.0", "0.3.0", BuildType::Release),
        ("v0.2.9", "0.2.9", BuildType::Debug),
    ] {
        scene.publish_as("hello", git_ref, version, build_type, None);
    }
    scene
}

/// Variables of the run, further arguments, and what is found.
type Case<'a> = (&'a [(&'a str, &'a str)], &'a [&'a str], &'a str);

#[test]
fn auto_follows_the_branch_or_the_release() {
    let scene = published("auto");
    let cases: [Case; 8] = [
        (&[("GITHUB_REF_NAME", "main")], &[], "main release"),
        (&[("GITHUB_REF_NAME", "7/merge"), ("GITHUB_HEAD_REF", "feat/a")], &[], "feat/a release"),
        (&[("GITHUB_REF_NAME", "7/merge"), ("GITHUB_HEAD_REF", "feat/unknown")], &[], "main release"),
        (
            &[("GITHUB_REF_NAME", "7/merge"), ("GITHUB_HEAD_REF", "x"), ("GITHUB_BASE_REF", "feat/a")],
            &[],
            "feat/a release",
        ),
        (&[("GITHUB_REF_NAME", "main")], &["--build-type=debug,release"], "main debug"),
        (&[("GITHUB_REF_NAME", "main")], &["--for-ref=feat/a", "--build-type=debug,release"], "feat/a release"),
        (&[("GITHUB_REF_NAME", "v7.0.0")], &["--build-type=debug,release"], "v0.3.0 release"),
        (&[("GITHUB_REF_NAME", "7/merge"), ("GITHUB_HEAD_REF", "x")], &["--default-branch=feat/a"], "feat/a release"),
    ];
    for (variables, arguments, expected) in cases {
        let mut command = scene.job(&[&["--ref=auto"], arguments].concat());
        command.envs(variables.iter().copied());
        let said = scene.run(command);
        assert_eq!(said.code, 0, "{variables:?} {arguments:?}: {}", said.stdout);
        let found = packages(&scene);
        let name = |field: &str| found[0][field].as_str().unwrap_or_default().to_owned();
        assert_eq!(format!("{} {}", name("ref"), name("build_type")), expected, "{variables:?} {arguments:?}");
    }
}

fn packages(scene: &Scene) -> Value {
    let outputs = outputs(&scene.read("output"));
    let text = outputs.iter().rev().find_map(|output| output.strip_prefix("packages=")).unwrap();
    serde_json::from_str(text).unwrap()
}

#[test]
fn several_packages_come_in_one_call() {
    let scene = published("several");
    scene.publish_as("hello-torch", "v1.0.0", "1.0.0", BuildType::Release, Some("plugins/torch"));
    let list = "hello@auto\nhello-torch@>=1, <2 in plugins/torch";
    let said = scene.run(scene.several(list, &["--install=prefix", "--for-ref=main", "--build-type=debug,release"]));
    assert_eq!(said.code, 0, "{}", said.stdout);
    let found = packages(&scene);
    for (index, text) in
        ["hello 0.3.1-dev.2+gebc23b1f main debug", "hello-torch 1.0.0 v1.0.0 release"].iter().enumerate()
    {
        let fields = ["package", "version", "ref", "build_type"].map(|field| found[index][field].as_str().unwrap());
        assert_eq!(fields.join(" "), *text);
        assert_eq!(found[index]["manifest_sha256"].as_str().unwrap().len(), 64);
    }
    let outputs = outputs(&scene.read("output"));
    let shown: Vec<_> = outputs
        .iter()
        .filter(|output| !output.starts_with("packages=") && !output.starts_with("verified="))
        .cloned()
        .collect();
    insta::assert_snapshot!("several", shown.join("\n"));
    // One archive each, and nothing else.
    assert_eq!(scene.names("artifacts/hello-torch"), ["hello-torch_1.0.0_x86_64.tar.gz"]);
    assert_eq!(scene.names("artifacts/hello").len(), 1);
    assert!(fs::exists(scene.path("prefix/usr/lib/libhello.so.0")).unwrap());

    // All of it is there, or none of it is fetched.
    let scene = published("several-missing");
    let said = scene.run(scene.several("hello@auto\nhello-torch@auto", &["--install=prefix", "--for-ref=main"]));
    assert_eq!(said.code, 1, "{}", said.stdout);
    assert!(said.stdout.contains("nothing of it is published below several-missing/hello-torch/"), "{}", said.stdout);
    assert!(!scene.path("artifacts").exists() && !scene.path("prefix").exists());
}

#[test]
fn what_is_not_there_is_named_with_what_is_and_how_to_ask_for_it() {
    let scene = published("instead");
    scene.publish_as("only-branches", "main", "0.1.0-dev.1+gebc23b1f", BuildType::Release, None);
    let said = [
        scene.fails(&["--ref=auto", "--for-ref=feat/b", "--default-branch=trunk"]),
        scene.fails(&["--version=^9"]),
        scene.fails(&["--ref=main", "--build-type=plain,minsize"]),
        scene.fails(&["--ref=main", "--arch=armv7l"]),
        scene.fails(&["--package=only-branches", "--version=latest"]),
        scene.fails(&["--package=only-branches", "--ref=auto", "--for-ref=v1.0.0"]),
        scene.fails(&["--package=nothing", "--version=latest", "--remote-path=plugins/nothing"]),
        scene.fails(&["--ref=auto"]),
    ];
    insta::assert_snapshot!("instead", said.join("\n"));
}

#[test]
fn only_what_is_installed_is_downloaded() {
    let scene = published("only");
    let said = scene.run(scene.job(&["--version=0.3.0", "--install=prefix"]));
    assert_eq!(said.code, 0, "{}", said.stdout);
    assert_eq!(scene.names("artifacts"), [ARCHIVE]);
}

#[test]
fn a_pattern_with_latest_matches_and_names_the_file() {
    let scene = published("latest-names");
    for _ in 0..2 {
        let said = scene.run(scene.job(&["--ref=main", "--files=*latest*.deb,*.tar.gz"]));
        assert_eq!(said.code, 0, "{}", said.stdout);
        let names =
            ["hello-dbgsym_latest_amd64.deb", "hello_0.3.1-dev.2+gebc23b1f_x86_64.tar.gz", "hello_latest_amd64.deb"];
        assert_eq!(scene.names("artifacts"), names);
    }
    let said = scene.run(scene.job(&["--ref=main", "--files=*latest*.deb"]));
    assert_eq!(said.stdout.matches("there already: ").count(), 2, "{}", said.stdout);
    let output = outputs(&scene.read("output"));
    assert!(output.contains(&"files=hello-dbgsym_latest_amd64.deb|hello_latest_amd64.deb".to_owned()), "{output:?}");
}
