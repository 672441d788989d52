// SPDX-License-Identifier: Apache-2.0
//! `list`: packages, releases, branches, targets and sizes, from the index alone.

use crate::{Answer, Scene};
use artifact::{Index, IndexEntry};
use registry::{RegistryError, maintain};
use std::fmt::Write;
use toolkit::markdown::{code, table};
use toolkit::{Result, human};

pub async fn run(scene: &Scene<'_>) -> Result<Answer> {
    let mut found = Vec::new();
    for package in &scene.packages {
        let index = maintain::index(&scene.store, &scene.base, package).await.map_err(RegistryError::into_failure)?;
        let index = match index {
            Some(index) => index,
            // Published by 0.1.0, or lost.
            None => maintain::listed(&scene.store, &scene.base, package).await.map_err(RegistryError::into_failure)?,
        };
        if !index.entries.is_empty() {
            found.push(index);
        }
    }
    let (text, summary) = (found.iter().map(text).collect::<Vec<_>>().join("\n"), found.iter().map(markdown).collect());
    let text = if text.is_empty() { "nothing is published".to_owned() } else { text };
    Answer::new(&found, text, summary)
}

/// Releases first, the highest first; then branches.
fn sorted(index: &Index) -> Vec<&IndexEntry> {
    let mut entries: Vec<_> = index.entries.iter().collect();
    entries.sort_by(|a, b| {
        let key = |entry: &IndexEntry| (entry.git_ref.is_release(), entry.git_ref.release());
        key(b).cmp(&key(a)).then_with(|| a.git_ref.cmp(&b.git_ref))
    });
    entries
}

fn row(entry: &IndexEntry) -> [String; 5] {
    let targets: Vec<_> = entry.targets.iter().map(ToString::to_string).collect();
    let size = entry.size.map_or_else(|| "unknown".to_owned(), human::bytes);
    let note = entry.yanked.as_ref().map_or_else(String::new, |yanked| format!("yanked: {}", yanked.reason));
    [entry.git_ref.to_string(), entry.version.to_string(), size, targets.join(", "), note]
}

fn text(index: &Index) -> String {
    let mut text = format!(
        "{}, serial {}, of {}\n",
        index.package,
        index.serial,
        index.repository.as_deref().unwrap_or("nobody yet")
    );
    let rows: Vec<_> = sorted(index).into_iter().map(row).collect();
    let width = |column: usize| rows.iter().filter_map(|row| row.get(column)).map(String::len).max().unwrap_or(0);
    let widths = [width(0), width(1), width(2), width(3)];
    for [git_ref, version, size, targets, note] in rows {
        let line = format!(
            "  {git_ref:a$}  {version:b$}  {size:>c$}  {targets:d$}  {note}",
            a = widths[0],
            b = widths[1],
            c = widths[2],
            d = widths[3]
        );
        let _ = writeln!(text, "{}", line.trim_end());
    }
    text
}

fn markdown(index: &Index) -> String {
    let rows = sorted(index).into_iter().map(|entry| {
        let [git_ref, version, size, targets, note] = row(entry);
        vec![code(&git_ref), code(&version), size, targets, note]
    });
    format!("## {}\n\n{}\n", code(index.package.as_str()), table(&["Ref", "Version", "Size", "Targets", ""], rows))
}
