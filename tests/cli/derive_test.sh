#!/usr/bin/env bash
# Quantised copies that llama.cpp made are known as made from their originals; edited ones are not.
# shellcheck source-path=SCRIPTDIR source=support.sh
source "$(dirname "$0")/support.sh"

gguf=$fixtures/gguf
meta=$fixtures/meta-llama2-bf16

# llama-quantize's own files, from the same model in another container.
for type in Q4_0 Q4_1 Q5_0 Q5_1 Q8_0 IQ4_NL IQ4_XS Q2_K Q4_K_M; do
  run 0 derive "$gguf/tiny-$type.gguf" --from "$meta"
  out_has 'replayed'
  out_lacks 'consistent' 'not-derived'
done
for type in Q2_K Q4_K_M Q5_K_S Q6_K IQ4_XS; do
  run 0 derive "$gguf/k256-$type.gguf" --from "$gguf/k256-f16.gguf" --json
  json 'r["verdict"]' replayed
  json 'r["counts"]["replayed"], r["counts"]["derived_exactly"]' '(16, 5)'
done

# Written down, and checked by doing it again; only what is proven.
run 0 derive "$gguf/k256-Q6_K.gguf" --from "$gguf/k256-f16.gguf" -o derived.json
run 0 derive "$gguf/k256-Q6_K.gguf" --from "$gguf/k256-f16.gguf" -o again.json -j 1
cmp derived.json again.json || complain 'the same derivation gives another receipt'
grep -q '"quantised to q6_k"' derived.json || complain 'the receipt has no steps'
run 2 derive "$gguf/k256-Q6_K.gguf" --from "$gguf/k256-f16.gguf" -o again.json
run 5 convert "$gguf/k256-f16.gguf" --replay derived.json -o made.gguf
rm derived.json again.json
run 1 derive "$gguf/k256-Q6_K.gguf" --from "$meta" -o derived.json
err_has 'was not written'
[[ ! -e derived.json ]] || complain 'a receipt of what is not derived'

# Lossless copies, whatever their container; and casts that lose something.
for copy in "$fixtures/hf-safetensors-f32" "$fixtures/hf-bin" "$gguf/tiny-f16.gguf" "$gguf-split"; do
  run 0 derive "$copy" --from "$meta"
  out_has 'derived-exactly'
  out_lacks 'replayed'
done
run 0 convert "$gguf/k256-f16.gguf" --to gguf --dtype bf16 -o bf16.gguf
run 0 derive bf16.gguf --from "$gguf/k256-f16.gguf"
out_has 'replayed' 'cast from f16 to bf16'
run 0 convert "$gguf/tiny-Q4_0.gguf" --to gguf --dtype f32 --requantize -o wide.gguf
run 0 derive wide.gguf --from "$gguf/tiny-Q4_0.gguf"
out_has 'derived-exactly' 'dequantised from q4_0'

# Kept in f16 or bf16 meanwhile.
run 0 convert "$gguf/k256-Q6_K.gguf" --to gguf --requantize --dtype bf16 -o meanwhile.gguf
run 0 convert meanwhile.gguf --to gguf --quant Q8_0 -o then.gguf
run 0 derive then.gguf --from "$gguf/k256-Q6_K.gguf"
out_has 'replayed' 'dequantised from q6_k, cast from f32 to bf16, quantised to q8_0'
run 0 convert meanwhile.gguf --to gguf --dtype f32 -o then.gguf --force
run 0 derive then.gguf --from "$gguf/k256-Q6_K.gguf"
out_has 'replayed' 'cast from f32 to bf16, cast from bf16 to f32'
run 0 convert wide.gguf --to gguf --dtype f16 -o narrow.gguf
run 0 convert narrow.gguf --to gguf --dtype f32 -o wide-again.gguf
run 0 derive wide-again.gguf --from wide.gguf
out_has 'cast from f32 to f16, cast from f16 to f32'
rm meanwhile.gguf* then.gguf* narrow.gguf* wide-again.gguf*

# An importance matrix makes the difference between a proof and none.
weights=$root/tests/vectors/mixes/tiny.gguf
run 0 convert "$gguf/tiny-f32.gguf" --to gguf --quant Q4_K_M --imatrix "$weights" -o weighed.gguf
run 0 derive weighed.gguf --from "$meta" --imatrix "$weights"
out_has 'replayed' 'by the importance matrix'
run 0 derive weighed.gguf --from "$meta"
out_has 'consistent' '--imatrix'

# An edit: of quants, of a value, of a name.
cp "$gguf/k256-Q6_K.gguf" edited.gguf
size=$(stat -c %s edited.gguf)
printf '\xff\x00\xff\x00' | dd of=edited.gguf bs=1 seek=$((size - 50000)) conv=notrunc status=none
run 1 derive edited.gguf --from "$gguf/k256-f16.gguf" --json
json 'r["verdict"]' not-derived
json 'r["counts"]["not_derived"]' 1
json 'sum(t["rounding"]["blocks"] - t["rounding"]["within"] for t in r["tensors"] if "rounding" in t)' 1
json '[t["reason"] for t in r["tensors"] if "reason" in t]' "['no rounding of the official values']"
run 1 derive edited.gguf --from "$gguf/k256-f16.gguf"
out_has 'not-derived'
run 1 derive "$gguf/k256-Q6_K.gguf" --from "$meta"

# Releases shipped as a difference to a base: sums that are exact, and files xored (torch has the rest).
python3 - <<'END'
import json, os, struct
def write(folder, tensors):
    os.mkdir(folder)
    header, data = {}, b''
    for name, values in tensors.items():
        payload = struct.pack(f'<{len(values)}e', *values)
        header[name] = {'dtype': 'F16', 'shape': [4, len(values) // 4], 'data_offsets': [len(data), len(data) + len(payload)]}
        data += payload
    text = json.dumps(header).encode()
    text += b' ' * (-len(text) % 8)
    open(folder + '/model.safetensors', 'wb').write(struct.pack('<Q', len(text)) + text + data)
base = {f'model.layers.{i}.mlp.up_proj.weight': [(7 * i + k) % 50 - 25 for k in range(32)] for i in range(3)}
delta = {n: [k % 5 - 2 for k in range(32)] for n in base}
write('base', base)
write('delta', delta)
write('tuned', {n: [x + y for x, y in zip(base[n], delta[n])] for n in base})
os.mkdir('xored')
a, b = (open(f + '/model.safetensors', 'rb').read() for f in ('tuned', 'base'))
open('xored/model.safetensors', 'wb').write(bytes(x ^ y for x, y in zip(a, b)))
END
run 0 derive tuned --from delta --base base
out_has 'derived-exactly' 'added to the base'
run 0 derive tuned --from xored --base base
out_has 'derived-exactly' 'xored'
run 1 derive base --from delta --base base
run 1 derive base --from xored --base base
run 5 derive tuned --from delta --base "$fixtures/hf-bin"
err_has 'is this the base'
run 1 derive tuned --from xored --base delta
run 3 derive tuned --from delta --base nowhere

# What cannot be asked.
run 2 derive edited.gguf
err_has '--from'
run 3 derive edited.gguf --from missing
run 0 hash "$meta" --format manifest -o manifest.json
run 5 derive edited.gguf --from manifest.json
err_has 'holds no weights'
rm manifest.json
run 3 derive edited.gguf --from "$meta" --imatrix missing
run 4 derive edited.gguf --from "$gguf/k256-f16.gguf" --imatrix "$gguf/tiny-f32.gguf"
only base bf16.gguf bf16.gguf.receipt.json wide.gguf wide.gguf.receipt.json weighed.gguf weighed.gguf.receipt.json edited.gguf delta tuned xored
finish
