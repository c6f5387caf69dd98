//! The search for an order: stepwise through neighbours, or over all orders (Hyndman and Khandakar 2008, section 3.2).
//!
//! Knows samples and criteria, and nothing of the series before its differences. All work is counted in candidates and
//! iterations; batches of candidates are estimated in parallel and judged in the order in which they were listed, so
//! the number of threads changes nothing.

use super::auto::AutoArima;
use super::estimate::{Estimate, Sample, minima, refine};
use super::forecast::Effort;
use super::least_squares::Stop;
use super::order::Order;
use super::{FINE, Method};
use rayon::prelude::*;

/// Precision of an estimation that only ranks a candidate.
const COARSE: f64 = 1e-6;

/// How many of the best ranked candidates are estimated by exact likelihood, unless these all fail.
const FINALISTS: usize = 4;

/// How much worse than the best one a finalist may be ranked.
const FINALIST_MARGIN: f64 = 6.0;

/// How far from the unit circle all roots must be, as the radius of a circle that they lie beyond.
const ROOT_RADIUS: f64 = 1.01;

/// Bounds on the four orders that are searched for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    /// Largest p, q, P and Q.
    pub(super) most: [usize; 4],
    /// Those of the first candidate.
    pub(super) start: [usize; 4],
}

/// A candidate: p, q, P, Q, and whether there is a constant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Candidate {
    orders: [usize; 4],
    constant: bool,
}

/// A candidate with its estimates, the likeliest first, and its rank; infinite if it is not to be used.
struct Ranked {
    candidate: Candidate,
    estimates: Vec<Estimate>,
    value: f64,
}

/// What a search found.
pub(super) struct Found {
    /// The chosen model.
    pub(super) estimate: Estimate,
    /// Whether it has a constant.
    pub(super) constant: bool,
    /// Candidates estimated in the search.
    pub(super) candidates: usize,
    /// Iterations of all estimations.
    pub(super) iterations: usize,
    /// Whether candidates were left when no more were allowed.
    pub(super) out_of_steps: bool,
    /// How many estimations stopped at the limit on iterations.
    pub(super) stopped_early: usize,
}

impl Found {
    /// What the work came to, with the limits that were reached.
    pub(super) fn effort(&self, settings: &AutoArima) -> Effort {
        let mut limits = Vec::new();
        if self.out_of_steps {
            limits.push(format!(
                "the search stopped after `max_steps` = {} candidates",
                settings.max_steps
            ));
        }
        if self.stopped_early > 0 {
            let count = self.stopped_early;
            limits.push(format!(
                "{count} estimations stopped after `max_iterations` = {}",
                settings.max_iterations
            ));
        }
        Effort {
            candidates: self.candidates,
            iterations: self.iterations,
            limits,
        }
    }
}

/// A search over one differenced series.
pub(super) struct Search<'a> {
    /// Limits, criterion and method.
    pub(super) settings: &'a AutoArima,
    /// d, D and m of all candidates.
    pub(super) base: Order,
    /// The series with and without its constant; the first is absent where no constant is allowed.
    pub(super) with_constant: Option<Sample>,
    /// The series alone.
    pub(super) plain: Sample,
    /// Bounds on the orders.
    pub(super) bounds: Bounds,
    /// Whether to rank by the conditional sum of squares' coefficients.
    pub(super) approximation: bool,
}

impl Search<'_> {
    /// Searches; `None` if not even a model without coefficients can be estimated.
    pub(super) fn run(&self) -> Option<Found> {
        let mut tried: Vec<Ranked> = Vec::new();
        let out_of_steps = if self.settings.stepwise {
            self.stepwise(&mut tried)
        } else {
            self.all(&mut tried)
        };
        let mut found = self.choose(&tried)?;
        found.candidates = tried.len();
        found.out_of_steps = out_of_steps;
        Some(found)
    }

    /// Moves to the best neighbour as long as that is better; tells whether candidates were left over.
    fn stepwise(&self, tried: &mut Vec<Ranked>) -> bool {
        let mut out_of_steps = self.try_all(self.first_candidates(), None, tried);
        while !out_of_steps {
            let Some(best) = best_of(tried) else { break };
            let (centre, value) = (tried[best].candidate, tried[best].value);
            out_of_steps = self.try_all(self.neighbours(centre), Some(best), tried);
            if best_of(tried).is_none_or(|next| tried[next].value >= value) {
                break;
            }
        }
        out_of_steps
    }

    /// Tries all orders within the bounds whose sum is allowed.
    fn all(&self, tried: &mut Vec<Ranked>) -> bool {
        let [p, q, seasonal_p, seasonal_q] = self.bounds.most;
        let mut candidates = Vec::new();
        for i in 0..=p {
            for j in 0..=q {
                for k in 0..=seasonal_p {
                    for l in 0..=seasonal_q {
                        let constants = [self.with_constant.is_some(), false];
                        let new = |constant| Candidate {
                            orders: [i, j, k, l],
                            constant,
                        };
                        if i + j + k + l <= self.settings.max_order {
                            candidates.extend(constants.map(new));
                        }
                    }
                }
            }
        }
        self.try_all(candidates, None, tried)
    }

    /// The start, a model without coefficients, a purely autoregressive one, and a pure moving average.
    fn first_candidates(&self) -> Vec<Candidate> {
        let [p, q, seasonal_p, seasonal_q] = self.bounds.most.map(|most| most.min(1));
        let constant = self.with_constant.is_some();
        let mut candidates = [self.bounds.start, [0; 4], [p, 0, seasonal_p, 0], [0, q, 0, seasonal_q]]
            .map(|orders| Candidate { orders, constant })
            .to_vec();
        if constant {
            candidates.push(Candidate {
                orders: [0; 4],
                constant: false,
            });
        }
        candidates
    }

    /// All candidates one step away: seasonal orders first, then the others, then with or without the constant.
    fn neighbours(&self, centre: Candidate) -> Vec<Candidate> {
        const STEPS: [(i8, i8); 8] = [(-1, 0), (0, -1), (1, 0), (0, 1), (-1, -1), (-1, 1), (1, -1), (1, 1)];
        let mut candidates = Vec::new();
        for at in [2, 0] {
            for (ar, ma) in STEPS {
                let mut orders = centre.orders;
                let moved = [(at, ar), (at + 1, ma)].into_iter().all(|(i, step)| {
                    let next = orders[i]
                        .checked_add_signed(isize::from(step))
                        .filter(|&k| k <= self.bounds.most[i]);
                    orders[i] = next.unwrap_or(orders[i]);
                    next.is_some()
                });
                if moved {
                    candidates.push(Candidate { orders, ..centre });
                }
            }
        }
        if self.with_constant.is_some() {
            candidates.push(Candidate {
                constant: !centre.constant,
                ..centre
            });
        }
        candidates
    }

    /// Estimates the candidates that are new, as many as are allowed; tells whether some were not.
    fn try_all(&self, candidates: Vec<Candidate>, from: Option<usize>, tried: &mut Vec<Ranked>) -> bool {
        let mut new: Vec<Candidate> = Vec::new();
        for candidate in candidates {
            if !new.contains(&candidate) && tried.iter().all(|tried| tried.candidate != candidate) {
                new.push(candidate);
            }
        }
        let allowed = self.settings.max_steps.max(1).saturating_sub(tried.len());
        let out_of_steps = new.len() > allowed;
        new.truncate(allowed);
        let from = from.and_then(|at| tried[at].estimates.first());
        let ranked: Vec<Ranked> = new
            .into_par_iter()
            .map(|candidate| self.rank(candidate, from))
            .collect();
        tried.extend(ranked);
        out_of_steps
    }

    /// The full order of a candidate.
    fn order(&self, candidate: Candidate) -> Order {
        let [p, q, seasonal_p, seasonal_q] = candidate.orders;
        Order {
            p,
            q,
            seasonal_p,
            seasonal_q,
            ..self.base
        }
    }

    /// The sample of a candidate.
    fn sample(&self, constant: bool) -> &Sample {
        self.with_constant.as_ref().filter(|_| constant).unwrap_or(&self.plain)
    }

    /// Estimates a candidate well enough to rank it: from zeros, and from where its neighbour ended.
    fn rank(&self, candidate: Candidate, from: Option<&Estimate>) -> Ranked {
        let (sample, order) = (self.sample(candidate.constant), self.order(candidate));
        let mut starts = vec![vec![0.0; order.coefficients()]];
        starts.extend(from.map(|from| from.order.carry(&from.free, &order)));
        let method = self.settings.method;
        let estimates = if self.approximation {
            let method = if method == Method::Ml { Method::CssMl } else { method };
            minima(sample, &order, method, starts, self.stop(COARSE))
        } else {
            let found = minima(sample, &order, method, starts, self.stop(FINE));
            if method == Method::CssMl {
                refine(sample, &found, self.stop(FINE)).into_iter().collect()
            } else {
                found
            }
        };
        self.judge(candidate, estimates)
    }

    /// Estimates a ranked candidate by exact likelihood, from where its ranking ended.
    fn refit(&self, ranked: &Ranked) -> Ranked {
        let refined = refine(
            self.sample(ranked.candidate.constant),
            &ranked.estimates,
            self.stop(FINE),
        );
        self.judge(ranked.candidate, refined.into_iter().collect())
    }

    /// Ranks estimates by the first, and refuses it if a root is too close to the unit circle.
    fn judge(&self, candidate: Candidate, estimates: Vec<Estimate>) -> Ranked {
        let value = estimates
            .first()
            .filter(|estimate| estimate.coefficients.roots_beyond(ROOT_RADIUS))
            .map_or(f64::INFINITY, |estimate| estimate.criterion(self.settings.criterion));
        Ranked {
            candidate,
            estimates,
            value: if value.is_nan() { f64::INFINITY } else { value },
        }
    }

    /// When an estimation of this precision ends.
    fn stop(&self, tolerance: f64) -> Stop {
        Stop {
            max_iterations: self.settings.max_iterations,
            tolerance,
        }
    }

    /// Estimates the best ranked by the method asked for, and takes the best of them.
    fn choose(&self, tried: &[Ranked]) -> Option<Found> {
        let mut ranks: Vec<&Ranked> = tried.iter().filter(|ranked| ranked.value.is_finite()).collect();
        // Stable: of equals the first tried stays first.
        ranks.sort_by(|a, b| a.value.total_cmp(&b.value));
        let mut iterations = iterations_of(tried);
        let mut stopped_early = stopped_early_of(tried);
        let refit = self.approximation && self.settings.method != Method::Css;
        let mut rest = ranks.as_slice();
        let mut last: Vec<Ranked> = Vec::new();
        while refit && !rest.is_empty() && best_of(&last).is_none() {
            let near = |ranked: &&&Ranked| ranked.value <= rest[0].value + FINALIST_MARGIN;
            let (now, later) = rest.split_at(rest.iter().take(FINALISTS).take_while(near).count());
            last = now.par_iter().map(|ranked| self.refit(ranked)).collect();
            iterations += iterations_of(&last);
            stopped_early += stopped_early_of(&last);
            rest = later;
        }
        let best = match best_of(&last) {
            Some(best) => &last[best],
            // Nothing was estimated again, or all of it in vain: the best as ranked, or the model without coefficients.
            None => match ranks.first() {
                Some(ranked) => ranked,
                None => tried
                    .iter()
                    .find(|tried| tried.candidate.orders == [0; 4] && !tried.estimates.is_empty())?,
            },
        };
        let estimate = best.estimates.first()?.clone();
        let constant = best.candidate.constant && self.with_constant.is_some();
        Some(Found {
            estimate,
            constant,
            candidates: 0,
            iterations,
            out_of_steps: false,
            stopped_early,
        })
    }
}

/// The position of the best candidate that can be used, the first of equals.
fn best_of(ranked: &[Ranked]) -> Option<usize> {
    let usable = ranked.iter().enumerate().filter(|(_, ranked)| ranked.value.is_finite());
    usable.min_by(|a, b| a.1.value.total_cmp(&b.1.value)).map(|(at, _)| at)
}

/// Iterations of all candidates.
fn iterations_of(ranked: &[Ranked]) -> usize {
    ranked
        .iter()
        .flat_map(|ranked| &ranked.estimates)
        .map(|estimate| estimate.iterations)
        .sum()
}

/// How many estimations stopped at the limit on iterations.
fn stopped_early_of(ranked: &[Ranked]) -> usize {
    ranked
        .iter()
        .flat_map(|ranked| &ranked.estimates)
        .filter(|estimate| estimate.stopped_early)
        .count()
}
