#!/usr/bin/env bash
# Every verdict, with its exit status, in text and in JSON.
# shellcheck source-path=SCRIPTDIR source=support.sh
source "$(dirname "$0")/support.sh"

official=$fixtures/meta-llama2-bf16
cp -r "$official" copy
rm copy/checklist.chk
(cd copy && sha256sum -- * >"$scratch/list")

run 0 verify copy --against "$scratch/list"
[[ $(head -1 "$scratch/out") == matches:* ]] || complain 'the verdict is not the first word'
err_is_empty
run 0 verify copy --against "$scratch/list" --json
json 'r["verdict"], r["exit_code"], {f["state"] for f in r["files"]}' "('matches', 0, {'ok'})"
json 'r["read"]["files_hashed"]' "$(wc -l <"$scratch/list")"

# A list that came with the copy cannot vouch for it; md5 is named for what it is worth.
cp -r "$official" with-list
run 0 verify with-list --against with-list/checklist.chk --json
json 'r["sources"][0]["inside_copy"], r["sources"][0]["resists_attackers"]' '(True, False)'

# Without a source the list in the copy is taken, and still cannot vouch for it.
run 0 verify with-list --json
json 'r["verdict"], [(s["inside_copy"], s["resists_attackers"]) for s in r["sources"]]' \
  "('matches', [(True, False), (True, False)])"

run 0 hash copy --format manifest -o "$scratch/manifest.json"
run 0 verify copy --against "$scratch/manifest.json" --json
json 'r["verdict"], r["sources"][0]["resists_attackers"]' "('matches', True)"

# A list made in the folder above; and files that have changed places are no renamed ones.
sha256sum copy/* >"$scratch/above"
run 0 verify copy --against "$scratch/above" --json
json '{f["state"] for f in r["files"]}' "{'ok'}"
mkdir -p two/A two/B
for file in A/consolidated.00.pth A/consolidated.01.pth B/consolidated.00.pth B/consolidated.01.pth; do
  echo "$file" >"two/$file"
done
sha256sum two/*/* >"$scratch/two"
run 0 verify two --against "$scratch/two"
mv two/A/consolidated.00.pth kept && mv two/A/consolidated.01.pth two/A/consolidated.00.pth
mv kept two/A/consolidated.01.pth
run 1 verify two --against "$scratch/two" --no-weights
run 3 verify two/A --against "$scratch/two" --no-weights

# What is a digest of a part of a file proves nothing of the rest.
echo small >small && "$hallmark" hash --algo autov1 small >"$scratch/named"
run 3 verify small --against "$scratch/named"

# Another container, the same numbers.
for mirror in hf-safetensors-sharded gguf/tiny-f16.gguf hf-bin; do
  run 0 verify "$fixtures/$mirror" --against "$scratch/manifest.json" --json
  json 'r["verdict"], r["weights"]["state"]' "('same-weights', 'same')"
done
run 0 verify "$fixtures/gguf/tiny-f16.gguf" --against "$official"
[[ $(head -1 "$scratch/out") == same-weights:* ]] || complain 'against another copy'
# A lossy copy is not the same, and a plain list has nothing to say about a GGUF.
run 1 verify "$fixtures/gguf/tiny-Q4_0.gguf" --against "$scratch/manifest.json"
run 3 verify "$fixtures/gguf/tiny-f16.gguf" --against "$scratch/list" --json
json 'r["verdict"], bool(r["hint"])' "('inconclusive', True)"

# One flipped byte: the file, the range, the tensor.
cp -r copy tampered
size=$(stat -c %s tampered/consolidated.01.pth)
byte=$(od -An -tu1 -j $((size / 2)) -N 1 tampered/consolidated.01.pth)
# shellcheck disable=SC2059  # the format is the byte
printf "\\x$(printf %02x $((byte ^ 64)))" |
  dd of=tampered/consolidated.01.pth bs=1 seek=$((size / 2)) conv=notrunc status=none
run 1 verify tampered --against "$scratch/list" --json
json 'r["verdict"], [f["path"] for f in r["files"] if f["state"] == "mismatch"]' \
  "('mismatch', ['consolidated.01.pth'])"
run 1 verify tampered --against "$scratch/manifest.json"
out_has consolidated.01.pth
[[ $(head -1 "$scratch/out") == mismatch:* ]] || complain 'the verdict is not the first word'

# A wrong size is told before anything is hashed.
cp -r copy short
truncate -s 1000 short/consolidated.00.pth
run 1 verify short --against "$scratch/manifest.json" --json
json '[f["state"] for f in r["files"] if f.get("path") == "consolidated.00.pth"]' "['wrong-size']"
err_has consolidated.00.pth 1,000

# Missing files: what is there matches, but it is not the whole.
cp -r copy partial
rm partial/consolidated.01.pth
run 3 verify partial --against "$scratch/list" --json
json 'r["verdict"], [f["listed_as"] for f in r["files"] if f["state"] == "missing"]' \
  "('partial', ['consolidated.01.pth'])"
run 0 verify partial --against "$scratch/list" --include 'consolidated.00.pth' --include '*.json'

# A side file that differs is another model to its user, unless only weights are asked for.
cp -r copy side
echo ' ' >>side/params.json
run 1 verify side --against "$scratch/list"
run 0 verify side --against "$scratch/list" --weights-only

# Sources that are none.
: >"$scratch/empty"
run 4 verify copy --against "$scratch/empty"
echo '<html><body>Sign in</body></html>' >"$scratch/page"
run 5 verify copy --against "$scratch/page"
err_has 'HTML page'
run 3 verify copy --against "$scratch/no-such-list"
run 3 verify no-such-copy --against "$scratch/list"
echo "$(printf 'ab%.0s' {1..31})  consolidated.00.pth" >"$scratch/short-hex"
run 4 verify copy --against "$scratch/short-hex"

# An index stands for itself and its shards, as the copy and as the source.
cp -r "$fixtures/hf-safetensors-sharded" sharded
(cd sharded && sha256sum -- * >"$scratch/sharded.list")
index=sharded/model.safetensors.index.json
run 3 verify $index --against "$scratch/sharded.list" --json # the configuration is not there
json 'r["read"]["files_hashed"] > 1' True
run 0 verify $index --against "$fixtures/hf-safetensors-sharded/model.safetensors.index.json"
shard=$(find sharded -name '*00002-of*')
printf x | dd of="$shard" bs=1 seek=$(($(stat -c %s "$shard") - 100)) conv=notrunc status=none
run 1 verify $index --against "$scratch/sharded.list"
# The damaged tensor is named even where no tensor is compared.
run 1 verify sharded --no-weights --against "$fixtures/hf-safetensors-sharded" --json
json '[len(d["tensors"]) for f in r["files"] for d in f["damage"]]' '[1]'
rm "$shard"
run 3 verify $index --against "$scratch/sharded.list" --include '*.safetensors'
run 3 verify copy --against $index
err_has "$shard"

# A clone without its large files names them by git-lfs pointers.
mkdir pointers
for file in copy/*; do
  printf 'version https://git-lfs.github.com/spec/v1\noid sha256:%s\nsize %s\n' \
    "$(sha256sum <"$file" | cut -c-64)" "$(stat -c %s "$file")" >"pointers/${file##*/}"
done
run 0 verify copy --against pointers --json
json '[f["code"] for f in r["findings"]]' "['lfs-pointers']"

# A quantised copy is named where it is not what was listed, and only there.
(cd "$fixtures/../quantised/says-gptq" && sha256sum model.safetensors) >original.sha256
cp -r "$fixtures/../quantised/awq" quantised
run 1 verify quantised --against original.sha256 --json
json '[(f["code"], f["severity"]) for f in r["findings"]]' "[('quantised', 'note')]"
run 1 verify quantised --against "$fixtures/../quantised/says-nothing" --json
json '[(f["code"], f["severity"]) for f in r["findings"]]' "[('quantised', 'note')]"
(cd quantised && sha256sum ./*) >own.sha256
run 0 verify quantised --against own.sha256 --json
json 'r["findings"]' '[]'

# What one source says of its weights excuses neither other weights nor what another source says.
mkdir -p two/vae
cp "$fixtures"/hf-safetensors-f16/* two/
cp two/model.safetensors two/vae/other.safetensors
run 0 hash two --format manifest -o two.json
cp -r two two-damaged
printf ZZZZ | dd of=two-damaged/vae/other.safetensors bs=1 seek=100000 conv=notrunc status=none
run 1 verify two-damaged --against two.json
rm two-damaged/vae/other.safetensors
run 3 verify two-damaged --against two.json
printf 'side file' >two/vocab.bin
run 0 hash two --format manifest -o two.json --force
printf 'side' >two/vocab.bin
run 1 verify two --against two.json
run 1 verify tampered --against "$scratch/list" --against tampered
finish
