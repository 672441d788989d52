// SPDX-License-Identifier: Apache-2.0
//! Build systems other than Meson, and how one is chosen.

use crate::support::{Project, ZIG_CACHE, files_below, path_without, run, with_cargo};
use artifact::{Arch, BuildRecord};

const SCRIPT: &str = r#"
[build]
command = "mkdir -p $VACCEL_CI_BUILD && ${CC:-cc} -o $VACCEL_CI_BUILD/tool tool.c"
test = "$VACCEL_CI_EMULATOR $VACCEL_CI_BUILD/tool"
install = "install -D $VACCEL_CI_BUILD/tool $VACCEL_CI_DESTDIR$VACCEL_CI_PREFIX/bin/tool; env | grep ^VACCEL_CI_ > seen"
"#;

fn script() -> Project {
    let project = Project::empty();
    project.write(".github/vaccel-ci.toml", SCRIPT);
    project.write("tool.c", "int main(void) { return 0; }\n");
    project
}

#[test]
fn a_script_builds_for_every_architecture() {
    for arch in Arch::ALL {
        let project = script();
        run(project.step().args(["--test=run", "--options=a=1,b=2", "--jobs=3", "--arch", arch.as_str()])).ended(0);
        assert_eq!(files_below(&project.path("install")), ["usr/bin/tool"]);
        let summary = project.read("runner/GITHUB_STEP_SUMMARY");
        assert!(summary.contains("Tests: 1 passed\n"), "{arch}: {summary}");
        let record = BuildRecord::parse(project.read("build/vaccel-build.json").as_bytes()).unwrap();
        assert!(record.compiler.contains("cc"), "{arch}: {record:?}");
        let seen = project.read("seen");
        let libdir = format!("VACCEL_CI_LIBDIR=lib/{}\n", arch.multiarch());
        for line in ["VACCEL_CI_OPTIONS=a=1\n", "VACCEL_CI_JOBS=3\n", "VACCEL_CI_BUILD_TYPE=release\n", &libdir] {
            assert!(seen.contains(line), "{line}: {seen}");
        }
    }
}

#[test]
fn a_script_that_fails_leaves_no_tree() {
    let project = script();
    project.write("tool.c", "int main(void) { return 4; }\n");
    let said = run(project.step().arg("--test=run")).ended(1);
    assert!(said.text.contains("exit status 4"), "{}", said.text);
    project.write("tool.c", "int main(void) { return x; }\n");
    let said = run(&mut project.step()).ended(1);
    assert!(said.of_kind("error").starts_with("::error file=tool.c,line=1,"), "{}", said.text);
    assert!(!project.path("install").exists());
}

fn crate_with_everything() -> Project {
    let project = Project::empty();
    project.write(
        "Cargo.toml",
        "[package]\nname = \"my-tool\"\nversion = \"0.4.0\"\nedition = \"2021\"\n\n[lib]\nname = \"my_tool\"\n\
         crate-type = [\"cdylib\", \"rlib\"]\n\n[features]\nmore = []\n\n[[bin]]\nname = \"extra\"\n\
         path = \"src/main.rs\"\nrequired-features = [\"more\"]\n\n[workspace]\n",
    );
    project.write(
        "src/lib.rs",
        "#[no_mangle]\npub extern \"C\" fn one() -> i32 { 1 }\n\n#[test]\nfn good() { assert_eq!(one(), 1); }\n\n\
         #[test]\n#[ignore = \"slow\"]\nfn later() {}\n",
    );
    project.write("src/main.rs", "fn main() {}\n");
    project
}

#[test]
fn cargo_s_programs_and_libraries_are_installed() {
    let project = crate_with_everything();
    let said = run(with_cargo(&mut project.step()).arg("--test=run")).ended(0);
    let library = format!("usr/lib/{}/libmy_tool.so", Arch::host().unwrap().multiarch());
    assert_eq!(files_below(&project.path("install")), std::slice::from_ref(&library));
    let summary = project.read("runner/GITHUB_STEP_SUMMARY");
    assert!(summary.contains("Tests: 1 passed, 1 skipped\n") && summary.contains("skipped: slow"), "{}", said.text);
    let record = BuildRecord::parse(project.read("build/vaccel-build.json").as_bytes()).unwrap();
    assert!(record.compiler.starts_with("rustc ") && record.backend.starts_with("cargo "), "{record:?}");
    assert_eq!(record.version, "0.4.0");

    run(with_cargo(&mut project.step()).arg("--options=features=more")).ended(0);
    assert_eq!(files_below(&project.path("install")), ["usr/bin/extra".to_owned(), library.clone()]);
    // What an earlier build left is not of this one.
    run(with_cargo(&mut project.step())).ended(0);
    assert_eq!(files_below(&project.path("install")), [library]);
    let said = run(with_cargo(&mut project.step()).arg("--options=all-features=yes")).ended(2);
    assert!(
        said.text.contains("cargo's option `all-features` is `yes`, which is neither true nor false"),
        "{}",
        said.text
    );
}

#[test]
fn cargo_s_errors_and_failed_tests_are_told() {
    let project = crate_with_everything();
    project.write("src/lib.rs", "#[test]\nfn bad() { assert_eq!(1, 2); }\n");
    let said = run(with_cargo(&mut project.step()).arg("--test=run")).ended(1);
    assert!(said.of_kind("error").contains("::error title=Test failed::my_tool::bad: failed"), "{}", said.text);
    project.write("src/lib.rs", "fn unused() {}\npub fn f() -> i32 { x }\n");
    let said = run(with_cargo(&mut project.step())).ended(1);
    insta::assert_snapshot!(said.of_kind("error"), @r"
    ::error file=src/lib.rs,line=2,col=21,title=E0425::cannot find value `x` in this scope
    ::error title=Build::compilation failed%0Asrc/lib.rs:2:21: error: cannot find value `x` in this scope [E0425]%0A  caused by: cargo ended with exit status 101
    ");
    project.write("src/lib.rs", "fn unused() {}\n#[test]\nfn good() {}\n");
    let said = run(with_cargo(project.step().arg("--test=run"))).ended(0);
    // The same in the library and in its tests.
    insta::assert_snapshot!(said.of_kind("warning"), @"::warning file=src/lib.rs,line=1,col=4,title=Compiler warning::function `unused` is never used");
    run(with_cargo(project.step().arg("--werror"))).ended(1);
    project.write(
        "src/lib.rs",
        "extern \"C\" { fn missing(); }\n#[no_mangle]\npub extern \"C\" fn f() { unsafe { missing() } }\n",
    );
    let said = run(with_cargo(project.step().env("RUSTFLAGS", "-Clink-arg=-Wl,-z,defs"))).ended(1);
    assert!(said.of_kind("error").contains("title=Linker error::"), "{}", said.text);
    assert!(said.of_kind("error").contains("missing"), "{}", said.text);
}

/// A crate that depends on nothing, which calls the C library.
fn program() -> Project {
    let project = crate_with_everything();
    project.write("src/main.rs", "fn main() { println!(\"{} {}\", std::env::consts::ARCH, file!()); }\n");
    project
}

/// Whether this machine's rustc has a target's standard library.
fn has_std(target: &str) -> bool {
    let told = with_cargo(std::process::Command::new("rustc").args(["--print", "target-libdir", "--target", target]))
        .output()
        .unwrap();
    std::path::Path::new(String::from_utf8(told.stdout).unwrap().trim()).is_dir()
}

#[test]
fn cargo_builds_for_other_machines() {
    let foreign = [
        (Arch::Aarch64, "aarch64-unknown-linux-gnu", 183, "gcc"),
        (Arch::Armv7l, "armv7-unknown-linux-gnueabihf", 40, "gcc"),
        (Arch::Armv7l, "armv7-unknown-linux-gnueabihf", 40, "zig"),
        (Arch::Aarch64, "aarch64-unknown-linux-musl", 183, "gcc"),
    ];
    for (arch, target, machine, linker) in foreign.into_iter().filter(|(arch, ..)| Some(*arch) != Arch::host()) {
        let project = program();
        let mut step = project.step();
        if linker == "zig" {
            step.env("PATH", path_without(&project, &["-linux-gnu"])).env("ZIG_GLOBAL_CACHE_DIR", ZIG_CACHE);
        }
        let options = format!("--options=features=more,target={target}");
        step.args(["--test=run", "--arch", arch.as_str()]).arg(options);
        if !has_std(target) {
            let said = run(with_cargo(&mut step)).ended(1);
            assert!(said.text.contains(&format!("help: install it: rustup target add {target}")), "{}", said.text);
            continue;
        }
        let said = run(with_cargo(&mut step)).ended(0);
        let bytes = std::fs::read(project.path("install/usr/bin/extra")).unwrap();
        assert_eq!(u16::from_le_bytes([bytes[18], bytes[19]]), machine, "{target}");
        let summary = project.read("runner/GITHUB_STEP_SUMMARY");
        assert!(summary.contains("Tests: 1 passed, 1 skipped\n"), "{target}: {}", said.text);
        assert!(summary.contains(&format!(
            ", cross built with {}",
            if linker == "zig" { "python-zig cc" } else { arch.triple() }
        )));
    }
    // Without an option, it is GNU's target.
    let project = program();
    let said = run(with_cargo(project.step().args(["--arch=armv7l"])));
    let told = if has_std("armv7-unknown-linux-gnueabihf") { "Installed" } else { "armv7-unknown-linux-gnueabihf" };
    assert!(format!("{}{}", said.text, project.read("runner/GITHUB_STEP_SUMMARY")).contains(told), "{}", said.text);
}

#[test]
fn cargo_s_targets_are_checked() {
    let project = program();
    let cases = [
        ("target=aarch64-unknown-linux-gnu", "x86_64", 2, "is not of the architecture x86_64"),
        ("target=x86_64-unknown-nothing", "x86_64", 2, "rustc knows no target x86_64-unknown-nothing"),
    ];
    for (options, arch, status, says) in cases.into_iter().filter(|_| Arch::host() == Some(Arch::X86_64)) {
        let said = run(with_cargo(project.command().args(["--options", options, "--arch", arch]))).ended(status);
        assert!(said.text.contains(says), "{}", said.text);
    }
    let path = path_without(&project, &["llvm-cov"]);
    let said = run(with_cargo(project.command().env("PATH", path).args(["--coverage", "--test=run"]))).ended(1);
    assert!(said.text.contains("cargo-llvm-cov was not found"), "{}", said.text);
}

#[test]
fn cargo_s_files_are_equal_wherever_they_were_built() {
    let digests = |build_path: &str| {
        let project = program();
        let arguments = ["--build-type=debugoptimized", "--options=features=more", "--build-path", build_path];
        run(with_cargo(project.command().args(arguments))).ended(0);
        let install = project.path("install");
        let digest =
            |name: String| (artifact::Sha256::of(&std::fs::read(install.join(&name)).unwrap()).to_string(), name);
        files_below(&install).into_iter().map(digest).collect::<Vec<_>>()
    };
    assert_eq!(digests("build"), digests("out/of/the/way"));
}

#[test]
fn what_no_build_system_can_build_is_said() {
    let project = Project::empty();
    let said = run(&mut project.command()).ended(2);
    let text = project.plain(&said.text);
    insta::assert_snapshot!(text.trim(), @r"
    error: no build system known here can build <project>
    help: looked for .github/vaccel-ci.toml with a section [build] (script), pyproject.toml with a section [build-system] or setup.py (Python), meson.build (Meson), Cargo.toml (Cargo); correct source-path if it is elsewhere
    ");
    for (backend, needs) in [
        ("meson", "meson.build"),
        ("cargo", "Cargo.toml"),
        ("python", "pyproject.toml"),
        ("script", ".github/vaccel-ci.toml"),
    ] {
        let said = run(project.command().args(["--backend", backend])).ended(2);
        assert!(said.text.contains(&format!("help: it needs {needs}")), "{}", said.text);
    }
    project.write("Cargo.toml", "");
    let said = run(project.command().arg("--options=colour=red")).ended(2);
    assert!(said.text.contains("help: there are features, no-default-features, all-features, target"), "{}", said.text);
    project.write(".github/vaccel-ci.toml", "[build]\ncommand = 'make'\n");
    let said = run(&mut project.command()).ended(2);
    assert!(said.text.contains("missing field `install`"), "{}", said.text);
}
