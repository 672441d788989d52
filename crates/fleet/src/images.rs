// SPDX-License-Identifier: Apache-2.0
//! Which image a tag's runners start from: the digest that was tested last, else the newest.

use artifact::runners::Fleet;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::Path;
use toolkit::{Failure, Result, ResultExt};

/// Digests by tag, as the workflow that builds images records them: `digests.json` beside the rendered files.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Images(BTreeMap<String, String>);

/// The name of the record in the folder of the rendered files.
pub const FILE: &str = "images/digests.json";

impl Images {
    /// Reads the record; there need not be one.
    pub fn read(path: &Path) -> Result<Self> {
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(error) => return Err(error).input(format!("failed to read {}", path.display())),
        };
        let images: Self = serde_json::from_str(&text)
            .input(format!("{} is not a valid record of image digests", path.display()))
            .help("it maps tags to digests: { \"base\": \"sha256:…\" }")?;
        let is_digest = |digest: &String| {
            digest
                .strip_prefix("sha256:")
                .is_some_and(|hex| hex.len() == 64 && hex.bytes().all(|b| b.is_ascii_hexdigit()))
        };
        match images.0.iter().find(|(_, digest)| !is_digest(digest)) {
            Some((tag, digest)) => {
                Err(Failure::input(format!("{}: {digest:?} of {tag} is not a valid digest", path.display()))
                    .help("write sha256: and 64 hexadecimal digits"))
            }
            None => Ok(images),
        }
    }

    /// The reference of a tag's image.
    pub fn reference(&self, fleet: &Fleet, tag: &str) -> String {
        let registry = fleet.image_registry.trim_end_matches('/');
        match self.0.get(tag) {
            Some(digest) => format!("{registry}/{tag}@{digest}"),
            None => format!("{registry}/{tag}:{}", fleet.runner),
        }
    }

    /// Content that is named by its digest is pulled once.
    pub fn pull_policy(&self, tag: &str) -> &'static str {
        if self.0.contains_key(tag) { "IfNotPresent" } else { "Always" }
    }
}
