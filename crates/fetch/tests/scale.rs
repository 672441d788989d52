// SPDX-License-Identifier: Apache-2.0
//! The executable and a package with ten thousand versions: few requests, little memory.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail where it stands")]

use artifact::{Arch, Index, IndexEntry, Release, ReleaseTarget, Sha256, TargetKey};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant};
use testbed::proxy::Proxy;
use testbed::s3::Server;

const VERSIONS: u64 = 10_000;
/// The newest ones have a bundle for another architecture only.
const ELSEWHERE: u64 = 300;
/// Where no index is, and the store is listed.
const MOST_LISTING: u32 = 16;
/// Of layout 2: index, release, manifest.
const MOST_REQUESTS: u32 = 4;
/// In bytes.
const MOST_MEMORY: u64 = 64 * 1024 * 1024;

/// Version and architecture of every release.
fn releases() -> impl Iterator<Item = (String, Arch)> {
    (0..VERSIONS).map(|n| {
        let arch = if n < VERSIONS - ELSEWHERE { Arch::X86_64 } else { Arch::Aarch64 };
        (format!("{}.{}.{}", n / 1000, n / 10 % 100, n % 10), arch)
    })
}

fn manifest(version: &str, arch: Arch) -> Vec<u8> {
    let mut manifest = testbed::bundle::manifest(&format!("v{version}"), version).unwrap();
    manifest.arch = arch;
    manifest.to_canonical_json()
}

/// Writes objects, several at a time.
fn write(server: &Server, objects: impl Iterator<Item = (String, Vec<u8>)> + Send) {
    let objects = Mutex::new(objects);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                while let Some((key, content)) = next(&objects) {
                    server.plant(&key, &content).unwrap();
                }
            });
        }
    });
}

fn next<T>(items: &Mutex<impl Iterator<Item = T>>) -> Option<T> {
    items.lock().unwrap().next()
}

/// Runs a fetch to its end; gives its messages, and peak memory in bytes.
fn fetch(server: &Server, proxy: &Proxy, arguments: &[&str]) -> (String, u64) {
    let folder = tempfile::tempdir().unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_vaccel-fetch"))
        .env_clear()
        .env("INPUT_ACCESS_KEY", server.access_key())
        .env("INPUT_SECRET_KEY", server.secret_key())
        .args(["--bucket", Server::BUCKET, "--endpoint-url", proxy.endpoint()])
        .args(arguments)
        .env("INPUT_PACKAGE", "hello")
        .current_dir(folder.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let (status, mut memory) = (format!("/proc/{}/status", child.id()), 0);
    while child.try_wait().unwrap().is_none() {
        // It only grows: the last value is the peak.
        let text = std::fs::read_to_string(&status).unwrap_or_default();
        let peak = text.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB")?.parse().ok());
        memory = peak.map_or(memory, |kilobytes: u64| kilobytes * 1024);
        std::thread::sleep(Duration::from_micros(500));
    }
    let output = child.wait_with_output().unwrap();
    let said = [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap()).concat();
    (said, memory)
}

#[test]
fn ten_thousand_versions_of_an_earlier_layout_take_few_requests_and_little_memory() {
    let server = testbed::tools::ensure(&|_| ()).and_then(|tools| Server::start(&tools)).unwrap();
    let folder = |version: &str, arch| format!("hello/rev/v{version}/{arch}/release/manifest.json");
    write(&server, releases().map(|(version, arch)| (folder(&version, arch), manifest(&version, arch))));
    let proxy = Proxy::start(&server.endpoint(), |request| request.forward()).unwrap();
    let cases = [
        (&["--version=latest", "--arch=x86_64"][..], "Fetch hello 9.69.9 ", 1),
        (&["--version=^3.7", "--arch=x86_64"], "Fetch hello 3.99.9 ", 1),
        (&["--version=0.0.1", "--arch=x86_64"], "Fetch hello 0.0.1 ", 1),
        (&["--version=^9.70", "--arch=x86_64"], "published: releases v9.69.9, v9.69.8, ", 4),
    ];
    let check = |kind: &str| {
        // What is not there is looked for once more, among everything that is.
        for (arguments, text, factor) in cases {
            look(&server, &proxy, kind, arguments, text, factor * MOST_LISTING, MOST_MEMORY);
        }
    };
    // As somebody else may have put them there; then as 0.1.0 did.
    check("unnamed");
    let marker = |version: &str, arch| format!("hello/rev/.targets/{arch}/release/v{version}");
    write(&server, releases().map(|(version, arch)| (marker(&version, arch), version.into_bytes())));
    check("named");
}

/// Runs a fetch, and holds it to its limits.
fn look(server: &Server, proxy: &Proxy, kind: &str, arguments: &[&str], text: &str, requests: u32, memory: u64) {
    let (before, started) = (proxy.requests(), Instant::now());
    let (said, used) = fetch(server, proxy, arguments);
    let (asked, time) = (proxy.requests() - before, started.elapsed());
    println!("{kind}, {arguments:?}: {asked} requests, {} MiB, {time:.1?}", used >> 20);
    assert!(asked <= requests, "{kind}, {arguments:?}: {asked} requests");
    assert!(used > 0 && used <= memory, "{kind}, {arguments:?}: {used} bytes");
    assert!(said.contains(text), "{kind}, {arguments:?}: {said}");
}

/// Puts a package of so many versions there: its index, and what the newest one names.
fn publish(server: &Server, package: &str, count: u64) {
    let mut index = Index::new("", package.parse().unwrap());
    let version = |n: u64| format!("{}.{}.{}", n / 10_000, n / 10 % 1000, n % 10);
    for n in 0..count {
        let version = version(n);
        let mut manifest = testbed::bundle::manifest(&format!("v{version}"), &version).unwrap();
        manifest.package = package.parse().unwrap();
        let text = manifest.to_canonical_json();
        let target: TargetKey = "x86_64/release".parse().unwrap();
        let release = Release {
            base_path: String::new(),
            commit: manifest.commit.clone(),
            created: manifest.created.clone(),
            package: manifest.package.clone(),
            git_ref: manifest.git_ref.clone(),
            repository: manifest.repository.clone(),
            run: None,
            schema: Release::SCHEMA,
            serial: 1,
            targets: vec![ReleaseTarget { manifest: Sha256::of(&text), size: 0, target }],
            version: manifest.version.clone(),
            yanked: None,
        };
        let release_text = release.to_canonical_json();
        if n + 1 == count {
            server.plant(&format!("{package}/rev/v{version}/release.json"), &release_text).unwrap();
            server.plant(&format!("{package}/objects/{}/manifest.json", Sha256::of(&text)), &text).unwrap();
        }
        index.entries.push(IndexEntry {
            created: release.created,
            git_ref: release.git_ref,
            release: Some(Sha256::of(&release_text)),
            size: Some(0),
            targets: vec![target],
            version: release.version,
            yanked: None,
        });
    }
    index.entries.sort_by(|a, b| a.git_ref.cmp(&b.git_ref));
    server.plant(&format!("{package}/index.json"), &index.to_canonical_json()).unwrap();
}

#[test]
fn very_many_versions_take_an_index_a_release_and_a_manifest() {
    let server = testbed::tools::ensure(&|_| ()).and_then(|tools| Server::start(&tools)).unwrap();
    let proxy = Proxy::start(&server.endpoint(), |request| request.forward()).unwrap();
    let cases = [
        ("ten-thousand", 10_000, "--version=^0", "Fetch ten-thousand 0.999.9 ", MOST_MEMORY),
        ("hundred-thousand", 100_000, "--version=latest", "Fetch hundred-thousand 9.999.9 ", 2 * MOST_MEMORY),
    ];
    for (package, count, requirement, text, memory) in cases {
        publish(&server, package, count);
        let package = format!("--package={package}");
        let arguments = [package.as_str(), requirement, "--arch=x86_64"];
        look(&server, &proxy, "index", &arguments, text, MOST_REQUESTS, memory);
    }
}
