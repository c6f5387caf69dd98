//! A watch in its own thread, and what it does when files change; every wait is bounded.

use std::fs;
use std::sync::Arc;
use std::thread;
use std::time::Instant;

use super::*;
use crate::cli::CliCommand;
use crate::cli::trial::Trial;
use crate::report::screen::tests::Kept;

const LIMIT: Duration = Duration::from_mins(1);
const WAITING: &str = "Ctrl-C ends";

struct Watching {
    end: Arc<AtomicBool>,
    thread: Option<thread::JoinHandle<Exit>>,
    kept: Kept,
}

impl Watching {
    fn start(trial: &Trial) -> Self {
        Self::start_with(trial, &["watch"])
    }

    fn start_with(trial: &Trial, args: &[&str]) -> Self {
        let (session, command, kept) = trial.session(args);
        let end = Arc::new(AtomicBool::new(false));
        let flag = Arc::clone(&end);
        let thread = thread::spawn(move || {
            let CliCommand::Watch(args) = command else {
                panic!("not a watch: {command:?}")
            };
            watch(&args, &Face::lines(&session, None), &flag).unwrap_or_else(|failure| panic!("{failure:?}"))
        });
        Self {
            end,
            thread: Some(thread),
            kept,
        }
    }

    /// What is said until the words come, and including them.
    fn until(&self, words: &str) -> String {
        let begin = Instant::now();
        let mut said = String::new();
        while begin.elapsed() < LIMIT {
            said += &self.kept.err();
            if said.contains(words) {
                return said;
            }
            thread::sleep(Duration::from_millis(20));
        }
        panic!("`{words}` was not said in time, but:\n{said}");
    }

    /// Waits until a file is there.
    fn until_there(&self, trial: &Trial, path: &str) {
        let begin = Instant::now();
        while !trial.at(path).exists() {
            assert!(
                begin.elapsed() < LIMIT,
                "`{path}` is not there, but:\n{}",
                self.kept.err()
            );
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// What is said in a while in which nothing should be.
    fn silence(&self) -> String {
        thread::sleep(6 * TOGETHER);
        self.kept.err()
    }

    fn end(mut self) -> Exit {
        self.end.store(true, Ordering::Relaxed);
        self.thread.take().expect("running").join().expect("no panic")
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        self.end.store(true, Ordering::Relaxed);
    }
}

const COPY: &str = r#"
[target.copy]
run = "cat {{inputs}} > {{output}}"
inputs = ["data/*.txt"]
output = "out/all.txt"
"#;

fn project() -> Trial {
    let trial = Trial::new(COPY);
    trial.write("data/a.txt", "one\n");
    trial
}

fn built(trial: &Trial) -> String {
    fs::read_to_string(trial.at("out/all.txt")).expect("built")
}

#[test]
fn a_page_that_is_taken_away_is_written_again() {
    let trial = Trial::new(&format!("[project]\nreport = true\n{COPY}"));
    trial.write("data/a.txt", "one\n");
    let watching = Watching::start(&trial);
    watching.until(WAITING);
    assert_eq!(watching.silence(), "", "its own page is no change");
    fs::remove_file(trial.at("report.html")).expect("written");
    let said = watching.until(WAITING);
    assert!(
        said.starts_with("\nchanged: report.html\n") && said.contains("wrote `report.html`"),
        "{said}"
    );
}

#[test]
fn it_builds_at_the_start_and_after_each_change_and_never_for_its_own_output() {
    let trial = project();
    let watching = Watching::start(&trial);
    watching.until(WAITING);
    assert_eq!(built(&trial), "one\n");
    assert_eq!(watching.silence(), "", "its own output is no change");
    trial.write("data/a.txt", "two\n");
    let said = watching.until(WAITING);
    assert!(said.starts_with("\nchanged: data/a.txt\n"), "{said}");
    assert_eq!(built(&trial), "two\n");
    // A file that the glob did not match before, because it was not there.
    trial.write("data/b.txt", "three\n");
    watching.until(WAITING);
    assert_eq!(built(&trial), "two\nthree\n");
    trial.write("data/other.csv", "of no concern");
    assert_eq!(watching.silence(), "");
    assert_eq!(watching.end(), Exit::Interrupted);
}

#[test]
fn a_file_that_an_editor_replaces_is_seen() {
    let trial = project();
    let watching = Watching::start(&trial);
    watching.until(WAITING);
    for text in ["second\n", "third\n"] {
        trial.write("data/.a.txt.swp", text);
        #[expect(clippy::disallowed_methods, reason = "an editor's way of saving")]
        fs::rename(trial.at("data/.a.txt.swp"), trial.at("data/a.txt")).expect("replaced");
        watching.until(WAITING);
        assert_eq!(built(&trial), text);
    }
    assert_eq!(watching.end(), Exit::Interrupted);
}

#[test]
fn mistakes_are_told_and_waited_out() {
    let trial = project();
    let watching = Watching::start(&trial);
    watching.until(WAITING);
    trial.write("Atsaffile", &COPY.replace("inputs =", "inptus ="));
    let said = watching.until(WAITING);
    assert!(
        said.contains("changed: Atsaffile\n") && said.contains("`inptus`"),
        "{said}"
    );
    trial.write("Atsaffile", &COPY.replace("out/all.txt", "out/every.txt"));
    watching.until(WAITING);
    assert_eq!(fs::read_to_string(trial.at("out/every.txt")).expect("built"), "one\n");
    assert_eq!(watching.end(), Exit::Interrupted);
}

#[test]
fn changes_during_a_build_end_what_they_make_stale_and_call_for_another() {
    let trial = Trial::new(&COPY.replace(
        "cat {{inputs}}",
        "touch begun; while test ! -e go; do sleep 0.02; done; cat {{inputs}}",
    ));
    trial.write("data/a.txt", "one\n");
    let watching = Watching::start(&trial);
    watching.until_there(&trial, "begun");
    for name in ["data/b.txt", "data/c.txt", "data/d.txt"] {
        trial.write(name, name);
    }
    let said = watching.until("changed: ");
    assert!(said.contains("stopped    copy  an edit made it stale"), "{said}");
    trial.write("go", "");
    watching.until(WAITING);
    assert_eq!(built(&trial), "one\ndata/b.txtdata/c.txtdata/d.txt");
    assert_eq!(watching.end(), Exit::Interrupted);
}

/// Two targets that wait for `go` and note each start in `ran`; `end` is what the second is beside.
fn slow(end: &str) -> Trial {
    let trial = Trial::new(&format!(
        r#"
[params]
n = 1

[target.first]
run = "cat {{{{inputs}}}} > {{{{output}}}}"
inputs = ["a.txt"]
output = "first.txt"

[target.slow]
run = "echo run >> ran; while test ! -e go; do sleep 0.02; done; cat {{{{inputs}}}} > {{{{output}}}}; echo {{{{n}}}} >> {{{{output}}}}"
inputs = ["first", "!go"]
output = "slow.txt"
{end}
"#
    ));
    trial.write("a.txt", "one\n");
    trial.write("other.txt", "of no concern");
    trial
}

fn slow_text(trial: &Trial) -> String {
    fs::read_to_string(trial.at("slow.txt")).expect("built")
}

#[test]
fn an_edit_of_what_a_needed_target_reads_ends_an_attempt() {
    let trial = slow("");
    let watching = Watching::start(&trial);
    watching.until_there(&trial, "ran");
    trial.write("a.txt", "two\n");
    watching.until("stopped    slow");
    trial.write("go", "");
    watching.until(WAITING);
    assert_eq!(slow_text(&trial), "two\n1\n");
    assert_eq!(watching.end(), Exit::Interrupted);
}

#[test]
fn an_edit_of_the_atsaffile_ends_the_attempts_that_it_makes_stale() {
    let trial = slow("");
    let watching = Watching::start(&trial);
    watching.until_there(&trial, "ran");
    let text = fs::read_to_string(trial.at("Atsaffile")).expect("read");
    trial.write("Atsaffile", &text.replace("n = 1", "n = 2"));
    watching.until("stopped    slow");
    trial.write("go", "");
    watching.until(WAITING);
    assert_eq!(slow_text(&trial), "one\n2\n");
    assert_eq!(watching.end(), Exit::Interrupted);
}

#[test]
fn an_edit_that_means_nothing_ends_nothing() {
    let trial = slow("");
    let watching = Watching::start(&trial);
    watching.until_there(&trial, "ran");
    let text = fs::read_to_string(trial.at("Atsaffile")).expect("read");
    trial.write("Atsaffile", &format!("# a comment\n{text}"));
    watching.silence();
    trial.write("go", "");
    watching.until("built      slow");
    assert_eq!(fs::read_to_string(trial.at("ran")).expect("ran"), "run\n");
    assert_eq!(watching.end(), Exit::Interrupted);
}

#[test]
fn an_edit_never_interrupts_an_effect() {
    let trial = slow("effect = true");
    let watching = Watching::start(&trial);
    watching.until_there(&trial, "ran");
    trial.write("a.txt", "two\n");
    watching.silence();
    trial.write("go", "");
    let said = watching.until(WAITING);
    // In a later build, the file for which it waits may stop it before it begins.
    let first = said.split("built      slow").next();
    assert!(first.is_some_and(|first| !first.contains("stopped    slow")), "{said}");
    let ran = fs::read_to_string(trial.at("ran")).expect("ran");
    assert_eq!(ran.lines().next(), Some("run"));
    assert_eq!(watching.end(), Exit::Interrupted);
}

#[test]
fn hidden_directories_of_a_source_are_seen() {
    let trial = Trial::new(
        "[target.copy]\nrun = \"cat {{inputs}}/.meta/deep/m > {{output}}\"\ninputs = [\"data/\"]\noutput = \"out/all.txt\"\n",
    );
    trial.write("data/.meta/deep/m", "one\n");
    let watching = Watching::start(&trial);
    watching.until(WAITING);
    for text in ["two\n", "three\n"] {
        trial.write("data/.meta/deep/m", text);
        watching.until(WAITING);
        assert_eq!(built(&trial), text);
    }
    assert_eq!(watching.end(), Exit::Interrupted);
}

#[test]
fn a_value_that_comes_on_the_disk_is_built() {
    let trial = Trial::new(
        "[matrix]\ns = { glob = \"in/*.csv\" }\nr = { rows = \"r.csv\", key = \"k\" }\n[target.one]\neach = [\"s\"]\nrun = \"cp {{s.path}} {{output}}\"\noutput = \"one/{{s}}\"\n[target.two]\neach = [\"r\"]\nrun = \"echo {{r}} > {{output}}\"\noutput = \"two/{{r}}\"\n",
    );
    trial.write("r.csv", "k\nx\n");
    trial.write("in/other", "");
    let watching = Watching::start(&trial);
    watching.until(WAITING);
    for (path, text, made) in [
        ("in/a.csv", "a\n", "one/a"),
        ("in/b.csv", "b\n", "one/b"),
        ("r.csv", "k\nx\ny\n", "two/y"),
    ] {
        trial.write(path, text);
        watching.until(WAITING);
        watching.until_there(&trial, made);
    }
    assert_eq!(watching.end(), Exit::Interrupted);
}

#[test]
fn polling_sees_what_the_system_does_not_say() {
    let trial = project();
    let watching = Watching::start_with(&trial, &["watch", "--poll=0.05"]);
    watching.until(WAITING);
    trial.write("data/a.txt", "two and more\n");
    let said = watching.until(WAITING);
    assert!(said.starts_with("\nchanged: data/a.txt\n"), "{said}");
    trial.write("data/b.txt", "three\n");
    watching.until(WAITING);
    assert_eq!(built(&trial), "two and more\nthree\n");
    fs::remove_file(trial.at("data/b.txt")).expect("removed");
    watching.until(WAITING);
    assert_eq!(built(&trial), "two and more\n");
    assert_eq!(watching.silence(), "");
    assert_eq!(watching.end(), Exit::Interrupted);
}

#[test]
fn what_a_command_was_seen_to_use_is_watched_from_then_on() {
    let trial = Trial::new(
        "[target.page]\nrun = \"echo page: conf.txt > {{depfile}}; cat conf.txt > {{output}}\"\noutput = \"page.txt\"\n\
         discover = \"depfile\"\n",
    );
    trial.write("conf.txt", "one");
    let watching = Watching::start(&trial);
    watching.until(WAITING);
    trial.write("conf.txt", "two");
    watching.until(WAITING);
    let page = fs::read_to_string(trial.at("page.txt")).expect("there");
    assert_eq!(page, "two");
    assert_eq!(watching.end(), Exit::Interrupted);
}
