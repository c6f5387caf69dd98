"""Prophet among the models of atsaf: fits every past, and forecasts the steps after it."""

import json
import os

import numpy as np
import pandas as pd
from prophet import Prophet

request = json.load(open(os.environ["ATSAF_REQUEST"]))
pasts = pd.read_parquet(request["pasts"])
future = pd.read_parquet(request["future"])
known_ahead = request["known"]
series_and_cutoff = ["unique_id", "cutoff"]
steps = dict(list(future.groupby(series_and_cutoff)))

forecasts = []
for key, past in pasts.groupby(series_and_cutoff):
    np.random.seed(0)  # the same forecasts in every run
    model = Prophet(**request["settings"])
    for name in known_ahead:
        model.add_regressor(name)
    model.fit(past[["ds", "y", *known_ahead]], seed=1)
    rows = steps[key].copy()
    rows["yhat"] = model.predict(rows[["ds", *known_ahead]])["yhat"].to_numpy()
    samples = model.predictive_samples(rows[["ds", *known_ahead]])["yhat"]
    for level in request["levels"]:
        rows[f"lo-{level}"] = np.quantile(samples, 0.5 - level / 200, axis=1)
        rows[f"hi-{level}"] = np.quantile(samples, 0.5 + level / 200, axis=1)
    forecasts.append(rows)

pd.concat(forecasts).to_parquet(request["forecasts"])
