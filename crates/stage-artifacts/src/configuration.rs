// SPDX-License-Identifier: Apache-2.0
//! The section `[stage-artifacts]` of `.github/vaccel-ci.toml`: what a package says about itself.

use crate::metadata::MetadataArgs;
use artifact::SETTINGS;
use serde::Deserialize;
use std::path::Path;
use toolkit::Result;

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
}

/// The inputs, with what they leave open taken from the repository's file.
pub fn complete(given: &MetadataArgs, source: &Path) -> Result<MetadataArgs> {
    let path = source.join(SETTINGS);
    let keys = "the keys of [stage-artifacts] are description, maintainer, section, depends, homepage and license";
    let configuration: Configuration = toolkit::read_toml(&path).map_err(|failure| failure.help(keys))?;
    let Package { description, maintainer, section, depends, homepage, license } = configuration.stage_artifacts;
    let depends = depends.map(|items| items.join(",").parse()).transpose()?;
    let given = given.clone();
    Ok(MetadataArgs {
        description: given.description.or(description),
        maintainer: given.maintainer.or(maintainer),
        section: given.section.or(section),
        depends: given.depends.or(depends),
        homepage: given.homepage.or(homepage),
        license: given.license.or(license),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn completed(text: &str, given: &MetadataArgs) -> Result<MetadataArgs> {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join(".github")).unwrap();
        fs::write(folder.path().join(SETTINGS), text).unwrap();
        complete(given, folder.path())
    }

    #[test]
    fn inputs_win_over_the_file() {
        let text = "[lint]\nfail-on = 'never'\n[stage-artifacts]\nmaintainer = 'A <a@b>'\nsection = 'libs'\ndepends = ['vaccel (>= 0.7)', 'libx']\n";
        let given = MetadataArgs { section: Some("science".to_owned()), ..MetadataArgs::default() };
        let all = completed(text, &given).unwrap();
        assert_eq!(all.section.as_deref(), Some("science"));
        assert_eq!(all.maintainer.as_deref(), Some("A <a@b>"));
        assert_eq!(all.depends.as_deref().unwrap_or_default(), ["vaccel (>= 0.7)", "libx"]);
        assert_eq!(all.license, None);
    }

    #[test]
    fn no_file_and_no_section_change_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let given = MetadataArgs { license: Some("MIT".to_owned()), ..MetadataArgs::default() };
        assert_eq!(complete(&given, folder.path()).unwrap().license.as_deref(), Some("MIT"));
        assert_eq!(completed("[lint]\n", &given).unwrap().license.as_deref(), Some("MIT"));
    }

    #[test]
    fn what_cannot_be_read_is_located() {
        let cases = [
            ("[stage-artifacts]\nmaintaner = 'A'\n", ":2: unknown field `maintaner`"),
            ("[stage-artifacts]\n\nlicense = 3\n", ":3: invalid type"),
            ("[stage-artifacts\n", ":1: "),
        ];
        for (text, expected) in cases {
            let failure = completed(text, &MetadataArgs::default()).unwrap_err();
            assert!(failure.to_string().contains(&format!("vaccel-ci.toml{expected}")), "{failure}");
            assert_eq!(failure.status().code(), 2);
        }
    }
}
