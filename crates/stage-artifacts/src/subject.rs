// SPDX-License-Identifier: Apache-2.0
//! What is staged: every fact that the file names, the packages and the manifest share.
//!
//! The facts come from the inputs, the build's record, git and the runner; they are settled once,
//! before any work is done.

use crate::Args;
use crate::origin::Origin;
use artifact::{
    Arch, BuildRecord, BuildType, BuiltBy, Commit, GitState, PackageName, RefName, Run, Sha256, Timestamp, Version,
};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use toolkit::git::Repository;
use toolkit::{Failure, Result, ResultExt, Runner};

/// What is staged.
#[derive(Clone, Debug)]
pub struct Subject {
    /// The package.
    pub package: PackageName,
    /// Its version.
    pub version: Version,
    /// The architecture of its files.
    pub arch: Arch,
    /// How it was built.
    pub build_type: BuildType,
    /// The branch or release tag it belongs to.
    pub git_ref: RefName,
    /// The full hash of its commit.
    pub commit: Commit,
    /// Where its source comes from.
    pub origin: Origin,
    /// The time that every file carries, in seconds since the epoch.
    pub time: u32,
    /// The tools that built it.
    pub built_by: BuiltBy,
    /// The run of the workflow.
    pub run: Option<Run>,
    /// Digest of the install tree, as the build recorded it.
    pub recorded_tree: Option<Sha256>,
    /// The source tree.
    pub source: PathBuf,
}

impl Subject {
    /// Gathers the facts.
    pub fn settle(args: &Args, runner: &Runner) -> Result<Self> {
        let source = &args.source_path;
        if !source.is_dir() {
            return Err(Failure::input(format!("the source path {} is not a folder", source.display())));
        }
        let record = args.build_path.as_deref().map(read_record).transpose()?;
        let repository =
            Repository::require(source).help("stage from a checkout: its commit dates and names the bundle")?;
        let version = match &args.version {
            Some(version) => version.clone(),
            None => version_of(source, &repository)?,
        };
        if let Some(built) =
            record.as_ref().map(|record| &record.version).filter(|built| **built != version.to_string())
        {
            runner.warning(&format!("the build took itself for version {built}, and is staged as {version}"));
        }
        let git_ref = match &args.git_ref {
            Some(name) => name.clone(),
            None => ref_of(&repository, runner)?,
        };
        check_release(&git_ref, &version)?;
        Ok(Self {
            package: args.package.clone(),
            version,
            arch: agree("architecture", args.arch, record.as_ref().map(|record| record.arch), Arch::host())?,
            build_type: agree(
                "build type",
                args.build_type,
                record.as_ref().map(|record| record.build_type),
                Some(BuildType::Release),
            )?,
            git_ref,
            commit: repository.head()?.parse()?,
            origin: origin(&repository, runner)?,
            time: time(&repository, runner)?,
            recorded_tree: record.as_ref().and_then(|record| record.tree_sha256),
            built_by: built_by(record),
            run: run(runner),
            source: source.clone(),
        })
    }

    /// `<package>_<version>_<arch>`, with which the names of its files begin.
    pub fn stem(&self) -> String {
        format!("{}_{}_{}", self.package, self.version, self.arch)
    }

    /// Its time, as documents have it.
    pub fn created(&self) -> Timestamp {
        Timestamp::from_epoch(self.time.into())
    }
}

fn read_record(build_path: &Path) -> Result<BuildRecord> {
    let path = build_path.join(BuildRecord::FILE);
    let help = "give the folder that the build used, or leave `build-path` out";
    let text = fs::read(&path).input(format!("could not read the build's record {}", path.display())).help(help)?;
    BuildRecord::parse(&text).with_context(|| format!("the build's record {} cannot be used", path.display()))
}

/// What the input says, which must be what the build says, else the fall-back.
fn agree<T>(what: &str, input: Option<T>, build: Option<T>, fall_back: Option<T>) -> Result<T>
where
    T: Copy + PartialEq + std::fmt::Display,
{
    match (input, build) {
        (Some(input), Some(build)) if input != build => {
            Err(Failure::input(format!("the input says {what} {input}, but the build was for {build}")))
        }
        (input, build) => {
            let message = || Failure::input(format!("the {what} of this machine is not one of ours; name it"));
            input.or(build).or(fall_back).ok_or_else(message)
        }
    }
}

/// `.version` in the source tree, else what git tells.
fn version_of(source: &Path, repository: &Repository) -> Result<Version> {
    let file = source.join(".version");
    match fs::read_to_string(&file) {
        Ok(text) => {
            return text.trim().parse().with_context(|| format!("{} does not hold a version", file.display()));
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error).with_context(|| format!("could not read {}", file.display())),
    }
    let state = GitState {
        exact_tags: repository.tags_at("HEAD")?,
        describe: repository.describe(Version::of_tag)?,
        commits: repository.commit_count()?,
        commit: repository.head()?,
        dirty: repository.is_dirty()?,
    };
    if state.exact_tags.is_empty() && repository.is_shallow()? {
        return Err(Failure::work("the history is cut off, so the version cannot be computed")
            .help("check out with `fetch-depth: 0`, or give `version`"));
    }
    Version::from_git(&state).context("could not compute the version from git")
}

/// The pull request's branch, the branch or tag of the run, else that of the work tree.
fn ref_of(repository: &Repository, runner: &Runner) -> Result<RefName> {
    let name = match runner.env("GITHUB_HEAD_REF").or_else(|| runner.env("GITHUB_REF_NAME")) {
        Some(name) => Some(name),
        None => match repository.branch()? {
            Some(name) => Some(name),
            None => repository.tags_at("HEAD")?.pop(),
        },
    };
    let name = name.ok_or_else(|| {
        Failure::work("neither a branch nor a release tag is checked out")
            .help("name what the bundle belongs to in `ref`")
    })?;
    name.parse().with_context(|| format!("{name:?} cannot name a place for the bundle"))
}

/// What is published as a release has to be that release; uncommitted changes are not.
fn check_release(git_ref: &RefName, version: &Version) -> Result<()> {
    match git_ref.release() {
        Some(release) if release != *version => {
            let message = format!("the bundle is for the release {git_ref}, but the source is version {version}");
            Err(Failure::work(message).help("tag the commit, or name the branch that the bundle belongs to in `ref`"))
        }
        _ => Ok(()),
    }
}

fn origin(repository: &Repository, runner: &Runner) -> Result<Origin> {
    if let Some(name) = runner.env("GITHUB_REPOSITORY") {
        let server = runner.env("GITHUB_SERVER_URL").unwrap_or_else(|| "https://github.com".to_owned());
        return Ok(Origin::on_server(&server, &name));
    }
    Ok(repository.remote("origin")?.map(|address| Origin::of_remote(&address)).unwrap_or_default())
}

/// `SOURCE_DATE_EPOCH`, else the time of the commit.
fn time(repository: &Repository, runner: &Runner) -> Result<u32> {
    match runner.env("SOURCE_DATE_EPOCH") {
        Some(text) => text.parse().input(format!("SOURCE_DATE_EPOCH={text:?} is not a number of seconds since 1970")),
        None => Ok(u32::try_from(repository.commit_time()?).context("the time of the commit is out of range")?),
    }
}

fn built_by(record: Option<BuildRecord>) -> BuiltBy {
    let vaccel_ci = env!("CARGO_PKG_VERSION").to_owned();
    match record {
        Some(BuildRecord { compiler, backend, options, .. }) => BuiltBy { vaccel_ci, compiler, backend, options },
        None => BuiltBy { vaccel_ci, compiler: "unknown".into(), backend: "unknown".into(), options: Vec::new() },
    }
}

fn run(runner: &Runner) -> Option<Run> {
    let id = runner.env("GITHUB_RUN_ID")?;
    let attempt = runner.env("GITHUB_RUN_ATTEMPT").and_then(|text| text.parse().ok()).unwrap_or(1);
    let server = runner.env("GITHUB_SERVER_URL").unwrap_or_else(|| "https://github.com".to_owned());
    let url = runner.env("GITHUB_REPOSITORY").map(|name| format!("{server}/{name}/actions/runs/{id}"));
    Some(Run { url: url.unwrap_or_default(), id, attempt })
}

#[cfg(test)]
mod tests;
