// SPDX-License-Identifier: Apache-2.0
//! Public shared libraries: what the loader's cache and other packages need to know of them.

use crate::subject::Subject;
use crate::tree::{InstallTree, SharedLibrary, loader};
use artifact::Arch;
use std::collections::BTreeSet;
use std::io;

/// The libraries with a versioned soname in the loader's default folders.
pub fn public_libraries(tree: &InstallTree, arch: Arch) -> Vec<SharedLibrary<'_>> {
    let folders = loader::default_folders(arch);
    let is_public = |library: &SharedLibrary<'_>| {
        let versioned = library.elf.soname.as_deref().and_then(split_soname).is_some();
        versioned && folders.iter().any(|folder| folder == library.entry.folder())
    };
    tree.shared_libraries().filter(is_public).collect()
}

/// Asks dpkg to refresh the loader's cache when the package comes and goes: for public libraries, and for whatever lies
/// where only the cache knows of it.
pub fn triggers(tree: &InstallTree, arch: Arch) -> io::Result<&'static str> {
    let mut cached: Vec<String> =
        loader::default_folders(arch).into_iter().filter(|folder| folder.starts_with("usr/local/")).collect();
    cached.extend(loader::configured_folders(tree)?);
    let is_cached = |library: SharedLibrary<'_>| cached.iter().any(|folder| folder == library.entry.folder());
    let is_needed = !public_libraries(tree, arch).is_empty() || tree.shared_libraries().any(is_cached);
    Ok(if is_needed { "activate-noawait ldconfig\n" } else { "" })
}

/// Tells the packagers of programs that use the libraries what to depend on.
pub fn shlibs(libraries: &[SharedLibrary<'_>], subject: &Subject) -> String {
    // dpkg compares without the revision, so that a rebuild satisfies as well.
    let version = subject.version.debian();
    let version = version.rsplit_once('-').map_or(version.as_str(), |(upstream, _)| upstream);
    let lines: BTreeSet<String> = libraries
        .iter()
        .filter_map(|library| split_soname(library.elf.soname.as_deref()?))
        .map(|(name, number)| format!("{name} {number} {} (>= {version})\n", subject.package))
        .collect();
    lines.into_iter().collect()
}

/// `libx.so.1` is `libx` and `1`; `libx-2.0.so` is `libx` and `2.0`; others have no version.
pub fn split_soname(soname: &str) -> Option<(&str, &str)> {
    if let Some((name, number)) = soname.split_once(".so.") {
        return (!name.is_empty() && !number.is_empty()).then_some((name, number));
    }
    let (name, number) = soname.strip_suffix(".so")?.rsplit_once('-')?;
    number.starts_with(|c: char| c.is_ascii_digit()).then_some((name, number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sonames_are_split_as_dpkg_does() {
        let cases = [
            ("libvaccel-hello.so.0", Some(("libvaccel-hello", "0"))),
            ("libstdc++.so.6", Some(("libstdc++", "6"))),
            ("libx.so.1.2", Some(("libx", "1.2"))),
            ("libdb-5.3.so", Some(("libdb", "5.3"))),
            ("libvaccel-noop.so", None),
            ("libx.so", None),
            (".so.1", None),
        ];
        for (soname, expected) in cases {
            assert_eq!(split_soname(soname), expected, "{soname}");
        }
    }
}
