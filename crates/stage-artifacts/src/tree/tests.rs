// SPDX-License-Identifier: Apache-2.0
use super::*;
use std::fs::Permissions;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::process::Command;
use tempfile::TempDir;

fn host() -> Arch {
    Arch::host().unwrap()
}

/// A tree with a program of this machine, a text and two links.
fn tree() -> TempDir {
    let root = tempfile::tempdir().unwrap();
    let lib = root.path().join("usr/lib");
    fs::create_dir_all(&lib).unwrap();
    fs::create_dir_all(root.path().join("usr/bin")).unwrap();
    fs::copy(std::env::current_exe().unwrap(), root.path().join("usr/bin/program")).unwrap();
    fs::write(lib.join("notes.txt"), "notes").unwrap();
    fs::set_permissions(lib.join("notes.txt"), Permissions::from_mode(0o666)).unwrap();
    symlink("notes.txt", lib.join("latest.txt")).unwrap();
    symlink("../lib", root.path().join("usr/bin/lib")).unwrap();
    root
}

/// The running program as if it were for another machine.
fn foreign_program() -> Vec<u8> {
    let mut bytes = fs::read(std::env::current_exe().unwrap()).unwrap();
    bytes[18] = 243;
    bytes[19] = 0;
    bytes
}

fn refusal(root: &Path) -> String {
    let error = InstallTree::read(root, host()).and_then(|tree| tree.check_not_empty()).unwrap_err();
    error.to_string().replace(&root.display().to_string(), "<tree>")
}

#[test]
fn entries_are_sorted_and_modes_are_those_of_packages() {
    let root = tree();
    let tree = InstallTree::read(root.path(), host()).unwrap();
    let entries: Vec<_> = tree.entries().iter().map(|entry| (entry.path.as_str(), entry.mode())).collect();
    let expected = [
        ("usr", 0o755),
        ("usr/bin", 0o755),
        ("usr/bin/lib", 0o777),
        ("usr/bin/program", 0o755),
        ("usr/lib", 0o755),
        ("usr/lib/latest.txt", 0o777),
        ("usr/lib/notes.txt", 0o644),
    ];
    assert_eq!(entries, expected);
    assert_eq!(tree.extent().0, 2);
    assert_eq!(tree.elf_files().map(|(entry, _)| entry.name()).collect::<Vec<_>>(), ["program"]);
    assert_eq!(tree.shared_libraries().count(), 0);
    assert!(tree.holds("/usr") && tree.holds("usr/lib/") && !tree.holds("/us") && !tree.holds("/opt"));
}

#[test]
fn a_tree_without_files_is_refused() {
    let root = tempfile::tempdir().unwrap();
    insta::assert_snapshot!(refusal(root.path()), @"the install tree <tree> is empty: there is nothing to package");
    fs::create_dir_all(root.path().join("usr/lib")).unwrap();
    assert!(matches!(InstallTree::read(root.path(), host()).unwrap().check_not_empty(), Err(TreeError::Empty(_))));
    assert!(matches!(InstallTree::read(&root.path().join("none"), host()), Err(TreeError::Missing(_))));
    fs::write(root.path().join("file"), "").unwrap();
    assert!(matches!(InstallTree::read(&root.path().join("file"), host()), Err(TreeError::NotAFolder(_))));
}

#[test]
fn everything_that_is_wrong_is_told_at_once() {
    let root = tree();
    let usr = root.path().join("usr");
    symlink("/etc/passwd", usr.join("absolute")).unwrap();
    symlink("../../x", usr.join("escaping")).unwrap();
    symlink("circle", usr.join("circle")).unwrap();
    assert!(Command::new("mkfifo").arg(usr.join("pipe")).status().unwrap().success());
    let _socket = UnixListener::bind(usr.join("socket")).unwrap();
    fs::write(usr.join("foreign"), foreign_program()).unwrap();
    fs::write(usr.join("broken"), b"\x7fELF\x02\x01\x01").unwrap();
    fs::write(usr.join(std::ffi::OsStr::from_bytes(b"caf\xe9")), "").unwrap();
    fs::write(usr.join("two\nlines"), "").unwrap();
    insta::assert_snapshot!(refusal(root.path()).replace(host().as_str(), "<arch>"), @r"
    the install tree <tree> cannot be packaged:
      usr/absolute is a symbolic link to /etc/passwd, an absolute path
      usr/broken is a broken ELF file: Could not read file magic
      usr/caf� has a name that is not UTF-8
      usr/circle is a symbolic link to circle, in a circle
      usr/escaping is a symbolic link to ../../x, outside the tree
      usr/foreign is built for riscv, not for <arch>
      usr/pipe is a named pipe
      usr/socket is a socket
      usr/two\nlines has a control character in its name
    ");
}

#[test]
fn rights_of_the_owner_are_not_packaged() {
    let root = tree();
    fs::set_permissions(root.path().join("usr/bin/program"), Permissions::from_mode(0o4755)).unwrap();
    insta::assert_snapshot!(refusal(root.path()), @r"
    the install tree <tree> cannot be packaged:
      usr/bin/program is set-user-id or set-group-id; such rights are not packaged
    ");
}

#[test]
fn a_long_list_is_cut() {
    let root = tree();
    for number in 0..13 {
        symlink("/etc", root.path().join(format!("link-{number:02}"))).unwrap();
    }
    let text = refusal(root.path());
    assert_eq!(text.lines().count(), 12, "{text}");
    assert!(text.ends_with("\n  and 3 more"), "{text}");
}
