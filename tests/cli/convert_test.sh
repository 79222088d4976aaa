#!/usr/bin/env bash
# Every container to every other and back, with the same weights; receipts and replays; what is
# refused, and that nothing is left of it.
# shellcheck source-path=SCRIPTDIR source=support.sh
source "$(dirname "$0")/support.sh"

identity=hm1:f002385abf1bde44ed161deb1aa760168242ff88844c4a9c9e9a6781181f17ee

# converts MODEL OUTPUT OPTION…: the output holds the same weights and has a receipt.
converts() {
  local model=$1 output=$2
  shift 2
  run 0 convert "$model" -o "$output" "$@"
  out_has "$identity" 'same weights'
  [[ -e ${output%/}.receipt.json ]] || complain "$command_line: no receipt"
  [[ $("$hallmark" id "$output" 2>/dev/null) == "$identity" ]] ||
    complain "$command_line: the output is $("$hallmark" id "$output" 2>&1)"
}

# From every container of the same model; and from what that made, to every other.
hf=$fixtures/hf-safetensors-f32 # has a tokenizer
converts "$hf" hf.gguf --to gguf
converts hf.gguf from-gguf/ --to safetensors
converts "$fixtures/meta-llama2-bf16" meta.gguf --to gguf
converts "$fixtures/meta-llama3-fp16" from-meta/ --to safetensors
converts "$fixtures/gguf-split" joined.gguf --to gguf
converts from-gguf/ again.gguf --to gguf
converts from-gguf/ ranks/ --to meta --model-parallel 2
converts ranks/ one-rank/ --to meta
converts ranks/ from-ranks/ --to safetensors
converts ranks/ from-ranks.gguf --to gguf
converts "$fixtures/hf-bin" bin/ --to pytorch --shard-size 100kB
converts bin/ sharded/ --to safetensors --shard-size 64KiB
converts sharded/ one.safetensors --to safetensors
converts one.safetensors one.npz --to npz
converts one.npz one.pt --to pytorch
converts hf.gguf split/ --to gguf --shard-size 100kB
converts split/ unsplit.gguf --to gguf
for model in hf-legacy hf-safetensors-f16 hf-safetensors-bf16; do
  converts "$fixtures/$model" "$model.safetensors" --to safetensors
done
[[ -e sharded/model.safetensors.index.json && -e sharded/config.json ]] || complain 'side files are missing'
(cd ranks && md5sum --check --quiet checklist.chk) >&2 || complain 'checklist.chk is wrong'
cmp hf.gguf unsplit.gguf >&2 || complain 'splitting and joining changed the file'
cmp from-gguf/model.safetensors from-ranks/model.safetensors >&2 ||
  complain 'the same weights became other files'

# An archive and a packed model are read as they are.
cp -r "$hf" in-archive && chmod -R u+w in-archive
tar cf flat.tar -C in-archive .
tar cf top.tar in-archive
run 0 pack in-archive -o model.hmz
for archive in flat.tar top.tar model.hmz; do
  converts "$archive" "$archive.gguf" --to gguf
  cmp hf.gguf "$archive.gguf" >&2 || complain "$archive gave another file"
done

# The same bytes from any number of threads.
run 0 convert hf.gguf --to meta --model-parallel 2 -o threads/ -j 1
diff -r ranks threads >&2 || complain 'another number of threads gave other bytes'
run 0 convert from-gguf --to meta --model-parallel 2 -o more-threads/ -j 7
diff -r ranks more-threads >&2 || complain 'threads changed the bytes'

# Types: what is lost is told.
run 0 convert "$hf" --to safetensors --dtype bf16 -o exact.safetensors
out_has 'same weights'
{ printf '\x40\0\0\0\0\0\0\0'; head -c 64 <(printf '%-64s' '{"F":{"dtype":"F32","shape":[4],"data_offsets":[0,16]}}'); printf '\xcd\xcc\xcc\x3d\0\0\x80\x3f\xff\xff\x7f\x7f\x01\0\0\0'; } >values.safetensors
run 0 convert values.safetensors --to safetensors --dtype f16 -o halves.safetensors --json
json 'r["relation"]' rounded
json '[(t["changed"], t["overflowed"], t["vanished"]) for t in r["lossy_tensors"]]' '[(3, 1, 1)]'
run 0 convert values.safetensors --to safetensors --dtype f16 -o halves2.safetensors -v
out_has '3 values' '1 became infinite' 'f32 to f16'

run 0 convert "$fixtures/gguf/tiny-f32.gguf" --to gguf --dtype f16 -o f16.gguf
run 0 inspect f16.gguf --tensors
out_has 'f32' 'f16'

# Quantised: the files of llama-quantize, byte for byte.
for pair in f16:Q4_K_M f16:Q2_K f16:Q6_K f16:Q5_K_S f16:IQ4_XS; do
  run 0 convert "$fixtures/gguf/k256-${pair%:*}.gguf" --to gguf --quant "${pair#*:}" -o quantised.gguf
  cmp quantised.gguf "$fixtures/gguf/k256-${pair#*:}.gguf" >&2 || complain "${pair#*:} is another file"
  rm quantised.gguf*
done
run 2 convert "$fixtures/gguf/tiny-Q4_0.gguf" --to gguf --quant Q8_0 -o no.gguf
run 2 convert "$fixtures/gguf/tiny-Q4_0.gguf" --to safetensors -o no/
err_has 'requantize'
run 0 convert "$fixtures/gguf/tiny-Q4_0.gguf" --to safetensors --requantize -o back/
out_has 'dequantised'

# A receipt does it again, and sees another model.
run 0 convert "$hf" --replay hf.gguf.receipt.json -o replayed.gguf
cmp hf.gguf replayed.gguf >&2 || complain 'the replay gave another file'
run 0 convert "$fixtures/hf-bin" --replay bin.receipt.json -o replayed-bin/
diff -r bin replayed-bin >&2 || complain 'the replay gave other files'
run 2 convert "$fixtures/hf-legacy" --replay bin.receipt.json -o other/
err_has 'receipt'
run 2 convert "$hf" --replay hf.gguf.receipt.json --to npz -o other.npz
python3 - <<'END'
import json
receipt = json.load(open("hf.gguf.receipt.json"))
receipt["output"]["files"][0]["tree"] = "tree:" + "0" * 64
json.dump(receipt, open("forged.receipt.json", "w"))
END
run 4 convert "$hf" --replay forged.receipt.json -o forged.gguf
err_has 'another file'
for name in ../evil /tmp/evil a/b '..' ''; do
  NAME=$name python3 - <<'END'
import json, os
receipt = json.load(open("hf.gguf.receipt.json"))
receipt["request"]["name"] = os.environ["NAME"]
json.dump(receipt, open("forged.receipt.json", "w"))
END
  "$hallmark" convert "$hf" --replay forged.receipt.json -o forged.gguf 2>/dev/null && complain "a receipt that names its output $name was followed"
  [[ ! -e forged.gguf && ! -e ../evil ]] || complain 'a forged receipt wrote a file'
done
rm forged.receipt.json

# Refused, and nothing is left.
before=$(find . | sort | md5sum)
run 2 convert "$hf" --to gguf -o hf.gguf
err_has 'exists'
run 2 convert "$hf" --to safetensors -o sharded/
run 2 convert "$hf" --to safetensors -o sharded/ --force
err_has 'would stay beside'
run 2 convert "$hf" --to safetensors -o model-00001-of-00002.safetensors
mkdir mine.gguf.hallmark-partial && echo mine >mine.gguf.hallmark-partial/notes
run 2 convert "$hf" --to gguf -o mine.gguf
run 2 convert "$hf" --to gguf -o mine.gguf --discard
[[ -e mine.gguf.hallmark-partial/notes ]] || complain "somebody's folder was taken"
rm -r mine.gguf.hallmark-partial
run 2 convert "$hf" --to gguf
run 2 convert "$hf" -o x.gguf
run 2 convert "$hf" --to npz --quant Q4_0 -o x.npz
run 2 convert "$hf" --to gguf --quant Q9_Z -o x.gguf
run 2 convert "$hf" --to safetensors --shard-size 0 -o x/
run 2 convert "$hf" --to meta --model-parallel 3 -o x/
err_has 'among 3 ranks'
run 3 convert "$fixtures/hf-safetensors-bf16" --to gguf -o x.gguf
err_has 'no tokenizer' '--without-tokenizer'
run 5 convert "$fixtures/edge/plain.pt" --to gguf -o x.gguf
run 3 convert missing/ --to gguf -o x.gguf
run 2 convert "$hf" --to gguf -o nowhere/x.gguf
run 2 convert "$hf" --to safetensors -o x.gguf
run 2 convert "$hf" --to npz -o x/
run 2 convert "$hf" --to gguf -o x/
err_has 'names a folder'
run 3 convert https://example.com/model.safetensors --to gguf -o x.gguf
err_has 'download it first'
run 2 convert "$hf" --replay hf.gguf.receipt.json --dtype f16 -o x.gguf
mkdir hole && cp "$fixtures"/hf-bin/* hole/ && rm hole/pytorch_model-00002-of-00003.bin
run 3 convert hole/ --to safetensors -o x/
err_has 'pytorch_model-00002-of-00003.bin'
rm -r hole

# Tensors that no configuration fits, and a configuration that is none.
python3 - "$fixtures/hf-safetensors-f32" <<'END'
import json, shutil, struct, sys
source = sys.argv[1]
raw = open(source + '/model.safetensors', 'rb').read()
n = struct.unpack('<Q', raw[:8])[0]
def save(folder, change):
    header = json.loads(raw[8:8 + n])
    change(header)
    shutil.copytree(source, folder)
    text = json.dumps(header).encode()
    text += b' ' * (-len(text) % 8)
    open(folder + '/model.safetensors', 'wb').write(struct.pack('<Q', len(text)) + text + raw[8 + n:])
save('turned', lambda h: h['model.layers.0.mlp.up_proj.weight']['shape'].reverse())
save('whole', lambda h: h['model.norm.weight'].update(dtype='I32'))
END
for to in gguf meta; do
  run 4 convert turned --to $to --without-tokenizer -o x
  err_has 'model.layers.0.mlp.up_proj.weight has shape'
  run 4 convert whole --to $to --without-tokenizer -o x
  err_has 'model.norm.weight is of type i32'
done
cp -r "$fixtures/hf-safetensors-f32" nan
sed -i 's/"rms_norm_eps": [^,]*/"rms_norm_eps": NaN/' nan/config.json
run 4 convert nan --to gguf --without-tokenizer -o x
err_has 'config.json: not valid JSON: NaN and Infinity'
rm -r turned whole nan
[[ $(find . | sort | md5sum) == "$before" ]] || complain 'something was left behind'

# --force replaces; a generic checkpoint goes tensor by tensor.
run 0 convert "$hf" --to gguf -o hf.gguf --force
run 0 convert "$fixtures/edge/nested-checkpoint.pt" --to safetensors -o generic.safetensors
run 0 convert "$fixtures/hf-safetensors-bf16" --to gguf --without-tokenizer -o plain.gguf
err_has 'no tokenizer'
finish
