//! `selected.json`: the models to forecast with, by series, with everything that the forecast and the registry need.
//!
//! It is about the chosen models alone: a further model that loses leaves it as it is, byte for byte.

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json, json};

use super::cached_fit::CandidateModel;
use super::document;
use super::known_ahead::KnownSources;
use super::models::Estimate;
use super::models::combine::{Combination, Member};
use super::models::conformal::{Conformal, Reach};
use super::models::panel_model::AnyModel;
use super::named_enum::named_enum;
use super::program_model::ChosenProgram;
use super::registry::{self, Settings};
use super::weighting::{Score, Select};
use crate::engine::spec::Value;
use crate::engine::task::{Context, Part, TaskError};

named_enum! {
    /// How the forecasts of a series' members become one.
    enum Combine {
        /// By the weighted mean.
        Mean = "mean",
        /// By the median.
        Median = "median",
    }
}

/// A longer season, in steps, is no season: models make room for one.
const LONGEST_SEASON: usize = 1_000_000;

/// What was chosen.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Selection {
    /// How it was chosen.
    pub(crate) select: Select,
    /// The error that decided.
    pub(crate) metric: Score,
    /// Lengths of the seasons, the shortest first.
    pub(crate) seasons: Vec<usize>,
    /// Whether forecasts and bounds below zero become zero.
    pub(crate) non_negative: bool,
    /// The models that are used, each once.
    pub(crate) models: Vec<Chosen>,
    /// The combination of each series, by name; its positions are those of `models`.
    pub(crate) series: BTreeMap<String, Combination>,
    /// Intervals that replace the models' own, by series; empty if the models' own are wanted.
    pub(crate) conformal: BTreeMap<String, Conformal>,
    /// What is to be told of series that are not forecast like the others.
    pub(crate) noted: BTreeMap<String, String>,
    /// The series that are not forecast, with the reason.
    pub(crate) left_out: BTreeMap<String, String>,
    /// What was known ahead, if anything was.
    pub(crate) known: Option<KnownSources>,
}

/// A model that is used.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Chosen {
    /// Its name in the registry.
    pub(crate) name: String,
    /// The versions of the registered models that it is made of, itself included.
    pub(crate) parts: Vec<Part>,
    /// Its settings.
    pub(crate) settings: Settings,
    /// What there is to know of it if it is a program of the user's.
    pub(crate) program: Option<ChosenProgram>,
}

impl Chosen {
    /// A candidate that was chosen.
    pub(crate) fn of(context: &Context<'_>, candidate: &CandidateModel) -> Self {
        let (program, settings) = match &candidate.model {
            AnyModel::Program(model) => (Some(model.chosen()), model.settings().clone()),
            AnyModel::Local(_) | AnyModel::Panel(_) => (None, registry::settings(&context.params, &candidate.name)),
        };
        Self {
            name: candidate.name.clone(),
            parts: candidate.parts.clone(),
            settings,
            program,
        }
    }

    fn candidate(&self, context: &Context<'_>, seasons: &[usize]) -> Result<CandidateModel, TaskError> {
        let name = &self.name;
        if let Some(program) = &self.program {
            let model = program.model(context, (name, &self.settings), seasons)?;
            return Ok(CandidateModel::program(model));
        }
        let model = registry::find(name).ok_or_else(|| {
            TaskError::new(format!(
                "`selected` names the model `{name}`, which this atsaf does not have"
            ))
            .help(BUILD_AGAIN)
        })?;
        let parts = model.parts();
        if self.parts != parts {
            return Err(TaskError::new(format!(
                "`selected` was made with another version of the model `{name}`"
            ))
            .note(format!(
                "it has {}; this atsaf has {}",
                versions(&self.parts),
                versions(&parts)
            ))
            .help(BUILD_AGAIN));
        }
        let settings = model.checked(self.settings.clone()).map_err(|misfit| {
            TaskError::new(format!(
                "`selected` has settings that the model `{name}` cannot have: {misfit}"
            ))
            .help(BUILD_AGAIN)
        })?;
        Ok(CandidateModel::registered(model, seasons, &settings))
    }
}

/// What helps against a selection that this program cannot use.
const BUILD_AGAIN: &str = "build it again, with the task `train_backtest_select`";

/// Versions in words.
fn versions(parts: &[Part]) -> String {
    let words: Vec<String> = parts
        .iter()
        .map(|part| format!("`{}` version {}", part.name, part.version))
        .collect();
    match words.is_empty() {
        true => "none".to_owned(),
        false => words.join(", "),
    }
}

impl Selection {
    /// Writes it as the artifact `name`; `found` gives what a model's last fit to a series found.
    ///
    /// # Errors
    /// [`TaskError`] if the file cannot be written.
    pub(crate) fn write<'a>(
        &self,
        context: &Context<'_>,
        name: &str,
        found: impl Fn(&str, usize) -> Option<&'a [(String, Estimate)]>,
    ) -> Result<(), TaskError> {
        document::write(context, name, &self.to_json(found))
    }

    /// All of it as JSON.
    fn to_json<'a>(&self, found: impl Fn(&str, usize) -> Option<&'a [(String, Estimate)]>) -> Json {
        let models: Vec<Json> = self
            .models
            .iter()
            .map(|chosen| {
                let settings: Map<String, Json> = chosen
                    .settings
                    .iter()
                    .map(|(name, value)| (name.clone(), value.to_json()))
                    .collect();
                let parts: Map<String, Json> = chosen
                    .parts
                    .iter()
                    .map(|part| (part.name.clone(), part.version.into()))
                    .collect();
                let mut entry = Map::new();
                entry.insert("name".to_owned(), chosen.name.as_str().into());
                entry.insert("versions".to_owned(), parts.into());
                entry.insert("settings".to_owned(), settings.into());
                if let Some(program) = &chosen.program {
                    program.write(&mut entry);
                }
                let uses_known = chosen.program.is_some() || registry::uses_known(&chosen.name);
                if let Some(known) = self.known.as_ref().filter(|_| uses_known) {
                    entry.insert("known".to_owned(), known.names().into());
                }
                Json::from(entry)
            })
            .collect();
        let series: Vec<Json> = self
            .series
            .iter()
            .map(|(id, combination)| {
                let member = |model: usize, weight: Option<f64>| {
                    let estimates = found(id, model).unwrap_or_default();
                    let estimates: Map<String, Json> = estimates
                        .iter()
                        .map(|(name, estimate)| (name.clone(), estimate_json(estimate)))
                        .collect();
                    let mut member = Map::new();
                    member.insert("model".to_owned(), self.models[model].name.clone().into());
                    if let Some(weight) = weight {
                        member.insert("weight".to_owned(), weight.into());
                    }
                    member.insert("found".to_owned(), estimates.into());
                    Json::from(member)
                };
                let (combine, members): (Combine, Vec<Json>) = match combination {
                    Combination::Weighted(members) => (
                        Combine::Mean,
                        members.iter().map(|one| member(one.model, Some(one.weight))).collect(),
                    ),
                    Combination::Median(models) => (
                        Combine::Median,
                        models.iter().map(|&model| member(model, None)).collect(),
                    ),
                };
                let mut whole = json!({ "unique_id": id, "combine": combine.name(), "members": members });
                if let Some(conformal) = self.conformal.get(id) {
                    whole["conformal"] = conformal_json(conformal);
                }
                if let Some(told) = self.noted.get(id) {
                    whole["exception"] = told.as_str().into();
                }
                whole
            })
            .collect();
        let mut whole = json!({
            "select": self.select.name(),
            "metric": self.metric.name(),
            "season_length": self.seasons,
            "non_negative": self.non_negative,
            "models": models,
            "series": series,
        });
        if !self.left_out.is_empty() {
            let one = |(id, told): (&String, &String)| json!({ "unique_id": id, "exception": told });
            whole["left_out"] = self.left_out.iter().map(one).collect();
        }
        if let Some(known) = &self.known {
            whole["known"] = known.to_json();
        }
        whole
    }

    /// Reads the input `role`.
    ///
    /// # Errors
    /// [`TaskError`] if it cannot be read or is no selection.
    pub(crate) fn read(context: &Context<'_>, role: &str) -> Result<Self, TaskError> {
        Self::of(&document::read(context, role)?.into(), role)
    }

    /// Takes it from the content of `selected.json`, which errors call `role`.
    ///
    /// # Errors
    /// [`TaskError`] if it is no selection.
    pub(crate) fn of(whole: &Json, role: &str) -> Result<Self, TaskError> {
        whole.as_object().and_then(Self::parse).ok_or_else(|| {
            TaskError::new(format!("`{role}` is no selection of models"))
                .help("build it with the task `train_backtest_select`, or remove it and build again")
        })
    }

    fn parse(whole: &Map<String, Json>) -> Option<Self> {
        let seasons = whole.get("season_length")?.as_array()?.iter();
        let models: Vec<Chosen> = whole
            .get("models")?
            .as_array()?
            .iter()
            .map(chosen)
            .collect::<Option<_>>()?;
        let series = whole
            .get("series")?
            .as_array()?
            .iter()
            .map(|one| combination(one, &models));
        Some(Self {
            select: whole.get("select")?.as_str()?.parse().ok()?,
            metric: whole.get("metric")?.as_str()?.parse().ok()?,
            seasons: seasons
                .map(|season| {
                    usize::try_from(season.as_u64()?)
                        .ok()
                        .filter(|season| *season <= LONGEST_SEASON)
                })
                .collect::<Option<_>>()?,
            non_negative: whole.get("non_negative")?.as_bool()?,
            series: series.collect::<Option<_>>()?,
            conformal: whole.get("series")?.as_array()?.iter().filter_map(conformal).collect(),
            noted: exceptions(whole, "series"),
            left_out: exceptions(whole, "left_out"),
            known: match whole.get("known") {
                Some(known) => Some(KnownSources::parse(known)?),
                None => None,
            },
            models,
        })
    }

    /// The models, ready to be fitted.
    ///
    /// # Errors
    /// [`TaskError`] for one that this program does not have, or that it has in another version or with other settings; and
    /// for a program of the user's that the Atsaffile does not declare as it was.
    pub(crate) fn candidates(&self, context: &Context<'_>) -> Result<Vec<CandidateModel>, TaskError> {
        self.models
            .iter()
            .map(|chosen| chosen.candidate(context, &self.seasons))
            .collect()
    }

    /// The name that stands for a series' combination in the predictions.
    #[must_use]
    pub(crate) fn name_of(&self, combination: &Combination) -> String {
        name_of(combination, |model| &self.models[model].name)
    }
}

/// The name of a combination from the names of the models: the model's, or that of the ensemble.
///
/// An ensemble's members stand in the order of the registry, so that equal ones of several series have one name.
pub(crate) fn name_of<'a>(combination: &Combination, name: impl Fn(usize) -> &'a str) -> String {
    let mut names: Vec<&str> = combination.models().into_iter().map(name).collect();
    names.sort_by_key(|name| registry::place(name));
    match names.as_slice() {
        [model] => (*model).to_owned(),
        models => format!("Ensemble({})", models.join(", ")),
    }
}

/// What is told of the series in a list, by name; most have nothing.
fn exceptions(whole: &Map<String, Json>, list: &str) -> BTreeMap<String, String> {
    let told = |one: &Json| {
        let field = |name: &str| Some(one.get(name)?.as_str()?.to_owned());
        Some((field("unique_id")?, field("exception")?))
    };
    let list = whole.get(list).and_then(Json::as_array).into_iter().flatten();
    list.filter_map(told).collect()
}

fn chosen(model: &Json) -> Option<Chosen> {
    let settings = model.get("settings")?.as_object()?.iter();
    let versions = model.get("versions")?.as_object()?.iter();
    let part = |(name, version): (&String, &Json)| {
        Some(Part {
            name: name.clone(),
            version: u32::try_from(version.as_u64()?).ok()?,
        })
    };
    let mut parts: Vec<Part> = versions.map(part).collect::<Option<_>>()?;
    parts.sort();
    Some(Chosen {
        name: model.get("name")?.as_str()?.to_owned(),
        parts,
        settings: settings
            .map(|(name, value)| Some((name.clone(), value_of(value)?)))
            .collect::<Option<_>>()?,
        program: match model.get("run") {
            Some(run) => Some(ChosenProgram::read(run, model)?),
            None => None,
        },
    })
}

fn combination(one: &Json, models: &[Chosen]) -> Option<(String, Combination)> {
    let position = |member: &Json| {
        let name = member.get("model")?.as_str()?;
        models.iter().position(|chosen| chosen.name == name)
    };
    let members = one.get("members")?.as_array()?.iter();
    let combination = match one.get("combine")?.as_str()?.parse().ok()? {
        Combine::Mean => {
            let weighted = |member| {
                Some(Member {
                    model: position(member)?,
                    weight: member.get("weight")?.as_f64()?,
                })
            };
            Combination::Weighted(members.map(weighted).collect::<Option<_>>()?)
        }
        Combine::Median => Combination::Median(members.map(position).collect::<Option<_>>()?),
    };
    Some((one.get("unique_id")?.as_str()?.to_owned(), combination))
}

fn conformal_json(conformal: &Conformal) -> Json {
    let reaches: Vec<Json> = conformal
        .reaches
        .iter()
        .map(|reach| json!({ "level": reach.level, "widths": reach.widths }))
        .collect();
    let mut whole = json!({
        "scale": conformal.scale.name(),
        "widths": conformal.widths,
        "largest": conformal.largest,
        "reaches": reaches,
    });
    if conformal.grain > 0.0 {
        whole["grain"] = conformal.grain.into();
    }
    whole
}

fn conformal(one: &Json) -> Option<(String, Conformal)> {
    let written = one.get("conformal")?;
    let reach = |reach: &Json| {
        Some(Reach {
            level: reach.get("level")?.as_f64()?,
            widths: reach.get("widths")?.as_f64()?,
        })
    };
    let numbers = |key: &str| -> Option<Vec<f64>> { written.get(key)?.as_array()?.iter().map(Json::as_f64).collect() };
    let conformal = Conformal {
        scale: written.get("scale")?.as_str()?.parse().ok()?,
        widths: numbers("widths")?,
        largest: numbers("largest")?,
        reaches: written
            .get("reaches")?
            .as_array()?
            .iter()
            .map(reach)
            .collect::<Option<_>>()?,
        grain: match written.get("grain") {
            Some(grain) => grain.as_f64()?,
            None => 0.0,
        },
    };
    Some((one.get("unique_id")?.as_str()?.to_owned(), conformal))
}

/// A setting as it was before it was written.
fn value_of(json: &Json) -> Option<Value> {
    Some(match json {
        Json::Bool(value) => Value::Bool(*value),
        Json::Number(number) if number.is_i64() => Value::Int(number.as_i64()?),
        Json::Number(number) => Value::Float(number.as_f64()?),
        Json::String(text) => Value::Text(text.clone()),
        Json::Array(items) => Value::List(items.iter().map(value_of).collect::<Option<_>>()?),
        Json::Object(entries) => {
            let entry = |(name, value): (&String, &Json)| Some((name.clone(), value_of(value)?));
            Value::Table(entries.iter().map(entry).collect::<Option<_>>()?)
        }
        Json::Null => return None,
    })
}

/// What a fit found, as JSON.
pub(super) fn estimate_json(estimate: &Estimate) -> Json {
    match estimate {
        Estimate::Number(number) => (*number).into(),
        Estimate::Numbers(numbers) => numbers.as_slice().into(),
        Estimate::Text(text) => text.as_str().into(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::models::scale::Scale;
    use super::*;

    #[test]
    fn what_is_written_reads_back() {
        let program = json!({
            "format": "csv", "files": { "ours.py": "00ff" }, "packages": { "numpy": "2.4.6" }, "environment": "ff00",
        });
        let nested = Value::Table(BTreeMap::from([("b".to_owned(), Value::List(vec![Value::Bool(true)]))]));
        let ours = |run: Json| Chosen {
            name: format!("Ours{run}"),
            parts: Vec::new(),
            settings: Settings::from([("a".to_owned(), nested.clone())]),
            program: ChosenProgram::read(&run, &program),
        };
        let models = [
            chosen_with("SeasonalNaive", &[]),
            chosen_with("AutoARIMA", &[("max_p", Value::Int(3)), ("ic", text("bic"))]),
            ours(json!("python3 ours.py")),
            ours(json!(["python3", "ours.py"])),
        ];
        assert!(models[2].program.is_some() && models[3].program.is_some());
        let conformal = Conformal {
            scale: Scale::Log,
            widths: vec![0.25, 0.5],
            largest: vec![3.0, 4.5],
            reaches: vec![Reach {
                level: 95.0,
                widths: 2.5,
            }],
            grain: 0.1,
        };
        let weighted = Combination::Weighted(vec![
            Member { model: 1, weight: 0.75 },
            Member { model: 0, weight: 0.25 },
        ]);
        let selection = Selection {
            select: Select::Ensemble,
            metric: Score::Mae,
            seasons: vec![24, 168],
            non_negative: true,
            models: models.into(),
            series: BTreeMap::from([
                ("A".to_owned(), weighted),
                ("B".to_owned(), Combination::Median(vec![0, 1])),
            ]),
            conformal: BTreeMap::from([("B".to_owned(), conformal)]),
            noted: BTreeMap::from([("A".to_owned(), "fallback: it is always 0".to_owned())]),
            left_out: BTreeMap::from([("C".to_owned(), "left out: it has no value".to_owned())]),
            known: KnownSources::parse(&json!({ "columns": ["temperature", "price"] })),
        };
        let json = selection.to_json(|_, _| Some(&[]));
        let whole = json.as_object().expect("an object");
        assert_eq!(Selection::parse(whole), Some(selection.clone()));
        assert_eq!(
            selection.name_of(&selection.series["A"]),
            "Ensemble(SeasonalNaive, AutoARIMA)"
        );
        let mut other = whole.clone();
        other["series"][0]["members"][0]["model"] = "Unheard".into();
        assert_eq!(Selection::parse(&other), None);
    }

    #[test]
    fn a_model_that_is_not_what_it_was_is_not_forecast_with() {
        let why = |change: fn(&mut Chosen)| {
            let mut chosen = chosen_with("MSTL_ARIMA", &[]);
            change(&mut chosen);
            let error = candidate(&chosen).expect_err("another one");
            assert_eq!(error.help, [BUILD_AGAIN]);
            error.notes.first().cloned().unwrap_or(error.what)
        };
        assert!(candidate(&chosen_with("MSTL_ARIMA", &[])).is_ok());
        let [arima, own] = ["AutoARIMA", "MSTL_ARIMA"].map(|name| registry::find(name).expect("a model").version);
        assert_eq!(
            why(|chosen| chosen.parts[0].version += 1),
            format!(
                "it has `AutoARIMA` version {}, `MSTL_ARIMA` version {own}; this atsaf has `AutoARIMA` version {arima}, \
                 `MSTL_ARIMA` version {own}",
                arima + 1
            )
        );
        assert!(why(|chosen| chosen.parts.clear()).starts_with("it has none; "));
        let unknown = "`selected` names the model `MSTL_AREMA`, which this atsaf does not have";
        assert_eq!(why(|chosen| chosen.name = "MSTL_AREMA".to_owned()), unknown);
        let odd = why(|chosen| drop(chosen.settings.insert("max_z".to_owned(), Value::Int(1))));
        assert!(
            odd.starts_with("`selected` has settings that the model `MSTL_ARIMA` cannot have: "),
            "{odd}"
        );
    }

    fn chosen_with(name: &str, settings: &[(&str, Value)]) -> Chosen {
        Chosen {
            name: name.to_owned(),
            parts: registry::find(name).expect("a model").parts(),
            settings: settings
                .iter()
                .map(|(name, value)| ((*name).to_owned(), value.clone()))
                .collect(),
            program: None,
        }
    }

    fn candidate(chosen: &Chosen) -> Result<CandidateModel, TaskError> {
        let cancelled = std::sync::atomic::AtomicBool::new(false);
        chosen.candidate(&Context::outside("a_target", &cancelled, &|_| {}), &[24])
    }

    fn text(text: &str) -> Value {
        Value::Text(text.to_owned())
    }
}
