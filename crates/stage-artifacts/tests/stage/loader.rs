// SPDX-License-Identifier: Apache-2.0
//! Libraries where the loader of the machine that gets the package finds them, and where not.

use crate::place::{Place, compile, multiarch, output_of};
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const WIDGET: &str = "int widget(void);\nint widget(void) { return 42; }\n";
const USER: &str = "int widget(void);\nint main(void) { return widget() != 42; }\n";
const MIDDLE: &str = "int widget(void);\nint middle(void);\nint middle(void) { return widget(); }\n";
const FAR_USER: &str = "int middle(void);\nint main(void) { return middle() != 42; }\n";

/// Runs it as the package's user would: without `LD_LIBRARY_PATH`, with the tree as the root.
fn runs(place: &Place, program: &str) -> bool {
    let root = place.path("install");
    // A root needs a loader and a C library of its own.
    for folder in ["etc", "lib64", "lib/x86_64-linux-gnu", "proc/self"] {
        fs::create_dir_all(root.join(folder)).unwrap();
    }
    for file in ["lib64/ld-linux-x86-64.so.2", "lib/x86_64-linux-gnu/libc.so.6"] {
        fs::copy(Path::new("/").join(file), root.join(file)).unwrap();
    }
    // The loader asks here for the origin of the program.
    std::os::unix::fs::symlink(Path::new("/").join(program), root.join("proc/self/exe")).unwrap();
    if root.join("etc/ld.so.conf.d").is_dir() {
        fs::write(root.join("etc/ld.so.conf"), "include /etc/ld.so.conf.d/*.conf\n").unwrap();
    }
    output_of("/sbin/ldconfig", &["-r", root.to_str().unwrap()]);
    let status = Command::new("/usr/sbin/chroot").arg(&root).arg(format!("/{program}")).env_clear().status().unwrap();
    status.success()
}

struct Tree<'a>(&'a Place);

impl Tree<'_> {
    fn empty(place: &Place) -> Tree<'_> {
        let _ = fs::remove_dir_all(place.path("install"));
        let _ = fs::remove_dir_all(place.path("dist"));
        fs::create_dir_all(place.path("install/usr/bin")).unwrap();
        Tree(place)
    }

    fn path(&self, below: &str) -> PathBuf {
        let path = self.0.path("install").join(below);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        path
    }

    fn library(&self, text: &str, path: &str, flags: &[&str]) -> PathBuf {
        let path = self.path(path);
        let soname = format!("-Wl,-soname,{}", path.file_name().unwrap().to_str().unwrap());
        compile(text, &path, &[&["-shared", "-fPIC", &soname], flags].concat());
        path
    }

    fn program(&self, text: &str, path: &str, library: &Path, flags: &[&str]) {
        let allow = "-Wl,--allow-shlib-undefined";
        compile(text, &self.path(path), &[&[library.to_str().unwrap(), allow], flags].concat());
    }
}

/// Name, folder of the library, flags of the program, content of an `ld.so.conf.d` file, whether the loader finds it.
type Case<'a> = (&'a str, &'a str, &'a [&'a str], Option<&'a str>, bool);

const RPATH: &str = "-Wl,--disable-new-dtags";

#[test]
fn a_library_is_where_the_loader_looks_or_refused() {
    let place = Place::new();
    let native = format!("usr/lib/{}", multiarch());
    let local = format!("usr/local/lib/{}", multiarch());
    let conf = Some("# ours\n\n/opt/w/lib # and\n");
    let cases: [Case; 17] = [
        ("multiarch", &native, &[], None, true),
        ("plain", "usr/lib", &[], None, true),
        ("root", "lib", &[], None, true),
        ("local", "usr/local/lib", &[], None, true),
        ("local multiarch", &local, &[], None, true),
        ("a folder of its own", "usr/lib/widget", &[], None, false),
        ("lib64", "usr/lib64", &[], None, false),
        ("lib32", "usr/lib32", &[], None, false),
        ("opt", "opt/w/lib", &[], None, false),
        ("RUNPATH from the program", "usr/lib/widget", &["-Wl,-rpath,$ORIGIN/../lib/widget"], None, true),
        ("RUNPATH with braces", "usr/lib/widget", &["-Wl,-rpath,/nowhere:${ORIGIN}/../lib/widget"], None, true),
        ("RUNPATH with LIB", &format!("opt/{native}"), &["-Wl,-rpath,/opt/usr/$LIB"], None, true),
        ("RPATH", "opt/w/lib", &["-Wl,-rpath,/opt/w/lib", RPATH], None, true),
        ("RUNPATH to the build", "opt/w/lib", &["-Wl,-rpath,/home/me/build/lib"], None, false),
        ("RUNPATH from wherever it starts", "opt/w/lib", &["-Wl,-rpath,w/lib"], None, false),
        ("configured", "opt/w/lib", &[], conf, true),
        ("configured otherwise", "opt/v/lib", &[], conf, false),
    ];
    let chroot = multiarch() == "x86_64-linux-gnu" && output_of("id", &["-u"]).trim() == "0";
    let mut story = String::new();
    for (name, folder, flags, conf, fits) in cases {
        let tree = Tree::empty(&place);
        let library = tree.library(WIDGET, &format!("{folder}/libwidget.so.1"), &[]);
        tree.program(USER, "usr/bin/user", &library, flags);
        if let Some(conf) = conf {
            place.write("install/etc/ld.so.conf.d/widget.conf", conf);
        }
        let assert = place.stage(&["--formats=tar.gz", "--sbom=false"]).code(i32::from(!fits));
        if !fits {
            writeln!(story, "# {name}\n{}", place.story(&assert)).unwrap();
        }
        // What we say is what the real loader does; it knows /usr/local as Debian's configuration has it.
        if chroot && !folder.starts_with("usr/local") {
            assert_eq!(runs(&place, "usr/bin/user"), fits, "{name}");
        }
    }
    insta::assert_snapshot!("out_of_reach", story);
}

#[test]
fn what_libraries_need_is_looked_for_as_well() {
    let place = Place::new();
    let away = "-Wl,-rpath,/opt/w/lib";
    // The flags of the program, and of the library between it and the other; whether both are found.
    let cases: [(&str, &[&str], &[&str], bool); 5] = [
        ("nobody says where", &[], &[], false),
        ("RUNPATH is not for others", &[away], &[], false),
        ("RPATH is for all", &[away, RPATH], &[], true),
        ("each has its own", &[away], &["-Wl,-rpath,$ORIGIN"], true),
        ("RUNPATH keeps RPATH out", &[away, RPATH], &["-Wl,-rpath,/nowhere"], false),
    ];
    for (name, program, middle, fits) in cases {
        let tree = Tree::empty(&place);
        let widget = tree.library(WIDGET, "opt/w/lib/libwidget.so.1", &[]);
        let flags = [&[widget.to_str().unwrap()], middle].concat();
        let middle = tree.library(MIDDLE, "opt/w/lib/libmiddle.so.1", &flags);
        tree.program(FAR_USER, "usr/bin/user", &middle, program);
        let assert = place.stage(&["--formats=tar.gz", "--sbom=false"]).code(i32::from(!fits));
        let text = place.story(&assert);
        assert!(
            fits || text.contains("needs libwidget.so.1") || text.contains("needs libmiddle.so.1"),
            "{name}: {text}"
        );
    }
    // A program that has loaded the library already does so for whatever it loads later.
    let tree = Tree::empty(&place);
    let widget = tree.library(WIDGET, "opt/w/lib/libwidget.so.1", &[]);
    tree.program(USER, "usr/bin/user", &widget, &[away]);
    tree.library(MIDDLE, "opt/w/lib/plugins/plugin.so", &[widget.to_str().unwrap()]);
    place.stage(&["--formats=tar.gz", "--sbom=false"]).success();
    // Without such a program nobody has.
    fs::remove_file(place.path("install/usr/bin/user")).unwrap();
    let text = place.story(&place.stage(&["--formats=tar.gz", "--sbom=false"]).code(1));
    assert!(text.contains("opt/w/lib/plugins/plugin.so needs libwidget.so.1"), "{text}");
    // What only a wrapper script can know is said in the settings.
    place.write("source/.github/vaccel-ci.toml", "[stage-artifacts]\nloader-path = ['/opt/w/lib']\n");
    place.stage(&["--formats=tar.gz", "--sbom=false"]).success();
    fs::remove_dir_all(place.path("source/.github")).unwrap();
    place.stage(&["--formats=tar.gz", "--sbom=false", "--loader-path=/opt/w/lib"]).success();
    // A plugin that needs nothing may lie anywhere.
    let tree = Tree::empty(&place);
    tree.library(WIDGET, "usr/lib/vaccel/plugins/libplugin.so", &[]);
    place.stage(&["--formats=tar.gz", "--sbom=false"]).success();
}

#[test]
fn the_loader_s_cache_is_refreshed_where_it_is_needed() {
    let place = Place::new();
    let cases = [
        (format!("usr/lib/{}/libwidget.so.1", multiarch()), None, true),
        (format!("usr/lib/{}/libwidget-plugin.so", multiarch()), None, false),
        (format!("usr/local/lib/{}/libwidget.so.1", multiarch()), None, true),
        // Only the cache knows of these folders, whatever the library is called.
        ("usr/local/lib/libwidget-plugin.so".to_owned(), None, true),
        ("opt/w/lib/libwidget.so.1".to_owned(), Some("/opt/w/lib\n"), true),
        ("opt/w/lib/libwidget.so.1".to_owned(), None, false),
    ];
    for (path, conf, refreshed) in cases {
        let tree = Tree::empty(&place);
        tree.library(WIDGET, &path, &[]);
        if let Some(conf) = conf {
            place.write("install/etc/ld.so.conf.d/widget.conf", conf);
        }
        let prefix = path.rsplit_once("/lib/").unwrap().0;
        place.stage(&["--formats=deb", "--sbom=false", "--prefix", &format!("/{prefix}")]).success();
        let triggers = place.control("plugin-hello", "triggers");
        assert_eq!(triggers.contains("activate-noawait ldconfig"), refreshed, "{path} {conf:?}: {triggers}");
    }
}
