// SPDX-License-Identifier: Apache-2.0
//! The store's inputs, the same for every action that has them.

use crate::settings::without_user;
use crate::{BasePath, Credentials, Settings, Store};
use std::convert::Infallible;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;
use toolkit::{Failure, ResultExt, Runner, Secret};

/// Where the store is, and who we are to it.
#[derive(clap::Args, Debug)]
pub struct StoreArgs {
    /// Address of the S3-compatible store, `https://host[:port]`; plain HTTP only for this machine.
    #[arg(long)]
    pub endpoint_url: Endpoint,
    /// Region that requests are signed for.
    #[arg(long, default_value = "us-east-1")]
    pub region: String,
    /// Bucket.
    #[arg(long)]
    pub bucket: String,
    /// What comes before the package's name in every key.
    #[arg(long)]
    pub base_path: Option<BasePath>,
    /// Access key; absent, the environment's, a profile's or a web identity's credentials.
    #[arg(long)]
    pub access_key: Option<Secret>,
    /// Secret key; goes with the access key.
    #[arg(long)]
    pub secret_key: Option<Secret>,
    /// Session token of temporary keys.
    #[arg(long)]
    pub session_token: Option<Secret>,
    /// File with the certificates of a private authority, as PEM.
    #[arg(long)]
    pub ca_bundle: Option<PathBuf>,
    /// Whether plain HTTP is acceptable for another machine.
    #[arg(long, default_value_t = false)]
    pub allow_http: bool,
    /// Minutes after which an unfinished transfer is given up.
    #[arg(long, default_value_t = 60)]
    pub time_limit: u32,
}

/// An address as it was given; what is wrong with it is said later. It may hold a password, so it is
/// not shown as it is.
#[derive(Clone)]
pub struct Endpoint(String);

impl FromStr for Endpoint {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&without_user(&self.0))
    }
}

/// Who we are where nothing tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Without {
    /// Somebody that the default chain knows; writing needs a name.
    DefaultChain,
    /// Nobody, unless the environment has credentials; reading often needs none.
    Anonymous,
}

impl StoreArgs {
    /// What comes before the package's name.
    pub fn base_path(&self) -> BasePath {
        self.base_path.clone().unwrap_or_default()
    }

    /// Prepares the client.
    pub async fn connect(&self, without: Without, runner: &Runner) -> toolkit::Result<Store> {
        let ca_bundle = match &self.ca_bundle {
            Some(path) => Some(std::fs::read(path).input(format!("could not read ca-bundle {}", path.display()))?),
            None => None,
        };
        let settings = Settings {
            endpoint: self.endpoint_url.0.clone(),
            region: self.region.clone(),
            bucket: self.bucket.clone(),
            credentials: self.credentials(without, runner)?,
            ca_bundle,
            allow_http: self.allow_http,
            time_limit: Duration::from_mins(1) * self.time_limit,
        };
        Store::connect(settings).await.map_err(crate::RegistryError::into_failure)
    }

    fn credentials(&self, without: Without, runner: &Runner) -> toolkit::Result<Credentials> {
        /// Variables with which the default chain finds somebody without asking the network.
        const HINTS: [&str; 4] =
            ["AWS_ACCESS_KEY_ID", "AWS_PROFILE", "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_CONTAINER_CREDENTIALS_FULL_URI"];
        match (&self.access_key, &self.secret_key) {
            (Some(access_key), Some(secret_key)) => Ok(Credentials::Keys {
                access_key: access_key.clone(),
                secret_key: secret_key.clone(),
                session_token: self.session_token.clone(),
            }),
            (None, None) if without == Without::Anonymous && !HINTS.iter().any(|name| runner.env(name).is_some()) => {
                Ok(Credentials::Anonymous)
            }
            (None, None) => Ok(Credentials::DefaultChain),
            (given, _) => {
                let (given, missing) =
                    if given.is_some() { ("access-key", "secret-key") } else { ("secret-key", "access-key") };
                Err(Failure::input(format!("{given} is given without {missing}"))
                    .help("give both, or neither to use the environment's credentials"))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser, Debug)]
    struct Command {
        #[command(flatten)]
        store: StoreArgs,
    }

    #[test]
    fn secrets_do_not_show_themselves() {
        let given = ["--endpoint-url=https://user:hunter1@x", "--bucket=b", "--access-key=AK", "--secret-key=hunter2"];
        let command = Command::parse_from(["x"].into_iter().chain(given).chain(["--session-token=hunter3"]));
        let shown = format!("{command:?}");
        assert!(!shown.contains("hunter") && shown.contains("***"), "{shown}");
    }
}
