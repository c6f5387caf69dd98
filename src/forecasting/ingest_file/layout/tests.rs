use super::*;

fn heads(columns: &[(&str, HeadKind)]) -> Vec<Head> {
    let head = |(name, kind): &(&str, HeadKind)| Head {
        name: (*name).to_owned(),
        kind: *kind,
        repeats: true,
        no_number: None,
    };
    columns.iter().map(head).collect()
}

fn found(columns: &[(&str, HeadKind)], said: &Said) -> String {
    let heads = heads(columns);
    match layout(&heads, said) {
        Ok(layout) => {
            let names = |places: &[usize]| -> String {
                places
                    .iter()
                    .map(|at| heads[*at].name.as_str())
                    .collect::<Vec<_>>()
                    .join("+")
            };
            let id = layout.constant.clone().unwrap_or_else(|| names(&layout.ids));
            format!("{id} | {} | {}", heads[layout.time].name, names(&layout.values))
        }
        Err(fault) => format!("{}; {}", fault.what, fault.help),
    }
}

#[test]
fn columns_are_told_by_name_and_kind() {
    use HeadKind::{Number, Text, Time};
    let guess = |columns: &[(&str, HeadKind)]| found(columns, &Said::default());
    assert_eq!(
        guess(&[("unique_id", Text), ("ds", Time), ("y", Number)]),
        "unique_id | ds | y"
    );
    assert_eq!(guess(&[("Date", Time), ("Sales", Number)]), " | Date | Sales");
    assert_eq!(
        guess(&[("", Number), ("date", Time), ("sales", Number)]),
        " | date | sales"
    );
    assert_eq!(guess(&[("", Time), ("sales", Number)]), " |  | sales");
    assert_eq!(
        guess(&[("when", Time), ("north", Number), ("south", Number)]),
        " | when | north+south"
    );
    assert_eq!(
        guess(&[("Store", Text), ("date", Time), ("sales", Number)]),
        "Store | date | sales"
    );
    assert_eq!(guess(&[("year", Number), ("gdp", Number)]), " | year | gdp");
    assert_eq!(
        guess(&[("store", Text), ("date", Time), ("sales", Number), ("price", Number)]),
        "has several columns of numbers: `sales`, `price`; say which hold the values: `value = \"a column\"`, or a list \
         of them"
    );
    assert_eq!(
        guess(&[("a", Number), ("b", Number)]),
        "has no column of which it is plain that it holds the times; say which it is: `time = \"a column\"`"
    );
}

#[test]
fn dates_in_several_columns_are_told() {
    use HeadKind::Number;
    let columns = [("Year", Number), ("Month", Number), ("load", Number)];
    assert_eq!(
        found(&columns, &Said::default()),
        "has its dates in several columns: `Year`, `Month`; write each date in one column, as in 2024-01-31, or 2024-01 \
         for a month, and name it with `time`"
    );
}

#[test]
fn what_is_said_counts() {
    use HeadKind::{Number, Text, Time};
    let columns = [
        ("Store ID", Text),
        ("Item", Text),
        ("Day", Time),
        ("sold", Number),
        ("price", Number),
    ];
    let said = |ids: &[&str], time: Option<&str>, values: &[&str]| Said {
        ids: ids.iter().map(ToString::to_string).collect(),
        time: time.map(str::to_owned),
        values: values.iter().map(ToString::to_string).collect(),
        every_number: false,
    };
    assert_eq!(
        found(&columns, &said(&["store_id"], Some("day"), &["price"])),
        "Store ID | Day | price"
    );
    assert_eq!(
        found(&columns, &said(&["Store ID", "Item"], None, &["sold"])),
        "Store ID+Item | Day | sold"
    );
    assert_eq!(
        found(&columns, &said(&["sales"], None, &["sold"])),
        "sales | Day | sold"
    );
    assert_eq!(
        found(&columns, &said(&[], None, &["sodl"])),
        "has no column `sodl`; set `value` to one of its columns"
    );
    assert_eq!(
        found(&columns, &said(&["Item", "x"], None, &["sold"])),
        "has no column `x`; set `id` to one of its columns"
    );
}
