// SPDX-License-Identifier: Apache-2.0
//! What the settings of the repository say of the package: `[package.<name>]`, for repositories with several.

use crate::Args;
use artifact::{PackageName, SETTINGS};
use serde::Deserialize;
use std::collections::BTreeMap;
use toolkit::{Failure, Result};

#[derive(Default, Deserialize)]
struct Settings {
    #[serde(default)]
    package: BTreeMap<PackageName, Package>,
}

/// A package of the repository.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Package {
    /// Options of the build system, beside those that all have.
    pub options: Vec<String>,
    /// Which files of the install tree are this package's, as globs.
    pub files: Vec<String>,
    /// Its place in the store.
    pub remote_path: Option<String>,
}

/// The settings of the package that is planned.
pub fn settings(args: &Args) -> Result<Package> {
    let path = args.source_path.join(SETTINGS);
    let Settings { mut package } = toolkit::read_toml(&path)?;
    if package.is_empty() {
        return Ok(Package { remote_path: args.remote_path.clone(), ..Package::default() });
    }
    if !package.contains_key(&args.package) {
        let names: Vec<_> = package.keys().map(|name| format!("[package.{name}]")).collect();
        return Err(Failure::input(format!(
            "{} has {}, and not [package.{}]",
            path.display(),
            names.join(", "),
            args.package
        ))
        .help("correct the input package, or add the table"));
    }
    if let (Some(place), Some(own)) = (&args.remote_path, package.get_mut(&args.package)) {
        own.remote_path = Some(place.clone());
    }
    let mut places: BTreeMap<String, &PackageName> = BTreeMap::new();
    for (name, settings) in &package {
        let place = settings.remote_path.as_deref().unwrap_or(name.as_str()).trim_matches('/').to_owned();
        if let Some(other) = places.insert(place.clone(), name) {
            return Err(Failure::input(format!("the packages {other} and {name} are published to one place, {place}"))
                .help(format!("give each a remote-path of its own in {}", path.display())));
        }
    }
    Ok(package.remove(&args.package).unwrap_or_default())
}
