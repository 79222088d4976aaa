#!/usr/bin/env bash
# --cached: the second time nothing is read, and every report says so; what changed is read; a cache
# that cannot be used costs a note and nothing else.
# shellcheck source-path=SCRIPTDIR source=support.sh
source "$(dirname "$0")/support.sh"

date='[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z'
database=$XDG_CACHE_HOME/hallmark/digests.sqlite
out_matches() { grep -qE -- "$1" "$scratch/out" || complain "$command_line: stdout lacks: $1"; }

cp -r "$fixtures/meta-llama2-bf16" model
rm model/checklist.chk
for i in {1..40}; do echo "$i" >"model/$i.txt"; done
(cd model && sha256sum -- *) >all
count=$(wc -l <all)
bytes=$(du -bc model/* | tail -1 | cut -f1)
# Younger files are not remembered.
sleep 2.2

# Without the option nothing is remembered.
run 0 hash model
[[ ! -e $XDG_CACHE_HOME ]] || complain 'something was remembered unasked'
cp "$scratch/out" plain

run 0 hash --cached model
cmp -s plain "$scratch/out" || complain 'a first run with --cached says something else'
[[ $(stat -c %a "$XDG_CACHE_HOME/hallmark") == 700 ]] || complain 'others may look into the cache'
run 0 hash --cached model
(($(grep -cE "^# not read now, remembered from $date:$" "$scratch/out") == count)) || complain 'not every remembered file is marked'
grep -v '^#' "$scratch/out" | cmp -s - plain || complain 'remembered digests are others'
sha256sum --check --quiet "$scratch/out" || complain 'sha256sum refuses the list'
cp "$scratch/out" marked
run 0 hash --cached model -o list-file
cmp -s list-file marked || complain 'a list in a file is another'
run 0 hash model
cmp -s plain "$scratch/out" || complain 'without --cached something was remembered'
run 0 hash --cached --json model
json 'r["files_hashed"], r["bytes_hashed"], r["files_remembered"], r["bytes_remembered"]' "(0, 0, $count, $bytes)"
json 'min(f["remembered_from"] for f in r["files"]) == r["oldest_remembered"]' True
# The digests of the list itself, against coreutils.
json 'sorted(f["digests"][0][7:] + "  " + f["path"][6:] for f in r["files"]) == sorted(open("all").read().splitlines())' True
run 0 hash --cached --json-lines model/params.json
out_matches "^\{\"path\":\"model/params.json\",.*\"remembered_from\":\"$date\"\}$"
out_has '"files_hashed":0,"bytes_hashed":0,"files_remembered":1'

# Nothing of the files is read the second time.
if command -v strace >/dev/null && strace -o /dev/null true 2>/dev/null; then
  strace -f -y -e trace=read,pread64,readv,preadv,mmap -o "$scratch/trace" "$hallmark" hash --cached model >/dev/null
  ! grep -q "$PWD/model/" "$scratch/trace" || complain 'files were read'
fi

# Another digest is not known of them, and is then.
run 0 hash --cached --algo md5,sha256 --json model
json 'r["files_hashed"], "files_remembered" in r' "($count, False)"
run 0 hash --cached --algo sha256,md5 --json model
json 'r["files_hashed"], r["files_remembered"]' "(0, $count)"
run 0 hash --cached --format hashdeep model
run 0 hash --cached --format hashdeep model
out_matches "^# not read now"

# verify: the verdict stands, and says on what.
run 0 verify model --against all --cached
out_matches "^matches: "
python3 - "$scratch/out" "$count" <<'P' || complain 'the summary does not say what was not read'
import re, sys
text = " ".join(open(sys.argv[1]).read().split())
assert re.search(rf"; {sys.argv[2]} files were not read now, by digests remembered from as early as 20", text), text
assert re.search(rf"read: 0 files hashed, 0 B; {sys.argv[2]} files not read now, ", text), text
assert f"{sys.argv[2]} of them not read now" in text, text
P
out_has 'hint: without --cached every byte is read'
run 0 verify model --against all --cached --verbose
out_matches "params.json .*, not read now, remembered from $date"
run 0 verify model --against all --cached --json
json 'r["verdict"], r["read"]["files_hashed"], r["read"]["bytes_hashed"], r["read"]["files_remembered"]' "('matches', 0, 0, $count)"
json '{f["remembered"] for f in r["files"]}, len({f["path"] for f in r["files"] if f["remembered_from"]})' "({True}, $count)"
cp "$scratch/out" single.json
for form in --json --json-lines; do
  for part in 1 2 3; do "$hallmark" verify model --against all --no-weights --cached $form --part $part/3 >part-$part; done
  run 0 merge-reports part-* --json
  json 'r["verdict"], r["read"]["files_hashed"], r["read"]["files_remembered"]' "('matches', 0, $count)"
  json 'r["summary"].split(";")[-1] == json.load(open("single.json"))["summary"].split(";")[-1]' True
done
sed -E "s/(remembered_from\":\")$date/\1once/" part-2 >other
run 4 merge-reports part-1 other part-3
for part in 1 2; do "$hallmark" hash model --cached --json-lines --part $part/2 >part-$part; done
run 0 merge-reports part-1 part-2
out_has "$count files not read now"
run 0 verify model --against all --json
json 'r["read"]["files_hashed"], "files_remembered" in r["read"], {f["remembered"] for f in r["files"]}' "($count, False, {False})"

# Damage that leaves size and time of modification as they were.
printf XXXX | dd of=model/consolidated.00.pth bs=1 seek=20000 conv=notrunc status=none
touch -r model/consolidated.01.pth model/consolidated.00.pth
run 1 verify model --against all --cached --json
json '[f["path"] for f in r["files"] if not f["remembered"]]' "['consolidated.00.pth']"
out_has '"state": "mismatch"'
# A file under another's name, and one written anew, are read.
mv model/1.txt model/41.txt && cp model/2.txt model/1.txt && echo 3 >model/3.txt
run 0 hash --cached --json model
json '[f["path"] for f in r["files"] if "remembered_from" not in f and f["path"].endswith("txt")]' "['model/1.txt', 'model/3.txt', 'model/41.txt']"
# Those that changed a moment ago are read again, until they are old enough.
run 0 hash --cached --json model/3.txt
json 'r["files_hashed"]' 1
sleep 2.2
run 0 hash --cached model/3.txt
run 0 hash --cached --json model/3.txt
json 'r["files_hashed"], r["files_remembered"]' '(0, 1)'

# identify.
run 0 catalogue add "$fixtures/hf-safetensors-f16" my-org/tiny
cp -r "$fixtures/hf-safetensors-f16" tiny
sleep 2.2
run 0 identify tiny --cached --json
json 'r["read"]["files_hashed"] > 0, "files_remembered" in r["read"]' '(True, False)'
run 0 identify tiny --cached --json
json 'r["read"]["files_hashed"], r["read"]["files_remembered"] > 0, all("remembered_from" in f for f in r["files"])' '(0, True, True)'
run 0 identify tiny --cached
out_matches 'not read now, remembered from 20'
out_matches '^read: 0 files hashed, 0 B; [0-9]+ files not read now'

# What it is not for.
run 2 hash --cached --format manifest model
run 2 hash --cached --format gguf-hash "$fixtures/gguf/tiny-f16.gguf"
run 2 verify model --against all --cached --sample 50%
run 2 id --cached model

# A cache that is damaged, of another version, not ours or nowhere: a note, and all is read.
all_is_read() {
  run 0 hash --cached --json tiny
  json '"files_remembered" in r' False
  err_has 'hallmark: note: ' "$1"
}
cp "$database" good
echo 'no database at all, but text for somebody who looks into it' >"$database"
all_is_read 'not a database'
python3 - good "$database" <<'P'
import sys
data = bytearray(open(sys.argv[1], "rb").read())
data[63] = 200  # the user version
open(sys.argv[2], "wb").write(data)
P
all_is_read 'this version'
cp good "$database"
chmod g+w "$database"
all_is_read 'others may write to it'
chmod g-w "$database"
rm "$database" && mkdir "$database"
all_is_read 'unable to open'
XDG_CACHE_HOME='' HOME='' all_is_read 'no place'
rmdir "$database"

# Several at once, on a cache that none of them has made.
for worker in 1 2 3 4; do
  "$hallmark" hash --cached --quiet tiny model/[12]*.txt >"worker-$worker" 2>&1 &
done
wait
for worker in 1 2 3 4; do
  grep -v '^#' "worker-$worker" | cmp -s - <(sha256sum tiny/* model/[12]*.txt) || complain "worker $worker"
done
run 0 hash --cached --json tiny
json 'r["files_hashed"]' 0
err_is_empty
finish
