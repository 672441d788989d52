// SPDX-License-Identifier: Apache-2.0
//! The publication as a person reads it.

use artifact::Bundle;
use registry::{Location, Publication, RefPlace, Store};
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
pub fn render(store: &Store, place: &RefPlace, bundles: &[Bundle], publication: &Publication) -> String {
    let version = bundles.first().map(|bundle| bundle.manifest().version.to_string()).unwrap_or_default();
    let kind = if place.git_ref.is_release() { "release" } else { "branch" };
    let (package, git_ref) = (code(place.package.as_str()), code(place.git_ref.as_str()));
    if let Some(why) = &publication.older_than {
        return format!("## {package} {} not published\n\n{kind} {git_ref}: {why}.\n", code(&version));
    }
    let targets: Vec<_> = publication.targets.iter().map(ToString::to_string).collect();
    let mut text = format!(
        "## {package} {} published\n\n{kind} {git_ref} for {}: {}. [Release]({})\n\n",
        code(&version),
        targets.join(", "),
        sentence(publication),
        store.url(&place.release()),
    );
    let rows = bundles.iter().flat_map(|bundle| {
        let manifest = bundle.manifest();
        let location = Location::of(place.base.clone(), manifest);
        manifest.files.iter().map(move |file| {
            let link = format!("[{}]({})", code(file.name.as_str()), store.url(&location.object(file)));
            let digest = code(&file.sha256.to_string()[..12]);
            vec![location.target().to_string(), link, file.kind.as_str().to_owned(), human::bytes(file.size), digest]
        })
    });
    text.push_str(&table(&["Target", "File", "Kind", "Size", "SHA-256"], rows));
    for warning in &publication.warnings {
        let _ = write!(text, "\n> [!WARNING]\n> {warning}\n");
    }
    text
}
