// SPDX-License-Identifier: Apache-2.0
//! Proof that executables run: each starts on its architecture and does real work there.
//!
//! The work is a small package's way through the pipeline. What an action needs of the ones before
//! it is there from the beginning, so that each can be proven alone.

use anyhow::{Context, Result, bail, ensure};
use artifact::{Arch, Bundle, DistRecord, Executable, Manifest, Sha256};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use testbed::repository::Repository;
use testbed::s3::Server;
use testbed::tools::{self, Tools};

/// Where Debian's cross packages have the C library that armv7l executables load.
const ARMHF: &str = "/usr/arm-linux-gnueabihf";

/// The fixture that is the repository.
const SOURCE: &str = "examples-trace";
/// The program in its install tree.
const GREET: &str = "install/usr/bin/greet";
/// How it is built.
const BUILD: &str = "[build]\ncommand = \"true\"\ninstall = '''install -D install/usr/bin/greet \"$VACCEL_CI_DESTDIR/usr/bin/greet\"'''\n";

/// Runs every executable of a record; they are below `folder`.
pub fn run(tools: &Tools, record: &DistRecord, folder: &Path) -> Result<()> {
    tools::require(&[tools::BASE, tools::CROSS], &|line| eprintln!("    {line}"))?;
    let folder = folder.canonicalize().with_context(|| format!("there is no {}", folder.display()))?;
    let server = Server::start(tools)?;
    for arch in Arch::ALL {
        let executables: Vec<_> = record.executables.iter().filter(|executable| executable.arch == arch).collect();
        if executables.is_empty() {
            continue;
        }
        eprintln!("==> Run the executables for {arch}");
        let place = tempfile::tempdir().context("could not make a folder")?;
        prepare(place.path())?;
        let bucket = format!("dist-{}", arch.qemu().replace('_', "-"));
        server.make_bucket(&bucket)?;
        for executable in &executables {
            let path = folder.join(executable.path());
            let start = |arguments: &[&str]| {
                let mut command = command(&path, arch);
                command.args(arguments).current_dir(place.path()).env("PATH", tools.path());
                let (key, secret) = (server.access_key(), server.secret_key());
                output(command.env("AWS_ACCESS_KEY_ID", key).env("AWS_SECRET_ACCESS_KEY", secret))
            };
            prove(executable, &record.version, &start, &bucket, &server.endpoint())
                .with_context(|| format!("{} does not work", executable.path()))?;
        }
    }
    Ok(())
}

/// What an executable printed.
type Start<'a> = &'a dyn Fn(&[&str]) -> Result<String>;

fn prove(executable: &Executable, version: &str, start: Start, bucket: &str, endpoint: &str) -> Result<()> {
    let name = format!("vaccel-{}", executable.action);
    let help = start(&["--help"])?;
    ensure!(help.contains(&format!("Usage: {name}")), "--help does not say how {name} is used:\n{help}");
    // Of some actions, `--version` is an input.
    if help.contains("-V, --version") {
        let told = start(&["--version"])?;
        ensure!(told.trim() == format!("{name} {version}"), "--version says {told:?}");
    }
    let (arguments, expected) = work(&executable.action)
        .with_context(|| format!("there is no proof for the action {}; add it here", executable.action))?;
    let mut arguments = arguments.to_vec();
    if ["upload", "fetch"].contains(&executable.action.as_str()) {
        arguments.extend(["--bucket", bucket, "--endpoint-url", endpoint]);
    }
    let told = start(&arguments)?;
    ensure!(told.contains(expected), "{} does not say {expected:?}:\n{told}", arguments.join(" "));
    Ok(())
}

/// What an action is given to do, and what it must say.
fn work(action: &str) -> Option<(&'static [&'static str], &'static str)> {
    Some(match action {
        "lint" => (&["--source-path", SOURCE, "--linters", "shellcheck"], "shellcheck"),
        "plan" => (&["--package", "hello", "--source-path", SOURCE], "0.3.0"),
        "build" => (&["--source-path", SOURCE, "--backend", "script", "--destdir", "built"], "built"),
        "run-examples" => (&["--package", "hello", "--source-path", SOURCE], "greet"),
        "stage-artifacts" => (&["--package", "hello", "--source-path", SOURCE, "--formats", "tar.gz,tar.zst"], "0.3.0"),
        "upload" => (&["--package", "hello"], "0.3.0"),
        "fetch" => (&["--package", "hello", "--list"], ""),
        _ => return None,
    })
}

/// Starts an executable: directly, or under qemu's emulation of one process.
fn command(path: &Path, arch: Arch) -> Command {
    let mut command = if Arch::host() == Some(arch) {
        Command::new(path)
    } else {
        let mut qemu = Command::new(format!("qemu-{}-static", arch.qemu()));
        if arch == Arch::Armv7l {
            qemu.args(["-L", ARMHF]);
        }
        qemu.arg(path);
        qemu
    };
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy().into_owned();
        if ["GITHUB_", "INPUT_", "RUNNER_", "AWS_", "VACCEL_"].iter().any(|beginning| name.starts_with(beginning)) {
            command.env_remove(name);
        }
    }
    command
}

/// What a command prints; that it succeeds is part of the proof.
fn output(command: &mut Command) -> Result<String> {
    let output = command.output().with_context(|| format!("could not start {}", command.get_program().display()))?;
    let text = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    if !output.status.success() {
        let words: Vec<_> = command.get_args().map(|word| word.to_string_lossy()).collect();
        bail!("{} ended with {}:\n{}", words.join(" "), output.status, text.trim_end());
    }
    Ok(text)
}

/// A repository with a release, its install tree, and a bundle of it.
fn prepare(place: &Path) -> Result<()> {
    let repository = Repository::from_fixture(SOURCE, place)?;
    repository.write("scripts/run-examples.sh", "#!/bin/sh\nset -x\ngreet to World\n")?;
    write(&repository.folder().join(".github/vaccel-ci.toml"), BUILD)?;
    repository.write("LICENSE", "SPDX-License-Identifier: Apache-2.0\n")?;
    repository.commit("feat: build it")?;
    repository.tag("v0.3.0")?;
    let greet = std::fs::read_to_string(repository.folder().join(GREET)).context("could not read the fixture")?;
    write(&place.join(GREET), &greet)?;
    std::fs::set_permissions(place.join(GREET), std::fs::Permissions::from_mode(0o755)).context("could not mark it")?;

    let manifest = serde_json::json!({
        "schema": Manifest::SCHEMA, "package": "hello", "version": "0.3.0", "debian_version": "0.3.0-1",
        "ref": "v0.3.0", "commit": repository.head()?, "repository": repository.name(), "arch": "x86_64",
        "build_type": "release", "created": "2026-01-02T03:04:05Z",
        "built_by": { "vaccel_ci": "0.1.0", "compiler": "none", "backend": "none", "options": [] },
        "files": [{ "name": "greet", "kind": "other", "size": greet.len(), "sha256": Sha256::of(greet.as_bytes()) }],
    });
    write(&place.join("dist/greet"), &greet)?;
    Bundle::write(place.join("dist"), &Manifest::parse(manifest.to_string().as_bytes())?)?;
    Ok(())
}

fn write(path: &Path, text: &str) -> Result<()> {
    let folder = path.parent().context("a file has a folder")?;
    std::fs::create_dir_all(folder).with_context(|| format!("could not make {}", folder.display()))?;
    std::fs::write(path, text).with_context(|| format!("could not write {}", path.display()))
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_action_has_a_proof() {
        for action in crate::generate::definitions() {
            assert!(super::work(action.name).is_some(), "{} has none", action.name);
        }
    }
}
