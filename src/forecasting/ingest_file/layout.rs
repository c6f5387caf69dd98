//! Which columns of a file are what: as far as it is said, and else by their names and kinds.

use super::super::parquet_table::HeadKind;

/// Names of columns that are times, the surest first.
const TIMES: [&str; 15] = [
    "ds",
    "timestamp",
    "datetime",
    "time",
    "date",
    "period",
    "day",
    "week",
    "month",
    "quarter",
    "year",
    "hour",
    "index",
    "unnamed:0",
    "",
];
/// Names of columns that name the series.
const IDS: [&str; 9] = [
    "uniqueid", "seriesid", "itemid", "id", "series", "item", "ticker", "symbol", "sku",
];
/// Names of columns that hold the values.
const VALUES: [&str; 3] = ["y", "value", "target"];
/// What pandas calls an index that has no name.
const INDEXES: [&str; 3] = ["", "unnamed:0", "index"];

/// A column as far as it can be seen from outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Head {
    /// Its name as written.
    pub(super) name: String,
    /// What it holds.
    pub(super) kind: HeadKind,
    /// Whether its texts come again and again, as the names of series do.
    pub(super) repeats: bool,
}

/// What is said of the columns.
#[derive(Clone, Debug, Default)]
pub(super) struct Said {
    /// Columns that together name the series; or one text that does.
    pub(super) ids: Vec<String>,
    /// The column of the times.
    pub(super) time: Option<String>,
    /// The columns of the values.
    pub(super) values: Vec<String>,
}

/// Which columns are what, by their places.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Layout {
    /// Those that name the series.
    pub(super) ids: Vec<usize>,
    /// The name of the one series of a file that has no such columns.
    pub(super) constant: Option<String>,
    /// The times.
    pub(super) time: usize,
    /// The values: several are a series each.
    pub(super) values: Vec<usize>,
    /// Whether the names of the value columns are names of series.
    pub(super) is_wide: bool,
}

/// Why the columns cannot be told apart: a sentence about the file, and what to say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct LayoutFault {
    pub(super) what: String,
    pub(super) help: String,
}

/// Finds out which columns are what.
pub(super) fn layout(heads: &[Head], said: &Said) -> Result<Layout, LayoutFault> {
    let time = match &said.time {
        Some(name) => named(heads, name).ok_or_else(|| lacks(name, "time"))?,
        None => guess_time(heads, said).ok_or_else(|| LayoutFault {
            what: "has no column of which it is plain that it holds the times".to_owned(),
            help: "say which it is: `time = \"a column\"`".to_owned(),
        })?,
    };
    let mut values = Vec::new();
    for name in &said.values {
        values.push(named(heads, name).ok_or_else(|| lacks(name, "value"))?);
    }
    let (ids, constant) = ids(heads, said, time, &values)?;
    let is_said = !values.is_empty();
    if !is_said {
        values = guess_values(heads, time, &ids)?;
    }
    Ok(Layout {
        is_wide: values.len() > 1,
        ids,
        constant,
        time,
        values,
    })
}

fn lacks(name: &str, key: &str) -> LayoutFault {
    LayoutFault {
        what: format!("has no column `{name}`"),
        help: format!("set `{key}` to one of its columns"),
    }
}

/// A name without what people write in different ways.
fn plain(name: &str) -> String {
    let kept = name.chars().filter(|c| !matches!(c, ' ' | '_' | '-'));
    kept.flat_map(char::to_lowercase).collect()
}

/// The column of a name: as it is written, else as the only one that differs in case and blanks alone.
fn named(heads: &[Head], name: &str) -> Option<usize> {
    let exactly = heads.iter().position(|head| head.name == name);
    exactly.or_else(|| {
        let mut alike = (0..heads.len()).filter(|at| plain(&heads[*at].name) == plain(name));
        alike.next().filter(|_| alike.next().is_none())
    })
}

fn guess_time(heads: &[Head], said: &Said) -> Option<usize> {
    let is_free = |at: &usize| {
        let is_said = |name: &String| named(heads, name) == Some(*at);
        !said.ids.iter().chain(&said.values).any(is_said)
    };
    let free: Vec<usize> = (0..heads.len()).filter(is_free).collect();
    let of_name = |name: &str| {
        let is_it = |at: &&usize| plain(&heads[**at].name) == name;
        let may_be = |at: &&usize| match heads[**at].kind {
            HeadKind::Time => true,
            HeadKind::Number => !INDEXES.contains(&name) && name != "hour",
            // A fault in one row is told when the times are read.
            HeadKind::Text => !INDEXES.contains(&name),
            HeadKind::Other => false,
        };
        free.iter().filter(is_it).find(may_be).copied()
    };
    let by_name = TIMES.iter().find_map(|name| of_name(name));
    by_name.or_else(|| {
        let mut times = free.iter().filter(|at| heads[**at].kind == HeadKind::Time);
        times.next().filter(|_| times.next().is_none()).copied()
    })
}

/// The columns that name the series, or the name of the only one.
fn ids(
    heads: &[Head],
    said: &Said,
    time: usize,
    values: &[usize],
) -> Result<(Vec<usize>, Option<String>), LayoutFault> {
    if let [name] = &*said.ids {
        return Ok(match named(heads, name) {
            Some(at) => (vec![at], None),
            None => (Vec::new(), Some(name.clone())),
        });
    }
    if !said.ids.is_empty() {
        let column = |name: &String| named(heads, name).ok_or_else(|| lacks(name, "id"));
        return Ok((said.ids.iter().map(column).collect::<Result<_, _>>()?, None));
    }
    let is_free = |at: &usize| *at != time && !values.contains(at);
    let free: Vec<usize> = (0..heads.len()).filter(is_free).collect();
    let of_name = |name: &str| free.iter().find(|at| plain(&heads[**at].name) == *name).copied();
    let by_name = IDS.iter().find_map(|name| of_name(name));
    let only_text = || {
        let mut texts = free
            .iter()
            .filter(|at| heads[**at].kind == HeadKind::Text && heads[**at].repeats);
        texts.next().filter(|_| texts.next().is_none()).copied()
    };
    Ok((by_name.or_else(only_text).into_iter().collect(), None))
}

fn guess_values(heads: &[Head], time: usize, ids: &[usize]) -> Result<Vec<usize>, LayoutFault> {
    let is_free = |at: &usize| {
        *at != time
            && !ids.contains(at)
            && heads[*at].kind == HeadKind::Number
            && !INDEXES.contains(&&*plain(&heads[*at].name))
    };
    let of_name =
        |name: &&str| (0..heads.len()).find(|at| *at != time && !ids.contains(at) && plain(&heads[*at].name) == *name);
    if let Some(value) = VALUES.iter().find_map(of_name) {
        return Ok(vec![value]);
    }
    let numbers: Vec<usize> = (0..heads.len()).filter(is_free).collect();
    let names = || {
        let names: Vec<String> = numbers
            .iter()
            .take(10)
            .map(|at| format!("`{}`", heads[*at].name))
            .collect();
        names.join(", ")
    };
    match (numbers.len(), ids.is_empty()) {
        (0, _) => Err(LayoutFault {
            what: "has no column of numbers beside the times and the names of series".to_owned(),
            help: "say which column holds the values: `value = \"a column\"`".to_owned(),
        }),
        (1, _) | (_, true) => Ok(numbers),
        (_, false) => Err(LayoutFault {
            what: format!("has several columns of numbers: {}", names()),
            help: "say which hold the values: `value = \"a column\"`, or a list of them".to_owned(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heads(columns: &[(&str, HeadKind)]) -> Vec<Head> {
        let head = |(name, kind): &(&str, HeadKind)| Head {
            name: (*name).to_owned(),
            kind: *kind,
            repeats: true,
        };
        columns.iter().map(head).collect()
    }

    fn found(columns: &[(&str, HeadKind)], said: &Said) -> String {
        let heads = heads(columns);
        match layout(&heads, said) {
            Ok(layout) => {
                let names = |places: &[usize]| -> String {
                    places
                        .iter()
                        .map(|at| heads[*at].name.as_str())
                        .collect::<Vec<_>>()
                        .join("+")
                };
                let id = layout.constant.clone().unwrap_or_else(|| names(&layout.ids));
                format!("{id} | {} | {}", heads[layout.time].name, names(&layout.values))
            }
            Err(fault) => format!("{}; {}", fault.what, fault.help),
        }
    }

    #[test]
    fn columns_are_told_by_name_and_kind() {
        use HeadKind::{Number, Text, Time};
        let guess = |columns: &[(&str, HeadKind)]| found(columns, &Said::default());
        assert_eq!(
            guess(&[("unique_id", Text), ("ds", Time), ("y", Number)]),
            "unique_id | ds | y"
        );
        assert_eq!(guess(&[("Date", Time), ("Sales", Number)]), " | Date | Sales");
        assert_eq!(
            guess(&[("", Number), ("date", Time), ("sales", Number)]),
            " | date | sales"
        );
        assert_eq!(guess(&[("", Time), ("sales", Number)]), " |  | sales");
        assert_eq!(
            guess(&[("when", Time), ("north", Number), ("south", Number)]),
            " | when | north+south"
        );
        assert_eq!(
            guess(&[("Store", Text), ("date", Time), ("sales", Number)]),
            "Store | date | sales"
        );
        assert_eq!(guess(&[("year", Number), ("gdp", Number)]), " | year | gdp");
        assert_eq!(
            guess(&[("store", Text), ("date", Time), ("sales", Number), ("price", Number)]),
            "has several columns of numbers: `sales`, `price`; say which hold the values: `value = \"a column\"`, or a list \
             of them"
        );
        assert_eq!(
            guess(&[("a", Number), ("b", Number)]),
            "has no column of which it is plain that it holds the times; say which it is: `time = \"a column\"`"
        );
    }

    #[test]
    fn what_is_said_counts() {
        use HeadKind::{Number, Text, Time};
        let columns = [
            ("Store ID", Text),
            ("Item", Text),
            ("Day", Time),
            ("sold", Number),
            ("price", Number),
        ];
        let said = |ids: &[&str], time: Option<&str>, values: &[&str]| Said {
            ids: ids.iter().map(ToString::to_string).collect(),
            time: time.map(str::to_owned),
            values: values.iter().map(ToString::to_string).collect(),
        };
        assert_eq!(
            found(&columns, &said(&["store_id"], Some("day"), &["price"])),
            "Store ID | Day | price"
        );
        assert_eq!(
            found(&columns, &said(&["Store ID", "Item"], None, &["sold"])),
            "Store ID+Item | Day | sold"
        );
        assert_eq!(
            found(&columns, &said(&["sales"], None, &["sold"])),
            "sales | Day | sold"
        );
        assert_eq!(
            found(&columns, &said(&[], None, &["sodl"])),
            "has no column `sodl`; set `value` to one of its columns"
        );
        assert_eq!(
            found(&columns, &said(&["Item", "x"], None, &["sold"])),
            "has no column `x`; set `id` to one of its columns"
        );
    }
}
