# shellcheck shell=bash
# What `hack/collection check` does; sourced by it. Every step that fails is named, and all are tried.

work=$CACHE/collection-check
problems=()

problem() {
  log "  FAILED: $*"
  problems+=("$*")
}

# Built anew elsewhere, it is the same to the byte.
check_build() {
  local bytes
  ANEW=1 tree "$CACHE/collections-again" amd64 arm64
  full "$work/first.tar.gz"
  archive "$CACHE/collections-again" "$work/second.tar.gz"
  cmp "$work/first.tar.gz" "$work/second.tar.gz" || return 1
  rm -rf "$CACHE/collections-again"
  bytes=$(stat -c %s "$work/first.tar.gz")
  log "  $bytes bytes of at most $MAX_BYTES, twice the same"
  ((bytes < MAX_BYTES))
}

check_install() {
  ansible-galaxy collection install -p "$work/installed" "$work/first.tar.gz" >"$work/install.log" 2>&1 || { cat "$work/install.log" >&2 && return 1; }
  ansible-galaxy collection verify --offline -p "$work/installed" brickyard.gluster >&2
}

check_documentation() {
  local out role playbook
  out=$(ansible-doc -l brickyard.gluster 2>&1)
  [[ $out == brickyard.gluster.gluster_setup\ * && $(wc -l <<<"$out") -eq 1 ]] || { log "$out" && return 1; }
  ansible-doc brickyard.gluster.gluster_setup >"$work/doc.txt" 2>&1 && grep -q 'wait_for_others' "$work/doc.txt" || return 1
  # Of all roles, and of all playbooks, at once: each start of Ansible takes a second.
  out=$(ansible-doc -t role brickyard.gluster.gluster brickyard.gluster.prometheus_rules | awk '/^> ROLE:/ { role = $0 } /ENTRY POINT/ { print role }')
  for role in gluster prometheus_rules; do
    grep -q "\bbrickyard\.gluster\.$role\b" <<<"$out" || { log "no documentation of the role $role" && return 1; }
  done
  ansible-playbook --syntax-check -i "$work/inventory" brickyard.gluster.{cache,web,site,rolling_restart} >"$work/syntax.log" 2>&1 || { cat "$work/syntax.log" >&2 && return 1; }
  for playbook in cache web site rolling_restart; do
    grep -q "/playbooks/$playbook\.yml\$" "$work/syntax.log" || { cat "$work/syntax.log" >&2 && return 1; }
  done
}

# render FILE INTO NODE...: what every node of a cluster file gets. The file's own copy may be worded differently.
render() {
  local file=$1 into=$2 node
  shift 2
  for node in "$@"; do
    mkdir -p "$into/$node"
    bin/gluster-setup render --file "$file" --node "$node" --root "$into/$node" >/dev/null
    rm "$into/$node/etc/brickyard/cluster.yaml"
  done
}

# The playbooks and the inventory describe the clusters of `gluster-setup init`.
check_examples() {
  local kind nodes name
  "$CACHE/venv/bin/python3" - "$work" <<'PYTHON' || return 1
import pathlib, sys, yaml
for kind in ("cache", "web"):
    play = yaml.safe_load(pathlib.Path(f"collection/playbooks/{kind}.yml").read_text())[0]
    pathlib.Path(sys.argv[1], f"playbook-{kind}.yaml").write_text(yaml.safe_dump(play["vars"]["gluster_cluster"], sort_keys=False))
PYTHON
  ansible-playbook -i "$work/inventory" -e "out=$work/inventory-cache.yaml" hack/collection-files/dump.yml >"$work/dump.log" 2>&1 || { cat "$work/dump.log" >&2 && return 1; }
  for kind in cache web; do
    nodes=(web1.example.com web2.example.com)
    [[ $kind == web ]] || nodes+=(cache1.example.com cache2.example.com)
    bin/gluster-setup init "$kind" >"$work/init-$kind.yaml"
    for name in init playbook inventory; do
      [[ -f $work/$name-$kind.yaml ]] || continue
      render "$work/$name-$kind.yaml" "$work/rendered/$name-$kind" "${nodes[@]}" || return 1
      diff -r "$work/rendered/init-$kind" "$work/rendered/$name-$kind" >&2 || { log "  $name-$kind differs from gluster-setup init $kind" && return 1; }
    done
  done
  [[ -d $work/rendered/inventory-cache ]]
}

# The role for Prometheus: targets of the inventory's cluster, and a clear word about dashboards that are not there.
check_prometheus_rules() {
  local run=(ansible-playbook -i "$work/inventory" -e "root=$work/prometheus" -e "ansible_python_interpreter=$CACHE/venv/bin/python3" hack/collection-files/prometheus.yml)
  "${run[@]}" >"$work/prometheus.log" 2>&1 || { cat "$work/prometheus.log" >&2 && return 1; }
  if ! "${run[@]}" >"$work/prometheus.log" 2>&1 || ! grep -q 'changed=0' "$work/prometheus.log"; then
    cat "$work/prometheus.log" >&2
    return 1
  fi
  [[ $("$CACHE/venv/bin/python3" -c 'import json, sys; t = json.load(open(sys.argv[1])); print(*t[0]["targets"], t[0]["labels"]["cluster"])' "$work/prometheus/gluster.json") == \
    "cache1.example.com:9189 cache2.example.com:9189 web1.example.com:9189 web2.example.com:9189 example" ]] || { cat "$work/prometheus/gluster.json" >&2 && return 1; }
  diff -r --exclude=tests dashboards/rules "$work/prometheus/rules" >&2 || return 1
  if ! compgen -G "$work/installed/ansible_collections/brickyard/gluster/files/dashboards/*.json" >/dev/null; then
    ! "${run[@]}" -e '{"prometheus_rules_dashboards": true}' >"$work/prometheus.log" 2>&1 && grep -q 'this collection has no dashboards' "$work/prometheus.log"
  fi
}

# The program is chosen on the node, by what `uname` says there.
check_architecture() {
  local machine out
  mkdir -p "$work/uname"
  for machine in aarch64 riscv64; do
    printf '#!/bin/sh\necho %s\n' "$machine" >"$work/uname/uname"
    chmod +x "$work/uname/uname"
    out=$(PATH=$work/uname:$PATH ansible -i localhost, -c local -m brickyard.gluster.gluster_setup -a config=/nonexistent -e "ansible_python_interpreter=$CACHE/venv/bin/python3" localhost 2>&1) || true
    case $machine in
      aarch64) grep -q 'gluster_setup_linux_arm64: .*format error' <<<"$out" ;; # sent, and this machine cannot run it
      riscv64) grep -q 'there is no gluster-setup for riscv64, only for aarch64, x86_64' <<<"$out" ;;
    esac || { log "$machine: $out" && return 1; }
  done
  # And the one for this machine says what is wrong itself.
  out=$(ansible -i localhost, -c local -m brickyard.gluster.gluster_setup -a config=/nonexistent -e "ansible_python_interpreter=$CACHE/venv/bin/python3" localhost 2>&1) || true
  grep -q 'read the cluster file: open /nonexistent: no such file' <<<"$out" || { log "$out" && return 1; }
}

# Which way the role goes: hosts that run at the same moment do everything in one task.
check_forks() {
  local how apart
  while read -r apart how; do
    # shellcheck disable=SC2086 # arguments
    ansible-playbook -i 'one,two' -e "ansible_python_interpreter=$CACHE/venv/bin/python3" hack/collection-files/forks.yml $how >"$work/forks.log" 2>&1 </dev/null && return 1
    if [[ $(grep -cE 'gluster : The machine]' "$work/forks.log") != "$apart" ]]; then
      cat "$work/forks.log" >&2
      return 1
    fi
  done <<'CASES'
0 -f 2
1 -f 1
1 -f 2 -e batch=1
CASES
}

# Some minutes of a processor, and no test of it looks into compiled programs: what counts is everything else in the collection, and of
# the programs, and of what is made of them, that they are there under their names.
check_sanity() {
  local collection=$work/installed/ansible_collections/brickyard/gluster names=$work/names.txt sources
  (cd "$collection" && find . -path ./.git -prune -o -path ./tests/output -prune -o -name __pycache__ -prune -o -printf '%P %y%m\n' | LC_ALL=C sort) >"$names"
  mapfile -t sources < <(cd "$collection" && find . -path ./.git -prune -o -path ./tests/output -prune -o -path ./files/bin -prune -o \
    -name __pycache__ -prune -o -type f ! -name FILES.json ! -name MANIFEST.json -printf "$collection/%P\n")
  unless_proved collection/sanity "${sources[@]}" "$names" hack/collection hack/collection-files molecule/requirements.txt "$CACHE/venv/pyvenv.cfg" -- \
    sanity "$collection" || return
  log "  $(sanity_tests) sanity tests"
  grep -E '^WARNING: .*([Ss]kip|[Uu]nable|[Ii]gnor|[Rr]equire)' "$SANITY/log" | sed 's/^/  NOT RUN: /' >&2 || true
}

# The environments that ansible-test makes of what the package registry has, and the log of its last run, which says what it cannot run.
SANITY=$CACHE/sanity-home

sanity_tests() { grep -c '^Running sanity test' "$SANITY/log" || true; }

# sanity COLLECTION
sanity() {
  local python
  mkdir -p "$SANITY/.ansible/test/cache"
  cp hack/collection-files/get_pip.py "$SANITY/.ansible/test/cache/get_pip_24_2.py"
  python=$("$CACHE/venv/bin/python3" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
  (
    cd "$1"
    # It looks at what git knows, and this checkout ignores all of it.
    git init -q . && git add -A
    HOME=$SANITY PATH=$CACHE/venv/bin:/usr/bin:/bin ansible-test sanity --color no --python "$python"
  ) >"$SANITY/log" 2>&1 </dev/null || { grep -vE '^(Collecting|  Downloading|Installing|Using cached|Successfully) ?' "$SANITY/log" | tail -n 40 >&2 && return 1; }
  (($(sanity_tests) > 10))
}

steps=("$@")
if ((${#steps[@]} == 0)); then
  steps=(build install documentation examples prometheus_rules architecture forks sanity)
  rm -rf "$work"
fi
mkdir -p "$work"
rm -rf "$work/inventory"
cp -r collection/examples/inventory "$work/inventory"
[[ -x bin/gluster-setup ]] || hack/build
export ANSIBLE_HOME=$CACHE/ansible ANSIBLE_COLLECTIONS_PATH=$work/installed ANSIBLE_NOCOLOR=1 NO_COLOR=1
for step in "${steps[@]}"; do
  start=$SECONDS
  if "check_$step"; then log "  $step: ok ($(seconds_since "$start") s)"; else problem "$step"; fi
done
((${#problems[@]} == 0)) || die "failed: ${problems[*]}"
