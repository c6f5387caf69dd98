//! What the recipe must hold, and its parts by hand.

use super::super::Estimate;
use super::super::combine::WindowValues;
use super::super::conformal::{Conformal, Reach};
use super::super::neighbourhood::{Neighbourhood, relative};
use super::super::normal;
use super::super::panel_model::{PanelForecast, sample};
use super::super::pooled_ar::lags::Regression;
use super::super::pooled_ar::pool::PoolRule;
use super::super::pooled_intervals::{self, TestedSeries};
use super::members::Member;
use super::resolution::{resolution, rounded};
use super::weights;
use super::*;

fn model(recipe: RecipeName) -> HourlyPanel {
    HourlyPanel {
        recipe,
        pool_from: 2,
        ..HourlyPanel::new(SeasonPair { short: 6, long: 12 })
    }
}

fn all() -> [HourlyPanel; 3] {
    [RecipeName::Pool, RecipeName::Pool7, RecipeName::Local].map(model)
}

fn summary(forecast: &PanelForecast, name: &str) -> Option<Estimate> {
    let found = forecast.summary.iter().find(|(found, _)| found == name);
    found.map(|(_, value)| value.clone())
}

#[test]
fn a_forecast_depends_on_nothing_but_the_pasts_of_its_window() {
    for model in all() {
        sample::assert_well_behaved(&model, 14);
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
    sample::fuzz(&HourlyPanel::new(SeasonPair { short: 1, long: 1 }));
}

#[test]
fn below_pool_from_every_series_is_forecast_as_if_alone() {
    let series = sample::named(sample::panel(6));
    let of = |pool_from, recipe| HourlyPanel {
        pool_from,
        ..model(recipe)
    };
    let together = sample::forecasts(&of(7, RecipeName::Pool), &series, &[0], 9).remove(0);
    let alone = sample::forecasts(&of(7, RecipeName::Local), &series[2..3], &[0], 9).remove(0);
    assert_eq!(together[2], alone[0]);
    let first = together[0].as_ref().expect("a forecast");
    assert_eq!(summary(first, "pooled_series"), Some(Estimate::Number(1.0)));
    let pooled = sample::forecasts(&of(6, RecipeName::Pool), &series, &[0], 9).remove(0);
    let first = pooled[0].as_ref().expect("a forecast");
    assert_eq!(summary(first, "pooled_series"), Some(Estimate::Number(6.0)));
    // Of 150 values, lags by day need 103; the sixth origin has 108 of them, the seventh 102.
    assert_eq!(summary(first, "origins"), Some(Estimate::Number(6.0)));
}

#[test]
fn rounding_gives_multiples_of_the_step_of_the_series_and_intervals_around_them() {
    let mut series = sample::panel(4);
    for value in series.iter_mut().flatten() {
        *value = (*value * 10.0).round() / 10.0;
    }
    let series = sample::named(series);
    let of = |rounding| HourlyPanel {
        rounding,
        ..model(RecipeName::Pool)
    };
    let [plain, rounded] =
        [Rounding::Off, Rounding::Auto].map(|rounding| sample::forecasts(&of(rounding), &series, &[0], 9).remove(0));
    for (plain, rounded) in plain.into_iter().flatten().zip(rounded.into_iter().flatten()) {
        assert_eq!(summary(&rounded, "resolution"), Some(Estimate::Number(0.1)));
        for (plain, rounded) in plain.forecast.mean.iter().zip(&rounded.forecast.mean) {
            assert!((plain - rounded).abs() <= 0.05 + 1e-9);
            assert_eq!(rounded.to_bits(), ((rounded * 10.0).round() / 10.0).to_bits());
        }
        assert!(plain.forecast.mean != rounded.forecast.mean);
    }
}

#[test]
fn the_resolution_is_the_coarsest_step_of_which_all_values_are_multiples() {
    assert_eq!(resolution(&[3000.0, 12_000.0]), Some(1000.0));
    assert_eq!(resolution(&[30.0, 12_000.0]), Some(10.0));
    assert_eq!(resolution(&[0.3, 0.1 + 0.2, -7.0]), Some(0.1));
    assert_eq!(resolution(&[0.123]), Some(0.001));
    assert_eq!(resolution(&[0.1234]), None);
    assert_eq!(rounded(0.28, 0.1).to_bits(), 0.3_f64.to_bits());
    assert_eq!(rounded(1499.0, 1000.0).to_bits(), 1000.0_f64.to_bits());
}

#[test]
fn weights_fall_with_the_errors_and_follow_the_neighbours() {
    let alone = weights::alone(&[1.0, 2.0]);
    assert!((alone[0] - 8.0 / 9.0).abs() < 1e-15 && (alone[1] - 1.0 / 9.0).abs() < 1e-15);
    assert_eq!(weights::alone(&[0.0, 3.0]), [1.0, 0.0]);
    let errors = [[1.0, 2.0], [1.0, 2.0], [5.0, 1.0]];
    let apart: Vec<Vec<f64>> = errors.iter().map(|one| relative(one)).collect();
    let neighbours = Neighbourhood::of(&apart);
    // The third is as far from both others, which therefore lend it the same.
    let lent = neighbours.lent(&[1.0, 2.0, 7.0]);
    let lent: Vec<f64> = lent.into_iter().flatten().collect();
    assert!((lent[2] - 1.5).abs() < 1e-12 && lent[0] < 7.0, "{lent:?}");
    assert_eq!(Neighbourhood::none(3).lent(&[1.0, 2.0, 7.0]), [None; 3]);
    let found = weights::pooled(&apart, &neighbours);
    let own = weights::pooled(&apart, &Neighbourhood::none(3));
    assert!(found.iter().all(|one| (one.iter().sum::<f64>() - 1.0).abs() < 1e-12));
    assert!(found[2][0] > own[2][0] && own[2][0] > 0.0);
}

#[test]
fn a_combination_is_half_the_weighted_mean_and_half_the_weighted_median() {
    let paths: [&[f64]; 3] = [&[1.0], &[2.0], &[9.0]];
    let found = weights::combined(&paths, &[2.0, 1.0, 1.0]);
    // Mean 3.25; with the first value half of the weight is reached.
    assert!((found[0] - 2.125).abs() < 1e-15, "{found:?}");
}

#[test]
fn its_intervals_are_those_that_its_origins_give_as_a_back_test() {
    let seasons = SeasonPair { short: 6, long: 12 };
    let alone = PoolRule {
        pooled: false,
        robust: false,
    };
    let member = ("dense lags", Member::Regression(Regression::dense(seasons), alone));
    // Of one member, whose forecast is then that of the combination.
    let model = Recipe {
        name: "one",
        seasons,
        pooled: vec![member.clone()],
        local: vec![member],
        pool_from: 2,
        rounding: false,
    };
    let series = sample::named(sample::panel(26));
    let behind: Vec<usize> = (0..9).rev().map(|back| 12 + 6 * back).collect();
    let origins = sample::forecasts(&model, &series, &behind, 12);
    let back_test = |at: usize| {
        let (mut actual, mut forecast) = (WindowValues::new(12), WindowValues::new(12));
        let y = &series[at].1;
        for (behind, outcomes) in behind.iter().zip(&origins) {
            let cutoff = y.len() - behind;
            actual.push(Some(&y[cutoff..cutoff + 12]));
            forecast.push(Some(&outcomes[at].as_ref().expect("a forecast").forecast.mean));
        }
        (actual, forecast)
    };
    let windows: Vec<(WindowValues, WindowValues)> = (0..26).map(back_test).collect();
    let model_errors = [vec![1.0; 9]];
    let mut panel = Vec::new();
    for ((_, past), (actual, forecast)) in series.iter().zip(&windows) {
        panel.push(TestedSeries {
            past,
            actual,
            forecast,
            model_errors: &model_errors,
        });
    }
    let pooled = pooled_intervals::calibrate(&panel, 6, &[80.0, 95.0]);
    // Its horizon goes half as far again as its back-test.
    let own = sample::forecasts(&model, &series, &[0], 18).remove(0);
    for (own, pooled) in own.into_iter().zip(pooled) {
        let own = own.expect("a forecast").forecast;
        // The widths are the same; its reach is a constant.
        let reach = |level| Reach {
            level,
            widths: 2.6 * normal::reach(level) / normal::reach(95.0),
        };
        let pooled = Conformal {
            reaches: vec![reach(80.0), reach(95.0)],
            ..pooled.expect("pooled")
        };
        let pooled = pooled.intervals(&own.mean);
        for (own, pooled) in own.intervals.iter().zip(&pooled) {
            for (own, pooled) in [(&own.lower, &pooled.lower), (&own.upper, &pooled.upper)] {
                let apart = own.iter().zip(pooled).map(|(own, pooled)| (own - pooled).abs());
                assert!(apart.fold(0.0, f64::max) < 1e-9, "{own:?} {pooled:?}");
            }
        }
    }
}
