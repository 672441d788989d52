// SPDX-License-Identifier: Apache-2.0
//! The executable against a real store, as a step of a workflow and on a laptop.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail where it stands")]

mod deb;
mod machine;
mod packages;
mod plain;
mod scene;
mod signed;
mod tls;

use artifact::Sha256;
use scene::{ARCHIVE, DEB, DEBUG_DEB, Said, Scene, digest, outputs};
use std::fs;
use testbed::s3::Server;

#[test]
fn a_job_fetches_by_requirement_and_reports() {
    let scene = Scene::new("reports");
    scene.publish("v0.2.9", "0.2.9");
    scene.publish("v0.3.0", "0.3.0");
    scene.publish("v0.3.1-rc.1", "0.3.1-rc.1");
    let said = scene.run(scene.job(&["--version=^0.3"]));
    assert_eq!(said.code, 0, "{}", said.stdout);
    assert_eq!(said.stderr, "");
    let mut lines: Vec<_> = said.stdout.lines().filter(|line| !line.starts_with("::add-mask::")).collect();
    // Files are fetched side by side.
    lines.sort_unstable();
    insta::assert_snapshot!(lines.join("\n"), @r"
    ==> Fetch hello 0.3.0 (reports/hello/rev/v0.3.0/x86_64/release/)
    fetched: hello_0.3.0-1_amd64.deb (9 B)
    fetched: hello_0.3.0_x86_64.tar.gz (5.1 kB)
    ");
    insta::assert_snapshot!(without_digests(&scene).join("\n"), @r"
    version=0.3.0
    ref=v0.3.0
    commit=ebc23b1f00000000000000000000000000000000
    path=artifacts
    files=hello_0.3.0-1_amd64.deb|hello_0.3.0_x86_64.tar.gz
    installed=false
    ");
    insta::assert_snapshot!(scene.read("summary"), @r"
    ## `hello` `0.3.0` fetched

    `v0.3.0` for x86_64, release, commit `ebc23b1f00000000000000000000000000000000`. [Manifest](STORE/artifacts/reports/hello/rev/v0.3.0/x86_64/release/manifest.json)

    | File | Kind | Size | SHA-256, verified |  |
    | --- | --- | --- | --- | --- |
    | [`hello_0.3.0-1_amd64.deb`](STORE/artifacts/reports/hello/objects/3b439e5240fc6bc6baeae019765d533d44e4604bf89cc5c328eccf85fcc3c60d/hello_0.3.0-1_amd64.deb) | deb | 9 B | `3b439e5240fc` | fetched |
    | [`hello_0.3.0_x86_64.tar.gz`](STORE/artifacts/reports/hello/objects/26dcb601336be7291695ca52d7758d2cd67a82647ffd47d73043272b3b428259/hello_0.3.0_x86_64.tar.gz) | archive | 5.1 kB | `26dcb601336b` | fetched |
    ");
    assert_eq!(scene.names("artifacts"), [DEB, ARCHIVE], "debug symbols were not asked for");
    assert_eq!(Sha256::of(&fs::read(scene.path("artifacts").join(DEB)).unwrap()), digest("deb 0.3.0"));

    let said = scene.run(scene.job(&["--version=^0.3"]));
    assert_eq!(said.code, 0, "{}", said.stdout);
    assert_eq!(said.stdout.matches("there already: ").count(), 2, "{}", said.stdout);
    assert!(!said.stdout.contains("fetched: "), "{}", said.stdout);
}

/// The outputs but those with digests.
fn without_digests(scene: &Scene) -> Vec<String> {
    let has_digests = |output: &String| ["packages=", "verified="].iter().any(|name| output.starts_with(name));
    outputs(&scene.read("output")).into_iter().filter(|output| !has_digests(output)).collect()
}

#[test]
fn a_version_or_a_ref_says_which_bundle() {
    let scene = Scene::new("which");
    for (git_ref, version) in [("v0.2.9", "0.2.9"), ("v0.3.0", "0.3.0"), ("v0.4.0-rc.1", "0.4.0-rc.1")] {
        scene.publish(git_ref, version);
    }
    scene.publish("feat/a", "0.3.1-dev.2+gebc23b1f");
    let cases = [
        ("--version=0.2.9", "0.2.9"),
        ("--version=^0.2", "0.2.9"),
        ("--version=>=0.2, <0.4", "0.3.0"),
        ("--version=latest", "0.3.0"),
        ("--version=latest-dev", "0.4.0-rc.1"),
        ("--version=0.4.0-rc.1", "0.4.0-rc.1"),
        ("--ref=v0.3.0", "0.3.0"),
        ("--ref=feat/a", "0.3.1-dev.2+gebc23b1f"),
    ];
    for (argument, version) in cases {
        let said = scene.run(scene.job(&[argument]));
        assert_eq!(said.code, 0, "{argument}: {}", said.stdout);
        let outputs = outputs(&scene.read("output"));
        assert!(outputs.contains(&format!("version={version}")), "{argument}: {outputs:?}");
    }
}

#[test]
fn patterns_choose_files() {
    let scene = Scene::new("patterns");
    scene.publish("v0.3.0", "0.3.0");
    let cases: [(&str, &[&str]); 5] = [
        (" , ", &[DEB, ARCHIVE]),
        ("*.tar.gz", &[ARCHIVE]),
        ("*-dbgsym_*", &[DEBUG_DEB]),
        ("hello_*.deb,*.tar.gz", &[DEB, ARCHIVE]),
        ("hello_*\n*.deb", &[DEBUG_DEB, DEB, ARCHIVE]),
    ];
    for (index, (patterns, names)) in cases.iter().enumerate() {
        let folder = format!("folder-{index}");
        let said = scene.run(scene.job(&["--version=latest", "--files", patterns, "--local-path", &folder]));
        assert_eq!(said.code, 0, "{patterns}: {}", said.stdout);
        assert_eq!(scene.names(&folder), *names, "{patterns}");
    }
    let said =
        [scene.fails(&["--version=latest", "--files=*.deb,*.rpm"]), scene.fails(&["--version=latest", "--files=[a"])];
    insta::assert_snapshot!(said.join("\n"), @r#"
    1: ==> Fetch hello 0.3.0 (patterns/hello/rev/v0.3.0/x86_64/release/)
    error: no file of the bundle matches "*.rpm"
    help: it has hello-dbgsym_0.3.0-1_amd64.deb, hello_0.3.0-1_amd64.deb, hello_0.3.0_x86_64.tar.gz

    2: ==> Fetch hello 0.3.0 (patterns/hello/rev/v0.3.0/x86_64/release/)
    error: "[a" in files is not a valid pattern
      caused by: Pattern syntax error near position 0: invalid range pattern
    "#);
    assert_eq!(scene.names("artifacts"), [] as [&str; 0], "nothing is fetched when a pattern is wrong");
}

#[test]
fn the_archive_is_installed_below_a_prefix() {
    let scene = Scene::new("prefix");
    scene.publish("v0.3.0", "0.3.0");
    // The archive comes even where the patterns leave it out; a second run replaces the first.
    for _ in 0..2 {
        let said = scene.run(scene.job(&["--version=0.3.0", "--install=prefix", "--files=hello_*.deb"]));
        assert_eq!(said.code, 0, "{}", said.stdout);
    }
    insta::assert_snapshot!(without_digests(&scene)[4..].join("\n"), @r"
    files=hello_0.3.0-1_amd64.deb|hello_0.3.0_x86_64.tar.gz
    installed=true
    pkg-config-path=FOLDER/prefix/usr/lib/x86_64-linux-gnu/pkgconfig:FOLDER/prefix/usr/share/pkgconfig
    library-path=FOLDER/prefix/usr/lib/x86_64-linux-gnu:FOLDER/prefix/usr/lib
    ");
    assert_eq!(fs::read_to_string(scene.path("prefix/usr/lib/libhello.so.0")).unwrap(), "elf 0.3.0");
    for output in outputs(&scene.read("output")) {
        let Some((_, folders)) = output.split_once("-path=") else { continue };
        for folder in folders.split(':') {
            let folder = folder.replace("FOLDER/", &scene.path("").display().to_string());
            assert!(fs::metadata(&folder).unwrap().is_dir(), "{folder}");
        }
    }
}

#[test]
fn dpkg_is_asked_for_where_it_is_missing() {
    let scene = Scene::new("dpkg");
    scene.publish("v0.3.0", "0.3.0");
    let mut command = scene.command(&["--version=0.3.0", "--install=deb"]);
    command.env("PATH", scene.path("nothing"));
    let Said { code, stderr, .. } = scene.run(command);
    let last: Vec<_> = stderr.lines().filter(|line| !line.starts_with("fetched: ")).collect();
    insta::assert_snapshot!(format!("{code}: {}", last.join("\n")), @r"
    1: ==> Fetch hello 0.3.0 (dpkg/hello/rev/v0.3.0/x86_64/release/)
    error: dpkg was not found on PATH
    help: install the Debian package dpkg, or use install: prefix
    ");
}

#[test]
fn what_is_not_published_is_named_with_what_is() {
    let scene = Scene::new("unsatisfied");
    scene.publish("v0.2.9", "0.2.9");
    scene.publish("v0.3.0", "0.3.0");
    let said = [
        scene.fails(&["--version=^0.7"]),
        scene.fails(&["--version=0.3.1"]),
        scene.fails(&["--version=latest", "--arch=aarch64"]),
        scene.fails(&["--version=latest", "--package=other"]),
        scene.fails(&["--ref=main"]),
        scene.fails(&["--version=latest", "--bucket=elsewhere"]),
    ];
    insta::assert_snapshot!(said.join("\n"), @r#"
    1: error: hello ^0.7 is not published for x86_64, release; published: releases v0.3.0, v0.2.9
    help: ask for one of these, for example version 0.3.0 (hello@0.3.0)

    1: error: hello 0.3.1 is not published for x86_64, release; published: releases v0.3.0, v0.2.9
    help: ask for one of these, for example version 0.3.0 (hello@0.3.0)

    1: error: hello latest is not published for aarch64, release; published for other targets (x86_64 release): releases v0.3.0, v0.2.9
    help: check arch and build-type, or publish it for this target

    1: error: other latest is not published for x86_64, release; nothing of it is published below unsatisfied/other/
    help: check package, base-path and remote-path, or publish it first

    1: error: hello at main is not published for x86_64, release; published: releases v0.3.0, v0.2.9
    help: ask for one of these, for example version 0.3.0 (hello@0.3.0)

    1: error: there is no bucket "elsewhere" at STORE
    help: check bucket and endpoint-url; the bucket is not made by itself
    "#);
}

#[test]
fn what_is_missing_may_be_let_pass() {
    let scene = Scene::new("optional");
    let nothing = scene.run(scene.job(&["--ref=main", "--allow-missing"]));
    scene.publish("main", "0.3.1-dev.2+gebc23b1f");
    let no_file = scene.run(scene.job(&["--ref=main", "--files=*.whl", "--allow-missing"]));
    assert_eq!((nothing.code, no_file.code), (0, 0), "{}{}", nothing.stdout, no_file.stdout);
    assert!(
        nothing.stdout.contains("nothing is fetched: hello at main is not published for x86_64, release; nothing of it is published below optional/hello/"),
        "{}",
        nothing.stdout
    );
    assert!(no_file.stdout.contains("nothing is fetched: no file of hello matches"), "{}", no_file.stdout);
    assert!(outputs(&scene.read("output")).is_empty());
    let some = scene.run(scene.job(&["--ref=main", "--files=*.whl,*.tar.gz", "--allow-missing"]));
    assert_eq!(some.code, 0, "{}", some.stdout);
    assert_eq!(scene.names("artifacts").len(), 1);
    let no_store = scene.run(scene.job(&["--ref=main", "--bucket=nowhere", "--allow-missing"]));
    assert_ne!(no_store.code, 0, "{}", no_store.stdout);
}

#[test]
fn wrong_inputs_are_status_two() {
    let scene = Scene::new("inputs");
    let said = [
        scene.fails(&[]),
        scene.fails(&["--version=latest", "--ref=main"]),
        scene.fails(&["--version=newest"]),
        scene.fails(&["--version=latest", "--arch=mips"]),
        scene.fails(&["--version=latest", "--build-type=fast"]),
        scene.fails(&["--version=latest", "--install=rpm"]),
        scene.fails(&["--version=latest", "--allow-http=yes"]),
        scene.fails(&["--version=latest", "--endpoint-url=http://store.example"]),
        scene.fails(&["--ref=../main"]),
        scene.fails(&["--version=latest", "--json"]),
    ];
    insta::assert_snapshot!(said.join("\n"), @r#"
    2: error: neither version nor ref is given
    help: give version, such as ^0.7 or latest, or ref: a branch, a release tag, or auto

    2: error: the argument '--version <VERSION>' cannot be used with '--ref <GIT_REF>'
    help: see --help, or the action's README

    2: error: invalid value 'newest' for '--version <VERSION>': "newest" is not a version requirement (unexpected character 'n' while parsing major version number); write ^0.7, 0.7.1, latest or latest-dev
    help: see --help, or the action's README

    2: error: invalid value 'mips' for '--arch <ARCH>': unknown architecture "mips"; there are x86_64, aarch64 and armv7l
    help: see --help, or the action's README

    2: error: invalid value 'fast' for '--build-type <BUILD_TYPE>': unknown build type "fast"; there are plain, debug, debugoptimized, release and minsize
    help: see --help, or the action's README

    2: error: invalid value 'rpm' for '--install <INSTALL>'
      [possible values: none, deb, prefix]
    help: see --help, or the action's README

    2: error: invalid value 'yes' for '--allow-http[=<true|false>]'
      [possible values: true, false]
    help: see --help, or the action's README

    2: error: the endpoint "http://store.example" is not usable: plain HTTP is for this machine only; use https, or allow-http
    help: give endpoint-url as https://host or https://host:port

    2: error: invalid value '../main' for '--ref <GIT_REF>': "../main" cannot name a branch or a release: it holds '..' or '@{'
    help: see --help, or the action's README

    2: error: the following required arguments were not provided:
      --list[=<true|false>]
    help: see --help, or the action's README
    "#);
    assert!(!scene.path("artifacts").exists());
}

#[test]
fn a_tampered_object_gets_no_final_name() {
    let scene = Scene::new("tampered");
    scene.publish("v0.3.0", "0.3.0");
    scene.replace_deb(b"bad 0.3.0");
    let said = scene.fails(&["--version=latest", "--files=hello_*.deb"]);
    let said = said.replace(&digest("deb 0.3.0").to_string(), "<the manifest's digest>");
    insta::assert_snapshot!(said.replace(&digest("bad 0.3.0").to_string(), "<the object's digest>"), @r"
    1: ==> Fetch hello 0.3.0 (tampered/hello/rev/v0.3.0/x86_64/release/)
    error: tampered/hello/objects/<the manifest's digest>/hello_0.3.0-1_amd64.deb is not the file of the manifest: <the object's digest> instead of <the manifest's digest>
    help: the store or the way to it is damaged; nothing of it was kept
    ");
    assert_eq!(scene.names("artifacts"), [] as [&str; 0]);
    assert_eq!(fs::read_dir(scene.path("artifacts")).unwrap().count(), 0, "nothing of it is kept");
}

#[test]
fn releases_that_we_do_not_understand_are_refused() {
    let scene = Scene::new("manifests");
    scene.publish("v0.3.0", "0.3.0");
    let said = [r#"{"schema": 3}"#, "{}", "no JSON"].map(|release| {
        scene.replace_release(release.as_bytes());
        scene.fails(&["--ref=v0.3.0"])
    });
    insta::assert_snapshot!(said.join("\n"), @r#"
    1: error: manifests/hello/rev/v0.3.0/release.json was refused: its schema is 3, and this version of vaccel-ci understands 2; use a newer one
    help: use a newer version of vaccel-ci

    1: error: manifests/hello/rev/v0.3.0/release.json was refused: it is not a release: missing field `schema` at line 1 column 2
    help: check endpoint-url, bucket and base-path; if they are right, the store is damaged

    1: error: manifests/hello/rev/v0.3.0/release.json was refused: it is not a release: expected ident at line 1 column 2; it begins with "no JSON"
    help: check endpoint-url, bucket and base-path; if they are right, the store is damaged
    "#);
}

#[test]
fn versions_are_listed_for_people_and_programs() {
    let scene = Scene::new("list");
    let list = |arguments: &[&str]| {
        let said = scene.run(scene.command(arguments));
        assert_eq!((said.code, said.stderr.as_str()), (0, ""), "{arguments:?}");
        said.stdout
    };
    insta::assert_snapshot!(list(&["--list"]), @"nothing of hello is published");
    insta::assert_snapshot!(list(&["--list", "--json"]), @"[]");
    for (git_ref, version) in [("v0.3.0", "0.3.0"), ("v0.10.0", "0.10.0"), ("v0.4.0-rc.1", "0.4.0-rc.1")] {
        scene.publish(git_ref, version);
    }
    insta::assert_snapshot!(list(&["--list"]), @r"
    VERSION     TARGETS
    0.10.0      x86_64/release
    0.4.0-rc.1  x86_64/release
    0.3.0       x86_64/release
    ");
    insta::assert_snapshot!(list(&["--list", "--json"]), @r#"[{"ref":"v0.10.0","targets":[{"arch":"x86_64","build_type":"release"}],"version":"0.10.0"},{"ref":"v0.4.0-rc.1","targets":[{"arch":"x86_64","build_type":"release"}],"version":"0.4.0-rc.1"},{"ref":"v0.3.0","targets":[{"arch":"x86_64","build_type":"release"}],"version":"0.3.0"}]"#);
}

#[test]
fn a_store_that_denies_says_so() {
    let scene = Scene::new("denied");
    scene.publish("v0.3.0", "0.3.0");
    let mut said = Vec::new();
    for arguments in [&["--version=latest"][..], &["--ref=v0.3.0"], &["--list"]] {
        let mut command = scene.command(arguments);
        command.env_remove("INPUT_ACCESS_KEY").env_remove("INPUT_SECRET_KEY");
        let Said { code, stderr, .. } = scene.run(command);
        said.push(format!("{code}: {stderr}"));
    }
    said.push(scene.fails(&["--version=latest", "--secret-key=wrong"]));
    insta::assert_snapshot!(said.join("\n"), @r"
    1: error: STORE denies access to denied/hello/rev/.targets/x86_64/release/
    help: give credentials that may do this, or check base-path

    1: error: STORE denies access to denied/hello/index.json
    help: give credentials that may do this, or check base-path

    1: error: STORE denies access to denied/hello/rev/
    help: give credentials that may do this, or check base-path

    1: error: STORE does not accept the credentials (SignatureDoesNotMatch)
    help: check access-key and secret-key, and that they are for this store
    ");
}

#[test]
fn a_public_store_needs_no_credentials() {
    let server = testbed::tools::ensure(&|_| ()).and_then(|tools| Server::start_public(&tools)).unwrap();
    let scene = Scene::new("public");
    scene.publish_to(&server, "v0.3.0", "0.3.0");
    let mut command = scene.command(&["--version=latest"]);
    command.env_remove("INPUT_ACCESS_KEY").env_remove("INPUT_SECRET_KEY").env("INPUT_ENDPOINT_URL", server.endpoint());
    let said = scene.run(command);
    assert_eq!(said.code, 0, "{}", said.stderr);
    assert_eq!(scene.names("artifacts"), [DEB, ARCHIVE]);
}
