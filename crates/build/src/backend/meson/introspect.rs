// SPDX-License-Identifier: Apache-2.0
//! Reading what Meson writes about a build folder: `meson-info/` and `meson-logs/`.
//!
//! Meson keeps these files up to date; asking it for the same costs a Python start each time.

use crate::backend::contract::{Facts, Job, Outcome, TestResult};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;
use toolkit::{Failure, Program, Result, ResultExt};

#[derive(Deserialize)]
struct Project {
    descriptive_name: String,
    version: String,
}

#[derive(Deserialize)]
struct Info {
    meson_version: MesonVersion,
}

#[derive(Deserialize)]
struct MesonVersion {
    full: String,
}

#[derive(Deserialize)]
struct Compiler {
    id: String,
    version: String,
}

#[derive(Deserialize)]
struct BuildOption {
    name: String,
    value: serde_json::Value,
}

#[derive(Deserialize)]
struct ProjectOption {
    name: String,
    section: String,
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    choices: Vec<String>,
}

/// The name with what it can be: `examples (enabled, disabled or auto)`.
impl fmt::Display for ProjectOption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ", self.name)?;
        match (self.choices.split_last(), self.kind.as_str()) {
            (Some((last, others)), _) if !others.is_empty() => write!(f, "({} or {last})", others.join(", ")),
            (_, "boolean") => write!(f, "(true or false)"),
            (_, kind) => write!(f, "({kind})"),
        }
    }
}

#[derive(Deserialize)]
struct LoggedTest {
    name: String,
    result: String,
    #[serde(default)]
    duration: f64,
    returncode: Option<i64>,
}

/// What the folder says of the project and its tools.
pub fn facts(build: &Path) -> Result<Facts> {
    let project: Project = read(&build.join("meson-info/intro-projectinfo.json"))?;
    let info: Info = read(&build.join("meson-info/meson-info.json"))?;
    let compilers = build.join("meson-info/intro-compilers.json");
    // Older versions of Meson do not write this one.
    let machines: BTreeMap<String, BTreeMap<String, Compiler>> =
        if compilers.is_file() { read(&compilers)? } else { BTreeMap::new() };
    Ok(Facts {
        project: project.descriptive_name,
        project_version: project.version,
        compiler: machines.get("host").and_then(main_compiler).unwrap_or_else(|| "unknown".to_owned()),
        backend: format!("meson {}", info.meson_version.full),
    })
}

/// The compiler that speaks for the project: C before C++ before anything else.
fn main_compiler(by_language: &BTreeMap<String, Compiler>) -> Option<String> {
    let compiler = ["c", "cpp"].iter().find_map(|language| by_language.get(*language));
    compiler.or_else(|| by_language.values().next()).map(|compiler| format!("{} {}", compiler.id, compiler.version))
}

/// The options whose values are lists.
pub fn list_options(build: &Path) -> Result<BTreeMap<String, Vec<String>>> {
    let options: Vec<BuildOption> = read(&build.join("meson-info/intro-buildoptions.json"))?;
    let lists =
        options.into_iter().filter_map(|option| Some((option.name, serde_json::from_value(option.value).ok()?)));
    Ok(lists.collect())
}

/// The options that a project has, for people; Meson reads the source tree for that.
pub fn describe_options(meson: &Path, job: &Job) -> String {
    const MESON_S: &str = "Meson's own are listed by `meson configure`";
    let file = job.settings.source.join("meson.build");
    let listed = || -> Result<Vec<ProjectOption>> {
        let text = job.capture(Program::new(meson).args(["introspect", "--buildoptions"]).arg(file))?;
        Ok(serde_json::from_str(&text)?)
    };
    let options = match listed() {
        Ok(options) => options,
        Err(failure) => {
            job.runner.info(&failure.context("failed to list the project's options").to_string());
            return MESON_S.to_owned();
        }
    };
    let own = |option: &ProjectOption| option.section == "user";
    let named: Vec<_> = options.into_iter().filter(own).map(|option| option.to_string()).collect();
    if named.is_empty() {
        return format!("the project has no options of its own; {MESON_S}");
    }
    format!("the project has the options {}; {MESON_S}", named.join(", "))
}

/// Where `meson test` writes its results; it names the file after a wrapper.
pub fn test_log(build: &Path, wrapper: Option<&str>) -> PathBuf {
    build.join("meson-logs").join(wrapper.map_or("testlog.json".to_owned(), |name| format!("testlog-{name}.json")))
}

/// The results in a log, one JSON value per line; none if there is no log.
pub fn test_results(log: &Path) -> Result<Vec<TestResult>> {
    let text = match std::fs::read(log) {
        // A test's output stands in it too, and need not be UTF-8.
        Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(Failure::from(error).context(format!("could not read {}", log.display()))),
    };
    text.lines().map(|line| test_result(line).with_context(|| format!("could not read {}", log.display()))).collect()
}

fn test_result(line: &str) -> Result<TestResult, serde_json::Error> {
    let test: LoggedTest = serde_json::from_str(line)?;
    let (outcome, detail) = match (test.result.as_str(), test.returncode) {
        ("OK" | "EXPECTEDFAIL", _) => (Outcome::Passed, None),
        ("SKIP" | "IGNORED", _) => (Outcome::Skipped, None),
        ("FAIL" | "ERROR", Some(code)) if code < 0 => (Outcome::Failed, Some(format!("killed by signal {}", -code))),
        ("FAIL" | "ERROR", Some(code)) => (Outcome::Failed, Some(format!("exit status {code}"))),
        ("TIMEOUT", _) => (Outcome::Failed, Some("ran too long".to_owned())),
        ("UNEXPECTEDPASS", _) => (Outcome::Failed, Some("passed, but was expected to fail".to_owned())),
        (other, _) => (Outcome::Failed, Some(other.to_lowercase())),
    };
    let duration = Duration::try_from_secs_f64(test.duration).unwrap_or_default();
    Ok(TestResult { name: test.name, outcome, detail, duration })
}

fn read<T: DeserializeOwned>(file: &Path) -> Result<T> {
    let bytes = std::fs::read(file).with_context(|| format!("could not read {}", file.display()))?;
    serde_json::from_slice(&bytes).with_context(|| format!("could not understand {}", file.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn test_results_are_named() {
        let log = r#"{"name": "p:ok", "result": "OK", "duration": 0.25, "returncode": 0, "stdout": "x"}
{"name": "p:skip", "result": "SKIP", "duration": 0.1, "returncode": 77}
{"name": "p:fail", "result": "FAIL", "duration": 0.1, "returncode": 3}
{"name": "p:crash", "result": "FAIL", "duration": 0.1, "returncode": -11}
{"name": "p:hang", "result": "TIMEOUT", "duration": 30.0, "returncode": -15}
{"name": "p:odd", "result": "UNEXPECTEDPASS", "duration": -1, "returncode": 0}
{"name": "p:new", "result": "INTERRUPT", "returncode": null}"#;
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("testlog.json");
        assert_eq!(test_results(&file).unwrap(), []);
        std::fs::write(&file, log).unwrap();
        let told: Vec<_> = test_results(&file)
            .unwrap()
            .into_iter()
            .map(|t| format!("{} {:?} {} {}", t.name, t.outcome, t.detail.unwrap_or_default(), t.duration.as_millis()))
            .collect();
        insta::assert_snapshot!(told.join("\n"), @r"
        p:ok Passed  250
        p:skip Skipped  100
        p:fail Failed exit status 3 100
        p:crash Failed killed by signal 11 100
        p:hang Failed ran too long 30000
        p:odd Failed passed, but was expected to fail 0
        p:new Failed interrupt 0
        ");
        std::fs::write(&file, "half a li").unwrap();
        assert!(test_results(&file).is_err());
    }

    #[test]
    fn the_c_compiler_speaks_for_the_project() {
        let compiler = |id: &str| Compiler { id: id.into(), version: "1.0".into() };
        let all = BTreeMap::from([("rust".into(), compiler("rustc")), ("cpp".into(), compiler("clang"))]);
        assert_eq!(main_compiler(&all).unwrap(), "clang 1.0");
        assert_eq!(main_compiler(&BTreeMap::new()), None);
    }
}
