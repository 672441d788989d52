// SPDX-License-Identifier: Apache-2.0
//! The reusable workflows hang together: with each other, with the actions' inputs, and with what they declare.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use clap::Args;
use std::collections::{BTreeMap, BTreeSet};
use toolkit::Definition;
use xtask::workflow::{self, Call, Step, Workflow};
use xtask::wrappers::{BASE, WRAPPERS};

const OURS: &str = "nubificus/vaccel-ci/";

fn call(workflow: &Workflow) -> &Call {
    workflow.call().unwrap()
}

/// Every step of ours in every job of a workflow, with the action that it uses.
fn steps<'a>(
    workflow: &'a Workflow,
    actions: &'a BTreeMap<&str, Definition>,
) -> impl Iterator<Item = (&'a str, &'a Step, &'a Definition)> {
    workflow
        .jobs
        .iter()
        .flat_map(|(job, definition)| definition.steps.iter().map(move |step| (job.as_str(), step)))
        .filter_map(|(job, step)| {
            let (name, _) = step.uses.as_deref()?.strip_prefix(OURS)?.strip_prefix("actions/")?.split_once('@')?;
            let action = actions.get(name).unwrap_or_else(|| panic!("{job} uses an action that is not there: {name}"));
            Some((job, step, action))
        })
}

fn actions() -> BTreeMap<&'static str, Definition> {
    xtask::generate::definitions().into_iter().map(|action| (action.name, action)).collect()
}

/// Our workflows that have steps of our actions.
fn with_steps() -> Vec<(String, Workflow)> {
    let folder = std::fs::read_dir(testbed::workspace_root().join(".github/workflows")).unwrap();
    let names = folder.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.map(|name| (name.clone(), Workflow::read(&name).unwrap())).collect()
}

#[test]
fn a_wrapper_passes_on_every_input_and_secret_or_fixes_it_on_purpose() {
    let base = Workflow::read(BASE).unwrap();
    for wrapper in &WRAPPERS {
        let file = wrapper.file;
        let workflow = Workflow::read(file).unwrap();
        let (interface, job) = (call(&workflow), workflow.jobs.values().next().unwrap());
        let passed: BTreeSet<_> = job.with.keys().collect();
        assert_eq!(passed, call(&base).inputs.keys().collect(), "{file}");
        for (name, input) in &call(&base).inputs {
            let is_fixed = wrapper.fixed.iter().any(|(fixed, ..)| fixed == name);
            assert_eq!(
                interface.inputs.contains_key(name),
                !is_fixed,
                "{file}: {name} is an input and is fixed, or neither"
            );
            if let Some(own) = interface.inputs.get(name) {
                assert_eq!(job.with[name], format!("${{{{ inputs.{name} }}}}"), "{file}");
                assert_eq!((&own.kind, &own.description), (&input.kind, &input.description), "{file}: {name}");
                let is_changed = wrapper.defaults.iter().any(|(changed, _)| changed == name);
                assert_eq!(own.default != input.default, is_changed, "{file}: the default of {name}");
            }
        }
        let secrets = job.secrets.as_ref().unwrap().as_object().unwrap();
        for name in call(&base).secrets.keys() {
            assert!(interface.secrets.contains_key(name), "{file} does not declare the secret {name}");
            assert_eq!(secrets[name], format!("${{{{ secrets.{name} }}}}"), "{file}");
        }
        assert!(interface.outputs.keys().eq(call(&base).outputs.keys()), "{file}: outputs");
    }
}

/// A called workflow gets no more than its caller's job has, and GitHub refuses to start one that asks for more. So no job
/// asks for more than every caller grants; the one that needs more takes what the caller has, which wrappers pass on.
#[test]
fn no_job_asks_for_what_a_caller_may_not_grant() {
    let base = Workflow::read(BASE).unwrap();
    for (name, job) in &base.jobs {
        let asked = job.permissions.as_object().unwrap_or_else(|| panic!("{name} does not say what its token may do"));
        assert!(asked.iter().all(|asked| asked == (&"contents".to_owned(), &"read".into())), "{name}: {asked:?}");
    }
    for wrapper in &WRAPPERS {
        let workflow = Workflow::read(wrapper.file).unwrap();
        assert_eq!(workflow.jobs[0].permissions, serde_json::json!({ "contents": "read" }), "{}", wrapper.file);
    }
}

#[test]
fn every_input_and_secret_of_the_base_is_used() {
    let (text, base) = (workflow::text(BASE).unwrap(), Workflow::read(BASE).unwrap());
    let (_, jobs) = text.split_once("\njobs:\n").unwrap();
    let is_used = |kind: &str, name: &str| {
        jobs.match_indices(&format!("{kind}.{name}")).any(|(at, found)| {
            let rest = jobs[at + found.len()..].chars().next();
            rest.is_none_or(|next| !next.is_alphanumeric() && next != '-' && next != '_')
        })
    };
    for (kind, name) in call(&base)
        .inputs
        .keys()
        .map(|name| ("inputs", name))
        .chain(call(&base).secrets.keys().map(|name| ("secrets", name)))
    {
        assert!(is_used(kind, name), "{BASE} declares {kind}.{name} and does not use it");
    }
}

#[test]
fn every_step_gives_inputs_that_its_action_has() {
    let actions = actions();
    for (file, workflow) in with_steps() {
        for (job, step, action) in steps(&workflow, &actions) {
            let place = format!("{file}, job {job}, step {:?}", step.name);
            for name in step.with.keys() {
                assert!(
                    action.inputs.iter().any(|input| input.name == *name),
                    "{place}: {} has no input {name}",
                    action.name
                );
            }
            for input in action.inputs.iter().filter(|input| input.required) {
                assert!(step.with.contains_key(&input.name), "{place}: {} needs {}", action.name, input.name);
            }
        }
    }
}

/// What reaches one step and not the other would make a job look in two places.
#[test]
fn every_step_that_uses_the_store_passes_every_input_of_it() {
    let store = registry::StoreArgs::augment_args(clap::Command::new("store"));
    let store: BTreeSet<_> = store.get_arguments().filter_map(|argument| argument.get_long()).collect();
    assert!(store.contains("endpoint-url") && store.contains("access-key"), "{store:?}");
    let (actions, mut seen) = (actions(), 0);
    for (file, workflow) in with_steps() {
        for (job, step, action) in steps(&workflow, &actions) {
            if !action.inputs.iter().any(|input| input.name == "endpoint-url") {
                continue;
            }
            seen += 1;
            // Credentials are only where no code of the repository runs.
            let gets_keys = step.with.contains_key("access-key");
            for input in action.inputs.iter().filter(|input| store.contains(input.name.as_str())) {
                let expected = if input.secret { gets_keys } else { true };
                assert_eq!(
                    step.with.contains_key(&input.name),
                    expected,
                    "{file}, job {job}: {} passes {}",
                    action.name,
                    input.name
                );
            }
        }
    }
    assert!(seen >= 3, "{seen} steps");
}

/// A job for a label that no runner has waits for ever.
#[test]
fn no_job_takes_its_runner_from_anywhere_but_the_registry() {
    let runners = workflow::runners().unwrap();
    let labels: BTreeSet<_> = runners.tags.values().flat_map(|tag| tag.labels.values().map(String::as_str)).collect();
    for (file, workflow) in with_steps() {
        let is_reusable = workflow.call().is_some();
        for (name, job) in &workflow.jobs {
            let Some(runs_on) = &job.runs_on else { continue };
            let label = runs_on.as_str().unwrap();
            if is_reusable {
                assert!(label.starts_with("${{") && !label.contains('\''), "{file}, job {name}: {label} is a literal");
            } else {
                // Our own workflows make no plan.
                assert!(labels.contains(label), "{file}, job {name}: {label}");
            }
        }
    }
    let base = Workflow::read(BASE).unwrap();
    assert_eq!(call(&base).inputs["plan-runner"].default, Some(runners.default_runner().unwrap().label.into()));
}

/// An expression about a step that is not there is empty, and nobody says so.
#[test]
fn every_step_that_is_referred_to_is_there() {
    let text = workflow::text(BASE).unwrap();
    let (_, jobs) = text.split_once("\njobs:\n").unwrap();
    let mut job = String::new();
    let mut seen = 0;
    let mut check = |job: &str| {
        for (at, found) in job.match_indices("steps.") {
            let name: String =
                job[at + found.len()..].chars().take_while(|c| c.is_alphanumeric() || *c == '-' || *c == '_').collect();
            let own = job[..at].chars().next_back().is_none_or(|before| !before.is_alphanumeric() && before != '.');
            assert!(!own || job.contains(&format!("        id: {name}\n")), "there is no step {name} in\n{job}");
            seen += 1;
        }
    };
    for line in jobs.split_inclusive('\n') {
        if line.starts_with("  ") && !line.starts_with("   ") && line.trim_end().ends_with(':') {
            check(&job);
            job.clear();
        }
        job.push_str(line);
    }
    check(&job);
    assert!(seen > 20, "{seen}");
}
