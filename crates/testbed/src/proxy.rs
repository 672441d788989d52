// SPDX-License-Identifier: Apache-2.0
//! An HTTP proxy on loopback that a test puts between a client and the S3 server: it counts
//! requests, and does to them what the test wants.

use anyhow::{Context, Result};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

/// A request of the client, whole.
pub struct Request {
    /// Which one it is, from 0.
    pub number: u32,
    /// Request line and headers, without the empty line.
    pub head: String,
    /// The body.
    pub body: Vec<u8>,
    upstream: Arc<str>,
}

/// A running proxy; it stays until the process ends.
pub struct Proxy {
    endpoint: String,
    requests: Arc<AtomicU32>,
}

impl Proxy {
    /// Starts a proxy before the server at this endpoint (`http://host:port`). `answer` makes the
    /// answer to each request, usually by [`Request::forward`]; after it, or an error, the
    /// connection is closed.
    pub fn start(
        upstream: &str,
        answer: impl Fn(&mut Request) -> Result<Vec<u8>> + Send + Sync + 'static,
    ) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").context("no free port")?;
        let endpoint = format!("http://{}", listener.local_addr().context("no free port")?);
        let (requests, answer) = (Arc::new(AtomicU32::default()), Arc::new(answer));
        let proxy = Self { endpoint, requests: requests.clone() };
        let upstream: Arc<str> = upstream.trim_start_matches("http://").into();
        std::thread::spawn(move || {
            for mut client in listener.incoming().flatten() {
                let (requests, answer, upstream) = (requests.clone(), answer.clone(), upstream.clone());
                std::thread::spawn(move || {
                    // A client that goes away is no failure of ours.
                    let served = Request::read(&client, upstream, &requests).and_then(|mut request| {
                        let answer = answer(&mut request)?;
                        Ok(client.write_all(&answer)?)
                    });
                    drop(served);
                    let _ = client.shutdown(Shutdown::Both);
                });
            }
        });
        Ok(proxy)
    }

    /// Where it listens, `http://127.0.0.1:<port>`.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// How many requests came so far.
    pub fn requests(&self) -> u32 {
        self.requests.load(Ordering::SeqCst)
    }
}

impl Request {
    fn read(client: &TcpStream, upstream: Arc<str>, requests: &AtomicU32) -> Result<Self> {
        let (mut reader, mut head) = (BufReader::new(client), String::new());
        while !head.ends_with("\r\n\r\n") {
            if reader.read_line(&mut head)? == 0 {
                anyhow::bail!("the connection ended within a request");
            }
        }
        let number = requests.fetch_add(1, Ordering::SeqCst);
        let mut request = Self { number, head: head.trim_end().to_owned(), body: Vec::new(), upstream };
        if request.header("expect").is_some() {
            (&*client).write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?;
        }
        let length = request.header("content-length").map_or(Ok(0), str::parse)?;
        request.body = vec![0; length];
        reader.read_exact(&mut request.body)?;
        Ok(request)
    }

    /// The method.
    pub fn method(&self) -> &str {
        self.head.split(' ').next().unwrap_or_default()
    }

    /// Path and query as they were sent.
    pub fn target(&self) -> &str {
        self.head.split(' ').nth(1).unwrap_or_default()
    }

    /// A header's value.
    pub fn header(&self, name: &str) -> Option<&str> {
        let headers = self.head.lines().filter_map(|line| line.split_once(':'));
        headers.filter(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim()).next()
    }

    /// Sends the server so many bytes of the request, and then breaks the connection off.
    pub fn break_off(&self, length: usize) -> Result<()> {
        let mut bytes = format!("{}\r\n\r\n", self.head).into_bytes();
        bytes.extend_from_slice(&self.body);
        bytes.truncate(length);
        TcpStream::connect(&*self.upstream)?.write_all(&bytes)?;
        Ok(())
    }

    /// How many bytes it has, with its head.
    pub fn length(&self) -> usize {
        self.head.len() + "\r\n\r\n".len() + self.body.len()
    }

    /// The server's whole answer.
    pub fn forward(&self) -> Result<Vec<u8>> {
        let mut upstream = TcpStream::connect(&*self.upstream)?;
        upstream.write_all(format!("{}\r\nConnection: close\r\n\r\n", self.head).as_bytes())?;
        upstream.write_all(&self.body)?;
        let mut response = Vec::new();
        upstream.read_to_end(&mut response)?;
        Ok(response)
    }
}

/// An answer without a body; `headers` are whole lines, each with its end.
pub fn status(status: u16, headers: &str) -> Vec<u8> {
    format!("HTTP/1.1 {status} Status\r\n{headers}Content-Length: 0\r\nConnection: close\r\n\r\n").into_bytes()
}
