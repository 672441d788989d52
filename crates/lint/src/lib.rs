//! `lint`: finds the linters that are relevant for a repository, runs them, and reports what they
//! found in the places where people look.
//!
//! Linters are data: [`definition`] says what one is, [`catalogue`] which there are. What is called
//! and how it is read are decisions without effects; [`run`] has the effects.

pub mod catalogue;
pub mod changed;
pub mod check;
pub mod definition;
pub mod files;
pub mod finding;
pub mod fix;
pub mod git;
pub mod globs;
pub mod normalise;
pub mod outcome;
pub mod patch;
pub mod read;
pub mod report {
    //! Reports.
    use crate::finding::Finding;
    use crate::outcome::Outcome;
    pub fn list(outcome: &Outcome) -> String {
        format!("{:#?}", outcome.linters)
    }
    pub fn annotations(_: &[Finding]) -> Vec<toolkit::Annotation> {
        Vec::new()
    }
    pub fn summary(outcome: &Outcome) -> String {
        format!("{outcome:#?}")
    }
    pub fn terminal(outcome: &Outcome, _: &std::path::Path, _: bool) -> String {
        format!("{outcome:#?}")
    }
    pub fn patch(findings: &[Finding]) -> String {
        findings.iter().filter_map(|f| f.fix.clone()).collect()
    }
    pub mod sarif {
        pub fn document(_: &crate::outcome::Outcome) -> String {
            String::new()
        }
    }
}
pub mod repository;
pub mod run;
pub mod schedule;
pub mod select;
pub mod settings;
pub mod trust;
pub mod validate;

use definition::Category;
use finding::Severity;
use outcome::{Outcome, Relevance};
use repository::Repository;
use settings::{FailOn, Missing};
use std::path::{Path, PathBuf};
use toolkit::{Failure, List, Result, ResultExt, Runner};

/// The action.
pub struct Lint;

/// Inputs of the action.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// Folder with the sources.
    #[arg(long, default_value = ".")]
    source_path: PathBuf,
    /// Categories of linters that run: code, scripts, docs, workflows, commits, licenses; absent, the first four.
    #[arg(long)]
    categories: Option<List>,
    /// Linters that run, by name and whatever their category, in place of categories.
    #[arg(long)]
    linters: Option<List>,
    /// Whether only findings in changed lines count, and only linters run whose files changed; auto: on pull requests.
    #[arg(long, default_value = "auto")]
    changed_only: ChangedOnly,
    /// Commit that the change is compared with; absent, the one that the event names.
    #[arg(long)]
    base: Option<String>,
    /// Findings that fail the action: error, warning or never; absent, error.
    #[arg(long)]
    fail_on: Option<FailOn>,
    /// What it means if the program of a relevant linter is absent: fail or warn; absent, fail.
    #[arg(long)]
    missing: Option<Missing>,
    /// Build folder with `compile_commands.json`, for linters that need it.
    #[arg(long)]
    build_path: Option<PathBuf>,
    /// File for the findings as SARIF 2.1.0.
    #[arg(long)]
    sarif_path: Option<PathBuf>,
    /// File for the patch with all automatic fixes.
    #[arg(long)]
    patch_path: Option<PathBuf>,
    /// How many programs run at the same time; 0: as many as there are cores.
    #[arg(long, default_value_t = 0)]
    jobs: usize,
    /// Mends in place what can be mended, before it tells what is left.
    #[arg(long, help_heading = toolkit::CLI_ONLY)]
    fix: bool,
    /// Lists the linters, whether they are relevant here and why, and runs none.
    #[arg(long, help_heading = toolkit::CLI_ONLY)]
    list: bool,
}

/// When only what changed counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum ChangedOnly {
    /// On pull requests.
    Auto,
    /// Always.
    True,
    /// Never.
    False,
}

toolkit::outputs! {
    /// Outputs of the action.
    pub struct Outputs {
        /// How many errors count.
        pub errors: usize,
        /// How many warnings count.
        pub warnings: usize,
        /// The file with the findings as SARIF, if one was asked for.
        pub sarif: String,
        /// The file with the patch, if one was asked for.
        pub patch: String,
        /// The linters that ran, by name, with commas between.
        pub linters: String,
    }
}

impl toolkit::Action for Lint {
    const NAME: &'static str = "lint";
    const TITLE: &'static str = "Lint";
    const DESCRIPTION: &'static str =
        "Checks code, scripts, docs, workflows, commits and licences with the tools that the machine has.";
    type Args = Args;
    type Outputs = Outputs;

    fn run(args: Args, runner: &Runner) -> Result<Outputs> {
        if args.fix && runner.is_github() {
            return Err(Failure::input("fix changes files, and is for a person's work tree only")
                .help("apply the patch that patch-path asks for"));
        }
        let repository = Repository::open(&args, runner)?;
        let linters = repository.linters(&args)?;
        if args.list {
            runner.print(&report::list(&repository.survey(&linters)?));
            return Ok(outputs(&args, &Outcome::default()));
        }
        if args.fix {
            fix::all(&repository, &linters, runner)?;
        }
        let outcome = repository.lint(&linters, runner)?;
        tell(&args, &repository, &outcome, runner)?;
        let outputs = outputs(&args, &outcome);
        match verdict(&repository, &outputs) {
            None => Ok(outputs),
            Some(failure) => {
                // What failed has outputs too.
                runner.outputs(&outputs)?;
                Err(failure)
            }
        }
    }
}

/// Reports in the places where people look.
fn tell(args: &Args, repository: &Repository, outcome: &Outcome, runner: &Runner) -> Result<()> {
    for linter in &outcome.linters {
        if let Relevance::Missing(provided_by) = &linter.relevance
            && repository.missing == Missing::Warn
        {
            runner.warning(&format!("{} did not run, since it is not installed: {provided_by}", linter.name));
        }
    }
    if runner.is_github() {
        for annotation in report::annotations(&outcome.findings) {
            runner.annotate(&annotation);
        }
        runner.summary(&report::summary(outcome))?;
    } else {
        runner.info(&report::terminal(outcome, &repository.root, runner.is_terminal()));
    }
    let write = |path: &Path, text: &str| {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).with_context(|| format!("could not make {}", folder.display()))?;
        }
        std::fs::write(path, text).with_context(|| format!("could not write {}", path.display()))
    };
    if let Some(path) = &args.sarif_path {
        let document = report::sarif::document(outcome);
        write(path, &format!("{:#}\n", document))?;
    }
    if let Some(path) = &args.patch_path {
        write(path, &report::patch(&outcome.findings))?;
    }
    Ok(())
}

fn outputs(args: &Args, outcome: &Outcome) -> Outputs {
    let count = |severity: Severity| {
        outcome.findings.iter().filter(|finding| finding.in_change && finding.severity == severity).count()
    };
    let path = |path: &Option<PathBuf>| path.as_ref().map(|path| path.display().to_string()).unwrap_or_default();
    let ran = outcome.linters.iter().filter(|linter| matches!(linter.relevance, Relevance::Relevant(_)));
    Outputs {
        errors: count(Severity::Error),
        warnings: count(Severity::Warning),
        sarif: path(&args.sarif_path),
        patch: path(&args.patch_path),
        linters: ran.map(|linter| linter.name.as_str()).collect::<Vec<_>>().join(","),
    }
}

/// Whether the findings fail the action.
fn verdict(repository: &Repository, outputs: &Outputs) -> Option<Failure> {
    let counted = |count: usize, noun: &str| match count {
        0 => None,
        1 => Some(format!("1 {noun}")),
        _ => Some(format!("{count} {noun}s")),
    };
    let errors = counted(outputs.errors, "error");
    let warnings = counted(outputs.warnings, "warning");
    let counted = match repository.fail_on {
        FailOn::Never => return None,
        FailOn::Error => errors?,
        FailOn::Warning => [errors, warnings].into_iter().flatten().collect::<Vec<_>>().join(" and "),
    };
    let place = if repository.changed.is_some() { " in what changed" } else { "" };
    (!counted.is_empty()).then(|| Failure::work(format!("the linters found {counted}{place}")))
}

/// The categories that run if nobody says which.
const USUAL: [Category; 4] = [Category::Code, Category::Scripts, Category::Docs, Category::Workflows];
