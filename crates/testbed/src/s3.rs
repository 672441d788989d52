//! A real S3 server, `SeaweedFS`, on loopback with throw-away credentials.

use crate::process::{Guard, Guarded};
use crate::tools::Tools;
use anyhow::{Context, Result, bail};
use serde_json::json;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::Stdio;
use std::time::{Duration, Instant};

/// How long the server may take to answer.
const START_LIMIT: Duration = Duration::from_mins(1);

/// A running server; dropping it, or the end of this process, ends it and removes its data.
pub struct Server {
    _process: Guarded,
    folder: PathBuf,
    port: u16,
    filer: u16,
    access_key: String,
    secret_key: String,
}

impl Server {
    /// The bucket that is there from the beginning.
    pub const BUCKET: &'static str = "artifacts";

    /// Starts a server that answers nobody without credentials, and waits until it does.
    pub fn start(tools: &Tools) -> Result<Self> {
        Self::start_with(tools, false)
    }

    /// Starts a server that lets everybody read, as a public store does.
    pub fn start_public(tools: &Tools) -> Result<Self> {
        Self::start_with(tools, true)
    }

    fn start_with(tools: &Tools, public: bool) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("s3-").tempdir().context("could not make a folder")?.keep();
        let (access_key, secret_key) = (random("AK")?, random("SK")?);
        let mut identities = vec![json!({
            "name": "test",
            "credentials": [{ "accessKey": access_key, "secretKey": secret_key }],
            "actions": ["Admin", "Read", "Write", "List", "Tagging"],
        })];
        if public {
            identities.push(json!({ "name": "anonymous", "actions": ["Read", "List"] }));
        }
        std::fs::write(folder.join("s3.json"), json!({ "identities": identities }).to_string())
            .context("could not write s3.json")?;
        let log = std::fs::File::create(folder.join("log")).context("could not make the log")?;
        let [master, master_grpc, volume, volume_grpc, filer, filer_grpc, port, port_grpc] = free_ports()?;
        let process = Guard::new(tools.bin("weed"))
            .scratch(&folder)
            .grace(Duration::ZERO)
            .with(|command| {
                command
                    .args(["server", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-filer", "-s3", "-volume.max=0"])
                    .args([
                        "-master.volumeSizeLimitMB=64",
                        "-volume.preStopSeconds=0",
                        "-s3.port.iceberg=0",
                        "-s3.port.lance=0",
                    ])
                    .arg(format!("-dir={}", folder.display()))
                    .arg(format!("-s3.config={}", folder.join("s3.json").display()))
                    .arg(format!("-master.port={master}"))
                    .arg(format!("-master.port.grpc={master_grpc}"))
                    .arg(format!("-volume.port={volume}"))
                    .arg(format!("-volume.port.grpc={volume_grpc}"))
                    .arg(format!("-filer.port={filer}"))
                    .arg(format!("-filer.port.grpc={filer_grpc}"))
                    .arg(format!("-s3.port={port}"))
                    .arg(format!("-s3.port.grpc={port_grpc}"))
                    .current_dir(&folder)
                    .stdout(Stdio::null())
                    .stderr(log);
            })
            .spawn()?;
        let server = Self { _process: process, folder, port, filer, access_key, secret_key };
        server
            .wait_until("the server answers", || request(port, "GET", "/healthz").is_ok_and(|status| status == 200))?;
        server.make_bucket(Self::BUCKET)?;
        Ok(server)
    }

    /// Makes another bucket.
    pub fn make_bucket(&self, name: &str) -> Result<()> {
        // A folder of the filer below /buckets is a bucket.
        let path = format!("/buckets/{name}/");
        self.wait_until("the bucket is made", || request(self.filer, "POST", &path).is_ok_and(|status| status == 201))
    }

    fn wait_until(&self, what: &str, ready: impl Fn() -> bool) -> Result<()> {
        let deadline = Instant::now() + START_LIMIT;
        while !ready() {
            if Instant::now() > deadline {
                bail!("the S3 server did not get so far that {what}; its log ends with:\n{}", self.log_tail());
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        Ok(())
    }

    fn log_tail(&self) -> String {
        let log = std::fs::read_to_string(self.folder.join("log")).unwrap_or_default();
        let lines: Vec<_> = log.lines().collect();
        lines[lines.len().saturating_sub(20)..].join("\n")
    }

    /// `http://127.0.0.1:<port>`.
    pub fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The access key.
    pub fn access_key(&self) -> &str {
        &self.access_key
    }

    /// The secret key.
    pub fn secret_key(&self) -> &str {
        &self.secret_key
    }
}

fn random(prefix: &str) -> Result<String> {
    let mut bytes = [0u8; 16];
    getrandom::fill(&mut bytes).map_err(|error| anyhow::anyhow!("no random bytes: {error}"))?;
    Ok(format!("{prefix}{:032x}", u128::from_ne_bytes(bytes)))
}

/// Ports that nobody uses at this moment.
fn free_ports<const N: usize>() -> Result<[u16; N]> {
    // All are held until all are known, so that they differ.
    let listeners: Vec<_> = (0..N)
        .map(|_| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)))
        .collect::<Result<_, _>>()
        .context("no free port")?;
    let mut ports = [0; N];
    for (port, listener) in ports.iter_mut().zip(&listeners) {
        *port = listener.local_addr().context("no free port")?.port();
    }
    Ok(ports)
}

/// The status of a request without a body.
fn request(port: u16, method: &str, path: &str) -> Result<u16> {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    write!(
        stream,
        "{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    )?;
    let mut response = String::new();
    stream.read_to_string(&mut response)?;
    response.split(' ').nth(1).and_then(|status| status.parse().ok()).context("no HTTP status")
}
