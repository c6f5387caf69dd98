//! What the doctor finds.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use serde_json::Value;

use crate::cli::Exit;
use crate::cli::trial::Trial;

const ATSAFFILE: &str = "[target.a]\nrun = \"echo a > {{output}}\"\noutput = \"a.txt\"\n";

fn findings(trial: &Trial) -> (Exit, Vec<Value>) {
    let said = trial.run(&["doctor", "--json"]);
    let told: Value = serde_json::from_str(&said.out).unwrap_or_else(|_| panic!("{said:?}"));
    let findings = told["findings"].as_array().expect("a list").clone();
    assert_eq!(told["ok"], said.exit == Exit::Done, "{told}");
    (said.exit, findings)
}

fn states(findings: &[Value], what: &str) -> Vec<String> {
    let of = findings.iter().filter(|it| it["what"] == what);
    of.map(|it| it["state"].as_str().expect("a word").to_owned()).collect()
}

#[test]
fn a_project_in_order_has_no_trouble_and_is_left_as_it_was() {
    let trial = Trial::new(ATSAFFILE);
    trial.out(&["build"]);
    let files = || {
        let mut all: Vec<_> = walkdir::WalkDir::new(trial.at(""))
            .into_iter()
            .map(|it| it.expect("read").path().to_owned())
            .collect();
        all.sort();
        all
    };
    let before = files();
    let (exit, found) = findings(&trial);
    assert_eq!(exit, Exit::Done, "{found:?}");
    for what in ["Atsaffile", "store", "bash"] {
        assert_eq!(states(&found, what), ["ok"], "{found:?}");
    }
    assert!(!states(&found, "disk").is_empty());
    assert_eq!(files(), before);
    // The build that a seal answers is still one.
    assert!(trial.run(&["build"]).err.contains("nothing to do"));
    let text = trial.out(&["doctor"]);
    assert!(
        text.contains("Atsaffile  PROJECT/Atsaffile: 1 target\n") && text.contains("all is well"),
        "{text}"
    );
    assert!(
        text.lines()
            .any(|line| line.starts_with("ok") && line.contains("1 run")),
        "{text}"
    );
}

#[test]
fn what_a_build_would_fail_by_is_trouble() {
    let trial = Trial::new(&format!(
        "[secrets]\nKEY = {{}}\nOTHER = {{ optional = true }}\n\n{ATSAFFILE}secrets = [\"KEY\", \"OTHER\"]\n"
    ));
    trial.write(".env", "OTHER=not-to-be-told\n");
    let said = trial.run(&["doctor"]);
    assert_eq!(said.exit, Exit::Failed);
    assert!(
        said.out.contains("trouble  secret     KEY is not set\n"),
        "{}",
        said.out
    );
    assert!(
        said.out.contains("OTHER is set in `.env`") && !said.out.contains("not-to-be-told"),
        "{}",
        said.out
    );
    assert!(said.out.ends_with("1 thing needs you\n"), "{}", said.out);
    let trial = Trial::new("[target.a]\nrun = [\"x\"]\noutputs = 1\n");
    let (exit, found) = findings(&trial);
    assert_eq!(
        (exit, states(&found, "Atsaffile")),
        (Exit::Failed, vec!["trouble".to_owned()])
    );
}

#[test]
fn outside_a_project_the_next_step_is_told() {
    let trial = Trial::new("");
    fs::remove_file(trial.at("Atsaffile")).expect("removed");
    let (exit, found) = findings(&trial);
    assert_eq!(exit, Exit::Done, "{found:?}");
    assert_eq!(states(&found, "Atsaffile"), ["note"]);
    assert!(
        found[0]["next"].as_str().expect("a word").contains("atsaf init"),
        "{found:?}"
    );
}

#[test]
fn a_store_of_others_is_trouble() {
    let trial = Trial::new(ATSAFFILE);
    trial.out(&["build"]);
    fs::set_permissions(trial.at(".atsaf"), fs::Permissions::from_mode(0o777)).expect("set");
    let (exit, found) = findings(&trial);
    assert_eq!(
        (exit, states(&found, "store")[0].as_str()),
        (Exit::Failed, "trouble"),
        "{found:?}"
    );
}

/// A server that says once that it lives, and is gone after that.
#[cfg(feature = "forecasting")]
#[test]
fn a_server_of_mlflow_is_asked_whether_it_lives() {
    use std::io::{Read as _, Write as _};
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("bound");
    let address = listener.local_addr().expect("an address");
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("asked");
        let mut request = [0; 1024];
        let length = stream.read(&mut request).expect("a request");
        let answer = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nOK";
        stream.write_all(answer.as_bytes()).expect("answered");
        String::from_utf8_lossy(&request[..length]).into_owned()
    });
    let trial = Trial::new(include_str!("../../../Atsaffile")).with_tasks(crate::forecasting::tasks);
    trial.write(".env", &format!("MLFLOW_TRACKING_URI=http://{address}\n"));
    let (_, found) = findings(&trial);
    assert_eq!(states(&found, "MLflow"), ["ok"], "{found:?}");
    let asked = server.join().expect("a request");
    assert!(asked.starts_with("GET /health HTTP/1.1\r\n"), "{asked}");
    let (exit, found) = findings(&trial);
    assert_eq!(
        (exit, states(&found, "MLflow")),
        (Exit::Failed, vec!["trouble".to_owned()]),
        "{found:?}"
    );
    trial.write(".env", "");
    let (_, found) = findings(&trial);
    assert_eq!(states(&found, "MLflow"), ["ok"], "{found:?}");
}
