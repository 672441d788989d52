// SPDX-License-Identifier: Apache-2.0
//! Workflow commands: `::name key=value::data` lines on standard output.
//!
//! The escaping is that of the official toolkit
//! (<https://github.com/actions/toolkit/blob/main/packages/core/src/command.ts>).

use std::fmt;

/// One workflow command; [`fmt::Display`] gives the line without its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    name: &'static str,
    properties: Vec<(&'static str, String)>,
    data: String,
}

impl Command {
    /// A command without properties.
    pub fn new(name: &'static str, data: impl Into<String>) -> Self {
        Self { name, properties: Vec::new(), data: data.into() }
    }

    /// Adds a property; an empty value leaves it out, as the official toolkit does.
    #[must_use]
    pub fn property(mut self, key: &'static str, value: impl Into<String>) -> Self {
        let value = value.into();
        if !value.is_empty() {
            self.properties.push((key, value));
        }
        self
    }
}

impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "::{}", self.name)?;
        for (index, (key, value)) in self.properties.iter().enumerate() {
            let separator = if index == 0 { ' ' } else { ',' };
            write!(f, "{separator}{key}={}", escape_property(value))?;
        }
        write!(f, "::{}", escape_data(&self.data))
    }
}

/// Escapes what follows the second `::`.
pub fn escape_data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// Escapes the value of a property.
pub fn escape_property(text: &str) -> String {
    escape_data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn lines_are_those_of_the_official_toolkit() {
        // The expectations of packages/core/__tests__/command.test.ts.
        let cases = [
            ("no properties", Command::new("some-command", "hello"), "::some-command::hello"),
            (
                "data is escaped",
                Command::new("some-command", "percent % percent %0A lf \n cr \r :,"),
                "::some-command::percent %25 percent %250A lf %0A cr %0D :,",
            ),
            (
                "properties are escaped",
                Command::new("some-command", "").property("name", "% %0A \n \r : ,"),
                "::some-command name=%25 %250A %0A %0D %3A %2C::",
            ),
            (
                "several properties",
                Command::new("error", "x").property("file", "a.c").property("line", "3").property("title", ""),
                "::error file=a.c,line=3::x",
            ),
        ];
        for (name, command, expected) in cases {
            assert_eq!(command.to_string(), expected, "{name}");
        }
    }

    fn unescape(text: &str) -> String {
        text.replace("%3A", ":").replace("%2C", ",").replace("%0D", "\r").replace("%0A", "\n").replace("%25", "%")
    }

    proptest! {
        #[test]
        fn a_command_is_one_line_and_its_values_come_back(value in any::<String>(), data in any::<String>()) {
            let line = Command::new("notice", data.clone()).property("title", format!("t{value}")).to_string();
            prop_assert!(!line.contains(['\n', '\r']));
            let rest = line.strip_prefix("::notice title=").unwrap();
            let (property, escaped) = rest.split_once("::").unwrap();
            prop_assert_eq!(unescape(property), format!("t{value}"));
            prop_assert_eq!(unescape(escaped), data);
        }
    }
}
