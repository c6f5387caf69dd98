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

use super::css;
use super::order::Coefficients;
use super::polynomial::{LagPolynomial, autocovariances};

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
    /// The transition's column, of which most is zero: where an autoregressive coefficient stands, and the coefficient.
    ar: Vec<(usize, f64)>,
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
    fn new(ar: &LagPolynomial, ma: &LagPolynomial) -> Option<Self> {
        let size = ar.degree().max(ma.degree() + 1);
        let with_state = covariance_with_state(ar, ma, size)?;
        let mut gain: Vec<f64> = ar.dense(size).iter().map(|phi| phi * with_state[0]).collect();
        for (gain, covariance) in gain.iter_mut().zip(&with_state[1..]) {
            *gain += covariance;
        }
        let mut factor = gain.clone();
        factor.push(0.0);
        let variance = with_state[0];
        Some(Self {
            ar: ar.terms.iter().map(|&(lag, phi)| (lag - 1, phi)).collect(),
            gain,
            factor,
            weight: -1.0 / variance,
            variance,
        })
    }

    /// Passes the first values of some columns through, at most so many, and only until it is as steady as asked for.
    fn run(mut self, columns: &[&[f64]], most: usize, steady: f64) -> Option<Whitened> {
        let size = self.gain.len();
        let mut innovations: Vec<Vec<f64>> = columns.iter().map(|column| Vec::with_capacity(column.len())).collect();
        let mut states = vec![vec![0.0; size + 1]; columns.len()];
        let mut variances = Vec::new();
        // Logarithms are dear: one for many variances, before their product leaves the range of numbers.
        let (mut log_determinant, mut product) = (0.0, 1.0_f64);
        for t in 0..most {
            if self.variance - 1.0 <= steady && t >= size {
                break;
            }
            if self.variance.is_nan() || self.variance < 1.0 - ROUNDING {
                return None;
            }
            variances.push(self.variance);
            if product * self.variance > 1e200 {
                log_determinant += product.ln();
                product = 1.0;
            }
            product *= self.variance;
            for ((column, state), out) in columns.iter().zip(&mut states).zip(&mut innovations) {
                out.push(self.predict(column[t], state));
            }
            self.step();
        }
        log_determinant += product.ln();
        Some(Whitened {
            innovations,
            variances,
            log_determinant,
            states,
        })
    }

    /// Takes in a value: moves the state on and gives the innovation.
    fn predict(&self, value: f64, state: &mut [f64]) -> f64 {
        let size = self.gain.len();
        let (gain, state) = (&self.gain[..size], &mut state[..=size]);
        let (first, innovation) = (state[0], value - state[0]);
        let pull = innovation / self.variance;
        self.add_column(state, first);
        for i in 0..size {
            state[i] = state[i + 1] + gain[i] * pull;
        }
        // What the shift draws in.
        state[size] = 0.0;
        innovation
    }

    /// Moves gain and variance on by one step.
    fn step(&mut self) {
        let size = self.gain.len();
        let head = self.factor[0];
        if head == 0.0 {
            self.factor.copy_within(1..=size, 0);
            return;
        }
        let (lift, drop) = (self.weight * head, head / self.variance);
        let mut factor = std::mem::take(&mut self.factor);
        self.add_column(&mut factor, head);
        let (gain, moved) = (&mut self.gain[..size], &mut factor[..=size]);
        for i in 0..size {
            let next = moved[i + 1];
            moved[i] = next - gain[i] * drop;
            gain[i] += next * lift;
        }
        // What the shift draws in.
        moved[size] = 0.0;
        self.factor = factor;
        self.variance += lift * head;
        self.weight -= lift * lift / self.variance;
    }

    /// Adds `times` the transition's column to what the shift is about to move down.
    fn add_column(&self, shifted: &mut [f64], times: f64) {
        for &(place, phi) in &self.ar {
            shifted[place + 1] += phi * times;
        }
    }
}

/// The covariances of the entries of the stationary state with the present value, the first its variance.
fn covariance_with_state(ar: &LagPolynomial, ma: &LagPolynomial, size: usize) -> Option<Vec<f64>> {
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
    let n = columns.first().map_or(0, |column| column.len());
    let mut whitened = Filter::new(&ar, &ma)?.run(columns, n, STEADY)?;
    if whitened.variances.len() < n {
        let mut rest: Vec<Vec<f64>> = columns.iter().map(|column| css::autoregress(model, column)).collect();
        continue_steady(model, &mut rest, &whitened.innovations);
        whitened.innovations = rest;
        let size = ar.degree().max(ma.degree() + 1);
        for ((column, innovations), state) in columns.iter().zip(&whitened.innovations).zip(&mut whitened.states) {
            *state = steady_state(&ar, &ma, column, innovations, size);
        }
    }
    Some(whitened)
}

/// Passes the first `steps` values of a column through the filter, steady or not.
pub(super) fn whiten_start(model: &Coefficients, column: &[f64], steps: usize) -> Option<Whitened> {
    Filter::new(&model.ar_lags(), &model.ma_lags())?.run(&[column], steps, f64::NEG_INFINITY)
}

/// Turns the right sides of `θ(B) Θ(B^m) v_t = x_t` into solutions that begin as the given heads do.
///
/// Heads reach back at least as far as the moving average does.
pub(super) fn continue_steady(model: &Coefficients, columns: &mut [Vec<f64>], heads: &[Vec<f64>]) {
    let from = heads.first().map_or(0, Vec::len);
    let ma = model.ma_lags();
    for (column, head) in columns.iter_mut().zip(heads) {
        let n = column.len();
        column[..from].fill(0.0);
        for &(lag, theta) in &ma.terms {
            for (out, known) in column[from..n.min(from + lag)].iter_mut().zip(&head[from - lag..]) {
                *out -= theta * known;
            }
        }
    }
    css::invert_moving_average(model, columns, from);
    for (column, head) in columns.iter_mut().zip(heads) {
        column[..from].copy_from_slice(head);
    }
}

/// The state after the last value, read off the values and innovations of a steady filter.
fn steady_state(ar: &LagPolynomial, ma: &LagPolynomial, column: &[f64], innovations: &[f64], size: usize) -> Vec<f64> {
    let n = column.len();
    let ahead = |lags: &LagPolynomial, values: &[f64], i: usize| -> f64 {
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
