//! What is registered, and what came of it, as plain data that knows no server.

use super::alias::{AliasOutcome, Guard};

/// The tag of a run and of a model version by which a repetition is recognised.
pub(super) const EFFECT_KEY: &str = "atsaf.effect_key";
/// The tag of a registered model that says of what its versions are champions.
pub(super) const CHAMPION_OF: &str = "atsaf.champion_of";
/// The tag of a model version that says whose alias it took.
pub(super) const REPLACED: &str = "atsaf.replaced";

/// A champion with all that is logged of it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Registration {
    /// The experiment's name.
    pub(crate) experiment: String,
    /// The registered model's name.
    pub(crate) model: String,
    /// The alias that its champion has; `None` for one that was registered without.
    pub(crate) alias: Option<String>,
    /// What it is a champion of: of one such thing there is one champion, whatever its model's name.
    pub(crate) champion_of: String,
    /// The key of the effect.
    pub(crate) effect_key: String,
    /// When it was begun, in milliseconds since 1970: also the time of its metrics, so that logging them again is no more.
    pub(crate) time_ms: i64,
    /// When all that is logged of it was there, in milliseconds since 1970.
    pub(crate) end_ms: i64,
    /// The run's name.
    pub(crate) run_name: String,
    /// Tags of the run, beside that of the key.
    pub(crate) tags: Vec<(String, String)>,
    /// Parameters of run and model.
    pub(crate) params: Vec<(String, String)>,
    /// Metrics.
    pub(crate) metrics: Vec<MetricPoint>,
    /// What it was trained on.
    pub(crate) dataset: LoggedDataset,
    /// Artifacts of the run, by path.
    pub(crate) run_files: Vec<(String, Vec<u8>)>,
    /// Files of the model, by path.
    pub(crate) model_files: Vec<(String, Vec<u8>)>,
    /// Whether the alias must be earned.
    pub(crate) guard: Option<Guard>,
}

/// One value of a metric.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct MetricPoint {
    /// Its name.
    pub(crate) key: String,
    /// Its value; NaN where there is none.
    pub(crate) value: f64,
    /// The window of the back-test, or 0.
    pub(crate) step: i64,
    /// Whether it is of what is registered, and so of the logged model too.
    pub(crate) of_model: bool,
}

/// The data that a run read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LoggedDataset {
    /// Its name.
    pub(crate) name: String,
    /// Its digest, 36 characters at most.
    pub(crate) digest: String,
    /// Where it came from, as JSON.
    pub(crate) source: String,
    /// Its columns, as JSON.
    pub(crate) schema: String,
    /// Its size, as JSON.
    pub(crate) profile: String,
}

/// What stands there afterwards.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Registered {
    /// The experiment's id.
    pub(crate) experiment_id: String,
    /// The run's id.
    pub(crate) run_id: String,
    /// The logged model's id.
    pub(crate) model_id: String,
    /// The version of the registered model.
    pub(crate) version: u64,
    /// What became of the alias.
    pub(crate) alias: AliasOutcome,
}

/// The file of a model that names its run and itself.
pub(super) const MLMODEL: &str = "MLmodel";

/// `MLmodel` with the ids that only the store gives.
pub(super) fn with_ids(mlmodel: &[u8], artifact_uri: &str, model_id: &str, run_id: &str) -> Vec<u8> {
    let ids = format!("artifact_path: '{artifact_uri}'\nmodel_id: {model_id}\nrun_id: {run_id}\n");
    let is_id = |line: &&str| {
        let names = ["artifact_path:", "model_id:", "run_id:"];
        names.iter().any(|name| line.starts_with(name))
    };
    let text = String::from_utf8_lossy(mlmodel);
    let kept = text.lines().filter(|line| !is_id(line));
    let mut whole: String = kept.flat_map(|line| [line, "\n"]).collect();
    whole += &ids;
    whole.into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_take_the_place_of_those_that_a_model_has() {
        let before = b"flavors:\n  x:\n    run_id: of a flavor\nmodel_id: old\n";
        let after = with_ids(before, "mlflow-artifacts:/1/m", "m-1", "r");
        assert_eq!(
            String::from_utf8(after).expect("UTF-8"),
            "flavors:\n  x:\n    run_id: of a flavor\nartifact_path: 'mlflow-artifacts:/1/m'\nmodel_id: m-1\nrun_id: r\n"
        );
    }
}
