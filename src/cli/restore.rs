//! `atsaf restore`: puts back what an earlier run left, whether it fits today or not.

use serde_json::json;

use super::past::Stood;
use super::setup::Project;
use super::{CommandError, Exit, Session, build, log, past};
use crate::diagnostic::Diagnostic;
use crate::engine::bring_back::{self, BringBack, BringBackError, Refusal};
use crate::engine::graph::TargetId;
use crate::engine::plan::{self, Verdict};
use crate::engine::run_id::RunId;
use crate::engine::store::entry::ResultEntry;
use crate::outward::Mask;
use crate::report;
use crate::report::history::Story;
use crate::report::ink::Tone;
use crate::report::{advice, events, human, reasons};

/// Put back what an earlier run left of some targets, out of the copies in the store
#[derive(Debug, clap::Args)]
#[command(
    after_help = "It runs nothing. What then lies there is stale if it was made from something else than what the Atsaffile says now: `atsaf status` and `atsaf why` tell it, and the next build makes it anew. To keep it, set what it was made with, or `atsaf accept` it."
)]
pub(super) struct Args {
    /// Targets, artifacts, artifacts' paths or aliases: these alone, not what they need
    #[arg(value_name = "GOAL", required = true)]
    goals: Vec<String>,
    /// The run after which they stood as they are to stand; the first digits of its id are enough
    #[arg(long, value_name = "ID")]
    run: String,
}

/// Restores.
pub(super) fn run(args: &Args, session: &Session) -> Result<Exit, CommandError> {
    let project = session.load()?;
    build::refuse_inside(&project)?;
    let story = log::story(&project)?;
    let run = log::find_run(&story, &args.run)?;
    let targets = project.goals(&args.goals)?;
    let mask = Mask::new(project.secrets.values().map(String::as_str));
    let wanted = BringBack {
        results: results(&project, &story, run, &targets)?,
        asked: args.goals.clone(),
        set: session.common.set.clone(),
        mask: &mask,
    };
    let done = build::observing(&project.graph, session, false, |observer| {
        bring_back::bring_back(project.context(), &wanted, observer)
    });
    let summary = done.map_err(|error| match error {
        BringBackError::Store(error) => CommandError::store(error),
        BringBackError::Refused(all) => CommandError {
            diagnostics: all.iter().map(|(id, why)| refused(&project, *id, run, why)).collect(),
            exit: Exit::Failed,
        },
    })?;
    if summary.restored + summary.failed == 0 {
        if session.screen.json() {
            let names: Vec<&str> = targets.iter().map(|id| project.graph.name(*id)).collect();
            session
                .screen
                .print_json(&json!({ "event": "nothing_to_put_back", "run": run.to_string(), "targets": names }));
        }
        let names = report::plan::names(&project.graph, &targets);
        let text = format!(
            "nothing to put back: it lies there as after run {} ({names})\n",
            run.short()
        );
        session.screen.say(&text);
    }
    tell_stale(&project, &targets, session);
    Ok(build::exit_of(&summary))
}

/// What stood in the places of the targets when a run was over.
fn results(
    project: &Project,
    story: &Story,
    run: RunId,
    targets: &[TargetId],
) -> Result<Vec<(TargetId, ResultEntry)>, CommandError> {
    let mut missing = Vec::new();
    let mut found = Vec::with_capacity(targets.len());
    for id in targets {
        let name = project.graph.name(*id);
        match past::stood(story, name, run) {
            Stood::Result(made) => found.push((*id, made.clone())),
            Stood::Unknown => missing.push(past::unknown(name, name, run).note("nothing was changed")),
            Stood::Nothing => missing.push(
                Diagnostic::error(format!("nothing of `{name}` was there after run {}", run.short()))
                    .help(format!("`atsaf log {}` shows the runs that made it", human::word(name))),
            ),
        }
    }
    match missing.is_empty() {
        true => Ok(found),
        false => Err(CommandError {
            diagnostics: missing,
            exit: Exit::Usage,
        }),
    }
}

fn refused(project: &Project, id: TargetId, run: RunId, why: &Refusal) -> Diagnostic {
    let graph = &project.graph;
    let name = graph.name(id);
    let error = |why: &str| {
        Diagnostic::error(format!(
            "what run {} left of `{name}` cannot be put back: {why}",
            run.short()
        ))
        .note("nothing was changed")
    };
    let values = format!(
        "set what it was made with and build: `atsaf build -s NAME=VALUE {}`",
        human::word(name)
    );
    match why {
        Refusal::Effect => error("it acts outside the project, which no copy does again").at(advice::place(graph, id)),
        Refusal::WritesSource => error("its command writes a source of another target, of which there is no copy")
            .at(advice::place(graph, id))
            .help(values),
        Refusal::Blind => error("it is not known what it was made from beyond what is declared").help(values),
        Refusal::OtherOutputs(output) => error(&format!("it had no such output `{output}`"))
            .at(advice::place(graph, id))
            .help(format!(
                "`atsaf show {} --run {}` shows what there was",
                human::word(name),
                run.short()
            )),
        Refusal::Gone(output) => error(&format!("the store has no copy of `{output}`"))
            .note("`cache = false` keeps none, and `atsaf gc` gives old ones up")
            .help(values),
        Refusal::Busy(holder) => error(&format!("{} is at it", events::holder(holder))).help("wait for its end"),
    }
}

/// Says which targets the next build would make anew, and why.
fn tell_stale(project: &Project, targets: &[TargetId], session: &Session) {
    let screen = &session.screen;
    if screen.json() {
        return;
    }
    project.files.forget_looks();
    // What keeps a plan from being made is told by the command that wants one.
    let Ok(plan) = plan::plan(project.context().inputs(), targets, false) else {
        return;
    };
    let mut first = None;
    for step in plan.open().filter(|step| targets.contains(&step.target)) {
        let name = project.graph.name(step.target);
        let (word, why) = match step.verdict {
            Verdict::Undecided => ("undecided", "what it needs has to run first".to_owned()),
            _ => ("stale    ", reasons::brief(step.verdict.reasons())),
        };
        let word = screen.err_ink().paint(Tone::Stale, word);
        screen.say(&format!("{word}  {name}  {why}\n"));
        if step.verdict != Verdict::Undecided {
            first.get_or_insert(name);
        }
    }
    if let Some(name) = first {
        screen.say(&format!(
            "the next build makes it anew; to keep it, set what it was made with, or `atsaf accept {} -m WHY`\n",
            human::word(name)
        ));
    }
}
