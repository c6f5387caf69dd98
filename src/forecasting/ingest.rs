//! `ingest_eia`: hourly and daily grid data from the EIA API, or from pages of it that were recorded.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use chrono::{NaiveDate, TimeDelta};

use super::eia::Query;
use super::eia::client::{Client, RequestLimits};
use super::eia::error::{EiaError, REGISTER};
use super::eia::kept::KeptMonths;
use super::eia::record::{self, Recorded};
use super::eia::recording::{Held, Recording, absent, hour, nothing};
use super::eia::routes::{ROUTE_NAMES, ROUTES, Route, TIME_ZONE, TIME_ZONES};
use super::eia::rows::{Row, Rows};
use super::limits::{MAX_MB, MAX_ROWS, SizeLimit, TableLimits};
use super::table::ParquetTable;
use crate::engine::spec::schema::{Kind, LATEST, Literal, ParamSchema, Port, Schema};
use crate::engine::spec::uri::is_url;
use crate::engine::spec::{Rate, Value};
use crate::engine::task::{Admit, Context, Message, NeededSecret, Task, TaskError, request_pool};

/// The name of the secret that holds the API's key.
const KEY: &str = "EIA_API_KEY";
/// The word for every code of a facet.
const ALL: &str = "all";

/// Below what the EIA allows, about five a second, in any second in which they may arrive.
const RATE: Rate = Rate {
    count: 5,
    per: Duration::from_millis(1200),
};

/// How long an answer to whether the key is taken may be in coming.
const KEY_PATIENCE: Duration = Duration::from_secs(5);

static SCHEMA: Schema = Schema {
    name: "ingest_eia",
    version: 1,
    summary: "reads hourly or daily grid data from the EIA API v2, or from recorded pages of it",
    params: &[
        ParamSchema {
            name: "source",
            kind: Kind::PathOrUrl,
            default: None,
            doc: "recorded pages: a folder or a file (.json, .json.gz, .json.zst, .zip); or the API's address, https://api.eia.gov/v2",
        },
        ParamSchema {
            name: "route",
            kind: Kind::Choice(&ROUTE_NAMES),
            default: Some(Literal::Text("fuel-type-data")),
            doc: "which data, of those below electricity/rto: its facets are the parameters that count, and the columns",
        },
        ParamSchema {
            name: "start_date",
            kind: Kind::Date,
            default: None,
            doc: "first day, in UTC",
        },
        ParamSchema {
            name: "end_date",
            kind: Kind::DateOrLatest,
            default: None,
            doc: "last day, in UTC, wholly included; or \"latest\", for all that there is: with `max_age` it is asked whether there is more",
        },
        ParamSchema {
            name: "respondent",
            kind: Kind::OneOrMany(&Kind::Text),
            default: Some(Literal::Text("US48")),
            doc: "balancing authority or region, such as US48, TEX or CISO; \"all\" for any, as of the other facets",
        },
        ParamSchema {
            name: "fueltype",
            kind: Kind::OneOrMany(&Kind::Text),
            default: Some(Literal::Text("NG")),
            doc: "energy source, such as NG, SUN or WND",
        },
        ParamSchema {
            name: "type",
            kind: Kind::OneOrMany(&Kind::Text),
            default: Some(Literal::Text("D")),
            doc: "of region-data: demand D, its day-ahead forecast DF, net generation NG, interchange TI",
        },
        ParamSchema {
            name: "fromba",
            kind: Kind::OneOrMany(&Kind::Text),
            default: Some(Literal::Text("US48")),
            doc: "of interchange-data: the balancing authority or region from which power flows",
        },
        ParamSchema {
            name: "toba",
            kind: Kind::OneOrMany(&Kind::Text),
            default: Some(Literal::Text(ALL)),
            doc: "of interchange-data: its neighbour",
        },
        ParamSchema {
            name: "subba",
            kind: Kind::OneOrMany(&Kind::Text),
            default: Some(Literal::Text(ALL)),
            doc: "of region-sub-ba-data: the part of a balancing authority",
        },
        ParamSchema {
            name: "parent",
            kind: Kind::OneOrMany(&Kind::Text),
            default: Some(Literal::Text(ALL)),
            doc: "of region-sub-ba-data: the balancing authority",
        },
        ParamSchema {
            name: TIME_ZONE,
            kind: Kind::Choice(TIME_ZONES),
            default: Some(Literal::Text("Eastern")),
            doc: "of the daily routes: whose days",
        },
        ParamSchema {
            name: "lookback",
            kind: Kind::Int { min: 0, max: 3650 },
            default: Some(Literal::Int(7)),
            doc: "days before the newest hour that the API may still revise: complete months before are kept, and not fetched again",
        },
        ParamSchema {
            name: "allow_http",
            kind: Kind::Bool,
            default: Some(Literal::Bool(false)),
            doc: "whether the key may go to an address without encryption; to this machine itself it may",
        },
        ParamSchema {
            name: "max_seconds",
            kind: Kind::Int { min: 1, max: 3600 },
            default: Some(Literal::Int(60)),
            doc: "longest that one answer of the API may take, in seconds",
        },
        ParamSchema {
            name: "max_wait",
            kind: Kind::Int { min: 0, max: 86_400 },
            default: Some(Literal::Int(60)),
            doc: "longest wait for an API that fails or asks to slow down, without a page in between, in seconds; then the target's retries",
        },
        ParamSchema {
            default: Some(Literal::Int(64)),
            doc: "largest page that is read, in MB as it is unpacked",
            ..MAX_MB
        },
        MAX_ROWS,
    ],
    inputs: &[],
    outputs: &[Port {
        name: "raw",
        doc: "time (UTC, the end of the hour; or the day), the route's facets such as respondent and fueltype, value (MWh)",
    }],
    optional: &[],
    directories: &[],
    secrets: &[KEY],
    variables: &[],
    effect: false,
    ordered: &[("start_date", "end_date")],
};

/// The task.
#[derive(Debug)]
pub(crate) struct IngestEia;

impl Task for IngestEia {
    fn schema(&self) -> &'static Schema {
        &SCHEMA
    }

    fn has_probe(&self, params: &BTreeMap<String, Value>) -> bool {
        matches!(params.get("source"), Some(Value::Text(source)) if is_url(source))
    }

    fn is_parallel(&self) -> bool {
        true
    }

    /// The key, of the live API alone.
    fn needs(&self, params: &BTreeMap<String, Value>) -> Vec<NeededSecret> {
        let key = NeededSecret {
            name: KEY,
            why: "the EIA API needs a key",
            help: REGISTER,
        };
        if self.has_probe(params) { vec![key] } else { Vec::new() }
    }

    fn try_secrets(&self, context: &Context<'_>) -> Result<(), TaskError> {
        let limits = RequestLimits {
            connect: KEY_PATIENCE,
            answer: KEY_PATIENCE,
            ..limits(context)
        };
        client(context, &query(context)?, limits, context.cancelled)?.try_key(context)
    }

    fn rate(&self) -> Option<Rate> {
        Some(RATE)
    }

    /// The newest period of the query and how many rows it has.
    fn probe(&self, context: &Context<'_>) -> Result<Option<String>, TaskError> {
        if !self.has_probe(&context.params) {
            return Ok(None);
        }
        let query = query(context)?;
        let client = client(context, &query, limits(context), context.cancelled)?;
        let page = client.newest(context, &query)?;
        let newest = page.rows.iter().map(Row::period).max().map(hour);
        let newest = newest.unwrap_or_else(|| "nothing".to_owned());
        Ok(Some(format!("{newest}, rows: {}", page.total)))
    }

    fn run(&self, context: &Context<'_>) -> Result<(), TaskError> {
        let query = query(context)?;
        let (limits, lookback) = (limits(context), context.count("lookback"));
        let (rows, repeated) = match is_url(context.text("source")) {
            true => live(context, &query, limits, lookback)?,
            false => Recording::new(context, context.text("source"), &query).rows(context.input("source"))?,
        };
        let repeated = match repeated {
            0 => String::new(),
            rows => format!(", {rows} that said the same as another left out"),
        };
        context.log(&format!("{} rows{repeated}", rows.len()));
        table(&rows, query.route).write(context, "raw")
    }
}

/// The rows as a table with the route's columns.
fn table(rows: &Rows, route: &Route) -> ParquetTable {
    let mut table = ParquetTable::default().times("time", rows.iter().map(Row::period));
    for (at, facet) in route.facets.iter().enumerate() {
        table = table.texts(facet, rows.iter().map(|row| Some(rows.code(row, at))));
    }
    table.numbers("value", rows.iter().map(Row::value))
}

/// What the parameters ask for.
fn query(context: &Context<'_>) -> Result<Query, TaskError> {
    let date = |name: &str| {
        let text = context.text(name);
        text.parse::<NaiveDate>()
            .map_err(|_| TaskError::new(format!("`{name}` is no date: {text}")))
    };
    let name = context.text("route");
    let route = Route::of_name(name).ok_or_else(|| TaskError::new(format!("there is no route `{name}`")))?;
    let codes = |facet: &&'static str| match context.texts(facet) {
        codes if codes.contains(&ALL) => (*facet, Vec::new()),
        codes => (*facet, codes.into_iter().map(str::to_owned).collect()),
    };
    let mut all: BTreeMap<&str, Vec<String>> = ROUTES.iter().flat_map(|route| route.facets).map(codes).collect();
    let query = Query {
        route,
        start: date("start_date")?,
        end: match context.text("end_date") {
            LATEST => None,
            _ => Some(date("end_date")?),
        },
        codes: route
            .facets
            .iter()
            .map(|facet| all.remove(facet).unwrap_or_default())
            .collect(),
    };
    match query.end.filter(|end| query.start > *end) {
        None => Ok(query),
        Some(end) => Err(TaskError::new(format!(
            "`start_date` {} is after `end_date` {end}",
            query.start
        ))),
    }
}

/// The limits of requests that the parameters say.
fn limits(context: &Context<'_>) -> RequestLimits {
    let seconds = |name: &str| Duration::from_secs(context.count(name) as u64);
    RequestLimits {
        answer: seconds("max_seconds"),
        wait: seconds("max_wait"),
        page: SizeLimit::of(context),
        rows: TableLimits::of(context),
        allow_http: context.flag("allow_http"),
        ..RequestLimits::default()
    }
}

/// A client of the live API, until `stop` is set.
fn client<'c>(
    context: &'c Context<'_>,
    query: &Query,
    limits: RequestLimits,
    stop: &'c AtomicBool,
) -> Result<Client<'c>, TaskError> {
    let key = context
        .secrets
        .get(KEY)
        .filter(|key| !key.is_empty())
        .ok_or(EiaError::NoKey)?;
    let client = Client::new(context.text("source"), query.route, key, limits, stop)?;
    if let Some(proxy) = client.proxy() {
        context.warn(&proxy);
    }
    Ok(client)
}

/// The rows of the live API, sorted, and how many that said the same as another are left out.
fn live(
    context: &Context<'_>,
    query: &Query,
    limits: RequestLimits,
    lookback: usize,
) -> Result<(Rows, usize), TaskError> {
    let stop = AtomicBool::new(false);
    let client = client(context, query, limits, &stop)?;
    let months = KeptMonths {
        context,
        source: context.text("source"),
        query,
        lookback: TimeDelta::days(i64::try_from(lookback).unwrap_or_default()),
    };
    let (rows, repeated) = months.rows(&client)?;
    let held = Held::of(&rows, query);
    if rows.is_empty() {
        return Err(nothing(&held, query, "the answers"));
    }
    match held.unknown(query) {
        unknown if unknown.is_empty() => Ok((rows, repeated)),
        unknown => Err(absent(&unknown, &held, query, "the answers")),
    }
}

/// What [`record`] needs.
pub struct RecordRequest<'a> {
    /// Values of the parameters of `ingest_eia` that are given, by name, as the command line has them.
    pub given: &'a [(&'static str, String)],
    /// The key.
    pub key: &'a str,
    /// Where to write: an archive if it ends in `.zip`, else a folder.
    pub out: &'a Path,
    /// Set when it has to end.
    pub cancelled: &'a AtomicBool,
    /// Takes what there is to say.
    pub say: &'a (dyn Fn(Message<'_>) + Sync),
    /// Waits until a request may be sent.
    pub admit: &'a Admit<'a>,
}

/// How often the EIA may be asked, and the name under which that is counted.
pub fn requests() -> (String, Rate) {
    (request_pool(SCHEMA.name), RATE)
}

/// Records the pages that `ingest_eia` would fetch, without the key; all or none.
///
/// # Errors
/// [`TaskError`] if a parameter does not fit, the API does not give all pages, or they cannot be written.
pub fn record(request: &RecordRequest<'_>) -> Result<Recorded, TaskError> {
    let mut context = Context::outside("record", request.cancelled, request.say);
    for param in SCHEMA.params {
        let given = request.given.iter().find(|(name, _)| *name == param.name);
        let value = match given {
            Some((_, text)) => Some(typed(param.kind, text)),
            None => param.default.map(Literal::value),
        };
        let value = value.ok_or_else(|| TaskError::new(format!("`{}` is not given", param.name)))?;
        let fits = param.kind.check(&value);
        let value = fits.map_err(|misfit| TaskError::new(format!("`{}`: {misfit}", param.name)))?;
        context.params.insert(param.name.to_owned(), value);
    }
    context.secrets.insert(KEY.to_owned(), request.key.to_owned());
    context.admit = request.admit;
    let source = context.text("source");
    if !is_url(source) {
        return Err(TaskError::new(format!("`source` is no address: {source}")).help(EiaError::ADDRESS));
    }
    let (query, stop) = (query(&context)?, AtomicBool::new(false));
    let client = client(&context, &query, limits(&context), &stop)?;
    record::record(&context, &client, &query, request.out)
}

/// A text of the command line as a value of a kind: items of a list stand between commas.
fn typed(kind: Kind, text: &str) -> Value {
    let is_list = matches!(kind, Kind::OneOrMany(_) | Kind::List(_));
    match (kind, text.parse()) {
        (Kind::Int { .. }, Ok(number)) => Value::Int(number),
        (Kind::Bool, _) => Value::Bool(text == "true"),
        _ if is_list => Value::List(
            text.split(',')
                .map(|item| Value::Text(item.trim().to_owned()))
                .collect(),
        ),
        _ => Value::Text(text.to_owned()),
    }
}
