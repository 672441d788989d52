// SPDX-License-Identifier: Apache-2.0
//! act runs a repository's workflow with the stand-ins, tells the results, and keeps to itself.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::path::Path;
use testbed::act::{Act, Outcome};
use testbed::event::{self, PullRequest};
use testbed::repository::Repository;
use testbed::tools;

const WORKFLOW: &str = r#"name: ci
on: [push, pull_request]
jobs:
  make:
    name: Make (${{ matrix.part }})
    runs-on: base-2204-amd64
    strategy:
      matrix:
        part: [a, b]
    steps:
      - uses: actions/checkout@0123456789012345678901234567890123456789 # v4
        with:
          ref: ${{ github.event.pull_request.head.sha || github.sha }}
          fetch-depth: 0
      - run: |
          git describe --tags --long
          mkdir out
          echo "${{ matrix.part }} of ${{ github.ref_type }} ${{ github.ref_name }}" >out/${{ matrix.part }}
          printf '## Part %s\n\n| a |\n|---|\n' "${{ matrix.part }}" >>"$GITHUB_STEP_SUMMARY"
      - uses: actions/upload-artifact@0123456789012345678901234567890123456789 # v4
        with:
          name: part-${{ matrix.part }}
          path: out
          if-no-files-found: error
  gather:
    name: Gather
    needs: make
    runs-on: base-2204-arm64
    steps:
      - uses: actions/download-artifact@0123456789012345678901234567890123456789 # v4
        with:
          pattern: part-*
          merge-multiple: true
          path: all
      - run: cat all/a all/b && echo "the secret is ${{ secrets.WORD }}, the variable ${{ vars.PLACE }}"
      - if: vars.FAIL == 'yes'
        run: |
          for i in 1 2 3 4 5 6 7 8 9; do echo "line $i"; done
          echo "::error file=src/a.c,line=3::last line"
          exit 3
"#;

fn plugin(folder: &Path) -> Repository {
    let plugin = Repository::from_fixture("plugin-hello", folder).unwrap();
    plugin.tag("v0.1.0").unwrap();
    plugin.write(".github/workflows/tiny.yml", WORKFLOW).unwrap();
    plugin.commit("ci: a tiny workflow").unwrap();
    plugin
}

/// A submodule with one of its own, checked out beside the plugin's files.
fn with_submodules(plugin: &Repository, folder: &Path) {
    let make = |name: &str, inner: Option<&Path>| {
        let repository = Repository::from_fixture("app-greeter", &folder.join(name)).unwrap();
        if let Some(inner) = inner {
            repository
                .git(&["-c", "protocol.file.allow=always", "submodule", "add", inner.to_str().unwrap(), "inner"])
                .unwrap();
        }
        repository.commit("feat: part").unwrap();
        repository.folder().to_owned()
    };
    let outer = make("outer", Some(&make("inner", None)));
    let add = ["-c", "protocol.file.allow=always", "submodule", "add", outer.to_str().unwrap(), "parts/outer"];
    plugin.git(&add).unwrap();
    plugin.git(&["-c", "protocol.file.allow=always", "submodule", "update", "--init", "--recursive"]).unwrap();
    // What is cloned here is nothing that anybody else could clone.
    plugin.replace(".gitmodules", outer.to_str().unwrap(), "https://example.org/outer.git").unwrap();
    plugin.commit("build: parts").unwrap();
}

#[test]
fn submodules_come_from_where_they_are_checked_out() {
    let folder = tempfile::tempdir().unwrap();
    let plugin = plugin(folder.path());
    with_submodules(&plugin, folder.path());
    let workflow = |submodules: &str| {
        let text = "name: ci\non: push\njobs:\n  a:\n    name: A\n    runs-on: base-2204-amd64\n    steps:\n      - uses: actions/checkout@0123456789012345678901234567890123456789 # v4\n        with:\n          fetch-depth: 0\n          submodules: SUBMODULES\n      - run: find parts -name meson.build | sort | tr '\\n' ' '\n";
        plugin.write(".github/workflows/tiny.yml", &text.replace("SUBMODULES", submodules)).unwrap();
        plugin.commit("ci: submodules").unwrap();
        run(&plugin, event::push(plugin.name(), "refs/heads/main", &plugin.head().unwrap()), "no")
    };
    let (outer, inner) = ("parts/outer/meson.build", "parts/outer/inner/meson.build");
    for (submodules, expected) in [("recursive", [true, true]), ("true", [true, false]), ("false", [false, false])] {
        let outcome = workflow(submodules);
        assert!(outcome.success, "{submodules}: {}", outcome.log);
        assert_eq!([outer, inner].map(|file| outcome.log.contains(file)), expected, "{submodules}: {}", outcome.log);
    }
    std::fs::remove_dir_all(plugin.folder().join("parts")).unwrap();
    let outcome = workflow("recursive");
    assert!(
        !outcome.success && outcome.log.contains("the submodule parts/outer is not checked out"),
        "{}",
        outcome.log
    );
}

fn run(plugin: &Repository, event: event::Event, fail: &str) -> Outcome {
    let tools = tools::ensure(&|_| ()).unwrap();
    let mut told = String::new();
    let outcome = Act::new(&tools, plugin.folder(), event)
        .workflow("tiny.yml")
        .secret("WORD", "sesame-seed")
        .variable("PLACE", "cave")
        .variable("FAIL", fail)
        .run(&mut |line| told.extend([line, "\n"]))
        .unwrap();
    assert_eq!(told, outcome.log, "each line is told as it comes");
    outcome
}

#[test]
fn jobs_summaries_artifacts_and_secrets() {
    let folder = tempfile::tempdir().unwrap();
    let plugin = plugin(folder.path());
    plugin.tag("v0.2.0").unwrap();
    let outcome = run(&plugin, event::push(plugin.name(), "refs/tags/v0.2.0", &plugin.head().unwrap()), "no");
    let Outcome { log, jobs, summaries, success } = &outcome;
    assert!(success, "{log}");
    let expected = ["Gather", "Make (a)-1", "Make (b)-2"].map(|job| (job.to_owned(), true));
    assert_eq!(jobs.clone().into_iter().collect::<Vec<_>>(), expected, "{log}");
    assert_eq!(summaries["Make (a)-1"], "## Part a\n\n| a |\n|---|\n");
    for text in ["v0.2.0-0-g", "a of tag v0.2.0", "b of tag v0.2.0", "the secret is ***, the variable cave"] {
        assert!(log.contains(text), "the log does not hold {text:?}:\n{log}");
    }
    assert!(!log.contains("sesame-seed"), "{log}");
}

#[test]
fn a_failing_step_tells_all_that_it_printed() {
    let folder = tempfile::tempdir().unwrap();
    let plugin = plugin(folder.path());
    let request = PullRequest {
        repository: plugin.name(),
        head_repository: plugin.name(),
        branch: "main",
        sha: &plugin.head().unwrap(),
        action: "opened",
        labels: &[],
        label: None,
    };
    let outcome = run(&plugin, request.event(), "yes");
    assert!(!outcome.success, "{}", outcome.log);
    assert!(!outcome.jobs["Gather"], "{}", outcome.log);
    assert!(outcome.jobs["Make (a)-1"], "{}", outcome.log);
    assert!(outcome.log.contains("v0.1.0-1-g"), "{}", outcome.log);
    assert!(outcome.log.contains("::error file=src/a.c,line=3::last line"), "{}", outcome.log);
}
