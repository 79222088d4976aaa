#!/usr/bin/env bash
# Every C++ file is as clang-format-16 writes it; scripts/format mends it.
set -euo pipefail
cd "$(dirname "$0")/../.."
command -v clang-format-16 >/dev/null || { echo "skipped: no clang-format-16" >&2; exit 77; }
checked=0
unformatted=()
while IFS= read -r file; do
  [[ -f $file ]] || continue
  checked=$((checked + 1))
  clang-format-16 "$file" | cmp -s - "$file" || unformatted+=("$file")
done < <(git ls-files --cached --others --exclude-standard '*.h' '*.cc' | sort -u)
echo "$checked files, ${#unformatted[@]} not formatted"
if ((${#unformatted[@]})); then
  printf '  %s\n' "${unformatted[@]}" 'run: scripts/format'
  exit 1
fi
