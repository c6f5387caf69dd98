//! What the recipe must hold, and its parts by hand.

use super::super::Estimate;
use super::super::panel_model::{PanelForecast, sample};
use super::resolution::{resolution, rounded};
use super::spread::StepErrors;
use super::weights::{self, Neighbourhood};
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
    let relative: Vec<Vec<f64>> = errors.iter().map(|one| weights::relative(one)).collect();
    let neighbours = Neighbourhood::of(&relative);
    // The third is as far from both others, which therefore lend it the same.
    let lent = neighbours.lent(&[1.0, 2.0, 7.0]);
    assert!((lent[2] - 1.5).abs() < 1e-12 && lent[0] < 7.0, "{lent:?}");
    let found = weights::pooled(&relative, &neighbours);
    let own = weights::pooled(&relative, &Neighbourhood::none(3));
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
fn the_spread_follows_the_errors_by_day_and_hour_and_grows_on_beyond_them() {
    // The second day errs twice as much as the first, and the last two hours of a day four times as much as the others.
    let day = [[1.0; 4], [4.0; 4]].concat();
    let errors: Vec<f64> = [day.clone(), day.iter().map(|error| 2.0 * error).collect()].concat();
    let found = StepErrors::of(&[errors], 8);
    let spread = found.spread(1.0, 32);
    assert!(
        spread[6] > 1.5 * spread[1] && spread[14] > 1.5 * spread[6],
        "{spread:?}"
    );
    assert!((spread[31] / spread[15] - 2.0_f64.powf(0.3)).abs() < 1e-12);
    let mean = spread[..16].iter().sum::<f64>() / 16.0;
    assert!((mean - 1.0).abs() < 1e-12, "{mean}");
}
