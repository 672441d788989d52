// SPDX-License-Identifier: Apache-2.0
//! Whether this machine can run what a bundle holds.

use artifact::{Arch, ArmFloat, Cpu, Manifest, Requires, SymbolVersion};
use std::fs;
use toolkit::{Program, Tool};

const GETCONF: Tool = Tool { program: "getconf", provided_by: "the Debian package libc-bin" };

/// What a machine has, as far as it can be found out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Machine {
    glibc: Option<SymbolVersion>,
    cpu: Option<Cpu>,
}

/// What keeps this machine from running a bundle, each with both sides; none for bundles of another architecture.
pub fn misfits(manifest: &Manifest) -> Vec<String> {
    match &manifest.requires {
        Some(requires) if Arch::host() == Some(manifest.arch) => Machine::here(manifest.arch).misfits(requires),
        _ => Vec::new(),
    }
}

impl Machine {
    fn here(arch: Arch) -> Self {
        let glibc = GETCONF.find().ok().and_then(|tool| Program::new(tool).arg("GNU_LIBC_VERSION").capture().ok());
        let cpu = match arch {
            Arch::X86_64 => x86(),
            Arch::Aarch64 => Some(Cpu::Aarch64),
            Arch::Armv7l => fs::read_to_string("/proc/cpuinfo").ok().and_then(|text| arm(&text)),
        };
        Self { glibc: glibc.and_then(|text| text.trim().strip_prefix("glibc ")?.parse().ok()), cpu }
    }

    fn misfits(&self, requires: &Requires) -> Vec<String> {
        let mut found = Vec::new();
        if let (Some(has), Some(needs)) = (&self.glibc, &requires.glibc)
            && has < needs
        {
            found.push(format!("it needs glibc {needs}, and this machine has {has}"));
        }
        if let (Some(has), Some(needs)) = (self.cpu, requires.cpu)
            && !has.runs(needs)
        {
            found.push(format!("it needs a processor {needs}, and this machine has {has}"));
        }
        found
    }
}

/// The level of this processor.
#[cfg(target_arch = "x86_64")]
fn x86() -> Option<Cpu> {
    macro_rules! all {
        ($($feature:tt),*) => { $(std::arch::is_x86_feature_detected!($feature))&&* };
    }
    let levels = [
        all!("sse3", "ssse3", "sse4.1", "sse4.2", "popcnt", "cmpxchg16b"),
        all!("avx", "avx2", "bmi1", "bmi2", "f16c", "fma", "lzcnt", "movbe"),
        all!("avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"),
    ];
    let more = levels.iter().take_while(|has| **has).count();
    u8::try_from(more + 1).ok().map(Cpu::X86_64)
}

#[cfg(not(target_arch = "x86_64"))]
fn x86() -> Option<Cpu> {
    None
}

/// The processor of `/proc/cpuinfo`.
fn arm(text: &str) -> Option<Cpu> {
    let value = |name: &str| {
        let line = text.lines().find(|line| line.split(':').next().is_some_and(|key| key.trim() == name))?;
        line.split_once(':').map(|(_, value)| value.trim())
    };
    let version = value("CPU architecture")?.trim_end_matches(|c: char| !c.is_ascii_digit()).parse().ok()?;
    let features: Vec<_> = value("Features")?.split_whitespace().collect();
    let units = [
        ("vfpv4", ArmFloat::V4),
        // The kernel lists the plain name beside it.
        ("vfpv3d16", ArmFloat::V3D16),
        ("vfpv3", ArmFloat::V3),
        ("vfp", ArmFloat::V2),
    ];
    let float = units.iter().find(|(name, _)| features.contains(name)).map_or(ArmFloat::None, |(_, unit)| *unit);
    // A 64-bit processor in its 32-bit mode names its own words.
    let is_newer = version >= 8 && features.iter().any(|feature| ["asimd", "fp"].contains(feature));
    Some(Cpu::Arm {
        version,
        float: if is_newer { ArmFloat::V4 } else { float },
        neon: features.contains(&"neon") || is_newer,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_sides_are_named() {
        let machine = |glibc: &str, cpu: &str| Machine { glibc: glibc.parse().ok(), cpu: cpu.parse().ok() };
        let requires = |glibc: &str, cpu: &str| Requires {
            glibc: glibc.parse().ok(),
            cpu: cpu.parse().ok(),
            ..Requires::default()
        };
        let cases = [
            (machine("2.36", "x86-64-v3"), requires("2.36", "x86-64-v2"), ""),
            (machine("2.31", "x86-64-v3"), requires("2.34", ""), "it needs glibc 2.34, and this machine has 2.31"),
            (machine("", ""), requires("2.34", "x86-64-v4"), ""),
            (machine("2.36", "x86-64"), requires("", ""), ""),
            (
                machine("2.36", "armv7+vfpv3-d16"),
                requires("2.4", "armv7+vfpv3-d16+neon"),
                "it needs a processor armv7+vfpv3-d16+neon, and this machine has armv7+vfpv3-d16",
            ),
        ];
        for (machine, requires, expected) in cases {
            assert_eq!(machine.misfits(&requires).join("; "), expected, "{machine:?} {requires:?}");
        }
    }

    #[test]
    fn this_machine_is_known() {
        let machine = Machine::here(Arch::host().unwrap());
        assert!(machine.cpu.is_some() && machine.glibc >= "2.4".parse().ok(), "{machine:?}");
    }

    #[test]
    fn processors_are_read_as_the_kernel_lists_them() {
        let cpuinfo = |features: &str, architecture: &str| {
            arm(&format!("processor\t: 0\nFeatures\t: {features}\nCPU architecture: {architecture}\n"))
                .map(|cpu| cpu.to_string())
        };
        let cases = [
            ("half thumb fastmult vfp edsp neon vfpv3 tls vfpv4 idiva vfpd32 lpae", "7", "armv7+vfpv4+neon"),
            ("half thumb fastmult vfp edsp vfpv3 vfpv3d16 tls", "7", "armv7+vfpv3-d16"),
            ("swp half thumb fastmult vfp edsp neon vfpv3 tls", "7", "armv7+vfpv3+neon"),
            ("half thumb fastmult vfp edsp java tls", "6TEJ", "armv6+vfpv2"),
            ("fp asimd evtstrm crc32", "8", "armv8+vfpv4+neon"),
        ];
        for (features, architecture, expected) in cases {
            assert_eq!(cpuinfo(features, architecture).as_deref(), Some(expected), "{features}");
        }
        assert_eq!(arm("model name: Intel\n"), None);
    }
}
