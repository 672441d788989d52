// SPDX-License-Identifier: Apache-2.0
//! What can go wrong with a store, in words that name the key and the way out.

use artifact::{BundleError, DocumentError, MANIFEST, Sha256};
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
    /// Anything else that the store answered.
    #[error("{operation} of {key} failed: {reason}")]
    Request {
        /// What was asked.
        operation: &'static str,
        /// The object or prefix.
        key: String,
        /// What was answered.
        reason: String,
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
    #[error("no version of {package} for {target} satisfies {requirement}; {}", published(available, *elsewhere))]
    Unsatisfied {
        /// The package.
        package: String,
        /// Architecture and build type.
        target: String,
        /// What was asked for.
        requirement: String,
        /// The versions that exist for the target, the highest first; where there are none, those
        /// for other targets.
        available: Vec<String>,
        /// Whether they are those for other targets.
        elsewhere: bool,
    },
    /// The ref has no bundle for the target.
    #[error("{package} has no bundle at {git_ref} for {target}")]
    NoBundle {
        /// The package.
        package: String,
        /// The branch or tag.
        git_ref: String,
        /// Architecture and build type.
        target: String,
    },
    /// A manifest that we do not accept.
    #[error("the manifest {key} was refused: {source}")]
    Manifest {
        /// The manifest's key.
        key: String,
        /// Why.
        source: DocumentError,
    },
    /// A manifest that belongs elsewhere.
    #[error("the manifest {key} was refused: it is that of {found}")]
    Misplaced {
        /// The manifest's key.
        key: String,
        /// What it says it is.
        found: String,
    },
    /// A signature is asked for, and there is none.
    #[error("the manifest {key} is not signed")]
    Unsigned {
        /// The manifest's key.
        key: String,
    },
    /// The signature is another one.
    #[error("the manifest {key} was refused: its signature is not by the public key ({reason})")]
    Signature {
        /// The manifest's key.
        key: String,
        /// Why.
        reason: String,
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

fn published(available: &[String], elsewhere: bool) -> String {
    const SHOWN: usize = 10;
    let target = if elsewhere { "other targets" } else { "this target" };
    match available {
        [] => "nothing is published".to_owned(),
        all if all.len() <= SHOWN => format!("published for {target}: {}", all.join(", ")),
        all => format!("published for {target}: {} and {} more", all[..SHOWN].join(", "), all.len() - SHOWN),
    }
}

fn state(published: &[String], missing: &[String], committed: bool) -> String {
    if committed {
        return "the bundle is published, and names beside it or old files are not brought up to date".to_owned();
    }
    let list = |names: &[String]| if names.is_empty() { "none".to_owned() } else { names.join(", ") };
    format!(
        "readers see what they saw before; files on the store: {}; not there: {}",
        list(published),
        missing.iter().map(String::as_str).chain([MANIFEST]).collect::<Vec<_>>().join(", ")
    )
}

impl RegistryError {
    /// Whether another attempt may succeed without any change.
    pub(crate) fn is_transient(&self) -> bool {
        matches!(self, Self::Unreachable { .. } | Self::Request { .. } | Self::TimeLimit(_))
    }

    /// Whether the inputs are at fault rather than the work.
    fn is_input(&self) -> bool {
        matches!(self, Self::Endpoint { .. } | Self::CaBundle(_) | Self::NoCredentials(_))
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
            Self::Immutable(_) => "a release never changes: publish the new content under a new version",
            Self::Unsatisfied { .. } => {
                "ask for one of these, or check package, arch and build-type; --list shows what there is for which target"
            }
            Self::NoBundle { .. } => "check ref, arch and build-type; --list shows what is published",
            Self::TimeLimit(_) => "give more time with time-limit; what was transferred is not transferred again",
            Self::Unsigned { .. } => {
                "ask its publisher to sign it (signing-key of upload), or fetch without public-key"
            }
            Self::Signature { .. } => "check public-key; if it is right, do not trust what is published",
            Self::Unfinished { .. } => "run it again: it sends only what is missing",
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
