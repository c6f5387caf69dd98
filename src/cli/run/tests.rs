//! The flags that an Atsaffile gives `run`, and what they do.

use clap::Parser as _;

use super::*;
use crate::cli::trial::Trial;
use crate::cli::{Cli, CliCommand};
use crate::engine::spec::schema::{Literal, ParamSchema, Port};
use crate::engine::task::{Context, Task, TaskError, Tasks};

struct Fit;

static FIT: Schema = Schema {
    name: "fit",
    summary: "fits models",
    params: &[
        ParamSchema {
            name: "horizon",
            kind: Kind::Int { min: 1, max: 8760 },
            default: Some(Literal::Int(24)),
            doc: "hours to forecast",
        },
        ParamSchema {
            name: "models",
            kind: Kind::List(&Kind::Choice(&["SeasonalNaive", "HoltWinters"])),
            default: Some(Literal::Texts(&["SeasonalNaive"])),
            doc: "what is compared",
        },
        ParamSchema {
            name: "start_date",
            kind: Kind::Date,
            default: None,
            doc: "first day",
        },
        ParamSchema {
            name: "level",
            kind: Kind::Float {
                min: 0.0,
                max: 100.0,
                open: true,
            },
            default: Some(Literal::Float(95.0)),
            doc: "% of the intervals",
        },
    ],
    outputs: &[Port {
        name: "fitted",
        doc: "the models",
    }],
    ..Schema::EMPTY
};

impl Task for Fit {
    fn schema(&self) -> &'static Schema {
        &FIT
    }

    fn run(&self, context: &Context<'_>) -> Result<(), TaskError> {
        let text = format!("{:?}\n", context.params);
        #[expect(clippy::disallowed_methods, reason = "a test's own task")]
        std::fs::write(context.output("fitted"), text).map_err(|error| TaskError::new(error.to_string()))
    }
}

fn tasks() -> Tasks {
    Tasks::new(vec![Box::new(Fit)])
}

const ATSAFFILE: &str = r#"
[project]
name = "trial"
default = ["fitted"]

[alias]
check = ["note"]

[params]
start_date = "2023-06-01"
horizon = 24
output_dir = "artifacts"
file = "a.txt"
words = ["one"]

[target.fit]
uses = "fit"
outputs = { fitted = "{{output_dir}}/fitted.txt" }

[target.note]
run = "echo {{output_dir}} {{file}} {{words}} > {{output}}"
output = "{{output_dir}}/note.txt"
"#;

fn trial() -> Trial {
    Trial::new(ATSAFFILE).with_tasks(tasks)
}

/// What the flags come to, or what is said about them.
fn resolved(trial: &Trial, args: &[&str]) -> Result<(Common, build::Args), String> {
    let dir = trial.at("");
    let words = ["atsaf", "-C", dir.to_str().expect("UTF-8"), "run"]
        .into_iter()
        .chain(args.iter().copied());
    let cli = Cli::try_parse_from(words).expect("any flags");
    match cli.resolve(tasks) {
        Ok(Cli {
            common,
            command: CliCommand::Build(build),
        }) => Ok((common, build)),
        Ok(other) => panic!("not a build: {other:?}"),
        Err(Refused::Clap(error)) => Err(error.render().to_string()),
        Err(Refused::Failed(failure)) => Err(failure.diagnostics.iter().map(Diagnostic::render).collect()),
    }
}

#[test]
fn flags_become_values() {
    let trial = trial();
    let args = [
        "--start-date",
        "2023-07-01",
        "--horizon=48",
        "--output-dir",
        "out2/",
        "--overwrite",
        "--model-list",
        "SeasonalNaive,HoltWinters",
        "-j",
        "2",
        "note",
        "-q",
    ];
    let (common, build) = resolved(&trial, &args).expect("sound flags");
    let set: Vec<(&str, &str)> = common
        .set
        .iter()
        .map(|(key, value)| (key.as_str(), value.as_str()))
        .collect();
    assert_eq!(
        set,
        [
            ("start_date", "2023-07-01"),
            ("horizon", "48"),
            ("output_dir", "out2"),
            ("models", "SeasonalNaive,HoltWinters"),
        ]
    );
    assert!(build.force && common.quiet);
    assert_eq!(
        (build.goals, build.jobs.map(std::num::NonZeroUsize::get)),
        (vec!["note".to_owned()], Some(2))
    );
}

#[test]
fn check_only_is_the_alias() {
    let (_, build) = resolved(&trial(), &["--check-only"]).expect("sound flags");
    assert_eq!(build.goals, ["check"]);
    let without = Trial::new(&ATSAFFILE.replace("check =", "verify =")).with_tasks(tasks);
    assert_eq!(
        resolved(&without, &["--check-only"]).expect_err("no such alias"),
        "error: `--check-only` makes the alias `check`, which the Atsaffile has not\n  help: declare it: `[alias]`, and \
         below it `check = [\"a goal\"]`\n"
    );
}

#[test]
fn a_wrong_value_is_told_with_what_would_fit() {
    let trial = trial();
    let said = |args: &[&str]| {
        resolved(&trial, args)
            .expect_err("a wrong value")
            .lines()
            .next()
            .unwrap_or_default()
            .to_owned()
    };
    assert_eq!(
        said(&["--horizon", "0"]),
        "error: invalid value '0' for '--horizon <VALUE>': expected a whole number from 1 to 8760"
    );
    assert_eq!(
        said(&["--horizon", "x"]),
        "error: invalid value 'x' for '--horizon <VALUE>': expected a whole number from 1 to 8760"
    );
    assert_eq!(
        said(&["--start-date", "2023-06-31"]),
        "error: invalid value '2023-06-31' for '--start-date <VALUE>': expected a date such as 2023-06-01"
    );
    assert_eq!(
        said(&["--models", "HoltWinter"]),
        "error: invalid value 'HoltWinter' for '--models <A,B>': expected one of SeasonalNaive, HoltWinters (did you mean HoltWinters?)"
    );
    assert_eq!(said(&["--horizn", "3"]), "error: unexpected argument '--horizn' found");
}

#[test]
fn help_tells_each_parameter() {
    let trial = trial();
    let help = resolved(&trial, &["--help"]).expect_err("help");
    // Lines are broken where the terminal ends.
    let words: Vec<&str> = help
        .split_whitespace()
        .skip_while(|word| *word != "Parameters")
        .collect();
    let dir = trial.at("");
    let parameters = words.join(" ").replace(dir.to_str().expect("UTF-8"), "");
    let expected = "Parameters of the Atsaffile: \
        --start-date <VALUE> first day; a date such as 2023-06-01 [now: 2023-06-01, Atsaffile:10] \
        --horizon <VALUE> hours to forecast; a whole number from 1 to 8760 [now: 24, Atsaffile:11] \
        --output-dir <VALUE> read by note; a string [now: artifacts, Atsaffile:12] \
        --param-file <VALUE> read by note; a string [now: a.txt, Atsaffile:13] \
        --words <A,B> read by note; a list, its items between commas [now: one, Atsaffile:14] \
        Parameters of its tasks: \
        --models <A,B> what is compared; a list of SeasonalNaive, HoltWinters [default: SeasonalNaive] \
        [alias: --model-list] \
        --level <VALUE> % of the intervals; a number between 0 and 100 [default: 95.0]";
    assert_eq!(parameters, expected);
}

#[test]
fn a_parameter_with_the_name_of_a_flag_gets_another() {
    let trial = trial();
    let (common, _) = resolved(&trial, &["--param-file", "b.txt"]).expect("sound flags");
    assert_eq!(common.set, [("file".to_owned(), "b.txt".to_owned())]);
}

#[test]
fn a_pipeline_runs_with_its_flags_and_a_slash_changes_nothing() {
    let trial = trial();
    let said = trial.run(&["run", "--words", "two,three", "--output-dir", "artifacts/", "note"]);
    assert_eq!(said.exit, Exit::Done, "{said:?}");
    let note = std::fs::read_to_string(trial.at("artifacts/note.txt")).expect("built");
    assert_eq!(note, "artifacts a.txt two,three\n");
    let again = trial.run(&["run", "--words", "two,three", "--output-dir", "artifacts", "note"]);
    assert_eq!(again.exit, Exit::Done, "{again:?}");
    assert!(!again.err.contains("note  "), "nothing ran: {again:?}");
}

#[test]
fn an_atsaffile_that_is_none_is_told() {
    let trial = Trial::new("[params\n");
    let said = resolved(&trial, &["--horizon", "3"]).expect_err("no Atsaffile");
    assert!(said.starts_with("error: "), "{said}");
    assert!(said.contains("[params"), "{said}");
}
