// SPDX-License-Identifier: Apache-2.0
//! What a package says about itself to people and to dpkg: parsed once, so that nothing in it can
//! break out of its field.

use crate::subject::Subject;
use artifact::PackageName;
use toolkit::{Failure, List, Result};

/// Who publishes when neither inputs nor the repository tell.
const DEFAULT_OWNER: &str = "nubificus";
/// Where a package belongs that nobody has assigned.
const DEFAULT_SECTION: &str = "misc";

/// The inputs about it. What they leave open is taken from `.github/vaccel-ci.toml`.
#[derive(clap::Args, Clone, Debug, Default)]
pub struct MetadataArgs {
    /// What the package is: one line, and more lines after it if wanted.
    ///
    /// The default names the repository that it was built from.
    #[arg(long)]
    pub description: Option<String>,

    /// Who answers for the package, as `Name <address>`. The default is the repository's owner.
    #[arg(long)]
    pub maintainer: Option<String>,

    /// The section of the archive that the Debian package belongs to. The default is `misc`.
    #[arg(long)]
    pub section: Option<String>,

    /// Packages that the Debian package depends on beside those of the libraries it needs, as in
    /// `vaccel (>= 0.7)`, separated by commas.
    #[arg(long)]
    pub depends: Option<List>,

    /// The project's page. The default is that of the repository.
    #[arg(long)]
    pub homepage: Option<String>,

    /// The licence as an SPDX expression. By default it is taken from the licence file of the
    /// source tree.
    #[arg(long)]
    pub license: Option<String>,
}

/// What a package says about itself.
#[derive(Clone, Debug)]
pub struct Metadata {
    /// `Name <address>`.
    pub maintainer: String,
    /// The section of the archive.
    pub section: String,
    /// Dependencies that the caller names.
    pub depends: Vec<String>,
    /// The project's page.
    pub homepage: Option<String>,
    /// SPDX expression.
    pub license: Option<String>,
    /// A synopsis, and perhaps more lines.
    pub description: String,
}

impl Metadata {
    /// Checks what is given and fills in the rest.
    pub fn new(given: &MetadataArgs, subject: &Subject) -> Result<Self> {
        let owner = subject.origin.owner().unwrap_or(DEFAULT_OWNER);
        let default_maintainer = || format!("{owner} <{owner}@users.noreply.github.com>");
        let metadata = Self {
            maintainer: given.maintainer.clone().unwrap_or_else(default_maintainer),
            section: given.section.clone().unwrap_or_else(|| DEFAULT_SECTION.to_owned()),
            depends: given.depends.as_deref().unwrap_or_default().to_vec(),
            homepage: given.homepage.clone().or_else(|| subject.origin.page.clone()),
            license: given.license.clone(),
            description: given.description.clone().unwrap_or_else(|| description(subject)),
        };
        metadata.check()?;
        Ok(metadata)
    }

    fn check(&self) -> Result<()> {
        let license = self.license.as_deref().unwrap_or("none");
        let homepage = self.homepage.as_deref().unwrap_or("https://x");
        let checks = [
            ("maintainer", &*self.maintainer, is_maintainer(&self.maintainer), "`Name <address>`"),
            ("section", &self.section, is_section(&self.section), "lower-case letters, digits, `-` and `/`"),
            ("homepage", homepage, is_page(homepage), "an address that begins with https:// or http://"),
            ("license", license, is_license(license), "an SPDX expression such as `Apache-2.0 OR MIT`"),
            ("description", &self.description, is_description(&self.description), "text that begins with a sentence"),
        ];
        for (name, value, fits, expected) in checks {
            if !fits {
                return Err(Failure::input(format!("invalid {name} {value:?}: expected {expected}")));
            }
        }
        match self.depends.iter().find(|item| !is_dependency(item)) {
            Some(item) => Err(Failure::input(format!("invalid dependency {item:?}"))
                .help("write `name`, `name (>= version)`, or alternatives with `|`, separated by commas")),
            None => Ok(()),
        }
    }
}

fn description(subject: &Subject) -> String {
    let Subject { package, version, build_type, commit, .. } = subject;
    let origin = if subject.origin.repository.is_empty() { "a local source tree" } else { &subject.origin.repository };
    format!("built by vaccel-ci from {origin}\nThis is {package} {version}, build type {build_type},\ncommit {commit}.")
}

fn is_maintainer(text: &str) -> bool {
    let Some((name, address)) = text.strip_suffix('>').and_then(|text| text.split_once(" <")) else { return false };
    let Some((user, host)) = address.split_once('@') else { return false };
    let plain = |part: &str| !part.is_empty() && !part.contains(|c: char| c.is_whitespace() || "<>@,".contains(c));
    !name.trim().is_empty()
        && !name.contains(|c: char| c.is_control() || "<>,".contains(c))
        && plain(user)
        && plain(host)
}

fn is_section(text: &str) -> bool {
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '/');
    !text.is_empty() && text.chars().all(allowed)
}

fn is_page(text: &str) -> bool {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://")).unwrap_or_default();
    !rest.is_empty() && !rest.contains(|c: char| c.is_whitespace() || c.is_control())
}

fn is_license(text: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '+' | '(' | ')' | ' ' | ':');
    !text.trim().is_empty() && text.chars().all(allowed)
}

fn is_description(text: &str) -> bool {
    text.lines().next().is_some_and(|line| !line.trim().is_empty())
        && !text.contains(|c: char| c.is_control() && !matches!(c, '\n' | '\t'))
}

/// `name[:arch] [(relation version)]`, alternatives separated by `|`.
fn is_dependency(text: &str) -> bool {
    text.split('|').map(str::trim).all(|item| {
        let (name, version) = match item.split_once('(') {
            Some((name, rest)) => (name.trim_end(), Some(rest)),
            None => (item, None),
        };
        let (name, arch) = name.split_once(':').unwrap_or((name, "any"));
        let arch_fits = !arch.is_empty() && arch.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
        name.parse::<PackageName>().is_ok() && arch_fits && version.is_none_or(is_relation)
    })
}

/// `>= 1.2)`: what follows the opening parenthesis.
fn is_relation(text: &str) -> bool {
    let Some(text) = text.strip_suffix(')') else { return false };
    let version = ["<<", "<=", ">=", ">>", "="].iter().find_map(|relation| text.strip_prefix(relation));
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '+' | '~' | ':' | '-');
    version.map(str::trim).is_some_and(|version| !version.is_empty() && version.chars().all(allowed))
}

#[cfg(test)]
mod tests;
