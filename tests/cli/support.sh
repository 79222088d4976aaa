# shellcheck shell=bash
# What the scripts of this folder share; sourced. Each works in an empty directory of its own, with
# no configuration and no terminal, and ends with `finish`.
set -euo pipefail
hallmark=${HALLMARK:?the path of the program}
# shellcheck disable=SC2034  # for the scripts that source this
fixtures=${HALLMARK_FIXTURES:?the folder of the fixtures}
# shellcheck disable=SC2034
root=${HALLMARK_ROOT:?the folder of the sources}

scratch=$(mktemp -d)
trap 'chmod -R u+rwx "$scratch"; rm -rf "$scratch"' EXIT
mkdir "$scratch/here"
cd "$scratch/here"
export HOME=$scratch/home XDG_STATE_HOME=$scratch/state XDG_DATA_HOME=$scratch/data
export XDG_CACHE_HOME=$scratch/cache LC_ALL=C.UTF-8 TERM=xterm
unset NO_COLOR COLUMNS
wrong=0

complain() {
  printf 'WRONG: %s\n' "$*" >&2
  wrong=$((wrong + 1))
}

# run STATUS ARGUMENT…: runs hallmark; stdout is kept in $scratch/out, stderr in $scratch/err.
run() {
  local expected=$1 status=0
  shift
  command_line="hallmark $*"
  "$hallmark" "$@" >"$scratch/out" 2>"$scratch/err" </dev/null || status=$?
  if ((status != expected)); then
    complain "$command_line: exit status $status, expected $expected"
    sed 's/^/  | /' "$scratch/out" "$scratch/err" | head -30 >&2
  fi
}

# What the last run wrote must (not) hold these words.
out_has() { for word; do grep -qF -- "$word" "$scratch/out" || complain "$command_line: stdout lacks: $word"; done; }
err_has() { for word; do grep -qF -- "$word" "$scratch/err" || complain "$command_line: stderr lacks: $word"; done; }
out_lacks() { for word; do ! grep -qF -- "$word" "$scratch/out" || complain "$command_line: stdout has: $word"; done; }
out_is_empty() { [[ ! -s $scratch/out ]] || complain "$command_line: stdout is not empty"; }
err_is_empty() { [[ ! -s $scratch/err ]] || complain "$command_line: stderr is not empty: $(head -1 "$scratch/err")"; }

# json EXPRESSION EXPECTED: a Python expression over the report `r` of the last run.
json() {
  local got
  got=$(python3 -c 'import json, sys
r = json.load(open(sys.argv[1]))
print(eval(sys.argv[2]))' "$scratch/out" "$1") || got='an exception'
  [[ $got == "$2" ]] || complain "$command_line: $1 is $got, expected $2"
}

# The working directory holds these files and nothing else: nothing was left behind.
only() {
  local got
  got=$(find . -mindepth 1 -maxdepth 1 -printf '%P\n' | LC_ALL=C sort | tr '\n' ' ')
  [[ $got == "$(printf '%s\n' "$@" | LC_ALL=C sort | tr '\n' ' ')" ]] || complain "$command_line: left behind: $got"
}

finish() { ((wrong == 0)); }
