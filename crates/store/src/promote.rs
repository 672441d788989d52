// SPDX-License-Identifier: Apache-2.0
//! `promote`: the same bytes in another place, such as from a staging store to the public one.

use crate::{Answer, Scene};
use artifact::{Bundle, RefName};
use registry::{BasePath, Fetcher, Location, PublishOptions, RefPlace, RegistryError, Without, maintain};
use toolkit::markdown::code;
use toolkit::{Failure, Result, ResultExt};

/// How many files are on their way at once.
const CONCURRENCY: usize = 16;

pub async fn run(scene: &Scene<'_>) -> Result<Answer> {
    let (args, package) = (scene.args, scene.package()?);
    let git_ref: RefName = match (&args.version, &args.git_ref) {
        (Some(version), None) => format!("v{version}").parse().input("version is not usable")?,
        (None, Some(git_ref)) => git_ref.clone(),
        _ => {
            return Err(Failure::input("a version or a ref is promoted, and not exactly one of them is given")
                .help("give version, or ref for a branch"));
        }
    };
    let to = destination(scene)?;
    let index = maintain::index(&scene.store, &scene.base, package).await.map_err(RegistryError::into_failure)?;
    let entry = index.as_ref().and_then(|index| index.entry(&git_ref)).ok_or_else(|| {
        Failure::input(format!("{package} has no {git_ref}")).help("`vaccel-store list` shows what there is")
    })?;
    let folder = tempfile::tempdir().context("failed to make a folder")?;
    let mut bundles = Vec::new();
    for target in &entry.targets {
        let place = RefPlace { base: scene.base.clone(), package: package.clone(), git_ref: git_ref.clone() };
        let location: Location = place.target(*target);
        scene.runner.info(&format!("fetching {package} {git_ref} for {target}"));
        let found = registry::resolve_ref(&scene.store, location).await.map_err(RegistryError::into_failure)?;
        let folder = folder.path().join(target.to_string().replace('/', "-"));
        std::fs::create_dir_all(&folder).context("failed to make a folder")?;
        let fetcher = Fetcher { store: &scene.store, folder: &folder, concurrency: CONCURRENCY };
        let fetching = fetcher.fetch(&found, &found.manifest.files, &|_| ());
        fetching.await.map_err(RegistryError::into_failure)?;
        bundles.push(Bundle::write(&folder, &found.manifest).context("failed to write the bundle")?);
    }
    let store = to.store.connect(Without::DefaultChain, scene.runner).await?;
    let options = PublishOptions { signing_key: scene.signing_key.clone(), ..PublishOptions::default() };
    let publishing = Box::pin(registry::publish(&store, &to.base, &bundles, &options, &|_, _| ()));
    let done = publishing.await.map_err(RegistryError::into_failure)?;
    let place = RefPlace { base: to.base, package: package.clone(), git_ref };
    let url = store.url(&place.release());
    let text = match &done.older_than {
        Some(why) => format!("nothing was promoted: {why}"),
        None => format!(
            "promoted {package} {} to {url}: {} files sent, {} were there",
            place.git_ref, done.uploaded, done.skipped
        ),
    };
    let summary = format!("## {} promoted\n\n{text}\n", code(package.as_str()));
    let value = serde_json::json!({
        "package": package, "ref": place.git_ref, "release": url,
        "uploaded": done.uploaded, "skipped": done.skipped, "unchanged": done.unchanged,
    });
    Answer::new(&value, text, summary)
}

struct Destination {
    store: registry::StoreArgs,
    base: BasePath,
}

fn destination(scene: &Scene<'_>) -> Result<Destination> {
    let args = scene.args;
    let mut store = args.store.clone();
    if let Some(endpoint) = &args.to_endpoint_url {
        store.endpoint_url = endpoint.clone();
    }
    if let Some(bucket) = &args.to_bucket {
        store.bucket = Some(bucket.clone());
    }
    let base = args.to_base_path.clone().unwrap_or_else(|| scene.base.clone());
    if args.to_endpoint_url.is_none() && args.to_bucket.is_none() && base == scene.base {
        return Err(Failure::input("a version is promoted to another place, and none is given")
            .help("give to-base-path, to-bucket or to-endpoint-url"));
    }
    Ok(Destination { store, base })
}
