// SPDX-License-Identifier: Apache-2.0
//! The actions that speak to the registry, as one executable: TLS, HTTP and S3 are most of each,
//! and a release holds them once. The name that it is started by says which action it is.

use std::process::ExitCode;
use toolkit::Action;
use vaccel_fetch::Fetch;
use vaccel_upload::Upload;

fn main() -> ExitCode {
    toolkit::main_by_name(&[(Upload::NAME, toolkit::main::<Upload>), (Fetch::NAME, toolkit::main::<Fetch>)])
}
