// SPDX-License-Identifier: Apache-2.0
//! How to reach a store.

use crate::RegistryError;
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use std::path::PathBuf;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Seconds since the epoch.
pub(crate) fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}

/// How a bucket is addressed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Addressing {
    /// As the first part of the path.
    #[default]
    Path,
    /// As a part of the host's name.
    Virtual,
}

/// Who we are to the store.
#[derive(Clone, Default)]
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
    #[default]
    Anonymous,
}

/// Address, bucket and credentials of a store.
#[derive(Clone)]
pub struct Settings {
    /// `https://host[:port]`, or `file:///folder`.
    pub endpoint: String,
    /// The region that requests are signed for.
    pub region: String,
    /// The bucket; empty for a web server, which can be read only, and for a folder.
    pub bucket: String,
    /// How the bucket is addressed.
    pub addressing: Addressing,
    /// Who we are.
    pub credentials: Credentials,
    /// Certificates of a private authority, as PEM.
    pub ca_bundle: Option<Vec<u8>>,
    /// Whether plain HTTP is acceptable for a host that is not this machine.
    pub allow_http: bool,
    /// How long a publication or a fetch may take, with all its attempts.
    pub time_limit: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            endpoint: String::new(),
            region: "us-east-1".to_owned(),
            bucket: String::new(),
            addressing: Addressing::default(),
            credentials: Credentials::default(),
            ca_bundle: None,
            allow_http: false,
            time_limit: Duration::from_hours(1),
        }
    }
}

impl Settings {
    /// How long a connection may take.
    pub(crate) const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
    /// How often a request is made before its failure counts.
    pub(crate) const ATTEMPTS: u32 = 6;
    /// How long the store may take to begin its answer.
    pub(crate) const READ_TIMEOUT: Duration = Duration::from_mins(1);

    /// The folder that is the store, if it is one.
    pub(crate) fn folder(&self) -> Option<PathBuf> {
        let folder = PathBuf::from(self.endpoint.strip_prefix("file://")?);
        Some(if self.bucket.is_empty() { folder } else { folder.join(&self.bucket) })
    }

    /// Refuses what would fail later, and with a worse message.
    pub(crate) fn check(&self) -> Result<(), RegistryError> {
        self.check_endpoint()?;
        self.ca_bundle.as_deref().map_or(Ok(()), check_certificates)
    }

    /// Refuses an endpoint that is no address, or that would carry data in the clear.
    fn check_endpoint(&self) -> Result<(), RegistryError> {
        let invalid = |reason| RegistryError::Endpoint { endpoint: without_user(&self.endpoint), reason };
        if let Some(folder) = self.endpoint.strip_prefix("file://") {
            let plain = |text: &str| !text.split('/').any(|part| part == "..");
            return if folder.starts_with('/') && plain(&self.bucket) {
                Ok(())
            } else {
                Err(invalid("a folder is given as an absolute path, file:///folder"))
            };
        }
        let (scheme, rest) = self.endpoint.split_once("://").ok_or_else(|| invalid("it has no https:// in front"))?;
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        if authority.is_empty() || authority.contains('@') {
            return Err(invalid("it names no host, or credentials"));
        }
        match scheme {
            "https" => Ok(()),
            "http" if self.allow_http || is_loopback(authority) => Ok(()),
            "http" => Err(invalid("plain HTTP is for this machine only; use https, or allow-http")),
            _ => Err(invalid("it is neither https nor http, nor file")),
        }
    }
}

/// The client takes certificates without a look, and panics on one that is none.
fn check_certificates(pem: &[u8]) -> Result<(), RegistryError> {
    let invalid = |reason: String| RegistryError::CaBundle(reason);
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem) {
        let certificate = certificate.map_err(|error| invalid(format!("it is not PEM ({error})")))?;
        roots.add(certificate).map_err(|error| invalid(format!("a certificate is damaged ({error})")))?;
    }
    if roots.is_empty() { Err(invalid("it has no certificate".to_owned())) } else { Ok(()) }
}

/// The address without user information, which may be a password and must not be shown.
pub(crate) fn without_user(endpoint: &str) -> String {
    let start = endpoint.find("://").map_or(0, |index| index + "://".len());
    let (scheme, rest) = endpoint.split_at(start);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    match authority.rfind('@') {
        Some(at) => format!("{scheme}***{}", &rest[at..]),
        None => endpoint.to_owned(),
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
                bucket: "artifacts".into(),
                allow_http,
                ..Settings::default()
            };
            settings.check().is_ok()
        };
        for endpoint in [
            "https://s3.example.org",
            "http://127.0.0.1:8333",
            "http://localhost",
            "http://[::1]:9000",
            "file:///srv/store",
        ] {
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
            "file://store",
        ] {
            assert!(!check(endpoint, false), "{endpoint}");
        }
        assert!(check("http://10.0.0.1:9000", true));
    }

    #[test]
    fn certificates_are_checked() {
        let framed = |body: &str| format!("-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----\n");
        let cases = [String::new(), "certificate".to_owned(), framed("!"), framed("AAAA")];
        let said: Vec<_> =
            cases.iter().map(|pem| check_certificates(pem.as_bytes()).unwrap_err().to_string()).collect();
        insta::assert_snapshot!(said.join("\n"), @r"
        the CA bundle is not usable: it has no certificate
        the CA bundle is not usable: it has no certificate
        the CA bundle is not usable: it is not PEM (base64 decode error: InvalidCharacter(33))
        the CA bundle is not usable: a certificate is damaged (invalid peer certificate: BadEncoding)
        ");
    }

    #[test]
    fn user_information_is_not_shown() {
        let cases = [
            ("https://user:hunter2@host/x", "https://***@host/x"),
            ("user:hunter2@host", "***@host"),
            ("https://a@hunter2@host", "https://***@host"),
            ("https://host/a@b", "https://host/a@b"),
        ];
        for (endpoint, shown) in cases {
            assert_eq!(without_user(endpoint), shown);
        }
    }
}
