// SPDX-License-Identifier: Apache-2.0
//! Code scanning's fingerprint of a place, `primaryLocationLineHash`: a hash of the hundred
//! characters from the line's begin on, blanks left out, and how often the file had it before. It
//! stays the same when lines above come or go, so an alert is not told twice.

use std::collections::BTreeMap;

const WINDOW: usize = 100;
const FACTOR: u64 = 37;
/// What stands for the end of the text.
const END: u16 = u16::MAX;

/// The fingerprint of every line.
pub fn fingerprints(text: &str) -> Vec<String> {
    let mut rolling = Rolling {
        window: [0; WINDOW],
        lines: [None; WINDOW],
        first: (0..WINDOW).fold(1, |power: u64, _| power.wrapping_mul(FACTOR)),
        hash: 0,
        at: 0,
        seen: BTreeMap::new(),
        found: Vec::new(),
    };
    let (mut is_start, mut after_return) = (true, false);
    for unit in text.encode_utf16().chain([END]) {
        let is_feed = unit == u16::from(b'\n');
        if unit == u16::from(b' ') || unit == u16::from(b'\t') || (after_return && is_feed) {
            after_return = false;
            continue;
        }
        after_return = unit == u16::from(b'\r');
        let unit = if after_return { u16::from(b'\n') } else { unit };
        rolling.step(unit, is_start);
        is_start = unit == u16::from(b'\n');
    }
    for _ in 0..WINDOW {
        rolling.step(0, false);
    }
    rolling.found
}

struct Rolling {
    window: [u16; WINDOW],
    /// Whether a line begins at a character of the window.
    lines: [Option<()>; WINDOW],
    first: u64,
    hash: u64,
    at: usize,
    seen: BTreeMap<u64, usize>,
    found: Vec<String>,
}

impl Rolling {
    /// Takes a character, and gives out the fingerprint of the line that leaves the window.
    fn step(&mut self, unit: u16, begins_line: bool) {
        let Some((slot, line)) = self.window.get_mut(self.at).zip(self.lines.get_mut(self.at)) else { return };
        if line.take().is_some() {
            let count = self.seen.entry(self.hash).or_default();
            *count += 1;
            self.found.push(format!("{:x}:{count}", self.hash));
        }
        *line = begins_line.then_some(());
        let leaving = std::mem::replace(slot, unit);
        let rolled = FACTOR.wrapping_mul(self.hash).wrapping_add(u64::from(unit));
        self.hash = rolled.wrapping_sub(self.first.wrapping_mul(u64::from(leaving)));
        self.at = (self.at + 1) % WINDOW;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_are_those_of_code_scanning() {
        // Known pairs of github/codeql-action.
        let ended = [
            "e9496ae3ebfced30:1",
            "fb7c023a8b9ccb3f:1",
            "ce8ba1a563dcdaca:1",
            "e20e36e16fcb0cc8:1",
            "b3edc88f2938467e:1",
            "c8e28b0b4002a3a0:1",
            "c129715d7a2bc9a3:1",
        ];
        let cases: [(&str, &[&str]); 5] = [
            ("", &["c129715d7a2bc9a3:1"]),
            (
                " a\nb\n  \t\tc\n d",
                &["271789c17abda88f:1", "54703d4cd895b18:1", "180aee12dab6264:1", "a23a3dc5e078b07b:1"],
            ),
            (" hello; \t\nworld!!!\n\n\n  \t\tGreetings\n End\n", &ended),
            (" hello; \t\nworld!!!\r\r\r  \t\tGreetings\r End\r", &ended),
            (" hello; \t\r\nworld!!!\r\n\r\n\r\n  \t\tGreetings\r\n End\r\n", &ended),
        ];
        for (text, expected) in cases {
            assert_eq!(fingerprints(text), expected, "{text:?}");
        }
    }

    #[test]
    fn a_line_keeps_its_own_when_lines_above_come() {
        let text = format!("{}\nneedle\n{}", "x".repeat(200), "tail\n".repeat(40));
        let more = format!("new\nnew\n{text}");
        let (before, after) = (fingerprints(&text), fingerprints(&more));
        assert_eq!(before[1], after[3]);
        assert!(before.iter().any(|print| print.ends_with(":2")), "{before:?}");
    }
}
