// SPDX-License-Identifier: Apache-2.0
//! `wheel`: the Python packages that the build made, as they are.

use crate::file::place;
use crate::format::{Format, Job, Product};
use artifact::{Arch, BuildRecord, FileKind};
use std::fs;
use std::io;
use std::path::Path;
use toolkit::{Failure, Result, ResultExt};

/// The format `wheel`.
pub struct Wheel;

impl Format for Wheel {
    fn name(&self) -> &'static str {
        "wheel"
    }

    fn needs_tree(&self) -> bool {
        false
    }

    fn make(&self, job: &Job<'_>) -> Result<Vec<Product>> {
        let build = job.build_path.ok_or_else(|| {
            Failure::input("the format `wheel` takes what the build made, and `build-path` does not say where")
                .help("give the folder that the build used in `build-path`")
        })?;
        let folder = build.join(BuildRecord::DISTRIBUTIONS);
        let names = names(&folder).with_context(|| format!("could not read {}", folder.display()))?;
        let mut products = Vec::new();
        for name in names {
            let Some((kind, purpose)) = kind(&name) else { continue };
            refuse_foreign(&name, job.subject.arch, python(&job.subject.built_by.compiler))?;
            let product = Product { name: name.parse()?, kind, purpose, soname: None };
            place(&folder.join(&name), &job.bundle.join(&name), 0o644)?;
            products.push(product);
        }
        if products.iter().all(|product| product.kind != FileKind::Wheel) {
            return Err(Failure::work(format!("no wheel is in {}", folder.display()))
                .help("build with the backend `python`, or leave `wheel` out of the formats"));
        }
        Ok(products)
    }
}

/// The names of a folder's files, sorted.
fn names(folder: &Path) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for item in fs::read_dir(folder)? {
        let item = item?;
        if item.metadata()?.is_file() {
            names.push(item.file_name().to_string_lossy().into_owned());
        }
    }
    names.sort();
    Ok(names)
}

fn kind(name: &str) -> Option<(FileKind, &'static str)> {
    if Path::new(name).extension().is_some_and(|extension| extension == "whl") {
        return Some((FileKind::Wheel, "Python wheel, to install with pip"));
    }
    name.ends_with(".tar.gz").then_some((FileKind::Source, "Python source distribution, to build with pip"))
}

/// A wheel's name ends with what it runs on, as `<interpreters>-<ABIs>-<platforms>`, each with alternatives between dots:
/// `py3-none-any`, `cp311-cp311-manylinux_2_17_aarch64.manylinux2014_aarch64`.
fn refuse_foreign(name: &str, arch: Arch, python: Option<(u32, u32)>) -> Result<()> {
    let Some(stem) = name.strip_suffix(".whl") else { return Ok(()) };
    let mut tags = stem.rsplitn(4, '-');
    let (Some(platforms), Some(abis), Some(interpreters), Some(_)) =
        (tags.next(), tags.next(), tags.next(), tags.next())
    else {
        return Err(Failure::work(format!("{name} is not a valid name of a wheel"))
            .help("a wheel's name ends with interpreter, ABI and platform, such as py3-none-any"));
    };
    // Other C libraries than glibc (musllinux) and other systems have words of their own.
    let runs = |platform: &str| {
        platform == "any"
            || platform
                .strip_suffix(&format!("_{arch}"))
                .is_some_and(|system| system == "linux" || system.starts_with("manylinux"))
    };
    if !platforms.split('.').any(runs) {
        return Err(Failure::work(format!("the wheel {name} is for {platforms}, not for {arch} with glibc"))
            .help("build it for the architecture that is staged, or leave `wheel` out of the formats"));
    }
    let Some((major, minor)) = python else { return Ok(()) };
    let is_stable = abis.split('.').any(|abi| abi == "abi3" || abi == "none");
    let fits = |interpreter: &str| {
        let number = interpreter.trim_start_matches(|c: char| c.is_ascii_alphabetic());
        let (of, from) = number.split_at(number.len().min(1));
        let from = if from.is_empty() { Some(0) } else { from.parse().ok() };
        let same_family = matches!(interpreter.strip_suffix(number), Some("py" | "cp")) && of == major.to_string();
        same_family && from.is_some_and(|from| from == minor || is_stable && from < minor)
    };
    if interpreters.split('.').any(fits) {
        return Ok(());
    }
    Err(Failure::work(format!(
        "the wheel {name} is for {interpreters} ({abis}), and the build was by Python {major}.{minor}"
    ))
    .help("empty `dist` in the build folder and build again, or leave `wheel` out of the formats"))
}

/// The version of Python that built, as the build's record has it: `CPython 3.11.2`.
fn python(compiler: &str) -> Option<(u32, u32)> {
    let mut numbers = compiler.strip_prefix("CPython ")?.split('.').map(|number| number.parse().ok());
    Some((numbers.next()??, numbers.next()??))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wheels_say_what_they_run_on() {
        let cases = [
            ("hello-0.3.0-py3-none-any.whl", Arch::Armv7l, true),
            ("hello-0.3.0-py2.py3-none-any.whl", Arch::Armv7l, true),
            ("hello-0.3.0-1-py3-none-any.whl", Arch::Armv7l, true),
            ("hello-0.3.0-cp311-cp311-linux_x86_64.whl", Arch::X86_64, true),
            ("hello-0.3.0-cp311-cp311-linux_x86_64.whl", Arch::Aarch64, false),
            ("hello-0.3.0-cp311-cp311-linux_armv7l.whl", Arch::Armv7l, true),
            ("hello-0.3.0-cp311-cp311-linux_armv6l.whl", Arch::Armv7l, false),
            ("hello-0.3.0-cp311-cp311-manylinux_2_17_aarch64.manylinux2014_aarch64.whl", Arch::Aarch64, true),
            ("hello-0.3.0-cp311-cp311-musllinux_1_2_x86_64.whl", Arch::X86_64, false),
            ("hello-0.3.0-cp311-cp311-win_amd64.whl", Arch::X86_64, false),
            ("hello-0.3.0-cp311-cp311-macosx_11_0_x86_64.whl", Arch::X86_64, false),
            // Another interpreter than the one that built it.
            ("hello-0.3.0-cp312-cp312-linux_x86_64.whl", Arch::X86_64, false),
            ("hello-0.3.0-cp39-cp39-linux_x86_64.whl", Arch::X86_64, false),
            ("hello-0.3.0-cp39-abi3-linux_x86_64.whl", Arch::X86_64, true),
            ("hello-0.3.0-cp312-abi3-linux_x86_64.whl", Arch::X86_64, false),
            ("hello-0.3.0-py39-none-any.whl", Arch::X86_64, true),
            ("hello-0.3.0-py2-none-any.whl", Arch::X86_64, false),
            ("hello-0.3.0-pp39-pypy39_pp73-linux_x86_64.whl", Arch::X86_64, false),
            ("hello.whl", Arch::X86_64, false),
            ("hello-0.3.0.tar.gz", Arch::X86_64, true),
        ];
        for (name, arch, fits) in cases {
            assert_eq!(refuse_foreign(name, arch, Some((3, 11))).is_ok(), fits, "{name} {arch}");
        }
        assert!(refuse_foreign("hello-0.3.0-cp39-cp39-linux_x86_64.whl", Arch::X86_64, None).is_ok(), "nobody knows");
    }

    #[test]
    fn the_record_knows_the_interpreter() {
        for (compiler, expected) in
            [("CPython 3.11.2", Some((3, 11))), ("CPython 3.9", Some((3, 9))), ("PyPy 7.3", None), ("gcc 12.2.0", None)]
        {
            assert_eq!(python(compiler), expected, "{compiler}");
        }
    }

    #[test]
    fn other_files_are_left_alone() {
        assert_eq!(kind("hello-0.3.0-py3-none-any.whl").unwrap().0, FileKind::Wheel);
        assert_eq!(kind("hello-0.3.0.tar.gz").unwrap().0, FileKind::Source);
        assert!(kind("build.log").is_none());
    }
}
