// SPDX-License-Identifier: Apache-2.0
//! The repository that is linted: what is in it, what changed in it, what it configures.

mod inputs;
mod mend;

use crate::catalogue;
use crate::changed::{self, Base, Changed};
use crate::check;
use crate::definition::{Category, Linter};
use crate::files::Tree;
use crate::finding::{Finding, Severity};
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
use inputs::{base, categories, settings};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;
use toolkit::event::Event;
use toolkit::{Failure, Result, ResultExt, Runner};

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
        if is_pull_request && base.is_none() {
            // Without it, nothing would say which configuration is trusted.
            return Err(Failure::input("in a pull request the base commit must be known, and nothing names it")
                .help("check out with git and `fetch-depth: 0`, or give base"));
        }
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

    /// Every linter that is known here.
    pub fn known(&self) -> Result<Vec<Linter>> {
        catalogue::merged(&self.settings.linter)
            .map_err(|(name, error)| Failure::from(locate(&self.definitions, &name, error)).as_input())
    }

    /// The linters that are asked for.
    pub fn linters(&self, args: &Args) -> Result<Vec<Linter>> {
        let linters = self.known()?;
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

    /// What every linter means here, with versions, without running any; those that are not `asked` for
    /// are not relevant.
    pub fn survey(&self, asked: &[Linter]) -> Result<Outcome> {
        let linters = catalogue::choose(self.known()?, &[], &Category::ALL)?;
        let commits = self.commits()?;
        let mut selected = self.select(&linters, commits.as_deref());
        for selected in &mut selected {
            if asked.iter().all(|asked| asked.name != selected.linter.name) {
                selected.relevance = Relevance::NotRelevant("it is not asked for".to_owned());
            }
        }
        let copies = tempfile::tempdir().context("could not make a temporary folder")?;
        let configurations = self.configurations(&selected, copies.path())?;
        let known = Known::new(&self.root, &self.tree);
        let done = run::all(versions(&selected, &configurations), &ready(&selected), &self.root, &known, self.jobs)?;
        Ok(Outcome { linters: outcomes(&selected, &done), findings: Vec::new() })
    }

    /// Runs the linters that are relevant; with the fixes that they have, if somebody wants them.
    pub fn lint(&self, linters: &[Linter], wants_fixes: bool, runner: &Runner) -> Result<Outcome> {
        let commits = self.commits()?;
        let mut selected = self.select(linters, commits.as_deref());
        let copies = tempfile::tempdir().context("could not make a temporary folder")?;
        let mut findings = self.absent(&selected);
        let configurations = self.configurations(&selected, copies.path())?;
        findings.extend(refuse(&mut selected, &configurations));
        let mut tasks = self.tasks(&selected, &configurations, commits.unwrap_or_default());
        // Short, so last.
        tasks.extend(versions(&selected, &configurations));
        let known = Known::new(&self.root, &self.tree);
        let work = || -> Result<Outcome> {
            let mut done = run::all(tasks, &ready(&selected), &self.root, &known, self.jobs)?;
            findings.extend(done.iter_mut().flat_map(|done| std::mem::take(&mut done.findings)));
            let mut findings = arrange(findings, self.changed.as_ref());
            if wants_fixes {
                self.suggest(&selected, &configurations, &mut findings)?;
            }
            Ok(Outcome { linters: outcomes(&selected, &done), findings })
        };
        runner.guarded(work).context("could not guard the runner's command files")?
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
        let of = |selected: &Selected| {
            if selected.runs() {
                configuration(selected.linter, &self.root, trust, folder)
            } else {
                Ok(Configuration::default())
            }
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
            if !selected.runs() {
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

fn ready<'a>(selected: &[Selected<'a>]) -> Vec<Ready<'a>> {
    selected.iter().map(|selected| Ready { linter: selected.linter, tool: selected.tool.clone() }).collect()
}

/// The questions for versions, one for linters of the same program. Also this is a call, which does not
/// belong where configuration is not trusted.
fn versions(selected: &[Selected], configurations: &[Configuration]) -> Vec<Task> {
    let asks = |(selected, configuration): (&Selected, &Configuration)| {
        selected.tool.is_some() && !selected.linter.run.version.is_empty() && configuration.touched.is_none()
    };
    let mut asked = BTreeSet::new();
    let all = selected.iter().zip(configurations).enumerate().filter(|(_, both)| asks(*both));
    let first = all.filter(|(_, (selected, _))| asked.insert(selected.version_question()));
    first.map(|(index, _)| Task::Version(index)).collect()
}

/// Lets no linter run that cannot be kept from a configuration that nobody has looked at, and says so.
fn refuse(selected: &mut [Selected], configurations: &[Configuration]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (selected, configuration) in selected.iter_mut().zip(configurations) {
        let Some(file) = configuration.touched.as_ref().filter(|_| configuration.refused) else { continue };
        let name = &selected.linter.name;
        let message = format!(
            "{name} did not run: the pull request changes {file}, from which it runs programs, and it can be told \
             neither to use that of the base commit nor to use none"
        );
        let severity = Severity::Warning;
        findings.push(Finding { severity, rule: Some("untrusted".to_owned()), ..run::trouble(name, &message) });
        selected.relevance = Relevance::NotRelevant(format!("the pull request changes {file}, which is not trusted"));
    }
    findings
}

fn outcomes(selected: &[Selected], done: &[run::Done]) -> Vec<LinterOutcome> {
    let version = |one: &Selected| {
        let same = |done: &&run::Done| {
            selected.get(done.linter).is_some_and(|other| other.version_question() == one.version_question())
        };
        done.iter().filter(same).find_map(|done| done.version.clone())
    };
    let outcome = |(index, selected): (usize, &Selected)| {
        let own = || done.iter().filter(move |done| done.linter == index);
        LinterOutcome {
            name: selected.linter.name.clone(),
            category: selected.linter.category,
            homepage: selected.linter.homepage.clone(),
            relevance: selected.relevance.clone(),
            files: selected.files.len(),
            version: version(selected),
            tested: selected.linter.tested.clone(),
            tool: selected.tool.clone(),
            duration: own().map(|done| done.duration).sum::<Duration>(),
        }
    };
    selected.iter().enumerate().map(outcome).collect()
}
