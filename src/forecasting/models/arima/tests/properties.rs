//! What must hold of every forecast, and series on which nothing may break.

use super::super::super::{FitError, Forecast, Model};
use super::super::{AutoArima, Order};
use super::{Arima, assert_near, noise, number, summed, text};
use proptest::prelude::*;

/// A season of seven steps on a random walk.
fn walk_with_season(n: usize) -> Vec<f64> {
    let walk = summed(&noise(8, n));
    walk.iter()
        .enumerate()
        .map(|(t, w)| 50.0 + w + 4.0 * ((t % 7) as f64 * 0.9).sin())
        .collect()
}

#[test]
fn a_random_walk_is_forecast_flat_with_widths_that_grow_as_the_root() {
    let y = summed(&noise(1, 300));
    let fitted = Arima::new(Order::new(0, 1, 0)).fit(&y).expect("a fit");
    let Forecast { mean, intervals } = fitted.forecast(9, &[95.0]);
    assert!(mean.iter().all(|m| (m - y[299]).abs() < 1e-12));
    let width = |h: usize| intervals[0].upper[h] - intervals[0].lower[h];
    assert_near(width(8) / width(0), 3.0, 1e-9);
    assert_near(
        width(0),
        2.0 * 1.959_963_984_540_054 * number(&*fitted, "sigma2").sqrt(),
        1e-9,
    );
}

#[test]
fn intervals_widen_with_the_horizon_and_nest_by_level() {
    let fitted = AutoArima::with_season(7).fit(&walk_with_season(200)).expect("a fit");
    let Forecast { mean, intervals } = fitted.forecast(30, &[50.0, 80.0, 95.0]);
    for pair in intervals.windows(2) {
        for h in 0..30 {
            assert!(pair[1].lower[h] < pair[0].lower[h] && pair[0].upper[h] < pair[1].upper[h]);
        }
    }
    for interval in &intervals {
        let widths: Vec<f64> = interval.upper.iter().zip(&interval.lower).map(|(u, l)| u - l).collect();
        assert!(widths.windows(2).all(|pair| pair[1] >= pair[0]));
        assert!(mean.iter().zip(&interval.lower).all(|(m, l)| l < m));
    }
}

#[test]
fn a_forecast_moves_with_a_shift_and_a_scale_of_the_series() {
    let y = walk_with_season(180);
    let model = AutoArima::with_season(7);
    let plain = model.fit(&y).expect("a fit");
    let wanted = plain.forecast(10, &[90.0]);
    let moved: Vec<f64> = y.iter().map(|y| 1000.0 + 3.0 * y).collect();
    let fitted = model.fit(&moved).expect("a fit");
    assert_eq!(text(&*fitted, "order"), text(&*plain, "order"));
    let found = fitted.forecast(10, &[90.0]);
    for h in 0..10 {
        assert_near(found.mean[h], 1000.0 + 3.0 * wanted.mean[h], 1e-3);
        assert_near(
            found.intervals[0].upper[h],
            1000.0 + 3.0 * wanted.intervals[0].upper[h],
            1e-3,
        );
    }
    // A power of two changes nothing but exponents.
    let doubled: Vec<f64> = y.iter().map(|y| 1024.0 * y).collect();
    let found = model.fit(&doubled).expect("a fit").forecast(10, &[90.0]);
    assert_eq!(found.mean, wanted.mean.iter().map(|m| 1024.0 * m).collect::<Vec<_>>());
}

#[test]
fn a_constant_series_is_forecast_as_it_is_without_width() {
    for model in [AutoArima::with_season(24), AutoArima::default()] {
        for n in [1, 2, 7, 100] {
            let fitted = model.fit(&vec![42.5; n]).expect("a fit");
            let Forecast { mean, intervals } = fitted.forecast(5, &[95.0]);
            assert_eq!(mean, [42.5; 5]);
            assert_eq!((&intervals[0].lower, &intervals[0].upper), (&mean, &mean));
        }
    }
}

#[test]
fn lines_and_pure_seasons_are_continued() {
    let line: Vec<f64> = (0..40).map(|t| 3.0 + 0.5 * f64::from(t)).collect();
    let found = AutoArima::default().fit(&line).expect("a fit").forecast(4, &[]);
    assert_eq!(found.mean, [23.0, 23.5, 24.0, 24.5]);

    let season: Vec<f64> = (0..120).map(|t| f64::from(t % 12) * f64::from(t % 12)).collect();
    let found = AutoArima::with_season(12)
        .fit(&season)
        .expect("a fit")
        .forecast(24, &[]);
    for (h, mean) in found.mean.iter().enumerate() {
        assert_near(*mean, ((h % 12) * (h % 12)) as f64, 1e-9);
    }
}

#[test]
fn a_series_that_cannot_be_fitted_is_refused_by_name() {
    assert_eq!(
        AutoArima::default().fit(&[1.0, f64::NAN]).err(),
        Some(FitError::NotFinite { at: 1 })
    );
    let huge = AutoArima::default()
        .fit(&[1e301, 0.0])
        .expect_err("a reason")
        .to_string();
    assert_eq!(
        huge,
        "AutoARIMA found no fit: the largest value, 1e301, is beyond 1e300"
    );
    let short = FitError::TooShort {
        model: "AutoARIMA",
        needed: 1,
        found: 0,
    };
    assert_eq!(AutoArima::default().fit(&[]).err(), Some(short));
    let short = FitError::TooShort {
        model: "ARIMA",
        needed: 27,
        found: 26,
    };
    assert_eq!(
        Arima::new(Order::new(1, 1, 0).seasonal(0, 1, 0, 24))
            .fit(&[0.5; 26])
            .err(),
        Some(short)
    );
}

/// Series of all lengths and sizes, some of a kind that breaks things.
fn any_series() -> impl Strategy<Value = Vec<f64>> {
    let values = prop::collection::vec(-1.0..1.0_f64, 1..60);
    (values, 0..7_usize, -300..300_i32).prop_map(|(values, kind, exponent)| {
        let shape = |(t, value): (usize, f64)| match kind {
            0 => value,
            1 => value * 10.0_f64.powi(exponent),
            2 => t as f64 + value * 1e-12,
            3 => {
                if t % 2 == 0 {
                    1.0
                } else {
                    -1.0
                }
            }
            4 => {
                if value > 0.9 {
                    1e15
                } else {
                    value
                }
            }
            5 => value.round(),
            _ => (t % 4) as f64 + if t > 20 { 100.0 } else { 0.0 },
        };
        values.into_iter().enumerate().map(shape).collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_series_makes_the_search_panic(y in any_series(), season_length in 1..9_usize) {
        if let Ok(fitted) = AutoArima::with_season(season_length).fit(&y) {
            let Forecast { mean, intervals } = fitted.forecast(6, &[80.0]);
            prop_assert!(mean.iter().all(|m| m.is_finite()), "{mean:?}");
            for (low, high) in intervals[0].lower.iter().zip(&intervals[0].upper) {
                prop_assert!(low <= high, "{low} {high}");
            }
        }
    }

    #[test]
    fn no_series_makes_a_given_order_panic(y in any_series(), orders in prop::array::uniform6(0..3_usize)) {
        let [p, d, q, sp, sd, sq] = orders;
        let model = Arima::new(Order::new(p, d, q).seasonal(sp, sd.min(1), sq, 4));
        if let Ok(fitted) = model.fit(&y) {
            prop_assert_eq!(fitted.forecast(3, &[]).mean.len(), 3);
        }
    }
}

#[test]
fn a_handful_of_values_is_forecast_near_them() {
    for values in [
        &[100.0, 102.0, 101.0][..],
        &[3.0, 5.0, 4.0],
        &[1256.0, 1218.0, 1313.0],
        &[-1e6, -1.02e6, -1.01e6],
        &[100.0, 102.0],
        &[100.0, 102.0, 101.0, 99.0],
        &[100.0, 102.0, 101.0, 99.0, 100.0],
    ] {
        let (least, most) = values
            .iter()
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(least, most), value| {
                (least.min(*value), most.max(*value))
            });
        let forecast = AutoArima::default().fit(values).expect("fitted").forecast(2, &[95.0]);
        for value in forecast.mean {
            let range = most - least;
            assert!(least - range <= value && value <= most + range, "{values:?}: {value}");
        }
    }
}
