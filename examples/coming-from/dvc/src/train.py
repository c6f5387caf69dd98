"""Fits as many decision stumps as asked for, each on a sample of the posts."""

import argparse
import json
import pathlib
import random

parser = argparse.ArgumentParser()
parser.add_argument("features", type=pathlib.Path)
parser.add_argument("model", type=pathlib.Path)
parser.add_argument("--params", type=pathlib.Path, required=True)
args = parser.parse_args()
params = json.loads(args.params.read_text())["train"]
rows = json.loads((args.features / "train.json").read_text())["rows"]
chance = random.Random(params["seed"])


def stump():
    """The feature that tells the labels of a sample apart best, and the shares of ones with and without it."""
    sample = [chance.choice(rows) for _ in rows]
    fewest = params["min_split"] * len(sample)
    best = None
    for feature in chance.sample(range(1, len(rows[0])), k=max(1, len(rows[0]) // 3)):
        sides = [[row[0] for row in sample if (row[feature] > 0) == side] for side in (False, True)]
        if min(map(len, sides)) < max(1, fewest):
            continue
        shares = [sum(side) / len(side) for side in sides]
        best = max(best or (0, 0, 0, 0), (abs(shares[1] - shares[0]), feature, *shares))
    return best


stumps = [found for found in (stump() for _ in range(params["n_est"])) if found]
args.model.write_text(json.dumps([list(stump[1:]) for stump in stumps]) + "\n")
