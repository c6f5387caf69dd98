//! How the innovations depend on seeds and parameters: the rows of the least-squares problem, made on the way.
//!
//! No table of the length of the series is kept: a row is carried forward, whitened and gathered at once. A step costs
//! as many operations for each structural parameter as the state's own, and half the square of the row's length to gather.

use std::collections::VecDeque;

use super::form::{Harmonics, ParameterName, TbatsForm, TbatsParameters};
use super::gains::Gains;
use super::normal::PartitionedEquations;
use super::state::{Structure, TbatsState};

/// The step of the numerical derivatives of gains, which are smooth functions of the order of one.
const STEP: f64 = 1e-7;

/// Where seeds and parameters stand in a row.
#[derive(Clone, Debug)]
pub(super) struct ColumnLayout {
    /// Lanes of harmonics.
    lanes: usize,
    /// The free parameters, in their order.
    pub(super) names: Vec<ParameterName>,
    /// How many of them belong to the structure.
    structural: usize,
}

impl ColumnLayout {
    pub(super) fn new(harmonics: &Harmonics, names: Vec<ParameterName>) -> Self {
        let is_structural = |name: &&ParameterName| !matches!(name, ParameterName::Ar(_) | ParameterName::Ma(_));
        Self {
            lanes: harmonics.cos.len(),
            structural: names.iter().filter(is_structural).count(),
            names,
        }
    }

    /// Columns of seeds: level, slope, two that stay empty, `s` and `s*` of each lane.
    pub(super) fn seeds(&self) -> usize {
        4 + 8 * self.lanes
    }

    /// All columns.
    pub(super) fn size(&self) -> usize {
        (self.seeds() + self.names.len()).next_multiple_of(4)
    }

    /// Adds a step in the columns to seeds and parameters.
    pub(super) fn apply(&self, step: &[f64], seeds: &mut TbatsState, parameters: &mut TbatsParameters) {
        let (of_seeds, of_parameters) = step.split_at(self.seeds());
        seeds.level += of_seeds[0];
        seeds.slope += of_seeds[1];
        let (re, im) = of_seeds[4..].split_at(4 * self.lanes);
        for (state, step) in [(&mut seeds.re, re), (&mut seeds.im, im)] {
            for (value, step) in state.as_flattened_mut().iter_mut().zip(step) {
                *value += step;
            }
        }
        for (&name, step) in self.names.iter().zip(of_parameters) {
            *parameters.at(name) += step;
        }
    }
}

/// What one pass over the series left: what the rows are derivatives of.
#[derive(Clone, Copy, Debug)]
pub(super) struct RunTrace<'a> {
    /// What the structure did not foresee.
    pub(super) d: &'a [f64],
    /// The innovations.
    pub(super) innovations: &'a [f64],
    /// The derivative of each transformed value by λ; empty without a transformation.
    pub(super) by_lambda: &'a [f64],
    /// The slope of the seed state.
    pub(super) slope: f64,
}

/// Gathers the normal equations of the innovations.
pub(super) fn normal(
    form: TbatsForm,
    structure: &Structure<'_>,
    parameters: &TbatsParameters,
    layout: &ColumnLayout,
    pass: &RunTrace<'_>,
) -> PartitionedEquations {
    let seeds = layout.seeds();
    let mut normal = PartitionedEquations::new(layout.size());
    let mut seed_row = structure.first_row();
    let mut responses: Vec<StateDerivative> = layout.names[..layout.structural]
        .iter()
        .map(|&name| StateDerivative::new(form, structure, parameters, name))
        .collect();
    let mut whitening = Whitening::new(parameters, seeds + layout.structural);
    let mut slope = pass.slope;
    for (t, (&d, &innovation)) in pass.d.iter().zip(pass.innovations).enumerate() {
        let mut row = whitening.spare(layout.size());
        write_seeds(&seed_row, &mut row[..seeds]);
        structure.advance_row(&mut seed_row);
        for (column, response) in row[seeds..].iter_mut().zip(&mut responses) {
            let by_lambda = pass.by_lambda.get(t).copied().unwrap_or(0.0);
            *column = response.advance(structure, d, slope, by_lambda);
        }
        slope = structure.phi * slope + structure.beta * d;
        whitening.take(row, d, innovation, |row| normal.add(row, innovation));
    }
    normal.finish();
    normal
}

/// Writes how `d` depends on the seeds: by the row, with the sign turned.
fn write_seeds(row: &TbatsState, out: &mut [f64]) {
    out[0] = -row.level;
    out[1] = -row.slope;
    let (re, im) = out[4..].split_at_mut(row.re.as_flattened().len());
    for (out, from) in [(re, &row.re), (im, &row.im)] {
        for (out, value) in out.iter_mut().zip(from.as_flattened()) {
            *out = -value;
        }
    }
}

/// The derivative of the state by one parameter of the structure.
struct StateDerivative {
    name: ParameterName,
    state: TbatsState,
    /// The derivative of the gains.
    gains: Gains,
}

impl StateDerivative {
    fn new(form: TbatsForm, structure: &Structure<'_>, parameters: &TbatsParameters, name: ParameterName) -> Self {
        let harmonics = structure.harmonics;
        let mut moved = parameters.clone();
        *moved.at(name) += STEP;
        let mut gains = Gains::new(form, harmonics, &moved);
        for (by, from) in [
            (&mut gains.re, &structure.gains.re),
            (&mut gains.im, &structure.gains.im),
        ] {
            for (by, from) in by.as_flattened_mut().iter_mut().zip(from.as_flattened()) {
                *by = (*by - from) / STEP;
            }
        }
        Self {
            name,
            state: TbatsState::zero(harmonics),
            gains,
        }
    }

    /// Gives the derivative of `d`, and takes the step.
    fn advance(&mut self, structure: &Structure<'_>, d: f64, slope: f64, by_lambda: f64) -> f64 {
        let mut derivative = -structure.foresee(&self.state);
        match self.name {
            ParameterName::Lambda => derivative += by_lambda,
            ParameterName::Phi => derivative -= slope,
            _ => {}
        }
        structure.advance(&mut self.state, derivative);
        match self.name {
            ParameterName::Lambda => return derivative,
            ParameterName::Alpha => self.state.level += d,
            ParameterName::Beta => self.state.slope += d,
            ParameterName::Phi => {
                self.state.level += slope;
                self.state.slope += slope;
            }
            ParameterName::Gamma(_) | ParameterName::Ar(_) | ParameterName::Ma(_) => {}
        }
        for (state, gains) in [
            (&mut self.state.re, &self.gains.re),
            (&mut self.state.im, &self.gains.im),
        ] {
            for (value, gain) in state.iter_mut().zip(gains) {
                for i in 0..4 {
                    value[i] += gain[i] * d;
                }
            }
        }
        derivative
    }
}

/// Turns rows of derivatives of `d` into rows of derivatives of the innovations.
struct Whitening<'a> {
    ar: &'a [f64],
    ma: &'a [f64],
    /// Columns before those of the ARMA coefficients.
    structural: usize,
    /// Rows as they came, the latest first: as many as there are φ.
    raw: VecDeque<Vec<f64>>,
    /// Rows as they went, the latest first: as many as there are θ.
    white: VecDeque<Vec<f64>>,
    /// The derivatives of the next innovations by φ₁ and θ₁, the latest first; those by `φ_i` are i − 1 steps older.
    by_ar: VecDeque<f64>,
    by_ma: VecDeque<f64>,
    /// A row that is no longer needed.
    spare: Vec<f64>,
}

impl<'a> Whitening<'a> {
    fn new(parameters: &'a TbatsParameters, structural: usize) -> Self {
        Self {
            ar: &parameters.ar,
            ma: &parameters.ma,
            structural,
            raw: VecDeque::new(),
            white: VecDeque::new(),
            by_ar: VecDeque::new(),
            by_ma: VecDeque::new(),
            spare: Vec::new(),
        }
    }

    fn spare(&mut self, size: usize) -> Vec<f64> {
        let mut row = std::mem::take(&mut self.spare);
        row.clear();
        row.resize(size, 0.0);
        row
    }

    fn take(&mut self, row: Vec<f64>, d: f64, innovation: f64, mut gather: impl FnMut(&[f64])) {
        if self.ar.is_empty() && self.ma.is_empty() {
            gather(&row);
            self.spare = row;
            return;
        }
        let mut out = row.clone();
        let structural = self.structural;
        let past = self.ar.iter().zip(&self.raw).chain(self.ma.iter().zip(&self.white));
        for (c, before) in past {
            for (out, value) in out[..structural].iter_mut().zip(before) {
                *out -= c * value;
            }
        }
        let (p, q) = (self.ar.len(), self.ma.len());
        let of_arma = self.by_ar.iter().enumerate().take(p);
        let of_arma = of_arma.chain(self.by_ma.iter().enumerate().take(q).map(|(i, value)| (p + i, value)));
        for (i, value) in of_arma {
            out[structural + i] = *value;
        }
        gather(&out);
        for (series, value) in [(&mut self.by_ar, d), (&mut self.by_ma, innovation)] {
            let past: f64 = self.ma.iter().zip(series.iter()).map(|(c, before)| c * before).sum();
            series.push_front(-value - past);
            series.truncate(p.max(q));
        }
        remember(&mut self.raw, row, p);
        remember(&mut self.white, out, q);
    }
}

fn remember(rows: &mut VecDeque<Vec<f64>>, row: Vec<f64>, most: usize) {
    rows.push_front(row);
    rows.truncate(most);
}
