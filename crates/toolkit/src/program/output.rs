// SPDX-License-Identifier: Apache-2.0
//! What is done with a program's output: shown, kept, handed on line by line, and bounded.

use super::{LineObserver, Render, Stream, TAIL_LINES};
use crate::{Runner, human};
use std::cell::Cell;
use std::collections::VecDeque;
use std::fs::File;
use std::io::Write;

/// A longer line is handed on in pieces, so that memory stays bounded.
const LINE_LIMIT: usize = 64 * 1024;

/// How much output is shown and kept, in bytes, and where the size of all of it is told.
#[derive(Clone, Copy)]
pub struct Limit<'a> {
    pub bytes: u64,
    pub size: &'a Cell<u64>,
}

/// Takes the output of one program.
pub struct Output<'a, 'b> {
    pub runner: &'a Runner,
    pub log: Option<File>,
    pub observer: Option<LineObserver<'b>>,
    pub limit: Option<Limit<'b>>,
    pub render: Option<Render>,
    /// The last lines.
    pub tail: VecDeque<String>,
    /// Lines whose ends have not come yet, of standard output and standard error.
    pub begun: [Vec<u8>; 2],
    /// How much has come.
    pub size: u64,
}

impl Output<'_, '_> {
    /// Takes what has come.
    pub fn take(&mut self, stream: Stream, bytes: &[u8]) {
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            let begun = self.begun_of(stream);
            if begun.is_empty() && piece.ends_with(b"\n") {
                self.line(stream, piece);
                continue;
            }
            begun.extend_from_slice(piece);
            if begun.ends_with(b"\n") || begun.len() >= LINE_LIMIT {
                let line = std::mem::take(begun);
                self.line(stream, &line);
            }
        }
    }

    fn begun_of(&mut self, stream: Stream) -> &mut Vec<u8> {
        let [out, err] = &mut self.begun;
        match stream {
            Stream::Out => out,
            Stream::Err => err,
        }
    }

    fn line(&mut self, stream: Stream, bytes: &[u8]) {
        let Some(render) = self.render else { return self.told(stream, bytes) };
        let observer = self.observer.take();
        let text = String::from_utf8_lossy(bytes);
        let line = text.trim_end_matches(['\n', '\r']);
        if let Some(shown) = render(line) {
            self.told(stream, format!("{shown}\n").as_bytes());
        }
        self.observer = observer;
        if let Some(observer) = &mut self.observer {
            observer(stream, line);
        }
    }

    fn told(&mut self, stream: Stream, bytes: &[u8]) {
        let before = self.size;
        self.size += bytes.len() as u64;
        match self.limit {
            Some(limit) if self.size > limit.bytes => {
                if before <= limit.bytes {
                    let shown = human::bytes(limit.bytes);
                    self.show(format!("(more than {shown} of output; the rest is not shown)\n").as_bytes());
                }
            }
            _ => self.show(bytes),
        }
        let text = String::from_utf8_lossy(bytes);
        let line = text.trim_end_matches(['\n', '\r']);
        if self.tail.len() == TAIL_LINES {
            self.tail.pop_front();
        }
        self.tail.push_back(line.to_owned());
        if let Some(observer) = &mut self.observer {
            observer(stream, line);
        }
    }

    fn show(&mut self, bytes: &[u8]) {
        self.runner.raw(bytes);
        if !bytes.ends_with(b"\n") {
            self.runner.raw(b"\n");
        }
        if let Some(log) = &mut self.log {
            // A full disk shows in the program's own work soon enough.
            let _ = log.write_all(bytes);
        }
    }

    /// Ends with what has come; gives the last lines.
    pub fn finish(mut self) -> Vec<String> {
        for stream in [Stream::Out, Stream::Err] {
            let line = std::mem::take(self.begun_of(stream));
            if !line.is_empty() {
                self.line(stream, &line);
            }
        }
        if let Some(limit) = self.limit {
            limit.size.set(self.size);
            if self.size > limit.bytes {
                let text = format!("({} of output; its last lines:)\n", human::bytes(self.size));
                self.show(text.as_bytes());
                for line in std::mem::take(&mut self.tail) {
                    self.show(format!("{line}\n").as_bytes());
                    self.tail.push_back(line);
                }
            }
        }
        self.tail.into()
    }
}
