// SPDX-License-Identifier: Apache-2.0
//! What is published of a package, for people and programs.

use artifact::PackageName;
use registry::Published;
use serde_json::json;

/// A line per branch or release.
pub fn table(package: &PackageName, published: &[Published]) -> String {
    if published.is_empty() {
        return format!("nothing of {package} is published");
    }
    let names: Vec<_> = published.iter().map(name).collect();
    let width = names.iter().map(|name| name.chars().count()).max().unwrap_or(0).max("VERSION".len());
    let mut lines = vec![format!("{:width$}  TARGETS", "VERSION")];
    for (name, entry) in names.iter().zip(published) {
        let targets: Vec<_> = entry.targets.iter().map(|(arch, build_type)| format!("{arch}/{build_type}")).collect();
        lines.push(format!("{name:width$}  {}", targets.join(" ")));
    }
    lines.join("\n")
}

/// The version of a release, or how a branch is asked for.
fn name(entry: &Published) -> String {
    entry.git_ref.release().map_or_else(|| format!("ref:{}", entry.git_ref), |version| version.to_string())
}

/// An array of objects; branches have no version.
pub fn json(published: &[Published]) -> String {
    let entries: Vec<_> = published
        .iter()
        .map(|entry| {
            let target = |(arch, build_type): &(artifact::Arch, artifact::BuildType)| {
                json!({ "arch": arch, "build_type": build_type })
            };
            let targets: Vec<_> = entry.targets.iter().map(target).collect();
            json!({ "version": entry.git_ref.release(), "ref": entry.git_ref, "targets": targets })
        })
        .collect();
    serde_json::Value::from(entries).to_string()
}
