//! `deb`: a Debian package, built with dpkg's own tools.
//!
//! The files of the install tree go in byte for byte as they were tested: nothing is stripped or
//! compiled again. What Debian wants beside them (documentation, control files) is added.

mod changelog;
mod control;
mod copyright;
mod dependencies;
mod ldconfig;
mod shlibdeps;

use crate::file;
use crate::format::{Format, Job, Product};
use crate::tree::Kind;
use artifact::FileKind;
use md5::{Digest, Md5};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{self, Read, Write as _};
use std::os::unix::fs::symlink;
use std::path::Path;
use toolkit::{Failure, Program, Result, ResultExt, Tool};

const DPKG_DEB: Tool = Tool { program: "dpkg-deb", provided_by: "the Debian package dpkg" };

/// The format `deb`.
pub struct Deb;

impl Format for Deb {
    fn name(&self) -> &'static str {
        "deb"
    }

    fn make(&self, job: &Job<'_>) -> Result<Vec<Product>> {
        let dpkg_deb = DPKG_DEB.find()?;
        refuse_control_folder(job)?;
        let work = job.scratch.join("tree");
        let mut contents = copy_tree(job, &work)?;
        contents.add_documentation(job, &work)?;
        let depends = dependencies::find(job, &work)?;
        write_control_files(job, &work, &contents, &depends)?;
        let name = job.subject.deb_name();
        build(job, &dpkg_deb, &work, &job.bundle.join(&name))?;
        let purpose = "Debian package, to install with apt or dpkg";
        Ok(vec![Product { name: name.parse()?, kind: FileKind::Deb, purpose, soname: None }])
    }
}

/// dpkg would take the folder's content as instructions.
fn refuse_control_folder(job: &Job<'_>) -> Result<()> {
    if job.tree.holds("DEBIAN") {
        return Err(Failure::work("the install tree has a folder DEBIAN, which dpkg would take as control files"));
    }
    Ok(())
}

/// What lies in the package.
#[derive(Default)]
struct Contents {
    /// MD5 digest of each regular file by path, as Debian's tools compare them.
    digests: BTreeMap<String, String>,
    /// Disk space in KiB as Debian counts it.
    installed_size: u64,
}

impl Contents {
    fn add_file(&mut self, path: &str, digest: String, size: u64) {
        self.digests.insert(path.to_owned(), digest);
        self.installed_size += size.div_ceil(1024);
    }

    /// Folders and links count as one block.
    fn add_other(&mut self) {
        self.installed_size += 1;
    }

    /// Licence and changelog, where the tree does not bring its own.
    fn add_documentation(&mut self, job: &Job<'_>, work: &Path) -> Result<()> {
        let folder = format!("usr/share/doc/{}", job.subject.package);
        let documents = [
            (format!("{folder}/copyright"), copyright::for_subject(job)?.into_bytes()),
            (format!("{folder}/changelog.Debian.gz"), changelog::compressed(job.subject, job.metadata)?),
        ];
        for (path, content) in documents {
            if job.tree.holds(&path) {
                continue;
            }
            let target = work.join(&path);
            if let Some(folder) = target.parent() {
                file::folder(folder)?;
            }
            file::write(&target, &content)?;
            self.add_file(&path, hex(&Md5::digest(&content)), content.len() as u64);
        }
        Ok(())
    }

    fn md5sums(&self) -> String {
        self.digests.iter().fold(String::new(), |mut text, (path, digest)| {
            let _ = writeln!(text, "{digest}  {path}");
            text
        })
    }

    /// Files below `etc` are the administrator's to change.
    fn conffiles(&self) -> String {
        self.digests.keys().filter(|path| path.starts_with("etc/")).fold(String::new(), |mut text, path| {
            let _ = writeln!(text, "/{path}");
            text
        })
    }
}

/// Copies the tree to where dpkg-deb may add to it, with the modes of a package.
fn copy_tree(job: &Job<'_>, work: &Path) -> Result<Contents> {
    let mut contents = Contents::default();
    file::folder(work)?;
    for entry in job.tree.entries() {
        let (from, to) = (job.tree.root().join(&entry.path), work.join(&entry.path));
        let doing = || format!("could not copy {} for the Debian package", from.display());
        match &entry.kind {
            Kind::Folder => {
                file::folder(&to)?;
                contents.add_other();
            }
            Kind::Symlink { target } => {
                symlink(target, &to).with_context(doing)?;
                contents.add_other();
            }
            Kind::File { .. } => {
                let (digest, size) = copy_and_digest(&from, &to, entry.mode()).with_context(doing)?;
                contents.add_file(&entry.path, digest, size);
            }
        }
    }
    Ok(contents)
}

fn copy_and_digest(from: &Path, to: &Path, mode: u32) -> io::Result<(String, u64)> {
    let mut source = File::open(from)?;
    let mut target = file::create(to, mode)?;
    let mut digest = Md5::new();
    let mut buffer = vec![0u8; 128 * 1024];
    let mut size = 0;
    loop {
        let count = source.read(&mut buffer)?;
        let Some(bytes) = buffer.get(..count).filter(|bytes| !bytes.is_empty()) else { break };
        digest.update(bytes);
        target.write_all(bytes)?;
        size += count as u64;
    }
    Ok((hex(&digest.finalize()), size))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn write_control_files(job: &Job<'_>, work: &Path, contents: &Contents, depends: &[String]) -> Result<()> {
    let folder = work.join("DEBIAN");
    file::folder(&folder)?;
    let libraries = ldconfig::public_libraries(job.tree, job.subject.arch);
    let files = [
        ("control", control::render(job.subject, job.metadata, contents.installed_size, depends)),
        ("md5sums", contents.md5sums()),
        ("conffiles", contents.conffiles()),
        ("triggers", ldconfig::triggers(&libraries).to_owned()),
        ("shlibs", ldconfig::shlibs(&libraries, job.subject)),
    ];
    for (name, content) in files.into_iter().filter(|(_, content)| !content.is_empty()) {
        // `dependencies` had to put empty ones here for dpkg's tools.
        let _ = fs::remove_file(folder.join(name));
        file::write(&folder.join(name), content.as_bytes())?;
    }
    Ok(())
}

fn build(job: &Job<'_>, dpkg_deb: &Path, work: &Path, package: &Path) -> Result<()> {
    // xz, because every Debian and Ubuntu in use can unpack it.
    Program::new(dpkg_deb)
        .args(["--root-owner-group", "-Zxz", "--build"])
        .arg(work)
        .arg(package)
        .env("SOURCE_DATE_EPOCH", job.subject.time.to_string())
        .env("LC_ALL", "C")
        .capture()
        .context("dpkg-deb could not build the package")?;
    file::set_mode(package, 0o644)
}
