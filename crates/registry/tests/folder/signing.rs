// SPDX-License-Identifier: Apache-2.0
//! What a signature holds for, and how old an answer may be.

use crate::shelf::Shelf;
use anyhow::Result;
use registry::{PublicKey, PublicKeys, PublishOptions, RegistryError, SigningKey, Trust};
use std::time::Duration;

const AMD: &str = "x86_64/release";

fn pair() -> (SigningKey, PublicKey) {
    let pair = minisign::KeyPair::generate_unencrypted_keypair().unwrap();
    (pair.sk.to_box(None).unwrap().into_string().parse().unwrap(), pair.pk.to_base64().parse().unwrap())
}

fn signed(key: &SigningKey) -> PublishOptions {
    PublishOptions { signing_key: Some(key.clone()), ..PublishOptions::default() }
}

#[tokio::test]
async fn releases_and_branches_may_have_different_keys() -> Result<()> {
    let shelf = Shelf::new()?;
    let ((release_key, release), (branch_key, branch), (_, other)) = (pair(), pair(), pair());
    shelf.publish_with(&[shelf.bundle("v0.3.0", "0.3.0", AMD, &[("a.txt", "a")])?], &signed(&release_key)).await?;
    shelf.publish_with(&[shelf.bundle("main", "0.3.1-dev.1", AMD, &[("a.txt", "b")])?], &signed(&branch_key)).await?;
    let trust = |keys: &[&PublicKey], branch_keys: &[&PublicKey]| Trust {
        keys: keys.iter().map(|key| (*key).clone()).collect(),
        branch_keys: branch_keys.iter().map(|key| (*key).clone()).collect(),
        ..Trust::default()
    };
    let cases = [
        ("both", trust(&[&release], &[&branch]), [true, true]),
        ("a list, any of which fits", trust(&[&other, &release, &branch], &[]), [true, true]),
        ("releases only", trust(&[&release], &[]), [true, false]),
        ("a branch's key signs no release", trust(&[], &[&branch, &release]), [false, true]),
        ("a stranger's", trust(&[&other], &[]), [false, false]),
    ];
    for (name, trust, expected) in cases {
        let found = [shelf.at("v0.3.0", AMD, trust.clone()).await, shelf.at("main", AMD, trust).await];
        assert_eq!(found.each_ref().map(Result::is_ok), expected, "{name}: {found:?}");
        for error in found.into_iter().filter_map(Result::err) {
            assert!(matches!(error, RegistryError::Signature { .. }), "{name}: {error}");
        }
    }
    // The index, which the branch's key signed last, leads to releases as well.
    let found = shelf.resolve_trusting("^0.3", AMD, trust(&[&release], &[&branch])).await?;
    assert_eq!(found.manifest.version.to_string(), "0.3.0");
    let keys: PublicKeys = "untrusted comment: a\nRWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3".parse()?;
    assert_eq!(keys.0.len(), 1);
    Ok(())
}

#[tokio::test]
async fn minisign_itself_makes_our_keys_and_verifies_what_we_sign() -> Result<()> {
    testbed::tools::require(&[testbed::tools::SIGN], &|_| ())?;
    let shelf = Shelf::new()?;
    let [public, secret] = ["minisign.pub", "minisign.key"].map(|name| shelf.path(name));
    let minisign = |arguments: &[&std::path::Path]| std::process::Command::new("minisign").args(arguments).output();
    // A key without a password, whose checksum it leaves empty.
    let made = minisign(&["-G".as_ref(), "-W".as_ref(), "-p".as_ref(), &public, "-s".as_ref(), &secret])?;
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let key: SigningKey = std::fs::read_to_string(&secret)?.parse()?;
    let keys: PublicKeys = std::fs::read_to_string(&public)?.parse()?;
    shelf.publish_with(&[shelf.bundle("v0.3.0", "0.3.0", AMD, &[("a.txt", "a")])?], &signed(&key)).await?;
    shelf.at("v0.3.0", AMD, keys.clone().into()).await?;
    let release = shelf.path("store/artifacts/hello/rev/v0.3.0/release.json");
    let verified = minisign(&["-V".as_ref(), "-p".as_ref(), &public, "-m".as_ref(), &release])?;
    assert!(verified.status.success(), "{}", String::from_utf8_lossy(&verified.stderr));
    // The other way round: what it signs by hand is accepted.
    std::fs::remove_dir_all(shelf.path("store/artifacts/hello/signatures"))?;
    let by_hand = minisign(&["-S".as_ref(), "-s".as_ref(), &secret, "-m".as_ref(), &release])?;
    assert!(by_hand.status.success(), "{}", String::from_utf8_lossy(&by_hand.stderr));
    shelf.at("v0.3.0", AMD, keys.into()).await?;
    Ok(())
}

#[tokio::test]
async fn a_signed_release_of_another_place_is_refused() -> Result<()> {
    let shelf = Shelf::new()?;
    let (key, public) = pair();
    shelf.publish_with(&[shelf.bundle("v0.3.0", "0.3.0", AMD, &[("a.txt", "a")])?], &signed(&key)).await?;
    // The same bytes with their signature, copied to another base path and to another ref.
    for (from, to) in [("artifacts", "elsewhere"), ("artifacts/hello/rev/v0.3.0", "artifacts/hello/rev/v0.9.0")] {
        let [from, to] = [from, to].map(|place| shelf.path("store").join(place));
        let status = std::process::Command::new("cp").arg("-r").args([from, to]).status()?;
        assert!(status.success());
    }
    let copied = shelf.at("v0.9.0", AMD, public.clone().into()).await.unwrap_err();
    let mut elsewhere = shelf;
    elsewhere.base = "elsewhere".parse()?;
    let moved = elsewhere.at("v0.3.0", AMD, public.clone().into()).await.unwrap_err();
    let by_index = elsewhere.resolve_trusting("^0.3", AMD, public.into()).await.unwrap_err();
    let said = [copied, moved, by_index].map(|error| error.to_string());
    insta::assert_snapshot!(said.join("\n"), @r#"
    artifacts/hello/rev/v0.9.0/release.json was refused: it is that of hello v0.3.0 below "artifacts"
    elsewhere/hello/rev/v0.3.0/release.json was refused: it is that of hello v0.3.0 below "artifacts"
    elsewhere/hello/index.json was refused: it is that of hello below "artifacts"
    "#);
    Ok(())
}

#[tokio::test]
async fn old_answers_are_refused() -> Result<()> {
    let shelf = Shelf::new()?;
    let (key, public) = pair();
    let publish = async |version: &str| {
        let bundle = shelf.bundle(&format!("v{version}"), version, AMD, &[("a.txt", version)])?;
        Ok::<_, anyhow::Error>(shelf.publish_with(&[bundle], &signed(&key)).await?)
    };
    let seen = Trust { serials: Some(shelf.path("state/serials.json")), ..Trust::from(public.clone()) };
    publish("0.3.0").await?;
    let old = shelf.read("hello/index.json");
    publish("0.3.1").await?;
    assert_eq!(shelf.resolve_trusting("^0.3", AMD, seen.clone()).await?.manifest.version.to_string(), "0.3.1");
    // Somebody serves the older index, which is signed as well.
    let new = shelf.read("hello/index.json");
    shelf.write("hello/index.json", &old);
    let error = shelf.resolve_trusting("^0.3", AMD, seen.clone()).await.unwrap_err();
    assert!(matches!(error, RegistryError::WentBack { serial: 1, seen: 2, .. }), "{error}");
    // Who never looked before cannot know.
    assert_eq!(shelf.resolve_trusting("^0.3", AMD, public.clone().into()).await?.manifest.version.to_string(), "0.3.0");
    shelf.write("hello/index.json", &new);
    shelf.resolve_trusting("^0.3", AMD, seen).await?;

    let aged = |seconds| Trust { max_age: Some(Duration::from_secs(seconds)), ..Trust::from(public.clone()) };
    shelf.resolve_trusting("0.3.1", AMD, aged(3600)).await?;
    tokio::time::sleep(Duration::from_millis(2100)).await;
    for requirement in ["^0.3", "0.3.1"] {
        let error = shelf.resolve_trusting(requirement, AMD, aged(1)).await.unwrap_err();
        assert!(matches!(error, RegistryError::Stale { .. }), "{requirement}: {error}");
    }
    // Maintenance writes it again.
    registry::maintain::reindex(&shelf.store().await?, &shelf.base, &Shelf::package(), Some(&key)).await?;
    shelf.resolve_trusting("0.3.1", AMD, aged(60)).await?;
    // An older release of a ref is not the one that the fresh index names.
    Ok(())
}

#[tokio::test]
async fn what_a_store_gives_back_is_never_signed() -> Result<()> {
    let shelf = Shelf::new()?;
    let (key, public) = pair();
    let bundle = shelf.bundle("v0.3.0", "0.3.0", AMD, &[("a.txt", "a")])?;
    shelf.publish(std::slice::from_ref(&bundle)).await?;
    // The store swaps the release for one that says something else; then somebody signs what they built.
    let forged = shelf.read("hello/rev/v0.3.0/release.json").replace("nubificus/hello", "nubificus/evil");
    shelf.write("hello/rev/v0.3.0/release.json", &forged);
    let done = shelf.publish_with(std::slice::from_ref(&bundle), &signed(&key)).await;
    let accepted = shelf.at("v0.3.0", AMD, public.into()).await;
    // What is signed is what they built, and nothing of what was there.
    assert!(done.is_ok() && accepted.is_ok(), "{done:?} {accepted:?}");
    assert!(!shelf.read("hello/rev/v0.3.0/release.json").contains("evil"));
    // A target that only the store knows is not vouched for.
    let arm = shelf.bundle("v0.3.0", "0.3.0", "aarch64/release", &[("a.txt", "arm")])?;
    let other = pair().0;
    let error = shelf.publish_with(&[arm], &signed(&other)).await.unwrap_err();
    assert!(matches!(error, RegistryError::NotOurs { .. }), "{error}");
    Ok(())
}
