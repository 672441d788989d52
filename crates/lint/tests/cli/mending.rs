// SPDX-License-Identifier: Apache-2.0
//! Fixes: in the patch, in place; and the list of linters.

use crate::{GREP, Scene};
use std::fs;

/// `grep` with a fix in place.
fn mending() -> Scene {
    let scene = Scene::with(&format!("{GREP}fix.args = ['--fix', '{{files}}']\n"));
    let fix = "if [ \"$1\" = --fix ]; then shift; sed -i s/BAD/good/ \"$@\"; exit; fi\n";
    scene.program("lint-grep", &format!("{fix}{}", crate::GREP_SCRIPT));
    scene.write("a.txt", "one\nBAD\nthree\n");
    scene.write("d/b c.txt", "BAD\n");
    scene
}

#[test]
fn the_patch_mends_what_was_found_and_changes_nothing_by_itself() {
    let scene = mending();
    let patch = scene.out("lint.patch");
    let told = scene.laptop(&["--patch-path", patch.to_str().unwrap()]);
    assert_eq!(told.output("errors"), "2", "{told:?}");
    assert_eq!(told.output("patch"), patch.to_str().unwrap());
    assert_eq!(scene.read("a.txt"), "one\nBAD\nthree\n");
    insta::assert_snapshot!(fs::read_to_string(&patch).unwrap().replace('\t', "<tab>"), @r"
    --- a/a.txt
    +++ b/a.txt
    @@ -1,3 +1,3 @@
     one
    -BAD
    +good
     three
    --- a/d/b c.txt<tab>
    +++ b/d/b c.txt<tab>
    @@ -1,1 +1,1 @@
    -BAD
    +good
    ");
    scene.git(&["apply", patch.to_str().unwrap()]);
    assert_eq!((scene.read("a.txt"), scene.read("d/b c.txt")), ("one\ngood\nthree\n".to_owned(), "good\n".to_owned()));
    assert_eq!(scene.laptop(&[]).code, Some(0));
}

#[test]
fn fix_mends_in_place_and_tells_what_is_left() {
    let scene = mending();
    let told = scene.laptop(&["--fix"]);
    assert_eq!(told.code, Some(0), "{told:?}");
    assert_eq!(scene.read("d/b c.txt"), "good\n");
}

#[test]
fn fix_applies_the_changes_of_formatters() {
    let settings = r#"
[lint]
linters = ["upper"]
[lint.linter.upper]
category = "code"
homepage = "https://example.org"
files.globs = ["*.txt"]
run = { program = "lint-upper", args = [], per = "file", stdin = true }
read.format = "formatted"
"#;
    let scene = Scene::with(settings);
    scene.program("lint-upper", "exec tr a-z A-Z");
    scene.write("-a.txt", "one\nTWO\n");
    let told = scene.laptop(&["--fail-on", "warning"]);
    assert_eq!((told.code, told.output("warnings")), (Some(1), "1"), "{told:?}");
    let told = scene.laptop(&["--fail-on", "warning", "--fix"]);
    assert_eq!(told.code, Some(0), "{told:?}");
    assert_eq!(scene.read("-a.txt"), "ONE\nTWO\n");
}

#[test]
fn a_fix_that_fails_is_no_fix() {
    let scene = mending();
    scene.program(
        "lint-grep",
        &format!("if [ \"$1\" = --fix ]; then shift; echo >> \"$1\"; exit 9; fi\n{}", crate::GREP_SCRIPT),
    );
    let patch = scene.out("lint.patch");
    let told = scene.laptop(&["--patch-path", patch.to_str().unwrap()]);
    assert_eq!(told.output("errors"), "2", "{told:?}");
    assert_eq!(fs::read_to_string(&patch).unwrap(), "");
}

#[test]
fn the_list_tells_of_every_linter_whether_it_is_relevant_and_why() {
    let scene = mending();
    let told = scene.laptop(&["--list", "--linters", "grep,shellcheck,clang-tidy,commits"]);
    assert_eq!(told.code, Some(0), "{told:?}");
    for word in ["2 files", "1.2.3", "no file matches", "no build-path", "give base", "it is not asked for"] {
        assert!(told.out.contains(word), "{word}: {}", told.out);
    }
}
