// SPDX-License-Identifier: Apache-2.0
//! Several packages from one install tree.

use crate::place::{Place, output_of};
use std::fmt::Write;

fn listed(place: &Place, arguments: &[&str]) -> Vec<String> {
    place.stage(&[arguments, &["--formats=tar.gz", "--sbom=false"]].concat()).success();
    let archive = place.staged().into_iter().find(|name| name.ends_with(".tar.gz")).unwrap();
    let text = output_of("tar", &["-tzf", place.path("dist").join(archive).to_str().unwrap()]);
    // Without the top folder, which has the version in its name.
    text.lines()
        .filter_map(|line| line.split_once('/'))
        .map(|(_, path)| path.to_owned())
        .filter(|path| !path.is_empty())
        .collect()
}

#[test]
fn a_package_can_be_a_part_of_the_tree() {
    let place = Place::new();
    place.write("install/usr/bin/agent", "#!/bin/sh\n");
    place.write("install/usr/share/client/deep/data", "x");
    assert_eq!(listed(&place, &["--files=usr/bin/agent"]), ["usr/", "usr/bin/", "usr/bin/agent"]);
    let both = listed(&place, &["--files=usr/bin/a*,/usr/share/client/**"]);
    assert_eq!(both.last().map(String::as_str), Some("usr/share/client/deep/data"));
    assert!(!both.iter().any(|path| path.contains("libvaccel")), "{both:?}");
    assert!(listed(&place, &[]).len() > both.len());
}

#[test]
fn a_part_that_the_tree_does_not_hold_is_refused() {
    let place = Place::new();
    let cases = [
        ("nothing matches", "--files=usr/bin/nowhere"),
        ("one of two", "--files=usr/**,usr/sbin/*"),
        ("a star does not cross folders", "--files=*"),
        ("not a glob", "--files=usr/[a"),
    ];
    let mut told = String::new();
    for (name, files) in cases {
        let assert = place.stage(&[files]).code(2);
        writeln!(told, "{name}:\n{}", place.story(&assert)).unwrap();
    }
    insta::assert_snapshot!(told);
}
