// SPDX-License-Identifier: Apache-2.0
//! What the tree requires of the machine that gets the package, and whether that is too much.

use crate::deb::Needs;
use crate::tree::InstallTree;
use artifact::{Cpu, Requires, SymbolVersion};
use toolkit::Failure;

/// How many files are named.
const SHOWN: usize = 10;

/// What the files may require.
#[derive(Clone, Debug, Default)]
pub struct Limits {
    /// The newest C library.
    pub glibc: Option<SymbolVersion>,
    /// The best processor.
    pub cpu: Option<Cpu>,
}

/// What all files together require.
pub fn of(tree: &InstallTree) -> Requires {
    let libraries = Needs::of(tree).users.keys().map(|name| (*name).to_owned()).collect();
    let mut requires = Requires { libraries, ..Requires::default() };
    for (_, elf) in tree.elf_files() {
        requires.add(&elf.requires);
    }
    requires
}

/// The error for files that require more than is allowed; `None` if there are none.
pub fn exceeding(tree: &InstallTree, limits: &Limits) -> Option<Failure> {
    let mut found = Vec::new();
    for (entry, elf) in tree.elf_files() {
        let path = &entry.path;
        if let (Some(needs), Some(limit)) = (&elf.requires.glibc, &limits.glibc)
            && needs > limit
        {
            found.push(format!("{path} needs glibc {needs}, and max-glibc is {limit}"));
        }
        if let (Some(needs), Some(limit)) = (elf.requires.cpu, limits.cpu)
            && !limit.runs(needs)
        {
            found.push(format!("{path} needs a processor {needs}, and max-cpu is {limit}"));
        }
    }
    let more = found.len().checked_sub(SHOWN).filter(|more| *more > 0);
    let more = more.map_or_else(String::new, |more| format!("\n  and {more} more"));
    let shown: Vec<_> = found.iter().take(SHOWN).map(|line| format!("\n  {line}")).collect();
    (!found.is_empty()).then(|| {
        Failure::work(format!("the install tree needs newer machines than allowed:{}{more}", shown.concat()))
            .help("build on an older system or for an older processor (-march), or allow more")
    })
}
