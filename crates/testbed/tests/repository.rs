// SPDX-License-Identifier: Apache-2.0
//! Repositories are the same at every time and for every user.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use testbed::repository::Repository;

fn history() -> (tempfile::TempDir, Repository) {
    let folder = tempfile::tempdir().unwrap();
    let repository = Repository::from_fixture("plugin-hello", folder.path()).unwrap();
    repository.tag("v0.1.0").unwrap();
    repository.branch("feat/more").unwrap();
    repository.write("NEWS", "more\n").unwrap();
    repository.commit("feat: more").unwrap();
    repository.checkout("main").unwrap();
    repository.merge("feat/more").unwrap();
    (folder, repository)
}

#[test]
fn the_same_steps_make_the_same_commits() {
    let (one, two) = (history(), history());
    assert_eq!(one.1.head().unwrap(), two.1.head().unwrap());
}

#[test]
fn history_branches_and_tags_are_there() {
    let (_folder, repository) = history();
    assert_eq!(repository.git(&["log", "--format=%s"]).unwrap(), "Merge feat/more\nfeat: more\nfeat: first version");
    let describe = repository.git(&["describe", "--tags", "--long"]).unwrap();
    assert!(describe.starts_with("v0.1.0-2-g"), "{describe}");
    assert_eq!(repository.git(&["branch", "--format=%(refname:short)"]).unwrap(), "feat/more\nmain");
    assert_eq!(repository.git(&["status", "--porcelain"]).unwrap(), "");
}

#[test]
fn a_text_that_is_not_there_cannot_be_replaced() {
    let (_folder, repository) = history();
    let error = repository.replace("NEWS", "less", "more").unwrap_err();
    assert_eq!(error.to_string(), "NEWS does not hold \"less\"");
}
