//! What a goal means where targets have instances: `train`, `train@TEX,*`, `train.selected@*`.

use super::{ArtifactId, Graph, Name, TargetId};
use crate::engine::spec::{base_name, values_of};

impl Graph {
    /// All artifacts that a goal names by their own name or path, with or without values: none if it is the name of a
    /// target.
    #[must_use]
    pub fn artifacts(&self, goal: &str) -> Vec<ArtifactId> {
        if let Some(Name::Target(_) | Name::Instances(_)) = self.by_name.get(base_name(goal)) {
            return Vec::new();
        }
        if let Some(artifact) = self.artifact(goal) {
            return vec![artifact];
        }
        self.artifact_of_each(goal)
    }

    /// The artifacts of instances that have a name, with or without values.
    pub(super) fn artifact_of_each(&self, goal: &str) -> Vec<ArtifactId> {
        let base = base_name(goal);
        let all: Vec<ArtifactId> = match (self.by_name.get(base), base.split_once('.')) {
            (Some(Name::ArtifactOfEach(all)), _) => all.clone(),
            (None, Some((target, artifact))) => {
                let outputs = self.instances(target).first().map(|id| &self.target(*id).outputs);
                let at = outputs.and_then(|all| all.iter().position(|output| base_name(&output.name) == artifact));
                let output = at.and_then(|at| u32::try_from(at).ok());
                let of_each = |output| {
                    self.instances(target)
                        .iter()
                        .map(move |&target| ArtifactId { target, output })
                };
                output.into_iter().flat_map(of_each).collect()
            }
            _ => Vec::new(),
        };
        let values = values_of(goal).unwrap_or("*");
        all.into_iter()
            .filter(|id| self.has_values(id.target, values))
            .collect()
    }

    /// The instances of a target, by its name without values.
    #[must_use]
    pub fn instances(&self, target: &str) -> &[TargetId] {
        match self.by_name.get(target) {
            Some(Name::Instances(all)) => all,
            _ => &[],
        }
    }

    fn has_values(&self, id: TargetId, values: &str) -> bool {
        let instance = self.target(id).instance.as_ref();
        instance.is_some_and(|instance| instance.matches(values))
    }

    /// The targets that a goal means which is no alias: one, or instances.
    pub(super) fn meant(&self, goal: &str) -> Vec<TargetId> {
        let instances = self.instances(base_name(goal));
        if instances.is_empty() {
            let artifacts = self.artifacts(goal).into_iter().map(|id| id.target);
            return self.owner(goal).into_iter().chain(artifacts).collect();
        }
        let values = values_of(goal).unwrap_or("*");
        instances
            .iter()
            .copied()
            .filter(|id| self.has_values(*id, values))
            .collect()
    }
}
