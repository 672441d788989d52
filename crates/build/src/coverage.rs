// SPDX-License-Identifier: Apache-2.0
//! What a Cobertura document says of the lines that tests reach.

use crate::report::count;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;
use toolkit::{Result, ResultExt, markdown, read_text, xml};

/// How many files are listed one by one.
const LISTED: usize = 30;

/// Lines with code, and those of them that were reached.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Lines {
    reached: usize,
    all: usize,
}

/// The lines of each file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Coverage(BTreeMap<String, Lines>);

impl Coverage {
    /// Reads a document.
    pub fn read(file: &Path) -> Result<Self> {
        let text = read_text(file, xml::SIZE as u64).with_context(|| format!("could not read {}", file.display()))?;
        Self::parse(&text).with_context(|| format!("could not understand {}", file.display()))
    }

    /// Reads the text of one.
    pub fn parse(text: &str) -> Result<Self> {
        let document = xml::parse(text)?;
        let mut files: BTreeMap<String, BTreeMap<&str, bool>> = BTreeMap::new();
        for class in document.descendants().filter(|node| node.has_tag_name("class")) {
            let file = files.entry(class.attribute("filename").unwrap_or("unknown").to_owned()).or_default();
            // Methods list their lines too; a line counts once.
            for line in class.descendants().filter(|node| node.has_tag_name("line")) {
                let reached = line.attribute("hits").is_some_and(|hits| hits != "0");
                *file.entry(line.attribute("number").unwrap_or_default()).or_default() |= reached;
            }
        }
        let lines = |lines: BTreeMap<&str, bool>| Lines {
            reached: lines.values().filter(|reached| **reached).count(),
            all: lines.len(),
        };
        Ok(Self(files.into_iter().map(|(name, found)| (name, lines(found))).collect()))
    }

    fn total(&self) -> Lines {
        self.0
            .values()
            .fold(Lines::default(), |sum, file| Lines { reached: sum.reached + file.reached, all: sum.all + file.all })
    }

    /// `81.3 % of 412 lines`.
    pub fn note(&self) -> String {
        let total = self.total();
        format!("{} of {}", total.percent(), count(total.all, "line"))
    }

    /// Markdown: the files with the most lines that nothing reaches come first.
    pub fn section(&self) -> String {
        let mut text = format!("\n#### Coverage: {}\n\n", self.note());
        let mut files: Vec<_> = self.0.iter().collect();
        files.sort_by_key(|(_, lines)| std::cmp::Reverse(lines.all - lines.reached));
        let rows = files.iter().take(LISTED).map(|(name, lines)| {
            vec![markdown::code(name), lines.percent(), format!("{} of {}", lines.reached, lines.all)]
        });
        text.push_str(&markdown::table(&["File", "Reached", "Lines"], rows));
        if files.len() > LISTED {
            let _ = writeln!(text, "\n… and {}.", count(files.len() - LISTED, "more file"));
        }
        text
    }
}

impl Lines {
    fn percent(self) -> String {
        if self.all == 0 {
            return "nothing".to_owned();
        }
        // Rounded down, so that only all is 100 %.
        let permille = self.reached * 1000 / self.all;
        format!("{}.{} %", permille / 10, permille % 10)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_count_once_for_each_file() {
        let text = r#"<?xml version='1.0'?>
<!DOCTYPE coverage SYSTEM 'http://cobertura.sourceforge.net/xml/coverage-04.dtd'>
<coverage line-rate="0.5"><packages><package name="src"><classes>
<class name="a_c" filename="src/a.c"><methods><method name="f"><lines><line number="3" hits="1"/></lines></method></methods>
<lines><line number="3" hits="1"/><line number="4" hits="0"/><line number="5" hits="12"/></lines></class>
<class name="b_c" filename="src/b|.c"><methods/><lines><line number="1" hits="0"/></lines></class>
<class name="h" filename="h.h"><methods/><lines/></class>
</classes></package></packages></coverage>"#;
        insta::assert_snapshot!(Coverage::parse(text).unwrap().section());
    }

    #[test]
    fn what_is_no_document_is_refused() {
        for text in ["", "<coverage>", "{}"] {
            assert!(Coverage::parse(text).is_err(), "{text}");
        }
        assert_eq!(Coverage::parse("<coverage/>").unwrap().note(), "nothing of 0 lines");
    }

    #[test]
    fn many_files_are_cut() {
        let coverage = Coverage((0..32).map(|n| (format!("{n}.c"), Lines { reached: n, all: 40 })).collect());
        let section = coverage.section();
        assert!(
            section.ends_with("… and 2 more files.\n") && section.contains("| `0.c` | 0.0 % | 0 of 40 |"),
            "{section}"
        );
    }
}
