#!/usr/bin/env python3
"""HourlyPanel on a panel of hourly series beside statsforecast, and what a public table says of other models.

    python3 benches/reference/hourly_panel.py FOLDER [--recipes pool pool7 local] [--reference SeasonalNaive MSTL]

FOLDER has `train.csv.gz` and `test.csv.gz` with unique_id, ds, y: the hourly series of the M4 competition
(https://github.com/Mcompetitions/M4-methods), or a part of them, and the 48 hours after them; where the test file has
`naive2`, the competition's own forecasts, the OWA is told, too. For each recipe one build of three targets, from the CSV
file to predictions, on all cores: sMAPE, MASE (season 24), MSIS and coverage of the test hours, wall seconds, CPU seconds
and peak memory of the whole process. Then the same measures of statsforecast's models on the same hours, their forecast
alone. Last, for comparison, the row `m4_hourly/H/short` of GIFT-Eval, all 414 series of the competition, as its
leaderboard had it in November 2026 (https://huggingface.co/spaces/Salesforce/GIFT-Eval): figures read there, measured by
others, for those models' weights come in no package of PyPI.

The program is `target/release/atsaf` (another: `ATSAF=path`). The script makes its own virtual environment from
`requirements.txt` in `target/reference-venv`, once.
"""

import argparse
import itertools
import tempfile
import time
from pathlib import Path

from environment import ATSAF, measure, own_environment

HORIZON, SEASON, LEVEL = 48, 24, 95

ATSAFFILE = """
[params]
horizon     = {horizon}
ended_after = 100000

[target.validate]
uses    = "validate_clean"
inputs  = {{ clean = "train.csv.gz" }}
outputs = {{ validation = "validation.json" }}

[target.train]
uses    = "train_backtest_select"
inputs  = {{ clean = "train.csv.gz", validation = "validation" }}
outputs = {{ cv_results = "cv.parquet", leaderboard = "leaderboard.parquet", selected = "selected.json" }}
with    = {{ models = ["HourlyPanel"], n_windows = 1, HourlyPanel = {{ recipe = "{recipe}", rounding = "auto" }} }}

[target.predictions]
uses    = "forecast_publish"
inputs  = {{ clean = "train.csv.gz", validation = "validation", selected = "selected" }}
outputs = {{ predictions = "predictions.parquet" }}
"""

# Entry, kind, MASE, sMAPE in %, MSIS.
PUBLIC = [
    ("Falcon-Agent", "agentic", 0.607, 7.15, 4.72),
    ("Falcon-2.0", "pre-trained", 0.616, 7.05, 5.79),
    ("Toto-2.0-2.5B", "pre-trained, 2.5 billion parameters", 0.653, 7.77, 4.97),
    ("Toto-2.0-1B", "pre-trained", 0.668, 7.71, 5.04),
    ("EXAONE-Forecast", "the best of 39 zero-shot entries", 0.681, 7.61, 5.28),
    ("Chronos (base)", "pre-trained", 0.693, 7.66, 8.44),
    ("TiRex", "zero-shot", 0.722, 7.85, 5.45),
    ("TimesFM-2.5", "pre-trained", 0.734, None, 6.35),
    ("Chronos-2", "pre-trained", 0.788, None, 5.53),
    ("Moirai2", "pre-trained", 0.809, None, 6.64),
    ("AutoARIMA", "statistical", 1.030, None, None),
    ("SeasonalNaive", "statistical", 1.193, None, None),
    ("AutoETS", "statistical", 1.610, None, None),
    ("AutoTheta", "statistical", 2.460, None, None),
]


def read(path):
    """The series, with times without a zone: all of them are UTC."""
    import pandas as pd

    frame = pd.read_csv(path, usecols=lambda column: column in ("unique_id", "ds", "y", "naive2"))
    return frame.assign(ds=hours(frame.ds))


def hours(times):
    """Times as pandas compares them."""
    import pandas as pd

    return pd.to_datetime(times, utc=True).dt.tz_localize(None).astype("datetime64[ns]")


def scores(train, test, forecast):
    """sMAPE in %, MASE with its standard error, OWA (none without `naive2`), MSIS and coverage in %: means over the series."""
    import numpy as np

    both = test.merge(forecast[["unique_id", "ds", "yhat", "lo", "hi"]].assign(ds=hours(forecast.ds)), on=["unique_id", "ds"], how="left")
    if both.yhat.isna().any():
        raise SystemExit(f"{both.yhat.isna().sum()} hours have no forecast")
    scale = train.groupby("unique_id").y.apply(lambda y: np.abs(y.values[SEASON:] - y.values[:-SEASON]).mean())
    by_series = lambda values: values.groupby(both.unique_id).mean()
    smape = lambda column: by_series(200 * (both.y - both[column]).abs() / (both.y.abs() + both[column].abs())).mean()
    mase = lambda column: by_series((both.y - both[column]).abs()) / scale
    miss = (both.lo - both.y).clip(lower=0) + (both.y - both.hi).clip(lower=0)
    msis = by_series(both.hi - both.lo + 2 / (1 - LEVEL / 100) * miss) / scale
    own = mase("yhat")
    return {
        "smape": smape("yhat"),
        "mase": own.mean(),
        "error": own.std() / len(own) ** 0.5,
        "owa": (smape("yhat") / smape("naive2") + own.mean() / mase("naive2").mean()) / 2 if "naive2" in both else None,
        "msis": msis.mean(),
        "inside": 100 * ((both.y >= both.lo) & (both.y <= both.hi)).mean(),
    }


def run_atsaf(folder, recipe):
    """Builds from nothing to predictions; gives them with wall and CPU seconds and peak memory in MB."""
    import pandas as pd

    with tempfile.TemporaryDirectory() as directory:
        project = Path(directory)
        (project / "train.csv.gz").write_bytes((folder / "train.csv.gz").read_bytes())
        (project / "Atsaffile").write_text(ATSAFFILE.format(horizon=HORIZON, recipe=recipe))
        output = project / "output.txt"
        cost, code = measure([ATSAF, "build", "predictions"], project, output)
        if code != 0:
            raise SystemExit(output.read_text())
        forecast = pd.read_parquet(project / "predictions.parquet")
        return forecast.rename(columns={"lo-95": "lo", "hi-95": "hi"}), cost


def run_reference(train, names):
    """The forecasts of statsforecast's models by name, with wall and CPU seconds."""
    from statsforecast import StatsForecast
    from statsforecast import models as reference

    make = {
        "SeasonalNaive": lambda: reference.SeasonalNaive(SEASON),
        "MSTL": lambda: reference.MSTL([SEASON, 7 * SEASON], alias="MSTL"),
        "AutoTheta": lambda: reference.AutoTheta(season_length=SEASON),
        "AutoETS": lambda: reference.AutoETS(season_length=SEASON),
        "AutoARIMA": lambda: reference.AutoARIMA(season_length=SEASON),
    }
    for name in names:
        wall, cpu = time.perf_counter(), time.process_time()
        found = StatsForecast([make[name]()], freq="h").forecast(df=train, h=HORIZON, level=[LEVEL])
        cost = time.perf_counter() - wall, time.process_time() - cpu, None
        yield name, found.rename(columns={name: "yhat", f"{name}-lo-{LEVEL}": "lo", f"{name}-hi-{LEVEL}": "hi"}), cost


def line(name, cells, kind=""):
    """One line of the table; what is `None` is not known."""
    forms = ["7.3f", "7.4f", "6.3f", "6.3f", "7.3f", "6.1f", "7.2f", "7.2f", "5.0f"]
    width = lambda form: int(form.split(".")[0])
    shown = [f"{'–':>{width(form)}}" if cell is None else f"{cell:{form}}" for form, cell in zip(forms, cells)]
    print(f"{name:26}", *shown, kind)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--recipes", nargs="*", default=["pool", "pool7", "local"])
    parser.add_argument("--reference", nargs="*", default=["SeasonalNaive", "MSTL"])
    arguments = parser.parse_args()
    own_environment()
    train, test = (read(arguments.folder / f"{part}.csv.gz") for part in ("train", "test"))
    print(f"{train.unique_id.nunique()} series, {len(train)} hours; ± is the standard error of the MASE over the series")
    heads = ["sMAPE", "MASE", "±", "OWA", "MSIS", "inside", "wall s", "CPU s", "MB"]
    print(f"{'model':26}", *(f"{head:>{width}}" for head, width in zip(heads, [7, 7, 6, 6, 7, 6, 7, 7, 5])))
    ours = ((f"HourlyPanel {recipe}", *run_atsaf(arguments.folder, recipe)) for recipe in arguments.recipes)
    theirs = ((f"statsforecast {name}", *rest) for name, *rest in run_reference(train[["unique_id", "ds", "y"]], arguments.reference))
    for name, forecast, cost in itertools.chain(ours, theirs):
        found = scores(train, test, forecast)
        line(name, [*(found[key] for key in ("smape", "mase", "error", "owa", "msis", "inside")), *cost])
    print("\nGIFT-Eval, m4_hourly/H/short, all 414 series (read there in November 2026):")
    for name, kind, mase, smape, msis in PUBLIC:
        line(name, [smape, mase, None, None, msis, None, None, None, None], kind)


if __name__ == "__main__":
    main()
