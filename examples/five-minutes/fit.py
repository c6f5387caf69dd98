"""A straight line through the load by temperature, its slope drawn towards zero."""

import argparse
import csv
import json

args = argparse.ArgumentParser()
args.add_argument("train")
args.add_argument("model")
args.add_argument("--shrinkage", type=float, required=True)
args = args.parse_args()

with open(args.train) as file:
    rows = [(float(row["temperature"]), float(row["load"])) for row in csv.DictReader(file)]
mean_x, mean_y = (sum(column) / len(rows) for column in zip(*rows))
slope = sum((x - mean_x) * (y - mean_y) for x, y in rows) / (sum((x - mean_x) ** 2 for x, _ in rows) + args.shrinkage)
with open(args.model, "w") as file:
    json.dump({"slope": slope, "at_zero": mean_y - slope * mean_x}, file)
