// SPDX-License-Identifier: Apache-2.0
//! The programs that build executables, all pinned: Rust by `rust-toolchain.toml`, zig and
//! cargo-zigbuild by `tests/requirements.txt`.
//!
//! They run in an environment of our own making, so that the user's settings make no difference.

use super::target::Target;
use anyhow::{Context, Result, bail};
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::Command;
use testbed::tools::Tools;

/// What the builds may know of their surroundings: where programs and caches are, how registries
/// are reached, and how many processors there are. Nothing here gets into an executable.
const INHERITED: [&str; 12] = [
    "PATH",
    "HOME",
    "TERM",
    "TMPDIR",
    "CARGO_HOME",
    "RUSTUP_HOME",
    "CARGO_BUILD_JOBS",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "HTTPS_PROXY",
    "https_proxy",
    "no_proxy",
];
/// Beginnings of further ones.
const INHERITED_BEGINNINGS: [&str; 4] = ["CARGO_HTTP_", "CARGO_NET_", "CARGO_REGISTR", "RUSTUP_DIST_"];

/// What a user's configuration of cargo may hold, which says nothing of how things are built.
const HARMLESS: [&str; 9] =
    ["alias", "cargo-new", "credential-alias", "http", "install", "net", "registries", "registry", "source"];

/// Where cargo unpacks crates, below its home; the folders there are named after the registries,
/// which may be mirrors.
const CRATES: &str = "registry/src";
/// What these folders are called in executables.
const REGISTRY: &str = "/registry";

const NO_UNWINDING: &str = include_str!("no-unwinding.ld");

/// The toolchain of one source tree.
#[derive(Default)]
pub struct Toolchain {
    source: PathBuf,
    /// Where everything is built, and what zig and cargo-zigbuild keep.
    folder: PathBuf,
    environment: BTreeMap<OsString, OsString>,
    /// `rustc --version`.
    pub rustc: String,
    /// `zig version`.
    pub zig: String,
    /// The version of cargo-zigbuild.
    pub cargo_zigbuild: String,
}

impl Toolchain {
    /// Asks the tools of a source tree who they are; `folder` is where they may write, and
    /// `surroundings` are the variables that we were started with.
    pub fn of(
        tools: &Tools,
        source: &Path,
        folder: &Path,
        surroundings: impl Iterator<Item = (OsString, OsString)>,
    ) -> Result<Self> {
        let source = source.canonicalize().with_context(|| format!("there is no {}", source.display()))?;
        std::fs::create_dir_all(folder).with_context(|| format!("could not make {}", folder.display()))?;
        let folder = folder.canonicalize().with_context(|| format!("there is no {}", folder.display()))?;
        let mut environment = inherited(surroundings);
        environment.insert("PATH".into(), tools.path());
        refuse_configuration(&source, &cargo_home(&environment))?;
        let mut toolchain = Self { source, folder, environment, ..Self::default() };
        toolchain.rustc = toolchain.output("rustc", &["--version"])?;
        toolchain.zig = toolchain.output("python3", &["-m", "ziglang", "version"])?;
        let zigbuild = toolchain.output("cargo-zigbuild", &["--version"])?;
        toolchain.cargo_zigbuild = String::from(zigbuild.trim_start_matches("cargo-zigbuild").trim());
        Ok(toolchain)
    }

    /// Installs Rust's standard library for the targets that lack it, and brings the sources of
    /// all dependencies.
    pub fn install(&self, targets: &[Target]) -> Result<()> {
        let installed = self.output("rustup", &["target", "list", "--installed"])?;
        let missing = targets.iter().filter(|target| !installed.lines().any(|name| name == target.triple));
        for target in missing {
            eprintln!("    rustup target add {}", target.triple);
            self.output("rustup", &["target", "add", target.triple])?;
        }
        self.output("cargo", &["fetch", "--locked"]).map(drop)
    }

    /// `cargo zigbuild` of one executable, for release; it prints cargo's messages as JSON.
    pub fn build(&self, package: &str, target: &Target) -> Result<Command> {
        let mut command = self.command("cargo");
        command.args(["zigbuild", "--release", "--locked", "--package", package, "--bin", package]);
        command.args(["--target", &target.zigbuild(), "--message-format", "json-render-diagnostics"]);
        command.env("CARGO_ENCODED_RUSTFLAGS", self.rustflags(target)?);
        command.env("CC_SHELL_ESCAPED_FLAGS", "1");
        let cflags = format!("{} {}", target.cflags(), self.c_remappings()?);
        command.env(format!("CFLAGS_{}", target.triple.replace('-', "_")), cflags);
        command.env("CARGO_TARGET_DIR", self.folder.join("target"));
        command.env("CARGO_INCREMENTAL", "0");
        command.env("CARGO_ZIGBUILD_CACHE_DIR", self.folder.join("zigbuild"));
        command.env("ZIG_GLOBAL_CACHE_DIR", self.folder.join("zig"));
        command.env("ZIG_LOCAL_CACHE_DIR", self.folder.join("zig"));
        command.env("SOURCE_DATE_EPOCH", "0");
        Ok(command)
    }

    /// Names of this machine's folders become names that are the same on every machine.
    fn rustflags(&self, target: &Target) -> Result<OsString> {
        let cargo = cargo_home(&self.environment);
        let sysroot = PathBuf::from(self.output("rustc", &["--print", "sysroot"])?);
        let verbose = self.output("rustc", &["--version", "--verbose"])?;
        let commit = verbose.lines().find_map(|line| line.strip_prefix("commit-hash: ")).unwrap_or_default();
        let registry = cargo.join(CRATES);
        let mut folders = vec![
            // The later of two that fit wins.
            (self.source.clone(), "/vaccel-ci".to_owned()),
            (self.folder.join("target"), "/target".to_owned()),
            (cargo, "/cargo".to_owned()),
            (sysroot.join("lib/rustlib/src/rust"), format!("/rustc/{commit}")),
        ];
        folders.extend(subfolders(&registry)?.into_iter().map(|folder| (folder, REGISTRY.to_owned())));
        let mut flags: Vec<_> = folders.iter().map(|(folder, name)| remapping(folder, name)).collect();
        flags.extend(target.rustflags().iter().map(OsString::from));
        if target.is_static {
            let script = self.folder.join("no-unwinding.ld");
            std::fs::write(&script, NO_UNWINDING).with_context(|| format!("could not write {}", script.display()))?;
            let mut flag = OsString::from("-Clink-arg=-Wl,-T,");
            flag.push(script);
            flags.push(flag);
        }
        // With the separator that lets flags hold blanks.
        Ok(flags.join("\u{1f}".as_ref()))
    }

    /// The same for the C code of dependencies.
    fn c_remappings(&self) -> Result<String> {
        let folders = subfolders(&cargo_home(&self.environment).join(CRATES))?;
        let flags = folders.iter().map(|folder| format!("'-ffile-prefix-map={}={REGISTRY}'", folder.display()));
        Ok(flags.collect::<Vec<_>>().join(" "))
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.current_dir(&self.source).env_clear().envs(&self.environment);
        command
    }

    fn output(&self, program: &str, arguments: &[&str]) -> Result<String> {
        let output = self.command(program).args(arguments).output();
        let output = output.with_context(|| format!("could not start {program}"))?;
        let words = arguments.join(" ");
        if !output.status.success() {
            bail!("{program} {words}: {}", String::from_utf8_lossy(&output.stderr).trim());
        }
        let text = String::from_utf8(output.stdout).with_context(|| format!("{program} {words}: not text"))?;
        Ok(text.trim().to_owned())
    }
}

fn cargo_home(environment: &BTreeMap<OsString, OsString>) -> PathBuf {
    let variable = |name: &str| environment.get(&OsString::from(name)).map(PathBuf::from);
    variable("CARGO_HOME").unwrap_or_else(|| variable("HOME").unwrap_or_default().join(".cargo"))
}

/// Refuses configuration of cargo that is not in the sources and changes how things are built: the
/// user's, and what lies in folders above the sources.
fn refuse_configuration(source: &Path, cargo_home: &Path) -> Result<()> {
    let above = source.ancestors().skip(1).map(|folder| folder.join(".cargo"));
    for folder in above.chain([cargo_home.to_owned()]) {
        for file in ["config.toml", "config"].map(|name| folder.join(name)) {
            let text = match std::fs::read_to_string(&file) {
                Ok(text) => text,
                Err(error) if error.kind() == ErrorKind::NotFound => continue,
                Err(error) => return Err(error).with_context(|| format!("could not read {}", file.display())),
            };
            let table: toml::Table = text.parse().with_context(|| format!("{} is not TOML", file.display()))?;
            if let Some(key) = table.keys().find(|key| !HARMLESS.contains(&key.as_str())) {
                bail!("{} has `{key}`, which may change the executables; move it away for now", file.display());
            }
        }
    }
    Ok(())
}

fn subfolders(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = std::fs::read_dir(folder).with_context(|| format!("could not list {}", folder.display()))?;
    let mut found: Vec<_> = entries.map(|entry| Ok(entry?.path())).collect::<std::io::Result<_>>()?;
    found.sort();
    Ok(found)
}

fn inherited(environment: impl Iterator<Item = (OsString, OsString)>) -> BTreeMap<OsString, OsString> {
    let is_inherited = |name: &OsString| {
        let name = name.to_string_lossy();
        INHERITED.contains(&name.as_ref()) || INHERITED_BEGINNINGS.iter().any(|beginning| name.starts_with(beginning))
    };
    environment.filter(|(name, _)| is_inherited(name)).collect()
}

fn remapping(folder: &Path, name: &str) -> OsString {
    let mut flag = OsString::from("--remap-path-prefix=");
    flag.push(folder);
    flag.push("=");
    flag.push(name);
    flag
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_of_the_user_do_not_reach_the_build() {
        let cases = [
            ("PATH", true),
            ("CARGO_HOME", true),
            ("CARGO_REGISTRIES_CRATES_IO_PROTOCOL", true),
            ("RUSTFLAGS", false),
            ("RUSTUP_TOOLCHAIN", false),
            ("CARGO_PROFILE_RELEASE_LTO", false),
            ("CARGO_TARGET_DIR", false),
            ("CFLAGS", false),
            ("CC", false),
            ("LANG", false),
            ("GITHUB_TOKEN", false),
        ];
        for (name, expected) in cases {
            let passed = inherited([(OsString::from(name), OsString::from("x"))].into_iter());
            assert_eq!(!passed.is_empty(), expected, "{name}");
        }
    }
}
