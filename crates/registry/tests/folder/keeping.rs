// SPDX-License-Identifier: Apache-2.0
//! Looking after a store: check, repair, withdraw, clean up.

use crate::shelf::Shelf;
use anyhow::Result;
use artifact::RefName;
use registry::maintain::{self, Collection};
use registry::{RegistryError, Trust};
use std::collections::BTreeSet;
use std::time::Duration;

const AMD: &str = "x86_64/release";

async fn filled() -> Result<Shelf> {
    let shelf = Shelf::new()?;
    for version in ["0.3.0", "0.3.1"] {
        shelf.publish(&[shelf.bundle(&format!("v{version}"), version, AMD, &[("a.txt", version)])?]).await?;
    }
    for branch in ["main", "feat/x"] {
        shelf.publish(&[shelf.bundle(branch, "0.3.2-dev.1", AMD, &[("a.txt", branch)])?]).await?;
    }
    Ok(shelf)
}

async fn problems(shelf: &Shelf, deep: bool) -> Result<Vec<String>> {
    let found = maintain::verify(&shelf.store().await?, &shelf.base, &Shelf::package(), deep, &|_| ()).await?;
    Ok(found.problems.iter().map(ToString::to_string).collect())
}

#[tokio::test]
async fn damage_is_found_and_repaired_where_the_bytes_are_still_somewhere() -> Result<()> {
    let shelf = filled().await?;
    assert_eq!(problems(&shelf, true).await?, [] as [&str; 0]);
    let object = |text: &str| format!("hello/objects/{}/a.txt", artifact::Sha256::of(text.as_bytes()));
    let damage: [(&str, &dyn Fn()); 5] = [
        ("an object is gone", &|| std::fs::remove_file(shelf.path("store/artifacts").join(object("0.3.0"))).unwrap()),
        ("an object is cut off", &|| shelf.write(&object("0.3.1"), "0")),
        ("an object has other bytes", &|| shelf.write(&object("0.3.0"), "9.9.9")),
        ("a plain name is wrong", &|| shelf.write(&format!("hello/rev/v0.3.0/{AMD}/a.txt"), "0")),
        ("the index is nonsense", &|| shelf.write("hello/index.json", "nonsense")),
    ];
    let store = shelf.store().await?;
    let mut said = Vec::new();
    for (name, damage) in damage {
        damage();
        let found = maintain::verify(&store, &shelf.base, &Shelf::package(), true, &|_| ()).await?;
        said.extend(found.problems.iter().map(|problem| format!("{name}: {problem}")));
        let done = maintain::repair(&store, &shelf.base, &Shelf::package(), &found, None).await?;
        assert!(!found.problems.is_empty() && done.remaining.is_empty(), "{name}: {done:?}");
        assert_eq!(problems(&shelf, true).await?, [] as [&str; 0], "{name}");
    }
    insta::assert_snapshot!(said.join("\n"), @r#"
    an object is gone: artifacts/hello/objects/550613537fc488f3b372af74a4001879f012c8465b816f1b85c6d3446b2cfb49/a.txt does not exist; artifacts/hello/rev/v0.3.0/x86_64/release/ names it
    an object is cut off: artifacts/hello/objects/f4fc956ec61b187cd18790c0b0a6fa5d1d3a30de4a5493e3277460485ed188f2/a.txt is damaged: 1 bytes instead of 5 bytes
    an object has other bytes: artifacts/hello/objects/550613537fc488f3b372af74a4001879f012c8465b816f1b85c6d3446b2cfb49/a.txt is damaged: 9024e01a852fd4a30edbd124bda47733a6d632eda4a8b48e26082cb40bd07ac3 instead of 550613537fc488f3b372af74a4001879f012c8465b816f1b85c6d3446b2cfb49
    a plain name is wrong: the plain name artifacts/hello/rev/v0.3.0/x86_64/release/a.txt is missing or holds something else
    the index is nonsense: the index artifacts/hello/index.json cannot be used: artifacts/hello/index.json was refused: it is not a index: expected ident at line 1 column 2; it begins with "nonsense"
    "#);
    // Gone for good: named, and left alone.
    for key in [object("0.3.0"), format!("hello/rev/v0.3.0/{AMD}/a.txt")] {
        std::fs::remove_file(shelf.path("store/artifacts").join(key))?;
    }
    let found = maintain::verify(&store, &shelf.base, &Shelf::package(), false, &|_| ()).await?;
    let done = maintain::repair(&store, &shelf.base, &Shelf::package(), &found, None).await?;
    assert!(done.remaining.iter().any(|problem| problem.key().ends_with(&object("0.3.0"))), "{done:?}");
    Ok(())
}

#[tokio::test]
async fn a_yanked_version_is_passed_over_and_fetched_by_exact_version_with_the_reason() -> Result<()> {
    let shelf = filled().await?;
    let (store, package) = (shelf.store().await?, Shelf::package());
    let version = "0.3.1".parse()?;
    assert!(maintain::yank(&store, &shelf.base, &package, &version, "it deletes files", None).await?);
    assert!(!maintain::yank(&store, &shelf.base, &package, &version, "it deletes files", None).await?, "twice");
    for requirement in ["^0.3", "latest"] {
        assert_eq!(shelf.resolve(requirement, AMD).await?.manifest.version.to_string(), "0.3.0", "{requirement}");
    }
    let found = shelf.resolve("0.3.1", AMD).await?;
    assert_eq!(found.yanked.map(|yanked| yanked.reason).as_deref(), Some("it deletes files"));
    // It is still a release, and stays yanked when targets join it or the index is made again.
    let arm = shelf.bundle("v0.3.1", "0.3.1", "aarch64/release", &[("a.txt", "arm")])?;
    shelf.publish(&[arm]).await?;
    maintain::reindex(&store, &shelf.base, &package, None).await?;
    assert_eq!(shelf.resolve("^0.3", AMD).await?.manifest.version.to_string(), "0.3.0");
    assert!(maintain::unyank(&store, &shelf.base, &package, &version, None).await?);
    assert_eq!(shelf.resolve("^0.3", AMD).await?.manifest.version.to_string(), "0.3.1");
    let absent = maintain::yank(&store, &shelf.base, &package, &"9.9.9".parse()?, "x", None).await.unwrap_err();
    assert_eq!(absent.to_string(), "hello has no release 9.9.9");
    assert!(maintain::yank(&store, &shelf.base, &package, &version, " ", None).await.is_err(), "no reason");
    Ok(())
}

#[tokio::test]
async fn closed_branches_and_what_nothing_names_go_after_the_grace_period() -> Result<()> {
    let shelf = filled().await?;
    let (store, package) = (shelf.store().await?, Shelf::package());
    shelf.publish(&[shelf.bundle("main", "0.3.2-dev.2", AMD, &[("a.txt", "moved")])?]).await?;
    std::fs::create_dir_all(shelf.path("store/artifacts/hello/objects/x"))?;
    shelf.write("hello/objects/x/orphan", "orphan");
    let branches: BTreeSet<RefName> = ["main".parse()?].into();
    let options = |delete| Collection {
        branches: Some(&branches),
        grace: Duration::from_hours(14 * 24),
        delete,
        signing_key: None,
    };
    let young = maintain::collect(&store, &shelf.base, &package, &options(true)).await?;
    assert_eq!(young, maintain::Collected::default(), "everything is younger");
    shelf.age(15);
    let before = shelf.keys();
    let dry = maintain::collect(&store, &shelf.base, &package, &options(false)).await?;
    assert_eq!(shelf.keys(), before, "a dry run removes nothing");
    let done = maintain::collect(&store, &shelf.base, &package, &options(true)).await?;
    assert_eq!(done.branches, ["feat/x"]);
    assert_eq!((&dry.branches, dry.objects.len()), (&done.branches, done.objects.len()));
    let left = shelf.keys();
    assert!(
        !left.iter().any(|key| key.contains("feat/x") || key.contains("orphan") || key.contains("retired")),
        "{left:?}"
    );
    // Whatever is named is whole.
    assert_eq!(problems(&shelf, true).await?, [] as [&str; 0]);
    for found in [shelf.resolve("latest", AMD).await?, shelf.at("main", AMD, Trust::default()).await?] {
        shelf.fetch(&found, "whole").await?;
    }
    assert!(matches!(shelf.at("feat/x", AMD, Trust::default()).await, Err(RegistryError::NoBundle { .. })));
    let again = maintain::collect(&store, &shelf.base, &package, &options(true)).await?;
    assert_eq!(again.objects, Vec::<String>::new());
    Ok(())
}

#[tokio::test]
async fn nothing_is_removed_where_a_document_cannot_be_read() -> Result<()> {
    let shelf = filled().await?;
    shelf.age(30);
    shelf.write("hello/rev/main/release.json", "nonsense");
    let before = shelf.keys();
    let options = Collection { branches: None, grace: Duration::ZERO, delete: true, signing_key: None };
    let failed = maintain::collect(&shelf.store().await?, &shelf.base, &Shelf::package(), &options).await;
    assert!(matches!(failed, Err(RegistryError::Document { .. })), "{failed:?}");
    assert_eq!(shelf.keys(), before);
    Ok(())
}
