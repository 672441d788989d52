// SPDX-License-Identifier: Apache-2.0
//! A run: a process of bounded memory reads case after case, and this one watches it. Whatever ends that process is found
//! again by the number of the case.

use crate::mutate::{Random, mutate};
use crate::targets::{TARGETS, Target, find};
use anyhow::{Context as _, Result, bail};
use rustix::process::{Resource, Rlimit, setrlimit};
use rustix::time::{ClockId, clock_gettime};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// How much memory all of it may take, in bytes.
const MEMORY: u64 = 256 * 1024 * 1024;
/// How long a case may take, in seconds of the processor's time.
const HANG: i64 = 10;

/// Damages what actions read, for a bounded time.
#[derive(clap::Args, Clone, Debug)]
pub struct Args {
    /// How many cases.
    #[arg(long, default_value_t = 100_000)]
    pub cases: u64,
    /// The number of the first one, to repeat what failed.
    #[arg(long, default_value_t = 0)]
    pub first: u64,
    /// After how many seconds it ends in any case.
    #[arg(long, default_value_t = 300)]
    pub seconds: u64,
    /// The same seed gives the same cases.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Only this format.
    #[arg(long)]
    pub target: Option<String>,
}

impl Args {
    fn targets(&self) -> Result<Vec<&'static Target>> {
        match &self.target {
            None => Ok(TARGETS.iter().collect()),
            Some(name) => {
                let names = || TARGETS.iter().map(|target| target.name).collect::<Vec<_>>().join(", ");
                let found =
                    find(name).with_context(|| format!("{name} is not a valid target; there are {}", names()))?;
                Ok(vec![found])
            }
        }
    }
}

/// A target with what is damaged for it.
type Loaded = (&'static Target, Vec<Vec<u8>>);

/// The case of a number: its target, and its bytes.
fn case(targets: &[Loaded], seed: u64, number: u64) -> Option<(&'static Target, Vec<u8>)> {
    let place = usize::try_from(number).ok()? % targets.len().max(1);
    let (target, seeds) = targets.get(place)?;
    let seeds: Vec<&[u8]> = seeds.iter().map(Vec::as_slice).collect();
    let mut random = Random::new(seed.wrapping_mul(0x9e37_79b9).wrapping_add(number));
    Some((target, mutate(&seeds, &mut random)))
}

fn with_seeds(args: &Args) -> Result<Vec<Loaded>> {
    let load = |target: &'static Target| {
        Ok((target, crate::seeds(target.name)?.into_iter().map(|(_, bytes)| bytes).collect()))
    };
    args.targets()?.into_iter().map(load).collect()
}

/// The process that watches; `worker` is the program that does [`work`].
pub fn watch(args: &Args, worker: &Path, output: &Path) -> Result<()> {
    let targets = with_seeds(args)?;
    let progress = tempfile::NamedTempFile::new().context("failed to create a file for the progress")?;
    let started = Instant::now();
    let mut command = Command::new(worker);
    command.args(["--cases", &args.cases.to_string(), "--seconds", &args.seconds.to_string()]);
    command
        .args(["--first", &args.first.to_string(), "--seed", &args.seed.to_string()])
        .arg("--progress")
        .arg(progress.path());
    if let Some(target) = &args.target {
        command.args(["--target", target]);
    }
    let status = command.status().with_context(|| format!("failed to start {}", worker.display()))?;
    let done = std::fs::read(progress.path()).ok().and_then(|bytes| Some(u64::from_le_bytes(bytes.try_into().ok()?)));
    let number = done.unwrap_or_default();
    if status.success() {
        let time = toolkit::human::duration(started.elapsed());
        println!(
            "{number} cases of {} formats in {time}, with at most {}",
            targets.len(),
            toolkit::human::bytes(MEMORY)
        );
        return Ok(());
    }
    let Some((target, bytes)) = case(&targets, args.seed, number) else { bail!("{status}") };
    std::fs::create_dir_all(output)?;
    let file = output.join(format!("{}-{}-{number}", target.name, args.seed));
    std::fs::write(&file, bytes).with_context(|| format!("failed to write {}", file.display()))?;
    bail!(
        "case {number} failed ({status}): {} is read wrongly\nhelp: the input is {}; fix the reader, and put the input into {}",
        target.name,
        file.display(),
        crate::corpus(target.name).display()
    )
}

/// The process that reads.
pub fn work(args: &Args, progress: Option<PathBuf>) -> Result<()> {
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    let limit = Rlimit { current: Some(MEMORY), maximum: Some(MEMORY) };
    setrlimit(Resource::Data, limit).context("failed to limit the memory")?;
    let targets = with_seeds(args)?;
    let progress =
        progress.map(std::fs::File::create).transpose().context("failed to open the file for the progress")?;
    std::thread::spawn(|| watch_time(&NUMBER));
    let started = Instant::now();
    let mut last = 0;
    for number in args.first..args.cases {
        if started.elapsed() > Duration::from_secs(args.seconds) {
            break;
        }
        last = number;
        NUMBER.store(number, Ordering::Relaxed);
        if let Some(progress) = &progress {
            rustix::io::pwrite(progress, &number.to_le_bytes(), 0)?;
        }
        if let Some((target, bytes)) = case(&targets, args.seed, number) {
            (target.read)(&bytes);
        }
    }
    if let Some(progress) = &progress {
        rustix::io::pwrite(progress, &(last + 1).min(args.cases).to_le_bytes(), 0)?;
    }
    Ok(())
}

/// Ends the process when a case takes too much of the processor's time, however busy the machine is.
fn watch_time(number: &AtomicU64) {
    let used = || clock_gettime(ClockId::ProcessCPUTime).tv_sec;
    let (mut last, mut since) = (number.load(Ordering::Relaxed), used());
    loop {
        std::thread::sleep(Duration::from_millis(200));
        let now = number.load(Ordering::Relaxed);
        if now != last {
            (last, since) = (now, used());
        } else if used() - since >= HANG {
            eprintln!("the case took more than {HANG} s");
            std::process::exit(3);
        }
    }
}
