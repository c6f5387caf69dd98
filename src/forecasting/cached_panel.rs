//! The forecasts of a panel model, cached from one run to the next: those of a window together, for each depends on all.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use super::cached_fit::{self, CandidateModel, FitEffort, ForecastRequest, WindowForecast, WindowOutcome};
use super::models::panel_model::{
    ModelOfAll, PanelControl, PanelModel, PanelOutcome, PanelPasts, PanelRequest, Past, Stopped,
};
use super::series::Series;
use crate::engine::digest::Digest;
use crate::engine::task::{Context, TaskError};

/// The windows of a back-test as a panel model takes them: those that are equally far from the end of their series belong
/// together.
///
/// Series that end at one time have cutoffs at one time then. One that ends earlier is known for as long before its end as
/// the others before theirs: so it is in the forecast, which knows every series to its end.
pub(crate) fn windows<'a>(series: &[(&'a Series, Vec<usize>)]) -> PanelPasts<'a> {
    let most = series.iter().map(|(_, cutoffs)| cutoffs.len()).max().unwrap_or(0);
    let past = |window: usize, (at, (_, cutoffs)): (usize, &(&Series, Vec<usize>))| {
        let n = *cutoffs.get((window + cutoffs.len()).checked_sub(most)?)?;
        Some(Past { series: at, n })
    };
    let pasts = |window| {
        let all = series.iter().enumerate();
        all.filter_map(|one| past(window, one)).collect()
    };
    PanelPasts {
        series: series.iter().map(|(series, _)| series.in_panel()).collect(),
        windows: (0..most).map(pasts).collect(),
    }
}

/// The ends of all series: what a forecast beyond them knows, as one window.
pub(crate) fn ends(series: &[Series]) -> PanelPasts<'_> {
    let end = |(at, series): (usize, &Series)| Past {
        series: at,
        n: series.y.len(),
    };
    PanelPasts {
        series: series.iter().map(Series::in_panel).collect(),
        windows: vec![series.iter().enumerate().map(end).collect()],
    }
}

impl CandidateModel {
    /// Forecasts every past of every window with the model of all series that this candidate is: outcomes by window, in the
    /// order of its pasts, and what they cost. The positions of `series` are those of the panel.
    ///
    /// # Errors
    /// [`TaskError`] if the task is stopped, or a program fails.
    pub(crate) fn panel_forecasts(
        &self,
        context: &Context<'_>,
        model: ModelOfAll<'_>,
        (panel, series): (&PanelPasts<'_>, &[&Series]),
        request: ForecastRequest<'_>,
    ) -> Result<(Vec<Vec<WindowOutcome>>, FitEffort), TaskError> {
        let key = |window: usize| match model {
            ModelOfAll::Panel(_) => self.panel_key(panel, window, &[], request),
            ModelOfAll::Program(_) => self.panel_key(panel, window, series, request),
        };
        let keys: Vec<Digest> = (0..panel.windows.len()).map(key).collect();
        let cached = |(key, pasts): (&Digest, &Vec<Past>)| cached(context, model, key, pasts.len(), request);
        let mut outcomes: Vec<Option<Vec<WindowOutcome>>> = keys.iter().zip(&panel.windows).map(cached).collect();
        let absent: Vec<usize> = (0..keys.len()).filter(|&at| outcomes[at].is_none()).collect();
        let count = |windows: &mut dyn Iterator<Item = usize>| windows.map(|at| panel.windows[at].len()).sum::<usize>();
        let fitted = count(&mut absent.iter().copied());
        let mut effort = FitEffort {
            fitted,
            remembered: count(&mut (0..keys.len())) - fitted,
            time: Duration::ZERO,
        };
        if fitted > 0 {
            let begun = Instant::now();
            let panel = panel.of_windows(&absent);
            match model {
                ModelOfAll::Panel(model) => {
                    let computed = self.fit_panel(context, model, &panel, request)?;
                    for (&at, (window, is_sound)) in absent.iter().zip(computed) {
                        // A panic is a fault of the program, which its next version may have mended: it is not remembered.
                        if is_sound {
                            context.memo.put(&keys[at], &cached_fit::encode_all(&window));
                        }
                        outcomes[at] = Some(window);
                    }
                }
                ModelOfAll::Program(model) => {
                    let (windows, used) = model.forecasts(context, &panel, series, request)?;
                    for (&at, window) in absent.iter().zip(windows) {
                        // Nobody knows what else the program read in the place of what moved meanwhile; and what it has
                        // not forecast may have been for want of something that is there the next time.
                        if let Some(used) = used.as_ref().filter(|_| window.iter().all(Result::is_ok)) {
                            let bytes = cached_fit::encode_of_program(used, &window);
                            context.programs.remember(keys[at], bytes);
                        }
                        outcomes[at] = Some(window);
                    }
                }
            }
            effort.time = begun.elapsed();
        }
        Ok((outcomes.into_iter().map(Option::unwrap_or_default).collect(), effort))
    }

    /// The digest of everything that the forecasts of a window depend on: names and values of every past, in their order;
    /// and times and what is known ahead, of those `series` that are given.
    fn panel_key(
        &self,
        panel: &PanelPasts<'_>,
        window: usize,
        series: &[&Series],
        request: ForecastRequest<'_>,
    ) -> Digest {
        let mut bytes = self.key_without_past(request);
        for &Past { series: at, n } in &panel.windows[window] {
            let past = panel.past(Past { series: at, n });
            bytes.extend(format!("{:?} {} ", past.unique_id, past.y.len()).into_bytes());
            bytes.extend(past.y.iter().flat_map(|value| value.to_bits().to_le_bytes()));
            if let Some(series) = series.get(at) {
                let times = (0..n + request.horizon).map(|at| series.time(at).and_utc().timestamp_micros());
                bytes.extend(times.flat_map(i64::to_le_bytes));
                bytes.extend(series.known.bytes(n, request.horizon));
            }
        }
        Digest::of(&bytes)
    }

    /// The outcomes of each window, and whether the model came to an end by itself.
    fn fit_panel(
        &self,
        context: &Context<'_>,
        model: &dyn PanelModel,
        panel: &PanelPasts<'_>,
        request: ForecastRequest<'_>,
    ) -> Result<Vec<(Vec<WindowOutcome>, bool)>, TaskError> {
        let control = PanelControl {
            stopped: &|| context.check_cancelled().is_err(),
            progress: &|words| context.progress(&format!("{}: {words}", self.name)),
        };
        let asked = PanelRequest {
            horizon: request.horizon,
            levels: request.levels,
        };
        let forecasts =
            |panel: &PanelPasts<'_>| catch_unwind(AssertUnwindSafe(|| model.forecasts(panel, asked, control)));
        let outcome = |outcome: PanelOutcome| match outcome {
            Ok(window) => {
                let (forecast, found) = (window.forecast, window.summary);
                WindowForecast { forecast, found }.checked(request)
            }
            Err(why) => Err(why.into()),
        };
        let whole = |windows: &Vec<Vec<PanelOutcome>>| {
            let lengths = panel.windows.iter().map(Vec::len);
            windows.iter().map(Vec::len).eq(lengths)
        };
        let failed = |why: String| {
            let window = |pasts: &Vec<Past>| (vec![Err(why.clone().into()); pasts.len()], false);
            panel.windows.iter().map(window).collect()
        };
        match forecasts(panel) {
            Ok(Err(Stopped)) => Err(TaskError::stopped()),
            Ok(Ok(windows)) if whole(&windows) => Ok(windows
                .into_iter()
                .map(|window| (window.into_iter().map(outcome).collect(), true))
                .collect()),
            Ok(Ok(_)) => Ok(failed(format!("{} gave other forecasts than asked for", self.name))),
            // Which window was the fault of it is found one by one.
            Err(_) if panel.windows.len() > 1 => {
                let alone = |at| self.fit_panel(context, model, &panel.of_windows(&[at]), request);
                let windows = (0..panel.windows.len()).map(alone).collect::<Result<Vec<_>, _>>()?;
                Ok(windows.into_iter().flatten().collect())
            }
            Err(_) => Ok(failed(format!("{} panicked", self.name))),
        }
    }
}

/// The outcomes of a window that are remembered; `None` if they are not, not as many or as long as asked for, or of a
/// program that used what is no longer as it was.
fn cached(
    context: &Context<'_>,
    model: ModelOfAll<'_>,
    key: &Digest,
    pasts: usize,
    request: ForecastRequest<'_>,
) -> Option<Vec<WindowOutcome>> {
    let bytes = context.memo.get(key)?;
    let (used, outcomes) = match model {
        ModelOfAll::Panel(_) => (None, cached_fit::decode_all(&bytes)?),
        ModelOfAll::Program(program) => {
            let (used, outcomes) = cached_fit::decode_of_program(&bytes)?;
            (Some((program, used)), outcomes)
        }
    };
    let checked = |outcome: WindowOutcome| match outcome {
        Ok(window) => window.checked(request).ok().map(Ok),
        Err(why) => Some(Err(why)),
    };
    let is_whole = outcomes.len() == pasts;
    let outcomes = outcomes
        .into_iter()
        .map(checked)
        .collect::<Option<Vec<_>>>()
        .filter(|_| is_whole)?;
    if let Some((program, used)) = used {
        if !context.programs.is_as(&used) {
            return None;
        }
        program.note_used(&used);
        context.programs.goes_on_from(used);
    }
    Some(outcomes)
}
