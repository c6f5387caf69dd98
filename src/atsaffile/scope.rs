//! The values that one target can see, and putting them into a template.

use std::borrow::Cow;

use super::instances::DraftInstance;
use super::mistakes::Mistakes;
use super::params::{Declared, Params};
use super::syntax::{self, Word};
use super::targets::Draft;
use super::template::{self, Hole, TemplatePart};
use crate::engine::spec::{Origin, Value};

/// The values that one target can see.
#[derive(Clone, Copy)]
pub(super) struct Scope<'p, 't> {
    params: &'p Params<'t>,
    with: &'p [Declared<'t>],
    instance: Option<&'p DraftInstance<'t>>,
    /// Whether values may be missing after a mistake that is told.
    is_broken: bool,
}

/// What a name means in a scope.
pub(super) enum Lookup<'p> {
    /// A value and where it comes from.
    Value(&'p Value, Origin),
    /// A value with a mistake that is already told.
    Broken,
    /// Nothing.
    Unknown,
}

impl<'p, 't> Scope<'p, 't> {
    /// The scope of a target.
    pub(super) fn of(params: &'p Params<'t>, draft: &'p Draft<'t>) -> Self {
        Self {
            params,
            with: &draft.with,
            instance: draft.instance.as_ref(),
            is_broken: draft.broken.each || params.is_broken,
        }
    }

    /// Finds what gives a value: `with`, else the values of the instance, else `[params]`.
    pub(super) fn declared(&self, name: &str) -> Option<&'p Declared<'t>> {
        self.written(name).inspect(|found| found.is_read.set())
    }

    /// As [`Scope::declared`], where it is not told yet whether the value is taken.
    pub(super) fn written(&self, name: &str) -> Option<&'p Declared<'t>> {
        let own = self.with.iter().find(|param| param.name.text == name);
        let of_instance = || self.instance.and_then(|instance| instance.find(name));
        own.or_else(of_instance).or_else(|| self.params.get(name))
    }

    /// Finds a value.
    pub(super) fn find(&self, name: &str) -> Lookup<'p> {
        let Some(found) = self.declared(name) else {
            return match self.is_broken {
                true => Lookup::Broken,
                false => Lookup::Unknown,
            };
        };
        match &found.value {
            Some(value) => Lookup::Value(value, found.origin),
            None => Lookup::Broken,
        }
    }

    /// All names in it.
    pub(super) fn names(&self) -> impl Iterator<Item = &'t str> + Clone {
        let of_instance = self.instance.into_iter().flat_map(DraftInstance::names);
        let own = self.with.iter().map(|param| param.name.text);
        own.chain(of_instance).chain(self.params.names())
    }

    /// Puts the values into a path; `None` after a mistake that is told.
    pub(super) fn render(&self, text: &str, word: Word<'t>, mistakes: &mut Mistakes) -> Option<Cow<'t, str>> {
        if !word.text.contains("{{") {
            return Some(Cow::Borrowed(word.text));
        }
        let (parts, mut whole) = template::split(text, word, mistakes);
        let mut out = String::new();
        for part in parts {
            match part {
                TemplatePart::Literal(literal) => out.push_str(literal),
                TemplatePart::Hole(hole) => match self.find(hole.name) {
                    Lookup::Value(value, _) => {
                        whole &= fits_in_text(text, word, &hole, value, mistakes);
                        out.push_str(&value.plain());
                    }
                    Lookup::Broken => whole = false,
                    Lookup::Unknown => {
                        unknown_param(text, word, &hole, self.names(), mistakes);
                        whole = false;
                    }
                },
            }
        }
        whole.then_some(Cow::Owned(out))
    }
}

/// Whether a value can be put into a text; else adds the error.
pub(super) fn fits_in_text(
    text: &str,
    word: Word<'_>,
    hole: &Hole<'_>,
    value: &Value,
    mistakes: &mut Mistakes,
) -> bool {
    let Some(what) = value.unfit_for_text() else {
        return true;
    };
    let span = syntax::within(text, word, &hole.at);
    let mistake = mistakes.error(span, format!("`{}` cannot be put into a text: it is {what}", hole.name));
    if what == "a table" {
        mistake.help(format!("name one of its entries, as in `{{{{{}.NAME}}}}`", hole.name));
    }
    mistake.help(format!(
        "a command can read it from the file `{{{{params_file}}}}`: name it in `params = [\"{}\"]`",
        hole.name
    ));
    false
}

/// Adds the error about a hole that names nothing.
pub(super) fn unknown_param<'a>(
    text: &str,
    word: Word<'_>,
    hole: &Hole<'_>,
    names: impl Iterator<Item = &'a str> + Clone,
    mistakes: &mut Mistakes,
) {
    let span = syntax::within(text, word, &hole.at);
    let what = format!("unknown parameter `{}`", hole.name);
    let mistake = mistakes.unknown(Some(span), what, hole.name, "parameters", names);
    if hole.name.starts_with("input.") || hole.name.starts_with("output.") {
        mistake.help("`{{input.name}}` and `{{output.name}}` are for commands: a path takes parameters only");
    } else {
        mistake.or_help("a parameter is declared in `[params]`");
    }
}
