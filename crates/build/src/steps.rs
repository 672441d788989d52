// SPDX-License-Identifier: Apache-2.0
//! The steps of a build with the time each took.

use std::time::{Duration, Instant};

/// One finished or failed step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// What it did.
    pub name: &'static str,
    /// How long.
    pub duration: Duration,
    /// What came of it, in a few words.
    pub note: String,
}

/// The steps so far, in order.
#[derive(Clone, Debug, Default)]
pub struct Steps(Vec<Step>);

impl Steps {
    /// Does a step; a failed one is recorded as well.
    pub fn measure<T, E>(
        &mut self,
        name: &'static str,
        work: impl FnOnce() -> Result<T, E>,
        note: impl FnOnce(&T) -> String,
    ) -> Result<T, E> {
        let started = Instant::now();
        let result = work();
        let note = result.as_ref().map_or_else(|_| "failed".to_owned(), note);
        self.0.push(Step { name, duration: started.elapsed(), note });
        result
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Step> {
        self.0.iter()
    }
}

impl FromIterator<Step> for Steps {
    fn from_iter<I: IntoIterator<Item = Step>>(steps: I) -> Self {
        Self(steps.into_iter().collect())
    }
}
