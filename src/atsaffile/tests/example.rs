//! The forecasting pipeline as an Atsaffile, read whole.

use std::time::Duration;

use super::{Overrides, spec, spec_with};
use crate::engine::spec::schema::Catalog;
use crate::engine::spec::{Action, ArtifactKind, From, Origin, Spec, Target, Value};

pub(super) const EXAMPLE: &str = r#"
[project]
name    = "eia_forecasting"
default = ["predictions", "champion"]            # what a bare `atsaf build` makes

[alias]
check = ["validation"]                           # ingest, prepare and validate only

[params]
source     = "fixtures/eia"                      # a folder of recorded pages, or "https://api.eia.gov/v2"
start_date = "2023-06-01"
end_date   = "2023-09-30"
respondent = "US48"
fueltype   = "NG"
horizon    = 24                                  # hours
n_windows  = 5
step_size  = 168                                 # hours between the cutoffs of the back-test
level      = 95                                  # % of the prediction intervals
models     = ["SeasonalNaive", "AutoARIMA", "DynamicOptimizedTheta", "HoltWinters", "MSTL_ARIMA", "MSTL_HoltWinters"]
data_dir   = "data"
output_dir = "artifacts"

[secrets]
EIA_API_KEY = { optional = true }                # from the environment or `.env`; never hashed, stored or printed

[target.ingest]
uses    = "ingest_eia"
outputs = { raw = "{{data_dir}}/raw.parquet" }
secrets = ["EIA_API_KEY"]
retries = 3
retry_delay = "5m"

[target.prepare]
uses    = "prepare_clean"
inputs  = ["raw"]
outputs = { clean = "{{data_dir}}/clean.parquet", metadata = "{{data_dir}}/metadata.json" }

[target.validate]
uses    = "validate_clean"
inputs  = ["clean"]
outputs = { validation = "{{data_dir}}/validation.json" }

[target.train]
uses    = "train_backtest_select"
inputs  = ["clean", "validation"]
outputs = { cv_results = "{{output_dir}}/cv_results.parquet", leaderboard = "{{output_dir}}/leaderboard.parquet", selected = "{{output_dir}}/selected.json" }

[target.register]
uses    = "register_champion"
inputs  = ["clean", "leaderboard", "selected"]
outputs = { champion = "{{output_dir}}/champion.json" }
effect  = true                                   # acts on the outside world: never restored, only run

[target.forecast]
uses    = "forecast_publish"
inputs  = ["clean", "validation", "selected"]   # not the leaderboard: a new loser leaves the forecast fresh
outputs = { predictions = "{{output_dir}}/predictions.parquet" }
after   = ["register"]                           # order only: no dependency
"#;

fn target<'s>(spec: &'s Spec, name: &str) -> &'s Target {
    spec.targets
        .iter()
        .find(|target| target.name == name)
        .expect("a target of that name")
}

fn value<'s>(target: &'s Target, name: &str) -> &'s Value {
    &target
        .params
        .iter()
        .find(|param| param.name == name)
        .expect("a parameter of that name")
        .value
}

fn artifact(name: &str) -> From {
    From::Artifact(name.into())
}

#[test]
fn the_pipeline_is_read_whole() {
    let spec = spec(EXAMPLE);
    assert_eq!(spec.name, "eia_forecasting");
    let names: Vec<&str> = spec.targets.iter().map(|target| target.name.as_str()).collect();
    assert_eq!(
        names,
        ["ingest", "prepare", "validate", "train", "register", "forecast"]
    );
    let default: Vec<&str> = spec.default.iter().map(|goal| goal.name.as_str()).collect();
    assert_eq!(default, ["predictions", "champion"]);
    assert_eq!(spec.aliases["check"][0].name, "validation");
    assert!(spec.secrets["EIA_API_KEY"].optional);
    assert_eq!(spec.params.len(), 12);
    assert_eq!(spec.params[0].name, "source");
    assert_eq!(spec.param("horizon").map(|param| &param.value), Some(&Value::Int(24)));
}

#[test]
fn a_target_has_what_is_written() {
    let spec = spec(EXAMPLE);
    let ingest = target(&spec, "ingest");
    assert_eq!(ingest.settings.secrets, ["EIA_API_KEY"]);
    assert_eq!(
        (ingest.settings.retries, ingest.settings.retry_delay),
        (3, Duration::from_mins(5))
    );
    assert_eq!(
        (ingest.settings.effect, ingest.settings.direct, ingest.settings.cache),
        (false, false, true)
    );
    assert_eq!(ingest.outputs[0].path, "data/raw.parquet");
    assert_eq!(spec.text.line_of(ingest.span), "Atsaffile:26");
    let train = target(&spec, "train");
    let Action::Builtin { task, version, .. } = &train.action else {
        panic!("not a built-in task: {:?}", train.action)
    };
    assert_eq!((task.as_str(), *version), ("train_backtest_select", 3));
    let inputs: Vec<(&str, &From)> = train
        .inputs
        .iter()
        .map(|input| (input.role.as_str(), &input.from))
        .collect();
    assert_eq!(
        inputs,
        [("clean", &artifact("clean")), ("validation", &artifact("validation"))]
    );
    let outputs: Vec<(&str, &str, ArtifactKind)> = train
        .outputs
        .iter()
        .map(|output| (output.name.as_str(), output.path.as_str(), output.kind))
        .collect();
    assert_eq!(
        outputs,
        [
            ("cv_results", "artifacts/cv_results.parquet", ArtifactKind::File),
            ("leaderboard", "artifacts/leaderboard.parquet", ArtifactKind::File),
            ("selected", "artifacts/selected.json", ArtifactKind::File),
        ]
    );
    assert!(target(&spec, "register").settings.effect);
    assert_eq!(target(&spec, "forecast").settings.after[0].name, "register");
}

#[test]
fn a_built_in_task_gets_all_its_parameters_with_their_types() {
    let spec = spec(EXAMPLE);
    let train = target(&spec, "train");
    let names: Vec<&str> = train.params.iter().map(|param| param.name.as_str()).collect();
    assert_eq!(
        names,
        ["horizon", "level", "models", "n_windows", "season_length", "step_size"]
    );
    assert_eq!(value(train, "level"), &Value::Float(95.0));
    assert_eq!(
        value(target(&spec, "ingest"), "start_date"),
        &Value::Date("2023-06-01".to_owned())
    );
    let season = train
        .params
        .iter()
        .find(|param| param.name == "season_length")
        .expect("it has a default");
    assert_eq!(season.origin, Origin::Default);
    let horizon = train
        .params
        .iter()
        .find(|param| param.name == "horizon")
        .expect("it is declared");
    let span = horizon.origin.span().expect("it is declared");
    assert_eq!(&EXAMPLE[span.start as usize..span.end as usize], "24");
    assert_eq!(spec.text.line_of(span), "Atsaffile:15");
}

#[test]
fn the_command_line_changes_values_and_paths() {
    let spec = spec_with(
        EXAMPLE,
        &[("horizon", "36"), ("horizon", "48"), ("output_dir", "out2/")],
    );
    let train = target(&spec, "train");
    assert_eq!(value(train, "horizon"), &Value::Int(48));
    let origin = train
        .params
        .iter()
        .find(|param| param.name == "horizon")
        .expect("it is declared")
        .origin;
    let span = origin.span().expect("it is declared");
    assert_eq!(origin, Origin::CommandLine(Some(span)));
    assert_eq!(spec.text.line_of(span), "Atsaffile:15");
    assert_eq!(train.outputs[2].path, "out2/selected.json");
    assert_eq!(
        spec.param("output_dir").map(|param| &param.value),
        Some(&Value::Text("out2/".to_owned()))
    );
}

#[test]
fn a_program_without_tasks_says_so() {
    let text = "[target.a]\nuses = \"fit\"\noutput = \"a\"\n";
    let (_, said) = crate::atsaffile::load("Atsaffile", text, &Overrides::default(), &Catalog::new());
    let expected = r#"error: unknown task `fit`
  --> Atsaffile:2:8
 2 | uses = "fit"
   |        ^^^^^
  note: there are no tasks
  help: this atsaf was built without its built-in tasks: build it with the feature `forecasting`
"#;
    assert_eq!(said[0].render(), expected);
    assert_eq!(said.len(), 1);
}
