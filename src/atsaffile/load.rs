//! `[pools]`, and what a target takes of them and of the machine: `pool`, `threads` and `memory`.

use std::collections::BTreeMap;
use std::time::Duration;

use bytesize::ByteSize;
use toml::de::{DeTable, DeValue};

use super::mistakes::Mistakes;
use super::resolve::Resolver;
use super::sections::{check_name, unknown_key};
use super::syntax::{self, TomlNode, Word, key_of};
use super::targets::Draft;
use crate::engine::spec::{Load, Pool, Rate};

/// Most threads that a target can declare.
pub(super) const MOST_THREADS: u32 = 4096;

/// Most slots of a pool, and most starts of a rate.
pub(super) const MOST: u32 = 1000;

/// The keys of a pool.
pub(super) const POOL: [&str; 2] = ["slots", "rate"];

/// Reads `[pools]`.
pub(super) fn pools(table: Option<&DeTable<'_>>, mistakes: &mut Mistakes) -> BTreeMap<String, Pool> {
    let mut pools = BTreeMap::new();
    for (key, node) in table.into_iter().flatten() {
        let name = key_of(key);
        check_name(name, "a pool", mistakes);
        pools.extend(pool(name, node, mistakes).map(|pool| (name.text.to_owned(), pool)));
    }
    pools
}

fn pool(name: Word<'_>, node: &TomlNode<'_>, mistakes: &mut Mistakes) -> Option<Pool> {
    const HELP: &str = "say how many may use it at once, or how often: `{ slots = 2, rate = \"4/s\" }`";
    let DeValue::Table(table) = node.get_ref() else {
        syntax::expected(node, name.text, "a table", mistakes).help(HELP);
        return None;
    };
    let before = mistakes.len();
    let mut pool = Pool {
        slots: None,
        rate: None,
        span: name.span,
    };
    for (key, node) in table {
        let key = key_of(key);
        match key.text {
            "slots" => pool.slots = number(node, "slots", MOST, mistakes),
            "rate" => pool.rate = rate(node, mistakes),
            _ => unknown_key(key, &format!("in the pool `{}`", name.text), &POOL, mistakes),
        }
    }
    if pool.slots.is_none() && pool.rate.is_none() && mistakes.len() == before {
        let what = format!("the pool `{}` limits nothing", name.text);
        mistakes.error(name.span, what).help(HELP);
    }
    Some(pool)
}

/// Reads a whole number from 1 on.
pub(super) fn number(node: &TomlNode<'_>, key: &str, most: u32, mistakes: &mut Mistakes) -> Option<u32> {
    let number = node
        .get_ref()
        .as_integer()
        .and_then(|number| u32::from_str_radix(number.as_str(), number.radix()).ok())
        .filter(|number| (1..=most).contains(number));
    if number.is_none() {
        syntax::expected(node, key, &format!("a whole number from 1 to {most}"), mistakes);
    }
    number
}

/// Reads `4/s`, `100/min`, `1000/h` or `5000/d`.
fn rate(node: &TomlNode<'_>, mistakes: &mut Mistakes) -> Option<Rate> {
    let read = |text: &str| {
        let (count, per) = text.split_once('/')?;
        let per = match per.trim() {
            "s" => Duration::from_secs(1),
            "min" => Duration::from_mins(1),
            "h" => Duration::from_hours(1),
            "d" => Duration::from_hours(24),
            _ => return None,
        };
        let count = count.trim().parse().ok().filter(|count| (1..=MOST).contains(count))?;
        Some(Rate { count, per })
    };
    let rate = node.get_ref().as_str().and_then(read);
    if rate.is_none() {
        let wanted =
            format!("a number from 1 to {MOST} in a time, such as \"4/s\", \"100/min\", \"1000/h\" or \"500/d\"");
        syntax::expected(node, "rate", &wanted, mistakes);
    }
    rate
}

/// Reads the names of pools: one, or a list.
pub(super) fn names<'t>(node: &'t TomlNode<'t>, mistakes: &mut Mistakes) -> Vec<Word<'t>> {
    match node.get_ref() {
        DeValue::Array(_) => syntax::texts(node, "pool", "a pool, or a list of pools", mistakes),
        _ => syntax::text(node, "pool", "a pool, or a list of pools", mistakes)
            .into_iter()
            .collect(),
    }
}

/// Reads a size of memory, in bytes.
pub(super) fn memory(node: &TomlNode<'_>, mistakes: &mut Mistakes) -> Option<u64> {
    let read = |text: &str| Some(text.parse::<ByteSize>().ok()?.as_u64()).filter(|bytes| *bytes > 0);
    let memory = node.get_ref().as_str().and_then(read);
    if memory.is_none() {
        syntax::expected(node, "memory", "a size such as \"500MB\" or \"4GiB\"", mistakes);
    }
    memory
}

impl Resolver<'_, '_> {
    /// What a target takes while it runs.
    pub(super) fn load(&self, draft: &Draft<'_>, mistakes: &mut Mistakes) -> Load {
        let mut pools = Vec::with_capacity(draft.settings().pools.len());
        for word in &draft.settings().pools {
            if self.pools.contains_key(word.text) {
                pools.push(word.text.to_owned());
            } else {
                let known = self.pools.keys().map(String::as_str);
                mistakes
                    .unknown(
                        Some(word.span),
                        format!("unknown pool `{}`", word.text),
                        word.text,
                        "pools",
                        known,
                    )
                    .or_help(format!("declare it in `[pools]`: `{} = {{ slots = 2 }}`", word.text));
            }
        }
        pools.sort();
        pools.dedup();
        Load {
            pools,
            threads: draft.settings().threads.map(|(_, threads)| threads),
            memory: draft.settings().memory.unwrap_or_default(),
        }
    }
}

/// Warns of pools in which no target takes a place, unless something is wrong already: what is wrong may be the target.
pub(super) fn unused(pools: &BTreeMap<String, Pool>, drafts: &[Draft<'_>], mistakes: &mut Mistakes) {
    if mistakes.has_errors() {
        return;
    }
    for (name, pool) in pools {
        let is_used = drafts
            .iter()
            .flat_map(|draft| &draft.settings().pools)
            .any(|word| word.text == name);
        if !is_used {
            mistakes
                .warning(pool.span, format!("no target is in the pool `{name}`"))
                .help(format!("name it in a target: `pool = \"{name}\"`"));
        }
    }
}
