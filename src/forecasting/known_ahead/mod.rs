//! What is known ahead of a series: columns of a file that reaches beyond its end, such as a temperature that is forecast,
//! and columns that follow from the calendar.
//!
//! The back-test fits each window with what is said of its past and of the steps after it; so the file must hold what was
//! known at the time, where that differs from what happened. What counted stands in `selected.json`, and the forecast
//! reads the same.

mod calendar;
mod file;

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json};

use self::calendar::{CalendarColumn, CalendarColumns, HOLIDAYS_VERSION};
use self::file::KnownFile;
use super::frequency::StepLength;
use super::ingest_file::{ZONE, Zone};
use super::models::known::KnownColumns;
use super::series::Series;
use crate::engine::spec::Value;
use crate::engine::spec::schema::{Kind, Literal, ParamSchema, Port};
use crate::engine::task::{Context, Part, TaskError};

/// The role of the file, and the parameter with what is said of it.
const NAME: &str = "known";

/// The file, for the tasks that fit models.
pub(crate) const PORT: Port = Port {
    name: NAME,
    doc: "what is known ahead: ds (UTC), maybe unique_id, and columns of numbers, of the past and of the steps to forecast",
};

const fn entry(name: &'static str, kind: Kind, doc: &'static str) -> ParamSchema {
    ParamSchema {
        name,
        kind,
        default: None,
        doc,
    }
}

static COUNTRY: Kind = Kind::Form(&calendar::COUNTRY);

const ENTRIES: [ParamSchema; 4] = [
    entry(
        "columns",
        Kind::List(&Kind::Text),
        "the columns of the input `known` that count (all)",
    ),
    entry(
        "holidays",
        Kind::OneOrMany(&COUNTRY),
        "countries whose public holidays are known, such as \"US\"",
    ),
    entry(
        "calendar",
        Kind::OneOrMany(&Kind::Choice(CalendarColumns::NAMES)),
        "columns that follow from the time",
    ),
    entry(
        "time_zone",
        Kind::Form(&ZONE),
        "whose clocks tell the date and the hour, where steps are shorter than a day (UTC)",
    ),
];

/// The parameter that says what is known beside the file.
pub(crate) const KNOWN: ParamSchema = ParamSchema {
    name: NAME,
    kind: Kind::Table(&ENTRIES),
    default: Some(Literal::NoEntries),
    doc: "what is known ahead beside the input `known`: `holidays` of countries, `calendar` columns, by the clocks of a \
          `time_zone`; and which `columns` of the input count",
};

/// Series that a message names.
const NAMED: usize = 5;

/// Where the columns come from: what a forecast has to read to know as much as the back-test did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct KnownSources {
    /// Columns of the file.
    columns: Vec<String>,
    /// Countries whose holidays are known.
    holidays: Vec<String>,
    /// The version of the calendars of holidays.
    holidays_version: Option<u32>,
    /// Groups of columns of the calendar.
    calendar: Vec<String>,
    /// Whose clocks tell the date.
    time_zone: Option<String>,
}

/// The calendars of holidays as a part of the task, where its parameters name any.
pub(crate) fn part(params: &BTreeMap<String, Value>) -> Option<Part> {
    let said = KnownSources::said(params);
    (!said.holidays.is_empty()).then(|| Part {
        name: "holidays".to_owned(),
        version: HOLIDAYS_VERSION,
    })
}

impl KnownSources {
    /// What the parameters say.
    fn said(params: &BTreeMap<String, Value>) -> Self {
        let Some(Value::Table(said)) = params.get(NAME) else {
            return Self::default();
        };
        let many = |name: &str| said.get(name).map(texts).unwrap_or_default();
        let holidays = many("holidays");
        Self {
            columns: many("columns"),
            holidays_version: (!holidays.is_empty()).then_some(HOLIDAYS_VERSION),
            holidays,
            calendar: many("calendar"),
            time_zone: many("time_zone").pop(),
        }
    }

    /// As `selected.json` has it: what is not said is left out.
    pub(crate) fn to_json(&self) -> Json {
        let lists = [
            ("columns", &self.columns),
            ("holidays", &self.holidays),
            ("calendar", &self.calendar),
        ];
        let lists = lists.into_iter().filter(|(_, list)| !list.is_empty());
        let mut whole: Map<String, Json> = lists
            .map(|(name, list)| (name.to_owned(), list.as_slice().into()))
            .collect();
        whole.extend(
            self.holidays_version
                .map(|version| ("holidays_version".to_owned(), version.into())),
        );
        whole.extend(
            self.time_zone
                .as_ref()
                .map(|zone| ("time_zone".to_owned(), zone.as_str().into())),
        );
        whole.into()
    }

    /// Takes it from `selected.json`; `None` if it says something else.
    pub(crate) fn parse(whole: &Json) -> Option<Self> {
        let whole = whole.as_object()?;
        let many = |name: &str| -> Option<Vec<String>> {
            let Some(list) = whole.get(name) else {
                return Some(Vec::new());
            };
            list.as_array()?
                .iter()
                .map(|item| item.as_str().map(str::to_owned))
                .collect()
        };
        let version = whole
            .get("holidays_version")
            .map(|version| u32::try_from(version.as_u64()?).ok());
        let sources = Self {
            columns: many("columns")?,
            holidays: many("holidays")?,
            holidays_version: match version {
                Some(version) => Some(version?),
                None => None,
            },
            calendar: many("calendar")?,
            time_zone: match whole.get("time_zone") {
                Some(zone) => Some(zone.as_str()?.to_owned()),
                None => None,
            },
        };
        let is_zone = sources
            .time_zone
            .as_ref()
            .is_none_or(|zone| Zone::parse(zone).is_some());
        (is_zone && sources.of_calendar().is_some()).then_some(sources)
    }

    /// The columns of the calendar; `None` if a country or a group is unknown.
    fn of_calendar(&self) -> Option<Vec<CalendarColumn>> {
        let holidays = self.holidays.iter().map(|code| CalendarColumn::holiday(code));
        let mut columns: Vec<CalendarColumn> = holidays.collect::<Option<_>>()?;
        for group in &self.calendar {
            columns.extend(group.parse::<CalendarColumns>().ok()?.columns());
        }
        Some(columns)
    }

    /// The names of all columns.
    pub(crate) fn names(&self) -> Vec<String> {
        let of_calendar = self.of_calendar().unwrap_or_default();
        let of_calendar = of_calendar.into_iter().map(CalendarColumn::name);
        self.columns.iter().cloned().chain(of_calendar).collect()
    }
}

/// What is known ahead, of any series.
#[derive(Debug)]
pub(crate) struct Known {
    sources: KnownSources,
    file: Option<KnownFile>,
}

impl Known {
    /// Reads what a target says of it; `None` where that is nothing.
    ///
    /// # Errors
    /// [`TaskError`] for a file that cannot be read, or has no columns that can be used.
    pub(crate) fn of(context: &Context<'_>) -> Result<Option<Self>, TaskError> {
        let mut sources = KnownSources::said(&context.params);
        let file = match (context.inputs.contains_key(NAME), sources.columns.as_slice()) {
            (true, []) => Some(KnownFile::read(context, NAME, None)?),
            (true, columns) => Some(KnownFile::read(context, NAME, Some(columns))?),
            (false, []) => None,
            (false, _) => {
                let what = "`known` names columns of a file, and the target reads none";
                return Err(
                    TaskError::new(what).help("bind one to the role, as in `inputs = { known = \"weather.csv\" }`")
                );
            }
        };
        sources.columns = file.as_ref().map(KnownFile::names).unwrap_or_default();
        let mut names = sources.names();
        names.sort_unstable();
        let twice = names.windows(2).find(|pair| pair[0] == pair[1]);
        if let Some([name, ..]) = twice {
            let what = format!("two columns that are known ahead are called `{name}`");
            return Err(TaskError::new(what).help("call that of the file otherwise, or name each once"));
        }
        Ok((!names.is_empty()).then_some(Self { sources, file }))
    }

    /// Reads the same for a forecast as the choice of its models was made with.
    ///
    /// # Errors
    /// [`TaskError`] for a file that is not there, cannot be read, or lacks a column.
    pub(crate) fn again(context: &Context<'_>, sources: KnownSources) -> Result<Self, TaskError> {
        if sources
            .holidays_version
            .is_some_and(|version| version != HOLIDAYS_VERSION)
        {
            return Err(
                TaskError::new("`selected` was made with other calendars of holidays than this atsaf has")
                    .help("build it again, with the task `train_backtest_select`"),
            );
        }
        let file = match sources.columns.as_slice() {
            [] => None,
            columns if context.inputs.contains_key(NAME) => Some(KnownFile::read(context, NAME, Some(columns))?),
            columns => {
                let quoted: Vec<String> = columns.iter().map(|name| format!("`{name}`")).collect();
                let what = format!("the models were chosen with what is known ahead: {}", quoted.join(", "));
                return Err(TaskError::new(what).help(
                    "give the file with these columns: `known = \"FILE\"` among the `inputs` of the target, or `--known \
                     FILE` of `atsaf predict`",
                ));
            }
        };
        Ok(Self { sources, file })
    }

    /// Where the columns come from.
    pub(crate) fn sources(&self) -> &KnownSources {
        &self.sources
    }

    /// Looks up all that is known of a series and of the `horizon` steps after it.
    ///
    /// # Errors
    /// [`TaskError`] that names column, series and the times without a value.
    pub(crate) fn look_up(&self, series: &mut Series, horizon: usize) -> Result<(), TaskError> {
        let mut columns = match &self.file {
            Some(file) => file.columns_of(series, horizon)?,
            None => Vec::new(),
        };
        let zone = self.sources.time_zone.as_deref().and_then(Zone::parse);
        for column in self.sources.of_calendar().unwrap_or_default() {
            columns.push((column.name(), column.values(series, horizon, zone)?));
        }
        series.known = KnownColumns::new(columns);
        Ok(())
    }

    /// What is to be told of a back-test with it: columns that never change, a file that ends too early to forecast, and
    /// dates by the clocks of nobody.
    pub(crate) fn warnings(&self, all: &[&Series], horizon: usize) -> Vec<String> {
        let mut warnings = Vec::new();
        let ids_where = |is: &dyn Fn(&Series) -> bool| -> Vec<&str> {
            let some = all.iter().filter(|series| is(series));
            some.map(|series| series.unique_id.as_str()).collect()
        };
        let mut constant: BTreeMap<Vec<&str>, Vec<String>> = BTreeMap::new();
        for name in self.sources.names() {
            let ids = ids_where(&|series| series.known.is_constant(&name, series.y.len()));
            constant.entry(ids).or_default().push(format!("`{name}`"));
        }
        for (ids, names) in constant.iter().filter(|(ids, _)| !ids.is_empty()) {
            let (changes, is) = if names.len() == 1 {
                ("changes", "is")
            } else {
                ("change", "are")
            };
            warnings.push(format!(
                "of what is known ahead, {} never {changes} in the past of {}, and {is} left out there",
                names.join(", "),
                named(ids, all.len())
            ));
        }
        let short = ids_where(&|series| self.file.as_ref().is_some_and(|file| !file.reaches(series, horizon)));
        if !short.is_empty() {
            warnings.push(format!(
                "`known` does not reach {horizon} steps beyond the end of {}: a forecast by a model that uses it will fail",
                named(&short, all.len())
            ));
        }
        let by_clock = !self.sources.holidays.is_empty() || !self.sources.calendar.is_empty();
        let within_day = all
            .iter()
            .any(|series| series.frequency.length() == StepLength::WithinDay);
        if by_clock && within_day && self.sources.time_zone.is_none() {
            warnings.push(
                "the days that are known ahead are those of UTC; where people live by other clocks, say so with \
                 `time_zone`, as in `known = { holidays = \"US\", time_zone = \"America/New_York\" }`"
                    .to_owned(),
            );
        }
        warnings
    }
}

/// Some series in words.
fn named(ids: &[&str], total: usize) -> String {
    let some: Vec<String> = ids.iter().take(NAMED).map(|id| format!("`{id}`")).collect();
    match ids.len().saturating_sub(NAMED) {
        _ if ids.len() == total && total > 1 => format!("all {total} series"),
        0 => some.join(", "),
        more => format!("{} and {more} more series", some.join(", ")),
    }
}

/// The texts of a list, or of one text.
fn texts(value: &Value) -> Vec<String> {
    let items = match value {
        Value::List(items) => items.as_slice(),
        one => std::slice::from_ref(one),
    };
    let text = |item: &Value| match item {
        Value::Text(text) => Some(text.clone()),
        _ => None,
    };
    items.iter().filter_map(text).collect()
}
