//! Where estimations start: near the truth, beside a rhythm that is left over, and never at a root.

use super::super::cancelling;
use super::super::hannan_rissanen::Products;
use super::super::order::{Coefficients, Order};
use super::super::polynomial;
use super::super::sample::DifferencedSample;
use super::{arma, assert_near, noise};

fn sample(series: Vec<f64>) -> DifferencedSample {
    DifferencedSample {
        series,
        regressors: Vec::new(),
    }
}

#[test]
fn two_regressions_come_close_to_a_mixed_model() {
    let series = arma(&[(1, 0.6), (2, -0.3)], &[(1, 0.5)], 4, 4000);
    let products = Products::new(&sample(series), &Order::new(3, 0, 3)).expect("products");
    let order = Order::new(2, 0, 1);
    let start = Coefficients::from_free(&order, &products.start(&order).expect("a start"));
    for (found, wanted) in start.ar.iter().chain(&start.ma).zip([0.6, -0.3, 0.5]) {
        assert_near(*found, wanted, 0.1);
    }
}

#[test]
fn the_regressions_see_a_season_beside_the_short_lags() {
    let series = arma(&[(1, 0.5), (12, 0.6), (13, -0.3)], &[], 4, 4000);
    let most = Order::new(1, 0, 1).seasonal(1, 0, 1, 12);
    let products = Products::new(&sample(series), &most).expect("products");
    let order = Order::new(1, 0, 0).seasonal(1, 0, 0, 12);
    let start = Coefficients::from_free(&order, &products.start(&order).expect("a start"));
    // The product of both is left out, hence the wide tolerance.
    assert_near(start.ar[0], 0.5, 0.25);
    assert_near(start.seasonal_ar[0], 0.6, 0.25);
    assert_eq!(
        products.start(&Order::new(2, 0, 0)),
        None,
        "more lags than there are products"
    );
}

#[test]
fn a_series_too_short_for_two_regressions_has_no_products() {
    assert!(Products::new(&sample(noise(1, 12)), &Order::new(2, 0, 2)).is_none());
    assert!(Products::new(&sample(vec![0.0; 200]), &Order::new(2, 0, 2)).is_none());
}

#[test]
fn a_cancelling_pair_is_put_where_the_rhythm_is() {
    // A rhythm of ten steps, weak beside the noise.
    let turn = 2.0 * std::f64::consts::PI / 10.0;
    let rhythm = arma(&[(1, 2.0 * 0.98 * turn.cos()), (2, -0.98 * 0.98)], &[], 5, 3000);
    let series: Vec<f64> = rhythm.iter().zip(noise(6, 3000)).map(|(r, e)| 0.2 * r + e).collect();
    let start = cancelling::start(&Order::new(0, 0, 0), &[], &series).expect("a start");
    let model = Coefficients::from_free(&Order::new(2, 0, 2), &start);
    for pair in [&model.ar, &model.ma.iter().map(|c| -c).collect()] {
        let frequency = (pair[0] / (2.0 * (-pair[1]).sqrt())).acos();
        // The grid has 32 steps.
        assert_near(frequency, turn, std::f64::consts::PI / 32.0);
    }
    assert_near(model.ar[1], -model.ma[1], 0.1);
}

#[test]
fn starts_keep_away_from_roots_on_the_unit_circle() {
    let inside = [1.2, -0.5];
    let free = polynomial::nearest_free(inside.to_vec());
    for (found, wanted) in polynomial::coefficients(&free).iter().zip(inside) {
        assert_near(*found, wanted, 1e-12);
    }
    for wild in [vec![1.0], vec![2.0, -1.0], vec![0.0, 0.0, 5.0], vec![f64::NAN, 1.0]] {
        let pulled = polynomial::coefficients(&polynomial::nearest_free(wild));
        assert!(polynomial::roots_beyond(&pulled, 1.05), "{pulled:?}");
    }
}
