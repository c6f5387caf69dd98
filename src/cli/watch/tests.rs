//! A watch in its own thread, and what it does when files change; every wait is bounded.

use std::fs;
use std::sync::Arc;
use std::thread;
use std::time::Instant;

use super::*;
use crate::cli::CliCommand;
use crate::cli::trial::Trial;
use crate::report::screen::tests::Kept;

const LIMIT: Duration = Duration::from_secs(20);
const WAITING: &str = "Ctrl-C ends";

struct Watching {
    end: Arc<AtomicBool>,
    thread: Option<thread::JoinHandle<Exit>>,
    kept: Kept,
}

impl Watching {
    fn start(trial: &Trial) -> Self {
        let (session, command, kept) = trial.session(&["watch"]);
        let end = Arc::new(AtomicBool::new(false));
        let flag = Arc::clone(&end);
        let thread = thread::spawn(move || {
            let CliCommand::Watch(args) = command else {
                panic!("not a watch: {command:?}")
            };
            watch(&args, &session, &flag).unwrap_or_else(|failure| panic!("{failure:?}"))
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

    /// What is said in a while in which nothing should be.
    fn silence(&self) -> String {
        thread::sleep(5 * TOGETHER + BEAT);
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
fn changes_during_a_build_call_for_one_more() {
    let trial = Trial::new(&COPY.replace("cat {{inputs}}", "sleep 0.7; cat {{inputs}}"));
    trial.write("data/a.txt", "one\n");
    let watching = Watching::start(&trial);
    watching.until("copy");
    thread::sleep(Duration::from_millis(200));
    for name in ["data/b.txt", "data/c.txt", "data/d.txt"] {
        trial.write(name, name);
        thread::sleep(Duration::from_millis(50));
    }
    let mut said = watching.until(WAITING);
    // The build has read them before it ended, so that the one more takes no time.
    while said.matches(WAITING).count() < 2 {
        said += &watching.until(WAITING);
    }
    assert!(said.contains("data/b.txt, data/c.txt, data/d.txt"), "{said}");
    assert_eq!(said.matches("changed:").count(), 1, "{said}");
    assert_eq!(built(&trial), "one\ndata/b.txtdata/c.txtdata/d.txt");
    assert_eq!(watching.end(), Exit::Interrupted);
}
