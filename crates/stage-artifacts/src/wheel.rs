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
            refuse_foreign(&name, job.subject.arch)?;
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

/// The last part of a wheel's name says what it runs on: `any`, `linux_x86_64`,
/// `manylinux_2_17_aarch64.manylinux2014_aarch64`.
fn refuse_foreign(name: &str, arch: Arch) -> Result<()> {
    let Some((_, platforms)) = name.strip_suffix(".whl").and_then(|stem| stem.rsplit_once('-')) else { return Ok(()) };
    let fits = platforms.split('.').any(|platform| platform == "any" || platform.ends_with(&format!("_{arch}")));
    if fits { Ok(()) } else { Err(Failure::work(format!("the wheel {name} is for {platforms}, not for {arch}"))) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wheels_say_what_they_run_on() {
        let cases = [
            ("hello-0.3.0-py3-none-any.whl", Arch::Armv7l, true),
            ("hello-0.3.0-cp311-cp311-linux_x86_64.whl", Arch::X86_64, true),
            ("hello-0.3.0-cp311-cp311-linux_x86_64.whl", Arch::Aarch64, false),
            ("hello-0.3.0-cp311-cp311-manylinux_2_17_aarch64.manylinux2014_aarch64.whl", Arch::Aarch64, true),
            ("hello-0.3.0-cp311-cp311-win_amd64.whl", Arch::X86_64, false),
            ("hello-0.3.0.tar.gz", Arch::X86_64, true),
        ];
        for (name, arch, fits) in cases {
            assert_eq!(refuse_foreign(name, arch).is_ok(), fits, "{name} {arch}");
        }
    }

    #[test]
    fn other_files_are_left_alone() {
        assert_eq!(kind("hello-0.3.0-py3-none-any.whl").unwrap().0, FileKind::Wheel);
        assert_eq!(kind("hello-0.3.0.tar.gz").unwrap().0, FileKind::Source);
        assert!(kind("build.log").is_none());
    }
}
