//! What is wrong with goals and aliases.

use super::mistakes;

#[test]
fn an_unknown_goal_is_told() {
    const TEXT: &str = r#"[project]
default = ["predictons", "other/x.csv"]

[alias]
all = ["predict"]

[target.predict]
run = "x > {{output}}"
outputs = { predictions = "out/p.csv" }
"#;
    let said = mistakes(TEXT);
    let expected = r#"error: unknown goal `predictons`: it is no target, artifact or alias
  --> Atsaffile:2:12
 2 | default = ["predictons", "other/x.csv"]
   |            ^^^^^^^^^^^^
  help: did you mean `predictions`?
error: unknown goal `other/x.csv`: it is no target, artifact or alias
  --> Atsaffile:2:26
 2 | default = ["predictons", "other/x.csv"]
   |                          ^^^^^^^^^^^^^
  note: goals: predictions, predict, all
"#;
    assert_eq!(said, expected);
}

#[test]
fn an_alias_does_not_contain_itself() {
    const TEXT: &str = r#"[alias]
a = ["b", "x"]
b = ["c"]
c = ["x", "a"]
d = ["d"]

[target.x]
run = "x > {{output}}"
output = "x.csv"
"#;
    let said = mistakes(TEXT);
    let expected = r#"error: the alias `a` contains itself
  --> Atsaffile:4:11
 4 | c = ["x", "a"]
   |           ^^^
  note: the way round is a -> b -> c -> a
error: the alias `d` contains itself
  --> Atsaffile:5:6
 5 | d = ["d"]
   |      ^^^
  note: the way round is d -> d
"#;
    assert_eq!(said, expected);
}
