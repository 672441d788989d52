// SPDX-License-Identifier: Apache-2.0
//! Real builds, staged and built again by the executables of this tree.

#![allow(clippy::unwrap_used, reason = "a test ends where something is not as it should be")]

use artifact::Arch;
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A repository, and the bundle of its first build.
struct Place(tempfile::TempDir);

impl Place {
    /// A repository whose build runs these commands of a shell.
    fn new(install: &str) -> Self {
        let place = Self(tempfile::tempdir().unwrap());
        let settings = format!("[build]\ncommand = \"true\"\ninstall = '''{install}'''\n");
        place.write("sources/.github/vaccel-ci.toml", &settings);
        place.write("sources/LICENSE", "SPDX-License-Identifier: Apache-2.0\n");
        place.write("sources/greet.txt", "Hello\n");
        for arguments in [
            &["init", "--quiet", "--initial-branch=main"][..],
            &["add", "."],
            &["-c", "user.name=J", "-c", "user.email=j@x.org", "commit", "--quiet", "--message=feat: greet"],
            &["tag", "v0.3.0"],
        ] {
            assert!(
                Command::new("git").arg("-C").arg(place.path("sources")).args(arguments).status().unwrap().success()
            );
        }
        place.ours("build", &["--source-path", "sources", "--backend", "script"]);
        let options =
            ["--package", "hello", "--source-path", "sources", "--build-path", "build", "--formats", "tar.gz"];
        place.ours("stage-artifacts", &options);
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        fs::create_dir_all(self.path(name).parent().unwrap()).unwrap();
        fs::write(self.path(name), text).unwrap();
    }

    fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.current_dir(self.0.path()).env_clear().env("PATH", std::env::var_os("PATH").unwrap());
        command
    }

    fn ours(&self, name: &str, arguments: &[&str]) {
        let program = testbed::executables().join(format!("vaccel-{name}"));
        let output = self.command(&program).args(arguments).output().unwrap();
        assert!(output.status.success(), "{}", text(&output));
    }

    fn reproduce(&self, arguments: &[&str]) -> (Option<i32>, String) {
        let program = testbed::executables().join("vaccel-build");
        let output = self.command(&program).arg("reproduce").args(arguments).output().unwrap();
        let told = text(&output).replace(&self.0.path().display().to_string(), "<place>");
        (output.status.code(), told.replace(Arch::host().unwrap().as_str(), "<arch>"))
    }

    fn statement(&self) -> Value {
        serde_json::from_slice(&fs::read(self.path("reproduction.json")).unwrap()).unwrap()
    }
}

fn text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[test]
fn a_build_that_depends_on_nothing_is_reproduced() {
    let place = Place::new("install -D greet.txt $VACCEL_CI_DESTDIR/usr/share/hello/greet.txt");
    let (code, told) = place.reproduce(&["--source", "sources"]);
    assert_eq!(code, Some(0), "{told}");
    let statement = place.statement();
    assert_eq!(statement["predicate"]["reproduced"], true);
    assert_eq!(statement["predicateType"], "https://vaccel.org/ci/reproduction/v1");
    let subjects: Vec<_> =
        statement["subject"].as_array().unwrap().iter().map(|s| s["name"].as_str().unwrap()).collect();
    let stem = format!("hello_0.3.0_{}", Arch::host().unwrap());
    assert_eq!(subjects, [format!("{stem}.spdx.json"), format!("{stem}.tar.gz")]);
    let varied = statement["predicate"]["varied"].as_array().unwrap();
    for what in ["folder", "umask", "locale", "time zone"] {
        assert!(varied.contains(&what.into()), "{varied:?}");
    }
}

#[test]
fn a_build_that_depends_on_its_surroundings_is_explained() {
    let place = Place::new(
        "mkdir -p $VACCEL_CI_DESTDIR/usr/share/hello && cd $VACCEL_CI_DESTDIR/usr/share/hello && date +%T.%N >time && pwd >place && echo $TZ >zone && umask >mask && echo same >same",
    );
    let (code, told) = place.reproduce(&["--source", "sources"]);
    assert_eq!(code, Some(1), "{told}");
    for expected in ["time: another time in line 1", "place: holds a path of the build", "zone: another text in line 1"]
    {
        assert!(told.contains(expected), "{expected}: {told}");
    }
    assert!(!told.contains("same: "), "{told}");
    let statement = place.statement();
    assert_eq!(statement["predicate"]["reproduced"], false);
    assert!(statement["predicate"]["different"].as_array().unwrap().len() > 1);
}

#[test]
fn two_bundles_are_compared_without_a_build() {
    let place = Place::new("install -D greet.txt $VACCEL_CI_DESTDIR/usr/share/hello/greet.txt");
    let (code, told) = place.reproduce(&["--bundle", "dist", "--against", "dist"]);
    assert_eq!(code, Some(0), "{told}");
    let (code, told) = place.reproduce(&["--bundle", "dist", "--against", "sources"]);
    assert_eq!(code, Some(1), "{told}");
    assert!(told.contains("the second build made no hello"), "{told}");
}

#[test]
fn what_cannot_be_reproduced_is_said() {
    let place = Place::new("install -D greet.txt $VACCEL_CI_DESTDIR/usr/share/hello/greet.txt");
    let provenance = format!("dist/hello_0.3.0_{}.provenance.json", Arch::host().unwrap());
    let cases: [(&[&str], &str); 4] = [
        (&["--bundle", "sources"], "sources has no provenance (a file *.provenance.json)"),
        (&["--bundle", "nothing"], "failed to read the bundle nothing"),
        (&["hello"], "\"hello\" is not a valid release"),
        (&["--bundle", "sources", "--against", "dist"], "there is nothing to compare"),
    ];
    for (arguments, expected) in cases {
        let (code, told) = place.reproduce(arguments);
        assert_eq!(code, Some(2), "{told}");
        assert!(told.contains(expected) && told.contains("help: ") || arguments.contains(&"nothing"), "{told}");
        assert!(!place.path("reproduction.json").exists());
    }
    fs::write(place.path(&provenance), "{}").unwrap();
    let (code, told) = place.reproduce(&["--source", "sources"]);
    assert_eq!(code, Some(2), "{told}");
    assert!(told.contains("is not a provenance statement"), "{told}");
}
