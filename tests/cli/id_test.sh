#!/usr/bin/env bash
# One model, many containers, one identity.
# shellcheck source-path=SCRIPTDIR source=support.sh
source "$(dirname "$0")/support.sh"

# docs/identity.md, "Vectors".
tiny=hm1:f002385abf1bde44ed161deb1aa760168242ff88844c4a9c9e9a6781181f17ee
for model in meta-llama2-bf16 meta-llama3-fp16 hf-safetensors-f32 hf-safetensors-sharded hf-bin \
  hf-legacy npz/model-f32.npz gguf/tiny-f16.gguf gguf/tiny-f32.gguf gguf-split; do
  run 0 id "$fixtures/$model"
  # The identity is all there is on stdout, so that $(hallmark id …) is it.
  [[ $(cat "$scratch/out") == "$tiny" ]] || complain "$model is $(cat "$scratch/out")"
done
run 0 id "$fixtures/gguf/tiny-Q4_0.gguf" --quiet
out_has hm1:2851fa043a4ef46b0213b163b5a5cba3fd44386d2857c88b7e5da1d77405fbba
err_is_empty

run 0 id "$fixtures/hf-bin" --layers --tensors --json
json 'r["weights"]' "$tiny"
json 'r["groups"][0]["key"]' globals
json 'len(r["tensors"]) == r["tensor_count"]' True

# What stderr says of a quantised copy.
run 0 id "$fixtures/../quantised/bitsandbytes-nf4"
out_has hm1raw:
err_has 'quantised: bitsandbytes NF4 (1 weight)'

# A flipped bit is another model.
cp -r "$fixtures/hf-safetensors-f16" copy
size=$(stat -c %s copy/model.safetensors)
printf '\x5a\xa5' | dd of=copy/model.safetensors bs=1 seek=$((size - 1000)) conv=notrunc status=none
run 0 id copy
out_lacks "$tiny"

# No identity is an error that says why, not an empty line.
run 3 id missing
out_is_empty
finish
