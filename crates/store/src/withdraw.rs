// SPDX-License-Identifier: Apache-2.0
//! `yank` and `unyank`.

use crate::{Answer, Scene};
use artifact::Version;
use registry::{RegistryError, maintain};
use toolkit::markdown::code;
use toolkit::{Failure, Result};

pub async fn yank(scene: &Scene<'_>) -> Result<Answer> {
    let reason = scene.args.reason.as_deref().filter(|reason| !reason.trim().is_empty());
    let reason = reason.ok_or_else(|| {
        Failure::input("reason is missing").help("give a reason; whoever fetches this version exactly reads it")
    })?;
    let (package, version) = (scene.package()?, version(scene)?);
    let yanking = maintain::yank(&scene.store, &scene.base, package, version, reason, scene.signing_key.as_ref());
    let changed = yanking.await.map_err(RegistryError::into_failure)?;
    answer(scene, version, changed, "yanked")
}

pub async fn unyank(scene: &Scene<'_>) -> Result<Answer> {
    let (package, version) = (scene.package()?, version(scene)?);
    let unyanking = maintain::unyank(&scene.store, &scene.base, package, version, scene.signing_key.as_ref());
    let changed = unyanking.await.map_err(RegistryError::into_failure)?;
    answer(scene, version, changed, "not yanked")
}

fn version<'a>(scene: &'a Scene<'_>) -> Result<&'a Version> {
    let missing = || Failure::input("version is missing").help("give the version of the release");
    scene.args.version.as_ref().ok_or_else(missing)
}

fn answer(scene: &Scene<'_>, version: &Version, changed: bool, state: &str) -> Result<Answer> {
    let package = scene.package()?;
    let now = if changed { "is now" } else { "was already" };
    let text = format!("{package} {version} {now} {state}");
    let summary = format!("## {} {} {now} {state}\n", code(package.as_str()), code(&version.to_string()));
    let value = serde_json::json!({ "package": package, "version": version, "changed": changed, "state": state });
    Answer::new(&value, text, summary)
}
