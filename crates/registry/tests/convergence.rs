// SPDX-License-Identifier: Apache-2.0
//! What repeated, interrupted and competing publications leave, and what they cost.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test ends where something is not as it should be")]
#![allow(dead_code, reason = "the world serves several test binaries")]

#[path = "publish_and_fetch/world.rs"]
mod world;

use anyhow::Result;
use artifact::{Arch, BuildType, Bundle, Manifest};
use futures_util::future::try_join_all;
use registry::{PublishOptions, RegistryError, Settings, Store};
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;
use world::{World, manifest, server, settings};

const DEB: &str = "hello_0.3.0-1_amd64.deb";
const LIBRARY: &str = "libhello.so.0.3.0";

/// Passes on the bytes of requests to the server, counts them, and after so many is dead.
struct Relay {
    endpoint: String,
    sent: Arc<AtomicU64>,
    dead: Arc<AtomicBool>,
}

impl Relay {
    fn start(budget: u64) -> Result<Self> {
        let target = server().endpoint().replace("http://", "");
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let endpoint = format!("http://{}", listener.local_addr()?);
        let relay = Self { endpoint, sent: Arc::default(), dead: Arc::default() };
        let (sent, dead) = (relay.sent.clone(), relay.dead.clone());
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let Ok(upstream) = TcpStream::connect(&target) else { return };
                let (mut from, mut to) = (client.try_clone().unwrap(), upstream.try_clone().unwrap());
                let (sent, dead) = (sent.clone(), dead.clone());
                std::thread::spawn(move || {
                    let mut buffer = [0; 1024];
                    while let Ok(count @ 1..) = from.read(&mut buffer) {
                        let room = budget.saturating_sub(sent.fetch_add(count as u64, Ordering::SeqCst));
                        let allowed = count.min(usize::try_from(room).unwrap_or(count));
                        let broken = to.write_all(&buffer[..allowed]).is_err();
                        if allowed < count {
                            dead.store(true, Ordering::SeqCst);
                        }
                        if broken || allowed < count {
                            break;
                        }
                    }
                    let _ = to.shutdown(Shutdown::Both);
                });
                std::thread::spawn(move || {
                    let (mut upstream, mut client) = (upstream, client);
                    let _ = std::io::copy(&mut upstream, &mut client);
                    let _ = client.shutdown(Shutdown::Both);
                });
            }
        });
        Ok(relay)
    }

    async fn store(&self) -> Result<Store> {
        Ok(Store::connect(Settings { endpoint: self.endpoint.clone(), ..settings() }).await?)
    }

    /// Publishes through the relay, and drops everything at the moment when it is dead, as a
    /// killed process would. Whether it came to its end.
    async fn publish(&self, world: &World, bundle: &Bundle) -> Result<bool> {
        let (store, options) = (self.store().await?, PublishOptions::default());
        let death = async {
            while !self.dead.load(Ordering::SeqCst) {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        tokio::select! {
            biased;
            () = death => Ok(false),
            published = registry::publish(&store, &world.base, std::slice::from_ref(bundle), &options, &|_, _| ()) => {
                // It may notice the death before we do.
                assert!(published.is_ok() || self.dead.load(Ordering::SeqCst), "{published:?}");
                Ok(published.is_ok())
            }
        }
    }
}

#[tokio::test]
async fn a_second_publication_sends_no_file() -> Result<()> {
    let relay = Relay::start(u64::MAX)?;
    let mut world = World::new("resend").await?;
    world.store = relay.store().await?;
    let content = "x".repeat(2 * 1024 * 1024);
    for (git_ref, version) in [("v0.3.0", "0.3.0"), ("main", "0.3.1-dev.1+gebc23b1f")] {
        let bundle = world.bundle(git_ref, version, &[(DEB, &content)])?;
        world.publish(&bundle).await?;
        relay.sent.store(0, Ordering::SeqCst);
        assert!(world.publish(&bundle).await?.unchanged);
        let sent = relay.sent.load(Ordering::SeqCst);
        assert!(sent < 64 * 1024, "{git_ref}: {sent} bytes went to the store");
    }
    Ok(())
}

#[tokio::test]
async fn readers_of_a_manifest_that_was_just_replaced_keep_their_files_however_old_they_are() -> Result<()> {
    let world = World::new("retired").await?;
    world.publish(&world.bundle("main", "0.3.1-dev.1+gebc23b1f", &[(LIBRARY, "one")])?).await?;
    let old = world.at("main").await?;
    // The branch rests for longer than the grace period; then it moves.
    tokio::time::sleep(Duration::from_millis(4100)).await;
    let grace = Some(Duration::from_secs(2));
    let next = world.bundle("main", "0.3.1-dev.2+gebc23b1f", &[(LIBRARY, "two")])?;
    assert_eq!(world.publish_with(&next, grace).await?.pruned, 0);
    world.fetch(&old, "old").await?;
    // Later they go.
    tokio::time::sleep(Duration::from_millis(4100)).await;
    assert_eq!(world.publish_with(&next, grace).await?.pruned, 2, "the library and the manifest");
    assert!(world.fetch(&old, "gone").await.is_err());
    Ok(())
}

#[tokio::test]
async fn plain_names_of_a_branch_go_with_their_manifest() -> Result<()> {
    let world = World::new("plain").await?;
    let names = ["hello_0.3.1~dev.1-1_amd64.deb", "hello_0.3.1~dev.2-1_amd64.deb"];
    let location = world.location("main")?;
    // Somebody's own object is none of ours.
    world.write(&location.named("NOTES"), "keep").await?;
    for (number, name) in names.iter().enumerate() {
        let bundle = world.bundle("main", &format!("0.3.1-dev.{}+gebc23b1f", number + 1), &[(name, name)])?;
        world.publish(&bundle).await?;
    }
    tokio::time::sleep(Duration::from_millis(2100)).await;
    let last = world.bundle("main", "0.3.1-dev.2+gebc23b1f", &[(names[1], names[1])])?;
    world.publish_with(&last, Some(Duration::ZERO)).await?;
    let keys = world.keys().await?;
    assert!(!keys.iter().any(|key| key.ends_with(names[0])), "{keys:?}");
    assert!(keys.iter().any(|key| key.ends_with(&format!("release/{}", names[1]))), "{keys:?}");
    assert_eq!(world.read(&location.named("NOTES")).await?, "keep");
    Ok(())
}

#[tokio::test]
async fn pruning_a_branch_spares_a_branch_whose_name_lies_below_its_objects() -> Result<()> {
    let world = World::new("nested").await?;
    let below = "main/x86_64/release/objects";
    world.publish(&world.bundle(below, "0.3.0", &[("a.txt", "x")])?).await?;
    let bundle = world.bundle("main", "0.3.0", &[("a.txt", "y")])?;
    world.publish(&bundle).await?;
    tokio::time::sleep(Duration::from_millis(2100)).await;
    world.publish_with(&bundle, Some(Duration::ZERO)).await?;
    world.fetch(&world.at(below).await?, "below").await?;
    Ok(())
}

#[tokio::test]
async fn a_publication_that_was_killed_after_the_commit_point_is_completed() -> Result<()> {
    let world = World::new("completed").await?;
    for git_ref in ["main", "v0.3.0"] {
        let bundle = world.bundle(git_ref, "0.3.0", &[(DEB, "deb")])?;
        world.publish(&bundle).await?;
        let location = world.location(git_ref)?;
        let lost = [location.sums(), location.named(DEB), location.manifest()];
        for key in &lost {
            world.raw.delete_object().bucket(world.store.bucket()).key(key).send().await?;
        }
        world.publish(&bundle).await?;
        for key in &lost {
            world.read(key).await?;
        }
    }
    Ok(())
}

#[tokio::test]
async fn an_alias_never_replaces_a_file_of_the_release() -> Result<()> {
    let world = World::new("alias").await?;
    let files = [(DEB, "deb"), ("hello_latest_amd64.deb", "its own")];
    world.publish(&world.bundle("v0.3.0", "0.3.0", &files)?).await?;
    world.fetch(&world.at("v0.3.0").await?, "whole").await?;
    Ok(())
}

#[tokio::test]
async fn equal_bytes_are_recognised_on_a_store_that_kept_no_digest() -> Result<()> {
    let world = World::new("digestless").await?;
    let bundle = world.bundle("v0.3.0", "0.3.0", &[(DEB, "deb")])?;
    let object = world.location("v0.3.0")?.object(&bundle.manifest().files[0]);
    // Whatever else is under a digest is damaged, and no commit names it: it is replaced.
    for (content, sent) in [("deb", 0), ("bed", 1)] {
        world
            .raw
            .delete_object()
            .bucket(world.store.bucket())
            .key(world.location("v0.3.0")?.place().release())
            .send()
            .await?;
        world.write(&object, content).await?;
        let done = world.publish(&bundle).await?;
        assert_eq!((done.uploaded, done.skipped), (sent, 1 - sent));
        assert_eq!(world.read(&object).await?, "deb");
    }
    Ok(())
}

#[tokio::test]
async fn two_runs_that_release_the_same_at_once_agree() -> Result<()> {
    let world = World::new("agree").await?;
    for round in 0..5 {
        let git_ref = format!("v0.3.{round}");
        let first = world.bundle(&git_ref, &git_ref[1..], &[(DEB, "deb")])?;
        let other_run = Manifest { run: None, ..manifest(&git_ref, &git_ref[1..])? };
        let second = world.bundle_of(other_run, &[(DEB, "deb")])?;
        let (a, b) = tokio::join!(world.publish(&first), world.publish(&second));
        assert!(a.is_ok() && b.is_ok(), "{a:?} {b:?}");
    }
    Ok(())
}

#[tokio::test]
async fn a_publication_that_is_cut_off_anywhere_shows_the_old_bundle_or_the_new_one() -> Result<()> {
    const POINTS: u64 = 24;
    let world = World::new("cut").await?;
    // A whole publication over an old one tells where the points are.
    world.publish(&world.bundle("main", "0.2.9", &[(DEB, "x"), (LIBRARY, "x")])?).await?;
    let relay = Relay::start(u64::MAX)?;
    assert!(relay.publish(&world, &world.bundle("main", "0.3.0", &[(DEB, "0"), (LIBRARY, "0")])?).await?);
    let whole = relay.sent.load(Ordering::SeqCst);
    let (mut cut, mut old, mut new) = (0, 0, 0);
    for point in 1..=POINTS {
        let text = point.to_string();
        let files = [(DEB, text.as_str()), (LIBRARY, text.as_str())];
        let version = format!("0.3.{point}");
        let (branch, tag) = (world.bundle("main", &version, &files)?, format!("v{version}"));
        let release = world.bundle(&tag, &version, &files)?;
        for bundle in [&branch, &release] {
            cut += u64::from(!Relay::start(whole * point / POINTS)?.publish(&world, bundle).await?);
        }

        let seen = world.at("main").await?;
        world.fetch(&seen, &format!("main-{point}")).await?;
        let is_new = seen.manifest.version.to_string() == version;
        assert!(is_new || seen.manifest.version.to_string() == format!("0.3.{}", point - 1), "{point}");
        old += u64::from(!is_new);
        new += u64::from(is_new);
        match world.at(&tag).await {
            Ok(seen) => drop(world.fetch(&seen, &format!("{tag}-seen")).await?),
            Err(error) => assert!(matches!(error.downcast_ref(), Some(RegistryError::NoBundle { .. })), "{error}"),
        }

        for (bundle, git_ref) in [(&branch, "main"), (&release, tag.as_str())] {
            world.publish(bundle).await?;
            let done = world.at(git_ref).await?;
            assert_eq!(done.manifest.version.to_string(), version);
            world.fetch(&done, &format!("{git_ref}-{point}-done")).await?;
            let sums = world.read(&done.location.sums()).await?;
            assert_eq!(sums, artifact::sha256sums::render(&done.manifest.files), "{point}");
            assert_eq!(world.read(&done.location.named(LIBRARY)).await?, text, "{point}");
        }
    }
    println!("{cut} cut off, {old} saw the old bundle, {new} the new one");
    assert!(cut > POINTS && old > 0 && new > 0, "{cut} cut off, {old} saw the old bundle, {new} the new one");
    Ok(())
}

#[tokio::test]
async fn many_targets_and_versions_at_once_meet_readers_that_see_whole_bundles() -> Result<()> {
    let world = World::new("crowd").await?;
    let (world, done) = (&world, &AtomicBool::new(false));
    let mut bundles = Vec::new();
    for version in ["0.3.0", "0.3.1", "0.4.0", "0.5.0"] {
        for (arch, build_type) in
            Arch::ALL.iter().flat_map(|arch| [(*arch, BuildType::Debug), (*arch, BuildType::Release)])
        {
            let target = Manifest { arch, build_type, ..manifest(&format!("v{version}"), version)? };
            let text = format!("{version} {arch} {build_type}");
            bundles.push(world.bundle_of(target, &[(DEB, &text), (LIBRARY, &text)])?);
        }
    }
    let publishers = async {
        let published = try_join_all(bundles.iter().map(|bundle| world.publish(bundle))).await;
        done.store(true, Ordering::Relaxed);
        published.map_err(anyhow::Error::from)
    };
    let readers = try_join_all((0..8).map(|reader| async move {
        let mut seen = 0;
        while !done.load(Ordering::Relaxed) {
            match world.resolve("latest").await {
                Ok(found) => {
                    world.fetch(&found, &format!("reader-{reader}-{seen}")).await?;
                    seen += 1;
                }
                Err(error) if matches!(error.downcast_ref(), Some(RegistryError::Unsatisfied { .. })) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(seen)
    }));
    let (published, seen) = tokio::join!(publishers, readers);
    assert!(published?.iter().all(|publication| publication.uploaded == 2));
    assert!(seen?.iter().sum::<i32>() > 0, "nobody saw a bundle while they were published");
    assert_eq!(world.resolve("latest").await?.manifest.version.to_string(), "0.5.0");
    let listed = registry::list(&world.store, &world.base, &"hello".parse()?).await?;
    assert_eq!(listed.iter().map(|entry| entry.targets.len()).collect::<Vec<_>>(), [6; 4]);
    Ok(())
}
