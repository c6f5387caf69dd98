//! `atsaf predict`: a packaged champion on newer history.

use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;

use serde_json::{Map, Value, json};

use super::{CommandError, Exit, Session, interrupt, past, threads};
use crate::diagnostic::Diagnostic;
use crate::engine::programs_by_hand::ProgramsByHand;
use crate::engine::task::{Programs, TaskError};
use crate::forecasting::{LONGEST, NewerHistory, Prediction, predict};
use crate::report::ink::Tone;
use crate::report::table::TextTable;

/// Fit a packaged model to newer history and forecast beyond its end
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The directory of a packaged model, or its `model.json`
    #[arg(value_name = "MODEL")]
    model: PathBuf,
    /// A table with the columns `unique_id`, `ds` (UTC) and `y`: Parquet, CSV or `.csv.gz`
    #[arg(long, value_name = "FILE")]
    history: PathBuf,
    /// What is known ahead of the history and of the steps to forecast, for a model that was chosen with such: a table
    /// with `ds` (UTC), maybe `unique_id`, and the columns by their names
    #[arg(long, value_name = "FILE")]
    known: Option<PathBuf>,
    /// How many steps to forecast, instead of as many as the model's pipeline did
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=LONGEST))]
    horizon: Option<u64>,
    /// Run the programs of your own that are among its models, as the Atsaffile here, or by `-C`, declares them
    #[arg(long)]
    run_programs: bool,
    /// Print comma-separated values
    #[arg(long, conflicts_with = "json")]
    csv: bool,
}

/// Fits, forecasts and prints.
pub(super) fn run(args: &Args, session: &Session) -> Result<Exit, CommandError> {
    let at = |path: &PathBuf| {
        session
            .common
            .directory
            .as_ref()
            .map_or_else(|| path.clone(), |start| start.join(path))
    };
    let horizon = args.horizon.and_then(|steps| usize::try_from(steps).ok());
    let (model, history, known) = (at(&args.model), at(&args.history), args.known.as_ref().map(at));
    let newer = NewerHistory {
        history: &history,
        known: known.as_deref(),
        horizon,
    };
    let interrupted = interrupt::watch();
    let prediction = match args.run_programs {
        true => with_programs(session, |programs| predict(&model, newer, Some(programs), interrupted))?,
        false => predict(&model, newer, None, interrupted).map_err(failure)?,
    };
    let screen = &session.screen;
    match (screen.json(), args.csv) {
        (true, _) => screen.print_json(&to_json(&prediction)),
        (_, true) => screen.print(&csv(&prediction)),
        (_, false) => {
            let mut table = table(&prediction);
            for column in 2..2 + prediction.columns.len() {
                table = table.right(column);
            }
            screen.print(&table.draw(screen.out_ink()));
        }
    }
    Ok(Exit::Done)
}

/// Does a work with the programs of the project's Atsaffile; what they were given and wrote goes if it goes well.
fn with_programs(
    session: &Session,
    work: impl FnOnce(&dyn Programs) -> Result<Prediction, TaskError>,
) -> Result<Prediction, CommandError> {
    let project = session.load()?;
    let room = past::own_room("atsaf-").and_then(|room| Ok((room.path().canonicalize()?, room)));
    let (rooms, room) = room.map_err(|error| {
        CommandError::usage(
            Diagnostic::error(format!("no directory can be made for what programs are given: {error}"))
                .help("see whether there is room for temporary files"),
        )
    })?;
    let programs = ProgramsByHand {
        context: project.context(),
        secrets: &project.secrets,
        rooms,
        threads: threads::cores().get(),
        interrupted: interrupt::watch(),
    };
    work(&programs).map_err(|error| {
        // What a program was given is there to be looked at, where one ran.
        if fs::read_dir(room.path()).is_ok_and(|mut entries| entries.next().is_some()) {
            let _ = room.keep();
        }
        failure(error)
    })
}

fn failure(error: TaskError) -> CommandError {
    let mut diagnostic = Diagnostic::error(error.what);
    for note in error.notes {
        diagnostic = diagnostic.note(note);
    }
    for help in error.help {
        diagnostic = diagnostic.help(help);
    }
    CommandError {
        diagnostics: vec![diagnostic],
        exit: Exit::Failed,
    }
}

fn to_json(prediction: &Prediction) -> Value {
    let rows = prediction.rows.iter().map(|row| {
        let mut entry = Map::new();
        entry.insert("unique_id".to_owned(), row.unique_id.as_str().into());
        entry.insert("ds".to_owned(), row.ds.as_str().into());
        let numbers = prediction.columns.iter().zip(&row.numbers);
        entry.extend(numbers.map(|(name, number)| (name.clone(), (*number).into())));
        entry.insert("model".to_owned(), row.model.as_str().into());
        Value::from(entry)
    });
    json!({ "horizon": prediction.horizon, "predictions": rows.collect::<Vec<_>>() })
}

/// The columns of the predictions' table; every number reads back as it is.
fn csv(prediction: &Prediction) -> String {
    let mut text = format!("unique_id,ds,{},model\n", prediction.columns.join(","));
    for row in &prediction.rows {
        let _ = write!(text, "{},{}", field(&row.unique_id), row.ds);
        for number in &row.numbers {
            let _ = write!(text, ",{number}");
        }
        let _ = writeln!(text, ",{}", field(&row.model));
    }
    text
}

/// A text as a field of a line.
fn field(text: &str) -> String {
    match text.contains([',', '"', '\n', '\r']) {
        true => format!("\"{}\"", text.replace('"', "\"\"")),
        false => text.to_owned(),
    }
}

fn table(prediction: &Prediction) -> TextTable {
    let mut table = TextTable::new();
    let names = ["unique_id", "ds"]
        .into_iter()
        .chain(prediction.columns.iter().map(String::as_str));
    table.row(names.chain(["model"]).map(|name| (Tone::Faint, name.to_owned())));
    for row in &prediction.rows {
        let numbers = row.numbers.iter().map(|number| format!("{number:.3}"));
        let cells = [row.unique_id.clone(), row.ds.replace('T', " ")]
            .into_iter()
            .chain(numbers);
        table.row(cells.chain([row.model.clone()]).map(|cell| (Tone::Plain, cell)));
    }
    table
}
