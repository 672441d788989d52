// SPDX-License-Identifier: Apache-2.0
//! All automatic fixes as one patch, as `git apply` takes it.

use super::edit::{Edit, FileEdits, edits};
use crate::finding::Finding;
use crate::patch::{Hunk, of_file};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// The fixes, put together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Patch {
    /// A unified diff relative to the top of the repository; empty if there is nothing to mend.
    pub bytes: Vec<u8>,
    /// How many files it changes.
    pub files: usize,
    /// How many findings it mends.
    pub fixes: usize,
    /// How many fixes are not in it: they touch the same lines as an earlier one, or do not fit the file.
    pub left_out: usize,
}

/// Puts the fixes of findings together; where two of them touch the same lines, the first counts.
/// `read` gives the bytes of a file of the folder that is linted, `prefix` says where that is in the repository.
pub fn merge(findings: &[Finding], prefix: &Path, read: &dyn Fn(&Path) -> Option<Vec<u8>>) -> Patch {
    let mut patch = Patch::default();
    let mut files: BTreeMap<PathBuf, File> = BTreeMap::new();
    // A fix of several findings is one fix.
    let mut merged: BTreeSet<&str> = BTreeSet::new();
    for fix in findings.iter().filter_map(|finding| finding.fix.as_deref()) {
        if merged.contains(fix) {
            patch.fixes += 1;
            continue;
        }
        let changes = edits(fix).ok().flatten();
        if changes.is_some_and(|changes| accept(&mut files, changes, read)) {
            merged.insert(fix);
            patch.fixes += 1;
        } else {
            patch.left_out += 1;
        }
    }
    for (path, file) in &files {
        let old = file.lines.concat();
        let hunks = Hunk::between(&old, &file.mended(), 3);
        if hunks.is_empty() {
            continue;
        }
        patch.files += 1;
        patch.bytes.extend_from_slice(of_file(&prefix.join(path), "").as_bytes());
        patch.bytes.extend(hunks.iter().flat_map(Hunk::to_bytes));
    }
    patch
}

/// Takes all edits of a fix, or none.
fn accept(
    files: &mut BTreeMap<PathBuf, File>,
    changes: BTreeMap<PathBuf, FileEdits>,
    read: &dyn Fn(&Path) -> Option<Vec<u8>>,
) -> bool {
    for path in changes.keys() {
        if !files.contains_key(path) {
            let Some(bytes) = read(path) else { return false };
            files.insert(path.clone(), File::new(&bytes));
        }
    }
    let fits = |(path, changes): (&PathBuf, &FileEdits)| files.get(path).is_some_and(|file| file.takes(changes));
    if !changes.iter().all(fits) {
        return false;
    }
    for (path, changes) in changes {
        if let Some(file) = files.get_mut(&path) {
            file.edits.extend(changes.edits);
        }
    }
    true
}

/// A file and the edits that were taken.
struct File {
    lines: Vec<Vec<u8>>,
    edits: BTreeSet<Edit>,
}

impl File {
    fn new(bytes: &[u8]) -> Self {
        Self {
            lines: bytes.split_inclusive(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect(),
            edits: BTreeSet::new(),
        }
    }

    /// Whether edits fit the lines and the other edits.
    fn takes(&self, changes: &FileEdits) -> bool {
        let has_lines = changes.expected.iter().all(|(at, line)| self.lines.get(*at) == Some(line));
        let in_range = |edit: &Edit| edit.start.saturating_add(edit.removed) <= self.lines.len();
        let free = |edit: &Edit| {
            // The same edit twice is one edit.
            self.edits.contains(edit) || !self.edits.iter().any(|taken| taken.overlaps(edit))
        };
        has_lines && changes.edits.iter().all(|edit| in_range(edit) && free(edit))
    }

    fn mended(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut at = 0;
        for edit in &self.edits {
            let kept = self.lines.get(at..edit.start).unwrap_or_default();
            bytes.extend(kept.iter().chain(&edit.added).flatten());
            at = edit.start + edit.removed;
        }
        bytes.extend(self.lines.get(at..).unwrap_or_default().iter().flatten());
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::Severity;
    use proptest::prelude::*;
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    use std::process::Command;

    fn finding(linter: &str, fix: &str) -> Finding {
        Finding {
            severity: Severity::Warning,
            path: None,
            span: None,
            linter: linter.to_owned(),
            rule: None,
            rule_url: None,
            message: String::new(),
            fix: Some(fix.to_owned()),
            in_change: true,
        }
    }

    fn of(path: &str, hunks: &str) -> String {
        of_file(Path::new(path), hunks)
    }

    /// Writes files, applies the patch with git, gives the files afterwards.
    fn applied(files: &[(&str, &str)], patch: &Patch) -> Vec<String> {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            std::fs::write(folder.path().join(name), text).unwrap();
        }
        let file = folder.path().join("lint.patch");
        std::fs::write(&file, &patch.bytes).unwrap();
        let output = Command::new("git").arg("apply").arg("lint.patch").current_dir(folder.path()).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        files.iter().map(|(name, _)| std::fs::read_to_string(folder.path().join(name)).unwrap()).collect()
    }

    fn merged(files: &[(&str, &str)], findings: &[Finding]) -> Patch {
        let read = |path: &Path| {
            let found = files.iter().find(|(name, _)| Path::new(name) == path);
            found.map(|(_, text)| text.as_bytes().to_vec())
        };
        merge(findings, Path::new(""), &read)
    }

    #[test]
    fn fixes_of_several_linters_become_one_patch() {
        let files = [("a.sh", "one\ntwo\nthree\nfour\nfive\nsix\nseven\neight\nnine\n"), ("b c.sh", "x\ny")];
        let insertion = of("a.sh", "@@ -0,0 +1,1 @@\n+# header\n");
        let findings = [
            finding("licenses", &insertion),
            finding("shfmt", &of("a.sh", "@@ -1,3 +1,3 @@\n one\n-two\n+TWO\n three\n")),
            finding("shellcheck", &of("a.sh", "@@ -2 +2 @@\n-two\n+\"two\"\n")),
            finding("shellcheck", &of("a.sh", "@@ -3,2 +3,1 @@\n-three\n-four\n+3+4\n")),
            finding("other", &insertion),
            finding("typos", &of("a.sh", "@@ -9 +9 @@\n-nine\n+NINE\n")),
            finding("shfmt", &of("b c.sh", "@@ -2 +2 @@\n-y\n\\ No newline at end of file\n+y\n")),
            finding("stale", &of("a.sh", "@@ -7 +7 @@\n-other\n+x\n")),
            finding("gone", &of("gone.sh", "@@ -7 +7 @@\n-other\n+x\n")),
            finding("broken", "?"),
        ];
        let patch = merged(&files, &findings);
        assert_eq!((patch.files, patch.fixes, patch.left_out), (2, 6, 4));
        insta::assert_snapshot!(String::from_utf8_lossy(&patch.bytes));
        let after = applied(&files, &patch);
        assert_eq!(after, ["# header\none\nTWO\n3+4\nfive\nsix\nseven\neight\nNINE\n", "x\ny\n"]);
    }

    #[test]
    fn a_fix_is_taken_whole_or_not_at_all() {
        let files = [("a", "1\n2\n3\n4\n5\n6\n7\n8\n")];
        let first = of("a", "@@ -8 +8 @@\n-8\n+eight\n");
        let both = of("a", "@@ -1 +1 @@\n-1\n+one\n@@ -8 +8 @@\n-8\n+acht\n");
        let patch = merged(&files, &[finding("x", &first), finding("y", &both)]);
        assert_eq!((patch.fixes, patch.left_out), (1, 1));
        assert_eq!(applied(&files, &patch), ["1\n2\n3\n4\n5\n6\n7\neight\n"]);
        assert_eq!(merged(&files, &[]), Patch::default());
    }

    #[test]
    fn git_takes_names_of_any_kind() {
        let folder = tempfile::tempdir().unwrap();
        let names: [&[u8]; 6] =
            [b"-dash", b"with space", b"quote\"", b"line\nbreak", b"latin\xe9", "日本.c".as_bytes()];
        let names: Vec<_> = names.iter().map(|name| PathBuf::from(OsStr::from_bytes(name))).collect();
        for name in &names {
            std::fs::write(folder.path().join(name), "old\n").unwrap();
        }
        let findings: Vec<_> =
            names.iter().map(|name| finding("x", &of_file(name, "@@ -1 +1 @@\n-old\n+new\n"))).collect();
        let patch = merge(&findings, Path::new(""), &|path| crate::report::read(folder.path(), path));
        assert_eq!((patch.files, patch.left_out), (6, 0));
        let file = folder.path().join("lint.patch");
        std::fs::write(&file, &patch.bytes).unwrap();
        let status = Command::new("git").args(["apply", "lint.patch"]).current_dir(folder.path()).status().unwrap();
        assert!(status.success());
        for name in &names {
            assert_eq!(std::fs::read_to_string(folder.path().join(name)).unwrap(), "new\n", "{}", name.display());
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn git_takes_what_is_merged(old in "([ab ]?\\n){0,12}c?", one in "([ab ]?\\n){0,12}c?", two in "([ab ]?\\n){0,12}d?") {
            let files = [("a", old.as_str())];
            let fixes: Vec<_> = [&one, &two]
                .into_iter()
                .flat_map(|new| Hunk::between(old.as_bytes(), new.as_bytes(), 1))
                .map(|hunk| finding("x", &of("a", &String::from_utf8(hunk.to_bytes()).unwrap())))
                .collect();
            let patch = merged(&files, &fixes);
            prop_assert_eq!(patch.fixes + patch.left_out, fixes.len());
            // An empty file after all is none for git.
            if !patch.bytes.is_empty() && !one.is_empty() && !two.is_empty() && !old.is_empty() {
                applied(&files, &patch);
            }
        }
    }
}
