#!/usr/bin/env bash
# Build a real Linux kernel with dwarfless-pahole in place of pahole, boot it, and check a dump of it:
#   scripts/lab/kernel-build.sh
# Debian's newest linux-source that this machine's compiler can build, with kernel-build.config, once as
# upstream does and once with all variables in its BTF. Prints the folder with `default/` and `all-variables/`.
#
# The first run compiles for an hour or more on two cores and takes 4 GB of the cache; later ones only
# link and check. Needs root on Debian where packages are missing (setup-system.sh --kernel-build), and
# `npm ci`. The check is test/lab/kernel-build.test.ts.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
project=$(cd "$here/../.." && pwd)
. "$here/lab.sh"

"$project/scripts/setup-system.sh" --kernel-build || die "packages are missing"
config="$here/kernel-build.config"
root="$DWARFLESS_CACHE/kernel-build"

# fetch_source SUITE: prints the folder of the newest sources there, unpacked.
fetch_source() {
  local package version dir
  use_suite "$1" amd64
  package=$(newest_package 'linux-source-[0-9.]+')
  [ -n "$package" ] || return 1
  version=$(apt-cache "${APT_OPTIONS[@]}" show "$package" | sed -n 's/^Version: //p' | sort -V | tail -n 1)
  dir="$root/sources/$version"
  if [ ! -d "$dir" ]; then
    say "$package $version (160 MB to fetch, 2 GB unpacked)"
    rm -rf "$dir.partial" "$dir.deb"
    unpack_package "$package" "$dir.deb"
    mkdir -p "$dir.partial"
    tar -C "$dir.partial" --strip-components=1 -xf "$dir.deb/usr/src/$package.tar.xz"
    rm -rf "$dir.deb"
    mv "$dir.partial" "$dir"
  fi
  printf '%s\n' "$dir"
}

# can_build SOURCE: whether this compiler is new enough for these sources.
can_build() {
  local needed have
  needed=$(sh "$1/scripts/min-tool-version.sh" gcc)
  have=$(gcc -dumpfullversion)
  [ "$(printf '%s\n%s\n' "$needed" "$have" | sort -V | head -n 1)" = "$needed" ]
}

source=
for suite in sid trixie; do
  # In a shell of its own: the lock is not held for longer than the fetch.
  candidate=$(lock_cache && fetch_source "$suite") || continue
  if can_build "$candidate"; then source=$candidate; break; fi
  say "$candidate needs a newer compiler than $(gcc -dumpfullversion)"
done
[ -n "$source" ] || die "no linux-source that can be built here"

pahole="$project/dist/cli/dwarfless-pahole.js"
npm --prefix "$project" run --silent build >&2
key=$( { cat "$config"; gcc --version; } | sha256sum | cut -c 1-10)
dir="$root/$(basename "$source")-$key"
mkdir -p "$dir/objects"
exec 8>"$dir/lock"
flock 8

# build TARGET...: what is new since the last time. Names of machine and user would be in the image.
build() {
  nice make -s -C "$source" "O=$dir/objects" ARCH=x86 -j2 KBUILD_BUILD_USER=dwarfless KBUILD_BUILD_HOST=lab "$@" >&2
}

# One that is no program is version 0 to the build, and then CONFIG_DEBUG_INFO_BTF is off without a word.
[ -x "$pahole" ] || die "$pahole is not executable"
if ! cmp -s "$config" "$dir/objects/kernel-build.config"; then
  build "PAHOLE=$pahole" "KCONFIG_ALLCONFIG=$config" allnoconfig
  grep '^CONFIG_' "$config" | while read -r line; do
    grep -qxF "$line" "$dir/objects/.config" || die "these sources do not take $line"
  done
  cp "$config" "$dir/objects/kernel-build.config"
fi

# keep NAME: what was built, for the check.
keep() {
  local partial="$dir/$1.partial" module
  rm -rf "$partial" "$dir/${1:?}"
  mkdir -p "$partial/modules"
  cp "$dir/objects/vmlinux" "$partial/vmlinux"
  cp "$dir/objects/arch/x86/boot/bzImage" "$partial/vmlinuz"
  cp "$dir/objects/include/config/kernel.release" "$partial/release"
  while read -r module; do cp "$dir/objects/${module%.o}.ko" "$partial/modules/"; done <"$dir/objects/modules.order"
  printf '%s\n' "$SECONDS" >"$partial/seconds"
  mv "$partial" "$dir/$1"
}

# link_kernel NAME VARIABLE...: link, encode and keep. The build does not see that pahole or its options
# have changed: without an image it links again, and modules are encoded anew because the image is newer.
link_kernel() {
  local name=$1
  shift
  rm -f "$dir/objects/vmlinux.unstripped" "$dir/objects/vmlinux"
  say "$name: linking"
  SECONDS=0
  build "PAHOLE=$pahole" "$@" all
  keep "$name"
}

SECONDS=0
say "compiling (an hour or more the first time)"
build "PAHOLE=$pahole" all
say "compiled in $SECONDS s"
link_kernel default

# A variable on make's command line takes the place of the Makefile's: it must name what that would have too.
flags=$(printf '%s\n' 'include include/config/auto.conf' "include $source/scripts/Kbuild.include" \
  "include $source/scripts/Makefile.btf" 'all:' '	@echo $(PAHOLE_FLAGS)' | make -s -C "$dir/objects" -f -)
printf '%s\n' "$flags" >"$dir/pahole-flags"
link_kernel all-variables "PAHOLE_FLAGS=$flags --btf_features=global_var"

gcc --version | head -n 1 >"$dir/compiler"
basename "$source" >"$dir/source"
rm -rf "$root/newest"
ln -s "$(basename "$dir")" "$root/newest"
(cd "$project" && DWARFLESS_LAB_BUILT_KERNEL=1 npx vitest run --project lab test/lab/kernel-build.test.ts) >&2
printf '%s\n' "$dir"
