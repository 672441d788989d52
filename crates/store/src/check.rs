// SPDX-License-Identifier: Apache-2.0
//! `verify` and `repair`.

use crate::{Answer, Scene};
use artifact::PackageName;
use registry::maintain::{self, Repaired, Verified};
use registry::{Progress, RegistryError};
use serde::Serialize;
use std::fmt::Write;
use toolkit::markdown::code;
use toolkit::{Result, human};

#[derive(Serialize)]
struct Checked<'a> {
    package: &'a PackageName,
    #[serde(flatten)]
    found: Verified,
    #[serde(skip_serializing_if = "Option::is_none")]
    repair: Option<Repaired>,
}

pub async fn verify(scene: &Scene<'_>) -> Result<Answer> {
    let mut all = Vec::new();
    for package in &scene.packages {
        all.push(Checked { package, found: look(scene, package).await?, repair: None });
    }
    let problems = all.iter().map(|checked| checked.found.problems.len()).sum();
    answer(&all, problems)
}

pub async fn repair(scene: &Scene<'_>) -> Result<Answer> {
    let (mut all, mut problems) = (Vec::new(), 0);
    for package in &scene.packages {
        let found = look(scene, package).await?;
        let repairing = maintain::repair(&scene.store, &scene.base, package, &found, scene.signing_key.as_ref());
        let repaired = repairing.await.map_err(RegistryError::into_failure)?;
        problems += repaired.remaining.len();
        all.push(Checked { package, found, repair: Some(repaired) });
    }
    answer(&all, problems)
}

async fn look(scene: &Scene<'_>, package: &PackageName) -> Result<Verified> {
    let progress = Progress::new(&scene.store, scene.runner, 0);
    let told = |text: &str| progress.tell(text);
    let looking = Box::pin(maintain::verify(&scene.store, &scene.base, package, scene.args.deep, &told));
    progress.during(looking).await.map_err(RegistryError::into_failure)
}

fn answer(all: &[Checked<'_>], problems: usize) -> Result<Answer> {
    let (mut text, mut summary) = (String::new(), String::from("## Verified\n\n"));
    for Checked { package, found, repair } in all {
        let counts = format!(
            "{} releases and branches, {} manifests, {} objects, {}",
            found.refs,
            found.manifests,
            found.objects,
            human::bytes(found.bytes)
        );
        let _ = writeln!(text, "{package}: {counts}; problems: {}", found.problems.len());
        let _ = writeln!(summary, "- {}: {counts}; problems: {}", code(package.as_str()), found.problems.len());
        for problem in &found.problems {
            let _ = writeln!(text, "  {problem}");
            let _ = writeln!(summary, "  - {}", code(&problem.to_string()));
        }
        if let Some(repair) = repair {
            for key in &repair.repaired {
                let _ = writeln!(text, "  repaired: {key}");
            }
            let _ = writeln!(summary, "  - repaired: {}, remaining: {}", repair.repaired.len(), repair.remaining.len());
        }
    }
    Ok(Answer { problems: Some(problems), ..Answer::new(&all, text.trim_end().to_owned(), summary)? })
}
