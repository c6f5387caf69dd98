//! Commands and parameter files: what reaches a command that reads such a file itself, and what of the file is its input.

use std::collections::HashMap;

use super::mistakes::Mistakes;
use super::params;
use super::path;
use super::resolve::Resolver;
use super::targets::Draft;
use crate::engine::spec::{Command, Origin, Param};

impl Resolver<'_, '_> {
    /// The parameter file that a parameter comes from.
    fn file_of(&self, param: &Param) -> Option<usize> {
        self.sources.file_of(param.origin.span()?)
    }

    /// The parameter files of which a target names keys in `params`.
    fn named_params_files(&self, draft: &Draft<'_>) -> Vec<&str> {
        let files = draft.params.iter().filter_map(|word| {
            let declared = self.params.get(word.text)?;
            let file = self.sources.file_of(declared.span)?;
            Some(self.params_files.get(file)?.path.as_str())
        });
        files.collect()
    }

    /// The paths of the parameter files that some parameters come from.
    pub(super) fn params_files_of(&self, params: &[&Param]) -> Vec<&str> {
        let files = params
            .iter()
            .filter_map(|param| self.params_files.get(self.file_of(param)?));
        files.map(|file| file.path.as_str()).collect()
    }

    /// Checks what a command does with the parameters of files.
    pub(super) fn check_file_params(
        &self,
        draft: &Draft<'_>,
        command: &Command,
        params: &[Param],
        mistakes: &mut Mistakes,
    ) {
        if self.sources.files.is_empty() {
            return;
        }
        for param in command.takes_elsewhere(params) {
            if matches!(param.origin, Origin::CommandLine(_)) && self.file_of(param).is_some() {
                self.does_not_reach(draft, param, mistakes);
            }
        }
        if params.iter().any(|param| self.file_of(param).is_some()) {
            differ_too_little(draft, params, mistakes);
        }
        self.warn_of_whole_files(draft, mistakes);
    }

    /// Refuses `-s` for what a command reads from the file itself, where the value is another.
    fn does_not_reach(&self, draft: &Draft<'_>, param: &Param, mistakes: &mut Mistakes) {
        let (name, target) = (&param.name, draft.name.text);
        let file = self
            .file_of(param)
            .map_or("", |at| self.sources.files[at].path.as_str());
        let word = draft.params.iter().find(|word| word.text == name);
        mistakes
            .error(
                word.map_or(draft.name.span, |word| word.span),
                format!("`-s` sets `{name}`, and the command of `{target}` does not take its value from atsaf"),
            )
            .note(format!("it may read `{file}` itself, where another value stands"))
            .help(format!(
                "put `{{{{{name}}}}}` into the command, let it read the JSON file `{{{{params_file}}}}`, or change the value in `{file}`"
            ));
    }

    /// Warns where a target names keys of a parameter file, and the whole file as well.
    fn warn_of_whole_files(&self, draft: &Draft<'_>, mistakes: &mut Mistakes) {
        let named = self.named_params_files(draft);
        for (_, word) in &draft.inputs {
            let path = path::normalise(word.text);
            if named.contains(&path.as_str()) {
                mistakes
                    .warning(
                        word.span,
                        format!("every change of `{path}` makes `{}` stale", draft.name.text),
                    )
                    .note("the file is an input, so that the keys of it in `params` do not matter")
                    .help("leave it out of `inputs`; a command may read it for the keys that `params` names");
            }
        }
    }
}

/// Refuses two parameters of a target that reach its command as one environment variable.
fn differ_too_little(draft: &Draft<'_>, params: &[Param], mistakes: &mut Mistakes) {
    let mut seen: HashMap<String, &Param> = HashMap::new();
    for param in params {
        let variable = params::variable(&param.name);
        if let Some(first) = seen.get(&variable) {
            let what = format!("the parameters `{}` and `{}` differ too little", first.name, param.name);
            mistakes
                .error(draft.name.span, what)
                .note(format!("both would reach the command as `$ATSAF_PARAM_{variable}`"))
                .help("rename one of them, or name the table that they stand in");
        } else {
            seen.insert(variable, param);
        }
    }
}
