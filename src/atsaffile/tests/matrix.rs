//! Axes, instances, and which of them join.

use super::{catalog, mistakes, mistakes_with, sets, spec, spec_with};
use crate::atsaffile::{FileAnswers, file_questions, load_with};
use crate::diagnostic::{Diagnostic, Severity};
use crate::engine::spec::{Action, AxisSource, From, Spec, Target, Value};

/// A project on two axes, with a place for more.
fn project(more: &str) -> String {
    format!(
        r#"
[params]
level = 80

[matrix]
respondent = ["TEX", "CAL"]
fueltype = ["NG", "SUN"]
exclude = [{{ respondent = "CAL", fueltype = "SUN" }}]

[matrix.with.respondent.TEX]
level = 90

[target.clean]
each = ["respondent", "fueltype"]
run = "./clean.sh {{{{respondent}}}} {{{{fueltype}}}} > {{{{output}}}}"
output = "out/{{{{respondent}}}}/{{{{fueltype}}}}.csv"

{more}"#
    )
}

fn target<'s>(spec: &'s Spec, name: &str) -> &'s Target {
    let names: Vec<&str> = spec.targets.iter().map(|target| target.name.as_str()).collect();
    let found = spec.targets.iter().find(|target| target.name == name);
    found.unwrap_or_else(|| panic!("no `{name}` in {names:?}"))
}

/// Role and artifact of each input.
fn reads(target: &Target) -> Vec<(&str, &str)> {
    let inputs = target.inputs.iter().map(|input| match &input.from {
        From::Artifact(name) => (input.role.as_str(), name.as_str()),
        other => panic!("{other:?}"),
    });
    inputs.collect()
}

fn param<'s>(target: &'s Target, name: &str) -> &'s Value {
    let param = target.params.iter().find(|param| param.name == name);
    &param
        .unwrap_or_else(|| panic!("no `{name}` in {:?}", target.params))
        .value
}

#[test]
fn a_target_stands_for_one_instance_a_value() {
    let spec = spec(&project(""));
    let names: Vec<&str> = spec.targets.iter().map(|target| target.name.as_str()).collect();
    assert_eq!(names, ["clean@TEX,NG", "clean@TEX,SUN", "clean@CAL,NG"]);
    let sun = target(&spec, "clean@TEX,SUN");
    assert_eq!(
        (sun.outputs[0].name.as_str(), sun.outputs[0].path.as_str()),
        ("clean@TEX,SUN", "out/TEX/SUN.csv")
    );
    assert_eq!(
        sun.outputs[0].port, "output",
        "as without an axis, so that its results are found"
    );
    assert_eq!(param(sun, "fueltype"), &Value::Text("SUN".to_owned()));
    let instance = sun.instance.as_ref().expect("an instance");
    let axes: Vec<(&str, &str)> = instance.axes.iter().map(|(a, v)| (a.as_str(), v.as_str())).collect();
    assert_eq!(
        (instance.of.as_str(), axes),
        ("clean", vec![("respondent", "TEX"), ("fueltype", "SUN")])
    );
    assert_eq!(spec.axes.len(), 2);
}

#[test]
fn shared_axes_join_and_others_are_opened() {
    let spec = spec(&project(
        r#"
[target.fit]
each = ["fueltype", "respondent"]
run = "fit {{input.clean}} > {{output}}"
inputs = ["clean"]
output = "fit/{{respondent}}-{{fueltype}}"

[target.sum]
each = ["respondent"]
run = "sum {{inputs}} > {{output}}"
inputs = ["clean@*"]
output = "sum/{{respondent}}"

[target.gas]
each = ["respondent"]
run = "gas {{inputs}} > {{output}}"
inputs = { own = "clean@*,NG", base = "clean@TEX,NG", all = "sum" }
output = "gas/{{respondent}}"

[target.all]
run = "all {{input.clean}} {{inputs}} > {{output}}"
inputs = ["clean@*,NG", "clean.clean@TEX,SUN", "sum@*"]
output = "all"
after = ["gas"]
"#,
    ));
    assert_eq!(reads(target(&spec, "fit@SUN,TEX")), [("clean", "clean@TEX,SUN")]);
    assert_eq!(
        reads(target(&spec, "sum@TEX")),
        [("clean", "clean@TEX,NG"), ("clean", "clean@TEX,SUN")]
    );
    assert_eq!(reads(target(&spec, "sum@CAL")), [("clean", "clean@CAL,NG")]);
    let mut gas = reads(target(&spec, "gas@CAL"));
    gas.sort_unstable();
    assert_eq!(
        gas,
        [("all", "sum@CAL"), ("base", "clean@TEX,NG"), ("own", "clean@CAL,NG")]
    );
    let all = target(&spec, "all");
    assert_eq!(
        reads(all),
        [
            ("clean", "clean@TEX,NG"),
            ("clean", "clean@CAL,NG"),
            ("clean.clean", "clean@TEX,SUN"),
            ("sum", "sum@TEX"),
            ("sum", "sum@CAL")
        ]
    );
    let after: Vec<&str> = all.settings.after.iter().map(|goal| goal.name.as_str()).collect();
    assert_eq!(after, ["gas@TEX", "gas@CAL"]);
}

#[test]
fn a_value_has_parameters_of_its_own_which_count_before_the_projects() {
    let more = r#"
[target.level]
each = ["respondent"]
run = "echo {{level}} > {{output}}"
output = "level/{{respondent}}"
"#;
    let levels = |spec: &Spec| ["TEX", "CAL"].map(|it| param(target(spec, &format!("level@{it}")), "level").clone());
    assert_eq!(levels(&spec(&project(more))), [Value::Int(90), Value::Int(80)]);
    assert_eq!(
        levels(&spec_with(&project(more), &[("level", "70")])),
        [Value::Int(90), Value::Int(70)]
    );
    let said = mistakes_with(&project(more), &[("level", "70")]);
    assert!(
        said.contains("`-s level=70` changes nothing for `TEX` of the axis `respondent`"),
        "{said}"
    );
}

#[test]
fn axes_are_put_into_built_in_tasks_their_with_and_env() {
    let spec = spec(
        r#"
[matrix]
respondent = ["TEX", "CAL"]

[params]
start_date = 2024-01-01
end_date = 2024-01-02

[target.ingest]
each = ["respondent"]
uses = "ingest_eia"
outputs = { raw = "{{respondent}}/raw.parquet" }
with = { source = "pages/{{respondent}}" }

[target.note]
each = ["respondent"]
run = "note {{params_file}} > {{output}}"
output = "{{respondent}}/note"
params = ["respondent"]
env = ["KEY_{{respondent}}"]
"#,
    );
    let ingest = target(&spec, "ingest@CAL");
    assert_eq!(param(ingest, "respondent"), &Value::Text("CAL".to_owned()));
    assert_eq!(param(ingest, "source"), &Value::Path("pages/CAL".to_owned()));
    assert_eq!(target(&spec, "note@CAL").settings.env, ["KEY_CAL"]);
    assert_eq!(
        param(target(&spec, "note@CAL"), "respondent"),
        &Value::Text("CAL".to_owned())
    );
}

#[test]
fn values_are_texts_whole_numbers_and_booleans() {
    let spec = spec(
        r#"
[matrix]
n = [1, 2]
fast = [true]
[target.a]
each = ["n", "fast"]
run = "a {{n}} {{fast}} > {{output}}"
output = "a/{{n}}-{{fast}}"
"#,
    );
    let one = target(&spec, "a@2,true");
    assert_eq!(
        (param(one, "n"), param(one, "fast")),
        (&Value::Int(2), &Value::Bool(true))
    );
    assert_eq!(one.outputs[0].path, "a/2-true");
}

const ON_DISK: &str = r#"
[project]
ignore = ["*.tmp"]
[matrix]
sample = { glob = "data/*.fastq.gz" }
plant = { rows = "plants.csv", key = "code" }
[target.map]
each = ["sample"]
run = "map {{sample.path}} > {{output}}"
output = "map/{{sample}}"
[target.plant]
each = ["plant"]
run = "plant {{plant.capacity}} > {{output}}"
output = "plant/{{plant.code}}"
"#;

fn found(files: &[&str], table: &str) -> FileAnswers {
    let mut found = FileAnswers::default();
    let files = files.iter().map(|file| (*file).to_owned()).collect();
    found.matches.insert("data/*.fastq.gz".to_owned(), Ok(files));
    found.tables.insert("plants.csv".to_owned(), Ok(table.to_owned()));
    found
}

fn on_disk(found: &FileAnswers) -> (Spec, String) {
    let (spec, said) = load_with("Atsaffile", ON_DISK, &sets(&[]), found, &catalog::catalog());
    let errors = said.iter().filter(|it| it.severity == Severity::Error);
    (spec, errors.map(Diagnostic::render).collect())
}

#[test]
fn values_come_from_files_and_from_rows() {
    let asked = file_questions(ON_DISK);
    assert_eq!(
        (asked.patterns, asked.tables),
        (vec!["data/*.fastq.gz".to_owned()], vec!["plants.csv".to_owned()])
    );
    assert_eq!(asked.ignore, ["*.tmp"]);
    let table = "\u{feff}code, capacity\r\nA,10\n\"B\",\"2,5\"\n";
    let (spec, said) = on_disk(&found(&["data/A.fastq.gz", "data/B.fastq.gz"], table));
    assert_eq!(said, "");
    let b = target(&spec, "map@B");
    assert_eq!(param(b, "sample.path"), &Value::Text("data/B.fastq.gz".to_owned()));
    let Action::Command(command) = &b.action else {
        panic!("{b:?}")
    };
    assert_eq!(*command.file_words, ["data/B.fastq.gz"], "it reads its file");
    assert_eq!(
        param(target(&spec, "plant@B"), "plant.capacity"),
        &Value::Text("2,5".to_owned())
    );
    assert_eq!(target(&spec, "plant@A").outputs[0].path, "plant/A");
    assert_eq!(spec.axes[0].source, AxisSource::Files("data/*.fastq.gz".to_owned()));
}

#[test]
fn what_is_wrong_on_the_disk_is_told_with_the_axis() {
    let table = "code,capacity\nA,10\n";
    for (files, table, told) in [
        (
            &[][..],
            table,
            "the axis `sample` has no values: `data/*.fastq.gz` matches no file",
        ),
        (
            &["data/a,b.fastq.gz"],
            table,
            "`a,b` cannot be a value of the axis `sample`",
        ),
        (
            &["data/A.fastq.gz"],
            "code,capacity\n",
            "the axis `plant` has no values: `plants.csv` has no rows",
        ),
        (
            &["data/A.fastq.gz"],
            "cod,capacity\nA,1\n",
            "the table `plants.csv` has no column `code`",
        ),
        (
            &["data/A.fastq.gz"],
            "code,code\nA,1\n",
            "two of its columns are named `code`",
        ),
        (
            &["data/A.fastq.gz"],
            "code,c\nA,1\nA,2\n",
            "`A` stands in lines 2 and 3",
        ),
        (
            &["data/A.fastq.gz"],
            "code,c\nA\n",
            "line 2 has 1 fields, and the lines before it 2",
        ),
        (
            &["data/A.fastq.gz"],
            "code,capacity\nA/B,1\n",
            "`A/B` cannot be a value of the axis `plant`",
        ),
    ] {
        let (_, said) = on_disk(&found(files, table));
        assert!(said.contains(told), "no `{told}` in {said}");
        assert_eq!(said.matches("error:").count(), 1, "{said}");
    }
    let mut unread = found(&["data/A.fastq.gz"], table);
    unread
        .tables
        .insert("plants.csv".to_owned(), Err("permission denied".to_owned()));
    let (_, said) = on_disk(&unread);
    assert!(
        said.contains("the table `plants.csv` cannot be read: permission denied"),
        "{said}"
    );
    let mut twice = found(&["data/A.fastq.gz", "data/x/A.fastq.gz"], table);
    twice
        .matches
        .get_mut("data/*.fastq.gz")
        .expect("there")
        .as_mut()
        .expect("ok")
        .sort();
    let (_, said) = on_disk(&twice);
    assert!(
        said.contains("two files are the value `A` of the axis `sample`"),
        "{said}"
    );
}

#[test]
fn two_instances_with_one_path_are_told_once_with_the_axis_that_is_missing() {
    let said = mistakes(
        r#"
[matrix]
region = ["A", "B", "C"]
fuel = ["x", "y"]
[target.t]
each = ["region", "fuel"]
run = "t > {{output}}"
output = "out/{{fuel}}.csv"
"#,
    );
    assert_eq!(
        said,
        r#"error: two instances of `t` write `out/x.csv`
  --> Atsaffile:8:10
 8 | output = "out/{{fuel}}.csv"
   |          ^^^^^^^^^^^^^^^^^^
  note: they are `t@A,x` and `t@B,x`
  help: put `{{region}}` into the path, so that it differs
"#
    );
}

#[test]
fn axes_that_do_not_join_are_told_once_at_the_input() {
    let said = mistakes(&project(
        r#"
[target.sum]
each = ["respondent"]
run = "sum {{input.clean}} > {{output}}"
inputs = ["clean"]
output = "sum/{{respondent}}"
"#,
    ));
    assert_eq!(said.matches("error:").count(), 1, "{said}");
    for text in [
        "error: the input `clean` is on `fueltype`, and `sum` is not",
        "Atsaffile:22:11",
        "note: `clean` is on `respondent` and `fueltype`, `sum` on `respondent`",
        "help: to read all of them, write `clean@*`",
        "help: to make `sum` for each, write `each = [\"respondent\", \"fueltype\"]`",
    ] {
        assert!(said.contains(text), "no {text} in {said}");
    }
}

#[test]
fn each_mistake_of_an_axis_is_told_at_its_place() {
    for (change, told) in [
        (
            ("\"TEX\", \"CAL\"]", "\"TEX\", \"CAL\", \"TEX\"]"),
            "the value `TEX` of the axis `respondent` is given twice",
        ),
        (("[\"NG\", \"SUN\"]", "[]"), "the axis `fueltype` has no values"),
        (
            ("[\"NG\", \"SUN\"]", "[\"NG\", \"SUN\", \"a/b\"]"),
            "`a/b` cannot be a value of the axis `fueltype`",
        ),
        (
            ("[\"NG\", \"SUN\"]", "[\"NG\", \"SUN\", 1.5]"),
            "a text, a whole number, true or false; found the float 1.5",
        ),
        (
            ("\"respondent\", \"fueltype\"]", "\"respondent\", \"fuel_type\"]"),
            "did you mean `fueltype`?",
        ),
        (
            (
                "\"respondent\", \"fueltype\"]",
                "\"respondent\", \"fueltype\", \"respondent\"]",
            ),
            "the axis `respondent` is listed twice",
        ),
        (
            ("respondent = \"CAL\",", "respondant = \"CAL\","),
            "unknown axis `respondant` in `exclude`",
        ),
        (
            ("fueltype = \"SUN\" }", "fueltype = \"WND\" }"),
            "`exclude` leaves nothing out: `fueltype` has no value `WND`",
        ),
        (
            (
                "fueltype = \"SUN\" }]",
                "fueltype = \"SUN\" }, { respondent = \"CAL\", fueltype = \"NG\" }, { respondent = \"TEX\", fueltype = \"SUN\" }, { respondent = \"TEX\", fueltype = \"NG\" }]",
            ),
            "every instance of the target `clean` is left out",
        ),
        (
            ("with.respondent.TEX", "with.respondent.TEXX"),
            "the axis `respondent` has no value `TEXX`",
        ),
        (
            ("with.respondent.TEX", "with.region.TEX"),
            "unknown axis `region` in `[matrix.with]`",
        ),
        (
            ("level = 80", "level = 80\nrespondent = \"US48\""),
            "`respondent` is a parameter and an axis",
        ),
        (("\nlevel = 90", "\nlevle = 90"), "nothing reads the parameter `levle`"),
    ] {
        let text = project(
            "[target.l]\neach = [\"respondent\"]\nrun = \"l {{level}} > {{output}}\"\noutput = \"l/{{respondent}}\"\n",
        );
        assert!(text.contains(change.0), "{}", change.0);
        let said = mistakes(&text.replacen(change.0, change.1, 1));
        assert!(said.contains(told), "no `{told}` in {said}");
        assert!(said.matches("error:").count() <= 1, "{said}");
    }
    let said = mistakes_with(&project(""), &[("respondent", "US48")]);
    assert!(said.contains("`-s respondent=…` sets an axis"), "{said}");
    assert!(said.contains("atsaf build TARGET@TEX"), "{said}");
}

#[test]
fn an_address_with_credentials_in_a_row_that_is_read_is_refused() {
    let table = "code,capacity,other\nA,1,https://u:p4ssw0rd@h/\n";
    let (_, said) = on_disk(&found(&["data/A.fastq.gz"], table));
    assert_eq!(said, "", "nothing reads it");
    let table = "code,capacity\nA,1\nB,https://u:p4ssw0rd@h/\n";
    let (_, said) = on_disk(&found(&["data/A.fastq.gz"], table));
    assert!(
        said.contains("`plant.capacity` has an address with credentials in one of its rows"),
        "{said}"
    );
    assert!(!said.contains("p4ssw0rd"), "{said}");
}

#[test]
fn an_axis_and_a_parameter_reach_commands_under_different_names() {
    let said = mistakes(
        "[params]\nh-x = 1\n[matrix]\nH_x = [\"a\"]\n[target.t]\neach = [\"H_x\"]\nrun = \"t {{h-x}} > {{output}}\"\noutput = \"{{H_x}}\"\n",
    );
    assert!(said.contains("the axis `H_x` and `h-x` differ too little"), "{said}");
}

#[test]
fn an_entry_of_exclude_that_no_target_has_is_a_warning() {
    let text = r#"
[matrix]
a = ["1"]
b = ["2"]
exclude = [{ a = "1", b = "2" }]
[target.t]
each = ["a"]
run = "t > {{output}}"
output = "{{a}}"
"#;
    let said = mistakes(text);
    assert!(
        said.contains("warning: this entry of `exclude` leaves nothing out"),
        "{said}"
    );
    assert!(said.contains("warning: no target is on the axis `b`"), "{said}");
    assert!(!said.contains("error"), "{said}");
}

#[test]
fn names_with_values_are_checked_where_they_stand() {
    for (input, told) in [
        ("clean@TEX", "`clean@TEX` has 1 values for 2 axes"),
        ("clean@TEXX,*", "the axis `respondent` has no value `TEXX`"),
        ("clean@CAL,SUN", "`clean@CAL,SUN` means no instance of `clean`"),
        ("one@TEX", "`one` is on no axis, so `one@TEX` is nothing"),
        ("clen@TEX,NG", "unknown artifact `clen`"),
    ] {
        let more = format!(
            "[target.one]\nrun = \"one > {{{{output}}}}\"\noutput = \"one\"\n[target.two]\nrun = \"two {{{{inputs}}}} > {{{{output}}}}\"\ninputs = [\"{input}\"]\noutput = \"two\"\n"
        );
        let said = mistakes(&project(&more));
        assert!(said.contains(told), "no `{told}` in {said}");
        assert_eq!(said.matches("error:").count(), 1, "{said}");
    }
}

#[test]
fn goals_after_and_aliases_may_have_values() {
    let text = |goal: &str| {
        format!(
            "[project]\ndefault = [\"{goal}\"]\n[alias]\nall = [\"{goal}\"]\n{}",
            project("")
        )
    };
    for (goal, kept) in [
        ("clean", "clean"),
        ("clean@TEX,*", "clean@TEX,*"),
        ("clean.clean@*", "clean@*"),
        ("clean@*,NG", "clean@*,NG"),
    ] {
        let spec = spec(&text(goal));
        assert_eq!(spec.default[0].name, kept);
        assert_eq!(spec.aliases["all"][0].name, kept);
    }
    let said = mistakes(&text("clean@TEX"));
    assert!(said.contains("`clean@TEX` has 1 values for 2 axes"), "{said}");
}

#[test]
fn a_mistake_of_many_instances_is_told_once() {
    let values: Vec<String> = (0..200).map(|number| format!("\"v{number}\"")).collect();
    let text = |target: &str| {
        format!(
            "[matrix]\nv = [{}]\n[matrix.with.v.v7]\nn = \"x\"\n[matrix.with.v.v9]\nn = \"y\"\n[params]\nn = \"z\"\n[target.t]\neach = [\"v\"]\n{target}",
            values.join(", ")
        )
    };
    let whole = mistakes(&text(
        "run = \"t {{nn}} {{n}} > {{output}}\"\ninputs = [\"raw_{{v}}\"]\noutput = \"../{{v}}\"\nsecrets = [\"S\"]\n",
    ));
    for told in [
        "unknown parameter `nn`",
        "did you mean `n`?",
        "unknown artifact `raw_v0`",
        "leads out of the project",
        "unknown secret `S`",
    ] {
        assert_eq!(whole.matches(told).count(), 1, "{told} in {whole}");
    }
    assert_eq!(whole.matches("error:").count(), 4, "{whole}");
    let some = mistakes(&text(
        "run = \"t {{n}} > {{output}}\"\ninputs = [\"{{n}}/x\"]\noutput = \"{{v}}\"\nenv = [\"A{{n}}\", \"{{v}}-{{n}}\"]\n",
    ));
    assert_eq!(some.matches("error:").count(), 1, "{some}");
    let two = mistakes(
        &text("run = \"t > {{output}}\"\noutput = \"{{n}}{{v}}/{{n}}\"\n")
            .replace("\"x\"", "\"../../..\"")
            .replace("\"y\"", "\"../../../..\""),
    );
    assert!(two.contains("of its instances, `t@v7` and one more have it"), "{two}");
    assert_eq!(two.matches("error:").count(), 1, "{two}");
}
