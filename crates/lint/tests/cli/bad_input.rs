// SPDX-License-Identifier: Apache-2.0
//! Inputs, settings and surroundings that are wrong: what is said, and with which exit status.

use crate::{GREP, Scene, git};
use std::fs;

#[test]
fn unknown_names_are_answered_with_the_known_ones() {
    let scene = Scene::with("");
    let told = scene.laptop(&["--linters", "shellchek"]);
    assert_eq!(told.code, Some(2));
    assert!(told.error().starts_with("error: unknown linter \"shellchek\"; there are action-schema, "), "{told:?}");
    let told = scene.laptop(&["--categories", "code,script"]);
    assert_eq!(told.code, Some(2));
    insta::assert_snapshot!(told.error(), @r#"error: unknown category "script"; there are code, scripts, docs, workflows, commits, licenses"#);
}

#[test]
fn wrong_settings_are_named_by_file_line_and_key() {
    let cases = [
        ("[lint]\nfail-on = 'often'\n", "2: lint.fail-on: unknown variant `often`"),
        ("[lint]\ncategories = ['cod']\n", "2: lint.categories: unknown variant `cod`"),
        ("[lint.check.commits]\nmax = 1\n", "2: lint.check.commits.max: unknown field `max`"),
        ("\n[lint.linter.shfmt.run]\ntimeout = 'x'\n", "3: lint.linter.shfmt.run.timeout: invalid type: string"),
        ("[lint.linter.own]\nhomepage = 'x'\n", "1: lint.linter.own: missing field"),
        ("[lint\n", "1: "),
    ];
    for (settings, expected) in cases {
        let told = Scene::with(settings).laptop(&[]);
        let expected = format!("error: .github/vaccel-ci.toml:{expected}");
        assert_eq!(told.code, Some(2), "{settings}");
        assert!(told.error().starts_with(&expected), "{settings}: {told:?}");
    }
    let told = Scene::with("[lint]\nlinters = ['own']\n").laptop(&[]);
    assert!(told.error().starts_with("error: unknown linter \"own\""), "{told:?}");
    let told = Scene::with("[lint]\nexclude = ['[a']\n").laptop(&[]);
    assert!(told.error().starts_with("error: .github/vaccel-ci.toml: lint.exclude\n"), "{told:?}");
}

#[test]
fn a_base_that_a_shallow_clone_lacks_is_told_with_the_way_out() {
    let scene = Scene::new();
    let base = scene.commit();
    scene.write("a.txt", "fine\n");
    scene.commit();
    let clone = scene.out("clone");
    let url = format!("file://{}", scene.root().display());
    git(&scene.root(), &["clone", "--quiet", "--depth=1", &url, clone.to_str().unwrap()]);
    let told = scene.pull_request_of(&clone, &base, &[]);
    assert_eq!(told.code, Some(1));
    insta::assert_snapshot!(told.out.replace(&base, "<base>"), @"::error title=the base commit is missing::the base commit <base> is not in the repository%0Ahelp: check out with `fetch-depth: 0`, which fetches the whole history");
    // It has the commit, and not what is between.
    git(&clone, &["fetch", "--quiet", "--depth=1", "origin", &base]);
    let told = scene.pull_request_of(&clone, &base, &[]);
    assert_eq!(told.code, Some(1));
    assert!(told.out.contains("has no ancestor in common with HEAD"), "{told:?}");
    assert!(told.out.contains("fetch-depth: 0"), "{told:?}");
}

#[test]
fn without_relevant_files_it_succeeds_and_says_so() {
    let scene = Scene::new();
    let told = scene.laptop(&[]);
    assert_eq!(told.code, Some(0), "{told:?}");
    insta::assert_snapshot!(told.story.trim(), @r"
    no linter is relevant here
    1 linter not relevant here; --list tells why
    found nothing
    ");
}

#[test]
fn a_missing_program_is_an_error_or_a_warning() {
    let scene = Scene::with(&format!("{GREP}provided-by = 'the Debian package lint-grep'\n"));
    scene.write("a.txt", "fine\n");
    let told = scene.laptop(&[]);
    assert_eq!(told.code, Some(1));
    assert!(told.story.contains("install the Debian package lint-grep"), "{told:?}");
    assert_eq!(told.output("errors"), "1");
    let told = scene.laptop(&["--missing", "warn", "--fail-on", "warning"]);
    assert_eq!(told.code, Some(0), "{told:?}");
    assert!(told.story.contains("grep  missing; install the Debian package lint-grep"), "{told:?}");
    assert!(told.story.ends_with("warning: found nothing; 1 of 1 linter is not on this runner\n"), "{told:?}");
    assert_eq!((told.output("linters"), told.output("not-run")), ("", "grep"));
}

#[test]
fn places_that_are_none_are_refused() {
    let scene = Scene::new();
    scene.commit();
    let elsewhere = scene.out("plain");
    fs::create_dir(&elsewhere).unwrap();
    let cases: [(&std::path::Path, &[&str], &str); 5] = [
        (&scene.root(), &["--source-path", "nowhere"], "error: there is no folder nowhere\n"),
        (&scene.root(), &["--source-path", ".github/vaccel-ci.toml"], "error: .github/vaccel-ci.toml is not a folder"),
        (&elsewhere, &["--changed-only", "true"], "error: . is in no git repository, so nothing says what changed"),
        (&scene.root(), &["--changed-only", "true"], "error: changed-only needs a commit to compare with"),
        (&scene.root(), &["--base", "--output=x"], "error: "),
    ];
    for (folder, arguments, expected) in cases {
        let told = scene.run(folder, arguments, &[]);
        assert_eq!(told.code, Some(2), "{told:?}");
        assert!(told.error().starts_with(expected), "{told:?}");
    }
    let told = scene.laptop(&["--base=--output=x"]);
    assert_eq!((told.code, told.error()), (Some(2), "error: \"--output=x\" is not a valid commit\nhelp: correct base"));
}

#[test]
fn nothing_is_mended_in_a_workflow() {
    let scene = Scene::new();
    let base = scene.commit();
    let told = scene.pull_request(&base, &["--fix"]);
    assert_eq!(told.code, Some(2));
    assert!(told.out.contains("fix changes files, and is for a person's work tree only"), "{told:?}");
}
