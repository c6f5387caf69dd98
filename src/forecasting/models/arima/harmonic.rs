//! Dynamic harmonic regression: seasons as sums of sines and cosines, with ARIMA errors.
//!
//! Source: Hyndman and Athanasopoulos (2021), Forecasting: principles and practice, 3rd edition, section 10.5; Young,
//! Pedregal and Tych (1999) for the name. A season of 168 steps costs nothing more here than one of 24, and several fit
//! side by side.
//!
//! Columns that are known ahead stand beside the waves in every step, all of them, unless waves make them up.
//!
//! Steps, each a regression by Cholesky on all columns: a pilot by ordinary least squares with as many pairs as are
//! allowed; a search for the order of its residuals; the number of pairs of each season by `AICc`, on columns whitened
//! by that model, as ordinary residuals are far too dependent for a criterion; a second search on what is left; and
//! generalised least squares under the model found. O(n k^2) with k columns in all.

use super::super::known::KnownAhead;
use super::super::linalg::dot;
use super::super::settings::model_settings;
use super::super::{Estimate, FitError, Fitted, Model, RegressionModel, check};
use super::auto::AutoArima;
use super::differencing::difference;
use super::estimate::ArmaEstimate;
use super::exact::whiten;
use super::forecast::{Finished, FittedArima, Regressors};
use super::known::{KnownEffect, ScaledColumns};
use super::least_squares::cholesky;
use super::likelihood::Likelihood;
use super::order::{Coefficients, Order};
use super::sample::{DifferencedSample, Regression};
use super::{Criterion, Differenced, scale_of};
use crate::engine::spec::schema::Kind;

/// Values that a series must have for each column.
const VALUES_PER_COLUMN: usize = 4;

model_settings! {
    /// Dynamic harmonic regression with ARIMA errors.
    #[derive(Clone, Debug, PartialEq)]
    pub(crate) struct HarmonicArima {
        /// Steps in each season, such as 24 and 168; those that the series does not hold twice are left out.
        season_lengths: Vec<usize> = vec![24, 168],
        /// The search for the order of the errors; its season is not used.
        errors: AutoArima = AutoArima {
            seasonal: false,
            ..AutoArima::default()
        },
    }
    "max_pairs" => max_pairs: Vec<usize> = None, Kind::List(&Kind::Int { min: 0, max: 50 }),
        "most pairs of sine and cosine, one number for each season (half a season)";
}

/// One column: `sin` or `cos` of `2 π k t / m`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Wave {
    season_length: usize,
    pair: usize,
    cosine: bool,
}

impl Wave {
    /// Its value at the position `t`.
    #[expect(
        clippy::cast_precision_loss,
        reason = "a phase is less than a season, which has few steps"
    )]
    fn at(self, t: usize) -> f64 {
        // The phase of a whole number of turns less, so that a late position loses no digits.
        let phase = (t % self.season_length) * self.pair % self.season_length;
        let angle = 2.0 * std::f64::consts::PI * phase as f64 / self.season_length as f64;
        if self.cosine { angle.cos() } else { angle.sin() }
    }

    /// Returns whether another wave has the same frequency.
    fn same_frequency(self, other: &Self) -> bool {
        self.pair * other.season_length == other.pair * self.season_length
    }
}

/// A sum of waves, with or without a mean or drift.
#[derive(Clone, Debug)]
struct HarmonicRegressors {
    waves: Vec<Wave>,
    /// Of the waves, then of the constant.
    coefficients: Vec<f64>,
    /// What columns that are known ahead add.
    known: KnownEffect,
    /// Whether the constant is a drift; nothing if there is none.
    drift: Option<bool>,
    /// Pairs of each season, as text.
    pairs: String,
}

impl Regressors for HarmonicRegressors {
    #[expect(clippy::cast_precision_loss, reason = "a series is far shorter than 2^52")]
    fn effect(&self, t: usize) -> f64 {
        let waves: f64 = self
            .waves
            .iter()
            .zip(&self.coefficients)
            .map(|(wave, c)| c * wave.at(t))
            .sum();
        let constant = self.coefficients.last().copied().unwrap_or(0.0);
        waves
            + self.known.at(t)
            + match self.drift {
                Some(true) => constant * (t + 1) as f64,
                Some(false) => constant,
                None => 0.0,
            }
    }

    fn end(&self) -> Option<usize> {
        self.known.end()
    }

    fn summary(&self) -> Vec<(&'static str, Estimate)> {
        let mut summary = vec![("fourier_pairs", Estimate::Text(self.pairs.clone()))];
        summary.extend(self.known.summary());
        if let (Some(drift), Some(&constant)) = (self.drift, self.coefficients.last()) {
            summary.push((if drift { "drift" } else { "mean" }, Estimate::Number(constant)));
        }
        summary
    }
}

impl HarmonicArima {
    /// The waves of each season, by rising frequency, each frequency once.
    fn seasons(&self, n: usize) -> Vec<Vec<Wave>> {
        let mut left = n / VALUES_PER_COLUMN;
        let mut seasons: Vec<Vec<Wave>> = Vec::new();
        for (i, &season_length) in self.season_lengths.iter().enumerate() {
            let mut waves: Vec<Wave> = Vec::new();
            let most = self
                .max_pairs
                .get(i)
                .copied()
                .unwrap_or(usize::MAX)
                .min(season_length / 2);
            for pair in 1..=if n >= 2 * season_length { most } else { 0 } {
                let [sine, cosine] = [false, true].map(|cosine| Wave {
                    season_length,
                    pair,
                    cosine,
                });
                // The sine of the highest frequency is zero at every step.
                let new: &[Wave] = if 2 * pair == season_length {
                    &[cosine]
                } else {
                    &[sine, cosine]
                };
                let known = seasons.iter().flatten().any(|wave| wave.same_frequency(&sine));
                if !known && new.len() <= left {
                    left -= new.len();
                    waves.extend(new);
                }
            }
            seasons.push(waves);
        }
        seasons
    }
}

/// A column of a wave, differenced.
fn column(wave: Wave, n: usize, d: usize) -> Vec<f64> {
    difference(&(0..n).map(|t| wave.at(t)).collect::<Vec<_>>(), 1, d)
}

/// How many of the first waves of each season to keep, by `AICc` under the model of the errors.
fn choose_pairs(sample: &DifferencedSample, seasons: &[Vec<Wave>], model: &Coefficients) -> Option<Vec<usize>> {
    let columns: Vec<&[f64]> = sample.columns().collect();
    let whitened = whiten(model, &columns)?;
    let scaled: Vec<Vec<f64>> = (0..columns.len()).map(|column| whitened.scaled(column)).collect();
    let (series, regressors) = scaled.split_first()?;
    let constants = regressors.len() - seasons.iter().map(Vec::len).sum::<usize>();
    // The columns stand season by season, then what is known ahead and the constant, which are kept.
    let constant: Vec<&Vec<f64>> = regressors[regressors.len() - constants..].iter().collect();
    let mut kept = constant;
    let mut chosen = Vec::new();
    let mut first = 0;
    for waves in seasons {
        let of_season = &regressors[first..first + waves.len()];
        let all: Vec<&Vec<f64>> = kept.iter().copied().chain(of_season).collect();
        let count = best_prefix(series, &all, kept.len(), waves)?;
        kept.extend(&of_season[..count]);
        chosen.push(count);
        first += waves.len();
    }
    Some(chosen)
}

/// How many of the waves after the first `fixed` columns give the lowest `AICc`, in whole pairs.
fn best_prefix(series: &[f64], columns: &[&Vec<f64>], fixed: usize, waves: &[Wave]) -> Option<usize> {
    let products = columns
        .iter()
        .enumerate()
        .map(|(i, a)| columns[..=i].iter().map(|b| dot(a, b)).collect())
        .collect();
    let with_series: Vec<f64> = columns.iter().map(|column| dot(column, series)).collect();
    // Each entry of `L^-1 X'y` is what its column takes off the sum of squares after those before it.
    let (_, explained) = cholesky(products, &with_series)?;
    let mut rest = dot(series, series) - dot(&explained[..fixed], &explained[..fixed]);
    #[expect(clippy::cast_precision_loss, reason = "a series is far shorter than 2^52")]
    let criterion = |rest: f64, count: usize| {
        let n = series.len() as f64;
        Criterion::Aicc.value(
            -0.5 * n * rest.max(f64::MIN_POSITIVE).ln(),
            fixed + count + 1,
            series.len(),
        )
    };
    let (mut best, mut lowest) = (0, criterion(rest, 0));
    for (i, take) in explained[fixed..].iter().enumerate() {
        rest -= take * take;
        let pair_ends = waves.get(i + 1).is_none_or(|next| next.pair != waves[i].pair);
        let value = criterion(rest, i + 1);
        if pair_ends && value < lowest {
            (best, lowest) = (i + 1, value);
        }
    }
    Some(best)
}

impl Model for HarmonicArima {
    fn fit(&self, y: &[f64]) -> Result<Box<dyn Fitted>, FitError> {
        self.fit_with(y, None)
    }

    fn regression(&self) -> Option<&dyn RegressionModel> {
        Some(self)
    }
}

impl RegressionModel for HarmonicArima {
    fn fit_known(&self, y: &[f64], known: &KnownAhead<'_>) -> Result<Box<dyn Fitted>, FitError> {
        self.fit_with(y, Some(known))
    }
}

impl HarmonicArima {
    fn fit_with(&self, y: &[f64], known: Option<&KnownAhead<'_>>) -> Result<Box<dyn Fitted>, FitError> {
        check("HarmonicARIMA", y, 1)?;
        let n = y.len();
        let seasons = self.seasons(n);
        let settings = AutoArima {
            seasonal: false,
            ..self.errors.clone()
        };
        if seasons.iter().all(Vec::is_empty) || super::differencing::is_constant(y) {
            return known.map_or_else(|| settings.fit(y), |known| settings.fit_known(y, known));
        }
        let columns = match known {
            Some(known) => ScaledColumns::of("HarmonicARIMA", known, n)?,
            None => ScaledColumns::none(),
        };
        let scale = scale_of("HarmonicARIMA", y)?;
        let scaled: Vec<f64> = y.iter().map(|value| value / scale).collect();
        self.fit_scaled(y, scale, &scaled, &seasons, &columns, &settings)
            .ok_or_else(|| FitError::NoFit {
                model: "HarmonicARIMA",
                why: "no likelihood on this series".to_owned(),
            })
    }
}

impl HarmonicArima {
    /// The steps of the module's first page.
    fn fit_scaled(
        &self,
        y: &[f64],
        scale: f64,
        scaled: &[f64],
        seasons: &[Vec<Wave>],
        columns: &ScaledColumns,
        settings: &AutoArima,
    ) -> Option<Box<dyn Fitted>> {
        let n = y.len();
        let all: Vec<Wave> = seasons.concat();
        let columns = apart_from_waves(columns, &all, n, &Order::new(0, 0, 0));
        let pilot = Regression::new(&pilot_columns(scaled, &all, &columns))?.residuals;
        let base = settings.differences(&pilot);
        let columns = &apart_from_waves(&columns, &all, n, &base);
        let first = settings.search(n, base, &Differenced::new(&pilot, &base), None)?;
        let model = &first.estimate.coefficients;

        let counts = choose_pairs(&sample(scaled, &all, columns, &base, base.d < 2), seasons, model)?;
        let kept = seasons
            .iter()
            .zip(&counts)
            .flat_map(|(waves, &count)| &waves[..count])
            .copied()
            .collect::<Vec<_>>();
        let regression = sample(scaled, &kept, columns, &base, base.d < 2);
        let coefficients = Likelihood::at(&regression, model)?.regression;
        let errors = Differenced {
            series: regression.without_regressors(&coefficients),
            constant: 1.0,
            columns: Vec::new(),
        };
        let second = settings.search(n, base, &errors, None)?;

        // A mean is part of any regression without differences; a drift where the search wants one.
        let constant = base.d == 0 || second.constant;
        let sample = sample(scaled, &kept, columns, &base, constant);
        let likelihood = Likelihood::at(&sample, &second.estimate.coefficients)?;
        let mut effort = second.work.effort(settings);
        let before = first.work.effort(settings);
        effort.candidates += before.candidates;
        effort.iterations += before.iterations;
        let (of_waves, others) = likelihood.regression.split_at(kept.len());
        let (of_columns, of_constant) = others.split_at(columns.len());
        let regressors = HarmonicRegressors {
            waves: kept,
            coefficients: of_waves.iter().chain(of_constant).map(|c| c * scale).collect(),
            known: columns.clone().effect(of_columns, scale),
            drift: constant.then_some(base.d > 0),
            pairs: self.pairs_in_words(&counts),
        };
        let estimate = ArmaEstimate {
            log_likelihood: likelihood.log,
            regressors: sample.regressors.len(),
            ..second.estimate
        };
        Some(Box::new(FittedArima::new(Finished {
            y,
            scale,
            sample: &sample,
            estimate: &estimate,
            likelihood,
            regressors: Some(Box::new(regressors)),
            text: format!("regression on waves with {} errors", estimate.order.text(false)),
            effort,
        })))
    }

    /// Pairs of each season, such as `7[24] 32[168]`, from numbers of waves.
    fn pairs_in_words(&self, counts: &[usize]) -> String {
        let words = self
            .season_lengths
            .iter()
            .zip(counts)
            .map(|(m, count)| format!("{}[{m}]", count.div_ceil(2)));
        words.collect::<Vec<_>>().join(" ")
    }
}

/// The columns that the waves and a constant do not make up after some differences.
fn apart_from_waves(columns: &ScaledColumns, waves: &[Wave], n: usize, base: &Order) -> ScaledColumns {
    if columns.is_empty() {
        return columns.clone();
    }
    let mut fixed = vec![vec![1.0; n - base.d]];
    fixed.extend(waves.iter().map(|&wave| column(wave, n, base.d)));
    columns.apart_from(&fixed, base)
}

/// The series, all waves, what is known ahead and a mean, none of them differenced.
fn pilot_columns(scaled: &[f64], waves: &[Wave], known: &ScaledColumns) -> Vec<Vec<f64>> {
    let n = scaled.len();
    let mut columns = vec![scaled.to_vec()];
    columns.extend(waves.iter().map(|&wave| column(wave, n, 0)));
    columns.extend(known.differenced(&Order::new(0, 0, 0)));
    columns.push(vec![1.0; n]);
    columns
}

/// The differenced series with its waves, what is known ahead, and a constant after them if there is one.
fn sample(scaled: &[f64], waves: &[Wave], known: &ScaledColumns, base: &Order, constant: bool) -> DifferencedSample {
    let n = scaled.len();
    let mut regressors: Vec<Vec<f64>> = waves.iter().map(|&wave| column(wave, n, base.d)).collect();
    regressors.extend(known.differenced(base));
    if constant {
        regressors.push(vec![1.0; n - base.d]);
    }
    DifferencedSample {
        series: difference(scaled, 1, base.d),
        regressors,
    }
}
