//! Minimising a function without its gradient, by Nelder and Mead's simplex.
//!
//! It knows no models. For few variables it is thorough; for tens of them it is a walk of bounded length that improves
//! on its start, and is taken where just that is wanted.
//!
//! Source: Nelder and Mead (1965), *A simplex method for function minimization*, with the coefficients of Gao and Han
//! (2012), *Implementing the Nelder-Mead simplex algorithm with adaptive parameters*, which depend on the number of
//! variables. Points outside the bounds are moved onto them. Cost: one evaluation or two a step, and O(k²).
//! A walk asks for its values one after the other, and its owner evaluates: so several walks can go side by side.
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

/// A walk downhill that asks for one value after another, so that several can go side by side.
#[derive(Debug)]
pub(crate) struct Simplex {
    bounds: Vec<(f64, f64)>,
    limits: SimplexLimits,
    /// Corners with their values, the best first once all have one.
    corners: Vec<(f64, Vec<f64>)>,
    centre: Vec<f64>,
    /// The point that the worst corner may move to.
    trial: Vec<f64>,
    /// A point beyond or before that one.
    second: Vec<f64>,
    asked: Asked,
    iterations: usize,
    limited: bool,
}

/// What the next value is for.
#[derive(Clone, Copy, Debug)]
enum Asked {
    /// A corner, then those after it.
    Corner(usize),
    /// The worst corner reflected at the centre of the others.
    Reflected,
    /// A point as far again, where the reflected one is better than all.
    Expanded { reflected: f64 },
    /// A point closer to the centre, on the side of the reflected one or on the other.
    Contracted { reflected: f64, is_outside: bool },
    /// Nothing: the walk has ended.
    Nothing,
}

impl Simplex {
    /// A walk from `start`; `bounds` are the least and greatest value of each variable.
    pub(crate) fn new(start: &[f64], bounds: &[(f64, f64)], limits: SimplexLimits) -> Self {
        let start: Vec<f64> = start
            .iter()
            .zip(bounds)
            .map(|(x, (low, high))| x.clamp(*low, *high))
            .collect();
        let mut corners = vec![(f64::INFINITY, start.clone())];
        for (i, (low, high)) in bounds.iter().enumerate() {
            let mut corner = start.clone();
            let moved = if corner[i] == 0.0 {
                FIRST.1
            } else {
                corner[i] * (1.0 + FIRST.0)
            };
            corner[i] = moved.clamp(*low, *high);
            corners.push((f64::INFINITY, corner));
        }
        Self {
            bounds: bounds.to_vec(),
            limits,
            corners,
            centre: start.clone(),
            trial: start.clone(),
            second: start,
            asked: Asked::Corner(0),
            iterations: 0,
            limited: false,
        }
    }

    /// The point whose value is wanted; `None` at the end of the walk.
    pub(crate) fn point(&self) -> Option<&[f64]> {
        match self.asked {
            Asked::Corner(at) => Some(&self.corners[at].1),
            Asked::Reflected => Some(&self.trial),
            Asked::Expanded { .. } | Asked::Contracted { .. } => Some(&self.second),
            Asked::Nothing => None,
        }
    }

    /// Takes the value at the point that was asked for; one that is NaN counts as infinite.
    pub(crate) fn tell(&mut self, value: f64) {
        let value = if value.is_nan() { f64::INFINITY } else { value };
        let size = self.bounds.len();
        let k = size as f64;
        match self.asked {
            Asked::Corner(at) => {
                self.corners[at].0 = value;
                if at < size {
                    self.asked = Asked::Corner(at + 1);
                } else {
                    self.corners.sort_by(|a, b| a.0.total_cmp(&b.0));
                    self.reflect();
                }
            }
            Asked::Reflected => {
                let (best, nearly_worst, worst) = (self.corners[0].0, self.corners[size - 1].0, self.corners[size].0);
                if value < best {
                    self.try_from_centre(1.0 + 2.0 / k);
                    self.asked = Asked::Expanded { reflected: value };
                } else if value < nearly_worst {
                    self.accept(value);
                } else {
                    let is_outside = value < worst;
                    let contraction = 0.75 - 0.5 / k;
                    self.try_from_centre(if is_outside { contraction } else { -contraction });
                    self.asked = Asked::Contracted {
                        reflected: value,
                        is_outside,
                    };
                }
            }
            Asked::Expanded { reflected } if value < reflected => {
                std::mem::swap(&mut self.trial, &mut self.second);
                self.accept(value);
            }
            Asked::Expanded { reflected } => self.accept(reflected),
            Asked::Contracted { reflected, is_outside } => {
                std::mem::swap(&mut self.trial, &mut self.second);
                let is_better = if is_outside {
                    value <= reflected
                } else {
                    value < self.corners[size].0
                };
                if is_better {
                    self.accept(value);
                } else {
                    self.shrink(1.0 - 1.0 / k);
                }
            }
            Asked::Nothing => {}
        }
    }

    /// Where the walk ended.
    pub(crate) fn lowest(mut self) -> Lowest {
        let (value, x) = self.corners.swap_remove(0);
        Lowest {
            x,
            value,
            iterations: self.iterations,
            limited: self.limited,
        }
    }

    /// Begins a step, or ends the walk.
    fn reflect(&mut self) {
        let is_level = spread(&self.corners) < self.limits.spread;
        if is_level || self.iterations >= self.limits.iterations {
            self.limited = !is_level;
            self.asked = Asked::Nothing;
            return;
        }
        self.iterations += 1;
        let (worst, others) = self
            .corners
            .split_last()
            .expect("internal error: a simplex without corners");
        // Corner by corner, so that the sums of all variables go side by side.
        self.centre.fill(0.0);
        for (_, corner) in others {
            self.centre
                .iter_mut()
                .zip(corner)
                .for_each(|(sum, value)| *sum += value);
        }
        let k = others.len() as f64;
        self.centre.iter_mut().for_each(|sum| *sum /= k);
        for (((point, centre), corner), (low, high)) in
            self.trial.iter_mut().zip(&self.centre).zip(&worst.1).zip(&self.bounds)
        {
            *point = (centre - (corner - centre)).clamp(*low, *high);
        }
        self.asked = Asked::Reflected;
    }

    /// Takes the point on the line from the centre through the trial, at this share of their distance.
    fn try_from_centre(&mut self, share: f64) {
        for (((point, centre), trial), (low, high)) in self
            .second
            .iter_mut()
            .zip(&self.centre)
            .zip(&self.trial)
            .zip(&self.bounds)
        {
            *point = (centre + share * (trial - centre)).clamp(*low, *high);
        }
    }

    /// Moves the worst corner to the trial point, and begins the next step.
    fn accept(&mut self, value: f64) {
        let size = self.bounds.len();
        self.corners[size].0 = value;
        self.corners[size].1.copy_from_slice(&self.trial);
        let place = self.corners[..size].partition_point(|(other, _)| *other <= value);
        self.corners[place..].rotate_right(1);
        self.reflect();
    }

    /// Moves all corners towards the best one, and asks for their values.
    fn shrink(&mut self, share: f64) {
        let (first, others) = self.corners.split_at_mut(1);
        for (_, corner) in others {
            for ((at, best), (low, high)) in corner.iter_mut().zip(&first[0].1).zip(&self.bounds) {
                *at = (best + share * (*at - best)).clamp(*low, *high);
            }
        }
        self.asked = Asked::Corner(1);
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

    /// Walks to the end.
    fn descend(f: impl Fn(&[f64]) -> f64, start: &[f64], bounds: &[(f64, f64)], limits: SimplexLimits) -> Lowest {
        let mut simplex = Simplex::new(start, bounds, limits);
        while let Some(value) = simplex.point().map(&f) {
            simplex.tell(value);
        }
        simplex.lowest()
    }

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
