// SPDX-License-Identifier: Apache-2.0
//! Damage: bytes that change, parts that vanish, repeat or come from elsewhere, and the tokens that parsers stumble over.

/// How large a case may get.
const LARGEST: usize = 256 * 1024;

/// Tokens of the formats, and numbers at the edges of types.
const TOKENS: [&[u8]; 40] = [
    b"[",
    b"]",
    b"{",
    b"}",
    b"[[",
    b"<x ",
    b"</x>",
    b"<!--",
    b"<![CDATA[",
    b"&#x110000;",
    b"\"",
    b"'",
    b"\\",
    b"\\u0000",
    b"\\ud800",
    b"\n",
    b"\r\n",
    b"\t",
    b"\0",
    b"\xff",
    b"\xc3",
    b"\xed\xa0\x80",
    b"0",
    b"-1",
    b"4294967296",
    b"18446744073709551616",
    b"-9223372036854775809",
    b"1e999",
    b"NaN",
    b"::",
    b"..",
    b"../",
    b"//",
    b"%0A",
    b"ok 1",
    b"    1..0",
    b"@@ -1,1 +1,1 @@",
    b"\xe2\x80\xae",
    b"\x1b[31m",
    b"=",
];

/// Numbers without a system behind them: splitmix64.
pub struct Random(u64);

impl Random {
    /// The same seed gives the same numbers.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next one.
    pub fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// One below `end`, or 0.
    pub fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.number() % u64::try_from(end.max(1)).unwrap_or(1)).unwrap_or(0)
    }

    fn pick<'a, T: ?Sized>(&mut self, items: &[&'a T]) -> Option<&'a T> {
        items.get(self.below(items.len())).copied()
    }
}

/// A damaged input, made of `seeds`.
pub fn mutate(seeds: &[&[u8]], random: &mut Random) -> Vec<u8> {
    let mut case = random.pick(seeds).unwrap_or_default().to_vec();
    for _ in 0..=random.below(5) {
        damage(&mut case, seeds, random);
    }
    case.truncate(LARGEST);
    case
}

fn damage(case: &mut Vec<u8>, seeds: &[&[u8]], random: &mut Random) {
    let start = random.below(case.len() + 1);
    let length = [1, 4, 32, 4096][random.below(4)];
    let end = (start + 1 + random.below(length)).min(case.len());
    match random.below(9) {
        0 => {
            if let Some(byte) = case.get_mut(start) {
                *byte ^= 1 << random.below(8);
            }
        }
        1 => {
            if let Some(byte) = case.get_mut(start) {
                *byte = [0, 1, 0x7f, 0x80, 0xff, b' ', b'9'][random.below(7)];
            }
        }
        2 => drop(case.drain(start..end.max(start))),
        3 => case.truncate(start),
        4 => insert(case, start, random.pick(&TOKENS).unwrap_or_default()),
        // A part again and again: what is not linear takes its time.
        5 => {
            let part = case.get(start..end).unwrap_or_default().to_vec();
            let times = [1, 2, 16, 1024, 16_384][random.below(5)];
            insert(case, start, &part.repeat(times.min(LARGEST / part.len().max(1))));
        }
        6 => {
            let token = random.pick(&TOKENS).unwrap_or_default();
            insert(case, start, &token.repeat([8, 512, 8192][random.below(3)]));
        }
        7 => {
            let other = random.pick(seeds).unwrap_or_default();
            let from = random.below(other.len() + 1);
            insert(case, start, other.get(from..).unwrap_or_default());
        }
        _ => {
            let digits = case.iter().enumerate().filter(|(_, byte)| byte.is_ascii_digit()).map(|(at, _)| at);
            let digits: Vec<_> = digits.take(1000).collect();
            if let Some(at) = digits.get(random.below(digits.len())) {
                let number = random.number() >> random.below(64);
                case.splice(*at..=*at, number.to_string().into_bytes());
            }
        }
    }
}

fn insert(case: &mut Vec<u8>, at: usize, part: &[u8]) {
    let part = part.get(..LARGEST).unwrap_or(part);
    case.splice(at..at, part.iter().copied());
}
