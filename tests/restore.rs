//! `atsaf restore`: what comes back, what is said of it, and that nothing is ever fresh by it that is not.

use std::collections::BTreeMap;
use std::time::Instant;

use crate::project::{Project, effort};

const PROJECT: &str = r#"
[params]
word = "one"

[alias]
both = ["first", "tree"]

[target.first]
run = "echo first >> ../ran; echo {{word}} > {{output}}"
output = "out/first.txt"

[target.tree]
run = "echo tree >> ../ran; mkdir {{output}}/d; cat {{inputs}} > {{output}}/d/copy; cat source.txt > {{output}}/source"
inputs = ["first"]
output = "out/tree/"

[target.last]
run = "echo last >> ../ran; cat {{inputs}}/d/copy {{inputs}}/source > {{output}}"
inputs = ["tree"]
output = "out/last.txt"
"#;

/// Ids of the runs, the latest first.
fn runs(project: &Project) -> Vec<String> {
    let told: serde_json::Value = serde_json::from_str(&project.atsaf("log --json").text).expect("JSON");
    let runs = told["runs"].as_array().expect("runs").iter();
    let mut runs: Vec<String> = runs.map(|run| run["run"].as_str().expect("an id").to_owned()).collect();
    runs.sort();
    runs.reverse();
    runs
}

/// Built with `one`, then with `two`; the id of the first run.
fn built_twice() -> (Project, String) {
    let project = Project::new(PROJECT);
    project.write("source.txt", "a\n");
    project.build("").ok();
    project.edit("Atsaffile", "word = \"one\"", "word = \"two\"");
    project.build("").ok();
    project.ran();
    let first = runs(&project).pop().expect("a run");
    (project, first)
}

#[test]
fn what_an_earlier_run_left_comes_back_and_is_stale_with_the_reason() {
    let (project, first) = built_twice();
    project.atsaf(&format!("restore first --run {first}")).is(
        0,
        "\
run [RUN]: 1 target to look at, 0 fresh
restored   first  from run [RUN] ([TIME] ago)
1 restored in [TIME]
stale      first  word \"one\" -> \"two\"
the next build makes it anew; to keep it, set what it was made with, or `atsaf accept first -m WHY`
",
    );
    assert_eq!(project.read("out/first.txt"), "one\n");
    let why = project.atsaf("why first");
    why.has("\"one\" -> \"two\"");
    project.atsaf("why last").has("tree");
    project.atsaf("log first").has("restored");
    // With the values of then it is what a clean build makes, and the one of now comes back in a build.
    project.atsaf("plan first -s word=one").has("nothing to do");
    project.build("").ok();
    assert_eq!(
        (project.read("out/first.txt").as_str(), project.ran().as_str()),
        ("two\n", "")
    );
    project.build("").has("nothing to do");
}

#[test]
fn an_alias_brings_back_all_of_its_targets_and_those_after_them_are_judged_by_it() {
    let (project, first) = built_twice();
    project.atsaf(&format!("restore both --run {first}")).has("2 restored");
    assert_eq!(project.read("out/tree/d/copy"), "one\n");
    let told = project.atsaf("status");
    told.has("last");
    let plan = project.atsaf("plan last -s word=one");
    plan.has("last");
    project.build("-s word=one").has("1 restored, 2 fresh");
    assert_eq!(project.read("out/last.txt"), "one\na\n");
    assert_eq!(project.ran(), "");
    let told = project.atsaf(&format!("restore both --run {first}"));
    told.has("nothing to put back: it lies there as after run ");
    told.has("stale      first  word \"one\" -> \"two\"");
    let told = project.atsaf(&format!("--json restore both --run {first}"));
    told.has("{\"event\":\"nothing_to_put_back\",");
}

#[test]
fn a_file_of_the_users_own_is_kept() {
    let (project, first) = built_twice();
    project.write("out/first.txt", "mine\n");
    let told = project.atsaf(&format!("restore first --run {first}"));
    told.ok();
    told.has("`out/first.txt` was not as atsaf left it, and was kept");
    assert_eq!(project.displaced(), ["mine\n"]);
    assert_eq!(project.read("out/first.txt"), "one\n");
}

#[test]
fn without_a_copy_nothing_is_changed() {
    let (project, first) = built_twice();
    project.edit(
        "Atsaffile",
        "output = \"out/tree/\"",
        "output = \"out/tree/\"\ncache = false",
    );
    project.build("-s word=three").ok();
    project.build("").ok();
    let third = runs(&project)[1].clone();
    let (files, store) = (project.files(), project.store());
    let told = project.atsaf(&format!("restore both --run {third}"));
    told.exits(1);
    told.has("what run ");
    told.has("of `tree` cannot be put back: the store has no copy of `tree`");
    for (args, code, part) in [
        ("restore first --run 0000".to_owned(), 2, "no run is named `0000`"),
        (format!("restore nope --run {first}"), 2, "nope"),
        ("restore first".to_owned(), 2, "--run"),
    ] {
        let told = project.atsaf(&args);
        told.exits(code);
        told.has(part);
    }
    assert_eq!(project.files(), files);
    let journal = |store: &BTreeMap<String, Vec<u8>>| store.get("v1/journal").cloned();
    assert_eq!(journal(&project.store()), journal(&store));
}

#[test]
fn what_would_be_fresh_and_is_not_is_refused() {
    let project = Project::new(
        "[params]\np = 1\n\n[target.effect]\nrun = \"echo {{p}} > {{output}}\"\noutput = \"effect\"\neffect = true\n\n\
         [target.writer]\nrun = \"echo {{p}} > {{output}}; echo {{p}} > side.txt\"\noutput = \"writer\"\n\n\
         [target.reader]\nrun = \"cat side.txt > {{output}}\"\ninputs = [\"./side.txt\"]\noutput = \"reader\"\nafter = [\"writer\"]\n",
    );
    project.write("side.txt", "1\n");
    project.build("").ok();
    project.build("-s p=2").ok();
    let first = runs(&project).pop().expect("a run");
    for (target, why) in [
        ("effect", "acts outside the project"),
        ("writer", "writes a source of another target"),
    ] {
        let told = project.atsaf(&format!("restore {target} --run {first}"));
        told.exits(1);
        told.has(why);
        assert_eq!(project.read(target), "2\n");
    }
}

#[test]
fn a_result_at_which_nobody_looked_does_not_come_back_beside_one_that_used_more() {
    if !crate::project::has_python() {
        return;
    }
    let project = Project::new(
        "[target.t]\nrun = [\"python3\", \"read.py\", \"{{output}}\"]\noutput = \"t.txt\"\ndiscover = \"off\"\n",
    );
    project.write(
        "read.py",
        "import sys\nopen(sys.argv[1], 'w').write(open('x' + '.txt').read())\n",
    );
    project.write("x.txt", "1");
    project.build("").ok();
    project.edit("Atsaffile", "discover = \"off\"\n", "");
    project.write("x.txt", "2");
    project.build("-B").ok();
    assert_eq!(project.read("t.txt"), "2");
    let first = runs(&project).pop().expect("a run");
    let told = project.atsaf(&format!("restore t --run {first}"));
    told.exits(1);
    told.has("it is not known what it was made from");
}

#[test]
fn killed_at_any_time_it_leaves_old_or_new_and_a_build_is_right_again() {
    let whole = {
        let (project, first) = built_twice();
        let begun = Instant::now();
        project.atsaf(&format!("restore both --run {first}")).ok();
        begun.elapsed()
    };
    let rounds = 12 * effort();
    for round in 0..rounds {
        let (project, first) = built_twice();
        project.write("out/first.txt", "mine\n");
        let new = |word: &str, path: &str| project.read(path) == format!("{word}\n");
        let child = project.start(&format!("restore both --run {first}"));
        std::thread::sleep(whole * round / rounds);
        child.kill();
        assert!(["mine", "one"].iter().any(|word| new(word, "out/first.txt")), "{round}");
        assert!(
            ["one", "two"].iter().any(|word| new(word, "out/tree/d/copy")),
            "{round}"
        );
        project.build("").ok();
        assert!(new("two", "out/first.txt") && new("two", "out/tree/d/copy"), "{round}");
        assert_eq!(project.displaced(), ["mine\n"], "{round}");
        assert_eq!(project.read("out/last.txt"), "two\na\n");
        project.build("").has("nothing to do");
    }
}

/// A small generator: the same steps each time.
struct Chance(u64);

impl Chance {
    fn below(&mut self, number: u64) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from((self.0 >> 33) % number).expect("small")
    }
}

/// What a clean build with a word and a source leaves.
fn clean(word: &str, source: &str) -> [(&'static str, &'static str, String); 3] {
    [
        ("first", "out/first.txt", format!("{word}\n")),
        ("tree", "out/tree/d/copy", format!("{word}\n")),
        ("last", "out/last.txt", format!("{word}\n{source}\n")),
    ]
}

#[test]
fn whatever_was_restored_nothing_is_fresh_that_a_clean_build_would_make_otherwise() {
    let words = ["one", "two", "three"];
    for seed in 0..u64::from(3 * effort()) {
        let project = Project::new(PROJECT);
        project.write("source.txt", "a\n");
        project.build("").ok();
        let mut chance = Chance(seed * 7919 + 1);
        let (mut word, mut source) = ("one", "a");
        for step in 0..30 {
            match chance.below(5) {
                0 => word = words[chance.below(3)],
                1 => {
                    source = ["a", "b"][chance.below(2)];
                    project.write("source.txt", format!("{source}\n"));
                }
                2 => project.build(&format!("-s word={word}")).ok(),
                _ => {
                    let runs = runs(&project);
                    let run = &runs[chance.below(runs.len() as u64)];
                    let target = ["first", "tree", "last", "both"][chance.below(4)];
                    project.atsaf(&format!("restore {target} --run {run}")).ok();
                }
            }
            let when = format!("seed {seed}, step {step}, {word}, {source}");
            let told = project.atsaf(&format!("plan --json -s word={word}"));
            let plan: serde_json::Value = serde_json::from_str(&told.text).expect("JSON");
            let steps = plan["steps"].as_array().expect("steps");
            let mut looked_at = 0;
            for (name, path, expected) in clean(word, source) {
                let found = steps.iter().find(|it| it["target"] == name).expect("a target");
                looked_at += 1;
                if found["verdict"] == "fresh" {
                    assert_eq!(project.read(path), expected, "{when}: {name} is called fresh");
                }
            }
            assert_eq!(looked_at, 3);
        }
        project.build(&format!("-s word={word}")).ok();
        for (_, path, expected) in clean(word, source) {
            assert_eq!(project.read(path), expected, "seed {seed}");
        }
    }
}

/// A run that put `a` back while it built `b`, and so many runs since that the journal was shortened.
#[test]
fn what_stood_there_is_not_guessed_once_the_journal_was_shortened() {
    let names: Vec<String> = (0..18).map(|at| format!("\"i{at}\"")).collect();
    let project = Project::new(&format!(
        "[params]\nn = 1\nm = 1\np = 1\n\n[matrix]\ni = [{}]\n\n\
         [target.a]\nrun = \"echo {{{{n}}}} > {{{{output}}}}\"\noutput = \"a.txt\"\n\n\
         [target.b]\nrun = \"echo {{{{m}}}} > {{{{output}}}}\"\noutput = \"b.txt\"\n\n\
         [target.c]\neach = [\"i\"]\nrun = \"echo {{{{i}}}} {{{{p}}}} > {{{{output}}}}\"\noutput = \"c/{{{{i}}}}\"\n",
        names.join(", ")
    ));
    for set in ["", "-s n=2", "-s m=2", "-s n=3 -s m=3"] {
        project.build(set).ok();
    }
    let all = runs(&project);
    let (put_back, second) = (&all[1], &all[2]);
    project.atsaf(&format!("show a --run {put_back}")).has("1");
    let size = || project.at(".atsaf/v1/journal").metadata().expect("there").len();
    let mut last = size();
    for round in 0..300 {
        project.build(&format!("-q -s n=3 -s m=3 -s p={}", round % 2 + 1)).ok();
        if size() < last {
            break;
        }
        last = size();
    }
    assert!(size() < last, "it is never shortened");
    for command in ["show a --run", "restore a --run", "diff a"] {
        let told = project.atsaf(&format!("{command} {put_back} -s n=3 -s m=3"));
        told.exits(2);
        told.has("is not known any more");
    }
    assert_eq!(project.read("a.txt"), "3\n");
    project.atsaf(&format!("restore a --run {second} -s n=3 -s m=3")).ok();
    assert_eq!(project.read("a.txt"), "2\n", "what a run made itself is known");
}
