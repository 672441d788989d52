// SPDX-License-Identifier: Apache-2.0
//! What the examples test is what was built, before and after.

use crate::support::{Project, run};
use artifact::Sha256;

/// Swaps the library under test for another of the same size, and restores its time.
const SWAP: &str = "\
echo 'TAP version 14'
echo 1..1
hello World
lib=$PWD/install/usr/lib/libhello.so
touch -r \"$lib\" time && printf malware >\"$lib\" && touch -r time \"$lib\" && rm time
echo 'ok 1 - greet'
";

#[test]
fn a_library_that_an_example_swaps_fails_the_step_and_no_report_vouches_for_it() {
    let project = Project::new(SWAP);
    project.write("install/usr/lib/libhello.so", "library");
    let before = tree::digest(&project.path("install")).unwrap();
    let said = run(&mut project.step()).ended(1);
    assert!(
        said.text.contains("the examples changed the install tree: usr/lib/libhello.so (changed)"),
        "{}",
        said.text
    );
    let report = project.report();
    assert_eq!(report.tree_sha256, None);
    assert_eq!(report.notes, ["the examples changed the install tree: usr/lib/libhello.so (changed)"]);
    assert_ne!(tree::digest(&project.path("install")).unwrap(), before);
}

#[test]
fn the_report_names_the_tree_and_another_tree_is_refused() {
    let project = Project::new("hello World\n");
    let digest = tree::digest(&project.path("install")).unwrap();
    run(project.step().arg(format!("--tree-sha256={digest}"))).ended(0);
    assert_eq!(project.report().tree_sha256, Some(digest));
    assert!(project.read("runner/GITHUB_OUTPUT").contains(&digest.to_string()));

    let other = Sha256::of(b"other");
    let said = run(project.command().arg(format!("--tree-sha256={other}"))).ended(2);
    let said = said.text.replace(&digest.to_string(), "<found>").replace(&other.to_string(), "<expected>");
    insta::assert_snapshot!(project.plain(&said), @r"
    error: the install tree <project>/install has the digest <found>, not <expected>
    help: it changed after it was built: build again, and see what writes to it in between
    ");
    let said = run(project.command().arg("--tree-sha256=abc")).ended(2);
    insta::assert_snapshot!(said.text, @r#"
    error: invalid value 'abc' for '--tree-sha256 <TREE_SHA256>': "abc" is not a SHA-256 digest: 64 lower-case hexadecimal digits
    help: see --help, or the action's README
    "#);
}

#[test]
fn a_link_that_the_build_planted_where_the_report_goes_is_not_followed() {
    let project = Project::new("hello World\n");
    project.write("outside/secret", "secret");
    project.write("work/x", "");
    for (link, target) in [("examples-report.json", "outside/secret"), ("examples-report.xml", "outside/new")] {
        std::os::unix::fs::symlink(project.path(target), project.path(link)).unwrap();
    }
    run(&mut project.step()).ended(0);
    assert_eq!(project.read("outside/secret"), "secret");
    assert!(!project.path("outside/new").exists());
    assert_eq!(project.report().examples.len(), 1);

    // A folder that leads out of the workspace is refused before anything is made in it.
    std::os::unix::fs::symlink("/tmp", project.path("reports")).unwrap();
    let said = run(project.step().arg("--report-path=reports/vaccel-planted.json")).ended(2);
    assert!(said.text.contains("the folder reports is a symbolic link to /tmp"), "{}", said.text);
    assert!(!std::path::Path::new("/tmp/vaccel-planted.json").exists());
}
