//! Minimising a function without its gradient, by Nelder and Mead's simplex.
//!
//! It knows no models. For few variables it is thorough; for tens of them it is a walk of bounded length that improves
//! on its start, and is taken where just that is wanted.
//!
//! Source: Nelder and Mead (1965), *A simplex method for function minimization*, with the coefficients of Gao and Han
//! (2012), *Implementing the Nelder-Mead simplex algorithm with adaptive parameters*, which depend on the number of
//! variables. Points outside the bounds are moved onto them. Cost: one evaluation or two a step, and O(k²).
#![expect(clippy::cast_precision_loss, reason = "counts of variables are small")]

/// Where the walk ended.
#[derive(Clone, Debug)]
pub(crate) struct Lowest {
    /// The best point.
    pub(crate) x: Vec<f64>,
    /// The value there.
    pub(crate) value: f64,
    /// Steps taken.
    pub(crate) iterations: usize,
    /// Whether the limit on steps ended it.
    pub(crate) limited: bool,
}

/// When to stop.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SimplexLimits {
    /// Most steps to take.
    pub(crate) iterations: usize,
    /// The values at the corners are as good as equal when their standard deviation is below this.
    pub(crate) spread: f64,
}

/// Share by which a corner of the first simplex differs from the start, and what stands for a share of zero.
const FIRST: (f64, f64) = (0.05, 1e-4);

/// Walks downhill from `start`; `bounds` are the least and greatest value of each variable.
///
/// A value of `f` that is NaN counts as infinite.
pub(crate) fn descend(
    mut f: impl FnMut(&[f64]) -> f64,
    start: &[f64],
    bounds: &[(f64, f64)],
    limits: SimplexLimits,
) -> Lowest {
    let size = start.len();
    let k = size as f64;
    let (expansion, contraction, shrinkage) = (1.0 + 2.0 / k, 0.75 - 0.5 / k, 1.0 - 1.0 / k);
    let mut value_at = |x: &[f64]| {
        let value = f(x);
        if value.is_nan() { f64::INFINITY } else { value }
    };
    let clamp = |i: usize, value: f64| value.clamp(bounds[i].0, bounds[i].1);
    let start: Vec<f64> = start.iter().enumerate().map(|(i, &value)| clamp(i, value)).collect();
    // Corners with their values, the best first.
    let mut corners = vec![(value_at(&start), start.clone())];
    for i in 0..size {
        let mut corner = start.clone();
        let moved = if corner[i] == 0.0 {
            FIRST.1
        } else {
            corner[i] * (1.0 + FIRST.0)
        };
        corner[i] = clamp(i, moved);
        corners.push((value_at(&corner), corner));
    }
    let mut centre = vec![0.0; size];
    let mut trial = vec![0.0; size];
    let mut second = vec![0.0; size];
    let mut iterations = 0;
    corners.sort_by(|a, b| a.0.total_cmp(&b.0));
    while iterations < limits.iterations && spread(&corners) >= limits.spread {
        iterations += 1;
        let (best, nearly_worst, worst) = (corners[0].0, corners[size - 1].0, corners[size].0);
        for (i, value) in centre.iter_mut().enumerate() {
            *value = corners[..size].iter().map(|(_, corner)| corner[i]).sum::<f64>() / k;
        }
        let towards = |point: &mut [f64], target: &[f64], share: f64| {
            for (i, value) in point.iter_mut().enumerate() {
                *value = clamp(i, centre[i] + share * (target[i] - centre[i]));
            }
        };
        towards(&mut trial, &corners[size].1, -1.0);
        let reflected = value_at(&trial);
        let accepted = if reflected < best {
            towards(&mut second, &trial, expansion);
            let expanded = value_at(&second);
            if expanded < reflected {
                std::mem::swap(&mut trial, &mut second);
                Some(expanded)
            } else {
                Some(reflected)
            }
        } else if reflected < nearly_worst {
            Some(reflected)
        } else {
            let is_outside = reflected < worst;
            towards(&mut second, &trial, if is_outside { contraction } else { -contraction });
            let contracted = value_at(&second);
            std::mem::swap(&mut trial, &mut second);
            let is_better = if is_outside {
                contracted <= reflected
            } else {
                contracted < worst
            };
            is_better.then_some(contracted)
        };
        if let Some(value) = accepted {
            corners[size].0 = value;
            corners[size].1.copy_from_slice(&trial);
            let place = corners[..size].partition_point(|(other, _)| *other <= value);
            corners[place..].rotate_right(1);
            continue;
        }
        let (first, others) = corners.split_at_mut(1);
        for (value, corner) in others {
            for (i, at) in corner.iter_mut().enumerate() {
                *at = clamp(i, first[0].1[i] + shrinkage * (*at - first[0].1[i]));
            }
            *value = value_at(corner);
        }
        corners.sort_by(|a, b| a.0.total_cmp(&b.0));
    }
    let limited = iterations == limits.iterations && spread(&corners) >= limits.spread;
    let (value, x) = corners.swap_remove(0);
    Lowest {
        x,
        value,
        iterations,
        limited,
    }
}

/// Standard deviation of the values; infinite while a corner lies outside the domain.
fn spread(corners: &[(f64, Vec<f64>)]) -> f64 {
    let n = corners.len() as f64;
    let mean = corners.iter().map(|(value, _)| value).sum::<f64>() / n;
    if !mean.is_finite() {
        return f64::INFINITY;
    }
    (corners.iter().map(|(value, _)| (value - mean).powi(2)).sum::<f64>() / n).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: SimplexLimits = SimplexLimits {
        iterations: 2000,
        spread: 1e-14,
    };

    fn valley(x: &[f64]) -> f64 {
        100.0 * (x[1] - x[0] * x[0]).powi(2) + (1.0 - x[0]).powi(2)
    }

    #[test]
    fn the_valley_of_rosenbrock_is_followed_to_its_end() {
        let found = descend(valley, &[-1.2, 1.0], &[(-2.0, 2.0); 2], LIMITS);
        assert!(
            !found.limited && found.x.iter().all(|x| (x - 1.0).abs() < 1e-5),
            "{found:?}"
        );
    }

    #[test]
    fn bounds_hold_and_the_limit_on_steps_is_reported() {
        let found = descend(valley, &[-1.2, 1.0], &[(-2.0, 0.5), (-2.0, 2.0)], LIMITS);
        assert!(
            (found.x[0] - 0.5).abs() < 1e-6 && (found.x[1] - 0.25).abs() < 1e-5,
            "{found:?}"
        );
        let short = descend(
            valley,
            &[-1.2, 1.0],
            &[(-2.0, 2.0); 2],
            SimplexLimits {
                iterations: 5,
                ..LIMITS
            },
        );
        assert!(short.limited && short.iterations == 5);
        assert!(short.value <= valley(&[-1.2, 1.0]));
    }

    #[test]
    fn nowhere_is_reported_by_an_infinite_value() {
        assert!(descend(|_| f64::NAN, &[1.0], &[(0.0, 2.0)], LIMITS).value.is_infinite());
    }
}
