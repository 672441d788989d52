// SPDX-License-Identifier: Apache-2.0
//! Where things are: keys below `<base-path>/<package>/`.

use artifact::{
    Arch, BuildType, FileEntry, INDEX, MANIFEST, Manifest, PackageName, RELEASE, RefName, SHA256SUMS, Sha256, TargetKey,
};
use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

/// The release's signature beside it, for people who verify by hand.
pub(crate) const RELEASE_SIGNATURE: &str = "release.json.minisig";
/// S3's limit of a key, and a common one of file systems for a name.
pub(crate) const LONGEST_KEY: usize = 1024;
pub(crate) const LONGEST_NAME: usize = 255;

/// The part of every key that comes before the package; empty, or `a/b/`. It may know a place for the package that is not
/// its name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BasePath {
    prefix: String,
    place: Option<RemotePath>,
}

/// The place of a package in the store, where that is not its name: `plugins/torch`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RemotePath(String);

/// Not the place of a package.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is not a valid place in the store: names separated by single slashes, such as plugins/torch, without '.', '..', \
     'rev' and 'objects'"
)]
pub struct RemotePathError(String);

impl FromStr for RemotePath {
    type Err = RemotePathError;

    fn from_str(text: &str) -> Result<Self, RemotePathError> {
        let error = || RemotePathError(text.to_owned());
        let BasePath { prefix, .. } = text.parse().map_err(|_| error())?;
        let place = prefix.trim_end_matches('/');
        // Below these names are the packages' own keys.
        if place.is_empty() || place.split('/').any(|part| matches!(part, "rev" | "objects")) {
            return Err(error());
        }
        Ok(Self(place.to_owned()))
    }
}

impl fmt::Display for RemotePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Not a base path.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a base path: names separated by single slashes, without '.' and '..'")]
pub struct BasePathError(String);

impl FromStr for BasePath {
    type Err = BasePathError;

    fn from_str(text: &str) -> Result<Self, BasePathError> {
        let trimmed = text.trim_matches('/');
        if trimmed.is_empty() {
            return Ok(Self::default());
        }
        let valid = |part: &str| !part.is_empty() && part != "." && part != ".." && !part.chars().any(char::is_control);
        if trimmed.split('/').all(valid) {
            Ok(Self { prefix: format!("{trimmed}/"), place: None })
        } else {
            Err(BasePathError(text.to_owned()))
        }
    }
}

impl fmt::Display for BasePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.prefix)
    }
}

impl BasePath {
    /// The same with a place for the package that is not its name.
    #[must_use]
    pub fn with_place(self, place: Option<RemotePath>) -> Self {
        Self { place, ..self }
    }

    /// Without slashes around it, and with the place of the package if that is not its name: as documents
    /// have it.
    pub fn name(&self) -> String {
        let place = self.place.as_ref().map(|place| place.0.as_str()).unwrap_or_default();
        format!("{}{place}", self.prefix).trim_end_matches('/').to_owned()
    }

    /// Below which everything of a package is.
    pub fn package(&self, package: &PackageName) -> String {
        match &self.place {
            Some(place) => format!("{self}{place}/"),
            None => format!("{self}{package}/"),
        }
    }

    /// Below which the refs of a package are.
    pub(crate) fn refs(&self, package: &PackageName) -> String {
        format!("{}rev/", self.package(package))
    }

    /// What exists of a package.
    pub(crate) fn index(&self, package: &PackageName) -> String {
        self.package(package) + INDEX
    }

    /// Below which content is, by digest.
    pub(crate) fn objects(&self, package: &PackageName) -> String {
        self.package(package) + "objects/"
    }

    /// Below which signatures are, by the digest of what is signed.
    pub(crate) fn signatures(&self, package: &PackageName) -> String {
        self.package(package) + "signatures/"
    }

    /// Below which publishers say that they are about to commit.
    pub(crate) fn claims(&self, package: &PackageName) -> String {
        self.package(package) + "claims/"
    }

    /// An object that shows whether the store honours conditional writes.
    pub(crate) fn probe(&self, package: &PackageName) -> String {
        self.package(package) + "conditional-write-probe"
    }
}

/// The place of one ref of a package.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefPlace {
    /// What comes before the package.
    pub base: BasePath,
    /// The package.
    pub package: PackageName,
    /// The branch or release tag.
    pub git_ref: RefName,
}

impl RefPlace {
    /// The common beginning of its keys, with the last slash.
    pub fn prefix(&self) -> String {
        format!("{}{}/", self.base.refs(&self.package), self.git_ref)
    }

    /// The commit point.
    pub fn release(&self) -> String {
        self.prefix() + RELEASE
    }

    /// Its signature, for people.
    pub(crate) fn release_signature(&self) -> String {
        self.prefix() + RELEASE_SIGNATURE
    }

    /// Where a branch keeps a release that was replaced: its content outlives it by the grace period.
    pub(crate) fn retired(&self) -> String {
        self.prefix() + "retired/"
    }

    /// The place of a target.
    pub fn target(&self, target: TargetKey) -> Location {
        let Self { base, package, git_ref } = self.clone();
        Location { base, package, git_ref, arch: target.arch, build_type: target.build_type }
    }

    /// The ref whose release has this key; `None` if it is the key of no release.
    pub(crate) fn parse(base: &BasePath, package: &PackageName, key: &str) -> Option<Self> {
        let git_ref = key.strip_prefix(&base.refs(package))?.strip_suffix(RELEASE)?.strip_suffix('/')?;
        Some(Self { base: base.clone(), package: package.clone(), git_ref: git_ref.parse().ok()? })
    }
}

/// The place of one bundle: a target of a ref of a package.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Location {
    /// What comes before the package.
    pub base: BasePath,
    /// The package.
    pub package: PackageName,
    /// The branch or release tag.
    pub git_ref: RefName,
    /// The architecture.
    pub arch: Arch,
    /// The build type.
    pub build_type: BuildType,
}

impl Location {
    /// The place that a manifest belongs to.
    pub fn of(base: BasePath, manifest: &Manifest) -> Self {
        Self {
            base,
            package: manifest.package.clone(),
            git_ref: manifest.git_ref.clone(),
            arch: manifest.arch,
            build_type: manifest.build_type,
        }
    }

    /// The place whose manifest has this key; `None` if it is the key of no manifest.
    pub fn parse(base: &BasePath, package: &PackageName, key: &str) -> Option<Self> {
        // A branch may hold slashes, so the end is what counts.
        let folder = key.strip_prefix(&base.refs(package))?.strip_suffix(MANIFEST)?.strip_suffix('/')?;
        let (rest, build_type) = folder.rsplit_once('/')?;
        let (git_ref, arch) = rest.rsplit_once('/')?;
        Some(Self {
            base: base.clone(),
            package: package.clone(),
            git_ref: git_ref.parse().ok()?,
            arch: arch.parse().ok()?,
            build_type: build_type.parse().ok()?,
        })
    }

    /// Its ref.
    pub fn place(&self) -> RefPlace {
        RefPlace { base: self.base.clone(), package: self.package.clone(), git_ref: self.git_ref.clone() }
    }

    /// Its architecture and build type.
    pub fn target(&self) -> TargetKey {
        TargetKey { arch: self.arch, build_type: self.build_type }
    }

    /// The common beginning of its keys, with the last slash.
    pub fn prefix(&self) -> String {
        format!("{}{}/{}/{}/", self.base.refs(&self.package), self.git_ref, self.arch, self.build_type)
    }

    /// The manifest under its plain name.
    pub fn manifest(&self) -> String {
        self.prefix() + MANIFEST
    }

    /// The digest list.
    pub fn sums(&self) -> String {
        self.prefix() + SHA256SUMS
    }

    /// The object of a manifest.
    pub fn manifest_object(&self, digest: Sha256) -> String {
        format!("{}{digest}/{MANIFEST}", self.base.objects(&self.package))
    }

    /// The object of a file: named by its digest, so that a reader of an older manifest still finds the
    /// older bytes, and two publishers never write different bytes to one place.
    pub fn object(&self, file: &FileEntry) -> String {
        format!("{}{}/{}", self.base.objects(&self.package), file.sha256, file.name)
    }

    /// A key directly in the folder: plain names, for readers that know no manifest.
    pub fn named(&self, name: &str) -> String {
        self.prefix() + name
    }
}

/// A name that does not go through a manifest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Alias {
    pub from: String,
    pub to: String,
    pub sha256: Sha256,
    pub size: u64,
}

/// The plain names of a bundle's files; on a branch, if asked for, also those with `latest` instead of
/// the version, unless another file has that name.
pub(crate) fn aliases(location: &Location, manifest: &Manifest, plain: bool, latest: bool) -> Vec<Alias> {
    let mut taken: BTreeSet<String> = manifest.files.iter().map(|file| location.named(file.name.as_str())).collect();
    let mut aliases = Vec::new();
    for file in &manifest.files {
        let alias = |to| Alias { from: location.object(file), to, sha256: file.sha256, size: file.size };
        if plain {
            aliases.push(alias(location.named(file.name.as_str())));
        }
        let name = manifest.latest_name(&file.name).filter(|_| latest && !manifest.git_ref.is_release());
        if let Some(to) = name.map(|name| location.named(name.as_str()))
            && taken.insert(to.clone())
        {
            aliases.push(alias(to));
        }
    }
    aliases
}

/// The names below `rev/latest`, of the highest release: with `latest` instead of the version.
pub(crate) fn latest_release(location: &Location, manifest: &Manifest) -> Vec<Alias> {
    let folder = format!("{}latest/{}/", location.base.refs(&location.package), location.target());
    let alias = |file: &FileEntry| {
        let name = manifest.latest_name(&file.name).unwrap_or_else(|| file.name.clone());
        Alias { from: location.object(file), to: format!("{folder}{name}"), sha256: file.sha256, size: file.size }
    };
    manifest.files.iter().map(alias).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn location(git_ref: &str) -> Location {
        Location {
            base: "artifacts".parse().unwrap(),
            package: "vaccel".parse().unwrap(),
            git_ref: git_ref.parse().unwrap(),
            arch: Arch::X86_64,
            build_type: BuildType::Release,
        }
    }

    #[test]
    fn keys_keep_the_shape_that_consumers_know() {
        let file = FileEntry {
            name: "vaccel_0.7.1-1_amd64.deb".parse().unwrap(),
            kind: artifact::FileKind::Deb,
            size: 1,
            sha256: artifact::Sha256::of(b"x"),
            soname: None,
        };
        let digest = file.sha256;
        let cases = [
            (location("v0.7.1").object(&file), format!("artifacts/vaccel/objects/{digest}/vaccel_0.7.1-1_amd64.deb")),
            (location("feat/x").object(&file), format!("artifacts/vaccel/objects/{digest}/vaccel_0.7.1-1_amd64.deb")),
            (
                location("v0.7.1").named("vaccel_0.7.1-1_amd64.deb"),
                "artifacts/vaccel/rev/v0.7.1/x86_64/release/vaccel_0.7.1-1_amd64.deb".to_owned(),
            ),
            (location("main").manifest(), "artifacts/vaccel/rev/main/x86_64/release/manifest.json".to_owned()),
            (location("feat/x").place().release(), "artifacts/vaccel/rev/feat/x/release.json".to_owned()),
            (location("main").base.index(&location("main").package), "artifacts/vaccel/index.json".to_owned()),
            (
                location("v0.3.0+vaccel.0.8.0").sums(),
                "artifacts/vaccel/rev/v0.3.0+vaccel.0.8.0/x86_64/release/SHA256SUMS".to_owned(),
            ),
        ];
        for (key, expected) in cases {
            assert_eq!(key, expected);
        }
    }

    #[test]
    fn base_paths_stay_inside() {
        for (text, expected) in [("", ""), ("/", ""), ("a", "a/"), ("/a/b/", "a/b/")] {
            assert_eq!(text.parse::<BasePath>().unwrap().to_string(), expected);
        }
        for text in ["..", "a/../b", "a//b", "./a", "a\nb"] {
            assert!(text.parse::<BasePath>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_package_may_have_a_place_that_is_not_its_name() {
        let place = |text: &str| text.parse::<RemotePath>();
        let at = |text: &str| {
            let base = BasePath::from_str("artifacts").unwrap().with_place(Some(place(text).unwrap()));
            Location { base, ..location("v0.7.1") }
        };
        assert_eq!(at("/plugins/torch/").manifest(), "artifacts/plugins/torch/rev/v0.7.1/x86_64/release/manifest.json");
        let python = at("python");
        assert_eq!(python.sums(), "artifacts/python/rev/v0.7.1/x86_64/release/SHA256SUMS");
        assert_eq!(Location::parse(&python.base, &python.package, &python.manifest()), Some(python.clone()));
        assert_eq!(Location::parse(&python.base, &python.package, &location("v0.7.1").manifest()), None);
        for text in ["", "/", "..", "a//b", "a/../b", "rev", "a/rev/b", "objects/x"] {
            assert!(place(text).is_err(), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn a_place_comes_back_from_its_manifest(base in "(/?[a-z+%ü -]{1,6}){0,2}", name in "[a-z0-9+%/.üΩ-]{1,16}", arch in 0..3usize) {
            if let (Ok(base), Ok(git_ref)) = (base.parse::<BasePath>(), name.parse::<RefName>()) {
                let place = Location { base, git_ref, arch: Arch::ALL[arch], ..location("main") };
                prop_assert_eq!(Location::parse(&place.base, &place.package, &place.manifest()), Some(place.clone()));
                prop_assert_eq!(Location::parse(&place.base, &place.package, &place.sums()), None);
                let whole = place.place();
                prop_assert_eq!(RefPlace::parse(&place.base, &place.package, &whole.release()), Some(whole));
            }
        }

        #[test]
        fn two_refs_never_share_a_manifest(a in "[a-z0-9+%/.ü-]{1,12}", b in "[a-z0-9+%/.ü-]{1,12}") {
            if let (Ok(first), Ok(second)) = (a.parse::<RefName>(), b.parse::<RefName>()) {
                let keys = [first, second].map(|git_ref| Location { git_ref, ..location("main") }.manifest());
                prop_assert_eq!(a == b, keys[0] == keys[1]);
            }
        }
    }
}
