// SPDX-License-Identifier: Apache-2.0
//! Which lines of a trace are of one process, and which commands of the script they are.

use super::Flow;

impl Flow<'_> {
    /// Of several commands that a line can be it is the next one, unless the line is known.
    pub(super) fn find_commands(&mut self) {
        let mut next = 0;
        for index in 0..self.lines.len() {
            let Some(state) = self.state(index) else { continue };
            let mut found = self.script.positions(self.command(index));
            let eval = self.before.get(index).copied().flatten().filter(|at| self.command(*at).starts_with("eval "));
            if let Some(eval) = eval.filter(|_| found.iter().all(|at| !self.script.is_named(*at))) {
                // It is what `eval` is.
                found = self.written.get(eval).copied().flatten().into_iter().collect();
            }
            if let Some(bash) = &state.bash {
                let here: Vec<_> =
                    found.iter().copied().filter(|at| self.script.line(*at) == Some(bash.line)).collect();
                found = if here.is_empty() { found } else { here };
            }
            let chosen = found.iter().find(|at| **at >= next).or(found.first()).copied();
            next = chosen.map_or(next, |at| at + 1);
            if let Some(place) = self.written.get_mut(index) {
                *place = chosen;
            }
        }
    }

    /// A shell and its subshells, each a process.
    pub(super) fn find_processes(&mut self) {
        let backgrounds: Vec<_> = self.lines.iter().map(|(_, state)| state.background).collect();
        // A subshell counts on from where it began, and the shell repeats these numbers afterwards.
        let (mut least, mut newest) = (u64::MAX, None);
        for (index, (_, state)) in self.lines.iter().enumerate().rev() {
            let inner = if let Some(bash) = &state.bash {
                bash.process != state.shell
            } else {
                let late = newest.is_some_and(|newest| newest != state.background)
                    && backgrounds.iter().take(index).any(|background| Some(*background) == newest);
                let inner = late || least <= state.count;
                if !late {
                    newest = Some(state.background);
                    least = least.min(state.count);
                }
                inner
            };
            if let Some(place) = self.inner.get_mut(index) {
                *place = inner;
            }
        }
        let place = |at: usize| {
            let found = self.script.positions(self.command(at)).into_iter().next()?;
            Some(self.script.commands().get(found)?.context.place)
        };
        let places: Vec<_> = (0..self.lines.len()).map(place).collect();
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
                            && places.get(*earlier) == places.get(index)
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
}
