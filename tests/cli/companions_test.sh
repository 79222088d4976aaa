#!/usr/bin/env bash
# Models whose bytes are not simply one file: in a tar, or in files that a container names.
# shellcheck source-path=SCRIPTDIR source=support.sh
source "$(dirname "$0")/support.sh"

# flip FILE OFFSET: changes one byte.
flip() {
  python3 - "$@" <<'P'
import sys
with open(sys.argv[1], "r+b") as f:
    f.seek(int(sys.argv[2]))
    byte = f.read(1)[0]
    f.seek(int(sys.argv[2]))
    f.write(bytes([byte ^ 1]))
P
}

# A tar is the directory it holds.
tiny=hm1:f002385abf1bde44ed161deb1aa760168242ff88844c4a9c9e9a6781181f17ee # docs/identity.md
cp -r "$fixtures/meta-llama2-bf16" model
for format in v7 oldgnu gnu ustar posix; do
  tar --format="$format" -cf "$format.tar" model
  run 0 id "$format.tar"
  [[ $(cat "$scratch/out") == "$tiny" ]] || complain "$format.tar is $(cat "$scratch/out")"
done
run 0 inspect gnu.tar
out_has 'llama' 'model/params.json' 'model/tokenizer.model' '2 files'
run 0 verify gnu.tar --against model
out_has same-weights
sha256sum gnu.tar >SHA256SUMS
run 0 verify gnu.tar --against SHA256SUMS
out_has matches
mkdir download && cp gnu.tar download/
run 0 id download
[[ $(cat "$scratch/out") == "$tiny" ]] || complain "a directory of one tar is $(cat "$scratch/out")"

# Damage is named in the tar.
run 0 hash gnu.tar --format manifest -o gnu.json
offset=$(python3 -c 'import json
tensors = json.load(open("gnu.json"))["tensors"]
stored = [s for t in tensors if t["name"].endswith("layers.1.mlp.up_proj.weight") for s in t["stored"]]
assert {s["file"] for s in stored} == {"gnu.tar"}
print(stored[0]["offset"] + 100)')
flip gnu.tar "$offset"
run 1 verify gnu.tar --against gnu.json
out_has 'layers.1.mlp.up_proj.weight' 'gnu.tar'
head -c 100000 ustar.tar >cut.tar
run 4 inspect cut.tar
err_has 'cut.tar' truncated
gzip -k posix.tar
run 5 inspect posix.tar.gz
err_has 'gzip archive' unpack

# A distributed checkpoint, whichever of its files is named; the same weights as llama2.c's file.
run 0 id "$fixtures/llama2c/nano-v0.bin"
nano=$(cat "$scratch/out")
cp -r "$fixtures/dcp-nano" dcp
run 0 inspect "$fixtures/llama2c/nano-v0.bin" --json
heads=$(python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))["config"]["n_heads"])' "$scratch/out")
echo "{\"dim\": 32, \"n_heads\": $heads}" >dcp/params.json
for name in dcp dcp/.metadata dcp/__0_0.distcp; do
  run 0 id "$name"
  [[ $(cat "$scratch/out") == "$nano" ]] || complain "$name is $(cat "$scratch/out"), not $nano"
done
tar -cf dcp.tar dcp
run 0 id dcp.tar
[[ $(cat "$scratch/out") == "$nano" ]] || complain "dcp.tar is $(cat "$scratch/out")"
rm dcp/.metadata
run 3 inspect dcp
err_has .metadata

# Sharded tensors: one changed byte is named in the file and the tensor it is in.
cp -r "$fixtures/../dcp/sharded" sharded
run 0 hash sharded --format manifest -o sharded.json
read -r file offset < <(python3 -c 'import json
tensors = json.load(open("sharded.json"))["tensors"]
stored = [s for t in tensors if "grid" in t["name"] for s in t["stored"]]
assert len(stored) == 4 and len({s["file"] for s in stored}) == 4, stored
print(stored[2]["file"], stored[2]["offset"] + 8)')
flip "sharded/$file" "$offset"
run 1 verify sharded --against sharded.json
out_has "$file" grid
run 1 verify sharded --against "$fixtures/../dcp/sharded" --json
json '[f["path"] for f in r["files"] if f["state"] != "ok"]' "['$file']"

# External data of an ONNX model.
mkdir onnx
cp "$fixtures"/../onnx/one-file.onnx* onnx
run 0 inspect onnx --json --tensors
json '[t["file"] for t in r["tensors"]]' "['one-file.onnx_data', 'one-file.onnx_data', 'one-file.onnx_data']"
json 'r["files"][0]["companions"], r["side_files"]' \
  "([{'path': 'one-file.onnx_data', 'size': 2304}], [])"
run 0 hash onnx --format manifest -o onnx.json
flip onnx/one-file.onnx_data 1000
run 1 verify onnx --against onnx.json
out_has one-file.onnx_data layers.1.weight
rm onnx/one-file.onnx_data
run 3 inspect onnx
err_has one-file.onnx_data
finish
