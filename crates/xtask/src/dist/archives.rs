// SPDX-License-Identifier: Apache-2.0
//! What the release on GitHub gets: an archive for each architecture, for people who use the
//! executables by hand, and digests.

use super::{read_record, sbom, write};
use crate::git::Git;
use anyhow::{Context, Result};
use artifact::{Arch, SHA256SUMS, Sha256};
use flate2::{Compression, GzBuilder};
use std::fmt::Write;
use std::path::Path;
use tar::{Builder, EntryType, Header};

/// The digests of the executables themselves, with paths as in `dist/`.
const EXECUTABLES: &str = "EXECUTABLES.sha256";

/// Writes archives of `dist/` and their `SHA256SUMS` into a folder.
pub fn run(root: &Path, out: &Path) -> Result<()> {
    let record = read_record(&root.join("dist"))?;
    std::fs::create_dir_all(out).with_context(|| format!("could not make {}", out.display()))?;
    let time = match &record.commit {
        Some(commit) => Git::new(root).run(["log", "-1", "--no-show-signature", "--format=%ct", commit.as_str()])?,
        None => "0".to_owned(),
    };
    let time: u64 = time.parse().context("git tells no time of the commit")?;
    let license = std::fs::read(root.join("LICENSE")).context("could not read LICENSE")?;
    let mut sums = String::new();
    for arch in Arch::ALL {
        let name = format!("vaccel-ci-{}-{arch}", record.version);
        let mut files = vec![("LICENSE".to_owned(), license.clone(), 0o644)];
        for executable in record.executables.iter().filter(|executable| executable.arch == arch) {
            let path = root.join("dist").join(executable.path());
            let bytes = std::fs::read(&path).with_context(|| format!("could not read {}", path.display()))?;
            files.push((format!("vaccel-{}", executable.action), bytes, 0o755));
        }
        if files.len() == 1 {
            continue;
        }
        let bytes = archive(&name, &files, time).with_context(|| format!("could not pack {name}"))?;
        let _ = writeln!(sums, "{}  {name}.tar.gz", Sha256::of(&bytes));
        write(&out.join(format!("{name}.tar.gz")), &bytes)?;
    }
    let lock = std::fs::read_to_string(root.join("Cargo.lock")).context("failed to read Cargo.lock")?;
    let name = format!("vaccel-ci-{}.spdx.json", record.version);
    let bytes = sbom::render(&record, &lock, i64::try_from(time)?)?;
    let _ = writeln!(sums, "{}  {name}", Sha256::of(&bytes));
    write(&out.join(name), &bytes)?;
    write(&out.join(SHA256SUMS), sums.as_bytes())?;
    write(&out.join(EXECUTABLES), record.sha256sums().as_bytes())?;
    print!("{sums}");
    Ok(())
}

/// Name, content and mode.
type File = (String, Vec<u8>, u32);

/// A folder as `tar.gz`: equal files, equal bytes. `time` is in seconds since 1970.
fn archive(folder: &str, files: &[File], time: u64) -> std::io::Result<Vec<u8>> {
    let mut builder = Builder::new(GzBuilder::new().mtime(0).write(Vec::new(), Compression::best()));
    for (index, (name, bytes, mode)) in files.iter().enumerate() {
        let mut header = Header::new_ustar();
        header.set_mode(*mode);
        header.set_mtime(time);
        header.set_uid(0);
        header.set_gid(0);
        let path = format!("{folder}/{name}");
        // What actions share is in it once.
        if let Some((same, ..)) = files.iter().take(index).find(|(_, other, _)| other == bytes) {
            header.set_entry_type(EntryType::Symlink);
            header.set_size(0);
            builder.append_link(&mut header, path, same)?;
        } else {
            header.set_size(bytes.len() as u64);
            builder.append_data(&mut header, path, bytes.as_slice())?;
        }
    }
    builder.into_inner()?.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use artifact::{DistRecord, Executable};
    use std::process::Command;

    #[test]
    fn an_archive_holds_the_executables_of_one_architecture() {
        let folder = tempfile::tempdir().unwrap();
        let (root, out) = (folder.path().join("root"), folder.path().join("out"));
        let executable = |action: &str, arch: Arch| {
            let bytes = format!("{} for {arch}", action.replace("fetch", "upload"));
            let executable = Executable {
                action: action.to_owned(),
                arch,
                size: bytes.len() as u64,
                sha256: Sha256::of(bytes.as_bytes()),
            };
            crate::dist::place(&root.join("dist").join(executable.path()), bytes.as_bytes()).unwrap();
            executable
        };
        let mut executables = ["plan", "upload", "fetch"].map(|action| executable(action, Arch::X86_64)).to_vec();
        executables.push(executable("plan", Arch::Armv7l));
        let (rustc, zig, cargo_zigbuild) = (String::new(), String::new(), String::new());
        let (schema, version, lock) = (DistRecord::SCHEMA, "1.2.3".to_owned(), Sha256::of(b"package = []\n"));
        let record = DistRecord { schema, version, commit: None, rustc, zig, cargo_zigbuild, lock, executables };
        write(&root.join("dist").join(DistRecord::FILE), &record.to_canonical_json()).unwrap();
        write(&root.join("LICENSE"), b"Apache").unwrap();
        write(&root.join("Cargo.lock"), b"package = []\n").unwrap();

        run(&root, &out).unwrap();
        let status = |program: &str, arguments: &[&str]| {
            Command::new(program).args(arguments).current_dir(&out).output().unwrap()
        };
        assert!(status("sha256sum", &["--check", "--strict", SHA256SUMS]).status.success());
        let listed = status("tar", &["-tvf", "vaccel-ci-1.2.3-x86_64.tar.gz"]).stdout;
        let listed = String::from_utf8(listed).unwrap();
        let words: Vec<_> = listed.lines().map(|line| line.split_whitespace().collect::<Vec<_>>()).collect();
        let files: Vec<_> = words.iter().map(|words| format!("{} {}", words[0], words[5..].join(" "))).collect();
        let expected = [
            "-rw-r--r-- vaccel-ci-1.2.3-x86_64/LICENSE",
            "-rwxr-xr-x vaccel-ci-1.2.3-x86_64/vaccel-plan",
            "-rwxr-xr-x vaccel-ci-1.2.3-x86_64/vaccel-upload",
            "lrwxr-xr-x vaccel-ci-1.2.3-x86_64/vaccel-fetch -> vaccel-upload",
        ];
        assert_eq!(files, expected);
        assert!(out.join("vaccel-ci-1.2.3.spdx.json").exists());
        assert!(out.join("vaccel-ci-1.2.3-armv7l.tar.gz").exists());
        assert!(!out.join("vaccel-ci-1.2.3-aarch64.tar.gz").exists());

        let before = std::fs::read(out.join(SHA256SUMS)).unwrap();
        run(&root, &out).unwrap();
        assert_eq!(std::fs::read(out.join(SHA256SUMS)).unwrap(), before, "the second time gives other bytes");
    }
}
