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

# The folder with llama.cpp's tools: HALLMARK_PEER_LLAMA, or the one that scripts/peer-llama made
# before. The script ends as skipped if there is none.
llama_peer() {
  local peer=${HALLMARK_PEER_LLAMA:-}
  [[ -n $peer ]] || peer=$("$(dirname "${BASH_SOURCE[0]}")/../../scripts/peer-llama" --if-ready) || {
    echo "skipped: llama.cpp is not set up; scripts/peer-llama does it" >&2
    return 77
  }
  echo "$peer"
}
