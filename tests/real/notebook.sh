#!/usr/bin/env bash
# usage: tests/real/notebook.sh     The recipe docs/recipes/notebook.md, with papermill and nbconvert as they are.
#
# `ATSAF=path` names a program that is built already.
# shellcheck source-path=SCRIPTDIR
source "$(dirname "$0")/common.sh"
step "papermill"
venv=$(venv notebook "$here/notebook.txt")
export HOME=$work PATH="$venv/bin:/usr/local/bin:/usr/bin:/bin"
mkdir -p "$work/project/data"
cd "$work/project"

step "the project of the page, and a notebook that imports a module"
awk '/^```toml/ { on = 1; next } /^```/ { on = 0 } on' "$root/docs/recipes/notebook.md" >Atsaffile
printf 'day,amount\n1,12\n2,7\n3,15\n' >data/sales.csv
printf 'def is_large(amount, least):\n    return amount >= least\n' >sizes.py
python3 - <<'PY'
import nbformat
cells = [
    nbformat.v4.new_code_cell('rows = "data/sales.csv"\nleast = 0', metadata={"tags": ["parameters"]}),
    nbformat.v4.new_code_cell(
        "import csv\nfrom sizes import is_large\n\nwith open(rows) as file:\n"
        '    amounts = [float(row["amount"]) for row in csv.DictReader(file)]\n'
        'print("large:", sum(is_large(amount, least) for amount in amounts))'
    ),
]
kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=kernel), "explore.ipynb")
PY
said() { "$atsaf" "$@" 2>&1 | tee "$work/said"; }
has() { grep -q "$1" "$work/said" || fail "it does not say: $1"; }
said build page
grep -q "large: 2" out/explore.html || fail "the page does not have the result"
said build page
has "nothing to do"

step "a module of the notebook, and a parameter"
printf 'def is_large(amount, least):\n    return amount > 2 * least\n' >sizes.py
said why page
has "sizes.py"
said build page -s least=4
grep -q "large: 2" out/explore.html || fail "the page does not have the result"
said build page -s least=6
grep -q "large: 1" out/explore.html || fail "the page does not have the result"
