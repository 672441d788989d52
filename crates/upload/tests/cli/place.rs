// SPDX-License-Identifier: Apache-2.0
//! A package whose place in the store is not its name.

use crate::scene::{ARCHIVE, DEB, Scene, outputs};
use artifact::Manifest;

#[test]
fn a_bundle_is_published_at_its_place_and_no_other_package_beside_it() {
    let scene = Scene::new("place");
    let mut command = scene.job();
    command.arg("--remote-path=plugins/hello");
    let said = scene.run(command);
    assert_eq!(said.code, 0, "{}", said.stdout);
    let expected = "place/plugins/hello/rev/v0.3.0/";
    assert!(outputs(&scene.read("output")).contains(&format!("remote-path={expected}")), "{}", said.stdout);

    let manifest = testbed::bundle::manifest("v0.3.0", "0.3.0").unwrap();
    let other = Manifest { package: "other".parse().unwrap(), ..manifest };
    testbed::bundle::write(&scene.path("dist"), other, [(DEB, "deb"), (ARCHIVE, "archive")]).unwrap();
    let said = scene.fails(&["--remote-path=plugins/hello"]);
    assert!(said.starts_with("1: ") && said.contains("hello"), "{said}");

    let said = scene.fails(&["--remote-path=plugins/../hello"]);
    assert!(said.starts_with("2: ") && said.contains("is not a valid place in the store"), "{said}");
}
