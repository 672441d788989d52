// SPDX-License-Identifier: Apache-2.0
//! The executable and a package with ten thousand versions: few requests, little memory.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail where it stands")]

use artifact::Arch;
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant};
use testbed::proxy::Proxy;
use testbed::s3::Server;

const VERSIONS: u64 = 10_000;
/// The newest ones have a bundle for another architecture only.
const ELSEWHERE: u64 = 300;
const MOST_REQUESTS: u32 = 12;
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
        .args(["--package=hello", "--bucket", Server::BUCKET, "--endpoint-url", proxy.endpoint()])
        .args(arguments)
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
fn ten_thousand_versions_take_a_dozen_requests_and_little_memory() {
    let server = testbed::tools::ensure(&|_| ()).and_then(|tools| Server::start(&tools)).unwrap();
    let folder = |version: &str, arch| format!("hello/rev/v{version}/{arch}/release/manifest.json");
    write(&server, releases().map(|(version, arch)| (folder(&version, arch), manifest(&version, arch))));
    let proxy = Proxy::start(&server.endpoint(), |request| request.forward()).unwrap();
    let cases = [
        (&["--version=latest", "--arch=x86_64"][..], "Fetch hello 9.69.9 ", 1),
        (&["--version=latest", "--arch=aarch64"], "Fetch hello 9.99.9 ", 1),
        (&["--version=^3.7", "--arch=x86_64"], "Fetch hello 3.99.9 ", 1),
        (&["--version=0.0.1", "--arch=x86_64"], "Fetch hello 0.0.1 ", 1),
        (&["--version=^9.70", "--arch=x86_64"], "published: releases v9.69.9, v9.69.8, ", 4),
        (&["--version=latest", "--arch=armv7l"], "releases v9.99.9, v9.99.8, ", 4),
    ];
    let check = |kind: &str| {
        // What is not there is looked for once more, among everything that is.
        for (arguments, text, factor) in cases {
            let (before, started) = (proxy.requests(), Instant::now());
            let (said, memory) = fetch(&server, &proxy, arguments);
            let (requests, time) = (proxy.requests() - before, started.elapsed());
            println!("{kind}, {arguments:?}: {requests} requests, {} MiB, {time:.1?}", memory >> 20);
            assert!(requests <= factor * MOST_REQUESTS, "{kind}, {arguments:?}: {requests} requests");
            assert!(memory > 0 && memory <= MOST_MEMORY, "{kind}, {arguments:?}: {memory} bytes");
            assert!(said.contains(text), "{kind}, {arguments:?}: {said}");
        }
    };
    // As somebody else may have put them there; then as we publish them.
    check("unnamed");
    let marker = |version: &str, arch| format!("hello/rev/.targets/{arch}/release/v{version}");
    write(&server, releases().map(|(version, arch)| (marker(&version, arch), version.into_bytes())));
    check("named");
}
