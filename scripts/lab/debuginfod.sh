#!/usr/bin/env bash
# Unpack the debuginfod server (Debian trixie), with its libraries, into the cache folder; prints the
# folder. Needs apt-get and dpkg, not root: it runs through the loader of its own tree.
set -euo pipefail
. "$(dirname "$0")/lab.sh"

dir="$DWARFLESS_CACHE/debuginfod"
if [ -e "$dir/complete" ]; then printf '%s\n' "$dir"; exit 0; fi
lock_cache
if [ -e "$dir/complete" ]; then printf '%s\n' "$dir"; exit 0; fi

use_suite trixie amd64
rm -rf "$dir.partial"
unpack_closure "$dir.partial" debuginfod
[ -x "$dir.partial/usr/bin/debuginfod" ] || die "no debuginfod in Debian's debuginfod"
: >"$dir.partial/complete"
rm -rf "$dir"
mv "$dir.partial" "$dir"
printf '%s\n' "$dir"
