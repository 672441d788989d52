// SPDX-License-Identifier: Apache-2.0
//! The section `[stage-artifacts]` of `.github/vaccel-ci.toml`: what a package says about itself, and how it is made.

use crate::Args;
use crate::args::Split;
use crate::metadata::MetadataArgs;
use crate::requires::Limits;
use artifact::{Cpu, SETTINGS, SymbolVersion};
use clap::ValueEnum;
use serde::Deserialize;
use toolkit::{Failure, Result};

/// What is made where nothing is said.
const FORMATS: [&str; 3] = ["deb", "tar.gz", "so"];

#[derive(Default, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
struct Configuration {
    stage_artifacts: Package,
}

/// The keys have the names of the inputs.
#[derive(Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
struct Package {
    description: Option<String>,
    maintainer: Option<String>,
    section: Option<String>,
    depends: Option<Vec<String>>,
    homepage: Option<String>,
    license: Option<String>,
    formats: Option<Vec<String>>,
    split: Option<String>,
    loader_path: Option<Vec<String>>,
    max_glibc: Option<SymbolVersion>,
    max_cpu: Option<Cpu>,
}

/// The inputs that the repository's file may give, too.
#[derive(Debug)]
pub struct Settings {
    /// What the package says about itself.
    pub metadata: MetadataArgs,
    /// What is made.
    pub formats: Vec<String>,
    /// Into how many packages the tree is divided.
    pub split: Split,
    /// Folders that the loader is made to search, without leading slashes.
    pub loader_path: Vec<String>,
    /// What the files may require.
    pub limits: Limits,
}

/// The inputs, with what they leave open taken from the repository's file.
pub fn complete(given: &Args) -> Result<Settings> {
    let path = given.source_path.join(SETTINGS);
    let keys = "the keys of [stage-artifacts] are description, maintainer, section, depends, homepage, license, formats, \
                split, loader-path, max-glibc and max-cpu";
    let configuration: Configuration = toolkit::read_toml(&path).map_err(|failure| failure.help(keys))?;
    let package = configuration.stage_artifacts;
    let depends = package.depends.map(|items| items.join(",").parse()).transpose()?;
    let metadata = given.metadata.clone();
    let split = match package.split.filter(|_| given.split.is_none()) {
        Some(name) => Some(Split::from_str(&name, false).map_err(|_| {
            Failure::input(format!("{}: {name:?} is not a valid split; write none or dev", path.display()))
        })?),
        None => given.split,
    };
    let list =
        |input: &Option<toolkit::List>, key: Option<Vec<String>>| input.as_ref().map(|list| list.to_vec()).or(key);
    Ok(Settings {
        metadata: MetadataArgs {
            description: metadata.description.or(package.description),
            maintainer: metadata.maintainer.or(package.maintainer),
            section: metadata.section.or(package.section),
            depends: metadata.depends.or(depends),
            homepage: metadata.homepage.or(package.homepage),
            license: metadata.license.or(package.license),
        },
        formats: list(&given.formats, package.formats).unwrap_or_else(|| FORMATS.map(str::to_owned).to_vec()),
        split: split.unwrap_or(Split::None),
        limits: Limits { glibc: given.max_glibc.clone().or(package.max_glibc), cpu: given.max_cpu.or(package.max_cpu) },
        loader_path: folders(&list(&given.loader_path, package.loader_path).unwrap_or_default())?,
    })
}

/// Absolute folders, as places in the tree.
fn folders(paths: &[String]) -> Result<Vec<String>> {
    let folder = |path: &String| {
        let below = path.strip_prefix('/').map(|path| path.trim_end_matches('/').to_owned());
        below.ok_or_else(|| {
            Failure::input(format!("{path:?} is not a valid folder of loader-path: it is not absolute"))
                .help("name the folder as it is on the machine that gets the package, such as /opt/widget/lib")
        })
    };
    paths.iter().map(folder).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;
    use std::fs;
    use std::path::Path;

    #[derive(Parser)]
    struct Command {
        #[command(flatten)]
        args: Args,
    }

    fn given(source: &Path, arguments: &[&str]) -> Args {
        let source = source.display().to_string();
        let usual = ["x", "--package=hello", "--source-path", &source];
        Command::parse_from(usual.iter().chain(arguments)).args
    }

    fn completed(text: &str, arguments: &[&str]) -> Result<Settings> {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join(".github")).unwrap();
        fs::write(folder.path().join(SETTINGS), text).unwrap();
        complete(&given(folder.path(), arguments))
    }

    #[test]
    fn inputs_win_over_the_file() {
        let text = "[lint]\nfail-on = 'never'\n[stage-artifacts]\nmaintainer = 'A <a@b>'\nsection = 'libs'\n\
                    depends = ['vaccel (>= 0.7)', 'libx']\nformats = ['wheel']\nsplit = 'dev'\nloader-path = ['/opt/w/']\n";
        let all = completed(text, &["--section=science"]).unwrap();
        assert_eq!(all.metadata.section.as_deref(), Some("science"));
        assert_eq!(all.metadata.maintainer.as_deref(), Some("A <a@b>"));
        assert_eq!(all.metadata.depends.as_deref().unwrap_or_default(), ["vaccel (>= 0.7)", "libx"]);
        assert_eq!(all.metadata.license, None);
        assert_eq!((all.formats, all.split, all.loader_path), (vec!["wheel".into()], Split::Dev, vec!["opt/w".into()]));
        let all = completed(text, &["--formats=so", "--split=none", "--loader-path=/a,/b"]).unwrap();
        assert_eq!(all.formats, ["so"]);
        assert_eq!((all.split, all.loader_path), (Split::None, vec!["a".into(), "b".into()]));
    }

    #[test]
    fn no_file_and_no_section_change_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let all = complete(&given(folder.path(), &["--license=MIT"])).unwrap();
        assert_eq!(all.metadata.license.as_deref(), Some("MIT"));
        assert_eq!(all.formats, FORMATS);
        assert_eq!(completed("[lint]\n", &["--license=MIT"]).unwrap().metadata.license.as_deref(), Some("MIT"));
    }

    #[test]
    fn what_cannot_be_read_is_located() {
        let cases = [
            ("[stage-artifacts]\nmaintaner = 'A'\n", "vaccel-ci.toml:2: unknown field `maintaner`"),
            ("[stage-artifacts]\n\nlicense = 3\n", "vaccel-ci.toml:3: invalid type"),
            ("[stage-artifacts\n", "vaccel-ci.toml:1: "),
            ("[stage-artifacts]\nmax-cpu = 'pentium'\n", "\"pentium\" is not a valid processor"),
            ("[stage-artifacts]\nsplit = 'two'\n", "vaccel-ci.toml: \"two\" is not a valid split"),
            ("[stage-artifacts]\nloader-path = ['opt']\n", "\"opt\" is not a valid folder of loader-path"),
        ];
        for (text, expected) in cases {
            let failure = completed(text, &[]).unwrap_err();
            assert!(failure.to_string().contains(expected), "{failure}");
            assert_eq!(failure.status().code(), 2);
        }
    }
}
