//! Estimation of seeds and parameters together, by least squares.
//!
//! The likelihood, with the variance at its best and in units of the geometric mean, is a function of the sum of squared
//! innovations alone. The source solves for the seed state once, at the parameters it starts from, and searches among the
//! parameters for that seed state. Here the first step is the same, and those after it move both: Gauss-Newton's, damped
//! (Levenberg and Marquardt) in the parameters only, as the innovations are linear in the seeds.

use super::admissible::is_admissible;
use super::box_cox;
use super::form::{Harmonics, ParameterName, TbatsForm, TbatsParameters, Trend};
use super::normal::{PartitionedEquations, Reduced};
use super::sensitivity::{ColumnLayout, RunTrace, normal};
use super::state::{Structure, TbatsState, unforeseen, whiten};

/// The least and the largest share of a slope that a step leaves, as in the reference.
const DAMPING: (f64, f64) = (0.8, 1.0);

/// The least and the largest α, β and γ: a state that moves away from what was not foreseen is none.
const ALPHA: (f64, f64) = (0.0, 2.0);
const BETA: (f64, f64) = (0.0, 1.0);
const GAMMA: (f64, f64) = (0.0, 1.0);

/// The damping beyond which no step is expected to help any more.
const MOST_CAUTION: f64 = 1e6;

/// A step that promises a smaller share of the sum of squares is not worth taking.
const TOLERANCE: f64 = 1e-7;

/// Below this share of the values' squares, innovations are rounding.
const EXACT: f64 = 1e-24;

/// What is fitted: a series, and the bounds of λ.
#[derive(Clone, Debug)]
pub(super) struct TbatsSample<'a> {
    /// Logarithms about the geometric mean, where the series is positive.
    pub(super) logarithms: Option<&'a [f64]>,
    /// The values in the unit of the fit.
    pub(super) values: &'a [f64],
    /// The least and the largest λ.
    pub(super) lambda: (f64, f64),
    pub(super) harmonics: &'a Harmonics,
    /// Most steps of an estimation.
    pub(super) max_iterations: usize,
}

/// An estimate, or the start of one.
#[derive(Clone, Debug)]
pub(super) struct TbatsEstimate {
    pub(super) form: TbatsForm,
    pub(super) parameters: TbatsParameters,
    /// The seed state.
    pub(super) seeds: TbatsState,
    /// The sum of squared innovations.
    pub(super) squares: f64,
    /// Steps taken or tried.
    pub(super) iterations: usize,
    /// Whether the limit on steps ended it.
    pub(super) limited: bool,
}

/// One run over the series.
pub(super) struct SeriesRun {
    pub(super) d: Vec<f64>,
    pub(super) innovations: Vec<f64>,
    /// The state after the last value.
    pub(super) end: TbatsState,
    pub(super) squares: f64,
}

impl TbatsSample<'_> {
    /// The series as a form sees it.
    pub(super) fn transformed(&self, form: TbatsForm, lambda: f64) -> Vec<f64> {
        match self.logarithms {
            Some(logarithms) if form.box_cox => logarithms.iter().map(|&x| box_cox::transform(x, lambda)).collect(),
            _ => self.values.to_vec(),
        }
    }

    /// Runs a model over the series; `None` where it is not admissible or leads nowhere.
    pub(super) fn run(&self, form: TbatsForm, parameters: &TbatsParameters, seeds: &TbatsState) -> Option<SeriesRun> {
        let structure = Structure::new(form, self.harmonics, parameters);
        if !is_admissible(form, &structure, parameters) {
            return None;
        }
        let mut end = seeds.clone();
        let d = unforeseen(&structure, &mut end, &self.transformed(form, parameters.lambda));
        let innovations = whiten(&d, &parameters.ar, &parameters.ma);
        let squares: f64 = innovations.iter().map(|e| e * e).sum();
        squares.is_finite().then_some(SeriesRun {
            d,
            innovations,
            end,
            squares,
        })
    }

    fn normal(&self, estimate: &TbatsEstimate, layout: &ColumnLayout, run: &SeriesRun) -> PartitionedEquations {
        let TbatsEstimate {
            form,
            parameters,
            seeds,
            ..
        } = estimate;
        let by_lambda: Vec<f64> = match self.logarithms {
            Some(logarithms) if form.box_cox => {
                let at = |&x: &f64| box_cox::by_lambda(x, parameters.lambda);
                logarithms.iter().map(at).collect()
            }
            _ => Vec::new(),
        };
        let pass = RunTrace {
            d: &run.d,
            innovations: &run.innovations,
            by_lambda: &by_lambda,
            slope: seeds.slope,
        };
        let structure = Structure::new(*form, self.harmonics, parameters);
        normal(*form, &structure, parameters, layout, &pass)
    }

    /// Estimates from parameters and a seed state to start from; `None` if even the start leads nowhere.
    pub(super) fn estimate(
        &self,
        form: TbatsForm,
        parameters: TbatsParameters,
        seeds: TbatsState,
    ) -> Option<TbatsEstimate> {
        let layout = ColumnLayout::new(self.harmonics, ParameterName::of(form, self.harmonics.seasons.len()));
        let mut run = self.run(form, &parameters, &seeds)?;
        let mut at = TbatsEstimate {
            form,
            parameters,
            seeds,
            squares: run.squares,
            iterations: 1,
            limited: false,
        };
        // The seeds alone, at the parameters of the start.
        let reduced = self.normal(&at, &layout, &run).reduced(layout.seeds())?;
        let none_free = vec![false; reduced.gradient.len()];
        if let Proposal::Better(better) = self.propose(&at, &layout, &reduced, 0.0, none_free) {
            (at, run) = (better.estimate, better.run);
        }
        let total: f64 = self.values.iter().map(|z| z * z).sum();
        let mut caution = 1e-3;
        while let Some(reduced) = self.normal(&at, &layout, &run).reduced(layout.seeds()) {
            let free = self.free(&at, &layout, &reduced);
            loop {
                if at.iterations >= self.max_iterations || caution > MOST_CAUTION || at.squares <= EXACT * total {
                    at.limited = at.iterations >= self.max_iterations;
                    return Some(at);
                }
                at.iterations += 1;
                match self.propose(&at, &layout, &reduced, caution, free.clone()) {
                    Proposal::Little => return Some(at),
                    Proposal::Better(better) => {
                        caution = next_caution(caution, better.kept);
                        (at, run) = (better.estimate, better.run);
                        break;
                    }
                    Proposal::Worse => caution *= 8.0,
                }
            }
        }
        Some(at)
    }

    /// Takes a step of the seeds and of the parameters that are `free`, if it lowers the sum of squares.
    fn propose(
        &self,
        at: &TbatsEstimate,
        layout: &ColumnLayout,
        reduced: &Reduced,
        caution: f64,
        mut free: Vec<bool>,
    ) -> Proposal {
        // Where the gains of the seasons would leave the admissible region, the others may still move within it.
        for with_gains in [true, false] {
            let Some((step, promised)) = reduced.step(caution, &free) else {
                return Proposal::Worse;
            };
            if promised <= TOLERANCE * at.squares {
                return if with_gains { Proposal::Little } else { Proposal::Worse };
            }
            let mut next = at.clone();
            layout.apply(&step, &mut next.seeds, &mut next.parameters);
            self.confine(&mut next.parameters);
            match self.run(at.form, &next.parameters, &next.seeds) {
                Some(run) if run.squares < at.squares => {
                    next.squares = run.squares;
                    return Proposal::Better(Box::new(Better {
                        kept: (at.squares - next.squares) / promised,
                        estimate: next,
                        run,
                    }));
                }
                Some(_) => return Proposal::Worse,
                None => {}
            }
            for (free, name) in free.iter_mut().zip(&layout.names) {
                *free &= !matches!(name, ParameterName::Gamma(_));
            }
        }
        Proposal::Worse
    }

    /// Returns for each parameter whether it may move: not out of its bounds.
    fn free(&self, at: &TbatsEstimate, layout: &ColumnLayout, reduced: &Reduced) -> Vec<bool> {
        let mut free = vec![true; reduced.gradient.len()];
        for ((free, &name), &slope) in free.iter_mut().zip(&layout.names).zip(&reduced.gradient) {
            *free = !self.is_held(name, at, slope);
        }
        free
    }

    /// Returns whether a parameter sits at a bound that its slope pushes it against.
    fn is_held(&self, name: ParameterName, at: &TbatsEstimate, slope: f64) -> bool {
        let (value, (least, most)) = match name {
            ParameterName::Lambda => (at.parameters.lambda, self.lambda),
            ParameterName::Phi => (at.parameters.phi, DAMPING),
            ParameterName::Alpha => (at.parameters.alpha, ALPHA),
            ParameterName::Beta => (at.parameters.beta, BETA),
            ParameterName::Gamma(season) => (at.parameters.gamma[season], GAMMA),
            _ => return false,
        };
        (value <= least && slope > 0.0) || (value >= most && slope < 0.0)
    }

    fn confine(&self, parameters: &mut TbatsParameters) {
        parameters.lambda = parameters.lambda.clamp(self.lambda.0, self.lambda.1);
        parameters.alpha = parameters.alpha.clamp(ALPHA.0, ALPHA.1);
        parameters.beta = parameters.beta.clamp(BETA.0, BETA.1);
        parameters.phi = parameters.phi.clamp(DAMPING.0, DAMPING.1);
        parameters
            .gamma
            .iter_mut()
            .for_each(|gamma| *gamma = gamma.clamp(GAMMA.0, GAMMA.1));
    }

    /// Where the estimation of a form starts, as in the reference but for the damping; see [`TbatsSample::estimate`].
    pub(super) fn start(&self, form: TbatsForm) -> TbatsParameters {
        TbatsParameters {
            lambda: if form.box_cox {
                f64::midpoint(self.lambda.0, self.lambda.1)
            } else {
                1.0
            },
            alpha: 0.09,
            beta: if form.trend == Trend::Absent { 0.0 } else { 0.05 },
            phi: if form.trend == Trend::Damped { 0.98 } else { 1.0 },
            gamma: vec![1e-3; self.harmonics.seasons.len()],
            ar: vec![0.0; form.p],
            ma: vec![0.0; form.q],
        }
    }
}

/// What came of one step.
enum Proposal {
    Better(Box<Better>),
    Worse,
    /// The step promised too little to be tried.
    Little,
}

/// A better estimate.
struct Better {
    estimate: TbatsEstimate,
    /// Its run over the series.
    run: SeriesRun,
    /// How much of the promise was kept.
    kept: f64,
}

/// The damping after a step that kept this share of its promise.
fn next_caution(caution: f64, kept: f64) -> f64 {
    let factor = if kept > 0.75 {
        0.1
    } else if kept < 0.25 {
        4.0
    } else {
        1.0
    };
    (caution * factor).max(1e-9)
}
