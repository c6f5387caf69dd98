//! Normal equations, gathered row by row, and the steps that they propose.

use super::super::linalg::{Cholesky, dot};

/// Rows that are gathered before the matrix is touched: each of its entries is then read once for all of them.
const BLOCK: usize = 8;

/// `J'J` and `J'e` of a least-squares problem, of which the rows of `J` come one after another.
#[derive(Clone, Debug)]
pub(super) struct Normal {
    /// Columns of `J`, a multiple of four.
    size: usize,
    /// Row by row; only the lower triangle is filled.
    matrix: Vec<f64>,
    gradient: Vec<f64>,
    /// The gathered rows, one after another.
    block: Vec<f64>,
}

impl Normal {
    pub(super) fn new(size: usize) -> Self {
        let size = size.next_multiple_of(4);
        Self {
            size,
            matrix: vec![0.0; size * size],
            gradient: vec![0.0; size],
            block: Vec::with_capacity(BLOCK * size),
        }
    }

    /// Adds a row of derivatives of the error `e`.
    pub(super) fn add(&mut self, row: &[f64], e: f64) {
        for (gradient, value) in self.gradient.iter_mut().zip(row) {
            *gradient += value * e;
        }
        self.block.extend_from_slice(row);
        if self.block.len() == BLOCK * self.size {
            self.gather();
        }
    }

    /// Adds what is left of the last block.
    pub(super) fn finish(&mut self) {
        self.block.resize(BLOCK * self.size, 0.0);
        self.gather();
    }

    fn gather(&mut self) {
        let size = self.size;
        for i in 0..size {
            // Whole lanes: the few entries above the diagonal are not read.
            let to = (i + 1).next_multiple_of(4);
            let row = &mut self.matrix[i * size..i * size + to];
            let factor: [f64; BLOCK] = std::array::from_fn(|k| self.block[k * size + i]);
            let rows: [&[f64]; BLOCK] = std::array::from_fn(|k| &self.block[k * size..k * size + to]);
            for j in 0..to {
                let mut sum = row[j];
                for k in 0..BLOCK {
                    sum += factor[k] * rows[k][j];
                }
                row[j] = sum;
            }
        }
        self.block.clear();
    }

    /// The step of Levenberg and Marquardt among the columns that are `free`, and by how much the linear model says
    /// that it lowers the sum of squares; `None` if the equations have no solution.
    ///
    /// Only columns from `linear` on are damped: in those before it the errors are linear, and no step is too far.
    pub(super) fn step(&self, damping: f64, linear: usize, free: &[bool]) -> Option<(Vec<f64>, f64)> {
        let size = self.size;
        let mut damped = self.matrix.clone();
        let mut gradient = self.gradient.clone();
        for i in 0..size {
            if free[i] && self.matrix[i * size + i] > 0.0 {
                let factor = if i < linear { 1e-10 } else { damping + 1e-10 };
                damped[i * size + i] *= 1.0 + factor;
                continue;
            }
            // A column that is held, or without any effect, does not move.
            gradient[i] = 0.0;
            damped[i * size..=i * size + i].fill(0.0);
            (i + 1..size).for_each(|row| damped[row * size + i] = 0.0);
            damped[i * size + i] = 1.0;
        }
        let step: Vec<f64> = Cholesky::new(&damped, size)?.solve(&gradient).into_iter().map(|s| -s).collect();
        let mut bend = 0.0;
        for (i, at) in step.iter().enumerate() {
            let row = &self.matrix[i * size..=i * size + i];
            bend += at * (2.0 * dot(row, &step[..=i]) - row[i] * at);
        }
        let promised = -2.0 * dot(&step, &gradient) - bend;
        (promised.is_finite() && step.iter().all(|s| s.is_finite())).then_some((step, promised))
    }

    /// The derivative of half the sum of squares by a column.
    pub(super) fn slope(&self, column: usize) -> f64 {
        self.gradient[column]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_regression_is_solved_in_one_step_and_keeps_its_promise() {
        // e = 3 x₁ − 2 x₂ + 1 from 0, in columns 1, x₁, x₂ and one that is held.
        let rows: Vec<[f64; 4]> = (0..21)
            .map(|t| [1.0, f64::from(t % 5), f64::from(t * t % 7), f64::from(t % 3)])
            .collect();
        let errors: Vec<f64> = rows.iter().map(|x| 3.0 * x[1] - 2.0 * x[2] + 1.0).collect();
        let mut normal = Normal::new(4);
        rows.iter().zip(&errors).for_each(|(row, &e)| normal.add(row, e));
        normal.finish();
        let (step, promised) = normal.step(0.0, 4, &[true, true, true, false]).expect("solvable");
        for (found, wanted) in step.iter().zip([-1.0, -3.0, 2.0, 0.0]) {
            assert!((found - wanted).abs() < 1e-8, "{step:?}");
        }
        assert!((promised / dot(&errors, &errors) - 1.0).abs() < 1e-8);
        let (short, less) = normal.step(1.0, 0, &[true; 4]).expect("solvable");
        assert!(short[1].abs() < 3.0 && less < promised);
    }
}
