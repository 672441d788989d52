// SPDX-License-Identifier: Apache-2.0
//! Which findings count: the same in a pull request, the merge queue, on a push and for a tag.

use crate::{GREP, GREP_SCRIPT, Scene, git};
use serde_json::{Value, json};
use std::fmt::Write;
use std::fs;

const ZEROS: &str = "0000000000000000000000000000000000000000";

/// A repository whose default branch has an old finding.
fn scene() -> Scene {
    let scene = Scene::new();
    scene.write("old.txt", "BAD\n");
    scene.commit();
    scene
}

fn push(scene: &Scene, payload: Value) -> crate::Told {
    let mut payload = payload;
    payload["repository"] = json!({ "default_branch": "main" });
    scene.event(&scene.root(), "push", &payload, &[])
}

/// Every event for a branch with one more commit; with what its name is.
fn events(base: &str, head: &str) -> Vec<(&'static str, &'static str, Value)> {
    let repository = json!({ "default_branch": "main" });
    let branch = "refs/heads/topic";
    let of = |payload: Value| {
        let mut payload = payload;
        payload["repository"] = repository.clone();
        payload
    };
    vec![
        ("pull request", "pull_request", of(json!({ "pull_request": { "base": { "sha": base } } }))),
        ("fork", "pull_request_target", of(json!({ "pull_request": { "base": { "sha": base } } }))),
        ("merge queue", "merge_group", of(json!({ "merge_group": { "base_sha": base, "head_sha": head } }))),
        ("push", "push", of(json!({ "before": base, "after": head, "ref": branch }))),
        ("first push", "push", of(json!({ "before": ZEROS, "after": head, "ref": branch }))),
        (
            "forced push",
            "push",
            of(json!({ "before": "1234567890123456789012345678901234567890", "forced": true, "ref": branch })),
        ),
        ("tag", "push", of(json!({ "before": ZEROS, "ref": "refs/tags/v1.0.0" }))),
        ("by hand", "workflow_dispatch", of(json!({ "ref": branch }))),
        ("schedule", "schedule", of(json!({}))),
    ]
}

#[test]
fn every_event_judges_alike() {
    for (text, code) in [("fine\n", 0), ("BAD\n", 1)] {
        let scene = scene();
        let base = scene.git(&["rev-parse", "HEAD"]);
        scene.git(&["checkout", "--quiet", "-b", "topic"]);
        scene.write("new.txt", text);
        let head = scene.commit();
        for (name, event, payload) in events(&base, &head) {
            let told = scene.event(&scene.root(), event, &payload, &[]);
            assert_eq!(told.code, Some(code), "{name} {text:?}: {told:?}");
            assert_eq!(scene.written("errors"), code.to_string(), "{name}");
            let told = scene.event(&scene.root(), event, &payload, &["--changed-only=false"]);
            assert_eq!(told.code, Some(1), "{name}: all counts if somebody asks for it: {told:?}");
        }
    }
}

#[test]
fn a_push_looks_at_everything_and_what_is_old_is_a_notice() {
    let scene = scene();
    let base = scene.git(&["rev-parse", "HEAD"]);
    scene.write("new.txt", "fine\n");
    scene.commit();
    let told = push(&scene, json!({ "before": base, "ref": "refs/heads/main" }));
    assert_eq!(told.code, Some(0), "{told:?}");
    assert!(told.out.contains("::notice file=old.txt,line=1") && !told.out.contains("::error"), "{told:?}");
    let told = scene.pull_request(&base, &[]);
    assert!(!told.out.contains("old.txt"), "a pull request looks at what changed only: {told:?}");
}

#[test]
fn a_linter_that_fails_on_old_files_fails_nothing_that_was_merged() {
    let scene = scene();
    let base = scene.git(&["rev-parse", "HEAD"]);
    scene.program("lint-grep", &format!("case \"$*\" in *old.txt*) kill -SEGV $$ ;; esac\n{GREP_SCRIPT}"));
    scene.write("new.txt", "fine\n");
    scene.commit();
    let told = push(&scene, json!({ "before": base, "ref": "refs/heads/main" }));
    assert_eq!(told.code, Some(0), "{told:?}");
    assert!(told.out.contains("::notice") && told.out.contains("SIGSEGV"), "{told:?}");
    // Nor does one whose program is missing and none of whose files changed.
    let scene = Scene::with(GREP);
    scene.write("old.txt", "fine\n");
    let base = scene.commit();
    scene.write("readme.md", "x\n");
    scene.commit();
    let told = push(&scene, json!({ "before": base, "ref": "refs/heads/main" }));
    assert_eq!(told.code, Some(0), "{told:?}");
    assert!(told.out.contains("::warning") && told.out.contains("1 of 1 linter is not on this runner"), "{told:?}");
}

#[test]
fn a_forced_push_of_the_default_branch_is_compared_with_what_it_replaced_or_what_it_brings() {
    let scene = scene();
    let begin = scene.git(&["rev-parse", "HEAD"]);
    scene.write("gone.txt", "BAD\n");
    let before = scene.commit();
    scene.git(&["reset", "--quiet", "--hard", &begin]);
    scene.write("new.txt", "fine\n");
    let head = scene.commit();
    let commits = json!([{ "id": head }]);
    let forced =
        |before: &str| json!({ "before": before, "forced": true, "ref": "refs/heads/main", "commits": commits });
    assert_eq!(push(&scene, forced(&before)).code, Some(0));
    assert_eq!(push(&scene, forced("1234567890123456789012345678901234567890")).code, Some(0));
    // The first push of a repository brings everything.
    let told = push(&scene, json!({ "before": ZEROS, "ref": "refs/heads/main" }));
    assert_eq!(told.code, Some(1), "{told:?}");
    assert!(told.out.contains("there is no commit to compare with, so every finding counts"), "{told:?}");
}

#[test]
fn a_shallow_clone_of_a_push_is_an_error_with_the_way_out() {
    let scene = scene();
    let before = scene.git(&["rev-parse", "HEAD"]);
    scene.write("new.txt", "fine\n");
    scene.commit();
    let clone = scene.out("clone");
    let url = format!("file://{}", scene.root().display());
    git(&scene.root(), &["clone", "--quiet", "--depth=1", &url, clone.to_str().unwrap()]);
    git(&clone, &["checkout", "--quiet", "--detach"]);
    for name in ["refs/remotes/origin/main", "refs/heads/main", "refs/remotes/origin/HEAD"] {
        git(&clone, &["update-ref", "-d", "--no-deref", name]);
    }
    let payload = json!({ "before": before, "ref": "refs/heads/main", "repository": { "default_branch": "main" } });
    let told = scene.event(&clone, "push", &payload, &[]);
    assert_eq!(told.code, Some(1), "{told:?}");
    assert!(told.out.contains("shallow clone") && told.out.contains("fetch-depth: 0"), "{told:?}");
}

/// Something that makes git show no lines of `a.txt`, and whether it is a matter of the repository.
const UNDIFFABLE: &[(&str, &str, &str)] = &[
    ("-diff", "*.txt -diff\n", "fine\n"),
    ("binary", "*.txt binary\n", "fine\n"),
    ("-text -diff", "a.txt -text -diff\n", "fine\n"),
    ("macro", "[attr]opaque -diff\n*.txt opaque\n", "fine\n"),
    ("NUL", "", "fine\0\n"),
];

#[test]
fn files_whose_lines_git_does_not_show_count_whole() {
    for (name, attributes, text) in UNDIFFABLE {
        for attributes_are_new in [true, false] {
            let scene = Scene::new();
            scene.write("a.txt", "one\n");
            if !attributes_are_new {
                scene.write(".gitattributes", attributes);
            }
            let base = scene.commit();
            scene.write(".gitattributes", attributes);
            scene.write("a.txt", &format!("one\nBAD {text}"));
            scene.commit();
            let told = scene.pull_request(&base, &[]);
            assert_eq!(told.code, Some(1), "{name}: {told:?}");
        }
    }
    // What only moved or got another mode did not change.
    let scene = Scene::new();
    scene.write(".gitattributes", "*.txt -diff\n");
    scene.write("a.txt", "BAD\n");
    scene.write("b.txt", "BAD\n");
    let base = scene.commit();
    scene.git(&["mv", "a.txt", "moved.txt"]);
    scene.git(&["update-index", "--chmod=+x", "b.txt"]);
    scene.git(&["commit", "--quiet", "--message", "feat: move"]);
    assert_eq!(scene.pull_request(&base, &[]).code, Some(0));
}

/// Settings of git, for the machine or the repository, that change what `git diff` prints.
const SETTINGS: &[&str] = &[
    "diff.renames=false",
    "diff.renames=copies",
    "diff.renameLimit=1",
    "diff.noprefix=true",
    "diff.mnemonicPrefix=true",
    "diff.srcPrefix=x/",
    "diff.dstPrefix=y/",
    "diff.relative=false",
    "diff.context=9",
    "diff.interHunkContext=99",
    "diff.orderFile=/nowhere",
    "diff.external=false",
    "diff.algorithm=patience",
    "diff.indentHeuristic=false",
    "diff.suppressBlankEmpty=true",
    "diff.ignoreSubmodules=none",
    "diff.submodule=log",
    "diff.wsErrorHighlight=all",
    "diff.colorMoved=zebra",
    "diff.text.textconv=true",
    "diff.text.command=false",
    "diff.text.binary=true",
    "color.ui=always",
    "color.diff=always",
    "core.attributesFile=@ATTRIBUTES@",
    "core.pager=false",
    "core.quotePath=false",
    "log.showSignature=true",
    "i18n.logOutputEncoding=UTF-16",
    "diff.autoRefreshIndex=false",
];

#[test]
fn the_machines_configuration_of_git_changes_nothing() {
    let scene = Scene::new();
    let lines = |bad: &[usize]| -> String {
        (1..40)
            .map(|number| if bad.contains(&number) { "BAD\n".to_owned() } else { format!("line {number}\n") })
            .collect()
    };
    scene.write(".gitattributes", "*.txt diff=text\n");
    scene.write("moved.txt", &lines(&[5]));
    scene.write("same.txt", "BAD\n");
    scene.write("ü.txt", &lines(&[3, 30]));
    let base = scene.commit();
    scene.git(&["mv", "moved.txt", "new name.txt"]);
    scene.write("ü.txt", &lines(&[3, 10, 30]).replace("line 20\n", "changed\n"));
    scene.commit();
    // It only looks as if it had changed.
    scene.write("same.txt", "BAD\n");
    let attributes = scene.out("attributes");
    fs::write(&attributes, "*.txt binary linguist-generated\n").unwrap();
    let all = SETTINGS.join("\n");
    for settings in SETTINGS.iter().copied().chain([all.as_str()]) {
        let settings = settings.replace("@ATTRIBUTES@", attributes.to_str().unwrap());
        let mut file = String::new();
        for setting in settings.lines() {
            let (name, value) = setting.split_once('=').unwrap();
            let (section, key) = name.rsplit_once('.').unwrap();
            let section = section.split_once('.').map_or(section.to_owned(), |(one, two)| format!("{one} \"{two}\""));
            writeln!(file, "[{section}]\n\t{key} = {value}").unwrap();
        }
        // `HOME` of a run.
        fs::write(scene.folder.path().join(".gitconfig"), file).unwrap();
        let told = scene.pull_request(&base, &[]);
        assert_eq!((told.code, scene.written("errors").as_str()), (Some(1), "1"), "{settings}: {told:?}");
        assert!(told.out.contains("::error file=ü.txt,line=10"), "{settings}: {told:?}");
    }
}

/// Name, files, a part of the sentence.
type Case<'a> = (&'a str, &'a [(&'a str, &'a str)], Option<&'a str>);

#[test]
fn who_exempts_the_files_of_the_same_change_is_reported_in_a_line() {
    let excluded = GREP.replacen("[lint]", "[lint]\nexclude = ['b/**']", 1);
    let cases: [Case; 6] = [
        ("attributes", &[(".gitattributes", "a.txt linguist-generated\n")], Some("with .gitattributes: a.txt")),
        ("attributes below", &[("b/.gitattributes", "*.txt linguist-vendored\n")], Some("1 file of its own")),
        ("exclude", &[(".github/vaccel-ci.toml", &excluded)], Some("with .github/vaccel-ci.toml: b/b.txt")),
        (
            "both",
            &[(".gitattributes", "a.txt linguist-generated\n"), (".github/vaccel-ci.toml", &excluded)],
            Some("2 files of its own from all linters, with .gitattributes and .github/vaccel-ci.toml: a.txt, b/b.txt"),
        ),
        ("other files", &[(".gitattributes", "*.c linguist-generated\n")], None),
        ("other attributes", &[(".gitattributes", "* text=auto\n")], None),
    ];
    for (name, files, expected) in cases {
        let scene = Scene::new();
        let base = scene.commit();
        scene.write("a.txt", "BAD\n");
        scene.write("b/b.txt", "BAD\n");
        for (path, text) in files {
            scene.write(path, text);
        }
        scene.commit();
        let told = scene.pull_request(&base, &[]);
        let line: Vec<_> = told.out.lines().filter(|line| line.contains("the change exempts")).collect();
        assert_eq!(line.len(), usize::from(expected.is_some()), "{name}: {told:?}");
        if let Some(expected) = expected {
            assert!(line[0].starts_with("::warning") && line[0].contains(expected), "{name}: {line:?}");
        }
    }
    // What the base commit exempts is no news.
    let scene = Scene::new();
    scene.write(".gitattributes", "vendor/** linguist-vendored\n");
    let base = scene.commit();
    scene.write("vendor/a.txt", "BAD\n");
    scene.write(".gitattributes", "vendor/** linguist-vendored\n*.c text\n");
    scene.commit();
    assert!(!scene.pull_request(&base, &[]).out.contains("exempts"));
}

#[test]
fn sarif_and_patch_of_a_subfolder_name_files_from_the_top() {
    let scene = Scene::new();
    for name in ["a b/c.txt", "other.txt"] {
        scene.write(name, "one\nBAD\n");
    }
    let fix = "if [ \"$1\" = --fix ]; then shift; sed -i s/BAD/good/ \"$@\"; exit; fi\n";
    scene.program("lint-grep", &format!("{fix}{GREP_SCRIPT}"));
    scene.write("a b/.github/vaccel-ci.toml", &format!("{GREP}fix.args = ['--fix', '{{files}}']\n"));
    scene.commit();
    let (sarif, patch) = (scene.out("lint.sarif"), scene.out("lint.patch"));
    let (sarif, patch) = (sarif.to_str().unwrap(), patch.to_str().unwrap());
    let arguments = ["--source-path", "a b", "--sarif-path", sarif, "--patch-path", patch];
    let told = scene.laptop(&arguments);
    assert_eq!(told.output("errors"), "1", "{told:?}");
    let log: Value = serde_json::from_slice(&fs::read(sarif).unwrap()).unwrap();
    let result = &log["runs"][0]["results"][0];
    assert_eq!(result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"], "a%20b/c.txt");
    assert_eq!(result["fixes"][0]["artifactChanges"][0]["artifactLocation"]["uri"], "a%20b/c.txt");
    scene.git(&["apply", "--check", patch]);
    // `--fix` applies the same.
    let told = scene.laptop(&["--source-path", "a b", "--fix"]);
    assert_eq!((told.code, scene.read("a b/c.txt").as_str()), (Some(0), "one\ngood\n"), "{told:?}");
    assert_eq!(scene.read("other.txt"), "one\nBAD\n");
}

#[test]
fn a_baseline_makes_only_new_findings_count() {
    let scene = Scene::new();
    scene.write("a.txt", "one\nBAD\ntwo\nBAD\n");
    scene.write("b.txt", "BAD\n");
    scene.commit();
    let sarif = scene.out("baseline.sarif");
    let sarif = sarif.to_str().unwrap();
    assert_eq!(scene.laptop(&["--sarif-path", sarif]).output("errors"), "3");
    let told = scene.laptop(&["--baseline", sarif]);
    assert_eq!((told.code, told.output("errors")), (Some(0), "0"), "{told:?}");
    // Lines move, files are touched, one finding is new, one is gone.
    scene.write("a.txt", "zero\none\nBAD\ntwo\nBAD\nthree BAD\n");
    scene.write("b.txt", "fine\n");
    let told = scene.laptop(&["--baseline", sarif]);
    assert_eq!((told.code, told.output("errors")), (Some(1), "1"), "{told:?}");
    assert!(told.story.contains("the linters found 1 error that the baseline does not have"), "{told:?}");
    // As often as before, not more often.
    scene.write("b.txt", "BAD\nBAD\n");
    assert_eq!(scene.laptop(&["--baseline", sarif]).output("errors"), "2");
}

#[test]
fn a_baseline_of_something_else_is_refused() {
    let scene = scene();
    let (own, partial) = (scene.out("own.sarif"), scene.out("partial.sarif"));
    let (own, partial) = (own.to_str().unwrap(), partial.to_str().unwrap());
    scene.laptop(&["--package", "widget", "--sarif-path", own]);
    scene.laptop(&["--changed-only=true", "--base=HEAD", "--sarif-path", partial]);
    let foreign = scene.out("foreign.sarif");
    fs::write(&foreign, "{\"runs\": []}").unwrap();
    let broken = scene.out("broken.sarif");
    fs::write(&broken, "{\"runs\": [").unwrap();
    let cases: [(&[&str], &str); 6] = [
        (&["--package", "gadget", "--baseline", own], "own.sarif is the baseline of widget, not of gadget\nhelp: "),
        (&["--baseline", own], "own.sarif is the baseline of widget, not of repository\nhelp: "),
        (&["--baseline", partial], "partial.sarif is not a valid baseline: its run did not look at everything"),
        (&["--baseline", foreign.to_str().unwrap()], "foreign.sarif is not a valid baseline: it names no package"),
        (&["--baseline", broken.to_str().unwrap()], "broken.sarif is not a valid baseline: EOF while parsing"),
        (&["--baseline", "gone.sarif"], "failed to read the baseline gone.sarif: No such file"),
    ];
    for (arguments, expected) in cases {
        let told = scene.laptop(arguments);
        assert_eq!(told.code, Some(2), "{arguments:?}: {told:?}");
        assert!(told.error().contains(expected), "{arguments:?}: {told:?}");
    }
    assert_eq!(scene.laptop(&["--package", "widget", "--baseline", own]).code, Some(0));
}
