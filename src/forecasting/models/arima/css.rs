//! The conditional sum of squares of an ARMA model and its derivatives, in O(n (p + q + P + Q)).
//!
//! The first `p + P m` values are taken as given and the noise before them as zero (Box and Jenkins 1970, section 7.1),
//! so the residuals are `θ(B)^-1 Θ(B^m)^-1 φ(B) Φ(B^m) w`: four short filters, one after the other, and never their
//! product. The derivative by one coefficient is that of its own factor alone, so each costs one pass through the
//! moving-average side; those of the moving average are shifts of one series and cost nothing more.

use super::least_squares::{LeastSquares, NormalEquations, sum_of_squares};
use super::order::{Coefficients, Order};
use super::sample::{DifferencedSample, Regression};

/// The conditional sum of squares of a sample, as a function of an order's free parameters.
///
/// Regressors are concentrated out: their coefficients are those of least squares among the filtered columns. The
/// derivatives hold these fixed and leave out what the regressors explain (Kaufman 1975), so `J r` stays exact.
pub(super) struct ConditionalSquares<'a> {
    pub(super) sample: &'a DifferencedSample,
    pub(super) order: &'a Order,
}

/// The filtered columns at some parameters.
pub(super) struct FilteredColumns {
    model: Coefficients,
    columns: Vec<Vec<f64>>,
    /// Its residuals are zero as far as they are conditioned on.
    regression: Regression,
}

impl LeastSquares for ConditionalSquares<'_> {
    type Point = FilteredColumns;

    fn at(&self, free: &[f64]) -> Option<FilteredColumns> {
        let model = Coefficients::from_free(self.order, free);
        let from = self.order.ar_degree();
        let columns = residuals(&model, self.sample.columns(), from);
        let regression = Regression::new(&columns)?;
        Some(FilteredColumns {
            model,
            columns,
            regression,
        })
    }

    fn value(&self, point: &FilteredColumns) -> f64 {
        sum_of_squares(&point.regression.residuals)
    }

    fn normal(&mut self, free: &[f64], point: &FilteredColumns) -> Option<NormalEquations> {
        let FilteredColumns {
            model,
            columns,
            regression,
        } = point;
        let values = self.sample.without_regressors(&regression.coefficients);
        let mut rows = derivatives(model, self.order, &values, &regression.residuals);
        regression.project_out(&columns[1..], &mut rows);
        let normal = NormalEquations::new(&rows, &regression.residuals);
        Some(normal.in_terms_of(&Coefficients::derivatives(self.order, free)))
    }
}

/// The residuals of some columns from the position `from` on, and zeros before.
fn residuals<'a>(model: &Coefficients, columns: impl Iterator<Item = &'a [f64]>, from: usize) -> Vec<Vec<f64>> {
    let mut out: Vec<Vec<f64>> = columns.map(|column| autoregress(model, column)).collect();
    for column in &mut out {
        column[..from].fill(0.0);
    }
    // All at once, for the sake of the lanes.
    invert_moving_average(model, &mut out, from);
    out
}

/// `φ(B) Φ(B^m) x_t`, with zeros before the first value.
pub(super) fn autoregress(model: &Coefficients, column: &[f64]) -> Vec<f64> {
    let short = apply(&model.ar, 1, column);
    if model.seasonal_ar.is_empty() {
        return short;
    }
    apply(&model.seasonal_ar, model.season_length, &short)
}

/// `x_t - Σ c_k x_(t - k step)`, with zeros before the first value.
pub(super) fn apply(coefficients: &[f64], step: usize, x: &[f64]) -> Vec<f64> {
    match coefficients.len() {
        0 => x.to_vec(),
        1 => apply_all::<1>(coefficients, step, x),
        2 => apply_all::<2>(coefficients, step, x),
        3 => apply_all::<3>(coefficients, step, x),
        4 => apply_all::<4>(coefficients, step, x),
        5 => apply_all::<5>(coefficients, step, x),
        count => {
            let (before, last) = (&coefficients[..count - 1], coefficients[count - 1]);
            let mut out = apply(before, step, x);
            for (out, value) in out[(count * step).min(x.len())..].iter_mut().zip(x) {
                *out -= last * value;
            }
            out
        }
    }
}

/// [`apply`] in one pass, of so many coefficients.
fn apply_all<const K: usize>(coefficients: &[f64], step: usize, x: &[f64]) -> Vec<f64> {
    let coefficients: [f64; K] = std::array::from_fn(|k| coefficients[k]);
    let reach = (K * step).min(x.len());
    let mut out = Vec::with_capacity(x.len());
    for (t, value) in x[..reach].iter().enumerate() {
        let past = coefficients
            .iter()
            .zip(1..)
            .map_while(|(c, k)| Some(c * x[t.checked_sub(k * step)?]));
        out.push(past.fold(*value, |sum, part| sum - part));
    }
    let (now, count) = (&x[reach..], x.len() - reach);
    let past: [&[f64]; K] = std::array::from_fn(|k| &x[reach - ((k + 1) * step).min(reach)..][..count]);
    out.extend(now.iter().enumerate().map(|(t, value)| {
        let mut sum = *value;
        for k in 0..K {
            sum -= coefficients[k] * past[k][t];
        }
        sum
    }));
    out
}

/// `-x_(t - lag)`, with zeros before the first value.
pub(super) fn negated_at_lag(x: &[f64], lag: usize) -> Vec<f64> {
    let lag = lag.min(x.len());
    let mut out = Vec::with_capacity(x.len());
    out.resize(lag, 0.0);
    out.extend(x[..x.len() - lag].iter().map(|value| -value));
    out
}

/// Divides columns, zero before `from`, by both moving-average polynomials.
pub(super) fn invert_moving_average(model: &Coefficients, columns: &mut [Vec<f64>], from: usize) {
    for column in columns.iter_mut() {
        invert_seasonal(&model.seasonal_ma, model.season_length, column, from);
    }
    invert_short(&model.ma, columns, from);
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

/// `y_t = x_t - Σ θ_i y_(t - i)` for columns that are zero before `from`.
fn invert_short(theta: &[f64], columns: &mut [Vec<f64>], from: usize) {
    match theta.len() {
        0 => {}
        1 => invert_of_length::<1>(theta, columns, from),
        2 => invert_of_length::<2>(theta, columns, from),
        3 => invert_of_length::<3>(theta, columns, from),
        4 => invert_of_length::<4>(theta, columns, from),
        5 => invert_of_length::<5>(theta, columns, from),
        q => {
            for column in columns {
                for t in from..column.len() {
                    let past = column[t - (t - from).min(q)..t].iter().rev();
                    let sum: f64 = theta.iter().zip(past).map(|(theta, y)| theta * y).sum();
                    column[t] -= sum;
                }
            }
        }
    }
}

/// [`invert_short`] with the past in registers.
///
/// A step has to wait for the one before, so four columns go side by side in the time of one.
fn invert_of_length<const Q: usize>(theta: &[f64], columns: &mut [Vec<f64>], from: usize) {
    let mut groups = columns.chunks_exact_mut(4);
    for group in &mut groups {
        if let [a, b, c, d] = group {
            invert_lanes::<Q, 4>(
                theta,
                &mut [&mut a[from..], &mut b[from..], &mut c[from..], &mut d[from..]],
            );
        }
    }
    match groups.into_remainder() {
        [a, b, c] => invert_lanes::<Q, 3>(theta, &mut [&mut a[from..], &mut b[from..], &mut c[from..]]),
        [a, b] => invert_lanes::<Q, 2>(theta, &mut [&mut a[from..], &mut b[from..]]),
        [a] => invert_lanes::<Q, 1>(theta, &mut [&mut a[from..]]),
        _ => {}
    }
}

/// [`invert_of_length`] for columns of one length.
fn invert_lanes<const Q: usize, const LANES: usize>(theta: &[f64], columns: &mut [&mut [f64]; LANES]) {
    let mut past = [[0.0; LANES]; Q];
    for t in 0..columns[0].len() {
        let mut sum: [f64; LANES] = std::array::from_fn(|lane| columns[lane][t]);
        // The oldest first: the value just made is needed last.
        for i in (0..Q).rev() {
            for lane in 0..LANES {
                sum[lane] -= theta[i] * past[i][lane];
            }
        }
        for i in (1..Q).rev() {
            past[i] = past[i - 1];
        }
        past[0] = sum;
        for lane in 0..LANES {
            columns[lane][t] = sum[lane];
        }
    }
}

/// The derivatives of the residuals by each coefficient, in the order of the free parameters.
fn derivatives(model: &Coefficients, order: &Order, values: &[f64], residuals: &[f64]) -> Vec<Vec<f64>> {
    let (from, m) = (order.ar_degree(), model.season_length);
    let by_seasonal = apply(&model.seasonal_ar, m, values);
    let by_short = match order.seasonal_p {
        0 => Vec::new(),
        _ => apply(&model.ar, 1, values),
    };
    // To be divided by both polynomials: by the first short coefficient, by all seasonal ones, and an impulse.
    let mut divided = vec![negated_at_lag(&by_seasonal, 1)];
    divided.extend((1..=order.seasonal_p).map(|j| negated_at_lag(&by_short, j * m)));
    divided.push(vec![0.0; values.len()]);
    for column in &mut divided {
        column[..from].fill(0.0);
    }
    if let Some(impulse) = divided.last_mut().and_then(|impulse| impulse.get_mut(from)) {
        *impulse = 1.0;
    }
    for column in &mut divided {
        invert_seasonal(&model.seasonal_ma, m, column, from);
    }
    divided.push(residuals.to_vec());
    // All at once, for the sake of the lanes.
    invert_short(&model.ma, &mut divided, from);
    let mut seasonal_rows = divided.split_off(1);
    let by_ma = seasonal_rows.pop().unwrap_or_default();
    let impulse = seasonal_rows.pop().unwrap_or_default();

    let mut rows = if order.p > 0 { divided } else { Vec::new() };
    for i in 1..order.p {
        // A shift of the row before, but for the one value that it does not reach back to.
        let missed = by_seasonal[from - i - 1];
        let mut row = vec![0.0; values.len()];
        for ((out, before), psi) in row[from..]
            .iter_mut()
            .zip(&rows[i - 1][from - 1..])
            .zip(&impulse[from..])
        {
            *out = before - missed * psi;
        }
        rows.push(row);
    }
    rows.extend((1..=order.q).map(|i| negated_at_lag(&by_ma, i)));
    rows.extend(seasonal_rows);
    if order.seasonal_q > 0 {
        let mut base = residuals.to_vec();
        invert_seasonal(&model.seasonal_ma, m, &mut base, from);
        rows.extend((1..=order.seasonal_q).map(|j| negated_at_lag(&base, j * m)));
    }
    rows
}
