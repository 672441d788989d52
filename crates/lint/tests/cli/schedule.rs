//! Several programs at the same time, and no more than are allowed.

use crate::Scene;
use std::fmt::Write;

/// Two linters that wait for each other, but not for ever.
fn scene() -> Scene {
    let mut settings = "[lint]\nlinters = ['one', 'two']\n".to_owned();
    for name in ["one", "two"] {
        write!(
            settings,
            "[lint.linter.{name}]\ncategory = 'code'\nhomepage = 'x'\nfiles.globs = ['*.txt']\nread.format = 'diff'\n\
             run = {{ program = 'lint-{name}', args = ['{{files}}'], version = [] }}\n"
        )
        .unwrap();
    }
    let scene = Scene::with(&settings);
    for (own, other) in [("one", "two"), ("two", "one")] {
        let (own_file, other_file) = (scene.out(own), scene.out(other));
        let script = format!(
            "echo > {}\nfor try in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do\n\
             [ ! -e {} ] || exit 0\nsleep 0.1\ndone\nexit 3\n",
            own_file.display(),
            other_file.display()
        );
        scene.program(&format!("lint-{own}"), &script);
    }
    scene.write("a.txt", "x\n");
    scene
}

#[test]
fn two_jobs_run_at_the_same_time() {
    let told = scene().laptop(&["--jobs", "2"]);
    assert_eq!(told.code, Some(0), "{told:?}");
    assert_eq!(told.output("linters"), "one,two");
}

#[test]
fn one_job_runs_after_the_other() {
    let told = scene().laptop(&["--jobs", "1"]);
    assert_eq!((told.code, told.output("errors")), (Some(1), "1"), "the first waited in vain: {told:?}");
}
