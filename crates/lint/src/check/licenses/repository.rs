// SPDX-License-Identifier: Apache-2.0
//! Which licence a repository is under: as configured, else as its packages say, else by the text
//! of its licence file.

use regex_lite::Regex;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// The licence of a repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct License {
    /// The SPDX expressions that a file may name; more than one where the source does not tell which.
    pub expressions: Vec<String>,
    /// Where that is written, for the reader.
    pub source: String,
}

/// What a package says, by the text of its file.
type Reader = fn(&str) -> Option<String>;

/// Finds the licence; `read` gives the text of a file in the root.
pub fn find(files: &BTreeSet<PathBuf>, read: &dyn Fn(&Path) -> Option<String>) -> Option<License> {
    let readers: [(&str, Reader); 4] =
        [("Cargo.toml", cargo), ("pyproject.toml", python), ("package.json", node), ("meson.build", meson)];
    for (name, reader) in readers {
        let path = Path::new(name);
        let text = files.contains(path).then(|| read(path)).flatten();
        if let Some(expression) = text.and_then(|text| reader(&text)).filter(|text| is_expression(text)) {
            return Some(License { expressions: vec![expression], source: name.to_owned() });
        }
    }
    let is_license = |path: &&PathBuf| {
        let name = path.to_str().unwrap_or_default().to_ascii_lowercase();
        let mut words = name.split(['.', '-', '_']);
        path.parent().is_some_and(|folder| folder.as_os_str().is_empty())
            && words.next().is_some_and(|word| ["license", "licence", "copying", "unlicense"].contains(&word))
    };
    let mut names = Vec::new();
    let mut expressions = Vec::new();
    for path in files.iter().filter(is_license) {
        let found = read(path).map(|text| identify(&text)).unwrap_or_default();
        if !found.is_empty() {
            names.push(path.display().to_string());
            expressions.extend(found.iter().map(|&id| id.to_owned()));
        }
    }
    expressions.dedup();
    (!expressions.is_empty()).then(|| License { expressions, source: names.join(", ") })
}

/// Licence, phrases of its text, phrases that make it another one. Where the text does not say
/// whether later versions count, both are named.
type Text = (&'static [&'static str], &'static [&'static str], &'static [&'static str]);

const TEXTS: &[Text] = &[
    (&["Apache-2.0"], &["apache license version 2.0, january 2004"], &[]),
    (
        &["MIT"],
        &["permission is hereby granted, free of charge", "the software is provided \"as is\""],
        &["boost software license"],
    ),
    (&["BSL-1.0"], &["boost software license - version 1.0"], &[]),
    (&["BSD-3-Clause"], &["redistribution and use in source and binary forms", "endorse or promote"], &["advertising"]),
    (&["BSD-2-Clause"], &["redistribution and use in source and binary forms"], &["endorse or promote"]),
    (&["ISC"], &["permission to use, copy, modify, and/or distribute this software for any purpose"], &[]),
    (&["Zlib"], &["this software is provided 'as-is', without any express or implied warranty"], &[]),
    (&["MPL-2.0"], &["mozilla public license version 2.0"], &[]),
    (&["EPL-2.0"], &["eclipse public license - v 2.0"], &[]),
    (&["Unlicense"], &["this is free and unencumbered software released into the public domain"], &[]),
    (&["CC0-1.0"], &["cc0 1.0 universal"], &[]),
    (&["GPL-2.0-only", "GPL-2.0-or-later"], &["gnu general public license version 2, june 1991"], &[]),
    (&["GPL-3.0-only", "GPL-3.0-or-later"], &["gnu general public license version 3, 29 june 2007"], &[]),
    (&["LGPL-2.1-only", "LGPL-2.1-or-later"], &["gnu lesser general public license version 2.1, february 1999"], &[]),
    (&["LGPL-3.0-only", "LGPL-3.0-or-later"], &["gnu lesser general public license version 3, 29 june 2007"], &[]),
    (&["AGPL-3.0-only", "AGPL-3.0-or-later"], &["gnu affero general public license version 3, 19 november 2007"], &[]),
];

/// The licence of a text.
fn identify(text: &str) -> &'static [&'static str] {
    let words: Vec<_> = text.split_whitespace().collect();
    let text = words.join(" ").to_lowercase();
    // The title of a long one is also quoted by others, further down.
    let found = TEXTS.iter().filter_map(|(ids, phrases, others)| {
        let place = phrases.iter().map(|phrase| text.find(phrase)).collect::<Option<Vec<_>>>()?;
        let is_other = others.iter().any(|other| text.contains(other));
        (!is_other).then(|| (place.into_iter().min(), *ids))
    });
    found.min_by_key(|(place, _)| *place).map_or(&[], |(_, ids)| ids)
}

fn cargo(text: &str) -> Option<String> {
    let document: toml::Table = text.parse().ok()?;
    let of_package = document.get("package").and_then(|package| package.get("license")?.as_str());
    let of_workspace =
        || document.get("workspace").and_then(|workspace| workspace.get("package")?.get("license")?.as_str());
    of_package.or_else(of_workspace).map(|text| text.replace('/', " OR "))
}

fn python(text: &str) -> Option<String> {
    let document: toml::Table = text.parse().ok()?;
    let license = document.get("project")?.get("license")?;
    license.as_str().or_else(|| license.get("text")?.as_str()).map(str::to_owned)
}

fn node(text: &str) -> Option<String> {
    let document: serde_json::Value = serde_json::from_str(text).ok()?;
    document.get("license")?.as_str().map(str::to_owned)
}

fn meson(text: &str) -> Option<String> {
    let pattern = Regex::new(r"(?s)\bproject\s*\([^)]*?\blicense\s*:\s*\[?\s*'([^']*)'\s*([,\])])").ok()?;
    let found = pattern.captures(text)?;
    found.get(1).map(|license| license.as_str().trim().to_owned())
}

/// Whether a text is an SPDX expression; a word like `GPLv3` or `proprietary` is none.
pub fn is_expression(text: &str) -> bool {
    let spaced = text.replace('(', " ( ").replace(')', " ) ");
    let (mut depth, mut wants_license) = (0_u32, true);
    for word in spaced.split_whitespace() {
        match (word, wants_license) {
            ("(", true) => depth += 1,
            (")", false) if depth > 0 => depth -= 1,
            ("AND" | "OR" | "WITH", false) => wants_license = true,
            (id, true) if is_identifier(id) => wants_license = false,
            _ => return false,
        }
    }
    depth == 0 && !wants_license
}

fn is_identifier(word: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || ".-+".contains(c);
    let short = ["MIT", "ISC", "Zlib", "Unlicense", "WTFPL", "NCSA", "Beerware", "PostgreSQL", "X11", "curl"];
    word.chars().all(plain)
        && (word.contains('-') && !word.starts_with('-') || short.iter().any(|id| id.eq_ignore_ascii_case(word)))
}

/// An expression such that equal ones are equal: case of identifiers, order of alternatives.
pub fn normal(expression: &str) -> String {
    let spaced = expression.replace('(', " ( ").replace(')', " ) ").to_lowercase();
    let words: Vec<_> = spaced.split_whitespace().collect();
    let joined = words.join(" ");
    for (operator, other) in [(" or ", " and "), (" and ", " or ")] {
        if joined.contains(operator) && !joined.contains(other) && !joined.contains('(') {
            let mut parts: Vec<_> = joined.split(operator).collect();
            parts.sort_unstable();
            return parts.join(operator);
        }
    }
    joined
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn found(files: &[(&str, &str)]) -> Option<(Vec<String>, String)> {
        let names = files.iter().map(|(name, _)| PathBuf::from(name)).collect();
        let read = |path: &Path| files.iter().find(|(name, _)| Path::new(name) == path).map(|(_, t)| (*t).to_owned());
        find(&names, &read).map(|license| (license.expressions, license.source))
    }

    /// Name, files, expressions, source.
    type Case<'a> = (&'a str, &'a [(&'a str, &'a str)], &'a [&'a str], &'a str);

    #[test]
    fn the_licence_is_found() {
        let mit =
            "MIT License\n\nPermission is hereby granted, free of\ncharge, to … THE SOFTWARE IS PROVIDED \"AS IS\"";
        let apache = "   Apache License\n  Version 2.0, January 2004\n";
        let gpl3 = "GNU GENERAL PUBLIC LICENSE\nVersion 3, 29 June 2007\n… the GNU Affero General Public License version 3, 19 November 2007";
        let bsd = "Redistribution and use in source and binary forms, …";
        let bsd3 = "Redistribution and use in source and binary forms, … to endorse or promote products";
        let cases: [Case<'_>; 14] = [
            ("cargo", &[("Cargo.toml", "[package]\nlicense = 'MIT/Apache-2.0'")], &["MIT OR Apache-2.0"], "Cargo.toml"),
            ("workspace", &[("Cargo.toml", "[workspace.package]\nlicense = 'MIT'")], &["MIT"], "Cargo.toml"),
            ("python", &[("pyproject.toml", "[project]\nlicense = 'MIT'")], &["MIT"], "pyproject.toml"),
            ("old python", &[("pyproject.toml", "[project]\nlicense = {text = 'MIT'}")], &["MIT"], "pyproject.toml"),
            ("node", &[("package.json", "{\"license\": \"ISC\"}")], &["ISC"], "package.json"),
            (
                "meson",
                &[("meson.build", "project('a', 'c',\n  license: 'Apache-2.0')")],
                &["Apache-2.0"],
                "meson.build",
            ),
            (
                "meson says no SPDX",
                &[("LICENSE", apache), ("meson.build", "project('a', license: 'Apache 2')")],
                &["Apache-2.0"],
                "LICENSE",
            ),
            ("broken metadata", &[("Cargo.toml", "[["), ("LICENSE", mit)], &["MIT"], "LICENSE"),
            ("text", &[("LICENSE.md", mit)], &["MIT"], "LICENSE.md"),
            (
                "two texts",
                &[("LICENSE-APACHE", apache), ("LICENSE-MIT", mit)],
                &["Apache-2.0", "MIT"],
                "LICENSE-APACHE, LICENSE-MIT",
            ),
            ("gpl", &[("COPYING", gpl3)], &["GPL-3.0-only", "GPL-3.0-or-later"], "COPYING"),
            ("bsd 2", &[("LICENCE", bsd)], &["BSD-2-Clause"], "LICENCE"),
            ("bsd 3", &[("license.txt", bsd3)], &["BSD-3-Clause"], "license.txt"),
            ("this project", &[("LICENSE", include_str!("../../../../../LICENSE"))], &["Apache-2.0"], "LICENSE"),
        ];
        for (name, files, expressions, source) in cases {
            let expected = (expressions.iter().map(|&text| text.to_owned()).collect(), source.to_owned());
            assert_eq!(found(files), Some(expected), "{name}");
        }
        for files in [&[][..], &[("LICENSE", "All rights reserved.")], &[("sub/LICENSE", mit)]] {
            assert_eq!(found(files), None);
        }
    }

    #[test]
    fn expressions() {
        let right =
            ["MIT", "Apache-2.0 OR MIT", "(MIT AND ISC) OR GPL-2.0-only WITH Classpath-exception-2.0", "LicenseRef-x"];
        let wrong = ["", "GPLv3", "Apache 2.0", "MIT OR", "(MIT", "MIT)", "MIT ISC", "proprietary", "-"];
        assert!(right.iter().all(|text| is_expression(text)));
        assert_eq!(wrong.iter().filter(|text| is_expression(text)).count(), 0);
        assert_eq!(normal("MIT  or apache-2.0"), normal("Apache-2.0 OR MIT"));
        assert_ne!(normal("(MIT OR ISC) AND Zlib"), normal("MIT OR (ISC AND Zlib)"));
    }

    proptest! {
        #[test]
        fn nothing_makes_it_panic(text in "(?s).{0,80}", words in "([ ()]|MIT|OR|AND|-|[a-z']){0,12}") {
            for reader in [cargo, python, node, meson] {
                let _ = reader(&text);
            }
            identify(&text);
            prop_assert!(!is_expression(&words) || words.contains("MIT") || words.contains('-'));
            if is_expression(&words) {
                prop_assert_eq!(normal(&normal(&words)), normal(&words));
            }
        }
    }
}
