// SPDX-License-Identifier: Apache-2.0
//! A place to stage in: a source repository, and an install tree with a real C library, a program
//! that uses it, and what usually lies beside them.

use artifact::Arch;
use assert_cmd::assert::Assert;
use assert_cmd::cargo::cargo_bin_cmd;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Once;
use tempfile::TempDir;

pub const LIBRARY: &str = "int hello(void);\nint hello(void) { return 42; }\n";
pub const PROGRAM: &str = "int hello(void);\nint main(void) { return hello() != 42; }\n";

/// Programs that unpack and judge, and the Debian packages that bring them.
const JUDGES: &[(&str, &[&str])] = &[("lintian", &["lintian"]), ("xz", &["xz-utils"]), ("zstd", &["zstd"])];

/// Installs what some tests need, where that is allowed; once, for package managers do not share.
pub fn require_tools() {
    static READY: Once = Once::new();
    READY.call_once(|| {
        testbed::tools::require(&[JUDGES, testbed::tools::CROSS], &|line| eprintln!("{line}")).unwrap();
    });
}

/// A folder with `source/`, a tagged repository, and `install/`.
pub struct Place {
    folder: TempDir,
}

impl Place {
    pub fn new() -> Self {
        let place = Self { folder: tempfile::tempdir().unwrap() };
        place.make_source();
        place.make_tree();
        place
    }

    pub fn path(&self, below: &str) -> PathBuf {
        self.folder.path().join(below)
    }

    /// The loader's folder for this machine, in the install tree.
    pub fn libraries(&self) -> PathBuf {
        self.path("install/usr/lib").join(multiarch())
    }

    pub fn write(&self, below: &str, content: &str) {
        let path = self.path(below);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    /// The executable, in this place, with the inputs that most tests give.
    pub fn command(&self) -> assert_cmd::Command {
        self.command_with(&[])
    }

    /// The same with arguments of the test's own, which stand in for those.
    pub fn command_with(&self, arguments: &[&str]) -> assert_cmd::Command {
        let mut command = cargo_bin_cmd!("vaccel-stage-artifacts");
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("GITHUB_") || name.starts_with("INPUT_"))
        {
            command.env_remove(name);
        }
        command.current_dir(self.folder.path()).env_remove("SOURCE_DATE_EPOCH");
        let usual = [
            ("--package", "plugin-hello"),
            ("--source-path", "source"),
            ("--maintainer", "Jane Doe <jane@example.org>"),
        ];
        for (flag, value) in usual {
            if !arguments.iter().any(|argument| argument.starts_with(flag)) {
                command.args([flag, value]);
            }
        }
        command.args(arguments);
        command
    }

    /// Puts Python packages and a record where builds put them.
    pub fn write_build(&self) {
        let record = artifact::BuildRecord {
            schema: 1,
            compiler: "CPython 3.11.2".to_owned(),
            backend: "build 1.2.2".to_owned(),
            options: Vec::new(),
            version: "0.3.0".to_owned(),
            arch: host(),
            build_type: artifact::BuildType::Release,
            tree_sha256: None,
        };
        self.write("build/vaccel-build.json", &String::from_utf8(record.to_canonical_json()).unwrap());
        for name in ["hello-0.3.0-py3-none-any.whl", "hello-0.3.0.tar.gz"] {
            self.write(&format!("build/dist/{name}"), name);
        }
    }

    pub fn stage(&self, arguments: &[&str]) -> Assert {
        self.command_with(arguments).assert()
    }

    /// The names in the output folder.
    pub fn staged(&self) -> Vec<String> {
        let items = fs::read_dir(self.path("dist")).unwrap();
        let mut names: Vec<_> = items.map(|item| item.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    pub fn deb(&self) -> PathBuf {
        self.package("plugin-hello")
    }

    /// The Debian package of this name.
    pub fn package(&self, name: &str) -> PathBuf {
        let start = format!("{name}_");
        let is_it = |file: &String| file.starts_with(&start);
        self.path("dist").join(self.staged().into_iter().find(is_it).unwrap())
    }

    /// The files of a Debian package, unpacked.
    pub fn unpacked(&self, name: &str) -> PathBuf {
        let folder = self.path(&format!("unpacked-{name}"));
        if folder.exists() {
            fs::remove_dir_all(&folder).unwrap();
        }
        output_of("dpkg-deb", &["--extract", self.package(name).to_str().unwrap(), folder.to_str().unwrap()]);
        folder
    }

    /// One control file of a Debian package; empty if it has none of that name.
    pub fn control(&self, name: &str, file: &str) -> String {
        let folder = self.path("control");
        let _ = fs::remove_dir_all(&folder);
        output_of("dpkg-deb", &["--control", self.package(name).to_str().unwrap(), folder.to_str().unwrap()]);
        fs::read_to_string(folder.join(file)).unwrap_or_default()
    }

    /// One field of a Debian package.
    pub fn field(&self, name: &str, field: &str) -> String {
        output_of("dpkg-deb", &["--field", self.package(name).to_str().unwrap(), field]).trim().to_owned()
    }

    /// What went wrong, with this machine's paths and names taken out.
    pub fn story(&self, assert: &Assert) -> String {
        let output = assert.get_output();
        let text = [&output.stderr, &output.stdout].map(|bytes| String::from_utf8_lossy(bytes).into_owned()).concat();
        // How large a compiled file is depends on the compiler.
        let text: String = text.split_inclusive('\n').filter(|line| !line.starts_with("install: ")).collect();
        text.replace(&self.folder.path().canonicalize().unwrap().display().to_string(), "<place>")
            .replace(&self.folder.path().display().to_string(), "<place>")
            .replace(multiarch(), "<multiarch>")
    }

    fn make_source(&self) {
        self.write("source/meson.build", "project('plugin-hello', 'c')\n");
        self.write(
            "source/LICENSE",
            "MIT License\n\nCopyright (c) 2024 Example Ltd\n\nPermission is hereby granted.\n",
        );
        let source = self.path("source");
        git(&source, &["init", "--quiet", "--initial-branch=main"]);
        git(&source, &["remote", "add", "origin", "https://github.com/nubificus/plugin-hello.git"]);
        git(&source, &["add", "."]);
        git(&source, &["commit", "--quiet", "--message=feat: say hello"]);
        git(&source, &["tag", "v0.3.0"]);
    }

    fn make_tree(&self) {
        let libraries = self.libraries();
        fs::create_dir_all(&libraries).unwrap();
        fs::create_dir_all(self.path("install/usr/bin")).unwrap();
        let library = libraries.join("libvaccel-hello.so.0.3.0");
        compile(LIBRARY, &library, &["-shared", "-fPIC", "-Wl,-soname,libvaccel-hello.so.0"]);
        symlink("libvaccel-hello.so.0.3.0", libraries.join("libvaccel-hello.so.0")).unwrap();
        symlink("libvaccel-hello.so.0", libraries.join("libvaccel-hello.so")).unwrap();
        compile(PROGRAM, &self.path("install/usr/bin/hello"), &[library.to_str().unwrap()]);
        self.write("install/usr/include/vaccel-hello.h", "int hello(void);\n");
        self.write("install/usr/share/plugin-hello/data.bin", &"data\n".repeat(1000));
        self.write("install/etc/plugin-hello.conf", "greeting = hello\n");
    }
}

/// Whether a variable is about the run that runs this test.
pub fn is_foreign(name: &str) -> bool {
    name.starts_with("GITHUB_") || name.starts_with("INPUT_") || name == "SOURCE_DATE_EPOCH"
}

pub fn host() -> Arch {
    Arch::host().unwrap()
}

pub fn multiarch() -> &'static str {
    host().multiarch()
}

/// Compiles a C text. The input is always of the same name, so equal texts give equal bytes.
pub fn compile(text: &str, output: &Path, arguments: &[&str]) {
    compile_for(host(), text, output, arguments);
}

/// The same for any architecture.
pub fn compile_for(arch: Arch, text: &str, output: &Path, arguments: &[&str]) {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("main.c"), text).unwrap();
    let map = format!("-ffile-prefix-map={}=/src", folder.path().display());
    let compiler = if arch == host() { "gcc".to_owned() } else { format!("{}-gcc", arch.triple()) };
    let mut gcc = Command::new(compiler);
    gcc.current_dir(folder.path()).args(["-g", &map, "-o", output.to_str().unwrap(), "main.c"]).args(arguments);
    assert!(gcc.status().unwrap().success());
}

pub fn git(folder: &Path, arguments: &[&str]) {
    let mut git = Command::new("git");
    git.current_dir(folder)
        .args(arguments)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_SYSTEM", "/dev/null")
        .env("GIT_AUTHOR_DATE", "2026-01-02T03:04:05Z")
        .env("GIT_COMMITTER_DATE", "2026-01-02T03:04:05Z");
    for who in ["AUTHOR", "COMMITTER"] {
        git.env(format!("GIT_{who}_NAME"), "Jane Doe").env(format!("GIT_{who}_EMAIL"), "jane@example.org");
    }
    assert!(git.status().unwrap().success(), "git {arguments:?}");
}

/// What a tool prints.
pub fn output_of(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).env("LC_ALL", "C").env("TZ", "UTC").output().unwrap();
    assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Everything but folders below a folder, with its content.
pub fn contents(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    let mut ahead = vec![folder.to_owned()];
    while let Some(here) = ahead.pop() {
        for item in fs::read_dir(here).unwrap() {
            let path = item.unwrap().path();
            let name = path.strip_prefix(folder).unwrap().display().to_string();
            let kind = path.symlink_metadata().unwrap().file_type();
            if kind.is_dir() {
                ahead.push(path);
            } else if kind.is_symlink() {
                found.push((name, fs::read_link(path).unwrap().into_os_string().into_encoded_bytes()));
            } else {
                // Nobody writes to a pipe.
                found.push((name, if kind.is_file() { fs::read(path).unwrap() } else { Vec::new() }));
            }
        }
    }
    found.sort();
    found
}
