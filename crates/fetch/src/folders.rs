// SPDX-License-Identifier: Apache-2.0
//! Where an installed package has its libraries and pkg-config files.

use artifact::Arch;
use std::path::Path;

/// Folders of libraries, below the root.
pub fn libraries(arch: Arch) -> Vec<String> {
    [format!("lib/{}", arch.multiarch()), "lib".to_owned(), "lib64".to_owned()]
        .iter()
        .flat_map(|folder| ["usr/", "usr/local/"].map(|prefix| format!("{prefix}{folder}")))
        .collect()
}

/// Folders of pkg-config files, below the root.
pub fn pkg_config(arch: Arch) -> Vec<String> {
    let shared = ["usr/share/pkgconfig".to_owned(), "usr/local/share/pkgconfig".to_owned()];
    libraries(arch).into_iter().map(|folder| format!("{folder}/pkgconfig")).chain(shared).collect()
}

/// Those that exist, joined by colons and absolute; `None` if there are none.
pub fn existing(root: &Path, folders: &[String]) -> Option<String> {
    let found = folders.iter().map(|folder| root.join(folder)).filter(|path| path.is_dir());
    let found: Vec<_> = found.filter_map(|path| Some(path.canonicalize().ok()?.display().to_string())).collect();
    (!found.is_empty()).then(|| found.join(":"))
}
