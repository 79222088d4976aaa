#!/usr/bin/env bash
# Lists of coreutils, openssl and b3sum are read by hallmark, and hallmark's by them, whatever the
# names of the files.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=support.sh
source "$(dirname "$0")/support.sh"
hallmark=${HALLMARK:?the path of the program}
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
export XDG_CACHE_HOME=$place/cache XDG_STATE_HOME=$place/state
cd "$place"

# Files of awkward sizes under awkward names; `plain` has those that every peer can write.
mkdir plain odd
sizes=(0 1 55 56 64 1023 1024 1025 16384 16385 1048577)
for size in "${sizes[@]}"; do head -c "$size" /dev/urandom >"plain/$size.bin"; done
mkdir plain/below
head -c 5000 /dev/urandom >plain/below/one.bin
names=('with space' '  leading' 'trailing ' $'new\nline' 'back\slash' $'both\\\n' '(round) = x' '*star'
  $'\u6a21\u578b-\u00fc' '#hash' 'a  b' "quote'\"")
for name in "${names[@]}"; do head -c 300 /dev/urandom >"odd/$name"; done

declare -A tool=([md5]=md5sum [sha1]=sha1sum [sha256]=sha256sum [sha512]=sha512sum
  [blake2b]=b2sum [blake3]=b3sum)
for algorithm in "${!tool[@]}"; do
  sum=${tool[$algorithm]}
  for folder in plain odd; do
    list=$place/$folder.$algorithm
    # Theirs, checked by hallmark.
    (cd "$folder" && find . -type f -printf '%P\0' | sort -z | xargs -0 "$sum" --) >"$list"
    expect 0 "$sum's list of $folder" -- "$hallmark" verify "$folder" --against "$list"
    if [[ $sum != b3sum ]]; then
      (cd "$folder" && find . -type f -printf '%P\0' | xargs -0 "$sum" --tag --) >"$list.bsd"
      expect 0 "$sum --tag's list of $folder" -- "$hallmark" verify "$folder" --against "$list.bsd"
      (cd "$folder" && find . -type f -printf '%P\0' | xargs -0 "$sum" -b -z --) >"$list.z"
      expect 0 "$sum -b -z's list of $folder" -- "$hallmark" verify "$folder" --against "$list.z"
    fi
    # Ours, checked by them.
    "$hallmark" hash "$folder" --algo "$algorithm" --format gnu >"$list.ours"
    expect 0 "$sum -c of hallmark's list of $folder" -- "$sum" -c "$list.ours"
    compared=$((compared + 1))
    if (($(wc -l <"$list.ours") != $(find "$folder" -type f -printf x | wc -c))); then
      wrong=$((wrong + 1))
      echo "WRONG: hallmark's $algorithm list of $folder does not have one line a file"
    fi
    if [[ $sum != b3sum ]]; then
      "$hallmark" hash "$folder" --algo "$algorithm" --format bsd >"$list.ours"
      expect 0 "$sum -c of hallmark's BSD list of $folder" -- "$sum" -c "$list.ours"
    fi
  done
done

# openssl names its algorithms in its own way and cannot write odd names.
for algorithm in md5 sha1 sha256 sha512 blake2b512; do
  (cd plain && find . -type f -printf '%P\0' | xargs -0 openssl dgst "-$algorithm") >"openssl.$algorithm"
  expect 0 "openssl's $algorithm list" -- "$hallmark" verify plain --against "openssl.$algorithm"
done

# One changed byte, and every kind of list must notice.
printf 'x' | dd of=plain/1025.bin bs=1 seek=700 conv=notrunc status=none
for list in plain.md5 plain.sha256 plain.sha256.bsd plain.blake2b.z plain.blake3 openssl.sha512; do
  expect 1 "a changed byte against $list" -- "$hallmark" verify plain --against "$list"
  compared=$((compared + 1))
  grep -q 1025.bin "$place/output" || { wrong=$((wrong + 1)); echo "WRONG: $list: the file is not named"; }
done
rm plain/1.bin
expect 1 "a changed and a missing file" -- "$hallmark" verify plain --against plain.sha256

echo "$compared comparisons, $wrong wrong"
((wrong == 0))
