// SPDX-License-Identifier: Apache-2.0
//! `tar.zst`: the install tree as an archive, which unpacks fastest.

use crate::archive;
use crate::compress::Zstandard;
use crate::format::{Format, Job, Product};
use toolkit::Result;

/// The format `tar.zst`.
pub struct TarZst;

impl Format for TarZst {
    fn name(&self) -> &'static str {
        "tar.zst"
    }

    fn make(&self, job: &Job<'_>) -> Result<Vec<Product>> {
        archive::make::<Zstandard>(job, self.name())
    }
}
