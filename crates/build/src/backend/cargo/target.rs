// SPDX-License-Identifier: Apache-2.0
//! For which machine Cargo builds, and with what, if it is told so.

use super::RUSTC;
use super::config::Config;
use crate::settings::Settings;
use artifact::Arch;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use toolkit::{Failure, Program, Result, ResultExt};

/// The configured name of the machine that rustc is made for.
const HOST: &str = "host-tuple";

/// Where the linker is in the build folder, if it is a command with arguments.
const LINKER: &str = "vaccel-build-linker";

/// Rust's name of the machine to build for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// The name; none for the machine that rustc is made for.
    pub name: Option<String>,
    /// Whether Cargo has to be given it; it reads its own configuration.
    pub is_argument: bool,
    /// What was configured and does not fit the architecture.
    pub overridden: Vec<String>,
}

impl Target {
    /// The option's, else the configured one if it is of the architecture, else GNU's in a cross build.
    pub fn choose(settings: &Settings, config: &Config) -> Self {
        let argument = |name: &str| Self { name: Some(name.to_owned()), is_argument: true, overridden: Vec::new() };
        if let Some(name) = settings.options.get("target") {
            return argument(name);
        }
        let own = triple(settings.arch);
        let is_host = |name: &String| name == HOST && settings.cross.is_none();
        let fits = |name: &&String| is_host(name) || has_machine(name, settings.arch) || is_file(name);
        match (config.targets.as_slice(), config.targets.iter().find(fits)) {
            ([], _) if settings.cross.is_some() => argument(own),
            ([], _) => Self { name: None, is_argument: false, overridden: Vec::new() },
            (_, None) => Self { overridden: config.targets.clone(), ..argument(own) },
            // These are names for Cargo's configuration only.
            ([_], Some(name)) if is_host(name) || is_file(name) => {
                let name = if is_host(name) { own.to_owned() } else { name.clone() };
                Self { name: Some(name), is_argument: false, overridden: Vec::new() }
            }
            (_, Some(name)) if is_host(name) => argument(own),
            (_, Some(name)) => argument(name),
        }
    }

    /// A command of Cargo's with the target.
    pub fn apply<'a>(&self, program: Program<'a>) -> Program<'a> {
        match &self.name {
            Some(name) if self.is_argument => program.args(["--target", name]),
            _ => program,
        }
    }
}

/// Whether a target is a file that describes one.
fn is_file(target: &str) -> bool {
    Path::new(target).extension().is_some_and(|end| end == "json")
}

/// Whether a target is of an architecture.
fn has_machine(target: &str, arch: Arch) -> bool {
    target.split('-').next() == triple(arch).split('-').next()
}

/// Rust's name of an architecture with GNU's C library.
pub fn triple(arch: Arch) -> &'static str {
    match arch {
        Arch::X86_64 => "x86_64-unknown-linux-gnu",
        Arch::Aarch64 => "aarch64-unknown-linux-gnu",
        Arch::Armv7l => "armv7-unknown-linux-gnueabihf",
    }
}

/// Makes sure that rustc can build for it.
pub fn check(settings: &Settings, target: &Target) -> Result<()> {
    let Some(target) = target.name.as_ref().filter(|name| !is_file(name)) else { return Ok(()) };
    if !has_machine(target, settings.arch) {
        let machine = triple(settings.arch).split('-').next().unwrap_or_default();
        return Err(Failure::input(format!("the target {target} is not of the architecture {}", settings.arch))
            .help(format!("set arch, or name a target that begins with {machine}")));
    }
    let program = Program::new(RUSTC.find()?).args(["--print", "target-libdir", "--target", target]);
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
        let target = Target::choose(&settings, &Config::default()).name.unwrap();
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
    }

    #[test]
    fn the_configured_target_counts_if_it_fits() {
        const GNU: &str = "armv7-unknown-linux-gnueabihf";
        const MUSL: &str = "armv7-unknown-linux-musleabihf";
        const OTHER: &str = "x86_64-unknown-linux-musl";
        // The configured targets, an option, the architecture; the chosen target and whether Cargo is given it.
        type Case = (&'static [&'static str], Option<&'static str>, bool, Option<&'static str>, bool);
        let cases: [Case; 10] = [
            (&[], None, false, None, false),
            (&[], None, true, Some(GNU), true),
            (&[OTHER], None, false, Some(OTHER), true),
            (&[OTHER], None, true, Some(GNU), true),
            (&[MUSL], None, true, Some(MUSL), true),
            (&[OTHER, MUSL], None, true, Some(MUSL), true),
            (&[MUSL], Some(GNU), true, Some(GNU), true),
            (&[MUSL], None, false, Some("x86_64-unknown-linux-gnu"), true),
            (&[HOST], None, false, Some("x86_64-unknown-linux-gnu"), false),
            (&["spec/x.json"], None, true, Some("spec/x.json"), false),
        ];
        for (targets, option, cross, name, is_argument) in cases {
            let native = Settings::plain("/p", "/p/build", "/p/install");
            let settings = if cross { settings(&["gcc"]) } else { native };
            let options = option.map_or_else(String::new, |name| format!("target={name}")).parse().unwrap();
            let config = Config { targets: targets.iter().map(|&name| name.to_owned()).collect(), ..Config::default() };
            let target = Target::choose(&Settings { options, ..settings }, &config);
            assert_eq!((target.name.as_deref(), target.is_argument), (name, is_argument), "{targets:?} {option:?}");
        }
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
