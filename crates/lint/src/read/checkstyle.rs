// SPDX-License-Identifier: Apache-2.0
//! The XML of Checkstyle, which many tools write.

use super::{Raw, ReadError, text};
use crate::finding::Span;
use std::path::PathBuf;

/// Reads every `<error>` of every `<file>`.
pub fn read(output: &[u8]) -> Result<Vec<Raw>, ReadError> {
    let xml = String::from_utf8_lossy(output);
    let document =
        toolkit::xml::parse(xml.trim()).map_err(|error| ReadError::new(format!("no XML ({error})"), output))?;
    let root = document.root_element();
    if root.tag_name().name() != "checkstyle" {
        let message = format!("not Checkstyle's XML: it begins with <{}>", root.tag_name().name());
        return Err(ReadError::new(message, output));
    }
    let errors = root.descendants().filter(|node| node.has_tag_name("error"));
    Ok(errors
        .map(|error| {
            let attribute = |name: &str| error.attribute(name).and_then(text);
            let number = |name: &str| attribute(name)?.parse::<u32>().ok().filter(|number| *number > 0);
            let file = error.ancestors().find(|node| node.has_tag_name("file"));
            Raw {
                path: file.and_then(|file| file.attribute("name")).map(PathBuf::from),
                span: number("line").map(|line| Span { line, column: number("column"), ..Span::default() }),
                severity: attribute("severity"),
                rule: attribute("source"),
                rule_url: None,
                message: attribute("message").unwrap_or_default(),
                ..Raw::default()
            }
        })
        .collect())
}
