// SPDX-License-Identifier: Apache-2.0
//! Reading settings.

use crate::{Failure, Result, ResultExt};
use serde::de::DeserializeOwned;
use std::io;
use std::path::Path;

/// Reads a TOML file of settings; there need not be one. An error names file and line.
pub fn read_toml<T: DeserializeOwned + Default>(path: &Path) -> Result<T> {
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(T::default()),
        Err(error) => return Err(error).input(format!("could not read {}", path.display())),
    };
    toml::from_str(&text).map_err(|error| {
        let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
        let line = before.matches('\n').count() + 1;
        Failure::input(format!("{}:{line}: {}", path.display(), error.message()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[derive(Debug, Default, PartialEq, Deserialize)]
    struct Settings {
        #[serde(default)]
        greet: Option<Section>,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Section {
        who: String,
    }

    /// Whom to greet, or what is wrong.
    type Expected = Result<Option<&'static str>, &'static str>;

    #[test]
    fn what_is_wrong_has_a_place() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("settings.toml");
        assert_eq!(read_toml::<Settings>(&file).unwrap(), Settings { greet: None });
        let cases: [(&[u8], Expected); 6] = [
            (b"", Ok(None)),
            (b"[other]\nx = 1\n", Ok(None)),
            (b"[greet]\nwho = 'you'\n", Ok(Some("you"))),
            (b"[greet]\nwhom = 'you'\n", Err(":2: unknown field `whom`")),
            (b"[greet\n", Err(":1: ")),
            (b"\xff", Err("could not read")),
        ];
        for (text, expected) in cases {
            std::fs::write(&file, text).unwrap();
            match (read_toml::<Settings>(&file), expected) {
                (Ok(settings), Ok(who)) => assert_eq!(settings.greet.map(|greet| greet.who).as_deref(), who),
                (Err(failure), Err(message)) => {
                    assert!(failure.to_string().contains(message), "{failure}");
                    assert_eq!(failure.status().code(), 2);
                }
                (found, _) => panic!("{:?}: {found:?}", String::from_utf8_lossy(text)),
            }
        }
    }
}
