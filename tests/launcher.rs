// SPDX-License-Identifier: Apache-2.0
//! The launcher `dist/run`: which executable it starts on which machine, and
//! the one line that it says when it cannot. Small scripts stand in for the
//! executables; each case runs by the file's own `#!` line, in dash and in bash.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use tempfile::TempDir;

/// What lies at a path of the case's folder.
enum Content {
    /// Prints its own path and its arguments, one a line.
    Executable,
    /// Ends with this exit status.
    Exits(u8),
    /// Prints its search path.
    PrintsPath,
    /// An executable without the permission to be one.
    WithoutMode,
    /// The beginning of an ELF file for the machine with this number.
    Elf(u8),
    /// What a checkout without Git LFS leaves behind.
    Pointer,
    /// What a checkout without symbolic links leaves behind.
    Link,
    Folder,
}

struct Case {
    name: &'static str,
    runner_arch: Option<&'static str>,
    /// What `uname -m` says.
    machine: &'static str,
    /// A folder inside the case's folder.
    vaccel_ci_bin: Option<&'static str>,
    github: bool,
    /// Other variables; a function of the shell is one, too.
    environment: &'static [(&'static str, &'static str)],
    files: &'static [(&'static str, Content)],
    args: &'static [&'static str],
    status: i32,
    /// `{root}` stands for the case's folder.
    stdout: &'static str,
    stderr: &'static str,
}

/// A laptop with an x86-64 processor on which every executable is there.
const PLAIN: Case = Case {
    name: "",
    runner_arch: None,
    machine: "x86_64",
    vaccel_ci_bin: None,
    github: false,
    environment: &[],
    files: &[
        ("dist/x86_64/vaccel-build", Content::Executable),
        ("dist/aarch64/vaccel-build", Content::Executable),
        ("dist/armv7l/vaccel-build", Content::Executable),
    ],
    args: &["build"],
    status: 0,
    stdout: X86_64,
    stderr: "",
};

const X86_64: &str = "{root}/dist/x86_64/vaccel-build\n";
const AARCH64: &str = "{root}/dist/aarch64/vaccel-build\n";
const ARMV7L: &str = "{root}/dist/armv7l/vaccel-build\n";

const ARCHITECTURES: &[Case] = &[
    Case { name: "RUNNER_ARCH X64", runner_arch: Some("X64"), machine: "riscv64", ..PLAIN },
    Case { name: "RUNNER_ARCH ARM64", runner_arch: Some("ARM64"), stdout: AARCH64, ..PLAIN },
    Case {
        name: "RUNNER_ARCH ARM wins over a 64-bit kernel",
        runner_arch: Some("ARM"),
        machine: "aarch64",
        stdout: ARMV7L,
        ..PLAIN
    },
    Case { name: "empty RUNNER_ARCH counts as absent", runner_arch: Some(""), ..PLAIN },
    Case { name: "uname x86_64", ..PLAIN },
    Case { name: "uname amd64", machine: "amd64", ..PLAIN },
    Case { name: "uname aarch64", machine: "aarch64", stdout: AARCH64, ..PLAIN },
    Case { name: "uname arm64", machine: "arm64", stdout: AARCH64, ..PLAIN },
    Case { name: "uname armv7l", machine: "armv7l", stdout: ARMV7L, ..PLAIN },
    Case { name: "uname armv8l, a 32-bit system on a 64-bit processor", machine: "armv8l", stdout: ARMV7L, ..PLAIN },
    Case {
        name: "unknown RUNNER_ARCH",
        runner_arch: Some("S390X"),
        github: true,
        status: 1,
        stdout: "::error title=Unknown architecture::no executables for 'S390X', \
                 only for x86_64, aarch64 and armv7l\n",
        ..PLAIN
    },
    Case {
        name: "unknown machine, too old for armv7l",
        machine: "armv6l",
        status: 1,
        stdout: "",
        stderr: "error: no executables for 'armv6l', only for x86_64, aarch64 and armv7l\n",
        ..PLAIN
    },
];

const FOLDERS: &[Case] = &[
    Case {
        name: "VACCEL_CI_BIN wins",
        vaccel_ci_bin: Some("bin"),
        files: &[("bin/vaccel-build", Content::Executable), ("dist/x86_64/vaccel-build", Content::Executable)],
        stdout: "{root}/bin/vaccel-build\n",
        ..PLAIN
    },
    Case {
        name: "VACCEL_CI_BIN with blanks in its name",
        vaccel_ci_bin: Some("my own bin"),
        files: &[("my own bin/vaccel-build", Content::Executable)],
        stdout: "{root}/my own bin/vaccel-build\n",
        ..PLAIN
    },
    Case {
        name: "VACCEL_CI_BIN without the executable",
        vaccel_ci_bin: Some("bin"),
        files: &[("bin/vaccel-plan", Content::Executable), ("dist/x86_64/vaccel-build", Content::Executable)],
        ..PLAIN
    },
    Case { name: "VACCEL_CI_BIN that does not exist", vaccel_ci_bin: Some("bin"), ..PLAIN },
    Case {
        name: "missing, on a person's machine",
        files: &[],
        status: 1,
        stdout: "",
        stderr: "error: vaccel-build for x86_64 is not in {root}/dist/x86_64; use a release of \
                 vaccel-ci, which has it, or run `cargo build --release --package vaccel-build` \
                 and, outside of GitHub, set VACCEL_CI_BIN to the folder target/release\n",
        ..PLAIN
    },
    Case {
        name: "missing, under GitHub Actions",
        runner_arch: Some("ARM64"),
        github: true,
        files: &[("dist/x86_64/vaccel-build", Content::Executable)],
        status: 1,
        stdout: "::error title=Executable missing::vaccel-build for aarch64 is not in \
                 {root}/dist/aarch64; use a release of vaccel-ci, which has it, or run \
                 `cargo build --release --package vaccel-build` and, outside of GitHub, set VACCEL_CI_BIN to the \
                 folder target/release\n",
        ..PLAIN
    },
    Case {
        name: "missing in both places, with a character that commands escape",
        vaccel_ci_bin: Some("100%"),
        github: true,
        files: &[],
        status: 1,
        stdout: "::error title=Executable missing::vaccel-build for x86_64 is not in \
                 {root}/100%25 or {root}/dist/x86_64; use a release of vaccel-ci, which has it, \
                 or run `cargo build --release --package vaccel-build` and, outside of GitHub, set VACCEL_CI_BIN to \
                 the folder target/release\n",
        ..PLAIN
    },
    Case {
        name: "a folder in the executable's place",
        vaccel_ci_bin: Some("bin"),
        files: &[("bin/vaccel-build", Content::Folder), ("dist/x86_64/vaccel-build", Content::Executable)],
        ..PLAIN
    },
    Case {
        name: "not executable",
        files: &[("dist/x86_64/vaccel-build", Content::WithoutMode)],
        status: 1,
        stdout: "",
        stderr: "error: {root}/dist/x86_64/vaccel-build is not executable; \
                 set its mode with `chmod +x`\n",
        ..PLAIN
    },
    Case {
        name: "not executable in VACCEL_CI_BIN is not passed over",
        vaccel_ci_bin: Some("bin"),
        github: true,
        files: &[("bin/vaccel-build", Content::WithoutMode), ("dist/x86_64/vaccel-build", Content::Executable)],
        status: 1,
        stdout: "::error title=Not executable::{root}/bin/vaccel-build is not executable; \
                 set its mode with `chmod +x`\n",
        ..PLAIN
    },
    Case {
        name: "an executable for another machine",
        vaccel_ci_bin: Some("bin"),
        runner_arch: Some("ARM64"),
        github: true,
        files: &[("bin/vaccel-build", Content::Elf(0x3e))],
        status: 1,
        stdout: "::error title=Wrong machine::{root}/bin/vaccel-build is not for aarch64, which this \
                 machine is; name a folder with executables for it in VACCEL_CI_BIN, or unset that\n",
        ..PLAIN
    },
    Case {
        name: "an executable for another machine in dist",
        files: &[("dist/x86_64/vaccel-build", Content::Elf(0x28))],
        status: 1,
        stdout: "",
        stderr: "error: {root}/dist/x86_64/vaccel-build is not for x86_64, which this machine is; \
                 name a folder with executables for it in VACCEL_CI_BIN, or unset that\n",
        ..PLAIN
    },
    Case {
        name: "a Git LFS pointer",
        github: true,
        files: &[("dist/x86_64/vaccel-build", Content::Pointer)],
        status: 1,
        stdout: "::error title=Git LFS pointer::{root}/dist/x86_64/vaccel-build is a Git LFS \
                 pointer, not the executable; get it with `git lfs pull`\n",
        ..PLAIN
    },
    Case {
        name: "a symbolic link that came as a text",
        github: true,
        files: &[("dist/x86_64/vaccel-build", Content::Link)],
        status: 1,
        stdout: "::error title=Link not checked out::{root}/dist/x86_64/vaccel-build is a text in place of a \
                 symbolic link; check it out again with `git config core.symlinks true`\n",
        ..PLAIN
    },
];

/// What an earlier step can leave for later ones.
const PLANTED: &[Case] = &[
    Case {
        name: "VACCEL_CI_BIN on GitHub",
        vaccel_ci_bin: Some("bin"),
        github: true,
        environment: &[("RUNNER_ENVIRONMENT", "self-hosted"), ("ACT", "true")],
        files: &[("bin/vaccel-build", Content::Executable), ("dist/x86_64/vaccel-build", Content::Executable)],
        stdout: "::warning title=VACCEL_CI_BIN is ignored::on GitHub only the executables of the release are started; \
                 unset VACCEL_CI_BIN\n{root}/dist/x86_64/vaccel-build\n",
        ..PLAIN
    },
    Case {
        name: "VACCEL_CI_BIN under act",
        vaccel_ci_bin: Some("bin"),
        github: true,
        environment: &[("ACT", "true")],
        files: &[("bin/vaccel-build", Content::Executable), ("dist/x86_64/vaccel-build", Content::Executable)],
        stdout: "{root}/bin/vaccel-build\n",
        ..PLAIN
    },
    Case {
        name: "programs in front of the system's, on PATH",
        github: true,
        files: &[
            ("dist/x86_64/vaccel-build", Content::Executable),
            ("fake/od", Content::Exits(66)),
            ("fake/tr", Content::Exits(66)),
            ("fake/sed", Content::Exits(66)),
            ("fake/dirname", Content::Exits(66)),
        ],
        ..PLAIN
    },
    Case {
        name: "functions and files that a shell would read",
        github: true,
        environment: &[
            ("BASH_FUNC_od%%", "() { exit 66\n}"),
            ("BASH_FUNC_cd%%", "() { exit 66\n}"),
            ("BASH_FUNC_dirname%%", "() { exit 66\n}"),
            ("BASH_FUNC_printf%%", "() { exit 66\n}"),
            ("ENV", "/nowhere/evil"),
        ],
        ..PLAIN
    },
    Case {
        name: "the search path of the executable is the caller's",
        github: true,
        files: &[("dist/x86_64/vaccel-build", Content::PrintsPath)],
        stdout: "{root}/fake:/usr/bin:/bin\n",
        ..PLAIN
    },
];

const ARGUMENTS: &[Case] = &[
    Case {
        name: "arguments arrive as they are",
        args: &["build", "--options", "a b", "", "*", "$HOME", "-n"],
        stdout: "{root}/dist/x86_64/vaccel-build\n--options\na b\n\n*\n$HOME\n-n\n",
        ..PLAIN
    },
    Case {
        name: "the exit status of the executable",
        files: &[("dist/x86_64/vaccel-build", Content::Exits(42))],
        status: 42,
        stdout: "",
        ..PLAIN
    },
    Case {
        name: "a name with a hyphen",
        files: &[("dist/x86_64/vaccel-run-examples", Content::Executable)],
        args: &["run-examples"],
        stdout: "{root}/dist/x86_64/vaccel-run-examples\n",
        ..PLAIN
    },
    Case {
        name: "no action",
        args: &[],
        status: 2,
        stdout: "",
        stderr: "error: usage: run <action> [argument…]\n",
        ..PLAIN
    },
    Case {
        name: "an empty action",
        args: &[""],
        status: 2,
        stdout: "",
        stderr: "error: '' is not the name of an action, such as build or run-examples\n",
        ..PLAIN
    },
    Case {
        name: "an option in the action's place",
        args: &["--help"],
        status: 2,
        stdout: "",
        stderr: "error: '--help' is not the name of an action, such as build or run-examples\n",
        ..PLAIN
    },
    Case {
        name: "an action that leads out of the folder",
        github: true,
        args: &["../x86_64/vaccel-build"],
        status: 2,
        stdout: "::error title=Not an action::'../x86_64/vaccel-build' is not the name of an \
                 action, such as build or run-examples\n",
        ..PLAIN
    },
    Case {
        name: "an action that would issue a command stays on one line",
        github: true,
        args: &["build\r\n::warning::100%"],
        status: 2,
        stdout: "::error title=Not an action::'build??::warning::100%25' is not the name of an \
                 action, such as build or run-examples\n",
        ..PLAIN
    },
    Case {
        name: "upper case",
        args: &["Build"],
        status: 2,
        stdout: "",
        stderr: "error: 'Build' is not the name of an action, such as build or run-examples\n",
        ..PLAIN
    },
];

// One test for all: a second thread that starts a program while this one still
// writes an executable would make the kernel refuse to start it.
#[test]
fn every_case_in_every_shell() -> Result<()> {
    let mut wrong = Vec::new();
    for shell in [None, Some("dash"), Some("bash")] {
        if shell.is_some_and(|shell| !is_installed(shell)) {
            continue;
        }
        for case in [ARCHITECTURES, FOLDERS, PLANTED, ARGUMENTS].into_iter().flatten() {
            let (expected, actual) = (expected(case), run(case, shell)?);
            if expected != actual {
                let shell = shell.unwrap_or("its own #! line");
                wrong.push(format!("{} (by {shell})\nexpected {expected:?}\nactual   {actual:?}", case.name));
            }
        }
    }
    ensure!(wrong.is_empty(), "{}", wrong.join("\n\n"));
    Ok(())
}

/// Exit status, standard output, standard error.
type Ending = (i32, String, String);

fn expected(case: &Case) -> Ending {
    (case.status, case.stdout.into(), case.stderr.into())
}

fn run(case: &Case, shell: Option<&str>) -> Result<Ending> {
    let folder = TempDir::new()?;
    // The launcher names real paths; the temporary folder may be a link.
    let root = folder.path().canonicalize()?;
    let launcher = root.join("dist/run");
    fs::create_dir_all(root.join("dist"))?;
    fs::copy(original(), &launcher)?;
    let uname = format!("#!/bin/sh\n[ \"$*\" = -m ] && echo {}\n", case.machine);
    write(&root.join("fake/uname"), &uname, 0o755)?;
    for (path, content) in case.files {
        lay(&root.join(path), content)?;
    }

    let mut command = match shell {
        None => Command::new(&launcher),
        Some(shell) => {
            let mut command = Command::new(shell);
            command.arg(&launcher);
            command
        }
    };
    command
        .args(case.args)
        .current_dir("/")
        .env_clear()
        .env("PATH", format!("{}:/usr/bin:/bin", root.join("fake").display()));
    if let Some(arch) = case.runner_arch {
        command.env("RUNNER_ARCH", arch);
    }
    if let Some(folder) = case.vaccel_ci_bin {
        command.env("VACCEL_CI_BIN", root.join(folder));
    }
    if case.github {
        command.env("GITHUB_ACTIONS", "true").env("RUNNER_ARCH", case.runner_arch.unwrap_or("X64"));
    }
    command.envs(case.environment.iter().copied());
    let output = command.output()?;
    let root = root.to_str().context("the temporary folder is not UTF-8")?;
    let text = |bytes| -> Result<String> { Ok(String::from_utf8(bytes)?.replace(root, "{root}")) };
    Ok((output.status.code().context("ended by a signal")?, text(output.stdout)?, text(output.stderr)?))
}

fn lay(path: &Path, content: &Content) -> Result<()> {
    let prints = "#!/bin/sh\nprintf '%s\\n' \"$0\" \"$@\"\n";
    match content {
        Content::Executable => write(path, prints, 0o755),
        Content::PrintsPath => write(path, "#!/bin/sh\necho \"$PATH\"\n", 0o755),
        Content::Exits(status) => write(path, format!("#!/bin/sh\nexit {status}\n"), 0o755),
        Content::WithoutMode => write(path, prints, 0o644),
        // Git gives a pointer the mode of the file that it stands for.
        Content::Pointer => {
            let pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n";
            write(path, pointer, 0o755)
        }
        Content::Link => write(path, "vaccel-upload", 0o644),
        Content::Elf(machine) => {
            let mut bytes = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x02\0".to_vec();
            bytes.extend([*machine, 0]);
            write(path, &bytes, 0o755)
        }
        Content::Folder => Ok(fs::create_dir_all(path)?),
    }
}

fn write(path: &Path, text: impl AsRef<[u8]>, mode: u32) -> Result<()> {
    fs::create_dir_all(path.parent().context("a file without a folder")?)?;
    fs::write(path, text)?;
    Ok(fs::set_permissions(path, Permissions::from_mode(mode))?)
}

fn original() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../dist/run")
}

fn is_installed(shell: &str) -> bool {
    ["/usr/bin", "/bin"].iter().any(|folder| Path::new(folder).join(shell).exists())
}
