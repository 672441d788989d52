// SPDX-License-Identifier: Apache-2.0
//! Facts of a real repository.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::path::Path;
use std::process::Command;
use toolkit::git::Repository;

fn git(folder: &Path, arguments: &[&str]) {
    let status = Command::new("git")
        .arg("-C")
        .arg(folder)
        .args(["-c", "user.name=Test", "-c", "user.email=test@example.org", "-c", "init.defaultBranch=main"])
        .args(arguments)
        .env("GIT_COMMITTER_DATE", "2026-01-02T03:04:05Z")
        .env("GIT_AUTHOR_DATE", "2026-01-02T03:04:05Z")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .status()
        .unwrap();
    assert!(status.success());
}

#[test]
fn a_repository_tells_its_facts() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    git(path, &["init", "-q"]);
    std::fs::write(path.join("a"), "1").unwrap();
    git(path, &["add", "."]);
    git(path, &["commit", "-q", "-m", "one"]);
    let repository = Repository::require(path).unwrap();
    let rank = |tag: &str| Some(tag.to_owned());
    assert_eq!(repository.describe(rank).unwrap(), None);
    assert_eq!(repository.commit_count().unwrap(), 1);
    assert_eq!(repository.commit_time().unwrap(), 1_767_323_045);
    assert_eq!(repository.branch().unwrap().as_deref(), Some("main"));
    assert_eq!(repository.head().unwrap().len(), 40);
    assert!(!repository.is_shallow().unwrap());
    assert_eq!(repository.remote("origin").unwrap(), None);

    for tag in ["v0.1.0", "v0.2.0", "other"] {
        git(path, &["tag", tag]);
    }
    assert_eq!(repository.tags_at("HEAD").unwrap(), ["v0.1.0", "v0.2.0"]);
    git(path, &["commit", "-q", "--allow-empty", "-m", "two"]);
    let describe = repository.describe(rank).unwrap().unwrap();
    assert!(describe.starts_with("v0.2.0-1-g") && describe.len() == "v0.2.0-1-g".len() + 8, "{describe}");

    let nearest = |wanted: &[&str]| {
        let describe = repository.describe(|tag| wanted.iter().position(|name| *name == tag)).unwrap();
        describe.and_then(|text| Some(text.rsplit_once("-g")?.0.to_owned()))
    };
    git(path, &["tag", "v1.2-x"]);
    git(path, &["tag", "v1.3"]);
    for (wanted, found) in [
        (&["v0.1.0", "v1.3"][..], Some("v1.3-0")),
        (&["v1.3", "v0.1.0"], Some("v0.1.0-1")),
        (&["v0.1.0"], Some("v0.1.0-1")),
        (&["v0.3.0", "other"], None),
    ] {
        assert_eq!(nearest(wanted).as_deref(), found, "{wanted:?}");
    }

    assert!(!repository.is_dirty().unwrap());
    std::fs::write(path.join("untracked"), "1").unwrap();
    assert!(!repository.is_dirty().unwrap(), "only tracked files count");
    std::fs::write(path.join("a"), "2").unwrap();
    assert!(repository.is_dirty().unwrap());
}

#[test]
fn outside_a_repository_there_is_none() {
    let folder = tempfile::tempdir().unwrap();
    assert!(Repository::open(folder.path()).unwrap().is_none());
    insta::with_settings!({filters => vec![(r"/\S*tmp\S*", "[folder]")]}, {
        insta::assert_snapshot!(Repository::require(folder.path()).unwrap_err(), @r"
        [folder] is not in a git repository
        help: check the repository out, or give the value that git would have told
        ");
    });
}

#[test]
fn history_is_told_since_the_tag_before() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    git(path, &["init", "-q"]);
    let repository = Repository::require(path).unwrap();
    let commit = |subject| git(path, &["commit", "-q", "--allow-empty", "-m", subject]);
    commit("one");
    git(path, &["tag", "v0.1.0"]);
    assert_eq!(repository.previous_tag().unwrap(), None);
    assert_eq!(repository.subjects_since(None).unwrap(), ["one"]);
    commit("two\n\nwith a body");
    commit("three");
    git(path, &["tag", "v0.2.0"]);
    assert_eq!(repository.previous_tag().unwrap().as_deref(), Some("v0.1.0"));
    assert_eq!(repository.subjects_since(Some("v0.1.0")).unwrap(), ["three", "two"]);
    assert!(repository.subjects_since(Some("v9")).is_err());
}

#[test]
fn a_commit_is_archived_and_names_its_submodules() {
    let folder = tempfile::tempdir().unwrap();
    let [path, other] = ["main", "other"].map(|name| folder.path().join(name));
    for repository in [&path, &other] {
        std::fs::create_dir(repository).unwrap();
        git(repository, &["init", "-q"]);
        std::fs::write(repository.join("file"), "content").unwrap();
        git(repository, &["add", "."]);
        git(repository, &["commit", "-q", "-m", "one"]);
    }
    let add =
        ["-c", "protocol.file.allow=always", "submodule", "--quiet", "add", other.to_str().unwrap(), "deps/other"];
    git(&path, &add);
    git(&path, &["commit", "-q", "-m", "two"]);
    let repository = Repository::require(&path).unwrap();
    let commit = Repository::require(&other).unwrap().head().unwrap();
    assert_eq!(repository.submodules("HEAD").unwrap(), [("deps/other".to_owned(), commit)]);
    let below = Repository::require(&path.join("deps")).unwrap();
    assert_eq!(below.submodules("HEAD").unwrap()[0].0, "other");

    let tar = folder.path().join("tree.tar");
    std::fs::write(path.join("file"), "changed").unwrap();
    repository.archive("HEAD", &tar).unwrap();
    let output = Command::new("tar").arg("-xOf").arg(&tar).arg("file").output().unwrap();
    assert_eq!(output.stdout, b"content");
    assert!(repository.archive("nothing", &tar).is_err());
}
