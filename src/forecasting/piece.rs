//! A piece of a back-test: one model on one series at one cutoff, remembered from one run to the next.
//!
//! A piece is remembered under a digest of all that it depends on, the values of the past among it. So one more model,
//! one more window or one more series computes just that, and new data leaves the earlier windows as they are.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::models::{Finding, FitError, Fitted, Forecast, Interval, Model};
use crate::engine::digest::Digest;
use crate::engine::task::Memo;

/// Raised whenever pieces are written in another form.
const FORM: u32 = 1;

/// A model as the back-test and the forecast use it.
#[derive(Debug)]
pub struct Candidate {
    /// Its name in the roster.
    pub name: &'static str,
    /// Its version in the roster.
    pub version: u32,
    /// The model with its settings.
    pub model: Box<dyn Model>,
}

/// What a model forecast, and what its fit found.
#[derive(Clone, Debug, PartialEq)]
pub struct Piece {
    /// The forecast.
    pub forecast: Forecast,
    /// What the fit found, by name.
    pub found: Vec<(String, Finding)>,
}

/// A piece, or why there is none.
pub type Outcome = Result<Piece, String>;

/// Steps to forecast, and the levels of the intervals in percent.
#[derive(Clone, Copy, Debug)]
pub struct Span<'a> {
    /// Steps.
    pub horizon: usize,
    /// Percent, each in (0, 100).
    pub levels: &'a [f64],
}

/// What pieces cost.
#[derive(Clone, Copy, Debug, Default)]
pub struct Effort {
    /// Pieces that were computed.
    pub fitted: usize,
    /// Pieces that were remembered.
    pub remembered: usize,
    /// Time that the computed ones took, summed over threads.
    pub time: Duration,
}

impl Effort {
    /// Both together.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            fitted: self.fitted + other.fitted,
            remembered: self.remembered + other.remembered,
            time: self.time + other.time,
        }
    }
}

impl Candidate {
    /// Forecasts from the first `n` values of `y` for each `n` in `cutoffs`.
    pub fn pieces(&self, memo: &dyn Memo, y: &[f64], cutoffs: &[usize], span: Span<'_>) -> (Vec<Outcome>, Effort) {
        let keys: Vec<Digest> = cutoffs.iter().map(|&n| self.key(&y[..n], span)).collect();
        let mut outcomes: Vec<Option<Outcome>> = keys
            .iter()
            .map(|key| memo.get(key).and_then(|bytes| decode(&bytes)))
            .collect();
        let absent: Vec<usize> = (0..cutoffs.len()).filter(|&at| outcomes[at].is_none()).collect();
        let mut effort = Effort {
            fitted: absent.len(),
            remembered: cutoffs.len() - absent.len(),
            time: Duration::ZERO,
        };
        if !absent.is_empty() {
            let begun = Instant::now();
            let wanted: Vec<usize> = absent.iter().map(|&at| cutoffs[at]).collect();
            for (&at, outcome) in absent.iter().zip(self.fit(y, &wanted, span)) {
                // A panic is a fault of the program, which its next version may have mended: it is not remembered.
                if let Computed::Told(outcome) = &outcome {
                    memo.put(&keys[at], &encode(outcome));
                }
                outcomes[at] = Some(outcome.into());
            }
            effort.time = begun.elapsed();
        }
        let outcomes = outcomes
            .into_iter()
            .map(|outcome| outcome.unwrap_or_else(|| Err("no forecast".to_owned())));
        (outcomes.collect(), effort)
    }

    /// The digest of everything that a piece depends on.
    fn key(&self, past: &[f64], span: Span<'_>) -> Digest {
        let mut bytes = format!(
            "{FORM} {} {} {:?} {} {:?} ",
            self.name, self.version, self.model, span.horizon, span.levels
        )
        .into_bytes();
        bytes.extend(past.iter().flat_map(|value| value.to_bits().to_le_bytes()));
        Digest::of(&bytes)
    }

    fn fit(&self, y: &[f64], cutoffs: &[usize], span: Span<'_>) -> Vec<Computed> {
        let fits = catch_unwind(AssertUnwindSafe(|| self.model.fit_at(y, cutoffs)));
        let Ok(fits) = fits else {
            // Which of them panicked is found one by one.
            let alone = |&n: &usize| match catch_unwind(AssertUnwindSafe(|| self.model.fit(&y[..n]))) {
                Ok(fit) => self.forecast(fit, span),
                Err(_) => Computed::Panicked(format!("{} panicked", self.name)),
            };
            return cutoffs.iter().map(alone).collect();
        };
        fits.into_iter().map(|fit| self.forecast(fit, span)).collect()
    }

    fn forecast(&self, fit: Result<Box<dyn Fitted>, FitError>, span: Span<'_>) -> Computed {
        let fitted = match fit {
            Ok(fitted) => fitted,
            Err(error) => return Computed::Told(Err(error.to_string())),
        };
        let made = catch_unwind(AssertUnwindSafe(|| {
            let found = fitted
                .summary()
                .into_iter()
                .map(|(name, finding)| (name.to_owned(), finding))
                .collect();
            let forecast = fitted.forecast(span.horizon, span.levels);
            Piece { forecast, found }
        }));
        match made {
            Ok(piece) => Computed::Told(piece.checked(span)),
            Err(_) => Computed::Panicked(format!("{} panicked", self.name)),
        }
    }
}

/// An outcome that is just computed.
enum Computed {
    Told(Outcome),
    Panicked(String),
}

impl From<Computed> for Outcome {
    fn from(computed: Computed) -> Self {
        match computed {
            Computed::Told(outcome) => outcome,
            Computed::Panicked(why) => Err(why),
        }
    }
}

impl Piece {
    /// Passes a forecast of finite numbers only: a model that ran away has failed.
    fn checked(self, span: Span<'_>) -> Outcome {
        let paths = || {
            let bounds = self
                .forecast
                .intervals
                .iter()
                .flat_map(|interval| [&interval.lower, &interval.upper]);
            std::iter::once(&self.forecast.mean).chain(bounds)
        };
        if paths().any(|path| path.len() != span.horizon) || self.forecast.intervals.len() != span.levels.len() {
            return Err("the forecast has another length than asked for".to_owned());
        }
        let finite = paths().flatten().all(|value| value.is_finite());
        finite
            .then_some(self)
            .ok_or_else(|| "the forecast is not finite".to_owned())
    }
}

/// The form in which a piece is remembered.
#[derive(Serialize, Deserialize)]
struct Stored {
    mean: Vec<f64>,
    /// Level, lower and upper bounds.
    intervals: Vec<(f64, Vec<f64>, Vec<f64>)>,
    found: Vec<(String, StoredFinding)>,
}

#[derive(Serialize, Deserialize)]
enum StoredFinding {
    Number(f64),
    Numbers(Vec<f64>),
    Text(String),
}

fn encode(outcome: &Outcome) -> Vec<u8> {
    let stored = outcome.as_ref().map(|piece| Stored {
        mean: piece.forecast.mean.clone(),
        intervals: piece
            .forecast
            .intervals
            .iter()
            .map(|interval| (interval.level, interval.lower.clone(), interval.upper.clone()))
            .collect(),
        found: piece
            .found
            .iter()
            .map(|(name, finding)| {
                let finding = match finding {
                    Finding::Number(number) => StoredFinding::Number(*number),
                    Finding::Numbers(numbers) => StoredFinding::Numbers(numbers.clone()),
                    Finding::Text(text) => StoredFinding::Text(text.clone()),
                };
                (name.clone(), finding)
            })
            .collect(),
    });
    bincode::serde::encode_to_vec(stored, bincode::config::standard())
        .unwrap_or_else(|error| panic!("internal error: a piece cannot be written: {error}"))
}

/// Reads a piece; `None` for bytes that are none, which only costs time.
fn decode(bytes: &[u8]) -> Option<Outcome> {
    let config = bincode::config::standard().with_limit::<{ 1 << 26 }>();
    let (stored, read) = bincode::serde::decode_from_slice::<Result<Stored, String>, _>(bytes, config).ok()?;
    let piece = |stored: Stored| Piece {
        forecast: Forecast {
            mean: stored.mean,
            intervals: stored
                .intervals
                .into_iter()
                .map(|(level, lower, upper)| Interval { level, lower, upper })
                .collect(),
        },
        found: stored
            .found
            .into_iter()
            .map(|(name, finding)| {
                let finding = match finding {
                    StoredFinding::Number(number) => Finding::Number(number),
                    StoredFinding::Numbers(numbers) => Finding::Numbers(numbers),
                    StoredFinding::Text(text) => Finding::Text(text),
                };
                (name, finding)
            })
            .collect(),
    };
    (read == bytes.len()).then(|| stored.map(piece))
}
