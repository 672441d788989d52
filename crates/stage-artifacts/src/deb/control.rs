// SPDX-License-Identifier: Apache-2.0
//! The control file of a Debian package.

use crate::metadata::Metadata;
use crate::subject::Subject;
use std::fmt::Write;

/// What one package says about itself.
pub struct Fields {
    /// Its name.
    pub package: String,
    /// The packages it depends on.
    pub depends: Vec<String>,
    /// The section of the archive.
    pub section: String,
    /// A synopsis, and perhaps more lines.
    pub description: String,
    /// Fields that few packages have.
    pub more: Vec<(&'static str, String)>,
}

/// The fields in the order of Debian's policy; `installed_size` is in KiB.
pub fn render(own: &Fields, subject: &Subject, metadata: &Metadata, installed_size: u64) -> String {
    let usual = [
        ("Package", own.package.clone()),
        ("Version", subject.version.debian()),
        ("Architecture", subject.arch.debian().to_owned()),
        ("Maintainer", metadata.maintainer.clone()),
        ("Installed-Size", installed_size.to_string()),
        ("Depends", own.depends.join(", ")),
        ("Section", own.section.clone()),
        ("Priority", "optional".to_owned()),
        ("Homepage", metadata.homepage.clone().unwrap_or_default()),
        ("Description", description(&own.description)),
    ];
    let fields = usual.iter().chain(&own.more);
    let mut text = String::new();
    for (name, value) in fields.filter(|(_, value)| !value.is_empty()) {
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

/// A description whose synopsis says what part of the whole it is about.
pub fn titled(text: &str, part: &str) -> String {
    match text.trim().split_once('\n') {
        Some((synopsis, rest)) => format!("{} ({part})\n{rest}", synopsis.trim_end()),
        None => format!("{} ({part})", text.trim()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn example(depends: &[&str]) -> Fields {
        let Metadata { section, description, .. } = Metadata::example();
        let depends = depends.iter().map(|item| (*item).to_owned()).collect();
        let more = vec![("Build-Ids", "0123 4567".to_owned())];
        Fields { package: "plugin-hello".to_owned(), depends, section, description, more }
    }

    #[test]
    fn a_part_is_named_in_the_synopsis() {
        assert_eq!(titled("greets\n\nand more\n", "development files"), "greets (development files)\n\nand more");
        assert_eq!(titled("greets", "development files"), "greets (development files)");
    }

    #[test]
    fn fields_stand_in_the_order_of_the_policy() {
        let fields = example(&["libc6 (>= 2.34)", "vaccel (>= 0.7)"]);
        insta::assert_snapshot!(render(&fields, &Subject::example(), &Metadata::example(), 57));
    }

    #[test]
    fn empty_fields_are_left_out() {
        let metadata = Metadata { homepage: None, ..Metadata::example() };
        let text = render(&example(&[]), &Subject::example(), &metadata, 1);
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
