//! `atsaf log`: what changed from run to run.

use crate::project::Project;

#[test]
fn each_run_says_what_had_changed() {
    let project = Project::new(
        "[params]\nhorizon = 24\n\n[target.clean]\nrun = \"cat raw.csv > {{output}}\"\noutput = \"clean.csv\"\n\n\
         [target.fit]\nrun = \"cat {{inputs}} > {{output}}; echo {{horizon}} >> {{output}}\"\ninputs = [\"clean\"]\noutput = \"fit\"\n\n\
         [target.show]\nrun = \"cat {{inputs}} > {{output}}; echo {{horizon}} >> {{output}}\"\ninputs = [\"fit\"]\noutput = \"show\"\n",
    );
    project.write("raw.csv", "1\n");
    project.build("").ok();
    project.build("-s horizon=48").ok();
    project.write("raw.csv", "2\n");
    project.build("-s horizon=48").ok();
    project.edit("Atsaffile", "cat raw.csv", "cat raw.csv; false");
    project.build("").exits(1);
    project.edit("Atsaffile", "cat raw.csv; false", "cat raw.csv");
    project.build("").ok();
    project.atsaf("log").is(
        0,
        "\
[RUN]  [TIME] ago  [TIME]  2 built              (default)
    horizon 48 -> 24
[RUN]  [TIME] ago  [TIME]  1 failed, 2 skipped  (default)
    clean: the command ended with exit code 1
[RUN]  [TIME] ago  [TIME]  3 built              (default)  horizon=48
    raw.csv changed
[RUN]  [TIME] ago  [TIME]  2 built              (default)  horizon=48
    horizon 24 -> 48
[RUN]  [TIME] ago  [TIME]  3 built              (default)
    clean, fit and 1 more: never built
",
    );
    let told: serde_json::Value = serde_json::from_str(&project.atsaf("log --json").text).expect("JSON");
    assert_eq!(told["runs"][2]["causes"][0], "raw.csv changed");
}
