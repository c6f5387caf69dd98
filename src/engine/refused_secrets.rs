//! Whether the outside world takes the secrets of what is about to run, asked before anything does.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};

use super::graph::TargetId;
use super::plan::PlanContext;
use super::spec::schema::Kind;
use super::spec::{Action, Param};
use super::task::{Context, TaskError};
use super::timing::params_of;

/// Asks for each of these targets whose task needs secrets, but only once for equal ones, task and place; gives the
/// targets whose secrets are refused. It ends early where `interrupted` is set, for the build then ends as well.
#[must_use]
pub fn refused_secrets(
    context: PlanContext<'_>,
    secrets: &BTreeMap<String, String>,
    targets: &[TargetId],
    interrupted: &AtomicBool,
) -> Vec<(TargetId, TaskError)> {
    let mut asked = BTreeSet::new();
    let refused = targets.iter().filter_map(|&id| {
        let target = context.graph.target(id);
        let Action::Builtin { task: name, .. } = &target.action else {
            return None;
        };
        let task = context.tasks.get(name)?;
        let needs = context.tasks.needs_of(target);
        let own = needs.iter().filter_map(|need| secrets.get_key_value(need.name));
        let own: BTreeMap<String, String> = own.map(|(name, value)| (name.clone(), value.clone())).collect();
        // The parameters that may say which server it is.
        let is_place = |param: &&Param| {
            let schema = task.schema().param(&param.name);
            schema.is_some_and(|schema| matches!(schema.kind, Kind::PathOrUrl | Kind::Uri))
        };
        let places: Vec<String> = target
            .params
            .iter()
            .filter(is_place)
            .map(|param| param.value.to_string())
            .collect();
        if own.is_empty() || !asked.insert((name, places, own.clone())) || interrupted.load(Ordering::Relaxed) {
            return None;
        }
        // Requests are counted there. That it cannot be written to is told by the build.
        context.store.prepare().ok()?;
        let stop = || interrupted.load(Ordering::Relaxed);
        let admit = |is_over: &dyn Fn() -> bool| match context.may_send(id, &|| stop() || is_over(), &|_| {}) {
            Ok(true) => Ok(()),
            Ok(false) => Err(TaskError::stopped()),
            Err(error) => Err(TaskError::new(error.to_string())),
        };
        let asking = Context {
            params: params_of(target),
            secrets: own,
            admit: &admit,
            ..Context::outside(&target.name, interrupted, &|_| {})
        };
        let error = task.try_secrets(&asking).err()?;
        (!stop()).then_some((id, error))
    });
    refused.collect()
}
