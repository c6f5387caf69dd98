#!/usr/bin/env python3
"""What each build tool runs again after an edit, and whether its result is right.

The same small project for atsaf, DVC, Snakemake and make: two samples are prepared each for itself by a script that
imports `lib.py` and opens `config.json`; `python -m pkg.train` makes one model of them with a value of `params.yaml`.
Each tool is told what its users tell it: scripts, data and parameters, not what a script imports or opens. Then one
thing is edited at a time. A result is right if it is what the same tool makes of the same files from nothing.

    python3 benches/edits.py                      # target/release/atsaf, or ATSAF, and the tools that are on PATH
    python3 benches/edits.py --tools atsaf make

Prints a table in Markdown.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

PREPARE = """\
import json, os, sys
import lib

with open("config.json") as config:
    factor = json.load(config)["factor"]
source, target = sys.argv[1:]
with open(source) as rows, open(target, "w") as out:
    out.write("".join(f"{lib.clean(float(row)) * factor}\\n" for row in rows))
with open(os.environ["RAN"], "a") as ran:
    ran.write("prepare\\n")
"""
TRAIN = """\
import os, sys
from . import model

n, target, *sources = sys.argv[1:]
rows = [float(row) for source in sorted(sources) for row in open(source)]
with open(target, "w") as out:
    out.write(f"{model.fit(rows, int(n))}\\n")
with open(os.environ["RAN"], "a") as ran:
    ran.write("train\\n")
"""

FILES = {
    "lib.py": "def clean(value):\n    return value + 1\n",
    "config.json": '{"factor": 2}\n',
    "prepare.py": PREPARE,
    "pkg/__init__.py": "",
    "pkg/model.py": "def fit(rows, n):\n    return sum(rows) * n\n",
    "pkg/train.py": TRAIN,
    "params.yaml": "train:\n  n: 3\nreport:\n  title: first\n",
    "data/a.csv": "1\n2\n",
    "data/b.csv": "3\n4\n",
}

ATSAFFILE = """\
[project]
params_files = ["params.yaml"]

[matrix]
sample = { glob = "data/*.csv" }

[target.prepare]
each   = ["sample"]
run    = "python3 prepare.py {{sample.path}} {{output}}"
env    = ["RAN"]
output = "out/{{sample}}.csv"

[target.train]
run    = "python3 -m pkg.train {{train.n}} {{output}} {{inputs}}"
env    = ["RAN"]
inputs = ["prepare@*"]
output = "out/model.txt"
"""

DVC = """\
stages:
  prepare:
    foreach: [SAMPLES]
    do:
      cmd: python3 prepare.py data/${item}.csv out/${item}.csv
      deps: [prepare.py, "data/${item}.csv"]
      outs: ["out/${item}.csv"]
  train:
    cmd: python3 -m pkg.train ${train.n} out/model.txt PREPARED
    deps: [PREPARED_LIST]
    params: [train.n]
    outs: [out/model.txt]
"""

SNAKEFILE = """\
configfile: "params.yaml"
SAMPLES = glob_wildcards("data/{sample}.csv").sample

rule all:
    input: "out/model.txt"

rule prepare:
    input: script="prepare.py", data="data/{sample}.csv"
    output: "out/{sample}.csv"
    shell: "python3 {input.script} {input.data} {output}"

rule train:
    input: expand("out/{sample}.csv", sample=SAMPLES)
    output: "out/model.txt"
    params: n=config["train"]["n"]
    shell: "python3 -m pkg.train {params.n} {output} {input}"
"""

MAKEFILE = """\
SAMPLES := $(patsubst data/%.csv,out/%.csv,$(wildcard data/*.csv))
N = $(shell sed -n 's/^  n: //p' params.yaml)

out/model.txt: $(SAMPLES) params.yaml
\tpython3 -m pkg.train $(N) $@ $(SAMPLES)

out/%.csv: data/%.csv prepare.py
\t@mkdir -p out
\tpython3 prepare.py $< $@
"""

EDITS = {
    "`lib.py`, which a script imports": lambda at: (at / "lib.py").write_text("def clean(value):\n    return value + 2\n"),
    "`config.json`, which a script opens": lambda at: (at / "config.json").write_text('{"factor": 5}\n'),
    "a module of `python -m pkg.train`": lambda at: (at / "pkg/model.py").write_text(
        "def fit(rows, n):\n    return max(rows) * n\n"
    ),
    "`train.n` in `params.yaml`": lambda at: (at / "params.yaml").write_text("train:\n  n: 4\nreport:\n  title: first\n"),
    "`report.title` there, which nothing reads": lambda at: (at / "params.yaml").write_text(
        "train:\n  n: 3\nreport:\n  title: second\n"
    ),
    "a sample more": lambda at: (at / "data/c.csv").write_text("5\n"),
}


class Tool:
    """One build tool: how its project is described, and how it builds."""

    def __init__(self, name, program):
        self.name, self.program = name, program

    def describe(self, at):
        """Writes the tool's own file; that of DVC lists the samples."""
        samples = sorted(path.stem for path in (at / "data").glob("*.csv"))
        match self.name:
            case "atsaf":
                (at / "Atsaffile").write_text(ATSAFFILE)
            case "make":
                (at / "Makefile").write_text(MAKEFILE)
            case "snakemake":
                (at / "Snakefile").write_text(SNAKEFILE)
            case "dvc":
                outs = [f"out/{sample}.csv" for sample in samples]
                text = DVC.replace("SAMPLES", ", ".join(samples)).replace("PREPARED_LIST", ", ".join(outs))
                (at / "dvc.yaml").write_text(text.replace("PREPARED", " ".join(outs)))

    def build(self, at):
        """Builds; gives the steps that ran, in order of their names."""
        ran = at.parent / f"{at.name}.ran"
        ran.write_text("")
        (at / "out").mkdir(exist_ok=True)
        command = {
            "atsaf": [self.program, "build", "-q"],
            "make": [self.program, "-s"],
            "snakemake": [self.program, "-c1", "-q", "all"],
            "dvc": [self.program, "repro", "-q"],
        }[self.name]
        if self.name == "dvc" and not (at / ".dvc").exists():
            self.call(at, [self.program, "init", "--no-scm", "-q"], ran)
        self.call(at, command, ran)
        return sorted(ran.read_text().split())

    def call(self, at, command, ran):
        # Python tells edits of one second apart by size alone, where it keeps byte code.
        environment = {**os.environ, "RAN": str(ran), "PYTHONDONTWRITEBYTECODE": "1"}
        done = subprocess.run(command, cwd=at, env=environment, capture_output=True, text=True, timeout=300, check=False)
        if done.returncode != 0:
            sys.exit(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")


def project(at, tool):
    for name, text in FILES.items():
        path = at / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    tool.describe(at)


def outputs(at):
    return {path.name: path.read_text() for path in sorted((at / "out").iterdir()) if path.is_file()}


def after(edit, tool, scratch):
    """The steps that ran after an edit, and whether the outputs are those of a build from nothing."""
    edited, clean = scratch / "edited", scratch / "clean"
    for at in (edited, clean):
        project(at, tool)
    tool.build(edited)
    for at in (edited, clean):
        edit(at)
        tool.describe(at)
    steps = tool.build(edited)
    tool.build(clean)
    return steps, outputs(edited) == outputs(clean)


def shown(steps, is_right):
    counts = {step: steps.count(step) for step in ("prepare", "train") if step in steps}
    text = ", ".join(step if count == 1 else f"{step} ×{count}" for step, count in counts.items()) or "nothing"
    return text if is_right else f"{text}: **wrong**"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tools", nargs="+", default=["atsaf", "dvc", "snakemake", "make"])
    names = parser.parse_args().tools
    programs = {"atsaf": ROOT / "target/release/atsaf"}
    found = {name: shutil.which(os.environ.get(name.upper()) or programs.get(name, name)) for name in names}
    for name in [name for name, program in found.items() if program is None]:
        print(f"skipped: {name} is not there", file=sys.stderr)
    tools = [Tool(name, program) for name, program in found.items() if program]
    if not tools:
        sys.exit("there is no tool to try")
    print(f"| edited | {' | '.join(tool.name for tool in tools)} |")
    print(f"|---|{'---|' * len(tools)}")
    for what, edit in EDITS.items():
        cells = []
        for tool in tools:
            with tempfile.TemporaryDirectory() as scratch:
                cells.append(shown(*after(edit, tool, Path(scratch))))
        print(f"| {what} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
