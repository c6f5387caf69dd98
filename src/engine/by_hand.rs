//! The command of a target for a person to try by hand: its words, environment and directory as an attempt has them, and
//! private paths to write to that are no attempt's. Nothing of it is recorded.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::command;
use super::given::GivenPaths;
use super::graph::TargetId;
use super::plan::PlanContext;
use super::spec::{Action, ArtifactKind};
use super::store::own_file;

/// A command to be tried by hand.
pub struct ByHand {
    /// The program and its arguments.
    pub words: Vec<String>,
    /// All of its environment, but for what says to an atsaf that it starts of which attempt it is a part, and for the key
    /// of an effect.
    pub env: BTreeMap<String, String>,
    /// Where it runs.
    pub dir: PathBuf,
    /// What it reads and is not there.
    pub missing: Vec<String>,
}

impl ByHand {
    /// The words as one line that a shell takes.
    #[must_use]
    pub fn line(&self) -> String {
        command::shown(false, &self.words)
    }
}

/// Makes ready the command of a target, with what it writes and is given below `room`, an empty directory by its absolute
/// path; `None` for a built-in task.
///
/// # Errors
/// Whatever making directories and files in `room` meets.
pub fn by_hand(
    context: PlanContext<'_>,
    id: TargetId,
    secrets: &BTreeMap<String, String>,
    room: &Path,
) -> io::Result<Option<ByHand>> {
    let PlanContext { graph, files, .. } = context;
    let target = graph.target(id);
    let Action::Command(command) = &target.action else {
        return Ok(None);
    };
    let given = GivenPaths::below(&room.join("given"));
    let staged: Vec<PathBuf> = target
        .outputs
        .iter()
        .map(|output| room.join("out").join(&output.path))
        .collect();
    for (output, path) in target.outputs.iter().zip(&staged) {
        fs::create_dir_all(match output.kind {
            ArtifactKind::File => path.parent().unwrap_or(path),
            ArtifactKind::Directory => path,
        })?;
    }
    own_file::make_directory(&given.dir)?;
    given.fill(graph, id, command)?;
    let threads = target.settings.load.threads.map_or(1, |threads| threads as usize);
    let own = target
        .settings
        .secrets
        .iter()
        .filter_map(|name| secrets.get_key_value(name));
    let mut env = command::environment(context.env, target);
    env.extend(own.map(|(name, value)| (name.clone(), value.clone())));
    let reads = graph
        .node(id)
        .reads
        .iter()
        .filter(|read| !files.at(&read.path).exists());
    Ok(Some(ByHand {
        words: command::words_given(context, id, command, (&staged, threads), &given),
        env,
        dir: match &command.cwd {
            Some(cwd) => files.at(cwd),
            None => files.root().to_owned(),
        },
        missing: reads.map(|read| read.path.to_string()).collect(),
    }))
}
