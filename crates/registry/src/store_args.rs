// SPDX-License-Identifier: Apache-2.0
//! The store's inputs, the same for every action that has them.

use crate::settings::without_user;
use crate::{Addressing, BasePath, Credentials, Settings, Store};
use std::convert::Infallible;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;
use toolkit::{Failure, ResultExt, Runner, Secret};

/// Where the store is, and who we are to it.
#[derive(clap::Args, Clone, Debug)]
pub struct StoreArgs {
    /// Address of the store: an S3-compatible one, `https://host[:port]` (plain HTTP only for this machine), any web
    /// server to read from, or a folder, `file:///folder`.
    #[arg(long)]
    pub endpoint_url: Endpoint,
    /// Region that requests are signed for.
    #[arg(long, default_value = "us-east-1")]
    pub region: String,
    /// Bucket; absent for a web server, which can be read only, and for a folder.
    #[arg(long)]
    pub bucket: Option<String>,
    /// How the bucket is addressed: path, or virtual for `https://<bucket>.<host>`.
    #[arg(long, value_enum, default_value_t = Addressing::Path)]
    pub addressing: Addressing,
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
            bucket: self.bucket.clone().unwrap_or_default(),
            addressing: self.addressing,
            credentials: self.credentials(without, runner)?,
            ca_bundle,
            allow_http: self.allow_http,
            time_limit: Duration::from_mins(1) * self.time_limit,
        };
        match settings.folder() {
            Some(folder) if without == Without::Anonymous && !folder.is_dir() => {
                return Err(Failure::input(format!("there is no folder {}", folder.display()))
                    .help("check endpoint-url and bucket, and that the folder is mounted"));
            }
            None if without == Without::DefaultChain && settings.bucket.is_empty() => {
                return Err(Failure::input("bucket is missing").help("give bucket; a web server can only be read"));
            }
            _ => {}
        }
        Store::connect(settings).await.map_err(crate::RegistryError::into_failure)
    }

    fn credentials(&self, without: Without, runner: &Runner) -> toolkit::Result<Credentials> {
        match (&self.access_key, &self.secret_key) {
            (Some(access_key), Some(secret_key)) => Ok(Credentials::Keys {
                access_key: access_key.clone(),
                secret_key: secret_key.clone(),
                session_token: self.session_token.clone(),
            }),
            (None, None) if without == Without::Anonymous && !has_identity(runner) => Ok(Credentials::Anonymous),
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

/// Whether the default chain would find somebody. Its last provider is a network address that only
/// machines of a cloud have, and elsewhere the search for it takes seconds.
fn has_identity(runner: &Runner) -> bool {
    const VARIABLES: [&str; 5] = [
        "AWS_ACCESS_KEY_ID",
        "AWS_PROFILE",
        "AWS_WEB_IDENTITY_TOKEN_FILE",
        "AWS_CONTAINER_CREDENTIALS_FULL_URI",
        "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    ];
    let file = |variable: &str, name: &str| {
        let given = runner.env(variable).map(PathBuf::from);
        let place = given.or_else(|| Some(PathBuf::from(runner.env("HOME")?).join(".aws").join(name)));
        place.is_some_and(|place| place.is_file())
    };
    let in_cloud = || {
        let vendor = std::fs::read_to_string("/sys/class/dmi/id/sys_vendor").unwrap_or_default();
        vendor.contains("Amazon EC2") && runner.env("AWS_EC2_METADATA_DISABLED").as_deref() != Some("true")
    };
    VARIABLES.iter().any(|name| runner.env(name).is_some())
        || file("AWS_SHARED_CREDENTIALS_FILE", "credentials")
        || file("AWS_CONFIG_FILE", "config")
        || in_cloud()
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
