// SPDX-License-Identifier: Apache-2.0
//! Configuration of linters: where it is found, and what a broken one comes to.

use crate::{GREP, GREP_SCRIPT, Scene};

/// `grep` with a configuration of its own, and one in the folder that the ecosystem has for it.
fn scene() -> Scene {
    let run = "run = { configuration = ['own.toml'], shared-configuration = ['.github/linters/grep.toml'], ";
    let settings = GREP.replace("run = { ", run).replace("[\"{files}\"]", "['--config={shared-config}', '{files}']");
    let scene = Scene::with(&settings);
    let script = "case $1 in --config=*) echo \"with ${1##*/}\" >> \"$HOME/out/calls\"; shift ;; esac\n";
    scene.program("lint-grep", &format!("{script}{GREP_SCRIPT}"));
    scene.write("a.txt", "fine\n");
    scene
}

fn calls(scene: &Scene) -> String {
    std::fs::read_to_string(scene.out("calls")).unwrap_or_default()
}

#[test]
fn what_the_ecosystem_has_is_handed_over_unless_there_is_one_of_its_own() {
    let scene = scene();
    scene.laptop(&[]);
    assert_eq!(calls(&scene), "");
    scene.write(".github/linters/grep.toml", "a = 1\n");
    scene.write(".github/linters/other.json", "{}\n");
    let told = scene.laptop(&[]);
    assert_eq!(calls(&scene), "with grep.toml\n");
    let line = "note: not used, since no linter here takes it: .github/linters/other.json\n";
    assert!(told.story.contains(line), "{told:?}");
    scene.write("own.toml", "a = 1\n");
    let told = scene.laptop(&[]);
    assert_eq!(calls(&scene), "with grep.toml\n", "not again");
    let line = "note: .github/linters/grep.toml is not used: grep finds its own own.toml\n";
    assert!(told.story.contains(line), "{told:?}");
}

#[test]
fn a_configuration_that_does_not_parse_is_an_error_with_file_and_line_whatever_changed() {
    for name in ["own.toml", ".github/linters/grep.toml"] {
        let scene = scene();
        scene.write(name, "a = 1\nbad = [\n");
        let base = scene.commit();
        scene.write("b.txt", "fine\n");
        scene.commit();
        let told = scene.pull_request(&base, &[]);
        assert_eq!(told.code, Some(1), "{name}: {told:?}");
        let error =
            format!("::error file={name},line=2,title=grep%3A invalid-configuration::grep did not run: {name} ");
        assert!(told.out.contains(&error), "{name}: {told:?}");
        assert!(told.out.contains("1 of 1 linter did not do its work"), "{told:?}");
        assert_eq!((scene.written("linters"), scene.written("not-run")), (String::new(), "grep".to_owned()));
        assert_eq!(calls(&scene), "", "{name}: it ran");
    }
}

#[test]
fn a_version_that_is_too_old_is_an_error_in_place_of_its_findings() {
    let cases = [("1.2.3", true), ("1.2.2", true), ("1.3", false), ("1.10.0", false), ("2", false), ("0.9.9", true)];
    for (version, is_old) in cases {
        let scene = Scene::with(&GREP.replace("homepage", "oldest = '1.2.10'\nprovided-by = 'a package'\nhomepage"));
        scene.program("lint-grep", &GREP_SCRIPT.replace("1.2.3", &format!("{version}.0 x")));
        scene.write("a.txt", "BAD\nBAD\n");
        let told = scene.laptop(&[]);
        assert_eq!(told.output("errors"), if is_old { "1" } else { "2" }, "{version}: {told:?}");
        let message =
            format!("grep {version}.0 is older than 1.2.10, the oldest version that is understood; install a package");
        assert_eq!(told.story.contains(&message), is_old, "{version}: {told:?}");
        assert_eq!(told.output("not-run"), if is_old { "grep" } else { "" }, "{version}");
    }
}

#[test]
fn commitlint_and_license_eye_are_understood() {
    let scene = Scene::with("[lint]\nlinters = ['commits', 'licenses']\n");
    scene.write(
        ".github/linters/commitlint.config.mjs",
        "export default {\n  extends: ['@commitlint/config-conventional'],\n  plugins: [{ rules: { x: () => [true] } }],\n\
         \x20 rules: { 'trailer-exists': [2, 'always', 'Reviewed-by:'], 'body-empty': [2, 'never'] },\n};\n",
    );
    scene.write(
        ".github/linters/licenserc.yml",
        "header:\n  license: {spdx-id: MIT}\n  paths-ignore: [vendor, '**/.*', '.github']\n  language: {}\n",
    );
    let base = scene.commit();
    scene.write("vendor/a.c", "int a;\n");
    scene.write("b.c", "int b;\n");
    scene.commit();
    let told = scene.pull_request(&base, &["--fail-on", "warning"]);
    assert_eq!((told.code, scene.written("errors")), (Some(1), "1".to_owned()), "{told:?}");
    assert!(told.out.contains("the trailer `Reviewed-by:` is missing"), "{told:?}");
    assert_eq!(scene.written("warnings"), "1", "the header of b.c: {told:?}");
    for left in ["not applied by commits: plugins, body-empty", "not applied by licenses: header.language"] {
        assert_eq!(told.out.matches(left).count(), 1, "{left}: {told:?}");
    }
    // What is set here wins.
    scene.write(
        ".github/vaccel-ci.toml",
        "[lint]\nlinters = ['commits', 'licenses']\n[lint.check]\ncommits.trailers = []\nlicenses.ignore = ['*.c']\n",
    );
    let told = scene.pull_request(&base, &["--fail-on", "warning"]);
    assert_eq!(told.code, Some(0), "{told:?}");
    // What does not parse stops the check that needs it, and no other.
    scene.write(".github/linters/licenserc.yml", "header:\n  license: [\n");
    let told = scene.pull_request(&base, &["--fail-on", "warning"]);
    assert!(told.out.contains("::error file=.github/linters/licenserc.yml,line=2,"), "{told:?}");
    assert_eq!((scene.written("linters"), scene.written("not-run")), ("commits".to_owned(), "licenses".to_owned()));
}
