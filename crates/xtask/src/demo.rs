// SPDX-License-Identifier: Apache-2.0
//! `demo`: the main job, end to end, on this machine.
//!
//! A plugin repository's pull request, merge and release go through our workflows under act to a
//! real S3 server; another repository is built against the release.

mod progress;
mod report;

use crate::process::Step;
use anyhow::{Context, Result, bail, ensure};
use progress::Progress;
use report::{Published, Report};
use std::path::{Path, PathBuf};
use std::process::Command;
use testbed::act::{Act, Outcome};
use testbed::event::{self, Event, PullRequest};
use testbed::repository::Repository;
use testbed::s3::Server;
use testbed::tools::{self, Tools};

/// The release that the demo makes.
const RELEASE: &str = "v0.3.0";
/// What the other repository asks for.
const REQUIREMENT: &str = "^0.3";

/// Arguments of `cargo xtask demo`.
#[derive(clap::Args)]
pub struct Args {
    /// Show everything that act prints.
    #[arg(long)]
    verbose: bool,
}

/// Runs the demo; its folder, with logs and what was fetched, is `target/demo`.
pub fn run(args: &Args) -> Result<()> {
    let folder = testbed::workspace_root().join("target/demo");
    if folder.exists() {
        std::fs::remove_dir_all(&folder).with_context(|| format!("could not empty {}", folder.display()))?;
    }
    std::fs::create_dir_all(&folder).with_context(|| format!("could not make {}", folder.display()))?;
    tools::require(&[tools::BASE], &|line| eprintln!("    {line}"))?;
    let mut progress = Progress::new(args.verbose);
    let tools = progress.step("bring up the pinned tools", |_| tools::ensure(&|line| eprintln!("    {line}")))?;
    progress.step("build the executables", |_| {
        Step::cargo("cargo build", ["build", "--quiet", "--workspace", "--bins"]).run()
    })?;
    let server = progress.step("start an S3 server", |_| Server::start_public(&tools))?;
    let demo = Demo { tools, server, folder };
    let report = demo.pipeline(&mut progress)?;
    println!("{}", report.render(&progress));
    Ok(())
}

struct Demo {
    tools: Tools,
    server: Server,
    folder: PathBuf,
}

impl Demo {
    fn pipeline(&self, progress: &mut Progress) -> Result<Report> {
        let plugin = progress.step("make a plugin repository with history", |_| self.plugin())?;

        progress.step("act pull_request", |progress| {
            let event = PullRequest {
                repository: plugin.name(),
                head_repository: plugin.name(),
                branch: "feat/farewell",
                sha: &plugin.head()?,
                action: "opened",
                labels: &[],
                label: None,
            };
            let base = plugin.git(&["rev-parse", "main"])?;
            self.act(&plugin, event.event_on(&base), "pull-request", progress)?;
            ensure!(self.list("plugin-hello")?.is_empty(), "a pull request published something");
            ensure!(!self.exists("main")?, "a pull request published the branch");
            Ok(())
        })?;

        progress.step("act push (main)", |progress| {
            plugin.checkout("main")?;
            let sha = plugin.merge("feat/farewell")?;
            self.act(&plugin, event::push(plugin.name(), "refs/heads/main", &sha), "push-main", progress)?;
            ensure!(self.exists("main")?, "the merge was not published");
            Ok(())
        })?;

        progress.step(&format!("act push (tag {RELEASE})"), |progress| {
            plugin.tag(RELEASE)?;
            let event = event::push(plugin.name(), &format!("refs/tags/{RELEASE}"), &plugin.head()?);
            self.act(&plugin, event, "push-tag", progress)?;
            ensure!(self.list("plugin-hello")? == ["0.3.0"], "the release was not published");
            Ok(())
        })?;

        progress.step(&format!("act push (app-greeter, against plugin-hello {REQUIREMENT})"), |progress| {
            let greeter = Repository::from_fixture("app-greeter", &self.folder)?;
            let event = event::push(greeter.name(), "refs/heads/main", &greeter.head()?);
            let outcome = self.act(&greeter, event, "app-greeter", progress)?;
            ensure!(outcome.log.contains("plugin-hello 0.3.0"), "app-greeter was built against something else");
            Ok(())
        })?;

        let targets = ["debug", "release"];
        let published = progress.step(&format!("fetch plugin-hello {REQUIREMENT} and verify it"), |_| {
            targets.iter().map(|build_type| self.fetch(build_type)).collect::<Result<Vec<_>>>()
        })?;
        Ok(Report { published, requirement: REQUIREMENT })
    }

    /// A repository with a release behind it and a pull request's branch checked out.
    fn plugin(&self) -> Result<Repository> {
        let plugin = Repository::from_fixture("plugin-hello", &self.folder)?;
        plugin.tag("v0.2.0")?;
        plugin.write("NEWS", "Greets in more languages.\n")?;
        plugin.commit("docs: tell the news")?;
        plugin.branch("feat/farewell")?;
        plugin.write("NEWS", "Greets in more languages, and politely.\n")?;
        plugin.commit("feat: be polite")?;
        Ok(plugin)
    }

    fn act(&self, repository: &Repository, event: Event, name: &str, progress: &mut Progress) -> Result<Outcome> {
        let outcome = Act::new(&self.tools, repository.folder(), event)
            .workflow("ci.yml")
            .variable("S3_ENDPOINT", &self.server.endpoint())
            .variable("S3_BUCKET", Server::BUCKET)
            .secret("S3_ACCESS_KEY", self.server.access_key())
            .secret("S3_SECRET_KEY", self.server.secret_key())
            .run(&mut |line| progress.line(line))?;
        let log = self.folder.join(format!("{name}.log"));
        std::fs::write(&log, &outcome.log).with_context(|| format!("could not write {}", log.display()))?;
        for secret in [self.server.access_key(), self.server.secret_key()] {
            ensure!(!outcome.log.contains(secret), "a secret is in {}", log.display());
        }
        if !outcome.success {
            let failed: Vec<_> = outcome.jobs.iter().filter(|(_, ok)| !**ok).map(|(job, _)| job.as_str()).collect();
            bail!("the jobs {} failed; the log is {}", failed.join(", "), log.display());
        }
        Ok(outcome)
    }

    fn vaccel_fetch(&self, arguments: &[&str]) -> Result<std::process::Output> {
        let mut command = Command::new(testbed::executables().join("vaccel-fetch"));
        command.args([
            "--package",
            "plugin-hello",
            "--bucket",
            Server::BUCKET,
            "--endpoint-url",
            &self.server.endpoint(),
        ]);
        command.args(arguments).env_remove("GITHUB_ACTIONS").output().context("could not start vaccel-fetch")
    }

    /// The released versions, as the command line lists them.
    fn list(&self, package: &str) -> Result<Vec<String>> {
        let output = self.vaccel_fetch(&["--list", "--json"])?;
        ensure!(output.status.success(), "could not list {package}: {}", String::from_utf8_lossy(&output.stderr));
        let listed: Vec<serde_json::Value> = serde_json::from_slice(&output.stdout).context("--json is not JSON")?;
        Ok(listed.iter().filter_map(|entry| entry["version"].as_str().map(str::to_owned)).collect())
    }

    /// Whether a branch is published.
    fn exists(&self, branch: &str) -> Result<bool> {
        let folder = self.folder.join("branch").display().to_string();
        let output = self.vaccel_fetch(&["--ref", branch, "--local-path", &folder, "--files", "*.tar.gz"])?;
        let message = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success() || message.contains("is not published"), "{message}");
        Ok(output.status.success())
    }

    /// Fetches the release for one build type, and reads what it says of itself.
    fn fetch(&self, build_type: &str) -> Result<Published> {
        let folder = self.folder.join("fetched").join(build_type);
        let path = folder.display().to_string();
        let arguments = ["--version", REQUIREMENT, "--build-type", build_type, "--local-path", &path];
        let output = self.vaccel_fetch(&arguments)?;
        ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
        let version = stdout.lines().find_map(|line| line.strip_prefix("version")).context("no version was told")?;
        Published::read(build_type, version.trim(), &folder)
    }
}

/// The files of a folder, sorted by name.
fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = std::fs::read_dir(folder).with_context(|| format!("could not list {}", folder.display()))?;
    let mut files: Vec<_> = entries.map(|entry| Ok(entry?.path())).collect::<Result<_>>()?;
    files.sort();
    Ok(files)
}
