//! Axes and instances: a target with `each` stands for one target per value.
//!
//! `target.artifact@v1,v2` is split at its first `@`, and what stands before that at its dot.

use serde::{Deserialize, Serialize};

use super::Span;

/// An axis of `[matrix]`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Axis {
    /// Its name.
    pub name: String,
    /// Its values, in order.
    pub values: Vec<String>,
    /// Where they come from.
    pub source: AxisSource,
    /// Where it is written.
    pub span: Span,
}

/// Where the values of an axis come from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum AxisSource {
    /// The Atsaffile lists them.
    Listed,
    /// They are the files that a pattern matches.
    Files(String),
    /// They are rows of a table at this path.
    Rows(String),
}

/// One instance of a target with `each`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Instance {
    /// The target's name without values.
    pub of: String,
    /// Axis and value, in the order of `each`.
    pub axes: Vec<(String, String)>,
}

impl Instance {
    /// Whether it has the values `TEX,*`: one for each axis, or a single `*` for all of them.
    #[must_use]
    pub fn matches(&self, values: &str) -> bool {
        let fits = |(wanted, (_, own)): (&str, &(String, String))| wanted == "*" || wanted == own;
        values == "*" || (values.split(',').count() == self.axes.len() && values.split(',').zip(&self.axes).all(fits))
    }
}

/// What stands before the values of a name: `train` of `train@TEX`.
#[must_use]
pub fn base_name(name: &str) -> &str {
    name.split_once('@').map_or(name, |(base, _)| base)
}

/// The values of a name: `TEX,NG` of `train@TEX,NG`.
#[must_use]
pub fn values_of(name: &str) -> Option<&str> {
    name.split_once('@').map(|(_, values)| values)
}

/// `target.artifact`, of an instance `target.artifact@TEX`; each of the two has its values.
#[must_use]
pub fn full_name(target: &str, artifact: &str) -> String {
    format!("{}.{artifact}", base_name(target))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instance_has_the_values_that_are_given_for_its_axes() {
        let axes = [("respondent", "TEX"), ("fueltype", "NG")];
        let instance = Instance {
            of: "train".to_owned(),
            axes: axes.map(|(axis, value)| (axis.to_owned(), value.to_owned())).to_vec(),
        };
        for (values, has) in [
            ("TEX,NG", true),
            ("*", true),
            ("*,NG", true),
            ("TEX,*", true),
            ("TEX", false),
            ("TEX,SUN", false),
            ("*,*,*", false),
            ("", false),
        ] {
            assert_eq!(instance.matches(values), has, "{values}");
        }
        assert_eq!(full_name("train@TEX,NG", "selected@TEX,NG"), "train.selected@TEX,NG");
    }
}
