// SPDX-License-Identifier: Apache-2.0
//! The pinned tools: a virtual environment under `target/tools`, made on first use.

use anyhow::{Context, Result, bail};
use std::ffi::OsString;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The tools of `tests/requirements.txt`, installed.
#[derive(Clone, Debug)]
pub struct Tools {
    bin: PathBuf,
}

impl Tools {
    /// Where a tool is.
    pub fn bin(&self, name: &str) -> PathBuf {
        self.bin.join(name)
    }

    /// A `PATH` that has the tools in front.
    pub fn path(&self) -> OsString {
        let mut path = self.bin.clone().into_os_string();
        if let Some(rest) = std::env::var_os("PATH") {
            path.push(":");
            path.push(rest);
        }
        path
    }
}

/// Makes the tools ready; `progress` is told of what takes time.
pub fn ensure(progress: &dyn Fn(&str)) -> Result<Tools> {
    let root = crate::workspace_root();
    let folder = root.join("target/tools");
    let requirements = root.join("tests/requirements.txt");
    let wanted = std::fs::read_to_string(&requirements).context("could not read tests/requirements.txt")?;
    std::fs::create_dir_all(&folder).with_context(|| format!("could not make {}", folder.display()))?;

    // Tests of several crates may come here at the same time.
    let lock = File::create(folder.join("lock")).context("could not make the lock of the tools")?;
    lock.lock().context("could not lock the tools")?;
    let venv = folder.join("venv");
    let stamp = venv.join("requirements.txt");
    // Its programs name the folder, and need the Python that it was made with.
    let wanted = format!("# installed in {}\n{wanted}", venv.display());
    let is_wanted = std::fs::read_to_string(&stamp).is_ok_and(|installed| installed == wanted);
    if is_wanted && venv.join("bin/python").exists() {
        return Ok(Tools { bin: venv.join("bin") });
    }
    progress("installing the pinned tools into target/tools (once)");
    // `--clear` removes what an interrupted installation left.
    let venv_arguments = [OsString::from("-m"), "venv".into(), "--clear".into(), venv.clone().into()];
    python(Path::new("python3"), &venv_arguments)
        .context("Python 3 with venv is needed for the tools: apt-get install python3-venv")?;
    let pip = [
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "--require-hashes",
        "--only-binary",
        ":all:",
        "--requirement",
    ];
    let arguments: Vec<_> = pip.iter().map(OsString::from).chain([requirements.into_os_string()]).collect();
    python(&venv.join("bin/python"), &arguments).context("could not install tests/requirements.txt")?;
    std::fs::write(&stamp, wanted).context("could not mark the tools as installed")?;
    Ok(Tools { bin: venv.join("bin") })
}

fn python(python: &Path, arguments: &[OsString]) -> Result<()> {
    let output = Command::new(python)
        .args(arguments)
        .output()
        .with_context(|| format!("could not start {}", python.display()))?;
    if !output.status.success() {
        bail!("{}: {}", output.status, String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(())
}

/// Makes the pinned tools of `tests/package-lock.json` ready, those that only npm has, and tells
/// the folder that they are in.
pub fn ensure_node(progress: &dyn Fn(&str)) -> Result<PathBuf> {
    let root = crate::workspace_root();
    let folder = root.join("target/tools/node");
    let wanted =
        std::fs::read(root.join("tests/package-lock.json")).context("could not read tests/package-lock.json")?;
    std::fs::create_dir_all(&folder).with_context(|| format!("could not make {}", folder.display()))?;
    let lock = File::create(folder.join("lock")).context("could not make the lock of the tools")?;
    lock.lock().context("could not lock the tools")?;
    let (bin, stamp) = (folder.join("node_modules/.bin"), folder.join("installed.json"));
    if std::fs::read(&stamp).is_ok_and(|installed| installed == wanted) {
        return Ok(bin);
    }
    progress("installing the pinned tools of npm into target/tools/node (once)");
    for name in ["package.json", "package-lock.json"] {
        std::fs::copy(root.join("tests").join(name), folder.join(name))
            .with_context(|| format!("could not copy tests/{name}"))?;
    }
    let output = Command::new("npm")
        .args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"])
        .current_dir(&folder)
        .output()
        .context("could not start npm: apt-get install npm")?;
    if !output.status.success() {
        bail!("could not install tests/package-lock.json: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    std::fs::write(&stamp, wanted).context("could not mark the tools as installed")?;
    Ok(bin)
}

/// Programs of the system, and the Debian packages that bring them.
type Programs = &'static [(&'static str, &'static [&'static str])];

/// What the demo needs.
pub const BASE: Programs = &[
    ("git", &["git"]),
    ("cc", &["gcc"]),
    ("pkg-config", &["pkg-config"]),
    ("valgrind", &["valgrind"]),
    ("dpkg-deb", &["dpkg"]),
    ("dpkg-shlibdeps", &["dpkg-dev"]),
];

/// What the tests need beside that: builds for other architectures, and running them.
pub const CROSS: Programs = &[
    ("aarch64-linux-gnu-gcc", &["gcc-aarch64-linux-gnu", "libc6-dev-arm64-cross"]),
    ("arm-linux-gnueabihf-gcc", &["gcc-arm-linux-gnueabihf", "libc6-dev-armhf-cross"]),
    ("qemu-aarch64-static", &["qemu-user-static"]),
];

/// What tells where a program crashed.
pub const DEBUG: Programs = &[("gdb", &["gdb"])];

/// What makes the root file system that Incus is tried in.
pub const FLEET: Programs = &[("mmdebstrap", &["mmdebstrap"])];

/// What signs and verifies beside us.
pub const SIGN: Programs = &[("minisign", &["minisign"])];

/// What makes certificates.
pub const TLS: Programs = &[("openssl", &["openssl"])];

/// What builds Go modules.
pub const GO: Programs = &[("go", &["golang-go"])];

/// What the linters' tests need of the system: those that neither `PyPI` nor rustup has.
pub const LINT: Programs = &[("cppcheck", &["cppcheck"]), ("gofmt", &["golang-go"]), ("npm", &["npm"])];

/// Checks that programs of the system are there. Where they may be installed without asking
/// anybody, as root, they are; otherwise one message says how to get them.
pub fn require(programs: &[Programs], progress: &dyn Fn(&str)) -> Result<()> {
    let packages = missing(programs);
    if packages.is_empty() {
        return Ok(());
    }
    let list = packages.join(" ");
    let is_root = Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout.trim_ascii() == b"0");
    if is_root {
        progress(&format!("installing {list} (once)"));
        for arguments in [&["update", "-q"][..], &["install", "-yq", "--no-install-recommends"]] {
            let rest = if arguments.len() > 2 { packages.as_slice() } else { &[] };
            let status = Command::new("apt-get").args(arguments).args(rest).stdout(std::io::stderr()).status();
            if !status.is_ok_and(|status| status.success()) {
                break;
            }
        }
    }
    let packages = missing(programs);
    if packages.is_empty() {
        return Ok(());
    }
    bail!("programs of the system are missing; install them with: apt-get install {list}");
}

fn missing(programs: &[Programs]) -> Vec<&'static str> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let is_there = |program: &str| std::env::split_paths(&path).any(|folder| folder.join(program).is_file());
    let missing = programs.iter().copied().flatten().filter(|(program, _)| !is_there(program));
    missing.flat_map(|(_, packages)| packages.iter().copied()).collect()
}
