// SPDX-License-Identifier: Apache-2.0
//! Writing reports where code of a repository may have written before.

use crate::{Failure, Result, ResultExt};
use std::fs::{self, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// Writes a file whole or not at all, and makes the folders above it.
///
/// A symbolic link in its place is replaced and never followed: it may have been planted to make us overwrite
/// something else. A folder above it may be a link, but below the working directory not one that leads out of it.
pub fn write_file(path: &Path, content: &[u8]) -> Result<()> {
    let here = std::env::current_dir().context("failed to find the working directory")?;
    write_below(&here, path, content)
}

fn write_below(here: &Path, path: &Path, content: &[u8]) -> Result<()> {
    let shown = path.display();
    let place = here.join(path);
    let folder = place.parent().unwrap_or(here);
    // Before anything is made: folders would be made behind the link.
    refuse_detour(here, folder, path)?;
    let write = || -> io::Result<()> {
        fs::create_dir_all(folder)?;
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        file.write_all(content)?;
        file.as_file().set_permissions(Permissions::from_mode(0o644))?;
        file.persist(&place)?;
        Ok(())
    };
    write().with_context(|| format!("failed to write {shown}"))
}

/// Refuses a folder below the working directory that really is elsewhere.
fn refuse_detour(here: &Path, folder: &Path, path: &Path) -> Result<()> {
    let (Ok(below), Ok(root)) = (folder.strip_prefix(here), here.canonicalize()) else { return Ok(()) };
    // Who climbs out of the working directory on purpose says so in the path.
    if below.components().any(|part| part == std::path::Component::ParentDir) {
        return Ok(());
    }
    let mut place = PathBuf::from(here);
    for part in below.components() {
        place.push(part);
        let is_link = place.symlink_metadata().is_ok_and(|meta| meta.is_symlink());
        let leads_out = || place.canonicalize().map_or(true, |real| !real.starts_with(&root));
        if is_link && leads_out() {
            let target = fs::read_link(&place).unwrap_or_default();
            let message = format!(
                "failed to write {}: the folder {} is a symbolic link to {}",
                path.display(),
                place.strip_prefix(here).unwrap_or(&place).display(),
                target.display()
            );
            return Err(Failure::input(message).help("remove the link, or choose another path"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    struct Place(tempfile::TempDir);

    impl Place {
        /// A workspace beside a file that must not change.
        fn new() -> Self {
            let place = Self(tempfile::tempdir().unwrap());
            fs::create_dir_all(place.path("work/inside")).unwrap();
            fs::create_dir(place.path("outside")).unwrap();
            fs::write(place.path("outside/secret"), "secret").unwrap();
            place
        }

        fn path(&self, name: &str) -> PathBuf {
            self.0.path().join(name)
        }

        fn write(&self, path: impl AsRef<Path>) -> Result<()> {
            write_below(&self.path("work"), path.as_ref(), b"report")
        }

        fn assert_untouched(&self) {
            assert_eq!(fs::read_to_string(self.path("outside/secret")).unwrap(), "secret");
            assert_eq!(fs::read_dir(self.path("outside")).unwrap().count(), 1);
        }
    }

    #[test]
    fn a_planted_link_is_replaced_and_not_followed() {
        let place = Place::new();
        let report = place.path("work/report.json");
        for target in ["../outside/secret", "../outside/new", "/nowhere/at/all", "report.json"] {
            let _ = fs::remove_file(&report);
            symlink(target, &report).unwrap();
            place.write("report.json").unwrap();
            assert!(report.symlink_metadata().unwrap().is_file(), "{target}");
            assert_eq!(fs::read_to_string(&report).unwrap(), "report");
            place.assert_untouched();
        }
        place.write("report.json").unwrap();
        assert_eq!(report.metadata().unwrap().permissions().mode() & 0o777, 0o644);
        assert_eq!(fs::read_dir(place.path("work")).unwrap().count(), 2, "no temporary file stays");
    }

    #[test]
    fn a_planted_folder_leads_nowhere() {
        let place = Place::new();
        symlink("../outside", place.path("work/reports")).unwrap();
        symlink("/nowhere", place.path("work/dangling")).unwrap();
        symlink("../../outside", place.path("work/inside/deep")).unwrap();
        for path in ["reports/secret", "reports/a/b", "dangling/a", "inside/deep/secret"] {
            let failure = place.write(path).unwrap_err();
            assert_eq!(failure.status().code(), 2, "{path}");
            assert!(failure.messages()[0].starts_with(&format!("failed to write {path}: the folder ")), "{failure}");
            // The same place by its absolute path.
            assert!(place.write(place.path("work").join(path)).is_err(), "{path}");
        }
        place.assert_untouched();
    }

    #[test]
    fn links_of_the_caller_work() {
        let place = Place::new();
        symlink("inside", place.path("work/linked")).unwrap();
        place.write("linked/a/report.json").unwrap();
        assert!(place.path("work/inside/a/report.json").is_file());
        place.write("../elsewhere/report.json").unwrap();
        place.write(place.path("absolute/report.json")).unwrap();
        let failure = place.write("inside").unwrap_err();
        assert!(failure.messages()[0].starts_with("failed to write inside"), "{failure}");
    }
}
