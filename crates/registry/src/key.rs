// SPDX-License-Identifier: Apache-2.0
//! Where things are: keys below `<base-path>/<package>/rev/`.

use artifact::{Arch, BuildType, FileEntry, FileName, MANIFEST, Manifest, PackageName, RefName, SHA256SUMS, Sha256};
use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

/// The manifest's signature beside it, for people who verify by hand.
pub(crate) const MANIFEST_SIGNATURE: &str = "manifest.json.minisig";

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

    /// Below which every release is named by target. No ref begins with a dot, and these come
    /// before all refs in a listing.
    pub(crate) fn index(&self, package: &PackageName) -> String {
        format!("{}.targets/", self.refs(package))
    }

    /// Below which the releases with a bundle for a target are named.
    pub(crate) fn index_of(&self, package: &PackageName, arch: Arch, build_type: BuildType) -> String {
        format!("{}{arch}/{build_type}/", self.index(package))
    }

    /// An object that tells whether the store honours conditional writes.
    pub(crate) fn probe(&self, package: &PackageName) -> String {
        format!("{}conditional-write-probe", self.package(package))
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

    /// The common beginning of its keys, with the last slash.
    pub fn prefix(&self) -> String {
        format!("{}{}/{}/{}/", self.base.refs(&self.package), self.git_ref, self.arch, self.build_type)
    }

    /// The commit point.
    pub fn manifest(&self) -> String {
        self.prefix() + MANIFEST
    }

    /// The digest list.
    pub fn sums(&self) -> String {
        self.prefix() + SHA256SUMS
    }

    /// The object that names this release among those of its target: of ten thousand releases,
    /// the ones with a bundle for a target are found without asking for each.
    pub(crate) fn marker(&self) -> String {
        format!("{}{}", self.base.index_of(&self.package, self.arch, self.build_type), self.git_ref)
    }

    /// Below which a branch keeps the objects of its manifests.
    pub(crate) fn objects(&self) -> String {
        self.prefix() + "objects/"
    }

    /// Where a branch keeps a manifest that was replaced.
    pub(crate) fn retired(&self, digest: Sha256) -> String {
        format!("{}retired/{digest}.json", self.prefix())
    }

    /// The signature of the manifest with this digest. It is there before the manifest is, and
    /// that of the manifest before stays as long as somebody may read it.
    pub(crate) fn signature(&self, digest: Sha256) -> String {
        format!("{}signatures/{digest}.minisig", self.prefix())
    }

    /// What a key of the folder is.
    ///
    /// The whole shape is checked: a branch can be called `main/x86_64/release/objects`, and then
    /// its keys lie below these of `main`.
    pub(crate) fn place(&self, key: &str) -> Place {
        let Some(rest) = key.strip_prefix(&self.prefix()) else { return Place::Foreign };
        let is_digest = |text: &str| text.parse::<Sha256>().is_ok();
        match *rest.split('/').collect::<Vec<_>>() {
            [name] if name.parse::<FileName>().is_ok() => Place::Named,
            ["objects", digest, name] if is_digest(digest) && name.parse::<FileName>().is_ok() => Place::Object,
            ["retired", name] if name.strip_suffix(".json").is_some_and(is_digest) => Place::Record,
            ["signatures", name] if name.strip_suffix(".minisig").is_some_and(is_digest) => Place::Signature,
            _ => Place::Foreign,
        }
    }

    /// The object of a file that a manifest names.
    ///
    /// A release never changes, so a name is enough. On a branch a name can come again with other
    /// bytes (`libvaccel.so.0.7.1` has no commit in it), and a reader of the old manifest must
    /// still find the old ones: there the digest is part of the key.
    pub fn object(&self, file: &FileEntry) -> String {
        if self.git_ref.is_release() {
            self.named(file.name.as_str())
        } else {
            format!("{}{}/{}", self.objects(), file.sha256, file.name)
        }
    }

    /// A key directly in the folder: the files of a release, the aliases of both.
    pub fn named(&self, name: &str) -> String {
        self.prefix() + name
    }
}

/// What a key in the folder of a branch is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// A file under its digest.
    Object,
    /// A file directly in the folder.
    Named,
    /// A manifest that was replaced.
    Record,
    /// The signature of a manifest.
    Signature,
    /// The manifest, the digest list, or none of this place's.
    Foreign,
}

/// A name that does not go through a manifest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Alias {
    pub from: String,
    pub to: String,
    pub sha256: Sha256,
    /// Whether `latest` stands for the version in it.
    pub latest: bool,
}

/// On a branch the plain names, and with `latest` those without a version. None of them is the
/// name of another file: what a manifest names is never replaced.
pub(crate) fn aliases(location: &Location, manifest: &Manifest, latest: bool) -> Vec<Alias> {
    let mut taken: BTreeSet<String> = manifest.files.iter().map(|file| location.named(file.name.as_str())).collect();
    let mut aliases = Vec::new();
    for file in &manifest.files {
        let alias = |to, latest| Alias { from: location.object(file), to, sha256: file.sha256, latest };
        if !manifest.git_ref.is_release() {
            aliases.push(alias(location.named(file.name.as_str()), false));
        }
        let name = manifest.latest_name(&file.name).filter(|_| latest);
        if let Some(to) = name.map(|name| location.named(name.as_str()))
            && taken.insert(to.clone())
        {
            aliases.push(alias(to, true));
        }
    }
    aliases
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
            (
                location("v0.7.1").object(&file),
                "artifacts/vaccel/rev/v0.7.1/x86_64/release/vaccel_0.7.1-1_amd64.deb".to_owned(),
            ),
            (
                location("feat/x").object(&file),
                format!("artifacts/vaccel/rev/feat/x/x86_64/release/objects/{digest}/vaccel_0.7.1-1_amd64.deb"),
            ),
            (location("main").manifest(), "artifacts/vaccel/rev/main/x86_64/release/manifest.json".to_owned()),
            (location("v0.7.1").marker(), "artifacts/vaccel/rev/.targets/x86_64/release/v0.7.1".to_owned()),
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

    #[test]
    fn only_keys_of_the_right_shape_are_of_the_place() {
        let (main, digest) = (location("main"), Sha256::of(b"x"));
        let below = location("main/x86_64/release/objects");
        let cases = [
            (main.named("a.deb"), Place::Named),
            (format!("{}{digest}/a.deb", main.objects()), Place::Object),
            (main.retired(digest), Place::Record),
            (main.manifest(), Place::Foreign),
            (main.sums(), Place::Foreign),
            (below.manifest(), Place::Foreign),
            (below.named("a.deb"), Place::Foreign),
            (format!("{}{digest}/a.deb", below.objects()), Place::Foreign),
            (location("feat/x").named("a.deb"), Place::Foreign),
        ];
        for (key, place) in cases {
            assert_eq!(main.place(&key), place, "{key}");
        }
    }

    proptest! {
        #[test]
        fn a_place_comes_back_from_its_manifest(base in "(/?[a-z+%ü -]{1,6}){0,2}", name in "[a-z0-9+%/.üΩ-]{1,16}", arch in 0..3usize) {
            if let (Ok(base), Ok(git_ref)) = (base.parse::<BasePath>(), name.parse::<RefName>()) {
                let place = Location { base, git_ref, arch: Arch::ALL[arch], ..location("main") };
                prop_assert_eq!(Location::parse(&place.base, &place.package, &place.manifest()), Some(place.clone()));
                prop_assert_eq!(Location::parse(&place.base, &place.package, &place.sums()), None);
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
