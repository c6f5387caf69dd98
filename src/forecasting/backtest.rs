//! Back-test with a rolling origin: every model on every series at every cutoff.
//!
//! The windows lie as in statsforecast's `cross_validation(h, n_windows, step_size, refit=True)`: the last one ends with
//! the data, each earlier one `step_size` steps before the next; the cutoff is the last time of the past.

use std::sync::atomic::{AtomicUsize, Ordering};

use rayon::prelude::*;

use super::cached_fit::{CandidateModel, FitEffort, ForecastRequest, WindowOutcome};
use super::cached_panel;
use super::models::Model;
use super::models::panel_model::{AnyModel, ModelOfAll, PanelPasts};
use super::series::Series;
use crate::engine::task::{Context, TaskError};

/// From so many forecasts a model on, its windows are fitted in one go, which some models do faster; below, each window is
/// work for a thread of its own, save where one go is much faster.
const MANY: usize = 64;

/// How the windows lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RollingOrigin {
    /// Steps that are forecast in each.
    pub(crate) horizon: usize,
    /// How many there are.
    pub(crate) count: usize,
    /// Steps from one cutoff to the next.
    pub(crate) step: usize,
}

impl RollingOrigin {
    /// How many values each window's past has in a series of `n` values, the earliest window first.
    ///
    /// `None` if the earliest has no past.
    #[must_use]
    pub(crate) fn cutoffs(self, n: usize) -> Option<Vec<usize>> {
        let after = |window: usize| {
            (self.count - 1 - window)
                .checked_mul(self.step)?
                .checked_add(self.horizon)
        };
        let cutoff = |window: usize| n.checked_sub(after(window)?).filter(|past| *past > 0);
        (0..self.count).map(cutoff).collect()
    }
}

/// The windows of one series: outcomes by window, for one model.
pub(crate) type Outcomes = Vec<WindowOutcome>;

/// One thing to do for a candidate.
enum Work<'a> {
    /// Some windows of one series, which are fitted together.
    Series(&'a dyn Model, usize, std::ops::Range<usize>),
    /// All windows of all series.
    Panel(ModelOfAll<'a>),
}

/// Runs every candidate on every series; gives the outcomes by candidate and series, and what each candidate cost.
///
/// Programs of the user's run first, one after the other, each with all threads of the target.
///
/// # Errors
/// [`TaskError`] if the task is stopped, or a program fails.
pub(crate) fn run(
    context: &Context<'_>,
    candidates: &[CandidateModel],
    series: &[(&Series, Vec<usize>)],
    request: ForecastRequest<'_>,
) -> Result<Vec<(Vec<Outcomes>, FitEffort)>, TaskError> {
    let work = work(candidates, series);
    let is_panel = |(_, one): &(usize, Work<'_>)| matches!(one, Work::Panel(_));
    let panel = match work.iter().any(is_panel) {
        true => cached_panel::windows(series),
        false => PanelPasts::default(),
    };
    let all: Vec<&Series> = series.iter().map(|(series, _)| *series).collect();
    let total = work.len();
    let done = AtomicUsize::new(0);
    let work_done = |(candidate, one): &(usize, Work<'_>)| -> Result<(Vec<(usize, Outcomes)>, FitEffort), TaskError> {
        context.check_cancelled()?;
        let candidate = &candidates[*candidate];
        let result = match one {
            Work::Series(model, at, windows) => {
                let (series, cutoffs) = &series[*at];
                let past: (&Series, &[usize]) = (series, &cutoffs[windows.clone()]);
                let (outcomes, effort) = candidate.forecasts(context.memo, *model, past, request);
                (vec![(*at, outcomes)], effort)
            }
            Work::Panel(model) => {
                let (windows, effort) = candidate.panel_forecasts(context, *model, (&panel, &all), request)?;
                let pasts = panel.windows.iter().flatten();
                let outcomes = pasts.zip(windows.into_iter().flatten());
                let by_series = outcomes.map(|(past, outcome)| (past.series, vec![outcome]));
                (by_series.collect(), effort)
            }
        };
        let done = done.fetch_add(1, Ordering::Relaxed) + 1;
        context.progress(&format!("{done} of {total} fits, last {}", candidate.name));
        Ok(result)
    };
    let is_program = |(_, one): &(usize, Work<'_>)| matches!(one, Work::Panel(ModelOfAll::Program(_)));
    let (programs, others): (Vec<_>, Vec<_>) = work.into_iter().partition(is_program);
    let mut results: Vec<_> = programs.iter().map(work_done).collect::<Result<_, _>>()?;
    let of_others: Result<Vec<_>, _> = others.par_iter().with_max_len(1).map(work_done).collect();
    results.extend(of_others?);
    let work = programs.into_iter().chain(others);
    let empty = || (vec![Vec::new(); series.len()], FitEffort::default());
    let mut sorted: Vec<(Vec<Outcomes>, FitEffort)> = candidates.iter().map(|_| empty()).collect();
    for ((candidate, _), (outcomes, effort)) in work.zip(results) {
        let (by_series, sum) = &mut sorted[candidate];
        for (at, outcomes) in outcomes {
            by_series[at].extend(outcomes);
        }
        *sum = sum.and(effort);
    }
    Ok(sorted)
}

/// All that is to be done, each with the position of its candidate; the windows of a series in their order.
fn work<'a>(candidates: &'a [CandidateModel], series: &[(&Series, Vec<usize>)]) -> Vec<(usize, Work<'a>)> {
    let many = series.len() * candidates.len() >= MANY;
    let mut work = Vec::new();
    for (candidate, CandidateModel { model, .. }) in candidates.iter().enumerate() {
        if let Some(model) = model.of_all() {
            work.push((candidate, Work::Panel(model)));
        }
        let AnyModel::Local(model) = model else { continue };
        let model = model.as_ref();
        let together = many || model.fits_together();
        for (at, (_, cutoffs)) in series.iter().enumerate() {
            let size = if together { cutoffs.len() } else { 1 };
            let firsts = (0..cutoffs.len()).step_by(size);
            work.extend(firsts.map(|first| (candidate, Work::Series(model, at, first..first + size))));
        }
    }
    work
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_window_ends_with_the_data() {
        let windows = RollingOrigin {
            horizon: 24,
            count: 5,
            step: 168,
        };
        // The reference: 8,761 hours from 2024-01-01T00, cutoffs on Mondays from 2024-12-02T00 to 2024-12-30T00.
        let cutoffs = windows.cutoffs(8761).expect("long enough");
        assert_eq!(cutoffs, [8065, 8233, 8401, 8569, 8737]);
    }

    #[test]
    fn windows_may_overlap_and_must_have_a_past() {
        let windows = RollingOrigin {
            horizon: 4,
            count: 3,
            step: 1,
        };
        assert_eq!(windows.cutoffs(10), Some(vec![4, 5, 6]));
        assert_eq!(windows.cutoffs(7), Some(vec![1, 2, 3]));
        assert_eq!(windows.cutoffs(6), None);
    }
}
