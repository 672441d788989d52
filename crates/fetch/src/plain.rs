// SPDX-License-Identifier: Apache-2.0
//! Bundles without a manifest, as the shell-based system published them: only files, of several
//! versions, some of them once more under a name with `latest`.

use crate::choice::{Offer, Wanted};
use crate::compression::Compression;
use crate::request::Which;
use crate::resolve::Resolver;
use artifact::{Arch, FileKind, FileName};
use registry::{BasePath, FetchedFile, Location, Published, RegistryError, Store, UnverifiedFile};
use std::collections::BTreeMap;
use std::path::Path;
use toolkit::{Result, Runner, human};

/// What marks the newest files of a branch.
const LATEST: &str = "latest";

/// The files of a place that has no manifest.
pub struct PlainBundle {
    /// Where they are.
    pub location: Location,
    files: Vec<UnverifiedFile>,
}

impl PlainBundle {
    /// The best place that the candidates lead to, among those that have files.
    pub async fn find(
        resolver: &Resolver<'_>,
        base: &BasePath,
        package: &artifact::PackageName,
        candidates: &[Which],
        published: &[Published],
    ) -> Result<Option<Self>> {
        for candidate in candidates {
            for git_ref in refs(candidate, published) {
                for build_type in resolver.build_types {
                    let target = (resolver.arch, *build_type);
                    if !published.iter().any(|entry| entry.git_ref == git_ref && entry.targets.contains(&target)) {
                        continue;
                    }
                    let (base, package, git_ref) = (base.clone(), package.clone(), git_ref.clone());
                    let location = Location { base, package, git_ref, arch: resolver.arch, build_type: *build_type };
                    let files = registry::unverified_files(resolver.store, &location).await;
                    let files = files.map_err(RegistryError::into_failure)?;
                    if !files.is_empty() {
                        return Ok(Some(Self { location, files }));
                    }
                }
            }
        }
        Ok(None)
    }

    /// The files as they can be chosen; without `patterns` only the newest, if they are marked.
    pub fn offers(&self, patterns: bool) -> Vec<Offer> {
        let is_latest = |file: &&UnverifiedFile| file.name.as_str().contains(LATEST);
        let marked = !patterns && self.files.iter().any(|file| is_latest(&file));
        let offers = self.files.iter().filter(|file| !marked || is_latest(file));
        offers.map(|file| offer(file, self.location.arch)).collect()
    }

    /// Says what nobody can check.
    pub fn warn(&self, runner: &Runner) {
        runner.warning(&format!(
            "{} has no manifest: neither the version and the commit nor the digests of its files can be verified; publish it \
             again with `upload`",
            self.location.prefix()
        ));
    }

    /// Fetches these files, one by one.
    pub async fn fetch(
        &self,
        store: &Store,
        wanted: &[Wanted],
        folder: &Path,
        runner: &Runner,
    ) -> Result<Vec<FetchedFile>, RegistryError> {
        let files: BTreeMap<&FileName, &UnverifiedFile> = self.files.iter().map(|file| (&file.name, file)).collect();
        let mut fetched = Vec::new();
        for file in wanted.iter().filter_map(|wanted| files.get(&wanted.name)) {
            let kind = kind(file.name.as_str(), self.location.arch);
            fetched.push(registry::fetch_unverified(store, &self.location, file, kind, folder).await?);
            runner.info(&format!("fetched: {} ({})", file.name, human::bytes(file.size)));
        }
        Ok(fetched)
    }
}

/// The refs that a candidate stands for, the best first.
fn refs(candidate: &Which, published: &[Published]) -> Vec<artifact::RefName> {
    match candidate {
        Which::Auto => Vec::new(),
        Which::Ref(name) => vec![name.clone()],
        Which::Version(requirement) => {
            let releases = published.iter().filter_map(|entry| Some((entry.git_ref.release()?, entry.git_ref.clone())));
            let mut releases: BTreeMap<_, _> = releases.collect();
            let versions = requirement.select(releases.keys().cloned());
            versions.iter().filter_map(|version| releases.remove(version)).collect()
        }
    }
}

fn offer(file: &UnverifiedFile, arch: Arch) -> Offer {
    Offer { name: file.name.clone(), latest: None, kind: kind(file.name.as_str(), arch), size: file.size }
}

/// What a file is, by its name: `vaccel-dbgsym_latest_amd64.deb`, `vaccel_latest_x86_64.tar.gz`. An archive without the
/// architecture in its name holds sources.
fn kind(name: &str, arch: Arch) -> FileKind {
    let extension = Path::new(name).extension().and_then(|extension| extension.to_str());
    match extension {
        Some("deb" | "ddeb") if name.contains("-dbgsym_") => FileKind::DebugDeb,
        Some("deb") => FileKind::Deb,
        Some("whl") => FileKind::Wheel,
        _ if name.contains(".so.") || extension == Some("so") => FileKind::SharedLibrary,
        _ if Compression::of(name).is_none() => FileKind::Other,
        _ if [arch.as_str(), arch.debian()].iter().any(|arch| name.contains(arch)) => FileKind::Archive,
        _ => FileKind::Source,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_known_by_their_names() {
        let cases = [
            ("vaccel_latest_amd64.deb", FileKind::Deb),
            ("vaccel-dbgsym_0.6.0-93-ebc23b1f-1_amd64.deb", FileKind::DebugDeb),
            ("vaccel_latest_x86_64.tar.gz", FileKind::Archive),
            ("vaccel_0.6.0-amd64.tar.xz", FileKind::Archive),
            ("vaccel-0.6.0.tar.xz", FileKind::Source),
            ("vaccel-0.6.0.tar.xz.sha256sum", FileKind::Other),
            ("libvaccel.so.0.6.0", FileKind::SharedLibrary),
            ("libvaccel-noop.so", FileKind::SharedLibrary),
            ("vaccel-0.1.0-py3-none-any.whl", FileKind::Wheel),
            ("README", FileKind::Other),
        ];
        for (name, expected) in cases {
            assert_eq!(kind(name, Arch::X86_64), expected, "{name}");
        }
    }
}
