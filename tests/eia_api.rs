//! The ingest against a server that behaves like the EIA API: the right data or the right error, nothing half done on
//! the disk, and the key nowhere.

use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::eia_server::{EiaServer, KEY, Trouble, generation, keyed};
use crate::project::{Project, Told, kill};

/// Far more than any of these needs, and far less than a retry of the target costs.
const SOON: Duration = Duration::from_secs(40);

/// A project with an ingest of the server's data; `more` are lines of `with`.
pub(crate) fn project(server: &EiaServer, more: &str) -> Project {
    let project = Project::new(&format!(
        r#"
[secrets]
EIA_API_KEY = {{ optional = true }}

[target.ingest]
uses = "ingest_eia"
outputs = {{ raw = "raw.parquet" }}
secrets = ["EIA_API_KEY"]

[target.ingest.with]
source = "{}"
start_date = "2024-01-01"
end_date = "2024-01-04"
respondent = ["CISO", "TEX"]
fueltype = ["NG", "SUN"]
max_wait = 20
max_seconds = 2
{more}
"#,
        server.address
    ));
    project.write(".env", format!("EIA_API_KEY={KEY}\n"));
    project
}

/// Four days of two respondents and two fuels: 384 rows.
pub(crate) fn server() -> EiaServer {
    EiaServer::with(days(4), 100)
}

pub(crate) fn days(days: i64) -> Vec<Value> {
    generation("2024-01-01", 24 * days, &["CISO", "TEX"], &["NG", "SUN"])
}

/// How many rows the table has that was made.
#[track_caller]
pub(crate) fn rows(project: &Project) -> u64 {
    let shown = &shown(project);
    shown["content"]["count"]
        .as_u64()
        .unwrap_or_else(|| panic!("no rows in {shown}"))
}

/// What `show` says of the table.
#[track_caller]
fn shown(project: &Project) -> Value {
    let told = project.atsaf("show raw --json");
    told.ok();
    let shown: Value = serde_json::from_str(&told.text).expect("JSON");
    shown["artifacts"][0].clone()
}

/// The bytes of the table, without the id of the run that made it.
#[track_caller]
pub(crate) fn table(project: &Project) -> Vec<u8> {
    let run = shown(project)["run"].as_str().expect("a run").to_owned();
    let mut bytes = project.files()["raw.parquet"].clone();
    let places: Vec<usize> = (0..bytes.len())
        .filter(|at| bytes[*at..].starts_with(run.as_bytes()))
        .collect();
    assert!(!places.is_empty());
    for at in places {
        bytes[at..at + run.len()].fill(0);
    }
    bytes
}

/// Forms in which a secret could stand somewhere.
fn forms(secret: &str) -> Vec<Vec<u8>> {
    let percent = |is_plain: fn(u8) -> bool| -> String {
        secret
            .bytes()
            .map(|byte| match is_plain(byte) {
                true => char::from(byte).to_string(),
                false => format!("%{byte:02X}"),
            })
            .collect()
    };
    let texts = [
        secret.to_owned(),
        percent(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte)),
        percent(|byte| byte.is_ascii_alphanumeric() || b"-._/".contains(&byte)),
        percent(|_| false),
        secret.replace('&', "&amp;"),
        secret.replace('/', "\\/"),
    ];
    let lower = texts.clone().map(|text| text.to_lowercase());
    texts.into_iter().chain(lower).map(String::into_bytes).collect()
}

/// Asserts that neither what was told nor any file of the project has the key, or a beginning of a table.
#[track_caller]
pub(crate) fn holds_no_key(project: &Project, told: &Told) {
    let forms = forms(KEY);
    let has = |bytes: &[u8]| {
        let lower = bytes.to_ascii_lowercase();
        let found = |form: &Vec<u8>| {
            [bytes, &lower]
                .iter()
                .any(|text| text.windows(form.len()).any(|at| at == form))
        };
        forms.iter().any(found)
    };
    assert!(!has(told.text.as_bytes()), "{}", told.text);
    for (path, bytes) in project.files().into_iter().chain(project.store()) {
        assert!(path == ".env" || !has(&bytes), "`{path}` holds the key");
    }
}

/// Asserts that a build failed and left nothing half done.
#[track_caller]
fn left_nothing(project: &Project, told: &Told) {
    assert_ne!(told.code, Some(0), "{}", told.text);
    let files: Vec<String> = project.files().into_keys().collect();
    assert_eq!(files, [".env"]);
    let staged = project.store();
    let staged = staged
        .keys()
        .find(|path| path.contains("staging/") && path.ends_with(".parquet"));
    assert_eq!(staged, None);
    holds_no_key(project, told);
}

#[test]
fn pages_are_planned_from_the_total_and_fetched_side_by_side_no_more_than_five_a_second() {
    let server = EiaServer::with(days(4), 40);
    server.next((0..10).map(|_| Trouble::Slow(20)));
    let project = project(&server, "");
    let told = project.build("");
    told.ok();
    assert_eq!(rows(&project), 384);
    holds_no_key(&project, &told);
    let moments = server.moments();
    assert_eq!(moments.len(), 11, "the key, and 384 rows in pages of 40");
    for some in moments.windows(6) {
        // Counted where they are sent, seen where they arrive, which on a busy machine is not at once.
        assert!(
            some[5] - some[0] >= Duration::from_millis(800),
            "{:?}",
            some[5] - some[0]
        );
    }
}

#[test]
fn the_rate_holds_over_targets_and_builds() {
    let server = EiaServer::with(days(4), 200);
    let all = project(&server, "");
    let text = all.read("Atsaffile");
    let (head, target) = text.split_at(text.find("[target.ingest]").expect("a target"));
    let another = target
        .replace("target.ingest", "target.other")
        .replace("2024-01-04", "2024-01-03");
    let another = another.replace("\"raw.parquet\"", "\"other.parquet\"");
    all.write("Atsaffile", format!("{head}{target}{another}"));
    thread::scope(|scope| {
        for goal in ["ingest", "other"] {
            let all = &all;
            scope.spawn(move || all.build(&format!("-q {goal}")).ok());
        }
    });
    all.build("-q --force").ok();
    let moments = server.moments();
    assert!(moments.len() >= 8, "{}", moments.len());
    for some in moments.windows(6) {
        // Counted where they are sent, seen where they arrive, which on a busy machine is not at once.
        assert!(
            some[5] - some[0] >= Duration::from_millis(800),
            "{:?}",
            some[5] - some[0]
        );
    }
}

#[test]
fn what_passes_is_asked_again_within_the_attempt() {
    let html = "<html><head><title>502 Bad Gateway</title></head></html>";
    let says = |status, head, body: &str| Trouble::Says(status, head, body.to_owned());
    let whole = {
        let server = server();
        let project = project(&server, "");
        project.build("-q").ok();
        table(&project)
    };
    let troubles = [
        vec![says(502, "content-type: text/html\r\n", html)],
        vec![
            says(503, "retry-after: 1\r\n", ""),
            says(504, "", html),
            says(500, "", ""),
        ],
        vec![says(200, "content-type: text/html\r\n", html)],
        vec![says(429, "retry-after: 1\r\n", &keyed("OVER_RATE_LIMIT"))],
        vec![says(403, "retry-after: 1\r\n", &keyed("API_KEY_TEMPORARILY_DISABLED"))],
        vec![says(200, "retry-after: 1\r\n", &keyed("OVER_RATE_LIMIT"))],
        vec![Trouble::Cut, Trouble::Half, Trouble::Reset],
        vec![Trouble::Slow(50), Trouble::Drip],
        vec![Trouble::Silence],
    ];
    for trouble in troubles {
        for first in [false, true] {
            let server = server();
            let shown_trouble = format!("{trouble:?}, first: {first}");
            if !first {
                server.next([Trouble::Slow(0)]);
            }
            server.next(trouble.clone());
            let project = project(&server, "");
            let begun = Instant::now();
            let told = project.build("");
            assert_eq!(told.code, Some(0), "{shown_trouble}: {}", told.text);
            assert!(begun.elapsed() < SOON, "{shown_trouble}: {:?}", begun.elapsed());
            assert!(table(&project) == whole, "{shown_trouble}");
            holds_no_key(&project, &told);
        }
    }
}

#[test]
fn what_does_not_pass_is_an_error_with_the_request_and_what_came_back() {
    let says = |status, body: &str| Trouble::Says(status, "", body.to_owned());
    let cases = [
        (says(502, "<html>bad</html>"), "the EIA API failed with status 502"),
        (
            says(429, &keyed("OVER_RATE_LIMIT")),
            "asks to slow down (OVER_RATE_LIMIT)",
        ),
        (
            says(403, &keyed("API_KEY_TEMPORARILY_DISABLED")),
            "asks to slow down (API_KEY_TEMPORARILY_DISABLED)",
        ),
        (Trouble::Half, "the answer of the EIA API is not JSON"),
        (Trouble::Cut, "cannot reach the EIA API"),
        (Trouble::Reset, "cannot reach the EIA API"),
        (Trouble::Drip, "did not answer within 2 s"),
        (Trouble::Silence, "did not answer within 2 s"),
    ];
    for (trouble, what) in cases {
        let server = server();
        server.next((0..40).map(|_| trouble.clone()));
        let project = project(&server, "");
        project.edit("Atsaffile", "max_wait = 20", "max_wait = 1");
        let begun = Instant::now();
        let told = project.build("");
        assert!(begun.elapsed() < SOON, "{what}: {:?}", begun.elapsed());
        told.has(what);
        told.has("note: the request: GET http://127.0.0.1:");
        told.has("help: ");
        left_nothing(&project, &told);
    }
    let final_ones = [
        (
            says(400, r#"{"error":"Invalid facet 'x' provided.","code":400}"#),
            "Invalid facet 'x' provided",
        ),
        (says(404, r#"{"error":"Not found.","code":404}"#), "Not found"),
        (says(404, "<html>not here</html>"), "the EIA API failed with status 404"),
        (
            says(200, r#"{"error":"Invalid data provided.","code":400}"#),
            "Invalid data provided",
        ),
        (
            says(200, r#"{"response":{"total":"1","frequency":"daily","data":[]}}"#),
            "the frequency `daily`",
        ),
    ];
    for (trouble, what) in final_ones {
        let server = server();
        server.next([Trouble::Slow(0), trouble]);
        let project = project(&server, "");
        let told = project.build("");
        told.has(what);
        told.has("note: what came back: status ");
        left_nothing(&project, &told);
    }
}

#[test]
fn a_key_that_is_refused_or_missing_is_told_with_where_to_get_one() {
    const REGISTER: &str = "https://www.eia.gov/opendata/register.php";
    let server = server();
    let project = project(&server, "");
    project.write(".env", "EIA_API_KEY=another-key\n");
    let before = project.read("Atsaffile");
    project.write(
        "Atsaffile",
        format!("{before}\n[target.beside]\nrun = \"echo > {{{{output}}}}\"\noutput = \"beside\"\n"),
    );
    let told = project.build("");
    told.exits(2);
    told.has("error: `ingest` cannot run: the EIA API does not accept the key");
    told.has(REGISTER);
    assert_eq!(server.moments().len(), 1, "it is not asked again, and for no rows");
    assert!(!project.at("beside").exists(), "nothing else runs either");
    project.write("Atsaffile", before);
    assert!(!told.text.contains("another-key"), "{}", told.text);
    // Without one nothing runs, and nobody is asked.
    project.remove(".env");
    project.atsaf("check").exits(2);
    let told = project.build("");
    told.exits(2);
    told.has("error: `ingest` cannot run: the EIA API needs a key, and the secret `EIA_API_KEY` is not set");
    told.has(REGISTER);
    project.write(".env", format!("EIA_API_KEY={KEY}\n"));
    project.edit("Atsaffile", "secrets = [\"EIA_API_KEY\"]\n", "");
    let told = project.build("");
    told.exits(2);
    told.has("and the secret `EIA_API_KEY` is not given to it");
    told.has("add `secrets = [\"EIA_API_KEY\"]` to the target");
    assert_eq!(server.asked(), Vec::<String>::new());
    // What is fresh needs none.
    project.edit("Atsaffile", "outputs =", "secrets = [\"EIA_API_KEY\"]\noutputs =");
    project.build("-q").ok();
    project.remove(".env");
    project.build("").ok();
}

#[test]
fn a_server_that_takes_the_key_in_the_address_alone_gets_it_there() {
    let server = server();
    server.want_key_in_address();
    let project = project(&server, "");
    let told = project.build("");
    told.ok();
    holds_no_key(&project, &told);
    assert_eq!(rows(&project), 384);
    server.next((0..40).map(|_| Trouble::Says(500, "", KEY.to_owned())));
    project.edit("Atsaffile", "max_wait = 20", "max_wait = 1");
    let told = project.build("--force");
    told.exits(1);
    told.has("&api_key=***");
    holds_no_key(&project, &told);
}

#[test]
fn numbers_or_texts_gaps_nulls_and_equal_duplicates_are_data() {
    let server = server();
    server.revise(|rows| {
        rows[7]["value"] = Value::Null;
        let twice = rows[8].clone();
        rows.push(twice);
        rows.remove(20);
    });
    let project = project(&server, "");
    project.build("-q").ok();
    let texts = table(&project);
    assert_eq!(rows(&project), 383);
    project
        .atsaf("logs ingest")
        .has("383 rows, 1 that said the same as another left out");
    server.write_numbers();
    project.build("-q --force").ok();
    assert!(table(&project) == texts);
    project.atsaf("logs ingest").has("the EIA API warns: incomplete return");
}

#[test]
fn contradicting_duplicates_are_shown() {
    let server = server();
    server.revise(|rows| {
        let mut other = rows[8].clone();
        other["value"] = json!("-1");
        rows.push(other);
    });
    let project = project(&server, "");
    let told = project.build("");
    told.exits(1);
    told.has("rows of the same hour contradict each other, in 1 of the hours");
    told.has("CISO NG at 2024-01-01 02:00 has the values ");
    left_nothing(&project, &told);
}

#[test]
fn data_that_changes_between_pages_is_read_again_and_not_for_ever() {
    let less = |rows: &mut Vec<Value>| drop(rows.pop());
    let server = server();
    server.next([Trouble::Then(less)]);
    let project = project(&server, "");
    project.build("-q").ok();
    assert_eq!(rows(&project), 383);
    project
        .atsaf("logs ingest")
        .has("384 rows and then 383: it is read from the beginning");
    let server = self::server();
    server.next((0..200).map(|_| Trouble::Then(less)));
    let project = self::project(&server, "");
    let told = project.build("");
    told.has("the data of the EIA API changed while it was read");
    left_nothing(&project, &told);
}

#[test]
fn a_fetch_ends_with_the_build() {
    let server = server();
    server.next((0..40).map(|_| Trouble::Says(503, "retry-after: 15\r\n", String::new())));
    let project = project(&server, "");
    let running = project.start("build");
    let begun = Instant::now();
    while server.asked().is_empty() && begun.elapsed() < SOON {
        thread::sleep(Duration::from_millis(10));
    }
    let begun = Instant::now();
    kill(running.id(), "TERM");
    let told = running.collect();
    told.exits(130);
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
    left_nothing(&project, &told);
}

#[test]
fn a_code_that_the_api_does_not_know_is_told_with_those_it_gave() {
    let server = server();
    let project = project(&server, "");
    project.edit("Atsaffile", "\"SUN\"]", "\"SUNN\"]");
    let told = project.build("");
    told.has("no rows of fueltype SUNN");
    told.has("note: fueltype: NG");
    left_nothing(&project, &told);
    project.edit("Atsaffile", "[\"NG\", \"SUNN\"]", "\"GAS\"");
    let told = project.build("");
    told.has("no rows of CISO, TEX GAS from 2024-01-01 to 2024-01-04");
    left_nothing(&project, &told);
}
