// SPDX-License-Identifier: Apache-2.0
//! How a node joins the cluster: cloud-init for virtual machines, the same script for bare metal.

use super::arc::NODE_KEY;
use crate::sets::{ScaleSet, Sets};
use crate::yaml;
use serde_json::json;
use std::collections::BTreeMap;

/// Where the script is on a node.
const SCRIPT: &str = "/usr/local/sbin/vaccel-join";

/// The script that joins a machine for one scale set; POSIX sh.
pub fn script(sets: &Sets<'_>, set: &ScaleSet<'_>) -> String {
    let k3s = &sets.fleet.k3s;
    let mut packages = vec!["ca-certificates", "curl"];
    if !set.foreign.is_empty() {
        packages.extend(["binfmt-support", "qemu-user-static"]);
    }
    let values = [
        ("packages", packages.join(" ")),
        ("version", k3s.version.clone()),
        ("sha256", k3s.sha256.get(set.arch.runner()).map(ToString::to_string).unwrap_or_default()),
        ("url", download(sets, set)),
        ("server", k3s.server.clone()),
        ("token_file", k3s.token_file.clone()),
        ("label", set.label.to_owned()),
        ("foreign", set.foreign.iter().map(|arch| arch.qemu()).collect::<Vec<_>>().join(" ")),
        ("node_key", NODE_KEY.to_owned()),
        ("registries", registries(&k3s.mirrors)),
    ];
    let head = format!("#!/bin/sh\n# {}\n", yaml::ORIGIN.replace("from .github", "from\n# .github"));
    let mut text = include_str!("join.sh").replacen("#!/bin/sh\n", &head, 1);
    for (name, value) in values {
        text = text.replace(&format!("@{name}@"), &value);
    }
    text
}

/// The address of the agent's executable.
fn download(sets: &Sets<'_>, set: &ScaleSet<'_>) -> String {
    let k3s = &sets.fleet.k3s;
    let file = match set.arch.runner() {
        "amd64" => "k3s".to_owned(),
        "arm" => "k3s-armhf".to_owned(),
        other => format!("k3s-{other}"),
    };
    format!("{}/{}/{file}", k3s.download.trim_end_matches('/'), k3s.version.replace('+', "%2B"))
}

/// The step that writes the mirrors of image registries, or nothing.
fn registries(mirrors: &BTreeMap<String, Vec<String>>) -> String {
    if mirrors.is_empty() {
        return "rm -f /etc/rancher/k3s/registries.yaml".to_owned();
    }
    let mirrors: BTreeMap<_, _> =
        mirrors.iter().map(|(host, endpoint)| (host, json!({ "endpoint": endpoint }))).collect();
    let text = yaml::plain(&json!({ "mirrors": mirrors }));
    format!(
        "cat >/etc/rancher/k3s/registries.yaml <<'REGISTRIES'\n{text}REGISTRIES\nchmod 0600 /etc/rancher/k3s/registries.yaml"
    )
}

/// What cloud-init does on a new virtual machine.
pub fn user_data(sets: &Sets<'_>, set: &ScaleSet<'_>) -> String {
    let text = yaml::document(&json!({
        "runcmd": [[SCRIPT]],
        "write_files": [{ "content": script(sets, set), "path": SCRIPT, "permissions": "0755" }],
    }));
    format!("#cloud-config\n{text}")
}
