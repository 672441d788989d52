// SPDX-License-Identifier: Apache-2.0
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
    // serde_json's own map is sorted only as long as no crate in the build asks it to keep the order
    // of insertion. Our documents hold nothing that JSON cannot express.
    let mut value = serde_json::to_value(document).unwrap_or_default();
    value.sort_all_objects();
    let mut text = serde_json::to_vec_pretty(&value).unwrap_or_default();
    text.push(b'\n');
    text
}

/// The same in one line, for documents that may be long. Their types declare the fields in the order
/// of their names, so that no tree of values is needed to sort them.
pub(crate) fn canonical_line<T: Serialize>(document: &T) -> Vec<u8> {
    let mut text = serde_json::to_vec(document).unwrap_or_default();
    text.push(b'\n');
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{BuildRecord, ExampleReport, Manifest};

    #[test]
    fn the_text_ends_with_one_newline_and_its_keys_are_sorted() {
        let text = canonical(&serde_json::json!({ "b": { "d": 1, "c": 2 }, "a": [] }));
        let expected = "{\n  \"a\": [],\n  \"b\": {\n    \"c\": 2,\n    \"d\": 1\n  }\n}\n";
        assert_eq!(String::from_utf8(text).unwrap(), expected);
    }

    #[test]
    fn messages_say_what_is_wrong_with_a_document() {
        fn of<T>(parsed: Result<T, DocumentError>) -> String {
            parsed.err().map_or_else(|| "it was accepted".to_owned(), |error| error.to_string())
        }
        let messages = [
            of(Manifest::parse(b"")),
            of(Manifest::parse(b"{}")),
            of(Manifest::parse(br#"{"schema": 1}"#)),
            of(Manifest::parse(br#"{"schema": 2}"#)),
            of(BuildRecord::parse(br#"{"schema": 2}"#)),
            of(ExampleReport::parse(br#"{"schema": 1, "package": "X"}"#)),
        ];
        insta::assert_snapshot!(messages.join("\n"), @r#"
        it is not a manifest: EOF while parsing a value at line 1 column 0
        it is not a manifest: missing field `schema` at line 1 column 2
        it is not a manifest: missing field `package` at line 1 column 13
        its schema is 2, and this version of vaccel-ci understands 1; use a newer one
        its schema is 2, and this version of vaccel-ci understands 1; use a newer one
        it is not a report of examples: "X" is not a package name: two or more of a-z, 0-9, '+', '-' and '.', beginning with a letter or digit at line 1 column 29
        "#);
    }
}
