// SPDX-License-Identifier: Apache-2.0
//! The commands of a shell script, each with what the script does with its exit status. It needs no correct script:
//! what it does not understand it skips.

use super::lexer::{Kind, Token, Word, tokens};
use super::{Command, Context, Place};

/// Deeper than this, compound commands and substitutions are skipped.
const DEEPEST: usize = 40;

/// The commands in the order in which they are written.
pub fn commands(text: &str) -> Vec<Command> {
    let mut parser = Parser { tokens: tokens(text, 1), at: 0, commands: Vec::new(), function: None, depth: 0 };
    while parser.at < parser.tokens.len() {
        parser.list(&[]);
        parser.at += 1;
    }
    parser.commands
}

struct Parser {
    tokens: Vec<Token>,
    at: usize,
    commands: Vec<Command>,
    /// The function whose body is read.
    function: Option<String>,
    depth: usize,
}

impl Parser {
    fn operator(&self, ahead: usize) -> Option<&'static str> {
        match self.tokens.get(self.at + ahead)?.kind {
            Kind::Operator(operator) => Some(operator),
            _ => None,
        }
    }

    fn word(&self) -> Option<&Word> {
        match &self.tokens.get(self.at)?.kind {
            Kind::Word(word) => Some(word),
            _ => None,
        }
    }

    /// The word here, if it may be a keyword.
    fn keyword(&self) -> Option<&str> {
        self.word().filter(|word| !word.quoted).map(|word| word.source.as_str())
    }

    fn is_operator(&self, operators: &[&str]) -> bool {
        self.operator(0).is_some_and(|operator| operators.contains(&operator))
    }

    fn take_keyword(&mut self, keyword: &str) -> bool {
        let found = self.keyword() == Some(keyword);
        self.at += usize::from(found);
        found
    }

    fn skip_breaks(&mut self) {
        while self.is_operator(&["\n", ";"]) {
            self.at += 1;
        }
    }

    /// Lists until one of the keywords, or an operator that closes what is around them.
    fn list(&mut self, ends: &[&str]) {
        self.depth += 1;
        loop {
            self.skip_breaks();
            let over = self.at >= self.tokens.len()
                || self.is_operator(&[")", ";;", ";&", ";;&"])
                || self.keyword().is_some_and(|keyword| ends.contains(&keyword));
            if over || self.depth > DEEPEST {
                break;
            }
            let (start, at) = (self.commands.len(), self.at);
            self.and_or();
            if self.is_operator(&["&"]) {
                self.at += 1;
                self.place(start, Place::Background);
            }
            if self.at == at {
                self.at += 1;
            }
        }
        self.depth -= 1;
    }

    fn and_or(&mut self) {
        loop {
            let start = self.commands.len();
            self.pipeline();
            if !self.is_operator(&["&&", "||"]) {
                return;
            }
            self.observe(start);
            self.at += 1;
            self.skip_breaks();
        }
    }

    fn pipeline(&mut self) {
        let whole = self.commands.len();
        let mut negated = false;
        loop {
            match self.keyword() {
                Some("!") => negated = true,
                Some("time" | "-p") => {}
                _ => break,
            }
            self.at += 1;
        }
        let mut piped = false;
        loop {
            let start = self.commands.len();
            self.command();
            if !self.is_operator(&["|", "|&"]) {
                if piped {
                    self.place(start, Place::EndOfPipe);
                }
                break;
            }
            self.place(start, Place::BeforePipe);
            piped = true;
            self.at += 1;
            self.skip_breaks();
        }
        if negated {
            self.observe(whole);
        }
    }

    fn command(&mut self) {
        match self.keyword().map(str::to_owned).as_deref() {
            Some("if") => {
                while self.take_keyword("if") || self.take_keyword("elif") {
                    self.condition("then");
                    self.list(&["elif", "else", "fi"]);
                }
                if self.take_keyword("else") {
                    self.list(&["fi"]);
                }
                self.close("fi");
            }
            Some("while" | "until") => {
                self.at += 1;
                self.condition("do");
                self.list(&["done"]);
                self.close("done");
            }
            Some("for" | "select") => {
                self.skip_head();
                self.skip_breaks();
                self.take_keyword("do");
                self.list(&["done"]);
                self.close("done");
            }
            Some("case") => self.case(),
            Some("{") => {
                self.at += 1;
                self.list(&["}"]);
                self.close("}");
            }
            Some("function") => {
                self.at += 1;
                let name = self.word().map(|word| word.source.clone()).unwrap_or_default();
                self.at += 1;
                self.body(name);
            }
            Some("[[") => self.test(),
            None if self.operator(0) == Some("(") => {
                self.at += 1;
                if self.operator(0) == Some("(") {
                    return self.arithmetic();
                }
                let start = self.commands.len();
                self.list(&[]);
                self.since(start).for_each(|context| context.enclosed = true);
                self.at += usize::from(self.is_operator(&[")"]));
                self.skip_redirections();
            }
            _ => self.simple(),
        }
    }

    fn condition(&mut self, end: &str) {
        let start = self.commands.len();
        self.list(&[end]);
        self.observe(start);
        self.take_keyword(end);
    }

    fn close(&mut self, keyword: &str) {
        self.take_keyword(keyword);
        self.skip_redirections();
    }

    fn skip_redirections(&mut self) {
        while matches!(self.tokens.get(self.at), Some(Token { kind: Kind::Redirection { .. }, .. })) {
            self.at += 1;
        }
    }

    /// `for x in a b`, `for ((…; …; …))`.
    fn skip_head(&mut self) {
        let mut open = 0_i32;
        while self.at < self.tokens.len() {
            match self.operator(0) {
                Some("(") => open += 1,
                Some(")") => open -= 1,
                Some("\n" | ";") if open <= 0 => return,
                None if open <= 0 && self.keyword() == Some("do") => return,
                _ => {}
            }
            self.at += 1;
        }
    }

    fn case(&mut self) {
        while self.at < self.tokens.len() && self.keyword() != Some("in") {
            self.at += 1;
        }
        self.at += 1;
        while self.at < self.tokens.len() {
            self.skip_breaks();
            if self.take_keyword("esac") {
                break;
            }
            // The pattern.
            self.at += usize::from(self.is_operator(&["("]));
            while self.at < self.tokens.len() && !self.is_operator(&[")"]) {
                self.at += 1;
            }
            self.at += 1;
            self.list(&["esac"]);
            self.at += usize::from(self.is_operator(&[";;", ";&", ";;&", ")"]));
        }
        self.skip_redirections();
    }

    /// `[[ … ]]`, in which operators are no operators.
    fn test(&mut self) {
        let line = self.tokens.get(self.at).map_or(0, |token| token.line);
        let mut words = Vec::new();
        while self.at < self.tokens.len() && self.operator(0) != Some("\n") {
            let last = self.keyword() == Some("]]");
            words.extend(self.word().cloned());
            self.at += 1;
            if last {
                break;
            }
        }
        self.add(line, Vec::new(), words, false);
        self.skip_redirections();
    }

    /// `((…))`, after its first parenthesis.
    fn arithmetic(&mut self) {
        let line = self.tokens.get(self.at).map_or(0, |token| token.line);
        let mut open = 1;
        while open > 0 && self.at < self.tokens.len() {
            match self.operator(0) {
                Some("(") => open += 1,
                Some(")") => open -= 1,
                _ => {}
            }
            self.at += 1;
        }
        let word = Word { source: "((".into(), pattern: "((\0".into(), ..Word::default() };
        self.add(line, Vec::new(), vec![word], false);
    }

    fn simple(&mut self) {
        let line = self.tokens.get(self.at).map_or(0, |token| token.line);
        let (mut assignments, mut words, mut stderr) = (Vec::new(), Vec::<Word>::new(), false);
        while let Some(token) = self.tokens.get(self.at) {
            match &token.kind {
                Kind::Word(word) if words.is_empty() && is_assignment(word) => assignments.push(word.clone()),
                Kind::Word(word) => words.push(word.clone()),
                Kind::Redirection { stderr: of } => stderr |= *of,
                Kind::Operator("(") if words.len() == 1 && self.operator(1) == Some(")") => {
                    self.at += 2;
                    let name = words.first().map(|word| word.source.clone()).unwrap_or_default();
                    return self.body(name);
                }
                Kind::Operator(_) => break,
            }
            self.at += 1;
        }
        if !assignments.is_empty() || !words.is_empty() {
            self.add(line, assignments, words, stderr);
        }
    }

    fn body(&mut self, name: String) {
        if self.operator(0) == Some("(") && self.operator(1) == Some(")") {
            self.at += 2;
        }
        self.skip_breaks();
        let outer = self.function.replace(name);
        self.depth += 1;
        if self.depth <= DEEPEST {
            self.command();
        }
        self.depth -= 1;
        self.function = outer;
    }

    fn add(&mut self, line: u32, assignments: Vec<Word>, words: Vec<Word>, stderr: bool) {
        if self.depth < DEEPEST {
            for (line, text) in assignments.iter().chain(&words).flat_map(|word| &word.commands) {
                let tokens = tokens(text, *line);
                let function = self.function.clone();
                let mut inner = Parser { tokens, at: 0, commands: Vec::new(), function, depth: self.depth + 1 };
                inner.list(&[]);
                let assigned = words.is_empty();
                self.commands.extend(inner.commands.into_iter().map(|mut command| {
                    command.context.substituted.get_or_insert(assigned);
                    command
                }));
            }
        }
        let function = self.function.clone();
        self.commands.push(Command { line, assignments, words, stderr, function, context: Context::default() });
    }

    fn since(&mut self, start: usize) -> impl Iterator<Item = &mut Context> {
        self.commands.iter_mut().skip(start).map(|command| &mut command.context)
    }

    fn observe(&mut self, start: usize) {
        self.since(start).for_each(|context| context.observed = true);
    }

    fn place(&mut self, start: usize, place: Place) {
        for context in self.since(start).filter(|context| context.substituted.is_none()) {
            // What is in front of a pipe stays so, also at the end of another.
            if context.place == Place::Alone || place == Place::Background {
                context.place = place;
            }
        }
    }
}

fn is_assignment(word: &Word) -> bool {
    word.source.split_once('=').is_some_and(|(name, _)| {
        let name = name.strip_suffix('+').unwrap_or(name);
        let name = name.split_once('[').map_or(name, |(name, _)| name);
        !name.is_empty()
            && !name.starts_with(|c: char| c.is_ascii_digit())
            && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    })
}
