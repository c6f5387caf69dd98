//! A store that came from elsewhere: refused where it can be known, and harmless where not; what stands in its place is
//! never followed out of the project.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
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
fn orphans_go_only_if_the_journal_was_begun_by_the_same_user() {
    let project = copier();
    project.build("-q").ok();
    project.edit("Atsaffile", "out/a", "out/b");
    let from_elsewhere = |args: &str| {
        let mut command = project.command(args);
        Told::of(command.env("XDG_STATE_HOME", project.at("../stranger")))
    };
    from_elsewhere("clean --orphans -n").has("out/a");
    let refused = from_elsewhere("clean --orphans");
    refused.exits(4);
    refused.has("error: `.atsaf` was not begun by you on this machine");
    refused.has("help: if you restored `.atsaf` yourself: `atsaf clean --orphans --trust-store`");
    from_elsewhere("build -q").ok();
    from_elsewhere("gc --keep-runs 1").ok();
    from_elsewhere("clean --orphans").exits(4);
    assert_eq!(project.read("out/a"), "one\n");
    from_elsewhere("clean --orphans --trust-store").has("removed 1 artifact");
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
        "specs",
        "objects",
        "memo",
        "outputs",
        "locks",
        "runs",
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
fn a_link_in_the_place_of_a_lock_is_named() {
    for name in ["append", "begin", "objects"] {
        let project = copier();
        project.build("-q").ok();
        let place = project.at(".atsaf/v1/locks").join(name);
        fs::remove_file(&place).expect("removed");
        symlink(project.at("src.txt"), &place).expect("linked");
        project.write("src.txt", "two\n");
        let told = project.build("");
        told.has(&format!(
            "`.atsaf/v1/locks/{name}` cannot be used: it is no regular file"
        ));
        assert_eq!(project.read("src.txt"), "two\n");
    }
}

/// The one file in a directory.
fn only_file(directory: &Path) -> PathBuf {
    let mut entries = fs::read_dir(directory).expect("listed");
    let first = entries.next().expect("a file").expect("read");
    assert!(entries.next().is_none());
    first.path()
}

#[test]
fn a_pipe_in_the_place_of_a_file_of_the_store_hangs_nothing() {
    for name in ["journal", "index", "results", "specs/", "locks/append"] {
        let project = copier();
        project.build("-q").ok();
        let place = match name.strip_suffix('/') {
            Some(directory) => only_file(&project.at(".atsaf/v1").join(directory)),
            None => project.at(".atsaf/v1").join(name),
        };
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
    let kept = |project: &Project| only_file(&project.at(".atsaf/v1/specs"));
    fs::copy(kept(&forged), kept(&project)).expect("copied");
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

fn pipe(project: &Project, path: &str) {
    let made = Command::new("mkfifo").arg(project.at(path)).status().expect("made");
    assert!(made.success());
}

/// Runs the program, for twenty seconds at the most, after a line of the shell such as a limit.
fn within(project: &Project, before: &str, args: &str) -> Told {
    let mut shell = Command::new("timeout");
    let line = format!("{before}; exec \"$0\" {args}");
    shell.args(["20", "bash", "-c", &line, env!("CARGO_BIN_EXE_atsaf")]);
    shell.current_dir(project.at("."));
    let told = Told::of(&mut shell);
    assert_ne!(told.code, Some(124), "{args}: {}", told.text);
    told
}

#[test]
fn a_pipe_a_socket_or_a_device_is_no_input_and_hangs_nothing() {
    for input in ["./pipe", "./link", "./socket", "/dev/zero", "d/"] {
        let project = Project::new(&format!(
            "[target.a]\nrun = \"echo > {{{{output}}}}\"\ninputs = [\"{input}\"]\noutput = \"out\"\n"
        ));
        pipe(&project, "pipe");
        symlink("pipe", project.at("link")).expect("linked");
        fs::create_dir(project.at("d")).expect("made");
        pipe(&project, "d/pipe");
        let _socket = std::os::unix::net::UnixListener::bind(project.at("socket")).expect("bound");
        for command in ["build", "status", "why a", "plan"] {
            let told = within(&project, "true", command);
            assert_eq!(told.code, Some(2), "{input}: {}", told.text);
            told.has("neither a file nor a directory");
        }
        if input != "d/" {
            let told = within(&project, "true", "check");
            assert_eq!(told.code, Some(2), "{input}: {}", told.text);
        }
    }
}

#[test]
fn a_pipe_or_a_device_that_a_command_names_is_no_input() {
    let project = Project::new(
        "[target.a]\nrun = \"echo pipe zero d/pipe > {{output}}\"\ninputs = [\"d/*\"]\noutput = \"out\"\n",
    );
    pipe(&project, "pipe");
    symlink("/dev/zero", project.at("zero")).expect("linked");
    project.write("d/x", "1");
    pipe(&project, "d/pipe");
    within(&project, "true", "build -q").ok();
    assert_eq!(project.read("out"), "pipe zero d/pipe\n");
    // In the place of an artifact it is somebody else's, and is shown as what it is.
    project.remove("out");
    pipe(&project, "out");
    within(&project, "true", "show a").has("neither a file nor a directory");
    for command in ["status", "why a"] {
        within(&project, "true", command).ok();
    }
    within(&project, "true", "build -q");
    assert_eq!(project.read("out"), "pipe zero d/pipe\n");
}

#[test]
fn an_atsaffile_and_a_dotenv_are_regular_files_of_a_bounded_size() {
    let project = Project::new(
        "[secrets]\nS = { optional = true }\n[target.a]\nrun = \"echo ${S:-none} > {{output}}\"\nsecrets = [\"S\"]\noutput = \"out\"\n",
    );
    pipe(&project, "pipe");
    fs::File::create(project.at("large"))
        .expect("made")
        .set_len((64 << 20) + 1)
        .expect("set");
    for (file, why) in [
        ("pipe", "it is no regular file"),
        ("/dev/zero", "it is no regular file"),
        ("large", "it has more than 64 MiB"),
    ] {
        let told = within(&project, "true", &format!("check -f {file}"));
        assert_eq!(told.code, Some(2), "{file}: {}", told.text);
        told.has(&format!("`{file}` cannot be read: {why}"));
    }
    pipe(&project, ".env");
    let told = within(&project, "true", "build");
    told.ok();
    told.has("warning: `.env` cannot be read: it is no regular file");
    assert_eq!(project.read("out"), "none\n");
    project.remove(".env");
    project.write(".env", format!("S=x\n{}", "# a comment\n".repeat(100_000)));
    let told = within(&project, "true", "build -B");
    told.ok();
    told.has("warning: `.env` cannot be read: it has more than 1 MiB");
    project.remove(".env");
    project.write("elsewhere", "S=found\n");
    symlink("elsewhere", project.at(".env")).expect("linked");
    within(&project, "true", "build -B").ok();
    assert_eq!(project.read("out"), "found\n");
}

#[test]
fn what_a_link_in_the_place_of_an_output_leads_to_is_neither_placed_nor_touched() {
    for (output, replace, why) in [
        (
            "out/d/",
            "rm -rf {{output}}; ln -s \"$PWD/../victim\" {{output}}",
            "`out/d` is a link, not the directory itself",
        ),
        (
            "out/x",
            "ln -s \"$PWD/../victim/x\" {{output}}",
            "`out/x` is a link, not the file itself",
        ),
        (
            "out/x",
            "d=$(dirname {{output}}); rm -rf \"$d\"; ln -s \"$PWD/../victim\" \"$d\"",
            "the directory in which `out/x` was to be written was replaced by a link",
        ),
        (
            "x",
            "d=$(dirname {{output}}); rm -rf \"$d\"; ln -s \"$PWD/../victim\" \"$d\"",
            "the directory in which `x` was to be written was replaced by a link",
        ),
    ] {
        let project = Project::new(&format!("[target.a]\nrun = '''{replace}'''\noutput = \"{output}\"\n"));
        project.write("../victim/x", "precious");
        project.write("../victim/y", "precious");
        let told = project.build("");
        assert_eq!(told.code, Some(1), "{replace}: {}", told.text);
        told.has(why);
        assert_eq!(
            fs::read_dir(project.at("../victim")).expect("there").count(),
            2,
            "{replace}"
        );
        assert!(
            fs::symlink_metadata(project.at(output.trim_end_matches('/'))).is_err(),
            "{replace}"
        );
    }
}

#[test]
fn a_pattern_follows_no_link_out_of_the_project_that_it_does_not_name() {
    let project = Project::new(
        "[target.a]\nrun = \"cat {{inputs}} > {{output}}\"\ninputs = [\"data/**/*.txt\"]\noutput = \"out\"\n\
         [target.b]\nrun = \"cat {{inputs}} > {{output}}\"\ninputs = [\"disk/*.txt\"]\noutput = \"out2\"\n",
    );
    project.write("../outside/x.txt", "outside\n");
    project.write("../outside/deep/y.txt", "deep\n");
    symlink("deep/y.txt", project.at("../outside/z.txt")).expect("linked");
    project.write("data/a.txt", "a\n");
    project.write("real/b.txt", "b\n");
    symlink("../real", project.at("data/inside")).expect("linked");
    symlink("../../outside", project.at("data/directory")).expect("linked");
    symlink("../../outside/x.txt", project.at("data/file.txt")).expect("linked");
    symlink("../../outside/x.txt", project.at("data/file.other")).expect("linked");
    symlink("../outside", project.at("disk")).expect("linked");
    for command in ["build -j1", "check"] {
        let told = project.atsaf(command);
        told.ok();
        told.has("warning: the link `data/directory` leads out of the project, and no pattern follows it");
        told.has("warning: the link `data/file.txt` leads out of the project");
        assert!(!told.text.contains("file.other"), "{}", told.text);
    }
    assert_eq!(project.read("out"), "a\nb\n");
    // The pattern itself names this one, and what lies there is followed there.
    assert_eq!(project.read("out2"), "outside\ndeep\n");
}

#[test]
fn many_mistakes_of_one_kind_are_counted_and_told_in_time() {
    let targets = |line: &dyn Fn(usize) -> String| -> String {
        let target = |number| {
            let line = line(number);
            format!("[target.t{number}]\nrun = \"echo > {{{{output}}}}\"\n{line}\n")
        };
        (0..3_000).map(target).collect()
    };
    let texts = [
        targets(&|number| format!("inputs = [\"missing_{number}\"]\noutput = \"out/{number}\"")),
        targets(&|number| format!("inputs = [\"src/missing_{number}.txt\"]\noutput = \"out/{number}\"")),
        targets(&|number| format!("inputs = [\"src_{number}/*.txt\"]\noutput = \"out/{number}\"")),
        targets(&|number| format!("inputs = [\"t{}\"]\noutput = \"out/{number}\"", number ^ 1)),
        targets(&|number| format!("output = \"out/{}\"", number / 2)),
    ];
    for text in texts {
        let project = Project::new(&text);
        let told = within(&project, "true", "check");
        assert_eq!(told.code, Some(2));
        assert_eq!(told.text.matches("error: ").count(), 20, "{}", told.text);
        let more = ["and 2980 more of this kind", "and 1480 more of this kind"];
        assert!(more.iter().any(|more| told.text.contains(more)), "{}", told.text);
        let told = within(&project, "true", "check --json 2>/dev/null");
        assert_eq!(told.text.matches("\"severity\"").count(), 20, "{}", told.text);
        assert!(more.iter().any(|more| told.text.contains(more)), "{}", told.text);
    }
}

#[test]
fn with_little_memory_it_ends_with_a_message() {
    let project = copier();
    let begins = |limit: &u32| {
        within(&project, &format!("ulimit -v {limit}"), "build")
            .text
            .contains("of memory leaves")
    };
    let least = (0..400)
        .map(|step| 5_000 + 2_500 * step)
        .find(begins)
        .expect("enough to say that it is too little");
    // Below, the program's own memory does not suffice, or that of its libraries: who loads it says so, or the kernel ends it.
    for limit in (0..50).map(|step| least - 50 * step) {
        let told = within(&project, &format!("ulimit -c 0; ulimit -v {limit}"), "build");
        let loaded = !matches!(told.code, None | Some(127));
        assert_eq!(
            loaded,
            told.text.contains("of memory leaves"),
            "{limit}: {:?} {}",
            told.code,
            told.text
        );
        assert!(!told.text.contains("memory allocation of"), "{limit}: {}", told.text);
    }
    let mut works = None;
    for limit in (0..24).map(|step| least + 2_500 * step) {
        for command in ["build", "status", "check"] {
            let told = within(&project, &format!("ulimit -c 0; ulimit -v {limit}"), command);
            assert!(!told.text.contains("panicked"), "{limit} {command}: {}", told.text);
            assert!(
                matches!(told.code, Some(0..=4)),
                "{limit} {command}: {:?} {}",
                told.code,
                told.text
            );
            if told.code == Some(0) {
                works.get_or_insert(limit);
            }
        }
    }
    let works = works.expect("enough for a small project");
    let targets = (0..60_000).map(|number| format!("[target.t{number}]\nrun = \"true\"\noutput = \"{number}\"\n"));
    project.write("Atsaffile", targets.collect::<String>());
    let told = within(&project, &format!("ulimit -v {works}"), "check");
    assert_eq!(told.code, Some(1), "{}", told.text);
    told.has("memory allocation of");
}

#[test]
fn bytes_that_are_no_text_in_the_environment_or_the_arguments_panic_nowhere() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt as _;

    let project = Project::new(
        "[params]\np = \"x\"\n[secrets]\nS = { optional = true }\n\
         [target.a]\nrun = \"echo {{p}} ${S:-none} > {{output}}\"\nsecrets = [\"S\"]\nenv = [\"E\"]\noutput = \"out\"\n",
    );
    project.write(".env", b"S=\"a\0b\"\nA=B=C\n=x\nT=\xff\n");
    let odd = OsStr::from_bytes(b"\xff\xfe");
    for name in [
        "S",
        "E",
        "HOME",
        "TMPDIR",
        "TERM",
        "XDG_STATE_HOME",
        "ATSAF_PROJECT",
        "NO_COLOR",
        "CLICOLOR_FORCE",
    ] {
        Told::of(project.command("build -q -B").env(name, odd)).ok();
        assert_eq!(project.read("out"), "x none\n", "{name}");
    }
    Told::of(project.command("build -q").env(odd, odd)).ok();
    let odd_value = OsStr::from_bytes(b"p=\xff");
    let told = Told::of(project.command("build -s").arg(odd_value));
    told.exits(2);
    told.has("invalid UTF-8");
    project.build("-q -s p=a=b").ok();
    assert_eq!(project.read("out"), "a=b none\n");
    project.build("-s =v").exits(2);
    Told::of(project.command("build").arg(odd)).exits(2);
}

#[test]
fn a_new_file_among_many_inputs_is_explained_by_itself() {
    let project = Project::new(
        "[target.a]\nrun = \"wc -l {{inputs_file}} > {{output}}\"\ninputs = [\"d/*\"]\noutput = \"out\"\n",
    );
    for number in 0..15_000 {
        project.write(&format!("d/{number:05}"), number.to_string());
    }
    project.build("-q").ok();
    project.write("d/new", "new");
    let told = within(&project, "ulimit -v 1000000", "why a");
    told.ok();
    told.has("d/new");
    told.has("+ d/new");
    within(&project, "ulimit -v 1000000", "build -q").ok();
}

#[test]
fn hundreds_of_commands_at_once_need_little_memory() {
    let targets = (0..300).map(|number| {
        format!("[target.t{number}]\nrun = \"sleep 1; echo > {{{{output}}}}\"\noutput = \"out/{number}\"\n")
    });
    let project = Project::new(&targets.collect::<String>());
    let running = project.start("build -q -j 300");
    let peak = || {
        let status = fs::read_to_string(format!("/proc/{}/status", running.id())).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        line.and_then(|line| line.trim().strip_suffix(" kB")?.parse::<u64>().ok())
    };
    let mut most = 0;
    // What has ended has no memory any more.
    while let Some(now) = peak() {
        most = most.max(now);
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    running.collect().ok();
    assert_eq!(fs::read_dir(project.at("out")).expect("outputs").count(), 300);
    assert!((1..400_000).contains(&most), "{most} kB");
}
