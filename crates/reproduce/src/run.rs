// SPDX-License-Identifier: Apache-2.0
//! The steps: find the provenance, build again, compare, report.

use crate::compare::{self, Difference};
use crate::rebuild::{self, Rebuilt};
use crate::{Args, Outputs, statement};
use artifact::{Bundle, FileName, Provenance, Sha256};
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use toolkit::{Failure, Result, ResultExt, Runner, markdown};

/// How many differences of a file are shown.
const SHOWN: usize = 20;

pub fn run(args: &Args, runner: &Runner) -> Result<Outputs> {
    let work = tempfile::Builder::new().prefix("vaccel-reproduce-").tempdir().context("failed to make a folder")?;
    let bundle = match &args.release {
        Some(release) => rebuild::fetch(release, &args.fetch_options, work.path(), runner)?,
        None => args.bundle.clone(),
    };
    let (subjects, rebuilt) = if let Some(other) = &args.against {
        (subjects_of(&bundle)?, Rebuilt::elsewhere(other))
    } else {
        let provenance = provenance(&bundle)?;
        let subjects = provenance.subject.iter().map(|subject| (subject.name.clone(), subject.digest.sha256));
        let subjects: Vec<_> = subjects.filter(|(name, _)| is_built(name)).collect();
        let files: Vec<_> = subjects.iter().map(|(name, _)| name.clone()).collect();
        let rebuilt = rebuild::rebuild(args, &provenance, &files, work.path(), runner)?;
        (subjects, rebuilt)
    };

    runner.step("Compare");
    let mut different = Vec::new();
    for (name, sha256) in &subjects {
        let (ours, theirs) = (rebuilt.bundle.join(name.as_str()), bundle.join(name.as_str()));
        // What was published is what the provenance is about, or it is not worth a comparison.
        check_subject(*sha256, &theirs)?;
        let found = compare::files(name.as_str(), &theirs, &ours, &rebuilt.traces)
            .with_context(|| format!("failed to compare {name}"))?;
        runner.info(&format!("{}  {name}", if found.is_empty() { "same     " } else { "different" }));
        for difference in found.iter().take(SHOWN) {
            runner.info(&format!("    {difference}"));
        }
        if !found.is_empty() {
            different.push((name.to_string(), found));
        }
    }
    let text = statement::render(&subjects, &different, &rebuilt);
    toolkit::write_file(&args.statement_path, &text)?;
    runner.summary(&summary(&bundle, subjects.len(), &different, &rebuilt))?;
    let outputs = Outputs {
        reproduced: different.is_empty(),
        compared: subjects.len(),
        different: different.iter().map(|(name, _)| name.clone()).collect(),
        statement: args.statement_path.clone(),
    };
    if different.is_empty() {
        return Ok(outputs);
    }
    runner.outputs(&outputs)?;
    let names = outputs.different.join(", ");
    let tools = if rebuilt.tools_differ.is_empty() {
        "make the build independent of what the list above names".to_owned()
    } else {
        format!("build with the recorded tools first: {}", rebuilt.tools_differ.join("; "))
    };
    Err(Failure::work(format!("{} of {} files differ: {names}", different.len(), subjects.len()))
        .title("not reproduced")
        .help(tools))
}

/// Reports of examples are results of runs, and the provenance is about the others.
fn is_built(name: &FileName) -> bool {
    let name = name.as_str();
    !name.ends_with("_examples.json")
        && !name.ends_with("_examples_valgrind.json")
        && !name.ends_with(Provenance::SUFFIX)
}

fn provenance(bundle: &Path) -> Result<Provenance> {
    let shown = bundle.display();
    let entries = fs::read_dir(bundle).input(format!("failed to read the bundle {shown}"))?;
    let mut found: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    found.retain(|path| path.to_str().is_some_and(|path| path.ends_with(Provenance::SUFFIX)));
    match found.as_slice() {
        [file] => {
            let text = fs::read(file).with_context(|| format!("failed to read {}", file.display()))?;
            Provenance::parse(&text).input(format!("{} cannot be used", file.display()))
        }
        [] => Err(Failure::input(format!("{shown} has no provenance (a file *{})", Provenance::SUFFIX))
            .help("it was staged by an older vaccel-ci; give a newer bundle")),
        _ => Err(Failure::input(format!("{shown} has more than one provenance")).help("give the folder of one bundle")),
    }
}

/// The files of a bundle that a build makes.
fn subjects_of(bundle: &Path) -> Result<Vec<(FileName, Sha256)>> {
    let bundle = Bundle::open(bundle).input("there is nothing to compare").help("give the folders of two bundles")?;
    let files = bundle.manifest().files.iter().map(|file| (file.name.clone(), file.sha256));
    Ok(files.filter(|(name, _)| is_built(name)).collect())
}

fn check_subject(expected: Sha256, file: &Path) -> Result<()> {
    let found = fs::File::open(file).and_then(Sha256::of_reader);
    let (found, _) = found.input(format!("failed to read {}", file.display()))?;
    if expected == found {
        return Ok(());
    }
    Err(Failure::input(format!("{} has the digest {found}, not {expected}", file.display()))
        .help("fetch the bundle again"))
}

fn summary(bundle: &Path, count: usize, different: &[(String, Vec<Difference>)], rebuilt: &Rebuilt) -> String {
    let verdict = if different.is_empty() { "reproduced" } else { "not reproduced" };
    let mut text = format!(
        "### {}: {verdict}\n\n{} of {count} files are the same.",
        markdown::code(&bundle.display().to_string()),
        count - different.len()
    );
    if !rebuilt.varied.is_empty() {
        let _ = write!(text, " Varied: {}.", rebuilt.varied.join(", "));
    }
    text.push_str("\n\n");
    for tool in &rebuilt.tools_differ {
        let _ = writeln!(text, "- {}", markdown::escape(tool));
    }
    let rows = different.iter().flat_map(|(name, found)| {
        found.iter().take(SHOWN).map(|difference| vec![markdown::code(name), markdown::escape(&difference.to_string())])
    });
    let rows: Vec<_> = rows.collect();
    if !rows.is_empty() {
        text.push_str(&markdown::table(&["File", "Difference"], rows));
    }
    text
}
