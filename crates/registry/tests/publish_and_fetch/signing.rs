// SPDX-License-Identifier: Apache-2.0
//! Who signed what is published.

use crate::world::{World, manifest};
use anyhow::Result;
use artifact::Bundle;
use registry::{PublicKey, Publication, PublishOptions, RegistryError, SigningKey, Store};

const DEB: &str = "hello_0.3.0-1_amd64.deb";

fn keys() -> Result<(SigningKey, PublicKey)> {
    let pair = minisign::KeyPair::generate_unencrypted_keypair()?;
    Ok((pair.sk.to_box(None)?.into_string().parse()?, pair.pk.to_base64().parse()?))
}

async fn publish(world: &World, bundle: &Bundle, key: Option<&SigningKey>) -> Result<Publication> {
    let options = PublishOptions { signing_key: key.cloned(), ..PublishOptions::default() };
    Ok(registry::publish(&world.store, &world.base, std::slice::from_ref(bundle), &options, &|_, _| ()).await?)
}

async fn read(world: &World, git_ref: &str, key: &PublicKey) -> Result<artifact::Manifest, RegistryError> {
    let store = Store::connect(crate::world::settings()).await?.trusting(key.clone());
    Ok(registry::resolve_ref(&store, world.location(git_ref).unwrap()).await?.manifest)
}

#[tokio::test]
async fn a_signed_bundle_is_accepted_and_any_other_is_not() -> Result<()> {
    let world = World::new("signed").await?;
    let ((signing, public), (_, stranger)) = (keys()?, keys()?);
    for (git_ref, version) in [("v0.3.0", "0.3.0"), ("main", "0.3.1-dev.1+gebc23b1f")] {
        let bundle = world.bundle(git_ref, version, &[(DEB, git_ref)])?;
        publish(&world, &bundle, None).await?;
        let unsigned = read(&world, git_ref, &public).await;
        assert!(matches!(unsigned, Err(RegistryError::Unsigned { .. })), "{unsigned:?}");
        // What is published can be signed later.
        assert!(publish(&world, &bundle, Some(&signing)).await?.unchanged);
        assert_eq!(&read(&world, git_ref, &public).await?, bundle.manifest());
        let foreign = read(&world, git_ref, &stranger).await;
        assert!(matches!(foreign, Err(RegistryError::Signature { .. })), "{foreign:?}");
        let keys = world.keys().await?;
        assert!(publish(&world, &bundle, Some(&signing)).await?.unchanged);
        assert_eq!(world.keys().await?, keys);
        // For people, beside the manifest.
        let location = world.location(git_ref)?;
        let release = location.place().release();
        let signature = world.read(&format!("{release}.minisig")).await?;
        let text = world.read(&release).await?;
        world.write(&release, &text.replace("nubificus", "somebody")).await?;
        let changed = read(&world, git_ref, &public).await;
        assert!(matches!(changed, Err(RegistryError::Signature { .. })), "{changed:?}");
        assert!(signature.contains("trusted comment: published by vaccel-ci"), "{signature}");
    }
    Ok(())
}

#[tokio::test]
async fn another_run_of_a_signed_release_leaves_its_signature_valid() -> Result<()> {
    let world = World::new("signed-again").await?;
    let (signing, public) = keys()?;
    publish(&world, &world.bundle("v0.3.0", "0.3.0", &[(DEB, "deb")])?, Some(&signing)).await?;
    let other = artifact::Manifest { run: None, ..manifest("v0.3.0", "0.3.0")? };
    assert!(publish(&world, &world.bundle_of(other, &[(DEB, "deb")])?, Some(&signing)).await?.unchanged);
    assert!(read(&world, "v0.3.0", &public).await?.run.is_some());
    Ok(())
}

#[tokio::test]
async fn a_moving_branch_is_signed_whenever_it_is_read() -> Result<()> {
    let world = World::new("signed-branch").await?;
    let (signing, public) = keys()?;
    publish(&world, &world.bundle("main", "0.3.0", &[(DEB, "0")])?, Some(&signing)).await?;
    let done = std::sync::atomic::AtomicBool::new(false);
    let writer = async {
        for round in 1..20 {
            let bundle = world.bundle("main", &format!("0.3.{round}"), &[(DEB, &round.to_string())])?;
            publish(&world, &bundle, Some(&signing)).await?;
        }
        done.store(true, std::sync::atomic::Ordering::Relaxed);
        Ok::<_, anyhow::Error>(())
    };
    let reader = async {
        let mut reads = 0;
        while !done.load(std::sync::atomic::Ordering::Relaxed) {
            read(&world, "main", &public).await?;
            reads += 1;
        }
        Ok::<_, anyhow::Error>(reads)
    };
    let (written, reads) = tokio::join!(writer, reader);
    written?;
    assert!(reads? > 0);
    Ok(())
}
