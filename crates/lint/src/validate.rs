// SPDX-License-Identifier: Apache-2.0
//! What makes a definition usable beyond the types of its keys.

use crate::catalogue::DefinitionError;
use crate::definition::{Format, Linter, Per, Stream};
use crate::globs::Globs;
use crate::read;
use crate::schedule::OUTPUT;
use crate::yaml;

/// Checks a definition.
pub fn linter(linter: &Linter) -> Result<(), DefinitionError> {
    let error = |key: &[&str], message: String| {
        Err(DefinitionError { key: key.iter().map(|key| (*key).to_owned()).collect(), message })
    };
    let files = &linter.files;
    for (key, globs) in [("globs", &files.globs), ("exclude", &files.exclude)] {
        if let Err(wrong) = Globs::new(globs) {
            return error(&["files", key], wrong.to_string());
        }
    }
    let run = &linter.run;
    if run.stdin && run.per != Per::File {
        return error(&["run", "stdin"], "standard input takes one file: per = \"file\"".to_owned());
    }
    match (&run.program, &run.builtin) {
        (Some(_), Some(_)) => return error(&["run", "builtin"], "there is a program already".to_owned()),
        (None, None) => return error(&["run"], "missing field `program`".to_owned()),
        (None, Some(_)) => return Ok(()),
        (Some(_), None) => {}
    }
    let Some(read) = &linter.read else {
        return error(&[], "missing field `read`".to_owned());
    };
    if let Some(pattern) = &read.errors
        && let Err(wrong) = read::regex::Expressions::new(pattern, &[], None)
    {
        return error(&["read", "errors"], wrong.message);
    }
    if (read.from == Stream::File) != run.args.iter().any(|argument| argument.contains(OUTPUT)) {
        let message = "`from = \"file\"` and an argument `{output}` belong together";
        return error(&["read", "from"], message.to_owned());
    }
    if let Some(pattern) = &read.trouble
        && let Err(wrong) = regex_lite::Regex::new(pattern)
    {
        return error(&["read", "trouble"], wrong.to_string());
    }
    if let Some(text) = &run.default_configuration
        && let Err(wrong) = yaml::parse(text)
    {
        return error(&["run", "default-configuration"], format!("line {}: {wrong}", wrong.line));
    }
    match &read.format {
        Format::Regex { pattern, ignore, message } => {
            if let Err(wrong) = read::regex::Expressions::new(pattern, ignore, message.as_deref()) {
                return error(&["read", wrong.key], wrong.message);
            }
        }
        Format::Json(json) => {
            let pointers =
                [&json.detail, &json.items, &json.path, &json.line, &json.column, &json.end_line, &json.end_column];
            let more = [&json.severity, &json.rule, &json.rule_url, &json.message, &json.suggestions];
            let mut all = pointers.into_iter().chain(more).chain(json.only.keys()).chain(json.except.keys());
            if let Some(wrong) = all.find(|pointer| !pointer.is_empty() && !pointer.starts_with('/')) {
                return error(&["read"], format!("{wrong:?} is no JSON pointer: it begins with no `/`"));
            }
        }
        Format::Formatted if run.per != Per::File || read.from != Stream::Stdout => {
            let message = "the format `formatted` is read from standard output, one file per call: per = \"file\"";
            return error(&["read", "format"], message.to_owned());
        }
        Format::Sarif | Format::Checkstyle | Format::ClangTidy | Format::Diff | Format::Formatted => {}
    }
    Ok(())
}
