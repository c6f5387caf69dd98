//! Linear algebra of small dense systems: the Cholesky factor of a symmetric positive definite matrix.

/// The lower triangular factor `L` of `A = L Lᵀ`.
#[derive(Clone, Debug)]
pub(crate) struct Cholesky {
    n: usize,
    /// Row by row, zeros and all.
    lower: Vec<f64>,
}

impl Cholesky {
    /// Factors an `n` × `n` matrix given row by row, of which only the lower triangle is read.
    ///
    /// `None` if the matrix is not positive definite to working precision. Cost n³/6 multiplications.
    pub(crate) fn new(a: &[f64], n: usize) -> Option<Self> {
        let mut lower = vec![0.0; n * n];
        for i in 0..n {
            for j in 0..=i {
                let rest = a[i * n + j] - dot(&lower[i * n..i * n + j], &lower[j * n..j * n + j]);
                if i > j {
                    lower[i * n + j] = rest / lower[j * n + j];
                } else if rest > 0.0 && rest.is_finite() {
                    lower[i * n + i] = rest.sqrt();
                } else {
                    return None;
                }
            }
        }
        Some(Self { n, lower })
    }

    /// Solves `A x = b`.
    pub(crate) fn solve(&self, b: &[f64]) -> Vec<f64> {
        let n = self.n;
        let mut x = b.to_vec();
        for i in 0..n {
            let row = &self.lower[i * n..i * n + i];
            x[i] = (x[i] - dot(row, &x[..i])) / self.lower[i * n + i];
        }
        for i in (0..n).rev() {
            let solved = x[i] / self.lower[i * n + i];
            x[i] = solved;
            for (value, factor) in x[..i].iter_mut().zip(&self.lower[i * n..i * n + i]) {
                *value -= factor * solved;
            }
        }
        x
    }
}

/// The scalar product, summed in four lanes so that it runs in vector registers; the order is fixed.
pub(crate) fn dot(a: &[f64], b: &[f64]) -> f64 {
    let mut lanes = [0.0; 4];
    let (heads, tails) = (a.chunks_exact(4), b.chunks_exact(4));
    let rest: f64 = heads
        .remainder()
        .iter()
        .zip(tails.remainder())
        .map(|(x, y)| x * y)
        .sum();
    for (x, y) in heads.zip(tails) {
        for (lane, (p, q)) in lanes.iter_mut().zip(x.iter().zip(y)) {
            *lane += p * q;
        }
    }
    (lanes[0] + lanes[1]) + (lanes[2] + lanes[3]) + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_system_with_a_known_answer_is_solved() {
        let a = [4.0, 2.0, 0.4, 2.0, 5.0, 1.0, 0.4, 1.0, 3.0];
        let x = [1.0, -2.0, 3.0];
        let b: Vec<f64> = (0..3).map(|i| dot(&a[i * 3..i * 3 + 3], &x)).collect();
        let found = Cholesky::new(&a, 3).expect("positive definite").solve(&b);
        for (found, wanted) in found.iter().zip(x) {
            assert!((found - wanted).abs() < 1e-14, "{found} for {wanted}");
        }
    }

    #[test]
    fn an_indefinite_matrix_has_no_factor() {
        assert!(Cholesky::new(&[1.0, 2.0, 2.0, 1.0], 2).is_none());
        assert!(Cholesky::new(&[f64::NAN], 1).is_none());
    }

    #[test]
    fn a_scalar_product_of_any_length_is_whole() {
        for n in 0..11_u32 {
            let ones: Vec<f64> = (0..n).map(f64::from).collect();
            let sum = f64::from(n * n.saturating_sub(1) / 2);
            assert!((dot(&ones, &vec![1.0; n as usize]) - sum).abs() < 1e-12);
        }
    }
}
