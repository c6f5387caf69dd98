//! A program that was chosen, as `selected.json` has it: what the forecast needs to take it for the same.
//!
//! The forecast runs the command of the Atsaffile, never that of `selected.json`, and only if the two are the same.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use serde_json::{Map, Value as Json};

use super::{ProgramModel, TableForm, declared_files, shown};
use crate::engine::spec::Value;
use crate::engine::task::{Context, TaskError};
use crate::forecasting::registry::Settings;

/// A program that was chosen.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ChosenProgram {
    /// The command: a text, or a list of words.
    run: Value,
    format: TableForm,
    /// The digests of all files of the project that it depends on, by path, in hexadecimal digits; those included that it
    /// was seen to use. With a `/` at the end of its path it is the names in a directory.
    files: BTreeMap<String, String>,
    /// The versions of the packages that it was seen to use, and of their interpreter.
    packages: BTreeMap<String, String>,
    /// The digest of the environment variables that it gets, if there are any, in hexadecimal digits.
    environment: Option<String>,
}

impl ProgramModel {
    /// What `selected.json` has of it.
    pub(crate) fn chosen(&self) -> ChosenProgram {
        let (discovered, installed) = &*self.used.lock().unwrap_or_else(PoisonError::into_inner);
        let mut files: BTreeMap<String, String> = self
            .files
            .iter()
            .map(|(path, content)| (path.clone(), content.hex()))
            .collect();
        files.extend(
            discovered
                .iter()
                .filter_map(|used| Some((used.path.clone(), used.content?.hex()))),
        );
        ChosenProgram {
            run: self.run.clone(),
            format: self.format,
            files,
            packages: installed
                .iter()
                .map(|used| (used.name.clone(), used.version.clone()))
                .collect(),
            environment: self.environment.map(|digest| digest.hex()),
        }
    }

    /// The settings.
    pub(crate) fn settings(&self) -> &Settings {
        &self.settings
    }
}

impl ChosenProgram {
    /// The command in one line.
    pub(crate) fn command(&self) -> String {
        shown(&self.run)
    }

    /// Adds it to the entry of its model.
    pub(crate) fn write(&self, entry: &mut Map<String, Json>) {
        let table = |pairs: &BTreeMap<String, String>| -> Json {
            let pairs = pairs.iter().map(|(name, text)| (name.clone(), text.as_str().into()));
            pairs.collect::<Map<_, _>>().into()
        };
        entry.insert("run".to_owned(), self.run.to_json());
        entry.insert("format".to_owned(), self.format.name().into());
        entry.insert("files".to_owned(), table(&self.files));
        entry.insert("packages".to_owned(), table(&self.packages));
        if let Some(environment) = &self.environment {
            entry.insert("environment".to_owned(), environment.as_str().into());
        }
    }

    /// Reads it from the entry of its model, which has the command `run`.
    pub(crate) fn read(run: &Json, entry: &Json) -> Option<Self> {
        let table = |name: &str| -> Option<BTreeMap<String, String>> {
            let pairs = entry.get(name)?.as_object()?.iter();
            pairs
                .map(|(name, text)| Some((name.clone(), text.as_str()?.to_owned())))
                .collect()
        };
        let text = |json: &Json| json.as_str().map(|text| Value::Text(text.to_owned()));
        Some(Self {
            run: match run {
                Json::Array(words) => Value::List(words.iter().map(text).collect::<Option<_>>()?),
                one => text(one)?,
            },
            format: entry.get("format")?.as_str()?.parse().ok()?,
            files: table("files")?,
            packages: table("packages")?,
            environment: match entry.get("environment") {
                Some(digest) => Some(digest.as_str()?.to_owned()),
                None => None,
            },
        })
    }

    /// What is installed today in other versions than those that it was chosen with, if anything is; of what is not known
    /// today nothing is said.
    fn other_versions(&self, name: &str, today: &BTreeMap<String, Option<String>>) -> Option<TaskError> {
        let other = |(package, chosen): (&String, &String)| {
            let now = today.get(package).filter(|now| now.as_ref() != Some(chosen))?;
            Some(match now {
                Some(now) => format!("`{package}` {chosen}, and {now} is installed"),
                None => format!("`{package}` {chosen}, which is not there any more"),
            })
        };
        let mut others = self.packages.iter().filter_map(other);
        let error = TaskError::new(format!("the model `{name}` was chosen with {}", others.next()?));
        Some(others.fold(error, |error, other| error.note(format!("with {other}"))))
    }

    /// The model, if the Atsaffile declares this very program, and its files and packages are as they were.
    ///
    /// # Errors
    /// [`TaskError`] that says what is otherwise.
    pub(crate) fn model(
        &self,
        context: &Context<'_>,
        (name, settings): (&str, &Settings),
        seasons: &[usize],
    ) -> Result<ProgramModel, TaskError> {
        const BUILD_AGAIN: &str = "build `selected` again";
        let Some(program) = context.programs.find(name) else {
            return Err(TaskError::new(format!(
                "the model `{name}` is a program, which nothing here declares"
            ))
            .note(format!("its command was `{}`", shown(&self.run)))
            .note("what a data file names is never run")
            .help(
                "forecast in the project whose Atsaffile declares it in `models`, and let `selected` be the artifact of that \
                 target, not a file",
            ));
        };
        let declared: Vec<&str> = program.command.words.iter().map(|word| word.text.as_str()).collect();
        let selected: Vec<&str> = match &self.run {
            Value::List(words) => words.iter().filter_map(as_text).collect(),
            one => as_text(one).into_iter().collect(),
        };
        let is_text = matches!(self.run, Value::Text(_));
        if declared != selected || program.command.shell.is_some() != is_text {
            return Err(TaskError::new(format!(
                "`selected` was made with another command of the model `{name}`"
            ))
            .note(format!(
                "it has `{}`; the Atsaffile has `{}`",
                shown(&self.run),
                declared.join(" ")
            ))
            .help(BUILD_AGAIN));
        }
        let is_other = |(path, content): &(&String, &String)| {
            context.programs.content(path).map(|now| now.hex()).as_ref() != Some(*content)
        };
        if let Some((path, _)) = self.files.iter().find(is_other) {
            return Err(TaskError::new(format!(
                "`{path}` is not what it was when the model `{name}` was chosen"
            ))
            .help(BUILD_AGAIN));
        }
        if context.programs.environment(program).map(|digest| digest.hex()) != self.environment {
            return Err(TaskError::new(format!(
                "the environment variables of the model `{name}` are not what they were when it was chosen"
            ))
            .help(BUILD_AGAIN));
        }
        if let Some(error) = self.other_versions(name, &context.programs.installed(program)) {
            return Err(error.help(format!(
                "{BUILD_AGAIN}, or install the versions that it was chosen with"
            )));
        }
        Ok(ProgramModel {
            name: name.to_owned(),
            run: self.run.clone(),
            format: self.format,
            settings: settings.clone(),
            seasons: seasons.to_vec(),
            files: declared_files(context, program),
            environment: context.programs.environment(program),
            discover: program.discover,
            used: Mutex::default(),
        })
    }
}

fn as_text(value: &Value) -> Option<&str> {
    match value {
        Value::Text(text) => Some(text),
        _ => None,
    }
}
