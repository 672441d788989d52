// SPDX-License-Identifier: Apache-2.0
//! `s3`: a local S3 server, until it is interrupted.

use anyhow::Result;
use testbed::s3::Server;

/// Starts the server and prints how to reach it.
pub fn run() -> Result<()> {
    let tools = testbed::tools::ensure(&|line| eprintln!("{line}"))?;
    let server = Server::start_public(&tools)?;
    println!("export S3_ENDPOINT={}", server.endpoint());
    println!("export S3_BUCKET={}", Server::BUCKET);
    println!("export AWS_ACCESS_KEY_ID={}", server.access_key());
    println!("export AWS_SECRET_ACCESS_KEY={}", server.secret_key());
    eprintln!("everybody may read; Ctrl-C ends it and removes what it holds");
    loop {
        std::thread::park();
    }
}
