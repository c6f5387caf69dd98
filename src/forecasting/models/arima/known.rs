//! ARIMA models around what columns that are known ahead add: regression with ARIMA errors.
//!
//! Source: Hyndman and Athanasopoulos (2021), Forecasting: principles and practice, 3rd edition, chapter 10; R's
//! `auto.arima(xreg =)` and statsforecast's `AutoARIMA` with `X` for the steps: the differences are found on what ordinary
//! least squares on the columns and a mean leave; the columns take the same differences as the series; and each candidate
//! is estimated with them, their coefficients being those of generalised least squares under its own errors.
//!
//! A column that the differences leave nothing of, or make one of the others or of the drift, is left out.

use super::super::known::{KnownAhead, independent};
use super::super::{Estimate, FitError, Fitted, Model as _, RegressionModel, check};
use super::auto::AutoArima;
use super::forecast::{Constant, Finished, FittedArima, Regressors};
use super::likelihood::Likelihood;
use super::order::Order;
use super::sample::Regression;
use super::{Differenced, scale_of};

/// Values that a series must have for each column.
const VALUES_PER_COLUMN: usize = 4;

/// Columns of a past and of the steps after it, each divided by the power of two next to its largest value.
#[derive(Clone, Debug)]
pub(super) struct ScaledColumns {
    names: Vec<String>,
    values: Vec<Vec<f64>>,
    units: Vec<f64>,
    past: usize,
}

impl ScaledColumns {
    /// Those that a past of `past` values can tell apart; none where nothing is known.
    pub(super) fn of(model: &'static str, known: &KnownAhead<'_>, past: usize) -> Result<Self, FitError> {
        let mut columns = Self {
            names: Vec::new(),
            values: Vec::new(),
            units: Vec::new(),
            past,
        };
        for (name, values) in known.told_apart().columns() {
            let unit = scale_of(model, values)?;
            columns.names.push((*name).to_owned());
            columns.values.push(values.iter().map(|value| value / unit).collect());
            columns.units.push(unit);
        }
        let needed = VALUES_PER_COLUMN * (columns.len() + 1);
        match past < needed && !columns.is_empty() {
            true => Err(FitError::TooShort {
                model,
                needed,
                found: past,
            }),
            false => Ok(columns),
        }
    }

    /// No columns.
    pub(super) fn none() -> Self {
        Self {
            names: Vec::new(),
            values: Vec::new(),
            units: Vec::new(),
            past: 0,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.names.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// Without those that the `fixed` columns, or the ones before, make up after the differences of an order.
    pub(super) fn apart_from(&self, fixed: &[Vec<f64>], order: &Order) -> Self {
        let kept = independent(fixed, &self.differenced(order));
        Self {
            names: kept.iter().map(|&at| self.names[at].clone()).collect(),
            values: kept.iter().map(|&at| self.values[at].clone()).collect(),
            units: kept.iter().map(|&at| self.units[at]).collect(),
            past: self.past,
        }
    }

    /// Their past after the differences of an order.
    pub(super) fn differenced(&self, order: &Order) -> Vec<Vec<f64>> {
        let past = self.values.iter().map(|values| &values[..self.past]);
        past.map(|values| Differenced::new(values, order).series).collect()
    }

    /// Their effect with these coefficients on a series that was divided by `scale`.
    pub(super) fn effect(self, coefficients: &[f64], scale: f64) -> KnownEffect {
        KnownEffect {
            coefficients: coefficients.iter().map(|c| c * scale).collect(),
            columns: self,
        }
    }
}

/// What the columns add to the errors.
#[derive(Clone, Debug)]
pub(super) struct KnownEffect {
    columns: ScaledColumns,
    /// Of the scaled columns, for the series that is not scaled.
    coefficients: Vec<f64>,
}

impl KnownEffect {
    /// The sum of all columns times their coefficients at the position `t`.
    pub(super) fn at(&self, t: usize) -> f64 {
        let columns = self.columns.values.iter().zip(&self.coefficients);
        columns.map(|(values, c)| c * values[t]).sum()
    }

    /// How many positions they have; `None` without columns.
    pub(super) fn end(&self) -> Option<usize> {
        self.columns.values.first().map(Vec::len)
    }

    /// Names, and coefficients in the columns' own units.
    pub(super) fn summary(&self) -> Vec<(&'static str, Estimate)> {
        if self.columns.is_empty() {
            return Vec::new();
        }
        let coefficients = self.coefficients.iter().zip(&self.columns.units);
        vec![
            ("known", Estimate::Text(self.columns.names.join(", "))),
            (
                "known_coefficients",
                Estimate::Numbers(coefficients.map(|(c, unit)| c / unit).collect()),
            ),
        ]
    }
}

/// The columns with a mean or drift, or without.
#[derive(Clone, Debug)]
struct KnownRegressors {
    effect: KnownEffect,
    constant: Option<Constant>,
}

impl Regressors for KnownRegressors {
    fn effect(&self, t: usize) -> f64 {
        self.effect.at(t) + self.constant.map_or(0.0, |constant| constant.effect(t))
    }

    fn end(&self) -> Option<usize> {
        self.effect.end()
    }

    fn summary(&self) -> Vec<(&'static str, Estimate)> {
        let mut summary = self.effect.summary();
        summary.extend(self.constant.iter().flat_map(Regressors::summary));
        summary
    }
}

impl RegressionModel for AutoArima {
    fn fit_known(&self, y: &[f64], known: &KnownAhead<'_>) -> Result<Box<dyn Fitted>, FitError> {
        check("AutoARIMA", y, 1)?;
        let columns = ScaledColumns::of("AutoARIMA", known, y.len())?;
        let scale = scale_of("AutoARIMA", y)?;
        let scaled: Vec<f64> = y.iter().map(|value| value / scale).collect();
        let no_fit = || FitError::NoFit {
            model: "AutoARIMA",
            why: "no order has a likelihood with the columns that are known ahead".to_owned(),
        };
        let none = Order::new(0, 0, 0);
        let all = [vec![scaled.clone(), vec![1.0; y.len()]], columns.differenced(&none)].concat();
        let rest = Regression::new(&all).ok_or_else(no_fit)?.residuals;
        let base = self.differences(&rest);
        let mut differenced = Differenced::new(&scaled, &base);
        let constant = vec![1.0; differenced.series.len()];
        let columns = columns.apart_from(&[constant], &base);
        if columns.is_empty() || super::differencing::is_constant(&differenced.series) {
            return self.fit(y);
        }
        differenced.columns = columns.differenced(&base);
        let found = self.search(y.len(), base, &differenced, None).ok_or_else(no_fit)?;
        let sample = differenced.sample(found.constant);
        let likelihood = Likelihood::at(&sample, &found.estimate.coefficients).ok_or_else(no_fit)?;
        let (of_columns, of_constant) = likelihood.regression.split_at(columns.len());
        let regressors = KnownRegressors {
            constant: of_constant.first().map(|coefficient| Constant {
                coefficient: coefficient * scale,
                drift: base.d + base.seasonal_d > 0,
            }),
            effect: columns.effect(of_columns, scale),
        };
        Ok(Box::new(FittedArima::new(Finished {
            y,
            scale,
            sample: &sample,
            estimate: &found.estimate,
            text: format!("regression with {} errors", found.estimate.order.text(false)),
            likelihood,
            regressors: Some(Box::new(regressors)),
            effort: found.work.effort(self),
        })))
    }
}
