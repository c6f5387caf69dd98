//! Series that are not forecast like the others: by what instead, or why not at all.

use super::cached_fit::{CandidateModel, ForecastRequest};
use super::models::Estimate;
use super::models::panel_model::AnyModel;
use super::named_enum::named_enum;
use super::panel::{Fault, OnBadSeries};
use super::registry::{self, Settings};
use super::series::Series;
use crate::engine::task::Context;

named_enum! {
    /// What became of such a series.
    pub(crate) enum Treatment {
        /// It was back-tested like the others, on less than was asked for.
        Shortened = "shortened",
        /// Another model forecasts it.
        Fallback = "fallback",
        /// It is not forecast.
        LeftOut = "left out",
    }
}

/// A series that is not forecast like the others.
#[derive(Clone, Debug)]
pub(crate) struct Exception {
    /// The series.
    pub(crate) unique_id: String,
    /// What became of it.
    pub(crate) treatment: Treatment,
    /// What is wrong with it, in words.
    pub(crate) reason: String,
    /// Position of the model that was chosen for it without a back-test, and what its fit to all values found.
    pub(crate) simple: Option<(usize, Vec<(String, Estimate)>)>,
}

/// The models that stand in, the one that needs most first.
pub(crate) const STAND_INS: [&str; 3] = ["SeasonalNaive", "HistoricAverage", "Naive"];

/// Fewest values of a series that varies: of two the deviation of one difference is all that is known.
const FEWEST: usize = 3;

/// How many exceptions a warning names.
const NAMED: usize = 5;

impl Exception {
    /// What `selected.json` and the leaderboard say of it.
    #[must_use]
    pub(crate) fn told(&self) -> String {
        format!("{}: {}", self.treatment, self.reason)
    }
}

/// Adds the models that stand in, as far as they are not among the candidates.
pub(crate) fn add_stand_ins(candidates: &mut Vec<CandidateModel>, seasons: &[usize]) {
    for name in STAND_INS {
        let is_new = candidates.iter().all(|candidate| candidate.name != name);
        let entry = registry::find(name).filter(|_| is_new);
        candidates.extend(entry.map(|entry| CandidateModel::registered(entry, seasons, &Settings::new())));
    }
}

/// What becomes of a series with a fault: the model that suits it, or nothing.
///
/// A constant goes on as it is. Two seasons are repeated. With less no pattern is known: the mean has intervals as wide as the
/// pattern, and without a season the last value is what the next ones lie around.
pub(crate) fn settle(
    context: &Context<'_>,
    (unique_id, series, fault): (&str, Option<&Series>, &Fault),
    policy: OnBadSeries,
    (candidates, season): (&[CandidateModel], usize),
    request: ForecastRequest<'_>,
) -> Exception {
    let left_out = |reason: String| Exception {
        unique_id: unique_id.to_owned(),
        treatment: Treatment::LeftOut,
        reason,
        simple: None,
    };
    let can_be_forecast = match fault {
        Fault::Doubted(_) | Fault::NoValue | Fault::OtherSteps { .. } | Fault::Ended { .. } => false,
        Fault::Constant(_)
        | Fault::Gap(_)
        | Fault::TooFew(_)
        | Fault::Short { .. }
        | Fault::FewWindows { .. }
        | Fault::Unforecastable(_) => policy == OnBadSeries::Fallback,
    };
    let Some(series) = series.filter(|_| can_be_forecast) else {
        return left_out(fault.to_string());
    };
    let name = match (fault, series.y.len()) {
        (Fault::Constant(_), _) => "Naive",
        (_, n) if n < FEWEST => return left_out(format!("{fault}; of {n} nothing can be told")),
        (_, n) if season > 1 && n >= 2 * season => "SeasonalNaive",
        _ if season > 1 => "HistoricAverage",
        _ => "Naive",
    };
    let at = candidates.iter().position(|candidate| candidate.name == name);
    let Some(at) = at else {
        return left_out(fault.to_string());
    };
    // Those that stand in are models of one series, each of them.
    let AnyModel::Local(model) = &candidates[at].model else {
        return left_out(fault.to_string());
    };
    let past: (&Series, &[usize]) = (series, &[series.y.len()]);
    let (outcomes, _) = candidates[at].forecasts(context.memo, model.as_ref(), past, request);
    match outcomes.into_iter().next() {
        Some(Ok(window)) => Exception {
            unique_id: unique_id.to_owned(),
            treatment: Treatment::Fallback,
            reason: fault.to_string(),
            simple: Some((at, window.found)),
        },
        Some(Err(why)) => left_out(format!("{fault}; {name}: {why}")),
        None => left_out(fault.to_string()),
    }
}

/// The warning about all of them, if there are any; `of` is how many series there are.
pub(crate) fn warning(exceptions: &[Exception], of: usize, model: impl Fn(usize) -> String) -> Option<String> {
    let one = |exception: &Exception| {
        let by = exception
            .simple
            .as_ref()
            .map_or_else(String::new, |(at, _)| format!(" ({})", model(*at)));
        format!(
            "`{}` {}{by}: {}",
            exception.unique_id, exception.treatment, exception.reason
        )
    };
    let named: Vec<String> = exceptions.iter().take(NAMED).map(one).collect();
    let more = match exceptions.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!("; and {more} more"),
    };
    let is = if exceptions.len() == 1 { "is" } else { "are" };
    (!exceptions.is_empty()).then(|| {
        format!(
            "{} of {of} series {is} not forecast like the others: {}{more}; all stand at the end of the leaderboard",
            exceptions.len(),
            named.join("; ")
        )
    })
}
