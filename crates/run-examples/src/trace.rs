// SPDX-License-Identifier: Apache-2.0
//! Examples of a script that only traces what it does (`set -x`): its commands that run programs of
//! the install tree.
//!
//! `PS4` makes the shell begin each line of its trace with the exit status of the command before
//! and the options in force. Where it does not, because the script has a `PS4` of its own, only the
//! end of the script tells whether its last example failed.

use crate::normal::{Folders, Spoken};
use crate::recorder::{Ending, Example, TAIL_LINES, shortened};
use artifact::Outcome;
use std::collections::{HashSet, VecDeque};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// What `PS4` is for scripts. The shell repeats the first character by nesting.
pub const PS4: &str = "+[$?,$-] ";

/// More commands than this are not told one by one.
const MOST: usize = 1000;
/// How much of a command becomes its name, in characters.
const NAME_LENGTH: usize = 100;
/// The parts of a pipeline follow each other faster than an example ends.
const AT_ONCE: Duration = Duration::from_millis(5);

/// Programs that start the one that is meant.
const WRAPPERS: [&str; 14] = [
    "command", "env", "exec", "gdb", "ltrace", "nice", "numactl", "stdbuf", "strace", "sudo", "taskset", "time",
    "timeout", "valgrind",
];

/// Listens to a trace.
#[derive(Debug)]
pub struct Tracer {
    source: PathBuf,
    tree: PathBuf,
    programs: HashSet<String>,
    folders: Folders,
    examples: Vec<Example>,
    open: Option<Open>,
}

/// A command that runs.
#[derive(Debug)]
struct Open {
    name: String,
    since: Instant,
    /// The status that was told when it began.
    before: Option<i32>,
    output: VecDeque<String>,
    spoken: Spoken,
}

/// A line of a trace.
#[derive(Debug, PartialEq, Eq)]
struct Line<'a> {
    status: Option<i32>,
    /// Whether the shell ends with the first failure.
    strict: bool,
    command: &'a str,
}

impl Tracer {
    /// For a script in this source tree, with these folders of programs in the install tree.
    pub fn new(source: &Path, tree: &Path, programs: &[PathBuf], folders: Folders) -> Self {
        let names = programs.iter().filter(|folder| folder.starts_with(tree));
        let names = names.filter_map(|folder| std::fs::read_dir(folder).ok()).flatten().flatten();
        Self {
            source: source.to_owned(),
            tree: tree.to_owned(),
            programs: names.filter_map(|entry| entry.file_name().into_string().ok()).collect(),
            folders,
            examples: Vec::new(),
            open: None,
        }
    }

    /// Takes a line of output.
    pub fn line(&mut self, text: &str, now: Instant) {
        let Some(line) = parse(text) else {
            if let Some(open) = &mut self.open {
                if open.output.len() == TAIL_LINES {
                    open.output.pop_front();
                }
                open.output.push_back(shortened(text));
                open.spoken.line(text, &self.folders);
            }
            return;
        };
        // What a command needs for its arguments was traced before it.
        self.close(&line, now);
        if self.examples.len() < MOST
            && let Some(name) = self.example(line.command)
        {
            self.open = Some(Open {
                name,
                since: now,
                before: line.status,
                output: VecDeque::new(),
                spoken: Spoken::default(),
            });
        }
    }

    /// How many examples have ended so far.
    pub fn count(&self) -> usize {
        self.examples.len()
    }

    fn close(&mut self, next: &Line<'_>, now: Instant) {
        let Some(open) = self.open.take() else { return };
        // Then the next command is part of the same pipeline, and the status is an older one.
        let older =
            next.status == open.before && open.output.is_empty() && now.saturating_duration_since(open.since) < AT_ONCE;
        let (outcome, detail) = match next.status.filter(|status| *status != 0 && !older) {
            None => (Outcome::Pass, None),
            Some(status) if next.strict => {
                (Outcome::Pass, Some(format!("{}, which the script takes care of", Ending::Status(status))))
            }
            Some(status) => (Outcome::Fail, Some(Ending::Status(status).to_string())),
        };
        self.add(open, outcome, detail, now);
    }

    fn add(&mut self, mut open: Open, outcome: Outcome, detail: Option<String>, now: Instant) {
        let duration = now.saturating_duration_since(open.since);
        self.examples.push(Example {
            duration,
            detail,
            output: open.output.into(),
            digest: Some(open.spoken.take()),
            ..Example::new(open.name, outcome)
        });
    }

    /// The examples, if there were any; the last one ended with the script.
    pub fn finish(mut self, ending: &Ending, now: Instant) -> Vec<Example> {
        if let Some(open) = self.open.take() {
            match ending {
                Ending::Well => self.add(open, Outcome::Pass, None, now),
                other => self.add(open, Outcome::Fail, Some(other.to_string()), now),
            }
        }
        self.examples
    }

    /// The name of the example that a command is, if it runs a program of the tree.
    fn example(&self, command: &str) -> Option<String> {
        let words = words(command);
        let mut words = words.iter().map(String::as_str).skip_while(|word| is_assignment(word)).peekable();
        let first = words.peek().copied()?;
        let wraps = WRAPPERS.contains(&base(first)) || base(first).starts_with("qemu-");
        let program = if wraps {
            words.find(|word| self.is_ours(word))?
        } else {
            words.next().filter(|word| self.is_ours(word))?
        };
        let words: Vec<_> = [base(program)].into_iter().chain(words).collect();
        let name = self.folders.normalise(&shortened(&words.join(" ")));
        Some(name.chars().take(NAME_LENGTH).collect())
    }

    fn is_ours(&self, word: &str) -> bool {
        if !word.contains('/') {
            return self.programs.contains(word);
        }
        let path = self.source.join(word);
        path.is_file() && path.canonicalize().unwrap_or(path).starts_with(&self.tree)
    }
}

/// Whether a line tells of a command that the shell runs.
pub fn is_trace(line: &str) -> bool {
    parse(line).is_some()
}

/// `++[0,ehx] command`.
fn parse(text: &str) -> Option<Line<'_>> {
    let rest = text.trim_start_matches('+');
    if rest.len() == text.len() {
        return None;
    }
    if let Some(command) = rest.strip_prefix(' ') {
        return Some(Line { status: None, strict: false, command });
    }
    let (state, command) = rest.strip_prefix('[')?.split_once("] ")?;
    let (status, options) = state.split_once(',')?;
    Some(Line { status: Some(status.parse().ok()?), strict: options.contains('e'), command })
}

/// The words of a command as a trace shows it, without their quotes.
fn words(command: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut chars = command.chars();
    while let Some(c) = chars.next() {
        match c {
            '\'' | '"' => word.get_or_insert_default().extend(chars.by_ref().take_while(|next| *next != c)),
            '\\' => word.get_or_insert_default().extend(chars.next()),
            c if c.is_whitespace() => words.extend(word.take()),
            c => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    words
}

fn is_assignment(word: &str) -> bool {
    word.split_once('=')
        .is_some_and(|(name, _)| !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_'))
}

fn base(word: &str) -> &str {
    word.rsplit('/').next().unwrap_or(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn traced(lines: &str, ending: &Ending) -> String {
        let folder = tempfile::tempdir().unwrap();
        let source = folder.path().canonicalize().unwrap();
        let bin = source.join("install/usr/bin");
        std::fs::create_dir_all(&bin).unwrap();
        for name in ["hello", "count"] {
            std::fs::write(bin.join(name), "").unwrap();
        }
        let mut folders = Folders::default();
        folders.add(&source, "<source>");
        let mut tracer = Tracer::new(&source, &source.join("install/usr"), &[bin], folders);
        let mut now = Instant::now();
        for line in lines.replace("<source>", &source.display().to_string()).lines() {
            now += Duration::from_millis(if line.starts_with("+|") { 0 } else { 10 });
            tracer.line(&line.replace("+|", "+"), now);
        }
        let told = tracer.finish(ending, now).into_iter().map(|example| {
            let detail = example.detail.map_or_else(String::new, |detail| format!(": {detail}"));
            let output = example.output.join(" / ");
            format!("{:?} {} ({} ms){detail} | {output}", example.outcome, example.name, example.duration.as_millis())
        });
        told.collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn commands_of_the_tree_are_examples() {
        let lines = "+[0,hx] cd .\n+[0,hx] hello World\nHello, World!\n+[0,hx] LANG=C valgrind --quiet <source>/install/usr/bin/count 'a b' <source>/x\n\
            one\ntwo\n+[3,hx] X=1\n+[0,hx] grep hello file\nhello\n++[0,hx] ./install/usr/bin/hello inner\n+[139,hx] y=z\n+[0,hx] echo count\n";
        insta::assert_snapshot!(traced(lines, &Ending::Well), @r"
        Pass hello World (20 ms) | Hello, World!
        Fail count a b <source>/x (30 ms): ended with exit status 3 | one / two
        Fail hello inner (10 ms): ended with exit status 139: a program was killed by SIGSEGV | 
        ");
    }

    #[test]
    fn a_strict_shell_goes_on_only_after_what_it_takes_care_of() {
        let lines = "+[0,ehx] hello bad\n+[2,ehx] true\n+[0,ehx] count\nno\n";
        insta::assert_snapshot!(traced(lines, &Ending::Status(4)), @r"
        Pass hello bad (10 ms): ended with exit status 2, which the script takes care of | 
        Fail count (10 ms): ended with exit status 4 | no
        ");
    }

    #[test]
    fn without_a_status_only_the_last_one_can_fail() {
        let lines = "+ hello a\n+ hello b\n";
        insta::assert_snapshot!(traced(lines, &Ending::Otherwise("was killed by SIGABRT".into())), @r"
        Pass hello a (10 ms) | 
        Fail hello b (0 ms): was killed by SIGABRT | 
        ");
        assert_eq!(traced("+ make\n+++\nx + y\n+[a] hello\n+[1] hello\n", &Ending::Well), "");
    }

    #[test]
    fn a_pipeline_has_no_status_of_its_own() {
        let lines = "+[1,hx] hello x\n+|[1,hx] grep x\nx\n+[0,hx] true\n";
        insta::assert_snapshot!(traced(lines, &Ending::Well), @"Pass hello x (0 ms) |");
    }

    #[test]
    fn words_lose_their_quotes() {
        assert_eq!(words(r#"a 'b c'  "d"e\ f ''"#), ["a", "b c", "de f", ""]);
    }
}
