// SPDX-License-Identifier: Apache-2.0
//! Which lines pytest reaches: measured in the unpacked wheel, and told about the files of the repository.

use std::fs;
use std::path::{Path, PathBuf};
use toolkit::{Failure, Result, ResultExt};

/// Folders of a source tree that packages lie in.
const FOLDERS: [&str; 4] = ["", "src", "lib", "python"];

/// Names the files in a Cobertura document as the source tree has them; `site` is where they were measured.
pub fn relocate(report: &Path, site: &Path, source: &Path) -> Result<()> {
    let doing = || format!("could not read {}", report.display());
    let text = fs::read_to_string(report).with_context(doing)?;
    let text = relocated(&text, site, source).with_context(doing)?;
    fs::write(report, text).with_context(|| format!("could not write {}", report.display()))
}

fn relocated(text: &str, site: &Path, source: &Path) -> Result<String> {
    let options = roxmltree::ParsingOptions { allow_dtd: true, ..Default::default() };
    let document =
        roxmltree::Document::parse_with_options(text, options).map_err(|error| Failure::work(error.to_string()))?;
    let attribute = |name: &str| format!(" filename=\"{}\"", escape(name));
    let mut changed = text.to_owned();
    for class in document.descendants().filter(|node| node.has_tag_name("class")) {
        let name = class.attribute("filename").unwrap_or_default();
        let relative = Path::new(name).strip_prefix(site).unwrap_or(Path::new(name));
        let found = locate(relative, source).unwrap_or_else(|| relative.to_owned());
        changed = changed.replace(&attribute(name), &attribute(&found.display().to_string()));
    }
    for folder in document.descendants().filter(|node| node.has_tag_name("source")) {
        let element = |text: &str| format!("<source>{}</source>", escape(text));
        changed = changed.replace(&element(folder.text().unwrap_or_default()), &element(&source.display().to_string()));
    }
    Ok(changed)
}

/// Where the source tree has a file of the wheel.
fn locate(name: &Path, source: &Path) -> Option<PathBuf> {
    FOLDERS.iter().map(|folder| Path::new(folder).join(name)).find(|path| source.join(path).is_file())
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_named_as_the_repository_has_them() {
        let folder = tempfile::tempdir().unwrap();
        for file in ["src/pkg/a.py", "top.py"] {
            fs::create_dir_all(folder.path().join(file).parent().unwrap()).unwrap();
            fs::write(folder.path().join(file), "").unwrap();
        }
        let text = "<?xml version=\"1.0\" ?>\n<coverage><sources><source>/b/site</source></sources><packages><package name=\"filename\">\
                    <classes><class name=\"a.py\" filename=\"/b/site/pkg/a.py\"/><class filename=\"top.py\"/><class filename=\"made.py\"/>\
                    </classes></package></packages></coverage>";
        let text = relocated(text, Path::new("/b/site"), folder.path())
            .unwrap()
            .replace(&folder.path().display().to_string(), "<source>");
        insta::assert_snapshot!(text, @r#"
        <?xml version="1.0" ?>
        <coverage><sources><source><source></source></sources><packages><package name="filename"><classes><class name="a.py" filename="src/pkg/a.py"/><class filename="top.py"/><class filename="made.py"/></classes></package></packages></coverage>
        "#);
        assert!(relocated("<coverage>", Path::new("/b"), folder.path()).is_err());
    }
}
