//! Non-linear least squares by Levenberg and Marquardt: the one optimiser of both likelihoods.
//!
//! A fit by conditional sum of squares is a least-squares problem as it is. So is one by exact likelihood, whose
//! concentrated form is minimised where `Σ (v_t / sqrt(F_t))^2 · (Π F_t)^(1/n)` is (Ljung and Box 1979), a sum of
//! squares too. Gauss-Newton steps then converge in a handful of iterations, where a quasi-Newton method would first
//! have to learn the curvature; the damping makes every step a descent.

use super::super::linalg::dot;

/// A sum of squared residuals to be minimised.
pub(super) trait LeastSquares {
    /// What is known at some parameters, of which derivatives make use where a step was tried and taken.
    type Point;

    /// The residuals at some parameters; `None` where there are none.
    fn at(&self, free: &[f64]) -> Option<Self::Point>;

    /// The sum of squares.
    fn value(&self, point: &Self::Point) -> f64;

    /// What a Gauss-Newton step needs to know of the derivatives `J`; `None` to end the search.
    fn normal(&mut self, free: &[f64], point: &Self::Point) -> Option<NormalEquations>;
}

/// Normal equations: one row of `J` for each parameter.
#[derive(Default)]
pub(super) struct NormalEquations {
    /// `J J'`, lower triangle.
    pub(super) matrix: Vec<Vec<f64>>,
    /// `J r`: half the gradient of the sum of squares.
    pub(super) gradient: Vec<f64>,
}

impl NormalEquations {
    /// The normal equations of rows of derivatives.
    pub(super) fn new(rows: &[Vec<f64>], residuals: &[f64]) -> Self {
        let columns: Vec<&[f64]> = rows.iter().map(Vec::as_slice).collect();
        Self {
            matrix: (0..rows.len()).map(|i| dots(columns[i], &columns[..=i])).collect(),
            gradient: dots(residuals, &columns),
        }
    }

    /// The same in other parameters, of which row `i` of `by` holds the derivatives of the present ones by the `i`-th.
    pub(super) fn in_terms_of(&self, by: &[Vec<f64>]) -> Self {
        let at = |i: usize, j: usize| if i >= j { self.matrix[i][j] } else { self.matrix[j][i] };
        let half: Vec<Vec<f64>> = by
            .iter()
            .map(|row| {
                (0..row.len())
                    .map(|j| row.iter().enumerate().map(|(i, d)| d * at(i, j)).sum())
                    .collect()
            })
            .collect();
        let matrix = half
            .iter()
            .enumerate()
            .map(|(i, a)| by[..=i].iter().map(|b| dot(a, b)).collect())
            .collect();
        Self {
            matrix,
            gradient: by.iter().map(|row| dot(row, &self.gradient)).collect(),
        }
    }
}

/// The scalar products of one column with some others, each the same to the bit as [`dot`] has it.
///
/// A sum has to wait for the one before, so four of them go side by side in the time of one.
pub(super) fn dots(a: &[f64], others: &[&[f64]]) -> Vec<f64> {
    let mut products = Vec::with_capacity(others.len());
    for group in others.chunks(4) {
        if let Some(&four) = group.first_chunk::<4>() {
            products.extend(dots_of(a, four));
        } else if let Some(&three) = group.first_chunk::<3>() {
            products.extend(dots_of(a, three));
        } else if let Some(&two) = group.first_chunk::<2>() {
            products.extend(dots_of(a, two));
        } else {
            products.extend(group.iter().map(|other| dot(a, other)));
        }
    }
    products
}

/// [`dots`] with this many others.
fn dots_of<const K: usize>(a: &[f64], others: [&[f64]; K]) -> [f64; K] {
    let mut lanes = [[0.0; 4]; K];
    let whole = a.len() / 4;
    let others = others.map(|other| other.as_chunks::<4>());
    let (heads, rest) = a.as_chunks::<4>();
    let columns = others.map(|(column, _)| &column[..whole]);
    for (t, x) in heads.iter().enumerate() {
        for k in 0..K {
            for lane in 0..4 {
                lanes[k][lane] += x[lane] * columns[k][t][lane];
            }
        }
    }
    std::array::from_fn(|k| {
        let rest: f64 = rest.iter().zip(others[k].1).map(|(x, y)| x * y).sum();
        (lanes[k][0] + lanes[k][1]) + (lanes[k][2] + lanes[k][3]) + rest
    })
}

/// Where an optimisation ended.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct LeastSquaresMinimum {
    /// The parameters.
    pub(super) at: Vec<f64>,
    /// The sum of squares there.
    pub(super) value: f64,
    /// Steps taken or tried.
    pub(super) iterations: usize,
    /// Whether the iterations ended because no more were allowed.
    pub(super) stopped_early: bool,
}

/// When to end an optimisation.
#[derive(Clone, Copy, Debug)]
pub(super) struct StopRule {
    /// After this many iterations.
    pub(super) max_iterations: usize,
    /// When a step promises less than this, relative to the sum of squares.
    pub(super) tolerance: f64,
}

/// The damping beyond which no step is expected to help any more.
const MOST_DAMPING: f64 = 1e12;

/// Minimises a sum of squares from a start; gives what is known at the minimum too.
///
/// Parameters without residuals make the steps shorter. `None` if there are none at the start.
pub(super) fn minimise<P: LeastSquares>(
    problem: &mut P,
    start: Vec<f64>,
    stop: StopRule,
) -> Option<(LeastSquaresMinimum, P::Point)> {
    let free = !start.is_empty();
    let mut here = problem.at(&start)?;
    let value = problem.value(&here);
    let mut best = LeastSquaresMinimum {
        at: start,
        value,
        iterations: 0,
        stopped_early: false,
    };
    if !free || !value.is_finite() {
        return value.is_finite().then_some((best, here));
    }
    let mut normal = problem.normal(&best.at, &here)?;
    let mut damping = 1e-3;
    while damping <= MOST_DAMPING {
        if best.iterations >= stop.max_iterations {
            best.stopped_early = true;
            break;
        }
        best.iterations += 1;
        let Some((change, promised)) = damped_step(&normal, damping) else {
            damping *= 10.0;
            continue;
        };
        if promised <= stop.tolerance * best.value {
            break;
        }
        let tried: Vec<f64> = best.at.iter().zip(&change).map(|(at, change)| at + change).collect();
        let there = problem.at(&tried).map(|there| (problem.value(&there), there));
        if let Some((value, there)) = there.filter(|(value, _)| *value < best.value) {
            damping = next_damping(damping, (best.value - value) / promised);
            best.at = tried;
            best.value = value;
            here = there;
            let Some(next) = problem.normal(&best.at, &here) else {
                break;
            };
            normal = next;
        } else {
            damping *= 8.0;
        }
    }
    Some((best, here))
}

/// The damping after a step that kept this share of its promise.
fn next_damping(damping: f64, kept: f64) -> f64 {
    let factor = if kept > 0.75 {
        0.1
    } else if kept < 0.25 {
        3.0
    } else {
        1.0
    };
    (damping * factor).max(1e-12)
}

/// `Σ x^2`, in four lanes so that it runs in vector registers; the order is fixed.
pub(super) fn sum_of_squares(x: &[f64]) -> f64 {
    dot(x, x)
}

/// The step `-(N + damping diag N)^-1 g`, and by how much the linear model says that it lowers the sum of squares.
fn damped_step(normal: &NormalEquations, damping: f64) -> Option<(Vec<f64>, f64)> {
    let NormalEquations { matrix, gradient } = normal;
    let mut damped = matrix.clone();
    let largest = (0..matrix.len()).map(|i| matrix[i][i]).fold(0.0, f64::max);
    for (i, row) in damped.iter_mut().enumerate() {
        // A parameter without any effect gets a little curvature, so that the others can still move.
        row[i] += damping * row[i] + 1e-14 * largest;
    }
    let step = solve(damped, gradient)?.into_iter().map(|s| -s).collect::<Vec<_>>();
    let along = dot(&step, gradient);
    let mut bend = 0.0;
    for (i, row) in matrix.iter().enumerate() {
        for (j, value) in row.iter().enumerate() {
            bend += value * step[i] * step[j] * if i == j { 1.0 } else { 2.0 };
        }
    }
    Some((step, -2.0 * along - bend))
}

/// Solves `A x = b` for a symmetric positive definite `A` given by its lower triangle; `None` if it is not.
pub(super) fn solve(a: Vec<Vec<f64>>, b: &[f64]) -> Option<Vec<f64>> {
    let (lower, mut x) = cholesky(a, b)?;
    for i in (0..x.len()).rev() {
        x[i] /= lower[i][i];
        let solved = x[i];
        for (value, factor) in x[..i].iter_mut().zip(&lower[i][..i]) {
            *value -= factor * solved;
        }
    }
    Some(x)
}

/// The Cholesky factor `L` of a matrix given by its lower triangle, and `L^-1 b`; `None` if it has none.
pub(super) fn cholesky(mut a: Vec<Vec<f64>>, b: &[f64]) -> Option<(Vec<Vec<f64>>, Vec<f64>)> {
    let mut x = b.to_vec();
    for i in 0..b.len() {
        let (above, below) = a.split_at_mut(i);
        let row = &mut below[0];
        for (j, other) in above.iter().enumerate() {
            row[j] = (row[j] - dot(&row[..j], &other[..j])) / other[j];
        }
        let rest = row[i] - dot(&row[..i], &row[..i]);
        if rest.is_nan() || rest <= 0.0 || rest.is_infinite() {
            return None;
        }
        row[i] = rest.sqrt();
        x[i] = (x[i] - dot(&row[..i], &x[..i])) / row[i];
    }
    Some((a, x))
}
