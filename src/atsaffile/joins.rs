//! Which instances are meant where an artifact or target on axes is named: the shared axes join.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use super::instances::DraftInstance;
use super::mistakes::{Mistake, Mistakes};
use super::names::{Made, Names};
use super::syntax::Word;
use super::targets::Draft;
use crate::engine::spec::{base_name, values_of};

/// The instances of a target by the values on some of its axes.
type ByValues = HashMap<Vec<usize>, Vec<usize>>;

/// The instances of each target by their values: by the target, and which axes those are on.
#[derive(Default)]
pub(super) struct Selections(Mutex<HashMap<(usize, u64), ByValues>>);

/// Who names something on axes: nobody for a goal, or a target.
#[derive(Clone, Copy)]
pub(super) enum Asker<'a> {
    /// A goal: what is not said is open.
    Goal,
    /// The `after` of a target: what it does not share is open.
    After(&'a Draft<'a>),
    /// An input of a target: what it does not share has to be opened by a `*`.
    Input(&'a Draft<'a>),
}

impl<'a> Asker<'a> {
    fn instance(self) -> Option<&'a DraftInstance<'a>> {
        match self {
            Self::Goal => None,
            Self::After(draft) | Self::Input(draft) => draft.instance.as_ref(),
        }
    }
}

impl Names<'_> {
    /// The instances of a target, the first of which is given, that a text means; none after a mistake that is told.
    pub(super) fn instances(
        &self,
        first: usize,
        word: Word<'_>,
        text: &str,
        asker: Asker<'_>,
        mistakes: &mut Mistakes,
    ) -> Option<Vec<usize>> {
        let axes: Vec<usize> = self.axes_of(first);
        let own = |axis: &usize| asker.instance().and_then(|instance| instance.on(*axis));
        let wanted = values_of(text);
        let picks: Vec<Option<usize>> = match wanted {
            None | Some("*") => axes.iter().map(own).collect(),
            Some(values) => {
                let values: Vec<&str> = values.split(',').collect();
                if values.len() != axes.len() {
                    self.refuse_count(word, text, &values, &axes, mistakes);
                    return None;
                }
                let pick = |(axis, value): (&usize, &&str)| match *value {
                    "*" => Some(own(axis)),
                    value => Some(Some(self.value(*axis, value, word, mistakes)?)),
                };
                axes.iter().zip(&values).map(pick).collect::<Option<_>>()?
            }
        };
        if let (Asker::Input(draft), None) = (asker, wanted)
            && picks.contains(&None)
        {
            // Whoever is on no axis after a mistake may have been meant to share them.
            if !draft.broken.each {
                self.refuse_open(word, text, draft, &axes, mistakes);
            }
            return None;
        }
        let found = self.select(first, &picks);
        if found.is_empty() {
            mistakes
                .error(
                    word.span,
                    format!("`{text}` means no instance of `{}`", self.drafts[first].name.text),
                )
                .note("`exclude` of `[matrix]` leaves out what it would mean");
            return None;
        }
        Some(found)
    }

    /// The same of an artifact.
    pub(super) fn artifacts_of(
        &self,
        made: Made,
        word: Word<'_>,
        text: &str,
        asker: Asker<'_>,
        mistakes: &mut Mistakes,
    ) -> Option<Vec<Made>> {
        let found = self.instances(made.target, word, text, asker, mistakes)?;
        Some(found.into_iter().map(|target| Made { target, ..made }).collect())
    }

    /// The axes that a target is on.
    fn axes_of(&self, target: usize) -> Vec<usize> {
        let instance = self.drafts[target].instance.iter();
        instance.flat_map(DraftInstance::axes).collect()
    }

    fn axis_names(&self, axes: &[usize]) -> String {
        let names: Vec<String> = axes
            .iter()
            .map(|axis| format!("`{}`", self.matrix.axes[*axis].name.text))
            .collect();
        match names.split_last() {
            Some((last, [])) => last.clone(),
            Some((last, others)) => format!("{} and {last}", others.join(", ")),
            None => "no axis".to_owned(),
        }
    }

    fn value(&self, axis: usize, text: &str, word: Word<'_>, mistakes: &mut Mistakes) -> Option<usize> {
        let axis = &self.matrix.axes[axis];
        let found = axis.number(text);
        if found.is_none() {
            let what = format!("the axis `{}` has no value `{text}`", axis.name.text);
            mistakes.unknown(Some(word.span), what, text, "values", axis.texts());
        }
        found
    }

    /// The instances that have these values on their axes; where there is none, any.
    fn select(&self, first: usize, picks: &[Option<usize>]) -> Vec<usize> {
        let mask = picks.iter().enumerate().filter(|(_, pick)| pick.is_some());
        let mask = mask.fold(0_u64, |mask, (at, _)| mask | 1 << (at % 64));
        let mut known = self.selections.0.lock().unwrap_or_else(PoisonError::into_inner);
        let by_values = known.entry((first, mask)).or_insert_with(|| {
            let mut by_values = ByValues::new();
            for target in self.group(first) {
                let at = self.drafts[target].instance.iter().flat_map(|instance| &instance.at);
                let values = at
                    .zip(picks)
                    .filter(|(_, pick)| pick.is_some())
                    .map(|((_, value), _)| *value);
                by_values.entry(values.collect()).or_default().push(target);
            }
            by_values
        });
        let values: Vec<usize> = picks.iter().filter_map(|pick| *pick).collect();
        by_values.get(&values).cloned().unwrap_or_default()
    }

    fn refuse_count(&self, word: Word<'_>, text: &str, values: &[&str], axes: &[usize], mistakes: &mut Mistakes) {
        let stars = vec!["*"; axes.len()].join(",");
        mistakes
            .error(
                word.span,
                format!("`{text}` has {} values for {} axes", values.len(), axes.len()),
            )
            .note(format!(
                "`{}` is on the axes {}, in this order",
                base_name(text),
                self.axis_names(axes)
            ))
            .help(format!(
                "write a value or a `*` for each, `{}@{stars}`",
                base_name(text)
            ));
    }

    /// Tells that an input has more axes than its reader.
    fn refuse_open(&self, word: Word<'_>, text: &str, draft: &Draft<'_>, axes: &[usize], mistakes: &mut Mistakes) {
        let instance = draft.instance.as_ref();
        let is_shared = |axis: &usize| instance.is_some_and(|instance| instance.on(*axis).is_some());
        let (shared, open): (Vec<usize>, Vec<usize>) = axes.iter().partition(|axis| is_shared(axis));
        let name = draft.name.text;
        let own: Vec<usize> = instance.into_iter().flat_map(DraftInstance::axes).collect();
        let mistake: &mut Mistake = mistakes.error(
            word.span,
            format!(
                "the input `{text}` is on {}, and `{name}` is not",
                self.axis_names(&open)
            ),
        );
        mistake.note(match (own.is_empty(), shared.is_empty()) {
            (true, _) => format!("`{text}` is on {}, `{name}` on no axis", self.axis_names(axes)),
            (false, _) => format!(
                "`{text}` is on {}, `{name}` on {}",
                self.axis_names(axes),
                self.axis_names(&own)
            ),
        });
        let each = own
            .iter()
            .chain(&open)
            .map(|axis| format!("\"{}\"", self.matrix.axes[*axis].name.text));
        mistake
            .help(format!("to read all of them, write `{text}@*`"))
            .help(format!(
                "to make `{name}` for each, write `each = [{}]`",
                each.collect::<Vec<_>>().join(", ")
            ));
    }
}
