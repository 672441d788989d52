// SPDX-License-Identifier: Apache-2.0
//! `reindex`.

use crate::{Answer, Scene};
use registry::{RegistryError, maintain};
use std::fmt::Write;
use toolkit::Result;
use toolkit::markdown::code;

pub async fn run(scene: &Scene<'_>) -> Result<Answer> {
    let (mut all, mut text, mut summary) = (Vec::new(), String::new(), String::from("## Indexes made again\n\n"));
    for package in &scene.packages {
        let making = maintain::reindex(&scene.store, &scene.base, package, scene.signing_key.as_ref());
        let index = match making.await {
            Ok(index) => index,
            // Below a base path there may be folders that are not packages.
            Err(RegistryError::Absent { .. }) if scene.args.package.is_none() => continue,
            Err(error) => return Err(error.into_failure()),
        };
        let (count, serial) = (index.entries.len(), index.serial);
        let _ = writeln!(text, "{package}: {count} releases and branches, serial {serial}");
        let _ = writeln!(summary, "- {}: {count} releases and branches, serial {serial}", code(package.as_str()));
        all.push(serde_json::json!({ "package": package, "entries": count, "serial": serial }));
    }
    Answer::new(&all, text.trim_end().to_owned(), summary)
}
