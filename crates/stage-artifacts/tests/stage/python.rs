// SPDX-License-Identifier: Apache-2.0
//! Wheels and source distributions, taken from the build as they are.

use crate::place::{Place, host};
use artifact::{Bundle, FileKind};
use std::fs;

#[test]
fn what_the_build_made_is_taken() {
    let place = Place::new();
    place.write_build();
    place.write("build/dist/notes.txt", "notes");
    place.stage(&["--formats=wheel", "--build-path=build", "--sbom=false"]).success();
    let bundle = Bundle::open(place.path("dist")).unwrap();
    let made = bundle.manifest().files.iter().filter(|file| file.kind != FileKind::Other);
    let files: Vec<_> = made.map(|file| (file.name.as_str(), file.kind)).collect();
    let wheel = "hello-0.3.0-py3-none-any.whl";
    assert_eq!(files, [(wheel, FileKind::Wheel), ("hello-0.3.0.tar.gz", FileKind::Source)]);
    assert_eq!(fs::read_to_string(place.path("dist").join(wheel)).unwrap(), wheel);

    let other_machine = "hello-0.3.0-cp311-cp311-linux_riscv64.whl".to_owned();
    let other_python = format!("hello-0.3.0-cp39-cp39-linux_{}.whl", host());
    let cases = [
        (&other_machine, format!("is for linux_riscv64, not for {}", host())),
        (&other_python, "is for cp39 (cp39), and the build was by Python 3.11".to_owned()),
    ];
    for (foreign, expected) in cases {
        place.write(&format!("build/dist/{foreign}"), "wheel");
        let text = place.story(&place.stage(&["--formats=wheel", "--build-path=build"]).code(1));
        assert!(text.contains(&format!("the wheel {foreign} {expected}")), "{text}");
        fs::remove_file(place.path("build/dist").join(foreign)).unwrap();
    }
}

#[test]
fn what_is_missing_is_told() {
    let place = Place::new();
    let text = place.story(&place.stage(&["--formats=wheel"]).code(2));
    insta::assert_snapshot!("no_build_path", text);
    place.write_build();
    fs::remove_file(place.path("build/dist/hello-0.3.0-py3-none-any.whl")).unwrap();
    let text = place.story(&place.stage(&["--formats=wheel", "--build-path=build"]).code(1));
    insta::assert_snapshot!("no_wheel", text);
}
