//! Forecasts series beyond their ends with the models that were selected for them: for the predictions, the packaged
//! model, and newer data.

use rayon::prelude::*;

use super::cached_fit::{CandidateModel, FitEffort, ForecastRequest, WindowOutcome};
use super::cached_panel;
use super::frequency::Calendars;
use super::intervals::raise_to_zero;
use super::known_ahead::Known;
use super::models::combine::Combination;
use super::models::conformal::Conformal;
use super::models::panel_model::AnyModel;
use super::models::{Estimate, Forecast, Interval};
use super::panel::{self, Reading};
use super::selection::Selection;
use super::series::{Observation, Series};
use super::table::ParquetTable;
use crate::engine::task::{Context, TaskError};

/// A selection whose models are ready to be fitted.
pub(crate) struct Forecaster {
    selection: Selection,
    candidates: Vec<CandidateModel>,
}

/// What is forecast of one series.
pub(crate) struct SeriesForecast<'s> {
    /// The series.
    pub(crate) series: &'s Series,
    /// The name of the model, or of the ensemble.
    pub(crate) model: String,
    /// The forecast, with one interval for each level asked for.
    pub(crate) forecast: Forecast,
    /// What the fit of each model found, by the model's name.
    pub(crate) found: Vec<(String, Vec<(String, Estimate)>)>,
    /// What it cost.
    pub(crate) effort: FitEffort,
}

impl Forecaster {
    /// Makes the models of a selection.
    ///
    /// # Errors
    /// [`TaskError`] as those of [`Selection::candidates`].
    pub(crate) fn new(context: &Context<'_>, selection: Selection) -> Result<Self, TaskError> {
        let candidates = selection.candidates(context)?;
        Ok(Self { selection, candidates })
    }

    /// Whether a program of the user's is among the models.
    pub(crate) fn runs_programs(&self) -> bool {
        let is_program = |candidate: &CandidateModel| matches!(candidate.model, AnyModel::Program(_));
        self.candidates.iter().any(is_program)
    }

    /// The lengths of the seasons, the shortest first.
    pub(crate) fn seasons(&self) -> &[usize] {
        &self.selection.seasons
    }

    /// The names of the series for which something was selected.
    pub(crate) fn names(&self) -> Vec<&str> {
        self.selection.series.keys().map(String::as_str).collect()
    }

    /// The series of a table that are to be forecast: without those left out, each read as it was for the choice.
    ///
    /// # Errors
    /// [`TaskError`] for one that cannot be fitted.
    pub(crate) fn series(
        &self,
        context: &Context<'_>,
        rows: &[Observation],
        calendars: Calendars,
    ) -> Result<Vec<Series>, TaskError> {
        let left_out: Vec<&str> = self.selection.left_out.keys().map(String::as_str).collect();
        if !left_out.is_empty() {
            context.log(&format!("not forecast, as `selected` says: {}", left_out.join(", ")));
        }
        panel::read(rows, calendars, |id| {
            match (
                self.selection.left_out.contains_key(id),
                self.selection.noted.contains_key(id),
            ) {
                (true, _) => Reading::Not,
                (false, true) => Reading::AfterLastGap,
                (false, false) => Reading::Whole,
            }
        })
    }

    /// Reads what is known ahead, if a selected model uses it.
    ///
    /// # Errors
    /// [`TaskError`] if it is not given, or is not what it was.
    pub(crate) fn known(&self, context: &Context<'_>) -> Result<Option<Known>, TaskError> {
        let sources = self.selection.known.clone();
        sources.map(|sources| Known::again(context, sources)).transpose()
    }

    /// Looks up what is known ahead of the series whose models use it, and of the steps to forecast; of all series where a
    /// program is among the models, since it gets them all.
    ///
    /// # Errors
    /// [`TaskError`] that names the times for which nothing is.
    pub(crate) fn look_up(
        &self,
        known: Option<&Known>,
        series: &mut [Series],
        horizon: usize,
    ) -> Result<(), TaskError> {
        let Some(known) = known else { return Ok(()) };
        let all = self.runs_programs();
        let uses = |series: &Series| {
            let combination = self.selection.series.get(&series.unique_id);
            let mut models = combination.into_iter().flat_map(Combination::models);
            all || models.any(|model| self.candidates[model].uses_known())
        };
        let mut using = series.iter_mut().filter(|series| uses(series));
        using.try_for_each(|series| known.look_up(series, horizon))
    }

    /// Forecasts each series, and logs what that cost.
    ///
    /// # Errors
    /// [`TaskError`] for a series that no model was selected for, that cannot be forecast, or after which there is no such
    /// time; and if the attempt ends meanwhile.
    pub(crate) fn forecasts<'s>(
        &self,
        context: &Context<'_>,
        series: &'s [Series],
        request: ForecastRequest<'_>,
    ) -> Result<Vec<SeriesForecast<'s>>, TaskError> {
        let horizon = request.horizon;
        if let Some(far) = series.iter().find(|series| series.ends_of_time(horizon)) {
            return Err(TaskError::new(format!(
                "{horizon} steps after the series `{}` there is no time",
                far.unique_id
            ))
            .help("lower `horizon`, or look at the times of the series"));
        }
        let (of_panel, panel_effort) = self.panel_forecasts(context, series, request)?;
        let results: Vec<Result<SeriesForecast<'s>, TaskError>> = series
            .par_iter()
            .enumerate()
            .map(|(at, series)| {
                context.check_cancelled()?;
                self.forecast(context, series, |model| of_panel[model].get(at).cloned(), request)
            })
            .collect();
        // Of several errors the first in the order of the series, whichever came first in time.
        let results = results.into_iter().collect::<Result<Vec<_>, _>>()?;
        let effort = results.iter().fold(panel_effort, |sum, result| sum.and(result.effort));
        context.log(&format!(
            "{} fits in {:.2} s, {} remembered",
            effort.fitted,
            effort.time.as_secs_f64(),
            effort.remembered
        ));
        Ok(results)
    }

    /// What the models of all series forecast, by model and series, and what that cost; nothing for those of one series.
    ///
    /// A panel is made of all series, those included that another model forecasts: so it was in the back-test.
    fn panel_forecasts(
        &self,
        context: &Context<'_>,
        series: &[Series],
        request: ForecastRequest<'_>,
    ) -> Result<(Vec<Vec<WindowOutcome>>, FitEffort), TaskError> {
        let (mut all, mut sum) = (Vec::new(), FitEffort::default());
        for candidate in &self.candidates {
            let mut outcomes = Vec::new();
            if let Some(model) = candidate.model.of_all() {
                let ends = cached_panel::ends(series);
                let series: Vec<&Series> = series.iter().collect();
                let (windows, effort) = candidate.panel_forecasts(context, model, (&ends, &series), request)?;
                outcomes.extend(windows.into_iter().flatten());
                sum = sum.and(effort);
            }
            all.push(outcomes);
        }
        Ok((all, sum))
    }

    /// Forecasts one series with the models that were chosen for it; `of_panel` has what those of all series forecast.
    fn forecast<'s>(
        &self,
        context: &Context<'_>,
        series: &'s Series,
        of_panel: impl Fn(usize) -> Option<WindowOutcome>,
        request: ForecastRequest<'_>,
    ) -> Result<SeriesForecast<'s>, TaskError> {
        let (selection, id) = (&self.selection, &series.unique_id);
        let unselected = || TaskError::new(format!("no model was selected for the series `{id}`"));
        let combination = selection
            .series
            .get(id)
            .ok_or_else(|| unselected().help("build `selected` from the same series"))?;
        let mut forecasts: Vec<Option<Forecast>> = vec![None; self.candidates.len()];
        let (mut found, mut effort) = (Vec::new(), FitEffort::default());
        for model in combination.models() {
            let candidate = &self.candidates[model];
            let outcomes: Vec<WindowOutcome> = match &candidate.model {
                AnyModel::Local(model) => {
                    let past: (&Series, &[usize]) = (series, &[series.y.len()]);
                    let (outcomes, cost) = candidate.forecasts(context.memo, model.as_ref(), past, request);
                    effort = effort.and(cost);
                    outcomes
                }
                AnyModel::Panel(_) | AnyModel::Program(_) => of_panel(model).into_iter().collect(),
            };
            for outcome in outcomes {
                let mut window = outcome.map_err(|why| {
                    TaskError::new(format!("`{}` cannot forecast the series `{id}`: {why}", candidate.name))
                })?;
                // Before anything is made of it, as in the back-test.
                if selection.non_negative {
                    raise_to_zero(&mut window.forecast);
                }
                found.push((candidate.name.clone(), window.found));
                forecasts[model] = Some(window.forecast);
            }
        }
        let combined = combination.forecast(|model| forecasts[model].as_ref());
        let forecast = self.published(id, combined.ok_or_else(unselected)?, request.levels)?;
        let model = selection.name_of(combination);
        Ok(SeriesForecast {
            series,
            model,
            forecast,
            found,
            effort,
        })
    }

    /// Gives a series' forecast the intervals that were asked for, none of it below zero where nothing may be.
    fn published(&self, id: &str, mut forecast: Forecast, levels: &[f64]) -> Result<Forecast, TaskError> {
        if let Some(conformal) = self.selection.conformal.get(id) {
            forecast.intervals = calibrated(conformal, &forecast, levels)?;
        }
        if self.selection.non_negative {
            raise_to_zero(&mut forecast);
        }
        Ok(forecast)
    }
}

impl SeriesForecast<'_> {
    /// The columns of numbers by name: `yhat`, then the bounds of each level.
    pub(crate) fn columns(&self) -> Vec<(String, &[f64])> {
        let mut columns = vec![("yhat".to_owned(), self.forecast.mean.as_slice())];
        for interval in &self.forecast.intervals {
            columns.push((format!("lo-{}", interval.level), &interval.lower));
            columns.push((format!("hi-{}", interval.level), &interval.upper));
        }
        columns
    }

    /// The time of a step, the first after the end being 0.
    pub(crate) fn time(&self, step: usize) -> chrono::NaiveDateTime {
        self.series.time(self.series.y.len() + step)
    }

    /// The time of the last value.
    pub(crate) fn end(&self) -> chrono::NaiveDateTime {
        self.series.time(self.series.y.len() - 1)
    }

    /// How many steps are forecast.
    pub(crate) fn steps(&self) -> usize {
        self.forecast.mean.len()
    }
}

/// The table of several series' forecasts, all with the same levels.
pub(crate) fn table(forecasts: &[SeriesForecast<'_>]) -> ParquetTable {
    let rows = || {
        forecasts
            .iter()
            .flat_map(|one| (0..one.steps()).map(move |step| (one, step)))
    };
    let mut table = ParquetTable::default()
        .texts("unique_id", rows().map(|(one, _)| Some(one.series.unique_id.as_str())))
        .times("ds", rows().map(|(one, step)| one.time(step)));
    let columns: Vec<Vec<(String, &[f64])>> = forecasts.iter().map(SeriesForecast::columns).collect();
    for at in 0..columns.first().map_or(0, Vec::len) {
        let numbers = columns
            .iter()
            .flat_map(|columns| columns[at].1.iter().copied().map(Some));
        table = table.numbers(&columns[0][at].0, numbers);
    }
    table.texts("model", rows().map(|(one, _)| Some(one.model.as_str())))
}

/// The conformal intervals of these levels, in their order.
fn calibrated(conformal: &Conformal, forecast: &Forecast, levels: &[f64]) -> Result<Vec<Interval>, TaskError> {
    let all = conformal.intervals(&forecast.mean);
    let of_level = |level: &f64| {
        let found = all.iter().find(|interval| interval.level.to_bits() == level.to_bits());
        found.cloned().ok_or_else(|| {
            TaskError::new(format!("the intervals of level {level} were not calibrated"))
                .help("give the back-test and the forecast the same `level`, in `[params]`")
        })
    };
    levels.iter().map(of_level).collect()
}
