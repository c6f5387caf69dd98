//! `AutoArima`: the settings of a search, and what is decided before it: differences, bounds, constants.

use super::super::{FitError, Fitted, Model, check};
use super::candidates::Bounds;
use super::differencing;
use super::forecast::{Constant, FittedArima};
use super::order::Order;
use super::search::{FoundOrder, OrderSearch};
use super::{Criterion, Differenced, Method, finish, scale_of};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// The longest series, and the longest season, whose candidates are all estimated by exact likelihood.
const EXACT_SEARCH: (usize, usize) = (150, 12);

/// Values of the shortest earlier past with a search of its own; the longer ones are twice as long, and twice again.
/// So 7,168 serves all windows in the last months of a year of hours.
const SHORTEST_PAST: usize = 7 << 8;

/// An ARIMA model whose order is searched for.
///
/// Defaults as in the reference, except for the seasonal ones of `season_length`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a setting of its own, with the name it has elsewhere"
)]
pub struct AutoArima {
    /// m: steps in a season, 1 without one.
    pub season_length: usize,
    /// Whether models with a seasonal part are tried.
    pub seasonal: bool,
    /// d, if it is not to be found by a test.
    pub d: Option<usize>,
    /// D, if it is not to be found by the strength of the season.
    #[serde(rename = "D")]
    pub seasonal_d: Option<usize>,
    /// Largest p.
    pub max_p: usize,
    /// Largest q.
    pub max_q: usize,
    /// Largest P.
    #[serde(rename = "max_P")]
    pub max_seasonal_p: usize,
    /// Largest Q.
    #[serde(rename = "max_Q")]
    pub max_seasonal_q: usize,
    /// Largest p + q + P + Q where all orders are tried.
    pub max_order: usize,
    /// Largest d.
    pub max_d: usize,
    /// Largest D.
    #[serde(rename = "max_D")]
    pub max_seasonal_d: usize,
    /// p of the first candidate.
    pub start_p: usize,
    /// q of the first candidate.
    pub start_q: usize,
    /// P of the first candidate.
    #[serde(rename = "start_P")]
    pub start_seasonal_p: usize,
    /// Q of the first candidate.
    #[serde(rename = "start_Q")]
    pub start_seasonal_q: usize,
    /// Whether models with a drift are tried where there is one difference.
    pub allow_drift: bool,
    /// Whether models with a mean are tried where there is no difference.
    pub allow_mean: bool,
    /// Whether the search on a long series begins with what it found on the beginning of it.
    pub warm_start: bool,
    /// What candidates are compared by.
    #[serde(rename = "ic")]
    pub criterion: Criterion,
    /// Whether to go stepwise through neighbours; otherwise all orders up to `max_order` are tried.
    pub stepwise: bool,
    /// Whether candidates are ranked at the coefficients of the conditional sum of squares; by default where the
    /// series has more than 150 values or the season more than 12 steps.
    pub approximation: Option<bool>,
    /// How the coefficients are estimated.
    pub method: Method,
    /// Candidates at most.
    pub max_steps: usize,
    /// Iterations of an estimation at most.
    pub max_iterations: usize,
}

impl Default for AutoArima {
    fn default() -> Self {
        Self {
            season_length: 1,
            seasonal: true,
            d: None,
            seasonal_d: None,
            max_p: 5,
            max_q: 5,
            max_seasonal_p: 2,
            max_seasonal_q: 2,
            max_order: 5,
            max_d: 2,
            max_seasonal_d: 1,
            start_p: 2,
            start_q: 2,
            start_seasonal_p: 1,
            start_seasonal_q: 1,
            allow_drift: true,
            allow_mean: true,
            warm_start: true,
            criterion: Criterion::default(),
            stepwise: true,
            approximation: None,
            method: Method::default(),
            max_steps: 94,
            max_iterations: 100,
        }
    }
}

impl AutoArima {
    /// The defaults with a season.
    pub fn with_season(season_length: usize) -> Self {
        Self {
            season_length,
            ..Self::default()
        }
    }

    /// d, D and m, by tests where they are not given.
    pub(super) fn differences(&self, y: &[f64]) -> Order {
        let season_length = if self.seasonal { self.season_length.max(1) } else { 1 };
        let seasonal_d = match self.seasonal_d {
            _ if season_length == 1 || y.len() <= 2 * season_length => 0,
            Some(given) => given,
            None => differencing::seasonal_needed(y, season_length, self.max_seasonal_d),
        };
        let seasonally = differencing::difference(y, season_length, seasonal_d);
        let d = self.d.unwrap_or_else(|| differencing::needed(&seasonally, self.max_d));
        Order::new(0, d, 0).seasonal(0, seasonal_d, 0, season_length)
    }

    /// Whether models with a constant are tried after these differences.
    fn allow_constant(&self, base: &Order) -> bool {
        match base.d + base.seasonal_d {
            0 => self.allow_mean,
            1 => self.allow_drift,
            _ => false,
        }
    }

    /// Finds a model of errors around zero, and gives its coefficients φ and θ; `None` where none has a likelihood.
    ///
    /// Neither differences nor a constant nor a season are looked for.
    pub fn memory(&self, errors: &[f64]) -> Option<(Vec<f64>, Vec<f64>)> {
        let settings = Self {
            seasonal: false,
            allow_mean: false,
            ..self.clone()
        };
        let scale = scale_of("AutoARIMA", errors).ok()?;
        let scaled: Vec<f64> = errors.iter().map(|error| error / scale).collect();
        let base = Order::new(0, 0, 0);
        let found = settings.search(errors.len(), base, &Differenced::new(&scaled, &base), None)?;
        Some((found.estimate.coefficients.ar, found.estimate.coefficients.ma))
    }

    /// Searches for the other orders on a series of `n` values after its differences, from what was found on an earlier
    /// past of it if that is given.
    pub(super) fn search(
        &self,
        n: usize,
        base: Order,
        differenced: &Differenced,
        earlier: Option<&FoundOrder>,
    ) -> Option<FoundOrder> {
        let constant = self.allow_constant(&base);
        let bounds = self.bounds(n, base.season_length, constant);
        let (plain, with_constant) = (differenced.sample(false), constant.then(|| differenced.sample(true)));
        let approximation = self
            .approximation
            .unwrap_or(n > EXACT_SEARCH.0 || base.season_length > EXACT_SEARCH.1);
        let search = OrderSearch::new(self, base, bounds, plain, with_constant, approximation);
        search.run(earlier)
    }

    /// Bounds on the orders that a series of `n` values can carry.
    fn bounds(&self, n: usize, season_length: usize, constant: bool) -> Bounds {
        let third = n / 3;
        let seasons = if season_length > 1 { third / season_length } else { 0 };
        let mut most = [
            self.max_p.min(third),
            self.max_q.min(third),
            self.max_seasonal_p.min(seasons),
            self.max_seasonal_q.min(seasons),
        ];
        // The short polynomials end before the first seasonal lag.
        for (short, seasonal) in [(0, 2), (1, 3)] {
            if most[seasonal] > 0 {
                most[short] = most[short].min(season_length - 1);
            }
        }
        let mut start = [self.start_p, self.start_q, self.start_seasonal_p, self.start_seasonal_q];
        if n < 10 {
            start = [start[0].min(1), start[1].min(1), 0, 0];
        }
        for (start, most) in start.iter_mut().zip(most) {
            *start = (*start).min(most);
        }
        Bounds {
            most,
            start,
            most_together: self.max_order,
            constant,
        }
    }
}

impl Model for AutoArima {
    fn name(&self) -> &'static str {
        "AutoARIMA"
    }

    fn fit(&self, y: &[f64]) -> Result<Box<dyn Fitted>, FitError> {
        self.fit_at(y, &[y.len()])
            .pop()
            .expect("internal error: one cutoff, no outcome")
    }

    fn fit_at(&self, y: &[f64], cutoffs: &[usize]) -> Vec<Result<Box<dyn Fitted>, FitError>> {
        let earlier: BTreeSet<usize> = cutoffs.iter().filter_map(|&n| self.earlier(n)).collect();
        let found: BTreeMap<usize, FoundOrder> = earlier
            .into_par_iter()
            .filter_map(|n| Some((n, self.find(&y[..n])?)))
            .collect();
        let fit = |&n: &usize| {
            let found = self.earlier(n).and_then(|n| found.get(&n));
            self.fit_from(&y[..n], found).map(|(fitted, _)| fitted)
        };
        cutoffs.par_iter().map(fit).collect()
    }

    fn fits_together(&self) -> bool {
        self.warm_start
    }
}

impl AutoArima {
    /// The length of the past whose search a series of `n` values begins with; `None` where it begins from nothing.
    ///
    /// A fit is a function of its series alone, so that past is not the window that was fitted before, but one that the
    /// series' own length determines. The windows of a back-test most often have the same.
    fn earlier(&self, n: usize) -> Option<usize> {
        let doublings = (n / SHORTEST_PAST).checked_ilog2().filter(|_| self.warm_start)?;
        Some(SHORTEST_PAST << doublings)
    }

    /// What a search finds on an earlier past; where that is nothing, whatever follows begins from nothing.
    fn find(&self, past: &[f64]) -> Option<FoundOrder> {
        self.fit_from(past, None).ok()?.1
    }

    /// Fits to a series, from what was found on an earlier past of it if that is given, and returns what was found.
    fn fit_from(
        &self,
        y: &[f64],
        earlier: Option<&FoundOrder>,
    ) -> Result<(Box<dyn Fitted>, Option<FoundOrder>), FitError> {
        check("AutoARIMA", y, 1)?;
        let no_fit = |why: &str| FitError::NoFit {
            model: "AutoARIMA",
            why: why.to_owned(),
        };
        let scale = scale_of("AutoARIMA", y)?;
        let scaled: Vec<f64> = y.iter().map(|value| value / scale).collect();
        let base = self.differences(&scaled);
        let differenced = Differenced::new(&scaled, &base);
        if differenced.series.is_empty() {
            return Err(no_fit("the differences leave no value"));
        }
        let allow_constant = self.allow_constant(&base);
        let level = differenced.series[0];
        if differencing::is_constant(&differenced.series) && (allow_constant || level == 0.0) {
            // Nothing is left to model but the constant itself.
            let coefficient = level * scale / differenced.constant;
            let drift = base.d + base.seasonal_d > 0;
            let constant = allow_constant.then_some(Constant { coefficient, drift });
            return Ok((Box::new(FittedArima::without_noise(y, &base, constant)), None));
        }
        let found = self.search(y.len(), base, &differenced, earlier);
        let found = found.ok_or_else(|| no_fit("no order has a likelihood on this series"))?;
        let sample = differenced.sample(found.constant);
        let effort = found.work.effort(self);
        let fitted = finish(y, scale, &sample, &found.estimate, found.constant, effort);
        let fitted = fitted.ok_or_else(|| no_fit("the model found has no likelihood"))?;
        Ok((fitted, Some(found)))
    }
}
