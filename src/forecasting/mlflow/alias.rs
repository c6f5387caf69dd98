//! Who holds the alias afterwards: decided in one place for the server and the embedded store.

use super::registration::Registration;
use crate::engine::task::TaskError;

/// What a challenger must do better, and by how much, to take the alias.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Guard {
    /// A metric of the leaderboard, the lower the better.
    pub(crate) metric: String,
    /// In percent of the present champion's.
    pub(crate) min_improvement: f64,
}

/// A version of a registered model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ModelVersion {
    /// The registered model.
    pub(crate) model: String,
    /// Its version.
    pub(crate) version: u64,
    /// The run that made it; empty where none is known.
    pub(crate) run_id: String,
}

/// What became of the alias.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct AliasOutcome {
    /// Whether it is on the version that was registered.
    pub(crate) holds: bool,
    /// Whose it was before: `MODEL/VERSION`.
    pub(crate) replaced: Option<String>,
    /// Why it is where it is.
    pub(crate) why: String,
}

/// What an alias can be asked and told.
pub(super) trait AliasKeeper {
    /// The versions that hold the alias, of this registered model and of those that are champions of the same.
    fn holders(&mut self, alias: &str) -> Result<Vec<ModelVersion>, TaskError>;
    /// The last value of a metric of a run.
    fn metric(&mut self, run_id: &str, key: &str) -> Result<Option<f64>, TaskError>;
    /// Whose alias a version took, as it was kept.
    fn replaced(&mut self, own: &ModelVersion) -> Result<Option<String>, TaskError>;
    /// Keeps whose alias a version takes.
    fn keep_replaced(&mut self, own: &ModelVersion, replaced: &str) -> Result<(), TaskError>;
    /// Sets the alias on a version, and so takes it from any other of that model.
    fn set(&mut self, alias: &str, own: &ModelVersion) -> Result<(), TaskError>;
    /// Takes the alias from a model.
    fn remove(&mut self, alias: &str, holder: &ModelVersion) -> Result<(), TaskError>;
}

/// Sees to it that the alias is where it belongs.
pub(super) fn assert(
    keeper: &mut dyn AliasKeeper,
    own: &ModelVersion,
    registration: &Registration,
) -> Result<AliasOutcome, TaskError> {
    let Some(alias) = &registration.alias else {
        return Ok(AliasOutcome {
            holds: false,
            replaced: None,
            why: "it was registered without an alias".to_owned(),
        });
    };
    let holders = keeper.holders(alias)?;
    let is_own = |holder: &ModelVersion| holder.model == own.model && holder.version == own.version;
    let others: Vec<&ModelVersion> = holders.iter().filter(|holder| !is_own(holder)).collect();
    let held = holders.iter().any(is_own);
    let same_model = others.iter().find(|holder| holder.model == own.model);
    let champion = same_model.or(others.first()).copied();
    if !held && let (Some(guard), Some(champion)) = (&registration.guard, champion) {
        let challenger = last(registration, &guard.metric);
        let present = keeper.metric(&champion.run_id, &guard.metric)?;
        if let Err(why) = guard.lets(present, challenger) {
            let why = format!("`{alias}` stays on {}: {why}", champion.name());
            return Ok(AliasOutcome {
                holds: false,
                replaced: None,
                why,
            });
        }
    }
    let replaced = match (held, champion) {
        (true, _) => keeper.replaced(own)?,
        (false, Some(champion)) => {
            // Before the alias moves: afterwards nothing would tell.
            keeper.keep_replaced(own, &champion.name())?;
            keeper.set(alias, own)?;
            Some(champion.name())
        }
        (false, None) => {
            keeper.set(alias, own)?;
            None
        }
    };
    for other in others.iter().filter(|holder| holder.model != own.model) {
        keeper.remove(alias, other)?;
    }
    let why = match (&replaced, held) {
        (_, true) => "it held the alias already".to_owned(),
        (Some(name), false) => format!("it took the alias from {name}"),
        (None, false) => "nothing held the alias".to_owned(),
    };
    Ok(AliasOutcome {
        holds: true,
        replaced,
        why,
    })
}

/// The value of a metric of what is registered.
fn last(registration: &Registration, key: &str) -> Option<f64> {
    let points = registration.metrics.iter().filter(|point| point.key == key);
    points.max_by_key(|point| point.step).map(|point| point.value)
}

impl ModelVersion {
    /// `MODEL/VERSION`.
    pub(super) fn name(&self) -> String {
        format!("{}/{}", self.model, self.version)
    }
}

impl Guard {
    /// Whether the alias may go to the challenger; else why not.
    fn lets(&self, present: Option<f64>, challenger: Option<f64>) -> Result<(), String> {
        let Guard {
            metric,
            min_improvement,
        } = self;
        let number = |value: Option<f64>| value.filter(|value| value.is_finite());
        let (Some(present), Some(challenger)) = (number(present), number(challenger)) else {
            return Err(format!("`{metric}` is not known of both, so they cannot be compared"));
        };
        let improvement = 100.0 * (present - challenger) / present.abs().max(f64::MIN_POSITIVE);
        match improvement >= *min_improvement {
            true => Ok(()),
            false => Err(format!(
                "`{metric}` went from {present} to {challenger}, which is {improvement:.2} % better, and `min_improvement` is \
                 {min_improvement} %"
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_challenger_must_be_better_by_so_much() {
        let guard = Guard {
            metric: "rmse_mean".to_owned(),
            min_improvement: 5.0,
        };
        assert_eq!(guard.lets(Some(100.0), Some(95.0)), Ok(()));
        let why = guard.lets(Some(100.0), Some(96.0)).expect_err("too little");
        assert_eq!(
            why,
            "`rmse_mean` went from 100 to 96, which is 4.00 % better, and `min_improvement` is 5 %"
        );
        for unknown in [None, Some(f64::NAN)] {
            assert!(guard.lets(unknown, Some(1.0)).is_err());
            assert!(guard.lets(Some(1.0), unknown).is_err());
        }
        let any = Guard {
            min_improvement: 0.0,
            ..guard
        };
        assert_eq!(any.lets(Some(100.0), Some(100.0)), Ok(()));
        assert!(any.lets(Some(100.0), Some(100.1)).is_err());
        assert!(any.lets(Some(0.0), Some(0.1)).is_err());
    }
}
