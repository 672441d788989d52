// SPDX-License-Identifier: Apache-2.0
//! What a wheel says about itself, and what is in it.

use super::{DISTRIBUTIONS_END, make, single};
use crate::backend::contract::Job;
use artifact::BuildRecord;
use serde::Deserialize;
use std::path::{Path, PathBuf};
use toolkit::{Failure, Program, Result, ResultExt};

/// Prints, as JSON on the last line, whether an interpreter takes a wheel, and what it is.
const FITS: &str = "\
import json, packaging.tags, packaging.utils, platform, sys
tags = packaging.utils.parse_wheel_filename(sys.argv[1])[3]
print(json.dumps({'fits': bool(tags & set(packaging.tags.sys_tags())),
    'python': platform.python_implementation() + ' ' + platform.python_version()}))
";

/// Unpacks wheels as the format has it, except for commands, which belong to one machine.
const UNPACK: &str = "\
import sys, zipfile
for wheel in sys.argv[2:]:
    with zipfile.ZipFile(wheel) as archive:
        for member in archive.infolist():
            parts = member.filename.split('/')
            if parts[0].endswith('.data'):
                if parts[1] not in ('purelib', 'platlib'):
                    continue
                member.filename = '/'.join(parts[2:])
            archive.extract(member, sys.argv[1])
";

/// Prints what an unpacked wheel needs to run, one requirement a line.
const REQUIRES: &str = "\
import importlib.metadata, sys
for found in importlib.metadata.distributions(path=[sys.argv[1]]):
    print(*(found.requires or []), sep='\\n')
";

#[derive(Deserialize)]
struct Fits {
    fits: bool,
    python: String,
}

/// Refuses a wheel that cannot be installed where it was built for.
pub fn check(job: &Job, python: Program, wheel: &Path) -> Result<()> {
    let settings = job.settings;
    let name = wheel.file_name().unwrap_or_default().to_string_lossy().into_owned();
    if settings.cross.is_some() && !name.ends_with("-any.whl") {
        return Err(Failure::work(format!("{name} has compiled parts, which are built for this machine only"))
            .help(format!("run this action on a machine of the architecture {}", settings.arch)));
    }
    let text = job.capture(python.args(["-c", FITS]).arg(&name)).with_context(|| format!("failed to read {name}"))?;
    let Fits { fits, python } = serde_json::from_str(text.lines().next_back().unwrap_or_default())
        .with_context(|| format!("could not understand what is said of {name}"))?;
    if fits {
        return Ok(());
    }
    Err(Failure::work(format!("{name} is a wheel for another interpreter than {python}, which built it")).help(
        "take the tags out of the project's settings (`python-tag`, `plat-name`), or build with the interpreter that they \
         name (actions/setup-python)",
    ))
}

/// Unpacks the wheel that was built.
pub fn unpack(job: &mut Job, python: Program, into: &Path) -> Result<()> {
    let wheel = built(job)?;
    make(into)?;
    job.run(python.args(["-c", UNPACK]).arg(into).arg(wheel)).context("the wheel could not be unpacked")?;
    Ok(())
}

/// What an unpacked wheel needs to run.
pub fn requirements(job: &Job, python: Program, unpacked: &Path) -> Result<Vec<String>> {
    let text = job.capture(python.args(["-c", REQUIRES]).arg(unpacked));
    let text = text.context("failed to read what the wheel needs to run")?;
    Ok(text.lines().filter(|line| !line.is_empty()).map(str::to_owned).collect())
}

fn built(job: &Job) -> Result<PathBuf> {
    single(&job.settings.build.join(BuildRecord::DISTRIBUTIONS), DISTRIBUTIONS_END)
}
