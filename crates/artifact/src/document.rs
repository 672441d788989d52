//! What our JSON documents have in common: a schema number, and canonical text.

use serde::Serialize;
use serde::de::DeserializeOwned;

/// Why a document was not understood.
#[derive(Debug, thiserror::Error)]
pub enum DocumentError {
    /// Not JSON, or not this document.
    #[error("it is not a {document}: {source}")]
    Malformed {
        /// The document that was expected.
        document: &'static str,
        /// What is wrong with it.
        source: serde_json::Error,
    },
    /// Written by a newer vaccel-ci.
    #[error("its schema is {found}, and this version of vaccel-ci understands {supported}; use a newer one")]
    NewerSchema {
        /// The number in the document.
        found: u64,
        /// The number we know.
        supported: u32,
    },
    /// Two entries with one name.
    #[error("it names {0:?} twice")]
    Duplicate(String),
}

/// Reads a document, its schema number before anything else: what a newer schema means is not for
/// us to guess. Unknown fields are ignored.
pub(crate) fn parse<T: DeserializeOwned>(
    document: &'static str,
    supported: u32,
    text: &[u8],
) -> Result<T, DocumentError> {
    #[derive(serde::Deserialize)]
    struct Head {
        schema: u64,
    }
    let malformed = |source| DocumentError::Malformed { document, source };
    let head: Head = serde_json::from_slice(text).map_err(malformed)?;
    if head.schema > u64::from(supported) {
        return Err(DocumentError::NewerSchema { found: head.schema, supported });
    }
    serde_json::from_slice(text).map_err(malformed)
}

/// Canonical JSON: sorted keys, two spaces, one trailing newline. Equal content, equal bytes.
pub(crate) fn canonical<T: Serialize>(document: &T) -> Vec<u8> {
    // serde_json's own map is sorted; our documents hold nothing that JSON cannot express.
    let mut text =
        serde_json::to_value(document).and_then(|value| serde_json::to_vec_pretty(&value)).unwrap_or_default();
    text.push(b'\n');
    text
}
