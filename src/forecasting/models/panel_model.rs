//! Models that are fitted to all series of a panel at once: global models, in the words of Januschowski and others
//! (2020), Criteria for classifying forecasting methods.
//!
//! A model of one series is a [`Model`]; one whose forecast of a series depends on the others is a [`PanelModel`]. It gets
//! all that is to be forecast, every series at every cutoff, in one call: what several cutoffs share is then its own to
//! find, and a program outside has to be begun but once.

use std::fmt::Debug;

use super::super::program_model::ProgramModel;
use super::{Estimate, FitError, Fitted, Forecast, Model};

/// A forecasting model that is fitted to several series together, with its settings.
pub(crate) trait PanelModel: Debug + Send + Sync {
    /// Forecasts what follows every past of every window: an outcome for each, by window, in the order of its pasts.
    ///
    /// A window knows nothing of the others: its outcomes are those of a call with it alone. Within one, an outcome may
    /// depend on every past, and on their order only as far as it says so in its documentation. A forecast is a pure
    /// function of the model, the pasts and the request, the same bits at any thread count, and does not depend on how
    /// far it goes. A series that cannot be forecast is an error of its own, and stops no other.
    ///
    /// # Errors
    /// [`Stopped`] if it was asked to stop before it was done.
    fn forecasts(
        &self,
        panel: &PanelPasts<'_>,
        request: PanelRequest<'_>,
        control: PanelControl<'_>,
    ) -> Result<Vec<Vec<PanelOutcome>>, Stopped>;
}

/// The series of a panel, and from where in them to forecast.
#[derive(Clone, Debug, Default)]
pub(crate) struct PanelPasts<'a> {
    /// The series, each once.
    pub(crate) series: Vec<PanelSeries<'a>>,
    /// The pasts that belong together, a series at most once in each; in a back-test the earliest window first.
    pub(crate) windows: Vec<Vec<Past>>,
}

/// One series of a panel.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PanelSeries<'a> {
    /// Its name.
    pub(crate) unique_id: &'a str,
    /// Finite values at regular steps, the oldest first; a past is a beginning of them.
    pub(crate) y: &'a [f64],
}

/// The beginning of a series that a forecast may know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Past {
    /// Position of the series in the panel.
    pub(crate) series: usize,
    /// How many of its values are past.
    pub(crate) n: usize,
}

/// How far to forecast, and with which intervals.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PanelRequest<'a> {
    /// Steps.
    pub(crate) horizon: usize,
    /// Levels of the intervals in percent, each in (0, 100).
    pub(crate) levels: &'a [f64],
}

/// How whoever waits for a panel model looks in on it.
#[derive(Clone, Copy)]
pub(crate) struct PanelControl<'a> {
    /// Whether it is to stop; asked many times a second where that is possible.
    pub(crate) stopped: &'a (dyn Fn() -> bool + Sync),
    /// Takes a few words on how far it is.
    pub(crate) progress: &'a (dyn Fn(&str) + Sync),
}

/// What is forecast of one series.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct PanelForecast {
    /// The forecast.
    pub(crate) forecast: Forecast,
    /// What the fit found, by name, as of [`Fitted::summary`].
    pub(crate) summary: Vec<(String, Estimate)>,
}

impl PanelForecast {
    /// The forecast of a fit to one series.
    pub(crate) fn of(fit: &dyn Fitted, request: PanelRequest<'_>) -> Self {
        let named = |(name, estimate): (&str, Estimate)| (name.to_owned(), estimate);
        Self {
            forecast: fit.forecast(request.horizon, request.levels),
            summary: fit.summary().into_iter().map(named).collect(),
        }
    }
}

/// A forecast of one series, or why there is none.
pub(crate) type PanelOutcome = Result<PanelForecast, FitError>;

/// A panel model was asked to stop before it was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("stopped")]
pub(crate) struct Stopped;

/// A model, by what it is fitted to.
pub(crate) enum AnyModel {
    /// One series at a time.
    Local(Box<dyn Model>),
    /// All series at once.
    Panel(Box<dyn PanelModel>),
    /// All series at once, by a program of the user's.
    Program(Box<ProgramModel>),
}

/// A model of all series.
#[derive(Clone, Copy)]
pub(crate) enum ModelOfAll<'m> {
    /// Of this program.
    Panel(&'m dyn PanelModel),
    /// Of the user's.
    Program(&'m ProgramModel),
}

impl<'a> PanelPasts<'a> {
    /// The same series with the windows at these positions alone.
    pub(crate) fn of_windows(&self, positions: &[usize]) -> PanelPasts<'a> {
        PanelPasts {
            series: self.series.clone(),
            windows: positions.iter().map(|&at| self.windows[at].clone()).collect(),
        }
    }

    /// The name and the values of a past.
    pub(crate) fn past(&self, past: Past) -> PanelSeries<'a> {
        let series = self.series[past.series];
        PanelSeries {
            y: &series.y[..past.n],
            ..series
        }
    }
}

/// Series that are fitted together at most: cost and memory of a pool grow with the square of their number.
pub(crate) const MOST_TOGETHER: usize = 1_000;

/// Runs a model on the series in the order of their names, so that nothing depends on the order they are given in; more
/// than [`MOST_TOGETHER`] of them in groups of neighbours by name, each a panel of its own.
///
/// # Errors
/// [`Stopped`] if a run was.
pub(crate) fn in_groups<'a>(
    panel: &PanelPasts<'a>,
    run: impl Fn(&PanelPasts<'a>) -> Result<Vec<Vec<PanelOutcome>>, Stopped>,
) -> Result<Vec<Vec<PanelOutcome>>, Stopped> {
    let mut order: Vec<usize> = (0..panel.series.len()).collect();
    order.sort_by_key(|&at| panel.series[at].unique_id);
    let groups = order.len().div_ceil(MOST_TOGETHER).max(1);
    let size = order.len().div_ceil(groups).max(1);
    let mut outcomes: Vec<Vec<Option<PanelOutcome>>> =
        panel.windows.iter().map(|pasts| vec![None; pasts.len()]).collect();
    for group in order.chunks(size) {
        let mut members = vec![None; panel.series.len()];
        for (position, &series) in group.iter().enumerate() {
            members[series] = Some(position);
        }
        // The pasts of each window that are in the group, by their new positions, with their old places.
        let windows: Vec<Vec<(Past, usize)>> = panel
            .windows
            .iter()
            .map(|pasts| {
                let inside = |(place, past): (usize, &Past)| {
                    let series = members[past.series]?;
                    Some((Past { series, n: past.n }, place))
                };
                let mut pasts: Vec<(Past, usize)> = pasts.iter().enumerate().filter_map(inside).collect();
                pasts.sort_unstable();
                pasts
            })
            .collect();
        let part = PanelPasts {
            series: group.iter().map(|&at| panel.series[at]).collect(),
            windows: windows
                .iter()
                .map(|pasts| pasts.iter().map(|(past, _)| *past).collect())
                .collect(),
        };
        for ((outcomes, places), found) in outcomes.iter_mut().zip(windows).zip(run(&part)?) {
            for ((_, place), outcome) in places.into_iter().zip(found) {
                outcomes[place] = Some(outcome);
            }
        }
    }
    let whole = |outcome: Option<PanelOutcome>| outcome.expect("internal error: a past in no group");
    Ok(outcomes
        .into_iter()
        .map(|window| window.into_iter().map(whole).collect())
        .collect())
}

impl PanelControl<'_> {
    /// Goes on unless it is to stop.
    ///
    /// # Errors
    /// [`Stopped`] if it is.
    pub(crate) fn check(&self) -> Result<(), Stopped> {
        match (self.stopped)() {
            true => Err(Stopped),
            false => Ok(()),
        }
    }
}

/// As the model itself: what a forecast is cached under.
impl Debug for AnyModel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Local(model) => model.fmt(f),
            Self::Panel(model) => model.fmt(f),
            Self::Program(model) => model.fmt(f),
        }
    }
}

impl AnyModel {
    /// The model, if it is fitted to all series at once.
    pub(crate) fn of_all(&self) -> Option<ModelOfAll<'_>> {
        match self {
            Self::Local(_) => None,
            Self::Panel(model) => Some(ModelOfAll::Panel(model.as_ref())),
            Self::Program(model) => Some(ModelOfAll::Program(model)),
        }
    }

    /// One of all series.
    pub(crate) fn panel(model: impl PanelModel + 'static) -> Self {
        Self::Panel(Box::new(model))
    }
}

impl<M: Model + 'static> From<M> for AnyModel {
    fn from(model: M) -> Self {
        Self::Local(Box::new(model))
    }
}

/// Panels for the tests of models of all series.
#[cfg(test)]
pub(super) mod sample {
    use super::*;

    /// Numbers from -0.5 to 0.5 without a pattern.
    pub(in super::super) fn noise(t: u32) -> f64 {
        let mixed = t.wrapping_mul(0x9E37_79B9) ^ (t.wrapping_mul(0x85EB_CA6B) >> 13);
        f64::from(mixed.wrapping_mul(0xC2B2_AE35) >> 8) / f64::from(1_u32 << 24) - 0.5
    }

    /// Series of a season of 6 and one of 12, each an autoregression of its own around them, of slightly different lengths.
    pub(in super::super) fn panel(count: u32) -> Vec<Vec<f64>> {
        let series = |kind: u32| -> Vec<f64> {
            let mut last = 0.0;
            let mut value = |t: u32| {
                last = 0.8 * last + noise(t + 1000 * kind);
                let season = 20.0 * (f64::from(t) / 6.0 * std::f64::consts::TAU).sin() + f64::from((t + kind) % 12);
                100.0 + season + f64::from(1 + kind % 4) * last
            };
            (0..150 + kind).map(&mut value).collect()
        };
        (0..count).map(series).collect()
    }

    /// What a model forecasts of series under these names from the given numbers of values before their ends.
    pub(in super::super) fn forecasts(
        model: &dyn PanelModel,
        series: &[(String, Vec<f64>)],
        behind: &[usize],
        horizon: usize,
    ) -> Vec<Vec<PanelOutcome>> {
        let past = |behind: usize, (series, (_, y)): (usize, &(String, Vec<f64>))| Past {
            series,
            n: y.len() - behind,
        };
        let window = |&behind: &usize| series.iter().enumerate().map(|one| past(behind, one)).collect();
        let panel = PanelPasts {
            series: series
                .iter()
                .map(|(unique_id, y)| PanelSeries { unique_id, y })
                .collect(),
            windows: behind.iter().map(window).collect(),
        };
        let control = PanelControl {
            stopped: &|| false,
            progress: &|_| {},
        };
        let request = PanelRequest {
            horizon,
            levels: &[80.0, 95.0],
        };
        model.forecasts(&panel, request, control).expect("nobody stops it")
    }

    /// Series with names in their order.
    pub(in super::super) fn named(series: Vec<Vec<f64>>) -> Vec<(String, Vec<f64>)> {
        let name = |(at, y): (usize, Vec<f64>)| (format!("{at:03}"), y);
        series.into_iter().enumerate().map(name).collect()
    }

    /// Asserts what holds of every model: neither the order of the series, nor the threads, nor other windows, nor a
    /// farther horizon change a bit of a forecast; and intervals nest.
    pub(in super::super) fn assert_well_behaved(model: &dyn PanelModel, count: u32) {
        let series = named(panel(count));
        let both = forecasts(model, &series, &[14, 0], 9);
        assert!(both.iter().flatten().all(Result::is_ok), "{both:?}");
        assert_eq!(
            forecasts(model, &series, &[0], 9)[0],
            both[1],
            "without the other window"
        );
        let reversed: Vec<_> = series.iter().rev().cloned().collect();
        let mut turned = forecasts(model, &reversed, &[14, 0], 9);
        for window in &mut turned {
            window.reverse();
        }
        assert_eq!(turned, both, "in the other order");
        for threads in [1, 3] {
            let pool = rayon::ThreadPoolBuilder::new()
                .num_threads(threads)
                .build()
                .expect("threads");
            assert_eq!(
                pool.install(|| forecasts(model, &series, &[14, 0], 9)),
                both,
                "{threads} threads"
            );
        }
        let far = forecasts(model, &series, &[0], 40);
        for (far, near) in far[0].iter().flatten().zip(both[1].iter().flatten()) {
            assert_eq!(far.forecast.mean[..9], near.forecast.mean);
            assert_eq!(far.forecast.intervals[1].upper[..9], near.forecast.intervals[1].upper);
            let [narrow, wide] = &near.forecast.intervals[..] else {
                panic!("two levels")
            };
            for h in 0..9 {
                assert!(wide.lower[h] < narrow.lower[h] && narrow.lower[h] < near.forecast.mean[h]);
                assert!(wide.upper[h] > narrow.upper[h] && narrow.upper[h] > near.forecast.mean[h]);
            }
        }
    }

    /// Asserts that a factor on one series is one on its forecasts, and changes no other's.
    pub(in super::super) fn assert_equivariant(model: &dyn PanelModel, count: u32) {
        let mut series = named(panel(count));
        let plain = forecasts(model, &series, &[0], 9);
        for value in &mut series[1].1 {
            *value *= 1e-3;
        }
        let scaled = forecasts(model, &series, &[0], 9);
        for (at, (plain, scaled)) in plain[0].iter().zip(&scaled[0]).enumerate() {
            let factor = if at == 1 { 1e-3 } else { 1.0 };
            let paths = |one: &PanelOutcome| {
                let forecast = &one.as_ref().expect("a forecast").forecast;
                [forecast.mean.clone(), forecast.intervals[0].lower.clone()].concat()
            };
            for (plain, scaled) in paths(plain).into_iter().zip(paths(scaled)) {
                // Rounding, through the twentieth power of ratios of errors.
                assert!(
                    (scaled / plain / factor - 1.0).abs() < 1e-9,
                    "{scaled} of {plain}, series {at}"
                );
            }
        }
    }

    /// Asserts that series which cannot be forecast are errors of their own, and change nothing for the others.
    pub(in super::super) fn assert_failures_are_alone(model: &dyn PanelModel, count: u32) {
        let sound = named(panel(count));
        let mut all = sound.clone();
        all.push(("short".to_owned(), vec![1.0, 2.0, 3.0]));
        all.push(("not a number".to_owned(), vec![f64::NAN; 160]));
        all.push(("constant".to_owned(), vec![7.0; 160]));
        let found = forecasts(model, &all, &[0], 9).remove(0);
        let (others, odd) = found.split_at(sound.len());
        assert_eq!(others, forecasts(model, &sound, &[0], 9).remove(0));
        assert!(matches!(odd[0], Err(FitError::TooShort { .. })), "{:?}", odd[0]);
        assert_eq!(odd[1], Err(FitError::NotFinite { at: 0 }));
        assert_eq!(odd[2].as_ref().map(|one| &one.forecast.mean), Ok(&vec![7.0; 9]));
    }

    /// Asserts that a model gives errors or finite forecasts on hostile panels, and never panics.
    pub(in super::super) fn fuzz(model: &dyn PanelModel) {
        use proptest::prelude::*;
        let value = prop_oneof![
            4 => -1e3..1e3,
            2 => Just(0.0),
            1 => prop::num::f64::ANY,
            1 => Just(1e300),
            1 => Just(f64::MIN_POSITIVE),
        ];
        let pieces = prop::collection::vec((value, 1_usize..100), 0..6);
        let series = (pieces, prop_oneof![Just(0.0), Just(1.0)]).prop_map(|(pieces, wobble)| {
            let steps = pieces
                .iter()
                .flat_map(|&(value, times)| std::iter::repeat_n(value, times));
            let odd = steps.zip(0..).map(move |(value, t)| value + wobble * noise(t));
            odd.collect::<Vec<f64>>()
        });
        let panels = prop::collection::vec(series, 1..6);
        proptest!(ProptestConfig::with_cases(48), |(panel in panels)| {
            for outcome in forecasts(model, &named(panel), &[0], 30).remove(0).into_iter().flatten() {
                let bounds = outcome.forecast.intervals.iter().flat_map(|one| [&one.lower, &one.upper]);
                let numbers = bounds.chain([&outcome.forecast.mean]).flatten();
                prop_assert!(numbers.into_iter().all(|value| value.is_finite()), "{outcome:?}");
                let interval = &outcome.forecast.intervals[0];
                prop_assert!(interval.lower.iter().zip(&interval.upper).all(|(low, high)| low <= high));
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_series_than_fit_together_are_fitted_in_groups_of_neighbours_by_name() {
        let count = 2 * MOST_TOGETHER + 1;
        // Names in the reverse of the order in which they are given.
        let names: Vec<String> = (0..count).rev().map(|at| format!("{at:05}")).collect();
        let series = names.iter().map(|unique_id| PanelSeries {
            unique_id,
            y: &[1.0, 2.0],
        });
        let past = |n: usize| move |series: usize| Past { series, n };
        let panel = PanelPasts {
            series: series.collect(),
            // The second window has every other series.
            windows: vec![
                (0..count).map(past(2)).collect(),
                (0..count).step_by(2).map(past(1)).collect(),
            ],
        };
        let outcomes = in_groups(&panel, |group| {
            assert!(group.series.len() <= MOST_TOGETHER);
            assert!(group.series.is_sorted_by_key(|series| series.unique_id));
            let told = |past: &Past| PanelForecast {
                forecast: Forecast::default(),
                summary: vec![(
                    group.past(*past).unique_id.to_owned(),
                    Estimate::Text(format!("{} of {}", past.n, group.series.len())),
                )],
            };
            let window = |pasts: &Vec<Past>| pasts.iter().map(|past| Ok(told(past))).collect();
            Ok(group.windows.iter().map(window).collect())
        });
        let outcomes = outcomes.expect("nobody stops it");
        for (outcomes, pasts) in outcomes.iter().zip(&panel.windows) {
            for (outcome, past) in outcomes.iter().zip(pasts) {
                let (name, told) = &outcome.as_ref().expect("a forecast").summary[0];
                assert_eq!(name, panel.series[past.series].unique_id);
                assert_eq!(*told, Estimate::Text(format!("{} of 667", past.n)));
            }
        }
    }
}
