//! The rules of the validation: what each is about, how strict it is unless something else is said, and what helps.

use std::collections::BTreeMap;

use chrono::NaiveDate;

use crate::engine::spec::Value;
use crate::engine::spec::schema::{Kind, Literal, ParamSchema};
use crate::engine::task::Context;
use crate::forecasting::frequency::Frequency;
use crate::forecasting::named_enum::{named_enum, of_value};

named_enum! {
    /// What a rule is about.
    pub(super) enum RuleName {
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
        /// One value many times in a row.
        Stuck = "stuck",
        /// A change from one step to the next that is out of all proportion.
        Jumps = "jumps",
        /// Values far from all others of the series.
        Outliers = "outliers",
        /// Values outside of declared limits.
        Range = "range",
        /// The share of a declared range of time that has values.
        Coverage = "coverage",
        /// How long ago the last value is.
        Freshness = "freshness",
        /// A distribution that is not that of a former table.
        Drift = "drift",
        /// A level that changed for good.
        LevelShift = "level_shift",
        /// A season that is not declared.
        Seasons = "seasons",
    }
}

named_enum! {
    /// What follows from a broken rule.
    pub(super) enum Level {
        /// The task fails, or the series that breaks it is not forecast like the others.
        Error = "error",
        /// A warning.
        Warn = "warn",
        /// It is not looked at.
        Off = "off",
    }
}

named_enum! {
    /// What a rule is measured on.
    pub(super) enum Scope {
        /// Each series alone; what breaks it concerns that series.
        Series = "series",
        /// All series together; what breaks it stops the task.
        Panel = "panel",
    }
}

/// The parameter with what is said of single rules.
pub(super) const RULES: ParamSchema = ParamSchema {
    name: "rules",
    kind: Kind::Table(&BY_RULE),
    default: Some(Literal::NoEntries),
    doc: "for single rules: `level` (error, warn, off), `scope` (series, panel) and what they allow, such as \
          `{ stuck = { level = \"warn\", at_most = 24 } }`",
};

const fn entry(name: &'static str, kind: Kind, doc: &'static str) -> ParamSchema {
    ParamSchema {
        name,
        kind,
        default: None,
        doc,
    }
}

const LEVEL: ParamSchema = entry("level", Kind::Choice(Level::NAMES), "what follows from a breach");
const SCOPE: ParamSchema = entry("scope", Kind::Choice(Scope::NAMES), "each series, or all together");

const NUMBER: Kind = Kind::Float {
    min: 0.0,
    max: 1e15,
    open: false,
};
const SHARE: Kind = Kind::Float {
    min: 0.0,
    max: 100.0,
    open: false,
};

const fn at_most(kind: Kind, doc: &'static str) -> ParamSchema {
    entry("at_most", kind, doc)
}

const fn at_least(kind: Kind, doc: &'static str) -> ParamSchema {
    entry("at_least", kind, doc)
}

const fn rule(name: RuleName, entries: &'static [ParamSchema]) -> ParamSchema {
    entry(name.name(), Kind::Table(entries), "what is said of the rule")
}

const BY_RULE: [ParamSchema; 18] = [
    rule(RuleName::Order, &[LEVEL, SCOPE, at_most(NUMBER, "rows")]),
    rule(RuleName::Duplicates, &[LEVEL, SCOPE, at_most(NUMBER, "rows")]),
    rule(RuleName::NotFinite, &[LEVEL, SCOPE, at_most(NUMBER, "rows")]),
    rule(
        RuleName::MissingTimes,
        &[LEVEL, SCOPE, at_most(SHARE, "%; `max_missing` unless it is said")],
    ),
    rule(
        RuleName::Nulls,
        &[LEVEL, SCOPE, at_most(SHARE, "%; `max_missing` unless it is said")],
    ),
    rule(RuleName::Steps, &[LEVEL, SCOPE, at_most(NUMBER, "rows")]),
    rule(
        RuleName::Negative,
        &[
            LEVEL,
            SCOPE,
            at_most(SHARE, "% of the largest; `max_negative` unless it is said"),
        ],
    ),
    rule(
        RuleName::Length,
        &[LEVEL, SCOPE, at_least(NUMBER, "rows; `min_length` unless it is said")],
    ),
    rule(RuleName::Constant, &[LEVEL, SCOPE]),
    rule(
        RuleName::Stuck,
        &[LEVEL, SCOPE, at_most(NUMBER, "steps of one value in a row")],
    ),
    rule(
        RuleName::Jumps,
        &[
            LEVEL,
            SCOPE,
            at_most(NUMBER, "interquartile ranges from one step to the next"),
        ],
    ),
    rule(
        RuleName::Outliers,
        &[
            LEVEL,
            SCOPE,
            at_most(SHARE, "% of the values"),
            entry(
                "threshold",
                NUMBER,
                "median absolute deviations from which a value is one",
            ),
        ],
    ),
    rule(
        RuleName::Range,
        &[
            LEVEL,
            SCOPE,
            at_most(NUMBER, "values outside"),
            entry(
                "limits",
                Kind::OneOrMany(&Kind::Text),
                "`PATTERN: LOW..HIGH` by series; the first pattern that fits counts",
            ),
        ],
    ),
    rule(
        RuleName::Coverage,
        &[
            LEVEL,
            SCOPE,
            at_least(SHARE, "% of the steps from `start` to `end`"),
            entry("start", Kind::Date, "first day"),
            entry("end", Kind::Date, "last day"),
        ],
    ),
    rule(
        RuleName::Freshness,
        &[
            LEVEL,
            SCOPE,
            at_most(NUMBER, "steps from the last value to `as_of`"),
            entry(
                "as_of",
                Kind::Date,
                "a day, of which the last step counts; else the end of the panel",
            ),
        ],
    ),
    rule(
        RuleName::Drift,
        &[
            LEVEL,
            SCOPE,
            at_most(SHARE, "% between the two distributions (Kolmogorov and Smirnov)"),
        ],
    ),
    rule(
        RuleName::LevelShift,
        &[
            LEVEL,
            SCOPE,
            at_most(NUMBER, "interquartile ranges between the levels before and after"),
        ],
    ),
    rule(
        RuleName::Seasons,
        &[
            LEVEL,
            SCOPE,
            entry(
                "declared",
                Kind::OneOrMany(&Kind::Int { min: 1, max: 100_000 }),
                "lengths that are known; else those of the frequency",
            ),
        ],
    ),
];

/// One rule with all that is said of it.
#[derive(Clone, Debug)]
pub(super) struct Rule {
    pub(super) name: RuleName,
    pub(super) level: Level,
    pub(super) scope: Scope,
    /// How much is allowed, in units of the rule.
    pub(super) limit: f64,
    /// What else is said of it.
    entries: BTreeMap<String, Value>,
}

impl Rule {
    /// A rule with what the parameters say of it, and what is usual for a frequency, once that is known.
    pub(super) fn of(context: &Context<'_>, name: RuleName, frequency: Option<Frequency>) -> Self {
        let entries = match context.params.get(RULES.name) {
            Some(Value::Table(rules)) => match rules.get(name.name()) {
                Some(Value::Table(entries)) => entries.clone(),
                _ => BTreeMap::new(),
            },
            _ => BTreeMap::new(),
        };
        let limit = entries.get("at_most").or_else(|| entries.get("at_least"));
        let (level, scope) = name.usual();
        Self {
            name,
            level: entries.get("level").map_or(level, |level| of_value("level", level)),
            scope: entries.get("scope").map_or(scope, |scope| of_value("scope", scope)),
            limit: match limit {
                Some(Value::Float(limit)) => *limit,
                _ => name.usual_limit(context, frequency),
            },
            entries,
        }
    }

    /// A number that is said of it.
    pub(super) fn number(&self, entry: &str) -> Option<f64> {
        match self.entries.get(entry)? {
            Value::Float(number) => Some(*number),
            _ => None,
        }
    }

    /// The day that is said of it.
    pub(super) fn day(&self, entry: &str) -> Option<NaiveDate> {
        self.texts(entry).first()?.parse().ok()
    }

    /// The texts that are said of it, dates among them.
    pub(super) fn texts(&self, entry: &str) -> Vec<&str> {
        let text = |value: &'_ Value| matches!(value, Value::Text(_) | Value::Date(_));
        let items = match self.entries.get(entry) {
            Some(Value::List(items)) => items.as_slice(),
            Some(one) => std::slice::from_ref(one),
            None => &[],
        };
        let texts = items.iter().filter(|item| text(item));
        texts
            .filter_map(|item| match item {
                Value::Text(text) | Value::Date(text) => Some(text.as_str()),
                _ => None,
            })
            .collect()
    }

    /// The whole numbers that are said of it; `None` if there are none.
    pub(super) fn counts(&self, entry: &str) -> Option<Vec<usize>> {
        let items = match self.entries.get(entry)? {
            Value::List(items) => items.as_slice(),
            one => std::slice::from_ref(one),
        };
        let count = |item: &Value| match item {
            Value::Int(number) => usize::try_from(*number).ok(),
            _ => None,
        };
        Some(items.iter().filter_map(count).collect())
    }

    /// Whether what was found, in units of the rule, breaks it.
    pub(super) fn is_broken_by(&self, found: f64) -> bool {
        match self.name {
            RuleName::Length | RuleName::Coverage => found < self.limit,
            _ => found > self.limit,
        }
    }
}

impl RuleName {
    /// How strict the rule is unless something else is said, and what it is measured on.
    ///
    /// What is wrong with the table as such stops all; what is wrong with a series concerns that series.
    fn usual(self) -> (Level, Scope) {
        match self {
            Self::Columns | Self::Rows | Self::Order | Self::Duplicates | Self::NotFinite | Self::Steps => {
                (Level::Error, Scope::Panel)
            }
            Self::MissingTimes | Self::Nulls | Self::Negative | Self::Length | Self::Constant => {
                (Level::Error, Scope::Series)
            }
            Self::Stuck => (Level::Warn, Scope::Series),
            Self::Jumps
            | Self::Outliers
            | Self::Range
            | Self::Coverage
            | Self::Freshness
            | Self::Drift
            | Self::LevelShift
            | Self::Seasons => (Level::Off, Scope::Series),
        }
    }

    /// How much it allows unless something else is said.
    fn usual_limit(self, context: &Context<'_>, frequency: Option<Frequency>) -> f64 {
        match self {
            Self::MissingTimes | Self::Nulls => context.number("max_missing"),
            Self::Negative => context.number("max_negative"),
            #[expect(clippy::cast_precision_loss, reason = "at most a million")]
            Self::Length => frequency.map_or(0, |frequency| frequency.min_length(context)) as f64,
            Self::Stuck => 168.0,
            Self::Jumps => 5.0,
            Self::Outliers => 1.0,
            Self::Coverage => 99.0,
            Self::Freshness => 48.0,
            Self::Drift => 30.0,
            Self::LevelShift => 3.0,
            Self::Columns
            | Self::Rows
            | Self::Order
            | Self::Duplicates
            | Self::NotFinite
            | Self::Steps
            | Self::Constant
            | Self::Range
            | Self::Seasons => 0.0,
        }
    }

    /// The step that repairs what breaks the rule; rules with the same one share it.
    pub(super) fn help(self) -> Option<&'static str> {
        match self {
            Self::MissingTimes | Self::Nulls => {
                Some("the task `prepare_clean` fills gaps of up to `max_gap` steps; `max_missing` lets some pass")
            }
            Self::Duplicates | Self::Order => Some("the task `prepare_clean` sorts the rows and merges duplicates"),
            Self::NotFinite => Some("the task `prepare_clean` fills values that are not finite as it fills gaps"),
            Self::Negative => Some(
                "if the values are right, raise `max_negative`; if zero is meant, `prepare_clean` clips them: `negatives = \
                 \"clip\"`",
            ),
            Self::Length => Some("take a longer span of data, or lower `min_length`"),
            Self::Steps => Some(
                "declare the step with `frequency`; if it is right, `prepare_clean` moves times to the nearest one that has no row: \
                 `off_steps = \"nearest\"`; of two rows of one step, one has to go at the source",
            ),
            Self::Rows => {
                Some("`prepare_clean` cannot mend it: look at the source, or at the range that was asked for")
            }
            Self::Constant => Some(
                "`prepare_clean` cannot mend it: look at the source, or leave the series out; among others it is forecast as \
                 it is",
            ),
            Self::Outliers | Self::Jumps => Some(
                "`prepare_clean` makes outliers missing values and fills them: `outliers = \"null\"`; if they are right, \
                 raise `at_most` of the rule",
            ),
            Self::Stuck => Some(
                "`prepare_clean` cannot mend it: see whether the meter stood still; if the values are right, raise `at_most` \
                 of the rule",
            ),
            Self::Range => Some("look at the unit and the source; if the values are right, widen `limits` of the rule"),
            Self::Coverage | Self::Freshness => {
                Some("ingest again when the source has more, or say what is enough with the rule's limit")
            }
            Self::Drift | Self::LevelShift => Some(
                "`prepare_clean` cannot mend it: if the change is real, take a later start of the data, or a newer `baseline`",
            ),
            Self::Seasons => Some("give the length to the back-test: `season_length`; or declare it for the rule"),
            Self::Columns => None,
        }
    }
}
