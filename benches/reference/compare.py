#!/usr/bin/env python3
"""statsforecast and atsaf on the same series, side by side in one run.

    python3 benches/reference/compare.py SERIES [--models SeasonalNaive HoltWinters ...] [--horizon 24] [--windows 5]
        [--step 168] [--level 95] [--sample N] [--jobs 1]

SERIES is a CSV file (may be gzipped) with unique_id, ds, y; a directory of recorded EIA pages (`page-*.json`); or
`generated:1000x720` for so many series of so many hours, the same in each run.
Both sides back-test each model with a rolling origin and a refit at each cutoff, on one core or on `--jobs` of them,
each model in a process of its own. Printed are, for each: RMSE (mean over windows, and the ratio), MASE by the first
season, coverage of the interval, the largest difference of a point forecast relative to the series' mean level, CPU and
wall seconds, peak memory, and how many times faster atsaf was.

What is measured: of statsforecast the back-test alone, after a warm-up that compiles its functions on the first
window, which is not counted (with several cores its memory is that of the parent alone); of atsaf the whole process,
reading, writing and choosing included. Models without a counterpart in statsforecast are shown without a ratio.

The program is `target/release/atsaf` (another: `ATSAF=path`). The script makes its own virtual environment from
`requirements.txt` in `target/reference-venv`, once.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from environment import ATSAF, measure, own_environment

# Threads within a fit would hide work: on both sides, one process or thread of the pool is one core.
ONE_THREAD = {name: "1" for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS")}

# Models of the same name on both sides, as statsforecast calls them; `day` and `week` are the two season lengths.
REFERENCE = {
    "SeasonalNaive": "SeasonalNaive(day)",
    "AutoARIMA": "AutoARIMA(season_length=day)",
    "DynamicOptimizedTheta": "DynamicOptimizedTheta(season_length=day)",
    "HoltWinters": "HoltWinters(season_length=day)",
    "MSTL_ARIMA": "MSTL([day, week], trend_forecaster=AutoARIMA())",
    # HoltWinters() as trend forecaster fails in statsforecast ("Nonseasonal data"); Holt's linear trend is meant.
    "MSTL_HoltWinters": "MSTL([day, week], trend_forecaster=Holt(season_length=1))",
    "AutoETS": "AutoETS(season_length=day)",
    "AutoTheta": "AutoTheta(season_length=day)",
    "MSTL_ETS": "MSTL([day, week], trend_forecaster=AutoETS(model='ZZN'))",
    "MSTL_Theta": "MSTL([day, week], trend_forecaster=AutoTheta())",
    "TBATS": "AutoTBATS(season_length=[day, week])",
}
DEFAULT = ["SeasonalNaive", "DynamicOptimizedTheta", "HoltWinters", "MSTL_ARIMA", "MSTL_HoltWinters", "LagRidge", "DoubleSeasonalHoltWinters"]


def read_series(path, sample):
    """The series as a frame of unique_id, ds, y, sorted; of `sample` of them only, where that is given."""
    import pandas as pd

    if path.startswith("generated:"):
        frame = generate(*map(int, path.removeprefix("generated:").split("x")))
    elif Path(path).is_dir():
        rows = [row for page in sorted(Path(path).glob("page-*.json")) for row in json.loads(page.read_text())["response"]["data"]]
        frame = pd.DataFrame({
            "unique_id": [f"{row['respondent']}_{row['fueltype']}" for row in rows],
            "ds": pd.to_datetime([row["period"] for row in rows]),
            "y": [float(row["value"]) for row in rows],
        })
    else:
        frame = pd.read_csv(path, parse_dates=["ds"])[["unique_id", "ds", "y"]]
    frame["ds"] = pd.to_datetime(frame.ds, utc=True).dt.tz_localize(None)
    if sample:
        frame = frame[frame.unique_id.isin(sorted(frame.unique_id.unique())[:sample])]
    return frame.sort_values(["unique_id", "ds"]).reset_index(drop=True)


def generate(count, hours):
    """Series with a level, a daily and a weekly pattern of their own, and noise that lasts: positive, seeded."""
    import numpy as np
    import pandas as pd

    random = np.random.default_rng(20240101)
    hour = np.arange(hours)
    times = pd.date_range("2024-01-01", periods=hours, freq="h")
    frames = []
    for number in range(count):
        level, day, week = random.lognormal(6, 1), random.normal(0, 0.15, 24), random.normal(0, 0.05, 7)
        noise, carried = random.normal(0, 0.03, hours), np.empty(hours)
        last, memory = 0.0, random.uniform(0.5, 0.98)
        for at in hour:
            carried[at] = last = memory * last + noise[at]
        y = level * np.exp(np.cumsum(day - day.mean())[hour % 24] / 3 + week[hour // 24 % 7] + carried)
        frames.append(pd.DataFrame({"unique_id": f"S{number:05}", "ds": times, "y": y}))
    return pd.concat(frames, ignore_index=True)


def reference(name, series, out, setup):
    """One model of statsforecast in this process: its back-test to `out`, its cost to stdout."""
    import pandas as pd
    from statsforecast import StatsForecast
    from statsforecast import models

    frame = pd.read_parquet(series)
    day, week = setup["seasons"]
    model = eval(REFERENCE[name], {**vars(models), "day": day, "week": week})
    forecaster = StatsForecast(models=[model], freq=setup["freq"], n_jobs=setup["jobs"])
    # Compiles what has to be compiled, without being counted: one series, one window.
    first = frame[frame.unique_id == frame.unique_id.iloc[0]]
    test = dict(h=setup["horizon"], step_size=setup["step"], level=[setup["level"]], refit=True)
    if name != "AutoARIMA":  # which takes minutes a window, beside which its compilation is nothing
        forecaster.cross_validation(df=first, n_windows=1, **test)
    wall, cpu = time.perf_counter(), cpu_seconds()
    found = forecaster.cross_validation(df=frame, n_windows=setup["windows"], **test)
    cost = {"cpu": cpu_seconds() - cpu, "wall": time.perf_counter() - wall}
    cost["memory"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    alias = next(column for column in found if column not in ("unique_id", "ds", "cutoff", "y") and "-lo-" not in column and "-hi-" not in column)
    lo, hi = (next((c for c in found if c.startswith(f"{alias}-{side}-")), None) for side in ("lo", "hi"))
    found = found.rename(columns={alias: "yhat", lo: "lo", hi: "hi"})
    found[["unique_id", "ds", "cutoff", "y", "yhat", "lo", "hi"]].to_parquet(out)
    print(json.dumps(cost))


def cpu_seconds():
    """Of this process and of those that it has waited for."""
    return sum(
        usage.ru_utime + usage.ru_stime for usage in map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    )


def run_reference(name, series, directory, setup):
    out = directory / f"{name}.reference.parquet"
    command = [sys.executable, __file__, str(series), "--reference", name, str(out), json.dumps(setup)]
    done = subprocess.run(command, env={**os.environ, **ONE_THREAD}, capture_output=True, text=True)
    if done.returncode != 0:
        return None, (done.stderr.strip().splitlines() or ["no message"])[-1]
    return out, json.loads(done.stdout.strip().splitlines()[-1])


def run_atsaf(name, series, directory, setup):
    """One model of atsaf: a project of its own with one target, whose whole process is measured."""
    project = directory / name
    project.mkdir()
    (project / "validation.json").write_text('{"status": "valid"}\n')
    os.link(series, project / "series.csv")
    (project / "Atsaffile").write_text(f"""\
[params]
horizon   = {setup["horizon"]}
n_windows = {setup["windows"]}
step_size = {setup["step"]}
level     = {setup["level"]}
models    = ["{name}"]
season_length = {json.dumps(setup["seasons"])}

[target.train]
uses    = "train_backtest_select"
inputs  = {{ clean = "series.csv", validation = "validation.json" }}
outputs = {{ cv_results = "cv_results.parquet", leaderboard = "leaderboard.parquet", selected = "selected.json" }}
""")
    jobs, output = str(setup["jobs"]), project / "output.txt"
    cost, code = measure([ATSAF, "build", "train", "-j", jobs], project, output, {**os.environ, "RAYON_NUM_THREADS": jobs})
    if code != 0:
        said = [line for line in output.read_text().splitlines() if line.strip()]
        return None, next((line for line in said if "error" in line), said[-1] if said else f"exit code {code}")
    cost = cost._asdict()
    log = subprocess.run([ATSAF, "logs", "train"], cwd=project, capture_output=True, text=True).stdout
    cost["log"] = next((line.strip() for line in log.splitlines() if f"{name}:" in line), "")
    return project / "cv_results.parquet", cost


def accuracy(path, series, season):
    """RMSE and MASE as means over the windows of all series, coverage in percent, and the forecasts by time."""
    import numpy as np
    import pandas as pd

    found = pd.read_parquet(path)
    for column in ("ds", "cutoff"):
        found[column] = pd.to_datetime(found[column], utc=True).dt.tz_localize(None).astype("datetime64[ns]")
    past = {name: (group.ds.to_numpy(), group.y.to_numpy()) for name, group in series.groupby("unique_id")}
    rmse, mase = [], []
    for (name, cutoff), window in found.groupby(["unique_id", "cutoff"]):
        error = (window.y - window.yhat).to_numpy()
        times, values = past[name]
        seen = values[times <= cutoff.to_datetime64()]
        rmse.append(np.sqrt(np.mean(error**2)))
        mase.append(np.mean(np.abs(error)) / np.mean(np.abs(seen[season:] - seen[:-season])))
    inside = (found.y >= found.lo) & (found.y <= found.hi)
    forecasts = found.set_index(["unique_id", "cutoff", "ds"]).yhat.sort_index()
    return {"rmse": np.mean(rmse), "mase": np.mean(mase), "coverage": 100 * inside.mean(), "forecasts": forecasts}


def compare(arguments):
    frame = read_series(arguments.series, arguments.sample)
    setup = {
        "horizon": arguments.horizon,
        "windows": arguments.windows,
        "step": arguments.step,
        "level": arguments.level,
        "seasons": arguments.seasons,
        "freq": arguments.freq,
        "jobs": arguments.jobs,
    }
    level = frame.groupby("unique_id").y.apply(lambda y: y.abs().mean())
    header = f"{'model':<26}{'':<14}{'RMSE':>12}{'MASE':>8}{'cover':>7}{'diff':>10}{'CPU s':>9}{'wall s':>9}{'MB':>7}"
    print(f"{frame.unique_id.nunique()} series of {len(frame) // frame.unique_id.nunique()} values on average; {setup}\n{header}")
    with tempfile.TemporaryDirectory() as scratch:
        directory = Path(scratch)
        frame.to_parquet(directory / "series.parquet")
        frame.to_csv(directory / "series.csv", index=False, date_format="%Y-%m-%dT%H:%M:%SZ")
        failed = False
        for name in arguments.models:
            sides = {"atsaf": run_atsaf(name, directory / "series.csv", directory, setup)}
            if name in REFERENCE:
                sides["statsforecast"] = run_reference(name, directory / "series.parquet", directory, setup)
            told = {}
            for side, (path, cost) in reversed(sides.items()):
                if path is None:
                    print(f"{name:<26}{side:<14}failed: {cost}")
                    failed |= side == "atsaf"
                    continue
                found = {**accuracy(path, frame, setup["seasons"][0]), **cost}
                told[side] = found
                apart = ""
                if side == "atsaf" and "statsforecast" in told:
                    difference = (found["forecasts"] - told["statsforecast"]["forecasts"]).abs()
                    if difference.isna().any():
                        sys.exit(f"{name}: the two sides forecast different times")
                    apart = f"{(difference / level.reindex(difference.index.get_level_values(0)).to_numpy()).max():.1e}"
                print(
                    f"{name:<26}{side:<14}{found['rmse']:>12.3f}{found['mase']:>8.4f}{found['coverage']:>7.1f}{apart:>10}"
                    f"{found['cpu']:>9.3f}{found['wall']:>9.3f}{found['memory']:>7.0f}"
                )
            if len(told) == 2:
                ours, theirs = told["atsaf"], told["statsforecast"]
                print(
                    f"{'':<26}{'ratio':<14}{ours['rmse'] / theirs['rmse']:>12.4f}{ours['mase'] / theirs['mase']:>8.4f}{'':>17}"
                    f"{theirs['cpu'] / ours['cpu']:>8.1f}x{theirs['wall'] / ours['wall']:>8.1f}x{theirs['memory'] / ours['memory']:>6.1f}x"
                )
            if "atsaf" in told and told["atsaf"]["log"]:
                print(f"{'':<26}{'log':<14}{told['atsaf']['log']}")
    return 1 if failed else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("series")
    parser.add_argument("--models", nargs="+", default=DEFAULT)
    parser.add_argument("--horizon", type=int, default=24)
    parser.add_argument("--windows", type=int, default=5)
    parser.add_argument("--step", type=int, default=168)
    parser.add_argument("--level", type=int, default=95)
    parser.add_argument("--seasons", type=int, nargs=2, default=[24, 168])
    parser.add_argument("--freq", default="h", help="the frequency as pandas calls it")
    parser.add_argument("--sample", type=int, default=0, help="only the first N series")
    parser.add_argument("--jobs", type=int, default=1, help="cores for each side")
    parser.add_argument("--reference", nargs=3, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    own_environment()
    if arguments.reference:
        name, out, setup = arguments.reference
        return reference(name, arguments.series, out, json.loads(setup))
    return compare(arguments)


if __name__ == "__main__":
    sys.exit(main())
