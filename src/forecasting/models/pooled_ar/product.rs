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
        let (inner, width) = (self.rows, self.columns);
        for (at, tile) in self.tiles.chunks_exact(inner).enumerate() {
            let columns = at * TILE..width.min((at + 1) * TILE);
            let mut put = |row: usize, sums: &[f64; TILE]| {
                out[row * width + columns.start..row * width + columns.end].copy_from_slice(&sums[..columns.len()]);
            };
            if left.len() == TILE * inner {
                for (row, sums) in four_rows(left, tile).iter().enumerate() {
                    put(row, sums);
                }
            } else {
                for (row, left) in left.chunks_exact(inner).enumerate() {
                    put(row, &one_row(left, tile));
                }
            }
        }
    }
}

/// The products of four rows with a tile of columns.
fn four_rows(left: &[f64], tile: &[[f64; TILE]]) -> [[f64; TILE]; 4] {
    let (first, rest) = left.split_at(tile.len());
    let (second, rest) = rest.split_at(tile.len());
    let (third, fourth) = rest.split_at(tile.len());
    let mut sums = [[0.0; TILE]; 4];
    for ((((right, one), two), three), four) in tile.iter().zip(first).zip(second).zip(third).zip(fourth) {
        for column in 0..TILE {
            sums[0][column] += one * right[column];
            sums[1][column] += two * right[column];
            sums[2][column] += three * right[column];
            sums[3][column] += four * right[column];
        }
    }
    sums
}

/// The product of one row with a tile of columns.
fn one_row(left: &[f64], tile: &[[f64; TILE]]) -> [f64; TILE] {
    let mut sums = [0.0; TILE];
    for (right, one) in tile.iter().zip(left) {
        for (sum, right) in sums.iter_mut().zip(right) {
            *sum += one * right;
        }
    }
    sums
}
