//! What other programs' pipelines in the directory become.

use std::path::Path;

use super::{Project, atsaffile, command};
use crate::atsaffile::{self as language, FileAnswers, Overrides};
use crate::cli::asked_files;
use crate::cli::small_file;
use crate::cli::{CommandError, Exit, Session};
use crate::diagnostic::{Diagnostic, Severity};
use crate::engine::lookups::Lookups;
use crate::report::human;

const FILE: &str = "dvc.yaml";

/// Most bytes of a `dvc.yaml`.
const LARGEST: u64 = 4 << 20;

/// What is said of other programs' files in a directory.
pub(super) fn found(directory: &Path) -> Vec<String> {
    let mut found = Vec::new();
    if directory.join(FILE).is_file() {
        found.push(match translated(directory) {
            Ok(translation) => {
                let stages = human::count(translation.stages, "stage");
                let left = human::count(translation.left.len(), "thing");
                format!("{FILE} is here: `atsaf init dvc` translates its {stages}, and says {left} that it does not")
            }
            Err(_) => format!("{FILE} is here, and cannot be read: `atsaf init dvc` says why"),
        });
    }
    if directory.join("Snakefile").is_file() || directory.join("workflow/Snakefile").is_file() {
        found.push(
            "A Snakefile is here. It is a Python program, and nothing of it is translated: `atsaf help from-snakemake` has \
             the same project side by side, `atsaf init minimal` a file to begin with"
                .to_owned(),
        );
    }
    if ["Makefile", "makefile", "GNUmakefile"]
        .iter()
        .any(|name| directory.join(name).is_file())
    {
        found.push(
            "A Makefile is here. Nothing of it is translated: `atsaf help from-make` has the same project side by side"
                .to_owned(),
        );
    }
    found
}

fn translated(directory: &Path) -> Result<language::DvcTranslation, Vec<Diagnostic>> {
    let told = |what: String| vec![Diagnostic::error(what)];
    let bytes = small_file::read(&directory.join(FILE), LARGEST).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => vec![
            Diagnostic::error(format!("there is no `{FILE}` here"))
                .help("go to the directory that has it, or use `-C DIR`"),
        ],
        _ => told(format!("`{FILE}` cannot be read: {error}")),
    })?;
    let text = String::from_utf8(bytes).map_err(|_| told(format!("`{FILE}` is not UTF-8 text")))?;
    let is_directory = |path: &str| Some(std::fs::metadata(directory.join(path)).ok()?.is_dir());
    language::from_dvc(FILE, &text, &is_directory)
}

/// The translation of the `dvc.yaml` in a directory.
pub(super) fn project(directory: &Path, session: &Session) -> Result<Project, CommandError> {
    let usage = |diagnostics| CommandError {
        diagnostics,
        exit: Exit::Usage,
    };
    let translation = translated(directory).map_err(usage)?;
    let mut notes = translation.left;
    let mistakes = mistakes(&translation.atsaffile, directory, session);
    if !mistakes.is_empty() {
        notes.push(format!(
            "{} to mend by hand: `atsaf check` tells each with its line",
            human::count(mistakes.len(), "mistake")
        ));
    }
    Ok(Project {
        files: vec![atsaffile(&translation.atsaffile)],
        notes,
        next: vec![
            command("atsaf check", "whether all is as it should be"),
            command("atsaf plan", "what would run; the first time, everything"),
            command("atsaf help from-dvc", "what is otherwise than in DVC"),
        ],
    })
}

/// What is wrong with a text as an Atsaffile of the directory.
fn mistakes(text: &str, directory: &Path, session: &Session) -> Vec<Diagnostic> {
    let found: FileAnswers = asked_files::look(directory, text, &mut Lookups::default());
    let catalog = (session.tasks)().catalog();
    let (_, diagnostics) = language::load_with("Atsaffile", text, &Overrides::default(), &found, &catalog);
    let is_error = |it: &Diagnostic| it.severity == Severity::Error;
    diagnostics.into_iter().filter(is_error).collect()
}
