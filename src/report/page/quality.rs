//! What is known of the data: what was found and mended, and which rules hold.

use maud::{Markup, html};

use super::number;

/// What an artifact says about the data.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Quality {
    /// The artifact's name.
    pub artifact: String,
    /// Its word for the whole, such as `clean`.
    pub status: String,
    /// What was counted.
    pub facts: Vec<Fact>,
    /// What was checked.
    pub rules: Vec<Rule>,
    /// Places that are listed one by one, such as gaps: what they are, and each in a line.
    pub places: Vec<(String, Vec<String>)>,
}

/// Something that was counted.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Fact {
    /// What.
    pub name: String,
    /// How many, or another value.
    pub value: String,
    /// Whether it is worth a look.
    pub is_notable: bool,
}

/// A rule that was checked.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rule {
    /// Its name.
    pub name: String,
    /// What it asks for.
    pub what: String,
    /// How it went: `holds`, `broken` or `off`.
    pub verdict: String,
    /// What follows if it is broken: `error` or `warn`.
    pub level: String,
    /// How often it is broken.
    pub broken: String,
    /// Where first.
    pub first: String,
}

pub(super) fn section(all: &[Quality]) -> Markup {
    html! {
        div.panels {
            @for quality in all.iter().filter(|it| !it.facts.is_empty()) { (facts(quality)) }
        }
        @for quality in all.iter().filter(|it| !it.rules.is_empty()) { (rules(quality)) }
        @for quality in all {
            @for (what, lines) in &quality.places {
                details open[lines.len() <= 5] {
                    summary { (what) " (" (quality.artifact) ")" }
                    ul.places { @for line in lines { li { (line) } } }
                }
            }
        }
    }
}

fn facts(quality: &Quality) -> Markup {
    html! {
        div.scroll tabindex="0" role="group" aria-label={ "Data in " (quality.artifact) } {
            table.facts-table {
                caption { code { (quality.artifact) } @if !quality.status.is_empty() { ": " strong { (quality.status) } } }
                tbody {
                    @for fact in &quality.facts {
                        tr.notable[fact.is_notable] { th scope="row" { (fact.name) } td.number { (number::cell(&fact.value)) } }
                    }
                }
            }
        }
    }
}

fn rules(quality: &Quality) -> Markup {
    let checked = quality.rules.iter().filter(|rule| rule.verdict != "off").count();
    let broken = quality.rules.iter().filter(|rule| rule.verdict == "broken").count();
    html! {
        div.scroll tabindex="0" role="group" aria-label={ "Rules of " (quality.artifact) } {
            table {
                caption {
                    code { (quality.artifact) } @if !quality.status.is_empty() { ": " strong { (quality.status) } } "; "
                    (checked) " rules were checked, " (broken) " are broken"
                }
                thead { tr { th scope="col" { "rule" } th scope="col" { "verdict" } th scope="col" { "if broken" } th scope="col" { "what it asks for" } @if broken > 0 { th scope="col" { "where it is broken" } } } }
                tbody {
                    @for rule in quality.rules.iter().filter(|rule| rule.verdict != "off") {
                        tr.notable[rule.verdict == "broken"] {
                            th scope="row" { (rule.name) }
                            td { span class={ "state " (if rule.verdict == "broken" { "bad" } else { "good" }) } { (rule.verdict) } }
                            td { (rule.level) } td { (rule.what) }
                            @if broken > 0 { td { @if rule.verdict == "broken" { (rule.broken) " times" @if !rule.first.is_empty() { ", first " (rule.first) } } } }
                        }
                    }
                }
            }
        }
    }
}
