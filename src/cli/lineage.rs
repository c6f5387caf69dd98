//! Sends what a build does as events of OpenLineage, beside the build: it fails none and slows none.
//!
//! ```text
//! observer ─▶ queue of a bounded length ─▶ a thread: JSON, looks at files, masks ─▶ console, file, server
//! ```

mod look;
mod settings;
mod transport;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, SyncSender};
use std::thread;
use std::time::Duration;

use self::settings::{LineageSettings, Transport};
use self::transport::Courier;
use super::Session;
use super::setup::Project;
use crate::diagnostic::Diagnostic;
use crate::engine::event::{Observer, Observers};
use crate::engine::graph::{ArtifactId, Graph, TargetId};
use crate::engine::store::Store;
use crate::export::lineage::facets::{self, Setting};
use crate::export::lineage::{LineageEvent, Tracker};
use crate::outward::Mask;
use crate::report::json;

/// Most events that wait to be sent.
const WAITING: usize = 10_000;
/// How long a build that is done waits for the last of them.
const PATIENCE: Duration = Duration::from_secs(5);

/// Whether the environment says where to send events, or says it wrongly.
pub(super) fn is_asked_for(env: &BTreeMap<String, String>, root: &Path) -> bool {
    let mut wrong = Vec::new();
    settings::read(env, root, &mut wrong).is_some() || !wrong.is_empty()
}

/// Runs `build` with an observer that sends events as well, if the environment says where to.
pub(super) fn during<T>(
    project: &Project,
    session: &Session,
    observer: &dyn Observer,
    build: impl FnOnce(&dyn Observer) -> T,
) -> T {
    let mut wrong = Vec::new();
    let root = project
        .files
        .root()
        .canonicalize()
        .unwrap_or_else(|_| project.files.root().to_owned());
    let settings = settings::read(&session.env, &root, &mut wrong);
    let result = match settings {
        Some(settings) => {
            let (result, trouble) = sending(project, session, (&settings, &root), observer, build);
            wrong.extend(trouble);
            result
        }
        None => build(observer),
    };
    if let Some(warning) = warning(&wrong) {
        session.screen.tell(&warning);
    }
    result
}

/// All that went wrong, as one warning.
fn warning(wrong: &[String]) -> Option<Diagnostic> {
    let (first, more) = wrong.split_first()?;
    let warning = Diagnostic::warning(format!("not all events of OpenLineage were sent: {first}"));
    let warning = more
        .iter()
        .take(3)
        .fold(warning, |warning, why| warning.note(why.clone()));
    Some(warning.help("`atsaf help openlineage` tells what is read from where; `OPENLINEAGE_DISABLED=true` sends none"))
}

fn sending<T>(
    project: &Project,
    session: &Session,
    (settings, root): (&LineageSettings, &Path),
    observer: &dyn Observer,
    build: impl FnOnce(&dyn Observer) -> T,
) -> (T, Vec<String>) {
    let (sender, events) = mpsc::sync_channel::<LineageEvent>(WAITING);
    let (done, is_done) = mpsc::channel::<()>();
    let (dropped, cancelled) = (AtomicUsize::new(0), AtomicBool::new(false));
    thread::scope(|scope| {
        let post = Post {
            graph: &project.graph,
            settings,
            root,
            secrets: &project.secrets,
            session,
            cancelled: &cancelled,
        };
        let spawned = thread::Builder::new().spawn_scoped(scope, move || {
            let trouble = post.send_all(&events);
            drop(done);
            trouble
        });
        let Ok(thread) = spawned else {
            return (build(observer), vec!["the system gives no thread for it".to_owned()]);
        };
        let version = |id| version(&project.graph, &project.store, id);
        let tell = |event| put(&sender, event, &dropped);
        let used = |id| used(&project.graph, &project.store, id);
        let tracker = Tracker::new(&project.graph, &version, &used, &tell);
        let result = build(&Observers(vec![observer, &tracker]));
        tracker.close();
        drop(sender);
        // A server that hangs is given up; what hangs in the system cannot be.
        if is_done.recv_timeout(PATIENCE) == Err(RecvTimeoutError::Timeout) {
            cancelled.store(true, Ordering::Relaxed);
        }
        let mut trouble = thread
            .join()
            .unwrap_or_else(|_| vec!["internal error: the sender panicked".to_owned()]);
        match dropped.load(Ordering::Relaxed) {
            0 => {}
            count => trouble.push(format!("{count} were dropped, for {WAITING} others waited already")),
        }
        (result, trouble)
    })
}

/// Puts an event into the queue, which never waits.
fn put(queue: &SyncSender<LineageEvent>, event: LineageEvent, dropped: &AtomicUsize) {
    if queue.try_send(event).is_err() {
        dropped.fetch_add(1, Ordering::Relaxed);
    }
}

/// The digest of an artifact's content, as it is recorded.
fn version(graph: &Graph, store: &Store, id: ArtifactId) -> Option<String> {
    let (name, port) = (graph.name(id.target), graph.port(id));
    store.records.ledger(|ledger| {
        let history = ledger.target(name)?;
        let record = history.record()?;
        Some(format!("blake3:{}", record.artifact(port)?.content.hex()))
    })
}

/// The files that the last attempt of a target was seen to use.
fn used(graph: &Graph, store: &Store, id: TargetId) -> Vec<String> {
    let discovered = store
        .records
        .record(graph.name(id))
        .map(|record| record.discovered)
        .unwrap_or_default();
    let is_file = |path: &str| !path.ends_with('/');
    let there = discovered.into_iter().filter(|it| it.content.is_some());
    there.map(|it| it.path).filter(|path| is_file(path)).collect()
}

/// What the sender's thread needs.
struct Post<'a> {
    graph: &'a Graph,
    settings: &'a LineageSettings,
    root: &'a Path,
    secrets: &'a BTreeMap<String, String>,
    session: &'a Session,
    cancelled: &'a AtomicBool,
}

impl Post<'_> {
    /// Sends until there are no more; what did not go well is a sentence each.
    fn send_all(&self, events: &Receiver<LineageEvent>) -> Vec<String> {
        let LineageSettings {
            transports,
            namespace,
            parent,
            root_parent,
        } = self.settings;
        let keys = transports.iter().filter_map(|transport| match transport {
            Transport::Http(http) => http.key.clone(),
            Transport::Console | Transport::File { .. } => None,
        });
        let secrets: Vec<String> = self.secrets.values().cloned().chain(keys).collect();
        let long = secrets
            .iter()
            .map(String::as_str)
            .filter(|secret| !Mask::is_short(secret));
        let mask = Mask::new(long);
        let setting = Setting {
            graph: self.graph,
            root: self.root,
            namespace,
            parent: parent.as_ref(),
            root_parent: root_parent.as_ref(),
            reasons: json::reasons,
            look: &look::look,
            assertions: &look::assertions,
        };
        let mut courier = Courier::new(transports, &self.session.screen, &secrets, self.cancelled);
        let mut left = 0;
        for event in events {
            match self.cancelled.load(Ordering::Relaxed) {
                true => left += 1,
                false => courier.carry(&facets::json(&event, &setting), &mask),
            }
        }
        let mut trouble = courier.trouble();
        if left > 0 {
            trouble.push(format!("{left} were left after {} s", PATIENCE.as_secs()));
        }
        trouble
    }
}
