#!/usr/bin/env bash
# Run a program of the peers' tree on this system's paths:
#   scripts/lab/peer.sh pahole --version
set -euo pipefail
. "$(dirname "$0")/lab.sh"

[ $# -ge 1 ] || die "usage: peer.sh PROGRAM [ARGUMENT...]"
root="$DWARFLESS_CACHE/peers/sid"
library="$root/usr/lib/x86_64-linux-gnu"
program="$root/usr/bin/$1"
[ -e "$program" ] || program="$root/usr/sbin/$1"
[ -e "$program" ] || die "no $1 in $root: run scripts/lab/peers.sh"
shift
exec "$library/ld-linux-x86-64.so.2" --inhibit-cache --library-path "$library" "$program" "$@"
