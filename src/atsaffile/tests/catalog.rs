//! Built-in tasks to check against.

use crate::engine::spec::schema::{Catalog, Kind, Literal, ParamSchema, Port, Schema};

const HOURS: Kind = Kind::Int { min: 1, max: 8760 };
const PERCENT: Kind = Kind::Float {
    min: 0.0,
    max: 100.0,
    open: true,
};
const MODELS: Kind = Kind::Choice(&[
    "SeasonalNaive",
    "AutoARIMA",
    "DynamicOptimizedTheta",
    "HoltWinters",
    "MSTL_ARIMA",
    "MSTL_HoltWinters",
]);

const fn param(name: &'static str, kind: Kind, default: Option<Literal>, doc: &'static str) -> ParamSchema {
    ParamSchema {
        name,
        kind,
        default,
        doc,
    }
}

const fn port(name: &'static str, doc: &'static str) -> Port {
    Port { name, doc }
}

static TASKS: [Schema; 7] = [
    Schema {
        name: "package_champion",
        summary: "writes a directory",
        inputs: &[port("clean", "the series")],
        outputs: &[port("model", "a model and its loader")],
        directories: &["model"],
        ..Schema::EMPTY
    },
    Schema {
        name: "ingest_eia",
        summary: "reads hourly generation",
        params: &[
            param("source", Kind::PathOrUrl, None, "recorded pages or the API"),
            param("start_date", Kind::Date, None, "first day"),
            param("end_date", Kind::DateOrLatest, None, "last day"),
            param("respondent", Kind::Text, Some(Literal::Text("US48")), "region"),
            param("fueltype", Kind::Text, Some(Literal::Text("NG")), "fuel"),
        ],
        outputs: &[port("raw", "one row an hour")],
        secrets: &["EIA_API_KEY"],
        ordered: &[("start_date", "end_date")],
        ..Schema::EMPTY
    },
    Schema {
        name: "prepare_clean",
        summary: "brings rows into one series",
        params: &[param(
            "duplicates",
            Kind::Choice(&["first", "last", "fail"]),
            Some(Literal::Text("last")),
            "which of two rows counts",
        )],
        inputs: &[port("raw", "one row an hour")],
        outputs: &[port("clean", "the series"), port("metadata", "what was repaired")],
        ..Schema::EMPTY
    },
    Schema {
        name: "validate_clean",
        summary: "checks the series",
        params: &[param("strict", Kind::Bool, Some(Literal::Bool(true)), "stop at gaps")],
        inputs: &[port("clean", "the series")],
        outputs: &[port("validation", "every rule with its verdict")],
        ..Schema::EMPTY
    },
    Schema {
        name: "train_backtest_select",
        version: 3,
        summary: "compares models",
        params: &[
            param("horizon", HOURS, Some(Literal::Int(24)), "hours to forecast"),
            param(
                "n_windows",
                Kind::Int { min: 1, max: 50 },
                Some(Literal::Int(5)),
                "windows",
            ),
            param("step_size", HOURS, Some(Literal::Int(168)), "hours between cutoffs"),
            param("level", PERCENT, Some(Literal::Float(95.0)), "% of the intervals"),
            param(
                "models",
                Kind::List(&MODELS),
                Some(Literal::Texts(&["SeasonalNaive"])),
                "models",
            ),
            param(
                "season_length",
                Kind::List(&HOURS),
                Some(Literal::Ints(&[24, 168])),
                "hours of the seasons",
            ),
        ],
        inputs: &[
            port("clean", "the series"),
            port("validation", "every rule with its verdict"),
        ],
        outputs: &[
            port("cv_results", "every forecast of the back-test"),
            port("leaderboard", "one row a model"),
            port("selected", "the winner"),
        ],
        ..Schema::EMPTY
    },
    Schema {
        name: "register_champion",
        summary: "registers the winner",
        params: &[param(
            "experiment_name",
            Kind::Text,
            Some(Literal::Text("atsaf")),
            "name of the experiment",
        )],
        inputs: &[
            port("clean", "the series"),
            port("leaderboard", "one row a model"),
            port("selected", "the winner"),
        ],
        outputs: &[port("champion", "what was registered")],
        effect: true,
        ..Schema::EMPTY
    },
    Schema {
        name: "forecast_publish",
        summary: "forecasts with the winner",
        params: &[
            param("horizon", HOURS, Some(Literal::Int(24)), "hours to forecast"),
            param("level", PERCENT, Some(Literal::Float(95.0)), "% of the intervals"),
        ],
        inputs: &[
            port("clean", "the series"),
            port("validation", "every rule with its verdict"),
            port("selected", "the winner"),
        ],
        outputs: &[port("predictions", "the forecast")],
        ..Schema::EMPTY
    },
];

/// The tasks by name.
pub(super) fn catalog() -> Catalog {
    TASKS.iter().map(|schema| (schema.name, schema)).collect()
}
