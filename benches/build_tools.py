#!/usr/bin/env python3
"""The same graphs for atsaf, make and ninja, built side by side in one run.

    python3 benches/build_tools.py [--targets 1000 10000] [--shapes hundreds ten wide] [--chain 2000] [--runs 5]
                                   [--tools atsaf make ninja] [--null-only] [--one-core] [--beside-a-busy-loop]

Every target but those of the first layer copies a file of about 100 bytes and reads two files of the layer before it.
The shapes are layers of a hundred targets, ten layers, one layer, and a chain. Each tool builds a directory of its
own: first build, null build, one changed parameter, and that parameter turned back. Printed are the medians of wall and
CPU seconds and peak memory, and the ratio to ninja; what `status`, `plan` and `why` take, with the ratio of CPU to the same
where no seal is kept; `stats` are the bare looks at the same files, by one loop in Python.
The program measured is `target/release/atsaf` (another: `ATSAF=path`); ninja comes from Debian's `ninja-build`, which is
installed where it is missing and `apt-get` is there.
"""

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ATSAF = os.environ.get("ATSAF", str(ROOT / "target/release/atsaf"))
TEXT = "0123456789" * 10


def layers(count, width):
    """Name and inputs of each target, layer by layer; the first of all also reads the parameter."""
    below = []
    for start in range(0, count, width):
        layer = [f"t{number}" for number in range(start, min(start + width, count))]
        for at, name in enumerate(layer):
            reads = [below[at % len(below)], below[(at * 7 + 3) % len(below)]] if below else []
            yield name, list(dict.fromkeys(reads))
        below = layer


def write_atsaf(directory, graph, value):
    parts = [f'[params]\nword = "{value}"\n']
    for at, (name, reads) in enumerate(graph):
        run = f"cp {{{{input.{reads[0]}}}}} {{{{output}}}}" if reads else f"echo {TEXT} {'{{word}}' if at == 0 else ''} > {{{{output}}}}"
        inputs = "[" + ", ".join(f'"{read}"' for read in reads) + "]"
        parts.append(f'[target.{name}]\nrun = "{run}"\ninputs = {inputs}\noutput = "out/{name}"\n')
    (directory / "Atsaffile").write_text("\n".join(parts))


def write_make(directory, graph, value):
    names = [name for name, _ in graph]
    parts = [f"all: {' '.join(f'out/{name}' for name in names)}"]
    for at, (name, reads) in enumerate(graph):
        rule = "cp $< $@" if reads else f"echo {TEXT} {value if at == 0 else ''} > $@"
        parts.append(f"out/{name}: {' '.join(f'out/{read}' for read in reads)}\n\t{rule}")
    (directory / "Makefile").write_text("\n".join(parts) + "\n")
    (directory / "out").mkdir(exist_ok=True)


def write_ninja(directory, graph, value):
    parts = ["rule copy\n  command = cp $first $out", "rule echo\n  command = echo $text > $out"]
    for at, (name, reads) in enumerate(graph):
        if reads:
            parts.append(f"build out/{name}: copy {' '.join(f'out/{read}' for read in reads)}\n  first = out/{reads[0]}")
        else:
            parts.append(f"build out/{name}: echo\n  text = {TEXT} {value if at == 0 else ''}")
    (directory / "build.ninja").write_text("\n".join(parts) + "\n")


TOOLS = {
    "atsaf": (write_atsaf, [ATSAF, "build", "-q"]),
    "make": (write_make, ["make", "-r", "-s", f"-j{os.cpu_count()}", "all"]),
    "ninja": (write_ninja, ["ninja", "--quiet"]),
}
FURTHER = {
    "atsaf status": [ATSAF, "status"],
    "atsaf status --json": [ATSAF, "status", "--json"],
    "atsaf status LAST": [ATSAF, "status", "LAST"],
    "atsaf plan": [ATSAF, "plan"],
    "atsaf plan LAST": [ATSAF, "plan", "LAST"],
    "atsaf why LAST": [ATSAF, "why", "LAST"],
}


def measure(command, directory):
    """Wall and CPU seconds and peak memory in MB of one run."""
    begun = time.perf_counter()
    child = subprocess.Popen(command, cwd=directory, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    said = child.stderr.read()
    _, status, usage = os.wait4(child.pid, 0)
    wall = time.perf_counter() - begun
    if status != 0:
        sys.exit(f"{' '.join(command)} failed:\n{said.decode(errors='replace')[-2000:]}")
    return wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def bare_stats(directory):
    """Wall and CPU seconds of one look at each file that a build made, relative to its directory."""
    names = os.listdir(directory / "out")
    place = os.open(directory / "out", os.O_RDONLY | os.O_DIRECTORY)
    begun, before = time.perf_counter(), time.process_time()
    for name in names:
        os.stat(name, dir_fd=place)
    wall, cpu = time.perf_counter() - begun, time.process_time() - before
    os.close(place)
    return wall, cpu, 0.0


def median(samples):
    return tuple(statistics.median(column) for column in zip(*samples))


def bench(title, graph, tools, runs, null_only):
    rows = {}
    with tempfile.TemporaryDirectory() as temporary:
        places = {}
        for tool in tools:
            places[tool] = Path(temporary) / tool
            places[tool].mkdir()
            TOOLS[tool][0](places[tool], graph, "one")
            rows.setdefault("first build", {})[tool] = measure(TOOLS[tool][1], places[tool])
        # In turn, so that a machine that grows slower or faster does so for all of them.
        rounds = {name: {tool: [] for tool in tools} for name in ["null build", "a parameter changed", "... and turned back"]}
        further, unsealed = {name: [] for name in FURTHER}, {name: [] for name in FURTHER}
        looks = []
        for _ in range(runs):
            for tool in tools:
                write, command = TOOLS[tool]
                rounds["null build"][tool].append(measure(command, places[tool]))
            looks.append(bare_stats(places[tools[0]]))
            for name, command in FURTHER.items() if "atsaf" in tools else []:
                command = [graph[-1][0] if word == "LAST" else word for word in command]
                seals, aside = places["atsaf"] / ".atsaf/v1/seals", Path(temporary) / "seals"
                further[name].append(measure(command, places["atsaf"]))
                seals.rename(aside)
                unsealed[name].append(measure(command, places["atsaf"]))
                aside.rename(seals)
        for turn in range(0 if null_only else runs):
            for name, value in [("a parameter changed", f"two{turn}"), ("... and turned back", "one")]:
                for tool in tools:
                    write, command = TOOLS[tool]
                    write(places[tool], graph, value)
                    rounds[name][tool].append(measure(command, places[tool]))
        for name, samples in rounds.items():
            if samples[tools[0]]:
                rows[name] = {tool: median(values) for tool, values in samples.items()}
        rows["stats"] = {"": median(looks)}
    print(f"\n{title}\n{'':22}{'tool':8}{'wall s':>9}{'CPU s':>9}{'MB':>7}{'wall / ninja':>14}")
    for name, figures in rows.items():
        for tool, (wall, cpu, memory) in figures.items():
            base = figures.get("ninja") or rows["null build"].get("ninja")
            ratio = f"{wall / base[0]:.2f}" if base else ""
            print(f"{name:22}{tool:8}{wall:9.3f}{cpu:9.3f}{memory:7.0f}{ratio:>14}")
    if any(further.values()):
        print(f"{'':30}{'wall s':>9}{'CPU s':>9}{'MB':>7}{'CPU / without a seal':>23}")
    for name, samples in further.items():
        if samples:
            (wall, cpu, memory), without = median(samples), median(unsealed[name])
            print(f"{name:30}{wall:9.3f}{cpu:9.3f}{memory:7.0f}{cpu / without[1]:>23.2f}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--targets", type=int, nargs="*", default=[1000, 10000])
    parser.add_argument("--shapes", nargs="*", default=["hundreds"], choices=["hundreds", "ten", "wide"])
    parser.add_argument("--chain", type=int, default=2000)
    parser.add_argument("--null-only", action="store_true", help="leave out what changes a parameter")
    parser.add_argument("--one-core", action="store_true", help="all tools on the first core alone")
    parser.add_argument("--beside-a-busy-loop", action="store_true", help="with another process that never rests")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--tools", nargs="*", default=list(TOOLS), choices=list(TOOLS))
    options = parser.parse_args()
    if "ninja" in options.tools and not shutil.which("ninja") and shutil.which("apt-get"):
        subprocess.run(["apt-get", "install", "-y", "-qq", "ninja-build"], check=True, stdout=subprocess.DEVNULL)
    for tool in options.tools:
        if not shutil.which(TOOLS[tool][1][0]):
            sys.exit(f"{TOOLS[tool][1][0]} is not there; build it with `cargo build --release`, or leave it out with --tools")
    if options.one_core:
        os.sched_setaffinity(0, {0})
    loop = subprocess.Popen([sys.executable, "-c", "while True: pass"]) if options.beside_a_busy_loop else None
    try:
        for count in options.targets:
            for shape in options.shapes:
                width = {"hundreds": 100, "ten": max(1, count // 10), "wide": count}[shape]
                title = f"{count} targets in layers of {width}"
                bench(title, list(layers(count, width)), options.tools, options.runs, options.null_only)
        if options.chain:
            title = f"a chain of {options.chain} targets"
            bench(title, list(layers(options.chain, 1)), options.tools, options.runs, options.null_only)
    finally:
        if loop:
            loop.kill()
            loop.wait()


if __name__ == "__main__":
    main()
