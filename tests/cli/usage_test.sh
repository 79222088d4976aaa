#!/usr/bin/env bash
# A command line that makes no sense is told so, with the nearest thing that does.
# shellcheck source-path=SCRIPTDIR source=support.sh
source "$(dirname "$0")/support.sh"

run 2
err_has 'usage: hallmark VERB' verify
out_is_empty
run 0 --help
out_has verify identify inspect 'exit status' 130
err_is_empty
for verb in verify identify id inspect hash catalogue completion version; do
  run 0 "$verb" --help
  out_has "hallmark $verb" 'usage: '
  cp "$scratch/out" "$scratch/help"
  run 0 help "$verb"
  cmp -s "$scratch/out" "$scratch/help" || complain "help $verb differs from $verb --help"
done

run 2 verfiy model
err_has 'hallmark: error: verfiy: unknown verb' 'hallmark: hint: did you mean verify?'
run 2 verify --agianst list model
err_has 'hallmark: error: verify: unknown option --agianst' 'did you mean --against?'
run 2 inspect
err_has 'MODEL is missing'
run 2 verify model --weights-only --no-weights
run 2 hash --algo sha257 x
err_has 'did you mean sha256?'
run 2 hash --algo md5,sha256 --format gnu x
err_has 'one algorithm'
run 2 hash --algo tree --format gnu x
out_is_empty

run 0 version
out_has 'hallmark '
cp "$scratch/out" "$scratch/version"
run 0 --version
cmp -s "$scratch/out" "$scratch/version" || complain '--version differs from version'
run 0 version --json
json 'r["schema"] + " " + r["verb"]' 'hallmark.report/1 version'

# Who asks for JSON gets JSON, whatever else was asked.
run 2 verify model --bogus --json
json 'r["exit_code"], r["error"]["code"]' "(2, 'usage')"
run 2 verify --json
json 'r["exit_code"]' 2
finish
