// SPDX-License-Identifier: Apache-2.0
//! The executable against a real store, as a step of a workflow and on a laptop.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail where it stands")]

mod place;
mod scene;
mod secrets;
mod telling;

use artifact::Sha256;
use scene::{DEB, Said, Scene, outputs};
use std::fs;
use std::time::{Duration, Instant};

#[test]
fn a_job_publishes_and_reports_and_the_second_run_changes_nothing() {
    let scene = Scene::new("reports");
    let said = scene.run(scene.job());
    assert_eq!(said.code, 0, "{}", said.stdout);
    assert_eq!(said.stderr, "");
    let mut lines: Vec<_> = said.stdout.lines().filter(|line| !line.starts_with("::add-mask::")).collect();
    // Files are sent side by side.
    lines.sort_unstable();
    insta::assert_snapshot!(lines.join("\n"), @r"
    ==> Publish hello 0.3.0 to reports/hello/rev/v0.3.0/
    published: 2 files sent (10 B), 0 were there already
    sent: hello_0.3.0-1_amd64.deb (3 B)
    sent: hello_0.3.0_x86_64.tar.gz (7 B)
    ");
    insta::assert_snapshot!(outputs(&scene.read("output")).join("\n"), @r"
    remote-path=reports/hello/rev/v0.3.0/
    release-url=STORE/artifacts/reports/hello/rev/v0.3.0/release.json
    targets=x86_64/release
    uploaded=2
    skipped=0
    bytes=10
    ");
    insta::assert_snapshot!(scene.read("summary"), @r"
    ## `hello` `0.3.0` published

    release `v0.3.0` for x86_64/release: published: 2 files sent (10 B), 0 were there already. [Release](STORE/artifacts/reports/hello/rev/v0.3.0/release.json)

    | Target | File | Kind | Size | SHA-256 |
    | --- | --- | --- | --- | --- |
    | x86_64/release | [`hello_0.3.0-1_amd64.deb`](STORE/artifacts/reports/hello/objects/9cfa1468c93fc18652e34a000f0c6614b0fa18f6f4887477ad9b0d36ca6a7eaa/hello_0.3.0-1_amd64.deb) | deb | 3 B | `9cfa1468c93f` |
    | x86_64/release | [`hello_0.3.0_x86_64.tar.gz`](STORE/artifacts/reports/hello/objects/0eb3e36bfb24dcd9bb1d1bece1531216b59539a8fde17ee80224af0653c92aa3/hello_0.3.0_x86_64.tar.gz) | archive | 7 B | `0eb3e36bfb24` |
    ");

    let said = scene.run(scene.job());
    assert_eq!(said.code, 0, "{}", said.stdout);
    assert!(said.stdout.contains("already published; nothing changed"), "{}", said.stdout);
    let outputs = outputs(&scene.read("output"));
    for output in ["uploaded=0", "skipped=2", "bytes=0"] {
        assert!(outputs.iter().any(|line| line == output), "{output}: {outputs:?}");
    }
    insta::assert_snapshot!(scene.read("summary").lines().nth(2).unwrap(), @"release `v0.3.0` for x86_64/release: already published; nothing changed (2 files were there). [Release](STORE/artifacts/reports/hello/rev/v0.3.0/release.json)");
}

#[test]
fn a_person_reads_a_table_of_outputs() {
    let scene = Scene::new("person");
    let said = scene.run(scene.command());
    assert_eq!(said.code, 0, "{}", said.stderr);
    assert!(!said.stderr.contains("::"), "{}", said.stderr);
    insta::assert_snapshot!(said.stdout, @r"
    remote-path  person/hello/rev/v0.3.0/
    release-url  STORE/artifacts/person/hello/rev/v0.3.0/release.json
    targets      x86_64/release
    uploaded     2
    skipped      0
    bytes        10
    ");
}

#[test]
fn a_branch_moves_forward() {
    let scene = Scene::new("branch");
    for (version, deb) in [("0.3.1-dev.1", "deb"), ("0.3.1-dev.2", "bed")] {
        scene.bundle_of("feat/a", version, deb);
        let said = scene.run(scene.command());
        assert_eq!(said.code, 0, "{}", said.stderr);
        assert!(said.stderr.contains("published: "), "{}", said.stderr);
    }
    // And not back, unless somebody wants that.
    scene.bundle_of("feat/a", "0.3.1-dev.1", "deb");
    let said = scene.run(scene.command());
    assert_eq!(said.code, 0, "{}", said.stderr);
    assert!(
        said.stderr.contains("notice: nothing is published: feat/a is published at 0.3.1-dev.2"),
        "{}",
        said.stderr
    );
    let mut command = scene.command();
    command.arg("--allow-rollback");
    let said = scene.run(command);
    assert!(said.code == 0 && said.stderr.contains("published: "), "{}", said.stderr);
}

#[test]
fn other_bytes_for_a_release_are_refused_with_both_digests() {
    let scene = Scene::new("immutable");
    assert_eq!(scene.run(scene.command()).code, 0);
    scene.bundle("v0.3.0", "bed");
    let said = scene.fails(&["--concurrency=1"]);
    let digest = |text: &str| Sha256::of(text.as_bytes()).to_string();
    let said = said.replace(&digest("deb"), "<deb's digest>").replace(&digest("bed"), "<bed's digest>");
    insta::assert_snapshot!(said, @r"
    1: ==> Publish hello 0.3.0 to immutable/hello/rev/v0.3.0/
    error: immutable/hello/rev/v0.3.0/x86_64/release/hello_0.3.0-1_amd64.deb is published with other content: <deb's digest> there, <bed's digest> here
    help: a release never changes: publish the new content under a new version
    ");
}

#[test]
fn a_bundle_that_is_not_what_was_planned_is_refused() {
    let scene = Scene::new("planned");
    let cases = [
        "--package=other",
        "--ref=main",
        "--version=0.4.0",
        "--commit=0000000000000000000000000000000000000000",
        "--arch=aarch64",
        "--build-type=debug",
    ];
    let said: Vec<_> = cases.iter().map(|argument| scene.fails(&[argument])).collect();
    insta::assert_snapshot!(said.join("\n"), @r"
    2: error: the bundle's package is hello, and other was expected
    help: stage the bundle for what is to be published; what it says of itself is not changed afterwards

    2: error: the bundle's ref is v0.3.0, and main was expected
    help: stage the bundle for what is to be published; what it says of itself is not changed afterwards

    2: error: the bundle's version is 0.3.0, and 0.4.0 was expected
    help: stage the bundle for what is to be published; what it says of itself is not changed afterwards

    2: error: the bundle's commit is ebc23b1f00000000000000000000000000000000, and 0000000000000000000000000000000000000000 was expected
    help: stage the bundle for what is to be published; what it says of itself is not changed afterwards

    2: error: the bundle's arch is x86_64, and aarch64 was expected
    help: stage the bundle for what is to be published; what it says of itself is not changed afterwards

    2: error: the bundle's build-type is release, and debug was expected
    help: stage the bundle for what is to be published; what it says of itself is not changed afterwards
    ");
    let mut command = scene.command();
    command.args(["--ref=v0.3.0", "--package=hello", "--version=0.3.0", "--arch=x86_64", "--build-type=release"]);
    assert_eq!(scene.run(command).code, 0, "what fits is not refused");
}

#[test]
fn wrong_inputs_are_status_two() {
    let scene = Scene::new("inputs");
    fs::create_dir(scene.path("empty")).unwrap();
    let mut said = vec![
        scene.fails(&["--dist-path=empty"]),
        scene.fails(&["--endpoint-url=http://store.example"]),
        scene.fails(&["--endpoint-url=store.example"]),
        scene.fails(&["--latest=yes"]),
        scene.fails(&["--prune-after=soon"]),
        scene.fails(&["--ca-bundle=nowhere.pem"]),
    ];
    for absent in ["INPUT_ACCESS_KEY", "INPUT_SECRET_KEY", "INPUT_BUCKET", "INPUT_ENDPOINT_URL"] {
        let mut command = scene.command();
        // As GitHub passes an input that is not set.
        command.env(absent, "");
        let Said { code, stderr, .. } = scene.run(command);
        said.push(format!("{code}: {stderr}"));
    }
    insta::assert_snapshot!(said.join("\n"), @r#"
    2: error: there is nothing to publish in empty
      caused by: empty is not a bundle: it has no manifest.json
    help: make bundles with stage-artifacts, and give the folder of one, or the one that holds all, as dist-path

    2: error: the endpoint "http://store.example" is not usable: plain HTTP is for this machine only; use https, or allow-http
    help: give endpoint-url as https://host or https://host:port

    2: error: the endpoint "store.example" is not usable: it has no https:// in front
    help: give endpoint-url as https://host or https://host:port

    2: error: invalid value 'yes' for '--latest[=<true|false>]'
      [possible values: true, false]
    help: see --help, or the action's README

    2: error: invalid value 'soon' for '--prune-after <PRUNE_AFTER>': "soon" is not a number of days like 14d, nor `never`
    help: see --help, or the action's README

    2: error: could not read ca-bundle nowhere.pem
      caused by: No such file or directory (os error 2)

    2: error: secret-key is given without access-key
    help: give both, or neither to use the environment's credentials

    2: error: access-key is given without secret-key
    help: give both, or neither to use the environment's credentials

    2: error: bucket is missing
    help: give bucket; a web server can only be read

    2: error: the following required arguments were not provided:
      --endpoint-url <ENDPOINT_URL>
    help: see --help, or the action's README
    "#);
}

#[test]
fn a_store_that_refuses_is_status_one() {
    let scene = Scene::new("refuses");
    let mut said = vec![scene.fails(&["--secret-key=wrong"]), scene.fails(&["--access-key=nobody"])];
    // Twice: the first write does not make the bucket either.
    said.extend([(); 2].map(|()| scene.fails(&["--bucket=elsewhere"])));
    insta::assert_snapshot!(said.join("\n"), @r#"
    1: ==> Publish hello 0.3.0 to refuses/hello/rev/v0.3.0/
    error: STORE does not accept the credentials (SignatureDoesNotMatch)
    help: check access-key and secret-key, and that they are for this store

    1: ==> Publish hello 0.3.0 to refuses/hello/rev/v0.3.0/
    error: STORE does not accept the credentials (InvalidAccessKeyId)
    help: check access-key and secret-key, and that they are for this store

    1: ==> Publish hello 0.3.0 to refuses/hello/rev/v0.3.0/
    error: there is no bucket "elsewhere" at STORE
    help: check bucket and endpoint-url; the bucket is not made by itself

    1: ==> Publish hello 0.3.0 to refuses/hello/rev/v0.3.0/
    error: there is no bucket "elsewhere" at STORE
    help: check bucket and endpoint-url; the bucket is not made by itself
    "#);
}

#[test]
fn an_unreachable_store_is_given_up_soon() {
    let scene = Scene::new("unreachable");
    let begin = Instant::now();
    // Port 9, discard: nobody listens there.
    let said = scene.fails(&["--endpoint-url=http://127.0.0.1:9"]);
    assert!(begin.elapsed() < Duration::from_secs(20), "{:?}", begin.elapsed());
    insta::assert_snapshot!(said, @r"
    1: ==> Publish hello 0.3.0 to unreachable/hello/rev/v0.3.0/
    error: the publication broke off (readers see what they saw before; files on the store: none; not there: hello_0.3.0-1_amd64.deb, hello_0.3.0_x86_64.tar.gz, release.json): could not reach http://127.0.0.1:9: Connection refused (os error 111)
    help: run it again: it sends only what is missing
    ");
}

#[test]
fn a_file_that_changed_after_staging_is_not_published() {
    let scene = Scene::new("changed");
    fs::write(scene.path("dist").join(DEB), "bad").unwrap();
    let digest = |text: &str| Sha256::of(text.as_bytes()).to_string();
    let said = scene.fails(&["--concurrency=1"]);
    let said = said.replace(&digest("deb"), "<deb's digest>").replace(&digest("bad"), "<bad's digest>");
    insta::assert_snapshot!(said, @r"
    1: ==> Publish hello 0.3.0 to changed/hello/rev/v0.3.0/
    error: dist/hello_0.3.0-1_amd64.deb is not the file of the manifest: <bad's digest> instead of <deb's digest>
    ");
}

#[test]
fn a_bundle_that_changed_after_it_was_staged_is_not_published() {
    let scene = Scene::new("restaged");
    let staged = Sha256::of(&fs::read(scene.path("dist/manifest.json")).unwrap());
    // A process that the build left behind rewrites the package, and the manifest and the list to match.
    scene.bundle("v0.3.0", "evil");
    let found = Sha256::of(&fs::read(scene.path("dist/manifest.json")).unwrap());
    let outputs = format!("{{\"manifest-0\": \"hello/x86_64/release={staged}\", \"manifest-1\": \"\"}}");
    for expected in [staged.to_string(), format!("x86_64/release={staged}"), outputs] {
        let said = scene.fails(&[&format!("--manifest-sha256={expected}")]);
        let said = said.replace(&found.to_string(), "<found>").replace(&staged.to_string(), "<staged>");
        assert!(said.starts_with("2: error: dist/manifest.json has the digest <found>, not <staged>\n"), "{said}");
    }
    let said = scene.run({
        let mut command = scene.command();
        command.arg(format!("--manifest-sha256={found}"));
        command
    });
    assert_eq!(said.code, 0, "{}", said.stderr);
}

#[test]
fn a_digest_list_that_disagrees_is_not_published() {
    let scene = Scene::new("disagrees");
    let list = fs::read_to_string(scene.path("dist/SHA256SUMS")).unwrap();
    fs::write(scene.path("dist/SHA256SUMS"), list.replace("  hello", "  bello")).unwrap();
    let said = scene.fails(&[]);
    assert!(said.starts_with("2: error: there is nothing to publish in dist"), "{said}");
    assert!(said.contains("dist/SHA256SUMS is not the digest list of the manifest"), "{said}");
}
