// SPDX-License-Identifier: Apache-2.0
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
pub mod report;
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
use toolkit::{Failure, List, PassEnv, Result, ResultExt, Runner};

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
    /// Environment variables that code of the repository may see besides the usual ones, separated by commas or line
    /// breaks; `MODEL_*` names all that begin so. Names that look like credentials are refused.
    #[arg(long)]
    pass_env: Option<PassEnv>,
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
            repository.mend(&linters, runner)?;
        }
        let wants_fixes = args.sarif_path.is_some() || args.patch_path.is_some();
        let outcome = repository.lint(&linters, wants_fixes, runner)?;
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
    if repository.missing == Missing::Warn {
        let absent = outcome.linters.iter().filter_map(|linter| match &linter.relevance {
            Relevance::Missing(provided_by) => Some(format!("{} ({provided_by})", linter.name)),
            _ => None,
        });
        let absent: Vec<_> = absent.collect();
        if !absent.is_empty() {
            // One, since GitHub shows few.
            runner.warning(&format!("linters did not run, since they are not installed: {}", absent.join("; ")));
        }
    }
    if !outcome.linters.iter().any(|linter| matches!(linter.relevance, Relevance::Relevant(_))) {
        runner.info("no linter is relevant here");
    }
    let read = |path: &Path| report::read(&repository.root, path);
    if runner.is_github() {
        let report::Annotations { shown, rest } =
            report::annotations(&outcome.findings, &in_workspace(repository, runner));
        for annotation in shown {
            runner.annotate(&annotation);
        }
        if let Some(rest) = rest {
            runner.info(&rest);
        }
    } else {
        runner.info(&report::terminal(outcome, &repository.root, runner.has_colour()));
    }
    let write = |path: &Path, bytes: &[u8]| {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).with_context(|| format!("could not make {}", folder.display()))?;
        }
        std::fs::write(path, bytes).with_context(|| format!("could not write {}", path.display()))
    };
    if let Some(path) = &args.sarif_path {
        let document = report::sarif::document(outcome, &read);
        write(path, format!("{document}\n").as_bytes())?;
    }
    let patch = report::merge(&outcome.findings, &read);
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
