//! What a Snakefile becomes.

use std::collections::BTreeMap;

use super::*;
use crate::fuzz::Fuzz;

/// Files that are nowhere else.
#[derive(Default)]
struct Files(BTreeMap<&'static str, &'static str>);

impl Disk for Files {
    fn read(&self, path: &str) -> Result<String, String> {
        let text = self.0.get(path).map(|text| (*text).to_owned());
        text.ok_or_else(|| format!("`{path}` is not there"))
    }

    fn below(&self, directory: &str) -> Vec<String> {
        let is_below = |path: &&&str| directory.is_empty() || path.starts_with(&format!("{directory}/"));
        self.0.keys().filter(is_below).map(|path| (*path).to_owned()).collect()
    }

    fn is_there(&self, path: &str) -> bool {
        self.0.contains_key(path)
    }
}

fn of(text: &str, files: &[(&'static str, &'static str)]) -> Translation {
    from_snakemake("Snakefile", text, &Files(files.iter().copied().collect())).expect("a translation")
}

/// The Atsaffile without its first lines, and what is told without what always is.
fn parts(translation: &Translation) -> (&str, Vec<&str>) {
    let (_, body) = translation
        .atsaffile
        .split_once("\n\n")
        .expect("a comment, then tables");
    let always = "commands see only those variables";
    let left = translation.left.iter().map(String::as_str);
    (body, left.filter(|what| !what.starts_with(always)).collect())
}

const WORKFLOW: &str = r#"
import os
configfile: "config.yaml"
SAMPLES = glob_wildcards("data/{sample}.txt").sample
KINDS = ["up", "down"]
OUT = "results"
localrules: all

rule all:
    input:
        expand(OUT + "/{sample}.{kind}.txt", sample=SAMPLES, kind=KINDS),
        "results/parts",  # a directory
        "results/summary.txt"

# Sorts the lines.
rule sort:
    """Sorts the lines of a sample."""
    input: "data/{sample}.txt"
    output: temp("results/{sample}.sorted")
    threads: 2
    shell: "sort --parallel {threads} {input} > {output}"

rule turn:
    input: lines=rules.sort.output, script="count.py"
    output: f"{OUT}/{{sample}}.{{kind}}.txt"
    params:
        least=config["filter"]["least"],
        flags=config["filter"]["flags"],
        kind="{kind}"
    resources: mem_mb=100
    log: "logs/{sample}.{kind}.log"
    shell:
        """
        python3 {input.script} {input[0]} {params.least} {params.flags} > {output} 2> {log}
        awk '{{ print NR, "{params.kind}" }}' {input.lines} >> {output}
        """

rule summary:
    input: expand("results/{sample}.up.txt", sample=SAMPLES)
    output:
        txt="results/summary.txt",
        n="results/n.txt"
    shell:
        "cat {input} > {output.txt}; "
        "wc -l {input} > {output[1]}"

rule parts:
    input: "results/summary.txt"
    output: directory("results/parts")
    shell: "mkdir {output} && split {input} {output}/p"
"#;

#[test]
fn rules_become_targets_and_wildcards_axes() {
    let files = [
        ("config.yaml", "filter: {least: 2, flags: '-n 2'}\n"),
        ("data/A.txt", ""),
        ("data/B.txt", ""),
        ("count.py", ""),
    ];
    let translation = of(WORKFLOW, &files);
    let (body, left) = parts(&translation);
    let expected = r#"[project]
default = ["all"]
params_files = ["config.yaml"]

[alias]
all = ["turn", "parts", "summary"]

[matrix]
sample = { glob = "data/*.txt" }
kind = ["up", "down"]

# Sorts the lines.
[target.sort]
desc = "Sorts the lines of a sample."
each = ["sample"]
run = "sort --parallel {{threads}} {{inputs}} > {{output}}"
inputs = ["data/{{sample}}.txt"]
output = "results/{{sample}}.sorted"
temp = true
threads = 2

[target.turn]
each = ["sample", "kind"]
run = '''
python3 {{input.script}} {{input.lines}} {{filter.least}} -n 2 > {{output.out}} 2> {{output.log}}
awk '{ print NR, "{{kind}}" }' {{input.lines}} >> {{output.out}}
'''
inputs = { lines = "sort", script = "count.py" }
outputs = { out = "results/{{sample}}.{{kind}}.txt", log = "logs/{{sample}}.{{kind}}.log" }
memory = "100MB"

[target.summary]
run = "cat {{inputs}} > {{output.txt}}; wc -l {{inputs}} > {{output.n}}"
inputs = ["turn.out@*,up"]
outputs = { txt = "results/summary.txt", n = "results/n.txt" }

[target.parts]
run = '''
rmdir {{output}}
mkdir {{output}} && split {{inputs}} {{output}}/p
'''
inputs = ["summary.txt"]
output = "results/parts/"
"#;
    assert_eq!(body, expected);
    assert_eq!(translation.targets, 4);
    assert_eq!(
        left,
        [
            "Snakefile:23: `turn`: `filter.flags` of the configuration stands in the command as it is today, `-n 2`",
            "Snakefile:23: `log` of `turn` is one of its outputs",
        ]
    );
}

#[test]
fn what_needs_python_is_told_with_its_line_and_left_out() {
    let text = r#"
NS = ["1", "2"]
OTHERS = ["3"]
OTHERS.append("4")
def get_input(wildcards):
    return NS[0] + wildcards.n
rule all:
    input: expand("x/{n}.txt", n=NS), "py.txt"
rule num:
    output: "x/{n}.txt"
    shell: "echo {wildcards.n} > {output}"
rule function:
    input: get_input
    output: "f.txt"
    shell: "cp {input} {output}"
rule nameless:
    input: lambda wildcards: "x"
    output: "l.txt"
    shell: "cp {input} {output}"
rule py:
    output: "py.txt"
    run:
        with open(output[0], "w") as f:
            f.write("x, {}")
rule changed:
    input: expand("x/{n}.txt", n=OTHERS)
    output: "c.txt"
    shell: "cat {input} > {output}"
rule given:
    output: "g.txt"
    params: n=lambda wildcards: 1
    shell: "echo {params.n} > {output}"
rule unasked:
    output: "u/{n}.txt"
    shell: "touch {output}"
rule script:
    output: "s.txt"
    script: "s.py"
rule wrapped:
    output: "w.txt"
    wrapper: "0.1/bio/x"
checkpoint c:
    output: "k.txt"
    shell: "touch {output}"
include: "more.smk"
if True:
    rule hidden:
        output: "h.txt"
        shell: "touch {output}"
rule clean:
    shell: "rm -rf x"
"#;
    let translation = of(text, &[]);
    let (body, left) = parts(&translation);
    assert_eq!(translation.targets, 1, "{body}");
    assert!(
        body.contains("all = [\"num\"]\n") && body.contains("[target.num]\n"),
        "{body}"
    );
    assert!(
        body.contains("\n# The rule `py` is not here: `run` is Python"),
        "{body}"
    );
    let expected = [
        "Snakefile:4: this is Python, and is not run",
        "Snakefile:7: `py.txt` is not there, and made by no target: `all` waits for it",
        "Snakefile:13: the rule `function` is left out: its `input` is not known: `get_input` is a function (line 5)",
        "Snakefile:17: the rule `nameless` is left out: its `input` is not known: a function (`lambda`) says what it is",
        "Snakefile:22: the rule `py` is left out: `run` is Python",
        "Snakefile:26: the rule `changed` is left out: its `input` is not known: the Python of line 4 may have changed `OTHERS`",
        "Snakefile:32: the rule `given` is left out: `n` of its `params` is not known: a function (`lambda`) says what it is",
        "Snakefile:33: the rule `unasked` is left out: nothing that is asked for says which values its wildcards have",
        "Snakefile:38: the rule `script` is left out: `script` needs the object `snakemake`",
        "Snakefile:41: the rule `wrapped` is left out: `wrapper` fetches its command from elsewhere",
        "Snakefile:42: the rule `c` is left out: a checkpoint finds out what follows it",
        "Snakefile:45: `include` is not followed",
        "Snakefile:46: the rules that `if` makes are not translated",
        "Snakefile:50: the rule `clean` is left out: it makes nothing that a target could have",
    ];
    assert_eq!(left.len(), expected.len(), "{left:#?}");
    for (told, expected) in left.iter().zip(expected) {
        assert!(told.starts_with(expected), "{told}\n{expected}");
    }
}

#[test]
fn values_come_from_lists_numbers_and_the_configuration() {
    let text = r#"
configfile: "c.yaml"
rule all:
    input: expand("o/{s}-{n}.txt", s=config["samples"], n=range(1, 3)), expand("p/{a}.{b}", zip, a=["x", "y"], b=["1", "2"])
rule o:
    output: "o/{s}-{n,\d+}.txt"
    params: s="{s}", flag=config["flag"], list=["a", "b"]
    shell: "echo {params.s} {params.flag} {params.list} {config[size]} ${{HOME}} {{}} {{{{x}}}} > {output}"
rule p:
    output: "p/{a}.{b}"
    shell: r"printf '{wildcards.a}\n' > {output}; false; echo $?"
"#;
    let translation = of(text, &[("c.yaml", "samples: {t: 1, s: 2}\nflag: yes\nsize: 1.50\n")]);
    let (body, left) = parts(&translation);
    let expected = r#"[project]
default = ["all"]
params_files = ["c.yaml"]

[alias]
all = ["o", "p"]

[matrix]
s = ["t", "s"]
n = ["1", "2"]
p_a = ["x", "y"]
p_b = ["1", "2"]
exclude = [
    { p_a = "x", p_b = "2" },
    { p_a = "y", p_b = "1" },
]

[target.o]
each = ["s", "n"]
run = "echo {{s}} True a b {{size}} ${HOME} {} {{{{x}} > {{output}}"
output = "o/{{s}}-{{n}}.txt"

[target.p]
each = ["p_a", "p_b"]
run = '''
set -euo pipefail
printf '{{p_a}}\n' > {{output}}; false; echo $?
'''
output = "p/{{p_a}}.{{p_b}}"
"#;
    assert_eq!(body, expected, "{left:#?}");
}

#[test]
fn a_rule_that_names_no_output_in_its_command_writes_it_itself() {
    let text = "rule a:\n    output: touch('a.done'), \"a b.txt\"\n    shell: 'x'\nrule b:\n    output: 'b.txt'\n    shell: 'echo b > b.txt'\nrule c:\n    output: touch('c.done')\n";
    let translation = of(text, &[]);
    let (body, left) = parts(&translation);
    assert!(
        body.contains("[target.b]\nrun = \"echo b > b.txt\"\noutput = \"b.txt\"\ndirect = true "),
        "{body}"
    );
    assert!(
        body.contains("[target.c]\nrun = \"touch {{output}}\"\noutput = \"c.done\"\n"),
        "{body}"
    );
    assert!(
        left.iter()
            .any(|told| told.contains("`a` is left out: a path of its outputs has characters")),
        "{left:?}"
    );
}

#[test]
fn of_two_rules_that_make_one_file_none_is_taken_by_chance() {
    let text = "rule all:\n    input: 'x.txt'\nrule a:\n    output: '{n}.txt'\n    shell: 'echo a > {output}'\nrule b:\n    output: 'x.{e}'\n    shell: 'echo b > {output}'\n";
    let translation = of(text, &[]);
    assert_eq!(translation.targets, 0, "{}", translation.atsaffile);
    assert!(
        translation
            .left
            .iter()
            .any(|told| told.contains("`a` is left out: `x.txt` is made by `b` too")),
        "{:?}",
        translation.left
    );
    // One of them cannot make it, for what it reads is nowhere.
    let text = text.replace("rule b:\n", "rule b:\n    input: 'absent'\n");
    assert_eq!(of(&text, &[]).targets, 1);
}

/// Rules that make a file for each of `SAMPLES`.
const OF_SAMPLES: &str = "rule all:\n    input: expand(\"o/{s}\", s=SAMPLES)\nrule one:\n    output: \"o/{s}\"\n    shell: \"touch {output}\"\n";

#[test]
fn lists_that_python_may_have_changed_are_not_known() {
    let plain = of(&format!("SAMPLES = [\"A\"]\n{OF_SAMPLES}"), &[]);
    assert!(plain.atsaffile.contains("s = [\"A\"]"), "{}", plain.atsaffile);
    for changes in [
        "SAMPLES = [\"A\"]\nX = 1; SAMPLES = [\"B\"]\n",
        "SAMPLES = [\"A\"]\nimport os; SAMPLES = [\"B\"]\n",
        "SAMPLES = [\"A\"]\nf = lambda: SAMPLES.append(\"B\")\nx = f()\n",
        "SAMPLES = [\"A\"]\nSAMPLES: list = [\"B\"]\n",
        "SAMPLES = [\"A\"]\nT = SAMPLES\nT.append(\"B\")\n",
        "L = [\"A\"]\nSAMPLES = L\ndef f(x): x.append(\"B\")\nf(L)\n",
        "SAMPLES = [\"A\"]\nexec(\"SAMPLES = ['B']\")\n",
    ] {
        let translation = of(&format!("{changes}{OF_SAMPLES}"), &[]);
        assert!(
            !translation.atsaffile.contains("\"A\""),
            "{changes}{}",
            translation.atsaffile
        );
    }
}

#[test]
fn a_constraint_of_glob_wildcards_holds() {
    let text = format!("SAMPLES, = glob_wildcards(\"e/{{s,[a-c]}}.fq\")\n{OF_SAMPLES}");
    let files = ["e/a.fq", "e/b.fq", "e/c1.fq"].map(|path| (path, ""));
    let translation = of(&text, &files);
    assert!(
        translation.atsaffile.contains("s = [\"a\", \"b\"]"),
        "{}",
        translation.atsaffile
    );
}

#[test]
fn quotes_stay_and_what_needs_them_is_not_put_in_without() {
    let with = |params: &str, shell: &str| {
        let text = format!("rule x:\n    output: \"x\"\n    params: {params}\n    shell: {shell}\n");
        of(&text, &[]).atsaffile
    };
    for params in ["w=[\"a b\", \"c*\"]", "w=\"my title\"", "w=\"c*\""] {
        let atsaffile = with(params, "\"echo {params.w:q} > {output}\"");
        assert!(!atsaffile.contains("[target.x]"), "{params}: {atsaffile}");
    }
    let plain = with("w=\"word\"", "\"echo {params.w:q} > {output}\"");
    assert!(plain.contains("[target.x]"), "{plain}");
    let lines = with(
        "w=1",
        "\"\"\"\n        echo 'one\n          two' > {output}\n        echo\n        \"\"\"",
    );
    assert!(
        lines.contains("'one\n          two'") || lines.contains("'one\\n          two'"),
        "{lines}"
    );
    let simple = with(
        "w=1",
        "\"\"\"\n        echo one > {output}\n        echo two\n        \"\"\"",
    );
    assert!(simple.contains("\necho two"), "{simple}");
}

#[test]
fn what_is_no_snakefile_is_told_with_its_place() {
    let wrong = |text: &str| {
        let wrong = from_snakemake("Snakefile", text, &Files::default()).expect_err("wrong");
        wrong[0].render()
    };
    assert!(wrong("rule a:\n    input: ['x'\n").contains("a bracket is not closed"));
    let told = wrong("\nrule a:\n    input: 'x\n");
    assert!(
        told.contains("a string is not closed") && told.contains("Snakefile:3"),
        "{told}"
    );
    assert!(wrong("x = 1\n").contains("has no rule at its left edge"));
    assert!(wrong(&"(".repeat(100_000)).contains("too deep"));
}

#[test]
fn fuzz_snakefiles() {
    Fuzz::of("Snakefile", [WORKFLOW.as_bytes().to_vec()])
        .words(&[
            "expand(",
            "{",
            "}",
            "lambda w:",
            "rule x:",
            "\"\"\"",
            "config[",
            "rules.sort.output",
            "zip",
            "input:",
            "\\",
        ])
        .run(|bytes| {
            if let Ok(text) = str::from_utf8(bytes) {
                let files = [
                    ("config.yaml", "filter: {least: 2}\n"),
                    ("data/A.txt", ""),
                    ("data/B.txt", ""),
                ];
                drop(from_snakemake("Snakefile", text, &Files(files.into_iter().collect())));
            }
        });
}
