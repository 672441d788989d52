// SPDX-License-Identifier: Apache-2.0
//! The folder of rendered files: what would change in it, and changing it.

use crate::images;
use crate::render::{File, Files};
use similar::TextDiff;
use std::fmt::Write as _;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use toolkit::{Result, ResultExt};

/// The first words of a file that was rendered: only such files are ever removed.
const MARK: &str = "Rendered by `vaccel-fleet render`";

/// One file that is not as it should be.
pub struct Change {
    /// Its path below the folder.
    pub path: String,
    /// What is there; `None` if nothing is.
    pub old: Option<String>,
    /// What should be; `None` if nothing should.
    pub new: Option<File>,
}

/// What differs between the folder and the files, in the order of their paths.
pub fn changes(folder: &Path, files: &Files) -> Result<Vec<Change>> {
    let mut changes = Vec::new();
    for (path, file) in files {
        let target = folder.join(path);
        let old = std::fs::read(&target).ok().map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
        let mode = std::fs::metadata(&target).map(|data| data.permissions().mode() & 0o111 != 0);
        if old.as_ref() != Some(&file.text) || mode.ok() != Some(file.executable) {
            changes.push(Change { path: path.clone(), old, new: Some(file.clone()) });
        }
    }
    let mut found = Vec::new();
    walk(folder, folder, &mut found)?;
    for path in found {
        let name = path.to_string_lossy().into_owned();
        if files.contains_key(&name) || name == images::FILE {
            continue;
        }
        let text = std::fs::read_to_string(folder.join(&path)).unwrap_or_default();
        // The rest belongs to whoever put it there.
        if text.lines().take(3).any(|line| line.contains(MARK)) {
            changes.push(Change { path: name, old: Some(text), new: None });
        }
    }
    changes.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(changes)
}

fn walk(root: &Path, folder: &Path, found: &mut Vec<PathBuf>) -> Result<()> {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error).input(format!("failed to list {}", folder.display())),
    };
    for entry in entries {
        let entry = entry.context(format!("failed to list {}", folder.display()))?;
        let path = entry.path();
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            walk(root, &path, found)?;
        } else if let Ok(path) = path.strip_prefix(root) {
            found.push(path.to_owned());
        }
    }
    Ok(())
}

/// Makes the folder what it should be.
pub fn write(folder: &Path, changes: &[Change]) -> Result<()> {
    for change in changes {
        let path = folder.join(&change.path);
        let Some(file) = &change.new else {
            std::fs::remove_file(&path).context(format!("failed to remove {}", path.display()))?;
            continue;
        };
        let parent = path.parent().unwrap_or(folder);
        std::fs::create_dir_all(parent).context(format!("failed to create {}", parent.display()))?;
        let mut name = path.file_name().unwrap_or_default().to_owned();
        name.push(".new");
        let beside = path.with_file_name(name);
        std::fs::write(&beside, &file.text).context(format!("failed to write {}", beside.display()))?;
        let mode = if file.executable { 0o755 } else { 0o644 };
        std::fs::set_permissions(&beside, std::fs::Permissions::from_mode(mode))
            .and_then(|()| std::fs::rename(&beside, &path))
            .context(format!("failed to write {}", path.display()))?;
    }
    Ok(())
}

/// One line per change.
pub fn list(changes: &[Change]) -> String {
    changes.iter().fold(String::new(), |mut text, change| {
        let kind = match (&change.old, &change.new) {
            (None, _) => "added",
            (_, None) => "removed",
            _ => "changed",
        };
        let _ = writeln!(text, "{kind:8} {}", change.path);
        text
    })
}

/// The changes as a patch.
pub fn diff(changes: &[Change]) -> String {
    changes.iter().fold(String::new(), |mut text, change| {
        let old = change.old.as_deref().unwrap_or_default();
        let new = change.new.as_ref().map(|file| file.text.as_str()).unwrap_or_default();
        let name =
            |there: bool, side: &str| if there { format!("{side}/{}", change.path) } else { "/dev/null".to_owned() };
        let (before, after) = (name(change.old.is_some(), "a"), name(change.new.is_some(), "b"));
        let _ = write!(text, "{}", TextDiff::from_lines(old, new).unified_diff().header(&before, &after));
        text
    })
}
