#!/usr/bin/env bash
# Unpack bpftrace (Debian sid), with its libraries, into the cache folder; prints the folder. It is for
# guests: nothing of it runs here. Needs apt-get and dpkg, not root. About 60 MB to fetch.
set -euo pipefail
. "$(dirname "$0")/lab.sh"

dir="$DWARFLESS_CACHE/bpftrace"
if [ -e "$dir/complete" ]; then printf '%s\n' "$dir"; exit 0; fi
lock_cache
if [ -e "$dir/complete" ]; then printf '%s\n' "$dir"; exit 0; fi

use_suite sid amd64
rm -rf "$dir.partial"
unpack_closure "$dir.partial" bpftrace
[ -x "$dir.partial/usr/bin/bpftrace" ] || die "no bpftrace in Debian's bpftrace"
: >"$dir.partial/complete"
rm -rf "$dir"
mv "$dir.partial" "$dir"
printf '%s\n' "$dir"
