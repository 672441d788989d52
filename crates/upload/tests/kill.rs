//! The executable, killed at any moment of a publication: readers see whole bundles, and another
//! run completes what is not.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail where it stands")]

use artifact::{Arch, BuildType, BuiltBy, Bundle, FileEntry, FileKind, Manifest, Sha256, Version};
use registry::{BasePath, Credentials, Fetcher, Location, RegistryError, Requirement, Resolved, Settings, Store};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use testbed::s3::Server;

/// Half of them in publications of a branch, half of releases.
const POINTS: u32 = 200;
const FILES: [&str; 3] = ["hello_amd64.deb", "hello.tar.gz", "libhello.so.0"];
const BASE: &str = "kill";

/// Every version has bytes of its own.
fn content(version: &str, name: &str) -> Vec<u8> {
    format!("{name} of {version}\n").repeat(4000).into_bytes()
}

fn bundle(folder: &Path, git_ref: &str, version: &str) {
    std::fs::create_dir_all(folder).unwrap();
    let files = FILES.map(|name| {
        let content = content(version, name);
        std::fs::write(folder.join(name), &content).unwrap();
        let (size, sha256) = (content.len() as u64, Sha256::of(&content));
        FileEntry { name: name.parse().unwrap(), kind: FileKind::Other, size, sha256, soname: None }
    });
    let mut files = files.to_vec();
    files.sort_by(|a, b| a.name.cmp(&b.name));
    let version: Version = version.parse().unwrap();
    let manifest = Manifest {
        schema: Manifest::SCHEMA,
        package: "hello".parse().unwrap(),
        debian_version: version.debian(),
        version,
        git_ref: git_ref.parse().unwrap(),
        commit: "ebc23b1f00000000000000000000000000000000".parse().unwrap(),
        repository: "nubificus/hello".to_owned(),
        arch: Arch::X86_64,
        build_type: BuildType::Release,
        created: "2026-01-02T03:04:05Z".parse().unwrap(),
        built_by: BuiltBy {
            vaccel_ci: "0.1.0".to_owned(),
            compiler: "gcc 12.2.0".to_owned(),
            backend: "meson 1.12.1".to_owned(),
            options: vec![],
        },
        run: None,
        files,
    };
    Bundle::write(folder, &manifest).unwrap();
}

fn uploader(server: &Server, folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_vaccel-upload"));
    command
        .env_clear()
        .env("INPUT_ACCESS_KEY", server.access_key())
        .env("INPUT_SECRET_KEY", server.secret_key())
        .args(["--base-path", BASE, "--bucket", Server::BUCKET, "--endpoint-url", &server.endpoint(), "--dist-path"])
        .arg(folder)
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    command
}

/// Runs it to its end.
fn upload(server: &Server, folder: &Path) {
    let output = uploader(server, folder).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

struct Reader {
    store: Store,
    runtime: tokio::runtime::Runtime,
    folder: tempfile::TempDir,
}

impl Reader {
    fn new(server: &Server) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let settings = Settings {
            endpoint: server.endpoint(),
            region: "us-east-1".to_owned(),
            bucket: Server::BUCKET.to_owned(),
            credentials: Credentials::Keys {
                access_key: server.access_key().parse().unwrap(),
                secret_key: server.secret_key().parse().unwrap(),
                session_token: None,
            },
            ca_bundle: None,
            allow_http: false,
            time_limit: Duration::from_mins(1),
        };
        let store = runtime.block_on(Store::connect(settings)).unwrap();
        Self { store, runtime, folder: tempfile::tempdir().unwrap() }
    }

    fn branch(&self) -> Option<Version> {
        let location = Location {
            base: base(),
            package: "hello".parse().unwrap(),
            git_ref: "main".parse().unwrap(),
            arch: Arch::X86_64,
            build_type: BuildType::Release,
        };
        self.whole(self.runtime.block_on(registry::resolve_ref(&self.store, location)))
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
        for name in FILES {
            let bytes = std::fs::read(folder.path().join(name)).unwrap();
            assert!(bytes == content(&found.manifest.version.to_string(), name), "{name}");
        }
        Some(found.manifest.version)
    }
}

fn base() -> BasePath {
    BASE.parse().unwrap()
}

#[test]
fn killed_anywhere_it_leaves_whole_bundles_and_another_run_completes_it() {
    let server = testbed::tools::ensure(&|_| ()).and_then(|tools| Server::start(&tools)).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let place = |point: u32| (folder.path().join(point.to_string()), format!("0.3.{point}"));
    let kinds = ["main", "release"];
    let git_ref = |kind: &str, version: &str| if kind == "main" { kind.to_owned() } else { format!("v{version}") };

    // How long a whole one takes, once the probe is there.
    let mut whole = Duration::ZERO;
    for point in 0..6 {
        let ((folder, version), kind) = (place(point), kinds[point as usize % 2]);
        bundle(&folder, &git_ref(kind, &version), &version);
        let started = Instant::now();
        upload(&server, &folder);
        whole = started.elapsed().max(if point < 2 { Duration::ZERO } else { whole });
    }
    let done = AtomicBool::new(false);
    let (killed, old, new) = std::thread::scope(|scope| {
        let (server, done) = (&server, &done);
        let poll = |branch: bool| {
            move || {
                let (reader, mut seen, mut last) = (Reader::new(server), 0_u32, None);
                while !done.load(Ordering::Relaxed) {
                    let found = if branch { reader.branch() } else { reader.release("latest") };
                    assert!(found >= last, "{found:?} after {last:?}");
                    (last, seen) = (found, seen + 1);
                    std::thread::sleep(Duration::from_millis(10));
                }
                seen
            }
        };
        let readers = [scope.spawn(poll(true)), scope.spawn(poll(false))];
        let work = |kind: &'static str| {
            let (git_ref, place) = (&git_ref, &place);
            move || {
                let reader = Reader::new(server);
                let (mut killed, mut old, mut new) = (0, 0, 0);
                for point in (0..POINTS).filter(|point| kinds[*point as usize % 2] == kind) {
                    let (folder, version) = place(point + 10);
                    bundle(&folder, &git_ref(kind, &version), &version);
                    let mut child = uploader(server, &folder).spawn().unwrap();
                    // Two at once take longer than one alone.
                    std::thread::sleep(whole * (point + 1) * 5 / (POINTS * 4));
                    child.kill().unwrap();
                    killed += u32::from(!child.wait().unwrap().success());
                    let wanted: Version = version.parse().unwrap();
                    let see = || if kind == "main" { reader.branch() } else { reader.release(&version) };
                    if see().as_ref() == Some(&wanted) {
                        new += 1;
                    } else {
                        old += 1;
                    }
                    upload(server, &folder);
                    assert_eq!(see(), Some(wanted), "point {point}");
                }
                [killed, old, new]
            }
        };
        let worked = kinds.map(|kind| scope.spawn(work(kind))).map(std::thread::ScopedJoinHandle::join);
        done.store(true, Ordering::Relaxed);
        let seen = readers.map(|reader| reader.join().unwrap());
        let counts = worked.map(Result::unwrap);
        let [killed, old, new] = [0, 1, 2].map(|at| counts.iter().map(|count| count[at]).sum::<u32>());
        println!(
            "{killed} of {POINTS} killed within {whole:?}: {old} left the old, {new} the new; {seen:?} whole reads"
        );
        assert!(seen.iter().all(|seen| *seen > POINTS / 10), "{seen:?}");
        (killed, old, new)
    });
    assert!(killed > POINTS / 4 && old > 0 && new > 0, "{killed} killed, {old} old, {new} new");
}
