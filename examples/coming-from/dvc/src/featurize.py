"""Counts the most frequent words, and sequences of words, of each post."""

import argparse
import collections
import json
import pathlib

parser = argparse.ArgumentParser()
parser.add_argument("prepared", type=pathlib.Path)
parser.add_argument("features", type=pathlib.Path)
parser.add_argument("--params", type=pathlib.Path, required=True)
args = parser.parse_args()
params = json.loads(args.params.read_text())["featurize"]


def grams(text):
    words = text.split()
    for n in range(1, params["ngrams"] + 1):
        for start in range(len(words) - n + 1):
            yield " ".join(words[start : start + n])


def posts(name):
    for line in (args.prepared / f"{name}.tsv").read_text().splitlines():
        label, text = line.split("\t")
        yield int(label), collections.Counter(grams(text))


frequent = collections.Counter()
for _, counts in posts("train"):
    frequent.update(counts)
names = sorted(frequent, key=lambda gram: (-frequent[gram], gram))[: params["max_features"]]
args.features.mkdir(parents=True, exist_ok=True)
for name in ["train", "test"]:
    rows = [[label, *(counts[gram] for gram in names)] for label, counts in posts(name)]
    (args.features / f"{name}.json").write_text(json.dumps({"names": names, "rows": rows}) + "\n")
