//! What happens in a run, as data; a report turns it into text.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use super::graph::TargetId;
use super::reason::Reason;
use super::run_id::RunId;
use super::store::Holder;

/// Takes events as they happen, from any thread.
pub trait Observer: Sync {
    /// One thing happened.
    fn observe(&self, event: &Event);
}

/// One thing that happened in a run.
#[derive(Clone, Debug)]
pub enum Event {
    /// A plan was made: at the start, and again after another build came between.
    Planned {
        /// The run.
        run: RunId,
        /// Targets that are stale or undecided, in build order.
        steps: Vec<TargetId>,
        /// How many are fresh.
        fresh: usize,
        /// How long those of them that are to run took when they last did.
        expected: BTreeMap<TargetId, Duration>,
    },
    /// A target waits for something outside this build.
    Waiting {
        /// The target.
        target: TargetId,
        /// For whom.
        on: WaitingFor,
    },
    /// An attempt begins.
    Started {
        /// The target.
        target: TargetId,
        /// 1 for the first.
        attempt: u32,
        /// Why it runs.
        reasons: Vec<Reason>,
    },
    /// A task tells how far it is.
    Progress {
        /// The target.
        target: TargetId,
        /// What it is doing.
        message: String,
    },
    /// A line that a task or a command printed, secrets masked.
    Output {
        /// The target.
        target: TargetId,
        /// The line without its end.
        line: String,
    },
    /// An attempt failed and there will be another.
    Retrying {
        /// The target.
        target: TargetId,
        /// The failure.
        failure: Failure,
        /// The next attempt's number.
        attempt: u32,
        /// The pause before it.
        delay: Duration,
    },
    /// A target is done.
    Finished {
        /// The target.
        target: TargetId,
        /// How.
        outcome: Outcome,
    },
    /// The build is to end, and the attempt of a target may tidy up first.
    Stopping {
        /// The target.
        target: TargetId,
    },
    /// Something was found out about a target that does not stop the build.
    Noticed {
        /// The target.
        target: TargetId,
        /// What.
        notice: Notice,
    },
    /// A file that atsaf had not made stood at an artifact's path and was kept.
    Displaced {
        /// The artifact's path.
        path: String,
        /// Where the file is now, relative to the project.
        to: String,
    },
    /// Something is wrong that does not stop the build.
    Warning {
        /// What.
        message: String,
    },
    /// The run is over.
    Ended {
        /// The run.
        run: RunId,
        /// How it went.
        summary: Summary,
    },
}

/// For whom a target waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WaitingFor {
    /// Whoever holds its lock, or that of something it reads.
    Holder(Holder),
    /// An older run, which builds with other values.
    OtherValues(RunId),
    /// A build in which another target makes the same files.
    SameFiles,
    /// A place in a pool.
    Pool {
        /// The pool.
        pool: String,
        /// Who has one.
        holder: Holder,
    },
    /// The next start that the rate of a pool allows.
    Rate {
        /// The pool.
        pool: String,
    },
}

/// What was found out about a target that does not stop the build.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// Its command wrote files beside its outputs, which are lost.
    WrittenBeside {
        /// The paths that they would have in the project, sorted.
        paths: Vec<String>,
        /// The output nearest to the first of them, by its path.
        output: String,
    },
    /// The path of the private directory stands in a result.
    StagingPathInside {
        /// The artifact's path.
        artifact: String,
        /// The path that stands in it.
        staging: String,
    },
    /// A link in a result led somewhere from the private directory, and leads nowhere from its place.
    LinkLost {
        /// The link's path.
        link: String,
        /// Its text.
        leads: String,
    },
    /// A source that the target reads was changed after the build had begun.
    SourceMoved {
        /// The source's path.
        path: String,
        /// The targets that ran when it was changed, and may have written it.
        writers: Vec<TargetId>,
        /// Whether their commands say that they write it.
        is_certain: bool,
    },
    /// Its probe was asked.
    Answered {
        /// What it said, secrets masked.
        answer: String,
        /// What it had said before, if that is something else.
        before: Option<String>,
    },
    /// Processes of an attempt that was cut short were still running, and were ended.
    SurvivorsEnded {
        /// The processes, in words.
        processes: Vec<String>,
    },
    /// Processes of an attempt that was cut short are still running, and cannot be ended.
    SurvivorsRunning {
        /// The processes, in words.
        processes: Vec<String>,
    },
}

/// How a target ended.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// Its task ran.
    Built {
        /// How long the attempt took.
        duration: Duration,
        /// Artifacts that are new or have another content than before.
        changed: Vec<String>,
        /// Artifacts whose content is what it was.
        unchanged: Vec<String>,
    },
    /// Its artifacts came back from the store.
    Restored {
        /// The run that had made them.
        from: RunId,
        /// Why it was stale.
        reasons: Vec<Reason>,
    },
    /// It had to be looked at, and nothing that it depends on had changed.
    Fresh,
    /// It had to be looked at, and new data waits until then.
    Held {
        /// Until when.
        until: SystemTime,
    },
    /// Its last attempt failed.
    Failed(Failure),
    /// Something that it needs failed.
    Skipped {
        /// The target that failed.
        because: TargetId,
    },
    /// The build was interrupted before it was done.
    Interrupted,
    /// An edit made it stale before it was done.
    Superseded,
}

/// A typical cause of a failure, for which a report has a next step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Advice {
    /// An output was not written.
    NotWritten {
        /// Its declared path.
        path: String,
        /// How a command names it: `{{output}}`.
        hole: String,
        /// The file that the command wrote instead, if one was found.
        instead: Option<String>,
        /// Whether the command writes its declared paths itself.
        direct: bool,
    },
    /// A program of a pipe wrote on after the next one had closed it.
    ClosedPipe,
    /// `grep` may have found no line.
    NoMatch,
    /// A variable of the shell is not set.
    Unbound(String),
    /// A program may not be executed.
    NotExecutable,
    /// A program was not found.
    NotFound,
    /// The attempt's time was over.
    TimedOut,
}

/// Why an attempt failed.
#[derive(Clone, Debug, Default)]
pub struct Failure {
    /// What went wrong: one line, lowercase.
    pub what: String,
    /// Facts that explain it.
    pub notes: Vec<String>,
    /// The next step, as a task knows it.
    pub help: Vec<String>,
    /// Typical causes that fit.
    pub advice: Vec<Advice>,
    /// The command as it ran, secrets masked.
    pub command: Option<String>,
    /// The last lines that the attempt printed, secrets masked.
    pub tail: Vec<String>,
    /// The directory with the whole output and the files of the attempt, if it left any.
    pub left: Option<PathBuf>,
    /// Whether files are in it that the attempt wrote to the paths of its outputs.
    pub has_files: bool,
    /// Whether another attempt may go better.
    pub retry: bool,
}

impl Failure {
    /// A failure of which nothing is known but what went wrong.
    pub(crate) fn of(what: String) -> Self {
        Self {
            what,
            ..Self::default()
        }
    }
}

/// How a run went, in targets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Ran and succeeded.
    pub built: usize,
    /// Came back from the store.
    pub restored: usize,
    /// Were fresh from the start, or turned out to be.
    pub fresh: usize,
    /// Let new data wait.
    pub held: usize,
    /// Failed.
    pub failed: usize,
    /// Were not tried, since something that they need failed.
    pub skipped: usize,
    /// Were stopped, since an edit made them stale.
    pub superseded: usize,
    /// The build was interrupted.
    pub interrupted: bool,
    /// From plan to end.
    pub duration: Duration,
}

/// Several that hear the same run.
pub struct Observers<'a>(pub Vec<&'a dyn Observer>);

impl Observer for Observers<'_> {
    fn observe(&self, event: &Event) {
        for observer in &self.0 {
            observer.observe(event);
        }
    }
}
