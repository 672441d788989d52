// SPDX-License-Identifier: Apache-2.0
//! From what is asked for to bundles: candidates in turn, each in the build types in their order.

use crate::plain::PlainBundle;
use crate::request::{Purpose, Request, Which};
use crate::{Args, missing};
use artifact::{Arch, BuildType, RefName};
use registry::{BasePath, Location, RegistryError, Resolved, Store};
use toolkit::git::Repository;
use toolkit::{Failure, Result, ResultExt, Runner};

/// What a request leads to.
pub enum Found {
    /// A bundle with its manifest.
    Bundle(Box<Resolved>),
    /// Files without one.
    Plain(PlainBundle),
}

/// For what everything is resolved.
pub struct Resolver<'a> {
    pub store: &'a Store,
    pub base: BasePath,
    pub arch: Arch,
    pub build_types: &'a [BuildType],
    pub purpose: Option<Purpose>,
    /// Whether what is not signed is refused.
    pub signed: bool,
}

impl<'a> Resolver<'a> {
    /// Reads what the requests need to know of the run.
    pub fn new(args: &'a Args, store: &'a Store, requests: &[Request], runner: &Runner) -> Result<Self> {
        let host = || Arch::host().ok_or_else(|| Failure::input("this machine is none of ours").help("give arch"));
        let needs_purpose = requests.iter().any(|request| request.which == Which::Auto);
        Ok(Self {
            store,
            base: args.base_path(),
            arch: args.arch.map_or_else(host, Ok)?,
            build_types: &args.build_type.0,
            signed: args.public_key.is_some() || args.branch_public_key.is_some(),
            purpose: needs_purpose.then(|| purpose(args, runner)).transpose()?,
        })
    }

    /// The bundle of a request; `None` if there is none, and `allow_missing` is set.
    pub async fn find(&self, request: &Request, allow_missing: bool, runner: &Runner) -> Result<Option<Found>> {
        let base = match &request.remote_path {
            Some(place) => self.base.clone().with_place(Some(place.clone())),
            None => self.base.clone(),
        };
        let candidates = match (&request.which, &self.purpose) {
            (Which::Auto, Some(purpose)) => purpose.candidates(),
            (which, _) => vec![which.clone()],
        };
        for candidate in &candidates {
            if let Some(found) = self.best(&base, request, candidate).await? {
                return Ok(Some(Found::Bundle(Box::new(found))));
            }
        }
        let published = registry::published(self.store, &base, &request.package).await;
        let published = published.map_err(RegistryError::into_failure)?;
        if let Some(plain) = PlainBundle::find(self, &base, &request.package, &candidates, &published).await? {
            if self.signed {
                let place = plain.location.prefix();
                return Err(Failure::work(format!("{place} has no manifest, so no signature of it can be verified"))
                    .help("publish it again with `upload` and signing-key, or fetch without public-key"));
            }
            return Ok(Some(Found::Plain(plain)));
        }
        let place = base.package(&request.package);
        let failure = missing::failure(self, &place, request, &candidates, &published);
        if allow_missing {
            runner.info(&format!("nothing is fetched: {}", failure.messages().join(": ")));
            return Ok(None);
        }
        Err(failure)
    }

    /// The highest version that a candidate leads to; of equal ones that of the first build type.
    async fn best(&self, base: &BasePath, request: &Request, candidate: &Which) -> Result<Option<Resolved>> {
        let mut best: Option<Resolved> = None;
        for build_type in self.build_types {
            let found = match self.one(base, request, candidate, *build_type).await {
                Ok(found) => found,
                Err(RegistryError::NoBundle { .. } | RegistryError::Unsatisfied { .. }) => continue,
                Err(error) => return Err(error.into_failure()),
            };
            if best.as_ref().is_none_or(|best| best.manifest.version < found.manifest.version) {
                best = Some(found);
            }
            if matches!(candidate, Which::Ref(_)) {
                break;
            }
        }
        Ok(best)
    }

    async fn one(
        &self,
        base: &BasePath,
        request: &Request,
        candidate: &Which,
        build_type: BuildType,
    ) -> Result<Resolved, RegistryError> {
        let (arch, package) = (self.arch, &request.package);
        match candidate {
            Which::Version(requirement) => {
                registry::resolve(self.store, base, package, requirement, arch, build_type).await
            }
            Which::Ref(git_ref) => {
                let (base, package, git_ref) = (base.clone(), package.clone(), git_ref.clone());
                registry::resolve_ref(self.store, Location { base, package, git_ref, arch, build_type }).await
            }
            Which::Auto => unreachable!("it has become candidates"),
        }
    }
}

/// What the packages are fetched for.
fn purpose(args: &Args, runner: &Runner) -> Result<Purpose> {
    let variable = |name: &str| -> Result<Option<RefName>> {
        let value = runner.env(name).filter(|value| !value.is_empty());
        value.map(|value| value.parse().with_context(|| format!("failed to read {name}"))).transpose()
    };
    let head = || -> Result<Option<RefName>> {
        let of_run = variable("GITHUB_HEAD_REF")?;
        Ok(if of_run.is_some() { of_run } else { variable("GITHUB_REF_NAME")? })
    };
    let git_ref = match &args.for_ref {
        Some(git_ref) => Some(git_ref.clone()),
        None => head()?,
    };
    Ok(Purpose {
        git_ref: git_ref.map_or_else(work_tree, Ok)?,
        base: variable("GITHUB_BASE_REF")?,
        default_branch: args.default_branch.clone(),
    })
}

/// The branch or release tag of the folder that we are in.
fn work_tree() -> Result<RefName> {
    let nowhere = || {
        Failure::input("`auto` follows a branch or release, and neither is known here")
            .help("give for-ref, or ask for a version or a ref instead of auto")
    };
    let repository = Repository::require(".".as_ref()).map_err(|_| nowhere())?;
    let tags = repository.tags_at("HEAD")?;
    let releases = tags.iter().filter_map(|tag| tag.parse().ok()).filter(RefName::is_release);
    match repository.branch()? {
        Some(branch) => branch.parse().with_context(|| format!("failed to use the branch {branch:?}")),
        None => releases.max_by_key(RefName::release).ok_or_else(nowhere),
    }
}
