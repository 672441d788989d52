// SPDX-License-Identifier: Apache-2.0
//! `so`: the real shared libraries under their versioned names, to be used without unpacking.

use crate::file::place;
use crate::format::{Format, Job, Product};
use crate::tree::SharedLibrary;
use artifact::FileKind;
use std::collections::BTreeMap;
use toolkit::{Failure, Result, ResultExt};

/// The format `so`.
pub struct SharedLibraries;

impl Format for SharedLibraries {
    fn name(&self) -> &'static str {
        "so"
    }

    fn make(&self, job: &Job<'_>) -> Result<Vec<Product>> {
        let libraries = by_name(job.tree.shared_libraries())?;
        if libraries.is_empty() {
            job.runner.info("no shared library is installed, so none is staged");
        }
        let mut products = Vec::new();
        for (name, library) in libraries {
            let product = Product {
                name: name.parse().with_context(|| format!("{} cannot be staged", library.entry.path))?,
                kind: FileKind::SharedLibrary,
                purpose: "to load or link with as it is",
                soname: library.elf.soname.clone(),
            };
            let from = job.tree.root().join(&library.entry.path);
            place(&from, &job.bundle.join(name), 0o644)?;
            products.push(product);
        }
        Ok(products)
    }
}

/// The libraries by file name. In a bundle they lie side by side, so a name can stand only once.
fn by_name<'a>(libraries: impl Iterator<Item = SharedLibrary<'a>>) -> Result<BTreeMap<&'a str, SharedLibrary<'a>>> {
    let mut found: BTreeMap<&str, SharedLibrary> = BTreeMap::new();
    for library in libraries {
        if let Some(other) = found.insert(library.entry.name(), library) {
            let (one, two) = (&other.entry.path, &library.entry.path);
            return Err(Failure::work(format!("{one} and {two} are shared libraries of the same name"))
                .help("rename one of them, or leave `so` out of the formats"));
        }
    }
    Ok(found)
}
