//! `[airflow]`: what it may say, and what is wrong with it.

use super::{mistakes, spec};
use crate::engine::spec::Dag;

#[test]
fn what_is_not_written_has_a_default() {
    let dag = spec("").airflow;
    assert_eq!(dag, Dag::default());
    assert_eq!(dag.schedule.as_deref(), Some("0 6 * * *"));
    let by_hand = spec("[airflow]\nschedule = \"none\"\nstart_date = \"2023-05-06\"\n").airflow;
    assert_eq!(by_hand.schedule, None);
    assert_eq!(by_hand.start_date, "2023-05-06");
}

#[test]
fn every_mistake_is_told_at_its_place() {
    const TEXT: &str = r#"[params]
end_date = "2024-01-01"
horizon = 24
[secrets]
KEY = {}
[airflow]
shedule = "0 6 * * *"
dag_id = "a b"
schedule = "60 6 * * *"
start_date = "yesterday"
owner = ""
tags = ["x", ""]
as_of = "end_dat"
project = "eia"
connections = { KEI = "eia", KEY = "my-conn" }
"#;
    let said = mistakes(TEXT);
    let places: Vec<&str> = said.lines().filter(|line| !line.starts_with(' ')).collect();
    assert_eq!(
        places,
        [
            "error: unknown key `shedule` in `[airflow]`",
            "error: this cannot be the name of a DAG",
            "error: this is no schedule: `60` is no minute, which goes from 0 to 59",
            "error: `start_date` must be a date such as 2024-01-01, found the string \"yesterday\"",
            "error: `owner` is empty",
            "error: this cannot be a tag",
            "error: unknown parameter `end_dat`",
            "error: `project` must be an absolute path, found `eia`",
            "error: unknown secret `KEI`",
            "error: this cannot be the name of a connection here",
        ],
        "{said}"
    );
    for near in ["`schedule`", "`end_date`", "`KEY`"] {
        assert!(said.contains(&format!("help: did you mean {near}?")), "{said}");
    }
    assert!(said.contains("  --> Atsaffile:15:17\n"), "{said}");
}

#[test]
fn a_date_goes_to_a_parameter_that_can_be_one() {
    let said = mistakes("[params]\nhorizon = 24\n[airflow]\nas_of = \"horizon\"\n");
    let expected = "error: `as_of` gives a date, and `horizon` is of the type integer
  --> Atsaffile:4:9
 4 | as_of = \"horizon\"
   |         ^^^^^^^^^
  --> Atsaffile:2:11
 2 | horizon = 24
   |           ^^ declared here
  help: name a parameter that is a date or a text
";
    assert!(said.starts_with(expected), "{said}");
    let said = mistakes("[airflow]\nschedule = \"@dayly\"\n");
    assert!(said.starts_with("error: unknown schedule `@dayly`\n"), "{said}");
    assert!(said.ends_with("help: did you mean `@daily`?\n"), "{said}");
}
