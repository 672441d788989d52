// SPDX-License-Identifier: Apache-2.0
//! What a run of the examples does, from the inputs to the outputs.

use crate::baseline::{self, Level, Rules, Subject};
use crate::choice::{self, Choice};
use crate::context::Context;
use crate::environment::{SearchPaths, installed};
use crate::examples::Machine;
use crate::recorder::Example;
use crate::report::Report;
use crate::subject_tree::SubjectTree;
use crate::{Args, Outputs, from_manifest, from_script, junit};
use artifact::{Arch, Outcome, Regression, RegressionKind};
use std::path::{Path, PathBuf};
use std::time::Duration;
use toolkit::{Failure, Result, Runner, Tool};

const VALGRIND: Tool = Tool { program: "valgrind", provided_by: "the Debian package valgrind" };

/// How many names of failed examples the final error lists.
const NAMED: usize = 5;

/// The inputs after checking.
pub struct Settings<'a> {
    /// As they were given.
    pub args: &'a Args,
    /// The source tree.
    pub source: PathBuf,
    /// The folder that holds the install tree.
    pub destdir: PathBuf,
    /// The folder of the prefix in it.
    pub tree: PathBuf,
    /// Where programs and libraries are looked for.
    pub search_paths: SearchPaths,
    /// How programs of the tree run here.
    pub machine: Machine,
    /// What this machine has.
    pub context: Context,
    /// Which examples are wanted.
    pub filter: Option<glob::Pattern>,
    /// valgrind, if it is to watch.
    pub valgrind: Option<PathBuf>,
    /// The examples that need not run under it.
    pub without_valgrind: Vec<glob::Pattern>,
    /// Files that this run writes.
    pub written: [PathBuf; 2],
}

/// Finds the examples, prepares what they need, runs them, compares, and tells how each went.
pub fn run(args: Args, runner: &Runner) -> Result<Outputs> {
    let source = source_folder(&args.source_path)?;
    let choice = choice::choose(&source, args.script.as_deref(), args.manifest.as_deref())?;
    let report_path = std::path::absolute(&args.report_path)?;
    let junit_path = report_path.with_extension("xml");
    let settings = settings(&args, source, [report_path.clone(), junit_path.clone()])?;
    let (rules, baseline) = comparison(&args, settings.machine.arch())?;
    let tree = SubjectTree::read(&settings.destdir, args.tree_sha256)?;
    // The report of an earlier run must not speak for this one.
    for path in [&report_path, &junit_path] {
        let _ = std::fs::remove_file(path);
    }

    toolkit::provide_runtime_folder(runner);
    let mut report = match &choice {
        Choice::Script(script) => from_script::run(&settings, script, runner)?,
        Choice::Manifest(manifest) => from_manifest::run(&settings, manifest, runner)?,
    };
    // A report about a tree that changed vouches for neither.
    let unchanged = tree.check();
    report.tree_sha256 = unchanged.is_ok().then(|| tree.sha256());
    report.notes.extend(unchanged.as_ref().err().and_then(|failure| failure.messages().first()).cloned());
    if let Some(baseline) = baseline {
        let found = baseline::compare(&baseline, &report.examples, &rules, |name| settings.wants(name));
        report.regressions = found.into_iter().map(|found| (found.clone(), rules.level(found.kind))).collect();
        report.notes.extend(baseline::unjudged(&baseline).map(str::to_owned));
        report.baseline = Some(baseline);
    } else if args.baseline.is_some() {
        report.notes.push("there is no report of an earlier run that this one could be compared with".to_owned());
    }

    report.annotate(runner);
    report.write(&report_path)?;
    toolkit::write_file(&junit_path, junit::render(&report).as_bytes())?;
    runner.summary(&report.summary())?;
    let outputs = Outputs {
        passed: report.count(Outcome::Pass),
        failed: report.count(Outcome::Fail),
        skipped: report.count(Outcome::Skip),
        unknown: report.count(Outcome::Unknown),
        not_run: report.not_run,
        regressions: report.regressions.len(),
        tree_sha256: tree.sha256().to_string(),
        report: report_path,
        junit: junit_path,
    };
    let refused = report.refused.take().map_or(Ok(()), Err);
    let verdict = unchanged.and(refused).and_then(|()| judge(&report)).and_then(|()| settings.refuse_nothing(&report));
    if let Err(failure) = verdict {
        // A step that fails has outputs too: whoever goes on regardless wants to know.
        runner.outputs(&outputs)?;
        return Err(failure);
    }
    Ok(outputs)
}

impl Settings<'_> {
    /// Whether the filter wants an example of this name.
    pub fn wants(&self, name: &str) -> bool {
        let Some(filter) = &self.filter else { return true };
        let without_plugin = name.strip_suffix(']').and_then(|name| name.rsplit_once(" [")).map(|(name, _)| name);
        filter.matches(name) || without_plugin.is_some_and(|name| filter.matches(name))
    }

    /// An error if not one example ran here.
    fn refuse_nothing(&self, report: &Report) -> Result<()> {
        let relevant = report.count(Outcome::Skip) < report.examples.len();
        if relevant || self.args.allow_empty {
            return Ok(());
        }
        let reason = report.examples.iter().find_map(|example| example.detail.as_deref()).unwrap_or("skipped");
        let help = if self.machine.is_native() {
            "name in `context` what this machine has, or set allow-empty"
        } else {
            "install qemu-user and register it with the kernel (Debian: qemu-user-static, binfmt-support), or set allow-empty"
        };
        Err(Failure::input(format!("none of the examples ran here: {reason}")).help(help))
    }

    /// What should run under valgrind and was not seen to has failed, unless the repository's settings allow it.
    pub fn require_valgrind(&self, examples: &mut [Example]) {
        for example in examples.iter_mut().filter(|example| example.under_valgrind == Some(false)) {
            let allowed = self.without_valgrind.iter().any(|glob| glob.matches(&example.name));
            if example.outcome == Outcome::Pass {
                example.outcome = if allowed { Outcome::Pass } else { Outcome::Fail };
                example.detail = Some("not run under valgrind".to_owned());
            }
        }
    }

    /// The files that this run writes.
    pub fn written(&self) -> [&Path; 2] {
        [&self.written[0], &self.written[1]]
    }

    /// The error that a filter wants nothing at all.
    pub fn nothing_wanted(&self, names: &[&str]) -> Failure {
        let filter = self.args.filter.as_deref().unwrap_or_default();
        Failure::input(format!("the filter {filter:?} matches no example")).help(format!("there are {}", listed(names)))
    }
}

/// What is said of something that was stopped because its time was over.
pub fn timed_out(after: Duration) -> String {
    format!("timed out after {} s", after.as_secs())
}

fn source_folder(path: &Path) -> Result<PathBuf> {
    match path.canonicalize() {
        Ok(folder) if folder.is_dir() => Ok(folder),
        _ => Err(Failure::input(format!("the source tree {} does not exist", path.display()))
            .help("check the repository out first, or correct source-path")),
    }
}

fn settings(args: &Args, source: PathBuf, written: [PathBuf; 2]) -> Result<Settings<'_>> {
    let arch = args.arch.or_else(Arch::host).ok_or_else(|| {
        Failure::work("this machine has none of the architectures we know").help("name one with arch")
    })?;
    let destdir = std::path::absolute(&args.destdir)?;
    let tree = installed(&destdir, &args.prefix)?;
    let mut search_paths = SearchPaths::default();
    search_paths.add(&tree, arch.multiarch());
    for root in args.pkgconfig_prefix.iter().flat_map(|list| list.iter()) {
        search_paths.add_dependency(root, arch.multiarch())?;
    }
    let named = args.context.as_deref().unwrap_or_default();
    let mut context = Context::new(named, arch, args.runner.as_deref())
        .map_err(|error| Failure::input(format!("the context cannot be read: {error}")))?;
    for library in search_paths.libraries("libvaccel-") {
        let name = library.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let plugin = name.strip_prefix("libvaccel-").and_then(|name| name.split_once(".so")).map(|(plugin, _)| plugin);
        if let Some(plugin) = plugin {
            context.add_plugin(plugin);
        }
    }
    let filter = args.filter.as_deref().map(glob::Pattern::new).transpose();
    let filter = filter.map_err(|error| {
        let filter = args.filter.as_deref().unwrap_or_default();
        Failure::input(format!("the filter {filter:?} is not a glob: {}", error.msg))
    })?;
    let valgrind = if args.valgrind { Some(VALGRIND.find()?) } else { None };
    let without_valgrind = choice::without_valgrind(&source)?;
    let machine = Machine::detect(arch, Arch::host());
    Ok(Settings {
        args,
        source,
        destdir,
        tree,
        search_paths,
        machine,
        context,
        filter,
        valgrind,
        without_valgrind,
        written,
    })
}

fn comparison(args: &Args, arch: Arch) -> Result<(Rules, Option<artifact::ExampleReport>)> {
    let levels = args.regression_levels.as_deref().unwrap_or_default();
    let rules = Rules::new(levels, args.slowdown.0, Duration::from_millis(args.slowdown_floor))?;
    let subject = Subject { package: &args.package, arch, valgrind: args.valgrind };
    let files = args.baseline.as_deref().unwrap_or_default();
    Ok((rules, baseline::read(files, subject)?))
}

/// A failed example and a regression fail the step, after everything has been told.
fn judge(report: &Report) -> Result<()> {
    let failed: Vec<_> = report.with(Outcome::Fail).map(|example| example.name.as_str()).collect();
    let unknown: Vec<_> = report.with(Outcome::Unknown).map(|example| example.name.as_str()).collect();
    let is_told = |found: &Regression| failed.iter().chain(&unknown).any(|name| *name == found.example);
    let worse = report
        .regressions
        .iter()
        .filter(|(found, level)| *level == Level::Error && (found.kind != RegressionKind::Failed || !is_told(found)));
    let worse: Vec<_> = worse.map(|(found, _)| found.example.as_str()).collect();
    let mut reasons = Vec::new();
    if !failed.is_empty() {
        let plural = if report.examples.len() == 1 { "" } else { "s" };
        let total = report.examples.len();
        reasons.push(format!("{} of {total} example{plural} failed: {}", failed.len(), listed(&failed)));
    }
    if !unknown.is_empty() {
        let is = if unknown.len() == 1 { "is" } else { "are" };
        reasons.push(format!("the results of {} {is} unknown: {}", unknown.len(), listed(&unknown)));
    }
    if !worse.is_empty() {
        let are = if worse.len() == 1 { " is" } else { "s are" };
        reasons.push(format!("{} example{are} worse than in the baseline: {}", worse.len(), listed(&worse)));
    }
    if reasons.is_empty() { Ok(()) } else { Err(Failure::work(reasons.join("; "))) }
}

/// The first names of a list.
pub fn listed(names: &[&str]) -> String {
    let more = names.len().saturating_sub(NAMED);
    let first = names.iter().take(NAMED).copied().collect::<Vec<_>>().join(", ");
    if more == 0 { first } else { format!("{first} and {more} more") }
}
