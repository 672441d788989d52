// SPDX-License-Identifier: Apache-2.0
//! The S3 server starts, serves, and leaves nothing behind.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::net::TcpStream;
use std::time::{Duration, Instant};
use testbed::{s3, tools};

#[test]
fn a_server_lives_as_long_as_its_value() {
    let tools = tools::ensure(&|_| ()).unwrap();
    let server = s3::Server::start(&tools).unwrap();
    let address = server.endpoint().trim_start_matches("http://").to_owned();
    assert!(TcpStream::connect(&address).is_ok());
    drop(server);
    let deadline = Instant::now() + Duration::from_secs(5);
    while TcpStream::connect(&address).is_ok() {
        assert!(Instant::now() < deadline, "the server goes on");
        std::thread::sleep(Duration::from_millis(20));
    }
}
