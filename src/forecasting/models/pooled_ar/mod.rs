//! `PooledAR`: an autoregression of every series whose coefficients borrow from the series that are like it.
//!
//! With `x` a series on its [`Scale`], in units of its mean absolute seasonal difference, and z either x or its difference
//! over m₁ steps: the row of t is z[t−l] − μ[t] for each lag l, its target z[t] − μ[t], with μ the mean of the last values
//! (0 for differences). G, c and v are the means of row times row, row times target and target squared. Coefficients solve
//! (G + λ tr(G) / p · I) β = c. How well those of series j forecast series i is E[i,j] = v[i] − 2 β[j]ᵀc[i] + β[j]ᵀG[i]β[j];
//! with weights W[i,j] ∝ (least E[i,·] / E[i,j])²⁰ that sum to 1, the pooled coefficients of i solve the equations of
//! G[i] + 4 Σ W[i,j] G[j] and c[i] + 4 Σ W[i,j] c[j]. So a series learns from those that its own data say it is like, and
//! from no other; series that are near copies of each other are not what it lives on.
//!
//! Partial pooling of regressions: Gelman and Hill (2007), ch. 12; global models of many series: Montero-Manso and Hyndman
//! (2021), Principles and algorithms for forecasting groups of time series: locality and globality; ridge: Hoerl and
//! Kennard (1970); robust weights: Huber (1964).
//!
//! It pays from about 25 related series on (`pool_from`): on hourly series of the M4 competition, pooling changed the MASE
//! of a combination by −0.032 with 207 series, −0.011 with 52, −0.007 ± 0.005 with 26, +0.002 with 13 and +0.019 with 7.
//! Below that every series has its own coefficients, and `pooled_series` in the summary is 1.
//!
//! Prediction intervals are those of the autoregression that it is, from its moving-average weights and the variance of its
//! residuals, so they know nothing of the error of β.
//!
//! Cost for N series of n values: N n p² / 2 for the sums, which all cutoffs of a back-test share, and N² p² for each
//! cutoff; memory N p² / 2 for each, so more than [`MOST_TOGETHER`](super::panel_model::MOST_TOGETHER) series are pooled in
//! groups. With `robust` the sums are made anew twice for each cutoff.

pub(super) mod equations;
pub(super) mod lags;
pub(super) mod pool;
mod product;

use super::super::named_enum::named_enum;
use super::hourly_panel::tracks::{BacktestOrigins, Origin, Origins, Tracks};
use super::panel_model::{
    PanelControl, PanelForecast, PanelModel, PanelOutcome, PanelPasts, PanelRequest, Past, Stopped, in_groups,
};
use super::repeated_season::RepeatedSeason;
use super::scale::Scale;
use super::settings::model_settings;
use super::{Estimate, FitError, check};
use crate::engine::spec::schema::Literal::{Bool, Int, Text};
use crate::engine::spec::schema::{Kind, Literal};
use equations::recursion;
use lags::Regression;
pub(crate) use lags::SeasonPair;
use pool::{Pool, PoolRule, PooledFit};

const NAME: &str = "PooledAR";

/// From how many series on pooling pays: the default of `pool_from`.
pub(super) const POOL_FROM: Literal = Int(25);
/// A number of series.
pub(super) const SERIES: Kind = Kind::Int { min: 1, max: 1_000_000 };

named_enum! {
    /// The sets of lags, for seasons m₁ and m₂; one season alone stands for both.
    pub(crate) enum LagPreset {
        /// {1..3, m₁−1..m₁+2, m₂−3..m₂+2, 2m₂−1..2m₂+1}, around the mean of 2m₂ values.
        Sparse = "sparse",
        /// {1..2m₁+2, m₂−3..m₂+4}, around the mean of m₂ values.
        Dense = "dense",
        /// {1..m₁+3} and the steps around every m₁ up to 2m₂+2m₁, of differences over m₁.
        ByDay = "by_day",
        /// The same with {1..2m₁+2}.
        ByTwoDays = "by_two_days",
    }
}

model_settings! {
    /// The model with its seasons.
    #[derive(Clone, Debug, PartialEq)]
    pub(crate) struct PooledAr {
        /// The seasons that the lags follow.
        seasons: SeasonPair = SeasonPair { short: 24, long: 168 },
    }
    "lags" => lags: LagPreset = Some(Text(LagPreset::Dense.name())), Kind::Choice(LagPreset::NAMES),
        "the lags: around the day, the week and two weeks; of two days and the week; of daily differences, the same hours of two weeks";
    "robust" => robust: bool = Some(Bool(false)), Kind::Bool,
        "whether hours with large errors count less in the fit (Huber's weights)";
    "pool_from" => pool_from: usize = Some(POOL_FROM), SERIES,
        "from how many series on they are pooled; fewer are fitted one by one";
}

impl PooledAr {
    /// Has the default settings.
    pub(crate) fn new(seasons: SeasonPair) -> Self {
        Self {
            seasons,
            ..Self::default()
        }
    }

    fn regression(&self) -> Regression {
        match self.lags {
            LagPreset::Sparse => Regression::sparse(self.seasons),
            LagPreset::Dense => Regression::dense(self.seasons),
            LagPreset::ByDay => Regression::by_day(self.seasons),
            LagPreset::ByTwoDays => Regression::by_two_days(self.seasons),
        }
    }

    /// Forecasts the windows of a group.
    fn group(
        &self,
        panel: &PanelPasts<'_>,
        request: PanelRequest<'_>,
        control: PanelControl<'_>,
    ) -> Result<Vec<Vec<PanelOutcome>>, Stopped> {
        let regression = self.regression();
        let tracks = Tracks::of(panel);
        let windows: Vec<&[Past]> = panel.windows.iter().map(Vec::as_slice).collect();
        let no_backtest = BacktestOrigins {
            count: 0,
            step: 1,
            horizon: 1,
        };
        let origins = Origins::of(&tracks, &windows, no_backtest, (self.seasons.short, request.horizon));
        let needed = regression.needed(self.seasons.long);
        // By origin: the fits by track, and how many series were pooled.
        let mut fits: Vec<(Vec<Option<PooledFit>>, usize)> = vec![(Vec::new(), 0); origins.all.len()];
        for is_pooled in [false, true] {
            let rule = PoolRule {
                pooled: is_pooled,
                robust: self.robust,
            };
            let enough = |origin: &Origin| -> Vec<Option<_>> {
                origin
                    .pasts
                    .iter()
                    .map(|past| past.filter(|past| past.n >= needed))
                    .collect()
            };
            let mut pool = None;
            for (done, (origin, fits)) in origins.all.iter().zip(&mut fits).enumerate() {
                let pasts = enough(origin);
                let count = pasts.iter().flatten().count();
                if (count >= self.pool_from.max(2)) != is_pooled {
                    continue;
                }
                control.check()?;
                (control.progress)(&format!("cutoff {} of {}", done + 1, origins.all.len()));
                let pool = pool.get_or_insert_with(|| Pool::new(&regression, rule, &tracks.all));
                *fits = (pool.fit(&pasts, request.horizon), if is_pooled { count } else { 1 });
            }
        }
        let outcome = |window: usize, past: &Past| -> PanelOutcome {
            let y = panel.past(*past).y;
            check(NAME, y, needed)?;
            if let Some(repeated) = RepeatedSeason::of_repeating(y, self.seasons.short) {
                return Ok(PanelForecast::of(&repeated, request));
            }
            let (fits, pooled) = &fits[origins.by_window[window].0];
            let fit = tracks.track(*past).and_then(|track| {
                let fit = fits.get(track)?.as_ref()?;
                let (scale, x) = (tracks.of[track].1, &tracks.all[track].x[..past.n]);
                is_finite(fit).then(|| published(&regression, (fit, *pooled), (scale, x), request))
            });
            fit.ok_or_else(|| FitError::NoFit {
                model: NAME,
                why: "the normal equations have no finite solution".to_owned(),
            })
        };
        Ok(panel
            .windows
            .iter()
            .enumerate()
            .map(|(window, pasts)| pasts.iter().map(|past| outcome(window, past)).collect())
            .collect())
    }
}

fn is_finite(fit: &PooledFit) -> bool {
    fit.variance.is_finite() && fit.path.iter().all(|value| value.is_finite())
}

/// The forecast of one fit.
fn published(
    regression: &Regression,
    (fit, pooled): (&PooledFit, usize),
    (scale, x): (Scale, &[f64]),
    request: PanelRequest<'_>,
) -> PanelForecast {
    // The weights of past errors in the forecast are what one error alone leaves behind.
    let mut impulse = vec![0.0; x.len()];
    impulse[x.len() - 1] = 1.0;
    let mut sum = 1.0;
    let mut deviations = vec![fit.variance.sqrt()];
    for weight in recursion(regression, &impulse, &fit.beta, request.horizon.saturating_sub(1)) {
        sum += weight * weight;
        deviations.push((fit.variance * sum).sqrt().min(f64::MAX));
    }
    let runs = regression
        .lags
        .iter()
        .map(|run| format!("{}..{}", run.start, run.end - 1));
    #[expect(clippy::cast_precision_loss, reason = "a count of series")]
    let pooled = pooled as f64;
    let mut forecast = scale.forecast(&fit.path, &deviations, request.levels);
    for interval in &mut forecast.intervals {
        for bound in interval.lower.iter_mut().chain(&mut interval.upper) {
            *bound = bound.clamp(-f64::MAX, f64::MAX);
        }
    }
    PanelForecast {
        forecast,
        summary: vec![
            ("scale".to_owned(), Estimate::Text(scale.description().to_owned())),
            ("pooled_series".to_owned(), Estimate::Number(pooled)),
            ("lags".to_owned(), Estimate::Text(runs.collect::<Vec<_>>().join(", "))),
            ("coefficients".to_owned(), Estimate::Numbers(fit.beta.clone())),
            ("sigma2".to_owned(), Estimate::Number(fit.variance)),
        ],
    }
}

impl PanelModel for PooledAr {
    fn forecasts(
        &self,
        panel: &PanelPasts<'_>,
        request: PanelRequest<'_>,
        control: PanelControl<'_>,
    ) -> Result<Vec<Vec<PanelOutcome>>, Stopped> {
        in_groups(panel, |group| self.group(group, request, control))
    }
}

#[cfg(test)]
mod tests;
