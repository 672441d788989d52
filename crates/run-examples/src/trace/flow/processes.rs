// SPDX-License-Identifier: Apache-2.0
//! Which lines of a trace are of one process, and which commands of the script they are.

use super::Flow;

impl Flow<'_> {
    /// The command of the script that each line is. Of several it is the next one, unless the shell says the line, or the
    /// parts of a pipeline spoke in another order.
    pub(super) fn find_commands(&mut self) {
        let mut next = 0;
        for index in 0..self.lines.len() {
            let Some(state) = self.state(index) else { continue };
            let mut found = self.script.positions(self.command(index));
            let eval = index.checked_sub(1).filter(|at| self.command(*at).starts_with("eval "));
            if let Some(eval) = eval.filter(|_| found.iter().all(|at| !self.script.is_named(*at))) {
                // It is what `eval` is.
                found = self.written.get(eval).copied().flatten().into_iter().collect();
            }
            if let Some(bash) = &state.bash {
                let here: Vec<_> =
                    found.iter().copied().filter(|at| self.script.line(*at) == Some(bash.line)).collect();
                found = if here.is_empty() { found } else { here };
            }
            let last = |back: usize| self.written.get(index.checked_sub(back)?).copied().flatten();
            let is_late = |at: &&usize| {
                let pipeline = last(1).and_then(|last| self.pipeline_of(last));
                pipeline.is_some()
                    && pipeline == self.pipeline_of(**at)
                    && last(1) > Some(**at)
                    && last(2) != Some(**at)
            };
            let chosen = found.iter().find(is_late).or(found.iter().find(|at| **at >= next)).or(found.first()).copied();
            next = chosen.map_or(next, |at| at + 1);
            if let Some(place) = self.written.get_mut(index) {
                *place = chosen;
            }
        }
    }

    /// A shell and its subshells, each a process.
    pub(super) fn find_processes(&mut self) {
        // What a shell put into the background last only moves on; who knows an older one is there itself.
        let newest: Vec<_> = self
            .lines
            .iter()
            .scan(None, |newest, (_, state)| {
                let before = *newest;
                *newest = before.max(state.background);
                Some(before)
            })
            .collect();
        // A subshell counts on from where it began, and the shell repeats these numbers afterwards.
        let mut least = u64::MAX;
        for (index, (_, state)) in self.lines.iter().enumerate().rev() {
            let inner = if let Some(bash) = &state.bash {
                bash.process != state.shell
            } else {
                let late = newest.get(index).is_some_and(|newest| *newest > state.background);
                let inner = late || least <= state.count;
                if !late {
                    least = least.min(state.count);
                }
                inner
            };
            if let Some(place) = self.inner.get_mut(index) {
                *place = inner;
            }
        }
        for index in 0..self.lines.len() {
            let inner = self.is_inner(index) || self.is_written_inner(index);
            if let Some(place) = self.inner.get_mut(index) {
                *place = inner;
            }
        }
        let mut newest = None;
        for index in 0..self.lines.len() {
            let Some(state) = self.state(index) else { continue };
            // What is in the background may speak late.
            let is_before = |at: &usize| {
                !self.is_inner(*at)
                    && self.state(*at).is_some_and(|main| {
                        main.count < state.count && (state.bash.is_some() || main.background == state.background)
                    })
            };
            let main = if self.is_inner(index) { (0..index).rev().find(is_before) } else { newest };
            let earlier = (0..index).rev();
            let (process, before) = match &state.bash {
                Some(bash) => {
                    let process = i64::from(bash.process);
                    let before = earlier.into_iter().take(1000).find(|earlier| self.process(*earlier) == process);
                    (process, before.or(main))
                }
                None if !self.is_inner(index) => (0, main),
                None => {
                    let sibling = |earlier: &usize| {
                        self.is_inner(*earlier)
                            && self.state(*earlier).is_some_and(|before| before.count + 1 == state.count)
                            && self.state(*earlier).map(|before| before.background) == Some(state.background)
                            && self.may_follow(*earlier, index)
                    };
                    let since = main.map_or(0, |main| main + 1);
                    match earlier.into_iter().take_while(|earlier| *earlier >= since).find(sibling) {
                        Some(before) => (self.process(before), Some(before)),
                        None => (i64::try_from(index).unwrap_or(i64::MAX) + 1, main),
                    }
                }
            };
            if let (Some(place), Some(slot)) = (self.process.get_mut(index), self.before.get_mut(index)) {
                (*place, *slot) = (process, before);
            }
            if !self.is_inner(index) {
                newest = Some(index);
            }
        }
    }

    /// Whether one command can come after another in the same process: both are in the same place, or the one is what the
    /// function does that the other calls.
    fn may_follow(&self, before: usize, index: usize) -> bool {
        let (one, other) = (self.written(before), self.written(index));
        match other.and_then(|other| other.function.as_deref()) {
            Some(function) => one.is_some_and(|one| one.calls(function) || one.function.as_deref() == Some(function)),
            None => one.map(|one| one.context.place) == other.map(|other| other.context.place),
        }
    }

    /// Whether the script puts a line into a subshell, or into a function that is called in one. Of what is in a subshell
    /// at the end of a script, the numbers alone do not say so.
    fn is_written_inner(&self, index: usize) -> bool {
        let Some(state) = self.state(index).filter(|state| state.bash.is_none()) else { return false };
        match self.written(index) {
            Some(command) if command.function.is_none() => command.context.is_inner(),
            Some(command) if command.context.is_inner() => true,
            _ => {
                let called = |at: &usize| self.state(*at).is_some_and(|before| before.count + 1 == state.count);
                (0..index).rev().find(called).is_some_and(|call| self.is_inner(call))
            }
        }
    }
}
