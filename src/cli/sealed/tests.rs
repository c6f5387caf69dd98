//! What commands say by a seal and by a plan, in the same session.

use std::fs;
use std::time::Duration;

use super::super::trial::{Said, Trial};
use super::*;

/// Longer than the margin within which a change could be one that was not seen.
const PAUSE: Duration = Duration::from_millis(60);

/// Targets with instances, an alias, a default, one that is taken away, and one that reads all.
const ATSAFFILE: &str = r#"
[project]
default = ["last"]

[params]
word = "one"

[secrets]
TOKEN = { optional = true }

[alias]
ends = ["last", "other"]
more = ["part", "other"]

[matrix]
region = ["A", "B", "C", "D", "E"]

[target.part]
each = ["region"]
run = "echo {{region}} {{word}} > {{output}}"
output = "out/{{region}}.txt"

[target.raw]
run = "cat {{inputs}} > {{output}}"
inputs = ["source.txt", "more/*.txt"]
output = "out/raw.txt"
temp = true

[target.last]
run = "cat {{inputs}} > {{output}}; test ! -e fails"
inputs = ["part@*", "raw"]
output = "out/last.txt"
env = ["FLAVOUR"]

[target.other]
run = "echo > {{output}}"
output = "other.txt"
"#;

fn trial() -> Trial {
    let trial = Trial::new(ATSAFFILE).with_key();
    trial.write("source.txt", "source");
    trial.write("more/one.txt", "one");
    std::thread::sleep(PAUSE);
    seal(&trial, &["ends"]);
    seal(&trial, &[]);
    assert!(
        is_sealed(&trial, &["status", "ends"]),
        "the second one wrote nothing to the journal"
    );
    trial
}

/// Builds until a seal is kept: not before this program, which counts as well, was linked some seconds ago.
fn seal(trial: &Trial, goals: &[&str]) {
    let args = [&["build"], goals].concat();
    trial.run(&args);
    for _ in 0..100 {
        trial.run(&args);
        if by_seal(trial, &args).is_some() {
            return;
        }
        std::thread::sleep(PAUSE);
    }
    panic!("no seal was kept for {goals:?}");
}

/// What a command says by a seal, if that answers it.
fn by_seal(trial: &Trial, args: &[&str]) -> Option<Said> {
    let (session, command, kept) = trial.session(args);
    let exit = answer(&command, &session)?;
    Some(Said {
        exit,
        out: kept.out(),
        err: kept.err(),
    })
}

/// What a command says that reads and plans everything.
fn by_plan(trial: &Trial, args: &[&str]) -> Said {
    let (session, command, kept) = trial.session(args);
    let ended = match &command {
        CliCommand::Build(args) => build::run(args, &session),
        CliCommand::Plan(args) => plan::run(args, &session),
        CliCommand::Status(args) => status::run(args, &session),
        CliCommand::Why(args) => why::run(args, &session),
        other => panic!("no seal answers {other:?}"),
    };
    Said {
        exit: ended.expect("it can be told"),
        out: kept.out(),
        err: kept.err(),
    }
}

/// Whether a seal answers; if so, it says what a plan says, byte by byte.
#[track_caller]
fn is_sealed(trial: &Trial, args: &[&str]) -> bool {
    // Of ages, the second in which it is asked counts.
    for _ in 0..3 {
        let Some(sealed) = by_seal(trial, args) else {
            return false;
        };
        if sealed == by_plan(trial, args) {
            return true;
        }
    }
    assert_eq!(by_seal(trial, args), Some(by_plan(trial, args)), "{args:?}");
    true
}

#[test]
fn a_seal_says_what_a_plan_says() {
    let trial = trial();
    for command in [&["status"][..], &["plan"], &["build", "-n"]] {
        for flags in [
            &[][..],
            &["--json"],
            &["-v"],
            &["-q"],
            &["--expand"],
            &["--color=always"],
        ] {
            for goals in [
                &[][..],
                &["ends"],
                &["last"],
                &["part"],
                &["part@*"],
                &["part@C", "raw"],
                &["other"],
            ] {
                let args = [flags, command, goals].concat();
                assert!(is_sealed(&trial, &args), "{args:?}");
            }
        }
    }
    for command in ["status", "plan"] {
        assert!(is_sealed(&trial, &[command, "--exit-code"]));
    }
    for flags in [&[][..], &["-v"], &["--expand"], &["--color=always"]] {
        for goal in ["part", "part@*", "part@C", "other", "more"] {
            assert!(is_sealed(&trial, &[flags, &["why", goal]].concat()), "{goal}");
        }
    }
    let said = by_seal(&trial, &["build", "part", "other"]).expect("a part of what is sealed");
    assert_eq!(said.err, "nothing to do: 6 targets are fresh\n");
    assert_eq!(said, by_plan(&trial, &["build", "part", "other"]));
}

#[test]
fn what_a_seal_does_not_tell_is_planned() {
    let trial = trial();
    let not_sealed = [
        &["build", "--force"][..],
        &["build", "--only", "last"],
        &["build", "-n", "--force"],
        &["build", "-n", "--no-effects"],
        &["plan", "--force"],
        &["plan", "-s", "word=two"],
        &["status", "-s", "word=two"],
        &["status", "--trust-store"],
        // Names of artifacts, and what is no name.
        &["status", "out/last.txt"],
        &["plan", "nothing"],
        &["status", "last", "part@Z"],
        &["why", "part@C", "--json"],
        &["why", "out/A.txt"],
        // What is gone since it was read may have to be made again for what follows.
        &["why", "raw"],
        &["why", "last"],
    ];
    for args in not_sealed {
        assert!(by_seal(&trial, args).is_none(), "{args:?}");
    }
    // That of the default alone is a seal of no other goal than what it needs.
    fs::remove_dir_all(trial.at(".atsaf/v1/seals")).expect("removed");
    seal(&trial, &[]);
    assert!(is_sealed(&trial, &["status", "raw"]));
    for goal in ["other", "ends"] {
        assert!(by_seal(&trial, &["status", goal]).is_none(), "{goal}");
    }
    // What was asked for by another name than a target's is explained as it is called.
    seal(&trial, &["out/last.txt"]);
    assert!(is_sealed(&trial, &["status", "out/last.txt"]));
    assert!(by_seal(&trial, &["why", "out/last.txt"]).is_none());
    // And that of one instance is none of all.
    fs::remove_dir_all(trial.at(".atsaf/v1/seals")).expect("removed");
    seal(&trial, &["part@C", "part@B"]);
    assert!(is_sealed(&trial, &["status", "part@B"]));
    for goal in ["part", "part@*"] {
        assert!(by_seal(&trial, &["status", goal]).is_none(), "{goal}");
    }
}

#[test]
fn results_that_failed_since_or_came_back_are_told_as_such() {
    let trial = trial();
    trial.write("fails", "");
    trial.run(&["build", "-k", "-s", "word=two"]);
    fs::remove_file(trial.at("fails")).expect("removed");
    trial.run(&["build", "-s", "word=three"]);
    trial.write("fails", "");
    trial.run(&["build", "-s", "word=four"]);
    fs::remove_file(trial.at("fails")).expect("removed");
    std::thread::sleep(PAUSE);
    seal(&trial, &[]);
    assert!(is_sealed(&trial, &["status"]) && is_sealed(&trial, &["status", "--json", "--expand"]));
    let said = by_seal(&trial, &["status", "--expand"]).expect("sealed");
    assert!(said.out.contains("restored"), "{}", said.out);
    for goal in ["part", "part@A"] {
        assert!(is_sealed(&trial, &["why", goal]), "{goal}");
    }
}

#[test]
fn what_an_edit_does_not_concern_is_still_answered_by_the_seal() {
    let trial = trial();
    trial.write("source.txt", "SOURCE");
    for goals in [&["part"][..], &["part@C"], &["other"], &["part", "other"]] {
        for command in ["status", "plan", "build"] {
            assert!(is_sealed(&trial, &[&[command], goals].concat()), "{goals:?}");
        }
    }
    for args in [
        &["status"][..],
        &["status", "raw"],
        &["build", "-n", "last"],
        &["plan", "ends"],
    ] {
        assert!(by_seal(&trial, args).is_none(), "{args:?}");
    }
    trial.write("out/B.txt", "by hand");
    assert!(is_sealed(&trial, &["status", "part@A"]) && is_sealed(&trial, &["plan", "other", "part@C"]));
    for args in [["status", "part@B"], ["plan", "part"]] {
        assert_eq!(by_seal(&trial, &args), None, "{args:?}");
    }
}

#[test]
fn what_lies_in_a_directory_that_is_read_counts_for_whoever_reads_it() {
    const ATSAFFILE: &str = r#"
[target.all]
run = "cat d/*.txt d/sub/* > {{output}}"
inputs = ["d/"]
output = "all.out"

[target.one]
run = "cat d/x.txt > {{output}}"
output = "one.out"

[target.matched]
run = "cat {{inputs}} > {{output}}"
inputs = ["d/sub/*.txt"]
output = "matched.out"

[target.other]
run = "cat {{inputs}} > {{output}}"
inputs = ["e.txt"]
output = "other.out"
"#;
    for path in ["d/x.txt", "d/sub/y.txt"] {
        let trial = Trial::new(ATSAFFILE).with_key();
        for path in ["d/x.txt", "d/sub/y.txt", "e.txt"] {
            trial.write(path, path);
        }
        std::thread::sleep(PAUSE);
        seal(&trial, &[]);
        assert!(is_sealed(&trial, &["status", "all"]));
        trial.write(path, "edited");
        for args in [["status", "all"], ["plan", "all"], ["why", "all"]] {
            assert_eq!(by_seal(&trial, &args), None, "{path}: {args:?}");
        }
        assert_eq!(by_plan(&trial, &["status", "--exit-code", "all"]).exit, Exit::Stale);
        is_sealed(&trial, &["status", "other"]);
        is_sealed(&trial, &["status", "one"]);
    }
}

#[test]
fn a_pattern_in_a_directory_that_is_not_there_leaves_a_seal_until_something_comes() {
    const ATSAFFILE: &str = r#"
[target.t]
run = "cat {{inputs}} > {{output}}"
inputs = ["s.txt", "?more/deep/*.txt", "?more/one.txt"]
output = "out/t"
"#;
    for path in ["more/deep/new.txt", "more/one.txt"] {
        let trial = Trial::new(ATSAFFILE).with_key();
        trial.write("s.txt", "s");
        std::thread::sleep(PAUSE);
        seal(&trial, &[]);
        assert!(is_sealed(&trial, &["status"]));
        trial.write(path, "new");
        assert_eq!(by_seal(&trial, &["status"]), None, "{path}");
        assert_eq!(by_plan(&trial, &["status", "--exit-code"]).exit, Exit::Stale);
    }
}

/// What is done to the project.
type Edit<'a> = (&'a str, &'a dyn Fn(&mut Trial));

#[test]
fn after_an_edit_nothing_says_fresh_that_is_not() {
    let edits: &[Edit<'_>] = &[
        ("a directory in which one looked", &|it| it.write("more/two.txt", "two")),
        ("an artifact is gone", &|it| {
            fs::remove_file(it.at("out/B.txt")).expect("removed");
        }),
        ("a parameter", &|it| {
            it.write("Atsaffile", &ATSAFFILE.replace("\"one\"", "\"two\""));
        }),
        ("a variable", &|it| it.set("FLAVOUR", "sweet")),
        (".env", &|it| it.write(".env", "TOKEN=something-long\n")),
        ("a secret", &|it| it.set("TOKEN", "something-long")),
        ("another build's entry in the journal", &|it| {
            it.run(&["build", "-s", "word=two", "part@A"]);
        }),
        ("the user's key", &|it| {
            it.set("XDG_STATE_HOME", "/nowhere");
        }),
    ];
    for (what, edit) in edits {
        let mut trial = trial();
        edit(&mut trial);
        for args in [&["status"][..], &["plan"], &["build", "-n"], &["status", "last"]] {
            assert!(by_seal(&trial, args).is_none(), "{what}: {args:?}");
        }
        // What the edit does not concern may be told, and is so then.
        for args in [["status", "part@C"], ["plan", "part@A"], ["build", "part@C"]] {
            is_sealed(&trial, &args);
        }
        let mut whole = by_plan(&trial, &["status", "--exit-code"]);
        if ["a secret", ".env", "the user's key"].contains(what) {
            whole.exit = Exit::Stale;
        }
        assert_eq!(whole.exit, Exit::Stale, "{what}: it was an edit: {whole:?}");
    }
}

#[test]
fn a_secret_that_a_name_has_is_hidden_by_a_seal_as_by_a_plan() {
    let mut trial = Trial::new(&ATSAFFILE.replace("target.other", "target.classified")).with_key();
    trial.write(".env", "TOKEN=classified\n");
    trial.write("source.txt", "source");
    trial.write("more/one.txt", "one");
    trial.write("Atsaffile", &ATSAFFILE.replace("other", "classified"));
    std::thread::sleep(PAUSE);
    seal(&trial, &["ends"]);
    for args in [&["status", "ends"][..], &["--json", "plan", "ends"]] {
        assert!(is_sealed(&trial, args));
        let said = by_seal(&trial, args).expect("sealed");
        assert!(
            said.out.contains("***") && !said.out.contains("classified"),
            "{}",
            said.out
        );
    }
    trial.set("TOKEN", "another-value");
    assert!(by_seal(&trial, &["status", "ends"]).is_none());
}
