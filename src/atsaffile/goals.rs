//! Goals: what a bare build makes, and the aliases.

use std::collections::BTreeMap;

use super::joins::Asker;
use super::mistakes::Mistakes;
use super::names::{Meaning, Names};
use super::sections::{Alias, ProjectTable};
use super::syntax::Word;
use crate::engine::spec::{Goal, base_name, values_of};

/// Resolves `default` and the aliases, which are left without cycles.
pub(super) fn read(
    project: &ProjectTable<'_>,
    aliases: &[Alias<'_>],
    names: &Names<'_>,
    mistakes: &mut Mistakes,
) -> (Vec<Goal>, BTreeMap<String, Vec<Goal>>) {
    let default = project
        .default
        .iter()
        .filter_map(|word| goal(*word, names, mistakes))
        .collect();
    let mut resolved: Vec<Vec<Goal>> = aliases
        .iter()
        .map(|alias| {
            alias
                .goals
                .iter()
                .filter_map(|word| goal(*word, names, mistakes))
                .collect()
        })
        .collect();
    for (alias, at) in cycles(aliases, &resolved, names, mistakes) {
        resolved[alias].remove(at);
    }
    let goals = aliases
        .iter()
        .zip(resolved)
        .map(|(alias, goals)| (alias.name.text.to_owned(), goals))
        .collect();
    (default, goals)
}

fn goal(word: Word<'_>, names: &Names<'_>, mistakes: &mut Mistakes) -> Option<Goal> {
    let (name, span) = (word.text, word.span);
    let meaning = names.artifact(name);
    let name = match meaning {
        _ if names.targets.contains_key(name) || names.aliases.contains_key(name) => name.to_owned(),
        _ if values_of(name).is_some() && names.targets.contains_key(base_name(name)) => {
            let first = names.targets[base_name(name)];
            if names.drafts[first].instance.is_none() {
                Names::refuse_values(word, name, mistakes);
                return None;
            }
            names.instances(first, word, name, Asker::Goal, mistakes)?;
            name.to_owned()
        }
        Meaning::OnAxes(made) => {
            names.instances(made.target, word, name, Asker::Goal, mistakes)?;
            let values = values_of(name).map(|values| format!("@{values}")).unwrap_or_default();
            format!("{}{values}", names.shown_base(made))
        }
        Meaning::Artifact { made, named: true } => names.shown(made).into_owned(),
        Meaning::Artifact { made, named: false } => names.output(made).path.to_string(),
        _ if names.refuse(word, name, &meaning, mistakes) => return None,
        _ => {
            let what = format!("unknown goal `{name}`: it is no target, artifact or alias");
            mistakes.unknown(Some(span), what, name, "goals", names.all());
            return None;
        }
    };
    Some(Goal { name, span })
}

/// Finds the goals that close a cycle of aliases, as alias and place in it, the last of each alias first.
fn cycles(
    aliases: &[Alias<'_>],
    resolved: &[Vec<Goal>],
    names: &Names<'_>,
    mistakes: &mut Mistakes,
) -> Vec<(usize, usize)> {
    let mut closing = Vec::new();
    let mut done = vec![false; aliases.len()];
    for start in 0..aliases.len() {
        // The way from `start`: each alias with the place of the goal that is looked at next.
        let mut way = vec![(start, 0)];
        while let Some((alias, at)) = way.last_mut() {
            let (current, place) = (*alias, *at);
            let Some(goal) = resolved[current].get(place).filter(|_| !done[current]) else {
                done[current] = true;
                way.pop();
                continue;
            };
            *at += 1;
            let Some(next) = names.aliases.get(goal.name.as_str()).copied() else {
                continue;
            };
            if let Some(from) = way.iter().position(|(alias, _)| *alias == next) {
                let round = way[from..].iter().map(|(alias, _)| *alias).chain([next]);
                let round: Vec<&str> = round.map(|alias| aliases[alias].name.text).collect();
                mistakes
                    .error(goal.span, format!("the alias `{}` contains itself", goal.name))
                    .note(format!("the way round is {}", round.join(" -> ")));
                closing.push((current, place));
            } else if !done[next] {
                way.push((next, 0));
            }
        }
    }
    closing.sort_by(|a, b| b.cmp(a));
    closing
}
