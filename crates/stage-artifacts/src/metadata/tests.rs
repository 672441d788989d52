// SPDX-License-Identifier: Apache-2.0
//! Tests, and the metadata that other tests speak of.

use super::*;

impl Metadata {
    /// Of the fixture.
    pub(crate) fn example() -> Self {
        Self {
            maintainer: "Jane Doe <jane@example.org>".to_owned(),
            section: "libs".to_owned(),
            depends: Vec::new(),
            homepage: Some("https://github.com/nubificus/plugin-hello".to_owned()),
            license: None,
            description: "greets through vAccel\nA plugin to learn from.\n\nIt has a library.".to_owned(),
        }
    }
}

fn given() -> MetadataArgs {
    MetadataArgs::default()
}

#[test]
fn the_repository_fills_in_what_is_not_given() {
    let metadata = Metadata::new(&given(), &Subject::example()).unwrap();
    insta::assert_debug_snapshot!(metadata);
}

#[test]
fn without_a_repository_there_are_still_defaults() {
    let subject = Subject { origin: crate::Origin::default(), ..Subject::example() };
    let metadata = Metadata::new(&given(), &subject).unwrap();
    assert_eq!(metadata.maintainer, "nubificus <nubificus@users.noreply.github.com>");
    assert_eq!(metadata.description.lines().next(), Some("built by vaccel-ci from a local source tree"));
    assert_eq!(metadata.homepage, None);
}

#[test]
fn values_that_break_out_of_their_field_are_refused() {
    let text = |value: &str| Some(value.to_owned());
    let cases = [
        ("maintainer without address", MetadataArgs { maintainer: text("Jane"), ..given() }),
        ("two lines", MetadataArgs { maintainer: text("Jane\nPriority: required <j@x.org>"), ..given() }),
        ("no host", MetadataArgs { maintainer: text("Jane <jane>"), ..given() }),
        ("section", MetadataArgs { section: Some("libs\nEssential: yes".to_owned()), ..given() }),
        ("no section", MetadataArgs { section: Some(String::new()), ..given() }),
        ("homepage", MetadataArgs { homepage: text("javascript:alert(1)"), ..given() }),
        ("homepage with a line break", MetadataArgs { homepage: text("https://x\nEssential: yes"), ..given() }),
        ("license", MetadataArgs { license: text("MIT\nX: y"), ..given() }),
        ("empty description", MetadataArgs { description: text("  \nmore"), ..given() }),
        ("control character", MetadataArgs { description: text("a\u{1b}[31m"), ..given() }),
        ("dependency", MetadataArgs { depends: Some("libx (1.2)".parse().unwrap()), ..given() }),
        ("substitution", MetadataArgs { depends: Some("${shlibs:Depends}".parse().unwrap()), ..given() }),
    ];
    for (name, args) in cases {
        let failure = Metadata::new(&args, &Subject::example()).map(|_| ()).unwrap_err();
        assert_eq!(failure.status().code(), 2, "{name}: {failure}");
    }
    let args = MetadataArgs { maintainer: text("Jane"), ..given() };
    insta::assert_snapshot!(Metadata::new(&args, &Subject::example()).unwrap_err(), @r#"invalid maintainer "Jane": expected `Name <address>`"#);
    let args = MetadataArgs { depends: Some("vaccel, libx >= 2".parse().unwrap()), ..given() };
    insta::assert_snapshot!(Metadata::new(&args, &Subject::example()).unwrap_err(), @r#"
    invalid dependency "libx >= 2"
    help: write `name`, `name (>= version)`, or alternatives with `|`, separated by commas
    "#);
}

#[test]
fn dependencies_are_written_as_in_debian() {
    for item in ["vaccel", "vaccel (>= 0.7)", "vaccel(= 1:0.7~rc.1-1)", "a1 | b2 (<< 3)", "python3:any (>= 3.9)"] {
        assert!(is_dependency(item), "{item}");
    }
    for item in
        ["", "a", "Vaccel", "vaccel >= 0.7", "vaccel (0.7)", "vaccel (>= )", "vaccel (>= 0.7", "a1 | ", "a1, b2"]
    {
        assert!(!is_dependency(item), "{item}");
    }
}
