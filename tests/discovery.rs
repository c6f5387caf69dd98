//! What a command uses without declaring it: seen by some means, a part of its result, and told.

use crate::project::Project;

/// A target whose script lists what it reads as a compiler does: `conf.txt`, and whatever that names.
const COMPILED: &str = r#"
[target.page]
run = "echo page >> ../ran; sh make.sh {{depfile}} {{output}}"
output = "out/page.txt"
discover = "depfile"
"#;

const MAKE: &str = r#"
printf 'page: conf.txt' > "$1"
cat conf.txt > "$2"
for part in $(cat conf.txt); do
    printf ' \\\n  parts/%s' "$part" >> "$1"
    cat "parts/$part" >> "$2"
done
"#;

fn compiled() -> Project {
    let project = Project::new(COMPILED);
    project.write("make.sh", MAKE);
    project.write("conf.txt", "a\n");
    project.write("parts/a", "one\n");
    project.write("parts/b", "two\n");
    project
}

#[test]
fn what_a_depfile_lists_makes_stale_and_is_told() {
    let project = compiled();
    project.build("").ok();
    project.build("").has("nothing to do");
    assert_eq!(project.ran(), "page");
    project.write("parts/b", "other\n");
    project.build("").has("nothing to do");
    project.write("parts/a", "1\n");
    let why = project.atsaf("why page");
    why.has("page is stale");
    why.has("parts/a");
    why.has("listed in its depfile");
    project.build("").ok();
    assert_eq!(project.read("out/page.txt"), "a\n1\n");
    assert_eq!(project.ran(), "page");
}

#[test]
fn a_discovered_file_that_is_edited_back_restores_without_running() {
    let project = compiled();
    project.build("").ok();
    project.write("conf.txt", "b\n");
    project.build("").ok();
    assert_eq!(project.read("out/page.txt"), "b\ntwo\n");
    assert_eq!(project.ran(), "page page");
    // Two sets of files for one declared fingerprint: back and forth between them.
    for (conf, page) in [("a\n", "a\none\n"), ("b\n", "b\ntwo\n"), ("a\n", "a\none\n")] {
        project.write("conf.txt", conf);
        project.build("").has("1 restored");
        assert_eq!(project.read("out/page.txt"), page);
        assert_eq!(project.ran(), "");
    }
    // A file of the other set alone concerns nobody.
    project.write("parts/b", "other\n");
    project.build("").has("nothing to do");
    project.write("conf.txt", "b\n");
    project.build("").has("1 built");
    assert_eq!(project.read("out/page.txt"), "b\nother\n");
}

#[test]
fn a_discovered_file_that_is_gone_is_a_reason_and_no_missing_source() {
    let project = compiled();
    project.build("").ok();
    project.remove("parts/a");
    project.write("conf.txt", "b\n");
    let why = project.atsaf("why page");
    why.ok();
    why.has("is gone");
    project.build("").ok();
    assert_eq!(project.read("out/page.txt"), "b\ntwo\n");
    project.build("").has("nothing to do");
}

#[test]
fn a_depfile_that_is_not_written_fails_the_attempt() {
    let project = compiled();
    project.write("make.sh", "cat conf.txt > $2\n");
    let told = project.build("");
    told.exits(1);
    told.has("it did not write `{{depfile}}`");
    told.has("in make's format");
}

#[test]
fn a_depfile_without_a_rule_fails_the_attempt_and_one_without_a_space_is_read() {
    let project = compiled();
    project.write("make.sh", "cat conf.txt > $2; echo conf.txt > $1\n");
    let told = project.build("");
    told.exits(1);
    told.has("no rule stands in `{{depfile}}`");
    told.has("in make's format");
    project.write("make.sh", "cat conf.txt > $2; echo out:conf.txt > $1\n");
    project.build("").ok();
    project.write("conf.txt", "other");
    project.atsaf("status").has("conf.txt content");
}

#[test]
fn an_artifact_of_another_target_that_is_not_declared_fails_the_attempt_with_the_line_to_add() {
    let project = Project::new(
        r#"
[target.clean]
run = "cat raw.txt > {{output}}"
inputs = ["raw.txt"]
output = "out/clean.txt"

[target.page]
run = "sh make.sh {{depfile}} {{output}}"
inputs = ["other.txt"]
output = "out/page.txt"
discover = "depfile"
after = ["clean"]
"#,
    );
    project.write("make.sh", "printf 'x: out/clean.txt' > $1; cat out/clean.txt > $2\n");
    project.write("raw.txt", "raw\n");
    project.write("other.txt", "other\n");
    let told = project.build("");
    told.exits(1);
    told.has("`page` failed: it opened `out/clean.txt`, which `clean` makes without declaring it");
    told.has("write in `[target.page]`, Atsaffile:7: `inputs = [\"other.txt\", \"clean\"]`");
    assert!(!project.at("out/page.txt").exists());
    project.edit(
        "Atsaffile",
        "inputs = [\"other.txt\"]",
        "inputs = [\"other.txt\", \"clean\"]",
    );
    project.build("").ok();
    assert_eq!(project.read("out/page.txt"), "raw\n");
}

#[test]
fn a_file_that_moves_while_it_may_be_read_makes_the_attempt_void() {
    let project = compiled();
    // The first attempt is edited from within, by what stands for a person; the second one is not.
    let edit = "if [ ! -e ../edited ]; then touch ../edited; echo edited > parts/a; fi\n";
    project.write("make.sh", format!("{MAKE}{edit}"));
    project.build("").ok();
    assert_eq!(project.read("out/page.txt"), "a\nedited\n");
    assert_eq!(project.ran(), "page page");
    project.build("").has("nothing to do");
}

#[test]
fn a_file_that_a_command_makes_on_its_way_is_no_input_of_it() {
    let project = compiled();
    let scratch = "date +%N > scratch.txt; printf ' scratch.txt' >> $1\n";
    project.write("make.sh", format!("{MAKE}{scratch}"));
    let told = project.build("");
    told.ok();
    told.has("`scratch.txt` is written by the command of `page`, which reads it: it is taken for no input");
    assert_eq!(project.ran(), "page page");
    project.build("").has("nothing to do");
    project.write("scratch.txt", "other\n");
    project.build("").has("nothing to do");
    // It is known by now, and stays so.
    for text in ["1\n", "2\n", "3\n"] {
        project.write("parts/a", text);
        project.build("").ok();
        assert_eq!(project.ran(), "page");
    }
}

#[test]
fn what_is_ignored_installed_or_outside_is_no_input() {
    let project = Project::new(&format!("[project]\nignore = [\"*.tmp\", \"scratch/\"]\n{COMPILED}"));
    project.write("conf.txt", "a\n");
    let deps = "a.tmp scratch/x .venv/lib/x.py ../outside.txt /etc/hostname .git/HEAD .env out/page.txt gone.txt";
    project.write(
        "make.sh",
        format!("printf 'x: {deps} conf.txt\\n' > $1; cat conf.txt > $2\n"),
    );
    let files = [
        "a.tmp",
        "scratch/x",
        ".venv/lib/x.py",
        ".venv/pyvenv.cfg",
        "../outside.txt",
        ".git/HEAD",
        ".env",
    ];
    for file in files {
        project.write(file, "A=1\n");
    }
    project.build("").ok();
    for file in files {
        project.write(file, "A=2\n");
    }
    project.write("gone.txt", "came\n");
    project.build("").has("nothing to do");
    project.write("conf.txt", "b\n");
    project.build("").has("1 built");
}

#[test]
fn another_means_makes_stale_and_no_means_counts_what_was_seen_before() {
    let project = compiled();
    project.edit("Atsaffile", "discover = \"depfile\"\n", "");
    project.edit("Atsaffile", "{{depfile}}", "../depfile");
    project.build("").ok();
    project.write("parts/a", "1\n");
    project.build("").has("nothing to do");
    project.edit("Atsaffile", "../depfile", "{{depfile}}");
    project.edit("Atsaffile", "output = ", "discover = \"depfile\"\noutput = ");
    project.build("").has("1 built");
    assert_eq!(project.read("out/page.txt"), "a\n1\n");
}
