// SPDX-License-Identifier: Apache-2.0
//! Builds for other machines than this one.

use crate::support::{MESON_BUILD, Project, ZIG_CACHE, path_without, run};
use artifact::Arch;
use std::fs;

/// Every architecture, with the number that ELF files know it by.
const MACHINES: [(Arch, u16); 3] = [(Arch::X86_64, 62), (Arch::Aarch64, 183), (Arch::Armv7l, 40)];

fn project() -> Project {
    let project = Project::new();
    let tests = "t = executable('t', 'src/t.c')\ntest('good', t)\n";
    project.write("meson.build", &format!("{MESON_BUILD}{tests}"));
    // The library is called, so that the machine's own C library is needed.
    project.write("src/t.c", "#include <stdio.h>\nint main(void) { return puts(\"ran\") < 0; }\n");
    project
}

#[test]
fn every_architecture_is_built_and_tested_here() {
    let project = project();
    for (arch, machine) in MACHINES {
        let arguments = [format!("--arch={arch}"), format!("--build-path=b-{arch}"), format!("--destdir=i-{arch}")];
        let said = run(project.step().args(&arguments).arg("--test=run")).ended(0);
        let library = project.path(&format!("i-{arch}/usr/lib/{}/libsample.so", arch.multiarch()));
        let bytes = fs::read(library).unwrap();
        assert_eq!(u16::from_le_bytes([bytes[18], bytes[19]]), machine, "{arch}");
        let summary = project.read("runner/GITHUB_STEP_SUMMARY");
        assert!(summary.contains("Tests: 1 passed\n"), "{arch} (is qemu-user-static installed?): {summary}");
        let report = project.read(&format!("b-{arch}/vaccel-build-tests.xml"));
        assert!(report.contains("<testcase name=\"sample:good\" classname=\"sample\""), "{report}");
        if Some(arch) != Arch::host() {
            let picked = format!("{arch}: cross built with {}-gcc; its programs run under qemu-", arch.triple());
            assert!(said.text.contains(&picked), "{}", said.text);
        }
        project.write("runner/GITHUB_STEP_SUMMARY", "");
        // Other options do not make it another machine's.
        let said = run(project.command().args(&arguments).arg("--options=warning_level=1")).ended(0);
        assert!(said.text.contains("| options changed |"), "{}", said.text);
        let bytes = fs::read(project.path(&format!("i-{arch}/usr/bin/sample-run"))).unwrap();
        assert_eq!(u16::from_le_bytes([bytes[18], bytes[19]]), machine, "{arch}");
    }
}

fn foreign() -> Arch {
    if Arch::host() == Some(Arch::Aarch64) { Arch::X86_64 } else { Arch::Aarch64 }
}

#[test]
fn without_an_emulator_tests_are_skipped_and_say_why() {
    let project = project();
    let path = path_without(&project, &["qemu"]);
    run(project.step().env("PATH", path).args(["--test=run", &format!("--arch={}", foreign())])).ended(0);
    let summary = project.read("runner/GITHUB_STEP_SUMMARY");
    let reason = format!("| skipped: qemu-{}-static was not found; the Debian package qemu-user-static", foreign());
    assert!(summary.contains(&reason.replace('_', r"\_")) || summary.contains(&reason), "{summary}");
}

#[test]
fn a_missing_cross_compiler_is_named_with_its_package() {
    let project = project();
    let path = path_without(&project, &["-linux-gnu", "zig"]);
    let said = run(project.command().env("PATH", path).args(["--arch", foreign().as_str()])).ended(1);
    let package = format!("help: install the Debian package gcc-{}", foreign().triple().replace('_', "-"));
    assert!(said.text.contains(&package), "{}", said.text);
    assert!(!project.path("build").exists());
}

#[test]
fn this_machine_s_packages_are_not_the_target_s() {
    let project = project();
    project.write("meson.build", "project('p', 'c')\ndependency('ours')\n");
    project.write("ours/ours.pc", "Name: ours\nDescription: x\nVersion: 1\n");
    let build = |arch: &str| {
        let mut command = project.command();
        run(command.env("PKG_CONFIG_PATH", project.path("ours")).args([
            "--arch",
            arch,
            "--build-path",
            &format!("b-{arch}"),
        ]))
    };
    build(Arch::host().unwrap().as_str()).ended(0);
    let said = build(foreign().as_str()).ended(1);
    assert!(said.text.contains("Dependency \"ours\" not found"), "{}", said.text);
}

#[test]
fn zig_builds_where_there_is_no_gnu_compiler() {
    let project = project();
    let path = path_without(&project, &["-linux-gnu"]);
    for (arch, machine) in MACHINES.into_iter().filter(|(arch, _)| Some(*arch) != Arch::host()) {
        let arguments = [format!("--arch={arch}"), format!("--build-path=b-{arch}"), format!("--destdir=i-{arch}")];
        let mut step = project.step();
        let said =
            run(step.env("PATH", &path).env("ZIG_GLOBAL_CACHE_DIR", ZIG_CACHE).args(&arguments).arg("--test=run"));
        let said = said.ended(0);
        let picked = format!("{arch}: cross built with python-zig cc -target {}", arch.triple());
        assert!(said.text.contains(&picked), "{}", said.text);
        let bytes = fs::read(project.path(&format!("i-{arch}/usr/lib/{}/libsample.so", arch.multiarch()))).unwrap();
        assert_eq!(u16::from_le_bytes([bytes[18], bytes[19]]), machine, "{arch}");
        let summary = project.read("runner/GITHUB_STEP_SUMMARY");
        assert!(summary.contains("Tests: 1 passed\n"), "{arch}: {summary}");
    }
    let said =
        run(project.command().env("PATH", &path).args(["--coverage", "--test=run", "--arch", foreign().as_str()]));
    assert!(said.ended(1).text.contains("coverage cannot be measured with python-zig cc"));
}
