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

# unless_proved NAME FILE... -- COMMAND...: runs COMMAND, unless it succeeded before when it was the same, and so were these files and
# all files below these directories: names, modes and contents. Of each NAME the last success is remembered. Only for a COMMAND
# whose verdict rests on nothing else; PROVE=again runs it all the same.
unless_proved() {
  local name=$1 files=() key stamp
  shift
  while [[ $1 != -- ]]; do
    files+=("$1")
    shift
  done
  shift
  key=$(fingerprint "${files[@]}" -- "$@")
  stamp=$CACHE/proved/$name
  if [[ ${PROVE:-} != again && $(cat "$stamp" 2>/dev/null) == "$key" ]]; then
    log "  ${name##*/}: passed before, and nothing that it looks at has changed"
    return 0
  fi
  "$@" || return
  mkdir -p "${stamp%/*}"
  echo "$key" >"$stamp.$$"
  mv "$stamp.$$" "$stamp"
}

# fingerprint FILE... -- COMMAND...: a hash of them, and of the program or function that is the COMMAND.
fingerprint() {
  local files=()
  while [[ $1 != -- ]]; do
    files+=("$1")
    shift
  done
  shift
  {
    printf '%s\0' "$@"
    if [[ $(type -t "$1") == function ]]; then declare -f "$1"; else sha256sum "$(type -P "$1")"; fi
    ((${#files[@]} == 0)) || find -H "${files[@]}" -printf '%p %y%m %l\n' | LC_ALL=C sort
    ((${#files[@]} == 0)) || find -H "${files[@]}" -type f -print0 | LC_ALL=C sort -z | xargs -0r sha256sum
  } | sha256sum | cut -c 1-64
}

# as_table: lines of words with their columns below each other, as `column -t` of bsdextrautils prints them.
as_table() {
  awk '{
      for (i = 1; i <= NF; i++) { word[NR, i] = $i; if (length($i) > width[i]) width[i] = length($i) }
      words[NR] = NF
    }
    END {
      for (n = 1; n <= NR; n++) {
        for (i = 1; i < words[n]; i++) printf "%-" (width[i] + 2) "s", word[n, i]
        print word[n, words[n]]
      }
    }'
}

# seconds_since START: whole seconds since START, a value of SECONDS.
seconds_since() { echo $((SECONDS - $1)); }
