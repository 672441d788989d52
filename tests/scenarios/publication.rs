// SPDX-License-Identifier: Apache-2.0
//! What is published when, and that it can be used.

use crate::world::{World, assert_says, assert_success, pull_request, push};
use serde_json::json;

#[test]
fn a_pull_request_publishes_nothing() {
    let world = World::new("pull-request");
    let plugin = world.plugin();
    plugin.branch("feat/x").unwrap();
    plugin.write("NEWS", "x\n").unwrap();
    plugin.commit("feat: x").unwrap();
    let outcome = world.act(&plugin, "ci.yml", pull_request(&plugin, "feat/x", &[]));
    assert_success(&outcome, true);
    assert_says(&outcome, "greet-every-language");
    assert_says(&outcome, "plugin-hello_0.2.1-dev.1+g");
    assert!(!world.is_published("feat/x") && !world.is_published("main"));
    assert!(world.fetch(&["--list"]).1.contains("nothing of plugin-hello is published"));
}

#[test]
fn a_label_publishes_the_branch_of_a_pull_request() {
    let world = World::new("label");
    let plugin = world.plugin();
    plugin.branch("feat/x").unwrap();
    plugin.commit("feat: x").unwrap();
    let outcome = world.act(&plugin, "ci.yml", pull_request(&plugin, "feat/x", &["ok-to-upload"]));
    assert_success(&outcome, true);
    assert!(world.is_published("feat/x") && !world.is_published("main"));
}

#[test]
fn a_merge_moves_the_branch_and_a_tag_releases_once() {
    let world = World::new("release");
    let plugin = world.plugin();
    plugin.commit("feat: one").unwrap();
    assert_success(&world.act(&plugin, "ci.yml", push(&plugin, "refs/heads/main")), true);
    assert!(world.is_published("main"));
    let version = |world: &World| world.fetch(&["--ref", "main"]).1;
    assert!(version(&world).contains("0.2.1-dev.1+g"));

    plugin.commit("feat: two").unwrap();
    assert_success(&world.act(&plugin, "ci.yml", push(&plugin, "refs/heads/main")), true);
    assert!(version(&world).contains("0.2.1-dev.2+g"));

    plugin.tag("v0.3.0").unwrap();
    let release = push(&plugin, "refs/tags/v0.3.0");
    let outcome = world.act(&plugin, "ci.yml", release.clone());
    assert_success(&outcome, true);
    assert_says(&outcome, " files sent (");

    // The same tag again: built again, with equal bytes, so that nothing is left to do.
    let outcome = world.act(&plugin, "ci.yml", release);
    assert_success(&outcome, true);
    assert_says(&outcome, "already published; nothing changed");
    assert!(!outcome.log.contains("files sent"), "{}", outcome.log);
    let (_, listed) = world.fetch(&["--list"]);
    assert_eq!(
        listed.trim(),
        "VERSION   TARGETS\n0.3.0     x86_64/debug x86_64/release\nref:main  x86_64/debug x86_64/release"
    );

    // Another repository resolves the release, sees that it is signed, installs it and runs against it.
    let stranger = minisign::KeyPair::generate_unencrypted_keypair().unwrap().pk.to_base64();
    let (found, told) = world.fetch(&["--version", "0.3.0", "--public-key", &stranger]);
    assert!(!found && told.contains("signature"), "{told}");
    let greeter = world.greeter();
    let outcome = world.act(&greeter, "ci.yml", push(&greeter, "refs/heads/main"));
    assert_success(&outcome, true);
    assert_says(&outcome, "Fetch plugin-hello 0.3.0");
    assert_says(&outcome, "greet-in-three-languages");
}

#[test]
fn verify_build_runs_valgrind_and_publishes_when_asked() {
    let world = World::new("verify-build");
    let plugin = world.plugin();
    let (caller, input) = (".github/workflows/verify.yml", "      package: plugin-hello\n");
    plugin
        .replace(
            caller,
            input,
            &format!("{input}      upload-subpath: plugins/hello\n      dist-options: werror=true\n"),
        )
        .unwrap();
    plugin.commit("ci: publish below plugins/").unwrap();
    let run = |release: bool| {
        let inputs = json!({ "release": release.to_string() });
        let event = testbed::event::workflow_dispatch(plugin.name(), "refs/heads/main", inputs);
        let outcome = world.act(&plugin, "verify.yml", event);
        assert_success(&outcome, true);
        assert_says(&outcome, "examples-valgrind-report.json");
        world.fetch(&["--ref", "main", "--remote-path", "plugins/hello"])
    };
    assert!(!run(false).0);
    let (found, told) = run(true);
    assert!(found && told.contains("examples_valgrind.json"), "{told}");
    assert!(!world.is_published("main"));
}
