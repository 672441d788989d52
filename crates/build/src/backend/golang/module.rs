// SPDX-License-Identifier: Apache-2.0
//! `go.mod`: the module's path, and the Go that it needs. Older versions of Go cannot read the files of newer ones,
//! so it is read here.

use std::path::Path;
use toolkit::{Failure, Result, ResultExt};

/// The first version that fetches the one that a module needs.
const FETCHES: [u32; 3] = [1, 21, 0];

/// What the file says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Module {
    /// The module's path: `github.com/nubificus/vaccel-go`.
    pub path: String,
    /// The version of Go that it needs, as written.
    go: Option<String>,
}

impl Module {
    /// Reads the file of a source tree.
    pub fn read(source: &Path) -> Result<Self> {
        let file = source.join("go.mod");
        let text = std::fs::read_to_string(&file).with_context(|| format!("could not read {}", file.display()))?;
        let module = Self::parse(&text);
        if module.path.is_empty() {
            return Err(Failure::input(format!("{} names no module", file.display()))
                .help("it begins with a line such as `module github.com/me/project`"));
        }
        Ok(module)
    }

    fn parse(text: &str) -> Self {
        let mut module = Self::default();
        for line in text.lines() {
            let line = line.split_once("//").map_or(line, |(code, _)| code);
            let mut words = line.split_whitespace();
            match (words.next(), words.next(), words.next()) {
                (Some("module"), Some(path), None) => path.trim_matches(['"', '`']).clone_into(&mut module.path),
                (Some("go"), Some(version), None) => module.go = Some(version.to_owned()),
                _ => {}
            }
        }
        module
    }

    /// The module's name: the last part of its path, without the major version.
    pub fn name(&self) -> &str {
        last_part(&self.path)
    }

    /// Refuses an installed Go that is too old and does not fetch another one; `told` is the answer of `go version`.
    pub fn check_version(&self, told: &str, may_download: bool) -> Result<()> {
        let Some(needed) = &self.go else { return Ok(()) };
        let (Some(wanted), Some(found)) = (numbers(needed), installed(told)) else { return Ok(()) };
        let Some(have) = numbers(found) else { return Ok(()) };
        if have >= wanted || (may_download && have >= FETCHES) {
            return Ok(());
        }
        Err(Failure::work(format!("the module needs Go {needed}, and the installed Go is {found}"))
            .title("Go is too old")
            .help(format!(
                "install Go {needed} or newer; from 1.21 on Go fetches what a module needs, unless GOTOOLCHAIN is `local`"
            )))
    }
}

/// The last part of an import path that is not a major version.
pub fn last_part(path: &str) -> &str {
    let is_major = |part: &&str| {
        part.strip_prefix('v').is_some_and(|digits| !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()))
    };
    path.rsplit('/').find(|part| !is_major(part)).unwrap_or(path)
}

/// The version in `go version go1.19.8 linux/amd64`.
pub fn installed(told: &str) -> Option<&str> {
    told.split_whitespace().find_map(|word| word.strip_prefix("go").filter(|rest| !rest.is_empty()))
}

/// `1.25.0`, `1.25`, `1.25rc1`, `1.25-custom`.
fn numbers(version: &str) -> Option<[u32; 3]> {
    let mut numbers = [0; 3];
    for (number, part) in numbers.iter_mut().zip(version.split('.')) {
        let end = part.find(|c: char| !c.is_ascii_digit()).unwrap_or(part.len());
        *number = part[..end].parse().ok()?;
    }
    Some(numbers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_is_read_whatever_go_wrote_it() {
        let text = "// a comment\nmodule github.com/nubificus/vaccel-go/v2 // indeed\n\ngo 1.25.0\n\nrequire golang.org/x/image v0.39.0\nreplace (\n\tgo.x/y => ../y\n)\n";
        let module = Module::parse(text);
        assert_eq!((module.path.as_str(), module.name()), ("github.com/nubificus/vaccel-go/v2", "vaccel-go"));
        assert_eq!(module.go.as_deref(), Some("1.25.0"));
        assert_eq!(Module::parse("module \"a\"\n").name(), "a");
        assert_eq!(Module::parse("").path, "");
    }

    #[test]
    fn an_old_go_is_refused_unless_it_fetches_another() {
        let cases = [
            ("1.25.0", "go version go1.19.8 linux/amd64", true, false),
            ("1.19", "go version go1.19.8 linux/amd64", true, true),
            ("1.25.0", "go version go1.24.1 linux/amd64", true, true),
            ("1.25.0", "go version go1.24.1 linux/amd64", false, false),
            ("1.25", "go version go1.25rc1 linux/amd64", false, true),
            ("1.25.0", "go version devel go1.26-0a1b linux/amd64", false, true),
            ("later", "go version go1.19.8 linux/amd64", true, true),
        ];
        for (needed, told, may_download, fits) in cases {
            let module = Module { path: "m".to_owned(), go: Some(needed.to_owned()) };
            assert_eq!(module.check_version(told, may_download).is_ok(), fits, "{needed} {told}");
        }
        let module = Module { path: "m".to_owned(), go: Some("1.25.0".to_owned()) };
        insta::assert_snapshot!(module.check_version("go version go1.19.8 linux/amd64", true).unwrap_err(), @r"
        the module needs Go 1.25.0, and the installed Go is 1.19.8
        help: install Go 1.25.0 or newer; from 1.21 on Go fetches what a module needs, unless GOTOOLCHAIN is `local`
        ");
    }
}
