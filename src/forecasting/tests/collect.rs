//! Tables of several instances in one.

use super::*;

fn reported(result: Result<(), TaskError>) -> String {
    let error = result.expect_err("an error");
    let help = error.help.iter().map(|help| format!("\nhelp: {help}"));
    format!("{}{}", error.what, help.collect::<String>())
}

#[test]
fn rows_stand_together_with_the_instance_that_they_come_from() {
    let project = TaskDirectory::new();
    project
        .write("cal.csv", "model,rmse\nnaive,2\nridge,1\n")
        .write("tex.csv", "model,mae,rmse\nnaive,4,5\n");
    let inputs = [("leaderboard@CAL,NG", "cal.csv"), ("leaderboard@TEX,SUN", "tex.csv")];
    let csv = |params: &[(&str, Value)]| {
        let params = [&[("format", text("csv"))], params].concat();
        project.run_on("collect", &params, &inputs).expect("collected");
        std::fs::read_to_string(project.path("table")).expect("read")
    };
    assert_eq!(
        csv(&[]),
        "instance,model,rmse,mae\n\"CAL,NG\",naive,2,\n\"CAL,NG\",ridge,1,\n\"TEX,SUN\",naive,5,4\n"
    );
    assert_eq!(
        csv(&[("by", texts(&["respondent", "fueltype"]))]),
        "respondent,fueltype,model,rmse,mae\nCAL,NG,naive,2,\nCAL,NG,ridge,1,\nTEX,SUN,naive,5,4\n"
    );

    project.run_on("collect", &[], &inputs).expect("collected");
    assert_eq!(project.texts("table", "rmse"), ["2", "1", "5"]);
    assert_eq!(project.texts("table", "instance"), ["CAL,NG", "CAL,NG", "TEX,SUN"]);
}

#[test]
fn a_table_without_an_instance_is_told_by_its_name() {
    let project = TaskDirectory::new();
    project.write("a.csv", "x\n1\n").write("b.csv", "x\n2\n");
    let inputs = [("first", "a.csv"), ("second", "b.csv")];
    project.run_on("collect", &[], &inputs).expect("collected");
    assert_eq!(project.texts("table", "instance"), ["first", "second"]);
}

#[test]
fn numbers_of_two_kinds_are_numbers_and_an_empty_column_has_the_type_of_the_others() {
    let project = TaskDirectory::new();
    let dir = project.dir.path();
    let write = |name: &str, columns: Vec<polars_core::prelude::Column>| {
        let mut frame = DataFrame::new(2, columns).expect("a frame");
        let file = std::fs::File::create(dir.join(name)).expect("made");
        polars_io::prelude::ParquetWriter::new(file)
            .finish(&mut frame)
            .expect("written");
    };
    let column = |name: &str, values: polars_core::prelude::Series| {
        use polars_core::prelude::IntoColumn as _;
        values.with_name(name.into()).into_column()
    };
    let none = polars_core::prelude::Series::full_null("".into(), 2, &DataType::String);
    write("a", vec![column("n", [1_i64, 2].iter().collect()), column("m", none)]);
    write(
        "b",
        vec![
            column("n", [0.5, 1.5].iter().collect()),
            column("m", [3.0, 4.0].iter().collect()),
        ],
    );
    project
        .run_on("collect", &[], &[("t@A", "a"), ("t@B", "b")])
        .expect("collected");
    assert_eq!(project.texts("table", "n"), ["1.0", "2.0", "0.5", "1.5"]);
    assert_eq!(project.texts("table", "m"), ["", "", "3.0", "4.0"]);

    write("c", vec![column("n", ["x", "y"].into_iter().collect())]);
    assert_eq!(
        reported(project.run_on("collect", &[], &[("t@A", "a"), ("t@C", "c")])),
        "the column `n` holds i64 in `t@A` and str in `t@C`\nhelp: the columns of one name have to hold the same kind of values"
    );
}

#[test]
fn names_that_do_not_fit_are_told() {
    let project = TaskDirectory::new();
    project.write("a.csv", "region,x\nTEX,1\n");
    let collect =
        |by: &[&str], name: &str| reported(project.run_on("collect", &[("by", texts(by))], &[(name, "a.csv")]));
    assert_eq!(
        collect(&["region"], "t@TEX"),
        "`t@TEX` has a column `region` of its own\nhelp: give `by` another name"
    );
    let expected = |name: &str, found: u32| {
        format!(
            "`by` names 2 columns, and `{name}` has {found} values\nhelp: name one column for each axis of the inputs, or one for all of them"
        )
    };
    assert_eq!(
        collect(&["a", "a"], "t@TEX,NG"),
        "`by` names `a` twice\nhelp: give each axis a column of its own"
    );
    assert_eq!(collect(&["a", "b"], "t@TEX"), expected("t@TEX", 1));
    assert_eq!(collect(&["a", "b"], "t"), expected("t", 0));
}

#[test]
fn the_rows_of_all_tables_together_are_limited() {
    let project = TaskDirectory::new();
    project.write("a.csv", "x\n1\n2\n");
    let inputs = [("t@A", "a.csv"), ("t@B", "a.csv")];
    assert_eq!(
        reported(project.run_on("collect", &[("max_rows", Value::Int(3))], &inputs)),
        "the whole table holds 4 rows, more than 3, the limit `max_rows`\nhelp: if that is right, raise `max_rows`"
    );
}
