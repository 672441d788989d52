// SPDX-License-Identifier: Apache-2.0
//! What can go wrong with a store, in words that name the key and the way out.

use artifact::{BundleError, DocumentError, RELEASE, Sha256};
use std::path::PathBuf;
use std::time::Duration;
use toolkit::Failure;

/// Two contents for one name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conflict {
    /// The object.
    pub key: String,
    /// What is published; `None` where the store does not tell.
    pub published: Option<Sha256>,
    /// What was to be published.
    pub ours: Sha256,
}

/// Why a store was not read or written.
#[derive(Debug, thiserror::Error)]
pub enum RegistryError {
    /// The address is none that we would use.
    #[error("the endpoint {endpoint:?} is not usable: {reason}")]
    Endpoint {
        /// The address.
        endpoint: String,
        /// Why.
        reason: &'static str,
    },
    /// The private certificates are not PEM.
    #[error("the CA bundle is not usable: {0}")]
    CaBundle(String),
    /// No keys are given, and the environment has none.
    #[error("no credentials were found: {0}")]
    NoCredentials(String),
    /// Nobody answers.
    #[error("could not reach {endpoint}: {reason}")]
    Unreachable {
        /// The address.
        endpoint: String,
        /// Why, as the connection tells.
        reason: String,
    },
    /// The credentials are unknown or wrong.
    #[error("{endpoint} does not accept the credentials ({code})")]
    Credentials {
        /// The address.
        endpoint: String,
        /// S3's error code.
        code: String,
    },
    /// The credentials do not suffice.
    #[error("{endpoint} denies access to {key}")]
    Denied {
        /// The address.
        endpoint: String,
        /// The object or prefix.
        key: String,
    },
    /// There is no such bucket.
    #[error("there is no bucket {bucket:?} at {endpoint}")]
    NoBucket {
        /// The bucket.
        bucket: String,
        /// The address.
        endpoint: String,
    },
    /// The bucket is in another region.
    #[error("the bucket {bucket:?} is in the region {region}, and requests were signed for {given}")]
    Region {
        /// The bucket.
        bucket: String,
        /// Where it is.
        region: String,
        /// What was given.
        given: String,
    },
    /// What was answered, where the same request cannot succeed.
    #[error("failed to {operation} {key}: {reason}")]
    Refused {
        /// What was asked.
        operation: &'static str,
        /// The object or prefix.
        key: String,
        /// What was answered.
        reason: String,
    },
    /// More than is read into memory, or published.
    #[error("{key} is larger than {limit} bytes, which no such document is")]
    TooLarge {
        /// The object.
        key: String,
        /// The limit.
        limit: u64,
    },
    /// An object that is named and not there.
    #[error("{key} is named and does not exist")]
    NoObject {
        /// The object.
        key: String,
    },
    /// A folder that is a store.
    #[error("failed to access {key} of the store: {source}")]
    Folder {
        /// The key.
        key: String,
        /// Why.
        source: std::io::Error,
    },
    /// Others change the same document all the time.
    #[error("failed to write {key}: other publishers change it at the same time")]
    Busy {
        /// The document.
        key: String,
    },
    /// Anything else that the store answered.
    #[error("failed to {operation} {key}: {reason}")]
    Request {
        /// What was asked.
        operation: &'static str,
        /// The object or prefix.
        key: String,
        /// What was answered.
        reason: String,
    },
    /// The release is published for another commit.
    #[error("{package} {git_ref} is published for commit {published}, and this is commit {ours}")]
    OtherCommit {
        /// The package.
        package: String,
        /// The release.
        git_ref: String,
        /// Its commit.
        published: String,
        /// The other one.
        ours: String,
    },
    /// The package belongs to another repository.
    #[error("the package {package} belongs to the repository {owner}, and this is {ours}")]
    Foreign {
        /// The package.
        package: String,
        /// Who released it first.
        owner: String,
        /// Who wants to publish it.
        ours: String,
    },
    /// Bundles that cannot be published, or not together.
    #[error("{0}")]
    Mismatch(String),
    /// Something that is to be changed does not exist.
    #[error("{package} has no {what}")]
    Absent {
        /// The package.
        package: String,
        /// What it lacks.
        what: String,
    },
    /// A released version would change.
    #[error(
        "{} is published with other content: {} there, {} here",
        .0.key,
        .0.published.map_or_else(|| "unknown".to_owned(), |digest| digest.to_string()),
        .0.ours
    )]
    Immutable(Conflict),
    /// No version fits.
    #[error(
        "no version of {package} for {target} satisfies {requirement}; {}{}",
        published(available, *elsewhere, branches),
        hidden(*denied)
    )]
    Unsatisfied {
        /// The package.
        package: String,
        /// Architecture and build type.
        target: String,
        /// What was asked for.
        requirement: String,
        /// The versions that exist for the target, the highest first; where there are none, those
        /// for other targets.
        available: Box<[String]>,
        /// Whether they are those for other targets.
        elsewhere: bool,
        /// The branches that are published.
        branches: Box<[String]>,
        /// Whether the store answered "denied" for what counted as absent.
        denied: bool,
    },
    /// The ref has no bundle for the target.
    #[error("{package} has no bundle at {git_ref} for {target}{}{}", only(targets), hidden(*denied))]
    NoBundle {
        /// The package.
        package: String,
        /// The branch or tag.
        git_ref: String,
        /// Architecture and build type.
        target: String,
        /// The targets that the ref has.
        targets: Vec<String>,
        /// Whether the store answered "denied" for what counted as absent.
        denied: bool,
    },
    /// A document that we do not accept.
    #[error("{key} was refused: {source}{}", begins(beginning))]
    Document {
        /// The document's key.
        key: String,
        /// How it begins, where that is not JSON.
        beginning: String,
        /// Why.
        source: DocumentError,
    },
    /// A document that belongs elsewhere.
    #[error("{key} was refused: it is that of {found}")]
    Misplaced {
        /// The document's key.
        key: String,
        /// What it says it is.
        found: String,
    },
    /// A signature is asked for, and there is none.
    #[error("{key} is not signed")]
    Unsigned {
        /// The document's key.
        key: String,
    },
    /// The signature is another one.
    #[error("{key} was refused: its signature is not by the public key ({reason})")]
    Signature {
        /// The document's key.
        key: String,
        /// Why.
        reason: String,
    },
    /// An index that has not changed for too long.
    #[error(
        "{key} was refused: it was written {} ago, and max-age is {}",
        toolkit::human::duration(*age),
        toolkit::human::duration(*max_age)
    )]
    Stale {
        /// The index.
        key: String,
        /// How old it is.
        age: Duration,
        /// How old it may be.
        max_age: Duration,
    },
    /// An index that is older than one that was seen before.
    #[error("{key} was refused: its serial is {serial}, and {seen} was seen before ({})", file.display())]
    WentBack {
        /// The index.
        key: String,
        /// Its serial.
        serial: u64,
        /// The last one.
        seen: u64,
        /// Where that is kept.
        file: PathBuf,
    },
    /// A release that would be signed, and is somebody else's in part.
    #[error("{key} is not signed by the signing key, and holds what this publication does not")]
    NotOurs {
        /// The release.
        key: String,
    },
    /// A release that the index does not name.
    #[error("{key} was refused: the index does not name it as it is")]
    Unnamed {
        /// The release.
        key: String,
    },
    /// Bytes that are not those of the manifest.
    #[error("{key} is not the file of the manifest: {found} instead of {expected}")]
    Tampered {
        /// The object.
        key: String,
        /// Its size or digest.
        found: String,
        /// What the manifest says.
        expected: String,
    },
    /// A local file.
    #[error("{}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The process is to end.
    #[error("it was interrupted by {0}")]
    Interrupted(String),
    /// It took longer than it may.
    #[error("it was not finished within {}", toolkit::human::duration(*.0))]
    TimeLimit(Duration),
    /// A publication that broke off.
    #[error("the publication broke off ({}): {source}", state(published, missing, *.committed))]
    Unfinished {
        /// The files that are there.
        published: Vec<String>,
        /// The files that are not.
        missing: Vec<String>,
        /// Whether readers see the new bundle.
        committed: bool,
        /// Why.
        source: Box<RegistryError>,
    },
    /// The bundle to publish is not whole.
    #[error(transparent)]
    Bundle(#[from] BundleError),
}

/// Some of these, the first ones, in a sentence.
fn some(names: &[String]) -> String {
    const SHOWN: usize = 10;
    match names.split_at_checked(SHOWN) {
        Some((first, rest)) if !rest.is_empty() => format!("{} and {} more", first.join(", "), rest.len()),
        _ => names.join(", "),
    }
}

fn published(available: &[String], elsewhere: bool, branches: &[String]) -> String {
    let target = if elsewhere { "other targets" } else { "this target" };
    match (available, branches) {
        ([], []) => "nothing is published".to_owned(),
        ([], branches) => format!("no version is published, only branches: {}", some(branches)),
        (all, _) => format!("published for {target}: {}", some(all)),
    }
}

fn only(targets: &[String]) -> String {
    if targets.is_empty() { String::new() } else { format!("; it has {}", some(targets)) }
}

fn hidden(denied: bool) -> &'static str {
    if denied { " (the store denies access instead of saying what does not exist)" } else { "" }
}

fn begins(text: &str) -> String {
    if text.is_empty() { String::new() } else { format!("; it begins with {text:?}") }
}

fn state(published: &[String], missing: &[String], committed: bool) -> String {
    if committed {
        return "the version is published; the index, or names beside it, may not be up to date".to_owned();
    }
    let list = |names: &[String]| if names.is_empty() { "none".to_owned() } else { names.join(", ") };
    format!(
        "readers see what they saw before; files on the store: {}; not there: {}",
        list(published),
        missing.iter().map(String::as_str).chain([RELEASE]).collect::<Vec<_>>().join(", ")
    )
}

impl RegistryError {
    /// A document that we do not accept.
    pub(crate) fn document(key: String, text: &[u8], source: DocumentError) -> Self {
        const SHOWN: usize = 60;
        let json = text.trim_ascii_start().starts_with(b"{");
        let beginning = String::from_utf8_lossy(text.get(..SHOWN).unwrap_or(text)).trim().to_owned();
        Self::Document { key, beginning: if json { String::new() } else { beginning }, source }
    }

    /// Whether another attempt may succeed without any change.
    pub(crate) fn is_transient(&self) -> bool {
        match self {
            Self::Unreachable { .. }
            | Self::Request { .. }
            | Self::TimeLimit(_)
            | Self::Busy { .. }
            | Self::Interrupted(_) => true,
            Self::Unfinished { source, .. } => source.is_transient(),
            _ => false,
        }
    }

    /// Whether the inputs are at fault rather than the work.
    fn is_input(&self) -> bool {
        matches!(
            self,
            Self::Endpoint { .. }
                | Self::CaBundle(_)
                | Self::NoCredentials(_)
                | Self::Region { .. }
                | Self::Mismatch(_)
                | Self::Foreign { .. }
                | Self::Absent { .. }
        )
    }

    /// The next step for the reader.
    fn help(&self) -> Option<&'static str> {
        Some(match self {
            Self::Endpoint { .. } => "give endpoint-url as https://host or https://host:port",
            Self::CaBundle(_) => "give ca-bundle as the path of a file with PEM certificates",
            Self::NoCredentials(_) => "give access-key and secret-key, or set the environment's credentials up",
            Self::Unreachable { reason, .. } if reason.contains("certificate") => {
                "if a private authority has signed the store's certificate, give that authority's as ca-bundle"
            }
            Self::Unreachable { .. } => "check endpoint-url, the network, and that the store is up",
            Self::Credentials { .. } => "check access-key and secret-key, and that they are for this store",
            Self::Denied { .. } => "give credentials that may do this, or check base-path",
            Self::NoBucket { .. } => "check bucket and endpoint-url; the bucket is not made by itself",
            Self::Region { .. } => "give this region as region",
            Self::Refused { reason, .. } if reason.contains("Quota") => "make room on the store, with its owner",
            Self::Refused { .. } => "the store does not allow this; another attempt will not either",
            Self::TooLarge { .. } => "check base-path and package; nothing was read or written",
            Self::NoObject { .. } => "run `vaccel-store repair` on it, or publish it again",
            Self::Folder { .. } => "check that the folder exists, is mounted, and may be read and written",
            Self::Busy { .. } => "run it again: it sends only what is missing",
            Self::Foreign { .. } => "choose another package name, or publish from the repository that it belongs to",
            Self::Mismatch(_) => "stage all bundles of a version in one run, and give their common folder",
            Self::Absent { .. } => "`vaccel-store list` shows what there is",
            Self::Stale { .. } => "run store-maintenance, which writes the index again, or ask for more with max-age",
            Self::WentBack { .. } => {
                "somebody serves an old answer; if the store was made anew, remove its line from the file"
            }
            Self::NotOurs { .. } => {
                "publish all targets of the version in one run, or give the key that signed it as public-key"
            }
            Self::Unnamed { .. } => "try again in a moment; if it stays, run `vaccel-store reindex`",
            Self::Document { source: DocumentError::NewerSchema { .. }, .. } => "use a newer version of vaccel-ci",
            Self::Document { .. } => {
                "check endpoint-url, bucket and base-path; if they are right, the store is damaged"
            }
            Self::Misplaced { .. } => "somebody copied it there; do not trust it",
            Self::Immutable(_) | Self::OtherCommit { .. } => {
                "a release never changes: publish the new content under a new version"
            }
            Self::Unsatisfied { .. } => {
                "ask for one of these, or check package, arch and build-type; --list shows what there is for which target"
            }
            Self::NoBundle { .. } => "check ref, arch and build-type; --list shows what is published",
            Self::TimeLimit(_) => "give more time with time-limit; what was transferred is not transferred again",
            Self::Unsigned { .. } => {
                "ask its publisher to sign it (signing-key of upload), or fetch without public-key"
            }
            Self::Signature { .. } => "check public-key; if it is right, do not trust what is published",
            Self::Unfinished { source, committed, .. } => match source.help() {
                Some(help) if !source.is_transient() => help,
                _ if *committed => "run it again to bring the rest up to date",
                _ => "run it again: it sends only what is missing",
            },
            Self::Tampered { .. } => "the store or the way to it is damaged; nothing of it was kept",
            _ => return None,
        })
    }

    /// As the failure of an action.
    pub fn into_failure(self) -> Failure {
        let (input, help) = (self.is_input(), self.help());
        let mut failure = Failure::from(self);
        if let Some(help) = help {
            failure = failure.help(help);
        }
        if input { failure.as_input() } else { failure }
    }
}
