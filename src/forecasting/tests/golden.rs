//! The content of each task's artifacts for fixed inputs: when it changes, the task's version must be raised.
//!
//! `golden_tasks.txt` has a line for each artifact: the task with its version and those of its parts, the case with a
//! digest of all that the task was given, and the digest of what it made. Where models have a part in it, numbers are
//! rounded to ten significant digits, see `golden_models`; elsewhere the bytes count.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use polars_core::prelude::AnyValue;

use super::backtest_report::solar;
use super::pipeline::{BUNDLED, two_series};
use super::*;

/// A number with ten significant digits; what is next to nothing is nothing.
pub(super) fn rounded(number: f64) -> String {
    match number.abs() < 1e-12 {
        true => "0".to_owned(),
        false => format!("{number:.9e}"),
    }
}

/// Compares digests, each of a subject with its versions and a case, with those that stand in a file beside this one.
///
/// Fails with what to do: where only a digest differs, the version must be raised; then the new lines are to be put in.
pub(super) fn compare(file: &str, found: &[[String; 3]], version: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("src/forecasting/tests")
        .join(file);
    let text = std::fs::read_to_string(path).expect("the digests as they were");
    let known: BTreeMap<(&str, &str), &str> = text
        .lines()
        .filter_map(|line| {
            let mut words = line.split(' ');
            Some(((words.next()?, words.next()?), words.next()?))
        })
        .collect();
    let (mut changed, mut new) = (Vec::new(), Vec::new());
    for [subject, case, digest] in found {
        match known.get(&(subject.as_str(), case.as_str())) {
            Some(known) if known == digest => {}
            Some(_) => changed.push(format!("{subject} {case}")),
            None => new.push(format!("{subject} {case} {digest}")),
        }
    }
    let current: BTreeSet<(&str, &str)> = found
        .iter()
        .map(|[subject, case, _]| (subject.as_str(), case.as_str()))
        .collect();
    let gone: Vec<String> = known
        .keys()
        .filter(|key| !current.contains(*key))
        .map(|(subject, case)| format!("{subject} {case}"))
        .collect();
    assert!(
        changed.is_empty(),
        "results changed, and the version did not:\n{}\nif the change is meant, raise {version}; \
         then this test prints the new lines of `{file}`",
        changed.join("\n")
    );
    assert!(
        new.is_empty() && gone.is_empty(),
        "`{file}` lacks these lines:\n{}\nand has these of other versions or cases, which are to go:\n{}",
        new.join("\n"),
        gone.join("\n")
    );
}

/// The digest of an artifact or input with its numbers rounded.
fn digest_of(path: &Path) -> Digest {
    if path.is_dir() {
        let files = walkdir::WalkDir::new(path).sort_by_file_name().into_iter();
        let files = files.map(|entry| entry.expect("read").into_path());
        let of_file = |path: PathBuf| format!("{} {}\n", path.display(), digest_of(&path).hex());
        let all: String = files.filter(|path| path.is_file()).map(of_file).collect();
        return Digest::of(all.replace(&path.display().to_string(), "").as_bytes());
    }
    let bytes = std::fs::read(path).expect("read");
    let content = if bytes.starts_with(b"PAR1") {
        table(&frame(path))
    } else if let Ok(json) = serde_json::from_slice::<serde_json::Value>(&bytes) {
        document(&json)
    } else {
        let text = String::from_utf8(bytes).expect("a text");
        let field = |field: &str| field.parse().map_or_else(|_| field.to_owned(), rounded);
        let line = |line: &str| line.split(',').map(field).collect::<Vec<_>>().join(",");
        text.lines().map(line).collect::<Vec<_>>().join("\n")
    };
    Digest::of(content.as_bytes())
}

/// Names, types and values of a table.
fn table(frame: &DataFrame) -> String {
    let mut text = String::new();
    for column in frame.columns() {
        writeln!(text, "{} {}", column.name(), column.dtype()).expect("into memory");
        for row in 0..column.len() {
            match column.get(row).expect("a value") {
                AnyValue::Float64(number) => writeln!(text, "{}", rounded(number)),
                value => writeln!(text, "{value}"),
            }
            .expect("into memory");
        }
    }
    text
}

/// A document in the order of its entries.
fn document(json: &serde_json::Value) -> String {
    match json {
        serde_json::Value::Number(number) if number.is_f64() => number.as_f64().map_or_else(String::new, rounded),
        serde_json::Value::Array(items) => format!("[{}]", items.iter().map(document).collect::<Vec<_>>().join(",")),
        serde_json::Value::Object(entries) => {
            let entries = entries
                .iter()
                .map(|(name, value)| format!("{name}:{}", document(value)));
            format!("{{{}}}", entries.collect::<Vec<_>>().join(","))
        }
        other => other.to_string(),
    }
}

/// One run of a task.
struct GoldenTask<'a> {
    case: &'a str,
    task: &'a str,
    params: Vec<(&'a str, Value)>,
    inputs: &'a [(&'a str, &'a str)],
    /// Whether the bytes of the artifacts count, and not only their content.
    exact: bool,
}

impl GoldenTask<'_> {
    /// Runs it; gives the lines of its artifacts.
    fn run(&self, dir: &TaskDirectory) -> Vec<[String; 3]> {
        dir.run_on(self.task, &self.params, self.inputs).expect("done");
        let tasks = crate::forecasting::tasks();
        let task = tasks.get(self.task).expect("a task");
        let digest = |path: &Path| match self.exact {
            true => digest::of_file(path).expect("read"),
            false => digest_of(path),
        };
        // Where the project lies does not count.
        let mut given = format!("{:?}", self.params).replace(BUNDLED, "fixtures/eia");
        let mut subject = String::new();
        dir.with(self.task, &self.params, self.inputs, |task, context| {
            for path in context.inputs.values().flat_map(|path| files(path)) {
                given.push_str(&digest(&path).hex());
            }
            let parts = task.parts(&context.params).into_iter();
            let parts = parts.map(|part| format!("+{}@{}", part.name, part.version));
            subject = format!("{}@{}{}", self.task, task.schema().version, parts.collect::<String>());
        });
        let case = format!("{}:{}", self.case, Digest::of(given.as_bytes()).short());
        let line = |artifact: &str| {
            [
                subject.clone(),
                format!("{case}:{artifact}"),
                digest(&dir.path(artifact)).short(),
            ]
        };
        task.schema().outputs.iter().map(|port| line(port.name)).collect()
    }
}

/// A file, or the pages in a folder.
fn files(path: &Path) -> Vec<PathBuf> {
    if path.is_file() {
        return vec![path.to_owned()];
    }
    let entries = std::fs::read_dir(path).expect("a folder");
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
    files.retain(|file| file.extension().is_some_and(|end| end == "json"));
    files.sort();
    files
}

/// Rows that are out of order, double, contradicting, missing, empty, infinite and below zero, of two series by month.
const RAW: &str = "unique_id,ds,y
B,2023-03-01,5
B,2023-01-01,7
B,2023-02-01,-6
A,2023-01-01,1
A,2023-01-01,1
A,2023-02-01,4
A,2023-02-01,2
A,2023-05-01,inf
A,2023-06-01,8
A,2023-09-01,
A,2023-10-01,3
A,2024-05-01,9
";

fn from_pages_to_metrics() -> Vec<[String; 3]> {
    let dir = TaskDirectory::new();
    let span = vec![
        ("start_date", text("2023-06-01")),
        ("end_date", text("2023-06-30")),
        ("source", text(BUNDLED)),
    ];
    let quick = vec![
        ("models", texts(&["SeasonalNaive", "LagRidge"])),
        ("n_windows", Value::Int(2)),
    ];
    let steps = [
        ("ingest_eia", span, true),
        ("prepare_clean", vec![], true),
        ("validate_clean", vec![], true),
        ("train_backtest_select", quick, false),
        ("register_champion", vec![], false),
        ("forecast_publish", vec![], false),
        ("save_metrics_csv", vec![], false),
    ];
    let step = |(task, params, exact)| GoldenTask {
        case: "pipeline",
        task,
        params,
        inputs: &[],
        exact,
    };
    let steps = steps.map(step);
    let collect = GoldenTask {
        case: "pipeline",
        task: "collect",
        params: vec![("by", text("respondent"))],
        inputs: &[("leaderboard@CAL", "leaderboard"), ("leaderboard@TEX", "leaderboard")],
        exact: false,
    };
    steps.iter().chain([&collect]).flat_map(|step| step.run(&dir)).collect()
}

fn odd_rows() -> Vec<[String; 3]> {
    let dir = TaskDirectory::new();
    dir.write("raw.csv", RAW);
    let mut found = Vec::new();
    for (policy, gaps) in [("first", "interpolate"), ("last", "interpolate"), ("mean", "keep")] {
        let case = format!("{policy}-{gaps}");
        let prepare = GoldenTask {
            case: &case,
            task: "prepare_clean",
            params: vec![
                ("duplicates", text(policy)),
                ("gaps", text(gaps)),
                ("max_gap", Value::Int(3)),
            ],
            inputs: &[("raw", "raw.csv")],
            exact: true,
        };
        found.extend(prepare.run(&dir));
        let validate = GoldenTask {
            case: &case,
            task: "validate_clean",
            params: vec![
                ("min_length", Value::Int(3)),
                ("max_missing", Value::Float(90.0)),
                ("max_negative", Value::Float(100.0)),
            ],
            inputs: &[],
            exact: true,
        };
        found.extend(validate.run(&dir));
    }
    dir.write("sold.csv", "Day;north;south\n31.01.2024;1,5;NA\n29.02.2024;2;3\n");
    let ingest = GoldenTask {
        case: "guessed",
        task: "ingest_file",
        params: vec![],
        inputs: &[("sold.csv", "sold.csv")],
        exact: true,
    };
    found.extend(ingest.run(&dir));
    found
}

fn choices() -> Vec<[String; 3]> {
    let dir = TaskDirectory::new();
    let series = format!(
        "{}{}",
        two_series(1000),
        solar(700).split_once('\n').expect("a header").1
    );
    dir.write("series.csv", &series)
        .write("validation.json", r#"{"status":"valid"}"#);
    let inputs = [("clean", "series.csv"), ("validation", "validation.json")];
    let two = Value::List(vec![Value::Float(95.0), Value::Float(80.0)]);
    let cases: [(&str, Vec<(&str, Value)>); 5] = [
        ("overall", vec![("select", text("overall"))]),
        (
            "per-series",
            vec![
                ("select", text("per_series")),
                ("metric", text("mae")),
                ("level", two.clone()),
            ],
        ),
        (
            "ensemble-conformal",
            vec![
                ("select", text("ensemble")),
                ("intervals", text("conformal")),
                // Each window is calibrated on two others, so that more than the prior counts.
                ("n_windows", Value::Int(3)),
                ("step_size", Value::Int(24)),
                ("non_negative", Value::Bool(true)),
                ("metric", text("smape")),
                ("level", two),
            ],
        ),
        (
            "median",
            vec![
                ("select", text("ensemble")),
                ("ensemble_rule", text("median")),
                ("ensemble_size", Value::Int(2)),
            ],
        ),
        // The double season needs more than the first window of the last series has.
        ("failed-window", vec![("n_windows", Value::Int(3))]),
    ];
    let mut found = Vec::new();
    for (case, mut params) in cases {
        let level: Vec<(&str, Value)> = params.iter().filter(|(name, _)| *name == "level").cloned().collect();
        params.push((
            "models",
            texts(&["SeasonalNaive", "LagRidge", "DoubleSeasonalHoltWinters"]),
        ));
        if !params.iter().any(|(name, _)| *name == "n_windows") {
            params.push(("n_windows", Value::Int(2)));
        }
        let steps = [
            ("train_backtest_select", params),
            ("register_champion", level.clone()),
            ("forecast_publish", level.clone()),
            ("package_champion", level),
            ("save_metrics_csv", vec![]),
        ];
        for (task, params) in steps {
            let step = GoldenTask {
                case,
                task,
                params,
                inputs: &inputs,
                exact: false,
            };
            found.extend(step.run(&dir));
        }
    }
    found
}

#[test]
fn a_task_whose_artifacts_change_has_a_new_version() {
    let found = [from_pages_to_metrics(), odd_rows(), choices()].concat();
    let tasks: BTreeSet<&str> = found
        .iter()
        .filter_map(|[subject, ..]| subject.split('@').next())
        .collect();
    let all: BTreeSet<&str> = crate::forecasting::tasks().catalog().into_keys().collect();
    assert_eq!(tasks, all);
    compare(
        "golden_tasks.txt",
        &found,
        "the `version` in the task's schema, or that of a model that is at fault",
    );
}
