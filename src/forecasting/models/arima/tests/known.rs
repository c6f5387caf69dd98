//! Regression with ARIMA errors on columns that are known ahead.

use super::super::super::RegressionModel;
use super::super::super::known::KnownColumns;
use super::super::{AutoArima, HarmonicArima};
use super::{arma, assert_near, noise, number, numbers, summed, text};
use crate::forecasting::models::Fitted;

const PAST: usize = 120;
const HORIZON: usize = 12;

/// A price and a day that comes now and then.
fn columns() -> [Vec<f64>; 2] {
    let price = noise(3, PAST + HORIZON)
        .iter()
        .map(|value| 20.0 + 4.0 * value)
        .collect();
    let day = (0..PAST + HORIZON).map(|t| if t * t % 9 == 4 { 1.0 } else { 0.0 });
    [price, day.collect()]
}

fn known(columns: &[Vec<f64>]) -> KnownColumns {
    let names = ["price", "day", "third"];
    KnownColumns::new(
        names
            .iter()
            .map(|name| (*name).to_owned())
            .zip(columns.iter().cloned())
            .collect(),
    )
}

/// A series of a mean, the columns and errors.
fn with_effects(level: f64, effects: [f64; 2], errors: &[f64]) -> Vec<f64> {
    let [price, day] = columns();
    let value = |(t, error): (usize, &f64)| level + effects[0] * price[t] + effects[1] * day[t] + error;
    errors.iter().enumerate().map(value).collect()
}

fn fit(model: &dyn RegressionModel, y: &[f64]) -> Box<dyn Fitted> {
    let known = known(&columns());
    model
        .fit_known(y, &known.of(PAST, HORIZON).expect("so far"))
        .expect("a fit")
}

/// Only orders up to (p, d, 0).
fn only(p: usize, d: usize) -> AutoArima {
    AutoArima {
        d: Some(d),
        max_p: p,
        start_p: p,
        max_q: 0,
        start_q: 0,
        allow_drift: false,
        ..AutoArima::default()
    }
}

/// Asserts that a forecast is that of the reference at the first, the sixth and the last step.
#[track_caller]
fn assert_mean(fitted: &dyn Fitted, wanted: [f64; 3], tolerance: f64) {
    let forecast = fitted.forecast(HORIZON, &[]);
    for (step, wanted) in [0, 5, 11].into_iter().zip(wanted) {
        assert_near(forecast.mean[step], wanted, tolerance);
    }
}

// The figures are those of statsforecast 2.1.1 on the same numbers: `ARIMA(order=…).fit(y, X=…)` or `AutoARIMA`, and
// `predict(12, X=…, level=[95])`. Where its optimiser searches it stops within about 1e-4 of the coefficients' errors.

#[test]
fn a_stationary_regression_is_the_references() {
    let y = with_effects(50.0, [2.5, -8.0], &arma(&[(1, 0.6)], &[], 5, PAST));
    let fitted = fit(&only(1, 0), &y);
    assert!(
        text(&*fitted, "order").contains("ARIMA(1,0,0)"),
        "{}",
        text(&*fitted, "order")
    );
    assert_eq!(text(&*fitted, "known"), "price, day");
    assert_near(number(&*fitted, "log_likelihood"), -174.727_614, 1e-4);
    assert_near(number(&*fitted, "aicc"), 359.981_544, 2e-4);
    assert_near(number(&*fitted, "mean"), 49.975_79, 5e-3);
    assert_near(numbers(&*fitted, "ar")[0], 0.700_756, 2e-3);
    let found = numbers(&*fitted, "known_coefficients");
    assert_near(found[0], 2.481_511, 5e-4);
    assert_near(found[1], -8.088_644, 2e-3);
    assert_mean(&*fitted, [99.679_381, 104.182_808, 110.737_878], 5e-3);
    let interval = &fitted.forecast(HORIZON, &[95.0]).intervals[0];
    assert_near(interval.lower[0], 97.616_327, 1e-2);
    assert_near(interval.upper[11], 113.629_452, 1e-2);
}

#[test]
fn a_regression_on_differences_is_the_references() {
    let y = with_effects(0.0, [1.5, 4.0], &summed(&noise(8, PAST)));
    // Least squares on the differences: nothing is searched for.
    let fitted = fit(&only(0, 1), &y);
    assert!(
        text(&*fitted, "order").contains("ARIMA(0,1,0)"),
        "{}",
        text(&*fitted, "order")
    );
    let found = numbers(&*fitted, "known_coefficients");
    assert_near(found[0], 1.460_276_345, 1e-4);
    assert_near(found[1], 4.046_740_276, 1e-4);
    assert_near(number(&*fitted, "aicc"), 325.405_127, 1e-4);
    assert_mean(&*fitted, [25.992_872, 28.524_571, 32.360_761], 2e-3);
}

#[test]
fn the_search_finds_a_criterion_no_worse_than_the_references() {
    let stationary = with_effects(50.0, [2.5, -8.0], &arma(&[(1, 0.6)], &[], 5, PAST));
    let wandering = with_effects(0.0, [1.5, 4.0], &summed(&noise(8, PAST)));
    for (y, differences, aicc) in [(stationary, ",0,", 359.242_407), (wandering, ",1,", 325.405_127)] {
        let fitted = fit(&AutoArima::default(), &y);
        let order = text(&*fitted, "order");
        assert!(order.contains(differences), "{order}");
        let found = number(&*fitted, "aicc");
        assert!(found < aicc + 1e-3, "{order}: {found}");
    }
}

#[test]
fn a_column_that_the_differences_use_up_is_left_out() {
    let [price, _] = columns();
    let ramp: Vec<f64> = (0..PAST + HORIZON).map(|t| 3.0 * t as f64).collect();
    let y = with_effects(0.0, [1.5, 0.0], &summed(&noise(8, PAST)));
    let known = known(&[price, ramp]);
    let model = AutoArima {
        d: Some(1),
        ..AutoArima::default()
    };
    let fitted = model
        .fit_known(&y, &known.of(PAST, HORIZON).expect("so far"))
        .expect("a fit");
    assert_eq!(text(&*fitted, "known"), "price");
}

#[test]
fn what_a_season_of_waves_makes_up_is_left_out_and_the_rest_is_found() {
    let season = |t: usize| f64::from(u8::from(t % 12 == 3));
    let [price, _] = columns();
    let monthly: Vec<f64> = (0..PAST + HORIZON).map(season).collect();
    let errors = arma(&[(1, 0.5)], &[], 9, PAST);
    let value = |(t, error): (usize, &f64)| 80.0 + 6.0 * season(t) + 2.0 * price[t] + error;
    let y: Vec<f64> = errors.iter().enumerate().map(value).collect();
    let model = HarmonicArima {
        season_lengths: vec![12],
        ..HarmonicArima::default()
    };
    let known = known(&[price.clone(), monthly]);
    let fitted = model
        .fit_known(&y, &known.of(PAST, HORIZON).expect("so far"))
        .expect("a fit");
    assert_eq!(text(&*fitted, "known"), "price");
    // The standard error is 0.03: noise of 1 over prices of 4, 120 times.
    assert_near(numbers(&*fitted, "known_coefficients")[0], 2.0, 0.1);
    let forecast = fitted.forecast(HORIZON, &[]).mean;
    for (t, found) in (PAST..).zip(forecast) {
        // Three standard deviations of the errors, which are 1.15, and those of the waves.
        assert_near(found, 80.0 + 6.0 * season(t) + 2.0 * price[t], 4.0);
    }
    assert_eq!(fitted.forecast(HORIZON + 5, &[]).mean.len(), HORIZON);
}

#[test]
fn without_columns_that_can_be_told_apart_the_fit_is_the_plain_one() {
    let y = arma(&[(1, 0.6)], &[], 5, PAST);
    let known = known(&[vec![3.0; PAST + HORIZON]]);
    let ahead = known.of(PAST, HORIZON).expect("so far");
    let harmonic = HarmonicArima {
        season_lengths: vec![12],
        ..HarmonicArima::default()
    };
    let models: [&dyn RegressionModel; 2] = [&AutoArima::default(), &harmonic];
    for model in models {
        let (with, without) = (
            model.fit_known(&y, &ahead).expect("a fit"),
            model.fit(&y).expect("a fit"),
        );
        assert_eq!(with.forecast(HORIZON, &[95.0]), without.forecast(HORIZON, &[95.0]));
        assert_eq!(with.summary(), without.summary());
    }
}
