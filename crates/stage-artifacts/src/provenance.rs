// SPDX-License-Identifier: Apache-2.0
//! The provenance of a bundle: which sources, parameters, tools and dependencies made its files.

use crate::file;
use crate::format::Product;
use crate::subject::Subject;
use artifact::{
    BuildDefinition, Builder, Dependency, DistRecord, ExternalParameters, FileEntry, FileKind, InternalParameters,
    Provenance, Workflow,
};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use toolkit::{Result, Runner};

/// Who built where no workflow did.
const BY_HAND: &str = "https://vaccel.org/ci/by-hand";
/// Where our reusable workflows are.
const OURS: &str = "https://github.com/nubificus/vaccel-ci";

/// What is known beside the subject.
pub struct Circumstances<'a> {
    /// The prefix that the tree was built for.
    pub prefix: &'a str,
    /// The reusable workflow of ours that runs us, if it says so.
    pub builder: Option<&'a str>,
    /// Folders of packages that the tree was built against.
    pub dependencies: &'a [PathBuf],
}

/// Writes the statement about these files into the bundle.
pub fn write(
    subject: &Subject,
    about: &Circumstances<'_>,
    files: &[FileEntry],
    bundle: &Path,
    runner: &Runner,
) -> Result<Product> {
    let definition = BuildDefinition {
        build_type: String::new(),
        external_parameters: ExternalParameters {
            workflow: workflow(runner),
            package: subject.package.clone(),
            version: subject.version.clone(),
            git_ref: subject.git_ref.clone(),
            arch: subject.arch,
            build_type: subject.build_type,
            prefix: about.prefix.to_owned(),
            options: subject.built_by.options.clone(),
        },
        internal_parameters: InternalParameters {
            compiler: subject.built_by.compiler.clone(),
            backend: subject.built_by.backend.clone(),
            // Its version changes every week, and equal builds are equal bytes.
            runner_image: runner.env("ImageOS"),
        },
        resolved_dependencies: dependencies(subject, about.dependencies)?,
    };
    let statement = Provenance::new(files, definition, builder(about.builder, runner));
    let name = format!("{}{}", subject.stem(), Provenance::SUFFIX);
    file::write(&bundle.join(&name), &statement.to_canonical_json())?;
    let purpose = "provenance: sources, parameters, tools and dependencies, as an in-toto statement";
    Ok(Product { name: name.parse()?, kind: FileKind::Other, purpose, soname: None })
}

/// The caller's workflow: `owner/name/.github/workflows/ci.yml@refs/heads/main`.
fn workflow(runner: &Runner) -> Option<Workflow> {
    let (place, git_ref) =
        runner.env("GITHUB_WORKFLOW_REF")?.split_once('@').map(|(a, b)| (a.to_owned(), b.to_owned()))?;
    let repository = runner.env("GITHUB_REPOSITORY")?;
    let path = place.strip_prefix(&repository)?.trim_start_matches('/').to_owned();
    let server = runner.env("GITHUB_SERVER_URL").unwrap_or_else(|| "https://github.com".to_owned());
    Some(Workflow { repository: format!("{server}/{repository}"), path, git_ref })
}

fn builder(ours: Option<&str>, runner: &Runner) -> Builder {
    let mut version = BTreeMap::from([("vaccel-ci".to_owned(), env!("CARGO_PKG_VERSION").to_owned())]);
    version.extend(commit_of_ours().map(|commit| ("commit".to_owned(), commit)));
    let revision = runner.env("GITHUB_ACTION_REF").unwrap_or_else(|| format!("v{}", env!("CARGO_PKG_VERSION")));
    let id = match (ours, runner.env("GITHUB_WORKFLOW_REF")) {
        (Some(workflow), Some(_)) => format!("{OURS}/.github/workflows/{workflow}@{revision}"),
        (None, Some(caller)) => format!("https://github.com/{caller}"),
        (_, None) => BY_HAND.to_owned(),
    };
    Builder { id, version }
}

/// The commit that our executables were built from: `dist/BUILD.json`, two folders above them.
fn commit_of_ours() -> Option<String> {
    let dist = std::env::current_exe().ok()?.parent()?.parent()?.join(DistRecord::FILE);
    DistRecord::parse(&std::fs::read(dist).ok()?).ok()?.commit.map(|commit| commit.to_string())
}

fn dependencies(subject: &Subject, roots: &[PathBuf]) -> Result<Vec<Dependency>> {
    let repository = match &subject.origin.page {
        Some(page) => page.clone(),
        None => "file://unknown".to_owned(),
    };
    let mut found = vec![Dependency {
        uri: artifact::source_uri(&repository),
        digest: BTreeMap::from([(Provenance::GIT_COMMIT.to_owned(), subject.commit.to_string())]),
    }];
    for root in roots {
        let digest = tree::digest(root)?;
        let name = root.file_name().unwrap_or_default().to_string_lossy();
        found.push(Dependency {
            uri: format!("file:{name}"),
            digest: BTreeMap::from([("vaccelTreeSha256".to_owned(), digest.to_string())]),
        });
    }
    Ok(found)
}
