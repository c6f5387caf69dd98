//! The conditional sum of squares of an ARMA model and its derivatives, in O(n (p + q + P + Q)).
//!
//! The first `p + P m` values are taken as given and the noise before them as zero (Box and Jenkins 1970, section 7.1),
//! so the residuals are `θ(B)^-1 Θ(B^m)^-1 φ(B) Φ(B^m) w`: four short filters, one after the other, and never their
//! product. The derivative by one coefficient is that of its own factor alone, so each costs one pass through the
//! moving-average side; those of the moving average are shifts of one series and cost nothing more.

use super::estimate::{Regression, Sample};
use super::least_squares::Evaluation;
use super::order::{Coefficients, Order};
use super::polynomial;

/// The residuals, zero as far as they are conditioned on, at free parameters; and their derivatives if asked for.
///
/// Regressors are concentrated out: their coefficients are those of least squares among the filtered columns. The
/// derivatives hold these fixed and leave out what the regressors explain (Kaufman 1975), so `J r` stays exact.
pub(super) fn evaluate(sample: &Sample, order: &Order, free: &[f64], derive: bool) -> Option<Evaluation> {
    let model = Coefficients::from_free(order, free);
    let from = order.ar_degree();
    let columns: Vec<Vec<f64>> = sample.columns().map(|column| residuals(&model, column, from)).collect();
    let regression = Regression::new(&columns)?;
    if !derive {
        return Some(Evaluation {
            residuals: regression.residuals,
            jacobian: Vec::new(),
        });
    }
    let values = sample.without_regressors(&regression.coefficients);
    let mut jacobian = derivatives(&model, order, free, &values, &regression.residuals);
    for row in &mut jacobian {
        regression.project_out(&columns[1..], row);
    }
    Some(Evaluation {
        residuals: regression.residuals,
        jacobian,
    })
}

/// The residuals of one column from the position `from` on, and zeros before.
fn residuals(model: &Coefficients, column: &[f64], from: usize) -> Vec<f64> {
    let mut out = apply(&model.ar, 1, column, 0);
    out = apply(&model.seasonal_ar, model.season_length, &out, 0);
    out[..from].fill(0.0);
    invert_moving_average(model, &mut out, from);
    out
}

/// `x_t - Σ c_k x_(t - k step)` at every `t`, with zeros before the first value, then delayed by `delay`.
fn apply(coefficients: &[f64], step: usize, x: &[f64], delay: usize) -> Vec<f64> {
    let delay = delay.min(x.len());
    let mut out = vec![0.0; x.len()];
    out[delay..].copy_from_slice(&x[..x.len() - delay]);
    for (k, c) in coefficients.iter().enumerate() {
        let lag = (delay + (k + 1) * step).min(x.len());
        for (out, value) in out[lag..].iter_mut().zip(x) {
            *out -= c * value;
        }
    }
    out
}

/// Divides a series, zero before `from`, by both moving-average polynomials.
fn invert_moving_average(model: &Coefficients, out: &mut [f64], from: usize) {
    invert_seasonal(&model.seasonal_ma, model.season_length, out, from);
    invert_short(&model.ma, &mut out[from..]);
}

/// `y_t = x_t - Σ Θ_j y_(t - j m)`, season by season, so that the steps within one are independent.
fn invert_seasonal(theta: &[f64], season_length: usize, out: &mut [f64], from: usize) {
    if theta.is_empty() {
        return;
    }
    for start in (from + season_length..out.len()).step_by(season_length) {
        let (past, now) = out.split_at_mut(start);
        for (j, theta) in theta.iter().enumerate() {
            // Further back all values are zero.
            let Some(at) = start.checked_sub((j + 1) * season_length) else {
                break;
            };
            for (now, past) in now.iter_mut().zip(&past[at..at + season_length]) {
                *now -= theta * past;
            }
        }
    }
}

/// `y_t = x_t - Σ θ_i y_(t - i)`.
fn invert_short(theta: &[f64], out: &mut [f64]) {
    match theta.len() {
        0 => {}
        1 => invert_of_length::<1>(theta, out),
        2 => invert_of_length::<2>(theta, out),
        3 => invert_of_length::<3>(theta, out),
        4 => invert_of_length::<4>(theta, out),
        5 => invert_of_length::<5>(theta, out),
        q => {
            for t in 0..out.len() {
                let sum: f64 = theta[..t.min(q)]
                    .iter()
                    .zip(out[..t].iter().rev())
                    .map(|(theta, y)| theta * y)
                    .sum();
                out[t] -= sum;
            }
        }
    }
}

/// [`invert_short`] with the past in registers.
fn invert_of_length<const Q: usize>(theta: &[f64], out: &mut [f64]) {
    let mut past = [0.0; Q];
    for value in out {
        let mut sum = *value;
        // The oldest first: the value just made is needed last.
        for i in (0..Q).rev() {
            sum -= theta[i] * past[i];
        }
        past.copy_within(..Q - 1, 1);
        past[0] = sum;
        *value = sum;
    }
}

/// The derivatives of the residuals by each free parameter.
fn derivatives(model: &Coefficients, order: &Order, free: &[f64], values: &[f64], residuals: &[f64]) -> Vec<Vec<f64>> {
    let from = order.ar_degree();
    let season_length = model.season_length;
    let through = |mut x: Vec<f64>| {
        x[..from].fill(0.0);
        invert_moving_average(model, &mut x, from);
        x
    };
    let (free_ar, rest) = free.split_at(order.p);
    let (free_ma, rest) = rest.split_at(order.q);
    let (free_seasonal_ar, free_seasonal_ma) = rest.split_at(order.seasonal_p);

    let by_ar = (1..=order.p)
        .map(|i| through(apply(&model.seasonal_ar, season_length, values, i)))
        .collect();
    let mut rows = chain(free_ar, -1.0, by_ar);

    let mut base = residuals.to_vec();
    invert_short(&model.ma, &mut base[from..]);
    // The signs of moving averages are turned twice: in the derivative and in their parameters.
    rows.extend(chain(
        free_ma,
        1.0,
        (1..=order.q).map(|i| apply(&[], 1, &base, i)).collect(),
    ));

    let by_seasonal = (1..=order.seasonal_p)
        .map(|j| through(apply(&model.ar, 1, values, j * season_length)))
        .collect();
    rows.extend(chain(free_seasonal_ar, -1.0, by_seasonal));

    if order.seasonal_q > 0 {
        let mut base = residuals.to_vec();
        invert_seasonal(&model.seasonal_ma, season_length, &mut base, from);
        let shifted = (1..=order.seasonal_q)
            .map(|j| apply(&[], 1, &base, j * season_length))
            .collect();
        rows.extend(chain(free_seasonal_ma, 1.0, shifted));
    }
    rows
}

/// Derivatives by free parameters from those by coefficients, all times `sign`.
fn chain(free: &[f64], sign: f64, by_coefficient: Vec<Vec<f64>>) -> Vec<Vec<f64>> {
    let of_coefficients = polynomial::derivatives(free);
    let combine = |weights: &Vec<f64>| {
        let mut row = vec![0.0; by_coefficient[0].len()];
        for (weight, by) in weights.iter().zip(&by_coefficient) {
            for (out, value) in row.iter_mut().zip(by) {
                *out += sign * weight * value;
            }
        }
        row
    };
    of_coefficients.iter().map(combine).collect()
}
