#!/usr/bin/env bash
# Official files made again, bit for bit, from every container of the same weights; converted copies
# held against the publisher's list; and nothing written from a copy that is another.
# shellcheck source-path=SCRIPTDIR source=support.sh
source "$(dirname "$0")/support.sh"

meta=$fixtures/meta-llama2-bf16
copies=("$fixtures/gguf/tiny-f32.gguf" "$fixtures/gguf-split" "$fixtures/hf-bin" "$fixtures/hf-safetensors-sharded" "$meta")

# rebuilds OFFICIAL COPY…: what the recipe gives is what the official files are.
rebuilds() {
  local official=$1 file
  shift
  rm -rf made the.recipe
  run 0 recipe "$official" -o the.recipe
  for copy; do
    run 0 rebuild the.recipe --from "$copy" -o made
    out_has 'official'
    for file in made/*; do
      if [[ -d $official ]]; then
        cmp -s "$file" "$official/$(basename "$file")" || complain "$command_line: $file is another"
      else
        cmp -s "$file" "$official" || complain "$command_line: $file is another"
      fi
    done
    rm -r made
  done
}
for official in "$meta" "$fixtures/meta-llama3-fp16" "$fixtures/hf-safetensors-bf16" "$fixtures/hf-safetensors-sharded" \
  "$fixtures/hf-bin" "$fixtures/hf-legacy" "$fixtures/gguf/tiny-f16.gguf" "$fixtures/gguf-split" "$fixtures/npz/model-f32.npz"; do
  rebuilds "$official" "${copies[@]}"
done
rebuilds "$fixtures/gguf/tiny-Q4_0.gguf" "$fixtures/gguf/tiny-Q4_0.gguf"
tar -cf official.tar -C "$fixtures" meta-llama2-bf16
rebuilds official.tar "$fixtures/gguf/tiny-f32.gguf"

# The publisher's MD5 speaks for a GGUF.
run 0 recipe "$meta" -o meta.recipe
out_has '0.013 %' 'rope.freqs'
(cd "$meta" && md5sum consolidated.*.pth) >checklist.chk
for copy in "${copies[@]}"; do
  run 0 verify "$copy" --against checklist.chk --recipe meta.recipe
  out_has 'matches: rebuilt by the recipe'
done
run 0 verify "${copies[0]}" --against checklist.chk --recipe meta.recipe --json-lines
run 2 verify "${copies[0]}" --recipe meta.recipe
run 2 verify "${copies[0]}" --against checklist.chk --recipe meta.recipe --sample 5%

# Another copy: one changed bit, values that were rounded, a quantised model, another model.
cp -r "$fixtures/hf-safetensors-f32" other
printf '\x3f' | dd of=other/model.safetensors bs=1 seek=200003 conv=notrunc status=none
run 1 verify other --against checklist.chk --recipe meta.recipe
out_has 'mismatch'
run 1 rebuild meta.recipe --from other -o made
out_has 'differs' 'nothing was kept'
cp "$fixtures/hf-safetensors-f32/model.safetensors" other/
printf '\x01' | dd of=other/model.safetensors bs=1 seek=200000 conv=notrunc status=none # rounds to the same bf16
run 4 rebuild meta.recipe --from other -o made
err_has 'no lossless copy'
run 3 verify other --against checklist.chk --recipe meta.recipe
run 5 rebuild meta.recipe --from "$fixtures/gguf/tiny-Q4_0.gguf" -o made
run 5 rebuild meta.recipe --from "$fixtures/gguf/k256-f16.gguf" -o made
run 3 rebuild meta.recipe --from "$fixtures/edge/edge.safetensors" -o made

# A recipe that leaves a tensor out proves nothing of it.
python3 - <<'P'
import json, re
recipe = json.load(open("meta.recipe"))
name = recipe["tensors"][0]["sources"][0]
copy = json.dumps(recipe, sort_keys=True, separators=(",", ":"))
open("less.recipe", "w").write(copy.replace(f'"sources":["{name}"]', '"sources":["model.norm.weight"]'))
P
run 5 verify "${copies[0]}" --against checklist.chk --recipe less.recipe
head -1 checklist.chk >half.chk
run 0 verify "${copies[0]}" --against half.chk --recipe meta.recipe --include 'consolidated.00*'
run 3 verify "${copies[0]}" --against half.chk --recipe meta.recipe
out_has 'nothing is known'

# What is no recipe, and what is in the way.
run 4 rebuild checklist.chk --from other -o made

run 2 recipe "$meta" -o meta.recipe
run 5 recipe "$fixtures/npz/model-f16-deflate.npz" -o deflated.recipe
err_has '0.1 %'
mkdir taken && touch taken/file
run 2 rebuild meta.recipe --from "${copies[0]}" -o taken
run 0 rebuild meta.recipe --from "${copies[0]}" -o taken --force
run 2 rebuild meta.recipe -o made
only checklist.chk half.chk less.recipe meta.recipe official.tar other taken the.recipe
finish
