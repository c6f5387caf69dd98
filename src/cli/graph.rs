//! `atsaf graph`: what is made of what, as text, for other tools, or as a picture.

use super::{CommandError, Exit, Session};
use crate::diagnostic::Severity;
use crate::engine::plan::plan;
use crate::export::{Picture, dot, json, mermaid, svg, tree};

/// Show targets, artifacts and sources, and what is made of what
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Targets, artifacts, artifacts' paths or aliases [default: the project's own]
    #[arg(value_name = "GOAL")]
    goals: Vec<String>,
    /// How to draw it
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t = Format::Tree)]
    format: Format,
}

/// How a graph is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// Plain text, each goal with what it needs below it
    Tree,
    /// For Graphviz
    Dot,
    /// For Markdown on a code host
    Mermaid,
    /// For programs
    Json,
    /// A picture
    Svg,
}

/// Draws the graph.
pub(super) fn run(args: &Args, session: &Session) -> Result<Exit, CommandError> {
    let project = session.load()?;
    let goals = project.goals(&args.goals)?;
    let plan = plan(project.context().inputs(), &goals, false);
    if let Err(errors) = &plan {
        for mut diagnostic in project.plan_failure(errors).diagnostics {
            diagnostic.severity = Severity::Warning;
            session
                .screen
                .tell(&diagnostic.note("the graph is drawn without states"));
        }
    }
    let format = if session.screen.json() {
        Format::Json
    } else {
        args.format
    };
    let mut picture = Picture::new(&project.graph, &goals, plan.as_ref().ok());
    if format != Format::Json && !session.common.expand {
        picture.collapse();
    }
    let drawn = match format {
        Format::Tree => tree::tree(&picture),
        Format::Dot => dot::dot(&picture),
        Format::Mermaid => mermaid::mermaid(&picture),
        Format::Json => {
            session.screen.print_json_laid_out(&json::json(&picture));
            return Ok(Exit::Done);
        }
        Format::Svg => svg::svg(&picture),
    };
    session.screen.print(&drawn);
    Ok(Exit::Done)
}

#[cfg(test)]
mod tests;
