#!/usr/bin/env bash
# Two models compared: every container of one model is equal to every other, damage is found where
# it was done, and what cannot be compared is never called equal.
# shellcheck source-path=SCRIPTDIR source=support.sh
source "$(dirname "$0")/support.sh"

# The same model in every container.
models=("$fixtures/hf-safetensors-f32" "$fixtures/hf-safetensors-bf16" "$fixtures/hf-safetensors-sharded"
  "$fixtures/hf-bin" "$fixtures/meta-llama2-bf16" "$fixtures/meta-llama3-fp16" "$fixtures/gguf/tiny-f16.gguf"
  "$fixtures/gguf-split")
for a in "${models[@]}"; do
  run 0 diff "$a" "${models[0]}" --weights-only
  out_has 'equal'
  run 0 diff "$fixtures/gguf/tiny-bf16.gguf" "$a" --weights-only --json
  json 'r["counts"]["different"]' 0
  json 'r["counts"]["only_in_a"] + r["counts"]["only_in_b"] + r["counts"]["not_compared"]' 0
done
run 0 diff "${models[0]}" "${models[0]}"
out_has 'equal: ' '21 tensors'
run 0 diff "${models[1]}" "$fixtures/gguf/tiny-f32.gguf" --weights-only
out_has 'equal-after-relations' 'cast from bf16 to f32' 'rows of rotary pairs put into halves'

# A byte that was changed is found, and the results do not depend on the threads.
cp -r "$fixtures/hf-safetensors-f32" damaged
printf '\x7f' | dd of=damaged/model.safetensors bs=1 seek=200003 conv=notrunc status=none
run 1 diff "${models[0]}" damaged --json --threads 1
cp "$scratch/out" one
json 'r["verdict"]' different
json 'r["counts"]["different"]' 1
json 'sum(t["values"]["differing"] for t in r["tensors"] if "values" in t)' 1
run 1 diff "${models[0]}" damaged --json --threads 7
cmp -s one "$scratch/out" || complain 'the report depends on the number of threads'
run 1 diff "${models[0]}" damaged
out_has 'different: 1 of 21 tensors differs' '1 of 127,296 values'

# A configuration that says something else is a difference, one that only describes is none.
cp -r "$fixtures/hf-safetensors-f32" other
sed -i 's/"rms_norm_eps": [0-9e.-]*/"rms_norm_eps": 0.25/' other/config.json
run 1 diff "${models[0]}" other
out_has 'rms_norm_eps' 'the weights are equal'
run 0 diff "${models[0]}" other --weights-only
cp "${models[0]}/config.json" other/
sed -i '0,/{/s//{ "_name_or_path": "elsewhere",/' other/config.json
run 0 diff "${models[0]}" other
printf '{ "a": 1, "a": 2 }' >other/config.json
run 3 diff "${models[0]}" other
out_has 'inconclusive' 'config.json'
cp "${models[0]}/config.json" other/
echo '{% if true %}' >other/chat_template.jinja
run 1 diff "${models[0]}" other
out_has 'chat'
rm other/chat_template.jinja
echo '{"weight_map": {}}' >other/model.safetensors.index.json
run 3 diff "${models[0]}" other
out_has "can't be used"

# Quantised against float.
run 1 diff "$fixtures/gguf/k256-f16.gguf" "$fixtures/gguf/k256-Q6_K.gguf" --weights-only --json
json 'all(t["rounding"]["within"] == t["rounding"]["blocks"] for t in r["tensors"] if "rounding" in t)' True
json 'sum("rounding" in t for t in r["tensors"]) > 10' True
run 0 diff "$fixtures/gguf/tiny-Q4_0.gguf" "$fixtures/gguf/tiny-Q4_0.gguf"

# By digests alone.
run 0 hash "${models[0]}" --format manifest -o release.json
run 0 diff release.json "$fixtures/gguf/tiny-f16.gguf"
out_has 'digest'
run 1 diff release.json damaged --json
json 'r["counts"]["different"]' 1
run 0 diff release.json release.json

# Models that have nothing in common, and what is no model.
run 1 diff "${models[0]}" "$fixtures/gguf/k256-f16.gguf" --weights-only
run 3 diff "${models[0]}" "$fixtures/edge/edge.safetensors" --weights-only
run 3 diff "${models[0]}" missing
err_has 'missing'
printf '<!DOCTYPE html><html>' >login.safetensors
run 5 diff "${models[0]}" login.safetensors
err_has 'login.safetensors'

# Reports of every kind; none is written over without --force, and none of an unknown kind begun.
run 1 diff "${models[0]}" damaged --ulps --explain --report r.html --report r.md --report r.json --report r.sarif --report r.xml
for report in r.html r.md r.json r.sarif r.xml; do
  [[ -s $report ]] || complain "$command_line: no $report"
done
python3 -c 'import json, xml.etree.ElementTree as e
json.load(open("r.json")); json.load(open("r.sarif")); e.parse("r.xml")' || complain 'a report does not parse'
run 2 diff "${models[0]}" damaged --report r.md
run 1 diff "${models[0]}" damaged --report r.md --force
run 2 diff "${models[0]}" damaged --report r.docx
err_has '.docx'
run 2 diff "${models[0]}" damaged --max-memory 1kB
err_has 'limit'
run 1 diff "${models[0]}" damaged --max-memory 20MB
run 1 diff "${models[0]}" damaged --json-lines
[[ $(wc -l <"$scratch/out") == 22 ]] || complain "$command_line: not a line for each tensor and one more"
run 2 diff "${models[0]}"
only damaged other login.safetensors one release.json r.html r.md r.json r.sarif r.xml
finish
