// SPDX-License-Identifier: Apache-2.0
//! What every test has: one server per test binary, a package with releases, and a folder.

use artifact::{BuildType, Manifest, Requires, Sha256};
use assert_cmd::Command;
use flate2::{Compression, write::GzEncoder};
use registry::{BasePath, Credentials, Location, PublishOptions, Settings, SigningKey, Store};
use std::fs;
use std::path::PathBuf;
use testbed::bundle::manifest;
use testbed::s3::Server;
pub use testbed::s3::shared as server;
pub use testbed::step::outputs;

pub const DEB: &str = "hello_0.3.0-1_amd64.deb";
pub const DEBUG_DEB: &str = "hello-dbgsym_0.3.0-1_amd64.deb";
pub const ARCHIVE: &str = "hello_0.3.0_x86_64.tar.gz";

/// What a run said.
pub struct Said {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

/// A folder, and a place on the store that no other test has.
pub struct Scene {
    folder: tempfile::TempDir,
    base: &'static str,
}

impl Scene {
    pub fn new(base: &'static str) -> Self {
        Self { folder: tempfile::tempdir().unwrap(), base }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().canonicalize().unwrap().join(name)
    }

    pub fn read(&self, name: &str) -> String {
        self.shown(&fs::read_to_string(self.path(name)).unwrap())
    }

    /// The names in a folder, in order; none if there is no such folder.
    pub fn names(&self, folder: &str) -> Vec<String> {
        let entries = fs::read_dir(self.path(folder)).into_iter().flatten();
        let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    /// Publishes a version of `hello`: two Debian packages and an archive.
    pub fn publish(&self, git_ref: &str, version: &str) {
        self.publish_to(server(), git_ref, version);
    }

    pub fn publish_to(&self, server: &Server, git_ref: &str, version: &str) {
        let deb = format!("deb {version}").into_bytes();
        self.publish_with(settings(server), git_ref, version, deb, None);
    }

    /// Publishes with these bytes as the Debian package.
    pub fn publish_with(
        &self,
        settings: Settings,
        git_ref: &str,
        version: &str,
        deb: Vec<u8>,
        signing_key: Option<SigningKey>,
    ) {
        self.publish_manifest(settings, manifest(git_ref, version).unwrap(), deb, signing_key, None);
    }

    /// Publishes a package of any name and build type, at a place of its own if given.
    pub fn publish_as(&self, package: &str, git_ref: &str, version: &str, build_type: BuildType, place: Option<&str>) {
        let package = package.parse().unwrap();
        let manifest = Manifest { package, build_type, ..manifest(git_ref, version).unwrap() };
        self.publish_manifest(settings(server()), manifest, b"deb".to_vec(), None, place);
    }

    /// Publishes a version that not every machine can run.
    pub fn publish_requiring(&self, git_ref: &str, version: &str, requires: Requires) {
        let manifest = Manifest { requires: Some(requires), ..manifest(git_ref, version).unwrap() };
        self.publish_manifest(settings(server()), manifest, b"deb".to_vec(), None, None);
    }

    fn publish_manifest(
        &self,
        settings: Settings,
        manifest: Manifest,
        deb: Vec<u8>,
        signing_key: Option<SigningKey>,
        place: Option<&str>,
    ) {
        let (package, version, debian) = (&manifest.package, &manifest.version, &manifest.debian_version);
        let name = format!("{package}-{}-{}", manifest.git_ref, manifest.build_type);
        let folder = self.path("dist").join(name.replace('/', "-"));
        let files = [
            (format!("{package}-dbgsym_{debian}_amd64.deb"), b"symbols".to_vec()),
            (format!("{package}_{debian}_amd64.deb"), deb),
            (format!("{package}_{version}_x86_64.tar.gz"), archive(package.as_str(), &version.to_string())),
        ];
        let base: BasePath = self.base.parse().unwrap();
        let base = base.with_place(place.map(|place| place.parse().unwrap()));
        let bundle = testbed::bundle::write(&folder, manifest.clone(), files).unwrap();
        let options = PublishOptions { signing_key, ..PublishOptions::default() };
        runtime().block_on(async {
            let store = Store::connect(settings).await.unwrap();
            registry::publish(&store, &base, &[bundle], &options, &|_, _| ()).await.unwrap();
        });
    }

    /// Replaces the Debian package of `v0.3.0`, as somebody else who may write to the store could.
    pub fn replace_deb(&self, content: &[u8]) {
        let key = format!("{}/hello/objects/{}/{DEB}", self.base, digest("deb 0.3.0"));
        server().plant(&key, content).unwrap();
    }

    /// Puts a file where systems without manifests put it.
    pub fn plant(&self, place: &str, content: &[u8]) {
        server().plant(&format!("{}/{place}", self.base), content).unwrap();
    }

    /// The release of `v0.3.0`, as it is on the store.
    pub fn release(&self) -> String {
        let location = Location::of(self.base.parse().unwrap(), &manifest("v0.3.0", "0.3.0").unwrap());
        let text = server().read(&location.place().release()).unwrap();
        String::from_utf8(text).unwrap()
    }

    /// The same with its release.
    pub fn replace_release(&self, content: &[u8]) {
        let location = Location::of(self.base.parse().unwrap(), &manifest("v0.3.0", "0.3.0").unwrap());
        server().plant(&location.place().release(), content).unwrap();
    }

    /// The executable with no environment but `PATH`, the store as inputs, and these arguments.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_vaccel-fetch"));
        command
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap())
            .env("INPUT_PACKAGE", "hello")
            .env("INPUT_ARCH", "x86_64")
            .envs(server().inputs())
            .env("INPUT_BASE_PATH", self.base)
            .args(arguments)
            .current_dir(self.folder.path());
        command
    }

    /// The same as a step of a job, whose files are `output` and `summary`.
    pub fn job(&self, arguments: &[&str]) -> Command {
        let mut command = self.command(arguments);
        command.env("GITHUB_ACTIONS", "true");
        for (variable, name) in [("GITHUB_OUTPUT", "output"), ("GITHUB_STEP_SUMMARY", "summary")] {
            fs::write(self.path(name), "").unwrap();
            command.env(variable, self.path(name));
        }
        command
    }

    /// A job that asks for several packages.
    pub fn several(&self, packages: &str, arguments: &[&str]) -> Command {
        let mut command = self.job(arguments);
        command.env_remove("INPUT_PACKAGE").env("INPUT_PACKAGES", packages);
        command
    }

    /// Runs it; neither of the keys may be seen.
    pub fn run(&self, mut command: Command) -> Said {
        let output = command.output().unwrap();
        let text = |bytes| self.shown(&String::from_utf8(bytes).unwrap());
        let said =
            Said { code: output.status.code().unwrap(), stdout: text(output.stdout), stderr: text(output.stderr) };
        let visible = said.stdout.lines().chain(said.stderr.lines()).filter(|line| !line.starts_with("::add-mask::"));
        for line in visible {
            assert!(![server().access_key(), server().secret_key()].iter().any(|key| line.contains(key)), "{line}");
        }
        said
    }

    /// Runs it on a laptop; gives status and messages.
    pub fn fails(&self, arguments: &[&str]) -> String {
        let said = self.run(self.command(arguments));
        assert_eq!(said.stdout, "", "{arguments:?}");
        format!("{}: {}", said.code, said.stderr)
    }

    /// Text with what differs from run to run replaced.
    fn shown(&self, text: &str) -> String {
        text.replace(&server().endpoint(), "STORE").replace(&self.path("").display().to_string(), "FOLDER/")
    }
}

/// The server's owner.
pub fn settings(server: &Server) -> Settings {
    Settings {
        endpoint: server.endpoint(),
        bucket: Server::BUCKET.to_owned(),
        credentials: Credentials::Keys {
            access_key: server.access_key().parse().unwrap(),
            secret_key: server.secret_key().parse().unwrap(),
            session_token: None,
        },
        time_limit: std::time::Duration::from_mins(1),
        ..Settings::default()
    }
}

pub fn digest(text: &str) -> Sha256 {
    Sha256::of(text.as_bytes())
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

/// An archive as stage-artifacts makes it: a folder on top, and `usr/` in it.
pub fn archive(package: &str, version: &str) -> Vec<u8> {
    // The same bytes each time: no time, no owner, nothing that depends on the compressor.
    let mut builder = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::none()));
    let library = format!("elf {version}");
    let files = [
        ("usr/lib/libhello.so.0", library.as_str()),
        ("usr/lib/x86_64-linux-gnu/libhello-plugin.so", "elf"),
        ("usr/lib/x86_64-linux-gnu/pkgconfig/hello.pc", "Name: hello\n"),
        ("usr/share/pkgconfig/hello-data.pc", "Name: hello-data\n"),
    ];
    for (name, content) in files {
        let mut header = tar::Header::new_gnu();
        header.set_mode(0o644);
        header.set_size(content.len() as u64);
        let path = format!("{package}_{version}_x86_64/{name}");
        builder.append_data(&mut header, path, content.as_bytes()).unwrap();
    }
    builder.into_inner().unwrap().finish().unwrap()
}
