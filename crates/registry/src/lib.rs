// SPDX-License-Identifier: Apache-2.0
//! Publishing, resolving and fetching bundles on an S3-compatible store.
//!
//! The manifest of a bundle is the commit point: it is written last and read first. A reader
//! trusts what a manifest names, verifies every byte, and nothing else. This is the only crate
//! that speaks S3; it never decides what to publish.

mod error;
mod fetch;
mod key;
mod partial;
mod progress;
mod prune;
mod publish;
mod published;
mod requirement;
mod resolve;
mod settings;
mod signature;
mod store;
mod store_args;
mod unverified;
mod writer;

pub use error::{Conflict, RegistryError};
pub use fetch::{FetchedFile, Fetcher};
pub use key::{BasePath, BasePathError, Location, RemotePath, RemotePathError};
pub use progress::Progress;
pub use publish::{Publication, PublishOptions, publish};
pub use published::{Published, published};
pub use requirement::{Requirement, RequirementError};
pub use resolve::{Listed, Resolved, list, resolve, resolve_ref};
pub use settings::{Credentials, Settings};
pub use signature::{KeyError, PublicKey, SigningKey};
pub use store::Store;
pub use store_args::{Endpoint, StoreArgs, Without};
pub use unverified::{UnverifiedFile, fetch_unverified, unverified_files};
