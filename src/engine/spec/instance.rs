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

impl Instance {
    /// A text in which each of its values, where it is a word, is a `*`: what texts of all instances have in common.
    #[must_use]
    pub fn without_values(&self, text: &str) -> String {
        let mut out = text.to_owned();
        for (_, value) in &self.axes {
            if out.contains(value.as_str()) {
                out = without_word(&out, value);
            }
        }
        out
    }

    /// One name for some instances of a target: `train@TEX,*` where they have a value in common, else `train@*`.
    #[must_use]
    pub fn pattern(all: &[&Self]) -> String {
        let Some((first, others)) = all.split_first() else {
            return String::new();
        };
        let value = |(at, (_, value)): (usize, &(String, String))| {
            let is_common = others
                .iter()
                .all(|other| other.axes.get(at).is_some_and(|(_, it)| it == value));
            if is_common { value.clone() } else { "*".to_owned() }
        };
        let values: Vec<String> = first.axes.iter().enumerate().map(value).collect();
        match values.iter().all(|value| value == "*") {
            true => format!("{}@*", first.of),
            false => format!("{}@{}", first.of, values.join(",")),
        }
    }

    /// Its values: `TEX,NG`.
    #[must_use]
    pub fn values(&self) -> String {
        let values: Vec<&str> = self.axes.iter().map(|(_, value)| value.as_str()).collect();
        values.join(",")
    }
}

/// A text with a `*` in the place of each `word` that is not a part of a longer one, and no number of a line, `FILE:3`.
fn without_word(text: &str, word: &str) -> String {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    let is_number = word.chars().all(|c| c.is_ascii_digit());
    let mut out = String::with_capacity(text.len());
    let mut from = 0;
    for (at, _) in text.match_indices(word) {
        let end = at + word.len();
        let is_line = is_number && text[..at].ends_with(':');
        if is_line || text[..at].ends_with(is_part) || text[end..].starts_with(is_part) {
            continue;
        }
        out.push_str(&text[from..at]);
        out.push('*');
        from = end;
    }
    out.push_str(&text[from..]);
    out
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
        assert_eq!(
            instance.without_values("out/TEX/NG.csv of fit@TEX,NG is no TEXT"),
            "out/*/*.csv of fit@*,* is no TEXT"
        );
        assert_eq!(
            without_word("out/3.csv is missing  Atsaffile:3", "3"),
            "out/*.csv is missing  Atsaffile:3"
        );
        let sun = Instance {
            of: "train".to_owned(),
            axes: vec![instance.axes[0].clone(), ("fueltype".to_owned(), "SUN".to_owned())],
        };
        assert_eq!(Instance::pattern(&[&instance]), "train@TEX,NG");
        assert_eq!(Instance::pattern(&[&instance, &sun]), "train@TEX,*");
        assert_eq!(full_name("train@TEX,NG", "selected@TEX,NG"), "train.selected@TEX,NG");
    }
}
