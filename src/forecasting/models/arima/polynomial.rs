//! Lag polynomials: the stationary ones as free parameters, products, and how far roots lie from the unit circle.
//!
//! A polynomial `1 - c_1 B - .. - c_k B^k` is given by its coefficients `c`. It is stationary (as the autoregressive
//! side; invertible as the moving-average side) where all its roots lie outside the unit circle, which is so exactly
//! where all its partial autocorrelations lie in (-1, 1) (Barndorff-Nielsen and Schou 1973). So a polynomial is
//! estimated through free parameters `u`, one for each partial autocorrelation `r = u / sqrt(1 + u^2)`. Unlike the
//! usual `tanh`, this needs nothing but a square root, which every machine rounds alike.
//!
//! A polynomial keeps its parameters when one more coefficient, zero, is added: hence a candidate of a search starts
//! where its neighbour ended, with a zero appended or the last parameter cut off.

/// The coefficients that belong to free parameters (Durbin-Levinson recursion).
pub(super) fn coefficients(free: &[f64]) -> Vec<f64> {
    let mut phi = Vec::with_capacity(free.len());
    for &u in free {
        extend(&mut phi, partial(u));
    }
    phi
}

/// The free parameters of a polynomial, or of the next one with larger roots where it is not stationary.
pub(super) fn nearest_free(mut coefficients: Vec<f64>) -> Vec<f64> {
    /// By how much roots are moved out at a time.
    const SHRINK: f64 = 0.95;
    loop {
        // A root on the circle would have no finite parameter, and one close to it is no place to start from.
        let mut inside = coefficients.clone();
        shrink(&mut inside, 1.0 / SHRINK);
        if let Some(partial) = step_down(&inside, None).and_then(|_| step_down(&coefficients, None)) {
            return partial.into_iter().map(|r| r / (1.0 - r * r).sqrt()).collect();
        }
        if coefficients.iter().any(|c| !c.is_finite()) {
            return vec![0.0; coefficients.len()];
        }
        shrink(&mut coefficients, SHRINK);
    }
}

/// The autoregression with the first of these autocovariances (Durbin and Levinson); `None` if they are none.
pub(super) fn yule_walker(gamma: &[f64]) -> Option<Vec<f64>> {
    let mut phi = Vec::with_capacity(gamma.len());
    let mut variance = *gamma.first()?;
    for k in 1..gamma.len() {
        let past: f64 = phi.iter().zip(gamma[1..k].iter().rev()).map(|(phi, g)| phi * g).sum();
        let r = (gamma[k] - past) / variance;
        if r.is_nan() || r.abs() >= 1.0 {
            return None;
        }
        extend(&mut phi, r);
        variance *= 1.0 - r * r;
    }
    Some(phi)
}

/// The partial autocorrelation of a free parameter.
fn partial(u: f64) -> f64 {
    u / (1.0 + u * u).sqrt()
}

/// The derivative of [`partial`].
fn slope(u: f64) -> f64 {
    let root = (1.0 + u * u).sqrt();
    1.0 / (root * root * root)
}

/// Adds the partial autocorrelation `r` to a polynomial.
fn extend(phi: &mut Vec<f64>, r: f64) {
    let k = phi.len();
    for j in 0..k / 2 {
        let (a, b) = (phi[j], phi[k - 1 - j]);
        phi[j] = a - r * b;
        phi[k - 1 - j] = b - r * a;
    }
    if k % 2 == 1 {
        phi[k / 2] *= 1.0 - r;
    }
    phi.push(r);
}

/// The derivatives of [`coefficients`]: row `i` holds those of all coefficients by `free[i]`.
pub(super) fn derivatives(free: &[f64]) -> Vec<Vec<f64>> {
    let k = free.len();
    let mut phi: Vec<f64> = Vec::with_capacity(k);
    let mut rows = vec![vec![0.0; k]; k];
    for (step, &u) in free.iter().enumerate() {
        let r = partial(u);
        for row in &mut rows[..step] {
            let before = row[..step].to_vec();
            for j in 0..step {
                row[j] = before[j] - r * before[step - 1 - j];
            }
        }
        let slope = slope(u);
        for j in 0..step {
            rows[step][j] = -phi[step - 1 - j] * slope;
        }
        rows[step][step] = slope;
        extend(&mut phi, r);
    }
    rows
}

/// The partial autocorrelations of a polynomial, the first first; `None` if it is not stationary.
///
/// `levels` receives the polynomials of all lower orders on the way, the first order first.
fn step_down(coefficients: &[f64], mut levels: Option<&mut Vec<Vec<f64>>>) -> Option<Vec<f64>> {
    let mut phi = coefficients.to_vec();
    let mut partial = vec![0.0; phi.len()];
    for k in (0..phi.len()).rev() {
        if let Some(levels) = levels.as_deref_mut() {
            levels.push(phi.clone());
        }
        let r = phi[k];
        // Also refuses what is no number.
        if r.is_nan() || r.abs() >= 1.0 {
            return None;
        }
        partial[k] = r;
        phi.truncate(k);
        let before = phi.clone();
        let scale = 1.0 / (1.0 - r * r);
        for j in 0..k {
            phi[j] = (before[j] + r * before[k - 1 - j]) * scale;
        }
    }
    if let Some(levels) = levels {
        levels.reverse();
    }
    Some(partial)
}

/// Moves all roots of a polynomial away from the origin, by the factor `1 / by`.
fn shrink(coefficients: &mut [f64], by: f64) {
    let mut factor = 1.0;
    for value in coefficients {
        factor *= by;
        *value *= factor;
    }
}

/// Returns whether all roots of a polynomial are larger than `radius` in size.
///
/// Needs no root: `c_k radius^k` are the coefficients of a polynomial with all roots divided by `radius`.
pub(in super::super) fn roots_beyond(coefficients: &[f64], radius: f64) -> bool {
    let mut scaled = coefficients.to_vec();
    shrink(&mut scaled, radius);
    step_down(&scaled, None).is_some()
}

/// A polynomial with zeros left out: pairs of a lag, from 1, and its coefficient, by rising lag.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct LagPolynomial {
    /// The pairs.
    pub(super) terms: Vec<(usize, f64)>,
}

impl LagPolynomial {
    /// The product `(1 - Σ c_i B^i)(1 - Σ s_j B^(jm))`, again written as `1 - Σ a_k B^k`.
    pub(super) fn product(coefficients: &[f64], seasonal: &[f64], season_length: usize) -> Self {
        let mut dense = vec![0.0; coefficients.len() + seasonal.len() * season_length + 1];
        for (i, &c) in coefficients.iter().enumerate() {
            dense[i + 1] += c;
        }
        for (j, &s) in seasonal.iter().enumerate() {
            let lag = (j + 1) * season_length;
            dense[lag] += s;
            for (i, &c) in coefficients.iter().enumerate() {
                dense[lag + i + 1] -= c * s;
            }
        }
        let terms = dense
            .into_iter()
            .enumerate()
            .skip(1)
            .filter(|&(_, value)| value != 0.0)
            .collect();
        Self { terms }
    }

    /// The same polynomial with all coefficients negated: `1 + Σ a_k B^k`.
    pub(super) fn negated(mut self) -> Self {
        for (_, value) in &mut self.terms {
            *value = -*value;
        }
        self
    }

    /// The largest lag, 0 if there is none.
    pub(super) fn degree(&self) -> usize {
        self.terms.last().map_or(0, |&(lag, _)| lag)
    }

    /// All coefficients from lag 1 to `length`, zeros and all.
    pub(super) fn dense(&self, length: usize) -> Vec<f64> {
        let mut dense = vec![0.0; length];
        for &(lag, value) in &self.terms {
            dense[lag - 1] = value;
        }
        dense
    }

    /// `Σ a_k x[at - k]`; lags that reach before the first value count nothing.
    pub(super) fn sum_before(&self, x: &[f64], at: usize) -> f64 {
        self.terms
            .iter()
            .filter(|&&(lag, _)| lag <= at)
            .map(|&(lag, value)| value * x[at - lag])
            .sum()
    }
}

/// Autocovariances at lags 0 to `lags` of the autoregression `1 - Σ a_k B^k` driven by noise of variance one.
///
/// The recursion of Durbin and Levinson, down to the partial autocorrelations and up again: O(k^2 + lags · terms).
/// `None` if the autoregression is not stationary.
pub(super) fn autocovariances(ar: &LagPolynomial, lags: usize) -> Option<Vec<f64>> {
    let order = ar.degree();
    let mut levels = Vec::with_capacity(order);
    let partial = step_down(&ar.dense(order), Some(&mut levels))?;
    let mut variance = partial.iter().fold(1.0, |variance, r| variance / (1.0 - r * r));
    let mut gamma = Vec::with_capacity(lags.max(order) + 1);
    gamma.push(variance);
    for (k, r) in partial.iter().enumerate() {
        let mut next = r * variance;
        if k > 0 {
            next += levels[k - 1]
                .iter()
                .zip(gamma[1..].iter().rev())
                .map(|(phi, g)| phi * g)
                .sum::<f64>();
        }
        gamma.push(next);
        variance *= 1.0 - r * r;
    }
    for k in order + 1..=lags {
        let next = ar.sum_before(&gamma, k);
        gamma.push(next);
    }
    gamma.truncate(lags + 1);
    gamma.iter().all(|g| g.is_finite()).then_some(gamma)
}
