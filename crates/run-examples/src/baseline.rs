// SPDX-License-Identifier: Apache-2.0
//! Comparing a run with an earlier one, and what is worse.

use crate::recorder::Example;
use artifact::{Arch, ExampleReport, ExampleResult, Outcome, PackageName, Regression, RegressionKind, Sha256};
use std::collections::HashMap;
use std::path::Path;
use std::str::FromStr;
use std::time::Duration;
use toolkit::{Failure, Result, ResultExt, human};

/// How bad a regression is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// It fails the step.
    Error,
    /// It is told.
    Warning,
    /// It is none.
    Ignore,
}

/// What counts as worse, and how bad it is.
#[derive(Clone, Debug, PartialEq)]
pub struct Rules {
    levels: HashMap<RegressionKind, Level>,
    /// From which factor on a duration has grown.
    pub slowdown: f64,
    /// From which difference on.
    pub floor: Duration,
}

/// Not a factor from 1 on.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("a factor is a number from 1 on, like 1.5")]
pub struct FactorError;

/// By how much something may grow.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Factor(pub f64);

impl FromStr for Factor {
    type Err = FactorError;

    fn from_str(text: &str) -> Result<Self, FactorError> {
        let factor: f64 = text.parse().map_err(|_| FactorError)?;
        if factor.is_finite() && factor >= 1.0 { Ok(Self(factor)) } else { Err(FactorError) }
    }
}

impl std::fmt::Display for Factor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

const KINDS: [(RegressionKind, &str, Level); 5] = [
    (RegressionKind::Failed, "failed", Level::Error),
    (RegressionKind::Skipped, "skipped", Level::Error),
    (RegressionKind::Disappeared, "disappeared", Level::Error),
    (RegressionKind::Output, "output", Level::Error),
    (RegressionKind::Slowdown, "slowdown", Level::Warning),
];

impl Rules {
    /// The usual ones, changed by items like `slowdown=error`.
    pub fn new(changes: &[String], slowdown: f64, floor: Duration) -> Result<Self> {
        let mut levels: HashMap<_, _> = KINDS.iter().map(|(kind, _, level)| (*kind, *level)).collect();
        for change in changes {
            let parsed = change.split_once('=').and_then(|(kind, level)| {
                let kind = KINDS.iter().find(|(_, name, _)| *name == kind.trim())?.0;
                let level = match level.trim() {
                    "error" => Level::Error,
                    "warning" => Level::Warning,
                    "ignore" => Level::Ignore,
                    _ => return None,
                };
                Some((kind, level))
            });
            let (kind, level) = parsed.ok_or_else(|| {
                Failure::input(format!("{change:?} does not say how bad a regression is")).help(
                    "failed, skipped, disappeared, output or slowdown, then =, then error, warning or ignore: slowdown=error",
                )
            })?;
            levels.insert(kind, level);
        }
        Ok(Self { levels, slowdown, floor })
    }

    /// How bad a kind is.
    pub fn level(&self, kind: RegressionKind) -> Level {
        self.levels.get(&kind).copied().unwrap_or(Level::Error)
    }
}

/// What a run must have in common with the earlier one.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// The package.
    pub package: &'a PackageName,
    /// The machine.
    pub arch: Arch,
    /// Whether valgrind watches.
    pub valgrind: bool,
}

/// Reads the reports of an earlier run, `<path>` or `<path>=<sha256>`, and returns the one that fits. All of them must
/// be readable, about this package and architecture, and what their digests say; only valgrind may be another.
pub fn read(files: &[String], subject: Subject<'_>) -> Result<Option<ExampleReport>> {
    let mut fitting = None;
    for item in files {
        let (path, sha256) = match item.rsplit_once('=').map(|(path, digest)| (path, digest.parse())) {
            Some((path, Ok(sha256))) => (path, Some(sha256)),
            _ => (item.as_str(), None),
        };
        let report = read_file(Path::new(path), sha256, subject)?;
        if report.valgrind != subject.valgrind {
            continue;
        }
        if fitting.replace(report).is_some() {
            return Err(Failure::input(format!("the baseline {path} is the second one that fits"))
                .help("give one report for each kind of run"));
        }
    }
    Ok(fitting)
}

fn read_file(file: &Path, sha256: Option<Sha256>, subject: Subject<'_>) -> Result<ExampleReport> {
    let shown = file.display();
    let text = std::fs::read(file)
        .input(format!("failed to read the baseline {shown}"))
        .help("give exact files, and none as long as there is no baseline")?;
    let found = Sha256::of(&text);
    if let Some(expected) = sha256.filter(|expected| *expected != found) {
        return Err(Failure::input(format!("the baseline {shown} has the digest {found}, not {expected}"))
            .help("it changed after it was fetched: see what writes to it"));
    }
    let baseline = ExampleReport::parse(&text).input(format!("the baseline {shown} cannot be used"))?;
    let Subject { package, arch, .. } = subject;
    if (&baseline.package, baseline.arch) != (package, arch) {
        return Err(Failure::input(format!(
            "the baseline {shown} is about {} on {}, and this run is about {package} on {arch}",
            baseline.package, baseline.arch
        )));
    }
    Ok(baseline)
}

/// What is worse. Examples of the baseline that the filter does not want are left out.
pub fn compare(
    baseline: &ExampleReport,
    examples: &[Example],
    rules: &Rules,
    wanted: impl Fn(&str) -> bool,
) -> Vec<Regression> {
    let now: HashMap<_, _> = examples.iter().map(|example| (example.name.as_str(), example)).collect();
    let mut regressions = Vec::new();
    for before in baseline.examples.iter().filter(|before| wanted(&before.name)) {
        let found = match now.get(before.name.as_str()) {
            None => vec![(RegressionKind::Disappeared, format!("{}, and now it is not there", past(before.outcome)))],
            Some(example) => worse(before, example, rules),
        };
        // The worst that counts.
        let found = found.into_iter().find(|(kind, _)| rules.level(*kind) != Level::Ignore);
        regressions.extend(found.map(|(kind, detail)| Regression { example: before.name.clone(), kind, detail }));
    }
    regressions
}

/// What a comparison with this report leaves out.
pub fn unjudged(baseline: &ExampleReport) -> Option<&'static str> {
    // A published report tells no times, so that equal bundles are equal bytes; a quick example may take none.
    let timeless = !baseline.examples.is_empty() && baseline.examples.iter().all(|before| before.duration_ms == 0);
    timeless.then_some("the baseline tells no times, so slowdowns were not looked for")
}

/// In what respects an example is worse, the worst first.
fn worse(before: &ExampleResult, now: &Example, rules: &Rules) -> Vec<(RegressionKind, String)> {
    let reason = || now.detail.as_ref().map_or_else(String::new, |detail| format!(" ({detail})"));
    match (before.outcome, now.outcome) {
        (Outcome::Pass | Outcome::Skip, Outcome::Fail | Outcome::Unknown) => {
            let now = if now.outcome == Outcome::Fail { "now it fails" } else { "now nobody knows how it ended" };
            vec![(RegressionKind::Failed, format!("{}, and {now}{}", past(before.outcome), reason()))]
        }
        (Outcome::Pass | Outcome::Fail, Outcome::Skip) => {
            vec![(RegressionKind::Skipped, format!("{}, and now it is skipped{}", past(before.outcome), reason()))]
        }
        (Outcome::Pass, Outcome::Pass) => {
            let output = before.output_sha256.zip(now.digest).is_some_and(|(before, now)| before != now);
            let output = output.then(|| (RegressionKind::Output, "its output is another one".to_owned()));
            let earlier = Duration::from_millis(before.duration_ms);
            let slow = before.duration_ms > 0
                && now.duration.saturating_sub(earlier) > rules.floor
                && now.duration.as_secs_f64() > earlier.as_secs_f64() * rules.slowdown;
            let slow = slow.then(|| {
                let detail = format!("it took {}, and now {}", human::duration(earlier), human::duration(now.duration));
                (RegressionKind::Slowdown, detail)
            });
            output.into_iter().chain(slow).collect()
        }
        _ => Vec::new(),
    }
}

fn past(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Pass => "it passed",
        Outcome::Fail => "it failed",
        Outcome::Skip => "it was skipped",
        Outcome::Unknown => "nobody knew how it ended",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use artifact::Sha256;

    fn example(name: &str, outcome: Outcome, milliseconds: u64, output: &[u8]) -> Example {
        Example {
            duration: Duration::from_millis(milliseconds),
            digest: Some(Sha256::of(output)),
            ..Example::new(name, outcome)
        }
    }

    fn before(name: &str, outcome: Outcome, duration_ms: u64) -> ExampleResult {
        ExampleResult {
            name: name.into(),
            outcome,
            duration_ms,
            detail: None,
            plugin: None,
            output_sha256: Some(Sha256::of(b"x")),
            leftovers: Vec::new(),
            under_valgrind: None,
        }
    }

    fn report(examples: Vec<ExampleResult>) -> ExampleReport {
        ExampleReport {
            schema: 1,
            package: "hello".parse().unwrap(),
            arch: Arch::X86_64,
            valgrind: false,
            examples,
            not_run: 0,
            context: Vec::new(),
            tree_sha256: None,
            regressions: Vec::new(),
            leftovers: Vec::new(),
            notes: Vec::new(),
        }
    }

    #[test]
    fn each_kind_is_found() {
        use Outcome::{Fail, Pass, Skip};
        let baseline = report(vec![
            before("same", Pass, 100),
            before("fails", Pass, 100),
            before("failed before", Fail, 100),
            before("skipped", Fail, 100),
            before("gone", Skip, 100),
            before("unwanted", Pass, 100),
            before("says something else", Pass, 100),
            before("slow", Pass, 100),
            before("a bit slower", Pass, 100),
            before("slow but short", Pass, 1),
            before("without a time", Pass, 0),
        ]);
        let examples = [
            example("same", Pass, 100, b"x"),
            example("fails", Fail, 100, b"x"),
            example("failed before", Fail, 100, b"y"),
            example("skipped", Skip, 0, b"x"),
            example("says something else", Pass, 900, b"y"),
            example("slow", Pass, 160, b"x"),
            example("a bit slower", Pass, 149, b"x"),
            example("slow but short", Pass, 30, b"x"),
            example("without a time", Pass, 900, b"x"),
            example("new", Fail, 900, b"x"),
        ];
        let rules = |changes: &[&str]| {
            let changes: Vec<_> = changes.iter().map(ToString::to_string).collect();
            Rules::new(&changes, 1.5, Duration::from_millis(50)).unwrap()
        };
        let told = |rules: &Rules| {
            let found = compare(&baseline, &examples, rules, |name| name != "unwanted");
            let lines = found.iter().map(|found| {
                format!("{:?} {:?}: {}: {}", rules.level(found.kind), found.kind, found.example, found.detail)
            });
            lines.collect::<Vec<_>>().join("\n")
        };
        insta::assert_snapshot!(told(&rules(&[])), @"
        Error Failed: fails: it passed, and now it fails
        Error Skipped: skipped: it failed, and now it is skipped
        Error Disappeared: gone: it was skipped, and now it is not there
        Error Output: says something else: its output is another one
        Warning Slowdown: slow: it took 100 ms, and now 160 ms
        ");
        let others =
            rules(&["slowdown=error", " output = ignore ", "failed=warning", "skipped=ignore", "disappeared=ignore"]);
        insta::assert_snapshot!(told(&others), @"
        Warning Failed: fails: it passed, and now it fails
        Error Slowdown: says something else: it took 100 ms, and now 900 ms
        Error Slowdown: slow: it took 100 ms, and now 160 ms
        ");
    }

    #[test]
    fn rules_and_factors_are_checked() {
        for wrong in ["slow=error", "slowdown", "slowdown=bad"] {
            assert!(Rules::new(&[wrong.to_owned()], 1.5, Duration::ZERO).is_err(), "{wrong}");
        }
        for wrong in ["0.9", "x", "inf", "-2"] {
            assert!(wrong.parse::<Factor>().is_err(), "{wrong}");
        }
        assert_eq!("1.5".parse(), Ok(Factor(1.5)));
    }

    #[test]
    fn a_baseline_that_cannot_be_read_or_is_about_something_else_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("baseline.json").display().to_string();
        let package = "hello".parse().unwrap();
        let subject = Subject { package: &package, arch: Arch::Aarch64, valgrind: false };
        let refused = |item: &str| {
            let failure = read(&[item.to_owned()], subject).unwrap_err();
            assert_eq!(failure.status().code(), 2);
            let told = failure.to_string().replace(&file, "<file>");
            told.replace(&folder.path().display().to_string(), "<folder>")
        };
        let good = report(Vec::new()).to_canonical_json();
        let newer = String::from_utf8(good.clone()).unwrap().replace("\"schema\": 1", "\"schema\": 9");
        let mut told = vec![refused(&file), refused(&folder.path().display().to_string())];
        for text in [&good[..], newer.as_bytes(), b"{}"] {
            std::fs::write(&file, text).unwrap();
            told.push(refused(&file));
        }
        std::fs::write(&file, &good).unwrap();
        told.push(refused(&format!("{file}={}", Sha256::of(b"fetched"))));
        insta::assert_snapshot!(told.join("\n\n"));
    }

    #[test]
    fn of_several_reports_the_one_that_fits_is_taken() {
        let folder = tempfile::tempdir().unwrap();
        let package = "hello".parse().unwrap();
        let plain = report(vec![before("a", Outcome::Pass, 1)]);
        let watched = ExampleReport { valgrind: true, ..report(vec![before("c", Outcome::Pass, 1)]) };
        let write = |name: &str, report: &ExampleReport| {
            let (path, text) = (folder.path().join(name), report.to_canonical_json());
            std::fs::write(&path, &text).unwrap();
            format!("{}={}", path.display(), Sha256::of(&text))
        };
        let (first, second) = (write("a.json", &plain), write("b=c.json", &watched));
        let without_digest = first.rsplit_once('=').unwrap().0.to_owned();
        let found = |valgrind, files: &[&String]| {
            let subject = Subject { package: &package, arch: Arch::X86_64, valgrind };
            let files: Vec<_> = files.iter().map(|file| (*file).clone()).collect();
            read(&files, subject).map_err(|failure| failure.messages().join(": "))
        };
        assert_eq!(found(false, &[&first, &second]), Ok(Some(plain.clone())));
        assert_eq!(found(true, &[&second, &first]), Ok(Some(watched)));
        assert_eq!(found(false, &[&without_digest]), Ok(Some(plain)));
        assert_eq!(found(true, &[&first]), Ok(None));
        assert_eq!(found(true, &[]), Ok(None));
        assert!(found(false, &[&first, &without_digest]).unwrap_err().ends_with("is the second one that fits"));
    }
}
