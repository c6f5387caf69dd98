//! What a rule reads, by the names of the targets that make it where they have one.

use std::collections::BTreeMap;

use super::patterns::{Pattern, Values};
use super::step::{Slot, Step};
use super::values::Path;
use super::write::{Target, Writer, as_path, holes};
use crate::atsaffile::translation::{list, quoted};

impl Writer<'_> {
    pub(super) fn inputs(&self, step: &Step, target: &Target, told: &mut Vec<(usize, String)>) -> Option<String> {
        let slots = step.inputs.as_deref().unwrap_or_default();
        let texts: Vec<Vec<String>> = slots.iter().map(|slot| self.slot(step, target, slot, told)).collect();
        if texts.iter().all(Vec::is_empty) {
            return None;
        }
        if !target.roles.is_table {
            return Some(format!("inputs = {}", list(&texts.concat())));
        }
        let entries = target
            .roles
            .names
            .iter()
            .zip(&texts)
            .filter(|(_, texts)| !texts.is_empty());
        let entry = |(name, texts): (&String, &Vec<String>)| match texts.as_slice() {
            [only] => format!("{name} = {}", quoted(only)),
            several => format!("{name} = {}", list(several)),
        };
        Some(format!(
            "inputs = {{ {} }}",
            entries.map(entry).collect::<Vec<_>>().join(", ")
        ))
    }

    /// What one input of a rule is called: the target that makes it, or its paths.
    fn slot(&self, step: &Step, target: &Target, slot: &Slot, told: &mut Vec<(usize, String)>) -> Vec<String> {
        if let Some(all) = self.all_of_a_target(target, slot) {
            return vec![all];
        }
        let is_open = slot.paths.len() > 1
            && slot.paths.iter().any(|path| {
                let maker = self.maker(&path.text).and_then(|at| self.targets[at].as_ref());
                let is_glob = |(_, name): &(String, String)| {
                    self.axes.iter().any(|axis| axis.name == *name && axis.glob.is_some())
                };
                maker.is_some_and(|maker| maker.axes.iter().any(is_glob))
            });
        if is_open {
            told.push((
                step.line,
                format!(
                    "`{}` names the files of today: others do not follow by themselves",
                    step.name
                ),
            ));
        }
        slot.paths.iter().map(|path| self.one(target, path)).collect()
    }

    /// `NAME@*`, where the paths are all that the instances of one target make, in their order.
    fn all_of_a_target(&self, target: &Target, slot: &Slot) -> Option<String> {
        let patterns: Vec<Pattern> = slot
            .paths
            .iter()
            .map(|path| Pattern::read(&path.text, &BTreeMap::new()).ok())
            .collect::<Option<_>>()?;
        let filled = |values: &Values| {
            patterns
                .iter()
                .map(|pattern| pattern.filled(values))
                .collect::<Option<Vec<_>>>()
        };
        let first = filled(target.instances.first()?)?;
        let at = self.maker(first.first()?)?;
        let maker = self.targets[at].as_ref()?;
        if maker.axes.is_empty() || std::ptr::eq(maker, target) {
            return None;
        }
        let patterns_made = &self.workflow.steps[at].patterns;
        // Its axes that the reader does not have are opened, or have one value.
        let is_shared = |axis: &str| target.axes.iter().any(|(_, own)| own == axis);
        if maker.axes.iter().all(|(_, axis)| is_shared(axis)) {
            return None;
        }
        let fixed = match maker.axes.iter().any(|(_, axis)| is_shared(axis)) {
            true => Values::new(),
            false => self.fixed(at, &first),
        };
        let is_glob = self
            .axes
            .iter()
            .any(|axis| axis.glob.is_some() && maker.axes.iter().any(|(_, name)| *name == axis.name));
        let port = (0..patterns_made.len()).find(|port| {
            target.instances.iter().all(|values| {
                let agrees = |made: &&Values| {
                    maker.axes.iter().all(|(wildcard, axis)| {
                        let own = target.axes.iter().find(|(_, own)| own == axis);
                        let is_fixed = fixed
                            .get(wildcard)
                            .is_none_or(|value| made.get(wildcard) == Some(value));
                        is_fixed && own.is_none_or(|(own, _)| values.get(own) == made.get(wildcard))
                    })
                };
                let made = maker
                    .instances
                    .iter()
                    .filter(agrees)
                    .map(|made| patterns_made[*port].filled(made));
                let mut made: Option<Vec<String>> = made.collect();
                let mut wanted = filled(values);
                if is_glob {
                    made.iter_mut().chain(wanted.iter_mut()).for_each(|paths| paths.sort());
                }
                made.is_some() && made == wanted
            })
        })?;
        let name = self.artifact(at, port);
        if fixed.is_empty() {
            return Some(format!("{name}@*"));
        }
        let value = |(wildcard, _): &(String, String)| fixed.get(wildcard).map_or("*", String::as_str);
        let values: Vec<&str> = maker.axes.iter().map(value).collect();
        Some(format!("{name}@{}", values.join(",")))
    }

    /// The wildcards of a target that have one value only where it makes these paths.
    fn fixed(&self, at: usize, paths: &[String]) -> Values {
        let patterns = &self.workflow.steps[at].patterns;
        let Some(target) = &self.targets[at] else {
            return Values::new();
        };
        let is_made = |values: &Values, it: &Pattern| it.filled(values).is_some_and(|path| paths.contains(&path));
        let makes = |values: &&Values| patterns.iter().any(|it| is_made(values, it));
        let asked: Vec<&Values> = target.instances.iter().filter(makes).collect();
        let Some(first) = asked.first() else {
            return Values::new();
        };
        let is_fixed = |(wildcard, value): &(&String, &String)| {
            let is_it = |values: &Values| values.get(*wildcard) == Some(*value);
            asked.iter().all(|values| is_it(values)) && !target.instances.iter().all(is_it)
        };
        let fixed = first.iter().filter(is_fixed);
        fixed
            .map(|(wildcard, value)| (wildcard.clone(), value.clone()))
            .collect()
    }

    /// The name of an artifact.
    fn artifact(&self, at: usize, port: usize) -> String {
        let step = &self.workflow.steps[at];
        let target = self.targets[at].as_ref();
        let is_only = target.is_some_and(|target| target.ports.len() == 1 && !target.command.has_log);
        match (is_only, target.and_then(|target| target.ports.get(port))) {
            (false, Some(port)) => format!("{}.{port}", step.name),
            _ => step.name.clone(),
        }
    }

    /// What one path is called.
    fn one(&self, target: &Target, path: &Path) -> String {
        let Ok(pattern) = Pattern::read(&path.text, &BTreeMap::new()) else {
            return as_path(&path.text);
        };
        let template = holes(&pattern, &target.axes);
        for (at, maker) in self.targets.iter().enumerate() {
            let Some(maker) = maker else { continue };
            let is_same = |(_, axis): &(String, String)| target.axes.iter().any(|(_, own)| own == axis);
            let made = self.workflow.steps[at]
                .patterns
                .iter()
                .position(|made| holes(made, &maker.axes) == template);
            if let Some(port) = made.filter(|_| maker.axes.iter().all(is_same)) {
                return self.artifact(at, port);
            }
        }
        as_path(&template)
    }

    /// The target that makes a path.
    pub(super) fn maker(&self, path: &str) -> Option<usize> {
        (0..self.targets.len()).find(|at| {
            let Some(target) = &self.targets[*at] else { return false };
            let patterns = &self.workflow.steps[*at].patterns;
            let made = |values: &Values| {
                patterns
                    .iter()
                    .any(|pattern| pattern.filled(values).as_deref() == Some(path))
            };
            target.instances.iter().any(made)
        })
    }

    /// Whether every instance of a target makes one of these.
    pub(super) fn is_whole(&self, at: usize, paths: &[&str]) -> bool {
        let patterns = &self.workflow.steps[at].patterns;
        let target = self.targets[at].as_ref();
        let is_asked = |values: &Values| {
            patterns.iter().any(|pattern| {
                pattern
                    .filled(values)
                    .is_some_and(|path| paths.contains(&path.as_str()))
            })
        };
        target.is_some_and(|target| target.instances.iter().all(is_asked))
    }
}
