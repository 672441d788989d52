// SPDX-License-Identifier: Apache-2.0
//! Building for another machine: which cross compiler, which packages, and what runs the result.

use crate::CompilerCache;
use artifact::Arch;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use toolkit::{Failure, Result};

/// What compilers are called through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cache {
    /// Nothing, whatever is installed.
    Off,
    /// Nothing, because nothing is installed.
    Absent,
    /// This program.
    Program(&'static str),
}

impl Cache {
    /// All that are known, in Meson's order of preference: it looks for them by itself.
    pub const PROGRAMS: [&str; 2] = ["sccache", "ccache"];

    /// What is there, if any is wanted; `find` looks a program up.
    pub fn find(wanted: CompilerCache, find: impl Fn(&str) -> Option<PathBuf>) -> Self {
        match wanted {
            CompilerCache::Off => Self::Off,
            CompilerCache::Auto => {
                let found = Self::PROGRAMS.into_iter().find(|name| find(name).is_some());
                found.map_or(Self::Absent, Self::Program)
            }
        }
    }
}

/// The tools that build for a machine that is not this one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cross {
    /// The machine.
    pub arch: Arch,
    /// The C compiler and its first arguments.
    pub cc: Vec<String>,
    /// The C++ compiler and its first arguments.
    pub cxx: Vec<String>,
    /// The archiver and its first arguments.
    pub ar: Vec<String>,
    /// The program that strips symbols, if the toolchain has one.
    pub strip: Option<String>,
    /// What runs programs of that machine, or why nothing does.
    pub emulator: Result<Vec<String>, String>,
}

impl Cross {
    /// The toolchain for a machine: the GNU cross compiler, else zig's; `find` looks a program up.
    pub fn find(arch: Arch, find: impl Fn(&str) -> Option<PathBuf>, root: &Path) -> Result<Self> {
        let triple = arch.triple();
        let emulator = emulator(arch, &find, root);
        let gnu = |tool: &str| vec![format!("{triple}-{tool}")];
        if find(&gnu("gcc")[0]).is_some() {
            let strip = Some(format!("{triple}-strip"));
            return Ok(Self { arch, cc: gnu("gcc"), cxx: gnu("g++"), ar: gnu("ar"), strip, emulator });
        }
        if let Some(zig) = ["zig", "python-zig"].into_iter().find(|name| find(name).is_some()) {
            let tool = |tool: &str| vec![zig.to_owned(), tool.to_owned(), "-target".to_owned(), triple.to_owned()];
            let ar = vec![zig.to_owned(), "ar".to_owned()];
            return Ok(Self { arch, cc: tool("cc"), cxx: tool("c++"), ar, strip: None, emulator });
        }
        Err(Failure::work(format!("this machine cannot build for {arch}: {triple}-gcc was not found on PATH")).help(
            format!("install the Debian package gcc-{}, or zig (`pip install ziglang`)", triple.replace('_', "-")),
        ))
    }

    /// Whether it is the GNU compiler.
    pub fn is_gnu(&self) -> bool {
        self.cc.len() == 1
    }

    /// What was picked, in a few words.
    pub fn describe(&self) -> String {
        let runs = match &self.emulator {
            Ok(command) => format!("its programs run under {}", command.first().map_or("", String::as_str)),
            Err(reason) => format!("its programs do not run here: {reason}"),
        };
        format!("cross built with {}; {runs}", self.cc.join(" "))
    }

    /// Where pkg-config looks: among the machine's own packages only.
    pub fn pkgconfig(&self) -> [String; 3] {
        let triple = self.arch.triple();
        [format!("/usr/lib/{triple}/pkgconfig"), format!("/usr/{triple}/lib/pkgconfig"), "/usr/share/pkgconfig".into()]
    }

    /// The cross file, in Meson's language.
    pub fn meson_file(&self, pkg_config: &str, cache: Cache) -> String {
        let (family, cpu) = match self.arch {
            Arch::X86_64 => ("x86_64", "x86_64"),
            Arch::Aarch64 => ("aarch64", "aarch64"),
            Arch::Armv7l => ("arm", "armv7l"),
        };
        let mut text = "[binaries]\n".to_owned();
        let mut binary = |name: &str, command: &[String]| {
            let _ = writeln!(text, "{name} = {}", list(command));
        };
        let cached = |compiler: &[String]| match cache {
            Cache::Program(cache) if self.is_gnu() => [&[cache.to_owned()], compiler].concat(),
            _ => compiler.to_vec(),
        };
        binary("c", &cached(&self.cc));
        binary("cpp", &cached(&self.cxx));
        binary("ar", &self.ar);
        if let Some(strip) = &self.strip {
            binary("strip", std::slice::from_ref(strip));
        }
        binary("pkg-config", &[pkg_config.to_owned()]);
        if let Ok(emulator) = &self.emulator {
            binary("exe_wrapper", emulator);
        }
        let _ = write!(
            text,
            "\n[properties]\nneeds_exe_wrapper = true\npkg_config_libdir = {}\n\n[host_machine]\nsystem = 'linux'\n\
             cpu_family = '{family}'\ncpu = '{cpu}'\nendian = 'little'\n",
            list(&self.pkgconfig())
        );
        text
    }
}

/// qemu's user emulation, with the machine's C library for it to load.
fn emulator(arch: Arch, find: impl Fn(&str) -> Option<PathBuf>, root: &Path) -> Result<Vec<String>, String> {
    let names = [format!("qemu-{}-static", arch.qemu()), format!("qemu-{}", arch.qemu())];
    let Some(qemu) = names.iter().find(|name| find(name).is_some()) else {
        return Err(format!("{} was not found; the Debian package qemu-user-static brings it", names[0]));
    };
    let sysroot = format!("usr/{}", arch.triple());
    if root.join(&sysroot).join("lib").is_dir() {
        return Ok(vec![qemu.clone(), "-L".to_owned(), format!("/{sysroot}")]);
    }
    if root.join("lib").join(arch.multiarch()).is_dir() {
        return Ok(vec![qemu.clone()]);
    }
    let package = format!("libc6-{}-cross", arch.debian());
    Err(format!("there is no C library for {arch} to run with; the Debian package {package} brings it"))
}

fn list(items: &[String]) -> String {
    let items: Vec<_> = items.iter().map(|item| crate::options::python_quote(item)).collect();
    format!("[{}]", items.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(programs: &[&str], arch: Arch) -> Result<Cross> {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(folder.path().join("usr/aarch64-linux-gnu/lib")).unwrap();
        Cross::find(arch, |name| programs.contains(&name).then(|| name.into()), folder.path())
    }

    #[test]
    fn the_gnu_compiler_comes_before_zig() {
        let all = ["zig", "aarch64-linux-gnu-gcc", "qemu-aarch64-static", "qemu-arm-static", "python-zig"];
        let cases = [
            find(&all, Arch::Aarch64).unwrap().describe(),
            find(&all[..1], Arch::Aarch64).unwrap().describe(),
            find(&all[3..], Arch::Armv7l).unwrap().describe(),
        ];
        insta::assert_snapshot!(cases.join("\n"), @r"
        cross built with aarch64-linux-gnu-gcc; its programs run under qemu-aarch64-static
        cross built with zig cc -target aarch64-linux-gnu; its programs do not run here: qemu-aarch64-static was not found; the Debian package qemu-user-static brings it
        cross built with python-zig cc -target arm-linux-gnueabihf; its programs do not run here: there is no C library for armv7l to run with; the Debian package libc6-armhf-cross brings it
        ");
    }

    #[test]
    fn a_cache_is_used_if_it_is_there_and_wanted() {
        let find = |wanted, programs: &'static [&str]| {
            Cache::find(wanted, |name| programs.contains(&name).then(|| name.into()))
        };
        assert_eq!(find(CompilerCache::Auto, &[]), Cache::Absent);
        assert_eq!(find(CompilerCache::Auto, &["ccache"]), Cache::Program("ccache"));
        assert_eq!(find(CompilerCache::Auto, &["ccache", "sccache"]), Cache::Program("sccache"));
        assert_eq!(find(CompilerCache::Off, &["ccache", "sccache"]), Cache::Off);
    }

    #[test]
    fn a_cross_file_names_the_machine_and_its_tools() {
        let cross = find(&["aarch64-linux-gnu-gcc", "qemu-aarch64"], Arch::Aarch64).unwrap();
        insta::assert_snapshot!(cross.meson_file("pkg-config", Cache::Program("ccache")), @r"
        [binaries]
        c = ['ccache', 'aarch64-linux-gnu-gcc']
        cpp = ['ccache', 'aarch64-linux-gnu-g++']
        ar = ['aarch64-linux-gnu-ar']
        strip = ['aarch64-linux-gnu-strip']
        pkg-config = ['pkg-config']
        exe_wrapper = ['qemu-aarch64', '-L', '/usr/aarch64-linux-gnu']

        [properties]
        needs_exe_wrapper = true
        pkg_config_libdir = ['/usr/lib/aarch64-linux-gnu/pkgconfig', '/usr/aarch64-linux-gnu/lib/pkgconfig', '/usr/share/pkgconfig']

        [host_machine]
        system = 'linux'
        cpu_family = 'aarch64'
        cpu = 'aarch64'
        endian = 'little'
        ");
    }
}
