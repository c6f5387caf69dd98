"""The error of the line on the rows that it has not seen."""

import csv
import json
import sys

model, test, metrics = sys.argv[1:]
with open(model) as file:
    line = json.load(file)
with open(test) as file:
    errors = [
        float(row["load"]) - line["at_zero"] - line["slope"] * float(row["temperature"]) for row in csv.DictReader(file)
    ]
with open(metrics, "w") as file:
    json.dump({"rmse": (sum(error**2 for error in errors) / len(errors)) ** 0.5, "rows": len(errors)}, file)
