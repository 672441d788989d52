// SPDX-License-Identifier: Apache-2.0
//! A store in a folder of one test.

use anyhow::Result;
use artifact::{Bundle, Manifest, PackageName, Sha256};
use registry::{
    BasePath, FetchedFile, Fetcher, Location, Publication, PublishOptions, RegistryError, Resolved, Settings, Store,
    Trust,
};
use std::path::PathBuf;
use tempfile::TempDir;

pub struct Shelf {
    pub base: BasePath,
    folder: TempDir,
}

impl Shelf {
    pub fn new() -> Result<Self> {
        Ok(Self { base: "artifacts".parse()?, folder: tempfile::tempdir()? })
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn package() -> PackageName {
        "hello".parse().unwrap()
    }

    pub async fn store(&self) -> Result<Store, RegistryError> {
        let endpoint = format!("file://{}", self.path("store").display());
        Store::connect(Settings { endpoint, ..Settings::default() }).await
    }

    /// A bundle of `hello` with these files; each version is a commit of its own.
    pub fn bundle(&self, git_ref: &str, version: &str, target: &str, files: &[(&str, &str)]) -> Result<Bundle> {
        let (arch, build_type) = target.split_once('/').unwrap();
        let manifest = Manifest {
            arch: arch.parse()?,
            build_type: build_type.parse()?,
            commit: Sha256::of(version.as_bytes()).to_string()[..40].parse()?,
            ..testbed::bundle::manifest(git_ref, version)?
        };
        let folder = tempfile::tempdir_in(self.folder.path())?.keep();
        testbed::bundle::write(&folder, manifest, files.iter().copied())
    }

    pub async fn publish(&self, bundles: &[Bundle]) -> Result<Publication, RegistryError> {
        self.publish_with(bundles, &PublishOptions::default()).await
    }

    pub async fn publish_with(
        &self,
        bundles: &[Bundle],
        options: &PublishOptions,
    ) -> Result<Publication, RegistryError> {
        registry::publish(&self.store().await?, &self.base, bundles, options, &|_, _| ()).await
    }

    pub fn location(&self, git_ref: &str, target: &str) -> Location {
        let (arch, build_type) = target.split_once('/').unwrap();
        Location {
            base: self.base.clone(),
            package: Self::package(),
            git_ref: git_ref.parse().unwrap(),
            arch: arch.parse().unwrap(),
            build_type: build_type.parse().unwrap(),
        }
    }

    pub async fn resolve(&self, requirement: &str, target: &str) -> Result<Resolved, RegistryError> {
        self.resolve_trusting(requirement, target, Trust::default()).await
    }

    pub async fn resolve_trusting(
        &self,
        requirement: &str,
        target: &str,
        trust: Trust,
    ) -> Result<Resolved, RegistryError> {
        let (store, location) = (self.store().await?.trusting(trust), self.location("main", target));
        let requirement = requirement.parse().unwrap();
        registry::resolve(&store, &self.base, &location.package, &requirement, location.arch, location.build_type).await
    }

    pub async fn at(&self, git_ref: &str, target: &str, trust: Trust) -> Result<Resolved, RegistryError> {
        let store = self.store().await?.trusting(trust);
        registry::resolve_ref(&store, self.location(git_ref, target)).await
    }

    pub async fn fetch(&self, bundle: &Resolved, folder: &str) -> Result<Vec<FetchedFile>, RegistryError> {
        let (store, folder) = (self.store().await?, self.path(folder));
        std::fs::create_dir_all(&folder).unwrap();
        let fetcher = Fetcher { store: &store, folder: &folder, concurrency: 4 };
        fetcher.fetch(bundle, &bundle.manifest.files, &|_| ()).await
    }

    /// Every key below the base path, in order.
    pub fn keys(&self) -> Vec<String> {
        let root = self.path("store/artifacts");
        let mut keys = Vec::new();
        let mut folders = vec![root.clone()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(&folder).into_iter().flatten() {
                let path = entry.unwrap().path();
                if path.is_dir() { folders.push(path) } else { keys.push(path) }
            }
        }
        let mut keys: Vec<_> =
            keys.iter().map(|path| path.strip_prefix(&root).unwrap().display().to_string()).collect();
        keys.sort();
        keys
    }

    pub fn read(&self, key: &str) -> String {
        std::fs::read_to_string(self.path("store/artifacts").join(key)).unwrap()
    }

    pub fn write(&self, key: &str, content: &str) {
        std::fs::write(self.path("store/artifacts").join(key), content).unwrap();
    }

    /// Makes everything so many days older.
    pub fn age(&self, days: u64) {
        let then = std::time::SystemTime::now() - std::time::Duration::from_secs(days * 24 * 3600);
        for key in self.keys() {
            let file = std::fs::File::options().write(true).open(self.path("store/artifacts").join(key)).unwrap();
            file.set_modified(then).unwrap();
        }
    }
}
