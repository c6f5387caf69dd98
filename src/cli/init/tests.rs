//! What the templates write, and what is said.

use std::fs;

use crate::cli::Exit;
use crate::cli::trial::Trial;

/// A directory without an Atsaffile.
fn empty() -> Trial {
    let trial = Trial::new("");
    fs::remove_file(trial.at("Atsaffile")).expect("removed");
    trial
}

#[test]
fn without_a_template_they_are_listed() {
    let listed = empty().out(&["init"]);
    for template in ["minimal", "shell", "dvc"] {
        assert!(listed.contains(&format!("atsaf init {template}  ")), "{listed}");
    }
    assert_eq!(
        listed.contains("atsaf init csv FILE"),
        cfg!(feature = "forecasting"),
        "{listed}"
    );
    assert!(!listed.contains("is here"), "{listed}");
}

#[test]
fn the_smallest_project_builds_and_builds_no_more() {
    let trial = empty();
    let said = trial.out(&["init", "minimal"]);
    assert!(said.starts_with("wrote Atsaffile\nnext  atsaf build"), "{said}");
    assert_eq!(trial.out(&["check"]), "ok: 1 target, 1 artifact\n");
    trial.out(&["build"]);
    assert_eq!(
        fs::read_to_string(trial.at("out/greeting.txt")).expect("made"),
        "hello\n"
    );
}

#[test]
fn the_project_of_commands_makes_its_report() {
    let trial = empty();
    trial.out(&["init", "shell"]);
    trial.out(&["build"]);
    let report = || fs::read_to_string(trial.at("out/report.txt")).expect("made");
    assert_eq!(report(), "3 of 4 numbers are 10 or more\n");
    trial.out(&["build", "-s", "least=30"]);
    assert_eq!(report(), "1 of 4 numbers are 30 or more\n");
}

#[test]
fn nothing_is_overwritten_and_then_nothing_is_written() {
    let trial = empty();
    trial.write("data/numbers.csv", "mine\n");
    let said = trial.run(&["init", "shell"]);
    assert_eq!((said.exit, said.out.as_str()), (Exit::Usage, ""));
    let expected = "\
error: `data/numbers.csv` is there already, and nothing is overwritten
  help: begin in an empty directory: `mkdir NAME`, then `atsaf -C NAME init …`
";
    assert_eq!(said.err, expected);
    assert!(!trial.at("Atsaffile").exists());
    assert_eq!(
        fs::read_to_string(trial.at("data/numbers.csv")).expect("read"),
        "mine\n"
    );
    // Not even a link that leads nowhere.
    std::os::unix::fs::symlink("nowhere", trial.at("Atsaffile")).expect("linked");
    assert_eq!(trial.run(&["init", "minimal"]).exit, Exit::Usage);
    assert!(!trial.at("nowhere").exists());
}

#[test]
fn wrong_use_is_told() {
    let trial = empty();
    let said = trial.run(&["init", "minimal", "x.csv"]);
    assert_eq!(said.exit, Exit::Usage);
    assert!(
        said.err.starts_with("error: the template `minimal` takes no file\n"),
        "{}",
        said.err
    );
    let said = trial.run(&["init", "-C", "absent", "minimal"]);
    assert!(said.err.contains("there is no directory `absent`"), "{}", said.err);
    assert_eq!(
        trial.run(&["init", "dvc"]).err.lines().next(),
        Some("error: there is no `dvc.yaml` here")
    );
}

#[test]
fn a_pipeline_of_dvc_is_offered_translated_and_built() {
    let trial = empty();
    trial.write(
        "dvc.yaml",
        "stages:\n  upper:\n    cmd: sh upper.sh in.txt out/upper.txt ${word}\n    deps: [in.txt, upper.sh]\n    outs: [out/upper.txt]\n  \
         count:\n    cmd: sh count.sh\n    deps: [out/upper.txt]\n    metrics: [{count.txt: {cache: false}}]\nartifacts: {}\n",
    );
    trial.write("params.yaml", "word: hello\nunused: 1\n");
    trial.write("in.txt", "a\nb\n");
    trial.write("upper.sh", "(tr a-z A-Z < $1; echo $3) > $2\n");
    trial.write("count.sh", "wc -l < out/upper.txt > count.txt\n");
    let offered = trial.out(&["init"]);
    assert!(
        offered.contains(
            "\ndvc.yaml is here: `atsaf init dvc` translates its 2 stages, and says 3 things that it does not\n"
        ),
        "{offered}"
    );
    let said = trial.out(&["init", "dvc"]);
    assert!(
        said.contains("note  `artifacts` at the top of the file is not translated\n"),
        "{said}"
    );
    assert_eq!(trial.run(&["check"]).err, "");
    trial.out(&["build"]);
    assert_eq!(
        fs::read_to_string(trial.at("out/upper.txt")).expect("made"),
        "A\nB\nhello\n"
    );
    assert_eq!(fs::read_to_string(trial.at("count.txt")).expect("made").trim(), "3");
    trial.write("params.yaml", "word: hello\nunused: 2\n");
    assert!(trial.run(&["build"]).err.contains("nothing to do"));
}

#[test]
fn a_workflow_of_snakemake_is_offered_translated_and_built() {
    let trial = empty();
    trial.write(
        "workflow/Snakefile",
        "configfile: 'config.yaml'\nrule all:\n    input: expand('out/{s}.txt', s=glob_wildcards('in/{s}.csv').s)\n\
         rule upper:\n    input: 'in/{s}.csv'\n    output: 'out/{s}.txt'\n    params: word=config['word']\n    \
         shell: \"(tr a-z A-Z < {input}; echo {params.word} '{{x}}') > {output}\"\n\
         rule odd:\n    output: 'odd.txt'\n    run: open(output[0], 'w')\n",
    );
    trial.write("config.yaml", "word: hello\n");
    trial.write("in/a.csv", "a\n");
    trial.write("in/b.csv", "b\n");
    let offered = trial.out(&["init"]);
    assert!(
        offered.contains(
            "\nworkflow/Snakefile is here: `atsaf init snakemake` translates its 1 rule, and says 2 things that it does not\n"
        ),
        "{offered}"
    );
    let said = trial.out(&["init", "snakemake"]);
    assert!(
        said.contains("note  workflow/Snakefile:11: the rule `odd` is left out: `run` is Python"),
        "{said}"
    );
    assert_eq!(trial.run(&["check"]).err, "");
    trial.out(&["build"]);
    let made = |sample: &str| fs::read_to_string(trial.at(&format!("out/{sample}.txt"))).expect("made");
    assert_eq!(
        (made("a").as_str(), made("b").as_str()),
        ("A\nhello {x}\n", "B\nhello {x}\n")
    );
    trial.write("in/c.csv", "c\n");
    trial.out(&["build"]);
    assert_eq!(made("c"), "C\nhello {x}\n");
}

#[test]
fn json_tells_what_was_written() {
    let trial = empty();
    let told: serde_json::Value = serde_json::from_str(&trial.out(&["init", "minimal", "--json"])).expect("JSON");
    assert_eq!(told["written"], serde_json::json!(["Atsaffile"]));
    let listed: serde_json::Value = serde_json::from_str(&trial.out(&["init", "--json"])).expect("JSON");
    assert!(listed["templates"].as_array().expect("a list").len() >= 3);
}

#[cfg(feature = "forecasting")]
mod forecasts {
    use super::*;

    fn with_tasks() -> Trial {
        empty().with_tasks(crate::forecasting::tasks)
    }

    #[test]
    fn the_demo_and_the_live_pipeline_are_whole_files() {
        let trial = with_tasks();
        trial.out(&["init", "demo"]);
        let said = trial.run(&["check"]);
        assert_eq!(
            (said.out.as_str(), said.err.as_str()),
            ("ok: 5 targets, 9 artifacts\n", "")
        );
        let trial = with_tasks();
        let said = trial.out(&["init", "eia"]);
        assert!(said.starts_with("wrote Atsaffile, .gitignore\n"), "{said}");
        assert!(
            fs::read_to_string(trial.at(".gitignore"))
                .expect("written")
                .starts_with(".env\n")
        );
        // Nothing is missing but the key.
        let said = trial.run(&["check"]);
        let wrong = said
            .err
            .lines()
            .filter(|line| line.starts_with("error") || line.starts_with("warning"));
        assert_eq!(
            wrong.collect::<Vec<_>>(),
            ["error: `ingest` cannot run: the EIA API needs a key, and the secret `EIA_API_KEY` is not set"],
            "{}",
            said.err
        );
        trial.write(".env", "EIA_API_KEY=0123456789abcdef0123\n");
        assert_eq!(trial.run(&["check"]).err, "");
    }

    #[test]
    fn of_a_file_its_columns_and_steps_are_found() {
        let trial = with_tasks();
        trial.write("in/sales.csv", &sales(200));
        let said = trial.out(&["init", "csv", "in/sales.csv"]);
        assert!(said.contains("200 values as CSV; 1 series; daily;"), "{said}");
        let text = fs::read_to_string(trial.at("Atsaffile")).expect("written");
        for line in [
            "inputs  = [\"in/sales.csv\"]",
            "with    = { time = \"Day\", value = \"Units sold\" }",
            "horizon   = 14 ",
            "step_size = 7 ",
            "n_windows = 5 ",
            "separator \";\"",
        ] {
            assert!(text.contains(line), "{line}: {text}");
        }
        let said = trial.run(&["check"]);
        assert_eq!(
            (said.out.as_str(), said.err.as_str()),
            ("ok: 5 targets, 9 artifacts\n", "")
        );
    }

    #[test]
    fn what_cannot_be_guessed_is_asked_for_and_said() {
        let trial = with_tasks();
        let rows: Vec<String> = (1..=28)
            .map(|day| format!("2024-02-{day:02},n,{day},{}", day * 2))
            .collect();
        let rows = rows.join("\n");
        trial.write("two.csv", &format!("date,store,sold,price\n{rows}"));
        let said = trial.run(&["init", "csv", "two.csv"]);
        assert_eq!(said.exit, Exit::Usage);
        assert!(
            said.err.contains("several columns of numbers: `sold`, `price`"),
            "{}",
            said.err
        );
        assert!(
            said.err.contains("`atsaf init csv FILE -s value=price`"),
            "{}",
            said.err
        );
        assert!(!trial.at("Atsaffile").exists());
        let said = trial.run(&["init", "csv", "two.csv", "-s", "valeu=price", "-s", "unit=week"]);
        assert!(
            said.err.contains("has no parameter `valeu`") && said.err.contains("did you mean `value`?"),
            "{}",
            said.err
        );
        assert!(said.err.contains("`unit` must be"), "{}", said.err);
        trial.out(&["init", "csv", "two.csv", "-s", "value=price"]);
        let text = fs::read_to_string(trial.at("Atsaffile")).expect("written");
        assert!(text.contains("value = \"price\""), "{text}");
        assert_eq!(trial.run(&["check"]).err, "");
    }

    #[test]
    fn a_file_of_an_unfriendly_name_and_no_file_at_all() {
        let trial = with_tasks();
        let said = trial.run(&["init", "csv"]);
        assert!(said.err.starts_with("error: `csv` needs the file"), "{}", said.err);
        let said = trial.run(&["init", "csv", "absent.csv"]);
        assert!(
            said.err.starts_with("error: cannot read `absent.csv`: "),
            "{}",
            said.err
        );
        let name = "it's \"odd\" @WITH@ {{x}}.csv";
        trial.write(name, &sales(60));
        let said = trial.run(&["init", "csv", name]);
        assert_eq!(said.exit, Exit::Done, "{}", said.err);
        let said = trial.run(&["check"]);
        assert_eq!(
            said.err,
            "",
            "{}",
            fs::read_to_string(trial.at("Atsaffile")).expect("written")
        );
    }

    fn sales(days: i64) -> String {
        let start = chrono::NaiveDate::from_ymd_opt(2024, 1, 1).expect("a day");
        let row = |day: i64| format!("{};{}", start + chrono::Duration::days(day), 100 + day % 7 * 10);
        "Day;Units sold\n".to_owned() + &(0..days).map(row).collect::<Vec<_>>().join("\n")
    }
}
