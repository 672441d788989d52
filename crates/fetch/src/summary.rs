// SPDX-License-Identifier: Apache-2.0
//! What was fetched, as a person reads it.

use registry::{FetchedFile, Resolved, Store};
use std::fmt::Write;
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
        let link = format!("[{}]({})", code(entry.name.as_str()), store.url(&bundle.location.object(entry)));
        let digest = code(&entry.sha256.to_string()[..12]);
        vec![link, entry.kind.as_str().to_owned(), human::bytes(entry.size), digest, came.to_owned()]
    });
    text.push_str(&table(&["File", "Kind", "Size", "SHA-256, verified", ""], rows));
    if let Some(root) = installed {
        let _ = write!(text, "\nInstalled below {}.\n", code(&root.display().to_string()));
    }
    text
}
