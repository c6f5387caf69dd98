//! Random projects, edits, failures and kills against a plain recursion that knows what must happen.
//!
//! The model knows nothing of journals, objects or digests: it remembers what each target made of what, and walks the
//! graph. The engine must run, restore and keep exactly what the model says, and leave what a clean build makes. Edits
//! while a build runs take from the model the order of things, not the end: nothing is ever fresh that a clean build
//! would make otherwise, and a build that succeeds leaves what a clean one does.

mod aging;
mod live;
mod recursion;
mod sources;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use proptest::prelude::*;
use proptest::test_runner::TestCaseError;

use self::live::{During, Edited, LiveEdit, Moment, put};
use self::recursion::{Model, Pick, Slot, TREE, made};
use self::sources::{FILES, SourceEdit, source_edit};
use crate::inside::{Ask, INPUTS, Inside, Pair, SLOTS, What};
use crate::project::{effort, write};

/// The store's directory.
const STORE: &str = ".atsaf/v1";

/// A change of the project.
#[derive(Clone, Debug)]
enum Edit {
    Declare(usize, Slot),
    TakeAway(usize),
    Value(usize, i64),
    Source(SourceEdit),
    Rename(usize),
    Move(usize),
    Delete(usize, bool),
    Alter(usize, bool),
    Fail(usize, bool),
    LoseCaches,
    CutJournal(u64),
    /// A byte of the journal's head is another one.
    FlipHead(usize),
    /// The journal is one of a former version, of another project.
    FormerJournal,
    LoseStore,
}

/// Some edits, and the build after them.
#[derive(Clone, Debug)]
struct Step {
    edits: Vec<Edit>,
    goals: Vec<usize>,
    force: bool,
    /// The number of the attempt in which the build is killed.
    kill: Option<usize>,
    during: Option<During>,
    jobs: usize,
}

/// The engine's project beside the model.
struct Both {
    inside: Inside,
    model: Model,
}

impl Both {
    fn new(slots: Vec<Slot>, tree: Option<Slot>) -> Self {
        let mut slots: Vec<Option<Slot>> = slots.into_iter().map(Some).collect();
        slots.resize(SLOTS, None);
        slots.push(tree);
        let mut model = Model {
            slots,
            ..Model::default()
        };
        model.begin_anew();
        let pair = Self {
            inside: Inside::new(),
            model,
        };
        pair.model.sources.write(&pair.inside.path(""));
        pair
    }

    fn edit(&mut self, edit: &Edit) {
        let model = &mut self.model;
        match edit {
            Edit::Declare(slot, declared) => {
                model.slots[*slot] = Some(declared.clone());
                model.precise &= !declared.temp;
            }
            Edit::TakeAway(slot) => model.slots[*slot] = None,
            Edit::Value(slot, value) => {
                if let Some(declared) = &mut model.slots[*slot] {
                    declared.value = *value;
                }
            }
            Edit::Source(edit) => model.sources.edit(edit, &self.inside.path("")),
            Edit::Rename(slot) => {
                if let Some(declared) = &mut model.slots[*slot] {
                    declared.renamed = !declared.renamed;
                }
            }
            Edit::Move(slot) => {
                if let Some(declared) = &mut model.slots[*slot] {
                    declared.moved = !declared.moved;
                }
            }
            Edit::Delete(slot, hi) => {
                let path = model.path(*slot, *hi);
                if let Some(text) = model.disk.remove(&path) {
                    model.by_hand.remove(&text);
                    fs::remove_file(self.inside.path(&path)).expect("removed");
                }
            }
            Edit::Alter(slot, hi) => {
                let (path, text) = (model.path(*slot, *hi), model.by_hand());
                put(&self.inside.path(&path), Some(&text));
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
            Edit::LoseCaches => {
                for cache in ["index", "results"] {
                    let _ = fs::remove_file(self.inside.path(STORE).join(cache));
                }
                for caches in ["listings", "specs"] {
                    let _ = fs::remove_dir_all(self.inside.path(STORE).join(caches));
                }
            }
            Edit::FlipHead(at) => {
                let journal = self.inside.path(STORE).join("journal");
                if let Ok(mut bytes) = fs::read(&journal)
                    && let Some(byte) = bytes.get_mut(*at)
                {
                    *byte ^= 0x41;
                    write(&journal, &bytes);
                }
            }
            Edit::FormerJournal => {
                let journal = self.inside.path(STORE).join("journal");
                if journal.exists() {
                    write(&journal, crate::upgrade::FORMER);
                    model.forget();
                }
            }
            Edit::LoseStore => {
                let _ = fs::remove_dir_all(self.inside.path(STORE));
                model.forget();
            }
            Edit::CutJournal(bytes) => {
                if let Ok(journal) = fs::File::options()
                    .write(true)
                    .open(self.inside.path(STORE).join("journal"))
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
        let names: Vec<String> = goals.iter().map(|slot| self.model.name(*slot)).collect();
        let atsaffile = self.model.atsaffile();
        let mut expected = BTreeMap::new();
        for goal in &goals {
            if !expected.contains_key(goal) {
                self.model.expect(*goal, step.force, &mut expected);
            }
        }
        let stale = self.assert_rightly_fresh(&atsaffile)?;

        let mut failing = self.inside.control.failing.lock().expect("sound");
        failing.clone_from(&self.model.failing);
        drop(failing);
        let (killed, edited) = (self.arm_kill(step), self.arm_edit(step));
        let alone = step.kill.is_some() || step.during.is_some();
        let ask = Ask {
            goals: &names,
            force: step.force,
            jobs: if alone { 1 } else { step.jobs },
        };
        let summary = self.inside.build(&atsaffile, ask);
        *self.inside.control.hook.lock().expect("sound") = None;
        let edited = edited.lock().expect("sound").take();
        let was_edited = edited.is_some();
        if let Some(edited) = edited {
            self.take_over(edited);
        }
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
        let all_went_well = summary.failed + summary.skipped == 0 && !was_killed;
        if was_edited {
            self.note_after_edit(&expected, &declared, all_went_well);
        } else {
            self.compare_ends(step, &expected, &ended, &stale)?;
            if self.model.precise && !was_killed {
                let failed = expected.values().any(|(what, _)| *what == What::Failed);
                prop_assert_eq!(summary.failed > 0, failed);
                for (slot, (what, _)) in &expected {
                    let fresh = What::Kept;
                    prop_assert_eq!(ended.get(slot).unwrap_or(&fresh), what, "t{}", slot);
                }
            }
            for (slot, what) in &ended {
                self.model.note(*slot, *what);
            }
        }
        self.compare_disk(&expected, &ended, was_killed, was_edited)?;
        self.assert_rightly_fresh(&atsaffile)?;
        if all_went_well {
            // Of these goals: for another reader, what is gone may be needed.
            let stale = self.inside.stale(&atsaffile, &names);
            let is_stale = |slot: &&usize| stale.contains(&self.model.name(**slot));
            let again: Vec<_> = expected.keys().filter(is_stale).collect();
            prop_assert!(again.is_empty(), "still stale: {again:?}");
        }
        Ok(())
    }

    /// The targets that are not fresh; what is fresh must be what a clean build makes.
    fn assert_rightly_fresh(&self, atsaffile: &str) -> Result<BTreeSet<usize>, TestCaseError> {
        let names = self.inside.stale(atsaffile, &[]);
        let disk = self.inside.texts("out");
        let mut stale = BTreeSet::new();
        for slot in self.model.declared() {
            if names.contains(&self.model.name(slot)) {
                stale.insert(slot);
                continue;
            }
            let (hi, lo) = self.model.clean(slot);
            for (is_hi, text) in [(true, hi), (false, lo)] {
                let found = disk.get(&self.model.path(slot, is_hi));
                if found.is_none() && self.model.is_temp(slot) {
                    continue;
                }
                prop_assert_eq!(found, Some(&text), "t{} is called fresh", slot);
            }
        }
        Ok(stale)
    }

    /// Compares how targets ended with the plan and the model.
    fn compare_ends(
        &self,
        step: &Step,
        expected: &BTreeMap<usize, (What, Option<Pair>)>,
        ended: &BTreeMap<usize, What>,
        stale: &BTreeSet<usize>,
    ) -> Result<(), TestCaseError> {
        for (slot, what) in ended {
            // What may be gone is made again if a reader turns out to need it; its other readers wait for it then.
            let waited = || *what == What::Skipped && self.model.reads_undecided_temp(*slot, stale);
            let announced = step.force || *what == What::Kept || stale.contains(slot) || waited();
            prop_assert!(announced, "t{slot} was {what:?}, but the plan called it fresh");
            if self.model.precise {
                prop_assert_eq!(*what, expected[slot].0, "t{}", slot);
            }
        }
        Ok(())
    }

    /// Takes over what an edit during a build has made of the sources and artifacts.
    fn take_over(&mut self, edited: Edited) {
        if let Some(sources) = edited.sources {
            self.model.sources = sources;
        }
        if let Some((overwritten, text)) = edited.by_hand {
            overwritten.map(|former| self.model.by_hand.remove(&former));
            self.model.by_hand.insert(text);
        }
    }

    /// Takes note of a build during which something was edited: of all that it made on the way, and of its end.
    fn note_after_edit(
        &mut self,
        expected: &BTreeMap<usize, (What, Option<Pair>)>,
        declared: &[usize],
        all_went_well: bool,
    ) {
        let built = std::mem::take(&mut *self.inside.control.built.lock().expect("sound"));
        let commands = built.iter().filter(|(at, _)| declared[*at] == TREE).count();
        // Who was in place when something failed, and what a command read at first, nobody has noted.
        self.model.precise &= all_went_well && commands <= 1;
        for (at, basis) in built.into_iter().filter(|(at, _)| declared[*at] != TREE) {
            let pair = made(declared[at], basis.0, &basis.1);
            self.model.results.entry(declared[at]).or_default().insert(basis, pair);
        }
        if all_went_well {
            for slot in expected.keys() {
                self.model.note(*slot, What::Restored);
            }
        }
    }

    /// Compares the disk with the model.
    fn compare_disk(
        &mut self,
        expected: &BTreeMap<usize, (What, Option<Pair>)>,
        ended: &BTreeMap<usize, What>,
        was_killed: bool,
        was_edited: bool,
    ) -> Result<(), TestCaseError> {
        let disk = self.inside.texts("out");
        if self.model.precise && !was_edited {
            prop_assert_eq!(&disk, &self.model.disk);
        }
        // After an edit, whether a target that was left in place is right stands in the plan after it.
        if !was_killed && !was_edited {
            for slot in expected.keys() {
                let what = ended.get(slot).copied().unwrap_or(What::Kept);
                if !matches!(what, What::Failed | What::Skipped) && !self.model.is_temp(*slot) {
                    let (hi, lo) = self.model.clean(*slot);
                    let found = |hi| disk.get(&self.model.path(*slot, hi));
                    prop_assert_eq!(found(true), Some(&hi), "t{} was {:?}", slot, what);
                    prop_assert_eq!(found(false), Some(&lo), "t{} was {:?}", slot, what);
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
}

fn pick() -> impl Strategy<Value = Pick> {
    prop_oneof![
        2 => (0..FILES).prop_map(Pick::Source),
        2 => Just(Pick::Folder),
        1 => Just(Pick::Tree),
        4 => (0..SLOTS).prop_map(Pick::Hi),
        4 => (0..SLOTS).prop_map(Pick::Lo),
    ]
}

fn slot(inputs: impl Into<prop::collection::SizeRange>) -> impl Strategy<Value = Slot> {
    (0..3_i64, prop::collection::vec(pick(), inputs)).prop_map(|(value, inputs)| Slot {
        value,
        inputs,
        renamed: false,
        moved: false,
        temp: false,
    })
}

/// One of which every third is `temp`.
fn temp_slot() -> impl Strategy<Value = Slot> {
    (slot(0..=INPUTS), prop::bool::weighted(0.34)).prop_map(|(slot, temp)| Slot { temp, ..slot })
}

fn edit() -> impl Strategy<Value = Edit> {
    prop_oneof![
        4 => (0..SLOTS, slot(0..=INPUTS)).prop_map(|(at, slot)| Edit::Declare(at, slot)),
        2 => (0..=TREE).prop_map(Edit::TakeAway),
        12 => (0..=TREE, 0..3_i64).prop_map(|(at, value)| Edit::Value(at, value)),
        10 => source_edit().prop_map(Edit::Source),
        1 => (0..FILES).prop_map(|at| Edit::Source(SourceEdit::Rename(at))),
        2 => (0..=TREE).prop_map(Edit::Rename),
        2 => (0..SLOTS).prop_map(Edit::Move),
        4 => (0..=TREE, any::<bool>()).prop_map(|(at, hi)| Edit::Delete(at, hi)),
        4 => (0..=TREE, any::<bool>()).prop_map(|(at, hi)| Edit::Alter(at, hi)),
        6 => (0..SLOTS, prop::bool::weighted(0.4)).prop_map(|(at, fails)| Edit::Fail(at, fails)),
        2 => Just(Edit::LoseCaches),
        1 => (1..600_u64).prop_map(Edit::CutJournal),
        // By its number, one of a former version is known as such.
        1 => (0..32_usize).prop_filter("no number", |at| *at != 14).prop_map(Edit::FlipHead),
        1 => Just(Edit::FormerJournal),
        1 => Just(Edit::LoseStore),
    ]
}

fn during() -> impl Strategy<Value = During> {
    let edit = prop_oneof![
        3 => source_edit().prop_map(LiveEdit::Source),
        1 => (0..=TREE, any::<bool>()).prop_map(|(at, hi)| LiveEdit::Alter(at, hi)),
    ];
    let moment = prop_oneof![1 => Just(Moment::Before), 1 => Just(Moment::After), 3 => Just(Moment::Back)];
    (0..3_usize, edit, moment).prop_map(|(attempt, edit, moment)| During { attempt, edit, moment })
}

fn step() -> impl Strategy<Value = Step> {
    let kill = prop_oneof![4 => Just(None), 1 => (0..4_usize).prop_map(Some)];
    let goals = prop_oneof![2 => Just(Vec::new()), 1 => prop::collection::vec(0..=TREE, 1..3)];
    (
        prop::collection::vec(edit(), 0..4),
        goals,
        prop::bool::weighted(0.1),
        kill,
        prop::option::weighted(0.3, during()),
        1..4_usize,
    )
        .prop_map(|(edits, goals, force, kill, during, jobs)| Step {
            edits,
            goals,
            force,
            kill,
            during,
            jobs,
        })
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 150 * effort(),
        failure_persistence: None,
        max_shrink_iters: 300,
        ..ProptestConfig::default()
    })]

    #[test]
    fn the_engine_does_what_a_plain_recursion_says(
        slots in prop::collection::vec(slot(0..=INPUTS), 1..=SLOTS),
        tree in prop::option::weighted(0.4, slot(1..=1_usize)),
        steps in prop::collection::vec(step(), 1..10),
    ) {
        let mut both = Both::new(slots, tree);
        for step in &steps {
            step.edits.iter().for_each(|edit| both.edit(edit));
            both.build(step)?;
        }
    }

    #[test]
    fn what_may_go_once_it_is_read_changes_nothing_of_the_rest(
        slots in prop::collection::vec(temp_slot(), 2..=SLOTS),
        tree in prop::option::weighted(0.4, slot(1..=1_usize)),
        steps in prop::collection::vec(step(), 1..10),
        more in prop::collection::vec((0..SLOTS, temp_slot()), 10),
    ) {
        let mut both = Both::new(slots, tree);
        for (step, (at, slot)) in steps.iter().zip(more) {
            step.edits.iter().for_each(|edit| both.edit(edit));
            both.edit(&Edit::Declare(at, slot));
            both.build(step)?;
        }
    }
}
