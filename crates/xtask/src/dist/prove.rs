// SPDX-License-Identifier: Apache-2.0
//! Proof that executables run: each starts on its architecture and does real work there.
//!
//! The work is a small package's way through the pipeline. What an action needs of the ones before
//! it is there from the beginning, so that each can be proven alone.

use anyhow::{Context, Result, bail, ensure};
use artifact::{Arch, DistRecord, Executable, MANIFEST, Manifest, SHA256SUMS};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use testbed::bundle;
use testbed::repository::Repository;
use testbed::s3::Server;
use testbed::tools::{self, Tools};

/// Where Debian's cross packages have the C library that armv7l executables load.
const ARMHF: &str = "/usr/arm-linux-gnueabihf";

/// The fixture that is the repository.
const SOURCE: &str = "examples-trace";
/// The program in its install tree.
const GREET: &str = "install/usr/bin/greet";
/// A script that shellcheck finds something in, a warning.
const UNUSED: (&str, &str) = ("scripts/unused.sh", "#!/bin/sh\nunused=1\n");
/// How it is built.
const BUILD: &str = "[build]\ncommand = \"true\"\ninstall = '''install -D install/usr/bin/greet \"$VACCEL_CI_DESTDIR/usr/bin/greet\"'''\n";

/// Our registry of runners.
const RUNNERS: &str = "runners.toml";
/// A registry in which every machine is a runner.
const MACHINE: &str = "machine.toml";

/// What an action is given to do, and what comes of it.
struct Work {
    arguments: &'static [&'static str],
    /// What it says.
    says: &'static str,
    /// The copy of the program that it makes.
    makes: Option<&'static str>,
}

/// Runs every executable of a record; they are below `folder`.
pub fn run(tools: &Tools, record: &DistRecord, folder: &Path) -> Result<()> {
    tools::require(&[tools::BASE, tools::CROSS, tools::TLS], &|line| eprintln!("    {line}"))?;
    let folder = folder.canonicalize().with_context(|| format!("there is no {}", folder.display()))?;
    let keys = tempfile::tempdir().context("could not make a folder")?;
    let (certificate, key) = certificate(keys.path())?;
    let server = Server::start_tls(tools, &certificate, &key)?;
    for arch in Arch::ALL {
        let executables: Vec<_> = record.executables.iter().filter(|executable| executable.arch == arch).collect();
        if executables.is_empty() {
            continue;
        }
        eprintln!("==> Run the executables for {arch}");
        let place = tempfile::tempdir().context("could not make a folder")?;
        prepare(place.path(), arch)?;
        if !executables.iter().any(|executable| executable.action == "upload") {
            publish(&server, &place.path().join("bundle"), arch)?;
        }
        for executable in &executables {
            let path = folder.join(executable.path());
            let start = |arguments: &[&str]| {
                let mut command = command(&path, arch);
                command.args(arguments).current_dir(place.path()).env("PATH", tools.path());
                for (name, value) in server.inputs() {
                    command.env(name, value);
                }
                command.env("INPUT_ENDPOINT_URL", server.tls_endpoint()).env("INPUT_CA_BUNDLE", &certificate);
                output(&mut command)
            };
            prove(executable, &record.version, &start, place.path())
                .with_context(|| format!("{} does not work", executable.path()))?;
        }
    }
    Ok(())
}

/// The plan of a run that decides nothing.
const PLAN: &str = r#"{"schema":1,"package":"hello","proceed":false,"reason":"proof","publish":false,"immutable":false,"decides":false,"jobs_runner":"base","ref":"main","sha":"0123456789abcdef0123456789abcdef01234567","version":"0.3.0","matrix":{"include":[]}}"#;

/// What an executable printed.
type Start<'a> = &'a dyn Fn(&[&str]) -> Result<String>;

fn prove(executable: &Executable, version: &str, start: Start, place: &Path) -> Result<()> {
    let name = format!("vaccel-{}", executable.action);
    let help = start(&["--help"])?;
    ensure!(help.contains(&format!("Usage: {name}")), "--help does not say how {name} is used:\n{help}");
    // Of some actions, `--version` is an input.
    if help.contains("-V, --version") {
        let told = start(&["--version"])?;
        ensure!(told.trim() == format!("{name} {version}"), "--version says {told:?}");
    }
    let Work { arguments, says, makes } = work(&executable.action)
        .with_context(|| format!("there is no proof for the action {}; add it here", executable.action))?;
    let told = start(arguments)?;
    ensure!(told.contains(says), "{} does not say {says:?}:\n{told}", arguments.join(" "));
    if let Some(path) = makes {
        let made = std::fs::read(place.join(path)).with_context(|| format!("it does not make {path}:\n{told}"))?;
        ensure!(made == read(&place.join(GREET))?, "{path} is not what it is a copy of");
    }
    Ok(())
}

fn work(action: &str) -> Option<Work> {
    let (arguments, says, makes): (&[&str], _, _) = match action {
        "lint" => (&["--source-path", SOURCE, "--linters", "shellcheck"], "SC2034", None),
        "plan" => (&["--package", "hello", "--source-path", SOURCE], "0.3.0", None),
        "build" => {
            let arguments = &["--source-path", SOURCE, "--backend", "script", "--destdir", "built"];
            (arguments, "", Some("built/usr/bin/greet"))
        }
        "run-examples" => (&["--package", "hello", "--source-path", SOURCE], "greet", None),
        "stage-artifacts" => {
            (&["--package", "hello", "--source-path", SOURCE, "--formats", "tar.gz,tar.zst"], "0.3.0", None)
        }
        "report" => (&["--plan", PLAN, "--needs", r#"{"plan":{"result":"success"}}"#], "of an earlier run stays", None),
        "fleet" => (&["render", "--runners", RUNNERS], "fleet: ", None),
        "doctor" => {
            (&["--tag", "machine", "--runners", MACHINE, "--in-image"], "this machine is a machine runner", None)
        }
        "upload" => (&["--dist-path", "bundle"], "0.3.0", None),
        "fetch" => (&["--package", "hello", "--ref", "v0.3.0"], "0.3.0", Some("artifacts/greet")),
        "store" => (&["--command", "list"], "hello", None),
        "reproduce" => (&["--bundle", "bundle", "--against", "bundle"], "same", None),
        _ => return None,
    };
    Some(Work { arguments, says, makes })
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

/// Makes a certificate of this machine, which signs itself; gives it and its key.
fn certificate(folder: &Path) -> Result<(PathBuf, PathBuf)> {
    let (certificate, key) = (folder.join("store.pem"), folder.join("store.key"));
    let mut openssl = Command::new("openssl");
    openssl
        .args("req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=store -days 2".split(' '));
    openssl.args(["-addext", "subjectAltName=IP:127.0.0.1", "-addext", "basicConstraints=critical,CA:FALSE"]);
    openssl.arg("-out").arg(&certificate).arg("-keyout").arg(&key);
    output(&mut openssl)?;
    Ok((certificate, key))
}

/// A repository with a release, its install tree, and a bundle of it.
fn prepare(place: &Path, arch: Arch) -> Result<()> {
    let repository = Repository::from_fixture(SOURCE, place)?;
    repository.write("scripts/run-examples.sh", "#!/bin/sh\nset -x\ngreet to World\n")?;
    repository.write(UNUSED.0, UNUSED.1)?;
    write(&repository.folder().join(".github/vaccel-ci.toml"), BUILD.as_bytes())?;
    repository.write("LICENSE", "SPDX-License-Identifier: Apache-2.0\n")?;
    repository.commit("feat: build it")?;
    repository.tag("v0.3.0")?;
    let greet = read(&repository.folder().join(GREET))?;
    write(&place.join(GREET), &greet)?;
    std::fs::set_permissions(place.join(GREET), std::fs::Permissions::from_mode(0o755)).context("could not mark it")?;

    write(&place.join(RUNNERS), &read(&testbed::workspace_root().join(artifact::runners::PATH))?)?;
    let machine = "label = '{tag}-{arch}'\n[architectures]\narm.builds-on = []\n[tags.machine]\nmeaning = 'any'\narchitectures = ['amd64', 'arm64']\nlabels = { arm = 'arm' }\nprovides.sh = { file = '/bin/sh' }\n";
    write(&place.join(MACHINE), machine.as_bytes())?;

    let manifest = Manifest { arch, ..bundle::manifest("v0.3.0", "0.3.0")? };
    bundle::write(&place.join("bundle"), manifest, [("greet", greet)])?;
    Ok(())
}

/// Puts the bundle where `upload` does, for a `fetch` that is proven without it.
fn publish(server: &Server, bundle: &Path, arch: Arch) -> Result<()> {
    for name in ["greet", SHA256SUMS, MANIFEST] {
        server.plant(&format!("hello/rev/v0.3.0/{arch}/release/{name}"), &read(&bundle.join(name))?)?;
    }
    Ok(())
}

fn read(path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path).with_context(|| format!("could not read {}", path.display()))
}

fn write(path: &Path, content: &[u8]) -> Result<()> {
    let folder = path.parent().context("a file has a folder")?;
    std::fs::create_dir_all(folder).with_context(|| format!("could not make {}", folder.display()))?;
    std::fs::write(path, content).with_context(|| format!("could not write {}", path.display()))
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
