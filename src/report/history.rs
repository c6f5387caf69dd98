//! What the journal tells of past runs, and of one target in them.

use std::collections::{HashMap, HashSet};
use std::fmt::Write as _;
use std::time::{Duration, SystemTime};

use serde_json::{Value, json};

use super::causes;
use super::human;
use super::ink::{Ink, Tone};
use super::json;
use super::line_edits::Edit;
use super::reasons::{brief, told};
use super::table::TextTable;
use crate::engine::digest::Digest;
use crate::engine::reason::Reason;
use crate::engine::run_id::RunId;
use crate::engine::store::entry::{Acceptance, Entry, Failed, ResultEntry, RunEntry};
use crate::outward::visible_line;

/// Past runs and what happened in them, the newest first.
#[derive(Debug, Default)]
pub struct Story {
    /// The runs.
    pub runs: Vec<PastRun>,
    /// What became of targets.
    pub turns: Vec<TargetRun>,
    /// Results, by target and run, of which a shortened journal does not tell any more when they left their places, and what
    /// came back after them.
    pub past: HashSet<(String, RunId)>,
}

/// A past run.
#[derive(Debug)]
pub struct PastRun {
    /// Its beginning.
    pub run: RunEntry,
    /// Its end, unless it was killed or still runs.
    pub end: Option<RunEnd>,
}

/// The end of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunEnd {
    /// From plan to end.
    pub duration: Duration,
    /// Targets that ran, came back, failed and were skipped.
    pub counts: [u32; 4],
    /// Whether it was interrupted.
    pub interrupted: bool,
}

/// What became of one target in one run.
#[derive(Debug)]
pub enum TargetRun {
    /// It ran and succeeded; `placed` tells whether its artifacts came into place.
    Made {
        /// The success.
        made: Box<ResultEntry>,
        /// Whether the commit was finished.
        placed: bool,
    },
    /// It came back.
    Restored {
        /// The run that restored it.
        run: RunId,
        /// The target.
        target: String,
        /// The run that had made it.
        from: RunId,
        /// What came back.
        made: Box<ResultEntry>,
        /// Why it was stale.
        reasons: Vec<Reason>,
    },
    /// An attempt failed.
    Failed(Failed),
    /// The user took it for fresh.
    Accepted {
        /// The target.
        target: String,
        /// When, and why.
        acceptance: Box<Acceptance>,
    },
}

impl TargetRun {
    /// The run in which it happened.
    #[must_use]
    pub fn run(&self) -> RunId {
        match self {
            Self::Made { made, .. } => made.run,
            Self::Restored { run, .. } => *run,
            Self::Failed(failed) => failed.run,
            Self::Accepted { acceptance, .. } => acceptance.run,
        }
    }

    /// The target to which it happened.
    #[must_use]
    pub fn target(&self) -> &str {
        match self {
            Self::Made { made, .. } => &made.target,
            Self::Restored { target, .. } | Self::Accepted { target, .. } => target,
            Self::Failed(failed) => &failed.target,
        }
    }
}

impl Story {
    /// Reads the entries of a journal.
    #[must_use]
    pub fn new(entries: Vec<Entry>) -> Self {
        let mut story = Self::default();
        let mut runs: HashMap<RunId, usize> = HashMap::new();
        let mut open: HashMap<(String, Digest), usize> = HashMap::new();
        for entry in entries {
            match entry {
                Entry::Run(run) => {
                    runs.insert(run.run, story.runs.len());
                    story.runs.push(PastRun { run, end: None });
                }
                Entry::Intent(made) => {
                    open.insert((made.target.clone(), made.id), story.turns.len());
                    story.turns.push(TargetRun::Made { made, placed: false });
                }
                Entry::Past(made) => {
                    story.past.insert((made.target.clone(), made.run));
                    story.turns.push(TargetRun::Made { made, placed: true });
                }
                Entry::Result { target, id } => {
                    let at = open.remove(&(target, id));
                    if let Some(TargetRun::Made { placed, .. }) = at.and_then(|at| story.turns.get_mut(at)) {
                        *placed = true;
                    }
                }
                Entry::Restore { run, reasons, result } => story.turns.push(TargetRun::Restored {
                    run,
                    target: result.target.clone(),
                    from: result.run,
                    made: result,
                    reasons,
                }),
                Entry::Failure(failed) => story.turns.push(TargetRun::Failed(failed)),
                Entry::Accepted { target, acceptance } => story.turns.push(TargetRun::Accepted { target, acceptance }),
                Entry::Ended {
                    run,
                    duration,
                    counts,
                    interrupted,
                } => {
                    if let Some(past) = runs.get(&run).and_then(|at| story.runs.get_mut(*at)) {
                        past.end = Some(RunEnd {
                            duration: Duration::from_millis(duration),
                            counts,
                            interrupted,
                        });
                    }
                }
                Entry::Placement { .. }
                | Entry::SetAside { .. }
                | Entry::AsideEnded { .. }
                | Entry::Acting { .. }
                | Entry::Forgotten { .. }
                | Entry::Answered { .. }
                | Entry::Synced { .. } => {}
            }
        }
        story.runs.reverse();
        story.turns.reverse();
        story
    }

    /// What happened to a target, the newest first.
    pub fn of<'a>(&'a self, target: &'a str) -> impl Iterator<Item = &'a TargetRun> {
        self.turns.iter().filter(move |turn| turn.target() == target)
    }

    /// The runs whose id begins with some digits.
    #[must_use]
    pub fn named(&self, digits: &str) -> Vec<RunId> {
        let ids = self.runs.iter().map(|past| past.run.run);
        ids.filter(|id| id.to_string().starts_with(digits)).collect()
    }
}

const COUNTED: [&str; 4] = ["built", "restored", "failed", "skipped"];

/// How a run ended, in words; `alive` tells whether its build is still there.
fn ended(end: Option<RunEnd>, alive: bool) -> (Tone, String) {
    let Some(RunEnd {
        counts, interrupted, ..
    }) = end
    else {
        return match alive {
            true => (Tone::Plain, "still runs".to_owned()),
            false => (Tone::Bad, "was killed".to_owned()),
        };
    };
    let mut told: Vec<String> = COUNTED
        .iter()
        .zip(counts)
        .filter(|(_, count)| *count > 0)
        .map(|(word, count)| format!("{count} {word}"))
        .collect();
    if interrupted {
        told.insert(0, "interrupted".to_owned());
    }
    let tone = match interrupted || counts[2] > 0 {
        true => Tone::Bad,
        false => Tone::Plain,
    };
    match told.is_empty() {
        true => (tone, "nothing to do".to_owned()),
        false => (tone, told.join(", ")),
    }
}

/// How a run ended, in words; `alive` tells whether its build is still there.
#[must_use]
pub fn end_words(end: Option<RunEnd>, alive: bool) -> String {
    ended(end, alive).1
}

/// Draws past runs: id, when, how long, how they ended, goals, and what was set; below each what had changed.
#[must_use]
pub fn runs_text(story: &Story, alive: &dyn Fn(RunId) -> bool, now: SystemTime, ink: Ink) -> String {
    let mut table = TextTable::new().right(2);
    for PastRun { run, end } in &story.runs {
        let took = end.map(|end| human::duration(end.duration)).unwrap_or_default();
        let set: Vec<String> = run.set.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let goals = match run.goals.is_empty() {
            true => "(default)".to_owned(),
            false => run.goals.join(" "),
        };
        let alive = end.is_none() && alive(run.run);
        table.row([
            (Tone::Strong, run.run.short()),
            (Tone::Plain, human::ago(run.run.time(), now)),
            (Tone::Plain, took),
            ended(*end, alive),
            (Tone::Plain, goals),
            (Tone::Faint, set.join(" ")),
        ]);
    }
    let causes = causes::causes(story);
    let mut out = String::new();
    for (line, PastRun { run, .. }) in table.draw(ink).lines().zip(&story.runs) {
        let _ = writeln!(out, "{line}");
        if let Some(causes) = causes.get(&run.run) {
            let causes = visible_line(&causes::in_one_line(causes)).into_owned();
            let _ = writeln!(out, "    {}", ink.paint(Tone::Faint, &causes));
        }
    }
    out
}

/// Past runs: `{"runs": [..]}`, the newest first, each with `run`, `time`, `goals` as asked for (none: the project's
/// default), `set`, `causes` (what had changed, as texts), and, null as long as it has not ended, `duration`, `interrupted`, `built`, `restored`, `failed` and
/// `skipped`; `alive` tells whether its build is still there.
#[must_use]
pub fn runs_json(story: &Story, alive: &dyn Fn(RunId) -> bool) -> Value {
    let causes = causes::causes(story);
    let one = |PastRun { run, end }: &PastRun| {
        let set: serde_json::Map<String, Value> = run
            .set
            .iter()
            .map(|(name, value)| (name.clone(), value.as_str().into()))
            .collect();
        let mut object = json!({
            "run": run.run.to_string(),
            "time": human::timestamp(run.run.time()),
            "goals": run.goals,
            "set": set,
            "causes": causes.get(&run.run).cloned().unwrap_or_default(),
            "alive": end.is_none() && alive(run.run),
            "duration": end.map(|end| json::seconds(end.duration)),
            "interrupted": end.map(|end| end.interrupted),
        });
        for (at, word) in COUNTED.iter().enumerate() {
            object[*word] = end.map(|end| end.counts[at]).into();
        }
        object
    };
    json!({ "runs": story.runs.iter().map(one).collect::<Vec<_>>() })
}

/// Draws what happened to a target.
#[must_use]
pub fn target_text(story: &Story, target: &str, now: SystemTime, ink: Ink) -> String {
    let mut table = TextTable::new().right(3);
    for turn in story.of(target) {
        let (tone, word, took, text) = words(turn);
        table.row([
            (tone, word.to_owned()),
            (Tone::Strong, turn.run().short()),
            (Tone::Plain, human::ago(turn.run().time(), now)),
            (Tone::Plain, took),
            (Tone::Plain, text),
        ]);
    }
    table.draw(ink)
}

/// How a turn ended, how long it took, and why it came to it.
fn words(turn: &TargetRun) -> (Tone, &'static str, String, String) {
    match turn {
        TargetRun::Made { made, placed } => {
            let (tone, word) = match placed {
                true => (Tone::Good, "built"),
                false => (Tone::Bad, "cut short"),
            };
            (tone, word, milliseconds(made.duration), brief(&made.reasons))
        }
        TargetRun::Restored { from, reasons, .. } => {
            let why = match reasons.is_empty() {
                true => "as it was asked for".to_owned(),
                false => brief(reasons),
            };
            let text = format!("from run {}; {why}", from.short());
            (Tone::Good, "restored", String::new(), text)
        }
        TargetRun::Failed(failed) => {
            let again = match failed.attempt {
                1 => String::new(),
                attempt => format!(" (attempt {attempt})"),
            };
            let text = format!("{}{again}", failed.what);
            (Tone::Bad, "failed", milliseconds(failed.duration), text)
        }
        TargetRun::Accepted { acceptance, .. } => (Tone::Stale, "accepted", String::new(), acceptance.why.clone()),
    }
}

/// Draws what became of a target in one run, with every reason on its line.
#[must_use]
pub fn turns_text(target: &str, run: RunId, turns: &[&TargetRun], now: SystemTime, ink: Ink) -> String {
    let (name, ago) = (ink.paint(Tone::Strong, target), human::ago(run.time(), now));
    let run = format!("run {} ({ago})", run.short());
    let mut out = String::new();
    for turn in turns {
        let (tone, word, took, text) = words(turn);
        let took = if took.is_empty() { took } else { format!(", {took}") };
        let _ = writeln!(out, "{name} was {} in {run}{took}", ink.paint(tone, word));
        let reasons = match turn {
            TargetRun::Made { made, .. } => &made.reasons,
            TargetRun::Restored { reasons, .. } => reasons,
            TargetRun::Failed(_) | TargetRun::Accepted { .. } => {
                let _ = writeln!(out, "  {text}");
                continue;
            }
        };
        for told in reasons.iter().map(told) {
            let _ = writeln!(out, "  {}", told.brief());
            for edit in &told.lines {
                let _ = match edit {
                    Edit::Taken(line) => writeln!(out, "    {}", ink.paint(Tone::Old, &format!("- {line}"))),
                    Edit::Added(line) => writeln!(out, "    {}", ink.paint(Tone::New, &format!("+ {line}"))),
                };
            }
        }
    }
    if out.is_empty() {
        let _ = writeln!(
            out,
            "{name} was not touched in {run}: it was fresh, or no goal needed it"
        );
    }
    out
}

fn milliseconds(milliseconds: u64) -> String {
    human::duration(Duration::from_millis(milliseconds))
}

/// What happened to a target: `{"target": NAME, "history": [..]}`, the newest first, each as [`turn_json`].
#[must_use]
pub fn target_json(story: &Story, target: &str) -> Value {
    let history: Vec<Value> = story.of(target).map(turn_json).collect();
    json!({ "target": target, "history": history })
}

/// What became of a target in a run: `run`, `time` and `outcome`: `built` or `cut_short` (with `attempt`, `duration`,
/// `reasons`, `artifacts`), `restored` (with `from` and `reasons`), `failed` (with `attempt`, `duration` and `what`) or
/// `accepted` (with `why`).
///
/// An artifact has `name`, `path`, `content` (the digest of what it says) and `size` in bytes.
#[must_use]
pub fn turn_json(turn: &TargetRun) -> Value {
    let (run, time) = (turn.run().to_string(), human::timestamp(turn.run().time()));
    let reasons = |reasons: &[Reason]| reasons.iter().map(json::reason).collect::<Value>();
    match turn {
        TargetRun::Made { made, placed } => {
            let artifacts: Vec<Value> = made
                .artifacts
                .iter()
                .map(|it| json!({ "name": it.name, "path": it.path, "content": it.content.hex(), "size": it.size }))
                .collect();
            json!({
                "run": run, "time": time, "outcome": if *placed { "built" } else { "cut_short" },
                "attempt": made.attempt, "duration": json::milliseconds(made.duration),
                "reasons": reasons(&made.reasons), "artifacts": artifacts,
            })
        }
        TargetRun::Restored { from, reasons: why, .. } => json!({
            "run": run, "time": time, "outcome": "restored", "from": from.to_string(),
            "reasons": reasons(why),
        }),
        TargetRun::Failed(failed) => json!({
            "run": run, "time": time, "outcome": "failed", "attempt": failed.attempt,
            "duration": json::milliseconds(failed.duration), "what": failed.what,
        }),
        TargetRun::Accepted { acceptance, .. } => json!({
            "run": run, "time": time, "outcome": "accepted", "why": acceptance.why,
        }),
    }
}
