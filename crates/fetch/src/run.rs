// SPDX-License-Identifier: Apache-2.0
//! The steps: connect, resolve everything, choose, fetch, install.

use crate::choice::{Offer, Wanted};
use crate::plain::PlainBundle;
use crate::request::{Request, Which};
use crate::resolve::{Found, Resolver};
use crate::{Args, FetchedPackage, Install, Outputs, choice, install, listing, machine, provenance, summary};
use artifact::{FileEntry, Manifest, Sha256};
use registry::{FetchedFile, Fetcher, Location, Progress, RegistryError, Resolved, Store, Trust, Without};
use std::fs;
use std::path::{Path, PathBuf};
use toolkit::{Failure, Json, Result, ResultExt, Runner, SearchPaths, human};

/// How many files are fetched at once where the caller leaves it to us.
const CONCURRENCY: usize = 16;

pub fn run(args: &Args, runner: &Runner) -> Result<Outputs> {
    let requests = if args.list { Vec::new() } else { requests(args)? };
    // One thread for the transfers and some for files: more would only wake each other.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.context("could not start the runtime")?.block_on(async {
        let mut store = args.store.connect(Without::Anonymous, runner).await?;
        store = store.trusting(Trust {
            keys: args.public_key.clone().map(|keys| keys.0).unwrap_or_default(),
            branch_keys: args.branch_public_key.clone().map(|keys| keys.0).unwrap_or_default(),
            max_age: args.max_age.map(registry::Days::duration),
            serials: args.serial_file.clone(),
        });
        if let Some(package) = args.package.as_ref().filter(|_| args.list) {
            let published = registry::published(&store, &args.base_path(), package).await;
            let published = published.map_err(RegistryError::into_failure)?;
            runner.print(&if args.json { listing::json(&published) } else { listing::table(package, &published) });
            return Ok(Outputs::nothing());
        }
        let found = plan(args, &store, &requests, runner).await?;
        if found.is_empty() {
            return Ok(Outputs::nothing());
        }
        let mut fetched = Vec::new();
        for planned in &found {
            let files = match &planned.found {
                Found::Bundle(bundle) => fetch(args, &store, bundle, planned, runner).await?,
                Found::Plain(plain) if args.require_provenance.is_some() => {
                    return Err(provenance::missing(&plain.location.prefix()));
                }
                Found::Plain(plain) => fetch_plain(&store, plain, planned, runner).await?,
            };
            fetched.push((planned, files));
        }
        // What is fetched is whole before anything is installed.
        let mut installed = None;
        for (_, files) in &fetched {
            installed = install(args, files, runner)?;
        }
        for (planned, files) in &fetched {
            runner.summary(&match &planned.found {
                Found::Bundle(bundle) => summary::render(&store, bundle, files, installed.as_deref()),
                Found::Plain(plain) => summary::render_plain(&plain.location, files, installed.as_deref()),
            })?;
        }
        outputs(args, &fetched, installed.as_deref())
    })
}

/// A bundle or its plain files, the files of it that are wanted, and the folder that gets them.
struct Planned {
    found: Found,
    wanted: Vec<Wanted>,
    folder: PathBuf,
}

/// What is asked for.
fn requests(args: &Args) -> Result<Vec<Request>> {
    if let Some(requests) = &args.packages {
        if requests.0.is_empty() {
            return Err(Failure::input("packages names no package").help("write one per line, such as vaccel@auto"));
        }
        return Ok(requests.0.clone());
    }
    let which = match (&args.version, &args.git_ref) {
        (Some(version), _) => Which::Version(version.clone()),
        (None, Some(git_ref)) if git_ref.as_str() == "auto" => Which::Auto,
        (None, Some(git_ref)) => Which::Ref(git_ref.clone()),
        (None, None) => {
            return Err(Failure::input("neither version nor ref is given")
                .help("give version, such as ^0.7 or latest, or ref: a branch, a release tag, or auto"));
        }
    };
    let package = args.package.clone();
    Ok(package.into_iter().map(|package| Request { package, which: which.clone(), remote_path: None }).collect())
}

/// Resolves everything before anything is fetched.
async fn plan(args: &Args, store: &Store, requests: &[Request], runner: &Runner) -> Result<Vec<Planned>> {
    let resolver = Resolver::new(args, store, requests, runner)?;
    // A list of nothing but separators is no list, as in any other input.
    let patterns = args.files.as_deref().filter(|patterns| !patterns.is_empty());
    let mut planned = Vec::new();
    for request in requests {
        let Some(found) = resolver.find(request, args.allow_missing, runner).await? else { continue };
        let offers = match &found {
            Found::Bundle(bundle) => {
                let manifest = &bundle.manifest;
                let place = bundle.location.prefix();
                runner.step(&format!("Fetch {} {} ({place})", manifest.package, manifest.version));
                if let Some(yanked) = &bundle.yanked {
                    let (package, version) = (&manifest.package, &manifest.version);
                    runner.warning(&format!("{package} {version} was yanked: {}", yanked.reason));
                }
                check_machine(manifest, args.install, runner)?;
                Offer::all(manifest)
            }
            Found::Plain(plain) => {
                runner.step(&format!("Fetch {} ({})", request.package, plain.location.prefix()));
                plain.offers(patterns.is_some())
            }
        };
        let wanted = choice::choose(&offers, patterns, args.install, args.allow_missing)?;
        if wanted.is_empty() {
            runner.info(&format!("nothing is fetched: no file of {} matches", request.package));
            continue;
        }
        let folder = match args.packages {
            Some(_) => args.local_path.join(request.package.as_str()),
            None => args.local_path.clone(),
        };
        planned.push(Planned { found, wanted, folder });
    }
    Ok(planned)
}

/// Who installs what this machine cannot run should know before anything has changed.
fn check_machine(manifest: &Manifest, install: Install, runner: &Runner) -> Result<()> {
    let misfits = machine::misfits(manifest);
    if misfits.is_empty() {
        return Ok(());
    }
    let (package, version) = (&manifest.package, &manifest.version);
    let message = format!("{package} {version} does not run on this machine: {}", misfits.join("; "));
    if install == Install::None {
        runner.warning(&message);
        return Ok(());
    }
    Err(Failure::work(message)
        .help("fetch an older version, or give install: none to get the files for another machine"))
}

async fn fetch_plain(
    store: &Store,
    plain: &PlainBundle,
    Planned { wanted, folder, .. }: &Planned,
    runner: &Runner,
) -> Result<Vec<FetchedFile>> {
    plain.warn(runner);
    fs::create_dir_all(folder).with_context(|| format!("could not make local-path {}", folder.display()))?;
    plain.fetch(store, wanted, folder, runner).await.map_err(RegistryError::into_failure)
}

async fn fetch(
    args: &Args,
    store: &Store,
    bundle: &Resolved,
    Planned { wanted, folder, .. }: &Planned,
    runner: &Runner,
) -> Result<Vec<FetchedFile>> {
    fs::create_dir_all(folder).with_context(|| format!("could not make local-path {}", folder.display()))?;
    let is_wanted = |file: &&FileEntry| wanted.iter().any(|one| one.name == file.name);
    let files: Vec<_> = bundle.manifest.files.iter().filter(is_wanted).cloned().collect();
    if let Some(required) = &args.require_provenance {
        check_provenance(required, store, bundle, &files, runner).await?;
    }
    for Wanted { name, save_as } in wanted.iter().filter(|one| one.name != one.save_as) {
        // An earlier run has given it the other name.
        let _ = fs::rename(folder.join(save_as.as_str()), folder.join(name.as_str()));
    }
    let concurrency = if args.concurrency == 0 { CONCURRENCY } else { args.concurrency };
    let progress = Progress::new(store, runner, files.iter().map(|file| file.size).sum());
    let told = |file: &FetchedFile| {
        progress.skip(file.entry.size.saturating_sub(file.transferred));
        let what = if file.transferred == 0 { "there already" } else { "fetched" };
        progress.tell(&format!("{what}: {} ({})", file.entry.name, human::bytes(file.entry.size)));
    };
    let fetcher = Fetcher { store, folder, concurrency };
    let files = progress.during(fetcher.fetch(bundle, &files, &told)).await;
    let mut files = files.map_err(RegistryError::into_failure)?;
    for file in &mut files {
        let renamed = wanted.iter().find(|one| one.name == file.entry.name && one.name != one.save_as);
        if let Some(Wanted { save_as, .. }) = renamed {
            let path = folder.join(save_as.as_str());
            fs::rename(&file.path, &path).with_context(|| format!("could not rename {}", file.path.display()))?;
            file.path = path;
        }
    }
    Ok(files)
}

/// Before anything else of the bundle is fetched.
async fn check_provenance(
    required: &provenance::Source,
    store: &Store,
    bundle: &Resolved,
    files: &[FileEntry],
    runner: &Runner,
) -> Result<()> {
    let file = provenance::file(&bundle.manifest)?;
    let folder = tempfile::tempdir().context("failed to make a folder for the provenance")?;
    let fetcher = Fetcher { store, folder: folder.path(), concurrency: 1 };
    fetcher.fetch(bundle, std::slice::from_ref(&file), &|_| ()).await.map_err(RegistryError::into_failure)?;
    let text = fs::read(folder.path().join(file.name.as_str())).context("failed to read the provenance")?;
    provenance::check(&text, &bundle.manifest, files, required)?;
    runner.info(&format!("the provenance is that of {required}"));
    Ok(())
}

/// Installs what was fetched of one package; returns the root that it is below.
fn install(args: &Args, files: &[FetchedFile], runner: &Runner) -> Result<Option<PathBuf>> {
    match args.install {
        Install::None => Ok(None),
        Install::Deb => install::deb(files, runner).map(Some),
        Install::Prefix => install::prefix(args, files, runner).map(Some),
    }
}

fn outputs(args: &Args, fetched: &[(&Planned, Vec<FetchedFile>)], installed: Option<&Path>) -> Result<Outputs> {
    let packages: Vec<_> = fetched.iter().map(|(planned, _)| FetchedPackage::of(&planned.found)).collect();
    let Some(first) = packages.first() else { return Ok(Outputs::nothing()) };
    let folders = match installed {
        Some(root) => SearchPaths::below(&root.canonicalize()?, first.arch.multiarch()),
        None => SearchPaths::default(),
    };
    let only = Some(first).filter(|_| packages.len() == 1);
    let below = |path: &PathBuf| path.strip_prefix(&args.local_path).unwrap_or(path).display().to_string();
    Ok(Outputs {
        version: only.and_then(|package| package.version.as_ref()).map(ToString::to_string),
        r#ref: only.map(|package| package.r#ref.to_string()),
        commit: only.and_then(|package| package.commit.as_ref()).map(ToString::to_string),
        path: Some(args.local_path.clone()),
        files: Some(fetched.iter().flat_map(|(_, files)| files.iter().map(|file| below(&file.path))).collect()),
        verified: Some(fetched.iter().flat_map(|(planned, files)| verified(&planned.found, files)).collect()),
        installed: Some(installed.is_some()),
        pkg_config_path: joined(&folders.pkgconfig),
        library_path: joined(&folders.libraries),
        packages: Some(Json(packages)),
    })
}

/// For whoever reads the files later: what each was when it came.
fn verified(found: &Found, files: &[FetchedFile]) -> Vec<String> {
    let files = files.iter().filter(|_| matches!(found, Found::Bundle(_)));
    files.map(|file| format!("{}={}", file.path.display(), file.entry.sha256)).collect()
}

impl FetchedPackage {
    fn of(found: &Found) -> Self {
        let (location, manifest) = match found {
            Found::Bundle(bundle) => (&bundle.location, Some(&bundle.manifest)),
            Found::Plain(plain) => (&plain.location, None),
        };
        let Location { package, git_ref, arch, build_type, .. } = location.clone();
        Self {
            package,
            version: manifest.map(|manifest| manifest.version.clone()),
            r#ref: git_ref,
            commit: manifest.map(|manifest| manifest.commit.clone()),
            arch,
            build_type,
            manifest_sha256: manifest.map(|manifest| Sha256::of(&manifest.to_canonical_json())),
        }
    }
}

/// The folders of a search path; `None` if there are none.
fn joined(folders: &[PathBuf]) -> Option<String> {
    let shown: Vec<_> = folders.iter().map(|folder| folder.display().to_string()).collect();
    (!shown.is_empty()).then(|| shown.join(":"))
}

impl Outputs {
    fn nothing() -> Self {
        Self {
            version: None,
            r#ref: None,
            commit: None,
            packages: None,
            path: None,
            files: None,
            verified: None,
            installed: None,
            pkg_config_path: None,
            library_path: None,
        }
    }
}
