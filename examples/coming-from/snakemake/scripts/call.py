"""Calls a variant where most reads of all samples, and enough of them, differ from the genome."""

import argparse
import collections

parser = argparse.ArgumentParser()
parser.add_argument("genome")
parser.add_argument("mapped", nargs="+")
parser.add_argument("--min-depth", type=int, required=True)
args = parser.parse_args()

genome = "".join(line.strip() for line in open(args.genome) if not line.startswith(">"))
seen = [collections.Counter() for _ in genome]
for path in args.mapped:
    for line in open(path):
        _, start, bases = line.split("\t")
        for at, base in enumerate(bases.strip(), int(start)):
            seen[at][base] += 1
print("position", "reference", "base", "reads", "depth", sep="\t")
for at, counts in enumerate(seen):
    alternatives = [(count, base) for base, count in counts.items() if base != genome[at]]
    reads, base = max(alternatives, default=(0, ""))
    if reads >= args.min_depth:
        print(at, genome[at], base, reads, sum(counts.values()), sep="\t")
