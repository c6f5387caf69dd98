//! The search for an order: stepwise through neighbours, or over all orders (Hyndman and Khandakar 2008, section 3.2).
//!
//! Four passes, each of which moves to the best neighbour until none is better. The first estimates each candidate from
//! one start (module [`hannan_rissanen`](super::hannan_rissanen)). The second looks at the neighbourhood of what it
//! found for further minima, each candidate once more from another start (module [`cancelling`](super::cancelling)). The
//! third estimates the best few by exact likelihood; the fourth the neighbours of the best of these from where it ended,
//! which is how a coefficient of no use is dropped at last. A search that goes on from an earlier past of the series has
//! the last two alone: the third with the candidates that were the best there.
//!
//! Knows samples and criteria, and nothing of the series before its differences. All work is counted in candidates and
//! iterations; batches of candidates are estimated in parallel and judged in the order in which they were listed, so
//! the number of threads changes nothing.

use super::Method;
use super::auto::AutoArima;
use super::cancelling;
use super::candidates::{Bounds, OrderCandidate};
use super::estimate::{ArmaEstimate, Rules, minimum, refine};
use super::forecast::SearchEffort;
use super::hannan_rissanen::Products;
use super::least_squares::StopRule;
use super::likelihood::Likelihood;
use super::order::{Coefficients, Order};
use super::sample::DifferencedSample;
use rayon::prelude::*;

/// Precision of an estimation that only ranks a candidate.
const COARSE: f64 = 1e-5;

/// Precision of an estimation by exact likelihood: on 10,000 values, 1e-5 of a unit of its logarithm.
const EXACT: f64 = 1e-9;

/// Precision of an estimation from where an earlier past ended, which only shows which candidates are best: on 10,000
/// values, 1e-2 of a unit of the likelihood's logarithm.
const WARM: f64 = 1e-6;

/// How many of the best ranked candidates are estimated by exact likelihood, unless these all fail.
const FINALISTS: usize = 4;

/// How much worse than the best one a finalist may be ranked.
const FINALIST_MARGIN: f64 = 6.0;

/// How much better a neighbour must be for a pass to move on: less is rounding.
const GAIN: f64 = 1e-6;

/// How far from the unit circle all roots must be, as the radius of a circle that they lie beyond.
const ROOT_RADIUS: f64 = 1.01;

/// How much worse than the best one a candidate may have been on an earlier past to be estimated again on a later one.
const WARM_MARGIN: f64 = 12.0;

/// A candidate with its different minima, those that can be used first and the likeliest of them before the others.
#[derive(Clone, Debug)]
struct Ranked {
    candidate: OrderCandidate,
    estimates: Vec<ArmaEstimate>,
    /// The criterion of the first; infinite if none can be used.
    value: f64,
}

/// What a search found.
#[derive(Clone, Debug)]
pub(super) struct FoundOrder {
    /// The chosen model.
    pub(super) estimate: ArmaEstimate,
    /// Whether it has a constant.
    pub(super) constant: bool,
    /// The work.
    pub(super) work: SearchWork,
    /// The last candidates that it was chosen from, each once.
    last: Vec<Ranked>,
}

/// What a search has done so far.
#[derive(Clone, Debug, Default)]
pub(super) struct SearchWork {
    /// Candidates estimated, each once however often it was.
    known: Vec<OrderCandidate>,
    /// Whether candidates were left when no more were allowed.
    out_of_steps: bool,
    /// Iterations of all estimations.
    iterations: usize,
    /// How many estimations stopped at the limit on iterations.
    stopped_early: usize,
}

impl FoundOrder {
    /// Chooses the best of some candidates; the first, if none can be used.
    fn new(last: Vec<Ranked>, work: SearchWork) -> Option<Self> {
        let best = last.get(best_of(&last).unwrap_or(0))?;
        Some(Self {
            estimate: best.estimates.first()?.clone(),
            constant: best.candidate.constant,
            work,
            last,
        })
    }
}

impl SearchWork {
    /// Returns whether a candidate may be estimated: it was before, or one more is allowed.
    fn admits(&mut self, candidate: OrderCandidate, max_steps: usize) -> bool {
        if self.known.contains(&candidate) {
            return true;
        }
        let allowed = self.known.len() < max_steps.max(1);
        if allowed {
            self.known.push(candidate);
        }
        self.out_of_steps |= !allowed;
        allowed
    }

    /// Counts in some estimations.
    fn add(&mut self, ranked: &[Ranked]) {
        for estimate in ranked.iter().flat_map(|ranked| &ranked.estimates) {
            self.iterations += estimate.iterations;
            self.stopped_early += usize::from(estimate.stopped_early);
        }
    }

    /// What the work came to, with the limits that were reached.
    pub(super) fn effort(&self, settings: &AutoArima) -> SearchEffort {
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
        SearchEffort {
            candidates: self.known.len(),
            iterations: self.iterations,
            limits,
        }
    }
}

/// A search over one differenced series.
pub(super) struct OrderSearch<'a> {
    /// Limits, criterion and method.
    settings: &'a AutoArima,
    /// d, D and m of all candidates.
    base: Order,
    /// Bounds on the orders.
    bounds: Bounds,
    /// The series without a constant.
    plain: DifferencedSample,
    /// The series with one, where it is allowed.
    with_constant: Option<DifferencedSample>,
    /// What starts come from, without and with a constant; absent where the series is too short.
    products: [Option<Products>; 2],
    /// Whether to rank by the conditional sum of squares' coefficients.
    approximation: bool,
}

impl<'a> OrderSearch<'a> {
    /// A search of the series `plain`, and of `with_constant` where a constant is allowed.
    pub(super) fn new(
        settings: &'a AutoArima,
        base: Order,
        bounds: Bounds,
        plain: DifferencedSample,
        with_constant: Option<DifferencedSample>,
        approximation: bool,
    ) -> Self {
        let most = OrderCandidate {
            orders: bounds.most,
            constant: false,
        };
        let products = [Some(&plain), with_constant.as_ref()].map(|sample| Products::new(sample?, &most.order(&base)));
        Self {
            settings,
            base,
            bounds,
            plain,
            with_constant,
            products,
            approximation,
        }
    }

    /// Searches, from what was found on an earlier past of the same series if that is of use.
    ///
    /// `None` if not even a model without coefficients can be estimated.
    pub(super) fn run(&self, earlier: Option<&FoundOrder>) -> Option<FoundOrder> {
        earlier.and_then(|found| self.go_on(found)).or_else(|| self.begin())
    }

    /// Searches from the first candidates on.
    fn begin(&self) -> Option<FoundOrder> {
        let mut work = SearchWork::default();
        let mut tried: Vec<Ranked> = Vec::new();
        if self.settings.stepwise {
            self.first_pass(&mut tried, &mut work);
            self.second_pass(&mut tried, &mut work);
        } else {
            self.try_new(self.bounds.all(), &mut tried, &mut work);
        }
        let mut last = self.finalists(&tried, &mut work);
        self.last_pass(&mut last, &[], &mut work);
        if best_of(&last).is_none() {
            // Nothing was estimated again, or all of it in vain: the best as ranked, or the model without coefficients,
            // which has a likelihood on every series.
            let best = best_of(&tried).map(|best| tried.swap_remove(best));
            last = vec![best.unwrap_or_else(|| self.plainest())];
        }
        FoundOrder::new(last, work)
    }

    /// Estimates again what an earlier search ended with, each candidate from where that one did, and moves on from the
    /// best; `None` if nothing of it can be used.
    fn go_on(&self, earlier: &FoundOrder) -> Option<FoundOrder> {
        let Order { d, seasonal_d, .. } = earlier.estimate.order;
        let is_alike = (d, seasonal_d) == (self.base.d, self.base.seasonal_d);
        if !is_alike || !self.settings.stepwise || self.settings.method == Method::Css {
            return None;
        }
        let mut work = earlier.work.clone();
        let worst = earlier.estimate.criterion(self.settings.criterion) + WARM_MARGIN;
        let near: Vec<&Ranked> = earlier.last.iter().filter(|ranked| ranked.value <= worst).collect();
        let mut last: Vec<Ranked> = near.par_iter().map(|ranked| self.refit(ranked, worst, WARM)).collect();
        work.add(&last);
        // The best is brought to the precision of the last pass.
        let best = best_of(&last)?;
        let best = &mut last[best];
        *best = self.refit(best, f64::INFINITY, EXACT);
        work.add(std::slice::from_ref(best));
        let known: Vec<OrderCandidate> = earlier.last.iter().map(|ranked| ranked.candidate).collect();
        self.last_pass(&mut last, &known, &mut work);
        FoundOrder::new(last, work)
    }

    /// Moves through neighbours that are new, each estimated from one start.
    fn first_pass(&self, tried: &mut Vec<Ranked>, work: &mut SearchWork) {
        self.try_new(self.bounds.first_candidates(), tried, work);
        while let Some(best) = best_of(tried).filter(|_| !work.out_of_steps) {
            let (centre, value) = (tried[best].candidate, tried[best].value);
            self.try_new(self.bounds.neighbours(centre), tried, work);
            if best_of(tried).is_none_or(|next| tried[next].value >= value) {
                break;
            }
        }
    }

    /// Moves through wider neighbourhoods, where each candidate is estimated once from another start.
    ///
    /// Beside the model smaller by a pair on both sides, and from zeros where there is none.
    fn second_pass(&self, tried: &mut Vec<Ranked>, work: &mut SearchWork) {
        let mut done: Vec<OrderCandidate> = Vec::new();
        while let Some(best) = best_of(tried).filter(|_| !work.out_of_steps) {
            let value = tried[best].value;
            let mut candidates = self.bounds.wide_neighbours(tried[best].candidate);
            candidates.retain(|candidate| !done.contains(candidate));
            done.extend(&candidates);
            let starts: Vec<(OrderCandidate, Option<Vec<f64>>)> = candidates
                .into_iter()
                .filter(|&candidate| work.admits(candidate, self.settings.max_steps))
                .map(|candidate| (candidate, self.start_beside_smaller(candidate, tried)))
                .collect();
            let ranked: Vec<Ranked> = starts
                .into_par_iter()
                .map(|(candidate, start)| {
                    self.judge(
                        candidate,
                        self.estimate(candidate, start.unwrap_or_else(|| self.zeros(candidate))),
                    )
                })
                .collect();
            work.add(&ranked);
            for ranked in ranked {
                self.merge(ranked, tried);
            }
            if best_of(tried).is_none_or(|next| tried[next].value >= value - GAIN) {
                break;
            }
        }
    }

    /// Estimates the best ranked by the method asked for, batch by batch until one of them can be used.
    fn finalists(&self, tried: &[Ranked], work: &mut SearchWork) -> Vec<Ranked> {
        let mut ranks: Vec<&Ranked> = tried.iter().filter(|ranked| ranked.value.is_finite()).collect();
        // Stable: of equals the first tried stays first.
        ranks.sort_by(|a, b| a.value.total_cmp(&b.value));
        if !self.approximation || self.settings.method == Method::Css {
            return ranks.first().map(|&best| best.clone()).into_iter().collect();
        }
        let mut rest = ranks.as_slice();
        let mut last: Vec<Ranked> = Vec::new();
        while let Some(first) = rest.first().filter(|_| best_of(&last).is_none()) {
            let worst = first.value + FINALIST_MARGIN;
            let near = rest.iter().take(FINALISTS).take_while(|ranked| ranked.value <= worst);
            let (now, later) = rest.split_at(near.count());
            last = now.par_iter().map(|ranked| self.refit(ranked, worst, EXACT)).collect();
            work.add(&last);
            rest = later;
        }
        last
    }

    /// Moves on from the best by exact likelihood, each neighbour starting where that one ended; those `known` to be
    /// worse are left out.
    fn last_pass(&self, last: &mut Vec<Ranked>, known: &[OrderCandidate], work: &mut SearchWork) {
        if !self.settings.stepwise || self.settings.method == Method::Css {
            return;
        }
        while let Some(best) = best_of(last) {
            let (from, value) = (&last[best].estimates[0], last[best].value);
            let mut candidates = self.bounds.neighbours(last[best].candidate);
            candidates
                .retain(|candidate| !known.contains(candidate) && work.admits(*candidate, self.settings.max_steps));
            let ranked: Vec<Ranked> = candidates
                .into_par_iter()
                .map(|candidate| {
                    let order = candidate.order(&self.base);
                    let start = from.order.carry(&from.free, &order);
                    let found = minimum(self.sample(candidate), &order, Method::Ml, start, self.rules(EXACT));
                    self.judge(candidate, found.into_iter().collect())
                })
                .collect();
            work.add(&ranked);
            for ranked in ranked {
                self.merge(ranked, last);
            }
            if best_of(last).is_none_or(|next| last[next].value >= value - GAIN) {
                break;
            }
        }
    }

    /// Estimates the candidates that are new, as many as are allowed.
    fn try_new(&self, mut candidates: Vec<OrderCandidate>, tried: &mut Vec<Ranked>, work: &mut SearchWork) {
        candidates
            .retain(|&candidate| !work.known.contains(&candidate) && work.admits(candidate, self.settings.max_steps));
        let ranked: Vec<Ranked> = candidates
            .into_par_iter()
            .map(|candidate| {
                let zeros = || self.zeros(candidate);
                let start = self.start_by_regression(candidate).unwrap_or_else(zeros);
                let mut estimates = self.estimate(candidate, start);
                if estimates.is_empty() {
                    // White noise always has a likelihood.
                    estimates = self.estimate(candidate, zeros());
                }
                self.judge(candidate, estimates)
            })
            .collect();
        work.add(&ranked);
        tried.extend(ranked);
    }

    /// The model without coefficients.
    fn plainest(&self) -> Ranked {
        let (orders, constant) = ([0; 4], self.with_constant.is_some());
        let candidate = OrderCandidate { orders, constant };
        self.judge(candidate, self.estimate(candidate, Vec::new()))
    }

    /// The sample of a candidate.
    fn sample(&self, candidate: OrderCandidate) -> &DifferencedSample {
        self.with_constant
            .as_ref()
            .filter(|_| candidate.constant)
            .unwrap_or(&self.plain)
    }

    /// White noise, as a start for a candidate.
    fn zeros(&self, candidate: OrderCandidate) -> Vec<f64> {
        vec![0.0; candidate.order(&self.base).coefficients()]
    }

    /// A start for a candidate by regressions.
    fn start_by_regression(&self, candidate: OrderCandidate) -> Option<Vec<f64>> {
        self.products[usize::from(candidate.constant)]
            .as_ref()?
            .start(&candidate.order(&self.base))
    }

    /// A start for a candidate beside the model with two coefficients less on both sides.
    fn start_beside_smaller(&self, candidate: OrderCandidate, tried: &[Ranked]) -> Option<Vec<f64>> {
        let smaller = candidate.moved_back(cancelling::NEW)?;
        let order = smaller.order(&self.base);
        let before = tried.iter().find(|ranked| ranked.candidate == smaller);
        let free = match before.and_then(|ranked| ranked.estimates.first()) {
            Some(estimate) => estimate.free.clone(),
            None => self.start_by_regression(smaller)?,
        };
        let model = Coefficients::from_free(&order, &free);
        let residuals = Likelihood::at(self.sample(smaller), &model)?.residuals;
        cancelling::start(&order, &free, &residuals)
    }

    /// Estimates a candidate well enough to rank it; nothing where it has no likelihood.
    fn estimate(&self, candidate: OrderCandidate, start: Vec<f64>) -> Vec<ArmaEstimate> {
        let (sample, order) = (self.sample(candidate), candidate.order(&self.base));
        let (method, tolerance) = match self.settings.method {
            Method::Ml if self.approximation => (Method::CssMl, COARSE),
            method if self.approximation => (method, COARSE),
            method => (method, EXACT),
        };
        let found: Vec<ArmaEstimate> = minimum(sample, &order, method, start, self.rules(tolerance))
            .into_iter()
            .collect();
        if !self.approximation && method == Method::CssMl {
            return refine(sample, &found, self.rules(EXACT));
        }
        found
    }

    /// Estimates a ranked candidate by exact likelihood, from where its ranking ended.
    fn refit(&self, ranked: &Ranked, worst: f64, tolerance: f64) -> Ranked {
        let near = |estimate: &&ArmaEstimate| self.value(estimate) <= worst;
        let estimates: Vec<ArmaEstimate> = ranked.estimates.iter().filter(near).cloned().collect();
        let candidate = ranked.candidate;
        self.judge(
            candidate,
            refine(self.sample(candidate), &estimates, self.rules(tolerance)),
        )
    }

    /// The criterion of an estimate, infinite if a root is too close to the unit circle.
    fn value(&self, estimate: &ArmaEstimate) -> f64 {
        if !estimate.coefficients.roots_beyond(ROOT_RADIUS) {
            return f64::INFINITY;
        }
        let value = estimate.criterion(self.settings.criterion);
        if value.is_nan() { f64::INFINITY } else { value }
    }

    /// Ranks a candidate by the best of its estimates that can be used.
    fn judge(&self, candidate: OrderCandidate, mut estimates: Vec<ArmaEstimate>) -> Ranked {
        // Stable: of equals the first stays first.
        estimates.sort_by(|a, b| self.value(a).total_cmp(&self.value(b)));
        let value = estimates.first().map_or(f64::INFINITY, |best| self.value(best));
        Ranked {
            candidate,
            estimates,
            value,
        }
    }

    /// Adds estimates to those that their candidate has.
    fn merge(&self, more: Ranked, tried: &mut Vec<Ranked>) {
        match tried.iter_mut().find(|ranked| ranked.candidate == more.candidate) {
            None => tried.push(more),
            Some(ranked) => {
                let mut estimates = std::mem::take(&mut ranked.estimates);
                let new = |estimate: &ArmaEstimate| estimates.iter().all(|before| !before.is_near(estimate));
                let new: Vec<ArmaEstimate> = more.estimates.into_iter().filter(new).collect();
                estimates.extend(new);
                *ranked = self.judge(more.candidate, estimates);
            }
        }
    }

    /// When an estimation of this precision ends.
    fn rules(&self, tolerance: f64) -> Rules {
        let stop = StopRule {
            max_iterations: self.settings.max_iterations,
            tolerance,
        };
        Rules {
            stop,
            radius: ROOT_RADIUS,
        }
    }
}

/// The position of the best candidate that can be used, the first of equals.
fn best_of(ranked: &[Ranked]) -> Option<usize> {
    let usable = ranked.iter().enumerate().filter(|(_, ranked)| ranked.value.is_finite());
    usable.min_by(|a, b| a.1.value.total_cmp(&b.1.value)).map(|(at, _)| at)
}
