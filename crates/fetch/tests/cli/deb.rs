// SPDX-License-Identifier: Apache-2.0
//! Installation with the real dpkg, into a root of its own.

use crate::scene::{Scene, outputs, server, settings};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

/// A Debian package of `hello`.
fn package(scene: &Scene, version: &str, depends: &str) -> Vec<u8> {
    let folder = scene.path("package");
    fs::create_dir_all(folder.join("DEBIAN")).unwrap();
    fs::create_dir_all(folder.join("usr/share/hello")).unwrap();
    fs::write(folder.join("usr/share/hello/version"), version).unwrap();
    let control = format!(
        "Package: hello\nVersion: {version}-1\nArchitecture: all\nMaintainer: nobody <nobody@example.org>\n\
         {depends}Description: greets\n"
    );
    fs::write(folder.join("DEBIAN/control"), control).unwrap();
    let package = scene.path("built.deb");
    let build = Command::new("dpkg-deb").args(["--root-owner-group", "--build"]).arg(&folder).arg(&package).output();
    let build = build.unwrap();
    assert!(build.status.success(), "{}", String::from_utf8_lossy(&build.stderr));
    fs::read(package).unwrap()
}

#[test]
fn dpkg_installs_and_says_what_is_missing() {
    testbed::tools::require(&[testbed::tools::BASE], &|_| ()).unwrap();
    let scene = Scene::new("deb");
    scene.publish_with(settings(server()), "v0.3.0", "0.3.0", package(&scene, "0.3.0", ""), None);
    let depends = "Depends: libnowhere (>= 1)\n";
    scene.publish_with(settings(server()), "v0.4.0", "0.4.0", package(&scene, "0.4.0", depends), None);
    // The machine's own packages are nobody's business: this dpkg has another root.
    let root = scene.path("root");
    for folder in ["info", "updates", "triggers"] {
        fs::create_dir_all(root.join("var/lib/dpkg").join(folder)).unwrap();
    }
    for file in ["status", "available"] {
        fs::write(root.join("var/lib/dpkg").join(file), "").unwrap();
    }
    let dpkg = String::from_utf8(Command::new("which").arg("dpkg").output().unwrap().stdout).unwrap();
    let shim = scene.path("bin/dpkg");
    fs::create_dir(scene.path("bin")).unwrap();
    let script = format!(
        "#!/bin/sh\nPATH=/usr/sbin:/sbin:$PATH exec {} --root={} --log=/dev/null \"$@\"\n",
        dpkg.trim(),
        root.display()
    );
    fs::write(&shim, script).unwrap();
    fs::set_permissions(&shim, fs::Permissions::from_mode(0o755)).unwrap();
    let path = format!("{}:{}", scene.path("bin").display(), std::env::var("PATH").unwrap());
    let run = |version: &str| {
        let mut command = scene.job(&["--install=deb", version]);
        command.env("PATH", &path);
        scene.run(command)
    };
    let said = run("--version=0.3.0");
    assert_eq!(said.code, 0, "{}", said.stdout);
    assert!(outputs(&scene.read("output")).contains(&"installed=true".to_owned()));
    assert_eq!(fs::read_to_string(root.join("usr/share/hello/version")).unwrap(), "0.3.0");

    let said = run("--version=0.4.0");
    assert_eq!(said.code, 1, "{}", said.stdout);
    assert!(said.stdout.contains("libnowhere"), "{}", said.stdout);
    let error = said.stdout.lines().find(|line| line.starts_with("::error")).unwrap();
    assert!(error.contains("could not install the Debian packages") && error.contains("--fix-broken"), "{error}");
}
