// SPDX-License-Identifier: Apache-2.0
//! What every test has: one server per test binary, a bundle, and a folder.

use anyhow::{Context, Result};
use artifact::{Arch, BuildType, Bundle, Manifest, Run};
use registry::{
    BasePath, Credentials, FetchedFile, Fetcher, Location, Publication, PublishOptions, RegistryError, Requirement,
    Resolved, Settings, Store,
};
use std::path::PathBuf;
use std::sync::Mutex;
use tempfile::TempDir;
use testbed::s3::Server;
pub use testbed::s3::shared as server;

/// Settings of its owner.
pub fn settings() -> Settings {
    Settings {
        endpoint: server().endpoint(),
        bucket: Server::BUCKET.to_owned(),
        credentials: Credentials::Keys {
            access_key: secret(server().access_key()),
            secret_key: secret(server().secret_key()),
            session_token: None,
        },
        time_limit: std::time::Duration::from_mins(1),
        ..Settings::default()
    }
}

pub fn secret(text: &str) -> toolkit::Secret {
    text.parse().unwrap_or_else(|never| match never {})
}

/// A place of one test on the store, and a folder.
pub struct World {
    pub store: Store,
    pub base: BasePath,
    /// The same place, without our rules: what somebody else may do to a store.
    pub raw: aws_sdk_s3::Client,
    folder: TempDir,
}

impl World {
    /// `name` keeps the tests apart.
    pub async fn new(name: &str) -> Result<Self> {
        Ok(Self {
            store: Store::connect(settings()).await?,
            base: name.parse()?,
            raw: raw_client(),
            folder: tempfile::tempdir()?,
        })
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A bundle of `hello` in its own folder.
    pub fn bundle(&self, git_ref: &str, version: &str, files: &[(&str, &str)]) -> Result<Bundle> {
        // Other content of a branch comes from another commit.
        let content: Vec<_> = files.iter().map(|(name, content)| format!("{name}\0{content}\0")).collect();
        let digest = artifact::Sha256::of(content.concat().as_bytes()).to_string();
        let named = manifest(git_ref, version)?;
        let commit = if named.git_ref.is_release() { named.commit } else { digest[..40].parse()? };
        self.bundle_of(Manifest { commit, ..manifest(git_ref, version)? }, files)
    }

    /// A bundle with these files and otherwise this manifest.
    pub fn bundle_of(&self, manifest: Manifest, files: &[(&str, &str)]) -> Result<Bundle> {
        let folder = tempfile::tempdir_in(self.folder.path())?.keep();
        testbed::bundle::write(&folder, manifest, files.iter().copied())
    }

    pub async fn publish(&self, bundle: &Bundle) -> Result<Publication, RegistryError> {
        self.publish_with(bundle, None).await
    }

    pub async fn publish_with(
        &self,
        bundle: &Bundle,
        prune_after: Option<std::time::Duration>,
    ) -> Result<Publication, RegistryError> {
        let options = PublishOptions { prune_after, ..PublishOptions::default() };
        self.publish_all(std::slice::from_ref(bundle), &options).await
    }

    pub async fn publish_all(
        &self,
        bundles: &[Bundle],
        options: &PublishOptions,
    ) -> Result<Publication, RegistryError> {
        registry::publish(&self.store, &self.base, bundles, options, &|_, _| ()).await
    }

    pub fn location(&self, git_ref: &str) -> Result<Location> {
        Ok(Location {
            base: self.base.clone(),
            package: "hello".parse()?,
            git_ref: git_ref.parse()?,
            arch: Arch::X86_64,
            build_type: BuildType::Release,
        })
    }

    pub async fn at(&self, git_ref: &str) -> Result<Resolved> {
        Ok(registry::resolve_ref(&self.store, self.location(git_ref)?).await?)
    }

    pub async fn resolve(&self, requirement: &str) -> Result<Resolved> {
        let requirement: Requirement = requirement.parse()?;
        let package = "hello".parse()?;
        let (arch, build_type) = (Arch::X86_64, BuildType::Release);
        Ok(registry::resolve(&self.store, &self.base, &package, &requirement, arch, build_type).await?)
    }

    /// Fetches everything of a bundle into a folder of that name.
    pub async fn fetch(&self, bundle: &Resolved, folder: &str) -> Result<Vec<FetchedFile>> {
        let folder = self.path(folder);
        std::fs::create_dir_all(&folder)?;
        let fetcher = Fetcher { store: &self.store, folder: &folder, concurrency: 4 };
        Ok(fetcher.fetch(bundle, &bundle.manifest.files, &|_| ()).await?)
    }

    /// Keys of the place in order, without its name and the probe.
    pub async fn keys(&self) -> Result<Vec<String>> {
        let prefix = self.base.to_string();
        let listing = self.raw.list_objects_v2().bucket(Server::BUCKET).prefix(&prefix).send().await?;
        let keys = listing.contents().iter().filter_map(|object| object.key()?.strip_prefix(&prefix));
        let mut keys: Vec<_> = keys.filter(|key| !key.ends_with("probe")).map(str::to_owned).collect();
        keys.sort();
        Ok(keys)
    }

    pub async fn read(&self, key: &str) -> Result<String> {
        let object = self.raw.get_object().bucket(Server::BUCKET).key(key).send().await.context(key.to_owned())?;
        Ok(String::from_utf8(object.body.collect().await?.to_vec())?)
    }

    pub async fn write(&self, key: &str, content: &str) -> Result<()> {
        let body = content.as_bytes().to_vec().into();
        self.raw.put_object().bucket(Server::BUCKET).key(key).body(body).send().await?;
        Ok(())
    }
}

pub fn raw_client() -> aws_sdk_s3::Client {
    let http = aws_smithy_http_client::Builder::new().build_http();
    let keys = aws_sdk_s3::config::Credentials::new(server().access_key(), server().secret_key(), None, None, "test");
    let config = aws_sdk_s3::Config::builder()
        .behavior_version(aws_sdk_s3::config::BehaviorVersion::latest())
        .http_client(http)
        .endpoint_url(server().endpoint())
        .region(aws_sdk_s3::config::Region::new("us-east-1"))
        .force_path_style(true)
        .request_checksum_calculation(aws_sdk_s3::config::RequestChecksumCalculation::WhenRequired)
        .credentials_provider(keys)
        .build();
    aws_sdk_s3::Client::from_conf(config)
}

/// A manifest of `hello` without files, made in a run.
pub fn manifest(git_ref: &str, version: &str) -> Result<Manifest> {
    let run = Some(Run { id: "1".to_owned(), attempt: 1, url: "https://example.org/1".to_owned() });
    Ok(Manifest { run, ..testbed::bundle::manifest(git_ref, version)? })
}

/// What was told while something ran.
#[derive(Default)]
pub struct Told(Mutex<Vec<String>>);

impl Told {
    pub fn tell(&self, text: String) {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push(text);
    }

    pub fn sorted(self) -> Vec<String> {
        let mut told = self.0.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
        told.sort();
        told
    }
}
