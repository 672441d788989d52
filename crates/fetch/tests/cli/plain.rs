// SPDX-License-Identifier: Apache-2.0
//! Files of the shell-based system, which knew no manifest.

use crate::scene::{Scene, archive, outputs};
use std::fs;

/// A branch with files of two versions and those marked as the newest, and a release.
fn plain(base: &'static str) -> Scene {
    let scene = Scene::new(base);
    let main = "hello/rev/main/x86_64/release";
    for name in ["hello_0.2.0-7-ebc23b1f-1_amd64.deb", "hello_0.2.0-9-abc23b1f-1_amd64.deb", "hello_latest_amd64.deb"] {
        scene.plant(&format!("{main}/{name}"), name.as_bytes());
    }
    scene.plant(&format!("{main}/hello_latest_x86_64.tar.gz"), &archive("hello", "0.2.0"));
    scene.plant(&format!("{main}/hello-0.2.0-9-abc23b1f.tar.xz"), b"sources");
    scene.plant("hello/rev/v0.2.0/x86_64/release/hello_0.2.0-1_amd64.deb", b"release");
    scene
}

#[test]
fn files_without_a_manifest_are_fetched_with_a_warning() {
    let scene = plain("plain");
    let said = scene.run(scene.job(&["--ref=main", "--files=*latest*"]));
    assert_eq!(said.code, 0, "{}", said.stdout);
    assert_eq!(scene.names("artifacts"), ["hello_latest_amd64.deb", "hello_latest_x86_64.tar.gz"]);
    let lines: Vec<_> = said.stdout.lines().filter(|line| !line.starts_with("::add-mask::")).collect();
    insta::assert_snapshot!(
        "plain",
        [lines.join("\n"), scene.read("summary"), outputs(&scene.read("output")).join("\n")].join("\n---\n")
    );

    // Installation takes one archive, the one of the newest; without patterns nothing older comes either.
    let said = scene.run(scene.job(&["--ref=auto", "--for-ref=feat/x", "--install=prefix", "--local-path=installed"]));
    assert_eq!(said.code, 0, "{}", said.stdout);
    assert_eq!(scene.names("installed"), ["hello_latest_x86_64.tar.gz"]);
    assert_eq!(fs::read_to_string(scene.path("prefix/usr/lib/libhello.so.0")).unwrap(), "elf 0.2.0");
    let said = scene.run(scene.job(&["--version=^0.2", "--local-path=release"]));
    assert_eq!(said.code, 0, "{}", said.stdout);
    assert_eq!(scene.names("release"), ["hello_0.2.0-1_amd64.deb"]);
}

#[test]
fn what_has_no_manifest_has_no_signature_either() {
    let scene = plain("plain-signed");
    let key = minisign::KeyPair::generate_unencrypted_keypair().unwrap().pk.to_base64();
    let said = scene.fails(&["--ref=main", &format!("--public-key={key}")]);
    insta::assert_snapshot!("plain_signed", said);
    assert!(!scene.path("artifacts").exists());
}

#[test]
fn a_bundle_with_a_manifest_is_preferred() {
    let scene = plain("plain-newer");
    scene.publish("v0.3.0", "0.3.0");
    let said = scene.run(scene.job(&["--version=>=0.2"]));
    assert!(said.code == 0 && !said.stdout.contains("no manifest"), "{}", said.stdout);
}

#[test]
fn a_publication_that_broke_off_is_not_taken_for_one_without_a_manifest() {
    let scene = plain("plain-unfinished");
    for name in ["SHA256SUMS", "hello_0.9.0-1_amd64.deb", "hello_0.9.0_x86_64.tar.gz"] {
        scene.plant(&format!("hello/rev/v0.9.0/x86_64/release/{name}"), b"half");
    }
    let said = scene.run(scene.job(&["--version=>=0.2"]));
    assert_eq!(scene.names("artifacts"), ["hello_0.2.0-1_amd64.deb"], "{}", said.stdout);
    assert!(scene.fails(&["--ref=v0.9.0"]).starts_with("1: "));
}
