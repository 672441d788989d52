// SPDX-License-Identifier: Apache-2.0
//! `gc`: what is closed, unnamed or unfinished.

use crate::{Answer, Scene, branches};
use artifact::PackageName;
use registry::RegistryError;
use registry::maintain::{self, Collected, Collection};
use serde::Serialize;
use std::fmt::Write;
use toolkit::markdown::{code, table};
use toolkit::{Result, human};

#[derive(Serialize)]
struct Cleaned<'a> {
    package: &'a PackageName,
    deleted: bool,
    #[serde(flatten)]
    collected: Collected,
}

pub async fn run(scene: &Scene<'_>) -> Result<Answer> {
    let open = branches::open(scene.args)?;
    let options = Collection {
        branches: Some(&open),
        grace: scene.args.grace.duration(),
        delete: scene.args.delete,
        signing_key: scene.signing_key.as_ref(),
    };
    let mut all = Vec::new();
    for package in &scene.packages {
        scene.runner.info(&format!("looking at {package}"));
        let collecting = maintain::collect(&scene.store, &scene.base, package, &options);
        let collected = collecting.await.map_err(RegistryError::into_failure)?;
        all.push(Cleaned { package, deleted: scene.args.delete, collected });
    }
    let removed = all.iter().map(|cleaned| keys(&cleaned.collected).count()).sum();
    let verb = if scene.args.delete { "removed" } else { "would be removed (--delete removes it)" };
    let mut text = String::new();
    for Cleaned { package, collected, .. } in &all {
        let count = keys(collected).count();
        let _ = writeln!(text, "{package}: {count} keys, {}, {verb}", human::bytes(collected.bytes));
        for branch in &collected.branches {
            let _ = writeln!(text, "  closed branch: {branch}");
        }
        for key in keys(collected) {
            let _ = writeln!(text, "  {key}");
        }
    }
    let rows = all.iter().map(|Cleaned { package, collected, .. }| {
        let count = |keys: &Vec<String>| keys.len().to_string();
        vec![
            code(package.as_str()),
            count(&collected.branches),
            count(&collected.objects),
            count(&collected.records),
            count(&collected.claims),
            count(&collected.uploads),
            human::bytes(collected.bytes),
        ]
    });
    let heading = ["Package", "Closed branches", "Objects", "Records", "Claims", "Uploads", "Size"];
    let summary = format!("## Clean-up: {removed} keys {verb}\n\n{}", table(&heading, rows));
    Ok(Answer { removed: Some(removed), ..Answer::new(&all, text.trim_end().to_owned(), summary)? })
}

fn keys(collected: &Collected) -> impl Iterator<Item = &String> {
    let Collected { objects, records, claims, uploads, .. } = collected;
    objects.iter().chain(records).chain(claims).chain(uploads)
}
