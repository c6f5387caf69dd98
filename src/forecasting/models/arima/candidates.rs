//! Which orders a search tries: its first candidates, the neighbours of one, and all within bounds.

use super::order::Order;

/// Bounds on the four orders that are searched for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    /// Largest p, q, P and Q.
    pub(super) most: [usize; 4],
    /// Those of the first candidate.
    pub(super) start: [usize; 4],
    /// Largest sum of the four where all orders are tried.
    pub(super) most_together: usize,
    /// Whether a constant is allowed.
    pub(super) constant: bool,
}

/// A candidate: p, q, P, Q, and whether there is a constant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct OrderCandidate {
    pub(super) orders: [usize; 4],
    pub(super) constant: bool,
}

impl OrderCandidate {
    /// The full order, with the differences and the season of another.
    pub(super) fn order(self, base: &Order) -> Order {
        let [p, q, seasonal_p, seasonal_q] = self.orders;
        Order {
            p,
            q,
            seasonal_p,
            seasonal_q,
            ..*base
        }
    }

    /// The same with so many coefficients less on both sides without a season.
    pub(super) fn moved_back(self, less: usize) -> Option<Self> {
        let [p, q, seasonal_p, seasonal_q] = self.orders;
        Some(Self {
            orders: [p.checked_sub(less)?, q.checked_sub(less)?, seasonal_p, seasonal_q],
            ..self
        })
    }

    /// The same with so many more coefficients on the two sides, the first of which stands at `at`, within bounds.
    fn moved(self, at: usize, steps: (i8, i8), bounds: &Bounds) -> Option<Self> {
        let mut moved = self;
        for (i, step) in [(at, steps.0), (at + 1, steps.1)] {
            moved.orders[i] = self.orders[i]
                .checked_add_signed(isize::from(step))
                .filter(|&k| k <= bounds.most[i])?;
        }
        Some(moved)
    }
}

impl Bounds {
    /// The start, a model without coefficients, a purely autoregressive one, and a pure moving average.
    pub(super) fn first_candidates(&self) -> Vec<OrderCandidate> {
        let [p, q, seasonal_p, seasonal_q] = self.most.map(|most| most.min(1));
        let constant = self.constant;
        let mut candidates = [self.start, [0; 4], [p, 0, seasonal_p, 0], [0, q, 0, seasonal_q]]
            .map(|orders| OrderCandidate { orders, constant })
            .to_vec();
        if constant {
            candidates.push(OrderCandidate {
                orders: [0; 4],
                constant: false,
            });
        }
        candidates
    }

    /// All candidates one step away: seasonal orders first, then the others, then with or without the constant.
    pub(super) fn neighbours(&self, centre: OrderCandidate) -> Vec<OrderCandidate> {
        const STEPS: [(i8, i8); 8] = [(-1, 0), (0, -1), (1, 0), (0, 1), (-1, -1), (-1, 1), (1, -1), (1, 1)];
        let mut candidates: Vec<OrderCandidate> = [2, 0]
            .into_iter()
            .flat_map(|at| STEPS.into_iter().filter_map(move |steps| centre.moved(at, steps, self)))
            .collect();
        if self.constant {
            candidates.push(OrderCandidate {
                constant: !centre.constant,
                ..centre
            });
        }
        candidates
    }

    /// The neighbours, and the two candidates with one coefficient more on one side and two on the other.
    ///
    /// A rhythm takes a pair of roots, and with one coefficient at a time nothing may be gained before the second.
    pub(super) fn wide_neighbours(&self, centre: OrderCandidate) -> Vec<OrderCandidate> {
        let mut candidates = self.neighbours(centre);
        candidates.extend(
            [(1, 2), (2, 1)]
                .into_iter()
                .filter_map(|steps| centre.moved(0, steps, self)),
        );
        candidates
    }

    /// All orders within the bounds whose sum is allowed, with and without the constant.
    pub(super) fn all(&self) -> Vec<OrderCandidate> {
        let [p, q, seasonal_p, seasonal_q] = self.most;
        let mut candidates = Vec::new();
        for i in 0..=p {
            for j in 0..=q {
                for k in 0..=seasonal_p {
                    for l in 0..=seasonal_q {
                        let new = |constant| OrderCandidate {
                            orders: [i, j, k, l],
                            constant,
                        };
                        if i + j + k + l <= self.most_together {
                            candidates.extend([true, false].map(new));
                        }
                    }
                }
            }
        }
        candidates.retain(|candidate| self.constant || !candidate.constant);
        candidates
    }
}
