// SPDX-License-Identifier: Apache-2.0
//! For which machine Cargo builds, and with what, if it is told so.

use super::RUSTC;
use crate::settings::Settings;
use artifact::Arch;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use toolkit::{Failure, Program, Result, ResultExt};

/// Where the linker is in the build folder, if it is a command with arguments.
const LINKER: &str = "vaccel-build-linker";

/// Rust's name of the machine to build for; none for the one that rustc is made for.
pub fn target(settings: &Settings) -> Option<String> {
    let given = settings.options.get("target").map(str::to_owned);
    given.or_else(|| settings.cross.is_some().then(|| triple(settings.arch).to_owned()))
}

fn triple(arch: Arch) -> &'static str {
    match arch {
        Arch::X86_64 => "x86_64-unknown-linux-gnu",
        Arch::Aarch64 => "aarch64-unknown-linux-gnu",
        Arch::Armv7l => "armv7-unknown-linux-gnueabihf",
    }
}

/// Makes sure that rustc can build for it.
pub fn check(settings: &Settings) -> Result<()> {
    let Some(target) = target(settings) else { return Ok(()) };
    let machine = triple(settings.arch).split('-').next().unwrap_or_default();
    if target.split('-').next() != Some(machine) {
        return Err(Failure::input(format!("the target {target} is not of the architecture {}", settings.arch))
            .help(format!("set arch, or name a target that begins with {machine}")));
    }
    let program = Program::new(RUSTC.find()?).args(["--print", "target-libdir", "--target", &target]);
    let folder =
        program.dir(&settings.source).repository_code().capture().input(format!("rustc knows no target {target}"))?;
    if Path::new(folder.trim()).is_dir() {
        return Ok(());
    }
    Err(Failure::work(format!("Rust's standard library for {target} is missing"))
        .help(format!("install it: rustup target add {target}")))
}

/// Writes what Cargo is to call as a linker, if that is more than a name.
pub fn prepare(settings: &Settings) -> Result<()> {
    let Some(cross) = settings.cross.as_ref().filter(|cross| !cross.is_gnu()) else { return Ok(()) };
    let file = settings.build.join(LINKER);
    fs::write(&file, format!("#!/bin/sh\nexec {} \"$@\"\n", cross.cc.join(" ")))
        .and_then(|()| fs::set_permissions(&file, fs::Permissions::from_mode(0o755)))
        .with_context(|| format!("could not write {}", file.display()))
}

/// The variables by which Cargo, and crates that build C code, find the target's tools.
pub fn variables(settings: &Settings, target: &str) -> Vec<(String, String)> {
    let Some(cross) = &settings.cross else { return Vec::new() };
    let linker = match cross.cc.as_slice() {
        [gcc] => gcc.clone(),
        _ => settings.build.join(LINKER).display().to_string(),
    };
    let name = target.replace(['-', '.'], "_");
    let cargo = format!("CARGO_TARGET_{}", name.to_uppercase());
    let mut variables = vec![
        (format!("{cargo}_LINKER"), linker),
        (format!("CC_{name}"), cross.cc.join(" ")),
        (format!("CXX_{name}"), cross.cxx.join(" ")),
        (format!("AR_{name}"), cross.ar.join(" ")),
        ("PKG_CONFIG_ALLOW_CROSS".to_owned(), "1".to_owned()),
        ("PKG_CONFIG_LIBDIR".to_owned(), cross.pkgconfig().join(":")),
    ];
    if let Ok(emulator) = &cross.emulator {
        variables.push((format!("{cargo}_RUNNER"), emulator.join(" ")));
    }
    variables
}

/// Where Cargo puts what it built.
pub fn folder(settings: &Settings, profile: &str) -> PathBuf {
    let build = match target(settings) {
        Some(target) => settings.build.join(target),
        None => settings.build.clone(),
    };
    build.join(profile)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::toolchain::Cross;

    fn settings(cc: &[&str]) -> Settings {
        let words = |words: &[&str]| words.iter().map(|&word| word.to_owned()).collect();
        let cross = Cross {
            arch: Arch::Armv7l,
            cc: words(cc),
            cxx: words(&["g++"]),
            ar: words(&["ar"]),
            strip: None,
            emulator: Ok(words(&["qemu-arm", "-L", "/usr/arm-linux-gnueabihf"])),
        };
        Settings { arch: Arch::Armv7l, cross: Some(cross), ..Settings::plain("/p", "/p/build", "/p/install") }
    }

    #[test]
    fn cargo_is_told_the_target_s_tools() {
        let settings = settings(&["arm-linux-gnueabihf-gcc"]);
        let target = target(&settings).unwrap();
        let told: Vec<_> =
            variables(&settings, &target).into_iter().map(|(name, value)| format!("{name}={value}")).collect();
        insta::assert_snapshot!(told.join("\n"), @r"
        CARGO_TARGET_ARMV7_UNKNOWN_LINUX_GNUEABIHF_LINKER=arm-linux-gnueabihf-gcc
        CC_armv7_unknown_linux_gnueabihf=arm-linux-gnueabihf-gcc
        CXX_armv7_unknown_linux_gnueabihf=g++
        AR_armv7_unknown_linux_gnueabihf=ar
        PKG_CONFIG_ALLOW_CROSS=1
        PKG_CONFIG_LIBDIR=/usr/lib/arm-linux-gnueabihf/pkgconfig:/usr/arm-linux-gnueabihf/lib/pkgconfig:/usr/share/pkgconfig
        CARGO_TARGET_ARMV7_UNKNOWN_LINUX_GNUEABIHF_RUNNER=qemu-arm -L /usr/arm-linux-gnueabihf
        ");
        assert_eq!(folder(&settings, "release"), Path::new("/p/build/armv7-unknown-linux-gnueabihf/release"));
    }

    #[test]
    fn a_linker_with_arguments_is_a_file() {
        let folder = tempfile::tempdir().unwrap();
        let settings = Settings { build: folder.path().to_owned(), ..settings(&["zig", "cc", "-target", "x"]) };
        prepare(&settings).unwrap();
        let (name, linker) = variables(&settings, "t").swap_remove(0);
        assert_eq!(name, "CARGO_TARGET_T_LINKER");
        assert_eq!(fs::read_to_string(linker).unwrap(), "#!/bin/sh\nexec zig cc -target x \"$@\"\n");
    }
}
