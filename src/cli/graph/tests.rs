//! A small project in each format; every byte of the text formats is compared.

use crate::cli::Exit;
use crate::cli::trial::Trial;

const ATSAFFILE: &str = r#"
[project]
name = "a & b"
default = ["last"]

[params]
n = 1

[target.first]
run = "cat {{inputs}} > {{output.one}}; echo {{n}} > {{output.two}}"
inputs = ["in/*.txt", "it's \"so\".csv"]
outputs = { one = "out/1.txt", two = "out/2.txt" }

[target.aside]
run = "cat {{inputs}} > {{output}}"
inputs = ["one"]
output = "out/aside.txt"

[target.last]
run = "cat {{inputs}} > {{output}}"
inputs = ["one", "two", "aside"]
output = "out/last.txt"
"#;

fn trial() -> Trial {
    let trial = Trial::new(ATSAFFILE);
    for path in ["in/a.txt", "in/b.txt", "it's \"so\".csv"] {
        trial.write(path, "text\n");
    }
    trial
}

#[test]
fn a_tree_shows_each_target_once_with_its_state() {
    let trial = trial();
    let stale = "\
last [stale] makes last
├── first [stale] gives one, two
│   ├── in/*.txt (2 files)
│   └── it's \"so\".csv
└── aside [undecided] gives aside
    └── first gives one (see above)
";
    let drawn = trial.out(&["graph"]);
    assert_eq!(drawn, stale.replace("aside [undecided]", "aside [stale]"), "\n{drawn}");
    trial.out(&["build"]);
    assert_eq!(
        trial.out(&["graph"]),
        stale.replace("stale", "fresh").replace("undecided", "fresh")
    );
    let other = trial.out(&["graph", "-s", "n=2", "first"]);
    let expected = "first [stale] makes one, two\n├── in/*.txt (2 files)\n└── it's \"so\".csv\n";
    assert_eq!(other, expected);
    trial.out(&["build", "-s", "n=2"]);
    let back = trial.out(&["graph", "first"]);
    assert!(back.starts_with("first [stale, restorable] makes one, two\n"), "{back}");
}

#[test]
fn a_missing_source_takes_only_the_states_away() {
    let trial = trial();
    std::fs::remove_file(trial.at("it's \"so\".csv")).expect("removed");
    let said = trial.run(&["graph", "first"]);
    assert_eq!(said.exit, Exit::Done);
    assert_eq!(
        said.out,
        "first makes one, two\n├── in/*.txt (2 files)\n└── it's \"so\".csv\n"
    );
    assert!(
        said.err.starts_with("warning: `it's \"so\".csv` does not exist"),
        "{}",
        said.err
    );
    assert!(
        said.err.contains("note: the graph is drawn without states"),
        "{}",
        said.err
    );
}

#[test]
fn dot_quotes_what_it_names() {
    let expected = r#"digraph atsaf {
  rankdir=LR;
  node [fontname="Helvetica", fontsize=11];
  edge [arrowsize=0.7];
  t0 [shape=box, style=dashed, penwidth=2, label="first\nstale"];
  a0_0 [shape=note, style=dashed, label="one\nout/1.txt"];
  t0 -> a0_0;
  a0_1 [shape=note, style=dashed, label="two\nout/2.txt"];
  t0 -> a0_1;
  s0 [shape=folder, label="in/*.txt (2 files)"];
  s0 -> t0;
  s1 [shape=folder, label="it's \"so\".csv"];
  s1 -> t0;
}
"#;
    assert_eq!(trial().out(&["graph", "--format", "dot", "first"]), expected);
}

#[test]
fn mermaid_escapes_what_it_names() {
    let expected = r#"flowchart LR
  t0["first<br/>stale"]
  t0 --> a0_0(["one<br/>out/1.txt"])
  t0 --> a0_1(["two<br/>out/2.txt"])
  s0[/"in/#42;.txt (2 files)"/] --> t0
  s1[/"it's #34;so#34;.csv"/] --> t0
  classDef stale stroke-dasharray:4 3
  class t0,a0_0,a0_1 stale
"#;
    assert_eq!(trial().out(&["graph", "--format", "mermaid", "first"]), expected);
}

#[test]
fn json_tells_everything() {
    let trial = trial();
    trial.out(&["build", "first"]);
    let drawn = trial.out(&["graph", "--format", "json"]);
    assert_eq!(drawn, trial.out(&["graph", "--json"]));
    let value: serde_json::Value = serde_json::from_str(&drawn).expect("JSON");
    assert_eq!(value["project"], "a & b");
    assert_eq!(value["goals"], serde_json::json!(["last"]));
    let states: Vec<_> = value["targets"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|it| (&it["name"], &it["state"]))
        .collect();
    let expected = [("first", "fresh"), ("aside", "stale"), ("last", "stale")];
    assert_eq!(states.len(), 3);
    for ((name, state), (expected_name, expected_state)) in states.into_iter().zip(expected) {
        assert_eq!((name, state), (&expected_name.into(), &expected_state.into()));
    }
    let input = &value["targets"][0]["inputs"][0];
    assert_eq!(
        *input,
        serde_json::json!({
            "role": "in/*.txt", "path": "in/a.txt", "artifact": null, "target": null, "how": "glob",
        })
    );
    assert_eq!(value["targets"][2]["needs"], serde_json::json!(["first", "aside"]));
}

#[test]
fn a_picture_is_whole_and_escaped() {
    let drawn = trial().out(&["graph", "--format", "svg"]);
    assert!(drawn.starts_with("<svg ") && drawn.ends_with("</svg>\n"));
    assert!(
        drawn.contains("<title>a &amp; b: what is made of what</title>"),
        "{drawn}"
    );
    assert!(drawn.contains(">it's &quot;so&quot;.csv</text>"), "{drawn}");
    assert_eq!(drawn.matches("class=\"card").count(), 3);
    assert_eq!(drawn.matches(">stale</text>").count(), 3);
    // Two sources, and four artifacts that are read.
    assert_eq!(drawn.matches("class=\"way\"").count(), 6);
}

#[test]
fn a_long_chain_is_drawn_without_recursion() {
    let mut text = "[target.t0]\nrun = \"true {{output}}\"\noutput = \"o/0\"\n".to_owned();
    for at in 1..1_500 {
        text = format!(
            "{text}[target.t{at}]\nrun = \"cp {{{{inputs}}}} {{{{output}}}}\"\ninputs = [\"t{}\"]\noutput = \"o/{at}\"\n",
            at - 1
        );
    }
    let trial = Trial::new(&text);
    for format in ["tree", "dot", "mermaid", "svg"] {
        assert!(
            trial.out(&["graph", "--format", format, "t1499"]).contains("t1499"),
            "{format}"
        );
    }
}
