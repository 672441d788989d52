// SPDX-License-Identifier: Apache-2.0
//! Running a program with its output shown live.

use super::output::Output;
use super::{Exit, Finished, Program, RunError, TAIL_LINES};
use crate::Runner;
use std::collections::VecDeque;
use std::fs::File;

impl Program<'_> {
    /// Runs it to its end with its output shown live.
    pub fn run(self, runner: &Runner) -> Result<Finished, RunError> {
        if self.repository_code { runner.guarded(|| self.follow(runner))? } else { self.follow(runner) }
    }

    fn follow(mut self, runner: &Runner) -> Result<Finished, RunError> {
        let log = match &self.log {
            Some(path) => Some(File::create(path).map_err(|source| RunError::Start {
                program: format!("{} with its log in {}", self.path.display(), path.display()),
                source,
            })?),
            None => None,
        };
        let mut output = Output {
            runner,
            log,
            observer: self.observer.take(),
            limit: self.limit,
            render: self.render,
            tail: VecDeque::with_capacity(TAIL_LINES),
            begun: Default::default(),
            size: 0,
        };
        let over = self.execute(!self.apart, |stream, bytes| output.take(stream, bytes));
        let (program, tail) = (self.name(), output.finish());
        let mut over = over?;
        over.remember_leftovers();
        match over.exit(program.clone(), tail.clone())? {
            (Exit::Code(0), duration) => Ok(Finished { duration, log_tail: tail }),
            (exit, _) => Err(RunError::Failed { program, exit, tail, unseen: None }),
        }
    }
}
