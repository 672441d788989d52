// SPDX-License-Identifier: Apache-2.0
//! Numbers for people.

use std::time::Duration;

/// A size with a decimal unit: `812 B`, `4.7 MB`.
pub fn bytes(size: u64) -> String {
    const UNITS: [&str; 5] = ["kB", "MB", "GB", "TB", "PB"];
    if size < 1000 {
        return format!("{size} B");
    }
    #[expect(clippy::cast_precision_loss, reason = "three significant digits are shown")]
    let mut value = size as f64 / 1000.0;
    let mut unit = 0;
    while value >= 999.95 && unit + 1 < UNITS.len() {
        value /= 1000.0;
        unit += 1;
    }
    format!("{value:.1} {}", UNITS.get(unit).copied().unwrap_or("PB"))
}

/// A duration with the precision that matters: `35 ms`, `1.2 s`, `3 min 07 s`.
pub fn duration(time: Duration) -> String {
    match time.as_secs() {
        0 => format!("{} ms", time.as_millis()),
        1..=59 => format!("{:.1} s", time.as_secs_f64()),
        seconds => format!("{} min {:02} s", seconds / 60, seconds % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_times_read_well() {
        let sizes = [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (4_743_980, "4.7 MB"), (999_960, "1.0 MB")];
        for (size, text) in sizes {
            assert_eq!(bytes(size), text);
        }
        let times = [(35, "35 ms"), (1230, "1.2 s"), (187_000, "3 min 07 s")];
        for (milliseconds, text) in times {
            assert_eq!(duration(Duration::from_millis(milliseconds)), text);
        }
    }
}
