// SPDX-License-Identifier: Apache-2.0
//! The files of a fleet, from its registry. Equal input gives equal bytes; nothing is read or written here.

pub mod arc;
pub mod bootstrap;
mod image;
mod incus;
mod page;
mod workflows;

use crate::images::Images;
use crate::pins::Pins;
use crate::sets::Sets;
use artifact::runners::{Host, Runners};
use std::collections::BTreeMap;

/// The files by path below the output folder.
pub type Files = BTreeMap<String, File>;

/// One file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// Its text.
    pub text: String,
    /// Whether it can be started.
    pub executable: bool,
}

/// What is rendered, from what.
pub struct Input<'a> {
    /// The registry, with what the site changes.
    pub runners: &'a Runners,
    /// The registry's text, which images keep for `doctor`.
    pub text: &'a str,
    /// The images that were tested.
    pub images: &'a Images,
    /// Whether addresses of a site are in it, so that it must not be committed.
    pub private: bool,
}

/// Every file of the fleet.
///
/// # Errors
/// A sentence that says what the registry lacks.
pub fn render(input: &Input<'_>) -> Result<Files, String> {
    let sets = Sets::of(input.runners)?;
    let mut files = Files::new();
    let mut add = |path: String, text: String| {
        let executable = text.starts_with("#!");
        files.insert(path, File { text, executable });
    };
    add("arc/controller.yaml".to_owned(), arc::controller(&sets));
    add("arc/policies.yaml".to_owned(), arc::policies(&sets));
    add("arc/warm-images.yaml".to_owned(), arc::warm_images(&sets, input.images));
    for home in arc::homes(&sets) {
        for set in &sets.list {
            let text = arc::scale_set(&sets, set, &home, input.images);
            add(format!("arc/{}/{}.yaml", home.folder, set.label), text);
        }
    }
    for arch in artifact::Arch::ALL {
        if sets.on_metal(arch).next().is_none() {
            continue;
        }
        let folder = format!("incus/{}", arch.runner());
        for (name, text) in [
            ("acl.yaml", incus::acl(&sets)),
            ("network.yaml", incus::network(&sets)),
            ("pool.yaml", incus::pool(&sets)),
            ("project.yaml", incus::project(&sets, arch)),
            ("setup.sh", incus::setup_script(&sets, arch)),
            ("spawn.sh", incus::spawn_script(&sets, arch)),
        ] {
            add(format!("{folder}/{name}"), text);
        }
        for set in sets.on_metal(arch) {
            add(format!("{folder}/profiles/{}.yaml", set.label), incus::profile(&sets, set));
        }
    }
    for set in &sets.list {
        match set.entry.host {
            Host::Vm => add(format!("bootstrap/{}/user-data.yaml", set.label), bootstrap::user_data(&sets, set)),
            Host::Bare => add(format!("bootstrap/{}/join.sh", set.label), bootstrap::script(&sets, set)),
        }
    }
    let pins = Pins::ours();
    for (name, tag) in sets.image_tags() {
        let folder = format!("images/{name}");
        add(format!("{folder}/Containerfile"), image::containerfile(&sets, name, tag));
        add(format!("{folder}/install.sh"), image::install_script(&sets, tag));
        let requirements = image::requirements(tag, &pins).map_err(|error| format!("tags.{name}: {error}"))?;
        add(format!("{folder}/requirements.txt"), requirements);
        add(format!("{folder}/runners.toml"), input.text.to_owned());
    }
    add("workflows/runner-images.yml".to_owned(), workflows::images(&sets));
    add("workflows/runner-doctor.yml".to_owned(), workflows::doctor(&sets));
    add("README.md".to_owned(), page::render(&sets));
    // user data begins with #cloud-config, and commands of workflows can be long
    let lint = format!(
        "# {}\n---\nextends: default\nrules:\n  comments:\n    require-starting-space: false\n  line-length:\n    max: 120\n",
        crate::yaml::ORIGIN
    );
    add(".yamllint".to_owned(), lint);
    if input.private {
        add(".gitignore".to_owned(), "# Addresses of a site are in these files.\n*\n".to_owned());
    }
    Ok(files)
}
