// SPDX-License-Identifier: Apache-2.0
//! Which packages are asked for: one by the inputs `package`, `version` and `ref`, or several by
//! `packages`, and where `auto` leads.

use artifact::{PackageName, RefName, Version};
use registry::{RemotePath, Requirement};
use std::fmt;
use std::str::FromStr;

/// Which bundle of a package.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Which {
    /// What belongs to the branch or release that it is fetched for.
    Auto,
    /// The highest version that fits.
    Version(Requirement),
    /// A branch or release tag.
    Ref(RefName),
}

/// A package that is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// Its name.
    pub package: PackageName,
    /// Which of its bundles.
    pub which: Which,
    /// Its place in the store, apart from its name.
    pub remote_path: Option<RemotePath>,
}

/// Several requests in one input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Requests(pub Vec<Request>);

/// Not a request.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{text:?} is not a valid package to fetch: {reason}; write name@^0.7, name@0.7.1, name@latest, name@ref:main or name@auto, and ` in some/path` after it for a place of its own in the store"
)]
pub struct RequestError {
    text: String,
    reason: String,
}

impl FromStr for Which {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once(':') {
            None if text == "auto" => Ok(Self::Auto),
            Some(("ref", name)) => {
                name.parse().map(Self::Ref).map_err(|error: artifact::RefNameError| error.to_string())
            }
            _ => text.parse().map(Self::Version).map_err(|error: registry::RequirementError| error.to_string()),
        }
    }
}

impl fmt::Display for Which {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::Version(requirement) => requirement.fmt(f),
            Self::Ref(name) => write!(f, "ref:{name}"),
        }
    }
}

impl FromStr for Request {
    type Err = RequestError;

    fn from_str(text: &str) -> Result<Self, RequestError> {
        let refused = |reason: String| RequestError { text: text.to_owned(), reason };
        let (what, remote_path) = match text.split_once(" in ") {
            None => (text, None),
            Some((what, place)) => (what, Some(place.trim())),
        };
        let (package, which) = what.split_once('@').unwrap_or((what, "auto"));
        Ok(Self {
            package: package.trim().parse().map_err(|error: artifact::PackageNameError| refused(error.to_string()))?,
            which: which.trim().parse().map_err(refused)?,
            remote_path: remote_path
                .map(|place| place.parse().map_err(|error: registry::RemotePathError| refused(error.to_string())))
                .transpose()?,
        })
    }
}

impl FromStr for Requests {
    type Err = RequestError;

    /// Items are separated by line breaks and commas; a comma within a requirement (`>=0.7, <0.9`) separates nothing.
    fn from_str(text: &str) -> Result<Self, RequestError> {
        let mut items: Vec<String> = Vec::new();
        for line in text.lines() {
            let mut first = true;
            for piece in line.split(',').map(str::trim).filter(|piece| !piece.is_empty()) {
                let continues = !first && !piece.contains('@') && !piece.starts_with(|c: char| c.is_ascii_lowercase());
                match items.last_mut().filter(|_| continues) {
                    Some(item) => *item = format!("{item}, {piece}"),
                    None => items.push(piece.to_owned()),
                }
                first = false;
            }
        }
        let requests = items.iter().map(|item| item.parse()).collect::<Result<Vec<Request>, _>>()?;
        let twice = requests
            .iter()
            .enumerate()
            .find(|(index, request)| requests.iter().take(*index).any(|earlier| earlier.package == request.package));
        match twice {
            Some((_, request)) => {
                Err(RequestError { text: text.to_owned(), reason: format!("{} is in it twice", request.package) })
            }
            None => Ok(Self(requests)),
        }
    }
}

/// What a package is fetched for, as far as `auto` asks.
#[derive(Clone, Debug)]
pub struct Purpose {
    /// The branch or release tag.
    pub git_ref: RefName,
    /// The branch that a pull request is to be merged into.
    pub base: Option<RefName>,
    /// The branch that everything is merged into.
    pub default_branch: RefName,
}

impl Purpose {
    /// What is tried in turn: a release is built against releases, a branch against the branch of the same name, else the
    /// one that it comes from.
    pub fn candidates(&self) -> Vec<Which> {
        match self.git_ref.release() {
            Some(release) => releases(&release),
            None => self.branches(),
        }
    }

    fn branches(&self) -> Vec<Which> {
        let mut found = Vec::new();
        for name in [Some(&self.git_ref), self.base.as_ref(), Some(&self.default_branch)].into_iter().flatten() {
            let which = Which::Ref(name.clone());
            if !found.contains(&which) {
                found.push(which);
            }
        }
        found
    }
}

/// For a pre-release, what is not released yet will do as well.
fn releases(release: &Version) -> Vec<Which> {
    let pre_release = release.is_prerelease().then_some(Requirement::LatestDev);
    [Requirement::Latest].into_iter().chain(pre_release).map(Which::Version).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn shown(text: &str) -> Result<Vec<String>, RequestError> {
        let Requests(requests) = text.parse()?;
        let place =
            |request: &Request| request.remote_path.as_ref().map_or(String::new(), |place| format!(" in {place}"));
        Ok(requests.iter().map(|one| format!("{}@{}{}", one.package, one.which, place(one))).collect())
    }

    #[test]
    fn packages_are_separated_by_lines_and_commas() {
        let cases: [(&str, &[&str]); 8] = [
            ("", &[]),
            ("\n , \n", &[]),
            ("vaccel", &["vaccel@auto"]),
            ("vaccel@auto\nvaccel-rust@^0.7", &["vaccel@auto", "vaccel-rust@^0.7"]),
            ("vaccel@auto, vaccel-rust@0.7.1, x1", &["vaccel@auto", "vaccel-rust@0.7.1", "x1@auto"]),
            ("vaccel@>=0.7, <0.9, rust@latest", &["vaccel@>=0.7, <0.9", "rust@latest"]),
            ("vaccel@ref:feat/x", &["vaccel@ref:feat/x"]),
            ("  vaccel-torch@latest-dev in plugins/torch\n", &["vaccel-torch@latest-dev in plugins/torch"]),
        ];
        for (text, expected) in cases {
            assert_eq!(shown(text).unwrap(), expected, "{text:?}");
        }
    }

    #[test]
    fn what_is_not_a_package_says_how_to_write_it() {
        let cases =
            ["Vaccel@latest", "vaccel@main", "vaccel@ref:a b", "vaccel@latest in a/../b", "a1, a1@latest", "@latest"];
        let said = cases.map(|text| shown(text).unwrap_err().to_string());
        insta::assert_snapshot!(said.join("\n"));
    }

    #[test]
    fn auto_leads_to_the_branch_of_the_same_name_or_to_a_release() {
        let candidates = |git_ref: &str, base: Option<&str>, default: &str| -> Vec<String> {
            let name = |text: &str| text.parse().unwrap();
            let purpose = Purpose { git_ref: name(git_ref), base: base.map(name), default_branch: name(default) };
            purpose.candidates().iter().map(ToString::to_string).collect()
        };
        assert_eq!(candidates("main", None, "main"), ["ref:main"]);
        assert_eq!(candidates("feat/x", None, "main"), ["ref:feat/x", "ref:main"]);
        assert_eq!(candidates("feat/x", Some("main"), "main"), ["ref:feat/x", "ref:main"]);
        assert_eq!(candidates("feat/x", Some("release/1.x"), "main"), ["ref:feat/x", "ref:release/1.x", "ref:main"]);
        assert_eq!(candidates("v0.7.1", None, "main"), ["latest"]);
        assert_eq!(candidates("v0.8.0-rc.1", None, "main"), ["latest", "latest-dev"]);
        // Not a version, so it is a branch.
        assert_eq!(candidates("v1", None, "trunk"), ["ref:v1", "ref:trunk"]);
    }

    proptest! {
        #[test]
        fn any_text_is_a_list_or_an_error(text in "[a-z0-9@:,. \\n^<>=*/-]{0,40}") {
            if let Ok(Requests(requests)) = text.parse::<Requests>() {
                for request in requests {
                    let again: Request = format!("{}@{}", request.package, request.which).parse().unwrap();
                    prop_assert_eq!((again.package, again.which), (request.package, request.which));
                }
            }
        }
    }
}
