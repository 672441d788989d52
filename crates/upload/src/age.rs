// SPDX-License-Identifier: Apache-2.0
//! How long something is kept.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// A number of days, or for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Age(Option<u32>);

/// Not an age.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a number of days like 14d, nor `never`")]
pub struct AgeError(String);

impl Age {
    /// The time; `None` for ever.
    pub fn duration(self) -> Option<Duration> {
        self.0.map(|days| Duration::from_hours(24) * days)
    }
}

impl FromStr for Age {
    type Err = AgeError;

    fn from_str(text: &str) -> Result<Self, AgeError> {
        if text == "never" {
            return Ok(Self(None));
        }
        let number = ["days", "day", "d"].iter().find_map(|unit| text.strip_suffix(unit)).map(str::trim_end);
        number
            .and_then(|number| number.parse().ok())
            .map(|days| Self(Some(days)))
            .ok_or_else(|| AgeError(text.to_owned()))
    }
}

impl fmt::Display for Age {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(days) => write!(f, "{days}d"),
            None => f.write_str("never"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_are_days_or_never() {
        for (text, days) in
            [("14d", Some(14)), ("14 days", Some(14)), ("1 day", Some(1)), ("0d", Some(0)), ("never", None)]
        {
            assert_eq!(
                text.parse::<Age>().unwrap().duration(),
                days.map(|n: u32| Duration::from_hours(24) * n),
                "{text}"
            );
        }
        for text in ["", "14", "d", "-1d", "14h", "1.5d", "forever"] {
            assert!(text.parse::<Age>().is_err(), "{text}");
        }
    }
}
