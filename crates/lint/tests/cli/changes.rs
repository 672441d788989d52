// SPDX-License-Identifier: Apache-2.0
//! Only what changed: which linters run, and which findings count.

use crate::Scene;

fn lines(bad: &[usize]) -> String {
    (1..=9).map(|number| if bad.contains(&number) { "BAD\n" } else { "fine\n" }).collect()
}

#[test]
fn findings_outside_of_changed_lines_are_told_and_fail_nothing() {
    let scene = Scene::new();
    scene.write("a.txt", &lines(&[2, 7]));
    scene.write("untouched.txt", &lines(&[1]));
    let base = scene.commit();
    scene.write("a.txt", &lines(&[2, 7]).replacen("fine", "changed", 1));
    scene.commit();
    let told = scene.pull_request(&base, &[]);
    assert_eq!(told.code, Some(0), "{told:?}");
    assert!(told.out.contains("file=a.txt,line=2"), "{told:?}");
    assert!(!told.out.contains("untouched.txt"), "{told:?}");

    scene.write("a.txt", &lines(&[1, 2, 7]));
    scene.commit();
    let told = scene.pull_request(&base, &[]);
    assert_eq!(told.code, Some(1), "{told:?}");
    assert!(told.out.contains("the linters found 1 error in what changed"), "{told:?}");
    let outputs = std::fs::read_to_string(scene.out("output")).unwrap();
    assert!(outputs.contains("errors<<"), "a failed run has outputs too: {outputs}");

    let told = scene.pull_request(&base, &["--changed-only", "false"]);
    assert!(told.out.contains("the linters found 4 errors"), "{told:?}");
}

#[test]
fn new_moved_and_removed_files_are_understood() {
    let scene = Scene::new();
    scene.write("moved.txt", &lines(&[5]));
    scene.write("removed.txt", &lines(&[5]));
    let base = scene.commit();
    scene.git(&["mv", "--", "moved.txt", "-new name\"\n.txt"]);
    scene.git(&["rm", "--quiet", "removed.txt"]);
    scene.write("added.txt", &lines(&[3]));
    scene.commit();
    scene.write("untracked.txt", &lines(&[4]));
    let told = scene.laptop(&["--changed-only", "true", "--base", &base]);
    assert_eq!(told.code, Some(1), "{told:?}");
    assert_eq!(told.output("errors"), "2", "the moved one was bad before: {told:?}");
}

#[test]
fn a_merge_commit_is_compared_with_where_the_branch_began() {
    let scene = Scene::new();
    scene.write("a.txt", &lines(&[]));
    scene.commit();
    scene.git(&["checkout", "--quiet", "-b", "topic"]);
    scene.write("b.txt", &lines(&[1]));
    scene.commit();
    scene.git(&["checkout", "--quiet", "main"]);
    scene.write("a.txt", &lines(&[1]));
    let base = scene.commit();
    scene.git(&["merge", "--quiet", "--no-ff", "--message", "Merge", "topic"]);
    let told = scene.pull_request(&base, &[]);
    assert_eq!(told.code, Some(1), "{told:?}");
    assert!(told.out.contains("the linters found 1 error in what changed"), "{told:?}");
}

#[test]
fn a_linter_of_which_no_file_changed_does_not_run() {
    let scene = Scene::new();
    scene.write("a.txt", &lines(&[1]));
    let base = scene.commit();
    scene.write("other.md", "x\n");
    scene.commit();
    scene.program("lint-grep", "kill -SEGV $$");
    let told = scene.pull_request(&base, &[]);
    assert_eq!(told.code, Some(0), "{told:?}");
}

#[test]
fn a_push_needs_no_commit_before_it() {
    let scene = Scene::new();
    scene.write("a.txt", &lines(&[]));
    scene.commit();
    let event = serde_json::json!({ "before": "1234567890123456789012345678901234567890" });
    std::fs::write(scene.out("event.json"), event.to_string()).unwrap();
    let variables = [("GITHUB_EVENT_NAME", "push".into()), ("GITHUB_EVENT_PATH", scene.out("event.json"))];
    let told = scene.run(&scene.root(), &[], &variables);
    assert_eq!(told.code, Some(0), "{told:?}");
}
