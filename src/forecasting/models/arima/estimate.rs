//! The estimation of an ARMA model with regressors on a differenced series: conditional, exact, or one after the other.

use super::css;
use super::exact_derivatives;
use super::least_squares::{Evaluation, LeastSquaresMinimum, NormalEquations, StopRule, minimise};
use super::likelihood::Likelihood;
use super::order::{Coefficients, Order};
use super::sample::DifferencedSample;
use super::{Criterion, Method};

/// An estimated model.
#[derive(Clone, Debug)]
pub(super) struct ArmaEstimate {
    /// Its order.
    pub(super) order: Order,
    /// The free parameters, a start for others.
    pub(super) free: Vec<f64>,
    /// The coefficients that belong to them.
    pub(super) coefficients: Coefficients,
    /// The logarithm of the exact likelihood at them.
    pub(super) log_likelihood: f64,
    /// Regressors whose coefficients were estimated too.
    pub(super) regressors: usize,
    /// Values of the differenced series.
    pub(super) n: usize,
    /// Iterations that led here.
    pub(super) iterations: usize,
    /// Whether the limit on them was reached.
    pub(super) stopped_early: bool,
}

impl ArmaEstimate {
    /// The model at the end of an optimisation; `None` where it has no likelihood.
    fn at(sample: &DifferencedSample, order: &Order, found: LeastSquaresMinimum) -> Option<Self> {
        let LeastSquaresMinimum {
            at: free,
            iterations,
            stopped_early,
            ..
        } = found;
        let coefficients = Coefficients::from_free(order, &free);
        let log_likelihood = Likelihood::at(sample, &coefficients)?.log;
        let (regressors, n) = (sample.regressors.len(), sample.series.len());
        Some(Self {
            order: *order,
            free,
            coefficients,
            log_likelihood,
            regressors,
            n,
            iterations,
            stopped_early,
        })
    }

    /// Returns whether this is another estimate of the same minimum.
    pub(super) fn is_near(&self, other: &Self) -> bool {
        near(&self.free, &other.free)
    }

    /// The information criterion, infinite where the series is too short for it.
    pub(super) fn criterion(&self, criterion: Criterion) -> f64 {
        let parameters = self.order.coefficients() + self.regressors + 1;
        criterion.value(self.log_likelihood, parameters, self.n)
    }

    /// By how much the variance of the noise is too small for having been fitted.
    pub(super) fn variance_inflation(&self) -> f64 {
        let left = self
            .n
            .saturating_sub(self.order.coefficients() + self.regressors)
            .max(1);
        #[expect(clippy::cast_precision_loss, reason = "a series is far shorter than 2^52")]
        let inflation = self.n as f64 / left as f64;
        inflation
    }
}

/// When an estimation ends.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rules {
    /// Limits of the optimisation.
    pub(super) stop: StopRule,
    /// The radius of a circle that all roots must lie beyond; an estimation that leads elsewhere is given up.
    pub(super) radius: f64,
}

impl Rules {
    /// Minimises a sum of squares of an order's free parameters.
    ///
    /// It ends too where the roots lie too close to the unit circle after two steps in a row: there the minimum is often
    /// at infinity, many steps away, and would be refused.
    fn minimise(
        self,
        order: &Order,
        start: Vec<f64>,
        mut evaluate: impl FnMut(&[f64], bool) -> Option<Evaluation>,
    ) -> Option<LeastSquaresMinimum> {
        let mut refused = 0;
        minimise(start, self.stop, |free, derive| {
            // Derivatives are asked for where a step has ended.
            if derive {
                let beyond = Coefficients::from_free(order, free).roots_beyond(self.radius);
                refused = if beyond { 0 } else { refused + 1 };
            }
            if refused < 2 { evaluate(free, derive) } else { None }
        })
    }
}

/// The minimum that a start leads to; `None` where the model has no likelihood.
///
/// That of the conditional sum of squares for [`Method::Css`] and [`Method::CssMl`], as far as the series is long enough
/// for it, and the start itself otherwise; the exact one for [`Method::Ml`].
pub(super) fn minimum(
    sample: &DifferencedSample,
    order: &Order,
    method: Method,
    start: Vec<f64>,
    rules: Rules,
) -> Option<ArmaEstimate> {
    let conditional = sample.series.len().saturating_sub(order.ar_degree());
    let enough = conditional > order.coefficients() + sample.regressors.len();
    let minimum = match method {
        _ if order.coefficients() == 0 => None,
        Method::Ml => rules.minimise(order, start.clone(), |free, derive| {
            exact_residuals(sample, order, free, derive)
        }),
        Method::Css | Method::CssMl if enough => rules.minimise(order, start.clone(), |free, derive| {
            css::evaluate(sample, order, free, derive)
        }),
        Method::Css | Method::CssMl => None,
    };
    let here = || LeastSquaresMinimum {
        at: start,
        value: 0.0,
        iterations: 0,
        stopped_early: false,
    };
    ArmaEstimate::at(sample, order, minimum.unwrap_or_else(here))
}

/// The models that the exact likelihood leads to from some estimates of one order, the likeliest first.
pub(super) fn refine(sample: &DifferencedSample, estimates: &[ArmaEstimate], rules: Rules) -> Vec<ArmaEstimate> {
    let refined = estimates.iter().filter_map(|estimate| {
        let order = &estimate.order;
        if order.coefficients() == 0 {
            return Some(estimate.clone());
        }
        let minimum = rules.minimise(order, estimate.free.clone(), |free, derive| {
            exact_residuals(sample, order, free, derive)
        })?;
        ArmaEstimate::at(sample, order, minimum)
    });
    let mut refined: Vec<ArmaEstimate> = refined.collect();
    // Stable: of equals the first stays first.
    refined.sort_by(|a, b| b.log_likelihood.total_cmp(&a.log_likelihood));
    refined
}

/// Returns whether two vectors of free parameters are the same to the precision of an optimisation that ranks.
fn near(a: &[f64], b: &[f64]) -> bool {
    a.iter().zip(b).all(|(a, b)| (a - b).abs() <= 1e-3 * a.abs().max(1.0))
}

/// The concentrated residuals of the exact likelihood, and their normal equations if asked for.
fn exact_residuals(sample: &DifferencedSample, order: &Order, free: &[f64], derive: bool) -> Option<Evaluation> {
    let model = Coefficients::from_free(order, free);
    let likelihood = Likelihood::at(sample, &model)?;
    let residuals = likelihood.concentrated();
    let mut normal = NormalEquations::default();
    if derive {
        let rows = exact_derivatives::derivatives(sample, order, &model, &likelihood)?;
        normal = NormalEquations::new(&rows, &residuals).in_terms_of(&Coefficients::derivatives(order, free));
    }
    Some(Evaluation { residuals, normal })
}
