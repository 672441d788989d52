// SPDX-License-Identifier: Apache-2.0
//! `release`: from the sources on `main` to a tag that callers can pin.
//!
//! Everything happens in a clone. Only when all of it has succeeded does this repository get the
//! commits and the tag; what leaves the machine is left to a person.
//!
//! ```text
//! main ── the version, the changelog ── the executables, built from that
//!                                         └─ references to our actions, pinned to them
//!                                              └─ references to our workflows, pinned to that ── tag
//! ```

mod changelog;
mod references;
mod succession;

use crate::dist::{self, Selection};
use crate::generate;
use crate::git::Git;
use crate::manifest;
use crate::process::Step;
use anyhow::{Context, Result, bail, ensure};
use artifact::{Arch, Commit, Timestamp};
use semver::Version;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

/// The branch that releases are made from.
const BRANCH: &str = "main";

/// Arguments of `cargo xtask release`.
#[derive(clap::Args)]
pub struct Args {
    /// The version to release.
    version: Version,
    /// Do it all in a clone only, and print what would be pushed.
    #[arg(long)]
    dry_run: bool,
    /// Print what the changelog says of that version, and do nothing else.
    #[arg(long, conflicts_with = "dry_run")]
    notes: bool,
}

/// Makes a release.
pub fn run(args: &Args) -> Result<()> {
    let root = testbed::workspace_root();
    if args.notes {
        println!("{}", changelog::notes(&read(&root, "CHANGELOG.md")?, &args.version)?);
        return Ok(());
    }
    let folder = tempfile::Builder::new().prefix("release-").tempdir().context("could not make a folder")?;
    // Not where this tree is built: cargo takes a crate that was built in the clone for one of ours.
    let target = root.join("target/release-checks");
    let steps = Steps {
        check: &|clone| {
            let step = Step::cargo("Check the release", ["xtask", "ci"]).folder(clone.folder());
            step.env("CARGO_TARGET_DIR", &target).run()
        },
        build: &|clone, commit| {
            let actions = generate::definitions().iter().map(|action| action.name.to_owned()).collect();
            let selection = Selection { actions, archs: Arch::ALL.to_vec() };
            dist::build(clone.folder(), Some(commit.clone()), &selection, &clone.folder().join("dist"))
        },
        audit: &|clone| {
            let step = Step::cargo("Audit what is to be published", ["xtask", "audit"]).folder(clone.folder());
            step.env("CARGO_TARGET_DIR", &target).run()
        },
    };
    let release = make(&Git::new(&root), &args.version, &today()?, &folder.path().join("vaccel-ci"), &steps)?;
    println!("\n{}", release.log()?);
    let push = format!("git push --atomic origin {BRANCH} {}", release.tag);
    if args.dry_run {
        println!("\nA dry run: nothing has changed here. A release would end with: {push}");
        return Ok(());
    }
    if let Err(error) = release.adopt(&Git::new(&root)) {
        return Err(error.context(format!("the release is made, and left in {}", folder.keep().display())));
    }
    println!("\n{BRANCH} and {} are here. Look at them, then publish them with: {push}", release.tag);
    Ok(())
}

/// The steps that take long.
pub struct Steps<'a> {
    /// Fails unless the tree is fit for release.
    pub check: &'a dyn Fn(&Git) -> Result<()>,
    /// Writes `dist/` of the tree, which is at that commit.
    pub build: &'a dyn Fn(&Git, &Commit) -> Result<()>,
    /// Looks at what the tree holds; a commit with executables, then one with pinned references.
    pub audit: &'a dyn Fn(&Git) -> Result<()>,
}

/// A release, in a clone.
pub struct Release {
    /// The clone.
    pub clone: Git,
    /// Where the branch was before.
    pub base: Commit,
    /// The commit that the executables were built from.
    pub sources: Commit,
    /// The commit that holds the executables; `main` ends there.
    pub executables: Commit,
    /// The commits after it that pin references, in their order; the last one has the tag.
    pub pinned: Vec<Commit>,
    /// `v<version>`.
    pub tag: String,
}

/// Makes a release of a repository in a clone, and leaves the repository as it is.
///
/// `today` is the day, `2026-01-31`.
pub fn make(repository: &Git, version: &Version, today: &str, folder: &Path, steps: &Steps) -> Result<Release> {
    let branch = repository.run(["rev-parse", "--abbrev-ref", "HEAD"])?;
    ensure!(branch == BRANCH, "releases are made from {BRANCH}, and this is {branch}");
    let changes = repository.changes()?;
    ensure!(changes.is_empty(), "there are uncommitted changes: {}", changes.join(", "));
    let root = repository.folder();
    let cargo = read(root, "Cargo.toml")?;
    let old = manifest::version(&cargo)?;
    succession::check(version, &released(repository)?, &old)?;
    let texts = [
        ("Cargo.toml", manifest::with_version(&cargo, version)?),
        ("Cargo.lock", manifest::lock_with_version(&read(root, "Cargo.lock")?, &old, version)),
        ("CHANGELOG.md", changelog::release(&read(root, "CHANGELOG.md")?, version, today)?),
    ];

    let base = repository.head()?;
    let clone = repository.clone_at(folder, &base)?;
    clone.run(["checkout", "--quiet", "-B", BRANCH])?;
    for name in ["user.name", "user.email"] {
        if let Ok(value) = repository.run(["config", name]) {
            clone.run(["config", name, &value])?;
        }
    }
    for (path, text) in texts {
        write(&clone, path, &text)?;
    }
    for path in pages(clone.folder())? {
        let text = references::announce(&read(clone.folder(), &path)?, version);
        write(&clone, &path, &text)?;
    }
    let sources = commit(&clone, &format!("chore: release {version}"), "The version, and what the changelog tells.")?;
    (steps.check)(&clone).context("the checks failed")?;
    let left = clone.changes()?;
    ensure!(left.is_empty() && clone.head()? == sources, "the checks changed what they checked: {}", left.join(", "));
    (steps.build)(&clone, &sources).context("the executables could not be built")?;
    let why = format!("Built from {sources}; BUILD.json tells how to build them again.");
    // Also where the user's settings ignore such a folder.
    clone.run(["add", "--force", "--all", "dist"])?;
    let executables = commit(&clone, &format!("build: bring the executables of {version}"), &why)?;
    are_committed(&clone)?;
    (steps.audit)(&clone).context("the executables cannot be published")?;

    let tag = format!("v{version}");
    let pinned = pin(&clone, &executables, version)?;
    (steps.audit)(&clone).context("what is pinned cannot be published")?;
    clone.run(["tag", "--annotate", "--message", &format!("vaccel-ci {version}"), &tag])?;
    clone.run(["checkout", "--quiet", BRANCH])?;
    Ok(Release { clone, base, sources, executables, pinned, tag })
}

impl Release {
    /// The commits of the release, for a person to read.
    fn log(&self) -> Result<String> {
        let range = format!("{}..{}", self.base, self.tag);
        self.clone.run(["log", "--decorate", "--stat=100", "--format=%n%h%d %s", &range])
    }

    /// Brings the branch and then the tag into the repository that they were made for.
    ///
    /// If the branch cannot follow, because it or a file has changed meanwhile, there is no tag.
    pub fn adopt(&self, repository: &Git) -> Result<()> {
        let branch = repository.run(["rev-parse", "--abbrev-ref", "HEAD"])?;
        ensure!(branch == BRANCH, "{branch} is checked out meanwhile, and not {BRANCH}");
        ensure!(repository.head()? == self.base, "{BRANCH} has moved on meanwhile; make the release again");
        let clone = self.clone.folder().display().to_string();
        let fetch = |reference: &str| repository.run(["fetch", "--quiet", "--no-tags", &clone, reference]);
        fetch(&format!("refs/heads/{BRANCH}"))?;
        repository.run(["merge", "--quiet", "--ff-only", self.executables.as_str()])?;
        fetch(&format!("refs/tags/{0}:refs/tags/{0}", self.tag)).map(drop)
    }
}

/// Checks that a commit holds the executables of its record, as programs or links to programs.
fn are_committed(clone: &Git) -> Result<()> {
    let tree = clone.run(["ls-tree", "-r", "--format=%(objectmode) %(path)", "HEAD", "dist/"])?;
    for executable in dist::read_record(&clone.folder().join("dist"))?.executables {
        let path = format!("dist/{}", executable.path());
        let is_there =
            ["100755", "120000"].iter().any(|mode| tree.lines().any(|line| line == format!("{mode} {path}")));
        ensure!(is_there, "{path} is not in the commit as a program");
    }
    Ok(())
}

/// Pins every reference to ourselves, beginning at the commit with the executables.
fn pin(clone: &Git, executables: &Commit, version: &Version) -> Result<Vec<Commit>> {
    clone.run(["checkout", "--quiet", "--detach"])?;
    let mut files = BTreeMap::new();
    for (name, path) in definitions(clone.folder())? {
        files.insert(name, read(clone.folder(), &path)?);
    }
    let mut commits = vec![executables.clone()];
    for round in references::rounds(&files)? {
        let holder = commits.last().context("there is a first commit")?.clone();
        for (_, path) in definitions(clone.folder())? {
            let text = read(clone.folder(), &path)?;
            write(clone, &path, &references::pin(&text, &round, holder.as_str(), &version.to_string()))?;
        }
        let names: Vec<_> = round.iter().map(String::as_str).collect();
        let summary = format!("chore: pin what {version} uses of itself");
        commits.push(commit(clone, &summary, &format!("{} to {holder}.", names.join(", ")))?);
    }
    Ok(commits.split_off(1))
}

/// Workflows and composite actions: the name that references use, and the file.
fn definitions(root: &Path) -> Result<Vec<(String, String)>> {
    let mut found = Vec::new();
    for name in list(&root.join(".github/workflows"))? {
        let path = format!(".github/workflows/{name}");
        found.push((path.clone(), path));
    }
    for name in list(&root.join("actions"))? {
        found.push((format!("actions/{name}"), format!("actions/{name}/action.yml")));
    }
    Ok(found)
}

/// The pages that tell people how to use us.
fn pages(root: &Path) -> Result<Vec<String>> {
    let actions = list(&root.join("actions"))?.into_iter().map(|name| format!("actions/{name}/README.md"));
    Ok(["README.md", "crates/MIGRATING.md"].map(str::to_owned).into_iter().chain(actions).collect())
}

fn list(folder: &Path) -> Result<Vec<String>> {
    let entries = std::fs::read_dir(folder).with_context(|| format!("could not list {}", folder.display()))?;
    let mut names = Vec::new();
    for entry in entries {
        let name = entry.with_context(|| format!("could not list {}", folder.display()))?.file_name();
        names.push(name.into_string().map_err(|name| anyhow::anyhow!("{} is not UTF-8", name.display()))?);
    }
    names.sort();
    Ok(names)
}

/// The released versions, which the tags tell.
fn released(repository: &Git) -> Result<Vec<Version>> {
    let tags = repository.run(["tag", "--list", "v[0-9]*"])?;
    Ok(tags.lines().filter_map(|tag| tag.strip_prefix('v')?.parse().ok()).collect())
}

fn commit(clone: &Git, summary: &str, why: &str) -> Result<Commit> {
    clone.run(["add", "--all"])?;
    clone.run(["commit", "--quiet", "--no-verify", "--message", summary, "--message", why])?;
    let left = clone.changes()?;
    if !left.is_empty() {
        bail!("git does not take everything into the commit: {}", left.join(", "));
    }
    clone.head()
}

fn today() -> Result<String> {
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).context("the clock is before 1970")?.as_secs();
    let now = Timestamp::from_epoch(i64::try_from(seconds)?).to_string();
    Ok(now.split('T').next().unwrap_or_default().to_owned())
}

fn read(root: &Path, path: &str) -> Result<String> {
    std::fs::read_to_string(root.join(path)).with_context(|| format!("could not read {path}"))
}

fn write(clone: &Git, path: &str, text: &str) -> Result<()> {
    let path: PathBuf = clone.folder().join(path);
    std::fs::write(&path, text).with_context(|| format!("could not write {}", path.display()))
}
