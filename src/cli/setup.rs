//! From the common flags to a project that is ready to be planned: Atsaffile, graph, store, environment, secrets.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::io;
use std::path::{Path, PathBuf};
use std::thread;

use super::read_atsaffile::{AtsaffileText, declared, find, part_of_text, read, root_of, spec_of_text, typed_in};
use super::{CommandError, Exit, Session, dotenv, init, misplaced, report as report_page, small_file};
use crate::atsaffile::{self, Overrides};
use crate::diagnostic::{Diagnostic, few_at_each_place, few_of_each_kind};
use crate::engine::files::Files;
use crate::engine::graph::{ArtifactId, Graph, LinkOut, TargetId};
use crate::engine::plan::{PlanContext, PlanError};
use crate::engine::seal::Loading;
use crate::engine::spec::schema::{Catalog, VariableRole};
use crate::engine::spec::{Output, full_name};
use crate::engine::store::{Store, UserKey};
use crate::engine::task::Tasks;
use crate::outward::Mask;
use crate::report;

/// Most bytes of a `.env`.
const LARGEST_ENV_FILE: u64 = 1 << 20;

/// A project as a command finds it.
pub struct Project {
    /// The Atsaffile.
    pub file: PathBuf,
    /// Its targets.
    pub graph: Graph,
    /// What was built.
    pub store: Store,
    /// Its files; the project's directory is their root.
    pub files: Files,
    /// The environment of this program.
    pub env: BTreeMap<String, String>,
    /// Values of the declared secrets that are set.
    pub secrets: BTreeMap<String, String>,
    /// The built-in tasks.
    pub tasks: Tasks,
    /// The directory in which paths are typed, relative to the project; empty for the project itself.
    typed_in: String,
    /// What is wrong without stopping the command.
    pub warnings: Vec<Diagnostic>,
    /// What reading it asked of the disk.
    pub loading: Loading,
}

impl Project {
    /// What a plan looks at.
    #[must_use]
    pub fn context(&self) -> PlanContext<'_> {
        PlanContext {
            graph: &self.graph,
            store: &self.store,
            files: &self.files,
            env: &self.env,
            tasks: &self.tasks,
        }
    }

    /// The variables of the environment that may decide what is fresh.
    #[must_use]
    pub fn variables(&self) -> Vec<String> {
        let spec = &self.graph.spec;
        let declared = spec.targets.iter().flat_map(|target| &target.settings.env);
        let mut names: BTreeSet<String> = declared.chain(spec.secrets.keys()).cloned().collect();
        for schema in self.tasks.catalog().values() {
            names.extend(schema.variables_for(|_| true).map(str::to_owned));
        }
        names.extend(["HOME", "XDG_STATE_HOME"].map(str::to_owned));
        names.into_iter().collect()
    }

    /// The targets that some goals mean.
    ///
    /// # Errors
    /// [`CommandError`] that tells every name that means nothing.
    pub fn goals(&self, names: &[String]) -> Result<Vec<TargetId>, CommandError> {
        let (report, names): (Vec<String>, Vec<String>) = names
            .iter()
            .map(|name| self.typed(name).into_owned())
            .partition(|name| self.is_report(name));
        let found = self.graph.goals(&names).map_err(|unknown| CommandError {
            diagnostics: unknown.iter().map(|error| error.diagnostic(&self.graph)).collect(),
            exit: Exit::Usage,
        });
        // The page is about the project's own goals, which no name means as well.
        if report.is_empty() || names.is_empty() {
            return found;
        }
        let mut all = found?;
        for id in self.goals(&[])? {
            if !all.contains(&id) {
                all.push(id);
            }
        }
        Ok(all)
    }

    /// Whether a goal is the page that each build ends with.
    #[must_use]
    pub fn is_report(&self, goal: &str) -> bool {
        self.graph.spec.report && goal.trim_start_matches("./") == report_page::DEFAULT
    }

    /// A goal as the Atsaffile has it: a path counts from where it is typed.
    fn typed<'n>(&self, goal: &'n str) -> Cow<'n, str> {
        if self.typed_in.is_empty() || self.graph.is_name(goal) {
            return Cow::Borrowed(goal);
        }
        let path = atsaffile::path::normalise(&format!("{}/{goal}", self.typed_in));
        match self.graph.artifact(&path) {
            Some(_) => Cow::Owned(path),
            None => Cow::Borrowed(goal),
        }
    }

    /// The artifacts that a goal names by their own name or path; none if it is the name of a target or an alias.
    #[must_use]
    pub fn artifacts_named(&self, goal: &str) -> Vec<ArtifactId> {
        let (graph, goal) = (&self.graph, self.typed(goal));
        match graph.spec.aliases.contains_key(goal.as_ref()) {
            true => Vec::new(),
            false => graph.artifacts(&goal),
        }
    }

    /// Adds which artifact may be meant by the path of a source that is not there.
    fn meant(&self, path: &str, diagnostic: Diagnostic) -> Diagnostic {
        let of_target = path.split_once('.').and_then(|(name, _)| {
            let mut targets = self.graph.spec.targets.iter();
            targets.find(|target| target.name == name)
        });
        let near = self.artifacts().filter(|name| is_slip(path, name));
        let diagnostic = diagnostic.suggest(path, near);
        let Some(target) = of_target.filter(|_| diagnostic.help.is_empty()) else {
            return diagnostic;
        };
        let full = |output: &Output| format!("`{}`", full_name(&target.name, &output.name));
        let names: Vec<String> = target.outputs.iter().map(full).collect();
        diagnostic.note(format!(
            "the artifacts of the target `{}`: {}",
            target.name,
            names.join(", ")
        ))
    }

    /// Names and paths of all artifacts.
    fn artifacts(&self) -> impl Iterator<Item = &str> {
        let outputs = self.graph.spec.targets.iter().flat_map(|target| &target.outputs);
        outputs.flat_map(|output| [output.name.as_str(), output.path.as_str()])
    }

    /// The one target that a name means.
    ///
    /// # Errors
    /// [`CommandError`] if it means none or, as an alias, several.
    pub fn target(&self, name: &str) -> Result<TargetId, CommandError> {
        match self.goals(&[name.to_owned()])?.as_slice() {
            [target] => Ok(*target),
            several => {
                let names = report::plan::names(&self.graph, several);
                let what = format!("`{name}` means several targets, and one is wanted");
                Err(CommandError::usage(
                    Diagnostic::error(what).help(format!("name one of {names}")),
                ))
            }
        }
    }

    /// Turns what keeps a plan from being made into diagnostics.
    #[must_use]
    pub fn plan_failure(&self, errors: &[PlanError]) -> CommandError {
        let place = |error: &PlanError| self.place_of_instances(error);
        let few = few_at_each_place(errors, ToString::to_string, place).into_iter();
        let diagnostics = few.map(|(error, more)| self.plan_mistake(error).and_more(more));
        CommandError {
            diagnostics: diagnostics.collect(),
            exit: Exit::Usage,
        }
    }

    /// Where an error is that all instances of a target may have.
    pub(super) fn place_of_instances(&self, error: &PlanError) -> Option<u32> {
        let (PlanError::MissingSource { target, span, .. } | PlanError::Unmatched { target, span, .. }) = error else {
            return None;
        };
        self.graph.target(*target).instance.as_ref().map(|_| span.start)
    }

    fn plan_mistake(&self, error: &PlanError) -> Diagnostic {
        let text = &self.graph.spec.text;
        match error {
            PlanError::MissingSource { target, path, span } => self
                .meant(path, Diagnostic::error(error.to_string()))
                .at(text
                    .place(*span)
                    .labelled(format!("read by `{}`", self.graph.name(*target))))
                .help(match path.contains(char::REPLACEMENT_CHARACTER) {
                    true => "a file with a name like this is there, but the name is not UTF-8: rename it",
                    false => "put the file there, or name the artifact that is meant",
                }),
            PlanError::Unmatched { target, span, .. } => Diagnostic::error(error.to_string())
                .at(text
                    .place(*span)
                    .labelled(format!("read by `{}`", self.graph.name(*target))))
                .note("hidden and ignored files are matched by no pattern")
                .help("put a file there, or correct the pattern; if there may be none, begin it with a `?`"),
            PlanError::Unreadable {
                target, error: cause, ..
            } => {
                let unreadable =
                    Diagnostic::error(error.to_string()).note(format!("`{}` needs it", self.graph.name(*target)));
                match cause.kind() {
                    io::ErrorKind::PermissionDenied => {
                        unreadable.help("see who may read it, and look into the directories above it: `ls -ld`")
                    }
                    _ => unreadable,
                }
            }
        }
    }
}

/// Finds, reads and checks everything.
///
/// # Errors
/// [`CommandError`] with every mistake at once.
pub fn load(session: &Session) -> Result<Project, CommandError> {
    let project = load_targets(session, None)?;
    Ok(project.expect("internal error: a whole Atsaffile was not read"))
}

/// The same with no more than some targets by their names, as a build has kept them: all that these need has to be among
/// them. `None` if they are not kept.
///
/// # Errors
/// [`CommandError`] also for mistakes that are none of the whole.
pub(super) fn load_part(session: &Session, names: &[&str]) -> Result<Option<Project>, CommandError> {
    load_targets(session, Some(names))
}

fn load_targets(session: &Session, names: Option<&[&str]>) -> Result<Option<Project>, CommandError> {
    let loading = Loading::begin();
    let (common, tasks) = (&session.common, (session.tasks)());
    let file = find(common)?;
    let (typed, text) = read(&file)?;
    let root = root_of(&file);
    let typed_in = typed_in(common, &root);
    let catalog = tasks.catalog();
    let mut wrong_in_file = Vec::new();
    let env_file = env_file(&root.join(".env"), &mut wrong_in_file);
    let env = with_known_variables(&session.env, &env_file, &text, &catalog);
    let overrides = Overrides {
        sets: common.set.clone(),
        environment: taken_for_params(&env, &catalog),
    };
    let user = UserKey::in_directory(state_directory(&session.env));
    // What the Atsaffile says and what was built are read side by side.
    let open = || match common.trust_store {
        true => Store::open_verified(&root),
        false => Store::open(&root),
    };
    let (declared, opened) = thread::scope(|scope| {
        let store = thread::Builder::new().spawn_scoped(scope, open);
        let text = AtsaffileText {
            root: &root,
            path: &typed,
            content: text,
            overrides: &overrides,
            catalog: &catalog,
            user: &user,
        };
        let read = match names {
            Some(names) => part_of_text(text, names),
            None => Some(spec_of_text(text)),
        };
        let declared = read.map(|read| declared(&root, read));
        let opened = match store {
            Ok(store) => store.join().expect("internal error: the store's reader panicked"),
            Err(_) => open(),
        };
        (declared, opened)
    });
    let (store, files) = opened.map_err(CommandError::store)?;
    let Some(declared) = declared else {
        return Ok(None);
    };
    store.bind(user.clone(), common.trust_store);
    let mut lookups = declared.lookups;
    lookups.file(Path::new(file.file_name().unwrap_or_default()));
    lookups.file(Path::new(".env"));
    match std::env::current_exe() {
        // One that was exchanged has other tasks, whatever its version.
        Ok(program) => lookups.file(&program),
        Err(_) => lookups.partial(),
    }
    let mut diagnostics = declared.diagnostics;
    if !declared.secrets.is_empty() {
        diagnostics.extend(wrong_in_file);
    }
    // Before anything is told, mistakes included.
    let secrets = hidden_secrets(declared.secrets.keys(), &env_file, session);
    let Some(graph) = declared.graph else {
        let exit = Exit::Usage;
        return Err(CommandError { diagnostics, exit });
    };
    let misplaced = misplaced::in_parameters(&graph, &common.set, &secrets);
    if !misplaced.is_empty() {
        diagnostics.extend(misplaced);
        let exit = Exit::Usage;
        return Err(CommandError { diagnostics, exit });
    }
    if graph.spec.report {
        lookups.file(Path::new(report_page::DEFAULT));
    }
    diagnostics.extend(misplaced::too_short(&graph, &secrets));
    diagnostics.extend(init::of_nothing(&graph));
    if let Some((key, new)) = declared.spec {
        store.keep_spec(key, new, user);
    }
    diagnostics.extend(links_out(&graph));
    diagnostics.extend(store.records.warnings().into_iter().map(Diagnostic::warning));
    Ok(Some(Project {
        file,
        graph,
        store,
        files,
        env,
        secrets,
        tasks,
        typed_in,
        warnings: diagnostics,
        loading: loading.with(lookups),
    }))
}

/// An Atsaffile beside the one that a project was loaded from.
pub(super) struct OtherAtsaffile<'a> {
    /// The directory whose files it is about.
    pub(super) root: &'a Path,
    /// Its name in messages.
    pub(super) name: &'a str,
    /// What it says.
    pub(super) text: String,
    /// Values that take the place of its own.
    pub(super) set: &'a [(String, String)],
}

/// The targets of another Atsaffile, or of the same one with other values.
///
/// # Errors
/// [`CommandError`] with every mistake at once.
pub(super) fn other_graph(
    other: OtherAtsaffile<'_>,
    project: &Project,
    session: &Session,
) -> Result<Graph, CommandError> {
    let catalog = project.tasks.catalog();
    let overrides = Overrides {
        sets: other.set.to_vec(),
        environment: taken_for_params(&project.env, &catalog),
    };
    let user = UserKey::in_directory(state_directory(&session.env));
    let read = spec_of_text(AtsaffileText {
        root: other.root,
        path: other.name,
        content: other.text,
        overrides: &overrides,
        catalog: &catalog,
        user: &user,
    });
    let checked = declared(other.root, read);
    checked.graph.ok_or(CommandError {
        diagnostics: checked.diagnostics,
        exit: Exit::Usage,
    })
}

/// The environment, with those variables of `.env` that the tasks of the Atsaffile take without being told.
fn with_known_variables(
    env: &BTreeMap<String, String>,
    file: &BTreeMap<String, String>,
    text: &str,
    catalog: &Catalog,
) -> BTreeMap<String, String> {
    let mut env = env.clone();
    for schema in catalog.values() {
        let names = schema.variables_for(|role| role != VariableRole::Secret);
        let unset = names.filter(|name| !env.contains_key(*name));
        let found: Vec<(&String, &String)> = unset.filter_map(|name| file.get_key_value(name)).collect();
        // The text is long, and most files have none of these.
        if !found.is_empty() && text.contains(schema.name) {
            env.extend(found.into_iter().map(|(name, value)| (name.clone(), value.clone())));
        }
    }
    env
}

/// The variables that give parameters of tasks their values.
fn taken_for_params(env: &BTreeMap<String, String>, catalog: &Catalog) -> BTreeMap<String, String> {
    let of_params = |role| matches!(role, VariableRole::Param(_));
    let names = catalog.values().flat_map(|schema| schema.variables_for(of_params));
    names
        .filter_map(|name| Some((name.to_owned(), env.get(name)?.clone())))
        .collect()
}

/// Whether one text may be a slip for another: paths resemble each other too much for the usual measure.
fn is_slip(written: &str, meant: &str) -> bool {
    strsim::damerau_levenshtein(written, meant) <= 2
}

/// Warnings of links that patterns pass over.
fn links_out(graph: &Graph) -> Vec<Diagnostic> {
    let mut seen = HashSet::new();
    let all = graph.order().iter().flat_map(|id| &graph.node(*id).links_out);
    let all: Vec<&LinkOut> = all.filter(|it| seen.insert(&it.link)).collect();
    let few = few_of_each_kind(&all, |_| String::new()).into_iter();
    let warning = |(it, more): (&&LinkOut, usize)| {
        Diagnostic::warning(format!(
            "the link `{}` leads out of the project, and no pattern follows it",
            it.link
        ))
        .at(graph.spec.text.place(it.span))
        .help("name it in the pattern before the first `*`, or as an input of its own, to read what it leads to")
        .and_more(more)
    };
    few.map(warning).collect()
}

/// Where atsaf keeps what is the user's own and no project's, as the desktop's rules say.
pub(super) fn state_directory(env: &BTreeMap<String, String>) -> Option<PathBuf> {
    let absolute = |name: &str| env.get(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let home = || absolute("HOME").map(|home| home.join(".local/state"));
    Some(absolute("XDG_STATE_HOME").or_else(home)?.join("atsaf"))
}

/// The variables that a `.env` file sets; what is wrong with it is reported without a word of its content.
pub(super) fn env_file(path: &Path, diagnostics: &mut Vec<Diagnostic>) -> BTreeMap<String, String> {
    let bytes = match small_file::read(path, LARGEST_ENV_FILE) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return BTreeMap::new(),
        Err(error) => {
            let warning = Diagnostic::warning(format!("`.env` cannot be read: {error}"));
            diagnostics.push(warning.note("no secret is taken from it"));
            return BTreeMap::new();
        }
    };
    let (variables, faults) = dotenv::read(&bytes);
    let few = few_of_each_kind(&faults, |fault| fault.why.to_string()).into_iter();
    diagnostics.extend(few.map(|(fault, more)| {
        Diagnostic::warning(format!("line {} of `.env` cannot be read: {}", fault.line, fault.why))
            .and_more(more)
            .note("the line is passed over; it is not shown, since it may hold a secret")
            .help(fault.help())
    }));
    variables
}

/// Values of the declared secrets, from the environment or `.env` beside the Atsaffile; from here on the screen hides them.
pub(super) fn hidden_secrets<'n>(
    declared: impl Iterator<Item = &'n String>,
    file: &BTreeMap<String, String>,
    session: &Session,
) -> BTreeMap<String, String> {
    let value = |name: &String| {
        let set = session.env.get(name).or_else(|| file.get(name));
        set.filter(|value| !value.is_empty()).cloned()
    };
    let secrets: BTreeMap<String, String> = declared.filter_map(|name| Some((name.clone(), value(name)?))).collect();
    // A short secret would be taken for many an own word, and is hidden in what targets print.
    let long = secrets.values().filter(|value| !Mask::is_short(value));
    session.screen.hide(Mask::new(long.map(String::as_str)));
    secrets
}
