// SPDX-License-Identifier: Apache-2.0
//! The lines of a trace, and what makes shells write them so that they say how the commands before ended.

use std::path::Path;

/// What `PS4` is for every shell: exit status and options, the last process in the background, the shell, and a counter
/// that a subshell counts for itself. The shell repeats the first character by nesting.
pub const PS4: &str = "+[$?,$-,${!-},$$,$((VACCEL_CI_N=VACCEL_CI_N+1))] ";

/// The same with what bash knows besides.
const BASH_PS4: &str = "+[$?,$-,${!-},$$,$((VACCEL_CI_N=VACCEL_CI_N+1)),$BASHPID,$LINENO,${PIPESTATUS[*]}] ";

/// What bash reads before the script. It takes no `PS4` from the environment of root, and it can say more: `ERR` comes
/// exactly when nobody looks at a failure.
pub fn bash_env(events: &Path) -> String {
    let quoted = |text: &str| format!("'{}'", text.replace('\'', r"'\''"));
    let events = quoted(&events.display().to_string());
    // What a trap does must neither be traced nor touch the variables of the script.
    let trap = |signal: &str, format: &str, values: &str| {
        let action = format!("{{ printf {} {values} >>{events}; }} 2>/dev/null", quoted(format));
        format!("trap {} {signal}\n", quoted(&action))
    };
    let failure = trap(
        "ERR",
        r"%s\t%s\t%s\t%s\t%s\t%q\n",
        r#""$$" "$BASHPID" "${VACCEL_CI_N-0}" "$?" "$LINENO" "$BASH_COMMAND""#,
    );
    let exit = trap("EXIT", r"%s\texit\t%s\t%s\n", r#""$$" "$?" "${PIPESTATUS[*]}""#);
    // Other shells do not understand it.
    format!("PS4={}\nexport -n PS4\nVACCEL_CI_N=0\nset -o errtrace\n{failure}{exit}", quoted(BASH_PS4))
}

/// A line that a shell wrote about a command.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Line {
    /// How often the first character was repeated.
    pub depth: usize,
    /// What is known of the shell; nothing if its `PS4` is not ours.
    pub state: Option<State>,
    /// The command after its expansion.
    pub command: String,
    /// Whether it was written into another, and is a guess.
    pub guessed: bool,
}

/// A shell, just before a command.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct State {
    /// The exit status of the command before.
    pub status: i32,
    /// Whether the shell ends with the first failure that nobody looks at.
    pub strict: bool,
    /// The last process that it put into the background.
    pub background: Option<i32>,
    /// The shell.
    pub shell: i32,
    /// How many commands it has traced; a subshell goes on from there.
    pub count: u64,
    /// Of bash only.
    pub bash: Option<Bash>,
}

/// What only bash says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bash {
    /// The process: the shell itself, or a subshell.
    pub process: i32,
    /// The line of the script.
    pub line: u32,
    /// The exit statuses of the last pipeline.
    pub pipe: Vec<i32>,
}

/// What bash reports beside the trace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A command failed, and nobody looked at that.
    Failure(Failure),
    /// The shell ends: its last status, and those of its last pipeline.
    Exit {
        /// The shell.
        shell: i32,
        /// Its exit status.
        status: i32,
        /// The exit statuses of the last pipeline.
        pipe: Vec<i32>,
    },
}

/// A failure that nobody looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The shell.
    pub shell: i32,
    /// The process.
    pub process: i32,
    /// How many commands it had traced.
    pub count: u64,
    /// The exit status.
    pub status: i32,
    /// The line of the script.
    pub line: u32,
    /// The command as it is written.
    pub command: String,
}

/// Whether a line tells of a command that a shell runs.
pub fn is_trace(line: &str) -> bool {
    Line::parse(line).is_some()
}

impl Line {
    /// Reads `++[0,ehx,…] command`.
    pub fn parse(text: &str) -> Option<Self> {
        let rest = text.trim_start_matches('+');
        let depth = text.len() - rest.len();
        if depth == 0 {
            return None;
        }
        if let Some(command) = rest.strip_prefix(' ') {
            return Some(Self { depth, command: command.to_owned(), ..Self::default() });
        }
        let (state, command) = rest.strip_prefix('[')?.split_once("] ")?;
        Some(Self { depth, state: Some(State::parse(state)?), command: command.to_owned(), guessed: false })
    }
}

impl State {
    fn parse(text: &str) -> Option<Self> {
        let fields: Vec<_> = text.splitn(8, ',').collect();
        let (&[status, options, background, shell, count], more) = fields.split_first_chunk()?;
        let bash = match more {
            [] => None,
            [process, line, pipe] => {
                Some(Bash { process: process.parse().ok()?, line: line.parse().ok()?, pipe: numbers(pipe) })
            }
            _ => return None,
        };
        Some(Self {
            status: status.parse().ok()?,
            strict: options.contains('e'),
            background: background.parse().ok(),
            shell: shell.parse().ok()?,
            count: count.parse().ok()?,
            bash,
        })
    }
}

/// Reads what bash reported; a line that it did not finish is left out.
pub fn events(text: &str) -> Vec<Event> {
    text.lines().filter_map(event).collect()
}

fn event(line: &str) -> Option<Event> {
    let fields: Vec<_> = line.splitn(6, '\t').collect();
    match fields.as_slice() {
        [shell, "exit", status, pipe] => {
            Some(Event::Exit { shell: shell.parse().ok()?, status: status.parse().ok()?, pipe: numbers(pipe) })
        }
        [shell, process, count, status, line, command] => Some(Event::Failure(Failure {
            shell: shell.parse().ok()?,
            process: process.parse().ok()?,
            count: count.parse().ok()?,
            status: status.parse().ok()?,
            line: line.parse().ok()?,
            command: plain(command),
        })),
        _ => None,
    }
}

fn numbers(text: &str) -> Vec<i32> {
    text.split_whitespace().filter_map(|number| number.parse().ok()).collect()
}

/// What `%q` made of a command, for a reader.
fn plain(text: &str) -> String {
    if let Some(text) = text.strip_prefix("$'").and_then(|text| text.strip_suffix('\'')) {
        return text.split("\\n").next().unwrap_or_default().replace("\\'", "'").replace("\\\\", "\\");
    }
    let mut chars = text.chars();
    let mut plain = String::new();
    while let Some(c) = chars.next() {
        plain.extend(if c == '\\' { chars.next() } else { Some(c) });
    }
    plain
}

/// The words of a command as a trace shows it, without their quotes.
pub fn words(command: &str) -> Vec<String> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_lose_their_quotes() {
        assert_eq!(words(r#"a 'b c'  "d"e\ f ''"#), ["a", "b c", "de f", ""]);
    }

    #[test]
    fn states_are_read_and_other_text_is_not() {
        let line = Line::parse("++[139,ehxB,12,7,3,8,21,0 139] hello 'a b'").unwrap();
        assert_eq!((line.depth, line.command.as_str()), (2, "hello 'a b'"));
        let state = line.state.unwrap();
        assert_eq!(
            (state.status, state.strict, state.background, state.shell, state.count),
            (139, true, Some(12), 7, 3)
        );
        assert_eq!(state.bash, Some(Bash { process: 8, line: 21, pipe: vec![0, 139] }));
        assert_eq!(Line::parse("+[0,x,,7,3] a").unwrap().state.unwrap().bash, None);
        assert_eq!(Line::parse("+ a").unwrap().state, None);
        for text in ["", "+", "+++", "x + y", "+[a,x,,7,3] b", "+[1] b", "+[0,x,,7,3,8] b", "[0,x,,7,3] b"] {
            assert_eq!(Line::parse(text), None, "{text}");
        }
    }

    #[test]
    fn events_are_read() {
        let text = "7\t8\t3\t1\t21\tcmp\\ a\\ \\\"b\\\"\n7\t8\t3\t1\t22\t$'read V\\na\\n'\n7\texit\t0\t3 0\nhalf\t1";
        let events = events(text);
        let commands = events.iter().filter_map(|event| match event {
            Event::Failure(failure) => Some(failure.command.as_str()),
            Event::Exit { .. } => None,
        });
        assert_eq!(commands.collect::<Vec<_>>(), ["cmp a \"b\"", "read V"]);
        assert_eq!(events.last(), Some(&Event::Exit { shell: 7, status: 0, pipe: vec![3, 0] }));
    }
}
