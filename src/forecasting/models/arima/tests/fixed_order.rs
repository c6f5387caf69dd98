//! An ARIMA model of a given order, to compare the search with and to check estimations against the literature.

use super::super::estimate::{Rules, minimum, refine};
use super::super::forecast::SearchEffort;
use super::super::least_squares::StopRule;
use super::super::{Differenced, Method, Order, finish, scale_of};
use crate::forecasting::models::{FitError, Fitted, Model, check};

/// Precision of an estimation that is the result.
const FINE: f64 = 1e-11;

/// An ARIMA model of a given order.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Arima {
    /// The order.
    pub(super) order: Order,
    /// Whether there is a mean (without differences) or a drift (with one); without effect from two differences on.
    pub(super) constant: bool,
    /// How the coefficients are estimated.
    pub(super) method: Method,
    /// Iterations of an optimisation at most.
    pub(super) max_iterations: usize,
}

impl Arima {
    /// A model of an order with a constant where there are no differences, estimated as usual.
    pub(super) fn new(order: Order) -> Self {
        Self {
            order,
            constant: order.d + order.seasonal_d == 0,
            method: Method::CssMl,
            max_iterations: 100,
        }
    }
}

impl Model for Arima {
    fn fit(&self, y: &[f64]) -> Result<Box<dyn Fitted>, FitError> {
        let order = Order {
            season_length: self.order.season_length.max(1),
            ..self.order
        };
        let constant = self.constant && order.d + order.seasonal_d < 2;
        // Differences must leave more values than there are coefficients, and one for the variance.
        let needed = order.lost() + order.coefficients() + usize::from(constant) + 1;
        check("ARIMA", y, needed)?;
        let scale = scale_of("ARIMA", y)?;
        let scaled: Vec<f64> = y.iter().map(|value| value / scale).collect();
        let sample = Differenced::new(&scaled, &order).sample(constant);
        let stop = StopRule {
            max_iterations: self.max_iterations,
            tolerance: FINE,
        };
        // A given order is estimated wherever its roots lie.
        let rules = Rules { stop, radius: 1.0 };
        let no_likelihood = || FitError::NoFit {
            model: "ARIMA",
            why: format!("{} has no likelihood on this series", order.text(constant)),
        };
        let from_zeros = |method| minimum(&sample, &order, method, vec![0.0; order.coefficients()], rules);
        let found = from_zeros(self.method);
        let estimate = match self.method {
            Method::Css | Method::Ml => found,
            // The conditional sum may end where the likelihood does not exist.
            Method::CssMl => {
                let refined = found.and_then(|found| refine(&sample, &[found], rules).pop());
                refined.or_else(|| from_zeros(Method::Ml))
            }
        };
        let estimate = estimate.ok_or_else(no_likelihood)?;
        let mut effort = SearchEffort {
            candidates: 1,
            iterations: estimate.iterations,
            limits: Vec::new(),
        };
        if estimate.stopped_early {
            effort.limits.push(format!(
                "the estimation stopped after `max_iterations` = {}",
                self.max_iterations
            ));
        }
        finish(y, scale, &sample, &estimate, constant, effort).ok_or_else(no_likelihood)
    }
}
