//! The recursion of the state, and how its errors depend on seeds and parameters.
//!
//! With level `l`, slope `b` and harmonics `(s, s*)`, one step is
//!
//! ```text
//! d  = z − (l + φ b + Σ s)                 what the structure did not foresee
//! l  = l + φ b + α d      b = φ b + β d
//! s  =  s cos + s* sin + γ₁ d
//! s* = −s sin + s* cos + γ₂ d
//! ε  = d − Σ φ_i d_{t−i} − Σ θ_i ε_{t−i}   the innovation
//! ```
//!
//! which is the source's single matrix equation written out: the structure takes up `d`, whatever the model of the
//! errors, so that ARMA coefficients only whiten its output. A step costs a handful of operations for each harmonic.
//! `d` is linear in the seed state; its derivatives by the seeds are the row `w' D^t`, `D = F − g w'`, that the
//! same rotation carries forward.

use super::form::{Harmonics, Lane, TbatsForm, TbatsParameters, Trend};
use super::gains::Gains;

/// A state of the structure, or a derivative of one.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct TbatsState {
    /// The level.
    pub(super) level: f64,
    /// Its slope; 0 where there is no trend.
    pub(super) slope: f64,
    /// `s` of each harmonic.
    pub(super) re: Vec<Lane>,
    /// `s*` of each harmonic.
    pub(super) im: Vec<Lane>,
}

impl TbatsState {
    /// The state of nothing.
    pub(super) fn zero(harmonics: &Harmonics) -> Self {
        let none = vec![[0.0; 4]; harmonics.cos.len()];
        Self {
            level: 0.0,
            slope: 0.0,
            re: none.clone(),
            im: none,
        }
    }
}

/// A structure with its gains: what carries states forward.
#[derive(Clone, Debug)]
pub(super) struct Structure<'a> {
    pub(super) harmonics: &'a Harmonics,
    pub(super) alpha: f64,
    pub(super) beta: f64,
    /// 0 where there is no trend.
    pub(super) phi: f64,
    pub(super) gains: Gains,
}

impl<'a> Structure<'a> {
    pub(super) fn new(form: TbatsForm, harmonics: &'a Harmonics, parameters: &TbatsParameters) -> Self {
        let has_trend = form.trend != Trend::Absent;
        Self {
            harmonics,
            alpha: parameters.alpha,
            beta: if has_trend { parameters.beta } else { 0.0 },
            phi: if has_trend { parameters.phi } else { 0.0 },
            gains: Gains::new(form, harmonics, parameters),
        }
    }

    /// What a state foresees for its next step.
    pub(super) fn foresee(&self, state: &TbatsState) -> f64 {
        state.level + self.phi * state.slope + sum(&state.re)
    }

    /// Carries a state one step forward, with `d` unforeseen.
    pub(super) fn advance(&self, state: &mut TbatsState, d: f64) {
        let slope = self.phi * state.slope;
        state.level += slope + self.alpha * d;
        state.slope = slope + self.beta * d;
        self.turn(state, d);
    }

    /// Turns the harmonics, and adds `d` by their gains.
    fn turn(&self, state: &mut TbatsState, d: f64) {
        let turns = self.harmonics.cos.iter().zip(&self.harmonics.sin);
        let gains = self.gains.re.iter().zip(&self.gains.im);
        for (((re, im), (cos, sin)), (gain_re, gain_im)) in state.re.iter_mut().zip(&mut state.im).zip(turns).zip(gains)
        {
            for i in 0..4 {
                let (s, s_star) = (re[i], im[i]);
                re[i] = s * cos[i] + s_star * sin[i] + gain_re[i] * d;
                im[i] = s_star * cos[i] - s * sin[i] + gain_im[i] * d;
            }
        }
    }

    /// The row `w'`: how the seeds show in the first value.
    pub(super) fn first_row(&self) -> TbatsState {
        let mut row = TbatsState::zero(self.harmonics);
        row.level = 1.0;
        row.slope = self.phi;
        row.re.clone_from(&self.harmonics.ones);
        row
    }

    /// Replaces a row `r` by `r D`.
    pub(super) fn advance_row(&self, row: &mut TbatsState) {
        let mut gained = [0.0; 4];
        let gains = self.gains.re.iter().zip(&self.gains.im);
        for ((re, im), (gain_re, gain_im)) in row.re.iter().zip(&row.im).zip(gains) {
            for i in 0..4 {
                gained[i] += re[i] * gain_re[i] + im[i] * gain_im[i];
            }
        }
        let gained = (gained[0] + gained[1]) + (gained[2] + gained[3]) + self.alpha * row.level + self.beta * row.slope;
        row.slope = self.phi * (row.level + row.slope - gained);
        row.level -= gained;
        let Harmonics { cos, sin, ones, .. } = self.harmonics;
        for ((re, im), ((cos, sin), ones)) in row.re.iter_mut().zip(&mut row.im).zip(cos.iter().zip(sin).zip(ones)) {
            for i in 0..4 {
                let (s, s_star) = (re[i], im[i]);
                re[i] = s * cos[i] - s_star * sin[i] - ones[i] * gained;
                im[i] = s * sin[i] + s_star * cos[i];
            }
        }
    }
}

fn sum(lanes: &[Lane]) -> f64 {
    let mut sums = [0.0; 4];
    for lane in lanes {
        for i in 0..4 {
            sums[i] += lane[i];
        }
    }
    (sums[0] + sums[1]) + (sums[2] + sums[3])
}

/// Runs a structure over a series from a seed state, which becomes the last state; gives what it did not foresee.
pub(super) fn unforeseen(structure: &Structure<'_>, state: &mut TbatsState, z: &[f64]) -> Vec<f64> {
    let step = |value: &f64| {
        let d = value - structure.foresee(state);
        structure.advance(state, d);
        d
    };
    z.iter().map(step).collect()
}

/// Takes out of `d` what an ARMA model foresees of it; before the series there was nothing.
pub(super) fn whiten(d: &[f64], ar: &[f64], ma: &[f64]) -> Vec<f64> {
    let mut innovations: Vec<f64> = Vec::with_capacity(d.len());
    for (t, value) in d.iter().enumerate() {
        innovations.push(value - foreseen(&d[..t], &innovations, ar, ma));
    }
    innovations
}

/// What an ARMA model expects after `d` and its innovations.
pub(super) fn foreseen(d: &[f64], innovations: &[f64], ar: &[f64], ma: &[f64]) -> f64 {
    let part = |c: &[f64], past: &[f64]| -> f64 { c.iter().zip(past.iter().rev()).map(|(c, value)| c * value).sum() };
    part(ar, d) + part(ma, innovations)
}
