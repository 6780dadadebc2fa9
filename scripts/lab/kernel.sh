#!/usr/bin/env bash
# Fetch one of Debian's kernels with its DWARF into the cache folder:
#   scripts/lab/kernel.sh 6.1-amd64 | 6.12-arm64 | 7.2-amd64
# Prints the folder. In it: vmlinux (DWARF), vmlinuz, release, debug-modules/
# (*.ko with DWARF) and modules/ (*.ko as shipped), all of the same build.
set -euo pipefail
. "$(dirname "$0")/lab.sh"

name=${1:-}
case "$name" in
  6.1-amd64)  suite=bookworm arch=amd64 image='linux-image-6\.1\.0-[0-9]+-cloud-amd64' ;;
  6.12-arm64) suite=trixie arch=arm64 image='linux-image-6\.12\.[0-9]+\+deb13-cloud-arm64' ;;
  7.2-amd64)  suite=sid arch=amd64 image='linux-image-7\.2\.?[0-9]*\+?[a-z0-9]*-cloud-amd64' ;;
  *) die "usage: kernel.sh 6.1-amd64|6.12-arm64|7.2-amd64" ;;
esac

dir="$DWARFLESS_CACHE/kernels/$name"
if [ -f "$dir/complete" ]; then printf '%s\n' "$dir"; exit 0; fi
use_suite "$suite" "$arch"

image_package=$(newest_package "$image")
[ -n "$image_package" ] || die "no package matches $image in $suite"
release=${image_package#linux-image-}
say "$name: $image_package and its debug symbols (about 300 MB to fetch)"
rm -rf "$dir.partial"
mkdir -p "$dir.partial"
unpack_package "$image_package-dbg" "$dir.partial/root"
unpack_package "$image_package" "$dir.partial/root"
# Newer Debian kernels keep image and modules in packages of their own.
for extra in "linux-binary-$release" "linux-modules-$release"; do
  if [ "$(newest_package "${extra//+/\\+}")" = "$extra" ]; then unpack_package "$extra" "$dir.partial/root"; fi
done

root="$dir.partial/root"
first() { for candidate in "$@"; do [ -e "$candidate" ] && { printf '%s\n' "${candidate#"$dir.partial"/}"; return; }; done; die "$name: none of $* in the packages"; }
link() { ln -s "$(first "${@:2}")" "$dir.partial/$1"; }
link vmlinux "$root/usr/lib/debug/boot/vmlinux-$release" "$root/usr/lib/debug/lib/modules/$release/vmlinux"
link vmlinuz "$root/boot/vmlinuz-$release" "$root/usr/lib/modules/$release/vmlinuz" "$root/lib/modules/$release/vmlinuz"
link modules "$root/lib/modules/$release/kernel" "$root/usr/lib/modules/$release/kernel"
link debug-modules "$root/usr/lib/debug/lib/modules/$release/kernel" "$root/usr/lib/debug/usr/lib/modules/$release/kernel"
printf '%s\n' "$release" >"$dir.partial/release"
touch "$dir.partial/complete"
rm -rf "$dir"
mv "$dir.partial" "$dir"
printf '%s\n' "$dir"
