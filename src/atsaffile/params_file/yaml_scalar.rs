//! Which value a scalar of YAML is, as `yaml.safe_load` of Python reads it: the types of YAML 1.1.
//!
//! `yes` and `no` are booleans, `0o7` and `1e3` texts, `010` is eight, and `1:30` ninety. A reader of YAML 1.2, as DVC has
//! one, sees some of these differently; quotes make a text a text for both.

use chrono::NaiveDate;

use super::Node;
use crate::engine::spec::Value;

/// A scalar without quotes and without a tag.
pub(super) fn plain(text: &str) -> Node {
    if let Some(value) = boolean(text) {
        return Node::Value(Value::Bool(value));
    }
    if matches!(text, "" | "~" | "null" | "Null" | "NULL") {
        return Node::Value(Value::Null);
    }
    if text == "=" {
        return Node::Unfit("`=`, which no reader of YAML takes".to_owned());
    }
    float(text)
        .or_else(|| integer(text))
        .or_else(|| date(text))
        .unwrap_or_else(|| Node::text(text))
}

/// The same as a reader of YAML 1.2 has it, such as that of DVC: `no` is a text, `010` ten, `1e3` a number.
pub(super) fn plain_1_2(text: &str) -> Node {
    let digits = text.trim_start_matches(['-', '+']);
    let number = |radix: u32, digits: &str| i64::from_str_radix(&digits.replace('_', ""), radix).ok();
    let is_negative = text.starts_with('-');
    let whole = match digits.get(..2) {
        Some("0o") => number(8, &digits[2..]),
        Some("0x") => number(16, &digits[2..]),
        Some("0b") => number(2, &digits[2..]),
        _ if digits.starts_with(|c: char| c.is_ascii_digit()) => number(10, digits),
        _ => None,
    };
    let is_short = text.len() - digits.len() <= 1;
    if let Some(whole) = whole.filter(|_| is_short) {
        return Node::Value(Value::Int(if is_negative { -whole } else { whole }));
    }
    let begins = |c: char| c.is_ascii_digit() || c == '.';
    let is_float = is_short && digits.starts_with(begins) && digits.contains(|c: char| c.is_ascii_digit());
    let float = text
        .replace('_', "")
        .parse()
        .ok()
        .filter(|_| is_float && text.contains(['.', 'e', 'E']));
    match text {
        "true" | "True" | "TRUE" => Node::Value(Value::Bool(true)),
        "false" | "False" | "FALSE" => Node::Value(Value::Bool(false)),
        _ if boolean(text).is_some() || text.contains(':') => Node::text(text),
        _ => float.map_or_else(|| plain(text), Node::float),
    }
}

/// A scalar with a tag of YAML itself, such as `!!str`; `None` if the tag is for no scalar of a parameter.
pub(super) fn tagged(suffix: &str, text: &str) -> Option<Node> {
    let unfit = || Node::Unfit(format!("no `!!{suffix}`"));
    Some(match suffix {
        "str" => Node::text(text),
        "null" => Node::Value(Value::Null),
        "bool" => {
            let value = boolean(text).or_else(|| boolean(&text.to_lowercase()));
            value.map_or_else(unfit, |value| Node::Value(Value::Bool(value)))
        }
        "int" => integer(text).unwrap_or_else(unfit),
        "float" => match float(text).or_else(|| integer(text)) {
            #[expect(clippy::cast_precision_loss, reason = "parameters are far below 2^53")]
            Some(Node::Value(Value::Int(number))) => Node::float(number as f64),
            Some(number) => number,
            None => text.parse().map_or_else(|_| unfit(), Node::float),
        },
        "timestamp" => date(text).unwrap_or_else(unfit),
        _ => return None,
    })
}

fn boolean(text: &str) -> Option<bool> {
    match text {
        "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => Some(true),
        "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => Some(false),
        _ => None,
    }
}

/// The sign, and the text without it.
fn signed(text: &str) -> (bool, &str) {
    match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    }
}

fn all(text: &str, is: impl Fn(u8) -> bool) -> bool {
    text.bytes().all(|byte| byte == b'_' || is(byte))
}

/// Digits with `_` between them, of which the first is a digit.
fn is_decimal(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_digit()) && all(text, |byte| byte.is_ascii_digit())
}

/// The parts behind the first of a number to the base sixty: `5` and `30` of `1:5:30`.
fn is_sixtieth(part: &str) -> bool {
    match part.as_bytes() {
        [one] => one.is_ascii_digit(),
        [ten, one] => (b'0'..=b'5').contains(ten) && one.is_ascii_digit(),
        _ => false,
    }
}

fn integer(text: &str) -> Option<Node> {
    let (negative, digits) = signed(text);
    let radix = |prefix: &str, radix: u32, is: fn(u8) -> bool| {
        let rest = digits.strip_prefix(prefix)?;
        (!rest.is_empty() && all(rest, is)).then(|| (rest.replace('_', ""), radix))
    };
    let (number, radix) = None
        .or_else(|| radix("0b", 2, |byte| matches!(byte, b'0' | b'1')))
        .or_else(|| radix("0x", 16, |byte| byte.is_ascii_hexdigit()))
        .or_else(|| radix("0", 8, |byte| (b'0'..=b'7').contains(&byte)))
        .or_else(|| {
            let is_plain = digits == "0" || (is_decimal(digits) && !digits.starts_with('0'));
            is_plain.then(|| (digits.replace('_', ""), 10))
        })
        .or_else(|| Some((sexagesimal(digits)?.to_string(), 10)))?;
    let sign = if negative { "-" } else { "" };
    let value = i64::from_str_radix(&format!("{sign}{number}"), radix);
    Some(value.map_or_else(|_| Node::too_large(), |value| Node::Value(Value::Int(value))))
}

/// A whole number to the base sixty.
fn sexagesimal(text: &str) -> Option<i128> {
    let (first, rest) = text.split_once(':')?;
    if !is_decimal(first) || first.starts_with('0') || !rest.split(':').all(is_sixtieth) {
        return None;
    }
    let mut value: i128 = first.replace('_', "").parse().ok()?;
    for part in rest.split(':') {
        value = value.checked_mul(60)?.checked_add(part.parse().ok()?)?;
    }
    Some(value)
}

fn float(text: &str) -> Option<Node> {
    if matches!(text, ".nan" | ".NaN" | ".NAN") {
        return Some(Node::float(f64::NAN));
    }
    let (negative, digits) = signed(text);
    if matches!(digits, ".inf" | ".Inf" | ".INF") {
        return Some(Node::float(f64::INFINITY));
    }
    let has_sign = digits.len() < text.len();
    let (whole, rest) = digits.split_once('.')?;
    if let Some((first, parts)) = whole.split_once(':') {
        return sexagesimal_float(negative, first, parts, rest);
    }
    let (fraction, exponent) = match rest.split_once(['e', 'E']) {
        Some((fraction, exponent)) => (fraction, Some(exponent)),
        None => (rest, None),
    };
    let is_exponent = |text: &str| {
        let digits = text.strip_prefix(['-', '+']);
        digits.is_some_and(|digits| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()))
    };
    let is_whole = match whole.is_empty() {
        true => !has_sign && is_decimal(fraction),
        false => is_decimal(whole) && all(fraction, |byte| byte.is_ascii_digit()),
    };
    if !is_whole || !exponent.is_none_or(is_exponent) {
        return None;
    }
    Some(Node::float(text.replace('_', "").parse().ok()?))
}

fn sexagesimal_float(negative: bool, first: &str, parts: &str, fraction: &str) -> Option<Node> {
    let is_number =
        is_decimal(first) && parts.split(':').all(is_sixtieth) && all(fraction, |byte| byte.is_ascii_digit());
    if !is_number {
        return None;
    }
    let mut value: f64 = first.replace('_', "").parse().ok()?;
    let (parts, last) = parts
        .rsplit_once(':')
        .map_or((None, parts), |(parts, last)| (Some(parts), last));
    for part in parts.into_iter().flat_map(|parts| parts.split(':')) {
        value = value.mul_add(60.0, part.parse().ok()?);
    }
    let last: f64 = format!("{last}.{}", fraction.replace('_', "")).parse().ok()?;
    value = value.mul_add(60.0, last);
    Some(Node::float(if negative { -value } else { value }))
}

/// A date, or a date with a time, which stays as it is written.
fn date(text: &str) -> Option<Node> {
    let digits = |text: &str, from: usize, to: usize| {
        (from..=to).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
    };
    let end = text.find(['T', 't', ' ', '\t']).unwrap_or(text.len());
    let (day, time) = text.split_at(end);
    let parts: Vec<&str> = day.split('-').collect();
    let [year, month, of_month] = parts.as_slice() else {
        return None;
    };
    let shortest = if time.is_empty() { 2 } else { 1 };
    if !digits(year, 4, 4) || !digits(month, shortest, 2) || !digits(of_month, shortest, 2) || !is_time(time) {
        return None;
    }
    let is_day = NaiveDate::from_ymd_opt(year.parse().ok()?, month.parse().ok()?, of_month.parse().ok()?).is_some();
    Some(match is_day {
        true => Node::Value(Value::Date(text.to_owned())),
        false => Node::Unfit("no day of the calendar".to_owned()),
    })
}

/// Whether a text is what may stand behind a day: nothing, or a time with or without its zone.
fn is_time(text: &str) -> bool {
    if text.is_empty() {
        return true;
    }
    let time = match text.strip_prefix(['T', 't']) {
        Some(time) => time,
        None => text.trim_start_matches([' ', '\t']),
    };
    let number = |text: &str, lengths: std::ops::RangeInclusive<usize>| {
        lengths.contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
    };
    let end = time
        .find(|c: char| !c.is_ascii_digit() && !":.".contains(c))
        .unwrap_or(time.len());
    let (clock, zone) = time.split_at(end);
    let (clock, fraction) = clock.split_once('.').unwrap_or((clock, ""));
    let parts: Vec<&str> = clock.split(':').collect();
    let [hour, minute, second] = parts.as_slice() else {
        return false;
    };
    let zone = zone.trim_start_matches([' ', '\t']);
    let is_zone = || {
        let offset = zone.strip_prefix(['-', '+']);
        offset.is_some_and(|offset| match offset.split_once(':') {
            Some((hours, minutes)) => number(hours, 1..=2) && number(minutes, 2..=2),
            None => number(offset, 1..=2),
        })
    };
    number(hour, 1..=2)
        && number(minute, 2..=2)
        && number(second, 2..=2)
        && fraction.bytes().all(|byte| byte.is_ascii_digit())
        && (zone.is_empty() || zone == "Z" || is_zone())
}
