// SPDX-License-Identifier: Apache-2.0
//! The page: from bare machines to running runners, in order, with what to expect after each command.

use super::arc::{self, NODE_KEY};
use crate::sets::Sets;
use crate::yaml;
use artifact::Arch;
use artifact::runners::Host;
use std::fmt::Write as _;

/// The page of this fleet.
pub fn render(sets: &Sets<'_>) -> String {
    let mut text = format!("<!-- {} -->\n\n# The runner fleet\n\n", yaml::ORIGIN);
    text.push_str(&table(sets));
    text.push_str(&picture(sets));
    text.push_str(&steps(sets));
    text.push_str(&operations(sets));
    text
}

fn table(sets: &Sets<'_>) -> String {
    let mut text =
        String::from("| Label | Nodes | Runner | Number | Capabilities |\n| --- | --- | --- | --- | --- |\n");
    for set in &sets.list {
        let host = if set.is_virtual() { "virtual machines" } else { "bare metal" };
        let _ = writeln!(
            text,
            "| `{}` | {host}, {} | {} processors, {} | {} to {} | {} |",
            set.label,
            set.node_arch,
            set.runner_cpu(),
            set.runner_memory(),
            set.size.min,
            set.size.max,
            set.entry.capabilities.join(", "),
        );
    }
    text.push('\n');
    text
}

fn picture(sets: &Sets<'_>) -> String {
    let mut text = String::from("```mermaid\nflowchart LR\n  github[GitHub] --> controller[ARC controller]\n");
    for arch in Arch::ALL {
        let of_arch: Vec<_> = sets.list.iter().filter(|set| set.arch == arch).collect();
        if of_arch.is_empty() {
            continue;
        }
        let remote = sets.fleet.incus.remotes.get(arch.runner()).map_or("bare metal", String::as_str);
        let _ = writeln!(text, "  subgraph {}[\"{remote} ({})\"]", arch.runner(), arch.runner());
        for set in &of_arch {
            let kind = if set.is_virtual() { "virtual machines" } else { "boards" };
            let _ = writeln!(text, "    {}[\"{}<br>{} {kind}\"]", id(set.label), set.label, set.size.max);
        }
        text.push_str("  end\n");
        for set in of_arch {
            let _ = writeln!(text, "  controller --> {}", id(set.label));
        }
    }
    text.push_str("```\n\n");
    text
}

fn id(label: &str) -> String {
    format!("set_{}", label.replace('-', "_"))
}

fn steps(sets: &Sets<'_>) -> String {
    let fleet = sets.fleet;
    let mut text = String::from("## From bare machines to runners\n\nRun the commands in this folder.\n\n");
    let mut number = 0;
    let mut step = |title: &str, commands: &str, expect: &str| {
        number += 1;
        let _ = write!(text, "### {number}. {title}\n\n```sh\n{}\n```\n\nExpect: {expect}\n\n", commands.trim_end());
    };
    step(
        "Start the cluster's server",
        &format!(
            "curl -sfL https://get.k3s.io | INSTALL_K3S_VERSION={} sh -s - server --disable traefik\nsudo cat /var/lib/rancher/k3s/server/node-token >join-token && chmod 0600 join-token",
            fleet.k3s.version
        ),
        "`kubectl get nodes` lists one node that is ready. The token stays out of every repository.",
    );
    for arch in Arch::ALL.into_iter().filter(|arch| sets.on_metal(*arch).next().is_some()) {
        let remote = fleet.incus.remotes.get(arch.runner()).map(String::as_str).unwrap_or_default();
        let folder = arch.runner();
        step(
            &format!("Prepare the {folder} metal"),
            &format!("incus remote add {remote} https://<address>:8443\nincus/{folder}/setup.sh"),
            "a line per profile that ends with `up to date`; the second run prints the same.",
        );
        step(
            &format!("Spawn the virtual machines of {folder}"),
            &format!("incus/{folder}/spawn.sh join-token\nkubectl get nodes --selector {NODE_KEY} --watch"),
            "each machine is a ready node after a minute or two. One that is not says why on its console: `incus console <name> --show-log`.",
        );
    }
    let bare: Vec<_> = sets.list.iter().filter(|set| set.entry.host == Host::Bare).collect();
    for set in bare {
        step(
            &format!("Join the boards of {}", set.label),
            &format!(
                "scp join-token board:/tmp/join-token\nssh board 'sudo install -D -m 0600 /tmp/join-token {} && rm /tmp/join-token'\nssh board sudo sh -s <bootstrap/{}/join.sh",
                fleet.k3s.token_file, set.label
            ),
            "`vaccel-join: joined …` as the last line.",
        );
    }
    step(
        "Create the namespaces and their network policy",
        "kubectl apply --filename arc/policies.yaml",
        "one namespace and one network policy for each organisation or repository.",
    );
    let homes = arc::homes(sets);
    let secret: String = homes
        .iter()
        .map(|home| {
            format!(
                "kubectl create secret generic {} --namespace {} \\\n  --from-literal=github_app_id=<id> --from-literal=github_app_installation_id=<id> \\\n  --from-file=github_app_private_key=<file>\n",
                fleet.github_secret, home.namespace
            )
        })
        .collect();
    step("Give the controller its GitHub App", &secret, "`secret/… created`. The values are nowhere else.");
    step(
        "Install the controller",
        &format!(
            "helm upgrade --install arc --namespace {} --create-namespace --version {} \\\n  --values arc/controller.yaml \\\n  oci://ghcr.io/actions/actions-runner-controller-charts/gha-runner-scale-set-controller",
            fleet.controller_namespace, fleet.chart
        ),
        "one controller pod that runs.",
    );
    step(
        "Build the images once by hand",
        "for tag in images/*/; do tag=$(basename \"$tag\"); docker build --tag \"<registry>/$tag\" \"images/$tag\"; done",
        "one image per tag. From now on the workflow `runner-images.yml` builds them; copy both files of `workflows/` into `.github/workflows/`.",
    );
    let installs: String = homes
        .iter()
        .map(|home| {
            format!(
                "for values in arc/{}/*.yaml; do\n  helm upgrade --install \"$(basename \"$values\" .yaml)\" --namespace {} --version {} \\\n    --values \"$values\" oci://ghcr.io/actions/actions-runner-controller-charts/gha-runner-scale-set\ndone\n",
                home.folder, home.namespace, fleet.chart
            )
        })
        .collect();
    step("Install the scale sets", &installs, "GitHub lists each label under Settings → Actions → Runners.");
    step(
        "Check",
        "kubectl get autoscalingrunnersets --all-namespaces\ngh workflow run runner-doctor.yml",
        "one line per label with its numbers, and a green run: every runner is what its tag says.",
    );
    text
}

fn operations(sets: &Sets<'_>) -> String {
    let label = sets.list.first().map(|set| set.label).unwrap_or_default();
    let token_file = &sets.fleet.k3s.token_file;
    let mut text = String::from("## Day by day\n\n");
    for (title, body) in [
        (
            "Upgrade",
            "Change `chart`, `runner` or `[fleet.k3s]` in the registry, render, and look at `vaccel-fleet render --diff`. Controller and scale sets have one version: set `maxRunners` to 0 on every scale set (`helm upgrade --reuse-values --set maxRunners=0`), wait until `kubectl get ephemeralrunners --all-namespaces` is empty, upgrade the controller, then the scale sets.".to_owned(),
        ),
        (
            "Roll back",
            "`git revert` the change of `images/digests.json` or of the registry, render, and run the steps of the change again; `helm rollback <label>` does it for one scale set at once.".to_owned(),
        ),
        (
            "Add a node",
            "Raise `max` of the tag's size, render, then run `setup.sh` and `spawn.sh` of its architecture, and upgrade the scale set.".to_owned(),
        ),
        (
            "Add a tag",
            "Add `[tags.<name>]` with `from`, render, build its image, and run `setup.sh`, `spawn.sh` and `helm upgrade --install`.".to_owned(),
        ),
        (
            "Drain",
            format!("`kubectl cordon {label}-1`, wait for its job, then `kubectl drain {label}-1 --ignore-daemonsets --delete-emptydir-data`. To retire it, lower `max` and run `spawn.sh`."),
        ),
        (
            "Rotate the token",
            format!("`k3s token rotate` on the server, then write the new token to `{token_file}` on each node (`incus file push`) and restart `k3s-agent`. Nodes that joined keep running meanwhile."),
        ),
    ] {
        let _ = write!(text, "### {title}\n\n{body}\n\n");
    }
    text.truncate(text.trim_end().len());
    text.push('\n');
    text
}
