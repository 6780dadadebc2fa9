# Shared by the lab scripts: the cache folder, its lock, and apt-get for another
# suite or architecture that leaves the system's own package state alone.
# Sourced, never run.

DWARFLESS_CACHE="${XDG_CACHE_HOME:-$HOME/.cache}/dwarfless"
export LC_ALL=C

say() { printf '%s\n' "lab: $*" >&2; }
die() { printf '%s\n' "lab: $*" >&2; exit 1; }

# One fetch at a time: the second of two runs waits, then finds the work done.
# What an interrupted run left behind is removed, which only the lock's holder may do.
lock_cache() {
  local tool
  for tool in apt-get apt-cache dpkg flock; do
    command -v "$tool" >/dev/null || die "$tool is not installed: kernels and peers come from Debian's archive"
  done
  mkdir -p "$DWARFLESS_CACHE"
  exec 9>"$DWARFLESS_CACHE/lock"
  flock --nonblock 9 || { say "another run is fetching; waiting for it"; flock 9; }
  rm -rf "$DWARFLESS_CACHE"/download.*
  trap 'rm -rf "$DWARFLESS_CACHE"/download.*' EXIT
}

# The main archive's address as the system knows it; other systems than Debian use the public one.
debian_mirror() {
  local uri=
  if [ -f /etc/apt/sources.list.d/debian.sources ]; then
    uri=$(sed -n 's/^URIs:[[:space:]]*\([^[:space:]]*\).*/\1/p' /etc/apt/sources.list.d/debian.sources | head -n 1)
  elif [ -f /etc/apt/sources.list ] && grep -q '^ID=debian' /etc/os-release; then
    uri=$(sed -n 's/^deb[[:space:]]\+\(\[[^]]*\][[:space:]]\+\)\{0,1\}\([^[:space:]]*\).*/\2/p' /etc/apt/sources.list | head -n 1)
  fi
  printf '%s\n' "${uri:-http://deb.debian.org/debian}"
}

# use_suite SUITE ARCH: fills APT_OPTIONS; refreshes the lists when they are
# older than a day (or when the caller asks with LAB_REFRESH=1).
use_suite() {
  local suite=$1 arch=$2
  local dir="$DWARFLESS_CACHE/apt/$suite-$arch" keyring=/usr/share/keyrings/debian-archive-keyring.gpg
  [ -f "$keyring" ] || die "$keyring is missing: install debian-archive-keyring"
  mkdir -p "$dir/lists/partial" "$dir/cache/archives/partial"
  [ -f "$dir/status" ] || : >"$dir/status"
  printf 'deb [arch=%s signed-by=%s] %s %s main\n' "$arch" "$keyring" "$(debian_mirror)" "$suite" >"$dir/sources.list"
  APT_OPTIONS=(
    -o "Dir::Etc::SourceList=$dir/sources.list" -o Dir::Etc::SourceParts=/dev/null
    -o "Dir::State=$dir" -o "Dir::State::Lists=$dir/lists" -o "Dir::State::status=$dir/status"
    -o "Dir::Cache=$dir/cache" -o "APT::Architecture=$arch" -o "APT::Architectures=$arch"
    -o APT::Sandbox::User=root -o Acquire::Languages=none -o Acquire::Retries=3
  )
  if [ "${LAB_REFRESH:-}" = 1 ] || [ -z "$(find "$dir/stamp" -mtime -1 2>/dev/null)" ]; then refresh_lists; fi
  touch "$dir/stamp"
}

# Read the lists of the suite in use again.
refresh_lists() {
  apt-get -qq "${APT_OPTIONS[@]}" update >&2 || die "apt-get update failed (${APT_OPTIONS[1]#*=})"
}

# newest_package REGEX: the highest version among the package names that match.
newest_package() {
  apt-cache "${APT_OPTIONS[@]}" pkgnames | grep -E -x -- "$1" | sort -V | tail -n 1 || true
}

# unpack_package NAME DIR: download and unpack, then delete the archive.
# Refreshes the lists once when the archive has moved on since they were read.
unpack_package() {
  local name=$1 dir=$2 temporary
  temporary=$(mktemp -d "$DWARFLESS_CACHE/download.XXXXXX")
  if ! (cd "$temporary" && apt-get -qq "${APT_OPTIONS[@]}" download "$name" >&2); then
    refresh_lists
    (cd "$temporary" && apt-get -qq "${APT_OPTIONS[@]}" download "$name" >&2) || die "cannot download $name"
  fi
  mkdir -p "$dir"
  dpkg -x "$temporary"/*.deb "$dir" || die "cannot unpack $name"
  rm -rf "$temporary"
}

# unpack_closure DIR NAME...: the packages and all they depend on, unpacked and not configured.
unpack_closure() {
  local dir=$1 temporary archive attempt
  shift
  temporary=$(mktemp -d "$DWARFLESS_CACHE/download.XXXXXX")
  mkdir -p "$temporary/partial" "$dir"
  for attempt in first second; do
    if apt-get -qq "${APT_OPTIONS[@]}" -o "Dir::Cache::archives=$temporary" -o Debug::NoLocking=1 \
      install --yes --download-only --no-install-recommends "$@" >&2; then break; fi
    [ "$attempt" = first ] || die "cannot download $*"
    refresh_lists
  done
  for archive in "$temporary"/*.deb; do dpkg -x "$archive" "$dir" || die "cannot unpack $archive"; done
  rm -rf "$temporary"
}
