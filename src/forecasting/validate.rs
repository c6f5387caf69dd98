//! `validate_clean`: asks of the series what models need, writes every rule with its verdict, and fails if one is
//! broken.

use std::collections::BTreeMap;

use chrono::NaiveDateTime;
use serde_json::{Value, json};

use super::document;
use super::frequency::{Calendars, FREQUENCY, Grid};
use super::limits::{MAX_MB, MAX_ROWS};
use super::named_enum::named_enum;
use super::series::{Observation, observations};
use crate::engine::spec::schema::{AUTO, Kind, Literal, ParamSchema, Port, Schema};
use crate::engine::task::{Context, Task, TaskError};

/// How many rows that break a rule the report shows; all are counted.
const SHOWN: usize = 10;

static SCHEMA: Schema = Schema {
    name: "validate_clean",
    version: 2,
    summary: "checks the series rule by rule; a broken rule stops what follows",
    params: &[
        ParamSchema {
            name: "min_length",
            kind: Kind::Auto(&Kind::Int { min: 1, max: 1_000_000 }),
            default: Some(Literal::Text(AUTO)),
            doc: "fewest rows of a series; auto follows the frequency: twice the usual horizon, 48 at most",
        },
        ParamSchema {
            name: "max_missing",
            kind: Kind::Float {
                min: 0.0,
                max: 100.0,
                open: false,
            },
            default: Some(Literal::Float(0.0)),
            doc: "share of a series' steps that may have no value, in %; models need 0",
        },
        ParamSchema {
            name: "max_negative",
            kind: Kind::Float {
                min: 0.0,
                max: 100.0,
                open: false,
            },
            default: Some(Literal::Float(5.0)),
            doc: "how far below zero a value may lie, in % of the largest absolute value of its series (solar plants draw power at night)",
        },
        FREQUENCY,
        MAX_MB,
        MAX_ROWS,
    ],
    inputs: &[Port {
        name: "clean",
        doc: "unique_id, ds (UTC), y",
    }],
    outputs: &[Port {
        name: "validation",
        doc: "every rule with its verdict and the first rows that break it",
    }],
    optional: &[],
    directories: &[],
    secrets: &[],
    variables: &[],
    effect: false,
    ordered: &[],
};

/// The task.
#[derive(Debug)]
pub(crate) struct ValidateClean;

impl Task for ValidateClean {
    fn schema(&self) -> &'static Schema {
        &SCHEMA
    }

    fn run(&self, context: &Context<'_>) -> Result<(), TaskError> {
        let mut rules = Vec::new();
        let read = observations(context, "clean");
        let unreadable = read.as_ref().err().map(|error| json!({ "why": error.what }));
        rules.push(ValidationRule::new(
            RuleName::Columns,
            "unique_id, ds and y are there, with an id and a time in each row",
            unreadable,
        ));
        let rows = read.unwrap_or_default();
        // Without the columns the other rules have nothing to look at: they are not reported as passed.
        if rules[0].broken == 0 {
            rules.extend(check(context, &rows));
        }
        let broken: Vec<&ValidationRule> = rules.iter().filter(|rule| rule.broken > 0).collect();
        for rule in &rules {
            context.log(&format!("{}: {}", rule.name, rule.verdict()));
        }
        let status = match broken.is_empty() {
            true => ValidationStatus::Valid,
            false => ValidationStatus::Broken,
        };
        let report = json!({
            "status": status.name(),
            "row_count": rows.len(),
            "rules": rules.iter().map(ValidationRule::report).collect::<Vec<_>>(),
        });
        document::write(context, "validation", &report)?;
        failure(&broken)
    }
}

/// The error that names the broken rules, if there are any.
fn failure(broken: &[&ValidationRule]) -> Result<(), TaskError> {
    if broken.is_empty() {
        return Ok(());
    }
    let names: Vec<String> = broken.iter().map(|rule| format!("`{}`", rule.name)).collect();
    let rule = if broken.len() == 1 { "the rule" } else { "the rules" };
    let mut error = TaskError::new(format!("the series break {rule} {}", names.join(", ")));
    for rule in broken {
        error = error.note(format!("`{}`: {}", rule.name, rule.verdict()));
    }
    error = error.help("see validation.json for the rows");
    for help in broken.iter().filter_map(|rule| rule.name.help()) {
        if !error.help.iter().any(|known| known == help) {
            error = error.help(help);
        }
    }
    Err(error)
}

/// One rule and what broke it.
struct ValidationRule {
    name: RuleName,
    /// What must hold.
    what: String,
    /// How many rows, times or series break it.
    broken: usize,
    /// The first of them.
    rows: Vec<Value>,
}

impl ValidationRule {
    fn new(name: RuleName, what: impl Into<String>, broken: impl IntoIterator<Item = Value>) -> Self {
        let mut rule = Self {
            name,
            what: what.into(),
            broken: 0,
            rows: Vec::new(),
        };
        for row in broken {
            rule.broken += 1;
            if rule.rows.len() < SHOWN {
                rule.rows.push(row);
            }
        }
        rule
    }

    /// A rule that so many steps break, of which these are the first.
    fn counted(name: RuleName, what: impl Into<String>, broken: usize, mut rows: Vec<Value>) -> Self {
        rows.truncate(SHOWN);
        Self {
            broken,
            ..Self::new(name, what, rows)
        }
    }

    fn verdict(&self) -> String {
        let place = self.rows.first().map(|row| {
            let field = |name: &str| row[name].as_str().map(str::to_owned);
            let parts: Vec<String> = ["unique_id", "ds", "why"].into_iter().filter_map(field).collect();
            parts.join(" ")
        });
        match place {
            None => "holds".to_owned(),
            Some(place) if self.broken == 1 => format!("broken once, by {place}"),
            Some(place) => format!("broken {} times, first by {place}", self.broken),
        }
    }

    fn report(&self) -> Value {
        json!({
            "rule": self.name.name(),
            "what": self.what,
            "verdict": if self.broken == 0 { "holds" } else { "broken" },
            "broken": self.broken,
            "first": self.rows,
        })
    }
}

named_enum! {
    /// What a rule is about.
    enum RuleName {
        /// The columns of a series.
        Columns = "columns",
        /// Whether there are rows.
        Rows = "rows",
        /// The order of time.
        Order = "order",
        /// Two rows of one time.
        Duplicates = "duplicates",
        /// Values that are infinite or NaN.
        NotFinite = "not_finite",
        /// Steps without a row.
        MissingTimes = "missing_times",
        /// Rows without a value.
        Nulls = "nulls",
        /// Times off the steps.
        Steps = "steps",
        /// Values below zero.
        Negative = "negative",
        /// Series that are too short.
        Length = "length",
        /// Series of one value.
        Constant = "constant",
    }
}

impl RuleName {
    /// The step that repairs what breaks the rule; rules with the same one share it.
    fn help(self) -> Option<&'static str> {
        match self {
            Self::MissingTimes | Self::Nulls => {
                Some("the task `prepare_clean` fills gaps of up to `max_gap` steps; `max_missing` lets some pass")
            }
            Self::Duplicates | Self::Order => Some("the task `prepare_clean` sorts the rows and merges duplicates"),
            Self::NotFinite => Some("the task `prepare_clean` fills values that are not finite as it fills gaps"),
            Self::Negative => Some("if the values are right, raise `max_negative`"),
            Self::Length => Some("take a longer span of data, or lower `min_length`"),
            Self::Columns | Self::Rows | Self::Steps | Self::Constant => None,
        }
    }
}

named_enum! {
    /// The verdict on all rules, as the artifact says it.
    pub(super) enum ValidationStatus {
        /// All rules hold.
        Valid = "valid",
        /// One at least is broken.
        Broken = "broken",
    }
}

fn row(observation: &Observation) -> Value {
    json!({ "unique_id": observation.unique_id, "ds": observation.ds.to_string(), "y": observation.y })
}

/// All rules beyond the columns.
fn check(context: &Context<'_>, rows: &[Observation]) -> Vec<ValidationRule> {
    let calendars = Calendars::declared_or_found(context, rows);
    let mut rules = vec![
        ValidationRule::new(
            RuleName::Rows,
            "there is at least one row",
            rows.is_empty().then(|| json!({ "why": "no rows" })),
        ),
        ValidationRule::new(
            RuleName::Order,
            "the rows of each series are in the order of time",
            out_of_order(rows).into_iter().map(row),
        ),
    ];
    let mut sorted: Vec<&Observation> = rows.iter().collect();
    sorted.sort_by_key(|row| (row.unique_id.as_str(), row.ds));
    let same = |pair: &&[&Observation]| (&pair[0].unique_id, pair[0].ds) == (&pair[1].unique_id, pair[1].ds);
    rules.push(ValidationRule::new(
        RuleName::Duplicates,
        "no series has two rows of one time",
        sorted.windows(2).filter(same).map(|pair| row(pair[1])),
    ));
    let not_finite = |row: &&&Observation| row.y.is_some_and(|y| !y.is_finite());
    rules.push(ValidationRule::new(
        RuleName::NotFinite,
        "no value is infinite or NaN",
        sorted.iter().filter(not_finite).map(
            |odd| json!({ "unique_id": odd.unique_id, "ds": odd.ds.to_string(), "y": odd.y.map(|y| y.to_string()) }),
        ),
    ));
    let series: Vec<&[&Observation]> = sorted.chunk_by(|a, b| a.unique_id == b.unique_id).collect();
    rules.extend(by_series(context, &series, calendars));
    rules
}

/// The rows that stand after a later one of their series.
fn out_of_order(rows: &[Observation]) -> Vec<&Observation> {
    let mut last = BTreeMap::new();
    rows.iter()
        .filter(|row| {
            let before = last.insert(row.unique_id.as_str(), row.ds);
            before.is_some_and(|before| before > row.ds)
        })
        .collect()
}

/// The rules that look at each series as a whole.
fn by_series(context: &Context<'_>, series: &[&[&Observation]], calendars: Calendars) -> Vec<ValidationRule> {
    let (mut missing, mut nulls, mut off, mut negative) = ((0, Vec::new()), Vec::new(), Vec::new(), Vec::new());
    let (mut short, mut constant) = (Vec::new(), Vec::new());
    let frequency = calendars.common();
    let least = frequency.min_length(context);
    let allowed = context.number("max_missing");
    let floor = context.number("max_negative");
    for rows in series {
        let (absent, first, odd) = steps(rows, calendars);
        let empty: Vec<Value> = rows
            .iter()
            .filter(|row| row.y.is_none())
            .map(|empty| row(empty))
            .collect();
        #[expect(clippy::cast_precision_loss, reason = "rows are far fewer than 2^53")]
        let share = 100.0 * (absent + empty.len()) as f64 / (rows.len() + absent) as f64;
        if share > allowed {
            missing.0 += absent;
            missing.1.extend(first);
            nulls.extend(empty);
        }
        off.extend(odd);
        let values = || rows.iter().filter_map(|row| row.y).filter(|y| y.is_finite());
        let lowest = -floor / 100.0 * values().map(f64::abs).fold(0.0, f64::max);
        // At 100 % everything passes, whatever rounding does.
        let below = |row: &&&Observation| floor < 100.0 && row.y.is_some_and(|y| y < lowest);
        negative.extend(rows.iter().filter(below).map(|below| row(below)));
        let id = &rows[0].unique_id;
        if rows.len() < least {
            short.push(json!({ "unique_id": id, "why": format!("{} rows", rows.len()) }));
        }
        let first = values().next();
        if values().all(|y| Some(y) == first) {
            constant.push(
                json!({ "unique_id": id, "why": first.map_or("no value".to_owned(), |y| format!("always {y}")) }),
            );
        }
    }
    let within = format!("; up to {allowed} % of a series' steps may");
    vec![
        ValidationRule::counted(
            RuleName::MissingTimes,
            format!("no {frequency} step between first and last has no row{within}"),
            missing.0,
            missing.1,
        ),
        ValidationRule::new(RuleName::Nulls, format!("no row has an empty value{within}"), nulls),
        ValidationRule::new(RuleName::Steps, format!("all times lie on {frequency} steps"), off),
        ValidationRule::new(
            RuleName::Negative,
            format!("no value lies further below zero than {floor} % of its series' largest"),
            negative,
        ),
        ValidationRule::new(
            RuleName::Length,
            format!("every series has at least {least} rows"),
            short,
        ),
        ValidationRule::new(RuleName::Constant, "every series has two different values", constant),
    ]
}

/// How many steps of a sorted series have no row, the first of them, and the rows that lie on none.
fn steps(rows: &[&Observation], calendars: Calendars) -> (usize, Vec<Value>, Vec<Value>) {
    let times: Vec<NaiveDateTime> = rows.iter().map(|row| row.ds).collect();
    let grid = Grid::of(calendars.of_series(&times), &times);
    let (mut absent, mut first, mut off) = (0, Vec::new(), Vec::new());
    let mut expected = 0;
    for at in rows {
        let Some(step) = grid.step(at.ds) else {
            off.push(row(at));
            continue;
        };
        let holidays = grid.holidays_between(expected, step);
        absent += usize::try_from(step - expected)
            .unwrap_or_default()
            .saturating_sub(holidays);
        let skipped = (expected..step)
            .filter(|step| !grid.is_holiday(*step))
            .take(SHOWN - first.len());
        first.extend(
            skipped
                .filter_map(|step| grid.time(step))
                .map(|ds| json!({ "unique_id": at.unique_id, "ds": ds.to_string() })),
        );
        expected = expected.max(step + 1);
    }
    (absent, first, off)
}
