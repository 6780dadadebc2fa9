#!/usr/bin/env bash
# Run a program of the peers' tree on this system's paths:
#   scripts/lab/peer.sh pahole --version
#   scripts/lab/peer.sh drgn -c DUMP -s VMLINUX SCRIPT.py
set -euo pipefail
. "$(dirname "$0")/lab.sh"

[ $# -ge 1 ] || die "usage: peer.sh PROGRAM [ARGUMENT...]"
root="$DWARFLESS_CACHE/peers/sid"
library="$root/usr/lib/x86_64-linux-gnu"
program="$root/usr/bin/$1"
[ -e "$program" ] || program="$root/usr/sbin/$1"
[ -e "$program" ] || die "no $1 in $root: run scripts/lab/peers.sh"
shift
loader=("$library/ld-linux-x86-64.so.2" --inhibit-cache --library-path "$library")
# The tree's Python takes its own modules, whatever this system's Python is told.
export PYTHONHOME="$root/usr" PYTHONPATH="$root/usr/lib/python3/dist-packages" PYTHONNOUSERSITE=1 PYTHONDONTWRITEBYTECODE=1
case "$(head -n 1 "$program" | tr -d '\0')" in
  '#!'*python3*) exec "${loader[@]}" "$root/usr/bin/python3" "$program" "$@" ;;
esac
exec "${loader[@]}" "$program" "$@"
