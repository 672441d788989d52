// SPDX-License-Identifier: Apache-2.0
//! What is wrong gets one clear error: exit status 2 for inputs, 1 for work.

use crate::support::{Project, run};
use std::fs;
use std::os::unix::fs::PermissionsExt;

#[test]
fn inputs_that_do_not_fit() {
    let project = Project::new("true\n");
    project.write("notes.txt", "");
    fs::create_dir(project.path("empty")).unwrap();
    let cases: [(&str, &[&str]); 11] = [
        ("no source", &["--source-path=nowhere"]),
        ("no script", &["--source-path=install"]),
        ("a script that does not exist", &["--script=nope.sh"]),
        ("a script that is not executable", &["--script=notes.txt"]),
        ("no install tree", &["--destdir=nowhere"]),
        ("an empty install tree", &["--destdir=empty"]),
        ("another prefix", &["--prefix=/opt"]),
        ("no dependency", &["--pkgconfig-prefix=nowhere"]),
        ("unknown boolean", &["--valgrind=1"]),
        ("no time at all", &["--timeout=0"]),
        ("a package name that is none", &["--package=../x"]),
    ];
    let told: Vec<_> = cases
        .iter()
        .map(|(name, arguments)| {
            let mut command = project.command();
            if name.contains("package") {
                command = std::process::Command::new(command.get_program());
                command.current_dir(project.root());
            }
            let said = run(command.args(*arguments)).ended(2);
            format!("# {name}\n{}", project.plain(said.text.trim()))
        })
        .collect();
    insta::assert_snapshot!(told.join("\n\n"), @r#"
    # no source
    error: the source tree nowhere does not exist
    help: check the repository out first, or correct source-path

    # no script
    error: no script that runs examples in <project>/install
    help: looked for scripts/run-examples.sh, scripts/run_examples.sh, run-examples.sh, run_examples.sh, scripts/run-examples.py, scripts/run_examples.py, run-examples.py, run_examples.py; name another one with the input `script`

    # a script that does not exist
    error: the script <project>/nope.sh does not exist
    help: a relative path starts from source-path

    # a script that is not executable
    error: the script <project>/notes.txt names no interpreter
    help: begin it with a line such as #!/bin/sh, or end its name with .sh or .py

    # no install tree
    error: the install tree <project>/nowhere does not exist
    help: build first, or correct destdir and prefix

    # an empty install tree
    error: the install tree <project>/empty is empty
    help: build first, or correct destdir and prefix

    # another prefix
    error: the install tree <project>/install holds nothing below /opt
    help: build first, or correct destdir and prefix

    # no dependency
    error: the dependency folder <project>/nowhere does not exist
    help: fetch the dependency first, or take the folder out of pkgconfig-prefix

    # unknown boolean
    error: invalid value '1' for '--valgrind[=<true|false>]'
      [possible values: true, false]
    help: see --help, or the action's README

    # no time at all
    error: invalid value '0' for '--timeout <TIMEOUT>': 0 is not in 1..=86400
    help: see --help, or the action's README

    # a package name that is none
    error: invalid value '../x' for '--package <PACKAGE>': "../x" is not a package name: two or more of a-z, 0-9, '+', '-' and '.', beginning with a letter or digit
    help: see --help, or the action's README
    "#);
    assert!(!project.path("examples-report.json").exists());
}

#[test]
fn a_script_that_cannot_start_says_what_to_look_at() {
    let project = Project::new("true\n");
    for (text, status) in [("#!/no/such/interpreter\ntrue\n", 1), ("\0\u{1}not a program", 2)] {
        project.write("scripts/run-examples.sh", text);
        fs::set_permissions(project.path("scripts/run-examples.sh"), fs::Permissions::from_mode(0o755)).unwrap();
        let said = run(&mut project.command()).ended(status);
        assert!(
            said.text.contains("help: its first line must name an interpreter that exists, like #!/bin/sh"),
            "{}",
            said.text
        );
    }
}

#[test]
fn the_report_of_an_earlier_run_does_not_stay() {
    let project = Project::new("true\n");
    run(&mut project.command()).ended(0);
    project.write("scripts/run-examples.sh", "#!/no/such/interpreter\ntrue\n");
    run(&mut project.command()).ended(1);
    assert!(!project.path("examples-report.json").exists());
}

#[test]
fn manifests_and_baselines_that_do_not_fit() {
    let project = Project::with_manifest(
        "[[example]]\nname = \"greet\"\ncommand = [\"hello\"]\nrequires = [\"gpu\"]\n\n[[example]]\nname = \"b\"\ncommand = \"x\"\nrequires = [\"network\"]\n",
    );
    project.write(
        "wrong.toml",
        "[[example]]\nname = \"a\"\ncommand = \"x\"\n\n[[example]]\nname = \"b\"\ncomand = \"x\"\n",
    );
    project.program("x.sh", "#!/bin/sh\n");
    let report = |package: &str, schema: u32| {
        format!(
            "{{\"schema\":{schema},\"package\":\"{package}\",\"arch\":\"aarch64\",\"valgrind\":false,\"examples\":[]}}"
        )
    };
    project.write("other.json", &report("other", 1));
    project.write("newer.json", &report("hello", 2));
    fs::write(project.path("bytes.toml"), b"[[example]]\nname = \"\xff\"\n").unwrap();
    project.write("golden.toml", "[[example]]\nname = \"a\"\ncommand = \"x\"\nexpect.stdout.file = \"bin\"\n");
    fs::create_dir(project.path("bin")).unwrap();
    let cases: [(&str, &[&str]); 18] = [
        ("no manifest", &["--manifest=nope.toml"]),
        ("two descriptions", &["--manifest=wrong.toml", "--script=x.sh"]),
        ("an unknown key", &["--manifest=wrong.toml"]),
        ("nothing can run here", &[]),
        ("a filter that matches nothing", &["--filter=gr?"]),
        ("a filter that is no glob", &["--filter=a**b"]),
        ("a manifest that is not UTF-8", &["--manifest=bytes.toml"]),
        ("a golden file that is none", &["--manifest=golden.toml"]),
        ("golden files of a script", &["--script=x.sh", "--bless"]),
        ("a manifest that is no file", &["--manifest=bin"]),
        ("a context", &["--context=GPU"]),
        ("a runner's tag", &["--runner=Big Box"]),
        ("no baseline", &["--baseline=nope.json"]),
        ("another package's baseline", &["--baseline=other.json", "--arch=aarch64"]),
        ("a newer baseline", &["--baseline=newer.json"]),
        ("an unknown level", &["--regression-levels=slow=error"]),
        ("a factor", &["--slowdown=0.5"]),
        ("no jobs", &["--jobs=0"]),
    ];
    let told: Vec<_> = cases
        .iter()
        .map(|(name, arguments)| {
            let said = run(project.command().args(*arguments)).ended(2);
            format!("# {name}\n{}", project.plain(said.text.trim()))
        })
        .collect();
    insta::assert_snapshot!(told.join("\n\n"));
    run(project.command().arg("--allow-empty")).ended(0);
    insta::assert_snapshot!(project.results(), @r"
    Skip greet: needs gpu
    Skip b: needs network
    ");
}
