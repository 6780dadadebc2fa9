#!/usr/bin/env bash
# Dumps of a guest, with what the guest said of itself:
#   scripts/lab/dump.sh KERNEL KIND [DIRECTORY]
# KERNEL as for kernel.sh; KIND: idle, panic, no-note, nokaslr, pti, kdump, or
# crash-CASE for a guest of test/guest/crash-guests.ts (memory.elf and console),
# or busy for the one of test/guest/busy-guests.ts (memory.elf, said/*, console).
# Prints the folder: memory.elf, memory.kdump-zlib and so on, said/kallsyms and
# so on, console. From the cache, or made there; with DIRECTORY made anew into it.
# Needs Node, QEMU (scripts/setup-system.sh) and, for the kernel, apt-get and dpkg; no root.
set -euo pipefail
. "$(dirname "$0")/lab.sh"
cd "$(dirname "$0")/../.."

[ $# -ge 2 ] || die "usage: dump.sh KERNEL KIND [DIRECTORY]"
[ -z "${3:-}" ] || set -- "$1" "$2" "$(realpath -m "$3")"
scripts/lab/kernel.sh "$1" >/dev/null
# Bundled, as Node 20 runs no TypeScript.
program=node_modules/.lab/dump.mjs
node_modules/.bin/rolldown test/guest/dump-command.ts --platform node --file "$program" --log-level silent >/dev/null
exec node "$program" "$@"
