//! Schedules as Airflow reads them: five fields of a cron expression, or one of its words.

/// Words that stand for a schedule.
pub(super) const WORDS: [&str; 7] = [
    "@once",
    "@hourly",
    "@daily",
    "@weekly",
    "@monthly",
    "@quarterly",
    "@yearly",
];

/// A field of a cron expression.
struct CronField {
    name: &'static str,
    first: u32,
    last: u32,
    /// Names of its values, from `first` on.
    names: &'static [&'static str],
}

const MONTHS: [&str; 12] = [
    "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
];
const DAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

const FIELDS: [CronField; 5] = [
    field("minute", 0, 59, &[]),
    field("hour", 0, 23, &[]),
    field("day of the month", 1, 31, &[]),
    field("month", 1, 12, &MONTHS),
    field("day of the week", 0, 7, &DAYS),
];

const fn field(name: &'static str, first: u32, last: u32, names: &'static [&'static str]) -> CronField {
    CronField {
        name,
        first,
        last,
        names,
    }
}

/// Says what is wrong with a cron expression, if anything is.
pub(super) fn fault(text: &str) -> Option<String> {
    let words: Vec<&str> = text.split_whitespace().collect();
    if words.len() != FIELDS.len() {
        let fields = match words.len() {
            1 => "1 field".to_owned(),
            count => format!("{count} fields"),
        };
        return Some(format!("a cron expression has 5 fields, this has {fields}"));
    }
    let wrong = words.iter().zip(&FIELDS).find(|(word, field)| !field.accepts(word));
    let (word, field) = wrong?;
    let CronField { name, first, last, .. } = field;
    Some(format!("`{word}` is no {name}, which goes from {first} to {last}"))
}

impl CronField {
    /// Whether a text is a list of values, ranges and steps of this field.
    fn accepts(&self, text: &str) -> bool {
        text.split(',').all(|part| {
            let (range, step) = match part.split_once('/') {
                Some((range, step)) => (range, Some(step)),
                None => (part, None),
            };
            let is_step = |step: &str| number(step).is_some_and(|step| step > 0);
            step.is_none_or(is_step) && (range == "*" || self.is_range(range))
        })
    }

    fn is_range(&self, text: &str) -> bool {
        match text.split_once('-') {
            Some((from, to)) => matches!((self.value(from), self.value(to)), (Some(from), Some(to)) if from <= to),
            None => self.value(text).is_some(),
        }
    }

    fn value(&self, text: &str) -> Option<u32> {
        let named = self.names.iter().position(|name| name.eq_ignore_ascii_case(text));
        let named = named.and_then(|at| u32::try_from(at).ok()).map(|at| at + self.first);
        named
            .or_else(|| number(text))
            .filter(|value| (self.first..=self.last).contains(value))
    }
}

/// A number of digits alone.
fn number(text: &str) -> Option<u32> {
    text.parse()
        .ok()
        .filter(|_| text.bytes().all(|byte| byte.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn five_fields_within_their_ranges_are_a_schedule() {
        for text in [
            "0 6 * * *",
            "*/15 0-6,12 1-31/2 * mon-fri",
            "59 23 31 DEC 7",
            " 5  4 * jan,Feb 0 ",
        ] {
            assert_eq!(fault(text), None, "{text}");
        }
    }

    #[test]
    fn what_is_no_schedule_is_told_by_its_field() {
        for (text, what) in [
            ("", "a cron expression has 5 fields, this has 0 fields"),
            ("daily", "a cron expression has 5 fields, this has 1 field"),
            ("0 6 * * * *", "a cron expression has 5 fields, this has 6 fields"),
            ("60 6 * * *", "`60` is no minute, which goes from 0 to 59"),
            ("0 6 0 * *", "`0` is no day of the month, which goes from 1 to 31"),
            ("0 6 * * fry", "`fry` is no day of the week, which goes from 0 to 7"),
            ("0 7-6 * * *", "`7-6` is no hour, which goes from 0 to 23"),
            ("*/0 6 * * *", "`*/0` is no minute, which goes from 0 to 59"),
            ("+5 6 * * *", "`+5` is no minute, which goes from 0 to 59"),
            ("0, 6 * * *", "`0,` is no minute, which goes from 0 to 59"),
        ] {
            assert_eq!(fault(text).as_deref(), Some(what), "{text}");
        }
    }
}
