// SPDX-License-Identifier: Apache-2.0
//! Public shared libraries: what the loader's cache and other packages need to know of them.

use crate::subject::Subject;
use crate::tree::{InstallTree, SharedLibrary};
use artifact::Arch;
use std::collections::BTreeSet;

/// The libraries with a versioned soname in the loader's default folders.
pub fn public_libraries(tree: &InstallTree, arch: Arch) -> Vec<SharedLibrary<'_>> {
    let folders = default_folders(arch);
    let is_public = |library: &SharedLibrary<'_>| {
        let versioned = library.elf.soname.as_deref().and_then(split_soname).is_some();
        versioned && folders.iter().any(|folder| folder == library.entry.folder())
    };
    tree.shared_libraries().filter(is_public).collect()
}

/// Where the loader looks by itself.
pub fn default_folders(arch: Arch) -> [String; 5] {
    let multiarch = arch.multiarch();
    [
        "lib".to_owned(),
        "usr/lib".to_owned(),
        "usr/local/lib".to_owned(),
        format!("lib/{multiarch}"),
        format!("usr/lib/{multiarch}"),
    ]
}

/// Asks dpkg to refresh the loader's cache when the package comes and goes.
pub fn triggers(libraries: &[SharedLibrary<'_>]) -> &'static str {
    if libraries.is_empty() { "" } else { "activate-noawait ldconfig\n" }
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
