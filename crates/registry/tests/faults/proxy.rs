// SPDX-License-Identifier: Apache-2.0
//! Stands between a client and the server, and does to requests what networks and poor stores do.

use crate::world::{raw_client, server};
use anyhow::{Context, Result};
use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use testbed::proxy::{self, Request, status};
use testbed::s3::Server;
use tokio::runtime::Handle;

/// What is done to requests.
#[derive(Clone, Copy)]
pub enum Mode {
    /// Every fifth on average is hit by one of the faults.
    Faults,
    /// Conditions are ignored, as some stores do.
    Unconditional,
    /// What has a condition is refused with this status.
    Refusing(u16),
    /// It knows no uploads in parts, and keeps no metadata.
    Poor,
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
    inner: proxy::Proxy,
    shared: Arc<Shared>,
}

impl Deref for Proxy {
    type Target = proxy::Proxy;

    fn deref(&self) -> &proxy::Proxy {
        &self.inner
    }
}

struct Shared {
    mode: Mode,
    burst: AtomicU32,
    hit: [AtomicU32; FAULTS.len()],
    random: AtomicU32,
    handle: Handle,
}

impl Proxy {
    pub fn start(mode: Mode) -> Result<Self> {
        let shared = Arc::new(Shared {
            mode,
            burst: AtomicU32::default(),
            hit: Default::default(),
            random: AtomicU32::new(2_463_534_242),
            handle: Handle::current(),
        });
        let serving = shared.clone();
        let inner = proxy::Proxy::start(&server().endpoint(), move |request| serving.serve(request))?;
        Ok(Self { inner, shared })
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

    fn serve(&self, request: &mut Request) -> Result<Vec<u8>> {
        match self.mode {
            Mode::Refusing(code) if is_conditional(request) => Ok(status(code, "")),
            Mode::Unconditional if is_conditional(request) => {
                self.write_anyway(request)?;
                Ok(status(200, ""))
            }
            Mode::Busy(code, most) if request.number < most => Ok(refusal(code)),
            Mode::Down(most) if request.number >= most => Ok(refusal(503)),
            Mode::Poor if request.method() == "POST" && request.target().contains("uploads") => Ok(status(501, "")),
            Mode::Poor => Ok(without_metadata(request.forward()?)),
            Mode::Unconditional | Mode::Refusing(_) | Mode::Busy(..) | Mode::Down(_) => request.forward(),
            Mode::Faults => self.disturb(request),
        }
    }

    fn disturb(&self, request: &mut Request) -> Result<Vec<u8>> {
        let burst = |left: u32| left.checked_sub(1);
        if self.burst.fetch_update(Ordering::SeqCst, Ordering::SeqCst, burst).is_ok() {
            return Ok(refusal(503));
        }
        if !self.random().is_multiple_of(5) {
            return request.forward();
        }
        let fault = self.random() as usize % FAULTS.len();
        // Only TLS protects a listing; an object's bytes have their digest.
        let listing = request.target().contains("list-type");
        let fault = match FAULTS[fault] {
            "request damaged" if request.body.is_empty() => 0,
            "damaged" if listing => 3,
            _ => fault,
        };
        self.hit[fault].fetch_add(1, Ordering::SeqCst);
        let mut response = match FAULTS[fault] {
            "delay" => {
                std::thread::sleep(Duration::from_millis(300));
                request.forward()?
            }
            "closed" => return Ok(Vec::new()),
            "response dropped" => return request.forward().map(|_| Vec::new()),
            "burst of 503" => {
                self.burst.store(3, Ordering::SeqCst);
                return Ok(refusal(503));
            }
            "request damaged" => {
                self.flip(&mut request.body);
                request.forward()?
            }
            "twice" => {
                request.forward()?;
                request.forward()?
            }
            _ => request.forward()?,
        };
        let body = response.windows(4).position(|end| end == b"\r\n\r\n").map_or(response.len(), |at| at + 4);
        match FAULTS[fault] {
            "damaged" => self.flip(&mut response[body..]),
            "truncated" => response.truncate(body + (response.len() - body) / 2),
            _ => {}
        }
        Ok(response)
    }

    fn flip(&self, bytes: &mut [u8]) {
        if !bytes.is_empty() {
            let at = self.random() as usize % bytes.len();
            bytes[at] ^= 1 << (self.random() % 8);
        }
    }

    /// Writes the object without a condition. The signature covers it, so another client signs.
    fn write_anyway(&self, request: &Request) -> Result<()> {
        let path = request.target().split('?').next().unwrap_or_default();
        let key = path.strip_prefix(&format!("/{}/", Server::BUCKET)).context("another bucket")?;
        let key = percent_encoding::percent_decode_str(key).decode_utf8()?.into_owned();
        let digest = request.header("x-amz-meta-sha256").context("no digest")?;
        let put = raw_client().put_object().bucket(Server::BUCKET).key(key).metadata("sha256", digest);
        self.handle.block_on(put.body(request.body.clone().into()).send())?;
        Ok(())
    }
}

fn is_conditional(request: &Request) -> bool {
    request.header("if-none-match").is_some() || request.header("if-match").is_some()
}

/// An answer without the headers that a store keeps for us.
fn without_metadata(mut answer: Vec<u8>) -> Vec<u8> {
    let end = answer.windows(4).position(|end| end == b"\r\n\r\n").unwrap_or(answer.len());
    let body = answer.split_off(end);
    let head = String::from_utf8_lossy(&answer);
    let ours = |line: &&str| !line.to_ascii_lowercase().starts_with("x-amz-meta-");
    let mut kept = head.split("\r\n").filter(ours).collect::<Vec<_>>().join("\r\n").into_bytes();
    kept.extend_from_slice(&body);
    kept
}

fn refusal(code: u16) -> Vec<u8> {
    status(code, if code == 429 { "Retry-After: 1\r\n" } else { "" })
}
