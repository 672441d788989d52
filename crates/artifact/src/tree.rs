// SPDX-License-Identifier: Apache-2.0
//! The digest of an install tree: what was built, tested and packaged, in one number.
//!
//! It is taken over a listing that anybody can make with `find` and `sha256sum`. This module
//! knows the listing and compares two of them; it never reads a file system.

use crate::{Hasher, Sha256};
use std::fmt;

/// The first line of a listing.
const HEAD: &str = "vaccel-ci tree 1\n";

/// What an entry of a tree is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TreeNode {
    /// A folder.
    Folder,
    /// A regular file.
    File {
        /// Its size in bytes.
        size: u64,
        /// The digest of its content.
        sha256: Sha256,
    },
    /// A symbolic link.
    Link {
        /// Where it leads, as it is written in the link.
        target: Vec<u8>,
    },
    /// A pipe (`p`), socket (`s`) or device (`b`, `c`): nothing that can be packaged.
    Special(char),
}

/// One entry of a tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TreeEntry {
    /// Its path below the root, without a leading `/`.
    pub path: Vec<u8>,
    /// Its permission bits.
    pub mode: u32,
    /// What it is.
    pub node: TreeNode,
}

impl TreeEntry {
    /// The mode that it has in a package, so that the umask of a build does not count; set-user-id and set-group-id do.
    fn packaged_mode(&self) -> u32 {
        match self.node {
            TreeNode::Link { .. } => 0o777,
            TreeNode::Folder => 0o755,
            _ if self.mode & 0o100 == 0 => 0o644 | self.mode & 0o6000,
            _ => 0o755 | self.mode & 0o6000,
        }
    }

    /// Whether two entries are the same in a package.
    fn equals(&self, other: &Self) -> bool {
        self.node == other.node && self.packaged_mode() == other.packaged_mode()
    }

    /// `<type> <mode> <size> <path>\0<digest or target>\0\n`; the type as `find` prints it with `%y`.
    fn line(&self) -> Vec<u8> {
        let (kind, size) = match &self.node {
            TreeNode::Folder => ('d', 0),
            TreeNode::File { size, .. } => ('f', *size),
            TreeNode::Link { target } => ('l', target.len() as u64),
            TreeNode::Special(kind) => (*kind, 0),
        };
        let mut line = format!("{kind} {:o} {size} ", self.packaged_mode()).into_bytes();
        line.extend_from_slice(&self.path);
        line.push(0);
        match &self.node {
            TreeNode::File { sha256, .. } => line.extend_from_slice(sha256.to_string().as_bytes()),
            TreeNode::Link { target } => line.extend_from_slice(target),
            TreeNode::Folder | TreeNode::Special(_) => {}
        }
        line.extend_from_slice(b"\0\n");
        line
    }
}

/// Every entry below the root of a tree, sorted by path as bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TreeListing(Vec<TreeEntry>);

impl TreeListing {
    /// Sorts the entries.
    pub fn new(mut entries: Vec<TreeEntry>) -> Self {
        entries.sort_by(|a, b| a.path.cmp(&b.path));
        Self(entries)
    }

    /// The entries in order.
    pub fn entries(&self) -> &[TreeEntry] {
        &self.0
    }

    /// The digest of the listing.
    pub fn digest(&self) -> Sha256 {
        let mut hasher = Hasher::default();
        hasher.update(HEAD.as_bytes());
        self.0.iter().for_each(|entry| hasher.update(&entry.line()));
        hasher.finish()
    }

    /// What is different in a later listing of the same tree, sorted by path.
    pub fn changes(&self, later: &Self) -> Vec<TreeChange> {
        let mut changes = Vec::new();
        let (mut before, mut after) = (self.0.iter().peekable(), later.0.iter().peekable());
        loop {
            let order = match (before.peek(), after.peek()) {
                (None, None) => return changes,
                (Some(_), None) => std::cmp::Ordering::Less,
                (None, Some(_)) => std::cmp::Ordering::Greater,
                (Some(a), Some(b)) => a.path.cmp(&b.path),
            };
            let old = if order.is_le() { before.next() } else { None };
            let new = if order.is_ge() { after.next() } else { None };
            let what = match (old, new) {
                (Some(old), None) => (old, "removed"),
                (None, Some(new)) => (new, "added"),
                (Some(old), Some(new)) if !old.equals(new) => (new, difference(old, new)),
                _ => continue,
            };
            changes.push(TreeChange { path: String::from_utf8_lossy(&what.0.path).into_owned(), what: what.1 });
        }
    }
}

fn difference(old: &TreeEntry, new: &TreeEntry) -> &'static str {
    match (&old.node, &new.node) {
        (TreeNode::File { .. }, TreeNode::File { .. }) if old.node != new.node => "changed",
        (TreeNode::Link { .. }, TreeNode::Link { .. }) if old.node != new.node => "leads elsewhere",
        (a, b) if a == b => "has another mode",
        _ => "replaced",
    }
}

/// An entry that differs between two listings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TreeChange {
    /// Its path.
    pub path: String,
    /// `added`, `removed`, `changed`, `replaced`, `has another mode` or `leads elsewhere`.
    pub what: &'static str,
}

impl fmt::Display for TreeChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.path.escape_debug(), self.what)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn file(path: &str, content: &str) -> TreeEntry {
        let node = TreeNode::File { size: content.len() as u64, sha256: Sha256::of(content.as_bytes()) };
        TreeEntry { path: path.into(), mode: 0o644, node }
    }

    fn link(path: &str, target: &str) -> TreeEntry {
        TreeEntry { path: path.into(), mode: 0o777, node: TreeNode::Link { target: target.into() } }
    }

    fn folder(path: &str) -> TreeEntry {
        TreeEntry { path: path.into(), mode: 0o755, node: TreeNode::Folder }
    }

    #[test]
    fn the_digest_is_a_promise_to_other_versions() {
        let listing = TreeListing::new(vec![file("usr/b", "b"), link("usr/a", "b"), folder("usr")]);
        let text: Vec<u8> = listing.entries().iter().flat_map(TreeEntry::line).collect();
        assert_eq!(
            String::from_utf8(text).unwrap(),
            format!("d 755 0 usr\0\0\nl 777 1 usr/a\0b\0\nf 644 1 usr/b\0{}\0\n", Sha256::of(b"b"))
        );
        insta::assert_snapshot!(listing.digest(), @"49519e1a2af5e2d62736f7c78e68dfb9c875ad1f21a9f46597f5d0213d0cd6ce");
    }

    #[test]
    fn every_difference_changes_the_digest_and_is_named() {
        let before = TreeListing::new(vec![folder("usr"), file("usr/a", "a"), link("usr/l", "a")]);
        let cases: [(&str, Vec<TreeEntry>); 8] = [
            (
                "",
                vec![
                    TreeEntry { mode: 0o700, ..folder("usr") },
                    TreeEntry { mode: 0o600, ..file("usr/a", "a") },
                    link("usr/l", "a"),
                ],
            ),
            ("", vec![link("usr/l", "a"), file("usr/a", "a"), folder("usr")]),
            ("usr/a (changed)", vec![folder("usr"), file("usr/a", "b"), link("usr/l", "a")]),
            (
                "usr/a (has another mode)",
                vec![folder("usr"), TreeEntry { mode: 0o755, ..file("usr/a", "a") }, link("usr/l", "a")],
            ),
            ("usr/l (leads elsewhere)", vec![folder("usr"), file("usr/a", "a"), link("usr/l", "b")]),
            ("usr/l (replaced)", vec![folder("usr"), file("usr/a", "a"), file("usr/l", "a")]),
            ("usr/a (removed)", vec![folder("usr"), link("usr/l", "a")]),
            ("usr/\\n (added)", vec![folder("usr"), file("usr/a", "a"), link("usr/l", "a"), folder("usr/\n")]),
        ];
        for (expected, entries) in cases {
            let after = TreeListing::new(entries);
            let changes: Vec<_> = before.changes(&after).iter().map(ToString::to_string).collect();
            assert_eq!(changes.join(", "), expected);
            assert_eq!(before.digest() == after.digest(), expected.is_empty(), "{expected}");
        }
    }

    fn entries() -> impl Strategy<Value = Vec<TreeEntry>> {
        // Names that try to look like the end of a line and the beginning of another.
        let name = prop::collection::vec(prop::sample::select(b"ab/ \n0f".to_vec()), 1..6);
        let node = prop_oneof![
            Just(TreeNode::Folder),
            any::<[u8; 2]>().prop_map(|content| TreeNode::File { size: 2, sha256: Sha256::of(&content) }),
            prop::collection::vec(prop::sample::select(b"a \n0".to_vec()), 1..4)
                .prop_map(|target| TreeNode::Link { target }),
            Just(TreeNode::Special('p')),
        ];
        let entry = (name, 0u32..0o7777, node);
        prop::collection::btree_map(prop::collection::vec(any::<u8>(), 0..1), entry, 0..5).prop_map(|map| {
            let mut seen = std::collections::BTreeSet::new();
            let entries = map.into_values().filter(|(path, _, _)| seen.insert(path.clone()));
            entries.map(|(path, mode, node)| TreeEntry { path, mode, node }).collect()
        })
    }

    proptest! {
        #[test]
        fn only_equal_trees_have_equal_digests(a in entries(), b in entries()) {
            let (a, b) = (TreeListing::new(a), TreeListing::new(b));
            prop_assert_eq!(a.changes(&b).is_empty(), a.digest() == b.digest());
            prop_assert!(a != b || a.digest() == b.digest());
            prop_assert_eq!(a.changes(&b).len(), b.changes(&a).len());
        }
    }
}
