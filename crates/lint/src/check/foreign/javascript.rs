// SPDX-License-Identifier: Apache-2.0
//! The object that a JavaScript module exports, as far as it is written down literally. Nothing is run: what would have
//! to be computed is a value of its own, [`computed`].

use crate::syntax::SyntaxError;
use serde_json::{Map, Value};

/// Arrays and objects may be nested this deep.
const DEPTH: usize = 64;
/// What stands for a value that is computed; the text follows.
const COMPUTED: &str = "\u{0}computed\u{0}";

/// The text of a value that is computed.
pub fn computed(value: &Value) -> Option<&str> {
    value.as_str()?.strip_prefix(COMPUTED)
}

/// The exported value.
pub fn exported(text: &str) -> Result<Value, SyntaxError> {
    let mut parser = Parser { text, at: 0 };
    let start = parser.export().ok_or_else(|| parser.error("it exports nothing that can be read"))?;
    parser.at = start;
    parser.value(0)
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Parser<'a> {
    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn error(&self, message: &str) -> SyntaxError {
        let lines = self.text.bytes().take(self.at).filter(|byte| *byte == b'\n').count();
        SyntaxError { line: u32::try_from(lines + 1).unwrap_or(u32::MAX), message: message.to_owned() }
    }

    /// Where the exported value begins: behind `export default` or `module.exports =`; where that is a name, behind the
    /// `=` of its declaration; where it is a call, its first argument.
    fn export(&mut self) -> Option<usize> {
        let marks = ["export default", "module.exports"];
        let found = self.code(|rest| marks.iter().find(|mark| rest.starts_with(**mark)).map(|mark| mark.len()))?;
        self.at = found;
        self.blank();
        if let Some(rest) = self.rest().strip_prefix('=') {
            self.at = self.text.len() - rest.len();
            self.blank();
        }
        let name = self.word();
        if name.is_empty() {
            return Some(self.at);
        }
        let behind = self.at;
        self.blank();
        if self.rest().starts_with('(') {
            self.at += 1;
            self.blank();
            return Some(self.at);
        }
        self.at = 0;
        let declared = |rest: &str| {
            let after = ["const ", "let ", "var "].iter().find_map(|word| rest.strip_prefix(*word))?;
            let after = after.trim_start().strip_prefix(name)?;
            let is_whole = after.starts_with(|c: char| c.is_whitespace() || c == '=' || c == ':');
            let value = after.find('=').filter(|_| is_whole)?;
            Some(rest.len() - after.len() + value + 1)
        };
        let Some(found) = self.code(declared) else {
            self.at = behind - name.len();
            return Some(self.at);
        };
        self.at = found;
        self.blank();
        Some(self.at)
    }

    /// The place behind the first match outside of comments and texts.
    fn code(&mut self, matches: impl Fn(&str) -> Option<usize>) -> Option<usize> {
        let mut before = None;
        loop {
            self.blank();
            let rest = self.rest();
            let next = rest.chars().next()?;
            if let Some(length) = matches(rest).filter(|_| before.is_none_or(|c: char| !is_name(c))) {
                return Some(self.at + length);
            }
            if matches!(next, '"' | '\'' | '`') {
                self.string();
            } else {
                self.at += next.len_utf8();
            }
            before = Some(next).filter(|_| !self.rest().starts_with(char::is_whitespace));
        }
    }

    /// Passes over blanks and comments.
    fn blank(&mut self) {
        loop {
            let rest = self.rest();
            let behind = rest.trim_start();
            let skipped = if behind.starts_with("//") {
                behind.find('\n').unwrap_or(behind.len())
            } else if behind.starts_with("/*") {
                behind.find("*/").map_or(behind.len(), |at| at + 2)
            } else {
                0
            };
            let length = rest.len() - behind.len() + skipped;
            if length == 0 {
                return;
            }
            self.at += length;
        }
    }

    fn word(&mut self) -> &'a str {
        let rest = self.rest();
        let length = rest.find(|c| !is_name(c)).unwrap_or(rest.len());
        let word = rest.get(..length).unwrap_or_default();
        self.at += length;
        word
    }

    fn value(&mut self, depth: usize) -> Result<Value, SyntaxError> {
        self.blank();
        let start = self.at;
        let value = match self.rest().chars().next() {
            Some('{') if depth < DEPTH => self.object(depth)?,
            Some('[') if depth < DEPTH => self.array(depth)?,
            Some('"' | '\'' | '`') => {
                let is_template = self.rest().starts_with('`');
                let text = self.string().ok_or_else(|| self.error("a text has no end"))?;
                if is_template && text.contains("${") { Value::from(COMPUTED) } else { Value::from(text) }
            }
            Some(_) => {
                let word = self.word();
                match word {
                    "true" => Value::Bool(true),
                    "false" => Value::Bool(false),
                    "null" | "undefined" => Value::Null,
                    _ => match word.parse::<i64>() {
                        Ok(number) => Value::from(number),
                        // `RuleConfigSeverity.Error` of commitlint's types.
                        Err(_) => Value::from(COMPUTED),
                    },
                }
            }
            None => return Err(self.error("a value is missing")),
        };
        self.blank();
        // What follows makes something else of it, unless the value ends here; types of TypeScript change nothing.
        let ends = |rest: &str| rest.is_empty() || rest.starts_with([',', '}', ']', ')', ';']);
        let is_typed = ["as ", "satisfies "].iter().any(|word| self.rest().starts_with(word));
        if computed(&value).is_none() && (ends(self.rest()) || is_typed || depth == 0) {
            if is_typed {
                self.skip()?;
            }
            return Ok(value);
        }
        self.at = start;
        self.skip()?;
        let text = self.text.get(start..self.at).unwrap_or_default().trim();
        Ok(Value::from(format!("{COMPUTED}{text}")))
    }

    fn object(&mut self, depth: usize) -> Result<Value, SyntaxError> {
        self.at += 1;
        let mut members = Map::new();
        loop {
            self.blank();
            let rest = self.rest();
            if rest.starts_with('}') {
                self.at += 1;
                return Ok(Value::Object(members));
            }
            let start = self.at;
            let name = match rest.chars().next() {
                None => return Err(self.error("a `}` is missing")),
                Some('"' | '\'') => self.string().ok_or_else(|| self.error("a text has no end"))?,
                Some(c) if is_name(c) => self.word().to_owned(),
                Some(_) => String::new(),
            };
            self.blank();
            if !name.is_empty() && self.rest().starts_with(':') {
                self.at += 1;
                let value = self.value(depth + 1)?;
                members.insert(name, value);
            } else {
                // A method, a spread or a short form: it is computed.
                self.at = start;
                self.skip()?;
                let text = self.text.get(start..self.at).unwrap_or_default().trim();
                let key = if name.is_empty() { text.to_owned() } else { name };
                members.insert(key, Value::from(format!("{COMPUTED}{text}")));
            }
            self.blank();
            if self.rest().starts_with(',') {
                self.at += 1;
            } else if !self.rest().starts_with('}') {
                return Err(self.error("there is neither `,` nor `}` behind a value"));
            }
        }
    }

    fn array(&mut self, depth: usize) -> Result<Value, SyntaxError> {
        self.at += 1;
        let mut elements = Vec::new();
        loop {
            self.blank();
            if self.rest().starts_with(']') {
                self.at += 1;
                return Ok(Value::Array(elements));
            }
            if self.rest().is_empty() {
                return Err(self.error("a `]` is missing"));
            }
            elements.push(self.value(depth + 1)?);
            self.blank();
            if self.rest().starts_with(',') {
                self.at += 1;
            } else if !self.rest().starts_with(']') {
                return Err(self.error("there is neither `,` nor `]` behind a value"));
            }
        }
    }

    /// A text in quotes; `None` if it has no end.
    fn string(&mut self) -> Option<String> {
        let mut characters = self.rest().char_indices();
        let (_, quote) = characters.next()?;
        let mut text = String::new();
        while let Some((at, c)) = characters.next() {
            if c == quote {
                self.at += at + c.len_utf8();
                return Some(text);
            }
            if c == '\\' {
                let Some((_, escaped)) = characters.next() else { break };
                match escaped {
                    'n' => text.push('\n'),
                    't' => text.push('\t'),
                    '\n' => {}
                    other => text.push(other),
                }
            } else if c == '\n' && quote != '`' {
                // It goes on behind the line.
                self.at += at;
                return None;
            } else {
                text.push(c);
            }
        }
        self.at = self.text.len();
        None
    }

    /// Passes over an expression, to the `,` or bracket behind it.
    fn skip(&mut self) -> Result<(), SyntaxError> {
        let mut open = Vec::new();
        // What stands before decides whether `/` begins an expression.
        let mut before = '(';
        loop {
            self.blank();
            let Some(next) = self.rest().chars().next() else {
                return if open.is_empty() { Ok(()) } else { Err(self.error("a bracket is not closed")) };
            };
            match next {
                '(' | '[' | '{' => open.push(next),
                ',' | ';' | ')' | ']' | '}' if open.is_empty() => return Ok(()),
                ')' | ']' | '}' => {
                    open.pop();
                }
                '"' | '\'' | '`' => {
                    self.string().ok_or_else(|| self.error("a text has no end"))?;
                    before = next;
                    continue;
                }
                '/' if "(,=:[!&|?{};>+".contains(before) => {
                    self.expression().ok_or_else(|| self.error("a regular expression has no end"))?;
                    before = next;
                    continue;
                }
                _ => {}
            }
            before = next;
            self.at += next.len_utf8();
        }
    }

    /// `/…/flags`.
    fn expression(&mut self) -> Option<()> {
        let mut is_escaped = false;
        let mut in_class = false;
        for (at, c) in self.rest().char_indices().skip(1) {
            match c {
                _ if is_escaped => is_escaped = false,
                '\\' => is_escaped = true,
                '\n' => return None,
                '[' => in_class = true,
                ']' => in_class = false,
                '/' if !in_class => {
                    self.at += at + 1;
                    self.word();
                    return Some(());
                }
                _ => {}
            }
        }
        None
    }
}

fn is_name(c: char) -> bool {
    c.is_alphanumeric() || c == '_' || c == '$'
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn plain(value: &Value) -> Value {
        match value {
            Value::Array(all) => all.iter().map(plain).collect(),
            Value::Object(all) => Value::Object(all.iter().map(|(key, value)| (key.clone(), plain(value))).collect()),
            other if computed(other).is_some() => Value::from(format!("<{}>", computed(other).unwrap_or_default())),
            other => other.clone(),
        }
    }

    #[test]
    fn what_is_written_down_is_read_and_the_rest_is_computed() {
        let cases = [
            ("export default { a: 1, 'b': [true, null,], \"c\": `x`, };", json!({"a": 1, "b": [true, null], "c": "x"})),
            ("// export default {}\nmodule.exports = {a: 'it\\'s'}", json!({"a": "it's"})),
            ("const config = { a: 1 };\nexport default config;", json!({"a": 1})),
            ("const config: UserConfig = { a: 1 };\nmodule.exports = config", json!({"a": 1})),
            ("import x from 'x';\nexport default defineConfig({ a: 1 })", json!({"a": 1})),
            ("export default { a: 1 } satisfies UserConfig;", json!({"a": 1})),
            (
                "export default { a: x.y, b: 1 + 1, c: [`${d}`] }",
                json!({"a": "<x.y>", "b": "<1 + 1>", "c": ["<`${d}`>"]}),
            ),
            (
                "export default { a: [(m) => /b\\/[/]}/m.test(m)], c: 1 }",
                json!({"a": ["<(m) => /b\\/[/]}/m.test(m)>"], "c": 1}),
            ),
            (
                "export default { f(x) { return { a: [1, 2] }; }, ...base, short, async: 1 }",
                json!({"f": "<f(x) { return { a: [1, 2] }; }>", "...base": "<...base>", "short": "<short>", "async": 1}),
            ),
            (
                "export default { /* } */ a: 1, // }\n b: { c: function (x) { return '}' } } }",
                json!({"a": 1, "b": {"c": "<function (x) { return '}' }>"}}),
            ),
            ("export default somewhere;", json!("<somewhere>")),
        ];
        for (text, expected) in cases {
            assert_eq!(plain(&exported(text).unwrap()), expected, "{text}");
        }
    }

    #[test]
    fn what_does_not_parse_has_a_line() {
        let cases = [
            ("export default {\n  a: 'x\n}", 2),
            ("export default {\n\n", 3),
            ("module.exports = {\na: [1)}", 2),
            ("console.log(1)\n", 2),
        ];
        for (text, line) in cases {
            assert_eq!(exported(text).map_err(|error| error.line), Err(line), "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "(?s)(export default |module.exports=|[{}\\[\\]()'\"`/\\\\,:;$=> \na1]|.){0,60}") {
            let _ = exported(&text);
        }
    }
}
