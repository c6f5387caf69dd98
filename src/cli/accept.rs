//! `atsaf accept`: takes targets for fresh as they are, for a reason that is kept and shown.

use serde_json::json;

use super::setup::Project;
use super::{CommandError, Exit, Session, build};
use crate::diagnostic::Diagnostic;
use crate::engine::accept::{self, AcceptError, Accepting, Refusal};
use crate::engine::graph::TargetId;
use crate::report::ink::Tone;
use crate::report::{advice, events, human, json as report_json, plan, reasons};

/// Take targets for fresh as they are, until something changes again
#[derive(Debug, clap::Args)]
#[command(
    after_help = "What they were made from stays what the journal tells; a changed input, parameter or file makes them stale again."
)]
pub(super) struct Args {
    /// Targets, artifacts, artifacts' paths or aliases: these alone, not what they need
    #[arg(value_name = "TARGET", required = true)]
    targets: Vec<String>,
    /// Why: it is kept and shown
    #[arg(short = 'm', long = "message", value_name = "WHY", value_parser = message)]
    message: String,
}

fn message(text: &str) -> Result<String, String> {
    const LONGEST: usize = 1000;
    let text = text.trim();
    match text.chars().count() {
        0 => Err("say why: whoever looks at the target later will ask".to_owned()),
        1..=LONGEST => Ok(text.to_owned()),
        _ => Err(format!("no more than {LONGEST} characters")),
    }
}

/// Accepts.
pub(super) fn run(args: &Args, session: &Session) -> Result<Exit, CommandError> {
    let project = session.load()?;
    build::refuse_inside(&project)?;
    let targets = project.goals(&args.targets)?;
    let why = crate::outward::Mask::new(project.secrets.values().map(String::as_str));
    let why = why.hide(&args.message);
    let told = accept::accept(project.context(), &targets, &why).map_err(|error| match error {
        AcceptError::Plan(errors) => project.plan_failure(&errors),
        AcceptError::Store(error) => CommandError::store(error),
    })?;
    let mut diagnostics = Vec::new();
    for (id, accepting) in &told {
        match accepting {
            Accepting::Refused(refusal) => diagnostics.push(refused(&project, *id, refusal)),
            _ if session.screen.json() => {}
            Accepting::Accepted { reasons } => say(&project, *id, &reasons::brief(reasons), session),
            Accepting::IsFresh => {
                let name = project.graph.name(*id);
                session
                    .screen
                    .say(&format!("{name} is fresh: there is nothing to accept\n"));
            }
        }
    }
    if session.screen.json() {
        session.screen.print_json(&to_json(&project, &told, &why));
    }
    match diagnostics.is_empty() {
        true => Ok(Exit::Done),
        false => Err(CommandError {
            diagnostics,
            exit: Exit::Failed,
        }),
    }
}

fn say(project: &Project, id: TargetId, reasons: &str, session: &Session) {
    let screen = &session.screen;
    let name = project.graph.name(id);
    let word = screen.err_ink().paint(Tone::Stale, "accepted");
    let although = match reasons.is_empty() {
        true => String::new(),
        false => format!(", although {reasons}"),
    };
    screen.say(&format!("{word}  {name}{although}\n"));
}

fn refused(project: &Project, id: TargetId, refusal: &Refusal) -> Diagnostic {
    let graph = &project.graph;
    let name = graph.name(id);
    let error = |what: &str| Diagnostic::error(format!("`{name}` cannot be accepted: {what}"));
    let build = format!("build it: `atsaf build {}`", human::word(name));
    match refusal {
        Refusal::NeverBuilt => error("it was never built, so there is no result to take for fresh").help(build),
        Refusal::CutShort => error("a build was cut short while it placed the artifacts").help(build),
        Refusal::Missing { path } => error(&format!("`{path}` is missing")).help(build),
        Refusal::OtherKind { path } => {
            error(&format!("`{path}` is not what the target makes, or cannot be read")).at(advice::place(graph, id))
        }
        Refusal::Needs(needs) => {
            let names = plan::names(graph, needs);
            let what = match needs.is_empty() {
                true => "what it reads is not known".to_owned(),
                false => format!("what it reads is not known, since {names} must run first"),
            };
            error(&what).help("build or accept that first")
        }
        Refusal::Busy(holder) => error(&format!("{} is at it", events::holder(holder))).help("wait for its end"),
    }
}

/// `{"why": TEXT, "targets": [..]}`: each with `target`, `outcome` (`accepted`, `fresh` or `refused`) and the `reasons` that
/// count no longer.
fn to_json(project: &Project, told: &[(TargetId, Accepting)], why: &str) -> serde_json::Value {
    let graph = &project.graph;
    let one = |(id, accepting): &(TargetId, Accepting)| {
        let (outcome, reasons) = match accepting {
            Accepting::Accepted { reasons } => ("accepted", reasons.as_slice()),
            Accepting::IsFresh => ("fresh", &[][..]),
            Accepting::Refused(_) => ("refused", &[][..]),
        };
        json!({
            "target": graph.name(*id),
            "outcome": outcome,
            "reasons": report_json::reasons(reasons, graph, *id),
        })
    };
    json!({ "why": why, "targets": told.iter().map(one).collect::<Vec<_>>() })
}
