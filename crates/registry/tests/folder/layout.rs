// SPDX-License-Identifier: Apache-2.0
//! What a publication of several targets leaves, and who may publish what.

use crate::shelf::Shelf;
use anyhow::Result;
use registry::{PublishOptions, RegistryError, Trust};

const AMD: &str = "x86_64/release";
const ARM: &str = "aarch64/release";
const DEBUG: &str = "x86_64/debug";

#[tokio::test]
async fn all_targets_come_in_one_commit_and_what_they_share_is_stored_once() -> Result<()> {
    let shelf = Shelf::new()?;
    let bundle = |target: &str, text: &str| {
        shelf.bundle("v0.3.0", "0.3.0", target, &[("hello_0.3.0.txt", text), ("LICENSE.txt", "free")])
    };
    let done = shelf.publish(&[bundle(AMD, "amd")?, bundle(ARM, "arm")?]).await?;
    assert_eq!((done.uploaded, done.skipped, done.targets.len()), (3, 1, 2));
    insta::assert_snapshot!(shelf.keys().join("\n"));
    insta::assert_snapshot!(shelf.read("hello/rev/v0.3.0/release.json").replace(&now(&shelf), "NOW"));
    for (target, text) in [(AMD, "amd"), (ARM, "arm")] {
        shelf.fetch(&shelf.resolve("^0.3", target).await?, target).await?;
        assert_eq!(std::fs::read_to_string(shelf.path(target).join("hello_0.3.0.txt"))?, text);
    }
    Ok(())
}

/// The time at which `v0.3.0` was published.
fn now(shelf: &Shelf) -> String {
    let release: serde_json::Value = serde_json::from_str(&shelf.read("hello/rev/v0.3.0/release.json")).unwrap();
    release["created"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn targets_of_one_commit_add_up_and_another_commit_replaces_a_branch_whole() -> Result<()> {
    let shelf = Shelf::new()?;
    for git_ref in ["main", "v0.3.0"] {
        for (count, target) in [AMD, ARM, DEBUG, AMD].iter().enumerate() {
            let done = shelf.publish(&[shelf.bundle(git_ref, "0.3.0", target, &[("a.txt", target)])?]).await?;
            assert_eq!((done.targets.len(), done.unchanged), ((count + 1).min(3), count == 3), "{git_ref}, {target}");
        }
    }
    let done = shelf.publish(&[shelf.bundle("main", "0.4.0", ARM, &[("a.txt", "new")])?]).await?;
    assert_eq!(done.targets.len(), 1);
    let error = shelf.at("main", AMD, Trust::default()).await.unwrap_err();
    insta::assert_snapshot!(error, @"hello has no bundle at main for x86_64, release; it has aarch64/release");
    Ok(())
}

#[tokio::test]
async fn what_cannot_be_published_is_one_clear_error_and_leaves_nothing() -> Result<()> {
    let shelf = Shelf::new()?;
    shelf.publish(&[shelf.bundle("v0.3.0", "0.3.0", AMD, &[("a.txt", "a")])?]).await?;
    shelf.publish(&[shelf.bundle("main", "0.3.1-dev.2", AMD, &[("a.txt", "a")])?]).await?;
    let before = shelf.keys();
    let bundle = |git_ref: &str, version: &str, target: &str, text: &str| {
        shelf.bundle(git_ref, version, target, &[("a.txt", text)]).unwrap()
    };
    let other = PublishOptions { repository: Some("somebody/hello".to_owned()), ..PublishOptions::default() };
    let long = shelf.bundle(&"x".repeat(256), "0.1.0", AMD, &[("a.txt", "a")])?;
    let cases = [
        ("no bundle", vec![], PublishOptions::default()),
        (
            "another version",
            vec![bundle("main", "0.4.0", AMD, "a"), bundle("main", "0.5.0", ARM, "a")],
            PublishOptions::default(),
        ),
        (
            "a target twice",
            vec![bundle("main", "0.4.0", AMD, "a"), bundle("main", "0.4.0", AMD, "b")],
            PublishOptions::default(),
        ),
        ("ref and version", vec![bundle("v0.4.0", "0.5.0", AMD, "a")], PublishOptions::default()),
        ("another repository", vec![bundle("v0.4.0", "0.4.0", AMD, "a")], other),
        ("another commit", vec![bundle("v0.3.0", "0.3.0", ARM, "a")], PublishOptions::default()),
        ("other bytes", vec![bundle("v0.3.0", "0.3.0", AMD, "b")], PublishOptions::default()),
        ("other bytes of a branch", vec![bundle("main", "0.3.1-dev.2", AMD, "b")], PublishOptions::default()),
        ("a name that is too long", vec![long], PublishOptions::default()),
        ("a name that the store needs", vec![bundle("x/release.json", "0.1.0", AMD, "a")], PublishOptions::default()),
    ];
    let mut said = Vec::new();
    for (name, mut bundles, options) in cases {
        if name == "another commit" {
            let mut manifest = bundles[0].manifest().clone();
            manifest.commit = "0".repeat(40).parse()?;
            bundles = vec![artifact::Bundle::write(bundles[0].folder(), &manifest)?];
        }
        let error = shelf.publish_with(&bundles, &options).await.unwrap_err();
        let error = error.into_failure();
        said.push(format!("{name} ({}): {error}", error.status().code()));
        assert_eq!(shelf.keys(), before, "{name}");
    }
    let said = said.join("\n").replace(&shelf.path("").display().to_string(), "FOLDER/");
    let said = said.split("FOLDER/").map(|rest| rest.trim_start_matches(".tmp").to_owned());
    // Temporary folders have random names.
    let said: Vec<_> =
        said.enumerate().map(|(n, rest)| if n == 0 { rest } else { format!("FOLDER{}", &rest[6..]) }).collect();
    insta::assert_snapshot!(said.concat());
    Ok(())
}

#[tokio::test]
async fn a_branch_moves_forward_only_unless_that_is_wanted() -> Result<()> {
    let shelf = Shelf::new()?;
    let main = |version: &str| shelf.bundle("main", version, AMD, &[("a.txt", version)]);
    shelf.publish(&[main("0.3.1-dev.2")?]).await?;
    let keys = shelf.keys();
    let older = shelf.publish(&[main("0.3.1-dev.1")?]).await?;
    assert!(older.older_than.unwrap().contains("main is published at 0.3.1-dev.2"));
    let ancestor: registry::IsAncestor = std::sync::Arc::new(|_, _| true);
    let options = PublishOptions { is_ancestor: Some(ancestor), ..PublishOptions::default() };
    assert!(shelf.publish_with(&[main("0.3.1-dev.3")?], &options).await?.older_than.is_some());
    assert_eq!(shelf.keys(), keys, "nothing was sent");
    let options = PublishOptions { allow_rollback: true, ..options };
    assert_eq!(shelf.publish_with(&[main("0.3.1-dev.1")?], &options).await?.older_than, None);
    assert_eq!(shelf.at("main", AMD, Trust::default()).await?.manifest.version.to_string(), "0.3.1-dev.1");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_publishers_of_one_release_at_once_one_wins_whole() -> Result<()> {
    let shelf = Shelf::new()?;
    for round in 0..20 {
        let version = format!("1.0.{round}");
        let bundles = |text: &str| {
            let one =
                |target| shelf.bundle(&format!("v{version}"), &version, target, &[("a.txt", text), ("b.txt", "b")]);
            Ok::<_, anyhow::Error>([one(AMD)?, one(ARM)?])
        };
        let (first, second) = (bundles("one")?, bundles("two")?);
        let (a, b) = tokio::join!(shelf.publish(&first), shelf.publish(&second));
        let (won, error) = match (a, b) {
            (Ok(_), Err(error)) => ("one", error),
            (Err(error), Ok(_)) => ("two", error),
            both => panic!("{both:?}"),
        };
        assert!(matches!(&error, RegistryError::Immutable(conflict) if conflict.published.is_some()), "{error}");
        for target in [AMD, ARM] {
            let folder = format!("{version}/{target}");
            shelf.fetch(&shelf.resolve(&version, target).await?, &folder).await?;
            assert_eq!(std::fs::read_to_string(shelf.path(&folder).join("a.txt"))?, won);
        }
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn publishers_of_single_targets_at_once_lose_none_and_the_index_names_all() -> Result<()> {
    let shelf = Shelf::new()?;
    let mut bundles = Vec::new();
    for version in ["0.1.0", "0.2.0", "0.3.0"] {
        for target in [AMD, ARM, DEBUG] {
            bundles.push(shelf.bundle(&format!("v{version}"), version, target, &[("a.txt", target)])?);
        }
    }
    let done = bundles.iter().map(|bundle| shelf.publish(std::slice::from_ref(bundle)));
    for done in futures_util::future::join_all(done).await {
        done?;
    }
    let listed = registry::list(&shelf.store().await?, &shelf.base, &Shelf::package()).await?;
    assert_eq!(listed.iter().map(|entry| entry.targets.len()).collect::<Vec<_>>(), [3, 3, 3]);
    let index: serde_json::Value = serde_json::from_str(&shelf.read("hello/index.json"))?;
    assert!(index["serial"].as_u64() >= Some(3), "it grows with each change: {}", index["serial"]);
    Ok(())
}
