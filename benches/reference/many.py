#!/usr/bin/env python3
"""Generated panels of growing size through the default eight models: wall, CPU seconds and peak memory.

    python3 benches/reference/many.py [10x720 100x720 1000x720 400x8760] [--windows 1] [--jobs 2] [--models ...] [--reference 4]

Each size is so many series of so many hours, the same in each run (`generate` of `compare.py`), as a Parquet file. For each, one
build of three targets, from that file to predictions of 24 hours: validation, a back-test of all models on all series in
`--windows` windows a week apart, each series forecast by the best model. What is measured is the whole process.

`--reference N` lets statsforecast back-test the same models, as far as it has them, on the first N series of each size, on as
many cores, each model in a process of its own; its seconds are told for all series, N of them times as many. AutoARIMA takes
it minutes a window on a year of hours, and is left out unless `--with-arima` is set; then the line says so. The ratio is that of the CPU
seconds, of a back-test alone on its side and of everything on this one's.

The script ends with 1 if a build needs more than 1 GiB, or 400x8760 more than five minutes.
The program is `target/release/atsaf` (another: `ATSAF=path`). The environment is that of `compare.py`.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from compare import REFERENCE, generate, run_reference
from environment import ATSAF, measure, own_environment

EIGHT = [
    "SeasonalNaive", "AutoARIMA", "DynamicOptimizedTheta", "HoltWinters", "MSTL_ARIMA", "MSTL_HoltWinters", "LagRidge",
    "DoubleSeasonalHoltWinters",
]
SIZES = ["10x720", "100x720", "1000x720", "400x8760"]
GIB, MINUTES = 1024, {"400x8760": 5}

ATSAFFILE = """\
[params]
horizon   = {horizon}
n_windows = {windows}
step_size = {step}
models    = {models}
season_length = {seasons}

[target.validate]
uses    = "validate_clean"
inputs  = {{ clean = "series.parquet" }}
outputs = {{ validation = "validation.json" }}

[target.train]
uses    = "train_backtest_select"
inputs  = {{ clean = "series.parquet", validation = "validation" }}
outputs = {{ cv_results = "cv_results.parquet", leaderboard = "leaderboard.parquet", selected = "selected.json" }}
with    = {{ select = "per_series" }}

[target.predictions]
uses    = "forecast_publish"
inputs  = {{ clean = "series.parquet", validation = "validation", selected = "selected" }}
outputs = {{ predictions = "predictions.parquet" }}
"""


def build(project, setup):
    """One build of all three targets in a process of its own: its cost, and the seconds of each model."""
    (project / "Atsaffile").write_text(ATSAFFILE.format(**{name: json.dumps(value) for name, value in setup.items()}))
    jobs = str(setup["jobs"])
    output = project / "output.txt"
    cost, code = measure([ATSAF, "build", "predictions", "-j", jobs], project, output, {**os.environ, "RAYON_NUM_THREADS": jobs})
    if code != 0:
        sys.exit(output.read_text())
    log = subprocess.run([ATSAF, "logs", "train"], cwd=project, capture_output=True, text=True).stdout
    seconds = [line.strip() for line in log.splitlines() if " fits in " in line]
    return {**cost._asdict(), "log": seconds}


def sample_cost(frame, count, models, directory, setup):
    """CPU seconds of statsforecast's back-test of the models on the first `count` series, all models together."""
    import pandas as pd

    names = sorted(frame.unique_id.unique())[:count]
    path = directory / "sample.parquet"
    sample = frame[frame.unique_id.isin(names)].copy()
    sample["ds"] = pd.to_datetime(sample.ds).astype("datetime64[ns]")
    sample.to_parquet(path)
    total = 0.0
    for name in models:
        found, cost = run_reference(name, path, directory, setup)
        if found is None:
            sys.exit(f"{name}: {cost}")
        print(f"    statsforecast {name:<24}{cost['cpu'] / len(names):>10.3f} CPU s a series")
        total += cost["cpu"]
    return total / len(names)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sizes", nargs="*", default=SIZES)
    parser.add_argument("--models", nargs="+", default=EIGHT)
    parser.add_argument("--windows", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=2, help="cores for each side")
    parser.add_argument("--reference", type=int, default=0, help="series that statsforecast back-tests of each size")
    parser.add_argument("--with-arima", action="store_true", help="with AutoARIMA on that side too")
    arguments = parser.parse_args()
    own_environment()
    setup = {
        "horizon": 24, "windows": arguments.windows, "step": 168, "level": 95, "seasons": [24, 168], "freq": "h",
        "jobs": arguments.jobs, "models": arguments.models,
    }
    theirs = [name for name in arguments.models if name in REFERENCE and (name != "AutoARIMA" or arguments.with_arima)]
    print(f"{', '.join(arguments.models)}; {arguments.windows} windows, {arguments.jobs} cores")
    print(f"{'series x hours':<16}{'wall s':>10}{'CPU s':>10}{'CPU s a series':>16}{'MB':>8}{'reference, a series':>22}{'ratio':>9}")
    failed = False
    for size in arguments.sizes:
        count, hours = map(int, size.split("x"))
        with tempfile.TemporaryDirectory() as scratch:
            directory = Path(scratch)
            frame = generate(count, hours)
            utc = frame.assign(ds=frame.ds.dt.tz_localize("UTC").astype("datetime64[us, UTC]"))
            utc.to_parquet(directory / "series.parquet", index=False)
            del utc
            cost = build(directory, setup)
            line = f"{size:<16}{cost['wall']:>10.1f}{cost['cpu']:>10.1f}{cost['cpu'] / count:>16.3f}{cost['memory']:>8.0f}"
            if arguments.reference:
                seconds = sample_cost(frame, arguments.reference, theirs, directory, setup)
                line += f"{seconds:>22.2f}{seconds * count / cost['cpu']:>8.0f}x"
            print(line, *(f"    {seconds}" for seconds in cost["log"]), sep="\n", flush=True)
            failed |= cost["memory"] > GIB or cost["wall"] > 60 * MINUTES.get(size, float("inf"))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
