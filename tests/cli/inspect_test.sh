#!/usr/bin/env bash
# What is in a file: every container, hostile files, and names that would upset a terminal.
# shellcheck source-path=SCRIPTDIR source=support.sh
source "$(dirname "$0")/support.sh"

run 0 inspect "$fixtures/hf-safetensors-sharded"
out_has 'model.layers.{0-' llama 'element types' parameters
err_is_empty
run 0 inspect "$fixtures/hf-safetensors-sharded/model-00001-of-00002.safetensors" --json
json 'r["layout"], len(r["files"]), r["exit_code"]' "('indexed', 2, 0)"
parameters=$(python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))["parameters"])' "$scratch/out")
# The same model has the same number of parameters in every container.
for model in meta-llama2-bf16 hf-bin hf-safetensors-f32 gguf/tiny-f16.gguf; do
  run 0 inspect "$fixtures/$model" --json
  json 'r["parameters"]' "$parameters"
done
run 0 inspect "$fixtures/gguf/tiny-f16.gguf" --tensors
out_has blk.0.attn_q.weight 0x general.architecture
run 0 inspect "$fixtures/gguf/tiny-f16.gguf" --json-lines
lines=$(wc -l <"$scratch/out")
[[ $lines == $(grep -c '^{.*}$' "$scratch/out") ]] || complain 'not one object a line'
tail -n 1 "$scratch/out" >"$scratch/last" && mv "$scratch/last" "$scratch/out"
json 'r["records"]' "$((lines - 1))"
json '(r["verb"], r["verdict"], r["exit_code"])' "('inspect', 'ok', 0)"

# Quantised checkpoints are named, by their tensors; a configuration that says otherwise is reported.
run 0 inspect "$fixtures/../quantised/gptq"
out_has 'GPTQ (1 weight), as config.json says: gptq, 4 bits, groups of 32'
run 0 inspect "$fixtures/../quantised/mlx"
out_has 'safetensors for MLX' 'MLX (1 weight)'
run 0 inspect "$fixtures/../quantised/says-awq" --json
json 'r["quantisation"]' "{'found': [{'scheme': 'gptq', 'weights': 1, 'example': 'model.layers.0.mlp.up_proj'}], \
'configured': {'method': 'awq', 'bits': 4, 'group_size': 32}, 'agree': False}"
json '[(f["code"], f["severity"]) for f in r["findings"]]' "[('quantised', 'warning')]"
run 0 inspect "$fixtures/hf-safetensors-f16" --json
json '"quantisation" in r' False

# Damage is told with the file and the exit status of its kind.
head -c 1000 "$fixtures/hf-safetensors-f16/model.safetensors" >cut.safetensors
run 4 inspect cut.safetensors
err_has 'hallmark: error: cut.safetensors: '
out_is_empty
run 4 inspect cut.safetensors --json
json 'r["verdict"], r["exit_code"], r["error"]["code"], r["error"]["subject"]' \
  "('error', 4, 'malformed', 'cut.safetensors')"
echo '<!DOCTYPE html><html><title>Log in</title></html>' >page.safetensors
run 5 inspect page.safetensors
run 3 inspect missing.gguf
mkdir empty
run 3 inspect empty

# A tensor's name may hold anything JSON can: it must not reach the terminal as it is.
python3 - <<'P'
import json, struct
names = ["a\x1b[2Jb", "c\nd", "e‮f", "g" * 5000]
header = json.dumps({n: {"dtype": "U8", "shape": [1], "data_offsets": [i, i + 1]}
                     for i, n in enumerate(names)}).encode()
open("evil.safetensors", "wb").write(struct.pack("<Q", len(header)) + header + b"\0" * len(names))
P
for options in '' --tensors --verbose --json; do
  # shellcheck disable=SC2086  # no option is no argument
  run 0 inspect evil.safetensors $options
  if LC_ALL=C grep -q $'\x1b\\|\xe2\x80\xae' "$scratch/out" && [[ $options != --json ]]; then
    complain "$command_line: raw control characters"
  fi
  ! LC_ALL=C grep -q $'\x1b' "$scratch/out" || complain "$command_line: a raw escape character"
done
run 0 inspect evil.safetensors
out_has 'a\x1b[2Jb' 'c\nd'
name=$'evil\x1b[31m.safetensors'
cp evil.safetensors "$name"
run 0 inspect "$name"
out_has 'evil\x1b[31m.safetensors'
run 3 inspect $'\x1b[31mgone'
err_has '\x1b[31mgone'
finish
