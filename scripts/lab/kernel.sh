#!/usr/bin/env bash
# Fetch one of Debian's kernels with its DWARF into the cache folder:
#   scripts/lab/kernel.sh 6.1-amd64 | 6.12-amd64 | 6.12-arm64 | 7.2-amd64
# Prints the folder. In it: vmlinux (DWARF), vmlinuz, release, debug-modules/
# (*.ko with DWARF) and modules/ (*.ko as shipped), all of the same build.
# Needs apt-get and dpkg, not root.
set -euo pipefail
. "$(dirname "$0")/lab.sh"

name=${1:-}
case "$name" in
  6.1-amd64)  suites=bookworm arch=amd64 image='linux-image-6\.1\.0-[0-9]+-cloud-amd64' ;;
  6.12-amd64) suites=trixie arch=amd64 image='linux-image-6\.12\.[0-9]+\+deb13-cloud-amd64' ;;
  6.12-arm64) suites=trixie arch=arm64 image='linux-image-6\.12\.[0-9]+\+deb13-cloud-arm64' ;;
  # sid moves on; what was there goes to the next stable release and to backports.
  7.2-amd64)  suites='sid forky trixie-backports' arch=amd64 image='linux-image-7\.2(\.[0-9]+)?\+[a-z0-9]+-cloud-amd64' ;;
  *) die "usage: kernel.sh 6.1-amd64|6.12-amd64|6.12-arm64|7.2-amd64" ;;
esac

dir="$DWARFLESS_CACHE/kernels/$name"
if [ -f "$dir/complete" ]; then printf '%s\n' "$dir"; exit 0; fi
lock_cache
if [ -f "$dir/complete" ]; then printf '%s\n' "$dir"; exit 0; fi

for suite in $suites; do
  use_suite "$suite" "$arch"
  image_package=$(newest_package "$image")
  [ -z "$image_package" ] || break
done
[ -n "$image_package" ] || die "no package matches $image in $suites"
release=${image_package#linux-image-}
say "$name: $image_package and its debug symbols (about 300 MB to fetch, 2 GB unpacked)"
partial="$dir.partial"
rm -rf "$partial"
mkdir -p "$partial"
unpack_package "$image_package-dbg" "$partial/root"
unpack_package "$image_package" "$partial/root"
# Newer Debian kernels keep image and modules in packages of their own.
for extra in "linux-binary-$release" "linux-modules-$release"; do
  if [ "$(newest_package "${extra//+/\\+}")" = "$extra" ]; then unpack_package "$extra" "$partial/root"; fi
done

# link NAME CANDIDATE...: NAME in the kernel's folder points at the first candidate there is.
link() {
  local candidate
  for candidate in "${@:2}"; do
    if [ -e "$partial/root/$candidate" ]; then ln -s "root/$candidate" "$partial/$1"; return; fi
  done
  die "$name: the packages have none of ${*:2}"
}
link vmlinux "usr/lib/debug/boot/vmlinux-$release" "usr/lib/debug/lib/modules/$release/vmlinux"
link vmlinuz "boot/vmlinuz-$release" "usr/lib/modules/$release/vmlinuz" "lib/modules/$release/vmlinuz"
link modules "lib/modules/$release/kernel" "usr/lib/modules/$release/kernel"
link debug-modules "usr/lib/debug/lib/modules/$release/kernel" "usr/lib/debug/usr/lib/modules/$release/kernel"
printf '%s\n' "$release" >"$partial/release"
touch "$partial/complete"
rm -rf "$dir"
mv "$partial" "$dir"
printf '%s\n' "$dir"
