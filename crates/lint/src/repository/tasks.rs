// SPDX-License-Identifier: Apache-2.0
//! What there is to do: calls of programs, our own checks, questions for versions.

use super::{Repository, Selected};
use crate::check::{self, foreign::Foreign};
use crate::outcome::Relevance;
use crate::run::Task;
use crate::schedule::{self, Around, Work};
use crate::trust::{Configuration, Trust, configuration};
use std::collections::BTreeSet;
use std::path::Path;
use toolkit::Result;

impl Repository {
    /// The configuration of each linter; copies of the base commit's go into the folder.
    pub(super) fn configurations(&self, selected: &[Selected], folder: &Path) -> Result<Vec<Configuration>> {
        let trust = match (&self.git, &self.base) {
            (Some(git), Some(base)) if self.is_pull_request => Trust::Base(git, base),
            _ => Trust::Tree,
        };
        let of = |selected: &Selected| {
            if selected.runs() {
                configuration(selected.linter, &self.root, trust, folder)
            } else {
                Ok(Configuration::default())
            }
        };
        selected.iter().map(of).collect()
    }

    /// The settings of our own checks, completed by what other tools are configured with. A check whose configuration
    /// does not parse does not run.
    pub(super) fn checks(&self, selected: &mut [Selected]) -> Result<Foreign> {
        let is_wanted = |selected: &&mut Selected| selected.runs() && selected.linter.run.builtin.is_some();
        let mut foreign = Foreign { settings: self.settings.check.clone(), ..Foreign::default() };
        for selected in selected.iter_mut().filter(|selected| is_wanted(selected)) {
            let builtin = selected.linter.run.builtin.as_deref().unwrap_or_default();
            if let Some(why) = foreign.take(builtin, &selected.linter.name, &self.root, &self.tree.all)? {
                selected.relevance = Relevance::Failed(why);
            }
        }
        Ok(foreign)
    }

    pub(super) fn around(&self) -> Around<'_> {
        Around { root: &self.root, build: self.build.as_deref() }
    }

    /// What the linters that run have to do.
    pub(super) fn tasks(
        &self,
        selected: &[Selected],
        configurations: &[Configuration],
        settings: &check::Settings,
        mut commits: Vec<check::Commit>,
    ) -> Vec<Task> {
        let (mut checks, mut work) = (Vec::new(), Vec::new());
        let running = selected.iter().zip(configurations).enumerate().filter(|(_, (selected, _))| selected.runs());
        for (index, (selected, configuration)) in running {
            let linter = selected.linter;
            let parts =
                [(&selected.files, false, selected.counts()), (&selected.outside, true, !selected.outside.is_empty())];
            for (files, outside, _) in parts.into_iter().filter(|(_, _, is_wanted)| *is_wanted) {
                let Some(builtin) = &linter.run.builtin else {
                    let has_project = crate::select::has_project(self.build.as_deref());
                    let part = Work::find(index, linter, files, configuration, has_project);
                    work.push(Work { outside, ..part });
                    continue;
                };
                let context = check::Context {
                    root: self.root.clone(),
                    files: self.tree.all.clone(),
                    selected: files.iter().map(|file| file.path.clone()).collect(),
                    commits: if builtin == "commits" { std::mem::take(&mut commits) } else { Vec::new() },
                    settings: settings.clone(),
                };
                checks.push(Task::Check { linter: index, context: Box::new(context), outside });
            }
        }
        let calls = schedule::calls(&work, self.jobs, &self.around());
        calls.into_iter().map(Task::Call).chain(checks).collect()
    }
}

/// The questions for versions, one for linters of the same program. Also this is a call, which does not
/// belong where configuration is not trusted.
pub(super) fn versions(selected: &[Selected], configurations: &[Configuration]) -> Vec<Task> {
    let asks = |(selected, configuration): (&Selected, &Configuration)| {
        selected.tool.is_some() && !selected.linter.run.version.is_empty() && configuration.touched.is_none()
    };
    let mut asked = BTreeSet::new();
    let all = selected.iter().zip(configurations).enumerate().filter(|(_, both)| asks(*both));
    let first = all.filter(|(_, (selected, _))| asked.insert(selected.version_question()));
    first.map(|(index, _)| Task::Version(index)).collect()
}
