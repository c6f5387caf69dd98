//! Dynamic harmonic regression: its waves, its choice of pairs, its forecast.

use super::super::super::Model;
use super::super::HarmonicArima;
use super::{arma, assert_near, number, text};
use proptest::prelude::*;
use std::f64::consts::PI;

/// Two waves of a season of 12 steps, one of 30, a mean, and dependent noise of this size.
fn two_seasons(n: usize, size: f64) -> Vec<f64> {
    let wave = |t: usize, k: f64, m: f64| (2.0 * PI * k * t as f64 / m).sin();
    let noise = arma(&[(1, 0.6)], &[], 9, n);
    let level = |t: usize| 100.0 + 8.0 * wave(t, 1.0, 12.0) + 5.0 * wave(t, 2.0, 12.0) + 6.0 * wave(t, 1.0, 30.0);
    noise.iter().enumerate().map(|(t, e)| level(t) + size * e).collect()
}

fn model() -> HarmonicArima {
    HarmonicArima {
        season_lengths: vec![12, 30],
        ..HarmonicArima::default()
    }
}

#[test]
fn the_pairs_of_each_season_are_found_and_continued() {
    let y = two_seasons(630, 0.3);
    let fitted = model().fit(&y[..600]).expect("a fit");
    // A criterion takes a pair too many now and then, never one too few.
    let pairs = text(&*fitted, "fourier_pairs");
    let (short, long) = pairs.split_once(' ').expect("two seasons");
    assert!(
        ["2[12]", "3[12]"].contains(&short) && ["1[30]", "2[30]"].contains(&long),
        "{pairs}"
    );
    assert_near(number(&*fitted, "mean"), 100.0, 0.2);
    let clean = two_seasons(630, 0.0);
    let forecast = fitted.forecast(30, &[95.0]);
    let far = forecast
        .mean
        .iter()
        .zip(&clean[600..])
        .skip(5)
        .map(|(m, y)| (m - y).abs());
    // Beyond the memory of the noise, whose mean has a standard error of about 0.03.
    assert!(far.fold(0.0, f64::max) < 0.4);
    let inside = (0..30)
        .filter(|&h| forecast.intervals[0].lower[h] <= y[600 + h] && y[600 + h] <= forecast.intervals[0].upper[h]);
    assert!(inside.count() >= 24);
}

#[test]
fn a_frequency_that_two_seasons_share_enters_once() {
    // The second pair of 24 steps is the first of 12; twice over, the regression would have no solution.
    let model = HarmonicArima {
        season_lengths: vec![12, 24],
        ..HarmonicArima::default()
    };
    let y = two_seasons(300, 0.5);
    assert!(model.fit(&y).is_ok());
}

#[test]
fn seasons_that_the_series_does_not_hold_twice_are_left_out() {
    let y = two_seasons(50, 0.3);
    let fitted = model().fit(&y).expect("a fit");
    assert!(text(&*fitted, "fourier_pairs").ends_with(" 0[30]"));
    let short = model().fit(&y[..10]).expect("a fit");
    assert!(text(&*short, "order").starts_with("ARIMA("));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_series_makes_the_regression_panic(
        y in prop::collection::vec(prop_oneof![-1e3..1e3_f64, Just(0.0), Just(1e200)], 1..80),
        seasons in prop::collection::vec(1..13_usize, 0..3),
    ) {
        let model = HarmonicArima { season_lengths: seasons, ..HarmonicArima::default() };
        if let Ok(fitted) = model.fit(&y) {
            prop_assert!(fitted.forecast(5, &[90.0]).mean.iter().all(|m| m.is_finite()));
        }
    }
}
