//! The estimation of an ARMA model with regressors on a differenced series: conditional, exact, or one after the other.

use super::super::linalg::dot;
use super::css;
use super::exact::{self, Whitened};
use super::exact_derivatives;
use super::least_squares::{Evaluation, Minimum, Normal, Stop, minimise, solve, sum_of_squares};
use super::order::{Coefficients, Order};
use super::{Criterion, Method};

/// A differenced series with its differenced regressors.
#[derive(Clone, Debug, Default)]
pub(super) struct Sample {
    /// The series.
    pub(super) series: Vec<f64>,
    /// Columns as long as the series.
    pub(super) regressors: Vec<Vec<f64>>,
}

impl Sample {
    /// The series, then the regressors.
    pub(super) fn columns(&self) -> impl Iterator<Item = &[f64]> {
        std::iter::once(self.series.as_slice()).chain(self.regressors.iter().map(Vec::as_slice))
    }

    /// The series less what the regressors with these coefficients explain.
    pub(super) fn without_regressors(&self, coefficients: &[f64]) -> Vec<f64> {
        let mut rest = self.series.clone();
        subtract(&self.regressors, coefficients, &mut rest);
        rest
    }
}

/// Takes `Σ c_j x_j` away from a series.
pub(super) fn subtract(columns: &[Vec<f64>], coefficients: &[f64], from: &mut [f64]) {
    for (column, c) in columns.iter().zip(coefficients) {
        for (out, value) in from.iter_mut().zip(column) {
            *out -= c * value;
        }
    }
}

/// The least-squares regression of the first of some columns on the others.
pub(super) struct Regression {
    /// One coefficient for each of the others.
    pub(super) coefficients: Vec<f64>,
    /// What is left of the first column.
    pub(super) residuals: Vec<f64>,
    /// The products of the others, lower triangle.
    products: Vec<Vec<f64>>,
}

impl Regression {
    /// `None` if the regressors do not determine their coefficients.
    pub(super) fn new(columns: &[Vec<f64>]) -> Option<Self> {
        let (series, regressors) = columns.split_first()?;
        let products: Vec<Vec<f64>> = regressors
            .iter()
            .enumerate()
            .map(|(i, a)| regressors[..=i].iter().map(|b| dot(a, b)).collect())
            .collect();
        let with_series: Vec<f64> = regressors.iter().map(|column| dot(column, series)).collect();
        let coefficients = solve(products.clone(), &with_series)?;
        let mut residuals = series.clone();
        subtract(regressors, &coefficients, &mut residuals);
        Some(Self {
            coefficients,
            residuals,
            products,
        })
    }

    /// Takes away from another column what the same regressors explain of it.
    pub(super) fn project_out(&self, regressors: &[Vec<f64>], column: &mut [f64]) {
        let with_column: Vec<f64> = regressors.iter().map(|x| dot(x, column)).collect();
        if let Some(coefficients) = solve(self.products.clone(), &with_column) {
            subtract(regressors, &coefficients, column);
        }
    }
}

/// The exact likelihood of a sample at given coefficients, with regressors and noise variance at their best.
#[derive(Clone, Debug)]
pub(super) struct Likelihood {
    /// Coefficients of the regressors (generalised least squares).
    pub(super) regression: Vec<f64>,
    /// Maximum-likelihood estimate of the noise's variance.
    pub(super) variance: f64,
    /// The logarithm of the likelihood.
    pub(super) log: f64,
    /// Scaled innovations, `v_t / sqrt(F_t)`.
    pub(super) residuals: Vec<f64>,
    /// What the filter left, for the series and each regressor.
    pub(super) whitened: Whitened,
}

impl Likelihood {
    /// `None` where the model has no likelihood.
    pub(super) fn at(sample: &Sample, model: &Coefficients) -> Option<Self> {
        let columns: Vec<&[f64]> = sample.columns().collect();
        let whitened = exact::whiten(model, &columns)?;
        let scaled: Vec<Vec<f64>> = (0..columns.len()).map(|column| whitened.scaled(column)).collect();
        let Regression {
            coefficients: regression,
            residuals,
            ..
        } = Regression::new(&scaled)?;
        #[expect(clippy::cast_precision_loss, reason = "a series is far shorter than 2^52")]
        let n = residuals.len() as f64;
        // A perfect fit counts as one of the smallest variance there is.
        let variance = (sum_of_squares(&residuals) / n).max(f64::MIN_POSITIVE);
        let log = -0.5 * (n * ((2.0 * std::f64::consts::PI * variance).ln() + 1.0) + whitened.log_determinant);
        log.is_finite().then_some(Self {
            regression,
            variance,
            log,
            residuals,
            whitened,
        })
    }

    /// Residuals whose sum of squares is smallest where the likelihood is largest.
    pub(super) fn concentrated(&self) -> Vec<f64> {
        let weight = self.weight();
        self.residuals.iter().map(|value| value * weight).collect()
    }

    /// What the residuals are multiplied by for that: the mean standard deviation of an innovation.
    pub(super) fn weight(&self) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "a series is far shorter than 2^52")]
        let n = self.residuals.len() as f64;
        (0.5 * self.whitened.log_determinant / n).exp()
    }

    /// The innovations of the series less what the regressors explain.
    pub(super) fn innovations(&self) -> Vec<f64> {
        let (series, regressors) = self.whitened.innovations.split_at(1);
        let mut innovations = series[0].clone();
        subtract(regressors, &self.regression, &mut innovations);
        innovations
    }
}

/// An estimated model.
#[derive(Clone, Debug)]
pub(super) struct Estimate {
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

impl Estimate {
    /// The model at the end of an optimisation; `None` where it has no likelihood.
    fn at(sample: &Sample, order: &Order, found: Minimum) -> Option<Self> {
        let Minimum {
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

    /// Tells whether this is another estimate of the same minimum.
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
    pub(super) stop: Stop,
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
    ) -> Option<Minimum> {
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
    sample: &Sample,
    order: &Order,
    method: Method,
    start: Vec<f64>,
    rules: Rules,
) -> Option<Estimate> {
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
    let here = || Minimum {
        at: start,
        value: 0.0,
        iterations: 0,
        stopped_early: false,
    };
    Estimate::at(sample, order, minimum.unwrap_or_else(here))
}

/// The models that the exact likelihood leads to from some estimates of one order, the likeliest first.
pub(super) fn refine(sample: &Sample, estimates: &[Estimate], rules: Rules) -> Vec<Estimate> {
    let refined = estimates.iter().filter_map(|estimate| {
        let order = &estimate.order;
        if order.coefficients() == 0 {
            return Some(estimate.clone());
        }
        let minimum = rules.minimise(order, estimate.free.clone(), |free, derive| {
            exact_residuals(sample, order, free, derive)
        })?;
        Estimate::at(sample, order, minimum)
    });
    let mut refined: Vec<Estimate> = refined.collect();
    // Stable: of equals the first stays first.
    refined.sort_by(|a, b| b.log_likelihood.total_cmp(&a.log_likelihood));
    refined
}

/// Tells whether two vectors of free parameters are the same to the precision of an optimisation that ranks.
fn near(a: &[f64], b: &[f64]) -> bool {
    a.iter().zip(b).all(|(a, b)| (a - b).abs() <= 1e-3 * a.abs().max(1.0))
}

/// The concentrated residuals of the exact likelihood, and their normal equations if asked for.
fn exact_residuals(sample: &Sample, order: &Order, free: &[f64], derive: bool) -> Option<Evaluation> {
    let model = Coefficients::from_free(order, free);
    let likelihood = Likelihood::at(sample, &model)?;
    let residuals = likelihood.concentrated();
    let mut normal = Normal::default();
    if derive {
        let rows = exact_derivatives::derivatives(sample, order, &model, &likelihood)?;
        normal = Normal::new(&rows, &residuals).in_terms_of(&Coefficients::derivatives(order, free));
    }
    Some(Evaluation { residuals, normal })
}
