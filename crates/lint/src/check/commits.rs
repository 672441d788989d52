// SPDX-License-Identifier: Apache-2.0
//! Commit messages after Conventional Commits 1.0.0.

use super::{Commit, finding};
use crate::finding::{Finding, Severity};
use serde::Deserialize;
use toolkit::{Failure, Result, ResultExt};

const NAME: &str = "commits";
const SPECIFICATION: &str = "https://www.conventionalcommits.org/en/v1.0.0/#specification";

/// The table `[lint.check.commits]`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Settings {
    /// The types that a subject may begin with.
    pub types: Vec<String>,
    /// The scopes that it may name; empty allows any.
    pub scopes: Vec<String>,
    /// Whether a scope must be there.
    pub scope_required: bool,
    /// Characters that the first line may have.
    pub header_length: usize,
    /// Whether each message needs a `Signed-off-by:` line.
    pub sign_off: bool,
}

impl Default for Settings {
    fn default() -> Self {
        let types = ["build", "chore", "ci", "docs", "feat", "fix", "perf", "refactor", "revert", "style", "test"];
        Self {
            types: types.map(str::to_owned).to_vec(),
            scopes: Vec::new(),
            scope_required: false,
            header_length: 72,
            sign_off: false,
        }
    }
}

/// Checks the messages of commits.
pub fn check(commits: &[Commit], settings: &Settings) -> Result<Vec<Finding>> {
    let sign_off = regex_lite::Regex::new(r"(?m)^Signed-off-by: \S.* <[^<>\s]+@[^<>\s]+>\s*$").context("sign-off")?;
    if settings.types.is_empty() {
        return Err(Failure::input("`types` of [lint.check.commits] is empty").help("leave it out for the usual ones"));
    }
    Ok(commits.iter().flat_map(|commit| message(commit, settings, &sign_off)).collect())
}

/// What is wrong with one message.
fn message(commit: &Commit, settings: &Settings, sign_off: &regex_lite::Regex) -> Vec<Finding> {
    let text = commit.message.trim_end();
    let header = text.lines().next().unwrap_or_default();
    let short = commit.hash.get(..12).unwrap_or(&commit.hash);
    let mut findings = Vec::new();
    let mut found = |severity, rule: &str, what: String| {
        let subject: String = header.chars().take(100).collect();
        let mut finding = finding(NAME, severity, None, rule, format!("commit {short} {subject:?}: {what}"));
        finding.rule_url = Some(SPECIFICATION.to_owned());
        findings.push(finding);
    };
    if let Some(prefix) = ["fixup!", "squash!", "amend!"].into_iter().find(|prefix| header.starts_with(prefix)) {
        let what = format!("`{prefix}` commits are meant to be folded away before a merge: git rebase --autosquash");
        found(Severity::Warning, "fixup", what);
        return findings;
    }
    // Git writes these itself, or the forge's button does.
    if commit.parents > 1 || header.starts_with("Merge ") {
        return findings;
    }
    let length = header.chars().count();
    let is_revert = header.starts_with("Revert \"") || header.starts_with("Reapply \"");
    if !is_revert {
        form(header, settings, &mut found);
        if length > settings.header_length {
            let most = settings.header_length;
            let what =
                format!("the first line has {length} characters; lists show {most}, the rest belongs in the body");
            found(Severity::Error, "header-length", what);
        }
    }
    if text.lines().nth(1).is_some_and(|second| !second.trim().is_empty()) {
        found(Severity::Error, "body-blank-line", "a blank line is missing between the first line and the body".into());
    }
    if settings.sign_off && !sign_off.is_match(text) {
        found(Severity::Error, "sign-off", "`Signed-off-by: Name <mail>` is missing: git commit --signoff".into());
    }
    findings
}

/// What is wrong with the form of a first line.
fn form(header: &str, settings: &Settings, found: &mut dyn FnMut(Severity, &str, String)) {
    match parse(header) {
        Err(Fault { rule, what }) => found(Severity::Error, rule, what),
        Ok(parsed) => {
            if !settings.types.iter().any(|known| known == parsed.kind) {
                let known = settings.types.join(", ");
                found(Severity::Error, "type", format!("the type `{}` is none of: {known}", parsed.kind));
            }
            match parsed.scope {
                None if settings.scope_required => {
                    found(Severity::Error, "scope", format!("a scope is missing: `{}(scope): …`", parsed.kind));
                }
                Some(scope) if !settings.scopes.is_empty() && !settings.scopes.iter().any(|known| known == scope) => {
                    let known = settings.scopes.join(", ");
                    found(Severity::Error, "scope", format!("the scope `{scope}` is none of: {known}"));
                }
                _ => {}
            }
            if parsed.subject.ends_with('.') && !parsed.subject.ends_with("...") {
                found(Severity::Warning, "subject-stop", "the first line ends in a full stop; leave it out".to_owned());
            }
        }
    }
}

#[derive(Debug, PartialEq, Eq)]
struct Header<'a> {
    kind: &'a str,
    scope: Option<&'a str>,
    subject: &'a str,
}

/// Why a header has not the form, and the rule that says so.
#[derive(Debug, PartialEq, Eq)]
struct Fault {
    rule: &'static str,
    what: String,
}

/// Takes `type(scope)!: subject` apart.
fn parse(header: &str) -> Result<Header<'_>, Fault> {
    let fault = |rule, what: &str| Fault { rule, what: what.to_owned() };
    if header.trim().is_empty() {
        return Err(fault("header", "the first line is empty"));
    }
    let end = header.find(|c: char| !c.is_alphanumeric() && c != '-').unwrap_or(header.len());
    let (kind, rest) = header.split_at(end);
    let form = "the first line is not `type(scope): subject`, as in `fix(build): find the library`";
    if kind.is_empty() {
        return Err(fault("header", form));
    }
    let (scope, rest) = match rest.strip_prefix('(') {
        None => (None, rest),
        Some(inner) => match inner.split_once(')') {
            None => return Err(fault("header", form)),
            Some((scope, _)) if scope.is_empty() || scope.trim() != scope => {
                return Err(fault("scope", "the scope in parentheses is empty or has spaces around it"));
            }
            Some((scope, rest)) => (Some(scope), rest),
        },
    };
    let Some(subject) = rest.strip_prefix('!').unwrap_or(rest).strip_prefix(':') else {
        return Err(fault("header", form));
    };
    let Some(subject) = subject.strip_prefix(' ') else {
        let what =
            if subject.trim().is_empty() { "nothing follows the colon" } else { "a space must follow the colon" };
        return Err(fault("subject", what));
    };
    if subject.trim().is_empty() {
        return Err(fault("subject", "nothing follows the colon"));
    }
    if subject.starts_with(char::is_whitespace) {
        return Err(fault("subject", "more than one space follows the colon"));
    }
    Ok(Header { kind, scope, subject: subject.trim_end() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn rules(message: &str, parents: usize, settings: &Settings) -> Vec<String> {
        let commit = Commit { hash: "0123456789abcdef".to_owned(), message: message.to_owned(), parents };
        check(&[commit], settings).unwrap().into_iter().filter_map(|finding| finding.rule).collect()
    }

    #[test]
    fn rules_of_messages() {
        let long = format!("fix: {}", "x".repeat(68));
        let just = format!("fix: {}", "ü".repeat(67));
        let usual: [(&str, &str, usize, &[&str]); 27] = [
            ("plain", "fix: find the library", 1, &[]),
            ("scope", "feat(build): add meson", 1, &[]),
            ("breaking", "feat(api)!: drop v1\n\nBREAKING CHANGE: it is gone", 1, &[]),
            ("breaking without scope", "feat!: drop v1", 1, &[]),
            ("body", "fix: a\n\nbody\nbody\n", 1, &[]),
            ("exactly at the limit", &just, 1, &[]),
            ("too long", &long, 1, &["header-length"]),
            ("no type", "Update README", 1, &["header"]),
            ("unknown type", "feature: add", 1, &["type"]),
            ("type in capitals", "Fix: add", 1, &["type"]),
            ("open scope", "fix(build: add", 1, &["header"]),
            ("empty scope", "fix(): add", 1, &["scope"]),
            ("blank in scope", "fix( a): add", 1, &["scope"]),
            ("no space", "fix:add", 1, &["subject"]),
            ("two spaces", "fix:  add", 1, &["subject"]),
            ("no subject", "fix:", 1, &["subject"]),
            ("no subject but a space", "fix: \n", 1, &["subject"]),
            ("space before the colon", "fix : add", 1, &["header"]),
            ("full stop", "fix: add it.", 1, &["subject-stop"]),
            ("dots", "fix: add it...", 1, &[]),
            ("body at once", "fix: add\nbody", 1, &["body-blank-line"]),
            ("empty", "", 1, &["header"]),
            ("merge", "whatever this says.", 2, &[]),
            ("merge, rebased flat", "Merge branch 'a' into b", 1, &[]),
            ("revert by git", "Revert \"fix: add\"\n\nThis reverts commit 0123.", 1, &[]),
            ("revert by hand", "revert: fix: add", 1, &[]),
            ("fixup", "fixup! fix: add", 1, &["fixup"]),
        ];
        for (name, message, parents, expected) in usual {
            assert_eq!(rules(message, parents, &Settings::default()), expected, "{name}");
        }
    }

    #[test]
    fn rules_that_are_configured() {
        let settings: Settings = toml::from_str(
            "types = ['add']\nscopes = ['build']\nscope-required = true\nheader-length = 20\nsign-off = true",
        )
        .unwrap();
        let signed = "\n\nSigned-off-by: Ada Example <ada@example.org>";
        let cases: [(&str, String, &[&str]); 5] = [
            ("right", format!("add(build): a{signed}"), &[]),
            ("other scope", format!("add(lint): a{signed}"), &["scope"]),
            ("no scope", format!("add: a{signed}"), &["scope"]),
            ("no mail", "add(build): a\n\nSigned-off-by: Ada".to_owned(), &["sign-off"]),
            (
                "all wrong",
                "fix: 0123456789012345.\nbody".to_owned(),
                &["type", "scope", "subject-stop", "header-length", "body-blank-line", "sign-off"],
            ),
        ];
        for (name, message, expected) in cases {
            assert_eq!(rules(&message, 1, &settings), expected, "{name}");
        }
        let settings = Settings { types: Vec::new(), ..Settings::default() };
        assert!(check(&[], &settings).unwrap_err().to_string().contains("`types` of [lint.check.commits] is empty"));
    }

    #[test]
    fn messages_name_the_commit_and_the_way_out() {
        let settings = Settings { sign_off: true, ..Settings::default() };
        let commit = Commit { hash: "0123456789abcdef".into(), message: "feature: add \"x\".\nb".into(), parents: 1 };
        let findings = check(&[commit], &settings).unwrap();
        let text: Vec<_> = findings.into_iter().map(|finding| finding.message).collect();
        insta::assert_snapshot!(text.join("\n"));
    }

    proptest! {
        #[test]
        fn no_message_makes_it_panic(message in "(?s).{0,60}", head in "[a-z(): !.]{0,12}", hash in ".{0,20}") {
            let settings = Settings { sign_off: true, scope_required: true, ..Settings::default() };
            let commit = Commit { hash, message: format!("{head}{message}"), parents: 1 };
            prop_assert!(check(&[commit], &settings).unwrap().len() <= 7);
        }

        #[test]
        fn a_header_in_the_form_is_taken_apart(
            kind in "[a-z]{1,8}", scope in "[a-z][a-z0-9/.-]{0,8}", subject in "[a-z][a-z ]{0,20}[a-z]",
        ) {
            let header = format!("{kind}({scope}): {subject}");
            prop_assert_eq!(parse(&header), Ok(Header { kind: &kind, scope: Some(&scope), subject: &subject }));
        }
    }
}
