// SPDX-License-Identifier: Apache-2.0
//! Where two builds of a file differ, and why as far as that can be told.

use crate::unpack::{self, Entry};
use object::{Object, ObjectSection};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::fs;
use std::io;
use std::path::Path;

/// Archives in archives are looked into so deep.
const DEPTH: usize = 6;
/// A text longer than this is shown in part.
const SHOWN: usize = 120;

/// A difference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The entry, through all archives; empty for the file itself.
    pub place: String,
    /// What differs.
    pub why: String,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.place.is_empty() { f.write_str(&self.why) } else { write!(f, "{}: {}", self.place, self.why) }
    }
}

/// Compares two files; `traces` are folders of the second build, which must not be in it.
pub fn files(name: &str, first: &Path, second: &Path, traces: &[String]) -> io::Result<Vec<Difference>> {
    let first = fs::read(first)?;
    let second = match fs::read(second) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Ok(vec![Difference { place: String::new(), why: format!("the second build made no {name}") }]);
        }
        Err(error) => return Err(error),
    };
    let mut comparison = Comparison { traces, found: Vec::new() };
    comparison.contents("", &first, &second, DEPTH)?;
    Ok(comparison.found)
}

struct Comparison<'a> {
    traces: &'a [String],
    found: Vec<Difference>,
}

impl Comparison<'_> {
    fn add(&mut self, place: &str, why: impl Into<String>) {
        self.found.push(Difference { place: place.to_owned(), why: why.into() });
    }

    fn contents(&mut self, place: &str, first: &[u8], second: &[u8], depth: usize) -> io::Result<()> {
        if first == second {
            return Ok(());
        }
        let before = self.found.len();
        if depth > 0
            && let (Some(first), Some(second)) = (unpack::entries(first)?, unpack::entries(second)?)
        {
            self.entries(place, &first, &second, depth)?;
            if self.found.len() == before {
                self.add(place, "the same entries, packed in another order or by another compressor");
            }
            return Ok(());
        }
        self.traces(place, first, second);
        match (object::File::parse(first), object::File::parse(second)) {
            (Ok(a), Ok(b)) => self.sections(place, &a, &b),
            _ => self.text(place, first, second),
        }
        Ok(())
    }

    fn entries(&mut self, place: &str, first: &[Entry], second: &[Entry], depth: usize) -> io::Result<()> {
        let by_name = |entries: &[Entry]| -> BTreeMap<String, Entry> {
            entries.iter().map(|entry| (entry.name.clone(), entry.clone())).collect()
        };
        let (first, second) = (by_name(first), by_name(second));
        let names: BTreeSet<_> = first.keys().chain(second.keys()).collect();
        for name in names {
            let inside = if place.is_empty() { name.clone() } else { format!("{place} » {name}") };
            match (first.get(name), second.get(name)) {
                (Some(a), Some(b)) => {
                    for ((what, before), (_, after)) in a.facts.iter().zip(&b.facts).filter(|(a, b)| a != b) {
                        self.add(&inside, format!("another {what}: {before} and {after}"));
                    }
                    self.contents(&inside, &a.content, &b.content, depth - 1)?;
                }
                (Some(_), None) => self.add(&inside, "not in the second build"),
                _ => self.add(&inside, "only in the second build"),
            }
        }
        Ok(())
    }

    fn traces(&mut self, place: &str, first: &[u8], second: &[u8]) {
        for trace in self.traces {
            let holds = |bytes: &[u8]| bytes.windows(trace.len()).any(|window| window == trace.as_bytes());
            if holds(second) && !holds(first) {
                self.add(place, format!("holds a path of the build ({trace})"));
            }
        }
    }

    fn sections(&mut self, place: &str, first: &object::File<'_>, second: &object::File<'_>) {
        let sections = |file: &object::File<'_>| -> BTreeMap<String, Vec<u8>> {
            file.sections()
                .filter_map(|section| Some((section.name().ok()?.to_owned(), section.data().ok()?.to_vec())))
                .collect()
        };
        let (first, second) = (sections(first), sections(second));
        if let (Some(a), Some(b)) = (first.get(".comment"), second.get(".comment"))
            && a != b
        {
            let shown = |bytes: &[u8]| String::from_utf8_lossy(bytes).replace('\0', " ").trim().to_owned();
            self.add(place, format!("another compiler: {} and {}", shown(a), shown(b)));
        }
        let names: BTreeSet<_> = first.keys().chain(second.keys()).collect();
        let different: Vec<_> = names.into_iter().filter(|name| first.get(*name) != second.get(*name)).collect();
        let listed = different.iter().map(|name| name.as_str()).collect::<Vec<_>>().join(", ");
        match different.as_slice() {
            [] => self.add(place, "the same sections, with other headers"),
            [only] if only.as_str() == ".note.gnu.build-id" => self.add(place, "another build identifier alone"),
            _ => self.add(place, format!("other sections: {listed}")),
        }
    }

    fn text(&mut self, place: &str, first: &[u8], second: &[u8]) {
        let (Ok(a), Ok(b)) = (std::str::from_utf8(first), std::str::from_utf8(second)) else {
            let at = first.iter().zip(second).take_while(|(a, b)| a == b).count();
            self.add(place, format!("other bytes from {at} on ({} and {} bytes)", first.len(), second.len()));
            return;
        };
        let lines = a.lines().zip(b.lines()).enumerate().find(|(_, (a, b))| a != b);
        match lines {
            Some((index, (a, b))) => {
                let what = if is_time(a) && is_time(b) { "another time" } else { "another text" };
                self.add(place, format!("{what} in line {}: {:?} and {:?}", index + 1, cut(a), cut(b)));
            }
            None => self.add(place, format!("{} and {} lines", a.lines().count(), b.lines().count())),
        }
    }
}

/// Whether a line has a time of day in it, `12:34`.
fn is_time(line: &str) -> bool {
    line.as_bytes()
        .windows(5)
        .any(|w| matches!(w, [a, b, b':', c, d] if [a, b, c, d].iter().all(|digit| digit.is_ascii_digit())))
}

fn cut(line: &str) -> String {
    line.chars().take(SHOWN).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::Compression;
    use flate2::write::GzEncoder;
    use std::io::Write;

    fn tar(entries: &[(&str, u32, u64, &[u8])]) -> Vec<u8> {
        let mut builder = tar::Builder::new(Vec::new());
        for (name, mode, time, content) in entries {
            let mut header = tar::Header::new_gnu();
            header.set_mode(*mode);
            header.set_mtime(*time);
            header.set_uid(0);
            header.set_gid(0);
            header.set_size(content.len() as u64);
            builder.append_data(&mut header, name, *content).unwrap();
        }
        builder.into_inner().unwrap()
    }

    fn gzip(content: &[u8], time: u32, level: Compression) -> Vec<u8> {
        let mut encoder = flate2::GzBuilder::new().mtime(time).write(Vec::new(), level);
        encoder.write_all(content).unwrap();
        GzEncoder::finish(encoder).unwrap()
    }

    fn told(first: &[u8], second: &[u8]) -> String {
        let folder = tempfile::tempdir().unwrap();
        let (a, b) = (folder.path().join("a"), folder.path().join("b"));
        fs::write(&a, first).unwrap();
        fs::write(&b, second).unwrap();
        let found = files("x", &a, &b, &["/tmp/another folder".to_owned()]).unwrap();
        found.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
    }

    #[test]
    fn differences_are_named_with_their_place_and_reason() {
        let archive = |entries: &[(&str, u32, u64, &[u8])]| gzip(&tar(entries), 0, Compression::default());
        let same: &[(&str, u32, u64, &[u8])] = &[("a", 0o644, 1, b"a"), ("b", 0o644, 1, b"b")];
        let long = vec![b'x'; 100_000];
        let cases = [
            (archive(same), archive(same), ""),
            (
                archive(same),
                archive(&[("a", 0o644, 1, b"a"), ("b", 0o644, 9, b"b")]),
                "(gzip) » b: another time: 1 and 9",
            ),
            (
                archive(same),
                archive(&[("a", 0o600, 1, b"a"), ("b", 0o644, 1, b"b")]),
                "(gzip) » a: another mode: 644 and 600",
            ),
            (archive(same), archive(&same[..1]), "(gzip) » b: not in the second build"),
            (archive(&same[..1]), archive(same), "(gzip) » b: only in the second build"),
            (
                archive(&[("a", 0o644, 1, b"built at 12:00\n")]),
                archive(&[("a", 0o644, 1, b"built at 13:00\n")]),
                "(gzip) » a: another time in line 1: \"built at 12:00\" and \"built at 13:00\"",
            ),
            (
                archive(&[("a", 0o644, 1, b"root=/src\n")]),
                archive(&[("a", 0o644, 1, b"root=/tmp/another folder/x\n")]),
                "(gzip) » a: holds a path of the build (/tmp/another folder); (gzip) » a: another text in line 1: \"root=/src\" and \"root=/tmp/another folder/x\"",
            ),
            (
                gzip(b"a", 1, Compression::default()),
                gzip(b"a", 2, Compression::default()),
                "(gzip): another time in its header: 1 and 2",
            ),
            (
                gzip(&long, 0, Compression::fast()),
                gzip(&long, 0, Compression::best()),
                "the same entries, packed in another order or by another compressor",
            ),
            (
                archive(same),
                archive(&[("b", 0o644, 1, b"b"), ("a", 0o644, 1, b"a")]),
                "(gzip): the same entries, packed in another order or by another compressor",
            ),
            (b"\xff\x00a".to_vec(), b"\xff\x00b".to_vec(), "other bytes from 2 on (3 and 3 bytes)"),
            (b"a\n".to_vec(), b"a\nb\n".to_vec(), "1 and 2 lines"),
        ];
        for (first, second, expected) in cases {
            assert_eq!(told(&first, &second), expected);
        }
    }

    #[test]
    fn sections_of_programs_are_compared() {
        let folder = tempfile::tempdir().unwrap();
        let compile = |text: &str, name: &str| {
            let source = folder.path().join("a.c");
            fs::write(&source, text).unwrap();
            let output = folder.path().join(name);
            let status = std::process::Command::new("gcc")
                .current_dir(folder.path())
                .args(["-shared", "-fPIC", "-o", name, "a.c"])
                .status()
                .unwrap();
            assert!(status.success());
            output
        };
        let (a, b) = (compile("int f(void) { return 1; }", "a"), compile("int f(void) { return 2; }", "b"));
        let found = files("x", &a, &b, &[]).unwrap();
        let told = found.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
        assert!(told.starts_with("other sections: ") && told.contains(".text"), "{told}");
        assert!(files("x", &a, &a, &[]).unwrap().is_empty());
        assert_eq!(files("x", &a, &folder.path().join("none"), &[]).unwrap()[0].why, "the second build made no x");
    }
}
