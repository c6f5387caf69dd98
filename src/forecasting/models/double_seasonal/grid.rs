//! The states of all points of a grid of smoothing parameters, in one pass over a series.

#![expect(clippy::cast_precision_loss, reason = "a series is far shorter than 2^52")]

/// How much of the long season's mean course is believed at the start.
const START: f64 = 0.7;

/// The power of the losses by which points of the grid are averaged.
const SHARPNESS: f64 = 80.0;

/// The values that each parameter may have, and how long errors are remembered.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ParameterGrid {
    /// Of the level.
    pub(crate) alpha: &'static [f64],
    /// Of the short season.
    pub(crate) delta: &'static [f64],
    /// Of the long season.
    pub(crate) omega: &'static [f64],
    /// Of the error's autoregression.
    pub(crate) phi: &'static [f64],
    /// What remains of the loss after one step.
    pub(crate) memory: f64,
}

/// The grid of which the best point is taken.
pub(crate) const BEST_OF: ParameterGrid = ParameterGrid {
    alpha: &[0.0, 0.01, 0.05, 0.15],
    delta: &[0.03, 0.1, 0.2, 0.4],
    omega: &[0.05, 0.2, 0.4],
    phi: &[0.5, 0.8, 0.9, 0.97],
    memory: 0.995,
};

/// The grid that is averaged over: coarser in the level, finer in the seasons, and with a longer memory.
pub(crate) const MEAN_OVER: ParameterGrid = ParameterGrid {
    alpha: &[0.0, 0.01, 0.05],
    delta: &[0.02, 0.06, 0.15, 0.3],
    omega: &[0.02, 0.08, 0.2, 0.4],
    phi: &[0.3, 0.7, 0.9, 0.97],
    memory: 0.998,
};

/// One point of the grid.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct SmoothingParameters {
    /// Of the level.
    pub(crate) alpha: f64,
    /// Of the short season.
    pub(crate) delta: f64,
    /// Of the long season.
    pub(crate) omega: f64,
    /// Of the error's autoregression.
    pub(crate) phi: f64,
}

impl ParameterGrid {
    /// All points, those of φ side by side.
    fn points(&self) -> Vec<SmoothingParameters> {
        let mut points = Vec::new();
        for &alpha in self.alpha {
            for &delta in self.delta {
                for &omega in self.omega {
                    points.extend(self.phi.iter().map(|&phi| SmoothingParameters {
                        alpha,
                        delta,
                        omega,
                        phi,
                    }));
                }
            }
        }
        points
    }
}

/// Level, seasons and last error.
#[derive(Clone, Debug)]
pub(crate) struct DoubleSeasonalState {
    /// The level.
    pub(crate) level: f64,
    /// The short season.
    pub(crate) daily: Vec<f64>,
    /// The long season.
    pub(crate) weekly: Vec<f64>,
    /// The last error.
    pub(crate) error: f64,
}

impl DoubleSeasonalState {
    /// Reads the start off the first two long seasons of `x`.
    pub(crate) fn start(x: &[f64], short: usize, long: usize) -> Self {
        let level = mean(&x[..2 * long]);
        let days: Vec<&[f64]> = x[..2 * long].chunks_exact(short).collect();
        let mut daily = vec![0.0; short];
        for day in &days {
            let middle = mean(day);
            for (sum, value) in daily.iter_mut().zip(*day) {
                *sum += (value - middle) / days.len() as f64;
            }
        }
        let rest = |t: usize| x[t] - level - daily[t % short];
        let weekly = (0..long).map(|q| START * (rest(q) + rest(q + long)) / 2.0).collect();
        Self {
            level,
            daily,
            weekly,
            error: 0.0,
        }
    }

    /// Takes in `x` at `t`; gives the error of the one-step forecast.
    pub(crate) fn step(&mut self, by: SmoothingParameters, t: usize, x: f64) -> f64 {
        let (k, q) = (t % self.daily.len(), t % self.weekly.len());
        let smooth = self.level + self.daily[k] + self.weekly[q];
        let ahead = smooth + by.phi * self.error;
        let (rest, surprise) = (x - smooth, x - ahead);
        self.level += by.alpha * surprise;
        self.daily[k] += by.delta * surprise;
        self.weekly[q] += by.omega * surprise;
        self.error = rest;
        surprise
    }
}

fn mean(x: &[f64]) -> f64 {
    x.iter().sum::<f64>() / x.len() as f64
}

/// The points of the grid, side by side: one state each, and the loss so far.
pub(crate) struct SmoothingGrid {
    points: Vec<SmoothingParameters>,
    memory: f64,
    /// φ^m₁ and φ^(2 m₁) of each point.
    far: Vec<[f64; 2]>,
    loss: Vec<f64>,
    level: Vec<f64>,
    error: Vec<f64>,
    /// One row for each position in the season.
    daily: Vec<Vec<f64>>,
    /// The rows of `daily` before their last step.
    daily_before: Vec<Vec<f64>>,
    weekly: Vec<Vec<f64>>,
    /// Level and error after each of the last 2 m₁ steps, by position.
    past: Vec<(Vec<f64>, Vec<f64>)>,
}

impl SmoothingGrid {
    /// All points of a grid at one start.
    pub(crate) fn new(grid: &ParameterGrid, start: &DoubleSeasonalState) -> Self {
        let points = grid.points();
        let n = points.len();
        let rows = |season: &[f64]| season.iter().map(|&value| vec![value; n]).collect::<Vec<_>>();
        let short = start.daily.len();
        let power = |phi: f64, steps: usize| phi.powf(steps as f64);
        Self {
            far: points
                .iter()
                .map(|point| [power(point.phi, short), power(point.phi, 2 * short)])
                .collect(),
            loss: vec![0.0; n],
            level: vec![start.level; n],
            error: vec![start.error; n],
            daily: rows(&start.daily),
            daily_before: rows(&start.daily),
            weekly: rows(&start.weekly),
            past: vec![(vec![start.level; n], vec![start.error; n]); 2 * short],
            points,
            memory: grid.memory,
        }
    }

    /// Takes in `x` at `t` in every state, after judging, where `judged`, what was forecast for it.
    ///
    /// The forecast made m₁ steps before used the row of `daily` as it is now, and the one made 2 m₁ before the row as it
    /// was before its last step; `weekly` has not changed since, for m₂ ≥ 2 m₁.
    pub(crate) fn step(&mut self, t: usize, x: f64, judged: bool) {
        let short = self.daily.len();
        let (k, q) = (t % short, t % self.weekly.len());
        let (daily, before, weekly) = (&mut self.daily[k], &mut self.daily_before[k], &mut self.weekly[q]);
        if judged {
            let (near, far) = (&self.past[(t + short) % (2 * short)], &self.past[t % (2 * short)]);
            for i in 0..self.points.len() {
                let one = near.0[i] + daily[i] + weekly[i] + self.far[i][0] * near.1[i];
                let two = far.0[i] + before[i] + weekly[i] + self.far[i][1] * far.1[i];
                self.loss[i] = self.memory * self.loss[i] + ((x - one).abs() + (x - two).abs());
            }
        }
        let now = &mut self.past[t % (2 * short)];
        for (i, by) in self.points.iter().enumerate() {
            let rest = x - self.level[i] - daily[i] - weekly[i];
            let surprise = rest - by.phi * self.error[i];
            self.level[i] += by.alpha * surprise;
            before[i] = daily[i];
            daily[i] += by.delta * surprise;
            weekly[i] += by.omega * surprise;
            self.error[i] = rest;
            now.0[i] = self.level[i];
            now.1[i] = rest;
        }
    }

    /// The point with the least loss, the first of equals.
    pub(crate) fn best(&self) -> SmoothingParameters {
        let best = (0..self.points.len()).min_by(|&a, &b| self.loss[a].total_cmp(&self.loss[b]));
        self.points[best.expect("internal error: the grid has no points")]
    }

    /// What all points together forecast after `n` steps: a mean with weights ∝ (L / least L)^−80.
    pub(crate) fn averaged(&self, n: usize) -> AveragedState {
        let least = self.loss.iter().copied().fold(f64::INFINITY, f64::min);
        let share = |loss: f64| match loss <= least {
            true => 1.0,
            false => (least / loss).powf(SHARPNESS),
        };
        let shares: Vec<f64> = self.loss.iter().map(|&loss| share(loss)).collect();
        let total: f64 = shares.iter().sum();
        let weights: Vec<f64> = shares.iter().map(|share| share / total).collect();
        let mean = |values: &[f64]| {
            values
                .iter()
                .zip(&weights)
                .map(|(value, weight)| value * weight)
                .sum::<f64>()
        };
        let parameter = |of: fn(&SmoothingParameters) -> f64| {
            let values: Vec<f64> = self.points.iter().map(of).collect();
            mean(&values)
        };
        let mut errors: Vec<(f64, f64)> = Vec::new();
        for ((point, error), weight) in self.points.iter().zip(&self.error).zip(&weights) {
            match errors.iter_mut().find(|(phi, _)| phi.to_bits() == point.phi.to_bits()) {
                Some((_, sum)) => *sum += weight * error,
                None => errors.push((point.phi, weight * error)),
            }
        }
        AveragedState {
            n,
            level: mean(&self.level),
            daily: self.daily.iter().map(|row| mean(row)).collect(),
            weekly: self.weekly.iter().map(|row| mean(row)).collect(),
            errors,
            parameters: SmoothingParameters {
                alpha: parameter(|point| point.alpha),
                delta: parameter(|point| point.delta),
                omega: parameter(|point| point.omega),
                phi: parameter(|point| point.phi),
            },
        }
    }
}

/// The mean of the states of a grid: a forecast is linear in them but for the powers of φ.
#[derive(Clone, Debug)]
pub(crate) struct AveragedState {
    n: usize,
    level: f64,
    daily: Vec<f64>,
    weekly: Vec<f64>,
    /// φ, and the weighted sum of the last errors of the points that have it.
    errors: Vec<(f64, f64)>,
    /// The weighted means of the parameters.
    pub(crate) parameters: SmoothingParameters,
}

impl AveragedState {
    /// Whether every number of it is one.
    pub(crate) fn is_finite(&self) -> bool {
        let errors = self.errors.iter().map(|(_, error)| error);
        let numbers = self.daily.iter().chain(&self.weekly).chain(errors).chain([&self.level]);
        numbers.into_iter().all(|number| number.is_finite())
    }

    /// The next `horizon` steps.
    pub(crate) fn path(&self, horizon: usize) -> Vec<f64> {
        let mut errors = self.errors.clone();
        let mut step = |h: usize| {
            let mut left = 0.0;
            for (phi, error) in &mut errors {
                *error *= *phi;
                left += *error;
            }
            let t = self.n + h;
            self.level + self.daily[t % self.daily.len()] + self.weekly[t % self.weekly.len()] + left
        };
        (0..horizon).map(&mut step).collect()
    }
}
