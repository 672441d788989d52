// SPDX-License-Identifier: Apache-2.0
//! The Debian packages as Debian's own tools judge and use them.

use crate::place::{LIBRARY, Place, compile, contents, git, host, multiarch, output_of, require_tools};
use std::fs;
use std::path::PathBuf;
use std::process::Command;

/// What lintian says of packages, without what it only remarks.
pub fn lintian(packages: &[PathBuf]) -> String {
    require_tools();
    let output = Command::new("lintian")
        .args(["--allow-root", "--fail-on=none"])
        .args(packages)
        .env("LC_ALL", "C")
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// A system of its own, of which dpkg knows that it has a C library.
struct System {
    root: PathBuf,
    log: PathBuf,
}

impl System {
    fn new(place: &Place) -> Self {
        let system = Self { root: place.path("system"), log: place.path("dpkg.log") };
        let database = system.root.join("var/lib/dpkg");
        for folder in ["info", "updates", "triggers"] {
            fs::create_dir_all(database.join(folder)).unwrap();
        }
        let status = format!(
            "Package: libc6\nStatus: install ok installed\nVersion: 99\nArchitecture: {}\nMaintainer: Jane Doe <jane@example.org>\nDescription: stands for the C library\n",
            host().debian()
        );
        fs::write(database.join("status"), status).unwrap();
        for list in ["list", "md5sums"] {
            fs::write(database.join("info/libc6").with_extension(list), "").unwrap();
        }
        system
    }

    /// dpkg on this system; it needs no rights here.
    fn dpkg(&self, arguments: &[&str]) -> String {
        let options = ["--force-not-root", "--force-script-chrootless", "--force-bad-path"].map(str::to_owned);
        let more = [format!("--root={}", self.root.display()), format!("--log={}", self.log.display())];
        let output = Command::new("dpkg").args(options).args(more).args(arguments).env("LC_ALL", "C").output().unwrap();
        let text = [output.stdout, output.stderr].concat();
        let text = String::from_utf8(text).unwrap();
        assert!(output.status.success(), "dpkg {arguments:?}: {text}");
        text
    }

    fn install(&self, place: &Place, names: &[&str]) {
        let packages: Vec<_> = names.iter().map(|name| place.package(name).display().to_string()).collect();
        let arguments: Vec<_> = ["--install"].into_iter().chain(packages.iter().map(String::as_str)).collect();
        self.dpkg(&arguments);
    }

    /// Files that are not dpkg's own.
    fn files(&self) -> Vec<String> {
        let names = contents(&self.root).into_iter().map(|(name, _)| name);
        names.filter(|name| !name.starts_with("var/lib/dpkg/")).collect()
    }

    /// Folders that are not dpkg's own.
    fn folders(&self) -> Vec<String> {
        let listing = output_of("find", &[self.root.to_str().unwrap(), "-mindepth", "1", "-type", "d"]);
        let prefix = format!("{}/", self.root.display());
        let names = listing.lines().filter_map(|line| line.strip_prefix(&prefix)).map(str::to_owned);
        names.filter(|name| !name.starts_with("var")).collect()
    }

    fn says_hello(&self) -> bool {
        let libraries = self.root.join("usr/lib").join(multiarch());
        let program = self.root.join("usr/bin/hello");
        Command::new(program).env("LD_LIBRARY_PATH", libraries).status().unwrap().success()
    }
}

#[test]
fn installing_upgrading_and_removing_leave_nothing_behind() {
    let place = Place::new();
    let system = System::new(&place);
    place.write("install/usr/share/plugin-hello/old/only-before", "old\n");
    place.write("install/etc/old.conf", "old\n");
    let all = ["plugin-hello", "plugin-hello-dev", "plugin-hello-dbgsym"];
    place.stage(&["--version=0.1.0"]).success();
    system.install(&place, &["plugin-hello"]);
    // The development files move to another package, which dpkg unpacks first.
    place.stage(&["--split=dev", "--version=0.2.0"]).success();
    system.install(&place, &["plugin-hello-dev", "plugin-hello", "plugin-hello-dbgsym"]);
    assert!(system.says_hello());
    let before = system.files();
    assert!(before.contains(&"usr/share/plugin-hello/old/only-before".to_owned()));
    let status = system.dpkg(&["--audit"]);
    assert!(status.is_empty(), "{status}");

    fs::remove_dir_all(place.path("install/usr/share/plugin-hello/old")).unwrap();
    fs::write(system.root.join("etc/plugin-hello.conf"), "greeting = moin\n").unwrap();
    place.stage(&["--split=dev"]).success();
    system.install(&place, &all);
    assert!(system.says_hello());
    assert!(!system.root.join("usr/share/plugin-hello/old").exists(), "what is no more is removed");
    let text = fs::read_to_string(system.root.join("etc/plugin-hello.conf")).unwrap();
    assert_eq!(text, "greeting = moin\n", "what the administrator changed is kept");
    let status = system.dpkg(&["--status", "plugin-hello"]);
    assert!(
        status.contains("Status: install ok installed\nPriority") && status.contains("Version: 0.3.0-1"),
        "{status}"
    );
    let differences = system.dpkg(&["--verify", "plugin-hello-dev", "plugin-hello-dbgsym"]);
    assert!(differences.is_empty(), "{differences}");

    let text = system.dpkg(&["--purge", "plugin-hello", "plugin-hello-dev", "plugin-hello-dbgsym"]);
    assert_eq!(system.files(), Vec::<String>::new(), "{text}");
    assert_eq!(system.folders(), Vec::<String>::new(), "{text}");
    let log = fs::read_to_string(&system.log).unwrap();
    assert!(log.contains("upgrade plugin-hello") && log.contains("purge plugin-hello"), "{log}");
}

#[test]
fn development_files_are_a_package_of_their_own() {
    let place = Place::new();
    add_development_files(&place);
    place.stage(&["--formats=deb", "--split=dev"]).success();
    let names = |package: &str| {
        let files = contents(&place.unpacked(package)).into_iter().map(|(name, _)| name).collect::<Vec<_>>();
        files.join("\n").replace(multiarch(), "<multiarch>")
    };
    insta::assert_snapshot!("runtime_files", names("plugin-hello"));
    insta::assert_snapshot!("development_files", names("plugin-hello-dev"));
    assert_eq!(place.field("plugin-hello-dev", "Depends"), "plugin-hello (= 0.3.0-1)");
    assert_eq!(place.field("plugin-hello-dev", "Section"), "libdevel");
    assert!(place.field("plugin-hello", "Depends").starts_with("libc6"));

    fs::remove_dir_all(place.path("install/usr/include")).unwrap();
    fs::remove_dir_all(place.libraries().join("pkgconfig")).unwrap();
    fs::remove_file(place.libraries().join("libvaccel-hello.so")).unwrap();
    fs::remove_file(place.libraries().join("libhello.a")).unwrap();
    place.stage(&["--formats=deb", "--split=dev"]).success();
    assert!(place.staged().iter().all(|name| !name.contains("-dev_")), "{:?}", place.staged());
}

fn add_development_files(place: &Place) {
    let libraries = format!("install/usr/lib/{}", multiarch());
    let pc = "prefix=/usr\nName: hello\nDescription: hello\nVersion: 0.3.0\n";
    place.write(&format!("{libraries}/pkgconfig/hello.pc"), pc);
    compile(LIBRARY, &place.path("hello.o"), &["-c"]);
    let (archive, object) = (place.path(&format!("{libraries}/libhello.a")), place.path("hello.o"));
    output_of("ar", &["rcsD", archive.to_str().unwrap(), object.to_str().unwrap()]);
}

#[test]
fn the_changelog_begins_after_the_release_before() {
    let place = Place::new();
    let source = place.path("source");
    for (subject, tag) in [("feat: say more", "v0.4.0"), ("fix: say less", ""), ("docs: explain", "v0.5.0")] {
        git(&source, &["commit", "--quiet", "--allow-empty", "--message", subject]);
        if !tag.is_empty() {
            git(&source, &["tag", tag]);
        }
    }
    place.stage(&["--formats=deb"]).success();
    let file = place.unpacked("plugin-hello").join("usr/share/doc/plugin-hello/changelog.Debian.gz");
    let text = output_of("gzip", &["-cd", file.to_str().unwrap()]);
    let items: Vec<_> = text.lines().filter_map(|line| line.strip_prefix("  * ")).skip(1).collect();
    assert_eq!(items, ["docs: explain", "fix: say less"]);
}

#[test]
fn lintian_finds_no_error() {
    let place = Place::new();
    add_development_files(&place);
    let cases: [&[&str]; 3] = [&[], &["--split=dev"], &["--split=dev", "--section=libs", "--license=MIT"]];
    for arguments in cases {
        place.stage(&[&["--formats=deb"], arguments].concat()).success();
        let packages: Vec<_> = place
            .staged()
            .iter()
            .filter(|name| name.contains("-1_"))
            .map(|name| place.path("dist").join(name))
            .collect();
        assert_eq!(packages.len(), if arguments.is_empty() { 2 } else { 3 });
        let text = lintian(&packages);
        assert!(text.contains("no-manual-page"), "it has looked: {text}");
        assert!(!text.lines().any(|line| line.starts_with("E:")), "{text}");
    }
    place.write("install/usr/lib/python3/dist-packages/hello/__init__.py", "NAME = 'hello'\n");
    place.stage(&["--formats=deb", "--package=python3-hello"]).success();
    let package = place.staged().into_iter().find(|name| name.starts_with("python3-hello_")).unwrap();
    let text = lintian(&[place.path("dist").join(package)]);
    assert!(text.contains("python3-hello: ") && !text.lines().any(|line| line.starts_with("E:")), "{text}");
}
