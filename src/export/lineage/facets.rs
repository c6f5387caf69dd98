//! The JSON of one event, with the facets of the specification that fit and one of our own.

use std::fmt::Write as _;
use std::path::{Component, Path, PathBuf};

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Map, Value, json};

use super::{Dataset, LineageEvent, Stage};
use crate::engine::event::{Failure, Summary};
use crate::engine::graph::{Graph, TargetId};
use crate::engine::reason::Reason;
use crate::engine::spec::Action;
use crate::outward::without_credentials;

/// Who says all this.
const PRODUCER: &str = concat!("https://crates.io/crates/atsaf/", env!("CARGO_PKG_VERSION"));
const EVENT: &str = "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent";
/// The schema of a facet of a run of which nothing more is known.
const ANY_RUN_FACET: &str = "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunFacet";

/// Most characters of a text that is told.
const LONGEST: usize = 20_000;

/// A run that another program knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownRun {
    /// Namespace of its job.
    pub namespace: String,
    /// Name of its job.
    pub job: String,
    /// Its id.
    pub run: String,
}

/// What every event of a build says.
pub struct Setting<'a> {
    /// The targets.
    pub graph: &'a Graph,
    /// The project's directory, absolute.
    pub root: &'a Path,
    /// The namespace of the jobs.
    pub namespace: &'a str,
    /// The run that the build is a part of.
    pub parent: Option<&'a KnownRun>,
    /// The run that the whole is a part of.
    pub root_parent: Option<&'a KnownRun>,
    /// The reasons for which a target runs, as JSON.
    pub reasons: fn(&[Reason], &Graph, TargetId) -> Value,
    /// What can be seen of a file or directory.
    pub look: &'a dyn Fn(&Path) -> Option<DatasetLook>,
    /// The rules that a validation looked at, if a file tells them.
    pub assertions: &'a dyn Fn(&Path) -> Vec<(String, bool)>,
}

/// What can be seen of a file or directory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DatasetLook {
    /// Bytes, of a directory all together.
    pub size: u64,
    /// Files.
    pub files: usize,
    /// Rows of a table.
    pub rows: Option<usize>,
    /// Name and type of each column of a table.
    pub columns: Vec<(String, String)>,
}

/// Whether a text is an address of another program.
#[must_use]
pub fn is_address(text: &str) -> bool {
    ["http://", "https://", "s3://", "gs://"]
        .iter()
        .any(|scheme| text.starts_with(scheme))
}

/// The whole event.
#[must_use]
pub fn json(event: &LineageEvent, setting: &Setting<'_>) -> Value {
    let kind = match event.stage {
        Stage::Start => "START",
        Stage::Complete => "COMPLETE",
        Stage::Fail => "FAIL",
        Stage::Abort => "ABORT",
    };
    let inputs = event.inputs.iter().map(|it| input(it, event, setting));
    let outputs = event.outputs.iter().map(|it| output(it, setting));
    json!({
        "eventType": kind,
        "eventTime": DateTime::<Utc>::from(event.time).to_rfc3339_opts(SecondsFormat::Millis, true),
        "producer": PRODUCER,
        "schemaURL": EVENT,
        "run": { "runId": event.run.to_string(), "facets": run_facets(event, setting) },
        "job": {
            "namespace": setting.namespace,
            "name": job_name(setting.graph, event.target),
            "facets": job_facets(event.target, setting.graph),
        },
        "inputs": inputs.collect::<Vec<_>>(),
        "outputs": outputs.collect::<Vec<_>>(),
    })
}

/// The name of the job that a target is, or the project.
fn job_name(graph: &Graph, target: Option<TargetId>) -> String {
    let project = match graph.spec.name.as_str() {
        "" => "atsaf",
        name => name,
    };
    match target {
        Some(id) => format!("{project}.{}", graph.name(id)),
        None => project.to_owned(),
    }
}

/// A facet of the specification.
fn facet(name: &str, version: &str, mut values: Value) -> Value {
    values["_producer"] = PRODUCER.into();
    values["_schemaURL"] = format!("https://openlineage.io/spec/facets/{version}/{name}.json#/$defs/{name}").into();
    values
}

fn known(run: &KnownRun) -> Value {
    json!({ "run": { "runId": run.run }, "job": { "namespace": run.namespace, "name": run.job } })
}

fn run_facets(event: &LineageEvent, setting: &Setting<'_>) -> Value {
    let mut facets = Map::new();
    let mut add = |name: &str, facet: Value| drop(facets.insert(name.to_owned(), facet));
    let engine = json!({ "version": env!("CARGO_PKG_VERSION"), "name": "atsaf", "openlineageAdapterVersion": env!("CARGO_PKG_VERSION") });
    add("processing_engine", facet("ProcessingEngineRunFacet", "1-1-1", engine));
    let own = |run: String| KnownRun {
        namespace: setting.namespace.to_owned(),
        job: job_name(setting.graph, None),
        run,
    };
    let within = event.within.map(|run| own(run.to_string()));
    if let Some(parent) = within.as_ref().or(setting.parent) {
        let root = setting.root_parent.or(setting.parent).unwrap_or(parent);
        let mut values = known(parent);
        values["root"] = known(root);
        add("parent", facet("ParentRunFacet", "1-2-0", values));
    }
    if let Some(failure) = &event.failure {
        let values = json!({ "message": message(failure), "programmingLanguage": "Rust" });
        add("errorMessage", facet("ErrorMessageRunFacet", "1-0-1", values));
    }
    if let Some(target) = event.target {
        let params = setting.graph.target(target).params.iter();
        let params: Vec<Value> = params
            .map(|param| json!({ "key": param.name, "name": param.name, "value": told(&param.value.plain()) }))
            .collect();
        if !params.is_empty() {
            let values = json!({ "parameters": params });
            add(
                "executionParameters",
                facet("ExecutionParametersRunFacet", "1-0-0", values),
            );
        }
    }
    add("atsaf_reasons", reasons(event, setting));
    Value::Object(facets)
}

/// Why it runs and how it ended, in words of our own.
fn reasons(event: &LineageEvent, setting: &Setting<'_>) -> Value {
    let reasons = match event.target {
        Some(target) => (setting.reasons)(&event.reasons, setting.graph, target),
        None => json!([]),
    };
    let mut values = json!({ "_producer": PRODUCER, "_schemaURL": ANY_RUN_FACET, "reasons": reasons });
    if let Some(outcome) = event.outcome {
        values["outcome"] = outcome.into();
    }
    if let Some(from) = event.restored_from {
        values["restoredFrom"] = from.to_string().into();
    }
    if let Some(summary) = &event.summary {
        let Summary {
            built,
            restored,
            fresh,
            held,
            failed,
            skipped,
            superseded,
            interrupted: _,
            duration: _,
        } = summary;
        values["targets"] = json!({
            "built": built, "restored": restored, "fresh": fresh, "held": held,
            "failed": failed, "skipped": skipped, "superseded": superseded,
        });
    }
    values
}

fn message(failure: &Failure) -> String {
    let lines = std::iter::once(&failure.what)
        .chain(&failure.notes)
        .chain(&failure.tail);
    told(&lines.map(String::as_str).collect::<Vec<_>>().join("\n"))
}

fn job_facets(target: Option<TargetId>, graph: &Graph) -> Value {
    let kind = if target.is_some() { "TARGET" } else { "RUN" };
    let values = json!({ "processingType": "BATCH", "integration": "ATSAF", "jobType": kind });
    let mut facets = json!({ "jobType": facet("JobTypeJobFacet", "2-0-4", values) });
    let Some(target) = target.map(|id| graph.target(id)) else {
        return facets;
    };
    if let Some(desc) = &target.desc {
        let values = json!({ "description": told(desc) });
        facets["documentation"] = facet("DocumentationJobFacet", "1-1-0", values);
    }
    let (language, code) = match &target.action {
        Action::Builtin { task, version, .. } => ("atsaf", format!("{task} (version {version})")),
        Action::Command(command) => ("shell", command.text().into()),
    };
    let values = json!({ "language": language, "sourceCode": told(&code) });
    facets["sourceCode"] = facet("SourceCodeJobFacet", "1-0-1", values);
    facets
}

/// What is said of any data set.
fn dataset(dataset: &Dataset, look: Option<&DatasetLook>, setting: &Setting<'_>) -> Value {
    let (namespace, name, uri) = names(&dataset.place, setting.root);
    let mut facets = Map::new();
    let source = json!({ "name": namespace, "uri": uri });
    facets.insert(
        "dataSource".to_owned(),
        facet("DatasourceDatasetFacet", "1-0-1", source),
    );
    if let Some(version) = &dataset.version {
        let values = json!({ "datasetVersion": version });
        facets.insert(
            "version".to_owned(),
            facet("DatasetVersionDatasetFacet", "1-0-1", values),
        );
    }
    let columns = look.map_or(&[][..], |look| &look.columns);
    if !columns.is_empty() {
        let fields = columns
            .iter()
            .zip(1..)
            .map(|((name, of), at)| json!({ "name": name, "type": of, "ordinal_position": at }));
        let values = json!({ "fields": fields.collect::<Vec<_>>() });
        facets.insert("schema".to_owned(), facet("SchemaDatasetFacet", "1-2-0", values));
    }
    json!({ "namespace": namespace, "name": name, "facets": facets })
}

fn statistics(look: &DatasetLook) -> Value {
    let mut values = json!({ "size": look.size, "fileCount": look.files });
    if let Some(rows) = look.rows {
        values["rowCount"] = rows.into();
    }
    values
}

fn input(read: &Dataset, event: &LineageEvent, setting: &Setting<'_>) -> Value {
    // What is read is looked at once, at the end, when nobody waits for it.
    let look = match event.stage {
        Stage::Complete => (setting.look)(&setting.root.join(&read.place)),
        Stage::Start | Stage::Fail | Stage::Abort => None,
    };
    let mut json = dataset(read, look.as_ref(), setting);
    let mut facets = Map::new();
    if let Some(look) = &look {
        let values = facet("InputStatisticsInputDatasetFacet", "1-0-0", statistics(look));
        facets.insert("inputStatistics".to_owned(), values);
    }
    let told = event
        .outputs
        .iter()
        .flat_map(|it| (setting.assertions)(&setting.root.join(&it.place)));
    let assertions: Vec<Value> = told
        .map(|(rule, holds)| json!({ "assertion": rule, "success": holds }))
        .collect();
    if !assertions.is_empty() {
        let values = json!({ "assertions": assertions });
        let values = facet("DataQualityAssertionsDatasetFacet", "1-1-0", values);
        facets.insert("dataQualityAssertions".to_owned(), values);
    }
    if !facets.is_empty() {
        json["inputFacets"] = facets.into();
    }
    json
}

fn output(made: &Dataset, setting: &Setting<'_>) -> Value {
    let look = (setting.look)(&setting.root.join(&made.place));
    let mut json = dataset(made, look.as_ref(), setting);
    if let Some(look) = &look {
        let values = facet("OutputStatisticsOutputDatasetFacet", "1-0-2", statistics(look));
        json["outputFacets"] = json!({ "outputStatistics": values });
    }
    json
}

/// Namespace and name of a data set by the specification's rules, and its address.
fn names(place: &str, root: &Path) -> (String, String, String) {
    if is_address(place) {
        let address = without_credentials(place);
        let address = address.split(['?', '#']).next().unwrap_or_default();
        let (scheme, rest) = address.split_once("://").unwrap_or_default();
        let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
        let name = if path.is_empty() { "/" } else { path };
        return (format!("{scheme}://{host}"), name.to_owned(), escaped(address, b"%"));
    }
    let mut path = PathBuf::new();
    for part in root.join(place).components() {
        match part {
            Component::ParentDir => drop(path.pop()),
            part => path.push(part),
        }
    }
    let path = path.to_string_lossy();
    (
        "file".to_owned(),
        path.to_string(),
        format!("file://{}", escaped(&path, b"")),
    )
}

/// What an address may not hold, by its bytes; those of `kept` may stand as well.
fn escaped(text: &str, kept: &[u8]) -> String {
    let is_plain =
        |byte: u8| byte.is_ascii_alphanumeric() || b"-._~/:@!$&'()*+,;=".contains(&byte) || kept.contains(&byte);
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match is_plain(byte) {
            true => out.push(char::from(byte)),
            false => drop(write!(out, "%{byte:02X}")),
        }
    }
    out
}

/// A text that is not too long, without credentials.
fn told(text: &str) -> String {
    without_credentials(text).chars().take(LONGEST).collect()
}
