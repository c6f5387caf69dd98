//! What of the EIA's answers stays: months that are not fetched again, and recordings.

use std::fs;
use std::process::Command;

use serde_json::json;

use crate::eia_api::{days, holds_no_key, project, rows, table};
use crate::eia_server::{EiaServer, Trouble, generation};
use crate::project::Project;

#[test]
fn old_months_are_kept_and_revisions_of_the_rest_are_taken_and_counted() {
    let all = generation("2024-01-01", 24 * 130, &["CISO"], &["NG"]);
    let server = EiaServer::with(all[..24 * 100].to_vec(), 5000);
    let more = "respondent = \"CISO\"\nfueltype = \"NG\"";
    let project = project(&server, "");
    project.edit(
        "Atsaffile",
        "respondent = [\"CISO\", \"TEX\"]\nfueltype = [\"NG\", \"SUN\"]",
        more,
    );
    project.edit("Atsaffile", "2024-01-04", "2024-04-09");
    project.build("-q").ok();
    assert_eq!(server.asked(), ["2024-01-01T00..2024-04-09T23+0"]);
    assert_eq!(rows(&project), 2400);
    // March ended more than the lookback ago, so it is kept with January and February.
    server.revise(|rows| {
        rows[24 * 91 + 5]["value"] = json!("7777");
        rows[5]["value"] = json!("8888");
        rows.extend_from_slice(&all[24 * 100..]);
    });
    project.edit("Atsaffile", "2024-04-09", "2024-05-09");
    project.build("-q").ok();
    assert_eq!(server.asked(), ["2024-04-01T00..2024-05-09T23+0"]);
    assert_eq!(rows(&project), 3120);
    let log = project.atsaf("logs ingest");
    log.has("kept from earlier fetches: 2024-01-01 to 2024-03-31");
    log.has("since the last fetch: 1 values revised, 720 rows new, 0 rows gone");
    log.has("the first revised: CISO NG at 2024-04-01 05:00, 50 and now 7777");
    // A longer lookback takes what the API has revised since.
    project.edit("Atsaffile", "max_wait = 20", "max_wait = 20\nlookback = 400");
    project.build("-q").ok();
    assert_eq!(server.asked(), ["2024-01-01T00..2024-05-09T23+0"]);
    // Nothing of a fetch that fails is kept.
    project.edit("Atsaffile", "lookback = 400", "lookback = 8");
    project.edit("Atsaffile", "max_wait = 20", "max_wait = 0");
    server.next([Trouble::Says(500, "", String::new())]);
    project.build("-q").exits(1);
    project.build("-q").ok();
    let twice = "2024-01-01T00..2024-05-09T23+0";
    assert_eq!(server.asked(), [twice, twice]);
}

#[test]
fn latest_is_all_that_there_is_and_its_old_months_are_kept_too() {
    let server = EiaServer::with(
        generation("2024-01-01", 24 * 60, &["CISO", "TEX"], &["NG", "SUN"]),
        5000,
    );
    let project = project(&server, "");
    project.edit("Atsaffile", "2024-01-04", "latest");
    project.build("-q").ok();
    assert_eq!(rows(&project), 24 * 60 * 4);
    server.asked();
    project.build("-q --force").ok();
    assert_eq!(server.asked(), ["2024-02-01T00..+0"]);
    assert_eq!(rows(&project), 24 * 60 * 4);
}

#[test]
fn a_recording_has_the_rows_and_not_the_key_and_is_whole_or_not_there() {
    let server = EiaServer::with(days(4), 100);
    let project = project(&server, "");
    let record = |out: &str, more: &str| {
        project.atsaf(&format!(
            "eia record {out} --source {} --start-date 2024-01-01 --end-date 2024-01-04 --respondent CISO,TEX \
             --fueltype NG,SUN {more}",
            server.address
        ))
    };
    project.build("-q").ok();
    let live = table(&project);
    for out in ["pages", "pages.zip"] {
        let told = record(out, "");
        told.ok();
        told.has(&format!(
            "recorded 384 rows in 4 pages: `source = \"{out}\"` reads them"
        ));
        holds_no_key(&project, &told);
        for (name, bytes) in project.files() {
            if name.contains(".json.gz") {
                let mut text = String::new();
                std::io::Read::read_to_string(&mut flate2::read::GzDecoder::new(bytes.as_slice()), &mut text)
                    .expect("text");
                assert!(!text.contains("s3cr3t") && text.contains("\"total\":\"384\""), "{name}");
            }
        }
        let offline = Project::new(&project.read("Atsaffile").replace(&server.address, out));
        let (from, to) = (project.at(out), offline.at(out));
        let copied = Command::new("cp").arg("-r").args([from, to]).status();
        assert!(copied.expect("cp").success());
        offline.build("-q").ok();
        assert!(table(&offline) == live, "{out}");
    }
    record("pages", "").has("`pages` is there already");
    server.next([
        Trouble::Slow(0),
        Trouble::Says(400, "", r#"{"error":"No.","code":400}"#.to_owned()),
    ]);
    let told = record("more", "");
    told.exits(1);
    told.has("the EIA API rejects the request: No");
    let left: Vec<_> = fs::read_dir(project.at("."))
        .expect("there")
        .flatten()
        .map(|entry| entry.file_name())
        .collect();
    assert!(
        left.iter()
            .all(|name| !name.to_string_lossy().contains("more") && !name.to_string_lossy().contains("recording")),
        "{left:?}"
    );
    project.remove(".env");
    let told = record("other", "");
    told.exits(2);
    told.has("https://www.eia.gov/opendata/register.php");
}
