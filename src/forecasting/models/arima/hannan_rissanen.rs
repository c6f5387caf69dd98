//! Starting values of an ARMA model by two regressions (Hannan and Rissanen 1982, "Recursive estimation of mixed
//! autoregressive-moving average order").
//!
//! A long autoregression gives estimates of the noise; then the series is regressed on its own past and on that of the
//! noise. The products of all lags are made once, so each order costs no more than the solution of a small system. The
//! seasonal lags stand beside the short ones: what the product of the two polynomials adds is left out, as it may be of
//! a start. Uses sums only: no iteration, no start of its own.

use super::super::linalg::dot;
use super::least_squares::{dots, solve};
use super::order::Order;
use super::polynomial;
use super::sample::{DifferencedSample, Regression};

/// The products of a series with lags of itself and of its noise.
#[derive(Clone, Debug)]
pub(super) struct Products {
    /// Lags of the series, then those of the noise, in the order of `lags`.
    lags: [Vec<usize>; 2],
    /// The products of all columns, lower triangle; the last row is that of the series.
    matrix: Vec<Vec<f64>>,
}

impl Products {
    /// The products that orders up to `most` need; `None` if the series is too short for two regressions, or constant.
    pub(super) fn new(sample: &DifferencedSample, most: &Order) -> Option<Self> {
        let m = most.season_length;
        let of = |short: usize, seasonal: usize| -> Vec<usize> {
            (1..=short).chain((1..=seasonal).map(|j| j * m)).collect()
        };
        let lags = [of(most.p, most.seasonal_p), of(most.q, most.seasonal_q)];
        let longest = lags.iter().flatten().copied().max()?;
        #[expect(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "the power of a logarithm is small"
        )]
        let order = longest + (sample.series.len() as f64).ln().powf(1.5) as usize;
        // Both regressions lose what they look back on.
        let from = order + longest;
        if sample.series.len() < 2 * from {
            return None;
        }
        let columns: Vec<Vec<f64>> = sample.columns().map(<[f64]>::to_vec).collect();
        let series = &Regression::new(&columns)?.residuals;
        let noise = &noise(series, order)?;
        let columns: Vec<&[f64]> = [series, noise]
            .into_iter()
            .zip(&lags)
            .flat_map(|(x, lags)| lags.iter().map(move |lag| &x[from - lag..x.len() - lag]))
            .chain(std::iter::once(&series[from..]))
            .collect();
        let matrix = (0..columns.len()).map(|i| dots(columns[i], &columns[..=i])).collect();
        Some(Self { lags, matrix })
    }

    /// The free parameters of an order; `None` where the regression has no solution.
    pub(super) fn start(&self, order: &Order) -> Option<Vec<f64>> {
        let m = order.season_length;
        let place = |side: usize, lag: usize| {
            let before = if side == 0 { 0 } else { self.lags[0].len() };
            self.lags[side]
                .iter()
                .position(|&known| known == lag)
                .map(|at| before + at)
        };
        // In the order of the free parameters.
        let mut chosen = Vec::with_capacity(order.coefficients());
        for (side, count, step) in [
            (0, order.p, 1),
            (1, order.q, 1),
            (0, order.seasonal_p, m),
            (1, order.seasonal_q, m),
        ] {
            for k in 1..=count {
                chosen.push(place(side, k * step)?);
            }
        }
        let at = |i: usize, j: usize| self.matrix[i.max(j)][i.min(j)];
        let system = chosen
            .iter()
            .enumerate()
            .map(|(row, &i)| chosen[..=row].iter().map(|&j| at(i, j)).collect())
            .collect();
        let last = self.matrix.len() - 1;
        let with_series: Vec<f64> = chosen.iter().map(|&i| at(i, last)).collect();
        let found = solve(system, &with_series)?;
        let (ar, rest) = found.split_at(order.p);
        let (ma, rest) = rest.split_at(order.q);
        let (seasonal_ar, seasonal_ma) = rest.split_at(order.seasonal_p);
        let negated = |c: &[f64]| c.iter().map(|c| -c).collect::<Vec<_>>();
        let blocks = [ar.to_vec(), negated(ma), seasonal_ar.to_vec(), negated(seasonal_ma)];
        Some(blocks.into_iter().flat_map(polynomial::nearest_free).collect())
    }
}

/// The residuals of an autoregression of this order by the equations of Yule and Walker, zero where it has no past.
fn noise(series: &[f64], order: usize) -> Option<Vec<f64>> {
    let gamma: Vec<f64> = (0..=order)
        .map(|lag| dot(&series[lag..], &series[..series.len() - lag]))
        .collect();
    let phi = polynomial::yule_walker(&gamma)?;
    let mut noise = series.to_vec();
    noise[..order].fill(0.0);
    for (lag, phi) in (1..).zip(&phi) {
        for (out, value) in noise[order..].iter_mut().zip(&series[order - lag..]) {
            *out -= phi * value;
        }
    }
    Some(noise)
}
