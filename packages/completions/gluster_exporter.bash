# bash completion of gluster_exporter, written by go test -update from its command line; edits are lost.
# shellcheck shell=bash
_gluster_exporter() {
  local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]} command='' words='' kind=''
  # --flag=value are three words here.
  case $cur$prev in
    =--*) cur='' ;;
    *=) ((COMP_CWORD < 2)) || prev=${COMP_WORDS[COMP_CWORD - 2]} ;;
  esac
  case "$command $prev" in
    ' --web.listen-address') kind=none ;;
    ' --web.config.file') kind=none ;;
    ' --web.telemetry-path') kind=none ;;
    ' --web.max-requests') kind=none ;;
    ' --web.scrape-timeout') kind=none ;;
    ' --web.timeout-offset') kind=none ;;
    ' --collector.heal-info.interval') kind=none ;;
    ' --probe.mount') kind=none ;;
    ' --probe.interval') kind=none ;;
    ' --probe.timeout') kind=none ;;
    ' --probe.size') kind=none ;;
    ' --probe.node') kind=none ;;
    ' --probe.peers') kind=none ;;
    ' --path.socket') kind=none ;;
    ' --path.workdir') kind=none ;;
    ' --path.rundir') kind=none ;;
    ' --path.procfs') kind=none ;;
    ' --path.fstab') kind=none ;;
    ' --path.tls') kind=none ;;
    ' --path.recovery') kind=none ;;
    ' --path.waiting') kind=none ;;
    ' --path.check') kind=none ;;
    ' --path.cluster-file') kind=none ;;
    ' --log.level') kind=words words='debug info warn error' ;;
    ' --log.format') kind=words words='logfmt json' ;;
    ' --runtime.gomaxprocs') kind=none ;;
  esac
  if [[ ! $kind ]]; then
    case $command in
      '')
        kind=words
        [[ $cur != -* ]] || { kind=words && words='--help -h --web.listen-address --web.config.file --web.telemetry-path --web.systemd-socket --web.max-requests --web.scrape-timeout --web.timeout-offset --collector.peers --no-collector.peers --collector.volumes --no-collector.volumes --collector.config --no-collector.config --collector.bricks --no-collector.bricks --collector.sets --no-collector.sets --collector.heal --no-collector.heal --collector.io --no-collector.io --collector.processes --no-collector.processes --collector.mounts --no-collector.mounts --collector.tls --no-collector.tls --collector.rebalance --no-collector.rebalance --collector.georep --no-collector.georep --collector.recovery --no-collector.recovery --collector.check --no-collector.check --collector.cluster-file --no-collector.cluster-file --collector.heal-info --no-collector.heal-info --collector.heal-info.interval --probe.mount --probe.interval --probe.timeout --probe.size --probe.node --probe.peers --path.socket --path.workdir --path.rundir --path.procfs --path.fstab --path.tls --path.recovery --path.waiting --path.check --path.cluster-file --log.level --log.format --runtime.gomaxprocs --version'; }
        ;;
    esac
  fi
  COMPREPLY=()
  case $kind in
    words) mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur") ;;
    files) compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -f -- "$cur") ;;
    directories) compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -d -- "$cur") ;;
  esac
}
complete -F _gluster_exporter gluster_exporter
