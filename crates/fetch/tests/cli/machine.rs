// SPDX-License-Identifier: Apache-2.0
//! Bundles that this machine cannot run.

use crate::scene::Scene;
use artifact::{Arch, Requires};

#[test]
fn what_this_machine_cannot_run_is_not_installed() {
    if Arch::host() != Some(Arch::X86_64) {
        return;
    }
    let scene = Scene::new("machine");
    let requires = |glibc: &str| Requires { glibc: glibc.parse().ok(), ..Requires::default() };
    scene.publish_requiring("v0.3.0", "0.3.0", requires("99.1"));
    scene.publish_requiring("v0.2.0", "0.2.0", requires("2.17"));
    let said = scene.fails(&["--version=latest", "--install=prefix"]);
    assert!(said.starts_with("1: "), "{said}");
    assert!(
        said.contains("hello 0.3.0 does not run on this machine: it needs glibc 99.1, and this machine has 2."),
        "{said}"
    );
    assert!(said.contains("help: fetch an older version"), "{said}");
    assert!(!scene.path("prefix").exists() && !scene.path("artifacts").exists());
    // Somebody may want the files for another one.
    let said = scene.run(scene.command(&["--version=latest"]));
    assert_eq!(said.code, 0, "{}", said.stderr);
    assert!(said.stderr.contains("warning: hello 0.3.0 does not run on this machine"), "{}", said.stderr);
    let said = scene.run(scene.command(&["--version=0.2.0", "--install=prefix"]));
    assert_eq!(said.code, 0, "{}", said.stderr);
}
