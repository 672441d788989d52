// SPDX-License-Identifier: Apache-2.0
//! Every byte is verified before its final name appears.

use crate::world::{World, settings};
use anyhow::Result;
use registry::{Fetcher, RegistryError, Settings, Store};
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::path::Path;
use std::sync::mpsc;

const CONTENT: &str = "0123456789abcdef";

fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[tokio::test]
async fn files_come_verified_and_are_left_alone_when_they_are_there() -> Result<()> {
    let world = World::new("fetch").await?;
    world.publish(&world.bundle("v0.3.0", "0.3.0", &[("a.txt", CONTENT), ("empty", "")])?).await?;
    let bundle = world.at("v0.3.0").await?;
    let sizes = |files: &[registry::FetchedFile]| files.iter().map(|file| file.transferred).collect::<Vec<_>>();
    assert_eq!(sizes(&world.fetch(&bundle, "out").await?), [16, 0]);
    assert_eq!(sizes(&world.fetch(&bundle, "out").await?), [0, 0]);
    // A file that is not right is replaced.
    std::fs::write(world.path("out/a.txt"), "fedcba9876543210")?;
    assert_eq!(sizes(&world.fetch(&bundle, "out").await?), [16, 0]);
    assert_eq!(std::fs::read_to_string(world.path("out/a.txt"))?, CONTENT);
    assert_eq!(names(&world.path("out")), ["a.txt", "empty"]);
    Ok(())
}

#[tokio::test]
async fn a_tampered_object_is_refused_and_nothing_of_it_kept() -> Result<()> {
    let world = World::new("tampered").await?;
    world.publish(&world.bundle("v0.3.0", "0.3.0", &[("a.txt", CONTENT)])?).await?;
    let bundle = world.at("v0.3.0").await?;
    let key = bundle.object(&bundle.manifest.files[0]);
    let mut said = Vec::new();
    for (name, bytes) in [("other", "0123456789abcdeF"), ("longer", "0123456789abcdef!"), ("shorter", "0123456789")] {
        world.write(&key, bytes).await?;
        let error = world.fetch(&bundle, name).await.unwrap_err().downcast::<RegistryError>()?;
        said.push(format!("{name}: {}", error.into_failure()));
        assert_eq!(names(&world.path(name)), Vec::<String>::new(), "{name}");
    }
    insta::assert_snapshot!(said.join("\n"), @r"
    other: tampered/hello/objects/9f9f5111f7b27a781f1f1ddde5ebc2dd2b796bfc7365c9c28b548e564176929f/a.txt is not the file of the manifest: 72bfd571e1d27072278bd2ab343ada9bedad6ee2e371d0776bf0978f4bd055bb instead of 9f9f5111f7b27a781f1f1ddde5ebc2dd2b796bfc7365c9c28b548e564176929f
    help: the store or the way to it is damaged; nothing of it was kept
    longer: tampered/hello/objects/9f9f5111f7b27a781f1f1ddde5ebc2dd2b796bfc7365c9c28b548e564176929f/a.txt is not the file of the manifest: more than 16 bytes instead of 16 bytes
    help: the store or the way to it is damaged; nothing of it was kept
    shorter: tampered/hello/objects/9f9f5111f7b27a781f1f1ddde5ebc2dd2b796bfc7365c9c28b548e564176929f/a.txt is not the file of the manifest: 10 bytes instead of 16 bytes
    help: the store or the way to it is damaged; nothing of it was kept
    ");
    Ok(())
}

#[tokio::test]
async fn a_partial_file_is_continued_and_a_wrong_one_begun_again() -> Result<()> {
    let world = World::new("resume").await?;
    world.publish(&world.bundle("v0.3.0", "0.3.0", &[("a.txt", CONTENT)])?).await?;
    let bundle = world.at("v0.3.0").await?;
    let digest = bundle.manifest.files[0].sha256.to_string();
    let cases = [
        ("a part", "0123", 12),
        ("the whole", CONTENT, 0),
        ("a wrong part", "xxxx", 12 + 16),
        ("a wrong whole", "0123456789abcdeF", 16),
        ("too much", "0123456789abcdef!", 16),
    ];
    for (name, partial, transferred) in cases {
        std::fs::create_dir_all(world.path(name))?;
        std::fs::write(world.path(name).join(format!(".{digest}.part")), partial)?;
        let fetched = world.fetch(&bundle, name).await?;
        assert_eq!(fetched[0].transferred, transferred, "{name}");
        assert_eq!(std::fs::read_to_string(world.path(name).join("a.txt"))?, CONTENT, "{name}");
        assert_eq!(names(&world.path(name)), ["a.txt"], "{name}");
    }
    Ok(())
}

/// Serves the content, and closes the connection after `most` bytes of every answer; gives its
/// address and the ranges that it was asked for.
fn breaking_server(most: usize) -> Result<(String, mpsc::Receiver<String>)> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = format!("http://{}", listener.local_addr()?);
    let (ranges, asked) = mpsc::channel();
    std::thread::spawn(move || {
        for connection in listener.incoming() {
            let mut connection = connection?;
            let mut offset = 0;
            for line in BufReader::new(connection.try_clone()?).lines() {
                let line = line?.to_ascii_lowercase();
                if line.is_empty() {
                    break;
                }
                if let Some(range) = line.strip_prefix("range: bytes=") {
                    offset = range.trim_end_matches('-').parse().map_err(std::io::Error::other)?;
                }
            }
            let _ = ranges.send(format!("from {offset}"));
            let rest = &CONTENT[offset..];
            let sent = &rest[..rest.len().min(most)];
            let range = format!("206 Partial Content\r\nContent-Range: bytes {offset}-15/16");
            let status = if offset > 0 { range.as_str() } else { "200 OK" };
            write!(connection, "HTTP/1.1 {status}\r\nContent-Length: {}\r\n\r\n{sent}", rest.len())?;
        }
        Ok::<_, std::io::Error>(())
    });
    Ok((address, asked))
}

#[tokio::test]
async fn a_transfer_that_breaks_off_goes_on_where_it_was_and_not_for_ever() -> Result<()> {
    let world = World::new("breaks").await?;
    world.publish(&world.bundle("v0.3.0", "0.3.0", &[("a.txt", CONTENT)])?).await?;
    let bundle = world.at("v0.3.0").await?;
    for (most, succeeds, asked) in [(6, true, vec![0, 6, 12]), (2, false, vec![0, 2, 4, 6, 8, 10])] {
        let (endpoint, ranges) = breaking_server(most)?;
        let store = Store::connect(Settings { endpoint, ..settings() }).await?;
        let folder = world.path(&format!("most-{most}"));
        std::fs::create_dir_all(&folder)?;
        let fetcher = Fetcher { store: &store, folder: &folder, concurrency: 1 };
        let result = fetcher.fetch(&bundle, &bundle.manifest.files, &|_| ()).await;
        let asked: Vec<_> = asked.into_iter().map(|offset| format!("from {offset}")).collect();
        assert_eq!(ranges.try_iter().collect::<Vec<_>>(), asked);
        match result {
            Ok(files) => assert!(succeeds && files[0].transferred == 16, "{files:?}"),
            Err(error) => {
                assert!(!succeeds && error.to_string().contains("broke off after 12 of 16 bytes"), "{error}");
                assert_eq!(names(&folder).len(), 1, "what came is kept for the next attempt");
                world.fetch(&bundle, &format!("most-{most}")).await?;
            }
        }
        assert_eq!(std::fs::read_to_string(folder.join("a.txt"))?, CONTENT);
    }
    Ok(())
}
