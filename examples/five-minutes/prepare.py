"""Leaves out what was not measured, and splits the rest: the last part is for the test."""

import argparse
import csv

args = argparse.ArgumentParser()
args.add_argument("readings")
args.add_argument("train")
args.add_argument("test")
args.add_argument("--split", type=float, required=True)
args = args.parse_args()

with open(args.readings) as file:
    rows = [(row["temperature"], row["load"]) for row in csv.DictReader(file) if row["load"]]
first = round(len(rows) * (1 - args.split))
for path, part in (args.train, rows[:first]), (args.test, rows[first:]):
    with open(path, "w", newline="") as file:
        csv.writer(file).writerows([("temperature", "load"), *part])
