// SPDX-License-Identifier: Apache-2.0
//! What the next state of a ref is: a pure decision.

use artifact::{Commit, Release, Sha256, TargetKey};

/// The next state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// It is to be written.
    Write(Box<Release>),
    /// It is there.
    Unchanged,
    /// A newer one is there, and stays.
    Older,
    /// The release belongs to another commit.
    OtherCommit,
    /// The target is there with other content.
    OtherContent { target: TargetKey, published: Sha256 },
}

/// Targets of one commit add up; another commit replaces a branch that is older, and never a release.
pub(crate) fn next(
    current: Option<&Release>,
    ours: &Release,
    allow_rollback: bool,
    is_ancestor: &dyn Fn(&Commit, &Commit) -> bool,
) -> Next {
    let Some(current) = current else {
        return Next::Write(Box::new(Release { serial: 1, ..ours.clone() }));
    };
    let is_release = ours.git_ref.is_release();
    if current.commit != ours.commit {
        if is_release {
            return Next::OtherCommit;
        }
        let is_lower = ours.version.semver().cmp_precedence(current.version.semver()).is_lt();
        if !allow_rollback && (is_lower || is_ancestor(&ours.commit, &current.commit)) {
            return Next::Older;
        }
        return Next::Write(Box::new(Release { serial: current.serial + 1, ..ours.clone() }));
    }
    let mut targets = current.targets.clone();
    let mut changed = false;
    for entry in &ours.targets {
        match targets.iter_mut().find(|known| known.target == entry.target) {
            Some(known) if known.manifest == entry.manifest => {}
            Some(known) if !is_release && allow_rollback => {
                *known = entry.clone();
                changed = true;
            }
            Some(known) => return Next::OtherContent { target: entry.target, published: known.manifest },
            None => {
                targets.push(entry.clone());
                changed = true;
            }
        }
    }
    if !changed {
        return Next::Unchanged;
    }
    targets.sort_by_key(|entry| entry.target);
    Next::Write(Box::new(Release { serial: current.serial + 1, targets, ..current.clone() }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use artifact::{ReleaseTarget, Timestamp};
    use proptest::prelude::*;

    const TARGETS: [&str; 3] = ["x86_64/release", "x86_64/debug", "aarch64/release"];

    fn release(git_ref: &str, version: &str, commit: u8, targets: &[(usize, u8)]) -> Release {
        let target = |(target, content): &(usize, u8)| ReleaseTarget {
            manifest: Sha256::of(&[*content]),
            size: 1,
            target: TARGETS[*target].parse().unwrap(),
        };
        Release {
            base_path: String::new(),
            commit: format!("{commit:040x}").parse().unwrap(),
            created: Timestamp::from_epoch(0),
            package: "hello".parse().unwrap(),
            git_ref: git_ref.parse().unwrap(),
            repository: "nubificus/hello".into(),
            run: None,
            schema: Release::SCHEMA,
            serial: 1,
            targets: targets.iter().map(target).collect(),
            version: version.parse().unwrap(),
            yanked: None,
        }
    }

    #[test]
    fn every_case_has_its_answer() {
        let shown = |current: &Release, ours: &Release, rollback, ancestor: bool| match next(
            Some(current),
            ours,
            rollback,
            &|_, _| ancestor,
        ) {
            Next::Write(next) => format!("serial {}, {} targets, {}", next.serial, next.targets.len(), next.version),
            other => format!("{other:?}").split([' ', '{']).next().unwrap_or_default().to_owned(),
        };
        let tag = |commit, targets: &[(usize, u8)]| release("v1.0.0", "1.0.0", commit, targets);
        let main = |version: &str, commit, targets: &[(usize, u8)]| release("main", version, commit, targets);
        let cases = [
            ("the same release again", tag(1, &[(0, 1)]), tag(1, &[(0, 1)]), false, false, "Unchanged"),
            ("another target", tag(1, &[(0, 1)]), tag(1, &[(1, 2)]), false, false, "serial 2, 2 targets, 1.0.0"),
            ("one of two", tag(1, &[(0, 1), (1, 2)]), tag(1, &[(0, 1)]), false, false, "Unchanged"),
            ("other content", tag(1, &[(0, 1)]), tag(1, &[(0, 2)]), true, false, "OtherContent"),
            ("another commit", tag(1, &[(0, 1)]), tag(2, &[(1, 2)]), true, false, "OtherCommit"),
            (
                "a branch moves",
                main("1.1.0", 1, &[(0, 1), (1, 2)]),
                main("1.2.0", 2, &[(0, 3)]),
                false,
                false,
                "serial 2, 1 targets, 1.2.0",
            ),
            (
                "a branch adds",
                main("1.1.0", 1, &[(0, 1)]),
                main("1.1.0", 1, &[(1, 2)]),
                false,
                false,
                "serial 2, 2 targets, 1.1.0",
            ),
            ("a lower version", main("1.1.0", 1, &[(0, 1)]), main("1.0.9", 2, &[(0, 3)]), false, false, "Older"),
            ("an ancestor", main("1.1.0", 1, &[(0, 1)]), main("1.1.0", 2, &[(0, 3)]), false, true, "Older"),
            (
                "an ancestor, allowed",
                main("1.1.0", 1, &[(0, 1)]),
                main("1.0.0", 2, &[(0, 3)]),
                true,
                true,
                "serial 2, 1 targets, 1.0.0",
            ),
            (
                "other content of a branch",
                main("1.1.0", 1, &[(0, 1)]),
                main("1.1.0", 1, &[(0, 2)]),
                false,
                false,
                "OtherContent",
            ),
            (
                "the same, allowed",
                main("1.1.0", 1, &[(0, 1)]),
                main("1.1.0", 1, &[(0, 2)]),
                true,
                false,
                "serial 2, 1 targets, 1.1.0",
            ),
        ];
        for (name, current, ours, rollback, ancestor, expected) in cases {
            assert_eq!(shown(&current, &ours, rollback, ancestor), expected, "{name}");
        }
    }

    proptest! {
        #[test]
        fn no_target_of_a_commit_is_ever_lost(
            order in prop::collection::vec(prop::collection::btree_map(0usize..3, Just(7u8), 1..3), 1..6),
            git_ref in prop::sample::select(vec!["v1.0.0", "main"]),
        ) {
            let mut current: Option<Release> = None;
            let mut wanted = std::collections::BTreeSet::new();
            for targets in order {
                let targets: Vec<_> = targets.into_iter().collect();
                wanted.extend(targets.iter().map(|(target, _)| TARGETS[*target].parse::<TargetKey>().unwrap()));
                let ours = release(git_ref, "1.0.0", 1, &targets);
                match next(current.as_ref(), &ours, false, &|_, _| false) {
                    Next::Write(next) => {
                        prop_assert_eq!(next.serial, current.as_ref().map_or(0, |current| current.serial) + 1);
                        current = Some(*next);
                    }
                    Next::Unchanged => {}
                    other => prop_assert!(false, "{:?}", other),
                }
                let there: std::collections::BTreeSet<_> = current.iter().flat_map(|c| &c.targets).map(|t| t.target).collect();
                prop_assert_eq!(&there, &wanted);
            }
        }
    }
}
