// SPDX-License-Identifier: Apache-2.0
//! `tar.xz`: the install tree as an archive, which is smaller and slower.

use crate::archive;
use crate::compress::Xz;
use crate::format::{Format, Job, Product};
use toolkit::Result;

/// The format `tar.xz`.
pub struct TarXz;

impl Format for TarXz {
    fn name(&self) -> &'static str {
        "tar.xz"
    }

    fn make(&self, job: &Job<'_>) -> Result<Vec<Product>> {
        archive::make::<Xz>(job, self.name())
    }
}
