// SPDX-License-Identifier: Apache-2.0
//! Measuring commands: wall-clock time, processor time and peak memory.

use anyhow::{Context, Result, bail};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use toolkit::human;

/// What one run of a command took.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sample {
    /// From start to end.
    pub time: Duration,
    /// Peak resident memory in bytes, as the kernel counted it.
    pub memory: u64,
    /// How busy the machine's processors were all the while, whoever with, from 0 to 1: what ran at
    /// nearly 1 was bound by them, and not by waiting for disk or network.
    pub busy: f64,
}

/// Runs a command silently and measures it.
pub fn run(command: &mut Command) -> Result<Sample> {
    let before = Ticks::now()?;
    let started = Instant::now();
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .with_context(|| format!("could not start {}", command.get_program().display()))?;
    let status_file = format!("/proc/{}/status", child.id());
    let mut memory = 0;
    let status = loop {
        if let Some(status) = child.try_wait().context("could not wait")? {
            break status;
        }
        memory = peak(&status_file).unwrap_or(memory);
        std::thread::sleep(Duration::from_micros(500));
    };
    let time = started.elapsed();
    if !status.success() {
        bail!("{command:?} failed ({status})");
    }
    Ok(Sample { time, memory, busy: Ticks::now()?.busy_since(before) })
}

/// What the processors have done since the machine started (`/proc/stat`, see proc(5)).
#[derive(Clone, Copy)]
struct Ticks {
    idle: u64,
    all: u64,
}

impl Ticks {
    fn now() -> Result<Self> {
        let text = std::fs::read_to_string("/proc/stat").context("could not read /proc/stat")?;
        let columns = text.lines().next().unwrap_or_default().split_whitespace().skip(1);
        // The last two are part of the first two.
        let ticks: Vec<u64> = columns.take(8).map(str::parse).collect::<Result<_, _>>().context("/proc/stat")?;
        Ok(Self { idle: ticks.iter().skip(3).take(2).sum(), all: ticks.iter().sum() })
    }

    #[expect(clippy::cast_precision_loss, reason = "a share of a few hundred")]
    fn busy_since(self, before: Self) -> f64 {
        let all = (self.all - before.all).max(1) as f64;
        1.0 - (self.idle - before.idle) as f64 / all
    }
}

/// `VmHWM`, which only grows: the last value seen is the peak but for the last moment.
fn peak(status_file: &str) -> Option<u64> {
    let status = std::fs::read_to_string(status_file).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().trim_end_matches(" kB").parse::<u64>().ok()? * 1024)
}

/// The median by time, with the highest memory of all.
pub fn median(mut samples: Vec<Sample>) -> Sample {
    samples.sort_by_key(|sample| sample.time);
    let middle = samples.get(samples.len() / 2).copied().unwrap_or_default();
    Sample { memory: samples.iter().map(|sample| sample.memory).max().unwrap_or(0), ..middle }
}

/// Ours against a peer, and the goal.
pub struct Comparison {
    pub name: String,
    pub ours: Sample,
    pub peer_name: &'static str,
    pub peer: Sample,
    /// The most that ours may take of the peer's time.
    pub ratio: f64,
    /// What ours may take in any case, for small times.
    pub slack: Duration,
    /// The most memory that ours may take, in bytes.
    pub memory: Option<u64>,
}

impl Comparison {
    /// What was compared.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether the goal is met.
    pub fn is_met(&self) -> bool {
        self.ours.time <= self.peer.time.mul_f64(self.ratio) + self.slack
            && self.memory.is_none_or(|limit| self.ours.memory <= limit)
    }
}

/// The comparisons as a table.
pub fn table(comparisons: &[Comparison]) -> String {
    let columns = ["What", "Ours", "Peer", "Ratio", "Goal", "Memory", "Processors", ""];
    let rows = comparisons.iter().map(|comparison| {
        let ratio = comparison.ours.time.as_secs_f64() / comparison.peer.time.as_secs_f64();
        let slack = if comparison.slack.is_zero() {
            String::new()
        } else {
            format!(" + {}", human::duration(comparison.slack))
        };
        let limit = comparison.memory.map_or_else(String::new, |limit| format!(" of {}", human::bytes(limit)));
        vec![
            comparison.name.clone(),
            precise(comparison.ours.time),
            format!("{} ({})", precise(comparison.peer.time), comparison.peer_name),
            format!("{ratio:.2}"),
            format!("{:.2}{slack}", comparison.ratio),
            format!("{}{limit}", human::bytes(comparison.ours.memory)),
            if comparison.ours.busy > 0.0 {
                format!("{:.0} % busy", comparison.ours.busy * 100.0)
            } else {
                String::new()
            },
            if comparison.is_met() { "met" } else { "missed" }.to_owned(),
        ]
    });
    toolkit::markdown::table(&columns, rows)
}

fn precise(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1000.0)
}
