// SPDX-License-Identifier: Apache-2.0
//! The text of a shell script as words and operators. It reads what it does not know as text, and never fails.

/// A piece of a script, and the line that it is in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    pub line: u32,
    pub kind: Kind,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    Word(Word),
    /// `;`, `&&`, `|`, `(` …; a line break is `\n`.
    Operator(&'static str),
    /// A redirection with its target; whether it is one of standard error.
    Redirection {
        stderr: bool,
    },
}

/// What a shell expands as one word.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Word {
    /// As it is written.
    pub source: String,
    /// Without quotes, and with [`UNKNOWN`] for whatever an expansion becomes.
    pub pattern: String,
    /// Whether a part of it is quoted, so that it is no keyword.
    pub quoted: bool,
    /// The command substitutions in it, with their first lines.
    pub commands: Vec<(u32, String)>,
}

/// Stands for what an expansion becomes.
pub const UNKNOWN: char = '\0';

const OPERATORS: [&str; 14] = [";;&", ";;", ";&", "&&", "||", "|&", "&>", ";", "&", "|", "(", ")", "<", ">"];
const REDIRECTIONS: [&str; 12] = ["&>>", "&>", "<<<", "<<-", "<<", "<&", "<>", ">>", ">&", ">|", "<", ">"];

/// Reads a script whose first line has this number.
pub fn tokens(text: &str, line: u32) -> Vec<Token> {
    let mut lexer = Lexer { chars: text.chars().collect(), at: 0, line, documents: Vec::new() };
    let mut tokens = Vec::new();
    while let Some(token) = lexer.token() {
        tokens.push(token);
    }
    tokens
}

struct Lexer {
    chars: Vec<char>,
    at: usize,
    line: u32,
    /// The ends of here-documents that begin after this line, and whether tabs go.
    documents: Vec<(String, bool)>,
}

impl Lexer {
    fn peek(&self, ahead: usize) -> Option<char> {
        self.chars.get(self.at + ahead).copied()
    }

    fn next(&mut self) -> Option<char> {
        let c = self.peek(0)?;
        self.at += 1;
        self.line += u32::from(c == '\n');
        Some(c)
    }

    fn starts_with(&self, text: &str) -> bool {
        text.chars().enumerate().all(|(index, c)| self.peek(index) == Some(c))
    }

    fn skip(&mut self, count: usize) {
        for _ in 0..count {
            self.next();
        }
    }

    fn token(&mut self) -> Option<Token> {
        loop {
            match self.peek(0)? {
                ' ' | '\t' | '\r' => self.skip(1),
                '\\' if self.peek(1) == Some('\n') => self.skip(2),
                '#' => {
                    while self.peek(0).is_some_and(|c| c != '\n') {
                        self.skip(1);
                    }
                }
                _ => break,
            }
        }
        let line = self.line;
        Some(Token { line, kind: self.kind() })
    }

    fn kind(&mut self) -> Kind {
        if self.peek(0) == Some('\n') {
            self.skip(1);
            self.skip_documents();
            return Kind::Operator("\n");
        }
        let rest = self.chars.get(self.at..).unwrap_or_default();
        let digits = rest.iter().take_while(|c| c.is_ascii_digit()).count();
        if digits > 0 && matches!(self.peek(digits), Some('<' | '>')) {
            let stderr = digits == 1 && self.peek(0) == Some('2');
            self.skip(digits);
            return self.redirection(stderr);
        }
        if self.starts_with("<(") || self.starts_with(">(") {
            return Kind::Word(self.word());
        }
        if matches!(self.peek(0), Some('<' | '>')) || self.starts_with("&>") {
            let stderr = self.peek(0) == Some('&');
            return self.redirection(stderr);
        }
        match OPERATORS.into_iter().find(|operator| self.starts_with(operator)) {
            Some(operator) => {
                self.skip(operator.len());
                Kind::Operator(operator)
            }
            None => Kind::Word(self.word()),
        }
    }

    fn redirection(&mut self, stderr: bool) -> Kind {
        let operator = REDIRECTIONS.into_iter().find(|operator| self.starts_with(operator)).unwrap_or("<");
        self.skip(operator.len());
        while matches!(self.peek(0), Some(' ' | '\t')) {
            self.skip(1);
        }
        let target = self.word();
        if operator == "<<" || operator == "<<-" {
            self.documents.push((target.pattern, operator == "<<-"));
        }
        Kind::Redirection { stderr }
    }

    /// The bodies of here-documents are no commands.
    fn skip_documents(&mut self) {
        for (end, tabs) in std::mem::take(&mut self.documents) {
            loop {
                let mut line = String::new();
                let more = loop {
                    match self.next() {
                        None => break false,
                        Some('\n') => break true,
                        Some(c) => line.push(c),
                    }
                };
                let line = if tabs { line.trim_start_matches('\t') } else { &line };
                if line == end || !more {
                    break;
                }
            }
        }
    }

    fn word(&mut self) -> Word {
        let start = self.at;
        let mut word = Word::default();
        while let Some(c) = self.peek(0) {
            match c {
                '<' | '>' if self.peek(1) == Some('(') && word.pattern.is_empty() => {
                    self.skip(2);
                    self.substitution(&mut word);
                }
                '(' if word.pattern.ends_with(['=', '@', '*', '?', '+', '!']) => {
                    // An array, or a pattern of bash.
                    self.skip(1);
                    self.balanced();
                    word.pattern.push(UNKNOWN);
                }
                '<' | '>' | '(' | ' ' | '\t' | '\n' | '\r' | ';' | '&' | '|' | ')' => break,
                '\\' => {
                    word.quoted = true;
                    self.skip(1);
                    word.pattern.extend(self.next().filter(|c| *c != '\n'));
                }
                '\'' => {
                    word.quoted = true;
                    self.skip(1);
                    word.pattern.extend(std::iter::from_fn(|| self.next().filter(|c| *c != '\'')));
                }
                '"' => self.double_quoted(&mut word),
                '$' | '`' => self.expansion(&mut word),
                c => {
                    self.skip(1);
                    word.pattern.push(c);
                }
            }
        }
        word.source = self.chars.get(start..self.at).unwrap_or_default().iter().collect();
        word
    }

    fn double_quoted(&mut self, word: &mut Word) {
        word.quoted = true;
        self.skip(1);
        while let Some(c) = self.peek(0) {
            match c {
                '"' => return self.skip(1),
                '\\' => {
                    self.skip(1);
                    word.pattern.extend(self.next().filter(|c| *c != '\n'));
                }
                '$' | '`' => self.expansion(word),
                c => {
                    self.skip(1);
                    word.pattern.push(c);
                }
            }
        }
    }

    fn expansion(&mut self, word: &mut Word) {
        if self.next() == Some('`') {
            let line = self.line;
            let text: String = std::iter::from_fn(|| self.next().filter(|c| *c != '`')).collect();
            word.commands.push((line, text));
            return word.pattern.push(UNKNOWN);
        }
        match self.peek(0) {
            Some('(') if self.peek(1) == Some('(') => {
                self.skip(1);
                self.balanced();
                word.pattern.push(UNKNOWN);
            }
            Some('(') => {
                self.skip(1);
                self.substitution(word);
            }
            Some('{') => {
                self.skip(1);
                self.braces();
                word.pattern.push(UNKNOWN);
            }
            Some('\'') => {
                self.skip(1);
                while let Some(c) = self.next().filter(|c| *c != '\'') {
                    self.skip(usize::from(c == '\\'));
                }
                word.pattern.push(UNKNOWN);
            }
            Some(c) if c.is_ascii_alphabetic() || c == '_' => {
                while self.peek(0).is_some_and(|c| c.is_ascii_alphanumeric() || c == '_') {
                    self.skip(1);
                }
                word.pattern.push(UNKNOWN);
            }
            Some(c) if c.is_ascii_digit() || "?!$@*#-".contains(c) => {
                self.skip(1);
                word.pattern.push(UNKNOWN);
            }
            _ => word.pattern.push('$'),
        }
    }

    fn substitution(&mut self, word: &mut Word) {
        let line = self.line;
        let text = self.balanced();
        word.commands.push((line, text));
        word.pattern.push(UNKNOWN);
    }

    /// To the parenthesis that closes the one before.
    fn balanced(&mut self) -> String {
        self.until('(', ')')
    }

    fn braces(&mut self) {
        self.until('{', '}');
    }

    fn until(&mut self, open: char, close: char) -> String {
        let start = self.at;
        let mut depth = 1;
        let mut quote: Option<char> = None;
        while let Some(c) = self.next() {
            match (c, quote) {
                ('\\', None | Some('"')) => self.skip(1),
                (c, Some(end)) if c == end => quote = None,
                ('\'' | '"', None) => quote = Some(c),
                (c, None) if c == open => depth += 1,
                (c, None) if c == close => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                break;
            }
        }
        let end = if depth == 0 { self.at - 1 } else { self.at };
        self.chars.get(start..end).unwrap_or_default().iter().collect()
    }
}
