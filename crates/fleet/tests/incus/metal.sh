#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# metal.sh <tar of the root> <folder of rendered files> <folder with inside.sh> : runs inside.sh in a machine of its own.
set -euo pipefail
tar=$1 files=$2 scripts=$3
root=$(mktemp -d)
clean() {
  umount --recursive --lazy "$root" 2>/dev/null || true
  rm -rf --one-file-system "$root"
}
trap clean EXIT
mount -t tmpfs -o size=4g tmpfs "$root"
tar -C "$root" -xf "$tar"
mkdir -p "$root/oldroot" "$root/root/fleet" "$root/root/scripts"
cp -r "$files/." "$root/root/fleet"
cp "$scripts"/* "$root/root/scripts"
cp "$tar" "$root/root/image-root.tar"
for folder in proc sys dev; do
  mount --rbind "/$folder" "$root/$folder"
  mount --make-rslave "$root/$folder"
done
# shellcheck disable=SC2016 # the inner shell expands it
ROOT=$root unshare --net --mount --pid --fork --kill-child bash -c '
  mount --make-rprivate /
  mount --rbind "$ROOT" "$ROOT"
  cd "$ROOT"
  pivot_root . oldroot
  exec chroot . bash -c "
    umount --lazy /oldroot
    mount -t proc proc /proc
    mount -t tmpfs tmpfs /run
    # sysfs shows the devices of the network namespace that it was mounted in.
    mount -t sysfs sysfs /sys
    mount -t cgroup2 cgroup2 /sys/fs/cgroup
    ip link set lo up
    exec bash /root/scripts/inside.sh"
'
