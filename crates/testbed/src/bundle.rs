// SPDX-License-Identifier: Apache-2.0
//! Bundles of a package `hello`, for tests of what publishes and fetches them.

use anyhow::{Context, Result};
use artifact::{Arch, BuildType, BuiltBy, Bundle, FileEntry, FileKind, Manifest, Sha256, Version};
use std::path::Path;

/// A manifest without files: for `x86_64`, release.
pub fn manifest(git_ref: &str, version: &str) -> Result<Manifest> {
    let version: Version = version.parse()?;
    Ok(Manifest {
        schema: Manifest::SCHEMA,
        package: "hello".parse()?,
        debian_version: version.debian(),
        version,
        git_ref: git_ref.parse()?,
        commit: "ebc23b1f00000000000000000000000000000000".parse()?,
        repository: "nubificus/hello".to_owned(),
        arch: Arch::X86_64,
        build_type: BuildType::Release,
        created: "2026-01-02T03:04:05Z".parse()?,
        built_by: BuiltBy {
            vaccel_ci: "0.1.0".to_owned(),
            compiler: "gcc 12.2.0".to_owned(),
            backend: "meson 1.12.1".to_owned(),
            options: Vec::new(),
        },
        run: None,
        tree_sha256: None,
        examples: Vec::new(),
        requires: None,
        files: Vec::new(),
    })
}

/// Writes a bundle with these files, by name and content; names tell their kinds.
pub fn write<N: AsRef<str>, C: AsRef<[u8]>>(
    folder: &Path,
    mut manifest: Manifest,
    files: impl IntoIterator<Item = (N, C)>,
) -> Result<Bundle> {
    std::fs::create_dir_all(folder).with_context(|| format!("could not make {}", folder.display()))?;
    for (name, content) in files {
        let (name, content) = (name.as_ref(), content.as_ref());
        std::fs::write(folder.join(name), content).with_context(|| format!("could not write {name}"))?;
        let (size, sha256) = (content.len() as u64, Sha256::of(content));
        manifest.files.push(FileEntry { name: name.parse()?, kind: kind(name), size, sha256, soname: None });
    }
    manifest.files.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(Bundle::write(folder, &manifest)?)
}

fn kind(name: &str) -> FileKind {
    let extension = Path::new(name).extension().unwrap_or_default();
    match extension.to_str() {
        Some("deb") if name.contains("-dbgsym_") => FileKind::DebugDeb,
        Some("deb") => FileKind::Deb,
        Some("gz") => FileKind::Archive,
        _ => FileKind::Other,
    }
}
