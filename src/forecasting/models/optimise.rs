//! Minimising a smooth function of some tens of variables, each within bounds.
//!
//! It knows no models: a function with its gradient goes in, a point comes out.
//!
//! Source: the projected BFGS method, as in Kelley (1999), *Iterative methods for optimization*, section 5.5.3, and
//! Nocedal and Wright (2006), *Numerical optimization*, section 6.1. A variable that sits at a bound while the
//! gradient pushes it outward is left out of the step; the others move by the inverse Hessian's estimate. Cost: O(k²)
//! a step beside one evaluation or a few, for k variables.

/// What to minimise: writes the gradient at `x` and returns the value there.
///
/// A value that is not finite marks a point outside the domain; its gradient is not read.
pub(crate) trait Objective {
    /// Returns the value at `x`, and writes the gradient.
    fn evaluate(&mut self, x: &[f64], gradient: &mut [f64]) -> f64;
}

/// One variable: where it starts, how far it may go, and how large a step is natural for it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Variable {
    /// The first value, within the bounds.
    pub(crate) start: f64,
    /// The least value.
    pub(crate) lower: f64,
    /// The greatest value.
    pub(crate) upper: f64,
    /// A step that changes the function by about one unit near its minimum.
    pub(crate) scale: f64,
}

/// When to stop.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DescentLimits {
    /// Most steps to take.
    pub(crate) iterations: usize,
    /// A point is good enough when the next step promises to lower the function by less than this.
    pub(crate) decrease: f64,
}

/// Where the search ended.
#[derive(Clone, Debug)]
pub(crate) struct LocalMinimum {
    /// The best point.
    pub(crate) x: Vec<f64>,
    /// The value there, infinite if even the start was outside the domain.
    pub(crate) value: f64,
    /// Steps taken.
    pub(crate) iterations: usize,
    /// Whether the limit on steps ended it.
    pub(crate) limited: bool,
}

/// Halvings of a step before it counts as leading nowhere.
const HALVINGS: usize = 30;

/// Share of the promised decrease that a step must keep (the condition of Armijo).
const SUFFICIENT: f64 = 1e-4;

/// Searches for a local minimum from the variables' starts.
pub(crate) fn minimise(objective: &mut impl Objective, variables: &[Variable], limits: DescentLimits) -> LocalMinimum {
    let size = variables.len();
    let mut x: Vec<f64> = variables.iter().map(|v| v.start.clamp(v.lower, v.upper)).collect();
    let mut gradient = vec![0.0; size];
    let mut value = objective.evaluate(&x, &mut gradient);
    let mut iterations = 0;
    if !value.is_finite() || gradient.iter().any(|g| !g.is_finite()) {
        return LocalMinimum {
            x,
            value: f64::INFINITY,
            iterations,
            limited: false,
        };
    }
    let mut curvature = InverseHessian::new(variables);
    let mut direction = vec![0.0; size];
    let mut next = (vec![0.0; size], vec![0.0; size]);
    while iterations < limits.iterations {
        curvature.direction(&x, &gradient, variables, &mut direction);
        let promised = -dot(&gradient, &direction);
        if promised.is_nan() || promised < 2.0 * limits.decrease {
            if curvature.is_fresh {
                return LocalMinimum {
                    x,
                    value,
                    iterations,
                    limited: false,
                };
            }
            // The estimate may be at fault, not the point: ask once more with a fresh one.
            curvature.reset(variables);
            continue;
        }
        iterations += 1;
        let Some(better) = line_search(objective, &x, value, &gradient, &direction, variables, &mut next) else {
            if curvature.is_fresh {
                return LocalMinimum {
                    x,
                    value,
                    iterations,
                    limited: false,
                };
            }
            curvature.reset(variables);
            continue;
        };
        curvature.update(&x, &next.0, &gradient, &next.1);
        value = better;
        std::mem::swap(&mut x, &mut next.0);
        std::mem::swap(&mut gradient, &mut next.1);
    }
    LocalMinimum {
        x,
        value,
        iterations,
        limited: true,
    }
}

/// Tries shorter and shorter steps; leaves the accepted point and its gradient in `next` and returns its value.
fn line_search(
    objective: &mut impl Objective,
    x: &[f64],
    value: f64,
    gradient: &[f64],
    direction: &[f64],
    variables: &[Variable],
    next: &mut (Vec<f64>, Vec<f64>),
) -> Option<f64> {
    let mut length = 1.0;
    for _ in 0..HALVINGS {
        for (i, variable) in variables.iter().enumerate() {
            next.0[i] = (x[i] + length * direction[i]).clamp(variable.lower, variable.upper);
        }
        let slope: f64 = (0..x.len()).map(|i| gradient[i] * (next.0[i] - x[i])).sum();
        if slope >= 0.0 {
            return None;
        }
        let found = objective.evaluate(&next.0, &mut next.1);
        if found <= value + SUFFICIENT * slope && next.1.iter().all(|g| g.is_finite()) {
            return Some(found);
        }
        // The minimum of the parabola through what is known, kept well inside the step just refused.
        let parabola = -0.5 * slope / (found - value - slope);
        length *= if parabola.is_finite() {
            parabola.clamp(0.1, 0.5)
        } else {
            0.1
        };
    }
    None
}

/// The estimate of the inverse Hessian, dense and row by row.
struct InverseHessian {
    size: usize,
    rows: Vec<f64>,
    is_fresh: bool,
    product: Vec<f64>,
}

impl InverseHessian {
    fn new(variables: &[Variable]) -> Self {
        let size = variables.len();
        let mut new = Self {
            size,
            rows: vec![0.0; size * size],
            is_fresh: true,
            product: vec![0.0; size],
        };
        new.reset(variables);
        new
    }

    fn reset(&mut self, variables: &[Variable]) {
        self.rows.fill(0.0);
        for (i, variable) in variables.iter().enumerate() {
            self.rows[i * self.size + i] = variable.scale * variable.scale;
        }
        self.is_fresh = true;
    }

    /// Writes the step to take; variables held at a bound have none.
    fn direction(&self, x: &[f64], gradient: &[f64], variables: &[Variable], direction: &mut [f64]) {
        let is_held = |i: usize| {
            (x[i] <= variables[i].lower && gradient[i] > 0.0) || (x[i] >= variables[i].upper && gradient[i] < 0.0)
        };
        let free: Vec<f64> = (0..self.size)
            .map(|i| if is_held(i) { 0.0 } else { gradient[i] })
            .collect();
        for (i, row) in self.rows.chunks_exact(self.size).enumerate() {
            direction[i] = if is_held(i) { 0.0 } else { -dot(row, &free) };
        }
    }

    /// Learns from one step; a step without positive curvature teaches nothing.
    fn update(&mut self, x: &[f64], next_x: &[f64], gradient: &[f64], next_gradient: &[f64]) {
        let step: Vec<f64> = next_x.iter().zip(x).map(|(a, b)| a - b).collect();
        let change: Vec<f64> = next_gradient.iter().zip(gradient).map(|(a, b)| a - b).collect();
        let along = dot(&step, &change);
        if along.is_nan() || along <= 1e-12 * (dot(&change, &change) * dot(&step, &step)).sqrt() {
            return;
        }
        if self.is_fresh {
            // Scale the first guess by what the first step has shown (Nocedal and Wright, equation 6.20).
            self.multiply(&change);
            let factor = along / dot(&change, &self.product);
            self.rows.iter_mut().for_each(|entry| *entry *= factor);
            self.is_fresh = false;
        }
        self.multiply(&change);
        let weight = (along + dot(&change, &self.product)) / (along * along);
        for i in 0..self.size {
            let (step_i, product_i) = (step[i], self.product[i]);
            let row = &mut self.rows[i * self.size..(i + 1) * self.size];
            for ((entry, step_j), product_j) in row.iter_mut().zip(&step).zip(&self.product) {
                *entry += weight * step_i * step_j - (product_i * step_j + step_i * product_j) / along;
            }
        }
    }

    fn multiply(&mut self, vector: &[f64]) {
        for (product, row) in self.product.iter_mut().zip(self.rows.chunks_exact(self.size)) {
            *product = dot(row, vector);
        }
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// Searches for the minimum of a function of one variable on an interval, by parabolas and golden sections.
///
/// Returns the place and the value. It finds a local minimum, to within `tolerance` of its place. Source: Brent (1973),
/// *Algorithms for minimization without derivatives*, chapter 5.
pub(crate) fn minimise_line(mut f: impl FnMut(f64) -> f64, lower: f64, upper: f64, tolerance: f64) -> (f64, f64) {
    const GOLDEN: f64 = 0.381_966_011_250_105;
    let (mut low, mut high) = (lower, upper);
    let start = lower + GOLDEN * (upper - lower);
    // The best place so far, the second best and the one before it, each with its value.
    let mut best = (start, f(start));
    let mut second = best;
    let mut third = best;
    let (mut step, mut step_before) = (0.0_f64, 0.0_f64);
    for _ in 0..100 {
        let middle = f64::midpoint(low, high);
        if (best.0 - middle).abs() + 0.5 * (high - low) <= 2.0 * tolerance {
            break;
        }
        // The lowest point of the parabola through the three lies at `best + shift / divisor`.
        let by_second = (best.0 - second.0) * (best.1 - third.1);
        let by_third = (best.0 - third.0) * (best.1 - second.1);
        let divisor = 2.0 * (by_third - by_second);
        let shift = ((best.0 - second.0) * by_second - (best.0 - third.0) * by_third) * divisor.signum();
        let divisor = divisor.abs();
        let is_within = shift > divisor * (low - best.0) && shift < divisor * (high - best.0);
        (step, step_before) = if is_within && shift.abs() < (0.5 * divisor * step_before).abs() {
            (shift / divisor, step)
        } else {
            let whole = if best.0 < middle { high - best.0 } else { low - best.0 };
            (GOLDEN * whole, whole)
        };
        let moved = if step.abs() >= tolerance {
            step
        } else {
            tolerance.copysign(step)
        };
        let place = (best.0 + moved).clamp(lower, upper);
        let trial = (place, f(place));
        // Of the trial and the best, the worse one becomes a bound.
        let bound = if trial.1 <= best.1 { best.0 } else { trial.0 };
        let other = if trial.1 <= best.1 { trial.0 } else { best.0 };
        if bound < other {
            low = bound;
        } else {
            high = bound;
        }
        if trial.1 <= best.1 {
            (third, second, best) = (second, best, trial);
        } else if trial.1 <= second.1 || is_same(second.0, best.0) {
            (third, second) = (second, trial);
        } else if trial.1 <= third.1 || is_same(third.0, best.0) || is_same(third.0, second.0) {
            third = trial;
        }
    }
    best
}

#[expect(clippy::float_cmp, reason = "asks whether two names stand for one place")]
fn is_same(a: f64, b: f64) -> bool {
    a == b
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The function of Rosenbrock, in pairs of variables.
    struct Rosenbrock;

    impl Objective for Rosenbrock {
        fn evaluate(&mut self, x: &[f64], gradient: &mut [f64]) -> f64 {
            gradient.fill(0.0);
            let mut value = 0.0;
            for i in (0..x.len()).step_by(2) {
                let (bend, gap) = (x[i + 1] - x[i] * x[i], 1.0 - x[i]);
                value += 100.0 * bend * bend + gap * gap;
                gradient[i] = -400.0 * bend * x[i] - 2.0 * gap;
                gradient[i + 1] = 200.0 * bend;
            }
            value
        }
    }

    const LIMITS: DescentLimits = DescentLimits {
        iterations: 500,
        decrease: 1e-16,
    };

    fn variables(size: usize, upper: f64) -> Vec<Variable> {
        (0..size)
            .map(|i| Variable {
                start: if i % 2 == 0 { -1.2 } else { 1.0 },
                lower: -2.0,
                upper,
                scale: 1.0,
            })
            .collect()
    }

    #[test]
    fn the_valley_of_rosenbrock_is_followed_to_its_end() {
        let found = minimise(&mut Rosenbrock, &variables(6, 2.0), LIMITS);
        assert!(found.value < 1e-12 && !found.limited, "{found:?}");
        assert!(found.x.iter().all(|x| (x - 1.0).abs() < 1e-6));
    }

    #[test]
    fn a_bound_holds_and_the_rest_is_minimised_along_it() {
        // With x at most 0.5, the least of (1 - x)² + 100 (y - x²)² lies at x = 0.5, y = 0.25.
        let mut variables = variables(2, 2.0);
        variables[0].upper = 0.5;
        let found = minimise(&mut Rosenbrock, &variables, LIMITS);
        assert!(
            (found.x[0] - 0.5).abs() < 1e-12 && (found.x[1] - 0.25).abs() < 1e-8,
            "{found:?}"
        );
    }

    #[test]
    fn the_limit_on_steps_is_reported() {
        let limits = DescentLimits {
            iterations: 3,
            ..LIMITS
        };
        let found = minimise(&mut Rosenbrock, &variables(2, 2.0), limits);
        assert!(found.limited && found.iterations == 3);
    }

    #[test]
    fn a_start_outside_the_domain_is_reported_by_an_infinite_value() {
        struct Nowhere;
        impl Objective for Nowhere {
            fn evaluate(&mut self, _: &[f64], _: &mut [f64]) -> f64 {
                f64::NAN
            }
        }
        assert!(minimise(&mut Nowhere, &variables(2, 2.0), LIMITS).value.is_infinite());
    }

    #[test]
    fn a_line_is_searched_to_its_minimum() {
        let (x, value) = minimise_line(|x| (x - 0.3).powi(2) + x.powi(4), -1.0, 2.0, 1e-9);
        let slope = 2.0 * (x - 0.3) + 4.0 * x.powi(3);
        assert!(slope.abs() < 1e-6 && value < 0.04);
        let (edge, _) = minimise_line(|x| -x, 0.0, 1.0, 1e-9);
        assert!(edge > 1.0 - 1e-6);
    }
}
