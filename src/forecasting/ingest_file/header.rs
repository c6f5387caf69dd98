//! A first line that says no names: times that stand across, or a row of the table.

use super::super::parquet_table::HeadKind;
use super::super::timestamp::{self, DateOrder};
use super::layout::{Head, LayoutFault};

/// Names that a message shows.
const SHOWN: usize = 3;

/// The fault of columns that are named by times, or by numbers as if they were a row; `time` is the column of the times, if one is
/// guessed.
///
/// Where that column holds times, the others may be called as they like.
pub(super) fn no_names(heads: &[Head], time: Option<usize>) -> Option<LayoutFault> {
    if time.is_some_and(|at| heads[at].kind == HeadKind::Time) {
        return None;
    }
    let others = || (0..heads.len()).filter(|at| Some(*at) != time).map(|at| &heads[at]);
    let times: Vec<&str> = others()
        .map(|head| head.name.as_str())
        .filter(|name| is_time(name))
        .collect();
    let shown = || {
        let some: Vec<String> = times.iter().take(SHOWN).map(|name| format!("`{name}`")).collect();
        let more = if times.len() > some.len() { ", …" } else { "" };
        format!("{}{more}", some.join(", "))
    };
    if times.len() > 1 {
        return Some(LayoutFault::new(
            format!("has times as the names of its columns: {}", shown()),
            "write a row for each time, with the time in a column of its own: in pandas, with `melt`",
        ));
    }
    let holds_numbers = |head: &&Head| matches!(head.kind, HeadKind::Number | HeadKind::Time);
    let is_value = |head: &Head| head.name.parse::<f64>().is_ok() || is_time(&head.name);
    let mut numbers = others().filter(holds_numbers).peekable();
    let first = numbers.peek()?.name.clone();
    (time.is_none() && numbers.all(is_value)).then(|| {
        LayoutFault::new(
            format!("has no header: its first line has `{first}` where the names of the columns have to be"),
            "write the names of the columns into a line before it, as in `ds,y`",
        )
    })
}

/// Whether a name is a time, such as a year.
fn is_time(name: &str) -> bool {
    match name.parse::<i64>() {
        Ok(number) if name.len() == 4 => (1500..=2500).contains(&number),
        Ok(_) if name.len() != 8 => false,
        _ => timestamp::parse(name, Some(DateOrder::DayFirst)).is_some(),
    }
}
