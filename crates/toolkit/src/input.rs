// SPDX-License-Identifier: Apache-2.0
//! Types of inputs that every action shares.

use std::convert::Infallible;
use std::fmt;
use std::ops::Deref;
use std::str::FromStr;

/// A list in one input: items are separated by commas or line breaks, trimmed, never empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct List(Vec<String>);

impl FromStr for List {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        let items = text.split([',', '\n']).map(str::trim).filter(|item| !item.is_empty());
        Ok(Self(items.map(str::to_owned).collect()))
    }
}

impl Deref for List {
    type Target = [String];

    fn deref(&self) -> &[String] {
        &self.0
    }
}

impl fmt::Display for List {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join(","))
    }
}

/// A credential. It can be handed on with [`Secret::expose`] and in no other way; it is masked in
/// the log before the action prints anything.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// The credential itself.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl FromStr for Secret {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_take_commas_and_lines() {
        let list: List = " a, b\n\n c ,,".parse().unwrap();
        assert_eq!(&*list, ["a", "b", "c"]);
        assert_eq!("".parse::<List>().unwrap().len(), 0);
    }

    #[test]
    fn a_secret_does_not_show_itself() {
        assert_eq!(format!("{:?}", "hunter2".parse::<Secret>().unwrap()), "***");
    }
}
