//! The likelihood, the sum of squares and their derivatives, against plain computations.

use super::super::super::linalg::dot;
use super::super::css;
use super::super::exact_derivatives;
use super::super::least_squares::{LeastSquares, NormalEquations, StopRule, dots, minimise, sum_of_squares};
use super::super::likelihood::Likelihood;
use super::super::order::{Coefficients, Order};
use super::super::polynomial;
use super::super::sample::DifferencedSample;
use super::{arma, assert_near, noise};

/// Orders of all kinds, with free parameters for each.
fn models() -> Vec<(Order, Vec<f64>)> {
    vec![
        (Order::new(0, 0, 0), vec![]),
        (Order::new(1, 0, 0), vec![1.5]),
        (Order::new(0, 0, 2), vec![0.8, -0.4]),
        (Order::new(2, 0, 1), vec![2.0, -0.7, 0.5]),
        (Order::new(0, 0, 1).seasonal(0, 0, 1, 7), vec![0.6, 0.9]),
        (Order::new(1, 0, 0).seasonal(1, 0, 1, 5), vec![0.9, 0.8, 0.3]),
        (
            Order::new(3, 0, 1).seasonal(2, 0, 1, 4),
            vec![0.7, -0.3, 0.2, 0.4, 0.6, 0.2, -0.5],
        ),
        (
            Order::new(2, 0, 3).seasonal(1, 0, 2, 2),
            vec![0.5, -0.4, 0.3, 0.2, -0.1, 0.4, 0.3, -0.6],
        ),
    ]
}

/// Autocovariances as sums over the weights of past noise, which 3,000 of them exhaust.
fn plain_autocovariances(model: &Coefficients, lags: usize) -> Vec<f64> {
    let (ar, ma) = (model.ar_lags(), model.ma_lags().dense(3000));
    let mut psi = vec![1.0];
    for j in 1..3000 {
        psi.push(ma[j - 1] + ar.sum_before(&psi, j));
    }
    (0..=lags)
        .map(|k| psi[k..].iter().zip(&psi).map(|(a, b)| a * b).sum())
        .collect()
}

/// The log-likelihood, with the variance at its best, from the whole covariance matrix.
fn plain_log_likelihood(model: &Coefficients, w: &[f64]) -> f64 {
    let n = w.len();
    let gamma = plain_autocovariances(model, n);
    let mut lower = vec![vec![0.0; n]; n];
    let (mut squares, mut log_determinant) = (0.0, 0.0);
    let mut whitened: Vec<f64> = Vec::new();
    for i in 0..n {
        for j in 0..=i {
            let sum: f64 = (0..j).map(|k| lower[i][k] * lower[j][k]).sum();
            let rest = gamma[i - j] - sum;
            lower[i][j] = if i == j { rest.sqrt() } else { rest / lower[j][j] };
        }
        let sum: f64 = (0..i).map(|k| lower[i][k] * whitened[k]).sum();
        whitened.push((w[i] - sum) / lower[i][i]);
        squares += whitened[i] * whitened[i];
        log_determinant += 2.0 * lower[i][i].ln();
    }
    let n = n as f64;
    -0.5 * (n * ((2.0 * std::f64::consts::PI * squares / n).ln() + 1.0) + log_determinant)
}

#[test]
fn the_exact_likelihood_is_that_of_the_multivariate_normal_distribution() {
    for (order, free) in models() {
        let model = Coefficients::from_free(&order, &free);
        for n in [1, 2, 9, 30, 150] {
            let sample = DifferencedSample {
                series: noise(n as u64, n),
                regressors: Vec::new(),
            };
            let found = Likelihood::at(&sample, &model).expect("a likelihood").log;
            assert_near(found, plain_log_likelihood(&model, &sample.series), 1e-8 * n as f64);
        }
    }
}

#[test]
fn close_to_a_unit_root_the_likelihood_is_still_exact() {
    let order = Order::new(1, 0, 1).seasonal(1, 0, 0, 6);
    // Partial autocorrelations of 0.9999 and 0.995.
    let model = Coefficients::from_free(&order, &[70.0, 0.3, 10.0]);
    let series = arma(&[(1, 0.99)], &[], 3, 60);
    let found = Likelihood::at(
        &DifferencedSample {
            series: series.clone(),
            regressors: Vec::new(),
        },
        &model,
    )
    .expect("a likelihood");
    // The plain sums over noise weights would need millions here; a differenced check on the filter instead: the
    // likelihood of the first half times that of the second given the first is that of the whole.
    let half = Likelihood::at(
        &DifferencedSample {
            series: series[..30].to_vec(),
            regressors: Vec::new(),
        },
        &model,
    );
    let half = half.expect("a likelihood");
    for (whole, part) in found.whitened.innovations[0].iter().zip(&half.whitened.innovations[0]) {
        assert_near(*whole, *part, 1e-9);
    }
    assert!(
        found
            .whitened
            .variances
            .windows(2)
            .all(|pair| pair[1] <= pair[0] * (1.0 + 1e-9))
    );
}

#[test]
fn a_regressor_is_estimated_by_generalised_least_squares() {
    let order = Order::new(1, 0, 0);
    let model = Coefficients::from_free(&order, &[1.0]);
    let errors = arma(&[(1, 0.7)], &[], 5, 200);
    let x: Vec<f64> = (0..200).map(|t| (f64::from(t) * 0.3).sin()).collect();
    let series = x.iter().zip(&errors).map(|(x, e)| 4.0 * x + e).collect();
    let sample = DifferencedSample {
        series,
        regressors: vec![x],
    };
    let best = Likelihood::at(&sample, &model).expect("a likelihood");
    assert_near(best.regression[0], 4.0, 0.5);
    for step in [-1e-3, 1e-3] {
        let moved = sample.without_regressors(&[best.regression[0] + step]);
        let moved = Likelihood::at(
            &DifferencedSample {
                series: moved,
                regressors: Vec::new(),
            },
            &model,
        )
        .expect("a likelihood");
        assert!(moved.log < best.log);
    }
}

#[test]
fn the_gradient_of_the_sum_of_squares_is_that_of_finite_differences() {
    let series = arma(&[(1, 0.6), (4, 0.2)], &[(1, 0.3)], 11, 120);
    for regressors in [vec![], vec![vec![1.0; 120]]] {
        let sample = DifferencedSample {
            series: series.clone(),
            regressors,
        };
        for (order, free) in models() {
            let mut squares = css::ConditionalSquares {
                sample: &sample,
                order: &order,
            };
            let here = squares.at(&free).expect("a value");
            let found = squares.normal(&free, &here).expect("derivatives");
            for i in 0..free.len() {
                let at = |step: f64| {
                    let mut moved = free.clone();
                    moved[i] += step;
                    squares.value(&squares.at(&moved).expect("a value"))
                };
                let slope = (at(1e-5) - at(-1e-5)) / 2e-5;
                assert_near(2.0 * found.gradient[i], slope, 1e-5 * (1.0 + slope.abs()));
            }
        }
    }
}

#[test]
fn the_derivatives_of_the_exact_likelihood_are_those_of_finite_differences() {
    let series = arma(&[(1, 0.6), (4, 0.2)], &[(1, 0.3)], 11, 300);
    let slope: Vec<f64> = (0..300).map(|t| (f64::from(t) * 0.2).cos()).collect();
    for regressors in [vec![], vec![slope]] {
        let sample = DifferencedSample {
            series: series.clone(),
            regressors,
        };
        for (order, free) in models() {
            let model = Coefficients::from_free(&order, &free);
            let here = Likelihood::at(&sample, &model).expect("a likelihood");
            let rows = exact_derivatives::derivatives(&sample, &order, &model, &here).expect("derivatives");
            let residuals = here.concentrated();
            for (i, row) in rows.iter().enumerate() {
                let at = |step: f64| {
                    let there = Likelihood::at(&sample, &model.moved(i, step)).expect("a likelihood");
                    sum_of_squares(&there.concentrated())
                };
                let slope = (at(1e-5) - at(-1e-5)) / 2e-5;
                // The curvature times the step of the numerical derivatives, and the steps that are left out.
                assert_near(2.0 * dot(row, &residuals), slope, 2e-4 * (300.0 + slope.abs()));
            }
        }
    }
}

#[test]
fn products_side_by_side_are_those_one_by_one() {
    let columns: Vec<Vec<f64>> = (0..7).map(|seed| noise(seed, 23)).collect();
    let columns: Vec<&[f64]> = columns.iter().map(Vec::as_slice).collect();
    for count in 0..=7 {
        let one_by_one: Vec<f64> = columns[..count].iter().map(|column| dot(columns[0], column)).collect();
        assert_eq!(dots(columns[0], &columns[..count]), one_by_one);
    }
}

#[test]
fn free_parameters_give_stationary_polynomials_and_their_derivatives() {
    for free in [
        vec![0.3],
        vec![3.0, -2.0],
        vec![0.5, 0.1, -4.0, 2.0],
        vec![-1.0, 2.0, 0.0, 0.7, -0.2],
    ] {
        let coefficients = polynomial::coefficients(&free);
        assert!(polynomial::roots_beyond(&coefficients, 1.0));
        let rows = polynomial::derivatives(&free);
        for (i, row) in rows.iter().enumerate() {
            let at = |step: f64| {
                let mut moved = free.clone();
                moved[i] += step;
                polynomial::coefficients(&moved)
            };
            for ((up, down), found) in at(1e-6).iter().zip(at(-1e-6)).zip(row) {
                assert_near(*found, (up - down) / 2e-6, 1e-8);
            }
        }
    }
}

#[test]
fn roots_beyond_a_circle_are_recognised_without_being_found() {
    // 1 - 0.5 B has its root at 2; (1 - 0.5 B)(1 - 0.8 B) = 1 - 1.3 B + 0.4 B^2 at 2 and 1.25.
    assert!(polynomial::roots_beyond(&[0.5], 1.99) && !polynomial::roots_beyond(&[0.5], 2.01));
    assert!(polynomial::roots_beyond(&[1.3, -0.4], 1.24) && !polynomial::roots_beyond(&[1.3, -0.4], 1.26));
    assert!(polynomial::roots_beyond(&[], 10.0) && !polynomial::roots_beyond(&[f64::NAN], 1.0));
}

/// Rosenbrock's function as a sum of squares.
struct Rosenbrock;

impl LeastSquares for Rosenbrock {
    type Point = Vec<f64>;

    fn at(&self, x: &[f64]) -> Option<Vec<f64>> {
        Some(vec![10.0 * (x[1] - x[0] * x[0]), 1.0 - x[0]])
    }

    fn value(&self, residuals: &Vec<f64>) -> f64 {
        sum_of_squares(residuals)
    }

    fn normal(&mut self, x: &[f64], residuals: &Vec<f64>) -> Option<NormalEquations> {
        let rows = [vec![-20.0 * x[0], -1.0], vec![10.0, 0.0]];
        Some(NormalEquations::new(&rows, residuals))
    }
}

#[test]
fn the_optimiser_walks_down_a_curved_valley() {
    // From the usual start.
    let stop = StopRule {
        max_iterations: 100,
        tolerance: 1e-12,
    };
    let (found, _) = minimise(&mut Rosenbrock, vec![-1.2, 1.0], stop).expect("a minimum");
    assert!(!found.stopped_early && found.value < 1e-15, "{found:?}");
    let short = StopRule {
        max_iterations: 3,
        ..stop
    };
    let (stopped, _) = minimise(&mut Rosenbrock, vec![-1.2, 1.0], short).expect("a minimum");
    assert!(
        stopped.stopped_early && stopped.iterations == 3 && stopped.value < 24.2,
        "{stopped:?}"
    );
}
