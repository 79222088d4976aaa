#!/usr/bin/env bash
# Lists that coreutils can check; one read; nothing left behind.
# shellcheck source-path=SCRIPTDIR source=support.sh
source "$(dirname "$0")/support.sh"

mkdir dir
printf 'a' >dir/plain
printf 'b' >'dir/with space'
printf 'c' >'dir/back\slash'
printf 'd' >$'dir/new\nline'
printf 'e' >$'dir/carriage\rreturn'
: >dir/empty
printf 'f' >'dir/-dash'
printf 'g' >$'dir/\xff\xfe'

for algorithm in md5 sha1 sha256 sha384 sha512; do
  run 0 hash --algo "$algorithm" dir
  err_is_empty
  "${algorithm}sum" --check --quiet "$scratch/out" || complain "${algorithm}sum refuses the gnu list"
  run 0 hash --algo "$algorithm" --format bsd dir
  "${algorithm}sum" --check --quiet "$scratch/out" || complain "${algorithm}sum refuses the bsd list"
done
run 0 hash --algo blake2b dir
b2sum --check --quiet "$scratch/out" || complain 'b2sum refuses the gnu list'

# The same bytes as coreutils writes, whatever the order of the files.
run 0 hash dir
sha256sum dir/* | sort >"$scratch/theirs"
sort "$scratch/out" | cmp -s - "$scratch/theirs" || complain 'not what sha256sum writes'

# A checklist has names without the directory.
run 0 hash --format checklist dir
(cd dir && md5sum --check --quiet "$scratch/out") || complain 'md5sum refuses the checklist'

# git's name of a file says nothing in a list without tags.
run 2 hash --format gnu --algo git-blob dir/plain
run 0 hash --algo git-blob dir/plain
out_has "GIT-BLOB (dir/plain) = $(git hash-object dir/plain)"

# hashdeep: size, digests, name; no name with a line break can stand there.
run 5 hash --format hashdeep dir
out_has '%%%% size,md5,sha256,filename'
out_has '1,0cc175b9c0f1b6a831c399e269772661,ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb,dir/plain'
err_has 'line break'
run 2 hash --format hashdeep --algo sha512 dir/plain

# llama-gguf-hash's list, as it wrote it itself.
for name in tiny-f16 tiny-Q4_K_M k256-Q6_K; do
  (cd "$fixtures" && "$hallmark" hash --format gguf-hash --algo xxh64,sha1,sha256 "gguf/$name.gguf") \
    >"$scratch/theirs"
  cmp -s "$scratch/theirs" "$fixtures/hash/$name.gguf.manifest" || complain "not what llama-gguf-hash writes of $name"
done
run 5 hash --format gguf-hash "$fixtures/hf-safetensors-f32/model.safetensors"
run 2 hash --format gguf-hash --algo md5 "$fixtures/gguf/tiny-f16.gguf"

run 0 hash --json --algo sha256,crc32,tree dir/plain dir/empty
json 'r["verdict"], r["files_hashed"], r["bytes_hashed"]' "('ok', 2, 1)"
json 'r["files"][0]["digests"][:2]' \
  "['sha256:ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb', 'crc32:e8b7be43']"
json 'r["files"][1]["digests"][2]' "tree:$(printf '0%.0s' {1..64})"

# What cannot be read does not stop the others, and is not taken for done.
run 3 hash dir/plain missing
out_has dir/plain
err_has 'hallmark: error: missing'
run 3 hash --json dir/plain missing
json 'r["exit_code"], r["files_hashed"], r["files"][1]["error"]["code"]' "(3, 1, 'not-found')"

# An output appears whole or not at all, and replaces nothing unasked.
run 0 hash dir/plain -o list
sha256sum --check --quiet list || complain 'the list written by -o'
run 2 hash dir/empty -o list
err_has list --force
sha256sum --check --quiet list || complain 'the list was changed'
run 0 hash dir/empty -o list --force
grep -q dir/empty list || complain '--force did not replace the list'
run 3 hash dir/plain -o no/such/folder/list
run 3 hash dir/plain dir/nowhere -o less
err_has 'less was not written'
only dir list

# Manifests: the same bytes for the same files, wherever they are.
cp -r "$fixtures/meta-llama2-bf16" model
run 0 hash model --format manifest -o a.json
cp -r model moved
run 0 hash moved --format manifest -j 1 -o b.json
cmp -s a.json b.json || complain 'two manifests of the same files differ'
python3 -c 'import json; assert json.load(open("a.json"))["schema"] == "hallmark.manifest/1"' ||
  complain 'the manifest has no schema'
run 2 hash model moved --format manifest
only dir list model moved a.json b.json

# A list that does not name its algorithm is written unasked only where the length tells it.
for algorithm in md5 sha1 sha256 sha512 blake2b blake3 tree crc32; do
  run 0 hash model --algo $algorithm -o "$algorithm.list"
  run 0 verify model --against "$algorithm.list"
  rm "$algorithm.list"
done

# Why there is no identity does not tell where the files lay.
mkdir -p two/models && cp model/consolidated.0* two/models/ && cp -r "$fixtures/gguf/tiny-f16.gguf" two/models/
cp -r two/models elsewhere
run 0 hash two/models --format manifest -o a.json --force
(cd elsewhere && run 0 hash . --format manifest -o ../b.json --force)
cmp -s a.json b.json || complain 'a manifest depends on the folder it was made in'
rm -r two elsewhere
only dir list model moved a.json b.json
finish
