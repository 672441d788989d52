// SPDX-License-Identifier: Apache-2.0
//! The executable, killed at any byte of a publication: readers see whole bundles, and another
//! run completes what is not.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail where it stands")]

use artifact::{Arch, BuildType, Version};
use registry::{BasePath, Credentials, Fetcher, Location, RegistryError, Requirement, Resolved, Settings, Store};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use testbed::proxy::Proxy;
use testbed::s3::Server;

/// In publications of a branch, and as many in those of releases.
const POINTS: usize = 60;
/// A request is broken off after any number of them.
const PARTS: usize = 6;
const FILES: [&str; 3] = ["hello_VERSION-1_amd64.deb", "hello_VERSION_x86_64.tar.gz", "libhello.so.0"];
const BASE: &str = "kill";

/// A file's name in this version.
fn name(version: &str, file: &str) -> String {
    file.replace("VERSION", version)
}

/// Every version has bytes of its own.
fn content(version: &str, name: &str) -> Vec<u8> {
    format!("{name} of {version}\n").repeat(400).into_bytes()
}

fn bundle(folder: &Path, git_ref: &str, version: &str) {
    let files = FILES.map(|file| (name(version, file), content(version, file)));
    let mut manifest = testbed::bundle::manifest(git_ref, version).unwrap();
    // Every version is another commit.
    manifest.commit = artifact::Sha256::of(version.as_bytes()).to_string()[..40].parse().unwrap();
    testbed::bundle::write(folder, manifest, files).unwrap();
}

fn uploader(server: &Server, endpoint: &str, folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_vaccel-upload"));
    command
        .env_clear()
        .env("INPUT_ACCESS_KEY", server.access_key())
        .env("INPUT_SECRET_KEY", server.secret_key())
        .args(["--base-path", BASE, "--bucket", Server::BUCKET, "--endpoint-url", endpoint, "--dist-path"])
        .arg(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command
}

/// Runs it to its end.
fn upload(server: &Server, folder: &Path) {
    let output = uploader(server, &server.endpoint(), folder).stderr(Stdio::piped()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

struct Reader {
    store: Store,
    raw: aws_sdk_s3::Client,
    runtime: tokio::runtime::Runtime,
    folder: tempfile::TempDir,
}

impl Reader {
    fn new(server: &Server) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let settings = Settings {
            endpoint: server.endpoint(),
            bucket: Server::BUCKET.to_owned(),
            credentials: Credentials::Keys {
                access_key: server.access_key().parse().unwrap(),
                secret_key: server.secret_key().parse().unwrap(),
                session_token: None,
            },
            time_limit: Duration::from_mins(1),
            ..Settings::default()
        };
        let store = runtime.block_on(Store::connect(settings)).unwrap();
        let keys = aws_sdk_s3::config::Credentials::new(server.access_key(), server.secret_key(), None, None, "test");
        let config = aws_sdk_s3::Config::builder()
            .behavior_version(aws_sdk_s3::config::BehaviorVersion::latest())
            .http_client(aws_smithy_http_client::Builder::new().build_http())
            .endpoint_url(server.endpoint())
            .region(aws_sdk_s3::config::Region::new("us-east-1"))
            .force_path_style(true)
            .credentials_provider(keys)
            .build();
        let raw = aws_sdk_s3::Client::from_conf(config);
        Self { store, raw, runtime, folder: tempfile::tempdir().unwrap() }
    }

    fn branch(&self) -> Option<Version> {
        self.whole(self.runtime.block_on(registry::resolve_ref(&self.store, location("main"))))
    }

    /// The bytes under a name beside the manifest.
    fn read(&self, git_ref: &str, name: &str) -> Vec<u8> {
        let get = self.raw.get_object().bucket(Server::BUCKET).key(location(git_ref).named(name)).send();
        self.runtime.block_on(async { get.await.unwrap().body.collect().await.unwrap().to_vec() })
    }

    fn release(&self, requirement: &str) -> Option<Version> {
        let requirement: Requirement = requirement.parse().unwrap();
        let (base, package, arch) = (base(), "hello".parse().unwrap(), Arch::X86_64);
        let found = registry::resolve(&self.store, &base, &package, &requirement, arch, BuildType::Release);
        self.whole(self.runtime.block_on(found))
    }

    /// Fetches the bundle into an empty folder, and looks at every byte.
    fn whole(&self, found: Result<Resolved, RegistryError>) -> Option<Version> {
        let found = match found {
            Ok(found) => found,
            Err(RegistryError::NoBundle { .. } | RegistryError::Unsatisfied { .. }) => return None,
            Err(error) => panic!("{error}"),
        };
        let folder = tempfile::tempdir_in(self.folder.path()).unwrap();
        let fetcher = Fetcher { store: &self.store, folder: folder.path(), concurrency: 3 };
        self.runtime.block_on(fetcher.fetch(&found, &found.manifest.files, &|_| ())).unwrap();
        let version = found.manifest.version.to_string();
        for file in FILES {
            let bytes = std::fs::read(folder.path().join(name(&version, file))).unwrap();
            assert!(bytes == content(&version, file), "{file} of {version}");
        }
        Some(found.manifest.version)
    }
}

fn base() -> BasePath {
    BASE.parse().unwrap()
}

fn location(git_ref: &str) -> Location {
    Location {
        base: base(),
        package: "hello".parse().unwrap(),
        git_ref: git_ref.parse().unwrap(),
        arch: Arch::X86_64,
        build_type: BuildType::Release,
    }
}

/// When a run is killed, and what has happened until then.
#[derive(Default)]
struct Fate {
    child: Option<Child>,
    /// Requests so far.
    requests: usize,
    /// The request at which it is killed.
    fatal: Option<usize>,
    /// How many [`PARTS`] of this request reach the server.
    parts: usize,
    /// Whether the manifest was written.
    committed: bool,
    killed: bool,
}

/// A proxy before the server that kills the run whose requests it passes on.
struct Killer {
    proxy: Proxy,
    fate: Arc<Mutex<Fate>>,
}

impl Killer {
    fn new(server: &Server) -> Self {
        let fate = Arc::new(Mutex::new(Fate::default()));
        let shared = fate.clone();
        let proxy = Proxy::start(&server.endpoint(), move |request| {
            // The whole time: one request after the other.
            let mut fate = shared.lock().unwrap();
            let number = fate.requests;
            fate.requests += 1;
            let is_fatal = fate.fatal == Some(number);
            if is_fatal && fate.parts < PARTS {
                request.break_off(request.length() * fate.parts / PARTS)?;
                fate.kill();
                return Ok(Vec::new());
            }
            let answer = request.forward()?;
            fate.committed |= request.method() == "PUT" && request.target().contains("/release.json?");
            if is_fatal {
                fate.kill();
            }
            Ok(answer)
        });
        Self { proxy: proxy.unwrap(), fate }
    }

    /// Runs an upload; kills it at the fatal request. Gives what has happened.
    fn run(&self, server: &Server, folder: &Path, fatal: Option<usize>, parts: usize) -> Fate {
        {
            let mut fate = self.fate.lock().unwrap();
            let child = uploader(server, self.proxy.endpoint(), folder).spawn().unwrap();
            *fate = Fate { child: Some(child), fatal, parts, ..Fate::default() };
        }
        loop {
            std::thread::sleep(Duration::from_millis(2));
            let mut fate = self.fate.lock().unwrap();
            let ended = fate.child.as_mut().is_none_or(|child| child.try_wait().unwrap().is_some());
            if ended {
                return std::mem::take(&mut fate);
            }
        }
    }
}

impl Fate {
    fn kill(&mut self) {
        let mut child = self.child.take().unwrap();
        child.kill().unwrap();
        self.killed = !child.wait().unwrap().success();
    }
}

#[test]
fn killed_anywhere_it_leaves_whole_bundles_and_another_run_completes_it() {
    let server = testbed::tools::ensure(&|_| ()).and_then(|tools| Server::start(&tools)).unwrap();
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let (server, done) = (&server, &done);
        let readers = ["main", "latest"].map(|wanted| {
            scope.spawn(move || {
                let (reader, mut seen, mut last) = (Reader::new(server), 0_usize, None);
                while !done.load(Ordering::Relaxed) {
                    let found = if wanted == "main" { reader.branch() } else { reader.release(wanted) };
                    assert!(found >= last, "{found:?} after {last:?}");
                    (last, seen) = (found, seen + 1);
                    std::thread::sleep(Duration::from_millis(100));
                }
                seen
            })
        });
        let killed = ["main", "release"].map(|kind| scope.spawn(move || kill_at_every_point(server, kind)));
        let killed = killed.map(std::thread::ScopedJoinHandle::join);
        done.store(true, Ordering::Relaxed);
        let seen = readers.map(|reader| reader.join().unwrap());
        let counts = killed.map(Result::unwrap);
        println!("requests, old and new bundles left: {counts:?}; whole reads meanwhile: {seen:?}");
        assert!(seen.iter().all(|seen| *seen > POINTS / 10), "{seen:?}");
        // The bundle is not all of a publication: it is killed before and after.
        assert!(counts.iter().all(|(_, old, new)| *old > POINTS / 4 && *new >= POINTS / 10), "{counts:?}");
    });
}

/// Kills publications of a branch or of releases at points that are spread over all their bytes,
/// and completes each. Gives how many requests one has, and how often the old and the new bundle
/// was left.
fn kill_at_every_point(server: &Server, kind: &str) -> (usize, usize, usize) {
    let folder = tempfile::tempdir().unwrap();
    let (killer, reader) = (Killer::new(server), Reader::new(server));
    let make = |point: usize| {
        let (folder, version) = (folder.path().join(point.to_string()), format!("0.3.{point}"));
        let git_ref = if kind == "main" { kind.to_owned() } else { format!("v{version}") };
        bundle(&folder, &git_ref, &version);
        (folder, version, git_ref)
    };
    // The second one has the probe, and moves the branch: like all that follow.
    let whole = [0, 1].map(|point| killer.run(server, &make(point).0, None, 0));
    let requests = whole[1].requests;
    let (mut old, mut new) = (0, 0);
    for point in 0..POINTS {
        let (folder, version, git_ref) = make(point + whole.len());
        let position = point * requests * (PARTS + 1) / POINTS;
        let (fatal, parts) = (position / (PARTS + 1), position % (PARTS + 1));
        let fate = killer.run(server, &folder, Some(fatal), parts);
        // How often it asks whose turn it is varies by a request or two; one that had fewer is whole.
        assert!(fate.killed || fate.committed, "{kind}: neither killed at request {fatal} nor whole");
        let wanted: Version = version.parse().unwrap();
        let see = || if kind == "main" { reader.branch() } else { reader.release(&version) };
        assert_eq!(
            see().as_ref() == Some(&wanted),
            fate.committed,
            "{kind}: request {fatal}, {parts} of {PARTS} parts"
        );
        (old, new) = if fate.committed { (old, new + 1) } else { (old + 1, new) };

        upload(server, &folder);
        assert_eq!(see(), Some(wanted), "{kind}: request {fatal}, {parts} of {PARTS} parts");
        let latest = if kind == "main" { "main" } else { "latest" };
        let sums = ("SHA256SUMS".to_owned(), git_ref.as_str(), "SHA256SUMS");
        for (file, git_ref, alias) in [sums, (name(&version, FILES[0]), latest, "hello_latest_amd64.deb")] {
            let expected = std::fs::read(folder.join(file)).unwrap();
            assert!(reader.read(git_ref, alias) == expected, "{kind}: {alias}, request {fatal}");
        }
    }
    (requests, old, new)
}
