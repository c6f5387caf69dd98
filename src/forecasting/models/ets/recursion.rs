//! The recursion of exponential smoothing over a series, and the gradient of its likelihood.
//!
//! Additive and multiplicative errors lead to the same states (Hyndman and others 2008, section 2.5), so one
//! recursion in error-correction form serves both; they differ in the likelihood alone (section 5.1):
//! `n ln Σe²`, and `n ln Σ(e/f)² + 2 Σ ln|f|`, each minus twice the logarithm but for a constant.
//!
//! The gradient comes from a second pass, backwards (reverse differentiation), so it costs about as much as the value,
//! whatever the number of states. Cost: O(n), not depending on the season's length.
#![expect(clippy::cast_precision_loss, reason = "counts of values are far below 2^52")]

use super::form::{Component, EtsForm};

/// The smoothing parameters, in the sense of Hyndman and others (2008): of the errors, with β at most α.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Smoothing {
    /// Of the level.
    pub(crate) alpha: f64,
    /// Of the trend; 0 without one.
    pub(crate) beta: f64,
    /// Of the season; 0 without one.
    pub(crate) gamma: f64,
    /// Damping of the trend; 1 without it.
    pub(crate) phi: f64,
}

/// The states before a step.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct States {
    /// The level.
    pub(crate) level: f64,
    /// The trend: a difference, or a ratio if it is multiplicative.
    pub(crate) trend: f64,
    /// The season, by position: the value for step t stands at t modulo its length. Empty without one.
    pub(crate) season: Vec<f64>,
}

/// What one step started from, and how far it went wrong.
#[derive(Clone, Copy, Debug, Default)]
struct TracedStep {
    level: f64,
    trend: f64,
    season: f64,
    error: f64,
}

/// One form on one series: evaluates the likelihood, and keeps the trace for the gradient.
#[derive(Debug)]
pub(super) struct Recursion<'a> {
    y: &'a [f64],
    form: EtsForm,
    /// Added to sums of squares, so that a perfect fit has a finite likelihood.
    floor: f64,
    trace: Vec<TracedStep>,
    squares: f64,
    ring: Vec<f64>,
}

/// The partial derivatives of the likelihood.
#[derive(Clone, Debug, Default)]
pub(super) struct Slopes {
    pub(super) smoothing: Smoothing,
    pub(super) states: States,
}

/// Where a product of forecasts may be multiplied on; outside it, its logarithm is taken.
pub(super) const IN_RANGE: std::ops::Range<f64> = 1e-100..1e100;

pub(super) const ABSENT: u8 = 0;
pub(super) const ADDITIVE: u8 = 1;
pub(super) const MULTIPLICATIVE: u8 = 2;

/// Calls a function that is compiled once for each form.
macro_rules! by_form {
    ($form:expr, $self:ident . $function:ident ( $($argument:expr),* )) => {{
        macro_rules! with_season {
            ($error:literal, $trend:ident) => {
                match $form.season {
                    Component::Absent => $self.$function::<$error, $trend, ABSENT>($($argument),*),
                    Component::Additive => $self.$function::<$error, $trend, ADDITIVE>($($argument),*),
                    Component::Multiplicative => $self.$function::<$error, $trend, MULTIPLICATIVE>($($argument),*),
                }
            };
        }
        match ($form.error == Component::Multiplicative, $form.trend) {
            (false, Component::Absent) => with_season!(false, ABSENT),
            (false, Component::Additive) => with_season!(false, ADDITIVE),
            (false, Component::Multiplicative) => with_season!(false, MULTIPLICATIVE),
            (true, Component::Absent) => with_season!(true, ABSENT),
            (true, Component::Additive) => with_season!(true, ADDITIVE),
            (true, Component::Multiplicative) => with_season!(true, MULTIPLICATIVE),
        }
    }};
}

impl<'a> Recursion<'a> {
    pub(super) fn new(y: &'a [f64], form: EtsForm, floor: f64) -> Self {
        Self {
            y,
            form,
            floor,
            trace: vec![TracedStep::default(); y.len()],
            squares: 0.0,
            ring: Vec::new(),
        }
    }

    /// Runs over the series; returns minus twice the log-likelihood without its constant.
    ///
    /// Infinite or NaN where the form leaves its domain: a multiplied state or a relative error's forecast at or
    /// below zero, or an overflow.
    pub(super) fn likelihood(&mut self, p: &Smoothing, start: &States) -> f64 {
        let n = self.y.len() as f64;
        let (squares, logarithms) = by_form!(self.form, self.forward(p, start));
        self.squares = squares + n * self.floor;
        n * self.squares.ln() + 2.0 * logarithms
    }

    /// Returns the partial derivatives of the last likelihood that was evaluated, for the same parameters.
    pub(super) fn slopes(&mut self, p: &Smoothing, slopes: &mut Slopes) {
        by_form!(self.form, self.backward(p, slopes));
    }

    /// Steps in the series.
    pub(super) fn steps(&self) -> usize {
        self.y.len()
    }

    /// Sum of squares, relative for multiplicative errors, of the last evaluation.
    pub(super) fn squares(&self) -> f64 {
        self.squares
    }

    /// The states after the last step, seasons by position; to be asked before the slopes, which use the same space.
    pub(super) fn last(&self, p: &Smoothing) -> States {
        let Some(step) = self.trace.last() else {
            return States::default();
        };
        let seasonal = match self.form.season {
            Component::Multiplicative => step.error / step.season,
            _ => step.error,
        };
        let (grown, trend) = match self.form.trend {
            Component::Absent => (step.level, 0.0),
            Component::Additive => (step.level + p.phi * step.trend, p.phi * step.trend + p.beta * seasonal),
            Component::Multiplicative => {
                let ratio = step.trend.powf(p.phi);
                (step.level * ratio, ratio + p.beta * seasonal / step.level)
            }
        };
        let season = if self.form.season == Component::Absent {
            Vec::new()
        } else {
            self.ring.clone()
        };
        States {
            level: grown + p.alpha * seasonal,
            trend,
            season,
        }
    }

    fn forward<const RELATIVE: bool, const TREND: u8, const SEASON: u8>(
        &mut self,
        p: &Smoothing,
        start: &States,
    ) -> (f64, f64) {
        let mut pass = ForwardPass::new(p, start);
        self.ring.clone_from(&start.season);
        if SEASON == ABSENT {
            for (&y, step) in self.y.iter().zip(&mut self.trace) {
                *step = pass.step::<RELATIVE, TREND, SEASON>(y, &mut 0.0);
            }
        } else {
            let length = self.ring.len();
            for (values, steps) in self.y.chunks(length).zip(self.trace.chunks_mut(length)) {
                for ((&y, step), season) in values.iter().zip(steps).zip(&mut self.ring) {
                    *step = pass.step::<RELATIVE, TREND, SEASON>(y, season);
                }
            }
        }
        pass.sums()
    }

    fn backward<const RELATIVE: bool, const TREND: u8, const SEASON: u8>(
        &mut self,
        p: &Smoothing,
        slopes: &mut Slopes,
    ) {
        let Smoothing {
            alpha,
            beta,
            gamma,
            phi,
        } = *p;
        let weight = 2.0 * self.y.len() as f64 / self.squares;
        // Names ending in `_` are derivatives of the likelihood by what the name says.
        let (mut level_, mut trend_) = (0.0, 0.0);
        let mut p_ = Smoothing::default();
        let ring_ = &mut self.ring;
        ring_.fill(0.0);
        let length = if SEASON == ABSENT {
            self.y.len().max(1)
        } else {
            ring_.len()
        };
        for (values, steps) in self.y.chunks(length).zip(self.trace.chunks(length)).rev() {
            for (i, (&y, step)) in values.iter().zip(steps).enumerate().rev() {
                let place = if SEASON == ABSENT { 0 } else { i };
                let TracedStep {
                    level,
                    trend,
                    season,
                    error,
                } = *step;
                let season_ = if SEASON == ABSENT { 0.0 } else { ring_[place] };
                let (grown, ratio) = match TREND {
                    ABSENT => (level, 0.0),
                    ADDITIVE => (level + phi * trend, 0.0),
                    _ => {
                        let ratio = trend.powf(phi);
                        (level * ratio, ratio)
                    }
                };
                let adjusted = if SEASON == MULTIPLICATIVE {
                    error / season
                } else {
                    error
                };
                // Of the likelihood itself.
                let (mut error_, mut forecast_) = if RELATIVE {
                    let forecast = y - error;
                    let relative = error / forecast;
                    let error_ = weight * relative / forecast;
                    (error_, 2.0 / forecast - error_ * relative)
                } else {
                    (weight * error, 0.0)
                };
                // Through the new states.
                let by_level = if TREND == MULTIPLICATIVE { 1.0 / level } else { 1.0 };
                p_.alpha += level_ * adjusted;
                let mut adjusted_ = alpha * level_;
                if TREND != ABSENT {
                    p_.beta += trend_ * adjusted * by_level;
                    adjusted_ += beta * trend_ * by_level;
                }
                let mut grown_ = level_;
                let mut next_season_ = season_;
                match SEASON {
                    ABSENT => error_ += adjusted_,
                    ADDITIVE => {
                        p_.gamma += season_ * error;
                        error_ += adjusted_ + gamma * season_;
                    }
                    _ => {
                        let by_grown = season_ / grown;
                        p_.gamma += by_grown * error;
                        error_ += adjusted_ / season + gamma * by_grown;
                        next_season_ -= adjusted_ * adjusted / season;
                        grown_ -= gamma * error * by_grown / grown;
                    }
                }
                // Through the forecast.
                forecast_ -= error_;
                match SEASON {
                    ABSENT => grown_ += forecast_,
                    ADDITIVE => {
                        grown_ += forecast_;
                        next_season_ += forecast_;
                    }
                    _ => {
                        grown_ += forecast_ * season;
                        next_season_ += forecast_ * grown;
                    }
                }
                if SEASON != ABSENT {
                    ring_[place] = next_season_;
                }
                match TREND {
                    ABSENT => level_ = grown_,
                    ADDITIVE => {
                        let carried_ = trend_ + grown_;
                        p_.phi += trend * carried_;
                        trend_ = phi * carried_;
                        level_ = grown_;
                    }
                    _ => {
                        let ratio_ = trend_ + grown_ * level;
                        level_ = grown_ * ratio - beta * trend_ * adjusted / (level * level);
                        p_.phi += ratio_ * ratio * trend.ln();
                        trend_ = ratio_ * phi * ratio / trend;
                    }
                }
            }
        }
        slopes.smoothing = p_;
        slopes.states.level = level_;
        slopes.states.trend = trend_;
        slopes.states.season.clear();
        if SEASON != ABSENT {
            slopes.states.season.extend_from_slice(ring_);
        }
    }
}

/// The running states and sums of one pass over a series.
struct ForwardPass {
    p: Smoothing,
    level: f64,
    trend: f64,
    squares: f64,
    logarithms: f64,
    /// Forecasts whose logarithm is still to be added.
    product: f64,
    is_outside: bool,
}

impl ForwardPass {
    fn new(p: &Smoothing, start: &States) -> Self {
        Self {
            p: *p,
            level: start.level,
            trend: start.trend,
            squares: 0.0,
            logarithms: 0.0,
            product: 1.0,
            is_outside: false,
        }
    }

    /// Takes in one value; `slot` holds the season of its position.
    #[inline]
    fn step<const RELATIVE: bool, const TREND: u8, const SEASON: u8>(&mut self, y: f64, slot: &mut f64) -> TracedStep {
        let Smoothing {
            alpha,
            beta,
            gamma,
            phi,
        } = self.p;
        let Self { level, trend, .. } = *self;
        let season = *slot;
        let (grown, carried) = match TREND {
            ABSENT => (level, 0.0),
            ADDITIVE => (level + phi * trend, phi * trend),
            _ => {
                let ratio = trend.powf(phi);
                (level * ratio, ratio)
            }
        };
        // The season is known long before the level: subtracting it first shortens the chain of what waits.
        let error = match SEASON {
            ABSENT => y - grown,
            ADDITIVE => (y - season) - grown,
            _ => y - grown * season,
        };
        let adjusted = if SEASON == MULTIPLICATIVE {
            error * (1.0 / season)
        } else {
            error
        };
        if TREND == ADDITIVE {
            self.trend = carried + beta * adjusted;
        } else if TREND == MULTIPLICATIVE {
            self.trend = carried + beta * adjusted / level;
            self.is_outside |= self.trend <= 0.0 || grown <= 0.0;
        }
        self.level = grown + alpha * adjusted;
        if SEASON == ADDITIVE {
            *slot = season + gamma * error;
        } else if SEASON == MULTIPLICATIVE {
            *slot = season + gamma * error / grown;
            self.is_outside |= season <= 0.0 || grown <= 0.0;
        }
        if RELATIVE {
            let forecast = y - error;
            let relative = error / forecast;
            self.squares += relative * relative;
            self.is_outside |= forecast <= 0.0;
            self.product *= forecast;
            if !IN_RANGE.contains(&self.product) {
                self.logarithms += self.product.ln();
                self.product = 1.0;
            }
        } else {
            self.squares += error * error;
        }
        TracedStep {
            level,
            trend,
            season,
            error,
        }
    }

    /// Sums of the squares and of the forecasts' logarithms; infinite if the pass left the domain.
    fn sums(&self) -> (f64, f64) {
        if self.is_outside {
            (f64::INFINITY, 0.0)
        } else {
            (self.squares, self.logarithms + self.product.ln())
        }
    }
}

#[cfg(test)]
mod tests;
