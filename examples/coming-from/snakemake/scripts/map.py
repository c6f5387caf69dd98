"""Maps reads to a genome: name, first position, bases; reads that fit nowhere are left out."""

import argparse

parser = argparse.ArgumentParser()
parser.add_argument("genome")
parser.add_argument("reads")
parser.add_argument("--mismatches", type=int, required=True)
args = parser.parse_args()

genome = "".join(line.strip() for line in open(args.genome) if not line.startswith(">"))
lines = [line.strip() for line in open(args.reads)]
for name, bases in zip(lines[0::4], lines[1::4]):
    differ = [sum(a != b for a, b in zip(bases, genome[at:])) for at in range(len(genome) - len(bases) + 1)]
    best = min(differ)
    if best <= args.mismatches:
        print(name.lstrip("@"), differ.index(best), bases, sep="\t")
