// SPDX-License-Identifier: Apache-2.0
//! `lint`: finds the linters that are relevant for a repository, runs them, and reports what they
//! found in the places where people look.
//!
//! Linters are data: [`definition`] says what one is, [`catalogue`] which there are. What is called
//! and how it is read are decisions without effects; [`run`] has the effects.

pub mod base;
pub mod baseline;
pub mod catalogue;
pub mod changed;
pub mod check;
pub mod definition;
pub mod exempt;
pub mod files;
pub mod finding;
pub mod fix;
pub mod git;
pub mod globs;
pub mod normalise;
pub mod outcome;
pub mod patch;
pub mod read;
pub mod report;
pub mod repository;
pub mod run;
pub mod schedule;
pub mod scope;
pub mod select;
pub mod settings;
pub mod syntax;
pub mod trust;
pub mod validate;
pub mod yaml;

use definition::Category;
use finding::{Finding, Severity};
use outcome::{LinterOutcome, Outcome, Relevance};
use repository::Repository;
use settings::{FailOn, Missing};
use std::path::{Path, PathBuf};
use toolkit::{Annotation, Failure, List, PassEnv, Result, ResultExt, Runner};

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
    /// Whether only findings in changed lines count: auto (in workflows; pull requests and merge queues also look at
    /// changed files only), true (and look at changed files only), or false (all findings count).
    #[arg(long, default_value = "auto")]
    changed_only: ChangedOnly,
    /// Commit that the change is compared with; absent, the base of a pull request or merge queue, the head before a
    /// push, else where the default branch was left.
    #[arg(long)]
    base: Option<String>,
    /// SARIF file that `sarif-path` of an earlier run wrote; only findings that it does not have count.
    #[arg(long)]
    baseline: Option<PathBuf>,
    /// Package that the findings are of, by which baselines are told apart; absent, the repository's name.
    #[arg(long)]
    package: Option<String>,
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
    /// Fixes in place what can be fixed automatically, before it reports what is left.
    #[arg(long, help_heading = toolkit::CLI_ONLY)]
    fix: bool,
    /// Lists the linters, whether they are relevant here and why, and runs none.
    #[arg(long, help_heading = toolkit::CLI_ONLY)]
    list: bool,
    /// Environment variables that code of the repository may see besides the usual ones, separated by commas or line
    /// breaks; `MODEL_*` names all that begin so. Names that look like credentials are refused.
    #[arg(long)]
    pass_env: Option<PassEnv>,
}

/// When only what changed counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum ChangedOnly {
    /// In workflows.
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
        /// The linters that should have run and did not, or that failed, by name, with commas between.
        pub not_run: String,
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
            repository.fix(&linters, runner)?;
        }
        let wants_fixes = args.sarif_path.is_some() || args.patch_path.is_some();
        let outcome = repository.lint(&linters, wants_fixes, runner)?;
        report(&args, &repository, &outcome, runner)?;
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
fn report(args: &Args, repository: &Repository, outcome: &Outcome, runner: &Runner) -> Result<()> {
    let read = |path: &Path| report::read(&repository.root, path);
    let patch = report::merge(&outcome.findings, &repository.prefix, &read);
    if outcome.linters.iter().all(|linter| matches!(linter.relevance, Relevance::NotRelevant(_))) {
        runner.info("no linter is relevant here");
    }
    if runner.is_github() {
        annotate(repository, outcome, runner);
    } else {
        runner.info(&report::terminal(outcome, patch.fixes, &repository.root, runner.has_colour()));
    }
    let write = |path: &Path, bytes: &[u8]| {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).with_context(|| format!("failed to make {}", folder.display()))?;
        }
        std::fs::write(path, bytes).with_context(|| format!("failed to write {}", path.display()))
    };
    if let Some(path) = &args.sarif_path {
        let about = report::sarif::About {
            prefix: repository.prefix.clone(),
            package: repository.package.clone(),
            is_everything: repository.scope.is_everything(),
        };
        let document = report::sarif::document(outcome, &about, &read);
        write(path, format!("{document}\n").as_bytes())?;
    }
    if let Some(path) = &args.patch_path {
        write(path, &patch.bytes)?;
    }
    if runner.is_github() {
        let file = args.patch_path.as_ref().and_then(|path| path.file_name());
        let apply = file.map(|file| report::Apply {
            file: file.to_string_lossy().into_owned(),
            run: runner.env("GITHUB_RUN_ID").zip(runner.env("GITHUB_REPOSITORY")),
        });
        runner.summary(&report::summary(outcome, &patch, apply.as_ref()))?;
    }
    Ok(())
}

/// Annotations, and what a log says beside them.
fn annotate(repository: &Repository, outcome: &Outcome, runner: &Runner) {
    let headline = report::headline(outcome).text;
    // What did not run is a warning of its own where no finding says so.
    let is_told = |linter: &LinterOutcome| {
        let own = |finding: &&Finding| finding.linter == linter.name && finding.path.is_none();
        outcome.findings.iter().filter(own).any(|finding| finding.weight() != Severity::Notice)
    };
    let untold = outcome.linters.iter().filter(|linter| linter.did_not_run() && !is_told(linter));
    let ways_out: Vec<_> = untold
        .map(|linter| match &linter.relevance {
            Relevance::Missing(provided_by) => format!("{}: install {provided_by}", linter.name),
            Relevance::Failed(why) => format!("{}: {why}", linter.name),
            Relevance::Relevant(_) | Relevance::NotRelevant(_) => linter.name.clone(),
        })
        .collect();
    if ways_out.is_empty() {
        runner.info(&headline);
    } else {
        // One, since GitHub shows few.
        runner.warning(&format!("{headline} ({})", ways_out.join("; ")));
    }
    let (warnings, notices): (Vec<_>, Vec<_>) = outcome.notes.iter().partition(|note| note.is_warning);
    for note in warnings {
        runner.warning(&note.message);
    }
    if !notices.is_empty() {
        let notices: Vec<_> = notices.iter().map(|note| note.message.as_str()).collect();
        runner.annotate(&Annotation::notice(notices.join("\n")));
    }
    let report::Annotations { shown, rest } = report::annotations(&outcome.findings, &in_workspace(repository, runner));
    for annotation in shown {
        runner.annotate(&annotation);
    }
    if let Some(rest) = rest {
        runner.info(&rest);
    }
}

/// Where the repository is in the workspace; nothing if it is the workspace.
fn in_workspace(repository: &Repository, runner: &Runner) -> PathBuf {
    let workspace = runner.env("GITHUB_WORKSPACE").and_then(|workspace| Path::new(&workspace).canonicalize().ok());
    workspace.and_then(|workspace| repository.root.strip_prefix(workspace).ok().map(PathBuf::from)).unwrap_or_default()
}

fn outputs(args: &Args, outcome: &Outcome) -> Outputs {
    let count = |severity: Severity| {
        outcome.findings.iter().filter(|finding| finding.in_change && finding.severity == severity).count()
    };
    let path = |path: &Option<PathBuf>| path.as_ref().map(|path| path.display().to_string()).unwrap_or_default();
    let names = |is: fn(&LinterOutcome) -> bool| {
        let linters = outcome.linters.iter().filter(|linter| is(linter));
        linters.map(|linter| linter.name.as_str()).collect::<Vec<_>>().join(",")
    };
    Outputs {
        errors: count(Severity::Error),
        warnings: count(Severity::Warning),
        sarif: path(&args.sarif_path),
        patch: path(&args.patch_path),
        linters: names(|linter| matches!(linter.relevance, Relevance::Relevant(_))),
        not_run: names(LinterOutcome::did_not_run),
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
    let place = repository.scope.place();
    (!counted.is_empty()).then(|| Failure::work(format!("the linters found {counted}{place}")))
}

/// The categories that run if nobody says which.
const USUAL: [Category; 4] = [Category::Code, Category::Scripts, Category::Docs, Category::Workflows];
