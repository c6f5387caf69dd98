#!/usr/bin/env python3
"""HourlyPanel on a panel of hourly series beside statsforecast, and what a public table says of other models.

    python3 benches/reference/hourly_panel.py FOLDER [--recipes pool pool7 local] [--reference SeasonalNaive MSTL]

FOLDER has `train.csv.gz` and `test.csv.gz` with unique_id, ds, y: the hourly series of the M4 competition
(https://github.com/Mcompetitions/M4-methods), or a part of them, and the 48 hours after them. For each recipe one build
of three targets, from the CSV file to predictions, on all cores: sMAPE, MASE (season 24), MSIS and coverage of the test
hours, wall seconds, CPU seconds and peak memory of the whole process. Then the same measures of statsforecast's models
on the same hours, in this process; where statsforecast is not installed, the script says so. Last, for comparison, the
row `m4_hourly/H/short` of GIFT-Eval, all 414 series of the competition, as its leaderboard had it in November 2026
(https://huggingface.co/spaces/Salesforce/GIFT-Eval): figures read there, measured by others.

It needs pandas and pyarrow. The program is `target/release/atsaf` (another: `ATSAF=path`).
"""

import argparse
import os
import subprocess
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

ROOT = Path(__file__).resolve().parent.parent.parent
ATSAF = os.environ.get("ATSAF", str(ROOT / "target/release/atsaf"))
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
    frame = pd.read_csv(path, usecols=["unique_id", "ds", "y"])
    frame["ds"] = pd.to_datetime(frame.ds, utc=True)
    return frame


def scores(train, test, forecast):
    """sMAPE in %, MASE, MSIS and coverage in %, each the mean over the series."""
    forecast = forecast.assign(ds=pd.to_datetime(forecast.ds, utc=True))
    both = test.merge(forecast, on=["unique_id", "ds"], how="left")
    if both.yhat.isna().any():
        raise SystemExit(f"{both.yhat.isna().sum()} hours have no forecast")
    scale = train.groupby("unique_id").y.apply(lambda y: np.abs(y.values[SEASON:] - y.values[:-SEASON]).mean())
    by_series = lambda values: values.groupby(both.unique_id).mean()
    smape = by_series(200 * (both.y - both.yhat).abs() / (both.y.abs() + both.yhat.abs()))
    mase = by_series((both.y - both.yhat).abs()) / scale
    miss = (both.lo - both.y).clip(lower=0) + (both.y - both.hi).clip(lower=0)
    msis = by_series(both.hi - both.lo + 2 / (1 - LEVEL / 100) * miss) / scale
    inside = 100 * ((both.y >= both.lo) & (both.y <= both.hi)).mean()
    return smape.mean(), mase.mean(), msis.mean(), inside, mase.std() / len(mase) ** 0.5


def run_atsaf(folder, recipe):
    """Builds from nothing to predictions; gives them with wall and CPU seconds and peak memory in MB."""
    with tempfile.TemporaryDirectory() as directory:
        project = Path(directory)
        (project / "train.csv.gz").write_bytes((folder / "train.csv.gz").read_bytes())
        (project / "Atsaffile").write_text(ATSAFFILE.format(horizon=HORIZON, recipe=recipe))
        begun = time.perf_counter()
        with open(project / "output.txt", "w") as output:
            child = subprocess.Popen([ATSAF, "build", "predictions"], cwd=project, stdout=output, stderr=output)
            _, status, usage = os.wait4(child.pid, 0)
        wall = time.perf_counter() - begun
        if os.waitstatus_to_exitcode(status):
            raise SystemExit((project / "output.txt").read_text())
        forecast = pd.read_parquet(project / "predictions.parquet")
        cost = wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024
        return forecast.rename(columns={"lo-95": "lo", "hi-95": "hi"}), cost


def run_reference(train, names):
    """The forecasts of statsforecast's models by name, with their CPU seconds; nothing where it is not installed."""
    try:
        from statsforecast import StatsForecast
        from statsforecast import models as reference
    except ImportError:
        print("statsforecast is not installed: no figures of it")
        return
    make = {
        "SeasonalNaive": lambda: reference.SeasonalNaive(SEASON),
        "MSTL": lambda: reference.MSTL([SEASON, 7 * SEASON], alias="MSTL"),
        "AutoTheta": lambda: reference.AutoTheta(season_length=SEASON),
        "AutoETS": lambda: reference.AutoETS(season_length=SEASON),
        "AutoARIMA": lambda: reference.AutoARIMA(season_length=SEASON),
    }
    for name in names:
        begun = time.process_time()
        found = StatsForecast([make[name]()], freq="h").forecast(df=train.assign(ds=train.ds.dt.tz_localize(None)), h=HORIZON, level=[LEVEL])
        found = found.rename(columns={name: "yhat", f"{name}-lo-{LEVEL}": "lo", f"{name}-hi-{LEVEL}": "hi"})
        yield name, found, time.process_time() - begun


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--recipes", nargs="*", default=["pool", "pool7", "local"])
    parser.add_argument("--reference", nargs="*", default=["SeasonalNaive", "MSTL"])
    arguments = parser.parse_args()
    train, test = (read(arguments.folder / f"{part}.csv.gz") for part in ("train", "test"))
    print(f"{train.unique_id.nunique()} series, {len(train)} hours; the standard error of a MASE is about that in brackets")
    print(f"{'model':24} {'sMAPE':>7} {'MASE':>14} {'MSIS':>7} {'inside':>7} {'wall s':>7} {'CPU s':>7} {'MB':>5}")
    line = lambda name, s, cost: print(f"{name:24} {s[0]:7.3f} {s[1]:7.4f} ({s[4]:.3f}) {s[2]:7.3f} {s[3]:6.1f}% {cost}")
    for recipe in arguments.recipes:
        forecast, (wall, cpu, memory) = run_atsaf(arguments.folder, recipe)
        line(f"HourlyPanel {recipe}", scores(train, test, forecast), f"{wall:7.2f} {cpu:7.2f} {memory:5.0f}")
    for name, forecast, cpu in run_reference(train, arguments.reference):
        line(f"statsforecast {name}", scores(train, test, forecast), f"{'':7} {cpu:7.1f}")
    print("\nGIFT-Eval, m4_hourly/H/short, all 414 series (read there in November 2026):")
    for name, kind, mase, smape, msis in PUBLIC:
        shown = lambda value: "      –" if value is None else f"{value:7.2f}"
        print(f"{name:24} {shown(smape)} {mase:7.3f} {'':7} {shown(msis)}  {kind}")


if __name__ == "__main__":
    main()
