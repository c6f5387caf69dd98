//! Types of Parquet columns: all that say a name, a time or a number are read, and columns that nobody asks for never are.

use polars_core::prelude::{Column, IntoColumn as _, NamedFrom as _, Series, TimeUnit};
use polars_io::prelude::ParquetWriter;

use super::*;

const HOURS: i64 = 48;

fn ints(values: impl Iterator<Item = i64>) -> Series {
    Series::new("y".into(), values.collect::<Vec<i64>>())
}

/// Prepares a table of hourly values, of which one column is another one.
fn prepared(project: &TaskDirectory, other: Column) -> Result<(), TaskError> {
    let micros = DataType::Datetime(TimeUnit::Microseconds, None);
    let first = 1_704_067_200_000_000;
    let ds = ints((0..HOURS).map(|hour| first + hour * 3_600_000_000))
        .cast(&micros)
        .expect("times");
    let ids = vec!["A"; usize::try_from(HOURS).expect("small")];
    let mut columns = vec![
        Series::new("unique_id".into(), ids).into_column(),
        ds.with_name("ds".into()).into_column(),
        ints(0..HOURS).into_column(),
    ];
    columns.retain(|column| column.name() != other.name());
    columns.push(other);
    let mut frame = DataFrame::new(ids_len(), columns).expect("a table");
    let mut bytes = Vec::new();
    ParquetWriter::new(&mut bytes).finish(&mut frame).expect("written");
    #[expect(clippy::disallowed_methods, reason = "a test's own file")]
    std::fs::write(project.path("raw.parquet"), bytes).expect("written");
    project.run_on("prepare_clean", &[], &[("raw", "raw.parquet")])
}

fn ids_len() -> usize {
    usize::try_from(HOURS).expect("small")
}

#[test]
fn numbers_of_every_width_and_decimals_are_values() {
    let project = TaskDirectory::new();
    for dtype in [
        DataType::Int8,
        DataType::Int16,
        DataType::Int32,
        DataType::Int64,
        DataType::UInt8,
        DataType::UInt16,
        DataType::UInt32,
        DataType::UInt64,
        DataType::Float32,
        DataType::Float64,
        DataType::Decimal(18, 3),
    ] {
        let values = ints(0..HOURS).cast(&dtype).expect("numbers");
        prepared(&project, values.into_column()).unwrap_or_else(|error| panic!("{dtype}: {error}"));
        let sum: f64 = project.numbers("clean", "y").iter().sum();
        assert!((sum - 1128.0).abs() < 1e-9, "{dtype}: {sum}");
    }
}

#[test]
fn times_of_every_unit_and_whole_numbers_are_times() {
    let project = TaskDirectory::new();
    let first = 1_704_067_200;
    for (dtype, per_second) in [
        (DataType::Datetime(TimeUnit::Milliseconds, None), 1000),
        (DataType::Datetime(TimeUnit::Microseconds, None), 1_000_000),
        (DataType::Datetime(TimeUnit::Nanoseconds, None), 1_000_000_000),
        (DataType::Int64, 1),
        (DataType::Int64, 1000),
        (DataType::Int64, 1_000_000_000),
    ] {
        let times = ints((0..HOURS).map(|hour| (first + hour * 3600) * per_second));
        let times = times.cast(&dtype).expect("times").with_name("ds".into());
        prepared(&project, times.into_column()).unwrap_or_else(|error| panic!("{dtype}: {error}"));
        assert_eq!(
            project.json("metadata")["date_range"]["end"],
            "2024-01-02 23:00:00",
            "{dtype}"
        );
    }
    let days = ints(0..HOURS)
        .cast(&DataType::Int32)
        .and_then(|days| days.cast(&DataType::Date));
    prepared(&project, days.expect("days").with_name("ds".into()).into_column()).expect("days");
    assert_eq!(project.json("metadata")["frequency"], "daily");
    let years = ints(1950..1950 + HOURS).with_name("ds".into());
    prepared(&project, years.into_column()).expect("years");
    assert_eq!(project.json("metadata")["frequency"], "yearly");
}

#[test]
fn what_is_no_number_is_named_with_its_type() {
    let project = TaskDirectory::new();
    let flags = Series::new("y".into(), vec![true; ids_len()]);
    assert_eq!(
        reported(prepared(&project, flags.into_column())),
        "the column `y` of `raw` must hold numbers; it holds bool\nhelp: write 1 for true and 0 for false"
    );
}

/// Files that pyarrow and pandas wrote: a group without rows before the others, periods of months, two columns `y`.
#[test]
fn what_other_programs_write_is_read_or_told() {
    let read = |name: &str| {
        let project = TaskDirectory::new();
        copy(name, &project, name);
        project
            .run_on("ingest_file", &[], &[(name, name)])
            .map(|()| project.numbers("raw", "y"))
    };
    assert_eq!(read("empty_group.parquet").expect("read"), [1.0, 2.0, 3.0, 4.0]);
    let told = |name: &str| reported(read(name).map(drop));
    assert_eq!(
        told("periods.parquet"),
        "the column `month` of `periods.parquet` holds periods of pandas, which cannot be read\n\
         help: write their beginnings: in pandas, with `.dt.to_timestamp()`"
    );
    assert_eq!(
        told("same_names.parquet"),
        "the columns 2 and 3 of `same_names.parquet` are both called `y`\n\
         help: give each column a name of its own"
    );
    let project = TaskDirectory::new();
    copy("same_names.parquet", &project, "raw.parquet");
    assert_eq!(
        reported(project.run_on("prepare_clean", &[], &[("raw", "raw.parquet")])),
        "`raw` is not readable as Parquet: its columns 2 and 3 are both called `y`\n\
         help: give each column a name of its own"
    );
}

/// Copies a file that other programs wrote.
fn copy(name: &str, project: &TaskDirectory, path: &str) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("src/forecasting/tests")
        .join(name);
    std::fs::copy(file, project.path(path)).expect("copied");
}

/// `unused_names.parquet` was written by pyarrow: two columns `note`, one of them of lists, by which the rows are said to be
/// sorted; then times in a zone, and values that are not sorted.
#[test]
fn two_columns_of_one_name_are_refused_only_where_they_are_used() {
    let project = TaskDirectory::new();
    copy("unused_names.parquet", &project, "raw.parquet");
    let expected = "unique_id,ds,y
A,2024-01-01 00:00:00,3.0
A,2024-01-01 01:00:00,1.0
A,2024-01-01 02:00:00,4.0
A,2024-01-01 03:00:00,1.0
";
    project
        .run_on("prepare_clean", &[], &[("raw", "raw.parquet")])
        .expect("read");
    assert_eq!(project.csv("clean"), expected);
    project
        .run_on("ingest_file", &[], &[("raw.parquet", "raw.parquet")])
        .expect("read");
    assert_eq!(project.csv("raw"), expected);
    assert_eq!(
        project.json("metadata")["files"][0]["form"]["time_zone"],
        "America/New_York"
    );
    let noted = project.run_on(
        "ingest_file",
        &[("value", text("note"))],
        &[("raw.parquet", "raw.parquet")],
    );
    assert_eq!(
        reported(noted),
        "the columns 2 and 3 of `raw.parquet` are both called `note`\nhelp: give each column a name of its own"
    );
}

/// `types.parquet` was written by pyarrow: an id of a dictionary type, `ds` as INT96, `y` as numbers of two bytes, and
/// columns of structs, maps, lists, durations, times of day, bytes and decimals of 60 digits.
#[test]
fn columns_that_nobody_asks_for_are_never_read() {
    let project = TaskDirectory::new();
    copy("types.parquet", &project, "raw.parquet");
    project
        .run_on("prepare_clean", &[], &[("raw", "raw.parquet")])
        .expect("read");
    let expected = "unique_id,ds,y
A,2024-01-01 00:00:00,1.5
A,2024-01-01 01:00:00,2.0
A,2024-01-01 02:00:00,-3.0
";
    assert_eq!(project.csv("clean"), expected);
    let value = |column: &str| {
        let params = [("value", text(column)), ("id", text("unique_id")), ("time", text("ds"))];
        project.run_on("ingest_file", &params, &[("raw.parquet", "raw.parquet")])
    };
    value("price").expect("decimals");
    assert_eq!(project.numbers("raw", "y"), [0.0, 1.25, 2.5]);
    for (column, holds, help) in [
        (
            "meta",
            "structs",
            "write each of their fields as a column: in polars, with `unnest`",
        ),
        (
            "tags",
            "lists or maps",
            "write one value a row: in pandas and polars, with `explode`",
        ),
        (
            "l",
            "lists or maps",
            "write one value a row: in pandas and polars, with `explode`",
        ),
        (
            "took",
            "durations",
            "write them as numbers: in pandas, with `.dt.total_seconds()`",
        ),
        ("clock", "times of day", "write them with their dates"),
        ("raw", "bytes that are no text", "write it as text, in UTF-8"),
        (
            "wide",
            "decimals of more than 38 digits",
            "write them as floats: `astype(float)`",
        ),
    ] {
        let expected =
            format!("the column `{column}` of `raw.parquet` holds {holds}, which cannot be read\nhelp: {help}");
        assert_eq!(reported(value(column)), expected);
    }
}

#[test]
fn whole_numbers_of_sixteen_bytes_are_read_where_they_fit() {
    // Written by polars 2.1, which alone knows them: what Parquet holds are 16 bytes.
    let bytes = include_bytes!("wide_integers.parquet");
    let project = TaskDirectory::new();
    #[expect(clippy::disallowed_methods, reason = "a test's own file")]
    std::fs::write(project.path("wide.parquet"), bytes).expect("written");
    let values = |time: &str, value: &str| {
        let params = [("time", text(time)), ("value", text(value))];
        project
            .run_on("ingest_file", &params, &[("wide.parquet", "wide.parquet")])
            .expect("read");
        project
            .csv("raw")
            .lines()
            .skip(1)
            .map(|row| row.rsplit(',').next().unwrap_or_default().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(values("ds", "signed"), ["5.0", "-3.0", "", "7.0"]);
    assert_eq!(values("ds", "unsigned"), ["5.0", "3.0", "", "7.0"]);
    let beyond = values("ds", "beyond");
    assert_eq!(beyond[3].parse(), Ok(2_f64.powi(70)), "{beyond:?}");
    assert_eq!(values("stamp", "signed"), ["5.0", "-3.0", "", "7.0"]);
    assert!(project.csv("raw").contains("wide,2024-01-02 00:00:00,-3.0"));
}

#[test]
fn an_index_of_pandas_is_no_series() {
    let project = TaskDirectory::new();
    let micros = DataType::Datetime(TimeUnit::Microseconds, None);
    let ds = ints((0..10).map(|day| 1_704_067_200_000_000 + day * 86_400_000_000))
        .cast(&micros)
        .expect("times");
    let columns = vec![
        ds.with_name("ds".into()).into_column(),
        ints(0..10).with_name("sold".into()).into_column(),
        ints((0..10).rev()).with_name("__index_level_0__".into()).into_column(),
    ];
    let mut frame = DataFrame::new(10, columns).expect("a table");
    let mut bytes = Vec::new();
    ParquetWriter::new(&mut bytes).finish(&mut frame).expect("written");
    #[expect(clippy::disallowed_methods, reason = "a test's own file")]
    std::fs::write(project.path("shop.parquet"), bytes).expect("written");
    project
        .run_on("ingest_file", &[], &[("shop.parquet", "shop.parquet")])
        .expect("read");
    assert_eq!(project.texts("raw", "unique_id"), ["shop"; 10]);
}

#[test]
fn uuids_name_series() {
    // Written by DuckDB 2.0: 16 bytes, which the file says to be UUIDs.
    let bytes = include_bytes!("uuids.parquet");
    let project = TaskDirectory::new();
    #[expect(clippy::disallowed_methods, reason = "a test's own file")]
    std::fs::write(project.path("meters.parquet"), bytes).expect("written");
    project
        .run_on("ingest_file", &[], &[("meters.parquet", "meters.parquet")])
        .expect("read");
    let ids = [
        "11111111-2222-3333-4444-555555555555",
        "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee",
    ];
    assert_eq!(project.texts("raw", "unique_id")[..2], ids);
    assert_eq!(project.numbers("raw", "y").len(), 8);
}
