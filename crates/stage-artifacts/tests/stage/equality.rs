// SPDX-License-Identifier: Apache-2.0
//! Equal input gives equal bytes: for every format, whatever the folder, the user, the umask, the
//! time, the time zone, owners, modes and the number of threads.

use crate::place::{Place, contents, is_foreign};
use std::fs::{self, File, FileTimes, Permissions};
use std::os::unix::fs::{PermissionsExt, chown};
use std::time::{Duration, SystemTime};

const ARGUMENTS: [&str; 3] =
    ["--formats=deb,tar.gz,tar.xz,tar.zst,so,source,wheel", "--split=dev", "--build-path=build"];

/// A place with so much data that every format has several blocks of it.
fn place() -> Place {
    let place = Place::new();
    place.write_build();
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let next = |_| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        u8::try_from(state % 23).unwrap()
    };
    fs::write(place.path("install/usr/share/plugin-hello/large.bin"), (0..3_000_000).map(next).collect::<Vec<_>>())
        .unwrap();
    place
}

/// Writes every file again, with another time and mode.
fn disturb(place: &Place) {
    for (name, content) in contents(&place.path("install")) {
        let path = place.path("install").join(name);
        if !path.is_symlink() {
            let executable = fs::metadata(&path).unwrap().permissions().mode() & 0o100;
            fs::remove_file(&path).unwrap();
            fs::write(&path, content).unwrap();
            let long_ago = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000);
            let file = File::options().append(true).open(&path).unwrap();
            file.set_times(FileTimes::new().set_modified(long_ago).set_accessed(long_ago)).unwrap();
            fs::set_permissions(&path, Permissions::from_mode(0o606 | executable)).unwrap();
            // Only root may give files to nobody; others own them as they are.
            let _ = chown(&path, Some(65_534), Some(65_534));
        }
    }
    fs::set_permissions(place.path("install/usr/bin"), Permissions::from_mode(0o777)).unwrap();
}

#[test]
fn equal_trees_give_equal_bytes() {
    let one = place();
    one.stage(&ARGUMENTS).success();

    let two = place();
    disturb(&two);
    let program = two.command_with(&ARGUMENTS);
    let arguments: Vec<_> = program.get_args().map(|argument| format!("'{}'", argument.to_str().unwrap())).collect();
    // On one processor there is one thread.
    let line =
        format!("umask 077; exec taskset -c 0 '{}' {}", program.get_program().to_str().unwrap(), arguments.join(" "));
    let mut shell = assert_cmd::Command::new("sh");
    shell.current_dir(two.path("")).args(["-c", &line]);
    shell.envs([("TZ", "Asia/Tokyo"), ("LANG", "C.UTF-8"), ("USER", "somebody"), ("HOME", "/nonexistent")]);
    for (name, _) in std::env::vars().filter(|(name, _)| is_foreign(name)) {
        shell.env_remove(name);
    }
    shell.assert().success();

    let names = one.staged();
    assert_eq!(names, two.staged());
    let endings = [
        "-1_",
        "-dev_",
        "-dbgsym_",
        ".tar.gz",
        ".tar.xz",
        ".tar.zst",
        ".so.0.3.0",
        "_source.tar.gz",
        ".whl",
        ".spdx.json",
    ];
    for ending in endings {
        assert!(names.iter().any(|name| name.contains(ending)), "nothing with {ending} in {names:?}");
    }
    for name in names {
        let read = |place: &Place| fs::read(place.path("dist").join(&name)).unwrap();
        assert!(read(&one) == read(&two), "{name} differs");
    }
}
