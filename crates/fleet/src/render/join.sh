#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Joins this machine to the cluster as an agent, and says on the
# console why it cannot. Running it again changes nothing.
set -eu
K3S_VERSION='@version@'
K3S_SHA256='@sha256@'
K3S_URL='@url@'
SERVER='@server@'
TOKEN_FILE='@token_file@'
LABEL='@label@'
FOREIGN='@foreign@'

log() {
  echo "vaccel-join: $*"
  [ ! -w /dev/console ] || echo "vaccel-join: $*" >/dev/console ||
    true
}
fail() {
  log "failed to join: $1"
  exit 1
}

missing=
packages='@packages@'
for package in $packages; do
  dpkg -s "$package" >/dev/null 2>&1 || missing="$missing $package"
done
if [ -n "$missing" ]; then
  log "installing$missing"
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -q || fail "apt-get cannot reach its servers"
  # shellcheck disable=SC2086 # one word per package
  apt-get install -yq --no-install-recommends $missing ||
    fail "apt-get could not install$missing"
fi

# The token comes over a channel of its own, after the boot.
tries=0
until [ -s "$TOKEN_FILE" ]; do
  [ "$tries" -lt "${JOIN_TRIES:-150}" ] ||
    fail "there is no join token in $TOKEN_FILE"
  [ "$tries" -gt 0 ] || log "waiting for $TOKEN_FILE"
  tries=$((tries + 1))
  sleep 2
done
chmod 0600 "$TOKEN_FILE"

# What pods and their network need of the kernel.
for module in overlay br_netfilter; do
  modprobe "$module" 2>/dev/null || true
done
printf '%s\n' overlay br_netfilter \
  >/etc/modules-load.d/vaccel-ci.conf
cat >/etc/sysctl.d/90-vaccel-ci.conf <<'SYSCTL'
fs.inotify.max_user_instances = 1024
fs.inotify.max_user_watches = 524288
net.ipv4.ip_forward = 1
SYSCTL
sysctl -q -p /etc/sysctl.d/90-vaccel-ci.conf 2>/dev/null || true

# Programs of other architectures run under qemu-user.
for name in $FOREIGN; do
  [ -e "/proc/sys/fs/binfmt_misc/qemu-$name" ] ||
    update-binfmts --enable "qemu-$name" 2>/dev/null || true
  [ -e "/proc/sys/fs/binfmt_misc/qemu-$name" ] ||
    log "warning: programs for $name do not run: no binfmt"
done

mkdir -p /etc/rancher/k3s /usr/local/bin
cat >/etc/rancher/k3s/config.yaml <<CONFIG
server: $SERVER
token-file: $TOKEN_FILE
node-label:
  - "@node_key@=$LABEL"
node-taint:
  - "@node_key@=$LABEL:NoSchedule"
CONFIG
chmod 0600 /etc/rancher/k3s/config.yaml
@registries@
k3s=/usr/local/bin/k3s
check() {
  echo "$K3S_SHA256  $1" | sha256sum -c - >/dev/null 2>&1
}
changed=no
if ! check "$k3s"; then
  log "installing K3s $K3S_VERSION"
  curl -fsSL --retry 5 -o "$k3s.new" "$K3S_URL" ||
    fail "could not download $K3S_URL"
  check "$k3s.new" ||
    fail "$K3S_URL does not have the pinned digest"
  chmod 0755 "$k3s.new"
  mv "$k3s.new" "$k3s"
  changed=yes
fi

unit=/etc/systemd/system/k3s-agent.service
cat >"$unit.new" <<'UNIT'
[Unit]
Description=K3s agent
Wants=network-online.target
After=network-online.target

[Service]
Type=notify
ExecStart=/usr/local/bin/k3s agent
KillMode=process
Delegate=yes
LimitNOFILE=1048576
TasksMax=infinity
TimeoutStartSec=0
Restart=always
RestartSec=5s

[Install]
WantedBy=multi-user.target
UNIT
if cmp -s "$unit" "$unit.new"; then
  rm "$unit.new"
else
  mv "$unit.new" "$unit"
  systemctl daemon-reload
  changed=yes
fi
systemctl enable --quiet k3s-agent.service
if [ "$changed" = yes ]; then
  systemctl restart --no-block k3s-agent.service
else
  systemctl start --no-block k3s-agent.service
fi

tries=0
until systemctl is-active --quiet k3s-agent.service; do
  tries=$((tries + 1))
  if [ "$tries" -ge "${JOIN_TRIES:-150}" ]; then
    journalctl -u k3s-agent.service -n 5 --no-pager -o cat |
      while read -r line; do log "$line"; done
    fail "the agent does not reach $SERVER"
  fi
  sleep 2
done
log "joined $SERVER as $(hostname), for $LABEL"
