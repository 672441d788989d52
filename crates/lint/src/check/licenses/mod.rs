// SPDX-License-Identifier: Apache-2.0
//! SPDX headers: each source file names the licence of its repository.

mod comment;
mod repository;

use self::comment::{Comment, Comments};
pub use self::repository::is_expression;

use self::repository::{License, normal};
use super::{Context, finding, line, read, read_text};
use crate::finding::{Finding, Severity};
use crate::globs::Globs;
use crate::patch::{self, Hunk};
use regex_lite::Regex;
use serde::Deserialize;
use std::path::Path;
use toolkit::{Failure, Result, ResultExt};

const NAME: &str = "licenses";
const EXPLAINED: &str = "https://spdx.dev/learn/handling-license-info/";

/// How much of a file may stand above its header.
const HEAD: usize = 4096;

/// The table `[lint.check.licenses]`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Settings {
    /// The repository's licence, an SPDX expression; otherwise what its packages or its licence file say.
    pub license: Option<String>,
    /// Further SPDX expressions that files may name, such as those of files from elsewhere.
    pub also: Vec<String>,
    /// Globs of files that need no header.
    pub ignore: Option<Vec<String>>,
    /// Globs of the files that need one; absent, all.
    pub only: Option<Vec<String>>,
    /// Regular expressions of other headers that a file may have instead, such as the text of a licence. Blanks and the
    /// characters of comments make no difference.
    pub headers: Option<Vec<String>>,
}

impl Settings {
    /// Takes from others what is not set here.
    pub fn complete(&mut self, others: Self) {
        let Self { license, also, ignore, only, headers } = others;
        self.license = self.license.take().or(license);
        self.also.extend(also);
        self.ignore = self.ignore.take().or(ignore);
        self.only = self.only.take().or(only);
        self.headers = self.headers.take().or(headers);
    }
}

/// Checks the selected files.
pub fn run(context: &Context) -> Result<Vec<Finding>> {
    let settings = &context.settings.licenses;
    for (key, text) in
        settings.license.iter().map(|text| ("license", text)).chain(settings.also.iter().map(|t| ("also", t)))
    {
        if !is_expression(text) {
            return Err(Failure::input(format!("`{key}` of [lint.check.licenses]: {text:?} is no SPDX expression"))
                .help("write it as in `Apache-2.0` or `MIT OR Apache-2.0`; see https://spdx.org/licenses/"));
        }
    }
    let of_root = |path: &Path| read_text(&context.root, path).ok().flatten();
    let configured = settings
        .license
        .clone()
        .map(|expression| License { expressions: vec![expression], source: "the configuration".to_owned() });
    let Some(license) = configured.or_else(|| repository::find(&context.files, &of_root)) else {
        if context.selected.is_empty() {
            return Ok(Vec::new());
        }
        let message = "the licence of this repository is not known; name it in .github/vaccel-ci.toml: \
                       [lint.check.licenses] license = \"Apache-2.0\"";
        return Ok(vec![finding(NAME, Severity::Warning, None, "unknown-license", message)]);
    };
    let check = Check::new(&license, settings)?;
    let globs = |key: &str, globs: &Option<Vec<String>>| {
        let globs = Globs::new(globs.as_deref().unwrap_or_default());
        globs.map_err(|error| Failure::input(format!("`{key}` of [lint.check.licenses]: {error}")))
    };
    let (ignore, only) = (globs("ignore", &settings.ignore)?, globs("only", &settings.only)?);
    let is_wanted = |path: &Path| (settings.only.is_none() || only.matches(path)) && !ignore.matches(path);
    let mut findings = Vec::new();
    for path in context.selected.iter().filter(|path| is_wanted(path)) {
        if let Some(bytes) = read(&context.root, path)? {
            findings.extend(check.file(path, &bytes));
        }
    }
    Ok(findings)
}

/// What is looked for.
struct Check<'a> {
    license: &'a License,
    allowed: Vec<String>,
    comments: Comments,
    header: Regex,
    others: Vec<Regex>,
}

impl<'a> Check<'a> {
    fn new(license: &'a License, settings: &Settings) -> Result<Self> {
        let others = settings.headers.iter().flatten().map(|pattern| {
            Regex::new(&format!("(?i){}", plain(pattern))).map_err(|error| {
                let message = format!("`headers` of [lint.check.licenses]: {pattern:?} is not a valid expression");
                Failure::input(message).because(error)
            })
        });
        let others = others.collect::<Result<_>>()?;
        let allowed = license.expressions.iter().chain(&settings.also).map(|text| normal(text)).collect();
        // Behind the start of a comment only: a program may speak of headers.
        let header = Regex::new(r"^\W{0,8}SPDX-License-Identifier:(.*)$").context("header")?;
        let comments = Comments::load().context("could not read how comments are written")?;
        Ok(Self { license, allowed, comments, header, others })
    }

    /// What is wrong with a file.
    fn file(&self, path: &Path, bytes: &[u8]) -> Option<Finding> {
        let text = &*String::from_utf8_lossy(bytes);
        let comment = self.comments.of(path, text)?;
        if text.trim().is_empty() || text.contains('\0') {
            return None;
        }
        let mut end = text.len().min(HEAD);
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        let head = text.get(..end).unwrap_or(text);
        let named = head
            .lines()
            .zip(1..)
            .find_map(|(text, number)| Some((self.header.captures(text)?.get(1)?.as_str(), number)));
        match named {
            Some((named, number)) => self.named(path, named, number),
            None if comment.is_optional(path) => None,
            None if !self.others.is_empty() && self.others.iter().any(|other| other.is_match(&plain(head))) => None,
            None => Some(self.missing(path, bytes, comment)),
        }
    }

    fn expected(&self) -> String {
        let names: Vec<_> = self.license.expressions.iter().map(|text| format!("`{text}`")).collect();
        names.join(" or ")
    }

    fn named(&self, path: &Path, named: &str, number: usize) -> Option<Finding> {
        let named = named.trim().trim_end_matches("*/").trim_end_matches("-->").trim();
        let expected = self.expected();
        let source = &self.license.source;
        let message = if !is_expression(named) {
            format!("{named:?} is no SPDX expression; the licence of this repository is {expected} ({source})")
        } else if self.allowed.contains(&normal(named)) {
            return None;
        } else {
            format!(
                "the header names `{named}`, but the licence of this repository is {expected} ({source}); \
                 a file from elsewhere: allow it with `also` of [lint.check.licenses]"
            )
        };
        let mut finding = finding(NAME, Severity::Error, Some(path), "wrong-license", message);
        finding.span = Some(line(number));
        finding.rule_url = Some(EXPLAINED.to_owned());
        Some(finding)
    }

    fn missing(&self, path: &Path, bytes: &[u8], comment: &Comment) -> Finding {
        let message = match self.license.expressions.as_slice() {
            [one] => format!("the header `{}` is missing", comment.line(&header(one))),
            _ => format!(
                "a header `SPDX-License-Identifier: …` is missing; say in [lint.check.licenses] which of {} is meant",
                self.expected()
            ),
        };
        let mut finding = finding(NAME, Severity::Warning, Some(path), "missing-header", message);
        finding.span = Some(line(1));
        finding.rule_url = Some(EXPLAINED.to_owned());
        // What is no UTF-8 would not be the same in a diff.
        if let ([one], Ok(text)) = (self.license.expressions.as_slice(), std::str::from_utf8(bytes)) {
            let mended = comment.insert(text, &header(one));
            let hunks: Vec<u8> = Hunk::between(bytes, mended.as_bytes(), 3).iter().flat_map(Hunk::to_bytes).collect();
            finding.fix = String::from_utf8(hunks).ok().map(|hunks| patch::of_file(path, &hunks));
        }
        finding
    }
}

/// A text in one line, without the characters that comments begin and end with.
fn plain(text: &str) -> String {
    let words = |line: &str| {
        let line = line.trim().trim_start_matches(['/', '*', '#', ';', '%', '"', '!', '<', '-']).trim();
        line.trim_end_matches(['*', '/']).split_whitespace().collect::<Vec<_>>().join(" ")
    };
    text.lines().map(words).filter(|line| !line.is_empty()).collect::<Vec<_>>().join(" ")
}

fn header(expression: &str) -> String {
    format!("SPDX-License-Identifier: {expression}")
}

#[cfg(test)]
mod tests;
