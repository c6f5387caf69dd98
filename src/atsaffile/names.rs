//! What a name or a path means: targets and aliases share one namespace, artifacts belong to their targets.
//!
//! An artifact is `target.artifact`, and just `artifact` where no other target has one of that name. The name of a
//! target or an alias is that of no artifact, but for the only one of the target itself. The instances of a target share
//! its names; `@` and their values tell them apart.

use std::borrow::Cow;

use super::joins::Selections;
use super::matrix::Matrix;
use super::mistakes::Mistakes;
use super::path;
use super::sections::Alias;
use super::syntax::Word;
use super::targets::{Draft, DraftOutput};
use crate::diagnostic::number_word;
use crate::engine::spec::{Output, Span, base_name, full_name, values_of};
use crate::fast_map::{FastMap, FastSet, with_room};

/// Most places that an error names of those that share a name.
const PLACES: usize = 6;

/// Finds what a name or a path means.
pub(super) struct Names<'n> {
    pub(super) drafts: &'n [Draft<'n>],
    made: &'n [Vec<Output>],
    pub(super) matrix: &'n Matrix<'n>,
    pub(super) selections: Selections,
    /// Targets, with their number, of one with instances that of the first.
    pub(super) targets: FastMap<&'n str, usize>,
    /// Aliases, with their number.
    pub(super) aliases: FastMap<&'n str, usize>,
    /// Artifacts; of a target with instances those of the first.
    artifacts: FastMap<&'n str, Vec<Made>>,
    paths: FastMap<&'n str, Made>,
    /// All names in the order of the text, for suggestions.
    order: Vec<Cow<'n, str>>,
}

/// An output of a target, by their numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Made {
    pub(super) target: usize,
    pub(super) output: usize,
}

/// What a text means where an artifact may stand.
pub(super) enum Meaning<'n> {
    /// An artifact.
    Artifact {
        made: Made,
        /// Whether the text is its name, rather than its path.
        named: bool,
    },
    /// The artifacts of several targets.
    Shared(&'n [Made]),
    /// One artifact by its name, and another by its path.
    NameAndPath(Made, Made),
    /// An artifact of a target with instances, the first of which is given: which are meant, its values and the reader
    /// say.
    OnAxes(Made),
    /// An artifact on no axis, with values behind its name.
    OnNoAxis,
    /// None of these.
    Nothing,
}

/// One place where a name is given to something.
struct Given<'n> {
    name: &'n str,
    span: Span,
    /// What has the name, for messages.
    to: String,
    /// Its target, if it is an artifact.
    target: Option<&'n str>,
}

impl<'n> Names<'n> {
    /// Collects all names; one that is given twice is a mistake.
    pub(super) fn new(
        drafts: &'n [Draft<'n>],
        made: &'n [Vec<Output>],
        aliases: &'n [Alias<'n>],
        matrix: &'n Matrix<'n>,
        mistakes: &mut Mistakes,
    ) -> Self {
        let mut names = Self {
            drafts,
            made,
            matrix,
            selections: Selections::default(),
            targets: with_room(drafts.len()),
            aliases: with_room(aliases.len()),
            artifacts: with_room(drafts.len()),
            paths: with_room(drafts.len()),
            order: Vec::with_capacity(2 * drafts.len()),
        };
        for (target, outputs) in made.iter().enumerate() {
            let is_first = !names.targets.contains_key(drafts[target].name.text);
            names.targets.entry(drafts[target].name.text).or_insert(target);
            for (output, it) in outputs.iter().enumerate() {
                let made = Made { target, output };
                if is_first {
                    names.artifacts.entry(base_name(&it.name)).or_default().push(made);
                }
                names.paths.entry(&it.path).or_insert(made);
            }
        }
        names
            .aliases
            .extend(aliases.iter().enumerate().map(|(at, alias)| (alias.name.text, at)));
        let firsts = names.firsts();
        report_clashes(&firsts, aliases, mistakes);
        for (target, draft) in drafts
            .iter()
            .enumerate()
            .filter(|(at, draft)| names.targets[draft.name.text] == *at)
        {
            for output in 0..draft.outputs.len() {
                if !is_own(draft, &draft.outputs[output]) {
                    let shown = names.shown_base(Made { target, output });
                    names.order.push(shown);
                }
            }
            names.order.push(Cow::Borrowed(draft.name.text));
        }
        names
            .order
            .extend(aliases.iter().map(|alias| Cow::Borrowed(alias.name.text)));
        names
    }

    /// What a text means where an artifact may stand.
    pub(super) fn artifact(&self, text: &str) -> Meaning<'_> {
        let at = match text.contains('/') {
            true => self.paths.get(path::normalise(text).as_str()),
            false => self.paths.get(text),
        };
        let at = at.copied();
        let name = base_name(text);
        match self.artifacts.get(name).map(Vec::as_slice) {
            Some([made]) => self.of_name(*made, text, at),
            Some(several) => Meaning::Shared(several),
            None => match (self.qualified(name), at) {
                (Some(made), at) => self.of_name(made, text, at),
                (None, Some(made)) => Meaning::Artifact { made, named: false },
                (None, None) => Meaning::Nothing,
            },
        }
    }

    fn of_name(&self, made: Made, text: &str, at: Option<Made>) -> Meaning<'n> {
        let is_other = |other: &Made| self.first(other.target) != made.target || other.output != made.output;
        let has_axes = self.drafts[made.target].instance.is_some();
        match at.filter(is_other) {
            Some(other) => Meaning::NameAndPath(made, other),
            None if has_axes => Meaning::OnAxes(made),
            // Its axes are wrong, which is told already.
            None if values_of(text).is_some() && !self.drafts[made.target].broken.each => Meaning::OnNoAxis,
            None => Meaning::Artifact { made, named: true },
        }
    }

    /// The artifact of `target.artifact`.
    fn qualified(&self, text: &str) -> Option<Made> {
        let (target, name) = text.split_once('.')?;
        let target = *self.targets.get(target)?;
        let output = self.made[target]
            .iter()
            .position(|output| base_name(&output.name) == name)?;
        Some(Made { target, output })
    }

    /// The number of the first instance of a target.
    fn first(&self, target: usize) -> usize {
        self.targets[self.drafts[target].name.text]
    }

    /// The numbers of all instances of a target, which stand together.
    pub(super) fn group(&self, first: usize) -> impl Iterator<Item = usize> {
        let name = self.drafts[first].name.text;
        (first..self.drafts.len()).take_while(move |at| self.drafts[*at].name.text == name)
    }

    /// Every target once.
    fn firsts(&self) -> Vec<&'n Draft<'n>> {
        let all = self.drafts.iter().enumerate();
        let first = all.filter(|(at, draft)| self.targets[draft.name.text] == *at);
        first.map(|(_, draft)| draft).collect()
    }

    /// Adds the error that something on no axis is named with values.
    pub(super) fn refuse_values(word: Word<'_>, text: &str, mistakes: &mut Mistakes) {
        mistakes
            .error(
                word.span,
                format!("`{}` is on no axis, so `{text}` is nothing", base_name(text)),
            )
            .help(format!("write `{}`", base_name(text)));
    }

    /// The name that means an artifact and no other: its own, or `target.artifact` where several have that.
    pub(super) fn shown(&self, made: Made) -> Cow<'n, str> {
        let output = self.output(made);
        match self.artifacts.get(base_name(&output.name)).map_or(0, Vec::len) {
            0 | 1 => Cow::Borrowed(&output.name),
            _ => Cow::Owned(self.full(made)),
        }
    }

    /// The same without the values of an instance.
    pub(super) fn shown_base(&self, made: Made) -> Cow<'n, str> {
        match self.shown(made) {
            Cow::Borrowed(name) => Cow::Borrowed(base_name(name)),
            Cow::Owned(name) => Cow::Owned(base_name(&name).to_owned()),
        }
    }

    /// `target.artifact`, of an instance with its values.
    pub(super) fn full(&self, made: Made) -> String {
        full_name(self.drafts[made.target].name.text, &self.output(made).name)
    }

    /// The output itself.
    pub(super) fn output(&self, made: Made) -> &'n Output {
        &self.made[made.target][made.output]
    }

    /// The names of what a target makes.
    pub(super) fn made_by(&self, target: usize) -> Vec<Cow<'n, str>> {
        let outputs = 0..self.made[target].len();
        outputs.map(|output| self.shown_base(Made { target, output })).collect()
    }

    /// All names in the order of the text.
    pub(super) fn all(&self) -> impl Iterator<Item = &str> + Clone {
        self.order.iter().map(AsRef::as_ref)
    }

    /// Names of all artifacts in the order of the text.
    pub(super) fn artifact_names(&self) -> impl Iterator<Item = &str> + Clone {
        self.all()
            .filter(|name| name.contains('.') || self.artifacts.contains_key(name))
    }

    /// Adds the error that a text means nothing of its own: it is shared, or reserved. Says whether it is one of these.
    pub(super) fn refuse(&self, word: Word<'_>, text: &str, meaning: &Meaning<'_>, mistakes: &mut Mistakes) -> bool {
        match meaning {
            Meaning::Shared(all) => self.refuse_shared(word, text, all, mistakes),
            Meaning::NameAndPath(named, at) => {
                mistakes
                    .error(
                        word.span,
                        format!("`{text}` is the name of one artifact and the path of another"),
                    )
                    .also(
                        self.span(*named),
                        format!("the name, given by `{}`", self.maker(*named)),
                    )
                    .also(
                        self.output(*at).span,
                        format!("the path, written by `{}`", self.maker(*at)),
                    )
                    .help(format!(
                        "write `{}` for the first, or `./{text}` for the second",
                        base_name(&self.full(*named))
                    ));
            }
            Meaning::OnNoAxis => Self::refuse_values(word, text, mistakes),
            Meaning::Artifact { .. } | Meaning::OnAxes(_) | Meaning::Nothing => return false,
        }
        true
    }

    fn refuse_shared(&self, word: Word<'_>, text: &str, all: &[Made], mistakes: &mut Mistakes) {
        let candidates: Vec<String> = all
            .iter()
            .map(|made| format!("`{}`", base_name(&self.full(*made))))
            .collect();
        let mistake = mistakes.error(
            word.span,
            format!("`{text}` is made by {} targets", number_word(all.len())),
        );
        for made in all.iter().take(PLACES) {
            mistake.also(self.span(*made), format!("by `{}`", self.maker(*made)));
        }
        mistake.help(format!("write {}", candidates.join(" or ")));
    }

    fn maker(&self, made: Made) -> &'n str {
        self.drafts[made.target].name.text
    }

    /// Where an artifact's name is given.
    fn span(&self, made: Made) -> Span {
        self.drafts[made.target].outputs[made.output].name.span
    }
}

/// Whether an output is the only artifact of its target and has its name.
fn is_own(draft: &Draft<'_>, output: &DraftOutput<'_>) -> bool {
    output.name.text == draft.name.text && draft.outputs.len() == 1
}

/// Adds an error for each name that is given twice where it must not be, with both places.
fn report_clashes<'n>(drafts: &[&'n Draft<'n>], aliases: &'n [Alias<'n>], mistakes: &mut Mistakes) {
    let shared: FastSet<&str> = drafts
        .iter()
        .map(|draft| draft.name.text)
        .chain(aliases.iter().map(|alias| alias.name.text))
        .collect();
    let mut all: Vec<Given<'n>> = Vec::new();
    for draft in drafts {
        let mut own: FastMap<&str, Span> = FastMap::default();
        for output in &draft.outputs {
            let name = output.name;
            if let Some(first) = own.insert(name.text, name.span) {
                mistakes
                    .error(
                        name.span,
                        format!("the target `{}` has two artifacts `{}`", draft.name.text, name.text),
                    )
                    .also(first, "first here")
                    .help("give one of them another name");
            } else if !is_own(draft, output) && shared.contains(name.text) {
                all.push(Given::artifact(name, draft));
            }
        }
    }
    if all.is_empty() && shared.len() == drafts.len() + aliases.len() {
        return;
    }
    all.extend(drafts.iter().map(|draft| Given::target(draft)));
    all.extend(aliases.iter().map(Given::alias));
    all.sort_by_key(|given| given.span.start);
    let mut first: FastMap<&str, &Given<'_>> = FastMap::default();
    for given in &all {
        let Some(first) = first.get(given.name) else {
            first.insert(given.name, given);
            continue;
        };
        // Two artifacts of one name are no clash; each of them with the target or alias is.
        if let (Some(_), Some(_)) = (given.target, first.target) {
            continue;
        }
        mistakes
            .error(given.span, format!("the name `{}` is given twice", given.name))
            .label(format!("to {}", given.to))
            .also(first.span, format!("and to {}", first.to))
            .note("targets and aliases share one namespace, and no artifact has a name in it; only the single artifact of a target may have its name")
            .help(match given.target.or(first.target) {
                Some(_) => format!("give the artifact a name of its own: `{} = {{ path = \"…\", name = \"…\" }}`", given.name),
                None => "choose another name for one of them".to_owned(),
            });
    }
}

impl<'n> Given<'n> {
    fn target(draft: &'n Draft<'n>) -> Self {
        Self {
            name: draft.name.text,
            span: draft.name.span,
            to: "a target".to_owned(),
            target: None,
        }
    }

    fn artifact(name: Word<'n>, draft: &Draft<'n>) -> Self {
        Self {
            name: name.text,
            span: name.span,
            to: format!("an artifact of `{}`", draft.name.text),
            target: Some(draft.name.text),
        }
    }

    fn alias(alias: &'n Alias<'n>) -> Self {
        Self {
            name: alias.name.text,
            span: alias.name.span,
            to: "an alias".to_owned(),
            target: None,
        }
    }
}
