#!/usr/bin/env bash
# A packed model is smaller, is the same model to every verb, and comes back bit for bit.
# shellcheck source-path=SCRIPTDIR source=support.sh
source "$(dirname "$0")/support.sh"

cp -r "$fixtures/hf-safetensors-sharded" model
chmod -R u+w model
run 0 pack model -o model.hmz
out_has 'model-00001-of-00002.safetensors' 'in all'
only model model.hmz
packed=$(stat -c %s model.hmz) size=$(cat model/* | wc -c)
((packed * 10 < size * 7)) || complain "packed to $packed of $size bytes"

# As it is, it is the model.
identity=$("$hallmark" id model)
run 0 id model.hmz
[[ $(cat "$scratch/out") == "$identity" ]] || complain "the packed model is $(cat "$scratch/out")"
run 0 inspect model.hmz --json
json 'len(r["side_files"])' 1
json 'r["findings"]' '[]'
run 0 verify model.hmz --against "$fixtures/hf-bin"
out_has 'same-weights'
run 0 hash model --format manifest -o manifest.json
run 0 verify model.hmz --against manifest.json
run 0 hash model.hmz --format manifest -o packed.json
run 0 verify model --against packed.json
run 0 hash model.hmz
out_has "$(sha256sum model.hmz | cut -d ' ' -f 1)"
mkdir folder && cp model.hmz folder
run 0 id folder
rm -r folder manifest.json packed.json

# And back.
run 0 unpack model.hmz -o back --json
json 'sorted(f["path"] for f in r["files"])[0]' config.json
diff -r model back >&2 || complain 'other files came back'
run 0 hash --algo tree model/config.json
tree=$(awk '{ print $NF }' "$scratch/out")
run 0 unpack model.hmz -o again --json
out_has "$tree"
rm -r back again

# What exists is not touched; nothing is left of what fails.
run 2 pack model -o model.hmz
run 2 pack model
run 2 pack model.hmz -o twice.hmz
err_has 'packed already'
run 3 pack missing -o missing.hmz
mkdir full && echo old >full/config.json
run 2 unpack model.hmz -o full
[[ $(cat full/config.json) == old ]] || complain 'a file was replaced without --force'
run 0 unpack model.hmz -o full --force
cmp model/config.json full/config.json >&2 || complain 'a file was not replaced by --force'
rm -r full
printf 'x' | dd of=model.hmz bs=1 seek=1000 conv=notrunc status=none
run 4 unpack model.hmz -o back
err_has 'damaged' 'hint'
run 4 id model.hmz
head -c 1000 model.hmz >cut.hmz
run 4 inspect cut.hmz
err_has 'truncated'
only model model.hmz cut.hmz
rm model.hmz cut.hmz

# A difference needs its base, and no other.
cp -r model tuned
size=$(stat -c %s tuned/model-00002-of-00002.safetensors)
printf '\1\2' | dd of=tuned/model-00002-of-00002.safetensors bs=1 seek=$((size - 1000)) conv=notrunc status=none
run 0 pack tuned --base model -o tuned.hmz
(($(stat -c %s tuned.hmz) < 3000)) || complain 'the difference is not small'
run 0 unpack tuned.hmz --base model -o back
diff -r tuned back >&2 || complain 'other files came back'
rm -r back
run 2 unpack tuned.hmz -o back
err_has '--base'
run 6 unpack tuned.hmz --base tuned -o back
err_has 'another base'
run 3 unpack tuned.hmz --base "$fixtures/hf-bin" -o back
run 5 id tuned.hmz
err_has '--base'

# A link to a folder cannot be packed, and that is said.
ln -s "$fixtures" tuned/linked
run 3 pack tuned -o linked.hmz
err_has 'not packed: linked'
only model tuned tuned.hmz linked.hmz
finish
