// SPDX-License-Identifier: Apache-2.0
//! Where the source comes from: the repository's name and its page.

/// The repository that was built.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Origin {
    /// `owner/name`; empty if nobody knows.
    pub repository: String,
    /// Its page in the web.
    pub page: Option<String>,
}

impl Origin {
    /// A repository on a server that is known to be GitHub's.
    pub fn on_server(server: &str, repository: &str) -> Self {
        Self { repository: repository.to_owned(), page: Some(format!("{}/{repository}", server.trim_end_matches('/'))) }
    }

    /// What the address of a git remote tells. Credentials in it are left behind.
    pub fn of_remote(address: &str) -> Self {
        Self::parse_remote(address).unwrap_or_default()
    }

    fn parse_remote(address: &str) -> Option<Self> {
        let (place, path) = match address.split_once("://") {
            Some(("https" | "http" | "ssh" | "git", rest)) => rest.split_once('/')?,
            Some(_) => return None,
            // `user@host:path`; a folder of this machine has no user.
            None => address.split_once(':').filter(|(place, _)| place.contains('@'))?,
        };
        let host = place.rsplit('@').next()?.split(':').next()?;
        let path = path.trim_matches('/');
        let path = path.strip_suffix(".git").unwrap_or(path);
        let (owner, name) = path.rsplit_once('/')?;
        let fits = |part: &str| {
            !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '/'))
        };
        if !fits(host) || !fits(owner) || !fits(name) {
            return None;
        }
        Some(Self { repository: format!("{owner}/{name}"), page: Some(format!("https://{host}/{owner}/{name}")) })
    }

    /// Whose repository it is.
    pub fn owner(&self) -> Option<&str> {
        self.repository.split_once('/').map(|(owner, _)| owner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn remotes_name_their_repository() {
        let hello = ("nubificus/plugin-hello", Some("https://github.com/nubificus/plugin-hello"));
        let cases = [
            ("https://github.com/nubificus/plugin-hello.git", hello),
            ("https://github.com/nubificus/plugin-hello/", hello),
            ("https://user:token@github.com/nubificus/plugin-hello", hello),
            ("git@github.com:nubificus/plugin-hello.git", hello),
            ("ssh://git@github.com:22/nubificus/plugin-hello.git", hello),
            ("https://git.example.org/group/sub/x", ("group/sub/x", Some("https://git.example.org/group/sub/x"))),
            ("/srv/git/plugin-hello.git", ("", None)),
            ("../plugin-hello", ("", None)),
            ("file:///srv/git/plugin-hello", ("", None)),
            ("https://github.com/", ("", None)),
            ("https://github.com/a b/c", ("", None)),
        ];
        for (address, (repository, page)) in cases {
            let origin = Origin::of_remote(address);
            assert_eq!((origin.repository.as_str(), origin.page.as_deref()), (repository, page), "{address}");
        }
    }

    #[test]
    fn the_owner_comes_first() {
        assert_eq!(Origin::on_server("https://github.com/", "nubificus/x").owner(), Some("nubificus"));
        assert_eq!(Origin::default().owner(), None);
    }
}
