//! A pipeline on a data file, by what the task `ingest_file` finds in it.

use std::collections::BTreeMap;
use std::path::Path;

use super::{Project, atsaffile, command};
use crate::atsaffile::{ValueType, quoted};
use crate::cli::{CommandError, Session, interrupt};
use crate::diagnostic::Diagnostic;
use crate::engine::spec::Value;
use crate::engine::task::TaskError;
use crate::forecasting::{Survey, survey};
use crate::report::human;

/// The task that reads the file.
const TASK: &str = "ingest_file";

/// A pipeline on the file, which is found from where the user stands.
pub(super) fn project(file: Option<&Path>, directory: &Path, session: &Session) -> Result<Project, CommandError> {
    let Some(file) = file else {
        return Err(CommandError::usage(
            Diagnostic::error("`csv` needs the file that is to be forecast")
                .help("name it: `atsaf init csv sales.csv`"),
        ));
    };
    let params = params(session)?;
    let name = written(file, directory);
    let survey = survey(&directory.join(file), &name, &params, interrupt::watch()).map_err(told)?;
    let mut notes = Vec::new();
    if survey.n_windows.is_none() {
        notes.push(format!(
            "the shortest series is too short for a back-test with a horizon of {}: lower `horizon`, or give more data",
            survey.horizon
        ));
    }
    Ok(Project {
        files: vec![atsaffile(&filled(&name, &survey, &params))],
        notes: [vec![found(&survey)], notes].concat(),
        next: vec![
            command("atsaf build", "makes the forecast and draws it"),
            command("atsaf show leaderboard", "the models, the best first"),
            command("atsaf help data", "how files are read, and what can be said of them"),
        ],
    })
}

/// What `-s` says of the file, by the task's own parameters.
fn params(session: &Session) -> Result<BTreeMap<String, Value>, CommandError> {
    let catalog = (session.tasks)().catalog();
    let mut params = BTreeMap::new();
    let mut wrong = Vec::new();
    for (key, text) in &session.common.set {
        let Some(schema) = catalog.get(TASK) else { break };
        let Some(param) = schema.param(key) else {
            let names = schema.params.iter().map(|param| param.name);
            let what = format!("the task `{TASK}` has no parameter `{key}`");
            wrong.push(
                Diagnostic::error(what)
                    .suggest(key, names)
                    .help("`atsaf list --tasks` has them all"),
            );
            continue;
        };
        let value = ValueType::of_kind(param.kind).read(text).ok();
        match value.and_then(|value| param.kind.check(&value).ok()) {
            Some(value) => {
                params.insert(key.clone(), value);
            }
            None => wrong.push(Diagnostic::error(format!(
                "`{key}` must be {}, found `{text}`",
                param.kind.describe()
            ))),
        }
    }
    match wrong.is_empty() {
        true => Ok(params),
        false => Err(CommandError {
            diagnostics: wrong,
            exit: crate::cli::Exit::Usage,
        }),
    }
}

/// The path as the Atsaffile has it: relative where it lies in the project.
fn written(file: &Path, directory: &Path) -> String {
    let inside = || {
        let (file, directory) = (
            directory.join(file).canonicalize().ok()?,
            directory.canonicalize().ok()?,
        );
        Some(match file.strip_prefix(&directory) {
            Ok(below) => below.to_str()?.to_owned(),
            Err(_) => file.to_str()?.to_owned(),
        })
    };
    inside().unwrap_or_else(|| file.display().to_string())
}

fn told(error: TaskError) -> CommandError {
    // What a task wants in `with`, this command takes by `-s`.
    let diagnostic = error
        .notes
        .into_iter()
        .fold(Diagnostic::error(error.what), Diagnostic::note);
    let diagnostic = error.help.into_iter().fold(diagnostic, Diagnostic::help);
    CommandError::usage(
        diagnostic.help(
            "a parameter is said by `-s`, as in `atsaf init csv FILE -s value=price`; `atsaf help data` has them",
        ),
    )
}

/// What was found, in a line.
fn found(survey: &Survey) -> String {
    let mut parts = vec![format!("{} as {}", human::count(survey.rows, "value"), survey.kind)];
    let is_one = survey.series == 1;
    parts.push(if is_one {
        "1 series".to_owned()
    } else {
        format!("{} series", survey.series)
    });
    parts.push(survey.frequency.clone());
    if let Some((first, last)) = &survey.span {
        // Of days, the time says nothing.
        let days = first.strip_suffix(" 00:00:00").zip(last.strip_suffix(" 00:00:00"));
        let (first, last) = days.unwrap_or((first, last));
        parts.push(format!("{first} to {last}"));
    }
    for (param, names) in &survey.columns {
        parts.push(format!("{param} = {}", names.join(", ")));
    }
    for (what, how) in &survey.form {
        parts.push(format!("{what} {how:?}"));
    }
    parts.join("; ")
}

/// The Atsaffile.
fn filled(name: &str, survey: &Survey, params: &BTreeMap<String, Value>) -> String {
    let one_or_many = |names: &[String]| match names {
        [one] => template(one),
        many => format!(
            "[{}]",
            many.iter().map(|name| template(name)).collect::<Vec<_>>().join(", ")
        ),
    };
    let mut with: BTreeMap<&str, String> = BTreeMap::new();
    for (param, names) in &survey.columns {
        with.insert(param, one_or_many(names));
    }
    for (param, value) in params {
        with.insert(param, value.to_string().replace("{{", "{{{{"));
    }
    let with: Vec<String> = with.iter().map(|(param, value)| format!("{param} = {value}")).collect();
    let stem = Path::new(name)
        .file_stem()
        .and_then(|stem| stem.to_str())
        .unwrap_or("forecast");
    let steps = format!("steps ({})", survey.frequency);
    let number = |value: usize, about: &str| format!("{value:<28} # {about}");
    let text = include_str!("csv.Atsaffile");
    let fields = [
        ("@FILE@", one_line(name)),
        ("@FOUND@", one_line(&found(survey))),
        ("\"@NAME@\"", quoted(stem)),
        ("@HORIZON@", number(survey.horizon, &format!("{steps} to forecast"))),
        (
            "@STEP@",
            number(survey.step_size, "steps between the cutoffs of the back-test"),
        ),
        (
            "@WINDOWS@",
            number(survey.n_windows.unwrap_or(1), "windows of the back-test"),
        ),
        ("@INPUT@", template(name)),
        ("@WITH@", with.join(", ")),
    ];
    // One field after the other: what a field holds is none itself.
    let mut out = String::new();
    let mut rest = text;
    while let Some((at, (field, value))) = fields
        .iter()
        .filter_map(|field| Some((rest.find(field.0)?, field)))
        .min_by_key(|(at, _)| *at)
    {
        out += &rest[..at];
        out += value;
        rest = &rest[at + field.len()..];
    }
    out + rest
}

/// A text in which `{{` means itself.
fn template(text: &str) -> String {
    quoted(&text.replace("{{", "{{{{"))
}

/// A text that goes into a comment.
fn one_line(text: &str) -> String {
    text.replace(|c: char| c.is_control(), " ")
}
