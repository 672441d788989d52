// SPDX-License-Identifier: Apache-2.0
//! The repository that is linted: what is in it, what changed in it, what it configures.

mod fixes;
mod inputs;
mod outcomes;
mod tasks;

use crate::base::{Base, is_pull_request};
use crate::baseline::Baseline;
use crate::catalogue;
use crate::changed;
use crate::check;
use crate::definition::{Category, Linter};
use crate::exempt;
use crate::files::Tree;
use crate::finding::Finding;
use crate::git::Git;
use crate::globs::Globs;
use crate::normalise::{Known, arrange};
use crate::outcome::{Note, Outcome, Relevance};
use crate::run::{self, Ready};
use crate::scope::Scope;
use crate::select::{Selected, Surroundings, select};
use crate::settings::{FILE, FailOn, Missing, Settings, locate};
use crate::{Args, USUAL};
use inputs::{base, categories, settings};
use outcomes::{outcomes, outdated, refuse, unconfigured, unused};
use std::path::{Path, PathBuf};
use tasks::versions;
use toolkit::event::Event;
use toolkit::{Failure, Result, ResultExt, Runner};

/// The repository, and what is asked of it.
#[derive(Debug)]
pub struct Repository {
    /// The folder that is linted, an absolute path.
    pub root: PathBuf,
    /// Where that is in the git repository; empty if it is the top.
    pub prefix: PathBuf,
    /// Which findings count.
    pub scope: Scope,
    /// The findings that fail the action.
    pub fail_on: FailOn,
    /// What a missing program means.
    pub missing: Missing,
    /// The name of what is linted, for baselines.
    pub package: String,
    git: Option<Git>,
    tree: Tree,
    base: Option<Base>,
    is_pull_request: bool,
    settings: Settings,
    /// The text that definitions of linters come from, for messages about them.
    definitions: String,
    build: Option<PathBuf>,
    jobs: usize,
    notes: Vec<Note>,
}

impl Repository {
    /// Looks at everything that decides what runs.
    pub fn open(args: &Args, runner: &Runner) -> Result<Self> {
        let root = inputs::root(args)?;
        let git = Git::open(&root)?;
        let prefix = git.as_ref().map(Git::prefix).transpose()?.unwrap_or_default();
        let event = match runner.env("GITHUB_EVENT_PATH") {
            Some(_) => Some(Event::from_environment(runner)?),
            None => None,
        };
        let is_pull_request = event.as_ref().is_some_and(is_pull_request);
        let base = base(args, git.as_ref(), event.as_ref())?;
        if is_pull_request && base.is_none() {
            // Without it, nothing would say which configuration is trusted.
            return Err(Failure::input("in a pull request the base commit must be known, and nothing names it")
                .help("check out with git and `fetch-depth: 0`, or give base"));
        }
        let package = inputs::package(args, &root, &prefix, git.as_ref(), runner)?;
        let baseline = args.baseline.as_ref().map(|path| Baseline::read(path, &package)).transpose()?;
        let (scope, note) = Scope::find(args, git.as_ref(), base.as_ref(), event.as_ref(), baseline)?;
        let mut notes: Vec<Note> = note.into_iter().collect();
        let (settings, definitions) = settings(&root, git.as_ref(), base.as_ref().filter(|_| is_pull_request), runner)?;
        let exclude = Globs::new(&settings.exclude).input(format!("{FILE}: lint.exclude"))?;
        if let (Some(git), Some(base), Some(changed)) = (&git, &base, &scope.changed) {
            let before = inputs::exclude_at(git, base)?;
            notes.extend(exempt::sentence(git, base, changed, &before, &exclude)?.map(Note::warning));
        }
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
            prefix,
            scope,
            fail_on,
            missing,
            package,
            git,
            tree,
            base,
            is_pull_request,
            settings,
            definitions,
            build,
            jobs,
            notes,
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
        let copies = tempfile::tempdir().context("failed to make a temporary folder")?;
        let configurations = self.configurations(&selected, copies.path())?;
        let known = Known::new(&self.root, &self.tree);
        let done = run::all(versions(&selected, &configurations), &ready(&selected), &self.root, &known, self.jobs)?;
        Ok(Outcome { linters: outcomes(&selected, &done), ..Outcome::default() })
    }

    /// Runs the linters that are relevant; with the fixes that they have, if somebody wants them.
    pub fn lint(&self, linters: &[Linter], wants_fixes: bool, runner: &Runner) -> Result<Outcome> {
        let commits = self.commits()?;
        let mut selected = self.select(linters, commits.as_deref());
        let copies = tempfile::tempdir().context("failed to make a temporary folder")?;
        let mut findings = self.absent(&selected);
        let configurations = self.configurations(&selected, copies.path())?;
        findings.extend(refuse(&mut selected, &configurations));
        // Whatever changed: a linter that did not run found nothing.
        let mut always = unconfigured(&mut selected, &configurations, &self.root);
        let mut notes = self.notes.clone();
        notes.extend(unused(&selected, &configurations, &self.known()?, &self.tree.all));
        let checks = self.checks(&mut selected)?;
        notes.extend(checks.notes);
        always.extend(checks.findings);
        let mut tasks = self.tasks(&selected, &configurations, &checks.settings, commits.unwrap_or_default());
        // Short, so last.
        tasks.extend(versions(&selected, &configurations));
        let known = Known::new(&self.root, &self.tree);
        let work = || -> Result<Outcome> {
            let mut done = run::all(tasks, &ready(&selected), &self.root, &known, self.jobs)?;
            findings.extend(done.iter_mut().flat_map(|done| std::mem::take(&mut done.findings)));
            always.extend(outdated(&mut selected, &done, &mut findings));
            let mut findings = arrange(findings, self.scope.changed.as_ref());
            if let Some(baseline) = &self.scope.baseline {
                baseline.mark(&mut findings, &self.root, &self.prefix);
            }
            if wants_fixes {
                self.suggest(&selected, &configurations, &mut findings)?;
            }
            always.append(&mut findings);
            Ok(Outcome { linters: outcomes(&selected, &done), findings: always, notes })
        };
        runner.guarded(work).context("failed to guard the runner's command files")?
    }

    fn select<'a>(&'a self, linters: &'a [Linter], commits: Option<&[check::Commit]>) -> Vec<Selected<'a>> {
        let around = Surroundings {
            root: &self.root,
            tree: &self.tree,
            changed: self.scope.changed.as_ref(),
            looks_at_all: self.scope.looks_at_all,
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
        let fails = |selected: &&Selected| self.missing == Missing::Fail && selected.counts();
        let absent = selected.iter().filter(fails).filter_map(|selected| {
            let Relevance::Missing(provided_by) = &selected.relevance else { return None };
            let name = &selected.linter.name;
            let message = format!("{name} is relevant here, but its program is not on PATH; install {provided_by}");
            Some(Finding { rule: Some("missing".to_owned()), ..run::trouble(name, &message) })
        });
        absent.collect()
    }

    /// The top of the git repository, or the folder itself where there is none.
    fn top(&self) -> &Path {
        let depth = self.prefix.components().count();
        self.root.ancestors().nth(depth).unwrap_or(&self.root)
    }
}

fn ready<'a>(selected: &[Selected<'a>]) -> Vec<Ready<'a>> {
    selected.iter().map(|selected| Ready { linter: selected.linter, tool: selected.tool.clone() }).collect()
}
