// SPDX-License-Identifier: Apache-2.0
//! What was staged, for people: the log and the job summary.

use crate::format::Product;
use crate::subject::Subject;
use crate::tree::InstallTree;
use artifact::{FileKind, Manifest};
use std::collections::BTreeMap;
use std::fmt::Write;
use toolkit::human::bytes;
use toolkit::markdown::{code, table};

/// So many digits of a digest tell files apart.
const SHORT_DIGEST: usize = 12;

/// The job summary.
pub fn render(
    subject: &Subject,
    tree: &InstallTree,
    examples_passed: usize,
    products: &[Product],
    manifest: &Manifest,
) -> String {
    let purposes: BTreeMap<String, &str> =
        products.iter().map(|product| (product.name.to_string(), product.purpose)).collect();
    let (files, size) = tree.extent();
    let mut text = format!(
        "### Staged {} {} for {} ({})\n\nMade of an install tree with {files} files, {}, at commit {} on {}.",
        code(subject.package.as_str()),
        code(&subject.version.to_string()),
        subject.arch,
        subject.build_type,
        bytes(size),
        code(&subject.commit.as_str().chars().take(8).collect::<String>()),
        code(subject.git_ref.as_str()),
    );
    if examples_passed > 0 {
        let _ = write!(text, " {examples_passed} examples passed with it.");
    }
    text.push_str("\n\n");
    let rows = manifest.files.iter().map(|file| {
        let name = file.name.to_string();
        let digest: String = file.sha256.to_string().chars().take(SHORT_DIGEST).collect();
        let purpose = purposes.get(&name).copied().unwrap_or_default();
        vec![code(&name), kind(file.kind).to_owned(), bytes(file.size), code(&digest), purpose.to_owned()]
    });
    text.push_str(&table(&["File", "Kind", "Size", "SHA-256", "For"], rows));
    text
}

/// A kind in words.
pub fn kind(kind: FileKind) -> &'static str {
    match kind {
        FileKind::Deb => "Debian package",
        FileKind::DebugDeb => "debug package",
        FileKind::Archive => "archive",
        FileKind::Source => "source",
        FileKind::SharedLibrary => "shared library",
        FileKind::Wheel => "wheel",
        FileKind::Sbom => "SBOM",
        FileKind::Other => "record",
    }
}
