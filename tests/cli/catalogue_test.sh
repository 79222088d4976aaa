#!/usr/bin/env bash
# The book of known checksums: what is built in, and a user's own entries.
# shellcheck source-path=SCRIPTDIR source=support.sh
source "$(dirname "$0")/support.sh"

run 0 catalogue list
out_has llama-1/7B
run 0 catalogue list --json
json 'sorted({e["built_in"] for e in r["entries"]}), "llama-1/7B" in [e["id"] for e in r["entries"]]' \
  '([True], True)'
run 0 catalogue show llama-1/7B
# docs: Meta's own md5 of consolidated.00.pth.
out_has md5:6efc8dab194ab59e49cd24be5574d85e 'not attackers' publisher
run 0 catalogue show catalogue:llama-1/7B --json
json 'r["entry"]["id"]' llama-1/7B
run 3 catalogue show llama-1/8B
err_has 'hallmark: hint: '

cp -r "$fixtures/meta-llama2-bf16" model
run 0 catalogue add model my-org/tiny --publisher 'My Org'
run 0 catalogue show my-org/tiny
out_has hm1:f002385abf1bde44ed161deb1aa760168242ff88844c4a9c9e9a6781181f17ee 'My Org'
run 0 catalogue add model my-org/tiny
out_has 'nothing new'
run 0 catalogue add model my-org/tiny --witness alice
run 0 catalogue show my-org/tiny
out_has 'your own copy, alice' 'witnesses: your own copy, alice)'
run 0 verify model --against catalogue:my-org/tiny
run 0 verify "$fixtures/hf-bin" --against catalogue:my-org/tiny
[[ $(head -1 "$scratch/out") == same-weights:* ]] || complain 'a mirror against the catalogue'
out_has 'the weight identity is the word of'
run 0 identify "$fixtures/hf-bin"
out_has my-org/tiny

# Handed on to somebody else.
run 0 catalogue export my-org/tiny -o entry.json
XDG_DATA_HOME=$scratch/other run 0 catalogue import entry.json
XDG_DATA_HOME=$scratch/other run 0 verify model --against catalogue:my-org/tiny
XDG_DATA_HOME=$scratch/other run 0 catalogue import entry.json --force
XDG_DATA_HOME=$scratch/other run 0 catalogue remove catalogue:my-org/tiny
XDG_DATA_HOME=$scratch/other run 3 verify model --against catalogue:my-org/tiny
run 2 catalogue remove llama-1/7B

# Who says otherwise is refused, or both are kept and said wherever it counts.
cp -r model other
echo '{}' >other/params.json
run 2 catalogue add other my-org/tiny --witness bob
err_has params.json --dissent
run 0 catalogue add other my-org/tiny --witness bob --dissent
run 0 catalogue list
grep -q 'my-org/tiny.*disputed' "$scratch/out" || complain 'the list hides a dispute'
run 1 verify model --against catalogue:my-org/tiny --json
json '{(f["code"], f["subject"]) for f in r["findings"] if f["severity"] == "warning"}' \
  "{('witnesses-disagree', 'params.json')}"
run 0 identify model --json
json '"bob" in [f["message"] for f in r["findings"] if f["code"] == "witnesses-disagree"][0]' True
run 0 catalogue remove my-org/tiny

# An imported word confirms or contradicts; it adds nothing, and is one person's.
python3 - <<'P'
import json
def word(name, model_id, files, **more):
    json.dump({"schema": "hallmark.catalogue/1", "family": "x", "models": [
        {"id": model_id, "model": "x", "complete": True, "files": files, **more}]}, open(name, "w"))
def said(value):
    return {"value": value, "claim": "publisher", "witnesses": [], "further_witnesses": 40}
# The public digest of llama-1/7B's params.json, and the weights of a small model.
word("weights.json", "llama-1/7B", [{"path": "params.json", "digests": {"sha256": said(
    "7e89e242ddc0dd6f060b43ca219ce8b3e8f08959a72cb3c0855df8bb04d46265")}}],
    weights=said("hm1:f002385abf1bde44ed161deb1aa760168242ff88844c4a9c9e9a6781181f17ee"))
# The sha256 of no bytes.
word("empty.json", "whisper/tiny", [{"path": "tiny.pt", "digests": {"sha256": said(
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")}}])
P
run 0 catalogue import weights.json --witness mallory
err_has 'left out' hm1:f002385abf1bde44ed161deb1aa760168242ff88844c4a9c9e9a6781181f17ee
run 0 catalogue show llama-1/7B --json
json '"weights" in r["entry"], [d["witnesses"][-1] for f in r["entry"]["files"] for d in f["digests"]
  if d["digest"].startswith("sha256:7e89")]' "(False, ['mallory'])"
run 3 verify "$fixtures/hf-bin" --against catalogue:llama-1/7B
run 0 catalogue remove llama-1/7B
run 2 catalogue import empty.json
run 0 catalogue import empty.json --dissent
run 0 catalogue show whisper/tiny
out_has 'community, 1 witness' 'witnesses disagree'
! grep -q '""' "$scratch/out" || complain 'a witness without a name is shown as an empty one'
: >tiny.pt
run 1 identify tiny.pt --json
json 'r["verdict"], r["models"][0]["files_disputed"]' "('near-miss', ['tiny.pt'])"
run 0 catalogue remove whisper/tiny
run 0 catalogue import entry.json
run 0 catalogue import entry.json
out_has 'nothing new'
run 0 catalogue remove my-org/tiny

# A manifest is as good as the files.
run 0 hash model --format manifest -o manifest.json
run 0 catalogue add manifest.json my-org/from-manifest
run 0 verify model --against catalogue:my-org/from-manifest
run 2 catalogue add model
err_has 'ID is missing'
python3 - <<'P'
import json
manifest = json.load(open("manifest.json"))
manifest["origin"] = "my-org/by-origin"
json.dump(manifest, open("origin.json", "w"))
P
run 0 catalogue add origin.json
run 0 verify model --against catalogue:my-org/by-origin
run 2 catalogue add model llama-1/7B
echo '{"schema":"hallmark.catalogue/1"' >broken.json
run 4 catalogue import broken.json
finish
