#!/usr/bin/env bash
# A mirror in parts and samples: what workers found, merged, is what one alone would have found, and
# what does not belong together is refused.
# shellcheck source-path=SCRIPTDIR source=support.sh
source "$(dirname "$0")/support.sh"

# 300 small files of 30 models, one of several pieces of a manifest, one model that is one.
python3 - <<'P'
import os, random
random.seed(7)
for model in range(30):
    folder = f"mirror/org{model % 3}/model{model}"
    os.makedirs(folder)
    for number in range(10):
        with open(f"{folder}/part{number}.bin", "wb") as file:
            file.write(random.randbytes(random.choice([0, 10, 5000, 70000])))
with open("mirror/large.bin", "wb") as file:
    for piece in range(5):
        file.write(bytes([piece + 1]) * (4 << 20))
P
mkdir mirror/tiny && cp "$fixtures"/hf-safetensors-f16/* mirror/tiny/
(cd mirror && find . -type f -printf '%P\n' | sort | tr '\n' '\0' | xargs -0 sha256sum) >list.sha256

# in_parts N ARGUMENT…: runs every part; reports in part-I.
in_parts() {
  local count=$1 part
  shift
  rm -f part-*
  for ((part = 1; part <= count; part++)); do
    "$hallmark" "$@" --part "$part/$count" --quiet >"part-$part" 2>>"$scratch/err" || true
  done
}
# same KEY: the report of one run in single.json and the merged one of the last run agree.
same() {
  python3 - "$scratch/out" "$1" <<'P' || complain "$command_line: not what one run says"
import json, sys
single, merged = json.load(open("single.json")), json.load(open(sys.argv[1]))
assert merged.pop("merged_from") > 0
name = lambda item: (item.get("path") or item.get("listed_as") or item.get("model"))
for report in (single, merged):
    report[sys.argv[2]].sort(key=name)
assert single == merged
P
}

run 0 verify mirror --against list.sha256 --json
cp "$scratch/out" single.json
for form in --json --json-lines; do
  in_parts 7 verify mirror --against list.sha256 $form
  run 0 merge-reports part-* --json
  same files
done
run 0 merge-reports part-*
[[ $(head -1 "$scratch/out") == matches:* ]] || complain 'the merged verdict'
# Another folder that has the same relative name is another folder.
mkdir elsewhere && cp -a mirror elsewhere/ && cp list.sha256 elsewhere/
in_parts 2 verify mirror --against list.sha256 --json-lines
(cd elsewhere && "$hallmark" verify mirror --against list.sha256 --part 2/2 --json-lines -q) >part-2
run 2 merge-reports part-*
rm -r elsewhere
# More workers than files are no fault.
(cd mirror/org0/model0 && sha256sum -- *) >few.sha256
run 0 verify mirror/org0/model0 --against few.sha256 --json
cp "$scratch/out" single.json
in_parts 13 verify mirror/org0/model0 --against few.sha256 --json-lines
run 0 merge-reports part-* --json
same files

# Each file is said once, and the last line has the verdict of the part.
run 0 verify mirror --against list.sha256 --part 2/7 --json-lines
python3 - "$scratch/out" <<'P' || complain 'the lines of a part'
import json, sys
*files, last = map(json.loads, open(sys.argv[1]))
assert last["verdict"] == "partial" and last["exit_code"] == 0 and last["records"] == len(files)
assert last["part"]["index"] == 2 and last["weights"]["state"] == "not-compared"
assert {f["state"] for f in files} == {"ok"} and len({f["path"] for f in files}) == len(files)
P

# Shares are fair by size, whatever else is in them.
in_parts 2 verify mirror --against list.sha256 --json
python3 - <<'P' || complain 'the parts are not of one size'
import json
large, rest = sorted((json.load(open(f"part-{i}"))["read"]["bytes_hashed"] for i in (1, 2)), reverse=True)
assert large == 5 * (4 << 20) and rest > 1_000_000, (large, rest)
P

# Damaged, renamed, missing and added files: still the same, wherever they fell.
printf XXXX | dd of=mirror/large.bin bs=1 seek=9000000 conv=notrunc status=none
mv mirror/org1/model1/part1.bin mirror/org1/model1/other.bin
printf renamed >mirror/org2/model2/part7.bin && (cd mirror && sha256sum org2/model2/part7.bin) >>list.sha256
sed -i '/org2\/model2\/part7.bin/{0,//d}' list.sha256
mv mirror/org2/model2/part7.bin mirror/moved.bin
rm mirror/org0/model3/part2.bin
echo added >mirror/org0/README
ln -s org0 mirror/link
run 1 verify mirror --against list.sha256 --no-weights --json
cp "$scratch/out" single.json
json 'sorted({f["state"] for f in r["files"]})' "['mismatch', 'missing', 'ok', 'renamed', 'unlisted']"
in_parts 5 verify mirror --against list.sha256 --no-weights --json-lines
run 1 merge-reports part-* --json
same files
rm mirror/link

run 0 verify mirror --against list.sha256 --no-weights --include 'org1/*' --json
cp "$scratch/out" single.json
in_parts 3 verify mirror --against list.sha256 --no-weights --include 'org1/*' --json-lines
run 0 merge-reports part-* --json
same files

# What does not belong together.
in_parts 3 verify mirror --against list.sha256 --no-weights --json-lines
run 3 merge-reports part-1 part-3
err_has 'missing: 2'
run 2 merge-reports part-1 part-2 part-2 part-3
err_has 'part 2 again'
"$hallmark" verify mirror --against list.sha256 --part 2/3 --json-lines -q >other 2>/dev/null || true
run 2 merge-reports part-1 other part-3
err_has 'asked for something else'
"$hallmark" verify mirror --against list.sha256 --no-weights --part 2/4 --json-lines -q >other 2>/dev/null || true
run 2 merge-reports part-1 other part-3
err_has 'part 2 of 4'
run 2 merge-reports part-1 single.json part-3
err_has 'not of a part'
head -n -1 part-2 >other
run 4 merge-reports part-1 other part-3
sed 2d part-2 >other
run 4 merge-reports part-1 other part-3
err_has 'lines were lost'
sed 's/"state":"ok"/"state":"fine"/' part-2 >other
run 4 merge-reports part-1 other part-3
err_has 'not what hallmark writes'
echo '{' >other
run 4 merge-reports part-1 other part-3
cp list.sha256 list.before
echo "$(printf '0%.0s' {1..64})  nothing" >>list.sha256
"$hallmark" verify mirror --against list.sha256 --no-weights --part 2/3 --json-lines -q >other 2>/dev/null || true
run 2 merge-reports part-1 other part-3
err_has 'other sources'
mv list.before list.sha256
touch mirror/org0/README
"$hallmark" verify mirror --against list.sha256 --no-weights --part 2/3 --json-lines -q >other 2>/dev/null || true
run 3 merge-reports part-1 other part-3
err_has 'changed between the parts'
run 2 verify mirror --part 1/2
err_has --against
run 2 verify mirror --against list.sha256 --part 3/2
run 2 hash mirror --format manifest --part 1/2

# hash and id in parts.
run 0 hash mirror --algo md5,sha256 --json
cp "$scratch/out" single.json
in_parts 4 hash mirror --algo md5,sha256 --json-lines
run 0 merge-reports part-* --json
same files
cmp -s <(python3 -c 'import json; print([f["path"] for f in json.load(open("single.json"))["files"]])') \
  <(python3 -c 'import json, sys; print([f["path"] for f in json.load(open(sys.argv[1]))["files"]])' "$scratch/out") ||
  complain 'the merged files stand in another order'
run 0 merge-reports part-*
out_has 'by 4 parts'
models=("$fixtures/hf-bin" "$fixtures/gguf-split" "$fixtures/meta-llama2-bf16" no-model)
run 3 id "${models[@]}" --layers --json
cp "$scratch/out" single.json
json 'r["models_identified"], len({m.get("weights") for m in r["models"]})' '(3, 2)'
in_parts 2 id "${models[@]}" --layers --json-lines
run 3 merge-reports part-* --json
same models
run 3 id "${models[@]}"
out_has "  $fixtures/gguf-split"

# A sample says what was read, and never that all matches.
rm mirror/org0/README && mv mirror/moved.bin mirror/org2/model2/part7.bin
mv mirror/org1/model1/other.bin mirror/org1/model1/part1.bin
(cd mirror && find . -type f -printf '%P\n' | sort | tr '\n' '\0' | xargs -0 sha256sum) >list.sha256
run 0 hash mirror --format manifest -o manifest.json
run 0 verify mirror --against list.sha256 --sample 20% --seed a --json
cp "$scratch/out" single.json
json 'r["verdict"], r["exit_code"], r["sample"]["seed"], r["sample"]["likely_found"]' "('partial', 0, 'a', 14)"
json '0 < r["sample"]["pieces"] < r["sample"]["all_pieces"] == len(r["files"])' True
json '{f["state"] for f in r["files"]} == {"ok", "not-sampled"}' True
run 0 verify mirror --against list.sha256 --sample 20% --seed a --json
cmp -s single.json "$scratch/out" || complain 'the same seed draws another sample'
all=$(python3 -c 'import json; print(json.load(open("single.json"))["sample"]["all_pieces"])')
run 0 verify mirror --against list.sha256 --against list.sha256 --sample 20% --seed a --json
json 'r["sample"]["all_pieces"]' "$all" # however many lists name a file
in_parts 3 verify mirror --against list.sha256 --sample 20% --seed a --json-lines
run 0 merge-reports part-* --json
same files
# The samples N/T hold every piece once; the one with the damage finds it, by its range.
printf YYYY | dd of=mirror/large.bin bs=1 seek=17000000 conv=notrunc status=none
pieces=0 found=0
for n in 1 2 3; do
  status=0
  "$hallmark" verify mirror --against manifest.json --sample $n/3 --json >sample.json 2>/dev/null || status=$?
  found=$((found + (status == 1)))
  pieces=$((pieces + $(python3 -c 'import json; print(json.load(open("sample.json"))["sample"]["pieces"])')))
done
((found == 1)) || complain "$found of three samples found the damage"
total=$(python3 -c 'import json; print(json.load(open("sample.json"))["sample"]["all_pieces"])')
((pieces == total)) || complain "three samples hold $pieces of $total pieces"
# Nothing was drawn: nothing is known.
run 3 verify mirror/tiny/model.safetensors --against list.sha256 --sample 0.0001% --seed a
out_has inconclusive 'none of 1 pieces'
for share in 0% 100% 5 3/2 0/2 1/1 x% 1.23456%; do run 2 verify mirror --against list.sha256 --sample "$share"; done
run 2 verify mirror --against list.sha256 --sample 5% --part 1/2
err_has --seed
run 2 verify mirror --against list.sha256 --seed a
finish
