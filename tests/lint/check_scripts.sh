#!/usr/bin/env bash
# Every shell script passes shellcheck and can be run.
set -euo pipefail
cd "$(dirname "$0")/../.."
command -v shellcheck >/dev/null || { echo "skipped: no shellcheck" >&2; exit 77; }
scripts=()
while IFS= read -r file; do
  [[ -f $file ]] || continue
  head -c 64 "$file" | head -n 1 | grep -qaE '^#!.*\b(ba)?sh$' || continue
  scripts+=("$file")
  [[ -x $file || $file == *.sh ]] || { echo "$file: not executable"; exit 1; }
done < <(git ls-files --cached --others --exclude-standard -- scripts .ci demo tests bench | sort -u)
shellcheck -x "${scripts[@]}"
echo "${#scripts[@]} scripts"
