// SPDX-License-Identifier: Apache-2.0
//! The version in the workspace's `Cargo.toml`.

use anyhow::{Context, Result};
use semver::Version;

/// The version of the workspace.
pub fn version(manifest: &str) -> Result<Version> {
    let line = line(manifest).context("Cargo.toml has no version below [workspace.package]")?;
    value(line).context("the version in Cargo.toml is no string")?.parse().context("the version in Cargo.toml")
}

/// The text with another version.
pub fn with_version(manifest: &str, version: &Version) -> Result<String> {
    let line = line(manifest).context("Cargo.toml has no version below [workspace.package]")?;
    let old = value(line).context("the version in Cargo.toml is no string")?;
    let changed = line.replacen(&format!("\"{old}\""), &format!("\"{version}\""), 1);
    // The line begins in the text where it begins in itself.
    let start = line.as_ptr() as usize - manifest.as_ptr() as usize;
    let (before, rest) = manifest.split_at(start);
    Ok([before, &changed, rest.get(line.len()..).unwrap_or_default()].concat())
}

/// `Cargo.lock` with another version of the packages that are here, which have no `source`.
pub fn lock_with_version(lock: &str, old: &Version, new: &Version) -> String {
    let packages = lock.split("[[package]]").map(|package| {
        if package.lines().any(|line| line.starts_with("source = ")) {
            return package.to_owned();
        }
        package.replacen(&format!("\nversion = \"{old}\"\n"), &format!("\nversion = \"{new}\"\n"), 1)
    });
    packages.collect::<Vec<_>>().join("[[package]]")
}

fn line(manifest: &str) -> Option<&str> {
    let section = manifest.lines().skip_while(|line| line.trim() != "[workspace.package]").skip(1);
    section.take_while(|line| !line.starts_with('[')).find(|line| value(line).is_some())
}

/// What stands in quotes after `version =`.
fn value(line: &str) -> Option<&str> {
    let text = line.strip_prefix("version")?.trim_start().strip_prefix('=')?.trim_start();
    text.strip_prefix('"')?.split_once('"').map(|(value, _)| value)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MANIFEST: &str = "[package]\nversion = \"9.9.9\"\n\n[workspace.package]\nversion = \"0.1.0\" # ours\nedition = \"2024\"\n\n[x]\nversion = \"8\"\n";

    #[test]
    fn only_the_version_of_the_workspace_changes() {
        assert_eq!(version(MANIFEST).unwrap(), Version::new(0, 1, 0));
        let changed = with_version(MANIFEST, &Version::new(1, 2, 3)).unwrap();
        assert_eq!(changed, MANIFEST.replace("0.1.0", "1.2.3"));
    }

    #[test]
    fn only_our_packages_change_in_the_lock_file() {
        let package =
            |name: &str, source: &str| format!("[[package]]\nname = \"{name}\"\nversion = \"0.1.0\"\n{source}");
        let theirs = package("theirs", "source = \"registry\"\n\n");
        let lock =
            format!("version = 4\n\n{}\n{theirs}{}", package("ours", ""), package("too", "dependencies = [\n]\n"));
        let changed = lock_with_version(&lock, &Version::new(0, 1, 0), &Version::new(0, 2, 0));
        assert_eq!(changed.matches("version = \"0.2.0\"").count(), 2);
        assert!(changed.contains(&theirs));
        assert_eq!(changed.replace("0.2.0", "0.1.0"), lock);
    }

    #[test]
    fn a_manifest_without_it_is_refused() {
        for text in
            ["", "[workspace.package]\n[x]\nversion = \"1.0.0\"\n", "[workspace.package]\nversion.workspace = true\n"]
        {
            assert!(version(text).is_err(), "{text}");
        }
        assert!(version("[workspace.package]\nversion = \"1\"\n").is_err());
    }

    #[test]
    fn this_workspace_has_one() {
        let text = std::fs::read_to_string(testbed::workspace_root().join("Cargo.toml")).unwrap();
        assert_eq!(version(&text).unwrap().to_string(), env!("CARGO_PKG_VERSION"));
    }
}
