# bash completion of gluster-setup, written by go test -update from its command line; edits are lost.
# shellcheck shell=bash
_gluster_setup() {
  local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]} command='' words='' kind=''
  # --flag=value are three words here.
  case $cur$prev in
    =--*) cur='' ;;
    *=) ((COMP_CWORD < 2)) || prev=${COMP_WORDS[COMP_CWORD - 2]} ;;
  esac
  ((COMP_CWORD < 2)) || command=${COMP_WORDS[1]}
  case "$command $prev" in
    'plan --file' | 'plan -f') kind=files ;;
    'plan --node') kind=none ;;
    'plan --output' | 'plan -o') kind=words words='text json' ;;
    'plan --templates') kind=files ;;
    'plan --allow') kind=none ;;
    'plan --parts') kind=words words='host pool client' ;;
    'plan --timeout') kind=none ;;
    'apply --file' | 'apply -f') kind=files ;;
    'apply --node') kind=none ;;
    'apply --output' | 'apply -o') kind=words words='text json' ;;
    'apply --templates') kind=files ;;
    'apply --allow') kind=none ;;
    'apply --parts') kind=words words='host pool client' ;;
    'apply --timeout') kind=none ;;
    'render --file' | 'render -f') kind=files ;;
    'render --node') kind=none ;;
    'render --output' | 'render -o') kind=words words='text json' ;;
    'render --templates') kind=files ;;
    'render --root') kind=files ;;
    'render --binary') kind=none ;;
    'render --prometheus') kind=files ;;
    'render --targets') kind=words words='name address' ;;
    'render --label') kind=none ;;
    'status --file' | 'status -f') kind=files ;;
    'status --node') kind=none ;;
    'status --output' | 'status -o') kind=words words='text json' ;;
    'status --timeout') kind=none ;;
    'verify --file' | 'verify -f') kind=files ;;
    'verify --node') kind=none ;;
    'verify --output' | 'verify -o') kind=words words='text json' ;;
    'verify --mount') kind=none ;;
    'verify --rounds') kind=none ;;
    'verify --timeout') kind=none ;;
    'verify --patience') kind=none ;;
    'bench --output' | 'bench -o') kind=words words='text json' ;;
    'bench --size') kind=none ;;
    'bench --count') kind=none ;;
    'bench --rounds') kind=none ;;
    'recover --file' | 'recover -f') kind=files ;;
    'recover --node') kind=none ;;
    'recover --timeout') kind=none ;;
    'recover --give-up') kind=none ;;
    'recover --rebuild-empty') kind=none ;;
    'ok-to-stop --file' | 'ok-to-stop -f') kind=files ;;
    'ok-to-stop --node') kind=none ;;
    'ok-to-stop --output' | 'ok-to-stop -o') kind=words words='text json' ;;
    'ok-to-stop --wait') kind=none ;;
    'ok-to-stop --limit') kind=none ;;
    'check --file' | 'check -f') kind=files ;;
    'check --node') kind=none ;;
    'check --output' | 'check -o') kind=words words='text json' ;;
    'check --rate') kind=none ;;
    'check --bandwidth') kind=none ;;
    'check --max') kind=none ;;
    'check --timeout') kind=none ;;
    'guard --file' | 'guard -f') kind=files ;;
    'guard --node') kind=none ;;
    'guard --disk') kind=none ;;
    'guard --directory') kind=none ;;
    'wait --file' | 'wait -f') kind=files ;;
    'wait --node') kind=none ;;
  esac
  if [[ ! $kind ]]; then
    case $command in
      plan)
        kind=words
        [[ $cur != -* ]] || { kind=words && words='--help -h --file -f --node --output -o --templates --allow --parts --timeout'; }
        ;;
      apply)
        kind=words
        [[ $cur != -* ]] || { kind=words && words='--help -h --file -f --node --output -o --templates --allow --parts --timeout --verbose -v'; }
        ;;
      render)
        kind=words
        [[ $cur != -* ]] || { kind=words && words='--help -h --file -f --node --output -o --templates --root --binary --prometheus --targets --label'; }
        ;;
      status)
        kind=words
        [[ $cur != -* ]] || { kind=words && words='--help -h --file -f --node --output -o --timeout'; }
        ;;
      verify)
        kind=words
        [[ $cur != -* ]] || { kind=words && words='--help -h --file -f --node --output -o --mount --rounds --timeout --patience --alone'; }
        ;;
      bench)
        kind=directories
        [[ $cur != -* ]] || { kind=words && words='--help -h --output -o --size --count --rounds --fsync --drop-cache'; }
        ;;
      recover)
        kind=words
        [[ $cur != -* ]] || { kind=words && words='--help -h --file -f --node --timeout --give-up --rebuild-empty'; }
        ;;
      ok-to-stop)
        kind=words
        [[ $cur != -* ]] || { kind=words && words='--help -h --file -f --node --output -o --look --release --hold --wait --limit'; }
        ;;
      check)
        kind=words
        [[ $cur != -* ]] || { kind=words && words='--help -h --file -f --node --output -o --scheduled --own --content --rate --bandwidth --max --timeout'; }
        ;;
      guard)
        kind=words
        [[ $cur != -* ]] || { kind=words && words='--help -h --file -f --node --stopped --store --hosts --disk --directory'; }
        ;;
      wait)
        kind=words
        [[ $cur != -* ]] || { kind=words && words='--help -h --file -f --node'; }
        ;;
      init)
        kind=words words='web cache'
        [[ $cur != -* ]] || { kind=words && words='--help -h'; }
        ;;
      schema)
        kind=words
        [[ $cur != -* ]] || { kind=words && words='--help -h'; }
        ;;
      version)
        kind=words
        [[ $cur != -* ]] || { kind=words && words='--help -h'; }
        ;;
      '')
        kind=words words='plan apply render status verify bench recover ok-to-stop check guard wait init schema version'
        [[ $cur != -* ]] || words='--help -h'
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
complete -F _gluster_setup gluster-setup
