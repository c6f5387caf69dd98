//! Tests of the whole model, and of the recursion against the matrices of the source.

use super::super::scale::sample as series;
use super::super::{Estimate, FitError, Fitted, Model, normal};
use super::estimate::TbatsSample;
use super::form::{Harmonics, ParameterName, TbatsForm, TbatsParameters, Trend, lanes};
use super::sensitivity::{ColumnLayout, RunTrace};
use super::state::{Structure, TbatsState, unforeseen, whiten};
use super::{Tbats, admissible, interval};

const ALL: TbatsForm = TbatsForm {
    box_cox: false,
    trend: Trend::Damped,
    p: 2,
    q: 1,
};

fn harmonics() -> Harmonics {
    Harmonics::new(vec![(7, vec![1, 3]), (12, vec![1, 2, 5, 6])])
}

fn parameters() -> TbatsParameters {
    TbatsParameters {
        lambda: 1.0,
        alpha: 0.3,
        beta: 0.05,
        phi: 0.9,
        gamma: vec![0.02, 0.01],
        ar: vec![0.5, -0.2],
        ma: vec![0.4],
    }
}

fn seeds(harmonics: &Harmonics) -> TbatsState {
    let mut seeds = TbatsState::zero(harmonics);
    (seeds.level, seeds.slope) = (3.0, 0.1);
    seeds.re = lanes((0..6).map(|j| 1.0 / f64::from(j + 1)));
    seeds.im = lanes((0..6).map(|j| 0.3 * f64::from(j) - 0.5));
    seeds
}

/// Normal noise that is always the same.
fn noise(n: usize) -> Vec<f64> {
    let mut state = 1_u64;
    let next = |_| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        normal::quantile(((state >> 11) as f64 + 0.5) / (1_u64 << 53) as f64)
    };
    (0..n).map(next).collect()
}

/// The source's `w`, `F` and `g`, section 2.2, for six harmonics, a slope, two φ and one θ.
struct Matrices {
    w: Vec<f64>,
    f: Vec<Vec<f64>>,
    g: Vec<f64>,
}

impl Matrices {
    /// States in the order level, slope, s, s*, d (two), ε.
    fn new(parameters: &TbatsParameters, harmonics: &Harmonics) -> Self {
        let structure = Structure::new(ALL, harmonics, parameters);
        let (re, im) = (structure.gains.re.as_flattened(), structure.gains.im.as_flattened());
        let size = 17;
        let mut gains = vec![parameters.alpha, parameters.beta];
        gains.extend(&re[..6]);
        gains.extend(&im[..6]);
        let mut f = vec![vec![0.0; size]; size];
        (f[0][0], f[0][1], f[1][1]) = (1.0, parameters.phi, parameters.phi);
        for j in 0..6 {
            let (cos, sin) = (harmonics.cos[j / 4][j % 4], harmonics.sin[j / 4][j % 4]);
            (f[2 + j][2 + j], f[2 + j][8 + j]) = (cos, sin);
            (f[8 + j][2 + j], f[8 + j][8 + j]) = (-sin, cos);
        }
        let memory = [parameters.ar[0], parameters.ar[1], parameters.ma[0]];
        let mut w = vec![1.0, parameters.phi];
        w.extend([1.0; 6]);
        w.extend([0.0; 6]);
        w.extend(memory);
        for (i, gain) in gains.iter().enumerate() {
            (0..3).for_each(|k| f[i][14 + k] = gain * memory[k]);
        }
        f[14][14..].copy_from_slice(&memory);
        f[15][14] = 1.0;
        gains.extend([1.0, 0.0, 1.0]);
        Self { w, f, g: gains }
    }

    fn foresee(&self, x: &[f64]) -> f64 {
        self.w.iter().zip(x).map(|(w, x)| w * x).sum()
    }

    fn advance(&self, x: &[f64], error: f64) -> Vec<f64> {
        let row = |(row, g): (&Vec<f64>, &f64)| row.iter().zip(x).map(|(f, x)| f * x).sum::<f64>() + g * error;
        self.f.iter().zip(&self.g).map(row).collect()
    }
}

#[test]
fn the_recursion_is_that_of_the_matrices() {
    let (harmonics, parameters) = (harmonics(), parameters());
    let start = seeds(&harmonics);
    let z: Vec<f64> = noise(200).iter().map(|e| 3.0 + e).collect();
    let sample = sample(&z, &harmonics);
    let estimate = super::estimate::TbatsEstimate {
        form: ALL,
        parameters: parameters.clone(),
        seeds: start.clone(),
        squares: 0.0,
        iterations: 0,
        limited: false,
    };
    let fit = sample.finish(&estimate, 1.0).expect("admissible");
    let forecast = fit.forecast(30, &[95.0]);
    let run = sample.run(ALL, &parameters, &start).expect("admissible");

    let matrices = Matrices::new(&parameters, &harmonics);
    let mut x = vec![start.level, start.slope];
    x.extend(&start.re.as_flattened()[..6]);
    x.extend(&start.im.as_flattened()[..6]);
    x.extend([0.0; 3]);
    for (t, value) in z.iter().enumerate() {
        let foreseen = matrices.foresee(&x);
        assert!((value - run.innovations[t] - foreseen).abs() < 1e-10, "step {t}");
        x = matrices.advance(&x, value - foreseen);
    }
    // What an innovation of one changes from the second value on.
    let mut response = matrices.advance(&[0.0; 17], 1.0);
    let mut variance = fit.variance;
    for h in 0..30 {
        assert!((forecast.mean[h] - matrices.foresee(&x)).abs() < 1e-10, "horizon {h}");
        let deviation = (forecast.intervals[0].upper[h] - forecast.mean[h]) / normal::reach(95.0);
        assert!((deviation - variance.sqrt()).abs() < 1e-10, "horizon {h}");
        variance += fit.variance * matrices.foresee(&response).powi(2);
        x = matrices.advance(&x, 0.0);
        response = matrices.advance(&response, 0.0);
    }
}

fn sample<'a>(values: &'a [f64], harmonics: &'a Harmonics) -> TbatsSample<'a> {
    TbatsSample {
        logarithms: None,
        values,
        lambda: (0.0, 1.0),
        harmonics,
        max_iterations: 100,
    }
}

#[test]
fn the_gradient_is_that_of_differences() {
    let (harmonics, parameters) = (harmonics(), parameters());
    let logarithms = noise(150).iter().map(|e| 0.2 * e).collect::<Vec<_>>();
    let form = TbatsForm { box_cox: true, ..ALL };
    let parameters = TbatsParameters {
        lambda: 0.4,
        ..parameters
    };
    let sample = TbatsSample {
        logarithms: Some(&logarithms),
        ..sample(&logarithms, &harmonics)
    };
    let layout = ColumnLayout::new(&harmonics, ParameterName::of(form, 2));
    let start = seeds(&harmonics);
    let squares = |step: &[f64]| {
        let (mut seeds, mut parameters) = (start.clone(), parameters.clone());
        layout.apply(step, &mut seeds, &mut parameters);
        sample.run(form, &parameters, &seeds).expect("admissible").squares
    };
    let run = sample.run(form, &parameters, &start).expect("admissible");
    let by_lambda: Vec<f64> = logarithms.iter().map(|&x| super::box_cox::by_lambda(x, 0.4)).collect();
    let pass = RunTrace {
        d: &run.d,
        innovations: &run.innovations,
        by_lambda: &by_lambda,
        slope: start.slope,
    };
    let structure = Structure::new(form, &harmonics, &parameters);
    let found = super::sensitivity::normal(form, &structure, &parameters, &layout, &pass).gradient;
    let mut checked = 0;
    // Lanes that no harmonic fills, and the two columns after level and slope, are never moved.
    let is_empty = |column: usize| (2..4).contains(&column) || ((4..20).contains(&column) && (column - 4) % 8 >= 6);
    for column in (0..layout.seeds() + layout.names.len()).filter(|&column| !is_empty(column)) {
        let moved = |by: f64| {
            let mut step = vec![0.0; layout.size()];
            step[column] = by;
            squares(&step)
        };
        let wanted = (moved(1e-5) - moved(-1e-5)) / 2e-5;
        // Rounding of a difference of sums of squares, and the numerical derivatives of the gains.
        assert!(
            (2.0 * found[column] - wanted).abs() < 1e-4 * (1.0 + wanted.abs()),
            "column {column}: {} is not {wanted}",
            2.0 * found[column]
        );
        checked += usize::from(wanted != 0.0);
    }
    assert_eq!(checked, layout.names.len() + 2 + 11);
}

#[test]
fn gains_are_admissible_where_the_seeds_are_forgotten() {
    let harmonics = harmonics();
    let mut both = [0; 2];
    for alpha in [-0.05, 0.0, 0.1, 0.8, 1.5, 1.95, 2.2] {
        for gamma in [-0.5, -0.03, 0.0, 0.01, 0.1, 0.3, 0.6] {
            for beta in [-0.1, 0.0, 0.1, 0.5] {
                let parameters = TbatsParameters {
                    alpha,
                    beta,
                    gamma: vec![gamma, gamma / 2.0],
                    ..parameters()
                };
                let structure = Structure::new(ALL, &harmonics, &parameters);
                let radius = radius(&structure);
                if (radius - 1.01).abs() > 1e-3 {
                    let found = admissible::is_admissible(ALL, &structure, &parameters);
                    assert_eq!(found, radius < 1.01, "{alpha} {gamma} {beta}: {radius}");
                    both[usize::from(found)] += 1;
                }
            }
        }
    }
    assert!(both.iter().all(|count| *count > 20), "{both:?}");
}

/// The largest eigenvalue of `D` in size, by how much the row of the seeds grows.
fn radius(structure: &Structure<'_>) -> f64 {
    let mut row = structure.first_row();
    let mut grown = 0.0;
    for t in 0..4000 {
        structure.advance_row(&mut row);
        let waves = row.re.iter_mut().chain(&mut row.im).flatten();
        let mut all: Vec<&mut f64> = waves.chain([&mut row.level, &mut row.slope]).collect();
        let by = all.iter().fold(1e-300, |most: f64, value| most.max(value.abs()));
        for value in &mut all {
            **value /= by;
        }
        grown += if t < 2000 { 0.0 } else { by.ln() };
    }
    (grown / 2000.0_f64).exp()
}

#[test]
fn two_pure_seasons_are_reproduced() {
    let pure = |t: usize| {
        let turn = |m: f64, j: f64| std::f64::consts::TAU * j * t as f64 / m;
        5.0 + turn(12.0, 1.0).sin()
            + 0.5 * turn(12.0, 3.0).cos()
            + 0.8 * turn(35.0, 1.0).cos()
            + 0.3 * turn(35.0, 4.0).sin()
    };
    let y: Vec<f64> = (0..300).map(pure).collect();
    let fit = Tbats::new(&[12, 35]).fit(&y).unwrap();
    for (h, value) in fit.forecast(80, &[]).mean.iter().enumerate() {
        assert!(
            (value - pure(300 + h)).abs() < 1e-5,
            "{h}: {value} is not {}",
            pure(300 + h)
        );
    }
}

#[test]
fn parameters_that_made_a_series_are_found() {
    let harmonics = Harmonics::new(vec![(12, vec![1, 2])]);
    let form = TbatsForm {
        box_cox: false,
        trend: Trend::Absent,
        p: 1,
        q: 0,
    };
    let truth = TbatsParameters {
        alpha: 0.2,
        beta: 0.0,
        phi: 1.0,
        gamma: vec![0.05],
        ar: vec![0.6],
        ma: vec![],
        ..parameters()
    };
    let structure = Structure::new(form, &harmonics, &truth);
    let mut state = TbatsState::zero(&harmonics);
    state.level = 10.0;
    state.re = lanes([2.0, 1.0].into_iter());
    let mut d = 0.0;
    let step = |e: &f64| {
        d = 0.6 * d + e;
        let value = structure.foresee(&state) + d;
        structure.advance(&mut state, d);
        value
    };
    let y: Vec<f64> = noise(3000).iter().map(step).collect();
    let found = sample(&y, &harmonics)
        .estimate(form, sample(&y, &harmonics).start(form), TbatsState::zero(&harmonics))
        .unwrap();
    assert!(!found.limited);
    let TbatsParameters { alpha, gamma, ar, .. } = found.parameters;
    // Three standard errors or so of each.
    assert!(
        (alpha - 0.2).abs() < 0.08 && (gamma[0] - 0.05).abs() < 0.02 && (ar[0] - 0.6).abs() < 0.08,
        "{alpha} {gamma:?} {ar:?}"
    );
}

fn text(fit: &dyn Fitted, name: &str) -> String {
    let found = fit.summary().into_iter().find(|(found, _)| *found == name);
    format!("{:?}", found.expect("reported").1)
}

#[test]
fn settings_decide_the_components() {
    let y = series::hourly(500);
    let base = Tbats::new(&[24, 168]);
    let form = |model: Tbats| text(model.fit(&y).unwrap().as_ref(), "form");
    let without = Tbats {
        use_boxcox: Some(false),
        use_trend: Some(false),
        use_arma_errors: false,
        ..base.clone()
    };
    assert!(
        form(without.clone()).starts_with("Text(\"TBATS(1.000, {0,0}, -, {<24,"),
        "{}",
        form(without)
    );
    let with = Tbats {
        use_boxcox: Some(true),
        lambda: (0.0, 0.0),
        use_damped_trend: Some(true),
        use_trend: Some(true),
        use_arma_errors: false,
        ..base.clone()
    };
    let found = form(with);
    assert!(
        found.starts_with("Text(\"TBATS(0.000, {0,0}, ") && !found.contains(", -, "),
        "{found}"
    );
    let none = Tbats {
        use_damped_trend: Some(true),
        use_trend: Some(false),
        ..base.clone()
    };
    assert!(matches!(none.fit(&y), Err(FitError::NoFit { .. })));
    let hasty = Tbats {
        max_iterations: 2,
        ..base
    };
    assert!(text(hasty.fit(&y).unwrap().as_ref(), "limit").contains("`max_iterations` = 2"));
}

#[test]
fn the_unit_of_a_series_passes_through() {
    let y = series::hourly(400);
    let model = Tbats::new(&[24]);
    let plain = model.fit(&y).unwrap();
    let scaled = model
        .fit(&y.iter().map(|value| value * 1e-3).collect::<Vec<_>>())
        .unwrap();
    assert_eq!(text(plain.as_ref(), "harmonics"), text(scaled.as_ref(), "harmonics"));
    let (plain, scaled) = (plain.forecast(24, &[90.0]), scaled.forecast(24, &[90.0]));
    for h in 0..24 {
        // Rounding, carried through the steps of an estimation that ends within 1e-7 of the sum of squares.
        assert!((scaled.mean[h] / plain.mean[h] - 1e-3).abs() < 1e-6);
        assert!((scaled.intervals[0].upper[h] / plain.intervals[0].upper[h] - 1e-3).abs() < 1e-6);
    }
    let raw = |f: fn(f64) -> f64| {
        let moved: Vec<f64> = y.iter().map(|&value| f(value)).collect();
        model.fit(&moved).unwrap().forecast(24, &[]).mean
    };
    let (low, threefold) = (raw(|v| v - 500.0), raw(|v| 3.0 * (v - 500.0)));
    assert!(
        low.iter().zip(&threefold).all(|(a, b)| (b / a - 3.0).abs() < 1e-4),
        "{low:?} {threefold:?}"
    );
}

#[test]
fn intervals_widen_and_nest() {
    let forecast = Tbats::new(&[24, 168])
        .fit(&series::hourly(600))
        .unwrap()
        .forecast(48, &[80.0, 95.0]);
    let width = |level: usize, h: usize| (forecast.intervals[level].upper[h] / forecast.intervals[level].lower[h]).ln();
    for h in 0..48 {
        assert!(forecast.intervals[0].lower[h] < forecast.mean[h] && forecast.mean[h] < forecast.intervals[0].upper[h]);
        assert!(0.0 < width(0, h) && width(0, h) < width(1, h));
    }
    assert!(width(1, 47) > width(1, 0));
}

#[test]
fn deviations_never_shrink_on_the_transformed_scale() {
    let (harmonics, parameters) = (harmonics(), parameters());
    let z = noise(120);
    let structure = Structure::new(ALL, &harmonics, &parameters);
    let mut end = seeds(&harmonics);
    let d = unforeseen(&structure, &mut end, &z);
    assert_eq!(whiten(&d, &[], &[]), d);
    let estimate = super::estimate::TbatsEstimate {
        form: ALL,
        parameters,
        seeds: seeds(&harmonics),
        squares: 0.0,
        iterations: 0,
        limited: false,
    };
    let fit: interval::TbatsFit = sample(&z, &harmonics).finish(&estimate, 1.0).unwrap();
    let forecast = fit.forecast(40, &[50.0]);
    let width = |h: usize| forecast.intervals[0].upper[h] - forecast.intervals[0].lower[h];
    assert!((1..40).all(|h| width(h) > width(h - 1)));
}

#[test]
fn short_and_repeating_series_are_no_trouble() {
    let model = Tbats::new(&[4]);
    let error = model.fit(&[1.0, 2.0, 1.5]).err();
    assert_eq!(
        error,
        Some(FitError::TooShort {
            model: "TBATS",
            needed: 4,
            found: 3
        })
    );
    for value in [0.0, 3.0, -7.5, 1e300] {
        assert_eq!(model.fit(&[value; 20]).unwrap().forecast(3, &[]).mean, vec![value; 3]);
    }
    let fit = model.fit(&[1.0, 2.0, 1.5, 1.8, 2.2, 1.1]).unwrap();
    assert!(
        matches!(&fit.summary()[0].1, Estimate::Text(form) if form.contains("{0,0}")),
        "{:?}",
        fit.summary()
    );
    assert!(matches!(model.fit(&[f64::NAN; 9]), Err(FitError::NotFinite { at: 0 })));
}

#[test]
fn hostile_series_do_no_harm() {
    let model = Tbats {
        max_iterations: 12,
        ..Tbats::new(&[3, 12])
    };
    series::fuzz(&model);
}
