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
    check_toml(&text).map_err(|error| Failure::input(format!("{}:{}: {error}", path.display(), error.line)))?;
    toml::from_str(&text).map_err(|error| {
        let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
        let line = before.matches('\n').count() + 1;
        Failure::input(format!("{}:{line}: {}", path.display(), error.message()))
    })
}

/// How many parts a dotted key may have, and how deep brackets may nest. Tables within tables are parsed, read and dropped
/// one within the other.
const PARTS: usize = 16;
const BRACKETS: usize = 64;

/// Tables within tables, as no person writes them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("tables are nested too deep: a key may have {PARTS} parts, and brackets {BRACKETS} levels")]
pub struct TooDeep {
    /// The line, from 1.
    pub line: usize,
}

/// Refuses what would exhaust the stack, before a text is parsed as TOML: the parser's own limit does not hold for inline
/// tables, nor for dotted keys.
pub fn check_toml(text: &str) -> std::result::Result<(), TooDeep> {
    let (mut line, mut parts, mut depth, mut rest) = (1, 1, 0_usize, text);
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '"' | '\'' => string(rest),
            '#' => rest.find('\n').unwrap_or(rest.len()),
            _ => first.len_utf8(),
        };
        let (token, following) = rest.split_at(length);
        match token {
            "." => parts += 1,
            "[" | "{" => (parts, depth) = (1, depth + 1),
            "]" | "}" => (parts, depth) = (1, depth.saturating_sub(1)),
            "=" | "," | "\n" => parts = 1,
            _ => {}
        }
        if parts > PARTS || depth > BRACKETS {
            return Err(TooDeep { line });
        }
        line += token.matches('\n').count();
        rest = following;
    }
    Ok(())
}

/// The length of the string that a text begins with; one that does not end, ends with its line.
fn string(text: &str) -> usize {
    let is_basic = text.starts_with('"');
    let quote = if is_basic { "\"" } else { "'" };
    let long = quote.repeat(3);
    let is_long = text.starts_with(&long);
    let mut at = if is_long { 3 } else { 1 };
    while let Some(after) = text.get(at..).filter(|after| !after.is_empty()) {
        if is_long && after.starts_with(&long) {
            // Two of its quotes may belong to the string itself.
            return at + after.chars().take(5).take_while(|character| quote.contains(*character)).count();
        }
        if !is_long && after.starts_with(quote) {
            return at + 1;
        }
        if !is_long && after.starts_with('\n') {
            return at;
        }
        let mut characters = after.chars();
        at += characters.next().map_or(0, char::len_utf8);
        if is_basic && after.starts_with('\\') && !characters.as_str().starts_with('\n') {
            at += characters.next().map_or(0, char::len_utf8);
        }
    }
    text.len()
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

    #[test]
    fn keys_that_nobody_writes_are_refused_and_nothing_else() {
        let deep = |count: usize| format!("{}a", "a.".repeat(count));
        let refused = [
            format!("{} = 1", deep(16)),
            format!("x = 1\n[{}]", deep(100_000)),
            format!("x = {{ b = 1, {} = 1 }}", deep(20)),
            format!("x = \"a\\\"\"\n{}c = 1", "'a b' . ".repeat(20)),
            format!("x = {}", "{".repeat(8192)),
            format!("x = {}", "[\n".repeat(65)),
            format!("x = '''a''''{}", "{".repeat(100)),
        ];
        for text in refused {
            assert!(check_toml(&text).is_err(), "{text:.60}");
        }
        let dots = ".".repeat(100);
        let accepted = [
            format!("{} = 1.5", deep(15)),
            format!("a = \"{dots}\" # {dots}"),
            format!("a = '{dots}'"),
            format!("a = \"\"\"\n{dots}\n\"{dots}\"\"\"\nb = '''{dots}'''"),
            format!("a = [{}]", "1.5, ".repeat(100)),
            "a = 1.5\n".repeat(100),
            "[[a]]\nb = { c = [[1], [2]] }\n".repeat(100),
        ];
        for text in accepted {
            assert_eq!(check_toml(&text), Ok(()), "{text:.60}");
        }
        assert_eq!(check_toml(&format!("a = 1\n\n{} = 1", deep(20))).unwrap_err().line, 3);
    }
}
