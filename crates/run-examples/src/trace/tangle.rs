// SPDX-License-Identifier: Apache-2.0
//! Lines of a trace that two processes wrote at the same time. dash writes word by word, so the commands of a pipeline
//! can be mixed up in one line; the script says which words belong together.

use super::line::{Line, State};
use crate::shell::Script;

/// A line with more than one command in it, and what follows until each has ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tangle {
    states: Vec<State>,
    text: String,
    ends: usize,
}

impl Tangle {
    /// A line that holds more than one state.
    pub fn begin(text: &str) -> Option<Self> {
        let mut tangle = Self { ends: 1, ..Self::default() };
        tangle.take(text);
        (tangle.states.len() > 1).then_some(tangle)
    }

    /// Takes the next line, if a command has not ended.
    pub fn more(&mut self, text: &str) -> bool {
        if self.ends >= self.states.len() {
            return false;
        }
        self.ends += 1;
        self.take(text);
        true
    }

    fn take(&mut self, text: &str) {
        let mut rest = text;
        while let Some(at) = rest.find("+[") {
            let (before, marked) = rest.split_at(at);
            let line = Line::parse(marked);
            self.text.push_str(before.trim_end_matches('+'));
            self.text.push(' ');
            if let Some((state, length)) = line.and_then(|line| Some((line.state?, line.command.len()))) {
                self.states.push(state);
                rest = &marked[marked.len() - length..];
            } else {
                self.text.push_str("+[");
                rest = &marked[2..];
            }
        }
        self.text.push_str(rest);
        self.text.push(' ');
    }

    /// The commands apart, if the script has such commands one after the other; else those that begin with a program
    /// that matters, so that none is lost.
    pub fn untangled(mut self, script: &Script, is_ours: impl Fn(&str) -> bool) -> Vec<Line> {
        // What is in the background knows an older process there.
        self.states.sort_by_key(|state| state.background);
        let count = self.states.len();
        let pick = |chosen: &[usize]| {
            // A first word has no blank before it.
            let names: Vec<_> = chosen.iter().filter_map(|index| script.name(*index)).collect();
            let text = names.iter().fold(self.text.clone(), |text, name| text.replacen(name, &format!(" {name} "), 1));
            let words: Vec<_> = text.split_whitespace().collect();
            chosen.iter().map(|index| script.pick(*index, &words, &names)).collect::<Option<Vec<_>>>()
        };
        let all = script.commands().len();
        let windows = (0..all.saturating_sub(count - 1)).map(|first| (first..first + count).collect::<Vec<_>>());
        // What a function does is written elsewhere.
        let pairs = (0..all).flat_map(|one| (one + 1..all).map(move |other| vec![one, other]));
        // Every word must belong to one of them.
        let whole = |commands: &Vec<String>| {
            let letters = |text: &str| {
                let mut letters: Vec<_> = text.chars().filter(|c| !c.is_whitespace()).collect();
                letters.sort_unstable();
                letters
            };
            letters(&commands.concat()) == letters(&self.text)
        };
        let apart = windows.chain(pairs.filter(|_| count == 2)).filter_map(|chosen| pick(&chosen)).find(whole);
        let same = self.states.windows(2).all(|pair| matches!(pair, [one, other] if one.count == other.count));
        let guessed = apart.is_none() || !same;
        let commands = apart.unwrap_or_else(|| {
            let parts = |word: &str| {
                let splits = word.char_indices().map(|(at, _)| word.split_at(at));
                splits.flat_map(|(left, right)| [right, left]).find(|part| is_ours(part)).map(str::to_owned)
            };
            let ours = self.text.split_whitespace().filter_map(parts);
            ours.chain(std::iter::repeat(String::new())).take(count).collect()
        });
        let line = |(state, command)| Line { depth: 1, state: Some(state), command, guessed };
        self.states.into_iter().zip(commands).map(line).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_of_a_pipeline_are_taken_apart() {
        let script = Script::parse("hello a\nthree \"$x\" b | cat -n\n").unwrap();
        for lines in [
            ["+[0,x,,7,2] +[0,x,,7,2] three a b", "cat -n"],
            ["+[0,x,,7,2] three+[0,x,,7,2] cat a b", " -n"],
            ["+[0,x,,7,2] +[0,x,,7,2] catthree a b -n", ""],
        ] {
            let mut tangle = Tangle::begin(lines[0]).unwrap();
            assert!(tangle.more(lines[1]) && !tangle.more("output"));
            let lines = tangle.untangled(&script, |_| false);
            let commands: Vec<_> = lines.iter().map(|line| line.command.as_str()).collect();
            assert_eq!(commands, ["three a b", "cat -n"]);
        }
        let script = Script::parse("hello World\nhello World | grep -q Moon\n").unwrap();
        let lines =
            Tangle::begin("+[0,x,,7,2] +[0,x,,7,2] hello grep -q Moon World").unwrap().untangled(&script, |_| false);
        assert_eq!((lines[0].command.as_str(), lines[1].command.as_str()), ("hello World", "grep -q Moon"));
        assert_eq!(Tangle::begin("+[0,x,,7,2] echo +[a]"), None);
        let lost =
            Tangle::begin("+[0,x,,7,2] +[0,x,,7,2] catfive a").unwrap().untangled(&script, |word| word == "five");
        assert_eq!(lost[0].command, "five");
        let lost = Tangle::begin("+[0,x,,7,2] +[0,x,,7,2] five a").unwrap().untangled(&script, |word| word == "five");
        assert_eq!(lost[0].command, "five");
    }
}
