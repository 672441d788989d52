// SPDX-License-Identifier: Apache-2.0
//! Trees for other architectures, compiled by cross compilers and staged on this machine.

use crate::debian::lintian;
use crate::debug::{build_id, is_elf, loaded_bytes};
use crate::place::{LIBRARY, PROGRAM, Place, compile_for, contents, host, output_of, require_tools};
use artifact::Arch;
use std::fs;
use std::path::PathBuf;

/// A place whose tree is for another architecture.
fn place(arch: Arch) -> Place {
    require_tools();
    let place = Place::new();
    fs::remove_dir_all(place.path("install")).unwrap();
    let libraries = place.path("install/usr/lib").join(arch.multiarch());
    fs::create_dir_all(&libraries).unwrap();
    fs::create_dir_all(place.path("install/usr/bin")).unwrap();
    let library = libraries.join("libvaccel-hello.so.0");
    compile_for(arch, LIBRARY, &library, &["-shared", "-fPIC", "-Wl,-soname,libvaccel-hello.so.0"]);
    compile_for(arch, PROGRAM, &place.path("install/usr/bin/hello"), &[library.to_str().unwrap()]);
    place
}

fn others() -> impl Iterator<Item = Arch> {
    Arch::ALL.into_iter().filter(|arch| Some(*arch) != Arch::host() && *arch != Arch::X86_64)
}

#[test]
fn other_architectures_are_staged_like_this_one() {
    for arch in others() {
        let place = place(arch);
        place.stage(&["--arch", arch.as_str()]).success();
        let (debian, package) = (arch.debian(), "plugin-hello");
        let names = [
            "SHA256SUMS".to_owned(),
            "libvaccel-hello.so.0".to_owned(),
            "manifest.json".to_owned(),
            format!("{package}-dbgsym_0.3.0-1_{debian}.deb"),
            format!("{package}_0.3.0-1_{debian}.deb"),
            format!("{package}_0.3.0_{arch}.provenance.json"),
            format!("{package}_0.3.0_{arch}.spdx.json"),
            format!("{package}_0.3.0_{arch}.tar.gz"),
        ];
        assert_eq!(place.staged(), names);
        assert_eq!(place.field(package, "Architecture"), debian);
        let depends = place.field(package, "Depends");
        assert!(depends.starts_with("libc6 (>= 2.") && !depends.contains(','), "{arch}: {depends}");

        let (shipped, debug) = (place.unpacked(package), place.unpacked("plugin-hello-dbgsym"));
        let mut compared = 0;
        for (name, _) in contents(&place.path("install")).into_iter().filter(|(_, content)| is_elf(content)) {
            let (tested, stripped) = (place.path("install").join(&name), shipped.join(&name));
            assert!(loaded_bytes(&tested) == loaded_bytes(&stripped), "{arch}: {name}");
            assert!(fs::metadata(&stripped).unwrap().len() < fs::metadata(&tested).unwrap().len(), "{arch}: {name}");
            let id = build_id(&stripped);
            assert!(debug.join(format!("usr/lib/debug/.build-id/{}/{}.debug", &id[..2], &id[2..])).exists());
            compared += 1;
        }
        assert_eq!(compared, 2);
        let packages: Vec<PathBuf> = [package, "plugin-hello-dbgsym"].map(|name| place.package(name)).into();
        let text = lintian(&packages);
        assert!(text.contains("no-manual-page") && !text.lines().any(|line| line.starts_with("E:")), "{text}");
    }
}

#[test]
fn a_library_that_only_this_machine_has_is_missing() {
    let Some(arch) = others().next() else { return };
    let place = place(arch);
    let elsewhere = tempfile::tempdir().unwrap();
    let library = elsewhere.path().join("liblost.so");
    compile_for(arch, LIBRARY, &library, &["-shared", "-fPIC", "-Wl,-soname,liblost.so.1"]);
    compile_for(arch, PROGRAM, &place.path("install/usr/bin/lost"), &[library.to_str().unwrap()]);
    let text = place.story(&place.stage(&["--arch", arch.as_str()]).code(1));
    let debian = arch.debian();
    insta::assert_snapshot!("foreign_library", text.replace(arch.as_str(), "<arch>").replace(debian, "<debian arch>"));
    assert!(!place.path("dist").exists());
}

#[test]
fn a_file_of_this_machine_among_others_is_named() {
    for arch in others() {
        let place = place(arch);
        compile_for(host(), PROGRAM.replace("hello()", "42").as_str(), &place.path("install/usr/bin/mine"), &[]);
        let text = place.story(&place.stage(&["--arch", arch.as_str()]).code(1));
        assert!(text.contains(&format!("usr/bin/mine is built for {}, not for {arch}", host())), "{text}");
        output_of("test", &["!", "-e", place.path("dist").to_str().unwrap()]);
    }
}
