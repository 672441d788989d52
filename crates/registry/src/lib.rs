// SPDX-License-Identifier: Apache-2.0
//! Publishing, resolving and fetching bundles on a store: an S3-compatible one, a folder, or, for
//! reading, any web server.
//!
//! `release.json` of a ref is the commit point of all its targets: it is written after everything that
//! it names, and read first. A reader trusts what it names by digest, verifies every byte, and nothing
//! else. This is the only crate that speaks S3; it never decides what to publish.

mod commit;
mod conditions;
mod content;
mod days;
mod error;
mod fetch;
mod folder;
mod gc;
mod index;
mod key;
mod layout1;
pub mod maintain;
mod partial;
mod plain;
mod progress;
mod publish;
mod published;
mod reindex;
mod requirement;
mod resolve;
mod s3;
mod settings;
mod signature;
mod store;
mod store_args;
mod trust;
mod turn;
mod unverified;

pub use days::{Days, DaysError};
pub use error::{Conflict, RegistryError};
pub use fetch::{FetchedFile, Fetcher};
pub use key::{BasePath, BasePathError, Location, RefPlace, RemotePath, RemotePathError};
pub use progress::Progress;
pub use publish::{IsAncestor, Publication, PublishOptions, publish};
pub use published::{Published, published};
pub use requirement::{Requirement, RequirementError};
pub use resolve::{Listed, Resolved, list, resolve, resolve_ref};
pub use settings::{Addressing, Credentials, Settings};
pub use signature::{KeyError, PublicKey, PublicKeys, SigningKey};
pub use store::Store;
pub use store_args::{Endpoint, StoreArgs, Without};
pub use trust::Trust;
pub use unverified::{UnverifiedFile, fetch_unverified, unverified_files};
