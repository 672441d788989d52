// SPDX-License-Identifier: Apache-2.0
//! Files that are sent in parts.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test ends where something is not as it should be")]
#![allow(dead_code, reason = "the world serves several test binaries")]

#[path = "publish_and_fetch/world.rs"]
mod world;

use anyhow::Result;
use registry::{RegistryError, Settings, Store};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use testbed::proxy::Proxy;
use testbed::s3::Server;
use world::{World, server, settings};

const NAME: &str = "hello_0.3.0_x86_64.tar.gz";

/// Two whole parts and a bit of a third.
fn content(seed: char) -> String {
    let line: String = ('a'..='z').cycle().take(1023).chain([seed]).collect();
    line.repeat(17 * 1024)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_file_goes_in_parts_and_comes_back() -> Result<()> {
    let world = World::new("large").await?;
    for (git_ref, version) in [("v0.3.0", "0.3.0"), ("main", "0.3.1-dev.1+gebc23b1f")] {
        let seed = git_ref.chars().next().unwrap();
        let bundle = world.bundle(git_ref, version, &[(NAME, &content(seed))])?;
        assert_eq!(world.publish(&bundle).await?.uploaded, 1);
        let key = world.location(git_ref)?.object(&bundle.manifest().files[0]);
        let head = world.raw.head_object().bucket(Server::BUCKET).key(&key).send().await?;
        assert!(head.e_tag().is_some_and(|tag| tag.ends_with("-3\"")), "{:?}", head.e_tag());
        let again = world.publish(&bundle).await?;
        assert_eq!((again.uploaded, again.skipped, again.unchanged), (0, 1, true));
        world.fetch(&world.at(git_ref).await?, git_ref).await?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn other_bytes_for_a_large_file_are_refused_and_leave_no_parts() -> Result<()> {
    let world = World::new("large-immutable").await?;
    // The conflict shows before anything is sent, or at the end: two publishers at once.
    let (first, second) = (content('1'), content('2'));
    let (first, second) =
        (world.bundle("v0.3.0", "0.3.0", &[(NAME, &first)])?, world.bundle("v0.3.0", "0.3.0", &[(NAME, &second)])?);
    let (a, b) = tokio::join!(world.publish(&first), world.publish(&second));
    assert_eq!([a.is_ok(), b.is_ok()].iter().filter(|ok| **ok).count(), 1, "{a:?} {b:?}");
    let error = a.err().or(b.err()).unwrap();
    assert!(matches!(&error, RegistryError::Immutable(conflict) if conflict.published.is_some()), "{error}");
    world.fetch(&world.at("v0.3.0").await?, "whole").await?;
    let uploads = world.raw.list_multipart_uploads().bucket(Server::BUCKET).prefix("large-immutable").send().await?;
    assert_eq!(uploads.uploads().len(), 0);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_begun_in_parts_is_given_up_when_the_time_is_over_or_the_file_is_another() -> Result<()> {
    let mut world = World::new("large-unfinished").await?;
    let uploads = world.raw.list_multipart_uploads().bucket(Server::BUCKET).prefix("large-unfinished");
    let begun = Arc::new(AtomicBool::default());
    let seen = begun.clone();
    let slow = Proxy::start(&server().endpoint(), move |request| {
        if request.target().contains("partNumber=") {
            seen.store(true, Ordering::SeqCst);
            std::thread::sleep(Duration::from_secs(20));
        }
        request.forward()
    })?;
    let bundle = world.bundle("main", "0.3.0", &[(NAME, &content('1'))])?;
    let limited = Settings { endpoint: slow.endpoint().to_owned(), time_limit: Duration::from_secs(5), ..settings() };
    let direct = std::mem::replace(&mut world.store, Store::connect(limited).await?);
    let error = world.publish(&bundle).await.unwrap_err();
    assert!(error.to_string().contains("it was not finished within 5.0 s"), "{error}");
    assert!(begun.load(Ordering::SeqCst), "a part was on its way");
    assert!(uploads.clone().send().await?.uploads().is_empty());

    world.store = direct;
    std::fs::write(bundle.folder().join(NAME), content('2'))?;
    let error = world.publish(&bundle).await.unwrap_err();
    assert!(matches!(&error, RegistryError::Bundle(_)), "{error}");
    assert!(uploads.send().await?.uploads().is_empty());
    let error = registry::resolve_ref(&world.store, world.location("main")?).await.unwrap_err();
    assert!(matches!(&error, RegistryError::NoBundle { .. }), "{error}");
    Ok(())
}
