// SPDX-License-Identifier: Apache-2.0
//! dpkg-shlibdeps: which packages of this system bring the libraries that files need.

use super::dependencies::Needs;
use super::ldconfig::split_soname;
use crate::file;
use crate::format::Job;
use crate::tree::Kind;
use artifact::Arch;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use toolkit::{Failure, Program, Result, ResultExt, RunError, Tool};

const SHLIBDEPS: Tool = Tool { program: "dpkg-shlibdeps", provided_by: "the Debian package dpkg-dev" };

/// The packages whose libraries are needed, with the versions that suffice.
pub fn run(job: &Job<'_>, needs: &Needs<'_>, roots: &BTreeMap<String, PathBuf>) -> Result<Vec<String>> {
    if needs.files.is_empty() {
        return Ok(Vec::new());
    }
    let Ok(tool) = SHLIBDEPS.find() else {
        let message = "dpkg-shlibdeps is missing, so no dependencies are stated but what `depends` names; \
                       install the Debian package dpkg-dev to have them computed";
        job.runner.warning(message);
        return Ok(Vec::new());
    };
    let folder = job.scratch.join("shlibdeps");
    write_source_package(job, &folder)?;
    let work = &folder.join("tree");
    copy_libraries(job, work)?;
    file::write(&folder.join("shlibs.local"), local_shlibs(roots).as_bytes())?;

    let own = needs.own_folders.iter().map(|folder| work.join(folder));
    let fetched: BTreeSet<PathBuf> =
        roots.values().filter_map(|file| std::path::absolute(file.parent()?).ok()).collect();
    let foreign = (Arch::host() != Some(job.subject.arch)).then_some(job.subject.arch);
    let cross = cross_folder(job.subject.arch);
    let library_folders = own.chain(fetched).chain(cross).map(|folder| format!("-l{}", folder.display()));
    let files = needs.files.iter().map(|file| format!("-e{}", work.join(file).display()));
    let mut program = Program::new(tool)
        .dir(&folder)
        .args(["-O", "-Lshlibs.local"])
        .arg(format!("-x{}", job.subject.package))
        .args(library_folders)
        .args(files)
        .env("LC_ALL", "C");
    if let Some(arch) = foreign {
        program = program.env("DEB_HOST_ARCH", arch.debian());
    }
    let text = program.capture().map_err(|error| explain(error, work, job.subject.arch))?;
    Ok(parse(&text, foreign))
}

/// Where cross compilers have the C library of another architecture, if its own packages are not
/// installed beside those of this one.
pub fn cross_folder(arch: Arch) -> Option<PathBuf> {
    let installed = Path::new("/usr/lib").join(arch.multiarch()).join("libc.so.6");
    let folder = Path::new("/usr").join(arch.triple()).join("lib");
    (Arch::host() != Some(arch) && !installed.exists() && folder.is_dir()).then_some(folder)
}

/// A library is one of the package's own if it lies in a tree with control files; so the tool gets
/// a tree of its own.
fn copy_libraries(job: &Job<'_>, work: &Path) -> Result<()> {
    file::folder(&work.join("DEBIAN"))?;
    for entry in job.tree.entries() {
        let (from, to) = (job.tree.root().join(&entry.path), work.join(&entry.path));
        let folder = to.parent().unwrap_or(work);
        match &entry.kind {
            Kind::File { elf: Some(_), .. } => {
                file::folder(folder)?;
                file::place(&from, &to, 0o644)?;
            }
            Kind::Symlink { target } => {
                file::folder(folder)?;
                symlink(target, &to).with_context(|| format!("could not copy {}", from.display()))?;
            }
            Kind::Folder | Kind::File { elf: None, .. } => {}
        }
    }
    Ok(())
}

/// The tool insists on the beginnings of a Debian source package.
fn write_source_package(job: &Job<'_>, folder: &Path) -> Result<()> {
    let package = &job.subject.package;
    file::folder(&folder.join("debian"))?;
    let control = format!("Source: {package}\n\nPackage: {package}\nArchitecture: any\n");
    file::write(&folder.join("debian/control"), control.as_bytes())
}

/// Libraries of fetched roots are known, and their packages are named by the caller.
fn local_shlibs(roots: &BTreeMap<String, PathBuf>) -> String {
    roots.keys().filter_map(|soname| split_soname(soname)).fold(String::new(), |mut text, (name, number)| {
        let _ = writeln!(text, "{name} {number}");
        text
    })
}

/// The packages by the names that they have where they run: what a cross compiler links against comes from packages such
/// as `libc6-arm64-cross`, which stand for `libc6` of that architecture, or say `libc6:arm64`.
fn parse(text: &str, foreign: Option<Arch>) -> Vec<String> {
    let suffixes = foreign.map(|arch| [format!("-{}-cross", arch.debian()), format!(":{}", arch.debian())]);
    let fields = text.lines().filter_map(|line| line.split_once("Depends="));
    let items = fields.flat_map(|(_, items)| items.split(',')).map(str::trim).filter(|item| !item.is_empty());
    let plain = |item: &str| suffixes.iter().flatten().fold(item.to_owned(), |item, suffix| item.replace(suffix, ""));
    items.map(plain).collect()
}

/// The tool's message, in terms of the tree that the reader knows.
fn explain(error: RunError, work: &Path, arch: Arch) -> Failure {
    let work = format!("{}/", work.display());
    let lines = error.tail().iter().filter_map(|line| line.strip_prefix("dpkg-shlibdeps: error: "));
    // Each line that says this of a library, and which file needs it.
    let told = |before: &str, between: &str, after: &str| -> Vec<_> {
        let rests = lines.clone().filter_map(|line| line.strip_prefix(before)?.split_once(between));
        let of_user = |user: &str| user.split_once(after).map_or(user, |(user, _)| user).replace(&work, "");
        rests.map(|(library, user)| (library.to_owned(), of_user(user))).collect()
    };
    let nowhere = told("cannot find library ", " needed by ", " (");
    if !nowhere.is_empty() {
        return missing(&nowhere, arch);
    }
    let unknown = told("no dependency information found for ", " (used by ", ")");
    if !unknown.is_empty() {
        return unpackaged(&unknown);
    }
    let error = match error {
        RunError::Failed { program, exit, tail, .. } => {
            RunError::captured(program, exit, tail.iter().map(|line| line.replace(&work, "")).collect())
        }
        error => error,
    };
    Failure::from(error).context("could not compute the dependencies of the Debian package")
}

/// Libraries that are nowhere, each with a file that needs it.
pub fn missing(libraries: &[(String, String)], arch: Arch) -> Failure {
    let (place, package) = if Arch::host() == Some(arch) {
        (String::new(), "the package that brings it".to_owned())
    } else {
        let debian = arch.debian();
        let package = format!("the package that brings it for {debian} (the C library: libc6-{debian}-cross)");
        (format!(" for {arch}"), package)
    };
    let (needs, are) = needs(libraries);
    Failure::work(format!("{needs}, which {are} neither in the install tree nor on this system{place}"))
        .title("unresolvable library dependency")
        .help(format!("install {package}, or name the folder it was fetched to in `pkgconfig-prefix`"))
}

fn unpackaged(libraries: &[(String, String)]) -> Failure {
    Failure::work(format!("{}, which no installed Debian package brings", needs(libraries).0))
        .title("unresolvable library dependency")
        .help("install it from a package, or name its folder in `pkgconfig-prefix` and its package in `depends`")
}

/// Which file needs which library, and the verb that goes with them.
fn needs(libraries: &[(String, String)]) -> (String, &'static str) {
    let needs: Vec<_> = libraries.iter().map(|(library, user)| format!("{user} needs {library}")).collect();
    (needs.join(", "), if needs.len() == 1 { "is" } else { "are" })
}

#[cfg(test)]
mod tests {
    use super::*;
    use toolkit::Exit;

    fn failed(lines: &[&str]) -> Failure {
        let tail = lines.iter().map(|line| (*line).to_owned()).collect();
        let error = RunError::captured("dpkg-shlibdeps", Exit::Code(2), tail);
        explain(error, Path::new("/t/tree"), Arch::host().unwrap())
    }

    #[test]
    fn its_answer_becomes_a_list() {
        let cases: [(&str, Option<Arch>, &[&str]); 3] = [
            ("shlibs:Depends=libc6 (>= 2.34), libx1 | libx2\n", None, &["libc6 (>= 2.34)", "libx1 | libx2"]),
            (
                "shlibs:Depends=libc6:armhf (>= 2.36), libgcc-s1-armhf-cross (>= 3.5)\n",
                Some(Arch::Armv7l),
                &["libc6 (>= 2.36)", "libgcc-s1 (>= 3.5)"],
            ),
            ("", None, &[]),
        ];
        for (text, foreign, expected) in cases {
            assert_eq!(parse(text, foreign), expected, "{text}");
        }
    }

    #[test]
    fn its_errors_name_library_and_user() {
        insta::assert_snapshot!(failed(&[
            "dpkg-shlibdeps: error: cannot find library libnone.so.1 needed by /t/tree/usr/bin/x (ELF format: 'elf64-x86-64' abi: '0201003e00000000'; RPATH: '')",
            "dpkg-shlibdeps: error: cannot find library libtoo.so needed by /t/tree/usr/lib/liby.so (ELF format: 'elf64-x86-64' abi: '0201003e00000000'; RPATH: '')",
            "dpkg-shlibdeps: error: cannot continue due to the errors listed above",
        ]), @r"
        usr/bin/x needs libnone.so.1, usr/lib/liby.so needs libtoo.so, which are neither in the install tree nor on this system
        help: install the package that brings it, or name the folder it was fetched to in `pkgconfig-prefix`
        ");
        insta::assert_snapshot!(failed(&[
            "dpkg-shlibdeps: error: no dependency information found for /usr/local/lib/libx.so.1 (used by /t/tree/usr/bin/x)",
            "Hint: check if the library actually comes from a package.",
        ]), @r"
        usr/bin/x needs /usr/local/lib/libx.so.1, which no installed Debian package brings
        help: install it from a package, or name its folder in `pkgconfig-prefix` and its package in `depends`
        ");
        insta::assert_snapshot!(failed(&["dpkg-shlibdeps: error: objdump is missing"]), @r"
        could not compute the dependencies of the Debian package
          caused by: dpkg-shlibdeps ended with exit status 2
          caused by: dpkg-shlibdeps: error: objdump is missing
        ");
    }

    #[test]
    fn fetched_libraries_are_listed_with_their_version() {
        let roots = ["libh.so.0", "libplain.so"].map(|name| (name.to_owned(), PathBuf::new())).into();
        assert_eq!(local_shlibs(&roots), "libh 0\n");
    }
}
