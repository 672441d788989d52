// SPDX-License-Identifier: Apache-2.0
//! Finding the script that runs a repository's examples.

use std::fs::File;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use toolkit::{Failure, Result, ResultExt};

/// Where it is looked for when nobody names it.
const DEFAULTS: [&str; 8] = [
    "scripts/run-examples.sh",
    "scripts/run_examples.sh",
    "run-examples.sh",
    "run_examples.sh",
    "scripts/run-examples.py",
    "scripts/run_examples.py",
    "run-examples.py",
    "run_examples.py",
];

/// What runs a script that names no interpreter in its first line, by the end of its name.
const INTERPRETERS: [(&str, &str); 4] = [("py", "python3"), ("sh", "sh"), ("bash", "bash"), ("pl", "perl")];

/// The script, as an absolute path to a file that can be run.
pub fn find(source: &Path, named: Option<&Path>) -> Result<PathBuf> {
    let script = match named {
        Some(named) => {
            let script = source.join(named);
            if !script.exists() {
                return Err(Failure::input(format!("the script {} does not exist", script.display()))
                    .help("a relative path starts from source-path"));
            }
            script
        }
        None => DEFAULTS.iter().map(|name| source.join(name)).find(|path| path.is_file()).ok_or_else(|| {
            Failure::input(format!("no script that runs examples in {}", source.display()))
                .help(format!("looked for {}; name another one with the input `script`", DEFAULTS.join(", ")))
        })?,
    };
    let meta = script.metadata().with_context(|| format!("could not look at {}", script.display()))?;
    if !meta.is_file() {
        return Err(Failure::input(format!("the script {} is not a file", script.display())));
    }
    if interpreter(&script)?.is_none() && meta.permissions().mode() & 0o111 == 0 {
        let name = script.strip_prefix(source).unwrap_or(&script).display().to_string();
        return Err(Failure::input(format!("the script {} is not executable", script.display()))
            .help(format!("chmod +x {name}, and commit that")));
    }
    Ok(script)
}

/// What has to run the script; none if the kernel knows.
pub fn interpreter(script: &Path) -> Result<Option<&'static str>> {
    let mut beginning = Vec::new();
    File::open(script)
        .and_then(|file| file.take(512).read_to_end(&mut beginning))
        .with_context(|| format!("failed to read {}", script.display()))?;
    if beginning.starts_with(b"#!") || beginning.starts_with(b"\x7fELF") {
        return Ok(None);
    }
    if beginning.contains(&0) {
        return Err(Failure::input(format!("the script {} is not a text", script.display()))
            .help("its first line must name an interpreter that exists, like #!/bin/sh"));
    }
    let end = script.extension().and_then(|end| end.to_str()).unwrap_or_default();
    match INTERPRETERS.iter().find(|(known, _)| *known == end) {
        Some((_, program)) => Ok(Some(program)),
        None => Err(Failure::input(format!("the script {} names no interpreter", script.display()))
            .help("begin it with a line such as #!/bin/sh, or end its name with .sh or .py")),
    }
}

/// Whether a script without an interpreter in its first line is for a shell.
pub fn is_for_shell(script: &Path) -> bool {
    !matches!(interpreter(script), Ok(Some(program)) if !program.ends_with("sh"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn write(folder: &Path, name: &str, mode: u32) {
        let path = folder.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, "#!/bin/sh\n").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn the_first_of_the_usual_places_counts() {
        let folder = tempfile::tempdir().unwrap();
        let source = folder.path();
        for name in DEFAULTS.iter().rev() {
            write(source, name, 0o755);
            assert_eq!(find(source, None).unwrap(), source.join(name));
        }
        write(source, "ci/mine", 0o755);
        assert_eq!(find(source, Some(Path::new("ci/mine"))).unwrap(), source.join("ci/mine"));
    }

    #[test]
    fn an_interpreter_is_found_by_the_name() {
        let folder = tempfile::tempdir().unwrap();
        for (name, text, expected) in [
            ("run-examples.py", "print('ok')\n", Some(Some("python3"))),
            ("run-examples.py", "#!/usr/bin/env python3\n", Some(None)),
            ("a.sh", "echo\n", Some(Some("sh"))),
            ("a", "\x7fELF", Some(None)),
            ("a", "echo\n", None),
            ("a.txt", "", None),
            ("a.sh", "\0\u{1}not a program", None),
        ] {
            let file = folder.path().join(name);
            fs::write(&file, text).unwrap();
            assert_eq!(interpreter(&file).ok(), expected, "{name} {text}");
        }
        // What an interpreter runs need not be executable.
        write(folder.path(), "run-examples.py", 0o644);
        fs::write(folder.path().join("run-examples.py"), "print('ok')\n").unwrap();
        assert!(find(folder.path(), None).is_ok());
    }

    #[test]
    fn what_cannot_run_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let source = folder.path();
        let told = |named: Option<&str>| {
            let failure = find(source, named.map(Path::new)).unwrap_err();
            assert_eq!(failure.status().code(), 2);
            failure.to_string().replace(&source.display().to_string(), "<source>")
        };
        let nothing = told(None);
        write(source, "run-examples.sh", 0o644);
        let all = [nothing, told(None), told(Some("nope.sh")), told(Some("."))];
        insta::assert_snapshot!(all.join("\n\n"), @r"
        no script that runs examples in <source>
        help: looked for scripts/run-examples.sh, scripts/run_examples.sh, run-examples.sh, run_examples.sh, scripts/run-examples.py, scripts/run_examples.py, run-examples.py, run_examples.py; name another one with the input `script`

        the script <source>/run-examples.sh is not executable
        help: chmod +x run-examples.sh, and commit that

        the script <source>/nope.sh does not exist
        help: a relative path starts from source-path

        the script <source>/. is not a file
        ");
    }
}
