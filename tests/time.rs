//! Time: how old a result may be, what a probe answers, and how long new data waits.

use atsaf::engine::plan::{Note, Verdict};
use atsaf::engine::reason::Reason;
use snapbox::str;

use crate::inside::{Ask, Inside, What};
use crate::project::{Project, interrupt, until, write};

/// A target that fetches what a server outside the project has, whose probe says that it was asked; and its follower.
const FETCH: &str = r#"
[target.fetch]
run = "echo fetch >> ../ran; cat ../server/data > {{output}}"
output = "raw.csv"
max_age = "AGE"
probe = "echo asked >> ../ran; cat ../server/etag"

[target.fit]
run = "echo fit >> ../ran; cat {{inputs}} > {{output}}"
inputs = ["fetch"]
output = "model.json"
"#;

fn fetching(max_age: &str) -> Project {
    let project = Project::new(&FETCH.replace("AGE", max_age));
    serve(&project, "1", "one");
    project
}

fn serve(project: &Project, etag: &str, data: &str) {
    // The data first: who sees the new answer gets what belongs to it.
    project.write("../server/data", data);
    project.write("../server/etag", etag);
}

/// An hour, in seconds.
const HOUR: i64 = 3600;

#[test]
fn without_a_probe_what_is_too_old_runs_again_once_a_build_and_is_never_restored() {
    let project = Project::new(
        r#"
[params]
v = 1

[target.a]
run = "echo a >> ../ran; echo {{v}} > {{output}}"
output = "a.txt"
max_age = "0s"

[target.b]
run = "echo b >> ../ran; cat {{inputs}} > {{output}}"
inputs = ["a"]
output = "b.txt"
"#,
    );
    project.build("").ok();
    assert_eq!(project.ran(), "a b");
    project.atsaf("plan").is(
        0,
        str![[r#"
run        a  [TIME]  older than [TIME]
undecided  b  [TIME]  depends on what a makes
1 to run, 1 undecided: about [TIME]

"#]],
    );
    project.atsaf("status --exit-code").exits(3);
    project.build("").ok();
    assert_eq!(project.ran(), "a");
    project.build("-s v=2").ok();
    assert_eq!(project.ran(), "a b");
    project.build("").ok();
    assert_eq!(project.ran(), "a", "it runs, and what it makes is what `b` came of");
    project.edit("Atsaffile", "max_age = \"0s\"", "max_age = \"1d\"");
    project.build("").has("nothing to do: 2 targets are fresh");
    project.build("-s v=2").has("restored   a");
    assert_eq!(project.ran(), "");
}

#[test]
fn plan_and_status_ask_nothing_and_a_build_asks() {
    let project = fetching("0s");
    project.build("").ok();
    assert_eq!(project.ran(), "asked fetch asked fit");
    project.atsaf("status").is(
        0,
        str![[r#"
undecided  fetch  older than [TIME]
undecided  fit    depends on what fetch makes

"#]],
    );
    project.atsaf("plan").has("undecided  fetch");
    project
        .atsaf("why fetch")
        .has("it runs if its probe answers something else\n  older than 0 s");
    project.atsaf("status --json").has(r#""older_than":0.0"#);
    assert_eq!(project.ran(), "");
    project.build("").has("nothing to do: 2 targets are fresh");
    assert_eq!(project.ran(), "asked");
}

#[test]
fn another_answer_runs_and_the_former_one_restores() {
    let project = fetching("0s");
    project.build("").ok();
    project.ran();
    serve(&project, "2", "two");
    project.build("-v").is(
        0,
        str![[r#"
run [RUN]: 2 targets to look at, 0 fresh
           fetch  asks the outside world
answer     fetch  1 -> 2
start      fetch  probe answers 1 -> 2
           fetch  asks the outside world
built      fetch  [TIME]
start      fit    fetch content [CONTENT] -> [CONTENT]
built      fit  [TIME]
2 built in [TIME]

"#]],
    );
    project.ran();
    serve(&project, "1", "one");
    let told = project.build("");
    told.has("restored   fetch");
    told.has("probe answers 2 -> 1");
    assert_eq!(
        (project.ran().as_str(), project.read("model.json").as_str()),
        ("asked", "one")
    );
}

#[test]
fn an_answer_counts_for_max_age_and_is_taken_anew_before_an_attempt() {
    let project = fetching("1d");
    project.build("").ok();
    project.ran();
    serve(&project, "2", "two");
    project.build("").has("nothing to do");
    assert_eq!(project.ran(), "", "the answer counts for a day");
    project.edit("Atsaffile", "cat ../server/data", "cat  ../server/data");
    project.build("fetch").ok();
    assert_eq!(project.ran(), "asked fetch asked");
    project.build("").ok();
    assert_eq!(project.ran(), "fit");
    project.remove("raw.csv");
    project.build("").has("restored   fetch");
    assert_eq!(project.ran(), "", "what comes back needs no new answer");
}

#[test]
fn another_question_is_asked_and_its_answer_compared() {
    let project = fetching("1d");
    project.build("").ok();
    project.ran();
    project.edit("Atsaffile", "cat ../server/etag", "cat  ../server/etag");
    project
        .atsaf("status")
        .has("undecided  fetch  its probe was never asked");
    project.build("").has("nothing to do: 2 targets are fresh");
    assert_eq!(project.ran(), "asked");
    project.build("").ok();
    assert_eq!(project.ran(), "");
    // A probe where there was none: what was made before it has no answer.
    project.edit("Atsaffile", "probe = ", "desc = ");
    project.build("fetch").has("no longer used");
    project.edit("Atsaffile", "desc = ", "probe = ");
    project.build("fetch").has("restored   fetch");
}

#[test]
fn a_probe_without_an_answer_fails_its_target_and_changes_nothing() {
    let project = fetching("0s");
    project.build("").ok();
    project.ran();
    project.remove("../server/etag");
    project.build("").is(
        1,
        str![[r#"
run [RUN]: 2 targets to look at, 0 fresh
error: `fetch` failed: its probe got no answer: the command ended with exit code 1
  --> Atsaffile:2:9
 2 | [target.fetch]
   |         ^^^^^
  note: the command: echo asked >> ../ran; cat ../server/etag
  note: the last that it printed:
        cat: ../server/etag: No such file or directory
  help: to go on with what is in place, say so: `atsaf accept fetch -m "why"`
skipped    fit    fetch failed
1 failed (fetch), 1 skipped in [TIME]

"#]],
    );
    assert_eq!(
        (project.ran().as_str(), project.read("raw.csv").as_str()),
        ("asked", "one")
    );
    project.atsaf("status").has("failed");
    project
        .atsaf("logs fetch")
        .has("cat: ../server/etag: No such file or directory");
    serve(&project, "1", "one");
    project.build("").has("nothing to do: 2 targets are fresh");
    let told = project.atsaf("status");
    assert!(!told.text.contains("failed"), "{}", told.text);
}

#[test]
fn a_kill_while_a_probe_is_asked_leaves_all_as_it_was() {
    let project = fetching("0s");
    project.build("").ok();
    project.edit(
        "Atsaffile",
        "cat ../server/etag",
        "until test -e ../go; do sleep 0.01; done; cat ../server/etag",
    );
    project.ran();
    let build = project.start("build");
    until("it is asked", || project.at("../ran").exists());
    build.kill();
    project.write("../go", "");
    until("the orphan ends", || project.running("until test").is_empty());
    project.build("").has("nothing to do: 2 targets are fresh");
    assert_eq!(project.ran(), "asked asked");
}

#[test]
fn a_probe_is_tried_again_as_often_as_its_target() {
    let project = fetching("0s");
    project.edit(
        "Atsaffile",
        "max_age = \"0s\"",
        "max_age = \"0s\"\nretries = 1\nretry_delay = \"0s\"",
    );
    project.remove("../server/etag");
    project.build("fetch").exits(1);
    assert_eq!(project.ran(), "asked asked");
}

#[test]
fn only_standard_output_is_the_answer_and_no_secret_is_kept_of_it() {
    let project = Project::new(
        r#"
[secrets]
TOKEN = {}

[target.a]
run = "echo a > {{output}}"
output = "a.txt"
secrets = ["TOKEN"]
max_age = "0s"
probe = "date +%N >&2; echo etag $TOKEN"
"#,
    );
    project.write(".env", "TOKEN=geheim-geheim\n");
    project.build("").ok();
    project.build("").has("nothing to do");
    for (path, bytes) in project.store() {
        let text = String::from_utf8_lossy(&bytes);
        assert!(!text.contains("geheim"), "{path}");
    }
    assert!(String::from_utf8_lossy(&project.store()["v1/journal"]).contains("etag ***"));
}

#[test]
fn new_data_waits_and_everything_else_does_not() {
    let project = Project::new(
        r#"
[params]
v = 1

[target.fit]
run = "echo fit >> ../ran; echo {{v}} > {{output}}; cat {{inputs}} >> {{output}}"
inputs = ["a.txt", "data/*.csv", "?extra.txt"]
output = "model.json"
every = "1d"

[target.page]
run = "echo page >> ../ran; cat {{inputs}} > {{output}}"
inputs = ["fit"]
output = "page.html"
"#,
    );
    project.write("a.txt", "one ");
    project.write("data/1.csv", "1 ");
    project.build("").ok();
    assert_eq!(project.ran(), "fit page");
    for edit in [("a.txt", "two "), ("data/2.csv", "2 "), ("extra.txt", "extra ")] {
        project.write(edit.0, edit.1);
        project.build("").has("nothing to do: 1 target is fresh, 1 is held");
        assert_eq!(project.ran(), "");
    }
    project.atsaf("status").is(
        0,
        str![[r#"
held   fit   until [MOMENT] UTC; a.txt content [CONTENT] -> [CONTENT]; data/2.csv new input; extra.txt new input; and 1 more
fresh  page  built [TIME] ago

"#]],
    );
    project.atsaf("plan").has("nothing to do: 1 target is fresh, 1 is held");
    project.atsaf("why fit").has("fit is held until ");
    project.atsaf("status --exit-code").exits(0);
    project.atsaf("status --json").has(r#""state":"held""#);
    let told = project.build("-s v=2");
    told.has("v 1 -> 2");
    assert_eq!(project.ran(), "fit page");
    assert_eq!(project.read("page.html"), "2\ntwo 1 2 extra ");
    project.write("a.txt", "three ");
    project.build("-B fit -s v=2").ok();
    assert_eq!(project.ran(), "fit");
    project.write("b.txt", "b ");
    project.edit("Atsaffile", "\"a.txt\", ", "\"a.txt\", \"b.txt\", ");
    project.build("fit -s v=2").has("b.txt new input");
    assert_eq!(
        project.ran(),
        "fit",
        "an input that is added in the Atsaffile is no new data"
    );
    project.write("a.txt", "four ");
    project.remove("model.json");
    project.build("fit -s v=2").has("model.json is missing");
    assert_eq!(project.ran(), "fit");
}

#[test]
fn with_only_the_age_of_what_a_goal_needs_is_left_aside() {
    let project = fetching("0s");
    project.build("").ok();
    project.ran();
    project.build("--only fit -B").ok();
    assert_eq!(project.ran(), "fit");
    project.build("--only fetch").ok();
    assert_eq!(project.ran(), "asked", "the goal's own age counts");
    project.edit("Atsaffile", "cat ../server/data", "cat  ../server/data");
    project.build("--only fit").has("`fetch` is not fresh");
}

#[test]
fn an_effect_that_is_too_old_acts_again_under_the_same_key() {
    let project = Project::new(
        r#"
[target.send]
run = "echo $ATSAF_EFFECT_KEY >> ../keys; date +%N > {{output}}"
output = "receipt.json"
effect = true
max_age = "0s"
probe = "test -z ${ATSAF_EFFECT_KEY-}; cat ../server/state"
"#,
    );
    project.write("../server/state", "1");
    project.build("").ok();
    project.build("").ok();
    project.write("../server/state", "2");
    project.build("").ok();
    let keys = project.read("../keys");
    assert_eq!(
        keys.lines().count(),
        2,
        "another state of the outside is another thing to do"
    );
    project.edit("Atsaffile", "probe = ", "desc = ");
    project.build("").ok();
    project.build("").ok();
    let keys = project.read("../keys");
    let keys: Vec<&str> = keys.lines().collect();
    assert_eq!((keys.len(), keys[2]), (4, keys[3]));
}

#[test]
fn a_list_tells_how_time_counts() {
    let project = fetching("90m");
    let told = project.atsaf("list fetch");
    told.has("a result counts for 1 h 30 min");
    told.has("probe: echo asked >> ../ran; cat ../server/etag");
    let json = project.atsaf("list --json");
    json.has(r#""max_age":5400.0"#);
    json.has(r#""probe":["echo asked >> ../ran; cat ../server/etag"]"#);
}

#[test]
fn each_instance_has_a_probe_of_its_own() {
    let project = Project::new(
        r#"
[matrix]
region = ["TEX", "CAL"]

[target.fetch]
each = ["region"]
run = "echo {{region}} >> ../ran; cat ../server/{{region}} > {{output}}"
output = "raw/{{region}}.csv"
max_age = "0s"
probe = ["cat", "../server/{{region}}"]
"#,
    );
    project.write("../server/TEX", "1");
    project.write("../server/CAL", "1");
    project.build("").ok();
    project.ran();
    project.write("../server/CAL", "2");
    project.build("").has("probe answers 1 -> 2");
    assert_eq!(project.ran(), "CAL");
}

#[test]
fn a_watch_asks_when_the_age_is_over() {
    let project = fetching("0s");
    let watch = project.start("watch --poll=0.02");
    until("a first build", || project.at("model.json").exists());
    serve(&project, "2", "two");
    until("the new data", || project.read("model.json") == "two");
    interrupt(watch.id());
    watch.collect().exits(130);
}

/// One target whose probe answers as the control says, if it has one.
const ONE: &str = r#"
[target.t0]
uses = "make_0_1"
inputs = { in0 = "raw.csv" }
outputs = { hi_0 = "hi", lo_0 = "lo" }
with = { value = 1 }
"#;

struct Timed {
    inside: Inside,
    atsaffile: String,
}

impl Timed {
    fn new(keys: &str) -> Self {
        let inside = Inside::new();
        write(&inside.path("raw.csv"), b"1");
        Self {
            inside,
            atsaffile: format!("{ONE}{keys}\n"),
        }
    }

    fn answers(&self, answer: &str) {
        let mut answers = self.inside.control.answers.lock().expect("sound");
        answers.insert(0, answer.to_owned());
    }

    /// What became of the target, and whether its probe was asked.
    fn build(&self) -> (What, bool) {
        let ask = Ask {
            goals: &[],
            force: false,
            jobs: 1,
        };
        self.inside.build(&self.atsaffile, ask);
        let control = &self.inside.control;
        let ended = control.ended.lock().expect("sound").get(&0).copied();
        let asked = !control.asked.lock().expect("sound").is_empty();
        (ended.unwrap_or(What::Kept), asked)
    }

    fn verdict(&self) -> (Verdict, Option<Note>) {
        self.inside.verdict(&self.atsaffile, "t0")
    }
}

#[test]
fn a_result_counts_for_its_age_from_the_attempt_on() {
    let timed = Timed::new("max_age = \"6h\"");
    assert_eq!(timed.build(), (What::Built, false));
    timed.inside.clock.advance(5 * HOUR);
    assert_eq!(timed.verdict(), (Verdict::Fresh, None));
    timed.inside.clock.advance(2 * HOUR);
    let (verdict, _) = timed.verdict();
    assert_eq!(verdict.reasons(), [Reason::TooOld { limit: 6 * 3_600_000 }]);
    assert_eq!(timed.build(), (What::Built, false));
    assert_eq!(timed.build(), (What::Kept, false));
}

#[test]
fn an_answer_makes_a_result_fresh_again_for_its_age() {
    let timed = Timed::new("max_age = \"6h\"");
    timed.answers("1");
    assert_eq!(timed.build(), (What::Built, true));
    timed.inside.clock.advance(7 * HOUR);
    let age = std::time::Duration::from_hours(6);
    assert_eq!(timed.verdict(), (Verdict::Undecided, Some(Note::OlderThan(age))));
    assert_eq!(timed.build(), (What::Kept, true));
    timed.inside.clock.advance(5 * HOUR);
    assert_eq!(timed.build(), (What::Kept, false));
    timed.inside.clock.advance(2 * HOUR);
    timed.answers("2");
    assert_eq!(timed.build(), (What::Built, true));
    timed.inside.clock.advance(7 * HOUR);
    timed.answers("1");
    assert_eq!(timed.build(), (What::Restored, true));
}

#[test]
fn a_new_answer_whose_attempt_failed_is_remembered() {
    let timed = Timed::new("max_age = \"6h\"");
    timed.answers("1");
    timed.build();
    timed.inside.clock.advance(7 * HOUR);
    timed.answers("2");
    timed.inside.control.failing.lock().expect("sound").insert(0);
    assert_eq!(timed.build(), (What::Failed, true));
    assert!(
        matches!(timed.verdict().0, Verdict::Stale { .. }),
        "the answer is known"
    );
    timed.inside.control.failing.lock().expect("sound").clear();
    assert_eq!(timed.build(), (What::Built, true));
}

#[test]
fn a_clock_that_goes_back_makes_nothing_fresh_for_longer() {
    for has_probe in [false, true] {
        let timed = Timed::new("max_age = \"6h\"\nevery = \"6h\"");
        if has_probe {
            timed.answers("1");
        }
        timed.build();
        timed.inside.clock.advance(-24 * HOUR);
        let (verdict, note) = timed.verdict();
        match has_probe {
            true => assert!(note.is_some(), "{verdict:?}"),
            false => assert!(matches!(verdict, Verdict::Stale { .. }), "{verdict:?}"),
        }
        write(&timed.inside.path("raw.csv"), b"2");
        let (verdict, _) = timed.verdict();
        assert!(
            matches!(verdict, Verdict::Stale { .. }),
            "nor held for longer: {verdict:?}"
        );
        assert_eq!(timed.build().0, What::Built);
        assert_eq!(timed.build(), (What::Kept, false));
    }
}

#[test]
fn new_data_comes_in_once_its_time_is_over() {
    let timed = Timed::new("every = \"1d\"");
    timed.build();
    write(&timed.inside.path("raw.csv"), b"2");
    timed.inside.clock.advance(23 * HOUR);
    let Verdict::Held { until, .. } = timed.verdict().0 else {
        panic!("held");
    };
    assert!(until > timed.inside.clock.now());
    assert_eq!(timed.build().0, What::Kept);
    timed.inside.clock.advance(2 * HOUR);
    assert_eq!(timed.build().0, What::Built);
    write(&timed.inside.path("raw.csv"), b"1");
    assert_eq!(timed.build().0, What::Kept, "it has just run");
    timed.inside.clock.advance(25 * HOUR);
    assert_eq!(timed.build().0, What::Restored);
    write(&timed.inside.path("raw.csv"), b"3");
    assert_eq!(timed.build().0, What::Built, "what came back was made long ago");
}

#[test]
fn an_acceptance_lets_the_age_begin_anew() {
    for has_probe in [false, true] {
        let timed = Timed::new("max_age = \"6h\"");
        if has_probe {
            timed.answers("1");
        }
        timed.build();
        timed.inside.clock.advance(7 * HOUR);
        assert!(timed.inside.accept(&timed.atsaffile, "t0"));
        assert_eq!(timed.verdict(), (Verdict::Fresh, Some(Note::Accepted)));
        timed.inside.clock.advance(7 * HOUR);
        assert_ne!(timed.verdict().0, Verdict::Fresh);
    }
}

#[test]
fn what_is_held_does_not_hinder_a_reader_that_is_built_alone() {
    let project = Project::new(
        r#"
[target.a]
run = "cat in.txt > {{output}}"
inputs = ["in.txt"]
output = "a.txt"
every = "1h"
[target.b]
run = "cat {{inputs}} > {{output}}"
inputs = ["a"]
output = "b.txt"
"#,
    );
    project.write("in.txt", "1");
    project.build("").ok();
    project.write("in.txt", "2");
    project.build("--only a").has("1 target is held");
    project.build("--only b").has("nothing to do");
    project.atsaf("graph").has("[held]");
}

#[test]
fn a_result_whose_probe_answers_otherwise_after_it_stands_for_neither_answer() {
    let project = Project::new(
        r#"
[target.fetch]
run = "cat remote > {{output}}; cp next remote"
inputs = ["!remote", "!next"]
output = "fetched.txt"
max_age = "0s"
probe = "cat remote"
"#,
    );
    project.write("remote", "0");
    project.write("next", "2");
    let told = project.build("");
    told.has("what the probe of `fetch` answers changed while it ran");
    told.has("0 and then 2 -> 2");
    assert_eq!(project.read("fetched.txt"), "2", "it ran again in the same build");
    project.write("remote", "0");
    project.write("next", "0");
    project.build("").has("1 built");
    assert_eq!(
        project.read("fetched.txt"),
        "0",
        "the first attempt's `0` is not what comes back"
    );
}

#[test]
fn a_probe_that_never_answers_the_same_fails_nothing() {
    let project = Project::new(
        r#"
[target.fetch]
run = "echo fetched > {{output}}"
output = "fetched.txt"
max_age = "0s"
probe = "date +%s%N"
"#,
    );
    project.build("").has("answers changed while it ran");
    assert_eq!(project.read("fetched.txt"), "fetched\n");
    project.build("").has("built");
}

#[test]
fn an_answer_counts_for_the_parameters_and_the_directory_with_which_it_was_asked() {
    let project = Project::new(
        r#"
[params]
region = "A"
[target.fetch]
run = "cat ../w/$ATSAF_PARAM_REGION > {{output}}"
params = ["region"]
output = "fetched.txt"
max_age = "1d"
probe = "cat ../w/$ATSAF_PARAM_REGION"
cwd = "a"
"#,
    );
    for (path, text) in [("w/A", "one"), ("w/B", "two"), ("a/x", ""), ("b/x", "")] {
        project.write(path, text);
    }
    project.build("").ok();
    project.build("-s region=B").ok();
    project.write("w/A", "other");
    project.build("").has("1 built");
    assert_eq!(project.read("fetched.txt"), "other");
    project.edit("Atsaffile", "cwd = \"a\"", "cwd = \"b\"");
    project.build("").ok();
    project.write("w/A", "third");
    project.edit("Atsaffile", "cwd = \"b\"", "cwd = \"a\"");
    project.build("").has("1 built");
    assert_eq!(project.read("fetched.txt"), "third");
}

#[test]
fn what_is_accepted_is_fresh_by_whatever_means_it_is_looked() {
    let project = Project::new("[target.t]\nrun = \"echo > {{output}}\"\noutput = \"t.txt\"\ndiscover = \"off\"\n");
    project.build("").ok();
    project.edit("Atsaffile", "\"off\"", "\"trace\"");
    project.atsaf("why t").has("off");
    project.atsaf("accept t -m so").ok();
    project.build("").has("nothing to do");
}
