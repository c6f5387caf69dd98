#!/usr/bin/env bash
# usage: tests/real/five_minutes.sh     The same five minutes with atsaf, DVC and Snakemake, as docs/first-five-minutes.md tells.
#
# Prints the CPU time that each step took, which other work on the machine changes little, and fails where a tool does not
# do what the page says of it. `ATSAF=path` names a program that is built already.
# shellcheck source-path=SCRIPTDIR
source "$(dirname "$0")/common.sh"
export HOME=$work DVC_NO_ANALYTICS=1 LC_ALL=C.UTF-8

step "DVC and Snakemake"
dvc=$(venv five-minutes-dvc "$here/five-minutes-dvc.txt")
snakemake=$(venv five-minutes-snakemake "$here/five-minutes-snakemake.txt")
mkdir "$work/bin"
ln -s "$atsaf" "$work/bin/atsaf"
for tool in atsaf dvc snakemake; do
  cp -r "$root/examples/five-minutes" "$work/$tool"
  rm -rf "$work/$tool/.atsaf" "$work/$tool/out"
done
rm -f "$work/dvc/Atsaffile" "$work/snakemake/Atsaffile"
for name in dvc snakemake; do du -smL "${!name}" | awk -v n=$name '{ print n ": " $1 " MB of packages" }'; done
du -sm "$(realpath "$atsaf")" | awk '{ print "atsaf: " $1 " MB, one file" }'

declare -A took
TIMEFORMAT='%U %S %R'
# take TOOL STEP COMMAND     Runs a line in the project of a tool; what it says is in $said, its exit code in $code
take() {
  code=0
  { time env -u VIRTUAL_ENV -C "$work/$1" PATH="$work/bin:$dvc/bin:$snakemake/bin:/usr/local/bin:/usr/bin:/bin" bash -c "$3" >"$work/said" 2>&1; } 2>"$work/time" || code=$?
  said=$(cat "$work/said")
  took[$1,$2]=$(awk '{ printf "%.2f", $1 + $2 }' "$work/time")
  printf '\n%s, %s: %s s of CPU, exit code %s\n$ %s\n%s\n' "$1" "$2" "${took[$1,$2]}" "$code" "$3" "$said"
}
# has WORDS     What was said has these words in it.
has() { case "$said" in *"$1"*) ;; *) fail "it does not say: $1" ;; esac; }
lacks() { case "$said" in *"$1"*) fail "it says: $1" ;; esac; }
rmse() { python3 -c 'import json, sys; print(round(json.load(open(sys.argv[1]))["rmse"], 4))' "$work/$1/out/metrics.json"; }
shrink() { sed -i "s/shrinkage: .*/shrinkage: $1/" "$work"/{atsaf,dvc,snakemake}/params.yaml; }

step "the first build"
take dvc begin 'dvc init --no-scm -q'
take atsaf first 'atsaf build'
take dvc first 'mkdir -p out && dvc repro'
take snakemake first 'snakemake -c1'
first=$(rmse atsaf)
for tool in dvc snakemake; do [ "$(rmse $tool)" = "$first" ] || fail "$tool has another result"; done

step "nothing to do"
take atsaf nothing 'atsaf build' && has "nothing to do"
take dvc nothing 'dvc repro' && has "up to date"
take snakemake nothing 'snakemake -c1' && has "Nothing to be done"

step "what would another value mean? (before it is set)"
take atsaf ask 'atsaf why evaluate -s fit.shrinkage=1000' && has "fit.shrinkage 100.0 -> 1000.0"

step "another value: what follows, and why?"
shrink 1000.0
take atsaf why 'atsaf why evaluate' && has "fit.shrinkage 100.0 -> 1000.0 (params.yaml:4)"
take dvc why 'dvc status' && has "fit.shrinkage"
lacks 1000.0
take snakemake why 'snakemake -n' && has "1000.0"
lacks "params.yaml:4"

step "it is built"
take atsaf build 'atsaf build' && has "2 built, 1 fresh"
take dvc build 'dvc repro' && has "didn't change, skipping"
take snakemake build 'snakemake -c1' && has "2 of 2 steps (100%) done"
for tool in dvc snakemake; do [ "$(rmse $tool)" = "$(rmse atsaf)" ] || fail "$tool has another result"; done

step "how do the numbers compare?"
take atsaf metrics 'atsaf diff --metrics' && has "rmse"
take dvc metrics 'dvc metrics diff' && has "Only supported for Git repositories"

step "back again"
shrink 100.0
take atsaf back 'atsaf build' && has "2 restored"
take dvc back 'dvc repro' && has "cached"
take snakemake back 'snakemake -c1' && has "2 of 2 steps (100%) done"

step "a comment in the last script"
sed -i '1s/.*/"""The error of the line on rows that are new to it."""/' "$work"/{atsaf,dvc,snakemake}/evaluate.py
take atsaf comment 'atsaf build' && has "made the same as before"
take dvc comment 'dvc repro'
take snakemake comment 'snakemake -c1'

step "a script that fails"
sed -i 's/json.dump/json.dmup/' "$work"/{atsaf,dvc,snakemake}/fit.py
for tool in atsaf dvc snakemake; do
  case $tool in atsaf) line='atsaf build' ;; dvc) line='dvc repro' ;; *) line='snakemake -c1' ;; esac
  take $tool fail "$line"
  [ "$code" != 0 ] || fail "$tool takes it for done"
done
[ -s "$work/atsaf/out/model.json" ] || fail "atsaf has taken the earlier model away"
[ -e "$work/dvc/out/model.json" ] && [ ! -s "$work/dvc/out/model.json" ] || fail "DVC leaves something else than an empty file"
[ ! -e "$work/snakemake/out/model.json" ] || fail "Snakemake leaves the output of a rule that failed"
echo "the model: atsaf has the earlier one, DVC an empty file, Snakemake none"

step "seconds of CPU"
printf '%-10s %8s %8s %10s\n' step atsaf dvc snakemake
for name in begin first nothing ask why build metrics back comment fail; do
  printf '%-10s %8s %8s %10s\n' "$name" "${took[atsaf,$name]:--}" "${took[dvc,$name]:--}" "${took[snakemake,$name]:--}"
done
