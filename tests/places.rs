//! Permissions: directories that may not be written to, modes that come back, what cannot be read; and what `why` says
//! of directories.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::process::Command;

use crate::project::{Project, Told, copy_of_the_program};

/// Somebody who is not root.
const NOBODY: u32 = 65534;

/// Runs the program as somebody who is not root, to whom the project belongs.
fn as_nobody(project: &Project, args: &str) -> Told {
    if !rustix::process::geteuid().is_root() {
        return project.atsaf(args);
    }
    let top = project.at("..");
    fs::set_permissions(&top, Permissions::from_mode(0o755)).expect("set");
    let program = top.join("atsaf");
    if !program.exists() {
        copy_of_the_program(&program);
        for entry in walkdir::WalkDir::new(project.at(".")) {
            chown(entry.expect("an entry").path(), Some(NOBODY), Some(NOBODY)).expect("changed");
        }
    }
    let nobody = NOBODY.to_string();
    let mut command = Command::new("setpriv");
    command
        .args(["--reuid", &nobody, "--regid", &nobody, "--clear-groups", "../atsaf"])
        .args(args.split_whitespace())
        .current_dir(project.at("."))
        .env_clear()
        .env("PATH", "/usr/local/bin:/usr/bin:/bin");
    Told::of(&mut command)
}

fn mode(project: &Project, path: &str) -> u32 {
    let it = fs::symlink_metadata(project.at(path)).expect("there");
    it.permissions().mode() & 0o7777
}

const LOCKED: &str = r#"
[params]
n = 1

[target.t]
run = "mkdir {{output}}/p; echo {{n}} > {{output}}/p/f; chmod 444 {{output}}/p/f; chmod 555 {{output}}/p {{output}}"
output = "mod/"
"#;

#[test]
fn directories_that_may_not_be_written_to_are_replaced_restored_and_removed() {
    let project = Project::new(LOCKED);
    as_nobody(&project, "build").ok();
    assert_eq!((mode(&project, "mod"), mode(&project, "mod/p")), (0o555, 0o555));
    as_nobody(&project, "build -s n=2").ok();
    assert_eq!(project.read("mod/p/f"), "2\n");
    as_nobody(&project, "build").ok();
    assert_eq!(project.read("mod/p/f"), "1\n");
    assert_eq!(
        ["mod", "mod/p", "mod/p/f"].map(|path| mode(&project, path)),
        [0o555, 0o555, 0o444]
    );
    assert!(project.displaced().is_empty());
    as_nobody(&project, "clean").ok();
    assert!(!project.at("mod").exists());
    let staging = fs::read_dir(project.at(".atsaf/v1/staging")).expect("read").count();
    assert_eq!(staging, 0, "nothing is left behind");
    as_nobody(&project, "build").ok();
    assert_eq!(project.read("mod/p/f"), "1\n");
}

#[test]
fn a_restore_brings_back_the_modes() {
    let project = Project::new(
        r#"
[params]
n = 1

[target.t]
run = "cd {{output}}; mkdir p q; echo {{n}} > p/f; echo {{n}} > p/g; chmod 700 p; chmod 600 p/g; chmod 2755 q; chmod 750 ."
output = "d/"

[target.f]
run = "echo {{n}} f > {{output}}; chmod 600 {{output}}"
output = "f"
"#,
    );
    let paths = ["d", "d/p", "d/p/f", "d/p/g", "f"];
    project.build("").ok();
    let made = paths.map(|path| mode(&project, path));
    assert_eq!((made[0], made[1], made[3], made[4]), (0o750, 0o700, 0o600, 0o600));
    project.build("-s n=2").ok();
    project.build("").ok();
    assert_eq!(project.read("d/p/f"), "1\n");
    assert_eq!(paths.map(|path| mode(&project, path)), made);
    assert_eq!(
        mode(&project, "d/q"),
        0o755,
        "whose rights a program has does not come back"
    );
}

#[test]
fn modes_alone_are_as_the_last_run_or_restore_made_them() {
    let project = Project::new(
        r#"
[params]
m = 755
f = 644

[target.t]
run = "mkdir {{output}}/p; echo 1 > {{output}}/p/f; chmod {{f}} {{output}}/p/f; chmod {{m}} {{output}}/p"
output = "d/"

[target.f]
run = "echo 1 > {{output}}; chmod {{f}} {{output}}"
output = "f"

[target.r]
run = "echo r >> ../ran; cat {{inputs}}/p/f > {{output}}"
inputs = ["t"]
output = "r"
"#,
    );
    let modes = || ["d/p", "d/p/f", "f"].map(|path| mode(&project, path));
    for (set, made) in [
        ("", [0o755, 0o644, 0o644]),
        ("-s m=700 -s f=600", [0o700, 0o600, 0o600]),
        ("", [0o755, 0o644, 0o644]),
        ("-s m=700 -s f=600", [0o700, 0o600, 0o600]),
    ] {
        project.build(set).ok();
        assert_eq!(modes(), made, "{set}");
    }
    assert_eq!(project.ran(), "r", "the content is the same");
}

#[test]
fn what_cannot_be_read_is_said_with_its_path() {
    let project = Project::new(
        "[target.t]\nrun = \"ls {{inputs}} > {{output}}\"\ninputs = [\"d/\"]\noutput = \"t.out\"\n[target.f]\nrun = \"cat \
         {{inputs}} > {{output}}\"\ninputs = [\"e/sub/file\"]\noutput = \"f.out\"\n",
    );
    project.write("d/sub/file", "text");
    project.write("e/sub/file", "text");
    as_nobody(&project, "list").ok();
    for path in ["d/sub", "e/sub"] {
        fs::set_permissions(project.at(path), Permissions::from_mode(0o000)).expect("set");
    }
    for command in ["build t", "why t", "plan t"] {
        let told = as_nobody(&project, command);
        assert_eq!(told.code, Some(2), "{command}: {}", told.text);
        assert!(
            told.text.contains("d/sub`: permission denied"),
            "{command}: {}",
            told.text
        );
    }
    for command in ["build f", "why f"] {
        let told = as_nobody(&project, command);
        assert_eq!(told.code, Some(2), "{command}: {}", told.text);
        assert!(
            told.text.contains("`e/sub/file` cannot be read: permission denied"),
            "{command}: {}",
            told.text
        );
    }
    for path in ["d/sub", "e/sub"] {
        fs::set_permissions(project.at(path), Permissions::from_mode(0o755)).expect("set");
    }
}

const LIST: &str = "[target.t]\nrun = \"ls -R {{inputs}} > {{output}}\"\ninputs = [\"d/\"]\noutput = \"out\"\n";

#[test]
fn why_names_the_files_of_a_directory_that_came_went_or_changed_and_no_other() {
    let project = Project::new(LIST);
    for name in ["same", "touched", "went", "content", "program", "sub/a"] {
        project.write(&format!("d/{name}"), name);
    }
    project.build("").ok();
    project.write("d/touched", "touched");
    project.remove("d/went");
    project.write("d/content", "other");
    fs::set_permissions(project.at("d/program"), Permissions::from_mode(0o755)).expect("set");
    project.write("d/sub/b", "new");
    let told = project.atsaf("why t");
    told.ok();
    for part in [
        "d/went is gone",
        "d/content has other content",
        "d/program has another permission",
        "d/sub/b is new",
    ] {
        assert!(told.text.contains(part), "{part}: {}", told.text);
    }
    for name in ["d/same", "d/touched", "d/sub/a"] {
        assert!(!told.text.contains(name), "{name}: {}", told.text);
    }
}

#[test]
fn why_names_what_was_altered_in_a_directory_artifact() {
    let project = Project::new("[target.t]\nrun = \"touch {{output}}/a {{output}}/b\"\noutput = \"d/\"\n");
    project.build("").ok();
    project.write("d/b", "edited");
    let told = project.atsaf("why t");
    assert!(told.text.contains("d/b has other content"), "{}", told.text);
    assert!(!told.text.contains("d/a"), "{}", told.text);
}

#[test]
fn why_says_of_a_file_that_only_its_permission_changed() {
    let project =
        Project::new("[target.t]\nrun = \"cat {{inputs}} > {{output}}\"\ninputs = [\"a.sh\"]\noutput = \"out\"\n");
    project.write("a.sh", "text");
    project.build("").ok();
    fs::set_permissions(project.at("a.sh"), Permissions::from_mode(0o755)).expect("set");
    let told = project.atsaf("why t");
    assert!(told.text.contains("a.sh has another permission"), "{}", told.text);
}

#[test]
fn an_artifact_keeps_what_python_cached_when_it_was_made() {
    let project = Project::new(
        "[params]\nn = 1\n[target.t]\nrun = \"mkdir {{output}}/__pycache__; echo {{n}} > {{output}}/__pycache__/a.pyc\"\noutput \
         = \"d/\"\n",
    );
    project.build("").ok();
    project.build("-s n=2").ok();
    assert_eq!(project.read("d/__pycache__/a.pyc"), "2\n");
    project.build("").ok();
    assert_eq!(project.read("d/__pycache__/a.pyc"), "1\n");
}
