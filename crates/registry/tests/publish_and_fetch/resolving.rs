// SPDX-License-Identifier: Apache-2.0
//! From what is asked for to a manifest.

use crate::world::{World, manifest};
use anyhow::Result;
use artifact::{Arch, BuildType, Manifest};
use registry::RegistryError;

#[tokio::test]
async fn a_requirement_finds_the_highest_version_with_a_bundle_for_the_target() -> Result<()> {
    let world = World::new("resolve").await?;
    for version in ["0.2.9", "0.3.0", "0.3.10", "0.3.9", "0.4.0-rc.1", "0.5.0+vaccel.0.8.0"] {
        world.publish(&world.bundle(&format!("v{version}"), version, &[("a.txt", version)])?).await?;
    }
    world.publish(&world.bundle("main", "0.6.0-dev.1+gebc23b1f", &[("a.txt", "main")])?).await?;
    // Only for another target.
    let elsewhere = Manifest { arch: Arch::Aarch64, ..manifest("v0.3.11", "0.3.11")? };
    world.publish(&world.bundle_of(elsewhere, &[("a.txt", "arm")])?).await?;
    let cases = [
        ("^0.3", "0.3.10"),
        ("0.3.9", "0.3.9"),
        ("v0.3.9", "0.3.9"),
        (">=0.2, <0.3", "0.2.9"),
        ("latest", "0.5.0+vaccel.0.8.0"),
        ("0.5.0", "0.5.0+vaccel.0.8.0"),
        ("latest-dev", "0.5.0+vaccel.0.8.0"),
        ("^0.4.0-rc.1", "0.4.0-rc.1"),
    ];
    for (requirement, expected) in cases {
        assert_eq!(world.resolve(requirement).await?.manifest.version.to_string(), expected, "{requirement}");
    }
    let error = world.resolve("^0.4").await.unwrap_err().downcast::<RegistryError>()?;
    insta::assert_snapshot!(error.into_failure(), @r"
    no version of hello for x86_64, release satisfies ^0.4; published for this target: 0.5.0+vaccel.0.8.0, 0.4.0-rc.1, 0.3.10, 0.3.9, 0.3.0, 0.2.9
    help: ask for one of these, or check package, arch and build-type; --list shows what there is for which target
    ");
    let error = registry::resolve_ref(&world.store, world.location("feat/none")?).await.unwrap_err();
    insta::assert_snapshot!(error.into_failure(), @r"
    hello has no bundle at feat/none for x86_64, release
    help: check ref, arch and build-type; --list shows what is published
    ");
    Ok(())
}

#[tokio::test]
async fn the_list_has_releases_and_their_targets() -> Result<()> {
    let world = World::new("list").await?;
    let package = "hello".parse()?;
    assert_eq!(registry::list(&world.store, &world.base, &package).await?, []);
    world.publish(&world.bundle("v0.3.0", "0.3.0", &[("a.txt", "x")])?).await?;
    let debug = Manifest { build_type: BuildType::Debug, ..manifest("v0.3.0", "0.3.0")? };
    world.publish(&world.bundle_of(debug, &[("a.txt", "d")])?).await?;
    world.publish(&world.bundle("v0.10.0", "0.10.0", &[("a.txt", "y")])?).await?;
    world.publish(&world.bundle("main", "0.10.1-dev.1+gebc23b1f", &[("a.txt", "z")])?).await?;
    // Files without a manifest are no bundle.
    world.write("list/hello/rev/v0.11.0/x86_64/release/a.txt", "x").await?;
    let listed = registry::list(&world.store, &world.base, &package).await?;
    let lines: Vec<_> = listed.iter().map(|entry| format!("{} {:?}", entry.version, entry.targets)).collect();
    insta::assert_snapshot!(lines.join("\n"), @r"
    0.10.0 [(X86_64, Release)]
    0.3.0 [(X86_64, Debug), (X86_64, Release)]
    ");
    Ok(())
}

#[tokio::test]
async fn a_manifest_of_something_else_is_refused() -> Result<()> {
    let world = World::new("misplaced").await?;
    world.publish(&world.bundle("v0.3.0", "0.3.0", &[("a.txt", "x")])?).await?;
    let good = world.read(&world.location("v0.3.0")?.manifest()).await?;
    let key = world.location("main")?.manifest();
    let cases = [
        ("elsewhere", good.clone()),
        ("newer", good.replace("\"schema\": 1", "\"schema\": 2")),
        ("name", good.replace("a.txt", "../a.txt")),
        ("nonsense", "<html>".to_owned()),
    ];
    let mut said = Vec::new();
    for (name, text) in cases {
        assert!(name == "elsewhere" || text != good, "{name} changes the manifest");
        world.write(&key, &text).await?;
        let error = registry::resolve_ref(&world.store, world.location("main")?).await.unwrap_err();
        said.push(format!("{name}: {}", error.into_failure()));
    }
    insta::assert_snapshot!(said.join("\n"), @r#"
    elsewhere: misplaced/hello/rev/main/x86_64/release/manifest.json was refused: it is that of hello v0.3.0 for x86_64, release
    help: somebody copied it there; do not trust it
    newer: misplaced/hello/rev/main/x86_64/release/manifest.json was refused: its schema is 2, and this version of vaccel-ci understands 1; use a newer one
    help: use a newer version of vaccel-ci
    name: misplaced/hello/rev/main/x86_64/release/manifest.json was refused: it is not a manifest: "../a.txt" is not a plain file name: it holds a path separator at line 16 column 24
    help: check endpoint-url, bucket and base-path; if they are right, the store is damaged
    nonsense: misplaced/hello/rev/main/x86_64/release/manifest.json was refused: it is not a manifest: expected value at line 1 column 1; it begins with "<html>"
    help: check endpoint-url, bucket and base-path; if they are right, the store is damaged
    "#);
    Ok(())
}
