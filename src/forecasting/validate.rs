//! `validate_clean`: asks of the series what models need, writes every rule with its verdict, and fails if one is
//! broken that concerns all of them.
//!
//! What one series breaks concerns that series: the back-test reads under `bad_series` which, and the others go on.

mod gaps;
mod measures;
mod rules;

use std::collections::BTreeMap;

use chrono::NaiveDateTime;
use serde_json::{Value, json};

use self::gaps::Gap;
use self::measures::{Limits, Measure, Measured, out_of_order};
use self::rules::{Level, RULES, Rule, RuleName, Scope};
use super::detect::number;
use super::document;
use super::frequency::{Calendars, FREQUENCY, Frequency, Grid};
use super::limits::{MAX_MB, MAX_ROWS};
use super::named_enum::named_enum;
use super::panel::{self, ON_BAD_SERIES, OnBadSeries};
use super::reading;
use super::series::{Observation, observations};
use crate::engine::spec::Value as Param;
use crate::engine::spec::schema::{AUTO, Kind, Literal, ParamSchema, Port, Schema};
use crate::engine::task::{Context, Part, Task, TaskError};

/// How many rows that break a rule the report shows; all are counted.
const SHOWN: usize = 10;

/// Raised whenever the rule `seasons` finds other lengths in equal values.
const SEASONS_VERSION: u32 = 2;

static SCHEMA: Schema = Schema {
    name: "validate_clean",
    version: 4,
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
        ON_BAD_SERIES,
        RULES,
        reading::OF_CLEAN_AND_BASELINE,
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
        doc: "every rule with its verdict and the first rows that break it; the series that break one",
    }],
    optional: &[Port {
        name: "baseline",
        doc: "a former table of the series, whose distributions the rule `drift` compares with",
    }],
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

    /// How seasons are found, where a rule asks for them.
    fn parts(&self, params: &BTreeMap<String, Param>) -> Vec<Part> {
        let is_asked = match params.get(RULES.name) {
            Some(Param::Table(rules)) => rules.contains_key(RuleName::Seasons.name()),
            _ => false,
        };
        let seasons = || Part {
            name: RuleName::Seasons.name().to_owned(),
            version: SEASONS_VERSION,
        };
        is_asked.then(seasons).into_iter().collect()
    }

    fn run(&self, context: &Context<'_>) -> Result<(), TaskError> {
        let (read, read_as) = match reading::series(context, "clean") {
            Ok(Some((rows, report))) => (Ok(rows), Some(report)),
            Ok(None) => (observations(context, "clean"), None),
            Err(error) => (Err(error), None),
        };
        context.check_cancelled()?;
        let read = match read {
            // Nothing was looked at, so there is no verdict on it.
            Err(error) if error.retry => return Err(error),
            read => read,
        };
        let unreadable = read.as_ref().err().map(|error| error.what.clone());
        let what = "unique_id, ds and y are there, with an id and a time in each row";
        let mut verdicts = vec![Verdict::of_table(context, RuleName::Columns, what, unreadable)];
        let rows = read.unwrap_or_default();
        let mut others = Vec::new();
        // Without the columns the other rules have nothing to look at: they are not reported as passed.
        if !verdicts[0].is_broken() {
            let (of_rules, with_other_steps) = check(context, &rows)?;
            verdicts.extend(of_rules);
            others = with_other_steps;
        }
        for verdict in verdicts.iter().filter(|verdict| verdict.rule.level != Level::Off) {
            context.log(&format!("{}: {}", verdict.rule.name, verdict.told()));
        }
        let policy = OnBadSeries::of(context);
        let stopping: Vec<&Verdict> = verdicts.iter().filter(|verdict| verdict.stops(policy)).collect();
        let status = match stopping.is_empty() {
            true => ValidationStatus::Valid,
            false => ValidationStatus::Broken,
        };
        let mut bad: Vec<Value> = verdicts.iter().flat_map(Verdict::bad_series).collect();
        let steps = RuleName::Steps.name();
        bad.extend(
            others
                .iter()
                .map(|(id, why)| json!({ "unique_id": id, "rule": steps, "why": why })),
        );
        let mut report = json!({
            "status": status.name(),
            "row_count": rows.len(),
            "rules": verdicts.iter().map(Verdict::report).collect::<Vec<_>>(),
        });
        if let Some(read_as) = read_as {
            report["file"] = read_as;
        }
        if !bad.is_empty() {
            report["bad_series"] = bad.into();
        }
        document::write(context, "validation", &report)?;
        failure(&stopping)?;
        for verdict in verdicts.iter().filter(|verdict| verdict.is_broken()) {
            context.warn(&format!("the rule `{}` is {}", verdict.rule.name, verdict.told()));
        }
        if let Some((id, why)) = others.first() {
            let of = verdicts.iter().map(|verdict| verdict.of).max().unwrap_or_default() + others.len();
            context.warn(&format!(
                "{} of {of} series cannot be measured by the steps of the panel, the first of them `{id}`: {why}; forecast such series in \
                 targets of their own, or bring them to the others' steps",
                others.len()
            ));
        }
        Ok(())
    }
}

/// The error that names the broken rules, if there are any.
fn failure(broken: &[&Verdict]) -> Result<(), TaskError> {
    if broken.is_empty() {
        return Ok(());
    }
    let names: Vec<String> = broken
        .iter()
        .map(|verdict| format!("`{}`", verdict.rule.name))
        .collect();
    let rule = if broken.len() == 1 { "the rule" } else { "the rules" };
    let mut error = TaskError::new(format!("the series break {rule} {}", names.join(", ")));
    // Names of one width make a table of the notes.
    let width = names.iter().map(String::len).max().unwrap_or_default();
    for (name, verdict) in names.iter().zip(broken) {
        error = error.note(format!(
            "{:<width$} {}",
            format!("{name}:"),
            verdict.told(),
            width = width + 1
        ));
    }
    error = error.help("see validation.json for the rows");
    for help in broken.iter().filter_map(|verdict| verdict.rule.name.help()) {
        if !error.help.iter().any(|known| known == help) {
            error = error.help(help);
        }
    }
    let no_values = |verdict: &&&Verdict| verdict.rule.name == RuleName::Nulls;
    let empty = broken
        .iter()
        .find(no_values)
        .and_then(|verdict| verdict.wholly.as_ref());
    Err(match empty {
        Some(id) => error.help(format!(
            "`{id}` has no value at all, which `prepare_clean` cannot mend: look at the source, or leave the series out"
        )),
        None => error,
    })
}

/// One rule and what broke it.
struct Verdict {
    rule: Rule,
    /// What must hold.
    what: String,
    /// How many rows, times or series break it.
    broken: usize,
    /// The first of them.
    first: Vec<Value>,
    /// The longest stretch of what it misses.
    longest: Option<Gap>,
    /// The series that break it, each with the verdict on it.
    series: Vec<(String, String)>,
    /// How many series were looked at.
    of: usize,
    /// The first series of which not one row holds.
    wholly: Option<String>,
}

impl Verdict {
    /// A rule about the table as such, which is broken if there is a reason.
    fn of_table(context: &Context<'_>, name: RuleName, what: &str, why: Option<String>) -> Self {
        Self {
            rule: Rule::of(context, name, None),
            what: what.to_owned(),
            broken: usize::from(why.is_some()),
            first: why.into_iter().map(|why| json!({ "why": why })).collect(),
            longest: None,
            series: Vec::new(),
            of: 0,
            wholly: None,
        }
    }

    /// The verdict on what a rule measured on each series.
    fn of(rule: Rule, what: String, measures: Vec<(&str, Measure)>) -> Self {
        let of = measures.len();
        let mut verdict = Self {
            what,
            broken: 0,
            first: Vec::new(),
            longest: None,
            series: Vec::new(),
            of,
            wholly: None,
            rule,
        };
        let broken: Vec<(&str, Measure)> = match verdict.rule.scope {
            Scope::Series => {
                let is_broken =
                    |(_, measure): &(&str, Measure)| measure.count > 0 && verdict.rule.is_broken_by(measure.found);
                measures.into_iter().filter(is_broken).collect()
            }
            Scope::Panel => match verdict.rule.is_broken_by(pooled(verdict.rule.name, &measures)) {
                true => measures.into_iter().filter(|(_, measure)| measure.count > 0).collect(),
                false => Vec::new(),
            },
        };
        for (id, measure) in broken {
            verdict.broken += measure.count;
            if measure.count == measure.of && verdict.wholly.is_none() {
                verdict.wholly = Some(id.to_owned());
            }
            verdict
                .series
                .push((id.to_owned(), told(measure.count, measure.first.first())));
            let room = SHOWN - verdict.first.len();
            verdict.first.extend(measure.first.into_iter().take(room));
            // Of equal ones the first.
            if measure.longest.as_ref().map(|gap| gap.steps) > verdict.longest.as_ref().map(|gap| gap.steps) {
                verdict.longest = measure.longest;
            }
        }
        verdict
    }

    fn is_broken(&self) -> bool {
        self.broken > 0
    }

    /// Whether the task must fail.
    ///
    /// A rule that every series breaks stops it: it is the data or the rule that is wrong, not a series. A constant can
    /// always be forecast.
    fn stops(&self, policy: OnBadSeries) -> bool {
        let by_all =
            self.series.len() == self.of && !(self.rule.name == RuleName::Constant && policy == OnBadSeries::Fallback);
        self.is_broken()
            && self.rule.level == Level::Error
            && (self.rule.scope == Scope::Panel || policy == OnBadSeries::Error || by_all)
    }

    /// What is said of it in a line.
    fn told(&self) -> String {
        match self.rule.level {
            Level::Off => "off".to_owned(),
            Level::Warn | Level::Error => {
                let told = told(self.broken, self.first.first());
                let told = match &self.longest {
                    Some(Gap { steps, unique_id, ds }) if *steps > 1 => {
                        format!("{told}; the longest gap has {steps} steps, from {unique_id} {ds} on")
                    }
                    _ => told,
                };
                match self.series.len() < self.of && self.of > 1 && self.is_broken() {
                    true => format!("{told}; {} of {} series", self.series.len(), self.of),
                    false => told,
                }
            }
        }
    }

    /// The series that break it, if they are not to be forecast like the others for that.
    fn bad_series(&self) -> Vec<Value> {
        let counts = self.rule.level == Level::Error && self.rule.scope == Scope::Series;
        let listed = self.series.iter().filter(|_| counts);
        let one = |(id, why): &(String, String)| json!({ "unique_id": id, "rule": self.rule.name.name(), "why": why });
        listed.map(one).collect()
    }

    fn report(&self) -> Value {
        let verdict = match (self.rule.level, self.is_broken()) {
            (Level::Off, _) => "off",
            (_, true) => "broken",
            (_, false) => "holds",
        };
        json!({
            "rule": self.rule.name.name(),
            "what": self.what,
            "level": self.rule.level.name(),
            "scope": self.rule.scope.name(),
            "verdict": verdict,
            "broken": self.broken,
            "series": self.series.len(),
            "first": self.first,
            "longest": self.longest.as_ref().map(Gap::json),
        })
    }
}

/// How often a rule is broken, and by what first.
fn told(broken: usize, first: Option<&Value>) -> String {
    let place = first.map(|row| {
        let field = |name: &str| row[name].as_str().map(str::to_owned);
        let fields: Vec<String> = ["unique_id", "ds", "why"].into_iter().filter_map(field).collect();
        fields.join(" ")
    });
    match place {
        None => "holds".to_owned(),
        Some(place) if broken == 1 => format!("broken once, by {place}"),
        Some(place) => format!("broken {broken} times, first by {place}"),
    }
}

/// What a rule measures on all series together: the sum of counts, the share of all steps, the worst of what cannot be added.
fn pooled(name: RuleName, measures: &[(&str, Measure)]) -> f64 {
    let sum = |of: fn(&Measure) -> usize| number(measures.iter().map(|(_, measure)| of(measure)).sum());
    let found = measures.iter().map(|(_, measure)| measure.found);
    match name {
        RuleName::Columns
        | RuleName::Rows
        | RuleName::Order
        | RuleName::Duplicates
        | RuleName::NotFinite
        | RuleName::Steps
        | RuleName::Range => sum(|measure| measure.count),
        RuleName::MissingTimes | RuleName::Nulls | RuleName::Outliers => {
            100.0 * sum(|measure| measure.count) / sum(|measure| measure.of).max(1.0)
        }
        RuleName::Coverage => {
            let there = measures
                .iter()
                .map(|(_, measure)| measure.found * number(measure.of))
                .sum::<f64>();
            there / sum(|measure| measure.of).max(1.0)
        }
        // The panel is as fresh as its freshest series.
        RuleName::Freshness | RuleName::Length => found.fold(f64::INFINITY, f64::min),
        RuleName::Negative
        | RuleName::Constant
        | RuleName::Stuck
        | RuleName::Jumps
        | RuleName::Drift
        | RuleName::LevelShift
        | RuleName::Seasons => found.fold(0.0, f64::max),
    }
}

named_enum! {
    /// The verdict on all rules, as the artifact says it.
    pub(super) enum ValidationStatus {
        /// All rules hold, but for what single series break.
        Valid = "valid",
        /// One at least is broken.
        Broken = "broken",
    }
}

/// The rules that are measured on series, in the order of the report.
const MEASURED: [RuleName; 18] = [
    RuleName::Order,
    RuleName::Duplicates,
    RuleName::NotFinite,
    RuleName::MissingTimes,
    RuleName::Nulls,
    RuleName::Steps,
    RuleName::Negative,
    RuleName::Length,
    RuleName::Constant,
    RuleName::Stuck,
    RuleName::Jumps,
    RuleName::Outliers,
    RuleName::Range,
    RuleName::Coverage,
    RuleName::Freshness,
    RuleName::Drift,
    RuleName::LevelShift,
    RuleName::Seasons,
];

/// A series whose steps are not those of the panel: its name, and that in words.
type WithOtherSteps = (String, String);

/// All rules beyond the columns; and the series that none is measured on, since their steps are not those of the panel,
/// each with that in words.
fn check(context: &Context<'_>, rows: &[Observation]) -> Result<(Vec<Verdict>, Vec<WithOtherSteps>), TaskError> {
    let calendars = Calendars::declared_or_found(context, rows);
    let frequency = calendars.common();
    let no_rows = rows.is_empty().then(|| "no rows".to_owned());
    let mut verdicts = vec![Verdict::of_table(
        context,
        RuleName::Rows,
        "there is at least one row",
        no_rows,
    )];
    let baseline = baseline(context)?;
    let mut sorted: Vec<&Observation> = rows.iter().collect();
    sorted.sort_by_key(|row| (row.unique_id.as_str(), row.ds));
    let late = out_of_order(rows);
    let by_series = || sorted.chunk_by(|a, b| a.unique_id == b.unique_id);
    let times = |rows: &[&Observation]| rows.iter().map(|row| row.ds).collect::<Vec<_>>();
    let others = calendars.of_other_steps(by_series().map(|rows| (rows[0].unique_id.as_str(), times(rows))));
    if OnBadSeries::of(context) == OnBadSeries::Error {
        panel::refuse_other_steps(&others, calendars)?;
    }
    let counts = |row: &&Observation| row.y.is_some() && !others.contains_key(row.unique_id.as_str());
    let end: Option<NaiveDateTime> = rows.iter().filter(counts).map(|row| row.ds).max();
    // Nothing can be measured by steps that a series does not have.
    let series: Vec<Measured<'_>> = by_series()
        .filter(|rows| !others.contains_key(rows[0].unique_id.as_str()))
        .map(|rows| {
            let id = rows[0].unique_id.as_str();
            let times = times(rows);
            let frequency = calendars.of_series(&times);
            Measured {
                id,
                rows,
                frequency,
                grid: Grid::of(frequency, &times),
                out_of_order: late.get(id).map(Vec::as_slice).unwrap_or_default(),
                end,
                baseline: baseline.get(id).map(Vec::as_slice),
            }
        })
        .collect();
    for name in MEASURED {
        let rule = Rule::of(context, name, Some(frequency));
        let what = what(&rule, frequency);
        possible(&rule, context)?;
        let mut measures = Vec::new();
        for one in series.iter().filter(|_| rule.level != Level::Off) {
            context.check_cancelled()?;
            measures.push((one.id, one.measure(&rule)));
        }
        verdicts.push(Verdict::of(rule, what, measures));
    }
    let told = |(id, own): (&str, Frequency)| (id.to_owned(), panel::other_steps(own, calendars).to_string());
    Ok((verdicts, others.into_iter().map(told).collect()))
}

/// Refuses a rule that cannot be measured as it is declared.
fn possible(rule: &Rule, context: &Context<'_>) -> Result<(), TaskError> {
    match rule.name {
        _ if rule.level == Level::Off => Ok(()),
        RuleName::Range if rule.texts("limits").is_empty() => Err(TaskError::new("the rule `range` has no limits")
            .help(
                "say them: `rules = { range = { level = \"error\", limits = [\"*_SUN: -50..80000\", \"*: 0..\"] } }`",
            )),
        RuleName::Range => rule
            .texts("limits")
            .into_iter()
            .try_for_each(|text| Limits::parse(text).map(drop)),
        RuleName::Coverage => match (rule.day("start"), rule.day("end")) {
            (Some(start), Some(end)) if start > end => Err(TaskError::new(format!(
                "the rule `coverage` asks for the days from {start} to {end}, which ends before it begins"
            ))
            .help("let `start` be the earlier day")),
            _ => Ok(()),
        },
        RuleName::Drift if !context.inputs.contains_key("baseline") => Err(TaskError::new(
            "the rule `drift` has nothing to compare with",
        )
        .help(
            "bind a former table of the series: `inputs = { clean = \"clean\", baseline = \"./baseline.parquet\" }`",
        )),
        _ => Ok(()),
    }
}

/// The sorted values of each series of the former table, if there is one.
fn baseline(context: &Context<'_>) -> Result<BTreeMap<String, Vec<f64>>, TaskError> {
    let mut by_name: BTreeMap<String, Vec<f64>> = BTreeMap::new();
    if !context.inputs.contains_key("baseline") {
        return Ok(by_name);
    }
    for row in observations(context, "baseline")? {
        let value = row.y.filter(|y| y.is_finite());
        by_name.entry(row.unique_id).or_default().extend(value);
    }
    for values in by_name.values_mut() {
        values.sort_by(f64::total_cmp);
    }
    Ok(by_name)
}

/// What must hold, in words.
fn what(rule: &Rule, frequency: Frequency) -> String {
    let limit = rule.limit;
    match rule.name {
        RuleName::Columns | RuleName::Rows => String::new(),
        RuleName::Order => "the rows of each series are in the order of time".to_owned(),
        RuleName::Duplicates => "no series has two rows of one time".to_owned(),
        RuleName::NotFinite => "no value is infinite or NaN".to_owned(),
        RuleName::MissingTimes => {
            format!("no {frequency} step between first and last has no row; up to {limit} % of a series' steps may")
        }
        RuleName::Nulls => format!("no row has an empty value; up to {limit} % of a series' steps may"),
        RuleName::Steps => format!("all times lie on {frequency} steps"),
        RuleName::Negative => format!("no value lies further below zero than {limit} % of its series' largest"),
        RuleName::Length => format!("every series has at least {limit} rows"),
        RuleName::Constant => "every series has two different values".to_owned(),
        RuleName::Stuck => format!("no value stands for more than {limit} steps in a row"),
        RuleName::Jumps => format!("no step changes a value by more than {limit} interquartile ranges of its series"),
        RuleName::Outliers => format!("no more than {limit} % of the values lie far from the median of their series"),
        RuleName::Range => "all values lie within the limits of their series".to_owned(),
        RuleName::Coverage => format!("at least {limit} % of the steps that were asked for have a value"),
        RuleName::Freshness => format!("the last value is at most {limit} steps old"),
        RuleName::Drift => format!("the values are distributed as those of `baseline`, to {limit} %"),
        RuleName::LevelShift => format!("no level shifts by more than {limit} interquartile ranges"),
        RuleName::Seasons => "no season shows that is not declared".to_owned(),
    }
}
