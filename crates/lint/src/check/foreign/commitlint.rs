// SPDX-License-Identifier: Apache-2.0
//! commitlint's configuration as settings of `[lint.check.commits]`.

use super::Translated;
use super::javascript::computed;
use crate::check::commits::{CaseRule, Level, RULES, Settings};
use regex_lite::Regex;
use serde_json::Value;

/// Its rules that come to nothing here, since the form of a message is always checked.
const INHERENT: &[&str] = &["type-empty", "subject-empty", "type-case", "header-trim"];

/// Translates a configuration.
pub fn translate(document: &Value) -> Translated<Settings> {
    let mut translated = Translated::default();
    let keys = document.as_object().into_iter().flatten();
    let is_known =
        |key: &str| ["rules", "extends", "ignores", "helpUrl", "defaultIgnores", "prompt", "$schema"].contains(&key);
    translated.left.extend(keys.filter(|(key, _)| !is_known(key)).map(|(key, _)| key.clone()));
    if document.as_object().is_none() {
        translated.left.push("everything, since it is computed".to_owned());
        return translated;
    }
    extends(document.get("extends"), &mut translated);
    let rules = document.get("rules").and_then(Value::as_object);
    for (name, rule) in rules.into_iter().flatten() {
        if self::rule(name, rule, &mut translated.settings).is_none() {
            translated.left.push(name.clone());
        }
    }
    for ignore in document.get("ignores").and_then(Value::as_array).into_iter().flatten() {
        match computed(ignore).and_then(pattern) {
            Some(pattern) => translated.settings.ignore.get_or_insert_default().push(pattern),
            None => translated.left.push("ignores".to_owned()),
        }
    }
    translated
}

/// What it builds on. Without any, only the rules that are named hold.
fn extends(extends: Option<&Value>, translated: &mut Translated<Settings>) {
    let names: Vec<&str> = match extends {
        Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).collect(),
        Some(Value::String(name)) => vec![name],
        _ => Vec::new(),
    };
    let is_conventional =
        |name: &&&str| name.trim_start_matches("@commitlint/").trim_start_matches("config-") == "conventional";
    let settings = &mut translated.settings;
    let levels = settings.levels.get_or_insert_default();
    if names.iter().any(|name| is_conventional(&name)) {
        settings.header_length = Some(100);
        settings.body_line_length = Some(100);
        let cases = ["sentence-case", "start-case", "pascal-case", "upper-case"];
        settings.subject_case = CaseRule::named(false, &cases);
        levels.insert("body-blank-line".to_owned(), Level::Warning);
        levels.insert("subject-stop".to_owned(), Level::Error);
    } else {
        levels.extend(RULES.iter().filter(|rule| **rule != "fixup").map(|rule| ((*rule).to_owned(), Level::Off)));
    }
    translated.left.extend(names.iter().filter(|name| !is_conventional(name)).map(|name| format!("extends {name}")));
}

/// Translates one rule, `[level, "always" | "never", value]`; `None` if it has no equal.
fn rule(name: &str, rule: &Value, settings: &mut Settings) -> Option<()> {
    let parts = rule.as_array().map_or_else(|| std::slice::from_ref(rule), Vec::as_slice);
    let level = match parts.first()?.as_u64()? {
        0 => Level::Off,
        1 => Level::Warning,
        2 => Level::Error,
        _ => return None,
    };
    let is_always = parts.get(1).and_then(Value::as_str) != Some("never");
    let value = parts.get(2).unwrap_or(&Value::Null);
    let number = || usize::try_from(value.as_u64()?).ok();
    let words = || -> Option<Vec<String>> {
        match value {
            Value::String(word) if computed(value).is_none() => Some(vec![word.clone()]),
            Value::Array(words) => {
                words.iter().map(|word| word.as_str().filter(|_| computed(word).is_none()).map(str::to_owned)).collect()
            }
            _ => None,
        }
    };
    let levels = settings.levels.get_or_insert_default();
    let mut set = |rules: &[&str]| levels.extend(rules.iter().map(|rule| ((*rule).to_owned(), level)));
    let is_off = level == Level::Off;
    match (name, is_always) {
        ("type-enum", true) => {
            if !is_off {
                settings.types = Some(words()?);
            }
            set(&["type"]);
        }
        ("scope-enum", true) => {
            if !is_off {
                settings.scopes = Some(words()?);
            }
            set(&["scope"]);
        }
        ("scope-empty", false) => {
            settings.scope_required = Some(!is_off);
            if !is_off {
                set(&["scope"]);
            }
        }
        ("type-empty", false) => set(&["header"]),
        ("subject-empty", false) => set(&["subject"]),
        ("header-max-length", true) => {
            if !is_off {
                settings.header_length = Some(number()?);
            }
            set(&["header-length"]);
        }
        ("body-max-line-length", true) => {
            if !is_off {
                settings.body_line_length = Some(number()?);
            }
            set(&["body-line-length"]);
        }
        ("body-leading-blank", true) => set(&["body-blank-line"]),
        ("subject-full-stop", false) if is_off || value.is_null() || value.as_str() == Some(".") => {
            set(&["subject-stop"]);
        }
        ("subject-case", _) => {
            if !is_off {
                let words = words()?;
                let words: Vec<&str> = words.iter().map(String::as_str).collect();
                settings.subject_case = Some(CaseRule::named(is_always, &words)?);
            }
            set(&["subject-case"]);
        }
        ("signed-off-by", true) => {
            settings.sign_off = Some(!is_off);
            set(&["sign-off"]);
        }
        ("trailer-exists", true) => {
            if !is_off {
                let trailer = value.as_str().filter(|_| computed(value).is_none())?;
                settings.trailers = Some(vec![trailer.trim_end_matches([':', ' ']).to_owned()]);
            }
            set(&["trailer"]);
        }
        _ if is_off || INHERENT.contains(&name) => {}
        _ => return None,
    }
    Some(())
}

/// The expression of a function that only tests one, as in `(message) => /…/.test(message)` or
/// `message => message.includes("…")`.
fn pattern(function: &str) -> Option<String> {
    let (_, body) = function.split_once("=>")?;
    let body = body.trim().trim_end_matches(';');
    if let Some(rest) = body.strip_prefix('/') {
        let (expression, call) = rest.rsplit_once('/')?;
        let (flags, _) = call.split_once(".test(")?;
        if !call.ends_with(')') || !flags.chars().all(|flag| "gimsu".contains(flag)) {
            return None;
        }
        let flags: String = flags.chars().filter(|flag| "ims".contains(*flag)).collect();
        let expression = expression.replace("\\/", "/");
        let pattern = if flags.is_empty() { expression } else { format!("(?{flags}){expression}") };
        return Regex::new(&pattern).ok().map(|_| pattern);
    }
    for (method, begin) in [(".includes(", ""), (".startsWith(", "^")] {
        if let Some((receiver, argument)) = body.split_once(method) {
            let is_plain = receiver.chars().all(|c| c.is_alphanumeric() || c == '_');
            let text = argument.strip_suffix(')')?.trim();
            let text = text.strip_prefix(['"', '\''])?.strip_suffix(['"', '\''])?;
            return is_plain.then(|| format!("{begin}{}", regex_lite::escape(text)));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::super::javascript::exported;
    use super::*;
    use std::collections::BTreeMap;

    fn translated(text: &str) -> Translated<Settings> {
        translate(&exported(&format!("export default {{{text}}}")).unwrap())
    }

    #[test]
    fn rules_become_settings() {
        let Translated { settings, left } = translated(
            "extends: ['@commitlint/config-conventional'],
             helpUrl: 'x',
             ignores: [(msg) => /Signed-off-by: bot\\[x]/m.test(msg), (m) => m.includes('WIP')],
             rules: {
               'type-enum': [2, 'always', ['add', 'fix']],
               'scope-empty': [1, 'never'],
               'header-max-length': [2, 'always', 72],
               'body-max-line-length': [0, 'always', 80],
               'subject-case': [2, 'never', ['lower-case', 'start-case']],
               'trailer-exists': [2, 'always', 'Signed-off-by:'],
               'subject-full-stop': [1, 'never', '.'],
             }",
        );
        assert_eq!(left, [""; 0]);
        assert_eq!(settings.types, Some(vec!["add".to_owned(), "fix".to_owned()]));
        assert_eq!((settings.header_length, settings.body_line_length), (Some(72), Some(100)));
        assert_eq!((settings.scope_required, settings.sign_off), (Some(true), None));
        assert_eq!(settings.trailers, Some(vec!["Signed-off-by".to_owned()]));
        assert_eq!(settings.subject_case, CaseRule::named(false, &["lower-case", "start-case"]));
        assert_eq!(settings.ignore, Some(vec!["(?m)Signed-off-by: bot\\[x]".to_owned(), "WIP".to_owned()]));
        let levels = [
            ("body-blank-line", Level::Warning),
            ("body-line-length", Level::Off),
            ("header-length", Level::Error),
            ("scope", Level::Warning),
            ("subject-case", Level::Error),
            ("subject-stop", Level::Warning),
            ("trailer", Level::Error),
            ("type", Level::Error),
        ];
        assert_eq!(settings.levels, Some(BTreeMap::from(levels.map(|(rule, level)| (rule.to_owned(), level)))));
    }

    #[test]
    fn what_has_no_equal_is_named() {
        let conventional = "extends: '@commitlint/config-conventional', ";
        let cases = [
            ("plugins: [{ rules: {} }]", &["plugins"][..]),
            ("parserPreset: 'x', extends: ['a', '@commitlint/config-conventional']", &["parserPreset", "extends a"]),
            ("rules: { 'body-empty': [2, 'never'], 'references-empty': [0] }", &["body-empty"]),
            ("rules: { 'type-enum': [2, 'always', types] }", &["type-enum"]),
            ("rules: { 'header-max-length': async () => [2, 'always', 72] }", &["header-max-length"]),
            ("rules: { 'subject-case': [2, 'always', 'odd-case'] }", &["subject-case"]),
            ("rules: { 'subject-full-stop': [2, 'never', '!'], ...more }", &["subject-full-stop", "...more"]),
            ("ignores: [(m) => check(m)]", &["ignores"]),
        ];
        for (text, expected) in cases {
            let mut left = translated(&format!("{conventional}{text}")).left;
            left.sort();
            let mut expected = expected.to_vec();
            expected.sort_unstable();
            assert_eq!(left, expected, "{text}");
        }
    }

    #[test]
    fn what_builds_on_nothing_has_its_own_rules_only() {
        let settings = translated("rules: { 'header-max-length': [2, 'always', 50] }").settings;
        let levels = settings.levels.unwrap();
        assert_eq!((levels["header-length"], levels["type"], levels["header"]), (Level::Error, Level::Off, Level::Off));
    }
}
