//! The exact likelihood of a sample, with what need not be searched for at its best.

use super::exact::{self, Whitened};
use super::least_squares::sum_of_squares;
use super::order::Coefficients;
use super::sample::{DifferencedSample, Regression, subtract};

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
    pub(super) fn at(sample: &DifferencedSample, model: &Coefficients) -> Option<Self> {
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
