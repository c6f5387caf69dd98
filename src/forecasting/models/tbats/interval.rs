//! A fitted model: its forecasts, and intervals by how far an innovation passes into later values.
//!
//! Source: De Livera, Hyndman and Snyder (2011), section 2.4. On the scale of the transformation the forecasts are normal
//! with the variance `σ² (1 + c₁² + c₂² + …)`, where `c_h` is the response of the h-th value after an innovation of one.
//! Their quantiles are taken back by the transformation; so is their mean, which makes the point forecast the median.

use super::super::{Estimate, Fitted, Forecast, Interval, normal};
use super::box_cox;
use super::form::{Harmonics, Notation, TbatsForm, TbatsParameters, Trend};
use super::state::{Structure, TbatsState, foreseen};

/// The information criteria of a fit, with the likelihood's constant left out, as in the reference.
#[derive(Clone, Copy, Debug)]
pub(super) struct TbatsCriteria {
    pub(super) aic: f64,
    /// Seeds and parameters.
    pub(super) estimated: usize,
}

/// A model at the end of its series.
#[derive(Clone, Debug)]
pub(super) struct TbatsFit {
    pub(super) form: TbatsForm,
    pub(super) harmonics: Harmonics,
    pub(super) parameters: TbatsParameters,
    pub(super) seeds: TbatsState,
    pub(super) end: TbatsState,
    /// The last values that the structure did not foresee, as many as the errors remember.
    pub(super) d: Vec<f64>,
    /// The last innovations, likewise.
    pub(super) innovations: Vec<f64>,
    /// Variance of the innovations.
    pub(super) variance: f64,
    /// The series' values in one of the fit.
    pub(super) unit: f64,
    pub(super) criteria: TbatsCriteria,
    /// Models that were estimated.
    pub(super) tried: usize,
    /// Steps of all estimations.
    pub(super) iterations: usize,
    /// Limits that were reached, in words.
    pub(super) limits: Vec<String>,
}

impl TbatsFit {
    /// What the model foresees from a state on, on the scale of the transformation.
    fn path(&self, mut state: TbatsState, mut d: Vec<f64>, mut innovations: Vec<f64>, horizon: usize) -> Vec<f64> {
        let structure = Structure::new(self.form, &self.harmonics, &self.parameters);
        let step = |_| {
            let error = foreseen(&d, &innovations, &self.parameters.ar, &self.parameters.ma);
            let value = structure.foresee(&state) + error;
            structure.advance(&mut state, error);
            d.push(error);
            innovations.push(0.0);
            value
        };
        (0..horizon).map(step).collect()
    }

    /// The standard deviations of the coming values, on the scale of the transformation.
    fn deviations(&self, horizon: usize) -> Vec<f64> {
        let structure = Structure::new(self.form, &self.harmonics, &self.parameters);
        let mut struck = TbatsState::zero(&self.harmonics);
        structure.advance(&mut struck, 1.0);
        let mut sum = 1.0;
        let responses = self.path(struck, vec![1.0], vec![1.0], horizon);
        let deviation = |response: f64| {
            let now = sum;
            sum += response * response;
            (self.variance * now).sqrt()
        };
        responses.into_iter().map(deviation).collect()
    }

    fn back(&self, z: f64) -> f64 {
        back(self.form, &self.parameters, self.unit, z)
    }
}

/// Takes a value of the fit back to the series' own scale; what would overflow becomes the largest number.
pub(super) fn back(form: TbatsForm, parameters: &TbatsParameters, unit: f64, z: f64) -> f64 {
    let value = if form.box_cox {
        box_cox::back(z, parameters.lambda)
    } else {
        z
    };
    (value * unit).clamp(f64::MIN, f64::MAX)
}

impl Fitted for TbatsFit {
    fn forecast(&self, horizon: usize, levels: &[f64]) -> Forecast {
        let path = self.path(self.end.clone(), self.d.clone(), self.innovations.clone(), horizon);
        let deviations = if levels.is_empty() {
            Vec::new()
        } else {
            self.deviations(horizon)
        };
        let interval = |&level: &f64| {
            let reach = normal::reach(level);
            let bounds = |side: f64| {
                path.iter()
                    .zip(&deviations)
                    .map(|(z, s)| self.back(z + side * reach * s))
                    .collect()
            };
            Interval {
                level,
                lower: bounds(-1.0),
                upper: bounds(1.0),
            }
        };
        Forecast {
            mean: path.iter().map(|&z| self.back(z)).collect(),
            intervals: levels.iter().map(interval).collect(),
        }
    }

    fn summary(&self) -> Vec<(&'static str, Estimate)> {
        let TbatsParameters {
            lambda,
            alpha,
            beta,
            phi,
            gamma,
            ar,
            ma,
        } = &self.parameters;
        let notation = Notation(self.form, &self.harmonics, &self.parameters).to_string();
        let mut found = vec![("form", Estimate::Text(notation))];
        let numbers = |values: &[f64]| Estimate::Numbers(values.to_vec());
        if self.form.box_cox {
            found.push(("lambda", Estimate::Number(*lambda)));
        }
        found.push(("alpha", Estimate::Number(*alpha)));
        if self.form.trend != Trend::Absent {
            found.push(("beta", Estimate::Number(*beta)));
        }
        if self.form.trend == Trend::Damped {
            found.push(("phi", Estimate::Number(*phi)));
        }
        if !gamma.is_empty() {
            found.push(("gamma", numbers(gamma)));
            let words = self.harmonics.seasons.iter().map(|(m, harmonics)| {
                let each: Vec<String> = harmonics.iter().map(usize::to_string).collect();
                format!("{} of [{m}]", each.join(" "))
            });
            found.push(("harmonics", Estimate::Text(words.collect::<Vec<_>>().join(", "))));
        }
        if !ar.is_empty() {
            found.push(("ar", numbers(ar)));
        }
        if !ma.is_empty() {
            found.push(("ma", numbers(ma)));
        }
        let as_number = |count: usize| Estimate::Number(u32::try_from(count).map_or(f64::INFINITY, f64::from));
        found.extend([
            ("level", Estimate::Number(self.seeds.level)),
            ("sigma", Estimate::Number(self.variance.sqrt())),
            ("aic", Estimate::Number(self.criteria.aic)),
            ("estimated", as_number(self.criteria.estimated)),
            ("models_tried", as_number(self.tried)),
            ("iterations", as_number(self.iterations)),
        ]);
        if !self.limits.is_empty() {
            found.push(("limit", Estimate::Text(self.limits.join("; "))));
        }
        found
    }
}
