// SPDX-License-Identifier: Apache-2.0
//! Repositories and linters that do what they should not.

use crate::{GREP, GREP_SCRIPT, Scene};
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::time::{Duration, Instant};

#[test]
fn names_of_any_kind_reach_the_linter_and_come_back() {
    let scene = Scene::new();
    let names: [&[u8]; 11] = [
        b"a b.txt",
        b"-x.txt",
        b"--version.txt",
        b"q\"'`$(x).txt",
        b"n\nl.txt",
        b"bad\xff.txt",
        b"c:1:2: x.txt",
        b"*.txt",
        b" .txt",
        b"u\xc3\xa9.txt",
        b"d/-e\\.txt",
    ];
    for name in names {
        scene.write(Path::new(OsStr::from_bytes(name)), "BAD\n");
    }
    let sarif = scene.out("lint.sarif");
    let told = scene.laptop(&["--sarif-path", sarif.to_str().unwrap()]);
    assert_eq!(told.output("errors"), "11", "{told:?}");
    assert!(!told.story.contains("could not read"), "{told:?}");
    let log: serde_json::Value = serde_json::from_slice(&fs::read(sarif).unwrap()).unwrap();
    let mut uris: Vec<_> = log["runs"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|run| run["results"].as_array().unwrap())
        .map(|result| result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"].as_str().unwrap())
        .collect();
    uris.sort_unstable();
    insta::assert_debug_snapshot!(uris);
}

#[test]
fn what_is_not_of_the_repository_is_left_out() {
    let scene = Scene::new();
    scene.write("own.txt", "BAD\n");
    for left_out in ["ignored.txt", "generated.txt", "vendor/v.txt", "excluded/e.txt", "build/b.txt"] {
        scene.write(left_out, "BAD\n");
    }
    scene.write(".gitignore", "ignored.txt\n");
    scene.write(".gitattributes", "generated.txt linguist-generated\nvendor/** linguist-vendored=true\n");
    scene.write(".github/vaccel-ci.toml", &GREP.replacen("[lint]", "[lint]\nexclude = ['excluded/**']", 1));
    fs::write(scene.out("secret.txt"), "BAD\n").unwrap();
    symlink(scene.out("secret.txt"), scene.root().join("link.txt")).unwrap();
    symlink(scene.out(""), scene.root().join("folder.txt")).unwrap();
    symlink("own.txt", scene.root().join("same.txt")).unwrap();
    let module = scene.out("module");
    fs::create_dir(&module).unwrap();
    fs::write(module.join("m.txt"), "BAD\n").unwrap();
    for arguments in [&["init", "--quiet"][..], &["add", "."], &["commit", "--quiet", "-m", "x"]] {
        crate::git(&module, arguments);
    }
    scene.git(&["submodule", "--quiet", "add", module.to_str().unwrap(), "sub.txt"]);
    let told = scene.laptop(&["--build-path", "build"]);
    assert_eq!(told.output("errors"), "1", "{told:?}");
    assert!(told.story.contains("own.txt"), "{told:?}");
}

#[test]
fn a_folder_that_is_no_repository_is_linted_too() {
    let scene = Scene::new();
    scene.write("d/a.txt", "BAD\n");
    fs::remove_dir_all(scene.root().join(".git")).unwrap();
    symlink("/", scene.root().join("everything")).unwrap();
    let told = scene.laptop(&[]);
    assert_eq!(told.output("errors"), "1", "{told:?}");
}

#[test]
fn a_linter_that_does_not_do_its_work_is_never_silent() {
    let cases = [
        ("kill -SEGV $$", "it was killed by SIGSEGV"),
        ("echo usage: lint-grep >&2; exit 3", "it ended with exit status 3:\nusage: lint-grep"),
        ("echo Traceback; exit 1", "a line has another form than expected:\nTraceback"),
        ("echo cannot >&2; exit 1", "it ended with exit status 1 and told of no finding:\ncannot"),
        ("echo; sleep 60", "lint-grep was stopped because it ran longer than 1.0 s"),
        ("yes ./a.txt:1: bad | head -c 70000000", "it said more than 64 MiB"),
    ];
    let started = Instant::now();
    for (script, expected) in cases {
        let scene = Scene::with(&GREP.replacen("run = { ", "run = { timeout = 1, ", 1));
        scene.program("lint-grep", script);
        scene.write("a.txt", "fine\n");
        let told = scene.laptop(&[]);
        assert_eq!(told.code, Some(1), "{script}: {told:?}");
        let story: String = told.story.split_whitespace().collect::<Vec<_>>().join(" ");
        let expected: String = format!("could not read what grep said: {expected}").replace('\n', " ");
        assert!(story.contains(&expected), "{script}: {story}");
    }
    assert!(started.elapsed() < Duration::from_secs(50));
}

#[test]
fn a_linter_sees_no_secrets_and_has_no_voice() {
    let scene = Scene::new();
    let base = scene.commit();
    scene.write("a.txt", "fine\n");
    scene.commit();
    let env = scene.out("env");
    let seen = scene.out("seen");
    let script = format!(
        "env > {}; echo EVIL=1 >> {}; echo '::set-output name=a::b'; echo '::error::mine' >&2; exit 1",
        seen.display(),
        env.display()
    );
    scene.program("lint-grep", &script);
    let told = scene.pull_request(&base, &[]);
    assert_eq!(told.code, Some(1), "{told:?}");
    let seen = fs::read_to_string(seen).unwrap();
    for name in ["GITHUB_TOKEN", "GITHUB_ENV", "GITHUB_OUTPUT", "GITHUB_ACTIONS", "secret"] {
        assert!(!seen.contains(name), "{seen}");
    }
    assert_eq!(fs::read_to_string(env).unwrap(), "");
    assert!(told.out.lines().all(|line| !line.starts_with("::set-output") && line != "::error::mine"), "{told:?}");
    assert!(told.out.contains("wrote to the runner's command file env; that was undone"), "{told:?}");
}

#[test]
fn many_files_are_divided_so_that_every_call_is_allowed() {
    let scene = Scene::new();
    let long = "x".repeat(180);
    for number in 0..1500 {
        scene.write(format!("{long}-{number}.txt"), if number == 1499 { "BAD\n" } else { "" });
    }
    let calls = scene.out("calls");
    scene.program("lint-grep", &format!("echo >> {}\n{GREP_SCRIPT}", calls.display()));
    let told = scene.laptop(&[]);
    assert_eq!(told.output("errors"), "1", "{told:?}");
    // One asks for the version.
    assert!(fs::read_to_string(calls).unwrap().lines().count() >= 4);
}

#[test]
fn our_own_settings_may_be_of_any_size_and_kind() {
    let scene = Scene::new();
    fs::write(scene.root().join(".github/vaccel-ci.toml"), b"[lint]\n# \xff\n").unwrap();
    let told = scene.laptop(&[]);
    assert_eq!((told.code, told.error()), (Some(2), "error: .github/vaccel-ci.toml is no UTF-8"));
}

#[test]
fn a_linter_of_the_whole_repository_tells_of_its_own_files_only() {
    let settings =
        GREP.replace("args = [\"{files}\"]", "per = \"repository\", args = [\"a.txt\", \"old/b.txt\", \"gone.txt\"]");
    let scene = Scene::with(&settings.replace("files.globs", "files.exclude = [\"old/*\"]\nfiles.globs"));
    scene.program("lint-grep", "for file; do echo \"$file:1: bad\"; done");
    scene.write("a.txt", "x\n");
    scene.write("old/b.txt", "x\n");
    let told = scene.laptop(&[]);
    assert_eq!(told.output("errors"), "2", "{told:?}");
    // What is said of a file that is not there must not get lost.
    assert!(told.story.contains("gone.txt:1: bad"), "{told:?}");
}
