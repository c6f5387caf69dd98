//! What a program wrote: its table sorted out by window and series, and every fault told with its series and step.

use std::collections::HashMap;

use chrono::NaiveDateTime;

use super::request::FORECASTS;
use super::{Asked, ProgramModel, cutoff};
use crate::engine::task::{Context, Room, TaskError};
use crate::forecasting::cached_fit::{WindowForecast, WindowOutcome};
use crate::forecasting::columns::Columns;
use crate::forecasting::models::{Forecast, Interval};
use crate::forecasting::series::Series;
use crate::forecasting::table::{self, short};

/// Reads the forecasts: outcomes by window, in the order of its pasts.
///
/// # Errors
/// [`TaskError`] if there is no such table, or it has rows of what was not asked for.
pub(super) fn read(
    context: &Context<'_>,
    model: &ProgramModel,
    asked: &Asked<'_>,
    room: &Room,
) -> Result<Vec<Vec<WindowOutcome>>, TaskError> {
    let file = model.file(FORECASTS);
    let path = room.path.join(&file);
    if !path.exists() {
        return Err(TaskError::new(format!("it wrote no `{file}`")).help(format!(
            "let it write its forecasts to the path that its request calls `{FORECASTS}`"
        )));
    }
    let table = table::read_file(context, &path, &format!("`{file}`"), |_| true)?;
    let columns = Columns::of(context, &table, &file);
    let numbers = |name: &str| {
        columns.numbers(name).map_err(|error| {
            error.help(
                "`yhat` is the forecast, `lo-95` and `hi-95` the bounds of its interval of level 95, and so on; a model without \
                 intervals may write its forecast as both bounds, and leave them to `intervals = \"conformal\"`",
            )
        })
    };
    let ids = columns.texts("unique_id")?;
    let (cutoffs, times) = (columns.times("cutoff")?, columns.times("ds")?);
    // The forecast, then the lower and upper bound of each level.
    let mut names = vec!["yhat".to_owned()];
    for level in asked.request.levels {
        names.extend([format!("lo-{level}"), format!("hi-{level}")]);
    }
    let values = names.iter().map(|name| numbers(name)).collect::<Result<Vec<_>, _>>()?;
    let mut windows: Vec<OneWindow<'_>> = asked
        .pasts()
        .map(|(past, series)| OneWindow::new(series, past.n, asked.request.horizon))
        .collect();
    let positions: HashMap<(&str, NaiveDateTime), usize> = asked
        .pasts()
        .enumerate()
        .map(|(at, (past, series))| ((series.unique_id.as_str(), cutoff(past, series)), at))
        .collect();
    for (row, ((id, cutoff), time)) in ids.iter().zip(&cutoffs).zip(&times).enumerate() {
        let Some(&at) = positions.get(&(id.as_str(), *cutoff)) else {
            return Err(TaskError::new(format!(
                "row {} of `{file}` is of the series `{}` at the cutoff {cutoff}, which was not asked for",
                row + 1,
                short(id, table::LONGEST_NAME)
            ))
            .help("take `unique_id`, `cutoff` and `ds` as the table that the request calls `future` has them"));
        };
        windows[at].take(*time, values.iter().map(|column| column[row]).collect());
    }
    let mut outcomes = windows
        .into_iter()
        .map(|window| window.outcome(&names, asked.request.levels));
    let by_window = asked.panel.windows.iter();
    Ok(by_window
        .map(|pasts| outcomes.by_ref().take(pasts.len()).collect())
        .collect())
}

/// No number of a forecast is as large: its square, and what lies between two, would be none any more.
const LARGEST: f64 = 1e150;

/// What was written for one series at one cutoff.
struct OneWindow<'s> {
    series: &'s Series,
    /// How many values are past.
    n: usize,
    /// The numbers of each step, in the order of their names.
    steps: Vec<Option<Vec<Option<f64>>>>,
    /// The first thing that is wrong.
    fault: Option<String>,
}

impl<'s> OneWindow<'s> {
    fn new(series: &'s Series, n: usize, horizon: usize) -> Self {
        Self {
            series,
            n,
            steps: vec![None; horizon],
            fault: None,
        }
    }

    fn time(&self, step: usize) -> NaiveDateTime {
        self.series.time(self.n + step)
    }

    fn is_wrong(&mut self, why: String) {
        self.fault.get_or_insert(why);
    }

    /// Takes a row.
    fn take(&mut self, time: NaiveDateTime, numbers: Vec<Option<f64>>) {
        // Times rise with the steps.
        let (mut low, mut high) = (0, self.steps.len());
        while low < high {
            let middle = usize::midpoint(low, high);
            match self.time(middle) < time {
                true => low = middle + 1,
                false => high = middle,
            }
        }
        if low == self.steps.len() || self.time(low) != time {
            let (first, last) = (self.time(0), self.time(self.steps.len() - 1));
            self.is_wrong(format!(
                "the program wrote a forecast for {time}, which is none of the steps from {first} to {last}"
            ));
        } else if self.steps[low].replace(numbers).is_some() {
            self.is_wrong(format!("the program wrote two forecasts for {time}, step {}", low + 1));
        }
    }

    /// The forecast, or what is wrong with it.
    fn outcome(mut self, names: &[String], levels: &[f64]) -> WindowOutcome {
        if self.fault.is_none() && self.steps.iter().all(Option::is_none) {
            return Err("the program left it out".to_owned().into());
        }
        let mut paths = vec![Vec::with_capacity(self.steps.len()); names.len()];
        for step in 0..self.steps.len() {
            if self.fault.is_some() {
                break;
            }
            let place = format!("at {}, step {}", self.time(step), step + 1);
            let Some(numbers) = self.steps[step].take() else {
                self.is_wrong(format!("the program wrote no forecast {place} of {}", self.steps.len()));
                break;
            };
            for ((number, name), path) in numbers.into_iter().zip(names).zip(&mut paths) {
                if let Some(number) = number.filter(|number| number.abs() < LARGEST) {
                    path.push(number);
                } else {
                    let written = number.map_or("empty".to_owned(), |number| number.to_string());
                    self.fault.get_or_insert(format!("`{name}` is {written} {place}"));
                }
            }
            for bounds in paths[1..].chunks(2) {
                if let [Some(low), Some(high)] = [bounds[0].get(step), bounds[1].get(step)]
                    && low > high
                {
                    self.fault
                        .get_or_insert(format!("the lower bound {low} is above the upper one, {high}, {place}"));
                }
            }
        }
        if let Some(fault) = self.fault {
            return Err(fault.into());
        }
        let mut paths = paths.into_iter();
        let mean = paths.next().unwrap_or_default();
        let interval = |&level: &f64| Interval {
            level,
            lower: paths.next().unwrap_or_default(),
            upper: paths.next().unwrap_or_default(),
        };
        let intervals = levels.iter().map(interval).collect();
        Ok(WindowForecast {
            forecast: Forecast { mean, intervals },
            found: Vec::new(),
        })
    }
}
