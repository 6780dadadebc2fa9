# Shared by the lab scripts: the cache folder, and apt-get for another suite
# or architecture that leaves the system's own package state alone.
# Sourced, never run.

DWARFLESS_CACHE="${XDG_CACHE_HOME:-$HOME/.cache}/dwarfless"

say() { printf '%s\n' "lab: $*" >&2; }
die() { printf '%s\n' "lab: $*" >&2; exit 1; }

# The main archive's address as the system knows it.
debian_mirror() {
  local uri
  uri=$(sed -n 's/^URIs:[[:space:]]*\([^[:space:]]*\).*/\1/p' /etc/apt/sources.list.d/*.sources 2>/dev/null | head -n 1)
  if [ -z "$uri" ] && [ -f /etc/apt/sources.list ]; then
    uri=$(sed -n 's/^deb[[:space:]]\+\(\[[^]]*\][[:space:]]\+\)\{0,1\}\([^[:space:]]*\).*/\2/p' /etc/apt/sources.list | head -n 1)
  fi
  [ -n "$uri" ] || die "no Debian archive address in /etc/apt"
  printf '%s\n' "$uri"
}

# use_suite SUITE ARCH: fills APT_OPTIONS; refreshes the lists when they are
# older than a day (or when the caller asks with LAB_REFRESH=1).
use_suite() {
  local suite=$1 arch=$2
  local dir="$DWARFLESS_CACHE/apt/$suite-$arch" keyring=/usr/share/keyrings/debian-archive-keyring.gpg
  mkdir -p "$dir/lists/partial" "$dir/cache/archives/partial"
  [ -f "$dir/status" ] || : >"$dir/status"
  printf 'deb [arch=%s signed-by=%s] %s %s main\n' "$arch" "$keyring" "$(debian_mirror)" "$suite" >"$dir/sources.list"
  APT_OPTIONS=(
    -o "Dir::Etc::SourceList=$dir/sources.list" -o Dir::Etc::SourceParts=/dev/null
    -o "Dir::State=$dir" -o "Dir::State::Lists=$dir/lists" -o "Dir::State::status=$dir/status"
    -o "Dir::Cache=$dir/cache" -o "APT::Architecture=$arch" -o "APT::Architectures=$arch"
    -o APT::Sandbox::User=root -o Acquire::Languages=none -o Acquire::Retries=3
  )
  if [ "${LAB_REFRESH:-}" = 1 ] || [ -z "$(find "$dir/stamp" -mtime -1 2>/dev/null)" ]; then
    apt-get -qq "${APT_OPTIONS[@]}" update >&2 || die "apt-get update failed for $suite/$arch"
    touch "$dir/stamp"
  fi
}

# newest_package REGEX: the highest version among the package names that match.
newest_package() {
  apt-cache "${APT_OPTIONS[@]}" pkgnames | grep -E -x -- "$1" | sort -V | tail -n 1
}

# unpack_package NAME DIR: download and unpack, then delete the archive.
# Refreshes the lists once when the archive has moved on since they were read.
unpack_package() {
  local name=$1 dir=$2 temporary
  temporary=$(mktemp -d "$DWARFLESS_CACHE/download.XXXXXX")
  if ! (cd "$temporary" && apt-get -qq "${APT_OPTIONS[@]}" download "$name" >&2); then
    apt-get -qq "${APT_OPTIONS[@]}" update >&2
    (cd "$temporary" && apt-get -qq "${APT_OPTIONS[@]}" download "$name" >&2) || { rm -rf "$temporary"; die "cannot download $name"; }
  fi
  mkdir -p "$dir"
  dpkg -x "$temporary"/*.deb "$dir" || { rm -rf "$temporary"; die "cannot unpack $name"; }
  rm -rf "$temporary"
}
