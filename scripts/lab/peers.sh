#!/usr/bin/env bash
# Unpack the newest pahole and bpftool (Debian sid) with their libraries into
# the cache folder; prints the folder. Needs apt-get and dpkg, not root: the
# programs run through the loader of their own tree, scripts/lab/peer.sh.
set -euo pipefail
. "$(dirname "$0")/lab.sh"

dir="$DWARFLESS_CACHE/peers/sid"
if [ -f "$dir/complete" ]; then printf '%s\n' "$dir"; exit 0; fi
lock_cache
if [ -f "$dir/complete" ]; then printf '%s\n' "$dir"; exit 0; fi

say "peers: pahole and bpftool of Debian sid"
# A tree someone mounted things into must not be emptied through the mount.
if grep -q " $dir/" /proc/self/mounts; then die "something is mounted below $dir: unmount it first"; fi
use_suite sid amd64
rm -rf "$dir.partial"
unpack_closure "$dir.partial" pahole bpftool
touch "$dir.partial/complete"
rm -rf "$dir"
mv "$dir.partial" "$dir"
"$(dirname "$0")/peer.sh" pahole --version >&2 || die "the unpacked pahole does not run"
printf '%s\n' "$dir"
