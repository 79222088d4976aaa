#!/usr/bin/env bash
# Keys, signatures and trust: what makes a copy authentic, and what does not.
# shellcheck source-path=SCRIPTDIR source=support.sh
source "$(dirname "$0")/support.sh"

cp -r "$fixtures/hf-safetensors-sharded" copy
gguf=$fixtures/gguf/tiny-f16.gguf
origin=my-org/tiny

verdict() { [[ $(head -1 "$scratch/out") == "$1:"* ]] || complain "$command_line: $(head -1 "$scratch/out"), expected $1"; }

# Keys: the secret one is for its owner alone, and none is replaced.
run 0 keygen -o a --no-password
out_has 'fingerprint: sha256:'
[[ $(stat -c %a a.key) == 600 ]] || complain 'a.key can be read by others'
run 2 keygen -o a --no-password
run 2 keygen -o nobody-asked
err_has --password-file
for name in b c thief; do run 0 keygen -o "$name" --no-password; done
printf 'a word\n' >word && chmod 600 word
run 0 keygen -o p --type p256 --password-file word --json
json 'r["type"]' p256
touch none && chmod 600 none
run 2 keygen -o empty --password-file none

# A manifest and its signature.
run 0 hash copy --format manifest --origin "$origin" --revision 2 --expires 2099-01-01 -o m2.json
run 0 sign m2.json --key a.key
[[ -e m2.json.sig ]] || complain 'no m2.json.sig'
grep -qx 'origin my-org/tiny' m2.json.sig || complain 'the origin is not signed'
grep -qx 'version 2' m2.json.sig || complain 'the version is not signed'
grep -qx 'issued -' m2.json.sig || complain 'a time was written'
cp m2.json.sig first.sig
run 2 sign m2.json --key a.key
run 0 sign m2.json --key a.key --force
cmp -s m2.json.sig first.sig || complain 'the same key and statement give another signature'
run 2 sign m2.json --key a.key --origin other/model -o other.sig
err_has 'says otherwise'

# Nobody trusts it yet.
run 0 verify copy --against m2.json
verdict matches
err_is_empty
out_has 'whom nobody here trusts'
run 6 verify copy --against m2.json --require-signature
run 6 verify copy --against m2.json --key thief.pub

# By a key that was named: the files, and the same weights in another container.
run 0 verify copy --against m2.json --key a.pub
verdict authentic
out_has 'signed by'
run 0 verify "$gguf" --against m2.json --key a.pub --json
json 'r["verdict"], r["exit_code"], [s["origin"] for s in r["sources"][0]["signatures"]]' "('authentic', 0, ['my-org/tiny'])"
# The signature alone names the weights.
run 0 verify "$gguf" --against m2.json.sig --key a.pub
verdict authentic
run 1 verify "$fixtures/gguf/tiny-Q8_0.gguf" --against m2.json.sig --key a.pub
# A changed copy is a mismatch, whoever signed.
cp -r copy changed
printf x | dd of=changed/config.json bs=1 seek=3 conv=notrunc status=none
run 1 verify changed --against m2.json --key a.pub

# A changed manifest, a changed text, a signature of something else.
sed 's/"version":2/"version":3/' m2.json >forged.json && cp m2.json.sig forged.json.sig
run 6 verify copy --against forged.json --key a.pub
sed 's/^version 2$/version 3/' m2.json.sig >forged.sig
run 6 verify copy --against m2.json --signature forged.sig --key a.pub
err_has 'says other things'
sed 's/^issued -$/issued 1/' m2.json.sig >forged.sig
run 6 verify copy --against m2.json --signature forged.sig --key a.pub
err_has 'does not hold'
: >empty.sig
run 6 verify copy --against m2.json --signature empty.sig --key a.pub

# Trust that stays.
run 0 trust list
out_has 'nothing is trusted'
run 0 trust add a.pub "$origin"
run 0 verify copy --against m2.json
verdict authentic
out_has "for $origin"
run 0 verify copy --against m2.json --origin "$origin"
verdict authentic
run 6 verify copy --against m2.json --origin my-org/other
run 0 trust list --json
json '[(o["origin"], [a["version"] for a in o["accepted"]]) for o in r["origins"]]' "[('my-org/tiny', ['2'])]"

# Older, forked, superseded.
run 0 hash copy --format manifest --origin "$origin" --revision 1 -o m1.json
run 0 sign m1.json --key a.key
run 6 verify copy --against m1.json
err_has 'older than version 2'
run 0 verify copy --against m1.json --allow-rollback 'to compare'
verdict authentic
run 0 trust history "$origin"
out_has 'rollback-allowed' 'to compare' 'refused'
cp -r copy twin && echo more >twin/extra.txt
run 0 hash twin --format manifest --origin "$origin" --revision 2 -o twin.json
run 0 sign twin.json --key a.key
run 6 verify twin --against twin.json
err_has 'two statements of version 2'
run 0 hash copy --format manifest --origin "$origin" --revision 3 --previous m2.json -o m3.json
run 0 sign m3.json --key a.key
run 0 verify copy --against m3.json
run 6 verify copy --against m2.json
run 0 verify copy --against m2.json --at-rest
verdict authentic
run 0 hash copy --format manifest --origin "$origin" --revision 4 --previous m1.json -o fork.json
run 0 sign fork.json --key a.key
run 6 verify copy --against fork.json
err_has follows
# Expired.
run 0 hash copy --format manifest --origin "$origin" --revision 5 --expires 2020-01-01 -o old.json
run 0 sign old.json --key a.key
run 6 verify copy --against old.json
err_has expired
run 6 verify copy --against old.json --key a.pub
# Mix and match: files of one release and of another are neither.
mkdir mixed && cp copy/* mixed && cp twin/extra.txt mixed && sed -i 's/1/2/' mixed/config.json
run 1 verify mixed --against m3.json

# Keys that were replaced, not revoked: what was accepted stays right at rest.
run 0 trust forget "$origin"
run 0 trust root a.pub --origin "$origin" -o r1.json
run 0 sign r1.json --key a.key
run 0 trust pin r1.json --first-use
run 0 verify copy --against m3.json
run 0 trust root b.pub --after r1.json -o r2.json
run 0 sign r2.json --key a.key
run 0 sign r2.json --key b.key --add
run 0 trust rotate r2.json
run 6 verify copy --against m3.json
run 0 verify copy --against m3.json --at-rest
run 6 verify copy --against m1.json --at-rest
run 0 trust forget "$origin"
run 0 trust add a.pub "$origin"

# A key that is believed no more.
run 0 trust revoke "$origin" a --reason stolen
run 6 verify copy --against m3.json
err_has revoked
run 0 trust forget "$origin"
run 3 trust forget "$origin"
run 3 trust history "$origin"

# A root: two of three, and the next one signed by both.
run 0 trust root a.pub b.pub c.pub --threshold 2 --origin "$origin" -o root1.json
run 0 sign root1.json --key a.key
run 6 trust pin root1.json --first-use
run 0 sign root1.json --key b.key --add
digest=sha256:$(sha256sum root1.json | cut -d' ' -f1)
run 2 trust pin root1.json
run 6 trust pin root1.json --digest "sha256:$(sha256sum word | cut -d' ' -f1)"
run 0 trust pin root1.json --digest "$digest"
run 2 trust add thief.pub "$origin"
run 6 verify copy --against m2.json
err_has 'signed by 1'
run 0 sign m2.json --key c.key --add
run 0 verify copy --against m2.json
verdict authentic
run 0 trust root c.pub --after root1.json -o root2.json
run 0 sign root2.json --key c.key
run 0 sign root2.json --key thief.key --add
run 6 trust rotate root2.json
run 0 sign root2.json --key b.key --add
run 0 trust rotate root2.json
run 0 trust list
out_has 'root 2'
run 0 verify copy --against m2.json

# What cannot be read is not taken for empty.
state=$(find "$scratch/state" -name "*.trust.json")
cp "$state" kept && echo '{' >"$state"
run 6 verify copy --against m2.json
run 6 trust list
cp kept "$state"
chmod 666 "$state"
run 6 trust list
chmod 600 "$state"
run 0 trust forget "$origin"

# Lists of others, signed as others sign.
(cd copy && sha256sum -- * >../SHA256SUMS)
run 0 verify copy --against SHA256SUMS --json
json 'r["verdict"]' matches
run 6 verify copy --against SHA256SUMS --key a.pub
for form in minisign signify ssh; do
  run 0 sign SHA256SUMS --key a.key --format "$form" -o "sums.$form"
  run 0 verify copy --against SHA256SUMS --signature "sums.$form" --key a.pub
  verdict authentic
  run 6 verify copy --against SHA256SUMS --signature "sums.$form" --key b.pub
done
run 0 sign SHA256SUMS --key a.key --time 2026-01-02 --revision 7
grep -q "^trusted comment: timestamp:1767312000.*sha256:$(sha256sum SHA256SUMS | cut -d' ' -f1).*version:7" SHA256SUMS.minisig ||
  complain 'the trusted comment does not bind digest and version'
run 0 verify copy --against SHA256SUMS --key a.pub
verdict authentic
cp SHA256SUMS other-name && cp SHA256SUMS.minisig other-name.minisig
run 6 verify copy --against other-name --key a.pub
cp SHA256SUMS.minisig keep.minisig && echo >>SHA256SUMS
run 6 verify copy --against SHA256SUMS --key a.pub
run 0 trust add a.pub lists/tiny
run 6 verify copy --against SHA256SUMS
run 0 trust forget lists/tiny

# Whoever is named for a run is the only one that is believed.
run 0 trust add a.pub "$origin"
run 6 verify copy --against m3.json --key thief.pub
run 0 sign m3.json --key a.key --format minisign
mv m3.json.sig m3.kept
run 0 verify copy --against m3.json
verdict matches
run 6 verify copy --against m3.json --require-signature
run 0 verify copy --against m3.json --key a.pub
verdict authentic
mv m3.kept m3.json.sig
run 0 trust forget "$origin"
# What lies beside a list and is no signature does not stop those who asked for none.
head -c 3000000 /dev/zero >SHA256SUMS.sig
run 0 verify copy --against SHA256SUMS
rm SHA256SUMS.sig
run 2 sign m3.json --key b.key -o m3.json --force
run 2 sign m3.json --key b.key -o b.key --force

# A recipe proves the files that it makes, and nothing of tensors in none of them.
meta=$fixtures/meta-llama2-bf16
run 0 recipe "$meta" -o meta.recipe
(cd "$meta" && sha256sum -- *.pth) >all.sums
(cd "$meta" && sha256sum consolidated.00.pth) >few.sums
for list in all few; do run 0 sign "$list.sums" --key a.key; done
run 0 verify "$gguf" --against all.sums --recipe meta.recipe --key a.pub
verdict authentic
run 3 verify "$gguf" --against few.sums --recipe meta.recipe --key a.pub
verdict partial
"$hallmark" verify "$gguf" --against few.sums --recipe meta.recipe --key a.pub --include '*.pth' >included || true
grep -q '^partial' included || complain 'a part of the tensors is authentic with --include'
# A manifest with its signature is found beside the copy.
mkdir found && cp "$gguf" found/model.gguf
run 0 hash found/model.gguf --format manifest -o found/model.json
run 0 sign found/model.json --key a.key
run 0 verify found/model.gguf --key a.pub
verdict authentic

# OpenBSD's list inside its signature.
run 0 sign m3.json --key a.key --format sha256sig -o SHA256.sig
run 0 verify copy --against SHA256.sig --key a.pub
verdict authentic
sed 's/= ../= 00/' SHA256.sig >forged.list
run 6 verify copy --against forged.list --key a.pub

# A model signature, from the directory and from a manifest.
run 0 sign copy --key p.key --password-file word --format oms -o copy.sig
run 0 verify copy --against copy.sig --key p.pub
verdict authentic
run 0 sign m3.json --key p.key --password-file word --format oms -o from-manifest.sig
run 0 verify copy --against from-manifest.sig --key p.pub
verdict authentic
run 6 verify copy --against copy.sig --key a.pub
run 1 verify changed --against copy.sig --key p.pub
# It lists all there is: what else is there must not be, in whatever way it is asked.
cp -r copy more && echo evil >more/modeling.py
run 1 verify more --against copy.sig --key p.pub
out_has 'forbidden  modeling.py'
run 1 verify more --against copy.sig --key p.pub --weights-only
run 0 verify more --against copy.sig --key p.pub --include '*.json'
run 1 verify more --against copy.sig --key p.pub --include '*.py'
for part in 1 2; do "$hallmark" verify more --against copy.sig --key p.pub --part "$part/2" --json -q >"part$part" || true; done
run 1 merge-reports part1 part2
run 0 verify more --against copy.sig --key p.pub --ignore modeling.py
out_has 'left out of what is signed'
run 0 verify more --against copy.sig --key p.pub --ignore-unsigned-files
mkdir linked && (cd linked && ln -s ../copy/* .)
run 1 verify linked --against copy.sig --key p.pub
run 2 sign linked --key p.key --password-file word --format oms -o linked.sig
# A signature that names a trusted key and does not hold.
run 0 trust add p.pub oms/tiny
python3 - <<'P'
import json
bundle = json.load(open("copy.sig"))
one = bundle["dsseEnvelope"]["signatures"][0]
one["sig"] = one["sig"][:40] + ("A" if one["sig"][40] != "A" else "B") + one["sig"][41:]
json.dump(bundle, open("damaged.sig", "w"))
P
run 6 verify copy --against damaged.sig
run 0 trust forget oms/tiny
run 0 sign copy --key p.key --password-file word --format oms --shard-size 64KiB -o shards.sig
run 0 verify copy --against shards.sig --key p.pub
verdict authentic

# How a copy was made: signed receipts lead from a quantised copy back to the official manifest.
run 0 convert copy --to gguf --quant Q8_0 --without-tokenizer -o step1.gguf
run 0 convert step1.gguf --to gguf --quant Q4_0 --requantize --without-tokenizer -o step2.gguf
run 1 verify step2.gguf --against m3.json --key a.pub
for step in 1 2; do run 0 sign "step$step.gguf.receipt.json" --key b.key; done
mkdir receipts && mv ./*.receipt.json ./*.receipt.json.sig receipts
run 0 verify step2.gguf --against m3.json --key a.pub --key b.pub --provenance receipts --json
json 'r["verdict"], [(p["relation"], [s["signer"] for s in p["signatures"]]) for p in r["provenance"]]' \
  "('authentic', [('quantised', ['b.pub']), ('quantised', ['b.pub'])])"
run 0 verify step2.gguf --against m3.json --key a.pub --key b.pub --provenance receipts
out_has 'made from m3.json' 'quantised'
# A receipt that nobody trusted signed shows nothing; one of another copy neither.
run 1 verify step2.gguf --against m3.json --key a.pub --provenance receipts
out_has 'none of its receipts is signed by somebody trusted'
run 1 verify step2.gguf --against m3.json --key a.pub --key b.pub --provenance receipts/step1.gguf.receipt.json
out_has 'no receipt that is signed by somebody trusted is of it'
run 1 verify step2.gguf --against m3.json --key a.pub --key b.pub --provenance receipts/step2.gguf.receipt.json
out_has 'do not lead back to the source'
sed -i 's/Q4_0/Q8_0/' receipts/step2.gguf.receipt.json
run 1 verify step2.gguf --against m3.json --key a.pub --key b.pub --provenance receipts
run 2 verify step2.gguf --key a.pub --provenance receipts
run 2 verify step2.gguf --against m3.json --against SHA256SUMS --key a.pub --provenance receipts
# A receipt alone says what was written, not that it is what it should be.
run 0 verify step1.gguf --against receipts/step1.gguf.receipt.json --key b.pub
verdict matches
# What no step wrote is not vouched for.
mkdir with && cp step1.gguf with && echo evil >with/tokenizer.json
run 3 verify with --against m3.json --key a.pub --key b.pub --provenance receipts
verdict partial

# Secrets stay secret.
chmod 644 a.key
run 6 sign m3.json --key a.key -o x.sig
err_has 'chmod 600'
printf 'wrong\n' >wrong && chmod 600 wrong
run 2 sign copy --key p.key --password-file wrong --format oms -o x.sig
run 2 sign copy --key p.key --format oms -o x.sig
err_has --password-file
run 0 sign copy --key p.key --password-fd 3 --format oms -o x.sig 3<word
run 2 sign copy --key b.key --format minisign
run 2 sign m3.json --key b.key --shard-size 1MB -o y.sig

finish
