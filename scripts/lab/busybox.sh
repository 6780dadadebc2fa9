#!/usr/bin/env bash
# Fetch a static busybox for a guest's initramfs into the cache folder:
#   scripts/lab/busybox.sh amd64 | arm64
# Prints the program's path. Needs apt-get and dpkg, not root.
set -euo pipefail
. "$(dirname "$0")/lab.sh"

arch=${1:-}
case "$arch" in amd64 | arm64) ;; *) die "usage: busybox.sh amd64|arm64" ;; esac
dir="$DWARFLESS_CACHE/busybox/$arch"
if [ -x "$dir/busybox" ]; then printf '%s\n' "$dir/busybox"; exit 0; fi
lock_cache
if [ -x "$dir/busybox" ]; then printf '%s\n' "$dir/busybox"; exit 0; fi

use_suite trixie "$arch"
rm -rf "$dir.partial"
unpack_package busybox-static "$dir.partial/root"
program=$(find "$dir.partial/root" -type f -name busybox -path '*bin/busybox' | head -n 1)
[ -n "$program" ] || die "no busybox in Debian's busybox-static"
mv "$program" "$dir.partial/busybox"
rm -rf "$dir.partial/root" "$dir"
mv "$dir.partial" "$dir"
printf '%s\n' "$dir/busybox"
