// SPDX-License-Identifier: Apache-2.0
//! Points in time, as documents have them.

use std::str::FromStr;

/// RFC 3339 in UTC with whole seconds: `2026-01-02T03:04:05Z`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(String);

/// Not a point in time in that form.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a time in UTC like 2026-01-02T03:04:05Z")]
pub struct TimestampError(String);

impl Timestamp {
    /// Seconds since the epoch, as `SOURCE_DATE_EPOCH` has them. What lies outside of the years 0
    /// to 9999 becomes the first or last second of them: RFC 3339 has no other years.
    ///
    /// Source: <http://howardhinnant.github.io/date_algorithms.html#civil_from_days>
    pub fn from_epoch(seconds: i64) -> Self {
        let seconds = seconds.clamp(-62_167_219_200, 253_402_300_799);
        let (days, rest) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
        let shifted = days + 719_468;
        let era = shifted.div_euclid(146_097);
        let day_of_era = shifted.rem_euclid(146_097);
        let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let month_from_march = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
        let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
        let year = year_of_era + era * 400 + i64::from(month <= 2);
        let (hour, minute, second) = (rest / 3600, rest / 60 % 60, rest % 60);
        Self(format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z"))
    }
}

impl Timestamp {
    /// Seconds since the epoch.
    ///
    /// Source: <http://howardhinnant.github.io/date_algorithms.html#days_from_civil>
    pub fn epoch(&self) -> i64 {
        let number = |range| self.0.get(range).and_then(|part: &str| part.parse::<i64>().ok()).unwrap_or_default();
        let (year, month, day) = (number(0..4), number(5..7), number(8..10));
        let year = year - i64::from(month <= 2);
        let (era, year_of_era) = (year.div_euclid(400), year.rem_euclid(400));
        let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
        let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
        let days = era * 146_097 + day_of_era - 719_468;
        days * 86_400 + number(11..13) * 3600 + number(14..16) * 60 + number(17..19)
    }
}

fn is_real(text: &str) -> bool {
    let form = "dddd-dd-ddTdd:dd:ddZ";
    let formed = text.len() == form.len()
        && text.bytes().zip(form.bytes()).all(|(c, f)| if f == b'd' { c.is_ascii_digit() } else { c == f });
    let number = |range| text.get(range).and_then(|part: &str| part.parse::<u32>().ok());
    let (Some(year), Some(month)) = (number(0..4), number(5..7)) else { return false };
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let days = match month {
        2 => 28 + u32::from(leap),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    };
    let within = |range, bounds: std::ops::RangeInclusive<u32>| number(range).is_some_and(|n| bounds.contains(&n));
    // No leap second: the epoch's seconds, from which these times come, know none.
    formed
        && (1..=12).contains(&month)
        && within(8..10, 1..=days)
        && within(11..13, 0..=23)
        && within(14..16, 0..=59)
        && within(17..19, 0..=59)
}

impl FromStr for Timestamp {
    type Err = TimestampError;

    fn from_str(text: &str) -> Result<Self, TimestampError> {
        if is_real(text) { Ok(Self(text.to_owned())) } else { Err(TimestampError(text.to_owned())) }
    }
}

crate::text::checked_text!(Timestamp, "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z$");

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_calendar_is_right() {
        let cases = [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (1_767_323_045, "2026-01-02T03:04:05Z"),
            (4_107_542_399, "2100-02-28T23:59:59Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"),
        ];
        for (seconds, text) in cases {
            assert_eq!(Timestamp::from_epoch(seconds).as_str(), text);
        }
        for text in ["2024-02-29T00:00:00Z", "2000-02-29T23:59:59Z"] {
            assert!(text.parse::<Timestamp>().is_ok(), "{text}");
        }
        let refused = [
            "",
            "2026-01-02",
            "2026-01-02T03:04:05+01:00",
            "2026-01-02 03:04:05Z",
            "2026-13-02T03:04:05Z",
            "2026-00-02T03:04:05Z",
            "2026-04-31T03:04:05Z",
            "2026-02-29T03:04:05Z",
            "2100-02-29T03:04:05Z",
            "2026-01-00T03:04:05Z",
            "2026-01-02T24:00:00Z",
            "2026-01-02T03:60:00Z",
            "2026-01-02T03:04:60Z",
        ];
        for text in refused {
            assert!(text.parse::<Timestamp>().is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn later_times_order_later(a in 0i64..4_000_000_000, b in 0i64..4_000_000_000) {
            prop_assert_eq!(a.cmp(&b), Timestamp::from_epoch(a).cmp(&Timestamp::from_epoch(b)));
        }

        #[test]
        fn every_second_has_a_time(seconds in any::<i64>(), near in -100_000_000_000i64..300_000_000_000) {
            for seconds in [seconds, near] {
                let time = Timestamp::from_epoch(seconds);
                prop_assert_eq!(time.epoch(), seconds.clamp(-62_167_219_200, 253_402_300_799));
                prop_assert_eq!(time.to_string().parse(), Ok(time));
            }
        }
    }
}
