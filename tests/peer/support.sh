# shellcheck shell=bash
# What the scripts of this folder share; sourced, with `place` a folder for what is made on the way.
compared=0
wrong=0

expect() {  # expect STATUS WHAT -- COMMAND…
  local expected=$1 what=$2 status=0
  shift 3
  "$@" >"$place/output" 2>&1 || status=$?
  compared=$((compared + 1))
  if ((status != expected)); then
    wrong=$((wrong + 1))
    echo "WRONG: $what: exit status $status, not $expected"
    sed 's/^/  /' "$place/output"
  fi
}
