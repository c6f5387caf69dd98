"""Draws how many reads speak for each variant."""

import sys

rows = [line.split("\t") for line in open(sys.argv[1])][1:]
print(f'<svg xmlns="http://www.w3.org/2000/svg" width="{30 * len(rows) + 10}" height="120">')
for at, (position, _, base, reads, _) in enumerate(rows):
    height = 4 * int(reads)
    print(f'<rect x="{30 * at + 10}" y="{110 - height}" width="20" height="{height}"><title>{position} {base}</title></rect>')
print("</svg>")
