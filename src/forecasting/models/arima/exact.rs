//! The exact Gaussian likelihood of an ARMA model, in O(r) a step and O(terms) once the filter is steady.
//!
//! The Kalman filter of an ARMA model in the companion form of Gardner, Harvey and Phillips (1980, AS 154) has a state
//! of `r = max(p + P m, q + Q m + 1)` entries, and its covariance costs O(r^2) a step. But the difference of two
//! following covariances has rank one, for a model that starts in its stationary distribution: `P_(t+1) - P_t =
//! M_t L_t L_t'` with a scalar `M` and a vector `L` (Morf, Sidhu and Kailath 1974; for ARMA models Pearlman 1980 and
//! Mélard 1984, AS 197). So only `L`, the gain and the variance of the next innovation are carried on, and the
//! transition, a shift and one column, costs nothing to apply. The start needs just the autocovariances and not the
//! solution of a Lyapunov equation. Once the variance is down to that of the noise, the innovations follow from the
//! model's own sparse recursion.
//!
//! Every column (the series and the regressors) passes through the same filter: that is generalised least squares.

use super::order::Coefficients;
use super::polynomial::{Lags, autocovariances};

/// How close to one the variance of an innovation is, in units of the noise's, where the filter counts as steady.
///
/// It falls monotonically to one; from there the gain differs from its limit by the square root of this at most.
const STEADY: f64 = 1e-12;

/// How far below one rounding may bring the variance of an innovation before the model is refused.
const ROUNDING: f64 = 1e-7;

/// The innovations of some columns under an ARMA model.
#[derive(Clone, Debug)]
pub(super) struct Whitened {
    /// For each column its innovations `v_t`.
    pub(super) innovations: Vec<Vec<f64>>,
    /// The variances `F_t` of the innovations in units of the noise's, as far as they are not one.
    pub(super) variances: Vec<f64>,
    /// `Σ ln F_t`.
    pub(super) log_determinant: f64,
    /// For each column the state that predicts the next value: its first entry.
    pub(super) states: Vec<Vec<f64>>,
}

impl Whitened {
    /// Divides innovations by their standard deviations: white noise of the model's variance.
    pub(super) fn scaled(&self, column: usize) -> Vec<f64> {
        let mut scaled = self.innovations[column].clone();
        for (value, variance) in scaled.iter_mut().zip(&self.variances) {
            *value /= variance.sqrt();
        }
        scaled
    }
}

/// What the filter carries from one step to the next.
struct Filter {
    /// The transition's column: the autoregressive coefficients by lag.
    ar: Vec<f64>,
    /// Covariance of the next state with the present innovation.
    gain: Vec<f64>,
    /// `L`, and a zero that the shift draws in.
    factor: Vec<f64>,
    /// `M`.
    weight: f64,
    /// `F`.
    variance: f64,
}

impl Filter {
    /// The filter before the first value: the stationary distribution. `None` if there is none.
    fn new(ar: &Lags, ma: &Lags) -> Option<Self> {
        let size = ar.degree().max(ma.degree() + 1);
        let with_state = covariance_with_state(ar, ma, size)?;
        let ar = ar.dense(size);
        let mut gain: Vec<f64> = ar.iter().map(|phi| phi * with_state[0]).collect();
        for (gain, covariance) in gain.iter_mut().zip(&with_state[1..]) {
            *gain += covariance;
        }
        let mut factor = gain.clone();
        factor.push(0.0);
        let variance = with_state[0];
        Some(Self {
            ar,
            gain,
            factor,
            weight: -1.0 / variance,
            variance,
        })
    }

    /// Takes in one value of each column and leaves the innovations.
    fn step(&mut self, values: impl Iterator<Item = f64>, states: &mut [Vec<f64>], innovations: &mut [Vec<f64>]) {
        let inverse = 1.0 / self.variance;
        for ((value, state), out) in values.zip(states).zip(innovations) {
            let (first, innovation) = (state[0], value - state[0]);
            let pull = innovation * inverse;
            out.push(innovation);
            for i in 0..self.ar.len() {
                state[i] = state[i + 1] + self.ar[i] * first + self.gain[i] * pull;
            }
        }
        let head = self.factor[0];
        if head == 0.0 {
            let size = self.ar.len();
            self.factor.copy_within(1..=size, 0);
            return;
        }
        let (lift, drop) = (self.weight * head, head * inverse);
        for i in 0..self.ar.len() {
            let moved = self.factor[i + 1] + self.ar[i] * head;
            self.factor[i] = moved - self.gain[i] * drop;
            self.gain[i] += moved * lift;
        }
        self.variance += lift * head;
        self.weight -= lift * lift / self.variance;
    }
}

/// The covariances of the entries of the stationary state with the present value, the first its variance.
fn covariance_with_state(ar: &Lags, ma: &Lags, size: usize) -> Option<Vec<f64>> {
    let ma_dense = ma.dense(size);
    let ma_terms: Vec<(usize, f64)> = std::iter::once((0, 1.0)).chain(ma.terms.iter().copied()).collect();

    // Of the moving average alone, at lags of both signs, then of the whole.
    let mut moving = vec![0.0; ma.degree() + 1];
    for &(i, a) in &ma_terms {
        for &(j, b) in ma_terms.iter().filter(|&&(j, _)| j >= i) {
            moving[j - i] += a * b;
        }
    }
    let gamma_ar = autocovariances(ar, size + ma.degree())?;
    let gamma: Vec<f64> = (0..=size)
        .map(|k| {
            let both = |(l, c): (usize, &f64)| match l {
                0 => c * gamma_ar[k],
                _ => c * (gamma_ar[k + l] + gamma_ar[k.abs_diff(l)]),
            };
            moving.iter().enumerate().filter(|&(_, &c)| c != 0.0).map(both).sum()
        })
        .collect();

    // Covariances of the value with the noise `s` steps before.
    let mut psi = vec![1.0];
    for s in 1..=size {
        let next = ma_dense[s - 1] + ar.sum_before(&psi, s);
        psi.push(next);
    }

    let mut covariances = vec![gamma[0]; size];
    for (i, covariance) in covariances.iter_mut().enumerate().skip(1) {
        let past = ar
            .terms
            .iter()
            .filter(|&&(lag, _)| lag > i)
            .map(|&(lag, phi)| phi * gamma[lag - i])
            .sum::<f64>();
        let noise = ma_terms
            .iter()
            .filter(|&&(lag, _)| lag >= i)
            .map(|&(lag, b)| b * psi[lag - i])
            .sum::<f64>();
        *covariance = past + noise;
    }
    Some(covariances)
}

/// Passes columns of one length through the filter of an ARMA model.
///
/// `None` if the model is not stationary, or so close to it that rounding spoils the variances.
pub(super) fn whiten(model: &Coefficients, columns: &[&[f64]]) -> Option<Whitened> {
    let (ar, ma) = (model.ar_lags(), model.ma_lags());
    let mut filter = Filter::new(&ar, &ma)?;
    let size = filter.ar.len();
    let n = columns.first().map_or(0, |column| column.len());
    let mut innovations: Vec<Vec<f64>> = columns.iter().map(|_| Vec::with_capacity(n)).collect();
    let mut states = vec![vec![0.0; size + 1]; columns.len()];
    let mut variances = Vec::new();
    let mut log_determinant = 0.0;
    for t in 0..n {
        if filter.variance - 1.0 <= STEADY && t >= size {
            break;
        }
        if filter.variance.is_nan() || filter.variance < 1.0 - ROUNDING {
            return None;
        }
        variances.push(filter.variance);
        log_determinant += filter.variance.ln();
        filter.step(columns.iter().map(|column| column[t]), &mut states, &mut innovations);
    }
    let steady_from = variances.len();
    if steady_from < n {
        for ((column, out), state) in columns.iter().zip(&mut innovations).zip(&mut states) {
            continue_steady(&ar, &ma, column, out);
            *state = steady_state(&ar, &ma, column, out, size);
        }
    }
    Some(Whitened {
        innovations,
        variances,
        log_determinant,
        states,
    })
}

/// Appends the innovations of the rest of a column by the model's own recursion.
fn continue_steady(ar: &Lags, ma: &Lags, column: &[f64], innovations: &mut Vec<f64>) {
    let from = innovations.len();
    innovations.extend_from_slice(&column[from..]);
    for &(lag, phi) in &ar.terms {
        for (out, value) in innovations[from..].iter_mut().zip(&column[from - lag..]) {
            *out -= phi * value;
        }
    }
    if ma.terms.is_empty() {
        return;
    }
    for t in from..innovations.len() {
        let mut sum = innovations[t];
        // The largest lags first: the innovation just made is needed last, so the chain of waits is shortest.
        for &(lag, theta) in ma.terms.iter().rev() {
            sum -= theta * innovations[t - lag];
        }
        innovations[t] = sum;
    }
}

/// The state after the last value, read off the values and innovations of a steady filter.
fn steady_state(ar: &Lags, ma: &Lags, column: &[f64], innovations: &[f64], size: usize) -> Vec<f64> {
    let n = column.len();
    let ahead = |lags: &Lags, values: &[f64], i: usize| -> f64 {
        lags.terms
            .iter()
            .filter(|&&(lag, _)| lag > i)
            .map(|&(lag, c)| c * values[n + i - lag])
            .sum()
    };
    let mut state: Vec<f64> = (0..size)
        .map(|i| ahead(ar, column, i) + ahead(ma, innovations, i))
        .collect();
    state.push(0.0);
    state
}
