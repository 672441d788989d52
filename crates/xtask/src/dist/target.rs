// SPDX-License-Identifier: Apache-2.0
//! What executables are built for, and what each kind of machine asks of them.

use artifact::Arch;

/// The oldest glibc that the armv7l executables start on, Debian 10's; major and minor number.
pub const GLIBC_FLOOR: (u32, u32) = (2, 28);

/// What one architecture's executables are built for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Target {
    /// The architecture.
    pub arch: Arch,
    /// Rust's name.
    pub triple: &'static str,
    /// Whether the executables bring their C library; otherwise they use the machine's glibc.
    pub is_static: bool,
}

impl Target {
    /// The target of an architecture.
    pub fn of(arch: Arch) -> Self {
        match arch {
            Arch::X86_64 => Self { arch, triple: "x86_64-unknown-linux-musl", is_static: true },
            Arch::Aarch64 => Self { arch, triple: "aarch64-unknown-linux-musl", is_static: true },
            Arch::Armv7l => Self { arch, triple: "armv7-unknown-linux-gnueabihf", is_static: false },
        }
    }

    /// Flags for Rust: what makes executables small and costs nothing.
    pub fn rustflags(&self) -> &'static [&'static str] {
        match self.arch {
            // A panic ends the executable; nobody unwinds. What comes again and again in the code
            // becomes a function, as for the others by default.
            Arch::X86_64 => &["-Cforce-unwind-tables=no", "-Cllvm-args=-enable-machine-outliner=always"],
            Arch::Aarch64 => &["-Cforce-unwind-tables=no"],
            // Thumb instructions are a third smaller.
            Arch::Armv7l => &["-Ctarget-feature=+thumb-mode"],
        }
    }

    /// Flags for the C code of dependencies, likewise.
    pub fn cflags(&self) -> String {
        let own = if self.is_static { "-fno-unwind-tables -fno-asynchronous-unwind-tables" } else { "-mthumb" };
        // What zstd does at levels other than ours, which is the one of Debian's packages.
        let unused = ["DFAST", "GREEDY", "LAZY", "LAZY2", "BTLAZY2"];
        unused.iter().fold(own.to_owned(), |flags, name| flags + " -DZSTD_EXCLUDE_" + name + "_BLOCK_COMPRESSOR")
    }

    /// cargo-zigbuild's name, which has the version of glibc at its end.
    pub fn zigbuild(&self) -> String {
        let (major, minor) = GLIBC_FLOOR;
        if self.is_static { self.triple.to_owned() } else { format!("{}.{major}.{minor}", self.triple) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_architecture_has_its_target() {
        let names: Vec<_> = Arch::ALL.into_iter().map(|arch| Target::of(arch).zigbuild()).collect();
        assert_eq!(
            names,
            ["x86_64-unknown-linux-musl", "aarch64-unknown-linux-musl", "armv7-unknown-linux-gnueabihf.2.28"]
        );
    }
}
