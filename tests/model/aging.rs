//! Random ages, answers, pauses and words of the user against a plain model of time.
//!
//! The clock moves by even numbers of hours and all limits are odd, so that nothing is ever exactly as old as it may be.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use proptest::prelude::*;
use proptest::test_runner::TestCaseError;

use crate::inside::{Ask, Inside, Pair, What, make};
use crate::project::{effort, write};

const TARGETS: usize = 5;
const SOURCES: usize = 2;
const HOUR: i64 = 3600;

/// An input: a source, or the artifact `hi` of a target before this one.
#[derive(Clone, Copy, Debug)]
enum Input {
    Source(usize),
    Target(usize),
}

/// A target, which stays as it is declared save for its value.
#[derive(Clone, Debug)]
struct Declared {
    inputs: Vec<Input>,
    max_age: Option<i64>,
    every: Option<i64>,
    has_probe: bool,
}

/// On what a result depends: the value, the inputs, and what the probe answered.
type Basis = (i64, Vec<String>, Option<String>);

#[derive(Clone, Debug)]
struct Record {
    basis: Basis,
    begun: i64,
    left: Pair,
}

#[derive(Clone, Debug)]
struct Accepted {
    basis: Basis,
    at: i64,
    left: Pair,
}

#[derive(Clone, Debug, Default)]
struct State {
    value: i64,
    record: Option<Record>,
    accepted: Option<Accepted>,
    /// The last answer, and when it was given; to which value, for a task is asked with its parameters.
    answer: Option<(String, i64, i64)>,
    results: BTreeMap<Basis, (Pair, i64)>,
    /// What lies in place; `hi` may be missing.
    disk: Option<(Option<String>, String)>,
}

#[derive(Clone, Debug, PartialEq)]
enum Finding {
    Fresh { accepted: bool },
    Held,
    Stale { restore: Option<Pair> },
    Undecided,
}

#[derive(Clone, Debug)]
enum Edit {
    Advance(i64),
    Value(usize, i64),
    Source(usize, u8),
    Answer(usize, u8),
    Silence(usize, bool),
    Fail(usize, bool),
    Overwrite(usize),
    Remove(usize),
    Accept(usize),
    Build(usize),
}

struct Model {
    declared: Vec<Declared>,
    states: Vec<State>,
    sources: [u8; SOURCES],
    answers: [u8; TARGETS],
    silent: BTreeSet<usize>,
    failing: BTreeSet<usize>,
    now: i64,
}

impl Model {
    fn asks(&self, at: usize) -> bool {
        self.declared[at].has_probe && self.declared[at].max_age.is_some()
    }

    fn is_over(&self, at: usize, since: i64) -> bool {
        let limit = self.declared[at].max_age;
        limit.is_some_and(|limit| since > self.now || self.now - since > limit)
    }

    fn answer(&self, at: usize) -> Option<String> {
        self.answered(at).map(|(answer, _)| answer.clone())
    }

    /// The last answer to today's question, and when it was given.
    fn answered(&self, at: usize) -> Option<(&String, i64)> {
        let state = &self.states[at];
        let (answer, given, value) = state.answer.as_ref()?;
        (self.asks(at) && *value == state.value).then_some((answer, *given))
    }

    fn inputs(&self, at: usize, left: &dyn Fn(usize) -> Option<Pair>) -> Vec<Option<String>> {
        let text = |input: &Input| match input {
            Input::Source(source) => Some(self.sources[*source].to_string()),
            Input::Target(other) => left(*other).map(|pair| pair.0),
        };
        self.declared[at].inputs.iter().map(text).collect()
    }

    /// What a target is found to be, with the contents of its inputs as far as they are known.
    fn judge(&self, at: usize, inputs: &[Option<String>]) -> Finding {
        let (state, declared) = (&self.states[at], &self.declared[at]);
        let answer = self.answer(at);
        let is_unasked = self.asks(at) && answer.is_none();
        let known: Option<Vec<String>> = inputs.iter().cloned().collect();
        let is_same = |basis: &Basis, with_answer: bool| {
            let inputs = inputs
                .iter()
                .zip(&basis.1)
                .all(|(now, then)| now.as_ref().is_none_or(|now| now == then));
            basis.0 == state.value && inputs && (!with_answer || basis.2 == answer)
        };
        let lies = |left: &Pair| state.disk == Some((Some(left.0.clone()), left.1.clone()));
        let since = |record: &Record| self.answered(at).map_or(record.begun, |(_, given)| given);
        if let Some(record) = &state.record {
            let is_old = self.is_over(at, since(record));
            let is_quiet = is_same(&record.basis, !is_unasked) && lies(&record.left);
            if is_quiet && !is_unasked && !is_old {
                return match known {
                    Some(_) => Finding::Fresh { accepted: false },
                    None => Finding::Undecided,
                };
            }
            if let Some(finding) = self.by_acceptance(at, known.is_some(), &is_same, &lies) {
                return finding;
            }
            if is_quiet && (is_unasked || (is_old && self.asks(at))) {
                return Finding::Undecided;
            }
            let hard = record.basis.0 != state.value || !lies(&record.left) || (is_old && !self.asks(at));
            let holds = |every: i64| record.begun <= self.now && self.now < record.begun + every;
            if !hard && declared.every.is_some_and(holds) {
                return Finding::Held;
            }
        }
        let found = known.and_then(|inputs| state.results.get(&(state.value, inputs, answer)));
        let is_young = |begun: i64| match self.asks(at) {
            true => self.answered(at).is_some_and(|(_, given)| !self.is_over(at, given)),
            false => !self.is_over(at, begun),
        };
        Finding::Stale {
            restore: found
                .filter(|(_, begun)| is_young(*begun))
                .map(|(pair, _)| pair.clone()),
        }
    }

    /// What the user's word makes of it, if that holds.
    fn by_acceptance(
        &self,
        at: usize,
        is_known: bool,
        is_same: &dyn Fn(&Basis, bool) -> bool,
        lies: &dyn Fn(&Pair) -> bool,
    ) -> Option<Finding> {
        let accepted = self.states[at].accepted.as_ref()?;
        let past = [Some(accepted.at), self.answered(at).map(|(_, given)| given)];
        let past = past.into_iter().flatten().filter(|moment| *moment <= self.now).max();
        let since = past.unwrap_or(accepted.at);
        let is_old = self.is_over(at, since);
        // Of what is accepted only the hash is known, which says nothing as long as an input is not.
        let is_other = is_known && !is_same(&accepted.basis, true);
        if is_other || !lies(&accepted.left) || (is_old && !self.asks(at)) {
            return None;
        }
        Some(match is_known && !is_old {
            true => Finding::Fresh { accepted: true },
            false => Finding::Undecided,
        })
    }

    /// What stays in place of a target, with its finding.
    fn stays(&self, at: usize, finding: &Finding) -> Option<Pair> {
        let state = &self.states[at];
        match finding {
            Finding::Fresh { accepted: true } => state.accepted.as_ref().map(|it| it.left.clone()),
            Finding::Fresh { .. } | Finding::Held => state.record.as_ref().map(|it| it.left.clone()),
            Finding::Stale { .. } | Finding::Undecided => None,
        }
    }

    /// The findings of a plan, which asks nothing, and what each target is known to leave.
    fn plan(&self) -> Vec<(Finding, Option<Pair>)> {
        let mut all: Vec<(Finding, Option<Pair>)> = Vec::new();
        for at in 0..TARGETS {
            let inputs = self.inputs(at, &|other| all[other].1.clone());
            let finding = self.judge(at, &inputs);
            let left = match &finding {
                Finding::Stale { restore } => restore.clone(),
                other => self.stays(at, other),
            };
            all.push((finding, left));
        }
        all
    }

    /// Builds everything; what became of each target, and whose probes were asked.
    fn build(&mut self) -> (Vec<What>, Vec<usize>) {
        let (mut ends, mut left, mut asked) = (Vec::new(), Vec::<Option<Pair>>::new(), Vec::new());
        for (at, (planned, _)) in self.plan().into_iter().enumerate() {
            // What the plan leaves in place gets no turn, whatever becomes of what it needs.
            if matches!(planned, Finding::Fresh { .. } | Finding::Held) {
                ends.push(What::Kept);
                left.push(self.stays(at, &planned));
                continue;
            }
            let lost = |input: &Input| matches!(input, Input::Target(other) if left[*other].is_none());
            if self.declared[at].inputs.iter().any(lost) {
                ends.push(What::Skipped);
                left.push(None);
                continue;
            }
            let inputs = self.inputs(at, &|other| left[other].clone());
            let mut finding = self.judge(at, &inputs);
            let is_open = matches!(finding, Finding::Undecided | Finding::Stale { restore: None });
            if self.asks(at) && is_open {
                asked.push(at);
                if self.silent.contains(&at) {
                    ends.push(What::Failed);
                    left.push(None);
                    continue;
                }
                let answer = (self.answers[at].to_string(), self.now, self.states[at].value);
                self.states[at].answer = Some(answer);
                finding = self.judge(at, &inputs);
            }
            let end = match &finding {
                Finding::Stale { restore: Some(_) } => What::Restored,
                Finding::Stale { restore: None } if self.failing.contains(&at) => What::Failed,
                Finding::Stale { restore: None } => What::Built,
                _ => What::Kept,
            };
            if matches!(end, What::Built) && self.asks(at) {
                // Once more afterwards, whether it still answers the same.
                asked.push(at);
            }
            left.push(match end {
                What::Restored | What::Built => Some(self.place(at, inputs.into_iter().flatten().collect(), end)),
                What::Kept => self.stays(at, &finding),
                _ => None,
            });
            ends.push(end);
        }
        (ends, asked)
    }

    /// Puts a result in place.
    fn place(&mut self, at: usize, inputs: Vec<String>, end: What) -> Pair {
        let (answer, now) = (self.answer(at), self.now);
        let state = &mut self.states[at];
        let made = make(at, state.value, &inputs);
        let basis = (state.value, inputs, answer);
        if end == What::Built {
            state.results.insert(basis.clone(), (made, now));
        }
        let (left, begun) = state.results[&basis].clone();
        state.disk = Some((Some(left.0.clone()), left.1.clone()));
        state.accepted = None;
        state.record = Some(Record {
            basis,
            begun,
            left: left.clone(),
        });
        left
    }

    /// Takes a target for fresh, if that can be.
    fn accept(&mut self, at: usize) -> bool {
        let plan = self.plan();
        let inputs = self.inputs(at, &|other| plan[other].1.clone());
        let now = self.now;
        let answer = self.answer(at);
        let state = &mut self.states[at];
        match (&plan[at].0, &mut state.accepted) {
            (Finding::Fresh { accepted: true }, Some(accepted)) => {
                accepted.at = now;
                return true;
            }
            (Finding::Fresh { .. }, _) => return true,
            _ => {}
        }
        let known: Option<Vec<String>> = inputs.into_iter().collect();
        let lies = state.disk.as_ref().and_then(|(hi, lo)| Some((hi.clone()?, lo.clone())));
        let (Some(_), Some(inputs), Some(left)) = (&state.record, known, lies) else {
            return false;
        };
        state.accepted = Some(Accepted {
            basis: (state.value, inputs, answer),
            at: now,
            left,
        });
        true
    }

    fn atsaffile(&self) -> String {
        let mut text = String::new();
        for (at, declared) in self.declared.iter().enumerate() {
            let input = |(number, input): (usize, &Input)| match input {
                Input::Source(source) => format!("in{number} = \"source{source}.txt\""),
                Input::Target(other) => format!("in{number} = \"hi_{other}\""),
            };
            let inputs: Vec<String> = declared.inputs.iter().enumerate().map(input).collect();
            let _ = write!(
                text,
                "[target.t{at}]\nuses = \"make_{at}_{}\"\ninputs = {{ {} }}\noutputs = {{ hi_{at} = \"out/{at}.hi\", lo_{at} = \
                 \"out/{at}.lo\" }}\nwith = {{ value = {} }}\n",
                inputs.len(),
                inputs.join(", "),
                self.states[at].value,
            );
            for (key, hours) in [("max_age", declared.max_age), ("every", declared.every)] {
                text += &hours.map_or_else(String::new, |hours| format!("{key} = \"{hours}h\"\n"));
            }
        }
        text
    }
}

/// The engine's project beside the model.
struct Both {
    model: Model,
    inside: Inside,
    hands: usize,
}

impl Both {
    fn new(declared: Vec<Declared>) -> Self {
        let both = Self {
            model: Model {
                declared,
                states: vec![State::default(); TARGETS],
                sources: [0; SOURCES],
                answers: [0; TARGETS],
                silent: BTreeSet::new(),
                failing: BTreeSet::new(),
                now: 0,
            },
            inside: Inside::new(),
            hands: 0,
        };
        for source in 0..SOURCES {
            write(&both.inside.path(&format!("source{source}.txt")), b"0");
        }
        for (at, declared) in both.model.declared.iter().enumerate() {
            if declared.has_probe {
                let mut answers = both.inside.control.answers.lock().expect("sound");
                answers.insert(at, "0".to_owned());
            }
        }
        both
    }

    fn edit(&mut self, edit: &Edit) -> Result<(), TestCaseError> {
        let control = &self.inside.control;
        let set = |of: &mut BTreeSet<usize>, at: usize, is: bool| match is {
            true => of.insert(at),
            false => of.remove(&at),
        };
        match *edit {
            Edit::Advance(hours) => {
                self.model.now += hours;
                self.inside.clock.advance(hours * HOUR);
            }
            Edit::Value(at, value) => self.model.states[at].value = value,
            Edit::Source(at, text) => {
                self.model.sources[at] = text;
                write(
                    &self.inside.path(&format!("source{at}.txt")),
                    text.to_string().as_bytes(),
                );
            }
            Edit::Answer(at, answer) if self.model.declared[at].has_probe => {
                self.model.answers[at] = answer;
                control.answers.lock().expect("sound").insert(at, answer.to_string());
            }
            Edit::Answer(..) => {}
            Edit::Silence(at, is) => {
                set(&mut self.model.silent, at, is);
                set(&mut control.unanswered.lock().expect("sound"), at, is);
            }
            Edit::Fail(at, is) => {
                set(&mut self.model.failing, at, is);
                set(&mut control.failing.lock().expect("sound"), at, is);
            }
            Edit::Overwrite(at) | Edit::Remove(at) => {
                let path = self.inside.path(&format!("out/{at}.hi"));
                let Some((hi, _)) = &mut self.model.states[at].disk else {
                    return Ok(());
                };
                *hi = None;
                let _ = std::fs::remove_file(&path);
                if matches!(edit, Edit::Overwrite(_)) {
                    self.hands += 1;
                    let text = format!("by hand {}", self.hands);
                    write(&path, text.as_bytes());
                    *hi = Some(text);
                }
            }
            Edit::Accept(at) => {
                let atsaffile = self.model.atsaffile();
                let accepted = self.inside.accept(&atsaffile, &format!("t{at}"));
                prop_assert_eq!(accepted, self.model.accept(at), "t{} is accepted", at);
            }
            Edit::Build(jobs) => self.build(jobs)?,
        }
        Ok(())
    }

    fn build(&mut self, jobs: usize) -> Result<(), TestCaseError> {
        let atsaffile = self.model.atsaffile();
        self.compare_plan(&atsaffile)?;
        let (expected, mut asks) = self.model.build();
        let ask = Ask {
            goals: &[],
            force: false,
            jobs,
        };
        self.inside.build(&atsaffile, ask);
        let ended = self.inside.control.ended.lock().expect("sound").clone();
        for (at, expected) in expected.iter().enumerate() {
            let found = ended.get(&at).copied().unwrap_or(What::Kept);
            prop_assert_eq!(found, *expected, "t{}", at);
        }
        let mut asked = self.inside.control.asked.lock().expect("sound").clone();
        asked.sort_unstable();
        asks.sort_unstable();
        prop_assert_eq!(asked, asks, "asked");
        let disk = self.inside.texts("out");
        for (at, state) in self.model.states.iter().enumerate() {
            let (hi, lo) = state.disk.clone().map_or((None, None), |(hi, lo)| (hi, Some(lo)));
            prop_assert_eq!(disk.get(&format!("out/{at}.hi")), hi.as_ref());
            prop_assert_eq!(disk.get(&format!("out/{at}.lo")), lo.as_ref());
        }
        self.compare_plan(&atsaffile)
    }

    /// What a plan finds is what the model does.
    fn compare_plan(&self, atsaffile: &str) -> Result<(), TestCaseError> {
        use atsaf::engine::plan::{Note, Verdict};
        for (at, (finding, _)) in self.model.plan().into_iter().enumerate() {
            let found = match self.inside.verdict(atsaffile, &format!("t{at}")) {
                (Verdict::Fresh, note) => Finding::Fresh {
                    accepted: note == Some(Note::Accepted),
                },
                (Verdict::Held { .. }, _) => Finding::Held,
                (Verdict::Undecided, _) => Finding::Undecided,
                (Verdict::Stale { restore, .. }, _) => Finding::Stale {
                    restore: restore.map(|_| Pair::default()),
                },
            };
            let expected = match finding {
                Finding::Stale { restore } => Finding::Stale {
                    restore: restore.map(|_| Pair::default()),
                },
                other => other,
            };
            prop_assert_eq!(found, expected, "t{}", at);
        }
        Ok(())
    }
}

fn declared(at: usize) -> impl Strategy<Value = Declared> {
    let input = prop_oneof![
        1 => (0..SOURCES).prop_map(Input::Source),
        2 => (0..TARGETS).prop_map(move |other| if other < at { Input::Target(other) } else { Input::Source(0) }),
    ];
    (
        prop::collection::vec(input, 0..=2),
        prop::option::of(prop::sample::select(vec![1_i64, 3, 5])),
        prop::option::weighted(0.3, prop::sample::select(vec![1_i64, 3])),
        any::<bool>(),
    )
        .prop_map(|(inputs, max_age, every, has_probe)| Declared {
            inputs,
            max_age,
            // What waits longer than a result counts is a mistake of the Atsaffile.
            every: every.filter(|every| max_age.is_none_or(|age| *every <= age)),
            has_probe,
        })
}

fn edit() -> impl Strategy<Value = Edit> {
    let at = || 0..TARGETS;
    prop_oneof![
        5 => prop::sample::select(vec![2_i64, 2, 4, 6, -4]).prop_map(Edit::Advance),
        3 => (at(), 0..3_i64).prop_map(|(at, value)| Edit::Value(at, value)),
        3 => (0..SOURCES, 0..3_u8).prop_map(|(at, text)| Edit::Source(at, text)),
        4 => (at(), 0..3_u8).prop_map(|(at, answer)| Edit::Answer(at, answer)),
        1 => (at(), any::<bool>()).prop_map(|(at, is)| Edit::Silence(at, is)),
        1 => (at(), any::<bool>()).prop_map(|(at, is)| Edit::Fail(at, is)),
        1 => at().prop_map(Edit::Overwrite),
        1 => at().prop_map(Edit::Remove),
        3 => at().prop_map(Edit::Accept),
        8 => (1..4_usize).prop_map(Edit::Build),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 60 * effort(),
        failure_persistence: None,
        max_shrink_iters: 400,
        ..ProptestConfig::default()
    })]

    #[test]
    fn ages_answers_and_the_word_of_the_user_count_as_a_plain_model_says(
        declared in (declared(0), declared(1), declared(2), declared(3), declared(4)),
        edits in prop::collection::vec(edit(), 1..25),
    ) {
        let (a, b, c, d, e) = declared;
        let mut both = Both::new(vec![a, b, c, d, e]);
        both.build(1)?;
        for edit in &edits {
            both.edit(edit)?;
        }
        both.build(1)?;
    }
}
