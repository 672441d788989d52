//! Wheels and source distributions, taken from the build as they are.

use crate::place::{Place, host};
use artifact::{Bundle, FileKind};
use std::fs;

#[test]
fn what_the_build_made_is_taken() {
    let place = Place::new();
    let wheel = format!("hello-0.3.0-cp311-cp311-linux_{}.whl", host());
    for (name, content) in [(wheel.as_str(), "wheel"), ("hello-0.3.0.tar.gz", "sdist"), ("notes.txt", "notes")] {
        place.write(&format!("build/dist/{name}"), content);
    }
    let record = artifact::BuildRecord {
        schema: 1,
        compiler: "gcc 12.2.0".to_owned(),
        backend: "python 3.11.2".to_owned(),
        options: Vec::new(),
        version: "0.3.0".to_owned(),
        arch: host(),
        build_type: artifact::BuildType::Release,
    };
    place.write("build/vaccel-build.json", &String::from_utf8(record.to_canonical_json()).unwrap());
    place.stage(&["--formats=wheel", "--build-path=build", "--sbom=false"]).success();
    let bundle = Bundle::open(place.path("dist")).unwrap();
    let files: Vec<_> = bundle.manifest().files.iter().map(|file| (file.name.as_str(), file.kind)).collect();
    assert_eq!(files, [(wheel.as_str(), FileKind::Wheel), ("hello-0.3.0.tar.gz", FileKind::Source)]);
    assert_eq!(fs::read_to_string(place.path("dist").join(&wheel)).unwrap(), "wheel");

    let foreign = "hello-0.3.0-cp311-cp311-linux_riscv64.whl";
    place.write(&format!("build/dist/{foreign}"), "wheel");
    let text = place.story(&place.stage(&["--formats=wheel", "--build-path=build"]).code(1));
    assert!(text.contains(&format!("the wheel {foreign} is for linux_riscv64, not for {}", host())), "{text}");
}

#[test]
fn what_is_missing_is_told() {
    let place = Place::new();
    let text = place.story(&place.stage(&["--formats=wheel"]).code(2));
    insta::assert_snapshot!("no_build_path", text);
    fs::create_dir_all(place.path("build/dist")).unwrap();
    let record = r#"{"schema": 1, "compiler": "gcc", "backend": "python", "options": [], "version": "0.3.0", "arch": "ARCH", "build_type": "release"}"#;
    place.write("build/vaccel-build.json", &record.replace("ARCH", host().as_str()));
    let text = place.story(&place.stage(&["--formats=wheel", "--build-path=build"]).code(1));
    insta::assert_snapshot!("no_wheel", text);
}
