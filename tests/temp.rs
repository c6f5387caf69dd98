//! `temp`: artifacts that go once all that reads them is built, and when they are made again.

use crate::project::{Project, until};

/// `big` is read by two, and made from what `fetch` makes.
const PROJECT: &str = r#"
[params]
a = 1
b = 1

[target.fetch]
run = "echo fetch >> ../ran; cat raw.txt > {{output}}"
output = "fetched.txt"
temp = true

[target.big]
run = "echo big >> ../ran; head -n 1 {{input.fetch}} > {{output}}"
inputs = ["fetch"]
output = "big.txt"
temp = true

[target.one]
run = "echo one >> ../ran; echo {{a}} | cat - {{input.big}} > {{output}}"
inputs = ["big"]
output = "one.txt"

[target.two]
run = "echo two >> ../ran; echo {{b}} | cat - {{input.big}} > {{output}}"
inputs = ["big"]
output = "two.txt"
"#;

fn project() -> Project {
    let project = Project::new(PROJECT);
    project.write("raw.txt", "raw\nmore\n");
    project
}

fn built() -> Project {
    let project = project();
    project.build("").ok();
    assert_eq!(project.ran_in_any_order(), ["big", "fetch", "one", "two"]);
    project
}

#[test]
fn it_goes_once_all_that_reads_it_is_built_and_its_absence_makes_nothing_stale() {
    let project = built();
    assert_eq!(project.read("one.txt"), "1\nraw\n");
    assert!(!project.at("big.txt").exists() && !project.at("fetched.txt").exists());
    project.build("").has("nothing to do");
    assert_eq!(project.ran_in_any_order(), [""; 0]);
    project.atsaf("status").has("gone since it was read");
    project.atsaf("why big").has("big is fresh");
    project.atsaf("show big").has("`atsaf build -B big` makes it");
    project.atsaf("list big").has("goes once all that reads it is built");
    assert!(!project.at(".atsaf/displaced").exists());
}

#[test]
fn it_stays_as_long_as_one_reader_is_not_built() {
    let project = project();
    project.build("one").ok();
    assert_eq!(project.ran_in_any_order(), ["big", "fetch", "one"]);
    assert!(project.at("big.txt").exists(), "`two` has yet to read it");
    assert!(!project.at("fetched.txt").exists());
    project.build("two").ok();
    assert_eq!(project.ran_in_any_order(), ["two"]);
    assert!(project.at("big.txt").exists(), "`one` is no goal, and may be stale");
    project.build("-s b=2").ok();
    assert_eq!(project.ran_in_any_order(), ["two"]);
    assert!(!project.at("big.txt").exists());
    project.edit("Atsaffile", "echo {{b}}", "false; echo {{b}}");
    project.build("").exits(1);
    assert!(project.at("big.txt").exists(), "a reader failed");
    project.edit("Atsaffile", "false; echo {{b}}", "echo {{b}}");
    project.edit("Atsaffile", "a = 1", "a = 3");
    project.build("").ok();
    assert!(!project.at("big.txt").exists());
}

#[test]
fn a_reader_that_has_to_run_has_it_made_again_with_all_before_it() {
    let project = built();
    let plan = project.atsaf("plan -s a=2");
    plan.has("needed by one");
    plan.has("needed by big");
    let why = project.atsaf("why big -s a=2");
    why.has("big is stale: it must run");
    why.has("needed by one, and gone since it was read");
    assert!(
        plan.text
            .lines()
            .any(|line| line.starts_with("undecided") && line.contains("two")),
        "{}",
        plan.text
    );
    project.build("-s a=2").ok();
    assert_eq!(
        project.ran_in_any_order(),
        ["big", "fetch", "one"],
        "`two` has what it had"
    );
    assert_eq!(project.read("one.txt"), "2\nraw\n");
    assert!(!project.at("big.txt").exists() && !project.at("fetched.txt").exists());
    project.build("-s a=2").has("nothing to do");
    project.build("").has("1 restored");
    assert_eq!(project.ran_in_any_order(), [""; 0], "what comes back needs nothing");
}

#[test]
fn early_cutoff_reaches_over_what_is_gone() {
    let project = built();
    project.write("raw.txt", "raw\nother\n");
    let told = project.atsaf("plan");
    told.has("undecided");
    project.build("").ok();
    assert_eq!(project.ran_in_any_order(), ["big", "fetch"], "`big` says what it said");
    assert!(!project.at("big.txt").exists() && !project.at("fetched.txt").exists());
    project.write("raw.txt", "new\n");
    project.build("").ok();
    assert_eq!(project.ran_in_any_order(), ["big", "fetch", "one", "two"]);
    assert_eq!(project.read("two.txt"), "1\nnew\n");
}

#[test]
fn what_is_gone_is_made_for_a_reader_that_turns_out_to_run() {
    let project = Project::new(
        r#"
[target.big]
run = "echo big >> ../ran; echo big > {{output}}"
output = "big.txt"
temp = true
[target.first]
run = "echo first >> ../ran; cut -c1 raw.txt > {{output}}"
output = "first.txt"
[target.both]
run = "echo both >> ../ran; cat {{inputs}} > {{output}}"
inputs = ["first", "big"]
output = "both.txt"
"#,
    );
    project.write("raw.txt", "ab\n");
    project.build("").ok();
    assert_eq!(project.ran_in_any_order(), ["big", "both", "first"]);
    project.write("raw.txt", "ac\n");
    project.atsaf("why big").has("undecided");
    project.build("").ok();
    assert_eq!(project.ran_in_any_order(), ["first"], "nobody needs it");
    project.write("raw.txt", "bc\n");
    project.build("").ok();
    assert_eq!(project.ran_in_any_order(), ["big", "both", "first"]);
    assert_eq!(project.read("both.txt"), "b\nbig\n");
    assert!(!project.at("big.txt").exists());
}

#[test]
fn one_that_says_something_else_each_time_comes_to_an_end() {
    let project = Project::new(
        r#"
[params]
a = 1
[target.big]
run = "echo big >> ../ran; date +%N > {{output}}"
output = "big.txt"
temp = true
[target.one]
run = "echo one >> ../ran; echo {{a}} | cat - {{inputs}} > {{output}}"
inputs = ["big"]
output = "one.txt"
[target.two]
run = "echo two >> ../ran; cat {{inputs}} > {{output}}"
inputs = ["big"]
output = "two.txt"
"#,
    );
    project.build("").ok();
    assert_eq!(project.ran_in_any_order(), ["big", "one", "two"]);
    project.build("-s a=2").ok();
    assert_eq!(project.ran_in_any_order(), ["big", "one", "two"], "once each");
    let one = project.read("one.txt");
    assert_eq!(
        one.strip_prefix("2\n").expect("the value"),
        project.read("two.txt"),
        "of the same"
    );
}

#[test]
fn somebody_elses_file_in_its_place_is_not_taken_away() {
    let project = built();
    project.write("big.txt", "mine\n");
    project.atsaf("why big").has("big.txt is not as atsaf left it");
    project.build("").ok();
    assert_eq!(project.displaced(), ["mine\n"]);
    assert!(!project.at("big.txt").exists());
}

#[test]
fn a_directory_with_links_out_of_it_stays_and_is_missed() {
    let project = Project::new(
        r#"
[target.unpack]
run = "echo unpack >> ../ran; seq 5 > {{output}}/a; ln -s ../x {{output}}/link"
output = "work/"
temp = true
[target.inside]
run = "echo inside >> ../ran; seq 5 > {{output}}/a; ln -s a {{output}}/link"
output = "other/"
temp = true
[target.count]
run = "echo count >> ../ran; wc -l < {{input.unpack}}/a > {{output}}; cat {{input.inside}}/link >> {{output}}"
inputs = ["unpack", "inside"]
output = "counts.txt"
"#,
    );
    project.write("x", "1\n");
    project.build("").ok();
    assert_eq!(project.ran_in_any_order(), ["count", "inside", "unpack"]);
    assert!(project.at("work/a").exists() && !project.at("other").exists());
    project.build("").has("nothing to do");
    project.remove("work");
    project.atsaf("why unpack").has("work is missing");
    project.build("").ok();
    assert_eq!(project.ran_in_any_order(), ["unpack"]);
    project.write("x", "2\n");
    project.build("").ok();
    assert_eq!(
        project.ran_in_any_order(),
        ["count", "inside"],
        "what the link leads to is another"
    );
}

#[test]
fn no_copy_of_it_is_kept() {
    let project = built();
    let store = project.store();
    let has = |text: &[u8]| {
        store
            .iter()
            .any(|(path, bytes)| path.contains("objects/") && bytes == text)
    };
    assert!(has(b"1\nraw\n"), "one.txt");
    assert!(!has(b"raw\n"), "big.txt");
}

#[test]
fn a_goal_of_its_own_is_kept_and_an_effect_cannot_be_one() {
    let project = project();
    project.build("big").ok();
    assert!(project.at("big.txt").exists(), "nothing has read it");
    project.build("").ok();
    assert!(!project.at("big.txt").exists());
    project.ran_in_any_order();
    project.build("-B --only big").exits(1);
    project.build("-B big").ok();
    assert_eq!(project.ran_in_any_order(), ["big", "fetch"]);
    assert!(project.at("big.txt").exists());
    project.edit(
        "Atsaffile",
        "output = \"big.txt\"",
        "output = \"big.txt\"\neffect = true",
    );
    project
        .build("")
        .has("the target `big` acts outside the project, and is `temp`");
}

#[test]
fn what_is_gone_is_made_again_where_it_is_asked_for_alone() {
    let project = built();
    project.edit("Atsaffile", "a = 1", "a = 2");
    let told = project.build("--only one");
    told.exits(1);
    told.has("help: build them first: `atsaf build --only fetch big`");
    project
        .build("--only fetch")
        .has("needed by this command, which asks for it alone");
    project.build("--only big").ok();
    project.build("--only one").ok();
    assert_eq!(project.ran_in_any_order(), ["big", "fetch", "one"]);
    project.build("--only fetch big one").has("nothing to do");
    assert_eq!(project.read("one.txt"), "2\nraw\n");
}

/// Two turns that end at once let several artifacts go at once.
#[test]
fn artifacts_that_go_at_once_do_not_hinder_each_other() {
    let mut text = String::new();
    for at in 0..6 {
        for target in ["t", "r"] {
            let (inputs, temp) = match target {
                "t" => ("", "temp = true\n"),
                _ => ("inputs = [\"tN\"]\n", ""),
            };
            let run = "echo {{output}} > {{output}}";
            let table = format!("[target.{target}N]\nrun = \"{run}\"\n{inputs}{temp}output = \"w/{target}N\"\n");
            text.push_str(&table.replace('N', &at.to_string()));
        }
    }
    let project = Project::new(&text);
    for _ in 0..5 {
        project.atsaf("build -B -j 6").ok();
        assert!((0..6).all(|at| !project.at(&format!("w/t{at}")).exists()));
    }
}

#[test]
fn a_killed_build_leaves_nothing_that_is_wrong() {
    let project = project();
    project.edit("Atsaffile", "echo {{b}}", "echo x > ../begun; sleep 1000; echo {{b}}");
    let build = project.start("build");
    until("the command", || project.at("../begun").exists());
    build.kill();
    project.edit("Atsaffile", "echo x > ../begun; sleep 1000; echo {{b}}", "echo {{b}}");
    project.build("").ok();
    assert_eq!(project.read("two.txt"), "1\nraw\n");
    assert!(!project.at("big.txt").exists());
    project.build("").has("nothing to do");
}
