use std::collections::BTreeMap;
use std::path::Path;

use super::*;
use crate::engine::event::{Event, Observer as _, Summary};
use crate::engine::files::Files;
use crate::engine::run_id::RunId;
use crate::engine::spec::Spec;
use crate::fast_map::FastMap;

/// Targets `a` to `h`.
fn graph() -> Graph {
    let targets = "abcdefgh".chars();
    let targets =
        targets.map(|name| format!("[target.{name}]\nrun = \"true > {{{{output}}}}\"\noutput = \"{name}.txt\"\n"));
    let text = targets.collect::<Vec<_>>().join("\n");
    let catalog = crate::engine::task::Tasks::default().catalog();
    let overrides = crate::atsaffile::Overrides::default();
    let (spec, mistakes): (Spec, _) = crate::atsaffile::load("Atsaffile", &text, &overrides, &catalog);
    assert_eq!(mistakes, []);
    Graph::new(spec, &Files::new(Path::new("."), FastMap::default())).expect("a graph")
}

fn heard(ended: &[(usize, Outcome)], summary: Option<Summary>) -> RunResults {
    let results = RunResults::in_full();
    let run: RunId = "0193a1c2-7b2e-7000-8000-000000000000".parse().expect("an id");
    let steps = (0..8).filter(|at| *at != 7).map(TargetId).collect();
    results.observe(&Event::Planned {
        run,
        steps,
        fresh: 1,
        expected: BTreeMap::new(),
    });
    for (at, outcome) in ended {
        let (target, outcome) = (TargetId(u32::try_from(*at).expect("few")), outcome.clone());
        results.observe(&Event::Finished { target, outcome });
    }
    if let Some(summary) = summary {
        results.observe(&Event::Ended { run, summary });
    }
    results
}

fn built(changed: &[&str], unchanged: &[&str]) -> Outcome {
    let all = |names: &[&str]| names.iter().map(|it| (*it).to_owned()).collect();
    Outcome::Built {
        duration: Duration::from_millis(1500),
        changed: all(changed),
        unchanged: all(unchanged),
    }
}

fn all(graph: &Graph) -> Vec<TargetId> {
    graph.order().to_vec()
}

#[test]
fn each_target_is_a_case_with_its_outcome() {
    let graph = graph();
    let failure = Failure {
        what: "it broke".to_owned(),
        tail: vec!["the last line".to_owned()],
        ..Failure::default()
    };
    let ended = [
        (0, built(&["a"], &[])),
        (1, built(&[], &["b"])),
        (2, Outcome::Fresh),
        (3, Outcome::Failed(failure)),
        (4, Outcome::Skipped { because: TargetId(3) }),
        (5, Outcome::Interrupted),
    ];
    let summary = Summary {
        duration: Duration::from_secs(2),
        ..Summary::default()
    };
    let text = heard(&ended, Some(summary)).junit(&graph, &all(&graph), &[], &str::to_owned);
    let expected = r#"<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="atsaf" tests="8" skipped="2" failures="1" errors="1" time="2.000">
    <testsuite name="atsaf" tests="8" skipped="2" errors="1" failures="1" timestamp="2024-12-07T15:34:57.582+00:00" time="2.000">
        <properties>
            <property name="program" value="atsaf"/>
            <property name="run" value="0193a1c2-7b2e-7000-8000-000000000000"/>
        </properties>
"#;
    assert_eq!(
        text.lines().take(7).collect::<Vec<_>>(),
        expected.lines().collect::<Vec<_>>(),
        "{text}"
    );
    let report = Report::deserialize_from_str(&text).expect("valid");
    let outcomes: Vec<&str> = report.test_suites[0]
        .test_cases
        .iter()
        .map(|case| case.properties[0].value.as_str())
        .collect();
    assert_eq!(
        outcomes,
        [
            "built",
            "unchanged",
            "fresh",
            "failed",
            "skipped",
            "interrupted",
            "not begun",
            "fresh"
        ]
    );
    for part in [
        "<testcase name=\"a\" classname=\"atsaf\" time=\"1.500\">",
        "<failure message=\"it broke\">error: `d` failed: it broke",
        "the last line",
        "<skipped message=\"d failed\"/>",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
}

#[test]
fn what_keeps_a_build_from_its_end_is_an_error_and_nothing_passes() {
    let graph = graph();
    let wrong = [Diagnostic::error("no space <left> & \u{1b}[31mred")];
    let text = heard(&[], None).junit(&graph, &all(&graph), &wrong, &str::to_owned);
    let report = Report::deserialize_from_str(&text).expect("valid");
    let suite = &report.test_suites[0];
    assert_eq!((suite.tests, suite.errors, suite.skipped), (9, 1, 8));
    assert!(text.contains("no space &lt;left&gt; &amp; \\u{1b}[31mred"), "{text}");
}

#[test]
fn any_text_gives_valid_xml_without_secrets() {
    let graph = graph();
    let hostile = "]]> <!-- & \" ' \u{0}\u{1}\u{7}\u{b}\u{1f}\u{7f}\u{85}\u{fffe}\u{ffff}\u{202e} hunter2 \n end";
    let failure = Failure {
        what: hostile.to_owned(),
        notes: vec![hostile.to_owned()],
        tail: vec![hostile.to_owned()],
        command: Some(hostile.to_owned()),
        ..Failure::default()
    };
    let masked = |text: &str| text.replace("hunter2", "***");
    let text =
        heard(&[(0, Outcome::Failed(failure))], Some(Summary::default())).junit(&graph, &all(&graph), &[], &masked);
    let report = Report::deserialize_from_str(&text).expect("valid");
    assert_eq!(report.failures, 1);
    assert!(!text.contains("hunter2"), "{text}");
    let is_allowed =
        |c: char| matches!(c, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..);
    assert!(text.chars().all(is_allowed), "{text:?}");
}

#[test]
fn only_its_own_report_is_taken_for_one() {
    let graph = graph();
    let own = heard(&[], None).junit(&graph, &all(&graph), &[], &str::to_owned);
    assert!(is_own(own.as_bytes()), "{own}");
    for other in [
        "",
        "<?xml version=\"1.0\"?>\n<testsuites name=\"pytest\">",
        "<html>",
        "a <property name=\"program\" value=\"atsaf\"/>",
    ] {
        assert!(!is_own(other.as_bytes()), "{other}");
    }
}
