//! Processes that outlived the attempt which started them: they are found by the variables in their environment, and
//! ended before another attempt writes to the same paths.
//!
//! Only Linux tells the environment of a process. Elsewhere a survivor is waited for, as long as it holds the lock that
//! it inherited.

use std::fs;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use super::event::{Event, Notice, Observer};
use super::graph::TargetId;
use super::nesting;
use super::plan::PlanContext;
use super::store::private_key;
use crate::outward::Mask;

/// How long a survivor may take to end by itself.
const GRACE: Duration = Duration::from_secs(5);
/// How often it is looked whether it has.
const LOOK: Duration = Duration::from_millis(20);

/// A process that outlived its attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Survivor {
    pid: Pid,
    /// The key of the target whose command it is a part of.
    pub(crate) key: String,
    /// Its words.
    words: String,
}

impl Survivor {
    /// ``process 4711 (`sleep 60`)``; secrets hidden before it is cut, for part of one is not known for one.
    pub(crate) fn describe(&self, mask: &Mask) -> String {
        let words: String = mask.hide(&self.words).chars().take(80).collect();
        format!("process {} (`{words}`)", self.pid.as_raw_nonzero())
    }
}

/// The processes that were started for those targets of a project of whose keys `wanted` says so.
pub(crate) fn find(project: &str, wanted: &dyn Fn(&str) -> bool) -> Vec<Survivor> {
    let own = std::process::id();
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    let numbers = processes.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    numbers
        .filter(|number| *number != own)
        .filter_map(|number| look(number, project))
        .filter(|survivor| wanted(&survivor.key))
        .collect()
}

fn look(number: u32, project: &str) -> Option<Survivor> {
    let environment = fs::read(format!("/proc/{number}/environ")).ok()?;
    let value = |name: &str| {
        let mut variables = environment.split(|byte| *byte == 0);
        let value = variables.find_map(|it| it.strip_prefix(name.as_bytes())?.strip_prefix(b"="))?;
        Some(String::from_utf8_lossy(value).into_owned())
    };
    if value(nesting::PROJECT)? != project {
        return None;
    }
    let words = fs::read(format!("/proc/{number}/cmdline")).unwrap_or_default();
    let words = String::from_utf8_lossy(&words)
        .trim_end_matches('\0')
        .replace('\0', " ");
    Some(Survivor {
        pid: Pid::from_raw(i32::try_from(number).ok()?)?,
        key: value(nesting::ATTEMPT)?,
        words,
    })
}

/// Ends processes, politely first and then by force; gives back those that are still there after that.
pub(crate) fn end(project: &str, survivors: Vec<Survivor>) -> Vec<Survivor> {
    let mut left = survivors;
    for signal in [Signal::TERM, Signal::KILL] {
        for survivor in &left {
            let _ = kill_process(survivor.pid, signal);
        }
        let until = Instant::now() + GRACE;
        loop {
            // A number may have gone to another process meanwhile.
            left.retain(|it| look(it.pid.as_raw_nonzero().get().unsigned_abs(), project).is_some());
            if left.is_empty() {
                return left;
            }
            if Instant::now() >= until {
                break;
            }
            std::thread::sleep(LOOK);
        }
    }
    left
}

/// Ends what still runs of the attempts that were cut short, by the keys of their directories, and tells it. An effect is
/// left to its end: its lock is waited for.
pub(super) fn end_cut_short(context: PlanContext<'_>, cut_short: &[String], mask: &Mask, observer: &dyn Observer) {
    if cut_short.is_empty() {
        return;
    }
    let PlanContext { graph, files, .. } = context;
    let dead: Vec<TargetId> = graph
        .order()
        .iter()
        .copied()
        .filter(|id| {
            let target = graph.target(*id);
            !target.settings.effect && cut_short.contains(&private_key(&target.outputs))
        })
        .collect();
    let project = nesting::identity(files.root());
    let key_of = |id: &TargetId| private_key(&graph.target(*id).outputs);
    let is_dead = |key: &str| dead.iter().any(|id| key_of(id) == key);
    let found = find(&project, &is_dead);
    let running = end(&project, found.clone());
    for id in dead {
        let of = |all: &[Survivor]| -> Vec<String> {
            let own = all.iter().filter(|survivor| survivor.key == key_of(&id));
            own.map(|survivor| survivor.describe(mask)).collect()
        };
        let notice = match (of(&found), of(&running)) {
            (found, _) if found.is_empty() => continue,
            (processes, running) if running.is_empty() => Notice::SurvivorsEnded { processes },
            (_, processes) => Notice::SurvivorsRunning { processes },
        };
        observer.observe(&Event::Noticed { target: id, notice });
    }
}
