// SPDX-License-Identifier: Apache-2.0
//! Who may do what, and how it is said that somebody may not.

use crate::world::{World, secret, server, settings};
use anyhow::Result;
use registry::{Credentials, RegistryError, Settings, Store};
use std::time::{Duration, Instant};

async fn list(settings: Settings) -> Result<Vec<registry::Listed>, RegistryError> {
    let store = Store::connect(settings).await?;
    registry::list(&store, &"access".parse().unwrap(), &"hello".parse().unwrap()).await
}

fn keys(access_key: &str, secret_key: &str) -> Credentials {
    Credentials::Keys { access_key: secret(access_key), secret_key: secret(secret_key), session_token: None }
}

#[tokio::test]
async fn refusals_say_what_was_refused() {
    let cases = [
        ("anonymous", Settings { credentials: Credentials::Anonymous, ..settings() }),
        ("unknown key", Settings { credentials: keys("nobody", "nothing"), ..settings() }),
        ("wrong secret", Settings { credentials: keys(server().access_key(), "nothing"), ..settings() }),
        ("no bucket", Settings { bucket: "elsewhere".to_owned(), ..settings() }),
        ("tls to a plain port", Settings { endpoint: settings().endpoint.replace("http:", "https:"), ..settings() }),
        ("no pem", Settings { ca_bundle: Some(b"certificate".to_vec()), ..settings() }),
    ];
    let mut said = Vec::new();
    for (name, settings) in cases {
        let error = list(settings).await.expect_err(name);
        said.push(format!("{name}: {}\n", error.into_failure()));
    }
    insta::assert_snapshot!(said.join("\n").replace(&server().endpoint()["http://".len()..], "STORE"), @r#"
    anonymous: http://STORE denies access to access/hello/rev/
    help: give credentials that may do this, or check base-path

    unknown key: http://STORE does not accept the credentials (InvalidAccessKeyId)
    help: check access-key and secret-key, and that they are for this store

    wrong secret: http://STORE does not accept the credentials (SignatureDoesNotMatch)
    help: check access-key and secret-key, and that they are for this store

    no bucket: there is no bucket "elsewhere" at http://STORE
    help: check bucket and endpoint-url; the bucket is not made by itself

    tls to a plain port: could not reach https://STORE: received corrupt message of type InvalidContentType
    help: check endpoint-url, the network, and that the store is up

    no pem: the CA bundle is not usable: it has no certificate
    help: give ca-bundle as the path of a file with PEM certificates
    "#);
}

#[tokio::test]
async fn nobody_publishes_without_credentials() -> Result<()> {
    let world = World::new("access").await?;
    let bundle = world.bundle("main", "0.3.0", &[("a.txt", "x")])?;
    let store = Store::connect(Settings { credentials: Credentials::Anonymous, ..settings() }).await?;
    let options = registry::PublishOptions::default();
    let failed = registry::publish(&store, &world.base, &[bundle], &options, &|_, _| ()).await;
    assert!(matches!(failed, Err(RegistryError::Denied { .. })), "{failed:?}");
    assert_eq!(world.keys().await?, Vec::<String>::new());
    Ok(())
}

#[tokio::test]
async fn a_store_that_does_not_answer_is_given_up_soon() -> Result<()> {
    // The listener is gone when its port is asked.
    let endpoint = format!("http://{}", std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?);
    let started = Instant::now();
    let error = list(Settings { endpoint, ..settings() }).await.unwrap_err();
    assert!(matches!(error, RegistryError::Unreachable { .. }), "{error}");
    assert!(started.elapsed() < Duration::from_secs(10), "{:?}", started.elapsed());
    Ok(())
}
