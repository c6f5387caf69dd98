//! The models by name: what `models` may list, with the version and the settings of each.

use std::collections::BTreeMap;

use super::models::analogues::Analogues;
use super::models::arima::{AutoArima, HarmonicArima};
use super::models::double_seasonal::DoubleSeasonalHoltWinters;
use super::models::ets::{AutoEts, HoltWinters};
use super::models::hourly_panel::HourlyPanel;
use super::models::lag_ridge::LagRidge;
use super::models::mstl::Mstl;
use super::models::nearest_neighbours::NearestNeighbours;
use super::models::panel_model::AnyModel;
use super::models::pooled_ar::{PooledAr, SeasonPair};
use super::models::seasonal_naive::SeasonalNaive;
use super::models::settings::with_defaults;
use super::models::simple::{HistoricAverage, Naive};
use super::models::tbats::Tbats;
use super::models::theta::Theta;
use super::models::week_profile::WeekProfile;
use super::program_model;
use crate::engine::spec::Value;
use crate::engine::spec::schema::{Kind, Literal, Misfit, ParamSchema};
use crate::engine::task::Part;

/// The values of settings by name.
pub(crate) type Settings = BTreeMap<String, Value>;

/// A model that can be named.
#[derive(Clone, Copy)]
pub(crate) struct RegisteredModel {
    /// The name in `models`, and of the parameter that holds its settings.
    pub(crate) name: &'static str,
    /// Raised whenever its forecasts change for equal series and settings.
    ///
    /// Artifacts and cached forecasts of other versions count no more; the test of golden forecasts fails until then.
    pub(crate) version: u32,
    /// The models that it fits on the way: what changes one of them changes it.
    pub(crate) contains: &'static [&'static str],
    /// What can be set, with the defaults.
    pub(crate) settings: &'static [ParamSchema],
    /// Makes the model for seasons of these lengths, the shortest first and at least one, with a value for every setting
    /// that has one.
    make: fn(&[usize], &Settings) -> AnyModel,
}

/// Every model, in the order in which lists and messages name them.
pub(crate) const REGISTRY: [RegisteredModel; 22] = [
    RegisteredModel {
        name: "SeasonalNaive",
        version: 1,
        contains: &[],
        settings: &[],
        make: |seasons, _| {
            let season_length = one(seasons);
            SeasonalNaive { season_length }.into()
        },
    },
    RegisteredModel {
        name: "AutoARIMA",
        version: 4,
        contains: &[],
        settings: AutoArima::SETTINGS,
        make: |seasons, settings| AutoArima::with_season(one(seasons)).configured(settings).into(),
    },
    RegisteredModel {
        name: "DynamicOptimizedTheta",
        version: 1,
        contains: &[],
        settings: Theta::SETTINGS,
        make: |seasons, settings| Theta::dynamic_optimized(one(seasons)).configured(settings).into(),
    },
    RegisteredModel {
        name: "AutoTheta",
        version: 1,
        contains: &[],
        settings: Theta::SETTINGS,
        make: |seasons, settings| Theta::auto(one(seasons)).configured(settings).into(),
    },
    RegisteredModel {
        name: "HoltWinters",
        version: 2,
        contains: &[],
        settings: HoltWinters::SETTINGS,
        make: |seasons, settings| {
            let model = HoltWinters {
                season_length: one(seasons),
                ..HoltWinters::default()
            };
            model.configured(settings).into()
        },
    },
    RegisteredModel {
        name: "AutoETS",
        version: 2,
        contains: &[],
        settings: AutoEts::SETTINGS,
        make: |seasons, settings| {
            let model = AutoEts {
                season_length: one(seasons),
                ..AutoEts::default()
            };
            model.configured(settings).into()
        },
    },
    RegisteredModel {
        name: "MSTL_ARIMA",
        version: 2,
        contains: &["AutoARIMA"],
        settings: &MSTL_ARIMA,
        make: |seasons, settings| {
            let trend = AutoArima::default().configured(settings);
            Mstl::new(seasons, Box::new(trend)).into()
        },
    },
    RegisteredModel {
        name: "MSTL_HoltWinters",
        version: 1,
        contains: &[],
        settings: &[],
        make: |seasons, _| Mstl::with_holt(seasons).into(),
    },
    RegisteredModel {
        name: "MSTL_ETS",
        version: 1,
        contains: &["AutoETS"],
        settings: &[],
        make: |seasons, _| Mstl::with_ets(seasons).into(),
    },
    RegisteredModel {
        name: "MSTL_Theta",
        version: 1,
        contains: &["DynamicOptimizedTheta"],
        settings: &[],
        make: |seasons, _| Mstl::with_theta(seasons).into(),
    },
    RegisteredModel {
        name: "HarmonicARIMA",
        version: 2,
        contains: &["AutoARIMA"],
        settings: HarmonicArima::SETTINGS,
        make: |seasons, settings| {
            let model = HarmonicArima {
                season_lengths: seasons.to_vec(),
                ..HarmonicArima::default()
            };
            model.configured(settings).into()
        },
    },
    RegisteredModel {
        name: "TBATS",
        version: 1,
        contains: &["AutoARIMA"],
        settings: Tbats::SETTINGS,
        make: |seasons, settings| Tbats::new(seasons).configured(settings).into(),
    },
    RegisteredModel {
        name: "LagRidge",
        version: 2,
        contains: &[],
        settings: &[],
        make: |seasons, _| {
            let (short, long) = two(seasons);
            LagRidge::new(short, long).into()
        },
    },
    RegisteredModel {
        name: "SparseLagRidge",
        version: 2,
        contains: &[],
        settings: &[],
        make: |seasons, _| {
            let (short, long) = two(seasons);
            LagRidge::sparse(short, long).into()
        },
    },
    RegisteredModel {
        name: "DoubleSeasonalHoltWinters",
        version: 1,
        contains: &[],
        settings: DoubleSeasonalHoltWinters::SETTINGS,
        make: |seasons, settings| {
            let (short, long) = two(seasons);
            DoubleSeasonalHoltWinters::new(short, long).configured(settings).into()
        },
    },
    RegisteredModel {
        name: "NearestNeighbours",
        version: 1,
        contains: &[],
        settings: &[],
        make: |seasons, _| {
            let (short, long) = two(seasons);
            NearestNeighbours::new(short, long).into()
        },
    },
    RegisteredModel {
        name: "PooledAR",
        version: 1,
        contains: &[],
        settings: PooledAr::SETTINGS,
        make: |seasons, settings| AnyModel::panel(PooledAr::new(SeasonPair::of(seasons)).configured(settings)),
    },
    RegisteredModel {
        name: "WeekProfile",
        version: 1,
        contains: &[],
        settings: &[],
        make: |seasons, _| {
            let SeasonPair { short, long } = SeasonPair::of(seasons);
            WeekProfile { short, long }.into()
        },
    },
    RegisteredModel {
        name: "Analogues",
        version: 1,
        contains: &[],
        settings: &[],
        make: |seasons, _| {
            let SeasonPair { short, long } = SeasonPair::of(seasons);
            Analogues { short, long }.into()
        },
    },
    RegisteredModel {
        name: "HourlyPanel",
        version: 1,
        contains: &["PooledAR", "WeekProfile", "DoubleSeasonalHoltWinters", "Analogues"],
        settings: HourlyPanel::SETTINGS,
        make: |seasons, settings| AnyModel::panel(HourlyPanel::new(SeasonPair::of(seasons)).configured(settings)),
    },
    RegisteredModel {
        name: "Naive",
        version: 1,
        contains: &[],
        settings: &[],
        make: |_, _| Naive.into(),
    },
    RegisteredModel {
        name: "HistoricAverage",
        version: 1,
        contains: &[],
        settings: &[],
        make: |_, _| HistoricAverage.into(),
    },
];

/// What is compared where `models` is not set.
pub(crate) const DEFAULT: [&str; 8] = [
    "SeasonalNaive",
    "AutoARIMA",
    "DynamicOptimizedTheta",
    "HoltWinters",
    "MSTL_ARIMA",
    "MSTL_HoltWinters",
    "LagRidge",
    "DoubleSeasonalHoltWinters",
];

/// The settings of `MSTL_ARIMA`: what is left after the seasons has none, and for each window it is another series.
const MSTL_ARIMA: [ParamSchema; AutoArima::SETTINGS.len()] = with_defaults(
    AutoArima::SETTINGS,
    &[("seasonal", Literal::Bool(false)), ("warm_start", Literal::Bool(false))],
);

/// The names of the models.
pub(crate) const NAMES: [&str; REGISTRY.len()] = {
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
pub(crate) const SETTINGS: [ParamSchema; SET] = {
    let mut params = [ParamSchema {
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

/// What the list `models` has: a model of the registry, or a program of the user's.
pub(crate) const MODEL: Kind = Kind::Either(&Kind::Choice(&NAMES), &Kind::Record(&program_model::ENTRIES));

/// Where a model stands in lists: in the order of the registry, the user's own behind them by name.
pub(crate) fn place(name: &str) -> (usize, &str) {
    let position = NAMES.iter().position(|known| *known == name);
    (position.unwrap_or(NAMES.len()), name)
}

/// The settings of a model among the values of a task's parameters.
#[must_use]
pub(crate) fn settings(params: &BTreeMap<String, Value>, model: &str) -> Settings {
    match params.get(model) {
        Some(Value::Table(entries)) => entries.clone(),
        _ => Settings::new(),
    }
}

/// Finds a model by name.
#[must_use]
pub(crate) fn find(name: &str) -> Option<&'static RegisteredModel> {
    const ALL: &[RegisteredModel] = &REGISTRY;
    ALL.iter().find(|model| model.name == name)
}

/// The names of the models that can be regressions on what is known ahead.
pub(crate) fn regressions() -> Vec<&'static str> {
    let can = |entry: &&RegisteredModel| matches!(entry.model(&[24, 168], &Settings::new()), AnyModel::Local(model) if model.regression().is_some());
    REGISTRY.iter().filter(can).map(|entry| entry.name).collect()
}

/// Whether the model of this name can be one.
pub(crate) fn uses_known(name: &str) -> bool {
    regressions().contains(&name)
}

impl RegisteredModel {
    /// Makes the model for seasons of these lengths with these settings; what is not set has its default.
    ///
    /// # Panics
    /// If the settings are not what [`RegisteredModel::checked`] gives.
    #[must_use]
    pub(crate) fn model(&self, seasons: &[usize], settings: &Settings) -> AnyModel {
        let default = |setting: &ParamSchema| Some((setting.name.to_owned(), setting.default?.value()));
        let mut values: Settings = self.settings.iter().filter_map(default).collect();
        values.extend(settings.clone());
        (self.make)(seasons, &values)
    }

    /// Checks settings that come from elsewhere than a task's parameters.
    ///
    /// # Errors
    /// [`Misfit`] for one that the model does not have, or that cannot have this value.
    pub(crate) fn checked(&self, settings: Settings) -> Result<Settings, Misfit> {
        match Kind::Table(self.settings).check(&Value::Table(settings))? {
            Value::Table(settings) => Ok(settings),
            other => panic!("internal error: a table became {other}"),
        }
    }

    /// The model and those that it contains, by name.
    #[must_use]
    pub(crate) fn parts(&self) -> Vec<Part> {
        let contained = self.contains.iter().filter_map(|name| find(name));
        let mut parts: Vec<Part> = std::iter::once(self)
            .chain(contained)
            .map(RegisteredModel::part)
            .collect();
        parts.sort();
        parts
    }

    fn part(&self) -> Part {
        Part {
            name: self.name.to_owned(),
            version: self.version,
        }
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
    fn a_model_is_found_by_its_name_and_can_be_made_for_one_season_or_two() {
        for (entry, name) in REGISTRY.iter().zip(NAMES) {
            assert_eq!(find(name).map(|found| found.name), Some(entry.name));
            let _ = entry.model(&[24, 168], &Settings::new());
            let _ = entry.model(&[1], &Settings::new());
        }
        assert!(DEFAULT.iter().all(|name| find(name).is_some()));
    }

    #[test]
    fn what_a_model_contains_is_a_model_and_contains_no_other() {
        for entry in REGISTRY {
            for name in entry.contains {
                let contained = find(name).expect("a model");
                assert!(contained.contains.is_empty(), "{name}: its parts would be missing");
            }
        }
        let parts = find("MSTL_ARIMA").expect("a model").parts();
        let names: Vec<&str> = parts.iter().map(|part| part.name.as_str()).collect();
        assert_eq!(names, ["AutoARIMA", "MSTL_ARIMA"]);
    }

    #[test]
    fn a_setting_that_is_not_set_has_the_default_that_is_declared() {
        for entry in REGISTRY {
            let defaults = entry
                .settings
                .iter()
                .filter_map(|setting| Some((setting, setting.default?)));
            for (setting, default) in defaults {
                let settings = Settings::from([(setting.name.to_owned(), default.value())]);
                let checked = entry.checked(settings.clone());
                assert_eq!(checked, Ok(settings.clone()), "{} {}", entry.name, setting.name);
                let made = |settings: &Settings| format!("{:?}", entry.model(&[24, 168], settings));
                assert_eq!(
                    made(&settings),
                    made(&Settings::new()),
                    "{} {}",
                    entry.name,
                    setting.name
                );
            }
        }
    }

    #[test]
    fn settings_that_no_model_has_are_refused() {
        let entry = find("HoltWinters").expect("a model");
        let of = |name: &str, value| entry.checked(Settings::from([(name.to_owned(), value)]));
        assert!(of("error", Value::Text("additive".to_owned())).is_ok());
        assert!(of("error", Value::Text("none".to_owned())).is_err());
        assert!(of("errors", Value::Text("additive".to_owned())).is_err());
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
