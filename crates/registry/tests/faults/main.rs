// SPDX-License-Identifier: Apache-2.0
//! A bad network and poor stores.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test ends where something is not as it should be")]
#![allow(clippy::indexing_slicing, reason = "a test ends where something is not as it should be")]
#![allow(dead_code, reason = "the world serves several test binaries")]

mod proxy;
#[path = "../publish_and_fetch/world.rs"]
mod world;

use anyhow::Result;
use futures_util::{StreamExt, TryStreamExt, stream};
use proxy::{Mode, Proxy};
use registry::{Fetcher, RegistryError, Settings, Store};
use std::path::Path;
use std::time::{Duration, Instant};
use world::{World, settings};

const DEB: &str = "hello_0.3.0-1_amd64.deb";
const LIBRARY: &str = "libhello.so.0.3.0";
const REPORT: &str = "examples.json";

async fn through(proxy: &Proxy) -> Result<Store> {
    Ok(Store::connect(Settings { endpoint: proxy.endpoint().to_owned(), ..settings() }).await?)
}

/// How often an action is tried before it must have succeeded.
const TRIES: usize = 8;

#[tokio::test(flavor = "multi_thread")]
async fn with_a_fifth_of_all_requests_hit_everything_converges_and_nothing_wrong_is_accepted() -> Result<()> {
    const ROUNDS: usize = 24;
    let proxy = Proxy::start(Mode::Faults)?;
    let rounds = stream::iter(0..ROUNDS).map(|round| {
        let proxy = &proxy;
        async move {
            let mut world = World::new(&format!("faults-{round}")).await?;
            let direct = std::mem::replace(&mut world.store, through(proxy).await?);
            let (git_ref, version) = if round % 2 == 0 { ("v0.3.0", "0.3.0") } else { ("main", "0.3.0") };
            let large = format!("{round} ").repeat(40_000);
            let files = [(DEB, large.as_str()), (LIBRARY, "library"), (REPORT, "{}")];
            let bundle = world.bundle(git_ref, version, &files)?;
            let mut failures = 0;
            while let Err(error) = world.publish(&bundle).await {
                let transient = matches!(&error, RegistryError::Unfinished { .. } | RegistryError::Request { .. });
                assert!(transient || matches!(&error, RegistryError::Unreachable { .. }), "{error:?}");
                failures += 1;
                assert!(failures < TRIES, "{error}");
            }
            let mut tries = 0;
            let found = loop {
                match registry::resolve_ref(&world.store, world.location(git_ref)?).await {
                    Ok(found) => break found,
                    Err(error) => assert!(tries < TRIES, "{error}"),
                }
                tries += 1;
            };
            assert_eq!(&found.manifest, bundle.manifest());
            while let Err(error) = world.fetch(&found, "out").await {
                check(&world.path("out"), &files)?;
                failures += 1;
                assert!(failures < 2 * TRIES, "{error}");
            }
            check(&world.path("out"), &files)?;
            assert_eq!(std::fs::read_dir(world.path("out"))?.count(), files.len());
            // What is on the store is right, too.
            world.store = direct;
            world.fetch(&found, "direct").await?;
            check(&world.path("direct"), &files)?;
            Ok::<_, anyhow::Error>(failures)
        }
    });
    let failures: Vec<usize> = rounds.buffer_unordered(6).try_collect().await?;
    let hits = proxy.hits();
    println!("{} requests, hit {hits:?}; {} runs failed", proxy.requests(), failures.iter().sum::<usize>());
    assert!(hits.iter().all(|(_, count)| *count > 0), "{hits:?}");
    Ok(())
}

/// Whatever bears its final name has its bytes.
fn check(folder: &Path, files: &[(&str, &str)]) -> Result<()> {
    for (name, content) in files {
        let path = folder.join(name);
        assert!(!path.exists() || std::fs::read_to_string(&path)? == *content, "{name}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_ignores_conditions_is_warned_of_and_keeps_releases_of_sequential_writers() -> Result<()> {
    let proxy = Proxy::start(Mode::Unconditional)?;
    let mut world = World::new("unconditional").await?;
    world.store = through(&proxy).await?;
    let bundle = world.bundle("v0.3.0", "0.3.0", &[(DEB, "deb")])?;
    for sent in [1, 0] {
        let done = world.publish(&bundle).await?;
        assert_eq!((done.uploaded, done.unchanged), (sent, sent == 0));
        assert!(done.warnings.iter().any(|warning| warning.contains("ignores conditional writes")), "{done:?}");
    }
    let keys = world.keys().await?;
    let error = world.publish(&world.bundle("v0.3.0", "0.3.0", &[(DEB, "xxx")])?).await.unwrap_err();
    assert!(matches!(&error, RegistryError::Immutable(conflict) if conflict.published.is_some()), "{error}");
    assert_eq!((world.keys().await?, world.read(&world.location("v0.3.0")?.named(DEB)).await?.as_str()), (keys, "deb"));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn on_stores_that_ignore_or_refuse_conditions_one_of_two_publishers_wins_whole_and_the_other_knows() -> Result<()>
{
    const ROUNDS: usize = 8;
    for (kind, mode) in
        [("ignores", Mode::Unconditional), ("refuses-501", Mode::Refusing(501)), ("refuses-400", Mode::Refusing(400))]
    {
        let proxy = &Proxy::start(mode)?;
        // Each round in a place of its own: all can run at once.
        let rounds = (0..ROUNDS).map(|round| async move {
            let mut world = World::new(&format!("{kind}-{round}")).await?;
            world.store = through(proxy).await?;
            let bundles = ["one", "two"].map(|text| world.bundle("v0.3.0", "0.3.0", &[(DEB, text), (LIBRARY, text)]));
            let [first, second] = bundles;
            let (first, second) = (first?, second?);
            let (a, b) = tokio::join!(world.publish(&first), world.publish(&second));
            let (won, error) = match (a, b) {
                (Ok(_), Err(error)) => (first, error),
                (Err(error), Ok(_)) => (second, error),
                both => panic!("{kind}, round {round}: {both:?}"),
            };
            assert!(matches!(error, RegistryError::Immutable(_)), "{kind}: {error}");
            let found = world.at("v0.3.0").await?;
            assert_eq!(&found.manifest, won.manifest(), "{kind}, round {round}");
            world.fetch(&found, "whole").await?;
            Ok::<_, anyhow::Error>(())
        });
        futures_util::future::try_join_all(rounds).await?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_without_uploads_in_parts_and_metadata_serves_as_well() -> Result<()> {
    let mut world = World::new("poor").await?;
    world.store = through(&Proxy::start(Mode::Poor)?).await?;
    let large = |text: &str| text.repeat(18 * 1024 * 1024);
    for (git_ref, version) in [("v0.3.0", "0.3.0"), ("main", "0.3.0")] {
        let text = if git_ref == "main" { "m" } else { "a" };
        let bundle = world.bundle(git_ref, version, &[(DEB, &large(text)), (LIBRARY, git_ref)])?;
        assert_eq!(world.publish(&bundle).await?.uploaded, 2);
        let again = world.publish(&bundle).await?;
        assert_eq!((again.uploaded, again.skipped, again.unchanged), (0, 2, true), "{git_ref}");
        world.fetch(&world.at(git_ref).await?, git_ref).await?;
    }
    let other = world.bundle("v0.3.0", "0.3.0", &[(DEB, &large("b")), (LIBRARY, "v0.3.0")])?;
    let error = world.publish(&other).await.unwrap_err();
    assert!(matches!(&error, RegistryError::Immutable(conflict) if conflict.published.is_some()), "{error}");
    let changed = world.bundle("v0.4.0", "0.4.0", &[(DEB, &large("c"))])?;
    std::fs::write(changed.folder().join(DEB), large("b"))?;
    assert!(matches!(world.publish(&changed).await, Err(RegistryError::Bundle(_))));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_busy_store_is_asked_again_after_the_time_that_it_asks_for() -> Result<()> {
    for (status, least) in [(429, 2), (503, 0), (500, 0)] {
        let proxy = Proxy::start(Mode::Busy(status, 2))?;
        let (store, started) = (through(&proxy).await?, Instant::now());
        assert_eq!(registry::list(&store, &"busy".parse()?, &"hello".parse()?).await?, []);
        assert_eq!(proxy.requests(), 4, "{status}: two are refused, then the index and a listing");
        assert!(started.elapsed() >= Duration::from_secs(least), "{status}: {:?}", started.elapsed());
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_publication_that_breaks_off_says_what_is_there_and_what_is_not() -> Result<()> {
    let mut world = World::new("broken-off").await?;
    let bundle = world.bundle("v0.3.0", "0.3.0", &[(DEB, "deb"), (LIBRARY, "library")])?;
    world.publish(&world.bundle("v0.2.0", "0.2.0", &[(DEB, "deb")])?).await?;
    // Release, index, what an earlier version may have published, the probe, and the first file, which is there already.
    let proxy = Proxy::start(Mode::Down(6))?;
    let direct = std::mem::replace(&mut world.store, through(&proxy).await?);
    let options = registry::PublishOptions { concurrency: 1, ..registry::PublishOptions::default() };
    let error = registry::publish(&world.store, &world.base, std::slice::from_ref(&bundle), &options, &|_, _| ())
        .await
        .unwrap_err();
    let digest = artifact::Sha256::of(b"library").to_string();
    insta::assert_snapshot!(error.into_failure().to_string().replace(&digest, "DIGEST"), @r"
    the publication broke off (readers see what they saw before; files on the store: hello_0.3.0-1_amd64.deb; not there: libhello.so.0.3.0, release.json): failed to write broken-off/hello/objects/DIGEST/libhello.so.0.3.0: HTTP status 503
    help: run it again: it sends only what is missing
    ");
    world.store = direct;
    let done = world.publish(&bundle).await?;
    assert_eq!((done.uploaded, done.skipped), (1, 1));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn time_is_limited() -> Result<()> {
    let world = World::new("time").await?;
    let bundle = world.bundle("v0.3.0", "0.3.0", &[(DEB, "deb")])?;
    let store = Store::connect(Settings { time_limit: Duration::ZERO, ..settings() }).await?;
    let options = registry::PublishOptions { concurrency: 1, ..registry::PublishOptions::default() };
    let error =
        registry::publish(&store, &world.base, std::slice::from_ref(&bundle), &options, &|_, _| ()).await.unwrap_err();
    assert!(error.to_string().contains("was not finished within"), "{error}");
    world.publish(&bundle).await?;
    let found = world.at("v0.3.0").await?;
    // Somebody who takes the connection and says nothing.
    let silent = std::net::TcpListener::bind("127.0.0.1:0")?;
    let endpoint = format!("http://{}", silent.local_addr()?);
    let store = Store::connect(Settings { endpoint, time_limit: Duration::from_millis(200), ..settings() }).await?;
    let fetcher = Fetcher { store: &store, folder: &world.path(""), concurrency: 1 };
    let error = fetcher.fetch(&found, &found.manifest.files, &|_| ()).await.unwrap_err();
    assert!(matches!(error, RegistryError::TimeLimit(_)), "{error}");
    Ok(())
}
