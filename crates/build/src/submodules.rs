// SPDX-License-Identifier: Apache-2.0
//! Submodules that the checkout left out: a build would fail on them with a message that names something else.

use std::fs;
use std::path::{Component, Path, PathBuf};
use toolkit::{Failure, Program, Result, ResultExt, Tool};

const GIT: Tool = Tool { program: "git", provided_by: "the Debian package git" };

/// The file that lists submodules.
const LIST: &str = ".gitmodules";

/// How deep submodules of submodules are followed.
const DEPTH: usize = 8;

/// Refuses a source tree in which the folder of a submodule is empty.
pub fn check(source: &Path) -> Result<()> {
    let mut empty = Vec::new();
    // The source tree may be a folder of a repository, whose top has the list.
    let top = source.ancestors().find(|folder| folder.join(".git").exists()).unwrap_or(source);
    find(top, DEPTH, &mut empty)?;
    let below = |path: &PathBuf| path.strip_prefix(source).ok().map(|path| path.display().to_string());
    let empty: Vec<_> = empty.iter().filter_map(below).collect();
    let (verb, them) = match empty.as_slice() {
        [] => return Ok(()),
        [_] => ("folder of the submodule", "is"),
        _ => ("folders of the submodules", "are"),
    };
    Err(Failure::input(format!("the {verb} {} {them} empty in {}", empty.join(", "), source.display()))
        .title("submodule is missing")
        .help(
            "run `git submodule update --init --recursive`; in a workflow, check out with `submodules: recursive`, \
             and with a token if the submodule is private. One that no build needs has `update = none` in .gitmodules",
        ))
}

/// Adds the empty folders that a tree's list names, and those of the submodules that are there.
fn find(tree: &Path, depth: usize, empty: &mut Vec<PathBuf>) -> Result<()> {
    for path in listed(tree)? {
        let folder = tree.join(path);
        match fs::read_dir(&folder).map(|mut entries| entries.next().is_none()) {
            Ok(true) => empty.push(folder),
            Ok(false) if depth > 0 => find(&folder, depth - 1, empty)?,
            // Git makes the folder of every submodule of a commit; the entry of one that is gone is left over.
            Ok(false) | Err(_) => {}
        }
    }
    Ok(())
}

/// The folders of the submodules in a tree's list that git would check out.
fn listed(tree: &Path) -> Result<Vec<PathBuf>> {
    let file = tree.join(LIST);
    if !file.is_file() {
        return Ok(Vec::new());
    }
    let program = Program::new(GIT.find()?).args(["config", "--no-includes", "--null", "--list", "--file"]).arg(&file);
    let text = program.capture().input(format!("failed to read {}", file.display()))?;
    let values: Vec<_> = text.split('\0').filter_map(|entry| entry.split_once('\n')).collect();
    let unwanted = |name: &str| values.contains(&(format!("submodule.{name}.update").as_str(), "none"));
    let paths = values.iter().filter_map(|(key, path)| {
        let name = key.strip_prefix("submodule.")?.strip_suffix(".path")?;
        let path = Path::new(path);
        // Git follows no other path either.
        let inside = path.components().all(|component| matches!(component, Component::Normal(_)));
        (inside && !unwanted(name)).then(|| path.to_owned())
    });
    Ok(paths.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A tree with files; a name that ends with `/` is an empty folder.
    fn tree(files: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = folder.path().join(name);
            if name.ends_with('/') {
                fs::create_dir_all(path).unwrap();
            } else {
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::write(path, text).unwrap();
            }
        }
        folder
    }

    const LISTED: &str = "[submodule \"scripts/meson\"]\n\tpath = scripts/common\n\turl = https://example.org/x.git\n";

    /// A name, the files, and the folders that are found.
    type Case<'a> = (&'a str, &'a [(&'a str, &'a str)], &'a [&'a str]);

    #[test]
    fn empty_folders_of_submodules_are_found() {
        let nested = LISTED.replace("scripts/common", "deep");
        let cases: [Case; 10] = [
            ("no list", &[("scripts/common/", "")], &[]),
            ("empty", &[(LIST, LISTED), ("scripts/common/", "")], &["scripts/common"]),
            ("filled", &[(LIST, LISTED), ("scripts/common/x", "")], &[]),
            ("not in this commit", &[(LIST, LISTED)], &[]),
            ("not wanted", &[(LIST, &format!("{LISTED}update = none\n")), ("scripts/common/", "")], &[]),
            (
                "by rebase",
                &[(LIST, &format!("{LISTED}update = rebase\n")), ("scripts/common/", "")],
                &["scripts/common"],
            ),
            ("outside", &[(LIST, "[submodule \"x\"]\npath = ../x\n[submodule \"y\"]\npath = /tmp\n")], &[]),
            ("a blank and quotes", &[(LIST, "[submodule \"x\"]\npath = \"a b\"\n"), ("a b/", "")], &["a b"]),
            (
                "a submodule's own",
                &[(LIST, LISTED), ("scripts/common/.gitmodules", &nested), ("scripts/common/deep/", "")],
                &["scripts/common/deep"],
            ),
            ("a file in its place", &[(LIST, LISTED), ("scripts/common", "")], &[]),
        ];
        for (name, files, expected) in cases {
            let folder = tree(files);
            let mut found = Vec::new();
            find(folder.path(), DEPTH, &mut found).unwrap();
            let found: Vec<_> = found.iter().map(|path| path.strip_prefix(folder.path()).unwrap()).collect();
            assert_eq!(found, expected.iter().map(Path::new).collect::<Vec<_>>(), "{name}");
        }
    }

    #[test]
    fn only_what_is_built_has_to_be_there() {
        let list = "[submodule \"a\"]\npath = lib/a\n[submodule \"b\"]\npath = docs/b\n";
        let folder = tree(&[(".git/", ""), (LIST, list), ("lib/a/", ""), ("docs/b/", "")]);
        let said = |source: &str| {
            let failure = check(&folder.path().join(source)).unwrap_err();
            assert_eq!(failure.status().code(), 2);
            failure.messages()[0].replace(&folder.path().display().to_string(), "<top>")
        };
        assert_eq!(said(""), "the folders of the submodules lib/a, docs/b are empty in <top>/");
        assert_eq!(said("lib"), "the folder of the submodule a is empty in <top>/lib");
        fs::create_dir(folder.path().join("src")).unwrap();
        check(&folder.path().join("src")).unwrap();
        fs::write(folder.path().join(LIST), "[submodule").unwrap();
        assert_eq!(check(folder.path()).unwrap_err().status().code(), 2);
    }
}
