//! A differenced series with its regressors, and least squares on them.

use super::super::linalg::dot;
use super::least_squares::{dots, solve};

/// A differenced series with its differenced regressors.
#[derive(Clone, Debug, Default)]
pub(super) struct DifferencedSample {
    /// The series.
    pub(super) series: Vec<f64>,
    /// Columns as long as the series.
    pub(super) regressors: Vec<Vec<f64>>,
}

impl DifferencedSample {
    /// The series, then the regressors.
    pub(super) fn columns(&self) -> impl Iterator<Item = &[f64]> {
        std::iter::once(self.series.as_slice()).chain(self.regressors.iter().map(Vec::as_slice))
    }

    /// The series less what the regressors with these coefficients explain.
    pub(super) fn without_regressors(&self, coefficients: &[f64]) -> Vec<f64> {
        let mut rest = self.series.clone();
        subtract(&self.regressors, coefficients, &mut rest);
        rest
    }
}

/// Takes `Σ c_j x_j` away from a series.
pub(super) fn subtract(columns: &[Vec<f64>], coefficients: &[f64], from: &mut [f64]) {
    for (column, c) in columns.iter().zip(coefficients) {
        for (out, value) in from.iter_mut().zip(column) {
            *out -= c * value;
        }
    }
}

/// The least-squares regression of the first of some columns on the others.
pub(super) struct Regression {
    /// One coefficient for each of the others.
    pub(super) coefficients: Vec<f64>,
    /// What is left of the first column.
    pub(super) residuals: Vec<f64>,
    /// The products of the others, lower triangle.
    products: Vec<Vec<f64>>,
}

impl Regression {
    /// `None` if the regressors do not determine their coefficients.
    pub(super) fn new(columns: &[Vec<f64>]) -> Option<Self> {
        let (series, regressors) = columns.split_first()?;
        let products: Vec<Vec<f64>> = regressors
            .iter()
            .enumerate()
            .map(|(i, a)| regressors[..=i].iter().map(|b| dot(a, b)).collect())
            .collect();
        let with_series: Vec<f64> = regressors.iter().map(|column| dot(column, series)).collect();
        let coefficients = solve(products.clone(), &with_series)?;
        let mut residuals = series.clone();
        subtract(regressors, &coefficients, &mut residuals);
        Some(Self {
            coefficients,
            residuals,
            products,
        })
    }

    /// Takes away from other columns what the same regressors explain of them.
    pub(super) fn project_out(&self, regressors: &[Vec<f64>], columns: &mut [Vec<f64>]) {
        let all: Vec<&[f64]> = columns.iter().map(Vec::as_slice).collect();
        let products: Vec<Vec<f64>> = regressors.iter().map(|x| dots(x, &all)).collect();
        for (i, column) in columns.iter_mut().enumerate() {
            let with_column: Vec<f64> = products.iter().map(|with_all| with_all[i]).collect();
            if let Some(coefficients) = solve(self.products.clone(), &with_column) {
                subtract(regressors, &coefficients, column);
            }
        }
    }
}
