// SPDX-License-Identifier: Apache-2.0
//! A release in a clone: what it refuses, what it makes, and that a plugin repository can use it.

use crate::sources;
use anyhow::{Result, bail};
use artifact::{Arch, Commit, DistRecord, Executable, SHA256SUMS, Sha256};
use semver::Version;
use std::collections::BTreeSet;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::Command;
use testbed::act::{Act, Outcome};
use testbed::event::{self, Event, PullRequest};
use testbed::repository::Repository;
use testbed::s3::Server;
use testbed::tools;
use xtask::dist::SHARED;
use xtask::git::Git;
use xtask::release::{self, Release, Steps};

const TODAY: &str = "2026-02-03";
const OURS: &str = "nubificus/vaccel-ci/";

fn version() -> Version {
    env!("CARGO_PKG_VERSION").parse().unwrap()
}

/// What `BUILD.json` would tell.
fn record(clone: &Git, commit: &Commit, executables: Vec<Executable>) -> Result<DistRecord> {
    Ok(DistRecord {
        schema: DistRecord::SCHEMA,
        version: version().to_string(),
        commit: Some(commit.clone()),
        rustc: "rustc".into(),
        zig: "zig".into(),
        cargo_zigbuild: "cargo-zigbuild".into(),
        lock: Sha256::of(&std::fs::read(clone.folder().join("Cargo.lock"))?),
        executables,
    })
}

/// In place of the builds for release, which take long: the executables that the tests use.
fn build(clone: &Git, commit: &Commit) -> Result<()> {
    let dist = clone.folder().join("dist");
    std::fs::create_dir_all(dist.join("x86_64"))?;
    let mut executables = Vec::new();
    for action in xtask::generate::definitions() {
        let name = format!("vaccel-{}", action.name);
        let path = dist.join("x86_64").join(&name);
        match SHARED.iter().find(|(_, actions)| actions.contains(&action.name)) {
            Some((_, actions)) if actions[0] != action.name => symlink(format!("vaccel-{}", actions[0]), &path)?,
            shared => {
                let program = testbed::executables().join(shared.map_or(name.as_str(), |(program, _)| program));
                // Without what a debugger needs they are a quarter as large.
                let status = Command::new("strip").arg("-o").arg(&path).arg(program).status()?;
                if !status.success() {
                    bail!("strip failed for {name}");
                }
            }
        }
        let bytes = std::fs::read(&path)?;
        let (size, sha256) = (bytes.len() as u64, Sha256::of(&bytes));
        executables.push(Executable { action: action.name.to_owned(), arch: Arch::X86_64, size, sha256 });
    }
    let record = record(clone, commit, executables)?;
    xtask::dist::prove(&tools::ensure(&|_| ())?, &record, &dist)?;
    std::fs::write(dist.join(SHA256SUMS), record.sha256sums())?;
    std::fs::write(dist.join(DistRecord::FILE), record.to_canonical_json())?;
    Ok(())
}

fn make(repository: &Git, version: &Version, folder: &Path) -> Result<Release> {
    release::make(repository, version, TODAY, folder, &Steps { check: &|_| Ok(()), build: &build, audit: &|_| Ok(()) })
}

#[test]
fn what_is_not_fit_for_release_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let repository = sources::repository(&folder.path().join("ours"));
    let changelog = repository.folder().join("CHANGELOG.md");
    let text = std::fs::read_to_string(&changelog).unwrap();
    let refusal = |name: &str, version: &str, check: &dyn Fn(&Git) -> Result<()>| {
        let before = (repository.head().unwrap(), repository.changes().unwrap());
        let steps = Steps { check, build: &|_, _| bail!("it came to the build"), audit: &|_| Ok(()) };
        let made = release::make(&repository, &version.parse().unwrap(), TODAY, &folder.path().join(name), &steps);
        assert_eq!((repository.head().unwrap(), repository.changes().unwrap()), before, "{name}");
        format!("{name}: {:#}", made.err().unwrap())
    };
    let this = version().to_string();
    let mut told = vec![
        refusal("a version that does not follow", "9.8.7", &|_| Ok(())),
        refusal("failing checks", &this, &|_| bail!("Clippy failed")),
        refusal("checks that change files", &this, &|clone| Ok(std::fs::write(clone.folder().join("README.md"), "")?)),
    ];

    std::fs::write(&changelog, text.replace("\n- ", "\n* ")).unwrap();
    told.push(refusal("uncommitted changes", &this, &|_| Ok(())));
    repository.run(["commit", "--quiet", "--all", "--message", "docs: tell nothing"]).unwrap();
    told.push(refusal("nothing to release", &this, &|_| Ok(())));

    repository.run(["checkout", "--quiet", "-b", "feat/x"]).unwrap();
    told.push(refusal("another branch", &this, &|_| Ok(())));
    repository.run(["checkout", "--quiet", "main"]).unwrap();
    repository.run(["tag", &format!("v{this}")]).unwrap();
    told.push(refusal("released already", &this, &|_| Ok(())));
    insta::assert_snapshot!(told.join("\n").replace(&this, "<version>"));
}

#[test]
fn a_plugin_repository_uses_a_release() {
    let folder = tempfile::tempdir().unwrap();
    let repository = sources::repository(&folder.path().join("ours"));
    let before = repository.head().unwrap();
    let release = make(&repository, &version(), &folder.path().join("clone")).unwrap();
    assert_eq!(repository.head().unwrap(), before, "a release changed the repository that it was made of");
    assert!(repository.run(["tag"]).unwrap().is_empty(), "a release tagged the repository that it was made of");
    looks_right(&release);
    everything_is_pinned(&release);

    // Each commit as it is, so that act finds what GitHub would.
    let checkout = |revision: &str| {
        let place = folder.path().join("revisions").join(revision);
        let path = place.display().to_string();
        release.clone.run(["worktree", "add", "--quiet", "--detach", &path, revision]).unwrap();
        place
    };
    let ours = checkout(&release.tag);
    let revisions: Vec<_> = std::iter::once(&release.executables)
        .chain(release.pinned.iter().take(release.pinned.len() - 1))
        .map(|commit| (commit.to_string(), checkout(commit.as_str())))
        .collect();

    let tools = tools::ensure(&|_| ()).unwrap();
    let server = Server::start_public(&tools).unwrap();
    let plugin = Repository::from_fixture("plugin-hello", folder.path()).unwrap();
    plugin.replace(".github/workflows/ci.yml", "@main", &format!("@{}", release.tag)).unwrap();
    plugin.commit("ci: use a release").unwrap();
    let act = |event: Event| -> Outcome {
        let mut act = Act::new(&tools, plugin.folder(), event)
            .from_dist(&ours)
            .workflow("ci.yml")
            .variable("S3_ENDPOINT", &server.endpoint())
            .variable("S3_BUCKET", Server::BUCKET)
            .secret("S3_ACCESS_KEY", server.access_key())
            .secret("S3_SECRET_KEY", server.secret_key());
        for (revision, checkout) in &revisions {
            act = act.revision(revision, checkout);
        }
        let outcome = act.run(&mut |_| ()).unwrap();
        assert!(outcome.success, "{:?}\n{}", outcome.jobs, outcome.log);
        outcome
    };

    plugin.branch("feat/x").unwrap();
    let sha = plugin.commit("feat: x").unwrap();
    let (repository, branch, action) = (plugin.name(), "feat/x", "opened");
    let (labels, label) = (&[][..], None);
    let request = PullRequest { repository, head_repository: repository, branch, sha: &sha, action, labels, label };
    let base = plugin.git(&["rev-parse", "main"]).unwrap();
    let outcome = act(request.event_on(&base));
    assert!(!outcome.log.contains("Main Publish it"), "a pull request was published:\n{}", outcome.log);

    plugin.tag("v0.3.0").unwrap();
    let outcome = act(event::push(plugin.name(), "refs/tags/v0.3.0", &sha));
    assert!(outcome.log.contains("files sent"), "{}", outcome.log);
    let listed = Command::new(ours.join("dist/run"))
        .args(["fetch", "--package", "plugin-hello", "--list", "--bucket", Server::BUCKET])
        .args(["--endpoint-url", &server.endpoint()])
        .env_remove("GITHUB_ACTIONS")
        .env_remove("VACCEL_CI_BIN")
        .output()
        .unwrap();
    let listed = String::from_utf8(listed.stdout).unwrap();
    assert_eq!(listed.trim(), "VERSION  TARGETS\n0.3.0    x86_64/debug x86_64/release");
}

#[test]
fn releases_follow_one_another() {
    let folder = tempfile::tempdir().unwrap();
    let repository = sources::repository(&folder.path().join("ours"));
    // Small programs: nothing here runs them.
    let build = |clone: &Git, commit: &Commit| {
        let dist = clone.folder().join("dist");
        let program =
            Executable { action: "plan".into(), arch: Arch::X86_64, size: 9, sha256: Sha256::of(b"#!/bin/sh") };
        std::fs::create_dir_all(dist.join("x86_64"))?;
        std::fs::write(dist.join(program.path()), "#!/bin/sh")?;
        std::fs::set_permissions(dist.join(program.path()), std::fs::Permissions::from_mode(0o755))?;
        let record = record(clone, commit, vec![program])?;
        Ok(std::fs::write(dist.join(DistRecord::FILE), record.to_canonical_json())?)
    };
    let release = |version: &Version| {
        let steps = Steps { check: &|_| Ok(()), build: &build, audit: &|_| Ok(()) };
        release::make(&repository, version, TODAY, &folder.path().join(version.to_string()), &steps).unwrap()
    };
    let changelog = repository.folder().join("CHANGELOG.md");
    let text = std::fs::read_to_string(&changelog).unwrap();

    let first = release(&version());
    std::fs::write(&changelog, "changed meanwhile").unwrap();
    first.adopt(&repository).unwrap_err();
    assert_eq!(repository.head().unwrap(), first.base);
    assert!(repository.run(["tag"]).unwrap().is_empty(), "there is a tag without its branch");
    std::fs::write(&changelog, &text).unwrap();
    first.adopt(&repository).unwrap();
    assert_eq!(repository.head().unwrap(), first.executables);
    assert_eq!(
        repository.run(["rev-parse", &format!("{}^{{commit}}", first.tag)]).unwrap(),
        first.pinned.last().unwrap().as_str()
    );

    let released = std::fs::read_to_string(&changelog).unwrap();
    std::fs::write(&changelog, released.replace("## [Unreleased]\n", "## [Unreleased]\n\n- More.\n")).unwrap();
    repository.run(["commit", "--quiet", "--all", "--message", "feat: more"]).unwrap();
    let next = Version { patch: version().patch + 1, ..version() };
    let second = release(&next);
    let show = |path: &str| second.clone.run(["show", &format!("{}:{path}", second.tag)]).unwrap();
    assert!(show("Cargo.toml").contains(&format!("version = \"{next}\"")));
    assert!(show(".github/workflows/verify-build.yml").contains(&format!("plan@{} # v{next}", second.executables)));
    second.adopt(&repository).unwrap();
    assert_eq!(repository.run(["tag"]).unwrap(), format!("{}\n{}", first.tag, second.tag));
}

/// What the commits hold.
fn looks_right(release: &Release) {
    let show = |commit: &str, path: &str| release.clone.run(["show", &format!("{commit}:{path}")]).unwrap();
    let version = version();
    assert_eq!(release.tag, format!("v{version}"));
    let main = release.clone.run(["rev-parse", "main"]).unwrap();
    assert_eq!(main, release.executables.as_str(), "main does not end with the executables");
    let tagged = release.clone.run(["rev-parse", &format!("{}^{{commit}}", release.tag)]).unwrap();
    assert_eq!(release.pinned.last().unwrap().as_str(), tagged);

    let changelog = show("main", "CHANGELOG.md");
    assert!(changelog.contains(&format!("## [Unreleased]\n\n## [{version}] - {TODAY}\n")), "{changelog}");
    assert!(show("main", "actions/plan/README.md").contains(&format!("{OURS}actions/plan@v{version}\n")));
    let files = release.clone.run(["ls-tree", "-r", "main", "dist/"]).unwrap();
    for (mode, name) in [("100755", "plan"), ("100755", "upload"), ("120000", "fetch")] {
        let end = format!("dist/x86_64/vaccel-{name}");
        assert!(files.lines().any(|line| line.starts_with(mode) && line.ends_with(&end)), "{files}");
    }
    let sources = release.clone.run(["ls-tree", "-r", release.sources.as_str(), "dist/"]).unwrap();
    assert!(!sources.contains("vaccel-"), "the sources hold executables:\n{sources}");
    let placed = release.clone.folder().join("dist/x86_64/vaccel-plan");
    assert_eq!(std::fs::metadata(placed).unwrap().permissions().mode() & 0o111, 0o111);

    let workflow = show("main", ".github/workflows/verify-build.yml");
    assert!(workflow.contains(&format!("{OURS}actions/plan@main\n")), "main does not follow main");
}

/// From the tag, every reference to ourselves leads to a commit of the release, and on from there.
fn everything_is_pinned(release: &Release) {
    let commits: BTreeSet<_> =
        std::iter::once(&release.executables).chain(&release.pinned).map(Commit::as_str).collect();
    let git = |arguments: &[&str]| release.clone.run(arguments).unwrap();
    let mut open: Vec<_> = git(&["ls-tree", "-r", "--name-only", &release.tag, ".github/workflows", "actions"])
        .lines()
        .filter(|path| path.starts_with(".github/") || path.ends_with("/action.yml"))
        .map(|path| (release.tag.clone(), path.to_owned()))
        .collect();
    let mut seen = BTreeSet::new();
    while let Some((revision, path)) = open.pop() {
        let text = git(&["show", &format!("{revision}:{path}")]);
        let is_use =
            |line: &&str| line.trim_start().trim_start_matches("- ").starts_with("uses:") && line.contains(OURS);
        for line in text.lines().filter(is_use) {
            let (_, reference) = line.split_once(OURS).unwrap();
            let (target, pin) = reference.split_once('@').unwrap();
            let (commit, comment) = pin.split_once(' ').unwrap_or((pin, ""));
            assert!(commits.contains(commit), "{revision}:{path}: {line}");
            assert_eq!(comment, format!("# {}", release.tag), "{revision}:{path}");
            let is_action = target.starts_with("actions/");
            let file = if is_action { format!("{target}/action.yml") } else { target.to_owned() };
            let is_beside_executable = commit == release.executables.as_str();
            assert!(!is_action || is_beside_executable, "{target} is not where its executable is");
            if seen.insert((commit.to_owned(), file.clone())) {
                open.push((commit.to_owned(), file));
            }
        }
    }
    assert!(seen.iter().any(|(_, path)| path == "actions/upload/action.yml"), "{seen:?}");
    assert!(seen.iter().any(|(_, path)| path == ".github/workflows/verify-build.yml"), "{seen:?}");
}
