#!/usr/bin/env bash
# Every JSON report, manifest and receipt is what docs/schemas says, and holds no key that it does not
# describe. peer/schemas_peer asks jsonschema, which knows all of the schemas' words.
# shellcheck source-path=SCRIPTDIR source=support.sh
source "$(dirname "$0")/support.sh"

# conforms SCHEMA [line [last]]: the last run's output, or each of its lines as an item of `line`;
# with `last` the last line is the report.
conforms() {
  python3 - "$root/docs/schemas/$1.schema.json" "$scratch/out" "${2-}" "${3-}" <<'P' || complain "$command_line: not what $1.schema.json says"
import json, re, sys
schema = json.load(open(sys.argv[1]))
def fail(path, why):
    sys.exit(f"{path}: {why}")
def check(rule, value, path):
    if "$ref" in rule:
        rule = schema["$defs"][rule["$ref"].split("/")[-1]]
    if "const" in rule and value != rule["const"]:
        fail(path, f"{value!r} is not {rule['const']!r}")
    if "enum" in rule and value not in rule["enum"]:
        fail(path, f"{value!r} is not one of {rule['enum']}")
    kinds = {"string": str, "integer": int, "boolean": bool, "object": dict, "array": list,
             "number": (int, float), "null": type(None)}
    if "type" in rule:
        names = rule["type"] if isinstance(rule["type"], list) else [rule["type"]]
        if not any(isinstance(value, kinds[n]) and (n == "boolean") == isinstance(value, bool) for n in names):
            fail(path, f"{value!r} is no {names}")
    if "minimum" in rule and value < rule["minimum"]:
        fail(path, f"{value} is below {rule['minimum']}")
    if "pattern" in rule and isinstance(value, str) and not re.search(rule["pattern"], value):
        fail(path, f"{value!r} does not match")
    if "items" in rule:
        for i, item in enumerate(value):
            check(rule["items"], item, f"{path}[{i}]")
    if "properties" in rule:
        known = rule["properties"]
        for key in rule.get("required", []):
            if key not in value:
                fail(path, f"{key} is missing")
        for key in value:
            if key not in known:
                fail(path, f"{key} is not described")
            check(known[key], value[key], f"{path}.{key}")
        order = [key for key in known if key in value]
        if order != list(value):
            fail(path, f"keys in the order {list(value)}")
text = open(sys.argv[2]).read()
if sys.argv[3]:
    rule = schema["properties"][sys.argv[3]]["items"]
    lines = text.splitlines()
    if not lines:
        fail("report", "no lines")
    if sys.argv[4]:
        last = json.loads(lines.pop())
        check(schema, last, "last")
        if last["records"] != len(lines):
            fail("last", "counts other records")
    for line in lines:
        check(rule, json.loads(line), sys.argv[3])
else:
    check(schema, json.loads(text), "report")
P
}

cp -r "$fixtures/meta-llama2-bf16" model
rm model/checklist.chk
(cd model && sha256sum -- * >"$scratch/list")
run 0 version --json
conforms report-version
run 3 hash --json model missing
conforms report-hash
run 0 hash --json-lines model
conforms report-hash files last
run 3 inspect --json missing
conforms report-error
run 0 hash model --format manifest -o "$scratch/manifest.json"
for file in meta-llama2-bf16 hf-safetensors-sharded gguf gguf/tiny-Q4_0.gguf edge; do
  run 0 hash "$fixtures/$file" --format manifest
  conforms manifest
done
for file in meta-llama2-bf16 hf-safetensors-sharded gguf/kv-zoo.gguf gguf/tiny-Q4_0.gguf gguf-split edge/edge.safetensors; do
  run 0 inspect --json --tensors "$fixtures/$file"
  conforms report-inspect
  run 0 inspect --json-lines "$fixtures/$file"
  conforms report-inspect tensors last
done
run 0 id --json --layers --tensors model
conforms report-id
run 0 id --json-lines model
conforms report-id models last
run 3 id --json --layers model missing --part 1/1
conforms report-id
run 0 pack model -o "$scratch/model.hmz" --base "$fixtures/hf-bin" --json
conforms report-pack
run 0 unpack "$scratch/model.hmz" -o "$scratch/unpacked" --json
conforms report-unpack
run 0 convert model --to safetensors -o "$scratch/hub/" --json
conforms report-convert
run 0 convert "$fixtures/edge/edge.safetensors" --to safetensors --dtype f16 -o "$scratch/rounded.safetensors" --json
conforms report-convert
run 0 convert "$fixtures/gguf/k256-f16.gguf" --to gguf --quant Q2_K -o "$scratch/quantised.gguf" --json
conforms report-convert
for receipt in "$scratch"/*.receipt.json; do
  command_line=$receipt
  cp "$receipt" "$scratch/out"
  conforms receipt
done
run 0 recipe model -o "$scratch/model.recipe" --json
conforms report-recipe
command_line=model.recipe
cp "$scratch/model.recipe" "$scratch/out"
conforms recipe
run 0 rebuild "$scratch/model.recipe" --from "$fixtures/gguf/tiny-f32.gguf" -o "$scratch/rebuilt" --json
conforms report-rebuild
run 0 verify "$fixtures/hf-bin" --against "$scratch/list" --recipe "$scratch/model.recipe" --include '*.pth' --json
conforms report-verify
run 0 verify model --against "$scratch/list" --json
conforms report-verify
run 0 verify model --against "$scratch/list" --json-lines
conforms report-verify files last
run 0 verify "$fixtures/hf-bin" --against "$scratch/manifest.json" --json
conforms report-verify
run 0 verify model --against "$scratch/manifest.json" --sample 1/2 --part 1/1 --json
conforms report-verify
cp "$scratch/out" part.json
run 0 merge-reports part.json --json
conforms report-verify
for _ in 1 2; do
  run 0 hash --cached --json model "$scratch/list"
  conforms report-hash
  run 0 hash --cached --json-lines model "$scratch/list"
  conforms report-hash files last
  run 0 verify model --against "$scratch/list" --cached --json
  conforms report-verify
  run 0 verify model --against "$scratch/list" --cached --json-lines
  conforms report-verify files last
  run 1 identify model --cached --json
  conforms report-identify
  sleep 2.1 # younger files are not remembered
done
run 3 verify missing --against "$scratch/list" --json-lines
conforms report-error
cp -r model tampered
printf 'xxxx' | dd of=tampered/consolidated.00.pth bs=1 seek=20000 conv=notrunc status=none
rm tampered/consolidated.01.pth
for source in "$scratch/list" "$scratch/manifest.json" model; do
  run 1 verify tampered --against "$source" --json
  conforms report-verify
done
run 1 verify "$fixtures/gguf/tiny-Q4_0.gguf" --against model --json
conforms report-verify
run 1 diff "$fixtures/hf-safetensors-f32" "$fixtures/gguf/tiny-Q4_0.gguf" --ulps --explain --json
conforms report-diff
run 3 diff model "$fixtures/hf-bin" --json
conforms report-diff
run 1 diff "$fixtures/gguf/k256-f16.gguf" "$fixtures/gguf/k256-Q4_K_M.gguf" --json-lines
conforms report-diff tensors last
run 0 diff "$scratch/manifest.json" "$fixtures/hf-bin" --json
conforms report-diff
run 0 derive "$fixtures/gguf/tiny-f16.gguf" --from model --json
conforms report-derive
run 0 derive "$fixtures/gguf/k256-Q6_K.gguf" --from "$fixtures/gguf/k256-f16.gguf" --json
conforms report-derive
run 0 derive "$fixtures/gguf/k256-Q6_K.gguf" --from "$fixtures/gguf/k256-f16.gguf" -o "$scratch/derivation.json"
cp "$scratch/derivation.json" "$scratch/out"
conforms receipt
run 1 derive "$fixtures/gguf/k256-Q6_K.gguf" --from model --json
conforms report-derive
cp -r model damaged
big=$(find damaged -type f -printf "%s %p\n" | sort -rn | head -1 | cut -d" " -f2)
printf 'damaged' | dd of="$big" bs=1 seek=70000 conv=notrunc status=none
run 1 repair damaged --against model --json
conforms report-repair
run 3 repair damaged --against "$scratch/manifest.json" --json
conforms report-repair
run 0 repair damaged --against "$scratch/manifest.json" --from model -o mended --json
conforms report-repair
run 1 identify model --json
conforms report-identify
run 0 catalogue add model my-org/tiny
run 0 identify "$fixtures/hf-bin" --json
conforms report-identify
run 1 identify "$fixtures/gguf/tiny-Q4_0.gguf" --json
conforms report-identify
run 0 catalogue list --json
conforms report-catalogue
run 0 catalogue show llama-1/7B --json
conforms report-catalogue
finish
