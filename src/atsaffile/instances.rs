//! Targets with `each` times axes: one draft for each instance, which is then read like any other.

use std::borrow::Cow;

use super::matrix::{AxisValue, Excluded, Matrix};
use super::mistakes::{InstanceOf, Mistakes};
use super::params::{Declared, Params};
use super::scope::{Lookup, Scope};
use super::syntax::{TomlNode, Word, span_of};
use super::targets::Draft;
use super::template;
use crate::diagnostic::number_word;
use crate::engine::spec::schema::{Catalog, Kind, Schema};
use crate::engine::spec::{self, Origin, Value};

/// Most instances of one target.
const MOST: usize = 100_000;

/// Which instance of its target a draft is.
#[derive(Clone)]
pub(super) struct DraftInstance<'m> {
    /// `@TEX,NG`, which follows the names of the target and of its artifacts.
    pub(super) suffix: String,
    /// Axes and values, by their numbers, in the order of `each`.
    pub(super) at: Vec<(usize, usize)>,
    /// The same values with what is known of them.
    pub(super) values: Vec<&'m AxisValue<'m>>,
    /// Its number, and how many there are.
    number: (usize, usize),
}

impl<'m> DraftInstance<'m> {
    /// Its axes, by their numbers.
    pub(super) fn axes(&self) -> impl Iterator<Item = usize> {
        self.at.iter().map(|(axis, _)| *axis)
    }

    /// The value that it has on an axis.
    pub(super) fn on(&self, axis: usize) -> Option<usize> {
        self.at.iter().find(|(own, _)| *own == axis).map(|(_, value)| *value)
    }

    /// A value by name: an axis, what is known of its value, or a parameter for that value alone.
    pub(super) fn find(&self, name: &str) -> Option<&'m Declared<'m>> {
        let of = |all: fn(&'m AxisValue<'m>) -> &'m [Declared<'m>]| {
            let mut all = self.values.iter().flat_map(move |value| all(value));
            all.find(|it| it.name.text == name)
        };
        of(|value| &value.params).or_else(|| of(|value| &value.with))
    }

    /// All names of values.
    pub(super) fn names(&self) -> impl Iterator<Item = &'m str> + Clone {
        let values = self.values.iter().copied();
        values.flat_map(|value| value.params.iter().chain(&value.with).map(|it| it.name.text))
    }
}

impl Draft<'_> {
    /// A name of the target or of its artifact, with the values of the instance.
    pub(super) fn instance_name<'n>(&self, name: &'n str) -> Cow<'n, str> {
        match &self.instance {
            Some(instance) => Cow::Owned(format!("{name}{}", instance.suffix)),
            None => Cow::Borrowed(name),
        }
    }

    /// Which of the target's instances it is, if that is only one of several with the same mistakes.
    pub(super) fn instance_of(&self) -> Option<InstanceOf> {
        self.instance.as_ref().map(|instance| InstanceOf {
            target: self.name.text.to_owned(),
            name: self.instance_name(self.name.text).into_owned(),
            number: instance.number,
        })
    }

    /// Which instance it is, in the Spec.
    pub(super) fn spec_instance(&self, matrix: &Matrix<'_>) -> Option<spec::Instance> {
        let value = |(axis, value): &(usize, usize)| {
            let axis = &matrix.axes[*axis];
            (axis.name.text.to_owned(), axis.values[*value].text.clone())
        };
        self.instance.as_ref().map(|instance| spec::Instance {
            of: self.name.text.to_owned(),
            axes: instance.at.iter().map(value).collect(),
        })
    }
}

/// Puts its instances in the place of each target with `each`, and values into the texts of `with`; a file without either
/// is not copied for that.
pub(super) fn expand<'d, 'm>(
    text: &str,
    drafts: &'d [Draft<'m>],
    matrix: &'m Matrix<'m>,
    params: &Params<'m>,
    catalog: &Catalog,
    mistakes: &mut Mistakes,
) -> Cow<'d, [Draft<'m>]> {
    let changes = |draft: &Draft<'_>| draft.each.is_some() || !draft.with.is_empty();
    let expanded = match drafts.iter().any(changes) {
        true => Cow::Owned(instances_of_all(text, drafts, matrix, params, catalog, mistakes)),
        false => Cow::Borrowed(drafts),
    };
    for entry in matrix.excluded.iter().filter(|entry| !entry.is_used.is_set()) {
        mistakes
            .warning(entry.span, "this entry of `exclude` leaves nothing out")
            .note("it is for targets whose `each` has all of its axes");
    }
    for axis in matrix.axes.iter().filter(|axis| !axis.is_used.is_set()) {
        mistakes
            .warning(axis.name.span, format!("no target is on the axis `{}`", axis.name.text))
            .help(format!("name it in a target: `each = [\"{}\"]`", axis.name.text));
    }
    expanded
}

fn instances_of_all<'m>(
    text: &str,
    drafts: &[Draft<'m>],
    matrix: &'m Matrix<'m>,
    params: &Params<'m>,
    catalog: &Catalog,
    mistakes: &mut Mistakes,
) -> Vec<Draft<'m>> {
    let mut expanded = Vec::with_capacity(drafts.len());
    for draft in drafts {
        let schema = draft.uses.and_then(|uses| catalog.get(uses.text).copied());
        let Some((_, words)) = &draft.each else {
            let mut one = draft.clone();
            if !one.broken.each {
                render_with(text, &mut one, params, schema, mistakes);
            }
            expanded.push(one);
            continue;
        };
        let instances = matrix
            .each(words, mistakes)
            .and_then(|axes| instances(draft, &axes, matrix, mistakes));
        let Some(instances) = instances else {
            // It stands for what it was meant as, so that nothing is concluded from its absence.
            let mut whole = draft.clone();
            whole.broken.each = true;
            expanded.push(whole);
            continue;
        };
        for instance in instances {
            let mut one = draft.clone();
            one.instance = Some(instance);
            mistakes.of_instance(one.instance_of());
            twice_given(&one, matrix, mistakes);
            render_with(text, &mut one, params, schema, mistakes);
            expanded.push(one);
        }
        mistakes.of_instance(None);
    }
    expanded
}

/// All combinations of values that are not left out.
fn instances<'m>(
    draft: &Draft<'_>,
    axes: &[usize],
    matrix: &'m Matrix<'m>,
    mistakes: &mut Mistakes,
) -> Option<Vec<DraftInstance<'m>>> {
    let name = draft.name.text;
    let span = draft.each.as_ref().map_or(draft.name.span, |(span, _)| *span);
    let count = count(axes, matrix);
    if count > MOST {
        mistakes
            .error(span, format!("the target `{name}` has more instances than {MOST}"))
            .help("leave axes out, or values");
        return None;
    }
    // An axis without values is told already.
    if count == 0 {
        return None;
    }
    let is_of_axes = |entry: &&Excluded| entry.values.iter().all(|(axis, _)| axes.contains(axis));
    let excluded: Vec<&Excluded> = matrix.excluded.iter().filter(is_of_axes).collect();
    let mut found = Vec::with_capacity(count);
    for number in 0..count {
        let at = combination(number, axes, matrix);
        let is_out = |entry: &&&Excluded| entry.values.iter().all(|value| at.contains(value));
        let out: Vec<&&Excluded> = excluded.iter().filter(is_out).collect();
        for entry in &out {
            entry.is_used.set();
        }
        if out.is_empty() {
            found.push(instance(at, matrix));
        }
    }
    if found.is_empty() {
        mistakes
            .error(
                span,
                format!("every instance of the target `{name}` is left out by `exclude`"),
            )
            .help("leave one of them in, or remove the target");
        return None;
    }
    let all = found.len();
    for (number, instance) in found.iter_mut().enumerate() {
        instance.number = (number, all);
    }
    Some(found)
}

/// How many combinations of values some axes have.
fn count(axes: &[usize], matrix: &Matrix<'_>) -> usize {
    let counts = axes.iter().map(|axis| matrix.axes[*axis].values.len());
    counts.fold(1, usize::saturating_mul)
}

/// The combination of values with a number; the last axis goes first.
fn combination(number: usize, axes: &[usize], matrix: &Matrix<'_>) -> Vec<(usize, usize)> {
    let mut left = number;
    let mut at: Vec<(usize, usize)> = Vec::with_capacity(axes.len());
    for axis in axes.iter().rev() {
        let values = matrix.axes[*axis].values.len();
        at.push((*axis, left % values));
        left /= values;
    }
    at.reverse();
    at
}

fn instance<'m>(at: Vec<(usize, usize)>, matrix: &'m Matrix<'m>) -> DraftInstance<'m> {
    let values: Vec<&AxisValue<'m>> = at
        .iter()
        .map(|(axis, value)| &matrix.axes[*axis].values[*value])
        .collect();
    let texts: Vec<&str> = values.iter().map(|value| value.text.as_str()).collect();
    DraftInstance {
        suffix: format!("@{}", texts.join(",")),
        at,
        values,
        number: (0, 0),
    }
}

/// Refuses a parameter that two values of one instance give.
fn twice_given(draft: &Draft<'_>, matrix: &Matrix<'_>, mistakes: &mut Mistakes) {
    let values = draft.instance.iter().flat_map(|instance| &instance.at);
    let mut seen: Vec<&Declared<'_>> = Vec::new();
    for (axis, value) in values {
        for own in &matrix.axes[*axis].values[*value].with {
            if let Some(first) = seen.iter().find(|it| it.name.text == own.name.text) {
                let what = format!(
                    "the parameter `{}` is given for {} values of one instance",
                    own.name.text,
                    number_word(2)
                );
                mistakes
                    .error(own.name.span, what)
                    .also(first.name.span, "first here")
                    .help("give it for one axis only, or in `with` of the target");
            } else {
                seen.push(own);
            }
        }
    }
}

/// Puts values into the texts of `with`; a text that is one hole alone is the value itself, where the task takes such.
fn render_with(
    text: &str,
    draft: &mut Draft<'_>,
    params: &Params<'_>,
    schema: Option<&Schema>,
    mistakes: &mut Mistakes,
) {
    let mut with = std::mem::take(&mut draft.with);
    let scope = Scope::of(params, draft);
    let mut rendered = |node: &TomlNode<'_>, kind: Option<Kind>| -> Option<Option<(Value, Option<Origin>)>> {
        let written = node.get_ref().as_str().filter(|written| written.contains("{{"))?;
        if let Some(name) = template::only_hole(written)
            && let Lookup::Value(value, origin) = scope.find(name)
            && kind.is_none_or(|kind| kind.check(value).is_ok())
        {
            return Some(Some((value.clone(), Some(origin))));
        }
        let span = span_of(node);
        let whole = scope.render(text, Word { text: written, span }, mistakes);
        Some(whole.map(|whole| (Value::Text(whole.into_owned()), None)))
    };
    for own in &mut with {
        let Some(node) = own.node else { continue };
        let kind = schema
            .and_then(|schema| schema.param(own.name.text))
            .map(|param| param.kind);
        if let Some(whole) = rendered(node, kind) {
            let (value, origin) = whole.unzip();
            own.value = value;
            own.origin = origin.flatten().unwrap_or(own.origin);
        } else if let (Some(nodes), Some(Value::List(items))) = (node.get_ref().as_array(), &mut own.value) {
            let kind = match kind {
                Some(Kind::List(item) | Kind::OneOrMany(item)) => Some(*item),
                _ => None,
            };
            for (node, item) in nodes.iter().zip(items) {
                if let Some(Some((value, _))) = rendered(node, kind) {
                    *item = value;
                }
            }
        }
    }
    draft.with = with;
}
