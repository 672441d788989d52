// SPDX-License-Identifier: Apache-2.0
//! Finding the script that runs a repository's examples.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use toolkit::{Failure, Result, ResultExt};

/// Where it is looked for when nobody names it.
const DEFAULTS: [&str; 4] =
    ["scripts/run-examples.sh", "scripts/run_examples.sh", "run-examples.sh", "run_examples.sh"];

/// The script, as an absolute path to a file that may be executed.
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
    if meta.permissions().mode() & 0o111 == 0 {
        let name = script.strip_prefix(source).unwrap_or(&script).display().to_string();
        return Err(Failure::input(format!("the script {} is not executable", script.display()))
            .help(format!("chmod +x {name}, and commit that")));
    }
    Ok(script)
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
        help: looked for scripts/run-examples.sh, scripts/run_examples.sh, run-examples.sh, run_examples.sh; name another one with the input `script`

        the script <source>/run-examples.sh is not executable
        help: chmod +x run-examples.sh, and commit that

        the script <source>/nope.sh does not exist
        help: a relative path starts from source-path

        the script <source>/. is not a file
        ");
    }
}
