// SPDX-License-Identifier: Apache-2.0
//! Incus on the metal: project, storage, network and ACL, a profile per scale set, and the script that
//! spawns and retires virtual machines.

use super::bootstrap;
use crate::sets::{ScaleSet, Sets};
use crate::yaml;
use artifact::Arch;
use serde_json::{Map, Value, json};

/// Name of the network ACL of runner nodes.
pub const ACL: &str = "vaccel-runners";

/// A project with its own profiles; images, networks and pools are the server's.
pub fn project(sets: &Sets<'_>, arch: Arch) -> String {
    let instances: u32 = sets.on_metal(arch).map(|set| set.size.max).sum();
    yaml::document(&json!({
        "config": {
            "features.images": "false",
            "features.networks": "false",
            "features.profiles": "true",
            "features.storage.buckets": "false",
            "features.storage.volumes": "true",
            "limits.instances": instances.to_string(),
        },
        "description": "Runners of vaccel-ci",
    }))
}

/// The storage pool of all root disks.
pub fn pool(_: &Sets<'_>) -> String {
    yaml::document(&json!({ "config": {}, "description": "Root disks of runners" }))
}

/// The bridge of all nodes.
pub fn network(sets: &Sets<'_>) -> String {
    yaml::document(&json!({
        "config": {
            "ipv4.address": sets.fleet.incus.subnet,
            "ipv4.nat": "true",
            "ipv6.address": "none",
            // On the bridge, not on each NIC: Incus 6.0 cannot change an ACL that only profiles use.
            "security.acls": ACL,
        },
        "description": "Nodes of vaccel-ci",
    }))
}

/// Nodes reach each other and the Internet, and not the daemon on their metal.
pub fn acl(sets: &Sets<'_>) -> String {
    let gateway = sets.fleet.incus.subnet.split('/').next().unwrap_or_default();
    let rule = |rule: Value| rule;
    yaml::document(&json!({
        "config": {},
        "description": "What runner nodes may reach",
        "egress": [
            rule(json!({
                "action": "reject",
                "description": "The Incus API of the metal",
                "destination": format!("{gateway}/32"),
                "destination_port": "8443",
                "protocol": "tcp",
                "state": "enabled",
            })),
            rule(json!({
                "action": "reject",
                "description": "Metadata services",
                "destination": "169.254.0.0/16",
                "state": "enabled",
            })),
            rule(json!({ "action": "allow", "description": "Everything else", "state": "enabled" })),
        ],
        "ingress": [
            rule(json!({
                "action": "allow",
                "description": "Other nodes, for the cluster's own network",
                "source": sets.fleet.incus.subnet.clone(),
                "state": "enabled",
            })),
        ],
    }))
}

/// The profile of one scale set's nodes.
pub fn profile(sets: &Sets<'_>, set: &ScaleSet<'_>) -> String {
    let mut devices = Map::new();
    devices.insert("eth0".to_owned(), json!({ "name": "eth0", "network": sets.fleet.incus.network, "type": "nic" }));
    devices.insert(
        "root".to_owned(),
        json!({ "path": "/", "pool": sets.fleet.incus.pool, "size": set.size.disk.to_string(), "type": "disk" }),
    );
    if let Some(gpu) = set.gpu() {
        for number in 0..gpu.count {
            let mut device = json!({ "gputype": "physical", "type": "gpu" });
            if let (Some(device), Some(pci)) = (device.as_object_mut(), gpu.pci.get(number as usize)) {
                device.insert("pci".to_owned(), json!(pci));
            }
            devices.insert(format!("gpu{number}"), device);
        }
    }
    yaml::document(&json!({
        "config": {
            "boot.autostart": "true",
            "cloud-init.user-data": bootstrap::user_data(sets, set),
            "limits.cpu": set.size.cpu.to_string(),
            "limits.memory": set.size.memory.to_string(),
        },
        "description": format!("Nodes for {}", set.label),
        "devices": devices,
    }))
}

/// Creates what is missing, changes what differs and removes nothing that runs a job.
pub fn setup_script(sets: &Sets<'_>, arch: Arch) -> String {
    let incus = &sets.fleet.incus;
    let profiles: String = sets.on_metal(arch).map(|set| format!("apply profile {}\n", set.label)).collect();
    format!(
        r#"#!/bin/sh
# {origin}
# Creates or updates storage, network, ACL, project and profiles on one remote.
# Running it again changes nothing.
set -eu
cd -- "$(dirname -- "$0")"
remote=${{1:-{remote}}}
project={project}

exists() {{
  incus "$@" >/dev/null 2>&1
}}

# apply profile <name>: the profile as its file says.
apply() {{
  exists profile show "$remote:$2" --project "$project" ||
    incus profile create "$remote:$2" --project "$project"
  incus profile edit "$remote:$2" --project "$project" <"profiles/$2.yaml"
  echo "profile $2: up to date"
}}

exists storage show "$remote:{pool}" ||
  incus storage create "$remote:{pool}" {driver}
incus storage edit "$remote:{pool}" <pool.yaml 2>/dev/null || true
exists network acl show "$remote:{acl}" ||
  incus network acl create "$remote:{acl}"
incus network acl edit "$remote:{acl}" <acl.yaml
exists network show "$remote:{network}" ||
  incus network create "$remote:{network}" <network.yaml
exists project show "$remote:$project" ||
  incus project create "$remote:$project" <project.yaml
incus project edit "$remote:$project" <project.yaml
{profiles}"#,
        origin = yaml::ORIGIN,
        remote = incus.remotes.get(arch.runner()).map_or("local", String::as_str),
        project = incus.project,
        pool = incus.pool,
        driver = incus.pool_driver,
        network = incus.network,
        acl = ACL,
    )
}

/// Brings the number of virtual machines to what the registry says.
pub fn spawn_script(sets: &Sets<'_>, arch: Arch) -> String {
    let incus = &sets.fleet.incus;
    let table: String = sets.on_metal(arch).map(|set| format!("  {} {}\n", set.label, set.size.max)).collect();
    format!(
        r#"#!/bin/sh
# {origin}
# Spawns the virtual machines that are missing and retires those that are too
# many: spawn.sh <file with the join token> [remote]
# Running it again changes nothing. DRY_RUN=1 only reports.
set -eu
token=${{1:?name the file with the join token of the cluster}}
remote=${{2:-{remote}}}
project={project}
image={image}
[ -s "$token" ] || {{
  echo "error: the token file $token is empty or missing" >&2
  exit 2
}}

# label and number of virtual machines
wanted() {{
  cat <<'TABLE'
{table}TABLE
}}

names() {{
  incus list "$remote:" --project "$project" --format csv --columns n
}}

run() {{
  if [ "${{DRY_RUN:-}}" = 1 ]; then echo "would run: $*"; else "$@"; fi
}}

push_token() {{
  for _ in $(seq 1 60); do
    if incus file push --quiet --create-dirs --uid 0 --gid 0 --mode 0600 \
      "$token" "$remote:$1{token_file}" --project "$project" 2>/dev/null; then
      return 0
    fi
    sleep 2
  done
  echo "error: $1 did not accept the join token; see its console" >&2
  return 1
}}

spawn() {{
  echo "spawn $1"
  run incus launch "$image" "$remote:$1" --vm --profile "$2" \
    --project "$project"
  [ "${{DRY_RUN:-}}" = 1 ] || push_token "$1"
}}

# A node that runs a job is left alone until the job is done.
retire() {{
  echo "retire $1"
  if command -v kubectl >/dev/null; then
    run kubectl drain "$1" --ignore-daemonsets --delete-emptydir-data \
      --pod-selector='!actions.github.com/scale-set-name' --timeout=60s || true
    busy=$(kubectl get pods --all-namespaces --no-headers \
      --field-selector "spec.nodeName=$1,status.phase=Running" \
      --selector actions.github.com/scale-set-name | wc -l)
    if [ "$busy" -gt 0 ]; then
      echo "$1 runs a job; run this again later"
      return 0
    fi
    run kubectl delete node "$1" --ignore-not-found
  fi
  run incus delete --force "$remote:$1" --project "$project"
}}

there=$(names)
wanted | while read -r label number; do
  for i in $(seq 1 "$number"); do
    name=$label-$i
    echo "$there" | grep -Fqx "$name" || spawn "$name" "$label"
  done
  echo "$there" | while read -r name; do
    case $name in
    "$label"-*[!0-9]*) continue ;;
    "$label"-*) ;;
    *) continue ;;
    esac
    i=${{name##*-}}
    [ "$i" -le "$number" ] || retire "$name"
  done
done
"#,
        origin = yaml::ORIGIN,
        remote = incus.remotes.get(arch.runner()).map_or("local", String::as_str),
        project = incus.project,
        image = incus.image,
        token_file = sets.fleet.k3s.token_file,
    )
}
