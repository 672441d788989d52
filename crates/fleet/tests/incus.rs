// SPDX-License-Identifier: Apache-2.0
//! What is rendered for Incus and for nodes, on a real Incus daemon and in a container that really boots.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::format_collect,
    clippy::case_sensitive_file_extension_comparisons,
    reason = "a test may fail where it stands"
)]

use std::path::{Path, PathBuf};
use std::process::Command;
use testbed::tools::{self, FLEET};
use vaccel_fleet::render::{Input, render};

/// A fleet of one tag, whose K3s is a file in the image.
fn registry(sha256: &str) -> String {
    format!(
        r#"
label = "{{tag}}-{{os}}-{{arch}}"
os = "1"
[fleet]
organization = "o"
github-secret = "s"
image-registry = "r"
chart = "0.14.2"
runner = "2.336.0"
size = {{ cpu = 2, memory = "2GiB", disk = "20GiB", max = 3 }}
[fleet.k3s]
version = "v1"
server = "https://k3s.test:6443"
download = "file:///opt/k3s"
sha256 = {{ amd64 = "{sha256}" }}
[fleet.incus]
remotes = {{ amd64 = "metal" }}
[tags.base]
meaning = "x"
architectures = ["amd64"]
"#
    )
}

fn scripts() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/incus")
}

/// The root file system, made once.
fn root() -> PathBuf {
    let folder = testbed::workspace_root().join("target/tools");
    std::fs::create_dir_all(&folder).unwrap();
    let tar = folder.join("fleet-root.tar");
    if !tar.is_file() {
        tools::require(&[FLEET], &|line| eprintln!("{line}")).unwrap();
        let made = Command::new("sh").arg(scripts().join("root.sh")).arg(&tar).status().unwrap();
        assert!(made.success());
    }
    tar
}

#[test]
fn incus_accepts_every_object_and_a_node_joins_with_what_the_registry_says() {
    if !rustix::process::getuid().is_root() || artifact::Arch::host() != Some(artifact::Arch::X86_64) {
        eprintln!("needs root on x86_64: Incus and its containers run in namespaces of their own");
        return;
    }
    let k3s = std::fs::read(scripts().join("k3s.sh")).unwrap();
    let text = registry(&artifact::Sha256::of(&k3s).to_string());
    let runners = artifact::runners::Runners::parse("runners.toml", &text).unwrap();
    let images = vaccel_fleet::Images::default();
    let files = render(&Input { runners: &runners, text: &text, images: &images, private: false }).unwrap();
    let folder = tempfile::tempdir().unwrap();
    for (path, file) in &files {
        let path = folder.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, &file.text).unwrap();
    }
    let output = Command::new("bash")
        .arg(scripts().join("metal.sh"))
        .args([root(), folder.path().to_owned(), scripts()])
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&output.stdout);
    let results: Vec<_> = told.lines().filter_map(|line| line.strip_prefix("result ")).collect();

    eprintln!("{told}{}", String::from_utf8_lossy(&output.stderr));
    insta::assert_snapshot!(results.join("\n"), @r#"
    setup 0
    setup-again 0
    unchanged 0
    misspelt 1
    launch 0
    boot-finished 1
    record started agent
    record server: https://k3s.test:6443
    record token-file: /etc/vaccel-ci/k3s-token
    record node-label:
    record   - "vaccel.org/runner=base-1-amd64"
    record node-taint:
    record   - "vaccel.org/runner=base-1-amd64:NoSchedule"
    mode /etc/rancher/k3s/config.yaml 600
    join-again 0
    starts 1
    vaccel-join: failed to join: there is no join token in /etc/vaccel-ci/k3s-token
    "#);
}
