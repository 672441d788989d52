// SPDX-License-Identifier: Apache-2.0
//! Unified diffs: reading them, making them, and their file names.

use similar::{Algorithm, DiffTag};
use std::ffi::OsStr;
use std::ops::Range;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// What a diff does to one file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FilePatch {
    /// The file before; absent if it comes into being.
    pub old: Option<PathBuf>,
    /// The file after; absent if it goes.
    pub new: Option<PathBuf>,
    /// The changes, in order.
    pub hunks: Vec<Hunk>,
}

/// One stretch of changes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hunk {
    /// First line before, from 1; the line before it if there are none.
    pub old_start: u32,
    /// How many lines before.
    pub old_lines: u32,
    /// First line after, likewise.
    pub new_start: u32,
    /// How many lines after.
    pub new_lines: u32,
    /// The lines with their first character, without line ends: ` `, `-`, `+` or `\`.
    pub lines: Vec<Vec<u8>>,
}

/// A line that no unified diff has in this place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PatchError {
    /// What is wrong.
    pub message: String,
    /// The line.
    pub line: Vec<u8>,
}

fn error<T>(message: &str, line: &[u8]) -> Result<T, PatchError> {
    Err(PatchError { message: message.to_owned(), line: line.to_owned() })
}

/// Reads a unified diff, as diff, git and formatters write it. Lines between files are passed over
/// if they are those of git and diff; others are an error.
pub fn parse(diff: &[u8]) -> Result<Vec<FilePatch>, PatchError> {
    let mut files: Vec<FilePatch> = Vec::new();
    let mut lines = diff.split(|byte| *byte == b'\n').peekable();
    while let Some(line) = lines.next() {
        if let Some(old) = line.strip_prefix(b"--- ") {
            let Some(new) = lines.next().and_then(|line| line.strip_prefix(b"+++ ")) else {
                return error("no +++ follows", line);
            };
            let (old, new) = strip(file_name(old), file_name(new));
            files.push(FilePatch { old, new, hunks: Vec::new() });
        } else if line.starts_with(b"@@ ") {
            let Some(mut hunk) = header(line) else { return error("no header of a hunk", line) };
            let (mut old, mut new) = (0, 0);
            while let Some(next) = lines.peek() {
                let complete = old >= hunk.old_lines && new >= hunk.new_lines;
                match next.first() {
                    Some(b'\\') => {}
                    _ if complete => break,
                    Some(b'-') => old += 1,
                    Some(b'+') => new += 1,
                    // Some programs leave out the space of an empty line.
                    Some(b' ') | None => (old, new) = (old + 1, new + 1),
                    Some(_) => return error("no line of a hunk", next),
                }
                let line = if next.is_empty() { b" " } else { *next };
                hunk.lines.push(line.to_owned());
                lines.next();
            }
            if (old, new) != (hunk.old_lines, hunk.new_lines) {
                return error("a hunk has other lines than its header says", line);
            }
            match files.last_mut() {
                Some(file) => file.hunks.push(hunk),
                None => return error("a hunk of no file", line),
            }
        } else if !line.trim_ascii().is_empty() && !is_between(line) {
            return error("no unified diff", line);
        }
    }
    Ok(files)
}

/// Whether a line between two files is known to say nothing for us.
fn is_between(line: &[u8]) -> bool {
    const STARTS: [&[u8]; 14] = [
        b"diff ",
        b"index ",
        b"old mode ",
        b"new mode ",
        b"deleted file ",
        b"new file ",
        b"copy from ",
        b"copy to ",
        b"rename from ",
        b"rename to ",
        b"similarity index ",
        b"dissimilarity index ",
        b"Binary files ",
        b"Only in ",
    ];
    STARTS.iter().any(|start| line.starts_with(start))
}

/// `@@ -1,2 +3 @@ …`
fn header(line: &[u8]) -> Option<Hunk> {
    let line = std::str::from_utf8(line.get(..line.len().min(100))?).unwrap_or_else(|error| {
        // What stands behind the second @@ may be cut in a character.
        line.get(..error.valid_up_to()).and_then(|line| std::str::from_utf8(line).ok()).unwrap_or_default()
    });
    let (old, rest) = line.strip_prefix("@@ -")?.split_once(" +")?;
    let (new, _) = rest.split_once(" @@")?;
    let range = |text: &str| match text.split_once(',') {
        Some((start, count)) => Some((start.parse().ok()?, count.parse().ok()?)),
        None => Some((text.parse().ok()?, 1)),
    };
    let ((old_start, old_lines), (new_start, new_lines)) = (range(old)?, range(new)?);
    Some(Hunk { old_start, old_lines, new_start, new_lines, lines: Vec::new() })
}

/// A name without its time and quotes; `None` for `/dev/null`.
fn file_name(text: &[u8]) -> Option<Vec<u8>> {
    let text = text.strip_suffix(b"\r").unwrap_or(text);
    let name = if text.starts_with(b"\"") {
        unquote(text)
    } else {
        text.split(|byte| *byte == b'\t').next().unwrap_or(text).to_owned()
    };
    (name != b"/dev/null").then_some(name)
}

/// `a/x` and `b/x` are both `x`.
fn strip(old: Option<Vec<u8>>, new: Option<Vec<u8>>) -> (Option<PathBuf>, Option<PathBuf>) {
    let has = |name: &Option<Vec<u8>>, prefix: &[u8]| name.as_ref().is_none_or(|name| name.starts_with(prefix));
    let prefixed = has(&old, b"a/") && has(&new, b"b/");
    let path = |name: Vec<u8>| {
        let name = if prefixed { name.get(2..).unwrap_or_default() } else { &name };
        PathBuf::from(OsStr::from_bytes(name))
    };
    (old.map(path), new.map(path))
}

/// Undoes [`quote`], as far as there are quotes; what follows the closing one is passed over.
fn unquote(text: &[u8]) -> Vec<u8> {
    let mut name = Vec::new();
    let mut bytes = text.iter().copied().skip(1).peekable();
    while let Some(byte) = bytes.next() {
        if byte == b'"' {
            break;
        }
        if byte != b'\\' {
            name.push(byte);
            continue;
        }
        let Some(escaped) = bytes.next() else { break };
        name.push(match escaped {
            b'a' => 7,
            b'b' => 8,
            b't' => b'\t',
            b'n' => b'\n',
            b'v' => 11,
            b'f' => 12,
            b'r' => b'\r',
            b'0'..=b'7' => {
                let mut value = u32::from(escaped - b'0');
                for _ in 0..2 {
                    let Some(digit) = bytes.next_if(|byte| (b'0'..=b'7').contains(byte)) else { break };
                    value = value * 8 + u32::from(digit - b'0');
                }
                u8::try_from(value & 0xff).unwrap_or_default()
            }
            other => other,
        });
    }
    name
}

/// A name as `git apply` takes it, behind `a/` or `b/`: in quotes where it has unusual characters.
pub fn quote(prefix: &str, path: &Path) -> String {
    let bytes = path.as_os_str().as_bytes();
    if let Some(name) = path.to_str()
        && !bytes.iter().any(|byte| byte.is_ascii_control() || [b'"', b'\\'].contains(byte))
    {
        // A name that ends where a tab begins may hold spaces.
        let end = if name.contains(' ') { "\t" } else { "" };
        return format!("{prefix}{name}{end}");
    }
    let escaped: String = bytes
        .iter()
        .map(|byte| match byte {
            b'"' | b'\\' => format!("\\{}", char::from(*byte)),
            b' '..=b'~' => char::from(*byte).to_string(),
            _ => format!("\\{byte:03o}"),
        })
        .collect();
    format!("\"{prefix}{escaped}\"")
}

/// A unified diff of one file: the names, then the hunks.
pub fn of_file(path: &Path, hunks: &str) -> String {
    format!("--- {}\n+++ {}\n{hunks}", quote("a/", path), quote("b/", path))
}

/// Lines of one text that stand in the place of lines of another.
struct Change {
    old: Range<usize>,
    new: Range<usize>,
}

fn changes(old: &[&[u8]], new: &[&[u8]]) -> Vec<Change> {
    // Better a coarse difference than none in good time.
    let deadline = Instant::now() + Duration::from_secs(2);
    let (mut changes, mut at): (Vec<Change>, (usize, usize)) = (Vec::new(), (0, 0));
    for op in similar::capture_diff_slices_deadline(Algorithm::Myers, old, new, Some(deadline)) {
        // The indices of insertions are not always those of the lines before them; the lengths are right.
        let next = (at.0 + op.old_range().len(), at.1 + op.new_range().len());
        match changes.last_mut() {
            _ if op.tag() == DiffTag::Equal => {}
            Some(last) if (last.old.end, last.new.end) == at => (last.old.end, last.new.end) = next,
            _ => changes.push(Change { old: at.0..next.0, new: at.1..next.1 }),
        }
        at = next;
    }
    changes
}

fn number(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

fn lines_of(text: &[u8]) -> Vec<&[u8]> {
    text.split_inclusive(|byte| *byte == b'\n').collect()
}

/// A line as it stands in a diff, and what follows it where it has no end.
fn signed(sign: u8, line: &[u8]) -> Vec<Vec<u8>> {
    match line.strip_suffix(b"\n") {
        Some(text) => vec![[&[sign], text].concat()],
        None => vec![[&[sign], line].concat(), b"\\ No newline at end of file".to_vec()],
    }
}

impl FilePatch {
    /// The text that it makes of another; `None` if it does not fit.
    pub fn apply(&self, old: &[u8]) -> Option<Vec<u8>> {
        let lines = lines_of(old);
        let mut new = Vec::with_capacity(old.len());
        let mut next = 0;
        for hunk in &self.hunks {
            let start = usize::try_from(hunk.old_start).ok()?;
            let start = if hunk.old_lines == 0 { start } else { start.checked_sub(1)? };
            new.extend_from_slice(&lines.get(next..start)?.concat());
            next = start;
            for (number, line) in hunk.lines.iter().enumerate() {
                let (sign, text) = line.split_first()?;
                let is_unended = hunk.lines.get(number + 1).is_some_and(|line| line.starts_with(b"\\"));
                let text = if is_unended { text.to_owned() } else { [text, b"\n"].concat() };
                if matches!(sign, b' ' | b'-') {
                    if *lines.get(next)? != text {
                        return None;
                    }
                    next += 1;
                }
                if matches!(sign, b' ' | b'+') {
                    new.extend_from_slice(&text);
                }
            }
        }
        new.extend_from_slice(&lines.get(next..)?.concat());
        Some(new)
    }
}

impl Hunk {
    /// The differences of two texts, with some lines of context. A carriage return alone ends no line, as git sees it.
    pub fn between(old: &[u8], new: &[u8], context: usize) -> Vec<Self> {
        let (old, new) = (lines_of(old), lines_of(new));
        let changes = changes(&old, &new);
        let mut hunks = Vec::new();
        for group in changes.chunk_by(|one, next| next.old.start - one.old.end <= 2 * context) {
            let (Some(first), Some(last)) = (group.first(), group.last()) else { continue };
            let (begin, end) =
                (first.old.start.saturating_sub(context), last.old.end.saturating_add(context).min(old.len()));
            let (mut lines, mut next) = (Vec::new(), begin);
            let mut push = |sign: u8, some: Option<&[&[u8]]>| {
                lines.extend(some.unwrap_or_default().iter().flat_map(|line| signed(sign, line)));
            };
            for change in group {
                push(b' ', old.get(next..change.old.start));
                push(b'-', old.get(change.old.clone()));
                push(b'+', new.get(change.new.clone()));
                next = change.old.end;
            }
            push(b' ', old.get(next..end));
            let new_begin = first.new.start - (first.old.start - begin);
            let new_end = last.new.end + (end - last.old.end);
            let place =
                |begin: usize, end: usize| (number(if begin == end { begin } else { begin + 1 }), number(end - begin));
            let ((old_start, old_lines), (new_start, new_lines)) = (place(begin, end), place(new_begin, new_end));
            hunks.push(Self { old_start, old_lines, new_start, new_lines, lines });
        }
        hunks
    }

    /// First and last line that change, before and after: `(old, old, new, new)`. Where there are
    /// none, the lines on both sides.
    pub fn changed(&self) -> (u32, u32, u32, u32) {
        let range = |own: u8, other: u8, start: u32, count: u32| {
            let side: Vec<bool> = {
                let of_side =
                    self.lines.iter().filter(|line| line.first().is_some_and(|sign| *sign == own || *sign == b' '));
                of_side.map(|line| line.first() == Some(&own)).collect()
            };
            let at = |index: usize| start.saturating_add(u32::try_from(index).unwrap_or(u32::MAX));
            match (side.iter().position(|own| *own), side.iter().rposition(|own| *own)) {
                (Some(first), Some(last)) => (at(first), at(last)),
                _ if count == 0 => (start.max(1), start.saturating_add(1)),
                _ => {
                    let before = self.lines.iter().take_while(|line| line.first() != Some(&other));
                    let before = before.filter(|line| line.first() == Some(&b' ')).count();
                    let (after, end) = (at(before), start.saturating_add(count).saturating_sub(1));
                    (after.saturating_sub(1).max(start), after.min(end))
                }
            }
        };
        let (first, last) = range(b'-', b'+', self.old_start, self.old_lines);
        let (new_first, new_last) = range(b'+', b'-', self.new_start, self.new_lines);
        (first, last, new_first, new_last)
    }

    /// It as the only change of a text, with some lines of context; it must be of that text and without context.
    #[must_use]
    pub fn alone(&self, old: &[u8], context: usize) -> Self {
        let lines = lines_of(old);
        let count = |lines: u32| usize::try_from(lines).unwrap_or(usize::MAX);
        let begin = if self.old_lines == 0 { count(self.old_start) } else { count(self.old_start).saturating_sub(1) };
        let end = begin.saturating_add(count(self.old_lines));
        let before = lines.get(begin.saturating_sub(context)..begin).unwrap_or_default();
        let after = lines.get(end..end.saturating_add(context).min(lines.len())).unwrap_or_default();
        let around = number(before.len() + after.len());
        let (old_lines, new_lines) = (self.old_lines + around, self.new_lines + around);
        let first = number(begin - before.len());
        let start = |lines: u32| if lines == 0 { first } else { first + 1 };
        let kept = |line: &&[u8]| signed(b' ', line);
        let lines =
            before.iter().flat_map(kept).chain(self.lines.iter().cloned()).chain(after.iter().flat_map(kept)).collect();
        Self { old_start: start(old_lines), old_lines, new_start: start(new_lines), new_lines, lines }
    }

    /// It as it stands in a diff, with its header.
    pub fn to_bytes(&self) -> Vec<u8> {
        let Self { old_start, old_lines, new_start, new_lines, lines } = self;
        let mut bytes = format!("@@ -{old_start},{old_lines} +{new_start},{new_lines} @@\n").into_bytes();
        for line in lines {
            bytes.extend_from_slice(line);
            bytes.push(b'\n');
        }
        bytes
    }
}

#[cfg(test)]
mod tests;
