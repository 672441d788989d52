// SPDX-License-Identifier: Apache-2.0
//! Reports of the example runs that vouch for the tree.

use crate::file;
use crate::format::Product;
use crate::subject::Subject;
use artifact::{ExampleReport, FileKind, Outcome, Sha256};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use toolkit::{Failure, Result, ResultExt};

/// The reports of one tree, by the name they get in the bundle.
#[derive(Debug)]
pub struct Examples(BTreeMap<String, ExampleReport>);

impl Examples {
    /// Reads the reports; one that speaks of another tree, or of a failure, is an error.
    pub fn read(paths: &[String], subject: &Subject) -> Result<Self> {
        let mut reports = BTreeMap::new();
        for path in paths.iter().map(Path::new) {
            let shown = path.display();
            let text = fs::read(path).input(format!("could not read the examples report {shown}"))?;
            let report = ExampleReport::parse(&text).input(format!("{shown} is not a report of run-examples"))?;
            if report.package != subject.package || report.arch != subject.arch {
                return Err(Failure::input(format!(
                    "the examples report {shown} is about {} for {}, not {} for {}",
                    report.package, report.arch, subject.package, subject.arch
                )));
            }
            refuse_failures(&report)?;
            let under = if report.valgrind { "_valgrind" } else { "" };
            let name = format!("{}_examples{under}.json", subject.stem());
            if reports.insert(name, timeless(report)).is_some() {
                return Err(Failure::input(format!("{shown} is the second examples report of its kind")));
            }
        }
        Ok(Self(reports))
    }

    /// How many examples passed, over all reports.
    pub fn passed(&self) -> usize {
        self.0.values().map(|report| report.count(Outcome::Pass)).sum()
    }

    /// Refuses a report about another tree; where the tree's digest came from the build, also a
    /// report about none.
    pub fn check_tree(&self, sha256: Sha256, must_be_known: bool) -> Result<()> {
        for (name, report) in &self.0 {
            let about = match report.tree_sha256 {
                Some(about) if about == sha256 => continue,
                Some(about) => format!("an install tree with the digest {about}, not {sha256}"),
                None if must_be_known => "an install tree without a digest".to_owned(),
                None => continue,
            };
            return Err(Failure::input(format!("the examples report for {name} is about {about}"))
                .help("run the examples against the tree that is staged"));
        }
        Ok(())
    }

    /// The digests of the reports, as they are in the bundle.
    pub fn digests(&self) -> Vec<Sha256> {
        self.0.values().map(|report| Sha256::of(&report.to_canonical_json())).collect()
    }

    /// Writes the reports into the bundle.
    pub fn write(&self, bundle: &Path) -> Result<Vec<Product>> {
        let mut products = Vec::new();
        for (name, report) in &self.0 {
            file::write(&bundle.join(name), &report.to_canonical_json())?;
            let purpose =
                if report.valgrind { "what the examples did under valgrind" } else { "what the examples did" };
            products.push(Product { name: name.parse()?, kind: FileKind::Other, purpose, soname: None });
        }
        Ok(products)
    }
}

fn refuse_failures(report: &ExampleReport) -> Result<()> {
    let failed: Vec<_> =
        report.examples.iter().filter(|example| matches!(example.outcome, Outcome::Fail | Outcome::Unknown)).collect();
    if failed.is_empty() {
        return Ok(());
    }
    let names: Vec<_> = failed.iter().map(|example| example.name.as_str()).collect();
    Err(Failure::work(format!(
        "nothing is staged, because {} of the examples failed: {}",
        failed.len(),
        names.join(", ")
    ))
    .title("an example failed"))
}

/// How long an example took tells of the machine, not of the package: without it, staging the
/// same commit again gives the same bytes.
fn timeless(mut report: ExampleReport) -> ExampleReport {
    for example in &mut report.examples {
        example.duration_ms = 0;
    }
    report
}
