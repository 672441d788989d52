// SPDX-License-Identifier: Apache-2.0
//! Which lines the tests reach: gcov's counters, gathered by gcovr.

use super::introspect;
use crate::backend::contract::Job;
use crate::settings::Settings;
use std::fs;
use std::io;
use std::path::Path;
use toolkit::{Failure, Program, Result, ResultExt, Tool};

const GCOVR: Tool = Tool { program: "gcovr", provided_by: "the Debian package gcovr, or `pip install gcovr`" };

/// Makes sure that coverage can be measured.
pub fn check_tools(settings: &Settings) -> Result<()> {
    GCOVR.find()?;
    if let Some(cross) = &settings.cross
        && !cross.is_gnu()
    {
        return Err(Failure::work(format!("coverage cannot be measured with {}", cross.cc.join(" "))).help(format!(
            "install the Debian package gcc-{}, or measure on a machine of that architecture",
            cross.arch.triple().replace('_', "-")
        )));
    }
    Ok(())
}

/// Removes the counters of earlier runs, which would be added to.
pub fn reset(build: &Path) -> Result<()> {
    remove_counters(build).with_context(|| format!("could not remove old counters from {}", build.display()))
}

fn remove_counters(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let path = entry.path();
        if entry.file_type()?.is_dir() {
            remove_counters(&path)?;
        } else if path.extension().is_some_and(|end| end == "gcda") {
            fs::remove_file(path)?;
        }
    }
    Ok(())
}

/// Gathers what the tests counted. A `gcovr.cfg` of the project is heeded.
pub fn measure(job: &mut Job, report: &Path) -> Result<()> {
    let settings = job.settings;
    let gcov = match &settings.cross {
        Some(cross) => format!("{}-gcov", cross.arch.triple()),
        None if introspect::facts(&settings.build)?.compiler.starts_with("clang") => "llvm-cov gcov".to_owned(),
        None => "gcov".to_owned(),
    };
    let program = Program::new(GCOVR.find()?).arg("--root").arg(&settings.source);
    // A subproject's code is not the project's.
    let others = format!("{}/subprojects/.*", escape(&settings.source.display().to_string()));
    let program = program.args(["--exclude", &others, "--gcov-executable", &gcov, "--cobertura"]).arg(report);
    job.run(program.arg(&settings.build).dir(&settings.source)).context("coverage could not be measured")?;
    Ok(())
}

/// Text as a regular expression that matches just it.
fn escape(text: &str) -> String {
    let special = |c: char| !(c.is_ascii_alphanumeric() || "/_-".contains(c) || !c.is_ascii());
    text.chars().fold(String::new(), |mut escaped, c| {
        if special(c) {
            escaped.push('\\');
        }
        escaped.push(c);
        escaped
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_counters_are_removed() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str| folder.path().join(name);
        fs::create_dir(file("sub")).unwrap();
        for name in ["a.gcda", "sub/b.gcda", "sub/b.gcno"] {
            fs::write(file(name), "").unwrap();
        }
        reset(folder.path()).unwrap();
        assert!(!file("a.gcda").exists() && !file("sub/b.gcda").exists() && file("sub/b.gcno").exists());
    }

    #[test]
    fn a_path_matches_itself_only() {
        assert_eq!(escape("/a b/c++-1.2_x/ü"), r"/a\ b/c\+\+-1\.2_x/ü");
    }
}
