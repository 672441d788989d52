#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# On the metal: every object is accepted twice, and a container of a profile joins with what the registry says.
# Lines that begin with "result" are what the test looks at.
set -uo pipefail
export HOME=/root PATH=/usr/libexec/incus:$PATH INCUS_LXC_TEMPLATE_CONFIG=/usr/share/lxc/config
cd /root || exit 1
mkdir -p /run/incus /var/log/incus
printf 'root:1000000:1000000000\n' | tee /etc/subuid >/etc/subgid
incusd --group root --logfile /root/incus.log >/root/incusd.out 2>&1 &
daemon=$!
trap 'kill $daemon' EXIT
incusd waitready --timeout=60 || {
  cat /root/incusd.out
  exit 1
}

sh fleet/incus/amd64/setup.sh local >first.log 2>&1
echo "result setup $?"
incus profile show base-1-amd64 --project vaccel-ci >before.yaml
sh fleet/incus/amd64/setup.sh local >second.log 2>&1
echo "result setup-again $?"
incus profile show base-1-amd64 --project vaccel-ci | cmp - before.yaml
echo "result unchanged $?"
[ -s before.yaml ] || cat first.log second.log

# What the daemon refuses is refused: the objects are really looked at.
sed 's/limits.cpu/limits.cpuu/' fleet/incus/amd64/profiles/base-1-amd64.yaml |
  incus profile edit base-1-amd64 --project vaccel-ci 2>/dev/null
echo "result misspelt $?"

# A container of the profile, with K3s replaced by a program that records what it is given.
mkdir -p image/rootfs
tar -C image/rootfs -xf image-root.tar
mkdir -p image/rootfs/opt/k3s/v1 image/rootfs/etc/vaccel-ci
cp scripts/k3s.sh image/rootfs/opt/k3s/v1/k3s
echo token >image/rootfs/etc/vaccel-ci/k3s-token
mkdir -p image/templates
printf '{{ config_get("user.meta-data", "") }}instance-id: {{ container.name }}\n' >image/templates/meta.tpl
printf '{{ config_get("cloud-init.user-data", properties.default) }}' >image/templates/user.tpl
cat >image/metadata.yaml <<'META'
architecture: x86_64
creation_date: 1764000000
properties: {description: node, os: debian, release: trixie}
templates:
  /var/lib/cloud/seed/nocloud-net/meta-data: {when: [create, copy], template: meta.tpl}
  /var/lib/cloud/seed/nocloud-net/user-data:
    {when: [create, copy], template: user.tpl, properties: {default: "#cloud-config\n{}"}}
META
tar -C image -cf image.tar metadata.yaml rootfs templates
rm -rf image image-root.tar
incus image import image.tar --alias node
rm image.tar
incus launch --quiet node node-1 --profile base-1-amd64 --project vaccel-ci \
  --config security.privileged=true </dev/null
echo "result launch $?"
incus info node-1 --project vaccel-ci --show-log 2>&1 | tail -n 25
inside=/var/lib/incus/storage-pools/vaccel-ci/containers/vaccel-ci_node-1/rootfs
run() { timeout 60 incus exec node-1 --project vaccel-ci -- "$@" </dev/null; }
for _ in $(seq 1 90); do
  [ -e $inside/var/lib/cloud/instance/boot-finished ] && break
  sleep 1
done
[ -e $inside/var/lib/cloud/instance/boot-finished ]
echo "result boot-finished $?"
run cat /root/record | sed 's/^/result record /'
run stat -c 'result mode %n %a' /etc/rancher/k3s/config.yaml
run vaccel-join >again.log 2>&1
echo "result join-again $?"
run grep -c started /root/record | sed 's/^/result starts /'
run rm /etc/vaccel-ci/k3s-token
run env JOIN_TRIES=1 vaccel-join | grep -F 'failed to join' | sed 's/^/result /'
grep -E 'failed|error' again.log
timeout 60 incus delete --force node-1 --project vaccel-ci </dev/null
