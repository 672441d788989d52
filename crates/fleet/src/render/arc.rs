// SPDX-License-Identifier: Apache-2.0
//! Actions Runner Controller: Helm values of the controller and of each scale set, the network policy of
//! runner pods, and pods that keep images warm. For the charts `gha-runner-scale-set` 0.14.

use crate::images::Images;
use crate::sets::{ScaleSet, Sets};
use crate::yaml;
use serde_json::{Map, Value, json};

/// Label and taint of the nodes that serve one scale set.
pub const NODE_KEY: &str = "vaccel.org/runner";

/// The user that runs jobs in the official image of the runner.
pub const RUNNER_UID: u32 = 1001;

/// Name of the controller's service account, which every scale set names too.
const CONTROLLER: &str = "arc-controller";

/// Where one organisation's or repository's scale sets live.
#[derive(Clone, Debug)]
pub struct Home {
    /// The address that they register at.
    pub url: String,
    /// Their namespace.
    pub namespace: String,
    /// The folder of their values.
    pub folder: String,
}

/// One home for the organisation, or one per repository: names of scale sets are unique in a namespace.
pub fn homes(sets: &Sets<'_>) -> Vec<Home> {
    let one = sets.fleet.organization.is_some();
    let home = |url: String| {
        let name = url.rsplit('/').next().unwrap_or_default().to_lowercase().replace(['_', '.'], "-");
        let namespace = &sets.fleet.namespace;
        let namespace = if one { namespace.clone() } else { format!("{namespace}-{name}") };
        Home { url, namespace, folder: name }
    };
    sets.targets().into_iter().map(home).collect()
}

/// Values of the controller's chart.
pub fn controller(sets: &Sets<'_>) -> String {
    let one = sets.fleet.organization.is_some();
    let mut flags = json!({ "logFormat": "json", "logLevel": "info" });
    if one && let Some(flags) = flags.as_object_mut() {
        flags.insert("watchSingleNamespace".to_owned(), json!(sets.fleet.namespace));
    }
    yaml::document(&json!({
        "flags": flags,
        "replicaCount": 1,
        "resources": { "limits": { "memory": "512Mi" }, "requests": { "cpu": "100m", "memory": "128Mi" } },
        "securityContext": {
            "allowPrivilegeEscalation": false,
            "capabilities": { "drop": ["ALL"] },
            "readOnlyRootFilesystem": true,
            "runAsNonRoot": true,
            "runAsUser": 65532,
        },
        "serviceAccount": { "create": true, "name": CONTROLLER },
    }))
}

/// Values of one scale set.
pub fn scale_set(sets: &Sets<'_>, set: &ScaleSet<'_>, home: &Home, images: &Images) -> String {
    let fleet = sets.fleet;
    let mut values = json!({
        "controllerServiceAccount": { "name": CONTROLLER, "namespace": fleet.controller_namespace },
        "githubConfigSecret": fleet.github_secret,
        "githubConfigUrl": home.url,
        "maxRunners": set.size.max,
        "minRunners": set.size.min,
        "runnerScaleSetName": set.label,
        "template": { "metadata": { "labels": pod_labels(set) }, "spec": pod(sets, set, images) },
    });
    if let Some(values) = values.as_object_mut() {
        if let Some(group) = &fleet.runner_group {
            values.insert("runnerGroup".to_owned(), json!(group));
        }
        if set.entry.dind {
            values.insert("containerMode".to_owned(), json!({ "type": "dind" }));
        }
    }
    yaml::document(&values)
}

fn pod_labels(set: &ScaleSet<'_>) -> Value {
    json!({ "app.kubernetes.io/part-of": "vaccel-ci", "vaccel.org/tag": set.tag })
}

fn pod(sets: &Sets<'_>, set: &ScaleSet<'_>, images: &Images) -> Value {
    let mut pod = placement(set);
    pod.extend(object(json!({
        "automountServiceAccountToken": false,
        "containers": [runner(sets, set, images)],
        "enableServiceLinks": false,
        "restartPolicy": "Never",
        // A job that is being cancelled may still upload its logs.
        "terminationGracePeriodSeconds": 60,
    })));
    // Docker's daemon, where there is one, is another container of the pod, and root.
    if !set.entry.dind {
        let context = json!({
            "fsGroup": RUNNER_UID,
            "runAsNonRoot": true,
            "runAsUser": RUNNER_UID,
            "seccompProfile": { "type": "RuntimeDefault" },
        });
        pod.insert("securityContext".to_owned(), context);
        // Ephemeral: a cache that outlives the pod would be shared with jobs of strangers. Docker's mode brings its own.
        let disk = set.size.disk.less(artifact::runners::Bytes::gib(10)).kubernetes();
        pod.insert("volumes".to_owned(), json!([{ "emptyDir": { "sizeLimit": disk }, "name": "work" }]));
    }
    if let Some(secret) = &sets.fleet.pull_secret {
        pod.insert("imagePullSecrets".to_owned(), json!([{ "name": secret }]));
    }
    Value::Object(pod)
}

fn runner(sets: &Sets<'_>, set: &ScaleSet<'_>, images: &Images) -> Value {
    let mut limits = Map::new();
    limits.insert("cpu".to_owned(), json!(set.runner_cpu().to_string()));
    limits.insert("memory".to_owned(), json!(set.runner_memory().kubernetes()));
    if let Some(gpu) = set.gpu() {
        limits.insert(gpu.resource.clone(), json!(gpu.count));
    }
    let mut container = json!({
        "command": ["/home/runner/run.sh"],
        "image": images.reference(sets.fleet, set.tag),
        "imagePullPolicy": images.pull_policy(set.tag),
        "name": "runner",
        "resources": { "limits": limits, "requests": limits },
        "securityContext": {
            "allowPrivilegeEscalation": false,
            "capabilities": { "drop": ["ALL"] },
            "runAsNonRoot": true,
            "runAsUser": RUNNER_UID,
        },
    });
    if !set.entry.dind
        && let Some(container) = container.as_object_mut()
    {
        container.insert("volumeMounts".to_owned(), json!([{ "mountPath": "/home/runner/_work", "name": "work" }]));
    }
    container
}

/// Which nodes a pod may be on, and how it runs there.
fn placement(set: &ScaleSet<'_>) -> Map<String, Value> {
    let mut pod = object(json!({
        "nodeSelector": { "kubernetes.io/arch": set.node_arch, NODE_KEY: set.label },
        "tolerations": [{ "effect": "NoSchedule", "key": NODE_KEY, "operator": "Equal", "value": set.label }],
    }));
    if let Some(class) = set.gpu().and_then(|gpu| gpu.runtime_class.as_ref()) {
        pod.insert("runtimeClassName".to_owned(), json!(class));
    }
    pod
}

/// The namespaces with their policies: nothing comes in, and what goes out is names and the Internet, not the cluster.
pub fn policies(sets: &Sets<'_>) -> String {
    let mut excluded = sets.fleet.k3s.networks.clone();
    // Instance metadata of clouds, and whatever else answers on the link.
    excluded.push("169.254.0.0/16".to_owned());
    let mut objects = Vec::new();
    for home in homes(sets) {
        objects.push(json!({
            "apiVersion": "v1",
            "kind": "Namespace",
            "metadata": { "labels": { "app.kubernetes.io/part-of": "vaccel-ci" }, "name": home.namespace },
        }));
        objects.push(json!({
            "apiVersion": "networking.k8s.io/v1",
            "kind": "NetworkPolicy",
            "metadata": { "name": "runners", "namespace": home.namespace },
            "spec": {
                "egress": [
                    {
                        "ports": [{ "port": 53, "protocol": "UDP" }, { "port": 53, "protocol": "TCP" }],
                        "to": [{
                            "namespaceSelector": { "matchLabels": { "kubernetes.io/metadata.name": "kube-system" } },
                            "podSelector": { "matchLabels": { "k8s-app": "kube-dns" } },
                        }],
                    },
                    { "to": [{ "ipBlock": { "cidr": "0.0.0.0/0", "except": excluded } }] },
                ],
                "ingress": [],
                "podSelector": {},
                "policyTypes": ["Egress", "Ingress"],
            },
        }));
    }
    yaml::documents(&objects)
}

/// One daemon set per scale set: its nodes pull a new image before a job asks for it.
pub fn warm_images(sets: &Sets<'_>, images: &Images) -> String {
    let mut objects = Vec::new();
    for home in homes(sets) {
        objects.extend(sets.list.iter().map(|set| warm(sets, set, &home, images)));
    }
    yaml::documents(&objects)
}

fn warm(sets: &Sets<'_>, set: &ScaleSet<'_>, home: &Home, images: &Images) -> Value {
    let name = format!("warm-{}", set.label);
    let mut pod = placement(set);
    let small = json!({ "cpu": "10m", "memory": "16Mi" });
    let container = json!({
        "command": ["sleep", "infinity"],
        "image": images.reference(sets.fleet, set.tag),
        "imagePullPolicy": images.pull_policy(set.tag),
        "name": "warm",
        "resources": { "limits": small, "requests": small },
        "securityContext": {
            "allowPrivilegeEscalation": false,
            "capabilities": { "drop": ["ALL"] },
            "readOnlyRootFilesystem": true,
            "runAsNonRoot": true,
            "runAsUser": RUNNER_UID,
        },
    });
    pod.extend(object(json!({
        "automountServiceAccountToken": false,
        "containers": [container],
        "terminationGracePeriodSeconds": 1,
    })));
    if let Some(secret) = &sets.fleet.pull_secret {
        pod.insert("imagePullSecrets".to_owned(), json!([{ "name": secret }]));
    }
    // A warm pod does not need the GPU that its runtime class brings.
    pod.remove("runtimeClassName");
    json!({
        "apiVersion": "apps/v1",
        "kind": "DaemonSet",
        "metadata": { "name": name, "namespace": home.namespace },
        "spec": {
            "selector": { "matchLabels": { "app.kubernetes.io/name": name } },
            "template": { "metadata": { "labels": { "app.kubernetes.io/name": name } }, "spec": pod },
        },
    })
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}
