//! The forecast of one model on one series at one cutoff, cached from one run to the next.
//!
//! A forecast is cached under a digest of everything that it depends on, the values of the past included. So one more
//! model, window or series computes just that, and new data leaves the earlier windows as they are.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::models::known::KnownColumns;
use super::models::panel_model::AnyModel;
use super::models::{Estimate, FitError, Fitted, Forecast, Interval, Model, RegressionModel};
use super::program_model::ProgramModel;
use super::registry::{RegisteredModel, Settings};
use super::series::Series;
use crate::engine::digest::Digest;
use crate::engine::task::{Memo, Part, Used};

/// The version of the cached bytes' format.
const FORMAT: u32 = 3;

/// A model as the back-test and the forecast use it.
#[derive(Debug)]
pub(crate) struct CandidateModel {
    /// Its name in `models`.
    pub(crate) name: String,
    /// The versions of the registered models that it is made of.
    pub(crate) parts: Vec<Part>,
    /// The model with its settings.
    pub(crate) model: AnyModel,
}

/// What a model forecast, and what its fit found.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct WindowForecast {
    /// The forecast.
    pub(crate) forecast: Forecast,
    /// What the fit found, by name.
    pub(crate) found: Vec<(String, Estimate)>,
}

/// A forecast, or why there is none.
pub(crate) type WindowOutcome = Result<WindowForecast, FitFailure>;

/// Why a model has no forecast.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct FitFailure {
    /// In words.
    pub(crate) why: String,
    /// How many values the model needs, if it had too few.
    pub(crate) needed: Option<usize>,
}

impl From<String> for FitFailure {
    fn from(why: String) -> Self {
        Self { why, needed: None }
    }
}

impl From<FitError> for FitFailure {
    fn from(error: FitError) -> Self {
        let needed = match &error {
            FitError::TooShort { needed, .. } => Some(*needed),
            FitError::NotFinite { .. } | FitError::NoFit { .. } => None,
        };
        let why = error.to_string();
        Self { why, needed }
    }
}

impl std::fmt::Display for FitFailure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.why)
    }
}

/// Steps to forecast, and the levels of the intervals in percent.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ForecastRequest<'a> {
    /// Steps.
    pub(crate) horizon: usize,
    /// Percent, each in (0, 100).
    pub(crate) levels: &'a [f64],
}

/// What the forecasts of a model cost.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct FitEffort {
    /// Forecasts that were computed.
    pub(crate) fitted: usize,
    /// Forecasts that were remembered.
    pub(crate) remembered: usize,
    /// Time that the computed ones took, summed over threads.
    pub(crate) time: Duration,
}

impl FitEffort {
    /// Both together.
    #[must_use]
    pub(crate) fn and(self, other: Self) -> Self {
        Self {
            fitted: self.fitted + other.fitted,
            remembered: self.remembered + other.remembered,
            time: self.time + other.time,
        }
    }
}

impl CandidateModel {
    /// A model of the registry for seasons of these lengths with these settings.
    pub(crate) fn registered(model: &RegisteredModel, seasons: &[usize], settings: &Settings) -> Self {
        Self {
            name: model.name.to_owned(),
            parts: model.parts(),
            model: model.model(seasons, settings),
        }
    }

    /// A program of the user's.
    pub(crate) fn program(model: ProgramModel) -> Self {
        Self {
            name: model.name.clone(),
            parts: Vec::new(),
            model: AnyModel::Program(Box::new(model)),
        }
    }

    /// Whether it gets what is known ahead, where anything is: as a regression, or as a program of the user's.
    pub(crate) fn uses_known(&self) -> bool {
        match &self.model {
            AnyModel::Local(model) => model.regression().is_some(),
            AnyModel::Program(_) => true,
            AnyModel::Panel(_) => false,
        }
    }

    /// Forecasts from the first `n` values of a series for each `n` in `cutoffs`, with a model of one series of this
    /// candidate.
    ///
    /// A model that can be a regression on what is known ahead of the series is one.
    pub(crate) fn forecasts(
        &self,
        memo: &dyn Memo,
        model: &dyn Model,
        (series, cutoffs): (&Series, &[usize]),
        request: ForecastRequest<'_>,
    ) -> (Vec<WindowOutcome>, FitEffort) {
        let past = FittedPast {
            y: &series.y,
            known: model
                .regression()
                .zip(Some(&series.known))
                .filter(|(_, known)| !known.is_empty()),
        };
        let keys: Vec<Digest> = cutoffs.iter().map(|&n| self.key(past, n, request)).collect();
        let mut outcomes: Vec<Option<WindowOutcome>> = keys
            .iter()
            .map(|key| memo.get(key).and_then(|bytes| decode(&bytes)))
            // Bytes that somebody else left there may be a forecast of another length.
            .map(|outcome| match outcome? {
                Ok(window) => window.checked(request).ok().map(Ok),
                Err(why) => Some(Err(why)),
            })
            .collect();
        let absent: Vec<usize> = (0..cutoffs.len()).filter(|&at| outcomes[at].is_none()).collect();
        let mut effort = FitEffort {
            fitted: absent.len(),
            remembered: cutoffs.len() - absent.len(),
            time: Duration::ZERO,
        };
        if !absent.is_empty() {
            let begun = Instant::now();
            let wanted: Vec<usize> = absent.iter().map(|&at| cutoffs[at]).collect();
            for (&at, outcome) in absent.iter().zip(self.fit(model, past, &wanted, request)) {
                // A panic is a fault of the program, which its next version may have mended: it is not remembered.
                if let Computed::Outcome(outcome) = &outcome {
                    memo.put(&keys[at], &encode(outcome));
                }
                outcomes[at] = Some(outcome.into());
            }
            effort.time = begun.elapsed();
        }
        let outcomes = outcomes
            .into_iter()
            .map(|outcome| outcome.unwrap_or_else(|| Err("no forecast".to_owned().into())));
        (outcomes.collect(), effort)
    }

    /// The digest of everything that a forecast from the first `n` values depends on.
    fn key(&self, past: FittedPast<'_>, n: usize, request: ForecastRequest<'_>) -> Digest {
        let mut bytes = self.key_without_past(request);
        if let Some((_, known)) = past.known {
            bytes.extend(known.bytes(n, request.horizon));
        }
        bytes.extend(past.y[..n].iter().flat_map(|value| value.to_bits().to_le_bytes()));
        Digest::of(&bytes)
    }

    /// What the digest is made of, but for what the model is fitted to.
    pub(super) fn key_without_past(&self, request: ForecastRequest<'_>) -> Vec<u8> {
        let mut bytes = format!("{FORMAT} {} ", self.name).into_bytes();
        for part in &self.parts {
            bytes.extend(format!("{} {} ", part.name, part.version).into_bytes());
        }
        let ForecastRequest { horizon, levels } = request;
        bytes.extend(format!("{:?} {horizon} {levels:?} ", self.model).into_bytes());
        bytes
    }

    fn fit(
        &self,
        model: &dyn Model,
        past: FittedPast<'_>,
        cutoffs: &[usize],
        request: ForecastRequest<'_>,
    ) -> Vec<Computed> {
        let y = past.y;
        if let Some((regression, known)) = past.known {
            let fit = |&n: &usize| {
                let Some(ahead) = known.of(n, request.horizon) else {
                    return Computed::Outcome(Err("what is known ahead ends before the forecast".to_owned().into()));
                };
                match catch_unwind(AssertUnwindSafe(|| regression.fit_known(&y[..n], &ahead))) {
                    Ok(fit) => self.forecast(fit, request),
                    Err(_) => Computed::Panicked(format!("{} panicked", self.name)),
                }
            };
            return cutoffs.par_iter().map(fit).collect();
        }
        let fits = catch_unwind(AssertUnwindSafe(|| model.fit_at(y, cutoffs)));
        let Ok(fits) = fits else {
            // Which of them panicked is found one by one.
            let alone = |&n: &usize| match catch_unwind(AssertUnwindSafe(|| model.fit(&y[..n]))) {
                Ok(fit) => self.forecast(fit, request),
                Err(_) => Computed::Panicked(format!("{} panicked", self.name)),
            };
            return cutoffs.iter().map(alone).collect();
        };
        fits.into_iter().map(|fit| self.forecast(fit, request)).collect()
    }

    fn forecast(&self, fit: Result<Box<dyn Fitted>, FitError>, request: ForecastRequest<'_>) -> Computed {
        let fitted = match fit {
            Ok(fitted) => fitted,
            Err(error) => return Computed::Outcome(Err(error.into())),
        };
        let made = catch_unwind(AssertUnwindSafe(|| {
            let found = fitted
                .summary()
                .into_iter()
                .map(|(name, estimate)| (name.to_owned(), estimate))
                .collect();
            let forecast = fitted.forecast(request.horizon, request.levels);
            WindowForecast { forecast, found }
        }));
        match made {
            Ok(forecast) => Computed::Outcome(forecast.checked(request)),
            Err(_) => Computed::Panicked(format!("{} panicked", self.name)),
        }
    }
}

/// What a model of one series is fitted to.
#[derive(Clone, Copy)]
struct FittedPast<'a> {
    /// The whole series.
    y: &'a [f64],
    /// The model as a regression, and the columns, where there are both.
    known: Option<(&'a dyn RegressionModel, &'a KnownColumns)>,
}

/// An outcome that was just computed.
enum Computed {
    Outcome(WindowOutcome),
    Panicked(String),
}

impl From<Computed> for WindowOutcome {
    fn from(computed: Computed) -> Self {
        match computed {
            Computed::Outcome(outcome) => outcome,
            Computed::Panicked(why) => Err(why.into()),
        }
    }
}

impl WindowForecast {
    /// Passes a forecast of finite numbers only: a model that ran away has failed.
    pub(super) fn checked(self, request: ForecastRequest<'_>) -> WindowOutcome {
        let paths = || {
            let bounds = self
                .forecast
                .intervals
                .iter()
                .flat_map(|interval| [&interval.lower, &interval.upper]);
            std::iter::once(&self.forecast.mean).chain(bounds)
        };
        if paths().any(|path| path.len() != request.horizon) || self.forecast.intervals.len() != request.levels.len() {
            return Err("the forecast has another length than asked for".to_owned().into());
        }
        let inverted = |interval: &Interval| interval.lower.iter().zip(&interval.upper).any(|(low, high)| low > high);
        if self.forecast.intervals.iter().any(inverted) {
            return Err("a lower bound of the forecast lies above the upper one"
                .to_owned()
                .into());
        }
        let finite = paths().flatten().all(|value| value.is_finite());
        finite
            .then_some(self)
            .ok_or_else(|| "the forecast is not finite".to_owned().into())
    }
}

/// A forecast as it is cached.
#[derive(Serialize, Deserialize)]
struct Stored {
    mean: Vec<f64>,
    /// Level, lower and upper bounds.
    intervals: Vec<(f64, Vec<f64>, Vec<f64>)>,
    found: Vec<(String, StoredEstimate)>,
}

#[derive(Serialize, Deserialize)]
enum StoredEstimate {
    Number(f64),
    Numbers(Vec<f64>),
    Text(String),
}

/// A forecast as it is cached, or why there is none.
type StoredOutcome = Result<Stored, FitFailure>;

fn encode(outcome: &WindowOutcome) -> Vec<u8> {
    bytes_of(&stored(outcome))
}

/// Encodes the forecasts of a panel, in their order.
pub(super) fn encode_all(outcomes: &[WindowOutcome]) -> Vec<u8> {
    bytes_of(&outcomes.iter().map(stored).collect::<Vec<StoredOutcome>>())
}

/// Encodes the forecasts of a program, in their order, with what it was seen to use.
pub(super) fn encode_of_program(used: &Used, outcomes: &[WindowOutcome]) -> Vec<u8> {
    bytes_of(&(used, outcomes.iter().map(stored).collect::<Vec<StoredOutcome>>()))
}

/// Decodes a forecast; `None` for bytes that are none, which only costs time.
fn decode(bytes: &[u8]) -> Option<WindowOutcome> {
    value_of::<StoredOutcome>(bytes).map(|outcome| outcome.map(Stored::restored))
}

/// Decodes the forecasts of a panel; `None` for bytes that are none.
pub(super) fn decode_all(bytes: &[u8]) -> Option<Vec<WindowOutcome>> {
    value_of::<Vec<StoredOutcome>>(bytes).map(restored)
}

/// Decodes the forecasts of a program, with what it was seen to use; `None` for bytes that are none.
pub(super) fn decode_of_program(bytes: &[u8]) -> Option<(Used, Vec<WindowOutcome>)> {
    value_of::<(Used, Vec<StoredOutcome>)>(bytes).map(|(used, outcomes)| (used, restored(outcomes)))
}

fn restored(outcomes: Vec<StoredOutcome>) -> Vec<WindowOutcome> {
    let outcomes = outcomes.into_iter();
    outcomes.map(|outcome| outcome.map(Stored::restored)).collect()
}

fn bytes_of(value: &impl Serialize) -> Vec<u8> {
    bincode::serde::encode_to_vec(value, bincode::config::standard())
        .unwrap_or_else(|error| panic!("internal error: a forecast cannot be encoded: {error}"))
}

fn value_of<T: serde::de::DeserializeOwned>(bytes: &[u8]) -> Option<T> {
    let config = bincode::config::standard().with_limit::<{ 1 << 26 }>();
    let (value, read) = bincode::serde::decode_from_slice::<T, _>(bytes, config).ok()?;
    (read == bytes.len()).then_some(value)
}

fn stored(outcome: &WindowOutcome) -> StoredOutcome {
    let window = outcome.as_ref().map_err(Clone::clone)?;
    let estimate = |(name, estimate): &(String, Estimate)| {
        let estimate = match estimate {
            Estimate::Number(number) => StoredEstimate::Number(*number),
            Estimate::Numbers(numbers) => StoredEstimate::Numbers(numbers.clone()),
            Estimate::Text(text) => StoredEstimate::Text(text.clone()),
        };
        (name.clone(), estimate)
    };
    let bounds = |interval: &Interval| (interval.level, interval.lower.clone(), interval.upper.clone());
    Ok(Stored {
        mean: window.forecast.mean.clone(),
        intervals: window.forecast.intervals.iter().map(bounds).collect(),
        found: window.found.iter().map(estimate).collect(),
    })
}

impl Stored {
    fn restored(self) -> WindowForecast {
        let interval = |(level, lower, upper)| Interval { level, lower, upper };
        let estimate = |(name, estimate)| {
            let estimate = match estimate {
                StoredEstimate::Number(number) => Estimate::Number(number),
                StoredEstimate::Numbers(numbers) => Estimate::Numbers(numbers),
                StoredEstimate::Text(text) => Estimate::Text(text),
            };
            (name, estimate)
        };
        WindowForecast {
            forecast: Forecast {
                mean: self.mean,
                intervals: self.intervals.into_iter().map(interval).collect(),
            },
            found: self.found.into_iter().map(estimate).collect(),
        }
    }
}
