// SPDX-License-Identifier: Apache-2.0
//! Virtual environments of our own in the build folder: what a project is built and tested with is what it declares,
//! and not what happens to be installed on a machine.

use super::PYTHON;
use crate::backend::contract::Job;
use crate::settings::Settings;
use std::fs;
use std::path::{Path, PathBuf};
use toolkit::{Failure, Program, Result, ResultExt, RunError};

/// What says in an environment what it was made for.
const STAMP: &str = "vaccel-build.requirements";

/// What pip writes when it cannot reach an index, rather than not finding something there.
const UNREACHABLE: [&str; 4] =
    ["Retrying (", "NewConnectionError", "Temporary failure in name resolution", "ProxyError"];

/// An environment.
#[derive(Clone, Debug)]
pub struct Venv {
    folder: PathBuf,
}

impl Venv {
    /// The one of this name.
    pub fn named(name: &str, settings: &Settings) -> Self {
        Self { folder: settings.build.join(name) }
    }

    /// Its interpreter.
    pub fn python(&self) -> PathBuf {
        self.folder.join("bin/python")
    }

    /// Makes it, or keeps one that was made for the same requirements with the same interpreter.
    pub fn provide(&self, job: &mut Job, requirements: &[String]) -> Result<String> {
        let version = job.capture(Program::new(PYTHON.find()?).args(["-c", "import sys; print(sys.version)"]))?;
        let wanted = format!("{version}{}\n", requirements.join("\n"));
        let stamp = self.folder.join(STAMP);
        if self.python().exists() && fs::read_to_string(&stamp).is_ok_and(|found| found == wanted) {
            return Ok("kept what is installed".to_owned());
        }
        // `--clear` removes what an interrupted installation left.
        let program = Program::new(PYTHON.find()?).args(["-m", "venv", "--clear"]).arg(&self.folder);
        job.run(program).context("failed to create a virtual environment for the build")?;
        self.install(job, requirements)?;
        fs::write(&stamp, wanted).with_context(|| format!("could not write {}", stamp.display()))?;
        Ok(format!("installed {}", requirements.join(" ")))
    }

    /// Installs requirements.
    pub fn install(&self, job: &mut Job, requirements: &[String]) -> Result<()> {
        if requirements.is_empty() {
            return Ok(());
        }
        let mut unreachable = false;
        let mut program = Program::new(self.python()).dir(&job.settings.source);
        program = program.args(["-m", "pip", "install", "--disable-pip-version-check", "--no-input"]);
        for requirement in requirements {
            program = match requirement.strip_prefix("-r ") {
                Some(file) => program.args(["-r", file.trim()]),
                None => program.arg(requirement),
            };
        }
        let program = program.env("PYTHONDONTWRITEBYTECODE", "1").env_remove("PYTHONPATH").env_remove("PYTHONHOME");
        let run = job.run_and_read(program, |line| unreachable |= UNREACHABLE.iter().any(|text| line.contains(text)));
        match run {
            Ok(_) => Ok(()),
            Err(error @ RunError::Failed { .. }) => Err(explain(error, requirements, unreachable)),
            Err(error) => Err(error.into()),
        }
    }
}

fn explain(error: RunError, requirements: &[String], unreachable: bool) -> Failure {
    let said = error.tail().iter().rev().find_map(|line| line.strip_prefix("ERROR: ")).map(str::to_owned);
    let what = format!("failed to install what the project is built with ({})", requirements.join(", "));
    let message = said.map_or_else(|| what.clone(), |said| format!("{what}\n{said}"));
    if unreachable {
        return Failure::work(message).because(error).help(
            "pip could not reach the package index: set PIP_INDEX_URL, or install what is needed on this machine and set \
             `isolated = false` in [build] of .github/vaccel-ci.toml",
        );
    }
    Failure::input(message).because(error).help(
        "correct `requires` of [build-system] in pyproject.toml, or `pip` of [build] in .github/vaccel-ci.toml; what a \
         requirement needs of the system to be compiled goes into `apt` there",
    )
}

/// Refuses entries of `pip` that pip would take as options, and files that are not there.
pub fn check(requirements: &[String], source: &Path) -> Result<()> {
    for requirement in requirements {
        let wrong = match requirement.strip_prefix("-r ") {
            Some(file) => !source.join(file.trim()).is_file(),
            None => requirement.trim().is_empty() || requirement.starts_with('-'),
        };
        if wrong {
            return Err(Failure::input(format!("`{requirement}` in `pip` of [build] is not a valid requirement"))
                .help("write requirements such as `cffi>=1.16`, or `-r <file>` with a file of the source tree"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use toolkit::Exit;

    #[test]
    fn options_are_no_requirements() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("r.txt"), "").unwrap();
        let fits = |text: &str| check(&[text.to_owned()], folder.path()).is_ok();
        assert!(fits("cffi>=1.16") && fits("-r r.txt") && fits("x @ git+https://example.org/x"));
        assert!(!fits("--index-url=https://evil") && !fits("-r nowhere.txt") && !fits("") && !fits("-e ."));
    }

    #[test]
    fn what_is_missing_differs_from_an_index_out_of_reach() {
        let error = |line: &str| RunError::Failed {
            program: "python".into(),
            exit: Exit::Code(1),
            tail: vec![line.to_owned()],
            unseen: None,
        };
        let requirements = ["no-such-thing".to_owned()];
        let failure = explain(error("ERROR: No matching distribution found for no-such-thing"), &requirements, false);
        assert_eq!(failure.status().code(), 2);
        let other = explain(error("ERROR: No matching distribution found for no-such-thing"), &requirements, true);
        assert_eq!(other.status().code(), 1);
        insta::assert_snapshot!(format!("{failure}\n{other}"), @r"
        failed to install what the project is built with (no-such-thing)
        No matching distribution found for no-such-thing
          caused by: python ended with exit status 1
        help: correct `requires` of [build-system] in pyproject.toml, or `pip` of [build] in .github/vaccel-ci.toml; what a requirement needs of the system to be compiled goes into `apt` there
        failed to install what the project is built with (no-such-thing)
        No matching distribution found for no-such-thing
          caused by: python ended with exit status 1
        help: pip could not reach the package index: set PIP_INDEX_URL, or install what is needed on this machine and set `isolated = false` in [build] of .github/vaccel-ci.toml
        ");
    }
}
