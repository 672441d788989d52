// SPDX-License-Identifier: Apache-2.0
//! What is packaged is what was built and tested: digests from link to link.

use crate::place::{Place, host};
use artifact::{BuildRecord, BuildType, Bundle, ExampleReport, Sha256};
use std::fs::{self, File};
use std::path::Path;

fn tree(place: &Place) -> Sha256 {
    tree::digest(&place.path("install")).unwrap()
}

fn report(tree_sha256: Option<Sha256>) -> String {
    let report = ExampleReport {
        schema: 1,
        package: "plugin-hello".parse().unwrap(),
        arch: host(),
        valgrind: false,
        examples: Vec::new(),
        not_run: 0,
        context: Vec::new(),
        tree_sha256,
        regressions: Vec::new(),
        leftovers: Vec::new(),
        notes: Vec::new(),
    };
    String::from_utf8(report.to_canonical_json()).unwrap()
}

fn record(place: &Place, tree_sha256: Sha256) {
    let record = BuildRecord {
        schema: 1,
        compiler: "gcc 12.2.0".to_owned(),
        backend: "meson 1.12.1".to_owned(),
        options: Vec::new(),
        version: "0.3.0".to_owned(),
        arch: host(),
        build_type: BuildType::Release,
        tree_sha256: Some(tree_sha256),
    };
    place.write("build/vaccel-build.json", &String::from_utf8(record.to_canonical_json()).unwrap());
}

/// Other bytes of the same size, and the time of before: what size and time alone do not find.
fn swap(file: &Path) {
    let time = file.metadata().unwrap().modified().unwrap();
    let mut content = fs::read(file).unwrap();
    *content.last_mut().unwrap() ^= 1;
    fs::write(file, content).unwrap();
    File::options().write(true).open(file).unwrap().set_modified(time).unwrap();
}

#[test]
fn the_manifest_names_the_tested_tree_and_the_outputs_name_the_manifest() {
    let place = Place::new();
    let digest = tree(&place);
    record(&place, digest);
    place.write("report.json", &report(Some(digest)));
    place.write("output", "");
    let expected = format!("--tree-sha256={digest}");
    place
        .command()
        .args([&*expected, "--build-path=build", "--examples-report=report.json", "--formats=so"])
        .env("GITHUB_OUTPUT", place.path("output"))
        .env("GITHUB_ACTIONS", "true")
        .assert()
        .success();
    let bundle = Bundle::open(place.path("dist")).unwrap();
    let manifest = bundle.manifest();
    assert_eq!(manifest.tree_sha256, Some(digest));
    let reports: Vec<_> = manifest.files.iter().filter(|file| file.name.as_str().ends_with("_examples.json")).collect();
    assert_eq!(manifest.examples, [reports[0].sha256]);
    let outputs = testbed::step::outputs(&fs::read_to_string(place.path("output")).unwrap());
    let written = Sha256::of(&fs::read(place.path("dist/manifest.json")).unwrap());
    let identity = format!("identity=plugin-hello/{}/release={written}", host());
    for output in [format!("tree-sha256={digest}"), format!("manifest-sha256={written}"), identity] {
        assert!(outputs.contains(&output), "{output}: {outputs:?}");
    }
}

#[test]
fn another_tree_or_a_report_about_another_tree_is_refused() {
    let place = Place::new();
    let built = tree(&place);
    let other = Sha256::of(b"other");
    record(&place, built);
    for (name, about) in [("same", Some(built)), ("other", Some(other)), ("none", None)] {
        place.write(&format!("{name}.json"), &report(about));
    }
    let expected = format!("--tree-sha256={built}");
    let wrong = format!("--tree-sha256={other}");
    let refused = |arguments: &[&str]| {
        let assert = place.command_with(arguments).arg("--formats=so").assert().code(2);
        assert!(!place.path("dist").exists());
        let story = place.story(&assert).replace(&tree(&place).to_string(), "<tree>");
        story.replace(&built.to_string(), "<built>").replace(&other.to_string(), "<other>")
    };
    let mut stories = vec![
        refused(&[&wrong]),
        refused(&["--examples-report=other.json"]),
        refused(&["--examples-report=none.json", &expected]),
    ];
    swap(&place.libraries().join("libvaccel-hello.so.0.3.0"));
    stories.push(refused(&[&expected]));
    stories.push(refused(&["--build-path=build"]));
    stories.push(refused(&["--examples-report=same.json"]));
    insta::assert_snapshot!("another_tree", stories.join("\n"));
    // What nobody knows the digest of is staged, as ever.
    place.stage(&["--formats=so", "--examples-report=none.json"]).success();
}

#[test]
fn a_tree_that_changes_while_it_is_packaged_is_not_staged() {
    let place = Place::new();
    // Staging asks dpkg about dependencies: a process that the build left behind uses the time.
    let library = place.libraries().join("libvaccel-hello.so.0.3.0");
    let script = "#!/bin/sh\nprintf x >>\"$LIBRARY\"\nexec /usr/bin/dpkg-deb \"$@\"\n";
    place.write("bin/dpkg-deb", script);
    fs::set_permissions(place.path("bin/dpkg-deb"), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let path = format!("{}:{}", place.path("bin").display(), std::env::var("PATH").unwrap());
    let assert = place.command().env("PATH", path).env("LIBRARY", library).assert().code(1);
    let story = place.story(&assert);
    assert!(story.contains("the install tree install changed while it was packaged"), "{story}");
    assert!(!place.path("dist").exists());
}

#[test]
fn the_provenance_is_about_every_file_and_tells_no_run() {
    let place = Place::new();
    let stage = |run: &str| {
        place
            .command_with(&["--formats=so", "--builder=verify-build.yml", "--pkgconfig-prefix=source"])
            .env("GITHUB_REPOSITORY", "nubificus/plugin-hello")
            .env("GITHUB_WORKFLOW_REF", "nubificus/plugin-hello/.github/workflows/ci.yml@refs/tags/v0.3.0")
            .env("GITHUB_ACTION_REF", "v0.2.0")
            .env("GITHUB_RUN_ID", run)
            .env("GITHUB_REF_NAME", "v0.3.0")
            .assert()
            .success();
        fs::read(place.path("dist").join(format!("plugin-hello_0.3.0_{}.provenance.json", host()))).unwrap()
    };
    let text = stage("7");
    assert_eq!(text, stage("8"), "equal builds are equal bytes, whatever run made them");
    let statement = artifact::Provenance::parse(&text).unwrap();
    let bundle = Bundle::open(place.path("dist")).unwrap();
    let others = bundle.manifest().files.iter().filter(|file| !file.name.as_str().ends_with(".provenance.json"));
    for file in others {
        assert_eq!(statement.digest_of(&file.name), Some(file.sha256), "{}", file.name);
    }
    assert!(statement.is_of("nubificus/plugin-hello", &bundle.manifest().commit));
    let definition = &statement.predicate.build_definition;
    let workflow = definition.external_parameters.workflow.as_ref().unwrap();
    assert_eq!((&*workflow.path, &*workflow.git_ref), (".github/workflows/ci.yml", "refs/tags/v0.3.0"));
    assert_eq!(
        statement.predicate.run_details.builder.id,
        "https://github.com/nubificus/vaccel-ci/.github/workflows/verify-build.yml@v0.2.0"
    );
    assert_eq!(definition.resolved_dependencies[1].uri, "file:source");
}
