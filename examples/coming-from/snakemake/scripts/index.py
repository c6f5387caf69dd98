"""Tells where in a sorted file the reads of each stretch of a hundred positions begin."""

import sys

offset, seen = 0, set()
for line in open(sys.argv[1], "rb"):
    stretch = int(line.split(b"\t")[1]) // 100
    if stretch not in seen:
        seen.add(stretch)
        print(stretch, offset, sep="\t")
    offset += len(line)
