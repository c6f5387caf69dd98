//! Products of tall dense matrices, in tiles that stay in registers; the order of each sum is fixed.

use rayon::prelude::*;

/// Columns that are worked on together.
const TILE: usize = 4;

/// The right-hand factor: tiles of columns, each row by row; columns that fill up the last tile are zero.
pub(crate) struct PackedColumns {
    rows: usize,
    columns: usize,
    tiles: Vec<[f64; TILE]>,
}

impl PackedColumns {
    /// Packs a `rows` × `columns` matrix whose element (row, column) is `at(row, column)`.
    pub(crate) fn new(rows: usize, columns: usize, at: impl Fn(usize, usize) -> f64) -> Self {
        let mut tiles = Vec::with_capacity(columns.div_ceil(TILE) * rows);
        for first in (0..columns).step_by(TILE) {
            for row in 0..rows {
                let mut tile = [0.0; TILE];
                for (offset, cell) in tile.iter_mut().enumerate().take(columns - first) {
                    *cell = at(row, first + offset);
                }
                tiles.push(tile);
            }
        }
        Self { rows, columns, tiles }
    }

    /// The product of `left`, of as many columns as this matrix has rows and given row by row, with this matrix: row by row.
    pub(crate) fn product(&self, left: &[f64]) -> Vec<f64> {
        if self.rows == 0 || self.columns == 0 {
            return Vec::new();
        }
        let mut whole = vec![0.0; left.len() / self.rows * self.columns];
        whole
            .par_chunks_mut(TILE * self.columns)
            .zip(left.par_chunks(TILE * self.rows))
            .for_each(|(out, left)| self.block(left, out));
        whole
    }

    /// A few rows of the product.
    fn block(&self, left: &[f64], out: &mut [f64]) {
        let (k, n) = (self.rows, self.columns);
        for (at, tile) in self.tiles.chunks_exact(k).enumerate() {
            let first = at * TILE;
            let width = TILE.min(n - first);
            if left.len() == TILE * k {
                let (a, rest) = left.split_at(k);
                let (b, rest) = rest.split_at(k);
                let (c, d) = rest.split_at(k);
                let mut sums = [[0.0; TILE]; 4];
                for ((((right, a), b), c), d) in tile.iter().zip(a).zip(b).zip(c).zip(d) {
                    for j in 0..TILE {
                        sums[0][j] += a * right[j];
                        sums[1][j] += b * right[j];
                        sums[2][j] += c * right[j];
                        sums[3][j] += d * right[j];
                    }
                }
                for (row, sums) in sums.iter().enumerate() {
                    out[row * n + first..row * n + first + width].copy_from_slice(&sums[..width]);
                }
            } else {
                for (row, left) in left.chunks_exact(k).enumerate() {
                    let mut sums = [0.0; TILE];
                    for (right, a) in tile.iter().zip(left) {
                        for j in 0..TILE {
                            sums[j] += a * right[j];
                        }
                    }
                    out[row * n + first..row * n + first + width].copy_from_slice(&sums[..width]);
                }
            }
        }
    }
}
