// SPDX-License-Identifier: Apache-2.0
//! One `x86_64` machine builds, exercises and stages a package for every architecture, and a second time, in another
//! folder, with equal bytes.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use testbed::repository::Repository;
use testbed::tools;

const ARCHS: [&str; 3] = ["x86_64", "aarch64", "armv7l"];

/// Programs of another architecture are started through qemu-user: a manifest names them, a script hides them.
const EXAMPLES: &str = r#"
[[example]]
name = "greet"
command = ["{bin}/hello-run", "greet", "en", "World"]
env.VACCEL_PLUGINS = "libvaccel-hello.so.0"
expect.stdout = "Hello, World!\n"

[[example]]
name = "multiply"
command = ["{bin}/hello-run", "multiply", "1 2 3; 4 5 6", "7 8; 9 10; 11 12"]
env.VACCEL_PLUGINS = "libvaccel-hello.so.0"
expect.stdout = "58 64\n139 154\n"
"#;

#[test]
fn every_architecture_is_built_exercised_and_staged_twice_with_equal_bytes() -> Result<()> {
    tools::ensure(&|_| ())?;
    tools::require(&[tools::BASE, tools::CROSS], &|_| ())?;
    let folder = tempfile::tempdir()?;
    for arch in ARCHS {
        let [first, second] = ["one", "another-of-a-longer-name"].map(|name| {
            let parent = folder.path().join(arch).join(name);
            fs::create_dir_all(&parent)?;
            let plugin = Repository::from_fixture("plugin-hello", &parent)?;
            plugin.write("examples/examples.toml", EXAMPLES)?;
            plugin.commit("test: describe the examples")?;
            plugin.tag("v0.3.0")?;
            bundle(plugin.folder(), arch).with_context(|| format!("{arch}, {name}"))
        });
        let (first, second) = (first?, second?);
        let kinds = ["_0.3.0-1_", "-dbgsym_0.3.0-1_", ".tar.gz", ".so.0.3.0", ".spdx.json", "examples.json"];
        for kind in kinds {
            ensure!(first.keys().any(|name| name.contains(kind)), "{arch}: no {kind} among {:?}", first.keys());
        }
        ensure!(first == second, "{arch}: the second bundle has other bytes\n{first:#?}\n{second:#?}");
    }
    Ok(())
}

/// Names and digests of the files that a source tree gives.
fn bundle(source: &Path, arch: &str) -> Result<BTreeMap<String, String>> {
    run(source, "vaccel-build", &["--arch", arch, "--build-type", "debugoptimized", "--test", "run"])?;
    let package = ["--package", "plugin-hello", "--arch", arch];
    let examine = ["--manifest", "examples/examples.toml", "--report-path", "report.json"];
    run(source, "vaccel-run-examples", &[package, examine].concat())?;
    let report = fs::read_to_string(source.join("report.json"))?;
    let report: serde_json::Value = serde_json::from_str(&report)?;
    let outcomes: Vec<_> =
        report["examples"].as_array().context("no examples")?.iter().map(|e| &e["outcome"]).collect();
    ensure!(outcomes == ["pass", "pass"], "the examples: {outcomes:?}");
    let stage = ["--build-type", "debugoptimized", "--build-path", "build", "--examples-report", "report.json"];
    run(source, "vaccel-stage-artifacts", &[&package[..], &stage].concat())?;
    let sums = fs::read_to_string(source.join("dist/SHA256SUMS"))?;
    let pairs = sums.lines().map(|line| line.split_once("  ").context("not a line of sha256sum"));
    pairs.map(|pair| pair.map(|(digest, name)| (name.to_owned(), digest.to_owned()))).collect()
}

fn run(folder: &Path, program: &str, arguments: &[&str]) -> Result<()> {
    let tools = tools::ensure(&|_| ())?;
    let output = Command::new(testbed::executables().join(program))
        .args(arguments)
        .current_dir(folder)
        .env("PATH", tools.path())
        .env_remove("GITHUB_ACTIONS")
        .output()?;
    let told = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{program} {arguments:?}: {told}");
    Ok(())
}
