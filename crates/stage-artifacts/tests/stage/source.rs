// SPDX-License-Identifier: Apache-2.0
//! The source archive: what was committed, and nothing else.

use crate::place::{Place, contents, git, output_of};
use artifact::{Bundle, FileKind};
use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::PathBuf;

/// A place whose source has a submodule with a submodule, a link and a script.
fn with_submodules() -> Place {
    let place = Place::new();
    for name in ["inner", "outer"] {
        place.write(&format!("{name}/{name}.c"), "int x;\n");
        let folder = place.path(name);
        git(&folder, &["init", "--quiet", "--initial-branch=main"]);
        git(&folder, &["add", "."]);
        git(&folder, &["commit", "--quiet", "--message=feat: begin"]);
    }
    let add = |to: &str, from: &str, below: &str| {
        let from = place.path(from);
        let to = place.path(to);
        let arguments = ["-c", "protocol.file.allow=always", "submodule", "--quiet", "add"];
        git(&to, &[&arguments[..], &[from.to_str().unwrap(), below]].concat());
        git(&to, &["commit", "--quiet", "--message=build: add a submodule"]);
    };
    add("outer", "inner", "deps/inner");
    let source = place.path("source");
    place.write("source/scripts/check.sh", "#!/bin/sh\n");
    place.write(&format!("source/{}file", "a-long-name/".repeat(12)), "");
    fs::set_permissions(source.join("scripts/check.sh"), Permissions::from_mode(0o755)).unwrap();
    symlink("scripts/check.sh", source.join("check")).unwrap();
    add("source", "outer", "subprojects/outer");
    git(&source, &["-c", "protocol.file.allow=always", "submodule", "--quiet", "update", "--init", "--recursive"]);
    git(&source, &["add", "."]);
    git(&source, &["commit", "--quiet", "--message=feat: check"]);
    git(&source, &["tag", "v0.4.0"]);
    place
}

fn unpacked(place: &Place, name: &str) -> PathBuf {
    let folder = place.path("unpacked");
    fs::create_dir_all(&folder).unwrap();
    let archive = place.path("dist").join(name);
    output_of("tar", &["--extract", "--file", archive.to_str().unwrap(), "-C", folder.to_str().unwrap()]);
    folder
}

#[test]
fn the_commit_with_its_submodules_and_version() {
    let place = with_submodules();
    place.write("source/untracked", "not in it\n");
    place.write("source/LICENSE", "changed\n");
    place.stage(&["--formats=source", "--version=0.4.0"]).success();
    let name = "plugin-hello_0.4.0_source.tar.gz";
    let bundle = Bundle::open(place.path("dist")).unwrap();
    let files: Vec<_> = bundle.manifest().files.iter().map(|file| (file.name.to_string(), file.kind)).collect();
    assert!(files.contains(&(name.to_owned(), FileKind::Source)), "{files:?}");

    let listing = output_of("tar", &["--list", "--file", place.path("dist").join(name).to_str().unwrap()]);
    insta::assert_snapshot!("source", listing);
    let top = unpacked(&place, name).join("plugin-hello-0.4.0");
    assert_eq!(fs::read_to_string(top.join(".version")).unwrap(), "0.4.0\n");
    assert!(fs::read_to_string(top.join("LICENSE")).unwrap().starts_with("MIT License"));
    assert_eq!(fs::read_link(top.join("check")).unwrap().to_str(), Some("scripts/check.sh"));
    let mode = |name: &str| fs::metadata(top.join(name)).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode("check"), mode("LICENSE")), (0o755, 0o644));
}

#[test]
fn a_committed_version_gives_way_to_the_true_one() {
    let place = Place::new();
    place.write("source/.version", "0.1.0\n");
    git(&place.path("source"), &["add", "."]);
    git(&place.path("source"), &["commit", "--quiet", "--message=chore: version"]);
    place.stage(&["--formats=source", "--version=0.3.1"]).success();
    let top = unpacked(&place, "plugin-hello_0.3.1_source.tar.gz").join("plugin-hello-0.3.1");
    assert_eq!(fs::read_to_string(top.join(".version")).unwrap(), "0.3.1\n");
    assert_eq!(contents(&top).len(), 3, "LICENSE, meson.build and the version");
}

#[test]
fn a_library_that_installs_nothing_has_its_source() {
    let place = with_submodules();
    fs::remove_dir_all(place.path("install")).unwrap();
    fs::create_dir(place.path("install")).unwrap();
    place.stage(&["--formats=source", "--version=0.4.0"]).success();
    assert!(place.path("dist/plugin-hello_0.4.0_source.tar.gz").is_file());
    // A package of an empty tree is still a mistake.
    fs::remove_dir_all(place.path("dist")).unwrap();
    let text = place.story(&place.stage(&["--formats=source,tar.gz", "--version=0.4.0"]).code(1));
    assert!(text.contains("the install tree install is empty"), "{text}");
}

#[test]
fn a_missing_submodule_is_named() {
    let place = with_submodules();
    git(&place.path("source/subprojects/outer"), &["submodule", "--quiet", "deinit", "--force", "--all"]);
    let assert = place.stage(&["--formats=source", "--version=0.4.0"]).code(1);
    insta::assert_snapshot!("missing_submodule", place.story(&assert));
    assert!(!place.path("dist").exists());
}
