//! Events of the engine, and what is told of them.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Mutex;
use std::time::Duration;

use serde_json::{Value, json};

use super::facets::{self, DatasetLook, KnownRun, Setting};
use super::{LineageEvent, Tracker};
use crate::engine::event::{Event, Failure, Observer as _, Outcome, Summary};
use crate::engine::files::Files;
use crate::engine::graph::{ArtifactId, Graph, TargetId};
use crate::engine::reason::Reason;
use crate::engine::run_id::RunId;
use crate::fast_map::FastMap;

const A: TargetId = TargetId(0);
const B: TargetId = TargetId(1);

fn graph() -> Graph {
    let text = r#"
[project]
name = "demo"
[params]
source = "https://host/v2?api=x"
[target.a]
desc = "fetches"
run = "curl {{source}} > {{output}}"
output = "out/a b.csv"
[target.b]
run = "cat {{inputs}} > {{output}}"
inputs = ["a", "../more.txt"]
output = "out/b/"
"#;
    let catalog = crate::engine::task::Tasks::default().catalog();
    let (spec, mistakes) = crate::atsaffile::load("Atsaffile", text, &crate::atsaffile::Overrides::default(), &catalog);
    assert_eq!(mistakes, []);
    Graph::new(spec, &Files::new(Path::new("."), FastMap::default())).expect("a graph")
}

/// What a tracker tells of some events, as JSON.
fn told(events: &[Event], close: bool) -> Vec<Value> {
    let graph = graph();
    let heard: Mutex<Vec<LineageEvent>> = Mutex::default();
    let version = |id: ArtifactId| Some(format!("v{}", id.target.0));
    let tell = |event| heard.lock().expect("sound").push(event);
    let used = |id: TargetId| vec![format!("lib{}.py", id.0)];
    let tracker = Tracker::new(&graph, &version, &used, &tell);
    for event in events {
        tracker.observe(event);
    }
    if close {
        tracker.close();
    }
    let parent = KnownRun {
        namespace: "airflow".to_owned(),
        job: "dag.task".to_owned(),
        run: "0193a1c2-7b2e-7000-8000-00000000000a".to_owned(),
    };
    let look = |path: &Path| {
        path.ends_with("out/a b.csv").then(|| DatasetLook {
            size: 9,
            files: 1,
            rows: Some(2),
            columns: vec![("x".to_owned(), "f64".to_owned())],
        })
    };
    let setting = Setting {
        graph: &graph,
        root: Path::new("/srv/project"),
        namespace: "team",
        parent: Some(&parent),
        root_parent: None,
        reasons: |reasons, _, _| json!(reasons.len()),
        look: &look,
        assertions: &|_| Vec::new(),
    };
    let heard = heard.lock().expect("sound");
    heard.iter().map(|event| facets::json(event, &setting)).collect()
}

fn kinds(events: &[Value]) -> Vec<String> {
    let kind = |event: &Value| {
        let text = |value: &Value| value.as_str().expect("a text").to_owned();
        format!("{} {}", text(&event["eventType"]), text(&event["job"]["name"]))
    };
    events.iter().map(kind).collect()
}

fn planned(run: RunId) -> Event {
    Event::Planned {
        run,
        steps: vec![A, B],
        fresh: 0,
        expected: BTreeMap::new(),
    }
}

fn started(target: TargetId, attempt: u32) -> Event {
    Event::Started {
        target,
        attempt,
        reasons: vec![Reason::NeverBuilt],
    }
}

fn finished(target: TargetId, outcome: Outcome) -> Event {
    Event::Finished { target, outcome }
}

fn built() -> Outcome {
    Outcome::Built {
        duration: Duration::from_secs(1),
        changed: Vec::new(),
        unchanged: Vec::new(),
    }
}

fn ended(run: RunId, summary: Summary) -> Event {
    Event::Ended { run, summary }
}

#[test]
fn each_run_begins_once_and_ends_once_whatever_comes_between() {
    let run = RunId::new();
    let failure = Failure {
        what: "it broke".to_owned(),
        tail: vec!["at https://u:pw@host/x".to_owned()],
        ..Failure::default()
    };
    let events = [
        planned(run),
        planned(run),
        started(A, 1),
        started(A, 2),
        finished(A, built()),
        started(B, 1),
        finished(B, Outcome::Failed(failure)),
        ended(
            run,
            Summary {
                failed: 1,
                built: 1,
                ..Summary::default()
            },
        ),
    ];
    let told = told(&events, true);
    let expected = [
        "START demo",
        "START demo.a",
        "COMPLETE demo.a",
        "START demo.b",
        "FAIL demo.b",
        "FAIL demo",
    ];
    assert_eq!(kinds(&told), expected);
    assert_eq!(told[1]["run"]["runId"], told[2]["run"]["runId"]);
    assert_eq!(told[0]["run"]["runId"], run.to_string().as_str());
    assert_eq!(told[1]["run"]["facets"]["atsaf_reasons"]["reasons"], 1);
    let message = told[4]["run"]["facets"]["errorMessage"]["message"]
        .as_str()
        .expect("a message");
    assert_eq!(message, "it broke\nat https://u:**@host/x");
    assert_eq!(told[4]["outputs"], json!([]), "a failure made nothing");
}

#[test]
fn what_comes_back_or_is_ended_is_told_and_what_did_not_run_is_not() {
    let run = RunId::new();
    let restored = Outcome::Restored {
        from: run,
        reasons: vec![Reason::Forced],
    };
    let done = Summary {
        interrupted: true,
        ..Summary::default()
    };
    let events = [
        planned(run),
        finished(A, restored),
        finished(A, Outcome::Fresh),
        finished(B, Outcome::Skipped { because: A }),
        finished(B, Outcome::Interrupted),
        started(B, 1),
        finished(B, Outcome::Interrupted),
        ended(run, done),
    ];
    let restored = told(&events, true);
    let expected = [
        "START demo",
        "START demo.a",
        "COMPLETE demo.a",
        "START demo.b",
        "ABORT demo.b",
        "ABORT demo",
    ];
    assert_eq!(kinds(&restored), expected);
    let own = &restored[2]["run"]["facets"]["atsaf_reasons"];
    assert_eq!(
        (&own["outcome"], &own["restoredFrom"]),
        (&json!("restored"), &json!(run.to_string()))
    );
    // The store failed meanwhile: whoever calls the build says that it is over.
    let cut = told(&[planned(run), started(A, 1)], true);
    assert_eq!(kinds(&cut), ["START demo", "START demo.a", "ABORT demo.a", "FAIL demo"]);
    assert_eq!(kinds(&told(&[], true)), [""; 0]);
}

#[test]
fn data_sets_have_the_names_of_the_specification() {
    let run = RunId::new();
    let events = [
        planned(run),
        started(A, 1),
        finished(A, built()),
        started(B, 1),
        finished(B, built()),
    ];
    let told = told(&events, false);
    let names = |event: &Value, side: &str| -> Vec<(String, String)> {
        let text = |value: &Value| value.as_str().expect("a text").to_owned();
        let all = event[side].as_array().expect("a list").iter();
        all.map(|it| (text(&it["namespace"]), text(&it["name"]))).collect()
    };
    let pair = |namespace: &str, name: &str| (namespace.to_owned(), name.to_owned());
    assert_eq!(names(&told[1], "inputs"), [pair("https://host", "v2")]);
    let used = |name: &str| pair("file", &format!("/srv/project/{name}"));
    assert_eq!(names(&told[2], "inputs"), [pair("https://host", "v2"), used("lib0.py")]);
    assert_eq!(names(&told[2], "outputs"), [pair("file", "/srv/project/out/a b.csv")]);
    assert_eq!(
        names(&told[4], "inputs"),
        [used("out/a b.csv"), pair("file", "/srv/more.txt"), used("lib1.py")]
    );
    assert_eq!(names(&told[4], "outputs"), [pair("file", "/srv/project/out/b")]);
    let made = &told[2]["outputs"][0];
    assert_eq!(made["facets"]["dataSource"]["uri"], "file:///srv/project/out/a%20b.csv");
    assert_eq!(made["facets"]["version"]["datasetVersion"], "v0");
    assert_eq!(
        made["facets"]["schema"]["fields"],
        json!([{ "name": "x", "type": "f64", "ordinal_position": 1 }])
    );
    assert_eq!(made["outputFacets"]["outputStatistics"]["rowCount"], 2);
    let read = &told[4]["inputs"][0];
    assert_eq!(read["facets"]["version"]["datasetVersion"], "v0");
    assert_eq!(read["inputFacets"]["inputStatistics"]["size"], 9);
    let parent = |at: usize| &told[at]["run"]["facets"]["parent"];
    assert_eq!(parent(0)["job"], json!({ "namespace": "airflow", "name": "dag.task" }));
    assert_eq!(parent(1)["run"]["runId"], run.to_string().as_str());
    assert_eq!(
        parent(1)["root"]["run"]["runId"],
        "0193a1c2-7b2e-7000-8000-00000000000a"
    );
}
