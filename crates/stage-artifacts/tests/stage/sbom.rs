// SPDX-License-Identifier: Apache-2.0
//! The software bill of materials, read by the tools of the specification's authors.

use crate::place::{LIBRARY, PROGRAM, Place, compile, contents, host, output_of};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

fn sbom(place: &Place) -> PathBuf {
    place.path("dist").join(format!("plugin-hello_0.3.0_{}.spdx.json", host()))
}

/// Whether the official validator has nothing to say; else what it says.
fn validate(document: &Path) -> Result<(), String> {
    let tools = testbed::tools::ensure(&|line| eprintln!("{line}")).unwrap();
    let output = Command::new(tools.bin("pyspdxtools")).arg("--infile").arg(document).output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    if output.status.success() { Ok(()) } else { Err(String::from_utf8(text).unwrap()) }
}

fn parse(document: &Path) -> serde_json::Value {
    serde_json::from_slice(&fs::read(document).unwrap()).unwrap()
}

#[test]
fn it_is_valid_and_names_every_file() {
    let place = Place::new();
    place.stage(&["--depends=vaccel (>= 0.7), vaccel (<< 0.8), libx1 | libx2"]).success();
    let path = sbom(&place);
    validate(&path).unwrap();

    let document = parse(&path);
    let files = document["files"].as_array().unwrap();
    let tree: Vec<_> = contents(&place.path("install"))
        .into_iter()
        .filter(|(name, _)| !place.path("install").join(name).is_symlink())
        .collect();
    assert_eq!(files.len(), tree.len());
    for (name, _) in &tree {
        let file = files.iter().find(|file| file["fileName"] == format!("./{name}")).unwrap();
        for (index, program) in ["sha1sum", "sha256sum"].into_iter().enumerate() {
            let path = place.path("install").join(name);
            let sum = output_of(program, &[path.to_str().unwrap()]);
            assert_eq!(file["checksums"][index]["checksumValue"].as_str(), sum.split_whitespace().next(), "{name}");
        }
    }
    let package = &document["packages"][0];
    assert_eq!(package["licenseDeclared"], "NOASSERTION");
    assert_eq!(package["copyrightText"], "Copyright (c) 2024 Example Ltd");
    assert_eq!(document["creationInfo"]["created"], "2026-01-02T03:04:05Z");
    let names: Vec<_> =
        document["packages"].as_array().unwrap().iter().map(|package| package["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["plugin-hello", "libc6", "vaccel", "vaccel", "libx1"]);

    // The validator is not blind.
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replace("\"SHA1\"", "\"MD5\"")).unwrap();
    assert!(validate(&path).is_err());
}

#[test]
fn the_input_names_the_licence() {
    for (license, declared) in [("Apache-2.0 OR MIT", "Apache-2.0 OR MIT"), ("LicenseRef-Ours", "NOASSERTION")] {
        let place = Place::new();
        place.stage(&["--formats=so", &format!("--license={license}")]).success();
        assert_eq!(parse(&sbom(&place))["packages"][0]["licenseDeclared"], declared);
        validate(&sbom(&place)).unwrap();
    }
}

#[test]
fn it_can_be_left_out() {
    let place = Place::new();
    place.stage(&["--formats=so", "--sbom=false"]).success();
    assert!(!sbom(&place).exists());
}

#[test]
fn without_a_debian_package_a_missing_library_is_a_warning() {
    let place = Place::new();
    let elsewhere = tempfile::tempdir().unwrap();
    let library = elsewhere.path().join("liblost.so");
    compile(LIBRARY, &library, &["-shared", "-fPIC", "-Wl,-soname,liblost.so.1"]);
    compile(PROGRAM, &place.path("install/usr/bin/lost"), &[library.to_str().unwrap()]);
    let text = place.story(&place.stage(&["--formats=tar.gz"]).success());
    let warning = "the SBOM names no dependencies, because usr/bin/lost needs liblost.so.1, which is neither";
    assert!(text.contains(warning), "{text}");
    assert_eq!(parse(&sbom(&place))["packages"].as_array().unwrap().len(), 1);
    validate(&sbom(&place)).unwrap();
    place.stage(&["--formats=tar.gz,deb"]).code(1);
}
