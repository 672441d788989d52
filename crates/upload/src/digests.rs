// SPDX-License-Identifier: Apache-2.0
//! The last link of the chain of digests: what is published is what was staged.
//!
//! Bundles cross from job to job as files, which code of a repository may have written. The digests
//! of their manifests cross as outputs of jobs, which it cannot.

use artifact::{Arch, BuildType, Bundle, PackageName, Sha256};
use std::collections::BTreeMap;
use std::str::FromStr;
use toolkit::Failure;

/// The manifests that bundles must have.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Digests(Vec<Expected>);

/// Not the digest of a manifest.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a valid manifest digest: write <digest>, or <arch>/<build-type>=<digest> for each bundle")]
pub struct DigestsError(String);

impl FromStr for Digests {
    type Err = DigestsError;

    /// Items separated by commas or line breaks, or the outputs of a job as JSON, of which those count whose names begin
    /// with `manifest-`.
    fn from_str(text: &str) -> Result<Self, DigestsError> {
        let items: Vec<String> = if text.trim_start().starts_with('{') {
            let outputs: BTreeMap<String, String> =
                serde_json::from_str(text).map_err(|_| DigestsError(text.to_owned()))?;
            outputs.into_iter().filter(|(name, _)| name.starts_with("manifest-")).map(|(_, value)| value).collect()
        } else {
            text.split([',', '\n']).map(str::to_owned).collect()
        };
        let items = items.iter().map(|item| item.trim()).filter(|item| !item.is_empty());
        let parse = |item: &str| Expected::parse(item).ok_or_else(|| DigestsError(item.to_owned()));
        Ok(Self(items.map(parse).collect::<Result<_, _>>()?))
    }
}

/// One of them: `<digest>`, or `[<package>/]<arch>/<build-type>=<digest>`.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Expected {
    target: Option<Target>,
    sha256: Sha256,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Target {
    package: Option<PackageName>,
    arch: Arch,
    build_type: BuildType,
}

impl Expected {
    fn parse(text: &str) -> Option<Self> {
        let Some((target, digest)) = text.split_once('=') else {
            return Some(Self { target: None, sha256: text.parse().ok()? });
        };
        let parts: Vec<_> = target.split('/').collect();
        let (package, arch, build_type) = match *parts.as_slice() {
            [arch, build_type] => (None, arch, build_type),
            [package, arch, build_type] => (Some(package.parse().ok()?), arch, build_type),
            _ => return None,
        };
        let target = Target { package, arch: arch.parse().ok()?, build_type: build_type.parse().ok()? };
        Some(Self { target: Some(target), sha256: digest.trim().parse().ok()? })
    }

    fn is_about(&self, bundle: &Bundle) -> bool {
        let manifest = bundle.manifest();
        self.target.as_ref().is_none_or(|target| {
            target.package.as_ref().is_none_or(|package| *package == manifest.package)
                && (target.arch, target.build_type) == (manifest.arch, manifest.build_type)
        })
    }
}

/// Refuses bundles whose manifests have other digests than these. Each bundle needs exactly one;
/// digests of other bundles do not matter here.
///
/// `partial` is for act, which keeps the outputs of one job of a matrix only: what has no digest there is
/// returned, to be reported.
pub fn check(digests: &Digests, bundles: &[Bundle], partial: bool) -> toolkit::Result<Vec<String>> {
    let Digests(expected) = digests;
    if expected.is_empty() {
        return Ok(Vec::new());
    }
    let mut unknown = Vec::new();
    for bundle in bundles {
        let manifest = bundle.manifest();
        let name = format!("{}/{}/{}", manifest.package, manifest.arch, manifest.build_type);
        let mut about = expected.iter().filter(|expected| expected.is_about(bundle));
        match (about.next(), about.next()) {
            (Some(expected), None) if expected.target.is_some() || bundles.len() == 1 => {
                compare(bundle, expected.sha256)?;
            }
            (None, _) if partial => unknown.push(name),
            (None, _) => {
                return Err(Failure::input(format!("the bundle for {name} has no expected digest"))
                    .help("nothing is published that no job staged: give its digest in manifest-sha256"));
            }
            (Some(_), _) => {
                return Err(Failure::input(format!("it is not clear which digest is that of the bundle for {name}"))
                    .help("write <package>/<arch>/<build-type>=<digest>, once for each bundle"));
            }
        }
    }
    Ok(unknown)
}

fn compare(bundle: &Bundle, expected: Sha256) -> toolkit::Result<()> {
    let path = bundle.folder().join(artifact::MANIFEST);
    let shown = path.display();
    let found = bundle.manifest_sha256();
    if found != expected {
        return Err(Failure::input(format!("{shown} has the digest {found}, not {expected}"))
            .title("not the staged bundle")
            .help("the bundle changed after it was staged: find what wrote to it, and run the workflow again"));
    }
    // What is published is the canonical text; the digest must be about that.
    if Sha256::of(&bundle.manifest().to_canonical_json()) != found {
        return Err(Failure::input(format!("{shown} has fields that this version does not know"))
            .help("stage and publish with the same version of vaccel-ci"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use artifact::Manifest;

    /// A bundle for each of these architectures, and the digest of each.
    fn bundles(targets: &[(&str, Arch)]) -> (tempfile::TempDir, Vec<Bundle>, Vec<String>) {
        let folder = tempfile::tempdir().unwrap();
        let make = |(package, arch): &(&str, Arch)| {
            let manifest = Manifest {
                package: package.parse().unwrap(),
                arch: *arch,
                ..testbed::bundle::manifest("v0.3.0", "0.3.0").unwrap()
            };
            let place = folder.path().join(format!("{package}-{arch}"));
            testbed::bundle::write(&place, manifest, [("a.tar.gz", "archive")]).unwrap()
        };
        let bundles: Vec<_> = targets.iter().map(make).collect();
        let digests = bundles.iter().map(|bundle| bundle.manifest_sha256().to_string()).collect();
        (folder, bundles, digests)
    }

    fn told(digests: &[&str], bundles: &[Bundle], partial: bool) -> String {
        let digests = match digests.join(",").parse() {
            Ok(digests) => digests,
            Err(error) => return DigestsError::to_string(&error),
        };
        match check(&digests, bundles, partial) {
            Ok(unknown) => format!("ok {}", unknown.join(",")).trim_end().to_owned(),
            Err(failure) => failure.messages().join(": "),
        }
    }

    #[test]
    fn one_bundle_has_one_digest() {
        let (_folder, bundles, digests) = bundles(&[("hello", Arch::X86_64)]);
        let digest = &*digests[0];
        let other = Sha256::of(b"other").to_string();
        let wrong = told(&[&other], &bundles, false);
        assert!(wrong.ends_with(&format!("manifest.json has the digest {digest}, not {other}")), "{wrong}");
        let keyed = format!("x86_64/release={digest}");
        for good in [&[digest][..], &[&keyed], &[&format!("hello/{keyed}")], &[]] {
            assert_eq!(told(good, &bundles, false), "ok", "{good:?}");
        }
        let cases = [
            (vec![format!("aarch64/release={digest}")], "the bundle for hello/x86_64/release has no expected digest"),
            (vec![format!("x86_64/debug={digest}")], "the bundle for hello/x86_64/release has no expected digest"),
            (vec![format!("bye/{keyed}")], "the bundle for hello/x86_64/release has no expected digest"),
            (
                vec![keyed.clone(), keyed.clone()],
                "it is not clear which digest is that of the bundle for hello/x86_64/release",
            ),
            (
                vec!["abc".to_owned()],
                "\"abc\" is not a valid manifest digest: write <digest>, or <arch>/<build-type>=<digest> for each bundle",
            ),
            (
                vec!["x86_64/release=".to_owned()],
                "\"x86_64/release=\" is not a valid manifest digest: write <digest>, or <arch>/<build-type>=<digest> for each bundle",
            ),
            (
                vec![format!("a/b/c/d={digest}")],
                &format!(
                    "\"a/b/c/d={digest}\" is not a valid manifest digest: write <digest>, or <arch>/<build-type>=<digest> for each bundle"
                ),
            ),
        ];
        for (given, expected) in cases {
            let given: Vec<_> = given.iter().map(String::as_str).collect();
            assert_eq!(told(&given, &bundles, false), expected);
        }
    }

    #[test]
    fn outputs_of_a_job_are_digests() {
        let (_folder, bundles, digests) = bundles(&[("hello", Arch::X86_64)]);
        let outputs = |value: &str| {
            format!("{{\n  \"manifest-0\": \"{value}\",\n  \"manifest-1\": \"\",\n  \"outcome\": \"x\"\n}}")
        };
        let good = outputs(&format!("hello/x86_64/release={}", digests[0]));
        assert_eq!(told(&[&good], &bundles, false), "ok");
        let wrong = outputs(&format!("hello/x86_64/release={}", Sha256::of(b"other")));
        assert!(told(&[&wrong], &bundles, false).contains("has the digest"));
        assert!(told(&["{"], &bundles, false).contains("is not a valid manifest digest"));
        assert!(told(&[&outputs("x")], &bundles, false).contains("\"x\" is not a valid manifest digest"));
    }

    #[test]
    fn several_bundles_need_a_digest_each() {
        let (_folder, bundles, digests) =
            bundles(&[("hello", Arch::X86_64), ("hello", Arch::Aarch64), ("bye", Arch::Aarch64)]);
        let keyed = ["hello/x86_64", "hello/aarch64", "bye/aarch64"];
        let all: Vec<_> = keyed.iter().zip(&digests).map(|(key, digest)| format!("{key}/release={digest}")).collect();
        let all: Vec<_> = all.iter().map(String::as_str).collect();
        assert_eq!(told(&all, &bundles, false), "ok");
        assert_eq!(told(&all[..2], &bundles, false), "the bundle for bye/aarch64/release has no expected digest");
        assert_eq!(told(&all[..2], &bundles, true), "ok bye/aarch64/release");
        assert_eq!(
            told(&[&digests[0]], &bundles, true),
            "it is not clear which digest is that of the bundle for hello/x86_64/release"
        );
        let swapped = format!("hello/x86_64/release={}", digests[1]);
        assert!(told(&[&swapped], &bundles, true).contains("has the digest"));
    }
}
