#!/usr/bin/env bash
# Install the system packages that the tests use, as root on Debian; says what
# is missing otherwise. Quick when all is there. Exit 1: something is missing,
# and the tests that need it will be reported as skipped.
# Building and using dwarfless needs none of them, only Node.
#   scripts/setup-system.sh [PACKAGE...]     only these of them
#   scripts/setup-system.sh --kernel-build   instead what building a kernel takes
set -euo pipefail
export LC_ALL=C DEBIAN_FRONTEND=noninteractive

# package: what needs it
packages='
qemu-system-x86   guests of amd64 kernels
qemu-system-arm   guests of arm64 kernels
xz-utils          modules shipped as .ko.xz
gcc               the loader inside guests, compiled fixtures
libc6-dev         the loader inside guests
clang             compiled fixtures, C headers, other architectures
lld               compiled fixtures , LTO
llvm              compiled fixtures , dwp and objcopy
binutils          comparison with readelf
elfutils          comparison with eu-readelf
dwz               compiled fixtures with supplementary files
zstd              compiled fixtures
libelf-dev        tests of libbpf on BTF
time              benchmarks
'

# Only for scripts/lab/kernel-build.sh.
kernel_build_packages='
bc                kernel build: constants of the timer code
bison             kernel build: Kconfig
flex              kernel build: Kconfig
gcc               kernel build
libc6-dev         kernel build: host programs
libelf-dev        kernel build: objtool, resolve_btfids (with zlib1g-dev)
libssl-dev        kernel build: where modules are signed
make              kernel build
qemu-system-x86   guests of amd64 kernels
xz-utils          kernel build: the archive of the sources
'
if [ "${1:-}" = --kernel-build ]; then
  packages=$kernel_build_packages
  shift
fi

missing=()
while read -r package purpose; do
  [ -n "$package" ] || continue
  if [ $# -gt 0 ] && [[ " $* " != *" $package "* ]]; then continue; fi
  if [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" != installed ]; then
    missing+=("$package")
    printf 'setup-system: %s is missing (%s)\n' "$package" "$purpose" >&2
  fi
done <<<"$packages"
if [ ${#missing[@]} -eq 0 ]; then exit 0; fi

if ! command -v apt-get >/dev/null; then
  echo "setup-system: no apt-get: install what these packages hold by your system's own means; what needs them is skipped" >&2
  exit 1
fi
if [ "$(id -u)" != 0 ]; then
  echo "setup-system: not root; as root: apt-get install --no-install-recommends ${missing[*]}" >&2
  echo "setup-system: what needs them is skipped" >&2
  exit 1
fi
options=(-qq -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3)
apt-get "${options[@]}" update </dev/null || echo "setup-system: apt-get update failed, trying with the lists there are" >&2
apt-get "${options[@]}" install --yes --no-install-recommends "${missing[@]}" </dev/null >/dev/null
echo "setup-system: installed ${missing[*]}" >&2
