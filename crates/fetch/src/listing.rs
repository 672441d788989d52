// SPDX-License-Identifier: Apache-2.0
//! The versions of a package, for people and programs.

use artifact::PackageName;
use registry::Listed;
use serde_json::json;

/// A line per version.
pub fn table(package: &PackageName, listed: &[Listed]) -> String {
    if listed.is_empty() {
        return format!("no version of {package} is published");
    }
    let width = listed.iter().map(|entry| entry.version.to_string().len()).max().unwrap_or(0).max("VERSION".len());
    let mut lines = vec![format!("{:width$}  TARGETS", "VERSION")];
    for entry in listed {
        let targets: Vec<_> = entry.targets.iter().map(|(arch, build_type)| format!("{arch}/{build_type}")).collect();
        lines.push(format!("{:width$}  {}", entry.version, targets.join(" ")));
    }
    lines.join("\n")
}

/// An array of objects.
pub fn json(listed: &[Listed]) -> String {
    let entries: Vec<_> = listed
        .iter()
        .map(|entry| {
            let target = |(arch, build_type): &(artifact::Arch, artifact::BuildType)| {
                json!({ "arch": arch, "build_type": build_type })
            };
            let targets: Vec<_> = entry.targets.iter().map(target).collect();
            json!({ "version": entry.version, "ref": entry.git_ref, "targets": targets })
        })
        .collect();
    serde_json::Value::from(entries).to_string()
}
