// SPDX-License-Identifier: Apache-2.0
//! What was fetched, as a person reads it.

use registry::{FetchedFile, Location, Resolved, Store};
use std::path::Path;
use toolkit::human;
use toolkit::markdown::{code, table};

/// Markdown for the job summary.
pub fn render(store: &Store, bundle: &Resolved, files: &[FetchedFile], installed: Option<&Path>) -> String {
    let manifest = &bundle.manifest;
    let mut text = format!(
        "## {} {} fetched\n\n{} for {}, {}, commit {}. [Manifest]({})\n\n",
        code(manifest.package.as_str()),
        code(&manifest.version.to_string()),
        code(manifest.git_ref.as_str()),
        manifest.arch,
        manifest.build_type,
        code(manifest.commit.as_str()),
        store.url(&bundle.location.manifest()),
    );
    let rows = files.iter().map(|file| {
        let came = if file.transferred == 0 { "there already" } else { "fetched" };
        let entry = &file.entry;
        let link = format!("[{}]({})", code(entry.name.as_str()), store.url(&bundle.object(entry)));
        let digest = code(&entry.sha256.to_string()[..12]);
        vec![link, entry.kind.as_str().to_owned(), human::bytes(entry.size), digest, came.to_owned()]
    });
    text.push_str(&table(&["File", "Kind", "Size", "SHA-256, verified", ""], rows));
    text.push_str(&below(installed));
    text
}

/// The same for files without a manifest.
pub fn render_plain(location: &Location, files: &[FetchedFile], installed: Option<&Path>) -> String {
    let mut text = format!(
        "## {} fetched, unverified\n\n{} for {}, {}. It has no manifest, so nothing of it could be verified.\n\n",
        code(location.package.as_str()),
        code(location.git_ref.as_str()),
        location.arch,
        location.build_type,
    );
    let rows = files.iter().map(|file| {
        let entry = &file.entry;
        vec![code(entry.name.as_str()), entry.kind.as_str().to_owned(), human::bytes(entry.size)]
    });
    text.push_str(&table(&["File", "Kind", "Size"], rows));
    text.push_str(&below(installed));
    text
}

fn below(installed: Option<&Path>) -> String {
    installed.map_or_else(String::new, |root| format!("\nInstalled below {}.\n", code(&root.display().to_string())))
}
