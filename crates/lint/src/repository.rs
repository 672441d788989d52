//! The repository that is linted: what is in it, what changed in it, what it configures.

use crate::catalogue;
use crate::changed::{self, Base, Changed};
use crate::check;
use crate::definition::{Category, Linter};
use crate::files::Tree;
use crate::finding::Finding;
use crate::git::Git;
use crate::globs::Globs;
use crate::normalise::{Known, arrange};
use crate::outcome::{LinterOutcome, Outcome, Relevance};
use crate::run::{self, Ready, Task};
use crate::schedule::{self, Work};
use crate::select::{Selected, Surroundings, select};
use crate::settings::{FILE, FailOn, Missing, Settings, locate};
use crate::trust::{Configuration, Trust, configuration};
use crate::{Args, ChangedOnly, USUAL};
use std::path::{Path, PathBuf};
use std::time::Duration;
use toolkit::event::Event;
use toolkit::{Annotation, Failure, List, Result, ResultExt, Runner};

/// The repository, and what is asked of it.
#[derive(Debug)]
pub struct Repository {
    /// Its root, an absolute path.
    pub root: PathBuf,
    /// What the change under review touched, if only that counts.
    pub changed: Option<Changed>,
    /// The findings that fail the action.
    pub fail_on: FailOn,
    /// What a missing program means.
    pub missing: Missing,
    git: Option<Git>,
    tree: Tree,
    base: Option<Base>,
    is_pull_request: bool,
    settings: Settings,
    /// The text that definitions of linters come from, for messages about them.
    definitions: String,
    build: Option<PathBuf>,
    jobs: usize,
}

impl Repository {
    /// Looks at everything that decides what runs.
    pub fn open(args: &Args, runner: &Runner) -> Result<Self> {
        let source = args.source_path.display();
        let root = args.source_path.canonicalize().map_err(|_| {
            Failure::input(format!("there is no folder {source}"))
                .help("check the sources out first, or correct source-path")
        })?;
        if !root.is_dir() {
            return Err(Failure::input(format!("{source} is not a folder")));
        }
        let git = Git::open(&root)?;
        let event = match runner.env("GITHUB_EVENT_PATH") {
            Some(_) => Some(Event::from_environment(runner)?),
            None => None,
        };
        let is_pull_request = event.as_ref().is_some_and(|event| changed::is_pull_request(&event.name));
        let changed_only = match args.changed_only {
            ChangedOnly::Auto => is_pull_request,
            ChangedOnly::True => true,
            ChangedOnly::False => false,
        };
        let base = base(args, git.as_ref(), event.as_ref(), changed_only || is_pull_request)?;
        let changed = match (&git, &base) {
            (Some(git), Some(base)) if changed_only => Some(changed::since(git, base)?),
            _ => None,
        };
        let (settings, definitions) = settings(&root, git.as_ref(), base.as_ref().filter(|_| is_pull_request), runner)?;
        let exclude = Globs::new(&settings.exclude).input(format!("{FILE}: lint.exclude"))?;
        let mut tree = Tree::find(&root, git.as_ref(), &exclude)?;
        let build = args.build_path.as_ref().map(|path| path.canonicalize().unwrap_or_else(|_| path.clone()));
        // What a build made is no source.
        if let Some(build) = build.as_ref().and_then(|build| build.strip_prefix(&root).ok()) {
            tree.files.retain(|file| build.as_os_str().is_empty() || !file.path.starts_with(build));
        }
        let jobs = match args.jobs {
            0 => std::thread::available_parallelism().map_or(1, usize::from),
            jobs => jobs,
        };
        let fail_on = args.fail_on.or(settings.fail_on).unwrap_or_default();
        let missing = args.missing.or(settings.missing).unwrap_or_default();
        Ok(Self {
            root,
            changed,
            fail_on,
            missing,
            git,
            tree,
            base,
            is_pull_request,
            settings,
            definitions,
            build,
            jobs,
        })
    }

    /// The linters that are asked for.
    pub fn linters(&self, args: &Args) -> Result<Vec<Linter>> {
        let linters = catalogue::merged(&self.settings.linter)
            .map_err(|(name, error)| Failure::from(locate(&self.definitions, &name, error)).as_input())?;
        let names: Vec<String> = match (&args.linters, &self.settings.linters) {
            (Some(names), _) => names.to_vec(),
            // Categories that are asked for are not asked for in vain.
            (None, Some(names)) if args.categories.is_none() => names.clone(),
            _ => Vec::new(),
        };
        let categories = match (&args.categories, &self.settings.categories) {
            (Some(list), _) => categories(list)?,
            (None, Some(list)) => list.clone(),
            (None, None) => USUAL.to_vec(),
        };
        catalogue::choose(linters, &names, &categories)
    }

    /// What each linter means here, with versions, without running any.
    pub fn survey(&self, linters: &[Linter]) -> Result<Outcome> {
        let commits = self.commits()?;
        let selected = self.select(linters, commits.as_deref());
        let known = Known::new(&self.root, &self.tree);
        let done = run::all(versions(&selected), &ready(&selected), &self.root, &known, self.jobs)?;
        Ok(Outcome { linters: outcomes(&selected, &done), findings: Vec::new() })
    }

    /// Runs the linters that are relevant.
    pub fn lint(&self, linters: &[Linter], runner: &Runner) -> Result<Outcome> {
        let commits = self.commits()?;
        let selected = self.select(linters, commits.as_deref());
        let copies = tempfile::tempdir().context("could not make a temporary folder")?;
        let mut findings = self.absent(&selected);
        let configurations = self.configurations(&selected, copies.path())?;
        findings.extend(refusals(&selected, &configurations));
        let mut tasks = self.tasks(&selected, &configurations, commits.unwrap_or_default());
        // Short, so last.
        tasks.extend(versions(&selected));
        let known = Known::new(&self.root, &self.tree);
        let work = || run::all(tasks, &ready(&selected), &self.root, &known, self.jobs);
        let mut done = runner.guarded(work).context("could not guard the runner's command files")??;
        findings.extend(done.iter_mut().flat_map(|done| std::mem::take(&mut done.findings)));
        Ok(Outcome { linters: outcomes(&selected, &done), findings: arrange(findings, self.changed.as_ref()) })
    }

    /// Runs the calls that mend, one linter after the other: they may change the same files.
    pub fn mend(&self, linters: &[Linter]) -> Result<Vec<Finding>> {
        let selected = self.select(linters, None);
        let copies = tempfile::tempdir().context("could not make a temporary folder")?;
        let configurations = self.configurations(&selected, copies.path())?;
        let mut findings = Vec::new();
        for (selected, configuration) in selected.iter().zip(&configurations) {
            let Some(fix) = selected.linter.fix.as_ref().filter(|fix| selected.runs() && !fix.prints_diff) else {
                continue;
            };
            let per = selected.linter.run.per;
            let (linter, files) = (selected.linter, selected.files.as_slice());
            let work = Work { index: 0, linter, files, configuration, arguments: &fix.args, per };
            for call in schedule::calls(&[work], self.jobs, self.build.as_deref()) {
                let ready = Ready { linter, tool: selected.tool.clone() };
                findings.extend(run::mend(&call, &ready, &self.root)?);
            }
        }
        Ok(findings)
    }

    fn select<'a>(&'a self, linters: &'a [Linter], commits: Option<&[check::Commit]>) -> Vec<Selected<'a>> {
        let around = Surroundings {
            root: &self.root,
            tree: &self.tree,
            changed: self.changed.as_ref(),
            build: self.build.as_deref(),
            commits: commits.map(<[_]>::len),
        };
        linters.iter().map(|linter| select(linter, &around)).collect()
    }

    fn commits(&self) -> Result<Option<Vec<check::Commit>>> {
        match (&self.git, &self.base) {
            (Some(git), Some(base)) => changed::commits(git, base).map(Some),
            _ => Ok(None),
        }
    }

    /// Errors about programs that are not there.
    fn absent(&self, selected: &[Selected]) -> Vec<Finding> {
        let absent = selected.iter().filter(|_| self.missing == Missing::Fail).filter_map(|selected| {
            let Relevance::Missing(provided_by) = &selected.relevance else { return None };
            let name = &selected.linter.name;
            let message = format!("{name} is relevant here, but its program is not on PATH; install {provided_by}");
            Some(Finding { rule: Some("missing".to_owned()), ..run::trouble(name, &message) })
        });
        absent.collect()
    }

    fn configurations(&self, selected: &[Selected], folder: &Path) -> Result<Vec<Configuration>> {
        let trust = match (&self.git, &self.base) {
            (Some(git), Some(base)) if self.is_pull_request => Trust::Base(git, base),
            _ => Trust::Tree,
        };
        let of = |selected: &Selected| match selected.runs() {
            true => configuration(selected.linter, &self.root, trust, folder),
            false => Ok(Configuration::default()),
        };
        selected.iter().map(of).collect()
    }

    fn tasks(
        &self,
        selected: &[Selected],
        configurations: &[Configuration],
        mut commits: Vec<check::Commit>,
    ) -> Vec<Task> {
        let (mut checks, mut work) = (Vec::new(), Vec::new());
        for (index, (selected, configuration)) in selected.iter().zip(configurations).enumerate() {
            let linter = selected.linter;
            if !selected.runs() || configuration.refused.is_some() {
                continue;
            }
            let Some(builtin) = &linter.run.builtin else {
                let has_project = crate::select::has_project(self.build.as_deref());
                work.push(Work::find(index, linter, &selected.files, configuration, has_project));
                continue;
            };
            let context = check::Context {
                root: self.root.clone(),
                files: self.tree.all.clone(),
                selected: selected.files.iter().map(|file| file.path.clone()).collect(),
                commits: if builtin == "commits" { std::mem::take(&mut commits) } else { Vec::new() },
                settings: self.settings.check.clone(),
            };
            checks.push(Task::Check { linter: index, context });
        }
        let calls = schedule::calls(&work, self.jobs, self.build.as_deref());
        calls.into_iter().map(Task::Call).chain(checks).collect()
    }
}

/// Where the change began. Without one, nothing says what changed; that matters if it `is_needed`.
fn base(args: &Args, git: Option<&Git>, event: Option<&Event>, is_needed: bool) -> Result<Option<Base>> {
    let Some(git) = git else {
        let wants = args.base.is_some() || args.changed_only == ChangedOnly::True;
        return if wants {
            Err(Failure::input(format!(
                "{} is in no git repository, so nothing says what changed",
                args.source_path.display()
            )))
        } else {
            Ok(None)
        };
    };
    match (&args.base, event.and_then(changed::base_of)) {
        (Some(name), _) => changed::base(git, name).map(Some),
        (None, Some(commit)) if is_needed => changed::base(git, &commit).map(Some),
        // What was pushed over may be gone.
        (None, Some(commit)) => Ok(changed::base(git, &commit).ok()),
        (None, None) if args.changed_only == ChangedOnly::True => {
            Err(Failure::input("changed-only needs a commit to compare with, and nothing names one").help("give base"))
        }
        (None, None) => Ok(None),
    }
}

/// The settings, and the text that its definitions of linters are in. They run programs, so in a pull
/// request they are those of the base commit.
fn settings(root: &Path, git: Option<&Git>, base: Option<&Base>, runner: &Runner) -> Result<(Settings, String)> {
    let path = root.join(FILE);
    let text = match std::fs::read(&path) {
        Ok(bytes) => String::from_utf8(bytes).map_err(|_| Failure::input(format!("{FILE} is no UTF-8")))?,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(error).context(format!("could not read {}", path.display())),
    };
    let mut settings = Settings::parse(&text).map_err(|error| Failure::from(error).as_input())?;
    let (Some(git), Some(base)) = (git, base) else { return Ok((settings, text)) };
    let at_base = changed::file_at(git, base, FILE)?.unwrap_or_default();
    let at_base = String::from_utf8_lossy(&at_base).into_owned();
    if at_base == text {
        return Ok((settings, text));
    }
    let trusted = Settings::parse(&at_base).context(format!("in the base commit {}", base.commit))?.linter;
    if trusted != settings.linter {
        let message = "the definitions of linters in this file run programs, so those of the base commit are used \
                       until the change is merged";
        runner.annotate(&Annotation::notice(message).at(FILE, 1, None));
    }
    settings.linter = trusted;
    Ok((settings, at_base))
}

fn categories(list: &List) -> Result<Vec<Category>> {
    let parse = |name: &String| {
        Category::named(name).ok_or_else(|| {
            let known: Vec<_> = Category::ALL.iter().map(|category| category.name()).collect();
            Failure::input(format!("unknown category {name:?}; there are {}", known.join(", ")))
        })
    };
    list.iter().map(parse).collect()
}

fn ready<'a>(selected: &[Selected<'a>]) -> Vec<Ready<'a>> {
    selected.iter().map(|selected| Ready { linter: selected.linter, tool: selected.tool.clone() }).collect()
}

fn versions(selected: &[Selected]) -> Vec<Task> {
    let asks = |selected: &Selected| selected.tool.is_some() && !selected.linter.run.version.is_empty();
    selected.iter().enumerate().filter(|(_, selected)| asks(selected)).map(|(index, _)| Task::Version(index)).collect()
}

/// Linters that cannot be kept from a configuration that nobody has looked at.
fn refusals(selected: &[Selected], configurations: &[Configuration]) -> Vec<Finding> {
    let refused = selected.iter().zip(configurations).filter_map(|(selected, configuration)| {
        let file = configuration.refused.as_ref()?;
        let name = &selected.linter.name;
        let message = format!(
            "{name} did not run: the pull request changes {file}, from which it runs programs, and it can be told \
             neither to use that of the base commit nor to use none"
        );
        let severity = crate::finding::Severity::Warning;
        Some(Finding { severity, rule: Some("untrusted".to_owned()), ..run::trouble(name, &message) })
    });
    refused.collect()
}

fn outcomes(selected: &[Selected], done: &[run::Done]) -> Vec<LinterOutcome> {
    let outcome = |(index, selected): (usize, &Selected)| {
        let own = || done.iter().filter(move |done| done.linter == index);
        LinterOutcome {
            name: selected.linter.name.clone(),
            category: selected.linter.category,
            homepage: selected.linter.homepage.clone(),
            relevance: selected.relevance.clone(),
            files: selected.files.len(),
            version: own().find_map(|done| done.version.clone()),
            tested: selected.linter.tested.clone(),
            tool: selected.tool.clone(),
            duration: own().map(|done| done.duration).sum::<Duration>(),
        }
    };
    selected.iter().enumerate().map(outcome).collect()
}
