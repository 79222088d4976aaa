#!/usr/bin/env bash
# Colour, progress, pipes and signals.
# shellcheck source-path=SCRIPTDIR source=support.sh
source "$(dirname "$0")/support.sh"

cp -r "$fixtures/meta-llama2-bf16" copy
(cd copy && sha256sum -- *.pth >"$scratch/list")
escape=$'\x1b'

# No escape codes in a pipe, unless asked for; NO_COLOR is about colour on a terminal.
run 0 verify copy --against "$scratch/list" --include '*.pth'
! grep -q "$escape" "$scratch/out" "$scratch/err" || complain 'escape codes in a pipe'
run 0 verify copy --against "$scratch/list" --include '*.pth' --color always
grep -q "$escape" "$scratch/out" || complain '--color always has no colour'

# pty COMMAND…: runs it on a terminal; what it showed is kept in $scratch/out.
pty() {
  command_line="on a terminal: $*"
  python3 -c '
import os, pty, sys
status = pty.spawn(sys.argv[1:], stdin_read=lambda fd: b"")
sys.exit(os.waitstatus_to_exitcode(status))' "$@" >"$scratch/out" </dev/null
}
pty "$hallmark" verify copy --against "$scratch/list" --include '*.pth' || complain 'on a terminal: it failed'
grep -q "${escape}\[1;32mmatches" "$scratch/out" || complain 'no colour on a terminal'
NO_COLOR=1 pty "$hallmark" verify copy --against "$scratch/list" --include '*.pth'
! grep -q "$escape" "$scratch/out" || complain 'NO_COLOR is not honoured'
TERM=dumb pty "$hallmark" verify copy --against "$scratch/list" --include '*.pth'
! grep -q "$escape" "$scratch/out" || complain 'escape codes on a dumb terminal'
pty "$hallmark" verify copy --against "$scratch/list" --include '*.pth' --color never
! grep -q "$escape" "$scratch/out" || complain '--color never is not honoured'
# A name that hashes fine in a list for machines must not upset a terminal.
name="evil${escape}[31m"
echo x >"$name"
pty "$hallmark" hash "$name" --color never
! grep -q "$escape" "$scratch/out" || complain 'a raw name on a terminal'
rm "$name"

# A reader that goes away is no error; a full disk is one.
"$hallmark" inspect copy --tensors 2>"$scratch/err" | head -1 >"$scratch/out"
[[ ${PIPESTATUS[0]} == 0 && ! -s $scratch/err ]] || complain 'a closed pipe'
status=0
"$hallmark" inspect copy >/dev/full 2>"$scratch/err" || status=$?
[[ $status == 3 ]] || complain "a full disk gives $status"
command_line='hallmark inspect >/dev/full'
err_has 'standard output'

# Ctrl-C: 130, said in one line, nothing left behind. The file is sparse and takes long to hash.
truncate -s 100G huge
for signal in INT TERM; do
  "$hallmark" hash --algo sha512 --progress never huge copy -o list >"$scratch/out" 2>"$scratch/err" &
  process=$!
  sleep 1
  kill -s "$signal" $process
  status=0
  wait $process || status=$?
  command_line="hallmark hash, stopped by SIG$signal"
  [[ $status == 130 ]] || complain "$command_line: exit status $status"
  out_is_empty
  err_has 'hallmark: error: '
  only copy huge
done

# Progress: a bar on a terminal, only if there is time to see it; none with --quiet or never.
bar() {
  pty timeout -s INT 3 "$hallmark" hash huge "$@" || true
}
bar
out_has 'hashing' '%' '/s'
! grep -q "$escape" "$scratch/out" || complain 'the bar has escape codes'
bar --quiet
out_lacks hashing
bar --progress never
out_lacks hashing
finish
