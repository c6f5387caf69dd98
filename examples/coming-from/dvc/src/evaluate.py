"""Scores the posts of the test set: the area under the curve, and the curve itself."""

import csv
import json
import pathlib
import sys

model, features, metrics, curve = map(pathlib.Path, sys.argv[1:])
stumps = json.loads(model.read_text())
rows = json.loads((features / "test.json").read_text())["rows"]


def score(row):
    return sum(with_it if row[feature] else without for feature, without, with_it in stumps) / len(stumps)


scored = sorted(((score(row), row[0]) for row in rows), reverse=True)
ones = sum(label for _, label in scored)
zeros = len(scored) - ones
found, wrong, area = 0, 0, 0
points = [(0.0, 0.0)]
for _, label in scored:
    found += label
    wrong += 1 - label
    area += 0 if label else found
    points.append((wrong / max(1, zeros), found / max(1, ones)))
metrics.write_text(json.dumps({"roc_auc": round(area / max(1, ones * zeros), 4), "posts": len(rows)}) + "\n")
with curve.open("w", newline="") as file:
    csv.writer(file, lineterminator="\n").writerows([("false_positive", "true_positive"), *points])
