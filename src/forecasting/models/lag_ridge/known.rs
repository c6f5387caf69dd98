//! `LagRidge` with columns that are known ahead: a regression with autoregressive errors.
//!
//! `x[t] = Σ β_j z_j[t] + n[t]` with `x` on its scale, and `n` what the lags forecast. Not the lags of `x`: those of a
//! week ago would repeat last week's holiday, and an hour's heat would count again in every hour after it.
//!
//! The lags' regression is a linear filter, `F(v)[t] = v[t] − μ[t] − Σ φ_l (v[t−l] − μ[t])`, so `F(x) = Σ β_j F(z_j) + e`. The
//! two sets of coefficients are found in turns (Cochrane and Orcutt 1949): φ by ridge regression on `x − Σ β_j z_j`, from
//! β = 0 on, then β by least squares on the filtered columns. On logarithms an effect is a factor.
//!
//! Cost of a turn with k columns and p lags: n p² / 2 and n k p.

use super::super::known::KnownAhead;
use super::super::linalg::{Cholesky, dot};
use super::super::scale::{FitRequest, FitResult, Scale, cut_off, fit_by_scale};
use super::super::{Estimate, FitError, RegressionModel};
use super::{Design, LagRidge, RidgeFit, Sums};

/// Turns at most: each takes off most of what is left to gain.
const TURNS: usize = 25;

/// The turns end where no column's effect moves by more than this share of what the noise is.
const SETTLED: f64 = 1e-7;

/// What is added to the diagonal of the columns' equations, as a share of it: columns that are all but one.
const PENALTY: f64 = 1e-8;

/// What the columns add to a forecast.
#[derive(Clone, Debug)]
pub(super) struct KnownEffect {
    /// The columns' names.
    names: String,
    /// For each column: by how much the series, on its scale, moves with one unit of it.
    coefficients: Vec<f64>,
    /// What they add at each step of the forecast, on the scale.
    effects: Vec<f64>,
    /// Where forecasts are cut off with it, on the scale.
    bounds: [f64; 2],
}

impl KnownEffect {
    /// Adds the effect to a path, which then goes no further than the columns.
    pub(super) fn add_to(&self, path: &mut Vec<f64>) {
        path.truncate(self.effects.len());
        let [low, high] = self.bounds;
        for (value, effect) in path.iter_mut().zip(&self.effects) {
            *value = (*value + effect).clamp(low, high);
        }
    }

    /// What was found.
    pub(super) fn summary(&self) -> [(&'static str, Estimate); 2] {
        [
            ("known", Estimate::Text(self.names.clone())),
            ("known_coefficients", Estimate::Numbers(self.coefficients.clone())),
        ]
    }
}

impl RegressionModel for LagRidge {
    fn fit_known(&self, y: &[f64], known: &KnownAhead<'_>) -> FitResult {
        let known = known.told_apart();
        let past = FitRequest {
            model: self.known_as(),
            needed: self.needed() + 2 * known.columns().len(),
            season: self.short,
            y,
        };
        let fit = |x: &[f64], scale: Scale, _: &[usize]| vec![self.fit_columns(x, scale, &known)];
        let outcome = fit_by_scale(&past, &[y.len()], fit).pop();
        outcome.expect("internal error: one cutoff, no outcome")
    }
}

impl LagRidge {
    /// Fits to `x`, a past on its scale.
    fn fit_columns(&self, x: &[f64], scale: Scale, known: &KnownAhead<'_>) -> FitResult {
        let n = x.len();
        let columns: Vec<Column> = known
            .columns()
            .iter()
            .map(|(_, values)| Column::of(values, n))
            .collect();
        let mut betas = vec![0.0; columns.len()];
        for _ in 0..TURNS {
            let rest = without(x, &columns, &betas);
            let (lags, variance) = self.lags_of(&rest, columns.len())?;
            let before = std::mem::replace(&mut betas, self.effects(x, &columns, &lags)?);
            let noise = variance.sqrt();
            let moved = before.iter().zip(&betas).any(|(a, b)| (a - b).abs() > SETTLED * noise);
            if !moved {
                break;
            }
        }
        let rest = without(x, &columns, &betas);
        let (lags, variance) = self.lags_of(&rest, columns.len())?;
        let design = Design::new(&rest, self.runs(), self.week());
        let mut fit = RidgeFit::new(&design, &rest, scale, lags, variance);
        let steps = columns.first().map_or(0, |column| column.values.len() - n);
        let effect = |step: usize| {
            let of = columns.iter().zip(&betas);
            of.map(|(column, beta)| beta * column.values[n + step]).sum::<f64>()
        };
        if !columns.is_empty() {
            fit.known = Some(KnownEffect {
                names: known.names(),
                coefficients: columns.iter().zip(&betas).map(|(c, beta)| beta / c.unit).collect(),
                effects: (0..steps).map(effect).collect(),
                bounds: cut_off(x),
            });
        }
        Ok(Box::new(fit))
    }

    /// The coefficients of the lags on a series, and the variance of the noise where `columns` more were fitted.
    fn lags_of(&self, x: &[f64], columns: usize) -> Result<(Vec<f64>, f64), FitError> {
        let design = Design::new(x, self.runs(), self.week());
        let mut sums = Sums::new(design.width);
        let mut row = vec![0.0; design.width];
        for t in design.first()..x.len() {
            let target = design.row(t, &mut row);
            sums.add(&row, target);
        }
        let (lags, variance) = sums.solve(self.penalty).ok_or_else(|| self.no_solution())?;
        let left = |taken: usize| sums.rows.saturating_sub(taken).max(1) as f64;
        Ok((lags, variance * (left(design.width) / left(design.width + columns))))
    }

    /// The effects of the columns on a series whose noise has these lags.
    fn effects(&self, x: &[f64], columns: &[Column], lags: &[f64]) -> Result<Vec<f64>, FitError> {
        let width = columns.len();
        let series = self.filtered(x, lags);
        let filtered: Vec<Vec<f64>> = columns
            .iter()
            .map(|column| self.filtered(&column.values[..x.len()], lags))
            .collect();
        let mut gram = vec![0.0; width * width];
        for (i, a) in filtered.iter().enumerate() {
            for (j, b) in filtered[..=i].iter().enumerate() {
                gram[i * width + j] = dot(a, b);
            }
            // What the filter leaves nothing of has no effect.
            gram[i * width + i] = gram[i * width + i] * (1.0 + PENALTY) + f64::MIN_POSITIVE;
        }
        let with_series: Vec<f64> = filtered.iter().map(|column| dot(column, &series)).collect();
        let factor = Cholesky::new(&gram, width).ok_or_else(|| self.no_solution())?;
        let betas = factor.solve(&with_series);
        match betas.iter().all(|beta| beta.is_finite()) {
            true => Ok(betas),
            false => Err(self.no_solution()),
        }
    }

    /// What the lags leave of a column.
    fn filtered(&self, column: &[f64], lags: &[f64]) -> Vec<f64> {
        let design = Design::new(column, self.runs(), self.week());
        let mut row = vec![0.0; design.width];
        (design.first()..column.len())
            .map(|t| design.row(t, &mut row) - dot(&row, lags))
            .collect()
    }
}

/// A column about its mean in the past, in units of its standard deviation there.
struct Column {
    /// Of the past and of the steps to forecast.
    values: Vec<f64>,
    unit: f64,
}

impl Column {
    fn of(values: &[f64], past: usize) -> Self {
        let mean = values[..past].iter().sum::<f64>() / past as f64;
        let squares = values[..past].iter().map(|value| (value - mean).powi(2)).sum::<f64>();
        let unit = (squares / past as f64).sqrt().max(f64::MIN_POSITIVE);
        Self {
            values: values.iter().map(|value| (value - mean) / unit).collect(),
            unit,
        }
    }
}

/// A series without what the columns add.
fn without(x: &[f64], columns: &[Column], betas: &[f64]) -> Vec<f64> {
    let mut rest = x.to_vec();
    for (column, beta) in columns.iter().zip(betas) {
        rest.iter_mut().zip(&column.values).for_each(|(x, z)| *x -= beta * z);
    }
    rest
}

#[cfg(test)]
mod tests {
    use super::super::super::Model as _;
    use super::super::super::known::KnownColumns;
    use super::super::super::scale::sample;
    use super::*;

    /// A temperature with a day, and spells that no lag foresees.
    fn temperature(t: u32) -> f64 {
        let spell = f64::from((t / 17 * 7919) % 23) - 11.0;
        let day = f64::from((t + 6) % 24);
        15.0 + spell + 0.05 * day * (24.0 - day)
    }

    fn series(n: u32, effect: f64) -> (Vec<f64>, KnownColumns) {
        let plain = sample::hourly(n);
        let column: Vec<f64> = (0..n).map(temperature).collect();
        let y = plain.iter().zip(&column).map(|(y, z)| y * (effect * z).exp()).collect();
        (y, KnownColumns::new(vec![("temperature".to_owned(), column)]))
    }

    fn coefficients(fit: &dyn super::super::Fitted) -> Vec<f64> {
        let found = fit
            .summary()
            .into_iter()
            .find(|(name, _)| *name == "known_coefficients");
        match found {
            Some((_, Estimate::Numbers(numbers))) => numbers,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn an_effect_is_found_and_what_follows_is_forecast_with_it() {
        let (n, horizon) = (700, 48);
        let (y, known) = series(748, 0.02);
        for model in [LagRidge::new(24, 168), LagRidge::sparse(24, 168)] {
            let ahead = known.of(n, horizon).expect("so far");
            let fit = model.fit_known(&y[..n], &ahead).expect("a fit");
            // The standard error of the coefficient is 1e-4 here: the noise over the spread of what is filtered.
            assert!(
                (coefficients(&*fit)[0] - 0.02).abs() < 5e-4,
                "{:?}",
                coefficients(&*fit)
            );
            let error = |forecast: &[f64]| {
                let of = forecast.iter().zip(&y[n..]).map(|(f, y)| (f - y).abs());
                of.sum::<f64>() / horizon as f64
            };
            let with = error(&fit.forecast(horizon, &[]).mean);
            let without = error(&model.fit(&y[..n]).expect("a fit").forecast(horizon, &[]).mean);
            assert!(with < 0.5 * without, "{with} with, {without} without");
        }
    }

    #[test]
    fn what_is_not_told_apart_is_left_out() {
        let (y, _) = series(700, 0.0);
        let known = KnownColumns::new(vec![("five".to_owned(), vec![5.0; 724])]);
        let model = LagRidge::new(24, 168);
        let fit = model.fit_known(&y, &known.of(700, 24).expect("so far")).expect("a fit");
        let plain = model.fit(&y).expect("a fit");
        assert_eq!(fit.forecast(24, &[95.0]), plain.forecast(24, &[95.0]));
        assert_eq!(fit.summary(), plain.summary());
    }

    #[test]
    fn a_forecast_goes_no_further_than_what_is_known() {
        let (y, known) = series(720, 0.02);
        let ahead = known.of(700, 20).expect("so far");
        let fit = LagRidge::new(24, 168).fit_known(&y[..700], &ahead).expect("a fit");
        assert_eq!(fit.forecast(24, &[]).mean.len(), 20);
    }

    #[test]
    fn a_column_in_other_units_gives_the_same_forecast() {
        let (y, known) = series(724, 0.02);
        let fahrenheit = |(name, values): (&str, &[f64])| {
            (
                name.to_owned(),
                values.iter().map(|celsius| 32.0 + 1.8 * celsius).collect(),
            )
        };
        let whole = known.of(724, 0).expect("so far");
        let other = KnownColumns::new(whole.columns().iter().copied().map(fahrenheit).collect());
        let forecast = |known: &KnownColumns| {
            let ahead = known.of(700, 24).expect("so far");
            let fit = LagRidge::new(24, 168).fit_known(&y[..700], &ahead).expect("a fit");
            fit.forecast(24, &[]).mean
        };
        for (a, b) in forecast(&known).into_iter().zip(forecast(&other)) {
            // Rounding of the columns, carried through 24 steps.
            assert!((a / b - 1.0).abs() < 1e-9, "{a} is not {b}");
        }
    }
}
