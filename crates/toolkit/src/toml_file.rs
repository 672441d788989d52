// SPDX-License-Identifier: Apache-2.0
//! Reading settings.

use crate::{Failure, Result, ResultExt};
use serde::de::DeserializeOwned;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// How large a file of settings may be, in bytes.
const SIZE: u64 = 4 * 1024 * 1024;

/// Reads a TOML file of settings; there need not be one. An error names file and line.
pub fn read_toml<T: DeserializeOwned + Default>(path: &Path) -> Result<T> {
    let text = match read_text(path, SIZE) {
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

/// Reads a text that somebody else wrote, of at most so many bytes.
pub fn read_text(path: &Path, limit: u64) -> io::Result<String> {
    let mut text = String::new();
    // The size of a file need not be what it says, of a device or while it is written.
    let size = File::open(path)?.take(limit.saturating_add(1)).read_to_string(&mut text)?;
    if size as u64 > limit {
        let limit = crate::human::bytes(limit);
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, format!("it is larger than {limit}")));
    }
    Ok(text)
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

    #[test]
    fn what_has_no_end_is_not_read_to_its_end() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("x.toml");
        std::fs::write(&file, "1234").unwrap();
        assert_eq!(read_text(&file, 4).unwrap(), "1234");
        assert_eq!(read_text(&file, 3).unwrap_err().to_string(), "it is larger than 3 B");
        assert!(read_text(Path::new("/dev/zero"), 1 << 20).is_err());
        let endless = read_toml::<std::collections::BTreeMap<String, i32>>(Path::new("/dev/zero")).unwrap_err();
        assert_eq!((endless.status().code(), endless.messages().len()), (2, 2));
    }
}
