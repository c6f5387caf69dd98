//! Texts of others that would move the cursor, colour, retitle or reorder: none of it reaches the terminal as it is, whatever
//! command shows it.

use std::os::unix::ffi::OsStrExt as _;
use std::process::Output;
use std::sync::LazyLock;

use regex::Regex;

use crate::project::Project;

/// What the hostile texts hold, as a TOML string and a shell's `$'…'` write it.
const HOSTILE: &str = r"\u001b[45mE\u001b]0;T\u0007\u009b45mC\u202eB\u2066I\u200fM\u200bZ\u007f\u0008";

/// The same as it is.
const RAW: &str = "\u{1b}[45mE\u{1b}]0;T\u{7}\u{9b}45mC\u{202e}B\u{2066}I\u{200f}M\u{200b}Z\u{7f}\u{8}";
/// The same as far as a path may have it.
const IN_PATHS: &str = "C\u{202e}B\u{2066}I\u{200f}M\u{200b}Z";

fn project() -> Project {
    let project = Project::new(&format!(
        r#"[project]
name = "p{HOSTILE}"
default = ["all"]

[alias]
all = ["made", "dir", "reader"]
bad = ["broken"]

[params]
word = "w{HOSTILE}"
words = ["l{HOSTILE}", "second"]

[target.made]
desc = "d{HOSTILE}"
run = "cat noisy.txt && cp noisy.txt {{{{output}}}} && : '{HOSTILE}' {{{{word}}}} {{{{words}}}}"
inputs = ["data/*.csv", "?s{IN_PATHS}.txt"]
output = "out/{IN_PATHS}.txt"
env = ["HOSTILE"]

[target.dir]
run = "cp noisy.txt {{{{output}}}}/ && cp noisy.txt {{{{output}}}}/$'n{HOSTILE}' && cp noisy.txt beside && ln -s $'{HOSTILE}' {{{{output}}}}/link"
inputs = ["noisy.txt"]
output = "dir/"

[target.json]
run = ["cp", "noisy.json", "{{{{output}}}}"]
output = "noisy.json.out"

[target.reader]
run = "cat {{{{inputs}}}} > {{{{output}}}}"
inputs = ["made"]
output = "reader.txt"

[target.broken]
desc = "d{HOSTILE}"
run = "cat noisy.txt; ./$'{HOSTILE}' > {{{{output}}}}"
inputs = ["noisy.txt"]
output = "broken.txt"

[target.slow]
run = ["no{HOSTILE}", "{{{{output}}}}"]
output = "slow.txt"
"#
    ));
    project.write("noisy.txt", format!("one {RAW}\ntwo \r{RAW}\n"));
    project.write("noisy.json", format!("{{\"{RAW}\": \"{RAW}\"}}"));
    project.write("data/a.csv", "1\n");
    project.write(format!("data/{RAW}.csv").as_str(), "2\n");
    project.write(format!("s{IN_PATHS}.txt").as_str(), "3\n");
    let no_text = std::ffi::OsStr::from_bytes(b"data/\xff\x9b45m.txt");
    crate::project::write(&project.at(".").join(no_text), b"4\n");
    project
}

/// What a stream may hold: signs that are seen, line ends, tabs, and where colour is wanted the few sequences of the reports.
#[track_caller]
fn is_clean(args: &str, stream: &[u8], colour: bool) {
    static OWN: LazyLock<Regex> =
        LazyLock::new(|| Regex::new("\u{1b}\\[(0|1|2|4|31|32|33|31;1|1;31|1;4)m").expect("a pattern"));
    let text = str::from_utf8(stream).unwrap_or_else(|error| panic!("{args}: {error}"));
    let text = match colour {
        true => OWN.replace_all(text, "").into_owned(),
        false => text.to_owned(),
    };
    let hidden = |c: char| {
        (c.is_control() && c != '\n' && c != '\t')
            || matches!(u32::from(c), 0x61c | 0x200b..=0x200f | 0x202a..=0x202e | 0x2060..=0x206f | 0xfeff | 0xe0000..=0xe0fff)
    };
    let found = text
        .find(hidden)
        .map(|at| text[..at].lines().last().unwrap_or_default().to_owned());
    assert_eq!(found, None, "in `atsaf {args}`:\n{text:?}");
}

fn run(project: &Project, args: &str, colour: bool) -> Output {
    let mut command = project.command(args);
    command.arg(if colour { "--color=always" } else { "--color=never" });
    command.env("HOSTILE", RAW);
    command.output().expect("started")
}

/// Runs a command with colour and without, and looks at both streams; gives both together, without colour.
#[track_caller]
fn told(project: &Project, args: &str) -> String {
    let mut last = String::new();
    for colour in [true, false] {
        let Output { stdout, stderr, .. } = run(project, args, colour);
        is_clean(args, &stdout, colour);
        is_clean(args, &stderr, colour);
        last = String::from_utf8_lossy(&[stdout, stderr].concat()).into_owned();
    }
    last
}

#[test]
fn no_command_lets_through_what_others_wrote() {
    let project = project();
    project.atsaf("check").ok();
    for args in ["list", "plan", "plan -v", "status", "why made", "graph"] {
        told(&project, args);
    }
    assert_eq!(run(&project, "build -v -B", false).status.code(), Some(0));
    for (args, word) in [
        ("build -v -B", "built"),
        ("build -v -B -j1 --json", "finished"),
        ("build broken", "`broken` failed"),
        ("build slow", "`slow` failed"),
        ("build json -v -B", "json"),
    ] {
        let told = told(&project, args);
        assert!(told.contains(word), "{told}");
    }
    project.write("noisy.txt", format!("{RAW} changed\n"));
    project.write("out/theirs", RAW);
    let shown = [
        "plan",
        "plan -v",
        "status",
        "status -v",
        "why made",
        "why",
        "why -v",
        "why broken",
        "log",
        "log made",
        "log broken",
        "logs made",
        "logs broken",
        "logs dir",
        "show made",
        "show dir",
        "show json",
        "show reader",
        "list",
        "list made",
        "check",
        "graph",
        "graph --format dot",
        "graph --format mermaid",
        "graph --format svg",
        "clean --dry-run",
        "clean --dry-run --orphans",
        "gc --dry-run --keep-runs 0",
        "run --help",
        "completions bash",
        "man",
        "help run",
        "help",
        "doctor",
        "show made --origin",
        "diff dir",
        "init",
    ];
    for args in shown {
        told(&project, args);
    }
    for args in [
        "plan",
        "status",
        "why made",
        "log",
        "log made",
        "logs made",
        "show made",
        "show dir",
        "list",
        "check",
        "graph",
        "clean --dry-run",
        "gc --dry-run",
        "doctor",
        "help run",
    ] {
        let Output { stdout, stderr, .. } = run(&project, &format!("{args} --json"), true);
        is_clean(args, &stderr, true);
        is_clean(args, &stdout, false);
        let value = serde_json::from_slice::<serde_json::Value>(&stdout);
        let said = String::from_utf8_lossy(&stderr);
        value.unwrap_or_else(|error| panic!("{args}: {error}, {said}"));
    }
    // Nothing is lost of names and values: it is written out.
    let list = told(&project, "list made");
    assert!(
        list.contains(r"d\u{1b}[45mE\u{1b}]0;T\u{7}\u{9b}45mC\u{202e}B"),
        "{list}"
    );
    let why = told(&project, r"why made -s word=x");
    assert!(
        why.contains(r"w\u001b[45mE\u001b]0;T\u0007\u{9b}45mC\u{202e}B"),
        "{why}"
    );
    let json = run(&project, "list --json", false).stdout;
    let json: serde_json::Value = serde_json::from_slice(&json).expect("JSON");
    assert_eq!(json["project"], format!("p{RAW}"));
    // What a command prints is for reading: its sequences are gone, and so is what it printed over.
    let logs = told(&project, "logs made");
    assert!(logs.contains("one ECBIMZ\nECBIMZ\n"), "{logs}");
}

#[test]
fn no_mistake_lets_through_what_others_wrote() {
    for atsaffile in [
        format!("[params]\nx = \"{RAW}\n"),
        format!("[target.\"{HOSTILE}\"]\nrun = \"{HOSTILE}\"\n"),
        format!(
            "[target.a]\nrun = \"x {{{{{HOSTILE}}}}} {{{{output}}}}\"\ninputs = [\"{HOSTILE}\", \"a.{IN_PATHS}\"]\noutput = \"{HOSTILE}\"\n"
        ),
        format!("\"{HOSTILE}\" = 1\n[target.a]\nuses = \"{HOSTILE}\"\n\"{HOSTILE}\" = 2\n"),
        format!(
            "[alias]\nx = [\"{HOSTILE}\"]\n[secrets]\n\"{HOSTILE}\" = 1\n# {IN_PATHS} é\n[target.a]\nrun = 3 # {IN_PATHS}\n"
        ),
        format!("[target.a]\nrun = \"x {{{{output}}}}\"\ninputs = [\"./{IN_PATHS}\"]\noutput = \"a\" # {IN_PATHS}\n"),
    ] {
        let project = Project::new(&atsaffile);
        for args in ["check", "build", "check --json"] {
            let text = told(&project, args);
            assert!(text.contains("error"), "{atsaffile}: {text}");
        }
    }
    let project = project();
    for args in [
        format!("build {RAW}"),
        format!("show {RAW}"),
        format!("logs --run {RAW} made"),
        format!("build -s {RAW}=1"),
        format!("build -s word={RAW} --{RAW}"),
        format!("-f {RAW} build"),
        format!("-C {RAW} build"),
        RAW.to_owned(),
        format!("run --{RAW}"),
        format!("build -j {RAW}"),
    ] {
        let text = told(&project, &args);
        assert!(text.contains("error"), "{args:?}: {text}");
    }
}

#[test]
fn a_line_end_in_the_name_of_a_file_makes_no_line() {
    let project = Project::new("[target.a]\nrun = \"cat d/* > {{output}}\"\ninputs = [\"d/*\"]\noutput = \"a.txt\"\n");
    let name = "d/one\nerror: forged";
    project.write(name, "1");
    project.build("").ok();
    project.write(name, "2");
    for args in ["why a", "status", "plan", "list", "graph", "build -v", "log a"] {
        let told = project.atsaf(args);
        told.has("d/one\\u{a}error: forged");
        assert!(
            !told.text.lines().any(|line| line.starts_with("error")),
            "{args}:\n{}",
            told.text
        );
    }
}
