// SPDX-License-Identifier: Apache-2.0
//! Where the machine gives up: no room for a file, or on the disk. The output appears whole or not
//! at all, and an earlier bundle stays as it is.

use crate::place::{Place, contents};
use artifact::Bundle;
use std::fs;
use std::process::Command;

const ARGUMENTS: [&str; 3] =
    ["--formats=deb,tar.gz,tar.xz,tar.zst,so,source,wheel", "--split=dev", "--build-path=build"];

/// The command as a line for a shell.
fn line(place: &Place, arguments: &[&str]) -> String {
    let program = place.command_with(arguments);
    let words = [program.get_program()].into_iter().chain(program.get_args());
    words.map(|word| format!("'{}'", word.to_str().unwrap())).collect::<Vec<_>>().join(" ")
}

fn shell(place: &Place, program: &str, arguments: &[&str]) -> assert_cmd::Command {
    let mut shell = assert_cmd::Command::new(program);
    shell.args(arguments).current_dir(place.path("")).env("LC_ALL", "C");
    for (name, _) in std::env::vars().filter(|(name, _)| crate::place::is_foreign(name)) {
        shell.env_remove(name);
    }
    shell
}

#[test]
fn no_file_may_grow_any_further() {
    let place = Place::new();
    place.write_build();
    place.stage(&["--version=0.2.0", "--formats=so", "--sbom=false"]).success();
    let before = contents(&place.path(""));
    let mut failures = 0;
    // In blocks of 512 bytes: from too little for the smallest file to enough for all.
    for blocks in [0, 1, 4, 16, 32, 48, 64, 96, 128, 192, 100_000] {
        let line = format!("trap '' XFSZ; ulimit -f {blocks}; exec {}", line(&place, &ARGUMENTS));
        let output = shell(&place, "sh", &["-c", &line]).output().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        if output.status.success() {
            assert!(blocks > 64, "so little cannot be enough: {blocks}");
            Bundle::open(place.path("dist")).unwrap().verify().unwrap();
            assert_eq!(Bundle::open(place.path("dist")).unwrap().manifest().version.to_string(), "0.3.0");
            break;
        }
        assert_eq!(output.status.code(), Some(1), "{blocks}: {stderr}");
        assert!(stderr.contains("File too large"), "{blocks}: {stderr}");
        assert!(contents(&place.path("")) == before, "{blocks}: something was written");
        failures += 1;
    }
    assert!(failures >= 5, "{failures}");
    assert!(
        fs::read_dir(place.path("")).unwrap().all(|item| !item.unwrap().file_name().to_string_lossy().starts_with('.'))
    );
}

#[test]
fn the_disk_fills_up() {
    // A small disk needs a name space of its own, which not every machine grants.
    let isolated = ["--user", "--map-root-user", "--mount"];
    if !Command::new("unshare").args(isolated).arg("true").status().is_ok_and(|status| status.success()) {
        eprintln!("no name space is granted here; the test with limited files has to do");
        return;
    }
    let place = Place::new();
    place.write_build();
    fs::create_dir(place.path("disk")).unwrap();
    for (kilobytes, is_enough) in [(8, false), (64, false), (128, false), (256, false), (65_536, true)] {
        let staging = line(&place, &[&ARGUMENTS[..], &["--output-path=disk/dist"]].concat());
        let line = format!(
            "mount -t tmpfs -o size={kilobytes}k tmpfs disk || exit 9; {staging}; status=$?; ls -A disk; exit $status"
        );
        let output = shell(&place, "unshare", &[&isolated[..], &["sh", "-c", &line]].concat()).output().unwrap();
        let [stderr, stdout] = [output.stderr, output.stdout].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
        assert_eq!(output.status.code(), Some(i32::from(!is_enough)), "{kilobytes}: {stderr}");
        let left = stdout.lines().last().unwrap_or_default();
        if is_enough {
            assert_eq!(left, "dist");
        } else {
            assert!(stderr.contains("No space left on device"), "{kilobytes}: {stderr}");
            assert!(stdout.is_empty(), "{kilobytes}: {stdout}");
        }
    }
}
