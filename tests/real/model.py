"""What `model.sh` asks of the packaged model, through MLflow's own client. One function a step."""

import json
import shutil
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import mlflow
import mlflow.pyfunc
import numpy
import pandas


def compare(found, expected, what):
    """Two tables of predictions: the same rows, and numbers within 1e-9 of their size."""
    assert list(found.columns) == list(expected.columns), (list(found.columns), list(expected.columns))
    assert len(found) == len(expected) > 0, (what, len(found), len(expected))
    largest = 0.0
    for name in expected.columns:
        if expected[name].dtype.kind == "f":
            size = numpy.maximum(numpy.abs(expected[name].to_numpy()), 1.0)
            largest = max(largest, float(numpy.max(numpy.abs(found[name].to_numpy() - expected[name].to_numpy()) / size)))
        else:
            assert list(found[name].astype(str)) == list(expected[name].astype(str)), (what, name)
    assert largest <= 1e-9, (what, largest)
    print(f"{what}: {len(found)} rows equal, largest relative difference {largest:g}")


def first(table, steps):
    return table.groupby("unique_id", sort=False).head(steps).reset_index(drop=True)


def fails(kind, words, call):
    try:
        call()
    except kind as error:
        assert all(word in str(error) for word in words), str(error)
        print(f"refused: {error}")
        return
    raise AssertionError(f"{words} was not refused")


def loads(model, predictions):
    started = time.monotonic()
    loaded = mlflow.pyfunc.load_model(model)
    print(f"loaded in {time.monotonic() - started:.2f} s")
    expected = pandas.read_parquet(predictions)
    horizon = len(expected) // expected["unique_id"].nunique()
    compare(loaded.predict(pandas.DataFrame()), expected, "an empty frame")
    compare(loaded.predict(pandas.DataFrame({"horizon": [horizon]})), expected, "the pipeline's horizon")
    compare(loaded.predict(pandas.DataFrame({"horizon": [5]})), first(expected, 5), "a horizon of 5")
    compare(loaded.predict(pandas.DataFrame(), params={"horizon": 5}), first(expected, 5), "5 as a parameter")
    compare(loaded.predict(loaded.input_example), expected, "the model's own example")
    beyond = loaded.predict(pandas.DataFrame({"horizon": [4 * 168]}))
    assert len(beyond) == 2 * 4 * 168 and not beyond.isna().any().any()
    compare(first(beyond, horizon), expected, "the first steps of four weeks")
    one = loaded.predict(pandas.DataFrame({"unique_id": ["south"], "horizon": [7]}))
    compare(one, first(expected[expected["unique_id"] == "south"], 7), "one series")
    assert beyond["ds"].dtype.kind == "M", beyond["ds"].dtype
    width = (beyond["hi-95"] - beyond["lo-95"]).groupby(beyond["unique_id"]).agg(["first", "last"])
    assert (width["last"] > width["first"]).all(), width


def refuses(model):
    loaded = mlflow.pyfunc.load_model(model)
    ask = lambda **columns: lambda: loaded.predict(pandas.DataFrame(columns))
    fails(ValueError, ["holds 672 steps, and 673 were asked for", "give the history"], ask(horizon=[673]))
    fails(ValueError, ["1 or more; it is 0"], ask(horizon=[0]))
    fails(ValueError, ["several values"], ask(horizon=[3, 4]))
    fails(ValueError, ["no series `west`", "`north`, `south`"], ask(unique_id=["west"]))
    fails(ValueError, ["`y` is missing"], ask(unique_id=["north"], ds=["2024-01-01"]))
    fails(ValueError, ["needs the column `unique_id`"], ask(ds=["2024-01-01"], y=[1.0]))


def lacks_the_program(model, history):
    loaded = mlflow.pyfunc.load_model(model)
    newer = pandas.read_csv(history, parse_dates=["ds"])
    fails(RuntimeError, ["takes the `atsaf` program", "neither on PATH nor in this Python"], lambda: loaded.predict(newer))


def fits_again(model, history, predictions):
    loaded = mlflow.pyfunc.load_model(model)
    expected = pandas.read_csv(predictions, parse_dates=["ds"])
    newer = pandas.read_csv(history, parse_dates=["ds"])
    assert expected["ds"].min() == newer["ds"].max() + pandas.Timedelta(hours=1)
    compare(loaded.predict(newer), first(expected, 24), "times of pandas")
    compare(loaded.predict(newer, params={"horizon": 800}), expected, "beyond the limit")
    as_text = newer.assign(ds=newer["ds"].astype(str))
    compare(loaded.predict(as_text), first(expected, 24), "times as texts")
    whole = loaded.predict(newer.assign(y=newer["y"].round().astype(int)))
    assert len(whole) == 48, "whole numbers"
    zoned = newer.assign(ds=newer["ds"].dt.tz_localize("UTC").dt.tz_convert("America/New_York"))
    compare(loaded.predict(zoned), first(expected, 24), "times of another zone")
    fails(RuntimeError, ["could not fit the champion", "has no value at"], lambda: loaded.predict(newer.drop(index=5)))
    other = newer.assign(unique_id="west")
    fails(RuntimeError, ["the model has no series `west`", "`north`, `south`"], lambda: loaded.predict(other))


def two_versions(one, one_predictions, other, other_predictions):
    # A later atsaf has another loader: here one that marks its rows.
    later = Path(other).with_name("later")
    shutil.copytree(other, later)
    [module] = (later / "code").glob("atsaf_pyfunc_*.py")
    text = module.read_text().replace('"model": one["model"]', '"model": "later " + one["model"]')
    assert text != module.read_text()
    module.unlink()
    (later / "code" / "atsaf_pyfunc_00000000.py").write_text(text)
    (later / "MLmodel").write_text((later / "MLmodel").read_text().replace(module.stem, "atsaf_pyfunc_00000000"))
    models = [mlflow.pyfunc.load_model(str(path)) for path in (one, later, other)]
    tables = [model.predict(pandas.DataFrame()) for model in models]
    compare(tables[0], pandas.read_parquet(one_predictions), "the first version")
    compare(tables[2], pandas.read_parquet(other_predictions), "the second version")
    assert tables[1]["model"].str.startswith("later ").all() and not tables[2]["model"].str.startswith("later ").any()


def by_alias(model, predictions, scratch):
    mlflow.set_tracking_uri(f"sqlite:///{scratch}/mlflow.db")
    client = mlflow.MlflowClient()
    client.create_registered_model("champions")
    version = client.create_model_version("champions", model)
    client.set_registered_model_alias("champions", "champion", version.version)
    loaded = mlflow.pyfunc.load_model("models:/champions@champion")
    compare(loaded.predict(pandas.DataFrame({"horizon": [24]})), pandas.read_parquet(predictions), "by alias")


def ask(port, path, body=None):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", data, {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def serves(port, predictions, history, newer_predictions):
    for _ in range(120):
        try:
            if ask(port, "/ping")[0] == 200:
                break
        except OSError:
            pass
        time.sleep(1)
    else:
        raise AssertionError("the server does not answer")
    expected = pandas.read_parquet(predictions)
    newer_expected = pandas.read_csv(newer_predictions, parse_dates=["ds"])

    def served(body, table, what):
        status, text = ask(port, "/invocations", body)
        assert status == 200, (what, status, text)
        found = pandas.DataFrame(json.loads(text)["predictions"])
        compare(found.assign(ds=pandas.to_datetime(found["ds"])), table, what)

    served({"dataframe_records": [{"horizon": 3}]}, first(expected, 3), "dataframe_records")
    served({"dataframe_split": {"columns": ["horizon"], "data": [[24]]}}, expected, "dataframe_split")
    served({"inputs": {"horizon": [4]}}, first(expected, 4), "inputs")
    served({"dataframe_records": [{}], "params": {"horizon": 6}}, first(expected, 6), "params")
    newer = pandas.read_csv(history)
    records = newer.to_dict(orient="records")
    served({"dataframe_records": records}, first(newer_expected, 24), "newer history")
    for body, words in (
        ({"dataframe_records": [{"horizon": 673}]}, "holds 672 steps, and 673 were asked for"),
        ({"dataframe_records": [{"horizon": "many"}]}, "horizon"),
    ):
        status, text = ask(port, "/invocations", body)
        assert status == 400 and words in text, (status, text)
        print(f"refused with {status}: {json.loads(text)['message'][:200]}")


if __name__ == "__main__":
    globals()[sys.argv[1]](*sys.argv[2:])
