//! How to reach a store.

use crate::RegistryError;
use std::time::Duration;

/// Who we are to the store.
#[derive(Clone)]
pub enum Credentials {
    /// A key pair, with a session token if it is temporary.
    Keys {
        /// The access key.
        access_key: toolkit::Secret,
        /// The secret key.
        secret_key: toolkit::Secret,
        /// The session token.
        session_token: Option<toolkit::Secret>,
    },
    /// What the environment, a profile or a web identity offers.
    DefaultChain,
    /// Nobody.
    Anonymous,
}

/// Address, bucket and credentials of a store.
#[derive(Clone)]
pub struct Settings {
    /// `https://host[:port]`.
    pub endpoint: String,
    /// The region that requests are signed for.
    pub region: String,
    /// The bucket.
    pub bucket: String,
    /// Who we are.
    pub credentials: Credentials,
    /// Certificates of a private authority, as PEM.
    pub ca_bundle: Option<Vec<u8>>,
    /// Whether plain HTTP is acceptable for a host that is not this machine.
    pub allow_http: bool,
}

impl Settings {
    /// How long a connection may take.
    pub(crate) const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
    /// How long the store may be silent.
    pub(crate) const READ_TIMEOUT: Duration = Duration::from_mins(1);

    /// Refuses an endpoint that is no address, or that would carry data in the clear.
    pub(crate) fn check(&self) -> Result<(), RegistryError> {
        let invalid = |reason| RegistryError::Endpoint { endpoint: self.endpoint.clone(), reason };
        let (scheme, rest) = self.endpoint.split_once("://").ok_or_else(|| invalid("it has no https:// in front"))?;
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        if authority.is_empty() || authority.contains('@') {
            return Err(invalid("it names no host, or credentials"));
        }
        match scheme {
            "https" => Ok(()),
            "http" if self.allow_http || is_loopback(authority) => Ok(()),
            "http" => Err(invalid("plain HTTP is for this machine only; use https, or allow-http")),
            _ => Err(invalid("it is neither https nor http")),
        }
    }
}

fn is_loopback(authority: &str) -> bool {
    let host = match authority.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => authority.rsplit_once(':').map_or(authority, |(host, _)| host),
    };
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoints_are_checked() {
        let check = |endpoint: &str, allow_http| {
            let settings = Settings {
                endpoint: endpoint.to_owned(),
                region: "us-east-1".into(),
                bucket: "artifacts".into(),
                credentials: Credentials::Anonymous,
                ca_bundle: None,
                allow_http,
            };
            settings.check().is_ok()
        };
        for endpoint in ["https://s3.example.org", "http://127.0.0.1:8333", "http://localhost", "http://[::1]:9000"] {
            assert!(check(endpoint, false), "{endpoint}");
        }
        for endpoint in [
            "",
            "s3.example.org",
            "ftp://x",
            "https://",
            "https://user:pass@host",
            "http://10.0.0.1",
            "http://localhost.evil.org",
        ] {
            assert!(!check(endpoint, false), "{endpoint}");
        }
        assert!(check("http://10.0.0.1:9000", true));
    }
}
