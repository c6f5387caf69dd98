//! What programs of any kind use, as strace tells it.

use std::os::unix::fs::symlink;
use std::process::Command;

use crate::project::{Project, Told, can_trace, has_python, redact};

fn traced(run: &str) -> Project {
    Project::new(&format!(
        "[target.page]\nrun = \"echo page >> ../ran; {run}\"\noutput = \"out/page.txt\"\ndiscover = \"trace\"\n"
    ))
}

#[test]
fn files_of_any_program_are_seen_through_whatever_directory() {
    if !can_trace() {
        return;
    }
    let project = traced("./make.sh > {{output}}");
    project.write(
        "make.sh",
        "#!/bin/sh\ncd sub\ncat ../conf.txt \"ünï \\\"x.txt\" gone.txt 2> /dev/null\n./tool\ntrue\n",
    );
    project.write("sub/tool", "#!/bin/sh\nwc -c < ../conf.txt\n");
    for script in ["make.sh", "sub/tool"] {
        let status = Command::new("chmod").arg("+x").arg(project.at(script)).status();
        assert!(status.expect("chmod").success());
    }
    project.write("conf.txt", "a\n");
    project.write("sub/ünï \"x.txt", "b\n");
    project.build("").ok();
    project.build("").has("nothing to do");
    assert_eq!(project.read("out/page.txt"), "a\nb\n2\n");
    for path in ["conf.txt", "sub/ünï \"x.txt", "sub/tool"] {
        let before = project.read(path);
        project.ran();
        project.write(path, format!("{before}# more\n"));
        let why = project.atsaf("why page");
        why.has("seen by strace");
        project.build("").has("1 built");
        project.write(path, &before);
        project.build("").has("1 restored");
        assert_eq!(project.ran(), "page", "{path}");
    }
    project.write("sub/gone.txt", "came\n");
    project.atsaf("why page").has("is there now");
    project.build("").has("1 built");
    assert_eq!(project.read("out/page.txt"), "a\nb\ncame\n2\n");
}

#[test]
fn what_a_traced_command_writes_is_no_input_nor_is_what_it_renames() {
    if !can_trace() {
        return;
    }
    let run =
        "date +%N > made.txt; cp made.txt new.txt; mv new.txt moved.txt; cat made.txt moved.txt data.txt > {{output}}";
    let project = traced(&format!("sh -c '{run}'"));
    project.write("data.txt", "1\n");
    let told = project.build("");
    told.ok();
    assert_eq!(project.ran(), "page", "{}", told.text);
    project.build("").has("nothing to do");
    project.write("moved.txt", "other\n");
    project.build("").has("nothing to do");
}

#[test]
fn a_python_module_is_seen_by_its_source_and_an_undeclared_artifact_fails() {
    if !has_python() {
        return;
    }
    if !can_trace() {
        return;
    }
    let project = traced("python3 -c 'import lib; print(lib.VALUE)' > {{output}}");
    project.write("lib.py", "VALUE = 1\n");
    project.build("").ok();
    // The second time, Python reads what it has compiled.
    project.build("-B").ok();
    project.write("lib.py", "VALUE = 22\n");
    project.build("").has("1 built");
    assert_eq!(project.read("out/page.txt"), "22\n");
    project.write(
        "Atsaffile",
        project.read("Atsaffile") + "[target.lib]\nrun = \"echo VALUE = 3 > {{output}}\"\noutput = \"lib.py\"\n",
    );
    let told = project.build("-B page");
    told.exits(1);
    told.has("it opened `lib.py`, which `lib` makes without declaring it");
}

#[test]
fn without_strace_or_where_it_may_not_trace_the_failure_says_what_to_do() {
    let project = traced("cat conf.txt > {{output}}");
    project.write("conf.txt", "a\n");
    for program in ["bash", "cat", "sh"] {
        std::fs::create_dir_all(project.at("../bin")).expect("made");
        let at = ["/usr/bin", "/bin"].map(|directory| std::path::Path::new(directory).join(program));
        let at = at.into_iter().find(|at| at.exists()).expect("there");
        symlink(at, project.at("../bin").join(program)).expect("linked");
    }
    let build = || Told::of(project.command("build").env("PATH", project.at("../bin")));
    let told = build();
    told.exits(1);
    told.has("`strace` was not found, which `discover = \"trace\"` needs");
    told.has("discover = \"auto\"");
    project.write(
        "../bin/strace",
        "#!/bin/sh\necho 'strace: ptrace: Operation not permitted' >&2\nexit 1\n",
    );
    let status = Command::new("chmod")
        .arg("+x")
        .arg(project.at("../bin/strace"))
        .status();
    assert!(status.expect("chmod").success());
    let told = build();
    told.exits(1);
    told.has("`page` failed: strace could not trace it");
    told.has("Operation not permitted");
    assert!(redact(&told.text).contains("SYS_PTRACE"), "{}", told.text);
}

#[test]
fn a_traced_command_that_fails_fails_as_it_would() {
    if !can_trace() {
        return;
    }
    let project = traced("cat nosuch.txt > {{output}}");
    let told = project.build("");
    told.exits(1);
    told.has("the command ended with exit code 1");
    told.has("nosuch.txt");
}

#[test]
fn what_is_seen_by_any_means_counts_from_the_directory_in_which_the_command_runs() {
    if !has_python() {
        return;
    }
    let by = |means: &str, run: &str| {
        format!(
            "[target.{means}]\ncwd = \"sub\"\nrun = '''{run}'''\noutput = \"out/{means}\"\ndiscover = \"{means}\"\n"
        )
    };
    let python = r#"python3 -c "import lib, sys; open(sys.argv[1], 'w').write(open('conf.txt').read())" {{output}}"#;
    let mut text = by("auto", python);
    text += &by(
        "depfile",
        "cat $(echo conf.txt) > {{output}}; echo 'x: conf.txt' > {{depfile}}",
    );
    let mut all = vec!["auto", "depfile"];
    if can_trace() {
        text += &by("trace", "cat $(echo conf.txt) > {{output}}");
        all.push("trace");
    }
    let project = Project::new(&text);
    project.write("sub/lib.py", "");
    project.write("sub/conf.txt", "a\n");
    project.build("").ok();
    project.build("").has("nothing to do");
    project.write("sub/conf.txt", "b\n");
    for target in &all {
        project.atsaf(&format!("why {target}")).has("sub/conf.txt ");
    }
    project.build("").ok();
    for target in &all {
        assert_eq!(project.read(&format!("out/{target}")), "b\n");
    }
    project.write("sub/lib.py", "# more\n");
    project.atsaf("why auto").has("sub/lib.py ");
}

#[test]
fn a_parameter_file_that_a_script_reads_counts_by_the_keys_that_it_names() {
    if !has_python() {
        return;
    }
    let text = "[project]\nparams_files = [\"params.yaml\"]\n[target.fit]\nrun = \"python3 fit.py > {{output}}\"\nparams = [\"n\"]\n\
                output = \"out/fit\"\n";
    let project = Project::new(text);
    project.write("params.yaml", "n: 1\nm: 1\n");
    project.write("fit.py", "open('params.yaml').read(); print('fit')\n");
    project.build("").ok();
    project.write("params.yaml", "n: 1\nm: 2\n");
    project.build("").has("nothing to do");
    project.write("params.yaml", "n: 2\nm: 2\n");
    project.atsaf("why fit").has("1 -> 2");
}
