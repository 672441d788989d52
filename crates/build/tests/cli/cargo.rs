// SPDX-License-Identifier: Apache-2.0
//! Rust projects, built with Cargo.

use crate::support::{Project, ZIG_CACHE, files_below, path_without, run, with_cargo};
use artifact::{Arch, BuildRecord};

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

fn host_target(libc: &str) -> String {
    format!("{}-unknown-linux-{libc}", Arch::host().unwrap())
}

#[test]
fn programs_are_found_where_the_configured_target_puts_them() {
    let target = host_target("gnu");
    let config = format!("[build]\ntarget = '{target}'\n");
    // Where it is configured: in the tree, above it, in the home folder, as a list, and by the variable.
    let cases = [
        ("tree", "c/.cargo/config.toml", config.clone()),
        ("parent", ".cargo/config.toml", config.clone()),
        ("old name", "c/.cargo/config", config.clone()),
        ("a list", "c/.cargo/config.toml", format!("[build]\ntarget = ['{target}', 'wasm32-unknown-unknown']\n")),
        ("host", "c/.cargo/config.toml", "[build]\ntarget = 'host-tuple'\n".to_owned()),
        ("another machine's", "c/.cargo/config.toml", "[build]\ntarget = 'riscv64gc-unknown-linux-gnu'\n".to_owned()),
        (
            "flags of the target",
            "c/.cargo/config.toml",
            format!("{config}[target.{target}]\nrustflags = ['--cfg=seen']\n"),
        ),
        ("variable", "c/unused", target.clone()),
    ];
    let project = Project::empty();
    project.write("c/Cargo.toml", "[package]\nname = \"wt\"\nversion = \"0.1.0\"\nedition = \"2021\"\n[workspace]\n");
    project.write("c/src/main.rs", "fn main() {}\n#[test]\nfn good() {}\n");
    for (name, file, text) in cases {
        project.write(file, &text);
        let mut command = project.command();
        command.args(["--source-path=c", "--test=run", "--compiler-cache=off", "--build-type=debug"]);
        if name == "variable" {
            command.env("CARGO_BUILD_TARGET", text);
        }
        let said = run(with_cargo(&mut command)).ended(0);
        assert!(project.path("install/usr/bin/wt").is_file(), "{name}: {}", said.text);
        assert!(said.text.contains("Tests: 1 passed"), "{name}: {}", said.text);
        std::fs::remove_file(project.path(file)).unwrap();
        std::fs::remove_dir_all(project.path("install")).unwrap();
    }
}

/// A workspace that publishes two packages and has a library of its own.
fn workspace() -> Project {
    let project = Project::empty();
    project.write("Cargo.toml", "[workspace]\nresolver = \"2\"\nmembers = [\"agent\", \"client\", \"shared\"]\n");
    let package = |name: &str, more: &str| {
        format!("[package]\nname = \"{name}\"\nversion = \"0.2.0\"\nedition = \"2021\"\n{more}")
    };
    let dependency = "[dependencies]\nshared = { path = \"../shared\" }\n";
    project.write("agent/Cargo.toml", &package("vaccel-rpc-agent", dependency));
    project.write("agent/src/main.rs", "fn main() { assert_eq!(shared::one(), 1); }\n");
    let cdylib = "[lib]\nname = \"vaccel_rpc\"\ncrate-type = [\"cdylib\"]\n";
    project.write("client/Cargo.toml", &package("vaccel-rpc-client", &format!("{cdylib}{dependency}")));
    project.write("client/src/lib.rs", "#[no_mangle]\npub extern \"C\" fn one() -> i32 { shared::one() }\n");
    project.write("shared/Cargo.toml", &package("shared", ""));
    project.write("shared/src/lib.rs", "pub fn one() -> i32 { 1 }\n#[test]\nfn good() {}\n");
    project
}

#[test]
fn a_workspace_gives_all_of_its_packages_or_those_that_are_named() {
    let project = workspace();
    let library = format!("usr/lib/{}/libvaccel_rpc.so", Arch::host().unwrap().multiarch());
    let cases: [(&str, &[&str], &str); 3] = [
        ("", &["usr/bin/vaccel-rpc-agent", &library], "vaccel-rpc-agent 0.2.0"),
        ("package=vaccel-rpc-client", &[&library], "vaccel-rpc-client 0.2.0"),
        ("package=vaccel-rpc-agent shared", &["usr/bin/vaccel-rpc-agent"], "vaccel-rpc-agent 0.2.0"),
    ];
    for (options, files, name) in cases {
        let options = format!("--options={options}");
        let said = run(with_cargo(project.command().args([&options, "--build-type=debug"]))).ended(0);
        assert_eq!(files_below(&project.path("install")), files, "{options}");
        assert!(said.text.contains(&format!("Built {name}")), "{options}: {}", said.text);
    }
    let said = run(with_cargo(project.command().arg("--options=package=nope"))).ended(2);
    assert!(said.text.contains("help: there are shared, vaccel-rpc-agent, vaccel-rpc-client"), "{}", said.text);
}

#[test]
fn a_library_crate_is_tested_and_installs_nothing() {
    let project = workspace();
    let source = ["--source-path=shared", "--build-type=debug", "--test=run"];
    project.write("Cargo.toml", "[workspace]\nmembers = []\nexclude = [\"shared\"]\n");
    let said = run(with_cargo(project.command().args(source))).ended(0);
    assert!(said.text.contains("a library for Rust projects"), "{}", said.text);
    assert!(said.text.contains("Tests: 1 passed"), "{}", said.text);
    assert!(project.path("install").is_dir() && files_below(&project.path("install")).is_empty());

    // A program that cannot be built is not a library; that is known before anything is compiled.
    project.write("shared/Cargo.toml", "[package]\nname = \"shared\"\nversion = \"0.2.0\"\n[features]\ncli = []\n[[bin]]\nname = \"tool\"\nrequired-features = [\"cli\"]\n");
    project.write("shared/src/bin/tool.rs", "fn main() {}\n");
    let said = run(with_cargo(project.command().args(source))).ended(2);
    assert!(said.text.contains("tool needs cli") && !said.text.contains("Compiling"), "{}", said.text);
    run(with_cargo(project.command().args(source).arg("--options=features=cli"))).ended(0);
    assert_eq!(files_below(&project.path("install")), ["usr/bin/tool"]);
}

#[test]
fn what_cargo_says_of_a_broken_project_is_shown() {
    let project = workspace();
    project.write("client/Cargo.toml", "[package]\nname = 3\n");
    let said = run(with_cargo(&mut project.command())).ended(1);
    assert!(said.text.contains("cargo could not read the project"), "{}", said.text);
    assert!(said.text.contains("client/Cargo.toml") && said.text.contains("expected a string"), "{}", said.text);
}
