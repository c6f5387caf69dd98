"""Loads a champion that atsaf packaged: its forecasts, and the way to fit it to newer history.

MLflow calls `_load_pyfunc` with the path of `model.json`, then `predict` of what that returns. Standard library only.

`predict(model_input, params)` gives one row a series and step: `unique_id`, `ds` (UTC), `yhat`, the bounds of the
intervals, `model`. The input may have

* `horizon`: how many steps (otherwise `params["horizon"]`, otherwise the pipeline's own),
* `unique_id` alone: only these series,
* `ds` and `y`, and `unique_id` where there are several series: newer history, to which the `atsaf` program fits the
  champion anew.
"""

import csv
import json
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from datetime import datetime, timezone


class AtsafModel:
    """A packaged champion."""

    def __init__(self, document):
        self.horizon = document["horizon"]
        self.limit = document["limit"]
        self.series = {one["unique_id"]: one for one in document["series"]}
        # What it takes to fit the champion again; the forecasts are not among it.
        self.champion = {name: value for name, value in document.items() if name != "series"}

    def predict(self, model_input=None, params=None):
        """Forecasts as a table like that of the input: a frame for a frame, otherwise a list of dicts."""
        columns = _columns(model_input)
        horizon = self._horizon(columns, params)
        if "ds" in columns or "y" in columns:
            rows = self._fitted_again(columns, horizon)
        else:
            rows = self._remembered(columns, horizon)
        return _like(model_input, rows)

    def _horizon(self, columns, params):
        asked = [value for value in columns.get("horizon", []) if not _is_missing(value)]
        if not asked:
            value = (params or {}).get("horizon")
            asked = [self.horizon if _is_missing(value) else value]
        if any(value != asked[0] for value in asked):
            raise ValueError("the column `horizon` holds several values: ask for one horizon at a time")
        horizon = int(asked[0])
        if horizon != asked[0] or horizon < 1:
            raise ValueError(f"the horizon must be a whole number of steps, 1 or more; it is {asked[0]}")
        return horizon

    def _remembered(self, columns, horizon):
        if horizon > self.limit:
            raise ValueError(
                f"this model holds {self.limit} steps, and {horizon} were asked for: ask for {self.limit} at most, "
                "or give the history as `unique_id`, `ds` and `y`, to which the champion is then fitted for any horizon"
            )
        asked = [str(value) for value in columns.get("unique_id", []) if not _is_missing(value)]
        unknown = [name for name in asked if name not in self.series]
        if unknown:
            raise ValueError(f"this model has no series `{unknown[0]}`; it has {_some(self.series)}")
        rows = []
        for name, one in self.series.items():
            if asked and name not in asked:
                continue
            steps = zip(*(values[:horizon] for values in one["forecast"].values()))
            for step in steps:
                rows.append({"unique_id": name, **dict(zip(one["forecast"], step)), "model": one["model"]})
        return rows

    def _fitted_again(self, columns, horizon):
        absent = [name for name in ("ds", "y") if name not in columns]
        if absent:
            raise ValueError(f"newer history has the columns `unique_id`, `ds` and `y`; `{absent[0]}` is missing")
        if "unique_id" in columns:
            names = [str(value) for value in columns["unique_id"]]
        elif len(self.series) == 1:
            names = list(self.series) * len(columns["ds"])
        else:
            raise ValueError("this model has several series: the history needs the column `unique_id`")
        program = _program()
        with tempfile.TemporaryDirectory(prefix="atsaf-") as directory:
            model = os.path.join(directory, "model.json")
            history = os.path.join(directory, "history.csv")
            with open(model, "w", encoding="utf-8") as file:
                json.dump(self.champion, file)
            with open(history, "w", encoding="utf-8", newline="") as file:
                writer = csv.writer(file)
                writer.writerow(["unique_id", "ds", "y"])
                for name, ds, y in zip(names, columns["ds"], columns["y"]):
                    writer.writerow([name, _time(ds), "" if _is_missing(y) else repr(float(y))])
            command = [program, "predict", model, "--history", history, "--horizon", str(horizon), "--json"]
            done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, encoding="utf-8")
        if done.returncode != 0:
            raise RuntimeError(f"`{program} predict` could not fit the champion to this history:\n{done.stderr.strip()}")
        return json.loads(done.stdout)["predictions"]


def _program():
    """The path of the `atsaf` program: on PATH, or where `pip install` puts programs."""
    found = shutil.which("atsaf")
    if found:
        return found
    for directory in (sysconfig.get_path("scripts"), os.path.dirname(sys.executable)):
        found = shutil.which("atsaf", path=directory) if directory else None
        if found:
            return found
    raise RuntimeError(
        "fitting the champion to newer history takes the `atsaf` program, which is neither on PATH nor in this Python: "
        "install it, or ask without `ds` and `y` for the forecasts that the model holds"
    )


def _columns(model_input):
    """The columns of a frame, a dict or a list of dicts, as lists by name."""
    if model_input is None:
        return {}
    if hasattr(model_input, "columns"):
        return {str(name): list(model_input[name]) for name in model_input.columns}
    if isinstance(model_input, dict):
        single = (str, bytes, int, float, datetime)
        as_list = lambda value: [value] if value is None or isinstance(value, single) else list(value)
        return {str(name): as_list(value) for name, value in model_input.items()}
    if isinstance(model_input, (list, tuple)) and all(isinstance(row, dict) for row in model_input):
        names = dict.fromkeys(name for row in model_input for name in row)
        return {str(name): [row.get(name) for row in model_input] for name in names}
    raise TypeError(f"the input must be a frame, a dict or a list of dicts; it is a {type(model_input).__name__}")


def _like(model_input, rows):
    """The rows as a frame of pandas where the caller has pandas at hand and did not hand in plain data."""
    pandas = sys.modules.get("pandas")
    if pandas is None or isinstance(model_input, (dict, list, tuple)):
        return rows
    frame = pandas.DataFrame(rows)
    frame["ds"] = frame["ds"].astype("datetime64[us]")
    return frame


def _is_missing(value):
    if value is None:
        return True
    try:
        return bool(value != value)
    except TypeError:  # pandas.NA is neither equal nor unequal to itself
        return True


def _time(value):
    """A time as text, in UTC."""
    if _is_missing(value):
        return ""
    if getattr(value, "tzinfo", None) is not None:
        value = value.astimezone(timezone.utc).replace(tzinfo=None)
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def _some(names, most=10):
    names = list(names)
    more = "" if len(names) <= most else f" and {len(names) - most} more"
    return ", ".join(f"`{name}`" for name in names[:most]) + more


def _load_pyfunc(path):
    with open(path, encoding="utf-8") as file:
        return AtsafModel(json.load(file))
