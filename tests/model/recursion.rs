//! The plain recursion: what each target made of what, and what must become of it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use super::sources::{AIMS, FOLDER, Sources};
use crate::inside::{Basis, Pair, SLOTS, What, make};

/// The target that is a command: it makes a directory with a link in it.
pub(super) const TREE: usize = SLOTS;
/// The targets before this one can be read by it, and those from it on can read it.
pub(super) const BELOW_TREE: usize = 3;

/// What one input of a target is.
#[derive(Clone, Copy, Debug)]
pub(super) enum Pick {
    Source(usize),
    Folder,
    Tree,
    Hi(usize),
    Lo(usize),
}

/// A declared target.
#[derive(Clone, Debug)]
pub(super) struct Slot {
    pub(super) value: i64,
    pub(super) inputs: Vec<Pick>,
    /// Whether it has its other name.
    pub(super) renamed: bool,
    /// Whether its artifacts have their other paths.
    pub(super) moved: bool,
    /// Whether its artifacts may go once they are read.
    pub(super) temp: bool,
}

#[derive(Default)]
pub(super) struct Model {
    pub(super) slots: Vec<Option<Slot>>,
    pub(super) sources: Sources,
    pub(super) failing: BTreeSet<usize>,
    pub(super) results: BTreeMap<usize, BTreeMap<Basis, Pair>>,
    /// By the target's name.
    pub(super) record: BTreeMap<String, Basis>,
    /// Artifacts as they are on the disk, by path.
    pub(super) disk: BTreeMap<String, String>,
    /// Texts that were written by hand and must never be lost.
    pub(super) by_hand: BTreeSet<String>,
    pub(super) hands: usize,
    /// Whether the engine knows all that the model does: not after its journal was cut.
    pub(super) precise: bool,
}

impl Model {
    pub(super) fn name(&self, slot: usize) -> String {
        let renamed = self.slots[slot].as_ref().is_some_and(|it| it.renamed);
        format!("{}{slot}", if renamed { "renamed" } else { "t" })
    }

    /// Whether a target's artifacts may be gone.
    pub(super) fn is_temp(&self, slot: usize) -> bool {
        self.slots[slot].as_ref().is_some_and(|it| it.temp && slot != TREE)
    }

    /// Where a target's artifact lies; of the directory, one of its two entries.
    pub(super) fn path(&self, slot: usize, hi: bool) -> String {
        if slot == TREE {
            return format!("out/tree/{}", if hi { "text" } else { "link" });
        }
        let moved = self.slots[slot].as_ref().is_some_and(|it| it.moved);
        let ending = if hi { "hi" } else { "lo" };
        format!("out/{}{slot}.{ending}", if moved { "moved/" } else { "" })
    }

    /// What an input of a target is as long as all targets are not declared: a source then.
    fn pick(&self, slot: usize, pick: Pick) -> Pick {
        let below = if slot == TREE { BELOW_TREE } else { slot };
        match pick {
            Pick::Hi(other) | Pick::Lo(other) if other >= below || self.slots[other].is_none() => Pick::Source(0),
            Pick::Tree if slot < BELOW_TREE || slot == TREE || self.slots[TREE].is_none() => Pick::Folder,
            other => other,
        }
    }

    /// The target that makes an input.
    fn maker(&self, slot: usize, pick: Pick) -> Option<usize> {
        match self.pick(slot, pick) {
            Pick::Source(_) | Pick::Folder => None,
            Pick::Tree => Some(TREE),
            Pick::Hi(other) | Pick::Lo(other) => Some(other),
        }
    }

    /// Whether a target reads, at whatever distance, an artifact that may be gone, of a target that is not fresh.
    pub(super) fn reads_undecided_temp(&self, slot: usize, stale: &BTreeSet<usize>) -> bool {
        let inputs = &self.slots[slot].as_ref().expect("declared").inputs;
        let mut makers = inputs.iter().filter_map(|pick| self.maker(slot, *pick));
        makers.any(|maker| (self.is_temp(maker) && stale.contains(&maker)) || self.reads_undecided_temp(maker, stale))
    }

    pub(super) fn declared(&self) -> Vec<usize> {
        (0..=TREE).filter(|slot| self.slots[*slot].is_some()).collect()
    }

    pub(super) fn atsaffile(&self) -> String {
        let mut text = String::new();
        for slot in self.declared() {
            let Some(declared) = &self.slots[slot] else {
                continue;
            };
            let Slot {
                value, inputs, temp, ..
            } = declared;
            let inputs: Vec<String> = inputs.iter().map(|pick| self.input(slot, *pick)).collect();
            let _ = writeln!(text, "[target.{}]", self.name(slot));
            if slot == TREE {
                let _ = write!(
                    text,
                    "run = \"printf 'tree {value} ' > {{{{output.tree}}}}/text; cat {{{{inputs}}}} >> {{{{output.tree}}}}/text; \
                     ln -s ../../aim/{value}.txt {{{{output.tree}}}}/link\"\ninputs = [{}]\noutputs = {{ tree = \
                     \"out/tree/\" }}\n\n",
                    inputs.join(", "),
                );
                continue;
            }
            if *temp {
                text.push_str("temp = true\n");
            }
            let roles = inputs.iter().enumerate().map(|(at, input)| format!("in{at} = {input}"));
            let _ = write!(
                text,
                "uses = \"make_{slot}_{}\"\ninputs = {{ {} }}\n\
                 outputs = {{ hi_{slot} = \"{}\", lo_{slot} = \"{}\" }}\nwith = {{ value = {value} }}\n\n",
                inputs.len(),
                roles.collect::<Vec<_>>().join(", "),
                self.path(slot, true),
                self.path(slot, false),
            );
        }
        text
    }

    /// How the Atsaffile calls an input.
    fn input(&self, slot: usize, pick: Pick) -> String {
        match self.pick(slot, pick) {
            Pick::Source(at) => format!("\"{}\"", self.sources.path(at)),
            Pick::Folder if slot == TREE => format!("\"{FOLDER}/file\""),
            Pick::Folder => format!("\"{FOLDER}/\""),
            Pick::Tree => "\"tree\"".to_owned(),
            Pick::Hi(other) => format!("\"hi_{other}\""),
            Pick::Lo(other) => format!("\"lo_{other}\""),
        }
    }

    /// Where an input lies.
    fn input_path(&self, slot: usize, pick: Pick) -> String {
        match self.pick(slot, pick) {
            Pick::Source(at) => self.sources.path(at),
            Pick::Folder => format!("{FOLDER}/file"),
            Pick::Hi(other) => self.path(other, true),
            Pick::Lo(other) => self.path(other, false),
            Pick::Tree => unreachable!("it does not read itself"),
        }
    }

    /// What a clean build makes of a target.
    pub(super) fn clean(&self, slot: usize) -> Pair {
        let (value, inputs) = self.basis(slot, &|other| Some(self.clean(other))).expect("all known");
        made(slot, value, &inputs)
    }

    /// On what a target's result depends now; `None` if a target that it reads has left nothing.
    pub(super) fn basis(&self, slot: usize, left: &dyn Fn(usize) -> Option<Pair>) -> Option<Basis> {
        let Slot { value, inputs, .. } = self.slots[slot].as_ref().expect("declared");
        let content = |pick: &Pick| {
            Some(match self.pick(slot, *pick) {
                Pick::Source(source) => self.sources.text(source),
                Pick::Folder if slot == TREE => self.sources.folder_file_text(),
                Pick::Folder => self.sources.folder_text(),
                Pick::Hi(other) => left(other)?.0,
                Pick::Lo(other) => left(other)?.1,
                Pick::Tree => {
                    let (text, link) = left(TREE)?;
                    format!("link={link} {};text={text};", self.aim_of_tree())
                }
            })
        };
        let contents: Option<Vec<String>> = inputs.iter().map(content).collect();
        let mut contents = contents?;
        if slot == TREE {
            contents.extend(inputs.iter().map(|pick| self.input_path(slot, *pick)));
        }
        Some((*value, contents))
    }

    /// What the link in the directory leads to.
    fn aim_of_tree(&self) -> String {
        let value = self.slots[TREE].as_ref().expect("declared").value;
        self.sources.aim_text(usize::try_from(value).expect("small") % AIMS)
    }

    /// What must become of a target and, before it, of all that it needs.
    pub(super) fn expect(&self, slot: usize, force: bool, all: &mut BTreeMap<usize, (What, Option<Pair>)>) {
        for pick in &self.slots[slot].as_ref().expect("declared").inputs {
            if let Some(other) = self.maker(slot, *pick)
                && !all.contains_key(&other)
            {
                self.expect(other, force, all);
            }
        }
        let end = match self.basis(slot, &|other| all[&other].1.clone()) {
            None => (What::Skipped, None),
            Some(basis) => {
                let known = self.results.get(&slot).and_then(|results| results.get(&basis));
                let in_place = |hi: bool, text: &String| self.disk.get(&self.path(slot, hi)) == Some(text);
                let intact = known.is_some_and(|(hi, lo)| in_place(true, hi) && in_place(false, lo));
                match known {
                    Some(pair) if !force && self.record.get(&self.name(slot)) == Some(&basis) && intact => {
                        (What::Kept, Some(pair.clone()))
                    }
                    Some(pair) if !force => (What::Restored, Some(pair.clone())),
                    _ if self.failing.contains(&slot) => (What::Failed, None),
                    _ => (What::Built, Some(made(slot, basis.0, &basis.1))),
                }
            }
        };
        all.insert(slot, end);
    }

    /// Takes note of what a build did with a target.
    pub(super) fn note(&mut self, slot: usize, what: What) {
        if matches!(what, What::Built | What::Restored) {
            let pair = self.clean(slot);
            let basis = self.basis(slot, &|other| Some(self.clean(other))).expect("all known");
            for (hi, text) in [(true, &pair.0), (false, &pair.1)] {
                self.disk.insert(self.path(slot, hi), text.clone());
            }
            self.results.entry(slot).or_default().insert(basis.clone(), pair);
            self.record.insert(self.name(slot), basis);
        }
    }

    /// Takes note that nothing is known any more of what was built.
    pub(super) fn forget(&mut self) {
        self.results.clear();
        self.record.clear();
        self.begin_anew();
    }

    /// Takes the engine to know all that the model does; when what may be gone is there, the model does not know.
    pub(super) fn begin_anew(&mut self) {
        self.precise = !(0..self.slots.len()).any(|slot| self.is_temp(slot));
    }

    /// A text that nothing else has.
    pub(super) fn by_hand(&mut self) -> String {
        self.hands += 1;
        format!("by hand, number {}", self.hands)
    }
}

/// What a target makes of its value and its inputs.
pub(super) fn made(slot: usize, value: i64, inputs: &[String]) -> Pair {
    if slot != TREE {
        return make(slot, value, inputs);
    }
    let read = inputs.first().map_or("", String::as_str);
    (format!("tree {value} {read}"), format!("-> ../../aim/{value}.txt"))
}
