// SPDX-License-Identifier: Apache-2.0
//! What a failure looks like, and that nothing comes of it.

use crate::world::{World, assert_says, assert_success, pull_request, push};

#[test]
fn a_compile_error_is_shown_where_it_is() {
    let world = World::new("compile-error");
    let plugin = world.plugin();
    plugin.branch("fix/x").unwrap();
    let source = std::fs::read_to_string(plugin.folder().join("src/greet.c")).unwrap();
    plugin.write("src/greet.c", &format!("{source}\nint broken(void) {{ return nowhere; }}\n")).unwrap();
    plugin.commit("fix: break it").unwrap();
    let outcome = world.act(&plugin, "ci.yml", pull_request(&plugin, "fix/x", &["ok-to-upload"]));
    assert_success(&outcome, false);
    let verdict = &outcome.summaries["Verdict"];
    assert!(
        verdict.contains("❌ failed") && verdict.contains("not reached") && verdict.contains("not started"),
        "{verdict}"
    );
    let line = source.lines().count() + 2;
    assert_says(&outcome, &format!("::error file=src/greet.c,line={line},col="));
    assert_says(&outcome, "nowhere");
    assert!(!outcome.log.contains("Main Stage artifacts"), "a failed build was staged");
    assert_eq!(outcome.jobs.get("Verdict"), Some(&false));
    assert!(!world.is_published("fix/x"));
}

#[test]
fn one_failing_example_hides_no_other_and_publishes_nothing() {
    let world = World::new("failing-example");
    let plugin = world.plugin();
    plugin.replace("scripts/run-examples.sh", "'Hello, World!'", "'Good bye'").unwrap();
    plugin.commit("test: expect something else").unwrap();
    let outcome = world.act(&plugin, "ci.yml", push(&plugin, "refs/heads/main"));
    assert_success(&outcome, false);
    for (example, result) in [("greet-english", "fail"), ("count-words", "pass"), ("multiply-matrices", "pass")] {
        let row = outcome.log.lines().find(|line| line.starts_with('|') && line.contains(example));
        let row = row.unwrap_or_else(|| panic!("{example} is not in the summary:\n{}", outcome.log));
        assert!(row.to_lowercase().contains(result), "{row}");
    }
    assert!(!outcome.log.contains("Main Stage artifacts"), "a tree that failed was staged");
    assert!(!world.is_published("main"));
}

#[test]
fn missing_secrets_are_told_before_any_work() {
    let world = World::new("missing-secrets");
    let plugin = world.plugin();
    let outcome = world.act_without_secrets(&plugin, "ci.yml", push(&plugin, "refs/heads/main"));
    assert_success(&outcome, false);
    assert_says(&outcome, "access-key");
    assert_eq!(outcome.jobs.get("Plan"), Some(&false));
    assert!(!outcome.log.contains("Main Build the install tree"), "something was built");
}

#[test]
fn a_finding_in_what_changed_is_annotated_and_fails_the_verdict() {
    let world = World::new("finding");
    let plugin = world.plugin();
    plugin.branch("docs/guide").unwrap();
    plugin.write("GUIDE.md", "# Guide\n\nSee [the rest](rest.md).\n").unwrap();
    plugin.commit("docs: begin a guide").unwrap();
    let outcome = world.act(&plugin, "ci.yml", pull_request(&plugin, "docs/guide", &[]));
    assert_success(&outcome, false);
    assert_says(&outcome, "::error file=GUIDE.md,line=3,");
    assert_says(&outcome, "not verified: lint failed");
    assert_eq!(outcome.jobs.get("Lint"), Some(&false));

    // Findings can be advice; otherwise they hold back what would be published.
    let outcome = world.act(&plugin, "ci.yml", pull_request(&plugin, "docs/guide", &["ok-to-upload"]));
    assert_success(&outcome, false);
    assert!(!world.is_published("docs/guide"), "what the linters found was published");
    let verify = "pr-build-and-verify.yml@main\n    with:\n";
    plugin.replace(".github/workflows/ci.yml", verify, &format!("{verify}      lint: advise\n")).unwrap();
    plugin.commit("ci: take advice").unwrap();
    let outcome = world.act(&plugin, "ci.yml", pull_request(&plugin, "docs/guide", &[]));
    assert_success(&outcome, true);
    assert_says(&outcome, "::error file=GUIDE.md,line=3,");
    assert_says(&outcome, "Lint: findings, as advice.");
}
