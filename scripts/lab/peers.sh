#!/usr/bin/env bash
# Unpack the tools that dwarfless is compared with, and those that make dumps
# (Debian sid), with their libraries into the cache folder; prints the folder.
# Needs apt-get and dpkg, not root: the programs run through the loader of
# their own tree, scripts/lab/peer.sh.
set -euo pipefail
. "$(dirname "$0")/lab.sh"

packages='pahole bpftool python3-drgn crash makedumpfile kexec-tools libsnappy1v5'
dir="$DWARFLESS_CACHE/peers/sid"
# `complete` lists what is in the tree, so that a longer list fetches a new tree.
is_complete() { [ "$(cat "$dir/complete" 2>/dev/null)" = "$packages" ]; }
if is_complete; then printf '%s\n' "$dir"; exit 0; fi
lock_cache
if is_complete; then printf '%s\n' "$dir"; exit 0; fi

say "peers: $packages of Debian sid"
# A tree someone mounted things into must not be emptied through the mount.
if grep -q " $dir/" /proc/self/mounts; then die "something is mounted below $dir: unmount it first"; fi
use_suite sid amd64
rm -rf "$dir.partial"
# shellcheck disable=SC2086 # a list of words
unpack_closure "$dir.partial" $packages
printf '%s\n' "$packages" >"$dir.partial/complete"
rm -rf "$dir"
mv "$dir.partial" "$dir"
for program in "pahole --version" "bpftool version" "drgn --version" "crash --version" "makedumpfile -v"; do
  # shellcheck disable=SC2086
  "$(dirname "$0")/peer.sh" $program >&2 </dev/null || die "the unpacked ${program%% *} does not run"
done
printf '%s\n' "$dir"
