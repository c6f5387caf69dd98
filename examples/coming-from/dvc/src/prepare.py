"""Splits posts into a training and a test set: label, tab, words."""

import argparse
import pathlib
import random
import xml.etree.ElementTree as ET

parser = argparse.ArgumentParser()
parser.add_argument("posts")
parser.add_argument("prepared", type=pathlib.Path)
parser.add_argument("--split", type=float, required=True)
parser.add_argument("--seed", type=int, required=True)
args = parser.parse_args()

chance = random.Random(args.seed)
args.prepared.mkdir(parents=True, exist_ok=True)
with (args.prepared / "train.tsv").open("w") as train, (args.prepared / "test.tsv").open("w") as test:
    for post in ET.parse(args.posts).getroot():
        label = int("<r>" in post.get("Tags", ""))
        words = " ".join(post.get("Title", "").lower().split())
        (test if chance.random() < args.split else train).write(f"{label}\t{words}\n")
