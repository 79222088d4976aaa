#!/usr/bin/env bash
# Completion scripts are sound, and bash's completes as it should.
# shellcheck source-path=SCRIPTDIR source=support.sh
source "$(dirname "$0")/support.sh"

run 2 completion tcsh
for shell in bash zsh fish; do
  run 0 completion "$shell"
  cp "$scratch/out" "$scratch/completion.$shell"
  out_has verify against catalogue
  if ! command -v "$shell" >/dev/null; then
    complain "$shell is not installed: scripts/setup does it"
    continue
  fi
  "$shell" -n "$scratch/completion.$shell" || complain "$shell refuses its script"
done

# complete WORD…: what is offered for the last word.
complete_words() {
  bash -c 'source "$1"; shift
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
compopt() { :; }
_hallmark
printf "%s\n" "${COMPREPLY[@]}"' - "$scratch/completion.bash" "$@"
}
offers() {
  local expected=$1
  shift
  local got
  got=$(complete_words "$@" | tr '\n' ' ')
  [[ $got == "$expected " ]] || complain "completing $*: $got, expected $expected"
}
offers 'verify version' hallmark ver
offers 'export' hallmark catalogue ex
offers '--against' hallmark verify dir --ag
offers 'auto always' hallmark verify dir --color a
offers 'bash' hallmark completion b
touch model.gguf
offers 'model.gguf' hallmark inspect mo
offers 'model.gguf' hallmark verify x --against mo
touch 'my model.gguf'
offers 'my model.gguf' hallmark inspect my
offers '--force' hallmark catalogue import --f
if command -v fish >/dev/null; then
  got=$(fish -c "source $scratch/completion.fish; complete -C 'hallmark catalogue ex'" 2>&1)
  [[ $got == export* ]] || complain "fish completes hallmark catalogue ex: $got"
  got=$(fish -c "source $scratch/completion.fish; complete -C 'hallmark verify --agai'" 2>&1)
  [[ $got == --against* ]] || complain "fish completes hallmark verify --agai: $got"
fi
finish
