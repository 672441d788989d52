// SPDX-License-Identifier: Apache-2.0
//! How a subject is written, as commitlint names it: `lower-case`, `sentence-case`, …

use serde::Deserialize;

/// Writes a text in a case.
type Write = fn(&str) -> String;

/// The cases by name.
const CASES: &[(&str, Write)] = &[
    ("lower-case", str::to_lowercase),
    ("lowercase", str::to_lowercase),
    ("upper-case", str::to_uppercase),
    ("uppercase", str::to_uppercase),
    ("sentence-case", first_upper),
    ("sentencecase", first_upper),
    ("camel-case", camel),
    ("pascal-case", |text| first_upper(&camel(text))),
    ("kebab-case", |text| words(text).join("-").to_lowercase()),
    ("snake-case", |text| words(text).join("_").to_lowercase()),
    ("start-case", |text| words(text).iter().map(|word| first_upper(word)).collect::<Vec<_>>().join(" ")),
];

/// Whether one of these cases is needed or none of them allowed.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CaseRule {
    /// One of them is needed.
    Always(Vec<Case>),
    /// None of them is allowed.
    Never(Vec<Case>),
}

/// The name of a case.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Case(usize);

impl TryFrom<String> for Case {
    type Error = String;

    fn try_from(name: String) -> Result<Self, String> {
        CASES.iter().position(|(known, _)| **known == name).map(Self).ok_or_else(|| {
            let known: Vec<_> = CASES.iter().map(|(known, _)| *known).collect();
            format!("{name:?} is not a valid case; there are {}", known.join(", "))
        })
    }
}

impl CaseRule {
    /// The rule for cases of these names, if there are such.
    pub fn named(is_always: bool, names: &[&str]) -> Option<Self> {
        let cases = names.iter().map(|name| Case::try_from((*name).to_owned()).ok()).collect::<Option<_>>()?;
        Some(if is_always { Self::Always(cases) } else { Self::Never(cases) })
    }

    /// What is wrong with a text.
    pub fn fault(&self, text: &str) -> Option<String> {
        // Names of code are written as they are.
        let text = unquoted(text);
        let text = text.trim();
        if !text.starts_with(|c: char| c.is_ascii_alphabetic()) {
            return None;
        }
        let is = |case: &&Case| CASES.get(case.0).is_some_and(|(_, make)| make(text) == text);
        let name = |case: &Case| CASES.get(case.0).map_or("", |(name, _)| name);
        match self {
            Self::Never(cases) => {
                let case = cases.iter().find(is).map(name);
                case.map(|case| format!("the subject is written in {case}, which is not allowed"))
            }
            Self::Always(cases) => (!cases.iter().any(|case| is(&case))).then(|| {
                let names: Vec<_> = cases.iter().map(name).collect();
                format!("the subject is not written in {}", names.join(" or "))
            }),
        }
    }
}

/// Without what stands in quotes.
fn unquoted(text: &str) -> String {
    let mut rest = text;
    let mut plain = String::new();
    while let Some(at) = rest.find(['`', '"', '\'']) {
        let (before, quoted) = rest.split_at(at);
        let quote = quoted.chars().next().unwrap_or('`');
        let Some((_, behind)) = quoted.get(1..).and_then(|quoted| quoted.split_once(quote)) else { break };
        plain.push_str(before);
        rest = behind;
    }
    plain + rest
}

fn first_upper(text: &str) -> String {
    let mut characters = text.chars();
    characters.next().map_or_else(String::new, |first| first.to_uppercase().collect::<String>() + characters.as_str())
}

fn camel(text: &str) -> String {
    let words = words(text).into_iter().map(|word| word.to_lowercase()).enumerate();
    words.map(|(index, word)| if index == 0 { word } else { first_upper(&word) }).collect()
}

/// `fooBar baz2` is foo, Bar, baz and 2.
fn words(text: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut before: Option<char> = None;
    for c in text.chars() {
        if !c.is_alphanumeric() {
            before = None;
            continue;
        }
        let begins = before
            .is_none_or(|before| (before.is_lowercase() && c.is_uppercase()) || before.is_numeric() != c.is_numeric());
        match words.last_mut() {
            Some(word) if !begins => word.push(c),
            _ => words.push(c.to_string()),
        }
        before = Some(c);
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subjects_in_each_case() {
        let cases = [
            ("lower-case", "add it", "Add it"),
            ("upper-case", "ADD IT", "Add it"),
            ("sentence-case", "Add it", "add it"),
            ("camel-case", "addIt", "add it"),
            ("pascal-case", "AddIt", "Add it"),
            ("kebab-case", "add-it", "add it"),
            ("snake-case", "add_it", "add it"),
            ("start-case", "Add It", "Add it"),
        ];
        for (name, like, unlike) in cases {
            let (never, always) = (CaseRule::named(false, &[name]).unwrap(), CaseRule::named(true, &[name]).unwrap());
            assert!(never.fault(like).is_some() && never.fault(unlike).is_none(), "{name}");
            assert!(always.fault(like).is_none() && always.fault(unlike).is_some(), "{name}");
        }
        let never = CaseRule::named(false, &["lower-case"]).unwrap();
        assert_eq!(never.fault("7 dwarfs"), None);
        assert!(never.fault("add `Foo` and 'Bar'").is_some(), "what is quoted does not count");
        assert_eq!(CaseRule::named(false, &["odd-case"]), None);
        let error = toml::from_str::<CaseRule>("never = ['odd-case']").unwrap_err();
        assert!(error.message().contains("\"odd-case\" is not a valid case; there are lower-case, "), "{error}");
    }
}
