//! The models by name: what `models` may list, and the settings that each takes.

use std::collections::BTreeMap;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::models::Model;
use super::models::arima::{AutoArima, HarmonicArima};
use super::models::classical::Composition;
use super::models::double_seasonal::DoubleSeasonalHoltWinters;
use super::models::ets::{AutoEts, HoltWinters};
use super::models::lag_ridge::LagRidge;
use super::models::mstl::Mstl;
use super::models::nearest_neighbours::NearestNeighbours;
use super::models::seasonal_naive::SeasonalNaive;
use super::models::tbats::Tbats;
use super::models::theta::Theta;
use crate::engine::spec::Value;
use crate::engine::spec::schema::{Kind, Literal, Param};

/// A model that can be named.
#[derive(Clone, Copy)]
pub struct RegisteredModel {
    /// The name in `models`, and of the parameter that holds its settings.
    pub name: &'static str,
    /// Raised whenever its forecasts change for equal series and settings: forecasts that are remembered count no more.
    pub version: u32,
    /// What can be set.
    pub settings: &'static [Param],
    /// Makes the model for seasons of these lengths, the shortest first and at least one.
    make: fn(&[usize], &Settings<'_>) -> Box<dyn Model>,
}

/// Every model, in the order in which lists and messages name them.
pub const REGISTRY: [RegisteredModel; 16] = [
    RegisteredModel {
        name: "SeasonalNaive",
        version: 1,
        settings: &[],
        make: |seasons, _| {
            let season_length = one(seasons);
            Box::new(SeasonalNaive { season_length })
        },
    },
    RegisteredModel {
        name: "AutoARIMA",
        version: 3,
        settings: &AUTO_ARIMA,
        make: |seasons, settings| Box::new(settings.over(AutoArima::with_season(one(seasons)))),
    },
    RegisteredModel {
        name: "DynamicOptimizedTheta",
        version: 1,
        settings: &DECOMPOSITION,
        make: |seasons, settings| {
            let composition = settings.composition("decomposition", Composition::Multiplicative);
            Box::new(Theta::dynamic_optimized(one(seasons)).seasoned(composition))
        },
    },
    RegisteredModel {
        name: "AutoTheta",
        version: 1,
        settings: &DECOMPOSITION,
        make: |seasons, settings| {
            let composition = settings.composition("decomposition", Composition::Multiplicative);
            Box::new(Theta::auto(one(seasons)).seasoned(composition))
        },
    },
    RegisteredModel {
        name: "HoltWinters",
        version: 2,
        settings: &[setting("error", COMPOSITION, "how errors and season join (additive)")],
        make: |seasons, settings| {
            let (season_length, error) = (one(seasons), settings.composition("error", Composition::Additive));
            Box::new(HoltWinters { season_length, error })
        },
    },
    RegisteredModel {
        name: "AutoETS",
        version: 2,
        settings: &[setting(
            "model",
            Kind::Choice(&PATTERNS),
            "forms to choose from: error, trend and season, each A, M, N or Z for any (ZZZ)",
        )],
        make: |seasons, settings| {
            let pattern = settings.text("model").unwrap_or("ZZZ");
            let model = AutoEts::new(one(seasons), pattern);
            Box::new(model.unwrap_or_else(|error| panic!("internal error: `{pattern}` is no pattern: {error}")))
        },
    },
    RegisteredModel {
        name: "MSTL_ARIMA",
        version: 2,
        settings: &AUTO_ARIMA,
        make: |seasons, settings| {
            // What is left after the seasons has none.
            let trend = settings.over(AutoArima {
                seasonal: false,
                // What is left of each window's past is another series.
                warm_start: false,
                ..AutoArima::default()
            });
            Box::new(Mstl::new("MSTL_ARIMA", seasons, Box::new(trend)))
        },
    },
    RegisteredModel {
        name: "MSTL_HoltWinters",
        version: 1,
        settings: &[],
        make: |seasons, _| Box::new(Mstl::with_holt(seasons)),
    },
    RegisteredModel {
        name: "MSTL_ETS",
        version: 1,
        settings: &[],
        make: |seasons, _| Box::new(Mstl::with_ets(seasons)),
    },
    RegisteredModel {
        name: "MSTL_Theta",
        version: 1,
        settings: &[],
        make: |seasons, _| Box::new(Mstl::with_theta(seasons)),
    },
    RegisteredModel {
        name: "HarmonicARIMA",
        version: 2,
        settings: &[setting(
            "max_pairs",
            Kind::List(&ORDER),
            "most pairs of sine and cosine, one number for each season (half a season)",
        )],
        make: |seasons, settings| {
            Box::new(settings.over(HarmonicArima {
                season_lengths: seasons.to_vec(),
                ..HarmonicArima::default()
            }))
        },
    },
    RegisteredModel {
        name: "TBATS",
        version: 1,
        settings: &TBATS,
        make: |seasons, settings| Box::new(settings.over(Tbats::new(seasons))),
    },
    RegisteredModel {
        name: "LagRidge",
        version: 1,
        settings: &[],
        make: |seasons, _| {
            let (short, long) = two(seasons);
            Box::new(LagRidge::new(short, long))
        },
    },
    RegisteredModel {
        name: "SparseLagRidge",
        version: 1,
        settings: &[],
        make: |seasons, _| {
            let (short, long) = two(seasons);
            Box::new(LagRidge::sparse(short, long))
        },
    },
    RegisteredModel {
        name: "DoubleSeasonalHoltWinters",
        version: 1,
        settings: &[],
        make: |seasons, _| {
            let (short, long) = two(seasons);
            Box::new(DoubleSeasonalHoltWinters::new(short, long))
        },
    },
    RegisteredModel {
        name: "NearestNeighbours",
        version: 1,
        settings: &[],
        make: |seasons, _| {
            let (short, long) = two(seasons);
            Box::new(NearestNeighbours::new(short, long))
        },
    },
];

/// What is compared where `models` is not set.
pub const DEFAULT: [&str; 8] = [
    "SeasonalNaive",
    "AutoARIMA",
    "DynamicOptimizedTheta",
    "HoltWinters",
    "MSTL_ARIMA",
    "MSTL_HoltWinters",
    "LagRidge",
    "DoubleSeasonalHoltWinters",
];

const COMPOSITION: Kind = Kind::Choice(&["additive", "multiplicative"]);

/// The settings of the theta models.
const DECOMPOSITION: [Param; 1] = [setting(
    "decomposition",
    COMPOSITION,
    "how the season joins (multiplicative)",
)];

/// The patterns of exponential smoothing that can be asked for.
const PATTERNS: [&str; 8] = ["ZZZ", "ZZN", "ZZA", "ANN", "AAN", "AAA", "ANA", "MAM"];

const ORDER: Kind = Kind::Int { min: 0, max: 50 };

/// The settings of `AutoARIMA`, named as in statsforecast.
const AUTO_ARIMA: [Param; 23] = [
    setting(
        "seasonal",
        Kind::Bool,
        "whether models with a seasonal part are tried (true)",
    ),
    setting("d", ORDER, "differences (found by a test)"),
    setting("D", ORDER, "seasonal differences (found by the strength of the season)"),
    setting("max_p", ORDER, "largest p (5)"),
    setting("max_q", ORDER, "largest q (5)"),
    setting("max_P", ORDER, "largest P (2)"),
    setting("max_Q", ORDER, "largest Q (2)"),
    setting(
        "max_order",
        ORDER,
        "largest p + q + P + Q where all orders are tried (5)",
    ),
    setting("max_d", ORDER, "largest d (2)"),
    setting("max_D", ORDER, "largest D (1)"),
    setting("start_p", ORDER, "p of the first candidate (2)"),
    setting("start_q", ORDER, "q of the first candidate (2)"),
    setting("start_P", ORDER, "P of the first candidate (1)"),
    setting("start_Q", ORDER, "Q of the first candidate (1)"),
    setting(
        "allow_drift",
        Kind::Bool,
        "whether a drift is tried where there is one difference (true)",
    ),
    setting(
        "allow_mean",
        Kind::Bool,
        "whether a mean is tried where there is no difference (true)",
    ),
    setting(
        "warm_start",
        Kind::Bool,
        "whether the search on a long series begins with what it found on the beginning of it (true; MSTL_ARIMA: false)",
    ),
    setting(
        "ic",
        Kind::Choice(&["aicc", "aic", "bic"]),
        "what candidates are compared by (aicc)",
    ),
    setting(
        "stepwise",
        Kind::Bool,
        "whether to go through neighbours instead of all orders (true)",
    ),
    setting(
        "approximation",
        Kind::Bool,
        "whether candidates are ranked by the conditional sum of squares (for long series)",
    ),
    setting(
        "method",
        Kind::Choice(&["css", "ml", "css-ml"]),
        "how coefficients are estimated (css-ml)",
    ),
    setting(
        "max_steps",
        Kind::Int { min: 1, max: 100_000 },
        "candidates at most (94)",
    ),
    setting(
        "max_iterations",
        Kind::Int { min: 1, max: 100_000 },
        "iterations of an estimation at most (100)",
    ),
];

/// The settings of `TBATS`, named as in statsforecast.
const TBATS: [Param; 5] = [
    setting(
        "use_boxcox",
        Kind::Bool,
        "whether the series is transformed (found by AIC)",
    ),
    setting("use_trend", Kind::Bool, "whether there is a trend (found by AIC)"),
    setting(
        "use_damped_trend",
        Kind::Bool,
        "whether a trend is damped (found by AIC)",
    ),
    setting(
        "use_arma_errors",
        Kind::Bool,
        "whether errors with a memory are tried (true)",
    ),
    setting(
        "max_iterations",
        Kind::Int { min: 1, max: 100_000 },
        "steps of an estimation at most (100)",
    ),
];

const fn setting(name: &'static str, kind: Kind, doc: &'static str) -> Param {
    Param {
        name,
        kind,
        default: None,
        doc,
    }
}

/// The names of the models.
pub const NAMES: [&str; REGISTRY.len()] = {
    let mut names = [""; REGISTRY.len()];
    let mut at = 0;
    while at < names.len() {
        names[at] = REGISTRY[at].name;
        at += 1;
    }
    names
};

/// How many models have settings.
const SET: usize = {
    let (mut count, mut at) = (0, 0);
    while at < REGISTRY.len() {
        count += if REGISTRY[at].settings.is_empty() { 0 } else { 1 };
        at += 1;
    }
    count
};

/// One parameter for each model that has settings, named like it: the table of them.
pub const SETTINGS: [Param; SET] = {
    let mut params = [Param {
        name: "",
        kind: Kind::Table(&[]),
        default: Some(Literal::NoEntries),
        doc: "settings of the model",
    }; SET];
    let (mut next, mut at) = (0, 0);
    while at < REGISTRY.len() {
        if !REGISTRY[at].settings.is_empty() {
            params[next].name = REGISTRY[at].name;
            params[next].kind = Kind::Table(REGISTRY[at].settings);
            next += 1;
        }
        at += 1;
    }
    params
};

/// The settings of a model among the values of a task's parameters.
#[must_use]
pub fn settings(params: &BTreeMap<String, Value>, model: &str) -> BTreeMap<String, Value> {
    match params.get(model) {
        Some(Value::Table(entries)) => entries.clone(),
        _ => BTreeMap::new(),
    }
}

/// Finds a model by name.
#[must_use]
pub fn find(name: &str) -> Option<&'static RegisteredModel> {
    const ALL: &[RegisteredModel] = &REGISTRY;
    ALL.iter().find(|entry| entry.name == name)
}

impl RegisteredModel {
    /// Makes the model for seasons of these lengths with these settings.
    #[must_use]
    pub fn model(&self, seasons: &[usize], settings: &BTreeMap<String, Value>) -> Box<dyn Model> {
        (self.make)(seasons, &Settings(settings))
    }
}

/// The settings of one model; what is not set has the model's own default.
struct Settings<'a>(&'a BTreeMap<String, Value>);

impl Settings<'_> {
    fn text(&self, name: &str) -> Option<&str> {
        match self.0.get(name) {
            Some(Value::Text(text)) => Some(text),
            _ => None,
        }
    }

    fn composition(&self, name: &str, default: Composition) -> Composition {
        match self.text(name) {
            Some("additive") => Composition::Additive,
            Some("multiplicative") => Composition::Multiplicative,
            _ => default,
        }
    }

    /// The model with these settings in the place of its defaults.
    fn over<M: Serialize + DeserializeOwned>(&self, defaults: M) -> M {
        let whole = serde_json::to_value(defaults).and_then(|mut whole| {
            for (name, value) in self.0 {
                whole[name] = value.to_json();
            }
            serde_json::from_value(whole)
        });
        whole.unwrap_or_else(|error| panic!("internal error: the settings of a model do not fit it: {error}"))
    }
}

/// The shortest season.
fn one(seasons: &[usize]) -> usize {
    seasons.first().copied().unwrap_or(1)
}

/// The shortest season and the next; seven of the shortest, as days in a week, where there is no other.
fn two(seasons: &[usize]) -> (usize, usize) {
    let short = one(seasons);
    (short, seasons.get(1).copied().unwrap_or(7 * short))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_has_the_name_by_which_it_is_found() {
        for entry in REGISTRY {
            assert_eq!(entry.model(&[24, 168], &BTreeMap::new()).name(), entry.name);
            assert_eq!(entry.model(&[1], &BTreeMap::new()).name(), entry.name);
        }
        assert!(DEFAULT.iter().all(|name| find(name).is_some()));
    }

    #[test]
    fn settings_change_the_model_and_each_can_be_made() {
        for entry in REGISTRY {
            for setting in entry.settings {
                let values = match setting.kind {
                    Kind::Bool => vec![Value::Bool(true), Value::Bool(false)],
                    Kind::Int { .. } => vec![Value::Int(1), Value::Int(3)],
                    Kind::Choice(names) => names.iter().map(|name| Value::Text((*name).to_owned())).collect(),
                    Kind::List(_) => vec![Value::List(vec![Value::Int(2), Value::Int(3)])],
                    _ => panic!("no value for `{}`", setting.name),
                };
                let made = |value: &Value| {
                    let settings = BTreeMap::from([(setting.name.to_owned(), value.clone())]);
                    format!("{:?}", entry.model(&[24, 168], &settings))
                };
                let usual = format!("{:?}", entry.model(&[24, 168], &BTreeMap::new()));
                assert!(
                    values.iter().any(|value| made(value) != usual),
                    "{} {}",
                    entry.name,
                    setting.name
                );
            }
        }
    }
}
