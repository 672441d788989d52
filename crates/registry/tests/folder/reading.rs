// SPDX-License-Identifier: Apache-2.0
//! Reading what others wrote: earlier layouts, newer ones, nonsense; and through a web server.

use crate::shelf::Shelf;
use anyhow::Result;
use registry::{Fetcher, RegistryError, Settings, Store, Trust};

const AMD: &str = "x86_64/release";

/// Puts a bundle where 0.1.0 did.
fn layout1(shelf: &Shelf, git_ref: &str, version: &str) -> Result<()> {
    let bundle = shelf.bundle(git_ref, version, AMD, &[("a.txt", version)])?;
    let folder = shelf.path("store/artifacts/hello/rev").join(git_ref).join(AMD);
    let objects = folder.join(format!("objects/{}", bundle.manifest().files[0].sha256));
    std::fs::create_dir_all(&objects)?;
    for name in ["a.txt", "SHA256SUMS", "manifest.json"] {
        std::fs::copy(bundle.folder().join(name), folder.join(name))?;
    }
    std::fs::copy(folder.join("a.txt"), objects.join("a.txt"))?;
    Ok(())
}

#[tokio::test]
async fn what_an_earlier_version_published_stays_readable_and_gets_into_the_index() -> Result<()> {
    let shelf = Shelf::new()?;
    layout1(&shelf, "v0.1.0", "0.1.0")?;
    layout1(&shelf, "main", "0.1.1-dev.1")?;
    let check = async || {
        for (number, found) in
            [shelf.resolve("^0.1", AMD).await?, shelf.at("main", AMD, Trust::default()).await?].iter().enumerate()
        {
            let folder = format!("fetched-{number}");
            shelf.fetch(found, &folder).await?;
            let text = std::fs::read_to_string(shelf.path(&folder).join("a.txt"))?;
            assert_eq!(text, found.manifest.version.to_string());
        }
        Ok::<_, anyhow::Error>(())
    };
    Box::pin(check()).await?;
    registry::maintain::reindex(&shelf.store().await?, &shelf.base, &Shelf::package(), None).await?;
    Box::pin(check()).await?;
    // A release of it does not change either, and a newer one joins it.
    let other = shelf.bundle("v0.1.0", "0.1.0", AMD, &[("a.txt", "other")])?;
    assert!(matches!(shelf.publish(&[other]).await, Err(RegistryError::Immutable(_))));
    shelf.publish(&[shelf.bundle("v0.2.0", "0.2.0", AMD, &[("a.txt", "0.2.0")])?]).await?;
    assert_eq!(shelf.resolve("latest", AMD).await?.manifest.version.to_string(), "0.2.0");
    assert_eq!(shelf.resolve("^0.1", AMD).await?.manifest.version.to_string(), "0.1.0");
    Ok(())
}

#[tokio::test]
async fn documents_that_deceive_are_refused_by_name() -> Result<()> {
    let shelf = Shelf::new()?;
    shelf.publish(&[shelf.bundle("v0.3.0", "0.3.0", AMD, &[("a.txt", "a")])?]).await?;
    let (release, index) = ("hello/rev/v0.3.0/release.json", "hello/index.json");
    let cases = [
        ("newer index", index, shelf.read(index).replace("\"schema\":2", "\"schema\":3")),
        ("another package's index", index, shelf.read(index).replace("\"hello\"", "\"other\"")),
        ("no index", index, "<html>Not what you want</html>".to_owned()),
        ("newer release", release, shelf.read(release).replace("\"schema\": 2", "\"schema\": 3")),
        ("another ref's release", release, shelf.read(release).replace("\"v0.3.0\"", "\"v0.3.1\"")),
        ("cut off", release, shelf.read(release)[..40].to_owned()),
        ("huge", release, " ".repeat(2 * 1024 * 1024)),
    ];
    let mut said = Vec::new();
    for (name, key, text) in cases {
        let right = shelf.read(key);
        assert_ne!(right, text, "{name}");
        shelf.write(key, &text);
        let error = shelf.resolve("^0.3", AMD).await.unwrap_err();
        said.push(format!("{name}: {}", error.into_failure()));
        shelf.write(key, &right);
    }
    insta::assert_snapshot!(said.join("\n"), @r#"
    newer index: artifacts/hello/index.json was refused: its schema is 3, and this version of vaccel-ci understands 2; use a newer one
    help: use a newer version of vaccel-ci
    another package's index: artifacts/hello/index.json was refused: it is that of other below "artifacts"
    help: somebody copied it there; do not trust it
    no index: artifacts/hello/index.json was refused: it is not a index: expected value at line 1 column 1; it begins with "<html>Not what you want</html>"
    help: check endpoint-url, bucket and base-path; if they are right, the store is damaged
    newer release: artifacts/hello/rev/v0.3.0/release.json was refused: its schema is 3, and this version of vaccel-ci understands 2; use a newer one
    help: use a newer version of vaccel-ci
    another ref's release: artifacts/hello/rev/v0.3.0/release.json was refused: it is that of hello v0.3.1 below "artifacts"
    help: somebody copied it there; do not trust it
    cut off: artifacts/hello/rev/v0.3.0/release.json was refused: it is not a release: EOF while parsing an object at line 3 column 10
    help: check endpoint-url, bucket and base-path; if they are right, the store is damaged
    huge: artifacts/hello/rev/v0.3.0/release.json is larger than 1048576 bytes, which no such document is
    help: check base-path and package; nothing was read or written
    "#);
    Ok(())
}

/// A web server of Python's, which knows neither S3 nor ranges, over the folder.
fn web(shelf: &Shelf) -> Result<(testbed::process::Guarded, String)> {
    let port = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
    let python = testbed::tools::ensure(&|_| ())?.bin("python");
    let server = testbed::process::Guarded::spawn(&python, std::time::Duration::ZERO, &[], |command| {
        command.args(["-m", "http.server", "--bind", "127.0.0.1", &port.to_string()]);
        command
            .current_dir(shelf.path("store"))
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null());
    })?;
    while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    Ok((server, format!("http://127.0.0.1:{port}")))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_web_server_over_the_folder_serves_readers() -> Result<()> {
    let shelf = Shelf::new()?;
    // Larger than what is fetched at once.
    let large = "0123456789abcde\n".repeat(1_200_000);
    for version in ["0.3.0", "0.3.1"] {
        let files = [("a.txt", version), ("large.bin", large.as_str())];
        shelf.publish(&[shelf.bundle(&format!("v{version}"), version, AMD, &files)?]).await?;
    }
    let (_server, endpoint) = web(&shelf)?;
    let store = Store::connect(Settings { endpoint, ..Settings::default() }).await?;
    let location = shelf.location("main", AMD);
    let resolve = async |requirement: &str| {
        let requirement = requirement.parse().unwrap();
        registry::resolve(&store, &shelf.base, &location.package, &requirement, location.arch, location.build_type)
            .await
    };
    let found = resolve("^0.3").await?;
    assert_eq!(found.manifest.version.to_string(), "0.3.1");
    // One transfer broke off earlier.
    std::fs::create_dir_all(shelf.path("web"))?;
    let digest = found.manifest.files.iter().find(|file| file.name.as_str() == "large.bin").unwrap().sha256;
    std::fs::write(shelf.path("web").join(format!(".{digest}.part")), &large[..1_000_001])?;
    let fetcher = Fetcher { store: &store, folder: &shelf.path("web"), concurrency: 4 };
    let files = fetcher.fetch(&found, &found.manifest.files, &|_| ()).await?;
    assert_eq!(files[1].transferred, large.len() as u64 - 1_000_001);
    assert!(std::fs::read_to_string(shelf.path("web/large.bin"))? == large);
    assert!(matches!(resolve("^0.9").await, Err(RegistryError::Unsatisfied { .. })));
    let bundle = shelf.bundle("v0.4.0", "0.4.0", AMD, &[("a.txt", "a")])?;
    let error =
        registry::publish(&store, &shelf.base, &[bundle], &registry::PublishOptions::default(), &|_, _| ()).await;
    assert!(error.unwrap_err().to_string().contains("can only be read"));
    Ok(())
}
