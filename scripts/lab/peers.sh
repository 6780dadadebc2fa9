#!/usr/bin/env bash
# Make a chroot with the newest pahole and bpftool (Debian sid) in the cache
# folder; prints the folder. Needs root and debootstrap.
set -euo pipefail
. "$(dirname "$0")/lab.sh"

dir="$DWARFLESS_CACHE/peers/sid"
if [ -f "$dir/complete" ]; then printf '%s\n' "$dir"; exit 0; fi
command -v debootstrap >/dev/null || die "debootstrap is not installed: run scripts/setup-system.sh"
say "peers: debootstrap of Debian sid with pahole and bpftool (about two minutes)"
rm -rf "$dir.partial"
mkdir -p "$dir.partial"
debootstrap --variant=minbase --include=pahole,bpftool,python3-drgn,crash,makedumpfile sid "$dir.partial" "$(debian_mirror)" >"$dir.log" 2>&1 || { tail -n 5 "$dir.log" >&2; die "debootstrap failed, see $dir.log"; }
rm -rf "$dir.partial/var/cache/apt/archives"/*.deb "$dir.partial/var/lib/apt/lists"/*
touch "$dir.partial/complete"
rm -rf "$dir"
mv "$dir.partial" "$dir"
printf '%s\n' "$dir"
