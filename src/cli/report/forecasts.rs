//! Forecasts and leaderboards, found by the names of their columns.

use std::collections::{BTreeSet, HashMap};
use std::path::Path;

use chrono::NaiveDateTime;

use super::frame::{Frame, Part};
use crate::report::page::{Band, Board, BoardRow, Forecast, SeriesForecast};

/// Series of one table that are drawn.
pub(super) const DRAWN: usize = 12;
/// Steps of a forecast that are drawn.
const STEPS: usize = 2_000;
/// Values of the past that are drawn, at least and at most; between them, four times the horizon.
const PAST: (usize, usize) = (48, 480);
/// Rows of a leaderboard that are shown.
const ROWS: usize = 60;

/// What a table is, as far as this page knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TableKind {
    /// Forecasts of what is to come.
    Forecast,
    /// Forecasts of a back-test, with what came.
    Backtest,
    /// Models by their errors.
    Leaderboard,
    /// The values of series.
    History,
    /// Anything else.
    Other,
}

impl TableKind {
    /// Tells by the names of the columns.
    pub(super) fn of(table: &Frame) -> Self {
        let has = |names: &[&str]| names.iter().all(|name| table.has(name));
        match () {
            () if has(&["ds", "cutoff", "y", "yhat", "model"]) => Self::Backtest,
            () if has(&["ds", "yhat"]) && !table.has("cutoff") => Self::Forecast,
            () if has(&["model", "rank"]) && table.names.iter().any(|name| name.contains("_mean")) => Self::Leaderboard,
            () if has(&["ds", "y"]) => Self::History,
            () => Self::Other,
        }
    }
}

/// Which series of a table are taken.
#[derive(Clone, Copy, Debug)]
pub(in crate::cli) enum SeriesChoice<'a> {
    /// The first few.
    First(usize),
    /// Those of these names.
    Named(&'a [String]),
}

impl SeriesChoice<'_> {
    /// Whether one is taken, as many having been taken already.
    fn takes(self, name: &str, taken: usize) -> bool {
        match self {
            Self::First(most) => taken < most,
            Self::Named(names) => names.iter().any(|other| other == name),
        }
    }
}

/// The names of the series of a table, in its order; none of one without names.
pub(in crate::cli) fn series(path: &Path) -> Vec<String> {
    let read = Frame::read(path, Part::Columns(&["unique_id"])).and_then(Result::ok);
    let ids = read.and_then(|table| table.texts("unique_id")).unwrap_or_default();
    let mut seen = BTreeSet::new();
    ids.into_iter().filter(|id| seen.insert(id.clone())).collect()
}

/// The forecasts of a table, of some of its series; `history` is the table with the values before, with its name.
pub(super) fn forecast(
    artifact: String,
    path: &Path,
    history: Option<(String, &Path)>,
    chosen: SeriesChoice<'_>,
) -> Result<Forecast, String> {
    let read =
        |path: &Path, part: Part<'_>| Frame::read(path, part).unwrap_or_else(|| Err("it is no table".to_owned()));
    let head = read(path, Part::Head(1))?;
    let levels = levels(&head.names);
    let bounds: Vec<String> = levels
        .iter()
        .flat_map(|level| [format!("lo-{level}"), format!("hi-{level}")])
        .collect();
    let mut wanted = vec!["unique_id", "ds", "yhat", "model"];
    wanted.extend(bounds.iter().map(String::as_str));
    let table = read(path, Part::Columns(&wanted))?;
    let (Some(times), Some(values)) = (table.times("ds"), table.numbers("yhat")) else {
        return Err("its column `ds` holds no times".to_owned());
    };
    let ids = table
        .texts("unique_id")
        .unwrap_or_else(|| vec![String::new(); table.rows]);
    let models = table.texts("model");
    let (rows, left_out) = rows_by_series(&ids, chosen);
    let past =
        history.and_then(|(name, path)| Some((name, read(path, Part::Columns(&["unique_id", "ds", "y"])).ok()?)));
    let mut past_of = past
        .as_ref()
        .map(|(_, table)| by_series(table, &rows))
        .unwrap_or_default();
    let bands: Vec<(&String, Vec<f64>, Vec<f64>)> = levels
        .iter()
        .filter_map(|level| {
            let column = |bound: &str| table.numbers(&format!("{bound}-{level}"));
            Some((level, column("lo")?, column("hi")?))
        })
        .collect();
    let series = rows.into_iter().map(|(name, rows)| {
        let mut rows: Vec<usize> = rows.into_iter().filter(|row| times[*row].is_some()).collect();
        rows.sort_by_key(|row| times[*row]);
        rows.truncate(STEPS);
        let pick = |values: &[f64]| rows.iter().map(|row| values[*row]).collect();
        let ahead = rows.iter().filter_map(|row| Some((times[*row]?, values[*row])));
        let history = past_of.remove(&name).unwrap_or_default();
        SeriesForecast {
            model: model_of(models.as_deref(), &rows),
            history: recent(history, rows.first().and_then(|row| times[*row]), rows.len()),
            ahead: ahead.collect(),
            bands: bands
                .iter()
                .map(|(level, low, high)| Band {
                    level: (*level).clone(),
                    low: pick(low),
                    high: pick(high),
                })
                .collect(),
            name,
        }
    });
    Ok(Forecast {
        artifact,
        series: series.collect(),
        left_out,
        history: past.map(|(name, _)| name),
    })
}

/// The levels of the intervals, the lowest first.
fn levels(names: &[String]) -> Vec<String> {
    let low = names.iter().filter_map(|name| name.strip_prefix("lo-"));
    let mut levels: Vec<String> = low
        .filter(|level| names.contains(&format!("hi-{level}")))
        .map(str::to_owned)
        .collect();
    let number = |level: &String| level.parse::<f64>().unwrap_or_default();
    levels.sort_by(|a, b| number(a).total_cmp(&number(b)));
    levels
}

/// The rows of the chosen series in the order of the table, and how many more series there are.
fn rows_by_series(ids: &[String], chosen: SeriesChoice<'_>) -> (Vec<(String, Vec<usize>)>, usize) {
    let mut places: HashMap<&str, usize> = HashMap::new();
    let mut series: Vec<(String, Vec<usize>)> = Vec::new();
    let mut others: BTreeSet<&str> = BTreeSet::new();
    for (row, id) in ids.iter().enumerate() {
        match places.get(id.as_str()) {
            Some(at) => series[*at].1.push(row),
            None if chosen.takes(id, series.len()) => {
                places.insert(id, series.len());
                series.push((id.clone(), vec![row]));
            }
            None => {
                others.insert(id);
            }
        }
    }
    (series, others.len())
}

/// The values of the series that are drawn; those of a table without names are of the only one.
fn by_series(table: &Frame, drawn: &[(String, Vec<usize>)]) -> HashMap<String, Vec<(NaiveDateTime, f64)>> {
    let (Some(times), Some(values)) = (table.times("ds"), table.numbers("y")) else {
        return HashMap::new();
    };
    let ids = table.texts("unique_id");
    let only = drawn
        .first()
        .map(|(name, _)| name.as_str())
        .filter(|_| drawn.len() == 1)
        .unwrap_or_default();
    let mut found: HashMap<String, Vec<(NaiveDateTime, f64)>> =
        drawn.iter().map(|(name, _)| (name.clone(), Vec::new())).collect();
    for (row, (time, value)) in times.into_iter().zip(values).enumerate() {
        let id = ids.as_ref().map_or(only, |ids| ids[row].as_str());
        if let (Some(time), Some(series)) = (time, found.get_mut(id)) {
            series.push((time, value));
        }
    }
    found
}

/// The last values before the forecast begins.
fn recent(
    mut history: Vec<(NaiveDateTime, f64)>,
    begins: Option<NaiveDateTime>,
    steps: usize,
) -> Vec<(NaiveDateTime, f64)> {
    history.sort_by_key(|(at, _)| *at);
    history.retain(|(at, _)| begins.is_none_or(|begins| *at < begins));
    let shown = (4 * steps).clamp(PAST.0, PAST.1).max(steps.min(STEPS));
    history.split_off(history.len().saturating_sub(shown))
}

/// The model that forecast some rows, if it is one.
fn model_of(models: Option<&[String]>, rows: &[usize]) -> String {
    let names: BTreeSet<&String> = models
        .into_iter()
        .flat_map(|models| rows.iter().map(|row| &models[*row]))
        .collect();
    match names.first() {
        Some(first) if names.len() == 1 => (*first).clone(),
        _ => String::new(),
    }
}

/// A leaderboard; `metric` is the error that it is ranked by, as its target says.
pub(super) fn board(artifact: String, path: &Path, metric: &str) -> Result<Board, String> {
    let table = Frame::read(path, Part::Head(ROWS)).unwrap_or_else(|| Err("it is no table".to_owned()))?;
    let is_measure = |name: &&String| {
        let is_score = name.contains("_mean") || name.ends_with("_std");
        is_score || ["windows", "failed"].contains(&name.as_str())
    };
    let ranking = format!("{metric}_mean");
    let mut measures: Vec<String> = table.names.iter().filter(is_measure).cloned().collect();
    let is_ranked = measures.contains(&ranking);
    measures.sort_by_key(|name| *name != ranking);
    let numbers: Vec<Vec<f64>> = measures.iter().filter_map(|name| table.numbers(name)).collect();
    let texts = |name: &str| table.texts(name).unwrap_or_else(|| vec![String::new(); table.rows]);
    let (series, models, reasons, ranks) = (texts("unique_id"), texts("model"), texts("reason"), texts("rank"));
    let rows = (0..table.rows).map(|at| BoardRow {
        series: series[at].clone(),
        model: models[at].clone(),
        rank: ranks[at].parse::<f64>().ok().and_then(whole),
        numbers: numbers
            .iter()
            .map(|column| Some(column[at]).filter(|it| it.is_finite()))
            .collect(),
        reason: reasons[at].clone(),
    });
    Ok(Board {
        artifact,
        metric: if is_ranked { metric.to_owned() } else { String::new() },
        measures,
        has_series: series.iter().any(|id| *id != series[0]),
        rows: rows.collect(),
        left_out: table.count - table.rows,
    })
}

/// A rank: a small whole number above zero.
fn whole(number: f64) -> Option<usize> {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "it is whole and small"
    )]
    let rank = (number.fract() == 0.0 && (1.0..1e6).contains(&number)).then_some(number as usize);
    rank
}

#[cfg(test)]
mod tests {
    use super::super::written;
    use super::*;

    #[test]
    fn of_many_series_a_few_are_drawn_and_the_others_counted() {
        use std::fmt::Write as _;
        let mut text = "unique_id,ds,yhat,lo-80,hi-80,lo-95,hi-95,model\n".to_owned();
        for series in 0..200 {
            for hour in [2, 0, 1] {
                let _ = writeln!(text, "s{series},2024-01-01 0{hour}:00:00,{series}.5,1,,0,9,A");
            }
        }
        let (_dir, path) = written("p.csv", &text);
        let (_past, history) = written(
            "h.csv",
            "unique_id,ds,y\ns1,2023-12-31 23:00,4\ns1,2024-01-01 00:00,5\ns999,2023-12-31,1\n",
        );
        let forecast = forecast(
            "p".to_owned(),
            &path,
            Some(("h".to_owned(), &history)),
            SeriesChoice::First(DRAWN),
        )
        .expect("read");
        assert_eq!((forecast.series.len(), forecast.left_out), (DRAWN, 200 - DRAWN));
        let second = &forecast.series[1];
        assert_eq!(
            (second.name.as_str(), second.model.as_str(), second.ahead.len()),
            ("s1", "A", 3)
        );
        assert!(second.ahead.is_sorted_by_key(|(at, _)| *at));
        assert_eq!(second.history.len(), 1, "what lies in the forecast is no history");
        assert_eq!(
            second.bands.iter().map(|band| band.level.as_str()).collect::<Vec<_>>(),
            ["80", "95"]
        );
        assert!(second.bands[0].high[0].is_nan());
    }

    #[test]
    fn a_leaderboard_has_its_ranking_error_first_and_keeps_what_is_missing() {
        let (_dir, path) = written(
            "b.csv",
            "unique_id,model,rmse_mean,mae_mean,reason,rank\na,B,2.5,1,,1\na,C,,NaN,no data,\n",
        );
        let board = board("b".to_owned(), &path, "mae").expect("read");
        assert_eq!(board.measures, ["mae_mean", "rmse_mean"]);
        assert_eq!(board.champion(), Some(("B", 1.0)));
        assert_eq!(board.rows[1].numbers, [None, None]);
        assert_eq!(
            (board.rows[1].rank, board.rows[1].reason.as_str(), board.has_series),
            (None, "no data", false)
        );
    }
}
