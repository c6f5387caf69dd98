//! The profile of a week, by hour: a fading mean of past weeks, smoothed, and of low rank.

#![expect(clippy::cast_precision_loss, reason = "a series is far shorter than 2^52")]

/// What a week counts for beside the one after it.
const FADING: f64 = 0.8;

/// How many patterns of a day the days of the week are made of.
const RANK: usize = 4;

/// Sweeps of the rotations after which a symmetric matrix of a few rows is diagonal to working precision.
const SWEEPS: usize = 60;

/// The profile of the next `long` values relative to their mean, the first being that of the next step; `None` of less
/// than one whole `long` season.
///
/// With P the fading mean of the weeks before the end, each less its own mean, as a table of days; B the mean day; and the
/// rest P − B smoothed around the week with weights 0.1, 0.8 and 0.1: B and the rest together, at rank 4. Where the long
/// season is not made of whole short ones, there are no days, and the profile is P.
pub(crate) fn profile(x: &[f64], short: usize, long: usize) -> Option<Vec<f64>> {
    let weeks = x.len() / long;
    let mut profile = vec![0.0; long];
    let (mut weight, mut total) = (1.0, 0.0);
    for week in 0..weeks {
        let end = x.len() - week * long;
        let values = &x[end - long..end];
        let level = mean(values);
        for (sum, value) in profile.iter_mut().zip(values) {
            *sum += weight * (value - level);
        }
        total += weight;
        weight *= FADING;
    }
    if weeks == 0 {
        return None;
    }
    for value in &mut profile {
        *value /= total;
    }
    if long == short || !long.is_multiple_of(short) {
        return Some(profile);
    }
    let days = long / short;
    let day: Vec<f64> = (0..short)
        .map(|hour| profile.iter().skip(hour).step_by(short).sum::<f64>() / days as f64)
        .collect();
    let rest: Vec<f64> = profile.iter().zip(day.iter().cycle()).map(|(p, b)| p - b).collect();
    let smooth = |at: usize| 0.1 * rest[(at + long - 1) % long] + 0.8 * rest[at] + 0.1 * rest[(at + 1) % long];
    let whole: Vec<f64> = (0..long).map(|at| day[at % short] + smooth(at)).collect();
    Some(of_low_rank(whole, days, short))
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// The nearest matrix of rank [`RANK`] to one of `rows` rows (Eckart and Young, 1936): its projection on the first left
/// singular vectors, which are those of M Mᵀ.
fn of_low_rank(matrix: Vec<f64>, rows: usize, columns: usize) -> Vec<f64> {
    if rows <= RANK || columns <= RANK {
        return matrix;
    }
    let row = |i: usize| &matrix[i * columns..(i + 1) * columns];
    let product = |i: usize, j: usize| row(i).iter().zip(row(j)).map(|(a, b)| a * b).sum::<f64>();
    let gram: Vec<f64> = (0..rows * rows).map(|at| product(at / rows, at % rows)).collect();
    let (values, vectors) = eigen(gram, rows);
    let mut order: Vec<usize> = (0..rows).collect();
    order.sort_by(|&a, &b| values[b].total_cmp(&values[a]));
    let mut nearest = vec![0.0; rows * columns];
    for &vector in &order[..RANK] {
        let part = |column: usize| {
            (0..rows)
                .map(|i| vectors[i * rows + vector] * matrix[i * columns + column])
                .sum()
        };
        let parts: Vec<f64> = (0..columns).map(part).collect();
        for (i, line) in nearest.chunks_exact_mut(columns).enumerate() {
            for (value, part) in line.iter_mut().zip(&parts) {
                *value += vectors[i * rows + vector] * part;
            }
        }
    }
    nearest
}

/// The eigenvalues of a symmetric matrix, and their vectors as columns: Jacobi's rotations (1846), row by row.
fn eigen(mut a: Vec<f64>, n: usize) -> (Vec<f64>, Vec<f64>) {
    let mut vectors: Vec<f64> = (0..n * n).map(|at| f64::from(u8::from(at / n == at % n))).collect();
    for _ in 0..SWEEPS {
        let off: f64 = (0..n * n).filter(|at| at / n != at % n).map(|at| a[at].abs()).sum();
        if off == 0.0 {
            break;
        }
        for p in 0..n {
            for q in p + 1..n {
                rotate(&mut a, &mut vectors, n, (p, q));
            }
        }
    }
    ((0..n).map(|i| a[i * n + i]).collect(), vectors)
}

/// Turns the plane of two rows and columns of an `n` × `n` matrix so that their element becomes zero.
fn rotate(matrix: &mut [f64], vectors: &mut [f64], n: usize, (p, q): (usize, usize)) {
    let between = matrix[p * n + q];
    let (one, other) = (matrix[p * n + p], matrix[q * n + q]);
    // What no longer changes the diagonal is zero.
    if between.abs() < 1e-300 || between.abs() < f64::EPSILON * 1e-3 * one.abs().min(other.abs()) {
        (matrix[p * n + q], matrix[q * n + p]) = (0.0, 0.0);
        return;
    }
    let slope = (other - one) / 2.0 / between;
    let tangent = slope.signum() / (slope.abs() + slope.hypot(1.0));
    let cosine = 1.0 / tangent.hypot(1.0);
    let sine = tangent * cosine;
    let turn = |values: &mut [f64], left: usize, right: usize| {
        let (before, after) = (values[left], values[right]);
        values[left] = cosine * before - sine * after;
        values[right] = sine * before + cosine * after;
    };
    for at in 0..n {
        turn(matrix, at * n + p, at * n + q);
    }
    for at in 0..n {
        turn(matrix, p * n + at, q * n + at);
        turn(vectors, at * n + p, at * n + q);
    }
}

/// What follows: the profile around the mean of the last long season.
pub(crate) fn path(x: &[f64], short: usize, long: usize, horizon: usize) -> Option<Vec<f64>> {
    let profile = profile(x, short, long)?;
    let level = mean(&x[x.len() - long..]);
    Some(
        profile
            .iter()
            .cycle()
            .take(horizon)
            .map(|value| level + value)
            .collect(),
    )
}
