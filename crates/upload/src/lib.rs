// SPDX-License-Identifier: Apache-2.0
//! `upload`: publishes the bundles of a version to the registry.
//!
//! It checks that they are what is expected and hands them to `registry`; it never changes what it
//! publishes.

mod age;
mod bundles;
mod deb;
mod digests;
mod history;
mod summary;

pub use age::{Age, AgeError};

use artifact::{Arch, BuildType, Bundle, Commit, PackageName, RefName, Run, TargetKey, Version};
use digests::Digests;
use registry::{
    Location, Progress, Publication, PublishOptions, RegistryError, RemotePath, SigningKey, StoreArgs, Without,
};
use std::path::PathBuf;
use toolkit::{Failure, List, Result, ResultExt, Runner, Secret, human};

/// How many files are sent at once where the caller leaves it to us.
const CONCURRENCY: usize = 16;

/// The action.
pub struct Upload;

/// Inputs of the action.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// The bundle that stage-artifacts wrote, or a folder with one for each target: all are published in one commit.
    #[arg(long, default_value = "dist")]
    dist_path: PathBuf,
    /// The package that the bundles must be of; absent, whichever they are of.
    ///
    /// The bundles come from jobs that ran code of the repository. What is expected of them is said here, so that they
    /// cannot pass for another package or release.
    #[arg(long)]
    package: Option<PackageName>,
    /// The branch or release tag that they must be of.
    #[arg(long = "ref")]
    git_ref: Option<RefName>,
    /// The version that they must have.
    #[arg(long)]
    version: Option<Version>,
    /// The commit that they must be of.
    #[arg(long)]
    commit: Option<Commit>,
    /// The targets that must be there, all and no others, as `<arch>/<build-type>`; absent, whichever are.
    #[arg(long)]
    targets: Option<List>,
    /// The architecture of the only bundle.
    #[arg(long)]
    arch: Option<Arch>,
    /// The build type of the only bundle.
    #[arg(long)]
    build_type: Option<BuildType>,
    /// Digests of the manifests: the output manifest-sha256 of stage-artifacts, or its output identity for each bundle,
    /// or the outputs of the job that staged, as JSON, whose names begin with `manifest-`. A bundle with another manifest
    /// is refused.
    ///
    /// The digests come from the jobs that staged, as outputs, which code of the repository cannot change.
    #[arg(long)]
    manifest_sha256: Option<Digests>,
    /// Place of the package in the store below base-path, such as `plugins/torch`; absent, its name.
    #[arg(long)]
    remote_path: Option<RemotePath>,
    /// Whether names with `latest` instead of the version are kept, of branches and below `rev/latest`.
    #[arg(long, default_value_t = true)]
    latest: bool,
    /// Whether files are copied to plain names beside the manifest, for whoever reads without it.
    #[arg(long, default_value_t = true)]
    plain_names: bool,
    /// Whether a branch may go back to an older commit, and be published again with other content.
    #[arg(long, default_value_t = false)]
    allow_rollback: bool,
    /// When files that a branch no longer names are removed: `14d`, or `never`.
    #[arg(long, default_value = "14d")]
    prune_after: Age,
    /// How many files are sent at the same time; 0 leaves it to the action.
    #[arg(long, default_value_t = 0)]
    concurrency: usize,
    /// Secret key of minisign, without a password, that signs the release and the index.
    #[arg(long)]
    signing_key: Option<Secret>,
    /// Another one that signs branches instead.
    #[arg(long)]
    branch_signing_key: Option<Secret>,
    #[command(flatten)]
    store: StoreArgs,
}

toolkit::outputs! {
    /// Outputs of the action.
    pub struct Outputs {
        /// Where the version is, below the bucket.
        pub remote_path: String,
        /// Address of `release.json`, which names all its targets.
        pub release_url: String,
        /// The targets that are published now, one per line.
        pub targets: Vec<String>,
        /// How many files were sent.
        pub uploaded: usize,
        /// How many files were there already.
        pub skipped: usize,
        /// How many bytes were sent.
        pub bytes: u64,
    }
}

impl toolkit::Action for Upload {
    const NAME: &'static str = "upload";
    const TITLE: &'static str = "Upload";
    const DESCRIPTION: &'static str =
        "Publishes the bundles of a version to a store: for all of its targets or for none.";
    type Args = Args;
    type Outputs = Outputs;

    fn run(args: Args, runner: &Runner) -> Result<Outputs> {
        let bundles = open(&args)?;
        let Some(first) = bundles.first().map(Bundle::manifest) else {
            return Err(Failure::input(format!("there is nothing to publish in {}", args.dist_path.display())));
        };
        let expected = args.manifest_sha256.clone().unwrap_or_default();
        // act keeps the outputs of one job of a matrix only; GitHub keeps all of them.
        let is_act = runner.env("ACT").is_some();
        bundles.iter().try_for_each(deb::check)?;
        for unknown in digests::check(&expected, &bundles, is_act)? {
            runner.warning(&format!("act lost the digest of the bundle for {unknown}, so it is not compared"));
        }
        let options = PublishOptions {
            concurrency: if args.concurrency == 0 { CONCURRENCY } else { args.concurrency },
            latest: args.latest,
            plain_names: args.plain_names,
            prune_after: args.prune_after.duration(),
            signing_key: signing_key(&args, first.git_ref.is_release())?,
            allow_rollback: args.allow_rollback,
            repository: repository(&first.repository, runner)?,
            run: run(runner),
            is_ancestor: Some(history::is_ancestor()),
        };
        let place = Location::of(args.store.base_path().with_place(args.remote_path.clone()), first).place();
        // One thread for the transfers and some for files: more would only wake each other.
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.context("failed to start the runtime")?.block_on(async {
            let store = args.store.connect(Without::DefaultChain, runner).await?;
            runner.step(&format!("Publish {} {} to {}", first.package, first.version, place.prefix()));
            let files = bundles.iter().flat_map(|bundle| &bundle.manifest().files);
            let progress = Progress::new(&store, runner, files.map(|file| file.size).sum());
            let told = |file: &artifact::FileEntry, sent: bool| {
                if !sent {
                    progress.skip(file.size);
                }
                let what = if sent { "sent" } else { "there already" };
                progress.tell(&format!("{what}: {} ({})", file.name, human::bytes(file.size)));
            };
            let publishing = Box::pin(registry::publish(&store, &place.base, &bundles, &options, &told));
            let publication = progress.during(publishing).await.map_err(RegistryError::into_failure)?;
            tell(runner, &publication);
            runner.summary(&summary::render(&store, &place, &bundles, &publication))?;
            Ok(Outputs {
                remote_path: place.prefix(),
                release_url: store.url(&place.release()),
                targets: publication.targets.iter().map(ToString::to_string).collect(),
                uploaded: publication.uploaded,
                skipped: publication.skipped,
                bytes: publication.bytes,
            })
        })
    }
}

fn signing_key(args: &Args, is_release: bool) -> Result<Option<SigningKey>> {
    let branch = args.branch_signing_key.as_ref().filter(|_| !is_release).map(|key| ("branch-signing-key", key));
    match branch.or(args.signing_key.as_ref().map(|key| ("signing-key", key))) {
        Some((name, secret)) => Ok(Some(secret.expose().parse().input(format!("{name} is not usable"))?)),
        None => Ok(None),
    }
}

/// The repository of this run. A bundle, which code of a repository may have made, does not decide it.
fn repository(claimed: &str, runner: &Runner) -> Result<Option<String>> {
    match runner.env("GITHUB_REPOSITORY").filter(|_| runner.is_github()) {
        Some(ours) if !ours.eq_ignore_ascii_case(claimed) => {
            Err(Failure::input(format!("the bundle's repository is {claimed}, and this is a run of {ours}"))
                .help("stage the bundle in a run of the repository that publishes it"))
        }
        ours => Ok(ours),
    }
}

fn run(runner: &Runner) -> Option<Run> {
    let id = runner.env("GITHUB_RUN_ID").filter(|_| runner.is_github())?;
    let attempt = runner.env("GITHUB_RUN_ATTEMPT").and_then(|attempt| attempt.parse().ok()).unwrap_or(1);
    let server = runner.env("GITHUB_SERVER_URL").unwrap_or_else(|| "https://github.com".to_owned());
    let url = format!("{server}/{}/actions/runs/{id}", runner.env("GITHUB_REPOSITORY")?);
    Some(Run { id, attempt, url })
}

fn open(args: &Args) -> Result<Vec<Bundle>> {
    let bundles = bundles::open(&args.dist_path)?;
    for manifest in bundles.iter().map(Bundle::manifest) {
        expect("package", args.package.as_ref(), &manifest.package)?;
        expect("ref", args.git_ref.as_ref(), &manifest.git_ref)?;
        expect("version", args.version.as_ref(), &manifest.version)?;
        expect("commit", args.commit.as_ref(), &manifest.commit)?;
        expect("arch", args.arch.as_ref(), &manifest.arch)?;
        expect("build-type", args.build_type.as_ref(), &manifest.build_type)?;
    }
    if let Some(expected) = args.targets.as_deref().filter(|targets| !targets.is_empty()) {
        check_targets(expected, &bundles)?;
    }
    Ok(bundles)
}

/// A version is published for all of its targets or for none.
fn check_targets(expected: &[String], bundles: &[Bundle]) -> Result<()> {
    let mut wanted: Vec<TargetKey> = Vec::new();
    for text in expected {
        wanted.push(text.parse().input("targets is not usable")?);
    }
    let found: Vec<_> = bundles
        .iter()
        .map(|bundle| TargetKey { arch: bundle.manifest().arch, build_type: bundle.manifest().build_type })
        .collect();
    let (missing, surplus) = (
        wanted.iter().find(|target| !found.contains(target)).map(|target| format!("{target} is missing")),
        found.iter().find(|target| !wanted.contains(target)).map(|target| format!("{target} was not expected")),
    );
    match missing.or(surplus) {
        None => Ok(()),
        Some(what) => Err(Failure::input(format!("the bundles are not those of all targets: {what}"))
            .help("give a folder that has one bundle for each of targets")),
    }
}

fn expect<T: PartialEq + std::fmt::Display>(what: &str, expected: Option<&T>, found: &T) -> Result<()> {
    match expected {
        Some(expected) if expected != found => {
            Err(Failure::input(format!("the bundle's {what} is {found}, and {expected} was expected"))
                .help("stage the bundle for what is to be published; what it says of itself is not changed afterwards"))
        }
        _ => Ok(()),
    }
}

fn tell(runner: &Runner, publication: &Publication) {
    for warning in &publication.warnings {
        runner.warning(warning);
    }
    match &publication.older_than {
        Some(why) => runner.annotate(&toolkit::Annotation::notice(format!("nothing is published: {why}"))),
        None => runner.info(&summary::sentence(publication)),
    }
}
