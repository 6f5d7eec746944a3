# shellcheck shell=bash
# What the scripts of this directory share. Sourced, never run.

shopt -s inherit_errexit

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
CACHE=$ROOT/.cache
export ROOT CACHE

# Go may live outside PATH: Debian's backport puts it below /usr/lib.
for dir in /usr/local/go/bin /usr/lib/go-1.23/bin; do
  [[ -x $dir/go ]] && ! command -v go >/dev/null && PATH=$PATH:$dir
done
export PATH=$CACHE/venv/bin:$CACHE/bin:$PATH
# The build must not depend on flags of the machine.
export GOFLAGS=

log() { printf '%s\n' "$*" >&2; }

die() {
  log "${0##*/}: $*"
  exit 1
}

need_root() {
  [[ $EUID -eq 0 ]] || die "$1 needs root: it installs packages and runs systemd hosts as containers. Try: sudo make ${2:-$1}"
}

# retry TIMES COMMAND...: runs COMMAND until it succeeds, with growing pauses.
retry() {
  local times=$1 try
  shift
  for ((try = 1; ; try++)); do
    "$@" && return 0
    ((try < times)) || return 1
    log "  failed, trying again in $((try * 3)) s: $*"
    sleep $((try * 3))
  done
}

# apt_install PACKAGE...: installs those that are missing, quietly.
apt_install() {
  local package missing=()
  for package in "$@"; do
    [[ $(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null) == installed ]] || missing+=("$package")
  done
  ((${#missing[@]})) || return 0
  log "  apt: ${missing[*]}"
  retry 3 apt_get update
  retry 3 apt_get install -y --no-install-recommends "${missing[@]}"
}

# apt_get ARGUMENT...: apt-get that asks nothing and is silent unless it fails.
apt_get() {
  local out
  out=$(DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3 "$@" 2>&1) || {
    log "$out"
    return 1
  }
}

# seconds_since START: whole seconds since START, a value of SECONDS.
seconds_since() { echo $((SECONDS - $1)); }
