#!/usr/bin/env python3
"""The same graphs for atsaf, make and ninja, built side by side in one run.

    python3 benches/build_tools.py [--targets 1000 10000] [--shapes hundreds ten wide directories globs matrix] [--chain 2000]
                                   [--tools atsaf make ninja samu n2] [--runs 5] [--null-only] [--one-core] [--beside-a-busy-loop]

The shapes are layers of a hundred targets, ten layers, one layer, ten layers of targets that make a directory, one layer of
targets that read what a pattern finds, two hundred instances of a matrix, and a chain. In layers, every target but those of
the first copies a file of about 100 bytes and reads two files of the layer before it. Each tool builds a directory of its
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

from measure import measure

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


class Graph:
    """A graph, as make has it (path, inputs and command of each target), and what the other tools read of it."""

    def __init__(self, title, last, steps):
        self.title, self.last, self.steps = title, last, list(steps)

    def sources(self, directory):
        """Writes what no target makes."""

    def write_make(self, directory, value):
        parts = [f"word = {value}\nall: {' '.join(path for path, _, _ in self.steps)}"]
        parts += [f"{path}: {' '.join(reads)}\n\t{command}" for path, reads, command in self.steps]
        (directory / "Makefile").write_text("\n".join(parts) + "\n")
        for place in {os.path.dirname(path) for path, _, _ in self.steps}:
            (directory / place).mkdir(parents=True, exist_ok=True)

    def write_ninja(self, directory, value):
        rules, builds = {}, []
        for path, reads, command in self.steps:
            variables = ""
            for make, ninja, meaning in [("$<", "$first", reads[:1]), ("$(@D)", "$place", [os.path.dirname(path)])]:
                if make in command:
                    command = command.replace(make, ninja)
                    variables += f"\n  {ninja[1:]} = {meaning[0]}"
            command = command.replace("$@", "$out").replace("$^", "$in").replace("$(word)", value)
            builds.append(f"build {path}: {rules.setdefault(command, f'rule{len(rules)}')} {' '.join(reads)}{variables}")
        parts = [f"rule {rule}\n  command = {command}" for command, rule in rules.items()] + builds
        (directory / "build.ninja").write_text("\n".join(parts) + "\n")


class Layers(Graph):
    """Each target makes a file, or a directory with one."""

    def __init__(self, count, width, directories=False):
        self.names, self.in_directories = list(layers(count, width)), directories
        path = "out/{}/data" if directories else "out/{}"
        before = "mkdir -p $(@D); " if directories else ""
        steps = (
            (path.format(name), [path.format(read) for read in reads],
             before + ("cp $< $@" if reads else f"echo {TEXT} {'$(word)' if at == 0 else ''} > $@"))
            for at, (name, reads) in enumerate(self.names)
        )
        what = "directories" if directories else "targets"
        super().__init__(f"a chain of {count} {what}" if width == 1 else f"{count} {what} in layers of {width}", self.names[-1][0], steps)

    def write_atsaf(self, directory, value):
        before, within, end = ("mkdir -p {{output}}; ", "/data", "/") if self.in_directories else ("", "", "")
        parts = [f'[params]\nword = "{value}"\n']
        for at, (name, reads) in enumerate(self.names):
            write = f"cp {{{{input.{reads[0]}}}}}{within} " if reads else f"echo {TEXT} {'{{word}}' if at == 0 else ''} > "
            inputs = "[" + ", ".join(f'"{read}"' for read in reads) + "]"
            parts.append(f'[target.{name}]\nrun = "{before}{write}{{{{output}}}}{within}"\ninputs = {inputs}\noutput = "out/{name}{end}"\n')
        (directory / "Atsaffile").write_text("\n".join(parts))


class Globs(Graph):
    """Each target joins the files that a pattern finds; the other tools have their names."""

    FILES = range(5)

    def __init__(self, count):
        steps = (
            (f"out/t{number}", [f"in/t{number}/{file}.txt" for file in self.FILES], "echo $(word) | cat - $^ > $@" if number == 0 else "cat $^ > $@")
            for number in range(count)
        )
        super().__init__(f"{count} targets, each with a pattern of {len(self.FILES)} files", "t0", steps)

    def sources(self, directory):
        for _, reads, _ in self.steps:
            (directory / reads[0]).parent.mkdir(parents=True)
            for read in reads:
                (directory / read).write_text(f"{read} {TEXT}\n")

    def write_atsaf(self, directory, value):
        parts = [f'[params]\nword = "{value}"\n']
        for number in range(len(self.steps)):
            run = "echo {{word}} | cat - {{inputs}} > {{output}}" if number == 0 else "cat {{inputs}} > {{output}}"
            parts.append(f'[target.t{number}]\nrun = "{run}"\ninputs = ["in/t{number}/*.txt"]\noutput = "out/t{number}"\n')
        (directory / "Atsaffile").write_text("\n".join(parts))


class Instances(Graph):
    """Two hundred instances of a matrix, each a chain of targets; the other tools have all of them written out."""

    VALUES = [f"v{number}" for number in range(200)]

    def __init__(self, count):
        self.depth = max(1, count // len(self.VALUES))
        steps = (
            (f"out/s{at}/{value}", [f"out/s{at - 1}/{value}"] if at else [],
             "cp $< $@" if at else f"echo {TEXT} {'$(word)' if value == self.VALUES[0] else ''} > $@")
            for at in range(self.depth)
            for value in self.VALUES
        )
        last = f"s{self.depth - 1}@{self.VALUES[-1]}"
        super().__init__(f"{len(self.VALUES)} instances of {self.depth} targets", last, steps)

    def write_atsaf(self, directory, value):
        axis = ", ".join(f'"{value}"' for value in self.VALUES)
        parts = [f'[params]\nword = ""\n\n[matrix]\nn = [{axis}]\n\n[matrix.with.n.{self.VALUES[0]}]\nword = "{value}"\n']
        for at in range(self.depth):
            run = f"cp {{{{input.s{at - 1}}}}} {{{{output}}}}" if at else f"echo {TEXT} {{{{word}}}} > {{{{output}}}}"
            inputs = f'["s{at - 1}"]' if at else "[]"
            parts.append(f'[target.s{at}]\neach = ["n"]\nrun = "{run}"\ninputs = {inputs}\noutput = "out/s{at}/{{{{n}}}}"\n')
        (directory / "Atsaffile").write_text("\n".join(parts))


SHAPES = {
    "hundreds": lambda count: Layers(count, 100),
    "ten": lambda count: Layers(count, max(1, count // 10)),
    "wide": lambda count: Layers(count, count),
    "directories": lambda count: Layers(count, max(1, count // 10), directories=True),
    "globs": Globs,
    "matrix": Instances,
}
COMMANDS = {
    "atsaf": [ATSAF, "build", "-q"],
    "make": ["make", "-r", "-s", f"-j{os.cpu_count()}", "all"],
    "ninja": ["ninja", "--quiet"],
    "samu": ["samu"],
    "n2": ["n2"],
}
FURTHER = {
    "atsaf status": [ATSAF, "status"],
    "atsaf status --json": [ATSAF, "status", "--json"],
    "atsaf status LAST": [ATSAF, "status", "LAST"],
    "atsaf plan": [ATSAF, "plan"],
    "atsaf plan LAST": [ATSAF, "plan", "LAST"],
    "atsaf why LAST": [ATSAF, "why", "LAST"],
}


def write(tool, graph, directory, value):
    """What `tool` reads of the graph; samurai and n2 read what ninja does."""
    language = {"samu": "ninja", "n2": "ninja"}.get(tool, tool)
    getattr(graph, f"write_{language}")(directory, value)


def run(command, directory):
    """What one run costs."""
    output = directory.parent / "output.txt"
    cost, code = measure(command, directory, output)
    if code != 0:
        sys.exit(f"{' '.join(command)} failed:\n{output.read_text(errors='replace')[-2000:]}")
    return cost


def bare_stats(directory, graph):
    """Wall and CPU seconds of one look at each file that a build reads or makes, relative to its directory."""
    places = {}
    for path in {path for made, reads, _ in graph.steps for path in [made, *reads]}:
        place, name = os.path.split(path)
        places.setdefault(place, []).append(name)
    begun, before = time.perf_counter(), time.process_time()
    for place, names in places.items():
        opened = os.open(directory / place, os.O_RDONLY | os.O_DIRECTORY)
        for name in names:
            os.stat(name, dir_fd=opened)
        os.close(opened)
    return time.perf_counter() - begun, time.process_time() - before, 0.0


def median(samples):
    return tuple(statistics.median(column) for column in zip(*samples))


def bench(graph, tools, runs, null_only):
    rows = {}
    with tempfile.TemporaryDirectory() as temporary:
        places = {}
        for tool in tools:
            places[tool] = Path(temporary) / tool
            places[tool].mkdir()
            graph.sources(places[tool])
            write(tool, graph, places[tool], "one")
            rows.setdefault("first build", {})[tool] = run(COMMANDS[tool], places[tool])
        # In turn, so that a machine that grows slower or faster does so for all of them.
        rounds = {name: {tool: [] for tool in tools} for name in ["null build", "a parameter changed", "... and turned back"]}
        further, unsealed = {name: [] for name in FURTHER}, {name: [] for name in FURTHER}
        looks = []
        for _ in range(runs):
            for tool in tools:
                rounds["null build"][tool].append(run(COMMANDS[tool], places[tool]))
            looks.append(bare_stats(places[tools[0]], graph))
            for name, command in FURTHER.items() if "atsaf" in tools else []:
                command = [graph.last if word == "LAST" else word for word in command]
                seals, aside = places["atsaf"] / ".atsaf/v1/seals", Path(temporary) / "seals"
                further[name].append(run(command, places["atsaf"]))
                seals.rename(aside)
                unsealed[name].append(run(command, places["atsaf"]))
                aside.rename(seals)
        for turn in range(0 if null_only else runs):
            for name, value in [("a parameter changed", f"two{turn}"), ("... and turned back", "one")]:
                for tool in tools:
                    write(tool, graph, places[tool], value)
                    rounds[name][tool].append(run(COMMANDS[tool], places[tool]))
        for name, samples in rounds.items():
            if samples[tools[0]]:
                rows[name] = {tool: median(values) for tool, values in samples.items()}
        rows["stats"] = {"": median(looks)}
    print(f"\n{graph.title}\n{'':22}{'tool':8}{'wall s':>9}{'CPU s':>9}{'MB':>7}{'wall / ninja':>14}")
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
    parser.add_argument("--shapes", nargs="*", default=["hundreds"], choices=list(SHAPES))
    parser.add_argument("--chain", type=int, default=2000)
    parser.add_argument("--null-only", action="store_true", help="leave out what changes a parameter")
    parser.add_argument("--one-core", action="store_true", help="all tools on the first core alone")
    parser.add_argument("--beside-a-busy-loop", action="store_true", help="with another process that never rests")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--tools", nargs="*", default=["atsaf", "make", "ninja"], choices=list(COMMANDS))
    options = parser.parse_args()
    if "ninja" in options.tools and not shutil.which("ninja") and shutil.which("apt-get"):
        subprocess.run(["apt-get", "install", "-y", "-qq", "ninja-build"], check=True, stdout=subprocess.DEVNULL)
    for tool in options.tools:
        if not shutil.which(COMMANDS[tool][0]):
            sys.exit(f"{COMMANDS[tool][0]} is not there; build it with `cargo build --release`, or leave it out with --tools")
    if options.one_core:
        os.sched_setaffinity(0, {0})
    loop = subprocess.Popen([sys.executable, "-c", "while True: pass"]) if options.beside_a_busy_loop else None
    try:
        for count in options.targets:
            for shape in options.shapes:
                bench(SHAPES[shape](count), options.tools, options.runs, options.null_only)
        if options.chain:
            bench(Layers(options.chain, 1), options.tools, options.runs, options.null_only)
    finally:
        if loop:
            loop.kill()
            loop.wait()


if __name__ == "__main__":
    main()
