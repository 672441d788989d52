//! Stands between a client and the server, and does to requests what networks and poor stores do.

use crate::world::{raw_client, server};
use anyhow::{Context, Result};
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use testbed::s3::Server;
use tokio::runtime::Handle;

/// What is done to requests.
#[derive(Clone, Copy)]
pub enum Mode {
    /// Nothing; they are counted.
    Pass,
    /// Every fifth on average is hit by one of the faults.
    Faults,
    /// Conditions are ignored, as some stores do.
    Unconditional,
    /// So many are refused with this status, and a second to wait.
    Busy(u16, u32),
    /// All are answered with 503 once so many have passed.
    Down(u32),
}

/// The faults; each hits about as often as the others.
const FAULTS: [&str; 8] =
    ["delay", "closed", "response dropped", "truncated", "burst of 503", "request damaged", "damaged", "twice"];

/// A running proxy; it stays until the test binary ends.
pub struct Proxy {
    pub endpoint: String,
    shared: Arc<Shared>,
}

struct Shared {
    mode: Mode,
    requests: AtomicU32,
    burst: AtomicU32,
    hit: [AtomicU32; FAULTS.len()],
    random: AtomicU32,
    handle: Handle,
}

struct Request {
    head: String,
    body: Vec<u8>,
}

impl Proxy {
    pub fn start(mode: Mode) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let endpoint = format!("http://{}", listener.local_addr()?);
        let shared = Arc::new(Shared {
            mode,
            requests: AtomicU32::default(),
            burst: AtomicU32::default(),
            hit: Default::default(),
            random: AtomicU32::new(2_463_534_242),
            handle: Handle::current(),
        });
        let proxy = Self { endpoint, shared: shared.clone() };
        std::thread::spawn(move || {
            for mut client in listener.incoming().flatten() {
                let shared = shared.clone();
                std::thread::spawn(move || {
                    // One request per connection; a client that goes away is no failure of ours.
                    let _ = shared.serve(&mut client);
                    let _ = client.shutdown(Shutdown::Both);
                });
            }
        });
        Ok(proxy)
    }

    pub fn requests(&self) -> u32 {
        self.shared.requests.load(Ordering::SeqCst)
    }

    /// How often each fault hit.
    pub fn hits(&self) -> Vec<(&'static str, u32)> {
        FAULTS.into_iter().zip(&self.shared.hit).map(|(name, count)| (name, count.load(Ordering::SeqCst))).collect()
    }
}

impl Shared {
    fn random(&self) -> u32 {
        // Xorshift: the same sequence every time, if not for the same requests.
        let next = |mut x: u32| {
            x ^= x << 13;
            x ^= x >> 17;
            x ^= x << 5;
            x
        };
        next(self.random.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |x| Some(next(x))).unwrap_or_default())
    }

    fn serve(&self, client: &mut TcpStream) -> Result<()> {
        let mut request = read_request(client)?;
        let number = self.requests.fetch_add(1, Ordering::SeqCst);
        match self.mode {
            Mode::Unconditional if request.head.to_ascii_lowercase().contains("\r\nif-none-match:") => {
                self.write_anyway(&request)?;
                client.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")?;
            }
            Mode::Busy(status, most) if number < most => refuse(client, status)?,
            Mode::Down(most) if number >= most => refuse(client, 503)?,
            Mode::Pass | Mode::Unconditional | Mode::Busy(..) | Mode::Down(_) => {
                client.write_all(&forward(&request)?)?;
            }
            Mode::Faults => self.disturb(client, &mut request)?,
        }
        Ok(())
    }

    fn disturb(&self, client: &mut TcpStream, request: &mut Request) -> Result<()> {
        let burst = |left: u32| left.checked_sub(1);
        if self.burst.fetch_update(Ordering::SeqCst, Ordering::SeqCst, burst).is_ok() {
            return refuse(client, 503);
        }
        if !self.random().is_multiple_of(5) {
            return Ok(client.write_all(&forward(request)?)?);
        }
        let fault = self.random() as usize % FAULTS.len();
        // Only TLS protects a listing; an object's bytes have their digest.
        let listing = request.head.lines().next().unwrap_or_default().contains("list-type");
        let fault = match FAULTS[fault] {
            "request damaged" if request.body.is_empty() => 0,
            "damaged" if listing => 3,
            _ => fault,
        };
        self.hit[fault].fetch_add(1, Ordering::SeqCst);
        let mut response = match FAULTS[fault] {
            "delay" => {
                std::thread::sleep(Duration::from_millis(300));
                forward(request)?
            }
            "closed" => return Ok(()),
            "response dropped" => return forward(request).map(drop),
            "burst of 503" => {
                self.burst.store(3, Ordering::SeqCst);
                return refuse(client, 503);
            }
            "request damaged" => {
                self.flip(&mut request.body);
                forward(request)?
            }
            "twice" => {
                forward(request)?;
                forward(request)?
            }
            _ => forward(request)?,
        };
        let body = response.windows(4).position(|end| end == b"\r\n\r\n").map_or(response.len(), |at| at + 4);
        match FAULTS[fault] {
            "damaged" => self.flip(&mut response[body..]),
            "truncated" => response.truncate(body + (response.len() - body) / 2),
            _ => {}
        }
        Ok(client.write_all(&response)?)
    }

    fn flip(&self, bytes: &mut [u8]) {
        if !bytes.is_empty() {
            let at = self.random() as usize % bytes.len();
            bytes[at] ^= 1 << (self.random() % 8);
        }
    }

    /// Writes the object without a condition. The signature covers it, so another client signs.
    fn write_anyway(&self, request: &Request) -> Result<()> {
        let path = request.head.split(' ').nth(1).context("no path")?.split('?').next().unwrap_or_default();
        let key = path.strip_prefix(&format!("/{}/", Server::BUCKET)).context("another bucket")?;
        let key = percent_encoding::percent_decode_str(key).decode_utf8()?.into_owned();
        let digest = header(&request.head, "x-amz-meta-sha256").context("no digest")?;
        let put = raw_client().put_object().bucket(Server::BUCKET).key(key).metadata("sha256", digest);
        self.handle.block_on(put.body(request.body.clone().into()).send())?;
        Ok(())
    }
}

fn refuse(client: &mut TcpStream, status: u16) -> Result<()> {
    let wait = if status == 429 { "Retry-After: 1\r\n" } else { "" };
    write!(client, "HTTP/1.1 {status} Busy\r\n{wait}Content-Length: 0\r\nConnection: close\r\n\r\n")?;
    Ok(())
}

fn header(head: &str, name: &str) -> Option<String> {
    let found = head.lines().filter_map(|line| line.split_once(':')).find(|(key, _)| key.eq_ignore_ascii_case(name));
    found.map(|(_, value)| value.trim().to_owned())
}

fn read_request(client: &mut TcpStream) -> Result<Request> {
    let mut bytes = Vec::new();
    let mut byte = [0];
    while !bytes.ends_with(b"\r\n\r\n") {
        client.read_exact(&mut byte)?;
        bytes.push(byte[0]);
    }
    let head = String::from_utf8(bytes)?;
    let length = header(&head, "content-length").map_or(Ok(0), |length| length.parse())?;
    let mut body = vec![0; length];
    client.read_exact(&mut body)?;
    Ok(Request { head, body })
}

/// The server's whole answer.
fn forward(request: &Request) -> Result<Vec<u8>> {
    let mut upstream = TcpStream::connect(server().endpoint().replace("http://", ""))?;
    upstream.write_all(request.head.trim_end().as_bytes())?;
    upstream.write_all(b"\r\nConnection: close\r\n\r\n")?;
    upstream.write_all(&request.body)?;
    let mut response = Vec::new();
    upstream.read_to_end(&mut response)?;
    Ok(response)
}
