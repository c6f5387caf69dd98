//! Numbers on the page: what is shown is rounded, what is said to programs is whole.

use maud::{Markup, html};

use crate::report::human;

/// A number to about four digits, with all of them as its value.
pub(super) fn of(value: f64) -> Markup {
    html! {
        @if value.is_finite() { data value=(value) title=(value) { (human::number(value)) } } @else { span.none { "none" } }
    }
}

/// A number that may be missing.
pub(super) fn maybe(value: Option<f64>) -> Markup {
    of(value.unwrap_or(f64::NAN))
}

/// Text of a cell, as a number where it is one.
pub(super) fn cell(text: &str) -> Markup {
    match number(text) {
        Some(_) => html! { data value=(text) { (text) } },
        None if text.is_empty() => html! { span.none { "empty" } },
        None => html! { (text) },
    }
}

/// The number that a text is.
pub(super) fn number(text: &str) -> Option<f64> {
    text.trim().parse::<f64>().ok().filter(|value| value.is_finite())
}
