//! Random projects, edits, failures and kills against a plain recursion that knows what must happen.
//!
//! The model knows nothing of journals, objects or digests: it remembers what each target made of what, and walks the
//! graph. The engine must run, restore and keep exactly what the model says, and leave what a clean build makes.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use proptest::prelude::*;
use proptest::test_runner::TestCaseError;

use crate::inside::{Ask, INPUTS, Inside, Pair, SLOTS, What, make};
use crate::project::{copy_tree, directory, effort, write};

const SOURCES: usize = 3;

/// What one input of a target is.
#[derive(Clone, Copy, Debug)]
enum Pick {
    Source(usize),
    Hi(usize),
    Lo(usize),
}

/// A declared target.
#[derive(Clone, Debug)]
struct Slot {
    value: i64,
    inputs: Vec<Pick>,
}

/// A change of the project.
#[derive(Clone, Debug)]
enum Edit {
    Declare(usize, Slot),
    TakeAway(usize),
    Value(usize, i64),
    Source(usize, u8),
    Delete(usize, bool),
    Alter(usize, bool),
    Fail(usize, bool),
    LoseIndex,
    CutJournal(u64),
}

/// Some edits, and the build after them.
#[derive(Clone, Debug)]
struct Step {
    edits: Vec<Edit>,
    goals: Vec<usize>,
    force: bool,
    /// The number of the attempt in which the build is killed.
    kill: Option<usize>,
    jobs: usize,
}

/// On what a result depends: the value and the contents of the inputs.
type Basis = (i64, Vec<String>);

#[derive(Default)]
struct Model {
    slots: Vec<Option<Slot>>,
    sources: [u8; SOURCES],
    failing: BTreeSet<usize>,
    results: BTreeMap<usize, BTreeMap<Basis, Pair>>,
    record: BTreeMap<usize, Basis>,
    /// Artifacts as they are on the disk, by path.
    disk: BTreeMap<String, String>,
    /// Texts that were written by hand and must never be lost.
    by_hand: BTreeSet<String>,
    hands: usize,
    /// Whether the engine knows all that the model does: not after its journal was cut.
    precise: bool,
}

fn path(slot: usize, hi: bool) -> String {
    format!("out/{slot}.{}", if hi { "hi" } else { "lo" })
}

impl Model {
    fn source(&self, at: usize) -> String {
        format!("source {}", self.sources[at])
    }

    /// What an input of a target is as long as all targets are not declared: a source then.
    fn pick(&self, slot: usize, pick: Pick) -> Pick {
        match pick {
            Pick::Hi(other) | Pick::Lo(other) if other >= slot || self.slots[other].is_none() => Pick::Source(0),
            other => other,
        }
    }

    fn declared(&self) -> Vec<usize> {
        (0..SLOTS).filter(|slot| self.slots[*slot].is_some()).collect()
    }

    fn atsaffile(&self) -> String {
        let mut text = String::new();
        for slot in self.declared() {
            let Some(Slot { value, inputs }) = &self.slots[slot] else {
                continue;
            };
            let inputs: Vec<String> = inputs
                .iter()
                .enumerate()
                .map(|(at, pick)| match self.pick(slot, *pick) {
                    Pick::Source(source) => format!("in{at} = \"source{source}.txt\""),
                    Pick::Hi(other) => format!("in{at} = \"hi_{other}\""),
                    Pick::Lo(other) => format!("in{at} = \"lo_{other}\""),
                })
                .collect();
            text += &format!(
                "[target.t{slot}]\nuses = \"make_{slot}_{}\"\ninputs = {{ {} }}\n\
                 outputs = {{ hi_{slot} = \"{}\", lo_{slot} = \"{}\" }}\nwith = {{ value = {value} }}\n\n",
                inputs.len(),
                inputs.join(", "),
                path(slot, true),
                path(slot, false),
            );
        }
        text
    }

    /// What a clean build makes of a target.
    fn clean(&self, slot: usize) -> Pair {
        let (value, inputs) = self.basis(slot, &|other| Some(self.clean(other))).expect("all known");
        make(slot, value, &inputs)
    }

    /// On what a target's result depends now; `None` if a target that it reads has left nothing.
    fn basis(&self, slot: usize, left: &dyn Fn(usize) -> Option<Pair>) -> Option<Basis> {
        let Slot { value, inputs } = self.slots[slot].as_ref().expect("declared");
        let content = |pick: &Pick| {
            Some(match self.pick(slot, *pick) {
                Pick::Source(source) => self.source(source),
                Pick::Hi(other) => left(other)?.0,
                Pick::Lo(other) => left(other)?.1,
            })
        };
        let contents: Option<Vec<String>> = inputs.iter().map(content).collect();
        Some((*value, contents?))
    }

    /// What must become of a target and, before it, of all that it needs.
    fn expect(&self, slot: usize, force: bool, all: &mut BTreeMap<usize, (What, Option<Pair>)>) {
        for pick in &self.slots[slot].as_ref().expect("declared").inputs {
            if let Pick::Hi(other) | Pick::Lo(other) = self.pick(slot, *pick) {
                if !all.contains_key(&other) {
                    self.expect(other, force, all);
                }
            }
        }
        let end = match self.basis(slot, &|other| all[&other].1.clone()) {
            None => (What::Skipped, None),
            Some(basis) => {
                let known = self.results.get(&slot).and_then(|results| results.get(&basis));
                let in_place = |hi: bool, text: &String| self.disk.get(&path(slot, hi)) == Some(text);
                let intact = known.is_some_and(|(hi, lo)| in_place(true, hi) && in_place(false, lo));
                match known {
                    Some(pair) if !force && self.record.get(&slot) == Some(&basis) && intact => {
                        (What::Kept, Some(pair.clone()))
                    }
                    Some(pair) if !force => (What::Restored, Some(pair.clone())),
                    _ if self.failing.contains(&slot) => (What::Failed, None),
                    _ => (What::Built, Some(make(slot, basis.0, &basis.1))),
                }
            }
        };
        all.insert(slot, end);
    }

    /// Takes note of what a build did with a target.
    fn note(&mut self, slot: usize, what: What) {
        if matches!(what, What::Built | What::Restored) {
            let pair = self.clean(slot);
            let basis = self.basis(slot, &|other| Some(self.clean(other))).expect("all known");
            for (hi, text) in [(true, &pair.0), (false, &pair.1)] {
                self.disk.insert(path(slot, hi), text.clone());
            }
            self.results.entry(slot).or_default().insert(basis.clone(), pair);
            self.record.insert(slot, basis);
        }
    }
}

/// The engine's project beside the model.
struct Both {
    inside: Inside,
    model: Model,
}

impl Both {
    fn new(slots: Vec<Slot>) -> Self {
        let mut slots: Vec<Option<Slot>> = slots.into_iter().map(Some).collect();
        slots.resize(SLOTS, None);
        let model = Model {
            slots,
            precise: true,
            ..Model::default()
        };
        let pair = Self {
            inside: Inside::new(),
            model,
        };
        (0..SOURCES).for_each(|at| pair.write_source(at));
        pair
    }

    fn write_source(&self, at: usize) {
        write(
            &self.inside.path(&format!("source{at}.txt")),
            self.model.source(at).as_bytes(),
        );
    }

    fn edit(&mut self, edit: &Edit) {
        let model = &mut self.model;
        match edit {
            Edit::Declare(slot, declared) => model.slots[*slot] = Some(declared.clone()),
            Edit::TakeAway(slot) => model.slots[*slot] = None,
            Edit::Value(slot, value) => {
                if let Some(declared) = &mut model.slots[*slot] {
                    declared.value = *value;
                }
            }
            Edit::Source(at, version) => {
                model.sources[*at] = *version;
                self.write_source(*at);
            }
            Edit::Delete(slot, hi) => {
                let path = path(*slot, *hi);
                if let Some(text) = model.disk.remove(&path) {
                    model.by_hand.remove(&text);
                    fs::remove_file(self.inside.path(&path)).expect("removed");
                }
            }
            Edit::Alter(slot, hi) => {
                let path = path(*slot, *hi);
                model.hands += 1;
                let text = format!("by hand, number {}", model.hands);
                fs::create_dir_all(self.inside.path("out")).expect("made");
                write(&self.inside.path(&path), text.as_bytes());
                if let Some(former) = model.disk.insert(path, text.clone()) {
                    model.by_hand.remove(&former);
                }
                model.by_hand.insert(text);
            }
            Edit::Fail(slot, fails) => {
                match fails {
                    true => model.failing.insert(*slot),
                    false => model.failing.remove(slot),
                };
            }
            Edit::LoseIndex => {
                let _ = fs::remove_file(self.inside.path(".atsaf/v1/index"));
            }
            Edit::CutJournal(bytes) => {
                if let Ok(journal) = fs::File::options()
                    .write(true)
                    .open(self.inside.path(".atsaf/v1/journal"))
                {
                    let length = journal.metadata().expect("a length").len();
                    journal.set_len(length.saturating_sub(*bytes)).expect("cut");
                    model.precise = false;
                }
            }
        }
    }

    fn build(&mut self, step: &Step) -> Result<(), TestCaseError> {
        let declared = self.model.declared();
        if declared.is_empty() {
            return Ok(());
        }
        let goals: BTreeSet<usize> = step
            .goals
            .iter()
            .copied()
            .filter(|goal| declared.contains(goal))
            .collect();
        let goals = if goals.is_empty() {
            declared.iter().copied().collect()
        } else {
            goals
        };
        let names: Vec<String> = goals.iter().map(|slot| format!("t{slot}")).collect();
        let atsaffile = self.model.atsaffile();
        let mut expected = BTreeMap::new();
        for goal in &goals {
            if !expected.contains_key(goal) {
                self.model.expect(*goal, step.force, &mut expected);
            }
        }
        let stale = self.inside.stale(&atsaffile, &names);

        *self.inside.control.failing.lock().expect("sound") = self.model.failing.clone();
        let killed = self.arm(step);
        let jobs = if step.kill.is_some() { 1 } else { step.jobs };
        let ask = Ask {
            goals: &names,
            force: step.force,
            jobs,
        };
        let summary = self.inside.build(&atsaffile, ask);
        *self.inside.control.kill.lock().expect("sound") = None;
        let killed = killed.lock().expect("sound").take();
        let was_killed = killed.is_some();
        let ended = match killed {
            // From here on, all is as it was in the midst of that attempt.
            Some((dir, ended)) => {
                self.inside = Inside::at(dir);
                ended
            }
            None => self.inside.control.ended.lock().expect("sound").clone(),
        };
        // The engine numbers its targets as the Atsaffile does.
        let ended: BTreeMap<usize, What> = ended.into_iter().map(|(at, what)| (declared[at], what)).collect();
        for (slot, what) in &ended {
            let told = step.force || *what == What::Kept || stale.contains(&format!("t{slot}"));
            prop_assert!(told, "t{slot} was {what:?}, but the plan called it fresh");
            if self.model.precise {
                prop_assert_eq!(*what, expected[slot].0, "t{}", slot);
            }
        }
        if self.model.precise && !was_killed {
            for (slot, (what, _)) in &expected {
                let fresh = What::Kept;
                prop_assert_eq!(ended.get(slot).unwrap_or(&fresh), what, "t{}", slot);
            }
            let failed = expected.values().any(|(what, _)| *what == What::Failed);
            prop_assert_eq!(summary.failed > 0, failed);
        }
        for (slot, what) in &ended {
            self.model.note(*slot, *what);
        }
        self.compare(&expected, &ended, was_killed)?;
        if summary.failed + summary.skipped == 0 && !was_killed {
            let again = self.inside.stale(&atsaffile, &names);
            prop_assert!(again.is_empty(), "still stale: {again:?}");
        }
        Ok(())
    }

    /// Compares the disk with the model.
    fn compare(
        &mut self,
        expected: &BTreeMap<usize, (What, Option<Pair>)>,
        ended: &BTreeMap<usize, What>,
        was_killed: bool,
    ) -> Result<(), TestCaseError> {
        let disk = self.inside.texts("out");
        if self.model.precise {
            prop_assert_eq!(&disk, &self.model.disk);
        }
        if !was_killed {
            for slot in expected.keys() {
                let what = ended.get(slot).copied().unwrap_or(What::Kept);
                if !matches!(what, What::Failed | What::Skipped) {
                    let (hi, lo) = self.model.clean(*slot);
                    prop_assert_eq!(disk.get(&path(*slot, true)), Some(&hi), "t{} was {:?}", slot, what);
                    prop_assert_eq!(disk.get(&path(*slot, false)), Some(&lo), "t{} was {:?}", slot, what);
                }
            }
        }
        let displaced: BTreeSet<String> = self.inside.texts(".atsaf/displaced").into_values().collect();
        for text in &self.model.by_hand {
            let there = disk.values().any(|it| it == text) || displaced.contains(text);
            prop_assert!(there, "`{text}` is lost");
        }
        self.model.disk = disk;
        Ok(())
    }

    /// Lets the build be killed, as far as the project can tell: its directory is copied in the midst of an attempt.
    fn arm(&self, step: &Step) -> Killed {
        let killed = Killed::default();
        if let Some(attempt) = step.kill {
            let (from, control) = (self.inside.path(""), std::sync::Arc::clone(&self.inside.control));
            let copy = std::sync::Arc::clone(&killed);
            let kill = move || {
                let dir = directory();
                copy_tree(&from, dir.path()).expect("copied");
                let ended = control.ended.lock().expect("sound").clone();
                *copy.lock().expect("sound") = Some((dir, ended));
            };
            *self.inside.control.kill.lock().expect("sound") = Some((attempt, Box::new(kill)));
        }
        killed
    }
}

/// The project as it was when its build was killed, and what had ended by then.
type Killed = std::sync::Arc<std::sync::Mutex<Option<(tempfile::TempDir, BTreeMap<usize, What>)>>>;

fn slot() -> impl Strategy<Value = Slot> {
    let pick = prop_oneof![
        1 => (0..SOURCES).prop_map(Pick::Source),
        2 => (0..SLOTS).prop_map(Pick::Hi),
        2 => (0..SLOTS).prop_map(Pick::Lo),
    ];
    (0..3_i64, prop::collection::vec(pick, 0..=INPUTS)).prop_map(|(value, inputs)| Slot { value, inputs })
}

fn edit() -> impl Strategy<Value = Edit> {
    prop_oneof![
        2 => (0..SLOTS, slot()).prop_map(|(at, slot)| Edit::Declare(at, slot)),
        1 => (0..SLOTS).prop_map(Edit::TakeAway),
        6 => (0..SLOTS, 0..3_i64).prop_map(|(at, value)| Edit::Value(at, value)),
        4 => (0..SOURCES, 0..3_u8).prop_map(|(at, version)| Edit::Source(at, version)),
        2 => (0..SLOTS, any::<bool>()).prop_map(|(at, hi)| Edit::Delete(at, hi)),
        2 => (0..SLOTS, any::<bool>()).prop_map(|(at, hi)| Edit::Alter(at, hi)),
        3 => (0..SLOTS, prop::bool::weighted(0.4)).prop_map(|(at, fails)| Edit::Fail(at, fails)),
        1 => Just(Edit::LoseIndex),
        1 => (1..600_u64).prop_map(Edit::CutJournal),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let kill = prop_oneof![4 => Just(None), 1 => (0..4_usize).prop_map(Some)];
    let goals = prop_oneof![2 => Just(Vec::new()), 1 => prop::collection::vec(0..SLOTS, 1..3)];
    (
        prop::collection::vec(edit(), 0..4),
        goals,
        prop::bool::weighted(0.1),
        kill,
        1..4_usize,
    )
        .prop_map(|(edits, goals, force, kill, jobs)| Step {
            edits,
            goals,
            force,
            kill,
            jobs,
        })
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 200 * effort(),
        failure_persistence: None,
        max_shrink_iters: 300,
        ..ProptestConfig::default()
    })]

    #[test]
    fn the_engine_does_what_a_plain_recursion_says(
        slots in prop::collection::vec(slot(), 1..=SLOTS),
        steps in prop::collection::vec(step(), 1..10),
    ) {
        let mut both = Both::new(slots);
        for step in &steps {
            step.edits.iter().for_each(|edit| both.edit(edit));
            both.build(step)?;
        }
    }
}
