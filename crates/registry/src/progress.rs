// SPDX-License-Identifier: Apache-2.0
//! Signs of life of a long transfer: a bar for a person, a line from time to time in a log.

use crate::Store;
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use toolkit::{Runner, human};

/// How often a log says how far a transfer is.
const LINE_PERIOD: Duration = Duration::from_secs(10);
/// How often the bar is drawn.
const BAR_PERIOD: Duration = Duration::from_millis(100);
/// The bar's length in characters.
const BAR: u32 = 24;
/// Back to the line's beginning, which is then empty.
const CLEAR: &str = "\r\x1b[2K";

/// Tells how far a transfer is.
pub struct Progress<'a> {
    store: &'a Store,
    runner: &'a Runner,
    started: Instant,
    before: u64,
    /// Bytes that are to be transferred.
    total: AtomicU64,
    bar: bool,
}

impl<'a> Progress<'a> {
    /// Of a transfer of at most so many bytes, which begins now.
    pub fn new(store: &'a Store, runner: &'a Runner, total: u64) -> Self {
        let (started, before, total) = (Instant::now(), store.transferred(), AtomicU64::new(total));
        Self { store, runner, started, before, total, bar: runner.is_terminal() }
    }

    /// These bytes need no transfer.
    pub fn skip(&self, bytes: u64) {
        self.total.fetch_sub(bytes, Ordering::Relaxed);
    }

    /// Tells something else meanwhile.
    pub fn tell(&self, text: &str) {
        self.clear();
        self.runner.info(text);
    }

    /// Does the work, and tells from time to time how far it is.
    pub async fn during<T>(&self, work: impl Future<Output = T>) -> T {
        let mut work = pin!(work);
        let period = if self.bar { BAR_PERIOD } else { LINE_PERIOD };
        loop {
            tokio::select! {
                done = &mut work => {
                    self.clear();
                    return done;
                }
                () = tokio::time::sleep(period) => {
                    let state = self.state();
                    if self.bar {
                        eprint!("{CLEAR}{}", state.bar());
                    } else {
                        self.runner.info(&state.line());
                    }
                }
            }
        }
    }

    fn clear(&self) {
        if self.bar {
            eprint!("{CLEAR}");
        }
    }

    fn state(&self) -> State {
        let done = self.store.transferred() - self.before;
        // What was sent twice counts twice.
        let total = self.total.load(Ordering::Relaxed).max(done);
        State { done, total, elapsed: self.started.elapsed() }
    }
}

/// How far a transfer is.
struct State {
    done: u64,
    total: u64,
    elapsed: Duration,
}

impl State {
    fn bar(&self) -> String {
        let steps = 1..=BAR;
        let step = |step: u32| self.done > 0 && self.done >= self.total / u64::from(BAR) * u64::from(step);
        let bar: String = steps.map(|number| if step(number) { '=' } else { ' ' }).collect();
        format!("[{bar}] {}", self.line())
    }

    fn line(&self) -> String {
        let Self { done, total, elapsed } = self;
        let (done, total) = (u128::from(*done), u128::from(*total));
        let rate = done * 1000 / elapsed.as_millis().max(1);
        let left = (total - done).checked_div(rate).and_then(|seconds| u64::try_from(seconds).ok());
        let left = left.map_or_else(String::new, |seconds| format!(", {} left", clock(seconds)));
        let [done, total, rate] =
            [done, total, rate].map(|bytes| human::bytes(u64::try_from(bytes).unwrap_or(u64::MAX)));
        format!("{done} of {total}, {rate}/s{left}")
    }
}

/// Minutes and seconds.
fn clock(seconds: u64) -> String {
    format!("{}:{:02}", seconds / 60, seconds % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amount_throughput_and_the_time_that_is_left_are_told() {
        let state = |done, total, seconds| State { done, total, elapsed: Duration::from_secs(seconds) };
        let states = [
            state(0, 0, 0),
            state(0, 100_000_000, 10),
            state(30_000_000, 100_000_000, 10),
            state(3_000_000_000, 512_000_000_000, 10),
            state(100_000_000, 100_000_000, 40),
        ];
        let said: Vec<_> = states.iter().map(State::bar).collect();
        insta::assert_snapshot!(said.join("\n"), @r"
        [                        ] 0 B of 0 B, 0 B/s
        [                        ] 0 B of 100.0 MB, 0 B/s
        [=======                 ] 30.0 MB of 100.0 MB, 3.0 MB/s, 0:23 left
        [                        ] 3.0 GB of 512.0 GB, 300.0 MB/s, 28:16 left
        [========================] 100.0 MB of 100.0 MB, 2.5 MB/s, 0:00 left
        ");
    }
}
