// SPDX-License-Identifier: Apache-2.0
//! What differs from site to site: addresses, remotes and sizes, in a file that stays private.

use super::error::{RunnersError, Source};
use super::registry::Runners;
use super::size::Size;
use serde::Deserialize;
use std::collections::BTreeMap;
use toml::Spanned;

/// An overlay of the registry.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
pub struct Site {
    /// Addresses of the cluster.
    #[serde(default)]
    pub k3s: SiteK3s,
    /// Names of the metal.
    #[serde(default)]
    pub incus: SiteIncus,
    /// Where images are, if not where the registry says.
    #[serde(default)]
    pub image_registry: Option<String>,
    /// Sizes per tag.
    #[serde(default)]
    #[cfg_attr(feature = "schemars", schemars(with = "BTreeMap<String, SiteTag>"))]
    pub tags: BTreeMap<Spanned<String>, SiteTag>,
}

/// Addresses of the cluster.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
pub struct SiteK3s {
    /// Address of the server.
    #[serde(default)]
    pub server: Option<String>,
    /// Where releases of K3s are.
    #[serde(default)]
    pub download: Option<String>,
    /// File on each node that holds the join token.
    #[serde(default)]
    pub token_file: Option<String>,
    /// Mirrors of image registries.
    #[serde(default)]
    pub mirrors: Option<BTreeMap<String, Vec<String>>>,
}

/// Names of the metal.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
pub struct SiteIncus {
    /// The remote per architecture.
    #[serde(default)]
    pub remotes: BTreeMap<String, String>,
    /// The storage pool.
    #[serde(default)]
    pub pool: Option<String>,
    /// Its driver.
    #[serde(default)]
    pub pool_driver: Option<String>,
    /// The bridge.
    #[serde(default)]
    pub network: Option<String>,
    /// Its address.
    #[serde(default)]
    pub subnet: Option<String>,
}

/// What a site changes of a tag.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
pub struct SiteTag {
    /// Resources and number.
    #[cfg_attr(feature = "schemars", schemars(with = "Size"))]
    pub size: Spanned<Size>,
}

impl Site {
    /// Reads an overlay and applies it to a registry.
    pub fn apply(file: &str, text: &str, runners: &mut Runners) -> Result<(), RunnersError> {
        let source = Source { file, text };
        let site: Self = toml::from_str(text).map_err(|error| source.malformed(&error))?;
        for (name, tag) in &site.tags {
            let Some(known) = runners.tags.get_mut(name.get_ref()) else {
                let message = format!("the registry has no tag {:?} that a site could change", name.get_ref());
                return Err(source.error(Some(name.span()), message));
            };
            if let Some(fault) = tag.size.get_ref().fault() {
                return Err(source.error(Some(tag.size.span()), fault));
            }
            known.size = Some(tag.size.get_ref().clone());
        }
        let Some(fleet) = &mut runners.fleet else {
            return Err(source.error(None, "the registry has no [fleet] that a site could change"));
        };
        if let Some(server) = &site.k3s.server
            && !server.starts_with("https://")
        {
            let message = format!("{server:?} is not a valid K3s server; write https://<host>:6443");
            return Err(source.error(None, message));
        }
        set(&mut fleet.k3s.server, site.k3s.server);
        set(&mut fleet.k3s.download, site.k3s.download);
        set(&mut fleet.k3s.token_file, site.k3s.token_file);
        set(&mut fleet.k3s.mirrors, site.k3s.mirrors);
        set(&mut fleet.image_registry, site.image_registry);
        fleet.incus.remotes.extend(site.incus.remotes);
        set(&mut fleet.incus.pool, site.incus.pool);
        set(&mut fleet.incus.pool_driver, site.incus.pool_driver);
        set(&mut fleet.incus.network, site.incus.network);
        set(&mut fleet.incus.subnet, site.incus.subnet);
        Ok(())
    }
}

fn set<T>(target: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *target = value;
    }
}
