// SPDX-License-Identifier: Apache-2.0
//! How long something is left alone.

use std::str::FromStr;
use std::time::Duration;

/// A number of days.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Days(u32);

/// Not a number of days.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DaysError(String);

impl std::fmt::Display for DaysError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?} is not a valid number of days: write 14d", self.0)
    }
}

impl std::error::Error for DaysError {}

impl Days {
    /// As a time.
    pub fn duration(self) -> Duration {
        Duration::from_hours(24) * self.0
    }
}

impl FromStr for Days {
    type Err = DaysError;

    fn from_str(text: &str) -> Result<Self, DaysError> {
        let number = text.strip_suffix('d').and_then(|number| number.parse().ok());
        number.map(Self).ok_or_else(|| DaysError(text.to_owned()))
    }
}
