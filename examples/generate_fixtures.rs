//! Generates the bundled pages of `fixtures/eia`, `fixtures/respondents` and `fixtures/demand`,
//! `fixtures/visitors/visitors.csv`, and the two files of `fixtures/weather`: `cargo run --example generate_fixtures`.
//!
//! Invented net generation and demand in the API's own shape, the same bytes on every machine.
//!
//! Believable, not real: a base load that follows the warmth of the year, a swing over the day that air conditioning
//! deepens, quiet weekends, spells of weather over days, and noise from hour to hour. Only sums and products of constants
//! are used, no functions of a system's library, whose last digit differs between systems.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use chrono::{Datelike as _, NaiveDate, NaiveDateTime, TimeDelta, Timelike as _};

/// The series of `fixtures/eia`: to the end of October.
const COUNTRY: Recording = Recording {
    folder: "eia",
    respondent: ("US48", "United States Lower 48"),
    fuel: Fuel::Gas,
    start: (2023, 4, 1),
    hours: 214 * 24,
    zone: 6,
    share: 1.0,
    seed: 0x0EAF_1A55_F1E1_D5A1,
};
/// Those of `fixtures/respondents`: five weeks of summer.
const RESPONDENTS: [Recording; 6] = [
    respondent(
        "respondents/pages/CAL-NG",
        ("CAL", "California"),
        Fuel::Gas,
        8,
        0.066,
        1,
    ),
    respondent(
        "respondents/pages/MIDA-NG",
        ("MIDA", "Mid-Atlantic"),
        Fuel::Gas,
        5,
        0.21,
        2,
    ),
    respondent(
        "respondents/pages/MISO-NG",
        ("MISO", "Midcontinent"),
        Fuel::Gas,
        6,
        0.17,
        3,
    ),
    respondent("respondents/pages/NY-NG", ("NY", "New York"), Fuel::Gas, 5, 0.05, 4),
    respondent("respondents/pages/TEX-NG", ("TEX", "Texas"), Fuel::Gas, 6, 0.19, 5),
    respondent("respondents/pages/TEX-SUN", ("TEX", "Texas"), Fuel::Sun, 6, 0.06, 6),
];
/// That of `fixtures/demand`: six weeks of summer.
const DEMAND: Recording = Recording {
    folder: "demand/pages",
    respondent: ("TEX", "Texas"),
    fuel: Fuel::Demand,
    start: (2023, 7, 1),
    hours: 42 * 24,
    zone: 6,
    share: 0.29,
    seed: 7,
};
/// Rows of a page, as the API gives them.
const PAGE: usize = 5000;

/// Share of the day's swing by hour in UTC: the night's low at 10, early morning in the middle of the country, and the
/// peak at 22, its late afternoon.
const DAY: [f64; 24] = [
    0.93, 0.86, 0.76, 0.62, 0.46, 0.31, 0.19, 0.10, 0.04, 0.01, 0.00, 0.05, 0.13, 0.19, 0.26, 0.35, 0.46, 0.58, 0.70,
    0.81, 0.90, 0.97, 1.00, 0.98,
];
/// Factor by day of the week, Monday first.
const WEEK: [f64; 7] = [0.995, 1.010, 1.015, 1.012, 1.000, 0.948, 0.925];
/// Factor of a museum's visitors by day of the week, Monday first.
const MUSEUM: [f64; 7] = [0.0, 0.70, 0.75, 0.85, 0.95, 1.50, 1.65];
/// Factor of a town's demand by day of the week, Monday first.
const TOWN_WEEK: [f64; 7] = [1.00, 1.02, 1.02, 1.01, 0.99, 0.88, 0.84];
/// Days of the town's demand: 2022, and 2023 up to 20 December.
const TOWN_DAYS: usize = 365 + 354;
/// Public holidays of the United States in these years, as they are kept.
const HOLIDAYS: [(i32, u32, u32); 18] = [
    (2022, 1, 17),
    (2022, 2, 21),
    (2022, 5, 30),
    (2022, 6, 20),
    (2022, 7, 4),
    (2022, 9, 5),
    (2022, 11, 11),
    (2022, 11, 24),
    (2022, 12, 26),
    (2023, 1, 2),
    (2023, 1, 16),
    (2023, 2, 20),
    (2023, 5, 29),
    (2023, 6, 19),
    (2023, 7, 4),
    (2023, 9, 4),
    (2023, 11, 10),
    (2023, 11, 23),
];
/// Warmth of the year: its day and share of the summer's peak, in straight lines between.
const WARMTH: [(f64, f64); 6] = [
    (91.0, 0.12),
    (135.0, 0.30),
    (172.0, 0.74),
    (205.0, 1.00),
    (250.0, 0.70),
    (304.0, 0.10),
];

/// Share of the sun's full height by hour of its own day, which has its noon at 13: summer time.
const SUN: [f64; 24] = [
    0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.01, 0.11, 0.33, 0.55, 0.75, 0.90, 0.98, 1.00, 0.98, 0.91, 0.79, 0.62, 0.41, 0.18,
    0.03, 0.0, 0.0, 0.0,
];

/// One series, and where its pages lie.
struct Recording {
    /// The folder in `fixtures`.
    folder: &'static str,
    /// Code and name.
    respondent: (&'static str, &'static str),
    fuel: Fuel,
    start: (i32, u32, u32),
    hours: usize,
    /// Hours by which its days begin after those of UTC.
    zone: usize,
    /// Its size, as a share of the country's gas.
    share: f64,
    seed: u64,
}

#[derive(Clone, Copy)]
enum Fuel {
    Gas,
    Sun,
    /// What is used, of all fuels.
    Demand,
}

impl Fuel {
    /// Code and name.
    fn names(self) -> (&'static str, &'static str) {
        match self {
            Self::Gas => ("NG", "Natural Gas"),
            Self::Sun => ("SUN", "Solar"),
            Self::Demand => ("D", "Demand"),
        }
    }

    /// The route of the API, and the facet that the code is of.
    fn route(self) -> (&'static str, &'static str) {
        match self {
            Self::Gas | Self::Sun => ("fuel-type-data", "fueltype"),
            Self::Demand => ("region-data", "type"),
        }
    }
}

const fn respondent(
    folder: &'static str,
    respondent: (&'static str, &'static str),
    fuel: Fuel,
    zone: usize,
    share: f64,
    seed: u64,
) -> Recording {
    Recording {
        folder,
        respondent,
        fuel,
        start: (2023, 7, 1),
        hours: 35 * 24,
        zone,
        share,
        seed,
    }
}

fn main() -> std::io::Result<()> {
    for (path, text) in recordings() {
        std::fs::create_dir_all(path.parent().unwrap_or(Path::new(".")))?;
        #[expect(clippy::disallowed_methods, reason = "it writes sources, which no store knows")]
        std::fs::write(path, text)?;
    }
    Ok(())
}

/// All pages by their paths.
fn recordings() -> Vec<(PathBuf, String)> {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    let all = std::iter::once(&COUNTRY).chain(&RESPONDENTS).chain([&DEMAND]);
    let pages = all.flat_map(|recording| {
        let folder = fixtures.join(recording.folder);
        let pages = pages(recording).into_iter();
        pages.map(move |(name, text)| (folder.join(name), text))
    });
    let visitors = (fixtures.join("visitors/visitors.csv"), visitors());
    let [demand, weather] = town();
    let town = [("weather/demand.csv", demand), ("weather/weather.csv", weather)];
    let town = town.map(|(name, text)| (fixtures.join(name), text));
    pages.chain([visitors]).chain(town).collect()
}

/// The daily demand of a town in megawatt-hours up to five days before Christmas, and how many degrees it was to be heated
/// and cooled, which are known for two weeks more.
///
/// A degree below 15 costs 1.2 %, one above 20 1.8 %; a public holiday saves 12 %.
fn town() -> [String; 2] {
    let mut random = SplitMix(11);
    let mut demand = String::from("unique_id,ds,y\n");
    let mut weather = String::from("ds,heating,cooling\n");
    let mut spell = 0.0;
    let first = NaiveDate::from_ymd_opt(2022, 1, 1).unwrap_or_default();
    for (at, date) in first.iter_days().take(TOWN_DAYS + 14).enumerate() {
        // A year in two straight lines, the warmest day being the 200th.
        let away = (f64::from(date.ordinal()) - 200.0).abs();
        spell = 0.7 * spell + 3.2 * random.normal();
        let temperature = 27.0 - 28.0 * away.min(365.0 - away) / 182.5 + spell;
        let (heating, cooling) = ((15.0 - temperature).max(0.0), (temperature - 20.0).max(0.0));
        let _ = writeln!(weather, "{date},{heating:.1},{cooling:.1}");
        let noise = random.normal();
        if at < TOWN_DAYS {
            let holiday = if HOLIDAYS.contains(&(date.year(), date.month(), date.day())) {
                0.88
            } else {
                1.0
            };
            let week = TOWN_WEEK[date.weekday().num_days_from_monday() as usize];
            let degrees = 1.0 + 0.012 * heating + 0.018 * cooling;
            let load = 5_000.0 * week * degrees * holiday * (1.0 + 0.015 * noise);
            let _ = writeln!(demand, "TOWN,{date},{load:.0}");
        }
    }
    [demand, weather]
}

/// Visitors of a museum by day over two years, as a spreadsheet of its country writes them: closed on Mondays and at
/// Christmas.
fn visitors() -> String {
    let mut random = SplitMix(7);
    let mut text = String::from("Date;Visitors\n");
    let first = NaiveDate::from_ymd_opt(2023, 1, 1).unwrap_or_default();
    for date in first.iter_days().take(730) {
        let at = date.weekday().num_days_from_monday() as usize;
        let noise = 60.0 * random.normal();
        if at == 0 || (date.month(), date.day()) == (12, 25) || (date.month(), date.day()) == (12, 24) {
            continue;
        }
        let visitors = (700.0 + 450.0 * warmth(f64::from(date.ordinal()))) * MUSEUM[at] + noise;
        let _ = writeln!(text, "{};{visitors:.0}", date.format("%d.%m.%Y"));
    }
    text
}

/// The pages of a series by file name.
fn pages(recording: &Recording) -> Vec<(String, String)> {
    let rows = rows(recording);
    let pages = rows.chunks(PAGE).enumerate();
    pages
        .map(|(at, rows_of)| {
            (
                format!("page-{at}.json"),
                page(recording, rows_of, rows.len(), at * PAGE),
            )
        })
        .collect()
}

/// The end of each hour and its megawatt-hours.
fn rows(recording: &Recording) -> Vec<(NaiveDateTime, i64)> {
    let (year, month, day) = recording.start;
    let hours = recording.hours;
    let start = NaiveDate::from_ymd_opt(year, month, day)
        .and_then(|date| date.and_hms_opt(0, 0, 0))
        .unwrap_or_default();
    let mut random = SplitMix(recording.seed);
    // Spells of weather: an autoregression from day to day, drawn two days beyond the end to lean on.
    let mut weather = vec![0.0];
    for at in 0..hours / 24 + 2 {
        weather.push(0.78 * weather[at] + 0.62 * random.normal());
    }
    let mut noise = 0.0;
    (0..hours)
        .map(|at| {
            let time = start + TimeDelta::hours(i64::try_from(at).unwrap_or_default());
            let local = time - TimeDelta::hours(i64::try_from(recording.zone).unwrap_or_default());
            let warmth = warmth(f64::from(time.ordinal()) + f64::from(time.hour()) / 24.0);
            let today = f64::from(time.hour()) / 24.0;
            let spell = weather[at / 24 + 1] * (1.0 - today) + weather[at / 24 + 2] * today;
            // The swing's table is that of the country, whose day begins six hours after that of UTC.
            let swing = DAY[(at + 24 + 6 - recording.zone) % 24];
            noise = 0.72 * noise + 1100.0 * random.normal();
            let load = 112_000.0 + 34_000.0 * warmth + (26_000.0 + 54_000.0 * warmth) * swing;
            let load = load * WEEK[local.weekday().num_days_from_monday() as usize];
            let load = load + spell * (3_500.0 + 7_500.0 * warmth) * (0.45 + swing) + noise;
            let load = match recording.fuel {
                Fuel::Gas | Fuel::Demand => load,
                Fuel::Sun => 230_000.0 * SUN[local.hour() as usize] * (0.86 + 0.045 * spell).clamp(0.35, 1.0),
            };
            #[expect(clippy::cast_possible_truncation, reason = "some hundred thousand megawatt-hours")]
            let whole = (load * recording.share).round() as i64;
            (time, whole)
        })
        .collect()
}

/// The warmth of a day of the year.
fn warmth(day: f64) -> f64 {
    let line = WARMTH
        .windows(2)
        .find(|line| day <= line[1].0)
        .unwrap_or(&WARMTH[WARMTH.len() - 2..]);
    let ((from, low), (to, high)) = (line[0], line[1]);
    low + (high - low) * (day - from) / (to - from)
}

/// One page, a row on each line.
fn page(recording: &Recording, rows: &[(NaiveDateTime, i64)], total: usize, offset: usize) -> String {
    let ((respondent, respondent_name), (code, type_name)) = (recording.respondent, recording.fuel.names());
    let (route, facet) = recording.fuel.route();
    let mut text = String::from(r#"{"response":{"#);
    if offset + rows.len() < total {
        text.push_str(r#""warnings":[{"warning":"incomplete return","description":"The API can only return 5000 rows in JSON format.  Please consider constraining your request with facet, start, or end, or using offset to paginate results."}],"#);
    }
    let _ = writeln!(
        text,
        r#""total":"{total}","dateFormat":"YYYY-MM-DD\"T\"HH24","frequency":"hourly","data":["#
    );
    for (at, (period, value)) in rows.iter().enumerate() {
        let end = if at + 1 < rows.len() { "," } else { "" };
        let _ = writeln!(
            text,
            r#"{{"period":"{}","respondent":"{respondent}","respondent-name":"{respondent_name}","{facet}":"{code}","type-name":"{type_name}","value":"{value}","value-units":"megawatthours"}}{end}"#,
            period.format("%Y-%m-%dT%H")
        );
    }
    let _ = writeln!(
        text,
        r#"],"description":"synthetic: invented for tests and first steps, see README.md"}},"request":{{"command":"/v2/electricity/rto/{route}/data/","params":{{"frequency":"hourly","data":["value"],"facets":{{"respondent":["{respondent}"],"{facet}":["{code}"]}},"offset":{offset},"length":{PAGE}}}}},"apiVersion":"2.1.12"}}"#
    );
    text
}

/// Numbers without a pattern, from a seed: the generator `SplitMix64` of Steele, Lea and Flood (2014).
struct SplitMix(u64);

impl SplitMix {
    /// Uniform in [0, 1).
    fn uniform(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^= mixed >> 31;
        #[expect(clippy::cast_precision_loss, reason = "53 bits fit")]
        let share = (mixed >> 11) as f64 / (1_u64 << 53) as f64;
        share
    }

    /// Close to standard normal: the sum of twelve uniforms has the variance 1.
    fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.uniform()).sum::<f64>() - 6.0
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn the_bundled_pages_are_what_the_generator_writes() {
        for (path, text) in recordings() {
            let bundled = std::fs::read_to_string(&path).expect("a bundled page");
            assert!(
                bundled == text,
                "{} differs: write it with `cargo run --example generate_fixtures`",
                path.display()
            );
        }
    }

    #[test]
    fn the_bundled_pages_are_believable() {
        let pages: Vec<Value> = pages(&COUNTRY)
            .iter()
            .map(|(_, text)| serde_json::from_str(text).expect("a page"))
            .collect();
        let rows = |page: &Value| page["response"]["data"].as_array().expect("rows").clone();
        assert_eq!(
            pages.iter().map(|page| rows(page).len()).collect::<Vec<_>>(),
            [5000, 136]
        );
        assert!(pages.iter().all(|page| page["response"]["total"] == "5136"));
        let july: Vec<f64> = rows(&pages[0])
            .iter()
            .filter(|row| row["period"].as_str().expect("a time").starts_with("2023-07"))
            .map(|row| row["value"].as_str().expect("a text").parse().expect("a number"))
            .collect();
        let peak = july.iter().copied().fold(0.0, f64::max);
        let low = july.iter().copied().fold(f64::MAX, f64::min);
        assert!((220_000.0..270_000.0).contains(&peak), "{peak}");
        assert!((110_000.0..150_000.0).contains(&low), "{low}");
    }
}
