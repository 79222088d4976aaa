#!/usr/bin/env bash
# Lists of hashdeep, rhash and xxhsum and torrents of transmission-create, mktorrent, torf and libtorrent are
# read by hallmark, and hallmark's lists by hashdeep, xxhsum and git.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=support.sh
source "$(dirname "$0")/support.sh"
hallmark=${HALLMARK:?the path of the program}
root=$(cd "$(dirname "$0")/../.." && pwd)
python=${HALLMARK_PEER_PYTHON:-$("$root/scripts/peer-python" --if-ready || true)}
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
export XDG_CACHE_HOME=$place/cache XDG_STATE_HOME=$place/state XDG_DATA_HOME=$place/data
cd "$place"

for tool in hashdeep rhash xxhsum transmission-create mktorrent; do
  command -v "$tool" >/dev/null || { echo "skipped: $tool is not here; scripts/setup installs it" >&2; exit 77; }
done
/usr/bin/python3 -c 'import libtorrent' 2>/dev/null ||
  { echo "skipped: python3-libtorrent is not here; scripts/setup installs it" >&2; exit 77; }
[[ -n $python ]] || { echo "skipped: torf is not here; scripts/peer-python installs it" >&2; exit 77; }

# Sizes around those of blocks and pieces; a name with a comma and a blank.
mkdir -p m/sub
for size in 0 1 16383 16384 16385 32768 65537 1048577 4194305; do
  head -c "$size" /dev/urandom >"m/$size.bin"
done
head -c 70000 /dev/urandom >'m/sub/a, b.bin'
head -c 5 /dev/urandom >m/sub/config.json

mkdir t
transmission-create -s 16 -o t/transmission-16.torrent m >/dev/null 2>&1
transmission-create -s 256 -o t/transmission-256.torrent m >/dev/null 2>&1
mktorrent -l 15 -a http://tracker.invalid/announce -o t/mktorrent-15.torrent m >/dev/null
mktorrent -l 18 -a http://tracker.invalid/announce -o t/mktorrent-18.torrent m >/dev/null
"$python" - <<'PYTHON'
import torf
for piece in (16384, 1 << 20):
    torrent = torf.Torrent(path="m", piece_size=piece, trackers=["http://tracker.invalid/announce"])
    torrent.generate(threads=2)
    torrent.write(f"t/torf-{piece}.torrent")
PYTHON
/usr/bin/python3 - <<'PYTHON'
import libtorrent as lt
flags = {"v1": lt.create_torrent.v1_only, "v2": lt.create_torrent.v2_only, "hybrid": 0}
for name, flag in flags.items():
    for piece in (16384, 65536, 8 << 20):
        files = lt.file_storage()
        lt.add_files(files, "m")
        torrent = lt.create_torrent(files, piece, flag)
        lt.set_piece_hashes(torrent, ".")
        with open(f"t/libtorrent-{name}-{piece}.torrent", "wb") as out:
            out.write(lt.bencode(torrent.generate()))
PYTHON

hashdeep -r -l m >t/hashdeep
(cd m && hashdeep -r . >../t/hashdeep-absolute)
(cd m && hashdeep -r -l -c md5,sha1,sha256,tiger,whirlpool . >../t/hashdeep-all)
(cd m && rhash -r --bsd --sha256 --sha384 --md5 . >../t/rhash-bsd)
(cd m && rhash -r --sfv . >../t/rhash.sfv)
(cd m && find . -type f -print0 | xargs -0 xxhsum -q >../t/xxhsum 2>/dev/null)
(cd m && find . -type f -print0 | xargs -0 xxhsum --tag >../t/xxhsum-tag 2>/dev/null)

for source in t/*; do expect 0 "$source of the whole" -- "$hallmark" verify m --against "$source"; done
for source in t/*.torrent; do expect 0 "$source, the folder in the copy" -- "$hallmark" verify . --against "$source" --include 'm/*'; done

# Ours, checked by them.
"$hallmark" hash m --format hashdeep --algo md5,sha1,sha256 >ours
expect 0 "hashdeep's audit of hallmark's list" -- hashdeep -r -l -a -k ours m
"$hallmark" hash m --algo xxh64 >ours
expect 0 "xxhsum's check of hallmark's list" -- xxhsum -c ours
while IFS= read -r -d '' file; do
  compared=$((compared + 1))
  [[ $("$hallmark" hash --algo git-blob "$file") == *"= $(git hash-object --no-filters "$file")" ]] ||
    { wrong=$((wrong + 1)); echo "WRONG: the git blob id of $file"; }
done < <(find m -type f -print0)

# One changed byte in the middle of a file, at its end, and in the smallest one.
for change in 1048577.bin:600000 4194305.bin:4194304 sub/config.json:2; do
  file=m/${change%:*}
  cp "$file" kept
  byte=$(dd if="$file" bs=1 skip="${change#*:}" count=1 status=none | od -An -tu1)
  printf '%b' "\\x$(printf %02x $((byte ^ 1)))" | dd of="$file" bs=1 seek="${change#*:}" conv=notrunc status=none
  for source in t/*; do
    expect 1 "a changed byte in $file against $source" -- "$hallmark" verify m --against "$source"
    compared=$((compared + 1))
    grep -q "${change%:*}" "$place/output" || { wrong=$((wrong + 1)); echo "WRONG: $source: $file is not named"; }
  done
  cp kept "$file"
done
rm m/1.bin
for source in t/*; do expect 3 "a missing file against $source" -- "$hallmark" verify m --against "$source"; done

echo "$compared comparisons, $wrong wrong"
((wrong == 0))
