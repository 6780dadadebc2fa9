#!/usr/bin/env bash
# Fetch the kernel's BPF selftests and the headers they include, from Debian's linux-source, into the
# cache folder:
#   scripts/lab/selftests.sh [7.2]
# Prints the folder that holds tools/. Needs apt-get, dpkg, tar and xz, not root.
set -euo pipefail
. "$(dirname "$0")/lab.sh"

version=${1:-7.2}
dir="$DWARFLESS_CACHE/selftests/$version"
if [ ! -e "$dir/complete" ]; then
  lock_cache
  use_suite sid amd64
  package=$(newest_package "linux-source-${version//./\\.}")
  [ -n "$package" ] || die "no linux-source-$version in sid"
  say "$package (about 150 MB to fetch; 30 MB of it stay)"
  rm -rf "$dir.partial" "$dir"
  unpack_package "$package" "$dir.partial/package"
  tar -C "$dir.partial" --strip-components=1 --wildcards \
    -xJf "$dir.partial/package/usr/src/linux-source-$version.tar.xz" \
    '*/tools/testing/selftests/bpf/*.[ch]' '*/tools/include/*.h' \
    '*/tools/arch/*/include/uapi/*.h' '*/tools/lib/*/*.h'
  rm -rf "$dir.partial/package"
  touch "$dir.partial/complete"
  mv "$dir.partial" "$dir"
fi
printf '%s\n' "$dir"
