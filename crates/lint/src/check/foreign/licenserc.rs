// SPDX-License-Identifier: Apache-2.0
//! license-eye's configuration as settings of `[lint.check.licenses]`.

use super::Translated;
use crate::check::licenses::{Settings, is_expression};
use serde_json::Value;

/// Keys that change nothing here.
const HARMLESS: &[&str] = &["license", "paths", "paths-ignore", "comment", "license-location-threshold"];

/// Translates a configuration.
pub fn translate(document: &Value) -> Translated<Settings> {
    let mut translated = Translated::default();
    let keys = document.as_object().into_iter().flatten();
    translated.left.extend(keys.filter(|(key, _)| *key != "header").map(|(key, _)| key.clone()));
    let headers = match document.get("header") {
        Some(Value::Array(headers)) => headers.as_slice(),
        Some(header) => std::slice::from_ref(header),
        None => &[],
    };
    let Some(header) = headers.first() else { return translated };
    if headers.len() > 1 {
        translated.left.push("header, but for the first".to_owned());
    }
    let keys = header.as_object().into_iter().flatten().filter(|(key, _)| !HARMLESS.contains(&key.as_str()));
    translated.left.extend(keys.map(|(key, _)| format!("header.{key}")));
    let settings = &mut translated.settings;
    let list = |key: &str| -> Vec<String> {
        let list = header.get(key).and_then(Value::as_array);
        list.into_iter().flatten().filter_map(Value::as_str).flat_map(globs).collect()
    };
    settings.ignore = Some(list("paths-ignore")).filter(|globs| !globs.is_empty());
    settings.only = Some(list("paths")).filter(|globs| !globs.is_empty());
    let text = |key: &str| header.pointer(&format!("/license/{key}")).and_then(Value::as_str).map(str::trim);
    let content = text("content").filter(|content| !content.is_empty());
    let named = content.and_then(|content| content.split_once("SPDX-License-Identifier:"));
    let named = named.and_then(|(_, behind)| behind.lines().next()).map(str::trim);
    settings.license = named.or(text("spdx-id")).filter(|id| is_expression(id)).map(str::to_owned);
    let mut headers = Vec::new();
    if let Some(content) = content.filter(|_| named.is_none()) {
        let escaped = regex_lite::escape(content);
        headers.push(escaped.replace("\\[year\\]", "\\d{4}(-\\d{4})?").replace("\\[owner\\]", ".+"));
    }
    if let Some(pattern) = text("pattern").filter(|pattern| !pattern.is_empty()) {
        match regex_lite::Regex::new(pattern) {
            Ok(_) => headers.push(pattern.to_owned()),
            Err(_) => translated.left.push("header.license.pattern".to_owned()),
        }
    }
    settings.headers = Some(headers).filter(|headers| !headers.is_empty());
    translated
}

/// A path of it as globs of ours: without characters of a glob it is a file, any file of that name, or a folder.
fn globs(path: &str) -> Vec<String> {
    let path = path.trim_end_matches('/');
    let from_root = format!("/{}", path.trim_start_matches('/'));
    if path.contains(['*', '?', '[', '{']) {
        return alternatives(&from_root);
    }
    let mut globs = vec![format!("{from_root}/**"), from_root];
    if !path.contains('/') {
        globs.push(path.to_owned());
    }
    globs
}

/// `a.{b,c}` is two globs of ours.
fn alternatives(glob: &str) -> Vec<String> {
    let split = || {
        let (before, rest) = glob.split_once('{')?;
        let (inner, behind) = rest.split_once('}')?;
        Some(inner.split(',').flat_map(|part| alternatives(&format!("{before}{part}{behind}"))).collect())
    };
    split().unwrap_or_else(|| vec![glob.to_owned()])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::globs::Globs;
    use crate::yaml;
    use std::path::Path;

    #[test]
    fn a_configuration_becomes_settings() {
        let text = "header:\n  license:\n    spdx-id: Apache-2.0-short\n    content: |\n      SPDX-License-Identifier: Apache-2.0\n\
             \x20   pattern: |\n      Licensed under \\(the \"License\"\\)\n  paths-ignore: ['**/*.md', 'third-party', 'fff.h', 'build*']\n\
             \x20 language:\n    C: {}\n  comment: on-failure\ndependency:\n  files: [go.mod]\n";
        let Translated { settings, left } = translate(&yaml::parse(text).unwrap());
        assert_eq!(settings.license.as_deref(), Some("Apache-2.0"));
        assert_eq!(settings.headers, Some(vec!["Licensed under \\(the \"License\"\\)".to_owned()]));
        assert_eq!(left, ["dependency", "header.language"]);
        let ignore = Globs::new(&settings.ignore.unwrap()).unwrap();
        let cases = [
            ("a.md", true),
            ("d/a.md", true),
            ("third-party/d/a.c", true),
            ("src/third-party/a.c", false),
            ("test/fff/fff.h", true),
            ("build_release/a.c", false),
            ("builder.c", true),
            ("src/builder.c", false),
            ("src/a.c", false),
        ];
        for (path, expected) in cases {
            assert_eq!(ignore.matches(Path::new(path)), expected, "{path}");
        }
    }

    #[test]
    fn other_forms() {
        let of = |text: &str| translate(&yaml::parse(text).unwrap());
        assert_eq!(of("header:\n  license: {spdx-id: MIT}\n").settings.license.as_deref(), Some("MIT"));
        let two = of("header:\n- license: {spdx-id: MIT}\n- license: {spdx-id: ISC}\n");
        assert_eq!((two.settings.license.as_deref(), two.left.len()), (Some("MIT"), 1));
        let content = of("header: {license: {content: 'Copyright [year] [owner] (c)'}}").settings;
        assert_eq!(content.headers, Some(vec!["Copyright \\d{4}(-\\d{4})? .+ \\(c\\)".to_owned()]));
        let only = of("header: {paths: ['src/**/*.{c,h}']}").settings.only.unwrap();
        assert_eq!(only, ["/src/**/*.c", "/src/**/*.h"]);
        assert_eq!(of("").left, [""; 0]);
    }
}
