#!/usr/bin/env python3
"""A whole panel through ingest, prepare and validate in one build, against polars, which reads and writes the same rows.

    python3 benches/panel.py [--respondents 50] [--fuels 8] [--days 365] [--runs 3] [--cores 2] [--pages gz|plain|zst]

It generates recorded pages in the API's shape (3,504,000 rows in 701 pages), in a temporary directory, and runs on them, on
two cores: one `atsaf build` of three targets, and a Python program in which polars reads the same pages, sorts the rows and writes
them as Parquet. Printed are wall and CPU seconds and peak memory of both, the ratio of the wall seconds, and, for comparison,
polars reading and writing the same rows from Parquet to Parquet. It ends with 1 if atsaf needs more than 1 GiB, or more than three
times the time of polars on the pages. The program is `target/release/atsaf` (another: `ATSAF=path`); polars is installed, pinned,
into `target/`.
"""

import argparse
import gzip
import json
import os
import statistics
import subprocess
import sys
import tempfile
from datetime import datetime, timedelta
from pathlib import Path

from measure import measure

ROOT = Path(__file__).resolve().parent.parent
ATSAF = os.environ.get("ATSAF", str(ROOT / "target/release/atsaf"))
POLARS = "1.35.2"
PAGE = 5000
GIB = 1 << 30

ATSAFFILE = """
[target.ingest]
uses = "ingest_eia"
outputs = {{ raw = "raw.parquet" }}
with = {{ source = "pages", start_date = "2024-01-01", end_date = "{end}", respondent = "all", fueltype = "all" }}

[target.prepare]
uses = "prepare_clean"
inputs = ["raw"]
outputs = {{ clean = "clean.parquet", metadata = "metadata.json" }}

[target.validate]
uses = "validate_clean"
inputs = ["clean"]
outputs = {{ validation = "validation.json" }}
"""

READ_PAGES = """
import sys, glob, polars as pl
def page(path):
    rows = pl.read_json(path).select(pl.col("response").struct.field("data")).explode("data").unnest("data")
    return rows.select("period", "respondent", "fueltype", pl.col("value").cast(pl.Float64))
rows = pl.concat([page(path) for path in sorted(glob.glob("plain/*.json"))])
rows = rows.with_columns((pl.col("period") + ":00").str.to_datetime("%Y-%m-%dT%H:%M")).sort("period", "respondent", "fueltype")
rows.write_parquet("polars.parquet", compression="zstd", compression_level=3)
"""

READ_PARQUET = """
import polars as pl
pl.read_parquet("raw.parquet").write_parquet("again.parquet", compression="zstd", compression_level=3)
"""


def rows(respondents, fuels, days):
    """The rows of the panel, as the API orders them; values are whole numbers with a daily swing."""
    start = datetime(2024, 1, 1)
    for hour in range(24 * days):
        period = (start + timedelta(hours=hour)).strftime("%Y-%m-%dT%H")
        for r in range(respondents):
            for f in range(fuels):
                value = 1000 + 37 * r + 211 * f + 50 * (hour % 24) + (hour * 7 + r * 13 + f * 29) % 97
                yield (
                    f'{{"period":"{period}","respondent":"R{r:02}","respondent-name":"Balancing authority {r}",'
                    f'"fueltype":"F{f}","type-name":"Fuel {f}","value":"{value}","value-units":"megawatthours"}}'
                )


def write_pages(directory, args):
    """The pages, plain for polars and as asked for atsaf; gives the number of rows."""
    total = args.respondents * args.fuels * args.days * 24
    for name in ("plain", "pages"):
        (directory / name).mkdir()
    written, at = 0, 0
    stream = rows(args.respondents, args.fuels, args.days)
    while written < total:
        page = [row for _, row in zip(range(PAGE), stream)]
        offset, written = written, written + len(page)
        request = {"command": "/v2/electricity/rto/fuel-type-data/data/", "params": {"offset": offset, "length": PAGE}}
        text = f'{{"response":{{"total":"{total}","frequency":"hourly","data":[{",".join(page)}]}},"request":{json.dumps(request)}}}'
        plain = directory / f"plain/page-{at:05}.json"
        plain.write_text(text)
        if args.pages == "plain":
            os.link(plain, directory / f"pages/{plain.name}")
        elif args.pages == "gz":
            (directory / f"pages/{plain.name}.gz").write_bytes(gzip.compress(text.encode(), 6))
        else:
            subprocess.run(["zstd", "-q", str(plain), "-o", str(directory / f"pages/{plain.name}.zst")], check=True)
        at += 1
    return total, at


def python_with_polars():
    """A Python with the pinned polars."""
    venv = ROOT / f"target/polars-{POLARS}"
    python = venv / "bin/python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(venv)], check=True)
        subprocess.run([str(python), "-m", "pip", "install", "-q", f"polars=={POLARS}"], check=True)
    return str(python)


def measured(command, directory, cores):
    """Wall and CPU seconds and peak bytes of one process."""
    env = dict(os.environ, POLARS_MAX_THREADS=str(cores), RAYON_NUM_THREADS=str(cores))
    said = directory / "said"
    cost, code = measure(["taskset", "-c", f"0-{cores - 1}", *command], directory, said, env)
    if code != 0:
        sys.exit(f"{command[0]} failed:\n{said.read_text()[-3000:]}")
    return cost.wall, cost.cpu, cost.memory * 2**20


def line(name, runs):
    wall, cpu, peak = (statistics.median(run[at] for run in runs) for at in range(3))
    print(f"{name:<42} {wall:8.2f} {cpu:8.2f} {peak / 2**20:8.0f}", flush=True)
    return wall, max(run[2] for run in runs)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--respondents", type=int, default=50)
    parser.add_argument("--fuels", type=int, default=8)
    parser.add_argument("--days", type=int, default=365)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--cores", type=int, default=2)
    parser.add_argument("--pages", choices=["gz", "plain", "zst"], default="gz")
    args = parser.parse_args()
    python = python_with_polars()
    with tempfile.TemporaryDirectory(prefix="panel-") as name:
        directory = Path(name)
        total, pages = write_pages(directory, args)
        end = (datetime(2024, 1, 1) + timedelta(days=args.days - 1)).strftime("%Y-%m-%d")
        (directory / "Atsaffile").write_text(ATSAFFILE.format(end=end))
        print(f"{total} rows in {pages} pages, {args.cores} cores, medians of {args.runs} runs\n")
        print(f"{'':<42} {'wall s':>8} {'CPU s':>8} {'peak MiB':>8}")
        build = [ATSAF, "build", "-B", "-q"]
        ours = line("atsaf: ingest, prepare, validate", [measured(build, directory, args.cores) for _ in range(args.runs)])
        reads = [measured([python, "-c", READ_PAGES], directory, args.cores) for _ in range(args.runs)]
        theirs = line("polars: pages to Parquet", reads)
        copies = [measured([python, "-c", READ_PARQUET], directory, args.cores) for _ in range(args.runs)]
        copy = line("polars: Parquet to Parquet", copies)
    print(f"\natsaf / polars on the pages: {ours[0] / theirs[0]:.2f}; on Parquet alone: {ours[0] / copy[0]:.2f}")
    print(f"peak memory of atsaf: {ours[1] / GIB:.2f} GiB")
    return int(ours[1] > GIB or ours[0] > 3 * theirs[0])


if __name__ == "__main__":
    sys.exit(main())
