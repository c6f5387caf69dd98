//! `[target.…]` as written: which keys there are, and the types of their values.

use std::sync::LazyLock;
use std::time::Duration;

use rayon::prelude::*;
use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};

use super::draft_settings::DraftSettings;
use super::duration;
use super::instances::DraftInstance;
use super::load;
use super::mistakes::Mistakes;
use super::params::{self, Declared};
use super::sections::{check_name, check_variable, unknown_key};
use super::side_by_side::side_by_side;
use super::syntax::{self, TomlNode, Word, key_of, span_of};
use crate::engine::spec::{Means, Settings, Span};

/// The keys of a target.
pub(super) const KEYS: [&str; 31] = [
    "uses",
    "run",
    "each",
    "inputs",
    "outputs",
    "output",
    "params",
    "with",
    "env",
    "secrets",
    "secrets_in_output",
    "after",
    "retries",
    "retry_delay",
    "timeout",
    "max_age",
    "every",
    "probe",
    "pool",
    "threads",
    "memory",
    "effect",
    "direct",
    "cache",
    "temp",
    "resume",
    "discover",
    "shell",
    "cwd",
    "metrics",
    "desc",
];

/// Most attempts after a failure.
pub(super) const MOST_RETRIES: i64 = 100;

/// A target as written, or an instance of one.
#[derive(Clone)]
pub(super) struct Draft<'t> {
    pub(super) name: Word<'t>,
    /// The axes that it is on, and where the key is.
    pub(super) each: Option<(Span, Vec<Word<'t>>)>,
    pub(super) instance: Option<DraftInstance<'t>>,
    pub(super) desc: Option<String>,
    pub(super) uses: Option<Word<'t>>,
    pub(super) run: Option<CommandDraft<'t>>,
    /// Inputs, each with its role if one is written.
    pub(super) inputs: Vec<(Option<Word<'t>>, Word<'t>)>,
    /// Where the key `inputs` is.
    pub(super) inputs_key: Option<Span>,
    pub(super) outputs: Vec<DraftOutput<'t>>,
    /// Where the key `outputs` or `output` is.
    pub(super) outputs_key: Option<Span>,
    pub(super) params: Vec<Word<'t>>,
    pub(super) params_key: Option<Span>,
    pub(super) with: Vec<Declared<'t>>,
    pub(super) with_key: Option<Span>,
    /// What else is written of it, if anything is.
    settings: Option<Box<DraftSettings<'t>>>,
    /// Whether `inputs`, `outputs`, `uses` or `run` is broken in a way that is already told.
    pub(super) broken: Broken,
}

/// Parts of a target that are not as they were meant, so that nothing is concluded from what is left.
#[derive(Clone, Copy, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a part of its own")]
pub(super) struct Broken {
    pub(super) inputs: bool,
    pub(super) outputs: bool,
    pub(super) action: bool,
    /// Its axes, so that it is on none.
    pub(super) each: bool,
}

/// `discover` as written.
#[derive(Clone, Copy)]
pub(super) struct DraftDiscover {
    /// Where the key is.
    pub(super) key: Span,
    /// None if it is off.
    pub(super) means: Option<Means>,
}

/// An output as written.
#[derive(Clone, Copy)]
pub(super) struct DraftOutput<'t> {
    /// The name under which the task or command knows it.
    pub(super) port: Word<'t>,
    /// The artifact's name, which is the port's unless another is written.
    pub(super) name: Word<'t>,
    pub(super) path: Word<'t>,
}

/// A command as written.
#[derive(Clone)]
pub(super) struct CommandDraft<'t> {
    pub(super) key: Span,
    /// The words of a list, or the text for the shell.
    pub(super) words: Vec<Word<'t>>,
    pub(super) shell: bool,
}

/// Reads all targets, of a table and of more, in the order of the text.
pub(super) fn read<'t>(
    table: Option<&'t DeTable<'t>>,
    more: &'t [DeTable<'t>],
    mistakes: &mut Mistakes,
) -> Vec<Draft<'t>> {
    let entries: Vec<_> = table.into_iter().chain(more).flatten().collect();
    let sound = |(key, node): &Entry<'t>, none: &mut Mistakes| read_one(key, node, none);
    let in_order = || {
        entries
            .iter()
            .filter_map(|(key, node)| read_one(key, node, mistakes))
            .collect()
    };
    let mut drafts = side_by_side(entries.par_iter(), sound).unwrap_or_else(in_order);
    if !drafts.is_sorted_by_key(|draft| draft.name.span.start) {
        drafts.sort_by_key(|draft| draft.name.span.start);
    }
    drafts
}

/// A key of `[target]` with what it stands for.
type Entry<'t> = (&'t Spanned<DeString<'t>>, &'t TomlNode<'t>);

fn read_one<'t>(key: &'t Spanned<DeString<'t>>, node: &'t TomlNode<'t>, mistakes: &mut Mistakes) -> Option<Draft<'t>> {
    let name = key_of(key);
    check_name(name, "a target", mistakes);
    if let DeValue::Table(table) = node.get_ref() {
        return Some(Draft::read(name, table, mistakes));
    }
    syntax::expected(node, name.text, "a table", mistakes)
        .help(format!("open a target with a line `[target.{}]`", name.text));
    None
}

impl<'t> Draft<'t> {
    fn new(name: Word<'t>) -> Self {
        Self {
            name,
            each: None,
            instance: None,
            desc: None,
            uses: None,
            run: None,
            inputs: Vec::new(),
            inputs_key: None,
            outputs: Vec::new(),
            outputs_key: None,
            params: Vec::new(),
            params_key: None,
            with: Vec::new(),
            with_key: None,
            settings: None,
            broken: Broken::default(),
        }
    }

    /// What else is said of it; where nothing is, what then holds.
    pub(super) fn settings(&self) -> &DraftSettings<'t> {
        static NONE: LazyLock<DraftSettings<'static>> = LazyLock::new(DraftSettings::default);
        self.settings.as_deref().unwrap_or_else(|| &NONE)
    }

    fn set(&mut self) -> &mut DraftSettings<'t> {
        self.settings.get_or_insert_default()
    }

    fn read(name: Word<'t>, table: &'t DeTable<'t>, mistakes: &mut Mistakes) -> Self {
        let mut draft = Self::new(name);
        for (key, node) in table {
            draft.key(key_of(key), node, mistakes);
        }
        draft
    }

    fn key(&mut self, key: Word<'t>, node: &'t TomlNode<'t>, mistakes: &mut Mistakes) {
        match key.text {
            "desc" => self.desc = syntax::text(node, "desc", "a string", mistakes).map(|desc| desc.text.to_owned()),
            "uses" => {
                self.uses = syntax::text(node, "uses", "the name of a built-in task", mistakes);
                self.broken.action |= self.uses.is_none();
            }
            "run" => self.read_run(key, node, mistakes),
            "each" => self.read_each(key, node, mistakes),
            "inputs" => self.read_inputs(key, node, mistakes),
            "outputs" => self.read_outputs(key, node, mistakes),
            "output" => self.read_output(key, node, mistakes),
            "shell" => self.set().shell = Some((key.span, shell(node, mistakes))),
            "cwd" => self.set().cwd = syntax::text(node, "cwd", "a directory of the project", mistakes),
            "params" => {
                self.params_key = Some(key.span);
                self.params = syntax::texts(node, "params", "a list of parameters", mistakes);
            }
            "with" => {
                self.with_key = Some(key.span);
                self.with = params::with(node, mistakes);
            }
            "env" => {
                self.set().env = syntax::texts(node, "env", "a list of environment variables", mistakes);
                // One with values in it is checked once they are known.
                self.set().env.retain(|name| {
                    name.text.contains("{{") || check_variable(*name, "an environment variable", mistakes)
                });
            }
            "secrets" => self.set().secrets = syntax::texts(node, "secrets", "a list of secrets", mistakes),
            "after" => self.set().after = syntax::texts(node, "after", "a list of targets", mistakes),
            "retries" => self.set().retries = retries(node, mistakes),
            "retry_delay" => {
                let pause = pause(node, "retry_delay", mistakes);
                self.set().retry_delay = pause.unwrap_or(Settings::RETRY_DELAY);
            }
            "timeout" => self.set().timeout = limit(node, "timeout", mistakes),
            "max_age" => self.set().max_age = pause(node, "max_age", mistakes).map(|limit| (key.span, limit)),
            "every" => self.set().every = limit(node, "every", mistakes).map(|limit| (key.span, limit)),
            "pool" => self.set().pools = load::names(node, mistakes),
            "threads" => {
                let threads = load::number(node, "threads", load::MOST_THREADS, mistakes);
                self.set().threads = threads.map(|threads| (key.span, threads));
            }
            "memory" => self.set().memory = load::memory(node, mistakes),
            "probe" => self.set().probe = Some(command(key, node, mistakes).0),
            "effect" => self.set().effect = syntax::flag(node, "effect", mistakes).unwrap_or_default(),
            "direct" => self.set().direct = where_set(key, node, mistakes),
            "cache" => self.set().cache = syntax::flag(node, "cache", mistakes).unwrap_or(true),
            "temp" => self.set().temp = where_set(key, node, mistakes),
            "resume" => self.set().resume = where_set(key, node, mistakes),
            "discover" => self.set().discover = discover(key, node, mistakes),
            "metrics" => {
                self.set().metrics = syntax::texts(node, "metrics", "a list of outputs of the target", mistakes);
            }
            "secrets_in_output" => self.set().secrets_in_output = is_allowed(node, mistakes),
            _ => self.unknown(key, node, mistakes),
        }
    }

    fn unknown(&mut self, key: Word<'t>, node: &TomlNode<'_>, mistakes: &mut Mistakes) {
        let place = format!("in the target `{}`", self.name.text);
        if node.get_ref().is_table() {
            // What it does is perhaps in there.
            self.broken.action = true;
            mistakes
                .error(key.span, format!("unknown table `{}` {place}", key.text))
                .help(format!(
                    "if it is a target, write `[target.{}_{}]`: a name has no dot in it",
                    self.name.text, key.text
                ));
        } else {
            unknown_key(key, &place, &KEYS, mistakes);
        }
    }

    fn read_each(&mut self, key: Word<'t>, node: &'t TomlNode<'t>, mistakes: &mut Mistakes) {
        const WANTED: &str = "a list of axes of `[matrix]`";
        let before = mistakes.len();
        let axes = syntax::texts(node, "each", WANTED, mistakes);
        if axes.is_empty() && mistakes.len() == before {
            syntax::expected(node, "each", WANTED, mistakes);
        }
        self.broken.each = mistakes.len() > before;
        self.each = (!self.broken.each).then_some((key.span, axes));
    }

    fn read_run(&mut self, key: Word<'t>, node: &'t TomlNode<'t>, mistakes: &mut Mistakes) {
        let (run, is_whole) = command(key, node, mistakes);
        self.broken.action |= !is_whole;
        self.run = Some(run);
    }

    fn read_inputs(&mut self, key: Word<'t>, node: &'t TomlNode<'t>, mistakes: &mut Mistakes) {
        const WANTED: &str = "a list of artifacts and paths, or a table from roles to them";
        self.inputs_key = Some(key.span);
        let before = mistakes.len();
        if let DeValue::Table(table) = node.get_ref() {
            for (key, node) in table {
                let role = key_of(key);
                check_name(role, "a role", mistakes);
                let words = match node.get_ref() {
                    DeValue::Array(_) => syntax::texts(node, role.text, "a list of artifacts and paths", mistakes),
                    _ => syntax::text(node, role.text, "an artifact, a path or a list of them", mistakes)
                        .into_iter()
                        .collect(),
                };
                self.inputs.extend(words.into_iter().map(|word| (Some(role), word)));
            }
        } else {
            let words = syntax::texts(node, "inputs", WANTED, mistakes);
            self.inputs = words.into_iter().map(|word| (None, word)).collect();
        }
        self.broken.inputs |= mistakes.len() > before;
    }

    fn read_outputs(&mut self, key: Word<'t>, node: &'t TomlNode<'t>, mistakes: &mut Mistakes) {
        if !self.first_of_outputs(key, mistakes) {
            return;
        }
        let before = mistakes.len();
        match node.get_ref() {
            DeValue::Table(table) => {
                for (key, node) in table {
                    let port = key_of(key);
                    check_name(port, "an artifact", mistakes);
                    self.outputs.extend(output(port, node, mistakes));
                }
            }
            DeValue::String(path) => {
                let path = serde_json::Value::from(path.as_ref());
                syntax::expected(node, "outputs", "a table from names to paths", mistakes).help(format!(
                    "write `output = {path}`, which names the artifact `{}`",
                    self.name.text
                ));
            }
            _ => {
                syntax::expected(node, "outputs", "a table from names to paths", mistakes);
            }
        }
        self.broken.outputs |= mistakes.len() > before;
    }

    fn read_output(&mut self, key: Word<'t>, node: &'t TomlNode<'t>, mistakes: &mut Mistakes) {
        if !self.first_of_outputs(key, mistakes) {
            return;
        }
        let path = syntax::text(node, "output", "a path", mistakes);
        self.broken.outputs |= path.is_none();
        let name = Word {
            text: self.name.text,
            span: key.span,
        };
        let port = name;
        let output = path.map(|path| DraftOutput { port, name, path });
        self.outputs = output.into_iter().collect();
    }

    /// By which means it is discovered what its command uses; a task declares all that it reads.
    pub(super) fn means(&self) -> Option<Means> {
        let usual = self.run.as_ref().map(|_| Means::Python);
        self.settings().discover.map_or(usual, |written| written.means)
    }

    /// The port of an output in the Spec. The single output of a command has one of its own, so that a renamed target
    /// finds its results.
    pub(super) fn port<'p>(&self, written: &Word<'p>) -> &'p str {
        self.port_named(written.text)
    }

    /// The same by the port's name as it is written.
    pub(super) fn port_named<'p>(&self, written: &'p str) -> &'p str {
        let is_single = self.run.is_some() && self.outputs.len() == 1 && written == self.name.text;
        if is_single { "output" } else { written }
    }

    /// Whether neither `output` nor `outputs` was there before; else only the first counts.
    fn first_of_outputs(&mut self, key: Word<'_>, mistakes: &mut Mistakes) -> bool {
        let Some(first) = self.outputs_key else {
            self.outputs_key = Some(key.span);
            return true;
        };
        let name = self.name.text;
        mistakes
            .error(key.span, format!("the target `{name}` has both `output` and `outputs`"))
            .also(first, "first here")
            .help("name all artifacts in `outputs`");
        self.broken.outputs = true;
        false
    }
}

/// Reads a command, and whether nothing is wrong with it.
fn command<'t>(key: Word<'t>, node: &'t TomlNode<'t>, mistakes: &mut Mistakes) -> (CommandDraft<'t>, bool) {
    const WANTED: &str = "a command: a string for the shell, or a list of words";
    let before = mistakes.len();
    let shell = !node.get_ref().is_array();
    let words = match shell {
        true => syntax::text(node, key.text, WANTED, mistakes).into_iter().collect(),
        false => syntax::texts(node, key.text, WANTED, mistakes),
    };
    let empty = words.first().is_none_or(|word: &Word<'_>| word.text.trim().is_empty());
    if empty && (node.get_ref().is_str() || node.get_ref().as_array().is_some_and(|items| items.is_empty())) {
        mistakes.error(span_of(node), "the command is empty");
    }
    let is_whole = !empty && mistakes.len() == before;
    let key = key.span;
    (CommandDraft { key, words, shell }, is_whole)
}

/// Where a flag stands that is set.
fn where_set(key: Word<'_>, node: &TomlNode<'_>, mistakes: &mut Mistakes) -> Option<Span> {
    let is_set = syntax::flag(node, key.text, mistakes)?;
    is_set.then_some(key.span)
}

/// Reads an output: a path, or a table of a path and a name.
fn output<'t>(port: Word<'t>, node: &'t TomlNode<'t>, mistakes: &mut Mistakes) -> Option<DraftOutput<'t>> {
    const WANTED: &str = "the path of an artifact, or a table with `path` and `name`";
    let DeValue::Table(table) = node.get_ref() else {
        let path = syntax::text(node, port.text, WANTED, mistakes)?;
        return Some(DraftOutput { port, name: port, path });
    };
    let (mut name, mut path) = (port, None);
    let mut whole = true;
    for (key, node) in table {
        let key = key_of(key);
        match key.text {
            "path" => {
                path = syntax::text(node, "path", "the path of an artifact", mistakes);
                whole &= path.is_some();
            }
            "name" => match syntax::text(node, "name", "the name of an artifact", mistakes) {
                Some(written) => {
                    check_name(written, "an artifact", mistakes);
                    name = written;
                }
                None => whole = false,
            },
            _ => {
                let place = format!("in the output `{}`", port.text);
                unknown_key(key, &place, &["path", "name"], mistakes);
                whole = false;
            }
        }
    }
    if path.is_none() && whole {
        mistakes
            .error(span_of(node), format!("the output `{}` has no path", port.text))
            .help(format!(
                "add it: `{} = {{ path = \"a path\", name = \"{}\" }}`",
                port.text, name.text
            ));
    }
    path.map(|path| DraftOutput { port, name, path })
}

/// Reads the words of a shell.
pub(super) fn shell(node: &TomlNode<'_>, mistakes: &mut Mistakes) -> Vec<String> {
    const WANTED: &str = "a list of words to which a command is appended, such as `[\"sh\", \"-eu\", \"-c\"]`";
    let before = mistakes.len();
    let words = syntax::texts(node, "shell", WANTED, mistakes);
    if words.first().is_none_or(|word| word.text.is_empty()) && mistakes.len() == before {
        syntax::expected(node, "shell", WANTED, mistakes)
            .help("to run a program without a shell, write `run` as a list of words");
    }
    words.iter().map(|word| word.text.to_owned()).collect()
}

/// Reads `secrets_in_output`, which says one thing only: a secret in an artifact is a mistake as long as nobody says so.
fn is_allowed(node: &TomlNode<'_>, mistakes: &mut Mistakes) -> bool {
    let allowed = node.get_ref().as_str() == Some("allow");
    if !allowed {
        syntax::expected(node, "secrets_in_output", "\"allow\"", mistakes)
            .help("without the key, an artifact that holds a secret of the target fails the build");
    }
    allowed
}

/// Reads `discover`: by which means it is seen what the command uses.
fn discover(key: Word<'_>, node: &TomlNode<'_>, mistakes: &mut Mistakes) -> Option<DraftDiscover> {
    let known = [Means::Python, Means::Trace, Means::Depfile];
    let means = match node.get_ref().as_str() {
        Some("off") => None,
        word => {
            let means = known.into_iter().find(|it| Some(it.word()) == word);
            if means.is_none() {
                let wanted = "\"auto\", \"trace\", \"depfile\" or \"off\"";
                syntax::expected(node, "discover", wanted, mistakes);
                return None;
            }
            means
        }
    };
    Some(DraftDiscover { key: key.span, means })
}

fn retries(node: &TomlNode<'_>, mistakes: &mut Mistakes) -> u32 {
    let number = node
        .get_ref()
        .as_integer()
        .and_then(|number| i64::from_str_radix(number.as_str(), number.radix()).ok())
        .filter(|number| (0..=MOST_RETRIES).contains(number))
        .and_then(|number| u32::try_from(number).ok());
    if number.is_none() {
        let wanted = format!("a whole number from 0 to {MOST_RETRIES}");
        syntax::expected(node, "retries", &wanted, mistakes);
    }
    number.unwrap_or_default()
}

/// A duration that is longer than nothing.
fn limit(node: &TomlNode<'_>, key: &str, mistakes: &mut Mistakes) -> Option<Duration> {
    let limit = pause(node, key, mistakes);
    if limit == Some(Duration::ZERO) {
        mistakes.error(span_of(node), format!("`{key}` must be longer than nothing"));
    }
    limit.filter(|limit| !limit.is_zero())
}

fn pause(node: &TomlNode<'_>, key: &str, mistakes: &mut Mistakes) -> Option<Duration> {
    let duration = node.get_ref().as_str().and_then(duration::parse);
    if duration.is_none() {
        let number = node.get_ref().as_integer().map(ToString::to_string);
        let mistake = syntax::expected(node, key, duration::WANTED, mistakes);
        if let Some(number) = number {
            mistake.help(format!("write \"{number}s\" for seconds"));
        }
    }
    duration
}
