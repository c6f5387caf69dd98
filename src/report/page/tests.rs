//! What the page says of given data, and that nothing from a file is markup.

use chrono::{NaiveDate, NaiveDateTime, TimeDelta};

use super::*;
use crate::report::table_diff::{Sheet, TableDiff};

/// What a name or a value may try.
const EVIL: &str = "<script>alert(\"1\")</script>&'";

fn hour(at: i64) -> NaiveDateTime {
    let start = NaiveDate::from_ymd_opt(2024, 3, 1).expect("a day").and_hms_opt(0, 0, 0);
    start.expect("a time") + TimeDelta::hours(at)
}

fn series(name: &str, past: i64, steps: i64) -> SeriesForecast {
    #[expect(clippy::cast_precision_loss, reason = "small")]
    let value = |at: i64| 1000.0 + (at % 24) as f64;
    SeriesForecast {
        name: name.to_owned(),
        model: EVIL.to_owned(),
        history: (0..past).map(|at| (hour(at), value(at))).collect(),
        ahead: (past..past + steps).map(|at| (hour(at), value(at))).collect(),
        bands: vec![Band {
            level: "95".to_owned(),
            low: (0..steps).map(|at| value(at) - 50.0).collect(),
            high: (0..steps).map(|at| value(at) + 50.0).collect(),
        }],
    }
}

/// A page with each part, every text of which tries to be markup.
fn evil() -> Page {
    let evil = || EVIL.to_owned();
    let sheet = |cell: &str| Sheet {
        columns: vec![evil(), "v".to_owned()],
        rows: vec![vec![evil(), cell.to_owned()]],
    };
    let preview = |shown| Preview {
        artifact: evil(),
        path: evil(),
        size: Some(7),
        shown,
    };
    Page {
        made_from: evil(),
        project: evil(),
        goals: vec![evil(); 12],
        notes: vec![evil()],
        state: evil(),
        graph: None,
        run: Some(LastRun {
            id: (evil(), evil()),
            began: evil(),
            took: evil(),
            ended: evil(),
            goals: evil(),
            set: vec![(evil(), evil())],
            targets: vec![
                TargetTurn {
                    target: evil(),
                    outcome: evil(),
                    took: evil(),
                    why: evil(),
                    state: evil(),
                    timed: Some(Timed {
                        start: 0.5,
                        duration: 1.0,
                    }),
                },
                TargetTurn {
                    target: evil(),
                    outcome: "failed".to_owned(),
                    why: evil(),
                    ..TargetTurn::default()
                },
            ],
            seconds: 2.0,
            ..LastRun::default()
        }),
        forecasts: vec![Forecast {
            artifact: evil(),
            series: vec![series(EVIL, 48, 24)],
            left_out: 3,
            history: Some(evil()),
        }],
        boards: vec![Board {
            artifact: evil(),
            metric: evil(),
            measures: vec![evil()],
            has_series: true,
            rows: vec![BoardRow {
                series: evil(),
                model: evil(),
                rank: Some(1),
                numbers: vec![Some(2.0)],
                reason: evil(),
            }],
            left_out: 1,
        }],
        backtests: vec![Backtest {
            artifact: evil(),
            models: vec![evil()],
            windows: WindowErrors {
                cutoffs: vec![evil(), evil()],
                rmse: vec![vec![Some(1.0), None]],
            },
            groups: GroupErrors {
                by: evil(),
                names: vec![evil()],
                mae: vec![vec![Some(1.0)]],
                bias: vec![vec![Some(-1.0)]],
            },
            calibration: vec![Calibration {
                nominal: Some(95.0),
                inside: vec![(9, 10)],
            }],
            unread: None,
        }],
        quality: vec![Quality {
            artifact: evil(),
            status: evil(),
            facts: vec![Fact {
                name: evil(),
                value: evil(),
                is_notable: true,
            }],
            rules: vec![Rule {
                name: evil(),
                what: evil(),
                verdict: "broken".to_owned(),
                level: evil(),
                broken: evil(),
                first: evil(),
            }],
            places: vec![(evil(), vec![evil()])],
        }],
        previews: vec![
            preview(Shown::Table {
                columns: vec![evil()],
                rows: vec![vec![evil()]],
                count: 9,
                more_columns: 1,
            }),
            preview(Shown::Values(vec![(evil(), evil())], true)),
            preview(Shown::Text(vec![evil()], true)),
            preview(Shown::Files(vec![(evil(), 1)], 2)),
            preview(Shown::Other(evil())),
            preview(Shown::Image(evil())),
            preview(Shown::NotBuilt),
        ],
        previews_left: 1,
        changes: vec![
            Changed {
                artifact: evil(),
                before: evil(),
                change: Change::Table(Box::new(TableDiff::of(&sheet(EVIL), &sheet("<b>")))),
            },
            Changed {
                artifact: evil(),
                before: evil(),
                change: Change::Lines(vec![format!("+{EVIL}")]),
            },
            Changed {
                artifact: evil(),
                before: evil(),
                change: Change::Files(vec![('+', evil())]),
            },
            Changed {
                artifact: evil(),
                before: evil(),
                change: Change::Unknown(evil()),
            },
        ],
        provenance: vec![Provenance {
            artifact: evil(),
            path: evil(),
            target: evil(),
            action: evil(),
            state: evil(),
            size: Some(1),
            run: evil(),
            restored_by: evil(),
            when: evil(),
            took: evil(),
            why: evil(),
            content: evil(),
            params: vec![(evil(), evil())],
            inputs: vec![(evil(), evil(), evil())],
            more_inputs: 1,
        }],
        provenance_left: 1,
    }
}

#[test]
fn an_empty_project_has_a_page_that_says_so() {
    let html = Page::default().html();
    assert!(html.contains("Nothing was built yet."), "{html}");
    assert!(html.contains("Not built yet"), "{html}");
    assert!(!html.contains("id=\"forecast\""), "{html}");
    assert!(is_page(html.as_bytes()) && !is_page(b"<!DOCTYPE html><html></html>"));
}

#[test]
fn nothing_from_a_file_is_markup() {
    let html = evil().html();
    assert_eq!(html.matches("<script").count(), 1, "its own alone");
    assert!(!html.contains("alert(\"1\")"), "{html}");
    assert!(
        html.matches("&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;&amp;'")
            .count()
            > 60,
        "{html}"
    );
    // In attributes no quote ends the value.
    assert!(!html.contains("=\"<"), "{html}");
}

#[test]
fn a_page_needs_no_other_file_and_says_what_a_picture_shows() {
    let html = evil().html();
    for outside in ["http://", "https://", "src=\"//", "@import", "url("] {
        let own = html.replace("http://www.w3.org/2000/svg", "");
        assert!(!own.contains(outside), "{outside}");
    }
    let pictures = html.matches("role=\"img\"").count();
    assert!(pictures >= 4, "{pictures}");
    assert_eq!(html.matches("<desc id=").count(), pictures);
    assert_eq!(html.matches("<h1>").count(), 1);
    assert!(html.contains("class=\"skip\" href=\"#content\"") && html.contains("@media print"));
    let tables = html.matches("<table").count();
    assert_eq!(html.matches("<caption>").count(), tables);
}

#[test]
fn the_same_data_is_the_same_page() {
    assert_eq!(evil().html(), evil().html());
}

#[test]
fn ids_are_used_once() {
    let html = evil().html();
    let ids: Vec<&str> = html
        .split(" id=\"")
        .skip(1)
        .filter_map(|rest| rest.split('"').next())
        .collect();
    let mut once = ids.clone();
    once.sort_unstable();
    once.dedup();
    assert_eq!(ids.len(), once.len(), "{ids:?}");
}

#[test]
fn numbers_are_whole_for_programs_and_what_is_missing_is_said() {
    let mut one = series("s", 3, 2);
    one.ahead[0].1 = 1_234.567_890_123;
    one.ahead[1].1 = f64::NAN;
    one.history[1].1 = f64::NAN;
    one.bands[0].low[1] = f64::INFINITY;
    let page = Page {
        forecasts: vec![Forecast {
            artifact: "p".to_owned(),
            series: vec![one],
            ..Forecast::default()
        }],
        ..Page::default()
    };
    let html = page.html();
    assert!(html.contains("<data value=\"1234.567890123\""), "{html}");
    assert!(html.contains(">1,235</data>"), "{html}");
    assert!(html.contains("<span class=\"none\">none</span>"), "{html}");
    let drawn = html.split("<svg").nth(1).expect("a picture");
    assert!(!drawn.contains("NaN") && !drawn.contains("inf\""), "{drawn}");
}

#[test]
fn series_without_a_number_or_a_past_are_no_trouble() {
    let mut none = series("none", 2, 2);
    for (_, value) in none.history.iter_mut().chain(&mut none.ahead) {
        *value = f64::NAN;
    }
    none.bands.clear();
    let forecast = Forecast {
        artifact: "p".to_owned(),
        series: vec![none, series("no past", 0, 1), SeriesForecast::default()],
        ..Forecast::default()
    };
    let page = Page {
        forecasts: vec![forecast, Forecast::default()],
        ..Page::default()
    };
    let html = page.html();
    assert_eq!(html.matches("There is no number to draw.").count(), 2, "{html}");
    assert!(html.contains("has no rows"), "{html}");
}

#[test]
fn a_page_that_would_be_too_large_leaves_out_what_is_longest() {
    let mut page = evil();
    let whole = page.html();
    assert_eq!(page.html_within(whole.len()), whole);
    page.provenance[0].params = vec![("p".to_owned(), "v".repeat(300)); 100];
    let less = page.html_within(whole.len() + 1000);
    assert!(
        less.len() <= whole.len() + 1000 && less.contains("are left out, for the page would be too large"),
        "{less}"
    );
    assert!(less.contains("id=\"results\""), "one step was enough");
    let least = page.html_within(1);
    assert!(
        !least.contains("id=\"results\"") && least.contains("id=\"provenance\""),
        "{least}"
    );
}

#[test]
fn a_large_page_is_below_two_megabytes() {
    let many = |count: i64| (0..count).map(|at| series(&format!("s{at}"), 480, 120)).collect();
    let page = Page {
        forecasts: (0..4)
            .map(|_| Forecast {
                artifact: "p".to_owned(),
                series: many(12),
                left_out: 188,
                history: None,
            })
            .collect(),
        ..evil()
    };
    let html = page.html_within(1_900_000);
    assert!(html.contains("198 more series"), "what is left out is said");
    assert!(html.len() < 1_900_000, "{} bytes", html.len());
    let mut fewer = page.clone();
    fewer.forecasts.truncate(2);
    let html = fewer.html_within(1_900_000);
    assert!(
        html.contains("188 more series") && html.contains("id=\"backtest\""),
        "24 series are no trouble"
    );
}
