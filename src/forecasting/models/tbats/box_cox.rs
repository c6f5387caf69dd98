//! The transformation of Box and Cox, in units in which likelihoods of different λ compare as sums of squares.
//!
//! Source: Box and Cox (1964), *An analysis of transformations*, section 3. Values are divided by their geometric mean
//! first: the Jacobian of the transformation is then 1 for every λ, and λ is one more parameter of a least-squares fit.
#![expect(clippy::cast_precision_loss, reason = "a series is far shorter than 2^52")]

/// A positive series, divided by its geometric mean, as logarithms.
#[derive(Clone, Debug)]
pub(super) struct Logarithms {
    /// The geometric mean.
    pub(super) unit: f64,
    /// `ln(y / unit)`, one for each value.
    pub(super) values: Vec<f64>,
}

impl Logarithms {
    /// The logarithms of a series, if it is positive throughout.
    pub(super) fn of(y: &[f64]) -> Option<Self> {
        if y.iter().any(|&value| value <= 0.0) {
            return None;
        }
        let mut values: Vec<f64> = y.iter().map(|value| value.ln()).collect();
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        for value in &mut values {
            *value -= mean;
        }
        Some(Self {
            unit: mean.exp(),
            values,
        })
    }
}

/// The transformed value `(e^(λ x) − 1) / λ` of a logarithm `x`, and `x` itself for λ = 0.
pub(super) fn transform(x: f64, lambda: f64) -> f64 {
    if lambda == 0.0 {
        x
    } else {
        (lambda * x).exp_m1() / lambda
    }
}

/// The derivative of [`transform`] by λ.
pub(super) fn by_lambda(x: f64, lambda: f64) -> f64 {
    let a = lambda * x;
    // (e^a (a − 1) + 1) / a², which loses its digits near 0.
    let share = if a.abs() < 0.01 {
        0.5 + a / 3.0 + a * a / 8.0 + a * a * a / 30.0
    } else {
        (a.exp() * (a - 1.0) + 1.0) / (a * a)
    };
    x * x * share
}

/// The value, in units of the geometric mean, whose transform is `z`; 0 or infinity beyond the range of the transforms.
pub(super) fn back(z: f64, lambda: f64) -> f64 {
    if lambda == 0.0 {
        return z.exp();
    }
    let power = lambda * z;
    if power <= -1.0 {
        return 0.0;
    }
    (power.ln_1p() / lambda).exp()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn back_undoes_the_transformation() {
        for lambda in [0.0, 1e-9, 0.2, 1.0] {
            for x in [-3.0, -0.1, 0.0, 1.0, 4.0_f64] {
                let found = back(transform(x, lambda), lambda).ln();
                // 1 + λ z keeps the digits of e^(λ x) only.
                assert!((found - x).abs() < 1e-12, "{lambda}: {found} is not {x}");
            }
        }
        assert!(back(-2.0, 0.5).abs() < f64::MIN_POSITIVE);
    }

    #[test]
    fn the_derivative_is_that_of_differences() {
        for (x, lambda) in [(1.3, 0.4), (-0.7, 0.001), (0.02, 0.9), (2.0, 0.0)] {
            let step = 1e-5;
            let found = (transform(x, lambda + step) - transform(x, lambda - step)) / (2.0 * step);
            assert!((found - by_lambda(x, lambda)).abs() < 1e-8, "{x} {lambda}");
        }
    }

    #[test]
    fn logarithms_are_about_the_geometric_mean() {
        let found = Logarithms::of(&[2.0, 8.0]).expect("positive");
        assert!((found.unit - 4.0).abs() < 1e-12 && (found.values[0] + 2.0_f64.ln()).abs() < 1e-12);
        assert!(Logarithms::of(&[1.0, 0.0]).is_none());
    }
}
