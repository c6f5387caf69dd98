//! The search: what it decides before, what it finds, what it counts.

use super::super::super::{Estimate, Model};
use super::super::differencing::{difference, difference_lags, kpss_level, needed, seasonal_needed};
use super::super::strength::seasonal_strength;
use super::super::{AutoArima, Criterion, Method, Order};
use super::{Arima, arma, assert_near, find, noise, number, numbers, summed, text};
use crate::engine::spec::Value;

/// A seasonal process, `(1 - 0.5 B)(1 - B^12) y_t = (1 - 0.6 B^12) e_t`.
fn seasonal_series(n: usize) -> Vec<f64> {
    let w = arma(&[(1, 0.5)], &[(12, -0.6)], 17, n);
    let mut y = w.clone();
    for t in 12..n {
        y[t] = w[t] + y[t - 12];
    }
    y.iter()
        .enumerate()
        .map(|(t, y)| y + 5.0 * ((t % 12) as f64).sin())
        .collect()
}

#[test]
fn simulated_coefficients_are_recovered() {
    let y = arma(&[(1, 0.6), (2, -0.3)], &[(1, 0.5)], 4, 3000);
    let fitted = Arima::new(Order::new(2, 0, 1)).fit(&y).expect("a fit");
    // Three standard errors of about 1 / sqrt(n) each.
    for (found, wanted) in numbers(&*fitted, "ar").into_iter().zip([0.6, -0.3]) {
        assert_near(found, wanted, 0.09);
    }
    assert_near(numbers(&*fitted, "ma")[0], 0.5, 0.09);
    assert_near(number(&*fitted, "sigma2"), 1.0, 0.08);
}

#[test]
fn the_search_finds_the_season_and_no_worse_a_model_than_the_true_one() {
    let y = seasonal_series(400);
    let found = AutoArima::with_season(12).fit(&y).expect("a fit");
    assert!(text(&*found, "order").contains(",1,"), "{}", text(&*found, "order"));
    let wanted = Arima::new(Order::new(1, 0, 0).seasonal(0, 1, 1, 12))
        .fit(&y)
        .expect("a fit");
    assert!(number(&*found, "aicc") < number(&*wanted, "aicc") + 2.0);
}

#[test]
fn a_search_over_all_orders_is_no_worse_than_a_stepwise_one() {
    let y = arma(&[(1, 0.7)], &[(1, -0.4)], 6, 140);
    let stepwise = AutoArima::default();
    let all = AutoArima {
        stepwise: false,
        max_steps: 500,
        ..stepwise.clone()
    };
    let (stepwise, all) = (stepwise.fit(&y).expect("a fit"), all.fit(&y).expect("a fit"));
    assert!(number(&*all, "aicc") <= number(&*stepwise, "aicc") + 1e-6);
    assert!(number(&*all, "candidates") > number(&*stepwise, "candidates"));
}

#[test]
fn the_number_of_threads_changes_nothing() {
    let y = seasonal_series(300);
    let fit = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .expect("a pool");
        pool.install(|| {
            let fitted = AutoArima::with_season(12).fit(&y).expect("a fit");
            (fitted.summary(), fitted.forecast(24, &[80.0, 95.0]))
        })
    };
    assert_eq!(fit(1), fit(2));
}

#[test]
fn windows_go_on_from_their_common_beginning() {
    let y = seasonal_series(3600);
    let (warm, cold) = (
        AutoArima::with_season(12),
        AutoArima {
            warm_start: false,
            ..AutoArima::with_season(12)
        },
    );
    // The first is too short for an earlier past, the last has another one than those between.
    let cutoffs = [1700, 1850, 2000, 3599];
    let content = |fitted: &dyn super::super::super::Fitted| (fitted.summary(), fitted.forecast(24, &[95.0]));
    for (window, n) in warm.fit_at(&y, &cutoffs).into_iter().zip(cutoffs) {
        let (window, cold_fit) = (window.expect("a fit"), cold.fit(&y[..n]).expect("a fit"));
        assert_eq!(
            content(&*window),
            content(&*warm.fit(&y[..n]).expect("a fit")),
            "at {n}"
        );
        assert!(number(&*window, "aicc") < number(&*cold_fit, "aicc") + 2.0, "at {n}");
    }
    let iterations = |model: &AutoArima, n: usize| number(&*model.fit(&y[..n]).expect("a fit"), "iterations");
    assert_eq!(iterations(&warm, 1700), iterations(&cold, 1700));
    // Those of the earlier past are counted too.
    let further = iterations(&warm, 2000) - iterations(&cold, 1792);
    assert!(0.0 < further && further < 0.5 * iterations(&cold, 2000), "{further}");
}

#[test]
fn a_beginning_without_a_model_is_no_hindrance() {
    let mut y = vec![3.0; 1792];
    y.extend(noise(7, 200));
    let [warm, cold] = [true, false].map(|warm_start| AutoArima {
        warm_start,
        ..AutoArima::default()
    });
    let [warm, cold] = [warm, cold].map(|model| model.fit(&y).expect("a fit").summary());
    assert_eq!(warm, cold);
}

#[test]
fn limits_that_bind_are_reported() {
    let y = seasonal_series(200);
    let free = AutoArima::with_season(12).fit(&y).expect("a fit");
    assert_eq!(find(&*free, "limits_reached"), None);
    let bound = AutoArima {
        max_steps: 7,
        max_iterations: 2,
        ..AutoArima::with_season(12)
    };
    let bound = bound.fit(&y).expect("a fit");
    assert_eq!(number(&*bound, "candidates"), 7.0);
    let Some(Estimate::Text(limits)) = find(&*bound, "limits_reached") else {
        panic!("no limit is reported")
    };
    assert!(
        limits.starts_with("the search stopped after `max_steps` = 7 candidates; "),
        "{limits}"
    );
    assert!(
        limits.ends_with(" estimations stopped after `max_iterations` = 2"),
        "{limits}"
    );
}

#[test]
fn a_search_that_may_try_next_to_nothing_ends_with_the_plainest_model() {
    for seed in 0..8 {
        let y = summed(&summed(&noise(seed, 120)));
        let one = AutoArima {
            max_steps: 1,
            d: Some(0),
            ..AutoArima::default()
        };
        let fitted = one.fit(&y).expect("a fit");
        assert!(find(&*fitted, "limits_reached").is_some());
    }
}

#[test]
fn each_limit_is_reported_alone_where_it_alone_binds() {
    let y = seasonal_series(200);
    let limits = |settings: AutoArima| match find(&*settings.fit(&y).expect("a fit"), "limits_reached") {
        Some(Estimate::Text(text)) => text,
        other => panic!("{other:?}"),
    };
    let few_steps = AutoArima {
        max_steps: 5,
        ..AutoArima::with_season(12)
    };
    assert_eq!(limits(few_steps), "the search stopped after `max_steps` = 5 candidates");
    let few_iterations = AutoArima {
        max_iterations: 1,
        ..AutoArima::with_season(12)
    };
    assert!(limits(few_iterations).ends_with(" estimations stopped after `max_iterations` = 1"));
}

#[test]
fn a_rhythm_beneath_the_noise_is_found() {
    // Two pairs of roots that nearly cancel, on a walk.
    let y = summed(&arma(&[(1, 1.66), (2, -0.9409)], &[(1, -1.54), (2, 0.81)], 12, 1500));
    let found = AutoArima::default().fit(&y).expect("a fit");
    let plain = Arima::new(Order::new(0, 1, 0)).fit(&y).expect("a fit");
    let true_one = Arima {
        constant: false,
        ..Arima::new(Order::new(2, 1, 2))
    };
    let true_one = true_one.fit(&y).expect("a fit");
    assert!(number(&*found, "aicc") <= number(&*true_one, "aicc") + 1e-3);
    assert!(number(&*found, "aicc") < number(&*plain, "aicc") - 10.0);
}

#[test]
fn settings_restrict_the_search() {
    let y = seasonal_series(300);
    let plain = AutoArima {
        seasonal: false,
        ..AutoArima::with_season(12)
    }
    .fit(&y)
    .expect("a fit");
    assert!(!text(&*plain, "order").contains('['));
    let fixed = AutoArima {
        d: Some(1),
        seasonal_d: Some(0),
        max_p: 0,
        max_seasonal_p: 0,
        max_seasonal_q: 0,
        ..AutoArima::with_season(12)
    };
    assert!(text(&*fixed.fit(&y).expect("a fit"), "order").starts_with("ARIMA(0,1,"));
    let css = AutoArima {
        method: Method::Css,
        criterion: Criterion::Bic,
        ..AutoArima::with_season(12)
    };
    assert!(number(&*css.fit(&y).expect("a fit"), "bic").is_finite());
}

#[test]
fn settings_are_read_by_the_names_of_the_field() {
    let text = |text: &str| Value::Text(text.to_owned());
    let settings = [
        ("max_p", Value::Int(3)),
        ("max_P", Value::Int(1)),
        ("D", Value::Int(1)),
        ("method", text("css")),
        ("ic", text("bic")),
    ];
    let read = AutoArima::with_season(24).configured(&settings.map(|(name, value)| (name.to_owned(), value)).into());
    let wanted = AutoArima {
        max_p: 3,
        max_seasonal_p: 1,
        seasonal_d: Some(1),
        method: Method::Css,
        criterion: Criterion::Bic,
        ..AutoArima::with_season(24)
    };
    assert_eq!(read, wanted);
}

#[test]
fn a_search_for_the_trend_under_a_season_already_removed_has_a_drift() {
    let y: Vec<f64> = summed(&noise(31, 400))
        .iter()
        .enumerate()
        .map(|(t, w)| w + 0.5 * t as f64)
        .collect();
    let fitted = AutoArima::default().fit(&y).expect("a fit");
    assert!(
        text(&*fitted, "order").ends_with("with drift"),
        "{}",
        text(&*fitted, "order")
    );
    // The standard error of a drift is 1 / sqrt(n).
    assert_near(number(&*fitted, "drift"), 0.5, 0.15);
    let mean = fitted.forecast(100, &[]).mean;
    assert_near((mean[99] - mean[49]) / 50.0, number(&*fitted, "drift"), 1e-3);
}

#[test]
fn unit_roots_are_counted_by_the_test_and_seasons_by_their_strength() {
    let white = noise(2, 500);
    let walk = summed(&white);
    assert_eq!(
        (needed(&white, 2), needed(&walk, 2), needed(&summed(&walk), 2)),
        (0, 1, 2)
    );
    assert!(kpss_level(&white) < 0.463 && kpss_level(&walk) > 0.463);

    let season: Vec<f64> = white
        .iter()
        .enumerate()
        .map(|(t, e)| 3.0 * ((t % 6) as f64).cos() + e)
        .collect();
    assert!(seasonal_strength(&season, 6) > 0.64 && seasonal_strength(&white, 6) < 0.3);
    assert_eq!((seasonal_needed(&season, 6, 1), seasonal_needed(&white, 6, 1)), (1, 0));
}

#[test]
fn differences_are_undone_by_their_own_polynomial() {
    let y = seasonal_series(60);
    let w = difference(&difference(&y, 12, 1), 1, 2);
    let lags = difference_lags(2, 1, 12);
    assert_eq!(lags.degree(), 14);
    for (t, w) in w.iter().enumerate() {
        assert_near(y[t + 14], w + lags.sum_before(&y, t + 14), 1e-9);
    }
}
