// SPDX-License-Identifier: Apache-2.0
//! Our own sources, as they are now, in another place.

use std::path::Path;
use xtask::git::Git;

/// Copies what git knows of the work tree, committed or not.
pub fn copy(to: &Path) {
    let root = testbed::workspace_root();
    let list = Git::new(&root).run(["ls-files", "-z", "--cached", "--others", "--exclude-standard"]).unwrap();
    // Of `dist/` only the launcher: the executables of an earlier release are no sources.
    let is_source = |path: &&str| !path.starts_with("dist/") || *path == "dist/run";
    for path in list.split('\0').filter(is_source).filter(|path| root.join(path).is_file()) {
        let target = to.join(path);
        std::fs::create_dir_all(target.parent().unwrap()).unwrap();
        std::fs::copy(root.join(path), target).unwrap();
    }
}

/// A repository with one commit, on `main`.
pub fn repository(folder: &Path) -> Git {
    copy(folder);
    // As it is before the first release, whichever is the next one in truth.
    std::fs::write(folder.join("CHANGELOG.md"), "# Changelog\n\n## [Unreleased]\n\n### Added\n\n- Everything.\n")
        .unwrap();
    let git = Git::new(folder);
    git.run(["init", "--quiet", "--initial-branch", "main"]).unwrap();
    for (name, value) in [("user.name", "Ada Example"), ("user.email", "ada@example.org"), ("gc.auto", "0")] {
        git.run(["config", name, value]).unwrap();
    }
    git.run(["add", "--all"]).unwrap();
    git.run(["commit", "--quiet", "--message", "feat: everything"]).unwrap();
    git
}
