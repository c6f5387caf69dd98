//! The curve of a forecast, found by the names of its columns.

use std::fmt::Write as _;

use crate::report::chart::Curve;

/// The forecast in a CSV text, if it is one and without quotes, as the forecasts of the tasks are.
pub(super) fn of_csv(text: &str) -> Option<Curve> {
    let mut lines = text.lines();
    let names: Vec<&str> = lines.next()?.split(',').collect();
    if text.contains('"') || !names.contains(&"yhat") {
        return None;
    }
    let rows: Vec<Vec<&str>> = lines.map(|line| line.split(',').collect()).collect();
    let column = |name: &str| {
        let at = names.iter().position(|other| *other == name)?;
        Some(
            rows.iter()
                .map(|row| row.get(at).copied().unwrap_or_default().to_owned())
                .collect(),
        )
    };
    of_columns(&names, &column)
}

/// The curve of a forecast's first series: `ds` and `yhat`, `unique_id` if there are several, and the first of the
/// intervals `lo-*`, `hi-*`.
pub(super) fn of_columns(names: &[&str], column: &dyn Fn(&str) -> Option<Vec<String>>) -> Option<Curve> {
    let (moments, values) = (column("ds")?, column("yhat")?);
    let series = column("unique_id").unwrap_or_else(|| vec![String::new(); moments.len()]);
    let first = series.first()?.clone();
    let length = series.iter().take_while(|name| **name == first).count();
    let numbers = |texts: Vec<String>| -> Vec<f64> {
        texts
            .iter()
            .take(length)
            .map(|text| text.trim().parse().unwrap_or(f64::NAN))
            .collect()
    };
    let level = names.iter().find_map(|name| name.strip_prefix("lo-"));
    let bounds = level.and_then(|level| Some((column(&format!("lo-{level}"))?, column(&format!("hi-{level}"))?)));
    let mut title = if first.is_empty() {
        "yhat".to_owned()
    } else {
        format!("{first}: yhat")
    };
    if let (Some(level), Some(_)) = (level, &bounds) {
        let _ = write!(title, ", shaded its interval of {level} %");
    }
    Some(Curve {
        title,
        moments: moments.into_iter().take(length).collect(),
        values: numbers(values),
        bounds: bounds.map(|(low, high)| (numbers(low), numbers(high))),
    })
}
