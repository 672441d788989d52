// SPDX-License-Identifier: Apache-2.0
//! Which findings count: all, those in what changed, or those that a baseline does not have.

use crate::base::Base;
use crate::baseline::Baseline;
use crate::changed::{self, Changed};
use crate::git::Git;
use crate::outcome::Note;
use crate::{Args, ChangedOnly};
use toolkit::Result;
use toolkit::event::Event;

/// Which findings count.
#[derive(Debug, Default)]
pub struct Scope {
    /// What the change under review touched, if only that counts.
    pub changed: Option<Changed>,
    /// Whether untouched files are looked at, too: after a merge somebody may want to see all of it.
    pub looks_at_all: bool,
    /// What was found before, if only what is new counts.
    pub baseline: Option<Baseline>,
}

impl Scope {
    /// Decides from the inputs and the event; a note says where there was nothing to compare with.
    pub fn find(
        args: &Args,
        git: Option<&Git>,
        base: Option<&Base>,
        event: Option<&Event>,
        baseline: Option<Baseline>,
    ) -> Result<(Self, Option<Note>)> {
        let is_limited = match args.changed_only {
            ChangedOnly::Auto => event.is_some() && baseline.is_none(),
            ChangedOnly::True => true,
            ChangedOnly::False => false,
        };
        let reviews = event.is_some_and(|event| crate::base::is_pull_request(event) || event.name == "merge_group");
        let changed = match (git, base) {
            (Some(git), Some(base)) if is_limited => Some(changed::since(git, base)?),
            _ => None,
        };
        let note = (is_limited && changed.is_none())
            .then(|| Note::notice("there is no commit to compare with, so every finding counts"));
        let looks_at_all = args.changed_only == ChangedOnly::Auto && !reviews;
        Ok((Self { changed, looks_at_all, baseline }, note))
    }

    /// Whether every file is looked at, whatever counts.
    pub fn is_everything(&self) -> bool {
        self.changed.is_none() || self.looks_at_all
    }

    /// Where findings that count are, for the verdict.
    pub fn place(&self) -> &'static str {
        match (&self.changed, &self.baseline) {
            (Some(_), _) => " in what changed",
            (None, Some(_)) => " that the baseline does not have",
            (None, None) => "",
        }
    }
}
