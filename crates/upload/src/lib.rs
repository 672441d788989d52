// SPDX-License-Identifier: Apache-2.0
//! `upload`: publishes a bundle to the registry.
//!
//! It verifies the bundle and hands it to `registry`; it never changes what it publishes.

mod age;
mod digests;
mod summary;

pub use age::{Age, AgeError};

use artifact::{Arch, BuildType, Bundle, Commit, PackageName, RefName, Version};
use digests::Digests;
use registry::{
    Location, Progress, Publication, PublishOptions, RegistryError, RemotePath, SigningKey, StoreArgs, Without,
};
use std::path::PathBuf;
use toolkit::{Failure, Result, ResultExt, Runner, Secret, human};

/// How many files are sent at once where the caller leaves it to us.
const CONCURRENCY: usize = 16;

/// The action.
pub struct Upload;

/// Inputs of the action.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// The bundle: the folder that stage-artifacts wrote.
    #[arg(long, default_value = "dist")]
    dist_path: PathBuf,
    /// The package that the bundle must be of; absent, whichever it is of.
    ///
    /// The bundle comes from a job that ran code of the repository. What is expected of it is said
    /// here, so that it cannot pass for another package or release.
    #[arg(long)]
    package: Option<PackageName>,
    /// The branch or release tag that it must be of.
    #[arg(long = "ref")]
    git_ref: Option<RefName>,
    /// The version that it must have.
    #[arg(long)]
    version: Option<Version>,
    /// The commit that it must be of.
    #[arg(long)]
    commit: Option<Commit>,
    /// The architecture that it must be for.
    #[arg(long)]
    arch: Option<Arch>,
    /// The build type that it must have.
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
    /// Whether names with `latest` instead of the version are kept, too.
    #[arg(long, default_value_t = true)]
    latest: bool,
    /// When files that a branch no longer names are removed: `14d`, or `never`.
    #[arg(long, default_value = "14d")]
    prune_after: Age,
    /// How many files are sent at the same time; 0 leaves it to the action.
    #[arg(long, default_value_t = 0)]
    concurrency: usize,
    /// Secret key of minisign, without a password, that signs the manifest.
    #[arg(long)]
    signing_key: Option<Secret>,
    #[command(flatten)]
    store: StoreArgs,
}

toolkit::outputs! {
    /// Outputs of the action.
    pub struct Outputs {
        /// Where the bundle is, below the bucket.
        pub remote_path: String,
        /// Address of the manifest.
        pub manifest_url: String,
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
        "Publishes a bundle to the S3-compatible store: the manifest last, a release once.";
    type Args = Args;
    type Outputs = Outputs;

    fn run(args: Args, runner: &Runner) -> Result<Outputs> {
        let bundle = open(&args)?;
        let expected = args.manifest_sha256.clone().unwrap_or_default();
        // act keeps the outputs of one job of a matrix only; GitHub keeps all of them.
        let is_act = runner.env("ACT").is_some();
        for unknown in digests::check(&expected, std::slice::from_ref(&bundle), is_act)? {
            runner.warning(&format!("act lost the digest of the bundle for {unknown}, so it is not compared"));
        }
        let signing_key = match &args.signing_key {
            Some(secret) => Some(secret.expose().parse::<SigningKey>().input("signing-key is not usable")?),
            None => None,
        };
        let location = Location::of(args.store.base_path().with_place(args.remote_path.clone()), bundle.manifest());
        // One thread for the transfers and some for files: more would only wake each other.
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.context("could not start the runtime")?.block_on(async {
            let store = args.store.connect(Without::DefaultChain, runner).await?;
            let manifest = bundle.manifest();
            runner.step(&format!("Publish {} {} to {}", manifest.package, manifest.version, location.prefix()));
            let progress = Progress::new(&store, runner, manifest.files.iter().map(|file| file.size).sum());
            let told = |file: &artifact::FileEntry, sent: bool| {
                if !sent {
                    progress.skip(file.size);
                }
                let what = if sent { "sent" } else { "there already" };
                progress.tell(&format!("{what}: {} ({})", file.name, human::bytes(file.size)));
            };
            let options = PublishOptions {
                concurrency: if args.concurrency == 0 { CONCURRENCY } else { args.concurrency },
                latest: args.latest,
                prune_after: args.prune_after.duration(),
                signing_key,
            };
            let publishing = Box::pin(registry::publish(&store, &location.base, &bundle, &options, &told));
            let publication = progress.during(publishing).await;
            let publication = publication.map_err(RegistryError::into_failure)?;
            tell(runner, &publication);
            runner.summary(&summary::render(&store, &location, manifest, &publication))?;
            Ok(Outputs {
                remote_path: location.prefix(),
                manifest_url: store.url(&location.manifest()),
                uploaded: publication.uploaded,
                skipped: publication.skipped,
                bytes: publication.bytes,
            })
        })
    }
}

fn open(args: &Args) -> Result<Bundle> {
    let bundle = Bundle::open(&args.dist_path)
        .input(format!("there is nothing to publish in {}", args.dist_path.display()))
        .help("make a bundle with stage-artifacts, and give its folder as dist-path")?;
    let manifest = bundle.manifest();
    expect("package", args.package.as_ref(), &manifest.package)?;
    expect("ref", args.git_ref.as_ref(), &manifest.git_ref)?;
    expect("version", args.version.as_ref(), &manifest.version)?;
    expect("commit", args.commit.as_ref(), &manifest.commit)?;
    expect("arch", args.arch.as_ref(), &manifest.arch)?;
    expect("build-type", args.build_type.as_ref(), &manifest.build_type)?;
    Ok(bundle)
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
    runner.info(&summary::sentence(publication));
}
