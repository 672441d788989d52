// SPDX-License-Identifier: Apache-2.0
//! The answer to `--list`: every linter, whether it would run here, and with what.

use super::{is_own, shown};
use crate::outcome::{LinterOutcome, Outcome, Relevance};

/// A table for a terminal.
pub fn list(outcome: &Outcome) -> String {
    let head = ["LINTER", "CATEGORY", "RUNS", "VERSION", "PROGRAM", "WHY"].map(str::to_owned);
    let rows: Vec<[String; 6]> = std::iter::once(head).chain(outcome.linters.iter().map(row)).collect();
    let width = |column: usize| rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max();
    let widths: Vec<usize> = (0..6).map(|column| width(column).unwrap_or(0)).collect();
    let mut text = String::new();
    for row in &rows {
        let cells: Vec<_> = row.iter().zip(&widths).map(|(cell, &width)| format!("{cell:width$}")).collect();
        text.push_str(cells.join("  ").trim_end());
        text.push('\n');
    }
    text
}

fn row(linter: &LinterOutcome) -> [String; 6] {
    let (runs, why) = match &linter.relevance {
        Relevance::Relevant(why) => ("yes", why.clone()),
        Relevance::NotRelevant(why) => ("no", why.clone()),
        Relevance::Failed(why) => ("failed", why.clone()),
        Relevance::Missing(provided_by) => ("missing", format!("install {provided_by}")),
    };
    let version = match (&linter.version, &linter.tested) {
        (Some(version), Some(tested)) if version != tested => format!("{version} (tested with {tested})"),
        (Some(version), _) => version.clone(),
        (None, Some(tested)) => format!("– (tested with {tested})"),
        (None, None) if is_own(linter) => env!("CARGO_PKG_VERSION").to_owned(),
        (None, None) => "–".to_owned(),
    };
    let program = match &linter.tool {
        Some(tool) => shown(tool),
        None if is_own(linter) => "built in".to_owned(),
        None => "–".to_owned(),
    };
    let category = linter.category.name().to_owned();
    [linter.name.clone(), category, runs.to_owned(), version, program, why]
        .map(|cell| cell.replace(char::is_control, " "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_linter_has_a_line() {
        let text = list(&crate::report::tests::outcome());
        assert_eq!(text.lines().count(), 6);
        insta::assert_snapshot!(text.replace(&format!("{:9}", env!("CARGO_PKG_VERSION")), "<version>"));
    }
}
