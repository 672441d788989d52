// SPDX-License-Identifier: Apache-2.0
//! What a bundle holds, looked at with the tools of those who use it.

use crate::place::{Place, contents, git, host, multiarch, output_of, require_tools};
use artifact::{Bundle, FileKind};
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

/// Lines of a listing, without what differs between machines.
fn neutral(text: &str) -> String {
    text.replace(multiarch(), "<multiarch>")
        .replace(host().as_str(), "<arch>")
        .replace(host().debian(), "<debian arch>")
}

#[test]
fn the_bundle_is_complete_and_verifies() {
    let place = Place::new();
    let assert = place.stage(&[]).success();
    let (arch, debian) = (host(), host().debian());
    let files = [
        "libvaccel-hello.so.0.3.0".to_owned(),
        format!("plugin-hello-dbgsym_0.3.0-1_{debian}.deb"),
        format!("plugin-hello_0.3.0-1_{debian}.deb"),
        format!("plugin-hello_0.3.0_{arch}.provenance.json"),
        format!("plugin-hello_0.3.0_{arch}.spdx.json"),
        format!("plugin-hello_0.3.0_{arch}.tar.gz"),
    ];
    let mut expected = files.to_vec();
    expected.extend(["SHA256SUMS".to_owned(), "manifest.json".to_owned()]);
    expected.sort();
    assert_eq!(place.staged(), expected);

    let bundle = Bundle::open(place.path("dist")).unwrap();
    bundle.verify().unwrap();
    let manifest = bundle.manifest();
    let found: Vec<_> = manifest.files.iter().map(|file| (file.name.to_string(), file.kind)).collect();
    let kinds = [
        FileKind::SharedLibrary,
        FileKind::DebugDeb,
        FileKind::Deb,
        FileKind::Other,
        FileKind::Sbom,
        FileKind::Archive,
    ];
    assert_eq!(found, files.iter().cloned().zip(kinds).collect::<Vec<_>>());
    assert_eq!(manifest.files[0].soname.as_deref(), Some("libvaccel-hello.so.0"));
    assert_eq!(manifest.git_ref.as_str(), "main");
    assert_eq!(manifest.repository, "nubificus/plugin-hello");
    assert_eq!(manifest.created.as_str(), "2026-01-02T03:04:05Z");
    for name in place.staged() {
        let mode = fs::metadata(place.path("dist").join(&name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o7777, 0o644, "{name}");
    }
    assert_eq!(fs::metadata(place.path("dist")).unwrap().permissions().mode() & 0o7777, 0o755);

    let stdout = String::from_utf8(assert.get_output().stdout.clone()).unwrap();
    // What a compiler makes has another digest elsewhere.
    let is_digest = |word: &&str| word.len() == 64 && word.parse::<artifact::Sha256>().is_ok();
    let digests: Vec<_> = stdout.split(['\n', ' ', '=']).filter(is_digest).collect();
    let stdout = digests.iter().fold(stdout.clone(), |text, digest| text.replace(digest, "<digest>"));
    insta::assert_snapshot!("outputs", neutral(&stdout));
}

#[test]
fn the_debian_package_is_what_dpkg_expects() {
    let place = Place::new();
    place.stage(&["--section=libs", "--depends=vaccel (>= 0.7)", "--description=greets\nand more"]).success();
    let deb = place.deb().display().to_string();
    let fields = output_of("dpkg-deb", &["--field", &deb]);
    let depends = fields.lines().find_map(|line| line.strip_prefix("Depends: ")).unwrap();
    assert!(depends.starts_with("libc6 (>= 2.") && depends.ends_with("), vaccel (>= 0.7)"), "{depends}");
    insta::assert_snapshot!(
        "control",
        neutral(&fields.replace(depends, "<libc6>, vaccel (>= 0.7)")).replace(
            &fields.lines().find(|line| line.starts_with("Installed-Size")).unwrap().to_owned(),
            "Installed-Size: <KiB>"
        )
    );

    let listing: Vec<_> = output_of("dpkg-deb", &["--contents", &deb])
        .lines()
        .map(|line| {
            let mut words = line.split_whitespace();
            let (mode, owner) = (words.next().unwrap(), words.next().unwrap());
            let rest: Vec<_> = words.skip(1).collect();
            format!("{mode} {owner} {}", rest.join(" "))
        })
        .collect();
    insta::assert_snapshot!("contents", neutral(&listing.join("\n")));

    let control = place.path("control");
    output_of("dpkg-deb", &["--control", &deb, control.to_str().unwrap()]);
    let texts = |name: &str| fs::read_to_string(control.join(name)).unwrap();
    assert_eq!(texts("triggers"), "activate-noawait ldconfig\n");
    assert_eq!(texts("shlibs"), "libvaccel-hello 0 plugin-hello (>= 0.3.0)\n");
    assert_eq!(texts("conffiles"), "/etc/plugin-hello.conf\n");

    let unpacked = place.unpacked("plugin-hello");
    let sums = control.join("md5sums").canonicalize().unwrap();
    output_of(
        "sh",
        &["-c", &format!("cd '{}' && md5sum --check --quiet --strict '{}'", unpacked.display(), sums.display())],
    );
    let files = contents(&unpacked).into_iter().filter(|(name, _)| !unpacked.join(name).is_symlink()).count();
    assert_eq!(texts("md5sums").lines().count(), files, "each file has its digest");
    let changelog = unpacked.join("usr/share/doc/plugin-hello/changelog.Debian.gz");
    let text = output_of("dpkg-parsechangelog", &["--file", changelog.to_str().unwrap(), "--show-field", "Version"]);
    assert_eq!(text.trim(), "0.3.0-1");
}

#[test]
fn archive_and_library_are_what_was_tested() {
    require_tools();
    let place = Place::new();
    place.stage(&["--formats=tar.gz,tar.xz,tar.zst,so"]).success();
    let tree = contents(&place.path("install"));
    let stem = format!("plugin-hello_0.3.0_{}", host());
    for ending in ["tar.gz", "tar.xz", "tar.zst"] {
        let archive = place.path("dist").join(format!("{stem}.{ending}"));
        let folder = place.path(ending);
        fs::create_dir(&folder).unwrap();
        output_of("tar", &["--extract", "--file", archive.to_str().unwrap(), "-C", folder.to_str().unwrap()]);
        assert!(contents(&folder.join(&stem)) == tree, "the files of the {ending} differ from the install tree");
    }
    let library = "libvaccel-hello.so.0.3.0";
    assert_eq!(fs::read(place.path("dist").join(library)).unwrap(), fs::read(place.libraries().join(library)).unwrap());
}

#[test]
fn the_archive_has_one_top_folder_and_no_owners() {
    let place = Place::new();
    place.libraries().join("a-name".repeat(30)).to_str().map(|path| fs::write(path, "long")).unwrap().unwrap();
    place.stage(&["--formats=tar.gz"]).success();
    let archive = place.path("dist").join(format!("plugin-hello_0.3.0_{}.tar.gz", host()));
    let listing = output_of("tar", &["--list", "--verbose", "--numeric-owner", "--file", archive.to_str().unwrap()]);
    let lines: Vec<_> = listing
        .lines()
        .map(|line| {
            let mut words = line.split_whitespace();
            let (mode, owner, _) = (words.next().unwrap(), words.next().unwrap(), words.next().unwrap());
            format!("{mode} {owner} {}", words.collect::<Vec<_>>().join(" "))
        })
        .collect();
    insta::assert_snapshot!("archive", neutral(&lines.join("\n")));
}

#[test]
fn an_earlier_bundle_is_replaced() {
    let place = Place::new();
    place.stage(&["--version=0.2.0"]).success();
    place.stage(&[]).success();
    assert!(place.staged().iter().all(|name| !name.contains("0.2.0")), "{:?}", place.staged());
    let hidden = fs::read_dir(place.path(""))
        .unwrap()
        .filter(|item| item.as_ref().unwrap().file_name().to_string_lossy().starts_with('.'));
    assert_eq!(hidden.count(), 0, "nothing is left beside it");
}

#[test]
fn the_build_record_becomes_part_of_the_manifest() {
    let place = Place::new();
    let record = artifact::BuildRecord {
        schema: 1,
        compiler: "gcc 12.2.0".to_owned(),
        backend: "meson 1.12.1".to_owned(),
        options: vec!["auto_features=enabled".to_owned()],
        version: "0.3.0".to_owned(),
        arch: host(),
        build_type: artifact::BuildType::Debug,
        tree_sha256: None,
    };
    place.write("build/vaccel-build.json", &String::from_utf8(record.to_canonical_json()).unwrap());
    place
        .command()
        .args(["--build-path=build", "--formats=so"])
        .envs([("GITHUB_RUN_ID", "7"), ("GITHUB_REPOSITORY", "nubificus/fork"), ("GITHUB_HEAD_REF", "feat/x")])
        .assert()
        .success();
    let bundle = Bundle::open(place.path("dist")).unwrap();
    let manifest = bundle.manifest();
    assert_eq!(manifest.built_by.compiler, "gcc 12.2.0");
    assert_eq!(manifest.built_by.options, ["auto_features=enabled"]);
    assert_eq!(manifest.build_type, artifact::BuildType::Debug);
    assert_eq!(manifest.git_ref.as_str(), "feat/x");
    assert_eq!(manifest.repository, "nubificus/fork");
    assert_eq!(manifest.run.as_ref().unwrap().url, "https://github.com/nubificus/fork/actions/runs/7");
}

#[test]
fn a_tree_that_brings_its_own_documentation_keeps_it() {
    let place = Place::new();
    place.write("install/usr/share/doc/plugin-hello/copyright", "mine\n");
    place.stage(&["--formats=deb"]).success();
    let unpacked = place.unpacked("plugin-hello");
    assert_eq!(fs::read_to_string(unpacked.join("usr/share/doc/plugin-hello/copyright")).unwrap(), "mine\n");
}

#[test]
fn a_tree_without_libraries_has_no_triggers_and_no_so() {
    let place = Place::new();
    fs::remove_dir_all(place.path("install/usr/lib")).unwrap();
    fs::remove_file(place.path("install/usr/bin/hello")).unwrap();
    place.write("install/usr/bin/hello", "#!/bin/sh\necho hello\n");
    symlink("hello", place.path("install/usr/bin/hi")).unwrap();
    place.stage(&[]).success();
    assert!(place.staged().iter().all(|name| !name.contains(".so")), "{:?}", place.staged());
    let info = output_of("dpkg-deb", &["--info", place.deb().to_str().unwrap()]);
    assert!(!info.contains("triggers") && !info.contains("shlibs") && !info.contains("Depends"), "{info}");
}

#[test]
fn a_detached_release_is_staged_as_that_release() {
    let place = Place::new();
    git(&place.path("source"), &["checkout", "--quiet", "--detach", "v0.3.0"]);
    place.write("source/.version", "0.3.0\n");
    place.command().arg("--formats=tar.gz").env("SOURCE_DATE_EPOCH", "86400").assert().success();
    let bundle = Bundle::open(place.path("dist")).unwrap();
    assert_eq!(bundle.manifest().git_ref.as_str(), "v0.3.0");
    assert_eq!(bundle.manifest().created.as_str(), "1970-01-02T00:00:00Z");
    place.write("source/.version", "0.2.0\n");
    place.stage(&[]).code(1);
}

#[test]
fn the_repository_describes_its_package() {
    let place = Place::new();
    place
        .write("source/.github/vaccel-ci.toml", "[stage-artifacts]\nsection = 'libs'\ndepends = ['vaccel (>= 0.7)']\n");
    place.stage(&["--formats=deb"]).success();
    assert_eq!(place.field("plugin-hello", "Section"), "libs");
    assert!(place.field("plugin-hello", "Depends").ends_with("), vaccel (>= 0.7)"));
    place.stage(&["--formats=deb", "--section=science"]).success();
    assert_eq!(place.field("plugin-hello", "Section"), "science");
    place.write("source/.github/vaccel-ci.toml", "[stage-artifacts]\nsections = 'libs'\n");
    place.stage(&["--formats=deb"]).code(2);
}
