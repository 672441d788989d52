// SPDX-License-Identifier: Apache-2.0
//! A real S3 server, `SeaweedFS`, on loopback with throw-away credentials.

use crate::process::Guarded;
use crate::tools::Tools;
use anyhow::{Context, Result, bail};
use serde_json::json;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// How long the server may take to answer.
const START_LIMIT: Duration = Duration::from_mins(1);
/// How long to wait before asking again.
const PAUSE: Duration = Duration::from_millis(50);
/// How often a start is tried: another program may take a port before the server does.
const ATTEMPTS: usize = 3;
/// What the server would listen to or send to besides S3: it is alone, and tells nobody of us.
const ALONE: [&str; 4] = ["-master.peers=none", "-master.telemetry=false", "-s3.port.iceberg=0", "-s3.port.lance=0"];
/// Its listeners.
const LISTENERS: [&str; 8] = [
    "master.port",
    "master.port.grpc",
    "volume.port",
    "volume.port.grpc",
    "filer.port",
    "filer.port.grpc",
    "s3.port",
    "s3.port.grpc",
];

/// A running server; dropping it, or the end of this process, ends it and removes its data.
pub struct Server {
    process: Guarded,
    folder: PathBuf,
    port: u16,
    https: u16,
    filer: u16,
    access_key: String,
    secret_key: String,
}

/// The server that the tests of one executable share; it answers nobody without credentials.
///
/// # Panics
/// If it cannot be started.
pub fn shared() -> &'static Server {
    static SERVER: OnceLock<Server> = OnceLock::new();
    SERVER.get_or_init(|| {
        let server = crate::tools::ensure(&|_| ()).and_then(|tools| Server::start(&tools));
        server.unwrap_or_else(|error| panic!("no S3 server: {error:#}"))
    })
}

impl Server {
    /// The bucket that is there from the beginning.
    pub const BUCKET: &'static str = "artifacts";

    /// Starts a server that answers nobody without credentials, and waits until it does.
    pub fn start(tools: &Tools) -> Result<Self> {
        Self::start_with(tools, false, None)
    }

    /// Starts a server that speaks TLS, too, with this certificate and its key, which are PEM.
    pub fn start_tls(tools: &Tools, certificate: &Path, key: &Path) -> Result<Self> {
        Self::start_with(tools, false, Some((certificate, key)))
    }

    /// Starts a server that lets everybody read, as a public store does.
    pub fn start_public(tools: &Tools) -> Result<Self> {
        Self::start_with(tools, true, None)
    }

    fn start_with(tools: &Tools, public: bool, tls: Option<(&Path, &Path)>) -> Result<Self> {
        for _ in 1..ATTEMPTS {
            let mut server = Self::spawn(tools, public, tls)?;
            if server.become_ready().is_ok() {
                return Ok(server);
            }
            if server.process.is_running()? {
                break;
            }
        }
        let mut server = Self::spawn(tools, public, tls)?;
        server.become_ready()?;
        Ok(server)
    }

    fn spawn(tools: &Tools, public: bool, tls: Option<(&Path, &Path)>) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("s3-").tempdir().context("could not make a folder")?.keep();
        let (access_key, secret_key) = (format!("AK{}", crate::random()?), format!("SK{}", crate::random()?));
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
        let ports = free_ports::<{ LISTENERS.len() }>()?;
        let [_, _, _, _, filer, _, port, _] = ports;
        let [https] = free_ports()?;
        let mut scratch = vec![folder.clone()];
        scratch.extend(ports.iter().flat_map(|port| sockets(*port)));
        // It takes long to end when asked to, and there is nothing to save.
        let process = Guarded::spawn(&tools.bin("weed"), Duration::ZERO, &scratch, |command| {
            command
                .args(["server", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-filer", "-s3", "-volume.max=0"])
                .arg("-master.volumeSizeLimitMB=64")
                .args(ALONE)
                .arg(format!("-dir={}", folder.display()))
                .arg(format!("-s3.config={}", folder.join("s3.json").display()))
                .args(tls.into_iter().flat_map(|(certificate, key)| {
                    let given = [("cert", certificate), ("key", key)];
                    let given = given.map(|(what, file)| format!("-s3.{what}.file={}", file.display()));
                    given.into_iter().chain([format!("-s3.port.https={https}")])
                }))
                .args(LISTENERS.iter().zip(ports).map(|(listener, port)| format!("-{listener}={port}")))
                .current_dir(&folder)
                // It has logs of its own there.
                .env("TMPDIR", &folder)
                .stdout(Stdio::null())
                .stderr(log);
        })?;
        Ok(Self { process, folder, port, https, filer, access_key, secret_key })
    }

    fn become_ready(&mut self) -> Result<()> {
        let port = self.port;
        let answers = || request(port, "GET", "/healthz", b"").is_ok_and(|status| status == 200);
        let deadline = Instant::now() + START_LIMIT;
        while !answers() {
            if !self.process.is_running()? {
                bail!("the S3 server ended; its log ends with:\n{}", self.log_tail());
            }
            if Instant::now() > deadline {
                bail!("the S3 server does not answer; its log ends with:\n{}", self.log_tail());
            }
            std::thread::sleep(PAUSE);
        }
        self.make_bucket(Self::BUCKET)
    }

    /// Makes another bucket.
    pub fn make_bucket(&self, name: &str) -> Result<()> {
        // A folder of the filer below /buckets is a bucket.
        let path = format!("/buckets/{name}/");
        let deadline = Instant::now() + START_LIMIT;
        while !request(self.filer, "POST", &path, b"").is_ok_and(|status| status == 201) {
            if Instant::now() > deadline {
                bail!("the S3 server does not make the bucket {name}; its log ends with:\n{}", self.log_tail());
            }
            std::thread::sleep(PAUSE);
        }
        Ok(())
    }

    /// Puts an object into the bucket past S3, which takes less time where there are very many.
    pub fn plant(&self, key: &str, content: &[u8]) -> Result<()> {
        let status = request(self.filer, "PUT", &format!("/buckets/{}/{key}", Self::BUCKET), content)?;
        if status == 201 { Ok(()) } else { bail!("{key} was answered with {status}") }
    }

    /// Reads an object of the bucket past S3.
    pub fn read(&self, key: &str) -> Result<Vec<u8>> {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.filer))?;
        let path = format!("/buckets/{}/{key}", Self::BUCKET);
        write!(stream, "GET {path} HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n")?;
        let mut response = Vec::new();
        stream.read_to_end(&mut response)?;
        let end = response.windows(4).position(|end| end == b"\r\n\r\n").context("no HTTP response")?;
        Ok(response.split_off(end + 4))
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

    /// What an action takes as inputs to use it.
    pub fn inputs(&self) -> [(&'static str, String); 4] {
        [
            ("INPUT_ENDPOINT_URL", self.endpoint()),
            ("INPUT_BUCKET", Self::BUCKET.to_owned()),
            ("INPUT_ACCESS_KEY", self.access_key.clone()),
            ("INPUT_SECRET_KEY", self.secret_key.clone()),
        ]
    }

    /// `https://127.0.0.1:<port>`, of a server that speaks TLS.
    pub fn tls_endpoint(&self) -> String {
        format!("https://127.0.0.1:{}", self.https)
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

/// The sockets that the server makes for a port, and leaves behind.
fn sockets(port: u16) -> impl Iterator<Item = PathBuf> {
    let names = ["master-grpc", "volume-grpc", "filer", "filer-grpc", "s3", "s3-grpc"];
    names.into_iter().map(move |name| PathBuf::from(format!("/tmp/seaweedfs-{name}-{port}.sock")))
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

/// The status of a request.
fn request(port: u16, method: &str, path: &str, body: &[u8]) -> Result<u16> {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    write!(
        stream,
        "{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    )?;
    stream.write_all(body)?;
    let mut response = String::new();
    stream.read_to_string(&mut response)?;
    response.split(' ').nth(1).and_then(|status| status.parse().ok()).context("no HTTP status")
}
