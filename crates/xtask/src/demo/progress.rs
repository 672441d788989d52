// SPDX-License-Identifier: Apache-2.0
//! Live progress of the demo: a spinner for a person, lines for a log.

use anyhow::{Context, Result};
use indicatif::{ProgressBar, ProgressStyle};
use std::io::IsTerminal;
use std::time::{Duration, Instant};

/// The steps so far, and the one that runs.
pub struct Progress {
    verbose: bool,
    terminal: bool,
    spinner: Option<ProgressBar>,
    /// What each finished step took.
    pub timings: Vec<(String, Duration)>,
}

impl Progress {
    /// Nothing has run yet.
    pub fn new(verbose: bool) -> Self {
        Self { verbose, terminal: std::io::stderr().is_terminal(), spinner: None, timings: Vec::new() }
    }

    /// Runs a step.
    pub fn step<T>(&mut self, name: &str, work: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        eprintln!("==> {name}");
        let started = Instant::now();
        if self.terminal && !self.verbose {
            let spinner = ProgressBar::new_spinner();
            if let Ok(style) = ProgressStyle::with_template("    {spinner} {elapsed} {wide_msg}") {
                spinner.set_style(style);
            }
            spinner.enable_steady_tick(Duration::from_millis(120));
            self.spinner = Some(spinner);
        }
        let result = work(self);
        if let Some(spinner) = self.spinner.take() {
            spinner.finish_and_clear();
        }
        let elapsed = started.elapsed();
        let value = result.with_context(|| format!("{name} failed"))?;
        eprintln!("    done in {}", toolkit::human::duration(elapsed));
        self.timings.push((name.to_owned(), elapsed));
        Ok(value)
    }

    /// A line that act printed.
    pub fn line(&mut self, line: &str) {
        if self.verbose {
            eprintln!("    {line}");
        } else if line.contains('🏁') {
            self.print(line);
        } else if let Some(spinner) = &self.spinner {
            spinner.set_message(line.to_owned());
        } else if line.contains("⭐ Run Main") {
            self.print(line);
        }
    }

    fn print(&self, line: &str) {
        match &self.spinner {
            Some(spinner) => spinner.println(format!("    {line}")),
            None => eprintln!("    {line}"),
        }
    }
}
