//! The control file of a Debian package.

use crate::metadata::Metadata;
use crate::subject::Subject;
use std::fmt::Write;

/// The fields in the order of Debian's policy.
pub fn render(subject: &Subject, metadata: &Metadata, installed_size: u64, depends: &[String]) -> String {
    let fields = [
        ("Package", subject.package.to_string()),
        ("Version", subject.version.debian()),
        ("Architecture", subject.arch.debian().to_owned()),
        ("Maintainer", metadata.maintainer.clone()),
        ("Installed-Size", installed_size.to_string()),
        ("Depends", depends.join(", ")),
        ("Section", metadata.section.clone()),
        ("Priority", "optional".to_owned()),
        ("Homepage", metadata.homepage.clone().unwrap_or_default()),
        ("Description", description(&metadata.description)),
    ];
    let mut text = String::new();
    for (name, value) in fields.iter().filter(|(_, value)| !value.is_empty()) {
        let _ = writeln!(text, "{name}: {value}");
    }
    text
}

/// The first line is the synopsis; the others are indented, an empty one is written as a dot.
fn description(text: &str) -> String {
    let mut lines = text.trim().lines().map(str::trim_end);
    let mut written = lines.next().unwrap_or_default().to_owned();
    for line in lines {
        let line = if line.is_empty() { "." } else { line };
        let _ = write!(written, "\n {line}");
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_stand_in_the_order_of_the_policy() {
        let depends = ["libc6 (>= 2.34)".to_owned(), "vaccel (>= 0.7)".to_owned()];
        insta::assert_snapshot!(render(&Subject::example(), &Metadata::example(), 57, &depends));
    }

    #[test]
    fn empty_fields_are_left_out() {
        let metadata = Metadata { homepage: None, ..Metadata::example() };
        let text = render(&Subject::example(), &metadata, 1, &[]);
        assert!(!text.contains("Depends") && !text.contains("Homepage"), "{text}");
    }

    #[test]
    fn descriptions_are_folded() {
        let cases = [
            ("one line", "one line"),
            ("synopsis\n\nMore about it,\nin two lines.\n", "synopsis\n .\n More about it,\n in two lines."),
            ("  padded  ", "padded"),
        ];
        for (text, expected) in cases {
            assert_eq!(description(text), expected);
        }
    }
}
