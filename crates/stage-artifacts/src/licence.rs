// SPDX-License-Identifier: Apache-2.0
//! The licence of the sources: its text, its name, and who holds the rights.

use std::fs;
use std::path::Path;
use toolkit::{Result, ResultExt};

/// Licences that every Debian system holds: their SPDX beginning, the file, and two marks by
/// which their text is known. Debian's policy wants a reference to them instead of the text.
const COMMON_LICENCES: [(&str, &str, [&str; 2]); 6] = [
    ("Apache-2.0", "Apache-2.0", ["Apache License", "Version 2.0"]),
    ("LGPL-3.0", "LGPL-3", ["GNU LESSER GENERAL PUBLIC LICENSE", "Version 3,"]),
    ("LGPL-2.1", "LGPL-2.1", ["GNU LESSER GENERAL PUBLIC LICENSE", "Version 2.1,"]),
    ("GPL-3.0", "GPL-3", ["GNU GENERAL PUBLIC LICENSE", "Version 3,"]),
    ("GPL-2.0", "GPL-2", ["GNU GENERAL PUBLIC LICENSE", "Version 2,"]),
    ("MPL-2.0", "MPL-2.0", ["Mozilla Public License", "Version 2.0"]),
];

/// The licence file in the root of the source tree; the first by name if there are several.
pub fn text(source: &Path) -> Result<Option<String>> {
    let doing = || format!("could not read the licence in {}", source.display());
    let mut files = Vec::new();
    for item in fs::read_dir(source).with_context(doing)? {
        let item = item.with_context(doing)?;
        let name = item.file_name().to_string_lossy().to_uppercase();
        let is_licence = ["LICENSE", "LICENCE", "COPYING"].iter().any(|start| name.starts_with(start));
        if is_licence && item.path().is_file() {
            files.push(item.path());
        }
    }
    files.sort();
    let Some(file) = files.first() else { return Ok(None) };
    let content = fs::read(file).with_context(|| format!("could not read {}", file.display()))?;
    Ok(Some(String::from_utf8_lossy(&content).into_owned()))
}

/// The SPDX name and the file of a licence that every Debian system holds.
pub fn common(name: Option<&str>, text: Option<&str>) -> Option<(&'static str, &'static str)> {
    let found = COMMON_LICENCES.iter().find(|(spdx, _, marks)| match (name, text) {
        (Some(name), _) => name == *spdx || name.strip_prefix(spdx).is_some_and(|rest| rest.starts_with('-')),
        // The marks stand in the title; licences quote each other's names further down.
        (None, Some(text)) => {
            let title: String = text.chars().take(200).collect();
            marks.iter().all(|mark| title.to_lowercase().contains(&mark.to_lowercase()))
        }
        (None, None) => false,
    });
    found.map(|(spdx, file, _)| (*spdx, *file))
}

/// Lines such as `Copyright (c) 2024 …`, without those that are a form to fill in.
pub fn holders(text: &str) -> Vec<&str> {
    let is_notice = |line: &&str| {
        let rest = line.strip_prefix("Copyright").map(str::trim_start).unwrap_or_default();
        !line.contains(['[', '<', '{'])
            && rest.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '(' | '©'))
            && rest.contains(|c: char| c.is_ascii_digit())
    };
    text.lines().map(str::trim).filter(is_notice).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIT: &str = "MIT License\n\nCopyright (c) 2024 Example Ltd\n\nPermission is hereby granted, …\n";
    const APACHE: &str = "                 Apache License\n           Version 2.0, January 2004\n\n   1. Definitions.\n\n   Copyright [yyyy] [name of copyright owner]\n";

    #[test]
    fn licences_are_known_by_name_or_title() {
        let gpl = "GNU GENERAL PUBLIC LICENSE\n Version 3, 29 June 2007";
        let agpl = "GNU AFFERO GENERAL PUBLIC LICENSE\n Version 3, 19 November 2007";
        let cases = [
            (Some("Apache-2.0"), None, Some("Apache-2.0")),
            (Some("GPL-2.0-or-later"), Some(MIT), Some("GPL-2")),
            (Some("GPL-2.0x"), None, None),
            (Some("MIT"), Some(APACHE), None),
            (None, Some(APACHE), Some("Apache-2.0")),
            (None, Some(gpl), Some("GPL-3")),
            (None, Some(agpl), None),
            (None, Some(MIT), None),
            (None, None, None),
        ];
        for (name, text, expected) in cases {
            assert_eq!(common(name, text).map(|(_, file)| file), expected, "{name:?} {text:?}");
        }
    }
}
