//! What other programs' pipelines in the directory become.

use std::path::{Path, PathBuf};

use walkdir::WalkDir;

use super::{Project, atsaffile, command};
use crate::atsaffile::{self as language, FileAnswers, Overrides, Translation};
use crate::cli::asked_files;
use crate::cli::small_file;
use crate::cli::{CommandError, Exit, Session};
use crate::diagnostic::{Diagnostic, Severity};
use crate::engine::lookups::Lookups;
use crate::report::human;

/// Most bytes of a pipeline, and of what it is configured by.
const LARGEST: u64 = 4 << 20;

/// Most files that a pattern of Snakemake's is compared with.
const MOST_FILES: usize = 200_000;

/// A program whose pipelines are translated.
#[derive(Clone, Copy)]
pub(super) enum Source {
    Dvc,
    Snakemake,
}

impl Source {
    /// Where its pipeline may be.
    fn files(self) -> &'static [&'static str] {
        match self {
            Self::Dvc => &["dvc.yaml"],
            Self::Snakemake => &["Snakefile", "workflow/Snakefile"],
        }
    }

    /// The name of the template, and what a step is called.
    fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Dvc => ("dvc", "stage"),
            Self::Snakemake => ("snakemake", "rule"),
        }
    }

    fn found(self, directory: &Path) -> Option<&'static str> {
        self.files().iter().copied().find(|file| directory.join(file).is_file())
    }

    fn translated(self, directory: &Path) -> Result<Translation, Vec<Diagnostic>> {
        let error = |what: String| vec![Diagnostic::error(what)];
        let file = self.found(directory).ok_or_else(|| {
            let what = format!("there is no `{}` here", self.files()[0]);
            vec![Diagnostic::error(what).help("go to the directory that has it, or use `-C DIR`")]
        })?;
        let text = text(&directory.join(file)).map_err(|why| error(format!("`{file}` cannot be read: {why}")))?;
        match self {
            Self::Dvc => {
                let is_directory = |path: &str| Some(std::fs::metadata(directory.join(path)).ok()?.is_dir());
                language::from_dvc(file, &text, &is_directory)
            }
            Self::Snakemake => language::from_snakemake(file, &text, &Below(directory)),
        }
    }
}

fn text(path: &Path) -> Result<String, String> {
    let bytes = small_file::read(path, LARGEST).map_err(|error| error.to_string())?;
    String::from_utf8(bytes).map_err(|_| "it is not UTF-8 text".to_owned())
}

/// The files of a directory.
struct Below<'d>(&'d Path);

impl language::Disk for Below<'_> {
    fn read(&self, path: &str) -> Result<String, String> {
        text(&self.0.join(path)).map_err(|why| format!("`{path}` cannot be read: {why}"))
    }

    fn below(&self, directory: &str) -> Vec<String> {
        let entries = WalkDir::new(self.0.join(directory)).min_depth(1);
        let path = |path: PathBuf| Some(path.strip_prefix(self.0).ok()?.to_str()?.to_owned());
        entries
            .into_iter()
            .take(MOST_FILES)
            .filter_map(|entry| path(entry.ok()?.into_path()))
            .collect()
    }

    fn is_there(&self, path: &str) -> bool {
        self.0.join(path).exists()
    }
}

/// What is said of other programs' files in a directory.
pub(super) fn found(directory: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for source in [Source::Dvc, Source::Snakemake] {
        let Some(file) = source.found(directory) else { continue };
        let (template, step) = source.words();
        found.push(match source.translated(directory) {
            Ok(translation) => {
                let steps = human::count(translation.targets, step);
                let left = human::count(translation.left.len(), "thing");
                format!(
                    "{file} is here: `atsaf init {template}` translates its {steps}, and says {left} that it does not"
                )
            }
            Err(_) => format!("{file} is here, and cannot be read: `atsaf init {template}` says why"),
        });
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

/// The translation of the pipeline in a directory.
pub(super) fn project(source: Source, directory: &Path, session: &Session) -> Result<Project, CommandError> {
    let usage = |diagnostics| CommandError {
        diagnostics,
        exit: Exit::Usage,
    };
    let translation = source.translated(directory).map_err(usage)?;
    let mut notes = translation.left;
    let mistakes = mistakes(&translation.atsaffile, directory, session);
    if !mistakes.is_empty() {
        notes.push(format!(
            "{} to mend by hand: `atsaf check` tells each with its line",
            human::count(mistakes.len(), "mistake")
        ));
    }
    let differences = match source {
        Source::Dvc => command("atsaf help from-dvc", "what is otherwise than in DVC"),
        Source::Snakemake => command("atsaf help from-snakemake", "what is otherwise than in Snakemake"),
    };
    Ok(Project {
        files: vec![atsaffile(&translation.atsaffile)],
        notes,
        next: vec![
            command("atsaf check", "whether all is as it should be"),
            command("atsaf plan", "what would run; the first time, everything"),
            differences,
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
