// SPDX-License-Identifier: Apache-2.0
//! References of our workflows to our own actions and workflows.
//!
//! On `main` they say `@main`. In a release they name commits, so that a caller who pins the
//! release gets the release, down to the executables, from act and Enterprise Server as well.

use anyhow::{Result, bail};
use semver::Version;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

/// What our repository is called in `uses:`.
const OURS: &str = "nubificus/vaccel-ci/";

/// A reference, as it stands after `uses:`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Reference {
    /// The path in our repository: `actions/plan`, `.github/workflows/verify-build.yml`.
    pub path: String,
    /// The commit, branch or tag.
    pub revision: String,
}

/// The references to our own repository in a workflow or composite action.
pub fn of(text: &str) -> Vec<Reference> {
    text.lines().filter_map(reference).collect()
}

/// The text with references to these paths pinned to a commit, the version in a comment.
pub fn pin(text: &str, paths: &BTreeSet<String>, commit: &str, version: &str) -> String {
    let mut pinned = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        match reference(line) {
            Some(Reference { path, revision }) if revision == "main" && paths.contains(&path) => {
                let (before, after) = line.split_once("@main").unwrap_or((line, ""));
                let quote = after.get(..1).filter(|c| ["\"", "'"].contains(c)).unwrap_or_default();
                let end = if after.ends_with('\n') { "\n" } else { "" };
                let _ = write!(pinned, "{before}@{commit}{quote} # v{version}{end}");
            }
            _ => pinned.push_str(line),
        }
    }
    pinned
}

/// A page for people, in which examples use that release.
pub fn announce(page: &str, version: &Version) -> String {
    let mut told = String::with_capacity(page.len());
    for line in page.split_inclusive('\n') {
        match line.find(OURS).and_then(|start| Some(start + line.get(start..)?.find('@')?)) {
            Some(at) => {
                let (before, after) = line.split_at(at);
                // The revision ends where YAML or Markdown goes on.
                let end = after.find(|c: char| c.is_whitespace() || "`\"')".contains(c)).unwrap_or(after.len());
                let _ = write!(told, "{before}@v{version}{}", after.get(end..).unwrap_or_default());
            }
            None => told.push_str(line),
        }
    }
    told
}

/// The rounds of pinning: what each may pin, since all that it refers to is pinned already.
///
/// A commit cannot name itself. So actions, which refer to nothing, are pinned to the commit with
/// the executables; workflows that use only these, to the commit in which that is done; and so on.
/// `files` are the texts by the path that a reference has.
pub fn rounds(files: &BTreeMap<String, String>) -> Result<Vec<BTreeSet<String>>> {
    let mut open: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for (path, text) in files {
        let references = of(text);
        if let Some(Reference { path: target, revision }) = references.iter().find(|found| found.revision != "main") {
            bail!("{path} uses {OURS}{target}@{revision}; between releases that has to be @main");
        }
        open.insert(path, references.into_iter().map(|reference| reference.path).collect());
    }
    if let Some((path, target)) =
        open.iter().find_map(|(path, targets)| Some((path, targets.iter().find(|t| !files.contains_key(*t))?)))
    {
        bail!("{path} uses {OURS}{target}, which does not exist");
    }
    let mut rounds = Vec::new();
    while open.values().any(|targets| !targets.is_empty()) {
        let finished = |path: &String| open.get(path.as_str()).is_none_or(BTreeSet::is_empty);
        let round: BTreeSet<String> = open.values().flatten().filter(|path| finished(path)).cloned().collect();
        if round.is_empty() {
            let circle: Vec<_> =
                open.iter().filter(|(_, targets)| !targets.is_empty()).map(|(path, _)| *path).collect();
            bail!("workflows use one another in a circle: {}", circle.join(", "));
        }
        for targets in open.values_mut() {
            targets.retain(|target| !round.contains(target));
        }
        rounds.push(round);
    }
    Ok(rounds)
}

fn reference(line: &str) -> Option<Reference> {
    let text = line.trim_start().trim_start_matches("- ").strip_prefix("uses:")?;
    let name = text.split_whitespace().next()?.trim_matches(['"', '\'']);
    let (path, revision) = name.strip_prefix(OURS)?.split_once('@')?;
    Some(Reference { path: path.to_owned(), revision: revision.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    const VERIFY: &str = "jobs:\n  a:\n    steps:\n      - uses: nubificus/vaccel-ci/actions/plan@main\n      - uses: actions/checkout@abc # v4\n      - name: Build\n        uses: nubificus/vaccel-ci/actions/build@main # ours\n";
    const MAIN: &str = "jobs:\n  a:\n    uses: nubificus/vaccel-ci/.github/workflows/verify.yml@main";

    fn files(list: &[(&str, &str)]) -> BTreeMap<String, String> {
        list.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect()
    }

    fn set(paths: &[&str]) -> BTreeSet<String> {
        paths.iter().map(|path| (*path).to_owned()).collect()
    }

    #[test]
    fn references_to_these_paths_are_pinned_and_nothing_else() {
        insta::assert_snapshot!(pin(VERIFY, &set(&["actions/plan", "actions/build"]), "0123", "1.2.3"));
        assert_eq!(pin(VERIFY, &set(&[".github/workflows/verify.yml"]), "0123", "1.2.3"), VERIFY);
        let pinned = pin(MAIN, &set(&[".github/workflows/verify.yml"]), "0123", "1.2.3");
        assert!(pinned.ends_with("uses: nubificus/vaccel-ci/.github/workflows/verify.yml@0123 # v1.2.3"), "{pinned}");
        assert_eq!(pin(&pinned, &set(&[".github/workflows/verify.yml"]), "4567", "2.0.0"), pinned);
    }

    #[test]
    fn pages_use_the_release() {
        let cases = [
            ("- uses: nubificus/vaccel-ci/actions/plan@main\n", "- uses: nubificus/vaccel-ci/actions/plan@v1.2.3\n"),
            ("`nubificus/vaccel-ci/actions/plan@v0.1.0`, then", "`nubificus/vaccel-ci/actions/plan@v1.2.3`, then"),
            ("uses: actions/checkout@abc # v4\n", "uses: actions/checkout@abc # v4\n"),
            ("See nubificus/vaccel-ci/actions.\n", "See nubificus/vaccel-ci/actions.\n"),
        ];
        for (page, expected) in cases {
            assert_eq!(announce(page, &Version::new(1, 2, 3)), expected);
        }
    }

    #[test]
    fn each_round_pins_what_refers_to_pinned_files_only() {
        let files = files(&[
            (".github/workflows/main.yml", MAIN),
            (".github/workflows/verify.yml", VERIFY),
            (".github/workflows/ci.yml", "jobs: {}\n"),
            ("actions/plan", "runs: {}\n"),
            ("actions/build", "runs: {}\n"),
            ("actions/fetch", "runs: {}\n"),
        ]);
        let expected = [set(&["actions/build", "actions/plan"]), set(&[".github/workflows/verify.yml"])];
        assert_eq!(rounds(&files).unwrap(), expected);
    }

    #[test]
    fn what_cannot_be_pinned_is_refused() {
        let missing = files(&[(".github/workflows/main.yml", MAIN)]);
        let circle = files(&[(".github/workflows/verify.yml", MAIN)]);
        let told = [missing, circle].map(|files| rounds(&files).unwrap_err().to_string());
        insta::assert_snapshot!(told.join("\n"));
    }
}
