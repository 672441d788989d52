// SPDX-License-Identifier: Apache-2.0
//! What the caller wants, as it is written today and as callers of the earlier system write it.

use crate::{Args, Request};
use artifact::runners::Runners;
use artifact::{Arch, BuildType};
use toolkit::{Annotation, Failure, List, Result, ResultExt, Runner};

/// What took the place of an input or secret of the earlier system.
const FORMER: [(&str, &str); 4] = [
    ("dist-options", "add them to options: what is tested is what is shipped"),
    ("upload-subpath", "name the place in remote-path"),
    ("AWS_ACCESS_KEY", "pass the secret by name, access-key: ${{ secrets.AWS_ACCESS_KEY }}"),
    ("AWS_SECRET_ACCESS_KEY", "pass the secret by name, secret-key: ${{ secrets.AWS_SECRET_ACCESS_KEY }}"),
];

/// Reads the inputs; a notice names the form of today for each that has another.
pub fn read(args: &Args, runners: &Runners, runner: &Runner) -> Result<Request> {
    let mut former = Vec::new();
    let tag = match parts("runner", &args.runner)? {
        Some(parts) => {
            let tag = tag_of(&parts, runners)?;
            former.push(format!("runner: {tag}"));
            tag
        }
        None => args.runner.clone(),
    };
    let names = match parts("runner-archs", &args.runner_archs)? {
        Some(names) => {
            former.push(format!("runner-archs: {}", names.join(",")));
            names
        }
        None => args.runner_archs.parse::<List>().map(|list| list.to_vec()).unwrap_or_default(),
    };
    let archs = names.iter().map(|name| {
        Arch::from_runner(name)
            .or_else(|| name.parse().ok())
            .ok_or_else(|| Failure::input(format!("{name:?} is not a valid architecture; use amd64, arm64 or arm")))
    });
    let archs = archs.collect::<Result<_>>().map_err(|failure| failure.context("failed to read runner-archs"))?;
    for name in args.former_inputs.as_deref().unwrap_or_default() {
        let form = FORMER.iter().find(|(known, _)| known == name).map(|(_, form)| *form);
        let form = form.ok_or_else(|| Failure::input(format!("{name} is not a valid former input")))?;
        former.push(format!("instead of {name}, {form}"));
    }
    for form in former {
        runner.annotate(&Annotation::notice(form).title("Form of the earlier system"));
    }
    let build_types = args.build_types.iter().map(|name| name.parse::<BuildType>().input("failed to read build-types"));
    Ok(Request {
        runner: tag,
        jobs_runner: args.jobs_runner.clone(),
        archs,
        build_types: build_types.collect::<Result<_>>()?,
        release: args.release,
        has_store: args.has_store,
        has_credentials: args.has_credentials,
    })
}

/// The items of a JSON array; `None` if it is not meant to be one.
fn parts(input: &str, text: &str) -> Result<Option<Vec<String>>> {
    if !text.trim_start().starts_with(['[', '{', '"']) {
        return Ok(None);
    }
    let parsed = serde_json::from_str::<Vec<String>>(text).ok().filter(|parts| !parts.is_empty());
    parsed.map(Some).ok_or_else(|| {
        Failure::input(format!("{input} = {text} is not a valid JSON array of names")).help(format!(
            "write {}",
            if input == "runner" { "a tag such as base" } else { "names such as amd64,arm64" }
        ))
    })
}

/// The tag whose labels begin with these parts.
fn tag_of(parts: &[String], runners: &Runners) -> Result<String> {
    let beginning = parts.join("-");
    let fits = |arch: &Arch, label: &str| label == format!("{beginning}-{}", arch.runner());
    let mut tags = runners.tags.iter();
    let found =
        tags.find(|(name, tag)| **name == beginning || tag.labels.iter().any(|(arch, label)| fits(arch, label)));
    found.map(|(name, _)| name.clone()).ok_or_else(|| {
        let known: Vec<_> = runners.tags.keys().map(String::as_str).collect();
        Failure::input(format!("no runner has a label that begins with {beginning}-"))
            .help(format!("set runner to one of the tags {}", known.join(", ")))
    })
}
