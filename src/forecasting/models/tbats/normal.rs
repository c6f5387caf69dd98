//! Normal equations, gathered row by row, and the steps that they propose.

use super::super::linalg::{Cholesky, dot};

/// Rows that are gathered before the matrix is touched: each of its entries is then read once for all of them.
const BLOCK: usize = 8;

/// What is added to the squares of a column, as a share of them.
const RIDGE: f64 = 1e-11;

/// `J'J` and `J'e` of a least-squares problem, of which the rows of `J` come one after another.
#[derive(Clone, Debug)]
pub(super) struct PartitionedEquations {
    /// Columns of `J`, a multiple of four.
    size: usize,
    /// Row by row; only the lower triangle is filled.
    matrix: Vec<f64>,
    /// Half the derivative of the sum of squares by each column.
    pub(super) gradient: Vec<f64>,
    /// The gathered rows, one after another.
    block: Vec<f64>,
}

impl PartitionedEquations {
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
            let sums = &mut self.matrix[i * size..][..to];
            for half in self.block.chunks_exact(BLOCK / 2 * size) {
                let [a, b, c, d] = std::array::from_fn(|k| &half[k * size..][..to]);
                let [by_a, by_b, by_c, by_d] = std::array::from_fn(|k| half[k * size + i]);
                for (sum, (((a, b), c), d)) in sums.iter_mut().zip(a.iter().zip(b).zip(c).zip(d)) {
                    *sum += (by_a * a + by_b * b) + (by_c * c + by_d * d);
                }
            }
        }
        self.block.clear();
    }

    /// Solves for the first `linear` columns, in which the errors are linear, once for all steps of the others.
    ///
    /// `None` if the equations have no solution.
    pub(super) fn reduced(&self, linear: usize) -> Option<Reduced> {
        let size = self.size;
        let mut first = vec![0.0; linear * linear];
        for (i, row) in first.chunks_exact_mut(linear).enumerate() {
            row[..=i].copy_from_slice(&self.matrix[i * size..=i * size + i]);
            // A column without any effect does not move; the little that is added settles what two columns share.
            row[i] = if row[i] > 0.0 { row[i] * (1.0 + RIDGE) } else { 1.0 };
        }
        let first = Cholesky::new(&first, linear)?;
        // What of each column, and of the errors, the linear columns explain.
        let others: Vec<&[f64]> = (linear..size)
            .map(|i| &self.matrix[i * size..i * size + linear])
            .collect();
        let shares: Vec<Vec<f64>> = others.iter().map(|column| first.solve(column)).collect();
        let start = first.solve(&self.gradient[..linear]);
        let count = others.len();
        let mut matrix = vec![0.0; count * count];
        for i in 0..count {
            for j in 0..=i {
                let value = self.matrix[(linear + i) * size + linear + j] - dot(others[i], &shares[j]);
                matrix[i * count + j] = value;
                matrix[j * count + i] = value;
            }
        }
        let gradient = (0..count)
            .map(|i| self.gradient[linear + i] - dot(others[i], &start))
            .collect();
        Some(Reduced {
            gain: dot(&start, &self.gradient[..linear]),
            start,
            shares,
            matrix,
            gradient,
            whole: (0..count).map(|i| self.matrix[(linear + i) * (size + 1)]).collect(),
        })
    }
}

/// The equations of the columns that are left when the linear ones follow them.
#[derive(Clone, Debug)]
pub(super) struct Reduced {
    /// By how much the linear columns alone lower the sum of squares.
    pub(super) gain: f64,
    /// Their step, negated, if the others stay.
    start: Vec<f64>,
    /// How they answer each of the others, negated.
    shares: Vec<Vec<f64>>,
    matrix: Vec<f64>,
    /// Half the derivative of the sum of squares by each of the others.
    pub(super) gradient: Vec<f64>,
    /// Squares of the other columns before anything was explained.
    whole: Vec<f64>,
}

impl Reduced {
    /// The step of Levenberg and Marquardt among those of the others that are `free`, and by how much the linear model
    /// says that it lowers the sum of squares.
    pub(super) fn step(&self, damping: f64, free: &[bool]) -> Option<(Vec<f64>, f64)> {
        let count = self.gradient.len();
        let mut damped = self.matrix.clone();
        let mut gradient = self.gradient.clone();
        for i in 0..count {
            if free[i] && self.whole[i] > 0.0 {
                damped[i * count + i] += damping * self.matrix[i * count + i].max(0.0) + RIDGE * self.whole[i];
                continue;
            }
            gradient[i] = 0.0;
            (0..count).for_each(|j| (damped[i * count + j], damped[j * count + i]) = (0.0, 0.0));
            damped[i * count + i] = 1.0;
        }
        let step: Vec<f64> = Cholesky::new(&damped, count)?
            .solve(&gradient)
            .into_iter()
            .map(|s| -s)
            .collect();
        let bend: f64 = step
            .iter()
            .zip(self.matrix.chunks_exact(count))
            .map(|(s, row)| s * dot(row, &step))
            .sum();
        let promised = self.gain - 2.0 * dot(&step, &gradient) - bend;
        let mut all: Vec<f64> = self.start.iter().map(|s| -s).collect();
        for (share, by) in self.shares.iter().zip(&step) {
            all.iter_mut()
                .zip(share)
                .for_each(|(value, share)| *value -= share * by);
        }
        all.extend(step);
        (promised.is_finite() && all.iter().all(|s| s.is_finite())).then_some((all, promised))
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
        let mut normal = PartitionedEquations::new(4);
        rows.iter().zip(&errors).for_each(|(row, &e)| normal.add(row, e));
        normal.finish();
        let reduced = normal.reduced(2).expect("solvable");
        let (step, promised) = reduced.step(0.0, &[true, false]).expect("solvable");
        for (found, wanted) in step.iter().zip([-1.0, -3.0, 2.0, 0.0]) {
            assert!((found - wanted).abs() < 1e-8, "{step:?}");
        }
        assert!((promised / dot(&errors, &errors) - 1.0).abs() < 1e-8);
        let (short, less) = reduced.step(1.0, &[true; 2]).expect("solvable");
        assert!(short[2].abs() < 2.0 && less < promised);
    }
}
