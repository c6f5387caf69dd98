//! A store that came from elsewhere: refused where it can be known, and harmless where not; what stands in its place is
//! never followed out of the project.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::process::Command;

use crate::project::{Project, Told, write};

fn copier() -> Project {
    let project =
        Project::new("[target.a]\nrun = \"cat {{inputs}} > {{output}}\"\ninputs = [\"src.txt\"]\noutput = \"out/a\"\n");
    project.write("src.txt", "one\n");
    project
}

fn set_mode(project: &Project, path: &str, mode: u32) {
    fs::set_permissions(project.at(path), fs::Permissions::from_mode(mode)).expect("set");
}

/// Whether git did it; without git there is nothing to compare with.
fn git(project: &Project, args: &[&str]) -> bool {
    let mut command = Command::new("git");
    command.args(args).current_dir(project.at("."));
    command.env("HOME", project.at("."));
    command.output().is_ok_and(|it| it.status.success())
}

#[test]
fn a_store_that_others_may_write_to_is_refused_by_every_command_with_what_to_do() {
    let project = copier();
    project.build("-q").ok();
    set_mode(&project, ".atsaf", 0o777);
    for command in ["build", "status", "why a", "plan", "log", "clean", "gc"] {
        let told = project.atsaf(command);
        assert_ne!(told.code, Some(0), "{command}");
        told.has("others may write to it (its mode is 777)");
        told.has("chmod -R go-w .atsaf");
    }
    project.build("--trust-store").ok();
    project.atsaf("status --exit-code").ok();
    let mode = fs::metadata(project.at(".atsaf")).expect("there").permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
}

#[test]
fn a_store_that_git_tracks_is_refused() {
    let project = copier();
    project.build("-q").ok();
    if !git(&project, &["init", "-q"]) {
        return;
    }
    project.atsaf("status --exit-code").ok();
    assert!(git(&project, &["add", "-f", ".atsaf"]));
    let told = project.build("");
    assert_ne!(told.code, Some(0));
    told.has("git tracks it");
    told.has("git rm -r --cached .atsaf");
    assert!(git(&project, &["rm", "-rq", "--cached", ".atsaf"]));
    project.atsaf("status --exit-code").ok();
}

#[test]
fn a_link_in_the_place_of_the_store_leads_to_a_store_or_to_an_empty_directory() {
    let project = copier();
    let victim = project.at("../victim");
    fs::create_dir_all(&victim).expect("made");
    write(&victim.join("file"), b"precious");
    set_mode(&project, "../victim", 0o755);
    symlink("../victim", project.at(".atsaf")).expect("linked");
    for command in ["build", "build --trust-store", "status", "clean", "gc"] {
        let told = project.atsaf(command);
        assert_ne!(told.code, Some(0), "{command}");
        told.has("other things stand");
        told.has("a directory of its own");
        assert_eq!(fs::read_dir(&victim).expect("there").count(), 1, "{command}");
    }
    let mode = fs::metadata(&victim).expect("there").permissions().mode();
    assert_eq!(mode & 0o777, 0o755);
    project.remove("../victim/file");
    project.build("-q").ok();
    project.atsaf("status --exit-code").ok();
    // One that came with the repository leads where its writer wanted.
    if git(&project, &["init", "-q"]) {
        assert!(git(&project, &["add", "-f", ".atsaf"]));
        project.build("").has("git tracks it");
        fs::remove_dir_all(&victim).expect("removed");
        fs::create_dir(&victim).expect("made");
        project.build("").has("git tracks it");
        assert_eq!(fs::read_dir(&victim).expect("there").count(), 0);
    }
}

#[test]
fn a_link_in_the_place_of_a_version_of_the_store_is_refused_by_every_command() {
    let project = copier();
    project.build("-q").ok();
    #[expect(clippy::disallowed_methods, reason = "a test moves its own store")]
    fs::rename(project.at(".atsaf/v1"), project.at("../elsewhere")).expect("moved");
    symlink("../../elsewhere", project.at(".atsaf/v1")).expect("linked");
    project.write("src.txt", "two\n");
    for command in ["build", "status", "clean", "gc"] {
        project.atsaf(command).has("is a link");
    }
}

#[test]
fn what_git_tracks_is_no_orphan() {
    let project = copier();
    project.build("-q").ok();
    project.edit("Atsaffile", "out/a", "out/b");
    if !git(&project, &["init", "-q"]) {
        return;
    }
    assert!(git(&project, &["add", "-f", "out/a"]));
    project.atsaf("clean --orphans").has("nothing to remove");
    assert_eq!(project.read("out/a"), "one\n");
    assert!(git(&project, &["rm", "-q", "--cached", "out/a"]));
    project.atsaf("clean --orphans").has("out/a");
    assert!(!project.at("out/a").exists());
}

#[test]
fn a_verified_store_gives_nothing_back_that_was_changed() {
    let project = Project::new(
        "[params]\nn = 1\n[target.a]\nrun = \"echo {{n}} >> runs; echo {{n}} > {{output}}\"\noutput = \"out\"\n",
    );
    project.build("-q").ok();
    project.build("-q -s n=2").ok();
    // The copy of the first result says something else, at the same length.
    let objects = project.store();
    let first = objects.iter().find(|(_, bytes)| bytes.as_slice() == b"1\n");
    write(&project.at(".atsaf").join(first.expect("kept").0), b"X\n");
    set_mode(&project, ".atsaf", 0o777);
    project.build("-q --trust-store").ok();
    assert_eq!(project.read("out"), "1\n");
    assert_eq!(project.read("runs"), "1\n2\n1\n");
}

#[test]
fn a_store_is_for_its_owner_alone_whatever_the_umask() {
    let project = copier();
    project.edit("Atsaffile", "cat {{inputs}}", "echo printed; cat {{inputs}}");
    let mut command = Command::new("sh");
    command.args(["-c", "umask 000; exec \"$0\" build -q"]);
    command.arg(env!("CARGO_BIN_EXE_atsaf")).current_dir(project.at("."));
    Told::of(&mut command).ok();
    for path in [".atsaf", ".atsaf/v1", ".atsaf/v1/objects", ".atsaf/v1/locks"] {
        let mode = fs::metadata(project.at(path)).expect("there").permissions().mode();
        assert_eq!(mode & 0o777, 0o700, "{path}");
    }
    for entry in walkdir::WalkDir::new(project.at(".atsaf")).into_iter().flatten() {
        let mode = entry.metadata().expect("there").permissions().mode();
        assert_eq!(mode & 0o077, 0, "{}", entry.path().display());
    }
}

#[test]
fn links_in_a_store_are_followed_nowhere() {
    let names = [
        "journal",
        "index",
        "results",
        "spec",
        "objects",
        "memo",
        "outputs",
        "locks",
        "staging",
        "aside",
        "locks/objects",
        "locks/append",
        "locks/begin",
        "objects/ab",
        "memo/ab",
        "staging/x",
    ];
    for name in names {
        let project = copier();
        project.build("-q").ok();
        let victim = project.at("../victim");
        fs::create_dir_all(&victim).expect("made");
        write(&victim.join("file"), b"precious");
        let place = project.at(".atsaf/v1").join(name);
        let to = match place.is_file() {
            true => victim.join("file"),
            false => victim.clone(),
        };
        if place.is_dir() {
            fs::remove_dir_all(&place).expect("removed");
        } else {
            let _ = fs::remove_file(&place);
        }
        fs::create_dir_all(place.parent().expect("a parent")).expect("made");
        symlink(&to, &place).expect("linked");
        project.write("src.txt", "two\n");
        for command in ["build", "clean", "gc"] {
            project.atsaf(command);
            let left: Vec<String> = fs::read_dir(&victim)
                .expect("there")
                .map(|entry| entry.expect("read").file_name().to_string_lossy().into_owned())
                .collect();
            assert_eq!(left, ["file"], "{name}: {command}");
            let text = fs::read(victim.join("file")).expect("there");
            assert_eq!(text, b"precious", "{name}: {command}");
        }
    }
}

#[test]
fn a_file_of_the_store_that_has_another_name_is_not_written_to() {
    let project = copier();
    project.build("-q").ok();
    let locks = fs::read_dir(project.at(".atsaf/v1/locks")).expect("read").flatten();
    let locks: Vec<String> = locks
        .map(|lock| format!("locks/{}", lock.file_name().display()))
        .collect();
    assert!(locks.len() > 2, "{locks:?}");
    for name in locks.iter().map(String::as_str).chain(["journal"]) {
        let project = copier();
        project.build("-q").ok();
        project.write("mine", "precious");
        let place = project.at(".atsaf/v1").join(name);
        fs::remove_file(&place).expect("removed");
        fs::hard_link(project.at("mine"), &place).expect("linked");
        project.write("src.txt", "two\n");
        for command in ["build", "clean", "gc"] {
            project.atsaf(command);
            assert_eq!(project.read("mine"), "precious", "{name}: {command}");
        }
        fs::remove_file(&place).expect("removed");
        project.build("-q").ok();
    }
}

#[test]
fn a_pipe_in_the_place_of_a_file_of_the_store_hangs_nothing() {
    for name in ["journal", "index", "results", "spec", "locks/append"] {
        let project = copier();
        project.build("-q").ok();
        let place = project.at(".atsaf/v1").join(name);
        let _ = fs::remove_file(&place);
        let made = Command::new("mkfifo").arg(&place).status().expect("made");
        assert!(made.success());
        let mut command = Command::new("timeout");
        command
            .args(["20", env!("CARGO_BIN_EXE_atsaf"), "build"])
            .current_dir(project.at("."));
        let told = Told::of(&mut command);
        assert_ne!(told.code, Some(124), "{name}: {}", told.text);
    }
}

#[test]
fn a_kept_spec_of_another_user_is_missed() {
    let project = copier();
    project.build("-q").ok();
    let forged = Project::new(
        "[target.a]\nrun = \"cat {{inputs}} > {{output}}; echo forged > forged\"\ninputs = [\"src.txt\"]\noutput = \"out/a\"\n",
    );
    forged.write("src.txt", "one\n");
    forged.build("-q").ok();
    // What another user's atsaf kept of another Atsaffile, in the place of this one's.
    fs::copy(forged.at(".atsaf/v1/spec"), project.at(".atsaf/v1/spec")).expect("copied");
    project.write("src.txt", "two\n");
    project.build("-q").ok();
    assert!(!project.at("forged").exists());
    // And without a key of the user's there is none to be believed.
    project.write("src.txt", "three\n");
    let mut command = project.command("build -q");
    Told::of(command.env_remove("XDG_STATE_HOME")).ok();
    assert_eq!(project.read("out/a"), "three\n");
}

#[test]
fn artifacts_lie_in_nothing_that_says_what_others_run_or_holds_secrets() {
    for (path, what) in [
        (".git/hooks/pre-commit", "lies in `.git/`"),
        ("sub/.git/config", "lies in `.git/`"),
        (".github/workflows/x.yml", "lies in `.github/`"),
        (".env", "is `.env`"),
        (".atsaf/v1/journal", "lies in `.atsaf/`"),
    ] {
        let project = Project::new(&format!(
            "[target.a]\nrun = \"echo > {{{{output}}}}\"\noutput = \"{path}\"\n"
        ));
        let told = project.atsaf("check");
        assert_eq!(told.code, Some(2), "{path}: {}", told.text);
        told.has(what);
    }
}
