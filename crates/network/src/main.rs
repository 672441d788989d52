// SPDX-License-Identifier: Apache-2.0
//! The actions that speak to the registry, as one executable: TLS, HTTP and S3 are most of each,
//! and a release holds them once. The name that it is started by says which action it is.

use std::ffi::OsStr;
use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    let started = std::env::args_os().next().unwrap_or_default();
    match Path::new(&started).file_name().and_then(OsStr::to_str) {
        Some("vaccel-upload") => toolkit::main::<vaccel_upload::Upload>(),
        Some("vaccel-fetch") => toolkit::main::<vaccel_fetch::Fetch>(),
        _ => {
            eprintln!("error: this is vaccel-upload and vaccel-fetch; start it by one of these names");
            ExitCode::from(2)
        }
    }
}
