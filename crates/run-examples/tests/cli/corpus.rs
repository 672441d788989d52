// SPDX-License-Identifier: Apache-2.0
//! Scripts and outputs of many kinds, whose right verdicts are written down in `tests/corpus/verdicts.toml`.

use crate::support::{Project, run};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use testbed::tools;

type Table = BTreeMap<String, BTreeMap<String, Verdicts>>;

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
struct Verdicts {
    both: Option<Vec<String>>,
    sh: Option<Vec<String>>,
    bash: Option<Vec<String>>,
    status: Option<i32>,
    exit: i32,
    says: String,
    not_run: u64,
    durations: Vec<u64>,
}

struct Case<'a> {
    kind: &'a str,
    name: &'a str,
    shell: &'static str,
    results: &'a [String],
    verdicts: &'a Verdicts,
}

fn corpus() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus")
}

#[test]
fn every_verdict_is_the_right_one() {
    tools::require(&[tools::BASE], &|_| ()).unwrap();
    let table: Table = toml::from_str(&fs::read_to_string(corpus().join("verdicts.toml")).unwrap()).unwrap();
    let mut cases = Vec::new();
    for (kind, files) in &table {
        for (name, verdicts) in files {
            for (shell, own) in [("sh", &verdicts.sh), ("bash", &verdicts.bash)] {
                if let Some(results) = own.as_ref().or(verdicts.both.as_ref()) {
                    cases.push(Case { kind, name, shell, results, verdicts });
                }
            }
        }
    }
    let files: usize = ["traced", "tap", "whole", "valgrind"]
        .iter()
        .map(|kind| fs::read_dir(corpus().join(kind)).unwrap().count())
        .sum();
    assert_eq!(files, table.values().map(BTreeMap::len).sum::<usize>(), "a file without a verdict, or the reverse");
    let programs = Programs::build();
    let (next, wrong) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while let Some(case) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
                    // Parts of a pipe in dash may mix their lines of the trace; then a result is unknown, which fails, too.
                    let tries = if case.shell == "sh" { 4 } else { 1 };
                    let found = (0..tries)
                        .map(|_| case.differences(&programs))
                        .find(Option::is_none)
                        .unwrap_or_else(|| case.differences(&programs));
                    wrong.lock().unwrap_or_else(PoisonError::into_inner).extend(found);
                }
            });
        }
    });
    let mut wrong = wrong.into_inner().unwrap();
    wrong.sort();
    assert!(wrong.is_empty(), "{} of {} cases:\n{}", wrong.len(), cases.len(), wrong.join("\n\n"));
}

impl Case<'_> {
    fn project(&self, programs: &Programs) -> Project {
        let project = Project::new("");
        fs::remove_dir_all(project.path("scripts")).unwrap();
        programs.install(&project);
        let file = corpus().join(self.kind).join(self.name);
        let text = if self.kind == "tap" {
            fs::copy(file.with_extension("tap"), project.path("output")).unwrap();
            format!("cat output\nexit {}\n", self.verdicts.exit)
        } else {
            fs::read_to_string(file.with_extension("sh")).unwrap()
        };
        project.program(&format!("{}.sh", self.name), &format!("#!/bin/{}\n{text}", self.shell));
        project
    }

    fn differences(&self, programs: &Programs) -> Option<String> {
        let project = self.project(programs);
        let mut command = project.command();
        command.arg(format!("--script={}.sh", self.name));
        // Only what is to hang may take no longer.
        command.arg(if self.name.starts_with("hang") { "--timeout=1" } else { "--timeout=60" });
        command.args((self.kind == "valgrind").then_some("--valgrind"));
        let said = run(&mut command);
        let is_well = |result: &String| result.starts_with("pass") || result.starts_with("skip");
        let status = self.verdicts.status.unwrap_or(i32::from(!self.results.iter().all(is_well)));
        let mut wrong = Vec::new();
        if said.status != Some(status) {
            wrong.push(format!("status {:?} instead of {status}", said.status));
        }
        if !said.text.contains(&self.verdicts.says) {
            wrong.push(format!("it does not say {:?}", self.verdicts.says));
        }
        let mut found = Vec::new();
        if project.path("examples-report.json").exists() {
            let report = project.report();
            if report.not_run != self.verdicts.not_run {
                wrong.push(format!("{} not run instead of {}", report.not_run, self.verdicts.not_run));
            }
            for (example, duration) in report.examples.iter().zip(&self.verdicts.durations) {
                if example.duration_ms != *duration {
                    wrong.push(format!("{} took {} ms instead of {duration}", example.name, example.duration_ms));
                }
            }
            found.extend(report.examples.into_iter().map(|example| {
                let detail = example.detail.map_or_else(String::new, |detail| format!(": {detail}"));
                format!("{} {}{detail}", format!("{:?}", example.outcome).to_lowercase(), example.name)
            }));
        }
        let fits = |(expected, found): (&String, &String)| {
            let (name, part) = expected.split_once(": ").unwrap_or((expected.as_str(), ""));
            let rest = found.strip_prefix(name.trim_end_matches('*'));
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(": ") || name.ends_with('*'))
                && found.contains(part)
        };
        // What runs in the background may begin sooner or later.
        let mut left: Vec<_> = found.iter().collect();
        let missing = self.results.iter().any(|expected| {
            let place = left.iter().position(|found| fits((expected, *found)));
            place.map(|place| left.swap_remove(place)).is_none()
        });
        if missing || !left.is_empty() {
            wrong.push(format!(
                "expected\n    {}\n  and found\n    {}",
                self.results.join("\n    "),
                found.join("\n    ")
            ));
        }
        let log = if wrong.is_empty() { String::new() } else { said.text.replace('\n', "\n    | ") };
        (!wrong.is_empty())
            .then(|| format!("# {} {} ({})\n  {}\n    | {log}", self.kind, self.name, self.shell, wrong.join("\n  ")))
    }
}

/// The install tree of every case.
struct Programs(tempfile::TempDir);

impl Programs {
    fn build() -> Self {
        let programs = Self(tempfile::tempdir().unwrap());
        let scripts = [
            ("three", "exit 3"),
            ("crash", "kill -SEGV $$"),
            ("server", ": >\"$TMPDIR/up\"; exec sleep 60"),
            ("endless", "exec yes endless"),
            ("bytes", "printf '\\377\\376\\000\\033[31m\\n+[x] \\377\\n'"),
            ("starter", "clean \"$1\"; true"),
        ];
        for (name, text) in scripts {
            programs.write(name, &format!("#!/bin/sh\n{text}\n"), 0o755);
        }
        programs.write("data", "no program\n", 0o644);
        let leak = "#include <stdlib.h>\nint main(void) { volatile char *lost = malloc(8); lost[0] = 1; lost = 0; return 0; }\n";
        let parent = "#include <unistd.h>\n#include <sys/wait.h>\nint main(int count, char **words) {\n\
            if (fork() == 0) { execvp(words[1], words + 1); _exit(1); }\n\
            int status; wait(&status); return WEXITSTATUS(status); }\n";
        let crasher = "int main(void) { *(volatile int *)0 = 1; }\n";
        let hang = "#include <unistd.h>\nint main(void) { return sleep(60); }\n";
        for (name, text) in [
            ("hang", hang),
            ("leak", leak),
            ("parent", parent),
            ("clean", "int main(void) { return 0; }\n"),
            ("crasher", crasher),
        ] {
            programs.write(&format!("{name}.c"), text, 0o644);
            let source = programs.0.path().join(format!("{name}.c"));
            let status = Command::new("cc").args(["-O0", "-o"]).arg(programs.0.path().join(name)).arg(&source).status();
            assert!(status.unwrap().success());
            fs::remove_file(source).unwrap();
        }
        programs
    }

    fn write(&self, name: &str, text: &str, mode: u32) {
        use std::os::unix::fs::PermissionsExt;
        fs::write(self.0.path().join(name), text).unwrap();
        fs::set_permissions(self.0.path().join(name), fs::Permissions::from_mode(mode)).unwrap();
    }

    fn install(&self, project: &Project) {
        let copied =
            Command::new("cp").arg("-a").arg(self.0.path().join(".")).arg(project.path("install/usr/bin")).status();
        assert!(copied.unwrap().success());
        let lib = project.path("install/usr/lib").join(artifact::Arch::host().unwrap().multiarch());
        fs::create_dir_all(&lib).unwrap();
    }
}
