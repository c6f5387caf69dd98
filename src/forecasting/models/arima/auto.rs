//! `AutoArima`: the settings of a search, and what is decided before it: differences, bounds, constants.

use super::super::settings::model_settings;
use super::super::{FitError, Fitted, Model, RegressionModel, check, fit_in_one_pass};
use super::candidates::Bounds;
use super::differencing;
use super::forecast::{Constant, FittedArima};
use super::order::Order;
use super::search::{FoundOrder, OrderSearch};
use super::{Criterion, Differenced, Method, finish, scale_of};
use crate::engine::spec::schema::Kind;
use crate::engine::spec::schema::Literal::{Bool, Int, Text};
use rayon::prelude::*;
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

/// The longest series, and the longest season, whose candidates are all estimated by exact likelihood.
const EXACT_SEARCH: (usize, usize) = (150, 12);

/// Values of the shortest earlier past with a search of its own; the longer ones are twice as long, and twice again.
/// So 7,168 serves all windows in the last months of a year of hours.
const SHORTEST_PAST: usize = 7 << 8;

/// An order, or a bound on one.
const ORDER: Kind = Kind::Int { min: 0, max: 50 };

/// A limit on work.
const LIMIT: Kind = Kind::Int { min: 1, max: 100_000 };

model_settings! {
    /// An ARIMA model whose order is searched for.
    ///
    /// Names and defaults of the settings are the reference's.
    #[derive(Clone, Debug, PartialEq)]
    pub(crate) struct AutoArima {
        /// m: steps in a season, 1 without one.
        season_length: usize = 1,
    }
    "seasonal" => seasonal: bool = Some(Bool(true)), Kind::Bool, "whether models with a seasonal part are tried";
    "d" => d: Option<usize> = None, ORDER, "differences (found by a test)";
    "D" => seasonal_d: Option<usize> = None, ORDER, "seasonal differences (found by the strength of the season)";
    "max_p" => max_p: usize = Some(Int(5)), ORDER, "largest p";
    "max_q" => max_q: usize = Some(Int(5)), ORDER, "largest q";
    "max_P" => max_seasonal_p: usize = Some(Int(2)), ORDER, "largest P";
    "max_Q" => max_seasonal_q: usize = Some(Int(2)), ORDER, "largest Q";
    "max_order" => max_order: usize = Some(Int(5)), ORDER, "largest p + q + P + Q where all orders are tried";
    "max_d" => max_d: usize = Some(Int(2)), ORDER, "largest d";
    "max_D" => max_seasonal_d: usize = Some(Int(1)), ORDER, "largest D";
    "start_p" => start_p: usize = Some(Int(2)), ORDER, "p of the first candidate";
    "start_q" => start_q: usize = Some(Int(2)), ORDER, "q of the first candidate";
    "start_P" => start_seasonal_p: usize = Some(Int(1)), ORDER, "P of the first candidate";
    "start_Q" => start_seasonal_q: usize = Some(Int(1)), ORDER, "Q of the first candidate";
    "allow_drift" => allow_drift: bool = Some(Bool(true)), Kind::Bool,
        "whether a drift is tried where there is one difference";
    "allow_mean" => allow_mean: bool = Some(Bool(true)), Kind::Bool,
        "whether a mean is tried where there is no difference";
    "warm_start" => warm_start: bool = Some(Bool(true)), Kind::Bool,
        "whether the search on a long series begins with what it found on the beginning of it";
    "ic" => criterion: Criterion = Some(Text(Criterion::Aicc.name())), Kind::Choice(Criterion::NAMES),
        "what candidates are compared by";
    "stepwise" => stepwise: bool = Some(Bool(true)), Kind::Bool,
        "whether to go through neighbours instead of all orders";
    "approximation" => approximation: Option<bool> = None, Kind::Bool,
        "whether candidates are ranked by the conditional sum of squares (where the series has more than 150 values or the season more than 12 steps)";
    "method" => method: Method = Some(Text(Method::CssMl.name())), Kind::Choice(Method::NAMES),
        "how coefficients are estimated";
    "max_steps" => max_steps: usize = Some(Int(94)), LIMIT, "candidates at most";
    "max_iterations" => max_iterations: usize = Some(Int(100)), LIMIT, "iterations of an estimation at most";
}

impl AutoArima {
    /// The defaults with a season.
    pub(crate) fn with_season(season_length: usize) -> Self {
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
    pub(crate) fn memory(&self, errors: &[f64]) -> Option<(Vec<f64>, Vec<f64>)> {
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
        let settings = self.for_length(n);
        let search = OrderSearch::new(&settings, base, bounds, plain, with_constant, approximation);
        search.run(earlier)
    }

    /// The settings for a series of `n` values. The `AICc` of a model with a constant has no value on three and fewer, so
    /// that one around zero would win whatever they are; R's `auto.arima` takes the `AIC` there as well.
    fn for_length(&self, n: usize) -> Cow<'_, Self> {
        match self.criterion {
            Criterion::Aicc if n <= 3 => Cow::Owned(Self {
                criterion: Criterion::Aic,
                ..self.clone()
            }),
            _ => Cow::Borrowed(self),
        }
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
    fn fit(&self, y: &[f64]) -> Result<Box<dyn Fitted>, FitError> {
        fit_in_one_pass(self, y)
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

    fn regression(&self) -> Option<&dyn RegressionModel> {
        Some(self)
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
