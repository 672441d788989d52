// SPDX-License-Identifier: Apache-2.0
//! Code that nobody vouched for, and code that means harm.

use crate::world::{World, assert_says, assert_success, fork, pull_request};

#[test]
fn a_fork_waits_for_the_label_of_its_commit() {
    let world = World::new("fork");
    let plugin = world.plugin();
    let refused = [("opened", &[][..], None), ("synchronize", &["ok-to-test"][..], None)];
    for (action, labels, label) in refused {
        let outcome = world.act_without_secrets(&plugin, "ci.yml", fork(&plugin, action, labels, label));
        assert_success(&outcome, false);
        assert_says(&outcome, "comes from a fork");
        assert!(!outcome.log.contains("Main Build the install tree"), "{action}: its code ran");
        assert_eq!(outcome.jobs.get("Verdict"), Some(&false), "{action}: it passes for verified");
    }
    let labeled = fork(&plugin, "labeled", &["ok-to-test"], Some("ok-to-test"));
    assert_success(&world.act_without_secrets(&plugin, "ci.yml", labeled), true);

    // A label that decides nothing leaves that verdict alone, neither red nor green: its job has another name.
    let outcome =
        world.act_without_secrets(&plugin, "ci.yml", fork(&plugin, "labeled", &["bug", "ok-to-test"], Some("bug")));
    assert_success(&outcome, true);
    assert_says(&outcome, "the label bug decides nothing");
    assert!(!outcome.log.contains("Main Build the install tree"), "its code ran");
    assert_eq!((outcome.jobs.get("Verdict"), outcome.jobs.get("No verdict")), (None, Some(&true)));
}

#[test]
fn hostile_output_and_command_files_change_nothing() {
    let world = World::new("hostile");
    let plugin = world.plugin();
    plugin.branch("feat/evil").unwrap();
    let script = plugin.folder().join("scripts/run-examples.sh");
    let text = std::fs::read_to_string(&script).unwrap();
    let (first, rest) = text.split_once('\n').unwrap();
    let evil = r#"
echo "PROBE path=$PATH environment=[$EVIL_VARIABLE] secrets=[$INPUT_SECRET_KEY$AWS_SECRET_ACCESS_KEY$GITHUB_TOKEN]"
echo '::add-path::/evil/bin'
echo '::set-output name=report::/evil'
echo '::stop-commands::evil'
echo '::evil::'
echo '::set-env name=EVIL_VARIABLE::by-command'
for file in "$PWD"/../act/workflow/*; do
  case $file in
  */pathcmd.txt) echo '/evil/bin' >>"$file" ;;
  *.txt) echo 'EVIL_VARIABLE=by-file' >>"$file" ;;
  esac
done
"#;
    plugin.write("scripts/run-examples.sh", &format!("{first}\n{evil}\n{rest}")).unwrap();
    // The second run of the script, under valgrind, sees what the first one achieved.
    plugin.replace(".github/workflows/ci.yml", "build-types: debug,release", "valgrind: true").unwrap();
    plugin.commit("feat: evil").unwrap();
    let outcome = world.act(&plugin, "ci.yml", pull_request(&plugin, "feat/evil", &[]));
    assert_success(&outcome, true);
    let probes: Vec<_> =
        outcome.log.lines().filter_map(|line| line.split_once("PROBE ")).map(|(_, rest)| rest).collect();
    assert_eq!(probes.len(), 4, "two targets, twice: {}", outcome.log);
    for probe in probes {
        assert!(!probe.contains("evil") && !probe.contains("by-"), "{probe}");
        assert!(probe.ends_with("environment=[] secrets=[]"), "{probe}");
    }
    assert_says(&outcome, "wrote to the runner's command file");
}
