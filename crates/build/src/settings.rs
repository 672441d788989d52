// SPDX-License-Identifier: Apache-2.0
//! The inputs after checking: absolute paths that do not get in each other's way.

use crate::dependencies::Dependencies;
use crate::section::Section;
use crate::toolchain::{Cache, Cross};
use crate::{Options, TestMode};
use artifact::{Arch, BuildType};
use std::path::{Component, Path, PathBuf};
use toolkit::{Failure, Result};

/// What is to be built, from where, into where.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The source tree.
    pub source: PathBuf,
    /// The build folder.
    pub build: PathBuf,
    /// The folder that becomes the install tree.
    pub destdir: PathBuf,
    /// Where the files will live in the end.
    pub prefix: String,
    /// Debugging and optimisation.
    pub build_type: BuildType,
    /// For which machine.
    pub arch: Arch,
    /// How, if that is not this one.
    pub cross: Option<Cross>,
    /// Options of the build system.
    pub options: Options,
    /// Fetched dependencies.
    pub dependencies: Dependencies,
    /// Whether what subprojects install is installed too.
    pub subprojects: bool,
    /// What to do with the tests.
    pub test: TestMode,
    /// Whether to measure what the tests reach.
    pub coverage: bool,
    /// What compilers are called through.
    pub cache: Cache,
    /// Parallel jobs; 0 leaves it to the build system.
    pub jobs: u32,
    /// Whether warnings are errors.
    pub werror: bool,
    /// What the repository says about its build.
    pub section: Section,
}

impl Settings {
    /// Where libraries go below the prefix. Distributions keep those of several architectures side
    /// by side below `/usr`.
    pub fn libdir(&self) -> String {
        if self.prefix == "/usr" { format!("lib/{}", self.arch.multiarch()) } else { "lib".to_owned() }
    }

    /// Refuses folders that a build would damage: the source tree must outlive it.
    pub fn check_folders(&self) -> Result<()> {
        let Self { source, build, destdir, .. } = self;
        if source.starts_with(build) {
            let message = format!("the build folder {} holds the source tree", build.display());
            return Err(Failure::input(message).help("choose a folder of its own for build-path"));
        }
        if source.starts_with(destdir) || build.starts_with(destdir) {
            let message = format!("the install tree {} would replace the source tree or the build", destdir.display());
            return Err(Failure::input(message).help("choose a folder of its own for destdir"));
        }
        Ok(())
    }

    /// For build systems that understand some options only.
    pub fn check_options(&self, backend: &str, known: &[&str]) -> Result<()> {
        match self.options.iter().find(|option| !known.contains(&option.name.as_str())) {
            None => Ok(()),
            Some(option) => Err(Failure::input(format!("{backend} has no option `{}`", option.name))
                .help(format!("there are {}", known.join(", ")))),
        }
    }

    /// For build systems that cannot measure coverage here.
    pub fn refuse_coverage(&self, backend: &str) -> Result<()> {
        if self.coverage {
            return Err(Failure::input(format!("there is no coverage report for projects built with {backend}"))
                .help("leave `coverage` out"));
        }
        Ok(())
    }

    /// For build systems whose tests do not run under valgrind here.
    pub fn refuse_valgrind(&self, backend: &str) -> Result<()> {
        if self.test == TestMode::Valgrind {
            return Err(Failure::input(format!(
                "tests of projects built with {backend} do not run under valgrind here"
            ))
            .help("set test to `run`; Meson's tests do"));
        }
        Ok(())
    }
}

/// The source tree, which must be there.
pub fn source_folder(path: &Path) -> Result<PathBuf> {
    let path = folder("source-path", path)?;
    match path.canonicalize() {
        Ok(real) if real.is_dir() => folder("source-path", &real),
        Ok(_) => Err(Failure::input(format!("the source tree {} is not a folder", path.display()))),
        Err(_) => Err(Failure::input(format!("the source tree {} does not exist", path.display()))
            .help("check the repository out first, or correct source-path")),
    }
}

/// An absolute path without `..`, fit for command lines and documents.
pub fn folder(input: &str, path: &Path) -> Result<PathBuf> {
    if path.as_os_str().is_empty() {
        return Err(Failure::input(format!("{input} is empty")));
    }
    match path.to_str() {
        Some(text) if !text.chars().any(char::is_control) => Ok(normalise(&std::path::absolute(path)?)),
        _ => Err(Failure::input(format!("{input} holds characters that no build system takes: {}", shown(path)))),
    }
}

/// The prefix: absolute, and below the root of the target machine.
pub fn prefix(path: &Path) -> Result<String> {
    let text = path.to_str().unwrap_or_default();
    let climbs = path.components().any(|component| component == Component::ParentDir);
    if !path.is_absolute() || climbs || text.chars().any(char::is_control) {
        return Err(
            Failure::input(format!("the prefix `{}` is not an absolute path", shown(path))).help("for instance /usr")
        );
    }
    Ok(normalise(path).display().to_string())
}

/// A path that may hold anything, on one line.
fn shown(path: &Path) -> String {
    crate::options::shown(&path.to_string_lossy())
}

/// The path without `.` and `..`, as written: it need not exist.
pub fn normalise(path: &Path) -> PathBuf {
    let mut normal = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => {
                normal.pop();
            }
            other => normal.push(other),
        }
    }
    normal
}

#[cfg(test)]
impl Settings {
    /// Those of a plain build, for tests.
    pub fn plain(source: &str, build: &str, destdir: &str) -> Self {
        Self {
            source: source.into(),
            build: build.into(),
            destdir: destdir.into(),
            prefix: "/usr".into(),
            build_type: BuildType::Release,
            arch: Arch::X86_64,
            cross: None,
            options: Options::default(),
            dependencies: Dependencies::default(),
            subprojects: true,
            test: TestMode::None,
            coverage: false,
            cache: Cache::Absent,
            jobs: 0,
            werror: false,
            section: Section::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_absolute_and_plain() {
        let here = std::env::current_dir().unwrap();
        assert_eq!(folder("build-path", Path::new("./a/../b/")).unwrap(), here.join("b"));
        assert_eq!(folder("build-path", Path::new("/a//b/.")).unwrap(), Path::new("/a/b"));
        assert_eq!(prefix(Path::new("/usr/")).unwrap(), "/usr");
        assert_eq!(prefix(Path::new("/")).unwrap(), "/");
    }

    #[test]
    fn paths_that_cannot_be_are_refused() {
        for path in ["", "a\nb"] {
            assert_eq!(folder("build-path", Path::new(path)).unwrap_err().status().code(), 2, "{path:?}");
        }
        for path in ["usr", "", "/usr/../..", "/u\tsr"] {
            assert_eq!(prefix(Path::new(path)).unwrap_err().status().code(), 2, "{path:?}");
        }
        assert_eq!(source_folder(Path::new("/nowhere/at/all")).unwrap_err().status().code(), 2);
        assert_eq!(source_folder(Path::new("/dev/null")).unwrap_err().status().code(), 2);
    }

    #[test]
    fn a_build_must_not_eat_its_source() {
        for (source, build, destdir) in [("/p", "/p/build", "/p/install"), ("/p", "/b", "/i"), ("/p", "/b", "/b/i")] {
            Settings::plain(source, build, destdir).check_folders().unwrap();
        }
        for (source, build, destdir) in
            [("/p", "/p", "/i"), ("/p/q", "/p", "/i"), ("/p", "/b", "/p"), ("/p", "/b", "/"), ("/p", "/i/b", "/i")]
        {
            let failure = Settings::plain(source, build, destdir).check_folders().unwrap_err();
            assert_eq!(failure.status().code(), 2, "{source} {build} {destdir}");
        }
    }
}
