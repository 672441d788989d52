#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# root.sh <tar> : a root file system that is both the metal, with Incus, and the image of a node, with cloud-init.
set -eu
packages=incus-base,incus-client,iproute2,nftables,dnsmasq-base,systemd-sysv,cloud-init,curl,ca-certificates,locales,kmod,udev
mmdebstrap --mode=root --variant=apt --include="$packages" trixie "$1.part.tar" >"$1.log" 2>&1 || {
  tail -n 20 "$1.log" >&2
  exit 1
}
mv "$1.part.tar" "$1"
