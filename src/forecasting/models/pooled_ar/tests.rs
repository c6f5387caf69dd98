//! What the pooled regressions must hold, and what they find.

use super::super::panel_model::sample;
use super::pool::{PoolPast, PoolSeries};
use super::product::PackedColumns;
use super::*;

const SEASONS: SeasonPair = SeasonPair { short: 6, long: 12 };

fn model(lags: LagPreset, robust: bool) -> PooledAr {
    PooledAr {
        lags,
        robust,
        pool_from: 2,
        ..PooledAr::new(SEASONS)
    }
}

/// Every lag set, plain and robust.
fn all() -> impl Iterator<Item = PooledAr> {
    let presets = [
        LagPreset::Sparse,
        LagPreset::Dense,
        LagPreset::ByDay,
        LagPreset::ByTwoDays,
    ];
    presets
        .into_iter()
        .flat_map(|lags| [false, true].map(|robust| model(lags, robust)))
}

#[test]
fn lag_sets_follow_the_seasons() {
    let hourly = SeasonPair::of(&[24, 168]);
    assert_eq!(Regression::sparse(hourly).lags, [335..338, 165..171, 23..27, 1..4]);
    assert_eq!(Regression::dense(hourly).lags, [165..173, 1..51]);
    let by_day = Regression::by_day(hourly);
    assert_eq!((by_day.width(), by_day.longest(), by_day.first), (72, 385, 385));
    let by_two_days = Regression::by_two_days(hourly);
    assert_eq!((by_two_days.width(), by_two_days.difference), (92, 24));
    assert_eq!(by_day.needed(168), 469);
    assert_eq!(Regression::sparse(hourly).needed(168), 397);
    assert_eq!(Regression::sparse(SeasonPair::of(&[12])).lags, [23..26, 9..15, 1..4]);
    assert_eq!(
        Regression::dense(SeasonPair::of(&[1])).lags,
        vec![std::ops::Range { start: 1, end: 6 }]
    );
}

/// A second-order autoregression, driven by noise of its own.
fn autoregression(seed: u32, n: u32) -> Vec<f64> {
    let mut x = vec![0.0, 0.0];
    for t in 0..n {
        let at = x.len();
        x.push(0.6 * x[at - 1] + 0.3 * x[at - 2] + sample::noise(t + 1000 * seed));
    }
    x
}

#[test]
fn pooling_recovers_the_coefficients_of_a_process_that_all_series_follow() {
    let regression = Regression {
        lags: vec![std::ops::Range { start: 1, end: 3 }],
        mean: 0,
        difference: 0,
        first: 2,
        penalty: 1e-9,
    };
    let series: Vec<PoolSeries> = (0..30)
        .map(|seed| PoolSeries {
            x: autoregression(seed, 150),
        })
        .collect();
    let pasts: Vec<Option<PoolPast>> = series
        .iter()
        .map(|one| {
            Some(PoolPast {
                n: one.x.len(),
                unit: 1.0,
            })
        })
        .collect();
    let error = |pooled: bool| {
        let rule = PoolRule { pooled, robust: false };
        let fits = Pool::new(&regression, rule, &series).fit(&pasts, 1);
        let square = |fit: Option<PooledFit>| {
            let beta = fit.expect("a fit").beta;
            // The longest lag first.
            (beta[0] - 0.3).powi(2) + (beta[1] - 0.6).powi(2)
        };
        fits.into_iter().map(square).sum::<f64>() / 30.0
    };
    let (alone, together) = (error(false), error(true));
    assert!(together < 0.5 * alone && together.sqrt() < 0.1, "{together} of {alone}");
}

#[test]
fn a_product_is_that_of_the_definition() {
    let (rows, inner, columns) = (7, 9, 6);
    let left: Vec<f64> = (0..rows * inner)
        .map(|at| sample::noise(u32::try_from(at).unwrap()))
        .collect();
    let right = |row: usize, column: usize| sample::noise(u32::try_from(100 + row * columns + column).unwrap());
    let found = PackedColumns::new(inner, columns, right).product(&left);
    for (at, found) in found.iter().enumerate() {
        let (row, column) = (at / columns, at % columns);
        let wanted: f64 = (0..inner).map(|k| left[row * inner + k] * right(k, column)).sum();
        assert!((found - wanted).abs() < 1e-14, "{found} is not {wanted}");
    }
}

#[test]
fn a_forecast_depends_on_nothing_but_the_pasts_of_its_window() {
    for model in all() {
        sample::assert_well_behaved(&model, 9);
    }
}

#[test]
fn a_factor_passes_through() {
    for model in all() {
        sample::assert_equivariant(&model, 8);
    }
}

#[test]
fn a_series_that_fails_stops_no_other() {
    for model in all() {
        sample::assert_failures_are_alone(&model, 6);
    }
}

#[test]
fn hostile_panels_do_no_harm() {
    for model in all() {
        sample::fuzz(&model);
    }
}

#[test]
fn the_summary_says_how_many_series_were_pooled() {
    let pooled = |model: &PooledAr| {
        let series = sample::named(sample::panel(5));
        let outcome = sample::forecasts(model, &series, &[0], 3)
            .remove(0)
            .remove(0)
            .expect("a forecast");
        let found = outcome.summary.into_iter().find(|(name, _)| name == "pooled_series");
        found.map(|(_, value)| value)
    };
    let of = |pool_from| PooledAr {
        pool_from,
        ..model(LagPreset::Dense, false)
    };
    assert_eq!(pooled(&of(5)), Some(Estimate::Number(5.0)));
    assert_eq!(pooled(&of(6)), Some(Estimate::Number(1.0)));
    assert_eq!(pooled(&of(1)), Some(Estimate::Number(5.0)));
}

#[test]
fn an_outlier_moves_robust_coefficients_less() {
    let clean = sample::named(sample::panel(4));
    let mut spoilt = clean.clone();
    spoilt[0].1[100] += 500.0;
    let moved = |robust: bool| {
        let model = PooledAr {
            pool_from: 100,
            ..model(LagPreset::ByDay, robust)
        };
        let path = |series: &[(String, Vec<f64>)]| {
            let outcome = sample::forecasts(&model, series, &[0], 12).remove(0).remove(0);
            outcome.expect("a forecast").forecast.mean
        };
        let (clean, spoilt) = (path(&clean), path(&spoilt));
        clean.iter().zip(&spoilt).map(|(a, b)| (a - b).abs()).sum::<f64>()
    };
    assert!(moved(true) < 0.5 * moved(false), "{} of {}", moved(true), moved(false));
}
