//! Which values the wildcards of each rule have: those with which it makes what is asked for, as Snakemake finds them.

use std::collections::{BTreeMap, HashSet};

use super::Disk;
use super::patterns::{Pattern, Values};
use super::step::Step;

/// Most rules in a row, and most jobs in all.
const DEEPEST: usize = 100;
const MOST: usize = 5_000;

/// What each rule is asked for.
pub(super) struct Jobs<'s> {
    steps: &'s [Step],
    disk: &'s dyn Disk,
    /// For each rule the values, in the order in which they were asked for.
    pub(super) of: Vec<Vec<Values>>,
    /// Files that several rules make, with two of these.
    pub(super) ambiguous: Vec<(String, usize, usize)>,
    /// Whether there was no end.
    pub(super) is_endless: bool,
    seen: HashSet<String>,
    can_be: BTreeMap<String, bool>,
}

impl<'s> Jobs<'s> {
    /// Follows all that the rules without wildcards need.
    pub(super) fn follow(steps: &'s [Step], disk: &'s dyn Disk) -> Self {
        let mut jobs = Self {
            steps,
            disk,
            of: vec![Vec::new(); steps.len()],
            ambiguous: Vec::new(),
            is_endless: false,
            seen: HashSet::new(),
            can_be: BTreeMap::new(),
        };
        for (at, step) in steps.iter().enumerate() {
            if step.outputs.is_some() && step.wildcards().is_empty() && step.patterns.len() == step.made().count() {
                jobs.job(at, &Values::new(), 0);
            }
        }
        jobs
    }

    fn job(&mut self, at: usize, values: &Values, depth: usize) {
        if self.of[at].contains(values) {
            return;
        }
        self.of[at].push(values.clone());
        self.is_endless |= depth > DEEPEST || self.of.iter().map(Vec::len).sum::<usize>() > MOST;
        for path in self.needed(at, values) {
            if !self.is_endless
                && self.seen.insert(path.clone())
                && let Some((maker, values)) = self.maker(&path)
            {
                self.job(maker, &values, depth + 1);
            }
        }
    }

    /// The files that a job reads.
    pub(super) fn needed(&self, at: usize, values: &Values) -> Vec<String> {
        let paths = self.steps[at]
            .read()
            .filter_map(|path| Pattern::read(&path.text, &BTreeMap::new()).ok());
        paths.filter_map(|pattern| pattern.filled(values)).collect()
    }

    /// The rule that makes a file, with its values.
    pub(super) fn maker(&mut self, path: &str) -> Option<(usize, Values)> {
        let mut makers = self.makers(path);
        if makers.len() > 1 {
            let able: Vec<(usize, Values)> = makers
                .iter()
                .filter(|(at, values)| self.is_able(*at, values, 0))
                .cloned()
                .collect();
            makers = if able.is_empty() { makers } else { able };
        }
        if makers.len() > 1 {
            self.ambiguous.push((path.to_owned(), makers[0].0, makers[1].0));
        }
        makers.into_iter().next()
    }

    fn makers(&self, path: &str) -> Vec<(usize, Values)> {
        let of = |(at, step): (usize, &'s Step)| {
            let values = step.patterns.iter().find_map(|pattern| pattern.matched(path))?;
            Some((at, values))
        };
        self.steps.iter().enumerate().filter_map(of).collect()
    }

    /// Whether all that a job reads is there, or can be made, and none of it is what it makes itself.
    fn is_able(&mut self, at: usize, values: &Values, depth: usize) -> bool {
        let needed = self.needed(at, values);
        let made = |path: &String| {
            self.steps[at]
                .patterns
                .iter()
                .any(|it| it.filled(values).as_ref() == Some(path))
        };
        depth < DEEPEST && !needed.iter().any(made) && needed.iter().all(|path| self.can_be(path, depth + 1))
    }

    fn can_be(&mut self, path: &str, depth: usize) -> bool {
        if let Some(known) = self.can_be.get(path) {
            return *known;
        }
        // As long as it is looked at, it cannot be made of itself.
        self.can_be.insert(path.to_owned(), false);
        let can = self.disk.is_there(path)
            || self
                .makers(path)
                .iter()
                .any(|(at, values)| self.is_able(*at, values, depth));
        self.can_be.insert(path.to_owned(), can);
        can
    }
}
