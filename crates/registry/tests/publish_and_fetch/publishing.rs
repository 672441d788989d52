// SPDX-License-Identifier: Apache-2.0
//! What a publication leaves on the store, whether it ends or not.

use crate::world::{Told, World, manifest};
use anyhow::Result;
use artifact::{FileEntry, Manifest};
use registry::{PublishOptions, RegistryError};
use std::time::Duration;

const DEB: &str = "hello_0.3.0-1_amd64.deb";
const REPORT: &str = "examples.json";

#[tokio::test]
async fn a_release_has_its_files_and_the_known_names() -> Result<()> {
    let world = World::new("release").await?;
    let bundle = world.bundle("v0.3.0", "0.3.0", &[(DEB, "deb"), (REPORT, "{}")])?;
    let told = Told::default();
    let options = PublishOptions::default();
    let progress = |file: &FileEntry, sent: bool| told.tell(format!("{} {sent}", file.name));
    let done = registry::publish(&world.store, &world.base, std::slice::from_ref(&bundle), &options, &progress).await?;
    assert_eq!((done.uploaded, done.skipped, done.bytes, done.unchanged), (2, 0, 5, false));
    assert_eq!(done.warnings, Vec::<String>::new(), "this server honours conditional writes");
    assert_eq!(told.sorted(), ["examples.json true", "hello_0.3.0-1_amd64.deb true"]);
    insta::assert_snapshot!(world.keys().await?.join("\n"), @r"
    hello/index.json
    hello/objects/07df932ccf5d1462dd4a188321a9888e09009b43bbe1000df6a03c327a9e9067/manifest.json
    hello/objects/44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a/examples.json
    hello/objects/9cfa1468c93fc18652e34a000f0c6614b0fa18f6f4887477ad9b0d36ca6a7eaa/hello_0.3.0-1_amd64.deb
    hello/rev/latest/x86_64/release/examples.json
    hello/rev/latest/x86_64/release/hello_latest_amd64.deb
    hello/rev/v0.3.0/release.json
    hello/rev/v0.3.0/x86_64/release/SHA256SUMS
    hello/rev/v0.3.0/x86_64/release/examples.json
    hello/rev/v0.3.0/x86_64/release/hello_0.3.0-1_amd64.deb
    hello/rev/v0.3.0/x86_64/release/manifest.json
    ");
    let folder = bundle.folder();
    let location = world.location("v0.3.0")?;
    for (key, name) in [(location.manifest(), "manifest.json"), (location.sums(), "SHA256SUMS")] {
        assert_eq!(world.read(&key).await?, std::fs::read_to_string(folder.join(name))?, "{name}");
    }
    assert_eq!(world.read("release/hello/rev/latest/x86_64/release/hello_latest_amd64.deb").await?, "deb");
    Ok(())
}

#[tokio::test]
async fn a_second_publication_changes_nothing() -> Result<()> {
    let world = World::new("twice").await?;
    for (git_ref, version) in [("v0.3.0", "0.3.0"), ("main", "0.3.1-dev.1+gebc23b1f")] {
        let bundle = world.bundle(git_ref, version, &[(DEB, "deb"), (REPORT, "{}")])?;
        world.publish(&bundle).await?;
        let before = world.keys().await?;
        let again = world.publish(&bundle).await?;
        assert_eq!((again.uploaded, again.skipped, again.bytes, again.unchanged), (0, 2, 0, true), "{git_ref}");
        assert_eq!(world.keys().await?, before, "{git_ref}");
    }
    Ok(())
}

#[tokio::test]
async fn a_release_that_another_run_built_again_is_the_same() -> Result<()> {
    let world = World::new("again").await?;
    world.publish(&world.bundle("v0.3.0", "0.3.0", &[(DEB, "deb")])?).await?;
    let other_run = Manifest { run: None, ..manifest("v0.3.0", "0.3.0")? };
    let again = world.publish(&world.bundle_of(other_run, &[(DEB, "deb")])?).await?;
    assert!(again.unchanged);
    assert!(world.at("v0.3.0").await?.manifest.run.is_some(), "the published manifest stays");
    Ok(())
}

#[tokio::test]
async fn other_bytes_for_a_release_are_refused_and_both_digests_named() -> Result<()> {
    let world = World::new("immutable").await?;
    world.publish(&world.bundle("v0.3.0", "0.3.0", &[(DEB, "deb")])?).await?;
    let error = world.publish(&world.bundle("v0.3.0", "0.3.0", &[(DEB, "bed")])?).await.unwrap_err();
    insta::assert_snapshot!(error.into_failure(), @r"
    immutable/hello/rev/v0.3.0/x86_64/release/hello_0.3.0-1_amd64.deb is published with other content: 9cfa1468c93fc18652e34a000f0c6614b0fa18f6f4887477ad9b0d36ca6a7eaa there, c5052532c2206140dfdc3b0d756cce0831ac00fd978f2bfd150858e7ee217a8c here
    help: a release never changes: publish the new content under a new version
    ");
    assert_eq!(world.read(&world.location("v0.3.0")?.named(DEB)).await?, "deb");

    // Another set of files, each of which is new or equal: the digest list tells.
    let more = world.bundle("v0.3.0", "0.3.0", &[(DEB, "deb"), (REPORT, "{}")])?;
    assert!(matches!(world.publish(&more).await, Err(RegistryError::Immutable(_))));
    // The same files of another commit: the manifest tells.
    let commit = "0000000000000000000000000000000000000001".parse()?;
    let other = world.bundle_of(Manifest { commit, ..manifest("v0.3.0", "0.3.0")? }, &[(DEB, "deb")])?;
    let error = world.publish(&other).await.unwrap_err();
    assert!(matches!(error, RegistryError::OtherCommit { .. }), "{error}");
    assert_eq!(world.at("v0.3.0").await?.manifest.files.len(), 1);
    Ok(())
}

#[tokio::test]
async fn an_interrupted_publication_is_invisible_and_goes_on_where_it_was() -> Result<()> {
    let world = World::new("interrupted").await?;
    let bundle = world.bundle("v0.3.0", "0.3.0", &[(DEB, "deb"), (REPORT, "{}")])?;
    let location = world.location("v0.3.0")?;
    // The second file is not what its bundle says.
    std::fs::write(bundle.folder().join(DEB), "bed")?;
    let options = PublishOptions { concurrency: 1, ..PublishOptions::default() };
    let failed = world.publish_all(std::slice::from_ref(&bundle), &options).await;
    assert!(matches!(failed, Err(RegistryError::Bundle(_))), "{failed:?}");
    assert!(matches!(registry::resolve_ref(&world.store, location.clone()).await, Err(RegistryError::NoBundle { .. })));
    assert!(world.resolve("^0.3").await.is_err());
    let keys = world.keys().await?;
    assert!(keys.len() == 1 && keys[0].starts_with("hello/objects/"), "nothing but content: {keys:?}");

    std::fs::write(bundle.folder().join(DEB), "deb")?;
    let done = world.publish(&bundle).await?;
    assert_eq!((done.uploaded, done.skipped, done.unchanged), (1, 1, false), "only what is missing is sent");
    assert_eq!(world.at("v0.3.0").await?.manifest.files.len(), 2);
    Ok(())
}

#[tokio::test]
async fn a_file_that_is_not_what_its_bundle_says_is_not_sent() -> Result<()> {
    let world = World::new("wrong").await?;
    for git_ref in ["main", "v0.3.0"] {
        let bundle = world.bundle(git_ref, "0.3.0", &[(DEB, "deb")])?;
        std::fs::write(bundle.folder().join(DEB), "bed")?;
        assert!(matches!(world.publish(&bundle).await, Err(RegistryError::Bundle(_))));
        // Right again, it is published.
        std::fs::write(bundle.folder().join(DEB), "deb")?;
        assert!(!world.keys().await?.iter().any(|key| key.contains(git_ref) && !key.ends_with("SHA256SUMS")));
        world.publish(&bundle).await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_branch_moves_and_a_reader_of_the_old_manifest_still_finds_its_files() -> Result<()> {
    const LIBRARY: &str = "libhello.so.0.3.0";
    let world = World::new("branch").await?;
    let location = world.location("main")?;
    world.publish(&world.bundle("main", "0.3.1-dev.1+gebc23b1f", &[(LIBRARY, "one"), ("old.txt", "x")])?).await?;
    let old = world.at("main").await?;
    let moved = world.publish(&world.bundle("main", "0.3.1-dev.2+gebc23b1f", &[(LIBRARY, "two")])?).await?;
    assert_eq!((moved.uploaded, moved.unchanged, moved.pruned), (1, false, 0));
    let new = world.at("main").await?;
    assert_eq!(new.manifest.version.to_string(), "0.3.1-dev.2+gebc23b1f");

    world.fetch(&old, "old").await?;
    assert_eq!(std::fs::read_to_string(world.path("old").join(LIBRARY))?, "one");
    world.fetch(&new, "new").await?;
    assert_eq!(std::fs::read_to_string(world.path("new").join(LIBRARY))?, "two");
    assert_eq!(world.read(&location.named(LIBRARY)).await?, "two", "the plain name follows");
    assert!(world.read(&location.sums()).await?.contains(&new.manifest.files[0].sha256.to_string()));
    Ok(())
}

#[tokio::test]
async fn what_a_branch_no_longer_names_goes_after_the_grace_period() -> Result<()> {
    let world = World::new("prune").await?;
    let bundles = ["one", "two"].map(|text| world.bundle("main", "0.3.1-dev.1+gebc23b1f", &[("a.txt", text)]));
    let [first, second] = bundles;
    world.publish(&first?).await?;
    let second = second?;
    assert_eq!(world.publish_with(&second, Some(Duration::from_hours(1))).await?.pruned, 0, "it is too young");
    // S3 tells times in seconds.
    tokio::time::sleep(Duration::from_millis(2100)).await;
    assert_eq!(world.publish_with(&second, Some(Duration::ZERO)).await?.pruned, 2, "the file and the manifest");
    let objects: Vec<_> = world.keys().await?.into_iter().filter(|key| key.contains("/objects/")).collect();
    assert_eq!(objects.len(), 2);
    world.fetch(&world.at("main").await?, "kept").await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_publishers_of_one_release_one_wins_whole_and_the_other_learns_both_digests() -> Result<()> {
    const ROUNDS: usize = 20;
    let (world, mut won) = (World::new("race").await?, [0; 2]);
    for round in 0..ROUNDS {
        let version = format!("0.3.{round}");
        let git_ref = format!("v{version}");
        // One file is large enough to go in parts, where the condition comes at its end.
        let large = |text: &str| text.repeat(if round == 0 { 6 * 1024 * 1024 } else { 1024 });
        let contents = ["one", "two"].map(|text| [large(text), text.to_owned()]);
        let bundle = |[deb, list]: &[String; 2]| world.bundle(&git_ref, &version, &[(DEB, deb), ("list.txt", list)]);
        let bundles = [bundle(&contents[0])?, bundle(&contents[1])?];
        let (a, b) = tokio::join!(world.publish(&bundles[0]), world.publish(&bundles[1]));
        let (winner, error) = match (a, b) {
            (Ok(_), Err(error)) => (0, error),
            (Err(error), Ok(_)) => (1, error),
            both => panic!("round {round}: {both:?}"),
        };
        won[winner] += 1;
        let digests = bundles.each_ref().map(|bundle| bundle.manifest().files[0].sha256.to_string());
        let said = error.into_failure().to_string();
        assert!(digests.iter().all(|digest| said.contains(digest)), "round {round}: {said}");
        let found = world.at(&git_ref).await?;
        assert_eq!(found.manifest, *bundles[winner].manifest(), "round {round}");
        world.fetch(&found, &git_ref).await?;
        for (name, content) in [DEB, "list.txt"].iter().zip(&contents[winner]) {
            assert!(std::fs::read_to_string(world.path(&git_ref).join(name))? == *content, "round {round}: {name}");
        }
        let sums = world.read(&found.location.sums()).await?;
        assert_eq!(sums, artifact::sha256sums::render(&found.manifest.files), "round {round}");
    }
    println!("won: {won:?}");
    Ok(())
}

#[tokio::test]
async fn refs_keep_their_plus_and_slash() -> Result<()> {
    let world = World::new("a+b/ü").await?;
    for (git_ref, version) in [("v0.3.0+vaccel.0.8.0", "0.3.0+vaccel.0.8.0"), ("feat/a+b", "0.3.1-dev.1+gebc23b1f")] {
        let deb = format!("hello_{}_amd64.deb", manifest(git_ref, version)?.debian_version);
        world.publish(&world.bundle(git_ref, version, &[(&deb, git_ref)])?).await?;
        let found = world.at(git_ref).await?;
        assert_eq!(found.manifest.git_ref.to_string(), git_ref);
        world.fetch(&found, git_ref).await?;
        assert_eq!(std::fs::read_to_string(world.path(git_ref).join(&deb))?, git_ref);
        let folder = if git_ref.starts_with('v') { "latest" } else { git_ref };
        let latest = format!("a+b/ü/hello/rev/{folder}/x86_64/release/hello_latest_amd64.deb");
        assert_eq!(world.read(&latest).await?, git_ref);
    }
    insta::assert_snapshot!(world.keys().await?.join("\n"), @r"
    hello/index.json
    hello/objects/23b30daa45cd01e87f7264107c56dec2eaf2e50b613e067c417fe186181cf028/manifest.json
    hello/objects/724064adb1c51fe0a86dd790459306ed7e70b43c145b7e2a73cbaf8506dea40d/manifest.json
    hello/objects/a27da2afd9962004ceae410e177fb58b947987df5fb52ed20b23a36489d5e9b1/hello_0.3.1~dev.1+gebc23b1f-1_amd64.deb
    hello/objects/cb85f6ddfb8785e7e1c010d60f1e21b3631a3a13192138811ed19cc61bdc98f6/hello_0.3.0+vaccel.0.8.0-1_amd64.deb
    hello/rev/feat/a+b/release.json
    hello/rev/feat/a+b/x86_64/release/SHA256SUMS
    hello/rev/feat/a+b/x86_64/release/hello_0.3.1~dev.1+gebc23b1f-1_amd64.deb
    hello/rev/feat/a+b/x86_64/release/hello_latest_amd64.deb
    hello/rev/feat/a+b/x86_64/release/manifest.json
    hello/rev/latest/x86_64/release/hello_latest_amd64.deb
    hello/rev/v0.3.0+vaccel.0.8.0/release.json
    hello/rev/v0.3.0+vaccel.0.8.0/x86_64/release/SHA256SUMS
    hello/rev/v0.3.0+vaccel.0.8.0/x86_64/release/hello_0.3.0+vaccel.0.8.0-1_amd64.deb
    hello/rev/v0.3.0+vaccel.0.8.0/x86_64/release/manifest.json
    ");
    Ok(())
}
