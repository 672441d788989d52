// SPDX-License-Identifier: Apache-2.0
//! `SHA256SUMS`: the format of `sha256sum`, a digest and a name per line.

use crate::{FileEntry, FileName, Sha256};
use std::fmt::Write;

/// Why a list was not understood.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line} of the digest list is not `<sha256>  <name>`: {text:?}")]
pub struct SumsError {
    line: usize,
    text: String,
}

/// The list of these files, sorted by name.
pub fn render(files: &[FileEntry]) -> String {
    let mut files: Vec<_> = files.iter().collect();
    files.sort_by(|a, b| a.name.cmp(&b.name));
    files.iter().fold(String::new(), |mut text, file| {
        let _ = writeln!(text, "{}  {}", file.sha256, file.name);
        text
    })
}

/// Reads a list, in text (`  `) or binary (` *`) form.
pub fn parse(text: &str) -> Result<Vec<(Sha256, FileName)>, SumsError> {
    let entry = |line: &str| {
        let (digest, rest) = line.split_once(' ')?;
        let name = rest.strip_prefix([' ', '*'])?;
        Some((digest.parse().ok()?, name.parse().ok()?))
    };
    let numbered = text.lines().enumerate().filter(|(_, line)| !line.is_empty());
    numbered
        .map(|(index, line)| entry(line).ok_or_else(|| SumsError { line: index + 1, text: line.to_owned() }))
        .collect()
}

/// The first file that a list and a manifest do not agree on.
pub fn difference(listed: &[(Sha256, FileName)], files: &[FileEntry]) -> Option<String> {
    let mut seen = std::collections::BTreeMap::new();
    for (sha256, name) in listed {
        if seen.insert(name, sha256).is_some() {
            return Some(format!("it names {name} twice"));
        }
    }
    for file in files {
        match seen.remove(&file.name) {
            Some(sha256) if *sha256 == file.sha256 => {}
            Some(sha256) => return Some(format!("{} has {sha256} there, not {}", file.name, file.sha256)),
            None => return Some(format!("{} is missing", file.name)),
        }
    }
    seen.into_keys().next().map(|name| format!("the manifest does not name {name}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::tests::example;
    use proptest::prelude::*;

    #[test]
    fn the_list_comes_back() {
        let files = example().files;
        let text = render(&files);
        assert!(text.lines().next().unwrap().ends_with("  vaccel_0.7.1-1_amd64.deb"), "sorted: {text}");
        let mut expected: Vec<_> = files.into_iter().map(|file| (file.sha256, file.name)).collect();
        expected.sort_by(|a, b| a.1.cmp(&b.1));
        assert_eq!(parse(&text).unwrap(), expected);
    }

    #[test]
    fn sha256sum_accepts_the_list() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("vaccel_0.7.1_x86_64.tar.gz"), "tar").unwrap();
        std::fs::write(folder.path().join("vaccel_0.7.1-1_amd64.deb"), "deb").unwrap();
        std::fs::write(folder.path().join("SHA256SUMS"), render(&example().files)).unwrap();
        let status = std::process::Command::new("sha256sum")
            .args(["--check", "--strict", "--quiet", "SHA256SUMS"])
            .current_dir(folder.path())
            .status()
            .unwrap();
        assert!(status.success());
    }

    #[test]
    fn other_lines_are_refused() {
        for text in ["x", "abc  name", &format!("{}  ../x", "0".repeat(64)), &format!("{} name", "0".repeat(64))] {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_list_comes_back(names in prop::collection::btree_set("[^/\\\\]{1,12}", 0..6), text in any::<String>()) {
            let files: Vec<_> = names
                .iter()
                .filter_map(|name| {
                    let sha256 = Sha256::of(name.as_bytes());
                    Some(FileEntry { name: name.parse().ok()?, kind: crate::FileKind::Other, size: 1, sha256, soname: None })
                })
                .collect();
            let expected: Vec<_> = files.iter().map(|file| (file.sha256, file.name.clone())).collect();
            prop_assert_eq!(parse(&render(&files)), Ok(expected));
            let _ = parse(&text);
        }
    }
}
