// SPDX-License-Identifier: Apache-2.0
//! What the demo has shown.

use super::files;
use super::progress::Progress;
use anyhow::{Context, Result};
use artifact::{ExampleReport, Outcome, Sha256};
use std::fs::File;
use std::path::Path;
use std::time::Duration;
use toolkit::human;

/// A published target, as it was fetched.
pub struct Published {
    build_type: String,
    version: String,
    files: Vec<(String, u64, Sha256)>,
    passed: usize,
    skipped: usize,
}

impl Published {
    /// Reads the fetched files.
    pub fn read(build_type: &str, version: &str, folder: &Path) -> Result<Self> {
        let mut published = Self {
            build_type: build_type.to_owned(),
            version: version.to_owned(),
            files: Vec::new(),
            passed: 0,
            skipped: 0,
        };
        for path in files(folder)? {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let file = File::open(&path).with_context(|| format!("could not open {name}"))?;
            let (digest, size) = Sha256::of_reader(file).with_context(|| format!("could not read {name}"))?;
            if name.ends_with("_examples.json") {
                let report = ExampleReport::parse(&std::fs::read(&path)?).with_context(|| format!("in {name}"))?;
                published.passed += report.count(Outcome::Pass);
                published.skipped += report.count(Outcome::Skip);
            }
            published.files.push((name, size, digest));
        }
        Ok(published)
    }
}

/// Everything that the summary tells.
pub struct Report {
    pub published: Vec<Published>,
    pub requirement: &'static str,
}

impl Report {
    /// The summary; its last line is the verdict.
    pub fn render(&self, progress: &Progress) -> String {
        let mut lines = vec!["\nsteps".to_owned()];
        lines.extend(progress.timings.iter().map(|(name, time)| format!("  {:>10}  {name}", human::duration(*time))));
        for target in &self.published {
            lines.push(format!("\nplugin-hello {}, {}", target.version, target.build_type));
            let file = |(name, size, digest): &(String, u64, Sha256)| {
                format!("  {:>10}  {digest}  {name}", human::bytes(*size))
            };
            lines.extend(target.files.iter().map(file));
            lines.push(format!("  examples: {} passed, {} skipped", target.passed, target.skipped));
        }
        let total: Duration = progress.timings.iter().map(|(_, time)| *time).sum();
        let version = self.published.first().map_or("nothing", |target| target.version.as_str());
        let files = self.published.iter().map(|target| target.files.len()).sum::<usize>();
        let bytes = self.published.iter().flat_map(|target| &target.files).map(|(_, size, _)| size).sum();
        let passed = self.published.iter().map(|target| target.passed).sum::<usize>();
        lines.push(format!("\nplugin-hello {} resolves to {version}", self.requirement));
        lines.push(format!(
            "demo: ok, {passed} examples passed, {files} files published ({}), {} steps in {}",
            human::bytes(bytes),
            progress.timings.len(),
            human::duration(total)
        ));
        lines.join("\n")
    }
}
