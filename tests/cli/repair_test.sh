#!/usr/bin/env bash
# Damaged copies mended from whatever has the right bytes: other copies, damaged ones, other containers;
# in place or into a copy, and neither by a crash nor by a bad donor made worse.
# shellcheck source-path=SCRIPTDIR source=support.sh
source "$(dirname "$0")/support.sh"

# damage FILE OFFSET [TEXT]: writes over what is there.
damage() { printf '%s' "${3:-damaged}" | dd of="$1" bs=1 seek="$2" conv=notrunc status=none; }
same() { diff -r "$1" "$2" >/dev/null || complain "$command_line: $1 is not $2"; }
# fresh: a copy of the official model with nothing wrong.
fresh() {
  rm -rf copy
  cp -r official copy
}

# Two shards of 10 MB, so that there are several digests of 4 MiB each.
mkdir official
python3 - <<'END'
import json, random, struct
r = random.Random(7)
index = {}
for shard in (1, 2):
    header, at, data = {}, 0, b''
    for layer in range(5):
        name = f'model.layers.{(shard - 1) * 5 + layer}.mlp.down_proj.weight'
        header[name] = {'dtype': 'BF16', 'shape': [1024, 1000], 'data_offsets': [at, at + 2048000]}
        at += 2048000
        index[name] = f'model-0000{shard}-of-00002.safetensors'
        data += struct.pack('<512000I', *(0x3c003c00 | (x & 0x83ff83ff) for x in
                                          struct.unpack('<512000I', r.randbytes(2048000))))
    text = json.dumps(header).encode()
    text += b' ' * (-len(text) % 8)
    open(f'official/model-0000{shard}-of-00002.safetensors', 'wb').write(struct.pack('<Q', len(text)) + text + data)
json.dump({'metadata': {'total_size': 20480000}, 'weight_map': index}, open('official/model.safetensors.index.json', 'w'))
json.dump({'architectures': ['LlamaForCausalLM'], 'model_type': 'llama'}, open('official/config.json', 'w'))
END
one=model-00001-of-00002.safetensors two=model-00002-of-00002.safetensors
run 0 hash official --format manifest -o official.json
(cd official && sha256sum -- *) >official.sha256
(cd official && md5sum -- *.safetensors) >official.md5

# Nothing wrong.
fresh
run 0 repair copy --against official.json
out_has 'intact'
run 0 repair copy --against official.json --in-place --json
json 'r["verdict"], r["written"], r["files"]' "('intact', False, [])"

# A plan writes nothing; in place only what is wrong is written.
damage copy/$one 5000000
damage copy/$two 9000000
damage copy/config.json 3
cp -r copy damaged
run 1 repair copy --against official.json --from official
out_has 'repairable' 'nothing was written' 'model.layers.2.mlp.down_proj.weight' 'bytes 0x4c4b40-0x4c4b46'
same copy damaged
run 1 repair copy --against official.json --from official --json
json 'r["mended_bytes"], r["written_bytes"], len(r["files"])' '(21, 0, 3)'
inode=$(stat -c %i copy/$one)
run 0 repair copy --against official.json --from official --in-place
out_has 'repaired' '3 of 3 files made whole'
same copy official
[[ $(stat -c %i copy/$one) == "$inode" ]] || complain 'a file of which 7 bytes were wrong was written anew'
only copy damaged official official.json official.md5 official.sha256

# Cut off, too long, missing, an unfinished download; trailing bytes need no donor.
fresh
truncate -s 3000000 copy/$one
truncate -s 11000000 copy/$two
run 0 repair copy --against official.json --from official --in-place
same copy official
truncate -s 11000000 copy/$two
run 0 repair copy --against official.json --in-place
out_has 'cut off at its end'
same copy official
rm copy/$one copy/config.json
run 3 repair copy --against official.json
out_has 'beyond-repair' '--from'
run 0 repair copy --against official.sha256 --from official --in-place
same copy official
mkdir copy/sub && mv copy/$one copy/sub/
(cd copy && sha256sum sub/$one $two) >sub.sha256
rm -r copy/sub
run 0 repair copy --against sub.sha256 --from official --in-place
cmp -s copy/sub/$one official/$one || complain "$command_line: no file in its folder"
fresh
head -c 7000000 official/$two >copy/$two.part
rm copy/$two
run 0 repair copy --against official.json --from official --in-place
cmp -s copy/$two official/$two || complain "$command_line: not whole"

# Damaged copies that together are whole: with digests of pieces, and of whole files alone, also
# where all are damaged in one place.
rm -rf a b c
for each in a b c; do cp -r official $each; done
damage a/$one 100000
damage b/$one 200000
damage c/$one 8000000
damage a/$two 6000000 one
damage b/$two 6000010 two
damage c/$two 6000020 three
for list in official.json official.sha256; do
  rm -rf copy
  cp -r a copy
  run 0 repair copy --against $list --from b --from c --in-place
  same copy official
done
rm -rf copy
cp -r a copy
run 0 repair copy --against official.md5 --from b -o made
out_has 'repaired' 'in made'
same made official
same copy a
run 2 repair copy --against official.md5 --from b -o made
err_has 'exists already'
run 0 repair copy --against official.md5 --from b -o made --force
same made official
# Two copies that lack the same bytes: what can be mended is, and nothing is written to an output.
damage a/$two 1000000
damage b/$two 1000000
rm -rf copy made
cp -r a copy
run 3 repair copy --against official.json --from b -o made
out_has 'partly-repairable' 'beyond repair'
[[ ! -e made ]] || complain "$command_line: wrote an output"
run 3 repair copy --against official.json --from b --in-place
out_has 'partly-repaired' '1 of 2 files made whole'
cmp -s copy/$one official/$one || complain "$command_line: the first file is not whole"
[[ $(cmp -l copy/$two official/$two | wc -l) == 7 ]] || complain "$command_line: the second file has other damage than it had"
run 0 repair copy --against official.json --from official --in-place
same copy official

# A donor that is another model gives nothing; one that is not there is an error.
fresh
damage copy/$one 5000000
cp -r copy damaged2
run 3 repair copy --against official.json --from "$fixtures/hf-safetensors-sharded" --in-place
out_has 'beyond-repair'
same copy damaged2
run 3 repair copy --against official.json --from nowhere
err_has 'nowhere'
run 2 repair copy --from official
err_has '--against'
run 2 repair copy --against official.json --from official --in-place -o made
# A good copy is both, authority and donor.
run 0 repair copy --against official --in-place
same copy official

# A torrent's pieces cross files; the last is shared by all small ones.
python3 - <<'END'
import hashlib
def enc(x):
    if isinstance(x, int): return b'i%de' % x
    if isinstance(x, bytes): return b'%d:%s' % (len(x), x)
    if isinstance(x, list): return b'l' + b''.join(map(enc, x)) + b'e'
    return b'd' + b''.join(enc(k) + enc(x[k]) for k in sorted(x)) + b'e'
names = ['config.json', 'model-00001-of-00002.safetensors', 'model-00002-of-00002.safetensors']
data = [open('official/' + n, 'rb').read() for n in names]
whole, n = b''.join(data), 262144
info = {b'name': b'official', b'piece length': n,
        b'pieces': b''.join(hashlib.sha1(whole[i:i + n]).digest() for i in range(0, len(whole), n)),
        b'files': [{b'length': len(d), b'path': [f.encode()]} for f, d in zip(names, data)]}
open('v1.torrent', 'wb').write(enc({b'info': info}))
# BEP 52, the pieces of 64 KiB
def root(nodes, pad):
    while len(nodes) > 1:
        nodes = [hashlib.sha256(nodes[i] + (nodes[i + 1] if i + 1 < len(nodes) else pad)).digest()
                 for i in range(0, len(nodes), 2)]
        pad = hashlib.sha256(pad + pad).digest()
    return nodes[0]
tree, layers = {}, {}
for f, d in zip(names, data):
    leaves = [hashlib.sha256(d[i:i + 16384]).digest() for i in range(0, len(d), 16384)]
    if len(d) > 65536:
        z = bytes(32)
        layer = []
        for i in range(0, len(leaves), 4):
            four = leaves[i:i + 4]
            layer.append(root(four + [z] * (4 - len(four)), z))
        pad = hashlib.sha256(hashlib.sha256(z + z).digest() * 2).digest()
        r = root(layer, pad)
        layers[r] = b''.join(layer)
    else:
        r = root(leaves, bytes(32))
    tree[f.encode()] = {b'': {b'length': len(d), b'pieces root': r}}
info = {b'name': b'official', b'piece length': 65536, b'meta version': 2, b'file tree': tree}
open('v2.torrent', 'wb').write(enc({b'info': info, b'piece layers': layers}))
END
for torrent in v1 v2; do
  fresh
  rm copy/model.safetensors.index.json
  run 0 repair copy --against $torrent.torrent
  damage copy/$one 50
  damage copy/config.json 10
  damage copy/$two 10240000
  rm -rf b && cp -r official b
  damage b/$one 9999999 # in another piece than ours, in the same 4 MiB of none
  damage b/$two 10100000
  run 0 repair copy --against $torrent.torrent --from b --in-place
  for file in $one $two config.json; do
    cmp -s "copy/$file" "official/$file" || complain "$command_line: $file is not whole"
  done
done

# Donors in other containers and shardings: tensors by the copy's own headers, headers and missing
# files by a recipe.
gguf=$fixtures/gguf/tiny-f32.gguf
for official in "$fixtures/meta-llama2-bf16" "$fixtures/hf-safetensors-sharded" "$fixtures/hf-bin"; do
  for list in manifest sha256; do
    rm -rf copy
    cp -r "$official" copy
    if [[ $list == manifest ]]; then
      run 0 hash "$official" --format manifest -o list --force
    else
      (cd "$official" && sha256sum -- *) >list
    fi
    big=$(find copy -type f -printf "%s %P\n" | sort -rn | head -1 | cut -d" " -f2)
    damage "copy/$big" 70000
    damage "copy/$big" 90000
    run 0 repair copy --against list --from "$gguf" --in-place
    out_has "tensors of $gguf"
    diff -r copy "$official" >/dev/null || complain "$command_line: $official is not whole ($list)"
  done
done
official=$fixtures/hf-safetensors-sharded
run 0 hash "$official" --format manifest -o list --force
run 0 recipe "$official" -o the.recipe
rm -rf copy
cp -r "$official" copy
rm copy/$one
damage copy/$two 5
run 3 repair copy --against list --from "$gguf"
run 0 repair copy --against list --from "$gguf" --recipe the.recipe --in-place
diff -r copy "$official" >/dev/null || complain "$command_line: not whole"
# The recipe alone has the header.
damage copy/$two 5
run 0 repair copy --against list --recipe the.recipe --in-place
diff -r copy "$official" >/dev/null || complain "$command_line: not whole"
# A quantised donor has no exact values.
rm -rf copy
cp -r "$official" copy
damage copy/$two 70000
run 3 repair copy --against list --from "$fixtures/gguf/tiny-Q4_0.gguf" --in-place

# One file.
cp "$fixtures/gguf/tiny-f16.gguf" one.gguf
sha256sum one.gguf >one.sha256
damage one.gguf 100000
run 0 repair one.gguf --against one.sha256 --from "$fixtures/gguf/tiny-f16.gguf" -o mended.gguf
cmp -s mended.gguf "$fixtures/gguf/tiny-f16.gguf" || complain "$command_line: not whole"
run 0 repair one.gguf --against one.sha256 --from "$fixtures/gguf/tiny-f16.gguf" --in-place
cmp -s one.gguf mended.gguf || complain "$command_line: not whole"

# What is a link out of the copy is not written through, and no file is made behind one.
fresh
mkdir outside
mv copy/$one outside/
ln -s ../outside/$one copy/$one
damage outside/$one 5000000
cp outside/$one outside/before
run 2 repair copy --against official.json --from official --in-place
err_has 'link'
cmp -s outside/$one outside/before || complain "$command_line: wrote through a link"
run 0 repair copy --against official.json --from official -o made
same made official
rm -rf copy/sub
ln -s ../outside copy/sub
run 2 repair copy --against sub.sha256 --from official --in-place
rm -rf outside made

# One file under several names: the others stay what they are.
fresh
cp -al copy backup
damage_new() { # a file of its own first, so that only the copy is damaged
  cp --remove-destination "official/$(basename "$1")" "$1"
  damage "$1" 5000000
}
damage_new copy/$one
ln copy/$one other-name
run 0 repair copy --against official.json --from official --in-place
same copy official
[[ $(cmp -l other-name official/$one | wc -l) == 7 ]] || complain "$command_line: wrote through a hard link"
rm -r backup other-name
fresh
rm copy/$two
ln -s $one copy/$two
run 0 repair copy --against official.json --from official --in-place
same copy official

# Sources that disagree: what is right by one is not changed to suit the other; other files are mended.
fresh
(cd official && sed "s/^[0-9a-f]*  $two/$(printf x | md5sum | cut -c1-32)  $two/" ../official.md5) >wrong.md5
damage copy/$one 5000000
run 3 repair copy --against official.json --against wrong.md5 --from official --in-place
out_has 'contradict'
cmp -s copy/$one official/$one || complain "$command_line: did not mend the other file"
cmp -s copy/$two official/$two || complain "$command_line: changed a file that is right"
damage copy/$two 5000000
cp copy/$two before
run 3 repair copy --against official.json --against wrong.md5 --from official
out_has 'beyond-repair'
run 3 repair copy --against official.json --against wrong.md5 --from official --in-place
cmp -s copy/$two before || complain "$command_line: changed a file of which nothing is known"
rm before

# Pieces that reach into files which are not there prove nothing.
mkdir alone && cp official/$one alone/
damage alone/$one 300000
damage alone/$one 10240580
run 3 repair alone/$one --against v1.torrent --from official/$one --in-place
out_has 'partly-repair' 'prove nothing'

# Lists without sizes: a cut copy and a donor that is wrong in what the copy has.
fresh
truncate -s 6000000 copy/$one
rm -rf b && cp -r official b
damage b/$one 1000000
run 0 repair copy --against official.sha256 --from b --in-place
same copy official
mkdir empty && : >empty/nothing
(cd empty && sha256sum nothing) >empty.sha256
rm empty/nothing
cp official/config.json empty/ && (cd empty && sha256sum config.json) >>empty.sha256
run 0 repair empty --against empty.sha256 --in-place
[[ -e empty/nothing && ! -s empty/nothing ]] || complain "$command_line: no empty file"

# Damage before a cut, of which a donor has one half.
fresh
printf 'damaged' | dd of=copy/$one bs=1 seek=4194300 conv=notrunc status=none
truncate -s 4194307 copy/$one
rm -rf b && cp -r official b
damage b/$one 9000000
run 3 repair copy --against official.json --from b --in-place --json
json 'r["verdict"], r["mended_bytes"], r["written"]' "('partly-repaired', 7, True)"
run 3 repair copy --against official.json --from b --in-place --json
json 'r["verdict"], r["mended_bytes"], r["written"]' "('beyond-repair', 0, False)"
run 0 repair copy --against official.json --from official --in-place
same copy official

# What could not be done is said before anything is.
fresh
damage copy/$one 5000000
rm copy/$two
mkdir copy/$two
cp copy/$one before
run 2 repair copy --against official.json --from official --in-place
err_has 'one of this name'
cmp -s copy/$one before || complain "$command_line: changed a file"
[[ ! -e copy.hallmark-partial ]] || complain "$command_line: left its folder"
rm before
run 2 repair copy/model.safetensors.index.json --against official.json --in-place
err_has 'name the folder'
fresh
run 0 repair copy --against official.json -o intact
out_has 'intact' 'written to intact'
same intact official
ln -s copy linked
damage copy/$one 5000000
run 0 repair linked --against official.json --from official --in-place
same copy official
(cd copy && damage $one 5000000 && "$hallmark" repair . --against ../official.json --from ../official --in-place >/dev/null) || complain 'repair .'
same copy official
cat >no-digest.meta4 <<END
<?xml version="1.0" encoding="UTF-8"?>
<metalink xmlns="urn:ietf:params:xml:ns:metalink">
<file name="$one"><hash type="sha-256">$(sha256sum <official/$one | cut -c1-64)</hash></file>
<file name="$two"><size>10240592</size></file>
</metalink>
END
run 3 repair copy --against no-digest.meta4
out_has 'inconclusive' 'without a digest'

damage copy/$one 5000000
run 3 repair copy --against no-digest.meta4 --from official --in-place
out_has 'partly-repaired' '1 file listed without a digest'
same copy official

# Two listed names that lead to one file that is not listed; a file that is a link.
fresh
mv copy/$one copy/real
ln -s real copy/$one
rm copy/$two
ln -s real copy/$two
run 0 repair copy --against official.json --from official --in-place
cmp -s copy/$one official/$one || complain "$command_line: changed a file that was right"
cmp -s copy/$two official/$two || complain "$command_line: not whole"
mkdir here there
cp official/$one there/real
damage there/real 5000000
cp there/real before
echo precious >there/$one
ln -s ../there/real here/$one
run 2 repair here/$one --against official.sha256 --from official/$one --in-place
err_has 'link to a file outside'
cmp -s there/real before || complain "$command_line: wrote through a link"
[[ $(cat there/$one) == precious ]] || complain "$command_line: wrote another file"
rm -r here there before

# Pieces of one source, digests of another version by the other: neither is done.
fresh
rm copy/model.safetensors.index.json
cp -r copy other-version
damage other-version/$one 700000 another
(cd other-version && sha256sum -- *) >other.sha256
cp -r copy before
run 3 repair copy --against v1.torrent --against other.sha256 --from other-version --in-place
same copy before
run 3 repair copy --against other.sha256 --against v1.torrent --from other-version --in-place
same copy before
rm -r before
damage copy/$one 700000 broken!
run 0 hash other-version --format manifest -o other.json
run 3 repair copy --against v1.torrent --against other.json --from other-version --in-place
out_has 'different things'
# A missing neighbour of a damaged piece; and one that only shares it.
fresh
rm copy/model.safetensors.index.json copy/$two
damage copy/$one 10240580
run 3 repair copy --against v1.torrent --from official/$one --in-place
fresh
rm copy/model.safetensors.index.json copy/config.json
damage copy/$one 10240580
run 0 repair copy --against v1.torrent --from official --in-place
for file in $one $two config.json; do
  cmp -s "copy/$file" "official/$file" || complain "$command_line: $file is not whole"
done

# A file that is a folder of another.
mkdir -p odd d1 d2/a
echo 1 >d1/a
echo 2 >d2/a/b
echo 3 >odd/c
{
  (cd d1 && sha256sum a)
  (cd d2 && sha256sum a/b)
  (cd odd && sha256sum c)
} >odd.sha256
run 2 repair odd --against odd.sha256 --from d1 --from d2 --in-place
[[ ! -e odd/a && ! -e odd.hallmark-partial ]] || complain "$command_line: began"

# Killed at any time, the same command ends well, and nothing is left.
for attempt in $(seq 1 25); do
  fresh
  damage copy/$one 5000000
  damage copy/$two 1
  truncate -s 4000000 copy/$two
  rm copy/config.json
  timeout -s KILL "0.0$((RANDOM % 9))$((RANDOM % 10))" "$hallmark" repair copy --against official.json --from official --in-place >/dev/null 2>&1 || true
  run 0 repair copy --against official.json --from official --in-place
  same copy official
  [[ ! -e copy.hallmark-partial ]] || complain "$command_line: left its folder (attempt $attempt)"
done
finish
