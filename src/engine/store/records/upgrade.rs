//! Reads a journal of the version before versions stood in its frames, and turns its entries into today's.
//!
//! What changed: a result goes by its id instead of its fingerprint's hash, fields hold typed values instead of texts,
//! a restore carries the whole result, and a result tells when it ended. So the hash of a fingerprint that is still
//! known is taken again; a result whose fingerprint is not known keeps its former hash, which no target asks for, and
//! is there to be read. Copies in the store keep the keys that they have: those of plain files still serve.

use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Serialize};

use super::entry::{self, Entry, RunEntry};
use super::journal::{self, START, Stretch};
use crate::engine::clock::milliseconds_of;
use crate::engine::digest::Digest;
use crate::engine::fingerprint::{self, ActionFields, FieldValue, Fingerprint, InputField, OutputField};
use crate::engine::reason::{self, Reason};
use crate::engine::result_id::result_id;
use crate::engine::run_id::RunId;
use crate::engine::spec::{ArtifactKind, Value};

/// How a journal of that version begins.
pub(super) const MAGIC: &[u8; 16] = b"atsaf journal 2\n";

/// Reads all frames behind the header of a journal of that version.
pub(super) fn read(bytes: &[u8]) -> Stretch {
    let old = std::cell::RefCell::new(Upgrade::default());
    let upgraded = |entry| old.borrow_mut().entry(entry).filter(Entry::is_believable);
    let decode = |payload: &[u8]| Ok(journal::decode_as(payload).and_then(upgraded));
    // Decoding that version refuses nothing.
    journal::scan(bytes, START, &decode).unwrap_or_default()
}

/// What later entries refer to.
#[derive(Default)]
struct Upgrade {
    results: HashMap<(String, Digest), entry::ResultEntry>,
}

impl Upgrade {
    fn entry(&mut self, old: OldEntry) -> Option<Entry> {
        Some(match old {
            OldEntry::Run(run) => Entry::Run(run),
            OldEntry::Intent(made) => {
                let hash = made.hash;
                let result = made.upgraded();
                self.results.insert((result.target.clone(), hash), result.clone());
                Entry::Intent(Box::new(result))
            }
            OldEntry::Result { target, hash } => {
                let id = self.results.get(&(target.clone(), hash))?.id;
                Entry::Result { target, id }
            }
            OldEntry::Placement { files } => Entry::Placement { files },
            OldEntry::Restore {
                run,
                target,
                hash,
                reasons,
            } => {
                let result = self.results.get(&(target, hash))?.clone();
                Entry::Restore {
                    run,
                    reasons: upgraded(reasons),
                    result: Box::new(result),
                }
            }
            OldEntry::SetAside { run, target, files } => Entry::SetAside { run, target, files },
            OldEntry::AsideEnded { target } => Entry::AsideEnded { target },
            OldEntry::Failure(failed) => Entry::Failure(failed),
            OldEntry::Ended {
                run,
                duration,
                counts,
                interrupted,
            } => Entry::Ended {
                run,
                duration,
                counts,
                interrupted,
            },
            // Its offset means nothing in another file; that it was synced does.
            OldEntry::Synced { .. } => Entry::Synced { upto: 0 },
            OldEntry::Acting { target } => Entry::Acting { target },
        })
    }
}

#[derive(Serialize, Deserialize)]
enum OldEntry {
    Run(RunEntry),
    Intent(Box<OldResult>),
    Result {
        target: String,
        hash: Digest,
    },
    Placement {
        files: Vec<(String, Digest)>,
    },
    Restore {
        run: RunId,
        target: String,
        hash: Digest,
        reasons: Vec<OldReason>,
    },
    SetAside {
        run: RunId,
        target: String,
        files: Vec<(String, String)>,
    },
    AsideEnded {
        target: String,
    },
    Failure(entry::Failed),
    Ended {
        run: RunId,
        duration: u64,
        counts: [u32; 4],
        interrupted: bool,
    },
    Synced {
        upto: u64,
    },
    Acting {
        target: String,
    },
}

#[derive(Serialize, Deserialize)]
struct OldResult {
    run: RunId,
    target: String,
    hash: Digest,
    fingerprint: Option<OldFingerprint>,
    artifacts: Vec<OldArtifact>,
    read: Vec<(String, String)>,
    reasons: Vec<OldReason>,
    attempt: u32,
    duration: u64,
    effect: bool,
}

impl OldResult {
    fn upgraded(mut self) -> entry::ResultEntry {
        self.name_the_single_output();
        let fingerprint = self.fingerprint.map(OldFingerprint::upgraded);
        let declared = fingerprint.as_ref().and_then(Fingerprint::hash).unwrap_or(self.hash);
        entry::ResultEntry {
            run: self.run,
            target: self.target,
            id: result_id(declared, &[], &[]),
            declared,
            discovered: Vec::new(),
            fingerprint,
            artifacts: self.artifacts.into_iter().map(OldArtifact::upgraded).collect(),
            read: self.read,
            reasons: upgraded(self.reasons),
            attempt: self.attempt,
            // The nearest that is known.
            ended: milliseconds_of(self.run.time()).saturating_add(self.duration),
            duration: self.duration,
            effect: self.effect,
            written: Vec::new(),
            installed: Vec::new(),
            seen_by: None,
            effect_key: None,
        }
    }
}

impl OldResult {
    /// The single output of a command had its target's name; it has one of its own by now.
    fn name_the_single_output(&mut self) {
        let Some(fingerprint) = &mut self.fingerprint else {
            return;
        };
        let is_command = matches!(fingerprint.task, OldTask::Command { .. });
        if let ([output], [artifact], true) = (&mut fingerprint.outputs[..], &mut self.artifacts[..], is_command)
            && output.name == self.target
        {
            "output".clone_into(&mut output.name);
            "output".clone_into(&mut artifact.name);
        }
    }
}

#[derive(Serialize, Deserialize)]
struct OldArtifact {
    name: String,
    path: String,
    kind: ArtifactKind,
    content: Digest,
    bytes: Digest,
    size: u64,
    run: RunId,
}

impl OldArtifact {
    fn upgraded(self) -> entry::Artifact {
        entry::Artifact {
            name: self.name.into(),
            path: self.path.into(),
            kind: self.kind,
            content: self.content,
            bytes: self.bytes,
            object: (self.kind == ArtifactKind::File).then_some(self.bytes),
            mode: entry::Mode::Plain,
            size: self.size,
            run: self.run,
        }
    }
}

#[derive(Serialize, Deserialize)]
struct OldFingerprint {
    format: u32,
    task: OldTask,
    params: BTreeMap<String, Value>,
    inputs: Vec<OldInput>,
    env: BTreeMap<String, Option<Digest>>,
    outputs: Vec<OldOutput>,
}

#[derive(Serialize, Deserialize)]
enum OldTask {
    Builtin { name: String, version: u32 },
    Command { text: String, shell: bool },
}

#[derive(Serialize, Deserialize)]
struct OldInput {
    role: String,
    path: Option<String>,
    content: Option<Digest>,
}

#[derive(Serialize, Deserialize)]
struct OldOutput {
    name: String,
    kind: ArtifactKind,
    path: Option<String>,
}

impl OldFingerprint {
    fn upgraded(self) -> Fingerprint {
        let action = match self.task {
            OldTask::Builtin { name, version } => ActionFields::Builtin {
                name,
                version,
                parts: BTreeMap::new(),
            },
            OldTask::Command { text, shell: true } => ActionFields::Shell {
                text: text.into(),
                shell: ["sh", "-c"].map(str::to_owned).into(),
            },
            OldTask::Command { text, shell: false } => ActionFields::Words {
                words: text.split('\n').map(str::to_owned).collect(),
            },
        };
        let input = |OldInput { role, path, content }| InputField {
            role: role.into(),
            path: path.map(Into::into),
            content,
        };
        let output = |OldOutput { name, kind, path }| OutputField {
            port: name.into(),
            kind,
            path: path.map(Into::into),
        };
        Fingerprint {
            // The fields mean what they meant; only their encoding is new.
            format: if self.format == 1 {
                fingerprint::FORMAT
            } else {
                self.format
            },
            action,
            params: self.params,
            inputs: self.inputs.into_iter().map(input).collect(),
            env: self.env,
            probe: None,
            outputs: self.outputs.into_iter().map(output).collect(),
            // It was in none.
            direct: false,
        }
    }
}

#[derive(Serialize, Deserialize)]
enum OldReason {
    NeverBuilt,
    Forced,
    Changed(OldDifference),
    Unknown,
    Missing { artifact: String, path: String },
    Altered { artifact: String, path: String },
    Interrupted,
    Unfinished,
}

#[derive(Serialize, Deserialize)]
struct OldDifference {
    field: OldField,
    before: Option<String>,
    after: Option<String>,
}

#[derive(Serialize, Deserialize)]
enum OldField {
    Format,
    Task,
    Param(String),
    Input { role: String, path: Option<String> },
    InputOrder,
    Env(String),
    Output(String),
}

fn upgraded(reasons: Vec<OldReason>) -> Vec<Reason> {
    reasons.into_iter().map(OldReason::upgraded).collect()
}

impl OldReason {
    fn upgraded(self) -> Reason {
        match self {
            Self::NeverBuilt => Reason::NeverBuilt,
            Self::Forced => Reason::Forced,
            Self::Changed(difference) => Reason::Changed(difference.upgraded()),
            Self::Unknown => Reason::Unknown,
            Self::Missing { artifact, path } => Reason::Missing { artifact, path },
            Self::Altered { artifact, path } => Reason::Altered { artifact, path },
            Self::Interrupted => Reason::Interrupted,
            Self::Unfinished => Reason::Unfinished,
        }
    }
}

impl OldDifference {
    fn upgraded(self) -> reason::Difference {
        let Self { field, before, after } = self;
        let value = |text: String| match (&field, Digest::from_hex(&text)) {
            (_, Some(digest)) => FieldValue::Digest(digest),
            (OldField::Env(_), None) => FieldValue::Absent,
            (OldField::Param(_), None) => {
                let value = text.split_once(": ").map_or(text.as_str(), |(_, value)| value);
                FieldValue::Text(value.to_owned().into())
            }
            _ => FieldValue::Text(text.into()),
        };
        let (before, after) = (before.map(&value), after.map(&value));
        let field = match field {
            OldField::Format => fingerprint::Field::Format,
            OldField::Task => fingerprint::Field::Command,
            OldField::Param(name) => fingerprint::Field::Param(name),
            OldField::Input { role, path } => fingerprint::Field::Input { role, path },
            OldField::InputOrder => fingerprint::Field::InputOrder,
            OldField::Env(name) => fingerprint::Field::Env(name),
            OldField::Output(name) => fingerprint::Field::Output(name),
        };
        reason::Difference { field, before, after }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_result_that_says_it_took_for_ever_is_read() {
        let old = OldResult {
            run: RunId::new(),
            target: "fit".to_owned(),
            hash: Digest::of(b"x"),
            fingerprint: None,
            artifacts: Vec::new(),
            read: Vec::new(),
            reasons: Vec::new(),
            attempt: 1,
            duration: u64::MAX,
            effect: false,
        };
        assert_eq!(old.upgraded().ended, u64::MAX);
    }
}
