// SPDX-License-Identifier: Apache-2.0
//! Reading the registry and the file of a site, which must not leak what it should not even hold.

use artifact::runners::{Runners, Site};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use toolkit::{Failure, Result, ResultExt};

/// The registry, with what a site changes.
pub struct RegistryFile {
    /// The registry.
    pub runners: Runners,
    /// Its text without the site.
    pub text: String,
}

impl RegistryFile {
    /// Reads both.
    pub fn read(path: &Path, site: Option<&Path>) -> Result<Self> {
        let text = std::fs::read_to_string(path)
            .input(format!("failed to read the registry {}", path.display()))
            .help("name it with --runners")?;
        if let Some(secret) = secret(&text) {
            return Err(Failure::input(format!("{} holds {secret}; it is public", path.display()))
                .help("name a secret there, and keep its value in the cluster"));
        }
        let mut runners =
            Runners::parse(&path.display().to_string(), &text).map_err(|e| Failure::from(e).as_input())?;
        if let Some(site) = site {
            apply(site, &mut runners)?;
        }
        Ok(Self { runners, text })
    }
}

fn apply(path: &Path, runners: &mut Runners) -> Result<()> {
    let shown = path.display();
    let text = std::fs::read_to_string(path).input(format!("failed to read the site {shown}"))?;
    let mode = std::fs::metadata(path).input(format!("failed to read the site {shown}"))?.permissions().mode();
    if let Some(secret) = secret(&text).filter(|_| mode & 0o044 != 0) {
        return Err(Failure::input(format!(
            "{shown} holds {secret} and others can read it (mode {:04o})",
            mode & 0o7777
        ))
        .help(format!("take it out, or at least run `chmod 0600 {shown}`")));
    }
    Site::apply(&shown.to_string(), &text, runners).map_err(|error| Failure::from(error).as_input())
}

/// What looks like a secret in a text, described without it.
fn secret(text: &str) -> Option<&'static str> {
    const BEGINNINGS: [(&str, &str); 9] = [
        ("ghp_", "a token of GitHub"),
        ("gho_", "a token of GitHub"),
        ("ghs_", "a token of GitHub"),
        ("ghr_", "a token of GitHub"),
        ("github_pat_", "a token of GitHub"),
        ("AKIA", "an access key of AWS"),
        ("-----BEGIN", "a private key or certificate"),
        ("K10", "a join token of K3s"),
        ("RWRTY0Iy", "a secret key of minisign"),
    ];
    let words = text.split(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '=' | ',' | '[' | ']'));
    for word in words.filter(|word| word.len() >= 10) {
        if let Some((_, what)) = BEGINNINGS.iter().find(|(beginning, _)| word.starts_with(beginning)) {
            return Some(what);
        }
        // https://user:password@host
        let authority = word.split_once("://").map(|(_, rest)| rest.split('/').next().unwrap_or_default());
        if authority.is_some_and(|authority| authority.split_once('@').is_some_and(|(user, _)| user.contains(':'))) {
            return Some("a password in an address");
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_recognised_and_names_are_not() {
        for text in [
            "x = \"ghp_0123456789abcdef\"",
            "x='github_pat_11AAAAAAA0'",
            "-----BEGIN RSA PRIVATE KEY-----",
            "token = K10abcdef0123456789::server:abc",
            "mirrors = { a = [\"https://me:pass@mirror\"] }",
        ] {
            assert!(secret(text).is_some(), "{text}");
        }
        for text in [
            "github-secret = \"github-app\"",
            "server = \"https://k3s.example.org:6443\"",
            "sha256 = { amd64 = \"6a2f5c8a0c5b4d3e\" }",
            "",
        ] {
            assert_eq!(secret(text), None, "{text}");
        }
    }
}
