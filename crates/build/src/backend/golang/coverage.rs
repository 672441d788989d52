// SPDX-License-Identifier: Apache-2.0
//! Go's coverage profile as Cobertura XML, which other tools read.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;
use toolkit::{Failure, Result};

/// The document for a profile; only files that are in the source tree are named.
pub fn cobertura(profile: &str, module: &str, source: &Path) -> Result<String> {
    let mut files: BTreeMap<&str, BTreeMap<u32, u64>> = BTreeMap::new();
    for line in profile.lines().filter(|line| !line.is_empty() && !line.starts_with("mode: ")) {
        let block = block(line).ok_or_else(|| Failure::work(format!("this is not a block: {line}")))?;
        // What cgo makes is not the project's.
        let name = block.file.strip_prefix(module).and_then(|rest| rest.strip_prefix('/'));
        let Some(name) = name.filter(|name| source.join(name).is_file()) else { continue };
        let lines = files.entry(name).or_default();
        for number in block.first..=block.last {
            let hits = lines.entry(number).or_default();
            *hits = (*hits).max(block.count);
        }
    }
    Ok(render(&files, source))
}

/// Lines of a file that run as one.
struct Block<'a> {
    file: &'a str,
    first: u32,
    last: u32,
    count: u64,
}

/// `<file>:<line>.<column>,<line>.<column> <statements> <count>`.
fn block(line: &str) -> Option<Block<'_>> {
    let (file, rest) = line.rsplit_once(':')?;
    let mut words = rest.split(' ');
    let (from, to) = words.next()?.split_once(',')?;
    let number = |place: &str| place.split('.').next()?.parse::<u32>().ok();
    let (first, last) = (number(from)?, number(to)?);
    let count = words.nth(1)?.parse().ok()?;
    // A file has no more lines than this; a damaged profile must not fill the memory.
    (first <= last && last - first < 100_000).then_some(Block { file, first, last, count })
}

fn render(files: &BTreeMap<&str, BTreeMap<u32, u64>>, source: &Path) -> String {
    let mut text = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<coverage version=\"1\">\n  <sources><source>{}</source></sources>\n  \
         <packages><package name=\"\"><classes>\n",
        escape(&source.display().to_string())
    );
    for (name, lines) in files {
        let name = escape(name);
        let _ = writeln!(text, "    <class name=\"{name}\" filename=\"{name}\"><methods/><lines>");
        for (number, hits) in lines {
            let _ = writeln!(text, "      <line number=\"{number}\" hits=\"{hits}\"/>");
        }
        text.push_str("    </lines></class>\n");
    }
    text.push_str("  </classes></package></packages>\n</coverage>\n");
    text
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_become_lines() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("lib")).unwrap();
        std::fs::write(folder.path().join("lib/a&b.go"), "").unwrap();
        // The second run of a block counts where it reached more; another module's and generated files do not.
        let profile = "mode: set\nm/v2/lib/a&b.go:3.20,5.2 1 1\nm/v2/lib/a&b.go:5.2,6.10 1 0\nm/v2/lib/a&b.go:5.2,6.10 2 0\n\
                       m/v2/_cgo_gotypes.go:1.1,2.2 1 1\nother/x.go:1.1,2.2 1 1\n";
        let text = cobertura(profile, "m/v2", folder.path()).unwrap();
        let text = text.replace(&folder.path().display().to_string(), "<source>");
        insta::assert_snapshot!(text, @r#"
        <?xml version="1.0" encoding="UTF-8"?>
        <coverage version="1">
          <sources><source><source></source></sources>
          <packages><package name=""><classes>
            <class name="lib/a&amp;b.go" filename="lib/a&amp;b.go"><methods/><lines>
              <line number="3" hits="1"/>
              <line number="4" hits="1"/>
              <line number="5" hits="1"/>
              <line number="6" hits="0"/>
            </lines></class>
          </classes></package></packages>
        </coverage>
        "#);
        for bad in ["x", "m/a.go:1,2 3", "m/a.go:5.1,3.1 1 1", "m/a.go:1.1,99999999.1 1 1"] {
            assert!(cobertura(bad, "m", folder.path()).is_err(), "{bad}");
        }
    }
}
