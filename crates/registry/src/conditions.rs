// SPDX-License-Identifier: Apache-2.0
//! What a store does with a condition: it honours, ignores or refuses it.

use crate::store::{If, Written};
use crate::{BasePath, RegistryError, Store};
use artifact::PackageName;

/// A store's answer to a condition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Conditions {
    /// A write whose condition is not met does not happen. Two at the same moment may both happen, on
    /// stores that check first and write then.
    Honoured,
    /// It writes anyway.
    Ignored,
    /// It writes nothing that has a condition.
    Refused,
}

impl Conditions {
    /// Whether conditions are sent along.
    pub fn are_honoured(self) -> bool {
        self == Self::Honoured
    }

    /// What the reader should know.
    pub fn warning(self) -> Option<String> {
        let what = match self {
            Self::Honoured => return None,
            Self::Ignored => "ignores",
            Self::Refused => "refuses",
        };
        Some(format!(
            "this store {what} conditional writes: publishers of one package wait for each other instead, and what \
             they write is read back; other programs that write there are not noticed"
        ))
    }
}

/// Asks the store: the second of two equal conditional writes must be refused. The object stays, so
/// that the next publication needs one request.
pub(crate) async fn probe(store: &Store, base: &BasePath, package: &PackageName) -> Result<Conditions, RegistryError> {
    const CONTENT: &[u8] = b"Written by vaccel-ci to learn whether this store honours If-None-Match.\n";
    let probe = base.probe(package);
    for _ in 0..2 {
        match store.put_bytes(&probe, CONTENT, &If::Absent).await? {
            Written::Refused => return Ok(Conditions::Honoured),
            Written::Unsupported => return Ok(Conditions::Refused),
            Written::Yes => {}
        }
    }
    Ok(Conditions::Ignored)
}
