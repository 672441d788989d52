// SPDX-License-Identifier: Apache-2.0
//! Whether a symbolic link stays inside the tree, followed as the kernel would follow it.

use std::collections::BTreeMap;

/// As many links as the kernel follows before it gives up.
const MOST_LINKS: usize = 40;

/// Where a link leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Destination {
    /// A place inside the tree, whether something is there or not.
    Inside,
    /// A path from the root of the file system.
    Absolute,
    /// A place above the tree.
    Outside,
    /// Round and round.
    Loop,
}

/// Follows the link at `path`; `links` holds the target of every link of the tree.
pub fn follow(path: &str, links: &BTreeMap<String, String>) -> Destination {
    match resolve(path, links) {
        Ok(_) => Destination::Inside,
        Err(elsewhere) => elsewhere,
    }
}

/// The place in the tree that a path leads to, through links in the middle as well.
pub fn resolve(path: &str, links: &BTreeMap<String, String>) -> Result<String, Destination> {
    let mut here: Vec<&str> = Vec::new();
    // What is still to be walked, its next part last.
    let mut ahead: Vec<&str> = path.split('/').rev().collect();
    let mut followed = 0;
    while let Some(part) = ahead.pop() {
        match part {
            "" | "." => {}
            ".." => {
                if here.pop().is_none() {
                    return Err(Destination::Outside);
                }
            }
            name => {
                here.push(name);
                let Some(target) = links.get(&here.join("/")) else { continue };
                followed += 1;
                if followed > MOST_LINKS {
                    return Err(Destination::Loop);
                }
                if target.starts_with('/') {
                    return Err(Destination::Absolute);
                }
                here.pop();
                ahead.extend(target.split('/').rev());
            }
        }
    }
    Ok(here.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_followed_as_the_kernel_does() {
        let links: BTreeMap<String, String> = [
            ("usr/lib/libx.so", "libx.so.0"),
            ("usr/lib/libx.so.0", "./../lib//libx.so.0.3"),
            ("usr/root", ".."),
            ("above", ".."),
            ("usr/above", "../.."),
            ("usr/a/b/deep", "../.."),
            // Counted without following `deep` this would seem to stay inside.
            ("sneaky", "usr/a/b/deep/../.."),
            ("polite", "usr/a/b/deep/.."),
            ("etc", "/etc"),
            ("usr/passwd", "../etc/passwd"),
            ("x", "y"),
            ("y", "x"),
        ]
        .map(|(path, target)| (path.to_owned(), target.to_owned()))
        .into();
        let cases = [
            ("usr/lib/libx.so", Destination::Inside),
            ("usr/lib/libx.so.0", Destination::Inside),
            ("usr/root", Destination::Inside),
            ("above", Destination::Outside),
            ("usr/above", Destination::Outside),
            ("sneaky", Destination::Outside),
            ("polite", Destination::Inside),
            ("etc", Destination::Absolute),
            ("usr/passwd", Destination::Absolute),
            ("x", Destination::Loop),
            ("not/a/link", Destination::Inside),
        ];
        for (path, expected) in cases {
            assert_eq!(follow(path, &links), expected, "{path}");
        }
    }
}
