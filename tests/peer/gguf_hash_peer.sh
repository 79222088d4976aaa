#!/usr/bin/env bash
# llama-gguf-hash's lists are hallmark's, line by line, and each checks those of the other.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=support.sh
source "$(dirname "$0")/support.sh"
hallmark=${HALLMARK:?the path of the program}
fixtures=${HALLMARK_FIXTURES:?the path of the fixtures}
gguf_hash=$(llama_peer)/bin/llama-gguf-hash
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
export XDG_CACHE_HOME=$place/cache XDG_STATE_HOME=$place/state
cd "$place"
cp -R "$fixtures/gguf" .

read_by_both=0
for name in gguf/*.gguf; do
  # Theirs does not read version 1, nor big-endian numbers.
  { "$gguf_hash" --all "$name" >theirs || continue; } 2>/dev/null
  read_by_both=$((read_by_both + 1))
  for algorithm in xxh64 sha1 sha256; do
    "$gguf_hash" "--$algorithm" "$name" 2>/dev/null >"$algorithm.theirs"
    "$hallmark" hash "$name" --algo "$algorithm" --format gguf-hash >"$algorithm.ours"
    expect 0 "the $algorithm list of $name" -- diff "$algorithm.theirs" "$algorithm.ours"
    expect 0 "hallmark's $algorithm list of $name, by llama-gguf-hash" -- \
      "$gguf_hash" --check "$algorithm.ours" "$name"
  done
  expect 0 "llama-gguf-hash's list of $name" -- "$hallmark" verify "$name" --against theirs
done
((read_by_both >= 15)) || { wrong=$((wrong + 1)); echo "WRONG: only $read_by_both files compared"; }

# A few changed bytes of data, and both must notice, whoever made the list.
name=gguf/tiny-Q4_K_M.gguf
"$gguf_hash" --sha256 "$name" 2>/dev/null >theirs
"$hallmark" hash "$name" --format gguf-hash >ours
printf 'changed' | dd of="$name" bs=1 seek=$(($(stat -c %s "$name") - 100)) conv=notrunc status=none
expect 1 "a changed file against llama-gguf-hash's list" -- "$hallmark" verify "$name" --against theirs
expect 1 "a changed file against hallmark's list" -- "$gguf_hash" --check ours "$name"

echo "$compared comparisons, $wrong wrong"
((wrong == 0))
