#!/usr/bin/env bash
# usage: tests/real/editors.sh     The schema of the Atsaffile and the workflow of docs/ci.md, judged by other programs.
#
# Taplo and Tombi, which editors use, accept every Atsaffile of this repository and of `atsaf init`, and refuse a key that
# there is none of, Tombi also inside Neovim, where that is there; check-jsonschema knows what GitHub takes for a workflow. `ATSAF=path` names a program that is built.
# shellcheck source-path=SCRIPTDIR
source "$(dirname "$0")/common.sh"
cd "$root"
bin=$(venv editors "$here/editors.txt")/bin
export HOME=$work

step "every Atsaffile, through the line that names the schema"
mkdir "$work/all"
"$atsaf" schema >"$work/all/atsaffile.schema.json"
# What editors are told by docs/editors.md: that the file without an ending is one of them.
printf 'include = ["**/Atsaffile"]\n' >"$work/all/.taplo.toml"
printf '[files]\ninclude = ["**/Atsaffile"]\n' >"$work/all/tombi.toml"
count=0
put() {
  mkdir -p "$work/all/$1"
  { echo "#:schema $work/all/atsaffile.schema.json"; cat "$2"; } >"$work/all/$1/Atsaffile"
  count=$((count + 1))
}
while read -r file; do put "own/$(dirname "$file")" "$file"; done < <(git ls-files 'Atsaffile' '*/Atsaffile')
for template in demo eia shell minimal; do
  mkdir "$work/$template"
  (cd "$work/$template" && "$atsaf" init "$template") >"$work/init.log" 2>&1
  put "init-$template" "$work/$template/Atsaffile"
done
mkdir "$work/csv"
cp "$work/demo/demand.csv" "$work/csv"
(cd "$work/csv" && "$atsaf" init csv demand.csv) >"$work/init.log" 2>&1
put init-csv "$work/csv/Atsaffile"
cd "$work/all"
"$bin/taplo" lint >"$work/taplo.log" 2>&1 || { cat "$work/taplo.log"; fail "taplo refuses one of them"; }
grep -q "total=$count excluded=0" "$work/taplo.log" || { cat "$work/taplo.log"; fail "taplo saw others than the $count"; }
"$bin/tombi" lint --offline >"$work/tombi.log" 2>&1 || { cat "$work/tombi.log"; fail "tombi refuses one of them"; }
echo "$count Atsaffiles are taken by taplo and tombi"

step "a key that there is none of"
sed -i 's/^inputs /inptus /' init-demo/Atsaffile
for linter in taplo "tombi --offline"; do
  # shellcheck disable=SC2086
  set -- $linter
  if "$bin/$1" lint "${@:2}" >"$work/wrong.log" 2>&1; then fail "$1 takes a key that there is none of"; fi
  grep -q inptus "$work/wrong.log" || { cat "$work/wrong.log"; fail "$1 does not name it"; }
  echo "$1 names it"
done

step "Neovim marks it while it is edited"
if command -v nvim >/dev/null; then
  # As docs/editors.md says; before Neovim 0.8, file types by Lua have to be switched on.
  printf 'vim.g.do_filetype_lua = 1\nvim.filetype.add({ filename = { Atsaffile = "toml" } })\n' >"$work/init.lua"
  SERVER="$bin/tombi lsp" timeout 60 nvim --headless -u "$work/init.lua" init-demo/Atsaffile -c "luafile $here/editors.lua" >"$work/nvim.log" 2>&1 ||
    { cat "$work/nvim.log"; fail "Neovim marks nothing"; }
  line=$(grep -n -m1 inptus init-demo/Atsaffile | cut -d: -f1)
  grep -q "^$line:.*inptus" "$work/nvim.log" || { cat "$work/nvim.log"; fail "Neovim marks another line than $line"; }
  cat "$work/nvim.log"
else
  skip "there is no nvim"
fi

step "the workflow of docs/ci.md"
cd "$root"
"$bin/check-jsonschema" --builtin-schema vendor.github-workflows examples/github-actions/forecast.yml
