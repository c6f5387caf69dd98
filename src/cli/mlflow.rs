//! `atsaf mlflow push`: registrations of the embedded store, made on a server as well.

use std::collections::BTreeMap;

use serde_json::json;

use super::setup::Project;
use super::{CommandError, Exit, Session, interrupt};
use crate::diagnostic::Diagnostic;
use crate::engine::spec::{Action, Value};
use crate::engine::task::{Message, TaskError};
use crate::forecasting::{PushRequest, PushedVersion, push};

/// The task whose parameters say where registrations are.
const TASK: &str = "register_champion";
/// What the task registers in where nobody says otherwise.
const EMBEDDED: &str = "sqlite:///mlflow/mlflow.db";

/// Work with the champions that are registered in MLflow
#[derive(Debug, clap::Args)]
#[command(subcommand_required = true, arg_required_else_help = true)]
pub(super) struct Args {
    #[command(subcommand)]
    command: MlflowCommand,
}

#[derive(Debug, clap::Subcommand)]
enum MlflowCommand {
    /// Register on a server what is registered in the project, each champion once
    Push(Push),
}

#[derive(Debug, clap::Args)]
struct Push {
    /// The database to read
    #[arg(long, value_name = "URI", default_value = EMBEDDED)]
    from: String,
    /// The server; without it, that of `MLFLOW_TRACKING_URI`
    #[arg(long, value_name = "URL")]
    to: Option<String>,
}

/// Registers, and says what stands on the server.
pub(super) fn run(args: &Args, session: &Session) -> Result<Exit, CommandError> {
    let MlflowCommand::Push(args) = &args.command;
    let project = session.load()?;
    let Some(to) = args.to.as_ref().or_else(|| project.env.get("MLFLOW_TRACKING_URI")) else {
        return Err(CommandError::usage(
            Diagnostic::error("no server is named")
                .help("name it: `--to http://localhost:5000`, or `MLFLOW_TRACKING_URI`"),
        ));
    };
    let mut variables: BTreeMap<String, String> = project.env.clone();
    variables.extend(project.secrets.clone());
    let workspace = workspace(&project);
    let pushed = push(PushRequest {
        project: project.files.root(),
        from: &args.from,
        to,
        workspace: &workspace,
        variables: &variables,
        cancelled: interrupt::watch(),
        say: &|message| {
            if let Message::Warning(text) = message {
                session.screen.tell(&Diagnostic::warning(text));
            }
        },
    })
    .map_err(failure)?;
    tell(&pushed, session);
    Ok(Exit::Done)
}

/// The workspace that the project's target names.
fn workspace(project: &Project) -> String {
    let mut targets = project.graph.spec.targets.iter();
    let target = targets.find(|target| matches!(&target.action, Action::Builtin { task, .. } if task == TASK));
    let param = target.and_then(|target| target.params.iter().find(|param| param.name == "workspace"));
    match param.map(|param| &param.value) {
        Some(Value::Text(workspace)) => workspace.clone(),
        _ => "default".to_owned(),
    }
}

fn tell(pushed: &[PushedVersion], session: &Session) {
    let screen = &session.screen;
    if screen.json() {
        let version = |it: &PushedVersion| json!({ "model": it.model, "version": it.version, "alias": it.alias, "run_id": it.run_id });
        let versions: Vec<_> = pushed.iter().map(version).collect();
        screen.print_json(&json!({ "versions": versions }));
        return;
    }
    for PushedVersion {
        model,
        version,
        alias,
        run_id,
    } in pushed
    {
        let alias = alias.as_ref().map_or_else(String::new, |alias| format!(" @{alias}"));
        screen.print(&format!("{model} version {version}{alias}, run {run_id}\n"));
    }
    if pushed.is_empty() {
        screen.say("nothing is registered in the project");
    }
}

fn failure(error: TaskError) -> CommandError {
    let diagnostic = Diagnostic::error(error.what);
    let diagnostic = error.notes.into_iter().fold(diagnostic, Diagnostic::note);
    CommandError {
        diagnostics: vec![error.help.into_iter().fold(diagnostic, Diagnostic::help)],
        exit: Exit::Failed,
    }
}
