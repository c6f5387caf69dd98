//! The rows of one page, taken in one by one: what a page says in many bytes never stands in memory as often as it has
//! rows, and which route they are of is seen from their fields.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::error::EiaError;
use super::pages::{LONGEST_CODE, period};
use super::routes::{Route, Step, TIME_ZONE};
use super::rows::{Rows, hours};
use super::scalar::Scalar;
use crate::forecasting::table::{LONGEST_NAME, short};

/// The rows of a page, as far as the first that cannot be one.
#[derive(Debug, Default)]
pub(super) struct PageRows<'a> {
    route: Option<&'static Route>,
    rows: Rows,
    fault: Option<RowFault>,
    /// The fields that the first row has, where these are of no route.
    first: Option<RawRow<'a>>,
}

/// Why a row is none.
#[derive(Debug)]
pub(super) struct RowFault(EiaError);

impl RowFault {
    pub(super) fn into_error(self) -> EiaError {
        self.0
    }
}

/// A row as it stands in a page; fields that are of no route are passed over.
#[derive(Debug, Default, Deserialize)]
struct RawRow<'a> {
    #[serde(borrow)]
    period: Option<Cow<'a, str>>,
    #[serde(borrow)]
    respondent: Option<Cow<'a, str>>,
    #[serde(borrow)]
    fueltype: Option<Cow<'a, str>>,
    #[serde(borrow, rename = "type")]
    kind: Option<Cow<'a, str>>,
    #[serde(borrow)]
    fromba: Option<Cow<'a, str>>,
    #[serde(borrow)]
    toba: Option<Cow<'a, str>>,
    #[serde(borrow)]
    subba: Option<Cow<'a, str>>,
    #[serde(borrow)]
    parent: Option<Cow<'a, str>>,
    #[serde(borrow)]
    timezone: Option<Cow<'a, str>>,
    /// `None` if there is no such field, which is not the same as null.
    #[serde(default, deserialize_with = "present")]
    value: Option<Scalar>,
}

fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Scalar>, D::Error> {
    Scalar::deserialize(deserializer).map(Some)
}

impl RawRow<'_> {
    /// The text of a facet.
    fn facet(&self, name: &str) -> Option<&str> {
        let field = match name {
            "respondent" => &self.respondent,
            "fueltype" => &self.fueltype,
            "type" => &self.kind,
            "fromba" => &self.fromba,
            "toba" => &self.toba,
            "subba" => &self.subba,
            "parent" => &self.parent,
            TIME_ZONE => &self.timezone,
            _ => return None,
        };
        field.as_deref()
    }

    /// The route that it is of, by its fields and its period.
    fn route(&self) -> Option<&'static Route> {
        let is_day = self
            .period
            .as_deref()
            .is_some_and(|text| period(text, Step::Daily).is_some());
        let step = if is_day { Step::Daily } else { Step::Hourly };
        Route::of_row(step, |field| self.facet(field).is_some())
    }

    /// The row as messages call it: its number, its period and its codes.
    fn place(&self, at: usize, route: &Route) -> String {
        let facets = route.facets.iter().map(|facet| self.facet(facet));
        let texts = std::iter::once(self.period.as_deref()).chain(facets).flatten();
        let texts: Vec<Cow<'_, str>> = texts.map(|text| short(text, LONGEST_NAME)).collect();
        format!("row {} ({})", at + 1, texts.join(" "))
    }

    /// Adds the row to those of its page.
    fn push_to(&self, rows: &mut Rows, route: &Route) -> Result<(), RowFault> {
        let at = rows.len();
        let wrong = |what: String| RowFault(EiaError::shape(what));
        let lacks = |field: &str| wrong(format!("{} has no field `{field}`", self.place(at, route)));
        let text = self.period.as_deref().ok_or_else(|| lacks("period"))?;
        for facet in route.facets {
            let code = self.facet(facet).ok_or_else(|| lacks(facet))?;
            if code.len() > LONGEST_CODE {
                let place = self.place(at, route);
                return Err(wrong(format!(
                    "a code of {place} is longer than {LONGEST_CODE} characters"
                )));
            }
        }
        let value = self.value(at, route)?;
        let Some(time) = period(text, route.step) else {
            let (place, example) = (self.place(at, route), route.step.example());
            return Err(wrong(format!("the period of {place} is no {example}")));
        };
        rows.push(
            hours(time),
            route.facets.iter().filter_map(|facet| self.facet(facet)),
            value,
        );
        Ok(())
    }

    fn value(&self, at: usize, route: &Route) -> Result<Option<f64>, RowFault> {
        let Some(value) = &self.value else {
            return Err(RowFault(EiaError::Shape {
                what: format!("{} has no field `value`", self.place(at, route)),
                help: Some("record the pages with `data[]=value`".to_owned()),
            }));
        };
        let number = match value {
            Scalar::Null => return Ok(None),
            Scalar::Text(text) if text.trim().is_empty() => return Ok(None),
            #[expect(clippy::cast_precision_loss, reason = "a value is a number of 64 bits anyway")]
            Scalar::Count(count) => Some(*count as f64),
            Scalar::Number(number) => Some(*number),
            Scalar::Text(text) => text.trim().parse::<f64>().ok(),
            Scalar::Bool(_) | Scalar::List | Scalar::Object => None,
        };
        let number = number.filter(|number| number.is_finite()).map(Some);
        number.ok_or_else(|| {
            RowFault(EiaError::shape(format!(
                "the value of {} is no number: {value}",
                self.place(at, route)
            )))
        })
    }
}

impl<'a> PageRows<'a> {
    /// The route that the rows are of; `None` if there are none, or their fields are of no route.
    pub(super) fn route(&self) -> Option<&'static Route> {
        self.route
    }

    /// The rows, as those of a route.
    pub(super) fn rows(self, route: &Route) -> Result<Rows, RowFault> {
        if let Some(first) = self.first {
            // It says which of the route's fields it lacks.
            first.push_to(&mut Rows::default(), route)?;
        }
        self.fault.map_or(Ok(self.rows), Err)
    }

    fn take(&mut self, row: RawRow<'a>) {
        if self.fault.is_some() || self.first.is_some() {
            return;
        }
        let route = self.route.or_else(|| row.route());
        match route {
            None => self.first = Some(row),
            Some(route) => {
                self.route = Some(route);
                self.fault = row.push_to(&mut self.rows, route).err();
            }
        }
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for PageRows<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(OneByOne(PhantomData))
    }
}

struct OneByOne<'a>(PhantomData<&'a ()>);

impl<'de: 'a, 'a> Visitor<'de> for OneByOne<'a> {
    type Value = PageRows<'a>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of rows")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<PageRows<'a>, A::Error> {
        let mut rows = PageRows::default();
        while let Some(row) = items.next_element()? {
            rows.take(row);
        }
        Ok(rows)
    }
}
