//! The order of an ARIMA model, its name, and its coefficients: free, by polynomial, and multiplied out.

use super::polynomial::{self, LagPolynomial};

/// The order (p, d, q)(P, D, Q)\[m\] of a seasonal ARIMA model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Order {
    /// p: autoregressive coefficients.
    pub(crate) p: usize,
    /// d: differences.
    pub(crate) d: usize,
    /// q: moving-average coefficients.
    pub(crate) q: usize,
    /// P: seasonal autoregressive coefficients.
    pub(crate) seasonal_p: usize,
    /// D: seasonal differences.
    pub(crate) seasonal_d: usize,
    /// Q: seasonal moving-average coefficients.
    pub(crate) seasonal_q: usize,
    /// m: steps in a season; 1 without one.
    pub(crate) season_length: usize,
}

impl Order {
    /// An order without a season.
    pub(crate) const fn new(p: usize, d: usize, q: usize) -> Self {
        Self {
            p,
            d,
            q,
            seasonal_p: 0,
            seasonal_d: 0,
            seasonal_q: 0,
            season_length: 1,
        }
    }

    /// The same order with a seasonal part (P, D, Q) of `season_length` steps.
    #[must_use]
    pub(crate) const fn seasonal(mut self, p: usize, d: usize, q: usize, season_length: usize) -> Self {
        self.seasonal_p = p;
        self.seasonal_d = d;
        self.seasonal_q = q;
        self.season_length = season_length;
        self
    }

    /// How many values the differences take away.
    pub(super) fn lost(&self) -> usize {
        self.d + self.seasonal_d * self.season_length
    }

    /// How many coefficients the polynomials have.
    pub(super) fn coefficients(&self) -> usize {
        self.p + self.q + self.seasonal_p + self.seasonal_q
    }

    /// The largest lag of the autoregressive side.
    pub(super) fn ar_degree(&self) -> usize {
        self.p + self.seasonal_p * self.season_length
    }

    /// The largest lag of the moving-average side.
    pub(super) fn ma_degree(&self) -> usize {
        self.q + self.seasonal_q * self.season_length
    }

    /// The order as it is usually written, such as `ARIMA(3,0,1)(2,1,0)[24]`, and what is said of its constant.
    pub(super) fn text(&self, constant: bool) -> String {
        let Self {
            p,
            d,
            q,
            seasonal_p,
            seasonal_d,
            seasonal_q,
            season_length,
        } = self;
        let seasonal = match seasonal_p + seasonal_d + seasonal_q {
            0 => String::new(),
            _ => format!("({seasonal_p},{seasonal_d},{seasonal_q})[{season_length}]"),
        };
        let constant = match (constant, d + seasonal_d) {
            (false, _) => "",
            (true, 0) => " with mean",
            (true, _) => " with drift",
        };
        format!("ARIMA({p},{d},{q}){seasonal}{constant}")
    }

    /// The lengths of the four polynomials, in the order in which their free parameters stand.
    fn lengths(&self) -> [usize; 4] {
        [self.p, self.q, self.seasonal_p, self.seasonal_q]
    }

    /// Carries the free parameters of an order over to those of another.
    ///
    /// Each polynomial keeps what both have; what is new is zero.
    pub(super) fn carry(&self, free: &[f64], to: &Order) -> Vec<f64> {
        let mut rest = free;
        let mut carried = Vec::with_capacity(to.coefficients());
        for (from, to) in self.lengths().into_iter().zip(to.lengths()) {
            let (here, after) = rest.split_at(from);
            carried.extend((0..to).map(|i| here.get(i).copied().unwrap_or(0.0)));
            rest = after;
        }
        carried
    }
}

/// The coefficients of an ARMA model with a seasonal part, in the signs of
/// `w_t = Σ φ_i w_(t-i) + e_t + Σ θ_i e_(t-i)`.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Coefficients {
    /// φ.
    pub(super) ar: Vec<f64>,
    /// θ.
    pub(super) ma: Vec<f64>,
    /// Φ, seasonal.
    pub(super) seasonal_ar: Vec<f64>,
    /// Θ, seasonal.
    pub(super) seasonal_ma: Vec<f64>,
    /// m.
    pub(super) season_length: usize,
}

impl Coefficients {
    /// The coefficients that belong to the free parameters of an order: always stationary and invertible.
    pub(super) fn from_free(order: &Order, free: &[f64]) -> Self {
        let (ar, rest) = free.split_at(order.p);
        let (ma, rest) = rest.split_at(order.q);
        let (seasonal_ar, seasonal_ma) = rest.split_at(order.seasonal_p);
        let negated = |free: &[f64]| polynomial::coefficients(free).into_iter().map(|c| -c).collect();
        Self {
            ar: polynomial::coefficients(ar),
            ma: negated(ma),
            seasonal_ar: polynomial::coefficients(seasonal_ar),
            seasonal_ma: negated(seasonal_ma),
            season_length: order.season_length,
        }
    }

    /// The derivatives of [`Coefficients::from_free`]: row `i` holds those of all coefficients by `free[i]`.
    pub(super) fn derivatives(order: &Order, free: &[f64]) -> Vec<Vec<f64>> {
        let mut rows = vec![vec![0.0; free.len()]; free.len()];
        let mut at = 0;
        for (length, sign) in order.lengths().into_iter().zip([1.0, -1.0, 1.0, -1.0]) {
            let block = polynomial::derivatives(&free[at..at + length]);
            for (row, of_block) in rows[at..].iter_mut().zip(block) {
                for (out, value) in row[at..].iter_mut().zip(of_block) {
                    *out = sign * value;
                }
            }
            at += length;
        }
        rows
    }

    /// The same with one coefficient, counted in the order of the free parameters, larger by `step`.
    pub(super) fn moved(&self, at: usize, step: f64) -> Self {
        let mut moved = self.clone();
        let blocks = [
            &mut moved.ar,
            &mut moved.ma,
            &mut moved.seasonal_ar,
            &mut moved.seasonal_ma,
        ];
        if let Some(coefficient) = blocks.into_iter().flatten().nth(at) {
            *coefficient += step;
        }
        moved
    }

    /// The autoregressive side multiplied out: the sparse `a` of `w_t = Σ a_k w_(t-k) + ..`.
    pub(super) fn ar_lags(&self) -> LagPolynomial {
        LagPolynomial::product(&self.ar, &self.seasonal_ar, self.season_length)
    }

    /// The moving-average side multiplied out: the sparse `b` of `.. + e_t + Σ b_k e_(t-k)`.
    pub(super) fn ma_lags(&self) -> LagPolynomial {
        let negated = |c: &[f64]| c.iter().map(|c| -c).collect::<Vec<_>>();
        LagPolynomial::product(&negated(&self.ma), &negated(&self.seasonal_ma), self.season_length).negated()
    }

    /// Returns whether all roots of both sides, multiplied out, are larger than `radius` in size.
    pub(super) fn roots_beyond(&self, radius: f64) -> bool {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_possible_wrap,
            reason = "a season has few steps"
        )]
        let seasonal = radius.powi(self.season_length as i32);
        let negated = |c: &[f64]| c.iter().map(|c| -c).collect::<Vec<_>>();
        polynomial::roots_beyond(&self.ar, radius)
            && polynomial::roots_beyond(&negated(&self.ma), radius)
            && polynomial::roots_beyond(&self.seasonal_ar, seasonal)
            && polynomial::roots_beyond(&negated(&self.seasonal_ma), seasonal)
    }
}
