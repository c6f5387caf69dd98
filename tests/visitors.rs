//! From anybody's daily file to a forecast with what is bundled in `fixtures/visitors`: one Atsaffile, one command.

use std::path::Path;

use crate::project::Project;

#[test]
fn a_daily_file_becomes_a_forecast_in_twenty_lines_and_one_command() {
    let bundled = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/visitors");
    let atsaffile = std::fs::read_to_string(bundled.join("Atsaffile")).expect("read");
    assert!(atsaffile.lines().count() <= 20, "{}", atsaffile.lines().count());
    let project = Project::new("");
    project.write("Atsaffile", atsaffile);
    project.write(
        "visitors.csv",
        std::fs::read(bundled.join("visitors.csv")).expect("read"),
    );
    project.build("").ok();
    let shown = project.atsaf("show out/predictions.parquet");
    // Two weeks of open days in steps of its own: from the day after the last one, and no Monday.
    for day in [
        "2024-12-31",
        "2025-01-01",
        "2025-01-02",
        "2025-01-03",
        "2025-01-04",
        "2025-01-05",
        "2025-01-07",
    ] {
        shown.has(day);
    }
    assert!(!shown.text.contains("2025-01-06"), "closed on a Monday: {}", shown.text);
    let prepared = project.read("data/prepare.json");
    for part in [
        "\"frequency\": \"daily (Tue–Sun)\"",
        "\"values_filled\": 0",
        "\"days\": 3",
    ] {
        assert!(prepared.contains(part), "{part}: {prepared}");
    }
    let ingested = project.read("data/ingest.json");
    assert!(ingested.contains("\"separator\": \";\""), "{ingested}");
    project.build("").has("nothing to do");
}
