#!/usr/bin/env bash
# Every C++ file is as clang-format-16 writes it; scripts/format mends it.
set -euo pipefail
cd "$(dirname "$0")/../.."
command -v clang-format-16 >/dev/null || { echo "skipped: no clang-format-16" >&2; exit 77; }
git ls-files -z --cached --others --exclude-standard '*.h' '*.cc' | sort -zu |
  while IFS= read -r -d '' file; do [[ ! -f $file ]] || printf '%s\0' "$file"; done |
  xargs -0 -n 32 -P "$(nproc)" clang-format-16 --dry-run --Werror ||
  { echo "run: scripts/format"; exit 1; }
