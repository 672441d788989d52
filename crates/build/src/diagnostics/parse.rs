// SPDX-License-Identifier: Apache-2.0
//! Reading one line of a compiler's, linker's or build system's output.

use std::fmt;
use std::path::Path;

/// How grave it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Severity {
    /// The build fails because of it.
    Error,
    /// The build goes on.
    Warning,
}

/// Who said it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Speaker {
    /// gcc, clang and what they call; rustc.
    Compiler,
    /// ld, gold, lld, mold.
    Linker,
    /// The build system itself.
    BuildSystem,
}

/// A place in a file, as printed.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Place {
    /// The path.
    pub file: String,
    /// The line, from 1.
    pub line: u32,
    /// The column, from 1.
    pub column: Option<u32>,
}

/// One message.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Diagnostic {
    /// How grave it is.
    pub severity: Severity,
    /// Who said it.
    pub speaker: Speaker,
    /// Where, if the message has a place.
    pub place: Option<Place>,
    /// What.
    pub message: String,
    /// The warning flag that brought it up, `-Wunused`.
    pub flag: Option<String>,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file, self.line)?;
        self.column.map_or(Ok(()), |column| write!(f, ":{column}"))
    }
}

/// As a compiler prints it: `file:line:column: error: message [flag]`.
impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(place) = &self.place {
            write!(f, "{place}: ")?;
        }
        let severity = match self.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        write!(f, "{severity}: {}", self.text())
    }
}

impl Diagnostic {
    /// The message with its flag.
    pub fn text(&self) -> String {
        match &self.flag {
            Some(flag) => format!("{} [{flag}]", self.message),
            None => self.message.clone(),
        }
    }
}

/// Programs whose messages without a place are worth telling.
const COMPILERS: [&str; 10] = ["cc", "c++", "gcc", "g++", "clang", "clang++", "cc1", "cc1plus", "lto1", "as"];
const LINKERS: [&str; 8] = ["ld", "ld.bfd", "ld.gold", "ld.lld", "lld", "rust-lld", "mold", "ld.mold"];

/// What the linker says of a symbol or a library.
const LINKER_SAYS: [&str; 4] =
    ["undefined reference to ", "multiple definition of ", "cannot find ", "undefined symbol: "];

/// Reads a build's output line by line.
#[derive(Debug, Default)]
pub struct Parser {
    /// What rustc said on the line before; its place stands on the next.
    begun: Option<Diagnostic>,
}

impl Parser {
    /// The diagnostic that a line completes, if it does.
    pub fn read(&mut self, line: &str) -> Option<Diagnostic> {
        let text = without_escapes(line);
        let text = text.trim_end();
        let begun = self.begun.take();
        if let Some(origin) = text.trim_start().strip_prefix("--> ") {
            let place = Some(place(origin)?);
            return begun.map(|diagnostic| Diagnostic { place, ..diagnostic });
        }
        let begun = from_rustc(text);
        if begun.as_ref().is_some_and(|diagnostic| diagnostic.speaker == Speaker::Linker) {
            return begun;
        }
        self.begun = begun;
        let text = without_crate(text);
        // rustc indents what the linker said.
        let text = text.trim_start();
        let text = text.strip_prefix("= note: ").unwrap_or(text);
        from_linker(text).or_else(|| from_compiler(text)).or_else(|| from_meson(text)).or_else(|| from_go(line))
    }
}

/// `error[E0425]: cannot find value`, `warning: unused variable`.
fn from_rustc(text: &str) -> Option<Diagnostic> {
    let (head, message) = text.split_once(": ")?;
    let (severity, rest) = match (head.strip_prefix("error"), head.strip_prefix("warning")) {
        (Some(rest), _) => (Severity::Error, rest),
        (None, Some(rest)) => (Severity::Warning, rest),
        (None, None) => return None,
    };
    let flag = match rest {
        "" => None,
        code => Some(code.strip_prefix('[')?.strip_suffix(']')?.to_owned()),
    };
    let linking = severity == Severity::Error && message.starts_with("linking with ");
    let speaker = if linking { Speaker::Linker } else { Speaker::Compiler };
    Some(Diagnostic { severity, speaker, place: None, message: message.to_owned(), flag })
}

/// A line of a C compiler without `warning: <crate>@<version>: `, which Cargo puts before it.
fn without_crate(text: &str) -> &str {
    let passed_on = text.strip_prefix("warning: ").and_then(|rest| rest.split_once(": "));
    passed_on.filter(|(name, _)| name.contains('@')).map_or(text, |(_, line)| line)
}

fn from_compiler(text: &str) -> Option<Diagnostic> {
    const MARKS: [(&str, Severity); 3] =
        [(": fatal error: ", Severity::Error), (": error: ", Severity::Error), (": warning: ", Severity::Warning)];
    let (at, mark, severity) =
        MARKS.iter().filter_map(|(mark, severity)| Some((text.find(mark)?, *mark, *severity))).min_by_key(|m| m.0)?;
    let (origin, message) = (&text[..at], &text[at + mark.len()..]);
    let program = origin.rsplit('/').next().unwrap_or(origin);
    let (place, speaker) = match place(origin) {
        Some(place) => (Some(place), Speaker::Compiler),
        None if severity == Severity::Error && COMPILERS.contains(&program) => (None, Speaker::Compiler),
        None if severity == Severity::Error && LINKERS.contains(&program) => (None, Speaker::Linker),
        None => return None,
    };
    let (message, flag) = split_flag(message);
    Some(Diagnostic { severity, speaker, place, message: message.to_owned(), flag })
}

/// `<file>:<line>: undefined reference to …`, with or without `ld: ` in front.
fn from_linker(text: &str) -> Option<Diagnostic> {
    let (at, _) = LINKER_SAYS.iter().filter_map(|says| Some((text.find(says)?, says))).min_by_key(|found| found.0)?;
    let (origin, message) = (text[..at].strip_suffix(": ")?, &text[at..]);
    let (program, rest) = origin.split_once(": ").unwrap_or((origin, ""));
    let spoken_by_linker = LINKERS.contains(&program.rsplit('/').next().unwrap_or(program));
    let origin = if spoken_by_linker { rest } else { origin };
    let place = place(origin);
    // A program's own text may hold these words; the linker's has a place or the linker's name.
    let in_section = origin.contains(":(.") && origin.ends_with(')');
    if !(spoken_by_linker || place.is_some() || in_section) {
        return None;
    }
    let message = match origin.split_once(":(") {
        Some((file, _)) if place.is_none() => format!("{file}: {message}"),
        _ => message.to_owned(),
    };
    Some(Diagnostic { severity: Severity::Error, speaker: Speaker::Linker, place, message, flag: None })
}

/// `meson.build:3:0: ERROR: …`, or `ERROR: …` alone.
fn from_meson(text: &str) -> Option<Diagnostic> {
    let (origin, message) = match text.split_once(": ERROR: ") {
        Some((origin, message)) => (Some(place(origin)?), message),
        None => (None, text.strip_prefix("ERROR: ")?),
    };
    // Meson counts columns from 0, everyone else from 1.
    let place = origin.map(|place| Place { column: place.column.map(|column| column + 1), ..place });
    Some(Diagnostic {
        severity: Severity::Error,
        speaker: Speaker::BuildSystem,
        place,
        message: message.to_owned(),
        flag: None,
    })
}

/// `lib/a.go:5:28: undefined: x`, at the margin: tests indent what they say.
fn from_go(text: &str) -> Option<Diagnostic> {
    let text = text.strip_prefix("vet: ").unwrap_or(text);
    let (origin, message) = text.split_once(": ")?;
    let place = place(origin).filter(|place| place.column.is_some() && !place.file.starts_with([' ', '\t']))?;
    Path::new(&place.file).extension().filter(|end| *end == "go")?;
    let (severity, speaker, message) = (Severity::Error, Speaker::Compiler, message.trim_end().to_owned());
    Some(Diagnostic { severity, speaker, place: Some(place), message, flag: None })
}

/// `file:line` or `file:line:column`.
fn place(text: &str) -> Option<Place> {
    let (rest, last) = text.rsplit_once(':')?;
    let last: u32 = last.parse().ok()?;
    let with_column = rest.rsplit_once(':').and_then(|(file, line)| Some((file, line.parse::<u32>().ok()?)));
    let (file, line, column) = match with_column {
        Some((file, line)) => (file, line, Some(last)),
        None => (rest, last, None),
    };
    (!file.is_empty() && line > 0).then(|| Place { file: file.to_owned(), line, column })
}

fn split_flag(message: &str) -> (&str, Option<String>) {
    let split = message.strip_suffix(']').and_then(|text| text.rsplit_once(" [-W"));
    match split {
        Some((message, flag)) => (message, Some(format!("-W{flag}"))),
        None => (message, None),
    }
}

/// The text without colours and links, which compilers put in for terminals.
fn without_escapes(line: &str) -> String {
    let mut text = String::with_capacity(line.len());
    let mut chars = line.chars().peekable();
    while let Some(c) = chars.next() {
        if c != '\u{1b}' {
            text.push(c);
            continue;
        }
        match chars.next() {
            Some('[') => {
                // A control sequence ends with a letter (or another final byte).
                for c in chars.by_ref() {
                    if ('\u{40}'..='\u{7e}').contains(&c) {
                        break;
                    }
                }
            }
            Some(']') => {
                // An operating-system command (a link) ends with BEL or with ESC and a backslash.
                while let Some(c) = chars.next() {
                    if c == '\u{7}' || (c == '\u{1b}' && chars.next_if_eq(&'\\').is_some()) {
                        break;
                    }
                }
            }
            _ => {}
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(line: &str) -> String {
        Parser::default().read(line).map_or_else(|| "-".to_owned(), |diagnostic| shown(&diagnostic))
    }

    fn shown(d: &Diagnostic) -> String {
        let place = d.place.as_ref().map_or_else(String::new, |p| {
            format!("{}|{}|{}: ", p.file, p.line, p.column.map_or_else(String::new, |c| c.to_string()))
        });
        let flag = d.flag.as_ref().map_or_else(String::new, |flag| format!(" <{flag}>"));
        format!("{:?} {:?} {place}{}{flag}", d.speaker, d.severity, d.message)
    }

    #[test]
    fn go_s_messages_are_recognised() {
        let lines = [
            "bad/bad_test.go:5:28: undefined: x",
            "./main.go:4:2: no required module provides package golang.org/x/image; to add it:",
            "vet: ./x_test.go:5:2: Errorf format %d has arg x of wrong type string",
            "vaccel.go:9:10: fatal error: vaccel.h: No such file or directory",
            "    lib_test.go:8:1: what a test says",
            "main.go:12: what a program logs",
            "# example.org/m",
        ];
        insta::assert_snapshot!(lines.map(told).join("\n"), @r"
        Compiler Error bad/bad_test.go|5|28: undefined: x
        Compiler Error ./main.go|4|2: no required module provides package golang.org/x/image; to add it:
        Compiler Error ./x_test.go|5|2: Errorf format %d has arg x of wrong type string
        Compiler Error vaccel.go|9|10: vaccel.h: No such file or directory
        -
        -
        -
        ");
    }

    #[test]
    fn messages_are_recognised() {
        let lines = [
            "../src/a.c:3:7: error: expected ‘;’ before ‘}’ token",
            "../src/a.c:3:7: warning: unused variable ‘x’ [-Wunused-variable]",
            "../src/a.c:3:7: error: unused variable ‘x’ [-Werror=unused-variable]",
            "../src/a.c:1:10: fatal error: nope.h: No such file or directory",
            "src/a b.c:12: warning: \"X\" redefined",
            "\u{1b}[01m\u{1b}[K../src/a.c:2:1:\u{1b}[m\u{1b}[K \u{1b}[01;35m\u{1b}[Kwarning: \u{1b}[m\u{1b}[Kx [\u{1b}]8;;https://gcc.gnu.org/\u{7}-Wy\u{1b}]8;;\u{7}]",
            "cc: error: unrecognized command-line option ‘-fnope’",
            "/usr/bin/ld: a.p/src_a.c.o: in function `f':",
            "/tmp/p/build/../src/l.c:1: undefined reference to `g'",
            "/usr/bin/ld: /tmp/p/build/../src/l.c:7: undefined reference to `g'",
            "l.c:(.text+0x9): undefined reference to `g'",
            "/usr/bin/ld: cannot find -lfoo: No such file or directory",
            "/usr/bin/ld: ../src/b.c:3: multiple definition of `f'; a.o:../src/a.c:3: first defined here",
            "ld.lld: error: undefined symbol: g",
            "src/meson.build:3:0: ERROR: Dependency \"vaccel\" not found, tried pkgconfig",
            "ERROR: Unknown option: \"nope\".",
        ];
        insta::assert_snapshot!(lines.map(told).join("\n"), @r#"
        Compiler Error ../src/a.c|3|7: expected ‘;’ before ‘}’ token
        Compiler Warning ../src/a.c|3|7: unused variable ‘x’ <-Wunused-variable>
        Compiler Error ../src/a.c|3|7: unused variable ‘x’ <-Werror=unused-variable>
        Compiler Error ../src/a.c|1|10: nope.h: No such file or directory
        Compiler Warning src/a b.c|12|: "X" redefined
        Compiler Warning ../src/a.c|2|1: x <-Wy>
        Compiler Error unrecognized command-line option ‘-fnope’
        -
        Linker Error /tmp/p/build/../src/l.c|1|: undefined reference to `g'
        Linker Error /tmp/p/build/../src/l.c|7|: undefined reference to `g'
        Linker Error l.c: undefined reference to `g'
        Linker Error cannot find -lfoo: No such file or directory
        Linker Error ../src/b.c|3|: multiple definition of `f'; a.o:../src/a.c:3: first defined here
        Linker Error undefined symbol: g
        BuildSystem Error src/meson.build|3|1: Dependency "vaccel" not found, tried pkgconfig
        BuildSystem Error Unknown option: "nope".
        "#);
    }

    /// As rustc 1.95 and Cargo print it.
    #[test]
    fn what_rustc_says_takes_two_lines() {
        let output = "\
   Compiling my-tool v0.4.0 (/p)
warning: unused variable: `y`
 --> src/lib.rs:2:9
  |
2 |     let y = 1;
  |         ^ help: if this is intentional, prefix it with an underscore: `_y`
  |
  = note: `#[warn(unused_variables)]` on by default

\u{1b}[1m\u{1b}[91merror[E0425]\u{1b}[0m: cannot find value `x` in this scope
  \u{1b}[1m\u{1b}[94m--> \u{1b}[0msrc/lib.rs:12:5
error[E0308]: mismatched types
   --> /p/src/a b.rs:120:14
    |
    | ---   ^^^ expected `u8`, found `&str`
    ::: src/other.rs:3:4
warning: `my-tool` (lib) generated 1 warning
warning: my-sys@0.1.0: c/x.c:3:7: warning: unused variable 'z' [-Wunused-variable]
error: linking with `cc` failed: exit status: 1
  |
  = note: some arguments are omitted
  = note: rust-lld: error: undefined symbol: g
          /usr/bin/ld: a.o: in function `f': a.c:(.text+0x9): undefined reference to `h'
error: could not compile `my-tool` (lib) due to 3 previous errors
 --> nowhere
";
        let mut parser = Parser::default();
        let told: Vec<_> =
            output.lines().filter_map(|line| parser.read(line)).map(|diagnostic| shown(&diagnostic)).collect();
        insta::assert_snapshot!(told.join("\n"), @r"
        Compiler Warning src/lib.rs|2|9: unused variable: `y`
        Compiler Error src/lib.rs|12|5: cannot find value `x` in this scope <E0425>
        Compiler Error /p/src/a b.rs|120|14: mismatched types <E0308>
        Compiler Warning c/x.c|3|7: unused variable 'z' <-Wunused-variable>
        Linker Error linking with `cc` failed: exit status: 1
        Linker Error undefined symbol: g
        Linker Error a.o: in function `f': a.c: undefined reference to `h'
        ");
    }

    #[test]
    fn other_lines_are_left_alone() {
        let lines = [
            "",
            "[1/5] Compiling C object m.p/src_m.c.o",
            "../src/a.c: In function ‘f’:",
            "../src/a.c:2:1: note: declared here",
            "    2 | int f(int a) { return a; }",
            "WARNING: Deprecated features used:",
            "meson.build:5: WARNING: Project does not target a minimum version",
            "example: warning: this is the program's own text",
            "collect2: error: ld returned 1 exit status",
            "we cannot find a reason",
            "::error file=a.c::spoofed",
            "error: could not compile `x`",
            " --> src/lib.rs:1:1",
        ];
        for line in lines {
            assert_eq!(told(line), "-", "{line}");
        }
    }
}
