//! One answer of the API: read as every version of it has written it, or turned into the error that it is.
//!
//! The shapes have changed: `total` is a number before v2.1.6 and a string since, as is `value`; warnings stand in
//! `response` or beside it; an error may come with status 200, so it is looked for first.

use chrono::{NaiveDate, NaiveDateTime, NaiveTime};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::error::EiaError;
use super::page_rows::{PageRows, RowFault};
use super::routes::{Route, Step};
use super::rows::Rows;
use super::scalar::{ApiError, Scalar};
use crate::forecasting::table::{LONGEST_NAME, short};

/// Characters of a code; real ones have four at most.
pub(super) const LONGEST_CODE: usize = 64;
/// Characters of a server's words that a message repeats.
const LONGEST_WORDS: usize = 300;
/// Warnings of a page that are kept.
const WARNINGS: usize = 5;
/// Bytes of the request that an answer repeats; a longer one is not looked at.
const LONGEST_REQUEST: usize = 1 << 16;

/// One page of rows.
#[derive(Clone, Debug, Default)]
pub(crate) struct EiaPage {
    /// Rows of the whole query.
    pub(crate) total: u64,
    /// Rows of this page, in its order.
    pub(crate) rows: Rows,
    /// What the API warns of.
    pub(crate) warnings: Vec<String>,
    /// The request that it answers, if it says so.
    pub(crate) asked: Option<AskedQuery>,
}

/// What a page says of the query that it is a part of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct AskedQuery {
    /// The same for all pages of one query.
    pub(crate) signature: String,
    /// Its first day.
    pub(crate) start: Option<NaiveDate>,
    /// Its last day.
    pub(crate) end: Option<NaiveDate>,
}

#[derive(Deserialize)]
struct Body<'a> {
    error: Option<ApiError>,
    #[serde(borrow)]
    response: Option<ApiResponse<'a>>,
    #[serde(default)]
    warnings: Vec<Warning>,
    #[serde(borrow)]
    request: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct ApiResponse<'a> {
    total: Scalar,
    frequency: Option<String>,
    #[serde(default)]
    warnings: Vec<Warning>,
    #[serde(borrow)]
    data: PageRows<'a>,
}

#[derive(Deserialize)]
struct Warning {
    #[serde(default)]
    warning: String,
    #[serde(default)]
    description: String,
}

/// The error in the body of an answer that is no page; `None` if it holds none.
pub(super) fn error_of(body: &[u8]) -> Option<ApiError> {
    #[derive(Deserialize)]
    struct ErrorBody {
        error: ApiError,
    }
    let body: ErrorBody = serde_json::from_slice(body).ok()?;
    Some(body.error).filter(ApiError::is_there)
}

impl EiaPage {
    /// Reads the body of an answer of a route.
    ///
    /// # Errors
    /// [`EiaError`] for a body that is no page of this route, or that reports an error itself.
    pub(crate) fn parse(body: &[u8], route: &'static Route) -> Result<Self, EiaError> {
        let body: Body<'_> = serde_json::from_slice(body).map_err(|error| match error.classify() {
            serde_json::error::Category::Data => EiaError::shape(format!(
                "the answer has another shape: {}",
                short(&error.to_string(), LONGEST_WORDS)
            )),
            _ => EiaError::NotJson { why: error.to_string() },
        })?;
        if let Some(error) = body.error.filter(ApiError::is_there) {
            return Err(api_error(&error, None));
        }
        let response = body
            .response
            .ok_or_else(|| EiaError::shape("the answer has no `response`"))?;
        let found = response.data.route();
        if let Some(found) = found.filter(|found| *found != route) {
            return Err(EiaError::WrongRoute {
                found: found.name,
                wanted: route.name,
            });
        }
        let frequency = response.frequency.as_deref().unwrap_or(route.step.name());
        if frequency != route.step.name() {
            return Err(wrong_frequency(frequency, route.step));
        }
        let total = total(&response.total)?;
        let warnings = response.warnings.iter().chain(&body.warnings);
        Ok(Self {
            total,
            warnings: warnings.take(WARNINGS).map(Warning::text).collect(),
            rows: response.data.rows(route).map_err(RowFault::into_error)?,
            asked: body.request.and_then(AskedQuery::of),
        })
    }
}

fn wrong_frequency(found: &str, wanted: Step) -> EiaError {
    let found = short(found, LONGEST_NAME);
    let (name, which) = match wanted {
        Step::Hourly => ("hourly", ", which is in UTC"),
        Step::Daily => ("daily", ""),
    };
    EiaError::Shape {
        what: format!("the answer holds the frequency `{found}`; `{name}` is needed{which}"),
        help: Some(format!("record the pages with `frequency={name}`")),
    }
}

impl AskedQuery {
    /// What the `request` of an answer says; it may have any shape.
    fn of(request: &RawValue) -> Option<Self> {
        let text = Some(request.get()).filter(|text| text.len() <= LONGEST_REQUEST)?;
        let mut request: serde_json::Value = serde_json::from_str(text).ok()?;
        let params = request.get_mut("params")?.as_object_mut()?;
        for own in ["offset", "length", "api_key"] {
            params.remove(own);
        }
        let day = |name: &str| params.get(name)?.as_str()?.get(..10)?.parse().ok();
        let (start, end) = (day("start"), day("end"));
        let signature = request.to_string();
        Some(Self { signature, start, end })
    }
}

impl Warning {
    fn text(&self) -> String {
        let text = match self.description.trim() {
            "" => self.warning.clone(),
            description => format!("{}: {description}", self.warning),
        };
        short(&text, LONGEST_WORDS).into_owned()
    }
}

/// Turns an error body into the error; `status` is that of HTTP, if it came with one.
///
/// A 403 is final only if the key is missing or wrong: the same status also says that a key has to rest.
pub(super) fn api_error(error: &ApiError, status: Option<u16>) -> EiaError {
    let code = error.code.text().unwrap_or_default();
    let message = error.whole.text().or(error.message.text()).unwrap_or_default();
    match code {
        "API_KEY_MISSING" => EiaError::NoKey,
        "API_KEY_INVALID" => EiaError::WrongKey,
        "" => match status {
            Some(403 | 429) => throttled("", status),
            Some(status @ 500..) => EiaError::Server { status },
            _ => EiaError::Rejected {
                message: sentence(message),
            },
        },
        _ => match status {
            Some(400 | 404) => EiaError::Rejected {
                message: sentence(message),
            },
            Some(status @ 500..) => EiaError::Server { status },
            _ => throttled(code, status),
        },
    }
}

/// A request for patience.
fn throttled(code: &str, status: Option<u16>) -> EiaError {
    EiaError::Throttled {
        code: match (code, status) {
            ("", Some(status)) => format!("status {status}"),
            (code, _) => short(code, LONGEST_NAME).into_owned(),
        },
    }
}

/// A message without its full stop, short enough for a line.
fn sentence(message: &str) -> String {
    let message = message.trim().trim_end_matches('.');
    match message {
        "" => "it gives no reason".to_owned(),
        message => message.chars().take(LONGEST_WORDS).collect(),
    }
}

fn total(value: &Scalar) -> Result<u64, EiaError> {
    let number = match value {
        Scalar::Text(text) => text.trim().parse().ok(),
        Scalar::Count(count) => Some(*count),
        _ => None,
    };
    number.ok_or_else(|| EiaError::shape(format!("the answer's `total` is no count of rows: {value}")))
}

/// Reads a period of a route: `2024-01-01T00`, or `2024-01-01`.
pub(super) fn period(text: &str, step: Step) -> Option<NaiveDateTime> {
    match step {
        // chrono needs the minutes to make a time of it.
        Step::Hourly if text.len() == 13 => NaiveDateTime::parse_from_str(&format!("{text}:00"), "%Y-%m-%dT%H:%M").ok(),
        Step::Daily if text.len() == 10 => {
            let day: NaiveDate = text.parse().ok()?;
            Some(day.and_time(NaiveTime::MIN))
        }
        Step::Hourly | Step::Daily => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(rows: &str) -> String {
        format!(r#"{{"response":{{"total":"2","frequency":"hourly","data":[{rows}]}},"apiVersion":"2.1.12"}}"#)
    }

    fn one(value: &str) -> String {
        body(&format!(
            r#"{{"period":"2024-01-01T05","respondent":"CISO","fueltype":"SUN","type-name":"Solar"{value},"value-units":"megawatthours"}}"#
        ))
    }

    fn parsed(body: &str) -> Result<EiaPage, EiaError> {
        EiaPage::parse(body.as_bytes(), Route::of_name("fuel-type-data").expect("a route"))
    }

    fn value_of(value: &str) -> Result<Option<f64>, EiaError> {
        parsed(&one(&format!(r#","value":{value}"#))).map(|page| page.rows.iter().next().expect("a row").value())
    }

    fn refusal(body: &str) -> String {
        parsed(body).expect_err("an error").to_string()
    }

    #[test]
    fn values_are_strings_numbers_or_null() {
        assert_eq!(value_of(r#""8.53051""#), Ok(Some(8.53051)));
        assert_eq!(value_of(r#"".306""#), Ok(Some(0.306)));
        assert_eq!(value_of(r#""-57""#), Ok(Some(-57.0)));
        assert_eq!(value_of("7232"), Ok(Some(7232.0)));
        assert_eq!(value_of("null"), Ok(None));
        assert_eq!(value_of(r#""""#), Ok(None));
    }

    #[test]
    fn a_value_that_is_no_number_is_reported_with_its_row() {
        for wrong in [r#""1,234""#, r#""NA""#, r#""NaN""#, r#""inf""#, "true"] {
            let message = value_of(wrong).expect_err("no number").to_string();
            assert_eq!(
                message,
                format!("the value of row 1 (2024-01-01T05 CISO SUN) is no number: {wrong}")
            );
        }
        assert_eq!(refusal(&one("")), "row 1 (2024-01-01T05 CISO SUN) has no field `value`");
    }

    #[test]
    fn a_total_is_a_string_or_a_number() {
        let numbers = body("").replace(r#""2""#, "2");
        assert_eq!(parsed(&numbers).map(|page| page.total), Ok(2));
        assert_eq!(parsed(&body("")).map(|page| page.total), Ok(2));
        let wrong = body("").replace(r#""2""#, r#""many""#);
        assert_eq!(refusal(&wrong), "the answer's `total` is no count of rows: \"many\"");
    }

    #[test]
    fn warnings_stand_in_the_response_or_beside_it() {
        let warning = r#"[{"warning":"incomplete return","description":"The API can only return 5000 rows."}]"#;
        let inside = format!(r#"{{"response":{{"warnings":{warning},"total":"0","data":[]}}}}"#);
        let beside = format!(r#"{{"response":{{"total":"0","data":[]}},"warnings":{warning}}}"#);
        for body in [inside, beside] {
            let page = parsed(&body).expect("a page");
            assert_eq!(page.warnings, ["incomplete return: The API can only return 5000 rows."]);
        }
    }

    #[test]
    fn a_period_is_an_hour_in_utc() {
        for wrong in ["2024-11-03T00-07", "2024-01-01", "2024-01-01T24", "2024-01-01T05:00"] {
            let text = one(r#","value":"1""#).replace("2024-01-01T05", wrong);
            let expected = format!("the period of row 1 ({wrong} CISO SUN) is no hour in UTC, such as 2024-01-01T00");
            assert_eq!(refusal(&text), expected);
        }
        let local = body("").replace("hourly", "local-hourly");
        let expected = "the answer holds the frequency `local-hourly`; `hourly` is needed, which is in UTC";
        assert_eq!(refusal(&local), expected);
    }

    #[test]
    fn an_error_body_is_an_error_whatever_its_status() {
        let said = |error: serde_json::Value| -> ApiError { serde_json::from_value(error).expect("an error") };
        let keyed = |code: &str| {
            let error = said(serde_json::json!({"code": code, "message": "words"}));
            api_error(&error, Some(403))
        };
        assert_eq!(keyed("API_KEY_MISSING"), EiaError::NoKey);
        assert_eq!(keyed("API_KEY_INVALID"), EiaError::WrongKey);
        let resting = keyed("API_KEY_TEMPORARILY_DISABLED");
        assert_eq!(
            resting.to_string(),
            "the EIA API asks to slow down (API_KEY_TEMPORARILY_DISABLED)"
        );
        assert!(resting.may_pass());
        let with_200 = r#"{"error":"Invalid frequency 'daily' provided.","code":400}"#;
        assert_eq!(
            refusal(with_200),
            "the EIA API rejects the request: Invalid frequency 'daily' provided"
        );
        assert_eq!(
            api_error(&said("Not found.".into()), Some(404)).to_string(),
            "the EIA API rejects the request: Not found"
        );
        assert_eq!(
            api_error(&said("".into()), Some(429)).to_string(),
            "the EIA API asks to slow down (status 429)"
        );
    }

    #[test]
    fn what_is_no_page_is_reported() {
        assert_eq!(refusal("{}"), "the answer has no `response`");
        let cut = refusal(r#"{"response":{"total":"48","data":[{"period":"2024-0"#);
        assert_eq!(
            cut,
            "the answer of the EIA API is not JSON: EOF while parsing a string at line 1 column 51"
        );
        let html = refusal("<html><head><title>502 Bad Gateway</title></head></html>");
        assert_eq!(
            html,
            "the answer of the EIA API is not JSON: expected value at line 1 column 1"
        );
        let shape = refusal(r#"{"response":{"total":"0"}}"#);
        assert_eq!(
            shape,
            "the answer has another shape: missing field `data` at line 1 column 25"
        );
    }

    #[test]
    fn fields_that_nobody_knows_are_passed_over() {
        let text = one(r#","value":"1","timezone":"Pacific""#);
        assert_eq!(parsed(&text).map(|page| page.rows.len()), Ok(1));
    }
}
