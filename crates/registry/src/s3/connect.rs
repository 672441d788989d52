// SPDX-License-Identifier: Apache-2.0
//! Preparing a client: certificates, proxies, credentials, limits.

use super::retry;
use crate::RegistryError;
use crate::settings::{Addressing, Credentials, Settings};
use crate::store::innermost;
use aws_sdk_s3::Client;
use aws_sdk_s3::config::endpoint::{Endpoint, EndpointFuture, Params, ResolveEndpoint};
use aws_sdk_s3::config::retry::RetryConfig;
use aws_sdk_s3::config::timeout::TimeoutConfig;
use aws_sdk_s3::config::{
    BehaviorVersion, ProvideCredentials, Region, RequestChecksumCalculation, ResponseChecksumValidation,
    RuntimeComponents, SharedCredentialsProvider, SharedHttpClient, StalledStreamProtectionConfig,
};
use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore, rustls_provider::CryptoMode};
use aws_smithy_http_client::{Builder, Connector};

pub(super) async fn client(settings: &Settings) -> Result<Client, RegistryError> {
    let http = http(settings)?;
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(Settings::CONNECT_TIMEOUT)
        .read_timeout(Settings::READ_TIMEOUT)
        .build();
    let mut config = aws_sdk_s3::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .http_client(http.clone())
        .endpoint_url(&settings.endpoint)
        .region(Region::new(settings.region.clone()))
        .force_path_style(settings.addressing == Addressing::Path)
        .retry_config(
            RetryConfig::standard().with_max_attempts(Settings::ATTEMPTS).with_initial_backoff(retry::FIRST_PAUSE),
        )
        .retry_classifier(retry::Classifier)
        .timeout_config(timeouts)
        // Bodies that we send are watched by ourselves.
        .stalled_stream_protection(StalledStreamProtectionConfig::enabled().upload_enabled(false).build())
        // We send SHA-256 where it matters; other stores stumble over trailing checksums.
        .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
        // Files are compared with their manifest; hashing them twice would only cost time.
        .response_checksum_validation(ResponseChecksumValidation::WhenRequired);
    if settings.bucket.is_empty() {
        return Ok(Client::from_conf(
            config.endpoint_resolver(Fixed(settings.endpoint.clone())).allow_no_auth().build(),
        ));
    }
    match &settings.credentials {
        Credentials::Keys { access_key, secret_key, session_token } => {
            config = config.credentials_provider(aws_sdk_s3::config::Credentials::new(
                access_key.expose(),
                secret_key.expose(),
                session_token.as_ref().map(|token| token.expose().to_owned()),
                None,
                "inputs",
            ));
        }
        Credentials::DefaultChain => {
            let chain = aws_config::defaults(BehaviorVersion::latest())
                .http_client(http)
                .region(Region::new(settings.region.clone()))
                .load()
                .await;
            config = config.credentials_provider(asked_once(chain.credentials_provider()).await?);
        }
        Credentials::Anonymous => config = config.allow_no_auth(),
    }
    Ok(Client::from_conf(config.build()))
}

fn http(settings: &Settings) -> Result<SharedHttpClient, RegistryError> {
    let mut trust = TrustStore::default();
    if let Some(pem) = &settings.ca_bundle {
        trust = trust.with_pem_certificate(pem.clone());
    }
    if settings.endpoint.starts_with("http://") && !matches!(settings.credentials, Credentials::DefaultChain) {
        // Nothing is encrypted, and the system's certificates are hundreds of files to read.
        trust = trust.with_native_roots(false);
    }
    let tls = TlsContext::builder().with_trust_store(trust).build();
    let tls = tls.map_err(|error| RegistryError::CaBundle(error.to_string()))?;
    Ok(Builder::new().build_with_connector_fn(move |settings, components| {
        let mut connector = Connector::builder().proxy_config(ProxyConfig::from_env());
        connector.set_connector_settings(settings.cloned());
        connector.set_sleep_impl(components.and_then(RuntimeComponents::sleep_impl));
        connector.tls_provider(Provider::Rustls(CryptoMode::Ring)).tls_context(tls.clone()).build()
    }))
}

/// A web server: keys are paths below its address, and there is no bucket.
#[derive(Debug)]
struct Fixed(String);

impl ResolveEndpoint for Fixed {
    fn resolve_endpoint<'a>(&'a self, _: &'a Params) -> EndpointFuture<'a> {
        EndpointFuture::ready(Ok(Endpoint::builder().url(self.0.trim_end_matches('/').to_owned()).build()))
    }
}

/// The provider, asked once: a request that could not be signed would say less.
async fn asked_once(provider: Option<SharedCredentialsProvider>) -> Result<SharedCredentialsProvider, RegistryError> {
    let provider = provider.ok_or_else(|| RegistryError::NoCredentials("there is no provider".to_owned()))?;
    match provider.provide_credentials().await {
        Ok(_) => Ok(provider),
        Err(error) => Err(RegistryError::NoCredentials(innermost(&error))),
    }
}
