//! Builds with nothing to do that a seal answers, and all that breaks one.

use std::fs::{self, File};
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use regex::Regex;

use crate::project::{Project, Told, copy_of_the_program, redact, until};

/// Longer than the margin within which a change could be one that was not seen.
const PAUSE: Duration = Duration::from_millis(60);

const INDEX: &str = ".atsaf/v1/index";

/// A target that reads files in each way, and one after it.
const ATSAFFILE: &str = r#"
[params]
word = "one"

[target.all]
run = 'echo all >> ../ran; find -L a.txt link.txt g d -type f | sort | xargs cat > {{output}}; if test -e extra.txt; then cat extra.txt >> {{output}}; fi'
inputs = ["a.txt", "link.txt", "g/*.txt", "d/", "?extra.txt"]
output = "out/all.txt"
env = ["FLAVOUR"]

[target.next]
run = "echo next >> ../ran; cp {{inputs}} {{output}}; echo {{word}} >> {{output}}"
inputs = ["all"]
output = "next.txt"
"#;

fn project() -> Project {
    let project = Project::new(ATSAFFILE);
    for path in ["a.txt", "target.txt", "g/one.txt", "d/one.txt", "d/sub/two.txt"] {
        project.write(path, path);
    }
    fs::remove_dir_all(project.at("d/sub")).expect("removed");
    symlink("target.txt", project.at("link.txt")).expect("linked");
    sealed(&project, "");
    project.ran();
    project
}

/// Builds until a seal is kept: not before this program, which counts as well, was linked some seconds ago.
fn sealed(project: &Project, args: &str) {
    std::thread::sleep(PAUSE);
    project.build(args).ok();
    until("a seal is kept", || {
        project.build(args).ok();
        is_answered_by_a_seal(project, args)
    });
}

/// Whether a build is answered by a seal: without one it makes the index anew, if that is damaged.
fn is_answered_by_a_seal(project: &Project, args: &str) -> bool {
    project.write(INDEX, "damaged");
    project.build(args).ok();
    fs::read(project.at(INDEX)).expect("read") == b"damaged"
}

/// Asserts that a command says the same where seals are kept and where none is.
#[track_caller]
fn says_the_same_without_a_seal(project: &Project, args: &str) {
    let (seals, aside) = (project.at(".atsaf/v1/seals"), project.at("../seals"));
    let both = || {
        let with = project.atsaf(args);
        rename(&seals, &aside);
        let without = project.atsaf(args);
        rename(&aside, &seals);
        [(with.code, with.text), (without.code, without.text)]
    };
    // Of ages, the second in which it is asked counts.
    let is_same = || {
        let [with, without] = both();
        with == without
    };
    if !(is_same() || is_same()) {
        let [with, without] = both();
        assert_eq!(with, without, "{args}");
    }
}

/// Writes a file and gives it the time of modification that it had.
fn write_with_its_time(path: &Path, text: &str) {
    let before = fs::metadata(path).and_then(|it| it.modified()).expect("there");
    let mut file = File::options().write(true).open(path).expect("opened");
    std::io::Write::write_all(&mut file, text.as_bytes()).expect("written");
    file.set_modified(before).expect("set");
}

#[test]
fn a_build_with_nothing_to_do_says_the_same_with_a_seal_and_without() {
    let project = project();
    let moments = Regex::new(r#""(duration|time)":[^,}]*"#).expect("a pattern");
    for args in ["", "-v", "--json", "-q", "all next"] {
        sealed(&project, args);
        let told = project.build(args);
        fs::remove_dir_all(project.at(".atsaf/v1/seals")).expect("removed");
        let other = project.build(args);
        let plain = |told: &Told| -> String {
            let text = redact(&told.text);
            moments.replace_all(&text, "").into_owned()
        };
        assert_eq!(plain(&told), plain(&other), "{args}");
    }
}

#[test]
fn nothing_of_the_project_is_read_where_a_seal_holds() {
    let project = project();
    assert!(is_answered_by_a_seal(&project, ""));
    project.build("").is(0, "nothing to do: 2 targets are fresh\n");
    assert!(is_answered_by_a_seal(&project, "all"), "a part of what is sealed");
    project.build("all").is(0, "nothing to do: 1 target is fresh\n");
    for args in ["status", "plan --json", "why all", "build --dry-run next"] {
        says_the_same_without_a_seal(&project, args);
    }
    assert!(is_answered_by_a_seal(&project, "next"), "they are there again");
}

/// What an edit is, the edit, and the targets that have to run after it.
type Edit<'a> = (&'a str, &'a dyn Fn(&Project), &'a str);

/// Every edit that a seal could miss, with the targets that have to run after it.
#[test]
fn whatever_moves_breaks_the_seal() {
    let edits: &[Edit<'_>] = &[
        ("another content", &|it| it.write("a.txt", "other"), "all next"),
        (
            "the same size and time",
            &|it| write_with_its_time(&it.at("a.txt"), "b.txt"),
            "all next",
        ),
        (
            "by another name of the file",
            &|it| {
                fs::hard_link(it.at("a.txt"), it.at("../name")).expect("linked");
                sealed(it, "");
                write_with_its_time(&it.at("../name"), "c.txt");
            },
            "all next",
        ),
        (
            "renamed over, with size and time",
            &|it| {
                it.write("../new", "d.txt");
                let time = fs::metadata(it.at("a.txt"))
                    .and_then(|it| it.modified())
                    .expect("there");
                File::options()
                    .write(true)
                    .open(it.at("../new"))
                    .and_then(|new| new.set_modified(time))
                    .expect("set");
                rename(&it.at("../new"), &it.at("a.txt"));
            },
            "all next",
        ),
        (
            "through a link",
            &|it| write_with_its_time(&it.at("target.txt"), "TARGET.txt"),
            "all next",
        ),
        (
            "another link",
            &|it| {
                it.write("other.txt", "TARGET.txt");
                fs::remove_file(it.at("link.txt")).expect("removed");
                symlink("other.txt", it.at("link.txt")).expect("linked");
            },
            "all next",
        ),
        ("a file joins a pattern", &|it| it.write("g/two.txt", "two"), "all next"),
        (
            "a file joins a directory",
            &|it| it.write("d/two.txt", "two"),
            "all next",
        ),
        (
            "a file leaves a directory",
            &|it| {
                it.write("d/three.txt", "three");
                sealed(it, "");
                it.ran();
                it.remove("d/three.txt");
            },
            "",
        ),
        (
            "in a directory in a directory",
            &|it| {
                it.write("d/sub/x", "one");
                sealed(it, "");
                it.ran();
                write_with_its_time(&it.at("d/sub/x"), "two");
            },
            "all next",
        ),
        (
            "an optional file comes",
            &|it| it.write("extra.txt", "extra"),
            "all next",
        ),
        (
            "an artifact is altered",
            &|it| write_with_its_time(&it.at("out/all.txt"), "altered"),
            "",
        ),
        ("an artifact is gone", &|it| it.remove("next.txt"), ""),
        (
            "the directory of an artifact is another",
            &|it| {
                rename(&it.at("out"), &it.at("../out"));
                it.write("out/other", "");
            },
            "",
        ),
        (
            "the Atsaffile, with its time",
            &|it| {
                let text = it.read("Atsaffile").replace("\"one\"", "\"two\"");
                write_with_its_time(&it.at("Atsaffile"), &text);
            },
            "next",
        ),
        ("permissions", &|it| chmod(&it.at("a.txt"), 0o755), "all"),
    ];
    for (what, edit, ran) in edits {
        let project = project();
        edit(&project);
        for args in ["status", "plan --json", "why all", "why next"] {
            says_the_same_without_a_seal(&project, args);
        }
        project.ran();
        let told = project.build("");
        told.ok();
        assert_eq!(project.ran(), *ran, "{what}: {}", told.text);
        assert!(!told.text.contains("nothing to do"), "{what}: {}", told.text);
        project.atsaf("status --exit-code").ok();
    }
}

fn rename(from: &Path, to: &Path) {
    #[expect(clippy::disallowed_methods, reason = "a test's own files")]
    fs::rename(from, to).expect("renamed");
}

fn chmod(path: &Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("set");
}

#[test]
fn another_request_is_answered_by_its_own_seal() {
    let project = project();
    project.build("-s word=two").ok();
    assert_eq!(project.ran(), "next");
    assert!(!is_answered_by_a_seal(&project, ""), "the journal has moved");
    assert_eq!(project.ran(), "", "it was restored");
    sealed(&project, "all");
    sealed(&project, "");
    assert!(is_answered_by_a_seal(&project, "all"), "both are kept");
    Told::of(project.command("build -j1").env("FLAVOUR", "sweet")).ok();
    assert_eq!(
        project.ran(),
        "all",
        "a variable that a target declares, which changes nothing of what it makes"
    );
    project.build("--force").ok();
    assert_eq!(project.ran(), "all next", "what is forced runs");
}

#[test]
fn a_word_of_a_command_that_becomes_a_file_breaks_the_seal() {
    let project = Project::new(
        "[target.t]\nrun = 'echo t >> ../ran; cat conf/x.txt > {{output}} 2>/dev/null || echo none > {{output}}'\noutput = \"t\"\n",
    );
    sealed(&project, "");
    assert_eq!(project.ran(), "t");
    project.write("conf/x.txt", "there");
    project.build("").ok();
    assert_eq!((project.ran().as_str(), project.read("t").as_str()), ("t", "there"));
    sealed(&project, "");
    project.remove("conf/x.txt");
    project.build("").ok();
    assert_eq!(project.read("t"), "none\n");
}

#[test]
fn what_parameters_and_axes_are_taken_from_breaks_the_seal() {
    let project = Project::new(
        r#"
[project]
params_files = ["params.yaml"]

[matrix]
sample = { glob = "samples/*.txt" }
plant = { rows = "plants.csv", key = "code" }

[target.s]
run = "echo {{sample}} >> ../ran; echo {{depth}} > {{output}}"
each = ["sample"]
output = "out/{{sample}}"

[target.p]
run = "echo {{plant}} >> ../ran; echo {{plant.name}} > {{output}}"
each = ["plant"]
output = "out/{{plant}}"
"#,
    );
    project.write("params.yaml", "depth: 3\n");
    project.write("samples/a.txt", "");
    project.write("plants.csv", "code,name\nx,Ex\n");
    sealed(&project, "");
    project.ran();
    project.write("samples/b.txt", "");
    project.build("").ok();
    assert_eq!(project.ran(), "b");
    sealed(&project, "");
    write_with_its_time(&project.at("params.yaml"), "depth: 4\n");
    project.build("").ok();
    assert_eq!(project.ran_in_any_order(), ["a", "b"]);
    sealed(&project, "");
    write_with_its_time(&project.at("plants.csv"), "code,name\nx,Xe\n");
    project.build("").ok();
    assert_eq!(project.ran(), "x");
}

#[test]
fn an_age_breaks_the_seal_when_it_comes() {
    let project =
        Project::new("[target.t]\nrun = 'echo t >> ../ran; echo > {{output}}'\noutput = \"t\"\nmax_age = \"2s\"\n");
    std::thread::sleep(PAUSE);
    project.build("").ok();
    project.build("").ok();
    // Once or twice, as quick as the machine is.
    project.ran();
    says_the_same_without_a_seal(&project, "status");
    std::thread::sleep(Duration::from_secs(2));
    project.atsaf("status --exit-code").exits(3);
    project.atsaf("plan --exit-code t").exits(3);
    project.build("").ok();
    assert_eq!(project.ran(), "t");
}

#[test]
fn a_seal_that_is_damaged_or_of_another_user_is_none() {
    let project = project();
    let seals: Vec<_> = fs::read_dir(project.at(".atsaf/v1/seals"))
        .expect("read")
        .flatten()
        .map(|entry| entry.path())
        .collect();
    let [seal] = seals.as_slice() else {
        panic!("one request, and {} seals", seals.len())
    };
    let whole = fs::read(seal).expect("read");
    let step = whole.len() / 16;
    for at in (0..whole.len()).step_by(step) {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x10;
        crate::project::write(seal, &bytes);
        assert!(!is_answered_by_a_seal(&project, ""), "byte {at} of {}", whole.len());
    }
    crate::project::write(seal, &whole);
    assert!(is_answered_by_a_seal(&project, ""), "whole again");
    project.write(INDEX, "damaged");
    Told::of(
        project
            .command("build")
            .env("XDG_STATE_HOME", project.at("../stranger")),
    )
    .ok();
    assert_ne!(
        fs::read(project.at(INDEX)).expect("read"),
        b"damaged",
        "without the user's key it is missed"
    );
}

#[test]
fn a_store_that_others_may_write_to_is_refused_whatever_the_seal_says() {
    let project = project();
    chmod(&project.at(".atsaf"), 0o777);
    project.build("").exits(4);
}

#[test]
fn what_must_be_said_each_time_is_said_each_time() {
    let project = Project::new("[params]\nunused = 1\n[target.t]\nrun = 'echo > {{output}}'\noutput = \"t\"\n");
    std::thread::sleep(PAUSE);
    for _ in 0..3 {
        let told = project.build("");
        told.ok();
        assert!(told.text.contains("unused"), "{}", told.text);
    }
}

#[test]
fn a_file_that_was_written_a_moment_ago_leaves_no_seal_that_could_miss_its_next_change() {
    for _ in 0..20 {
        let project =
            Project::new("[target.t]\nrun = 'cp {{inputs}} {{output}}'\ninputs = [\"a.txt\"]\noutput = \"t\"\n");
        project.write("a.txt", "one");
        project.build("-q").ok();
        project.write("a.txt", "two");
        project.build("-q").ok();
        project.write("a.txt", "six");
        project.build("-q").ok();
        assert_eq!(project.read("t"), "six");
    }
}

#[test]
fn a_page_of_each_build_leaves_a_seal_and_breaks_it_when_it_is_gone() {
    let project =
        Project::new("[project]\nreport = true\n\n[target.t]\nrun = \"echo made > {{output}}\"\noutput = \"t.txt\"\n");
    project.build("").has("wrote `report.html`");
    sealed(&project, "");
    project
        .atsaf("status")
        .has("fresh  report.html  it tells of what was built\n");
    project.remove("report.html");
    project.build("").has("wrote `report.html`");
    sealed(&project, "");
    project.write("report.html", "mine");
    project.build("").exits(2);
}

#[test]
fn a_program_of_another_place_asks_no_seal_of_this_one() {
    let project = Project::new("[target.a]\nrun = \"echo > {{output}}\"\noutput = \"a\"\n");
    sealed(&project, "");
    let seals = || fs::read_dir(project.at(".atsaf/v1/seals")).expect("read").count();
    assert_eq!(seals(), 1);
    let other = project.at("../other");
    copy_of_the_program(&other);
    until("the other keeps one of its own", || {
        let own = project.command("build");
        let mut command = Command::new(&other);
        command.args(own.get_args());
        let set = own.get_envs().filter_map(|(name, value)| Some((name, value?)));
        command.env_clear().envs(set);
        command.current_dir(own.get_current_dir().unwrap_or(&project.at("")));
        assert!(command.output().expect("run").status.success());
        seals() == 2
    });
}
