//! What is said of a target beside what it reads, does and makes: most say nothing of it, and share one that says so, in
//! memory and in the kept Spec.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{Exclusion, Goal, Load, Means, Timing};

/// What is said of a target beside what it reads, does and makes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[expect(clippy::struct_excessive_bools, reason = "each is a key of its own")]
pub struct Settings {
    /// What it does not read, although a glob, a directory or a word of its command would say so.
    pub without: Vec<Exclusion>,
    /// Environment variables that its result depends on, sorted.
    pub env: Vec<String>,
    /// Secrets that it gets, sorted.
    pub secrets: Vec<String>,
    /// Targets that must end first if they are in the plan.
    pub after: Vec<Goal>,
    /// Further attempts after a failure.
    pub retries: u32,
    /// The pause before the first of them; it doubles each time.
    pub retry_delay: Duration,
    /// The limit of one attempt.
    pub timeout: Option<Duration>,
    /// How long a result counts, and how often it may run.
    pub timing: Timing,
    /// What it takes while it runs.
    pub load: Load,
    /// Whether it acts outside the project.
    pub effect: bool,
    /// Whether its command writes the declared paths itself.
    pub direct: bool,
    /// Whether the store keeps copies of its artifacts.
    pub cache: bool,
    /// Whether its artifacts may go once all that reads them is built. In no fingerprint: it changes nothing in them.
    pub temp: bool,
    /// Whether an attempt is given what one that failed had written for the same result. In no fingerprint: the result is
    /// to be the same.
    pub resume: bool,
    /// How it is seen what its command uses beyond what is declared; `None` if nobody looks. In no fingerprint: a result
    /// depends on what was used.
    pub discover: Option<Means>,
    /// Whether its artifacts may hold a secret that it gets. In no fingerprint: what stands in them does not depend on it.
    pub secrets_in_output: bool,
    /// The ports of those of its outputs that hold metrics. In no fingerprint: what stands in them does not depend on it.
    pub metrics: Vec<String>,
}

impl Settings {
    /// The pause before the first attempt after a failure where none is written.
    pub const RETRY_DELAY: Duration = Duration::from_secs(1);

    /// Those of a target that says nothing, and is looked at by this means: all of them share these.
    #[must_use]
    pub fn usual(discover: Option<Means>) -> Arc<Self> {
        static USUAL: LazyLock<[Arc<Settings>; 2]> = LazyLock::new(|| {
            [None, Some(Means::Python)].map(|discover| {
                Arc::new(Settings {
                    discover,
                    ..Settings::default()
                })
            })
        });
        Arc::clone(&USUAL[usize::from(discover.is_some())])
    }

    /// The usual ones where these are like them.
    #[must_use]
    pub fn shared(self) -> Arc<Self> {
        let usual = Self::usual(self.discover);
        match self == *usual {
            true => usual,
            false => Arc::new(self),
        }
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            without: Vec::new(),
            env: Vec::new(),
            secrets: Vec::new(),
            after: Vec::new(),
            retries: 0,
            retry_delay: Self::RETRY_DELAY,
            timeout: None,
            timing: Timing::default(),
            load: Load::default(),
            effect: false,
            direct: false,
            cache: true,
            temp: false,
            resume: false,
            discover: None,
            secrets_in_output: false,
            metrics: Vec::new(),
        }
    }
}

/// Settings as the kept Spec has them.
#[derive(Serialize, Deserialize)]
enum Kept<S> {
    Usual(Option<Means>),
    Own(S),
}

pub(super) fn serialize<S: Serializer>(settings: &Arc<Settings>, serializer: S) -> Result<S::Ok, S::Error> {
    let kept = match *settings == Settings::usual(settings.discover) {
        true => Kept::Usual(settings.discover),
        false => Kept::Own(settings.as_ref()),
    };
    kept.serialize(serializer)
}

pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Arc<Settings>, D::Error> {
    Ok(match Kept::<Settings>::deserialize(deserializer)? {
        Kept::Usual(discover) => Settings::usual(discover),
        Kept::Own(settings) => Arc::new(settings),
    })
}
