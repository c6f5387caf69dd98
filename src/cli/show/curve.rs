//! Forecasts as charts, each series with the end of its history.

use std::fmt::Write as _;
use std::path::Path;

use chrono::{NaiveDateTime, NaiveTime};

use crate::cli::report::{self, forecasts};
use crate::cli::setup::Project;
use crate::diagnostic::Diagnostic;
use crate::engine::graph::TargetId;
use crate::engine::store::StoredResult;
use crate::report::chart::{Curve, chart};
use crate::report::page::SeriesForecast;

/// Series that are drawn where none is named.
const DRAWN: usize = 3;
/// Rows of the only chart, and of one of several.
const HEIGHT: (usize, usize) = (12, 8);
/// Steps of the past for each one of the forecast.
const PAST: usize = 2;

/// Draws the forecasts at a path, which a target has made with a result: the first few, or the series that are named. Nothing
/// is drawn of what is no forecast.
///
/// # Errors
/// A [`Diagnostic`] that tells which series there are, where one is named that is not among them.
pub(in crate::cli) fn charts(
    project: &Project,
    made: (TargetId, Option<&StoredResult>),
    path: &Path,
    named: &[String],
    width: usize,
) -> Result<String, Diagnostic> {
    let chosen = match named {
        [] => forecasts::SeriesChoice::First(DRAWN),
        named => forecasts::SeriesChoice::Named(named),
    };
    let Some(forecast) = report::forecast(project, made, path, chosen) else {
        return match named {
            [] => Ok(String::new()),
            _ => Err(
                Diagnostic::error("it is no table of forecasts, of which `--series` draws some")
                    .help("leave `--series` out, or name an artifact with the columns `ds` and `yhat`"),
            ),
        };
    };
    let missing = |name: &&String| forecast.series.iter().all(|series| series.name != **name);
    if let Some(missing) = named.iter().find(missing) {
        return Err(no_series(missing, path));
    }
    let height = match forecast.series.len() {
        1 => HEIGHT.0,
        _ => HEIGHT.1,
    };
    let drawn = forecast
        .series
        .iter()
        .map(|series| chart(&curve(series), width, height));
    let drawn: Vec<String> = drawn.filter(|drawn| !drawn.is_empty()).collect();
    let mut out = drawn.join("\n");
    if forecast.left_out > 0 && named.is_empty() {
        let _ = writeln!(
            out,
            "\nand {} more series: `--series NAME` draws one",
            forecast.left_out
        );
    }
    Ok(out)
}

fn no_series(name: &str, path: &Path) -> Diagnostic {
    const NAMED: usize = 20;
    let all = forecasts::series(path);
    let names: Vec<&str> = all.iter().map(String::as_str).collect();
    let diagnostic = Diagnostic::error(format!("no series is called `{name}`")).suggest(name, names.iter().copied());
    let (first, rest) = names.split_at(names.len().min(NAMED));
    match (first, rest.len()) {
        ([], _) => diagnostic.help("its series have no names: leave `--series` out"),
        (first, 0) => diagnostic.help(format!("there are {}", first.join(", "))),
        (first, rest) => diagnostic.help(format!("there are {} and {rest} more", first.join(", "))),
    }
}

/// The curve of a series: the last values before it, the forecast, and its widest interval.
fn curve(series: &SeriesForecast) -> Curve {
    let past = series.history.len().min(PAST * series.ahead.len());
    let past = &series.history[series.history.len() - past..];
    let (times, values): (Vec<NaiveDateTime>, Vec<f64>) = past.iter().chain(&series.ahead).copied().unzip();
    let mut title = match series.name.as_str() {
        "" => "yhat".to_owned(),
        name => format!("{name}: yhat"),
    };
    if let (Some((begins, _)), false) = (series.ahead.first(), past.is_empty()) {
        let _ = write!(title, " from {} on", moment(*begins));
    }
    let band = series.bands.last();
    if let Some(band) = band {
        let _ = write!(title, ", shaded its interval of {} %", band.level);
    }
    let bounds = |bounds: &[f64]| -> Vec<f64> {
        let before = std::iter::repeat_n(f64::NAN, past.len());
        before.chain(bounds.iter().copied()).collect()
    };
    Curve {
        title,
        begins: past.len(),
        bounds: band.map(|band| (bounds(&band.low), bounds(&band.high))),
        times,
        values,
    }
}

fn moment(at: NaiveDateTime) -> String {
    let format = match at.time() {
        NaiveTime::MIN => "%Y-%m-%d",
        _ => "%Y-%m-%d %H:%M",
    };
    at.format(format).to_string()
}
