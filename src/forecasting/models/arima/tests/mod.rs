//! Tests of the ARIMA family, by theme, and the series that they share.

mod fixed_order;
mod harmonic;
mod known;
mod likelihood;
mod literature;
mod properties;
mod search;
mod starts;

use super::super::{Estimate, Fitted};
use fixed_order::Arima;

/// Standard normal noise that is the same everywhere: sums of twelve uniform numbers of a linear congruential generator.
fn noise(seed: u64, n: usize) -> Vec<f64> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ 0xD1B5_4A32_D192_ED03;
    let mut uniform = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 11) as f64 / (1_u64 << 53) as f64
    };
    (0..n).map(|_| (0..12).map(|_| uniform()).sum::<f64>() - 6.0).collect()
}

/// A path of `w_t = Σ a_k w_(t-k) + e_t + Σ b_k e_(t-k)`, with the first 500 values left out.
fn arma(ar: &[(usize, f64)], ma: &[(usize, f64)], seed: u64, n: usize) -> Vec<f64> {
    let e = noise(seed, n + 500);
    let mut w: Vec<f64> = Vec::with_capacity(e.len());
    for t in 0..e.len() {
        let own: f64 = ar
            .iter()
            .filter(|(lag, _)| *lag <= t)
            .map(|(lag, a)| a * w[t - lag])
            .sum();
        let past: f64 = ma
            .iter()
            .filter(|(lag, _)| *lag <= t)
            .map(|(lag, b)| b * e[t - lag])
            .sum();
        w.push(own + e[t] + past);
    }
    w.split_off(500)
}

/// Running sums.
fn summed(x: &[f64]) -> Vec<f64> {
    x.iter()
        .scan(0.0, |sum, value| {
            *sum += value;
            Some(*sum)
        })
        .collect()
}

fn number(fitted: &dyn Fitted, name: &str) -> f64 {
    match find(fitted, name) {
        Some(Estimate::Number(value)) => value,
        other => panic!("{name} is {other:?}"),
    }
}

fn numbers(fitted: &dyn Fitted, name: &str) -> Vec<f64> {
    match find(fitted, name) {
        Some(Estimate::Numbers(values)) => values,
        other => panic!("{name} is {other:?}"),
    }
}

fn text(fitted: &dyn Fitted, name: &str) -> String {
    match find(fitted, name) {
        Some(Estimate::Text(text)) => text,
        other => panic!("{name} is {other:?}"),
    }
}

fn find(fitted: &dyn Fitted, name: &str) -> Option<Estimate> {
    fitted
        .summary()
        .into_iter()
        .find(|(key, _)| *key == name)
        .map(|(_, value)| value)
}

#[track_caller]
fn assert_near(found: f64, wanted: f64, tolerance: f64) {
    assert!(
        (found - wanted).abs() <= tolerance,
        "{found} is not within {tolerance} of {wanted}"
    );
}
