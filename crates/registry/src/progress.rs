//! Signs of life of a long transfer.

use crate::Store;
use std::pin::pin;
use std::time::{Duration, Instant};
use toolkit::{Runner, human};

/// How often a transfer tells how far it is.
const PERIOD: Duration = Duration::from_secs(10);

/// Does the work, and tells from time to time how much of so many bytes was transferred.
pub async fn watched<T>(store: &Store, total: u64, runner: &Runner, work: impl Future<Output = T>) -> T {
    let (started, before) = (Instant::now(), store.transferred());
    let mut work = pin!(work);
    loop {
        tokio::select! {
            done = &mut work => return done,
            () = tokio::time::sleep(PERIOD) => {
                runner.info(&line(store.transferred() - before, total, started.elapsed()));
            }
        }
    }
}

fn line(transferred: u64, total: u64, elapsed: Duration) -> String {
    let rate = u128::from(transferred) * 1000 / elapsed.as_millis().max(1);
    let rate = human::bytes(u64::try_from(rate).unwrap_or(u64::MAX));
    format!("{} of at most {} transferred, {rate}/s", human::bytes(transferred), human::bytes(total))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_amount_and_throughput() {
        insta::assert_snapshot!(line(30_000_000, 100_000_000, Duration::from_secs(10)), @"30.0 MB of at most 100.0 MB transferred, 3.0 MB/s");
        assert!(line(0, 0, Duration::ZERO).contains("0 B"));
    }
}
