// SPDX-License-Identifier: Apache-2.0
//! Comparing texts whose numbers may differ a little.

use crate::manifest::Numbers;
use regex_lite::Regex;
use std::sync::LazyLock;

static NUMBER: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?").ok());

/// One piece of a text.
#[derive(Debug)]
enum Piece<'a> {
    Number { value: f64, text: &'a str, line: usize },
    Other { text: String, line: usize },
}

/// The error says where they differ by more than the tolerance.
pub fn compare(expected: &str, found: &str, tolerance: &Numbers) -> Result<(), String> {
    let (expected, found) = (pieces(expected), pieces(found));
    let mut pairs = expected.iter().zip(&found);
    let different = pairs.find_map(|pair| match pair {
        (Piece::Number { value: left, text: shown, .. }, Piece::Number { value: right, text, line }) => {
            let allowed = tolerance.absolute + tolerance.relative * left.abs();
            // Written so that what is not a number differs.
            let close = (left - right).abs() <= allowed || left.total_cmp(right).is_eq();
            (!close).then(|| format!("differs in line {line}: {shown} ± {allowed} was expected, and {text} came"))
        }
        (Piece::Other { text: left, .. }, Piece::Other { text: right, .. }) if left == right => None,
        (left, right) => {
            Some(format!("differs in line {}: {} was expected, and {} came", right.line(), left.shown(), right.shown()))
        }
    });
    match (different, expected.get(found.len()), found.get(expected.len())) {
        (Some(different), ..) => Err(different),
        (None, Some(missing), _) => Err(format!("ends before {} of line {}", missing.shown(), missing.line())),
        (None, None, Some(more)) => Err(format!("goes on in line {} with {}", more.line(), more.shown())),
        (None, None, None) => Ok(()),
    }
}

impl Piece<'_> {
    fn line(&self) -> usize {
        match self {
            Self::Number { line, .. } | Self::Other { line, .. } => *line,
        }
    }

    fn shown(&self) -> String {
        match self {
            Self::Number { text, .. } => (*text).to_owned(),
            Self::Other { text, .. } => format!("{:?}", text.chars().take(80).collect::<String>()),
        }
    }
}

/// Numbers and what is between them, with white space made equal.
fn pieces(text: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    for (index, line_text) in text.trim_end().lines().enumerate() {
        let line = index + 1;
        let other = |between: &str, pieces: &mut Vec<Piece<'_>>| {
            let text = between.split_whitespace().collect::<Vec<_>>().join(" ");
            if !text.is_empty() {
                pieces.push(Piece::Other { text, line });
            }
        };
        let mut last = 0;
        for number in NUMBER.iter().flat_map(|number| number.find_iter(line_text)) {
            other(&line_text[last..number.start()], &mut pieces);
            let value = number.as_str().parse().unwrap_or(f64::NAN);
            pieces.push(Piece::Number { value, text: number.as_str(), line });
            last = number.end();
        }
        other(&line_text[last..], &mut pieces);
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_may_differ_a_little() {
        let tolerance = |absolute, relative| Numbers { file: "x".into(), absolute, relative };
        let cases = [
            ("equal", "a 1.5 b", "a 1.5 b", tolerance(0.0, 0.0)),
            ("another notation", "x 1000\n", "x  1e3", tolerance(0.0, 0.0)),
            ("close", "1.000 -2", "1.001 -2.001", tolerance(0.01, 0.0)),
            ("relatively close", "1000000", "1000001", tolerance(0.0, 1e-5)),
            ("too far", "a\nb 1.0 2.0", "a\nb 1.0 2.5", tolerance(0.1, 0.0)),
            ("other text", "sum: 1", "Sum: 1", tolerance(1.0, 0.0)),
            ("not a number", "sum: 1", "sum: nan", tolerance(1.0, 0.0)),
            ("too little", "1 2", "1", tolerance(0.0, 0.0)),
            ("too much", "1", "1\n2 x", tolerance(0.0, 0.0)),
            ("no number", "inf", "inf", tolerance(0.0, 0.0)),
        ];
        let told = cases.map(|(name, expected, found, tolerance)| {
            format!("{name}: {}", compare(expected, found, &tolerance).err().unwrap_or_default())
        });
        insta::assert_snapshot!(told.join("\n"));
    }

    #[test]
    fn any_text_is_close_to_itself() {
        use proptest::prelude::*;
        let exact = Numbers { file: "x".into(), absolute: 0.0, relative: 0.0 };
        proptest!(|(text in r"(?s).{0,80}")| { prop_assert_eq!(compare(&text, &text, &exact), Ok(())); });
    }
}
