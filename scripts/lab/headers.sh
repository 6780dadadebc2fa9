#!/usr/bin/env bash
# Fetch what Debian needs to build a module for its 6.1 kernel of the lab into the cache folder:
#   scripts/lab/headers.sh
# Prints the folder to give to `make -C`. Needs apt-get and dpkg, not root.
set -euo pipefail
. "$(dirname "$0")/lab.sh"

release=$(cat "$DWARFLESS_CACHE/kernels/6.1-amd64/release") || die "no kernel yet: scripts/lab/kernel.sh 6.1-amd64"
dir="$DWARFLESS_CACHE/headers/$release"
if [ ! -e "$dir/complete" ]; then
  lock_cache
  use_suite bookworm amd64
  rm -rf "$dir.partial" "$dir"
  common=$(printf '%s' "$release" | sed 's/-cloud-amd64$/-common/')
  for package in "linux-headers-$release" "linux-headers-$common" linux-kbuild-6.1; do
    unpack_package "$package" "$dir.partial"
  done
  # The packages know each other by absolute paths.
  headers="$dir.partial/usr/src/linux-headers-$release"
  sed -i "s#/usr/src/#$dir/usr/src/#g" "$headers/Makefile"
  for name in scripts tools; do
    rm -f "$headers/$name" "$dir.partial/usr/src/linux-headers-$common/$name"
    ln -s "$dir/usr/lib/linux-kbuild-6.1/$name" "$headers/$name"
    ln -s "$dir/usr/lib/linux-kbuild-6.1/$name" "$dir.partial/usr/src/linux-headers-$common/$name"
  done
  touch "$dir.partial/complete"
  mv "$dir.partial" "$dir"
fi
printf '%s\n' "$dir/usr/src/linux-headers-$release"
