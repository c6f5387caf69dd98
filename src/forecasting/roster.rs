//! The models by name: what `models` may list, and the settings that each takes.

use std::collections::BTreeMap;

use super::models::Model;
use super::models::double_seasonal::DoubleSeasonalHoltWinters;
use super::models::lag_ridge::LagRidge;
use crate::engine::spec::Value;
use crate::engine::spec::schema::{Kind, Literal, Param};

/// A model that can be named.
#[derive(Clone, Copy)]
pub struct Entry {
    /// The name in `models`, and of the parameter that holds its settings.
    pub name: &'static str,
    /// Raised whenever its forecasts change for equal series and settings: forecasts that are remembered count no more.
    pub version: u32,
    /// What can be set.
    pub settings: &'static [Param],
    /// Makes the model for seasons of these lengths, the shortest first and at least one.
    make: fn(&[usize], &Settings<'_>) -> Box<dyn Model>,
}

/// Every model, in the order in which lists and messages name them.
pub const ROSTER: [Entry; 2] = [
    Entry {
        name: "LagRidge",
        version: 1,
        settings: &[],
        make: |seasons, _| {
            let (short, long) = two(seasons);
            Box::new(LagRidge::new(short, long))
        },
    },
    Entry {
        name: "DoubleSeasonalHoltWinters",
        version: 1,
        settings: &[],
        make: |seasons, _| {
            let (short, long) = two(seasons);
            Box::new(DoubleSeasonalHoltWinters::new(short, long))
        },
    },
];

/// What is compared where `models` is not set.
pub const DEFAULT: [&str; 2] = ["LagRidge", "DoubleSeasonalHoltWinters"];

/// The names of the models.
pub const NAMES: [&str; ROSTER.len()] = {
    let mut names = [""; ROSTER.len()];
    let mut at = 0;
    while at < names.len() {
        names[at] = ROSTER[at].name;
        at += 1;
    }
    names
};

/// One parameter a model, named like it: the table of its settings.
pub const SETTINGS: [Param; ROSTER.len()] = {
    let mut params = [Param {
        name: "",
        kind: Kind::Table(&[]),
        default: Some(Literal::NoEntries),
        doc: "settings of the model",
    }; ROSTER.len()];
    let mut at = 0;
    while at < params.len() {
        params[at].name = ROSTER[at].name;
        params[at].kind = Kind::Table(ROSTER[at].settings);
        at += 1;
    }
    params
};

/// Finds a model by name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Entry> {
    const ALL: &[Entry] = &ROSTER;
    ALL.iter().find(|entry| entry.name == name)
}

impl Entry {
    /// Makes the model for seasons of these lengths with these settings.
    #[must_use]
    pub fn model(&self, seasons: &[usize], settings: &BTreeMap<String, Value>) -> Box<dyn Model> {
        (self.make)(seasons, &Settings(settings))
    }
}

/// The settings of one model; what is not set has the model's own default.
struct Settings<'a>(&'a BTreeMap<String, Value>);

/// The shortest season.
fn one(seasons: &[usize]) -> usize {
    seasons.first().copied().unwrap_or(1)
}

/// The shortest season and the next; seven of the shortest, as days in a week, where there is no other.
fn two(seasons: &[usize]) -> (usize, usize) {
    let short = one(seasons);
    (short, seasons.get(1).copied().unwrap_or(7 * short))
}
