// SPDX-License-Identifier: Apache-2.0
//! The README's first workflow, as it stands there but for the name of the package, in a plugin repository that has no
//! other.

use crate::world::{World, assert_says, assert_success, pull_request, push};

/// The first YAML block after the file's name.
fn first_workflow() -> String {
    let readme = std::fs::read_to_string(testbed::workspace_root().join("README.md")).unwrap();
    let (_, rest) = readme.split_once("`.github/workflows/ci.yml`:").unwrap();
    let (_, block) = rest.split_once("```yaml\n").unwrap();
    let (block, _) = block.split_once("```").unwrap();
    // The fixture's examples ask for what its package is called.
    assert!(block.contains("package: vaccel-torch\n"), "{block}");
    block.replace("vaccel-torch", "plugin-hello")
}

#[test]
fn the_first_workflow_of_the_readme_works_as_it_stands() {
    let world = World::new("readme");
    let plugin = world.plugin();
    for entry in std::fs::read_dir(plugin.folder().join(".github/workflows")).unwrap() {
        std::fs::remove_file(entry.unwrap().path()).unwrap();
    }
    plugin.commit("ci: forget everything").unwrap();

    // A pull request introduces it; linters look at it, with what they find by default.
    plugin.branch("ci/begin").unwrap();
    plugin.write(".github/workflows/ci.yml", &first_workflow()).unwrap();
    plugin.commit("ci: verify and publish").unwrap();
    let outcome = world.act(&plugin, "ci.yml", pull_request(&plugin, "ci/begin", &[]));
    assert_success(&outcome, true);
    assert_says(&outcome, "zizmor");
    assert_eq!(outcome.jobs.get("Lint"), Some(&true), "{}", outcome.log);

    plugin.checkout("main").unwrap();
    plugin.merge("ci/begin").unwrap();
    assert_success(&world.act(&plugin, "ci.yml", push(&plugin, "refs/heads/main")), true);
    plugin.tag("v0.3.0").unwrap();
    assert_success(&world.act(&plugin, "ci.yml", push(&plugin, "refs/tags/v0.3.0")), true);
    let (_, listed) = world.fetch(&["--list"]);
    for published in ["0.3.0", "ref:main"] {
        let line = listed.lines().find(|line| line.starts_with(published));
        assert!(line.is_some_and(|line| line.ends_with("x86_64/debug x86_64/release")), "{published}: {listed}");
    }
}
