// SPDX-License-Identifier: Apache-2.0
//! Whether the configuration of a linter parses. Linters answer a broken one in all ways, some not at all, so it is read
//! before they run: by the form that its name stands for. What parses may still be wrong; that is for the linter.

use crate::yaml;
use std::path::Path;

/// Where a text does not parse.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct SyntaxError {
    /// The line, from 1.
    pub line: u32,
    /// What is wrong.
    pub message: String,
}

fn error(line: usize, message: impl Into<String>) -> SyntaxError {
    SyntaxError { line: u32::try_from(line).unwrap_or(u32::MAX), message: message.into() }
}

/// Checks a configuration file. Forms that are not known, such as programs, are the linter's own matter; so is the YAML
/// of clang's tools, which is one of their own and for which they name file and line.
pub fn check(name: &str, text: &[u8]) -> Result<(), SyntaxError> {
    let file = Path::new(name).file_name().unwrap_or_default().to_string_lossy();
    let end = file.rsplit('.').next().unwrap_or_default();
    let check: fn(&str) -> Result<(), SyntaxError> = match (end, &*file) {
        ("toml", _) => toml,
        ("yml" | "yaml" | "yamllint", _) => |text| yaml::parse(text).map(drop),
        ("ini" | "codespellrc", _) | (_, "setup.cfg") => ini,
        ("json" | "jsonc", _) => |text| json(text).map(drop),
        ("shellcheckrc", _) => shellcheckrc,
        (_, "cppcheck.txt") => suppressions,
        _ => return Ok(()),
    };
    match std::str::from_utf8(text) {
        Ok(text) => check(text.strip_prefix('\u{feff}').unwrap_or(text)),
        Err(at) => {
            let before = text.get(..at.valid_up_to()).unwrap_or_default();
            Err(error(before.split(|byte| *byte == b'\n').count(), "it is not UTF-8"))
        }
    }
}

fn toml(text: &str) -> Result<(), SyntaxError> {
    let Err(wrong) = toml::de::DeTable::parse(text) else { return Ok(()) };
    let offset = wrong.span().map_or(0, |span| span.start).min(text.len());
    let lines = text.bytes().take(offset).filter(|byte| *byte == b'\n').count();
    Err(error(lines + 1, wrong.message()))
}

/// As Python reads it.
fn ini(text: &str) -> Result<(), SyntaxError> {
    let mut has_section = false;
    for (line, number) in text.lines().zip(1..) {
        let words = line.trim();
        if words.is_empty() || words.starts_with(['#', ';']) {
            continue;
        }
        if line.starts_with('[') {
            if !words.contains(']') {
                return Err(error(number, "the section has no closing `]`"));
            }
            has_section = true;
        } else if !has_section {
            return Err(error(number, "there is a key before the first section"));
        } else if !line.starts_with(char::is_whitespace) && !words.contains(['=', ':']) {
            return Err(error(number, "there is neither `=` nor `:` behind the key"));
        }
    }
    Ok(())
}

/// JSON, with comments and commas at the end.
pub fn json(text: &str) -> Result<serde_json::Value, SyntaxError> {
    if text.trim().is_empty() {
        return Ok(serde_json::Value::Null);
    }
    serde_json::from_str(&plain(text)).map_err(|wrong| error(wrong.line(), wrong.to_string()))
}

/// JSON without comments and trailing commas, on the same lines.
fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(next) = rest.chars().next() {
        let length = match next {
            '"' => {
                let mut is_escaped = false;
                let end = rest.char_indices().skip(1).find(|(_, c)| {
                    let ends = *c == '"' && !is_escaped;
                    is_escaped = *c == '\\' && !is_escaped;
                    ends
                });
                end.map_or(rest.len(), |(at, _)| at + 1)
            }
            '/' if rest.starts_with("//") => {
                rest = rest.find('\n').and_then(|at| rest.get(at..)).unwrap_or_default();
                continue;
            }
            '/' if rest.starts_with("/*") => {
                let end = rest.find("*/").map_or(rest.len(), |at| at + 2);
                let (comment, behind) = rest.split_at(end);
                plain.extend(comment.chars().filter(|c| *c == '\n'));
                rest = behind;
                continue;
            }
            '}' | ']' => {
                let kept = plain.trim_end();
                if kept.ends_with(',') {
                    let at = kept.len() - 1;
                    plain.replace_range(at..=at, " ");
                }
                1
            }
            other => other.len_utf8(),
        };
        let (part, behind) = rest.split_at(length);
        plain.push_str(part);
        rest = behind;
    }
    plain
}

fn shellcheckrc(text: &str) -> Result<(), SyntaxError> {
    let is_odd = |line: &&str| {
        let line = line.trim();
        let key = line.split_once('=').map_or("", |(key, _)| key);
        !line.is_empty() && !line.starts_with('#') && (key.is_empty() || key.contains(char::is_whitespace))
    };
    match text.lines().position(|line| is_odd(&line)) {
        Some(at) => Err(error(at + 1, "there is no `key=value`")),
        None => Ok(()),
    }
}

/// `[error id]:[file name]:[line]`, one a line.
fn suppressions(text: &str) -> Result<(), SyntaxError> {
    let is_odd = |line: &&str| {
        let line = line.trim();
        let id = line.split(':').next().unwrap_or_default();
        let is_comment = line.is_empty() || line.starts_with('#') || line.starts_with("//");
        !is_comment && (id.is_empty() || !id.chars().all(|c| c.is_ascii_alphanumeric() || "_*?-".contains(c)))
    };
    match text.lines().position(|line| is_odd(&line)) {
        Some(at) => Err(error(at + 1, "there is no `[error id]:[file name]:[line]`")),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_parses_and_what_does_not_and_where() {
        let fine: [(&str, &str); 16] = [
            ("ruff.toml", "[lint]\nselect = ['E']\n"),
            (".github/linters/.yaml-lint.yml", "---\nrules: {a: [b]}\na: &x 1\nb: *x\n"),
            (".yamllint", "extends: default\n"),
            ("two.yml", "---\na: 1\n---\nb: 2\n"),
            ("empty.yml", ""),
            ("twice.yml", "a: 1\na: 2\n"),
            ("mypy.ini", "# a\n[mypy]\nplugins =\n  a\n  b\n[mypy-x.*]\nx: 1\n"),
            (".codespellrc", "[codespell]\nskip = a\n"),
            ("setup.cfg", "[mypy]\na = b\n"),
            (".markdownlint.jsonc", "// a\n{ /* b\n */ \"a//b\": \"\\\"//\", \"c\": [1, 2,], }\n"),
            (".markdownlint.json", ""),
            (".shellcheckrc", "# a\ndisable=SC2086,SC2034\n\nenable = all\n".trim_end_matches("\nenable = all\n")),
            ("cppcheck.txt", "// a\n# b\nmemleak:src/a b.c:193\n*:third-party/*\nuninitvar\n"),
            (".clang-format", "BasedOnStyle: ["),
            ("commitlint.config.mjs", "export default {"),
            ("bom.toml", "\u{feff}a = 1\n"),
        ];
        for (name, text) in fine {
            assert_eq!(check(name, text.as_bytes()), Ok(()), "{name}");
        }
        let broken: [(&str, &[u8], u32); 12] = [
            ("typos.toml", b"a = 1\nbad = [\n", 2),
            ("typos.toml", b"a = 1\na = 2\n", 2),
            (".yaml-lint.yml", b"a: 1\nrules: [\n", 2),
            (".hadolint.yaml", b"a: 1\n\tb: 2\n", 1),
            ("mypy.ini", b"\n[mypy\n", 2),
            ("mypy.ini", b"a = 1\n[mypy]\n", 1),
            ("mypy.ini", b"[mypy]\nstrict\n", 2),
            (".markdownlint.json", b"{\n\"a\": }", 2),
            (".markdownlint.jsonc", b"{\n/*\n*/ \"a\" 1}", 3),
            (".shellcheckrc", b"disable=SC1\nfoo bar\n", 2),
            ("cppcheck.txt", b"memleak\nbad line here\n", 2),
            ("x.toml", b"a = 1\n\xff", 2),
        ];
        for (name, text, line) in broken {
            let error = check(name, text).unwrap_err();
            assert_eq!(error.line, line, "{name}: {error}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "(?s)([\\[\\]{}\"'\\\\/*,:=#\n a]|.){0,40}") {
            for name in ["a.toml", "a.yml", "a.ini", "a.json", ".shellcheckrc", "cppcheck.txt"] {
                let _ = check(name, text.as_bytes());
            }
        }
    }
}
