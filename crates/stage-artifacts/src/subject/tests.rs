// SPDX-License-Identifier: Apache-2.0
//! Tests, and the subject that other tests speak of.

use super::*;

impl Subject {
    /// A release of the fixture.
    pub(crate) fn example() -> Self {
        Self {
            package: "plugin-hello".parse().unwrap(),
            version: "0.3.0".parse().unwrap(),
            arch: Arch::X86_64,
            build_type: BuildType::Release,
            git_ref: "v0.3.0".parse().unwrap(),
            commit: "0123456789abcdef0123456789abcdef01234567".parse().unwrap(),
            origin: Origin::on_server("https://github.com", "nubificus/plugin-hello"),
            time: 1_767_323_045,
            built_by: built_by(None),
            run: None,
            recorded_tree: None,
            source: PathBuf::from("."),
        }
    }
}

#[test]
fn names_hold_package_version_and_architecture() {
    let subject = Subject { version: "0.7.2-dev.93+gebc23b1f".parse().unwrap(), ..Subject::example() };
    assert_eq!(subject.stem(), "plugin-hello_0.7.2-dev.93+gebc23b1f_x86_64");
}

#[test]
fn the_build_fills_in_and_the_input_must_agree() {
    let arch = |input, build, host| agree("architecture", input, build, host);
    let (x86, arm) = (Arch::X86_64, Arch::Aarch64);
    let cases = [
        ("input alone", arch(Some(arm), None, Some(x86)), arm),
        ("build alone", arch(None, Some(arm), Some(x86)), arm),
        ("both", arch(Some(arm), Some(arm), Some(x86)), arm),
        ("neither", arch(None, None, Some(x86)), x86),
    ];
    for (name, found, expected) in cases {
        assert_eq!(found.unwrap(), expected, "{name}");
    }
    insta::assert_snapshot!(arch(Some(x86), Some(arm), None).unwrap_err(), @"the input says architecture x86_64, but the build was for aarch64");
    insta::assert_snapshot!(arch(None, None, None).unwrap_err(), @"the architecture of this machine is not one of ours; name it");
}

#[test]
fn the_run_has_a_page() {
    let (runner, _) = Runner::recording([
        ("GITHUB_RUN_ID", "7"),
        ("GITHUB_RUN_ATTEMPT", "2"),
        ("GITHUB_SERVER_URL", "https://github.example"),
        ("GITHUB_REPOSITORY", "a/b"),
    ]);
    let url = "https://github.example/a/b/actions/runs/7".to_owned();
    assert_eq!(run(&runner), Some(Run { id: "7".to_owned(), attempt: 2, url }));
    assert_eq!(run(&Runner::recording([("CI", "true")]).0), None);
}

#[test]
fn a_release_is_staged_as_itself_only() {
    let check = |name: &str, version: &str| check_release(&name.parse().unwrap(), &version.parse().unwrap());
    for (name, version) in
        [("v0.3.0", "0.3.0"), ("main", "0.3.1-dev.1+gebc23b1f"), ("v0.3.0+vaccel.0.8.0", "0.3.0+vaccel.0.8.0")]
    {
        assert!(check(name, version).is_ok(), "{name} {version}");
    }
    insta::assert_snapshot!(check("v0.3.0", "0.3.0+dirty").unwrap_err(), @r"
    the bundle is for the release v0.3.0, but the source is version 0.3.0+dirty
    help: tag the commit, or name the branch that the bundle belongs to in `ref`
    ");
}
