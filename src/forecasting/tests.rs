//! The tasks, run as the engine runs them, on files in a directory of their own.

mod backtest_report;
mod collect;
mod ensemble;
mod faults;
mod fuzz;
mod gates;
mod golden;
mod golden_models;
mod hostile;
mod hostile_files;
mod ingest;
mod ingest_file;
mod ingest_file_series;
mod ingest_file_times;
mod ingest_live;
mod intervals;
mod known_ahead;
mod mlflow;
mod package;
mod panel;
mod panel_model;
mod parameters;
mod parquet_types;
mod pipeline;
mod prepare;
mod prepare_gaps;
mod reading;
mod validate;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};

use polars_core::prelude::{DataFrame, DataType};
use polars_io::SerReader as _;
use polars_io::prelude::ParquetReader;

use crate::engine::digest::{self, Digest};
use crate::engine::spec::Value;
use crate::engine::spec::schema::{ANY, Kind, Literal};
use crate::engine::spec::uri::is_url;
use crate::engine::task::{Context, Memo, Message, NoMemo, NoPrograms, Task, TaskError};
use crate::forecasting::eia::routes::Route;

/// The route that the tests of pages are about.
fn fuels() -> &'static Route {
    Route::of_name("fuel-type-data").expect("a route")
}

/// What a task says that its server did not answer as it should, without the request and the answer, which have the server's
/// port in them.
fn briefly(result: Result<(), TaskError>) -> String {
    let told = reported(result);
    let is_kept = |line: &&str| !line.starts_with("note: the request: ") && !line.starts_with("note: what came back: ");
    told.lines().filter(is_kept).collect::<Vec<_>>().join("\n")
}

/// A directory in which tasks run one after the other, each reading what the others wrote.
struct TaskDirectory {
    dir: tempfile::TempDir,
    log: Mutex<Vec<String>>,
    memo: Box<dyn Memo>,
    secrets: BTreeMap<String, String>,
    access: BTreeMap<String, String>,
    cancelled: Arc<AtomicBool>,
}

impl TaskDirectory {
    fn new() -> Self {
        Self {
            dir: tempfile::tempdir().expect("a temporary directory"),
            log: Mutex::default(),
            memo: Box::new(NoMemo),
            secrets: BTreeMap::new(),
            access: BTreeMap::new(),
            cancelled: Arc::default(),
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Writes a file; a name with `/` makes its folder.
    fn write(&self, name: &str, text: &str) -> &Self {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        #[expect(clippy::disallowed_methods, reason = "a test's own file")]
        std::fs::write(path, text).expect("written");
        self
    }

    /// Runs a task with the schema's defaults and `params`, its ports being files of their own names, or of those in
    /// `inputs`.
    fn run_on(&self, task: &str, params: &[(&str, Value)], inputs: &[(&str, &str)]) -> Result<(), TaskError> {
        self.with(task, params, inputs, |task, context| task.run(context))
    }

    /// Does something with the context that a task would run in.
    fn with<R>(
        &self,
        task: &str,
        params: &[(&str, Value)],
        inputs: &[(&str, &str)],
        run: impl FnOnce(&dyn Task, &mut Context<'_>) -> R,
    ) -> R {
        let tasks = super::tasks();
        let task = tasks.get(task).expect("a task");
        let schema = task.schema();
        let mut values = BTreeMap::new();
        let mut paths = BTreeMap::new();
        for param in schema.params {
            let given = params
                .iter()
                .find(|(name, _)| *name == param.name)
                .map(|(_, value)| value.clone());
            let value = given.or_else(|| param.default.map(Literal::value));
            let value = value.unwrap_or_else(|| panic!("`{}` has no default", param.name));
            let value = param
                .kind
                .check(&value)
                .unwrap_or_else(|misfit| panic!("`{}`: {misfit}", param.name));
            if let (Kind::PathOrUrl, Value::Path(path)) = (param.kind, &value) {
                assert!(!is_url(path));
                paths.insert(param.name.to_owned(), self.path(path));
            }
            values.insert(param.name.to_owned(), value);
        }
        for (name, _) in params {
            assert!(schema.param(name).is_some(), "the task has no parameter `{name}`");
        }
        for port in schema.inputs {
            if port.name == ANY {
                paths.extend(inputs.iter().map(|(role, file)| ((*role).to_owned(), self.path(file))));
                continue;
            }
            let bound = inputs
                .iter()
                .find(|(role, _)| *role == port.name)
                .map_or(port.name, |(_, file)| file);
            paths.insert(port.name.to_owned(), self.path(bound));
        }
        for port in schema.optional {
            if let Some((_, file)) = inputs.iter().find(|(role, _)| *role == port.name) {
                paths.insert(port.name.to_owned(), self.path(file));
            }
        }
        let outputs = schema
            .outputs
            .iter()
            .map(|port| (port.name.to_owned(), self.path(port.name)))
            .collect();
        let say = |message: Message<'_>| match message {
            Message::Line(line) => self.log.lock().expect("no panic").push(line.to_owned()),
            Message::Warning(line) => self.log.lock().expect("no panic").push(format!("warning: {line}")),
            Message::Progress(_) => {}
        };
        let mut context = Context {
            target: "a_target",
            params: values,
            inputs: paths,
            outputs,
            secrets: self.secrets.clone(),
            access: self.access.clone(),
            project: Some(self.dir.path().to_owned()),
            run: None,
            effect_key: Some(Digest::of(b"an effect")),
            memo: &*self.memo,
            programs: &NoPrograms,
            cancelled: &self.cancelled,
            say: &say,
            admit: &|_| Ok(()),
        };
        run(task, &mut context)
    }

    fn run(&self, task: &str, params: &[(&str, Value)]) -> Result<(), TaskError> {
        self.run_on(task, params, &[])
    }

    fn frame(&self, name: &str) -> DataFrame {
        frame(&self.path(name))
    }

    fn json(&self, name: &str) -> serde_json::Value {
        serde_json::from_slice(&std::fs::read(self.path(name)).expect("read")).expect("JSON")
    }

    fn digest(&self, name: &str) -> Digest {
        digest::of_file(&self.path(name)).expect("read")
    }

    /// A column of texts of a table, or of whole numbers as texts; what is missing is empty.
    fn texts(&self, name: &str, column: &str) -> Vec<String> {
        let column = self.frame(name).column(column).expect("a column").clone();
        let texts = column.cast(&DataType::String).expect("texts");
        let texts = texts.str().expect("texts").iter();
        texts.map(|text| text.unwrap_or_default().to_owned()).collect()
    }

    /// A column of numbers of a table, none of them missing.
    fn numbers(&self, name: &str, column: &str) -> Vec<f64> {
        let column = self.frame(name).column(column).expect("a column").clone();
        let numbers = column.f64().expect("numbers").iter();
        numbers.map(|number| number.expect("a number")).collect()
    }

    /// The table as CSV, which is easy to compare.
    fn csv(&self, name: &str) -> String {
        csv(&mut self.frame(name))
    }

    fn log(&self) -> Vec<String> {
        std::mem::take(&mut *self.log.lock().expect("no panic"))
    }
}

fn frame(path: &Path) -> DataFrame {
    let file = std::fs::File::open(path).expect("opened");
    ParquetReader::new(file).finish().expect("Parquet")
}

fn csv(frame: &mut DataFrame) -> String {
    let mut bytes = Vec::new();
    super::table::csv_to(&mut bytes, frame, Some("%F %T")).expect("CSV");
    String::from_utf8(bytes).expect("UTF-8")
}

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

fn texts(items: &[&str]) -> Value {
    Value::List(items.iter().map(|item| text(item)).collect())
}

/// The whole error as a person reads it.
fn reported(result: Result<(), TaskError>) -> String {
    let error = result.expect_err("an error");
    let mut lines = vec![error.what];
    lines.extend(error.notes.into_iter().map(|note| format!("note: {note}")));
    lines.extend(error.help.into_iter().map(|help| format!("help: {help}")));
    if error.retry {
        lines.push("(another attempt may go better)".to_owned());
    }
    lines.join("\n")
}
