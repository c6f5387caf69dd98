//! No secret leaves a build: not in what is printed, logged or kept, in whatever form, and not where it does not belong.

use std::process::Command;

use snapbox::str;

use crate::project::{Project, Told};

const SECRET: &str = "hunter2/ä'\"\\ +%41";

/// A project whose target `t` has a secret and runs a command.
fn project(command: &str) -> Project {
    let project = Project::new(
        "[secrets]\nTOKEN = {}\n\n[target.t]\nrun = [\"bash\", \"-c\", \"bash script.sh {{output}}\"]\nsecrets = [\"TOKEN\"]\noutput = \"t.txt\"\n",
    );
    project.write("script.sh", command);
    project.write(".env", format!("TOKEN={}\n", quoted()));
    project
}

/// The secret as `.env` has it.
fn quoted() -> String {
    format!("\"{}\"", SECRET.replace('\\', "\\\\").replace('"', "\\\""))
}

/// What is left of a text when nothing else is: letters, digits and signs that are in no escape sequence.
fn bare(text: &[u8]) -> String {
    let text = String::from_utf8_lossy(text)
        .replace("\u{1b}[0m", "")
        .replace("\u{1b}[31m", "");
    text.chars()
        .filter(|c| !c.is_control() && *c != '\u{202e}' && *c != '\u{200b}')
        .collect()
}

/// Runs the program and gives standard output as it is.
fn out(project: &Project, args: &str) -> Vec<u8> {
    project.command(args).output().expect("started").stdout
}

/// Everything that a project shows and keeps of what its target printed.
fn all(project: &Project, built: &Told) -> Vec<(String, Vec<u8>)> {
    let mut all = vec![("build".to_owned(), built.text.clone().into_bytes())];
    for args in [
        "logs t",
        "logs t --raw",
        "logs t --json",
        "why t",
        "log t",
        "status",
        "log --json",
        "build --json -B",
        "build -v -B",
    ] {
        all.push((args.to_owned(), Told::of(&mut project.command(args)).text.into_bytes()));
    }
    all.extend(project.store());
    all
}

#[track_caller]
fn hides(project: &Project, built: &Told, parts: &[&str]) {
    for (what, bytes) in all(project, built) {
        for part in parts {
            assert!(!bare(&bytes).contains(part), "`{part}` in {what}: {}", bare(&bytes));
        }
    }
}

#[test]
fn a_masked_secret_does_not_come_together_again() {
    let project = project(
        r#"
        first=${TOKEN:0:4} rest=${TOKEN:4}
        printf 'a %s\033[0m%s b\n' "$first" "$rest"
        printf 'c %s\033[31m\033]0;title\007%s d\n' "$first" "$rest"
        printf 'e %s\xe2\x80\xae%s\xe2\x80\x8b f\n' "$first" "$rest"
        printf '\033]0;%s\007g\n' "$TOKEN"
        printf 'h %s\n%s i\n' "$first" "$rest"
        printf '\033[31mred\033[0m\n'
        exec > "$1"; echo done
        "#,
    );
    let built = project.build("-v");
    built.ok();
    built.has("t | a *** b\nt | c *** d\nt | e *** f\nt | g\nt | h ***\nt | *** i\nt | red\n");
    hides(&project, &built, &["hunter2", "unter2"]);
    let raw = out(&project, "logs t --raw");
    let raw = String::from_utf8(raw).expect("text");
    assert!(
        raw.contains("a *** b\n") && raw.contains("\u{1b}]0;***\u{7}g\n"),
        "{raw:?}"
    );
    assert!(
        raw.contains("\u{1b}[31mred\u{1b}[0m\n"),
        "what is no secret is as it came: {raw:?}"
    );
}

#[test]
fn every_form_of_a_secret_is_masked_in_successes_and_failures() {
    for end in ["echo done > \"$1\"", "exit 3"] {
        let project = project(&format!(
            r#"
            t() {{ printf '%s' "$TOKEN"; }}
            printf '1 %q\n' "$TOKEN"
            echo "2 $(t | base64 -w0)"
            echo "3 $(printf 'me:%s' "$TOKEN" | base64 -w0)"
            printf 'user:%s' "$TOKEN" | base64 -w 10
            echo "4 $(t | base64 -w0 | tr '+/' '-_')"
            echo "5 $(t | od -An -v -tx1 | tr -d ' \n')"
            echo "6 $(t | od -An -v -tx1 | tr -d ' \n' | tr a-f A-F)"
            echo "7 $(t | od -An -v -tx1 | tr -d '\n' | tr ' ' '%')"
            echo '8 {{"token": "hunter2\/\u00e4'"'"'\"\\ +%41"}}'
            echo "9 hunter2%2F%C3%A4%27%22%5C+%2B%2541"
            {end}
            "#
        ));
        let built = project.build("-v");
        assert_eq!(built.code, Some(i32::from(end == "exit 3")), "{}", built.text);
        let parts = [
            "hunter2",
            "aHVudGVyMi",
            "h1bnRlcjIv",
            "odW50ZXIy",
            "h1bnRlcjIv",
            "68756e7465",
            "68756E7465",
            "68%75%6e%74",
        ];
        hides(&project, &built, &parts);
        for line in 1..=9 {
            built.has(&format!("t | {line} "));
        }
        assert!(built.text.matches("***").count() >= 10, "{}", built.text);
    }
}

#[test]
fn an_artifact_with_a_secret_fails_the_build_and_is_kept_nowhere() {
    for write in [
        "printf 'one\\ntwo %s\\n' \"$TOKEN\" > \"$1\"",
        "{ printf 'one\\ntwo '; printf '%s' \"$TOKEN\" | base64 -w0; } > \"$1\"",
        "{ printf 'one\\ntwo '; printf '%s' \"$TOKEN\" | od -An -v -tx1 | tr -d ' \\n'; } > \"$1\"",
    ] {
        let project = project(write);
        let built = project.build("");
        built.exits(1);
        built.has("error: `t` failed: `t.txt` holds the secret `TOKEN` in line 2, at byte 8\n");
        built.has(
            "  note: `t.txt` was left there for you to look at: it counts as not built, and no copy of it was kept\n",
        );
        built.has("say `secrets_in_output = \"allow\"` in the target `t`");
        assert!(project.read("t.txt").starts_with("one\ntwo "));
        hides(&project, &built, &["hunter2", "aHVudGVyMi", "68756e7465"]);
    }
}

#[test]
fn what_was_refused_for_a_secret_is_not_built_and_gives_way_to_what_is() {
    let project = project("printf '%s' \"$TOKEN\" > \"$1\"; sleep 0");
    project.build("").exits(1);
    assert_eq!(project.read("t.txt"), SECRET);
    project.atsaf("status").has("never built");
    project.write("script.sh", "echo none > \"$1\"");
    let built = project.build("");
    built.ok();
    assert!(!built.text.contains("displaced"), "{}", built.text);
    assert_eq!(project.read("t.txt"), "none\n");
    hides(&project, &built, &["hunter2"]);
    // What is there already stays: the artifact of a success, and a file of somebody else's.
    project.write("script.sh", "printf '%s' \"$TOKEN\" > \"$1\"; sleep 0");
    project
        .build("-B")
        .has("  note: nothing was placed, and no copy was kept\n");
    assert_eq!(project.read("t.txt"), "none\n");
    project.write("t.txt", "mine");
    project.build("-B").exits(1);
    assert_eq!(project.read("t.txt"), "mine");
}

#[test]
fn a_secret_may_be_in_an_artifact_that_says_so_and_that_makes_nothing_stale() {
    let project = project("printf '%s' \"$TOKEN\" > \"$1\"; sleep 0");
    project.build("").exits(1);
    project.edit("Atsaffile", "secrets =", "secrets_in_output = \"allow\"\nsecrets =");
    project.build("").ok();
    assert_eq!(project.read("t.txt"), SECRET);
    let shown = project.atsaf("show t");
    shown.ok();
    assert!(
        shown.text.contains("***") && !shown.text.contains("hunter2"),
        "{}",
        shown.text
    );
    project.write("script.sh", "echo none > \"$1\"");
    project.build("").ok();
    project.edit("Atsaffile", "secrets_in_output = \"allow\"\n", "");
    project.build("").has("nothing to do: 1 target is fresh");
    project.edit("Atsaffile", "secrets =", "secrets_in_output = \"yes\"\nsecrets =");
    let checked = project.atsaf("check");
    checked.exits(2);
    checked.has("`secrets_in_output` must be \"allow\"");
}

#[test]
fn a_secret_in_a_directory_is_found_in_files_names_and_links() {
    let atsaffile = "[secrets]\nTOKEN = {}\nOTHER = {}\n\n[target.t]\nrun = \"bash script.sh {{output}}\"\nsecrets = [\"OTHER\", \"TOKEN\"]\noutput = \"t/\"\n";
    for (write, told) in [
        (
            "head -c 3000000 /dev/zero > $1/a; printf %s $TOKEN >> $1/a",
            "`t/a` holds the secret `TOKEN` at byte 3000000",
        ),
        (
            "mkdir -p $1/b/c; echo $OTHER > $1/b/c/d",
            "`t/b/c/d` holds the secret `OTHER` in line 1, at byte 0",
        ),
        (
            "touch $1/x-$TOKEN.csv",
            "the name of a file in `t` holds the secret `TOKEN`",
        ),
        (
            "ln -s /nowhere/$TOKEN $1/link",
            "the link `t/link` holds the secret `TOKEN`",
        ),
    ] {
        let project = Project::new(atsaffile);
        project.write(".env", "TOKEN=long-enough\nOTHER=another-one\n");
        project.write("script.sh", write);
        let built = project.build("");
        built.exits(1);
        built.has(told);
        assert!(!project.at("t").exists());
        hides(&project, &built, &["long-enough", "another-one"]);
    }
}

#[test]
fn what_a_failed_attempt_leaves_to_be_read_holds_no_secret() {
    let project = project("printf '%s' \"$TOKEN\" > \"$1\"; echo fine > \"$(dirname \"$1\")/beside.txt\"; exit 4");
    let built = project.build("");
    built.exits(1);
    hides(&project, &built, &["hunter2"]);
    let kept: Vec<String> = project
        .store()
        .into_keys()
        .filter(|path| path.contains("/files/"))
        .collect();
    assert!(kept.iter().any(|path| path.ends_with("beside.txt")), "{kept:?}");
}

#[test]
fn a_secret_that_is_a_parameter_is_refused_and_not_shown() {
    let project = Project::new(
        r#"[params]
url = "long-enough"
level = 95

[secrets]
TOKEN = {}
LEVEL = {}

[target.t]
run = "echo {{url}} {{level}} > {{output}}"
output = "t.txt"
"#,
    );
    project.write(".env", "TOKEN=long-enough\nLEVEL=95\n");
    for command in ["check", "build", "plan", "list", "status"] {
        project.atsaf(command).is(
            2,
            str![[r#"
error: the parameter `url` has the value of the secret `TOKEN`
  --> Atsaffile:2:7
 2 | url = "***"
   |       ^^^^^^^^^^^^^
  note: parameters are kept in the journal and shown; the value is not shown here
  help: leave its value in `.env` or in the environment, write `secrets = ["TOKEN"]` in the target that needs it, and let its command read `$TOKEN`

"#]],
        );
    }
    project.edit("Atsaffile", "url = \"long-enough\"", "url = \"x\"");
    let set = project.atsaf("build -s url=long-enough");
    set.exits(2);
    set.has("error: `-s url=…` has the value of the secret `TOKEN`");
    assert!(!set.text.contains("long-enough"), "{}", set.text);
    project.build("").ok();
    let parts: Vec<String> = project.store().into_values().map(|bytes| bare(&bytes)).collect();
    assert!(!parts.iter().any(|text| text.contains("long-enough")));
}

#[test]
fn credentials_in_addresses_are_refused_and_not_shown() {
    let project = Project::new(
        r#"[params]
db = "postgres://me:sesame@db/x"   # read by nothing
port = 5432

[target.t]
run = """
echo start
curl 'https://host/page?api_key=sesame&format=json' > {{output}}"""
output = "t.txt"
"#,
    );
    let checked = project.atsaf("check -s port=http://me:sesame@x");
    checked.exits(2);
    checked.has("error: the parameter `db` has an address with credentials\n  --> Atsaffile:2:6\n");
    checked.has("db = \"postgres://me:******@db/x\"");
    checked.has("error: the command of the target `t` has an address with credentials");
    checked.has("error: `-s port=…` has an address with credentials");
    checked.has("declare a secret in `[secrets]`, write its value to `.env`");
    assert!(!checked.text.contains("sesame"), "{}", checked.text);
    let fine = Project::new(
        r#"[params]
db = "postgres://me@db:5432/x"

[secrets]
KEY = { optional = true }

[target.t]
run = "echo \"https://me:${KEY:-}@host/?api_key=$KEY&token={{db}}\" > {{output}}"
secrets = ["KEY"]
output = "t.txt"
"#,
    );
    fine.atsaf("check").ok();
}

#[test]
fn a_short_secret_is_a_warning_and_hidden_as_a_word() {
    let project = Project::new(
        r#"[params]
mode = "four"

[secrets]
PIN = {}

[target.t]
run = "echo \"$PIN fourteen ($PIN)\"; echo $PIN > {{output}}"
secrets = ["PIN"]
params = ["mode"]
output = "t.txt"
"#,
    );
    project.write(".env", "PIN=four\n");
    let built = project.build("-v");
    built.ok();
    built.has(
        "warning: the value of the secret `PIN` has fewer than 6 characters\n  --> Atsaffile:5:1\n 5 | PIN = {}\n   | ^^^\n  note: it is hidden only where it stands as a word of its own",
    );
    built.has("t | *** fourteen (***)\n");
}

/// What a terminal would get, where there is a program to ask.
#[test]
fn raw_output_is_refused_on_a_terminal() {
    let project = project("printf '\\033[31mred\\n'; echo > \"$1\"");
    project.build("").ok();
    let told = Command::new("script")
        .args([
            "-qec",
            &format!("{} logs t --raw", env!("CARGO_BIN_EXE_atsaf")),
            "/dev/null",
        ])
        .current_dir(project.at("."))
        .output();
    // Without `script`, the unit test of the screen is all there is.
    if let Ok(told) = told {
        let text = String::from_utf8_lossy(&told.stdout).into_owned();
        assert!(
            text.contains("is not shown raw on a terminal") && !text.contains("31mred"),
            "{text:?}"
        );
    }
}
