"""What atsaf has registered, read back through MLflow's own client.

usage: mlflow_read.py TRACKING_URI champion EXPERIMENT CHAMPION_JSON RUNS
       mlflow_read.py TRACKING_URI once EXPERIMENT..
"""

import json
import math
import sys

import mlflow
import pandas

ERRORS = ("rmse", "mae", "mape", "mase", "coverage")


def runs_of(client, experiment):
    found = client.get_experiment_by_name(experiment)
    assert found, f"no experiment {experiment}"
    return client.search_runs([found.experiment_id])


def champion(client, experiment, record_path, count):
    """The whole of one registration, and that it is the record's."""
    with open(record_path) as file:
        document = json.load(file)
    record = document["registration"]
    runs = runs_of(client, experiment)
    assert len(runs) == int(count), f"{len(runs)} runs"
    assert record["run_id"] in [run.info.run_id for run in runs]
    # A search does not tell outputs in every version.
    run = client.get_run(record["run_id"])
    assert run.info.status == "FINISHED", run.info.status
    assert run.info.end_time > run.info.start_time, (run.info.start_time, run.info.end_time)
    assert run.data.tags["atsaf.effect_key"] == record["effect_key"]
    assert run.data.params["horizon"] == "24", run.data.params
    for name, numbers in document["metrics"].items():
        for error in ERRORS:
            key = f"{error}_mean"
            logged, wanted = run.data.metrics[f"{name.split('(')[0]}/{key}"], numbers[key]
            assert math.isnan(logged) if wanted is None else math.isclose(logged, wanted), (name, key)
    windows = client.get_metric_history(run.info.run_id, "rmse")
    assert [point.step for point in windows] == list(range(5)), windows
    mean = sum(point.value for point in windows) / 5
    assert math.isclose(mean, run.data.metrics["rmse_mean"], rel_tol=1e-9), mean
    assert [it.dataset.name for it in run.inputs.dataset_inputs] == ["clean"]
    assert len(run.inputs.dataset_inputs[0].dataset.digest) <= 36
    assert [it.model_id for it in run.outputs.model_outputs] == [record["model_id"]]
    files = {file.path for file in client.list_artifacts(run.info.run_id)}
    wanted = {"leaderboard.parquet", "leaderboard.csv", "cv_results.parquet", "selected.json", "validation.json"}
    assert wanted | {"metadata.json", "forecast.svg"} <= files, files
    name, alias = record["model"], record["alias"]
    version = client.get_model_version_by_alias(name, alias)
    assert str(version.version) == str(record["version"]), version
    assert version.run_id == record["run_id"]
    model = mlflow.pyfunc.load_model(record["uri"])
    forecast = model.predict(pandas.DataFrame({"horizon": [3]}))
    assert len(forecast) == 3 and forecast["yhat"].notna().all(), forecast
    assert model.metadata.model_id == record["model_id"], model.metadata.model_id
    print(f"{experiment}: {name} version {version.version} @{alias} predicts {forecast['yhat'].tolist()}")


def once(client, *experiments):
    """One finished run, one version, the alias on it."""
    for experiment in experiments:
        runs = runs_of(client, experiment)
        assert [run.info.status for run in runs] == ["FINISHED"], (experiment, runs)
        models = [model for model in client.search_registered_models() if model.name.startswith(f"{experiment}_")]
        assert len(models) == 1, (experiment, models)
        versions = client.search_model_versions(f"name = '{models[0].name}'")
        assert [str(version.version) for version in versions] == ["1"], (experiment, versions)
        assert {name: str(at) for name, at in models[0].aliases.items()} == {"champion": "1"}, models[0].aliases
        assert versions[0].run_id == runs[0].info.run_id
        mlflow.pyfunc.load_model(f"models:/{models[0].name}@champion")
    print(f"{len(experiments)} experiments: one run, one version, the alias on it, each")


mlflow.set_tracking_uri(sys.argv[1])
{"champion": champion, "once": once}[sys.argv[2]](mlflow.MlflowClient(), *sys.argv[3:])
