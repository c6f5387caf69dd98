//! What `list`, `check`, `clean`, `completions` and `man` say and do.

use crate::cli::Exit;
use crate::cli::trial::Trial;

const ATSAFFILE: &str = r#"
[project]
default = ["sum"]

[params]
n = 1
where = "out"

[secrets]
KEY = { optional = true }

[target.copy]
desc = "brings the data here"
run = "cat {{inputs}} > {{output.all}}; python fit.py {{n}}"
inputs = ["data/*.txt"]
outputs = { all = "{{where}}/all.txt" }
env = ["LANG"]
secrets = ["KEY"]
retries = 2
retry_delay = "5s"
timeout = "1m"

[target.sum]
run = "cat {{input.all}} {{input.all}} > {{output}}"
inputs = ["all"]
output = "{{where}}/sum.txt"
after = ["copy"]
cache = false

[target.other]
run = "cat {{inputs}} > {{output}}"
inputs = ["not/there.txt"]
output = "{{where}}/other.txt"
"#;

fn trial() -> Trial {
    let trial = Trial::new(&ATSAFFILE.replace("python fit.py {{n}}", "sh fit.py {{n}}"));
    trial.write("data/a.txt", "a\n");
    trial.write("fit.py", "");
    trial
}

#[test]
fn list_tells_what_each_target_reads_makes_and_depends_on() {
    let listed = trial().out(&["list", "-s", "n=2", "copy", "sum"]);
    let expected = "\
copy  brings the data here
  runs     cat {{inputs}} > {{output.all}}; sh fit.py {{n}}
  reads    data/*.txt  data/a.txt  source, matches data/*.txt
           fit.py                  source, a word of the command
  makes    all  out/all.txt
  params   n  2  command line, over PROJECT/Atsaffile:6
  env      LANG
  secrets  KEY
  also     2 retries, the first after 5.0 s
           at most 1 min an attempt

sum
  runs   cat {{input.all}} {{input.all}} > {{output}}
  reads  all  out/all.txt  made by copy
  makes  sum  out/sum.txt
  after  copy
  also   no copy in the store
";
    assert_eq!(listed.replace(&project_of(&listed), "PROJECT"), expected, "\n{listed}");
}

/// The directory before `/Atsaffile`.
fn project_of(text: &str) -> String {
    let end = text.find("/Atsaffile").expect("a place");
    text[..end].rsplit(' ').next().expect("a word").to_owned()
}

#[test]
fn check_tells_what_the_goals_lack_as_errors_and_the_rest_as_warnings() {
    let trial = trial();
    let said = trial.run(&["check"]);
    assert_eq!(
        (said.exit, said.out.as_str()),
        (Exit::Done, "ok: 3 targets, 3 artifacts\n")
    );
    let expected = "\
warning: `not/there.txt` does not exist, and no target makes it
   --> PROJECT/Atsaffile:32:11
 32 | inputs = [\"not/there.txt\"]
    |           ^^^^^^^^^^^^^^^ read by `other`
  note: no goal of this check needs it
  help: put the file there, or name the artifact that is meant
";
    assert_eq!(said.err, expected);
    let said = trial.run(&["check", "other"]);
    assert_eq!((said.exit, said.out.as_str()), (Exit::Usage, ""));
    assert!(
        said.err.starts_with("error: `not/there.txt` does not exist"),
        "{}",
        said.err
    );
    assert!(!trial.at(".atsaf").exists(), "nothing was written");
}

#[test]
fn check_tells_every_mistake_and_so_does_its_json() {
    let trial = Trial::new("[target.a]\nrnu = \"x\"\noutput = \"../a\"\n");
    let said = trial.run(&["check", "--json"]);
    assert_eq!(said.exit, Exit::Usage);
    let value: serde_json::Value = serde_json::from_str(&said.out).expect("JSON");
    assert_eq!(value["ok"], false);
    let told = value["diagnostics"].as_array().expect("a list");
    assert!(told.len() >= 2, "{told:?}");
    let lines: Vec<_> = told.iter().map(|it| it["places"][0]["line"].as_u64()).collect();
    assert!(lines.contains(&Some(2)) && lines.contains(&Some(3)), "{told:?}");
    assert_eq!(said.err.matches("error: ").count(), told.len());
}

#[test]
fn check_looks_for_secrets() {
    let trial = Trial::new(&ATSAFFILE.replace("optional = true", "optional = false"));
    trial.write("data/a.txt", "a\n");
    let said = trial.run(&["check"]);
    assert_eq!(said.exit, Exit::Usage);
    assert!(said.err.contains("error: the secret `KEY` is not set"), "{}", said.err);
}

#[test]
fn clean_removes_what_was_made_and_a_build_brings_it_back() {
    let trial = trial();
    trial.out(&["build"]);
    let dry = trial.run(&["clean", "--dry-run"]);
    assert_eq!(
        dry.out,
        "would remove  out/all.txt  2 B\n\
         would remove  out/sum.txt  4 B  no copy in the store: it has to be made anew\n"
    );
    assert_eq!(dry.err, "would remove 2 artifacts, 6 B; nothing was changed\n");
    assert!(trial.at("out/all.txt").exists());
    let said = trial.run(&["clean", "all"]);
    assert_eq!(
        (said.exit, said.out.as_str()),
        (Exit::Done, "remove  out/all.txt  2 B\n")
    );
    assert_eq!(
        said.err,
        "removed 1 artifact, 2 B; `atsaf build` brings back what the store has a copy of\n"
    );
    assert!(!trial.at("out/all.txt").exists() && trial.at("out/sum.txt").exists());
    let built = trial.run(&["build"]);
    assert_eq!(built.exit, Exit::Done);
    assert!(built.err.contains("restored"), "{}", built.err);
    assert_eq!(
        std::fs::read_to_string(trial.at("out/all.txt")).expect("restored"),
        "a\n"
    );
}

#[test]
fn clean_leaves_what_was_edited() {
    let trial = trial();
    trial.out(&["build"]);
    trial.write("out/sum.txt", "by hand\n");
    let said = trial.run(&["clean"]);
    assert_eq!(said.exit, Exit::Done);
    assert_eq!(said.out, "remove  out/all.txt  2 B\nleave   out/sum.txt  8 B\n");
    let expected = "\
warning: `out/sum.txt` stays: it is not what atsaf put there
  help: remove it by hand if it is not needed; a build keeps it under `.atsaf/displaced/`
removed 1 artifact, 2 B; `atsaf build` brings back what the store has a copy of
";
    assert_eq!(said.err, expected);
    assert_eq!(
        std::fs::read_to_string(trial.at("out/sum.txt")).expect("left"),
        "by hand\n"
    );
    let again = trial.run(&["clean", "sum", "nothing"]);
    assert_eq!(again.exit, Exit::Usage);
    assert!(
        again
            .err
            .starts_with("error: no target, artifact or alias is named `nothing`"),
        "{}",
        again.err
    );
}

#[test]
fn completions_and_the_manual_name_the_commands() {
    let trial = trial();
    for shell in ["bash", "zsh", "fish", "elvish"] {
        let script = trial.out(&["completions", shell]);
        assert!(script.contains("ATSAF_COMPLETE") && script.contains("atsaf"), "{shell}");
    }
    let page = trial.out(&["man"]);
    assert!(page.contains(".TH atsaf 1") && page.contains("watch"), "{page}");
}
