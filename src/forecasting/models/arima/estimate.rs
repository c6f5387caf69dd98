//! The estimation of an ARMA model with regressors on a differenced series: conditional, exact, or one after the other.

use super::css::ConditionalSquares;
use super::exact_derivatives;
use super::least_squares::{LeastSquares, LeastSquaresMinimum, NormalEquations, StopRule, minimise, sum_of_squares};
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
        let likelihood = Likelihood::at(sample, &Coefficients::from_free(order, &found.at))?;
        Some(Self::of(sample, order, found, &likelihood))
    }

    /// The model at the end of an optimisation with its likelihood.
    fn of(sample: &DifferencedSample, order: &Order, found: LeastSquaresMinimum, likelihood: &Likelihood) -> Self {
        let LeastSquaresMinimum {
            at: free,
            iterations,
            stopped_early,
            ..
        } = found;
        Self {
            order: *order,
            coefficients: Coefficients::from_free(order, &free),
            free,
            log_likelihood: likelihood.log,
            regressors: sample.regressors.len(),
            n: sample.series.len(),
            iterations,
            stopped_early,
        }
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
    fn minimise<P: LeastSquares>(
        self,
        order: &Order,
        start: Vec<f64>,
        problem: P,
    ) -> Option<(LeastSquaresMinimum, P::Point)> {
        let mut watched = Watched {
            problem,
            order,
            radius: self.radius,
            refused: 0,
        };
        minimise(&mut watched, start, self.stop)
    }
}

/// A sum of squares that is given up where two steps in a row end with roots too close to the unit circle.
struct Watched<'a, P> {
    problem: P,
    order: &'a Order,
    radius: f64,
    /// Steps in a row that ended so.
    refused: usize,
}

impl<P: LeastSquares> LeastSquares for Watched<'_, P> {
    type Point = P::Point;

    fn at(&self, free: &[f64]) -> Option<P::Point> {
        self.problem.at(free)
    }

    fn value(&self, point: &P::Point) -> f64 {
        self.problem.value(point)
    }

    /// Derivatives are asked for where a step has ended.
    fn normal(&mut self, free: &[f64], point: &P::Point) -> Option<NormalEquations> {
        let beyond = Coefficients::from_free(self.order, free).roots_beyond(self.radius);
        self.refused = if beyond { 0 } else { self.refused + 1 };
        if self.refused < 2 {
            self.problem.normal(free, point)
        } else {
            None
        }
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
    let found = match method {
        _ if order.coefficients() == 0 => None,
        Method::Ml => {
            let exact = rules.minimise(order, start.clone(), ExactSquares { sample, order });
            if let Some((found, (_, likelihood))) = exact {
                return Some(ArmaEstimate::of(sample, order, found, &likelihood));
            }
            None
        }
        Method::Css | Method::CssMl if enough => {
            let conditional = rules.minimise(order, start.clone(), ConditionalSquares { sample, order });
            conditional.map(|(found, _)| found)
        }
        Method::Css | Method::CssMl => None,
    };
    let here = || LeastSquaresMinimum {
        at: start,
        value: 0.0,
        iterations: 0,
        stopped_early: false,
    };
    ArmaEstimate::at(sample, order, found.unwrap_or_else(here))
}

/// The models that the exact likelihood leads to from some estimates of one order, the likeliest first.
pub(super) fn refine(sample: &DifferencedSample, estimates: &[ArmaEstimate], rules: Rules) -> Vec<ArmaEstimate> {
    let refined = estimates.iter().filter_map(|estimate| {
        let order = &estimate.order;
        if order.coefficients() == 0 {
            return Some(estimate.clone());
        }
        let exact = ExactSquares { sample, order };
        let (found, (_, likelihood)) = rules.minimise(order, estimate.free.clone(), exact)?;
        Some(ArmaEstimate::of(sample, order, found, &likelihood))
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

/// The sum of squares that is least where the exact likelihood is largest, as a function of an order's free parameters.
struct ExactSquares<'a> {
    sample: &'a DifferencedSample,
    order: &'a Order,
}

impl LeastSquares for ExactSquares<'_> {
    type Point = (Coefficients, Likelihood);

    fn at(&self, free: &[f64]) -> Option<Self::Point> {
        let model = Coefficients::from_free(self.order, free);
        let likelihood = Likelihood::at(self.sample, &model)?;
        Some((model, likelihood))
    }

    fn value(&self, (_, likelihood): &Self::Point) -> f64 {
        sum_of_squares(&likelihood.concentrated())
    }

    fn normal(&mut self, free: &[f64], (model, likelihood): &Self::Point) -> Option<NormalEquations> {
        let rows = exact_derivatives::derivatives(self.sample, self.order, model, likelihood)?;
        let normal = NormalEquations::new(&rows, &likelihood.concentrated());
        Some(normal.in_terms_of(&Coefficients::derivatives(self.order, free)))
    }
}
