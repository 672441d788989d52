// SPDX-License-Identifier: Apache-2.0
//! The action, step by step.

use crate::args::Split;
use crate::chain::Chain;
use crate::configuration::{self, Settings};
use crate::deb::{Deb, Dependencies};
use crate::examples::Examples;
use crate::format::{self, Format, Job, Product};
use crate::metadata::Metadata;
use crate::output_folder::{OutputError, OutputFolder};
use crate::provenance::Circumstances;
use crate::requires::{self, Limits};
use crate::sbom::Sbom;
use crate::subject::Subject;
use crate::tree::{InstallTree, TreeError, loader};
use crate::{Args, Outputs, file, provenance, summary};
use artifact::{Bundle, FileEntry, FileKind, Manifest, Sha256};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::thread;
use toolkit::human::bytes;
use toolkit::{Failure, Result, ResultExt, Runner};

/// Stages an install tree as a bundle.
pub fn run(args: &Args, runner: &Runner) -> Result<Outputs> {
    let staging = settle(args, runner)?;
    let (tree, chain) = examine(&staging, args, runner)?;
    let folder = prepare(args)?;
    let mut products = produce(args, &staging, &tree, &folder, runner)?;
    chain.recheck()?;
    let manifest = seal(args, &staging, (&tree, &chain), &mut products, &folder, runner)?;
    let bundle = folder.appear().map_err(output_failure)?;
    report(&staging, &tree, &products, &manifest, runner)?;
    let sha256 = Sha256::of(&manifest.to_canonical_json());
    Ok(Outputs {
        manifest: bundle.join(artifact::MANIFEST),
        dist_path: bundle,
        identity: format!("{}/{}/{}={sha256}", manifest.package, manifest.arch, manifest.build_type),
        manifest_sha256: sha256.to_string(),
        tree_sha256: chain.sha256().to_string(),
        version: staging.subject.version.to_string(),
        files: manifest.files.iter().map(|file| file.name.to_string()).collect(),
    })
}

/// What is to be done, with every input checked.
struct Staging {
    subject: Subject,
    metadata: Metadata,
    formats: Vec<&'static dyn Format>,
    split: Split,
    loader_path: Vec<String>,
    limits: Limits,
    examples: Examples,
    dependency_roots: Vec<PathBuf>,
}

/// 1. Settles what is staged, before any work is done.
fn settle(args: &Args, runner: &Runner) -> Result<Staging> {
    let settings = configuration::complete(args)?;
    let mut formats = format::choose(&settings.formats)?;
    if args.sbom {
        formats.push(&Sbom);
    }
    let subject = Subject::settle(args, runner)?;
    let metadata = Metadata::new(&settings.metadata, &subject)?;
    let examples = Examples::read(args.examples_report.as_deref().unwrap_or_default(), &subject)?;
    let dependency_roots = args.pkgconfig_prefix.as_deref().unwrap_or_default().iter().map(PathBuf::from).collect();
    let Settings { split, loader_path, limits, .. } = settings;
    Ok(Staging { subject, metadata, formats, split, loader_path, limits, examples, dependency_roots })
}

/// 2. Walks the install tree and makes sure that it can be packaged, and is the one that was tested.
fn examine(staging: &Staging, args: &Args, runner: &Runner) -> Result<(InstallTree, Chain)> {
    let mut tree = InstallTree::read(&args.destdir, staging.subject.arch).map_err(tree_failure)?;
    if staging.formats.iter().any(|format| format.needs_tree()) {
        tree.check_not_empty().map_err(tree_failure)?;
        if !tree.holds(&args.prefix) {
            let message = format!("the install tree {} holds nothing below {}", args.destdir.display(), args.prefix);
            return Err(
                Failure::work(message).help("give the folder above the prefix, or the `prefix` that was built for")
            );
        }
    }
    if let Some(patterns) = &args.files {
        tree = part(tree, patterns)?;
    }
    let configured = loader::configured_folders(&tree).context("could not read etc/ld.so.conf.d")?;
    let searched = loader::default_folders(staging.subject.arch).into_iter().chain(configured);
    let searched: Vec<String> = searched.chain(staging.loader_path.iter().cloned()).collect();
    let problems = loader::out_of_reach(&tree, staging.subject.arch, &searched);
    if !problems.is_empty() {
        return Err(tree_failure(TreeError::OutOfReach { root: args.destdir.clone(), problems }));
    }
    if let Some(failure) = requires::exceeding(&tree, &staging.limits) {
        return Err(failure);
    }
    let (files, size) = tree.extent();
    runner.info(&format!("{}: {files} files, {}", args.destdir.display(), bytes(size)));
    let recorded = staging.subject.recorded_tree;
    let chain = Chain::close(&args.destdir, args.tree_sha256, recorded, &staging.examples)?;
    Ok((tree, chain))
}

/// The files that are this package's, where several are made of one tree.
fn part(tree: InstallTree, patterns: &[String]) -> Result<InstallTree> {
    let patterns = patterns.iter().map(|text| {
        glob::Pattern::new(text.trim_start_matches('/')).input(format!("{text:?} in files is not a valid glob"))
    });
    match patterns.collect::<Result<Vec<_>>>()? {
        none if none.is_empty() => Ok(tree),
        patterns => tree.part(&patterns).map_err(tree_failure),
    }
}

/// 3. Makes sure that the bundle can be put in its place.
fn prepare(args: &Args) -> Result<OutputFolder> {
    OutputFolder::prepare(&args.output_path, &args.destdir).map_err(output_failure)
}

/// 4. Makes the files, all formats at once.
fn produce(
    args: &Args,
    staging: &Staging,
    tree: &InstallTree,
    folder: &OutputFolder,
    runner: &Runner,
) -> Result<Vec<Product>> {
    let bundle = folder.bundle();
    let is_deb = |format: &&dyn Format| format.name() == Deb.name();
    let dependencies = Dependencies::new(staging.formats.iter().any(is_deb));
    let make = |format: &dyn Format| -> Result<Vec<Product>> {
        let scratch = folder.scratch(format.name())?;
        let job = Job {
            subject: &staging.subject,
            metadata: &staging.metadata,
            tree,
            prefix: &args.prefix,
            build_path: args.build_path.as_deref(),
            split: staging.split,
            dependencies: &dependencies,
            dependency_roots: &staging.dependency_roots,
            bundle: &bundle,
            scratch: &scratch,
            runner,
        };
        format.make(&job)
    };
    let results: Vec<Result<Vec<Product>>> = thread::scope(|scope| {
        let threads: Vec<_> = staging.formats.iter().map(|format| scope.spawn(|| make(*format))).collect();
        let panicked = |_| Err(Failure::work("a packaging thread panicked"));
        threads.into_iter().map(|thread| thread.join().unwrap_or_else(panicked)).collect()
    });
    let mut products = staging.examples.write(&bundle)?;
    for result in results {
        products.extend(result?);
    }
    if products.iter().all(|product| product.kind == FileKind::Sbom) {
        return Err(Failure::work("the chosen formats found nothing to stage in the install tree"));
    }
    Ok(products)
}

/// 5. Names every file with its digest in `SHA256SUMS` and `manifest.json`.
fn seal(
    args: &Args,
    staging: &Staging,
    (tree, chain): (&InstallTree, &Chain),
    products: &mut Vec<Product>,
    folder: &OutputFolder,
    runner: &Runner,
) -> Result<Manifest> {
    let bundle = folder.bundle();
    let mut files = products.iter().map(|product| entry(product, &bundle)).collect::<Result<Vec<_>>>()?;
    files.sort_by(|a, b| a.name.cmp(&b.name));
    let about = Circumstances {
        prefix: &args.prefix,
        builder: args.builder.as_deref(),
        dependencies: &staging.dependency_roots,
    };
    let provenance = provenance::write(&staging.subject, &about, &files, &bundle, runner)?;
    files.push(entry(&provenance, &bundle)?);
    files.sort_by(|a, b| a.name.cmp(&b.name));
    products.push(provenance);
    let subject = staging.subject.clone();
    let manifest = Manifest {
        schema: Manifest::SCHEMA,
        debian_version: subject.version.debian(),
        created: subject.created(),
        repository: subject.origin.repository,
        package: subject.package,
        version: subject.version,
        git_ref: subject.git_ref,
        commit: subject.commit,
        arch: subject.arch,
        build_type: subject.build_type,
        built_by: subject.built_by,
        run: subject.run,
        tree_sha256: Some(chain.sha256()),
        examples: staging.examples.digests(),
        requires: Some(requires::of(tree)).filter(|requires| !requires.is_empty()),
        files,
    };
    Bundle::write(&bundle, &manifest).context("could not write the manifest")?;
    for name in [artifact::MANIFEST, artifact::SHA256SUMS] {
        file::set_mode(&bundle.join(name), 0o644)?;
    }
    Ok(manifest)
}

fn entry(product: &Product, bundle: &Path) -> Result<FileEntry> {
    let path = bundle.join(product.name.as_str());
    let digest = File::open(&path).and_then(Sha256::of_reader);
    let (sha256, size) = digest.with_context(|| format!("could not read {}", path.display()))?;
    Ok(FileEntry { name: product.name.clone(), kind: product.kind, size, sha256, soname: product.soname.clone() })
}

/// Tells what is there now.
fn report(
    staging: &Staging,
    tree: &InstallTree,
    products: &[Product],
    manifest: &Manifest,
    runner: &Runner,
) -> Result<()> {
    for file in &manifest.files {
        runner.info(&format!("{}  {}, {}", file.name, summary::kind(file.kind), bytes(file.size)));
    }
    runner.summary(&summary::render(&staging.subject, tree, staging.examples.passed(), products, manifest))
}

/// A path that is wrong is an input; what lies in the tree is the build's work.
fn tree_failure(error: TreeError) -> Failure {
    let is_input = matches!(error, TreeError::Missing(_) | TreeError::NotAFolder(_) | TreeError::NoMatch { .. });
    let help = match &error {
        TreeError::Missing(_) | TreeError::NotAFolder(_) => Some("`destdir` is the folder that the build installed to"),
        TreeError::NoMatch { .. } => Some(
            "correct `files`, in the settings [package.<name>]; it names paths from the top of the tree, such as usr/bin/*",
        ),
        TreeError::Empty(_) => Some("did the build install anything, and is `destdir` the folder it installed to?"),
        TreeError::OutOfReach { .. } => Some(
            "install them to the prefix's `lib` below /usr or /usr/local, link with a run path \
             (`-Wl,-rpath,$ORIGIN/../lib/name`, in meson `install_rpath`), or install a file \
             `/etc/ld.so.conf.d/<package>.conf` that names the folder; `loader-path` names folders that a wrapper script adds",
        ),
        _ => None,
    };
    let mut failure = Failure::from(error);
    if let Some(help) = help {
        failure = failure.help(help);
    }
    if is_input { failure.as_input() } else { failure }
}

fn output_failure(error: OutputError) -> Failure {
    match error {
        OutputError::NotOurs(_) | OutputError::Overlap { .. } => {
            Failure::from(error).as_input().help("choose another `output-path`, or remove what is there")
        }
        OutputError::Write { .. } => error.into(),
    }
}
