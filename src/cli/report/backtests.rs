//! What the forecasts of a back-test say: errors by window and by hour of day, and how often the intervals held.

use std::collections::BTreeMap;
use std::path::Path;

use chrono::{Datelike as _, NaiveDateTime, TimeDelta, Timelike as _};

use super::frame::{Frame, Part};
use crate::report::page::{Backtest, Calibration, GroupErrors, WindowErrors};

/// Windows that are told one by one, the latest.
const WINDOWS: usize = 120;
/// Models that are told one by one.
const MODELS: usize = 24;

const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

/// A forecast and what came.
struct Row {
    model: usize,
    series: usize,
    window: usize,
    at: NaiveDateTime,
    /// Forecast less value.
    error: f64,
}

/// Sums and how many went into them.
#[derive(Clone, Copy, Default)]
struct Mean(f64, usize);

impl Mean {
    fn add(&mut self, value: f64) {
        self.0 += value;
        self.1 += 1;
    }

    fn value(self) -> Option<f64> {
        #[expect(clippy::cast_precision_loss, reason = "counts of rows")]
        let mean = self.0 / self.1 as f64;
        (self.1 > 0).then_some(mean)
    }
}

/// Reads a table of back-tested forecasts; `order` are the models as a leaderboard has them, `nominal` the level of an only
/// interval.
pub(super) fn backtest(artifact: String, path: &Path, order: &[String], nominal: Option<f64>) -> Backtest {
    read(artifact.clone(), path, order, nominal).unwrap_or_else(|why| Backtest {
        artifact,
        unread: Some(why),
        ..Backtest::default()
    })
}

fn read(artifact: String, path: &Path, order: &[String], nominal: Option<f64>) -> Result<Backtest, String> {
    let frame = |part: Part<'_>| Frame::read(path, part).unwrap_or_else(|| Err("it is no table".to_owned()));
    let levels = levels(&frame(Part::Head(1))?.names, nominal);
    let mut wanted = vec!["unique_id", "ds", "cutoff", "y", "model", "yhat"];
    wanted.extend(
        levels
            .iter()
            .flat_map(|level| [level.low.as_str(), level.high.as_str()]),
    );
    let table = frame(Part::Columns(&wanted))?;
    let texts = |name: &str| table.texts(name).unwrap_or_else(|| vec![String::new(); table.rows]);
    let (ids, cutoffs, names) = (texts("unique_id"), texts("cutoff"), texts("model"));
    let (Some(times), Some(y), Some(yhat)) = (table.times("ds"), table.numbers("y"), table.numbers("yhat")) else {
        return Err("its column `ds` holds no times".to_owned());
    };
    let models = Places::ordered(&names, order);
    let (series, windows) = (Places::sorted(&ids), Places::sorted(&cutoffs));
    let rows: Vec<Row> = (0..table.rows)
        .filter_map(|at| {
            let error = Some(yhat[at] - y[at]).filter(|error| error.is_finite())?;
            Some(Row {
                model: models.of(&names[at]),
                series: series.of(&ids[at]),
                window: windows.of(&cutoffs[at]),
                at: times[at]?,
                error,
            })
        })
        .filter(|row| row.model < MODELS)
        .collect();
    let shown = models.names.len().min(MODELS);
    Ok(Backtest {
        artifact,
        windows: by_window(&rows, shown, &windows.names),
        groups: by_group(&rows, shown),
        calibration: levels
            .iter()
            .filter_map(|level| {
                let (low, high) = (table.numbers(&level.low)?, table.numbers(&level.high)?);
                let mut inside = vec![(0, 0); shown];
                for at in 0..table.rows {
                    let of = models.of(&names[at]);
                    if of < shown && (low[at] + high[at] + y[at]).is_finite() {
                        inside[of].1 += 1;
                        inside[of].0 += usize::from(low[at] <= y[at] && y[at] <= high[at]);
                    }
                }
                Some(Calibration {
                    nominal: level.nominal,
                    inside,
                })
            })
            .collect(),
        models: models.names.into_iter().take(shown).collect(),
        unread: None,
    })
}

/// The columns of an interval.
struct Level {
    nominal: Option<f64>,
    low: String,
    high: String,
}

/// `lo` and `hi` of an only level, else `lo-80`, `hi-80` and so on, the lowest first.
fn levels(names: &[String], nominal: Option<f64>) -> Vec<Level> {
    let has = |name: &str| names.iter().any(|other| other == name);
    if has("lo") && has("hi") {
        let (low, high) = ("lo".to_owned(), "hi".to_owned());
        return vec![Level { nominal, low, high }];
    }
    let with_low = names.iter().filter_map(|name| name.strip_prefix("lo-"));
    let mut levels: Vec<Level> = with_low
        .filter(|level| has(&format!("hi-{level}")))
        .map(|level| Level {
            nominal: level.parse().ok(),
            low: format!("lo-{level}"),
            high: format!("hi-{level}"),
        })
        .collect();
    levels.sort_by(|a, b| a.nominal.unwrap_or_default().total_cmp(&b.nominal.unwrap_or_default()));
    levels
}

/// Names, each with its place.
struct Places {
    names: Vec<String>,
    places: BTreeMap<String, usize>,
}

impl Places {
    fn new(names: Vec<String>) -> Self {
        let places = names.iter().enumerate().map(|(at, name)| (name.clone(), at)).collect();
        Self { names, places }
    }

    fn sorted(all: &[String]) -> Self {
        let mut names = all.to_vec();
        names.sort_unstable();
        names.dedup();
        Self::new(names)
    }

    /// First those of an order, as far as they are there, then the others as they come.
    fn ordered(all: &[String], order: &[String]) -> Self {
        let there = Self::sorted(all).places;
        let mut names: Vec<String> = Vec::new();
        for name in order.iter().filter(|name| there.contains_key(*name)).chain(all) {
            // Models come in long stretches.
            if names.last() != Some(name) && !names.contains(name) {
                names.push(name.clone());
            }
        }
        Self::new(names)
    }

    fn of(&self, name: &str) -> usize {
        self.places.get(name).copied().unwrap_or_default()
    }
}

/// Of each model and window the mean over the series of their root mean squared errors, as leaderboards have it.
fn by_window(rows: &[Row], models: usize, cutoffs: &[String]) -> WindowErrors {
    let mut squares: BTreeMap<(usize, usize, usize), Mean> = BTreeMap::new();
    for row in rows {
        let of = squares.entry((row.model, row.window, row.series)).or_default();
        of.add(row.error * row.error);
    }
    let mut means = vec![vec![Mean::default(); cutoffs.len()]; models];
    for ((model, window, _), mean) in squares {
        if let Some(mean) = mean.value() {
            means[model][window].add(mean.sqrt());
        }
    }
    let first = cutoffs.len().saturating_sub(WINDOWS);
    WindowErrors {
        cutoffs: cutoffs[first..].to_vec(),
        rmse: means
            .iter()
            .map(|row| row[first..].iter().map(|mean| mean.value()).collect())
            .collect(),
    }
}

/// Errors by hour of day, of daily values by day of the week; of others none.
fn by_group(rows: &[Row], models: usize) -> GroupErrors {
    let hours: std::collections::BTreeSet<u32> = rows.iter().map(|row| row.at.hour()).collect();
    let is_daily = || {
        let mut pairs = rows
            .windows(2)
            .filter(|pair| pair[0].window == pair[1].window && pair[0].series == pair[1].series);
        pairs.any(|pair| pair[1].at - pair[0].at == TimeDelta::days(1))
    };
    let (by, names, group): (_, Vec<String>, fn(&Row) -> usize) = match hours.len() {
        2.. => (
            "hour of day",
            (0..24).map(|hour| format!("{hour:02}")).collect(),
            |row| row.at.hour() as usize,
        ),
        _ if is_daily() => ("day of the week", DAYS.map(str::to_owned).into(), |row| {
            row.at.weekday().num_days_from_monday() as usize
        }),
        _ => return GroupErrors::default(),
    };
    let mut mae = vec![vec![Mean::default(); names.len()]; models];
    let mut bias = mae.clone();
    for row in rows {
        mae[row.model][group(row)].add(row.error.abs());
        bias[row.model][group(row)].add(row.error);
    }
    let values = |means: Vec<Vec<Mean>>| {
        means
            .iter()
            .map(|row| row.iter().map(|mean| mean.value()).collect())
            .collect()
    };
    GroupErrors {
        by: by.to_owned(),
        names,
        mae: values(mae),
        bias: values(bias),
    }
}

#[cfg(test)]
mod tests {
    use super::super::written;
    use super::*;

    fn of(text: &str, order: &[&str], nominal: Option<f64>) -> Backtest {
        let (_dir, path) = written("cv.csv", text);
        let order: Vec<String> = order.iter().map(ToString::to_string).collect();
        backtest("cv".to_owned(), &path, &order, nominal)
    }

    #[test]
    fn errors_are_counted_by_window_and_hour_and_what_is_missing_is_left_out() {
        let text = "unique_id,ds,cutoff,y,model,yhat,lo,hi\n\
                    a,2024-01-01 00:00,2023-12-31 23:00,10,A,13,9,14\n\
                    a,2024-01-01 01:00,2023-12-31 23:00,10,A,6,11,12\n\
                    a,2024-01-01 01:00,2023-12-31 23:00,,A,6,11,12\n\
                    a,2024-01-01 00:00,2023-12-31 23:00,10,B,NaN,,\n";
        let read = of(text, &["B", "A"], Some(95.0));
        assert_eq!(read.models, ["B", "A"]);
        let rmse = (12.5_f64).sqrt();
        assert_eq!(read.windows.rmse, [vec![None], vec![Some(rmse)]]);
        assert_eq!(
            (read.groups.by.as_str(), read.groups.mae[1][0], read.groups.mae[1][1]),
            ("hour of day", Some(3.0), Some(4.0))
        );
        assert_eq!((read.groups.bias[1][1], read.groups.mae[1][2]), (Some(-4.0), None));
        assert_eq!(read.calibration[0].inside, [(0, 0), (1, 2)]);
        assert_eq!(read.calibration[0].nominal, Some(95.0));
    }

    #[test]
    fn daily_values_are_told_by_day_of_the_week_and_monthly_ones_not() {
        let head = "unique_id,ds,cutoff,y,model,yhat,lo-80,hi-80\n";
        let daily = of(
            &format!("{head}a,2024-01-01,2023-12-31,1,A,2,0,9\na,2024-01-02,2023-12-31,1,A,1,0,9\n"),
            &[],
            None,
        );
        assert_eq!(
            (daily.groups.by.as_str(), daily.groups.mae[0][0]),
            ("day of the week", Some(1.0))
        );
        assert_eq!(daily.calibration[0].nominal, Some(80.0));
        let monthly = of(
            &format!("{head}a,2024-01-01,2023-12-31,1,A,2,0,9\na,2024-02-01,2023-12-31,1,A,1,0,9\n"),
            &[],
            None,
        );
        assert!(monthly.groups.names.is_empty());
        assert!(
            of("ds,cutoff,y,model,yhat\nsoon,now,1,A,1\n", &[], None)
                .windows
                .cutoffs
                .len()
                == 1
        );
    }
}
