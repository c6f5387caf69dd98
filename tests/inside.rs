//! The engine from inside this process, with tasks that are quick and that a test can make fail.
//!
//! The target `tI` makes `hi_I`, which differs whenever its value or an input does, and `lo_I`, which seldom does.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, LazyLock, Mutex};

use atsaf::atsaffile::{self, Overrides};
use atsaf::engine::accept::{self, Accepting};
use atsaf::engine::build::{self, Options};
use atsaf::engine::clock::Clock;
use atsaf::engine::digest::Digest;
use atsaf::engine::event::{Event, Observer, Outcome, Summary};
use atsaf::engine::files::Files;
use atsaf::engine::graph::Graph;
use atsaf::engine::plan::{self, Note, Plan, PlanContext, Verdict};
use atsaf::engine::reason::Reason;
use atsaf::engine::seal::{Loading, Seal, SealKey, SealRequest};
use atsaf::engine::spec::Value;
use atsaf::engine::spec::schema::{Kind, Literal, ParamSchema, Port, Schema};
use atsaf::engine::store::{Store, UserKey};
use atsaf::engine::task::{Context, Part, Task, TaskError, Tasks};
use atsaf::report::ink::Ink;
use atsaf::report::{plan as plan_report, status};

/// So many targets there can be.
pub(crate) const SLOTS: usize = 8;
/// So many inputs one of them can have.
pub(crate) const INPUTS: usize = 3;

/// What a target makes: the texts of `hi` and `lo`.
pub(crate) type Pair = (String, String);

/// What a target makes of its value and its inputs.
pub(crate) fn make(slot: usize, value: i64, inputs: &[String]) -> Pair {
    let hi = Digest::of(format!("{slot} {value} {inputs:?}").as_bytes()).hex();
    let lo = format!("{}", hi.as_bytes()[0] % 2);
    (hi, lo)
}

/// How one target's turn in a build ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum What {
    /// It ran.
    Built,
    /// Its artifacts came back.
    Restored,
    /// It was as it had to be.
    Kept,
    /// It failed.
    Failed,
    /// Something that it needs failed.
    Skipped,
}

/// What a test and the tasks share.
#[derive(Default)]
pub(crate) struct Control {
    /// Targets that fail.
    pub(crate) failing: Mutex<BTreeSet<usize>>,
    /// How each target ended in this build, as far as it went.
    pub(crate) ended: Mutex<BTreeMap<usize, What>>,
    /// What the build warned of.
    pub(crate) warnings: Mutex<Vec<String>>,
    /// What happens during one attempt of this build.
    pub(crate) hook: Mutex<Option<Hook>>,
    /// What each target that was built had read: its number in the Atsaffile, its value and its inputs.
    pub(crate) built: Mutex<Vec<(usize, Basis)>>,
    /// What the last attempt has read.
    last: Mutex<Basis>,
    /// What the probes of targets answer; one that is not here has none.
    pub(crate) answers: Mutex<BTreeMap<usize, String>>,
    /// Targets whose probes get no answer.
    pub(crate) unanswered: Mutex<BTreeSet<usize>>,
    /// The targets whose probes were asked in this build.
    pub(crate) asked: Mutex<Vec<usize>>,
    /// Targets whose tasks can use several threads.
    pub(crate) parallel: Mutex<BTreeSet<usize>>,
    /// How many threads the tasks of targets had, and how many all of them had at once.
    pub(crate) threads: Mutex<Threads>,
    /// How many requests the tasks of targets send.
    pub(crate) requests: Mutex<BTreeMap<usize, usize>>,
    /// The versions of the parts that targets can name; 1 of a part that is not here.
    pub(crate) part_versions: Mutex<BTreeMap<String, u32>>,
}

/// The threads of tasks.
#[derive(Default)]
pub(crate) struct Threads {
    /// How many the last attempt of each target had.
    pub(crate) of: BTreeMap<usize, usize>,
    now: usize,
    /// The most that all had at once.
    pub(crate) most: usize,
}

/// On what a result depends: the value and the contents of the inputs.
pub(crate) type Basis = (i64, Vec<String>);

/// Something that is done during an attempt, by somebody else.
pub(crate) struct Hook {
    /// How many attempts go before.
    pub(crate) left: usize,
    /// Done before the inputs are read.
    pub(crate) before: Act,
    /// Done when they have been read and half of the outputs are written.
    pub(crate) midst: Act,
}

pub(crate) type Act = Box<dyn FnOnce() + Send>;

impl Control {
    /// The hook, if it is its attempt that begins.
    fn due(&self) -> Option<Hook> {
        let mut hook = self.hook.lock().expect("sound");
        if let Some(Hook { left: left @ 1.., .. }) = &mut *hook {
            *left -= 1;
            return None;
        }
        hook.take()
    }
}

impl Observer for Control {
    fn observe(&self, event: &Event) {
        match event {
            Event::Finished { target, outcome } => {
                let what = match outcome {
                    Outcome::Built { .. } => {
                        let basis = self.last.lock().expect("sound").clone();
                        self.built.lock().expect("sound").push((target.index(), basis));
                        What::Built
                    }
                    Outcome::Restored { .. } => What::Restored,
                    Outcome::Fresh | Outcome::Held { .. } => What::Kept,
                    Outcome::Failed(_) => What::Failed,
                    Outcome::Skipped { .. } | Outcome::Interrupted | Outcome::Superseded => What::Skipped,
                };
                self.ended.lock().expect("sound").insert(target.index(), what);
            }
            Event::Warning { message } => self.warnings.lock().expect("sound").push(message.clone()),
            _ => {}
        }
    }
}

struct Make {
    slot: usize,
    schema: &'static Schema,
    control: Arc<Control>,
}

impl Task for Make {
    fn schema(&self) -> &'static Schema {
        self.schema
    }

    fn parts(&self, params: &BTreeMap<String, Value>) -> Vec<Part> {
        let Some(Value::List(names)) = params.get("parts") else {
            return Vec::new();
        };
        let versions = self.control.part_versions.lock().expect("sound");
        let part = |name: &Value| match name {
            Value::Text(name) => Part {
                version: versions.get(name).copied().unwrap_or(1),
                name: name.clone(),
            },
            other => panic!("{other:?} is no name"),
        };
        names.iter().map(part).collect()
    }

    fn is_parallel(&self) -> bool {
        self.control.parallel.lock().expect("sound").contains(&self.slot)
    }

    fn has_probe(&self, _: &BTreeMap<String, Value>) -> bool {
        self.control.answers.lock().expect("sound").contains_key(&self.slot)
    }

    fn probe(&self, _: &Context<'_>) -> Result<Option<String>, TaskError> {
        self.control.asked.lock().expect("sound").push(self.slot);
        if self.control.unanswered.lock().expect("sound").contains(&self.slot) {
            return Err(TaskError::new("nobody answers"));
        }
        Ok(self.control.answers.lock().expect("sound").get(&self.slot).cloned())
    }

    fn run(&self, context: &Context<'_>) -> Result<(), TaskError> {
        if !self.is_parallel() {
            return self.work(context);
        }
        let had = rayon::current_num_threads();
        {
            let mut threads = self.control.threads.lock().expect("sound");
            threads.of.insert(self.slot, had);
            threads.now += had;
            threads.most = threads.most.max(threads.now);
        }
        let done = self.work(context);
        self.control.threads.lock().expect("sound").now -= had;
        done
    }
}

impl Make {
    fn work(&self, context: &Context<'_>) -> Result<(), TaskError> {
        let requests = self.control.requests.lock().expect("sound").get(&self.slot).copied();
        for _ in 0..requests.unwrap_or_default() {
            context.request()?;
        }
        let (before, midst) = match self.control.due() {
            Some(hook) => (Some(hook.before), Some(hook.midst)),
            None => (None, None),
        };
        if let Some(act) = before {
            act();
        }
        let inputs: Vec<String> = self
            .schema
            .inputs
            .iter()
            .map(|port| read(context.input(port.name)))
            .collect();
        let value = i64::try_from(context.count("value")).expect("small");
        *self.control.last.lock().expect("sound") = (value, inputs.clone());
        let (hi, lo) = make(self.slot, value, &inputs);
        let [hi_port, lo_port] = self.schema.outputs else {
            unreachable!("two outputs")
        };
        crate::project::write(context.output(hi_port.name), hi.as_bytes());
        if let Some(act) = midst {
            act();
        }
        if self.control.failing.lock().expect("sound").contains(&self.slot) {
            return Err(TaskError::new("it was told to fail"));
        }
        crate::project::write(context.output(lo_port.name), lo.as_bytes());
        Ok(())
    }
}

/// The text of a file, or names and texts of what is in a directory.
fn read(path: &Path) -> String {
    if !path.is_dir() {
        return fs::read_to_string(path).expect("an input");
    }
    let mut entries: Vec<PathBuf> = fs::read_dir(path)
        .expect("an input")
        .map(|entry| entry.expect("an entry").path())
        .collect();
    entries.sort();
    let text = |entry: &PathBuf| {
        let name = entry.file_name().expect("a name").to_string_lossy();
        // A directory's links count by their texts, too.
        let link = fs::read_link(entry).map(|aim| format!("-> {} ", aim.display()));
        format!("{name}={}{};", link.unwrap_or_default(), read(entry))
    };
    entries.iter().map(text).collect()
}

const PARAMS: &[ParamSchema] = &[
    ParamSchema {
        name: "value",
        kind: Kind::Int { min: 0, max: 99 },
        default: None,
        doc: "",
    },
    ParamSchema {
        name: "parts",
        kind: Kind::List(&Kind::Text),
        default: Some(Literal::Texts(&["Plain"])),
        doc: "",
    },
];

/// One schema for each slot and number of inputs; they live as long as the process, as a program's own do.
static SCHEMAS: LazyLock<Vec<(usize, &'static Schema)>> = LazyLock::new(|| {
    let leak = |text: String| -> &'static str { text.leak() };
    let port = |name: String| Port {
        name: leak(name),
        doc: "",
    };
    let all = (0..SLOTS).flat_map(|slot| (0..=INPUTS).map(move |inputs| (slot, inputs)));
    let schemas = all.map(|(slot, inputs)| {
        let schema = Schema {
            name: leak(format!("make_{slot}_{inputs}")),
            version: 1,
            summary: "",
            params: PARAMS,
            inputs: (0..inputs).map(|at| port(format!("in{at}"))).collect::<Vec<_>>().leak(),
            outputs: vec![port(format!("hi_{slot}")), port(format!("lo_{slot}"))].leak(),
            optional: &[],
            directories: &[],
            secrets: &[],
            variables: &[],
            effect: false,
            ordered: &[],
        };
        (slot, &*Box::leak(Box::new(schema)))
    });
    schemas.collect()
});

/// A project whose builds run in this process.
pub(crate) struct Inside {
    pub(crate) dir: tempfile::TempDir,
    pub(crate) control: Arc<Control>,
    pub(crate) clock: Clock,
    tasks: Tasks,
    /// Where the user's key is.
    state: tempfile::TempDir,
}

/// What a build is asked for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ask<'a> {
    pub(crate) goals: &'a [String],
    pub(crate) force: bool,
    pub(crate) jobs: usize,
}

impl Inside {
    pub(crate) fn new() -> Self {
        Self::at(crate::project::directory())
    }

    /// The project that is in a directory.
    pub(crate) fn at(dir: tempfile::TempDir) -> Self {
        let control = Arc::new(Control::default());
        let task = |(slot, schema): &(usize, &'static Schema)| -> Box<dyn Task> {
            Box::new(Make {
                slot: *slot,
                schema,
                control: Arc::clone(&control),
            })
        };
        let tasks = Tasks::new(SCHEMAS.iter().map(task).collect());
        let clock = Clock::default();
        Self {
            dir,
            control,
            clock,
            tasks,
            state: crate::project::directory(),
        }
    }

    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.dir.path().join(path)
    }

    fn load(&self, atsaffile: &str) -> (Graph, Store, Files) {
        let overrides = Overrides::default();
        let (spec, mistakes) = atsaffile::load("Atsaffile", atsaffile, &overrides, &self.tasks.catalog());
        assert!(mistakes.is_empty(), "{mistakes:?}");
        let (store, files) = Store::open(self.dir.path()).expect("opened");
        let files = files.with_clock(self.clock.clone());
        let graph = Graph::new(spec, &files).unwrap_or_else(|wrong| panic!("{:?}", wrong.1));
        (graph, store, files)
    }

    /// Does something with the project as an Atsaffile has it.
    fn within<T>(&self, atsaffile: &str, act: impl FnOnce(PlanContext<'_>) -> T) -> T {
        let (graph, store, files) = self.load(atsaffile);
        let env = BTreeMap::new();
        act(PlanContext {
            graph: &graph,
            store: &store,
            files: &files,
            env: &env,
            tasks: &self.tasks,
        })
    }

    /// Builds; the ends of all targets are in the control afterwards, by their numbers in the Atsaffile. Where a seal holds,
    /// the build is made all the same, and must find nothing to do; and what is reported from the seal is what a plan says.
    pub(crate) fn build(&self, atsaffile: &str, ask: Ask<'_>) -> Summary {
        self.control.ended.lock().expect("sound").clear();
        self.control.warnings.lock().expect("sound").clear();
        self.control.built.lock().expect("sound").clear();
        self.control.asked.lock().expect("sound").clear();
        let interrupted = AtomicBool::new(false);
        let loading = Loading::begin();
        // To another program, which has its parts in other versions, no seal of this one is known.
        let versions = self.control.part_versions.lock().expect("sound").clone();
        let key = SealKey {
            circumstances: Digest::of(format!("{atsaffile}{versions:?}").as_bytes()),
            goals: Digest::of(format!("{:?}", ask.goals).as_bytes()),
        };
        let user = UserKey::in_directory(Some(self.state.path().to_owned()));
        let (root, now) = (self.dir.path(), self.clock.now());
        let own = Store::seal(root, key, &user).filter(|seal| seal.holds(root, now));
        let seals: Vec<Seal> = Store::seal(root, key, &user)
            .into_iter()
            .chain(Store::seals_of_other_goals(root, key, &user))
            .collect();
        let mut is_sealed = own.is_some();
        let summary = self.within(atsaffile, |context| {
            let say_the_same = |told: Option<(Graph, Plan)>, goals: &[String]| {
                let Some((graph, plan)) = told else { return false };
                let whole = context.graph.goals(goals).expect("goals");
                let mut whole = plan::plan(context.inputs(), &whole, false).expect("a plan");
                whole.at = plan.at;
                assert_eq!(reports(&plan, &graph), reports(&whole, context.graph));
                true
            };
            if let Some(seal) = &own {
                assert!(say_the_same(seal.plan(now), ask.goals));
            }
            for seal in &seals {
                is_sealed |= say_the_same(seal.part(ask.goals, root, now), ask.goals);
                for id in context.graph.order() {
                    let goal = [context.graph.name(*id).to_owned()];
                    say_the_same(seal.part(&goal, root, now), &goal);
                }
            }
            is_sealed &= !ask.force;
            context.store.bind(user, false);
            let options = Options {
                goals: context.graph.goals(ask.goals).expect("goals"),
                asked: ask.goals.to_vec(),
                set: Vec::new(),
                force: ask.force,
                only: false,
                keep_going: true,
                jobs: ask.jobs,
                memory: None,
                retries: None,
                secrets: BTreeMap::new(),
                interrupted: &interrupted,
                superseded: None,
                seal: Some(SealRequest {
                    only_if_idle: false,
                    key,
                    secrets: Vec::new(),
                    variables: Vec::new(),
                    environment: [0; 32],
                    loading,
                }),
            };
            build::build(context, &options, &*self.control).expect("a usable store")
        });
        let did = [
            summary.built,
            summary.restored,
            summary.failed,
            summary.skipped,
            summary.held,
        ];
        assert!(
            !is_sealed || did == [0; 5],
            "a seal held, and there was something to do: {summary:?}"
        );
        summary
    }

    /// Takes a target for fresh; whether that could be done.
    pub(crate) fn accept(&self, atsaffile: &str, target: &str) -> bool {
        let told = self.within(atsaffile, |context| {
            let targets = context.graph.goals(&[target.to_owned()]).expect("a target");
            accept::accept(context, &targets, "since it is so").expect("a usable store")
        });
        told.iter().all(|(_, it)| !matches!(it, Accepting::Refused(_)))
    }

    /// The verdict of a target.
    pub(crate) fn verdict(&self, atsaffile: &str, target: &str) -> (Verdict, Option<Note>) {
        self.plan(atsaffile, &[], |graph, plan| {
            let step = plan.steps.iter().find(|step| graph.name(step.target) == target);
            step.map(|step| (step.verdict.clone(), step.note)).expect("a step")
        })
    }

    /// The names of the targets that are not fresh.
    pub(crate) fn stale(&self, atsaffile: &str, goals: &[String]) -> BTreeSet<String> {
        self.plan(atsaffile, goals, |graph, plan| {
            plan.open().map(|step| graph.name(step.target).to_owned()).collect()
        })
    }

    /// Why targets are stale, by name; an undecided one has no reasons.
    pub(crate) fn reasons(&self, atsaffile: &str) -> BTreeMap<String, Vec<Reason>> {
        let reasons = |verdict: &Verdict| verdict.reasons().to_vec();
        self.plan(atsaffile, &[], |graph, plan| {
            plan.open()
                .map(|step| (graph.name(step.target).to_owned(), reasons(&step.verdict)))
                .collect()
        })
    }

    fn plan<T>(&self, atsaffile: &str, goals: &[String], tell: impl Fn(&Graph, &Plan) -> T) -> T {
        self.within(atsaffile, |context| {
            let goals = context.graph.goals(goals).expect("goals");
            let plan = plan::plan(context.inputs(), &goals, false).expect("a plan");
            tell(context.graph, &plan)
        })
    }

    /// Texts of all files below a directory of the project, and where its links lead to.
    pub(crate) fn texts(&self, below: &str) -> BTreeMap<String, String> {
        let entries = walkdir::WalkDir::new(self.path(below)).into_iter().flatten();
        let entries = entries.filter(|entry| !entry.file_type().is_dir());
        entries
            .map(|entry| {
                let text = match fs::read_link(entry.path()) {
                    Ok(aim) => format!("-> {}", aim.display()),
                    Err(_) => fs::read_to_string(entry.path()).expect("text"),
                };
                (relative(self.dir.path(), entry.path()), text)
            })
            .collect()
    }
}

/// All that is reported of a plan by `plan` and `status`, one instance a line and together.
fn reports(plan: &Plan, graph: &Graph) -> Vec<String> {
    let texts = [false, true].map(|expand| {
        status::text(plan, graph, expand, None, Ink::PLAIN) + &plan_report::text(plan, graph, expand, Ink::PLAIN)
    });
    let json = [status::json(plan, graph), plan_report::json(plan, graph)];
    texts.into_iter().chain(json.map(|it| it.to_string())).collect()
}

fn relative(root: &Path, path: &Path) -> String {
    path.strip_prefix(root).expect("below").to_string_lossy().into_owned()
}
