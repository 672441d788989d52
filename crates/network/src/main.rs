// SPDX-License-Identifier: Apache-2.0
//! The actions that speak to the registry, as one executable: TLS, HTTP and S3 are most of each,
//! and a release holds them once. The name that it is started by says which action it is.

use std::process::ExitCode;
use toolkit::Action;
use vaccel_fetch::Fetch;
use vaccel_store::Store;
use vaccel_upload::Upload;

/// musl's allocator makes threads wait for each other, and gives large pieces back at once.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    toolkit::main_by_name(&[
        (Upload::NAME, toolkit::main::<Upload>),
        (Fetch::NAME, toolkit::main::<Fetch>),
        (Store::NAME, toolkit::main::<Store>),
    ])
}
