// SPDX-License-Identifier: Apache-2.0
//! The same sources give the same executable, wherever they are built.

use crate::sources;
use artifact::Arch;
use std::ffi::OsString;
use std::os::unix::fs::symlink;
use std::path::Path;
use xtask::dist::{self, Selection};

// One action for one architecture: each further one takes a minute.
#[test]
fn neither_folder_nor_cache_nor_settings_make_a_difference() {
    let root = testbed::workspace_root();
    let selection = Selection { actions: vec!["plan".to_owned()], archs: vec![Arch::X86_64] };
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("a/much/longer/name");
    sources::copy(&place);

    // With warm caches, in the folder where everybody builds.
    let here = folder.path().join("here");
    let first = dist::compile(&root, &root.join("target/dist"), std::env::vars_os(), &selection, &here).unwrap();

    // In another folder, cold, as another user with other settings would.
    let home = std::env::var_os("HOME").unwrap();
    let cargo_home = std::env::var_os("CARGO_HOME").map_or_else(|| Path::new(&home).join(".cargo"), Into::into);
    let other_home = folder.path().join("other-user/cargo");
    std::fs::create_dir_all(&other_home).unwrap();
    symlink(cargo_home.join("registry"), other_home.join("registry")).unwrap();
    let settings: [(&str, OsString); 5] = [
        ("CARGO_HOME", other_home.into()),
        ("RUSTFLAGS", "-Copt-level=1".into()),
        ("CFLAGS", "-O0".into()),
        ("LANG", "el_GR.UTF-8".into()),
        ("CARGO_BUILD_JOBS", "1".into()),
    ];
    let there = folder.path().join("there");
    let compile = || {
        let settings = settings.iter().map(|(name, value)| ((*name).into(), value.clone()));
        let surroundings = std::env::vars_os().chain(settings);
        dist::compile(&place, &folder.path().join("cold"), surroundings, &selection, &there)
    };
    let configuration = Path::new(&settings[0].1).join("config.toml");
    std::fs::write(&configuration, "[net]\nretry = 3\n\n[profile.release]\nopt-level = 1\n").unwrap();
    let refusal = compile().unwrap_err().to_string();
    assert!(refusal.contains("has `profile`, which may change the executables"), "{refusal}");
    std::fs::remove_file(configuration).unwrap();
    let second = compile().unwrap();

    assert_eq!(first, second);
    let bytes = std::fs::read(there.join("x86_64/vaccel-plan")).unwrap();
    assert_eq!(bytes, std::fs::read(here.join("x86_64/vaccel-plan")).unwrap());
    // No name of a folder of this machine is left in it.
    let text = String::from_utf8_lossy(&bytes);
    for name in [&home, root.as_os_str(), folder.path().as_os_str()] {
        let name = name.to_str().unwrap();
        assert!(!text.contains(&format!("{name}/")), "{name} is in the executable");
    }
}
