//! The forecasts of every model on series that reach its branches: when one changes, the model's version must be raised.
//!
//! `golden_models.txt` has a line for each model, versions included, and series. What stands there is a digest of the
//! forecast, its intervals and what the fit found, each number rounded to ten significant digits: logarithms, powers
//! and sines come from the system's library, whose last digit differs between systems and even processors. For the same
//! reason the counts of iterations are left out, and the series themselves are made by sums, products and quotients alone,
//! which every machine rounds alike.

use rayon::prelude::*;

use super::golden::{compare, rounded};
use super::*;
use crate::forecasting::models::Estimate;
use crate::forecasting::models::known::KnownColumns;
use crate::forecasting::models::panel_model::{
    AnyModel, PanelControl, PanelForecast, PanelOutcome, PanelPasts, PanelRequest, PanelSeries, Past,
};
use crate::forecasting::registry::{REGISTRY, RegisteredModel, Settings};

/// A series to forecast.
pub(super) struct GoldenSeries {
    pub(super) name: &'static str,
    pub(super) seasons: &'static [usize],
    pub(super) horizon: usize,
    pub(super) levels: &'static [f64],
    pub(super) y: Vec<f64>,
}

/// Numbers from -0.5 to 0.5 without a pattern.
fn noise(t: u32) -> f64 {
    let mixed = t.wrapping_mul(0x9E37_79B9) ^ (t.wrapping_mul(0x85EB_CA6B) >> 13);
    f64::from(mixed.wrapping_mul(0xC2B2_AE35) >> 8) / f64::from(1_u32 << 24) - 0.5
}

/// A season of `length` steps, from 0 to 1 and back on a parabola.
fn arch(t: u32, length: u32) -> f64 {
    let at = f64::from(t % length) / f64::from(length);
    4.0 * at * (1.0 - at)
}

/// Running sums of noise.
fn walk(n: u32) -> Vec<f64> {
    let steps = (0..n).map(noise);
    steps
        .scan(0.0, |sum, step| {
            *sum += step;
            Some(*sum)
        })
        .collect()
}

/// The series, each for what its name says.
pub(super) fn all_series() -> Vec<GoldenSeries> {
    let of = |n: u32, value: &dyn Fn(u32) -> f64| -> Vec<f64> { (0..n).map(value).collect() };
    let hourly = |t: u32| 200.0 + 60.0 * arch(t, 24) + 30.0 * arch(t, 168) + 8.0 * noise(t);
    let monthly = |t: u32| (100.0 + f64::from(t)) * (0.8 + 0.4 * arch(t, 12)) * (1.0 + 0.05 * noise(t));
    let new = |name, seasons, horizon, levels, y| GoldenSeries {
        name,
        seasons,
        horizon,
        levels,
        y,
    };
    let drifting = |by: f64, n: u32| -> Vec<f64> {
        let walk = walk(n).into_iter();
        walk.zip(0..n).map(|(w, t)| 50.0 + by * f64::from(t) + w).collect()
    };
    let both: &[usize] = &[24, 168];
    vec![
        new("two-seasons", both, 30, &[80.0, 95.0], of(600, &hourly)),
        new("below-zero", both, 26, &[95.0], of(500, &|t| hourly(t) - 240.0)),
        new(
            "zeros-at-night",
            both,
            26,
            &[95.0],
            of(500, &|t| (hourly(t) - 240.0).max(0.0)),
        ),
        new("one-season", &[12], 14, &[50.0, 99.0], of(120, &monthly)),
        new("no-season", &[1], 10, &[90.0], drifting(0.3, 90)),
        new(
            "season-over-250",
            &[300],
            12,
            &[95.0],
            of(700, &|t| 20.0 + 5.0 * arch(t, 300) + noise(t)),
        ),
        new(
            "warm-start",
            &[6],
            8,
            &[95.0],
            of(1_900, &|t| 30.0 + 4.0 * arch(t, 6) + noise(t) + noise(t + 1)),
        ),
        new("less-than-two-seasons", both, 6, &[95.0], of(40, &hourly)),
        new("three-values", &[4], 3, &[95.0], vec![3.0, 1.0, 2.0]),
        new("constant", both, 5, &[80.0, 95.0], vec![7.5; 420]),
        new("repeated-day", both, 30, &[95.0], of(420, &|t| 1.0 + arch(t, 24))),
        new("no-levels", &[7], 9, &[], drifting(0.0, 100)),
        new("not-finite", &[1], 1, &[], vec![1.0, f64::NAN, 2.0]),
    ]
}

/// A model, the series that it is tried on, and settings beside the defaults.
type GoldenSettings = (&'static str, &'static str, Vec<(&'static str, Value)>);

/// The settings of each model, so that each is tried.
fn all_settings() -> Vec<GoldenSettings> {
    let flag = Value::Bool;
    let mut all = vec![
        (
            "AutoARIMA",
            "no-season",
            vec![("stepwise", flag(false)), ("max_order", Value::Int(3))],
        ),
        (
            "AutoARIMA",
            "one-season",
            vec![("method", text("css")), ("ic", text("bic"))],
        ),
        (
            "AutoARIMA",
            "one-season",
            vec![("method", text("ml")), ("approximation", flag(true))],
        ),
        (
            "AutoARIMA",
            "one-season",
            vec![("d", Value::Int(1)), ("D", Value::Int(0)), ("allow_drift", flag(false))],
        ),
        (
            "AutoARIMA",
            "one-season",
            vec![("max_steps", Value::Int(5)), ("max_iterations", Value::Int(2))],
        ),
        ("AutoARIMA", "one-season", vec![("seasonal", flag(false))]),
        (
            "AutoARIMA",
            "one-season",
            vec![
                ("max_p", Value::Int(1)),
                ("max_q", Value::Int(1)),
                ("max_P", Value::Int(1)),
                ("max_Q", Value::Int(0)),
                ("max_d", Value::Int(0)),
                ("max_D", Value::Int(0)),
                ("allow_mean", flag(false)),
            ],
        ),
        (
            "AutoARIMA",
            "one-season",
            vec![
                ("start_p", Value::Int(0)),
                ("start_q", Value::Int(0)),
                ("start_P", Value::Int(0)),
                ("start_Q", Value::Int(0)),
            ],
        ),
        ("AutoARIMA", "warm-start", vec![("warm_start", flag(false))]),
        (
            "DynamicOptimizedTheta",
            "one-season",
            vec![("decomposition", text("additive"))],
        ),
        ("AutoTheta", "one-season", vec![("decomposition", text("additive"))]),
        ("HoltWinters", "one-season", vec![("error", text("multiplicative"))]),
        ("HoltWinters", "below-zero", vec![("error", text("multiplicative"))]),
        ("MSTL_ARIMA", "warm-start", vec![("warm_start", flag(true))]),
        (
            "HarmonicARIMA",
            "two-seasons",
            vec![("max_pairs", Value::List(vec![Value::Int(2), Value::Int(1)]))],
        ),
        (
            "TBATS",
            "one-season",
            vec![("use_boxcox", flag(true)), ("use_trend", flag(true))],
        ),
        (
            "TBATS",
            "one-season",
            vec![("use_damped_trend", flag(true)), ("use_arma_errors", flag(false))],
        ),
        (
            "TBATS",
            "one-season",
            vec![("use_boxcox", flag(false)), ("max_iterations", Value::Int(2))],
        ),
    ];
    all.extend([
        (
            "DoubleSeasonalHoltWinters",
            "two-seasons",
            vec![("parameters", text("average"))],
        ),
        (
            "DoubleSeasonalHoltWinters",
            "below-zero",
            vec![("parameters", text("average"))],
        ),
        ("PooledAR", "two-seasons", vec![("pool_from", Value::Int(1))]),
        (
            "PooledAR",
            "two-seasons",
            vec![("lags", text("by_two_days")), ("robust", flag(true))],
        ),
        ("HourlyPanel", "two-seasons", vec![("rounding", text("auto"))]),
        (
            "HourlyPanel",
            "zeros-at-night",
            vec![("recipe", text("pool7")), ("pool_from", Value::Int(1))],
        ),
    ]);
    let lags = ["sparse", "by_day", "by_two_days"];
    all.extend(lags.map(|lags| ("PooledAR", "one-season", vec![("lags", text(lags))])));
    let patterns = ["ZZN", "ZZA", "ANN", "AAN", "AAA", "ANA", "MAM"];
    all.extend(patterns.map(|pattern| ("AutoETS", "one-season", vec![("model", text(pattern))])));
    all
}

/// The digest of all that comes of a fit.
fn digest_of(model: &RegisteredModel, settings: &Settings, series: &GoldenSeries) -> Digest {
    let forecast = forecast_alone(
        &model.model(series.seasons, settings),
        &series.y,
        (series.horizon, series.levels),
    );
    Digest::of(described(forecast).as_bytes())
}

/// What a model forecasts of one series, which is all of the panel; with what its fit found.
pub(super) fn forecast_alone(model: &AnyModel, y: &[f64], (horizon, levels): (usize, &[f64])) -> PanelOutcome {
    match model {
        AnyModel::Local(model) => {
            let fit = model.fit(y)?;
            let named = |(name, estimate): (&str, Estimate)| (name.to_owned(), estimate);
            Ok(PanelForecast {
                forecast: fit.forecast(horizon, levels),
                summary: fit.summary().into_iter().map(named).collect(),
            })
        }
        AnyModel::Panel(_) | AnyModel::Program(_) => {
            let mut forecasts = forecast_together(model, &[y.to_vec()], (horizon, levels)).expect("a panel model");
            forecasts.pop().expect("an outcome for each past")
        }
    }
}

/// What a model of all series forecasts of some, each of them to its end; `None` for a model of one series.
pub(super) fn forecast_together(
    model: &AnyModel,
    series: &[Vec<f64>],
    (horizon, levels): (usize, &[f64]),
) -> Option<Vec<PanelOutcome>> {
    let AnyModel::Panel(model) = model else { return None };
    let names: Vec<String> = (0..series.len()).map(|at| format!("{at:03}")).collect();
    let pairs = names.iter().zip(series);
    let past = |(series, y): (usize, &Vec<f64>)| Past { series, n: y.len() };
    let panel = PanelPasts {
        series: pairs.map(|(unique_id, y)| PanelSeries { unique_id, y }).collect(),
        windows: vec![series.iter().enumerate().map(past).collect()],
    };
    let control = PanelControl {
        stopped: &|| false,
        progress: &|_| {},
    };
    let windows = model.forecasts(&panel, PanelRequest { horizon, levels }, control);
    windows.expect("nobody stops it").pop()
}

/// Thirty series of a day of 6 steps and a week of 12 that are of three kinds; one of them is too short.
fn golden_panel() -> Vec<Vec<f64>> {
    let series = |kind: u32| -> Vec<f64> {
        let n = if kind == 29 { 20 } else { 150 + 3 * kind };
        let mut last = 0.0;
        let mut value = |t: u32| {
            last = [0.9, 0.5, -0.3][kind as usize % 3] * last + noise(t + 1000 * kind);
            let season = 20.0 * arch(t, 6) + 5.0 * arch(t + kind, 12);
            100.0 + season + f64::from(1 + kind % 4) * last - 120.0 * f64::from(u32::from(kind % 10 == 7))
        };
        (0..n).map(&mut value).collect()
    };
    (0..30).map(series).collect()
}

/// Settings with which models of all series are tried on the panel.
fn panel_settings() -> [Settings; 5] {
    let of = |settings: &[(&str, &str)]| -> Settings {
        let one = |(name, value): &(&str, &str)| ((*name).to_owned(), text(value));
        settings.iter().map(one).collect()
    };
    [
        of(&[]),
        of(&[("lags", "sparse")]),
        of(&[("lags", "by_day")]),
        of(&[("recipe", "pool7"), ("rounding", "auto")]),
        of(&[("recipe", "local")]),
    ]
}

/// What the models that can be regressions forecast of some of the series with columns that are known ahead: one without
/// a pattern, one that is 1 now and then, and one that the others make up.
fn with_known(series: &[GoldenSeries]) -> Vec<[String; 3]> {
    let on = [
        "two-seasons",
        "below-zero",
        "one-season",
        "no-season",
        "three-values",
        "repeated-day",
    ];
    let chosen = || series.iter().filter(|one| on.contains(&one.name));
    let cases: Vec<(&RegisteredModel, &GoldenSeries)> = REGISTRY
        .iter()
        .flat_map(|model| chosen().map(move |one| (model, one)))
        .collect();
    let digest = |(model, one): &(&RegisteredModel, &GoldenSeries)| {
        let AnyModel::Local(local) = model.model(one.seasons, &Settings::new()) else {
            return None;
        };
        let regression = local.regression()?;
        let n = u32::try_from(one.y.len() + one.horizon).expect("a short series");
        let column = |value: &dyn Fn(u32) -> f64| (0..n).map(value).collect::<Vec<f64>>();
        let day = |t: u32| f64::from(u8::from(t % 9 == 4));
        let known = KnownColumns::new(vec![
            ("price".to_owned(), column(&|t| 20.0 + 8.0 * noise(t + 5_000))),
            ("day".to_owned(), column(&day)),
            (
                "both".to_owned(),
                column(&|t| 20.0 + 8.0 * noise(t + 5_000) - 3.0 * day(t)),
            ),
        ]);
        let effect = |t: u32| 0.3 * noise(t + 5_000) - 2.0 * day(t);
        let y: Vec<f64> = (0..).zip(&one.y).map(|(t, y)| y + effect(t)).collect();
        let ahead = known.of(y.len(), one.horizon).expect("so far");
        let outcome = regression.fit_known(&y, &ahead).map(|fit| {
            let request = PanelRequest {
                horizon: one.horizon,
                levels: one.levels,
            };
            PanelForecast::of(&*fit, request)
        });
        let digest = Digest::of(described(outcome).as_bytes()).short();
        Some([versioned(model), format!("{}:known", one.name), digest])
    };
    cases.par_iter().filter_map(digest).collect()
}

/// A forecast in words and rounded numbers, or why there is none.
fn described(outcome: PanelOutcome) -> String {
    let PanelForecast { forecast, summary } = match outcome {
        Ok(forecast) => forecast,
        Err(error) => return format!("error: {error}"),
    };
    let numbers = |values: &[f64]| values.iter().map(|value| rounded(*value)).collect::<Vec<_>>().join(" ");
    let mut lines = vec![numbers(&forecast.mean)];
    for interval in &forecast.intervals {
        lines.push(rounded(interval.level));
        lines.push(numbers(&interval.lower));
        lines.push(numbers(&interval.upper));
    }
    for (name, estimate) in summary {
        let value = match estimate {
            _ if name == "iterations" => String::new(),
            Estimate::Number(number) => rounded(number),
            Estimate::Numbers(all) => numbers(&all),
            Estimate::Text(text) => text,
        };
        lines.push(format!("{name}: {value}"));
    }
    lines.join("\n")
}

/// The name of a model with the versions of all that it is made of.
fn versioned(model: &RegisteredModel) -> String {
    let contained = model.parts().into_iter().filter(|part| part.name != model.name);
    contained.fold(format!("{}@{}", model.name, model.version), |name, part| {
        format!("{name}+{}@{}", part.name, part.version)
    })
}

#[test]
fn a_model_whose_forecasts_change_has_a_new_version() {
    let series = all_series();
    let mut cases: Vec<(&RegisteredModel, String, Settings, &GoldenSeries)> = Vec::new();
    for model in &REGISTRY {
        for one in &series {
            cases.push((model, one.name.to_owned(), Settings::new(), one));
        }
        for (_, on, settings) in all_settings().into_iter().filter(|(name, ..)| *name == model.name) {
            let one = series.iter().find(|one| one.name == on).expect("a series");
            let words: Vec<String> = settings
                .iter()
                .map(|(name, value)| format!("{name}={}", value.plain()))
                .collect();
            let settings: Settings = settings
                .into_iter()
                .map(|(name, value)| (name.to_owned(), value))
                .collect();
            let settings = model.checked(settings).expect("settings of the model");
            cases.push((model, format!("{on}:{}", words.join(":")), settings, one));
        }
    }
    let panel = golden_panel();
    let of_panel = REGISTRY.iter().flat_map(|model| {
        let panel = &panel;
        panel_settings().into_iter().filter_map(move |settings| {
            let settings = model.checked(settings).ok()?;
            let name = settings.iter().fold("panel".to_owned(), |name, (setting, value)| {
                format!("{name}:{setting}={}", value.plain())
            });
            let forecasts = forecast_together(&model.model(&[6, 12], &settings), panel, (9, &[80.0]))?;
            let words: Vec<String> = forecasts.into_iter().map(described).collect();
            Some([versioned(model), name, Digest::of(words.join("\n").as_bytes()).short()])
        })
    });
    let of_panel: Vec<[String; 3]> = of_panel.collect();
    let mut found: Vec<[String; 3]> = cases
        .par_iter()
        .map(|(model, name, settings, series)| {
            let digest = digest_of(model, settings, series).short();
            [versioned(model), name.clone(), digest]
        })
        .collect();
    found.extend(of_panel);
    found.extend(with_known(&series));
    compare(
        "golden_models.txt",
        &found,
        "the version of the model, or of one that it contains, in `src/forecasting/registry.rs`",
    );
}

#[test]
fn every_setting_of_a_model_is_among_the_golden_ones() {
    for model in &REGISTRY {
        for setting in model.settings {
            let names = || model.contains.iter().chain([&model.name]);
            let sets = |name: &str| {
                let all = all_settings().into_iter().filter(|(of, ..)| *of == name);
                all.flat_map(|(_, _, settings)| settings)
                    .any(|(name, _)| name == setting.name)
            };
            assert!(names().any(|name| sets(name)), "{} {}", model.name, setting.name);
        }
    }
}
