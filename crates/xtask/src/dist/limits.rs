// SPDX-License-Identifier: Apache-2.0
//! How large executables may be: every checkout of a caller brings all of them.

use anyhow::{Result, bail};
use artifact::{Arch, DistRecord, Executable};
use std::collections::BTreeMap;

const KIB: u64 = 1024;
/// An action that does not speak to the network.
const PLAIN: u64 = 1536 * KIB;
/// An action that does: TLS and HTTP come with it.
const NETWORK: u64 = 5 * KIB * KIB;
/// All actions of one architecture.
const ARCH: u64 = 12 * KIB * KIB;

/// The actions that speak to the network.
const SPEAKS_TO_NETWORK: [&str; 4] = ["upload", "fetch", "store", "report"];

/// The most bytes that an action may have.
pub fn of(action: &str) -> u64 {
    if SPEAKS_TO_NETWORK.contains(&action) { NETWORK } else { PLAIN }
}

/// Refuses executables that are too large, all in one message.
///
/// An executable that several actions share may have what each of them may have, together; TLS and
/// HTTP, though, it has but once.
pub fn check(record: &DistRecord) -> Result<()> {
    let same = |a: &&Executable, b: &&Executable| (a.arch, a.sha256) == (b.arch, b.sha256);
    let mut groups: Vec<Vec<&Executable>> = Vec::new();
    for executable in &record.executables {
        match groups.iter_mut().find(|group| group.first().is_some_and(|first| same(first, &executable))) {
            Some(group) => group.push(executable),
            None => groups.push(vec![executable]),
        }
    }
    let mut wrong = Vec::new();
    for group in groups {
        let limits = group.iter().map(|executable| of(&executable.action));
        let limit = limits.clone().max().filter(|most| *most == NETWORK).unwrap_or_else(|| limits.sum());
        let Some(&&Executable { arch, size, .. }) = group.first() else { continue };
        if size > limit {
            let names: Vec<_> = group.iter().map(|executable| format!("vaccel-{}", executable.action)).collect();
            let verb = if names.len() == 1 { "has" } else { "share" };
            let (size, limit) = (mebi(size), mebi(limit));
            wrong.push(format!("{} for {arch} {verb} {size}, of at most {limit}", names.join(" and ")));
        }
    }
    for arch in Arch::ALL {
        let sum = total(record, arch);
        if sum > ARCH {
            wrong.push(format!("the executables for {arch} have {}, of at most {} in all", mebi(sum), mebi(ARCH)));
        }
    }
    if wrong.is_empty() { Ok(()) } else { bail!("too large: {}", wrong.join("; ")) }
}

/// The bytes of all executables of an architecture; what several actions share counts once.
pub fn total(record: &DistRecord, arch: Arch) -> u64 {
    let of_arch = record.executables.iter().filter(|executable| executable.arch == arch);
    of_arch.map(|executable| (executable.sha256, executable.size)).collect::<BTreeMap<_, _>>().values().sum()
}

fn mebi(bytes: u64) -> String {
    // In hundredths, up: a size just above a limit must not read like the limit.
    let hundredths = (bytes * 100).div_ceil(KIB * KIB);
    format!("{}.{:02} MiB", hundredths / 100, hundredths % 100)
}

#[cfg(test)]
mod tests {
    use super::*;
    use artifact::Sha256;

    /// Action, architecture and size.
    type Row = (&'static str, Arch, u64);

    fn message(executables: &[Row]) -> String {
        let executable = |&(action, arch, size): &Row| {
            // What has the same number behind a star is one executable.
            let (action, number) = action.split_once('*').unwrap_or((action, action));
            let sha256 = Sha256::of(number.as_bytes());
            Executable { action: action.to_owned(), arch, size, sha256 }
        };
        let record = DistRecord {
            schema: DistRecord::SCHEMA,
            version: "0.1.0".into(),
            commit: None,
            rustc: String::new(),
            zig: String::new(),
            cargo_zigbuild: String::new(),
            lock: Sha256::of(b""),
            executables: executables.iter().map(executable).collect(),
        };
        check(&record).map_or_else(|error| error.to_string(), |()| "fine".to_owned())
    }

    #[test]
    fn every_limit_holds() {
        use Arch::{Aarch64, X86_64};
        let cases: [(&str, &[Row], &str); 8] = [
            ("at the limits", &[("plan", X86_64, PLAIN), ("upload", X86_64, NETWORK)], "fine"),
            (
                "above that of an action without network",
                &[("plan", X86_64, PLAIN + 1)],
                "too large: vaccel-plan for x86_64 has 1.51 MiB, of at most 1.50 MiB",
            ),
            (
                "above that of an action with network",
                &[("fetch", Aarch64, NETWORK + KIB * KIB)],
                "too large: vaccel-fetch for aarch64 has 6.00 MiB, of at most 5.00 MiB",
            ),
            (
                "in all, of one architecture",
                &[
                    ("upload", X86_64, NETWORK),
                    ("fetch", X86_64, NETWORK),
                    ("report", X86_64, NETWORK),
                    ("plan", Aarch64, PLAIN),
                ],
                "too large: the executables for x86_64 have 15.00 MiB, of at most 12.00 MiB in all",
            ),
            (
                "what is shared counts once",
                &[("upload*1", X86_64, NETWORK), ("fetch*1", X86_64, NETWORK), ("report", X86_64, NETWORK)],
                "fine",
            ),
            (
                "above that of all that share it",
                &[("lint*1", X86_64, 2 * PLAIN + 1), ("build*1", X86_64, 2 * PLAIN + 1)],
                "too large: vaccel-lint and vaccel-build for x86_64 share 3.01 MiB, of at most 3.00 MiB",
            ),
            (
                "TLS is there once",
                &[("upload*1", X86_64, NETWORK + 1), ("fetch*1", X86_64, NETWORK + 1)],
                "too large: vaccel-upload and vaccel-fetch for x86_64 share 5.01 MiB, of at most 5.00 MiB",
            ),
            (
                "several at once",
                &[("plan", X86_64, 2 * PLAIN), ("build", X86_64, 2 * PLAIN)],
                "too large: vaccel-plan for x86_64 has 3.00 MiB, of at most 1.50 MiB; \
                 vaccel-build for x86_64 has 3.00 MiB, of at most 1.50 MiB",
            ),
        ];
        for (name, executables, expected) in cases {
            assert_eq!(message(executables), expected, "{name}");
        }
    }
}
