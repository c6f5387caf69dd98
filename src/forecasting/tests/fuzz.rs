//! Files that are damaged, or that lie: an error or a table, whatever they say.

use polars_io::prelude::{ParquetCompression, ParquetWriter};

use super::pipeline::BUNDLED;
use super::*;
use crate::forecasting::eia::pages::EiaPage;
use crate::forecasting::series;
use crate::forecasting::table;
use crate::fuzz::Fuzz;

/// Rows of the examples.
const ROWS: usize = 96;

/// A table of series as a file of Parquet.
fn parquet(compression: ParquetCompression, rows_a_group: usize) -> Vec<u8> {
    let row = |hour: usize| {
        let (day, hour) = (1 + hour / 24, hour % 24);
        let y = if hour == 5 {
            String::new()
        } else {
            format!("{day}.{hour}")
        };
        format!("A{},2024-01-{day:02} {hour:02}:00,{y}\n", day / 3)
    };
    let csv: String = (0..ROWS).map(row).collect();
    let project = TaskDirectory::new();
    project.write("raw.csv", &format!("unique_id,ds,y\n{csv}"));
    project
        .run_on("prepare_clean", &[("gaps", text("keep"))], &[("raw", "raw.csv")])
        .expect("a table");
    let mut bytes = Vec::new();
    ParquetWriter::new(&mut bytes)
        .with_compression(compression)
        .with_row_group_size(Some(rows_a_group))
        .finish(&mut project.frame("clean"))
        .expect("written");
    bytes
}

/// What the tasks make of a file of this name: the number of rows, or the error.
fn read(project: &TaskDirectory, file: &str, bytes: &[u8]) -> Result<usize, TaskError> {
    #[expect(clippy::disallowed_methods, reason = "a test's own file")]
    std::fs::write(project.path(file), bytes).expect("written");
    project.with("validate_clean", &[], &[("clean", file)], |_, context| {
        let table = table::read(context, "clean").map(|frame| frame.height());
        let rows = series::observations(context, "clean").map(|rows| rows.len());
        if let (Ok(table), Ok(rows)) = (&table, &rows) {
            assert_eq!(table, rows);
        }
        table
    })
}

#[test]
fn fuzz_parquet() {
    let categories = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/forecasting/tests/categories.parquet");
    let examples = [
        parquet(ParquetCompression::Uncompressed, ROWS),
        parquet(ParquetCompression::Uncompressed, 40),
        parquet(ParquetCompression::Zstd(None), ROWS),
        std::fs::read(categories).expect("read"),
    ];
    let project = TaskDirectory::new();
    for (example, rows) in examples.iter().zip([ROWS, ROWS, ROWS]) {
        assert_eq!(read(&project, "clean.parquet", example), Ok(rows));
    }
    Fuzz::of("parquet", examples)
        .words(&["PAR1", "unique_id", "ARROW:schema"])
        .run(|bytes| {
            if let Ok(rows) = read(&project, "clean.parquet", bytes) {
                assert!(rows <= 2 * ROWS, "{rows} rows");
            }
        });
}

#[test]
fn fuzz_csv() {
    let series = "unique_id,ds,y\nA,2024-01-01 00:00,1.5\nA,2024-01-01 01:00,\n\"B, too\",2024-01-01,-2e3\n";
    let raw = "time,respondent,fueltype,value\n2024-01-01T00:00:00Z,CISO,SUN,1\r\n";
    let examples = [series, raw].map(|text| text.as_bytes().to_vec());
    let words = [
        "\"",
        "\"\"",
        ",",
        "\n",
        "\r\n",
        "\0",
        "\u{feff}",
        "ü",
        "NaN",
        "inf",
        "1e999",
        "9999-12-31",
    ];
    let project = TaskDirectory::new();
    Fuzz::of("csv", examples)
        .words(&words)
        .run(|bytes| drop(read(&project, "clean.csv", bytes)));
}

#[test]
fn fuzz_recorded_page() {
    let page = std::fs::read_to_string(Path::new(BUNDLED).join("page-0.json")).expect("read");
    let (end, _) = page.match_indices("},\n{").nth(2).expect("three rows");
    let bundled = format!("{}}}]}}}}", &page[..end]);
    assert_eq!(
        EiaPage::parse(bundled.as_bytes(), fuels()).expect("a page").rows.len(),
        3
    );
    let small = r#"{"response":{"total":"2","frequency":"hourly","warnings":[{"warning":"w","description":"d"}],"data":[{"period":"2024-01-01T00","respondent":"CISO","fueltype":"SUN","value":".306"},{"period":"2024-01-01T01","respondent":"CISO","fueltype":"SUN","value":null}]}}"#;
    let error = r#"{"error":{"code":"API_KEY_INVALID","message":"An invalid api_key was supplied."}}"#;
    let examples = [&*bundled, small, error].map(|text| text.as_bytes().to_vec());
    let words = [
        "{",
        "}",
        "[",
        "]",
        "\"",
        "null",
        "\"total\":",
        "\"data\":",
        "\"error\":",
        "1e999",
        "-",
        "\\u0000",
        "[[[[[[[[",
    ];
    Fuzz::of("recorded page", examples).words(&words).run(|bytes| {
        if let Ok(page) = EiaPage::parse(bytes, fuels()) {
            assert!(page.rows.iter().all(|row| row.value().is_none_or(f64::is_finite)));
        }
    });
}

#[test]
fn fuzz_packaged_model() {
    let days = (1..=31).map(|day| format!("A,2024-01-{day:02},{}", day % 7));
    let csv = format!("unique_id,ds,y\n{}\n", days.collect::<Vec<_>>().join("\n"));
    let project = TaskDirectory::new();
    let params = [
        ("models", texts(&["SeasonalNaive"])),
        ("horizon", Value::Int(3)),
        ("step_size", Value::Int(3)),
        ("n_windows", Value::Int(2)),
        ("intervals", text("conformal")),
    ];
    super::pipeline::on_csv(&project, &csv, &params).expect("selected");
    let inputs = [("clean", "series.csv"), ("validation", "validation.json")];
    project
        .run_on("package_champion", &[("horizon", Value::Int(3))], &inputs)
        .expect("a model");
    let example = std::fs::read(project.path("model/model.json")).expect("read");
    let (model, history) = (project.path("model.json"), project.path("series.csv"));
    let predicted = |bytes: &[u8]| {
        #[expect(clippy::disallowed_methods, reason = "a test's own file")]
        std::fs::write(&model, bytes).expect("written");
        let newer = crate::forecasting::NewerHistory {
            history: &history,
            known: None,
            horizon: None,
        };
        crate::forecasting::predict(&model, newer, None, &project.cancelled)
    };
    assert_eq!(predicted(&example).map(|prediction| prediction.rows.len()), Ok(3));
    Fuzz::of("packaged model", [example.clone()])
        .words(&["SeasonalNaive", "seconds", "months", "1e308", "season_length"])
        .run(|bytes| drop(predicted(bytes)));
}
