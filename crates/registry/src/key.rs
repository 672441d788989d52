//! Where things are: keys below `<base-path>/<package>/rev/`.

use artifact::{Arch, BuildType, FileEntry, MANIFEST, Manifest, PackageName, RefName, SHA256SUMS};
use std::fmt;
use std::str::FromStr;

/// The part of every key that comes before the package; empty, or `a/b/`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BasePath(String);

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
            Ok(Self(format!("{trimmed}/")))
        } else {
            Err(BasePathError(text.to_owned()))
        }
    }
}

impl fmt::Display for BasePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl BasePath {
    /// Below which the refs of a package are.
    pub(crate) fn refs(&self, package: &PackageName) -> String {
        format!("{self}{package}/rev/")
    }

    /// An object that tells whether the store honours conditional writes.
    pub(crate) fn probe(&self, package: &PackageName) -> String {
        format!("{self}{package}/conditional-write-probe")
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

    /// Below which a branch keeps the objects of its manifests.
    pub(crate) fn objects(&self) -> String {
        self.prefix() + "objects/"
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

/// A file's name with its version replaced by `latest`: `vaccel_latest_amd64.deb`. `None` if the
/// version is not in the name.
pub(crate) fn latest_name(name: &str, manifest: &Manifest) -> Option<String> {
    let versions = [manifest.debian_version.clone(), manifest.version.to_string()];
    versions
        .iter()
        .find(|version| name.contains(version.as_str()))
        .map(|version| name.replacen(version.as_str(), "latest", 1))
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

    proptest! {
        #[test]
        fn two_refs_never_share_a_manifest(a in "[a-z0-9+%/.ü-]{1,12}", b in "[a-z0-9+%/.ü-]{1,12}") {
            if let (Ok(first), Ok(second)) = (a.parse::<RefName>(), b.parse::<RefName>()) {
                let keys = [first, second].map(|git_ref| Location { git_ref, ..location("main") }.manifest());
                prop_assert_eq!(a == b, keys[0] == keys[1]);
            }
        }
    }
}
