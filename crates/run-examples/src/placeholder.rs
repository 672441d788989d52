// SPDX-License-Identifier: Apache-2.0
//! `{bin}` and its like in commands and variables of the manifest.

use std::borrow::Cow;
use std::path::PathBuf;

/// What the names in braces stand for.
#[derive(Clone, Debug)]
pub struct Places {
    /// Programs of the install tree.
    pub bin: PathBuf,
    /// Its libraries.
    pub lib: PathBuf,
    /// Its data.
    pub share: PathBuf,
    /// The source tree.
    pub source: PathBuf,
    /// The example's own folder.
    pub tmp: PathBuf,
    /// The plugin that it runs with.
    pub plugin: Option<String>,
}

const NAMES: [&str; 5] = ["bin", "lib", "share", "source", "tmp"];

/// Refuses names that stand for nothing.
pub fn check(text: &str, plugin: bool) -> Result<(), String> {
    replace(text, |name| {
        (NAMES.contains(&name) || (name == "plugin" && plugin)).then_some(Cow::Borrowed(""))
    })
    .map(|_| ())
    .map_err(|name| match name.as_str() {
        "plugin" => "{plugin} stands for nothing, because no plugins are listed".to_owned(),
        _ => format!(
            "{{{name}}} stands for nothing; there are {{bin}}, {{lib}}, {{share}}, {{source}}, {{tmp}} and {{plugin}}, and a brace is written twice"
        ),
    })
}

impl Places {
    /// The text with its names replaced.
    pub fn fill(&self, text: &str) -> String {
        replace(text, |name| self.get(name)).unwrap_or_else(|_| text.to_owned())
    }

    /// The same for a text that a shell reads: what is put in stays one word.
    pub fn fill_quoted(&self, text: &str) -> String {
        replace(text, |name| self.get(name).map(|value| Cow::Owned(quoted(&value)))).unwrap_or_else(|_| text.to_owned())
    }

    fn get(&self, name: &str) -> Option<Cow<'_, str>> {
        Some(match name {
            "bin" => self.bin.to_string_lossy(),
            "lib" => self.lib.to_string_lossy(),
            "share" => self.share.to_string_lossy(),
            "source" => self.source.to_string_lossy(),
            "tmp" => self.tmp.to_string_lossy(),
            "plugin" => Cow::Borrowed(self.plugin.as_deref()?),
            _ => return None,
        })
    }
}

fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._+-".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

/// Replaces `{name}`; `{{` and `}}` are braces. The error is the name that stands for nothing.
fn replace<'a>(text: &str, value: impl Fn(&str) -> Option<Cow<'a, str>>) -> Result<String, String> {
    let mut filled = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(['{', '}']) {
        filled.push_str(&rest[..at]);
        let brace = &rest[at..=at];
        let after = &rest[at + 1..];
        if let Some(after) = after.strip_prefix(brace) {
            filled.push_str(brace);
            rest = after;
        } else if brace == "}" {
            filled.push('}');
            rest = after;
        } else if let Some((name, after)) = after.split_once('}').filter(|_| !rest[..at].ends_with('$')) {
            filled.push_str(&value(name).ok_or_else(|| name.to_owned())?);
            rest = after;
        } else {
            // `${HOME}` is the shell's.
            filled.push('{');
            rest = after;
        }
    }
    filled.push_str(rest);
    Ok(filled)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places() -> Places {
        Places {
            bin: "/tree/bin".into(),
            lib: "/tree/lib".into(),
            share: "/tree/share".into(),
            source: "/a b".into(),
            tmp: "/t".into(),
            plugin: Some("torch".into()),
        }
    }

    #[test]
    fn names_are_replaced() {
        let cases = [
            ("{bin}/x {lib} {share}", "/tree/bin/x /tree/lib /tree/share"),
            ("{{bin}} ${HOME} {plugin}}", "{bin} ${HOME} torch}"),
            ("{source}/y", "/a b/y"),
            ("", ""),
            ("{", "{"),
        ];
        for (text, filled) in cases {
            assert_eq!(places().fill(text), filled, "{text}");
        }
        assert_eq!(places().fill_quoted("cd {source} && ls {tmp}"), "cd '/a b' && ls /t");
        assert_eq!(quoted("it's"), r"'it'\''s'");
    }

    #[test]
    fn unknown_names_are_refused() {
        insta::assert_snapshot!(check("{bim}", true).unwrap_err(), @"{bim} stands for nothing; there are {bin}, {lib}, {share}, {source}, {tmp} and {plugin}, and a brace is written twice");
        insta::assert_snapshot!(check("{plugin}", false).unwrap_err(), @"{plugin} stands for nothing, because no plugins are listed");
        assert_eq!(check("{plugin} {tmp} ${x}", true), Ok(()));
    }
}
