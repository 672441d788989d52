// SPDX-License-Identifier: Apache-2.0
//! The options that a caller hands to the build system: `name=value`, checked once.

use std::fmt;
use std::str::FromStr;

/// One option of the build system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BuildOption {
    /// The name as the build system knows it.
    pub name: String,
    /// The value, never checked here: only the build system knows what it accepts.
    pub value: String,
}

impl fmt::Display for BuildOption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.name, self.value)
    }
}

/// The options in the order given; a name that comes again replaces the value it had.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options(Vec<BuildOption>);

/// What is wrong with a list of options.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OptionsError {
    /// There is no `=` in it.
    #[error("the option `{0}` has no value; options are written `name=value`")]
    NoValue(String),
    /// It has a tab, an escape or the like in it.
    #[error("the option `{0}` has a control character in it")]
    ControlCharacter(String),
    /// What stands before the `=` cannot be a name.
    #[error("the option `{option}` has no usable name: `{name}`")]
    BadName {
        /// The whole option.
        option: String,
        /// What should have been its name.
        name: String,
    },
    /// A list value is opened and not closed on its line.
    #[error("the option `{0}` opens a bracket that it does not close")]
    OpenBracket(String),
}

impl Options {
    /// The options.
    pub fn iter(&self) -> impl Iterator<Item = &BuildOption> {
        self.0.iter()
    }

    /// The value of an option, if it is given.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|option| option.name == name).map(|option| option.value.as_str())
    }

    fn set(&mut self, new: BuildOption) {
        match self.0.iter_mut().find(|option| option.name == new.name) {
            Some(option) => *option = new,
            None => self.0.push(new),
        }
    }
}

impl FromStr for Options {
    type Err = OptionsError;

    fn from_str(text: &str) -> Result<Self, OptionsError> {
        let mut options = Self::default();
        for line in text.split(['\n', '\r']) {
            for item in split_at_commas(line)? {
                options.set(item.parse()?);
            }
        }
        Ok(options)
    }
}

impl FromStr for BuildOption {
    type Err = OptionsError;

    fn from_str(text: &str) -> Result<Self, OptionsError> {
        let option = text.strip_prefix("-D").unwrap_or(text);
        let shown = || shown(option);
        if option.chars().any(char::is_control) {
            return Err(OptionsError::ControlCharacter(shown()));
        }
        let (name, value) = option.split_once('=').ok_or_else(|| OptionsError::NoValue(shown()))?;
        let (name, value) = (name.trim(), value.trim());
        // `sub:option` is an option of a subproject, `build.option` one of the build machine.
        let fits = |c: char| c.is_ascii_alphanumeric() || "_-.:+".contains(c);
        if name.is_empty() || name.starts_with('-') || !name.chars().all(fits) {
            return Err(OptionsError::BadName { option: shown(), name: name.to_owned() });
        }
        Ok(Self { name: name.to_owned(), value: value.to_owned() })
    }
}

/// Text that may hold anything, on one line and without a voice.
pub(crate) fn shown(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() {
            shown.extend(c.escape_default());
        } else {
            shown.push(c);
        }
    }
    shown
}

/// Text as Meson's language writes it.
pub(crate) fn python_quote(text: &str) -> String {
    format!("'{}'", text.replace('\\', r"\\").replace('\'', r"\'"))
}

/// The items of one line; a comma inside `[…]` belongs to a list value.
fn split_at_commas(line: &str) -> Result<Vec<&str>, OptionsError> {
    let (mut items, mut start, mut depth) = (Vec::new(), 0, 0usize);
    for (at, c) in line.char_indices() {
        match c {
            '[' => depth += 1,
            ']' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => {
                items.push(&line[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    if depth > 0 {
        let item = &line[start..];
        let error =
            if item.contains(char::is_control) { OptionsError::ControlCharacter } else { OptionsError::OpenBracket };
        return Err(error(shown(item.trim())));
    }
    items.push(&line[start..]);
    // Only blanks are cut off: another control character is an error, not decoration.
    Ok(items.into_iter().map(|item| item.trim_matches(' ')).filter(|item| !item.is_empty()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Vec<String>, String> {
        text.parse::<Options>()
            .map(|options| options.iter().map(ToString::to_string).collect())
            .map_err(|error| error.to_string())
    }

    #[test]
    fn options_are_read() {
        let cases: [(&str, &str, &[&str]); 8] = [
            ("none", " ,\n, ", &[]),
            ("commas", "a=1, b=two", &["a=1", "b=two"]),
            ("lines", "a=1\r\nb=2\n", &["a=1", "b=2"]),
            ("meson's own spelling", "-Da=1,-Db=2", &["a=1", "b=2"]),
            ("an empty value", "a=", &["a="]),
            ("an equals sign in the value", "c_args=-DX=1", &["c_args=-DX=1"]),
            ("a list value", "x=['a','b'],sub:y=1", &["x=['a','b']", "sub:y=1"]),
            ("the later one wins", "a=1,b=2,a=3", &["a=3", "b=2"]),
        ];
        for (name, text, options) in cases {
            assert_eq!(parse(text).unwrap(), options, "{name}");
        }
    }

    #[test]
    fn what_is_no_option_is_refused() {
        let cases = [
            ("no value", "a=1,examples"),
            ("a newline inside", "name=first\nsecond"),
            ("a tab", "a=b\tc"),
            ("an escape sequence", "a=\u{1b}[31m"),
            ("no name", "=1"),
            ("a flag", "--wrap-mode=nodownload"),
            ("a blank in the name", "two words=1"),
            ("an open list", "x=['a','b'"),
        ];
        let told: Vec<_> = cases.map(|(name, text)| format!("{name}: {}", parse(text).unwrap_err())).into();
        insta::assert_snapshot!(told.join("\n"), @r"
        no value: the option `examples` has no value; options are written `name=value`
        a newline inside: the option `second` has no value; options are written `name=value`
        a tab: the option `a=b\tc` has a control character in it
        an escape sequence: the option `a=\u{1b}[31m` has a control character in it
        no name: the option `=1` has no usable name: ``
        a flag: the option `--wrap-mode=nodownload` has no usable name: `--wrap-mode`
        a blank in the name: the option `two words=1` has no usable name: `two words`
        an open list: the option `x=['a','b'` opens a bracket that it does not close
        ");
    }
}
