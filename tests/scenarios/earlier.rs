// SPDX-License-Identifier: Apache-2.0
//! Callers as they are today: the forms of the earlier system, and repositories with submodules.

use crate::world::{World, assert_says, assert_success, push};

/// As today's plugins write it, with nothing changed but the address of the workflow and of the store.
const CALLER: &str = r#"name: Build and Upload
on:
  push:
    branches: [main]
permissions:
  contents: read
jobs:
  build:
    uses: nubificus/vaccel-ci/.github/workflows/main-build-and-upload.yml@main
    with:
      runner: '["base", "2204"]'
      runner-archs: '["amd64"]'
      build-types: debug,release
      package: plugin-hello
      options: werror=false
      dist-options: werror=true
      upload-subpath: plugins/hello
      script: parts/run-hello.sh
      endpoint-url: ${{ vars.S3_ENDPOINT }}
      bucket: ${{ vars.S3_BUCKET }}
    secrets: inherit
"#;

#[test]
fn a_caller_of_the_earlier_system_is_understood() {
    let world = World::new("earlier");
    let plugin = world.plugin();
    // The script that runs the examples is in a submodule.
    let parts = world.repository("app-greeter");
    let script = std::fs::read_to_string(plugin.folder().join("scripts/run-examples.sh")).unwrap();
    parts.write("run-hello.sh", &script).unwrap();
    parts.git(&["update-index", "--add", "--chmod=+x", "run-hello.sh"]).unwrap();
    parts.git(&["commit", "--quiet", "--message", "feat: script"]).unwrap();
    let parts = parts.folder().to_str().unwrap();
    plugin.git(&["-c", "protocol.file.allow=always", "submodule", "add", parts, "parts"]).unwrap();
    plugin.write(".github/workflows/earlier.yml", CALLER).unwrap();
    plugin.commit("ci: as it was").unwrap();

    let outcome = world.act_as_earlier(&plugin, "earlier.yml", push(&plugin, "refs/heads/main"));
    assert_success(&outcome, true);
    for form in [
        "runner: base",
        "runner-archs: amd64",
        "name the place in remote-path",
        "access-key: ${{ secrets.AWS_ACCESS_KEY }}",
    ] {
        assert_says(&outcome, form);
    }
    assert_says(&outcome, "greet-every-language");
    let (found, told) = world.fetch(&["--ref", "main", "--remote-path", "plugins/hello"]);
    assert!(found, "{told}");
    assert!(!world.is_published("main"));
}
