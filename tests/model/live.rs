//! What happens while a build runs: an edit of a source or an artifact, taken back or not, or the end of the build.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use super::sources::{SourceEdit, Sources};
use super::{Both, Step};
use crate::inside::{Act, Hook, What};
use crate::project::{copy_tree, directory, until, write};

/// An edit during an attempt, and when it is made.
#[derive(Clone, Debug)]
pub(super) struct During {
    /// The number of the attempt.
    pub(super) attempt: usize,
    pub(super) edit: LiveEdit,
    pub(super) moment: Moment,
}

#[derive(Clone, Debug)]
pub(super) enum LiveEdit {
    Source(SourceEdit),
    Alter(usize, bool),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Moment {
    /// Before the attempt reads.
    Before,
    /// After it has read.
    After,
    /// Before it reads, and edited back after that.
    Back,
}

/// The project as it was when its build was killed, and what had ended by then.
pub(super) type Killed = (tempfile::TempDir, BTreeMap<usize, What>);

/// What an edit during a build has changed.
#[derive(Default)]
pub(super) struct Edited {
    pub(super) sources: Option<Sources>,
    /// What somebody wrote over an artifact, with what stood there before.
    pub(super) by_hand: Option<(Option<String>, String)>,
}

/// What stood at a path before it was edited.
enum Former {
    Nothing,
    Text(String),
    Link(PathBuf),
}

impl Former {
    fn of(at: &Path) -> Self {
        match (fs::read_link(at), fs::read_to_string(at)) {
            (Ok(aim), _) => Self::Link(aim),
            (_, Ok(text)) => Self::Text(text),
            _ => Self::Nothing,
        }
    }

    fn text(&self) -> Option<&String> {
        match self {
            Self::Text(text) => Some(text),
            Self::Nothing | Self::Link(_) => None,
        }
    }

    fn put_back(&self, at: &Path) {
        put(at, self.text().map(String::as_str));
        if let Self::Link(aim) = self {
            std::os::unix::fs::symlink(aim, at).expect("linked");
        }
    }
}

/// Waits until the clock by which the file system stamps files has moved on: two edits within one tick of it, together
/// with all that lies between, are beyond what a build can see.
fn pass_a_tick(root: &Path) {
    let probe = tempfile::tempfile_in(root).expect("a file");
    let stamp = || {
        probe.write_at(b".", 0).expect("written");
        probe.metadata().and_then(|it| it.modified()).expect("a time")
    };
    let first = stamp();
    until("another tick", || stamp() != first);
}

/// Writes a file by hand, in place unless a link is there; or removes it.
pub(super) fn put(at: &Path, text: Option<&str>) {
    if at.is_symlink() || text.is_none() {
        let _ = fs::remove_file(at);
    }
    if let Some(text) = text {
        fs::create_dir_all(at.parent().expect("a parent")).expect("made");
        write(at, text.as_bytes());
    }
}

impl Both {
    /// Lets the build be killed, as far as the project can tell: its directory is copied in the midst of an attempt.
    pub(super) fn arm_kill(&self, step: &Step) -> Arc<Mutex<Option<Killed>>> {
        let killed: Arc<Mutex<Option<Killed>>> = Arc::default();
        if let Some(attempt) = step.kill {
            let (from, control) = (self.inside.path(""), Arc::clone(&self.inside.control));
            let copy = Arc::clone(&killed);
            let kill = move || {
                let dir = directory();
                copy_tree(&from, dir.path()).expect("copied");
                let ended = control.ended.lock().expect("sound").clone();
                *copy.lock().expect("sound") = Some((dir, ended));
            };
            self.arm(attempt, Box::new(|| {}), Box::new(kill));
        }
        killed
    }

    /// Lets something be edited in the midst of the build, if nothing kills it.
    pub(super) fn arm_edit(&mut self, step: &Step) -> Arc<Mutex<Option<Edited>>> {
        let edited: Arc<Mutex<Option<Edited>>> = Arc::default();
        if let (Some(during), None) = (&step.during, step.kill) {
            let (edit, back) = match &during.edit {
                LiveEdit::Source(edit) => self.live_source_edit(edit, &edited),
                LiveEdit::Alter(slot, hi) => self.live_alteration(*slot, *hi, &edited),
            };
            let nothing: Act = Box::new(|| {});
            let (before, midst) = match during.moment {
                Moment::Before => (edit, nothing),
                Moment::After => (nothing, edit),
                Moment::Back => (edit, back),
            };
            self.arm(during.attempt, before, midst);
        }
        edited
    }

    /// An edit of the sources, and how it is taken back.
    fn live_source_edit(&self, edit: &SourceEdit, edited: &Arc<Mutex<Option<Edited>>>) -> (Act, Act) {
        let (root, before) = (self.inside.path(""), self.model.sources.clone());
        let after = Arc::new(Mutex::new(before.clone()));
        let put = |edited: &Arc<Mutex<Option<Edited>>>, sources: &Sources| {
            *edited.lock().expect("sound") = Some(Edited {
                sources: Some(sources.clone()),
                by_hand: None,
            });
        };
        let forth = {
            let (root, edit, edited, after) = (root.clone(), edit.clone(), Arc::clone(edited), Arc::clone(&after));
            move || {
                pass_a_tick(&root);
                let mut after = after.lock().expect("sound");
                after.edit(&edit, &root);
                put(&edited, &after);
            }
        };
        let (edit, edited) = (edit.clone(), Arc::clone(edited));
        let back = move || {
            before.edit_back(&after.lock().expect("sound"), &edit, &root);
            put(&edited, &before);
        };
        (Box::new(forth), Box::new(back))
    }

    /// A text by hand over an artifact, and how it is taken back.
    fn live_alteration(&mut self, slot: usize, hi: bool, edited: &Arc<Mutex<Option<Edited>>>) -> (Act, Act) {
        let (at, text) = (self.inside.path(&self.model.path(slot, hi)), self.model.by_hand());
        let former: Arc<Mutex<Option<Former>>> = Arc::default();
        let forth = {
            let (at, edited, former) = (at.clone(), Arc::clone(edited), Arc::clone(&former));
            let root = self.inside.path("");
            move || {
                pass_a_tick(&root);
                let before = Former::of(&at);
                put(&at, Some(&text));
                *edited.lock().expect("sound") = Some(Edited {
                    sources: None,
                    by_hand: Some((before.text().cloned(), text)),
                });
                *former.lock().expect("sound") = Some(before);
            }
        };
        let edited = Arc::clone(edited);
        let back = move || {
            let former = former.lock().expect("sound").take().expect("edited before");
            former.put_back(&at);
            *edited.lock().expect("sound") = Some(Edited::default());
        };
        (Box::new(forth), Box::new(back))
    }

    fn arm(&self, left: usize, before: Act, midst: Act) {
        *self.inside.control.hook.lock().expect("sound") = Some(Hook { left, before, midst });
    }
}
