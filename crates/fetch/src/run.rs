// SPDX-License-Identifier: Apache-2.0
//! The steps: connect, resolve, choose, fetch, install.

use crate::{Args, Install, Outputs, choice, install, listing, summary};
use artifact::Arch;
use registry::{FetchedFile, Fetcher, Location, Progress, RegistryError, Resolved, Store, Without};
use std::path::Path;
use std::path::PathBuf;
use toolkit::{Failure, Result, ResultExt, Runner, SearchPaths, human};

/// How many files are fetched at once where the caller leaves it to us.
const CONCURRENCY: usize = 16;

pub fn run(args: &Args, runner: &Runner) -> Result<Outputs> {
    // One thread for the transfers and some for files: more would only wake each other.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.context("could not start the runtime")?.block_on(async {
        let mut store = args.store.connect(Without::Anonymous, runner).await?;
        if let Some(public_key) = &args.public_key {
            store = store.trusting(public_key.clone());
        }
        if args.list {
            return list(args, &store, runner).await;
        }
        let bundle = match resolve(args, &store).await? {
            Ok(bundle) => bundle,
            Err(missing @ (RegistryError::NoBundle { .. } | RegistryError::Unsatisfied { .. }))
                if args.allow_missing =>
            {
                runner.info(&format!("nothing is fetched: {missing}"));
                return Ok(Outputs::nothing());
            }
            Err(error) => return Err(error.into_failure()),
        };
        let manifest = &bundle.manifest;
        runner.step(&format!("Fetch {} {} ({})", manifest.package, manifest.version, bundle.location.prefix()));
        // A list of nothing but separators is no list, as in any other input.
        let patterns = args.files.as_deref().filter(|patterns| !patterns.is_empty());
        let files = choice::choose(manifest, patterns, args.install, args.allow_missing)?;
        if files.is_empty() {
            runner.info("nothing is fetched: no file of the bundle matches");
            return Ok(Outputs::nothing());
        }
        let fetched = fetch(args, &store, &bundle, &files, runner).await?;
        let installed = match args.install {
            Install::None => None,
            Install::Deb => Some(install::deb(&fetched, runner)?),
            Install::Prefix => Some(install::prefix(&fetched, &args.install_prefix, runner)?),
        };
        runner.summary(&summary::render(&store, &bundle, &fetched, installed.as_deref()))?;
        let folders = match &installed {
            Some(root) => SearchPaths::below(&root.canonicalize()?, manifest.arch.multiarch()),
            None => SearchPaths::default(),
        };
        Ok(Outputs {
            version: Some(manifest.version.to_string()),
            r#ref: Some(manifest.git_ref.to_string()),
            commit: Some(manifest.commit.to_string()),
            path: Some(args.local_path.clone()),
            files: Some(fetched.iter().map(|file| file.entry.name.to_string()).collect()),
            verified: Some(fetched.iter().map(|file| verified(&args.local_path, file)).collect()),
            installed: Some(installed.is_some()),
            pkg_config_path: joined(&folders.pkgconfig),
            library_path: joined(&folders.libraries),
        })
    })
}

/// The folders of a search path; `None` if there are none.
fn joined(folders: &[PathBuf]) -> Option<String> {
    let shown: Vec<_> = folders.iter().map(|folder| folder.display().to_string()).collect();
    (!shown.is_empty()).then(|| shown.join(":"))
}

async fn resolve(args: &Args, store: &Store) -> Result<Result<Resolved, RegistryError>> {
    let host = || Arch::host().ok_or_else(|| Failure::input("this machine is none of ours").help("give arch"));
    let arch = args.arch.map_or_else(host, Ok)?;
    let base = args.base_path();
    Ok(match (&args.version, &args.git_ref) {
        (Some(version), _) => registry::resolve(store, &base, &args.package, version, arch, args.build_type).await,
        (None, Some(git_ref)) => {
            let (package, git_ref) = (args.package.clone(), git_ref.clone());
            registry::resolve_ref(store, Location { base, package, git_ref, arch, build_type: args.build_type }).await
        }
        (None, None) => {
            return Err(Failure::input("neither version nor ref is given")
                .help("give version, such as ^0.7 or latest, or ref, a branch or release tag"));
        }
    })
}

async fn fetch(
    args: &Args,
    store: &Store,
    bundle: &Resolved,
    files: &[artifact::FileEntry],
    runner: &Runner,
) -> Result<Vec<FetchedFile>> {
    let folder = &args.local_path;
    std::fs::create_dir_all(folder).with_context(|| format!("could not make local-path {}", folder.display()))?;
    let concurrency = if args.concurrency == 0 { CONCURRENCY } else { args.concurrency };
    let progress = Progress::new(store, runner, files.iter().map(|file| file.size).sum());
    let told = |file: &FetchedFile| {
        progress.skip(file.entry.size.saturating_sub(file.transferred));
        let what = if file.transferred == 0 { "there already" } else { "fetched" };
        progress.tell(&format!("{what}: {} ({})", file.entry.name, human::bytes(file.entry.size)));
    };
    let fetcher = Fetcher { store, folder, concurrency };
    progress.during(fetcher.fetch(bundle, files, &told)).await.map_err(RegistryError::into_failure)
}

/// For whoever reads the file later: what it was when it came.
fn verified(folder: &Path, file: &FetchedFile) -> String {
    format!("{}={}", folder.join(file.entry.name.as_str()).display(), file.entry.sha256)
}

async fn list(args: &Args, store: &Store, runner: &Runner) -> Result<Outputs> {
    let listed = registry::list(store, &args.base_path(), &args.package).await;
    let listed = listed.map_err(RegistryError::into_failure)?;
    runner.print(&if args.json { listing::json(&listed) } else { listing::table(&args.package, &listed) });
    Ok(Outputs::nothing())
}

impl Outputs {
    fn nothing() -> Self {
        Self {
            version: None,
            r#ref: None,
            commit: None,
            path: None,
            files: None,
            verified: None,
            installed: None,
            pkg_config_path: None,
            library_path: None,
        }
    }
}
