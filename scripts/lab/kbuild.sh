#!/usr/bin/env bash
# Fetch the scripts of a kernel build (Debian's linux-kbuild, 2 MB) into the cache folder:
#   scripts/lab/kbuild.sh [7.2]
# Prints the folder with scripts/ and tools/. Needs apt-get and dpkg, not root.
set -euo pipefail
. "$(dirname "$0")/lab.sh"

version=${1:-7.2}
dir="$DWARFLESS_CACHE/kbuild/$version"
if [ ! -e "$dir/complete" ]; then
  lock_cache
  use_suite sid amd64
  package=$(newest_package "linux-kbuild-${version//./\\.}\\..*")
  [ -n "$package" ] || die "no linux-kbuild-$version in sid"
  rm -rf "$dir.partial" "$dir"
  unpack_package "$package" "$dir.partial"
  touch "$dir.partial/complete"
  mv "$dir.partial" "$dir"
fi
printf '%s\n' "$dir"/usr/lib/linux-kbuild-*
