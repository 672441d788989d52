// SPDX-License-Identifier: Apache-2.0
//! Commit messages after Conventional Commits 1.0.0.

mod case;

pub use case::CaseRule;

use super::{Commit, finding};
use crate::finding::{Finding, Severity};
use regex_lite::Regex;
use serde::Deserialize;
use std::collections::BTreeMap;
use toolkit::{Failure, Result, ResultExt};

const NAME: &str = "commits";
/// Characters of a first line that lists show.
const HEADER_LENGTH: usize = 72;
const SPECIFICATION: &str = "https://www.conventionalcommits.org/en/v1.0.0/#specification";

/// The rules, by which findings name them and levels are set.
pub const RULES: &[&str] = &[
    "header",
    "type",
    "scope",
    "subject",
    "subject-case",
    "subject-stop",
    "header-length",
    "body-blank-line",
    "body-line-length",
    "sign-off",
    "trailer",
    "fixup",
];

/// The table `[lint.check.commits]`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Settings {
    /// The types that a subject may begin with; absent, the usual eleven.
    pub types: Option<Vec<String>>,
    /// The scopes that it may name; absent or empty, any.
    pub scopes: Option<Vec<String>>,
    /// Whether a scope must be there.
    pub scope_required: Option<bool>,
    /// How the subject is written.
    pub subject_case: Option<CaseRule>,
    /// Characters that the first line may have; absent, 72.
    pub header_length: Option<usize>,
    /// Characters that a line of the body may have; lines with a link and trailers may have more. Absent, any.
    pub body_line_length: Option<usize>,
    /// Whether each message needs a `Signed-off-by:` line.
    pub sign_off: Option<bool>,
    /// Trailers that each message needs.
    pub trailers: Option<Vec<String>>,
    /// How much a rule matters, by its name.
    pub levels: Option<BTreeMap<String, Level>>,
    /// Regular expressions of messages that are not checked.
    pub ignore: Option<Vec<String>>,
}

/// How much a rule matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Level {
    /// An error.
    Error,
    /// A warning.
    Warning,
    /// Nothing.
    Off,
}

impl Settings {
    /// Takes from others what is not set here; of levels, each.
    pub fn complete(&mut self, others: Self) {
        let Self {
            types,
            scopes,
            scope_required,
            subject_case,
            header_length,
            body_line_length,
            sign_off,
            trailers,
            levels,
            ignore,
        } = others;
        self.types = self.types.take().or(types);
        self.scopes = self.scopes.take().or(scopes);
        self.scope_required = self.scope_required.or(scope_required);
        self.subject_case = self.subject_case.take().or(subject_case);
        self.header_length = self.header_length.or(header_length);
        self.body_line_length = self.body_line_length.or(body_line_length);
        self.sign_off = self.sign_off.or(sign_off);
        self.trailers = self.trailers.take().or(trailers);
        self.ignore = self.ignore.take().or(ignore);
        let own = self.levels.take().unwrap_or_default();
        self.levels = Some(levels.unwrap_or_default().into_iter().chain(own).collect());
    }
}

/// Settings that can be used, and the expressions in them.
struct Rules<'a> {
    settings: &'a Settings,
    types: Vec<&'a str>,
    ignore: Vec<Regex>,
    sign_off: Regex,
}

impl<'a> Rules<'a> {
    fn new(settings: &'a Settings) -> Result<Self> {
        let usual = ["build", "chore", "ci", "docs", "feat", "fix", "perf", "refactor", "revert", "style", "test"];
        let types = settings.types.as_ref().map(|types| types.iter().map(String::as_str).collect());
        let types: Vec<&str> = types.unwrap_or_else(|| usual.to_vec());
        if types.is_empty() {
            let message = "`types` of [lint.check.commits] is empty";
            return Err(Failure::input(message).help("leave it out for the usual ones"));
        }
        if let Some(unknown) = settings.levels.iter().flatten().find(|(rule, _)| !RULES.contains(&rule.as_str())) {
            let message = format!("`levels` of [lint.check.commits]: {:?} is not a valid rule", unknown.0);
            return Err(Failure::input(message).help(format!("there are {}", RULES.join(", "))));
        }
        let ignore = settings.ignore.iter().flatten().map(|pattern| {
            Regex::new(pattern).map_err(|error| {
                let message = format!("`ignore` of [lint.check.commits]: {pattern:?} is not a valid expression");
                Failure::input(message).because(error)
            })
        });
        let sign_off = Regex::new(r"(?m)^Signed-off-by: \S.* <[^<>\s]+@[^<>\s]+>\s*$").context("sign-off")?;
        Ok(Self { settings, types, ignore: ignore.collect::<Result<_>>()?, sign_off })
    }

    /// The severity of a rule; `None` if it is off.
    fn severity(&self, rule: &str, usual: Severity) -> Option<Severity> {
        match self.settings.levels.as_ref().and_then(|levels| levels.get(rule)) {
            Some(Level::Error) => Some(Severity::Error),
            Some(Level::Warning) => Some(Severity::Warning),
            Some(Level::Off) => None,
            None => Some(usual),
        }
    }
}

/// Checks the messages of commits.
pub fn check(commits: &[Commit], settings: &Settings) -> Result<Vec<Finding>> {
    let rules = Rules::new(settings)?;
    Ok(commits.iter().flat_map(|commit| message(commit, &rules)).collect())
}

/// What is wrong with one message.
fn message(commit: &Commit, rules: &Rules) -> Vec<Finding> {
    let settings = rules.settings;
    let text = commit.message.trim_end();
    let header = text.lines().next().unwrap_or_default();
    let short = commit.hash.get(..12).unwrap_or(&commit.hash);
    let mut findings = Vec::new();
    if rules.ignore.iter().any(|ignore| ignore.is_match(text)) {
        return findings;
    }
    let mut found = |severity, rule: &str, what: String| {
        let Some(severity) = rules.severity(rule, severity) else { return };
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
        form(header, rules, &mut found);
        let most = settings.header_length.unwrap_or(HEADER_LENGTH);
        if length > most {
            let what =
                format!("the first line has {length} characters; lists show {most}, the rest belongs in the body");
            found(Severity::Error, "header-length", what);
        }
    }
    if text.lines().nth(1).is_some_and(|second| !second.trim().is_empty()) {
        found(Severity::Error, "body-blank-line", "a blank line is missing between the first line and the body".into());
    }
    if let Some(most) = settings.body_line_length
        && let Some(line) = text.lines().skip(1).find(|line| line.chars().count() > most && !may_be_long(line))
    {
        let begin: String = line.chars().take(40).collect();
        let what = format!("a line of the body has more than {most} characters: {begin:?} …");
        found(Severity::Error, "body-line-length", what);
    }
    if settings.sign_off.unwrap_or_default() && !rules.sign_off.is_match(text) {
        found(Severity::Error, "sign-off", "`Signed-off-by: Name <mail>` is missing: git commit --signoff".into());
    }
    for trailer in settings.trailers.iter().flatten() {
        let begin = format!("{trailer}:");
        if !text.lines().skip(1).any(|line| line.starts_with(&begin)) {
            found(Severity::Error, "trailer", format!("the trailer `{begin}` is missing"));
        }
    }
    findings
}

/// Links and trailers cannot be broken.
fn may_be_long(line: &str) -> bool {
    let token = line.split_once(": ").map_or("", |(token, _)| token);
    let is_trailer = token.contains('-') && token.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    is_trailer || line.contains("://")
}

/// What is wrong with the form of a first line.
fn form(header: &str, rules: &Rules, found: &mut dyn FnMut(Severity, &str, String)) {
    let settings = rules.settings;
    match parse(header) {
        Err(Fault { rule, what }) => found(Severity::Error, rule, what),
        Ok(parsed) => {
            if !rules.types.contains(&parsed.kind) {
                let known = rules.types.join(", ");
                found(Severity::Error, "type", format!("the type `{}` is none of: {known}", parsed.kind));
            }
            let scopes = settings.scopes.as_deref().unwrap_or_default();
            match parsed.scope {
                None if settings.scope_required.unwrap_or_default() => {
                    found(Severity::Error, "scope", format!("a scope is missing: `{}(scope): …`", parsed.kind));
                }
                Some(scope) if !scopes.is_empty() && !scopes.iter().any(|known| known == scope) => {
                    let known = scopes.join(", ");
                    found(Severity::Error, "scope", format!("the scope `{scope}` is none of: {known}"));
                }
                _ => {}
            }
            if let Some(what) = settings.subject_case.as_ref().and_then(|rule| rule.fault(parsed.subject)) {
                found(Severity::Error, "subject-case", what);
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
        let settings = Settings { types: Some(Vec::new()), ..Settings::default() };
        assert!(check(&[], &settings).unwrap_err().to_string().contains("`types` of [lint.check.commits] is empty"));
    }

    /// Name, message, rules and severities.
    type Case<'a> = (&'a str, String, &'a [(&'a str, Severity)]);

    #[test]
    fn levels_lengths_cases_trailers_and_exceptions_are_configured() {
        let settings: Settings = toml::from_str(
            "subject-case = { never = ['lower-case'] }\nbody-line-length = 20\ntrailers = ['Reviewed-by']\n\
             ignore = ['(?m)^Bot: ']\nlevels = { type = 'off', subject-stop = 'error', body-blank-line = 'warning' }",
        )
        .unwrap();
        let reviewed = "\n\nReviewed-by: Somebody with a long name <a@example.org>";
        let cases: [Case<'_>; 7] = [
            ("right", format!("fix: Add it{reviewed}"), &[]),
            ("any type", format!("whatever: Add it{reviewed}"), &[]),
            ("case", format!("fix: add it{reviewed}"), &[("subject-case", Severity::Error)]),
            ("no trailer", "fix: Add it\n\nReviewed by nobody".to_owned(), &[("trailer", Severity::Error)]),
            (
                "long line",
                format!("fix: Add it\n\n{}{reviewed}", "a ".repeat(20)),
                &[("body-line-length", Severity::Error)],
            ),
            ("long link", format!("fix: Add it\n\nhttps://example.org/{}{reviewed}", "a".repeat(20)), &[]),
            ("ignored", "nothing of this is right.\nBot: yes".to_owned(), &[]),
        ];
        for (name, message, expected) in cases {
            let commit = Commit { hash: "0123456789abcdef".to_owned(), message, parents: 1 };
            let found = check(&[commit], &settings).unwrap();
            let found: Vec<_> =
                found.iter().map(|finding| (finding.rule.as_deref().unwrap(), finding.severity)).collect();
            assert_eq!(found, expected, "{name}");
        }
        for (text, expected) in [
            ("levels = { typ = 'off' }", "`levels` of [lint.check.commits]: \"typ\" is not a valid rule"),
            ("ignore = ['(']", "`ignore` of [lint.check.commits]: \"(\" is not a valid expression"),
        ] {
            let failure = check(&[], &toml::from_str(text).unwrap()).unwrap_err();
            assert!(failure.to_string().starts_with(expected), "{failure}");
        }
    }

    #[test]
    fn messages_name_the_commit_and_the_way_out() {
        let settings = Settings { sign_off: Some(true), ..Settings::default() };
        let commit = Commit { hash: "0123456789abcdef".into(), message: "feature: add \"x\".\nb".into(), parents: 1 };
        let findings = check(&[commit], &settings).unwrap();
        let text: Vec<_> = findings.into_iter().map(|finding| finding.message).collect();
        insta::assert_snapshot!(text.join("\n"));
    }

    proptest! {
        #[test]
        fn no_message_makes_it_panic(message in "(?s).{0,60}", head in "[a-z(): !.]{0,12}", hash in ".{0,20}") {
            let settings = Settings { sign_off: Some(true), scope_required: Some(true), ..Settings::default() };
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
