// SPDX-License-Identifier: Apache-2.0
//! `tar.gz`: the install tree as an archive, which everybody can unpack.

use crate::archive;
use crate::compress::Gzip;
use crate::format::{Format, Job, Product};
use toolkit::Result;

/// The format `tar.gz`.
pub struct TarGz;

impl Format for TarGz {
    fn name(&self) -> &'static str {
        "tar.gz"
    }

    fn make(&self, job: &Job<'_>) -> Result<Vec<Product>> {
        archive::make::<Gzip>(job, self.name())
    }
}
