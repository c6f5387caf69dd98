//! Axes for the wildcards of a workflow: one for all rules whose wildcard has the same values.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::command::{is_plain_word, is_reserved};
use super::patterns::Values;
use super::write::Writer;
use crate::atsaffile::sections::is_name;
use crate::atsaffile::translation::{list, quoted};

/// Most instances that are left out of the product of the axes.
const MOST_EXCLUDED: usize = 200;

/// The values of an axis.
pub(super) struct Axis {
    pub(super) name: String,
    pub(super) wildcard: String,
    pub(super) values: Vec<String>,
    /// The pattern of the files that have them.
    pub(super) glob: Option<String>,
    /// Whether it is of rules that have not all combinations.
    pub(super) is_partial: bool,
}

/// A rule's wildcards with the combinations of their values that it has, and the axes that stand for them.
pub(super) struct Partial {
    pub(super) combinations: BTreeSet<Values>,
    pub(super) axes: AxesOf,
}

/// The wildcards of a rule, each with its axis.
pub(super) type AxesOf = Vec<(String, String)>;

impl Writer<'_> {
    /// The axes of a rule's wildcards, and its instances in the order of the Atsaffile.
    pub(super) fn axes(&mut self, at: usize, combinations: &[Values]) -> Result<(AxesOf, Vec<Values>), String> {
        let step = &self.workflow.steps[at];
        let wildcards = step.wildcards();
        if wildcards.is_empty() {
            return Ok((Vec::new(), vec![Values::new()]));
        }
        if combinations.is_empty() {
            return Err("nothing that is asked for says which values its wildcards have".to_owned());
        }
        let own_name = step.name.clone();
        let mut lists: Vec<(String, Vec<String>)> = Vec::new();
        for wildcard in wildcards {
            let mut values: Vec<String> = Vec::new();
            for value in combinations.iter().filter_map(|combination| combination.get(&wildcard)) {
                if !values.contains(value) {
                    values.push(value.clone());
                }
            }
            let is_fit =
                |value: &String| is_plain_word(value) && value.len() <= 100 && !value.contains([',', '/', '@']);
            if let Some(value) = values.iter().find(|value| !is_fit(value)) {
                return Err(format!(
                    "`{value}`, which the wildcard `{wildcard}` is, can be no value of an axis"
                ));
            }
            lists.push((wildcard, values));
        }
        let product = lists
            .iter()
            .fold(1_usize, |product, (_, values)| product.saturating_mul(values.len()));
        let set: BTreeSet<Values> = combinations.iter().cloned().collect();
        let axes = match product == set.len() {
            true => lists
                .iter()
                .map(|(wildcard, values)| self.axis(&own_name, wildcard, values))
                .collect(),
            false => self.partial(&own_name, &lists, &set, product)?,
        };
        Ok((axes, self.instances(&lists, &set)))
    }

    /// All combinations that there are, the last axis the fastest.
    fn instances(&self, lists: &[(String, Vec<String>)], set: &BTreeSet<Values>) -> Vec<Values> {
        let mut all = vec![Values::new()];
        for (wildcard, values) in lists {
            let values = self
                .axes
                .iter()
                .find(|axis| same(&axis.values, values))
                .map_or(values, |axis| &axis.values);
            let longer = all.iter().flat_map(|known| {
                values.iter().map(|value| {
                    let mut more = known.clone();
                    more.insert(wildcard.clone(), value.clone());
                    more
                })
            });
            all = longer.collect();
        }
        all.retain(|combination| set.contains(combination));
        all
    }

    /// An axis that all rules with these values share.
    fn axis(&mut self, step: &str, wildcard: &str, values: &[String]) -> (String, String) {
        let is_it = |axis: &&Axis| !axis.is_partial && axis.wildcard == wildcard && same(&axis.values, values);
        if let Some(axis) = self.axes.iter().find(is_it) {
            return (wildcard.to_owned(), axis.name.clone());
        }
        let name = self.free_name(wildcard, step);
        self.new_axis(name.clone(), wildcard, values, false);
        (wildcard.to_owned(), name)
    }

    fn free_name(&self, wildcard: &str, step: &str) -> String {
        let config = self.workflow.known.config.as_ref().map_or(&[][..], Vec::as_slice);
        let is_free = |name: &str| {
            is_name(name)
                && !is_reserved(name)
                && !["exclude", "with"].contains(&name)
                && !self.axes.iter().any(|axis| axis.name == name)
                && !config.iter().any(|(key, _)| key == name)
        };
        let mut name = wildcard.to_owned();
        if !is_free(&name) {
            name = format!("{step}_{wildcard}");
        }
        while !is_free(&name) {
            name.push('_');
        }
        name
    }

    fn new_axis(&mut self, name: String, wildcard: &str, values: &[String], is_partial: bool) {
        let known = &self.workflow.known;
        let is_written = known.closed.iter().any(|list| same(list, values));
        let open = known
            .open
            .iter()
            .find(|open| same(&open.values, values))
            .filter(|_| !is_written);
        let glob = open.and_then(|open| open.axis.clone()).filter(|_| !is_partial);
        let mut values = values.to_vec();
        if let Some(written) = known.closed.iter().find(|list| same(list, &values)) {
            // In the order in which they are written.
            values.sort_by_key(|value| written.iter().position(|known| known == value));
        }
        if glob.is_some() {
            values.sort();
        } else if open.is_some() {
            self.told.push((
                0,
                format!(
                    "the axis `{name}` has the values that the files have today: others do not follow by themselves"
                ),
            ));
        }
        self.axes.push(Axis {
            name,
            wildcard: wildcard.to_owned(),
            values,
            glob,
            is_partial,
        });
    }

    /// Axes for a rule that has not all combinations of their values.
    fn partial(
        &mut self,
        step: &str,
        lists: &[(String, Vec<String>)],
        set: &BTreeSet<Values>,
        product: usize,
    ) -> Result<AxesOf, String> {
        if let Some(partial) = self.partials.iter().find(|partial| partial.combinations == *set) {
            let axis = |(wildcard, _): &(String, Vec<String>)| {
                partial
                    .axes
                    .iter()
                    .find(|(known, _)| known == wildcard)
                    .cloned()
                    .unwrap_or_default()
            };
            return Ok(lists.iter().map(axis).collect());
        }
        if product - set.len() > MOST_EXCLUDED {
            return Err(format!(
                "it has {} of {product} combinations of its wildcards: give each of them a name, and make that the axis",
                set.len()
            ));
        }
        let mut axes = Vec::new();
        for (wildcard, values) in lists {
            let mut name = format!("{step}_{wildcard}");
            while self.axes.iter().any(|axis| axis.name == name) {
                name.push('_');
            }
            self.new_axis(name.clone(), wildcard, values, true);
            axes.push((wildcard.clone(), name));
        }
        let mut all = vec![Values::new()];
        for (wildcard, values) in lists {
            let with = |known: &Values, value: &String| {
                let mut more = known.clone();
                more.insert(wildcard.clone(), value.clone());
                more
            };
            all = all
                .iter()
                .flat_map(|known| values.iter().map(move |value| with(known, value)))
                .collect();
        }
        for missing in all.into_iter().filter(|combination| !set.contains(combination)) {
            let entry = |(wildcard, axis): &(String, String)| format!("{axis} = {}", quoted(&missing[wildcard]));
            self.excluded.push(format!(
                "{{ {} }}",
                axes.iter().map(entry).collect::<Vec<_>>().join(", ")
            ));
        }
        self.partials.push(Partial {
            combinations: set.clone(),
            axes: axes.clone(),
        });
        Ok(axes)
    }

    pub(super) fn matrix(&self) -> String {
        let used = |axis: &&Axis| {
            let is_it = |(_, name): &(String, String)| *name == axis.name;
            self.targets
                .iter()
                .flatten()
                .any(|target| target.axes.iter().any(is_it))
        };
        let axes: Vec<&Axis> = self.axes.iter().filter(used).collect();
        if axes.is_empty() {
            return String::new();
        }
        let mut text = "\n[matrix]\n".to_owned();
        for axis in &axes {
            let values = match &axis.glob {
                Some(pattern) => format!("{{ glob = {} }}", quoted(pattern)),
                None => list(&axis.values),
            };
            let _ = writeln!(text, "{} = {values}", axis.name);
        }
        let is_used = |line: &&String| axes.iter().any(|axis| line.contains(&format!(" {} = ", axis.name)));
        let excluded: Vec<&String> = self.excluded.iter().filter(is_used).collect();
        if !excluded.is_empty() {
            text += "exclude = [\n";
            for line in excluded {
                let _ = writeln!(text, "    {line},");
            }
            text += "]\n";
        }
        text
    }
}

/// Whether two lists have the same values, in any order.
fn same(one: &[String], other: &[String]) -> bool {
    let set = |list: &[String]| list.iter().cloned().collect::<BTreeSet<String>>();
    set(one) == set(other)
}
