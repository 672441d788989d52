// SPDX-License-Identifier: Apache-2.0
//! The publication as a person reads it.

use artifact::Manifest;
use registry::{Location, Publication, Store};
use std::fmt::Write;
use toolkit::human;
use toolkit::markdown::{code, table};

/// What happened, in one sentence.
pub fn sentence(publication: &Publication) -> String {
    let Publication { uploaded, skipped, bytes, unchanged, pruned, .. } = publication;
    let mut text = if *unchanged {
        format!("already published; nothing changed ({skipped} files were there)")
    } else {
        format!("published: {uploaded} files sent ({}), {skipped} were there already", human::bytes(*bytes))
    };
    if *pruned > 0 {
        let _ = write!(text, "; {pruned} old files removed");
    }
    text
}

/// Markdown for the job summary.
pub fn render(store: &Store, location: &Location, manifest: &Manifest, publication: &Publication) -> String {
    let kind = if manifest.git_ref.is_release() { "release" } else { "branch" };
    let mut text = format!(
        "## {} {} published\n\n{kind} {} for {}, {}: {}. [Manifest]({})\n\n",
        code(manifest.package.as_str()),
        code(&manifest.version.to_string()),
        code(manifest.git_ref.as_str()),
        manifest.arch,
        manifest.build_type,
        sentence(publication),
        store.url(&location.manifest()),
    );
    let rows = manifest.files.iter().map(|file| {
        let link = format!("[{}]({})", code(file.name.as_str()), store.url(&location.object(file)));
        vec![link, file.kind.as_str().to_owned(), human::bytes(file.size), code(&file.sha256.to_string()[..12])]
    });
    text.push_str(&table(&["File", "Kind", "Size", "SHA-256"], rows));
    for warning in &publication.warnings {
        let _ = write!(text, "\n> [!WARNING]\n> {warning}\n");
    }
    text
}
