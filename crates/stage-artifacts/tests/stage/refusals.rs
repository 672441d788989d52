// SPDX-License-Identifier: Apache-2.0
//! Bad input: one clear error, the right exit status, and nothing half-written.

use crate::place::{LIBRARY, PROGRAM, Place, compile, contents, host, multiarch, output_of};
use std::ffi::OsStr;
use std::fmt::Write;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::process::Command;

/// Makes a place wrong.
type Spoil = fn(&Place);

/// Stages what must be refused; gives the message.
fn refused(place: &Place, arguments: &[&str], status: i32) -> String {
    let before = contents(&place.path(""));
    let assert = place.stage(arguments).code(status);
    assert!(contents(&place.path("")) == before, "something was written");
    place.story(&assert)
}

#[test]
fn inputs_that_cannot_be() {
    let place = Place::new();
    let build = place.path("build");
    fs::create_dir(&build).unwrap();
    fs::write(build.join("vaccel-build.json"), r#"{"schema": 9}"#).unwrap();
    let cases: [(&str, &[&str]); 14] = [
        ("missing destdir", &["--destdir=nowhere"]),
        ("destdir is a file", &["--destdir=source/LICENSE"]),
        ("package name", &["--package=Plugin_Hello"]),
        ("version", &["--version=v0.3"]),
        ("arch", &["--arch=amd64"]),
        ("build type", &["--build-type=fast"]),
        ("ref", &["--ref=../main"]),
        ("format", &["--formats=deb,rpm"]),
        ("missing source", &["--source-path=nowhere"]),
        ("no build record", &["--build-path=source"]),
        ("output in the tree", &["--output-path=install/dist"]),
        ("output of somebody else", &["--output-path=source"]),
        ("no examples report", &["--examples-report=nowhere.json"]),
        ("maintainer", &["--maintainer=Jane"]),
    ];
    let mut story = String::new();
    for (name, arguments) in cases {
        writeln!(story, "# {name}\n{}", refused(&place, arguments, 2)).unwrap();
    }
    insta::assert_snapshot!("inputs", story);
    insta::assert_snapshot!("newer_record", refused(&place, &["--build-path=build"], 1));
}

#[test]
fn trees_that_cannot_be_packaged() {
    let cases: [(&str, Spoil); 9] = [
        ("socket", |place| drop(UnixListener::bind(place.path("install/usr/socket")).unwrap())),
        ("empty", |place| {
            fs::remove_dir_all(place.path("install")).unwrap();
            fs::create_dir_all(place.path("install/usr/lib")).unwrap();
        }),
        ("other prefix", |place| fs::rename(place.path("install/usr"), place.path("install/opt")).unwrap()),
        ("absolute link", |place| symlink("/etc/passwd", place.path("install/usr/passwd")).unwrap()),
        ("escaping link", |place| symlink("../../source", place.path("install/usr/source")).unwrap()),
        ("named pipe", |place| {
            assert!(Command::new("mkfifo").arg(place.path("install/usr/pipe")).status().unwrap().success());
        }),
        ("not UTF-8", |place| {
            fs::write(place.path("install/usr").join(OsStr::from_bytes(b"caf\xe9")), "").unwrap();
        }),
        ("control files", |place| place.write("install/DEBIAN/postinst", "#!/bin/sh\n")),
        ("foreign program", |place| {
            let program = place.path("install/usr/bin/hello");
            let mut bytes = fs::read(&program).unwrap();
            bytes[18..20].copy_from_slice(&[243, 0]);
            fs::write(program, bytes).unwrap();
        }),
    ];
    let mut story = String::new();
    for (name, spoil) in cases {
        let place = Place::new();
        spoil(&place);
        writeln!(story, "# {name}\n{}", refused(&place, &[], 1)).unwrap();
    }
    insta::assert_snapshot!("trees", story.replace(host().as_str(), "<arch>"));
}

#[test]
fn a_tree_for_another_architecture() {
    let place = Place::new();
    let other = if host() == artifact::Arch::Armv7l { "aarch64" } else { "armv7l" };
    let text = refused(&place, &[&format!("--arch={other}")], 1);
    assert!(text.contains(&format!("usr/bin/hello is built for {}, not for {other}", host())), "{text}");
}

#[test]
fn missing_tools_are_named() {
    let place = Place::new();
    let tools = tempfile::tempdir().unwrap();
    let link = |name: &str| {
        let path = Command::new("sh").args(["-c", &format!("command -v {name}")]).output().unwrap().stdout;
        let path = String::from_utf8(path).unwrap();
        symlink(path.trim(), tools.path().join(name)).unwrap();
    };
    link("git");
    let assert = place.command().env("PATH", tools.path()).assert().code(1);
    insta::assert_snapshot!("no_dpkg_deb", place.story(&assert));
    assert!(!place.path("dist").exists());

    // Everything that dpkg-deb itself calls, but neither binutils nor dpkg-shlibdeps.
    for name in ["dpkg-deb", "tar", "sh"] {
        link(name);
    }
    let assert = place.command().env("PATH", tools.path()).assert().code(1);
    insta::assert_snapshot!("no_strip", place.story(&assert).replace(host().as_str(), "<arch>"));
    assert!(!place.path("dist").exists());
    link("strip");
    let assert =
        place.command().env("PATH", tools.path()).args(["--formats=deb", "--depends=libc6"]).assert().success();
    let text = place.story(&assert);
    assert!(text.contains("dpkg-shlibdeps is missing"), "{text}");
    assert!(output_of("dpkg-deb", &["--info", place.deb().to_str().unwrap()]).contains("Depends: libc6\n"));
}

#[test]
fn libraries_that_are_nowhere() {
    let place = Place::new();
    let elsewhere = tempfile::tempdir().unwrap();
    for (library, soname) in [("liblost.so", "liblost.so.1"), ("libplugin-lost.so", "libplugin-lost.so")] {
        let path = elsewhere.path().join(library);
        compile(LIBRARY, &path, &["-shared", "-fPIC", &format!("-Wl,-soname,{soname}")]);
        compile(PROGRAM, &place.path("install/usr/bin/lost"), &[path.to_str().unwrap()]);
        let text = refused(&place, &[], 1);
        insta::assert_snapshot!(format!("needs_{}", library.trim_end_matches(".so")), text);
    }
}

#[test]
fn libraries_of_fetched_packages_count_as_found() {
    let place = Place::new();
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("usr/lib").join(multiarch());
    fs::create_dir_all(&folder).unwrap();
    compile(LIBRARY, &folder.join("libcore.so.7"), &["-shared", "-fPIC", "-Wl,-soname,libcore.so.7"]);
    compile(PROGRAM, &place.path("install/usr/bin/user"), &[folder.join("libcore.so.7").to_str().unwrap()]);
    let roots = format!("--pkgconfig-prefix={}", root.path().display());

    let text = place.story(&place.stage(&[&roots]).success());
    assert!(
        text.contains("usr/bin/user needs libcore.so.7 from") && text.contains("`depends` names no package"),
        "{text}"
    );

    let text = place.story(&place.stage(&[&roots, "--depends=vaccel (>= 0.7)"]).success());
    assert!(!text.contains("warning"), "{text}");
    let info = output_of("dpkg-deb", &["--field", place.deb().to_str().unwrap(), "Depends"]);
    assert!(info.contains("libc6") && info.trim_end().ends_with(", vaccel (>= 0.7)"), "{info}");
}

#[test]
fn two_libraries_of_one_name() {
    let place = Place::new();
    compile(LIBRARY, &place.path("install/usr/lib/libvaccel-hello.so.0.3.0"), &["-shared", "-fPIC"]);
    insta::assert_snapshot!("twins", refused(&place, &["--formats=so"], 1));
}

#[test]
fn an_unpublished_history_or_no_repository() {
    let place = Place::new();
    fs::remove_dir_all(place.path("source/.git")).unwrap();
    let text = refused(&place, &[], 1);
    assert!(text.contains("is not in a git repository"), "{text}");
}

#[test]
fn github_sees_one_annotation() {
    let place = Place::new();
    let assert = place.command().arg("--destdir=nowhere").env("GITHUB_ACTIONS", "true").assert().code(2);
    let text = place.story(&assert);
    assert_eq!(text.lines().filter(|line| line.starts_with("::error")).count(), 1, "{text}");
}
