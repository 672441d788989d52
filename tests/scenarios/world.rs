// SPDX-License-Identifier: Apache-2.0
//! What scenarios share: the tools, one S3 server, a bucket for each.

use std::process::Command;
use std::sync::OnceLock;
use tempfile::TempDir;
use testbed::act::{Act, Outcome};
use testbed::event::{Event, PullRequest};
use testbed::repository::Repository;
use testbed::s3::Server;
use testbed::tools::{self, Tools};

fn shared() -> &'static (Tools, Server) {
    static SHARED: OnceLock<(Tools, Server)> = OnceLock::new();
    SHARED.get_or_init(|| {
        let tools = tools::ensure(&|_| ()).unwrap();
        let server = Server::start_public(&tools).unwrap();
        (tools, server)
    })
}

/// A bucket, a key that signs, and a folder for repositories.
pub struct World {
    bucket: &'static str,
    keys: minisign::KeyPair,
    folder: TempDir,
}

impl World {
    /// A world of its own; the name becomes the bucket's.
    pub fn new(bucket: &'static str) -> Self {
        shared().1.make_bucket(bucket).unwrap();
        let keys = minisign::KeyPair::generate_unencrypted_keypair().unwrap();
        Self { bucket, keys, folder: tempfile::tempdir().unwrap() }
    }

    /// The plugin, with a release behind it.
    pub fn plugin(&self) -> Repository {
        let plugin = Repository::from_fixture("plugin-hello", self.folder.path()).unwrap();
        plugin.tag("v0.2.0").unwrap();
        plugin
    }

    /// Any other fixture.
    pub fn repository(&self, fixture: &str) -> Repository {
        Repository::from_fixture(fixture, self.folder.path()).unwrap()
    }

    /// The project that depends on the plugin.
    pub fn greeter(&self) -> Repository {
        Repository::from_fixture("app-greeter", self.folder.path()).unwrap()
    }

    /// Runs a workflow for an event, with the store's secrets.
    pub fn act(&self, repository: &Repository, workflow: &str, event: Event) -> Outcome {
        let (_, server) = shared();
        let key_file = self.keys.sk.to_box(None).unwrap().into_string();
        // A secret of one line: the file's first one is a comment.
        let signing_key = key_file.lines().last().unwrap();
        let prepare = |act: Act<'static>| {
            act.secret("S3_ACCESS_KEY", server.access_key())
                .secret("S3_SECRET_KEY", server.secret_key())
                .secret("SIGNING_KEY", signing_key)
        };
        let outcome = self.run(repository, workflow, event, prepare);
        for secret in [server.access_key(), server.secret_key(), signing_key] {
            assert!(!outcome.log.contains(secret), "a secret is in the log or in a summary");
        }
        outcome
    }

    /// Runs a workflow with the store's secrets under the names of the earlier system.
    pub fn act_as_earlier(&self, repository: &Repository, workflow: &str, event: Event) -> Outcome {
        let (_, server) = shared();
        self.run(repository, workflow, event, |act| {
            act.secret("AWS_ACCESS_KEY", server.access_key()).secret("AWS_SECRET_ACCESS_KEY", server.secret_key())
        })
    }

    /// Runs a workflow in a repository that has no secrets.
    pub fn act_without_secrets(&self, repository: &Repository, workflow: &str, event: Event) -> Outcome {
        self.run(repository, workflow, event, |act| act)
    }

    fn run(
        &self,
        repository: &Repository,
        workflow: &str,
        event: Event,
        prepare: impl FnOnce(Act<'static>) -> Act<'static>,
    ) -> Outcome {
        let (tools, server) = shared();
        let act = Act::new(tools, repository.folder(), event)
            .workflow(workflow)
            .variable("S3_ENDPOINT", &server.endpoint())
            .variable("S3_BUCKET", self.bucket)
            .variable("PUBLIC_KEY", &self.keys.pk.to_base64());
        prepare(act).run(&mut |_| ()).unwrap()
    }

    /// What `vaccel-fetch` does with these arguments: whether it succeeded, and what it printed.
    pub fn fetch(&self, arguments: &[&str]) -> (bool, String) {
        let output = Command::new(testbed::executables().join("vaccel-fetch"))
            .args(["--endpoint-url", &shared().1.endpoint(), "--bucket", self.bucket, "--package", "plugin-hello"])
            .args(arguments)
            .current_dir(self.folder.path())
            .env_remove("GITHUB_ACTIONS")
            .output()
            .unwrap();
        let text = [output.stdout, output.stderr].concat();
        (output.status.success(), String::from_utf8(text).unwrap())
    }

    /// Whether a branch or tag of the plugin is published for both build types.
    pub fn is_published(&self, git_ref: &str) -> bool {
        let found = ["debug", "release"].map(|build_type| {
            let (found, text) = self.fetch(&["--ref", git_ref, "--build-type", build_type, "--files", "*.tar.gz"]);
            assert!(found || text.contains("is not published"), "{text}");
            found
        });
        assert_eq!(found[0], found[1], "one target of {git_ref} is published without the other");
        found[0]
    }
}

/// A pull request from a branch of the repository, whose head is checked out; the first of its labels was just put on.
pub fn pull_request(repository: &Repository, branch: &str, labels: &[&str]) -> Event {
    let label = labels.first().copied();
    let action = if label.is_some() { "labeled" } else { "synchronize" };
    request(repository, repository.name(), branch, action, labels, label)
}

/// A pull request from somebody else's repository.
pub fn fork(repository: &Repository, action: &str, labels: &[&str], label: Option<&str>) -> Event {
    request(repository, "somebody/plugin-hello", "patch-1", action, labels, label)
}

fn request(
    repository: &Repository,
    head_repository: &str,
    branch: &str,
    action: &str,
    labels: &[&str],
    label: Option<&str>,
) -> Event {
    let sha = repository.head().unwrap();
    let request =
        PullRequest { repository: repository.name(), head_repository, branch, sha: &sha, action, labels, label };
    request.event_on(&repository.git(&["rev-parse", "main"]).unwrap())
}

/// A push of the current commit.
pub fn push(repository: &Repository, git_ref: &str) -> Event {
    testbed::event::push(repository.name(), git_ref, &repository.head().unwrap())
}

/// Fails with the log when a run did not end as it should.
pub fn assert_success(outcome: &Outcome, expected: bool) {
    assert_eq!(outcome.success, expected, "{:?}\n{}", outcome.jobs, outcome.log);
}

/// Fails with the log when a text is not in it.
pub fn assert_says(outcome: &Outcome, text: &str) {
    assert!(outcome.log.contains(text), "the log does not hold {text:?}:\n{}", outcome.log);
}
