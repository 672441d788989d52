// SPDX-License-Identifier: Apache-2.0
//! XML that somebody else wrote, in linear time and bounded memory. The parser compares each attribute of an element
//! with all others and copies namespaces, so documents that would make it slow are refused before.

use roxmltree::{Document, ParsingOptions};

/// How large a document may be, in bytes.
pub const SIZE: usize = 64 * 1024 * 1024;
/// How many attributes an element may have, how deep elements may nest, and how many namespaces may be declared.
const ATTRIBUTES: usize = 256;
const DEPTH: usize = 256;
const NAMESPACES: usize = 1024;
const NODES: u32 = 1 << 22;

/// Why a document is refused.
#[derive(Debug, PartialEq, thiserror::Error)]
pub enum XmlError {
    /// More than anybody reads.
    #[error("the document is larger than {}", crate::human::bytes(SIZE as u64))]
    Size,
    /// An element with too many attributes.
    #[error("an element has more than {ATTRIBUTES} attributes")]
    Attributes,
    /// Elements within elements.
    #[error("elements are nested more than {DEPTH} deep")]
    Depth,
    /// Too many namespaces.
    #[error("more than {NAMESPACES} namespaces are declared")]
    Namespaces,
    /// Entities of its own.
    #[error("the document defines entities of its own")]
    Entities,
    /// It is not XML.
    #[error(transparent)]
    Syntax(#[from] roxmltree::Error),
}

/// Reads a document. It may name its type, as Cobertura does, but define nothing.
pub fn parse(text: &str) -> Result<Document<'_>, XmlError> {
    check(text)?;
    Ok(Document::parse_with_options(
        text,
        ParsingOptions { allow_dtd: true, nodes_limit: NODES, ..Default::default() },
    )?)
}

/// One pass over the text; what is not well-formed is left to the parser.
fn check(text: &str) -> Result<(), XmlError> {
    if text.len() > SIZE {
        return Err(XmlError::Size);
    }
    if text.matches("xmlns").take(NAMESPACES + 1).count() > NAMESPACES {
        return Err(XmlError::Namespaces);
    }
    let mut depth = 0_usize;
    let mut rest = text;
    while let Some((_, after)) = rest.split_once('<') {
        let skipped =
            [("!--", "-->"), ("![CDATA[", "]]>"), ("?", "?>")].into_iter().find(|(open, _)| after.starts_with(open));
        if let Some((open, close)) = skipped {
            let inside = after.get(open.len()..).unwrap_or_default();
            rest = inside.split_once(close).map_or("", |(_, rest)| rest);
            continue;
        }
        let (tag, following) = tag(after);
        rest = following;
        if tag.starts_with('!') {
            if tag.contains('[') || tag.contains("<!") {
                return Err(XmlError::Entities);
            }
        } else if tag.starts_with('/') {
            depth = depth.saturating_sub(1);
        } else {
            if values(tag) > ATTRIBUTES {
                return Err(XmlError::Attributes);
            }
            if !tag.ends_with('/') {
                depth += 1;
            }
            if depth > DEPTH {
                return Err(XmlError::Depth);
            }
        }
    }
    Ok(())
}

/// A tag without its brackets, and what follows; `>` in quotes is part of it.
fn tag(text: &str) -> (&str, &str) {
    let mut quote = None;
    for (at, byte) in text.bytes().enumerate() {
        match (quote, byte) {
            (None, b'"' | b'\'') => quote = Some(byte),
            (Some(open), _) if open == byte => quote = None,
            (None, b'>') => return (text.get(..at).unwrap_or_default(), text.get(at + 1..).unwrap_or_default()),
            _ => {}
        }
    }
    (text, "")
}

fn values(tag: &str) -> usize {
    let (mut quote, mut count) = (None, 0);
    for byte in tag.bytes() {
        match quote {
            None if byte == b'"' || byte == b'\'' => quote = Some(byte),
            Some(open) if open == byte => {
                quote = None;
                count += 1;
            }
            _ => {}
        }
    }
    count
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fmt::Write;
    use std::time::{Duration, Instant};

    fn attributes(count: usize) -> String {
        let mut text = "<x".to_owned();
        for number in 0..count {
            let _ = write!(text, " a{number}='>'");
        }
        text + "/>"
    }

    #[test]
    fn what_would_be_slow_is_refused_at_once() {
        let mut namespaces = String::new();
        for number in 0..2000 {
            let _ = write!(namespaces, "<x xmlns:a{number}='b'>");
        }
        let entities = "<!DOCTYPE x [<!ENTITY a 'b'>]><x>&a;</x>";
        let cases = [
            ("60,000 attributes", attributes(60_000), Err(XmlError::Attributes)),
            ("attributes that one may have", attributes(256), Ok(())),
            ("deep", "<x>".repeat(100_000), Err(XmlError::Depth)),
            ("wide", format!("<x>{}</x>", "<y z='1'/>".repeat(100_000)), Ok(())),
            ("namespaces", namespaces, Err(XmlError::Namespaces)),
            ("entities", entities.to_owned(), Err(XmlError::Entities)),
            ("Cobertura's type", "<!DOCTYPE x SYSTEM 'http://x/y.dtd'><x a=\"'\"/>".to_owned(), Ok(())),
            ("what only looks like tags", "<x><!-- <a> --><![CDATA[<b>]]><?c <d> ?></x>".to_owned(), Ok(())),
        ];
        for (name, text, expected) in cases {
            let started = Instant::now();
            assert_eq!(parse(&text).map(|_| ()), expected, "{name}");
            assert!(started.elapsed() < Duration::from_secs(10), "{name}: {:?}", started.elapsed());
        }
    }
}
