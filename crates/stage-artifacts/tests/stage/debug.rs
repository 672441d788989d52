// SPDX-License-Identifier: Apache-2.0
//! Stripping takes nothing from what was tested, and debuggers find what was taken.

use crate::place::{LIBRARY, Place, compile, contents, host, output_of};
use std::fs::{self, Permissions};
use std::ops::Range;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What the loader maps of an ELF file, by `readelf`: ranges of the file.
fn loaded(file: &Path) -> Vec<Range<usize>> {
    let number = |word: &str| usize::from_str_radix(word.trim_start_matches("0x"), 16).unwrap();
    output_of("readelf", &["--program-headers", "--wide", file.to_str().unwrap()])
        .lines()
        .filter_map(|line| line.trim().strip_prefix("LOAD "))
        .map(|line| {
            // Offset, VirtAddr, PhysAddr, FileSiz, …
            let words: Vec<_> = line.split_whitespace().collect();
            number(words[0])..number(words[0]) + number(words[3])
        })
        .collect()
}

/// The bytes that the loader maps, but for the fields of the ELF header that say where the section
/// table is (`e_shoff`; `e_shentsize`, `e_shnum`, `e_shstrndx`), which no loader reads.
pub fn loaded_bytes(file: &Path) -> Vec<u8> {
    let mut bytes = fs::read(file).unwrap();
    let fields = if bytes[4] == 2 { [0x28..0x30, 0x3A..0x40] } else { [0x20..0x24, 0x2E..0x34] };
    for field in fields {
        bytes[field].fill(0);
    }
    let ranges = loaded(file);
    assert!(!ranges.is_empty(), "{}", file.display());
    ranges.into_iter().flat_map(|range| bytes[range].to_vec()).collect()
}

pub fn is_elf(content: &[u8]) -> bool {
    content.starts_with(b"\x7fELF")
}

pub fn build_id(file: &Path) -> String {
    let notes = output_of("readelf", &["--notes", file.to_str().unwrap()]);
    notes.lines().find_map(|line| line.trim().strip_prefix("Build ID: ")).unwrap().to_owned()
}

fn sections(file: &Path) -> String {
    output_of("readelf", &["--sections", "--wide", file.to_str().unwrap()])
}

#[test]
fn what_ships_is_what_was_tested() {
    let place = Place::new();
    place.stage(&["--formats=deb"]).success();
    let (tested, shipped) = (place.path("install"), place.unpacked("plugin-hello"));
    let added = ["usr/share/doc/plugin-hello/changelog.Debian.gz", "usr/share/doc/plugin-hello/copyright"];
    let mut files = contents(&shipped);
    files.retain(|(name, _)| !added.contains(&name.as_str()));
    let tree = contents(&tested);
    assert_eq!(files.len(), tree.len());
    let mut stripped = 0;
    for ((name, content), (tree_name, tree_content)) in files.iter().zip(&tree) {
        assert_eq!(name, tree_name);
        if !is_elf(tree_content) {
            assert!(content == tree_content, "{name} differs");
            continue;
        }
        let (tested, shipped) = (tested.join(name), shipped.join(name));
        assert!(loaded_bytes(&tested) == loaded_bytes(&shipped), "{name} is not what was tested");
        assert!(sections(&tested).contains(".debug_info") && sections(&tested).contains(".symtab"));
        assert!(!sections(&shipped).contains(".debug_") && !sections(&shipped).contains(".symtab"), "{name}");
        stripped += 1;
    }
    assert_eq!(stripped, 2, "a program and a library");
    assert!(
        Command::new(shipped.join("usr/bin/hello"))
            .env("LD_LIBRARY_PATH", shipped.join("usr/lib").join(crate::place::multiarch()))
            .status()
            .unwrap()
            .success()
    );
}

#[test]
fn debug_files_are_found_by_build_id() {
    let place = Place::new();
    place.stage(&["--formats=deb"]).success();
    let package = "plugin-hello-dbgsym";
    let (shipped, debug) = (place.unpacked("plugin-hello"), place.unpacked(package));
    let mut ids = Vec::new();
    for (name, _) in contents(&shipped).into_iter().filter(|(_, content)| is_elf(content)) {
        let id = build_id(&shipped.join(&name));
        let file = debug.join(format!("usr/lib/debug/.build-id/{}/{}.debug", &id[..2], &id[2..]));
        assert_eq!(build_id(&file), id, "{name}");
        assert!(sections(&file).contains(".debug_info"), "{name}");
        ids.push(id);
    }
    ids.sort();
    assert_eq!(ids.len(), 2);
    assert_eq!(place.field(package, "Build-Ids"), ids.join(" "));
    assert_eq!(place.field(package, "Depends"), "plugin-hello (= 0.3.0-1)");
    insta::assert_snapshot!(
        "debug_control",
        output_of("dpkg-deb", &["--field", place.package(package).to_str().unwrap()])
            .lines()
            .map(|line| {
                line.split_once(": ").map_or(line.to_owned(), |(name, value)| match name {
                    "Build-Ids" | "Installed-Size" | "Architecture" => format!("{name}: <…>"),
                    _ => format!("{name}: {value}"),
                })
            })
            .collect::<Vec<_>>()
            .join("\n")
    );
}

#[test]
fn files_without_symbols_need_no_tool_and_no_debug_package() {
    let place = Place::new();
    for file in files_to_strip(&place) {
        output_of("strip", &["--strip-unneeded", file.to_str().unwrap()]);
    }
    place.stage(&["--formats=deb"]).success();
    assert!(place.staged().iter().all(|name| !name.contains("dbgsym")), "{:?}", place.staged());
    let shipped = place.unpacked("plugin-hello");
    for file in files_to_strip(&place) {
        let below = file.strip_prefix(place.path("install")).unwrap();
        assert!(fs::read(&file).unwrap() == fs::read(shipped.join(below)).unwrap(), "{}", below.display());
    }
}

fn files_to_strip(place: &Place) -> [PathBuf; 2] {
    [place.path("install/usr/bin/hello"), place.libraries().join("libvaccel-hello.so.0.3.0")]
}

#[test]
fn who_has_no_build_id_is_told() {
    let place = Place::new();
    let library = place.libraries().join("libvaccel-anonymous.so");
    compile(LIBRARY, &library, &["-shared", "-fPIC", "-Wl,--build-id=none"]);
    let text = place.story(&place.stage(&["--formats=deb"]).success());
    let message =
        "libvaccel-anonymous.so has no build id, so the debug package has no symbols of it; link with -Wl,--build-id";
    assert!(text.contains(message), "{text}");
    let shipped = place.unpacked("plugin-hello").join(library.strip_prefix(place.path("install")).unwrap());
    assert!(!sections(&shipped).contains(".symtab"));
}

#[test]
fn what_a_tool_would_change_is_shipped_as_it_was_tested() {
    let place = Place::new();
    let program = place.path("install/usr/bin/hello");
    let last = loaded(&program).last().unwrap().end - 1;
    // A strip that spoils what is loaded of programs.
    let script = format!(
        "#!/bin/sh\n/usr/bin/strip \"$@\" || exit 1\n[ \"$1\" = --strip-unneeded ] || exit 0\nfor file; do case $file in\n*/bin/hello) printf X | dd of=\"$file\" bs=1 seek={last} conv=notrunc status=none ;;\nesac; done\n"
    );
    let name = format!("{}-strip", host().triple());
    place.write(&format!("tools/{name}"), &script);
    fs::set_permissions(place.path("tools").join(name), Permissions::from_mode(0o755)).unwrap();
    let path = format!("{}:{}", place.path("tools").display(), std::env::var("PATH").unwrap());
    let assert = place.command_with(&["--formats=deb"]).env("PATH", path).assert().success();
    let text = place.story(&assert);
    let warning = "stripping usr/bin/hello would change what is loaded of it";
    assert!(text.contains(warning) && text.matches("stripping").count() == 1, "{text}");
    let shipped = place.unpacked("plugin-hello").join("usr/bin/hello");
    assert!(fs::read(&shipped).unwrap() == fs::read(&program).unwrap());
    assert_eq!(fs::metadata(&shipped).unwrap().permissions().mode() & 0o777, 0o755);
}

#[test]
fn debug_files_of_the_tree_are_left_alone() {
    let place = Place::new();
    let debug = "usr/lib/debug/hello.debug";
    let (program, file) = (place.path("install/usr/bin/hello"), place.path("install").join(debug));
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    output_of("objcopy", &["--only-keep-debug", program.to_str().unwrap(), file.to_str().unwrap()]);
    place.stage(&["--formats=deb"]).success();
    assert!(fs::read(&file).unwrap() == fs::read(place.unpacked("plugin-hello").join(debug)).unwrap());
    let id = build_id(&program);
    assert!(place.field("plugin-hello-dbgsym", "Build-Ids").contains(&id));
}
