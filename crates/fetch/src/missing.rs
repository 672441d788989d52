// SPDX-License-Identifier: Apache-2.0
//! The error for what is not published: it names what is, and how to ask for it.

use crate::request::{Request, Which};
use crate::resolve::Resolver;
use artifact::RefName;
use registry::Published;
use std::collections::BTreeSet;
use toolkit::Failure;

/// How many names are listed.
const SHOWN: usize = 10;

/// Says what there is instead of what was asked for.
pub fn failure(
    resolver: &Resolver<'_>,
    place: &str,
    request: &Request,
    candidates: &[Which],
    published: &[Published],
) -> Failure {
    let Resolver { arch, build_types, .. } = *resolver;
    let package = &request.package;
    let types = alternatives(build_types.iter().map(ToString::to_string));
    let wanted = format!("{package} {} is not published for {arch}, {types}", described(candidates));
    let has_target =
        |entry: &&Published| build_types.iter().any(|build_type| entry.targets.contains(&(arch, *build_type)));
    let here: Vec<_> = published.iter().filter(has_target).collect();
    if let Some(first) = here.first() {
        return Failure::work(format!("{wanted}; published: {}", names(&here)))
            .help(format!("ask for one of these, for example {}", asked(request, &first.git_ref)));
    }
    if published.is_empty() {
        return Failure::work(format!("{wanted}; nothing of it is published below {place}"))
            .help("check package, base-path and remote-path, or publish it first");
    }
    let targets: BTreeSet<_> = published.iter().flat_map(|entry| &entry.targets).collect();
    let targets: Vec<_> = targets.iter().map(|(arch, build_type)| format!("{arch} {build_type}")).collect();
    let all: Vec<_> = published.iter().collect();
    Failure::work(format!("{wanted}; published for other targets ({}): {}", targets.join(", "), names(&all)))
        .help("check arch and build-type, or publish it for this target")
}

/// What was looked for: `^0.7`, or `at feat/x or main`.
fn described(candidates: &[Which]) -> String {
    let names = alternatives(candidates.iter().map(|candidate| match candidate {
        Which::Ref(name) => name.to_string(),
        other => other.to_string(),
    }));
    if candidates.iter().any(|candidate| matches!(candidate, Which::Ref(_))) { format!("at {names}") } else { names }
}

/// Releases and branches by name.
fn names(published: &[&Published]) -> String {
    let (releases, branches): (Vec<&&Published>, Vec<_>) =
        published.iter().partition(|entry| entry.git_ref.is_release());
    let list = |one: &str, many: &str, entries: &[&&Published]| {
        let shown: Vec<_> = entries.iter().take(SHOWN).map(|entry| entry.git_ref.to_string()).collect();
        let more = entries.len().checked_sub(SHOWN).filter(|more| *more > 0);
        let more = more.map_or(String::new(), |more| format!(" and {more} more"));
        format!("{} {}{more}", if entries.len() == 1 { one } else { many }, shown.join(", "))
    };
    let lists = [("release", "releases", releases), ("branch", "branches", branches)];
    let lists = lists.iter().filter(|(_, _, entries)| !entries.is_empty());
    lists.map(|(one, many, entries)| list(one, many, entries)).collect::<Vec<_>>().join("; ")
}

/// The inputs with which a bundle is asked for.
fn asked(request: &Request, name: &RefName) -> String {
    let package = &request.package;
    match name.release() {
        Some(version) => format!("version {version} ({package}@{version})"),
        None => format!("ref {name} ({package}@ref:{name})"),
    }
}

fn alternatives(items: impl IntoIterator<Item = String>) -> String {
    items.into_iter().collect::<Vec<_>>().join(" or ")
}
