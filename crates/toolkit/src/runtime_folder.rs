// SPDX-License-Identifier: Apache-2.0
//! `/run/user/<uid>`, which a login session has and a runner in a container has not. Programs that do not ask
//! `XDG_RUNTIME_DIR` open it by name.

use crate::{Program, Runner};
use rustix::fs::{Access, access};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

/// Makes sure that tests and examples find `/run/user/<uid>`. Where it can neither be found nor made, one warning says
/// so, with the line that the image of the runner needs: most programs do without it.
pub fn provide_runtime_folder(runner: &Runner) {
    let user = rustix::process::geteuid().as_raw();
    let group = rustix::process::getegid().as_raw();
    if let Err(error) = provide(Path::new("/run/user"), user, group) {
        runner.warning(&error.to_string());
    }
}

/// Why it is not there.
#[derive(Debug, thiserror::Error)]
#[error(
    "failed to create {}, which programs under test may open: {source}\n\
     help: add this line to the image of the runner: install -d -m 0700 -o {user} -g {group} {}",
    folder.display(), folder.display()
)]
struct RuntimeFolderError {
    folder: PathBuf,
    user: u32,
    group: u32,
    source: io::Error,
}

fn provide(base: &Path, user: u32, group: u32) -> Result<(), RuntimeFolderError> {
    let folder = base.join(user.to_string());
    let is_usable = || folder.is_dir() && access(&folder, Access::READ_OK | Access::WRITE_OK | Access::EXEC_OK).is_ok();
    if is_usable() {
        return Ok(());
    }
    let made = std::fs::create_dir_all(base).and_then(|()| std::fs::DirBuilder::new().mode(0o700).create(&folder));
    match made {
        Ok(()) => Ok(()),
        // GitHub's own runners, and images made after them, let the user become root.
        Err(_) if as_root(&folder, user, group) && is_usable() => Ok(()),
        Err(source) => Err(RuntimeFolderError { folder, user, group, source }),
    }
}

/// Makes it with sudo, if that asks for no password.
fn as_root(folder: &Path, user: u32, group: u32) -> bool {
    let (user, group) = (user.to_string(), group.to_string());
    let install = ["-n", "install", "-d", "-m", "0700", "-o", &user, "-g", &group];
    user != "0" && Program::new("sudo").args(install).arg(folder).capture().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn it_is_private_and_made_once() {
        let root = tempfile::tempdir().unwrap();
        let base = root.path().join("run/user");
        provide(&base, 1001, 1001).unwrap();
        let folder = base.join("1001");
        assert_eq!(folder.metadata().unwrap().permissions().mode() & 0o777, 0o700);
        std::fs::write(folder.join("socket"), "").unwrap();
        provide(&base, 1001, 1001).unwrap();
        assert!(folder.join("socket").exists(), "one that is there stays as it is");
    }

    #[test]
    fn where_it_cannot_be_made_the_line_for_the_image_is_named() {
        let root = tempfile::tempdir().unwrap();
        // Not even root can make a folder below a file.
        let base = root.path().join("file");
        std::fs::write(&base, "").unwrap();
        let error = provide(&base, 0, 7).unwrap_err().to_string();
        insta::assert_snapshot!(error.replace(&root.path().display().to_string(), "<root>"), @r"
        failed to create <root>/file/0, which programs under test may open: File exists (os error 17)
        help: add this line to the image of the runner: install -d -m 0700 -o 0 -g 7 <root>/file/0
        ");
    }
}
