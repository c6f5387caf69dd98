//! Tests of the ETS family: literature, invariances, odd series.
#![expect(clippy::cast_precision_loss, reason = "counts of values are far below 2^52")]

use super::super::classical::Composition;
use super::super::{Estimate, FitError, Fitted, Model};
use super::{AutoEts, Estimator, FormChoice, FormPattern, Holt, HoltWinters, estimate, estimator, walk};
use proptest::prelude::*;

/// Monthly totals of international airline passengers in thousands, 1949 to 1960 (Box and Jenkins 1976, series G).
const PASSENGERS: [u16; 144] = [
    112, 118, 132, 129, 121, 135, 148, 148, 136, 119, 104, 118, 115, 126, 141, 135, 125, 149, 170, 170, 158, 133, 114,
    140, 145, 150, 178, 163, 172, 178, 199, 199, 184, 162, 146, 166, 171, 180, 193, 181, 183, 218, 230, 242, 209, 191,
    172, 194, 196, 196, 236, 235, 229, 243, 264, 272, 237, 211, 180, 201, 204, 188, 235, 227, 234, 264, 302, 293, 259,
    229, 203, 229, 242, 233, 267, 269, 270, 315, 364, 347, 312, 274, 237, 278, 284, 277, 317, 313, 318, 374, 413, 405,
    355, 306, 271, 306, 315, 301, 356, 348, 355, 422, 465, 467, 404, 347, 305, 336, 340, 318, 362, 348, 363, 435, 491,
    505, 404, 359, 310, 337, 360, 342, 406, 396, 420, 472, 548, 559, 463, 407, 362, 405, 417, 391, 419, 461, 472, 535,
    622, 606, 508, 461, 390, 432,
];

/// Oil production of Saudi Arabia in million tonnes, 1996 to 2013 (Hyndman and Athanasopoulos, *Forecasting*, 2nd
/// edition, section 7.1).
const OIL: [f64; 18] = [
    445.3641, 453.1950, 454.4096, 422.3789, 456.0371, 440.3866, 425.1944, 486.2052, 500.4291, 521.2759, 508.9488,
    488.8889, 509.8706, 456.7229, 473.8166, 525.9509, 549.8338, 542.3405,
];

/// Air passengers of Australia in millions, 1990 to 2016 (the same, section 7.2).
const AUSTRALIA: [f64; 27] = [
    17.5534, 21.8601, 23.8866, 26.9293, 26.8885, 28.8314, 30.0751, 30.9535, 30.1857, 31.5797, 32.5776, 33.4774,
    39.0216, 41.3864, 41.5966, 44.6573, 46.9518, 48.7288, 51.4884, 50.0270, 60.6409, 63.3603, 66.3555, 68.1979,
    68.1232, 69.7793, 72.5977,
];

fn passengers() -> Vec<f64> {
    PASSENGERS.iter().map(|&value| f64::from(value)).collect()
}

const AUTO: Option<Estimator> = None;
const WALK: Option<Estimator> = Some(walk);
const OPTIMUM: Option<Estimator> = Some(estimate);

/// The forms of a pattern, estimated in a given way.
#[derive(Debug)]
struct EstimatedBy {
    season_length: usize,
    pattern: FormPattern,
    /// The usual one for the season if `None`.
    estimator: Option<Estimator>,
}

impl Model for EstimatedBy {
    fn fit(&self, y: &[f64]) -> Result<Box<dyn Fitted>, FitError> {
        let choice = FormChoice {
            estimator: self.estimator.unwrap_or(estimator(self.season_length)),
            ..FormChoice::new("AutoETS", self.season_length, self.pattern)
        };
        choice.fit_each(&[y]).remove(0)
    }
}

fn ets(season_length: usize, pattern: &str, estimator: Option<Estimator>) -> EstimatedBy {
    EstimatedBy {
        season_length,
        pattern: pattern.parse().unwrap(),
        estimator,
    }
}

fn number(fit: &dyn Fitted, name: &str) -> f64 {
    match fit.summary().into_iter().find(|(key, _)| *key == name) {
        Some((_, Estimate::Number(value))) => value,
        other => panic!("{name} is {other:?}"),
    }
}

fn form(fit: &dyn Fitted) -> String {
    match &fit.summary()[0] {
        ("form", Estimate::Text(form)) => form.clone(),
        other => panic!("{other:?}"),
    }
}

/// Numbers between -1 and 1 that follow no pattern.
fn noise(n: usize) -> Vec<f64> {
    let mut state = 7_u64;
    let mut next = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 11) as f64 / (1_u64 << 52) as f64 - 1.0
    };
    (0..n).map(|_| next()).collect()
}

fn close(a: &[f64], b: &[f64], tolerance: f64) -> bool {
    a.iter().zip(b).all(|(a, b)| (a - b).abs() <= tolerance)
}

#[test]
fn the_airline_passengers_are_fitted_at_least_as_well_as_elsewhere() {
    // `ets(AirPassengers)` of the R package forecast: ETS(M,Ad,M), AICc 1400.638, by a search without gradient.
    let fit = ets(12, "MAdM", OPTIMUM).fit(&passengers()).unwrap();
    let damped = number(&*fit, "aicc");
    assert!((1390.0..1400.64).contains(&damped), "{:?}", fit.summary());
    let best = ets(12, "ZZZ", AUTO).fit(&passengers()).unwrap();
    assert!(
        form(&*best).starts_with("ETS(M,A") && form(&*best).ends_with("M)"),
        "{:?}",
        best.summary()
    );
    assert!(number(&*best, "aicc") <= damped);
}

#[test]
fn the_oil_production_is_smoothed_as_in_the_book() {
    // Section 7.1: alpha 0.8339, initial level 446.5868, all forecasts 542.68; AICc 179.86.
    for search in [WALK, OPTIMUM] {
        let fit = ets(1, "ANN", search).fit(&OIL).unwrap();
        assert!((number(&*fit, "alpha") - 0.8339).abs() < 1e-3 && (number(&*fit, "level") - 446.5868).abs() < 0.2);
        assert!((number(&*fit, "aicc") - 179.86).abs() < 0.01);
        assert!(close(&fit.forecast(5, &[]).mean, &[542.68; 5], 0.01));
    }
}

#[test]
fn the_passengers_of_australia_have_a_steady_trend() {
    // Section 7.2: beta at its lower bound, a trend of 2.1 a year, the first forecast 74.60, AICc 143.99.
    let fit = ets(1, "AAN", OPTIMUM).fit(&AUSTRALIA).unwrap();
    assert!(number(&*fit, "beta") < 1e-3 && (number(&*fit, "trend") - 2.1).abs() < 0.02);
    assert!((fit.forecast(1, &[]).mean[0] - 74.60).abs() < 0.03 && number(&*fit, "aicc") < 143.99);
}

#[test]
fn a_season_too_long_to_be_searched_is_the_decompositions() {
    let wave = |t: usize| 100.0 + 10.0 * (t as f64 * std::f64::consts::TAU / 300.0).sin();
    let y: Vec<f64> = (0..900).map(wave).collect();
    for error in [Composition::Additive, Composition::Multiplicative] {
        let model = HoltWinters {
            season_length: 300,
            error,
        };
        let forecast = model.fit(&y).expect("a fit").forecast(300, &[]).mean;
        for (h, value) in forecast.iter().enumerate() {
            assert!((value - wave(900 + h)).abs() < 0.2, "{h}: {value}");
        }
    }
}

#[test]
fn a_random_walk_has_a_flat_forecast_at_its_last_value() {
    let mut level = 100.0;
    let y: Vec<f64> = noise(400)
        .iter()
        .map(|step| {
            level += step;
            level
        })
        .collect();
    for search in [WALK, OPTIMUM] {
        let fit = ets(1, "ANN", search).fit(&y).unwrap();
        assert!(number(&*fit, "alpha") > 0.9);
        let forecast = fit.forecast(20, &[95.0]);
        assert!(close(&forecast.mean, &[level; 20], 0.1));
        // The variance of a walk grows by the same from step to step.
        let half: Vec<f64> = (0..20)
            .map(|h| forecast.intervals[0].upper[h] - forecast.mean[h])
            .collect();
        assert!((half[15] / half[3] - 2.0).abs() < 0.1, "{half:?}");
    }
}

#[test]
fn a_pure_season_is_reproduced() {
    let pattern = [12.0, 9.0, 10.0, 15.0, 8.0, 11.0];
    let y: Vec<f64> = (0..60).map(|t| pattern[t % 6]).collect();
    for search in [WALK, OPTIMUM] {
        let fit = ets(6, "ZZZ", search).fit(&y).unwrap();
        assert!(
            close(&fit.forecast(6, &[]).mean, &pattern, 1e-3),
            "{search:?} {:?}",
            fit.forecast(6, &[])
        );
    }
    for error in [Composition::Additive, Composition::Multiplicative] {
        let fit = HoltWinters {
            season_length: 6,
            error,
        }
        .fit(&y)
        .unwrap();
        assert!(
            close(&fit.forecast(6, &[]).mean, &pattern, 1e-2),
            "{:?}",
            fit.forecast(6, &[])
        );
    }
}

#[test]
fn intervals_nest_by_level_and_widen_with_the_horizon() {
    let levels = [50.0, 80.0, 95.0];
    for pattern in [
        "ANN", "AAN", "AAdN", "ANA", "AAA", "AAdA", "MNN", "MAN", "MAdA", "MAdM", "MMM", "AAM",
    ] {
        let fit = ets(12, pattern, AUTO).fit(&passengers()).unwrap();
        let forecast = fit.forecast(30, &levels);
        for h in 0..30 {
            for pair in forecast.intervals.windows(2) {
                assert!(
                    pair[1].lower[h] < pair[0].lower[h] && pair[0].upper[h] < pair[1].upper[h],
                    "{pattern} {h}"
                );
            }
            let width = |h: usize| forecast.intervals[2].upper[h] - forecast.intervals[2].lower[h];
            // Of the same month, for a multiplied season makes some months wider than others.
            assert!(h < 12 || width(h) > width(h - 12), "{pattern} {h}");
        }
    }
}

#[test]
fn simulated_intervals_agree_with_the_formula() {
    // An ETS(M,M,N) without growth is an ETS(M,N,N); the trend's name alone sends it to the simulation.
    let y: Vec<f64> = noise(200).iter().map(|e| 100.0 + 5.0 * e).collect();
    let mut drawn = super::constant(&[100.0]).unwrap().end;
    let fit = ets(1, "MNN", WALK).fit(&y).unwrap();
    let sigma = number(&*fit, "sigma");
    drawn.variance = sigma * sigma;
    drawn.smoothing.alpha = 0.4;
    drawn.form.error = super::Component::Multiplicative;
    let exact = drawn.forecast(10, &[90.0]);
    drawn.form.trend = super::Component::Multiplicative;
    drawn.states.trend = 1.0;
    let simulated = drawn.forecast(10, &[90.0]);
    for h in 0..10 {
        let ratio =
            (simulated.intervals[0].upper[h] - simulated.mean[h]) / (exact.intervals[0].upper[h] - exact.mean[h]);
        assert!((ratio - 1.0).abs() < 0.06, "{h} {ratio}");
    }
    assert_eq!(simulated, drawn.forecast(10, &[90.0]));
    let longer = drawn.forecast(12, &[90.0]);
    assert_eq!(longer.intervals[0].lower[..10], simulated.intervals[0].lower[..]);
}

#[test]
fn a_scaled_series_has_scaled_forecasts() {
    let y = passengers();
    for (pattern, search) in [("ZZZ", AUTO), ("AAA", WALK), ("MAM", WALK)] {
        let model = ets(12, pattern, search);
        let plain = model.fit(&y).unwrap().forecast(12, &[80.0]);
        for (factor, tolerance) in [(1024.0, 0.0), (1e-6, 2e-3), (3.7, 2e-3)] {
            let scaled: Vec<f64> = y.iter().map(|value| value * factor).collect();
            let found = model.fit(&scaled).unwrap().forecast(12, &[80.0]);
            let back: Vec<f64> = found.mean.iter().map(|value| value / factor).collect();
            assert!(
                close(&back, &plain.mean, tolerance * 500.0),
                "{pattern} {factor} {back:?} {:?}",
                plain.mean
            );
        }
    }
}

#[test]
fn a_shifted_series_has_shifted_forecasts() {
    let y = passengers();
    let shifted: Vec<f64> = y.iter().map(|value| value + 1000.0).collect();
    for pattern in ["ANN", "AAN", "ANA", "AAA"] {
        let model = ets(12, pattern, OPTIMUM);
        let plain = model.fit(&y).unwrap().forecast(12, &[]).mean;
        let back: Vec<f64> = model
            .fit(&shifted)
            .unwrap()
            .forecast(12, &[])
            .mean
            .iter()
            .map(|v| v - 1000.0)
            .collect();
        // The search ends where the likelihood is flat to 1e-4, which leaves forecasts some thousandths of leeway.
        assert!(close(&back, &plain, 3.0), "{pattern} {back:?} {plain:?}");
    }
}

#[test]
fn an_optimum_is_at_least_as_likely_as_where_a_walk_ends() {
    // Of forms with the same bounds: a walk lets γ pass 1 − α.
    for pattern in ["ANN", "AAN", "MNN", "MNM", "MAM", "MAdM"] {
        let [walk, optimum] =
            [WALK, OPTIMUM].map(|search| number(&*ets(12, pattern, search).fit(&passengers()).unwrap(), "aicc"));
        assert!(optimum <= walk + 0.1, "{pattern} {walk} {optimum}");
    }
}

#[test]
fn what_cannot_be_fitted_is_reported() {
    let refused = |model: &dyn Model, y: &[f64]| model.fit(y).err();
    let auto = ets(12, "ZZZ", AUTO);
    let holt_winters = HoltWinters {
        season_length: 12,
        error: Composition::Additive,
    };
    let short = |model, needed, found| Some(FitError::TooShort { model, needed, found });
    assert_eq!(refused(&auto, &[]), short("AutoETS", 1, 0));
    assert_eq!(refused(&auto, &[1.0, 2.0, 3.0]), short("AutoETS", 5, 3));
    assert_eq!(refused(&holt_winters, &noise(20)), short("HoltWinters", 24, 20));
    assert_eq!(refused(&auto, &[1.0, f64::NAN]), Some(FitError::NotFinite { at: 1 }));
    let multiplied = HoltWinters {
        season_length: 4,
        error: Composition::Multiplicative,
    };
    assert!(matches!(refused(&multiplied, &noise(40)), Some(FitError::NoFit { .. })));
}

#[test]
fn a_constant_series_stays_where_it_is() {
    for model in [
        &ets(4, "ZZZ", AUTO) as &dyn Model,
        &Holt {
            error: Composition::Additive,
        },
    ] {
        let forecast = model.fit(&[-3.5; 30]).unwrap().forecast(4, &[95.0]);
        assert_eq!(forecast.mean, [-3.5; 4]);
        assert_eq!(forecast.intervals[0].lower, [-3.5; 4]);
    }
}

#[test]
fn a_form_without_a_season_serves_a_series_shorter_than_two() {
    let fit = ets(24, "ZZZ", AUTO).fit(&OIL).unwrap();
    assert!(form(&*fit).ends_with(",N)"));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]

    #[test]
    fn no_series_makes_it_panic(
        mut y in prop::collection::vec(prop_oneof![Just(0.0), -1e3..1e3_f64, Just(1e300), Just(-1e-300), 1.0..2.0_f64], 0..40),
        season_length in 0..9_usize,
        index in 0..4_usize,
        lift in prop::bool::ANY,
    ) {
        if lift {
            for value in &mut y {
                *value = value.abs() + 1e-3;
            }
        }
        let pattern = ["ZZZ", "MMM", "AAM", "MAdA"][index];
        for search in [WALK, OPTIMUM] {
            if let Ok(fit) = ets(season_length, pattern, search).fit(&y) {
                prop_assert_eq!(fit.forecast(5, &[80.0, 95.0]).mean.len(), 5);
            }
        }
        for error in [Composition::Additive, Composition::Multiplicative] {
            if let Ok(fit) = (HoltWinters { season_length, error }).fit(&y) {
                // As texts: values beyond all measure forecast NaN, which equals nothing.
                let [a, b] = [(); 2].map(|()| format!("{:?}", fit.forecast(5, &[80.0])));
                prop_assert_eq!(a, b);
            }
        }
    }

    #[test]
    fn the_same_series_has_the_same_fit(y in prop::collection::vec(0.5..2.0_f64, 16..32)) {
        let model = ets(4, "ZZZ", AUTO);
        let [a, b] = [model.fit(&y), model.fit(&y)].map(|fit| fit.map(|fit| fit.forecast(6, &[80.0])));
        prop_assert_eq!(a, b);
    }
}

/// Windows of a back-test, of seasons that are searched by walks and by gradient: each fit is that of its past alone.
#[test]
fn windows_that_are_fitted_together_are_as_if_alone() {
    let y: Vec<f64> = noise(61)
        .iter()
        .enumerate()
        .map(|(t, e)| 20.0 + [4.0, -2.0, 0.5][t % 3] + 0.02 * t as f64 + e)
        .collect();
    let cutoffs = [33, 47, 60];
    for season_length in [1, 3, 14] {
        let auto = AutoEts {
            season_length,
            ..AutoEts::default()
        };
        let holt_winters = HoltWinters {
            season_length,
            ..HoltWinters::default()
        };
        for model in [&auto as &dyn Model, &holt_winters] {
            for (fit, n) in model.fit_at(&y, &cutoffs).into_iter().zip(cutoffs) {
                let [together, alone] = [fit, model.fit(&y[..n])].map(|fit| fit.expect("a fit"));
                assert_eq!(together.summary(), alone.summary(), "{n}");
                assert_eq!(together.forecast(9, &[80.0]), alone.forecast(9, &[80.0]), "{n}");
            }
        }
    }
}
