//! The executable against a real store, as a step of a workflow and on a laptop.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail where it stands")]

use artifact::{Arch, BuildType, BuiltBy, Bundle, FileEntry, FileKind, Manifest, Sha256};
use assert_cmd::Command;
use std::fs;
use std::path::PathBuf;
use std::sync::OnceLock;
use std::time::{Duration, Instant};
use testbed::s3::Server;

const DEB: &str = "hello_0.3.0-1_amd64.deb";
const ARCHIVE: &str = "hello_0.3.0_x86_64.tar.gz";

/// The server of this test binary; it answers nobody without credentials.
fn server() -> &'static Server {
    static SERVER: OnceLock<Server> = OnceLock::new();
    SERVER.get_or_init(|| {
        let server = testbed::tools::ensure(&|_| ()).and_then(|tools| Server::start(&tools));
        server.unwrap_or_else(|error| panic!("no S3 server: {error:#}"))
    })
}

/// What a run said.
struct Said {
    code: i32,
    stdout: String,
    stderr: String,
}

/// A folder, and a place on the store that no other test has.
struct Scene {
    folder: tempfile::TempDir,
    base: &'static str,
}

impl Scene {
    fn new(base: &'static str) -> Self {
        let scene = Self { folder: tempfile::tempdir().unwrap(), base };
        scene.bundle("v0.3.0", "deb");
        scene
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn read(&self, name: &str) -> String {
        self.shown(&fs::read_to_string(self.path(name)).unwrap())
    }

    /// Makes `dist` a bundle of version 0.3.0 with these bytes in its Debian package.
    fn bundle(&self, git_ref: &str, deb: &str) {
        let folder = self.path("dist");
        fs::create_dir_all(&folder).unwrap();
        let file = |name: &str, kind, content: &str| {
            fs::write(folder.join(name), content).unwrap();
            let sha256 = Sha256::of(content.as_bytes());
            FileEntry { name: name.parse().unwrap(), kind, size: content.len() as u64, sha256, soname: None }
        };
        let files = vec![file(DEB, FileKind::Deb, deb), file(ARCHIVE, FileKind::Archive, "archive")];
        Bundle::write(&folder, &manifest(git_ref, files)).unwrap();
    }

    /// The executable with no environment but `PATH`, and with no inputs.
    fn bare(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_vaccel-upload"));
        command.env_clear().env("PATH", std::env::var_os("PATH").unwrap()).current_dir(self.folder.path());
        command
    }

    /// With the store as inputs.
    fn command(&self) -> Command {
        let mut command = self.bare();
        command
            .env("INPUT_ENDPOINT_URL", server().endpoint())
            .env("INPUT_BUCKET", Server::BUCKET)
            .env("INPUT_BASE_PATH", self.base)
            .env("INPUT_ACCESS_KEY", server().access_key())
            .env("INPUT_SECRET_KEY", server().secret_key());
        command
    }

    /// The same as a step of a job, whose files are `output` and `summary`.
    fn job(&self) -> Command {
        let mut command = self.command();
        command.env("GITHUB_ACTIONS", "true");
        for (variable, name) in [("GITHUB_OUTPUT", "output"), ("GITHUB_STEP_SUMMARY", "summary")] {
            fs::write(self.path(name), "").unwrap();
            command.env(variable, self.path(name));
        }
        command
    }

    fn run(&self, mut command: Command) -> Said {
        let output = command.output().unwrap();
        Said {
            code: output.status.code().unwrap(),
            stdout: self.shown(&String::from_utf8(output.stdout).unwrap()),
            stderr: self.shown(&String::from_utf8(output.stderr).unwrap()),
        }
    }

    /// Text with what differs from run to run replaced.
    fn shown(&self, text: &str) -> String {
        text.replace(&server().endpoint(), "STORE").replace(&self.folder.path().display().to_string(), "FOLDER")
    }

    /// Runs with these arguments instead of the inputs of the same name; gives status and messages.
    fn fails(&self, arguments: &[&str]) -> String {
        let mut command = self.command();
        command.args(arguments);
        let said = self.run(command);
        assert_eq!(said.stdout, "", "{arguments:?}");
        format!("{}: {}", said.code, said.stderr)
    }
}

fn manifest(git_ref: &str, files: Vec<FileEntry>) -> Manifest {
    Manifest {
        schema: Manifest::SCHEMA,
        package: "hello".parse().unwrap(),
        version: "0.3.0".parse().unwrap(),
        debian_version: "0.3.0-1".to_owned(),
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
    }
}

/// Values of outputs as the runner reads them, `name=value`.
fn outputs(file: &str) -> Vec<String> {
    let mut lines = file.lines();
    let mut found = Vec::new();
    while let Some((name, delimiter)) = lines.next().and_then(|line| line.split_once("<<")) {
        let value: Vec<_> = lines.by_ref().take_while(|line| *line != delimiter).collect();
        found.push(format!("{name}={}", value.join("|")));
    }
    found
}

#[test]
fn a_job_publishes_and_reports_and_the_second_run_changes_nothing() {
    let scene = Scene::new("reports");
    let said = scene.run(scene.job());
    assert_eq!(said.code, 0, "{}", said.stdout);
    assert_eq!(said.stderr, "");
    let mut lines: Vec<_> = said.stdout.lines().filter(|line| !line.starts_with("::add-mask::")).collect();
    // Files are sent side by side.
    lines.sort_unstable();
    insta::assert_snapshot!(lines.join("\n"), @r"
    ==> Publish hello 0.3.0 to reports/hello/rev/v0.3.0/x86_64/release/
    published: 2 files sent (10 B), 0 were there already
    sent: hello_0.3.0-1_amd64.deb (3 B)
    sent: hello_0.3.0_x86_64.tar.gz (7 B)
    ");
    insta::assert_snapshot!(outputs(&scene.read("output")).join("\n"), @r"
    remote-path=reports/hello/rev/v0.3.0/x86_64/release/
    manifest-url=STORE/artifacts/reports/hello/rev/v0.3.0/x86_64/release/manifest.json
    uploaded=2
    skipped=0
    bytes=10
    ");
    insta::assert_snapshot!(scene.read("summary"), @r"
    ## `hello` `0.3.0` published

    release `v0.3.0` for x86_64, release: published: 2 files sent (10 B), 0 were there already. [Manifest](STORE/artifacts/reports/hello/rev/v0.3.0/x86_64/release/manifest.json)

    | File | Kind | Size | SHA-256 |
    | --- | --- | --- | --- |
    | [`hello_0.3.0-1_amd64.deb`](STORE/artifacts/reports/hello/rev/v0.3.0/x86_64/release/hello_0.3.0-1_amd64.deb) | deb | 3 B | `9cfa1468c93f` |
    | [`hello_0.3.0_x86_64.tar.gz`](STORE/artifacts/reports/hello/rev/v0.3.0/x86_64/release/hello_0.3.0_x86_64.tar.gz) | archive | 7 B | `0eb3e36bfb24` |
    ");

    let said = scene.run(scene.job());
    assert_eq!(said.code, 0, "{}", said.stdout);
    assert!(said.stdout.contains("already published; nothing changed"), "{}", said.stdout);
    let outputs = outputs(&scene.read("output"));
    for output in ["uploaded=0", "skipped=2", "bytes=0"] {
        assert!(outputs.iter().any(|line| line == output), "{output}: {outputs:?}");
    }
    insta::assert_snapshot!(scene.read("summary").lines().nth(2).unwrap(), @"release `v0.3.0` for x86_64, release: already published; nothing changed (2 files were there). [Manifest](STORE/artifacts/reports/hello/rev/v0.3.0/x86_64/release/manifest.json)");
}

#[test]
fn a_person_reads_a_table_of_outputs() {
    let scene = Scene::new("person");
    let said = scene.run(scene.command());
    assert_eq!(said.code, 0, "{}", said.stderr);
    assert!(!said.stderr.contains("::"), "{}", said.stderr);
    insta::assert_snapshot!(said.stdout, @r"
    remote-path   person/hello/rev/v0.3.0/x86_64/release/
    manifest-url  STORE/artifacts/person/hello/rev/v0.3.0/x86_64/release/manifest.json
    uploaded      2
    skipped       0
    bytes         10
    ");
}

#[test]
fn a_branch_moves_forward() {
    let scene = Scene::new("branch");
    for deb in ["deb", "bed"] {
        scene.bundle("feat/a", deb);
        let said = scene.run(scene.command());
        assert_eq!(said.code, 0, "{}", said.stderr);
        assert!(said.stderr.contains("published: "), "{}", said.stderr);
    }
}

#[test]
fn other_bytes_for_a_release_are_refused_with_both_digests() {
    let scene = Scene::new("immutable");
    assert_eq!(scene.run(scene.command()).code, 0);
    scene.bundle("v0.3.0", "bed");
    let said = scene.fails(&["--concurrency=1"]);
    let digest = |text: &str| Sha256::of(text.as_bytes()).to_string();
    let said = said.replace(&digest("deb"), "<deb's digest>").replace(&digest("bed"), "<bed's digest>");
    insta::assert_snapshot!(said, @r"
    1: ==> Publish hello 0.3.0 to immutable/hello/rev/v0.3.0/x86_64/release/
    error: immutable/hello/rev/v0.3.0/x86_64/release/hello_0.3.0-1_amd64.deb is published with other content: <deb's digest> there, <bed's digest> here
    help: a release never changes: publish the new content under a new version
    ");
}

#[test]
fn a_bundle_that_is_not_what_was_planned_is_refused() {
    let scene = Scene::new("planned");
    let cases = [
        "--package=other",
        "--ref=main",
        "--version=0.4.0",
        "--commit=0000000000000000000000000000000000000000",
        "--arch=aarch64",
        "--build-type=debug",
    ];
    let said: Vec<_> = cases.iter().map(|argument| scene.fails(&[argument])).collect();
    insta::assert_snapshot!(said.join("\n"), @r"
    2: error: the bundle's package is hello, and other was expected
    help: stage the bundle for what is to be published; what it says of itself is not changed afterwards

    2: error: the bundle's ref is v0.3.0, and main was expected
    help: stage the bundle for what is to be published; what it says of itself is not changed afterwards

    2: error: the bundle's version is 0.3.0, and 0.4.0 was expected
    help: stage the bundle for what is to be published; what it says of itself is not changed afterwards

    2: error: the bundle's commit is ebc23b1f00000000000000000000000000000000, and 0000000000000000000000000000000000000000 was expected
    help: stage the bundle for what is to be published; what it says of itself is not changed afterwards

    2: error: the bundle's arch is x86_64, and aarch64 was expected
    help: stage the bundle for what is to be published; what it says of itself is not changed afterwards

    2: error: the bundle's build-type is release, and debug was expected
    help: stage the bundle for what is to be published; what it says of itself is not changed afterwards
    ");
    let mut command = scene.command();
    command.args(["--ref=v0.3.0", "--package=hello", "--version=0.3.0", "--arch=x86_64", "--build-type=release"]);
    assert_eq!(scene.run(command).code, 0, "what fits is not refused");
}

#[test]
fn wrong_inputs_are_status_two() {
    let scene = Scene::new("inputs");
    fs::create_dir(scene.path("empty")).unwrap();
    let mut said = vec![
        scene.fails(&["--dist-path=empty"]),
        scene.fails(&["--endpoint-url=http://store.example"]),
        scene.fails(&["--endpoint-url=store.example"]),
        scene.fails(&["--latest=yes"]),
        scene.fails(&["--prune-after=soon"]),
        scene.fails(&["--ca-bundle=nowhere.pem"]),
    ];
    for absent in ["INPUT_ACCESS_KEY", "INPUT_SECRET_KEY", "INPUT_BUCKET", "INPUT_ENDPOINT_URL"] {
        let mut command = scene.command();
        // As GitHub passes an input that is not set.
        command.env(absent, "");
        let Said { code, stderr, .. } = scene.run(command);
        said.push(format!("{code}: {stderr}"));
    }
    insta::assert_snapshot!(said.join("\n"), @r#"
    2: error: there is nothing to publish in empty
      caused by: empty is not a bundle: it has no manifest.json
    help: make a bundle with stage-artifacts, and give its folder as dist-path

    2: error: the endpoint "http://store.example" is not usable: plain HTTP is for this machine only; use https, or allow-http
    help: give endpoint-url as https://host or https://host:port

    2: error: the endpoint "store.example" is not usable: it has no https:// in front
    help: give endpoint-url as https://host or https://host:port

    2: error: invalid value 'yes' for '--latest[=<true|false>]'
      [possible values: true, false]
    help: see --help, or the action's README

    2: error: invalid value 'soon' for '--prune-after <PRUNE_AFTER>': "soon" is not a number of days like 14d, nor `never`
    help: see --help, or the action's README

    2: error: could not read ca-bundle nowhere.pem
      caused by: No such file or directory (os error 2)

    2: error: secret-key is given without access-key
    help: give both, or neither to use the environment's credentials

    2: error: access-key is given without secret-key
    help: give both, or neither to use the environment's credentials

    2: error: the following required arguments were not provided:
      --bucket <BUCKET>
    help: see --help, or the action's README

    2: error: the following required arguments were not provided:
      --endpoint-url <ENDPOINT_URL>
    help: see --help, or the action's README
    "#);
}

#[test]
fn a_store_that_refuses_is_status_one() {
    let scene = Scene::new("refuses");
    let said = [scene.fails(&["--secret-key=wrong"]), scene.fails(&["--access-key=nobody"])];
    insta::assert_snapshot!(said.join("\n"), @r"
    1: ==> Publish hello 0.3.0 to refuses/hello/rev/v0.3.0/x86_64/release/
    error: STORE does not accept the credentials (SignatureDoesNotMatch)
    help: check access-key and secret-key, and that they are for this store

    1: ==> Publish hello 0.3.0 to refuses/hello/rev/v0.3.0/x86_64/release/
    error: STORE does not accept the credentials (InvalidAccessKeyId)
    help: check access-key and secret-key, and that they are for this store
    ");
}

#[test]
fn an_unreachable_store_is_given_up_soon() {
    let scene = Scene::new("unreachable");
    let begin = Instant::now();
    // Port 9, discard: nobody listens there.
    let said = scene.fails(&["--endpoint-url=http://127.0.0.1:9"]);
    assert!(begin.elapsed() < Duration::from_secs(20), "{:?}", begin.elapsed());
    insta::assert_snapshot!(said, @r"
    1: ==> Publish hello 0.3.0 to unreachable/hello/rev/v0.3.0/x86_64/release/
    error: could not reach http://127.0.0.1:9: Connection refused (os error 111)
    help: check endpoint-url, the network, and that the store is up
    ");
}

#[test]
fn a_file_that_changed_after_staging_is_not_published() {
    let scene = Scene::new("changed");
    fs::write(scene.path("dist").join(DEB), "bad").unwrap();
    let digest = |text: &str| Sha256::of(text.as_bytes()).to_string();
    let said = scene.fails(&["--concurrency=1"]);
    let said = said.replace(&digest("deb"), "<deb's digest>").replace(&digest("bad"), "<bad's digest>");
    insta::assert_snapshot!(said, @r"
    1: ==> Publish hello 0.3.0 to changed/hello/rev/v0.3.0/x86_64/release/
    error: dist/hello_0.3.0-1_amd64.deb is not the file of the manifest: <bad's digest> instead of <deb's digest>
    ");
}

#[test]
fn secrets_are_masked_and_not_shown() {
    let scene = Scene::new("secrets");
    let token = "TOKEN-of-a-session";
    let cases: [(&str, &[&str]); 5] = [
        ("it succeeds", &[]),
        ("the token is refused", &["--session-token=TOKEN-of-a-session"]),
        ("nobody answers", &["--endpoint-url=http://127.0.0.1:9"]),
        ("an input is wrong", &["--latest=yes"]),
        ("help", &["--help"]),
    ];
    for (name, arguments) in cases {
        let mut command = scene.job();
        command.args(arguments);
        let said = scene.run(command);
        let visible: Vec<_> = said.stdout.lines().filter(|line| !line.starts_with("::add-mask::")).collect();
        let files = ["output", "summary"].map(|file| scene.read(file));
        let visible = format!("{}{}{}", visible.join("\n"), said.stderr, files.concat());
        for secret in [server().access_key(), server().secret_key(), token] {
            assert!(!visible.contains(secret), "{name}: {visible}");
        }
        if !["an input is wrong", "help"].contains(&name) {
            let first = said.stdout.lines().next().unwrap();
            assert!(first.starts_with("::add-mask::"), "{name}: nothing comes before the masks: {first}");
        }
    }
}
