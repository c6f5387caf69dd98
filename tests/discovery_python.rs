//! What Python programs tell of themselves: the files and modules of the project that they use, and the packages.

use std::time::{Duration, SystemTime};

use crate::project::{Project, Told, has_python};

/// A target that runs a script, which lies where its path is no word of the command's.
fn scripted(run: &str) -> Project {
    let atsaffile =
        format!("[target.fit]\nrun = \"echo fit >> ../ran; {run} > {{{{output}}}}\"\noutput = \"out/fit.txt\"\n");
    Project::new(&atsaffile)
}

impl Project {
    /// Asserts that an edit of a file makes the target run, and that the edit taken back restores what was there.
    #[track_caller]
    fn counts(&self, path: &str, other: &str) {
        let (before, made) = (self.read(path), self.read("out/fit.txt"));
        self.ran();
        self.write(path, other);
        let why = self.atsaf("why fit");
        why.has(path);
        why.has("seen by Python");
        self.build("").has("1 built");
        assert_eq!(self.ran(), "fit", "{path}");
        self.write(path, before);
        self.build("").has("1 restored");
        assert_eq!(self.read("out/fit.txt"), made);
        assert_eq!(self.ran(), "", "{path}");
    }

    /// Asserts that nothing has to be done.
    #[track_caller]
    fn rests(&self) {
        self.build("").has("nothing to do");
    }
}

#[test]
fn imported_modules_and_opened_files_make_stale_and_come_back() {
    if !has_python() {
        return;
    }
    let project = scripted("python3 fit.py");
    project.write(
        "fit.py",
        "import lib.model\nfrom lib import late\nprint(lib.model.VALUE, late.value(), open('conf/x.yaml').read())\n",
    );
    project.write("lib/__init__.py", "");
    project.write("lib/model.py", "from .inner import VALUE\n");
    project.write("lib/inner.py", "VALUE = 1\n");
    project.write(
        "lib/late.py",
        "def value():\n    from lib import lazy\n    return lazy.VALUE\n",
    );
    project.write("lib/lazy.py", "VALUE = 1\n");
    project.write("lib/other.py", "VALUE = 1\n");
    project.write("conf/x.yaml", "1");
    project.build("").ok();
    project.rests();
    assert_eq!(project.read("out/fit.txt"), "1 1 1\n");
    project.counts("lib/inner.py", "VALUE = 22\n");
    project.counts("lib/lazy.py", "VALUE = 33\n");
    project.counts("lib/__init__.py", "X = 1\n");
    project.counts("conf/x.yaml", "44");
    // Nobody imports it.
    project.write("lib/other.py", "VALUE = 2\n");
    project.rests();
    // The compiled modules that Python keeps by now are no reason to miss an edit.
    project.counts("lib/inner.py", "VALUE = 55\n");
}

#[test]
fn a_module_of_another_text_with_its_size_and_time_is_compiled_again() {
    if !has_python() {
        return;
    }
    let project = scripted("python3 fit.py");
    project.write("fit.py", "import lib\nprint(lib.VALUE)\n");
    for value in ["1", "2", "1"] {
        project.write("lib.py", format!("VALUE = {value}\n"));
        let file = std::fs::File::options()
            .write(true)
            .open(project.at("lib.py"))
            .expect("opened");
        let long_ago = SystemTime::UNIX_EPOCH + Duration::from_hours(24 * 365 * 50);
        file.set_modified(long_ago).expect("set");
        project.build("").ok();
        assert_eq!(project.read("out/fit.txt"), format!("{value}\n"));
        project.rests();
    }
}

#[test]
fn packages_run_with_m_and_namespaces_are_seen() {
    if !has_python() {
        return;
    }
    let project = scripted("python3 -m tool.main");
    project.write("tool/main.py", "import space.part\nprint(space.part.VALUE)\n");
    project.write("space/part.py", "VALUE = 1\n");
    project.build("").ok();
    project.rests();
    project.counts("tool/main.py", "import space.part\nprint(space.part.VALUE + 1)\n");
    project.counts("space/part.py", "VALUE = 2\n");
    // A package that takes the place of the namespace.
    project.write("space/__init__.py", "");
    project.build("").has("1 built");
}

#[test]
fn child_processes_that_are_python_are_seen_forked_and_spawned() {
    if !has_python() {
        return;
    }
    let project = scripted("python3 main.py");
    project.write(
        "main.py",
        r#"
import multiprocessing, subprocess, sys

def read(path):
    with open(path) as file:
        return file.read()

if __name__ == "__main__":
    for method, path in [("fork", "a.txt"), ("spawn", "b.txt")]:
        with multiprocessing.get_context(method).Pool(1) as pool:
            print(pool.map(read, [path])[0])
    print(subprocess.run([sys.executable, "-c", "print(open('c.txt').read())"], stdout=-1, check=True).stdout)
"#,
    );
    for name in ["a.txt", "b.txt", "c.txt"] {
        project.write(name, "1");
    }
    project.build("").ok();
    project.rests();
    for name in ["a.txt", "b.txt", "c.txt"] {
        project.counts(name, "2");
    }
}

#[test]
fn what_is_not_there_counts_when_it_appears() {
    if !has_python() {
        return;
    }
    let project = scripted("python3 fit.py");
    project.write(
        "fit.py",
        "import json\ntry:\n    print(open('own.txt').read())\nexcept OSError:\n    print('none')\n",
    );
    project.build("").ok();
    project.rests();
    project.write("own.txt", "own");
    project.atsaf("why fit").has("is there now");
    project.build("").has("1 built");
    assert_eq!(project.read("out/fit.txt"), "own\n");
    project.remove("own.txt");
    project.build("").has("1 restored");
    // A module that stands before the one that is imported.
    project.write("json.py", "");
    project.build("").has("1 built");
}

#[test]
fn a_module_that_is_imported_by_its_name_in_a_text_gives_way_to_one_that_comes_before_it() {
    if !has_python() {
        return;
    }
    let project = scripted("python3 fit.py");
    project.write(
        "fit.py",
        "import importlib\nprint(importlib.import_module('parts.one').v, importlib.import_module('json').__name__)\n",
    );
    project.write("parts/one.py", "v = 1\n");
    project.build("").ok();
    project.rests();
    project.write("parts/__init__.py", "print('package')\n");
    project.atsaf("why fit").has("parts/__init__.py  is there now");
    project.build("").has("1 built");
    assert_eq!(project.read("out/fit.txt"), "package\n1 json\n");
    project.rests();
    project.write("json.py", "print('own')\n");
    project.build("").has("1 built");
    assert_eq!(project.read("out/fit.txt"), "package\nown\n1 json\n");
}

#[test]
fn names_in_a_directory_count_where_they_are_asked_for() {
    if !has_python() {
        return;
    }
    let project = scripted("python3 fit.py");
    project.write(
        "fit.py",
        "import glob, os\nopen('data/own.log', 'w').close()\nos.makedirs('data/sub', exist_ok=True)\nprint(sorted(os.listdir('data')), sorted(glob.glob('more/*')))\n",
    );
    project.write("data/a.csv", "1");
    project.write("more/b.csv", "1");
    project.build("").ok();
    // What the script writes there itself, and contents that it does not read, are nothing.
    project.rests();
    project.write("data/a.csv", "2");
    project.rests();
    project.write("data/c.csv~", "2");
    project.rests();
    project.write("data/c.csv", "2");
    project.atsaf("why fit").has("data/");
    project.build("").has("1 built");
    project.rests();
    project.write("more/d.csv", "2");
    project.build("").has("1 built");
    project.remove("more/d.csv");
    project.build("").has("1 restored");
}

#[test]
fn what_a_program_writes_itself_is_no_input() {
    if !has_python() {
        return;
    }
    let project = scripted("python3 fit.py");
    project.write(
        "fit.py",
        r#"
import os, sqlite3, time
try:
    state = int(open("state.txt").read())
except OSError:
    state = 0
open("state.txt", "w").write(str(state + 1))
open("new.txt", "w").write(str(time.time()))
os.replace("new.txt", "placed.txt")
open("placed.txt").read()
base = sqlite3.connect("base.db")
base.execute("create table if not exists t (a)")
base.execute("insert into t values (1)")
base.commit()
base.close()
print(open("data.txt").read())
"#,
    );
    project.write("data.txt", "1");
    let told = project.build("");
    told.ok();
    assert_eq!(project.ran(), "fit", "{}", told.text);
    project.rests();
    project.write("state.txt", "7");
    project.rests();
    project.counts("data.txt", "2");
}

#[test]
fn an_undeclared_artifact_fails_the_attempt_even_if_it_is_not_there() {
    if !has_python() {
        return;
    }
    let atsaffile = r#"
[target.clean]
run = "python3 clean.py {{output}}"
output = "data/clean.csv"

[target.fit]
run = "python3 fit.py > {{output}}"
output = "out/fit.txt"
after = ["clean"]
"#;
    let project = Project::new(atsaffile);
    project.write("clean.py", "import sys\nopen(sys.argv[1], 'w').write('1')\n");
    project.write("fit.py", "print(open('data/clean.csv').read())\n");
    let line = "`inputs = [\"clean\"]`";
    let told = project.atsaf("build fit");
    told.exits(1);
    told.has("it opened `data/clean.csv`, which `clean` makes without declaring it");
    told.has(line);
    let told = project.build("");
    told.exits(1);
    told.has("`fit` failed: it opened `data/clean.csv`, which `clean` makes without declaring it");
    told.has(line);
    project.edit("Atsaffile", "after = [\"clean\"]", "inputs = [\"clean\"]");
    project.build("").ok();
    assert_eq!(project.read("out/fit.txt"), "1\n");
    project.rests();
}

#[test]
fn a_module_that_is_edited_after_it_was_imported_makes_the_attempt_void() {
    if !has_python() {
        return;
    }
    let project = scripted("python3 fit.py");
    project.write("lib.py", "VALUE = 1\n");
    // The script stands for a person: its first run edits what it has imported, by a program that is no Python.
    project.write(
        "fit.py",
        "import lib, os\nif not os.path.exists('../edited'):\n    os.system('touch ../edited; echo VALUE = 2 > lib.py')\nprint(lib.VALUE)\n",
    );
    project.build("").ok();
    assert_eq!(project.ran(), "fit fit");
    assert_eq!(project.read("out/fit.txt"), "2\n");
    project.rests();
}

#[test]
fn a_sitecustomize_of_the_project_runs_as_ever() {
    if !has_python() {
        return;
    }
    let project = Project::new(
        "[target.fit]\nrun = \"python3 fit.py > {{output}}\"\noutput = \"out/fit.txt\"\nenv = [\"PYTHONPATH\"]\n",
    );
    project.write("site/sitecustomize.py", "import sys\nsys.mark = 'own'\n");
    project.write(
        "fit.py",
        "import sys, sitecustomize\nprint(sys.mark, sitecustomize.__file__.endswith('site/sitecustomize.py'))\n\
         print([path for path in sys.path if '.atsaf' in path])\n",
    );
    let build = || Told::of(project.command("build").env("PYTHONPATH", project.at("site")));
    build().ok();
    assert_eq!(project.read("out/fit.txt"), "own True\n[]\n");
    build().has("nothing to do");
    project.write("site/sitecustomize.py", "import sys\nsys.mark = 'other'\n");
    build().has("1 built");
    // One with an error in it says so as without atsaf.
    project.write("site/sitecustomize.py", "raise ValueError('on purpose')\n");
    project.write("fit.py", "print(1)\n");
    build().ok();
    assert_eq!(project.read("out/fit.txt"), "1\n");
}

#[test]
fn a_program_runs_as_without_the_hook_whatever_it_does() {
    if !has_python() {
        return;
    }
    let project = scripted("python3 -W error -bb fit.py 2>&1");
    project.write(
        "fit.py",
        r#"
import os, sys, threading, warnings
os.closerange(3, 64)
with open("made.txt", "w") as made:
    made.write("made")
os.makedirs("sub", exist_ok=True)
os.chdir("sub")
with open("../data.txt", "rb") as data:
    data.read()
with open(b"../more.txt") as more:
    print(more.read(), end="")
fd = os.open("../raw.txt", os.O_RDONLY)
os.close(fd)
def read():
    with open("../thread.txt") as file:
        file.read()
threads = [threading.Thread(target=read) for _ in range(8)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
os.rmdir("../sub")
try:
    open("gone")
except OSError:
    print("gone")
for wrong in (None, 1.5, "\0", object()):
    try:
        open(wrong)
    except (TypeError, ValueError):
        print("wrong")
"#,
    );
    for name in ["data.txt", "more.txt", "raw.txt", "thread.txt"] {
        project.write(name, "1\n");
    }
    project.build("").ok();
    assert_eq!(project.read("out/fit.txt"), "1\ngone\nwrong\nwrong\nwrong\nwrong\n");
    assert_eq!(project.read("made.txt"), "made");
    project.rests();
    for name in ["data.txt", "more.txt", "raw.txt", "thread.txt"] {
        project.write(name, "2\n");
        project.build("").has("1 built");
    }
}

#[test]
fn an_isolated_python_tells_nothing_and_that_is_said_once() {
    if !has_python() {
        return;
    }
    let project = scripted("python3 -I fit.py");
    project.write("fit.py", "print(open('data.txt').read())\n");
    project.write("data.txt", "1");
    project
        .build("")
        .has("nothing that `fit` uses is discovered, for `python3 -I` does not let atsaf look");
    let replaced = scripted("PYTHONPATH=src python3 fit.py");
    replaced.write("fit.py", "print(1)\n");
    replaced.build("").has("append `:$PYTHONPATH`");
    project.write("data.txt", "2");
    project.rests();
    project.write("fit.py", "print(open('data.txt').read() + '!')\n");
    let told = project.build("");
    told.has("1 built");
    assert!(!told.text.contains("is discovered"), "{}", told.text);
}

#[test]
fn packages_count_by_name_and_version() {
    if !has_python() {
        return;
    }
    let project = Project::new(
        "[target.fit]\nrun = \"python3 fit.py > {{output}}\"\noutput = \"out/fit.txt\"\nenv = [\"PYTHONPATH\"]\n",
    );
    project.write("fit.py", "import thing, other_thing\nprint(thing.VALUE)\n");
    project.write("../site/thing/__init__.py", "VALUE = 1\n");
    project.write("../site/thing-1.0.dist-info/RECORD", "thing/__init__.py,,\n");
    project.write("../site/other_thing.py", "");
    project.write("../site/Third-2.0.dist-info/RECORD", "other_thing.py,,\n");
    let command = |args: &str| Told::of(project.command(args).env("PYTHONPATH", project.at("../site")));
    command("build").ok();
    command("build").has("nothing to do");
    // Its files are the installer's affair: only the version counts.
    project.write("../site/thing/__init__.py", "VALUE = 1 + 1\n");
    command("build").has("nothing to do");
    let rename = |from: &str, to: &str| {
        project.write(
            &format!("../site/{to}/RECORD"),
            project.read(&format!("../site/{from}/RECORD")),
        );
        project.remove(&format!("../site/{from}"));
    };
    rename("thing-1.0.dist-info", "thing-1.1.dist-info");
    let why = command("why fit");
    why.has("thing");
    why.has("1.0 -> 1.1");
    command("build").has("1 built");
    assert_eq!(project.read("out/fit.txt"), "2\n");
    rename("Third-2.0.dist-info", "Third-2.1.dist-info");
    command("why fit").has("2.0 -> 2.1");
    command("build").has("1 built");
    rename("thing-1.1.dist-info", "thing-1.0.dist-info");
    rename("Third-2.1.dist-info", "Third-2.0.dist-info");
    command("build").has("1 restored");
}

#[test]
fn a_virtual_environment_in_the_project_counts_by_its_packages() {
    if !has_python() {
        return;
    }
    let project = scripted("PYTHONPATH=$PYTHONPATH:.venv/lib/python3.11/site-packages python3 fit.py");
    project.write("fit.py", "import thing\nprint(thing.VALUE)\n");
    project.write(".venv/pyvenv.cfg", "home = /usr/bin\n");
    project.write(".venv/lib/python3.11/site-packages/thing.py", "VALUE = 1\n");
    project.build("").ok();
    project.write(".venv/lib/python3.11/site-packages/thing.py", "VALUE = 2\n");
    project.rests();
}

#[test]
fn a_command_that_starts_no_python_is_left_alone() {
    let project = scripted("cat data.txt");
    project.write("data.txt", "1\n");
    project.build("").ok();
    project.rests();
    let off = scripted("{ env | grep -e PYTHON -e ATSAF_NOTES || true; }");
    off.edit("Atsaffile", "output = ", "discover = \"off\"\noutput = ");
    off.build("").ok();
    assert_eq!(off.read("out/fit.txt"), "");
}

#[test]
fn a_result_at_which_nobody_looked_does_not_come_back_where_others_tell_more() {
    if !has_python() {
        return;
    }
    let project = scripted("python3 fit.py");
    project.write("fit.py", "import lib\nprint(lib.VALUE)\n");
    project.write("lib.py", "VALUE = 1\n");
    project.edit("Atsaffile", "output = ", "discover = \"off\"\noutput = ");
    project.build("").ok();
    project.edit("Atsaffile", "discover = \"off\"\n", "");
    project.rests();
    project.build("-B").ok();
    project.write("lib.py", "VALUE = 2\n");
    project.build("").has("1 built");
    assert_eq!(project.read("out/fit.txt"), "2\n");
}

#[test]
fn an_effect_acts_again_for_what_it_was_seen_to_use_and_its_key_follows() {
    if !has_python() {
        return;
    }
    let project = scripted("echo $ATSAF_EFFECT_KEY >> ../keys; python3 fit.py");
    project.edit("Atsaffile", "output = ", "effect = true\noutput = ");
    project.write("fit.py", "print(open('data.txt').read())\n");
    project.write("data.txt", "1");
    let key = || project.read("../keys").lines().last().map(str::to_owned);
    project.build("").ok();
    project.rests();
    project.build("-B").ok();
    let first = key();
    project.write("data.txt", "2");
    project.build("").has("1 built");
    assert_ne!(key(), first);
    project.write("data.txt", "1");
    project.build("").has("1 built");
    assert_eq!(key(), first, "the same again");
}

/// Stands for a library of native code: it reads the file by a program that is no Python.
const NATIVE: &str = r#"
import subprocess

def read_parquet(source):
    return subprocess.run(["cat", str(source)], stdout=-1, check=True).stdout.decode()

class DuckDBPyConnection:
    def execute(self, query):
        return read_parquet(query.split("'")[1])
"#;

#[test]
fn files_that_native_code_opens_are_seen_by_the_names_that_it_is_given() {
    if !has_python() {
        return;
    }
    let project = scripted("PYTHONPATH=$PYTHONPATH:../site python3 fit.py");
    project.write("../site/polars/__init__.py", NATIVE);
    project.write("../site/duckdb.py", NATIVE);
    project.write(
        "fit.py",
        "import duckdb, pathlib\nfrom polars import read_parquet\nprint(read_parquet(pathlib.Path('data/a.parquet')), \
         read_parquet.__name__)\nprint(duckdb.DuckDBPyConnection().execute(\"from 'data/b.parquet'\"))\n",
    );
    for name in ["data/a.parquet", "data/b.parquet"] {
        project.write(name, "1");
    }
    project.build("").ok();
    assert_eq!(project.read("out/fit.txt"), "1 read_parquet\n1\n");
    project.rests();
    for name in ["data/a.parquet", "data/b.parquet"] {
        project.counts(name, "2");
    }
}

/// A project whose target uses three files that it does not declare.
fn built() -> Project {
    let project = scripted("python3 fit.py");
    project.write(
        "fit.py",
        "import lib.model\nprint(lib.model.VALUE, open('conf.yaml').read())\n",
    );
    project.write("lib/__init__.py", "");
    project.write("lib/model.py", "VALUE = 1\n");
    project.write("conf.yaml", "1");
    project.build("").ok();
    project
}

#[test]
fn what_was_seen_is_listed_with_means_and_run_and_explained() {
    if !has_python() {
        return;
    }
    let project = built();
    let list = project.atsaf("list fit");
    for text in [
        "  uses",
        "lib/model.py",
        "conf.yaml",
        "seen by Python in run",
        "python",
        "not there",
    ] {
        list.has(text);
    }
    let json = project.atsaf("list --json fit");
    for text in [
        "\"discover\":\"auto\"",
        "\"by\":\"auto\"",
        "\"path\":\"lib/model.py\"",
        "\"content\":\"absent\"",
    ] {
        assert!(json.text.replace(": ", ":").contains(text), "{text} in\n{}", json.text);
    }
    let why = project.atsaf("why fit");
    why.has("fit is fresh");
    why.has("lib/model.py");
    why.has("seen by Python");
    project.write("lib/model.py", "VALUE = 22\n");
    let why = project.atsaf("why fit");
    why.has("lib/model.py");
    why.has("content ");
    let json = project.atsaf("why --json fit").text.replace(": ", ":");
    assert!(json.contains("\"field\":\"discovered\""), "{json}");
    project.build("").ok();
    project.atsaf("why fit").has("lib/model.py");
}

#[test]
fn check_says_what_to_declare_and_is_silent_once_it_is() {
    if !has_python() {
        return;
    }
    let project = built();
    project.atsaf("check").ok();
    let told = project.atsaf("check --undeclared");
    told.ok();
    let line = "inputs = [\"conf.yaml\", \"lib/__init__.py\", \"lib/model.py\"]";
    told.has(&format!("write in `[target.fit]`, Atsaffile:1: `{line}`"));
    project.atsaf("check --undeclared --exit-code").exits(3);
    project.atsaf("check --undeclared --json").has("\"line\"");
    project.edit("Atsaffile", "output = ", &format!("{line}\noutput = "));
    let told = project.atsaf("check --undeclared --exit-code");
    told.ok();
    told.has("no target was seen to use more than it declares");
    project.build("").ok();
    project.atsaf("check --undeclared --exit-code").ok();
    project.atsaf("check --exit-code").exits(2);
}

#[test]
fn what_was_seen_is_told_to_those_who_ask_for_lineage() {
    if !has_python() {
        return;
    }
    let project = built();
    let events = project.at("../events.jsonl");
    let transport = format!("{{\"type\": \"file\", \"append\": true, \"log_file_path\": {events:?}}}");
    let mut command = project.command("build -B");
    command.env("OPENLINEAGE__TRANSPORT", transport);
    Told::of(&mut command).ok();
    let text = std::fs::read_to_string(&events).expect("events");
    assert!(text.contains("lib/model.py"), "{text}");
}

#[test]
fn many_files_of_one_directory_count_as_that_directory() {
    if !has_python() {
        return;
    }
    let project = scripted("python3 fit.py");
    project.write(
        "fit.py",
        "print(sum(int(open(f'data/{number}').read()) for number in range(600)), open('one.txt').read())\n",
    );
    for number in 0..600 {
        project.write(&format!("data/{number}"), "1");
    }
    project.write("one.txt", "1");
    project.build("").ok();
    project.rests();
    project.counts("one.txt", "2");
    let list = project.atsaf("list fit");
    assert!(!list.text.contains("data/17"), "{}", list.text);
    project.write("data/17", "2");
    project.atsaf("why fit").has("data");
    project.build("").has("1 built");
    assert_eq!(project.read("out/fit.txt"), "601 1\n");
    project.write("data/17", "1");
    project.build("").has("1 restored");
}

#[test]
fn a_hook_that_came_with_the_store_is_not_run() {
    if !has_python() {
        return;
    }
    let project = scripted("python3 fit.py");
    project.write("fit.py", "print(1)\n");
    project.build("").ok();
    let planted = "open('../planted', 'w').close()\n";
    project.write(".atsaf/given/python/sitecustomize.py", planted);
    project.write(
        ".atsaf/given/python/__pycache__/sitecustomize.cpython-311.pyc",
        "no code",
    );
    project.write(".atsaf/given/python/usercustomize.py", planted);
    project.write("fit.py", "print(2)\n");
    project.build("").ok();
    assert!(!project.at("../planted").exists());
    assert_eq!(project.read("out/fit.txt"), "2\n");
    assert!(!project.at(".atsaf/given/python/usercustomize.py").exists());
}

#[test]
fn many_programs_at_once_find_the_hook() {
    if !has_python() {
        return;
    }
    let target = |number: usize| {
        let run = format!("python3 fit.py {number} > {{{{output}}}}");
        format!("[target.t{number}]\nrun = \"{run}\"\noutput = \"out/{number}.txt\"\n")
    };
    let atsaffile: String = (0..12).map(target).collect::<Vec<_>>().concat();
    let project = Project::new(&atsaffile);
    project.write("fit.py", "import sys\nprint(open(f'data/{sys.argv[1]}').read())\n");
    for number in 0..12 {
        project.write(&format!("data/{number}"), "1");
    }
    project.atsaf("build -j6").has("12 built");
    for number in [3, 7] {
        project.write(&format!("data/{number}"), "2");
    }
    project.atsaf("build -j6").has("2 built");
    project.atsaf("build -j6").has("nothing to do");
}
