//! Pools, threads and memory: what runs at once, over all builds, and what a failure among many instances stops.

use crate::inside::{Ask, Inside};
use crate::project::{Project, interrupt, until};

/// A command that says who is at work beside it, and how many.
const CROWD: &str = "mkdir ../in/{{name}}; ls ../in | wc -l >> ../counts; sleep 0.03; ls ../in | wc -l >> ../counts; rmdir ../in/{{name}}; echo > {{output}}";

fn most_at_once(project: &Project) -> usize {
    let counts = project.read("../counts");
    counts
        .lines()
        .map(|line| line.trim().parse().expect("a number"))
        .max()
        .expect("some")
}

fn crowd(keys: &str) -> Project {
    let project = Project::new(&format!(
        "[pools]\neia = {{ slots = 2 }}\n\n[matrix]\nname = [\"a\", \"b\", \"c\", \"d\", \"e\"]\n\n[target.fetch]\neach = \
         [\"name\"]\nrun = \"{CROWD}\"\noutput = \"out/{{{{name}}}}\"\npool = \"eia\"\n{keys}\n"
    ));
    std::fs::create_dir_all(project.at("../in")).expect("made");
    project
}

#[test]
fn only_so_many_targets_of_a_pool_run_at_once() {
    let project = crowd("");
    project.atsaf("build -j5").ok();
    let most = most_at_once(&project);
    assert!(most <= 2, "{most} at once");
}

#[test]
fn threads_count_under_j_and_make_nothing_stale() {
    let project = crowd("threads = 3\nmemory = \"1MB\"");
    project.atsaf("build -j3").ok();
    assert_eq!(most_at_once(&project), 1);
    project.edit(
        "Atsaffile",
        "threads = 3\nmemory = \"1MB\"",
        "threads = 1\nmemory = \"2MB\"",
    );
    project.edit("Atsaffile", "slots = 2", "slots = 1, rate = \"9/s\"");
    project.atsaf("build").has("nothing to do: 5 targets are fresh");
}

/// Two targets that need the one place of a pool; the first waits for `../go`.
const TWO: &str = r#"
[pools]
eia = { slots = 1 }

[target.a]
run = "echo a >> ../ran; until test -e ../go; do sleep 0.01; done; echo > {{output}}"
output = "a.txt"
pool = "eia"

[target.b]
run = "echo b >> ../ran; echo > {{output}}"
output = "b.txt"
pool = ["eia"]
"#;

#[test]
fn a_pool_holds_over_several_builds_which_say_for_whom_they_wait() {
    let project = Project::new(TWO);
    let first = project.start("build a");
    until("a begins", || project.at("../ran").exists());
    let second = project.start("build b");
    until("b waits", || {
        second.text().contains("waiting    b  for pool eia (a holds it)")
    });
    project.write("../go", "");
    first.collect().ok();
    second.collect().ok();
    assert_eq!(project.ran(), "a b");
}

#[test]
fn within_a_build_it_is_told_once_who_holds_a_pool() {
    let project = Project::new(TWO);
    let build = project.start("build -j2");
    until("b waits", || build.text().contains("for pool eia (a holds it)"));
    project.write("../go", "");
    let told = build.collect();
    told.ok();
    assert_eq!(told.text.matches("waiting").count(), 1, "{}", told.text);
}

#[test]
fn an_effect_that_a_killed_build_left_running_keeps_its_place_in_a_pool() {
    let project = Project::new(TWO);
    // What is no effect is ended by the next build.
    project.edit("Atsaffile", "output = \"a.txt\"", "output = \"a.txt\"\neffect = true");
    let build = project.start("build a");
    until("a begins", || project.at("../ran").exists());
    build.kill();
    let next = project.start("build b");
    until("b waits", || {
        next.text().contains("waiting    b  for pool eia (a holds it)")
    });
    project.write("../go", "");
    next.collect().ok();
    assert_eq!(project.ran(), "a b");
}

#[test]
fn a_rate_counts_starts_over_all_builds() {
    let project = Project::new(
        r#"
[pools]
eia = { rate = "1/d" }

[target.a]
run = "echo a >> ../ran; echo > {{output}}"
output = "a.txt"
pool = "eia"

[target.b]
run = "echo b >> ../ran; echo > {{output}}"
output = "b.txt"
pool = "eia"
"#,
    );
    project.atsaf("build a").ok();
    let waiting = project.start("build b");
    until("b waits", || waiting.text().contains("for the rate of pool eia"));
    interrupt(waiting.id());
    waiting.collect().exits(130);
    assert_eq!(project.ran(), "a");
}

#[test]
fn the_number_of_threads_stands_in_a_command() {
    let project = Project::new(
        r#"
[target.wide]
run = "echo {{threads}} > {{output}}"
output = "wide.txt"
threads = 4

[target.narrow]
run = ["cp", "--", "{{threads}}", "{{output}}"]
output = "narrow.txt"
"#,
    );
    project.write("1", "one");
    project.atsaf("build -j2").ok();
    assert_eq!(
        (project.read("wide.txt").as_str(), project.read("narrow.txt").as_str()),
        ("2\n", "one")
    );
    project.atsaf("build -j4").has("nothing to do");
}

#[test]
fn what_needs_more_memory_than_there_is_says_so_and_runs() {
    let project = Project::new("[target.a]\nrun = \"echo > {{output}}\"\noutput = \"a.txt\"\nmemory = \"900PB\"\n");
    let told = project.build("");
    told.ok();
    told.has("`a` declares more memory than this machine has");
}

#[test]
fn an_instance_that_fails_stops_only_what_needs_it() {
    let project = Project::new(
        r#"
[matrix]
region = ["CAL", "NY", "TEX"]

[target.fetch]
each = ["region"]
run = "echo {{region}} >> ../ran; test {{region}} != CAL; echo > {{output}}"
output = "raw/{{region}}"

[target.fit]
each = ["region"]
run = "cp {{inputs}} {{output}}"
inputs = ["fetch"]
output = "out/{{region}}"
"#,
    );
    let told = project.build("");
    told.exits(1);
    told.has("1 failed (fetch@CAL), 1 skipped, 4 built");
    assert_eq!(project.ran(), "CAL NY TEX");
}

const TASKS: &str = r#"
[pools]
eia = { rate = "2/d" }

[target.t0]
uses = "make_0_0"
outputs = { hi_0 = "hi0", lo_0 = "lo0" }
with = { value = 1 }
pool = "eia"
timeout = "3s"

[target.t1]
uses = "make_1_0"
outputs = { hi_1 = "hi1", lo_1 = "lo1" }
with = { value = 1 }
"#;

fn build(inside: &Inside, goals: &[&str], jobs: usize) -> usize {
    let goals: Vec<String> = goals.iter().map(|goal| (*goal).to_owned()).collect();
    let ask = Ask {
        goals: &goals,
        force: true,
        jobs,
    };
    inside.build(TASKS, ask).failed
}

#[test]
fn tasks_share_the_threads_of_one_budget() {
    let inside = Inside::new();
    inside.control.parallel.lock().expect("sound").extend([0, 1]);
    let threads = |inside: &Inside| std::mem::take(&mut *inside.control.threads.lock().expect("sound"));
    assert_eq!(build(&inside, &["t0", "t1"], 2), 0);
    let had = threads(&inside);
    assert!(had.most <= 2 && had.of[&0] == 1, "{} at once", had.most);
    assert_eq!(build(&inside, &["t0"], 1), 0);
    assert_eq!(threads(&inside).of[&0], 1);
    assert_eq!(build(&inside, &["t1"], 64), 0);
    assert_eq!(
        threads(&inside).of[&1],
        rayon::current_num_threads(),
        "all that there are"
    );
}

#[test]
fn requests_of_a_task_count_in_the_rate_of_its_pool() {
    let inside = Inside::new();
    inside.control.requests.lock().expect("sound").insert(0, 2);
    assert_eq!(build(&inside, &["t0"], 1), 0);
    assert_eq!(build(&inside, &["t0"], 1), 1, "it waits longer than it may take");
    inside.clock.advance(25 * 3600);
    assert_eq!(build(&inside, &["t0"], 1), 0);
}

#[test]
fn an_effect_that_waits_for_a_rate_has_not_begun_to_act() {
    let project = Project::new(
        r#"
[pools]
api = { rate = "1/h" }
[target.first]
run = "echo > {{output}}"
output = "first"
pool = "api"
[target.send]
run = "echo > ../acted; echo > {{output}}"
output = "receipt"
effect = true
pool = "api"
after = ["first"]
"#,
    );
    project.build("first").ok();
    let waiting = project.start("build send");
    until("it waits", || waiting.text().contains("for the rate of pool api"));
    interrupt(waiting.id());
    waiting.collect().exits(130);
    assert!(!project.at("../acted").exists());
    let status = project.atsaf("status send");
    status.has("never built");
    assert!(!status.text.contains("began to act"), "{}", status.text);
}
